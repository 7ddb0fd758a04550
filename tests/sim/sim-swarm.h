/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What most scenarios begin with: a torrent, a tracker, and who takes part. */

#pragma once

#include "sim-bot.h"
#include "sim-net.h"
#include "sim-node.h"
#include "sim-torrent.h"
#include "sim-tracker.h"

G_BEGIN_DECLS

typedef struct
{
  SimWorld   *world;
  SimTorrent *torrent;
  SimTracker *tracker;
  GPtrArray  *nodes;      /* of SimNode */
  GPtrArray  *bots;       /* of SimBot */
} SimSwarm;

/* A torrent of @n_pieces whose tracker lives at http://tracker.test/. */
SimSwarm *sim_swarm_new        (guint64 seed, guint32 piece_size, guint32 n_pieces);
/* the same of version 2 */
SimSwarm *sim_swarm_new_v2     (guint64 seed, guint32 piece_size, guint32 n_pieces);
void      sim_swarm_free       (SimSwarm *self);   /* the world too */
/* runs at once */
SimNode  *sim_swarm_add_node   (SimSwarm *self, gboolean seed, guint64 rate_up, guint64 rate_down);
/* without torrent, not running */
SimNode  *sim_swarm_new_node   (SimSwarm *self, guint64 rate_up, guint64 rate_down);
SimBot   *sim_swarm_add_bot    (SimSwarm *self, guint traits, guint64 rate_up, guint64 rate_down);
SimNode  *sim_swarm_node       (SimSwarm *self, guint index);
SimBot   *sim_swarm_bot        (SimSwarm *self, guint index);

/* Every node completed, and every bot that wants to. Fails the test if a node with peers got
 * nothing for ten minutes. */
gboolean  sim_swarm_is_done    (SimWorld *world, gpointer swarm);
/* Runs until then; fails the test, telling who is where, if the limit comes first. */
void      sim_swarm_run        (SimSwarm *self, gint64 limit_us);
/* Every piece is had by somebody but the first node, the seed. */
gboolean  sim_swarm_is_out     (SimSwarm *self);
/* Every complete node has the right bytes on its disk. */
void      sim_swarm_check_data (SimSwarm *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SimSwarm, sim_swarm_free)

G_END_DECLS
