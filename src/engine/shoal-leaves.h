/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The blocks of one piece in the hash tree of its file: what to ask for, what is right (BEP 52). */

#pragma once

#include "shoal-hash-message.h"
#include "shoal-hashes.h"
#include "shoal-metainfo.h"

G_BEGIN_DECLS

/**
 * ShoalLeafPlace:
 * @file_root: of the whole tree
 * @root: of the subtree over the piece
 * @index: number of the piece's first leaf in the file
 * @n: leaves: blocks that the file has in the piece
 * @width: leaves of the subtree with its padding, a power of two
 * @size: bytes of the file in the piece
 */
typedef struct
{
  ShoalSha256 file_root;
  ShoalSha256 root;
  guint32     index;
  guint32     n;
  guint32     width;
  guint32     size;
} ShoalLeafPlace;

/* FALSE: the hash of the piece is not known, or it lies where no request reaches. */
gboolean         shoal_leaves_place    (const ShoalMetainfo *metainfo, guint32 piece,
                                        ShoalLeafPlace *out);

/* The leaves of a large piece are asked for in ranges of up to %SHOAL_HASHES_ASK_MAX. */
guint32          shoal_leaves_n_ranges (const ShoalLeafPlace *place);
/* Those of one range, with the uncles that lead to the root of the piece. */
ShoalHashRequest shoal_leaves_request  (const ShoalLeafPlace *place, guint32 range);
/* Whether @hashes, which answer such a request, are those of the piece. */
gboolean         shoal_leaves_verify   (const ShoalLeafPlace *place,
                                        const ShoalHashRequest *request, const guint8 *hashes);

/**
 * shoal_leaves_grow:
 * @nodes: (inout): 2 * @place->width hashes; the first half is filled in. The root is the second,
 *   the children of k are 2k and 2k + 1. The other half is the leaves, those behind @place->n zero.
 *
 * Returns: whether that gives the root of the piece
 */
gboolean         shoal_leaves_grow     (const ShoalLeafPlace *place, ShoalSha256 *nodes);

/**
 * shoal_leaves_answer:
 * @nodes: a tree that was grown
 * @hashes: (nullable): knows the nodes above the piece; %NULL: they are not given
 * @request: sane; of the file of @place, layer 0
 * @out: room for shoal_hash_request_n_hashes()
 *
 * Returns: FALSE: reject: not in this piece, or there are no such uncles
 */
gboolean         shoal_leaves_answer   (const ShoalLeafPlace *place, const ShoalSha256 *nodes,
                                        ShoalHashes *hashes,
                                        const ShoalHashRequest *request, ShoalSha256 *out);

G_END_DECLS
