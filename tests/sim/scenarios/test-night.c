/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Swarms drawn by chance: a few seeds in every run, and with SHOAL_NIGHT=SEEDS many, and five
 * thousand peers at once. */

#include "shoal-test.h"
#include "sim-swarm.h"

#define PIECE_SIZE 65536u
#define RATE       200000u   /* bytes a second */
#define USUAL      3u

static guint
n_seeds (void)
{
  const char *text = g_getenv ("SHOAL_NIGHT");
  guint64 n = USUAL;

  if (text != NULL && !g_ascii_string_to_unsigned (text, 10, 1, 100000, &n, NULL))
    g_error ("SHOAL_NIGHT is not a number of seeds: %s", text);

  return (guint) n;
}

/* Some seed, some download, some do neither as they should; whoever wants the torrent has it in the
 * end. */
static void
run (guint64 seed)
{
  ShoalRng rng;
  g_autoptr(SimSwarm) swarm = NULL;
  guint n_nodes, n_bots;

  shoal_rng_init (&rng, seed);
  swarm = (shoal_rng_below (&rng, 2) == 0
             ? sim_swarm_new
             : sim_swarm_new_v2) (seed, PIECE_SIZE << shoal_rng_below (&rng, 3),
                                  8 + shoal_rng_below (&rng, 40));
  n_nodes = 2 + shoal_rng_below (&rng, 8);
  n_bots = shoal_rng_below (&rng, 16);
  for (guint i = 0; i < n_nodes; i++)
    {
      sim_swarm_add_node (swarm, i == 0, RATE + shoal_rng_below (&rng, 4 * RATE),
                          shoal_rng_below (&rng, 2) == 0 ? 0 : 4 * RATE);
      sim_world_pass (swarm->world, (gint64) shoal_rng_below (&rng, 2000) * SIM_SECOND / 1000);
    }
  for (guint i = 0; i < n_bots; i++)
    {
      static const guint kinds[] = { 0,
                                     0,
                                     0,
                                     SIM_BOT_SEED,
                                     SIM_BOT_FREE_RIDER,
                                     SIM_BOT_SEED | SIM_BOT_POISONER,
                                     SIM_BOT_SEED | SIM_BOT_STALLER };
      SimBot *bot = sim_swarm_add_bot (swarm, kinds[shoal_rng_below (&rng, G_N_ELEMENTS (kinds))],
                                       RATE, 4 * RATE);

      bot->answers_left = shoal_rng_below (&rng, 200);
    }
  sim_swarm_run (swarm, 3600 * SIM_SECOND);
  sim_swarm_check_data (swarm);
}

static void
test_seeds (void)
{
  guint64 first = shoal_test_seed ();
  guint n = n_seeds ();

  for (guint i = 0; i < n; i++)
    {
      g_test_message ("seed %" G_GUINT64_FORMAT, first + i);
      run (first + i);
    }
}

static void
test_five_thousand (void)
{
  g_autoptr(SimSwarm) swarm = sim_swarm_new (shoal_test_seed (), 4096, 64);

  sim_swarm_add_node (swarm, TRUE, RATE, 0);
  sim_world_pass (swarm->world, 5 * SIM_SECOND);
  for (guint i = 0; i < 99; i++)
    sim_swarm_add_node (swarm, FALSE, RATE / 10, RATE);
  for (guint i = 0; i < 4900; i++)
    sim_swarm_add_bot (swarm, 0, RATE / 10, RATE);
  sim_swarm_run (swarm, 1800 * SIM_SECOND);
  sim_swarm_check_data (swarm);
  g_test_message ("%.0f s simulated, %" G_GUINT64_FORMAT " events",
                  (double) (swarm->world->now_us / SIM_SECOND - 1000), swarm->world->n_events);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/night/seeds", test_seeds);
  if (g_getenv ("SHOAL_NIGHT") != NULL)
    g_test_add_func ("/sim/night/five-thousand", test_five_thousand);

  return g_test_run ();
}
