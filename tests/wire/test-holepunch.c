/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the messages for punching holes: vectors, there and back, nonsense. */

#include "shoal-holepunch.h"

#include <string.h>

static gboolean
parse (ShoalHolepunch *out,
       const guint8   *bytes,
       gsize           size)
{
  g_autofree guint8 *copy = g_memdup2 (bytes, size);

  return shoal_holepunch_parse (out, copy, size);
}

static void
test_vectors (void)
{
  static const guint8 rendezvous[] = { 0, 0, 1, 2, 3, 4, 0x1a, 0xe1, 0, 0, 0, 0 };
  static const guint8 connect_six[] = { 1, 1, 0x20, 1, 0xd, 0xb8, 0,    0,    0, 0, 0, 0,
                                        0, 0, 0,    0, 0,   1,    0x1a, 0xe2, 0, 0, 0, 0 };
  static const guint8 failed[] = { 2, 0, 1, 2, 3, 4, 0x1a, 0xe1, 0, 0, 0, 2 };
  ShoalHolepunch got;
  g_autofree char *text = NULL;

  g_assert_true (parse (&got, rendezvous, sizeof rendezvous));
  g_assert_cmpint (got.type, ==, SHOAL_HOLEPUNCH_RENDEZVOUS);
  g_assert_cmpuint (got.addr.port, ==, 6881);
  /* libtorrent leaves the code out where there is none. */
  g_assert_true (parse (&got, rendezvous, sizeof rendezvous - 4));
  g_assert_cmpuint (got.addr.port, ==, 6881);
  g_assert_true (parse (&got, connect_six, sizeof connect_six));
  g_assert_cmpint (got.type, ==, SHOAL_HOLEPUNCH_CONNECT);
  text = shoal_addr_to_text (&got.addr);
  g_assert_cmpstr (text, ==, "[2001:db8::1]:6882");
  g_assert_true (parse (&got, failed, sizeof failed));
  g_assert_cmpint (got.type, ==, SHOAL_HOLEPUNCH_ERROR);
  g_assert_cmpuint (got.error, ==, SHOAL_HOLEPUNCH_NOT_CONNECTED);
}

static void
test_malformed (void)
{
  guint8 bytes[32] = { 2, 0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 1 };
  ShoalHolepunch got;

  for (gsize size = 0; size < 12; size++)
    g_assert_false (parse (&got, bytes, size));
  bytes[1] = 2;
  g_assert_false (parse (&got, bytes, sizeof bytes));
  bytes[1] = 1;
  g_assert_false (parse (&got, bytes, 20));
  bytes[0] = 3;
  g_assert_false (parse (&got, bytes, sizeof bytes));
  bytes[0] = 0;
  bytes[1] = 0;
  g_assert_false (parse (&got, bytes, 10));
}

static void
test_there_and_back (void)
{
  static const char *const addrs[] = { "1.2.3.4:5", "[2001:db8::1]:65535" };

  for (guint type = 0; type <= SHOAL_HOLEPUNCH_ERROR; type++)
    for (guint i = 0; i < G_N_ELEMENTS (addrs); i++)
      {
        ShoalHolepunch sent = { .type = (ShoalHolepunchType) type,
                                .error = type == SHOAL_HOLEPUNCH_ERROR ? 7 : 0 };
        ShoalHolepunch got;
        g_autoptr(GBytes) bytes = NULL;

        g_assert_true (shoal_addr_parse (&sent.addr, addrs[i], 0));
        bytes = shoal_holepunch_write (&sent);
        g_assert_cmpuint (g_bytes_get_size (bytes), <=, SHOAL_HOLEPUNCH_SIZE_MAX);
        g_assert_true (shoal_holepunch_parse (&got, g_bytes_get_data (bytes, NULL),
                                              g_bytes_get_size (bytes)));
        g_assert_cmpint (got.type, ==, sent.type);
        g_assert_cmpuint (got.error, ==, sent.error);
        g_assert_true (shoal_addr_equal (&got.addr, &sent.addr));
      }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/holepunch/vectors", test_vectors);
  g_test_add_func ("/wire/holepunch/malformed", test_malformed);
  g_test_add_func ("/wire/holepunch/there-and-back", test_there_and_back);
  return g_test_run ();
}
