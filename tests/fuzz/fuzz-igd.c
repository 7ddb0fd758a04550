/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: what a gateway sends to UPnP: answers to a search, descriptions, answers to
 * calls. */

#include "shoal-igd.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  g_autofree char *url = shoal_igd_parse_search_answer (data, size);
  g_auto(ShoalIgdService) service = { 0 };
  g_auto(ShoalIgdService) firewall = { 0 };
  ShoalIgdAnswer answer;

  if (url != NULL)
    g_assert (g_str_has_prefix (url, "http") || g_ascii_strncasecmp (url, "http:", 5) == 0);
  if (shoal_igd_parse_description (&service, "http://10.0.0.1:80/d.xml", (const char *) data, size))
    {
      g_assert (service.type != NULL && service.control != NULL);
      g_assert (strlen (service.type) < 64);
    }
  if (shoal_igd_parse_firewall (&firewall, "http://10.0.0.1:80/d.xml", (const char *) data, size))
    g_assert (g_str_has_suffix (firewall.type, ":WANIPv6FirewallControl:1")
              && firewall.control != NULL);
  shoal_igd_parse_answer (&answer, 200, (const char *) data, size);
  g_assert (answer.error <= 9999 && answer.external.port == 0);

  return 0;
}
