/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of local discovery's messages: as others write them, there and back, nonsense. */

#include "shoal-lsd-message.h"

#include <string.h>

#define HASH_A "0123456789abcdef0123456789ABCDEF01234567"
#define HASH_B "ffffffffffffffffffffffffffffffffffffffff"

static gboolean
parse (ShoalLsdMessage *out,
       const char      *text)
{
  gsize size = strlen (text);
  g_autofree guint8 *copy = g_memdup2 (text, size);

  return shoal_lsd_message_parse (out, copy, size);
}

static void
test_others (void)
{
  ShoalLsdMessage got;

  g_assert_true (parse (&got, "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: "
                              "6881\r\nInfohash: " HASH_A "\r\ncookie: 1a2b\r\n\r\n\r\n"));
  g_assert_cmpuint (got.port, ==, 6881);
  g_assert_cmpuint (got.n_hashes, ==, 1);
  g_assert_cmpuint (got.hashes[0].bytes[1], ==, 0x23);
  g_assert_cmpuint (got.hashes[0].bytes[13], ==, 0xab);
  g_assert_cmpstr (got.cookie, ==, "1a2b");
  /* Plain line ends, other cases, two hashes, no end, things that nobody knows. */
  g_assert_true (parse (&got, "BT-SEARCH * HTTP/1.0\nX-Y: z\nINFOHASH:" HASH_A
                              "\ninfohash: \t" HASH_B " \nport:1\nnothing"));
  g_assert_cmpuint (got.port, ==, 1);
  g_assert_cmpuint (got.n_hashes, ==, 2);
  g_assert_cmpstr (got.cookie, ==, "");
  /* A hash of another size is not one. */
  g_assert_true (parse (&got,
                        "BT-SEARCH * HTTP/1.1\r\nPort: 65535\r\nInfohash: 00\r\nInfohash: " HASH_B
                        "\r\n\r\n"));
  g_assert_cmpuint (got.n_hashes, ==, 1);
}

static void
test_malformed (void)
{
  static const char *const bad[] = {
    "", "\r\n", "BT-SEARCH", "GET / HTTP/1.1\r\nPort: 1\r\nInfohash: " HASH_A "\r\n",
    "BT-SEARCH * HTTP/1.1\r\nInfohash: " HASH_A "\r\n",
    "BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n",
    "BT-SEARCH * HTTP/1.1\r\nPort: 0\r\nInfohash: " HASH_A "\r\n",
    "BT-SEARCH * HTTP/1.1\r\nPort: 65536\r\nInfohash: " HASH_A "\r\n",
    "BT-SEARCH * HTTP/1.1\r\nPort: -1\r\nInfohash: " HASH_A "\r\n",
    "BT-SEARCH * HTTP/1.1\r\nPort: 1x\r\nInfohash: " HASH_A "\r\n",
    "BT-SEARCH * HTTP/1.1\r\nPort:\r\nInfohash: " HASH_A "\r\n",
    "BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: g" HASH_A "\r\n",
    "BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: g123456789abcdef0123456789abcdef01234567\r\n",
  };
  g_autofree char *huge = g_strnfill (SHOAL_LSD_SIZE_MAX + 1, 'x');
  ShoalLsdMessage got;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (parse (&got, bad[i]));
  g_assert_false (parse (&got, huge));
}

static void
test_there_and_back (void)
{
  static const ShoalFamily families[] = { SHOAL_FAMILY_IPV4, SHOAL_FAMILY_IPV6 };

  for (guint f = 0; f < G_N_ELEMENTS (families); f++)
    {
      ShoalLsdMessage sent = { .port = 51413,
                               .n_hashes = SHOAL_LSD_HASHES_MAX,
                               .cookie = "0123456789abcdef" };
      ShoalLsdMessage got;
      g_autoptr(GBytes) bytes = NULL;

      for (guint i = 0; i < sent.n_hashes; i++)
        memset (&sent.hashes[i], (int) i * 11, sizeof sent.hashes[i]);
      bytes = shoal_lsd_message_write (&sent, families[f]);
      g_assert_cmpuint (g_bytes_get_size (bytes), <, 1400);
      g_assert_true (shoal_lsd_message_parse (&got, g_bytes_get_data (bytes, NULL),
                                              g_bytes_get_size (bytes)));
      g_assert_cmpuint (got.port, ==, sent.port);
      g_assert_cmpstr (got.cookie, ==, sent.cookie);
      g_assert_cmpmem (got.hashes, got.n_hashes * sizeof *got.hashes, sent.hashes,
                       sent.n_hashes * sizeof *sent.hashes);
    }
}

static void
test_groups (void)
{
  ShoalAddr four = shoal_lsd_group (SHOAL_FAMILY_IPV4);
  ShoalAddr six = shoal_lsd_group (SHOAL_FAMILY_IPV6);
  g_autofree char *four_text = shoal_addr_to_text (&four);
  g_autofree char *six_text = shoal_addr_to_text (&six);

  g_assert_cmpstr (four_text, ==, "239.192.152.143:6771");
  g_assert_cmpstr (six_text, ==, "[ff15::efc0:988f]:6771");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/lsd-message/others", test_others);
  g_test_add_func ("/wire/lsd-message/malformed", test_malformed);
  g_test_add_func ("/wire/lsd-message/there-and-back", test_there_and_back);
  g_test_add_func ("/wire/lsd-message/groups", test_groups);
  return g_test_run ();
}
