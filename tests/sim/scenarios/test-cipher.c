/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Swarms of nodes that may, must or must not encrypt: they complete where the policies allow. */

#include "shoal-test.h"
#include "sim-swarm.h"

static SimNode *
add_node (SimSwarm       *swarm,
          ShoalEncryption policy,
          gboolean        seed)
{
  SimNode *node = sim_swarm_new_node (swarm, 1000000, 4000000);

  node->config.encryption = policy;
  sim_node_start (node);
  sim_node_add (node, swarm->torrent, seed);

  return node;
}

/* Whoever prefers speaks with everybody, so that everybody completes. */
static void
test_mixed (void)
{
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint round = 0; round < 4; round++)
    {
      g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed () + round, 65536, 40);

      add_node (swarm, SHOAL_ENCRYPTION_PREFER, TRUE);
      for (guint i = 0; i < 12; i++)
        add_node (swarm, (ShoalEncryption) shoal_rng_below (&rng, 3), FALSE);
      for (guint i = 0; i < 4; i++)
        sim_swarm_add_bot (swarm, i == 0 ? SIM_BOT_SEED : 0, 200000, 0);
      sim_swarm_run (swarm, 600 * SIM_SECOND);
      sim_swarm_check_data (swarm);
    }
}

/* One who must and one who must not never meet. */
static void
test_apart (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 65536, 10);
  SimNode *plain = add_node (swarm, SHOAL_ENCRYPTION_OFF, TRUE);
  SimNode *required = add_node (swarm, SHOAL_ENCRYPTION_REQUIRE, FALSE);

  sim_node_add_peer (required, &plain->peer.addr);
  sim_node_add_peer (plain, &required->peer.addr);
  sim_world_pass (swarm->world, 120 * SIM_SECOND);
  g_assert_cmpuint (required->downloaded, ==, 0);
  g_assert_false (required->complete);
  /* Until there is one who speaks with both. */
  add_node (swarm, SHOAL_ENCRYPTION_PREFER, FALSE);
  sim_swarm_run (swarm, 2000 * SIM_SECOND);
  sim_swarm_check_data (swarm);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sim/cipher/mixed", test_mixed);
  g_test_add_func ("/sim/cipher/apart", test_apart);

  return g_test_run ();
}
