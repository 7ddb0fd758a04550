/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One torrent: its metadata, its peers, its tick. */

#include "shoal-link-private.h"
#include "shoal-error.h"

#include <string.h>

#define TURNOVER_US (30 * G_USEC_PER_SEC)

/* --- What the trackers want to know and tell --- */

static void
on_totals (gpointer       owner,
           ShoalAnnounce *announce)
{
  ShoalSwarm *self = owner;

  announce->peer_id = self->engine->peer_id;
  announce->key = self->engine->announce_key;
  announce->port = shoal_engine_public_port (self->engine);
  announce->uploaded = self->uploaded;
  announce->downloaded = self->downloaded;
  announce->left = shoal_swarm_left (self);
}

static void
on_tracker_peers (gpointer         owner,
                  const ShoalSha1 *key,
                  const ShoalAddr *addrs,
                  guint            n)
{
  shoal_swarm_add_peers_of (owner, key, addrs, n, SHOAL_PEER_SOURCE_TRACKER);
}

static void
on_tracker_changed (gpointer owner)
{
  shoal_swarm_changed (owner);
}

static void
on_tracker_external (gpointer         owner,
                     const ShoalAddr *external)
{
  shoal_engine_vote_external (((ShoalSwarm *) owner)->engine, SHOAL_EXTERNAL_TRACKER,
                              &(ShoalAddr){ 0 }, external);
}

static const ShoalAnnouncerOps announcer_ops = {
  .totals = on_totals,
  .peers = on_tracker_peers,
  .changed = on_tracker_changed,
  .external = on_tracker_external,
};

/* --- Life --- */

ShoalSwarm *
shoal_swarm_new (ShoalEngine *engine,
                 guint64      id)
{
  ShoalSwarm *self = g_new0 (ShoalSwarm, 1);

  self->engine = engine;
  self->id = id;
  self->state = SHOAL_TORRENT_PAUSED;
  self->checked_to = G_MAXUINT32;
  memset (self->checking, 0xff, sizeof self->checking);
  self->part_suffix = engine->config.part_suffix;
  self->added_s = engine->wall_s;
  self->book = shoal_peerbook_new (&engine->rng);
  shoal_peerbook_set_self (self->book, &engine->external);
  shoal_peerbook_set_filter (self->book, engine->filter);
  self->checks = g_array_new (FALSE, FALSE, sizeof (ShoalRange));
  self->user_peers = g_ptr_array_new_with_free_func (g_free);
  shoal_choker_init (&self->choker);
  shoal_limiter_init (&self->limiter);
  shoal_rate_init (&self->rate_down, 5);
  shoal_rate_init (&self->rate_up, 5);
  shoal_node_init (&self->links);
  shoal_node_init (&self->active_node);
  shoal_node_init (&self->lsd.node);
  shoal_node_init (&self->unproved_node);

  return self;
}

void
shoal_swarm_free (ShoalSwarm *self)
{
  g_assert (self->n_links == 0 && self->n_piece_jobs == 0 && self->n_same_jobs == 0);

  shoal_node_unlink (&self->active_node);
  shoal_lsd_remove (self->engine->lsd, &self->lsd);
  shoal_node_unlink (&self->unproved_node);
  shoal_swarm_metadata_clear (self);
  shoal_swarm_same_clear (self);
  shoal_swarm_web_free (self);
  shoal_swarm_leaves_clear (self);
  shoal_swarm_leaf_trees_clear (self);
  g_clear_pointer (&self->leavers, g_array_unref);
  g_clear_pointer (&self->plain_metainfo, shoal_metainfo_unref);
  g_clear_pointer (&self->hashes, shoal_hashes_free);
  g_clear_pointer (&self->picker, shoal_picker_free);
  g_clear_pointer (&self->had, shoal_bitfield_free);
  g_clear_pointer (&self->spilled, g_array_unref);
  g_clear_pointer (&self->info_serials, g_array_unref);
  g_clear_pointer (&self->suspects, shoal_suspects_free);
  g_clear_pointer (&self->announcer, shoal_announcer_free);
  g_clear_pointer (&self->metainfo, shoal_metainfo_unref);
  shoal_peerbook_free (self->book);
  g_array_unref (self->checks);
  g_ptr_array_unref (self->user_peers);
  g_free (self->priorities);
  g_clear_pointer (&self->selection, g_array_unref);
  g_free (self->name);
  g_free (self->dir);
  g_free (self->magnet);
  g_free (self->detail);
  g_free (self);
}

void
shoal_swarm_set_tiers (ShoalSwarm *self,
                       char     ***tiers)
{
  if (self->announcer == NULL)
    self->announcer =
      shoal_announcer_new (self->engine->hub, self->engine->timers, &self->engine->rng, self->keys,
                           self->n_keys,
                           self->engine->config.use_trackers ? (char *const *const *) tiers : NULL,
                           &announcer_ops, self);
  else if (self->engine->config.use_trackers && !self->is_private)
    shoal_announcer_add_tiers (self->announcer, (char *const *const *) tiers);
  shoal_tiers_free (tiers);
}

/* A choice of files that was made before they were known. */
static void
apply_select (ShoalSwarm *self)
{
  GArray *ranges = self->selection;

  if (ranges == NULL || ranges->len == 0 || self->priorities != NULL)
    return;
  self->priorities = g_malloc (MAX (self->n_files, 1));
  for (guint32 file = 0; file < self->n_files; file++)
    self->priorities[file] = shoal_ranges_contain (ranges, file) ? SHOAL_PRIORITY_NORMAL
                                                                 : SHOAL_PRIORITY_SKIP;
}

void
shoal_swarm_set_metainfo (ShoalSwarm    *self,
                          ShoalMetainfo *metainfo)
{
  g_clear_pointer (&self->metainfo, shoal_metainfo_unref);
  self->metainfo = metainfo;
  if (self->has_metadata)
    {
      shoal_swarm_apply_priorities (self);
      return;
    }

  self->has_metadata = TRUE;
  self->info_size = (guint32) metainfo->info_size;
  self->n_pieces = metainfo->layout->n_pieces;
  self->n_files = metainfo->layout->n_files;
  self->total_size = metainfo->layout->payload_size;
  self->wanted_size = self->total_size;
  shoal_swarm_same_note (self);
  if (metainfo->is_private && !self->is_private)
    shoal_swarm_make_private (self);
  shoal_engine_discover (self->engine, self);
  g_free (self->name);
  self->name = g_strdup (metainfo->name);
  if (self->announcer == NULL || memcmp (&self->hash, &metainfo->hash, sizeof self->hash) != 0)
    {
      /* Metadata of a magnet may add the hash of the other version. */
      gboolean listed = shoal_engine_find (self->engine, self->id) == self;

      if (listed)
        shoal_engine_drop_keys (self->engine, self);
      self->hash = metainfo->hash;
      self->n_keys = shoal_info_hash_keys (&self->hash, self->keys);
      if (listed)
        shoal_engine_add_keys (self->engine, self);
      for (guint i = 0; self->announcer != NULL && i < self->n_keys; i++)
        shoal_announcer_add_key (self->announcer, &self->keys[i], shoal_swarm_now (self));
    }
  shoal_swarm_set_tiers (self, shoal_tiers_copy ((char *const *const *) metainfo->trackers));
  apply_select (self);
  shoal_swarm_apply_priorities (self);
}

void
shoal_swarm_changed (ShoalSwarm *self)
{
  self->serial = ++self->engine->serial;
}

/* --- The .torrent of an idle torrent --- */

static gboolean
is_own_torrent (const ShoalSwarm    *self,
                const ShoalMetainfo *metainfo)
{
  ShoalSha1 keys[2];
  guint n = shoal_info_hash_keys (&metainfo->hash, keys);

  return n == self->n_keys && memcmp (keys, self->keys, n * sizeof *keys) == 0
         && metainfo->layout->n_pieces == self->n_pieces
         && metainfo->layout->n_files == self->n_files;
}

static void
on_loaded (ShoalDone *done,
           gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;
  ShoalSwarm *self = done->owner;

  shoal_engine_disk_done (job);
  self->loading = FALSE;
  if (self->metainfo != NULL)
    {
      g_clear_pointer (&job->metainfo, shoal_metainfo_unref);
    }
  else if (job->metainfo != NULL && is_own_torrent (self, job->metainfo))
    {
      shoal_swarm_set_metainfo (self, g_steal_pointer (&job->metainfo));
      SHOAL_NODE_FOREACH (node, &self->links)
        shoal_link_torrent_loaded (SHOAL_NODE_OWNER (node, ShoalLink, swarm_node));
      if (self->state == SHOAL_TORRENT_CHECKING || self->state == SHOAL_TORRENT_SEEDING
          || self->state == SHOAL_TORRENT_FAILED)
        shoal_swarm_open (self);
      else
        shoal_engine_unload_later (self->engine);
    }
  else
    {
      shoal_swarm_proved (self);
      shoal_swarm_fail (self,
                        job->reason != SHOAL_REASON_NONE ? job->reason : SHOAL_REASON_DATA_MISSING,
                        job->detail != NULL ? job->detail : "the kept .torrent is another one");
    }
  for (guint i = 0; self->info_serials != NULL && i < self->info_serials->len; i++)
    shoal_swarm_tell_info (self, g_array_index (self->info_serials, guint64, i));
  g_clear_pointer (&self->info_serials, g_array_unref);
  shoal_disk_job_free (job);
}

void
shoal_swarm_load (ShoalSwarm *self)
{
  ShoalDiskJob *job;

  if (self->loading || self->metainfo != NULL)
    {
      if (self->metainfo != NULL && !self->opened && self->state == SHOAL_TORRENT_SEEDING)
        shoal_swarm_open (self);
      return;
    }
  self->loading = TRUE;
  job = shoal_disk_job_new (SHOAL_DISK_LOAD, self->id);
  job->done.func = on_loaded;
  job->done.owner = self;
  shoal_engine_disk (self->engine, job);
}

void
shoal_swarm_proved (ShoalSwarm *self)
{
  if (!self->proving)
    return;
  self->proving = FALSE;
  self->engine->n_proving--;
  shoal_swarm_unload (self);
  shoal_engine_prove_next (self->engine);
}

void
shoal_swarm_unload (ShoalSwarm *self)
{
  if (self->metainfo == NULL || !self->metainfo_kept || self->n_links > 0 || self->n_piece_jobs > 0
      || self->opening || self->finishing || self->picker != NULL || self->dirty || self->removing)
    return;
  if (self->state != SHOAL_TORRENT_PAUSED
      && !(self->state == SHOAL_TORRENT_SEEDING && self->all_had))
    return;
  shoal_swarm_close (self);
  self->wanted_had = shoal_swarm_wanted_had (self);
  shoal_swarm_leaf_trees_clear (self);
  g_clear_pointer (&self->hashes, shoal_hashes_free);
  g_clear_pointer (&self->metainfo, shoal_metainfo_unref);
}

/* --- Peers --- */

guint
shoal_swarm_link_cap (ShoalSwarm *self)
{
  const ShoalConfig *config = &self->engine->config;
  guint64 limit = config->limit_down;

  /* Starved: it gets less than half of what the line gives to all. */
  if (self->state == SHOAL_TORRENT_DOWNLOADING)
    {
      guint64 rate = shoal_rate_get (&self->rate_down, self->engine->now_us);
      guint64 could = limit != 0 ? limit : self->best_rate_down;

      if (rate < could / 2)
        return config->max_links_starved;
    }

  return config->max_links_torrent;
}

void
shoal_swarm_drop_links (ShoalSwarm *self,
                        const char *why)
{
  shoal_swarm_web_stop (self);
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      link->stopped = link->stopped || link->why == NULL;
      shoal_link_end (link, why);
    }
}

/* --- The tick --- */

gboolean
shoal_swarm_is_buried (const ShoalSwarm *self)
{
  return self->removed && self->n_links == 0 && self->n_piece_jobs == 0 && self->n_same_jobs == 0
         && !self->opening && !self->finishing && !self->loading
         && !shoal_announcer_stopping (self->announcer);
}

/* Rates are told until they have come down to nothing. */
static gboolean
is_moving (ShoalSwarm *self)
{
  gint64 now_us = shoal_swarm_now (self);

  return shoal_rate_get (&self->rate_down, now_us) > 0
         || shoal_rate_get (&self->rate_up, now_us) > 0;
}

gboolean
shoal_swarm_needs_tick (ShoalSwarm *self)
{
  if (self->removed)
    return TRUE;

  switch (self->state)
    {
    case SHOAL_TORRENT_METADATA:
    case SHOAL_TORRENT_CHECKING:
    case SHOAL_TORRENT_DOWNLOADING:
    case SHOAL_TORRENT_FAILED:
      return TRUE;

    case SHOAL_TORRENT_SEEDING:
      return self->n_links > 0 || self->dirty || shoal_peerbook_candidates (self->book, TRUE) > 0
             || self->engine->config.seed_minutes > 0 || is_moving (self);

    default:
      return self->n_links > 0 || self->dirty;
    }
}

/* At the limit of links a better peer may be waiting: the worst gives way. */
static void
turn_over (ShoalSwarm *self)
{
  gint64 now_us = shoal_swarm_now (self);
  ShoalLink *worst = NULL;

  if (now_us < self->turnover_us)
    return;
  self->turnover_us = now_us + TURNOVER_US;
  if (self->n_links * 10 < shoal_swarm_link_cap (self) * 9
      || shoal_peerbook_candidates (self->book, FALSE) == 0)
    return;
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (!shoal_link_is_live (link) || link->opened_us + 2 * TURNOVER_US > now_us
          || shoal_rate_get (&link->rate_down, now_us) > 0
          || shoal_rate_get (&link->rate_up, now_us) > 0)
        continue;
      if (link->am_interested && !link->peer_choking && !link->snubbed)
        continue;
      if (worst == NULL || link->received + link->sent < worst->received + worst->sent)
        worst = link;
    }
  if (worst != NULL)
    shoal_link_hang_up (worst, "others may be better");
}

static void
look_after_memory (ShoalSwarm *self)
{
  gsize capacity = shoal_arena_capacity (self->engine->arena);

  shoal_swarm_spill (self, capacity - shoal_arena_used (self->engine->arena) < capacity / 4
                             && self->n_piece_jobs == 0);
}

#ifdef SHOAL_PARANOID
/* Every wanted block is had, requested of a live peer, or can be picked. */
static void
watch (ShoalSwarm *self)
{
  guint n_requests = 0;

  if (self->picker == NULL)
    return;
  shoal_picker_check (self->picker);
  if (self->state != SHOAL_TORRENT_DOWNLOADING
      || shoal_bitfield_is_empty (shoal_picker_missing (self->picker)))
    return;
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      n_requests += link->requests.n_live + (link->in_block && !link->discard ? 1 : 0);
      for (guint i = 0; i < link->requests.n_live; i++)
        g_assert (shoal_picker_requests_of (self->picker, shoal_requests_peek (&link->requests,
                                                                               i)->block) > 0);
    }
    g_assert (n_requests > 0 || shoal_swarm_web_working (self) > 0 || self->n_piece_jobs > 0
              || (self->leaves != NULL && self->leaves->len > 0) || self->finishing
              || shoal_picker_is_waiting (self->picker));
}
#endif

void
shoal_swarm_tick (ShoalSwarm *self)
{
  gint64 now_us = shoal_swarm_now (self);

  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (self->missing_changed)
        shoal_link_update_interest (link);
      shoal_link_tick (link);
    }
  self->missing_changed = FALSE;
  if (self->engine->quitting)
    return;

  switch (self->state)
    {
    case SHOAL_TORRENT_FAILED:
      if (self->retry_us <= now_us && self->reason != SHOAL_REASON_BAD_METADATA
          && self->has_metadata)
        {
          self->retry_us = now_us + SHOAL_RETRY_US;
          if (self->metainfo != NULL)
            shoal_swarm_open (self);
          else
            shoal_swarm_load (self);
        }
      break;

    case SHOAL_TORRENT_METADATA:
      shoal_swarm_notice_stall (self);
      shoal_swarm_metadata_pump (self);
      break;

    case SHOAL_TORRENT_DOWNLOADING:
      shoal_swarm_notice_stall (self);
      self->best_rate_down = MAX (self->best_rate_down, shoal_rate_get (&self->rate_down, now_us));
      look_after_memory (self);
      shoal_swarm_web_tick (self);
      shoal_swarm_leaves_tick (self);
      turn_over (self);
      if (!self->finishing
          && (self->finish_wanted
              || (self->n_piece_jobs == 0
                  && shoal_bitfield_is_empty (shoal_picker_missing (self->picker)))))
        shoal_swarm_finish (self);
      break;

    case SHOAL_TORRENT_SEEDING:
      if (self->finish_wanted && self->opened && !self->finishing)
        shoal_swarm_finish (self);
      shoal_swarm_apply_limits (self);
      break;

    default:
      break;
    }

  if (shoal_swarm_is_live (self))
    {
      shoal_swarm_pex_tick (self);
      shoal_swarm_layers_tick (self);
      shoal_swarm_super_tick (self);
      if (now_us >= self->choke_us)
        {
          self->choke_us = now_us + SHOAL_CHOKE_ROUND_US;
          self->choke_now = FALSE;
          shoal_swarm_choke (self, TRUE);
        }
      else
        {
          shoal_swarm_look_at_slots (self);
        }
      shoal_announcer_want_peers (self->announcer,
                                  self->state != SHOAL_TORRENT_SEEDING
                                    && self->n_links < self->engine->config.dial_below
                                    && shoal_peerbook_candidates (self->book, FALSE)
                                         < SHOAL_KNOWN_PEERS_LOW,
                                  now_us);
      if (self->n_links > 0 || is_moving (self))
        shoal_swarm_changed (self);
    }
  if (self->dirty && self->saved_us + SHOAL_SAVE_INTERVAL_US <= now_us)
    shoal_swarm_save (self);
#ifdef SHOAL_PARANOID
  watch (self);
#endif
}

void
shoal_swarm_turn_end (ShoalSwarm *self)
{
  if (self->choke_now && shoal_swarm_is_live (self))
    shoal_swarm_choke (self, FALSE);
  self->choke_now = FALSE;
}
