/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's configuration: what the user prefers, and less for strangers while the machine has
 * to be sparing. */

#include "shoal-session-private.h"

#include "shoal-preferences-private.h"

struct _ShoalSessionConfig
{
  ShoalPreferences      *preferences;
  GNetworkMonitor       *network;
  GPowerProfileMonitor  *power;
  ShoalSessionConfigFunc changed;
  ShoalSession          *session;
  gboolean               sparing;
};

static gboolean
has_to_spare (const ShoalSessionConfig *self)
{
  return g_network_monitor_get_network_metered (self->network)
         || g_power_profile_monitor_get_power_saver_enabled (self->power);
}

/* Monitors tell of changes that are none, too. */
static void
look (ShoalSessionConfig *self)
{
  gboolean sparing = has_to_spare (self);

  if (sparing == self->sparing)
    return;
  self->sparing = sparing;
  self->changed (self->session);
}

ShoalSessionConfig *
shoal_session_config_new (ShoalPreferences       *preferences,
                          ShoalSessionConfigFunc  changed,
                          ShoalSession           *session)
{
  ShoalSessionConfig *self = g_new0 (ShoalSessionConfig, 1);

  self->preferences = g_object_ref (preferences);
  self->network = g_object_ref (g_network_monitor_get_default ());
  self->power = g_power_profile_monitor_dup_default ();
  self->changed = changed;
  self->session = session;
  g_signal_connect_swapped (self->preferences, "changed", G_CALLBACK (changed), session);
  g_signal_connect_swapped (self->network, "notify::network-metered", G_CALLBACK (look), self);
  g_signal_connect_swapped (self->power, "notify::power-saver-enabled", G_CALLBACK (look), self);
  self->sparing = has_to_spare (self);

  return self;
}

void
shoal_session_config_free (ShoalSessionConfig *self)
{
  g_signal_handlers_disconnect_by_func (self->preferences, self->changed, self->session);
  g_signal_handlers_disconnect_by_func (self->network, look, self);
  g_signal_handlers_disconnect_by_func (self->power, look, self);
  g_object_unref (self->preferences);
  g_object_unref (self->network);
  g_object_unref (self->power);
  g_free (self);
}

void
shoal_session_config_get (const ShoalSessionConfig *self,
                          ShoalConfig              *out)
{
  shoal_preferences_get_config (self->preferences, out);
  out->dht_read_only = self->sparing;
}
