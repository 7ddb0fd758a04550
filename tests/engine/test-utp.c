/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uTP connections: opening, bytes over bad ways, closing, and strangers who lie. */

#include <string.h>
#include "shoal-test.h"
#include "utp-way.h"

#define SECOND G_USEC_PER_SEC

typedef struct
{
  ShoalUtpBuffers buffers;
  ShoalUtp       *a;
  ShoalUtp       *b;
  gint64          now_us;
} Pair;

/* Everything that @from has to say goes to @to. Returns the number of packets. */
static guint
pass (Pair     *self,
      ShoalUtp *from,
      ShoalUtp *to)
{
  guint8 train[SHOAL_UTP_TRAIN_MAX];
  guint segment, probe, n = 0;
  gsize size;

  while ((size = shoal_utp_output (from, train, &segment, &probe, self->now_us)) > 0)
    {
      segment = segment == 0 ? (guint) size : segment;
      for (gsize at = 0; at < size; at += segment, n++)
        {
          ShoalUtpPacket packet;

          g_assert_true (shoal_utp_packet_parse (&packet, train + at, MIN (segment, size - at)));
          if (to != NULL)
            shoal_utp_packet (to, &packet, self->now_us, self->now_us);
        }
    }

  return n;
}

static void
settle (Pair *self)
{
  self->now_us += 30000;
  shoal_utp_tick (self->a, self->now_us);
  shoal_utp_tick (self->b, self->now_us);
  while (pass (self, self->a, self->b) + pass (self, self->b, self->a) > 0)
    continue;
}

static void
set_up (Pair          *self,
        gconstpointer  data)
{
  guint8 train[SHOAL_UTP_TRAIN_MAX];
  guint segment, probe;
  ShoalUtpPacket syn;
  gsize size;

  self->now_us = SECOND;
  self->a = shoal_utp_new_dial (7, 65535, SHOAL_FAMILY_IPV4, &self->buffers, self->now_us);
  size = shoal_utp_output (self->a, train, &segment, &probe, self->now_us);
  g_assert_cmpuint (size, ==, SHOAL_UTP_HEADER_SIZE);
  g_assert_true (shoal_utp_packet_parse (&syn, train, size));
  g_assert_cmpint (syn.type, ==, SHOAL_UTP_SYN);
  g_assert_cmpuint (syn.id, ==, 7);
  self->b = shoal_utp_new_accept (&syn, 500, SHOAL_FAMILY_IPV4, &self->buffers, self->now_us,
                                  self->now_us);
  g_assert_cmpuint (shoal_utp_id (self->b), ==, 8);
  g_assert_cmpuint (shoal_utp_peer_id (self->b), ==, 7);
  g_assert_cmpint (shoal_utp_state (self->b), ==, SHOAL_UTP_ANSWERED);
  pass (self, self->b, self->a);
  g_assert_cmpint (shoal_utp_state (self->a), ==, SHOAL_UTP_OPEN);
}

static void
tear_down (Pair          *self,
           gconstpointer  data)
{
  shoal_utp_free (self->a);
  shoal_utp_free (self->b);
  g_assert_cmpuint (self->buffers.sent, ==, 0);
  g_assert_cmpuint (self->buffers.received, ==, 0);
}

static void
test_talk (Pair          *self,
           gconstpointer  data)
{
  char got[16];
  struct iovec iov[2] = { { got, 3 }, { got + 3, 10 } };

  g_assert_cmpuint (shoal_utp_room (self->a, self->now_us), >, 1000);
  g_assert_cmpuint (shoal_utp_room (self->b, self->now_us), ==, 0);
  shoal_utp_write (self->a, (const guint8 *) "hello", 5);
  settle (self);
  g_assert_cmpint (shoal_utp_state (self->b), ==, SHOAL_UTP_OPEN);
  g_assert_cmpuint (shoal_utp_unread (self->b), ==, 5);
  g_assert_cmpuint (shoal_utp_read (self->b, iov, 2), ==, 5);
  g_assert_cmpmem (got, 5, "hello", 5);

  shoal_utp_write (self->b, (const guint8 *) "bye", 3);
  shoal_utp_close (self->b, self->now_us);
  settle (self);
  g_assert_false (shoal_utp_at_end (self->a));
  g_assert_cmpuint (shoal_utp_read (self->a, iov, 2), ==, 3);
  g_assert_true (shoal_utp_at_end (self->a));
  g_assert_cmpint (shoal_utp_state (self->b), ==, SHOAL_UTP_OVER);
  shoal_utp_close (self->a, self->now_us);
  shoal_utp_tick (self->a, self->now_us + 2 * SECOND);
  g_assert_cmpint (shoal_utp_state (self->a), ==, SHOAL_UTP_OVER);
}

/* What cannot be is not believed. */
static void
test_lies (Pair          *self,
           gconstpointer  data)
{
  ShoalUtpPacket packet = { .type = SHOAL_UTP_DATA, .window = 1 << 20 };
  guint8 bytes[1000] = { 0 };
  struct iovec iov = { bytes, sizeof bytes };

  shoal_utp_write (self->a, (const guint8 *) "hello", 5);
  settle (self);
  shoal_utp_read (self->b, &iov, 1);
  packet.payload = bytes;
  packet.size = sizeof bytes;

  /* Acknowledges what was never sent. */
  packet.seq = 500;
  packet.ack = 100;
  shoal_utp_packet (self->a, &packet, self->now_us, self->now_us);
  g_assert_cmpuint (shoal_utp_unread (self->a), ==, 0);
  /* Resets without knowing anything. */
  packet.type = SHOAL_UTP_RESET;
  packet.ack = 30000;
  shoal_utp_packet (self->a, &packet, self->now_us, self->now_us);
  g_assert_cmpint (shoal_utp_state (self->a), ==, SHOAL_UTP_OPEN);
  /* Too far ahead. */
  packet.type = SHOAL_UTP_DATA;
  packet.ack = 0;
  packet.seq = 500 + SHOAL_UTP_FLIGHT_MAX;
  shoal_utp_packet (self->a, &packet, self->now_us, self->now_us);
  g_assert_cmpuint (self->buffers.received, ==, 0);
  /* Everything but the first: no more is kept than was allowed. */
  for (guint i = 1; i < SHOAL_UTP_FLIGHT_MAX; i++)
    {
      packet.seq = (guint16) (500 + i);
      shoal_utp_packet (self->a, &packet, self->now_us, self->now_us);
    }
  g_assert_cmpuint (self->buffers.received, <=, SHOAL_UTP_WINDOW_MAX);
  packet.type = SHOAL_UTP_RESET;
  shoal_utp_packet (self->a, &packet, self->now_us, self->now_us);
  g_assert_cmpint (shoal_utp_state (self->a), ==, SHOAL_UTP_OVER);
  g_assert_cmpstr (shoal_utp_why (self->a), ==, "reset by the peer");
}

static void
test_silence (Pair          *self,
              gconstpointer  data)
{
  ShoalUtp *dial = shoal_utp_new_dial (70, 1, SHOAL_FAMILY_IPV4, &self->buffers, self->now_us);
  gint64 at_us = self->now_us;
  guint n = 0;

  /* Nobody answers the SYN; somebody goes away. */
  for (; shoal_utp_state (dial) != SHOAL_UTP_OVER; shoal_utp_tick (dial, self->now_us))
    {
      n += pass (self, dial, NULL);
      self->now_us = shoal_utp_deadline (dial);
    }
  g_assert_cmpuint (n, ==, SHOAL_UTP_SYN_TRIES);
  g_assert_cmpint (self->now_us - at_us, <, 15 * SECOND);
  shoal_utp_free (dial);

  at_us = self->now_us;
  shoal_utp_write (self->a, (const guint8 *) "hello", 5);
  for (n = 0; shoal_utp_state (self->a) != SHOAL_UTP_OVER; shoal_utp_tick (self->a, self->now_us))
    {
      n += pass (self, self->a, NULL);
      self->now_us = shoal_utp_deadline (self->a);
    }
  g_assert_cmpuint (n, >=, SHOAL_UTP_TIMEOUTS_MAX);
  g_assert_cmpint (self->now_us - at_us, <, 60 * SECOND);
  /* The other end never heard anything. */
  shoal_utp_tick (self->b, SECOND + SHOAL_UTP_HALF_OPEN_US);
  g_assert_cmpint (shoal_utp_state (self->b), ==, SHOAL_UTP_OVER);
}

static void
say_to (ShoalUtp          *self,
        ShoalUtpPacket     packet,
        gint64             now_us)
{
  packet.window = packet.window == 0 ? 1 << 20 : packet.window;
  shoal_utp_packet (self, &packet, now_us, now_us);
}

/* Who sent a SYN with somebody else's address does not know the number that was answered with. */
static void
test_forged (Pair          *self,
             gconstpointer  data)
{
  for (guint ack = 0; ack <= G_MAXUINT16; ack++)
    if (ack != 499)
      say_to (self->b,
              (ShoalUtpPacket){ .type = SHOAL_UTP_DATA,
                                .seq = 0,
                                .ack = (guint16) ack,
                                .payload = (const guint8 *) "x",
                                .size = 1 },
              self->now_us);
  g_assert_cmpint (shoal_utp_state (self->b), ==, SHOAL_UTP_ANSWERED);
  g_assert_cmpuint (self->buffers.received, ==, 0);
  say_to (self->b, (ShoalUtpPacket){ .type = SHOAL_UTP_STATE, .seq = 0, .ack = 499 }, self->now_us);
  g_assert_cmpint (shoal_utp_state (self->b), ==, SHOAL_UTP_OPEN);
}

/* Acknowledging what waits to be sent neither frees it nor counts; resets from before are as
 * wrong. */
static void
test_unsent (Pair          *self,
             gconstpointer  data)
{
  static const guint8 all[8] = { 255, 255, 255, 255, 255, 255, 255, 255 };
  ShoalUtpInfo before, after;

  shoal_utp_info (self->a, &before);
  shoal_utp_write (self->a, (const guint8 *) "hello", 5);
  say_to (self->a, (ShoalUtpPacket){ .type = SHOAL_UTP_STATE, .seq = 500, .ack = 0 }, self->now_us);
  say_to (self->a,
          (ShoalUtpPacket){ .type = SHOAL_UTP_STATE,
                            .seq = 500,
                            .ack = 65535,
                            .sack = all,
                            .sack_size = sizeof all },
          self->now_us);
  shoal_utp_info (self->a, &after);
  g_assert_cmpuint (self->buffers.sent, ==, 5);
  g_assert_cmpuint (after.window, ==, before.window);
  for (guint ack = 2; ack < 65535 - 2000; ack++)
    say_to (self->a, (ShoalUtpPacket){ .type = SHOAL_UTP_RESET, .ack = (guint16) ack },
            self->now_us);
  g_assert_cmpint (shoal_utp_state (self->a), ==, SHOAL_UTP_OPEN);
}

/* The other end takes nothing for ten minutes, and says so: no more than one packet is tried, ever
 * more rarely. */
static void
test_no_window (Pair          *self,
                gconstpointer  data)
{
  gint64 end_us;
  guint n = 0;

  settle (self);
  end_us = self->now_us + 600 * SECOND;
  say_to (self->a,
          (ShoalUtpPacket){ .type = SHOAL_UTP_STATE, .seq = 500, .ack = 65535, .window = 1 },
          self->now_us);
  while (self->now_us < end_us)
    {
      gsize room = shoal_utp_room (self->a, self->now_us);
      guint8 bytes[SHOAL_UTP_TRAIN_MAX] = { 0 };
      guint passed;

      g_assert_cmpuint (room, <=, SHOAL_UTP_DATAGRAM_MAX);
      shoal_utp_write (self->a, bytes, room);
      passed = pass (self, self->a, NULL);
      n += passed;
      if (passed > 0)
        say_to (self->a,
                (ShoalUtpPacket){ .type = SHOAL_UTP_STATE, .seq = 500, .ack = 65535, .window = 1 },
                self->now_us + 1);
      g_assert_cmpint (shoal_utp_state (self->a), ==, SHOAL_UTP_OPEN);
      self->now_us = MAX (shoal_utp_deadline (self->a), self->now_us + 1000);
      shoal_utp_tick (self->a, self->now_us);
    }
  g_assert_cmpuint (n, >=, 10);
  g_assert_cmpuint (n, <, 100);
}

/* Requests are small and rare, and the other end keeps its acknowledgements back for 100 ms:
 * nothing is sent twice. */
static void
test_late_answers (Pair          *self,
                   gconstpointer  data)
{
  ShoalUtpInfo info;

  for (guint i = 0; i < 50; i++)
    {
      gint64 answer_us = self->now_us + 100000;

      shoal_utp_write (self->a, (const guint8 *) "a request of 17 b", 17);
      pass (self, self->a, NULL);
      for (; self->now_us < answer_us; self->now_us += 1000)
        {
          shoal_utp_tick (self->a, self->now_us);
          pass (self, self->a, NULL);
        }
      say_to (self->a, (ShoalUtpPacket){ .type = SHOAL_UTP_STATE, .seq = 500, .ack = (guint16) i },
              self->now_us);
    }
  shoal_utp_info (self->a, &info);
  g_assert_cmpuint (info.n_again, ==, 0);
}

/* The window that is told follows what arrives: 100 Mbit/s and 300 ms want more than the first, 1
 * Mbit/s does not. */
static void
test_window (gconstpointer data)
{
  gboolean fast = GPOINTER_TO_INT (data);
  UtpWayConfig config = { fast ? 100 : 1, 150000, 1000, 0, 0, 0, 0, shoal_test_seed () };
  g_autoptr (UtpWay) way = utp_way_new (&config);
  UtpFlow *flow = utp_way_add_utp (way);
  guint32 told;

  utp_way_run (way, 20 * SECOND);
  told = utp_flow_told (flow);
  if (fast)
    g_assert_cmpuint (told, >, 100 * 300 * 125);
  else
    g_assert_cmpuint (told, ==, SHOAL_UTP_WINDOW_LEAST);
  g_assert_cmpuint (told, <, 3 * 100 * 300 * 125);
}

/* --- Whole transfers --- */

static void
check_transfer (const UtpWayConfig *config,
                guint64             size,
                gint64              within_us)
{
  g_autoptr (UtpWay) way = utp_way_new (config);
  UtpFlow *flow = utp_way_add_utp (way);

  utp_flow_limit (flow, size);
  utp_way_run (way, within_us);
  g_assert_cmpuint (utp_flow_arrived (flow), ==, size);
  utp_way_run (way, 20 * SECOND);
  g_assert_true (utp_flow_is_over (flow));
}

static void
test_ways (void)
{
  guint64 seed = shoal_test_seed ();

  check_transfer (&(UtpWayConfig){ 100, 10000, 100, 0, 0, 0, 0, seed }, 20 << 20, 10 * SECOND);
  check_transfer (&(UtpWayConfig){ 10, 50000, 30, 0.05, 0, 0, 0, seed }, 1 << 20, 100 * SECOND);
  check_transfer (&(UtpWayConfig){ 1, 200000, 10, 0.01, 5000, 0, 0, seed }, 200000, 60 * SECOND);
  check_transfer (&(UtpWayConfig){ 50, 20000, 200, 0, 20000, 0, 0, seed }, 8 << 20, 60 * SECOND);
  check_transfer (&(UtpWayConfig){ 10, 20000, 200, 0.3, 0, 0, 0, seed }, 50000, 200 * SECOND);
}

/* More packets than there are numbers, three times over; some are lost, some overtake others. */
static void
test_wrap (void)
{
  check_transfer (&(UtpWayConfig){ 1000, 2000, 1000, 0.0005, 200, 0, 0, shoal_test_seed () },
                  300 << 20, 30 * SECOND);
}

/* A clock of the other end that runs faster or slower than ours looks like a queue that grows or
 * shrinks; and none may come to look empty because it has not been for long. */
static void
test_drift (void)
{
  for (gint sign = -1; sign <= 1; sign++)
    {
      UtpWayConfig config = { 5, 25000, 1000, 0, 0, 0, sign * 5e-5, shoal_test_seed () };
      g_autoptr (UtpWay) way = utp_way_new (&config);
      UtpFlow *flow = utp_way_add_utp (way);

      utp_way_run (way, 600 * SECOND);
      utp_flow_mbit (flow);
      utp_flow_queue (flow);
      utp_way_run (way, 300 * SECOND);
      g_assert_cmpfloat (utp_flow_mbit (flow), >, 4.7);
      g_assert_cmpfloat (utp_flow_queue (flow), <, 115);
    }
}

static void
test_mtu (void)
{
  static const guint sizes[] = { 1500, 1492, 1400, 1280, 700 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      UtpWayConfig config = { 100, 10000, 100, 0.002, 0, sizes[i], 0, shoal_test_seed () };
      g_autoptr (UtpWay) way = utp_way_new (&config);
      UtpFlow *flow = utp_way_add_utp (way);
      ShoalUtpInfo info;

      utp_way_run (way, 15 * SECOND);
      utp_flow_info (flow, &info);
      g_assert_cmpuint (info.packet + 28, <=, sizes[i]);
      if (sizes[i] >= 1280)
        {
          g_assert_cmpuint (info.packet + 28 + 40, >, sizes[i]);
          /* What was too large for the way has cost its probes and nothing else. */
          g_assert_cmpfloat (utp_flow_mbit (flow), >, 5);
        }
    }
}

/* libutp says of 30 packets only which came early, while many more are under way to it. One that is
 * lost twice goes before all of which nothing is said, and those do not go again for that. */
static void
test_short_sacks (void)
{
  for (guint i = 0; i < 3; i++)
    {
      UtpWayConfig config = { .mbit = 200, .delay_us = 25000, .queue = 1000, .loss = 0.01,
                              .seed = shoal_test_seed () + i, .sack = 4, .window = 256 << 10 };
      g_autoptr (UtpWay) way = utp_way_new (&config);
      UtpFlow *flow = utp_way_add_utp (way);
      ShoalUtpInfo info;
      double mbit, again;

      utp_way_run (way, 40 * SECOND);
      utp_flow_info (flow, &info);
      mbit = utp_flow_mbit (flow);
      again = (double) info.n_again / (double) info.n_sent;
      g_test_message ("%.1f Mbit/s, %.2f %% sent again", mbit, again * 100);
      g_assert_cmpfloat (mbit, >, 12);
      g_assert_cmpfloat (again, <, 0.015);
    }
}

/* Who does not read gets no more than a bounded share; when it reads again all goes on. */
static void
test_unread (void)
{
  UtpWayConfig config = { 100, 10000, 1000, 0, 0, 0, 0, shoal_test_seed () };
  g_autoptr (UtpWay) way = utp_way_new (&config);
  UtpFlow *flow = utp_way_add_utp (way);
  guint64 arrived;

  utp_way_run (way, 2 * SECOND);
  utp_flow_pause (flow, TRUE);
  arrived = utp_flow_arrived (flow);
  utp_way_run (way, 20 * SECOND);
  g_assert_cmpuint (utp_flow_arrived (flow), ==, arrived);
  utp_flow_pause (flow, FALSE);
  g_assert_cmpuint (utp_flow_arrived (flow) - arrived, <, 4 << 20);
  utp_way_run (way, 5 * SECOND);
  g_assert_cmpuint (utp_flow_arrived (flow), >, arrived + (20 << 20));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/engine/utp/talk", Pair, NULL, set_up, test_talk, tear_down);
  g_test_add ("/engine/utp/lies", Pair, NULL, set_up, test_lies, tear_down);
  g_test_add ("/engine/utp/silence", Pair, NULL, set_up, test_silence, tear_down);
  g_test_add ("/engine/utp/forged", Pair, NULL, set_up, test_forged, tear_down);
  g_test_add ("/engine/utp/unsent", Pair, NULL, set_up, test_unsent, tear_down);
  g_test_add ("/engine/utp/no-window", Pair, NULL, set_up, test_no_window, tear_down);
  g_test_add ("/engine/utp/late-answers", Pair, NULL, set_up, test_late_answers, tear_down);
  g_test_add_data_func ("/engine/utp/window/fast", GINT_TO_POINTER (TRUE), test_window);
  g_test_add_data_func ("/engine/utp/window/slow", GINT_TO_POINTER (FALSE), test_window);
  g_test_add_func ("/engine/utp/ways", test_ways);
  g_test_add_func ("/engine/utp/wrap", test_wrap);
  g_test_add_func ("/engine/utp/drift", test_drift);
  g_test_add_func ("/engine/utp/mtu", test_mtu);
  g_test_add_func ("/engine/utp/short-sacks", test_short_sacks);
  g_test_add_func ("/engine/utp/unread", test_unread);

  return g_test_run ();
}
