/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connected peer of the torrent on show. */

#pragma once

#include <glib-object.h>
#include "shoal-terms.h"

G_BEGIN_DECLS

#define SHOAL_TYPE_PEER (shoal_peer_get_type ())
G_DECLARE_FINAL_TYPE (ShoalPeer, shoal_peer, SHOAL, PEER, GObject)

/**
 * ShoalPeer:
 *
 * UI thread. Every property is read-only and notifies when its value has changed, at most once a
 * snapshot:
 *
 * - `address` (string, with port; never changes), `client` (string; "": not known)
 * - `flags` (uint, bits of #ShoalPeerFlag), `flags-text` (string): the letters that clients show
 * - `sources` (uint, bits of #ShoalPeerSource)
 * - `progress` (double, 0 … 1)
 * - `rate-down`, `rate-up` (uint64): bytes a second; `downloaded`, `uploaded` (uint64): bytes
 */

const char *shoal_peer_get_address    (ShoalPeer *self);
const char *shoal_peer_get_client     (ShoalPeer *self);
guint       shoal_peer_get_flags      (ShoalPeer *self);
const char *shoal_peer_get_flags_text (ShoalPeer *self);
guint       shoal_peer_get_sources    (ShoalPeer *self);
double      shoal_peer_get_progress   (ShoalPeer *self);
guint64     shoal_peer_get_rate_down  (ShoalPeer *self);
guint64     shoal_peer_get_rate_up    (ShoalPeer *self);
guint64     shoal_peer_get_downloaded (ShoalPeer *self);
guint64     shoal_peer_get_uploaded   (ShoalPeer *self);

G_END_DECLS
