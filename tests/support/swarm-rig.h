/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A look into the torrent of a rig. */

#pragma once

#include "rig.h"
#include "shoal-link-private.h"

G_BEGIN_DECLS

static inline ShoalSwarm *
swarm_of (Rig *rig)
{
  return shoal_engine_find (rig->engine, rig->id);
}

static inline gboolean
is_banned (const RigBot *bot)
{
  return shoal_peerbook_is_banned (swarm_of (bot->rig)->book, &bot->addr);
}

G_END_DECLS
