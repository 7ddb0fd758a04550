/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole swarms over uTP: alone, on ways that lose packets, and beside TCP. */

#include "shoal-test.h"
#include "sim-swarm.h"

static void
add_node (SimSwarm *swarm,
          gboolean  seed,
          gboolean  tcp)
{
  SimNode *node = sim_swarm_new_node (swarm, 1000000, 4000000);

  node->config.use_utp = TRUE;
  node->config.use_tcp = tcp;
  sim_node_start (node);
  sim_node_add (node, swarm->torrent, seed);
}

static void
complete (guint    n,
          guint    loss_percent,
          gboolean tcp)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 65536, 32);

  swarm->world->loss_percent = loss_percent;
  add_node (swarm, TRUE, FALSE);
  for (guint i = 1; i < n; i++)
    add_node (swarm, FALSE, tcp && i % 2 == 0);
  sim_swarm_run (swarm, 600 * SIM_SECOND);
  sim_swarm_check_data (swarm);
}

static void
test_alone (void)
{
  complete (6, 0, FALSE);
}

static void
test_lossy (void)
{
  complete (4, 3, FALSE);
}

/* Some have TCP too, the seed has not. */
static void
test_mixed (void)
{
  complete (6, 0, TRUE);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sim/utp-swarm/alone", test_alone);
  g_test_add_func ("/sim/utp-swarm/lossy", test_lossy);
  g_test_add_func ("/sim/utp-swarm/mixed", test_mixed);

  return g_test_run ();
}
