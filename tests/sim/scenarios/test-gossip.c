/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peers found without a tracker: by what other peers tell. */

#include "shoal-test.h"
#include "sim-swarm.h"

#define PIECE_SIZE 16384u
#define RATE       100000u   /* bytes a second */
#define NODES      30u

/* Everybody knows one peer alone, the one before in a chain; the seed is at one end. */
static void
test_chain (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), PIECE_SIZE, 64);
  guint least = G_MAXUINT;
  gint64 begun_us;

  swarm->torrent = sim_torrent_new (swarm->world, PIECE_SIZE, PIECE_SIZE * 500, NULL);
  for (guint i = 0; i < NODES; i++)
    sim_swarm_add_node (swarm, i == 0, RATE, 10 * RATE);
  for (guint i = 1; i < NODES; i++)
    sim_node_add_peer (sim_swarm_node (swarm, i), &sim_swarm_node (swarm, i - 1)->peer.addr);
  begun_us = swarm->world->now_us;
  sim_world_pass (swarm->world, 120 * SIM_SECOND);
  for (guint i = 1; i < NODES; i++)
    if (sim_swarm_node (swarm, i)->state != SHOAL_TORRENT_SEEDING)
      least = MIN (least, sim_swarm_node (swarm, i)->n_links);
  g_test_message ("after two minutes the least connected has %u links", least);
  g_assert_cmpuint (least, >, 5);
  sim_swarm_run (swarm, 900 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  g_test_message ("all were done after %.0f s",
                  (double) (swarm->world->now_us - begun_us) / SIM_SECOND);
}

/* Nobody knows anybody, but all share a local network. */
static void
test_lan (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), PIECE_SIZE, 64);

  swarm->world->lan = TRUE;
  swarm->torrent = sim_torrent_new (swarm->world, PIECE_SIZE, PIECE_SIZE * 200, NULL);
  for (guint i = 0; i < NODES; i++)
    sim_swarm_add_node (swarm, i == 0, 10 * RATE, 10 * RATE);
  sim_swarm_run (swarm, 300 * SIM_SECOND);
  sim_swarm_check_data (swarm);
}

/* Two who have a link alone find each other on the local network; then the metadata says that this
 * was not wanted. */
static void
test_private (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), PIECE_SIZE, 64);
  SimTorrent *secret = sim_torrent_new_private (swarm->world, PIECE_SIZE, PIECE_SIZE * 20);
  g_autofree char *hash = shoal_hex (secret->key.bytes, sizeof secret->key.bytes);
  g_autofree char *uri = g_strdup_printf ("magnet:?xt=urn:btih:%s", hash);
  SimNode *seed, *nodes[2];

  swarm->world->lan = TRUE;
  swarm->torrent = secret;
  seed = sim_swarm_add_node (swarm, TRUE, RATE, 0);
  for (guint i = 0; i < 2; i++)
    {
      nodes[i] = sim_swarm_new_node (swarm, RATE, 0);
      sim_node_start (nodes[i]);
      sim_node_add_uri (nodes[i], secret, uri);
    }
  sim_world_pass (swarm->world, 30 * SIM_SECOND);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpuint (nodes[i]->n_links, >, 0);
  g_assert_cmpuint (seed->n_links, ==, 0);

  /* One hears from the seed what the torrent is, and maybe tells the other; nothing more passes
   * between them. */
  sim_node_add_peer (nodes[0], &seed->peer.addr);
  sim_world_pass (swarm->world, 300 * SIM_SECOND);
  g_assert_true (nodes[0]->complete);
  g_assert_cmpuint (nodes[0]->n_links, ==, 0);
  g_assert_cmpuint (nodes[1]->n_links, ==, 0);
  g_assert_cmpuint (nodes[1]->had, ==, 0);
  g_assert_cmpuint (nodes[0]->uploaded, ==, 0);

  sim_node_add_peer (nodes[1], &seed->peer.addr);
  sim_swarm_run (swarm, 300 * SIM_SECOND);
  sim_swarm_check_data (swarm);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sim/gossip/chain", test_chain);
  g_test_add_func ("/sim/gossip/lan", test_lan);
  g_test_add_func ("/sim/gossip/private", test_private);

  return g_test_run ();
}
