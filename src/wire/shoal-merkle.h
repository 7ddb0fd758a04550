/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Merkle trees of BEP 52: roots from leaves, with log n hashes of memory. */

#pragma once

#include <glib.h>
#include "shoal-digest.h"

G_BEGIN_DECLS

/**
 * ShoalMerkle:
 *
 * Takes leaves in order and gives the root of the tree, padded with zero leaves to @n_leaves (a
 * power of two).
 */
typedef struct
{
  ShoalSha256 stack[32];
  guint64     n_leaves;      /* so far */
} ShoalMerkle;

void    shoal_merkle_init      (ShoalMerkle *self);
void    shoal_merkle_add       (ShoalMerkle *self, const ShoalSha256 *leaf);
/* Root of the tree with @n_leaves leaves (a power of two, at least those added); missing leaves are
 * @pad levels deep zero subtrees: 0 for blocks. Starts anew. */
void    shoal_merkle_root      (ShoalMerkle *self, guint64 n_leaves, guint pad_level,
                                ShoalSha256 *out);
/* Root of a subtree of zero leaves with 2^level leaves. */
void    shoal_merkle_zero      (guint level, ShoalSha256 *out);
/* Root of a run of data: leaves of 16 KiB, padded to @n_leaves. */
void    shoal_merkle_data_root (const guint8 *data, gsize size, guint64 n_leaves, ShoalSha256 *out);
/* Whether @layer (n hashes, each over 2^level leaves) gives @root. */
gboolean shoal_merkle_check_layer (const guint8 *layer, gsize n, guint level,
                                   const ShoalSha256 *root);
guint64 shoal_merkle_round_up  (guint64 n);   /* to a power of two */

G_END_DECLS
