/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: a web seed's link, what is asked of it and one answer after the other; what is taken
 * is what was asked for, patience has its bounds. */

#include "shoal-reader.h"
#include "shoal-webseed.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

#define FILE_SIZE   1000u
#define LINK_MAX    64u   /* bytes of a link's part that comes from the input */
#define ANSWERS_MAX 64u

/* Three files on four pieces, or one. */
static const char several[] =
  "d4:infod5:filesl"
  "d6:lengthi20000e4:pathl1:a5:b%? #eed6:lengthi20000e4:pathl2:\xc3\xbc"
  "eed6:lengthi15000e4:pathl1:ceee"
  "4:name3:m n12:piece lengthi16384e6:pieces80:"
  "01234567890123456789012345678901234567890123456789012345678901234567890123456789ee";
static const char single[] =
  "d4:infod6:lengthi30000e4:name3:o+n12:piece "
  "lengthi16384e6:pieces40:0123456789012345678901234567890123456789ee";

/* The head of an answer, from the bytes. */
static void
read_answer (ShoalReader *reader,
             ShoalFetch  *fetch)
{
  guint8 flags = shoal_reader_u8 (reader);

  fetch->range_first = shoal_reader_u16 (reader) % FILE_SIZE;
  fetch->range_size = FILE_SIZE - fetch->range_first;
  fetch->status = shoal_reader_u16 (reader);
  fetch->encoded = (flags & 1) != 0;
  fetch->has_range = (flags & 2) != 0;
  fetch->got_first = shoal_reader_u32 (reader);
  fetch->got_last = shoal_reader_u32 (reader);
  fetch->got_total = (flags & 4) != 0 ? shoal_reader_u32 (reader) : SHOAL_SIZE_UNKNOWN;
  fetch->content_size = (flags & 8) != 0 ? shoal_reader_u32 (reader) : SHOAL_SIZE_UNKNOWN;
  fetch->retry_after_s = shoal_reader_u32 (reader);
}

static void
check_taken (const ShoalWebseed *seed,
             const ShoalFetch   *fetch)
{
  g_assert_false (fetch->encoded);
  if (fetch->status == 206 && seed->kind == SHOAL_WEBSEED_FILES)
    g_assert_cmpuint (fetch->got_first, ==, fetch->range_first);
  else
    g_assert_cmpuint (fetch->range_first, ==, 0);
}

/* A link goes on behind what the torrent says, and with nothing that has to be encoded. */
static void
check_link (const ShoalWebseed *seed,
            const char         *link)
{
  g_assert (g_str_has_prefix (link, seed->url));
  for (const char *at = link + strlen (seed->url); *at != '\0'; at++)
    g_assert (g_ascii_isgraph (*at) && strchr ("\"<>\\^`{|}", *at) == NULL);
}

static void
check_links (const ShoalWebseed  *seed,
             const ShoalMetainfo *metainfo,
             guint8               chosen)
{
  g_autofree char *of_file = shoal_webseed_file_url (seed, metainfo,
                                                     chosen % metainfo->layout->n_files);
  g_autofree char *of_piece = shoal_webseed_piece_url (seed, metainfo,
                                                       chosen % metainfo->layout->n_pieces, chosen,
                                                       1 + chosen);

  check_link (seed, of_file);
  check_link (seed, of_piece);
}

static void
take_answer (ShoalWebseed        *seed,
             const ShoalMetainfo *metainfo,
             ShoalReader         *reader,
             gint64              *now_us)
{
  ShoalFetch *fetch = shoal_fetch_new (SHOAL_FETCH_SEED, seed->url);
  ShoalWebseedVerdict verdict;
  guint8 chosen;

  read_answer (reader, fetch);
  chosen = (guint8) fetch->retry_after_s;
  verdict = shoal_webseed_judge (seed, fetch, FILE_SIZE, *now_us);
  if (verdict == SHOAL_WEBSEED_TAKE)
    {
      check_taken (seed, fetch);
      if (chosen & 1)
        shoal_webseed_failed (seed, "the connection broke", *now_us);
      else
        shoal_webseed_worked (seed);
    }
  else if (verdict == SHOAL_WEBSEED_GONE)
    {
      shoal_webseed_lacks (seed, metainfo->layout, chosen % metainfo->layout->n_files, *now_us);
      g_assert (seed->bits == NULL ? seed->until_us == *now_us + SHOAL_WEBSEED_EMPTY_US
                                   : !shoal_bitfield_is_empty (seed->bits));
    }
  else if (verdict == SHOAL_WEBSEED_HINT)
    {
      shoal_webseed_later (seed, fetch->retry_after_s, *now_us);
    }
  g_assert_cmpint (verdict == SHOAL_WEBSEED_USELESS, ==, seed->useless);
  g_assert_cmpint (seed->until_us, <=, *now_us + SHOAL_WEBSEED_AFTER_MAX_S * G_USEC_PER_SEC);
  g_assert_cmpuint (seed->max_lanes, >=, 1);
  g_assert_cmpuint (seed->max_lanes, <=, SHOAL_WEBSEED_LANES);
  *now_us = MAX (*now_us, seed->until_us);
  g_assert (shoal_webseed_is_ready (seed, *now_us) == !seed->useless);
  check_links (seed, metainfo, chosen);
  shoal_fetch_free (fetch);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  ShoalReader reader = shoal_reader (data, size);
  guint8 kind = shoal_reader_u8 (&reader);
  const char *torrent = kind & 2 ? single : several;
  g_autoptr (GBytes) bytes = g_bytes_new_static (torrent, strlen (torrent));
  g_autoptr (ShoalMetainfo) metainfo = shoal_metainfo_parse (bytes, NULL);
  gsize rest_size = kind & 4
                      ? MIN (shoal_reader_u8 (&reader) % LINK_MAX, shoal_reader_left (&reader))
                      : 0;
  g_autofree char *rest = g_strndup ((const char *) shoal_reader_bytes (&reader, rest_size),
                                     rest_size);
  g_autofree char *link = g_strconcat ("http://h/", rest, NULL);
  g_autoptr (ShoalWebseed) seed =
    shoal_webseed_new (kind & 1 ? SHOAL_WEBSEED_PIECES : SHOAL_WEBSEED_FILES, link, 1);
  gint64 now_us = G_USEC_PER_SEC;

  for (guint i = 0; i < ANSWERS_MAX && !reader.bad && !seed->useless; i++)
    take_answer (seed, metainfo, &reader, &now_us);

  return 0;
}
