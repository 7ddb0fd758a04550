/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many peers: a flash crowd, how evenly pieces spread, and what a free rider gets. */

#include "shoal-test.h"
#include "sim-swarm.h"

#include <math.h>

#define PIECE_SIZE 4096u
#define RATE       20000u   /* bytes a second */

#define UNTIL_OUT_MAX      2.4    /* what the seed of a crowd sends before all of it is out there:
                                   * times the torrent */
#define SLOW_SEED_TIME_MAX 1.42   /* of the ideal, greeting and all */
#define SLOW_SEED_SENT_MAX 1.40

static void
report (SimSwarm *swarm)
{
  g_test_message ("%.0f s simulated, %" G_GUINT64_FORMAT " events",
                  (double) (swarm->world->now_us / SIM_SECOND - 1000), swarm->world->n_events);
}

/*
 * A hundred real engines and nine hundred scripted peers, one seed as slow as anybody. Returns how
 * often it sent the torrent.
 * @until_out: how often it had when all of it was out there once.
 */
static double
flash_crowd (gboolean gossips,
             double  *until_out)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), PIECE_SIZE, 64);
  SimNode *seed = NULL;
  double sent;

  for (guint i = 0; i < 100; i++)
    {
      SimNode *node = sim_swarm_new_node (swarm, RATE, i == 0 ? 0 : 10 * RATE);

      node->config.use_pex = gossips;
      sim_node_start (node);
      sim_node_add (node, swarm->torrent, i == 0);
      if (i > 0)
        continue;
      seed = node;
      sim_world_pass (swarm->world, 5 * SIM_SECOND);
    }
  for (guint i = 0; i < 900; i++)
    sim_swarm_add_bot (swarm, 0, RATE, 10 * RATE);
  while (!sim_swarm_is_out (swarm) && swarm->world->now_us < 1600 * SIM_SECOND)
    sim_world_pass (swarm->world, SIM_SECOND);
  *until_out = (double) seed->peer.sent / (double) swarm->torrent->size;
  sim_swarm_run (swarm, 600 * SIM_SECOND);
  report (swarm);
  sim_swarm_check_data (swarm);
  sent = (double) seed->peer.sent / (double) swarm->torrent->size;
  g_test_message ("the seed sent %.2f times the torrent, %.2f until all of it was out", sent,
                  *until_out);
  g_assert_cmpint (swarm->world->now_us, <, 1060 * SIM_SECOND);

  return sent;
}

/* The tracker names the seed to some, and when these are done it rests. */
static void
test_flash_crowd (void)
{
  double until_out;

  g_assert_cmpfloat (flash_crowd (FALSE, &until_out), <, 3);
  g_assert_cmpfloat (until_out, <, UNTIL_OUT_MAX);
}

/*
 * Everybody is told of the seed, and asks it until the last is done: it may send as much as its
 * line takes in that time, which is four times the torrent. The crowd must not take longer for it,
 * nor the seed send more before all of it is out.
 */
static void
test_gossiping_crowd (void)
{
  double until_out;

  g_assert_cmpfloat (flash_crowd (TRUE, &until_out), <, 3.6);
  g_assert_cmpfloat (until_out, <, UNTIL_OUT_MAX);
}

/* How evenly the copies are spread over the pieces: 1 is ideal (S22). */
static double
entropy (SimSwarm *swarm)
{
  double total = 0, sum = 0;
  g_autofree double *copies = g_new0 (double, swarm->torrent->n_pieces);

  for (guint i = 1; i < swarm->nodes->len; i++)
    for (guint32 p = 0; p < swarm->torrent->n_pieces; p++)
      copies[p] += sim_disk_has (&sim_swarm_node (swarm, i)->disk, 1, p);
  for (guint32 p = 0; p < swarm->torrent->n_pieces; p++)
    total += copies[p];
  for (guint32 p = 0; p < swarm->torrent->n_pieces && total > 0; p++)
    if (copies[p] > 0)
      sum -= copies[p] / total * log2 (copies[p] / total);

  return sum / log2 (swarm->torrent->n_pieces);
}

static void
test_entropy (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), PIECE_SIZE, 100);
  guint n = 0;
  double sum = 0;

  for (guint i = 0; i < 100; i++)
    sim_swarm_add_node (swarm, i == 0, i == 0 ? 4 * RATE : RATE, 10 * RATE);
  while (!sim_swarm_is_done (swarm->world, swarm) && swarm->world->now_us < 1900 * SIM_SECOND)
    {
      guint64 had = 0;
      double share;

      sim_world_pass (swarm->world, SIM_SECOND);
      for (guint i = 1; i < 100; i++)
        had += sim_node_n_had (sim_swarm_node (swarm, i));
      share = (double) had / 9900;
      if (share < 0.2 || share > 0.8)
        continue;
      sum += entropy (swarm);
      n++;
    }
  report (swarm);
  g_assert_true (sim_swarm_is_done (swarm->world, swarm));
  g_assert_cmpuint (n, >, 3);
  g_test_message ("entropy %.4f of the ideal in %u samples", sum / n, n);
  g_assert_cmpfloat (sum / n, >, 0.95);
}

/* Twenty peers want all that a seed has, for half a day; one of them could take the whole line and
 * gives nothing (S24). */
static void
test_free_rider (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 65536, 64);
  const guint n = 20;
  const gint64 hours = 12;
  guint64 total = 0, rider;

  sim_swarm_add_node (swarm, TRUE, 2 * RATE, 0);
  sim_world_pass (swarm->world, 5 * SIM_SECOND);
  for (guint i = 0; i < n; i++)
    {
      SimBot *bot = sim_swarm_add_bot (swarm,
                                       SIM_BOT_INSATIABLE | SIM_BOT_DEAF
                                         | (i == 0 ? SIM_BOT_FREE_RIDER : 0),
                                       RATE, i == 0 ? 0 : RATE);

      sim_bot_dial (bot, &sim_swarm_node (swarm, 0)->peer.addr);
    }
  sim_world_pass (swarm->world, hours * 3600 * SIM_SECOND);
  report (swarm);
  for (guint i = 0; i < n; i++)
    total += sim_swarm_bot (swarm, i)->got;
  rider = sim_swarm_bot (swarm, 0)->got;
  g_test_message ("the free rider got %.3f of its fair share", (double) rider * n / (double) total);
  g_assert_cmpuint (total, >, (guint64) hours * 3600 * 2 * RATE * 8 / 10);
  g_assert_cmpfloat ((double) rider * n / (double) total, <, 1.25);
}

/* Eight peers with fast lines behind a seed with a slow one: what the seed sends twice is lost
 * time. */
static void
test_slow_seed (void)
{
  const guint64 rate = 2 * 1024 * 1024;
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 131072, 256);
  SimNode *seed = sim_swarm_new_node (swarm, rate, 0);
  double ideal_us = (double) swarm->torrent->size / (double) rate * (double) SIM_SECOND;
  gint64 begun_us, last_us = 0;

  seed->config.upload_slots = 8;
  sim_node_start (seed);
  sim_node_add (seed, swarm->torrent, TRUE);
  sim_world_pass (swarm->world, 5 * SIM_SECOND);
  begun_us = swarm->world->now_us;
  for (guint i = 0; i < 8; i++)
    sim_swarm_add_node (swarm, FALSE, 10 * rate, 10 * rate);
  sim_swarm_run (swarm, 120 * SIM_SECOND);
  report (swarm);
  sim_swarm_check_data (swarm);
  for (guint i = 1; i < swarm->nodes->len; i++)
    last_us = MAX (last_us, sim_swarm_node (swarm, i)->complete_us);
  g_test_message ("the last was done after %.2f of the ideal time, the seed sent %.2f times the "
                  "torrent",
                  (double) (last_us - begun_us) / ideal_us,
                  (double) seed->peer.sent / (double) swarm->torrent->size);
  g_assert_cmpfloat ((double) (last_us - begun_us) / ideal_us, <, SLOW_SEED_TIME_MAX);
  g_assert_cmpfloat ((double) seed->peer.sent / (double) swarm->torrent->size, <,
                     SLOW_SEED_SENT_MAX);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sim/crowd/flash-crowd", test_flash_crowd);
  g_test_add_func ("/sim/crowd/gossiping-crowd", test_gossiping_crowd);
  g_test_add_func ("/sim/crowd/slow-seed", test_slow_seed);
  g_test_add_func ("/sim/crowd/entropy", test_entropy);
  g_test_add_func ("/sim/crowd/free-rider", test_free_rider);

  return g_test_run ();
}
