/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: answers of HTTP trackers, read as an announce's and as a scrape's. */

#include "shoal-http-tracker.h"
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check (ShoalAnnounceAnswer *answer)
{
  g_assert (answer->failure == NULL || g_utf8_validate (answer->failure, -1, NULL));
  g_assert (answer->warning == NULL || g_utf8_validate (answer->warning, -1, NULL));
  g_assert (answer->interval_s >= 0 && answer->interval_s <= SHOAL_TRACKER_WAIT_MAX);
  g_assert (answer->min_interval_s >= 0 && answer->min_interval_s <= SHOAL_TRACKER_WAIT_MAX);
  g_assert (answer->retry_s >= -1);
  g_assert (answer->seeds >= -1 && answer->leechers >= -1 && answer->downloaded >= -1);
  for (guint i = 0; i < answer->counts->len; i++)
    {
      const ShoalTrackerCount *count = &g_array_index (answer->counts, ShoalTrackerCount, i);

      g_assert (count->seeds >= -1 && count->leechers >= -1 && count->downloaded >= -1);
    }
  g_assert (answer->peers->len <= SHOAL_TRACKER_PEERS_MAX);
  for (guint i = 0; i < answer->peers->len; i++)
    g_assert (shoal_addr_is_usable (&g_array_index (answer->peers, ShoalAddr, i)));
  shoal_announce_answer_clear (answer);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  ShoalAnnounceAnswer answer;
  ShoalSha1 hashes[SHOAL_HTTP_TRACKER_SCRAPE_MAX];

  for (guint i = 0; i < G_N_ELEMENTS (hashes); i++)
    memset (hashes[i].bytes, 'a' + (int) i, sizeof hashes[i].bytes);
  if (shoal_http_tracker_parse_announce (&answer, data, size, NULL))
    check (&answer);
  if (shoal_http_tracker_parse_scrape (&answer, hashes, G_N_ELEMENTS (hashes), data, size, NULL))
    {
      g_assert (answer.counts->len == G_N_ELEMENTS (hashes));
      check (&answer);
    }

  return 0;
}
