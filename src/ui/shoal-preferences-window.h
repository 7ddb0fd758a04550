/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window with what the user chooses for the whole session. */

#pragma once

#include <adwaita.h>

#include "shoal-session.h"

G_BEGIN_DECLS

#define SHOAL_TYPE_PREFERENCES_WINDOW (shoal_preferences_window_get_type ())
G_DECLARE_FINAL_TYPE (ShoalPreferencesWindow, shoal_preferences_window, SHOAL, PREFERENCES_WINDOW,
                      AdwPreferencesWindow)

ShoalPreferencesWindow *shoal_preferences_window_new (GtkWindow *parent, ShoalSession *session);

G_END_DECLS
