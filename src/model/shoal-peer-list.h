/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The connected peers of the torrent on show. */

#pragma once

#include <gio/gio.h>
#include "shoal-peer.h"

G_BEGIN_DECLS

#define SHOAL_TYPE_PEER_LIST (shoal_peer_list_get_type ())
G_DECLARE_FINAL_TYPE (ShoalPeerList, shoal_peer_list, SHOAL, PEER_LIST, GObject)

/**
 * ShoalPeerList:
 *
 * A #GListModel of #ShoalPeer, in the order in which they were first seen. UI thread. Who stays
 * connected keeps the object.
 */

ShoalPeerList *shoal_peer_list_new    (void);
/* (transfer none) (nullable): @address with port */
ShoalPeer     *shoal_peer_list_lookup (ShoalPeerList *self, const char *address);

G_END_DECLS
