/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a tracker sees of somebody with many torrents who looks at them all. */

#include "shoal-http-tracker.h"
#include "shoal-mail.h"
#include "shoal-test.h"
#include "shoal-udp-tracker.h"
#include "sim-node-private.h"
#include "sim-torrent.h"
#include "sim-tracker.h"

#define N_TORRENTS 400u
#define PIECE      16384u

/* Adds @n torrents at the tracker of @url, paused or not, to a node that is watched. */
static void
add_torrents (SimNode    *node,
              const char *url,
              guint       n,
              gboolean    paused)
{
  const char *const trackers[] = { url, NULL };

  for (guint i = 0; i < n; i++)
    {
      ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);

      node->torrent = sim_torrent_new (node->peer.world, PIECE, PIECE, trackers);
      command->add = shoal_add_options_new ();
      command->add->dir = g_strdup ("/sim");
      command->add->paused = paused;
      command->add->metainfo = g_bytes_ref (node->torrent->bytes);
      sim_node_push_command (node, command);
    }
}

/* No burst: one request a second, each for as many as it has room for. */
static void
check_many (const char *url,
            guint       most)
{
  g_autoptr(SimWorld) world = sim_world_new (shoal_test_seed ());
  SimTracker *tracker = sim_tracker_new (world, "tracker.test", SIM_TRACKER_ALIVE);
  SimNode *node = sim_node_new (world);
  guint n_requests = (N_TORRENTS + most - 1) / most;

  sim_node_start (node);
  add_torrents (node, url, N_TORRENTS, TRUE);
  sim_world_pass (world, 60 * SIM_SECOND);
  g_test_message ("%u torrents in %u scrapes", tracker->n_scraped, tracker->n_scrapes);
  g_assert_cmpuint (tracker->n_scraped, ==, N_TORRENTS);
  /* The first ones may go before the last were added. */
  g_assert_cmpuint (tracker->n_scrapes, <=, n_requests + 1);
  g_assert_cmpint (tracker->apart_us, >=, SIM_SECOND);

  /* What rests is not asked for again and again. */
  sim_world_pass (world, 1700 * SIM_SECOND);
  g_assert_cmpuint (tracker->n_scraped, ==, N_TORRENTS);
}

static void
test_udp (void)
{
  check_many ("udp://tracker.test:80/announce", SHOAL_UDP_TRACKER_SCRAPE_MAX);
}

static void
test_http (void)
{
  check_many ("http://tracker.test/announce", SHOAL_HTTP_TRACKER_SCRAPE_MAX);
}

/* Trackers that take few at once are asked for few, until all is told. */
static void
test_few (void)
{
  static const struct
  {
    const char *url;
    guint       max;
    guint       requests;
  } cases[] = {
    { "udp://tracker.test:80", 8, 5 },
    { "udp://tracker.test:80", 1, 40 },
    { "http://tracker.test/announce", 1, 40 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(SimWorld) world = sim_world_new (shoal_test_seed ());
      SimTracker *tracker = sim_tracker_new (world, "tracker.test", SIM_TRACKER_ALIVE);
      SimNode *node = sim_node_new (world);

      tracker->scrape_max = cases[i].max;
      sim_node_start (node);
      add_torrents (node, cases[i].url, 40, TRUE);
      sim_world_pass (world, 120 * SIM_SECOND);
      g_assert_cmpuint (tracker->n_scraped, ==, 40);
      g_assert_cmpuint (tracker->n_scrapes, ==, cases[i].requests);
      g_assert_cmpint (tracker->apart_us, >=, SIM_SECOND);
    }
}

/* Torrents that run are announced one by one, but not counted so. */
static void
test_running (void)
{
  g_autoptr(SimWorld) world = sim_world_new (shoal_test_seed ());
  SimTracker *tracker = sim_tracker_new (world, "tracker.test", SIM_TRACKER_ALIVE);
  SimNode *node = sim_node_new (world);

  sim_node_start (node);
  add_torrents (node, "udp://tracker.test:80", N_TORRENTS, FALSE);
  sim_world_pass (world, 24 * 3600 * SIM_SECOND);
  g_test_message ("a day of %u torrents: %u announcing, %u scrapes", N_TORRENTS,
                  tracker->peers->len, tracker->n_scrapes);
  g_assert_cmpuint (tracker->peers->len, ==, N_TORRENTS);
  g_assert_cmpuint (tracker->n_scrapes, <, N_TORRENTS / 20);
  g_assert_cmpint (tracker->apart_us, >=, SIM_SECOND);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/scrape/udp", test_udp);
  g_test_add_func ("/sim/scrape/http", test_http);
  g_test_add_func ("/sim/scrape/few", test_few);
  g_test_add_func ("/sim/scrape/running", test_running);

  return g_test_run ();
}
