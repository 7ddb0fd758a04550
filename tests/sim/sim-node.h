/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A real engine on a simulated machine. */

#pragma once

#include "shoal-config.h"
#include "shoal-engine.h"
#include "sim-disk.h"
#include "sim-world.h"

G_BEGIN_DECLS

/**
 * SimNode:
 *
 * One torrent a node is all that the scenarios need: `stats` and what follows are about it.
 */
typedef struct
{
  SimPeer           peer;
  ShoalHost         host;
  ShoalConfig       config;
  ShoalEngine      *engine;         /* (nullable): NULL while it is not running */
  SimDisk           disk;
  GPtrArray        *inputs;         /* of what waits for the next turn */
  GPtrArray        *requests;       /* under way */
  ShoalResume      *record;         /* (nullable): the last one saved */
  GBytes           *kept;           /* (nullable): the .torrent that was saved */
  SimTorrent       *torrent;
  guint64           id;
  gboolean          super_seeding;  /* what is added */
  gboolean          stopping;       /* no effect counts any more */

  /* What was told. */
  ShoalTorrentState state;
  ShoalReason       reason;
  gboolean          has_metadata;
  gboolean          complete;       /* event COMPLETE */
  gint64            complete_us;
  gboolean          quit;
  guint64           downloaded;     /* of the last snapshot, as the rest */
  guint64           uploaded;
  guint64           wasted;
  guint64           had;            /* bytes in verified pieces */
  guint             n_links;
  guint64           web_received;   /* bytes from web servers, of all runs */
  gint64            progress_us;    /* when anything was downloaded last */
} SimNode;

SimNode *sim_node_new        (SimWorld *world);
/* makes an engine and loads what was saved */
void     sim_node_start      (SimNode *self);
void     sim_node_add        (SimNode *self, SimTorrent *torrent, gboolean seed);
void     sim_node_add_uri    (SimNode *self, SimTorrent *torrent, const char *uri);
void     sim_node_add_peer   (SimNode *self, const ShoalAddr *addr);
/* START, PAUSE, RECHECK, QUIT, … of the torrent */
void     sim_node_command    (SimNode *self, ShoalCommandType type);
/* at once, nothing is saved; others see it go */
void     sim_node_kill       (SimNode *self);
/* every piece is on its disk */
gboolean sim_node_is_right   (SimNode *self);
guint32  sim_node_n_had      (SimNode *self);

G_END_DECLS
