/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: a stream of peer messages. What parses is written back the same. */

#include "shoal-message.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static guint
write_back (guint8             *out,
            const ShoalMessage *message)
{
  switch (message->id)
    {
    case SHOAL_MESSAGE_HAVE:
    case SHOAL_MESSAGE_SUGGEST:
    case SHOAL_MESSAGE_ALLOWED_FAST:
      return shoal_message_write_piece_index (out, message->id, message->piece);
    case SHOAL_MESSAGE_REQUEST:
    case SHOAL_MESSAGE_CANCEL:
    case SHOAL_MESSAGE_REJECT:
      return shoal_message_write_request (out, message->id, message->piece, message->offset,
                                          message->size);
    case SHOAL_MESSAGE_PIECE:
      return shoal_message_write_piece_header (out, message->piece, message->offset, message->size);
    case SHOAL_MESSAGE_BITFIELD:
      return shoal_message_write_bitfield_header (out, message->payload_size);
    case SHOAL_MESSAGE_EXTENDED:
      return shoal_message_write_extended_header (out, message->extended, message->payload_size);
    case SHOAL_MESSAGE_PORT:
      return shoal_message_write_port (out, message->port);
    case SHOAL_MESSAGE_UNKNOWN:
    case SHOAL_MESSAGE_HASH_REQUEST:
    case SHOAL_MESSAGE_HASHES:
    case SHOAL_MESSAGE_HASH_REJECT:
      return 0;
    default:
      return shoal_message_write_simple (out, message->id);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  guint32 whole;
  ShoalMessageId id;

  while (shoal_message_peek (data, size, &whole, &id) == SHOAL_FRAME_OK && whole <= size)
    {
      guint8 out[32];
      ShoalMessage message;
      guint written;

      g_assert (shoal_message_parse (&message, data, whole));
      g_assert (message.payload_size <= whole);
      written = write_back (out, &message);
      g_assert (written <= whole && memcmp (out, data, written) == 0);
      g_assert (written == 0 || written + message.payload_size == whole);
      data += whole;
      size -= whole;
    }

  return 0;
}
