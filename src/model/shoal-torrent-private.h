/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How snapshots get into a torrent; for the session, the list and tests. */

#pragma once

#include "shoal-snapshot.h"
#include "shoal-torrent.h"
#include "shoal-torrent-list.h"

G_BEGIN_DECLS

ShoalTorrent       *shoal_torrent_new         (const ShoalTorrentStats *stats);
/* Notifies what differs. */
ShoalTorrentChange  shoal_torrent_apply       (ShoalTorrent *self, const ShoalTorrentStats *stats);
/* The same for a state that is told ahead of the next snapshot. */
ShoalTorrentChange  shoal_torrent_apply_state (ShoalTorrent *self, ShoalTorrentState state,
                                               ShoalReason reason, const char *detail);

G_END_DECLS
