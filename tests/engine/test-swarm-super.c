/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Super-seeding: what peers are told, when they are told more, and how it ends. */

#include "rig.h"

#include "shoal-link-private.h"

#define KIB      1024u
#define N_PIECES 10u

static const ContentFile one_file[] = { { .size = N_PIECES * 64 * KIB } };

static Rig *
new_rig (void)
{
  Rig *rig = rig_new (one_file, G_N_ELEMENTS (one_file), 64 * KIB, NULL);
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_OPTIONS);

  rig_fill (rig);
  rig_add (rig, FALSE, FALSE);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
  command->id = rig->id;
  command->super_seeding = TRUE;
  rig_send (rig, command);

  return rig;
}

static RigBot *
new_bot (Rig   *rig,
         guint8 number)
{
  RigBot *bot = rig_bot (rig, number);

  rig_run (rig, 15);

  return bot;
}

static const ShoalOffer *
offers (const RigBot *bot)
{
  return bot->link->offers;
}

static void
test_told (void)
{
  g_autoptr(Rig) rig = new_rig ();
  RigBot *first = new_bot (rig, 1);
  RigBot *second = new_bot (rig, 2);
  guint32 piece = offers (first)[0].piece;

  g_assert_false (first->told_all);
  g_assert_cmpuint (first->n_haves, ==, SHOAL_SUPER_OFFERS);
  g_assert_cmpuint (second->n_haves, ==, SHOAL_SUPER_OFFERS);
  /* Everybody is told of other pieces. */
  for (guint i = 0; i < SHOAL_SUPER_OFFERS; i++)
    for (guint j = 0; j < SHOAL_SUPER_OFFERS; j++)
      g_assert_cmpuint (offers (first)[i].piece, !=, offers (second)[j].piece);

  /* It has the piece: that is not enough. */
  rig_bot_piece (first, SHOAL_MESSAGE_HAVE, piece);
  rig_run (rig, 30);
  g_assert_cmpuint (first->n_haves, ==, SHOAL_SUPER_OFFERS);
  /* Somebody else has it too. */
  rig_bot_piece (second, SHOAL_MESSAGE_HAVE, piece);
  rig_run (rig, 1);
  g_assert_cmpuint (first->n_haves, ==, SHOAL_SUPER_OFFERS + 1);
  g_assert_cmpuint (second->n_haves, ==, SHOAL_SUPER_OFFERS);
  g_assert_cmpuint (offers (first)[0].piece, !=, piece);
}

/* Whoever does not share gets more, but late. */
static void
test_alone (void)
{
  g_autoptr(Rig) rig = new_rig ();
  RigBot *first = new_bot (rig, 1);
  RigBot *second;

  /* With nobody else there is nothing to wait for. */
  rig_bot_piece (first, SHOAL_MESSAGE_HAVE, offers (first)[0].piece);
  rig_run (rig, 15);
  g_assert_cmpuint (first->n_haves, ==, SHOAL_SUPER_OFFERS + 1);
  second = new_bot (rig, 2);
  rig_bot_piece (first, SHOAL_MESSAGE_HAVE, offers (first)[0].piece);
  rig_run (rig, 200);
  g_assert_cmpuint (first->n_haves, ==, SHOAL_SUPER_OFFERS + 1);
  rig_run (rig, 200);
  g_assert_cmpuint (first->n_haves, ==, SHOAL_SUPER_OFFERS + 2);
  g_assert_nonnull (second->link);
}

/* Another seed: everybody is told of everything. */
static void
test_over (void)
{
  g_autoptr(Rig) rig = new_rig ();
  RigBot *first = new_bot (rig, 1);
  RigBot *other = new_bot (rig, 2);

  for (guint32 piece = 0; piece < N_PIECES; piece++)
    rig_bot_piece (other, SHOAL_MESSAGE_HAVE, piece);
  rig_run (rig, 20);
  g_assert_cmpuint (first->n_haves, ==, N_PIECES);
  first = new_bot (rig, 3);
  g_assert_true (first->told_all);
}

/* The wish outlives the program. */
static void
test_kept (void)
{
  g_autoptr(Rig) rig = new_rig ();
  RigBot *bot;

  rig_restart (rig, FALSE);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
  g_assert_true (rig_look (rig)->super_seeding);
  bot = new_bot (rig, 1);
  g_assert_false (bot->told_all);
  g_assert_cmpuint (bot->n_haves, ==, SHOAL_SUPER_OFFERS);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/swarm-super/told", test_told);
  g_test_add_func ("/engine/swarm-super/alone", test_alone);
  g_test_add_func ("/engine/swarm-super/over", test_over);
  g_test_add_func ("/engine/swarm-super/kept", test_kept);

  return g_test_run ();
}
