/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the router does for us, in words. */

#include "shoal-mapping-text.h"

#include <glib/gi18n-lib.h>

const char *
shoal_mapping_method_name (ShoalMapMethod method)
{
  static const char *const names[] = {
    [SHOAL_MAP_METHOD_NONE] = "",
    [SHOAL_MAP_METHOD_PCP] = "PCP",
    [SHOAL_MAP_METHOD_NAT_PMP] = "NAT-PMP",
    [SHOAL_MAP_METHOD_UPNP] = "UPnP",
  };

  g_return_val_if_fail ((guint) method < G_N_ELEMENTS (names), "");

  return names[method];
}

static char *
failed_text (const ShoalMapping *mapping)
{
  switch (mapping->reason)
    {
    case SHOAL_MAP_REASON_NO_GATEWAY:
      return g_strdup (_("There is no router on the way to the internet."));
    case SHOAL_MAP_REASON_REFUSED:
      return g_strdup (_("The router refuses to open a port."));
    case SHOAL_MAP_REASON_NO_ANSWER:
    case SHOAL_MAP_REASON_NONE:
    default:
      return g_strdup (_("The router offers no way to open a port."));
    }
}

char *
shoal_mapping_text (const ShoalMapping *mapping)
{
  guint port = mapping->tcp_port != 0 ? mapping->tcp_port : mapping->udp_port;

  switch (mapping->state)
    {
    case SHOAL_MAP_SEARCHING:
      return g_strdup (_("Asking the router for an open port."));
    case SHOAL_MAP_FAILED:
      return failed_text (mapping);
    case SHOAL_MAP_DONE:
      if (mapping->nested)
        return g_strdup_printf (_("The router has opened port %u, but is itself behind another "
                                  "router or provider that it does not control."), port);
      /* Translators: the second one is a method: PCP, NAT-PMP or UPnP. */
      return g_strdup_printf (_("The router has opened port %u (%s)."), port,
                              shoal_mapping_method_name (mapping->method));
    case SHOAL_MAP_OFF:
    default:
      return NULL;
    }
}
