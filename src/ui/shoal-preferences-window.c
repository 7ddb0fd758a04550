/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window with what the user chooses for the whole session. */

/* Every control is bound to a property of ShoalPreferences, which keeps the range, stores it and
 * tells the engine:
 * there is nothing to apply or to cancel. */

#include "shoal-preferences-window.h"

#include <glib/gi18n-lib.h>

struct _ShoalPreferencesWindow
{
  AdwPreferencesWindow parent_instance;

  AdwActionRow        *folder_row;
  AdwActionRow        *port_row;
  GtkSwitch           *part_suffix;
  GtkSwitch           *add_paused;
  GtkAdjustment       *limit_down_value;
  GtkAdjustment       *limit_up_value;
  GtkAdjustment       *port_value;

  ShoalPreferences    *preferences;
  GtkFileChooserNative *chooser;   /* while it is open */
};

G_DEFINE_FINAL_TYPE (ShoalPreferencesWindow, shoal_preferences_window, ADW_TYPE_PREFERENCES_WINDOW)

static void
update_folder (ShoalPreferencesWindow *self)
{
  g_autofree char *dir = shoal_preferences_dup_download_dir (self->preferences);
  g_autofree char *text = g_filename_display_name (dir);

  adw_action_row_set_subtitle (self->folder_row, text);
}

static void
update_port (ShoalPreferencesWindow *self,
             GParamSpec             *pspec,
             ShoalSession           *session)
{
  const char *error = shoal_session_get_listening_error (session);

  adw_action_row_set_subtitle (self->port_row,
                               error != NULL ? error : _("Where other peers reach this computer. 0 "
                                                         "is any free port."));
}

static void
folder_chosen_cb (ShoalPreferencesWindow *self,
                  int                     response)
{
  g_autoptr(GFile) folder = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    folder = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (self->chooser));

  if (folder != NULL && g_file_peek_path (folder) != NULL)
    g_object_set (self->preferences, "download-dir", g_file_peek_path (folder), NULL);
  else if (folder != NULL)
    adw_preferences_window_add_toast (ADW_PREFERENCES_WINDOW (self),
                                      adw_toast_new (_("This folder is not on this computer")));

  gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
  g_clear_object (&self->chooser);
}

static void
choose_folder_cb (ShoalPreferencesWindow *self)
{
  g_autofree char *dir = shoal_preferences_dup_download_dir (self->preferences);
  g_autoptr(GFile) folder = g_file_new_for_path (dir);

  if (self->chooser != NULL)
    return;

  self->chooser = gtk_file_chooser_native_new (_("Download Folder"), GTK_WINDOW (self),
                                               GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _("_Select"),
                                               NULL);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  gtk_file_chooser_set_file (GTK_FILE_CHOOSER (self->chooser), folder, NULL);
  g_signal_connect_object (self->chooser, "response", G_CALLBACK (folder_chosen_cb), self,
                           G_CONNECT_SWAPPED);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

static void
bind (ShoalPreferencesWindow *self,
      const char             *property,
      gpointer                target,
      const char             *target_property)
{
  g_object_bind_property (self->preferences, property, target, target_property,
                          G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
}

static void
shoal_preferences_window_dispose (GObject *object)
{
  ShoalPreferencesWindow *self = SHOAL_PREFERENCES_WINDOW (object);

  if (self->chooser != NULL)
    gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
  g_clear_object (&self->chooser);
  g_clear_object (&self->preferences);
  gtk_widget_dispose_template (GTK_WIDGET (self), SHOAL_TYPE_PREFERENCES_WINDOW);

  G_OBJECT_CLASS (shoal_preferences_window_parent_class)->dispose (object);
}

static void
shoal_preferences_window_class_init (ShoalPreferencesWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = shoal_preferences_window_dispose;

  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/shoalbt/Shoal/ui/"
                                                             "shoal-preferences-window.ui");
  gtk_widget_class_bind_template_child (widget_class, ShoalPreferencesWindow, folder_row);
  gtk_widget_class_bind_template_child (widget_class, ShoalPreferencesWindow, port_row);
  gtk_widget_class_bind_template_child (widget_class, ShoalPreferencesWindow, part_suffix);
  gtk_widget_class_bind_template_child (widget_class, ShoalPreferencesWindow, add_paused);
  gtk_widget_class_bind_template_child (widget_class, ShoalPreferencesWindow, limit_down_value);
  gtk_widget_class_bind_template_child (widget_class, ShoalPreferencesWindow, limit_up_value);
  gtk_widget_class_bind_template_child (widget_class, ShoalPreferencesWindow, port_value);
  gtk_widget_class_bind_template_callback (widget_class, choose_folder_cb);
}

static void
shoal_preferences_window_init (ShoalPreferencesWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

ShoalPreferencesWindow *
shoal_preferences_window_new (GtkWindow    *parent,
                              ShoalSession *session)
{
  ShoalPreferencesWindow *self = g_object_new (SHOAL_TYPE_PREFERENCES_WINDOW, "transient-for",
                                               parent, NULL);

  self->preferences = g_object_ref (shoal_session_get_preferences (session));

  bind (self, "part-suffix", self->part_suffix, "active");
  bind (self, "add-paused", self->add_paused, "active");
  bind (self, "limit-down", self->limit_down_value, "value");
  bind (self, "limit-up", self->limit_up_value, "value");
  bind (self, "port", self->port_value, "value");

  g_signal_connect_object (self->preferences, "notify::download-dir", G_CALLBACK (update_folder),
                           self, G_CONNECT_SWAPPED);
  update_folder (self);
  g_signal_connect_object (session, "notify::listening-error", G_CALLBACK (update_port), self,
                           G_CONNECT_SWAPPED);
  update_port (self, NULL, session);

  return self;
}
