/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: handshakes and the names behind peer ids. */

#include "shoal-client-name.h"
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  guint8 bytes[SHOAL_HANDSHAKE_SIZE];
  ShoalHandshake first;
  ShoalHandshake second;
  gboolean begins = shoal_handshake_begins (data, size);

  if (size >= SHOAL_PEER_ID_SIZE)
    {
      g_autofree char *client = NULL;
      ShoalPeerId id;

      memcpy (id.bytes, data + size - SHOAL_PEER_ID_SIZE, SHOAL_PEER_ID_SIZE);
      client = shoal_client_name (&id);
      g_assert (g_utf8_validate (client, -1, NULL));
    }
  if (size < SHOAL_HANDSHAKE_SIZE || !shoal_handshake_parse (&first, data))
    return 0;

  g_assert (begins);
  shoal_handshake_write (&first, bytes);
  g_assert (shoal_handshake_parse (&second, bytes));
  g_assert (memcmp (&first, &second, sizeof first) == 0);

  return 0;
}
