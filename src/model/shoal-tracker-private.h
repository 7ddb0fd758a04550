/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trackers as those who have snapshots see them. */

#pragma once

#include "shoal-snapshot.h"
#include "shoal-tracker.h"

G_BEGIN_DECLS

/* @list: of ShoalTracker. As long as the URLs are the same, the objects stay. */
void shoal_tracker_apply_all (GListStore *list, const ShoalTrackerStats *trackers, guint n);

G_END_DECLS
