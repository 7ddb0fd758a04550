/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session between two mailboxes that the test holds. */

#include "shoal-session-private.h"

#include "shoal-error.h"
#include "shoal-test.h"

typedef struct
{
  ShoalSession     *session;
  ShoalRuntime     *runtime;
  ShoalPreferences *preferences;
  GString          *log;
  guint             n_done;
  gboolean          ok;
  guint64           id;
  char             *text;
  GError           *error;
} Fixture;

static void
assert_command (Fixture          *fixture,
                ShoalCommandType  type,
                guint64           id)
{
  g_autoptr(ShoalCommand) command = shoal_runtime_next_command (fixture->runtime);

  g_assert_nonnull (command);
  g_assert_cmpint (command->type, ==, type);
  g_assert_cmpuint (command->id, ==, id);
}

static void
assert_no_command (Fixture *fixture)
{
  g_assert_null (shoal_runtime_next_command (fixture->runtime));
}

static void
note_cb (GObject    *object,
         GParamSpec *spec,
         Fixture    *fixture)
{
  g_string_append_printf (fixture->log, "%s%s", fixture->log->len > 0 ? " " : "", spec->name);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  fixture->preferences = shoal_preferences_new (NULL);
  g_object_set (fixture->preferences, "download-dir", "/downloads", NULL);
  fixture->session = shoal_session_new_detached (fixture->preferences);
  fixture->runtime = shoal_session_get_runtime (fixture->session);
  fixture->log = g_string_new (NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_command (fixture, SHOAL_COMMAND_SUBSCRIBE, 0);
  assert_command (fixture, SHOAL_COMMAND_CONFIG, 0);
  assert_no_command (fixture);
  g_signal_connect (fixture->session, "notify", G_CALLBACK (note_cb), fixture);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  g_assert_finalize_object (fixture->session);
  g_assert_finalize_object (fixture->preferences);
  g_string_free (fixture->log, TRUE);
  g_free (fixture->text);
  g_clear_error (&fixture->error);
}

static void
added_cb (GObject      *object,
          GAsyncResult *result,
          gpointer      user_data)
{
  Fixture *fixture = user_data;

  g_clear_error (&fixture->error);
  fixture->ok = shoal_session_add_finish (SHOAL_SESSION (object), result, &fixture->id,
                                          &fixture->error);
  fixture->n_done++;
}

static void
removed_cb (GObject      *object,
            GAsyncResult *result,
            gpointer      user_data)
{
  Fixture *fixture = user_data;

  g_clear_error (&fixture->error);
  fixture->ok = shoal_session_remove_finish (SHOAL_SESSION (object), result, &fixture->error);
  fixture->n_done++;
}

static void
magnet_cb (GObject      *object,
           GAsyncResult *result,
           gpointer      user_data)
{
  Fixture *fixture = user_data;

  fixture->text = shoal_session_get_magnet_finish (SHOAL_SESSION (object), result, &fixture->error);
  fixture->n_done++;
}

static void
quit_cb (GObject      *object,
         GAsyncResult *result,
         gpointer      user_data)
{
  Fixture *fixture = user_data;

  fixture->ok = shoal_session_quit_finish (SHOAL_SESSION (object), result, NULL);
  fixture->n_done++;
}

static void
wait_done (Fixture *fixture,
           guint    n)
{
  while (fixture->n_done < n)
    g_main_context_iteration (NULL, TRUE);
}

static void
reply (Fixture *fixture,
       guint64  serial,
       guint64  id,
       GError  *error)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_REPLY);

  event->serial = serial;
  event->id = id;
  event->error = error;
  shoal_runtime_inject (fixture->runtime, event);
}

static void
test_add_uri (Fixture       *fixture,
              gconstpointer  data)
{
  const char *peers[] = { "localhost:1", NULL };
  const ShoalAddParams params = { .select = "0,2", .peers = peers, .paused = TRUE };
  g_autoptr(ShoalCommand) command = NULL;

  shoal_session_add_uri_async (fixture->session, "magnet:?xt=1", &params, NULL, added_cb, fixture);
  command = shoal_runtime_next_command (fixture->runtime);
  g_assert_cmpint (command->type, ==, SHOAL_COMMAND_ADD);
  g_assert_cmpuint (command->serial, !=, 0);
  g_assert_cmpstr (command->add->uri, ==, "magnet:?xt=1");
  g_assert_cmpstr (command->add->dir, ==, "/downloads");
  g_assert_cmpstr (command->add->select, ==, "0,2");
  g_assert_cmpstr (command->add->peers[0], ==, "localhost:1");
  g_assert_true (command->add->paused);
  g_assert_cmpuint (fixture->n_done, ==, 0);

  /* An answer to something else changes nothing. */
  reply (fixture, command->serial + 1, 3, NULL);
  reply (fixture, 0, 3, NULL);
  reply (fixture, command->serial, 5, NULL);
  wait_done (fixture, 1);
  g_assert_true (fixture->ok);
  g_assert_cmpuint (fixture->id, ==, 5);
}

static void
test_add_duplicate (Fixture       *fixture,
                    gconstpointer  data)
{
  g_autoptr(GBytes) bytes = g_bytes_new ("de", 2);
  g_autoptr(ShoalCommand) command = NULL;
  const ShoalAddParams params = { .dir = "/elsewhere" };

  shoal_session_add_bytes_async (fixture->session, bytes, &params, NULL, added_cb, fixture);
  command = shoal_runtime_next_command (fixture->runtime);
  g_assert_true (g_bytes_equal (command->add->metainfo, bytes));
  g_assert_cmpstr (command->add->dir, ==, "/elsewhere");
  reply (fixture, command->serial, 9,
         g_error_new_literal (SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_DUPLICATE, "there"));
  wait_done (fixture, 1);
  g_assert_false (fixture->ok);
  g_assert_error (fixture->error, SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_DUPLICATE);
  g_assert_cmpuint (fixture->id, ==, 9);
}

static void
test_add_file (Fixture       *fixture,
               gconstpointer  data)
{
  g_autofree char *dir = shoal_test_temp_dir ();
  g_autofree char *path = g_build_filename (dir, "a.torrent", NULL);
  g_autofree char *uri = g_filename_to_uri (path, NULL, NULL);
  g_autoptr(GFile) file = g_file_new_for_path (path);
  g_autoptr(ShoalCommand) command = NULL;
  g_autoptr(ShoalCommand) second = NULL;

  shoal_session_add_file_async (fixture->session, file, NULL, NULL, added_cb, fixture);
  wait_done (fixture, 1);
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  assert_no_command (fixture);

  g_assert_true (g_file_set_contents (path, "d4:infode", -1, NULL));
  shoal_session_add_file_async (fixture->session, file, NULL, NULL, added_cb, fixture);
  while ((command = shoal_runtime_next_command (fixture->runtime)) == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (g_bytes_get_size (command->add->metainfo), ==, 9);
  reply (fixture, command->serial, 1, NULL);
  wait_done (fixture, 2);

  shoal_session_add_uri_async (fixture->session, uri, NULL, NULL, added_cb, fixture);
  while ((second = shoal_runtime_next_command (fixture->runtime)) == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (g_bytes_get_size (second->add->metainfo), ==, 9);
  reply (fixture, second->serial, 2, NULL);
  wait_done (fixture, 3);
  shoal_test_remove_temp_dir (dir);
}

static void
test_commands (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr(ShoalCommand) command = NULL;
  ShoalConfig *config;

  shoal_session_start (fixture->session, 1);
  shoal_session_pause (fixture->session, 2);
  shoal_session_recheck (fixture->session, 3);
  shoal_session_announce (fixture->session, 4);
  shoal_session_add_peer (fixture->session, 5, "host:1");
  shoal_session_set_watched (fixture->session, TRUE);
  shoal_session_set_watched (fixture->session, FALSE);
  assert_command (fixture, SHOAL_COMMAND_START, 1);
  assert_command (fixture, SHOAL_COMMAND_PAUSE, 2);
  assert_command (fixture, SHOAL_COMMAND_RECHECK, 3);
  assert_command (fixture, SHOAL_COMMAND_ANNOUNCE, 4);
  assert_command (fixture, SHOAL_COMMAND_ADD_PEER, 5);
  assert_command (fixture, SHOAL_COMMAND_UNSUBSCRIBE, 0);
  assert_no_command (fixture);

  g_object_set (fixture->preferences, "limit-down", 10u, "limit-up", 20u, NULL);
  assert_no_command (fixture);
  g_main_context_iteration (NULL, TRUE);
  command = shoal_runtime_next_command (fixture->runtime);
  g_assert_cmpint (command->type, ==, SHOAL_COMMAND_CONFIG);
  config = command->config;
  g_assert_cmpuint (config->limit_down, ==, 10240);
  g_assert_cmpuint (config->limit_up, ==, 20480);
  assert_no_command (fixture);
}

static void
test_remove (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr(ShoalCommand) command = NULL;

  shoal_session_remove_async (fixture->session, 4, SHOAL_REMOVE_TRASH_DATA, NULL, removed_cb,
                              fixture);
  command = shoal_runtime_next_command (fixture->runtime);
  g_assert_cmpint (command->type, ==, SHOAL_COMMAND_REMOVE);
  g_assert_cmpuint (command->id, ==, 4);
  g_assert_cmpint (command->remove_mode, ==, SHOAL_REMOVE_TRASH_DATA);
  reply (fixture, command->serial, 4, NULL);
  wait_done (fixture, 1);
  g_assert_true (fixture->ok);
}

static void
test_magnet (Fixture       *fixture,
             gconstpointer  data)
{
  g_autoptr(ShoalCommand) command = NULL;
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_INFO);

  shoal_session_get_magnet_async (fixture->session, 4, NULL, magnet_cb, fixture);
  command = shoal_runtime_next_command (fixture->runtime);
  g_assert_cmpint (command->type, ==, SHOAL_COMMAND_INFO);
  event->serial = command->serial;
  event->info = shoal_torrent_info_new ();
  event->info->magnet = g_strdup ("magnet:?x");
  shoal_runtime_inject (fixture->runtime, event);
  wait_done (fixture, 1);
  g_assert_cmpstr (fixture->text, ==, "magnet:?x");
}

static ShoalEvent *
snapshot_event (guint n_torrents)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_SNAPSHOT);

  event->snapshot = shoal_snapshot_new (0, n_torrents, 0);
  for (guint i = 0; i < n_torrents; i++)
    event->snapshot->torrents[i].id = i + 1;
  return event;
}

static void
merged_cb (ShoalSession *session,
           guint64       id,
           guint64       left,
           GString      *log)
{
  g_string_append_printf (log, "merged %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, id, left);
}

static void
test_snapshot (Fixture       *fixture,
               gconstpointer  data)
{
  ShoalEvent *event = snapshot_event (2);

  event->snapshot->rate_down = 5;
  event->snapshot->n_links = 3;
  shoal_runtime_inject (fixture->runtime, event);
  g_assert_cmpstr (fixture->log->str, ==, "n-torrents rate-down n-peers");
  g_assert_cmpuint (shoal_session_get_rate_down (fixture->session), ==, 5);
  g_assert_nonnull (shoal_torrent_list_lookup (shoal_session_get_torrents (fixture->session), 2));
  assert_command (fixture, SHOAL_COMMAND_ACKNOWLEDGE, 0);
  assert_no_command (fixture);

  g_string_truncate (fixture->log, 0);
  event = snapshot_event (2);
  event->snapshot->rate_down = 5;
  event->snapshot->n_links = 3;
  shoal_runtime_inject (fixture->runtime, event);
  g_assert_cmpstr (fixture->log->str, ==, "");
  assert_command (fixture, SHOAL_COMMAND_ACKNOWLEDGE, 0);

  /* One with another: the row goes at once. */
  g_signal_connect (fixture->session, "torrent-merged", G_CALLBACK (merged_cb), fixture->log);
  event = shoal_event_new (SHOAL_EVENT_MERGED);
  event->id = 1;
  event->other = 2;
  shoal_runtime_inject (fixture->runtime, event);
  g_assert_cmpstr (fixture->log->str, ==, "n-torrentsmerged 1 2");
  g_assert_null (shoal_torrent_list_lookup (shoal_session_get_torrents (fixture->session), 1));
  event = shoal_event_new (SHOAL_EVENT_REMOVED);
  event->id = 1;
  shoal_runtime_inject (fixture->runtime, event);
  g_assert_cmpstr (fixture->log->str, ==, "n-torrentsmerged 1 2");
  g_assert_null (shoal_torrent_list_lookup (shoal_session_get_torrents (fixture->session), 1));
}

/* Lists are asked for one torrent at a time, and come in a view of their own. */
static void
test_shown (Fixture       *fixture,
            gconstpointer  data)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_SNAPSHOT);
  GListModel *peers = G_LIST_MODEL (shoal_session_get_peers (fixture->session));
  GListModel *trackers = shoal_session_get_trackers (fixture->session);

  shoal_session_set_shown (fixture->session, 7);
  assert_command (fixture, SHOAL_COMMAND_SUBSCRIBE, 7);
  event->snapshot = shoal_snapshot_new (1, 0, 0);
  event->snapshot->id = 7;
  event->snapshot->n_peers = 2;
  event->snapshot->peers = g_new0 (ShoalPeerStats, 2);
  g_strlcpy (event->snapshot->peers[0].address, "10.0.0.1:1", SHOAL_PEER_ADDRESS_MAX);
  g_strlcpy (event->snapshot->peers[1].address, "10.0.0.2:1", SHOAL_PEER_ADDRESS_MAX);
  event->snapshot->n_trackers = 1;
  event->snapshot->trackers = g_new0 (ShoalTrackerStats, 1);
  event->snapshot->trackers[0].url = g_strdup ("http://a");
  shoal_runtime_inject (fixture->runtime, event);
  assert_command (fixture, SHOAL_COMMAND_ACKNOWLEDGE, 0);
  g_assert_cmpuint (g_list_model_get_n_items (peers), ==, 2);
  g_assert_cmpuint (g_list_model_get_n_items (trackers), ==, 1);

  /* Nobody looks: nothing is sent. */
  shoal_session_set_watched (fixture->session, FALSE);
  assert_command (fixture, SHOAL_COMMAND_UNSUBSCRIBE, 0);
  assert_command (fixture, SHOAL_COMMAND_UNSUBSCRIBE, 7);
  shoal_session_set_watched (fixture->session, TRUE);
  assert_command (fixture, SHOAL_COMMAND_SUBSCRIBE, 0);
  assert_command (fixture, SHOAL_COMMAND_SUBSCRIBE, 7);

  shoal_session_set_shown (fixture->session, 0);
  assert_command (fixture, SHOAL_COMMAND_UNSUBSCRIBE, 0);
  g_assert_cmpuint (g_list_model_get_n_items (peers), ==, 0);
  g_assert_cmpuint (g_list_model_get_n_items (trackers), ==, 0);
}

static void
test_mapping (Fixture       *fixture,
              gconstpointer  data)
{
  ShoalEvent *event = snapshot_event (0);

  g_assert_null (shoal_session_get_mapping_text (fixture->session));
  event->snapshot->mapping =
    (ShoalMapping){ .state = SHOAL_MAP_DONE, .method = SHOAL_MAP_METHOD_PCP, .tcp_port = 7 };
  shoal_runtime_inject (fixture->runtime, event);
  g_assert_cmpstr (fixture->log->str, ==, "mapping-text");
  g_assert_cmpstr (shoal_session_get_mapping_text (fixture->session), ==,
                   "The router has opened port 7 (PCP).");
  g_assert_cmpuint (shoal_session_get_mapping (fixture->session)->tcp_port, ==, 7);
  assert_command (fixture, SHOAL_COMMAND_ACKNOWLEDGE, 0);
}

static void
metadata_cb (ShoalSession *session,
             guint64       id,
             const char   *name,
             const char   *hash,
             GString      *log)
{
  g_string_append_printf (log, "metadata %" G_GUINT64_FORMAT " %s %s", id, name, hash);
}

static void
state_cb (ShoalSession *session,
          guint64       id,
          guint         state,
          guint         reason,
          const char   *detail,
          GString      *log)
{
  ShoalTorrent *torrent = shoal_torrent_list_lookup (shoal_session_get_torrents (session), id);

  g_assert_cmpuint (shoal_torrent_get_state (torrent), ==, state);
  g_string_append_printf (log, "state %u %u %s", state, reason, detail);
}

static void
id_cb (ShoalSession *session,
       guint64       id,
       GString      *log)
{
  g_string_append_printf (log, "id %" G_GUINT64_FORMAT, id);
}

static void
loaded_cb (ShoalSession *session,
           guint         n,
           GString      *log)
{
  g_string_append_printf (log, " loaded %u", n);
}

static void
test_signals (Fixture       *fixture,
              gconstpointer  data)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_METADATA);

  shoal_runtime_inject (fixture->runtime, snapshot_event (1));
  g_string_truncate (fixture->log, 0);
  g_signal_connect (fixture->session, "torrent-metadata", G_CALLBACK (metadata_cb), fixture->log);
  g_signal_connect (fixture->session, "torrent-state", G_CALLBACK (state_cb), fixture->log);
  g_signal_connect (fixture->session, "torrent-added", G_CALLBACK (id_cb), fixture->log);
  g_signal_connect (fixture->session, "torrent-complete", G_CALLBACK (id_cb), fixture->log);
  g_signal_connect (fixture->session, "loaded", G_CALLBACK (loaded_cb), fixture->log);

  event->id = 1;
  event->info = shoal_torrent_info_new ();
  event->info->name = g_strdup ("n");
  event->info->hash_v1 = g_strdup ("aa");
  shoal_runtime_inject (fixture->runtime, event);
  g_assert_cmpstr (fixture->log->str, ==, "metadata 1 n aa");

  g_string_truncate (fixture->log, 0);
  event = shoal_event_new (SHOAL_EVENT_STATE);
  event->id = 1;
  event->state = SHOAL_TORRENT_FAILED;
  event->reason = SHOAL_REASON_DISK_FULL;
  event->text = g_strdup ("f");
  shoal_runtime_inject (fixture->runtime, event);
  g_assert_cmpstr (fixture->log->str, ==, "state 6 1 f");

  g_string_truncate (fixture->log, 0);
  event = shoal_event_new (SHOAL_EVENT_COMPLETE);
  event->id = 8;
  shoal_runtime_inject (fixture->runtime, event);
  g_assert_cmpstr (fixture->log->str, ==, "id 8");

  g_string_truncate (fixture->log, 0);
  event = shoal_event_new (SHOAL_EVENT_READY);
  event->count = 2;
  shoal_runtime_inject (fixture->runtime, event);
  g_assert_cmpstr (fixture->log->str, ==, "ready loaded 2");
  g_assert_true (shoal_session_get_ready (fixture->session));
}

static void
test_listening (Fixture       *fixture,
                gconstpointer  data)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_LISTENING);

  event->count = 4000;
  shoal_runtime_inject (fixture->runtime, event);
  g_assert_cmpstr (fixture->log->str, ==, "port");
  g_assert_cmpuint (shoal_session_get_port (fixture->session), ==, 4000);

  g_string_truncate (fixture->log, 0);
  event = shoal_event_new (SHOAL_EVENT_LISTENING);
  event->error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE, "in use");
  shoal_runtime_inject (fixture->runtime, event);
  g_assert_cmpstr (fixture->log->str, ==, "port listening-error");
  g_assert_nonnull (shoal_session_get_listening_error (fixture->session));
}

static void
test_quit (Fixture       *fixture,
           gconstpointer  data)
{
  shoal_session_remove_async (fixture->session, 4, SHOAL_REMOVE_KEEP_DATA, NULL, removed_cb,
                              fixture);
  assert_command (fixture, SHOAL_COMMAND_REMOVE, 4);
  shoal_session_quit_async (fixture->session, quit_cb, fixture);
  assert_command (fixture, SHOAL_COMMAND_QUIT, 0);
  shoal_session_start (fixture->session, 1);
  assert_no_command (fixture);
  shoal_runtime_inject (fixture->runtime, shoal_event_new (SHOAL_EVENT_QUIT));
  wait_done (fixture, 2);
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_null (shoal_session_get_runtime (fixture->session));

  /* Nothing that comes afterwards waits for ever. */
  shoal_session_add_uri_async (fixture->session, "magnet:?", NULL, NULL, added_cb, fixture);
  wait_done (fixture, 3);
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_object_set (fixture->preferences, "port", 3u, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  shoal_session_quit_async (fixture->session, quit_cb, fixture);
  wait_done (fixture, 4);
  g_assert_true (fixture->ok);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/model/session/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("add-uri", test_add_uri);
  ADD ("add-duplicate", test_add_duplicate);
  ADD ("add-file", test_add_file);
  ADD ("commands", test_commands);
  ADD ("remove", test_remove);
  ADD ("magnet", test_magnet);
  ADD ("snapshot", test_snapshot);
  ADD ("shown", test_shown);
  ADD ("mapping", test_mapping);
  ADD ("signals", test_signals);
  ADD ("listening", test_listening);
  ADD ("quit", test_quit);
#undef ADD
  return g_test_run ();
}
