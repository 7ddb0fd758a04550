/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Datagrams of one address family, to and from anybody. */

/*
 * The socket is never connected: it serves every tracker and peer. Where the kernel can, many
 * datagrams of one size come with one call (UDP_GRO) and go with one (UDP_SEGMENT), which is most
 * of what speed costs here. A wake-up reads a bounded number; the rest is found again, since the
 * watch is level triggered.
 *
 * When the kernel takes no more in the middle of a train, what is left of it is kept, and nothing
 * else is taken before it is gone.
 *
 * On a machine with several addresses the answer has to leave by the one that was asked, or NATs
 * and peers do not know it. So that nobody above has to carry it along, the address at which each
 * sender was last heard is kept in a table of fixed size; who has lost his place there to somebody
 * else gets the address that the system chooses.
 */

#include "shoal-udp-socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <time.h>

#define READS_A_TURN  64
#define READ_MAX      65536           /* bytes that come with one call */
#define BUFFER_SIZE   (4 << 20)       /* of the kernel, each way; it gives what it likes */
#define SEGMENTS_MAX  64u             /* of one call */
#define HEARD_SIZE    1024u           /* senders */
#define REFUSALS_MAX  8u              /* trains in a row; then no more are tried */
#define WAITED_MAX_US G_USEC_PER_SEC  /* in the kernel; what seems longer is a clock that was set */

/* @at: the address of ours that @from sent to; only its ip counts. */
typedef struct
{
  ShoalAddr from;
  ShoalAddr at;
} Heard;

struct _ShoalUdpSocket
{
  ShoalWatch    watch;
  ShoalReactor *reactor;
  GSocket      *socket;
  ShoalUdpFunc  arrived;
  gpointer      user_data;
  void        (*writable) (gpointer user_data);
  ShoalFamily   family;
  guint         n_refusals;    /* trains in a row that the kernel would not cut */
  gboolean      blocked;       /* it takes no more; asked for when it does */
  ShoalAddr     left_to;       /* the rest of a train */
  guint8       *left;          /* (nullable) */
  gsize         left_size;
  guint         left_segment;
  Heard         heard[HEARD_SIZE];
};

static void send_left (ShoalUdpSocket *self);

static Heard *
heard_place (ShoalUdpSocket  *self,
             const ShoalAddr *from)
{
  return &self->heard[shoal_addr_hash (from) % HEARD_SIZE];
}

/* What the kernel says beside the bytes. @arrived_us: (inout): stays if it says nothing credible;
 * @at: (out): our address, or family NONE */
static void
read_ancillary (struct msghdr *message,
                gint64         now_us,
                gint64         real_minus_monotonic_us,
                guint         *segment,
                gint64        *arrived_us,
                ShoalAddr     *at)
{
  at->family = SHOAL_FAMILY_NONE;
  for (struct cmsghdr *c = CMSG_FIRSTHDR (message); c != NULL; c = CMSG_NXTHDR (message, c))
    {
      if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
        {
          struct timespec stamp;
          gint64 at_us;

          memcpy (&stamp, CMSG_DATA (c), sizeof stamp);
          at_us = (gint64) stamp.tv_sec * G_USEC_PER_SEC + stamp.tv_nsec / 1000;
          at_us -= real_minus_monotonic_us;
          if (at_us >= now_us - WAITED_MAX_US && at_us < now_us)
            *arrived_us = at_us;
        }
      else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
        {
          int size = 0;

          memcpy (&size, CMSG_DATA (c), sizeof size);
          if (size > 0)
            *segment = (guint) size;
        }
      else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
        {
          struct in_pktinfo info;

          memcpy (&info, CMSG_DATA (c), sizeof info);
          *at = shoal_addr_make (SHOAL_FAMILY_IPV4, (const guint8 *) &info.ipi_spec_dst, 0);
        }
      else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
        {
          struct in6_pktinfo info;

          memcpy (&info, CMSG_DATA (c), sizeof info);
          /* Link-local ones mean nothing without an interface, and groups are no sender. */
          if (!IN6_IS_ADDR_LINKLOCAL (&info.ipi6_addr) && !IN6_IS_ADDR_MULTICAST (&info.ipi6_addr))
            *at = shoal_addr_make (SHOAL_FAMILY_IPV6, info.ipi6_addr.s6_addr, 0);
        }
    }
}

static void
read_datagrams (ShoalUdpSocket *self)
{
  guint8 data[READ_MAX];
  gint64 now_us = g_get_monotonic_time ();
  gint64 offset_us = g_get_real_time () - now_us;

  for (guint i = 0; i < READS_A_TURN; i++)
    {
      struct sockaddr_storage name;
      union { struct cmsghdr align; char bytes[128]; } ancillary;
      struct iovec iov = { data, sizeof data };
      struct msghdr message = {
        .msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &iov, .msg_iovlen = 1,
        .msg_control = &ancillary, .msg_controllen = sizeof ancillary,
      };
      gssize size = recvmsg (self->watch.fd, &message, MSG_TRUNC);
      guint segment = (guint) MAX (size, 1);
      gint64 arrived_us = now_us;
      ShoalAddr from, at_ours;

      if (size < 0 && (errno == EAGAIN || errno == ENOMEM))
        return;
      /* An error is about a datagram that was sent earlier; reading it has cleared it. */
      if (size < 0 || (gsize) size > sizeof data ||
          !shoal_addr_from_sockaddr (&from, (struct sockaddr *) &name, message.msg_namelen))
        continue;

      read_ancillary (&message, now_us, offset_us, &segment, &arrived_us, &at_ours);
      if (at_ours.family != SHOAL_FAMILY_NONE)
        *heard_place (self, &from) = (Heard){ from, at_ours };
      for (gsize at = 0; at < (gsize) size || at == 0; at += segment)
        {
          gsize one = MIN (segment, (gsize) size - at);

          if (one <= SHOAL_DATAGRAM_MAX)
            self->arrived (&from, data + at, one, arrived_us, self->user_data);
        }
    }
}

static void
udp_ready (ShoalWatch *watch,
           guint32     events)
{
  ShoalUdpSocket *self = (ShoalUdpSocket *) watch;

  if ((events & EPOLLOUT) != 0 && self->blocked)
    {
      self->blocked = FALSE;
      if (self->left != NULL)
        send_left (self);
      if (!self->blocked)
        {
          if (!shoal_reactor_watch (self->reactor, watch, EPOLLIN))
            g_debug ("The datagram socket stays awake: %s", g_strerror (errno));
          if (self->writable != NULL)
            self->writable (self->user_data);
        }
    }
  if ((events & ~(guint32) EPOLLOUT) != 0)
    read_datagrams (self);
}

static void
set_option (ShoalUdpSocket *self,
            int             level,
            int             name,
            int             value)
{
  if (setsockopt (self->watch.fd, level, name, &value, sizeof value) < 0)
    g_debug ("Option %d of datagrams: %s", name, g_strerror (errno));
}

/* @whole: routers that cannot pass it on drop it. */
static void
set_whole (ShoalUdpSocket *self,
           gboolean        whole)
{
  if (self->family == SHOAL_FAMILY_IPV6)
    set_option (self, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
                whole ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT);
  else
    set_option (self, IPPROTO_IP, IP_MTU_DISCOVER, whole ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
}

static void
set_options (ShoalUdpSocket *self)
{
  set_option (self, SOL_SOCKET, SO_RCVBUF, BUFFER_SIZE);
  set_option (self, SOL_SOCKET, SO_SNDBUF, BUFFER_SIZE);
  set_option (self, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  set_option (self, SOL_UDP, UDP_GRO, 1);
  if (self->family == SHOAL_FAMILY_IPV6)
    set_option (self, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  else
    set_option (self, IPPROTO_IP, IP_PKTINFO, 1);
  set_whole (self, FALSE);
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
  self->socket = shoal_socket_watch_new (binding, family, G_SOCKET_TYPE_DATAGRAM, port, reactor,
                                         &self->watch, udp_ready, error);
  self->family = family;
  if (self->socket == NULL)
    g_clear_pointer (&self, g_free);
  else
    set_options (self);

  return self;
}

void
shoal_udp_socket_free (ShoalUdpSocket *self)
{
  if (self == NULL)
    return;

  shoal_socket_watch_free (self->socket, self->reactor, &self->watch);
  g_free (self->left);
  g_free (self);
}

void
shoal_udp_socket_on_writable (ShoalUdpSocket *self,
                              void          (*writable) (gpointer user_data))
{
  self->writable = writable;
}

guint16
shoal_udp_socket_port (const ShoalUdpSocket *self)
{
  return shoal_socket_port (self->socket);
}

/* For the kernel, beside the bytes. */
typedef struct
{
  union
  {
    struct cmsghdr align;
    char bytes[CMSG_SPACE (sizeof (guint16)) + CMSG_SPACE (sizeof (struct in6_pktinfo))];
  };
  gsize used;
} Ancillary;

static void
say (Ancillary    *self,
     int           level,
     int           type,
     gconstpointer value,
     gsize         size)
{
  struct cmsghdr *c = (struct cmsghdr *) (gpointer) (self->bytes + self->used);

  c->cmsg_level = level;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN (size);
  memcpy (CMSG_DATA (c), value, size);
  self->used += CMSG_SPACE (size);
}

static void
say_from (Ancillary       *self,
          const ShoalAddr *at)
{
  if (at->family == SHOAL_FAMILY_IPV6)
    {
      struct in6_pktinfo info = { 0 };

      memcpy (&info.ipi6_addr, at->ip, sizeof info.ipi6_addr);
      say (self, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
  else
    {
      struct in_pktinfo info = { 0 };

      memcpy (&info.ipi_spec_dst, at->ip, sizeof info.ipi_spec_dst);
      say (self, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
}

/* One datagram, or as many as @segment makes of it. @from: (nullable): our address; the system
 * chooses */
static ShoalSendResult
send_some (ShoalUdpSocket  *self,
           const ShoalAddr *from,
           const ShoalAddr *to,
           const guint8    *data,
           gsize            size,
           guint            segment)
{
  struct sockaddr_storage name;
  Ancillary ancillary = { 0 };
  struct iovec iov = { (gpointer) data, size };
  struct msghdr message = {
    .msg_name = &name,
    .msg_namelen = shoal_addr_to_sockaddr (to, &name),
    .msg_iov = &iov,
    .msg_iovlen = 1,
  };
  guint16 cut = (guint16) segment;
  gssize sent;

  if (size > segment)
    say (&ancillary, SOL_UDP, UDP_SEGMENT, &cut, sizeof cut);
  if (from != NULL)
    say_from (&ancillary, from);
  message.msg_control = ancillary.used > 0 ? ancillary.bytes : NULL;
  message.msg_controllen = ancillary.used;
  do
    sent = sendmsg (self->watch.fd, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);

  if (sent >= 0)
    return SHOAL_SEND_SENT;
  if (errno == EMSGSIZE ||
      (size > segment && (errno == EINVAL || errno == EIO || errno == EOPNOTSUPP)))
    return SHOAL_SEND_TOO_BIG;

  return errno == EAGAIN || errno == ENOBUFS ? SHOAL_SEND_FULL : SHOAL_SEND_FAILED;
}

/* A train, in as few calls as the kernel allows, which may refuse to cut for one way alone, because
 * that takes smaller packets. @done: (out): bytes that went */
static ShoalSendResult
send_train (ShoalUdpSocket  *self,
            const ShoalAddr *to,
            const guint8    *data,
            gsize            size,
            guint            segment,
            gsize           *done)
{
  ShoalSendResult result = SHOAL_SEND_SENT;
  Heard *heard = heard_place (self, to);
  gboolean one_by_one = self->n_refusals >= REFUSALS_MAX;

  *done = 0;
  while (*done < size)
    {
      gsize n = MIN (size - *done, (gsize) segment * (one_by_one ? 1 : SEGMENTS_MAX));
      gboolean known = shoal_addr_equal (&heard->from, to);

      result = send_some (self, known ? &heard->at : NULL, to, data + *done, n, segment);
      if (known && (result == SHOAL_SEND_FAILED || (result == SHOAL_SEND_TOO_BIG && n > segment)))
        {
          /* The address may have been taken from us, which the kernel says as it says that it
           * cannot cut trains. */
          *heard = (Heard){ 0 };
          continue;
        }
      if (result == SHOAL_SEND_TOO_BIG && n > segment)
        {
          self->n_refusals++;
          one_by_one = TRUE;
          continue;
        }
      if (result != SHOAL_SEND_SENT)
        break;
      if (n > segment)
        self->n_refusals = 0;
      *done += n;
    }

  return result;
}

static void
wait_for_room (ShoalUdpSocket *self)
{
  self->blocked = TRUE;
  if (!shoal_reactor_watch (self->reactor, &self->watch, EPOLLIN | EPOLLOUT))
    g_debug ("Nobody tells when datagrams can be sent: %s", g_strerror (errno));
}

static void
send_left (ShoalUdpSocket *self)
{
  g_autofree guint8 *left = g_steal_pointer (&self->left);
  gsize done;

  if (send_train (self, &self->left_to, left, self->left_size, self->left_segment, &done) !=
      SHOAL_SEND_FULL)
    return;
  self->left_size -= done;
  self->left = g_memdup2 (left + done, self->left_size);
  wait_for_room (self);
}

ShoalSendResult
shoal_udp_socket_send (ShoalUdpSocket  *self,
                       const ShoalAddr *to,
                       const guint8    *data,
                       gsize            size,
                       guint            segment,
                       ShoalSendFlags   flags)
{
  gboolean whole = (flags & SHOAL_SEND_WHOLE) != 0;
  ShoalSendResult result;
  gsize done;

  if (self->blocked)
    return SHOAL_SEND_FULL;
  if (segment == 0)
    segment = (guint) size;

  if (whole)
    set_whole (self, TRUE);
  result = send_train (self, to, data, size, segment, &done);
  if (whole)
    set_whole (self, FALSE);

  if (result != SHOAL_SEND_FULL)
    return done > 0 ? SHOAL_SEND_SENT : result;
  wait_for_room (self);
  if (done == 0)
    return SHOAL_SEND_FULL;
  self->left_to = *to;
  self->left = g_memdup2 (data + done, size - done);
  self->left_size = size - done;
  self->left_segment = segment;

  return SHOAL_SEND_SENT;
}
