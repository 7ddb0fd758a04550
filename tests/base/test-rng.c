/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chance: known numbers, evenness, repeatability. */

#include "shoal-rng.h"
#include "shoal-test.h"

#include <string.h>

/* The first numbers of the generator's published form for a state of 1, 2, 3, 4. */
static void
test_known (void)
{
  static const guint64 expected[] = {
    11520, 0, 1509978240, G_GUINT64_CONSTANT (1215971899390074240),
  };
  ShoalRng rng = { { 1, 2, 3, 4 } };

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_cmpuint (shoal_rng_next (&rng), ==, expected[i]);
}

/* splitmix64 of a seed of 0 begins with a published number. */
static void
test_seed (void)
{
  ShoalRng a;
  ShoalRng b;

  shoal_rng_init (&a, 0);
  g_assert_cmphex (a.state[0], ==, G_GUINT64_CONSTANT (0xe220a8397b1dcdaf));

  shoal_rng_init (&b, 0);
  g_assert_cmpmem (&a, sizeof a, &b, sizeof b);
  shoal_rng_init (&b, 1);
  g_assert_cmphex (shoal_rng_next (&a), !=, shoal_rng_next (&b));
}

static void
test_below (void)
{
  ShoalRng rng;
  guint counts[7] = { 0 };

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint i = 0; i < 70000; i++)
    counts[shoal_rng_below (&rng, 7)]++;
  for (guint i = 0; i < 7; i++)
    {
      g_assert_cmpuint (counts[i], >, 9400);
      g_assert_cmpuint (counts[i], <, 10600);
    }

  for (guint i = 0; i < 100; i++)
    {
      g_assert_cmpuint (shoal_rng_below (&rng, 1), ==, 0);
      g_assert_cmpuint (shoal_rng_below (&rng, 0xc0000000u), <, 0xc0000000u);
    }
}

static void
test_unit (void)
{
  ShoalRng rng;
  double sum = 0;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint i = 0; i < 10000; i++)
    {
      double value = shoal_rng_unit (&rng);

      g_assert_true (value >= 0.0 && value < 1.0);
      sum += value;
    }
  g_assert_true (sum > 4800 && sum < 5200);
}

static void
test_bytes (void)
{
  ShoalRng rng;
  guint8 out[24];
  guint8 untouched[24];

  memset (untouched, 0xee, sizeof untouched);
  for (gsize size = 0; size <= 20; size++)
    {
      memset (out, 0xee, sizeof out);
      shoal_rng_init (&rng, 5);
      shoal_rng_bytes (&rng, out, size);
      g_assert_cmpmem (out + size, sizeof out - size, untouched, sizeof out - size);
    }
  g_assert_cmpint (memcmp (out, untouched, 20), !=, 0);
}

static void
test_shuffle (void)
{
  ShoalRng rng;
  guint32 items[100];
  guint8 large[5][200];
  gboolean seen[100] = { FALSE };
  guint n_moved = 0;
  guint sum = 0;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint i = 0; i < 100; i++)
    items[i] = i;
  shoal_rng_shuffle (&rng, items, 100, sizeof items[0]);
  for (guint i = 0; i < 100; i++)
    {
      g_assert_cmpuint (items[i], <, 100);
      g_assert_false (seen[items[i]]);
      seen[items[i]] = TRUE;
      n_moved += items[i] != i;
    }
  g_assert_cmpuint (n_moved, >, 80);

  /* Items larger than what is swapped at once stay whole. */
  for (guint i = 0; i < 5; i++)
    memset (large[i], (int) (1u << i), sizeof large[i]);
  shoal_rng_shuffle (&rng, large, 5, sizeof large[0]);
  for (guint i = 0; i < 5; i++)
    {
      for (guint j = 1; j < sizeof large[i]; j++)
        g_assert_cmpuint (large[i][j], ==, large[i][0]);
      sum += large[i][0];
    }
  g_assert_cmpuint (sum, ==, 31);

  shoal_rng_shuffle (&rng, NULL, 0, 4);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rng/known", test_known);
  g_test_add_func ("/rng/seed", test_seed);
  g_test_add_func ("/rng/below", test_below);
  g_test_add_func ("/rng/unit", test_unit);
  g_test_add_func ("/rng/bytes", test_bytes);
  g_test_add_func ("/rng/shuffle", test_shuffle);

  return g_test_run ();
}
