/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a torrent is doing, in words. */

#pragma once

#include "shoal-snapshot.h"

G_BEGIN_DECLS

/* (transfer full): one translated line: "Downloading from 4 of 12 peers, 3.2 MB/s, 2 min left".
 * Where it does not go on, it says what is missing. */
char *shoal_status_text (const ShoalTorrentStats *stats);

G_END_DECLS
