/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program: one instance, one session, one window. */

/* The session starts with the first window and ends after it: closing hides the window at once, the
 * engine says goodbye to trackers and peers and saves, and then the window is destroyed, which ends
 * the program. What another start of the program asks for in that time waits, and is done by a new
 * session. */

#include "shoal-application.h"

#include <glib-unix.h>
#include <glib/gi18n-lib.h>

#include "shoal-error-text.h"
#include "shoal-session.h"
#include "shoal-ui-resources.h"
#include "shoal-window.h"

struct _ShoalApplication
{
  AdwApplication    parent_instance;

  ShoalPreferences *preferences;
  ShoalSession     *session;      /* (nullable): while it runs, and while it ends */
  ShoalWindow      *window;       /* (nullable) (weak) */
  GPtrArray        *waiting;      /* GFiles that came while the session ended */
  gboolean          quitting;
  gboolean          again;        /* show a window after the end */
  guint             signal_sources[3];
};

G_DEFINE_FINAL_TYPE (ShoalApplication, shoal_application, ADW_TYPE_APPLICATION)

static void show (ShoalApplication *self);

static ShoalPreferences *
make_preferences (void)
{
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr(GSettingsSchema) schema = NULL;
  g_autoptr(GSettings) settings = NULL;

  if (source != NULL)
    schema = g_settings_schema_source_lookup (source, SHOAL_SCHEMA_ID, TRUE);
  if (schema != NULL)
    settings = g_settings_new_full (schema, NULL, NULL);
  else
    g_message ("The settings schema %s is not installed: preferences are not kept",
               SHOAL_SCHEMA_ID);

  return shoal_preferences_new (settings);
}

static void
start_session (ShoalApplication *self)
{
  g_autofree char *state_dir = shoal_session_default_state_dir ();
  g_autofree char *text = NULL;
  g_autoptr(GError) error = NULL;

  if (self->preferences == NULL)
    self->preferences = make_preferences ();

  self->session = shoal_session_new (state_dir, self->preferences, &error);
  if (self->session == NULL)
    {
      text = shoal_error_text (error);
      shoal_window_show_failure (self->window, text);
      return;
    }

  shoal_window_set_session (self->window, self->session);
}

static void
session_ended_cb (GObject      *source,
                  GAsyncResult *result,
                  gpointer      user_data)
{
  g_autoptr(ShoalApplication) self = user_data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) files = NULL;

  if (!shoal_session_quit_finish (SHOAL_SESSION (source), result, &error))
    g_message ("The session did not end in order: %s", error->message);

  self->quitting = FALSE;
  g_clear_object (&self->session);

  if (self->again)
    {
      self->again = FALSE;
      files = g_steal_pointer (&self->waiting);
      self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
      show (self);
      if (files->len > 0)
        shoal_window_add_files (self->window, (GFile **) files->pdata, files->len);
    }
  else if (self->window != NULL)
    gtk_window_destroy (GTK_WINDOW (self->window));
}

static void
quit (ShoalApplication *self)
{
  GList *windows = gtk_application_get_windows (GTK_APPLICATION (self));

  if (self->quitting)
    return;

  if (self->session == NULL)
    {
      g_application_quit (G_APPLICATION (self));
      return;
    }

  self->quitting = TRUE;
  for (GList *l = windows; l != NULL; l = l->next)
    gtk_widget_set_visible (GTK_WIDGET (l->data), FALSE);
  if (self->window != NULL)
    shoal_window_set_session (self->window, NULL);
  shoal_session_quit_async (self->session, session_ended_cb, g_object_ref (self));
}

static gboolean
close_request_cb (ShoalApplication *self)
{
  if (self->session == NULL)
    return GDK_EVENT_PROPAGATE;

  quit (self);

  return GDK_EVENT_STOP;
}

static void
show (ShoalApplication *self)
{
  if (self->window == NULL)
    {
      g_set_weak_pointer (&self->window, shoal_window_new (GTK_APPLICATION (self)));
      gtk_window_set_icon_name (GTK_WINDOW (self->window), SHOAL_ICON_NAME);
      g_signal_connect_object (self->window, "close-request", G_CALLBACK (close_request_cb), self,
                               G_CONNECT_SWAPPED);
    }

  if (self->session == NULL)
    start_session (self);

  gtk_window_present (GTK_WINDOW (self->window));
}

static void
shoal_application_activate (GApplication *application)
{
  ShoalApplication *self = SHOAL_APPLICATION (application);

  if (self->quitting)
    self->again = TRUE;
  else
    show (self);
}

static void
shoal_application_open (GApplication *application,
                        GFile       **files,
                        int           n_files,
                        const char   *hint)
{
  ShoalApplication *self = SHOAL_APPLICATION (application);

  if (self->quitting)
    {
      self->again = TRUE;
      for (int i = 0; i < n_files; i++)
        g_ptr_array_add (self->waiting, g_object_ref (files[i]));
      return;
    }

  show (self);
  shoal_window_add_files (self->window, files, n_files);
}

static void
quit_action (GSimpleAction *action,
             GVariant      *parameter,
             gpointer       user_data)
{
  quit (SHOAL_APPLICATION (user_data));
}

static void
retry_action (GSimpleAction *action,
              GVariant      *parameter,
              gpointer       user_data)
{
  ShoalApplication *self = SHOAL_APPLICATION (user_data);

  if (!self->quitting)
    show (self);
}

static gboolean
signal_cb (gpointer user_data)
{
  quit (SHOAL_APPLICATION (user_data));

  return G_SOURCE_CONTINUE;
}

static void
shoal_application_startup (GApplication *application)
{
  static const GActionEntry actions[] = {
    { "quit", quit_action },
    { "retry", retry_action },
  };
  static const struct
  {
    const char *action;
    const char *accels[3];
  } keys[] = {
    { "app.quit", { "<Control>q" } },
    { "window.close", { "<Control>w" } },
    { "win.add-file", { "<Control>o" } },
    { "win.add-link", { "<Control>l" } },
    { "win.preferences", { "<Control>comma" } },
  };
  static const int signals[] = { SIGHUP, SIGINT, SIGTERM };
  ShoalApplication *self = SHOAL_APPLICATION (application);

  G_APPLICATION_CLASS (shoal_application_parent_class)->startup (application);

  g_set_application_name ("Shoal");
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (self), keys[i].action, keys[i].accels);
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    self->signal_sources[i] = g_unix_signal_add (signals[i], signal_cb, self);
}

static void
shoal_application_shutdown (GApplication *application)
{
  ShoalApplication *self = SHOAL_APPLICATION (application);

  for (guint i = 0; i < G_N_ELEMENTS (self->signal_sources); i++)
    g_clear_handle_id (&self->signal_sources[i], g_source_remove);

  G_APPLICATION_CLASS (shoal_application_parent_class)->shutdown (application);
}

static int
shoal_application_handle_local_options (GApplication *application,
                                        GVariantDict *options)
{
  if (g_variant_dict_contains (options, "version"))
    {
      g_print ("shoal %s\n", SHOAL_VERSION);
      return 0;
    }

  return G_APPLICATION_CLASS (shoal_application_parent_class)
    ->handle_local_options (application, options);
}

static void
shoal_application_dispose (GObject *object)
{
  ShoalApplication *self = SHOAL_APPLICATION (object);

  g_clear_weak_pointer (&self->window);
  g_clear_object (&self->session);
  g_clear_object (&self->preferences);
  g_clear_pointer (&self->waiting, g_ptr_array_unref);

  G_OBJECT_CLASS (shoal_application_parent_class)->dispose (object);
}

static void
shoal_application_class_init (ShoalApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = shoal_application_dispose;
  application_class->activate = shoal_application_activate;
  application_class->open = shoal_application_open;
  application_class->startup = shoal_application_startup;
  application_class->shutdown = shoal_application_shutdown;
  application_class->handle_local_options = shoal_application_handle_local_options;
}

static void
shoal_application_init (ShoalApplication *self)
{
  static const GOptionEntry options[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_("Print the version and exit"), NULL },
    { NULL },
  };

  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  g_application_add_main_option_entries (G_APPLICATION (self), options);
  g_application_set_option_context_parameter_string (G_APPLICATION (self), _("[FILE|LINK…]"));
}

void
shoal_application_register_resources (void)
{
  /* In a static library the linker drops what registers itself. */
  g_resources_register (shoal_ui_get_resource ());
}

ShoalApplication *
shoal_application_new (void)
{
  shoal_application_register_resources ();

  return g_object_new (SHOAL_TYPE_APPLICATION,
                       "application-id", SHOAL_APP_ID,
                       "flags", G_APPLICATION_HANDLES_OPEN,
                       "resource-base-path", "/io/github/shoalbt/Shoal",
                       NULL);
}
