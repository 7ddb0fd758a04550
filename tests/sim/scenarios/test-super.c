/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Super-seeding against plain seeding: what the only seed sends before all of it is out there
 * once. */

#include "shoal-test.h"
#include "sim-swarm.h"

#define PIECE_SIZE 65536u
#define N_PIECES   128u
#define RATE       200000u   /* bytes a second */
#define LEECHERS   12u

/* Times the torrent's size. */
static double
sent_until_out (gboolean super_seeding,
                double  *seconds)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), PIECE_SIZE, N_PIECES);
  SimNode *seed = sim_swarm_new_node (swarm, RATE, 0);
  gint64 begun_us;
  double sent;

  seed->super_seeding = super_seeding;
  sim_node_start (seed);
  sim_node_add (seed, swarm->torrent, TRUE);
  sim_world_pass (swarm->world, 5 * SIM_SECOND);
  begun_us = swarm->world->now_us;
  for (guint i = 0; i < LEECHERS; i++)
    sim_swarm_add_node (swarm, FALSE, 2 * RATE, 10 * RATE);
  while (!sim_swarm_is_out (swarm) && swarm->world->now_us - begun_us < 600 * SIM_SECOND)
    sim_world_pass (swarm->world, SIM_SECOND);
  g_assert_true (sim_swarm_is_out (swarm));
  *seconds = (double) (swarm->world->now_us - begun_us) / SIM_SECOND;
  sent = (double) seed->peer.sent / (double) swarm->torrent->size;
  sim_swarm_run (swarm, 900 * SIM_SECOND);
  sim_swarm_check_data (swarm);

  return sent;
}

static void
test_first_copy (void)
{
  double plain_s, super_s;
  double plain = sent_until_out (FALSE, &plain_s);
  double super = sent_until_out (TRUE, &super_s);

  g_test_message ("plain: %.2f times the torrent in %.0f s; super-seeding: %.2f times in %.0f s",
                  plain, plain_s, super, super_s);
  g_assert_cmpfloat (super, <, plain);
  g_assert_cmpfloat (super, <, 1.15);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sim/super/first-copy", test_first_copy);

  return g_test_run ();
}
