/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots and infos: values that any thread may hold. */

#include "shoal-snapshot.h"

/* Whoever made one fills it in before anybody else gets a reference; from then on nothing in it
 * changes. */

ShoalTorrentInfo *
shoal_torrent_info_new (void)
{
  ShoalTorrentInfo *self = g_new0 (ShoalTorrentInfo, 1);

  self->ref_count = 1;
  return self;
}

ShoalTorrentInfo *
shoal_torrent_info_ref (ShoalTorrentInfo *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
shoal_torrent_info_unref (ShoalTorrentInfo *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  if (self->files != NULL)
    for (guint32 i = 0; i < self->n_files; i++)
      g_free (self->files[i].path);

  g_free (self->files);
  g_free (self->name);
  g_free (self->hash_v1);
  g_free (self->hash_v2);
  g_free (self->comment);
  g_free (self->magnet);
  g_free (self);
}

ShoalSnapshot *
shoal_snapshot_new (guint view,
                    guint n_torrents,
                    guint n_removed)
{
  ShoalSnapshot *self = g_new0 (ShoalSnapshot, 1);

  self->ref_count = 1;
  self->view = view;
  self->n_torrents = n_torrents;
  self->torrents = g_new0 (ShoalTorrentStats, n_torrents);
  self->n_removed = n_removed;
  self->removed = g_new0 (guint64, n_removed);

  for (guint i = 0; i < n_torrents; i++)
    self->torrents[i].eta_s = SHOAL_ETA_UNKNOWN;

  return self;
}

ShoalSnapshot *
shoal_snapshot_ref (ShoalSnapshot *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
shoal_snapshot_unref (ShoalSnapshot *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  for (guint i = 0; i < self->n_torrents; i++)
    {
      ShoalTorrentStats *stats = &self->torrents[i];

      g_free (stats->name);
      g_free (stats->dir);
      g_free (stats->hash);
      g_free (stats->detail);
      g_free (stats->tracker_error);
    }

  g_free (self->torrents);
  for (guint i = 0; i < self->n_trackers; i++)
    {
      g_free (self->trackers[i].url);
      g_free (self->trackers[i].error);
    }
  g_free (self->trackers);
  g_free (self->peers);
  g_free (self->removed);
  g_free (self);
}
