/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots for those who look: at their pace, only what changed, none before the last was
 * digested. */

#include "shoal-link-private.h"

static gboolean
is_due_some_time (ShoalEngine *self,
                  ShoalView   *view)
{
  return view->used && view->acknowledged
         && (view->serial < self->serial || view->moving || shoal_engine_has_lists (self, view));
}

static void
add_stats (ShoalEngine   *self,
           ShoalSnapshot *snapshot,
           guint64        since)
{
  GHashTableIter iter;
  gpointer value;
  guint n = 0;

  g_hash_table_iter_init (&iter, self->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ShoalSwarm *swarm = value;

      if (swarm->serial > since && !swarm->removing)
        shoal_swarm_fill_stats (swarm, &snapshot->torrents[n++]);
    }
  snapshot->n_torrents = n;
}

static guint
count_changed (ShoalEngine *self,
               guint64      since)
{
  GHashTableIter iter;
  gpointer value;
  guint n = 0;

  g_hash_table_iter_init (&iter, self->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    n += ((ShoalSwarm *) value)->serial > since ? 1 : 0;

  return n;
}

static void
send_snapshot (ShoalEngine *self,
               guint        index)
{
  ShoalView *view = &self->views[index];
  ShoalSnapshot *snapshot;
  ShoalEvent *event;
  guint n_removed = 0;

  for (guint i = 0; i < self->tombstones->len; i++)
    n_removed += g_array_index (self->tombstones, ShoalTombstone, i).serial > view->serial ? 1 : 0;
  snapshot = shoal_snapshot_new (index,
                                 (view->mask & SHOAL_VIEW_STATS) != 0
                                   ? count_changed (self, view->serial)
                                   : 0,
                                 n_removed);
  if ((view->mask & SHOAL_VIEW_STATS) != 0)
    add_stats (self, snapshot, view->serial);
  shoal_engine_fill_lists (self, snapshot, view);
  for (guint i = 0, n = 0; i < self->tombstones->len; i++)
    {
      ShoalTombstone tombstone = g_array_index (self->tombstones, ShoalTombstone, i);

      if (tombstone.serial > view->serial)
        snapshot->removed[n++] = tombstone.id;
    }
  snapshot->serial = self->serial;
  snapshot->rate_down = shoal_rate_get (&self->rate_down, self->now_us);
  snapshot->rate_up = shoal_rate_get (&self->rate_up, self->now_us);
  snapshot->n_links = self->n_links;
  snapshot->n_dht_nodes = shoal_engine_dht_n_nodes (self->dht);
  snapshot->port = self->port;
  snapshot->mapping = self->mapping;

  view->serial = self->serial;
  view->moving = snapshot->rate_down > 0 || snapshot->rate_up > 0;
  view->sent_us = self->now_us;
  view->acknowledged = FALSE;
  if (view->interval_us == 0)
    view->used = FALSE;
  event = shoal_event_new (SHOAL_EVENT_SNAPSHOT);
  event->snapshot = snapshot;
  shoal_engine_tell (self, event);
}

void
shoal_engine_subscribe (ShoalEngine *self,
                        guint        view,
                        guint        interval_ms,
                        guint        mask,
                        guint64      id)
{
  if (view >= SHOAL_VIEWS)
    return;
  self->views[view] = (ShoalView){
    .used = TRUE,
    .acknowledged = TRUE,
    .mask = mask != 0 ? mask : SHOAL_VIEW_STATS,
    .id = id,
    .interval_us = interval_ms == 0 ? 0 : (gint64) MAX (interval_ms, 250) * G_TIME_SPAN_MILLISECOND,
  };
  send_snapshot (self, view);
}

void
shoal_engine_acknowledge (ShoalEngine *self,
                          guint        view)
{
  if (view < SHOAL_VIEWS)
    self->views[view].acknowledged = TRUE;
}

/* Tombstones that every view has seen are no longer needed. */
static void
bury (ShoalEngine *self)
{
  guint64 oldest = G_MAXUINT64;

  for (guint i = 0; i < SHOAL_VIEWS; i++)
    if (self->views[i].used)
      oldest = MIN (oldest, self->views[i].serial);
  for (guint i = 0; i < self->tombstones->len;)
    if (g_array_index (self->tombstones, ShoalTombstone, i).serial <= oldest)
      g_array_remove_index_fast (self->tombstones, i);
    else
      i++;
}

void
shoal_engine_views_due (gpointer engine,
                        gint64   now_us)
{
  ShoalEngine *self = engine;

  for (guint i = 0; i < SHOAL_VIEWS; i++)
    if (is_due_some_time (self, &self->views[i])
        && self->views[i].sent_us + self->views[i].interval_us <= now_us)
      send_snapshot (self, i);
  bury (self);
}

void
shoal_engine_arm_views (ShoalEngine *self)
{
  gint64 next_us = SHOAL_NEVER;

  for (guint i = 0; i < SHOAL_VIEWS; i++)
    if (is_due_some_time (self, &self->views[i]))
      next_us = MIN (next_us, self->views[i].sent_us + self->views[i].interval_us);
  if (next_us == SHOAL_NEVER)
    shoal_timers_disarm (self->timers, &self->view_timer);
  else
    shoal_timers_arm (self->timers, &self->view_timer, MAX (next_us, self->now_us));
}
