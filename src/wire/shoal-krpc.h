/* SPDX-License-Identifier: GPL-3.0-or-later */
/* KRPC, the messages of the DHT: BEP 5, 32, 33, 42, 43, 44 and 51, both directions. */

#pragma once

#include "shoal-addr.h"
#include "shoal-digest.h"
#include "shoal-writer.h"

G_BEGIN_DECLS

#define SHOAL_KRPC_SIZE_MAX        1400u   /* bytes of a message of ours: one packet on any line */
#define SHOAL_KRPC_VALUES_MAX      128u    /* peers read from one answer; the rest is passed over */
#define SHOAL_KRPC_TRANSACTION_MAX 32u     /* bytes; longer ones are refused */
#define SHOAL_KRPC_TOKEN_MAX       64u     /* bytes; longer ones are refused */
#define SHOAL_KRPC_NODE4_SIZE      26u     /* id and endpoint in "nodes" */
#define SHOAL_KRPC_NODE6_SIZE      38u     /* in "nodes6" */
#define SHOAL_KRPC_BLOOM_SIZE      256u    /* BEP 33 */
#define SHOAL_KRPC_ITEM_MAX        1000u   /* bytes of a stored item (BEP 44), as bencode */
#define SHOAL_KRPC_SALT_MAX        64u

typedef enum { SHOAL_KRPC_QUERY, SHOAL_KRPC_ANSWER, SHOAL_KRPC_ERROR } ShoalKrpcType;

typedef enum
{
  SHOAL_KRPC_PING,
  SHOAL_KRPC_FIND_NODE,
  SHOAL_KRPC_GET_PEERS,
  SHOAL_KRPC_ANNOUNCE_PEER,
  SHOAL_KRPC_GET,
  SHOAL_KRPC_PUT,
  SHOAL_KRPC_SAMPLE_INFOHASHES,
  SHOAL_KRPC_UNKNOWN,            /* with a target it is to be answered like FIND_NODE */
  SHOAL_N_KRPC_METHODS,
} ShoalKrpcMethod;

typedef enum
{
  SHOAL_KRPC_ERROR_GENERIC   = 201,
  SHOAL_KRPC_ERROR_SERVER    = 202,
  SHOAL_KRPC_ERROR_PROTOCOL  = 203,   /* bad packet, arguments or token */
  SHOAL_KRPC_ERROR_METHOD    = 204,
  SHOAL_KRPC_ERROR_TOO_BIG   = 205,   /* these and the following: BEP 44 */
  SHOAL_KRPC_ERROR_SIGNATURE = 206,
  SHOAL_KRPC_ERROR_SALT      = 207,
  SHOAL_KRPC_ERROR_CAS       = 301,
  SHOAL_KRPC_ERROR_SEQ       = 302,
} ShoalKrpcErrorCode;

/* What is there, and flags (bits). */
typedef enum
{
  /* Members that are there. */
  SHOAL_KRPC_HAS_ID       = 1 << 0,
  SHOAL_KRPC_HAS_TARGET   = 1 << 1,
  SHOAL_KRPC_HAS_PORT     = 1 << 2,
  SHOAL_KRPC_HAS_SEQ      = 1 << 3,
  SHOAL_KRPC_HAS_CAS      = 1 << 4,
  SHOAL_KRPC_HAS_SAMPLES  = 1 << 5,

  /* What a question asks or says of its sender. */
  SHOAL_KRPC_IMPLIED_PORT = 1 << 6,   /* ANNOUNCE_PEER: the port that the packet comes from */
  SHOAL_KRPC_SEED         = 1 << 7,   /* ANNOUNCE_PEER, BEP 33 */
  SHOAL_KRPC_NOSEED       = 1 << 8,   /* GET_PEERS, BEP 33: seeds are of no use */
  SHOAL_KRPC_SCRAPE       = 1 << 9,   /* GET_PEERS, BEP 33: the filters are wanted */
  SHOAL_KRPC_READ_ONLY    = 1 << 10,  /* BEP 43 */
  SHOAL_KRPC_WANT4        = 1 << 11,  /* BEP 32; neither: the family of the packet */
  SHOAL_KRPC_WANT6        = 1 << 12,

  /* What became of reading it. */
  SHOAL_KRPC_DEFECT       = 1 << 13,  /* a query whose arguments are wrong or missing: answer
                                       * SHOAL_KRPC_ERROR_PROTOCOL */
} ShoalKrpcFlags;

/* Borrowed bytes; @data is NULL where there are none. */
typedef struct
{
  const guint8 *data;
  gsize         size;
} ShoalKrpcBytes;

/**
 * ShoalKrpc:
 *
 * A message. What was read borrows from the packet; what is to be written borrows from the caller.
 * Members that the type and method do not have are not looked at by the writer. @values is last so
 * that shoal_krpc_init() need not clear it.
 */
typedef struct
{
  ShoalKrpcType   type;
  ShoalKrpcMethod method;        /* of a query */
  guint           flags;         /* ShoalKrpcFlags */
  ShoalKrpcBytes  transaction;
  ShoalKrpcBytes  version;
  ShoalSha1       id;            /* of the sender */
  ShoalSha1       target;        /* "target" or "info_hash" */
  ShoalAddr       ip;            /* BEP 42: how an answer's sender sees the receiver; family NONE:
                                  * not told */
  guint16         port;          /* ANNOUNCE_PEER */
  ShoalKrpcBytes  token;
  ShoalKrpcBytes  nodes4;        /* a multiple of SHOAL_KRPC_NODE4_SIZE */
  ShoalKrpcBytes  nodes6;
  ShoalKrpcBytes  bloom_seeds;   /* "BFsd": SHOAL_KRPC_BLOOM_SIZE bytes */
  ShoalKrpcBytes  bloom_peers;   /* "BFpe" */
  ShoalKrpcBytes  samples;       /* a multiple of 20 bytes */
  gint64          interval_s;    /* with samples */
  gint64          n_stored;      /* "num", likewise */
  ShoalKrpcBytes  value;         /* "v" of PUT and of the answer to GET, as bencode */
  ShoalKrpcBytes  key;           /* "k": 32 bytes */
  ShoalKrpcBytes  signature;     /* "sig": 64 bytes */
  ShoalKrpcBytes  salt;
  gint64          seq;
  gint64          cas;
  gint64          error;         /* ERROR */
  ShoalKrpcBytes  text;          /* of the error; anything at all */
  guint           n_values;
  ShoalAddr       values[SHOAL_KRPC_VALUES_MAX];
} ShoalKrpc;

void     shoal_krpc_init  (ShoalKrpc *self, ShoalKrpcType type, ShoalKrpcMethod method);
/* FALSE: it is no message of the DHT, or one that cannot be answered. */
gboolean shoal_krpc_parse (ShoalKrpc *self, const guint8 *data, gsize size);
void     shoal_krpc_write (const ShoalKrpc *self, ShoalWriter *out);   /* appends */

/* The bytes that the signature of a mutable item covers (BEP 44). */
void     shoal_krpc_write_signed (ShoalWriter *out, const ShoalKrpc *put);
/* Where an item is stored: the digest of its value, or of key and salt. */
void     shoal_krpc_item_target  (const ShoalKrpc *put, ShoalSha1 *target);

/* BEP 33: enters an address into a filter of SHOAL_KRPC_BLOOM_SIZE bytes. */
void     shoal_krpc_bloom_add    (guint8 *bloom, const ShoalAddr *addr);

G_END_DECLS
