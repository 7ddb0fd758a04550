/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exactly those are blamed whose blocks differ from the right ones, in whichever failure it was. */

#include "shoal-suspects.h"

#define N_BLOCKS 4u

/* Blocks named by letters; the right piece is "abcd". */
static void
digests_of (const char *blocks,
            ShoalSha1  *out)
{
  for (guint i = 0; i < N_BLOCKS; i++)
    shoal_sha1 (&blocks[i], 1, &out[i]);
}

static void
failed (ShoalSuspects *suspects,
        guint32        piece,
        const char    *blocks,
        const guint   *contributors)
{
  ShoalSha1 digests[N_BLOCKS];

  digests_of (blocks, digests);
  shoal_suspects_failed (suspects, piece, contributors, digests, N_BLOCKS);
}

static void
assert_liars (ShoalSuspects *suspects,
              guint32        piece,
              const guint   *expected,
              guint          n)
{
  g_autoptr(GArray) liars = g_array_new (FALSE, FALSE, sizeof (guint));
  ShoalSha1 digests[N_BLOCKS];

  digests_of ("abcd", digests);
  shoal_suspects_right (suspects, piece, digests, N_BLOCKS, liars);
  g_assert_cmpmem (liars->data, liars->len * sizeof (guint), expected, n * sizeof (guint));
  g_assert_false (shoal_suspects_has (suspects, piece));
}

static void
test_one_round (void)
{
  g_autoptr(ShoalSuspects) suspects = shoal_suspects_new ();

  failed (suspects, 7, "abXY", (const guint[]){ 1, 2, 3, 3 });
  failed (suspects, 8, "Zbcd", (const guint[]){ 1, 2, 3, 3 });
  assert_liars (suspects, 7, (const guint[]){ 3 }, 1);
  assert_liars (suspects, 8, (const guint[]){ 1 }, 1);
  assert_liars (suspects, 9, NULL, 0);
  failed (suspects, 7, "Zbcd", (const guint[]){ 1, 2, 3, 3 });
  shoal_suspects_forget (suspects, 7);
  assert_liars (suspects, 7, NULL, 0);
}

/* Who lied the first time is not forgotten because others lied after that. */
static void
test_rounds (void)
{
  g_autoptr(ShoalSuspects) suspects = shoal_suspects_new ();

  failed (suspects, 7, "aXcd", (const guint[]){ 1, 2, 1, 1 });
  failed (suspects, 7, "abcX", (const guint[]){ 4, 4, 4, 5 });
  failed (suspects, 7, "aXcd", (const guint[]){ 6, 2, 6, 6 });
  assert_liars (suspects, 7, (const guint[]){ 2, 5 }, 2);
}

static void
test_limits (void)
{
  g_autoptr(ShoalSuspects) suspects = shoal_suspects_new ();

  for (guint i = 0; i <= SHOAL_SUSPECTS_ROUNDS; i++)
    failed (suspects, 0, "aXcd", (const guint[]){ 100, i, 100, 100 });
  assert_liars (suspects, 0, (const guint[]){ 1, 2, 3, 4 }, 4);

  for (guint32 piece = 0; piece <= SHOAL_SUSPECTS_PIECES; piece++)
    failed (suspects, piece, "aXcd", (const guint[]){ 1, 2, 3, 4 });
  g_assert_true (shoal_suspects_has (suspects, SHOAL_SUSPECTS_PIECES - 1));
  g_assert_false (shoal_suspects_has (suspects, SHOAL_SUSPECTS_PIECES));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/suspects/one-round", test_one_round);
  g_test_add_func ("/suspects/rounds", test_rounds);
  g_test_add_func ("/suspects/limits", test_limits);

  return g_test_run ();
}
