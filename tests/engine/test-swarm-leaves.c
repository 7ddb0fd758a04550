/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A wrong piece of version 2: hashes of its blocks are asked for, and only what is wrong is fetched
 * again (BEP 52). */

#include "swarm-rig.h"

#include "knower.h"
#include "shoal-test.h"

#define KIB    1024u
#define MIB    (1024u * KIB)
#define PIECE  (128 * KIB)
#define BLOCKS 8u

static const ContentFile one_piece[] = { { .size = PIECE - 5 } };
static const ContentFile many_pieces[] = { { .size = 6 * PIECE + 3 * SHOAL_BLOCK_SIZE + 9 } };

/* Two peers give a part of the piece each; one of them lies. */
static Rig *
new_rig (const ContentFile *files,
         Knower           **liar,
         Knower           **honest)
{
  Rig *rig = rig_new_of (SHOAL_TORRENT_V2, files, 1, PIECE, NULL);

  rig_add (rig, FALSE, FALSE);
  *liar = knower_new (rig, 1);
  (*liar)->bot->lies = TRUE;
  *honest = knower_new (rig, 2);

  return rig;
}

static void
test_one_piece (void)
{
  Knower *liar, *honest;
  g_autoptr(Rig) rig = new_rig (one_piece, &liar, &honest);
  guint n_lies;

  /* Both are asked before either answers. */
  liar->bot->silent = honest->bot->silent = TRUE;
  rig_run (rig, 12);
  n_lies = liar->bot->requests->len;
  g_assert_cmpuint (n_lies, >, 0);
  g_assert_cmpuint (honest->bot->requests->len, ==, BLOCKS - n_lies);
  liar->bot->silent = honest->bot->silent = FALSE;
  rig_bot_deliver (liar->bot, G_MAXUINT);
  rig_bot_deliver (honest->bot, G_MAXUINT);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 30);
  g_assert_true (rig_is_filled (rig));
  g_assert_cmpuint (honest->n_asked + liar->n_asked, ==, 1);
  g_assert_true (is_banned (liar->bot));
  g_assert_false (is_banned (honest->bot));
  /* And perhaps one that both were asked for at the end. */
  g_assert_cmpuint (rig_look (rig)->wasted, <=, (n_lies + 1) * SHOAL_BLOCK_SIZE);
  g_assert_cmpuint (rig_look (rig)->wasted, >, (n_lies - 1) * SHOAL_BLOCK_SIZE);
}

static void
test_many_pieces (void)
{
  Knower *liar, *honest;
  g_autoptr(Rig) rig = new_rig (many_pieces, &liar, &honest);

  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_true (rig_is_filled (rig));
  g_assert_true (is_banned (liar->bot));
  g_assert_false (is_banned (honest->bot));
  g_assert_cmpuint (rig_look (rig)->wasted, <=, liar->bot->n_requests * SHOAL_BLOCK_SIZE);
}

/* Nobody gives hashes: as with version 1. */
static void
test_nobody (void)
{
  for (guint silent = 0; silent < 2; silent++)
    {
      Knower *liar, *honest;
      g_autoptr(Rig) rig = new_rig (many_pieces, &liar, &honest);

      liar->rejects = honest->rejects = !silent;
      liar->silent = honest->silent = silent;
      rig_until (rig, SHOAL_TORRENT_SEEDING, 120);
      g_assert_true (rig_is_filled (rig));
      g_assert_cmpuint (honest->n_asked + liar->n_asked, >, 0);
      g_assert_false (is_banned (honest->bot));
      rig_run (rig, 5);
    }
}

/* Wrong hashes show themselves, and somebody else is asked. */
static void
test_wrong_hashes (void)
{
  Knower *liar, *honest, *twister;
  g_autoptr(Rig) rig = new_rig (one_piece, &liar, &honest);

  twister = knower_new (rig, 3);
  liar->bot->silent = honest->bot->silent = twister->bot->silent = TRUE;
  twister->lies = honest->lies = TRUE;
  rig_run (rig, 12);
  liar->bot->silent = honest->bot->silent = twister->bot->silent = FALSE;
  rig_bot_deliver (liar->bot, G_MAXUINT);
  rig_bot_deliver (honest->bot, G_MAXUINT);
  rig_bot_deliver (twister->bot, G_MAXUINT);
  rig_run (rig, 10);
  g_assert_cmpuint (twister->n_asked + honest->n_asked, >, 0);
  g_assert_true (is_banned (liar->bot));
  g_assert_true (is_banned (twister->bot) || is_banned (honest->bot));
  knower_new (rig, 4);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_true (rig_is_filled (rig));
}

/* Stopped, and gone, while hashes are being waited for. */
static void
test_stop (void)
{
  for (guint leaves = 0; leaves < 2; leaves++)
    {
      Knower *liar, *honest;
      g_autoptr(Rig) rig = new_rig (one_piece, &liar, &honest);

      liar->bot->silent = honest->bot->silent = TRUE;
      liar->silent = honest->silent = TRUE;
      rig_run (rig, 12);
      rig_bot_deliver (liar->bot, G_MAXUINT);
      rig_bot_deliver (honest->bot, G_MAXUINT);
      rig_run (rig, 2);
      g_assert_cmpuint (honest->n_asked + liar->n_asked, ==, 1);
      if (leaves)
        {
          rig_bot_leave (honest->bot);
          rig_bot_leave (liar->bot);
          rig_run (rig, 20);
        }
      rig_say (rig, SHOAL_COMMAND_PAUSE);
      rig_run (rig, 20);
      g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_PAUSED);
      rig_say (rig, SHOAL_COMMAND_START);
      knower_new (rig, 5);
      rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
      g_assert_true (rig_is_filled (rig));
    }
}

/* --- Large pieces --- */

static const ContentFile large_piece[] = { { .size = 16 * MIB - 5 } };
static const ContentFile larger_pieces[] = { { .size = 32 * MIB + 600 * SHOAL_BLOCK_SIZE } };

/* All comes from one peer, which lies in one block. Others know the hashes and send nothing. */
typedef struct
{
  Rig    *rig;
  Knower *liar;
  Knower *others[2];
} Large;

static void
large_init (Large             *self,
            const ContentFile *files,
            guint32            piece_size,
            const ShoalConfig *config)
{
  self->rig = rig_new_of (SHOAL_TORRENT_V2, files, 1, piece_size, config);
  rig_add (self->rig, FALSE, FALSE);
  self->liar = knower_new (self->rig, 1);
  self->liar->bot->lies = self->liar->bot->lies_once = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (self->others); i++)
    {
      self->others[i] = knower_new (self->rig, (guint8) (2 + i));
      self->others[i]->bot->chokes = TRUE;
    }
}

/* The liar goes, an honest peer comes, and no more than the one block is lost. */
static void
large_check (Large *self)
{
  for (guint i = 0; i < 600 && !is_banned (self->liar->bot); i++)
    rig_run (self->rig, 1);
  g_assert_true (is_banned (self->liar->bot));
  knower_new (self->rig, 9);
  rig_until (self->rig, SHOAL_TORRENT_SEEDING, 300);
  g_assert_true (rig_is_filled (self->rig));
  g_assert_cmpuint (rig_look (self->rig)->wasted, ==, SHOAL_BLOCK_SIZE);
  g_clear_pointer (&self->rig, rig_free);
}

static void
test_large (void)
{
  Large large;

  large_init (&large, large_piece, 16 * MIB, NULL);
  large_check (&large);
  g_assert_cmpuint (large.liar->n_asked, ==, 0);
  g_assert_cmpuint (large.others[0]->n_asked + large.others[1]->n_asked, ==, 2);

  large_init (&large, larger_pieces, 32 * MIB, NULL);
  large_check (&large);
  g_assert_cmpuint (large.others[0]->n_asked + large.others[1]->n_asked, ==, 4);
}

/* The memory is smaller than a piece: most of it is on the disk when it turns out to be wrong. */
static void
test_spilled (void)
{
  ShoalConfig config;

  shoal_config_init (&config);
  config.arena_size = 8 * MIB;
  for (guint32 piece_size = 16 * MIB; piece_size <= 32 * MIB; piece_size *= 2)
    {
      Large large;

      large_init (&large, piece_size == 16 * MIB ? large_piece : larger_pieces, piece_size,
                  &config);
      for (guint i = 0; i < 600 && !is_banned (large.liar->bot); i++)
        rig_run (large.rig, 1);
      g_assert_cmpuint (large.rig->n_done[SHOAL_DISK_SPILL], >, 0);
      g_assert_cmpuint (large.rig->n_done[SHOAL_DISK_CHECK], >, 0);
      large_check (&large);
    }
}

/* A peer answers once, then refuses, is silent or lies: the next is asked for the rest alone. */
static void
test_ranges (void)
{
  for (guint how = 0; how < 3; how++)
    {
      Large large;

      large_init (&large, large_piece, 16 * MIB, NULL);
      for (guint i = 0; i < 2; i++)
        {
          Knower *other = large.others[i];

          other->good_for = 1;
          other->rejects = how == 0;
          other->silent = how == 1;
          other->lies = how == 2;
        }
      large_check (&large);
      g_assert_cmpuint (large.others[0]->n_asked + large.others[1]->n_asked, ==, 3);
      g_assert_cmpuint (MIN (large.others[0]->n_asked, large.others[1]->n_asked), ==, 1);
      g_assert_cmpuint (large.liar->n_asked, ==, 0);
    }
}

/* Of the second range nobody knows anything: what the first one showed is enough to go on. */
static void
test_part (void)
{
  Large large;

  large_init (&large, large_piece, 16 * MIB, NULL);
  large.others[0]->good_for = 1;
  large.others[0]->rejects = large.others[1]->rejects = large.liar->rejects = TRUE;
  large_check (&large);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/swarm-leaves/one-piece", test_one_piece);
  g_test_add_func ("/swarm-leaves/many-pieces", test_many_pieces);
  g_test_add_func ("/swarm-leaves/nobody", test_nobody);
  g_test_add_func ("/swarm-leaves/wrong-hashes", test_wrong_hashes);
  g_test_add_func ("/swarm-leaves/stop", test_stop);
  g_test_add_func ("/swarm-leaves/large", test_large);
  g_test_add_func ("/swarm-leaves/spilled", test_spilled);
  g_test_add_func ("/swarm-leaves/ranges", test_ranges);
  g_test_add_func ("/swarm-leaves/part", test_part);

  return g_test_run ();
}
