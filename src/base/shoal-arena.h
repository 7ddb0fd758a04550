/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bounded pool of runs: the memory in which pieces grow until they are on disk. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SHOAL_RUN_SIZE (1024 * 1024)   /* the largest run, bytes */

/**
 * ShoalArena:
 *
 * Runs are ordinary pages, at most %SHOAL_RUN_SIZE bytes each, kept warm after they are given
 * back (the run last given is taken first). Small runs share a slab of %SHOAL_RUN_SIZE bytes:
 * a size is rounded up to a power of two of at least 4 KiB. Slabs are allocated when first
 * needed; shoal_arena_trim() returns the unused ones to the system. Engine thread only.
 */
typedef struct _ShoalArena ShoalArena;

ShoalArena *shoal_arena_new      (gsize capacity);   /* bytes, rounded up to whole slabs */
void        shoal_arena_free     (ShoalArena *self); /* every run must have been given back */
guint8     *shoal_arena_take     (ShoalArena *self, gsize size);   /* (nullable): NULL when full */
void        shoal_arena_give     (ShoalArena *self, guint8 *run, gsize size);
gsize       shoal_arena_capacity (const ShoalArena *self);
/* bytes in runs that are out, rounded as taken */
gsize       shoal_arena_used     (const ShoalArena *self);
void        shoal_arena_trim     (ShoalArena *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalArena, shoal_arena_free)

G_END_DECLS
