/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may download from us: the choking of Legout et al. (IMC 2006), as leecher and as seed. */

#pragma once

#include "shoal-rng.h"

G_BEGIN_DECLS

#define SHOAL_CHOKE_ROUND_US     (10 * G_USEC_PER_SEC)
#define SHOAL_CHOKE_OPTIMISTIC_ROUNDS 3u    /* rounds between two draws of the optimistic unchoke as
                                             * leecher */
#define SHOAL_CHOKE_SLOTS_MIN    4u
#define SHOAL_CHOKE_SLOT_RATE    2048u      /* bytes a second that every slot has to move before
                                             * there is one more */

/**
 * ShoalChokePeer:
 *
 * One connected peer as the choker sees it; @unchoke is the result.
 */
typedef struct
{
  gpointer link;
  gboolean interested;
  gboolean unchoked;          /* now */
  gboolean snubbed;           /* owed us blocks and sent none for 60 s: no regular slot */
  guint64  rate_down;         /* bytes a second that it sends us, over 20 s */
  guint64  rate_up;
  gint64   unchoked_us;       /* when it was last unchoked; 0: never */
  gint64   connected_us;
  gboolean unchoke;
} ShoalChokePeer;

typedef struct
{
  guint    round;             /* counted from 0 */
  guint    slots;
  gpointer optimistic;        /* the link that has the optimistic slot */
  guint64  best_rate_up;      /* best upload rate seen, decaying */
} ShoalChoker;

void  shoal_choker_init   (ShoalChoker *self);
/* The link is going: forget it. */
void  shoal_choker_forget (ShoalChoker *self, gpointer link);

/**
 * shoal_choker_round:
 * @regular: the ten-second round; FALSE: an extra one because somebody became (un)interested or
 * left, which draws nobody anew unless a slot is free
 * @limit_up: of this torrent or session, 0: none
 * @rate_up: of all peers together
 *
 * Sets `unchoke` of every peer.
 */
void  shoal_choker_round  (ShoalChoker *self, ShoalChokePeer *peers, guint n, gboolean seeding,
                           gboolean regular, guint slots_min, guint64 rate_up, guint64 limit_up,
                           ShoalRng *rng, gint64 now_us);

/**
 * shoal_choker_grow:
 *
 * To be called every second between rounds: a swarm of fast peers is over before ten-second rounds
 * have opened enough slots. The rate and the limit are those of shoal_choker_round().
 *
 * Returns: whether there is one slot more: an extra round fills it
 */
gboolean shoal_choker_grow (ShoalChoker *self, const ShoalChokePeer *peers, guint n,
                            guint64 rate_up, guint64 limit_up);

G_END_DECLS
