/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys computed elsewhere, both ends knowing the same, and keys that are none. */

#include "shoal-dh.h"
#include "shoal-test.h"

#include <string.h>

#define PRIME                                                         \
  "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74"  \
  "020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437"  \
  "4fe1356d6d51c245e485b576625e7ec6f44c42e9a63a3621000000000009056"

static const char *const publics[2] = {
  "2dc225b5653d18a51c49bc940dfc0edad7e2dffdc8eb505e66a06566c5c7fe39"
  "5f175cbf2e79169e03c5e75267f55e36bae6f6e5b141173f31b7c0bfa713f170"
  "bc69e355f8c6f5f577d6034b191c12e83ce01f6bb48c10f773c34c67043467c3",
  "03c593e7dcfea0f15646f07b91aab5c9d94bea8862cfa18beb3f0621fc92df7a"
  "76dbb155a5d50b5e9f66def0854433675e74fb2b5c0c3a2ae060a0f6d417fd42"
  "9f5368a632bbb0008609ab2e9520a8fec77abb2631833b72ac8a5028ae2b76c2",
};

static const char shared[] =
  "5dc7d9d2ef61ce37df9adef55d30218e555e81792d04298dd8c1785831eb60f0"
  "d5a2497a8ab5003e8c9091f3506e3e4ff224a007969d50e6d78de5ab56554489"
  "2e8f26ae8e6c804a35494b409da86eafbc5e9dc6bc74889846c4996b9fdc1bbf";

static void
assert_key (const guint8 *key,
            const char   *hex)
{
  g_autoptr(GBytes) wanted = shoal_test_bytes (hex);

  g_assert_cmpmem (key, SHOAL_DH_SIZE, g_bytes_get_data (wanted, NULL), g_bytes_get_size (wanted));
}

static void
test_vectors (void)
{
  guint8 secrets[2][SHOAL_DH_SECRET_SIZE];
  guint8 keys[2][SHOAL_DH_SIZE];

  for (guint i = 0; i < SHOAL_DH_SECRET_SIZE; i++)
    {
      secrets[0][i] = (guint8) (1 + i);
      secrets[1][i] = (guint8) (200 + i);
    }
  for (guint i = 0; i < 2; i++)
    {
      shoal_dh_public (secrets[i], keys[i]);
      assert_key (keys[i], publics[i]);
    }
  for (guint i = 0; i < 2; i++)
    {
      guint8 out[SHOAL_DH_SIZE];

      g_assert_true (shoal_dh_shared (secrets[i], keys[1 - i], out));
      assert_key (out, shared);
    }
}

/* A secret of zeros is one as well. */
static void
test_zero (void)
{
  guint8 secret[SHOAL_DH_SECRET_SIZE] = { 0 };
  guint8 key[SHOAL_DH_SIZE];
  guint8 two[SHOAL_DH_SIZE] = { [SHOAL_DH_SIZE - 1] = 2 };

  shoal_dh_public (secret, key);
  g_assert_cmpmem (key, sizeof key, two, sizeof two);
}

static void
test_no_keys (void)
{
  static const struct
  {
    char     last;
    gboolean is_key;
  } ends[] = { { '1', TRUE }, { '2', FALSE }, { '3', FALSE }, { '4', FALSE } };
  guint8 secret[SHOAL_DH_SECRET_SIZE] = { 1, 2, 3 };
  guint8 key[SHOAL_DH_SIZE] = { 0 };
  guint8 out[SHOAL_DH_SIZE];

  g_assert_false (shoal_dh_shared (secret, key, out));
  key[SHOAL_DH_SIZE - 1] = 1;
  g_assert_false (shoal_dh_shared (secret, key, out));
  key[SHOAL_DH_SIZE - 1] = 2;
  g_assert_true (shoal_dh_shared (secret, key, out));
  memset (key, 0xff, sizeof key);
  g_assert_false (shoal_dh_shared (secret, key, out));

  /* Around the prime: the one before it is its own inverse. */
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_autofree char *hex = g_strdup_printf (PRIME "%c", ends[i].last);
      g_autoptr(GBytes) bytes = shoal_test_bytes (hex);

      g_assert_true (shoal_dh_shared (secret, g_bytes_get_data (bytes, NULL), out)
                     == ends[i].is_key);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dh/vectors", test_vectors);
  g_test_add_func ("/dh/zero", test_zero);
  g_test_add_func ("/dh/no-keys", test_no_keys);

  return g_test_run ();
}
