/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The states of a torrent: which steps are allowed, what entering and leaving does. */

#include "shoal-link-private.h"
#include "shoal-magnet.h"
#include "shoal-swarm-queue.h"

#define TO(state) (1u << SHOAL_TORRENT_##state)

static const guint8 allowed[SHOAL_N_TORRENT_STATES] = {
  [SHOAL_TORRENT_PAUSED] = TO (METADATA) | TO (CHECKING) | TO (QUEUED),
  [SHOAL_TORRENT_QUEUED] = TO (METADATA) | TO (CHECKING) | TO (PAUSED),
  [SHOAL_TORRENT_METADATA] = TO (CHECKING) | TO (PAUSED) | TO (FAILED) | TO (QUEUED),
  [SHOAL_TORRENT_CHECKING] = TO (DOWNLOADING) | TO (SEEDING) | TO (PAUSED) | TO (FAILED)
                             | TO (QUEUED),
  [SHOAL_TORRENT_DOWNLOADING] = TO (SEEDING) | TO (CHECKING) | TO (PAUSED) | TO (FAILED)
                                | TO (QUEUED),
  [SHOAL_TORRENT_SEEDING] = TO (DOWNLOADING) | TO (CHECKING) | TO (PAUSED) | TO (FAILED),
  [SHOAL_TORRENT_FAILED] = TO (CHECKING) | TO (METADATA) | TO (PAUSED) | TO (QUEUED),
};

static void
tell_state (ShoalSwarm *self)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_STATE);

  event->id = self->id;
  event->state = self->state;
  event->reason = self->reason;
  event->text = g_strdup (self->detail);
  shoal_engine_tell (self->engine, event);
}

static void
on_closed (ShoalDone *done,
           gint64     now_us)
{
  shoal_engine_disk_done ((ShoalDiskJob *) done);
  shoal_disk_job_free ((ShoalDiskJob *) done);
}

void
shoal_swarm_close (ShoalSwarm *self)
{
  ShoalDiskJob *job;

  if (!self->opened)
    return;
  self->opened = FALSE;
  job = shoal_disk_job_new (SHOAL_DISK_CLOSE, self->id);
  job->done.func = on_closed;
  shoal_engine_disk (self->engine, job);
}

/* The swarm stops working: nobody is connected, nothing is asked, the files are closed. */
static void
rest (ShoalSwarm *self)
{
  shoal_swarm_drop_links (self, "the torrent stops");
  if (self->announced)
    {
      self->announced = FALSE;
      shoal_announcer_stop (self->announcer, shoal_swarm_now (self));
    }
  shoal_swarm_metadata_clear (self);
  shoal_swarm_same_stop (self);
  g_array_set_size (self->checks, 0);
  self->verifying = FALSE;
  shoal_swarm_drop_picker (self);
  if (!self->removing)
    shoal_swarm_close (self);
  shoal_swarm_proved (self);
}

/* Those that the link of a torrent without metadata names. */
static void
add_magnet_peers (ShoalSwarm *self)
{
  g_autoptr(ShoalMagnet) magnet = !self->has_metadata && self->magnet != NULL
                                    ? shoal_magnet_parse (self->magnet, NULL)
                                    : NULL;

  for (guint i = 0; magnet != NULL && magnet->peers[i] != NULL; i++)
    shoal_swarm_add_named (self, magnet->peers[i], SHOAL_PEER_SOURCE_MAGNET);
}

static void
connect_swarm (ShoalSwarm *self)
{
  if (self->engine->quitting)
    return;
  if (!self->announced)
    {
      self->announced = TRUE;
      shoal_announcer_start (self->announcer, shoal_swarm_now (self));
    }
  for (guint i = 0; i < self->user_peers->len; i++)
    shoal_swarm_add_named (self, g_ptr_array_index (self->user_peers, i), SHOAL_PEER_SOURCE_USER);
  add_magnet_peers (self);
  shoal_engine_activate (self->engine, self);
  shoal_engine_want_dials (self->engine);
}

/* Links that lived through the check were told of no pieces. */
static void
tell_found_pieces (ShoalSwarm *self)
{
  const ShoalBitfield *had = shoal_swarm_had (self);

  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (!shoal_link_is_live (link) || !link->told_none)
        continue;
      link->told_none = FALSE;
      for (guint32 piece = 0; piece < self->n_pieces; piece++)
        if (self->all_had || (had != NULL && shoal_bitfield_get (had, piece)))
          shoal_link_say_piece (link, SHOAL_MESSAGE_HAVE, piece);
    }
}

static void
enter_downloading (ShoalSwarm       *self,
                   ShoalTorrentState before)
{
  shoal_swarm_make_picker (self);
  shoal_announcer_set_partial_seed (self->announcer, FALSE);
  if (before == SHOAL_TORRENT_CHECKING)
    tell_found_pieces (self);
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      shoal_link_count (link);
      shoal_link_update_interest (link);
      if (before == SHOAL_TORRENT_SEEDING && shoal_link_is_live (link)
          && (link->reserved & SHOAL_RESERVED_EXTENDED) != 0)
        shoal_link_say_extended (link);   /* not upload-only any more */
    }
  connect_swarm (self);
  shoal_swarm_web_pump (self);
}

static void
enter_seeding (ShoalSwarm       *self,
               ShoalTorrentState before)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_COMPLETE);
  gint64 now_us = shoal_swarm_now (self);

  if (self->completed_s == 0)
    self->completed_s = self->engine->wall_s;
  event->id = self->id;
  shoal_engine_tell (self->engine, event);

  if (before == SHOAL_TORRENT_CHECKING)
    tell_found_pieces (self);
  connect_swarm (self);
  shoal_swarm_web_stop (self);
  shoal_announcer_set_partial_seed (self->announcer, !self->all_had);
  if (self->downloading_since_start && !self->completed_told && self->all_had)
    {
      self->completed_told = TRUE;
      shoal_announcer_completed (self->announcer, now_us);
    }
  self->downloading_since_start = FALSE;
  if (self->all_had)
    shoal_swarm_drop_picker (self);
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      shoal_link_update_interest (link);
      if (shoal_link_is_live (link) && (link->reserved & SHOAL_RESERVED_EXTENDED) != 0)
        shoal_link_say_extended (link);   /* upload-only from now on (BEP 21) */
    }
  if (self->dirty)
    shoal_swarm_save (self);
  shoal_engine_unload_later (self->engine);
}

void
shoal_swarm_enter (ShoalSwarm       *self,
                   ShoalTorrentState state)
{
  ShoalTorrentState before = self->state;

  if (before == state)
    return;
  g_assert ((allowed[before] & (1u << state)) != 0);
  g_debug ("torrent %" G_GUINT64_FORMAT ": state %d to %d", self->id, before, state);

  self->state = state;
  self->engine->queue_changed = TRUE;
  if (state != SHOAL_TORRENT_FAILED)
    {
      self->reason = SHOAL_REASON_NONE;
      g_clear_pointer (&self->detail, g_free);
    }
  self->choke_us = 0;
  self->moving_us = 0;
  self->stalled = FALSE;
  self->settling = FALSE;
  if (before != SHOAL_TORRENT_METADATA && before != SHOAL_TORRENT_DOWNLOADING)
    self->dht_us = 0;
  shoal_engine_dht_look (self->engine->dht);
  if (!self->restoring)
    self->dirty = TRUE;

  switch (state)
    {
    case SHOAL_TORRENT_PAUSED:
    case SHOAL_TORRENT_QUEUED:
    case SHOAL_TORRENT_FAILED:
      rest (self);
      shoal_swarm_save (self);
      break;

    case SHOAL_TORRENT_METADATA:
      connect_swarm (self);
      break;

    case SHOAL_TORRENT_CHECKING:
      /* Peers that gave the metadata stay: they are wanted again at once. */
      if (before != SHOAL_TORRENT_METADATA)
        shoal_swarm_drop_links (self, "the data is being checked");
      shoal_engine_activate (self->engine, self);
      break;

    case SHOAL_TORRENT_DOWNLOADING:
      enter_downloading (self, before);
      break;

    case SHOAL_TORRENT_SEEDING:
      enter_seeding (self, before);
      break;

    default:
      g_assert_not_reached ();
    }

  shoal_engine_discover (self->engine, self);
  tell_state (self);
  shoal_swarm_changed (self);
}

void
shoal_swarm_begin (ShoalSwarm *self)
{
  if (self->removing || self->engine->quitting)
    return;
  if (self->restoring)
    shoal_swarm_waive_limits (self);   /* it would not run if it was not wanted past them */
  if (self->restoring && self->all_had && !self->full_check && self->stamp != 0
      && self->reason == SHOAL_REASON_NONE)
    {
      /* Believed for now, so that thousands are there at once. */
      shoal_swarm_enter (self, SHOAL_TORRENT_CHECKING);
      shoal_swarm_enter (self, SHOAL_TORRENT_SEEDING);
      self->restoring = FALSE;
      shoal_node_append (&self->engine->unproved, &self->unproved_node);
      g_clear_pointer (&self->metainfo, shoal_metainfo_unref);
      return;
    }
  self->restoring = FALSE;
  if (!shoal_swarm_queue_has_room (self->engine, self))
    {
      shoal_swarm_enter (self, SHOAL_TORRENT_QUEUED);
      return;
    }
  if (!self->has_metadata)
    {
      shoal_swarm_enter (self, SHOAL_TORRENT_METADATA);
      return;
    }
  if (self->metainfo == NULL)
    {
      shoal_swarm_enter (self, SHOAL_TORRENT_CHECKING);
      shoal_swarm_load (self);
      return;
    }
  shoal_swarm_enter (self, SHOAL_TORRENT_CHECKING);
  shoal_swarm_open (self);
}

void
shoal_swarm_fail (ShoalSwarm *self,
                  ShoalReason reason,
                  const char *detail)
{
  if (self->removing || self->state == SHOAL_TORRENT_PAUSED || self->state == SHOAL_TORRENT_QUEUED)
    return;

  self->retry_us = shoal_swarm_now (self) + SHOAL_RETRY_US;
  if (self->state == SHOAL_TORRENT_FAILED && self->reason == reason)
    return;
  /* A disk that seems well again and is not: peers and trackers are not troubled by every try. */
  if (self->state != SHOAL_TORRENT_FAILED)
    self->retry_us = shoal_swarm_now (self)
                     + (SHOAL_RETRY_US << MIN (self->n_fails++, SHOAL_RETRY_SHIFT_MAX));
  g_info ("torrent %" G_GUINT64_FORMAT " stops: %s", self->id, detail != NULL ? detail : "");
  self->reason = reason;
  g_free (self->detail);
  self->detail = g_strdup (detail);
  if (self->state == SHOAL_TORRENT_FAILED)
    {
      tell_state (self);
      shoal_swarm_changed (self);
      return;
    }
  shoal_swarm_enter (self, SHOAL_TORRENT_FAILED);
  shoal_engine_activate (self->engine, self);
}

void
shoal_swarm_settle (ShoalSwarm *self)
{
  if (!shoal_swarm_is_complete (self))
    {
      self->downloading_since_start = TRUE;
      shoal_swarm_enter (self, SHOAL_TORRENT_DOWNLOADING);
      return;
    }
  /* The files of a part, and of a whole that was not seen to be finished, may not have their names
   * yet. */
  if (self->finish_wanted || !self->all_had || self->stamp == 0)
    {
      self->settling = self->state == SHOAL_TORRENT_CHECKING;
      shoal_swarm_finish (self);
      return;
    }
  shoal_swarm_enter (self, SHOAL_TORRENT_SEEDING);
}
