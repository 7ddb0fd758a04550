/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plain course of things: from a seed to leechers, by torrent and by magnet, small and large
 * pieces, a small arena. */

#include "shoal-test.h"
#include "sim-swarm.h"

#include <string.h>

#define MIB (1024u * 1024)

#define SLOW_RATE      2048u   /* bytes a second of each peer of a slow crowd */
#define SLOW_CROWD_MIN 0.97    /* what comes of what they could send */

/* A tracker was told each event exactly once, with the right totals. */
static void
check_told (SimSwarm *swarm,
            SimNode  *node,
            gboolean  seed)
{
  SimTrackerPeer *told = sim_tracker_peer (swarm->tracker, &node->peer.addr,
                                           &swarm->torrent->metainfo->hash.v1);

  g_assert_cmpuint (told->n_started, ==, 1);
  g_assert_cmpuint (told->n_completed, ==, seed ? 0 : 1);
  g_assert_cmpuint (told->left, ==, 0);
  if (!seed)
    g_assert_cmpuint (told->downloaded, >=, swarm->torrent->size);
}

static void
quit_all (SimSwarm *swarm)
{
  for (guint i = 0; i < swarm->nodes->len; i++)
    sim_node_command (sim_swarm_node (swarm, i), SHOAL_COMMAND_QUIT);
  sim_world_pass (swarm->world, 4 * SIM_SECOND);
  for (guint i = 0; i < swarm->nodes->len; i++)
    {
      SimNode *node = sim_swarm_node (swarm, i);

      g_assert_true (node->quit);
      g_assert_null (node->engine);
      g_assert_cmpuint (sim_tracker_peer (swarm->tracker, &node->peer.addr,
                                          &swarm->torrent->metainfo->hash.v1)
                          ->n_stopped,
                        ==, 1);
    }
}

static void
test_torrent (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 65536, 60);

  for (guint i = 0; i < 5; i++)
    sim_swarm_add_node (swarm, i == 0, 500000, 2000000);
  sim_swarm_run (swarm, 300 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  sim_world_pass (swarm->world, 5 * SIM_SECOND);
  for (guint i = 0; i < 5; i++)
    check_told (swarm, sim_swarm_node (swarm, i), i == 0);
  for (guint i = 1; i < 5; i++)
    g_assert_cmpuint (sim_swarm_node (swarm, i)->wasted, <=, swarm->torrent->size / 25);
  g_assert_cmpuint (swarm->tracker->n_early, ==, 0);
  quit_all (swarm);
}

static void
test_magnet (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 16384, 2000);
  g_autofree char *hash = shoal_hex (swarm->torrent->metainfo->hash.v1.bytes, SHOAL_SHA1_SIZE);
  g_autofree char *uri =
    g_strdup_printf ("magnet:?xt=urn:btih:%s&tr=http%%3A%%2F%%2Ftracker.test%%2Fannounce", hash);

  sim_swarm_add_node (swarm, TRUE, 2000000, 0);
  sim_swarm_add_node (swarm, TRUE, 2000000, 0);
  for (guint i = 0; i < 4; i++)
    {
      SimNode *node = sim_swarm_new_node (swarm, 1000000, 8000000);

      sim_node_start (node);
      sim_node_add_uri (node, swarm->torrent, uri);
    }
  sim_swarm_run (swarm, 300 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  for (guint i = 2; i < 6; i++)
    g_assert_true (sim_swarm_node (swarm, i)->has_metadata);
}

/* Without any tracker: peers from the link, metadata from a leecher that has it. */
static void
test_magnet_only (void)
{
  g_autoptr(SimWorld) world = sim_world_new (shoal_test_seed ());
  SimTorrent *torrent = sim_torrent_new (world, 32768, 32768 * 40, NULL);
  g_autofree char *hash = shoal_hex (torrent->metainfo->hash.v1.bytes, SHOAL_SHA1_SIZE);
  SimNode *nodes[4];

  for (guint i = 0; i < 4; i++)
    {
      nodes[i] = sim_node_new (world);
      nodes[i]->peer.rate_up = 200000;
      sim_node_start (nodes[i]);
      if (i == 0)
        {
          sim_node_add (nodes[0], torrent, TRUE);
        }
      else
        {
          g_autofree char *peer = shoal_addr_to_text (&nodes[i - 1]->peer.addr);
          g_autofree char *uri = g_strdup_printf ("magnet:?xt=urn:btih:%s&x.pe=%s", hash, peer);

          sim_node_add_uri (nodes[i], torrent, uri);
        }
    }
  for (guint second = 0; second < 600 && nodes[3]->state != SHOAL_TORRENT_SEEDING; second++)
    sim_world_pass (world, SIM_SECOND);
  for (guint i = 0; i < 4; i++)
    {
      g_assert_cmpint (nodes[i]->state, ==, SHOAL_TORRENT_SEEDING);
      g_assert_true (sim_node_is_right (nodes[i]));
    }
}

/* An arena of 8 runs completes any torrent. */
static void
run_small_arena (guint32 piece_size,
                 guint32 n_pieces)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), piece_size, n_pieces);

  for (guint i = 0; i < 4; i++)
    {
      SimNode *node = sim_swarm_new_node (swarm, 4 * MIB, 8 * MIB);

      node->config.arena_size = 8 * MIB;
      sim_node_start (node);
      sim_node_add (node, swarm->torrent, i == 0);
    }
  for (guint i = 0; i < 3; i++)
    sim_swarm_add_bot (swarm, SIM_BOT_SEED, 100000 << i, 0);
  sim_swarm_run (swarm, 1200 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  for (guint i = 1; i < 4; i++)
    g_assert_cmpuint (sim_swarm_node (swarm, i)->wasted, <=, swarm->torrent->size / 20);
}

static void
test_small_arena (void)
{
  run_small_arena (MIB, 20);
  run_small_arena (4 * MIB, 6);
  run_small_arena (16 * MIB, 2);
}

/* A peer that sends a block in ten seconds holds nothing up (S14). */
static void
test_slow_peer (void)
{
  gint64 took_us[2];

  for (guint slow = 0; slow < 2; slow++)
    {
      g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 262144, 120);
      SimNode *node = sim_swarm_add_node (swarm, FALSE, 0, 0);

      for (guint i = 0; i < 5; i++)
        sim_node_add_peer (node, &sim_swarm_add_bot (swarm, SIM_BOT_SEED,
                                                     i == 4 ? (slow ? 1638 : 1) : 200000, 0)
                                    ->peer.addr);
      took_us[slow] = swarm->world->now_us;
      sim_swarm_run (swarm, 300 * SIM_SECOND);
      took_us[slow] = swarm->world->now_us - took_us[slow];
      g_assert_cmpuint (node->wasted, <=, swarm->torrent->size / 100);
    }
  g_test_message ("%.0f s without, %.0f s with the slow peer", (double) took_us[0] / SIM_SECOND,
                  (double) took_us[1] / SIM_SECOND);
  g_assert_cmpint (took_us[1], <=, took_us[0] + 2 * SIM_SECOND);
}

/* A thousand peers that need eight seconds for a block each: memory lasts for all of them, and
 * nobody waits for something to do. */
static void
test_slow_crowd (void)
{
  const guint n_bots = 1000;
  const gint64 measure_us = 64 * SIM_SECOND;
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 262144, 1100);
  SimNode *node = sim_swarm_new_node (swarm, 0, 0);
  double possible = (double) n_bots * SLOW_RATE * (double) measure_us / (double) SIM_SECOND;
  guint64 before;

  node->config.arena_size = 32 * MIB;
  node->config.max_links = node->config.max_links_torrent = node->config.max_links_starved = n_bots
                                                                                             + 10;
  sim_node_start (node);
  sim_node_add (node, swarm->torrent, FALSE);
  for (guint i = 0; i < n_bots; i++)
    sim_bot_dial (sim_swarm_add_bot (swarm, SIM_BOT_SEED | SIM_BOT_DEAF, SLOW_RATE, 0),
                  &node->peer.addr);
  /* After the first blocks of all, what was asked for while memory was empty makes no difference
   * any more. */
  sim_world_pass (swarm->world, 40 * SIM_SECOND);
  before = node->peer.received;
  sim_world_pass (swarm->world, measure_us);
  g_test_message ("%.3f of what they could send came, %.3f of it in vain",
                  (double) (node->peer.received - before) / possible,
                  (double) node->wasted / (double) node->downloaded);
  g_assert_cmpfloat ((double) (node->peer.received - before), >=, possible * SLOW_CROWD_MIN);
  g_assert_cmpuint (node->wasted, <=, node->downloaded / 100);
}

/* Rates stay under their limits, and reach them. */
static void
test_limits (void)
{
  for (guint up = 0; up < 2; up++)
    {
      g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 65536, 100);
      gint64 begin_us;
      double ideal, took;

      for (guint i = 0; i < 3; i++)
        {
          SimNode *node = sim_swarm_new_node (swarm, 10 * MIB, 0);

          if (up && i == 0)
            node->config.limit_up = 100000;
          else if (!up && i > 0)
            node->config.limit_down = 100000;
          if (up && i == 2)
            break;
          sim_node_start (node);
          sim_node_add (node, swarm->torrent, i == 0);
        }
      begin_us = swarm->world->now_us;
      sim_swarm_run (swarm, 600 * SIM_SECOND);
      ideal = (double) swarm->torrent->size / 100000;
      took = (double) (swarm->world->now_us - begin_us) / SIM_SECOND;
      g_test_message ("%.0f s, by the limit %.0f s", took, ideal);
      g_assert_cmpfloat (took, >=, ideal * 0.95);
      g_assert_cmpfloat (took, <=, ideal * 1.2 + 10);
    }
}

/* The same seed gives the same run, bit by bit; another seed another. */
static guint64
digest_of_run (guint64 seed)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (seed, 4096, 64);

  for (guint i = 0; i < 10; i++)
    sim_swarm_add_node (swarm, i == 0, 40000, 0);
  for (guint i = 0; i < 30; i++)
    sim_swarm_add_bot (swarm, 0, 40000, 0);
  sim_swarm_run (swarm, 600 * SIM_SECOND);
  sim_world_mix (swarm->world, swarm->world->n_events);

  return swarm->world->digest;
}

static void
test_repeatable (void)
{
  guint64 seed = shoal_test_seed ();
  guint64 digest = digest_of_run (seed);

  g_assert_cmpuint (digest, ==, digest_of_run (seed));
  g_assert_cmpuint (digest, !=, digest_of_run (seed + 1));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sim/transfer/torrent", test_torrent);
  g_test_add_func ("/sim/transfer/magnet", test_magnet);
  g_test_add_func ("/sim/transfer/magnet-only", test_magnet_only);
  g_test_add_func ("/sim/transfer/small-arena", test_small_arena);
  g_test_add_func ("/sim/transfer/slow-peer", test_slow_peer);
  g_test_add_func ("/sim/transfer/slow-crowd", test_slow_crowd);
  g_test_add_func ("/sim/transfer/limits", test_limits);
  g_test_add_func ("/sim/transfer/repeatable", test_repeatable);

  return g_test_run ();
}
