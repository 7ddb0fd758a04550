/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: answers of UDP trackers, of each kind. */

#include "shoal-udp-tracker.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check (ShoalAnnounceAnswer *answer)
{
  g_assert (answer->failure == NULL || g_utf8_validate (answer->failure, -1, NULL));
  g_assert (answer->interval_s >= 0 && answer->interval_s <= SHOAL_TRACKER_WAIT_MAX);
  g_assert (answer->seeds >= -1 && answer->leechers >= -1 && answer->downloaded >= -1);
  for (guint i = 0; i < answer->counts->len; i++)
    {
      const ShoalTrackerCount *count = &g_array_index (answer->counts, ShoalTrackerCount, i);

      g_assert (count->seeds >= -1 && count->leechers >= -1 && count->downloaded >= -1);
    }
  g_assert (answer->peers->len <= SHOAL_TRACKER_PEERS_MAX);
  shoal_announce_answer_clear (answer);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  ShoalAnnounceAnswer answer;
  ShoalUdpTrackerAction action;
  guint32 transaction;
  guint64 connection;

  shoal_udp_tracker_peek (data, size, &action, &transaction);
  shoal_udp_tracker_parse_connect (data, size, &connection);
  if (shoal_udp_tracker_parse_announce (&answer, SHOAL_FAMILY_IPV4, data, size))
    check (&answer);
  if (shoal_udp_tracker_parse_announce (&answer, SHOAL_FAMILY_IPV6, data, size))
    check (&answer);
  if (shoal_udp_tracker_parse_scrape (&answer, SHOAL_UDP_TRACKER_SCRAPE_MAX, data, size))
    {
      g_assert (answer.counts->len >= 1 && answer.counts->len <= SHOAL_UDP_TRACKER_SCRAPE_MAX);
      check (&answer);
    }
  if (shoal_udp_tracker_parse_error (&answer, data, size))
    check (&answer);

  return 0;
}
