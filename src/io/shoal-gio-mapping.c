/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Port mapping as the host of an engine runs it: which gateway is asked, for which ports, and what is news. */

/*
 * The gateway is that of the best IPv4 default route, or of the interface that everything is kept to.
 * It is looked up anew whenever the network changes. IPv6 has no ports to be mapped.
 */

#include "shoal-gio-mapping.h"

#include <string.h>
#include "shoal-portmap.h"

struct _ShoalGioMapping
{
  ShoalNetworkWatch  *watch;
  ShoalPortmap       *portmap;
  char               *bind;        /* (nullable) */
  gboolean            wanted;
  guint16             tcp_port;
  guint16             udp_port;
  ShoalMapping        now;
  gboolean            is_news;
  ShoalGioMappingFunc due;
  gpointer            user_data;
};

static void
find_place (const ShoalGioMapping *self,
            ShoalPortmapPlace     *place)
{
  const ShoalInterface *interface = NULL;
  ShoalAddr own = { 0 };

  memset (place, 0, sizeof *place);
  if (self->bind != NULL)
    {
      interface = shoal_network_watch_find (self->watch, self->bind, &own);
      if (interface == NULL || own.family == SHOAL_FAMILY_IPV6)
        return;
    }
  interface = shoal_network_watch_default (self->watch, SHOAL_FAMILY_IPV4, interface != NULL ? interface->name : NULL);
  if (interface == NULL || (own.family == SHOAL_FAMILY_NONE && !shoal_interface_addr (interface, SHOAL_FAMILY_IPV4, &own)))
    return;

  place->gateway = interface->gateways[SHOAL_FAMILY_INDEX (SHOAL_FAMILY_IPV4)];
  place->own = own;
  g_strlcpy (place->device, interface->name, sizeof place->device);
}

static void
look (gpointer user_data)
{
  ShoalGioMapping *self = user_data;
  ShoalPortmapPlace place;

  find_place (self, &place);
  shoal_portmap_set (self->portmap, &place, self->wanted ? self->tcp_port : 0, self->wanted ? self->udp_port : 0);
}

static void
mapped (const ShoalMapping *now,
        gpointer            user_data)
{
  ShoalGioMapping *self = user_data;

  self->now = *now;
  self->is_news = TRUE;
  self->due (self->user_data);
}

ShoalGioMapping *
shoal_gio_mapping_new (ShoalGioMappingFunc due,
                       gpointer            user_data)
{
  ShoalGioMapping *self = g_new0 (ShoalGioMapping, 1);

  self->due = due;
  self->user_data = user_data;
  self->portmap = shoal_portmap_new (NULL, mapped, self);
  self->watch = shoal_network_watch_new (look, self);

  return self;
}

void
shoal_gio_mapping_free (ShoalGioMapping *self)
{
  if (self == NULL)
    return;

  shoal_network_watch_free (self->watch);
  shoal_portmap_free (self->portmap);
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
