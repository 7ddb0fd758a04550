/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The multicast socket of local discovery (BEP 14), on every interface that is up. */

/*
 * One socket a family, bound to the group and its port, which all clients of a machine share.
 * Interfaces are listed again before sending, at most every few seconds: a joined one that went
 * away takes its membership with it. Loopback counts only where there is nothing else. An IPv6
 * sender with a link-local address is not passed on, as such an address says nothing without its
 * interface. Engine thread.
 */

#include "shoal-lsd-socket.h"

#include <errno.h>
#include <gio/gio.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "shoal-lsd-message.h"

#define DATAGRAMS_A_TURN 32
#define LIST_EVERY_US    (5 * (gint64) G_USEC_PER_SEC)
#define INTERFACES_MAX   64u
#define HOPS             1

struct _ShoalLsdSocket
{
  ShoalWatch      watch;
  ShoalReactor   *reactor;
  ShoalFamily     family;
  char           *device;      /* (nullable) */
  ShoalLsdFunc    arrived;
  gpointer        user_data;
  struct sockaddr_storage group;
  socklen_t       group_size;
  unsigned int    interfaces[INTERFACES_MAX];
  guint           n_interfaces;
  gint64          listed_us;   /* 0: never */
};

static void
socket_ready (ShoalWatch *watch,
              guint32     events)
{
  ShoalLsdSocket *self = (ShoalLsdSocket *) watch;
  guint8 data[SHOAL_LSD_SIZE_MAX];

  for (guint i = 0; i < DATAGRAMS_A_TURN; i++)
    {
      struct sockaddr_storage name = { 0 };
      socklen_t name_size = sizeof name;
      struct sockaddr *peer = (struct sockaddr *) &name;
      gssize size = recvfrom (watch->fd, data, sizeof data, MSG_TRUNC, peer, &name_size);
      ShoalAddr from;

      if (size < 0 && errno != EINTR)
        return;
      if (size < 0 || (gsize) size > sizeof data
          || !shoal_addr_from_sockaddr (&from, peer, name_size))
        continue;
      if (name.ss_family == AF_INET6
          && IN6_IS_ADDR_LINKLOCAL (&((struct sockaddr_in6 *) &name)->sin6_addr))
        continue;

      self->arrived (&from, data, (gsize) size, self->user_data);
    }
}

static gboolean
is_listed (const ShoalLsdSocket *self,
           unsigned int          index)
{
  for (guint i = 0; i < self->n_interfaces; i++)
    if (self->interfaces[i] == index)
      return TRUE;

  return FALSE;
}

static void
list_interfaces (ShoalLsdSocket *self,
                 gboolean        loopback)
{
  const int family = self->family == SHOAL_FAMILY_IPV6 ? AF_INET6 : AF_INET;
  struct ifaddrs *all = NULL;

  self->n_interfaces = 0;
  if (getifaddrs (&all) != 0)
    return;

  for (const struct ifaddrs *one = all; one != NULL && self->n_interfaces < INTERFACES_MAX;
       one = one->ifa_next)
    {
      gboolean is_loopback = (one->ifa_flags & IFF_LOOPBACK) != 0;
      unsigned int index;

      if (one->ifa_addr == NULL || one->ifa_addr->sa_family != family
          || (one->ifa_flags & IFF_UP) == 0 || is_loopback != loopback
          || (!is_loopback && (one->ifa_flags & IFF_MULTICAST) == 0)
          || (self->device != NULL && strcmp (self->device, one->ifa_name) != 0))
        continue;
      index = if_nametoindex (one->ifa_name);
      if (index != 0 && !is_listed (self, index))
        self->interfaces[self->n_interfaces++] = index;
    }
  freeifaddrs (all);
}

/* A second membership of the same is refused, which does no harm. */
static void
join (ShoalLsdSocket *self,
      unsigned int    index)
{
  struct group_req request = { .gr_interface = index };
  int level = self->family == SHOAL_FAMILY_IPV6 ? IPPROTO_IPV6 : IPPROTO_IP;

  memcpy (&request.gr_group, &self->group, self->group_size);
  if (setsockopt (self->watch.fd, level, MCAST_JOIN_GROUP, &request, sizeof request) != 0
      && errno != EADDRINUSE)
    g_debug ("Interface %u is not heard for local peers: %s", index, g_strerror (errno));
}

static void
update_interfaces (ShoalLsdSocket *self,
                   gint64          now_us)
{
  if (self->listed_us != 0 && now_us - self->listed_us < LIST_EVERY_US)
    return;

  self->listed_us = now_us;
  list_interfaces (self, FALSE);
  if (self->n_interfaces == 0)
    list_interfaces (self, TRUE);
  for (guint i = 0; i < self->n_interfaces; i++)
    join (self, self->interfaces[i]);
}

static gboolean
set_flag (int fd,
          int level,
          int option,
          int value)
{
  return setsockopt (fd, level, option, &value, sizeof value) == 0;
}

static gboolean
prepare (ShoalLsdSocket *self)
{
  int fd = self->watch.fd;

  if (!set_flag (fd, SOL_SOCKET, SO_REUSEADDR, 1))
    return FALSE;
  if (self->family == SHOAL_FAMILY_IPV6)
    return set_flag (fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)
           && set_flag (fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, HOPS)
           && set_flag (fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1)
           && set_flag (fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);

  return set_flag (fd, IPPROTO_IP, IP_MULTICAST_TTL, HOPS)
         && set_flag (fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1)
         && set_flag (fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
}

ShoalLsdSocket *
shoal_lsd_socket_new (ShoalReactor *reactor,
                      ShoalFamily   family,
                      const char   *device,
                      ShoalLsdFunc  arrived,
                      gpointer      user_data,
                      GError      **error)
{
  ShoalLsdSocket *self = g_new0 (ShoalLsdSocket, 1);
  ShoalAddr group = shoal_lsd_group (family);
  int fd = socket (family == SHOAL_FAMILY_IPV6 ? AF_INET6 : AF_INET,
                   SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  self->reactor = reactor;
  self->family = family;
  self->device = g_strdup (device);
  self->arrived = arrived;
  self->user_data = user_data;
  self->group_size = shoal_addr_to_sockaddr (&group, &self->group);
  shoal_watch_init (&self->watch, fd, socket_ready);
  if (fd < 0 || !prepare (self)
      || bind (fd, (struct sockaddr *) &self->group, self->group_size) != 0
      || !shoal_reactor_watch (reactor, &self->watch, EPOLLIN))
    {
      g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (errno), g_strerror (errno));
      if (fd >= 0)
        close (fd);
      g_free (self->device);
      g_free (self);
      return NULL;
    }
  update_interfaces (self, g_get_monotonic_time ());

  return self;
}

void
shoal_lsd_socket_free (ShoalLsdSocket *self)
{
  if (self == NULL)
    return;

  shoal_reactor_forget (self->reactor, &self->watch);
  close (self->watch.fd);
  g_free (self->device);
  g_free (self);
}

static gboolean
send_on (ShoalLsdSocket *self,
         unsigned int    index,
         const guint8   *data,
         gsize           size)
{
  const struct ip_mreqn four = { .imr_ifindex = (int) index };
  const int six = (int) index;
  gboolean is_six = self->family == SHOAL_FAMILY_IPV6;

  if (is_six ? setsockopt (self->watch.fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &six, sizeof six) != 0
             : setsockopt (self->watch.fd, IPPROTO_IP, IP_MULTICAST_IF, &four, sizeof four) != 0)
    return FALSE;

  return sendto (self->watch.fd, data, size, MSG_NOSIGNAL, (struct sockaddr *) &self->group,
                 self->group_size)
         == (gssize) size;
}

guint
shoal_lsd_socket_send (ShoalLsdSocket *self,
                       const guint8   *data,
                       gsize           size,
                       gint64          now_us)
{
  guint n = 0;

  update_interfaces (self, now_us);
  for (guint i = 0; i < self->n_interfaces; i++)
    n += send_on (self, self->interfaces[i], data, size) ? 1 : 0;

  return n;
}
