/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns, tables of torrents and links, and what all torrents share. */

/*
 * Everything happens inside a turn, at one moment in time. Effects go out through the host while it
 * lasts and never come back into it. Swarms that have something to do every second stand in the
 * `active` ring; a seed that nobody talks to costs nothing but its announcer's timer.
 */

#include "shoal-link-private.h"
#include "shoal-error.h"
#include "shoal-mse.h"
#include "shoal-swarm-queue.h"

#include <string.h>

static void on_tick    (gpointer owner, gint64 now_us);
static void on_dial    (gpointer owner, gint64 now_us);
static void on_limiter (gpointer owner, gint64 now_us);
static void on_unload  (gpointer owner, gint64 now_us);
static void on_quit    (gpointer owner, gint64 now_us);

static void
free_swarm (gpointer swarm)
{
  shoal_swarm_free (swarm);
}

ShoalEngine *
shoal_engine_new (ShoalHost         *host,
                  const ShoalConfig *config)
{
  ShoalEngine *self;
  guint8 random[12 + sizeof (guint64) + sizeof (guint32)];
  guint64 seed;

  g_return_val_if_fail (host != NULL && config != NULL, NULL);

  self = g_new0 (ShoalEngine, 1);
  self->host = host;
  self->config = *config;
  shoal_config_clamp (&self->config);
  host->ops->random (host, random, sizeof random);
  memcpy (&seed, random + 12, sizeof seed);
  memcpy (&self->announce_key, random + 12 + sizeof seed, sizeof self->announce_key);
  shoal_peer_id_make (&self->peer_id, random);
  shoal_rng_init (&self->rng, seed);

  self->timers = shoal_timers_new ();
  self->arena = shoal_arena_new (self->config.arena_size);
  self->hub = shoal_tracker_hub_new (host, self->timers, &self->rng);
  self->lsd = shoal_engine_new_lsd (self);
  self->dht = shoal_engine_dht_new (self);
  shoal_limiter_init (&self->limiter);
  shoal_limiter_set (&self->limiter, SHOAL_DOWN, self->config.limit_down, 0);
  shoal_limiter_set (&self->limiter, SHOAL_UP, self->config.limit_up, 0);
  self->swarms = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, free_swarm);
  self->by_key = g_hash_table_new (shoal_sha1_hash, shoal_sha1_equal);
  self->by_req2 = g_hash_table_new (shoal_sha1_hash, shoal_sha1_equal);
  shoal_node_init (&self->active);
  shoal_node_init (&self->unproved);
  shoal_node_init (&self->links);
  shoal_node_init (&self->ended);
  self->utp = shoal_utp_hub_new (host, self->timers, &self->rng, &shoal_link_utp_ops, self);
  self->next_id = 1;
  self->tombstones = g_array_new (FALSE, FALSE, sizeof (ShoalTombstone));
  shoal_rate_init (&self->rate_down, 5);
  shoal_rate_init (&self->rate_up, 5);
  shoal_timer_init (&self->tick_timer, on_tick, self);
  shoal_timer_init (&self->dial_timer, on_dial, self);
  shoal_timer_init (&self->limiter_timer, on_limiter, self);
  shoal_timer_init (&self->view_timer, shoal_engine_views_due, self);
  shoal_timer_init (&self->unload_timer, on_unload, self);
  shoal_timer_init (&self->filter_timer, shoal_engine_filter_due, self);
  shoal_timer_init (&self->quit_timer, on_quit, self);
  shoal_engine_want_network (self);
  shoal_engine_want_mapping (self);
  shoal_engine_dht_configure (self->dht);

  return self;
}

void
shoal_engine_free (ShoalEngine *self)
{
  if (self == NULL)
    return;

  self->in_turn = TRUE;
  shoal_utp_hub_drop_all (self->utp, self->now_us);
  shoal_engine_end_links (self);
  g_assert (self->n_links == 0);
  shoal_utp_hub_free (self->utp);
  g_hash_table_unref (self->by_req2);
  g_hash_table_unref (self->by_key);
  g_hash_table_unref (self->swarms);
  g_array_unref (self->tombstones);
  shoal_lsd_free (self->lsd);
  shoal_filter_unref (self->filter);
  shoal_engine_dht_free (self->dht);
  shoal_tracker_hub_free (self->hub);
  shoal_arena_free (self->arena);
  shoal_timers_free (self->timers);
  g_free (self->scratch);
  g_free (self->gathered);
  g_free (self);
}

/* --- Tables --- */

ShoalSwarm *
shoal_engine_find (ShoalEngine *self,
                   guint64      id)
{
  return g_hash_table_lookup (self->swarms, &id);
}

ShoalSwarm *
shoal_engine_find_by_key (ShoalEngine     *self,
                          const ShoalSha1 *key)
{
  return g_hash_table_lookup (self->by_key, key);
}

ShoalSwarm *
shoal_engine_find_by_req2 (ShoalEngine     *self,
                           const ShoalSha1 *req2,
                           ShoalSha1       *key)
{
  ShoalSwarm *swarm = g_hash_table_lookup (self->by_req2, req2);

  for (guint i = 0; swarm != NULL && i < swarm->n_keys; i++)
    if (memcmp (&swarm->req2[i], req2, sizeof *req2) == 0)
      *key = swarm->keys[i];

  return swarm;
}

guint64
shoal_engine_id (ShoalEngine *self)
{
  return self->next_id++;
}

void
shoal_engine_add_keys (ShoalEngine *self,
                       ShoalSwarm  *swarm)
{
  for (guint i = 0; i < swarm->n_keys; i++)
    {
      ShoalSwarm *other = g_hash_table_lookup (self->by_key, &swarm->keys[i]);

      if (other != NULL && other != swarm)
        continue;
      g_hash_table_replace (self->by_key, &swarm->keys[i], swarm);
      shoal_mse_req2 (&swarm->keys[i], &swarm->req2[i]);
      g_hash_table_replace (self->by_req2, &swarm->req2[i], swarm);
    }
}

void
shoal_engine_drop_keys (ShoalEngine *self,
                        ShoalSwarm  *swarm)
{
  for (guint i = 0; i < swarm->n_keys; i++)
    if (g_hash_table_lookup (self->by_key, &swarm->keys[i]) == swarm)
      {
        g_hash_table_remove (self->by_key, &swarm->keys[i]);
        g_hash_table_remove (self->by_req2, &swarm->req2[i]);
      }
}

void
shoal_engine_insert (ShoalEngine *self,
                     ShoalSwarm  *swarm)
{
  g_hash_table_insert (self->swarms, &swarm->id, swarm);
  self->next_id = MAX (self->next_id, swarm->id + 1);
  shoal_engine_add_keys (self, swarm);
  shoal_swarm_changed (swarm);
}

void
shoal_engine_forget (ShoalEngine *self,
                     ShoalSwarm  *swarm)
{
  ShoalTombstone tombstone = { swarm->id, ++self->serial };

  shoal_engine_drop_keys (self, swarm);
  g_array_append_val (self->tombstones, tombstone);
}

void
shoal_engine_remove (ShoalEngine *self,
                     ShoalSwarm  *swarm)
{
  g_hash_table_remove (self->swarms, &swarm->id);
}

void
shoal_engine_activate (ShoalEngine *self,
                       ShoalSwarm  *swarm)
{
  if (!shoal_node_is_linked (&swarm->active_node))
    shoal_node_append (&self->active, &swarm->active_node);
  if (!shoal_timer_is_armed (&self->tick_timer))
    shoal_timers_arm (self->timers, &self->tick_timer, self->now_us + SHOAL_TICK_US);
}

/* Seeds from an earlier run are believed at once; whether their files are still there is looked up
 * one after the other. */
void
shoal_engine_prove_next (ShoalEngine *self)
{
  while (self->n_proving < SHOAL_PROVING_MAX && shoal_node_is_linked (&self->unproved)
         && !self->quitting)
    {
      ShoalSwarm *swarm = SHOAL_NODE_OWNER (self->unproved.next, ShoalSwarm, unproved_node);

      shoal_node_unlink (&swarm->unproved_node);
      if (swarm->opened || swarm->state != SHOAL_TORRENT_SEEDING)
        continue;
      swarm->proving = TRUE;
      self->n_proving++;
      shoal_swarm_load (swarm);
    }
}

void
shoal_engine_vote_external (ShoalEngine         *self,
                            ShoalExternalSource  source,
                            const ShoalAddr     *voter,
                            const ShoalAddr     *seen)
{
  const ShoalAddr *best;

  if (!shoal_external_vote (&self->votes, source, voter, seen))
    return;
  best = shoal_external_get (&self->votes, SHOAL_FAMILY_IPV4);
  shoal_engine_set_external (self, best != NULL
                                     ? best
                                     : shoal_external_get (&self->votes, SHOAL_FAMILY_IPV6));
}

void
shoal_engine_set_external (ShoalEngine     *self,
                           const ShoalAddr *external)
{
  GHashTableIter iter;
  gpointer swarm;

  self->external = *external;
  self->external.port = shoal_engine_public_port (self);
  g_hash_table_iter_init (&iter, self->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &swarm))
    shoal_peerbook_set_self (((ShoalSwarm *) swarm)->book, &self->external);
}

/* --- Effects --- */

void
shoal_engine_disk (ShoalEngine  *self,
                   ShoalDiskJob *job)
{
  job->context = self;
  self->n_jobs++;
  self->host->ops->disk (self->host, job);
}

void
shoal_engine_disk_done (ShoalDiskJob *job)
{
  ((ShoalEngine *) job->context)->n_jobs--;
}

void
shoal_engine_tell (ShoalEngine *self,
                   ShoalEvent  *event)
{
  self->host->ops->tell (self->host, event);
}

/* --- Timers --- */

/* Nobody is connected: memory for reading is given back until somebody is. */
static void
go_idle (ShoalEngine *self)
{
  shoal_arena_trim (self->arena);
  g_clear_pointer (&self->scratch, g_free);
  g_clear_pointer (&self->gathered, g_free);
}

static void
on_tick (gpointer owner,
         gint64   now_us)
{
  ShoalEngine *self = owner;

  SHOAL_NODE_FOREACH (node, &self->active)
    {
      ShoalSwarm *swarm = SHOAL_NODE_OWNER (node, ShoalSwarm, active_node);

      shoal_swarm_tick (swarm);
      if (shoal_swarm_is_buried (swarm))
        {
          shoal_engine_remove (self, swarm);
          continue;
        }
      if (!shoal_swarm_needs_tick (swarm))
        {
          shoal_node_unlink (&swarm->active_node);
          shoal_swarm_changed (swarm);
          shoal_engine_unload_later (self);
        }
    }
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, engine_node);

      if (link->swarm == NULL)
        shoal_link_tick (link);
    }
  shoal_engine_want_dials (self);
  shoal_engine_dht_tick (self->dht);
  if (shoal_node_is_linked (&self->active) || shoal_node_is_linked (&self->links))
    shoal_timers_arm (self->timers, &self->tick_timer, now_us + SHOAL_TICK_US);
  else
    go_idle (self);
}

void
shoal_engine_want_dials (ShoalEngine *self)
{
  if (!shoal_timer_is_armed (&self->dial_timer) && shoal_node_is_linked (&self->active))
    shoal_timers_arm (self->timers, &self->dial_timer, self->now_us);
}

/* One dial for each swarm in turn, as long as there are tokens. */
static void
on_dial (gpointer owner,
         gint64   now_us)
{
  ShoalEngine *self = owner;
  guint per_second = MAX (self->config.dials_per_second, 1);
  gint64 token_us = G_USEC_PER_SEC / per_second;
  gint64 new_tokens = (now_us - self->dial_filled_us) / token_us;
  gboolean dialled = TRUE;

  if (self->quitting || self->network_down)
    return;
  if (now_us < self->filter_hold_us)
    {
      shoal_timers_arm (self->timers, &self->dial_timer, self->filter_hold_us);
      return;
    }
  if (new_tokens > 0)
    {
      self->dial_tokens = (guint) MIN ((gint64) self->dial_tokens + new_tokens,
                                       (gint64) per_second);
      self->dial_filled_us = now_us;
    }
  while (dialled && self->dial_tokens > 0 && self->n_half_open < self->config.max_half_open
         && self->n_links < self->config.max_links)
    {
      ShoalNode *first = self->active.next;

      dialled = FALSE;
      for (ShoalNode *node = first; node != &self->active; node = node->next)
        {
          ShoalSwarm *swarm = SHOAL_NODE_OWNER (node, ShoalSwarm, active_node);

          if (!shoal_swarm_dial (swarm))
            continue;
          self->dial_tokens--;
          dialled = TRUE;
          shoal_node_append (&self->active, node);
          break;
        }
    }
  if (dialled && self->dial_tokens == 0)
    shoal_timers_arm (self->timers, &self->dial_timer, now_us + token_us);
}

static void
may_go_on (gpointer       owner,
           ShoalDirection direction)
{
  shoal_link_attend (owner);
}

static void
on_limiter (gpointer owner,
            gint64   now_us)
{
  ShoalEngine *self = owner;
  gint64 next_us = shoal_limiter_turn (&self->limiter, may_go_on, now_us);

  if (next_us != SHOAL_NEVER)
    shoal_timers_arm (self->timers, &self->limiter_timer, next_us);
}

static gboolean
somebody_waits (ShoalEngine *self)
{
  return shoal_node_is_linked (&self->limiter.waiting[SHOAL_DOWN])
         || shoal_node_is_linked (&self->limiter.waiting[SHOAL_UP]);
}

void
shoal_engine_unload_later (ShoalEngine *self)
{
  if (!shoal_timer_is_armed (&self->unload_timer))
    shoal_timers_arm (self->timers, &self->unload_timer, self->now_us + SHOAL_UNLOAD_US);
}

static void
on_unload (gpointer owner,
           gint64   now_us)
{
  ShoalEngine *self = owner;
  GHashTableIter iter;
  gpointer swarm;

  g_hash_table_iter_init (&iter, self->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &swarm))
    shoal_swarm_unload (swarm);
}

/* --- Quitting --- */

static void
tell_quit (ShoalEngine *self)
{
  GHashTableIter iter;
  gpointer swarm;

  if (self->quit_told)
    return;
  self->quit_told = TRUE;
  /* Pieces that were with the disk when the way out began. */
  g_hash_table_iter_init (&iter, self->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &swarm))
    if (((ShoalSwarm *) swarm)->dirty)
      shoal_swarm_save (swarm);
  shoal_engine_tell (self, shoal_event_new (SHOAL_EVENT_QUIT));
}

static void
on_quit (gpointer owner,
         gint64   now_us)
{
  tell_quit (owner);
}

static gboolean
still_busy (ShoalEngine *self)
{
  GHashTableIter iter;
  gpointer value;

  if (self->n_jobs > 0 || self->n_links > 0 || shoal_tracker_hub_pending (self->hub) > 0)
    return TRUE;
  g_hash_table_iter_init (&iter, self->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (shoal_announcer_stopping (((ShoalSwarm *) value)->announcer))
      return TRUE;

  return FALSE;
}

/* --- Turns --- */

void
shoal_engine_begin (ShoalEngine *self,
                    gint64       now_us,
                    gint64       wall_s)
{
  gboolean first = self->now_us == 0;

  g_return_if_fail (!self->in_turn);

  self->in_turn = TRUE;
  self->now_us = MAX (now_us, self->now_us);
  self->wall_s = wall_s;
  if (first && self->config.filter_source[0] != '\0')
    shoal_engine_filter_update (self);
  shoal_tracker_hub_set_now (self->hub, self->now_us);
  shoal_timers_expire (self->timers, self->now_us);
}

void
shoal_engine_command (ShoalEngine  *self,
                      ShoalCommand *command)
{
  g_return_if_fail (self->in_turn);

  shoal_engine_handle (self, command);
  shoal_command_free (command);
}

void
shoal_engine_datagram (ShoalEngine     *self,
                       const ShoalAddr *from,
                       const guint8    *data,
                       gsize            size,
                       gint64           arrived_us)
{
  g_return_if_fail (self->in_turn);

  if (shoal_engine_dht_datagram (self->dht, from, data, size))
    return;
  if (!shoal_utp_hub_datagram (self->utp, from, data, size, arrived_us, self->now_us))
    shoal_tracker_hub_datagram (self->hub, from, data, size);
}

/* Trackers ask again by themselves. */
void
shoal_engine_writable (ShoalEngine *self)
{
  g_return_if_fail (self->in_turn);

  shoal_utp_hub_writable (self->utp);
}

void
shoal_engine_done (ShoalEngine *self,
                   ShoalDone   *done)
{
  g_return_if_fail (self->in_turn);

  done->func (done, self->now_us);
}

gint64
shoal_engine_end (ShoalEngine *self)
{
  g_return_val_if_fail (self->in_turn, SHOAL_NEVER);

  shoal_utp_hub_deliver (self->utp, self->now_us);
  shoal_engine_end_links (self);
  SHOAL_NODE_FOREACH (node, &self->active)
    shoal_swarm_turn_end (SHOAL_NODE_OWNER (node, ShoalSwarm, active_node));
  if (self->queue_changed && self->config.max_active_downloads != 0 && !self->quitting)
    shoal_swarm_queue_update (self);
  self->queue_changed = FALSE;
  shoal_utp_hub_flush (self->utp, self->now_us);
  shoal_engine_end_links (self);
  if (somebody_waits (self) && !shoal_timer_is_armed (&self->limiter_timer))
    shoal_timers_arm (self->timers, &self->limiter_timer, self->now_us + 1);
  if (shoal_node_is_linked (&self->links) && !shoal_timer_is_armed (&self->tick_timer))
    shoal_timers_arm (self->timers, &self->tick_timer, self->now_us + SHOAL_TICK_US);
  shoal_engine_arm_views (self);
  if (self->quitting && !self->quit_told && !still_busy (self))
    tell_quit (self);
  self->in_turn = FALSE;

  return shoal_timers_next (self->timers);
}
