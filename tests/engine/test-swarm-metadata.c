/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A magnet link becomes a torrent: metadata from peers that are slow, wrong or gone, and what they
 * said before. */

#include "swarm-rig.h"

#include "shoal-test.h"

static RigBot *
new_teacher (Rig   *rig,
             guint8 number)
{
  RigBot *bot = new_seed (rig, number);

  bot->extended = TRUE;
  bot->metadata_size = (guint32) rig->content->metainfo->info_size;

  return bot;
}

static void
test_metadata (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);

  rig_add (rig, TRUE, FALSE);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_METADATA);
  new_teacher (rig, 1);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_true (rig_is_filled (rig));
}

/* Somebody tells a size that nobody else goes with, and then nothing. */
static void
test_metadata_wrong_size (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *liar;

  rig_add (rig, TRUE, FALSE);
  liar = new_teacher (rig, 1);
  liar->metadata_size += 5000;
  liar->metadata_silent = TRUE;
  rig_run (rig, 5);
  new_teacher (rig, 2);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 120);
}

static void
test_metadata_liar (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *liar, *honest;

  rig_add (rig, TRUE, FALSE);
  liar = new_teacher (rig, 1);
  liar->metadata_lies = TRUE;
  rig_run (rig, 5);
  g_assert_null (liar->link);
  g_assert_true (is_banned (liar));
  honest = new_teacher (rig, 2);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_false (is_banned (honest));
}

/* Only haves were told before anybody knew how many pieces there are. */
static void
test_early_haves (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;

  rig_add (rig, TRUE, FALSE);
  bot = new_teacher (rig, 1);
  bot->mute_pieces = TRUE;
  bot->fast = FALSE;
  bot->metadata_silent = TRUE;
  rig_run (rig, 3);
  for (guint32 i = 0; i < rig->content->metainfo->layout->n_pieces; i++)
    rig_bot_piece (bot, SHOAL_MESSAGE_HAVE, i);
  rig_run (rig, 3);
  bot->metadata_silent = FALSE;
  rig_until (rig, SHOAL_TORRENT_SEEDING, 120);
  g_assert_true (rig_is_filled (rig));
}

/* All is said before and besides: nothing is lost, nothing leaks. */
static void
test_early_everything (void)
{
  static const guint8 donthave[] = { 0, 0, 0, 6, SHOAL_MESSAGE_EXTENDED, SHOAL_EXTENDED_DONTHAVE,
                                     0, 0, 0, 2 };
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;

  rig_add (rig, TRUE, FALSE);
  bot = new_teacher (rig, 1);
  bot->metadata_silent = TRUE;
  rig_run (rig, 3);
  rig_bot_piece (bot, SHOAL_MESSAGE_HAVE, 2);
  rig_run (rig, 3);
  bot->metadata_silent = FALSE;
  rig_until (rig, SHOAL_TORRENT_DOWNLOADING, 120);
  rig_bot_say (bot, donthave, sizeof donthave);
  rig_run (rig, 30);
}

static void
test_metadata_pause (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;

  rig_add (rig, TRUE, FALSE);
  bot = new_teacher (rig, 1);
  bot->metadata_silent = TRUE;
  rig_run (rig, 5);
  g_assert_cmpuint (bot->n_asked_metadata, >, 0);
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  rig_run (rig, 20);
  g_assert_null (bot->link);
  rig_say (rig, SHOAL_COMMAND_START);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_METADATA);
  new_teacher (rig, 1);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
}

/* A restart before the files are known. */
static void
test_magnet_restart (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);

  rig_add (rig, TRUE, FALSE);
  rig_run (rig, 10);
  rig_restart (rig, TRUE);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_METADATA);
  g_assert_cmpint (swarm_of (rig)->state, ==, SHOAL_TORRENT_METADATA);
  new_teacher (rig, 1);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/swarm/metadata", test_metadata);
  g_test_add_func ("/swarm/metadata-wrong-size", test_metadata_wrong_size);
  g_test_add_func ("/swarm/metadata-liar", test_metadata_liar);
  g_test_add_func ("/swarm/early-haves", test_early_haves);
  g_test_add_func ("/swarm/early-everything", test_early_everything);
  g_test_add_func ("/swarm/metadata-pause", test_metadata_pause);
  g_test_add_func ("/swarm/magnet-restart", test_magnet_restart);

  return g_test_run ();
}
