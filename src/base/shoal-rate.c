/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A rate estimator over slots of a second, and a token bucket. */

/*
 * ShoalRate: slot i holds the bytes of the newest second s <= @slot_s with s % window_s == i, so
 * their sum is what passed in the last window_s - 1 whole seconds and in the current one.
 *
 * ShoalBucket: the level is brought up to date when it is asked for. Whole bytes only are added,
 * and @filled_us moves by the time that these took; steps of less than a millisecond are left
 * to add up, because the rounding of many tiny steps would be felt.
 */

#include "shoal-rate.h"

#include <string.h>

#define MIN_WINDOW_S 2
#define BUCKET_PARTS 4                                  /* of a second that a full bucket lasts */
#define MIN_BUCKET   (16 * 1024)                        /* bytes */
#define MAX_RATE     (G_GUINT64_CONSTANT (1) << 40)     /* bytes a second; products fit 64 bits */
#define MIN_STEP_US  1000
#define MAX_STEP_US  (3600 * (gint64) G_USEC_PER_SEC)   /* the next call adds what is over */

/* Empties the slots of the seconds that have gone by. Time that runs backwards changes nothing. */
static void
rate_advance (ShoalRate *self,
              gint64     now_s)
{
  if (now_s <= self->slot_s)
    return;

  if (now_s - self->slot_s >= self->window_s)
    {
      memset (self->slots, 0, sizeof self->slots);
    }
  else
    {
      for (gint64 s = self->slot_s + 1; s <= now_s; s++)
        self->slots[s % self->window_s] = 0;
    }
  self->slot_s = now_s;
}

void
shoal_rate_init (ShoalRate *self,
                 guint      window_s)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (window_s >= MIN_WINDOW_S && window_s <= SHOAL_RATE_MAX_WINDOW);

  *self = (ShoalRate){ .window_s = (guint8) window_s };
}

void
shoal_rate_add (ShoalRate *self,
                guint64    bytes,
                gint64     now_us)
{
  guint32 *slot;

  g_return_if_fail (self != NULL);
  g_return_if_fail (self->window_s != 0);

  if (bytes == 0)
    return;

  rate_advance (self, now_us / G_USEC_PER_SEC);
  if (self->started_s == 0)
    self->started_s = MAX (self->slot_s, 1);

  self->total += bytes;
  slot = &self->slots[self->slot_s % self->window_s];
  *slot += (guint32) MIN (bytes, G_MAXUINT32 - *slot);
}

guint64
shoal_rate_get (ShoalRate *self,
                gint64     now_us)
{
  guint64 sum = 0;
  gint64 window_us;
  gint64 passed_us;

  g_return_val_if_fail (self != NULL, 0);
  g_return_val_if_fail (self->window_s != 0, 0);

  rate_advance (self, now_us / G_USEC_PER_SEC);
  for (guint i = 0; i < self->window_s; i++)
    sum += self->slots[i];
  if (sum == 0)
    return 0;

  now_us = MAX (now_us, self->slot_s * G_USEC_PER_SEC);
  window_us = (self->window_s - 1) * G_USEC_PER_SEC + now_us % G_USEC_PER_SEC;
  passed_us = now_us - self->started_s * G_USEC_PER_SEC;

  return sum * G_USEC_PER_SEC / (guint64) CLAMP (passed_us, G_USEC_PER_SEC, window_us);
}

static gint64
bucket_capacity (const ShoalBucket *self)
{
  return (gint64) MAX (self->rate / BUCKET_PARTS, MIN_BUCKET);
}

/* How long @bytes take at the bucket's rate, rounded up. */
static gint64
bucket_time (const ShoalBucket *self,
             guint64            bytes)
{
  guint64 whole_s = bytes / self->rate;
  guint64 rest = bytes % self->rate;

  return (gint64) (whole_s * G_USEC_PER_SEC +
                   (rest * G_USEC_PER_SEC + self->rate - 1) / self->rate);
}

static void
bucket_fill (ShoalBucket *self,
             gint64       now_us)
{
  gint64 step_us = now_us - self->filled_us;
  gint64 capacity = bucket_capacity (self);
  guint64 added;

  if (step_us < 0)
    {
      self->filled_us = now_us;
      return;
    }
  if (step_us < MIN_STEP_US)
    return;

  step_us = MIN (step_us, MAX_STEP_US);
  added = self->rate * (guint64) (step_us / G_USEC_PER_SEC) +
          self->rate * (guint64) (step_us % G_USEC_PER_SEC) / G_USEC_PER_SEC;

  if ((gint64) added >= capacity - self->level)
    {
      self->level = capacity;
      self->filled_us = now_us;
    }
  else
    {
      self->level += (gint64) added;
      self->filled_us += bucket_time (self, added);
    }
}

void
shoal_bucket_set_rate (ShoalBucket *self,
                       guint64      rate,
                       gint64       now_us)
{
  gint64 capacity;
  gboolean was_limited;

  g_return_if_fail (self != NULL);

  rate = MIN (rate, MAX_RATE);
  if (rate == self->rate)
    return;

  was_limited = self->rate != 0;
  if (was_limited)
    bucket_fill (self, now_us);
  self->rate = rate;
  if (rate == 0)
    return;

  /* A debt made at a high rate must not stop everything for minutes at a low one. */
  capacity = bucket_capacity (self);
  if (was_limited)
    {
      self->level = CLAMP (self->level, -capacity, capacity);
    }
  else
    {
      self->level = capacity;
      self->filled_us = now_us;
    }
}

guint64
shoal_bucket_ready (ShoalBucket *self,
                    gint64       now_us)
{
  g_return_val_if_fail (self != NULL, 0);

  if (self->rate == 0)
    return G_MAXUINT64;

  bucket_fill (self, now_us);

  return (guint64) MAX (self->level, 0);
}

void
shoal_bucket_take (ShoalBucket *self,
                   guint64      bytes)
{
  g_return_if_fail (self != NULL);

  if (self->rate == 0)
    return;

  self->level = MAX (self->level - (gint64) MIN (bytes, MAX_RATE), -(gint64) MAX_RATE);
}

gint64
shoal_bucket_when (ShoalBucket *self,
                   guint64      bytes,
                   gint64       now_us)
{
  gint64 wanted;
  gint64 wait_us;

  g_return_val_if_fail (self != NULL, now_us);

  if (self->rate == 0)
    return now_us;

  bucket_fill (self, now_us);
  wanted = (gint64) MIN (bytes, (guint64) bucket_capacity (self));
  if (self->level >= wanted)
    return now_us;

  wait_us = bucket_time (self, (guint64) (wanted - self->level));

  return self->filled_us + MAX (wait_us, MIN_STEP_US);
}
