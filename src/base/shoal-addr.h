/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An IPv4 or IPv6 endpoint as a plain value. */

#pragma once

#include <glib.h>
#include <sys/socket.h>

G_BEGIN_DECLS

typedef enum { SHOAL_FAMILY_NONE = 0, SHOAL_FAMILY_IPV4 = 4, SHOAL_FAMILY_IPV6 = 6 } ShoalFamily;

/**
 * ShoalAddr:
 * @family: #ShoalFamily; an IPv4-mapped IPv6 address is always stored as IPv4
 * @port: in host order
 * @ip: 4 or 16 bytes in network order, the rest 0
 */
typedef struct
{
  guint8  family;
  guint16 port;
  guint8  ip[16];
} ShoalAddr;

#define SHOAL_ADDR_TEXT_MAX 64   /* bytes, "[IPv6]:port" and NUL */

/* @ip is 4 or 16 bytes. */
ShoalAddr shoal_addr_make          (ShoalFamily family, const guint8 *ip, guint16 port);
gboolean  shoal_addr_from_sockaddr (ShoalAddr *out, const struct sockaddr *from, socklen_t size);
socklen_t shoal_addr_to_sockaddr   (const ShoalAddr *self, struct sockaddr_storage *out);

/* BEP 23 and BEP 7: 6 or 18 bytes. */
gsize     shoal_addr_compact_size  (const ShoalAddr *self);
void      shoal_addr_to_compact    (const ShoalAddr *self, guint8 *out);
void      shoal_addr_from_compact  (ShoalAddr *out, ShoalFamily family, const guint8 *bytes);

/* "1.2.3.4:80" and "[::1]:80"; a numeric address without a port is accepted when @default_port is
 * not 0. Names are refused. */
gboolean  shoal_addr_parse         (ShoalAddr *out, const char *text, guint16 default_port);
char     *shoal_addr_to_text       (const ShoalAddr *self);      /* (transfer full): with port */
char     *shoal_addr_ip_to_text    (const ShoalAddr *self);      /* (transfer full): without port */

/* port not 0; not unspecified, multicast or broadcast */
gboolean  shoal_addr_is_usable     (const ShoalAddr *self);
/* loopback, link-local, private (RFC 1918, RFC 4193) */
gboolean  shoal_addr_is_local      (const ShoalAddr *self);
gboolean  shoal_addr_is_loopback   (const ShoalAddr *self);
gboolean  shoal_addr_same_ip       (const ShoalAddr *a, const ShoalAddr *b);
/* Whoever may choose among addresses counts as one site: an IPv4 address, the first 64 bits of an
 * IPv6 one, a whole local one. Port 0. */
ShoalAddr shoal_addr_site          (const ShoalAddr *self);
gboolean  shoal_addr_same_site     (const ShoalAddr *a, const ShoalAddr *b);
int       shoal_addr_compare       (const ShoalAddr *a, const ShoalAddr *b);   /* total order */
guint     shoal_addr_hash          (gconstpointer key);          /* for GHashTable; with port */
gboolean  shoal_addr_equal         (gconstpointer a, gconstpointer b);

/* BEP 40: the canonical priority of a connection between two endpoints, the same from both ends. */
guint32   shoal_addr_priority      (const ShoalAddr *a, const ShoalAddr *b);

G_END_DECLS
