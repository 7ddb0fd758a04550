/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the window share. */

#pragma once

#include "shoal-window.h"

G_BEGIN_DECLS

struct _ShoalWindow
{
  AdwApplicationWindow  parent_instance;

  AdwToastOverlay      *toasts;
  AdwWindowTitle       *title;
  GtkStack             *pages;
  GtkSpinner           *spinner;
  AdwStatusPage        *failed_page;
  GtkOverlay           *content;
  GtkListView          *list;
  GtkSingleSelection   *selection;
  GtkWidget            *drop_hint;

  ShoalSession         *session;      /* (nullable) */
  GSignalGroup         *signals;      /* of the session */
  GSignalGroup         *list_signals; /* of its torrents */
  guint64               reveal_id;    /* torrent to select once it is in the list; 0: none */
  GtkFileChooserNative *chooser;      /* (nullable): while it is open */
};

/* Plain text; nothing happens once the window is closed. */
void          shoal_window_toast          (ShoalWindow *self, const char *text);
void          shoal_window_toast_error    (ShoalWindow *self, const GError *error);
/* Selects the torrent and scrolls to it, now or when it appears. */
void          shoal_window_reveal         (ShoalWindow *self, guint64 id);

void          shoal_window_add_links      (ShoalWindow *self, char **links);
void          shoal_window_add_file_list  (ShoalWindow *self, GSList *files);

void          shoal_window_install_actions     (GtkWidgetClass *widget_class);
void          shoal_window_update_actions      (ShoalWindow *self);
void          shoal_window_install_add_actions (GtkWidgetClass *widget_class);
void          shoal_window_install_paste       (GtkWidgetClass *widget_class);
void          shoal_window_init_drop           (ShoalWindow *self);
void          shoal_window_init_keys           (ShoalWindow *self);

G_END_DECLS
