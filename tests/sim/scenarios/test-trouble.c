/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes wrong: peers that stall or lie, dead trackers, a full disk, sudden death and
 * restart. */

#include "shoal-test.h"
#include "sim-swarm.h"

#include <string.h>

#define MIB (1024u * 1024)

static void
report (SimNode *node)
{
  g_test_message ("downloaded %" G_GUINT64_FORMAT ", wasted %" G_GUINT64_FORMAT
                  " of %" G_GUINT64_FORMAT,
                  node->downloaded, node->wasted, node->torrent->size);
}

/* --- End game --- */

/* One peer stops answering near the end: the last hundredth takes at most 1.5 times its part of the
 * time, and under a hundredth is wasted (S26). */
static void
run_staller (gint64 answers)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), MIB, 160);
  SimNode *node = sim_swarm_add_node (swarm, FALSE, 0, 8 * MIB);
  SimBot *bots[5];
  gint64 begin_us, late_us = 0;
  double mean_us;

  for (guint i = 0; i < 5; i++)
    {
      bots[i] = sim_swarm_add_bot (swarm, SIM_BOT_SEED | (i == 0 ? SIM_BOT_STALLER : 0), MIB / 4,
                                   0);
      bots[i]->answers_left = answers;
      sim_node_add_peer (node, &bots[i]->peer.addr);
    }
  begin_us = swarm->world->now_us;
  while (node->state != SHOAL_TORRENT_SEEDING && swarm->world->now_us - begin_us < 600 * SIM_SECOND)
    {
      sim_world_pass (swarm->world, SIM_SECOND / 50);
      if (late_us == 0 && sim_node_n_had (node) >= swarm->torrent->n_pieces * 99 / 100)
        late_us = swarm->world->now_us;
    }
  report (node);
  g_assert_cmpint (node->state, ==, SHOAL_TORRENT_SEEDING);
  g_assert_true (sim_node_is_right (node));
  mean_us = (double) (swarm->world->now_us - begin_us)
            * (swarm->torrent->n_pieces - swarm->torrent->n_pieces * 99 / 100)
            / swarm->torrent->n_pieces;
  g_test_message ("%.1f s in all, %.2f s for the last pieces, %.2f s by the mean rate; the staller "
                  "had %d answers left",
                  (double) (swarm->world->now_us - begin_us) / SIM_SECOND,
                  (double) (swarm->world->now_us - late_us) / SIM_SECOND, mean_us / SIM_SECOND,
                  (int) bots[0]->answers_left);
  g_assert_cmpint (bots[0]->answers_left, <=, 0);
  g_assert_cmpfloat ((double) (swarm->world->now_us - late_us), <=, 1.5 * mean_us);
  g_assert_cmpuint (node->wasted, <=, swarm->torrent->size / 100);
}

static void
test_staller (void)
{
  run_staller (1500);
  run_staller (2000);
  run_staller (2030);
}

/* --- Lies --- */

static void
test_poisoned (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 262144, 60);
  SimNode *nodes[3];
  guint64 given;

  for (guint i = 0; i < 3; i++)
    nodes[i] = sim_swarm_add_node (swarm, FALSE, MIB, 0);
  for (guint i = 0; i < 6; i++)
    sim_swarm_add_bot (swarm, SIM_BOT_SEED | (i == 0 ? SIM_BOT_POISONER : 0), 200000, 0);
  sim_swarm_run (swarm, 600 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  for (guint i = 0; i < 3; i++)
    {
      report (nodes[i]);
      g_test_message ("%" G_GUINT64_FORMAT " pieces failed", nodes[i]->disk.n_wrong);
      g_assert_cmpuint (nodes[i]->disk.n_wrong, <=, 12);
    }
  g_assert_cmpuint (nodes[0]->disk.n_wrong + nodes[1]->disk.n_wrong + nodes[2]->disk.n_wrong, >, 0);

  /* The liar is banned: it gives nothing any more to those who met it. */
  given = sim_swarm_bot (swarm, 0)->given;
  for (guint i = 0; i < 3; i++)
    sim_node_command (nodes[i], SHOAL_COMMAND_ANNOUNCE);
  sim_world_pass (swarm->world, 60 * SIM_SECOND);
  g_assert_cmpuint (sim_swarm_bot (swarm, 0)->given, ==, given);
}

/* --- Trackers --- */

/* Five dead ones and a live one, which is told everything once; where packets get lost it may be
 * told twice. */
static void
run_dead_trackers (guint loss_percent)
{
  const char *const urls[] = {
    "http://no-such-name.test/announce",
    "http://silent.test/announce",
    "udp://silent-udp.test:6969/announce",
    "http://broken.test/announce",
    "http://refuses.test/announce",
    "udp://alive.test:6969/announce",
    NULL,
  };
  g_autoptr(SimWorld) world = sim_world_new (shoal_test_seed ());
  SimTorrent *torrent = sim_torrent_new (world, 65536, 65536 * 40, urls);
  SimTracker *alive;
  SimNode *nodes[4];

  world->loss_percent = loss_percent;
  sim_tracker_new (world, "no-such-name.test", SIM_TRACKER_NO_NAME);
  sim_tracker_new (world, "silent.test", SIM_TRACKER_SILENT);
  sim_tracker_new (world, "silent-udp.test", SIM_TRACKER_SILENT);
  sim_tracker_new (world, "broken.test", SIM_TRACKER_BROKEN);
  sim_tracker_new (world, "refuses.test", SIM_TRACKER_REFUSES);
  alive = sim_tracker_new (world, "alive.test", SIM_TRACKER_ALIVE);
  for (guint i = 0; i < 4; i++)
    {
      nodes[i] = sim_node_new (world);
      nodes[i]->peer.rate_up = 500000;
      sim_node_start (nodes[i]);
      sim_node_add (nodes[i], torrent, i == 0);
    }
  for (guint second = 0, n_seeds = 0; second < 900 && n_seeds < 4; second++)
    {
      sim_world_pass (world, SIM_SECOND);
      n_seeds = 0;
      for (guint i = 0; i < 4; i++)
        n_seeds += nodes[i]->state == SHOAL_TORRENT_SEEDING;
    }
  sim_world_pass (world, 30 * SIM_SECOND);
  for (guint i = 0; i < 4; i++)
    {
      SimTrackerPeer *told = sim_tracker_peer (alive, &nodes[i]->peer.addr,
                                               &torrent->metainfo->hash.v1);

      g_assert_cmpint (nodes[i]->state, ==, SHOAL_TORRENT_SEEDING);
      g_assert_true (sim_node_is_right (nodes[i]));
      if (loss_percent > 0)
        continue;
      g_assert_cmpuint (told->n_started, ==, 1);
      g_assert_cmpuint (told->n_completed, ==, i == 0 ? 0 : 1);
    }
}

static void
test_dead_trackers (void)
{
  run_dead_trackers (0);
  run_dead_trackers (10);
}

/* --- Disk --- */

static void
test_disk_full (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 262144, 100);
  SimNode *full;

  sim_swarm_add_node (swarm, TRUE, MIB, 0);
  for (guint i = 0; i < 2; i++)
    sim_swarm_add_node (swarm, FALSE, MIB, 0);
  full = sim_swarm_new_node (swarm, MIB, 0);
  full->disk.capacity = 10 * MIB;
  sim_node_start (full);
  sim_node_add (full, swarm->torrent, FALSE);

  for (guint second = 0; second < 300 && sim_swarm_node (swarm, 2)->state != SHOAL_TORRENT_SEEDING;
       second++)
    sim_world_pass (swarm->world, SIM_SECOND);
  sim_world_pass (swarm->world, 60 * SIM_SECOND);
  g_assert_cmpint (sim_swarm_node (swarm, 1)->state, ==, SHOAL_TORRENT_SEEDING);
  g_assert_cmpint (sim_swarm_node (swarm, 2)->state, ==, SHOAL_TORRENT_SEEDING);
  g_assert_cmpint (full->state, ==, SHOAL_TORRENT_FAILED);
  g_assert_cmpint (full->reason, ==, SHOAL_REASON_DISK_FULL);
  g_assert_cmpuint (full->disk.used, <=, full->disk.capacity);

  /* Once there is room it goes on by itself, with what it had. */
  full->disk.capacity = 1000 * MIB;
  sim_swarm_run (swarm, 300 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  report (full);
  g_assert_cmpuint (full->downloaded, <=, swarm->torrent->size + swarm->torrent->size / 5);
}

/* A folder that is gone: failed with that reason, until the user asks. */
static void
test_disk_gone (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 262144, 60);
  SimNode *node;

  sim_swarm_add_node (swarm, TRUE, MIB, 0);
  node = sim_swarm_add_node (swarm, FALSE, MIB, 0);
  sim_world_pass (swarm->world, 8 * SIM_SECOND);
  g_assert_cmpint (node->state, ==, SHOAL_TORRENT_DOWNLOADING);
  node->disk.fault = SHOAL_REASON_NO_PERMISSION;
  sim_world_pass (swarm->world, 10 * SIM_SECOND);
  g_assert_cmpint (node->state, ==, SHOAL_TORRENT_FAILED);
  g_assert_cmpint (node->reason, ==, SHOAL_REASON_NO_PERMISSION);
  node->disk.fault = SHOAL_REASON_NONE;
  sim_node_command (node, SHOAL_COMMAND_START);
  sim_swarm_run (swarm, 300 * SIM_SECOND);
  sim_swarm_check_data (swarm);
}

/* --- Restart --- */

/* Stopped in good order in the middle: goes on where it was, without a check, and tells the
 * trackers once more. */
static void
test_restart (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 262144, 100);
  SimNode *node;
  guint64 received;
  guint32 n_had;

  sim_swarm_add_node (swarm, TRUE, MIB, 0);
  node = sim_swarm_add_node (swarm, FALSE, MIB, 0);
  sim_world_pass (swarm->world, 15 * SIM_SECOND);
  sim_node_command (node, SHOAL_COMMAND_QUIT);
  sim_world_pass (swarm->world, 5 * SIM_SECOND);
  g_assert_true (node->quit);
  n_had = sim_node_n_had (node);
  g_assert_cmpuint (n_had, >, 10);
  g_assert_cmpuint (n_had, <, 90);
  received = node->peer.received;

  sim_node_start (node);
  sim_swarm_run (swarm, 300 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  g_assert_cmpuint (node->disk.n_checked, <=, 10);
  received = node->peer.received - received;
  g_test_message ("%u of 100 pieces were had; %.1f pieces came afterwards", n_had,
                  (double) received / 262144);
  g_assert_cmpuint (received, <=, (guint64) (100 - n_had) * 262144 * 102 / 100);
}

/* Killed at any moment, again and again: only pieces that were not complete are fetched again, and
 * nothing is taken for had that is not there (the disk asserts that nothing else is ever read). */
static void
test_kill (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 262144, 200);
  SimNode *node;

  sim_swarm_add_node (swarm, TRUE, MIB, 0);
  node = sim_swarm_add_node (swarm, FALSE, MIB, 0);
  sim_swarm_add_bot (swarm, 0, MIB, MIB);
  for (guint i = 0; i < 4; i++)
    {
      sim_world_pass (swarm->world,
                      10 * SIM_SECOND + shoal_rng_below (&swarm->world->rng, 5 * SIM_SECOND));
      sim_node_kill (node);
      sim_world_pass (swarm->world, SIM_SECOND);
      sim_node_start (node);
    }
  sim_swarm_run (swarm, 600 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  g_test_message ("%.1f pieces came again; %" G_GUINT64_FORMAT " pieces were compared",
                  ((double) node->peer.received - (double) swarm->torrent->size) / 262144,
                  node->disk.n_checked);
  g_assert_cmpuint (node->peer.received, <, swarm->torrent->size + 4 * 8 * 262144);
}

/* The machine of a peer loses its power: nobody is told, and the others go on. */
static void
test_sudden_death (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 262144, 100);
  SimNode *node = sim_swarm_add_node (swarm, FALSE, MIB, 2 * MIB);

  for (guint i = 0; i < 6; i++)
    sim_node_add_peer (node, &sim_swarm_add_bot (swarm, SIM_BOT_SEED, MIB / 4, 0)->peer.addr);
  sim_world_pass (swarm->world, 8 * SIM_SECOND);
  for (guint i = 0; i < 4; i++)
    sim_bot_kill (sim_swarm_bot (swarm, i));
  sim_swarm_run (swarm, 300 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  report (node);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sim/trouble/staller", test_staller);
  g_test_add_func ("/sim/trouble/poisoned", test_poisoned);
  g_test_add_func ("/sim/trouble/dead-trackers", test_dead_trackers);
  g_test_add_func ("/sim/trouble/disk-full", test_disk_full);
  g_test_add_func ("/sim/trouble/disk-gone", test_disk_gone);
  g_test_add_func ("/sim/trouble/restart", test_restart);
  g_test_add_func ("/sim/trouble/kill", test_kill);
  g_test_add_func ("/sim/trouble/sudden-death", test_sudden_death);

  return g_test_run ();
}
