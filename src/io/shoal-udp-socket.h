/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Datagrams of one address family, to and from anybody. */

#pragma once

#include "shoal-host.h"
#include "shoal-socket.h"

G_BEGIN_DECLS

#define SHOAL_DATAGRAM_MAX 4096   /* bytes; what is larger is dropped */

typedef struct _ShoalUdpSocket ShoalUdpSocket;

/* @data is valid during the call. @arrived_us: monotonic microseconds */
typedef void (*ShoalUdpFunc) (const ShoalAddr *from, const guint8 *data, gsize size,
                              gint64 arrived_us, gpointer user_data);

/* @binding: (nullable). Returns: (nullable): %NULL with a G_IO_ERROR */
ShoalUdpSocket *shoal_udp_socket_new  (ShoalReactor *reactor, const ShoalBinding *binding,
                                       ShoalFamily family, guint16 port, ShoalUdpFunc arrived,
                                       gpointer user_data, GError **error);
/* @writable: called with the same @user_data when datagrams can be sent again after
 * %SHOAL_SEND_FULL */
void            shoal_udp_socket_on_writable (ShoalUdpSocket *self,
                                              void (*writable) (gpointer user_data));
void            shoal_udp_socket_free (ShoalUdpSocket *self);
guint16         shoal_udp_socket_port (const ShoalUdpSocket *self);
ShoalSendResult shoal_udp_socket_send (ShoalUdpSocket *self, const ShoalAddr *to,
                                       const guint8 *data, gsize size, guint segment,
                                       ShoalSendFlags flags);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalUdpSocket, shoal_udp_socket_free)

G_END_DECLS
