/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the merkle trees, against trees that are built plainly, level by level. */

#include "shoal-merkle.h"

#include <string.h>

#define LEAVES_MAX 64

static void
plain_root (const ShoalSha256 *leaves,
            guint              n,
            guint              n_leaves,
            ShoalSha256        zero,
            ShoalSha256       *out)
{
  ShoalSha256 nodes[LEAVES_MAX];

  for (guint i = 0; i < n_leaves; i++)
    nodes[i] = i < n ? leaves[i] : zero;
  for (; n_leaves > 1; n_leaves /= 2)
    for (guint i = 0; i < n_leaves / 2; i++)
      {
        ShoalSha256 pair[2] = { nodes[2 * i], nodes[2 * i + 1] };

        shoal_sha256 (pair, sizeof pair, &nodes[i]);
      }
  *out = nodes[0];
}

static void
make_leaves (ShoalSha256 *leaves)
{
  for (guint i = 0; i < LEAVES_MAX; i++)
    shoal_sha256 (&i, sizeof i, &leaves[i]);
}

static void
test_roots (void)
{
  ShoalSha256 leaves[LEAVES_MAX];

  make_leaves (leaves);
  for (guint level = 0; level < 3; level++)
    for (guint n = 0; n <= LEAVES_MAX; n++)
      for (guint64 n_leaves = shoal_merkle_round_up (n); n_leaves <= LEAVES_MAX; n_leaves *= 2)
        {
          ShoalMerkle merkle;
          ShoalSha256 zero, want, have;

          shoal_merkle_zero (level, &zero);
          plain_root (leaves, n, (guint) n_leaves, zero, &want);
          shoal_merkle_init (&merkle);
          for (guint i = 0; i < n; i++)
            shoal_merkle_add (&merkle, &leaves[i]);
          shoal_merkle_root (&merkle, n_leaves, level, &have);
          g_assert_cmpmem (&have, sizeof have, &want, sizeof want);
        }
}

static void
test_layer (void)
{
  ShoalSha256 leaves[LEAVES_MAX];
  ShoalSha256 zero, root;

  make_leaves (leaves);
  shoal_merkle_zero (4, &zero);
  plain_root (leaves, 5, 8, zero, &root);
  g_assert_true (shoal_merkle_check_layer (leaves[0].bytes, 5, 4, &root));
  g_assert_false (shoal_merkle_check_layer (leaves[0].bytes, 6, 4, &root));
  g_assert_false (shoal_merkle_check_layer (leaves[0].bytes, 5, 3, &root));
  leaves[4].bytes[31] ^= 1;
  g_assert_false (shoal_merkle_check_layer (leaves[0].bytes, 5, 4, &root));
}

static void
test_data (void)
{
  static guint8 data[40000];
  ShoalSha256 leaves[3], zero = { { 0 } }, want, have;

  memset (data, 'x', sizeof data);
  shoal_sha256 (data, 16384, &leaves[0]);
  leaves[1] = leaves[0];
  shoal_sha256 (data, 40000 - 32768, &leaves[2]);
  plain_root (leaves, 3, 8, zero, &want);
  shoal_merkle_data_root (data, sizeof data, 8, &have);
  g_assert_cmpmem (&have, sizeof have, &want, sizeof want);

  shoal_merkle_data_root (data, 16384, 1, &have);
  g_assert_cmpmem (&have, sizeof have, &leaves[0], sizeof leaves[0]);
}

static void
test_round_up (void)
{
  g_assert_cmpuint (shoal_merkle_round_up (0), ==, 1);
  g_assert_cmpuint (shoal_merkle_round_up (1), ==, 1);
  g_assert_cmpuint (shoal_merkle_round_up (5), ==, 8);
  g_assert_cmpuint (shoal_merkle_round_up (64), ==, 64);
  g_assert_cmpuint (shoal_merkle_round_up (G_GUINT64_CONSTANT (1) << 40), ==,
                    G_GUINT64_CONSTANT (1) << 40);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/merkle/roots", test_roots);
  g_test_add_func ("/wire/merkle/layer", test_layer);
  g_test_add_func ("/wire/merkle/data", test_data);
  g_test_add_func ("/wire/merkle/round-up", test_round_up);
  return g_test_run ();
}
