/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A torrent and its web seeds: who gives what, and what a bad seed costs. */

#include "rig-web.h"

#include "shoal-webseed.h"

#define KIB   1024u
#define PIECE (64 * KIB)

/* Files end within pieces and blocks; 3,276,800 bytes in all are 50 pieces. */
static const ContentFile odd_files[] = {
  { .path = "a", .size = 1 },       { .path = "b c", .size = 70001 },
  { .path = "empty", .size = 0 },   { .path = "sub/d", .size = 1500000 },
  { .path = "sub/e", .size = 500 }, { .path = "z", .size = 1706298 },
};
static const ContentFile lone_file[] = { { .size = 50 * PIECE } };

typedef struct
{
  Rig    *rig;
  RigWeb *web;
} Fixture;

static void
set_up (Fixture              *self,
        ShoalTorrentVersions  versions,
        const ContentFile    *files,
        guint32               n)
{
  self->rig = rig_new_of (versions, files, n, PIECE, NULL);
  self->web = rig_web_new (self->rig);
}

static void
tear_down (Fixture *self)
{
  rig_web_free (self->web);
  rig_free (self->rig);
}

static void
complete (Fixture *self,
          guint    seconds)
{
  rig_until (self->rig, SHOAL_TORRENT_SEEDING, seconds);
  g_assert_true (rig_is_filled (self->rig));
  /* Nothing is left behind. */
  rig_run (self->rig, 2);
  g_assert_cmpuint (self->rig->fake->fetches->len, ==, 0);
}

static guint64
wasted (Fixture *self)
{
  return rig_look (self->rig)->wasted;
}

/* --- Alone --- */

static void
test_alone (gconstpointer data)
{
  static const ShoalTorrentVersions versions[] = { SHOAL_TORRENT_V1,
                                                   SHOAL_TORRENT_V1 | SHOAL_TORRENT_V2,
                                                   SHOAL_TORRENT_V2 };
  Fixture self;
  RigWebServer *server;

  set_up (&self, versions[GPOINTER_TO_UINT (data)], odd_files, G_N_ELEMENTS (odd_files));
  server = rig_web_add (self.web, "w");
  rig_web_start (self.web, FALSE);
  complete (&self, 60);
  g_assert_cmpuint (wasted (&self), ==, 0);
  g_assert_cmpuint (server->n_bytes, ==, self.rig->content->metainfo->layout->payload_size);
  tear_down (&self);
}

/* One file: ranges grow, and so does the number of requests at once. */
static void
test_lanes (void)
{
  Fixture self;
  RigWebServer *server;

  set_up (&self, SHOAL_TORRENT_V1, lone_file, 1);
  server = rig_web_add (self.web, "w");
  server->rate = 40 * KIB;
  rig_web_start (self.web, FALSE);
  rig_run (self.rig, 30);
  g_assert_cmpuint (rig_look (self.rig)->n_web_seeds, ==, 1);
  g_assert_cmpuint (rig_look (self.rig)->rate_down, >, 0);
  complete (&self, 60);
  g_assert_cmpuint (server->n_at_once, >, 1);
  g_assert_cmpuint (server->n_at_once, <=, SHOAL_WEBSEED_LANES);
  g_assert_cmpuint (server->n_requests, <=, 16);
  g_assert_cmpuint (rig_look (self.rig)->n_web_seeds, ==, 0);
  tear_down (&self);
}

static void
test_pieces (void)
{
  Fixture self;
  RigWebServer *server;

  set_up (&self, SHOAL_TORRENT_V1, odd_files, G_N_ELEMENTS (odd_files));
  server = rig_web_add (self.web, "w");
  rig_web_start (self.web, TRUE);
  complete (&self, 60);
  g_assert_cmpuint (server->n_requests, <=, self.rig->content->metainfo->layout->n_pieces + 4);
  tear_down (&self);
}

static void
test_pieces_busy (void)
{
  Fixture self;
  RigWebServer *server;

  set_up (&self, SHOAL_TORRENT_V1, lone_file, 1);
  server = rig_web_add (self.web, "w");
  server->status = 503;
  server->hint = "40";
  rig_web_start (self.web, TRUE);
  rig_run (self.rig, 380);
  g_assert_cmpuint (server->n_requests, ==, 1);
  server->status = 0;
  complete (&self, 60);
  tear_down (&self);
}

/* Every switch that makes a server worthless or slow; a good one gives the rest. */
typedef struct
{
  const char  *name;
  RigWebServer how;
  guint        max_requests;   /* that it may get; 0: any number */
  guint64      max_bytes;      /* that it may send */
} BadCase;

static const BadCase bad[] = {
  { "lies", { .lies = TRUE }, 8, 8 * 1024 * KIB },
  { "packs", { .packs = TRUE }, 4, 0 },
  { "shifts", { .shifts = TRUE }, 4, 0 },
  { "grew", { .grew = TRUE }, 12, 0 },
  { "missing", { .missing = "/" }, 12, 0 },
  { "not-found", { .status = 404 }, 12, 0 },
  { "range-refused", { .status = 416 }, 12, 0 },
  { "error", { .status = 500 }, 8, 0 },
  { "busy", { .status = 503, .retry_after_s = 1000 }, 1, 0 },
  { "silent", { .silent = TRUE }, 8, 0 },
  { "whole", { .whole = TRUE }, 12, 8 * 1024 * KIB },
  { "slow", { .rate = 50 }, 0, 1024 * KIB },
};

static void
test_bad (gconstpointer data)
{
  const BadCase *one = data;
  Fixture self;
  RigWebServer *server;
  RigWebServer *good;

  set_up (&self, SHOAL_TORRENT_V1, odd_files, G_N_ELEMENTS (odd_files));
  server = rig_web_add (self.web, "bad");
  *server = one->how;
  server->name = "bad";
  good = rig_web_add (self.web, "good");
  good->rate = 4 * KIB;
  rig_web_start (self.web, FALSE);
  complete (&self, 300);
  if (one->max_requests > 0)
    g_assert_cmpuint (server->n_requests, <=, one->max_requests);
  g_assert_cmpuint (server->n_bytes, <=, one->max_bytes);
  tear_down (&self);
}

/* It breaks off again and again, but always brings something. */
static void
test_breaks (void)
{
  Fixture self;
  RigWebServer *server;

  set_up (&self, SHOAL_TORRENT_V1, lone_file, 1);
  server = rig_web_add (self.web, "w");
  server->stops_after = 200001;
  rig_web_start (self.web, FALSE);
  complete (&self, 120);
  g_assert_cmpuint (wasted (&self), ==, 0);
  g_assert_cmpuint (server->n_bytes, ==, 50 * PIECE);
  tear_down (&self);
}

static void
test_retries (void)
{
  Fixture self;
  RigWebServer *server;

  set_up (&self, SHOAL_TORRENT_V1, lone_file, 1);
  server = rig_web_add (self.web, "w");
  server->status = 503;
  server->retry_after_s = 60;
  rig_web_start (self.web, FALSE);
  rig_run (self.rig, 580);
  g_assert_cmpuint (server->n_requests, ==, 1);
  server->status = 0;
  complete (&self, 60);
  tear_down (&self);
}

/* More than was asked for is not read to its end. */
static void
test_chatters (void)
{
  Fixture self;
  RigWebServer *server;

  set_up (&self, SHOAL_TORRENT_V1, lone_file, 1);
  server = rig_web_add (self.web, "w");
  server->chatters = TRUE;
  server->rate = 100 * KIB;
  rig_web_start (self.web, FALSE);
  complete (&self, 120);
  g_assert_cmpuint (server->n_bytes, <=, 50 * PIECE + server->n_requests * 16 * KIB);
  tear_down (&self);
}

/* --- With the rest of the torrent --- */

static void
test_with_peer (void)
{
  Fixture self;
  RigWebServer *server;
  RigBot *bot;

  set_up (&self, SHOAL_TORRENT_V1, lone_file, 1);
  server = rig_web_add (self.web, "w");
  server->rate = 16 * KIB;
  rig_web_start (self.web, FALSE);
  bot = rig_bot (self.rig, 1);
  bot->has_all = TRUE;
  bot->fast = TRUE;
  bot->silent = TRUE;
  rig_run (self.rig, 20);
  for (guint i = 0; i < 1200 && self.rig->state != SHOAL_TORRENT_SEEDING; i++)
    {
      rig_bot_deliver (bot, 1);
      rig_run (self.rig, 1);
    }
  complete (&self, 1);
  g_assert_cmpuint (server->n_bytes, >, 5 * PIECE);
  g_assert_cmpuint (server->n_bytes, <, 45 * PIECE);
  g_assert_cmpuint (wasted (&self), <=, 4 * PIECE);
  tear_down (&self);
}

/* A seed that holds up a range does not hold up the torrent. */
static void
test_held_up (void)
{
  Fixture self;
  RigWebServer *server;
  RigBot *bot;

  set_up (&self, SHOAL_TORRENT_V1, lone_file, 1);
  server = rig_web_add (self.web, "w");
  server->rate = 100;
  rig_web_start (self.web, FALSE);
  rig_run (self.rig, 20);
  bot = rig_bot (self.rig, 1);
  bot->has_all = TRUE;
  bot->fast = TRUE;
  complete (&self, 60);
  g_assert_cmpuint (server->n_bytes, <, 2 * PIECE);
  tear_down (&self);
}

static void
test_priorities (void)
{
  static const guint8 priorities[] = {
    SHOAL_PRIORITY_SKIP, SHOAL_PRIORITY_SKIP, SHOAL_PRIORITY_SKIP,
    SHOAL_PRIORITY_SKIP, SHOAL_PRIORITY_SKIP, SHOAL_PRIORITY_NORMAL,
  };
  Fixture self;
  RigWebServer *server;

  set_up (&self, SHOAL_TORRENT_V1, odd_files, G_N_ELEMENTS (odd_files));
  server = rig_web_add (self.web, "w");
  server->rate = 1;
  rig_web_start (self.web, FALSE);
  rig_priorities (self.rig, priorities, G_N_ELEMENTS (priorities));
  rig_say (self.rig, SHOAL_COMMAND_PAUSE);
  rig_run (self.rig, 5);
  g_assert_cmpuint (self.rig->fake->fetches->len, ==, 0);
  server->rate = 0;
  rig_say (self.rig, SHOAL_COMMAND_START);
  rig_until (self.rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_cmpuint (server->n_bytes, <, odd_files[5].size + 3 * PIECE);
  tear_down (&self);
}

/* Paused, checked and removed in the middle: nothing is asked any more, and nothing is lost. */
static void
test_stops (void)
{
  Fixture self;
  RigWebServer *server;

  set_up (&self, SHOAL_TORRENT_V1, lone_file, 1);
  server = rig_web_add (self.web, "w");
  server->rate = 10 * KIB;
  rig_web_start (self.web, FALSE);
  rig_run (self.rig, 40);
  rig_say (self.rig, SHOAL_COMMAND_PAUSE);
  rig_run (self.rig, 2);
  g_assert_cmpuint (self.rig->fake->fetches->len, ==, 0);
  rig_say (self.rig, SHOAL_COMMAND_START);
  rig_run (self.rig, 40);
  rig_say (self.rig, SHOAL_COMMAND_RECHECK);
  rig_run (self.rig, 40);
  rig_restart (self.rig, FALSE);
  self.rig->fake->keeps_seeds = TRUE;
  rig_run (self.rig, 70);
  g_assert_cmpuint (self.rig->fake->fetches->len, >, 0);
  rig_say (self.rig, SHOAL_COMMAND_REMOVE);
  rig_run (self.rig, 40);
  g_assert_cmpuint (self.rig->n_removed, ==, 1);
  g_assert_cmpuint (self.rig->fake->fetches->len, ==, 0);
  tear_down (&self);
}

static void
test_limit (void)
{
  Fixture self;
  RigWebServer *server;
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_OPTIONS);

  set_up (&self, SHOAL_TORRENT_V1, lone_file, 1);
  server = rig_web_add (self.web, "w");
  rig_web_start (self.web, FALSE);
  command->id = self.rig->id;
  command->limit_down = 100 * KIB;
  rig_send (self.rig, command);
  rig_run (self.rig, 100);
  g_assert_cmpuint (server->n_bytes, <, 12 * 100 * KIB);
  g_assert_cmpuint (server->n_bytes, >, 8 * 100 * KIB);
  complete (&self, 60);
  tear_down (&self);
}

/* Pieces as large as a run, in the smallest arena. */
static void
test_small_memory (void)
{
  ShoalConfig config;
  Fixture self;

  shoal_config_init (&config);
  config.arena_size = 8 * 1024 * KIB;
  self.rig = rig_new_of (SHOAL_TORRENT_V1, lone_file, 1, 1024 * KIB, &config);
  self.web = rig_web_new (self.rig);
  rig_web_add (self.web, "v");
  rig_web_add (self.web, "w");
  rig_web_start (self.web, FALSE);
  complete (&self, 60);
  tear_down (&self);
}

int
main (int    argc,
      char **argv)
{
  static const char *const alone[] = { "v1", "hybrid", "v2" };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (alone); i++)
    {
      g_autofree char *path = g_strconcat ("/engine/swarm-web/alone/", alone[i], NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_alone);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *path = g_strconcat ("/engine/swarm-web/bad/", bad[i].name, NULL);

      g_test_add_data_func (path, &bad[i], test_bad);
    }
  g_test_add_func ("/engine/swarm-web/lanes", test_lanes);
  g_test_add_func ("/engine/swarm-web/pieces", test_pieces);
  g_test_add_func ("/engine/swarm-web/pieces-busy", test_pieces_busy);
  g_test_add_func ("/engine/swarm-web/breaks", test_breaks);
  g_test_add_func ("/engine/swarm-web/retries", test_retries);
  g_test_add_func ("/engine/swarm-web/chatters", test_chatters);
  g_test_add_func ("/engine/swarm-web/with-peer", test_with_peer);
  g_test_add_func ("/engine/swarm-web/held-up", test_held_up);
  g_test_add_func ("/engine/swarm-web/priorities", test_priorities);
  g_test_add_func ("/engine/swarm-web/stops", test_stops);
  g_test_add_func ("/engine/swarm-web/limit", test_limit);
  g_test_add_func ("/engine/swarm-web/small-memory", test_small_memory);

  return g_test_run ();
}
