/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compares pieces with their hashes, many at once where the processor can. */

#pragma once

#include "shoal-metainfo.h"

G_BEGIN_DECLS

#define SHOAL_HASHER_PIECES_MAX 16u

/**
 * ShoalHashSource:
 *
 * Bytes of a piece: @size of them, at @offset; put into @scratch, or lying somewhere else.
 * Returns: (nullable): %NULL: they cannot be had; the piece is not compared
 */
typedef const guint8 *(*ShoalHashSource) (gpointer source, guint32 offset, guint32 size,
                                          guint8 *scratch);

/**
 * ShoalHashTask:
 *
 * @right, @wrong and @unknown are the result; none of them: the source failed.
 */
typedef struct
{
  const ShoalMetainfo *metainfo;
  guint32              piece;
  gpointer             source;
  gboolean             right;
  gboolean             wrong;
  gboolean             unknown;         /* the metainfo has no hash of this piece */
  gboolean             halves_differ;   /* v1 and v2 do not agree; @wrong too */
} ShoalHashTask;

/* One thread's digests and buffers, used again and again. */
typedef struct _ShoalHasher ShoalHasher;

ShoalHasher *shoal_hasher_new      (void);
void         shoal_hasher_free     (ShoalHasher *self);
/* How many pieces of one size are best compared together. */
guint        shoal_hasher_best     (void);
/* The hash of each block of the file in a piece. (transfer full) (nullable): the source failed */
ShoalSha256 *shoal_hasher_leaves   (ShoalHasher *self, const ShoalMetainfo *metainfo, guint32 piece,
                                    gpointer source_data, ShoalHashSource source);
/* Compares up to %SHOAL_HASHER_PIECES_MAX pieces. */
void         shoal_hasher_compare  (ShoalHasher *self, ShoalHashTask *tasks, guint n_tasks,
                                    ShoalHashSource source);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalHasher, shoal_hasher_free)

G_END_DECLS
