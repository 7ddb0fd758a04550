/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a torrent goes on: limits for seeding, and downloads to which nothing comes. */

#include "shoal-swarm-private.h"

static gboolean
is_past_limits (const ShoalSwarm *self)
{
  const ShoalConfig *config = &self->engine->config;

  if (config->seed_ratio > 0 && self->total_size > 0
      && self->uploaded >= (guint64) (config->seed_ratio * self->total_size))
    return TRUE;

  return config->seed_minutes > 0 && self->seeding_s >= (gint64) config->seed_minutes * 60;
}

void
shoal_swarm_waive_limits (ShoalSwarm *self)
{
  if (!is_past_limits (self))
    return;
  self->waived = TRUE;
  self->waived_ratio = self->engine->config.seed_ratio;
  self->waived_minutes = self->engine->config.seed_minutes;
}

void
shoal_swarm_apply_limits (ShoalSwarm *self)
{
  const ShoalConfig *config = &self->engine->config;

  self->seeding_s++;
  if (!is_past_limits (self))
    return;
  if (self->waived && self->waived_ratio == config->seed_ratio
      && self->waived_minutes == config->seed_minutes)
    return;
  self->waived = FALSE;
  shoal_swarm_enter (self, SHOAL_TORRENT_PAUSED);
}

void
shoal_swarm_notice_stall (ShoalSwarm *self)
{
  gint64 now_us = shoal_swarm_now (self);
  gboolean stalled;

  if (self->moving_us == 0 || shoal_rate_get (&self->rate_down, now_us) > 0)
    self->moving_us = now_us;
  stalled = now_us - self->moving_us >= SHOAL_STALL_US;
  if (stalled == self->stalled)
    return;
  self->stalled = stalled;
  self->engine->queue_changed = TRUE;
}
