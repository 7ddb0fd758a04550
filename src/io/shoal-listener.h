/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TCP socket of one address family that peers connect to. */

#pragma once

#include "shoal-socket.h"

G_BEGIN_DECLS

typedef struct _ShoalListener ShoalListener;

/* @socket: (transfer full) */
typedef void (*ShoalListenerFunc) (GSocket *socket, const ShoalAddr *from, gpointer user_data);

/* Listens on every address of @family that @binding (nullable) allows. @port 0: any. Returns:
 * (nullable): %NULL with a G_IO_ERROR, %G_IO_ERROR_ADDRESS_IN_USE if the port is taken. */
ShoalListener *shoal_listener_new  (ShoalReactor *reactor, const ShoalBinding *binding,
                                    ShoalFamily family, guint16 port, ShoalListenerFunc accepted,
                                    gpointer user_data, GError **error);
void           shoal_listener_free (ShoalListener *self);
guint16        shoal_listener_port (const ShoalListener *self);

/* Out of descriptors it stops for a second; this goes on when that is over. Returns: when to
 * call it again, or G_MAXINT64. */
gint64         shoal_listener_resume (ShoalListener *self, gint64 now_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalListener, shoal_listener_free)

G_END_DECLS
