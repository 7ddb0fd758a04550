/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One tracker of the torrent on show. */

#pragma once

#include <gio/gio.h>
#include "shoal-terms.h"

G_BEGIN_DECLS

#define SHOAL_TYPE_TRACKER (shoal_tracker_get_type ())
G_DECLARE_FINAL_TYPE (ShoalTracker, shoal_tracker, SHOAL, TRACKER, GObject)

/**
 * ShoalTracker:
 *
 * UI thread. Every property is read-only and notifies when its value has changed, at most once a
 * snapshot:
 *
 * - `url` (string; never changes), `tier` (uint)
 * - `state` (uint, a #ShoalTrackerState), `error` (string, nullable, technical): of the last
 *   announce, if it failed
 * - `next` (int64): seconds until the next announce; -1: none is planned
 * - `seeds`, `leechers` (int64): as it said last; -1: not known
 */

const char       *shoal_tracker_get_url      (ShoalTracker *self);
guint             shoal_tracker_get_tier     (ShoalTracker *self);
ShoalTrackerState shoal_tracker_get_state    (ShoalTracker *self);
const char       *shoal_tracker_get_error    (ShoalTracker *self);   /* (nullable) */
gint64            shoal_tracker_get_next     (ShoalTracker *self);
gint64            shoal_tracker_get_seeds    (ShoalTracker *self);
gint64            shoal_tracker_get_leechers (ShoalTracker *self);

G_END_DECLS
