/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets of uTP (BEP 29): header, extensions, selective acknowledgement. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SHOAL_UTP_HEADER_SIZE    20u
#define SHOAL_UTP_SACK_MAX       252u    /* bytes of a selective acknowledgement: whole words, and
                                          * its size is a byte */
#define SHOAL_UTP_EXTENSIONS_MAX 16u     /* in one packet */
#define SHOAL_UTP_PADDING_LEAST  12u     /* bytes that a packet is made larger by, */
#define SHOAL_UTP_PADDING_MAX    1024u   /* if it is */

typedef enum
{
  SHOAL_UTP_DATA  = 0,
  SHOAL_UTP_FIN   = 1,
  SHOAL_UTP_STATE = 2,
  SHOAL_UTP_RESET = 3,
  SHOAL_UTP_SYN   = 4,
} ShoalUtpType;

/**
 * ShoalUtpPacket:
 * @id: which connection, as the receiver counts; of a SYN the sender's own
 * @sent_us: when it was sent, the sender's clock, microseconds modulo 2^32
 * @delay_us: how long the last packet of the receiver took, by the difference of the two clocks
 * @window: bytes that the sender still takes
 * @seq: its number; of DATA, FIN and SYN counted, of the others the number that comes next
 * @ack: the last number that came in order
 * @sack: (nullable): bit i (least significant first) stands for number @ack + 2 + i
 * @payload: of DATA
 *
 * Pointers are borrowed from the datagram.
 */
typedef struct
{
  ShoalUtpType  type;
  guint16       id;
  guint32       sent_us;
  guint32       delay_us;
  guint32       window;
  guint16       seq;
  guint16       ack;
  const guint8 *sack;
  guint         sack_size;
  const guint8 *payload;
  gsize         size;
} ShoalUtpPacket;

/* By version and type; trackers and DHT nodes never begin like this. */
gboolean shoal_utp_packet_looks (const guint8 *data, gsize size);
/* FALSE: it is none, or broken. Extensions that are not known are passed over. */
gboolean shoal_utp_packet_parse (ShoalUtpPacket *out, const guint8 *data, gsize size);
/* Bytes of the header with its extensions: at most %SHOAL_UTP_HEADER_SIZE + 2 + %SHOAL_UTP_SACK_MAX
 * + @padding. */
gsize    shoal_utp_packet_head_size (const ShoalUtpPacket *self, guint padding);
/*
 * Writes the header with its extensions and returns their size; the payload is the caller's.
 * @padding: 0, or bytes of extensions that everybody passes over, which make the packet larger.
 */
gsize    shoal_utp_packet_write_head (const ShoalUtpPacket *self, guint padding, guint8 *out);

/* Numbers count modulo 2^16: how far @a is after @b, negative if it is before. */
static inline gint shoal_utp_seq_diff (guint16 a, guint16 b) { return (gint16) (guint16) (a - b); }

G_END_DECLS
