/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a torrent goes on: limits for seeding that the user overrides, stalled downloads, seeds
 * of a part, liars that went. */

#include "swarm-rig.h"

#include <string.h>

#include "shoal-test.h"

#define KIB 1024u

static const ContentFile one_file[] = { { .size = 500 * KIB + 777 } };
static const ContentFile two_files[] = { { .path = "a", .size = 256 * KIB },
                                         { .path = "b", .size = 256 * KIB } };
static const ContentFile one_piece[] = { { .size = 64 * KIB } };

static void
configure (Rig         *rig,
           ShoalConfig *config)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_CONFIG);

  command->config = g_memdup2 (config, sizeof *config);
  rig_send (rig, command);
}

/* A seed that has given what it should; started again it goes on until the limit is another one. */
static void
test_started_again (void)
{
  g_autoptr(Rig) rig = NULL;
  ShoalConfig config;
  RigBot *bot;

  shoal_config_init (&config);
  config.seed_ratio = 0.01;
  rig = rig_new (one_file, 1, 64 * KIB, &config);
  rig_fill (rig);
  rig_add (rig, FALSE, FALSE);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
  bot = rig_bot (rig, 1);
  rig_run (rig, 3);
  rig_bot_simple (bot, SHOAL_MESSAGE_INTERESTED);
  rig_run (rig, 30);
  rig_bot_ask (bot, 1, 0, SHOAL_BLOCK_SIZE);
  rig_until (rig, SHOAL_TORRENT_PAUSED, 10);

  rig_say (rig, SHOAL_COMMAND_START);
  rig_run (rig, 100);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_SEEDING);
  /* Also after the next start of the client. */
  rig_restart (rig, FALSE);
  rig_run (rig, 100);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_SEEDING);
  config.seed_ratio = 0.02;
  configure (rig, &config);
  rig_run (rig, 20);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_PAUSED);
  config.seed_ratio = 1;
  configure (rig, &config);
  rig_say (rig, SHOAL_COMMAND_START);
  rig_run (rig, 100);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_SEEDING);
}

/* A link that finds nobody does not keep others from going on. */
static void
test_stalled (void)
{
  g_autoptr(Rig) rig = NULL;
  ShoalConfig config;
  ShoalSwarm *first, *second;
  RigBot *bot;

  shoal_config_init (&config);
  config.max_active_downloads = 1;
  rig = rig_new (one_file, 1, 64 * KIB, &config);
  {
    ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);

    command->add = shoal_add_options_new ();
    command->add->dir = g_strdup ("/");
    command->add->uri = g_strdup ("magnet:?xt=urn:btih:0123456789012345678901234567890123456789");
    rig_send (rig, command);
  }
  rig_add (rig, FALSE, FALSE);
  first = shoal_engine_find (rig->engine, 1);
  second = shoal_engine_find (rig->engine, 2);
  rig_run (rig, 550);
  g_assert_cmpint (first->state, ==, SHOAL_TORRENT_METADATA);
  g_assert_cmpint (second->state, ==, SHOAL_TORRENT_QUEUED);
  rig_run (rig, 100);
  g_assert_cmpint (first->state, ==, SHOAL_TORRENT_METADATA);
  g_assert_cmpint (second->state, ==, SHOAL_TORRENT_DOWNLOADING);
  bot = rig_bot (rig, 1);
  bot->has_all = TRUE;
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
}

/* Everything that is wanted is there, but not everything: others are told, and told again when that
 * changes (BEP 21). */
static void
test_partial_seed (void)
{
  static const guint8 only_a[] = { SHOAL_PRIORITY_NORMAL, SHOAL_PRIORITY_SKIP };
  static const guint8 all[] = { SHOAL_PRIORITY_NORMAL, SHOAL_PRIORITY_NORMAL };
  g_autoptr(Rig) rig = rig_new (two_files, 2, 64 * KIB, NULL);
  RigBot *seed, *leech, *other;

  rig_add (rig, FALSE, FALSE);
  rig_priorities (rig, only_a, 2);
  seed = rig_bot (rig, 1);
  seed->has_all = TRUE;
  leech = rig_bot (rig, 2);
  leech->extended = TRUE;
  rig_run (rig, 1);
  g_assert_cmpint (leech->told_upload_only, ==, 0);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 30);
  rig_run (rig, 2);
  g_assert_cmpint (leech->told_upload_only, ==, 1);
  g_assert_false (swarm_of (rig)->all_had);

  /* Two that want nothing have nothing to say to each other. */
  other = rig_bot (rig, 3);
  other->extended = TRUE;
  other->upload_only = TRUE;
  rig_run (rig, 30);
  g_assert_null (other->link);
  g_assert_nonnull (leech->link);

  rig_priorities (rig, all, 2);
  rig_run (rig, 5);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_DOWNLOADING);
  g_assert_cmpint (leech->told_upload_only, ==, 0);
}

/* It gave a part of a piece, never said where it listens, and was gone before the piece was
 * judged. */
static void
test_liar_that_left (void)
{
  g_autoptr(Rig) rig = rig_new (one_piece, 1, 64 * KIB, NULL);
  RigBot *liar, *honest;

  rig_add (rig, FALSE, FALSE);
  liar = rig_bot (rig, 1);
  liar->has_all = liar->lies = liar->silent = TRUE;
  honest = rig_bot (rig, 2);
  honest->has_all = honest->silent = TRUE;
  rig_run (rig, 12);
  while (liar->requests->len > 2)
    g_array_set_size (liar->requests, 2);
  g_assert_cmpuint (liar->requests->len, >, 0);
  rig_bot_deliver (liar, G_MAXUINT);
  rig_run (rig, 2);
  rig_bot_leave (liar);
  honest->silent = FALSE;
  rig_bot_deliver (honest, G_MAXUINT);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_true (rig_is_filled (rig));
  g_assert_true (is_banned (liar));
  g_assert_false (is_banned (honest));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/swarm-limits/started-again", test_started_again);
  g_test_add_func ("/swarm-limits/stalled", test_stalled);
  g_test_add_func ("/swarm-limits/partial-seed", test_partial_seed);
  g_test_add_func ("/swarm-limits/liar-that-left", test_liar_that_left);

  return g_test_run ();
}
