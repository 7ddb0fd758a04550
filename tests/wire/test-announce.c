/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a tracker answers: its neutral state and which peers are taken. */

#include "shoal-announce.h"
#include <string.h>

static void
test_neutral (void)
{
  ShoalAnnounceAnswer answer;

  shoal_announce_answer_init (&answer);
  g_assert_null (answer.failure);
  g_assert_null (answer.warning);
  g_assert_null (answer.tracker_id);
  g_assert_cmpint (answer.retry_s, ==, -1);
  g_assert_cmpint (answer.seeds, ==, -1);
  g_assert_cmpint (answer.leechers, ==, -1);
  g_assert_cmpint (answer.downloaded, ==, -1);
  g_assert_cmpint (answer.interval_s, ==, 0);
  g_assert_cmpint (answer.external.family, ==, SHOAL_FAMILY_NONE);
  g_assert_cmpuint (answer.peers->len, ==, 0);
  shoal_announce_answer_clear (&answer);
  shoal_announce_answer_clear (&answer);
}

static void
test_usable_only (void)
{
  static const guint8 bytes[] = {
    10, 0, 0, 1, 0x1a, 0xe1,
    10, 0, 0, 2, 0, 0,        /* no port */
    0, 0, 0, 0, 0x1a, 0xe1,   /* no address */
    224, 0, 0, 1, 0x1a, 0xe1, /* many addresses */
    10, 0, 0, 3, 0x1a, 0xe2,
    10, 0, 0,                 /* cut off */
  };
  ShoalAnnounceAnswer answer;

  shoal_announce_answer_init (&answer);
  shoal_announce_answer_add_compact (&answer, SHOAL_FAMILY_IPV4, bytes, sizeof bytes);
  g_assert_cmpuint (answer.peers->len, ==, 2);
  g_assert_cmpuint (g_array_index (answer.peers, ShoalAddr, 0).port, ==, 6881);
  g_assert_cmpuint (g_array_index (answer.peers, ShoalAddr, 1).ip[3], ==, 3);
  shoal_announce_answer_clear (&answer);
}

static void
test_most (void)
{
  gsize size = 6 * (SHOAL_TRACKER_PEERS_MAX + 100);
  g_autofree guint8 *bytes = g_malloc (size);
  ShoalAnnounceAnswer answer;

  memset (bytes, 7, size);
  shoal_announce_answer_init (&answer);
  shoal_announce_answer_add_compact (&answer, SHOAL_FAMILY_IPV4, bytes, size);
  g_assert_cmpuint (answer.peers->len, ==, SHOAL_TRACKER_PEERS_MAX);
  shoal_announce_answer_clear (&answer);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/announce/neutral", test_neutral);
  g_test_add_func ("/wire/announce/usable-only", test_usable_only);
  g_test_add_func ("/wire/announce/most", test_most);

  return g_test_run ();
}
