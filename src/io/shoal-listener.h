/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TCP socket of one address family that peers connect to. */

#pragma once

#include <gio/gio.h>
#include "shoal-addr.h"
#include "shoal-reactor.h"

G_BEGIN_DECLS

typedef struct _ShoalListener ShoalListener;

/* @socket: (transfer full) */
typedef void (*ShoalListenerFunc) (GSocket *socket, const ShoalAddr *from, gpointer user_data);

/* Listens on every address of @family. @port 0: any. Returns: (nullable): %NULL with a
 * G_IO_ERROR, %G_IO_ERROR_ADDRESS_IN_USE if the port is taken. */
ShoalListener *shoal_listener_new  (ShoalReactor *reactor, ShoalFamily family, guint16 port,
                                    ShoalListenerFunc accepted, gpointer user_data, GError **error);
void           shoal_listener_free (ShoalListener *self);
guint16        shoal_listener_port (const ShoalListener *self);

/* Out of descriptors it stops for a second; this goes on when that is over. Returns: when to
 * call it again, or G_MAXINT64. */
gint64         shoal_listener_resume (ShoalListener *self, gint64 now_us);

/* A bound, unconnected socket that does not block, or %NULL with @error; IPv6 ones never take
 * IPv4. */
GSocket       *shoal_socket_new_bound (ShoalFamily family, GSocketType type, guint16 port,
                                       GError **error);
guint16        shoal_socket_port      (GSocket *socket);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalListener, shoal_listener_free)

G_END_DECLS
