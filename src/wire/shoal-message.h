/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peer messages: BEP 3, BEP 5 (port), BEP 6 and the frame of BEP 10. */

#pragma once

#include <glib.h>
#include "shoal-reader.h"
#include "shoal-digest.h"
#include "shoal-addr.h"

G_BEGIN_DECLS

#define SHOAL_MESSAGE_SIZE_MAX    (1024u * 1024 + 16)   /* bytes after the size: a bitfield of 8 Mi
                                                         * pieces */
#define SHOAL_EXTENDED_SIZE_MAX   (512u * 1024)
#define SHOAL_REQUEST_SIZE_MAX    (128u * 1024)         /* bytes of a block that we serve */
#define SHOAL_PIECE_HEADER_SIZE   13u                   /* size, id, piece, offset */
#define SHOAL_REQUEST_MESSAGE_SIZE 17u

typedef enum
{
  SHOAL_MESSAGE_CHOKE          = 0,
  SHOAL_MESSAGE_UNCHOKE        = 1,
  SHOAL_MESSAGE_INTERESTED     = 2,
  SHOAL_MESSAGE_NOT_INTERESTED = 3,
  SHOAL_MESSAGE_HAVE           = 4,
  SHOAL_MESSAGE_BITFIELD       = 5,
  SHOAL_MESSAGE_REQUEST        = 6,
  SHOAL_MESSAGE_PIECE          = 7,
  SHOAL_MESSAGE_CANCEL         = 8,
  SHOAL_MESSAGE_PORT           = 9,
  SHOAL_MESSAGE_SUGGEST        = 13,
  SHOAL_MESSAGE_HAVE_ALL       = 14,
  SHOAL_MESSAGE_HAVE_NONE      = 15,
  SHOAL_MESSAGE_REJECT         = 16,
  SHOAL_MESSAGE_ALLOWED_FAST   = 17,
  SHOAL_MESSAGE_EXTENDED       = 20,
  SHOAL_MESSAGE_HASH_REQUEST   = 21,
  SHOAL_MESSAGE_HASHES         = 22,
  SHOAL_MESSAGE_HASH_REJECT    = 23,
  SHOAL_MESSAGE_KEEP_ALIVE     = 256,   /* size 0, has no id */
  SHOAL_MESSAGE_UNKNOWN        = 257,   /* to be ignored */
} ShoalMessageId;

typedef enum
{
  SHOAL_FRAME_OK,
  SHOAL_FRAME_MORE,    /* not enough bytes yet */
  SHOAL_FRAME_BAD,     /* against the protocol: close */
} ShoalFrame;

/**
 * ShoalMessage:
 *
 * One message. Fields are valid by @id; @payload (bitfield, extended) and the data of a piece are
 * borrowed.
 */
typedef struct
{
  ShoalMessageId id;
  guint32        piece;      /* have, request, piece, cancel, suggest, reject, allowed fast */
  guint32        offset;     /* request, piece, cancel, reject */
  guint32        size;       /* request, cancel, reject: bytes asked for; piece: bytes of data */
  guint16        port;
  guint8         extended;   /* extended: the sender's number of the extension */
  const guint8  *payload;    /* bitfield: its bytes; extended: what follows the number; piece: data;
                              * hashes: all after the id */
  guint32        payload_size;
} ShoalMessage;

/**
 * shoal_message_peek:
 * @size: (out): bytes of the whole message, with the 4 bytes of its size
 * @id: (out): what it is, as far as known
 *
 * Looks at the head of a message. OK once the size and the id are there and the size is right for
 * the id (checked from a table): a message too large or of a wrong size is BAD before it was read.
 */
ShoalFrame shoal_message_peek  (const guint8 *bytes, gsize n, guint32 *size, ShoalMessageId *id);

/* Parses one whole message of @size bytes (as told by peek). FALSE: against the protocol. */
gboolean   shoal_message_parse (ShoalMessage *out, const guint8 *bytes, gsize size);

/* Writers put the whole message at @out, which has room, and return its size in bytes. */
/* 5: choke … not interested, have all, have none; 4: keep-alive */
guint shoal_message_write_simple  (guint8 *out, ShoalMessageId id);
/* 9: have, suggest, allowed fast */
guint shoal_message_write_piece_index (guint8 *out, ShoalMessageId id, guint32 piece);
/* 17: request, cancel, reject */
guint shoal_message_write_request (guint8 *out, ShoalMessageId id, guint32 piece, guint32 offset,
                                   guint32 size);
/* 13; data follows */
guint shoal_message_write_piece_header (guint8 *out, guint32 piece, guint32 offset, guint32 size);
/* 5; bits follow */
guint shoal_message_write_bitfield_header (guint8 *out, gsize bitfield_size);
/* 6; payload follows */
guint shoal_message_write_extended_header (guint8 *out, guint8 extension, gsize payload_size);
guint shoal_message_write_port    (guint8 *out, guint16 port);                            /* 7 */

/* BEP 6: the allowed-fast set of a peer. Writes up to @count pieces, returns how many. IPv4 only (0
 * for IPv6). */
guint shoal_allowed_fast_set (const ShoalAddr *peer, const ShoalSha1 *info_hash, guint32 n_pieces,
                              guint count, guint32 *out);

G_END_DECLS
