/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A seeded random generator (xoshiro256**): the engine's only source of chance. Not for secrets. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct { guint64 state[4]; } ShoalRng;

/* spread with splitmix64 */
void     shoal_rng_init    (ShoalRng *self, guint64 seed);
guint64  shoal_rng_next    (ShoalRng *self);
/* 0 .. limit - 1, without bias; @limit > 0 */
guint32  shoal_rng_below   (ShoalRng *self, guint32 limit);
double   shoal_rng_unit    (ShoalRng *self);                                /* [0, 1) */
void     shoal_rng_bytes   (ShoalRng *self, guint8 *out, gsize size);
/* Fisher-Yates */
void     shoal_rng_shuffle (ShoalRng *self, gpointer items, gsize n, gsize item_size);

G_END_DECLS
