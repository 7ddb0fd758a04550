/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How snapshots get into the list; for the session and tests. */

#pragma once

#include "shoal-snapshot.h"
#include "shoal-torrent-list.h"

G_BEGIN_DECLS

ShoalTorrentList *shoal_torrent_list_new         (void);
void              shoal_torrent_list_apply       (ShoalTorrentList *self,
                                                  const ShoalSnapshot *snapshot);
void              shoal_torrent_list_apply_state (ShoalTorrentList *self, guint64 id,
                                                  ShoalTorrentState state, ShoalReason reason,
                                                  const char *detail);
/* Nothing happens if there is none. */
void              shoal_torrent_list_remove      (ShoalTorrentList *self, guint64 id);

G_END_DECLS
