/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Port mapping as the host of an engine runs it: which gateway is asked, for which ports, and what
 * is news. */

/*
 * The gateway is that of the best default route, or of the interface that everything is kept to;
 * that of IPv6 may be another, and is asked to let through what is for us. Both are looked up anew
 * whenever the network changes.
 */

#include "shoal-gio-mapping.h"

#include <string.h>
#include "shoal-portmap.h"

#define N_FAMILIES 2     /* as in SHOAL_FAMILY_INDEX() */

struct _ShoalGioMapping
{
  ShoalNetworkWatch  *watch;
  ShoalPortmap       *portmaps[N_FAMILIES];
  char               *bind;        /* (nullable) */
  gboolean            wanted;
  guint16             tcp_port;
  guint16             udp_port;
  ShoalMapping        now;
  gboolean            is_news;
  ShoalGioMappingFunc due;
  gpointer            user_data;
};

/* FALSE: there is none. @own: family NONE: whichever address it has */
static gboolean
find_gateway (const ShoalGioMapping *self,
              ShoalFamily            family,
              ShoalAddr             *gateway,
              ShoalAddr             *own,
              const ShoalInterface **interface)
{
  ShoalAddr addr = { 0 };

  *interface = NULL;
  if (self->bind != NULL)
    {
      *interface = shoal_network_watch_find (self->watch, self->bind, &addr);
      if (*interface == NULL || (addr.family != SHOAL_FAMILY_NONE && addr.family != family))
        return FALSE;
    }
  *interface = shoal_network_watch_default (self->watch, family,
                                            *interface != NULL ? (*interface)->name : NULL);
  if (*interface == NULL ||
      (addr.family == SHOAL_FAMILY_NONE && !shoal_interface_addr (*interface, family, &addr)))
    return FALSE;

  *gateway = (*interface)->gateways[SHOAL_FAMILY_INDEX (family)];
  *own = addr;

  return TRUE;
}

static void
find_places (const ShoalGioMapping *self,
             ShoalPortmapPlace      places[N_FAMILIES])
{
  ShoalPortmapPlace *four = &places[0];
  ShoalPortmapPlace *six = &places[1];
  const ShoalInterface *interface;

  memset (places, 0, N_FAMILIES * sizeof *places);
  if (find_gateway (self, SHOAL_FAMILY_IPV4, &four->gateway, &four->own, &interface))
    {
      four->upnp_gateway = four->gateway;
      four->upnp_own = four->own;
      g_strlcpy (four->device, interface->name, sizeof four->device);
    }
  /* An address that nobody outside knows needs no way in. */
  if (!find_gateway (self, SHOAL_FAMILY_IPV6, &six->gateway, &six->own, &interface) ||
      shoal_addr_is_local (&six->own))
    {
      memset (six, 0, sizeof *six);
      return;
    }
  g_strlcpy (six->device, interface->name, sizeof six->device);
  if (strcmp (six->device, four->device) == 0)
    {
      six->upnp_gateway = four->gateway;
      six->upnp_own = four->own;
    }
}

static void
look (gpointer user_data)
{
  ShoalGioMapping *self = user_data;
  ShoalPortmapPlace places[N_FAMILIES];

  find_places (self, places);
  for (guint i = 0; i < N_FAMILIES; i++)
    shoal_portmap_set (self->portmaps[i], &places[i], self->wanted ? self->tcp_port : 0,
                       self->wanted ? self->udp_port : 0);
}

static void
tell (ShoalGioMapping *self)
{
  if (self->is_news)
    return;

  self->is_news = TRUE;
  self->due (self->user_data);
}

static void
mapped (const ShoalMapping *now,
        gpointer            user_data)
{
  ShoalGioMapping *self = user_data;
  ShoalMapState ipv6 = self->now.ipv6;

  self->now = *now;
  self->now.ipv6 = ipv6;
  tell (self);
}

static void
let_through (const ShoalMapping *now,
             gpointer            user_data)
{
  ShoalGioMapping *self = user_data;

  if (self->now.ipv6 == now->state)
    return;
  self->now.ipv6 = now->state;
  tell (self);
}

ShoalGioMapping *
shoal_gio_mapping_new (ShoalGioMappingFunc due,
                       gpointer            user_data)
{
  ShoalGioMapping *self = g_new0 (ShoalGioMapping, 1);

  self->due = due;
  self->user_data = user_data;
  self->portmaps[0] = shoal_portmap_new (NULL, mapped, self);
  self->portmaps[1] = shoal_portmap_new (NULL, let_through, self);
  self->watch = shoal_network_watch_new (look, self);

  return self;
}

void
shoal_gio_mapping_free (ShoalGioMapping *self)
{
  if (self == NULL)
    return;

  shoal_network_watch_free (self->watch);
  /* Both begin to take back what they have before one is waited for. */
  for (guint i = 0; i < N_FAMILIES; i++)
    shoal_portmap_set (self->portmaps[i], NULL, 0, 0);
  for (guint i = 0; i < N_FAMILIES; i++)
    shoal_portmap_free (self->portmaps[i]);
  g_free (self->bind);
  g_free (self);
}

void
shoal_gio_mapping_want (ShoalGioMapping *self,
                        gboolean         wanted)
{
  if (self->wanted == wanted)
    return;

  self->wanted = wanted;
  look (self);
}

void
shoal_gio_mapping_ports (ShoalGioMapping *self,
                         const char      *bind,
                         guint16          tcp_port,
                         guint16          udp_port)
{
  g_free (self->bind);
  self->bind = bind != NULL && *bind != '\0' ? g_strdup (bind) : NULL;
  self->tcp_port = tcp_port;
  self->udp_port = udp_port;
  look (self);
}

gboolean
shoal_gio_mapping_take (ShoalGioMapping *self,
                        ShoalMapping    *now)
{
  gboolean is_news = self->is_news;

  *now = self->now;
  self->is_news = FALSE;

  return is_news;
}
