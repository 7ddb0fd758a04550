/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: lists of blocked addresses. Every range begins before it ends. */

#include "shoal-filter-list.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  g_autoptr(ShoalFilterList) list = shoal_filter_list_parse ((const char *) data, size, NULL);

  if (list == NULL)
    return 0;
  for (guint i = 0; i < list->four->len; i++)
    g_assert (g_array_index (list->four, ShoalRange4, i).first
              <= g_array_index (list->four, ShoalRange4, i).last);
  for (guint i = 0; i < list->six->len; i++)
    g_assert (shoal_ip6_compare (&g_array_index (list->six, ShoalRange6, i).first,
                                 &g_array_index (list->six, ShoalRange6, i).last)
              <= 0);

  return 0;
}
