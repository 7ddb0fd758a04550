/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The search for the largest datagram: ways of every size, unreliable ones too. */

#include "shoal-rng.h"
#include "shoal-test.h"
#include "shoal-utp-mtu.h"

static guint
search (ShoalUtpMtu *mtu,
        guint        way,
        double       loss,
        gint64       now_us)
{
  ShoalRng rng;
  guint n = 0, probe;

  shoal_rng_init (&rng, shoal_test_seed ());
  while ((probe = shoal_utp_mtu_wanted (mtu, now_us)) != 0)
    {
      g_assert_cmpuint (probe, >, mtu->size);
      shoal_utp_mtu_sent (mtu, probe);
      g_assert_cmpuint (shoal_utp_mtu_wanted (mtu, now_us), ==, 0);
      if (probe <= way && shoal_rng_unit (&rng) >= loss)
        shoal_utp_mtu_arrived (mtu, probe, now_us);
      else
        shoal_utp_mtu_lost (mtu, probe, now_us);
      g_assert_cmpuint (++n, <, 40);
    }

  return mtu->size;
}

static void
test_search (void)
{
  for (guint way = SHOAL_UTP_MTU_BASE; way <= 1600; way++)
    {
      ShoalUtpMtu mtu;
      guint found;

      shoal_utp_mtu_init (&mtu, SHOAL_FAMILY_IPV4);
      found = search (&mtu, way, 0, 0);
      g_assert_cmpuint (found, <=, MIN (way, SHOAL_UTP_MTU_MOST));
      g_assert_cmpuint (found + SHOAL_UTP_MTU_STEP, >, MIN (way, SHOAL_UTP_MTU_MOST));
      shoal_utp_mtu_init (&mtu, SHOAL_FAMILY_IPV4);
      g_assert_cmpuint (search (&mtu, way, 0.1, 0), <=, way);
    }
}

/* A larger way may be taken later. */
static void
test_again (void)
{
  ShoalUtpMtu mtu;

  shoal_utp_mtu_init (&mtu, SHOAL_FAMILY_IPV6);
  g_assert_cmpuint (search (&mtu, 1300, 0, 0), <=, 1300);
  g_assert_cmpuint (shoal_utp_mtu_wanted (&mtu, SHOAL_UTP_MTU_AGAIN_US - 1), ==, 0);
  g_assert_cmpuint (search (&mtu, 1500, 0, SHOAL_UTP_MTU_AGAIN_US), ==, 1452);
}

static void
test_too_big (void)
{
  ShoalUtpMtu mtu;

  shoal_utp_mtu_init (&mtu, SHOAL_FAMILY_IPV4);
  shoal_utp_mtu_sent (&mtu, 1472);
  shoal_utp_mtu_too_big (&mtu, 1472, 0);
  g_assert_cmpuint (shoal_utp_mtu_wanted (&mtu, 0), <, 1472);
  shoal_utp_mtu_stuck (&mtu);
  g_assert_cmpuint (mtu.size, ==, SHOAL_UTP_MTU_LEAST);
  g_assert_cmpuint (search (&mtu, 800, 0, 0), >, 800 - SHOAL_UTP_MTU_STEP);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/utp-mtu/search", test_search);
  g_test_add_func ("/engine/utp-mtu/again", test_again);
  g_test_add_func ("/engine/utp-mtu/too-big", test_too_big);

  return g_test_run ();
}
