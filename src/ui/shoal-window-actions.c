/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the window can do with a torrent, and its other windows. */

/* An action on a torrent takes the torrent's id, so that a button, a menu and a key mean the same
 * torrent however the list changes meanwhile; an id that is gone is nothing to do. */

#include "shoal-window-private.h"

#include <glib/gi18n-lib.h>

#include "shoal-preferences-window.h"
#include "shoal-remove-dialog.h"
#include "shoal-torrent-row.h"

static ShoalTorrent *
lookup (ShoalWindow *self,
        guint64      id)
{
  return self->session != NULL
           ? shoal_torrent_list_lookup (shoal_session_get_torrents (self->session), id)
           : NULL;
}

static void
start_action (GtkWidget  *widget,
              const char *action_name,
              GVariant   *parameter)
{
  ShoalWindow *self = SHOAL_WINDOW (widget);

  if (self->session != NULL)
    shoal_session_start (self->session, g_variant_get_uint64 (parameter));
}

static void
pause_action (GtkWidget  *widget,
              const char *action_name,
              GVariant   *parameter)
{
  ShoalWindow *self = SHOAL_WINDOW (widget);

  if (self->session != NULL)
    shoal_session_pause (self->session, g_variant_get_uint64 (parameter));
}

static void
toggle_action (GtkWidget  *widget,
               const char *action_name,
               GVariant   *parameter)
{
  ShoalTorrent *torrent = lookup (SHOAL_WINDOW (widget), g_variant_get_uint64 (parameter));

  if (torrent == NULL)
    return;

  if (shoal_torrent_get_running (torrent))
    pause_action (widget, action_name, parameter);
  else
    start_action (widget, action_name, parameter);
}

static void
verify_action (GtkWidget  *widget,
               const char *action_name,
               GVariant   *parameter)
{
  ShoalWindow *self = SHOAL_WINDOW (widget);

  if (self->session != NULL)
    shoal_session_recheck (self->session, g_variant_get_uint64 (parameter));
}

static void
magnet_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  g_autoptr(ShoalWindow) self = user_data;
  g_autoptr(GError) error = NULL;
  g_autofree char *magnet = shoal_session_get_magnet_finish (SHOAL_SESSION (source), result,
                                                             &error);

  if (magnet == NULL)
    {
      shoal_window_toast_error (self, error);
      return;
    }

  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), magnet);
  shoal_window_toast (self, _("Magnet link copied"));
}

static void
copy_magnet_action (GtkWidget  *widget,
                    const char *action_name,
                    GVariant   *parameter)
{
  ShoalWindow *self = SHOAL_WINDOW (widget);

  if (self->session != NULL)
    shoal_session_get_magnet_async (self->session, g_variant_get_uint64 (parameter), NULL,
                                    magnet_cb, g_object_ref (self));
}

static void
uri_shown_cb (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  ShoalWindow *self = SHOAL_WINDOW (source);
  g_autoptr(GError) error = NULL;

  if (!gtk_show_uri_full_finish (GTK_WINDOW (self), result, &error))
    shoal_window_toast (self, _("The folder cannot be opened"));
}

typedef struct
{
  ShoalWindow *window;    /* (owned) */
  char        *folder;    /* URI */
} ShoalShowItem;

static void
item_shown_cb (GObject      *source,
               GAsyncResult *result,
               gpointer      user_data)
{
  ShoalShowItem *item = user_data;
  g_autoptr(GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result,
                                                             NULL);

  /* Not every desktop has a file manager that can select a file. */
  if (reply == NULL && item->window->toasts != NULL)
    gtk_show_uri_full (GTK_WINDOW (item->window), item->folder, GDK_CURRENT_TIME, NULL,
                       uri_shown_cb, NULL);

  g_object_unref (item->window);
  g_free (item->folder);
  g_free (item);
}

static void
open_folder_action (GtkWidget  *widget,
                    const char *action_name,
                    GVariant   *parameter)
{
  ShoalWindow *self = SHOAL_WINDOW (widget);
  ShoalTorrent *torrent = lookup (self, g_variant_get_uint64 (parameter));
  GApplication *application = G_APPLICATION (gtk_window_get_application (GTK_WINDOW (self)));
  GDBusConnection *bus = application != NULL ? g_application_get_dbus_connection (application)
                                             : NULL;
  g_autoptr(GFile) folder = NULL;
  g_autoptr(GFile) file = NULL;
  g_autofree char *file_uri = NULL;
  g_autofree char *folder_uri = NULL;
  const char *uris[2] = { NULL, NULL };
  ShoalShowItem *item;

  if (torrent == NULL)
    return;

  folder = g_file_new_for_path (shoal_torrent_get_dir (torrent));
  file = g_file_get_child (folder, shoal_torrent_get_name (torrent));
  folder_uri = g_file_get_uri (folder);
  file_uri = g_file_get_uri (file);

  if (bus == NULL)
    {
      gtk_show_uri_full (GTK_WINDOW (self), folder_uri, GDK_CURRENT_TIME, NULL, uri_shown_cb, NULL);
      return;
    }

  uris[0] = file_uri;
  item = g_new0 (ShoalShowItem, 1);
  item->window = g_object_ref (self);
  item->folder = g_steal_pointer (&folder_uri);
  g_dbus_connection_call (bus, "org.freedesktop.FileManager1", "/org/freedesktop/FileManager1",
                          "org.freedesktop.FileManager1", "ShowItems",
                          g_variant_new ("(^ass)", uris, ""), NULL, G_DBUS_CALL_FLAGS_NONE, -1,
                          NULL, item_shown_cb, item);
}

static void
removed_cb (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr(ShoalWindow) self = user_data;
  g_autoptr(GError) error = NULL;

  if (shoal_session_remove_finish (SHOAL_SESSION (source), result, &error))
    shoal_window_toast (self, _("Torrent removed"));
  else
    shoal_window_toast_error (self, error);
}

static void
remove_response_cb (ShoalWindow       *self,
                    const char        *response,
                    ShoalRemoveDialog *dialog)
{
  ShoalRemoveMode mode = g_str_equal (response, "trash") ? SHOAL_REMOVE_TRASH_DATA
                                                         : SHOAL_REMOVE_KEEP_DATA;

  if (self->session != NULL && !g_str_equal (response, "cancel"))
    shoal_session_remove_async (self->session, shoal_remove_dialog_get_id (dialog), mode, NULL,
                                removed_cb, g_object_ref (self));
}

static void
remove_action (GtkWidget  *widget,
               const char *action_name,
               GVariant   *parameter)
{
  ShoalTorrent *torrent = lookup (SHOAL_WINDOW (widget), g_variant_get_uint64 (parameter));
  ShoalRemoveDialog *dialog;

  if (torrent == NULL)
    return;

  dialog = shoal_remove_dialog_new (GTK_WINDOW (widget), torrent);
  g_signal_connect_object (dialog, "response", G_CALLBACK (remove_response_cb), widget,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
preferences_action (GtkWidget  *widget,
                    const char *action_name,
                    GVariant   *parameter)
{
  ShoalWindow *self = SHOAL_WINDOW (widget);

  if (self->session != NULL)
    gtk_window_present (GTK_WINDOW (shoal_preferences_window_new (GTK_WINDOW (self),
                                                                  self->session)));
}

static void
about_action (GtkWidget  *widget,
              const char *action_name,
              GVariant   *parameter)
{
  adw_show_about_window (GTK_WINDOW (widget),
                         "application-name", "Shoal",
                         "application-icon", SHOAL_ICON_NAME,
                         "version", SHOAL_VERSION,
                         "developer-name", _("The Shoal contributors"),
                         "copyright", _("© 2026 The Shoal contributors"),
                         "comments", _("Download and share files over BitTorrent"),
                         "website", "https://github.com/shoalbt/Shoal",
                         "issue-url", "https://github.com/shoalbt/Shoal/issues",
                         "license-type", GTK_LICENSE_GPL_3_0,
                         /* Translators: your names, one a line */
                         "translator-credits", _("translator-credits"),
                         NULL);
}

/* The torrent that a key means: of the row with the focus, else the selected one. */
static ShoalTorrent *
get_current (ShoalWindow *self,
             gboolean    *on_item)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));
  GtkWidget *row = focus != NULL ? gtk_widget_get_ancestor (focus, SHOAL_TYPE_TORRENT_ROW) : NULL;

  *on_item = row == NULL && focus != NULL
             && gtk_widget_is_ancestor (focus, GTK_WIDGET (self->list));
  if (row == NULL && focus != NULL)
    row = gtk_widget_get_first_child (focus);
  if (row != NULL && SHOAL_IS_TORRENT_ROW (row))
    return shoal_torrent_row_get_torrent (SHOAL_TORRENT_ROW (row));

  return gtk_single_selection_get_selected_item (self->selection);
}

static gboolean
show_current_menu (ShoalWindow *self)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));
  GtkWidget *row = focus != NULL ? gtk_widget_get_ancestor (focus, SHOAL_TYPE_TORRENT_ROW) : NULL;

  if (row == NULL && focus != NULL)
    row = gtk_widget_get_first_child (focus);

  return row != NULL && SHOAL_IS_TORRENT_ROW (row)
         && gtk_widget_activate_action (row, "torrent.menu", NULL);
}

static gboolean
key_pressed_cb (GtkEventControllerKey *controller,
                guint                  keyval,
                guint                  keycode,
                GdkModifierType        state,
                gpointer               user_data)
{
  ShoalWindow *self = SHOAL_WINDOW (user_data);
  GdkModifierType modifiers = state & gtk_accelerator_get_default_mod_mask ();
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));
  gboolean on_item;
  ShoalTorrent *torrent = get_current (self, &on_item);
  const char *action = NULL;

  /* An open menu has its own. */
  if (focus != NULL && gtk_widget_get_native (focus) != GTK_NATIVE (self))
    return GDK_EVENT_PROPAGATE;

  if (keyval == GDK_KEY_Menu || (keyval == GDK_KEY_F10 && modifiers == GDK_SHIFT_MASK))
    return show_current_menu (self);

  if (modifiers == 0 && (keyval == GDK_KEY_Delete || keyval == GDK_KEY_KP_Delete))
    action = "win.remove";
  else if (modifiers == 0 && (keyval == GDK_KEY_space || keyval == GDK_KEY_KP_Space) && on_item)
    action = "win.toggle";
  else if (modifiers == GDK_CONTROL_MASK && (keyval == GDK_KEY_c || keyval == GDK_KEY_Insert))
    action = "win.copy-magnet";

  if (action == NULL || torrent == NULL)
    return GDK_EVENT_PROPAGATE;

  gtk_widget_activate_action (GTK_WIDGET (self), action, "t", shoal_torrent_get_id (torrent));

  return GDK_EVENT_STOP;
}

void
shoal_window_init_keys (ShoalWindow *self)
{
  GtkEventController *keys = gtk_event_controller_key_new ();

  /* Before the list, which takes the space bar for selecting; of the window, since the focus rests
   * on the header bar at first. */
  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  gtk_event_controller_set_name (keys, "torrent-keys");
  g_signal_connect_object (keys, "key-pressed", G_CALLBACK (key_pressed_cb), self, 0);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
}

void
shoal_window_update_actions (ShoalWindow *self)
{
  static const char *const of_session[] = { "win.add-file", "win.add-link", "win.paste",
                                            "win.preferences" };

  for (guint i = 0; i < G_N_ELEMENTS (of_session); i++)
    gtk_widget_action_set_enabled (GTK_WIDGET (self), of_session[i], self->session != NULL);
}

void
shoal_window_install_actions (GtkWidgetClass *widget_class)
{
  static const struct
  {
    const char                 *name;
    GtkWidgetActionActivateFunc activate;
  } of_torrent[] = {
    { "win.start", start_action },
    { "win.pause", pause_action },
    { "win.toggle", toggle_action },
    { "win.verify", verify_action },
    { "win.copy-magnet", copy_magnet_action },
    { "win.open-folder", open_folder_action },
    { "win.remove", remove_action },
  };

  for (guint i = 0; i < G_N_ELEMENTS (of_torrent); i++)
    gtk_widget_class_install_action (widget_class, of_torrent[i].name, "t", of_torrent[i].activate);

  gtk_widget_class_install_action (widget_class, "win.preferences", NULL, preferences_action);
  gtk_widget_class_install_action (widget_class, "win.about", NULL, about_action);
}
