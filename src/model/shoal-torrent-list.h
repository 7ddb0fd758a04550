/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All torrents of a session, in the order in which they were added. */

#pragma once

#include <gio/gio.h>
#include "shoal-torrent.h"

G_BEGIN_DECLS

/** ShoalTorrentChange: which kind of properties changed (bits); what a sorter or filter looks
 * at. */
typedef enum
{
  SHOAL_TORRENT_CHANGE_NONE     = 0,
  SHOAL_TORRENT_CHANGE_NAME     = 1 << 0,   /* name, hash, dir */
  SHOAL_TORRENT_CHANGE_STATE    = 1 << 1,   /* state, reason, detail, running, complete,
                                             * has-metadata, sequential, added, completed */
  SHOAL_TORRENT_CHANGE_SIZES    = 1 << 2,   /* sizes, progress, downloaded, uploaded, ratio */
  SHOAL_TORRENT_CHANGE_RATES    = 1 << 3,   /* rates, eta */
  SHOAL_TORRENT_CHANGE_PEERS    = 1 << 4,
  SHOAL_TORRENT_CHANGE_TRACKERS = 1 << 5,
} ShoalTorrentChange;

#define SHOAL_TYPE_TORRENT_LIST (shoal_torrent_list_get_type ())
G_DECLARE_FINAL_TYPE (ShoalTorrentList, shoal_torrent_list, SHOAL, TORRENT_LIST, GObject)

/**
 * ShoalTorrentList:
 *
 * A #GListModel of #ShoalTorrent, ordered by id. UI thread.
 *
 * Signal `changed (ShoalTorrentList *self, guint change)`: at most once a snapshot, after every
 * torrent in it has notified; @change is the union of their #ShoalTorrentChange. Sorters and
 * filters need to look only then. Additions and removals are told by GListModel::items-changed,
 * neighbours together.
 */

/* (transfer none) (nullable) */
ShoalTorrent *shoal_torrent_list_lookup (ShoalTorrentList *self, guint64 id);

G_END_DECLS
