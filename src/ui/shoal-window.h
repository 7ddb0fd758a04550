/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window: the list of torrents, and every way to add to it. */

#pragma once

#include <adwaita.h>

#include "shoal-session.h"

G_BEGIN_DECLS

#define SHOAL_TYPE_WINDOW (shoal_window_get_type ())
G_DECLARE_FINAL_TYPE (ShoalWindow, shoal_window, SHOAL, WINDOW, AdwApplicationWindow)

ShoalWindow *shoal_window_new          (GtkApplication *application);   /* (nullable) */
/**
 * shoal_window_set_session:
 * @session: (nullable): what to show; %NULL while there is none
 */
void         shoal_window_set_session  (ShoalWindow *self, ShoalSession *session);
/* Instead of a session: @text says why there is none. */
void         shoal_window_show_failure (ShoalWindow *self, const char *text);
/* Torrent files, and magnet and http links as files of these schemes. Toasts tell how it went. */
void         shoal_window_add_files    (ShoalWindow *self, GFile **files, guint n_files);

G_END_DECLS
