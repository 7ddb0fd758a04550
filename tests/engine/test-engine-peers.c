/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lists of one torrent, between two whole engines. */

#include "pair.h"

#include <string.h>
#include "shoal-config.h"
#include "shoal-test.h"

/* (transfer none): the newest snapshot that @end told of. */
static ShoalSnapshot *
look (Pair    *pair,
      PairEnd *end,
      guint    mask,
      guint64  id)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_SUBSCRIBE);

  command->view = 3;
  command->mask = mask;
  command->id = id;
  shoal_engine_begin (end->engine, pair->now_us, 1700000000);
  shoal_engine_command (end->engine, command);
  shoal_engine_end (end->engine);
  for (guint i = end->fake->events->len; i > 0; i--)
    {
      ShoalEvent *event = g_ptr_array_index (end->fake->events, i - 1);

      if (event->type == SHOAL_EVENT_SNAPSHOT)
        return event->snapshot;
    }
  g_assert_not_reached ();
}

static void
test_peers (void)
{
  g_autoptr(Pair) pair = NULL;
  ShoalConfig config;
  PairEnd *seed;
  PairEnd *leech;
  ShoalSnapshot *snapshot;

  /* Slow enough to be looked at. */
  shoal_config_init (&config);
  config.encryption = SHOAL_ENCRYPTION_OFF;
  config.limit_down = 256 * 1024;
  pair = pair_new (8 * 1024 * 1024, 64 * 1024, shoal_test_seed (), &config);
  seed = &pair->ends[0];
  leech = &pair->ends[1];
  pair_add (pair, 0, FALSE);
  pair_add (pair, 1, FALSE);
  snapshot = look (pair, leech, SHOAL_VIEW_PEERS, leech->id);
  g_assert_cmpuint (snapshot->id, ==, leech->id);
  g_assert_cmpuint (snapshot->n_peers, ==, 0);
  g_assert_cmpuint (snapshot->n_torrents, ==, 0);

  pair_connect (pair);
  for (guint i = 0; i < 10000; i++)
    {
      pair_step (pair, 1000);
      snapshot = look (pair, leech, SHOAL_VIEW_PEERS, leech->id);
      if (snapshot->n_peers > 0 && snapshot->peers[0].downloaded > 0
          && (snapshot->peers[0].flags & SHOAL_PEER_DOWNLOADING) != 0)
        break;
    }

  snapshot = look (pair, leech, SHOAL_VIEW_PEERS | SHOAL_VIEW_TRACKERS, leech->id);
  g_assert_cmpuint (snapshot->n_peers, ==, 1);
  g_assert_cmpuint (snapshot->n_trackers, ==, 0);
  g_assert_cmpstr (snapshot->peers[0].client, ==, "Shoal " SHOAL_VERSION);
  g_assert_cmpfloat (snapshot->peers[0].progress, ==, 1.0);
  g_assert_cmpuint (snapshot->peers[0].flags
                      & (SHOAL_PEER_DOWNLOADING | SHOAL_PEER_INCOMING | SHOAL_PEER_ENCRYPTED),
                    ==, SHOAL_PEER_DOWNLOADING);
  g_assert_cmpuint (snapshot->peers[0].downloaded, >, 0);
  g_assert_cmpuint (strlen (snapshot->peers[0].address), >, 0);

  snapshot = look (pair, seed, SHOAL_VIEW_PEERS, seed->id);
  g_assert_cmpuint (snapshot->n_peers, ==, 1);
  g_assert_cmpuint (snapshot->peers[0].flags & (SHOAL_PEER_UPLOADING | SHOAL_PEER_INCOMING), ==,
                    SHOAL_PEER_UPLOADING | SHOAL_PEER_INCOMING);
  g_assert_cmpuint (snapshot->peers[0].sources & SHOAL_PEER_SOURCE_INCOMING, !=, 0);
  g_assert_cmpfloat (snapshot->peers[0].progress, <, 1.0);

  /* Of a torrent that is not there, and of none. */
  snapshot = look (pair, seed, SHOAL_VIEW_PEERS, 999);
  g_assert_cmpuint (snapshot->id, ==, 0);
  g_assert_null (snapshot->peers);
  snapshot = look (pair, seed, 0, seed->id);
  g_assert_null (snapshot->peers);
  g_assert_cmpuint (snapshot->n_torrents, ==, 1);
}

static void
tell (Pair            *pair,
      PairEnd         *end,
      ShoalCommandType type,
      guint64          id)
{
  ShoalCommand *command = shoal_command_new (type);

  command->id = id;
  command->view = 2;
  command->interval_ms = 250;
  command->mask = SHOAL_VIEW_STATS;
  shoal_engine_begin (end->engine, pair->now_us, 1700000000);
  shoal_engine_command (end->engine, command);
  shoal_engine_end (end->engine);
}

/* Whoever looks is told that nothing moves any more, though nothing else changes: both are seeds,
 * and the link is gone. */
static void
test_rates_end (void)
{
  g_autoptr(Pair) pair = NULL;
  ShoalConfig config;
  PairEnd *leech;
  guint64 most = 0;

  shoal_config_init (&config);
  config.limit_down = 256 * 1024;
  pair = pair_new (2 * 1024 * 1024, 64 * 1024, shoal_test_seed (), &config);
  leech = &pair->ends[1];
  pair_add (pair, 0, FALSE);
  pair_add (pair, 1, FALSE);
  tell (pair, leech, SHOAL_COMMAND_SUBSCRIBE, 0);
  pair_connect (pair);
  for (guint i = 0; i < 60 * 100 && !(most > 0 && leech->rate_down == 0); i++)
    {
      pair_step (pair, G_USEC_PER_SEC / 100);
      tell (pair, leech, SHOAL_COMMAND_ACKNOWLEDGE, 0);
      most = MAX (most, leech->rate_down);
    }
  g_assert_true (leech->complete);
  g_assert_cmpuint (most, >, 0);
  g_assert_cmpuint (leech->rate_down, ==, 0);
  g_assert_cmpuint (leech->torrent_rate, ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/peers/pair", test_peers);
  g_test_add_func ("/engine/peers/rates-end", test_rates_end);

  return g_test_run ();
}
