/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Anything at any time: nodes are paused, checked, killed, cut off and robbed of their disk; in the
 * end all is well. */

#include "shoal-test.h"
#include "sim-swarm.h"

#define N_NODES 8u

static void
disturb (SimSwarm *swarm,
         guint     index)
{
  SimNode *node = sim_swarm_node (swarm, index);
  ShoalRng *rng = &swarm->world->rng;

  if (node->engine == NULL)
    {
      sim_node_start (node);
      return;
    }
  switch (shoal_rng_below (rng, 10))
    {
    case 0:
      sim_node_command (node, SHOAL_COMMAND_PAUSE);
      break;
    case 1:
    case 2:
      sim_node_command (node, SHOAL_COMMAND_START);
      break;
    case 3:
      sim_node_command (node, SHOAL_COMMAND_RECHECK);
      break;
    case 4:
      if (!node->quit)
        sim_node_kill (node);
      break;
    case 5:
      sim_node_command (node, SHOAL_COMMAND_QUIT);
      break;
    case 6:
      node->disk.fault = shoal_rng_below (rng, 2) == 0 ? SHOAL_REASON_DISK_FULL : SHOAL_REASON_IO;
      break;
    case 7:
      node->disk.fault = SHOAL_REASON_NONE;
      break;
    case 8:
      sim_node_command (node, SHOAL_COMMAND_ANNOUNCE);
      break;
    default:
      for (guint i = node->peer.ends->len; i-- > 0;)
        sim_end_close (g_ptr_array_index (node->peer.ends, i));
      break;
    }
}

static void
run_chaos (guint64 seed,
           guint32 piece_size,
           guint32 n_pieces)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (seed, piece_size, n_pieces);

  for (guint i = 0; i < N_NODES; i++)
    {
      SimNode *node = sim_swarm_new_node (swarm, 200000, 2000000);

      node->config.arena_size = 8 << 20;
      sim_node_start (node);
      sim_node_add (node, swarm->torrent, i == 0);
    }
  for (guint i = 0; i < 8; i++)
    sim_swarm_add_bot (swarm,
                       i == 0   ? SIM_BOT_POISONER | SIM_BOT_SEED
                       : i == 1 ? SIM_BOT_SEED
                                : 0,
                       100000, 0);

  for (guint i = 0; i < 150; i++)
    {
      sim_world_pass (swarm->world, shoal_rng_below (&swarm->world->rng, 3 * SIM_SECOND));
      disturb (swarm, shoal_rng_below (&swarm->world->rng, N_NODES));
    }

  /* Quiet again: everybody gets there. */
  sim_world_pass (swarm->world, 5 * SIM_SECOND);
  for (guint i = 0; i < N_NODES; i++)
    {
      SimNode *node = sim_swarm_node (swarm, i);

      node->disk.fault = SHOAL_REASON_NONE;
      if (node->engine == NULL)
        sim_node_start (node);
    }
  sim_world_pass (swarm->world, 5 * SIM_SECOND);
  for (guint i = 0; i < N_NODES; i++)
    sim_node_command (sim_swarm_node (swarm, i), SHOAL_COMMAND_START);
  sim_swarm_run (swarm, 3600 * SIM_SECOND);
  sim_swarm_check_data (swarm);
}

static void
test_chaos (void)
{
  for (guint i = 0; i < 3; i++)
    run_chaos (shoal_test_seed () + i, 65536, 100);
}

static void
test_chaos_large_pieces (void)
{
  run_chaos (shoal_test_seed (), 4 << 20, 5);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sim/chaos/any", test_chaos);
  g_test_add_func ("/sim/chaos/large-pieces", test_chaos_large_pieces);

  return g_test_run ();
}
