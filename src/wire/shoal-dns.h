/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions to name servers and their answers (RFC 1035, RFC 3596): the addresses of a name. */

#pragma once

#include <glib.h>
#include "shoal-addr.h"

G_BEGIN_DECLS

#define SHOAL_DNS_QUERY_MAX   272u     /* bytes of a question */
#define SHOAL_DNS_PACKET_MAX  65535u   /* bytes of an answer over TCP */
#define SHOAL_DNS_ADDRS_MAX   32u      /* of one name and type; more are left out */

typedef enum
{
  SHOAL_DNS_A    = 1,
  SHOAL_DNS_AAAA = 28,
} ShoalDnsType;

/**
 * ShoalDnsResult:
 * @SHOAL_DNS_ANSWER: what the name has, which may be nothing of this type
 * @SHOAL_DNS_NO_NAME: there is no such name
 * @SHOAL_DNS_TRUNCATED: it has to be asked for over TCP
 * @SHOAL_DNS_FAILED: this server is not able or willing, or answers nonsense
 * @SHOAL_DNS_NOT_OURS: not the answer to this question: somebody guesses, or it is late
 */
typedef enum
{
  SHOAL_DNS_ANSWER,
  SHOAL_DNS_NO_NAME,
  SHOAL_DNS_TRUNCATED,
  SHOAL_DNS_FAILED,
  SHOAL_DNS_NOT_OURS,
} ShoalDnsResult;

typedef struct
{
  guint     n_addrs;
  guint32   ttl_s;                        /* the least of all records that led there */
  ShoalAddr addrs[SHOAL_DNS_ADDRS_MAX];   /* port 0 */
} ShoalDnsAnswer;

/* (transfer full) (nullable): @host as it is asked for: ASCII, lower case, without a dot at the
 * end; %NULL: it cannot be a name */
char          *shoal_dns_name         (const char *host);
/* @name: of shoal_dns_name(). Returns: bytes in @out, which has SHOAL_DNS_QUERY_MAX */
gsize          shoal_dns_write_query  (guint8 *out, guint16 id, const char *name,
                                       ShoalDnsType type);
/* Follows aliases inside of the answer. @out is filled in for ANSWER. */
ShoalDnsResult shoal_dns_parse_answer (ShoalDnsAnswer *out, const guint8 *bytes, gsize size,
                                       guint16 id, const char *name, ShoalDnsType type);

G_END_DECLS
