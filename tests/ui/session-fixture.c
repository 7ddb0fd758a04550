/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session without an engine, whose two mailboxes the test holds. */

#include "session-fixture.h"

#include <adwaita.h>

#include "shoal-application.h"
#include "shoal-session-private.h"

#define HASH       "0123456789abcdef0123456789abcdef01234567"
#define MAX_TURNS  10000

void
session_fixture_init_test (int    *argc,
                           char ***argv)
{
  gtk_test_init (argc, argv, NULL);
  adw_init ();
  shoal_application_register_resources ();
}

static void
inject (ShoalSession *session,
        ShoalEvent   *event)
{
  shoal_runtime_inject (shoal_session_get_runtime (session), event);
}

ShoalSession *
session_fixture_new (void)
{
  ShoalSession *session = shoal_session_new_detached (NULL);

  inject (session, shoal_event_new (SHOAL_EVENT_READY));

  return session;
}

void
session_fixture_show (ShoalSession     *session,
                      guint64           id,
                      const char       *name,
                      ShoalTorrentState state)
{
  session_fixture_show_counted (session, id, name, state, 0, -1, -1);
}

void
session_fixture_show_counted (ShoalSession     *session,
                              guint64           id,
                              const char       *name,
                              ShoalTorrentState state,
                              guint             n_seeds,
                              gint64            seeds,
                              gint64            leechers)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_SNAPSHOT);
  ShoalTorrentStats *stats;

  event->snapshot = shoal_snapshot_new (0, 1, 0);
  stats = &event->snapshot->torrents[0];
  stats->id = id;
  stats->name = g_strdup (name);
  stats->dir = g_strdup ("/data");
  stats->hash = g_strdup (HASH);
  stats->state = state;
  stats->reason = state == SHOAL_TORRENT_FAILED ? SHOAL_REASON_DISK_FULL : SHOAL_REASON_NONE;
  stats->has_metadata = state != SHOAL_TORRENT_METADATA;
  stats->complete = state == SHOAL_TORRENT_SEEDING;
  stats->total_size = 1000;
  stats->wanted_size = 1000;
  stats->wanted_had = stats->complete ? 1000 : 250;
  stats->eta_s = SHOAL_ETA_UNKNOWN;
  stats->n_seeds = n_seeds;
  stats->tracker_seeds = seeds;
  stats->tracker_leechers = leechers;
  stats->tracker_completed = seeds;
  if (state == SHOAL_TORRENT_DOWNLOADING)
    {
      stats->n_links = 2;
      stats->n_sending = 1;
      stats->rate_down = 1000;
    }

  inject (session, event);
}

void
session_fixture_forget (ShoalSession *session,
                        guint64       id)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_SNAPSHOT);

  event->snapshot = shoal_snapshot_new (0, 0, 1);
  event->snapshot->removed[0] = id;
  inject (session, event);
}

ShoalCommand *
session_fixture_take (ShoalSession    *session,
                      ShoalCommandType type)
{
  ShoalRuntime *runtime = shoal_session_get_runtime (session);
  ShoalCommand *command;

  while ((command = shoal_runtime_next_command (runtime)) != NULL)
    {
      if (command->type == type)
        return command;
      shoal_command_free (command);
    }

  return NULL;
}

void
session_fixture_reply (ShoalSession *session,
                       guint64       serial,
                       guint64       id,
                       GError       *error)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_REPLY);

  event->serial = serial;
  event->id = id;
  event->error = error;
  inject (session, event);
}

void
session_fixture_info (ShoalSession *session,
                      guint64       serial,
                      guint64       id,
                      const char   *magnet)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_INFO);

  event->serial = serial;
  event->id = id;
  event->info = shoal_torrent_info_new ();
  event->info->magnet = g_strdup (magnet);
  inject (session, event);
}

void
session_fixture_settle (void)
{
  for (guint i = 0; i < MAX_TURNS && g_main_context_iteration (NULL, FALSE); i++)
    ;
}

gpointer
session_fixture_find (gpointer    widget,
                      GType       type,
                      const char *id)
{
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      gpointer found;

      if (G_TYPE_CHECK_INSTANCE_TYPE (child, type)
          && (id == NULL
              || g_strcmp0 (gtk_buildable_get_buildable_id (GTK_BUILDABLE (child)), id) == 0))
        return child;

      found = session_fixture_find (child, type, id);
      if (found != NULL)
        return found;
    }

  return NULL;
}
