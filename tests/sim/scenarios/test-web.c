/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Web seeds, good and bad, alone and with peers. */

#include "shoal-test.h"
#include "sim-swarm.h"
#include "sim-web.h"

#define PIECE    (64u * 1024)
#define N_PIECES 400u

static SimSwarm *
new_swarm (const char *const *urls)
{
  SimSwarm *swarm = sim_swarm_new (shoal_test_seed (), PIECE, N_PIECES);

  sim_web_add_seeds (swarm->torrent, urls);

  return swarm;
}

/* Four requests at once, each of a quarter MB a second. */
static void
test_alone (void)
{
  const char *const urls[] = { "http://web.test/f?rate=250000", NULL };
  g_autoptr(SimSwarm) swarm = new_swarm (urls);
  SimNode *node = sim_swarm_add_node (swarm, FALSE, 0, 0);
  gint64 begun_us = swarm->world->now_us;

  sim_swarm_run (swarm, 120 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  /* Requests of one seed help each other in end game. */
  g_assert_cmpuint (node->web_received, <, swarm->torrent->size + swarm->torrent->size / 100);
  g_assert_cmpint (node->complete_us - begun_us, <, 50 * SIM_SECOND);
}

static void
test_mixed (void)
{
  const char *const urls[] = {
    "http://fast.test/f?rate=400000",
    "http://slow.test/f?rate=3000",
    "http://liar.test/f?rate=500000&lies=40",
    "http://busy.test/f?rate=300000&fails=70",
    "http://weak.test/f?rate=300000&breaks=3",
    "http://stuck.test/f?rate=300000&stalls=50",
    NULL,
  };
  g_autoptr(SimSwarm) swarm = new_swarm (urls);
  SimNode *node = sim_swarm_add_node (swarm, FALSE, 0, 0);
  gint64 begun_us = swarm->world->now_us;

  sim_swarm_run (swarm, 600 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  g_assert_cmpint (node->complete_us - begun_us, <, 120 * SIM_SECOND);
  /* The liar is found by its first wrong piece that it sent alone; it may have had a few under
   * way. */
  g_assert_cmpuint (node->wasted, <, 60 * PIECE);
}

/* Nobody but a server and leechers who help each other. */
static void
test_crowd (void)
{
  const char *const urls[] = { "http://web.test/f?rate=60000", NULL };
  g_autoptr(SimSwarm) swarm = new_swarm (urls);
  guint64 from_web = 0;
  guint64 wasted = 0;

  for (guint i = 0; i < 6; i++)
    sim_swarm_add_node (swarm, FALSE, 500000, 2000000);
  sim_swarm_run (swarm, 600 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  for (guint i = 0; i < 6; i++)
    {
      from_web += sim_swarm_node (swarm, i)->web_received;
      wasted += sim_swarm_node (swarm, i)->wasted;
    }
  g_test_message ("%.2f copies from the server, %.4f wasted",
                  (double) from_web / swarm->torrent->size, (double) wasted / swarm->torrent->size);
  g_assert_cmpuint (from_web, >=, swarm->torrent->size);
  g_assert_cmpuint (from_web, <, 4 * swarm->torrent->size);
  g_assert_cmpuint (wasted, <, swarm->torrent->size / 50);
}

/* Leechers with a seed among them do not fetch the same twice. */
static void
test_with_seed (void)
{
  const char *const urls[] = { "http://web.test/f?rate=100000", NULL };
  g_autoptr(SimSwarm) swarm = new_swarm (urls);
  SimNode *node;

  sim_swarm_add_node (swarm, TRUE, 400000, 0);
  node = sim_swarm_add_node (swarm, FALSE, 100000, 2000000);
  sim_swarm_run (swarm, 300 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  g_assert_cmpuint (node->web_received, >, swarm->torrent->size / 5);
  g_assert_cmpuint (node->web_received, <, swarm->torrent->size * 4 / 5);
  g_test_message ("%.3f of it came from the server, %.4f was wasted",
                  (double) node->web_received / swarm->torrent->size,
                  (double) node->wasted / swarm->torrent->size);
  g_assert_cmpuint (node->wasted, <, swarm->torrent->size / 200);
}

static guint64
digest_of_a_run (void)
{
  const char *const urls[] = { "http://web.test/f?rate=200000&fails=20&breaks=2",
                               "http://liar.test/f?rate=100000&lies=50", NULL };
  g_autoptr(SimSwarm) swarm = new_swarm (urls);

  for (guint i = 0; i < 3; i++)
    sim_swarm_add_node (swarm, FALSE, 200000, 1000000);
  sim_swarm_run (swarm, 600 * SIM_SECOND);
  sim_swarm_check_data (swarm);

  return swarm->world->digest;
}

static void
test_same_again (void)
{
  g_assert_cmpuint (digest_of_a_run (), ==, digest_of_a_run ());
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/web/alone", test_alone);
  g_test_add_func ("/sim/web/mixed", test_mixed);
  g_test_add_func ("/sim/web/crowd", test_crowd);
  g_test_add_func ("/sim/web/with-seed", test_with_seed);
  g_test_add_func ("/sim/web/same-again", test_same_again);

  return g_test_run ();
}
