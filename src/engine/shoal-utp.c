/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection of uTP (BEP 29): its life, and what happens to a packet that comes. */

/*
 * Packets and the time go in, trains of packets come out when they are asked for. The two
 * directions are in files of their own: shoal-utp-receive.c puts what comes in order,
 * shoal-utp-send.c numbers, sends and sends again.
 *
 * Nothing that the other end says can make us keep more than the limits of shoal-utp.h: it may
 * number packets at most %SHOAL_UTP_FLIGHT_MAX ahead, acknowledge only what was sent, and what it
 * may send is the window that it was told.
 */

#include "shoal-utp-private.h"

#define RING_LEAST    64u
#define RESET_SLACK   1024   /* packets, beside those under way, that an honest reset may be
                              * behind */
#define WAIT_END_US   (1 * G_USEC_PER_SEC)

/* --- Rings --- */

gpointer
shoal_utp_ring_get (const ShoalUtpRing *self,
                    guint16             seq)
{
  return self->capacity > 0 ? self->items[seq & (self->capacity - 1)] : NULL;
}

void
shoal_utp_ring_set (ShoalUtpRing *self,
                    guint16       seq,
                    gpointer      item)
{
  self->items[seq & (self->capacity - 1)] = item;
}

void
shoal_utp_ring_reserve (ShoalUtpRing *self,
                        guint16       first,
                        guint         n)
{
  ShoalUtpRing larger = { .capacity = MAX (self->capacity, RING_LEAST) };

  if (n <= self->capacity)
    return;
  while (larger.capacity < n)
    larger.capacity *= 2;
  larger.items = g_new0 (gpointer, larger.capacity);
  for (guint i = 0; i < self->capacity; i++)
    shoal_utp_ring_set (&larger, (guint16) (first + i),
                        shoal_utp_ring_get (self, (guint16) (first + i)));
  g_free (self->items);
  *self = larger;
}

/* --- Life --- */

static ShoalUtp *
utp_new (ShoalUtpState    state,
         guint16          seq,
         ShoalFamily      family,
         ShoalUtpBuffers *buffers,
         gint64           now_us)
{
  ShoalUtp *self = g_new0 (ShoalUtp, 1);

  self->state = state;
  self->buffers = buffers;
  self->out_first = self->out_next = seq;
  self->acked_last = (guint16) (seq - 1);
  self->serial = 1;
  self->reorder = 3;
  self->since_us = self->said_us = self->data_us = self->paced_us = now_us;
  self->peer_window = SHOAL_UTP_DATAGRAM_MAX;
  self->wide = self->told_window = SHOAL_UTP_WINDOW_LEAST;
  for (guint i = 0; i < SHOAL_UTP_N_PLACES; i++)
    shoal_node_init (&self->places[i]);
  shoal_node_init (&self->chunks);
  shoal_utp_mtu_init (&self->mtu, family);
  shoal_utp_ledbat_init (&self->ledbat, self->mtu.size - SHOAL_UTP_HEADER_SIZE);

  return self;
}

ShoalUtp *
shoal_utp_new_dial (guint16          id,
                    guint16          seq,
                    ShoalFamily      family,
                    ShoalUtpBuffers *buffers,
                    gint64           now_us)
{
  ShoalUtp *self = utp_new (SHOAL_UTP_DIALING, seq, family, buffers, now_us);

  self->id = id;
  self->peer_id = (guint16) (id + 1);
  shoal_utp_make (self, SHOAL_UTP_SYN, NULL, 0);

  return self;
}

ShoalUtp *
shoal_utp_new_accept (const ShoalUtpPacket *syn,
                      guint16               seq,
                      ShoalFamily           family,
                      ShoalUtpBuffers      *buffers,
                      gint64                arrived_us,
                      gint64                now_us)
{
  ShoalUtp *self = utp_new (SHOAL_UTP_ANSWERED, seq, family, buffers, now_us);

  self->id = (guint16) (syn->id + 1);
  self->peer_id = syn->id;
  self->in_next = (guint16) (syn->seq + 1);
  self->peer_window = syn->window;
  self->reply_us = (guint32) arrived_us - syn->sent_us;
  self->ack_now = TRUE;

  return self;
}

void
shoal_utp_free (ShoalUtp *self)
{
  if (self == NULL)
    return;

  shoal_utp_drop_output (self);
  shoal_utp_drop_input (self);
  g_free (self->out.items);
  g_free (self->in.items);
  g_free (self);
}

void
shoal_utp_over (ShoalUtp   *self,
                const char *why)
{
  if (self->state == SHOAL_UTP_OVER)
    return;
  self->state = SHOAL_UTP_OVER;
  if (self->why == NULL)
    self->why = why;
  shoal_utp_drop_output (self);
}

void
shoal_utp_abort (ShoalUtp   *self,
                 const char *why)
{
  shoal_utp_over (self, why);
}

void
shoal_utp_close (ShoalUtp *self,
                 gint64    now_us)
{
  switch (self->state)
    {
    case SHOAL_UTP_DIALING:
    case SHOAL_UTP_ANSWERED:
      shoal_utp_over (self, "closed before it was open");
      break;

    case SHOAL_UTP_OPEN:
      self->state = SHOAL_UTP_ENDING;
      self->since_us = now_us;
      shoal_utp_drop_input (self);
      if (self->at_end && self->out_first == self->out_next)
        break;   /* both ends have said everything: only their FIN may still have to be answered */
      shoal_utp_make (self, SHOAL_UTP_FIN, NULL, 0);
      self->fin_made = TRUE;
      break;

    case SHOAL_UTP_ENDING:
    case SHOAL_UTP_OVER:
    default:
      break;
    }
}

/* --- Input --- */

/* How many numbers @ack is behind the last packet that was sent; negative: it acknowledges what was
 * not. */
static gint
behind (const ShoalUtp       *self,
        const ShoalUtpPacket *packet)
{
  return shoal_utp_seq_diff ((guint16) (shoal_utp_unsent (self) - 1), packet->ack);
}

static gint
n_under_way (const ShoalUtp *self)
{
  return (guint16) (shoal_utp_unsent (self) - self->out_first);
}

/* A reset is believed if it knows what was sent: the address and the id alone can be guessed. */
static gboolean
reset_is_honest (const ShoalUtp       *self,
                 const ShoalUtpPacket *packet)
{
  /* Who has a number of ours from a packet without data has the next one. */
  return behind (self, packet) >= -1 && behind (self, packet) <= n_under_way (self) + RESET_SLACK;
}

/* What the very first answer to our SYN tells. */
static void
open_dialled (ShoalUtp             *self,
              const ShoalUtpPacket *packet,
              gint64                now_us)
{
  self->state = SHOAL_UTP_OPEN;
  self->since_us = now_us;
  /* Its number is that of the first packet that will have data. */
  self->in_next = packet->seq;
}

/* FALSE: it says something that cannot be. */
static gboolean
is_plausible (const ShoalUtp       *self,
              const ShoalUtpPacket *packet)
{
  /* Nothing was sent but the answer to the SYN: who got that knows its number, who lied about his
   * address does not. */
  if (self->state == SHOAL_UTP_ANSWERED)
    return behind (self, packet) == 0;

  return behind (self, packet) >= 0
         && behind (self, packet) <= n_under_way (self) + (gint) SHOAL_UTP_FLIGHT_MAX;
}

void
shoal_utp_packet (ShoalUtp             *self,
                  const ShoalUtpPacket *packet,
                  gint64                arrived_us,
                  gint64                now_us)
{
  if (self->state == SHOAL_UTP_OVER)
    return;

  if (packet->type == SHOAL_UTP_RESET)
    {
      if (reset_is_honest (self, packet))
        shoal_utp_over (self, self->state == SHOAL_UTP_DIALING ? "refused by the peer"
                                                               : "reset by the peer");
      return;
    }
  if (packet->type == SHOAL_UTP_SYN)
    {
      /* Ours was not heard. */
      if (self->state == SHOAL_UTP_ANSWERED && (guint16) (packet->seq + 1) == self->in_next)
        self->ack_now = TRUE;
      return;
    }
  if (!is_plausible (self, packet))
    return;

  if (self->state == SHOAL_UTP_DIALING)
    {
      /* Data that overtook the answer comes again. */
      if (packet->type != SHOAL_UTP_STATE || packet->ack != self->out_first)
        return;
      open_dialled (self, packet, now_us);
    }
  else if (self->state == SHOAL_UTP_ANSWERED)
    {
      self->state = SHOAL_UTP_OPEN;
      self->since_us = now_us;
    }

  self->reply_us = (guint32) arrived_us - packet->sent_us;
  shoal_utp_ledbat_theirs (&self->ledbat, self->reply_us, now_us);
  self->peer_window = packet->window;
  self->heard_us = now_us;
  shoal_utp_acked (self, packet, now_us);
  if (packet->type != SHOAL_UTP_STATE)
    shoal_utp_take (self, packet, arrived_us, now_us);
  if (self->state == SHOAL_UTP_ENDING && self->fin_made && self->out_first == self->out_next
      && !self->ack_now)
    shoal_utp_over (self, "closed");
}

/* --- Time --- */

gint64
shoal_utp_deadline (const ShoalUtp *self)
{
  gint64 at_us = SHOAL_NEVER;

  switch (self->state)
    {
    case SHOAL_UTP_OVER:
      return SHOAL_NEVER;

    case SHOAL_UTP_ANSWERED:
      at_us = self->since_us + SHOAL_UTP_HALF_OPEN_US;
      break;

    case SHOAL_UTP_ENDING:
      at_us = self->since_us + (self->fin_made ? SHOAL_UTP_LINGER_US : WAIT_END_US);
      break;

    case SHOAL_UTP_OPEN:
      at_us = self->said_us + SHOAL_UTP_KEEP_ALIVE_US;
      break;

    case SHOAL_UTP_DIALING:
    default:
      break;
    }
  if (self->ack_us != 0)
    at_us = MIN (at_us, self->ack_us);
  if (self->timeout_us != 0)
    at_us = MIN (at_us, self->timeout_us);
  if (self->probe_us != 0)
    at_us = MIN (at_us, self->probe_us);
  if (self->pace_due_us != 0)
    at_us = MIN (at_us, self->pace_due_us);
  if (self->stuck_us != 0)
    at_us = MIN (at_us, self->stuck_us);

  return at_us;
}

void
shoal_utp_tick (ShoalUtp *self,
                gint64    now_us)
{
  switch (self->state)
    {
    case SHOAL_UTP_ANSWERED:
      if (now_us >= self->since_us + SHOAL_UTP_HALF_OPEN_US)
        shoal_utp_over (self, "nothing came after the first packet");
      break;

    case SHOAL_UTP_ENDING:
      if (now_us >= self->since_us + (self->fin_made ? SHOAL_UTP_LINGER_US : WAIT_END_US))
        shoal_utp_over (self, "closed");
      break;

    case SHOAL_UTP_OPEN:
      if (now_us >= self->said_us + SHOAL_UTP_KEEP_ALIVE_US)
        self->ack_now = TRUE;
      break;

    case SHOAL_UTP_DIALING:
    case SHOAL_UTP_OVER:
    default:
      break;
    }
  if (self->state == SHOAL_UTP_OVER)
    return;
  if (self->ack_us != 0 && now_us >= self->ack_us)
    self->ack_now = TRUE;
  shoal_utp_timed_out (self, now_us);
}

/* --- Questions --- */

ShoalUtpState
shoal_utp_state (const ShoalUtp *self)
{
  return self->state;
}

const char *
shoal_utp_why (const ShoalUtp *self)
{
  return self->why;
}

gboolean
shoal_utp_at_end (const ShoalUtp *self)
{
  return self->at_end && self->unread == 0;
}

guint16
shoal_utp_id (const ShoalUtp *self)
{
  return self->id;
}

guint16
shoal_utp_peer_id (const ShoalUtp *self)
{
  return self->peer_id;
}

void
shoal_utp_info (const ShoalUtp *self,
                ShoalUtpInfo   *out)
{
  *out = (ShoalUtpInfo){
    .window = (guint64) self->ledbat.window,
    .queue_us = self->ledbat.queue_us,
    .rtt_us = self->ledbat.srtt_us,
    .n_sent = self->n_sent,
    .n_again = self->n_again,
    .packet = self->mtu.size,
    .told = self->told_window,
    .steady = self->ledbat.steady,
  };
}
