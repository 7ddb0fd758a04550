/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A set of pieces: bits that know how many of them are set. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ShoalBitfield:
 * @n_bits: how many pieces there are
 * @n_set: how many bits are set
 * @words: (owned): bit i is bit i % 64, counted from the least, of word i / 64; spare bits are 0
 */
typedef struct
{
  guint32  n_bits;
  guint32  n_set;
  guint64 *words;
} ShoalBitfield;

#define SHOAL_BITFIELD_NONE G_MAXUINT32   /* no such bit */

ShoalBitfield *shoal_bitfield_new       (guint32 n_bits);
ShoalBitfield *shoal_bitfield_copy      (const ShoalBitfield *self);
void           shoal_bitfield_free      (ShoalBitfield *self);

/* From BEP 3 order (first piece in the highest bit); NULL if the size is wrong or a spare bit is
 * set. */
ShoalBitfield *shoal_bitfield_from_wire (const guint8 *bytes, gsize size, guint32 n_bits);
gsize          shoal_bitfield_wire_size (guint32 n_bits);
void           shoal_bitfield_to_wire   (const ShoalBitfield *self, guint8 *out);

static inline gboolean
shoal_bitfield_get (const ShoalBitfield *self,
                    guint32              bit)
{
  return bit < self->n_bits && (self->words[bit / 64] >> (bit % 64) & 1) != 0;
}

gboolean shoal_bitfield_set       (ShoalBitfield *self, guint32 bit);   /* TRUE if it was clear */
gboolean shoal_bitfield_clear     (ShoalBitfield *self, guint32 bit);   /* TRUE if it was set */
void     shoal_bitfield_set_all   (ShoalBitfield *self);
void     shoal_bitfield_clear_all (ShoalBitfield *self);
/* the same n_bits */
void     shoal_bitfield_assign    (ShoalBitfield *self, const ShoalBitfield *from);

static inline gboolean
shoal_bitfield_is_full (const ShoalBitfield *self)
{
  return self->n_set == self->n_bits;
}

static inline gboolean
shoal_bitfield_is_empty (const ShoalBitfield *self)
{
  return self->n_set == 0;
}

/* The first bit at or after @from that is set (or clear); SHOAL_BITFIELD_NONE if there is none. */
guint32  shoal_bitfield_next_set   (const ShoalBitfield *self, guint32 from);
guint32  shoal_bitfield_next_clear (const ShoalBitfield *self, guint32 from);

/* Whether @self has a bit that @other lacks; both of the same n_bits. */
gboolean shoal_bitfield_offers     (const ShoalBitfield *self, const ShoalBitfield *other);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalBitfield, shoal_bitfield_free)

G_END_DECLS
