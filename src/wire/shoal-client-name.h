/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which program a peer runs, as far as its peer id tells (BEP 20 and what was before it). */

#pragma once

#include "shoal-handshake.h"

G_BEGIN_DECLS

/* (transfer full) (nullable): "qBittorrent 4.5.2", UTF-8; %NULL: the id tells nothing that is known. */
char *shoal_client_name (const ShoalPeerId *id);

/* How many programs are known. */
guint shoal_client_name_count (void);

G_END_DECLS
