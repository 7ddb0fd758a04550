/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What peers may ask of the hash trees of a torrent's files (BEP 52). */

#pragma once

#include "shoal-hash-message.h"
#include "shoal-metainfo.h"

G_BEGIN_DECLS

/**
 * ShoalHashes:
 *
 * The piece layers of one torrent, found by their root, with the layers above them. Holds the
 * metainfo. Of a large file the upper layers are kept once somebody wanted them: two hashes for
 * every 512 pieces.
 */
typedef struct _ShoalHashes ShoalHashes;

ShoalHashes *shoal_hashes_new    (ShoalMetainfo *metainfo);
void         shoal_hashes_free   (ShoalHashes *self);
gboolean     shoal_hashes_are_of (const ShoalHashes *self, const ShoalMetainfo *metainfo);

/**
 * shoal_hashes_answer:
 * @out: room for %SHOAL_HASHES_MAX hashes, or for shoal_hash_request_n_hashes() of a sane request
 *
 * The hashes of the piece layer that were asked for, then the uncles up to @request's last proof
 * layer, the lowest first. Only the piece layer of files larger than a piece is known.
 *
 * Returns: how many hashes were written; 0: reject
 */
guint        shoal_hashes_answer (ShoalHashes *self, const ShoalHashRequest *request,
                                  ShoalSha256 *out);

/* Node @index of the layer @height above the pieces, below the root; FALSE: there is none. */
gboolean     shoal_hashes_node   (ShoalHashes *self, const ShoalSha256 *root, guint height,
                                  guint64 index, ShoalSha256 *out);

/* A file with this root; G_MAXUINT32: there is none. */
guint32      shoal_hashes_find   (const ShoalHashes *self, const ShoalSha256 *root);

/* The layer of blocks that hash to a piece: 0 for pieces of 16 KiB. */
guint        shoal_hashes_piece_level (const ShoalMetainfo *metainfo);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalHashes, shoal_hashes_free)

G_END_DECLS
