/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lanes give what one digest after the other gives, on whatever unit this processor has. */

#include "shoal-digest.h"
#include "shoal-rng.h"
#include "shoal-test.h"

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

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/digest-lanes/max", test_max);
  g_test_add_func ("/digest-lanes/against-digest", test_against_digest);

  return g_test_run ();
}
