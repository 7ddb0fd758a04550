/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peer messages: BEP 3, BEP 5 (port), BEP 6 and the frame of BEP 10. */

/* Every message is [size, 4 bytes][id][fields]. One table says how long each may be, so that a
 * wrong one is found when its head is there; after that no parser has to look at a size again. Pure
 * functions, any thread. */

#include "shoal-message.h"
#include "shoal-writer.h"

#define HASHES_HEAD_SIZE 49u     /* id, root, base layer, index, count, proof layers (BEP 52) */
#define ALLOWED_FAST_ROUNDS_MAX 1000u

/**
 * MessageSize:
 * @min: least bytes after the size, with the id; 0: an id that nobody uses
 * @max: most of them
 */
typedef struct
{
  guint32 min;
  guint32 max;
} MessageSize;

static const MessageSize message_sizes[] = {
  [SHOAL_MESSAGE_CHOKE]          = { 1, 1 },
  [SHOAL_MESSAGE_UNCHOKE]        = { 1, 1 },
  [SHOAL_MESSAGE_INTERESTED]     = { 1, 1 },
  [SHOAL_MESSAGE_NOT_INTERESTED] = { 1, 1 },
  [SHOAL_MESSAGE_HAVE]           = { 5, 5 },
  [SHOAL_MESSAGE_BITFIELD]       = { 1, SHOAL_MESSAGE_SIZE_MAX },
  [SHOAL_MESSAGE_REQUEST]        = { 13, 13 },
  [SHOAL_MESSAGE_PIECE]          = { 10, 9 + SHOAL_REQUEST_SIZE_MAX },
  [SHOAL_MESSAGE_CANCEL]         = { 13, 13 },
  [SHOAL_MESSAGE_PORT]           = { 3, 3 },
  [SHOAL_MESSAGE_SUGGEST]        = { 5, 5 },
  [SHOAL_MESSAGE_HAVE_ALL]       = { 1, 1 },
  [SHOAL_MESSAGE_HAVE_NONE]      = { 1, 1 },
  [SHOAL_MESSAGE_REJECT]         = { 13, 13 },
  [SHOAL_MESSAGE_ALLOWED_FAST]   = { 5, 5 },
  [SHOAL_MESSAGE_EXTENDED]       = { 2, SHOAL_EXTENDED_SIZE_MAX },
  [SHOAL_MESSAGE_HASH_REQUEST]   = { HASHES_HEAD_SIZE, HASHES_HEAD_SIZE },
  [SHOAL_MESSAGE_HASHES]         = { HASHES_HEAD_SIZE, SHOAL_EXTENDED_SIZE_MAX },
  [SHOAL_MESSAGE_HASH_REJECT]    = { HASHES_HEAD_SIZE, HASHES_HEAD_SIZE },
};

ShoalFrame
shoal_message_peek (const guint8   *bytes,
                    gsize           n,
                    guint32        *size,
                    ShoalMessageId *id)
{
  ShoalReader reader = shoal_reader (bytes, n);
  guint32 after = shoal_reader_u32 (&reader);
  MessageSize limits = { 1, SHOAL_EXTENDED_SIZE_MAX };
  guint8 number;

  *size = 0;
  *id = SHOAL_MESSAGE_UNKNOWN;
  if (reader.bad)
    return SHOAL_FRAME_MORE;
  if (after > SHOAL_MESSAGE_SIZE_MAX)
    return SHOAL_FRAME_BAD;

  *size = 4 + after;
  if (after == 0)
    {
      *id = SHOAL_MESSAGE_KEEP_ALIVE;
      return SHOAL_FRAME_OK;
    }

  number = shoal_reader_u8 (&reader);
  if (reader.bad)
    return SHOAL_FRAME_MORE;
  if (number < G_N_ELEMENTS (message_sizes) && message_sizes[number].min != 0)
    {
      *id = (ShoalMessageId) number;
      limits = message_sizes[number];
    }

  return after >= limits.min && after <= limits.max ? SHOAL_FRAME_OK : SHOAL_FRAME_BAD;
}

gboolean
shoal_message_parse (ShoalMessage *out,
                     const guint8 *bytes,
                     gsize         size)
{
  ShoalReader reader;
  guint32 whole;

  *out = (ShoalMessage){ .id = SHOAL_MESSAGE_UNKNOWN };
  if (shoal_message_peek (bytes, size, &whole, &out->id) != SHOAL_FRAME_OK || whole != size)
    return FALSE;
  if (out->id == SHOAL_MESSAGE_KEEP_ALIVE)
    return TRUE;

  reader = shoal_reader (bytes + 5, size - 5);
  switch (out->id)
    {
    case SHOAL_MESSAGE_HAVE:
    case SHOAL_MESSAGE_SUGGEST:
    case SHOAL_MESSAGE_ALLOWED_FAST:
      out->piece = shoal_reader_u32 (&reader);
      break;
    case SHOAL_MESSAGE_REQUEST:
    case SHOAL_MESSAGE_CANCEL:
    case SHOAL_MESSAGE_REJECT:
      out->piece = shoal_reader_u32 (&reader);
      out->offset = shoal_reader_u32 (&reader);
      out->size = shoal_reader_u32 (&reader);
      break;
    case SHOAL_MESSAGE_PIECE:
      out->piece = shoal_reader_u32 (&reader);
      out->offset = shoal_reader_u32 (&reader);
      out->size = (guint32) shoal_reader_left (&reader);
      break;
    case SHOAL_MESSAGE_PORT:
      out->port = shoal_reader_u16 (&reader);
      break;
    case SHOAL_MESSAGE_EXTENDED:
      out->extended = shoal_reader_u8 (&reader);
      break;
    default:
      break;
    }
  out->payload_size = (guint32) shoal_reader_left (&reader);
  out->payload = shoal_reader_bytes (&reader, out->payload_size);

  return !reader.bad;
}

guint
shoal_message_write_simple (guint8         *out,
                            ShoalMessageId  id)
{
  if (id == SHOAL_MESSAGE_KEEP_ALIVE)
    {
      shoal_put (out, 0, 4);
      return 4;
    }

  g_assert (id < G_N_ELEMENTS (message_sizes) && message_sizes[id].max == 1);
  shoal_put (out, 1, 4);
  out[4] = (guint8) id;

  return 5;
}

guint
shoal_message_write_piece_index (guint8         *out,
                                 ShoalMessageId  id,
                                 guint32         piece)
{
  g_assert (id < G_N_ELEMENTS (message_sizes) && message_sizes[id].max == 5);
  shoal_put (out, 5, 4);
  out[4] = (guint8) id;
  shoal_put (out + 5, piece, 4);

  return 9;
}

guint
shoal_message_write_request (guint8         *out,
                             ShoalMessageId  id,
                             guint32         piece,
                             guint32         offset,
                             guint32         size)
{
  g_assert (id < G_N_ELEMENTS (message_sizes) && message_sizes[id].max == 13);
  shoal_put (out, 13, 4);
  out[4] = (guint8) id;
  shoal_put (out + 5, piece, 4);
  shoal_put (out + 9, offset, 4);
  shoal_put (out + 13, size, 4);

  return SHOAL_REQUEST_MESSAGE_SIZE;
}

guint
shoal_message_write_piece_header (guint8  *out,
                                  guint32  piece,
                                  guint32  offset,
                                  guint32  size)
{
  shoal_put (out, 9 + size, 4);
  out[4] = SHOAL_MESSAGE_PIECE;
  shoal_put (out + 5, piece, 4);
  shoal_put (out + 9, offset, 4);

  return SHOAL_PIECE_HEADER_SIZE;
}

guint
shoal_message_write_bitfield_header (guint8 *out,
                                     gsize   bitfield_size)
{
  g_assert (bitfield_size < SHOAL_MESSAGE_SIZE_MAX);
  shoal_put (out, 1 + (guint32) bitfield_size, 4);
  out[4] = SHOAL_MESSAGE_BITFIELD;

  return 5;
}

guint
shoal_message_write_extended_header (guint8 *out,
                                     guint8  extension,
                                     gsize   payload_size)
{
  g_assert (payload_size < SHOAL_EXTENDED_SIZE_MAX - 1);
  shoal_put (out, 2 + (guint32) payload_size, 4);
  out[4] = SHOAL_MESSAGE_EXTENDED;
  out[5] = extension;

  return 6;
}

guint
shoal_message_write_port (guint8  *out,
                          guint16  port)
{
  shoal_put (out, 3, 4);
  out[4] = SHOAL_MESSAGE_PORT;
  shoal_put (out + 5, port, 2);

  return 7;
}

static gboolean
contains (const guint32 *items,
          guint          n,
          guint32        item)
{
  for (guint i = 0; i < n; i++)
    if (items[i] == item)
      return TRUE;

  return FALSE;
}

guint
shoal_allowed_fast_set (const ShoalAddr *peer,
                        const ShoalSha1 *info_hash,
                        guint32          n_pieces,
                        guint            count,
                        guint32         *out)
{
  guint8 seed[4 + SHOAL_SHA1_SIZE];
  ShoalSha1 hash;
  guint n = 0;

  if (peer->family != SHOAL_FAMILY_IPV4 || n_pieces == 0)
    return 0;

  /* The last byte of the address does not count: a neighbourhood shares one set, so changing
   * addresses inside it wins nothing. */
  memcpy (seed, peer->ip, 3);
  seed[3] = 0;
  memcpy (seed + 4, info_hash->bytes, SHOAL_SHA1_SIZE);
  shoal_sha1 (seed, sizeof seed, &hash);

  count = MIN (count, n_pieces);
  for (guint round = 0; n < count && round < ALLOWED_FAST_ROUNDS_MAX; round++)
    {
      ShoalReader reader = shoal_reader (hash.bytes, sizeof hash.bytes);
      ShoalSha1 next;

      while (n < count && shoal_reader_left (&reader) > 0)
        {
          guint32 piece = shoal_reader_u32 (&reader) % n_pieces;

          if (!contains (out, n, piece))
            out[n++] = piece;
        }
      shoal_sha1 (hash.bytes, sizeof hash.bytes, &next);
      hash = next;
    }

  return n;
}
