/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which program a peer runs, as far as its peer id tells. */

#pragma once

#include "shoal-handshake.h"

G_BEGIN_DECLS

/* (transfer full): name and version ("Transmission 4.0.5"), or the id's printable part, perhaps "";
 * always safe UTF-8. */
char *shoal_client_name (const ShoalPeerId *id);

G_END_DECLS
