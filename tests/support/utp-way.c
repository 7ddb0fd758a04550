/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A way between two machines in virtual time: rate, delay, queue and loss; uTP connections and TCP
 * streams on it. */

/*
 * Both directions have a line and a queue of their own. The near machine wakes for its deadlines at
 * whole milliseconds, as a real one does; what arrives is handled at once.
 */

#include "utp-way.h"

#include <math.h>
#include <string.h>
#include "shoal-list.h"

#define IP_UDP      28u
#define TCP_PACKET  1500u
#define WAKE_US     1000

typedef struct
{
  ShoalTimer timer;
  ShoalNode  node;        /* in the way's */
  UtpFlow   *flow;
  gboolean   forward;
  guint64    number;      /* of a TCP packet */
  guint      size;
  guint8     bytes[SHOAL_UTP_DATAGRAM_MAX];
} Packet;

typedef struct
{
  gint64 free_us;         /* when the line is idle again */
} Line;

struct _UtpWay
{
  UtpWayConfig config;
  ShoalTimers *timers;
  ShoalRng     rng;
  gint64       now_us;
  Line         lines[2];
  GPtrArray   *flows;
  ShoalNode    under_way;   /* of Packet (owned) */
};

struct _UtpFlow
{
  UtpWay         *way;
  ShoalUtpBuffers buffers;
  ShoalUtp       *near;
  ShoalUtp       *far;
  ShoalTimer      timers[2];
  guint64         limit;
  guint64         written;
  gboolean        paused;

  guint64         arrived;
  guint64         arrived_before;
  gint64          asked_us;
  double          queue_sum;
  guint           queue_n;

  /* TCP */
  gboolean        is_tcp;
  double          window;      /* packets */
  double          threshold;
  double          top;
  gint64          cut_us;
  guint64         next;
  guint64         recover;     /* loss before it was answered */
  GQueue          under_way;   /* of numbers, ascending */
  guint64         acked;       /* the highest */
};

static void flush_utp (UtpFlow *self, gboolean near);
static void flush_tcp (UtpFlow *self);
static void tcp_acked (UtpFlow *self, guint64 number);

/* --- The way --- */

/* A receiver that keeps less and says less of it than we do. */
static void
say_less (const UtpWayConfig *config,
          ShoalUtpPacket     *packet)
{
  if (config->sack != 0)
    packet->sack_size = MIN (packet->sack_size, config->sack);
  if (config->window != 0)
    packet->window = MIN (packet->window, config->window);
}

static void
on_arrival (gpointer owner,
            gint64   now_us)
{
  Packet *packet = owner;
  UtpFlow *flow = packet->flow;
  ShoalUtpPacket parsed;

  flow->way->now_us = now_us;
  if (flow->is_tcp)
    {
      if (packet->forward)
        flow->arrived += TCP_PACKET - 52;
      tcp_acked (flow, packet->number);
    }
  else
    {
      ShoalUtp *utp = packet->forward ? flow->far : flow->near;
      gint64 clock_us = now_us;

      if (packet->forward)
        clock_us += (gint64) ((double) now_us * flow->way->config.drift) + 123456789;
      g_assert_true (shoal_utp_packet_parse (&parsed, packet->bytes, packet->size));
      if (!packet->forward)
        say_less (&flow->way->config, &parsed);
      if (packet->forward && utp == NULL && parsed.type == SHOAL_UTP_SYN)
        flow->far = utp = shoal_utp_new_accept (&parsed, 777, SHOAL_FAMILY_IPV4, &flow->buffers,
                                                clock_us, now_us);
      else if (utp != NULL)
        shoal_utp_packet (utp, &parsed, clock_us, now_us);
      if (utp != NULL)
        flush_utp (flow, !packet->forward);
    }
  shoal_node_unlink (&packet->node);
  g_free (packet);
}

static void
send_packet (UtpFlow *flow,
             Packet  *packet,
             guint    wire_size)
{
  UtpWay *way = flow->way;
  Line *line = &way->lines[packet->forward];
  double byte_us = 8 / way->config.mbit;
  gint64 waits_us = MAX (line->free_us - way->now_us, 0);
  gint64 at_us;

  if (packet->forward)
    {
      flow->queue_sum += (double) waits_us / 1000;
      flow->queue_n++;
    }
  if (waits_us > (gint64) (way->config.queue * 1500 * byte_us) || wire_size > way->config.mtu)
    {
      g_free (packet);
      return;
    }
  line->free_us = way->now_us + waits_us + (gint64) (wire_size * byte_us);
  if (shoal_rng_unit (&way->rng) < way->config.loss)
    {
      g_free (packet);
      return;
    }
  at_us = line->free_us + way->config.delay_us;
  if (way->config.jitter_us > 0)
    at_us += (gint64) (shoal_rng_unit (&way->rng) * (double) way->config.jitter_us);
  shoal_node_init (&packet->node);
  shoal_node_append (&way->under_way, &packet->node);
  shoal_timer_init (&packet->timer, on_arrival, packet);
  shoal_timers_arm (way->timers, &packet->timer, at_us);
}

/* --- uTP --- */

static void
on_deadline (gpointer owner,
             gint64   now_us)
{
  UtpFlow *flow = owner;

  flow->way->now_us = now_us;
  for (guint i = 0; i < 2; i++)
    {
      ShoalUtp *utp = i == 0 ? flow->near : flow->far;

      if (utp == NULL || shoal_timer_is_armed (&flow->timers[i]))
        continue;
      shoal_utp_tick (utp, now_us);
      flush_utp (flow, i == 0);
    }
}

static void
read_all (UtpFlow *self)
{
  guint8 bytes[65536];
  struct iovec iov = { bytes, sizeof bytes };

  while (!self->paused && shoal_utp_unread (self->far) > 0)
    {
      gsize n = shoal_utp_read (self->far, &iov, 1);

      for (gsize i = 0; i < n; i++)
        if (bytes[i] != (guint8) ((self->arrived + i) % 251))
          g_error ("byte %" G_GUINT64_FORMAT " is wrong", self->arrived + i);
      self->arrived += n;
    }
  if (shoal_utp_at_end (self->far))
    shoal_utp_close (self->far, self->way->now_us);
}

static void
write_all (UtpFlow *self)
{
  guint8 bytes[SHOAL_UTP_TRAIN_MAX];
  gsize n = shoal_utp_room (self->near, self->way->now_us);

  n = (gsize) MIN (n, self->limit - self->written);
  if (n == 0)
    return;
  for (gsize i = 0; i < n; i++)
    bytes[i] = (guint8) ((self->written + i) % 251);
  shoal_utp_write (self->near, bytes, n);
  self->written += n;
  if (self->written == self->limit)
    shoal_utp_close (self->near, self->way->now_us);
}

static void
flush_utp (UtpFlow *self,
           gboolean near)
{
  UtpWay *way = self->way;
  ShoalUtp *utp = near ? self->near : self->far;
  static const guint ip_udp = IP_UDP;
  guint8 train[SHOAL_UTP_TRAIN_MAX];
  guint segment, probe;
  gint64 at_us;

  if (!near)
    read_all (self);
  for (;;)
    {
      gsize size;

      if (near)
        write_all (self);
      size = shoal_utp_output (utp, train, &segment, &probe, way->now_us);
      if (size == 0)
        break;
      if (segment == 0)
        segment = (guint) size;
      for (gsize at = 0; at < size; at += segment)
        {
          Packet *packet = g_new0 (Packet, 1);

          packet->flow = self;
          packet->forward = near;
          packet->size = (guint) MIN (segment, size - at);
          memcpy (packet->bytes, train + at, packet->size);
          send_packet (self, packet, packet->size + ip_udp);
        }
    }
  at_us = shoal_utp_deadline (utp);
  if (at_us == SHOAL_NEVER)
    shoal_timers_disarm (way->timers, &self->timers[near ? 0 : 1]);
  else
    shoal_timers_arm (way->timers, &self->timers[near ? 0 : 1],
                      MAX (at_us, way->now_us) / WAKE_US * WAKE_US + WAKE_US);
}

/* --- TCP --- */

static double
cubic (const UtpFlow *self)
{
  double k = cbrt (self->top * 0.3 / 0.4);
  double t = (double) (self->way->now_us - self->cut_us) / G_USEC_PER_SEC;
  double rtt = 2.0 * (double) self->way->config.delay_us / G_USEC_PER_SEC;
  double friendly = self->top * 0.7 + 3 * 0.3 / 1.7 * t / rtt;

  return MAX (0.4 * (t - k) * (t - k) * (t - k) + self->top, friendly);
}

static void
tcp_acked (UtpFlow *self,
           guint64  number)
{
  gboolean lost = FALSE;
  GList *node = g_queue_find (&self->under_way, GSIZE_TO_POINTER (number));

  if (node != NULL)
    g_queue_delete_link (&self->under_way, node);
  self->acked = MAX (self->acked, number);
  while (!g_queue_is_empty (&self->under_way)
         && GPOINTER_TO_SIZE (g_queue_peek_head (&self->under_way)) + 3 <= self->acked)
    lost |= GPOINTER_TO_SIZE (g_queue_pop_head (&self->under_way)) >= self->recover;
  if (lost)
    {
      self->top = self->window;
      self->cut_us = self->way->now_us;
      self->window = MAX (self->window * 0.7, 2);
      self->threshold = self->window;
      self->recover = self->next;
    }
  else if (self->window < self->threshold)
    self->window += 1;
  else
    self->window += CLAMP (cubic (self) - self->window, 0, self->window / 2) / self->window;
  flush_tcp (self);
}

/* When all that was under way was lost. */
static void
on_tcp_timeout (gpointer owner,
                gint64   now_us)
{
  UtpFlow *self = owner;

  self->way->now_us = now_us;
  g_queue_clear (&self->under_way);
  self->threshold = MAX (self->window / 2, 2);
  self->window = 2;
  flush_tcp (self);
}

static void
flush_tcp (UtpFlow *self)
{
  while (self->under_way.length < (guint) self->window)
    {
      Packet *packet = g_new0 (Packet, 1);

      packet->flow = self;
      packet->forward = TRUE;
      packet->number = self->next++;
      g_queue_push_tail (&self->under_way, GSIZE_TO_POINTER (packet->number));
      send_packet (self, packet, TCP_PACKET);
    }
  shoal_timers_arm (self->way->timers, &self->timers[0], self->way->now_us + G_USEC_PER_SEC);
}

/* --- From outside --- */

UtpWay *
utp_way_new (const UtpWayConfig *config)
{
  UtpWay *self = g_new0 (UtpWay, 1);

  self->config = *config;
  if (self->config.mtu == 0)
    self->config.mtu = 1500;
  self->timers = shoal_timers_new ();
  self->now_us = 1000000;
  self->flows = g_ptr_array_new ();
  shoal_node_init (&self->under_way);
  shoal_rng_init (&self->rng, config->seed);

  return self;
}

void
utp_way_free (UtpWay *self)
{
  for (guint i = 0; i < self->flows->len; i++)
    {
      UtpFlow *flow = g_ptr_array_index (self->flows, i);

      shoal_utp_free (flow->near);
      shoal_utp_free (flow->far);
      g_assert_cmpuint (flow->buffers.sent, ==, 0);
      g_assert_cmpuint (flow->buffers.received, ==, 0);
      g_queue_clear (&flow->under_way);
    }
  shoal_timers_free (self->timers);
  SHOAL_NODE_FOREACH (node, &self->under_way)
    g_free (SHOAL_NODE_OWNER (node, Packet, node));
  for (guint i = 0; i < self->flows->len; i++)
    g_free (g_ptr_array_index (self->flows, i));
  g_ptr_array_unref (self->flows);
  g_free (self);
}

static UtpFlow *
flow_new (UtpWay        *way,
          ShoalTimerFunc func)
{
  UtpFlow *self = g_new0 (UtpFlow, 1);

  self->way = way;
  self->limit = G_MAXUINT64;
  self->asked_us = way->now_us;
  for (guint i = 0; i < 2; i++)
    shoal_timer_init (&self->timers[i], func, self);
  g_queue_init (&self->under_way);
  g_ptr_array_add (way->flows, self);

  return self;
}

UtpFlow *
utp_way_add_utp (UtpWay *self)
{
  UtpFlow *flow = flow_new (self, on_deadline);

  flow->near = shoal_utp_new_dial ((guint16) (100 + 10 * self->flows->len), 65500,
                                   SHOAL_FAMILY_IPV4, &flow->buffers, self->now_us);
  flush_utp (flow, TRUE);

  return flow;
}

UtpFlow *
utp_way_add_tcp (UtpWay *self)
{
  UtpFlow *flow = flow_new (self, on_tcp_timeout);

  flow->is_tcp = TRUE;
  flow->window = 10;
  flow->threshold = 1e9;
  flow->next = 1;
  flush_tcp (flow);

  return flow;
}

void
utp_way_run (UtpWay *self,
             gint64  for_us)
{
  gint64 end_us = self->now_us + for_us;

  while (shoal_timers_next (self->timers) <= end_us)
    {
      gint64 at_us = MAX (shoal_timers_next (self->timers), self->now_us);

      self->now_us = at_us;
      shoal_timers_expire (self->timers, at_us);
    }
  self->now_us = end_us;
}

void
utp_flow_limit (UtpFlow *self,
                guint64  size)
{
  self->limit = size;
}

void
utp_flow_pause (UtpFlow *self,
                gboolean paused)
{
  self->paused = paused;
  if (!paused)
    flush_utp (self, FALSE);
}

gint64
utp_way_now (const UtpWay *self)
{
  return self->now_us;
}

double
utp_flow_mbit (UtpFlow *self)
{
  guint64 arrived = self->arrived - self->arrived_before;
  gint64 took_us = self->way->now_us - self->asked_us;

  self->arrived_before = self->arrived;
  self->asked_us = self->way->now_us;

  return took_us > 0 ? (double) arrived * 8 / (double) took_us : 0;
}

double
utp_flow_queue (UtpFlow *self)
{
  double mean = self->queue_n > 0 ? self->queue_sum / self->queue_n : 0;

  self->queue_sum = 0;
  self->queue_n = 0;

  return mean;
}

guint64
utp_flow_arrived (UtpFlow *self)
{
  return self->arrived;
}

gboolean
utp_flow_is_over (UtpFlow *self)
{
  return shoal_utp_state (self->near) == SHOAL_UTP_OVER && self->far != NULL
         && shoal_utp_state (self->far) == SHOAL_UTP_OVER;
}

void
utp_flow_info (UtpFlow      *self,
               ShoalUtpInfo *out)
{
  shoal_utp_info (self->near, out);
}

guint32
utp_flow_told (UtpFlow *self)
{
  ShoalUtpInfo info;

  shoal_utp_info (self->far, &info);

  return info.told;
}
