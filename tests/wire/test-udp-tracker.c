/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UDP trackers: exact packets, BEP 41's options, answers of every size. */

#include "shoal-udp-tracker.h"
#include <string.h>

#define CONNECTION G_GUINT64_CONSTANT (0x0102030405060708)
#define HEAD_SIZE  98u

static ShoalAnnounce
make_announce (void)
{
  ShoalAnnounce announce = {
    .uploaded = 3,
    .downloaded = 1,
    .left = 2,
    .event = SHOAL_ANNOUNCE_STARTED,
    .key = 0xcafef00d,
    .numwant = -1,
    .port = 6881,
  };

  memset (announce.info_hash.bytes, 0xaa, SHOAL_SHA1_SIZE);
  memset (announce.peer_id.bytes, 0xbb, SHOAL_PEER_ID_SIZE);

  return announce;
}

static void
test_connect (void)
{
  guint8 out[SHOAL_UDP_TRACKER_PACKET_MAX];

  g_assert_cmpmem (out, shoal_udp_tracker_write_connect (out, 0x11223344),
                   "\x00\x00\x04\x17\x27\x10\x19\x80\x00\x00\x00\x00\x11\x22\x33\x44", 16);
}

static void
test_announce (void)
{
  static const guint8 tail[] = {
    0, 0, 0, 0, 0, 0, 0, 1,   /* downloaded */
    0, 0, 0, 0, 0, 0, 0, 2,   /* left */
    0, 0, 0, 0, 0, 0, 0, 3,   /* uploaded */
    0, 0, 0, 2,               /* started */
    0, 0, 0, 0,               /* address */
    0xca, 0xfe, 0xf0, 0x0d,   /* key */
    0xff, 0xff, 0xff, 0xff,   /* wanted peers */
    0x1a, 0xe1,               /* port */
  };
  static const guint8 numbers[] = { 0, 1, 2, 3, 0 };
  ShoalAnnounce announce = make_announce ();
  guint8 out[SHOAL_UDP_TRACKER_PACKET_MAX];

  g_assert_cmpuint (shoal_udp_tracker_write_announce (out, CONNECTION, 5, &announce, NULL), ==,
                    HEAD_SIZE);
  g_assert_cmpmem (out, 16, "\1\2\3\4\5\6\7\x08\0\0\0\1\0\0\0\5", 16);
  g_assert_cmpmem (out + 16, 20, announce.info_hash.bytes, 20);
  g_assert_cmpmem (out + 36, 20, announce.peer_id.bytes, 20);
  g_assert_cmpmem (out + 56, sizeof tail, tail, sizeof tail);

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      announce.event = (ShoalAnnounceEvent) i;
      shoal_udp_tracker_write_announce (out, CONNECTION, 5, &announce, NULL);
      g_assert_cmpuint (out[83], ==, numbers[i]);
    }
}

static void
test_url_data (void)
{
  ShoalAnnounce announce = make_announce ();
  guint8 out[SHOAL_UDP_TRACKER_PACKET_MAX];
  g_autofree char *path = g_strnfill (600, 'p');
  gsize size;

  g_assert_cmpuint (shoal_udp_tracker_write_announce (out, 1, 2, &announce, ""), ==, HEAD_SIZE);
  g_assert_cmpuint (shoal_udp_tracker_write_announce (out, 1, 2, &announce, "/"), ==, HEAD_SIZE);

  size = shoal_udp_tracker_write_announce (out, 1, 2, &announce, "/announce?x=y");
  g_assert_cmpmem (out + HEAD_SIZE, size - HEAD_SIZE, "\2\15/announce?x=y", 15);

  size = shoal_udp_tracker_write_announce (out, 1, 2, &announce, path);
  g_assert_cmpuint (size, ==, HEAD_SIZE + 600 + 3 * 2);
  g_assert_cmpuint (out[HEAD_SIZE], ==, 2);
  g_assert_cmpuint (out[HEAD_SIZE + 1], ==, 255);
  g_assert_cmpuint (out[HEAD_SIZE + 257], ==, 2);
  g_assert_cmpuint (out[HEAD_SIZE + 258], ==, 255);
  g_assert_cmpuint (out[HEAD_SIZE + 514], ==, 2);
  g_assert_cmpuint (out[HEAD_SIZE + 515], ==, 90);
  g_assert_cmpuint (out[HEAD_SIZE + 516], ==, 'p');
}

static void
test_url_data_limits (void)
{
  ShoalAnnounce announce = make_announce ();

  for (gsize size = 250; size < 2100; size++)
    {
      guint8 out[SHOAL_UDP_TRACKER_PACKET_MAX];
      g_autofree char *path = g_strnfill (size, 'p');
      gsize whole = HEAD_SIZE + size + 2 * ((size + 254) / 255);
      gsize written = shoal_udp_tracker_write_announce (out, 1, 2, &announce, path);

      g_assert_cmpuint (written, ==, whole <= sizeof out ? whole : HEAD_SIZE);
    }
}

static void
test_scrape (void)
{
  static const guint8 answer[] = {
    0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0,
    0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 7,
  };
  ShoalAnnounce announce = make_announce ();
  guint8 out[SHOAL_UDP_TRACKER_PACKET_MAX];
  ShoalSha1 hashes[SHOAL_UDP_TRACKER_SCRAPE_MAX];
  const ShoalTrackerCount *counts;
  ShoalAnnounceAnswer got;

  g_assert_cmpuint (shoal_udp_tracker_write_scrape (out, CONNECTION, 9, &announce.info_hash, 1), ==,
                    36);
  g_assert_cmpmem (out, 16, "\1\2\3\4\5\6\7\x08\0\0\0\2\0\0\0\x09", 16);
  g_assert_cmpmem (out + 16, 20, announce.info_hash.bytes, 20);

  /* As many as there are go unfragmented wherever IPv6 goes. */
  memset (hashes, 3, sizeof hashes);
  g_assert_cmpuint (shoal_udp_tracker_write_scrape (out, CONNECTION, 9, hashes,
                                                    G_N_ELEMENTS (hashes)),
                    <=, 1280 - 40 - 8);
  g_assert_cmpmem (out + 16, sizeof hashes, hashes, sizeof hashes);

  for (guint n = 1; n < 4; n++)
    {
      g_assert_true (shoal_udp_tracker_parse_scrape (&got, n, answer, sizeof answer));
      g_assert_cmpuint (got.counts->len, ==, MIN (n, 2));
      counts = (const ShoalTrackerCount *) (gpointer) got.counts->data;
      g_assert_cmpint (counts[0].seeds, ==, 1);
      g_assert_cmpint (counts[0].downloaded, ==, 2);
      g_assert_cmpint (counts[0].leechers, ==, 3);
      if (n > 1)
        g_assert_cmpint (counts[1].leechers, ==, 6);
      shoal_announce_answer_clear (&got);
    }
  g_assert_false (shoal_udp_tracker_parse_scrape (&got, 2, answer, 19));
}

static void
test_peek (void)
{
  ShoalUdpTrackerAction action;
  guint32 transaction;

  g_assert_true (shoal_udp_tracker_peek ((const guint8 *) "\0\0\0\3\0\0\1\0", 8, &action,
                                         &transaction));
  g_assert_cmpint (action, ==, SHOAL_UDP_TRACKER_ERROR);
  g_assert_cmpuint (transaction, ==, 256);
  g_assert_false (shoal_udp_tracker_peek ((const guint8 *) "\0\0\0\4\0\0\1\0", 8, &action,
                                          &transaction));
  g_assert_false (shoal_udp_tracker_peek ((const guint8 *) "\0\0\0\3\0\0\1\0", 7, &action,
                                          &transaction));
  g_assert_false (shoal_udp_tracker_peek (NULL, 0, &action, &transaction));
}

static void
test_connect_answer (void)
{
  static const guint8 bytes[] = { 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 99 };
  guint64 connection;

  g_assert_true (shoal_udp_tracker_parse_connect (bytes, 16, &connection));
  g_assert_cmpuint (connection, ==, CONNECTION);
  g_assert_true (shoal_udp_tracker_parse_connect (bytes, 17, &connection));
  for (gsize size = 0; size < 16; size++)
    g_assert_false (shoal_udp_tracker_parse_connect (bytes, size, &connection));
}

static void
test_announce_answer (void)
{
  static const guint8 bytes[] = {
    0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 7, 8, 0, 0, 0, 3, 0, 0, 0, 4,
    10, 0, 0, 1, 0x1a, 0xe1, 10, 0, 0, 2, 0x1a, 0xe2, 10, 0, 0, 3, 0x1a, 0xe3,
  };
  ShoalAnnounceAnswer got;

  for (gsize size = 0; size < 20; size++)
    g_assert_false (shoal_udp_tracker_parse_announce (&got, SHOAL_FAMILY_IPV4, bytes, size));
  for (gsize size = 20; size <= sizeof bytes; size++)
    {
      g_assert_true (shoal_udp_tracker_parse_announce (&got, SHOAL_FAMILY_IPV4, bytes, size));
      g_assert_cmpint (got.interval_s, ==, 1800);
      g_assert_cmpint (got.leechers, ==, 3);
      g_assert_cmpint (got.seeds, ==, 4);
      g_assert_cmpuint (got.peers->len, ==, (size - 20) / 6);
      shoal_announce_answer_clear (&got);
    }
  g_assert_true (shoal_udp_tracker_parse_announce (&got, SHOAL_FAMILY_IPV6, bytes, sizeof bytes));
  g_assert_cmpuint (got.peers->len, ==, 1);
  g_assert_cmpint (g_array_index (got.peers, ShoalAddr, 0).family, ==, SHOAL_FAMILY_IPV6);
  shoal_announce_answer_clear (&got);
}

static void
test_negative (void)
{
  guint8 bytes[20];
  ShoalAnnounceAnswer got;

  memset (bytes, 0xff, sizeof bytes);
  memcpy (bytes, "\0\0\0\1", 4);
  g_assert_true (shoal_udp_tracker_parse_announce (&got, SHOAL_FAMILY_IPV4, bytes, sizeof bytes));
  g_assert_cmpint (got.interval_s, ==, 0);
  g_assert_cmpint (got.leechers, ==, -1);
  g_assert_cmpint (got.seeds, ==, -1);
  shoal_announce_answer_clear (&got);
}

static void
test_error (void)
{
  ShoalAnnounceAnswer got;

  g_assert_true (shoal_udp_tracker_parse_error (&got, (const guint8 *) "\0\0\0\3\0\0\0\1no\nway",
                                                14));
  g_assert_cmpstr (got.failure, ==, "no way");
  shoal_announce_answer_clear (&got);
  g_assert_true (shoal_udp_tracker_parse_error (&got, (const guint8 *) "\0\0\0\3\0\0\0\1", 8));
  g_assert_nonnull (got.failure);
  shoal_announce_answer_clear (&got);
  g_assert_false (shoal_udp_tracker_parse_error (&got, (const guint8 *) "\0\0\0\3\0\0\0", 7));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/udp-tracker/connect", test_connect);
  g_test_add_func ("/wire/udp-tracker/announce", test_announce);
  g_test_add_func ("/wire/udp-tracker/url-data", test_url_data);
  g_test_add_func ("/wire/udp-tracker/url-data-limits", test_url_data_limits);
  g_test_add_func ("/wire/udp-tracker/scrape", test_scrape);
  g_test_add_func ("/wire/udp-tracker/peek", test_peek);
  g_test_add_func ("/wire/udp-tracker/connect-answer", test_connect_answer);
  g_test_add_func ("/wire/udp-tracker/announce-answer", test_announce_answer);
  g_test_add_func ("/wire/udp-tracker/negative", test_negative);
  g_test_add_func ("/wire/udp-tracker/error", test_error);

  return g_test_run ();
}
