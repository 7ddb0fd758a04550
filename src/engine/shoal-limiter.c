/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Byte budgets up and down: the whole session, and each torrent. */

/* Links that found no budget stand in one queue a direction, in the session's limiter. A turn calls
 * as many of them as the budget feeds, from the front; a link whose own torrent is short keeps its
 * place and does not hold up the others. Whoever was called goes before those who come by chance,
 * until it has spent something.
 * Bytes are spent when they have passed, not when they are granted, so that a budget may run into
 * debt for a moment; the bucket pays that back. Engine thread only. */

#include "shoal-limiter.h"
#include "shoal-timers.h"

#define LEAST_GRANT 4096u                                  /* bytes: fewer are not worth a system
                                                            * call */
#define LEAST_WAIT  (5 * (gint64) G_TIME_SPAN_MILLISECOND) /* those called need time to spend what
                                                            * they got */

void
shoal_limiter_init (ShoalLimiter *self)
{
  g_return_if_fail (self != NULL);

  *self = (ShoalLimiter){ 0 };
  shoal_node_init (&self->waiting[SHOAL_DOWN]);
  shoal_node_init (&self->waiting[SHOAL_UP]);
}

void
shoal_limiter_set (ShoalLimiter   *self,
                   ShoalDirection  direction,
                   guint64         rate,
                   gint64          now_us)
{
  g_return_if_fail (self != NULL);

  shoal_bucket_set_rate (&self->buckets[direction], rate, now_us);
}

void
shoal_limiter_wait_init (ShoalLimiterWait *wait,
                         gpointer          owner)
{
  g_return_if_fail (wait != NULL);

  *wait = (ShoalLimiterWait){ .owner = owner };
  shoal_node_init (&wait->node);
}

void
shoal_limiter_wait_end (ShoalLimiterWait *wait)
{
  g_return_if_fail (wait != NULL);

  shoal_node_unlink (&wait->node);
  wait->called = FALSE;
}

static guint64
ready (ShoalLimiter   *session,
       ShoalLimiter   *torrent,
       ShoalDirection  direction,
       gint64          now_us)
{
  guint64 bytes = shoal_bucket_ready (&session->buckets[direction], now_us);

  if (torrent != NULL)
    bytes = MIN (bytes, shoal_bucket_ready (&torrent->buckets[direction], now_us));

  return bytes;
}

guint64
shoal_limiter_ask (ShoalLimiter     *session,
                   ShoalLimiter     *torrent,
                   ShoalDirection    direction,
                   guint64           want,
                   ShoalLimiterWait *wait,
                   gint64            now_us)
{
  ShoalNode *queue = &session->waiting[direction];
  guint64 bytes = ready (session, torrent, direction, now_us);
  gboolean others = shoal_node_is_linked (queue) && !wait->called;

  if (want == 0)
    return 0;

  if (bytes != G_MAXUINT64
      && (bytes < MIN (want, LEAST_GRANT)
          || (others && (bytes < SHOAL_LIMITER_QUANTUM || bytes - SHOAL_LIMITER_QUANTUM < want))))
    {
      wait->torrent = torrent;
      wait->want = want;
      /* Others were quicker than one whose turn it was: it is the first to be called again. */
      if (wait->called)
        shoal_node_append (queue->next, &wait->node);
      else if (!shoal_node_is_linked (&wait->node))
        shoal_node_append (queue, &wait->node);
      wait->called = FALSE;
      return 0;
    }

  /* Its turn lasts until it has spent something: links ask more than once before bytes pass. */
  shoal_node_unlink (&wait->node);
  if (wait->called && bytes != G_MAXUINT64)
    bytes = MIN (bytes, SHOAL_LIMITER_QUANTUM);

  return MIN (want, bytes);
}

void
shoal_limiter_spend (ShoalLimiter     *session,
                     ShoalLimiter     *torrent,
                     ShoalDirection    direction,
                     guint64           bytes,
                     ShoalLimiterWait *wait)
{
  if (bytes > 0)
    wait->called = FALSE;
  shoal_bucket_take (&session->buckets[direction], bytes);
  if (torrent != NULL)
    shoal_bucket_take (&torrent->buckets[direction], bytes);
}

/* Moves those whose turn it is from the queue to @called; returns when to look again. */
static gint64
choose (ShoalLimiter   *session,
        ShoalDirection  direction,
        ShoalNode      *called,
        gint64          now_us)
{
  ShoalBucket *bucket = &session->buckets[direction];
  guint64 budget = shoal_bucket_ready (bucket, now_us);
  gint64 at_us = SHOAL_NEVER;

  SHOAL_NODE_FOREACH (node, &session->waiting[direction])
    {
      ShoalLimiterWait *wait = SHOAL_NODE_OWNER (node, ShoalLimiterWait, node);
      guint64 least = MIN (wait->want, LEAST_GRANT);
      guint64 own = wait->torrent != NULL
                      ? shoal_bucket_ready (&wait->torrent->buckets[direction], now_us)
                      : G_MAXUINT64;

      if (own < least)
        {
          at_us = MIN (at_us,
                       shoal_bucket_when (&wait->torrent->buckets[direction], least, now_us));
          continue;
        }
      if (budget < least)
        {
          at_us = MIN (at_us, shoal_bucket_when (bucket, least, now_us));
          break;
        }
      if (budget != G_MAXUINT64)
        budget -= MIN (budget, MIN (wait->want, SHOAL_LIMITER_QUANTUM));
      wait->called = TRUE;
      shoal_node_append (called, node);
    }

  return at_us == SHOAL_NEVER ? SHOAL_NEVER : MAX (at_us, now_us + LEAST_WAIT);
}

gint64
shoal_limiter_turn (ShoalLimiter *session,
                    void        (*func) (gpointer owner, ShoalDirection direction),
                    gint64        now_us)
{
  static const ShoalDirection directions[] = { SHOAL_DOWN, SHOAL_UP };
  gint64 at_us = SHOAL_NEVER;

  g_return_val_if_fail (session != NULL && func != NULL, SHOAL_NEVER);

  for (guint i = 0; i < G_N_ELEMENTS (directions); i++)
    {
      gint64 when_us;
      ShoalNode called;

      shoal_node_init (&called);
      when_us = choose (session, directions[i], &called, now_us);
      at_us = MIN (at_us, when_us);

      /* @func may end any link, also one that is yet to be called. */
      while (shoal_node_is_linked (&called))
        {
          ShoalLimiterWait *wait = SHOAL_NODE_OWNER (called.next, ShoalLimiterWait, node);

          shoal_node_unlink (&wait->node);
          if (wait->go_on != NULL)
            wait->go_on (wait->owner);
          else
            func (wait->owner, directions[i]);
        }

      /* Somebody who was called may stand in the queue again. */
      if (when_us == SHOAL_NEVER && shoal_node_is_linked (&session->waiting[directions[i]]))
        at_us = MIN (at_us, now_us + LEAST_WAIT);
    }

  return at_us;
}
