/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rates and buckets, with the time as a number. */

#include "shoal-rate.h"
#include "shoal-rng.h"
#include "shoal-test.h"

#define S  ((gint64) G_USEC_PER_SEC)
#define MS ((gint64) 1000)
#define KIB 1024

static void
test_rate_steady (void)
{
  ShoalRate rate;

  shoal_rate_init (&rate, 10);
  g_assert_cmpuint (shoal_rate_get (&rate, 100 * S), ==, 0);

  for (gint64 now = 100 * S; now < 200 * S; now += 100 * MS)
    {
      shoal_rate_add (&rate, 100000, now);
      if (now >= 101 * S)
        {
          guint64 found = shoal_rate_get (&rate, now);

          g_assert_cmpuint (found, >=, 990000);
          g_assert_cmpuint (found, <=, 1100000);
        }
    }
  g_assert_cmpuint (rate.total, ==, 100000 * 1000);
}

/* At first the time that passed counts, but never less than a second. */
static void
test_rate_early (void)
{
  ShoalRate rate;

  shoal_rate_init (&rate, 20);
  shoal_rate_add (&rate, 5000, 100 * S);
  g_assert_cmpuint (shoal_rate_get (&rate, 100 * S), ==, 5000);
  g_assert_cmpuint (shoal_rate_get (&rate, 101 * S), ==, 5000);
  g_assert_cmpuint (shoal_rate_get (&rate, 102 * S), ==, 2500);
  g_assert_cmpuint (shoal_rate_get (&rate, 105 * S), ==, 1000);
}

static void
test_rate_idle (void)
{
  ShoalRate rate;

  shoal_rate_init (&rate, 5);
  shoal_rate_add (&rate, 5000, 100 * S);
  g_assert_cmpuint (shoal_rate_get (&rate, 104 * S), >, 0);
  g_assert_cmpuint (shoal_rate_get (&rate, 105 * S), ==, 0);

  /* Long afterwards, over the whole window. */
  shoal_rate_add (&rate, 4000, 100000 * S);
  g_assert_cmpuint (shoal_rate_get (&rate, 100000 * S), ==, 1000);
  g_assert_cmpuint (rate.total, ==, 9000);
}

static void
test_rate_odd_times (void)
{
  ShoalRate rate;

  /* A clock that starts at 0, and one that steps back. */
  shoal_rate_init (&rate, 5);
  shoal_rate_add (&rate, 1000, 0);
  g_assert_cmpuint (shoal_rate_get (&rate, 0), ==, 1000);
  shoal_rate_add (&rate, 1000, 3 * S);
  shoal_rate_add (&rate, 1000, 2 * S);
  g_assert_cmpuint (shoal_rate_get (&rate, 1 * S), ==, 1500);

  /* More than a slot can hold. */
  shoal_rate_init (&rate, 2);
  shoal_rate_add (&rate, G_GUINT64_CONSTANT (10) << 32, 10 * S);
  shoal_rate_add (&rate, 5, 10 * S);
  g_assert_cmpuint (shoal_rate_get (&rate, 10 * S), ==, G_MAXUINT32);
  g_assert_cmpuint (rate.total, ==, (G_GUINT64_CONSTANT (10) << 32) + 5);
}

static void
test_bucket_unlimited (void)
{
  ShoalBucket bucket = { 0 };

  g_assert_cmpuint (shoal_bucket_ready (&bucket, 5), ==, G_MAXUINT64);
  shoal_bucket_take (&bucket, 1000000);
  g_assert_cmpuint (shoal_bucket_ready (&bucket, 5), ==, G_MAXUINT64);
  g_assert_cmpint (shoal_bucket_when (&bucket, 1000000, 5), ==, 5);
}

static void
test_bucket_capacity (void)
{
  ShoalBucket bucket = { 0 };

  shoal_bucket_set_rate (&bucket, 1000000, 10 * S);
  g_assert_cmpuint (shoal_bucket_ready (&bucket, 10 * S), ==, 250000);
  g_assert_cmpuint (shoal_bucket_ready (&bucket, 99 * S), ==, 250000);

  /* A slow one still lets a block through. */
  shoal_bucket_set_rate (&bucket, 1000, 99 * S);
  g_assert_cmpuint (shoal_bucket_ready (&bucket, 99 * S), ==, 16 * KIB);
}

static void
test_bucket_debt (void)
{
  ShoalBucket bucket = { 0 };

  shoal_bucket_set_rate (&bucket, 100000, 0);
  shoal_bucket_take (&bucket, 25000 + 50000);
  g_assert_cmpuint (shoal_bucket_ready (&bucket, 0), ==, 0);
  g_assert_cmpuint (shoal_bucket_ready (&bucket, 500 * MS), ==, 0);
  g_assert_cmpuint (shoal_bucket_ready (&bucket, 600 * MS), ==, 10000);
}

static void
test_bucket_when (void)
{
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint i = 0; i < 2000; i++)
    {
      ShoalBucket bucket = { 0 };
      guint64 rate = 1 + (shoal_rng_next (&rng) >> (24 + shoal_rng_below (&rng, 39)));
      guint64 full;
      guint64 bytes;
      gint64 when;

      shoal_bucket_set_rate (&bucket, rate, 7 * S);
      full = shoal_bucket_ready (&bucket, 7 * S);
      shoal_bucket_take (&bucket, full + shoal_rng_below (&rng, 100000));
      bytes = 1 + shoal_rng_below (&rng, (guint32) MIN (full, G_MAXUINT32));

      /* At that time and not a millisecond before. */
      when = shoal_bucket_when (&bucket, bytes, 7 * S);
      g_assert_cmpint (when, >, 7 * S);
      if (when < (7 + 3600) * S)
        {
          ShoalBucket early = bucket;

          if (when > 7 * S + 2 * MS && rate >= 1000)
            g_assert_cmpuint (shoal_bucket_ready (&early, when - MS), <, bytes);
          g_assert_cmpuint (shoal_bucket_ready (&bucket, when), >=, bytes);
        }
    }
}

/* What passes in a minute is what the rate allows, however often the bucket is asked. */
static void
test_bucket_long_run (void)
{
  static const gint64 steps_us[] = { 7, 999, 1000, 1500, 33333, 100000 };
  static const guint64 rates[] = { 3000, 1000000, 123456789 };

  for (guint i = 0; i < G_N_ELEMENTS (steps_us); i++)
    {
      for (guint j = 0; j < G_N_ELEMENTS (rates); j++)
        {
          ShoalBucket bucket = { 0 };
          guint64 passed = 0;
          guint64 seconds = steps_us[i] < 100 ? 2 : 60;
          gint64 end_us = (gint64) seconds * S;

          shoal_bucket_set_rate (&bucket, rates[j], 0);
          shoal_bucket_take (&bucket, shoal_bucket_ready (&bucket, 0));
          for (gint64 now = 0; now <= end_us; now += steps_us[i])
            {
              guint64 ready = shoal_bucket_ready (&bucket, now);

              shoal_bucket_take (&bucket, ready);
              passed += ready;
            }
          g_assert_cmpuint (passed, <=, rates[j] * seconds);
          g_assert_cmpuint (passed, >=, rates[j] * seconds * 94 / 100);
        }
    }
}

static void
test_bucket_change (void)
{
  ShoalBucket bucket = { 0 };

  /* A debt of the high rate does not outlive the change by much. */
  shoal_bucket_set_rate (&bucket, 100000000, 0);
  shoal_bucket_take (&bucket, 80000000);
  shoal_bucket_set_rate (&bucket, 16 * KIB, 0);
  g_assert_cmpint (shoal_bucket_when (&bucket, 1, 0), <=, 2 * S);

  shoal_bucket_set_rate (&bucket, 0, 0);
  g_assert_cmpuint (shoal_bucket_ready (&bucket, 0), ==, G_MAXUINT64);

  /* Back in time: nothing is gained or lost. */
  shoal_bucket_set_rate (&bucket, 100000, 10 * S);
  shoal_bucket_take (&bucket, 20000);
  g_assert_cmpuint (shoal_bucket_ready (&bucket, 9 * S), ==, 5000);
  g_assert_cmpuint (shoal_bucket_ready (&bucket, 9 * S + 100 * MS), ==, 15000);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rate/steady", test_rate_steady);
  g_test_add_func ("/rate/early", test_rate_early);
  g_test_add_func ("/rate/idle", test_rate_idle);
  g_test_add_func ("/rate/odd-times", test_rate_odd_times);
  g_test_add_func ("/bucket/unlimited", test_bucket_unlimited);
  g_test_add_func ("/bucket/capacity", test_bucket_capacity);
  g_test_add_func ("/bucket/debt", test_bucket_debt);
  g_test_add_func ("/bucket/when", test_bucket_when);
  g_test_add_func ("/bucket/long-run", test_bucket_long_run);
  g_test_add_func ("/bucket/change", test_bucket_change);

  return g_test_run ();
}
