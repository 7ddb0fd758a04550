/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timers without a clock: an intrusive 4-ary heap of deadlines. */

/*
 * heap[i]->index == i + 1 for every armed timer, but for those armed for a time already due while
 * shoal_timers_expire() runs. These would be called again in the same turn, for ever if each arms
 * itself again; they wait in @late, with LATE_BIT in their index, and join the heap afterwards.
 * Engine thread only; timers belong to their owners.
 */

#include "shoal-timers.h"

#define ARITY          4
#define FIRST_CAPACITY 16           /* timers */
#define LATE_BIT       0x80000000u  /* in ShoalTimer.index */

struct _ShoalTimers
{
  ShoalTimer **heap;
  guint        n;
  guint        capacity;
  guint64      next_serial;
  GPtrArray   *late;           /* of ShoalTimer, borrowed; only filled while expiring */
  gint64       expiring_us;
  gboolean     is_expiring;
};

static gboolean
is_before (const ShoalTimer *a,
           const ShoalTimer *b)
{
  return a->at_us != b->at_us ? a->at_us < b->at_us : a->serial < b->serial;
}

static void
place (ShoalTimers *self,
       guint        at,
       ShoalTimer  *timer)
{
  self->heap[at] = timer;
  timer->index = at + 1;
}

/* Moves the hole at @at towards the root until @timer fits in it. */
static void
sift_up (ShoalTimers *self,
         guint        at,
         ShoalTimer  *timer)
{
  while (at > 0)
    {
      guint parent = (at - 1) / ARITY;

      if (!is_before (timer, self->heap[parent]))
        break;
      place (self, at, self->heap[parent]);
      at = parent;
    }
  place (self, at, timer);
}

/* Moves the hole at @at towards the leaves until @timer fits in it. */
static void
sift_down (ShoalTimers *self,
           guint        at,
           ShoalTimer  *timer)
{
  while (TRUE)
    {
      guint first = at * ARITY + 1;
      guint end = MIN (first + ARITY, self->n);
      guint best = first;

      if (first >= self->n)
        break;
      for (guint child = first + 1; child < end; child++)
        {
          if (is_before (self->heap[child], self->heap[best]))
            best = child;
        }
      if (!is_before (self->heap[best], timer))
        break;
      place (self, at, self->heap[best]);
      at = best;
    }
  place (self, at, timer);
}

static void
heap_insert (ShoalTimers *self,
             ShoalTimer  *timer)
{
  if (self->n == self->capacity)
    {
      self->capacity = MAX (self->capacity * 2, FIRST_CAPACITY);
      self->heap = g_renew (ShoalTimer *, self->heap, self->capacity);
    }

  sift_up (self, self->n++, timer);
}

static void
heap_remove (ShoalTimers *self,
             guint        at)
{
  ShoalTimer *last = self->heap[--self->n];

  if (at == self->n)
    return;

  if (at > 0 && is_before (last, self->heap[(at - 1) / ARITY]))
    sift_up (self, at, last);
  else
    sift_down (self, at, last);
}

static void
late_remove (ShoalTimers *self,
             guint        at)
{
  g_ptr_array_remove_index_fast (self->late, at);
  if (at < self->late->len)
    ((ShoalTimer *) self->late->pdata[at])->index = at | LATE_BIT;
}

ShoalTimers *
shoal_timers_new (void)
{
  ShoalTimers *self = g_new0 (ShoalTimers, 1);

  self->late = g_ptr_array_new ();

  return self;
}

void
shoal_timers_free (ShoalTimers *self)
{
  if (self == NULL)
    return;

  g_return_if_fail (!self->is_expiring);

  for (guint i = 0; i < self->n; i++)
    self->heap[i]->index = 0;
  g_ptr_array_unref (self->late);
  g_free (self->heap);
  g_free (self);
}

void
shoal_timer_init (ShoalTimer    *timer,
                  ShoalTimerFunc func,
                  gpointer       owner)
{
  g_return_if_fail (timer != NULL);
  g_return_if_fail (func != NULL);

  *timer = (ShoalTimer){ .at_us = SHOAL_NEVER, .func = func, .owner = owner };
}

void
shoal_timers_arm (ShoalTimers *self,
                  ShoalTimer  *timer,
                  gint64       at_us)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (timer != NULL);
  g_return_if_fail (timer->func != NULL);

  shoal_timers_disarm (self, timer);
  if (at_us == SHOAL_NEVER)
    return;

  timer->at_us = at_us;
  timer->serial = self->next_serial++;

  if (self->is_expiring && at_us <= self->expiring_us)
    {
      timer->index = self->late->len | LATE_BIT;
      g_ptr_array_add (self->late, timer);
    }
  else
    {
      heap_insert (self, timer);
    }
}

void
shoal_timers_disarm (ShoalTimers *self,
                     ShoalTimer  *timer)
{
  guint index;

  g_return_if_fail (self != NULL);
  g_return_if_fail (timer != NULL);

  index = timer->index;
  if (index == 0)
    return;

  if ((index & LATE_BIT) != 0)
    {
      g_assert (self->late->pdata[index & ~LATE_BIT] == timer);
      late_remove (self, index & ~LATE_BIT);
    }
  else
    {
      g_assert (index <= self->n && self->heap[index - 1] == timer);
      heap_remove (self, index - 1);
    }
  timer->index = 0;
}

void
shoal_timers_expire (ShoalTimers *self,
                     gint64       now_us)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (!self->is_expiring);

  self->is_expiring = TRUE;
  self->expiring_us = now_us;

  while (self->n > 0 && self->heap[0]->at_us <= now_us)
    {
      ShoalTimer *timer = self->heap[0];

      heap_remove (self, 0);
      timer->index = 0;
      timer->func (timer->owner, now_us);   /* may free the timer */
    }

  for (guint i = 0; i < self->late->len; i++)
    heap_insert (self, self->late->pdata[i]);
  g_ptr_array_set_size (self->late, 0);
  self->is_expiring = FALSE;
}

gint64
shoal_timers_next (const ShoalTimers *self)
{
  gint64 next_us;

  g_return_val_if_fail (self != NULL, SHOAL_NEVER);

  next_us = self->n > 0 ? self->heap[0]->at_us : SHOAL_NEVER;
  for (guint i = 0; i < self->late->len; i++)
    next_us = MIN (next_us, ((const ShoalTimer *) self->late->pdata[i])->at_us);

  return next_us;
}
