/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Congestion control of uTP: how many bytes may be under way (BEP 29, LEDBAT). */

/*
 * Delay: the window grows while the queue on the way holds less than the target, in proportion to
 * what is missing, and shrinks while it holds more. The least delay of the last minutes counts as
 * that of an empty queue; where it may be wrong because clocks drift, the round trip time bounds
 * it. Where the queue has not been empty for minutes, which is what we strive for, nearly nothing
 * is sent for two round trips, so that the least delay is not forgotten.
 *
 * Growth is LEDBAT's packet for each round trip, or, where that would take minutes, the cubic curve
 * of TCP with a deeper cut: beside a TCP stream in a queue too short for any delay to be seen, we
 * are the one that takes less.
 *
 * Loss halves the window once for each round trip, unless it is the way itself that loses packets.
 * That is believed when loss goes on at a quarter of the window that met it first, where congestion
 * of our making would have ended; and as long as the queue is nearly empty and not more than a
 * certain share is lost, no more than when it began.
 */

#include "shoal-utp-ledbat.h"

#include <math.h>

#define CUBIC_C           0.2        /* half of what TCP takes */
#define LINEAR            0.5       /* packets that the window grows by, each round trip, at
                                     * least */
#define CUT               0.5
#define CUT_FIRST         0.35      /* at the end of slow start, when more is under way than was
                                     * seen to fit */
#define BASE_US           (60 * G_USEC_PER_SEC)
#define RTO_FIRST_US      (1 * G_USEC_PER_SEC)    /* BEP 29; also of a SYN */
#define RTO_LEAST_US      500000    /* BEP 29 */
#define RTO_MOST_US       (20 * G_USEC_PER_SEC)
#define DRIFT_MAX_US      10000     /* of one correction */
#define LOW_PACKETS       16.0      /* a window that is small for any way */
#define LOW_RATE          125000.0  /* bytes a second; the same, where round trips are long */
#define LOW_EVIDENCE      200u      /* packets */
#define LOW_LOST          3u
#define CALM_ROUNDS       64u       /* without loss: what was is forgotten */
#define FAST_PACKETS      128.0     /* slow start doubles up to here, then takes half of that */
#define LOSS_MEMORY       10000.0   /* packets */
#define LOSS_LEAST        500u      /* packets: a share of fewer says nothing */
#define EMPTY_US          10000     /* in the queue: that is none */
#define DRAIN_US          (3 * 60 * G_USEC_PER_SEC)   /* well within what is remembered */
#define DRAIN_ROUNDS      2         /* one until nothing is under way, one to measure */
#define DRAIN_BACK        0.75      /* part of the window that is there again at once */
#define STEADY_GROWTH     16.0      /* part of the window that it grows by, each round trip, while
                                     * loss is ignored */

/* --- Least delays --- */

static void
base_add (ShoalUtpBase *self,
          guint32       value,
          gint64        now_us)
{
  if (self->n == 0 || now_us - self->since_us >= BASE_US)
    {
      if (self->n == SHOAL_LEDBAT_BASES)
        {
          for (guint i = 1; i < self->n; i++)
            self->least[i - 1] = self->least[i];
          self->n--;
        }
      self->least[self->n++] = value;
      self->since_us = now_us;
    }
  else if ((gint32) (value - self->least[self->n - 1]) < 0)
    {
      self->least[self->n - 1] = value;
    }
}

static guint32
base_least (const ShoalUtpBase *self)
{
  guint32 least = self->least[0];

  for (guint i = 1; i < self->n; i++)
    if ((gint32) (self->least[i] - least) < 0)
      least = self->least[i];

  return least;
}

static void
base_shift (ShoalUtpBase *self,
            guint32       by)
{
  for (guint i = 0; i < self->n; i++)
    self->least[i] += by;
}

/* --- Life --- */

static double
least_window (const ShoalUtpLedbat *self)
{
  return (double) (SHOAL_LEDBAT_LEAST * self->packet);
}

void
shoal_utp_ledbat_init (ShoalUtpLedbat *self,
                       guint           packet)
{
  *self = (ShoalUtpLedbat){
    .packet = packet,
    .window = (double) (SHOAL_LEDBAT_START * packet),
    .threshold = SHOAL_LEDBAT_MOST,
    .slow_start = TRUE,
  };
}

void
shoal_utp_ledbat_resize (ShoalUtpLedbat *self,
                         guint           packet)
{
  self->packet = packet;
  self->window = MAX (self->window, least_window (self));
}

void
shoal_utp_ledbat_theirs (ShoalUtpLedbat *self,
                         guint32         delay_us,
                         gint64          now_us)
{
  guint32 before, after;

  if (self->their_base.n == 0)
    {
      base_add (&self->their_base, delay_us, now_us);
      return;
    }
  before = base_least (&self->their_base);
  base_add (&self->their_base, delay_us, now_us);
  after = base_least (&self->their_base);
  /* Their delay cannot fall below that of an empty queue: their clock runs faster, so ours seems to
   * see more delay. */
  if ((gint32) (before - after) > 0 && before - after <= DRIFT_MAX_US)
    base_shift (&self->delay_base, before - after);
}

/* --- Measuring --- */

static void
add_rtt (ShoalUtpLedbat *self,
         gint64          rtt_us,
         gint64          now_us)
{
  rtt_us = CLAMP (rtt_us, 1, 60 * G_USEC_PER_SEC);
  base_add (&self->rtt_base, (guint32) rtt_us, now_us);
  if (self->srtt_us == 0)
    {
      self->srtt_us = rtt_us;
      self->rtt_var_us = rtt_us / 2;
      return;
    }
  self->rtt_var_us += (ABS (rtt_us - self->srtt_us) - self->rtt_var_us) / 4;
  self->srtt_us += (rtt_us - self->srtt_us) / 8;
}

static void
add_delay (ShoalUtpLedbat    *self,
           const ShoalUtpAck *ack)
{
  gint64 queue_us;

  base_add (&self->delay_base, ack->delay_us, ack->now_us);
  queue_us = (gint32) (ack->delay_us - base_least (&self->delay_base));
  if (ack->rtt_us != 0)
    queue_us = MIN (queue_us, ack->rtt_us - base_least (&self->rtt_base));
  queue_us = MAX (queue_us, 0);

  self->samples[self->n_samples % SHOAL_LEDBAT_SAMPLES].at_us = ack->now_us;
  self->samples[self->n_samples % SHOAL_LEDBAT_SAMPLES].queue_us = queue_us;
  self->n_samples++;
  for (guint i = 0; i < MIN (self->n_samples, SHOAL_LEDBAT_SAMPLES); i++)
    if (self->samples[i].at_us + self->srtt_us >= ack->now_us)
      queue_us = MIN (queue_us, self->samples[i].queue_us);
  self->queue_us = queue_us;
}

double
shoal_utp_ledbat_loss (const ShoalUtpLedbat *self)
{
  guint n = 0, lost = 0;

  for (guint i = 0; i < SHOAL_LEDBAT_ROUNDS; i++)
    {
      n += self->rounds[i].n;
      lost += self->rounds[i].lost;
    }

  return (double) lost / MAX (n, LOSS_LEAST);
}

gint64
shoal_utp_ledbat_min_rtt_us (const ShoalUtpLedbat *self)
{
  return self->rtt_base.n > 0 ? base_least (&self->rtt_base) : 0;
}

gint64
shoal_utp_ledbat_rto_us (const ShoalUtpLedbat *self)
{
  if (self->srtt_us == 0)
    return RTO_FIRST_US;

  return CLAMP (self->srtt_us + 4 * self->rtt_var_us, RTO_LEAST_US, RTO_MOST_US);
}

guint64
shoal_utp_ledbat_pace (const ShoalUtpLedbat *self)
{
  double rtt_us = self->srtt_us > 0 ? (double) self->srtt_us : 100000.0;

  double ahead = !self->slow_start ? 1.25 : self->window < FAST_PACKETS * self->packet ? 2.0 : 1.5;

  return (guint64) (self->window * ahead * G_USEC_PER_SEC / MAX (rtt_us, 1000.0));
}

/* --- Loss --- */

/* Whether the last rounds lost so much more than is usual that chance alone would not do it. */
static gboolean
loss_rises (const ShoalUtpLedbat *self)
{
  double expected, n = 0, lost = 0;

  for (guint i = 0; i < SHOAL_LEDBAT_ROUNDS; i++)
    {
      n += self->rounds[i].n;
      lost += self->rounds[i].lost;
    }
  expected = MAX (self->loss, SHOAL_LEDBAT_LOSS_MIN) * n;

  return lost > 1.5 * expected + 4 * sqrt (expected) + 3;
}

static void
leave_steady (ShoalUtpLedbat *self)
{
  self->steady = FALSE;
  self->top = 0;
  self->low_n = self->low_lost = 0;
}

/* The way has a loss of its own. */
static void
enter_steady (ShoalUtpLedbat *self)
{
  self->steady = TRUE;
  self->loss = (double) self->low_lost / self->low_n;
  self->slow_start = TRUE;
  self->threshold = SHOAL_LEDBAT_MOST;
  for (guint i = 0; i < SHOAL_LEDBAT_ROUNDS; i++)
    self->rounds[i].n = self->rounds[i].lost = 0;
}

/* Bytes under way that congest no way. */
static double
low_window (const ShoalUtpLedbat *self)
{
  double slow = LOW_RATE * (double) self->srtt_us / G_USEC_PER_SEC;

  return MAX (MAX (self->top / 4, LOW_PACKETS * self->packet), slow);
}

/* Packets that were sent with a small window tell whether loss is of our making. */
static void
weigh_loss (ShoalUtpLedbat    *self,
            const ShoalUtpAck *ack)
{
  guint n_lost = ack->n_lost - ack->n_stale;
  guint n = ack->n_acked + n_lost;

  if (self->steady)
    {
      double weight = MIN (n / LOSS_MEMORY, 1.0);

      if (n > 0)
        self->loss += ((double) n_lost / n - self->loss) * weight;
      return;
    }
  if (self->top == 0)
    return;
  if (self->window > low_window (self) || self->queue_us >= SHOAL_LEDBAT_CALM_US)
    {
      self->low_n = self->low_lost = 0;
      return;
    }

  self->low_n += n;
  self->low_lost += n_lost;
  if (self->low_n >= LOW_EVIDENCE)
    {
      double loss = (double) self->low_lost / self->low_n;

      if (self->low_lost >= LOW_LOST && loss >= SHOAL_LEDBAT_LOSS_MIN
          && loss < SHOAL_LEDBAT_LOSS_MAX && shoal_utp_ledbat_loss (self) < SHOAL_LEDBAT_LOSS_MAX)
        enter_steady (self);
      else if (self->low_n >= 4 * LOW_EVIDENCE)
        self->low_n = self->low_lost = 0;
    }
}

static void
cut (ShoalUtpLedbat    *self,
     const ShoalUtpAck *ack)
{
  self->cut_serial = ack->next_serial;
  if (self->drained_from > 0)
    {
      self->drained_from *= CUT;
      return;
    }
  if (self->top == 0)
    self->top = self->window;
  /* Where somebody else takes more than the last time, we leave it some more. */
  self->cubic_top = self->window / self->packet
                    * (self->window < self->cubic_top * self->packet ? (1 + CUT) / 2 : 1);
  self->cubic_us = ack->now_us;
  self->window = MAX (self->window * (self->slow_start && !self->steady ? CUT_FIRST : CUT),
                      least_window (self));
  self->threshold = self->window;
  self->slow_start = FALSE;
}

static void
answer_loss (ShoalUtpLedbat    *self,
             const ShoalUtpAck *ack)
{
  gboolean too_much = shoal_utp_ledbat_loss (self) >= SHOAL_LEDBAT_LOSS_MAX;

  self->calm_rounds = 0;
  if (self->steady && self->queue_us < SHOAL_LEDBAT_CALM_US && !too_much && !loss_rises (self))
    return;
  if (self->steady && self->queue_us < SHOAL_LEDBAT_CALM_US)
    leave_steady (self);
  if (ack->lost_serial >= self->cut_serial)
    cut (self, ack);
}

/* --- Growth --- */

static void
grow_slowly (ShoalUtpLedbat    *self,
             const ShoalUtpAck *ack)
{
  gint64 enough_us = self->steady ? SHOAL_LEDBAT_STEADY_US * 3 / 4
                                  : CLAMP (self->srtt_us / 8, 8000, SHOAL_LEDBAT_CALM_US);
  gboolean fast = self->window < FAST_PACKETS * self->packet;

  if (self->queue_us > enough_us || self->window >= self->threshold)
    {
      self->slow_start = FALSE;
      self->cubic_top = self->window / self->packet;
      self->cubic_us = ack->now_us;
      return;
    }
  self->window += fast ? (double) ack->acked : (double) ack->acked / 2;
}

/* Bytes that the cubic curve is above the window one round trip from now. */
static double
cubic_gap (const ShoalUtpLedbat *self,
           gint64                now_us)
{
  double t, k;

  if (self->cubic_us == 0)
    return 0;
  k = cbrt (self->cubic_top * (1 - CUT) / CUBIC_C);
  t = (double) (now_us - self->cubic_us + self->srtt_us) / G_USEC_PER_SEC - k;

  return (CUBIC_C * t * t * t + self->cubic_top) * self->packet - self->window;
}

static void
grow (ShoalUtpLedbat    *self,
      const ShoalUtpAck *ack)
{
  double target = self->steady ? SHOAL_LEDBAT_STEADY_US : SHOAL_LEDBAT_TARGET_US;
  double missing = (target - (double) self->queue_us) / target;
  double share = (double) ack->acked / self->window;   /* of a round trip */

  if (missing > 0)
    {
      double step = MAX ((double) self->packet * LINEAR,
                         MIN (cubic_gap (self, ack->now_us), self->window / 2));

      if (self->steady)
        step = MAX (step, self->window / STEADY_GROWTH);
      self->window += step * share * missing;
      return;
    }

  self->window -= (double) ack->acked * MIN (-missing, 1.0) / 2;
  self->cubic_top = self->window / self->packet;
  self->cubic_us = ack->now_us;
}

/* TRUE: the queue is being emptied, and the window stays as it is. */
static gboolean
drain (ShoalUtpLedbat    *self,
       const ShoalUtpAck *ack)
{
  if (self->drained_from > 0)
    {
      if (ack->now_us < self->drained_us)
        return TRUE;
      self->threshold = self->drained_from * DRAIN_BACK;
      self->slow_start = TRUE;
      self->drained_from = 0;
      self->empty_us = ack->now_us;
      return FALSE;
    }
  if (self->empty_us == 0 || self->queue_us < EMPTY_US)
    self->empty_us = ack->now_us;
  if (ack->now_us - self->empty_us < DRAIN_US)
    return FALSE;
  self->drained_from = self->window;
  self->drained_us = ack->now_us + DRAIN_ROUNDS * self->srtt_us;
  self->window = least_window (self);
  self->slow_start = FALSE;

  return TRUE;
}

/* Pacing leaves a part of the window unused, more of it while it grows fast. */
static gboolean
is_used (const ShoalUtpLedbat *self,
         gsize                 flight)
{
  double part = self->slow_start ? self->window / 2
                                 : self->window - MAX (self->window / 8, 2.0 * self->packet);

  return (double) flight >= part;
}

static void
end_round (ShoalUtpLedbat    *self,
           const ShoalUtpAck *ack)
{
  self->round_serial = ack->next_serial;
  self->round = (self->round + 1) % SHOAL_LEDBAT_ROUNDS;
  self->rounds[self->round].n = self->rounds[self->round].lost = 0;
  if (++self->calm_rounds >= CALM_ROUNDS && !self->steady)
    leave_steady (self);
}

void
shoal_utp_ledbat_ack (ShoalUtpLedbat    *self,
                      const ShoalUtpAck *ack)
{
  if (ack->rtt_us > 0)
    add_rtt (self, ack->rtt_us, ack->now_us);
  if (ack->has_delay)
    add_delay (self, ack);

  self->rounds[self->round].n += ack->n_acked + ack->n_lost;
  self->rounds[self->round].lost += ack->n_lost;
  if (ack->n_lost > 0)
    answer_loss (self, ack);
  weigh_loss (self, ack);
  if (ack->acked_serial >= self->round_serial && ack->acked_serial > 0)
    end_round (self, ack);

  /* A window that is not used says nothing about what the way would take. */
  if (!drain (self, ack) && ack->acked > 0 && is_used (self, ack->flight))
    {
      if (self->slow_start)
        grow_slowly (self, ack);
      else
        grow (self, ack);
    }
  self->window = CLAMP (self->window, least_window (self), (double) SHOAL_LEDBAT_MOST);
}

void
shoal_utp_ledbat_timeout (ShoalUtpLedbat *self,
                          guint64         next_serial)
{
  self->threshold = MAX (self->window * CUT, 2 * least_window (self));
  self->window = least_window (self);
  self->slow_start = TRUE;
  self->cut_serial = next_serial;
  self->cubic_us = 0;
  self->drained_from = 0;
  leave_steady (self);
}

void
shoal_utp_ledbat_idle (ShoalUtpLedbat *self)
{
  double start = (double) (SHOAL_LEDBAT_START * self->packet);

  if (self->window <= start)
    return;
  self->threshold = MAX (self->threshold, self->window * 0.75);
  self->window = start;
  self->slow_start = TRUE;
}
