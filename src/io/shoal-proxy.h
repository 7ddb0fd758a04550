/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proxy that a user wants: connections through it, datagrams by its relay, names that it is to
 * look up. */

#pragma once

#include "shoal-dns-client.h"
#include "shoal-socks.h"
#include "shoal-udp-socket.h"

G_BEGIN_DECLS

#define SHOAL_PROXY_NAMES_MAX 4096   /* that are left to the proxy */

/**
 * ShoalProxy:
 *
 * Off until it is configured. Engine thread.
 *
 * Names that the proxy is to look up have stand-ins for addresses, in 240.0.0.0/8, which no host
 * has. Whoever sends or dials there sends or dials to the name. Which ones is left to chance, so
 * that nobody who tells us of peers hits them.
 */
typedef struct _ShoalProxy ShoalProxy;

/**
 * ShoalProxyFuncs:
 * @arrived: a datagram came by the relay; in a turn
 * @writable: the relay is there, or is not any more; after FULL sending may be tried again; in a
 * turn
 * @room: the system takes datagrams again, after FULL; in a turn
 * @changed: the proxy's address is known; outside of a turn
 */
typedef struct
{
  ShoalUdpFunc arrived;
  void       (*writable) (gpointer user_data);
  void       (*room) (gpointer user_data);
  void       (*changed) (gpointer user_data);
} ShoalProxyFuncs;

/* @binding, @dns: borrowed for good. */
ShoalProxy          *shoal_proxy_new       (ShoalReactor *reactor, const ShoalBinding *binding,
                                            ShoalDnsClient *dns, const ShoalProxyFuncs *funcs,
                                            gpointer user_data);
void                 shoal_proxy_free      (ShoalProxy *self);

/* Replaces all, and closes what was open. @url: "": none. FALSE with @error: it is on, but nothing
 * can go through it. */
gboolean             shoal_proxy_configure (ShoalProxy *self, const char *url, GError **error);
/* Whoever is to use the proxy must not go another way. */
gboolean             shoal_proxy_is_on     (const ShoalProxy *self);
/* (nullable): where it is; %NULL: not known (yet) */
const ShoalAddr     *shoal_proxy_addr      (const ShoalProxy *self);
/* (transfer full) (nullable): its URL with a numeric address, password and all: never to be
 * logged */
char                *shoal_proxy_url       (const ShoalProxy *self);

/* (transfer full): for a connection to @to, or to the name that it stands for. */
ShoalProxyHandshake *shoal_proxy_connect   (const ShoalProxy *self, const ShoalAddr *to);
/* As much of @handshake as @fd, connected to the proxy, lets happen. @events: what to wait for if
 * it goes on. @error:
 * (transfer full): of FAILED */
ShoalProxyProgress   shoal_proxy_negotiate (ShoalProxyHandshake *handshake, int fd, guint32 *events,
                                            char **error);

/* The address that stands for @host. FALSE: there are too many. */
gboolean             shoal_proxy_stand_in  (ShoalProxy *self, const char *host, guint16 port,
                                            ShoalAddr *out);

/* The proxy is asked for a relay as soon as its address is known, and again when it ended. */
void                 shoal_proxy_want_relay (ShoalProxy *self, gboolean wanted);
/* Datagrams go: SOCKS5, and the proxy does it. */
gboolean             shoal_proxy_relays    (const ShoalProxy *self);
/* of our end; 0: there is none */
guint16              shoal_proxy_relay_port (const ShoalProxy *self);
/* As shoal_udp_socket_send(). FULL also while the relay is asked for. */
ShoalSendResult      shoal_proxy_send      (ShoalProxy *self, const ShoalAddr *to,
                                            const guint8 *data, gsize size, guint segment,
                                            ShoalSendFlags flags);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalProxy, shoal_proxy_free)

G_END_DECLS
