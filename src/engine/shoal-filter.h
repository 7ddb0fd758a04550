/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses that are not wanted: ranges of both families, looked up in well under a microsecond. */

#pragma once

#include "shoal-filter-list.h"

G_BEGIN_DECLS

/** ShoalFilter: immutable, counted atomically, for any thread. */
typedef struct _ShoalFilter ShoalFilter;

/* (transfer full): sorts and joins the ranges of @list, which it may change. */
ShoalFilter *shoal_filter_new    (ShoalFilterList *list);
ShoalFilter *shoal_filter_ref    (ShoalFilter *self);
void         shoal_filter_unref  (ShoalFilter *self);
/* @self: (nullable): NULL blocks nobody. Ports do not count. */
gboolean     shoal_filter_blocks (const ShoalFilter *self, const ShoalAddr *addr);
guint        shoal_filter_size   (const ShoalFilter *self);   /* ranges, after joining */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalFilter, shoal_filter_unref)

G_END_DECLS
