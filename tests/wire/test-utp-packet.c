/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uTP packets: exact bytes, every broken size, padding of every size. */

#include "shoal-utp-packet.h"
#include <string.h>
#include "shoal-test.h"

static ShoalUtpPacket
sample (void)
{
  return (ShoalUtpPacket){
    .type = SHOAL_UTP_DATA, .id = 0x1234, .sent_us = 0x01020304, .delay_us = 0x05060708,
    .window = 0x00100000, .seq = 0xfffe, .ack = 0x0007,
  };
}

static void
test_exact (void)
{
  static const guint8 sack[4] = { 1, 0, 0, 0x80 };
  g_autoptr (GBytes) plain = shoal_test_bytes ("01 00 1234 01020304 05060708 00100000 fffe 0007");
  g_autoptr (GBytes) full = shoal_test_bytes ("21 01 1234 01020304 05060708 00100000 fffe 0007 02 "
                                              "04 01000080 70 08 0000000000000000 00 03 000000");
  ShoalUtpPacket packet = sample ();
  guint8 out[64];

  g_assert_cmpmem (out, shoal_utp_packet_write_head (&packet, 0, out),
                   g_bytes_get_data (plain, NULL), g_bytes_get_size (plain));
  packet.type = SHOAL_UTP_STATE;
  packet.sack = sack;
  packet.sack_size = sizeof sack;
  g_assert_cmpuint (shoal_utp_packet_head_size (&packet, 15), ==, g_bytes_get_size (full));
  g_assert_cmpmem (out, shoal_utp_packet_write_head (&packet, 15, out),
                   g_bytes_get_data (full, NULL), g_bytes_get_size (full));
}

static void
test_round_trip (void)
{
  guint8 sack[SHOAL_UTP_SACK_MAX] = { 0x55 };
  guint8 bytes[SHOAL_UTP_HEADER_SIZE + 2 + SHOAL_UTP_SACK_MAX + SHOAL_UTP_PADDING_MAX + 3];

  for (guint padding = 0; padding <= SHOAL_UTP_PADDING_MAX; padding++)
    {
      ShoalUtpPacket packet = sample (), back;
      gsize head;

      if (padding > 0 && padding < SHOAL_UTP_PADDING_LEAST)
        continue;
      packet.sack = padding % 2 ? sack : NULL;
      packet.sack_size = padding % 2 ? sizeof sack : 0;
      head = shoal_utp_packet_write_head (&packet, padding, bytes);
      g_assert_cmpuint (head, ==, shoal_utp_packet_head_size (&packet, padding));
      g_assert_cmpuint (bytes[1], <, 3);   /* or old libutp takes it for another version */
      memcpy (bytes + head, "abc", 3);
      g_assert_true (shoal_utp_packet_parse (&back, bytes, head + 3));
      g_assert_cmpint (back.type, ==, SHOAL_UTP_DATA);
      g_assert_cmpuint (back.id, ==, packet.id);
      g_assert_cmpuint (back.sent_us, ==, packet.sent_us);
      g_assert_cmpuint (back.delay_us, ==, packet.delay_us);
      g_assert_cmpuint (back.window, ==, packet.window);
      g_assert_cmpuint (back.seq, ==, packet.seq);
      g_assert_cmpuint (back.ack, ==, packet.ack);
      g_assert_cmpmem (back.sack, back.sack_size, packet.sack, packet.sack_size);
      g_assert_cmpmem (back.payload, back.size, "abc", 3);
    }
}

static void
test_broken (void)
{
  static const char *broken[] = {
    "02 00 1234 01020304 05060708 00100000 fffe 0007",                       /* version */
    "51 00 1234 01020304 05060708 00100000 fffe 0007",                       /* type */
    "01 00 1234 01020304 05060708 00100000 fffe 00",                         /* short */
    /* no extension there */
    "01 01 1234 01020304 05060708 00100000 fffe 0007",
    "01 01 1234 01020304 05060708 00100000 fffe 0007 00 04 000000",          /* short extension */
    "01 01 1234 01020304 05060708 00100000 fffe 0007 00 00",                 /* empty */
    "01 01 1234 01020304 05060708 00100000 fffe 0007 01 04 00000000 00 04 00000000",   /* twice */
    "01 05 1234 01020304 05060708 00100000 fffe 0007 05 00 05 00 05 00 05 00 05 00 05 00 05 00 05 "
    "00"
    /* a chain without end */
    "05 00 05 00 05 00 05 00 05 00 05 00 05 00 05 00 00 00",
  };
  ShoalUtpPacket packet;

  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autoptr (GBytes) bytes = shoal_test_bytes (broken[i]);

      g_assert_false (shoal_utp_packet_parse (&packet, g_bytes_get_data (bytes, NULL),
                                              g_bytes_get_size (bytes)));
    }
}

static void
test_seq (void)
{
  g_assert_cmpint (shoal_utp_seq_diff (5, 3), ==, 2);
  g_assert_cmpint (shoal_utp_seq_diff (3, 5), ==, -2);
  g_assert_cmpint (shoal_utp_seq_diff (1, 65535), ==, 2);
  g_assert_cmpint (shoal_utp_seq_diff (65535, 1), ==, -2);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/utp-packet/exact", test_exact);
  g_test_add_func ("/wire/utp-packet/round-trip", test_round_trip);
  g_test_add_func ("/wire/utp-packet/broken", test_broken);
  g_test_add_func ("/wire/utp-packet/seq", test_seq);

  return g_test_run ();
}
