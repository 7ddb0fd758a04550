/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Congestion control of uTP, acknowledgement by acknowledgement. */

#include "shoal-utp-ledbat.h"

#define PACKET 1000u
#define RTT    50000

typedef struct
{
  ShoalUtpLedbat ledbat;
  gint64         now_us;
  guint64        serial;
} Fixture;

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  shoal_utp_ledbat_init (&self->ledbat, PACKET);
  self->now_us = 1000000;
  self->serial = 1;
}

/* A round trip in which the whole window was under way, all of it arrived but @n_lost, behind a
 * queue of @queue_us. */
static void
round_trip (Fixture *self,
            gint64   queue_us,
            guint    n_lost)
{
  guint n = (guint) (self->ledbat.window / PACKET);
  guint64 first = self->serial;

  self->serial += n;
  self->now_us += RTT + queue_us;
  for (guint i = 0; i < n; i++)
    {
      gboolean lost = n_lost > 0 && i % (n / n_lost) == 0 && i / (n / n_lost) < n_lost;
      ShoalUtpAck ack = {
        .now_us = self->now_us + i,
        .acked = lost ? 0 : PACKET,
        .n_acked = !lost,
        .n_lost = lost,
        .lost_serial = lost ? first + i : 0,
        .n_stale = lost && first + i < self->ledbat.cut_serial,
        .acked_serial = lost ? 0 : first + i,
        .next_serial = self->serial,
        .flight = (gsize) self->ledbat.window,
        .rtt_us = lost ? 0 : RTT + queue_us,
        .has_delay = !lost,
        .delay_us = (guint32) (0xffffff00u + (guint32) (RTT / 2 + queue_us)),   /* wraps */
      };

      shoal_utp_ledbat_ack (&self->ledbat, &ack);
    }
}

static void
test_target (Fixture       *self,
             gconstpointer  data)
{
  double before;

  /* Slow start ends when the queue grows. */
  round_trip (self, 0, 0);
  g_assert_true (self->ledbat.slow_start);
  g_assert_cmpfloat (self->ledbat.window, ==, 20 * PACKET);
  round_trip (self, 30000, 0);
  g_assert_false (self->ledbat.slow_start);
  g_assert_cmpint (self->ledbat.queue_us, ==, 30000);

  /* At the target it stands, above it shrinks, much if the queue is long. */
  round_trip (self, SHOAL_LEDBAT_TARGET_US, 0);
  before = self->ledbat.window;
  round_trip (self, SHOAL_LEDBAT_TARGET_US, 0);
  g_assert_cmpfloat_with_epsilon (self->ledbat.window, before, before / 100);
  for (guint i = 0; i < 20; i++)
    round_trip (self, 3 * SHOAL_LEDBAT_TARGET_US, 0);
  g_assert_cmpfloat_with_epsilon (self->ledbat.window, SHOAL_LEDBAT_LEAST * PACKET, 0.1);
}

/* Once for each round trip, however many are lost in it. */
static void
test_cut (Fixture       *self,
          gconstpointer  data)
{
  double before;

  for (guint i = 0; i < 4; i++)
    round_trip (self, 0, 0);
  round_trip (self, 30000, 0);
  before = self->ledbat.window;
  round_trip (self, 30000, 5);
  g_assert_cmpfloat (self->ledbat.window, >=, before * 0.5);
  g_assert_cmpfloat (self->ledbat.window, <, before * 0.6);
  /* Above the calm queue it does so always. */
  self->ledbat.steady = TRUE;
  self->ledbat.loss = 0.01;
  before = self->ledbat.window;
  round_trip (self, 30000, 1);
  g_assert_cmpfloat (self->ledbat.window, <, before * 0.6);
}

/* Loss that goes on whatever is sent is the way's; more than the limit never is. */
static void
test_steady (Fixture       *self,
             gconstpointer  data)
{
  guint n = 0;

  for (guint i = 0; i < 4; i++)
    round_trip (self, 0, 0);
  for (guint i = 0; i < 200 && !self->ledbat.steady; i++)
    {
      n += (guint) (self->ledbat.window / PACKET);
      round_trip (self, 0, n >= 100);
      if (n >= 100)
        n -= 100;
    }
  g_assert_true (self->ledbat.steady);

  for (guint i = 0; i < 60; i++)
    {
      guint packets = (guint) (self->ledbat.window / PACKET);

      round_trip (self, 0, packets / 100);
    }
  g_assert_true (self->ledbat.steady);
  g_assert_cmpfloat (self->ledbat.window, >, 1000 * PACKET);

  for (guint i = 0; i < 12; i++)
    round_trip (self, 0, (guint) (self->ledbat.window / PACKET) / 25);
  g_assert_false (self->ledbat.steady);
  g_assert_cmpfloat (self->ledbat.window, <, 500 * PACKET);
}

/* One loss now and then, as TCP beside us makes them, is congestion. */
static void
test_rare (Fixture       *self,
           gconstpointer  data)
{
  for (guint i = 0; i < 400; i++)
    {
      round_trip (self, 0, i % 40 == 5);
      g_assert_false (self->ledbat.steady);
    }
}

/* A queue that we keep full for minutes is emptied once, and the least delay stays what it is. */
static void
test_drain (Fixture       *self,
            gconstpointer  data)
{
  gint64 end_us = self->now_us + 30 * 60 * G_USEC_PER_SEC;
  guint n_drained = 0;

  round_trip (self, 0, 0);
  while (self->now_us < end_us)
    {
      gboolean drained = self->ledbat.drained_from > 0;

      round_trip (self, drained ? 0 : SHOAL_LEDBAT_TARGET_US, 0);
      n_drained += drained && self->ledbat.drained_from == 0;
      if (self->ledbat.drained_from > 0)
        g_assert_cmpfloat (self->ledbat.window, ==, SHOAL_LEDBAT_LEAST * PACKET);
    }
  for (guint i = 0; i < SHOAL_LEDBAT_SAMPLES; i++)
    round_trip (self, SHOAL_LEDBAT_TARGET_US, 0);
  g_assert_cmpint (self->ledbat.queue_us, ==, SHOAL_LEDBAT_TARGET_US);
  g_assert_cmpuint (n_drained, >=, 8);
  g_assert_cmpuint (n_drained, <=, 10);
}

static void
test_timeout (Fixture       *self,
              gconstpointer  data)
{
  for (guint i = 0; i < 4; i++)
    round_trip (self, 0, 0);
  shoal_utp_ledbat_timeout (&self->ledbat, self->serial);
  g_assert_cmpfloat (self->ledbat.window, ==, SHOAL_LEDBAT_LEAST * PACKET);
  g_assert_true (self->ledbat.slow_start);
  for (guint i = 0; i < 10; i++)
    round_trip (self, 0, 0);
  g_assert_false (self->ledbat.slow_start);

  self->ledbat.window = 100 * PACKET;
  shoal_utp_ledbat_idle (&self->ledbat);
  g_assert_cmpfloat (self->ledbat.window, ==, SHOAL_LEDBAT_START * PACKET);
}

/* A clock that runs faster than ours makes delays seem to grow; that of the other direction shows
 * it. */
static void
test_drift (Fixture       *self,
            gconstpointer  data)
{
  ShoalUtpAck ack = { .n_acked = 1, .acked = PACKET, .has_delay = TRUE };

  for (guint i = 0; i < 1000; i++)
    {
      ack.now_us = self->now_us + i * 10000;
      ack.delay_us = 5000 + i * 50;
      shoal_utp_ledbat_theirs (&self->ledbat, 100000 - i * 50, ack.now_us);
      shoal_utp_ledbat_ack (&self->ledbat, &ack);
    }
  g_assert_cmpint (self->ledbat.queue_us, <, 1000);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/engine/utp-ledbat/target", Fixture, NULL, set_up, test_target, NULL);
  g_test_add ("/engine/utp-ledbat/cut", Fixture, NULL, set_up, test_cut, NULL);
  g_test_add ("/engine/utp-ledbat/steady", Fixture, NULL, set_up, test_steady, NULL);
  g_test_add ("/engine/utp-ledbat/rare", Fixture, NULL, set_up, test_rare, NULL);
  g_test_add ("/engine/utp-ledbat/drain", Fixture, NULL, set_up, test_drain, NULL);
  g_test_add ("/engine/utp-ledbat/timeout", Fixture, NULL, set_up, test_timeout, NULL);
  g_test_add ("/engine/utp-ledbat/drift", Fixture, NULL, set_up, test_drift, NULL);

  return g_test_run ();
}
