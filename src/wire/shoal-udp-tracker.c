/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UDP trackers: packets of BEP 15, with the URL data of BEP 41 and scrapes of BEP 48. */

/* Requests have fixed places; answers are read with ShoalReader and may be longer than BEP 15 says.
 * Pure functions, any thread. */

#include "shoal-udp-tracker.h"
#include "shoal-reader.h"
#include "shoal-safe-text.h"
#include "shoal-writer.h"

#define PROTOCOL_MAGIC      G_GUINT64_CONSTANT (0x41727101980)
#define CONNECT_SIZE        16u
#define ANNOUNCE_SIZE       98u
#define COUNT_SIZE          12u    /* of one torrent in a scrape's answer */
#define OPTION_URL_DATA     0x2
#define OPTION_DATA_MAX     255u

static const guint8 event_numbers[] = {
  [SHOAL_ANNOUNCE_NONE]      = 0,
  [SHOAL_ANNOUNCE_COMPLETED] = 1,
  [SHOAL_ANNOUNCE_STARTED]   = 2,
  [SHOAL_ANNOUNCE_STOPPED]   = 3,
  [SHOAL_ANNOUNCE_PAUSED]    = 0,
};

static guint8 *
put_bytes (guint8       *at,
           const guint8 *bytes,
           gsize         size)
{
  memcpy (at, bytes, size);

  return at + size;
}

gsize
shoal_udp_tracker_write_connect (guint8  *out,
                                 guint32  transaction)
{
  guint8 *at = shoal_put (out, PROTOCOL_MAGIC, 8);

  at = shoal_put (at, SHOAL_UDP_TRACKER_CONNECT, 4);
  at = shoal_put (at, transaction, 4);
  g_assert (at == out + CONNECT_SIZE);

  return CONNECT_SIZE;
}

/* BEP 41: options of at most 255 bytes. A path that does not fit is left out: half of one would
 * name something else. */
static guint8 *
put_url_data (guint8     *at,
              gsize       room,
              const char *path_and_query)
{
  gsize size = strlen (path_and_query);
  gsize n_options = (size + OPTION_DATA_MAX - 1) / OPTION_DATA_MAX;

  if (size > room || size + 2 * n_options > room)
    return at;

  while (size > 0)
    {
      gsize part = MIN (size, OPTION_DATA_MAX);

      *at++ = OPTION_URL_DATA;
      *at++ = (guint8) part;
      at = put_bytes (at, (const guint8 *) path_and_query, part);
      path_and_query += part;
      size -= part;
    }

  return at;
}

gsize
shoal_udp_tracker_write_announce (guint8              *out,
                                  guint64              connection,
                                  guint32              transaction,
                                  const ShoalAnnounce *announce,
                                  const char          *path_and_query)
{
  guint8 *at = out;

  g_return_val_if_fail (announce != NULL && announce->event < G_N_ELEMENTS (event_numbers), 0);

  at = shoal_put (at, connection, 8);
  at = shoal_put (at, SHOAL_UDP_TRACKER_ANNOUNCE, 4);
  at = shoal_put (at, transaction, 4);
  at = put_bytes (at, announce->info_hash.bytes, SHOAL_SHA1_SIZE);
  at = put_bytes (at, announce->peer_id.bytes, SHOAL_PEER_ID_SIZE);
  at = shoal_put (at, announce->downloaded, 8);
  at = shoal_put (at, announce->left, 8);
  at = shoal_put (at, announce->uploaded, 8);
  at = shoal_put (at, event_numbers[announce->event], 4);
  at = shoal_put (at, 0, 4);   /* address: that of the sender */
  at = shoal_put (at, announce->key, 4);
  at = shoal_put (at, (guint32) announce->numwant, 4);
  at = shoal_put (at, announce->port, 2);
  g_assert (at == out + ANNOUNCE_SIZE);

  if (path_and_query != NULL && strcmp (path_and_query, "/") != 0)
    at = put_url_data (at, SHOAL_UDP_TRACKER_PACKET_MAX - ANNOUNCE_SIZE, path_and_query);

  return (gsize) (at - out);
}

gsize
shoal_udp_tracker_write_scrape (guint8          *out,
                                guint64          connection,
                                guint32          transaction,
                                const ShoalSha1 *info_hashes,
                                guint            n)
{
  guint8 *at = shoal_put (out, connection, 8);

  g_return_val_if_fail (info_hashes != NULL && n >= 1 && n <= SHOAL_UDP_TRACKER_SCRAPE_MAX, 0);

  at = shoal_put (at, SHOAL_UDP_TRACKER_SCRAPE, 4);
  at = shoal_put (at, transaction, 4);
  for (guint i = 0; i < n; i++)
    at = put_bytes (at, info_hashes[i].bytes, SHOAL_SHA1_SIZE);

  return (gsize) (at - out);
}

gboolean
shoal_udp_tracker_peek (const guint8         *bytes,
                        gsize                 size,
                        ShoalUdpTrackerAction *action,
                        guint32              *transaction)
{
  ShoalReader reader = shoal_reader (bytes, size);
  guint32 number = shoal_reader_u32 (&reader);

  *transaction = shoal_reader_u32 (&reader);
  if (reader.bad || number > SHOAL_UDP_TRACKER_ERROR)
    return FALSE;
  *action = (ShoalUdpTrackerAction) number;

  return TRUE;
}

/* A reader behind the head of an answer to @action; it is bad if the packet is something else. */
static ShoalReader
begin_answer (const guint8          *bytes,
              gsize                  size,
              ShoalUdpTrackerAction  action)
{
  ShoalReader reader = shoal_reader (bytes, size);

  if (shoal_reader_u32 (&reader) != action)
    reader.bad = TRUE;
  shoal_reader_u32 (&reader);

  return reader;
}

/* Counts and seconds are signed on the wire; negative ones say nothing. */
static gint64
read_number (ShoalReader *reader,
             gint64       otherwise)
{
  gint32 value = (gint32) shoal_reader_u32 (reader);

  return value >= 0 ? value : otherwise;
}

gboolean
shoal_udp_tracker_parse_connect (const guint8 *bytes,
                                 gsize         size,
                                 guint64      *connection)
{
  ShoalReader reader = begin_answer (bytes, size, SHOAL_UDP_TRACKER_CONNECT);

  *connection = shoal_reader_u64 (&reader);

  return !reader.bad;
}

gboolean
shoal_udp_tracker_parse_announce (ShoalAnnounceAnswer *out,
                                  ShoalFamily          family,
                                  const guint8        *bytes,
                                  gsize                size)
{
  ShoalReader reader = begin_answer (bytes, size, SHOAL_UDP_TRACKER_ANNOUNCE);
  gint64 interval = read_number (&reader, 0);
  gint64 leechers = read_number (&reader, -1);
  gint64 seeds = read_number (&reader, -1);

  *out = (ShoalAnnounceAnswer){ 0 };
  if (reader.bad)
    return FALSE;

  shoal_announce_answer_init (out);
  out->interval_s = MIN (interval, SHOAL_TRACKER_WAIT_MAX);
  out->leechers = leechers;
  out->seeds = seeds;
  shoal_announce_answer_add_compact (out, family, reader.at, shoal_reader_left (&reader));

  return TRUE;
}

gboolean
shoal_udp_tracker_parse_scrape (ShoalAnnounceAnswer *out,
                                guint                n,
                                const guint8        *bytes,
                                gsize                size)
{
  ShoalReader reader = begin_answer (bytes, size, SHOAL_UDP_TRACKER_SCRAPE);

  *out = (ShoalAnnounceAnswer){ 0 };
  if (reader.bad || n == 0 || shoal_reader_left (&reader) < COUNT_SIZE)
    return FALSE;

  shoal_announce_answer_init (out);
  while (out->counts->len < n && shoal_reader_left (&reader) >= COUNT_SIZE)
    {
      ShoalTrackerCount count;

      count.seeds = read_number (&reader, -1);
      count.downloaded = read_number (&reader, -1);
      count.leechers = read_number (&reader, -1);
      g_array_append_val (out->counts, count);
    }

  return TRUE;
}

gboolean
shoal_udp_tracker_parse_error (ShoalAnnounceAnswer *out,
                               const guint8        *bytes,
                               gsize                size)
{
  ShoalReader reader = begin_answer (bytes, size, SHOAL_UDP_TRACKER_ERROR);

  *out = (ShoalAnnounceAnswer){ 0 };
  if (reader.bad)
    return FALSE;

  shoal_announce_answer_init (out);
  out->failure = shoal_safe_text (reader.at, shoal_reader_left (&reader), SHOAL_TRACKER_TEXT_MAX);
  if (out->failure == NULL)
    out->failure = g_strdup ("no reason given");

  return TRUE;
}
