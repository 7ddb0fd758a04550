/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks for those who fetch ranges: one behind the other, as many as are wanted. */

/*
 * A range costs its sender a request and the two ends a round trip, whatever its size, so it should
 * be long. Rarity does not matter to one that has everything and is no peer; gaps of pieces that
 * nobody began do, because they end a range. Looking for one takes a pass over the pieces that may
 * be started, once for each range and not for each block.
 */

#include "shoal-picker-private.h"

#include <string.h>

static gboolean
is_of_class (const ShoalPicker  *self,
             const ShoalPickWho *who,
             guint32             piece,
             guint               class)
{
  return (guint) picker_priority (self, piece) - 1 == class
         && (who->bits == NULL || shoal_bitfield_get (who->bits, piece));
}

/* Free blocks of a piece from @first on, up to the next that is not free. */
static guint
take_blocks (ShoalPicker        *self,
             PickerActive       *active,
             guint32             first,
             const ShoalPickWho *who,
             ShoalBlock         *out,
             guint               n_before,
             guint               max)
{
  guint n = 0;

  if (active->alone && active->bound != who->contributor)
    {
      picker_forget_blocks (self, active);
      active->bound = who->contributor;
    }
  for (guint32 i = first; i < active->n_blocks && n < max; i++)
    {
      PickerBlock *block = &active->blocks[i];

      if (block->n_owners > 0 || (block->flags & BLOCK_RECEIVED) != 0
          || !picker_need_run (self, active, i))
        break;
      picker_add_owner (active, i, who, n_before + n);
      out[n++] = (ShoalBlock) { .piece = active->piece, .block = i };
    }

  if (active->n_free == 0)
    {
      active->free_hint = active->n_blocks;
      picker_relist (self, active);
    }
  else if (n == 0)
    {
      picker_end_if_idle (self, active);   /* no memory for a piece without blocks */
    }

  return n;
}

/* --- Pieces that were begun --- */

static guint32
first_free (const PickerActive *active)
{
  guint32 i = active->free_hint;

  while (i < active->n_blocks
         && (active->blocks[i].n_owners > 0 || (active->blocks[i].flags & BLOCK_RECEIVED) != 0))
    i++;

  return i;
}

/* @shared: also those that others send. */
static guint
run_open (ShoalPicker        *self,
          guint               class,
          gboolean            shared,
          const ShoalPickWho *who,
          ShoalBlock         *out,
          guint               max)
{
  SHOAL_NODE_FOREACH (node, &self->open[class])
    {
      PickerActive *active = SHOAL_NODE_OWNER (node, PickerActive, node);
      gboolean own = active->alone && active->bound == who->contributor;
      gboolean restarts = active->alone && !own;
      guint n;

      if ((!shared && active->n_requested > 0 && !own) || !picker_is_usable (active, who))
        continue;
      n = take_blocks (self, active, restarts ? 0 : first_free (active), who, out, 0, max);
      if (n > 0)
        return n;
    }

  return 0;
}

/* --- New pieces --- */

/* How many pieces from @piece on may be started one behind the other, up to @max. */
static guint32
gap_size (const ShoalPicker  *self,
          const ShoalPickWho *who,
          guint               class,
          guint32             piece,
          guint32             max)
{
  guint32 n = 0;

  while (n < max && piece + n < self->layout->n_pieces
         && shoal_bitfield_get (self->ready, piece + n)
         && is_of_class (self, who, piece + n, class))
    n++;

  return n;
}

/* The first gap from @from on that has @wanted pieces, else the longest of all. */
static guint32
find_gap (const ShoalPicker  *self,
          const ShoalPickWho *who,
          guint               class,
          guint32             from,
          guint32             wanted)
{
  guint32 best = SHOAL_BITFIELD_NONE;
  guint32 best_size = 0;

  for (guint pass = 0; pass < 2; pass++)
    {
      guint32 piece = shoal_bitfield_next_set (self->ready, pass == 0 ? from : 0);

      while (piece != SHOAL_BITFIELD_NONE && (pass == 0 || piece < from))
        {
          guint32 size = gap_size (self, who, class, piece, wanted);

          if (size > best_size)
            {
              best = piece;
              best_size = size;
            }
          if (size == wanted || (size > 0 && self->sequential))
            return piece;
          piece = piece + MAX (size, 1) < self->layout->n_pieces
                    ? shoal_bitfield_next_set (self->ready, piece + MAX (size, 1))
                    : SHOAL_BITFIELD_NONE;
        }
    }

  return best;
}

static guint32
failed_piece (const ShoalPicker  *self,
              const ShoalPickWho *who,
              guint               class)
{
  for (guint i = 0; self->alone != NULL && i < self->alone->len; i++)
    {
      guint32 piece = g_array_index (self->alone, guint32, i);

      if (shoal_bitfield_get (self->ready, piece) && is_of_class (self, who, piece, class))
        return piece;
    }

  return SHOAL_BITFIELD_NONE;
}

static guint
run_new (ShoalPicker        *self,
         guint               class,
         const ShoalPickWho *who,
         guint32            *cursor,
         ShoalBlock         *out,
         guint               max)
{
  guint blocks_a_piece = MAX (self->layout->piece_size / SHOAL_BLOCK_SIZE, 1);
  guint32 from = self->sequential || *cursor >= self->layout->n_pieces ? 0 : *cursor;
  guint32 piece;
  guint n = 0;

  if (self->n_ready[class] == 0 || !picker_may_start (self))
    return 0;
  piece = failed_piece (self, who, class);
  if (piece != SHOAL_BITFIELD_NONE)
    return take_blocks (self, picker_start (self, piece, who->now_us), 0, who, out, 0, max);

  piece = find_gap (self, who, class, from, (max + blocks_a_piece - 1) / blocks_a_piece);
  if (piece == SHOAL_BITFIELD_NONE)
    return 0;
  while (n < max && piece < self->layout->n_pieces && shoal_bitfield_get (self->ready, piece)
         && is_of_class (self, who, piece, class) && picker_may_start (self))
    {
      guint32 n_blocks = shoal_layout_n_blocks (self->layout, piece);
      guint taken = take_blocks (self, picker_start (self, piece, who->now_us), 0, who, out + n, n,
                                 max - n);

      n += taken;
      if (taken < n_blocks)
        break;
      piece++;
    }
  *cursor = piece;

  return n;
}

/* --- End game --- */

static int
compare_blocks (gconstpointer a,
                gconstpointer b)
{
  const ShoalBlock *x = a;
  const ShoalBlock *y = b;

  if (x->piece != y->piece)
    return x->piece < y->piece ? -1 : 1;

  return x->block < y->block ? -1 : x->block > y->block;
}

static gboolean
follows (const ShoalPicker *self,
         const ShoalBlock  *before,
         const ShoalBlock  *after)
{
  if (before->piece == after->piece)
    return before->block + 1 == after->block;

  return before->piece + 1 == after->piece && after->block == 0
         && before->block + 1 == shoal_layout_n_blocks (self->layout, before->piece);
}

/* Copies come in any order: the first that follow each other are kept. */
static guint
run_copies (ShoalPicker        *self,
            const ShoalPickWho *who,
            ShoalBlock         *out,
            guint               max)
{
  guint n = picker_take_copies (self, who, out, max);
  guint kept = 1;

  if (n == 0)
    return 0;
  qsort (out, n, sizeof *out, compare_blocks);
  while (kept < n && follows (self, &out[kept - 1], &out[kept]))
    kept++;
  for (guint i = kept; i < n; i++)
    shoal_picker_release (self, who->owner, out[i]);

  return kept;
}

/* --- Picking --- */

guint
shoal_picker_pick_run (ShoalPicker        *self,
                       const ShoalPickWho *who,
                       guint32            *cursor,
                       ShoalBlock         *out,
                       guint               max)
{
  if (max == 0 || shoal_bitfield_is_empty (self->missing))
    return 0;
  picker_order_ensure (self);

  for (guint class = PICKER_CLASSES; class-- > 0;)
    {
      guint n = run_open (self, class, FALSE, who, out, max);

      if (n == 0)
        n = run_new (self, class, who, cursor, out, max);
      if (n == 0)
        n = run_open (self, class, TRUE, who, out, max);
      if (n > 0)
        return n;
    }

  return shoal_picker_in_end_game (self) ? run_copies (self, who, out, max) : 0;
}
