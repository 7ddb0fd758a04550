/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands and what they bring about: replies, events, snapshots, the way out. */

#include "fake-host.h"
#include <string.h>
#include "shoal-engine.h"
#include "shoal-error.h"
#include "shoal-test.h"
#include "shoal-timers.h"

#include <malloc.h>

#define MAGNET "magnet:?xt=urn:btih:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd&dn=name"

typedef struct
{
  FakeHost    *fake;
  ShoalEngine *engine;
  gint64       now_us;
} Fixture;

static void
set_up (Fixture      *fixture,
        gconstpointer data)
{
  ShoalConfig config;

  shoal_config_init (&config);
  fixture->fake = fake_host_new (shoal_test_seed ());
  fixture->engine = shoal_engine_new (&fixture->fake->host, &config);
  fixture->now_us = G_USEC_PER_SEC;
}

static void
turn (Fixture      *fixture,
      ShoalCommand *command)
{
  shoal_engine_begin (fixture->engine, fixture->now_us, 1700000000);
  if (command != NULL)
    shoal_engine_command (fixture->engine, command);
  fake_host_end_all (fixture->fake, fixture->now_us);
  while (fixture->fake->jobs->len > 0)
    {
      ShoalDiskJob *job = g_ptr_array_steal_index (fixture->fake->jobs, 0);

      shoal_engine_done (fixture->engine, &job->done);
    }
  shoal_engine_end (fixture->engine);
}

static void
tear_down (Fixture      *fixture,
           gconstpointer data)
{
  turn (fixture, shoal_command_new (SHOAL_COMMAND_QUIT));
  shoal_engine_free (fixture->engine);
  fake_host_free (fixture->fake);
}

/* The event of @type that came last, or NULL. */
static ShoalEvent *
last_event (Fixture       *fixture,
            ShoalEventType type)
{
  for (guint i = fixture->fake->events->len; i > 0; i--)
    {
      ShoalEvent *event = g_ptr_array_index (fixture->fake->events, i - 1);

      if (event->type == type)
        return event;
    }

  return NULL;
}

static ShoalCommand *
add (const char *uri,
     gboolean    paused)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);

  command->serial = 7;
  command->add = shoal_add_options_new ();
  command->add->uri = g_strdup (uri);
  command->add->dir = g_strdup ("/");
  command->add->paused = paused;

  return command;
}

static void
test_add (Fixture      *fixture,
          gconstpointer data)
{
  ShoalEvent *event;

  turn (fixture, add (MAGNET, FALSE));
  event = last_event (fixture, SHOAL_EVENT_REPLY);
  g_assert_nonnull (event);
  g_assert_no_error (event->error);
  g_assert_cmpuint (event->serial, ==, 7);
  g_assert_nonnull (last_event (fixture, SHOAL_EVENT_ADDED));
  g_assert_cmpint (last_event (fixture, SHOAL_EVENT_STATE)->state, ==, SHOAL_TORRENT_METADATA);
  g_assert_cmpuint (fixture->fake->records->len, ==, 1);

  turn (fixture, add (MAGNET, FALSE));
  g_assert_error (last_event (fixture, SHOAL_EVENT_REPLY)->error, SHOAL_ENGINE_ERROR,
                  SHOAL_ENGINE_ERROR_DUPLICATE);
  turn (fixture, add ("magnet:?xt=urn:btih:12", FALSE));
  g_assert_nonnull (last_event (fixture, SHOAL_EVENT_REPLY)->error);
}

/* The port at the gateway is the one that is announced; on the way out it is given back. */
static void
test_mapping (Fixture      *fixture,
              gconstpointer data)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_CONFIG);
  ShoalConfig config;
  const ShoalFetch *fetch;
  ShoalSnapshot *snapshot;

  g_assert_false (fixture->fake->map);
  shoal_config_init (&config);
  config.portmap = TRUE;
  command->config = g_memdup2 (&config, sizeof config);
  turn (fixture, command);
  g_assert_true (fixture->fake->map);

  shoal_engine_begin (fixture->engine, fixture->now_us, 1700000000);
  shoal_engine_network (fixture->engine,
                        &(ShoalNetworkState){ .tcp_port = 6881, .udp_port = 6881 });
  shoal_engine_mapped (fixture->engine, &(ShoalMapping){ .state = SHOAL_MAP_DONE,
                                                         .method = SHOAL_MAP_METHOD_PCP,
                                                         .tcp_port = 7777,
                                                         .udp_port = 7777,
                                                         .address = "203.0.113.5" });
  shoal_engine_end (fixture->engine);

  shoal_engine_begin (fixture->engine, fixture->now_us, 1700000000);
  shoal_engine_command (fixture->engine, add (MAGNET "&tr=http://10.0.0.1/announce", FALSE));
  shoal_engine_command (fixture->engine, shoal_command_new (SHOAL_COMMAND_SUBSCRIBE));
  shoal_engine_end (fixture->engine);
  for (guint i = 0; i < 10 && fixture->fake->fetches->len == 0; i++)
    {
      fixture->now_us += G_USEC_PER_SEC;
      shoal_engine_begin (fixture->engine, fixture->now_us, 1700000000);
      shoal_engine_end (fixture->engine);
    }
  snapshot = last_event (fixture, SHOAL_EVENT_SNAPSHOT)->snapshot;
  g_assert_cmpuint (snapshot->port, ==, 6881);
  g_assert_cmpuint (snapshot->mapping.tcp_port, ==, 7777);
  g_assert_cmpstr (snapshot->mapping.address, ==, "203.0.113.5");

  g_assert_cmpuint (fixture->fake->fetches->len, ==, 1);
  fetch = g_ptr_array_index (fixture->fake->fetches, 0);
  g_test_message ("%s", fetch->url);
  g_assert_nonnull (strstr (fetch->url, "&port=7777&"));

  turn (fixture, shoal_command_new (SHOAL_COMMAND_QUIT));
  g_assert_false (fixture->fake->map);
}

static void
test_snapshots (Fixture      *fixture,
                gconstpointer data)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_SUBSCRIBE);
  ShoalSnapshot *snapshot;

  turn (fixture, add (MAGNET, TRUE));
  command->interval_ms = 500;
  turn (fixture, command);
  snapshot = last_event (fixture, SHOAL_EVENT_SNAPSHOT)->snapshot;
  g_assert_cmpuint (snapshot->n_torrents, ==, 1);
  g_assert_cmpstr (snapshot->torrents[0].name, ==, "name");
  g_assert_cmpint (snapshot->torrents[0].state, ==, SHOAL_TORRENT_PAUSED);

  /* Not before the last one was acknowledged, and nothing when nothing changed. */
  g_ptr_array_set_size (fixture->fake->events, 0);
  command = shoal_command_new (SHOAL_COMMAND_START);
  command->id = 1;
  turn (fixture, command);
  fixture->now_us += 2 * G_USEC_PER_SEC;
  turn (fixture, NULL);
  g_assert_null (last_event (fixture, SHOAL_EVENT_SNAPSHOT));
  turn (fixture, shoal_command_new (SHOAL_COMMAND_ACKNOWLEDGE));
  turn (fixture, NULL);
  snapshot = last_event (fixture, SHOAL_EVENT_SNAPSHOT)->snapshot;
  g_assert_cmpint (snapshot->torrents[0].state, ==, SHOAL_TORRENT_METADATA);
}

static void
test_remove (Fixture      *fixture,
             gconstpointer data)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_REMOVE);

  turn (fixture, add (MAGNET, FALSE));
  command->id = 1;
  command->serial = 9;
  turn (fixture, command);
  g_assert_cmpuint (last_event (fixture, SHOAL_EVENT_REPLY)->serial, ==, 9);
  g_assert_nonnull (last_event (fixture, SHOAL_EVENT_REMOVED));
  command = shoal_command_new (SHOAL_COMMAND_PAUSE);
  command->id = 1;
  command->serial = 10;
  turn (fixture, command);
  g_assert_error (last_event (fixture, SHOAL_EVENT_REPLY)->error, SHOAL_ENGINE_ERROR,
                  SHOAL_ENGINE_ERROR_NO_TORRENT);

  /* The same torrent may come again at once. */
  turn (fixture, add (MAGNET, FALSE));
  g_assert_no_error (last_event (fixture, SHOAL_EVENT_REPLY)->error);
  g_assert_cmpuint (last_event (fixture, SHOAL_EVENT_REPLY)->id, ==, 2);
}

static void
test_quit (Fixture      *fixture,
           gconstpointer data)
{
  turn (fixture, add (MAGNET, FALSE));
  turn (fixture, shoal_command_new (SHOAL_COMMAND_QUIT));
  g_assert_nonnull (last_event (fixture, SHOAL_EVENT_QUIT));
}

static void
test_idle_sleeps (Fixture      *fixture,
                  gconstpointer data)
{
  gint64 next_us;

  turn (fixture, add (MAGNET, TRUE));
  fixture->now_us += G_USEC_PER_SEC;
  turn (fixture, NULL);
  shoal_engine_begin (fixture->engine, fixture->now_us + G_USEC_PER_SEC, 1700000002);
  next_us = shoal_engine_end (fixture->engine);
  g_assert_cmpint (next_us, ==, SHOAL_NEVER);
}

static gsize
memory_in_use (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

/* One that has nothing to do takes next to nothing. */
static void
test_idle_is_small (void)
{
  enum { N = 32 };
  FakeHost *hosts[N];
  ShoalEngine *engines[N];
  ShoalConfig config;
  gsize before;

  shoal_config_init (&config);
  for (guint i = 0; i < N; i++)
    hosts[i] = fake_host_new (i);
  before = memory_in_use ();
  for (guint i = 0; i < N; i++)
    {
      engines[i] = shoal_engine_new (&hosts[i]->host, &config);
      shoal_engine_begin (engines[i], G_USEC_PER_SEC, 1700000000);
      shoal_engine_end (engines[i]);
    }
  g_test_message ("an idle engine takes %zu bytes", (memory_in_use () - before) / N);
  g_assert_cmpuint ((memory_in_use () - before) / N, <, 64 * 1024);
  for (guint i = 0; i < N; i++)
    {
      fake_host_end_all (hosts[i], G_USEC_PER_SEC);
      shoal_engine_free (engines[i]);
      fake_host_free (hosts[i]);
    }
}

/* What the config says of the network is what the host is told; what the host says of it is told
 * on. */
static void
test_network (Fixture      *fixture,
              gconstpointer data)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_CONFIG);
  ShoalConfig *config = g_new0 (ShoalConfig, 1);

  shoal_config_init (config);
  g_strlcpy (config->bind, "tun0", sizeof config->bind);
  g_strlcpy (config->dns, "192.0.2.53", sizeof config->dns);
  g_strlcpy (config->proxy, "socks5://192.0.2.1:1080", sizeof config->proxy);
  config->proxy_all = TRUE;
  command->config = config;
  g_assert_cmpstr (fixture->fake->network.bind, ==, "");
  turn (fixture, command);
  g_assert_cmpstr (fixture->fake->network.bind, ==, "tun0");
  g_assert_cmpstr (fixture->fake->network.dns, ==, "192.0.2.53");
  g_assert_cmpstr (fixture->fake->network.proxy, ==, "socks5://192.0.2.1:1080");
  g_assert_true (fixture->fake->network.proxy_all);

  turn (fixture, add (MAGNET, FALSE));
  shoal_engine_begin (fixture->engine, fixture->now_us, 1700000000);
  shoal_engine_network (fixture->engine, &(ShoalNetworkState){
                                           .down = TRUE, .error = (char *) "tun0 is not there" });
  shoal_engine_end (fixture->engine);
  g_assert_cmpstr (last_event (fixture, SHOAL_EVENT_LISTENING)->error->message, ==,
                   "tun0 is not there");
  shoal_engine_begin (fixture->engine, fixture->now_us, 1700000000);
  shoal_engine_network (fixture->engine, &(ShoalNetworkState){ .tcp_port = 7, .moved = TRUE });
  shoal_engine_end (fixture->engine);
  g_assert_cmpuint (last_event (fixture, SHOAL_EVENT_LISTENING)->count, ==, 7);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/engine/add", Fixture, NULL, set_up, test_add, tear_down);
  g_test_add ("/engine/mapping", Fixture, NULL, set_up, test_mapping, tear_down);
  g_test_add ("/engine/snapshots", Fixture, NULL, set_up, test_snapshots, tear_down);
  g_test_add ("/engine/remove", Fixture, NULL, set_up, test_remove, tear_down);
  g_test_add ("/engine/network", Fixture, NULL, set_up, test_network, tear_down);
  g_test_add ("/engine/quit", Fixture, NULL, set_up, test_quit, tear_down);
  g_test_add_func ("/engine/idle-is-small", test_idle_is_small);
  g_test_add ("/engine/idle-sleeps", Fixture, NULL, set_up, test_idle_sleeps, tear_down);

  return g_test_run ();
}
