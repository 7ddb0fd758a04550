/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits and policy of a session as one plain struct. */

#include "shoal-config.h"

#define RATE_MIN      1024u                                 /* bytes a second: below it a limit
                                                             * starves every request */
#define RATE_MAX      (G_GUINT64_CONSTANT (1) << 40)
#define LINKS_MIN     2u
#define LINKS_MAX     10000u
#define HALF_OPEN_MAX 1000u
#define DIALS_MAX     1000u
#define SLOTS_MIN     1u
#define SLOTS_MAX     500u
#define ARENA_MIN     ((gsize) 8 << 20)                     /* eight runs of 1 MiB finish any
                                                             * torrent */
#define ARENA_MAX     ((gsize) 1 << 30)
#define RATIO_MAX     1000000.0
#define MINUTES_MAX   (100u * 366 * 24 * 60)

void
shoal_config_init (ShoalConfig *self)
{
  g_return_if_fail (self != NULL);

  *self = (ShoalConfig){
    .use_tcp = TRUE,
    .use_utp = TRUE,
    .use_trackers = TRUE,
    .use_lsd = TRUE,
    .use_pex = TRUE,
    .encryption = SHOAL_ENCRYPTION_PREFER,
    .max_links = 500,
    .max_links_torrent = 55,
    .max_links_starved = 80,
    .max_dialled = 40,
    .dial_below = 30,
    .max_half_open = 60,
    .dials_per_second = 20,
    .upload_slots = 4,
    .arena_size = (gsize) 48 << 20,
    .part_suffix = TRUE,
  };
}

static gboolean
clamp_count (guint *value,
             guint  low,
             guint  high)
{
  guint before = *value;

  *value = CLAMP (before, low, high);

  return *value != before;
}

static gboolean
clamp_rate (guint64 *value)
{
  guint64 before = *value;

  if (before != 0)
    *value = CLAMP (before, RATE_MIN, RATE_MAX);

  return *value != before;
}

static gboolean
clamp_flag (gboolean *value)
{
  gboolean before = *value;

  *value = before != FALSE;

  return *value != before;
}

gboolean
shoal_config_clamp (ShoalConfig *self)
{
  gboolean changed = FALSE;
  gsize arena;

  g_return_val_if_fail (self != NULL, FALSE);

  changed |= clamp_flag (&self->use_tcp);
  changed |= clamp_flag (&self->use_utp);
  changed |= clamp_flag (&self->tcp_bbr);
  changed |= clamp_flag (&self->use_trackers);
  self->filter_source[SHOAL_SOURCE_MAX - 1] = '\0';
  changed |= clamp_flag (&self->use_lsd);
  changed |= clamp_flag (&self->use_pex);
  changed |= clamp_flag (&self->use_dht);
  changed |= clamp_flag (&self->dht_read_only);
  changed |= clamp_flag (&self->portmap);
  changed |= clamp_flag (&self->part_suffix);
  changed |= clamp_flag (&self->proxy_all);

  if ((guint) self->encryption > SHOAL_ENCRYPTION_REQUIRE)
    {
      self->encryption = SHOAL_ENCRYPTION_PREFER;
      changed = TRUE;
    }

  changed |= clamp_rate (&self->limit_down);
  changed |= clamp_rate (&self->limit_up);

  changed |= clamp_count (&self->max_links, LINKS_MIN, LINKS_MAX);
  changed |= clamp_count (&self->max_links_torrent, LINKS_MIN, self->max_links);
  changed |= clamp_count (&self->max_links_starved, self->max_links_torrent, self->max_links);
  changed |= clamp_count (&self->max_dialled, 1, self->max_links_starved);
  changed |= clamp_count (&self->dial_below, 1, self->max_links_starved);
  changed |= clamp_count (&self->max_half_open, 1, HALF_OPEN_MAX);
  changed |= clamp_count (&self->dials_per_second, 1, DIALS_MAX);
  changed |= clamp_count (&self->upload_slots, SLOTS_MIN, SLOTS_MAX);
  changed |= clamp_count (&self->max_active_downloads, 0, LINKS_MAX);
  changed |= clamp_count (&self->seed_minutes, 0, MINUTES_MAX);

  arena = CLAMP (self->arena_size, ARENA_MIN, ARENA_MAX);
  changed |= arena != self->arena_size;
  self->arena_size = arena;

  if (!(self->seed_ratio >= 0) || self->seed_ratio > RATIO_MAX)
    {
      self->seed_ratio = self->seed_ratio > RATIO_MAX ? RATIO_MAX : 0;
      changed = TRUE;
    }

  return changed;
}
