/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Byte budgets up and down: the whole session, and each torrent. */

#pragma once

#include "shoal-list.h"
#include "shoal-rate.h"

G_BEGIN_DECLS

typedef enum { SHOAL_DOWN, SHOAL_UP } ShoalDirection;

#define SHOAL_LIMITER_QUANTUM 16384u   /* bytes that a waiting link gets at once at most, so that
                                        * links take turns */

/**
 * ShoalLimiter:
 *
 * A bucket for each direction. A torrent has one of its own beside the session's; both have to
 * allow. Peers on the local network are exempt: the caller does not ask for them.
 */
typedef struct
{
  ShoalBucket buckets[2];
  ShoalNode   waiting[2];    /* of the session's: links that wait for their turn */
} ShoalLimiter;

/**
 * ShoalLimiterWait:
 * @called: it is its turn, until it has spent something
 * @torrent: (nullable): whose budget it needs, too; outlives the wait
 * @want: bytes it asked for
 * @go_on: (nullable): called with @owner in place of what shoal_limiter_turn() is given
 *
 * A link's place in the queue of those waiting in one direction; lies inside the link.
 */
typedef struct
{
  ShoalNode     node;
  gpointer      owner;
  gboolean      called;
  ShoalLimiter *torrent;
  guint64       want;
  void        (*go_on) (gpointer owner);
} ShoalLimiterWait;

void    shoal_limiter_init     (ShoalLimiter *self);
/* After it, shoal_limiter_turn() is due: those who wait may go on at once. */
void    shoal_limiter_set      (ShoalLimiter *self, ShoalDirection direction, guint64 rate,
                                gint64 now_us);

/**
 * shoal_limiter_ask:
 * @torrent: (nullable): the torrent's own limiter
 *
 * How many of @want bytes may pass now. 0 puts @wait in the session's queue, to be called by
 * shoal_limiter_turn(). A link that is not waiting gets nothing while others wait and the budget is
 * short. Asking takes nothing away: a link may ask again before bytes pass.
 */
guint64 shoal_limiter_ask      (ShoalLimiter *session, ShoalLimiter *torrent,
                                ShoalDirection direction, guint64 want, ShoalLimiterWait *wait,
                                gint64 now_us);
void    shoal_limiter_spend    (ShoalLimiter *session, ShoalLimiter *torrent,
                                ShoalDirection direction, guint64 bytes, ShoalLimiterWait *wait);
void    shoal_limiter_wait_init (ShoalLimiterWait *wait, gpointer owner);
void    shoal_limiter_wait_end (ShoalLimiterWait *wait);   /* the link is going */

/* Takes those who may go on now off the queue and calls @func for each; returns when to call again
 * (SHOAL_NEVER: nobody waits). */
gint64  shoal_limiter_turn     (ShoalLimiter *session, void (*func) (gpointer owner,
                                ShoalDirection direction), gint64 now_us);

G_END_DECLS
