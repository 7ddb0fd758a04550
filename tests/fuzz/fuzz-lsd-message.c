/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: messages of local discovery. What parses is written and read back the same. */

#include "shoal-lsd-message.h"
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  ShoalLsdMessage first, second;
  g_autoptr(GBytes) bytes = NULL;

  if (!shoal_lsd_message_parse (&first, data, size))
    return 0;
  g_assert (first.port != 0 && first.n_hashes > 0 && first.n_hashes <= SHOAL_LSD_READ_MAX);
  g_assert (strlen (first.cookie) <= SHOAL_LSD_COOKIE_MAX);
  bytes = shoal_lsd_message_write (&first, SHOAL_FAMILY_IPV6);
  g_assert (shoal_lsd_message_parse (&second, g_bytes_get_data (bytes, NULL),
                                     g_bytes_get_size (bytes)));
  g_assert (first.port == second.port && first.n_hashes == second.n_hashes);
  g_assert (memcmp (first.hashes, second.hashes, first.n_hashes * sizeof *first.hashes) == 0);

  return 0;
}
