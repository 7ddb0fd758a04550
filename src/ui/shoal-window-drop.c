/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is dropped on the window or pasted into it: torrent files and links. */

#include "shoal-window-private.h"

#include <glib/gi18n-lib.h>

#include "shoal-link-text.h"

static void
add_text (ShoalWindow *self,
          const char  *text)
{
  g_auto(GStrv) links = shoal_link_text_find (text);

  if (links[0] != NULL)
    shoal_window_add_links (self, links);
  else
    shoal_window_toast (self, _("There is no link to a torrent in this text"));
}

static gboolean
drop_cb (GtkDropTarget *target,
         const GValue  *value,
         double         x,
         double         y,
         gpointer       user_data)
{
  ShoalWindow *self = SHOAL_WINDOW (user_data);

  if (self->session == NULL)
    return FALSE;

  if (G_VALUE_HOLDS (value, GDK_TYPE_FILE_LIST))
    shoal_window_add_file_list (self, g_value_get_boxed (value));
  else if (G_VALUE_HOLDS_STRING (value))
    add_text (self, g_value_get_string (value));
  else
    return FALSE;

  return TRUE;
}

static void
current_drop_cb (ShoalWindow   *self,
                 GParamSpec    *pspec,
                 GtkDropTarget *target)
{
  g_autoptr(GdkDrop) drop = NULL;

  g_object_get (target, "current-drop", &drop, NULL);
  gtk_widget_set_visible (self->drop_hint, drop != NULL && self->session != NULL);
}

void
shoal_window_init_drop (ShoalWindow *self)
{
  GtkDropTarget *target = gtk_drop_target_new (G_TYPE_INVALID, GDK_ACTION_COPY | GDK_ACTION_LINK);
  GType types[] = { GDK_TYPE_FILE_LIST, G_TYPE_STRING };

  gtk_drop_target_set_gtypes (target, types, G_N_ELEMENTS (types));
  g_signal_connect_object (target, "drop", G_CALLBACK (drop_cb), self, 0);
  g_signal_connect_object (target, "notify::current-drop", G_CALLBACK (current_drop_cb), self,
                           G_CONNECT_SWAPPED);
  gtk_widget_add_controller (GTK_WIDGET (self->content), GTK_EVENT_CONTROLLER (target));
}

static void
pasted_files_cb (GObject      *source,
                 GAsyncResult *result,
                 gpointer      user_data)
{
  g_autoptr(ShoalWindow) self = user_data;
  g_autoptr(GError) error = NULL;
  const GValue *value = gdk_clipboard_read_value_finish (GDK_CLIPBOARD (source), result, &error);

  if (value != NULL)
    shoal_window_add_file_list (self, g_value_get_boxed (value));
  else
    shoal_window_toast (self, _("The clipboard cannot be read"));
}

static void
pasted_text_cb (GObject      *source,
                GAsyncResult *result,
                gpointer      user_data)
{
  g_autoptr(ShoalWindow) self = user_data;
  g_autofree char *text = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (source), result, NULL);

  add_text (self, text);
}

static void
paste_action (GtkWidget  *widget,
              const char *action_name,
              GVariant   *parameter)
{
  GdkClipboard *clipboard = gtk_widget_get_clipboard (widget);
  GdkContentFormats *formats = gdk_clipboard_get_formats (clipboard);

  if (gdk_content_formats_contain_gtype (formats, GDK_TYPE_FILE_LIST)
      || gdk_content_formats_contain_mime_type (formats, "text/uri-list"))
    gdk_clipboard_read_value_async (clipboard, GDK_TYPE_FILE_LIST, G_PRIORITY_DEFAULT, NULL,
                                    pasted_files_cb, g_object_ref (widget));
  else
    gdk_clipboard_read_text_async (clipboard, NULL, pasted_text_cb, g_object_ref (widget));
}

void
shoal_window_install_paste (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "win.paste", NULL, paste_action);
  /* On the window and not as the program's: a text field in it pastes for itself. */
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_v, GDK_CONTROL_MASK, "win.paste",
                                       NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Insert, GDK_SHIFT_MASK, "win.paste",
                                       NULL);
}
