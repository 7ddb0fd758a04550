/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hashes of single blocks (BEP 52): a lie costs the block that was wrong, and nothing else. */

#include "shoal-test.h"
#include "sim-swarm.h"

#define MIB (1024u * 1024)

/* Two seeds, a liar, two who download: returns what was wasted. */
static guint64
run (SimSwarm *swarm,
     guint     lies_every)
{
  SimNode *nodes[4];
  SimBot *liar;
  guint64 wasted = 0, given;

  for (guint i = 0; i < 4; i++)
    nodes[i] = sim_swarm_add_node (swarm, i < 2, MIB, 0);
  liar = sim_swarm_add_bot (swarm, SIM_BOT_SEED | SIM_BOT_POISONER, MIB, 0);
  liar->lies_every = lies_every;
  sim_swarm_run (swarm, 600 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  for (guint i = 2; i < 4; i++)
    {
      g_test_message ("downloaded %" G_GUINT64_FORMAT ", wasted %" G_GUINT64_FORMAT
                      ", %" G_GUINT64_FORMAT " pieces failed",
                      nodes[i]->downloaded, nodes[i]->wasted, nodes[i]->disk.n_wrong);
      wasted += nodes[i]->wasted;
    }
  g_test_message ("the liar gave %" G_GUINT64_FORMAT, liar->given);
  g_assert_cmpuint (liar->given, >, 0);

  /* It is banned: it gives nothing any more to those who met it. */
  given = liar->given;
  for (guint i = 2; i < 4; i++)
    sim_node_command (nodes[i], SHOAL_COMMAND_ANNOUNCE);
  sim_world_pass (swarm->world, 60 * SIM_SECOND);
  g_assert_cmpuint (liar->given, ==, given);

  return wasted;
}

static void
test_poisoned (void)
{
  g_autoptr(SimSwarm) v1 = sim_swarm_new (shoal_test_seed (), 4 * MIB, 10);
  g_autoptr(SimSwarm) v2 = sim_swarm_new_v2 (shoal_test_seed (), 4 * MIB, 10);
  guint64 wasted_v1 = run (v1, 0);
  guint64 wasted_v2 = run (v2, 0);

  g_test_message ("wasted %" G_GUINT64_FORMAT " by version 1, %" G_GUINT64_FORMAT " by version 2",
                  wasted_v1, wasted_v2);
  g_assert_cmpuint (wasted_v2, <=, sim_swarm_bot (v2, 0)->given);
  g_assert_cmpuint (wasted_v2 * 2, <, wasted_v1);
}

/* Pieces of more blocks than a message has hashes of: a lie costs its block, never a piece. */
static void
test_large (void)
{
  for (guint32 size = 16; size <= 32; size *= 2)
    {
      g_autoptr(SimSwarm) swarm = sim_swarm_new_v2 (shoal_test_seed () + size, size * MIB, 4);
      guint64 wasted = run (swarm, 128);
      SimBot *liar = sim_swarm_bot (swarm, 0);

      g_test_message ("%u MiB: wasted %" G_GUINT64_FORMAT ", %u lies", size, wasted, liar->n_lies);
      g_assert_cmpuint (liar->n_lies, >, 1);
      /* What came twice at the end counts too. */
      g_assert_cmpuint (wasted, <=, (guint64) (liar->n_lies + 8) * SHOAL_BLOCK_SIZE);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/leaves/poisoned", test_poisoned);
  g_test_add_func ("/sim/leaves/large", test_large);

  return g_test_run ();
}
