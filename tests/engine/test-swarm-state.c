/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steps of a torrent at inconvenient moments: pause, remove, quit, restart, checks and disks that
 * fail. */

#include "swarm-rig.h"

#include <string.h>

#include "shoal-error.h"
#include "shoal-test.h"
#include "shoal-timers.h"

#define KIB 1024u
#define MIB (1024u * 1024)

/* Some pieces are had, then the seed falls silent. */
static RigBot *
download_a_part (Rig   *rig,
                 guint8 number)
{
  RigBot *bot = new_seed (rig, number);

  for (guint i = 0; i < 1000 && rig->n_done[SHOAL_DISK_PIECE] < 3; i++)
    rig_turn (rig, 10000);
  bot->silent = TRUE;
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_PIECE], >=, 3);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_DOWNLOADING);
  rig_run (rig, 3);

  return bot;
}

static void
seed (Rig *rig)
{
  rig_fill (rig);
  rig_add (rig, FALSE, FALSE);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
}

/* --- Pause --- */

static void
test_pause (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;
  guint64 had;
  guint n;

  rig_add (rig, FALSE, FALSE);
  bot = download_a_part (rig, 1);
  had = rig_look (rig)->wanted_had;
  g_assert_cmpuint (had, >, 0);
  n = bot->n_requests;
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  rig_run (rig, 20);
  g_assert_null (bot->link);
  g_assert_cmpuint (bot->n_cancels, >, 0);
  g_assert_cmpuint (bot->n_requests, ==, n);
  g_assert_false (rig->open);
  g_assert_cmpuint (rig_look (rig)->rate_down, ==, 0);
  g_assert_cmpuint (rig_look (rig)->wanted_had, ==, had);

  /* What is had is known: nothing is compared again. */
  rig_say (rig, SHOAL_COMMAND_START);
  rig_until (rig, SHOAL_TORRENT_DOWNLOADING, 5);
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_CHECK], ==, 0);
  g_assert_cmpuint (rig_look (rig)->wanted_had, ==, had);
  new_seed (rig, 2);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 30);
  g_assert_true (rig_is_filled (rig));
}

/* A dialled peer is dialled again as soon as the torrent goes on: stopping was not its fault. */
static void
test_pause_while_dialling (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD_PEER);
  ShoalAddr addr;

  rig_add (rig, FALSE, FALSE);
  g_assert_true (shoal_addr_parse (&addr, "5.6.7.8:6881", 0));
  shoal_engine_begin (rig->engine, rig->now_us, 1700000000);
  shoal_swarm_add_peers (swarm_of (rig), &addr, 1, SHOAL_PEER_SOURCE_TRACKER);
  shoal_engine_end (rig->engine);
  shoal_command_free (command);
  for (guint i = 0; i < 30 && rig->fake->dials->len == 0; i++)
    rig_run (rig, 1);
  g_assert_cmpuint (rig->fake->dials->len, ==, 1);
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  rig_run (rig, 10);
  g_assert_cmpuint (rig->fake->dials->len, ==, 0);
  rig_say (rig, SHOAL_COMMAND_START);
  rig_run (rig, 20);
  g_assert_cmpuint (rig->fake->dials->len, ==, 1);
}

/* Pause and start at every turn of a whole life. */
static void
test_pause_anywhere (void)
{
  for (guint held = 0; held < 1u << RIG_OPS; held = held == 0 ? 1 : held << 1)
    for (guint when = 0; when < 40; when++)
      {
        g_autoptr(Rig) rig = rig_of_one_file (NULL);

        rig->held = held;
        rig_add (rig, FALSE, FALSE);
        for (guint i = 0; i < when; i++)
          {
            if (i % 10 == 1)
              new_seed (rig, (guint8) (1 + i));
            rig_turn (rig, 20000);
          }
        rig_say (rig, SHOAL_COMMAND_PAUSE);
        if (when % 3 == 1)
          rig_run (rig, 3);
        if (when % 3 == 2)
          rig->held = 0;
        rig_say (rig, SHOAL_COMMAND_START);
        rig_run (rig, 2);
        rig->held = 0;
        rig_run (rig, 3);
        new_seed (rig, 100);
        rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
        g_assert_true (rig_is_filled (rig));
        g_assert_cmpuint (rig->n_misplaced, ==, 0);
        g_assert_cmpuint (rig->n_done[SHOAL_DISK_FINISH], >, 0);
      }
}

/* --- Remove and quit --- */

static void
test_remove_anywhere (void)
{
  for (guint held = 0; held < 1u << RIG_OPS; held = held == 0 ? 1 : held << 1)
    for (guint when = 0; when < 40; when++)
      {
        g_autoptr(Rig) rig = rig_of_one_file (NULL);

        rig->held = held;
        if (when % 2 == 0)
          rig_fill (rig);
        rig_add (rig, FALSE, FALSE);
        for (guint i = 0; i < when; i++)
          {
            if (i % 10 == 1)
              (when % 2 == 0 ? rig_bot : new_seed) (rig, (guint8) (1 + i));
            rig_turn (rig, 20000);
          }
        rig_say (rig, SHOAL_COMMAND_REMOVE);
        /* A long time: nothing that the disk still uses goes away meanwhile. */
        rig_run (rig, when % 4 == 0 ? 700 : 3);
        rig->held = 0;
        rig_run (rig, 100);
        g_assert_cmpuint (rig->n_removed, ==, 1);
        g_assert_cmpuint (g_hash_table_size (rig->engine->swarms), ==, 0);
        rig_add (rig, FALSE, FALSE);
      }
}

/* Data that could not be removed: the torrent is still there, and may be removed again. */
static void
test_remove_fails (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);

  seed (rig);
  rig->failing[SHOAL_DISK_REMOVE] = SHOAL_REASON_NO_PERMISSION;
  rig_say (rig, SHOAL_COMMAND_REMOVE);
  rig_run (rig, 10);
  g_assert_error (rig->reply, SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_STATE);
  g_assert_cmpuint (rig->n_removed, ==, 0);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_PAUSED);
  rig->failing[SHOAL_DISK_REMOVE] = SHOAL_REASON_NONE;
  rig_say (rig, SHOAL_COMMAND_START);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
  rig_say (rig, SHOAL_COMMAND_REMOVE);
  rig_run (rig, 10);
  g_assert_cmpuint (rig->n_removed, ==, 1);
}

static void
test_quit_anywhere (void)
{
  for (guint held = 0; held < 1u << RIG_OPS; held = held == 0 ? 1 : held << 1)
    for (guint when = 0; when < 40; when++)
      {
        g_autoptr(Rig) rig = rig_of_one_file (NULL);

        rig->held = held;
        if (when % 4 == 0)
          rig_fill (rig);
        rig_add (rig, FALSE, FALSE);
        for (guint i = 0; i < when; i++)
          {
            if (i % 10 == 1)
              new_seed (rig, (guint8) (1 + i));
            rig_turn (rig, 20000);
          }
        rig_say (rig, SHOAL_COMMAND_QUIT);
        rig->held = 0;
        rig_run (rig, 40);
        g_assert_true (rig->quit);
        g_assert_false (swarm_of (rig)->announced);
        if (rig->record->complete)
          continue;
        /* Every piece that is on the disk is in the record. */
        for (guint32 i = 0;
             rig->record->had != NULL && i < rig->content->metainfo->layout->n_pieces; i++)
          if (rig->written[i] && rig->n_done[SHOAL_DISK_PIECE] > 0)
            {
              const guint8 *bits = g_bytes_get_data (rig->record->had, NULL);

              g_assert_cmpuint (bits[i / 8] & (0x80 >> i % 8), !=, 0);
            }
      }
}

/* --- Restart --- */

static void
test_restart (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  guint64 had;

  rig_add (rig, FALSE, FALSE);
  download_a_part (rig, 1);
  had = rig_look (rig)->wanted_had;
  rig_restart (rig, FALSE);
  rig_until (rig, SHOAL_TORRENT_DOWNLOADING, 5);
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_CHECK], ==, 0);
  g_assert_cmpuint (rig_look (rig)->wanted_had, ==, had);
  new_seed (rig, 2);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 30);

  rig_restart (rig, FALSE);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_SEEDING);
  rig_run (rig, 30);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_SEEDING);
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_CHECK], ==, 0);
}

/* It ended between the last piece and the final names: these are made up for. */
static void
test_restart_before_finish (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);

  rig_add (rig, FALSE, FALSE);
  new_seed (rig, 1);
  rig_run (rig, 5);
  rig->held = 1u << SHOAL_DISK_FINISH;
  rig_run (rig, 100);
  g_assert_true (rig_is_filled (rig));
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  g_assert_true (rig->record->complete);
  rig_restart (rig, TRUE);
  rig_say (rig, SHOAL_COMMAND_START);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_CHECK], ==, 0);
  rig_run (rig, 10);
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_FINISH], >=, 2);
}

/* Seeds from before are looked at, whatever becomes of those that are looked at first. */
static void
test_proving (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);

  seed (rig);
  rig_restart (rig, FALSE);
  for (guint i = 0; i < 10; i++)
    {
      rig->held_at_start = i % 2 == 0 ? 1u << SHOAL_DISK_LOAD : 1u << SHOAL_DISK_OPEN;
      rig_restart (rig, TRUE);
      rig_run (rig, 2);
      g_assert_cmpuint (rig->engine->n_proving, ==, 1);
      rig_say (rig, SHOAL_COMMAND_PAUSE);
      rig->held = 0;
      rig_run (rig, 10);
      g_assert_cmpuint (rig->engine->n_proving, ==, 0);
      g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_PAUSED);
      rig_say (rig, SHOAL_COMMAND_START);
      rig_until (rig, SHOAL_TORRENT_SEEDING, 5);
    }
}

/* A seed that was paused when the client ended is looked at when it is started. */
static void
test_paused_seed_is_looked_at (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);

  seed (rig);
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  rig_restart (rig, FALSE);
  g_assert_cmpint (swarm_of (rig)->state, ==, SHOAL_TORRENT_PAUSED);
  rig->stale = TRUE;
  rig_say (rig, SHOAL_COMMAND_START);
  rig_until (rig, SHOAL_TORRENT_FAILED, 5);
  g_assert_cmpint (rig->reason, ==, SHOAL_REASON_DATA_MISSING);
}

/* A paused part that is left alone keeps its numbers, and what is changed about it is saved. */
static void
test_paused_rest (void)
{
  static const guint8 low[] = { SHOAL_PRIORITY_LOW };
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  guint64 had;

  rig_add (rig, FALSE, FALSE);
  download_a_part (rig, 1);
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  rig_run (rig, 10);
  had = rig_look (rig)->wanted_had;
  rig_run (rig, 1500);
  g_assert_null (swarm_of (rig)->metainfo);
  g_assert_cmpuint (rig_look (rig)->wanted_had, ==, had);
  g_assert_cmpint (rig->next_us, ==, SHOAL_NEVER);
  rig_priorities (rig, low, 1);
  g_assert_no_error (rig->reply);
  rig_run (rig, 700);
  g_assert_nonnull (rig->record->priorities);
  rig_say (rig, SHOAL_COMMAND_START);
  new_seed (rig, 2);
  rig_until (rig, SHOAL_TORRENT_DOWNLOADING, 5);
  g_assert_cmpuint (rig_look (rig)->wanted_had, ==, had);
}

/* --- Checks --- */

static void
test_recheck (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);

  seed (rig);
  rig->data[5] ^= 1;
  rig_say (rig, SHOAL_COMMAND_RECHECK);
  g_assert_no_error (rig->reply);
  rig_until (rig, SHOAL_TORRENT_DOWNLOADING, 10);
  g_assert_cmpuint (rig_look (rig)->wanted_had, ==, SWARM_RIG_SIZE - 64 * KIB);
  new_seed (rig, 1);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
  g_assert_true (rig_is_filled (rig));
}

/* A check asked for while the files get their final names takes place. */
static void
test_recheck_while_finishing (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  guint n;

  rig_add (rig, FALSE, FALSE);
  new_seed (rig, 1);
  rig_run (rig, 5);
  rig->held = 1u << SHOAL_DISK_FINISH;
  rig_run (rig, 100);
  n = rig->n_done[SHOAL_DISK_CHECK];
  rig_say (rig, SHOAL_COMMAND_RECHECK);
  rig_run (rig, 3);
  rig->held = 1u << SHOAL_DISK_OPEN;
  rig_run (rig, 3);
  rig->held = 0;
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_CHECK], >, n);
}

/* A long check goes on where it was, not from the beginning. */
static void
test_check_cursor (void)
{
  static const ContentFile big[] = { { .size = 68 * MIB, .zeros = TRUE } };
  g_autoptr(Rig) rig = rig_new (big, 1, 4 * MIB, NULL);
  ShoalDiskJob *job;

  rig_fill (rig);
  rig->held = 1u << SHOAL_DISK_CHECK;
  rig_add (rig, FALSE, FALSE);
  rig_run (rig, 3);
  g_assert_cmpuint (rig->fake->jobs->len, ==, 2);
  job = g_ptr_array_steal_index (rig->fake->jobs, 0);
  job->verdicts = g_malloc (job->n_pieces);
  memset (job->verdicts, SHOAL_PIECE_RIGHT, job->n_pieces);
  shoal_engine_begin (rig->engine, rig->now_us, 1700000000);
  shoal_engine_done (rig->engine, &job->done);
  shoal_engine_end (rig->engine);
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  g_assert_cmpuint (rig->record->checked_to, ==, 16);
  rig->held = 0;
  rig_run (rig, 10);
  rig->n_done[SHOAL_DISK_CHECK] = 0;
  rig_say (rig, SHOAL_COMMAND_START);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_CHECK], ==, 1);
}

/* The choice grows while a complete torrent gets its names in a check. */
static void
test_chosen_while_finishing (void)
{
  static const ContentFile files[] = { { .path = "a", .size = 100 * KIB },
                                       { .path = "b", .size = 300 * KIB } };
  static const guint8 only_a[] = { SHOAL_PRIORITY_NORMAL, SHOAL_PRIORITY_SKIP };
  static const guint8 both[] = { SHOAL_PRIORITY_NORMAL, SHOAL_PRIORITY_NORMAL };
  g_autoptr(Rig) rig = rig_new (files, 2, 64 * KIB, NULL);

  rig_fill (rig);
  rig->data[399 * KIB] ^= 1;
  rig_add (rig, FALSE, TRUE);
  rig_priorities (rig, only_a, 2);
  rig->held = 1u << SHOAL_DISK_FINISH;
  rig_say (rig, SHOAL_COMMAND_START);
  rig_run (rig, 10);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_CHECKING);
  rig_priorities (rig, both, 2);
  rig->held = 0;
  rig_until (rig, SHOAL_TORRENT_DOWNLOADING, 5);
  new_seed (rig, 1);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
  g_assert_true (rig_is_filled (rig));
}

/* --- Disks that fail --- */

/* Every kind of job fails once for a while; then the torrent goes on by itself and ends well. */
static void
test_disk_errors (void)
{
  static const ShoalReason reasons[] = { SHOAL_REASON_DISK_FULL, SHOAL_REASON_NO_PERMISSION,
                                         SHOAL_REASON_FOLDER_GONE, SHOAL_REASON_IO };
  static const ShoalDiskOp ops[] = { SHOAL_DISK_OPEN, SHOAL_DISK_PIECE, SHOAL_DISK_FINISH };

  for (guint r = 0; r < G_N_ELEMENTS (reasons); r++)
    for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
      {
        g_autoptr(Rig) rig = rig_of_one_file (NULL);

        rig->failing[ops[i]] = reasons[r];
        rig->free_space = 0;
        rig_add (rig, FALSE, FALSE);
        rig_run (rig, 2);
        new_seed (rig, 1);
        rig_until (rig, SHOAL_TORRENT_FAILED, 30);
        g_assert_cmpint (rig->reason, ==, reasons[r]);
        rig_run (rig, 300);
        rig->failing[ops[i]] = SHOAL_REASON_NONE;
        rig->free_space = G_MAXINT64;
        for (guint k = 0; k < 20 && rig->state != SHOAL_TORRENT_SEEDING; k++)
          {
            new_seed (rig, (guint8) (10 + k));
            rig_run (rig, 50);
          }
        g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_SEEDING);
        g_assert_true (rig_is_filled (rig));
        if (ops[i] == SHOAL_DISK_FINISH)
          g_assert_cmpint (rig->stamp, >, 0);
        g_assert_cmpuint (rig->n_misplaced, ==, 0);
      }
}

/* Disk errors do not make a torrent knock at the door without end. */
static void
test_failing_slows_down (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);

  rig->failing[SHOAL_DISK_PIECE] = SHOAL_REASON_NO_PERMISSION;
  rig_add (rig, FALSE, FALSE);
  for (guint i = 0; i < 180; i++)
    {
      new_seed (rig, (guint8) (1 + i));
      rig_run (rig, 100);
    }
  g_assert_cmpuint (rig->n_entered[SHOAL_TORRENT_FAILED], >, 3);
  g_assert_cmpuint (rig->n_entered[SHOAL_TORRENT_FAILED], <, 12);
}

static void
test_read_error (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;

  seed (rig);
  bot = rig_bot (rig, 1);
  rig_run (rig, 3);
  rig_bot_simple (bot, SHOAL_MESSAGE_INTERESTED);
  rig_run (rig, 30);
  rig->failing[SHOAL_DISK_READ] = SHOAL_REASON_IO;
  for (guint i = 0; i < 4; i++)
    rig_bot_ask (bot, 1, i * 16384, 16384);
  rig_until (rig, SHOAL_TORRENT_FAILED, 5);
  rig->failing[SHOAL_DISK_READ] = SHOAL_REASON_NONE;
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
}

/* Data that is gone is never fetched again unless the user says so. */
static void
test_data_missing (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);

  seed (rig);
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  rig_run (rig, 10);
  rig->stale = TRUE;
  rig_say (rig, SHOAL_COMMAND_START);
  rig_until (rig, SHOAL_TORRENT_FAILED, 5);
  g_assert_cmpint (rig->reason, ==, SHOAL_REASON_DATA_MISSING);
  rig_run (rig, 1000);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_FAILED);

  /* The drive is there again. */
  rig->stale = FALSE;
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);

  /* It is gone for good. */
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  rig->stale = TRUE;
  memset (rig->data, 0, 2 * MIB);
  memset (rig->written, 0, 30);
  rig_say (rig, SHOAL_COMMAND_START);
  rig_until (rig, SHOAL_TORRENT_FAILED, 5);
  rig_say (rig, SHOAL_COMMAND_START);
  rig_until (rig, SHOAL_TORRENT_DOWNLOADING, 10);
  rig->stale = FALSE;
  new_seed (rig, 1);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 30);
  g_assert_true (rig_is_filled (rig));
}

/* Somebody changed a complete file: it is not overwritten. */
static void
test_changed_by_others (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  guint8 theirs;

  seed (rig);
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  rig_run (rig, 10);
  theirs = rig->data[100] ^= 0x55;
  rig->stamp++;
  rig_say (rig, SHOAL_COMMAND_START);
  rig_until (rig, SHOAL_TORRENT_FAILED, 10);
  g_assert_cmpint (rig->reason, ==, SHOAL_REASON_DATA_MISSING);
  for (guint i = 0; i < 10; i++)
    {
      new_seed (rig, (guint8) (1 + i));
      rig_run (rig, 100);
    }
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_FAILED);
  g_assert_cmpuint (rig->data[100], ==, theirs);
  rig_restart (rig, FALSE);
  for (guint i = 0; i < 10; i++)
    {
      new_seed (rig, (guint8) (20 + i));
      rig_run (rig, 100);
    }
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_FAILED);
  g_assert_cmpuint (rig->data[100], ==, theirs);

  /* The user puts the right file back. */
  rig->data[100] ^= 0x55;
  rig->stamp++;
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  /* Or wants it to be fetched. */
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  rig_run (rig, 10);
  rig->data[100] ^= 0x55;
  rig->stamp++;
  rig_say (rig, SHOAL_COMMAND_START);
  rig_until (rig, SHOAL_TORRENT_FAILED, 10);
  rig_say (rig, SHOAL_COMMAND_START);
  rig_until (rig, SHOAL_TORRENT_DOWNLOADING, 10);
  new_seed (rig, 90);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
  g_assert_true (rig_is_filled (rig));
}

/* --- The queue --- */

static guint64
add_other (Rig  *rig,
           guint number)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);
  guint64 own = rig->id;
  guint64 id;

  command->add = shoal_add_options_new ();
  command->add->dir = g_strdup ("/");
  command->add->uri = g_strdup_printf ("magnet:?xt=urn:btih:%040x&dn=other", number);
  rig_send (rig, command);
  g_assert_no_error (rig->reply);
  id = rig->id;
  rig->id = own;

  return id;
}

static void
test_queue (void)
{
  ShoalConfig config;
  g_autoptr(Rig) rig = NULL;
  guint64 others[3];
  ShoalCommand *command;

  shoal_config_init (&config);
  config.max_active_downloads = 1;
  rig = rig_of_one_file (&config);
  rig_fill (rig);
  for (guint i = 0; i < 3; i++)
    others[i] = add_other (rig, i + 1);
  g_assert_cmpint (shoal_engine_find (rig->engine, others[0])->state, ==, SHOAL_TORRENT_METADATA);
  g_assert_cmpint (shoal_engine_find (rig->engine, others[1])->state, ==, SHOAL_TORRENT_QUEUED);

  /* One that waits may be paused, removed, or go on when it is its turn. */
  command = shoal_command_new (SHOAL_COMMAND_REMOVE);
  command->id = others[1];
  rig_send (rig, command);
  command = shoal_command_new (SHOAL_COMMAND_PAUSE);
  command->id = others[0];
  rig_send (rig, command);
  g_assert_cmpint (shoal_engine_find (rig->engine, others[2])->state, ==, SHOAL_TORRENT_METADATA);
  command = shoal_command_new (SHOAL_COMMAND_START);
  command->id = others[0];
  rig_send (rig, command);
  g_assert_cmpint (shoal_engine_find (rig->engine, others[0])->state, ==, SHOAL_TORRENT_QUEUED);

  command = shoal_command_new (SHOAL_COMMAND_CONFIG);
  config.max_active_downloads = 0;
  command->config = g_memdup2 (&config, sizeof config);
  rig_send (rig, command);
  g_assert_cmpint (shoal_engine_find (rig->engine, others[0])->state, ==, SHOAL_TORRENT_METADATA);
}

/* A seed never waits for a place. */
static void
test_queue_and_seeds (void)
{
  ShoalConfig config;
  g_autoptr(Rig) rig = NULL;

  shoal_config_init (&config);
  config.max_active_downloads = 1;
  rig = rig_of_one_file (&config);
  seed (rig);
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  rig_run (rig, 5);
  add_other (rig, 1);
  rig_say (rig, SHOAL_COMMAND_START);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 5);
  /* A failed one has to wait like any other. */
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  rig_run (rig, 5);
  rig->stale = TRUE;
  rig_say (rig, SHOAL_COMMAND_START);
  rig_until (rig, SHOAL_TORRENT_FAILED, 5);
  rig_say (rig, SHOAL_COMMAND_START);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_QUEUED);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/swarm-state/pause", test_pause);
  g_test_add_func ("/swarm-state/pause-while-dialling", test_pause_while_dialling);
  g_test_add_func ("/swarm-state/pause-anywhere", test_pause_anywhere);
  g_test_add_func ("/swarm-state/remove-anywhere", test_remove_anywhere);
  g_test_add_func ("/swarm-state/remove-fails", test_remove_fails);
  g_test_add_func ("/swarm-state/quit-anywhere", test_quit_anywhere);
  g_test_add_func ("/swarm-state/restart", test_restart);
  g_test_add_func ("/swarm-state/restart-before-finish", test_restart_before_finish);
  g_test_add_func ("/swarm-state/proving", test_proving);
  g_test_add_func ("/swarm-state/paused-seed-is-looked-at", test_paused_seed_is_looked_at);
  g_test_add_func ("/swarm-state/paused-rest", test_paused_rest);
  g_test_add_func ("/swarm-state/recheck", test_recheck);
  g_test_add_func ("/swarm-state/recheck-while-finishing", test_recheck_while_finishing);
  g_test_add_func ("/swarm-state/check-cursor", test_check_cursor);
  g_test_add_func ("/swarm-state/chosen-while-finishing", test_chosen_while_finishing);
  g_test_add_func ("/swarm-state/disk-errors", test_disk_errors);
  g_test_add_func ("/swarm-state/failing-slows-down", test_failing_slows_down);
  g_test_add_func ("/swarm-state/read-error", test_read_error);
  g_test_add_func ("/swarm-state/data-missing", test_data_missing);
  g_test_add_func ("/swarm-state/changed-by-others", test_changed_by_others);
  g_test_add_func ("/swarm-state/queue", test_queue);
  g_test_add_func ("/swarm-state/queue-and-seeds", test_queue_and_seeds);

  return g_test_run ();
}
