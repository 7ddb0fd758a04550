/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many take part in a torrent, in words. */

#include "shoal-swarm-text.h"

/* What a tracker says may be old, wrong, or absurd. */
static void
test_swarm (void)
{
  static const struct
  {
    guint       n_seeds;
    gint64      seeds;
    gint64      leechers;
    const char *text;
  } cases[] = {
    { 3, -1, -1, NULL },
    { 3, -1, 5, NULL },
    { 0, 0, 0, "0\302\240seeds, 0\302\240downloading" },
    { 0, 1, -1, "1\302\240seed" },
    { 1, 1, 1, "1\302\240of\302\2401\302\240seed, 1\302\240downloading" },
    { 3, 120, 14, "3\302\240of\302\240120\302\240seeds, 14\302\240downloading" },
    { 3, 2, 14, "2\302\240seeds, 14\302\240downloading" },
    { 0, G_MAXINT64, G_MAXINT64, "9999999\302\240seeds, 9999999\302\240downloading" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = shoal_swarm_text (cases[i].n_seeds, cases[i].seeds,
                                                cases[i].leechers);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void
test_completed (void)
{
  g_autofree char *one = shoal_completed_text (1);
  g_autofree char *many = shoal_completed_text (G_MAXINT64);

  g_assert_null (shoal_completed_text (-1));
  g_assert_cmpstr (one, ==, "The tracker has counted 1 complete download");
  g_assert_cmpstr (many, ==, "The tracker has counted 9999999 complete downloads");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/swarm-text/swarm", test_swarm);
  g_test_add_func ("/model/swarm-text/completed", test_completed);

  return g_test_run ();
}
