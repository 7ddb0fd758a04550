/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shoal-cli serve: runs what a state folder holds, without a window. */

#include "shoal-cli-commands.h"

#include <glib-unix.h>
#include <stdio.h>
#include <unistd.h>
#include "shoal-cli-options.h"
#include "shoal-session.h"

typedef struct
{
  GMainLoop    *loop;
  ShoalSession *session;
  ShoalExit     exit;
  gboolean      quitting;
} Serve;

static void
loaded_cb (Serve *self,
           guint  n)
{
  printf ("ready %u torrents\n", n);
  fflush (stdout);
}

static void
quit_cb (GObject      *object,
         GAsyncResult *result,
         gpointer      user_data)
{
  Serve *self = user_data;

  shoal_session_quit_finish (SHOAL_SESSION (object), result, NULL);
  g_main_loop_quit (self->loop);
}

static gboolean
take_signal (Serve    *self,
             ShoalExit exit)
{
  if (self->quitting)
    _exit (exit);

  self->quitting = TRUE;
  self->exit = exit;
  shoal_session_quit_async (self->session, quit_cb, self);
  return G_SOURCE_CONTINUE;
}

static gboolean
interrupt_cb (gpointer user_data)
{
  return take_signal (user_data, SHOAL_EXIT_INTERRUPT);
}

static gboolean
terminate_cb (gpointer user_data)
{
  return take_signal (user_data, SHOAL_EXIT_TERMINATE);
}

ShoalExit
shoal_cli_serve (int    argc,
                 char **argv)
{
  g_auto(ShoalCliSession) options = { NULL };
  g_autofree GOptionEntry *session_entries = NULL;
  g_auto(GStrv) rest = NULL;
  const GOptionEntry entries[] = {
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &rest, NULL, NULL },
    { NULL },
  };
  g_autoptr(ShoalPreferences) preferences = NULL;
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(GError) error = NULL;
  Serve self = { .loop = loop, .exit = SHOAL_EXIT_DONE };

  shoal_cli_session_init (&options);
  session_entries = shoal_cli_session_entries (&options);
  if (!shoal_cli_parse (argc, argv, "--state DIR",
                        "Runs every torrent that is kept in a state "
                        "folder, until SIGINT or SIGTERM.",
                        entries, session_entries))
    return SHOAL_EXIT_WRONG;
  if (options.state == NULL || rest != NULL)
    {
      shoal_cli_complain ("serve",
                          rest != NULL ? "it takes options only" : "--state DIR is needed");
      return SHOAL_EXIT_WRONG;
    }
  preferences = shoal_cli_session_preferences (&options);
  if (preferences == NULL)
    return SHOAL_EXIT_WRONG;

  self.session = shoal_session_new (options.state, preferences, &error);
  if (self.session == NULL)
    {
      shoal_cli_fail (options.state, error);
      return SHOAL_EXIT_FAILED;
    }

  /* Nobody looks: without snapshots an idle session does nothing at all. */
  shoal_session_set_watched (self.session, FALSE);
  g_signal_connect_swapped (self.session, "loaded", G_CALLBACK (loaded_cb), &self);
  g_unix_signal_add (SIGINT, interrupt_cb, &self);
  g_unix_signal_add (SIGTERM, terminate_cb, &self);
  g_main_loop_run (loop);
  g_object_unref (self.session);
  return self.exit;
}
