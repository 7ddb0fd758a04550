/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands, peers and disk errors at random; in the end all is well and the torrent complete. */

#include "rig.h"

#include <string.h>

#include "shoal-link-private.h"
#include "shoal-test.h"

#define KIB    1024u
#define ROUNDS 30u
#define STEPS  250u

typedef struct
{
  Rig     *rig;
  ShoalRng rng;
  guint8   next_bot;
  gboolean magnet;
} Chaos;

static const ContentFile files[] = {
  { .path = "a", .size = 150 * KIB },
  { .path = "b", .size = 0 },
  { .path = "c", .size = 5000 * KIB + 5 },
  { .path = "d", .size = 90 * KIB },
};

static guint
below (Chaos *self,
       guint  n)
{
  return shoal_rng_below (&self->rng, n);
}

static RigBot *
add_bot (Chaos *self)
{
  RigBot *bot = rig_bot (self->rig, ++self->next_bot);

  bot->has_all = TRUE;
  bot->extended = TRUE;
  bot->metadata_size = (guint32) self->rig->content->metainfo->info_size;

  return bot;
}

static void
add_strange_bot (Chaos *self)
{
  RigBot *bot;

  if (self->next_bot > 200)
    return;
  bot = add_bot (self);
  bot->fast = below (self, 2) == 0;
  bot->extended = below (self, 4) != 0;
  bot->has_all = below (self, 3) != 0;
  bot->silent = below (self, 4) != 0;
  bot->rejects = bot->fast && below (self, 6) == 0;
  bot->lies = below (self, 8) == 0;
  bot->metadata_silent = below (self, 4) == 0;
  bot->metadata_lies = below (self, 6) == 0;
  if (below (self, 6) == 0)
    bot->metadata_size += 1000;
}

static RigBot *
some_bot (Chaos *self)
{
  RigBot *bot;

  if (self->rig->bots->len == 0)
    return NULL;
  bot = g_ptr_array_index (self->rig->bots, below (self, self->rig->bots->len));

  return bot->link != NULL && bot->greeted ? bot : NULL;
}

static void
poke_bot (Chaos *self)
{
  static const guint8 donthave[] = { 0, 0, 0, 6, SHOAL_MESSAGE_EXTENDED, SHOAL_EXTENDED_DONTHAVE,
                                     0, 0, 0, 2 };
  guint32 n_pieces = self->rig->content->metainfo->layout->n_pieces;
  RigBot *bot = some_bot (self);

  if (bot == NULL)
    return;
  switch (below (self, 12))
    {
    case 0:
      rig_bot_simple (bot, SHOAL_MESSAGE_CHOKE);
      break;

    case 1:
      rig_bot_simple (bot, SHOAL_MESSAGE_UNCHOKE);
      break;

    case 2:
      rig_bot_simple (bot, SHOAL_MESSAGE_INTERESTED);
      break;

    case 3:
      rig_bot_piece (bot, SHOAL_MESSAGE_HAVE, below (self, n_pieces));
      break;

    case 4:
      rig_bot_ask (bot, below (self, n_pieces - 1), 16384 * below (self, 4), 16384);
      break;

    case 5:
      rig_bot_leave (bot);
      break;

    case 6:
      if (below (self, 4) == 0)
        bot->silent = !bot->silent;
      break;

    case 7:
      if (bot->extended)
        rig_bot_say (bot, donthave, sizeof donthave);
      break;

    case 8:
      if (bot->fast)
        rig_bot_piece (bot, SHOAL_MESSAGE_ALLOWED_FAST, below (self, n_pieces));
      break;

    case 9:
      rig_bot_simple (bot, SHOAL_MESSAGE_NOT_INTERESTED);
      break;

    default:
      rig_bot_deliver (bot, below (self, 30));
      break;
    }
}

/* As when memory is short. */
static void
spill (Chaos *self)
{
  Rig *rig = self->rig;
  ShoalSwarm *swarm = shoal_engine_find (rig->engine, rig->id);

  shoal_engine_begin (rig->engine, rig->now_us, RIG_WALL_S);
  shoal_swarm_spill (swarm, TRUE);
  shoal_engine_end (rig->engine);
}

static void
command (Chaos *self)
{
  ShoalCommand *options;
  guint8 priorities[G_N_ELEMENTS (files)];

  switch (below (self, 8))
    {
    case 0:
      rig_say (self->rig, SHOAL_COMMAND_PAUSE);
      break;

    case 1:
    case 2:
      rig_say (self->rig, SHOAL_COMMAND_START);
      break;

    case 3:
      rig_say (self->rig, SHOAL_COMMAND_RECHECK);
      break;

    case 4:
      for (guint i = 0; i < G_N_ELEMENTS (priorities); i++)
        priorities[i] = (guint8) below (self, SHOAL_N_PRIORITIES);
      rig_priorities (self->rig, priorities, G_N_ELEMENTS (priorities));
      break;

    case 5:
      options = shoal_command_new (SHOAL_COMMAND_OPTIONS);
      options->id = self->rig->id;
      options->sequential = below (self, 2) == 0;
      options->first_last = below (self, 2) == 0;
      rig_send (self->rig, options);
      break;

    case 6:
      rig_say (self->rig, SHOAL_COMMAND_INFO);
      break;

    default:
      rig_look (self->rig);
      break;
    }
}

static void
disturb_disk (Chaos *self)
{
  static const ShoalReason reasons[] = { SHOAL_REASON_DISK_FULL, SHOAL_REASON_NO_PERMISSION,
                                         SHOAL_REASON_FOLDER_GONE, SHOAL_REASON_IO };

  memset (self->rig->failing, 0, sizeof self->rig->failing);
  self->rig->held = 0;
  switch (below (self, 4))
    {
    case 0:
      self->rig->held = 1u << below (self, RIG_OPS);
      break;

    case 1:
      self->rig->failing[below (self, SHOAL_DISK_CLOSE)] =
        reasons[below (self, G_N_ELEMENTS (reasons))];
      break;

    case 2:
      self->rig->stale = below (self, 4) == 0;
      break;

    default:
      break;
    }
}

static void
start_again (Chaos *self)
{
  if (below (self, 3) == 0)
    {
      memset (self->rig->failing, 0, sizeof self->rig->failing);
      rig_restart (self->rig, below (self, 2) == 0);
    }
  else if (below (self, 3) == 0)
    {
      guint n = self->rig->n_removed;

      memset (self->rig->failing, 0, sizeof self->rig->failing);
      rig_say (self->rig, SHOAL_COMMAND_REMOVE);
      self->rig->held = 0;
      rig_run (self->rig, 40);
      g_assert_cmpuint (self->rig->n_removed, ==, n + 1);
      rig_add (self->rig, below (self, 2) == 0, below (self, 4) == 0);
    }
}

static void
step (Chaos *self)
{
  guint what = below (self, 60);

  if (what < 8)
    add_strange_bot (self);
  else if (what < 45)
    poke_bot (self);
  else if (what < 48)
    command (self);
  else if (what < 50)
    disturb_disk (self);
  else if (what < 55)
    spill (self);
  else if (what == 55 && below (self, 5) == 0)
    start_again (self);
  if (below (self, 60) == 0)
    rig_run (self->rig, below (self, 300));
  else
    rig_turn (self->rig, below (self, 400) * 1000);
}

/* Nothing stands in the way any more: it has to end well. */
static void
come_to_rest (Chaos *self)
{
  static const guint8 all[] = { 2, 2, 2, 2 };
  Rig *rig = self->rig;

  rig->held = 0;
  rig->stale = FALSE;
  memset (rig->failing, 0, sizeof rig->failing);
  rig_run (rig, 20);
  for (guint i = 0; i < 40 && !(rig->state == SHOAL_TORRENT_SEEDING && rig_is_filled (rig)); i++)
    {
      ShoalSwarm *swarm = shoal_engine_find (rig->engine, rig->id);

      if (swarm->has_metadata && (swarm->state != SHOAL_TORRENT_SEEDING || !swarm->all_had))
        rig_priorities (rig, all, G_N_ELEMENTS (all));
      if (swarm->state == SHOAL_TORRENT_PAUSED || swarm->state == SHOAL_TORRENT_FAILED)
        rig_say (rig, SHOAL_COMMAND_START);
      add_bot (self);
      rig_run (rig, 100);
    }
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_SEEDING);
  g_assert_true (rig_is_filled (rig));
  g_assert_cmpuint (rig->n_misplaced, ==, 0);
}

static void
test_chaos (void)
{
  guint64 seed = shoal_test_seed ();
  const char *rounds = g_getenv ("SHOAL_ROUNDS");
  guint n = rounds != NULL ? (guint) g_ascii_strtoull (rounds, NULL, 10) : ROUNDS;
  guint n_spills = 0;

  for (guint i = 0; i < n; i++)
    {
      Chaos chaos = { 0 };

      g_test_message ("round %u", i);
      shoal_rng_init (&chaos.rng, seed + i);
      chaos.rig = rig_new (files, G_N_ELEMENTS (files), i % 3 == 0 ? 2048 * KIB : 64 * KIB, NULL);
      chaos.rig->hands_out = i % 2 == 0;
      if (below (&chaos, 4) == 0)
        rig_fill (chaos.rig);
      rig_add (chaos.rig, below (&chaos, 2) == 0, below (&chaos, 4) == 0);
      for (guint k = 0; k < STEPS; k++)
        step (&chaos);
      come_to_rest (&chaos);
      n_spills += chaos.rig->n_done[SHOAL_DISK_SPILL];
      rig_free (chaos.rig);
    }
  g_assert_cmpuint (n_spills, >, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/swarm-chaos/chaos", test_chaos);

  return g_test_run ();
}
