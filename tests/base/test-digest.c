/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Digests of known messages, again and again; hexadecimal text. */

#include "shoal-digest.h"
#include "shoal-test.h"

#include <string.h>

static const struct
{
  const char *message;
  const char *sha1;
  const char *sha256;
} vectors[] = {
  { "", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
  { "abc", "a9993e364706816aba3e25717850c26c9cd0d89d",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
  { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void
test_once (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      ShoalSha1 sha1;
      ShoalSha256 sha256;
      g_autofree char *text1 = NULL;
      g_autofree char *text256 = NULL;

      shoal_sha1 (vectors[i].message, strlen (vectors[i].message), &sha1);
      shoal_sha256 (vectors[i].message, strlen (vectors[i].message), &sha256);
      text1 = shoal_hex (sha1.bytes, sizeof sha1.bytes);
      text256 = shoal_hex (sha256.bytes, sizeof sha256.bytes);
      g_assert_cmpstr (text1, ==, vectors[i].sha1);
      g_assert_cmpstr (text256, ==, vectors[i].sha256);
    }
}

/* One context for everything, each message given byte by byte. */
static void
test_reuse (void)
{
  g_autoptr(ShoalDigest) sha1 = shoal_digest_new (SHOAL_DIGEST_SHA1);
  g_autoptr(ShoalDigest) sha256 = shoal_digest_new (SHOAL_DIGEST_SHA256);

  for (guint round = 0; round < 2; round++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
        {
          guint8 out1[SHOAL_SHA1_SIZE];
          guint8 out256[SHOAL_SHA256_SIZE];
          g_autofree char *text1 = NULL;
          g_autofree char *text256 = NULL;

          for (const char *at = vectors[i].message; *at != '\0'; at++)
            {
              shoal_digest_update (sha1, at, 1);
              shoal_digest_update (sha256, at, 1);
            }
          shoal_digest_finish (sha1, out1);
          shoal_digest_finish (sha256, out256);
          text1 = shoal_hex (out1, sizeof out1);
          text256 = shoal_hex (out256, sizeof out256);
          g_assert_cmpstr (text1, ==, vectors[i].sha1);
          g_assert_cmpstr (text256, ==, vectors[i].sha256);
        }
    }
}

static void
test_hex (void)
{
  const guint8 bytes[] = { 0x00, 0x0f, 0xa5, 0xff };
  g_autofree char *text = shoal_hex (bytes, sizeof bytes);
  g_autofree char *empty = shoal_hex (NULL, 0);
  guint8 out[4];

  g_assert_cmpstr (text, ==, "000fa5ff");
  g_assert_cmpstr (empty, ==, "");

  g_assert_true (shoal_unhex ("000Fa5fF", 8, out, 4));
  g_assert_cmpmem (out, 4, bytes, 4);
  g_assert_true (shoal_unhex ("", 0, out, 0));

  g_assert_false (shoal_unhex ("000fa5ff", 7, out, 4));
  g_assert_false (shoal_unhex ("000fa5ff", 8, out, 3));
  g_assert_false (shoal_unhex ("000fa5f", 7, out, 3));
  g_assert_false (shoal_unhex ("000fa5fg", 8, out, 4));
  g_assert_false (shoal_unhex ("000fa5f\0", 8, out, 4));
}

static void
test_table (void)
{
  g_autoptr(GHashTable) table = g_hash_table_new (shoal_sha1_hash, shoal_sha1_equal);
  ShoalSha1 keys[50];
  ShoalSha1 again;

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      shoal_sha1 (&i, sizeof i, &keys[i]);
      g_hash_table_add (table, &keys[i]);
    }
  g_assert_cmpuint (g_hash_table_size (table), ==, G_N_ELEMENTS (keys));

  again = keys[17];
  g_assert_true (g_hash_table_contains (table, &again));
  again.bytes[19] ^= 1;
  g_assert_false (g_hash_table_contains (table, &again));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/digest/once", test_once);
  g_test_add_func ("/digest/reuse", test_reuse);
  g_test_add_func ("/digest/hex", test_hex);
  g_test_add_func ("/digest/table", test_table);

  return g_test_run ();
}
