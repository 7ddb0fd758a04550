/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The handshake of BEP 3 and its reserved bits; our own peer id. */

#include "shoal-handshake.h"
#include "shoal-reader.h"

#define PROTOCOL_TEXT   "\x13" "BitTorrent protocol"
#define PROTOCOL_SIZE   20u
#define RESERVED_SIZE   8u
#define OWN_PREFIX      "-SH0100-"
#define OWN_PREFIX_SIZE 8u

/* Where the bits of ShoalReserved are among the reserved bytes. */
static const struct
{
  ShoalReserved flag;
  guint8        byte;
  guint8        bit;
} reserved_bits[] = {
  { SHOAL_RESERVED_EXTENDED, 5, 0x10 },
  { SHOAL_RESERVED_FAST,     7, 0x04 },
  { SHOAL_RESERVED_DHT,      7, 0x01 },
  { SHOAL_RESERVED_V2,       7, 0x10 },
};

void
shoal_handshake_write (const ShoalHandshake *self,
                       guint8                out[SHOAL_HANDSHAKE_SIZE])
{
  guint8 *reserved = out + PROTOCOL_SIZE;

  memcpy (out, PROTOCOL_TEXT, PROTOCOL_SIZE);
  memset (reserved, 0, RESERVED_SIZE);
  for (guint i = 0; i < G_N_ELEMENTS (reserved_bits); i++)
    if (self->reserved & reserved_bits[i].flag)
      reserved[reserved_bits[i].byte] |= reserved_bits[i].bit;
  memcpy (reserved + RESERVED_SIZE, self->info_hash.bytes, SHOAL_SHA1_SIZE);
  memcpy (reserved + RESERVED_SIZE + SHOAL_SHA1_SIZE, self->peer_id.bytes, SHOAL_PEER_ID_SIZE);
}

gboolean
shoal_handshake_parse (ShoalHandshake *out,
                       const guint8    bytes[SHOAL_HANDSHAKE_SIZE])
{
  ShoalReader reader = shoal_reader (bytes, SHOAL_HANDSHAKE_SIZE);
  const guint8 *reserved;

  *out = (ShoalHandshake){ 0 };
  if (!shoal_handshake_begins (shoal_reader_bytes (&reader, PROTOCOL_SIZE), PROTOCOL_SIZE))
    return FALSE;

  reserved = shoal_reader_bytes (&reader, RESERVED_SIZE);
  for (guint i = 0; i < G_N_ELEMENTS (reserved_bits); i++)
    if (reserved[reserved_bits[i].byte] & reserved_bits[i].bit)
      out->reserved |= reserved_bits[i].flag;
  shoal_reader_copy (&reader, out->info_hash.bytes, SHOAL_SHA1_SIZE);
  shoal_reader_copy (&reader, out->peer_id.bytes, SHOAL_PEER_ID_SIZE);

  return shoal_reader_done (&reader);
}

gboolean
shoal_handshake_begins (const guint8 *bytes,
                        gsize         size)
{
  return size == 0 || memcmp (bytes, PROTOCOL_TEXT, MIN (size, PROTOCOL_SIZE)) == 0;
}

void
shoal_peer_id_make (ShoalPeerId  *out,
                    const guint8  random[12])
{
  static const char alphabet[64 + 1] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";

  memcpy (out->bytes, OWN_PREFIX, OWN_PREFIX_SIZE);
  for (guint i = 0; i < SHOAL_PEER_ID_SIZE - OWN_PREFIX_SIZE; i++)
    out->bytes[OWN_PREFIX_SIZE + i] = (guint8) alphabet[random[i] % 64];
}
