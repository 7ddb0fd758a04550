/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ports at the gateway that lead to ours, by PCP, NAT-PMP or UPnP; for IPv6 holes in its
 * firewall. */

#pragma once

#include <glib.h>
#include <net/if.h>
#include "shoal-addr.h"
#include "shoal-terms.h"

G_BEGIN_DECLS

#define SHOAL_PORTMAP_LEASE_S   3600   /* asked for; renewed after half of what is given */
#define SHOAL_PORTMAP_LEAVE_MS  600    /* usual `leave_ms` */

/**
 * ShoalPortmapPlace:
 * @gateway: family NONE: there is none. IPv4: ports of it are to lead to ours; IPv6: it is to let
 * through what comes for ours
 * @own: our address, of the same family: what is sent comes from it, and what comes goes there
 * @upnp_gateway, @upnp_own: likewise, always IPv4, as UPnP is spoken over that; family NONE: it is
 * not spoken
 * @device: what is sent leaves through it; "": as the routes say
 */
typedef struct
{
  ShoalAddr gateway;
  ShoalAddr own;
  ShoalAddr upnp_gateway;
  ShoalAddr upnp_own;
  char      device[IF_NAMESIZE];
} ShoalPortmapPlace;

/**
 * ShoalPortmapWays:
 *
 * Where and how fast gateways are asked. Only tests have others than the usual ones.
 */
typedef struct
{
  guint16 pcp_port;
  guint16 announce_port;   /* of ours: where gateways say that they have forgotten us */
  guint16 search_port;     /* of UPnP */
  guint   step_ms;         /* until a first request is repeated; all waiting is counted in it */
  guint   leave_ms;        /* for the gateway to confirm that a mapping is gone, at the end */
} ShoalPortmapWays;

/**
 * ShoalPortmap:
 *
 * Lives on the thread-default context of the thread that made it, which must be iterated.
 */
typedef struct _ShoalPortmap ShoalPortmap;

/* @now: borrowed. Never called inside of the functions below. */
typedef void (*ShoalPortmapFunc) (const ShoalMapping *now, gpointer user_data);

/* @ways: (nullable): the usual ones */
ShoalPortmap *shoal_portmap_new  (const ShoalPortmapWays *ways, ShoalPortmapFunc changed,
                                  gpointer user_data);
/* Takes back what is still mapped; iterates the context for that, no longer than
 * %SHOAL_PORTMAP_LEAVE_MS. */
void          shoal_portmap_free (ShoalPortmap *self);

/* What is wanted from now on: both ports 0: nothing, and mappings are taken back. @place:
 * (nullable): the same as before. */
void          shoal_portmap_set  (ShoalPortmap *self, const ShoalPortmapPlace *place,
                                  guint16 tcp_port, guint16 udp_port);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalPortmap, shoal_portmap_free)

G_END_DECLS
