/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Choking: who keeps a slot as leecher and as seed, how many slots, and that nobody starves. */

#include "shoal-choker.h"
#include "shoal-test.h"

#define MAX_PEERS 40u

typedef struct
{
  ShoalChoker    choker;
  ShoalRng       rng;
  ShoalChokePeer peers[MAX_PEERS];
  guint          n;
  gint64         now_us;
  guint          n_unchoked[MAX_PEERS];   /* rounds with a slot */
} World;

static void
world_init (World *w,
            guint  n)
{
  *w = (World) { .n = n, .now_us = 1000 * G_USEC_PER_SEC };
  shoal_choker_init (&w->choker);
  shoal_rng_init (&w->rng, shoal_test_seed ());
  for (guint i = 0; i < n; i++)
    w->peers[i] = (ShoalChokePeer){ .link = &w->peers[i],
                                    .interested = TRUE,
                                    .rate_down = 1000 * (i + 1),
                                    .rate_up = 10000,
                                    .connected_us = w->now_us };
}

static guint
run (World    *w,
     gboolean  seeding,
     gboolean  regular,
     guint64   rate_up,
     guint64   limit_up)
{
  guint n = 0;

  if (regular)
    w->now_us += SHOAL_CHOKE_ROUND_US;
  shoal_choker_round (&w->choker, w->peers, w->n, seeding, regular, 4, rate_up, limit_up, &w->rng,
                      w->now_us);
  for (guint i = 0; i < w->n; i++)
    {
      g_assert_true (w->peers[i].interested || !w->peers[i].unchoke);
      if (w->peers[i].unchoke && !w->peers[i].unchoked)
        w->peers[i].unchoked_us = w->now_us;
      w->peers[i].unchoked = w->peers[i].unchoke;
      w->n_unchoked[i] += w->peers[i].unchoke;
      n += w->peers[i].unchoke;
    }

  return n;
}

static guint
optimistic (const World *w)
{
  return (guint) ((const ShoalChokePeer *) w->choker.optimistic - w->peers);
}

static void
test_leecher (void)
{
  World w;
  guint drawn, n_draws = 0;

  world_init (&w, 20);
  g_assert_cmpuint (run (&w, FALSE, TRUE, 0, 0), ==, 4);
  for (guint round = 1; round < 300; round++)
    {
      drawn = optimistic (&w);
      g_assert_cmpuint (run (&w, FALSE, TRUE, 0, 0), ==, 4);
      for (guint i = 17; i < 20; i++)
        g_assert_true (w.peers[i].unchoke);
      g_assert_cmpuint (optimistic (&w), <, 17);
      if (optimistic (&w) != drawn)
        {
          g_assert_cmpuint (round % SHOAL_CHOKE_OPTIMISTIC_ROUNDS, ==, 0);
          n_draws++;
        }
    }
  g_assert_cmpuint (n_draws, ==, 99);
  for (guint i = 0; i < 17; i++)
    g_assert_cmpuint (w.n_unchoked[i], >, 3);

  /* An extra round draws nobody. */
  drawn = optimistic (&w);
  for (guint i = 0; i < 10; i++)
    run (&w, FALSE, FALSE, 0, 0);
  g_assert_cmpuint (optimistic (&w), ==, drawn);

  /* Unless the slot is free; and a better sender takes the place of the worst. */
  w.peers[drawn].interested = FALSE;
  g_assert_cmpuint (run (&w, FALSE, FALSE, 0, 0), ==, 4);
  g_assert_cmpuint (optimistic (&w), !=, drawn);
  shoal_choker_forget (&w.choker, w.choker.optimistic);
  g_assert_null (w.choker.optimistic);
  w.peers[17].interested = FALSE;
  g_assert_cmpuint (run (&w, FALSE, FALSE, 0, 0), ==, 4);
  g_assert_true (w.peers[16].unchoke);
}

static void
test_snubbed (void)
{
  World w;

  world_init (&w, 6);
  w.peers[5].snubbed = TRUE;
  w.peers[4].snubbed = TRUE;
  for (guint round = 0; round < 60; round++)
    {
      g_assert_cmpuint (run (&w, FALSE, TRUE, 0, 0), ==, 4);
      for (guint i = 1; i < 4; i++)
        g_assert_true (w.peers[i].unchoke);
    }
  g_assert_cmpuint (w.n_unchoked[5], >, 0);
  for (guint i = 0; i < 6; i++)
    w.peers[i].snubbed = TRUE;
  g_assert_cmpuint (run (&w, FALSE, TRUE, 0, 0), ==, 1);
}

static void
test_few (void)
{
  World w;

  world_init (&w, 0);
  g_assert_cmpuint (run (&w, FALSE, TRUE, 0, 0), ==, 0);
  g_assert_cmpuint (run (&w, TRUE, TRUE, 0, 0), ==, 0);
  for (guint n = 1; n <= 4; n++)
    for (guint seeding = 0; seeding < 2; seeding++)
      {
        world_init (&w, n);
        for (guint round = 0; round < 20; round++)
          g_assert_cmpuint (run (&w, seeding, TRUE, 0, 0), ==, n);
      }
}

static void
test_seed (void)
{
  World w;
  guint n_new[3] = { 0, 0, 0 };

  world_init (&w, 20);
  w.peers[3].rate_up = 10000000;   /* takes all it can get: no advantage */
  for (guint round = 0; round < 3000; round++)
    {
      gboolean before[MAX_PEERS];
      guint kept = 0;

      for (guint i = 0; i < w.n; i++)
        before[i] = w.peers[i].unchoked;
      g_assert_cmpuint (run (&w, TRUE, TRUE, 0, 0), ==, 4);
      for (guint i = 0; i < w.n; i++)
        kept += before[i] && w.peers[i].unchoked;
      if (round > 0)
        n_new[round % 3] += 4 - kept;
      if (round > 0)
        g_assert_cmpuint (kept, ==, round % 3 == 2 ? 4 : 3);
    }
  g_assert_cmpuint (n_new[2], ==, 0);
  for (guint i = 0; i < w.n; i++)
    {
      g_assert_cmpuint (w.n_unchoked[i], >, 600 * 80 / 100);
      g_assert_cmpuint (w.n_unchoked[i], <, 600 * 120 / 100);
    }

  /* An extra round changes nothing but free slots. */
  for (guint i = 0; i < w.n; i++)
    if (w.peers[i].unchoked)
      {
        w.peers[i].interested = FALSE;
        break;
      }
  g_assert_cmpuint (run (&w, TRUE, FALSE, 0, 0), ==, 4);
}

static void
test_slots (void)
{
  World w;

  /* Every slot moves and the line is not full: more. */
  world_init (&w, 30);
  run (&w, FALSE, TRUE, 40000, 100000);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpuint (run (&w, FALSE, TRUE, 40000, 100000), ==, 5 + i);

  /* Full: as many as there are. A slot that does not move: fewer, never under 4. */
  g_assert_cmpuint (run (&w, FALSE, TRUE, 95000, 100000), ==, 9);
  w.peers[29].rate_up = 100;
  for (guint i = 0; i < 5; i++)
    g_assert_cmpuint (run (&w, FALSE, TRUE, 40000, 100000), ==, 8 - i);
  g_assert_cmpuint (run (&w, FALSE, TRUE, 40000, 100000), ==, 4);

  /* Without a limit the best rate seen counts, and is forgotten slowly. */
  world_init (&w, 30);
  run (&w, FALSE, TRUE, 100000, 0);
  g_assert_cmpuint (run (&w, FALSE, TRUE, 100000, 0), ==, 4);
  g_assert_cmpuint (run (&w, FALSE, TRUE, 50000, 0), ==, 5);
  for (guint i = 0; i < 200; i++)
    run (&w, FALSE, TRUE, 50000, 0);
  g_assert_cmpuint (w.choker.best_rate_up, ==, 50000);
}

/* Every second between the rounds, while the rate rises above the best seen or stays far below
 * it. */
static void
test_grow (void)
{
  World w;

  world_init (&w, 30);
  run (&w, FALSE, TRUE, 0, 0);
  g_assert_true (shoal_choker_grow (&w.choker, w.peers, w.n, 50000, 0));
  /* the slot is still free */
  g_assert_false (shoal_choker_grow (&w.choker, w.peers, w.n, 100000, 0));
  g_assert_cmpuint (run (&w, FALSE, FALSE, 100000, 0), ==, 5);
  g_assert_true (shoal_choker_grow (&w.choker, w.peers, w.n, 200000, 0));
  g_assert_cmpuint (run (&w, FALSE, FALSE, 200000, 0), ==, 6);
  g_assert_false (shoal_choker_grow (&w.choker, w.peers, w.n, 201000, 0));
  g_assert_true (shoal_choker_grow (&w.choker, w.peers, w.n, 100000, 0));
  g_assert_cmpuint (run (&w, FALSE, FALSE, 100000, 0), ==, 7);

  /* A limit counts alone; a slot that does not move stops it. */
  g_assert_false (shoal_choker_grow (&w.choker, w.peers, w.n, 950000, 1000000));
  g_assert_true (shoal_choker_grow (&w.choker, w.peers, w.n, 500000, 1000000));
  g_assert_cmpuint (run (&w, FALSE, FALSE, 500000, 1000000), ==, 8);
  w.peers[29].rate_up = 100;
  g_assert_false (shoal_choker_grow (&w.choker, w.peers, w.n, 500000, 1000000));
  g_assert_cmpuint (w.choker.slots, ==, 8);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/choker/leecher", test_leecher);
  g_test_add_func ("/choker/snubbed", test_snubbed);
  g_test_add_func ("/choker/few", test_few);
  g_test_add_func ("/choker/seed", test_seed);
  g_test_add_func ("/choker/slots", test_slots);
  g_test_add_func ("/choker/grow", test_grow);

  return g_test_run ();
}
