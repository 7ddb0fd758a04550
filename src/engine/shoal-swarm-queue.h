/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may download now: the rest waits as QUEUED. */

#pragma once

#include "shoal-swarm-private.h"

G_BEGIN_DECLS

/* Moves torrents in and out of QUEUED, oldest first, after a state or the limit changed. No effect
 * without a limit. */
void     shoal_swarm_queue_update (ShoalEngine *engine);
/* Whether one more torrent that has something to fetch may work now. */
gboolean shoal_swarm_queue_has_room (ShoalEngine *engine, const ShoalSwarm *besides);

G_END_DECLS
