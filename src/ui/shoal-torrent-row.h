/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One torrent in the window's list. */

#pragma once

#include <gtk/gtk.h>

#include "shoal-torrent.h"

G_BEGIN_DECLS

#define SHOAL_TYPE_TORRENT_ROW (shoal_torrent_row_get_type ())
G_DECLARE_FINAL_TYPE (ShoalTorrentRow, shoal_torrent_row, SHOAL, TORRENT_ROW, GtkWidget)

/**
 * ShoalTorrentRow:
 *
 * Follows the #ShoalTorrent in its property `torrent` (nullable). Its actions `torrent.pause`,
 * `torrent.start`, `torrent.toggle`, `torrent.open-folder`, `torrent.copy-magnet`, `torrent.verify`
 * and `torrent.remove` activate `win.pause` and so on with the torrent's id; `torrent.menu` shows
 * them as a menu.
 */

GtkWidget    *shoal_torrent_row_new         (void);
/* (transfer none) (nullable) */
ShoalTorrent *shoal_torrent_row_get_torrent (ShoalTorrentRow *self);
void          shoal_torrent_row_set_torrent (ShoalTorrentRow *self, ShoalTorrent *torrent);

G_END_DECLS
