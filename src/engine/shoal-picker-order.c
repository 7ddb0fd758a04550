/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Availability of pieces, and which piece is started next. */

/*
 * Pieces that may be started lie in buckets by (priority, copies), so that a Have moves one piece
 * from one bucket to the next in constant time, and the rarest piece is the first one met. Peers
 * that have everything are only counted: they do not change the order. A peer whose bits are all
 * set is taken for one, whichever way it came there; when that makes a count wrap, all counts are
 * shifted by one.
 *
 * All of this exists only while there are peers or active pieces: an idle torrent has no order and
 * no counts.
 */

#include "shoal-picker-private.h"

#include <string.h>

#define PROBES_MAX     64u   /* pieces tried in the buckets before the peer's bits are walked
                              * instead */
#define BUCKET_SIZE_MIN 8u

/* --- Buckets --- */

guint
picker_bucket_of (const ShoalPicker *self,
                  guint32            piece)
{
  return self->counts != NULL ? self->counts[piece] : 0;
}

static PickerBucket *
get_bucket (ShoalPicker *self,
            guint        class,
            guint        index)
{
  guint n = self->n_buckets[class];

  if (index >= n)
    {
      guint wanted = MAX (index + 1, n * 2);

      self->buckets[class] = g_renew (PickerBucket, self->buckets[class], wanted);
      memset (self->buckets[class] + n, 0, (wanted - n) * sizeof (PickerBucket));
      self->n_buckets[class] = wanted;
    }

  return &self->buckets[class][index];
}

static void
bucket_put (ShoalPicker *self,
            guint32      piece)
{
  PickerBucket *bucket = get_bucket (self, picker_priority (self, piece) - 1,
                                     picker_bucket_of (self, piece));

  if (bucket->n == bucket->size)
    {
      bucket->size = MAX (BUCKET_SIZE_MIN, bucket->size * 2);
      bucket->pieces = g_renew (guint32, bucket->pieces, bucket->size);
    }
  self->where[piece] = bucket->n;
  bucket->pieces[bucket->n++] = piece;
}

static void
bucket_take (ShoalPicker *self,
             guint32      piece)
{
  PickerBucket *bucket = get_bucket (self, picker_priority (self, piece) - 1,
                                     picker_bucket_of (self, piece));
  guint32 last;

  g_assert (bucket->n > 0 && bucket->pieces[self->where[piece]] == piece);
  last = bucket->pieces[--bucket->n];
  bucket->pieces[self->where[piece]] = last;
  self->where[last] = self->where[piece];
  self->where[piece] = G_MAXUINT32;

  if (bucket->n == 0)
    {
      g_clear_pointer (&bucket->pieces, g_free);
      bucket->size = 0;
    }
  else if (bucket->n <= bucket->size / 4 && bucket->size > BUCKET_SIZE_MIN)
    {
      bucket->size /= 2;
      bucket->pieces = g_renew (guint32, bucket->pieces, bucket->size);
    }
}

/* --- The order as a whole --- */

void
picker_order_add (ShoalPicker *self,
                  guint32      piece)
{
  if (!shoal_bitfield_set (self->ready, piece))
    return;
  bucket_put (self, piece);
  self->n_ready[picker_priority (self, piece) - 1]++;
}

void
picker_order_remove (ShoalPicker *self,
                     guint32      piece)
{
  if (!shoal_bitfield_clear (self->ready, piece))
    return;
  bucket_take (self, piece);
  self->n_ready[picker_priority (self, piece) - 1]--;
}

void
picker_order_ensure (ShoalPicker *self)
{
  if (self->where != NULL)
    return;

  self->where = g_new (guint32, self->layout->n_pieces);
  memset (self->where, 0xff, self->layout->n_pieces * sizeof (guint32));
  self->ready = shoal_bitfield_new (self->layout->n_pieces);
  for (guint32 i = shoal_bitfield_next_set (self->missing, 0); i != SHOAL_BITFIELD_NONE;
       i = shoal_bitfield_next_set (self->missing, i + 1))
    picker_order_add (self, i);
}

void
picker_order_trim (ShoalPicker *self)
{
  if (self->where == NULL || self->n_actives > 0
      || (self->n_peers > 0 && !shoal_bitfield_is_empty (self->missing)))
    return;

  for (guint class = 0; class < PICKER_CLASSES; class++)
    {
      for (guint i = 0; i < self->n_buckets[class]; i++)
        g_free (self->buckets[class][i].pieces);
      g_clear_pointer (&self->buckets[class], g_free);
      self->n_buckets[class] = 0;
      self->n_ready[class] = 0;
    }
  g_clear_pointer (&self->where, g_free);
  g_clear_pointer (&self->ready, shoal_bitfield_free);
  g_clear_pointer (&self->actives, g_free);
  self->actives_size = 0;
  while (self->n_cache > 0)
    {
      PickerActive *active = self->cache[--self->n_cache];

      g_free (active->blocks);
      g_free (active->runs);
      g_free (active);
    }
}

/* --- Availability --- */

static void
set_count (ShoalPicker *self,
           guint32      piece,
           guint        count)
{
  gboolean ready = self->ready != NULL && shoal_bitfield_get (self->ready, piece);

  if (ready)
    bucket_take (self, piece);
  self->counts[piece] = (guint16) count;
  if (ready)
    bucket_put (self, piece);
}

/* Moves one copy of everything from the counts to n_all (@by -1) or back (@by 1). */
static void
shift_counts (ShoalPicker *self,
              int          by)
{
  if (self->counts == NULL)
    self->counts = g_new0 (guint16, self->layout->n_pieces);
  for (guint32 i = 0; i < self->layout->n_pieces; i++)
    {
      g_assert (by > 0 || self->counts[i] > 0);
      set_count (self, i, (guint) (self->counts[i] + by));
    }
  self->n_all -= by;
}

void
shoal_picker_add_copy (ShoalPicker *self,
                       guint32      piece)
{
  g_assert (piece < self->layout->n_pieces);

  if (self->counts == NULL)
    self->counts = g_new0 (guint16, self->layout->n_pieces);
  g_assert (self->counts[piece] < G_MAXUINT16);
  set_count (self, piece, self->counts[piece] + 1u);
}

void
shoal_picker_remove_copy (ShoalPicker *self,
                          guint32      piece)
{
  g_assert (piece < self->layout->n_pieces);
  g_assert (shoal_picker_copies (self, piece) > 0);

  if (self->counts == NULL || self->counts[piece] == 0)
    shift_counts (self, 1);
  set_count (self, piece, self->counts[piece] - 1u);
}

void
shoal_picker_add_peer (ShoalPicker         *self,
                       const ShoalBitfield *bits)
{
  self->n_peers++;
  if (bits == NULL || shoal_bitfield_is_full (bits))
    {
      self->n_all++;
      return;
    }
  for (guint32 i = shoal_bitfield_next_set (bits, 0); i != SHOAL_BITFIELD_NONE;
       i = shoal_bitfield_next_set (bits, i + 1))
    shoal_picker_add_copy (self, i);
}

void
shoal_picker_remove_peer (ShoalPicker         *self,
                          const ShoalBitfield *bits)
{
  g_assert (self->n_peers > 0);

  self->n_peers--;
  if (bits == NULL || shoal_bitfield_is_full (bits))
    {
      if (self->n_all == 0)
        shift_counts (self, -1);
      self->n_all--;
    }
  else
    {
      for (guint32 i = shoal_bitfield_next_set (bits, 0); i != SHOAL_BITFIELD_NONE;
           i = shoal_bitfield_next_set (bits, i + 1))
        shoal_picker_remove_copy (self, i);
    }

  if (self->n_peers == 0)
    {
      picker_order_trim (self);
      for (guint32 i = 0; self->where != NULL && self->counts != NULL && i < self->layout->n_pieces;
           i++)
        set_count (self, i, 0);
      g_clear_pointer (&self->counts, g_free);
      self->n_all = 0;
    }
}

guint
shoal_picker_copies (const ShoalPicker *self,
                     guint32            piece)
{
  g_assert (piece < self->layout->n_pieces);

  return self->n_all + (self->counts != NULL ? self->counts[piece] : 0u);
}

/* --- Choice --- */

static gboolean
has_piece (const ShoalPickWho *who,
           guint32             piece)
{
  return who->bits == NULL || shoal_bitfield_get (who->bits, piece);
}

/* The best piece by a walk over the bits; chance among equals. */
static guint32
choose_by_walk (ShoalPicker        *self,
                const ShoalPickWho *who,
                guint               class,
                gboolean            any,
                gboolean            first)
{
  guint32 best = SHOAL_BITFIELD_NONE;
  guint best_bucket = G_MAXUINT;
  guint n_equal = 0;

  for (guint32 w = 0; w < (self->ready->n_bits + 63) / 64; w++)
    {
      guint64 word = self->ready->words[w];

      if (who->bits != NULL)
        word &= who->bits->words[w];
      for (; word != 0; word &= word - 1)
        {
          guint32 piece = w * 64 + (guint32) __builtin_ctzll (word);
          guint bucket = any ? 0 : picker_bucket_of (self, piece);

          if ((guint) picker_priority (self, piece) - 1 != class || bucket > best_bucket)
            continue;
          if (first)
            return piece;
          n_equal = bucket < best_bucket ? 1 : n_equal + 1;
          if (n_equal == 1 || shoal_rng_below (self->rng, n_equal) == 0)
            best = piece;
          best_bucket = bucket;
        }
    }

  return best;
}

static guint32
choose_random (ShoalPicker        *self,
               const ShoalPickWho *who,
               guint               class)
{
  for (guint probe = 0; probe < PROBES_MAX; probe++)
    {
      guint at = shoal_rng_below (self->rng, self->n_ready[class]);
      guint bucket = 0;
      guint32 piece;

      while (at >= self->buckets[class][bucket].n)
        at -= self->buckets[class][bucket++].n;
      piece = self->buckets[class][bucket].pieces[at];
      if (has_piece (who, piece))
        return piece;
    }

  return choose_by_walk (self, who, class, TRUE, FALSE);
}

static guint32
choose_rarest (ShoalPicker        *self,
               const ShoalPickWho *who,
               guint               class)
{
  guint probes = 0;

  for (guint i = 0; i < self->n_buckets[class]; i++)
    {
      PickerBucket *bucket = &self->buckets[class][i];
      guint at;

      if (bucket->n == 0)
        continue;
      at = shoal_rng_below (self->rng, bucket->n);
      for (guint k = 0; k < bucket->n; k++)
        {
          guint32 piece = bucket->pieces[at + k < bucket->n ? at + k : at + k - bucket->n];

          if (has_piece (who, piece))
            return piece;
          if (++probes == PROBES_MAX)
            return choose_by_walk (self, who, class, FALSE, FALSE);
        }
    }

  return SHOAL_BITFIELD_NONE;
}

guint
picker_order_rarest (const ShoalPicker *self,
                     guint              class)
{
  guint bucket = 0;

  if (self->n_ready[class] == 0 || self->sequential || self->had->n_set < SHOAL_RANDOM_FIRST_PIECES)
    return G_MAXUINT;
  while (self->buckets[class][bucket].n == 0)
    bucket++;

  return bucket;
}

/* A piece that failed: the sooner it is right, the sooner the liar is known. */
static guint32
choose_alone (ShoalPicker        *self,
              const ShoalPickWho *who,
              guint               class)
{
  for (guint i = 0; self->alone != NULL && i < self->alone->len; i++)
    {
      guint32 piece = g_array_index (self->alone, guint32, i);

      if (shoal_bitfield_get (self->ready, piece) && has_piece (who, piece)
          && (guint) picker_priority (self, piece) - 1 == class)
        return piece;
    }

  return SHOAL_BITFIELD_NONE;
}

/* A piece of the class that is not active and that the peer has. */
guint32
picker_order_choose (ShoalPicker        *self,
                     const ShoalPickWho *who,
                     guint               class)
{
  guint32 piece;

  if (self->n_ready[class] == 0)
    return SHOAL_BITFIELD_NONE;
  piece = choose_alone (self, who, class);
  if (piece != SHOAL_BITFIELD_NONE)
    return piece;
  if (self->sequential)
    return choose_by_walk (self, who, class, TRUE, TRUE);
  if (self->had->n_set < SHOAL_RANDOM_FIRST_PIECES)
    return choose_random (self, who, class);

  return choose_rarest (self, who, class);
}
