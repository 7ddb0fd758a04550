/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Liars whose blocks were written before the piece was judged: the disk tells what they were. */

#include "swarm-rig.h"

#define MIB    (1024u * 1024)
#define BLOCKS 128u

static const ContentFile one_piece[] = { { .size = BLOCKS * SHOAL_BLOCK_SIZE } };

/* Blocks that came from all of them. */
static guint
n_sent (RigBot **bots,
        guint    n)
{
  guint sum = 0;

  for (guint i = 0; i < n; i++)
    sum += bots[i]->n_requests - bots[i]->requests->len;

  return sum;
}

/* All of the piece comes, half of it before it is spilled. */
static void
send_spilled (Rig     *rig,
              RigBot **bots,
              guint    n)
{
  guint n_checks = rig->n_done[SHOAL_DISK_CHECK];
  guint before = n_sent (bots, n);

  for (guint turn = 0; turn < 2000 && n_sent (bots, n) < before + BLOCKS / 2; turn++)
    {
      for (guint i = 0; i < n; i++)
        if (bots[i]->requests->len > 1)
          rig_bot_deliver (bots[i], bots[i]->requests->len - 1);
      rig_turn (rig, 1000);
    }
  shoal_engine_begin (rig->engine, rig->now_us, RIG_WALL_S);
  shoal_swarm_spill (swarm_of (rig), TRUE);
  shoal_engine_end (rig->engine);
  for (guint turn = 0; turn < 2000 && rig->n_done[SHOAL_DISK_CHECK] == n_checks; turn++)
    {
      for (guint i = 0; i < n; i++)
        rig_bot_deliver (bots[i], G_MAXUINT);
      rig_turn (rig, 1000);
    }
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_CHECK], >, n_checks);
  rig_turn (rig, 1000);
}

/* A liar and one who is not: both keep what they are asked for. */
static Rig *
new_rig (RigBot **bots)
{
  Rig *rig = rig_new (one_piece, G_N_ELEMENTS (one_piece), 2 * MIB, NULL);

  rig_add (rig, FALSE, FALSE);
  for (guint8 i = 0; i < 2; i++)
    {
      bots[i] = rig_bot (rig, i + 1);
      bots[i]->has_all = bots[i]->silent = TRUE;
      bots[i]->lies = i == 0;
    }
  rig_run (rig, 5);

  return rig;
}

/* @data: the piece that is right in the end is spilled too. */
static void
test_spilled (gconstpointer data)
{
  gboolean again = GPOINTER_TO_INT (data);
  RigBot *bots[2];
  g_autoptr(Rig) rig = new_rig (bots);

  send_spilled (rig, bots, 2);
  g_assert_cmpuint (bots[0]->n_requests, >, 0);
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_SPILL], ==, 2);
  /* Once for the verdict, and once for what the blocks were. */
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_CHECK], ==, 2);
  g_assert_false (is_banned (bots[0]));
  g_assert_cmpuint (rig_look (rig)->wasted, >=, 2 * MIB);

  /* It goes, so that nothing but its blocks can tell of it. */
  rig_bot_leave (bots[0]);
  if (again)
    send_spilled (rig, &bots[1], 1);
  bots[1]->silent = FALSE;
  rig_bot_deliver (bots[1], G_MAXUINT);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_SPILL], ==, again ? 4 : 2);
  g_assert_true (rig_is_filled (rig));
  g_assert_true (is_banned (bots[0]));
  g_assert_false (is_banned (bots[1]));
}

/* What was written cannot be read: the piece is fetched again, and nobody is blamed. */
static void
test_unreadable (void)
{
  RigBot *bots[2];
  g_autoptr(Rig) rig = new_rig (bots);

  rig->unreadable = TRUE;
  send_spilled (rig, bots, 2);
  rig_bot_leave (bots[0]);
  bots[1]->silent = FALSE;
  rig_bot_deliver (bots[1], G_MAXUINT);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_false (is_banned (bots[0]));
  g_assert_false (is_banned (bots[1]));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/engine/swarm-liars/spilled", GINT_TO_POINTER (FALSE), test_spilled);
  g_test_add_data_func ("/engine/swarm-liars/spilled-again", GINT_TO_POINTER (TRUE), test_spilled);
  g_test_add_func ("/engine/swarm-liars/unreadable", test_unreadable);

  return g_test_run ();
}
