/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preferences as the engine takes them; for the session and tests. */

#pragma once

#include "shoal-config.h"
#include "shoal-preferences.h"

G_BEGIN_DECLS

void shoal_preferences_get_config (ShoalPreferences *self, ShoalConfig *config);

G_END_DECLS
