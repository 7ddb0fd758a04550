/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A cheap scripted peer that speaks the wire format. */

#pragma once

#include "shoal-bitfield.h"
#include "sim-torrent.h"
#include "sim-tracker.h"
#include "sim-world.h"

G_BEGIN_DECLS

typedef enum
{
  SIM_BOT_SEED       = 1 << 0,
  SIM_BOT_FREE_RIDER = 1 << 1,   /* never unchokes */
  SIM_BOT_STALLER    = 1 << 2,   /* takes requests; answers while @answers_left */
  SIM_BOT_POISONER   = 1 << 3,   /* every block it sends is wrong in one byte */
  SIM_BOT_INSATIABLE = 1 << 4,   /* forgets what it got: always interested, never complete */
  SIM_BOT_DEAF       = 1 << 5,   /* accepts connections and dials nobody */
} SimBotTraits;

/**
 * SimBot:
 *
 * Downloads piece by piece, the rarer of a few by chance, from peers that it heard of at the
 * tracker; unchokes four, those that gave most and one by chance. No extensions.
 */
typedef struct
{
  SimPeer        peer;
  SimTorrent    *torrent;
  SimTracker    *tracker;        /* (nullable) */
  guint          traits;         /* SimBotTraits */
  guint          n_dials;        /* connections it tries to have */
  gint64         answers_left;   /* of a staller: blocks */
  guint          lies_every;     /* of a poisoner: only one block of so many is wrong; 0: all are */
  guint          n_lies;
  guint          n_given;        /* blocks */
  ShoalBitfield *had;
  guint16       *copies;
  guint8        *fetching;       /* links that fetch the piece */
  gint64         round_us;       /* next choke round */
  gint64         done_us;        /* when it was complete; 0: not yet */
  guint64        given;          /* bytes of blocks */
  guint64        got;
  guint64        n_wrong;        /* pieces */
} SimBot;

SimBot *sim_bot_new  (SimWorld *world, SimTorrent *torrent, SimTracker *tracker, guint traits);
void    sim_bot_dial (SimBot *self, const ShoalAddr *addr);
void    sim_bot_kill (SimBot *self);   /* for good, and nobody hears of it */

G_END_DECLS
