/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes out on a uTP connection: numbered, paced, sent again until it is acknowledged. */

/*
 * A packet is made when it may be sent, and is in one of three lists until it is acknowledged: `fresh`, `flight` in
 * the order of sending, `lost`. Each sending has a serial. A packet is lost when some that were sent later
 * arrived, or one that was sent a good round trip later: so a retransmission that is lost is found as fast as any
 * other. If nothing comes back at all, the oldest is sent once more before the timeout takes everything for lost.
 */

#include "shoal-utp-private.h"

#include <string.h>

#define REORDER_MAX   64u
#define SAME_ACKS     3u
#define PROBE_WAIT_US (150 * G_TIME_SPAN_MILLISECOND)  /* beside two round trips: libutp keeps acknowledgements back for 100 ms and more */
#define STUCK_US      (3 * G_USEC_PER_SEC)
#define BURST_PACKETS 10u
#define BURST_US      2000
#define PACE_LEAST_US 1000

static inline gsize
payload_max (const ShoalUtp *self)
{
  return self->mtu.size - SHOAL_UTP_HEADER_SIZE;
}

static inline guint
n_made (const ShoalUtp *self)
{
  return (guint16) (self->out_next - self->out_first);
}

guint16
shoal_utp_unsent (const ShoalUtp *self)
{
  return shoal_node_is_linked (&self->fresh) ? SHOAL_NODE_OWNER (self->fresh.next, ShoalUtpOut, node)->seq : self->out_next;
}

/* --- Lists --- */

static void
leave_list (ShoalUtp    *self,
            ShoalUtpOut *out)
{
  if (out->under_way)
    self->flight_size -= out->size;
  else if (out->serial == 0)
    self->fresh_size -= out->size;
  out->under_way = FALSE;
  shoal_node_unlink (&out->node);
}

static void
out_free (ShoalUtp    *self,
          ShoalUtpOut *out)
{
  leave_list (self, out);
  shoal_utp_ring_set (&self->out, out->seq, NULL);
  self->buffers->sent -= out->size;
  g_free (out);
}

static void
mark_lost (ShoalUtp    *self,
           ShoalUtpOut *out)
{
  leave_list (self, out);
  shoal_node_append (&self->lost, &out->node);
}

ShoalUtpOut *
shoal_utp_make (ShoalUtp     *self,
                ShoalUtpType  type,
                const guint8 *bytes,
                gsize         size)
{
  ShoalUtpOut *out = g_malloc (sizeof *out + size);

  *out = (ShoalUtpOut){ .seq = self->out_next, .size = (guint16) size, .type = type };
  if (size > 0)
    memcpy (out->bytes, bytes, size);
  shoal_utp_ring_reserve (&self->out, self->out_first, n_made (self) + 1);
  shoal_utp_ring_set (&self->out, out->seq, out);
  shoal_node_init (&out->node);
  shoal_node_append (&self->fresh, &out->node);
  self->fresh_size += size;
  self->buffers->sent += size;
  self->out_next++;

  return out;
}

static void
drop_list (ShoalUtp  *self,
           ShoalNode *list)
{
  SHOAL_NODE_FOREACH (node, list)
    out_free (self, SHOAL_NODE_OWNER (node, ShoalUtpOut, node));
}

void
shoal_utp_drop_output (ShoalUtp *self)
{
  drop_list (self, &self->fresh);
  drop_list (self, &self->flight);
  drop_list (self, &self->lost);
  self->out_first = self->out_next;
  self->timeout_us = self->probe_us = self->pace_due_us = self->stuck_us = 0;
}

/* --- Time --- */

static gboolean
waits_for_answer (const ShoalUtp *self)
{
  return shoal_node_is_linked (&self->flight) || shoal_node_is_linked (&self->lost);
}

static void
arm (ShoalUtp *self,
     gint64    now_us)
{
  gint64 rto_us = shoal_utp_ledbat_rto_us (&self->ledbat) << MIN (self->n_timeouts, 5);

  self->probe_us = 0;
  if (!waits_for_answer (self))
    {
      self->timeout_us = 0;
      return;
    }
  self->timeout_us = now_us + rto_us;
  if (self->ledbat.srtt_us > 0 && self->n_timeouts == 0)
    self->probe_us = MIN (now_us + 2 * self->ledbat.srtt_us + PROBE_WAIT_US, self->timeout_us);
}

void
shoal_utp_timed_out (ShoalUtp *self,
                     gint64    now_us)
{
  if (self->timeout_us != 0 && now_us >= self->timeout_us)
    {
      self->n_timeouts++;
      /* Who takes nothing, but says so, is there. */
      if (self->peer_window < SHOAL_UTP_DATAGRAM_MAX && self->heard_us > self->data_us)
        self->n_timeouts = MIN (self->n_timeouts, SHOAL_UTP_TIMEOUTS_MAX - 1);
      if (self->n_timeouts >= (self->state == SHOAL_UTP_DIALING ? SHOAL_UTP_SYN_TRIES : SHOAL_UTP_TIMEOUTS_MAX))
        {
          shoal_utp_over (self, "no answer in time");
          return;
        }
      if (self->n_timeouts >= 2 && self->state != SHOAL_UTP_DIALING)
        shoal_utp_mtu_stuck (&self->mtu);
      while (shoal_node_is_linked (&self->flight))
        mark_lost (self, SHOAL_NODE_OWNER (self->flight.next, ShoalUtpOut, node));
      shoal_utp_ledbat_timeout (&self->ledbat, self->serial);
      self->timeout_us = self->probe_us = 0;
    }
  else if (self->probe_us != 0 && now_us >= self->probe_us)
    {
      self->probe_us = 0;
      if (shoal_node_is_linked (&self->flight) && !shoal_node_is_linked (&self->lost))
        mark_lost (self, SHOAL_NODE_OWNER (self->flight.next, ShoalUtpOut, node));
    }
}

/* --- Acknowledgements --- */

typedef struct
{
  ShoalUtpAck ack;
  guint64     rtt_serial;   /* of the packet that was measured */
} News;

static void
acked_one (ShoalUtp *self,
           guint16   seq,
           News     *news,
           gint64    now_us)
{
  ShoalUtpOut *out = shoal_utp_ring_get (&self->out, seq);
  gint64 took_us;

  if (out == NULL || out->seq != seq)
    return;

  took_us = now_us - out->sent_us;
  news->ack.acked += out->size;
  news->ack.n_acked++;
  if (!out->again && out->serial >= news->rtt_serial && out->serial != 0)
    {
      news->rtt_serial = out->serial;
      news->ack.rtt_us = MAX (took_us, 1);
    }
  /* Sent again and answered before that could have arrived: it was late, not lost. */
  if (out->again && took_us < shoal_utp_ledbat_min_rtt_us (&self->ledbat) * 3 / 4)
    self->reorder = MIN (self->reorder * 2, REORDER_MAX);
  else
    self->acked_serial = MAX (self->acked_serial, out->serial);
  if (out->probe != 0 && !out->again)
    {
      shoal_utp_mtu_arrived (&self->mtu, out->probe, now_us);
      shoal_utp_ledbat_resize (&self->ledbat, (guint) payload_max (self));
    }
  if (shoal_utp_seq_diff (seq, self->acked_last) > 0)
    self->acked_last = seq;
  out_free (self, out);
}

static void
lose_one (ShoalUtp    *self,
          ShoalUtpOut *out,
          News        *news,
          gint64       now_us)
{
  /* A probe is lost for its size, most likely. */
  if (out->probe != 0)
    {
      shoal_utp_mtu_lost (&self->mtu, out->probe, now_us);
    }
  else
    {
      news->ack.n_lost++;
      news->ack.n_stale += out->serial < self->ledbat.cut_serial;
      news->ack.lost_serial = MAX (news->ack.lost_serial, out->serial);
    }
  mark_lost (self, out);
}

static void
find_lost (ShoalUtp *self,
           News     *news,
           gint64    now_us)
{
  gint64 late_us = self->ledbat.srtt_us * 5 / 4 + G_TIME_SPAN_MILLISECOND;

  SHOAL_NODE_FOREACH (node, &self->flight)
    {
      ShoalUtpOut *out = SHOAL_NODE_OWNER (node, ShoalUtpOut, node);

      if (out->serial >= self->acked_serial)
        break;
      if (out->serial + self->reorder > self->acked_serial && out->sent_us + late_us > now_us)
        break;
      /* An acknowledgement reaches only so far: of what is beyond it says nothing, for a while. */
      if (shoal_utp_seq_diff (out->seq, self->acked_last) <= 0 || out->sent_us + 2 * late_us < now_us)
        lose_one (self, out, news, now_us);
    }
}

/* Others say only how far they got. */
static void
count_same (ShoalUtp             *self,
            const ShoalUtpPacket *packet,
            News                 *news,
            gint64                now_us)
{
  if (packet->sack != NULL)
    self->peer_sacks = TRUE;
  if (news->ack.n_acked > 0 || self->peer_sacks || packet->type != SHOAL_UTP_STATE || (guint16) (packet->ack + 1) != self->out_first)
    {
      self->n_same = 0;
      return;
    }
  if (++self->n_same == SAME_ACKS)
    {
      ShoalUtpOut *first = shoal_utp_ring_get (&self->out, self->out_first);

      if (first != NULL && first->under_way)
        lose_one (self, first, news, now_us);
    }
}

void
shoal_utp_acked (ShoalUtp             *self,
                 const ShoalUtpPacket *packet,
                 gint64                now_us)
{
  News news = { .ack = { .now_us = now_us, .flight = self->flight_size } };
  gint n = shoal_utp_seq_diff ((guint16) (packet->ack + 1), self->out_first);
  guint16 unsent = shoal_utp_unsent (self);

  /* An old one that was overtaken. */
  if (n < 0)
    return;
  count_same (self, packet, &news, now_us);
  for (gint i = 0; i < n; i++)
    acked_one (self, (guint16) (self->out_first + i), &news, now_us);
  self->out_first = (guint16) (self->out_first + n);
  for (guint i = 0; i < packet->sack_size; i++)
    {
      guint16 seq = (guint16) (packet->ack + 2 + 8 * i);

      if (shoal_utp_seq_diff (seq, unsent) >= 0)
        break;
      for (guint8 bits = packet->sack[i]; bits != 0; bits = (guint8) (bits >> 1), seq++)
        if ((bits & 1) != 0 && shoal_utp_seq_diff (seq, unsent) < 0)
          acked_one (self, seq, &news, now_us);
    }
  find_lost (self, &news, now_us);

  if (self->peer_window >= SHOAL_UTP_DATAGRAM_MAX)
    self->stuck_us = 0;
  if (news.ack.n_acked > 0)
    {
      self->n_timeouts = 0;
      arm (self, now_us);
    }
  if (news.ack.n_acked == 0 && news.ack.n_lost == 0)
    return;
  news.ack.has_delay = packet->delay_us != 0 && news.ack.n_acked > 0;
  news.ack.delay_us = packet->delay_us;
  news.ack.acked_serial = news.ack.n_acked > 0 ? self->acked_serial : 0;
  news.ack.next_serial = self->serial;
  shoal_utp_ledbat_ack (&self->ledbat, &news.ack);
}

/* --- Sending --- */

static void
refill (ShoalUtp *self,
        gint64    now_us)
{
  double rate = (double) shoal_utp_ledbat_pace (&self->ledbat) / G_USEC_PER_SEC;
  double most = MAX (rate * BURST_US, (double) (BURST_PACKETS * payload_max (self)));

  self->pace_budget = MIN (self->pace_budget + rate * (double) (now_us - self->paced_us), most);
  self->paced_us = now_us;
}

/* FALSE: the next packet has to wait, and it is known until when. */
static gboolean
may_go_now (ShoalUtp *self,
            gint64    now_us)
{
  double rate = (double) shoal_utp_ledbat_pace (&self->ledbat) / G_USEC_PER_SEC;

  refill (self, now_us);
  self->pace_due_us = 0;
  if (self->pace_budget > 0 || self->flight_size == 0)
    return TRUE;
  self->pace_due_us = now_us + MAX ((gint64) (((double) payload_max (self) - self->pace_budget) / rate), PACE_LEAST_US);

  return FALSE;
}

gsize
shoal_utp_room (ShoalUtp *self,
                gint64    now_us)
{
  gsize packet = payload_max (self);
  gsize used = self->flight_size + self->fresh_size;
  gsize limit = MIN ((gsize) self->ledbat.window, self->peer_window);
  gsize room;

  if (self->state != SHOAL_UTP_OPEN || n_made (self) + SHOAL_UTP_TRAIN_MAX / packet + 2 >= SHOAL_UTP_FLIGHT_MAX
      || shoal_node_is_linked (&self->lost) || self->buffers->sent >= SHOAL_UTP_BUFFERS_MAX)
    return 0;
  if (used == 0 && self->peer_window < packet)
    {
      if (self->stuck_us == 0)
        self->stuck_us = now_us + STUCK_US;
      if (now_us < self->stuck_us)
        return 0;
      self->stuck_us = 0;
      return packet;
    }
  if (used == 0)
    limit = MAX (limit, packet);
  if (used + packet > limit || !may_go_now (self, now_us))
    return 0;

  room = MIN (limit - used, SHOAL_UTP_TRAIN_MAX / (packet + SHOAL_UTP_HEADER_SIZE) * packet);
  room = MIN (room, (gsize) MAX (self->pace_budget, 0) + packet);

  return room / packet * packet;
}

void
shoal_utp_write (ShoalUtp     *self,
                 const guint8 *bytes,
                 gsize         size)
{
  g_return_if_fail (self->state == SHOAL_UTP_OPEN);

  while (size > 0)
    {
      gsize n = MIN (size, payload_max (self));

      shoal_utp_make (self, SHOAL_UTP_DATA, bytes, n);
      bytes += n;
      size -= n;
    }
}

static ShoalUtpOut *
next_out (ShoalUtp *self,
          gint64    now_us)
{
  ShoalUtpOut *out;

  if (shoal_node_is_linked (&self->lost))
    {
      out = SHOAL_NODE_OWNER (self->lost.next, ShoalUtpOut, node);
      /* The oldest goes in any case: everything else waits for it. */
      if (out->seq == self->out_first || self->flight_size == 0
          || (self->flight_size + out->size <= (gsize) self->ledbat.window && may_go_now (self, now_us)))
        return out;
      return NULL;
    }
  if (shoal_node_is_linked (&self->fresh))
    return SHOAL_NODE_OWNER (self->fresh.next, ShoalUtpOut, node);

  return NULL;
}

static void
note_sent (ShoalUtp    *self,
           ShoalUtpOut *out,
           gint64       now_us)
{
  gboolean first = !waits_for_answer (self);

  if (first && self->state == SHOAL_UTP_OPEN && now_us - self->data_us > MAX (shoal_utp_ledbat_rto_us (&self->ledbat), G_USEC_PER_SEC))
    shoal_utp_ledbat_idle (&self->ledbat);
  leave_list (self, out);
  out->again = out->serial != 0;
  if (out->again)
    out->probe = 0;
  out->serial = self->serial++;
  out->sent_us = self->data_us = now_us;
  out->under_way = TRUE;
  self->flight_size += out->size;
  self->pace_budget -= out->size;
  shoal_node_append (&self->flight, &out->node);
  self->n_sent++;
  self->n_again += out->again;
  if (first || self->timeout_us == 0)
    arm (self, now_us);
}

static gsize
write_head (ShoalUtp       *self,
            ShoalUtpPacket *packet,
            guint           padding,
            guint8         *out,
            gint64          now_us)
{
  packet->id = packet->type == SHOAL_UTP_SYN ? self->id : self->peer_id;
  packet->sent_us = (guint32) now_us;
  packet->delay_us = self->reply_us;
  packet->window = self->told_window = shoal_utp_window (self);
  packet->ack = packet->type == SHOAL_UTP_SYN ? 0 : (guint16) (self->in_next - 1);
  self->said_us = now_us;

  return shoal_utp_packet_write_head (packet, padding, out);
}

static gsize
write_out (ShoalUtp    *self,
           ShoalUtpOut *out,
           guint        padding,
           guint8      *bytes,
           gint64       now_us)
{
  ShoalUtpPacket packet = { .type = out->type, .seq = out->seq };
  gsize head = write_head (self, &packet, padding, bytes, now_us);

  memcpy (bytes + head, out->bytes, out->size);
  note_sent (self, out, now_us);

  return head + out->size;
}

static void
answered (ShoalUtp *self)
{
  self->ack_now = FALSE;
  self->n_unacked = 0;
  self->ack_us = 0;
}

/* A packet that is made larger, to see whether that arrives. 0: none is to be tried. */
static guint
probe_size (ShoalUtp          *self,
            const ShoalUtpOut *out,
            gint64             now_us)
{
  guint wanted;

  if (out->type != SHOAL_UTP_DATA || out->serial != 0 || out->size < payload_max (self))
    return 0;
  wanted = shoal_utp_mtu_wanted (&self->mtu, now_us);

  return wanted >= SHOAL_UTP_HEADER_SIZE + out->size + SHOAL_UTP_PADDING_LEAST ? wanted : 0;
}

gsize
shoal_utp_output (ShoalUtp *self,
                  guint8   *bytes,
                  guint    *segment,
                  guint    *probe,
                  gint64    now_us)
{
  gsize size = 0;
  ShoalUtpOut *out;

  *segment = *probe = 0;
  if (self->state == SHOAL_UTP_OVER)
    return 0;

  while ((out = next_out (self, now_us)) != NULL)
    {
      gsize one = SHOAL_UTP_HEADER_SIZE + out->size;
      guint larger = probe_size (self, out, now_us);

      if (size > 0 && (larger != 0 || one > *segment || size + one > SHOAL_UTP_TRAIN_MAX))
        break;
      if (larger != 0)
        {
          *probe = larger;
          out->probe = (guint16) larger;
          shoal_utp_mtu_sent (&self->mtu, larger);
          size = write_out (self, out, larger - (guint) one, bytes, now_us);
          break;
        }
      size += write_out (self, out, 0, bytes + size, now_us);
      if (*segment == 0)
        *segment = (guint) one;
      if (one < *segment)
        break;
    }
  if (size > 0)
    {
      /* Every packet acknowledges, but only one without data says what came early. */
      if (self->n_early == 0)
        answered (self);
      if (size <= *segment)
        *segment = 0;
      return size;
    }

  if (self->ack_now && self->state != SHOAL_UTP_DIALING)
    {
      guint8 sack[SHOAL_UTP_SACK_MAX];
      ShoalUtpPacket packet = { .type = SHOAL_UTP_STATE, .seq = shoal_utp_unsent (self), .sack_size = shoal_utp_sack (self, sack) };

      packet.sack = packet.sack_size > 0 ? sack : NULL;
      answered (self);
      return write_head (self, &packet, 0, bytes, now_us);
    }
  if (self->state == SHOAL_UTP_ENDING && self->fin_made && self->out_first == self->out_next)
    shoal_utp_over (self, "closed");

  return 0;
}

void
shoal_utp_too_big (ShoalUtp *self,
                   guint     probe,
                   gint64    now_us)
{
  shoal_utp_mtu_too_big (&self->mtu, probe, now_us);
  for (ShoalNode *node = self->flight.prev; node != &self->flight; node = node->prev)
    {
      ShoalUtpOut *out = SHOAL_NODE_OWNER (node, ShoalUtpOut, node);

      if (out->probe == probe && !out->again)
        {
          mark_lost (self, out);
          return;
        }
    }
}
