/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks of pieces that failed their hash, kept until the piece is right: tells who lied. */

#pragma once

#include "shoal-digest.h"

G_BEGIN_DECLS

#define SHOAL_SUSPECTS_PIECES 64u   /* that are remembered; those that fail beyond are not */
#define SHOAL_SUSPECTS_ROUNDS 4u    /* failures of one piece, the oldest are forgotten */

typedef struct _ShoalSuspects ShoalSuspects;

ShoalSuspects *shoal_suspects_new     (void);
void           shoal_suspects_free    (ShoalSuspects *self);

/* @piece failed: who sent each of its blocks, and what; both are copied. */
void           shoal_suspects_failed  (ShoalSuspects *self, guint32 piece,
                                       const guint *contributors, const ShoalSha1 *digests,
                                       guint32 n_blocks);

/**
 * shoal_suspects_right:
 * @digests: of the blocks as they should be
 * @liars: (out caller-allocates): an array of guint that whoever sent another block in any of the
 * failures is added to, once each
 *
 * @piece is right now and is forgotten.
 */
void           shoal_suspects_right   (ShoalSuspects *self, guint32 piece, const ShoalSha1 *digests,
                                       guint32 n_blocks, GArray *liars);
void           shoal_suspects_forget  (ShoalSuspects *self, guint32 piece);
/* Whether it failed and is remembered. */
gboolean       shoal_suspects_has     (const ShoalSuspects *self, guint32 piece);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalSuspects, shoal_suspects_free)

G_END_DECLS
