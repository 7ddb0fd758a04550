/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The network interfaces of this machine, their addresses and gateways, and when any of it
 * changes. */

#pragma once

#include <glib.h>
#include <net/if.h>
#include "shoal-addr.h"

G_BEGIN_DECLS

#define SHOAL_INTERFACES_MAX       256   /* of the machine; more are not seen */
#define SHOAL_INTERFACE_ADDRS_MAX  32    /* of one interface; more are not seen */

/* One for each address family. */
#define SHOAL_FAMILY_INDEX(family) ((family) == SHOAL_FAMILY_IPV6 ? 1u : 0u)

/**
 * ShoalInterface:
 *
 * A plain value.
 */
typedef struct
{
  char      name[IF_NAMESIZE];
  guint32   index;
  gboolean  up;                                  /* switched on; it may still be without a
                                                  * carrier */
  gboolean  loopback;
  gboolean  multicast;
  gboolean  point_to_point;                      /* a tunnel, as a rule */
  guint32   n_addrs;
  ShoalAddr addrs[SHOAL_INTERFACE_ADDRS_MAX];    /* port 0 */
  ShoalAddr gateways[2];                         /* of the default routes through it, IPv4 and IPv6;
                                                  * family NONE: none */
  guint32   metrics[2];                          /* of those routes: the lowest is used */
} ShoalInterface;

/**
 * ShoalNetworkWatch:
 *
 * Lives on the thread-default context of the thread that made it, which must be iterated.
 */
typedef struct _ShoalNetworkWatch ShoalNetworkWatch;

/* Something that this header can tell has changed. Outside of any turn. */
typedef void (*ShoalNetworkWatchFunc) (gpointer user_data);

/* @changed: (nullable). Never fails: where the system tells nothing, there are no interfaces. */
ShoalNetworkWatch    *shoal_network_watch_new        (ShoalNetworkWatchFunc changed,
                                                      gpointer user_data);
void                  shoal_network_watch_free       (ShoalNetworkWatch *self);

/* (array length=n) (transfer none): valid until the context is iterated */
const ShoalInterface *shoal_network_watch_interfaces (const ShoalNetworkWatch *self, guint *n);
/* (nullable): by its name; or the one that has the numeric address of that text, which is then put
 * into @addr (nullable, else family NONE) */
const ShoalInterface *shoal_network_watch_find       (const ShoalNetworkWatch *self,
                                                      const char *name_or_address, ShoalAddr *addr);
/* (nullable): the interface with the best default route of @family that has a gateway; its
 * `gateways` tell which. Only @interface is asked if it is not %NULL. */
const ShoalInterface *shoal_network_watch_default    (const ShoalNetworkWatch *self,
                                                      ShoalFamily family, const char *interface);
/* An address of @family of it to be seen with: not link-local unless there is no other. FALSE: it
 * has none. */
gboolean              shoal_interface_addr           (const ShoalInterface *self,
                                                      ShoalFamily family, ShoalAddr *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalNetworkWatch, shoal_network_watch_free)

G_END_DECLS
