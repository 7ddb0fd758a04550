/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The multicast socket of local discovery (BEP 14), on every interface that is up. */

#pragma once

#include "shoal-addr.h"
#include "shoal-reactor.h"

G_BEGIN_DECLS

typedef struct _ShoalLsdSocket ShoalLsdSocket;

/* A message of the group came; @data is valid during the call. */
typedef void (*ShoalLsdFunc) (const ShoalAddr *from, const guint8 *data, gsize size,
                              gpointer user_data);

/* @device: (nullable): name of the one interface that may be used. Returns: (nullable): %NULL with
 * a G_IO_ERROR */
ShoalLsdSocket *shoal_lsd_socket_new  (ShoalReactor *reactor, ShoalFamily family,
                                       const char *device, ShoalLsdFunc arrived, gpointer user_data,
                                       GError **error);
void            shoal_lsd_socket_free (ShoalLsdSocket *self);
/* To the group, on each interface; interfaces that came and went are noticed here. Returns: on how
 * many it went out */
guint           shoal_lsd_socket_send (ShoalLsdSocket *self, const guint8 *data, gsize size,
                                       gint64 now_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalLsdSocket, shoal_lsd_socket_free)

G_END_DECLS
