/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trackers, HTTP and UDP, alive or not, that remember what they were told. */

#include "sim-tracker.h"

#include "shoal-bencode.h"
#include "shoal-reader.h"
#include "shoal-udp-tracker.h"

#include <stdlib.h>
#include <string.h>

#define CONNECTION G_GUINT64_CONSTANT (0x1122334455667788)
#define PEERS_MAX  50u
#define EARLY_S    1   /* rounding is no sin */

SimTracker *
sim_tracker_new (SimWorld       *world,
                 const char     *name,
                 SimTrackerMood  mood)
{
  SimTracker *self = g_new0 (SimTracker, 1);
  const guint8 ip[4] = { 198, 18, 1, (guint8) (world->trackers->len + 1) };

  self->world = world;
  self->name = g_strdup (name);
  self->addr = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 80);
  self->mood = mood;
  self->interval_s = 1800;
  self->apart_us = SHOAL_NEVER;
  self->peers = g_array_new (FALSE, TRUE, sizeof (SimTrackerPeer));
  g_ptr_array_add (world->trackers, self);

  return self;
}

void
sim_tracker_free (SimTracker *self)
{
  g_array_unref (self->peers);
  g_free (self->name);
  g_free (self);
}

SimTracker *
sim_tracker_find (SimWorld   *world,
                  const char *name)
{
  for (guint i = 0; i < world->trackers->len; i++)
    {
      SimTracker *tracker = g_ptr_array_index (world->trackers, i);

      if (strcmp (tracker->name, name) == 0)
        return tracker;
    }

  return NULL;
}

SimTracker *
sim_tracker_at (SimWorld        *world,
                const ShoalAddr *addr)
{
  for (guint i = 0; i < world->trackers->len; i++)
    {
      SimTracker *tracker = g_ptr_array_index (world->trackers, i);

      if (shoal_addr_same_ip (&tracker->addr, addr))
        return tracker;
    }

  return NULL;
}

SimTrackerPeer *
sim_tracker_peer (SimTracker      *self,
                  const ShoalAddr *addr,
                  const ShoalSha1 *key)
{
  SimTrackerPeer fresh = { .addr = *addr, .key = *key };

  for (guint i = 0; i < self->peers->len; i++)
    {
      SimTrackerPeer *peer = &g_array_index (self->peers, SimTrackerPeer, i);

      if (shoal_addr_equal (&peer->addr, addr) && shoal_sha1_equal (&peer->key, key))
        return peer;
    }
  g_array_append_val (self->peers, fresh);

  return &g_array_index (self->peers, SimTrackerPeer, self->peers->len - 1);
}

guint
sim_tracker_sample (SimTracker      *self,
                    const ShoalSha1 *key,
                    const ShoalAddr *asker,
                    ShoalAddr       *out,
                    guint            max)
{
  guint len = self->peers->len;
  g_autofree guint *order = g_new (guint, len + 1);
  guint n = 0;

  for (guint i = 0; i < len; i++)
    order[i] = i;
  for (guint i = 0; i < len && n < max; i++)
    {
      guint other = i + shoal_rng_below (&self->world->rng, len - i);
      guint swap = order[i];
      const SimTrackerPeer *peer;

      order[i] = order[other];
      order[other] = swap;
      peer = &g_array_index (self->peers, SimTrackerPeer, order[i]);
      if (!peer->gone && shoal_sha1_equal (&peer->key, key)
          && !shoal_addr_equal (&peer->addr, asker))
        out[n++] = peer->addr;
    }

  return n;
}

/* Notes an announce and fills in the peers for the answer. */
static guint
announced (SimTracker      *self,
           const ShoalAddr *from,
           ShoalAnnounce   *announce,
           guint32          transaction,
           ShoalAddr       *out)
{
  gint64 now_us = self->world->now_us;
  ShoalAddr addr = *from;
  SimTrackerPeer *peer;

  addr.port = announce->port;
  peer = sim_tracker_peer (self, &addr, &announce->info_hash);
  if (transaction == 0 || peer->transaction != transaction)
    {
      if (peer->n_announces > 0 && announce->event == SHOAL_ANNOUNCE_NONE
          && now_us - peer->last_us < (gint64) (self->interval_s - EARLY_S) * SIM_SECOND)
        self->n_early++;
      peer->last_us = now_us;
      peer->n_announces++;
      peer->n_started += announce->event == SHOAL_ANNOUNCE_STARTED;
      peer->n_completed += announce->event == SHOAL_ANNOUNCE_COMPLETED;
      peer->n_stopped += announce->event == SHOAL_ANNOUNCE_STOPPED;
      peer->gone = announce->event == SHOAL_ANNOUNCE_STOPPED;
      peer->left = announce->left;
      peer->downloaded = announce->downloaded;
      peer->uploaded = announce->uploaded;
    }
  peer->transaction = transaction;

  if (announce->event == SHOAL_ANNOUNCE_STOPPED || announce->numwant == 0)
    return 0;

  return sim_tracker_sample (self, &announce->info_hash, &addr, out,
                             announce->numwant < 0 ? PEERS_MAX
                                                   : MIN ((guint) announce->numwant, PEERS_MAX));
}

/* Notes a scrape for @n torrents. Returns: how many are told of. */
static guint
scraped (SimTracker *self,
         guint       n)
{
  if (self->n_scrapes++ > 0)
    self->apart_us = MIN (self->apart_us, self->world->now_us - self->scraped_us);
  self->scraped_us = self->world->now_us;
  if (self->scrape_max > 0)
    n = MIN (n, self->scrape_max);
  self->n_scraped += n;

  return n;
}

/* Those that are there with all of it, or not. */
static guint
count_peers (SimTracker      *self,
             const ShoalSha1 *key,
             gboolean         seeds)
{
  guint n = 0;

  for (guint i = 0; i < self->peers->len; i++)
    {
      const SimTrackerPeer *peer = &g_array_index (self->peers, SimTrackerPeer, i);

      n += !peer->gone && shoal_sha1_equal (&peer->key, key) && (peer->left == 0) == seeds ? 1 : 0;
    }

  return n;
}

/* --- HTTP --- */

/* (transfer full) (nullable): the value of a key in the query, unescaped; NUL bytes allowed. */
static guint8 *
query_value (const char *url,
             const char *key,
             gsize      *size)
{
  const char *at = strchr (url, '?');
  gsize key_size = strlen (key);
  GByteArray *value;

  while (at != NULL && !(strncmp (at + 1, key, key_size) == 0 && at[1 + key_size] == '='))
    at = strchr (at + 1, '&');
  if (at == NULL)
    return NULL;

  value = g_byte_array_new ();
  for (at += 2 + key_size; *at != '\0' && *at != '&'; at++)
    {
      guint8 byte = (guint8) *at;

      if (byte == '%' && g_ascii_isxdigit (at[1]) && g_ascii_isxdigit (at[2]))
        {
          byte = (guint8) (g_ascii_xdigit_value (at[1]) * 16 + g_ascii_xdigit_value (at[2]));
          at += 2;
        }
      g_byte_array_append (value, &byte, 1);
    }
  *size = value->len;
  g_byte_array_append (value, (const guint8 *) "", 1);

  return g_byte_array_free (value, FALSE);
}

static guint64
query_number (const char *url,
              const char *key,
              guint64     otherwise)
{
  gsize size;
  g_autofree guint8 *text = query_value (url, key, &size);

  return text != NULL ? g_ascii_strtoull ((const char *) text, NULL, 10) : otherwise;
}

static gboolean
parse_query (ShoalAnnounce *out,
             const char    *url)
{
  gsize hash_size = 0, event_size = 0;
  g_autofree guint8 *hash = query_value (url, "info_hash", &hash_size);
  g_autofree guint8 *event = query_value (url, "event", &event_size);

  memset (out, 0, sizeof *out);
  if (hash == NULL || hash_size != SHOAL_SHA1_SIZE)
    return FALSE;
  memcpy (out->info_hash.bytes, hash, SHOAL_SHA1_SIZE);
  out->port = (guint16) query_number (url, "port", 0);
  out->uploaded = query_number (url, "uploaded", 0);
  out->downloaded = query_number (url, "downloaded", 0);
  out->left = query_number (url, "left", 0);
  out->numwant = (gint32) query_number (url, "numwant", PEERS_MAX);
  if (event != NULL)
    out->event = strcmp ((char *) event, "started") == 0     ? SHOAL_ANNOUNCE_STARTED
                 : strcmp ((char *) event, "completed") == 0 ? SHOAL_ANNOUNCE_COMPLETED
                 : strcmp ((char *) event, "stopped") == 0   ? SHOAL_ANNOUNCE_STOPPED
                                                             : SHOAL_ANNOUNCE_NONE;

  return TRUE;
}

static GBytes *
scrape_http (SimTracker *self,
             const char *url)
{
  g_auto(ShoalWriter) out = { 0 };
  g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func (g_free);
  gsize size;
  guint n;

  for (const char *at = strchr (url, '?'); at != NULL; at = strchr (at + 1, '&'))
    {
      /* The first one of what is left. */
      g_autofree char *rest = g_strconcat ("?", at + 1, NULL);
      guint8 *key = query_value (rest, "info_hash", &size);

      if (key != NULL)
        g_ptr_array_add (keys, key);
    }
  n = scraped (self, keys->len);
  shoal_bencode_write_begin (&out, SHOAL_BENCODE_DICT);
  shoal_bencode_write_text (&out, "files");
  shoal_bencode_write_begin (&out, SHOAL_BENCODE_DICT);
  for (guint i = 0; i < n; i++)
    {
      ShoalSha1 key;

      memcpy (key.bytes, g_ptr_array_index (keys, i), sizeof key.bytes);
      shoal_bencode_write_bytes (&out, key.bytes, sizeof key.bytes);
      shoal_bencode_write_begin (&out, SHOAL_BENCODE_DICT);
      shoal_bencode_write_text (&out, "complete");
      shoal_bencode_write_int (&out, count_peers (self, &key, TRUE));
      shoal_bencode_write_text (&out, "incomplete");
      shoal_bencode_write_int (&out, count_peers (self, &key, FALSE));
      shoal_bencode_write_end (&out);
    }
  shoal_bencode_write_end (&out);
  shoal_bencode_write_end (&out);

  return shoal_writer_steal (&out);
}

GBytes *
sim_tracker_http (SimTracker      *self,
                  const ShoalAddr *from,
                  const char      *url)
{
  g_auto(ShoalWriter) out = { 0 };
  ShoalAddr peers[PEERS_MAX];
  guint8 compact[PEERS_MAX * 6];
  ShoalAnnounce announce;
  guint n;

  if (self->mood == SIM_TRACKER_BROKEN)
    return g_bytes_new_static ("<html>", 6);
  if (self->mood == SIM_TRACKER_REFUSES)
    return g_bytes_new_static ("d14:failure reason7:go awaye", 28);
  if (self->mood != SIM_TRACKER_ALIVE)
    return NULL;
  if (strstr (url, "/scrape?") != NULL)
    return scrape_http (self, url);
  if (!parse_query (&announce, url))
    return NULL;

  n = announced (self, from, &announce, 0, peers);
  for (guint i = 0; i < n; i++)
    shoal_addr_to_compact (&peers[i], compact + i * 6);
  shoal_bencode_write_begin (&out, SHOAL_BENCODE_DICT);
  shoal_bencode_write_text (&out, "interval");
  shoal_bencode_write_int (&out, self->interval_s);
  shoal_bencode_write_text (&out, "peers");
  shoal_bencode_write_bytes (&out, compact, n * 6);
  shoal_bencode_write_end (&out);

  return shoal_writer_steal (&out);
}

/* --- UDP --- */

static GBytes *
answer_announce (SimTracker      *self,
                 const ShoalAddr *from,
                 ShoalReader     *r,
                 guint32          transaction)
{
  static const ShoalAnnounceEvent events[] = {
    SHOAL_ANNOUNCE_NONE, SHOAL_ANNOUNCE_COMPLETED, SHOAL_ANNOUNCE_STARTED, SHOAL_ANNOUNCE_STOPPED,
  };
  g_auto(ShoalWriter) out = { 0 };
  ShoalAddr peers[PEERS_MAX];
  ShoalAnnounce announce = { 0 };
  guint n;

  shoal_reader_copy (r, announce.info_hash.bytes, SHOAL_SHA1_SIZE);
  shoal_reader_copy (r, announce.peer_id.bytes, SHOAL_PEER_ID_SIZE);
  announce.downloaded = shoal_reader_u64 (r);
  announce.left = shoal_reader_u64 (r);
  announce.uploaded = shoal_reader_u64 (r);
  announce.event = events[shoal_reader_u32 (r) % G_N_ELEMENTS (events)];
  shoal_reader_u32 (r);
  announce.key = shoal_reader_u32 (r);
  announce.numwant = (gint32) shoal_reader_u32 (r);
  announce.port = shoal_reader_u16 (r);
  if (r->bad)
    return NULL;

  n = announced (self, from, &announce, transaction, peers);
  shoal_writer_u32 (&out, SHOAL_UDP_TRACKER_ANNOUNCE);
  shoal_writer_u32 (&out, transaction);
  shoal_writer_u32 (&out, self->interval_s);
  shoal_writer_u32 (&out, 1);
  shoal_writer_u32 (&out, 1);
  for (guint i = 0; i < n; i++)
    shoal_addr_to_compact (&peers[i], shoal_writer_space (&out, 6));

  return shoal_writer_steal (&out);
}

static GBytes *
scrape_udp (SimTracker  *self,
            ShoalReader *r,
            guint32      transaction)
{
  g_auto(ShoalWriter) out = { 0 };
  guint n = scraped (self, (guint) (shoal_reader_left (r) / SHOAL_SHA1_SIZE));

  shoal_writer_u32 (&out, SHOAL_UDP_TRACKER_SCRAPE);
  shoal_writer_u32 (&out, transaction);
  for (guint i = 0; i < n; i++)
    {
      ShoalSha1 key;

      shoal_reader_copy (r, key.bytes, SHOAL_SHA1_SIZE);
      shoal_writer_u32 (&out, count_peers (self, &key, TRUE));
      shoal_writer_u32 (&out, 0);
      shoal_writer_u32 (&out, count_peers (self, &key, FALSE));
    }

  return shoal_writer_steal (&out);
}

GBytes *
sim_tracker_udp (SimTracker      *self,
                 const ShoalAddr *from,
                 const guint8    *data,
                 gsize            size)
{
  ShoalReader r = shoal_reader (data, size);
  guint64 connection = shoal_reader_u64 (&r);
  guint32 action = shoal_reader_u32 (&r);
  guint32 transaction = shoal_reader_u32 (&r);

  if (self->mood != SIM_TRACKER_ALIVE || r.bad)
    return NULL;
  if (action == SHOAL_UDP_TRACKER_CONNECT)
    {
      g_auto(ShoalWriter) out = { 0 };

      shoal_writer_u32 (&out, SHOAL_UDP_TRACKER_CONNECT);
      shoal_writer_u32 (&out, transaction);
      shoal_writer_u64 (&out, CONNECTION);
      return shoal_writer_steal (&out);
    }
  if (connection != CONNECTION)
    return NULL;
  if (action == SHOAL_UDP_TRACKER_SCRAPE)
    return scrape_udp (self, &r, transaction);
  if (action != SHOAL_UDP_TRACKER_ANNOUNCE)
    return NULL;

  return answer_announce (self, from, &r, transaction);
}
