/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outstanding requests of one link, in the order in which the answers are expected. */

/*
 * Peers answer in the order in which they were asked, so the answer that comes is nearly always the
 * ring's head and taking it costs a comparison. Anything else is found by a walk.
 */

#include "shoal-requests.h"

#include <string.h>

static inline gboolean
same_block (ShoalBlock a,
            ShoalBlock b)
{
  return a.piece == b.piece && a.block == b.block;
}

static inline ShoalRequest *
at (ShoalRequests *self,
    guint          index)
{
  return &self->live[(self->head + index) & (self->capacity - 1)];
}

void
shoal_requests_clear (ShoalRequests *self)
{
  g_free (self->live);
  g_free (self->late);
  memset (self, 0, sizeof *self);
}

static void
grow (ShoalRequests *self)
{
  guint capacity = MAX (self->capacity * 2, 16);
  ShoalRequest *live = g_new (ShoalRequest, capacity);

  for (guint i = 0; i < self->n_live; i++)
    live[i] = *at (self, i);
  g_free (self->live);
  self->live = live;
  self->capacity = capacity;
  self->head = 0;
}

void
shoal_requests_push (ShoalRequests *self,
                     ShoalBlock     block,
                     gint64         now_us)
{
  if (self->n_live == self->capacity)
    grow (self);
  *at (self, self->n_live) = (ShoalRequest){ block, now_us, self->n_live == 0 };
  self->n_live++;
}

static void
remove_live (ShoalRequests *self,
             guint          index)
{
  /* The gap is closed from the head's side, which is the short one. */
  for (guint i = index; i > 0; i--)
    *at (self, i) = *at (self, i - 1);
  self->head = (self->head + 1) & (self->capacity - 1);
  self->n_live--;
}

static void
add_late (ShoalRequests *self,
          ShoalBlock     block,
          gint64         now_us)
{
  if (self->n_late == SHOAL_LATE_MAX)
    {
      memmove (self->late, self->late + 1, (self->n_late - 1) * sizeof *self->late);
      self->n_late--;
    }
  if (self->n_late == self->late_capacity)
    {
      self->late_capacity = MAX (self->late_capacity * 2, 16);
      self->late = g_renew (ShoalRequest, self->late, self->late_capacity);
    }
  self->late[self->n_late++] = (ShoalRequest){ block, now_us, FALSE };
}

ShoalRequestKind
shoal_requests_take (ShoalRequests *self,
                     ShoalBlock     block,
                     ShoalRequest  *out)
{
  for (guint i = 0; i < self->n_live; i++)
    if (same_block (at (self, i)->block, block))
      {
        if (out != NULL)
          *out = *at (self, i);
        remove_live (self, i);
        return SHOAL_REQUEST_LIVE;
      }

  for (guint i = 0; i < self->n_late; i++)
    if (same_block (self->late[i].block, block))
      {
        memmove (self->late + i, self->late + i + 1, (self->n_late - i - 1) * sizeof *self->late);
        self->n_late--;
        return SHOAL_REQUEST_LATE;
      }

  return SHOAL_REQUEST_UNKNOWN;
}

gboolean
shoal_requests_drop (ShoalRequests *self,
                     ShoalBlock     block,
                     gint64         now_us)
{
  for (guint i = 0; i < self->n_live; i++)
    if (same_block (at (self, i)->block, block))
      {
        remove_live (self, i);
        add_late (self, block, now_us);
        return TRUE;
      }

  return FALSE;
}

gboolean
shoal_requests_drop_oldest (ShoalRequests *self,
                            ShoalBlock    *out,
                            gint64         now_us)
{
  if (self->n_live == 0)
    return FALSE;

  *out = at (self, 0)->block;
  remove_live (self, 0);
  add_late (self, *out, now_us);

  return TRUE;
}

void
shoal_requests_age (ShoalRequests *self,
                    gint64         now_us)
{
  guint n = 0;

  while (n < self->n_late && self->late[n].sent_us + SHOAL_LATE_US < now_us)
    n++;
  if (n == 0)
    return;
  memmove (self->late, self->late + n, (self->n_late - n) * sizeof *self->late);
  self->n_late -= n;
}
