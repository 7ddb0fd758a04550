/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sockets that the engine wants to be found at, and the way that everything takes into the
 * world. */

#pragma once

#include "shoal-http-way.h"
#include "shoal-listener.h"
#include "shoal-proxy.h"
#include "shoal-udp-socket.h"

G_BEGIN_DECLS

/**
 * ShoalGioNetwork:
 *
 * Puts a #ShoalNetwork into effect and keeps it so: when the interface or address that is wanted
 * goes, every socket is closed, and when it comes back they are opened again. Engine thread; lives
 * on its thread-default context.
 */
typedef struct _ShoalGioNetwork ShoalGioNetwork;

/**
 * ShoalGioNetworkFuncs:
 * @peer_came: as for shoal_listener_new(); in a turn
 * @datagram_came: as for shoal_udp_socket_new(); in a turn
 * @writable: after SHOAL_SEND_FULL: there is room again; in a turn
 * @due: shoal_gio_network_apply() has something to do; outside of a turn
 */
typedef struct
{
  ShoalListenerFunc peer_came;
  ShoalUdpFunc      datagram_came;
  void            (*writable) (gpointer user_data);
  void            (*due) (gpointer user_data);
} ShoalGioNetworkFuncs;

ShoalGioNetwork    *shoal_gio_network_new     (ShoalReactor *reactor,
                                               const ShoalGioNetworkFuncs *funcs,
                                               gpointer user_data);
void                shoal_gio_network_free    (ShoalGioNetwork *self);

/* What is wanted from now on, copied; nothing happens before shoal_gio_network_apply(). */
void                shoal_gio_network_want    (ShoalGioNetwork *self, const ShoalNetwork *wanted);
gboolean            shoal_gio_network_is_due  (const ShoalGioNetwork *self);
/* Opens and closes sockets. @state is what the engine is to be told, its error valid until the next
 * call. If it says `moved`, whatever else was opened under the old binding is to be closed by the
 * caller. */
void                shoal_gio_network_apply   (ShoalGioNetwork *self, ShoalNetworkState *state);
void                shoal_gio_network_close   (ShoalGioNetwork *self);   /* for good */

/* Never moves, may change in shoal_gio_network_apply() only. */
const ShoalBinding *shoal_gio_network_binding (const ShoalGioNetwork *self);
/* until shoal_gio_network_free() */
ShoalDnsClient     *shoal_gio_network_dns     (ShoalGioNetwork *self);
ShoalHttpWay       *shoal_gio_network_http    (ShoalGioNetwork *self);   /* likewise */
/* Nothing goes past a proxy: whoever would reach out otherwise (the local network, the gateway)
 * keeps still. */
gboolean            shoal_gio_network_is_hidden (const ShoalGioNetwork *self);
ShoalProxy         *shoal_gio_network_proxy   (ShoalGioNetwork *self);   /* likewise */
/* TRUE: the name is for the proxy to look up, and @query is answered. */
gboolean            shoal_gio_network_stand_in (ShoalGioNetwork *self, ShoalLookup *query);
/* (nullable): why nobody is dialled; %NULL: they are */
const char         *shoal_gio_network_refusal (const ShoalGioNetwork *self);
/* The effect. */
ShoalSendResult     shoal_gio_network_send    (ShoalGioNetwork *self, const ShoalAddr *to,
                                               const guint8 *data, gsize size, guint segment,
                                               ShoalSendFlags flags);
/* As shoal_listener_resume(), of all. */
gint64              shoal_gio_network_resume  (ShoalGioNetwork *self, gint64 now_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalGioNetwork, shoal_gio_network_free)

G_END_DECLS
