/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A set of pieces: bits that know how many of them are set. */

/*
 * Invariants: @n_set is the number of set bits; the bits from @n_bits up to the end of the last
 * word are 0. The struct and its words are one allocation.
 */

#include "shoal-bitfield.h"

#include <string.h>

#define WORD_BITS 64

static gsize
count_words (guint32 n_bits)
{
  return ((gsize) n_bits + WORD_BITS - 1) / WORD_BITS;
}

/* Which bits of the last word are in use. */
static guint64
last_word_mask (guint32 n_bits)
{
  guint used = n_bits % WORD_BITS;

  return used == 0 ? G_MAXUINT64 : (G_GUINT64_CONSTANT (1) << used) - 1;
}

static guint8
reverse_bits (guint8 byte)
{
  byte = (guint8) ((byte & 0xf0) >> 4 | (byte & 0x0f) << 4);
  byte = (guint8) ((byte & 0xcc) >> 2 | (byte & 0x33) << 2);

  return (guint8) ((byte & 0xaa) >> 1 | (byte & 0x55) << 1);
}

/* The first set bit at or after @from in the words, each flipped by @flip. */
static guint32
find_bit (const ShoalBitfield *self,
          guint32              from,
          guint64              flip)
{
  gsize n_words = count_words (self->n_bits);
  guint64 bits;
  gsize at;
  gsize found;

  if (from >= self->n_bits)
    return SHOAL_BITFIELD_NONE;

  at = from / WORD_BITS;
  bits = (self->words[at] ^ flip) & (G_MAXUINT64 << (from % WORD_BITS));
  while (bits == 0)
    {
      if (++at == n_words)
        return SHOAL_BITFIELD_NONE;
      bits = self->words[at] ^ flip;
    }

  found = at * WORD_BITS + (guint) __builtin_ctzll (bits);

  return found < self->n_bits ? (guint32) found : SHOAL_BITFIELD_NONE;
}

ShoalBitfield *
shoal_bitfield_new (guint32 n_bits)
{
  ShoalBitfield *self = g_malloc0 (sizeof *self + count_words (n_bits) * sizeof (guint64));

  self->n_bits = n_bits;
  self->words = (guint64 *) (gpointer) (self + 1);

  return self;
}

ShoalBitfield *
shoal_bitfield_copy (const ShoalBitfield *self)
{
  ShoalBitfield *copy;

  g_return_val_if_fail (self != NULL, NULL);

  copy = shoal_bitfield_new (self->n_bits);
  shoal_bitfield_assign (copy, self);

  return copy;
}

void
shoal_bitfield_free (ShoalBitfield *self)
{
  g_free (self);
}

ShoalBitfield *
shoal_bitfield_from_wire (const guint8 *bytes,
                          gsize         size,
                          guint32       n_bits)
{
  g_autoptr(ShoalBitfield) self = NULL;
  gsize n_words = count_words (n_bits);

  g_return_val_if_fail (bytes != NULL || size == 0, NULL);

  if (size != shoal_bitfield_wire_size (n_bits))
    return NULL;

  self = shoal_bitfield_new (n_bits);
  for (gsize i = 0; i < size; i++)
    self->words[i / 8] |= (guint64) reverse_bits (bytes[i]) << (i % 8 * 8);

  if (n_words > 0 && (self->words[n_words - 1] & ~last_word_mask (n_bits)) != 0)
    return NULL;

  for (gsize i = 0; i < n_words; i++)
    self->n_set += (guint32) __builtin_popcountll (self->words[i]);

  return g_steal_pointer (&self);
}

gsize
shoal_bitfield_wire_size (guint32 n_bits)
{
  return ((gsize) n_bits + 7) / 8;
}

void
shoal_bitfield_to_wire (const ShoalBitfield *self,
                        guint8              *out)
{
  gsize size;

  g_return_if_fail (self != NULL);
  g_return_if_fail (out != NULL || self->n_bits == 0);

  size = shoal_bitfield_wire_size (self->n_bits);
  for (gsize i = 0; i < size; i++)
    out[i] = reverse_bits ((guint8) (self->words[i / 8] >> (i % 8 * 8)));
}

gboolean
shoal_bitfield_set (ShoalBitfield *self,
                    guint32        bit)
{
  guint64 mask = G_GUINT64_CONSTANT (1) << (bit % WORD_BITS);

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (bit < self->n_bits, FALSE);

  if ((self->words[bit / WORD_BITS] & mask) != 0)
    return FALSE;

  self->words[bit / WORD_BITS] |= mask;
  self->n_set++;

  return TRUE;
}

gboolean
shoal_bitfield_clear (ShoalBitfield *self,
                      guint32        bit)
{
  guint64 mask = G_GUINT64_CONSTANT (1) << (bit % WORD_BITS);

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (bit < self->n_bits, FALSE);

  if ((self->words[bit / WORD_BITS] & mask) == 0)
    return FALSE;

  self->words[bit / WORD_BITS] &= ~mask;
  self->n_set--;

  return TRUE;
}

void
shoal_bitfield_set_all (ShoalBitfield *self)
{
  gsize n_words;

  g_return_if_fail (self != NULL);

  n_words = count_words (self->n_bits);
  memset (self->words, 0xff, n_words * sizeof (guint64));
  if (n_words > 0)
    self->words[n_words - 1] = last_word_mask (self->n_bits);
  self->n_set = self->n_bits;
}

void
shoal_bitfield_clear_all (ShoalBitfield *self)
{
  g_return_if_fail (self != NULL);

  memset (self->words, 0, count_words (self->n_bits) * sizeof (guint64));
  self->n_set = 0;
}

void
shoal_bitfield_assign (ShoalBitfield       *self,
                       const ShoalBitfield *from)
{
  g_return_if_fail (self != NULL && from != NULL);
  g_return_if_fail (self->n_bits == from->n_bits);

  memmove (self->words, from->words, count_words (self->n_bits) * sizeof (guint64));
  self->n_set = from->n_set;
}

guint32
shoal_bitfield_next_set (const ShoalBitfield *self,
                         guint32              from)
{
  g_return_val_if_fail (self != NULL, SHOAL_BITFIELD_NONE);

  return find_bit (self, from, 0);
}

guint32
shoal_bitfield_next_clear (const ShoalBitfield *self,
                           guint32              from)
{
  g_return_val_if_fail (self != NULL, SHOAL_BITFIELD_NONE);

  return find_bit (self, from, G_MAXUINT64);
}

gboolean
shoal_bitfield_offers (const ShoalBitfield *self,
                       const ShoalBitfield *other)
{
  gsize n_words;

  g_return_val_if_fail (self != NULL && other != NULL, FALSE);
  g_return_val_if_fail (self->n_bits == other->n_bits, FALSE);

  /* More bits than the other has cannot all be among its bits. */
  if (self->n_set > other->n_set)
    return TRUE;

  n_words = count_words (self->n_bits);
  for (gsize i = 0; i < n_words; i++)
    {
      if ((self->words[i] & ~other->words[i]) != 0)
        return TRUE;
    }

  return FALSE;
}
