/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peers as those who have snapshots see them. */

#pragma once

#include "shoal-peer.h"
#include "shoal-peer-list.h"
#include "shoal-snapshot.h"

G_BEGIN_DECLS

/* (transfer full) */
ShoalPeer *shoal_peer_new        (const ShoalPeerStats *stats);
/* Notifies what differs. Of the same address. */
void       shoal_peer_apply      (ShoalPeer *self, const ShoalPeerStats *stats);

/* Everybody in @peers and nobody else; those that stay keep their object and their order. */
void       shoal_peer_list_apply (ShoalPeerList *self, const ShoalPeerStats *peers, guint n);

G_END_DECLS
