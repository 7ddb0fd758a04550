/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: peer exchange. What parses is written and read back the same. */

#include "shoal-pex.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  g_autofree ShoalPexMessage *first = g_new (ShoalPexMessage, 1);
  g_autofree ShoalPexMessage *second = g_new (ShoalPexMessage, 1);
  g_autoptr(GBytes) bytes = NULL;
  guint n_mapped = 0;

  if (!shoal_pex_parse (first, data, size))
    return 0;
  g_assert (first->n_added <= SHOAL_PEX_LIST_MAX && first->n_dropped <= SHOAL_PEX_LIST_MAX);
  /* An IPv6 address that stands for an IPv4 one moves to the other list. */
  for (guint i = 0; i < first->n_added; i++)
    n_mapped += i > 0 && first->added[i].addr.family == SHOAL_FAMILY_IPV4
                && first->added[i - 1].addr.family == SHOAL_FAMILY_IPV6;
  bytes = shoal_pex_write (first);
  g_assert (shoal_pex_parse (second, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes)));
  if (n_mapped > 0 || second->excess)
    return 0;
  g_assert (first->n_added == second->n_added && first->n_dropped == second->n_dropped);
  for (guint i = 0; i < first->n_added; i++)
    g_assert (shoal_addr_equal (&first->added[i].addr, &second->added[i].addr)
              && first->added[i].flags == second->added[i].flags);

  return 0;
}
