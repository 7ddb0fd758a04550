/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: a web seed's link and one answer after the other; what is taken is what was asked for, and patience has its bounds. */

#include "shoal-reader.h"
#include "shoal-webseed.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

#define FILE_SIZE 1000u

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

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  ShoalReader reader;
  ShoalWebseedKind kind;
  g_autoptr (ShoalWebseed) seed = NULL;
  gint64 now_us = G_USEC_PER_SEC;

  reader = shoal_reader (data, size);
  kind = shoal_reader_u8 (&reader) % 2 == 0 ? SHOAL_WEBSEED_FILES : SHOAL_WEBSEED_PIECES;
  seed = shoal_webseed_new (kind, "http://h/x", 1);
  for (guint i = 0; i < 64 && !reader.bad && !seed->useless; i++)
    {
      ShoalFetch *fetch = shoal_fetch_new (SHOAL_FETCH_SEED, seed->url);
      ShoalWebseedVerdict verdict;

      read_answer (&reader, fetch);
      verdict = shoal_webseed_judge (seed, fetch, FILE_SIZE, now_us);
      if (verdict == SHOAL_WEBSEED_TAKE)
        {
          check_taken (seed, fetch);
          shoal_webseed_worked (seed);
        }
      g_assert_cmpint (verdict == SHOAL_WEBSEED_USELESS, ==, seed->useless);
      g_assert_cmpint (seed->until_us, <=, now_us + SHOAL_WEBSEED_AFTER_MAX_S * G_USEC_PER_SEC);
      g_assert_cmpuint (seed->max_lanes, >=, 1);
      g_assert_cmpuint (seed->max_lanes, <=, SHOAL_WEBSEED_LANES);
      now_us = MAX (now_us, seed->until_us);
      shoal_fetch_free (fetch);
    }

  return 0;
}
