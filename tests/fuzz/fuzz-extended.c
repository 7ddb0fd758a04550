/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: extension messages. The first byte says which kind the rest is. */

#include "shoal-extended.h"
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
try_handshake (const guint8 *data,
               gsize         size)
{
  ShoalExtendedHandshake first;
  ShoalExtendedHandshake second;
  g_autoptr (GBytes) bytes = NULL;

  if (!shoal_extended_handshake_parse (&first, data, size))
    return;

  bytes = shoal_extended_handshake_write (&first);
  g_assert (shoal_extended_handshake_parse (&second, g_bytes_get_data (bytes, NULL),
                                            g_bytes_get_size (bytes)));
  g_assert (memcmp (first.numbers, second.numbers, sizeof first.numbers) == 0);
  g_assert (first.port == second.port && first.reqq == second.reqq
            && first.metadata_size == second.metadata_size);
  g_assert (first.upload_only == second.upload_only);
  g_assert (g_strcmp0 (first.client, second.client) == 0);
  g_assert (first.client == NULL || g_utf8_validate (first.client, -1, NULL));
  shoal_extended_handshake_clear (&first);
  shoal_extended_handshake_clear (&second);
}

static void
try_metadata (const guint8 *data,
              gsize         size)
{
  ShoalMetadataMessage first;
  ShoalMetadataMessage second;
  g_autoptr (GBytes) bytes = NULL;

  if (!shoal_metadata_message_parse (&first, data, size) || first.type == SHOAL_METADATA_OTHER)
    return;

  g_assert (first.data_size <= SHOAL_METADATA_PART_SIZE);
  bytes = shoal_metadata_message_write (&first);
  g_assert (shoal_metadata_message_parse (&second, g_bytes_get_data (bytes, NULL),
                                          g_bytes_get_size (bytes)));
  g_assert (first.type == second.type && first.part == second.part
            && first.total_size == second.total_size);
  g_assert (first.data_size == second.data_size);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  guint32 piece;
  gboolean upload_only;

  if (size == 0)
    return 0;
  if (data[0] % 2 == 0)
    try_handshake (data + 1, size - 1);
  else
    try_metadata (data + 1, size - 1);
  shoal_donthave_parse (&piece, data + 1, size - 1);
  shoal_upload_only_parse (&upload_only, data + 1, size - 1);

  return 0;
}
