/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What others see of a torrent: its numbers, and what is known of it. */

#include "shoal-link-private.h"

static gint64
eta (ShoalSwarm *self,
     guint64     left,
     guint64     rate)
{
  if (self->state != SHOAL_TORRENT_DOWNLOADING || rate == 0)
    return SHOAL_ETA_UNKNOWN;

  return (gint64) ((left + rate - 1) / rate);
}

void
shoal_swarm_fill_stats (ShoalSwarm        *self,
                        ShoalTorrentStats *out)
{
  gint64 now_us = shoal_swarm_now (self);
  const char *error = shoal_announcer_error (self->announcer);

  out->id = self->id;
  out->serial = self->serial;
  out->name = g_strdup (self->name);
  out->dir = g_strdup (self->dir);
  out->hash = shoal_hex (self->keys[0].bytes, SHOAL_SHA1_SIZE);
  out->state = self->state;
  out->reason = self->reason;
  out->detail = g_strdup (self->detail);
  out->has_metadata = self->has_metadata;
  out->total_size = self->total_size;
  out->wanted_size = self->wanted_size;
  out->wanted_had = shoal_swarm_wanted_had (self);
  out->complete = self->state == SHOAL_TORRENT_SEEDING
                  || (self->has_metadata && out->wanted_had == out->wanted_size && self->all_had);
  out->check_progress = self->check_total > 0 ? (double) self->check_done / self->check_total : 0;
  out->metadata_progress = shoal_swarm_metadata_progress (self);
  out->downloaded = self->downloaded;
  out->uploaded = self->uploaded;
  out->wasted = self->wasted;
  if (shoal_swarm_is_live (self))
    {
      out->rate_down = shoal_rate_get (&self->rate_down, now_us);
      out->rate_up = shoal_rate_get (&self->rate_up, now_us);
    }
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (!shoal_link_is_live (link))
        continue;
      out->n_links++;
      out->n_sending += shoal_rate_get (&link->rate_down, now_us) > 0 ? 1 : 0;
      out->n_receiving += shoal_rate_get (&link->rate_up, now_us) > 0 ? 1 : 0;
      out->n_seeds += shoal_link_is_seed (link) ? 1 : 0;
    }
  out->n_web_seeds = shoal_swarm_web_working (self);
  out->n_known = shoal_peerbook_size (self->book);
  out->eta_s = eta (self, out->wanted_size - out->wanted_had, out->rate_down);
  out->tracker_state = shoal_announcer_state (self->announcer);
  out->tracker_error = g_strdup (error);
  if (self->engine->config.use_trackers && !self->engine->quitting)
    shoal_announcer_look (self->announcer, now_us);
  out->tracker_seeds = shoal_announcer_seeds (self->announcer);
  out->tracker_leechers = shoal_announcer_leechers (self->announcer);
  out->tracker_completed = shoal_announcer_downloads (self->announcer);
  out->added_s = self->added_s;
  out->completed_s = self->completed_s;
  out->sequential = self->sequential;
  out->super_seeding = self->super_seeding;
}

ShoalTorrentInfo *
shoal_swarm_info (ShoalSwarm *self)
{
  ShoalTorrentInfo *info = shoal_torrent_info_new ();
  ShoalMetainfo *metainfo = self->metainfo;

  info->name = g_strdup (self->name);
  if (self->hash.has_v1)
    info->hash_v1 = shoal_hex (self->hash.v1.bytes, SHOAL_SHA1_SIZE);
  if (self->hash.has_v2)
    info->hash_v2 = shoal_hex (self->hash.v2.bytes, SHOAL_SHA256_SIZE);
  info->total_size = self->total_size;
  info->n_pieces = self->n_pieces;
  info->is_private = self->is_private;
  if (metainfo == NULL)
    {
      info->magnet = g_strdup (self->magnet);
      return info;
    }
  info->piece_size = metainfo->layout->piece_size;
  info->comment = g_strdup (metainfo->comment);
  info->magnet = shoal_metainfo_to_magnet (metainfo);
  info->n_files = metainfo->layout->n_files;
  info->files = g_new0 (ShoalFileInfo, MAX (info->n_files, 1));
  for (guint32 i = 0; i < info->n_files; i++)
    {
      info->files[i].path = g_strdup (metainfo->files[i].path);
      info->files[i].size = metainfo->layout->file_size[i];
      info->files[i].flags = (ShoalFileInfoFlags) metainfo->files[i].flags;
    }

  return info;
}

void
shoal_swarm_tell_info (ShoalSwarm *self,
                       guint64     serial)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_INFO);

  event->serial = serial;
  event->id = self->id;
  event->info = shoal_swarm_info (self);
  shoal_engine_tell (self->engine, event);
}
