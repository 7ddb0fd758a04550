/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window: the list of torrents, and every way to add to it. */

/* This file holds what the window shows; shoal-window-add.c adds torrents, shoal-window-actions.c
 * acts on them, and shoal-window-drop.c takes what is dropped or pasted. The window owns no state
 * of torrents: the list is bound to the session's. A session may be absent: before the start, when
 * starting failed, and while quitting. */

#include "shoal-window-private.h"

#include <glib/gi18n-lib.h>

#include "shoal-error-text.h"
#include "shoal-format.h"
#include "shoal-torrent-row.h"

#define TOAST_SECONDS 4
#define TOAST_CHARS   30   /* fits the narrowest window */

G_DEFINE_FINAL_TYPE (ShoalWindow, shoal_window, ADW_TYPE_APPLICATION_WINDOW)

void
shoal_window_toast (ShoalWindow *self,
                    const char  *text)
{
  GtkWidget *label;
  AdwToast *toast;

  if (self->toasts == NULL)
    return;

  /* The toast's own title is cut after one line; an error is a sentence or two. */
  label = gtk_label_new (text);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (GTK_LABEL (label), TOAST_CHARS);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_add_css_class (label, "heading");

  toast = adw_toast_new ("");
  adw_toast_set_custom_title (toast, label);
  adw_toast_set_timeout (toast, TOAST_SECONDS);
  adw_toast_overlay_add_toast (self->toasts, toast);
}

void
shoal_window_toast_error (ShoalWindow  *self,
                          const GError *error)
{
  g_autofree char *text = shoal_error_text (error);

  shoal_window_toast (self, text);
}

static void
update_page (ShoalWindow *self)
{
  gboolean starting = self->session == NULL || !shoal_session_get_ready (self->session);
  const char *page;

  if (g_list_model_get_n_items (G_LIST_MODEL (self->selection)) > 0)
    page = "torrents";
  else if (starting)
    page = "starting";
  else
    page = "empty";

  gtk_stack_set_visible_child_name (self->pages, page);
  gtk_spinner_set_spinning (self->spinner, g_str_equal (page, "starting"));
}

static void
update_rates (ShoalWindow *self)
{
  guint64 down = self->session != NULL ? shoal_session_get_rate_down (self->session) : 0;
  guint64 up = self->session != NULL ? shoal_session_get_rate_up (self->session) : 0;
  g_autofree char *down_text = shoal_format_rate (down);
  g_autofree char *up_text = shoal_format_rate (up);
  g_autofree char *text = NULL;

  if (down > 0 && up > 0)
    /* Translators: rates of downloading and uploading */
    text = g_strdup_printf (_("↓ %s  ↑ %s"), down_text, up_text);
  else if (down > 0)
    /* Translators: rate of downloading */
    text = g_strdup_printf (_("↓ %s"), down_text);
  else if (up > 0)
    /* Translators: rate of uploading */
    text = g_strdup_printf (_("↑ %s"), up_text);

  adw_window_title_set_subtitle (self->title, text != NULL ? text : "");
}

static void
listening_error_cb (ShoalWindow *self)
{
  const char *error = shoal_session_get_listening_error (self->session);

  if (error != NULL)
    shoal_window_toast (self, error);
}

static void
torrent_complete_cb (ShoalWindow *self,
                     guint64      id)
{
  ShoalTorrent *torrent = shoal_torrent_list_lookup (shoal_session_get_torrents (self->session),
                                                     id);
  g_autofree char *text = NULL;

  if (torrent == NULL)
    return;

  /* Translators: %s is the name of a torrent */
  text = g_strdup_printf (_("“%s” is complete"), shoal_torrent_get_name (torrent));
  shoal_window_toast (self, text);
}

static void
reveal_pending (ShoalWindow *self)
{
  GListModel *model = G_LIST_MODEL (self->selection);
  guint n = g_list_model_get_n_items (model);

  /* New torrents are at the end. */
  for (guint i = n; self->reveal_id != 0 && i-- > 0;)
    {
      g_autoptr(ShoalTorrent) torrent = g_list_model_get_item (model, i);

      if (shoal_torrent_get_id (torrent) != self->reveal_id)
        continue;

      self->reveal_id = 0;
      gtk_single_selection_set_selected (self->selection, i);
      gtk_widget_activate_action (GTK_WIDGET (self->list), "list.scroll-to-item", "u", i);
    }
}

void
shoal_window_reveal (ShoalWindow *self,
                     guint64      id)
{
  self->reveal_id = id;
  reveal_pending (self);
}

static void
items_changed_cb (ShoalWindow *self)
{
  update_page (self);
  reveal_pending (self);
}

static void
row_activated_cb (GtkListView *list,
                  guint        position,
                  gpointer     user_data)
{
  ShoalWindow *self = SHOAL_WINDOW (user_data);
  g_autoptr(ShoalTorrent) torrent = g_list_model_get_item (G_LIST_MODEL (self->selection),
                                                           position);

  if (torrent != NULL)
    gtk_widget_activate_action (GTK_WIDGET (self), "win.open-folder", "t",
                                shoal_torrent_get_id (torrent));
}

/* Nobody sees a minimized window: no snapshots are made for it. */
static void
surface_state_cb (ShoalWindow *self)
{
  GdkSurface *surface = gtk_native_get_surface (GTK_NATIVE (self));
  gboolean minimized = GDK_IS_TOPLEVEL (surface)
                       && (gdk_toplevel_get_state (GDK_TOPLEVEL (surface))
                           & GDK_TOPLEVEL_STATE_MINIMIZED);

  if (self->session != NULL)
    shoal_session_set_watched (self->session, !minimized);
}

static void
shoal_window_realize (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (shoal_window_parent_class)->realize (widget);

  g_signal_connect_object (gtk_native_get_surface (GTK_NATIVE (widget)), "notify::state",
                           G_CALLBACK (surface_state_cb), widget, G_CONNECT_SWAPPED);
}

static void
shoal_window_dispose (GObject *object)
{
  ShoalWindow *self = SHOAL_WINDOW (object);

  if (self->chooser != NULL)
    gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
  g_clear_object (&self->chooser);
  g_clear_object (&self->signals);
  g_clear_object (&self->list_signals);
  g_clear_object (&self->session);
  gtk_widget_dispose_template (GTK_WIDGET (self), SHOAL_TYPE_WINDOW);

  G_OBJECT_CLASS (shoal_window_parent_class)->dispose (object);
}

static void
shoal_window_class_init (ShoalWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = shoal_window_dispose;
  widget_class->realize = shoal_window_realize;

  g_type_ensure (SHOAL_TYPE_TORRENT_ROW);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/shoalbt/Shoal/ui/shoal-window.ui");
  gtk_widget_class_bind_template_child (widget_class, ShoalWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, ShoalWindow, title);
  gtk_widget_class_bind_template_child (widget_class, ShoalWindow, pages);
  gtk_widget_class_bind_template_child (widget_class, ShoalWindow, spinner);
  gtk_widget_class_bind_template_child (widget_class, ShoalWindow, failed_page);
  gtk_widget_class_bind_template_child (widget_class, ShoalWindow, content);
  gtk_widget_class_bind_template_child (widget_class, ShoalWindow, list);
  gtk_widget_class_bind_template_child (widget_class, ShoalWindow, selection);
  gtk_widget_class_bind_template_child (widget_class, ShoalWindow, drop_hint);
  gtk_widget_class_bind_template_callback (widget_class, row_activated_cb);

  shoal_window_install_actions (widget_class);
  shoal_window_install_add_actions (widget_class);
  shoal_window_install_paste (widget_class);
}

static void
shoal_window_init (ShoalWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
#ifdef SHOAL_DEVEL
  gtk_widget_add_css_class (GTK_WIDGET (self), "devel");
#endif

  self->signals = g_signal_group_new (SHOAL_TYPE_SESSION);
  g_signal_group_connect_swapped (self->signals, "notify::ready", G_CALLBACK (update_page), self);
  g_signal_group_connect_swapped (self->signals, "notify::rate-down", G_CALLBACK (update_rates),
                                  self);
  g_signal_group_connect_swapped (self->signals, "notify::rate-up", G_CALLBACK (update_rates),
                                  self);
  g_signal_group_connect_swapped (self->signals, "notify::listening-error",
                                  G_CALLBACK (listening_error_cb), self);
  g_signal_group_connect_swapped (self->signals, "torrent-complete",
                                  G_CALLBACK (torrent_complete_cb), self);

  self->list_signals = g_signal_group_new (G_TYPE_LIST_MODEL);
  g_signal_group_connect_swapped (self->list_signals, "items-changed",
                                  G_CALLBACK (items_changed_cb), self);

  shoal_window_init_drop (self);
  shoal_window_init_keys (self);
  shoal_window_update_actions (self);
  update_page (self);
}

ShoalWindow *
shoal_window_new (GtkApplication *application)
{
  return g_object_new (SHOAL_TYPE_WINDOW, "application", application, NULL);
}

static void
bind_shape (ShoalWindow *self,
            GSettings   *settings)
{
  g_settings_bind (settings, "window-width", self, "default-width", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "window-height", self, "default-height", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "window-maximized", self, "maximized", G_SETTINGS_BIND_DEFAULT);
}

void
shoal_window_set_session (ShoalWindow  *self,
                          ShoalSession *session)
{
  GListModel *torrents = NULL;
  GSettings *settings;

  g_return_if_fail (SHOAL_IS_WINDOW (self));
  g_return_if_fail (session == NULL || SHOAL_IS_SESSION (session));

  if (!g_set_object (&self->session, session))
    return;

  if (session != NULL)
    {
      torrents = G_LIST_MODEL (shoal_session_get_torrents (session));
      settings = shoal_preferences_get_settings (shoal_session_get_preferences (session));
      if (settings != NULL)
        bind_shape (self, settings);
    }

  g_signal_group_set_target (self->signals, session);
  gtk_single_selection_set_model (self->selection, torrents);
  /* After the selection, whose items are looked at. */
  g_signal_group_set_target (self->list_signals,
                             torrents != NULL ? G_OBJECT (self->selection) : NULL);

  shoal_window_update_actions (self);
  update_page (self);
  update_rates (self);
}

void
shoal_window_show_failure (ShoalWindow *self,
                           const char  *text)
{
  g_autofree char *markup = NULL;

  g_return_if_fail (SHOAL_IS_WINDOW (self));
  g_return_if_fail (text != NULL);

  markup = g_markup_escape_text (text, -1);
  adw_status_page_set_description (self->failed_page, markup);
  gtk_stack_set_visible_child_name (self->pages, "failed");
  gtk_spinner_set_spinning (self->spinner, FALSE);
}
