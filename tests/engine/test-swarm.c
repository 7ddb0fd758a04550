/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A torrent among peers of every kind: liars, refusers, sleepers, seeds; choice of files, limits,
 * pause. */

#include "swarm-rig.h"

#include <string.h>

#include "shoal-test.h"

#define KIB 1024u
#define MIB (1024u * 1024)

static const ContentFile three_files[] = { { .path = "a", .size = 300 * KIB },
                                           { .path = "b", .size = 300 * KIB },
                                           { .path = "c", .size = 200 * KIB } };

/* --- Downloading --- */

static void
test_download (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *fast, *plain;

  rig_add (rig, FALSE, FALSE);
  fast = new_seed (rig, 1);
  plain = new_seed (rig, 2);
  plain->fast = FALSE;
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_true (rig_is_filled (rig));
  g_assert_cmpuint (rig->n_misplaced, ==, 0);
  g_assert_cmpuint (rig_look (rig)->downloaded, >=, SWARM_RIG_SIZE);
  g_assert_cmpuint (rig_look (rig)->wasted, ==, rig_look (rig)->downloaded - SWARM_RIG_SIZE);

  /* Seeds have nothing to say to each other. */
  rig_run (rig, 30);
  g_assert_null (fast->link);
  g_assert_null (plain->link);
}

/* Two peers, one of which lies: it alone is banned, and the rest comes from the other. */
static void
test_liar (void)
{
  for (guint8 first = 0; first < 2; first++)
    {
      g_autoptr(Rig) rig = rig_of_one_file (NULL);
      RigBot *bots[2];

      rig_add (rig, FALSE, FALSE);
      bots[0] = new_seed (rig, 1);
      bots[1] = new_seed (rig, 2);
      bots[first]->lies = TRUE;
      rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
      g_assert_true (rig_is_filled (rig));
      g_assert_true (is_banned (bots[first]));
      g_assert_false (shoal_peerbook_is_banned (swarm_of (rig)->book, &bots[1 - first]->addr));
    }
}

/* Whoever refuses everything is not asked without end. */
static void
test_rejects (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;

  rig_add (rig, FALSE, FALSE);
  bot = new_seed (rig, 1);
  bot->rejects = TRUE;
  rig_run (rig, 300);
  g_assert_cmpuint (bot->n_requests, >, 0);
  g_assert_cmpuint (bot->n_requests, <, 60);

  new_seed (rig, 2);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
}

static void
test_silent (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;

  rig_add (rig, FALSE, FALSE);
  bot = new_seed (rig, 1);
  bot->silent = TRUE;
  rig_run (rig, 20);
  g_assert_cmpuint (bot->n_requests, >=, SHOAL_DEPTH_FIRST);
  new_seed (rig, 2);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_true (rig_is_filled (rig));
}

/* A choke gives back what was asked for: at once, or with BEP 6 as it is refused. */
static void
test_choke (void)
{
  for (guint fast = 0; fast < 2; fast++)
    {
      g_autoptr(Rig) rig = rig_of_one_file (NULL);
      RigBot *bot;

      rig_add (rig, FALSE, FALSE);
      bot = new_seed (rig, 1);
      bot->silent = TRUE;
      bot->fast = fast;
      rig_run (rig, 5);
      g_assert_cmpuint (bot->requests->len, >, 0);
      rig_bot_simple (bot, SHOAL_MESSAGE_CHOKE);
      for (guint i = 0; fast && i < bot->requests->len; i++)
        {
          ShoalMessage *request = &g_array_index (bot->requests, ShoalMessage, i);
          guint8 bytes[SHOAL_REQUEST_MESSAGE_SIZE];

          shoal_message_write_request (bytes, SHOAL_MESSAGE_REJECT, request->piece, request->offset,
                                       request->size);
          rig_bot_say (bot, bytes, sizeof bytes);
        }
      rig_run (rig, 1);
      g_assert_cmpuint (bot->link->requests.n_live, ==, 0);
      g_assert_cmpuint (shoal_picker_n_active (swarm_of (rig)->picker), ==, 0);
      g_assert_cmpuint (bot->n_cancels, ==, 0);
      new_seed (rig, 2);
      rig_until (rig, SHOAL_TORRENT_SEEDING, 20);
      g_assert_cmpuint (rig_look (rig)->wasted, ==, 0);
    }
}

/* What timed out is taken back in words, so that it does not come in vain. */
static void
test_timeout (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;
  guint asked;

  rig_add (rig, FALSE, FALSE);
  bot = new_seed (rig, 1);
  bot->silent = TRUE;
  rig_run (rig, 20);
  asked = bot->n_requests;
  g_assert_cmpuint (asked, >=, SHOAL_DEPTH_FIRST);
  rig_run (rig, 250);
  g_assert_cmpuint (bot->n_cancels, >=, asked);
  /* One at a time, to prove itself. */
  g_assert_cmpuint (bot->n_requests, <=, asked + 2);
  bot->silent = FALSE;
  rig_bot_deliver (bot, G_MAXUINT);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
}

/* A peer that is asked again after a long rest is not snubbing. */
static void
test_rest_is_no_snub (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;

  rig_add (rig, FALSE, FALSE);
  bot = rig_bot (rig, 1);
  bot->mute_pieces = TRUE;
  rig_run (rig, 3);
  rig_bot_simple (bot, SHOAL_MESSAGE_HAVE_NONE);
  rig_bot_piece (bot, SHOAL_MESSAGE_HAVE, 0);
  rig_run (rig, 5);
  g_assert_cmpuint (bot->n_requests, ==, 4);
  for (guint i = 0; i < 90; i++)
    {
      rig_bot_simple (bot, SHOAL_MESSAGE_KEEP_ALIVE);
      rig_run (rig, 10);
    }
  bot->silent = TRUE;
  rig_bot_simple (bot, SHOAL_MESSAGE_INTERESTED);
  rig_bot_piece (bot, SHOAL_MESSAGE_HAVE, 1);
  rig_run (rig, 30);
  g_assert_cmpuint (bot->n_requests, >, 4);
  g_assert_true (bot->unchoked);
  g_assert_false (bot->link->snubbed);
}

/* A limit so low that a block takes long is no fault of the peers. */
static void
test_low_limit (void)
{
  ShoalConfig config;
  g_autoptr(Rig) rig = NULL;

  shoal_config_init (&config);
  config.limit_down = 10 * KIB;
  rig = rig_of_one_file (&config);
  rig_add (rig, FALSE, FALSE);
  for (guint8 i = 1; i <= 30; i++)
    new_seed (rig, i);
  rig_run (rig, 1500);
  g_assert_cmpuint (rig_look (rig)->downloaded, >, 1200 * KIB);
  g_assert_cmpuint (rig_look (rig)->wasted, <=, 64 * KIB);
}

/* A spill is under way when the last block of its piece comes. */
static void
test_full_while_spilling (void)
{
  static const ContentFile big[] = { { .size = 2 * MIB } };
  g_autoptr(Rig) rig = rig_new (big, 1, 2 * MIB, NULL);
  RigBot *bot;

  rig_add (rig, FALSE, FALSE);
  bot = new_seed (rig, 1);
  bot->silent = TRUE;
  rig_run (rig, 5);
  /* All is asked for; the first run comes, the last block late. */
  for (guint i = 0; i < 2000 && bot->n_requests < 128; i++)
    {
      if (bot->requests->len > 1)
        rig_bot_deliver (bot, bot->requests->len - 1);
      rig_turn (rig, 1000);
    }
  g_assert_cmpuint (bot->n_requests, ==, 128);
  rig->held = 1u << SHOAL_DISK_SPILL;
  shoal_engine_begin (rig->engine, rig->now_us, 1700000000);
  shoal_swarm_spill (swarm_of (rig), TRUE);
  shoal_engine_end (rig->engine);
  g_assert_cmpuint (rig->fake->jobs->len, ==, 1);
  rig_bot_deliver (bot, G_MAXUINT);
  rig_run (rig, 3);
  rig->held = 0;
  bot->silent = FALSE;
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_true (rig_is_filled (rig));
  g_assert_false (is_banned (bot));
}

/* --- Pieces told early, availability --- */

static void
test_availability (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bots[4];

  rig_add (rig, FALSE, FALSE);
  for (guint8 i = 0; i < 4; i++)
    {
      bots[i] = new_seed (rig, i + 1);
      bots[i]->silent = TRUE;
      bots[i]->fast = i % 2 == 0;
    }
  rig_run (rig, 5);
  g_assert_cmpuint (shoal_picker_copies (swarm_of (rig)->picker, 3), ==, 4);
  rig_bot_leave (bots[0]);
  g_assert_cmpuint (shoal_picker_copies (swarm_of (rig)->picker, 3), ==, 3);

  /* Links that are being closed do not count in what comes next. */
  rig->held = 1u << SHOAL_DISK_CLOSE;
  for (guint i = 0; i < 3; i++)
    {
      ShoalCommand *pause = shoal_command_new (SHOAL_COMMAND_PAUSE),
                   *start = shoal_command_new (SHOAL_COMMAND_START);

      pause->id = start->id = rig->id;
      shoal_engine_begin (rig->engine, rig->now_us, 1700000000);
      shoal_engine_command (rig->engine, pause);
      shoal_engine_command (rig->engine, start);
      shoal_engine_end (rig->engine);
      rig->held = 0;
      rig_run (rig, 3);
    }
  rig_until (rig, SHOAL_TORRENT_DOWNLOADING, 5);
  rig_run (rig, 30);
  g_assert_cmpuint (swarm_of (rig)->n_links, ==, 0);
  shoal_engine_begin (rig->engine, rig->now_us, 1700000000);
  shoal_swarm_make_picker (swarm_of (rig));
  shoal_engine_end (rig->engine);
  g_assert_cmpuint (shoal_picker_copies (swarm_of (rig)->picker, 3), ==, 0);
}

/* --- Seeding --- */

static void
seed (Rig *rig)
{
  rig_fill (rig);
  rig_add (rig, FALSE, FALSE);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
}

static void
test_serve (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;

  seed (rig);
  bot = rig_bot (rig, 1);
  rig_run (rig, 3);
  g_assert_true (bot->told_all);
  rig_bot_ask (bot, 0, 0, 16384);
  rig_bot_simple (bot, SHOAL_MESSAGE_INTERESTED);
  rig_run (rig, 30);
  g_assert_true (bot->unchoked);
  for (guint i = 0; i < 4; i++)
    rig_bot_ask (bot, 1, i * 16384, 16384);
  rig_run (rig, 3);
  g_assert_cmpuint (bot->n_blocks + bot->n_rejects, ==, 5);
  g_assert_cmpuint (bot->n_blocks, >=, 4);
  g_assert_cmpuint (rig_look (rig)->uploaded, ==, bot->n_blocks * 16384);
}

/* Every reference to a file is given back. */
static void
test_serve_files (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;

  seed (rig);
  rig->hands_out = TRUE;
  bot = rig_bot (rig, 1);
  rig_run (rig, 3);
  rig_bot_simple (bot, SHOAL_MESSAGE_INTERESTED);
  rig_run (rig, 30);
  for (guint i = 0; i < 40; i++)
    rig_bot_ask (bot, i / 4, i % 4 * 16384, 16384);
  rig_run (rig, 3);
  g_assert_cmpuint (bot->n_blocks, ==, 32 + 8);
  g_assert_cmpuint (rig->file.ref_count, ==, 1);
}

/* What a peer that left did not take was not uploaded. */
static void
test_uploaded_exactly (void)
{
  ShoalConfig config;
  g_autoptr(Rig) rig = NULL;
  RigBot *bot;

  shoal_config_init (&config);
  config.limit_up = 10 * KIB;
  rig = rig_of_one_file (&config);
  seed (rig);
  bot = rig_bot (rig, 1);
  rig_run (rig, 3);
  rig_bot_simple (bot, SHOAL_MESSAGE_INTERESTED);
  rig_run (rig, 30);
  for (guint i = 0; i < 8; i++)
    rig_bot_ask (bot, i / 4, i % 4 * 16384, 16384);
  rig_run (rig, 40);
  g_assert_cmpuint (bot->n_blocks, >, 0);
  g_assert_cmpuint (bot->n_blocks, <, 8);
  rig_bot_leave (bot);
  g_assert_cmpuint (rig_look (rig)->uploaded, <, (bot->n_blocks + 1) * 16384);
  g_assert_cmpuint (rig_look (rig)->uploaded, >=, bot->n_blocks * 16384);
}

/* An idle seed has forgotten its .torrent: who needs the metadata of it gets it all the same. */
static void
test_unloaded_teaches (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;
  static const char request[] = "d8:msg_typei0e5:piecei0ee";
  guint8 head[8];

  seed (rig);
  rig_run (rig, 700);
  g_assert_null (swarm_of (rig)->metainfo);
  g_assert_false (rig->open);

  rig->held = 1u << SHOAL_DISK_LOAD;
  bot = rig_bot (rig, 1);
  bot->extended = TRUE;
  rig_run (rig, 3);
  g_assert_cmpuint (bot->told_metadata_size, ==, rig->content->metainfo->info_size);
  rig_bot_say (bot, head,
               shoal_message_write_extended_header (head, SHOAL_EXTENDED_METADATA,
                                                    strlen (request)));
  rig_bot_say (bot, request, strlen (request));
  rig_bot_simple (bot, SHOAL_MESSAGE_INTERESTED);
  rig_run (rig, 3);
  rig->held = 0;
  rig_run (rig, 20);
  g_assert_cmpuint (bot->n_metadata, ==, 1);
  rig_bot_ask (bot, 0, 0, 16384);
  rig_run (rig, 3);
  g_assert_cmpuint (bot->n_blocks, ==, 1);
}

/* Where nothing is kept, nothing may be forgotten: a seed without a state folder goes on after
 * hours without a peer. */
static void
test_nothing_kept (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;

  rig->fake->host.forgets = TRUE;
  seed (rig);
  rig_run (rig, 700);
  g_assert_nonnull (swarm_of (rig)->metainfo);
  bot = rig_bot (rig, 1);
  rig_run (rig, 3);
  rig_bot_simple (bot, SHOAL_MESSAGE_INTERESTED);
  rig_run (rig, 20);
  rig_bot_ask (bot, 0, 0, 16384);
  rig_run (rig, 3);
  g_assert_cmpuint (bot->n_blocks, ==, 1);
}

static void
test_limits (void)
{
  ShoalConfig config;
  g_autoptr(Rig) rig = NULL;
  RigBot *bot;

  shoal_config_init (&config);
  config.seed_ratio = 0.01;
  rig = rig_of_one_file (&config);
  seed (rig);
  bot = rig_bot (rig, 1);
  rig_run (rig, 3);
  rig_bot_simple (bot, SHOAL_MESSAGE_INTERESTED);
  rig_run (rig, 30);
  for (guint i = 0; i < 4; i++)
    rig_bot_ask (bot, 1, i * 16384, 16384);
  rig_until (rig, SHOAL_TORRENT_PAUSED, 10);

  config.seed_ratio = 0;
  config.seed_minutes = 2;
  {
    g_autoptr(Rig) other = rig_of_one_file (&config);

    seed (other);
    rig_run (other, 1100);
    g_assert_cmpint (other->state, ==, SHOAL_TORRENT_SEEDING);
    rig_run (other, 200);
    g_assert_cmpint (other->state, ==, SHOAL_TORRENT_PAUSED);
  }
}

static void
test_keep_alive (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot, *dead;

  rig_add (rig, FALSE, FALSE);
  bot = rig_bot (rig, 1);
  dead = rig_bot (rig, 2);
  for (guint i = 0; i < 30; i++)
    {
      rig_run (rig, 80);
      rig_bot_simple (bot, SHOAL_MESSAGE_KEEP_ALIVE);
    }
  g_assert_null (dead->link);
  g_assert_nonnull (bot->link);
  g_assert_cmpuint (bot->n_keep_alives, >=, 1);
}

/* --- Choice of files --- */

static void
test_priorities (void)
{
  static const guint8 only_a[] = { SHOAL_PRIORITY_NORMAL, SHOAL_PRIORITY_SKIP,
                                   SHOAL_PRIORITY_SKIP };
  static const guint8 a_and_b[] = { SHOAL_PRIORITY_NORMAL, SHOAL_PRIORITY_HIGH,
                                    SHOAL_PRIORITY_SKIP };
  static const guint8 all[] = { SHOAL_PRIORITY_LOW, SHOAL_PRIORITY_HIGH, SHOAL_PRIORITY_NORMAL };
  g_autoptr(Rig) rig = rig_new (three_files, 3, 64 * KIB, NULL);

  rig_add (rig, FALSE, FALSE);
  rig_priorities (rig, only_a, 3);
  g_assert_no_error (rig->reply);
  new_seed (rig, 1);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 30);
  g_assert_cmpuint (rig_look (rig)->wanted_size, ==, 300 * KIB);
  g_assert_cmpuint (rig_look (rig)->wanted_had, ==, 300 * KIB);
  g_assert_false (rig_is_filled (rig));
  rig_priorities (rig, a_and_b, 3);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_DOWNLOADING);
  rig_run (rig, 5);
  new_seed (rig, 2);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 30);
  rig_priorities (rig, all, 3);
  new_seed (rig, 3);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 30);
  g_assert_true (rig_is_filled (rig));
  g_assert_cmpuint (rig->n_misplaced, ==, 0);
}

/* What is left to fetch is dropped while the last piece is with the disk, and that piece is
 * wrong. */
static void
test_nothing_left (void)
{
  static const guint8 only_a[] = { SHOAL_PRIORITY_NORMAL, SHOAL_PRIORITY_SKIP,
                                   SHOAL_PRIORITY_SKIP };
  static const guint8 none[] = { SHOAL_PRIORITY_SKIP, SHOAL_PRIORITY_SKIP, SHOAL_PRIORITY_SKIP };
  g_autoptr(Rig) rig = rig_new (three_files, 3, 64 * KIB, NULL);
  RigBot *bot;

  rig_add (rig, FALSE, FALSE);
  rig_priorities (rig, only_a, 3);
  rig->held = 1u << SHOAL_DISK_PIECE;
  bot = new_seed (rig, 1);
  bot->lies = TRUE;
  for (guint i = 0; i < 100 && rig->fake->jobs->len == 0; i++)
    rig_run (rig, 1);
  g_assert_cmpuint (rig->fake->jobs->len, >, 0);
  rig_priorities (rig, none, 3);
  rig->held = 0;
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
}

/* A file that is chosen later and has all its pieces already gets its name. */
static void
test_chosen_later (void)
{
  static const ContentFile files[] = { { .path = "a", .size = 100 * KIB },
                                       { .path = "b", .size = 0 } };
  static const guint8 only_a[] = { SHOAL_PRIORITY_NORMAL, SHOAL_PRIORITY_SKIP };
  static const guint8 both[] = { SHOAL_PRIORITY_NORMAL, SHOAL_PRIORITY_NORMAL };
  g_autoptr(Rig) rig = rig_new (files, 2, 64 * KIB, NULL);
  guint n;

  rig_add (rig, FALSE, FALSE);
  rig_priorities (rig, only_a, 2);
  new_seed (rig, 1);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 30);
  n = rig->n_done[SHOAL_DISK_FINISH];
  rig_priorities (rig, both, 2);
  rig_run (rig, 30);
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_FINISH], ==, n + 1);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_SEEDING);
}

static void
test_sequential (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_OPTIONS);
  RigBot *bot;

  rig_add (rig, FALSE, FALSE);
  command->id = rig->id;
  command->sequential = TRUE;
  rig_send (rig, command);
  bot = new_seed (rig, 1);
  bot->silent = TRUE;
  rig_run (rig, 5);
  for (guint i = 0; i < bot->requests->len; i++)
    g_assert_cmpuint (g_array_index (bot->requests, ShoalMessage, i).piece, <=, i / 4);
  rig_bot_deliver (bot, G_MAXUINT);
  bot->silent = FALSE;
  command = shoal_command_new (SHOAL_COMMAND_OPTIONS);
  command->id = rig->id;
  command->first_last = TRUE;
  rig_send (rig, command);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 30);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/swarm/download", test_download);
  g_test_add_func ("/swarm/liar", test_liar);
  g_test_add_func ("/swarm/rejects", test_rejects);
  g_test_add_func ("/swarm/silent", test_silent);
  g_test_add_func ("/swarm/choke", test_choke);
  g_test_add_func ("/swarm/timeout", test_timeout);
  g_test_add_func ("/swarm/rest-is-no-snub", test_rest_is_no_snub);
  g_test_add_func ("/swarm/low-limit", test_low_limit);
  g_test_add_func ("/swarm/full-while-spilling", test_full_while_spilling);
  g_test_add_func ("/swarm/availability", test_availability);
  g_test_add_func ("/swarm/serve", test_serve);
  g_test_add_func ("/swarm/serve-files", test_serve_files);
  g_test_add_func ("/swarm/uploaded-exactly", test_uploaded_exactly);
  g_test_add_func ("/swarm/unloaded-teaches", test_unloaded_teaches);
  g_test_add_func ("/swarm/nothing-kept", test_nothing_kept);
  g_test_add_func ("/swarm/limits", test_limits);
  g_test_add_func ("/swarm/keep-alive", test_keep_alive);
  g_test_add_func ("/swarm/priorities", test_priorities);
  g_test_add_func ("/swarm/nothing-left", test_nothing_left);
  g_test_add_func ("/swarm/chosen-later", test_chosen_later);
  g_test_add_func ("/swarm/sequential", test_sequential);

  return g_test_run ();
}
