/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The network interfaces of this machine, their addresses and gateways, and when any of it
 * changes. */

/*
 * A netlink socket says that something changed; what there is now is then read anew and compared,
 * since messages may be lost when there are many. Changes come in bursts (a tunnel that comes up is
 * a dozen of them), so the reading waits for a moment, in which the burst ends.
 *
 * Addresses come from getifaddrs(), routes from a dump of the main table over a second socket: the
 * kernel answers at once, nothing is waited for.
 */

#include "shoal-network-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define BURST_MS     30
#define ANSWER_SIZE  (32 * 1024)   /* bytes of a netlink answer */

struct _ShoalNetworkWatch
{
  GMainContext         *context;
  int                   fd;            /* -1: nothing is heard */
  GSource              *heard;         /* (nullable) */
  GSource              *burst;         /* (nullable): the reading that waits */
  ShoalInterface       *interfaces;    /* (owned) */
  guint                 n_interfaces;
  ShoalNetworkWatchFunc changed;
  gpointer              user_data;
};

/* --- What there is --- */

typedef struct
{
  ShoalInterface *interfaces;
  guint           n;
} Scan;

/* (nullable): no room */
static ShoalInterface *
scan_interface (Scan                 *scan,
                const struct ifaddrs *entry)
{
  guint index = if_nametoindex (entry->ifa_name);
  ShoalInterface *self;

  for (guint i = 0; i < scan->n; i++)
    {
      if (strncmp (scan->interfaces[i].name, entry->ifa_name, IF_NAMESIZE) == 0)
        return &scan->interfaces[i];
    }
  /* It may be gone again. */
  if (index == 0 || scan->n == SHOAL_INTERFACES_MAX)
    return NULL;

  self = &scan->interfaces[scan->n++];
  g_strlcpy (self->name, entry->ifa_name, sizeof self->name);
  self->index = index;
  self->up = (entry->ifa_flags & IFF_UP) != 0;
  self->loopback = (entry->ifa_flags & IFF_LOOPBACK) != 0;
  self->multicast = (entry->ifa_flags & IFF_MULTICAST) != 0;
  self->point_to_point = (entry->ifa_flags & IFF_POINTOPOINT) != 0;

  return self;
}

static void
scan_addresses (Scan *scan)
{
  struct ifaddrs *list = NULL;

  if (getifaddrs (&list) < 0)
    {
      g_debug ("The interfaces are not known: %s", g_strerror (errno));
      return;
    }

  for (const struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next)
    {
      ShoalInterface *self = scan_interface (scan, entry);
      socklen_t size;

      if (self == NULL || entry->ifa_addr == NULL || self->n_addrs == SHOAL_INTERFACE_ADDRS_MAX)
        continue;
      if (entry->ifa_addr->sa_family == AF_INET)
        size = sizeof (struct sockaddr_in);
      else if (entry->ifa_addr->sa_family == AF_INET6)
        size = sizeof (struct sockaddr_in6);
      else
        continue;
      if (shoal_addr_from_sockaddr (&self->addrs[self->n_addrs], entry->ifa_addr, size))
        self->n_addrs++;
    }
  freeifaddrs (list);
}

static void
take_route (Scan            *scan,
            struct nlmsghdr *head)
{
  struct rtmsg *route = NLMSG_DATA (head);
  struct rtattr *attribute = RTM_RTA (route);
  int left = (int) RTM_PAYLOAD (head);
  const guint8 *gateway = NULL;
  guint32 metric = 0;
  int index = 0;
  guint ip_size = route->rtm_family == AF_INET6 ? 16 : 4;

  if (route->rtm_dst_len != 0 || route->rtm_table != RT_TABLE_MAIN ||
      route->rtm_type != RTN_UNICAST)
    return;

  for (; RTA_OK (attribute, left); attribute = RTA_NEXT (attribute, left))
    {
      if (attribute->rta_type == RTA_GATEWAY && RTA_PAYLOAD (attribute) >= ip_size)
        gateway = RTA_DATA (attribute);
      else if (attribute->rta_type == RTA_OIF && RTA_PAYLOAD (attribute) >= sizeof index)
        memcpy (&index, RTA_DATA (attribute), sizeof index);
      else if (attribute->rta_type == RTA_PRIORITY && RTA_PAYLOAD (attribute) >= sizeof metric)
        memcpy (&metric, RTA_DATA (attribute), sizeof metric);
    }

  for (guint i = 0; gateway != NULL && i < scan->n; i++)
    {
      ShoalInterface *self = &scan->interfaces[i];
      ShoalFamily family = ip_size == 16 ? SHOAL_FAMILY_IPV6 : SHOAL_FAMILY_IPV4;
      guint which = SHOAL_FAMILY_INDEX (family);

      if (self->index != (guint32) index ||
          (self->gateways[which].family != SHOAL_FAMILY_NONE && self->metrics[which] <= metric))
        continue;
      self->gateways[which] = shoal_addr_make (family, gateway, 0);
      self->metrics[which] = metric;
    }
}

static void
scan_routes (Scan *scan,
             int   family)
{
  struct { struct nlmsghdr head; struct rtmsg route;
  } ask = {
    .head = { .nlmsg_len = sizeof ask,
              .nlmsg_type = RTM_GETROUTE,
              .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
    .route = { .rtm_family = (unsigned char) family },
  };
  g_autofree guint8 *answer = g_malloc (ANSWER_SIZE);
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  gboolean more = fd >= 0 && send (fd, &ask, sizeof ask, 0) == (gssize) sizeof ask;

  while (more)
    {
      gssize size = recv (fd, answer, ANSWER_SIZE, 0);
      struct nlmsghdr *head = (struct nlmsghdr *) (gpointer) answer;
      guint left = size > 0 ? (guint) size : 0;

      if (size < 0 && errno == EINTR)
        continue;
      more = size > 0;
      for (; NLMSG_OK (head, left); head = NLMSG_NEXT (head, left))
        {
          if (head->nlmsg_type == RTM_NEWROUTE &&
              head->nlmsg_len >= NLMSG_LENGTH (sizeof (struct rtmsg)))
            take_route (scan, head);
          else if (head->nlmsg_type == NLMSG_DONE || head->nlmsg_type == NLMSG_ERROR)
            more = FALSE;
        }
    }
  if (fd >= 0)
    close (fd);
}

static gboolean
same_interface (const ShoalInterface *a,
                const ShoalInterface *b)
{
  gboolean same = strcmp (a->name, b->name) == 0 && a->index == b->index && a->up == b->up &&
                  a->multicast == b->multicast && a->n_addrs == b->n_addrs;

  for (guint i = 0; same && i < a->n_addrs; i++)
    same = shoal_addr_equal (&a->addrs[i], &b->addrs[i]);
  for (guint i = 0; same && i < G_N_ELEMENTS (a->gateways); i++)
    same = shoal_addr_equal (&a->gateways[i], &b->gateways[i]) && a->metrics[i] == b->metrics[i];

  return same;
}

/* TRUE: it is not as it was. */
static gboolean
look (ShoalNetworkWatch *self)
{
  Scan scan = { .interfaces = g_new0 (ShoalInterface, SHOAL_INTERFACES_MAX) };
  gboolean differs;

  scan_addresses (&scan);
  scan_routes (&scan, AF_INET);
  scan_routes (&scan, AF_INET6);

  differs = scan.n != self->n_interfaces;
  for (guint i = 0; !differs && i < scan.n; i++)
    differs = !same_interface (&scan.interfaces[i], &self->interfaces[i]);
  g_free (self->interfaces);
  self->interfaces = g_renew (ShoalInterface, scan.interfaces, MAX (scan.n, 1));
  self->n_interfaces = scan.n;

  return differs;
}

/* --- Changes --- */

static gboolean
burst_over (gpointer user_data)
{
  ShoalNetworkWatch *self = user_data;

  g_clear_pointer (&self->burst, g_source_unref);
  if (look (self) && self->changed != NULL)
    self->changed (self->user_data);

  return G_SOURCE_REMOVE;
}

static gboolean
netlink_heard (int          fd,
               GIOCondition condition,
               gpointer     user_data)
{
  ShoalNetworkWatch *self = user_data;
  guint8 message[8192];

  /* What they say is read anew; an overflow says the same. */
  while (recv (fd, message, sizeof message, MSG_DONTWAIT) > 0 || errno == ENOBUFS || errno == EINTR)
    continue;

  if (self->burst == NULL)
    {
      self->burst = g_timeout_source_new (BURST_MS);
      g_source_set_callback (self->burst, burst_over, self, NULL);
      g_source_attach (self->burst, self->context);
    }

  return G_SOURCE_CONTINUE;
}

static void
begin_to_hear (ShoalNetworkWatch *self)
{
  struct sockaddr_nl groups = {
    .nl_family = AF_NETLINK,
    .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                 RTMGRP_IPV6_ROUTE,
  };

  self->fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (self->fd < 0 || bind (self->fd, (struct sockaddr *) &groups, sizeof groups) < 0)
    {
      g_debug ("Changes of the network are not told: %s", g_strerror (errno));
      return;
    }

  self->heard = g_unix_fd_source_new (self->fd, G_IO_IN);
  g_source_set_callback (self->heard, G_SOURCE_FUNC (netlink_heard), self, NULL);
  g_source_attach (self->heard, self->context);
}

/* --- Public --- */

ShoalNetworkWatch *
shoal_network_watch_new (ShoalNetworkWatchFunc changed,
                         gpointer              user_data)
{
  ShoalNetworkWatch *self = g_new0 (ShoalNetworkWatch, 1);

  self->context = g_main_context_ref_thread_default ();
  self->changed = changed;
  self->user_data = user_data;
  begin_to_hear (self);
  look (self);

  return self;
}

void
shoal_network_watch_free (ShoalNetworkWatch *self)
{
  if (self == NULL)
    return;

  if (self->heard != NULL)
    g_source_destroy (self->heard);
  if (self->burst != NULL)
    g_source_destroy (self->burst);
  g_clear_pointer (&self->heard, g_source_unref);
  g_clear_pointer (&self->burst, g_source_unref);
  if (self->fd >= 0)
    close (self->fd);
  g_main_context_unref (self->context);
  g_free (self->interfaces);
  g_free (self);
}

const ShoalInterface *
shoal_network_watch_interfaces (const ShoalNetworkWatch *self,
                                guint                   *n)
{
  *n = self->n_interfaces;

  return self->interfaces;
}

const ShoalInterface *
shoal_network_watch_find (const ShoalNetworkWatch *self,
                          const char              *name_or_address,
                          ShoalAddr               *addr)
{
  ShoalAddr wanted;
  gboolean numeric = shoal_addr_parse (&wanted, name_or_address, 1);

  if (addr != NULL)
    *addr = (ShoalAddr){ 0 };
  for (guint i = 0; i < self->n_interfaces; i++)
    {
      const ShoalInterface *interface = &self->interfaces[i];

      if (strcmp (interface->name, name_or_address) == 0)
        return interface;
      for (guint j = 0; numeric && j < interface->n_addrs; j++)
        {
          if (!shoal_addr_same_ip (&interface->addrs[j], &wanted))
            continue;
          if (addr != NULL)
            *addr = interface->addrs[j];
          return interface;
        }
    }

  return NULL;
}

const ShoalInterface *
shoal_network_watch_default (const ShoalNetworkWatch *self,
                             ShoalFamily              family,
                             const char              *interface)
{
  const ShoalInterface *best = NULL;
  guint which = SHOAL_FAMILY_INDEX (family);

  for (guint i = 0; i < self->n_interfaces; i++)
    {
      const ShoalInterface *one = &self->interfaces[i];

      if (one->gateways[which].family == SHOAL_FAMILY_NONE || !one->up ||
          (interface != NULL && strcmp (one->name, interface) != 0))
        continue;
      if (best == NULL || one->metrics[which] < best->metrics[which])
        best = one;
    }

  return best;
}

static gboolean
is_link_local (const ShoalAddr *addr)
{
  return addr->family == SHOAL_FAMILY_IPV6 ? addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80
                                           : addr->ip[0] == 169 && addr->ip[1] == 254;
}

gboolean
shoal_interface_addr (const ShoalInterface *self,
                      ShoalFamily           family,
                      ShoalAddr            *out)
{
  const ShoalAddr *found = NULL;

  for (guint i = 0; i < self->n_addrs; i++)
    {
      if (self->addrs[i].family != family)
        continue;
      if (found == NULL || (is_link_local (found) && !is_link_local (&self->addrs[i])))
        found = &self->addrs[i];
    }
  *out = found != NULL ? *found : (ShoalAddr){ 0 };

  return found != NULL;
}
