/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lanes give what one digest after the other gives, on whatever unit this processor has. */

#include "shoal-rng.h"
#include "shoal-test.h"

/* The source itself: a processor with the best unit would never run the others. */
#include "shoal-digest-lanes.c"

#define MAX_LANES 16
#define MAX_SIZE  (16 * 1024)   /* bytes */

static void
test_max (void)
{
  guint max = shoal_sha1_max_lanes ();

  g_test_message ("%u lanes", max);
  g_assert_true (max == 1 || max == 8 || max == 16);
}

/* Every count of lanes, at odd addresses, the message given in parts. */
static void
test_against_digest (void)
{
  static const gsize parts[][3] = {
    { 0, 0, 0 }, { 64, 0, 0 }, { 64, 128, 0 }, { 0, 4096, 64 }, { 1024, 11264, 4096 },
  };
  ShoalRng rng;
  g_autofree guint8 *memory = g_malloc (MAX_LANES * (MAX_SIZE + 1));

  shoal_rng_init (&rng, shoal_test_seed ());
  shoal_rng_bytes (&rng, memory, MAX_LANES * (MAX_SIZE + 1));

  for (guint count = 1; count <= shoal_sha1_max_lanes (); count++)
    {
      /* Finished lanes begin anew, so one set does for all. */
      ShoalSha1Lanes lanes = { 0 };

      for (guint p = 0; p < G_N_ELEMENTS (parts); p++)
        {
          ShoalSha1 found[MAX_LANES];
          gsize size = 0;

          for (guint part = 0; part < 3; part++)
            {
              const guint8 *data[MAX_LANES];

              for (guint lane = 0; lane < count; lane++)
                data[lane] = memory + lane * (MAX_SIZE + 1) + size;
              shoal_sha1_lanes_update (&lanes, data, count, parts[p][part]);
              size += parts[p][part];
            }
          g_assert_cmpuint (lanes.size, ==, size);
          shoal_sha1_lanes_finish (&lanes, count, found);

          for (guint lane = 0; lane < count; lane++)
            {
              ShoalSha1 expected;

              shoal_sha1 (memory + lane * (MAX_SIZE + 1), size, &expected);
              g_assert_cmpmem (found[lane].bytes, SHOAL_SHA1_SIZE, expected.bytes, SHOAL_SHA1_SIZE);
            }
        }
    }
}

typedef void (*UpdateFunc) (ShoalSha1Lanes *lanes, const guint8 *const *data, gsize size);

/* The state after random blocks; what the plain unit finds is checked against digests here too. */
static void
assert_same_as_plain (UpdateFunc update_unit)
{
  g_autofree guint8 *memory = g_malloc (LANES * MAX_SIZE + LANES);
  const guint8 *data[LANES];
  ShoalSha1Lanes plain = { 0 };
  ShoalSha1Lanes other;
  ShoalSha1 found[LANES];
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  shoal_rng_bytes (&rng, memory, LANES * MAX_SIZE + LANES);
  for (guint lane = 0; lane < LANES; lane++)
    {
      data[lane] = memory + lane * (MAX_SIZE + 1);
      for (guint i = 0; i < 5; i++)
        plain.state[i][lane] = sha1_start[i];
    }
  other = plain;

  update_plain (&plain, data, MAX_SIZE);
  update_unit (&other, data, MAX_SIZE);
  g_assert_cmpmem (other.state, sizeof other.state, plain.state, sizeof plain.state);

  plain.size = MAX_SIZE;
  shoal_sha1_lanes_finish (&plain, LANES, found);
  for (guint lane = 0; lane < LANES; lane++)
    {
      ShoalSha1 expected;

      shoal_sha1 (data[lane], MAX_SIZE, &expected);
      g_assert_cmpmem (found[lane].bytes, SHOAL_SHA1_SIZE, expected.bytes, SHOAL_SHA1_SIZE);
    }
}

static void
test_plain (void)
{
  assert_same_as_plain (update_plain);
}

#ifdef __x86_64__
static void
test_avx2 (void)
{
  if (__builtin_cpu_supports ("avx2"))
    assert_same_as_plain (update_avx2);
  else
    g_test_skip ("this processor has no AVX2: the unit for it cannot run");
}

static void
test_avx512 (void)
{
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw"))
    assert_same_as_plain (update_avx512);
  else
    g_test_skip ("this processor has no AVX-512: the unit for it cannot run");
}
#endif

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/digest-lanes/max", test_max);
  g_test_add_func ("/digest-lanes/against-digest", test_against_digest);
  g_test_add_func ("/digest-lanes/plain", test_plain);
#ifdef __x86_64__
  g_test_add_func ("/digest-lanes/avx2", test_avx2);
  g_test_add_func ("/digest-lanes/avx512", test_avx512);
#endif

  return g_test_run ();
}
