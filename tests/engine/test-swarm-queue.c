/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Torrents beyond the limit of active downloads wait, oldest first. */

#include "fake-host.h"
#include "shoal-engine.h"
#include "shoal-test.h"

static ShoalTorrentState states[16];

static void
turn (FakeHost     *fake,
      ShoalEngine  *engine,
      ShoalCommand *command)
{
  shoal_engine_begin (engine, G_USEC_PER_SEC, 1700000000);
  shoal_engine_command (engine, command);
  fake_host_end_all (fake, G_USEC_PER_SEC);
  while (fake->jobs->len > 0)
    {
      ShoalDiskJob *job = g_ptr_array_steal_index (fake->jobs, 0);

      shoal_engine_done (engine, &job->done);
    }
  shoal_engine_end (engine);
  for (guint i = 0; i < fake->events->len; i++)
    {
      ShoalEvent *event = g_ptr_array_index (fake->events, i);

      if (event->type == SHOAL_EVENT_STATE)
        states[event->id] = event->state;
    }
  g_ptr_array_set_size (fake->events, 0);
}

static void
test_limit (void)
{
  g_autoptr(FakeHost) fake = fake_host_new (shoal_test_seed ());
  ShoalConfig config;
  ShoalEngine *engine;
  ShoalCommand *command;

  shoal_config_init (&config);
  config.max_active_downloads = 2;
  engine = shoal_engine_new (&fake->host, &config);
  for (guint i = 1; i <= 4; i++)
    {
      command = shoal_command_new (SHOAL_COMMAND_ADD);
      command->add = shoal_add_options_new ();
      command->add->dir = g_strdup ("/");
      command->add->uri = g_strdup_printf ("magnet:?xt=urn:btih:%040x", i);
      turn (fake, engine, command);
    }
  g_assert_cmpint (states[1], ==, SHOAL_TORRENT_METADATA);
  g_assert_cmpint (states[2], ==, SHOAL_TORRENT_METADATA);
  g_assert_cmpint (states[3], ==, SHOAL_TORRENT_QUEUED);
  g_assert_cmpint (states[4], ==, SHOAL_TORRENT_QUEUED);

  command = shoal_command_new (SHOAL_COMMAND_PAUSE);
  command->id = 1;
  turn (fake, engine, command);
  g_assert_cmpint (states[1], ==, SHOAL_TORRENT_PAUSED);
  g_assert_cmpint (states[3], ==, SHOAL_TORRENT_METADATA);
  g_assert_cmpint (states[4], ==, SHOAL_TORRENT_QUEUED);

  config.max_active_downloads = 1;
  command = shoal_command_new (SHOAL_COMMAND_CONFIG);
  command->config = g_memdup2 (&config, sizeof config);
  turn (fake, engine, command);
  g_assert_cmpint (states[2], ==, SHOAL_TORRENT_METADATA);
  g_assert_cmpint (states[3], ==, SHOAL_TORRENT_QUEUED);

  turn (fake, engine, shoal_command_new (SHOAL_COMMAND_QUIT));
  shoal_engine_free (engine);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/swarm-queue/limit", test_limit);

  return g_test_run ();
}
