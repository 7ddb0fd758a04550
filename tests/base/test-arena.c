/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The arena: bounds, warm runs, slabs that change their order, no run given out twice. */

#include "shoal-arena.h"
#include "shoal-rng.h"
#include "shoal-test.h"

#include <string.h>

#define KIB 1024
#define MIB (1024 * 1024)

static void
test_bounds (void)
{
  g_autoptr(ShoalArena) arena = shoal_arena_new (2 * MIB + 1);
  guint8 *runs[3];

  g_assert_cmpuint (shoal_arena_capacity (arena), ==, 3 * MIB);
  for (guint i = 0; i < 3; i++)
    {
      runs[i] = shoal_arena_take (arena, MIB);
      g_assert_nonnull (runs[i]);
      memset (runs[i], (int) i, MIB);
    }
  g_assert_cmpuint (shoal_arena_used (arena), ==, 3 * MIB);
  g_assert_null (shoal_arena_take (arena, 1));

  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpuint (runs[i][0], ==, i);
      g_assert_cmpuint (runs[i][MIB - 1], ==, i);
      shoal_arena_give (arena, runs[i], MIB);
    }
  g_assert_cmpuint (shoal_arena_used (arena), ==, 0);
}

static void
test_rounding (void)
{
  static const gsize sizes[][2] = {
    { 1, 4 * KIB }, { 4096, 4 * KIB }, { 4097, 8 * KIB }, { 16 * KIB, 16 * KIB },
    { 16 * KIB + 1, 32 * KIB }, { 600 * KIB, MIB }, { MIB, MIB },
  };
  g_autoptr(ShoalArena) arena = shoal_arena_new (MIB);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      guint8 *run = shoal_arena_take (arena, sizes[i][0]);

      g_assert_nonnull (run);
      g_assert_cmpuint (shoal_arena_used (arena), ==, sizes[i][1]);
      memset (run, 1, sizes[i][0]);
      shoal_arena_give (arena, run, sizes[i][0]);
    }
}

/* The run given last comes back first. */
static void
test_warm (void)
{
  g_autoptr(ShoalArena) arena = shoal_arena_new (4 * MIB);
  static const gsize sizes[] = { 16 * KIB, 256 * KIB, MIB };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      guint8 *a = shoal_arena_take (arena, sizes[i]);
      guint8 *b = shoal_arena_take (arena, sizes[i]);
      guint8 *c = shoal_arena_take (arena, sizes[i]);

      shoal_arena_give (arena, a, sizes[i]);
      shoal_arena_give (arena, c, sizes[i]);
      g_assert_true (shoal_arena_take (arena, sizes[i]) == c);
      g_assert_true (shoal_arena_take (arena, sizes[i]) == a);
      shoal_arena_give (arena, c, sizes[i]);
      shoal_arena_give (arena, a, sizes[i]);
      shoal_arena_give (arena, b, sizes[i]);
      g_assert_true (shoal_arena_take (arena, sizes[i]) == b);
      shoal_arena_give (arena, b, sizes[i]);
    }
}

static void
test_small_runs_share (void)
{
  g_autoptr(ShoalArena) arena = shoal_arena_new (2 * MIB);
  guint8 *small = shoal_arena_take (arena, 4 * KIB);
  guint8 *large = shoal_arena_take (arena, MIB);
  guint8 *more[255];

  g_assert_nonnull (large);
  g_assert_null (shoal_arena_take (arena, MIB));
  g_assert_null (shoal_arena_take (arena, 8 * KIB));
  for (guint i = 0; i < G_N_ELEMENTS (more); i++)
    {
      more[i] = shoal_arena_take (arena, 4 * KIB);
      g_assert_nonnull (more[i]);
    }
  g_assert_null (shoal_arena_take (arena, 4 * KIB));

  for (guint i = 0; i < G_N_ELEMENTS (more); i++)
    shoal_arena_give (arena, more[i], 4 * KIB);
  shoal_arena_give (arena, small, 4 * KIB);

  /* Empty again, the slab serves runs of another size. */
  small = shoal_arena_take (arena, 512 * KIB);
  g_assert_nonnull (small);
  shoal_arena_give (arena, small, 512 * KIB);
  shoal_arena_give (arena, large, MIB);
}

static void
test_trim (void)
{
  g_autoptr(ShoalArena) arena = shoal_arena_new (2 * MIB);
  guint8 *kept = shoal_arena_take (arena, MIB);
  guint8 *given = shoal_arena_take (arena, MIB);
  guint8 *again;

  memset (kept, 5, MIB);
  memset (given, 6, MIB);
  shoal_arena_give (arena, given, MIB);
  shoal_arena_trim (arena);
  shoal_arena_trim (arena);

  again = shoal_arena_take (arena, MIB);
  g_assert_true (again == given);
  g_assert_cmpuint (again[MIB / 2], ==, 0);
  g_assert_cmpuint (kept[MIB / 2], ==, 5);
  shoal_arena_give (arena, again, MIB);
  shoal_arena_give (arena, kept, MIB);
}

/* Every run keeps its mark until it is given back: none overlaps another. */
static void
test_random (void)
{
  static const gsize sizes[] = { 4 * KIB, 5000, 16 * KIB, 100 * KIB, 256 * KIB, MIB };
  g_autoptr(ShoalArena) arena = shoal_arena_new (8 * MIB);
  struct { guint8 *run; gsize size; guint8 mark; } out[300];
  guint n = 0;
  guint n_refused = 0;
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint step = 0; step < 20000; step++)
    {
      if (n < G_N_ELEMENTS (out) && shoal_rng_below (&rng, 100) < 55)
        {
          gsize size = sizes[shoal_rng_below (&rng, G_N_ELEMENTS (sizes))];
          guint8 *run = shoal_arena_take (arena, size);

          if (run == NULL)
            {
              n_refused++;
              continue;
            }
          out[n].run = run;
          out[n].size = size;
          out[n].mark = (guint8) step;
          run[0] = run[size - 1] = (guint8) step;
          n++;
        }
      else if (n > 0)
        {
          guint at = shoal_rng_below (&rng, n);

          g_assert_cmpuint (out[at].run[0], ==, out[at].mark);
          g_assert_cmpuint (out[at].run[out[at].size - 1], ==, out[at].mark);
          shoal_arena_give (arena, out[at].run, out[at].size);
          out[at] = out[--n];
        }
      if (step % 1000 == 0)
        shoal_arena_trim (arena);
    }

  while (n > 0)
    {
      n--;
      g_assert_cmpuint (out[n].run[0], ==, out[n].mark);
      shoal_arena_give (arena, out[n].run, out[n].size);
    }
  g_assert_cmpuint (n_refused, >, 0);
  g_assert_cmpuint (shoal_arena_used (arena), ==, 0);

  /* Nothing leaked: the whole capacity can be had. */
  for (n = 0; n < 8; n++)
    g_assert_nonnull (out[n].run = shoal_arena_take (arena, MIB));
  while (n > 0)
    shoal_arena_give (arena, out[--n].run, MIB);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/arena/bounds", test_bounds);
  g_test_add_func ("/arena/rounding", test_rounding);
  g_test_add_func ("/arena/warm", test_warm);
  g_test_add_func ("/arena/small-runs-share", test_small_runs_share);
  g_test_add_func ("/arena/trim", test_trim);
  g_test_add_func ("/arena/random", test_random);

  return g_test_run ();
}
