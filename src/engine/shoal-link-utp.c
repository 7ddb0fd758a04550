/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ways that a link may take: TCP, which the host has, and uTP, which the engine has itself. */

/*
 * A link that is dialled may stand on two legs until one of them answers. Both are tried at once;
 * uTP is kept where it answers at about the same time, because it makes way for what else is done
 * on the line. On the local network, where there is nothing to make way for, it is tried only if
 * TCP fails.
 *
 * The host knows of the TCP leg alone, and tells its end as it does for any link; whether that is
 * the end of the link is decided here.
 */

#include "shoal-link-private.h"

#include <string.h>

#define GRACE_US    (200 * G_TIME_SPAN_MILLISECOND)   /* that TCP waits for uTP */
#define WINDOW_MAX  64u
#define SPANS_MAX   64u

static gboolean
dial_utp (ShoalLink *self)
{
  ShoalEngine *engine = self->engine;

  self->utp_tried = TRUE;
  if (!engine->config.use_utp || engine->udp_port == 0)
    return FALSE;
  self->utp = shoal_utp_socket_dial (engine->utp, &self->addr, self, engine->now_us);

  return self->utp != NULL;
}

void
shoal_link_dial_legs (ShoalLink *self)
{
  ShoalEngine *engine = self->engine;
  gboolean tcp = engine->config.use_tcp;

  if (!tcp || !shoal_addr_is_local (&self->addr))
    dial_utp (self);
  if (tcp || self->utp == NULL)
    {
      self->tcp_leg = TRUE;
      engine->host->ops->dial (engine->host, self, &self->addr);
    }
}

static void
release_utp (ShoalLink *self)
{
  ShoalUtpSocket *utp = g_steal_pointer (&self->utp);

  shoal_timers_disarm (self->engine->timers, &self->race_timer);
  if (utp != NULL)
    shoal_utp_socket_release (utp, self->engine->now_us);
}

static void
grace_over (gpointer owner,
            gint64   now_us)
{
  ShoalLink *self = owner;

  if (self->state != SHOAL_LINK_DIALING)
    return;
  release_utp (self);
  shoal_link_opened_at_last (self);
}

void
shoal_link_legs_init (ShoalLink *self)
{
  shoal_node_init (&self->ended_node);
  shoal_timer_init (&self->race_timer, grace_over, self);
}

void
shoal_link_legs_end (ShoalLink *self)
{
  release_utp (self);
  shoal_node_unlink (&self->ended_node);
}

gboolean
shoal_link_tcp_opened (ShoalLink *self)
{
  if (self->utp == NULL)
    return TRUE;
  self->tcp_open = TRUE;
  shoal_timers_arm (self->engine->timers, &self->race_timer, self->engine->now_us + GRACE_US);

  return FALSE;
}

gboolean
shoal_link_tcp_closed (ShoalLink *self)
{
  self->tcp_leg = self->tcp_open = FALSE;
  if (self->state == SHOAL_LINK_CLOSING)
    return !shoal_node_is_linked (&self->ended_node);
  if (self->utp != NULL)
    return FALSE;

  return self->state != SHOAL_LINK_DIALING || self->utp_tried || !dial_utp (self);
}

void
shoal_link_hang_up_legs (ShoalLink *self)
{
  release_utp (self);
  if (self->tcp_leg)
    self->engine->host->ops->hang_up (self->engine->host, self);
  else
    shoal_node_append (&self->engine->ended, &self->ended_node);
}

void
shoal_link_attend_leg (ShoalLink *self)
{
  if (self->over_utp)
    {
      if (self->utp != NULL)
        shoal_utp_socket_attend (self->utp);
    }
  else if (self->tcp_leg)
    {
      self->engine->host->ops->attend (self->engine->host, self);
    }
}

void
shoal_engine_end_links (ShoalEngine *self)
{
  while (shoal_node_is_linked (&self->ended))
    {
      ShoalLink *link = SHOAL_NODE_OWNER (self->ended.next, ShoalLink, ended_node);

      shoal_node_unlink (&link->ended_node);
      shoal_link_closed (link, NULL);
    }
}

/* --- What the hub says --- */

static gpointer
utp_accept (gpointer         user_data,
            ShoalUtpSocket  *socket,
            const ShoalAddr *from)
{
  ShoalLink *self = shoal_engine_accept (user_data, from, NULL);

  if (self == NULL)
    return NULL;
  self->tcp_leg = FALSE;
  self->over_utp = TRUE;
  self->utp = socket;

  return self;
}

static void
utp_opened (gpointer owner)
{
  ShoalLink *self = owner;

  self->over_utp = TRUE;
  self->tcp_open = FALSE;
  shoal_timers_disarm (self->engine->timers, &self->race_timer);
  if (self->tcp_leg)
    self->engine->host->ops->hang_up (self->engine->host, self);
  shoal_link_opened_at_last (self);
}

static void
utp_input (gpointer owner)
{
  ShoalLink *self = owner;

  while (self->utp != NULL && self->over_utp && shoal_utp_socket_unread (self->utp) > 0)
    {
      struct iovec window[WINDOW_MAX];
      guint n = shoal_link_window (self, window, WINDOW_MAX);

      /* A limit, or too much that is not written yet: it is attended to when that changes. */
      if (n == 0)
        return;
      shoal_link_received (self, shoal_utp_socket_read (self->utp, window, n));
    }
}

static gsize
utp_output (gpointer owner,
            guint8  *out,
            gsize    room)
{
  ShoalLink *self = owner;
  gsize done = 0;

  /* Transmission 3.00 leaves what stands behind the handshake in one packet until another one
   * comes. */
  if (self->apart > 0)
    room = MIN (room, self->apart);
  while (done < room && self->utp != NULL && self->over_utp)
    {
      ShoalSpan spans[SPANS_MAX];
      guint n = shoal_link_output (self, spans, SPANS_MAX);
      gsize copied = 0;

      for (guint i = 0; i < n && done + copied < room; i++)
        {
          gsize size = MIN (spans[i].size, room - done - copied);

          g_assert (spans[i].file == NULL);
          memcpy (out + done + copied, spans[i].bytes, size);
          copied += size;
        }
      if (copied == 0)
        break;
      done += copied;
      shoal_link_sent (self, copied);
    }
  self->apart -= MIN (self->apart, done);

  return done;
}

static void
utp_gone (gpointer    owner,
          const char *why)
{
  ShoalLink *self = owner;

  self->utp = NULL;
  shoal_timers_disarm (self->engine->timers, &self->race_timer);
  if (self->state == SHOAL_LINK_DIALING && self->tcp_open)
    shoal_link_opened_at_last (self);
  else if (!self->tcp_leg)
    shoal_link_closed (self, why);
  else if (self->over_utp)
    shoal_link_hang_up (self, why);   /* the host is about to say that the other leg is gone */
}

const ShoalUtpHubOps shoal_link_utp_ops = {
  .accept = utp_accept,
  .opened = utp_opened,
  .input = utp_input,
  .output = utp_output,
  .gone = utp_gone,
};
