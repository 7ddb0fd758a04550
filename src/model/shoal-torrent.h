/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One torrent, as the user sees it. */

#pragma once

#include <glib-object.h>
#include "shoal-terms.h"

G_BEGIN_DECLS

#define SHOAL_TYPE_TORRENT (shoal_torrent_get_type ())
G_DECLARE_FINAL_TYPE (ShoalTorrent, shoal_torrent, SHOAL, TORRENT, GObject)

/**
 * ShoalTorrent:
 *
 * UI thread. Made by #ShoalSession when the engine first tells about it. Every property is
 * read-only and notifies when its value has changed, at most once a snapshot:
 *
 * - `id` (uint64, never changes), `hash` (string, 40 hex), `name`, `dir` (string)
 * - `state` (uint, a #ShoalTorrentState), `reason` (uint, a #ShoalReason), `detail` (string,
 *   nullable, technical)
 * - `running` (boolean): neither paused nor failed: the button pauses it, else it starts it
 * - `has-metadata`, `complete`, `sequential` (boolean)
 * - `progress` (double, 0 … 1): of checking while that goes on, of the metadata before they are
 *   known, else of the wanted bytes
 * - `total-size`, `wanted-size`, `done-size`, `downloaded`, `uploaded` (uint64): bytes
 * - `ratio` (double): uploaded for each byte that was had
 * - `rate-down`, `rate-up` (uint64): bytes a second
 * - `n-peers`, `n-sending`, `n-receiving`, `n-seeds`, `n-known` (uint)
 * - `eta` (int64): seconds left or SHOAL_ETA_UNKNOWN
 * - `tracker-state` (uint, a #ShoalTrackerState), `tracker-error` (string, nullable)
 * - `tracker-seeds`, `tracker-leechers`, `tracker-completed` (int64): as a tracker counts them; -1:
 *   not known
 * - `added`, `completed` (int64): seconds since 1970; 0: not known, not yet
 * - `status-text` (string): one translated line in words: "Downloading from 4 of 12 peers, 3.2
 *   MB/s, 2 min left"
 */

guint64           shoal_torrent_get_id          (ShoalTorrent *self);
const char       *shoal_torrent_get_name        (ShoalTorrent *self);
const char       *shoal_torrent_get_dir         (ShoalTorrent *self);
const char       *shoal_torrent_get_hash        (ShoalTorrent *self);
ShoalTorrentState shoal_torrent_get_state       (ShoalTorrent *self);
ShoalReason       shoal_torrent_get_reason      (ShoalTorrent *self);
const char       *shoal_torrent_get_detail      (ShoalTorrent *self);   /* (nullable) */
gboolean          shoal_torrent_get_running     (ShoalTorrent *self);
gboolean          shoal_torrent_get_complete    (ShoalTorrent *self);
gboolean          shoal_torrent_get_has_metadata (ShoalTorrent *self);
double            shoal_torrent_get_progress    (ShoalTorrent *self);
guint64           shoal_torrent_get_wanted_size (ShoalTorrent *self);
guint64           shoal_torrent_get_done_size   (ShoalTorrent *self);
guint64           shoal_torrent_get_downloaded  (ShoalTorrent *self);
guint64           shoal_torrent_get_uploaded    (ShoalTorrent *self);
double            shoal_torrent_get_ratio       (ShoalTorrent *self);
guint64           shoal_torrent_get_rate_down   (ShoalTorrent *self);
guint64           shoal_torrent_get_rate_up     (ShoalTorrent *self);
guint             shoal_torrent_get_n_peers     (ShoalTorrent *self);
guint             shoal_torrent_get_n_sending   (ShoalTorrent *self);
guint             shoal_torrent_get_n_receiving (ShoalTorrent *self);
guint             shoal_torrent_get_n_seeds     (ShoalTorrent *self);
gint64            shoal_torrent_get_tracker_seeds (ShoalTorrent *self);
gint64            shoal_torrent_get_tracker_leechers (ShoalTorrent *self);
gint64            shoal_torrent_get_tracker_completed (ShoalTorrent *self);
gint64            shoal_torrent_get_eta         (ShoalTorrent *self);
gint64            shoal_torrent_get_added       (ShoalTorrent *self);
const char       *shoal_torrent_get_status_text (ShoalTorrent *self);

G_END_DECLS
