/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets of uTP (BEP 29): header, extensions, selective acknowledgement. */

/*
 * The header names the first extension, each extension the next: type of the next, size, bytes. The
 * padding is an extension of a type that nobody uses; unlike padding in the payload it goes when
 * the packet has to be sent again. The libutp of transmission 3.00 takes a packet for one of the
 * version before if its first extension is of type 3 or more, so an empty one of the extensions
 * that the sender knows (type 2, always 8 bytes) goes before it.
 */

#include "shoal-utp-packet.h"

#include <string.h>
#include "shoal-reader.h"
#include "shoal-writer.h"

#define VERSION           1u
#define EXTENSION_NONE    0u
#define EXTENSION_SACK    1u
#define EXTENSION_KNOWN   2u
#define EXTENSION_PADDING 0x70u
#define EXTENSION_HEAD    2u     /* bytes */
#define EXTENSION_MAX     255u
#define KNOWN_SIZE        8u     /* bytes */

gboolean
shoal_utp_packet_looks (const guint8 *data,
                        gsize         size)
{
  return size >= SHOAL_UTP_HEADER_SIZE && (data[0] & 15) == VERSION
         && data[0] >> 4 <= SHOAL_UTP_SYN;
}

static gboolean
read_extensions (ShoalUtpPacket *out,
                 ShoalReader    *r,
                 guint8          type)
{
  for (guint n = 0; type != EXTENSION_NONE; n++)
    {
      guint8 next = shoal_reader_u8 (r);
      guint8 size = shoal_reader_u8 (r);
      const guint8 *bytes = shoal_reader_bytes (r, size);

      if (bytes == NULL || n == SHOAL_UTP_EXTENSIONS_MAX)
        return FALSE;
      if (type == EXTENSION_SACK)
        {
          /* Whole words, says the standard; others send any number of bytes. */
          if (size == 0 || out->sack != NULL)
            return FALSE;
          out->sack = bytes;
          out->sack_size = MIN (size, SHOAL_UTP_SACK_MAX);
        }
      type = next;
    }

  return TRUE;
}

gboolean
shoal_utp_packet_parse (ShoalUtpPacket *out,
                        const guint8   *data,
                        gsize           size)
{
  ShoalReader r = shoal_reader (data, size);
  guint8 extension;

  if (!shoal_utp_packet_looks (data, size))
    return FALSE;

  *out = (ShoalUtpPacket){ .type = shoal_reader_u8 (&r) >> 4 };
  extension = shoal_reader_u8 (&r);
  out->id = shoal_reader_u16 (&r);
  out->sent_us = shoal_reader_u32 (&r);
  out->delay_us = shoal_reader_u32 (&r);
  out->window = shoal_reader_u32 (&r);
  out->seq = shoal_reader_u16 (&r);
  out->ack = shoal_reader_u16 (&r);
  if (!read_extensions (out, &r, extension))
    return FALSE;

  out->size = shoal_reader_left (&r);
  out->payload = shoal_reader_bytes (&r, out->size);

  return TRUE;
}

gsize
shoal_utp_packet_head_size (const ShoalUtpPacket *self,
                            guint                 padding)
{
  return SHOAL_UTP_HEADER_SIZE + (self->sack != NULL ? EXTENSION_HEAD + self->sack_size : 0)
         + padding;
}

/* Extensions of at most 257 bytes with their heads; none may be left with a single byte. */
static guint8 *
write_padding (guint8 *out,
               guint   padding)
{
  if (padding > 0)
    {
      *out++ = EXTENSION_PADDING;
      *out++ = KNOWN_SIZE;
      memset (out, 0, KNOWN_SIZE);
      out += KNOWN_SIZE;
      padding -= EXTENSION_HEAD + KNOWN_SIZE;
    }
  while (padding > 0)
    {
      guint size = MIN (padding, EXTENSION_HEAD + EXTENSION_MAX);

      if (padding - size == 1)
        size--;
      padding -= size;
      *out++ = padding > 0 ? EXTENSION_PADDING : EXTENSION_NONE;
      *out++ = (guint8) (size - EXTENSION_HEAD);
      memset (out, 0, size - EXTENSION_HEAD);
      out += size - EXTENSION_HEAD;
    }

  return out;
}

gsize
shoal_utp_packet_write_head (const ShoalUtpPacket *self,
                             guint                 padding,
                             guint8               *out)
{
  guint after_sack = padding > 0 ? EXTENSION_KNOWN : EXTENSION_NONE;
  guint8 *at = out;

  g_return_val_if_fail (self->sack_size <= SHOAL_UTP_SACK_MAX, 0);
  g_return_val_if_fail (padding == 0
                          || (padding >= SHOAL_UTP_PADDING_LEAST
                              && padding <= SHOAL_UTP_PADDING_MAX),
                        0);

  at = shoal_put (at, (guint32) self->type << 4 | VERSION, 1);
  at = shoal_put (at, self->sack != NULL ? EXTENSION_SACK : after_sack, 1);
  at = shoal_put (at, self->id, 2);
  at = shoal_put (at, self->sent_us, 4);
  at = shoal_put (at, self->delay_us, 4);
  at = shoal_put (at, self->window, 4);
  at = shoal_put (at, self->seq, 2);
  at = shoal_put (at, self->ack, 2);
  if (self->sack != NULL)
    {
      *at++ = (guint8) after_sack;
      *at++ = (guint8) self->sack_size;
      memcpy (at, self->sack, self->sack_size);
      at += self->sack_size;
    }
  at = write_padding (at, padding);

  return (gsize) (at - out);
}
