/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The handshake, byte by byte, and our own peer id. */

#include "shoal-client-name.h"
#include <string.h>

static void
make (ShoalHandshake *out,
      ShoalReserved   reserved)
{
  *out = (ShoalHandshake){ .reserved = reserved };
  memset (out->info_hash.bytes, 0xaa, sizeof out->info_hash.bytes);
  memcpy (out->peer_id.bytes, "-SH0100-abcdefghijkl", SHOAL_PEER_ID_SIZE);
}

static void
test_bytes (void)
{
  static const guint8 reserved[8] = { 0, 0, 0, 0, 0, 0x10, 0, 0x15 };
  guint8 bytes[SHOAL_HANDSHAKE_SIZE];
  ShoalHandshake out;

  make (&out,
        SHOAL_RESERVED_EXTENDED | SHOAL_RESERVED_FAST | SHOAL_RESERVED_DHT | SHOAL_RESERVED_V2);
  shoal_handshake_write (&out, bytes);
  g_assert_cmpmem (bytes, 20, "\x13" "BitTorrent protocol", 20);
  g_assert_cmpmem (bytes + 20, 8, reserved, 8);
  g_assert_cmpmem (bytes + 28, 20, out.info_hash.bytes, 20);
  g_assert_cmpmem (bytes + 48, 20, "-SH0100-abcdefghijkl", 20);
}

static void
test_round_trip (void)
{
  for (guint reserved = 0; reserved < 16; reserved++)
    {
      guint8 bytes[SHOAL_HANDSHAKE_SIZE];
      ShoalHandshake in;
      ShoalHandshake out;

      make (&in, (ShoalReserved) reserved);
      shoal_handshake_write (&in, bytes);
      g_assert_true (shoal_handshake_parse (&out, bytes));
      g_assert_cmpuint (out.reserved, ==, reserved);
      g_assert_cmpmem (out.info_hash.bytes, 20, in.info_hash.bytes, 20);
      g_assert_cmpmem (out.peer_id.bytes, 20, in.peer_id.bytes, 20);
    }
}

/* Bits that nobody has defined for us are passed over. */
static void
test_foreign_bits (void)
{
  guint8 bytes[SHOAL_HANDSHAKE_SIZE];
  ShoalHandshake handshake;

  make (&handshake, 0);
  shoal_handshake_write (&handshake, bytes);
  memset (bytes + 20, 0xff, 8);
  g_assert_true (shoal_handshake_parse (&handshake, bytes));
  g_assert_cmpuint (handshake.reserved, ==, 15);
}

static void
test_split (void)
{
  guint8 bytes[SHOAL_HANDSHAKE_SIZE];
  ShoalHandshake handshake;

  make (&handshake, SHOAL_RESERVED_FAST);
  shoal_handshake_write (&handshake, bytes);
  for (gsize size = 0; size <= sizeof bytes; size++)
    {
      g_autofree guint8 *copy = g_memdup2 (bytes, size);

      g_assert_true (shoal_handshake_begins (copy, size));
    }
  for (gsize wrong = 0; wrong < 20; wrong++)
    {
      bytes[wrong] ^= 1;
      g_assert_true (shoal_handshake_begins (bytes, wrong));
      g_assert_false (shoal_handshake_begins (bytes, wrong + 1));
      g_assert_false (shoal_handshake_parse (&handshake, bytes));
      bytes[wrong] ^= 1;
    }
  g_assert_false (shoal_handshake_begins ((const guint8 *) "GET / HTTP/1.1\r\n", 1));
}

static void
test_own_id (void)
{
  guint8 random[12];
  ShoalPeerId id;
  ShoalPeerId other;
  g_autofree char *name = NULL;

  for (guint i = 0; i < 12; i++)
    random[i] = (guint8) (i * 23);
  shoal_peer_id_make (&id, random);
  g_assert_cmpmem (id.bytes, 8, "-SH0100-", 8);
  for (guint i = 8; i < 20; i++)
    g_assert_true (g_ascii_isgraph (id.bytes[i]));
  random[0]++;
  shoal_peer_id_make (&other, random);
  g_assert_cmpint (memcmp (&id, &other, sizeof id), !=, 0);
  name = shoal_client_name (&id);
  g_assert_cmpstr (name, ==, "Shoal 0.1.0");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/handshake/bytes", test_bytes);
  g_test_add_func ("/wire/handshake/round-trip", test_round_trip);
  g_test_add_func ("/wire/handshake/foreign-bits", test_foreign_bits);
  g_test_add_func ("/wire/handshake/split", test_split);
  g_test_add_func ("/wire/peer-id/own", test_own_id);

  return g_test_run ();
}
