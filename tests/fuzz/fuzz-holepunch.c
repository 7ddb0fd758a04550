/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: messages for punching holes. What parses is written and read back the same. */

#include "shoal-holepunch.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  ShoalHolepunch first, second;
  g_autoptr(GBytes) bytes = NULL;

  if (!shoal_holepunch_parse (&first, data, size))
    return 0;
  bytes = shoal_holepunch_write (&first);
  g_assert (shoal_holepunch_parse (&second, g_bytes_get_data (bytes, NULL),
                                   g_bytes_get_size (bytes)));
  g_assert (first.type == second.type && first.error == second.error
            && shoal_addr_equal (&first.addr, &second.addr));

  return 0;
}
