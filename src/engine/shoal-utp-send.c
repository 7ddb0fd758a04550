/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes out on a uTP connection: numbered, paced, sent again until it is acknowledged. */

/*
 * A packet is made when it may be sent, and is in the list of its place until it is acknowledged:
 * FRESH, FLIGHT, UNSAID or LOST. Each sending has a serial. A packet is lost when some that were
 * sent later arrived, or one that was sent a good round trip later: so a retransmission that is
 * lost is found as fast as any other. If nothing comes back at all, the first one is sent once more
 * before the timeout takes everything for lost.
 *
 * An acknowledgement says only of so many packets that they came early, libutp's of 30; of those
 * behind them nothing is known before the first one that is missing has arrived. So that one goes
 * before all others, and of the others those that must have come to their end long ago are UNSAID:
 * they take no place on the way, and are not sent again either.
 */

#include "shoal-utp-private.h"

#include <string.h>

#define REORDER_MAX   64u
#define SAME_ACKS     3u
#define PROBE_WAIT_US (150 * G_TIME_SPAN_MILLISECOND)  /* beside two round trips: libutp keeps
                                                        * acknowledgements back for 100 ms and
                                                        * more */
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

/* (nullable): there is none */
static inline ShoalUtpOut *
first_in (const ShoalUtp *self,
          ShoalUtpPlace   place)
{
  const ShoalNode *list = &self->places[place];

  return shoal_node_is_linked (list) ? SHOAL_NODE_OWNER (list->next, ShoalUtpOut, node) : NULL;
}

/* What the other end misses before anything else. (nullable): nothing, or it lied */
static inline ShoalUtpOut *
first_missing (const ShoalUtp *self)
{
  return shoal_utp_ring_get (&self->out, self->out_first);
}

guint16
shoal_utp_unsent (const ShoalUtp *self)
{
  ShoalUtpOut *fresh = first_in (self, SHOAL_UTP_FRESH);

  return fresh != NULL ? fresh->seq : self->out_next;
}

/* --- Lists --- */

static void
leave (ShoalUtp    *self,
       ShoalUtpOut *out)
{
  self->sizes[out->place] -= out->size;
  shoal_node_unlink (&out->node);
}

static void
go_to (ShoalUtp     *self,
       ShoalUtpOut  *out,
       ShoalUtpPlace place)
{
  leave (self, out);
  out->place = place;
  self->sizes[place] += out->size;
  shoal_node_append (&self->places[place], &out->node);
}

static void
out_free (ShoalUtp    *self,
          ShoalUtpOut *out)
{
  leave (self, out);
  shoal_utp_ring_set (&self->out, out->seq, NULL);
  self->buffers->sent -= out->size;
  g_free (out);
}

/* It was sent, and may have arrived. */
static gboolean
is_in_doubt (const ShoalUtpOut *out)
{
  return out->place == SHOAL_UTP_FLIGHT || out->place == SHOAL_UTP_UNSAID;
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
  shoal_node_append (&self->places[SHOAL_UTP_FRESH], &out->node);
  self->sizes[SHOAL_UTP_FRESH] += size;
  self->buffers->sent += size;
  self->out_next++;

  return out;
}

void
shoal_utp_drop_output (ShoalUtp *self)
{
  for (guint i = 0; i < SHOAL_UTP_N_PLACES; i++)
    SHOAL_NODE_FOREACH (node, &self->places[i])
      out_free (self, SHOAL_NODE_OWNER (node, ShoalUtpOut, node));
  self->out_first = self->out_next;
  self->timeout_us = self->probe_us = self->pace_due_us = self->stuck_us = 0;
}

/* --- Time --- */

static gboolean
waits_for_answer (const ShoalUtp *self)
{
  return shoal_utp_unsent (self) != self->out_first;
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

static void
take_for_lost (ShoalUtp     *self,
               ShoalUtpPlace place)
{
  while (first_in (self, place) != NULL)
    go_to (self, first_in (self, place), SHOAL_UTP_LOST);
}

void
shoal_utp_timed_out (ShoalUtp *self,
                     gint64    now_us)
{
  ShoalUtpOut *first = first_missing (self);

  if (self->timeout_us != 0 && now_us >= self->timeout_us)
    {
      self->n_timeouts++;
      /* Who takes nothing, but says so, is there. */
      if (self->peer_window < SHOAL_UTP_DATAGRAM_MAX && self->heard_us > self->data_us)
        self->n_timeouts = MIN (self->n_timeouts, SHOAL_UTP_TIMEOUTS_MAX - 1);
      if (self->n_timeouts
          >= (self->state == SHOAL_UTP_DIALING ? SHOAL_UTP_SYN_TRIES : SHOAL_UTP_TIMEOUTS_MAX))
        {
          shoal_utp_over (self, "no answer in time");
          return;
        }
      if (self->n_timeouts >= 2 && self->state != SHOAL_UTP_DIALING)
        shoal_utp_mtu_stuck (&self->mtu);
      take_for_lost (self, SHOAL_UTP_UNSAID);
      take_for_lost (self, SHOAL_UTP_FLIGHT);
      shoal_utp_ledbat_timeout (&self->ledbat, self->serial);
      self->timeout_us = self->probe_us = 0;
    }
  else if (self->probe_us != 0 && now_us >= self->probe_us)
    {
      self->probe_us = 0;
      if (first != NULL && is_in_doubt (first) && first_in (self, SHOAL_UTP_LOST) == NULL)
        go_to (self, first, SHOAL_UTP_LOST);
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
  go_to (self, out, SHOAL_UTP_LOST);
}

/* The last acknowledgements reached so far. */
static gboolean
is_told_of (const ShoalUtp    *self,
            const ShoalUtpOut *out)
{
  return shoal_utp_seq_diff (out->seq, self->acked_last) <= 0;
}

static void
find_lost (ShoalUtp *self,
           News     *news,
           gint64    now_us)
{
  gint64 late_us = self->ledbat.srtt_us * 5 / 4 + G_TIME_SPAN_MILLISECOND;
  ShoalUtpOut *unsaid;

  while ((unsaid = first_in (self, SHOAL_UTP_UNSAID)) != NULL && is_told_of (self, unsaid))
    lose_one (self, unsaid, news, now_us);
  SHOAL_NODE_FOREACH (node, &self->places[SHOAL_UTP_FLIGHT])
    {
      ShoalUtpOut *out = SHOAL_NODE_OWNER (node, ShoalUtpOut, node);

      if (out->serial >= self->acked_serial)
        break;
      if (out->serial + self->reorder > self->acked_serial && out->sent_us + late_us > now_us)
        break;
      if (is_told_of (self, out))
        lose_one (self, out, news, now_us);
      else if (out->sent_us + 2 * late_us < now_us)
        go_to (self, out, SHOAL_UTP_UNSAID);
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
  if (news->ack.n_acked > 0 || self->peer_sacks || packet->type != SHOAL_UTP_STATE
      || (guint16) (packet->ack + 1) != self->out_first)
    {
      self->n_same = 0;
      return;
    }
  if (++self->n_same == SAME_ACKS)
    {
      ShoalUtpOut *first = first_missing (self);

      if (first != NULL && is_in_doubt (first))
        lose_one (self, first, news, now_us);
    }
}

void
shoal_utp_acked (ShoalUtp             *self,
                 const ShoalUtpPacket *packet,
                 gint64                now_us)
{
  News news = { .ack = { .now_us = now_us, .flight = self->sizes[SHOAL_UTP_FLIGHT] } };
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
  if (self->pace_budget > 0 || self->sizes[SHOAL_UTP_FLIGHT] == 0)
    return TRUE;
  self->pace_due_us = now_us
                      + MAX ((gint64) (((double) payload_max (self) - self->pace_budget) / rate),
                             PACE_LEAST_US);

  return FALSE;
}

gsize
shoal_utp_room (ShoalUtp *self,
                gint64    now_us)
{
  gsize packet = payload_max (self);
  gsize used = self->sizes[SHOAL_UTP_FLIGHT] + self->sizes[SHOAL_UTP_FRESH];
  /* The other end may have these. */
  gsize taken = MIN (self->sizes[SHOAL_UTP_UNSAID], self->peer_window);
  gsize limit = MIN ((gsize) self->ledbat.window, self->peer_window - taken);
  gsize room;

  if (self->state != SHOAL_UTP_OPEN
      || n_made (self) + SHOAL_UTP_TRAIN_MAX / packet + 2 >= SHOAL_UTP_FLIGHT_MAX
      || first_in (self, SHOAL_UTP_LOST) != NULL || self->buffers->sent >= SHOAL_UTP_BUFFERS_MAX)
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
  ShoalUtpOut *first = first_missing (self);
  ShoalUtpOut *lost = first_in (self, SHOAL_UTP_LOST);

  if (lost == NULL)
    return first_in (self, SHOAL_UTP_FRESH);
  /* It goes in any case: everything else waits for it. */
  if (first != NULL && first->place == SHOAL_UTP_LOST)
    return first;
  if (self->sizes[SHOAL_UTP_FLIGHT] == 0)
    return lost;
  if (self->sizes[SHOAL_UTP_FLIGHT] + lost->size <= (gsize) self->ledbat.window
      && may_go_now (self, now_us))
    return lost;

  return NULL;
}

static void
note_sent (ShoalUtp    *self,
           ShoalUtpOut *out,
           gint64       now_us)
{
  gboolean first = !waits_for_answer (self);

  if (first && self->state == SHOAL_UTP_OPEN
      && now_us - self->data_us > MAX (shoal_utp_ledbat_rto_us (&self->ledbat), G_USEC_PER_SEC))
    shoal_utp_ledbat_idle (&self->ledbat);
  go_to (self, out, SHOAL_UTP_FLIGHT);
  out->again = out->serial != 0;
  if (out->again)
    out->probe = 0;
  out->serial = self->serial++;
  out->sent_us = self->data_us = now_us;
  self->pace_budget -= out->size;
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
      ShoalUtpPacket packet = { .type = SHOAL_UTP_STATE,
                                .seq = shoal_utp_unsent (self),
                                .sack_size = shoal_utp_sack (self, sack) };

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
  const ShoalNode *flight = &self->places[SHOAL_UTP_FLIGHT];

  shoal_utp_mtu_too_big (&self->mtu, probe, now_us);
  for (ShoalNode *node = flight->prev; node != flight; node = node->prev)
    {
      ShoalUtpOut *out = SHOAL_NODE_OWNER (node, ShoalUtpOut, node);

      if (out->probe == probe && !out->again)
        {
          go_to (self, out, SHOAL_UTP_LOST);
          return;
        }
    }
}
