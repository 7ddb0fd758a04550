/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The handshake of BEP 3 and its reserved bits. */

#pragma once

#include <glib.h>
#include "shoal-digest.h"

G_BEGIN_DECLS

#define SHOAL_HANDSHAKE_SIZE 68u   /* bytes */
#define SHOAL_PEER_ID_SIZE   20u

typedef struct { guint8 bytes[SHOAL_PEER_ID_SIZE]; } ShoalPeerId;

typedef enum
{
  SHOAL_RESERVED_EXTENDED = 1 << 0,   /* BEP 10 */
  SHOAL_RESERVED_FAST     = 1 << 1,   /* BEP 6 */
  SHOAL_RESERVED_DHT      = 1 << 2,   /* BEP 5 */
  SHOAL_RESERVED_V2       = 1 << 3,   /* BEP 52: hybrid upgrade */
} ShoalReserved;

typedef struct
{
  ShoalReserved reserved;
  ShoalSha1     info_hash;
  ShoalPeerId   peer_id;
} ShoalHandshake;

void     shoal_handshake_write (const ShoalHandshake *self, guint8 out[SHOAL_HANDSHAKE_SIZE]);
/* FALSE if the 68 bytes are no handshake. */
gboolean shoal_handshake_parse (ShoalHandshake *out, const guint8 bytes[SHOAL_HANDSHAKE_SIZE]);
/* Whether the first @size bytes can still become one: lets a wrong protocol be closed early. */
gboolean shoal_handshake_begins (const guint8 *bytes, gsize size);

/* "-SH0100-" and 12 characters made from @random (12 bytes). */
void     shoal_peer_id_make    (ShoalPeerId *out, const guint8 random[12]);

G_END_DECLS
