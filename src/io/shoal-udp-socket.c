/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Datagrams of one address family, to and from anybody. */

/*
 * The socket is never connected: it serves every tracker. A wake-up reads a bounded number of
 * datagrams; the rest is found again, since the watch is level triggered.
 */

#include "shoal-udp-socket.h"

#include <errno.h>

#define DATAGRAMS_A_TURN 64

struct _ShoalUdpSocket
{
  ShoalWatch    watch;
  ShoalReactor *reactor;
  GSocket      *socket;
  ShoalUdpFunc  arrived;
  gpointer      user_data;
};

static void
udp_ready (ShoalWatch *watch,
           guint32     events)
{
  ShoalUdpSocket *self = (ShoalUdpSocket *) watch;
  guint8 data[SHOAL_DATAGRAM_MAX];

  for (guint i = 0; i < DATAGRAMS_A_TURN; i++)
    {
      struct sockaddr_storage name;
      socklen_t name_size = sizeof name;
      ShoalAddr from;
      struct sockaddr *peer = (struct sockaddr *) &name;
      gssize size = recvfrom (watch->fd, data, sizeof data, MSG_TRUNC, peer, &name_size);

      if (size < 0 && (errno == EAGAIN || errno == ENOMEM))
        return;
      /* An error is about a datagram that was sent earlier; reading it has cleared it. */
      if (size < 0 || (gsize) size > sizeof data ||
          !shoal_addr_from_sockaddr (&from, peer, name_size))
        continue;

      self->arrived (&from, data, (gsize) size, g_get_monotonic_time (), self->user_data);
    }
}

ShoalUdpSocket *
shoal_udp_socket_new (ShoalReactor       *reactor,
                      const ShoalBinding *binding,
                      ShoalFamily         family,
                      guint16             port,
                      ShoalUdpFunc        arrived,
                      gpointer            user_data,
                      GError            **error)
{
  ShoalUdpSocket *self = g_new0 (ShoalUdpSocket, 1);

  self->reactor = reactor;
  self->arrived = arrived;
  self->user_data = user_data;
  self->socket = shoal_socket_watch_new (binding, family, G_SOCKET_TYPE_DATAGRAM, port, reactor, &self->watch,
                                         udp_ready, error);
  if (self->socket == NULL)
    g_clear_pointer (&self, g_free);

  return self;
}

void
shoal_udp_socket_free (ShoalUdpSocket *self)
{
  if (self == NULL)
    return;

  shoal_socket_watch_free (self->socket, self->reactor, &self->watch);
  g_free (self);
}

guint16
shoal_udp_socket_port (const ShoalUdpSocket *self)
{
  return shoal_socket_port (self->socket);
}

/* One datagram. */
static ShoalSendResult
send_one (ShoalUdpSocket        *self,
          const struct sockaddr *name,
          socklen_t              name_size,
          const guint8          *data,
          gsize                  size)
{
  gssize sent;

  do
    sent = sendto (self->watch.fd, data, size, MSG_NOSIGNAL, name, name_size);
  while (sent < 0 && errno == EINTR);

  if (sent >= 0)
    return SHOAL_SEND_SENT;
  if (errno == EMSGSIZE)
    return SHOAL_SEND_TOO_BIG;

  return errno == EAGAIN || errno == ENOBUFS ? SHOAL_SEND_FULL : SHOAL_SEND_FAILED;
}

ShoalSendResult
shoal_udp_socket_send (ShoalUdpSocket  *self,
                       const ShoalAddr *to,
                       const guint8    *data,
                       gsize            size,
                       guint            segment,
                       ShoalSendFlags   flags)
{
  struct sockaddr_storage name;
  socklen_t name_size = shoal_addr_to_sockaddr (to, &name);
  ShoalSendResult result = SHOAL_SEND_SENT;

  if (segment == 0)
    segment = (guint) size;
  for (gsize done = 0; result == SHOAL_SEND_SENT && done < size; done += segment)
    {
      result = send_one (self, (struct sockaddr *) &name, name_size, data + done,
                         MIN (segment, size - done));
      /* The rest of a train that has begun is lost on the way, like any other datagram. */
      if (result != SHOAL_SEND_SENT && done > 0)
        return SHOAL_SEND_SENT;
    }

  return result;
}
