/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extension messages: handshake (BEP 10), ut_metadata (BEP 9), lt_donthave (BEP 54), upload_only
 * (BEP 21). */

#pragma once

#include <glib.h>
#include "shoal-addr.h"

G_BEGIN_DECLS

#define SHOAL_METADATA_PART_SIZE 16384u
#define SHOAL_METADATA_SIZE_MAX  (64u * 1024 * 1024)
#define SHOAL_CLIENT_NAME_MAX    64u                     /* bytes of "v" that are kept */

/* The numbers under which Shoal receives its extensions; 0 is the handshake. */
typedef enum
{
  SHOAL_EXTENDED_HANDSHAKE = 0,
  SHOAL_EXTENDED_METADATA  = 1,
  SHOAL_EXTENDED_DONTHAVE  = 2,
  SHOAL_EXTENDED_UPLOAD_ONLY = 3,
  SHOAL_EXTENDED_PEX = 4,          /* BEP 11, shoal-pex.h */
  SHOAL_EXTENDED_HOLEPUNCH = 5,    /* BEP 55, shoal-holepunch.h */
  SHOAL_N_EXTENDED,
} ShoalExtendedId;

/**
 * ShoalExtendedHandshake:
 * @numbers: the sender's number of each extension; 0: not supported (or switched off)
 * @has: of @numbers, which were named at all (a later handshake changes only those)
 * @client: (owned) (nullable): "v", safe UTF-8, cut at %SHOAL_CLIENT_NAME_MAX
 * @port: "p", listening port of the sender; 0: none
 * @reqq: requests that the sender queues; 0: not said
 * @metadata_size: bytes; 0: not said
 * @upload_only: BEP 21; -1: not said
 * @your_ip: how the sender sees the receiver; family NONE: not said
 */
typedef struct
{
  guint8    numbers[SHOAL_N_EXTENDED];
  gboolean  has[SHOAL_N_EXTENDED];
  char     *client;
  guint16   port;
  guint32   reqq;
  guint32   metadata_size;
  int       upload_only;
  ShoalAddr your_ip;
} ShoalExtendedHandshake;

/* FALSE: malformed */
gboolean shoal_extended_handshake_parse (ShoalExtendedHandshake *out, const guint8 *payload,
                                         gsize size);
/* payload, canonical */
GBytes  *shoal_extended_handshake_write (const ShoalExtendedHandshake *self);
void     shoal_extended_handshake_clear (ShoalExtendedHandshake *self);

typedef enum
{
  SHOAL_METADATA_REQUEST = 0,
  SHOAL_METADATA_DATA    = 1,
  SHOAL_METADATA_REJECT  = 2,
  SHOAL_METADATA_OTHER   = 3,   /* of a later version: to be ignored */
} ShoalMetadataType;

/**
 * ShoalMetadataMessage:
 *
 * Of data, @data_size is what @part must have where @total_size is said.
 */
typedef struct
{
  ShoalMetadataType type;
  guint32           part;
  guint32           total_size;   /* data only; 0: not said */
  const guint8     *data;         /* borrowed; data only */
  gsize             data_size;
} ShoalMetadataMessage;

gboolean shoal_metadata_message_parse (ShoalMetadataMessage *out, const guint8 *payload,
                                       gsize size);
GBytes  *shoal_metadata_message_write (const ShoalMetadataMessage *self);   /* payload */

/* BEP 54: the payload is a piece index. BEP 21's message: one byte. */
gboolean shoal_donthave_parse    (guint32 *piece, const guint8 *payload, gsize size);
gboolean shoal_upload_only_parse (gboolean *upload_only, const guint8 *payload, gsize size);

G_END_DECLS
