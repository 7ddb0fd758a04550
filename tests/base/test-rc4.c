/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key streams of RFC 6229, and the same stream however it is cut. */

#include "shoal-digest.h"
#include "shoal-rc4.h"
#include "shoal-rng.h"
#include "shoal-test.h"

#include <string.h>

#define STREAM 5000u

static const struct
{
  const char *key;      /* hexadecimal */
  guint       offset;
  const char *stream;   /* hexadecimal */
} vectors[] = {
  { "0102030405", 0, "b2396305f03dc027ccc3524a0a1118a8" },
  { "0102030405", 1024, "30abbcc7c20b01609f23ee2d5f6bb7df" },
  { "0102030405", 4096, "ff25b58995996707e51fbdf08b34d875" },
  { "0102030405060708090a0b0c0d0e0f10", 0, "9ac7cc9a609d1ef7b2932899cde41b97" },
  { "4b6579", 0, "eb9f7781b734ca72a719" },
};

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      g_autoptr(GBytes) key = shoal_test_bytes (vectors[i].key);
      g_autoptr(GBytes) wanted = shoal_test_bytes (vectors[i].stream);
      guint8 bytes[16] = { 0 };
      ShoalRc4 rc4;

      shoal_rc4_init (&rc4, g_bytes_get_data (key, NULL), g_bytes_get_size (key));
      shoal_rc4_skip (&rc4, vectors[i].offset);
      shoal_rc4_apply (&rc4, bytes, g_bytes_get_size (wanted));
      g_assert_cmpmem (bytes, g_bytes_get_size (wanted), g_bytes_get_data (wanted, NULL),
                       g_bytes_get_size (wanted));
    }
}

static void
test_cuts (void)
{
  g_autofree guint8 *whole = g_malloc (STREAM);
  g_autofree guint8 *cut = g_malloc (STREAM);
  ShoalRc4 start;
  ShoalRc4 rc4;
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  shoal_rc4_init (&start, (const guint8 *) "a key", 5);
  rc4 = start;
  shoal_rng_bytes (&rng, whole, STREAM);
  memcpy (cut, whole, STREAM);
  shoal_rc4_apply (&rc4, whole, STREAM);

  for (guint round = 0; round < 20; round++)
    {
      g_autofree guint8 *bytes = g_memdup2 (cut, STREAM);

      rc4 = start;
      for (guint at = 0, n; at < STREAM; at += n)
        {
          n = 1 + shoal_rng_below (&rng, 40);
          n = MIN (n, STREAM - at);
          shoal_rc4_apply (&rc4, bytes + at, n);
        }
      g_assert_cmpmem (bytes, STREAM, whole, STREAM);
      rc4 = start;
      shoal_rc4_apply (&rc4, bytes, STREAM);
      g_assert_cmpmem (bytes, STREAM, cut, STREAM);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rc4/vectors", test_vectors);
  g_test_add_func ("/rc4/cuts", test_cuts);

  return g_test_run ();
}
