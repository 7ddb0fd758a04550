/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proxies: URLs that name one, the handshakes of SOCKS5 (RFC 1928, 1929) and HTTP CONNECT,
 * datagrams of SOCKS5. */

#pragma once

#include <glib.h>
#include "shoal-addr.h"

G_BEGIN_DECLS

#define SHOAL_PROXY_TEXT_MAX   255u    /* bytes of a host, a user or a password */
#define SHOAL_SOCKS_HEAD_MAX   262u    /* bytes before the payload of a datagram */
#define SHOAL_HTTP_HEAD_MAX    8192u   /* bytes of an answer to CONNECT; a longer one is a
                                        * failure */

typedef enum { SHOAL_PROXY_SOCKS5, SHOAL_PROXY_HTTP } ShoalProxyKind;

/* A plain value. */
typedef struct
{
  ShoalProxyKind kind;
  guint16        port;
  char           host[SHOAL_PROXY_TEXT_MAX + 1];       /* a name, or a numeric address without
                                                        * brackets */
  char           user[SHOAL_PROXY_TEXT_MAX + 1];       /* "": none */
  char           password[SHOAL_PROXY_TEXT_MAX + 1];   /* never to be logged */
} ShoalProxyServer;

/* "socks5://user:password@host:port", "socks5h://…" (the same) or "http://…". FALSE with
 * SHOAL_WIRE_ERROR; the message holds nothing of the URL. */
gboolean shoal_proxy_server_parse (ShoalProxyServer *out, const char *url, GError **error);
/* (transfer full): the URL again, with @host instead of its own */
char    *shoal_proxy_server_url   (const ShoalProxyServer *self, const char *host);

/**
 * ShoalProxyHandshake:
 *
 * What is said on a connection to a proxy before it is one to somewhere else. Asked and answers,
 * knows no socket: send what shoal_proxy_handshake_output() gives; read at most
 * shoal_proxy_handshake_wanted() bytes, so that what follows the handshake is left to others, and
 * hand them to shoal_proxy_handshake_received().
 */
typedef struct _ShoalProxyHandshake ShoalProxyHandshake;

typedef enum { SHOAL_PROXY_GOES_ON, SHOAL_PROXY_DONE, SHOAL_PROXY_FAILED } ShoalProxyProgress;

/* A connection to @host (nullable: @to), port of @to. */
ShoalProxyHandshake *shoal_proxy_handshake_connect   (const ShoalProxyServer *server,
                                                      const char *host, const ShoalAddr *to);
/* A relay for datagrams; SOCKS5 only. */
ShoalProxyHandshake *shoal_proxy_handshake_associate (const ShoalProxyServer *server);
void                 shoal_proxy_handshake_free      (ShoalProxyHandshake *self);

/* Bytes to send now; borrowed. */
const guint8        *shoal_proxy_handshake_output    (const ShoalProxyHandshake *self, gsize *size);
void                 shoal_proxy_handshake_sent      (ShoalProxyHandshake *self, gsize size);
/* At least 1 while it goes on. */
gsize                shoal_proxy_handshake_wanted    (const ShoalProxyHandshake *self);
ShoalProxyProgress   shoal_proxy_handshake_received  (ShoalProxyHandshake *self,
                                                      const guint8 *bytes, gsize size);
/* Of FAILED: in words. */
const char          *shoal_proxy_handshake_error     (const ShoalProxyHandshake *self);
/* Of DONE, SOCKS5: the address that the proxy told; family NONE: a name. */
const ShoalAddr     *shoal_proxy_handshake_bound     (const ShoalProxyHandshake *self);

/* What stands before the payload of a datagram to @host (nullable: @to), port of @to. @out has
 * SHOAL_SOCKS_HEAD_MAX bytes. Returns: bytes */
gsize    shoal_socks_write_head (guint8 *out, const char *host, const ShoalAddr *to);
/* FALSE: not a whole datagram. @from: family NONE: the proxy told a name. @payload: where it
 * begins */
gboolean shoal_socks_read_head  (const guint8 *bytes, gsize size, ShoalAddr *from, gsize *payload);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalProxyHandshake, shoal_proxy_handshake_free)

G_END_DECLS
