/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comes in on a uTP connection: put in order, kept until it is read, acknowledged. */

/*
 * In order, bytes are copied behind each other; early, each packet is kept by its number. Every
 * second packet is acknowledged, and at once whatever shows that one is missing; what arrives in
 * one turn is answered once.
 *
 * The window that the other end is told is twice what arrives in a round trip of an empty way:
 * enough to grow and for round trips of 300 ms, but senders that begin too fast do not fill any
 * queue with it. It costs memory only when packets are missing or nobody reads, and then there are
 * limits, for the connection and for all together.
 */

#include "shoal-utp-private.h"

#include <string.h>

#define ACK_DELAY_US  (20 * G_TIME_SPAN_MILLISECOND)
#define ACK_EVERY     2u   /* packets */
#define ROUND_PARTS   4    /* of a round trip: how often is looked at what arrives */
#define ROUND_LEAST   (5 * G_TIME_SPAN_MILLISECOND)
#define RTT_UNKNOWN   (300 * G_TIME_SPAN_MILLISECOND)

guint32
shoal_utp_window (const ShoalUtp *self)
{
  gsize kept = self->early_size + self->unread;
  gsize window = self->unread >= SHOAL_UTP_UNREAD_MAX
                   ? 0
                   : MIN (self->wide, SHOAL_UTP_WINDOW_MAX - MIN (kept, SHOAL_UTP_WINDOW_MAX));

  /* Nobody reads at the moment: a little more, not everything that a fast way could bring. */
  if (self->unread > 0)
    window = MIN (window, SHOAL_UTP_UNREAD_MAX - MIN (self->unread, SHOAL_UTP_UNREAD_MAX));
  if (self->buffers->received >= SHOAL_UTP_BUFFERS_MAX)
    window = 0;

  return (guint32) window;
}

/* @wide grows with what arrives, and stays. What waited for us came at another time than it is
 * looked at. */
static void
widen (ShoalUtp *self,
       gsize     size,
       gint64    arrived_us)
{
  gint64 rtt_us = shoal_utp_ledbat_min_rtt_us (&self->ledbat);
  gint64 took_us = arrived_us - self->round_us;

  if (rtt_us == 0)
    rtt_us = RTT_UNKNOWN;
  if (self->round_us != 0 && took_us >= MAX (rtt_us / ROUND_PARTS, ROUND_LEAST))
    {
      double a_trip = (double) self->arrived * (double) rtt_us / (double) took_us;

      self->wide = (gsize) CLAMP (2 * a_trip, (double) self->wide, (double) SHOAL_UTP_WINDOW_MAX);
      self->round_us = 0;
    }
  if (self->round_us == 0)
    {
      self->round_us = arrived_us;
      self->arrived = 0;
    }
  self->arrived += size;
}

static void
append (ShoalUtp     *self,
        const guint8 *bytes,
        gsize         size)
{
  self->unread += size;
  self->buffers->received += size;
  while (size > 0)
    {
      ShoalUtpChunk *chunk = SHOAL_NODE_OWNER (self->chunks.prev, ShoalUtpChunk, node);
      gsize n;

      if (!shoal_node_is_linked (&self->chunks) || chunk->end == SHOAL_UTP_CHUNK)
        {
          chunk = g_malloc (sizeof *chunk);
          chunk->begin = chunk->end = 0;
          shoal_node_init (&chunk->node);
          shoal_node_append (&self->chunks, &chunk->node);
        }
      n = MIN (size, SHOAL_UTP_CHUNK - chunk->end);
      memcpy (chunk->bytes + chunk->end, bytes, n);
      chunk->end += (guint) n;
      bytes += n;
      size -= n;
    }
}

static void
in_order (ShoalUtp     *self,
          ShoalUtpType  type,
          const guint8 *bytes,
          gsize         size)
{
  self->in_next++;
  if (type == SHOAL_UTP_FIN)
    {
      self->at_end = TRUE;
      self->ack_now = TRUE;
    }
  else if (self->state != SHOAL_UTP_ENDING && !self->at_end)
    {
      append (self, bytes, size);
    }
}

static void
drop_early (ShoalUtp      *self,
            guint16        seq,
            ShoalUtpEarly *early)
{
  shoal_utp_ring_set (&self->in, seq, NULL);
  self->n_early--;
  self->early_size -= early->size;
  self->buffers->received -= early->size;
  g_free (early);
}

static void
keep_early (ShoalUtp             *self,
            const ShoalUtpPacket *packet,
            guint                 ahead)
{
  ShoalUtpEarly *early;

  if (self->early_size + self->unread + packet->size > SHOAL_UTP_WINDOW_MAX
      || self->buffers->received + packet->size > SHOAL_UTP_BUFFERS_MAX)
    return;
  shoal_utp_ring_reserve (&self->in, self->in_next, ahead + 1);
  if (shoal_utp_ring_get (&self->in, packet->seq) != NULL)
    return;

  early = g_malloc (sizeof *early + packet->size);
  early->size = (guint16) packet->size;
  early->type = packet->type;
  memcpy (early->bytes, packet->payload, packet->size);
  shoal_utp_ring_set (&self->in, packet->seq, early);
  if (self->n_early == 0 || shoal_utp_seq_diff (packet->seq, self->early_last) > 0)
    self->early_last = packet->seq;
  self->n_early++;
  self->early_size += packet->size;
  self->buffers->received += packet->size;
}

void
shoal_utp_take (ShoalUtp             *self,
                const ShoalUtpPacket *packet,
                gint64                arrived_us,
                gint64                now_us)
{
  gint ahead = shoal_utp_seq_diff (packet->seq, self->in_next);

  if (packet->size > G_MAXUINT16 || ahead >= (gint) SHOAL_UTP_FLIGHT_MAX)
    return;
  if (ahead >= 0)
    widen (self, packet->size, arrived_us);
  if (ahead != 0)
    {
      /* A packet that came already shows that its acknowledgement was lost. */
      self->ack_now = TRUE;
      if (ahead > 0 && !self->at_end)
        keep_early (self, packet, (guint) ahead);
      return;
    }
  /* More than was allowed by far: what is dropped comes again. */
  if (self->unread > SHOAL_UTP_WINDOW_MAX || self->buffers->received > 2 * SHOAL_UTP_BUFFERS_MAX)
    return;

  in_order (self, packet->type, packet->payload, packet->size);
  if (self->n_early > 0)
    self->ack_now = TRUE;
  while (self->n_early > 0)
    {
      ShoalUtpEarly *early = shoal_utp_ring_get (&self->in, self->in_next);
      guint16 seq = self->in_next;

      if (early == NULL)
        break;
      in_order (self, early->type, early->bytes, early->size);
      drop_early (self, seq, early);
    }
  if (++self->n_unacked >= ACK_EVERY)
    self->ack_now = TRUE;
  else if (self->ack_us == 0)
    self->ack_us = now_us + ACK_DELAY_US;
}

guint
shoal_utp_sack (const ShoalUtp *self,
                guint8         *out)
{
  guint n, size;

  if (self->n_early == 0)
    return 0;
  n = MIN ((guint) shoal_utp_seq_diff (self->early_last, self->in_next), SHOAL_UTP_SACK_MAX * 8);
  size = MIN ((n + 31) / 32 * 4, SHOAL_UTP_SACK_MAX);
  memset (out, 0, size);
  for (guint i = 0; i < n; i++)
    if (shoal_utp_ring_get (&self->in, (guint16) (self->in_next + 1 + i)) != NULL)
      out[i / 8] |= (guint8) (1u << i % 8);

  return size;
}

gsize
shoal_utp_unread (const ShoalUtp *self)
{
  return self->unread;
}

gsize
shoal_utp_read (ShoalUtp           *self,
                const struct iovec *iov,
                guint               n)
{
  gsize done = 0;

  for (guint i = 0; i < n; i++)
    {
      guint8 *out = iov[i].iov_base;
      gsize left = iov[i].iov_len;

      while (left > 0 && shoal_node_is_linked (&self->chunks))
        {
          ShoalUtpChunk *chunk = SHOAL_NODE_OWNER (self->chunks.next, ShoalUtpChunk, node);
          gsize size = MIN (left, chunk->end - chunk->begin);

          memcpy (out, chunk->bytes + chunk->begin, size);
          chunk->begin += (guint) size;
          out += size;
          left -= size;
          done += size;
          if (chunk->begin == chunk->end)
            {
              shoal_node_unlink (&chunk->node);
              g_free (chunk);
            }
        }
    }
  self->unread -= done;
  self->buffers->received -= done;
  /* It was told to wait: it has to hear that it may go on. */
  if (done > 0 && self->told_window < SHOAL_UTP_UNREAD_MAX
      && shoal_utp_window (self) >= 2 * MAX (self->told_window, SHOAL_UTP_DATAGRAM_MAX))
    self->ack_now = TRUE;

  return done;
}

void
shoal_utp_drop_input (ShoalUtp *self)
{
  SHOAL_NODE_FOREACH (node, &self->chunks)
    {
      shoal_node_unlink (node);
      g_free (SHOAL_NODE_OWNER (node, ShoalUtpChunk, node));
    }
  self->buffers->received -= self->unread;
  self->unread = 0;
  for (guint i = 0; i < self->in.capacity && self->n_early > 0; i++)
    {
      ShoalUtpEarly *early = self->in.items[i];

      if (early != NULL)
        drop_early (self, (guint16) i, early);
    }
}
