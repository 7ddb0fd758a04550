/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking a gateway for a port: packets of PCP (RFC 6887) and NAT-PMP (RFC 6886). */

#pragma once

#include <glib.h>
#include "shoal-addr.h"

G_BEGIN_DECLS

#define SHOAL_PCP_PORT         5351u   /* of the gateway, for both protocols */
#define SHOAL_PCP_ANNOUNCE_PORT 5350u  /* of clients: where gateways announce what has changed, to
                                        * all at once */
#define SHOAL_PCP_PACKET_MAX   1100u   /* bytes; what is longer is not an answer */
#define SHOAL_PCP_NONCE_SIZE   12u
#define SHOAL_PCP_MAP_SIZE     60u     /* bytes of a request that shoal_pcp_write_map() makes */
#define SHOAL_NAT_PMP_SIZE_MAX 12u     /* bytes of a request of NAT-PMP */

/** ShoalTransport: as numbered by IANA, which PCP uses. */
typedef enum
{
  SHOAL_TRANSPORT_TCP = 6,
  SHOAL_TRANSPORT_UDP = 17,
} ShoalTransport;

/**
 * ShoalPcpMap:
 * @nonce: PCP: of the owner; the same for as long as a mapping is kept
 * @client: PCP: our address, as the gateway sees it; the port does not matter
 * @external: suggested, 0: any
 * @lifetime_s: 0: the mapping goes
 */
typedef struct
{
  guint8         nonce[SHOAL_PCP_NONCE_SIZE];
  ShoalAddr      client;
  ShoalTransport transport;
  guint16        internal;
  guint16        external;
  guint32        lifetime_s;
} ShoalPcpMap;

typedef enum
{
  SHOAL_PCP_ANSWER_MAP,         /* of PCP */
  SHOAL_PCP_ANSWER_OTHER,       /* of PCP: a refusal that names no mapping, or an announcement of
                                 * the gateway */
  SHOAL_NAT_PMP_ANSWER_ADDRESS,
  SHOAL_NAT_PMP_ANSWER_MAP,
  SHOAL_NAT_PMP_ANSWER_OTHER,   /* a refusal that names no mapping: also what a gateway says that
                                 * knows NAT-PMP alone */
} ShoalPcpAnswerKind;

#define SHOAL_PCP_UNSUPPORTED_VERSION 1u   /* result of both protocols */

/**
 * ShoalPcpAnswer:
 * @result: 0: it was done
 * @lifetime_s: of the mapping; after a refusal of PCP: do not ask again for so long
 * @epoch_s: seconds since the gateway last lost its mappings
 * @external: family NONE: not told; its port is that of the mapping
 */
typedef struct
{
  ShoalPcpAnswerKind kind;
  guint              result;
  guint32            lifetime_s;
  guint32            epoch_s;
  guint8             nonce[SHOAL_PCP_NONCE_SIZE];
  ShoalTransport     transport;
  guint16            internal;
  ShoalAddr          external;
} ShoalPcpAnswer;

/* Writers return the size in bytes. @out has SHOAL_PCP_MAP_SIZE and SHOAL_NAT_PMP_SIZE_MAX
 * bytes. */
gsize    shoal_pcp_write_map         (guint8 *out, const ShoalPcpMap *map);
gsize    shoal_nat_pmp_write_map     (guint8 *out, const ShoalPcpMap *map);
gsize    shoal_nat_pmp_write_address (guint8 *out);

/* FALSE: it is no answer of either protocol. */
gboolean shoal_pcp_parse_answer      (ShoalPcpAnswer *out, const guint8 *bytes, gsize size);

/* Why a gateway refuses, in technical English; static. */
const char *shoal_pcp_result_text    (const ShoalPcpAnswer *answer);

G_END_DECLS
