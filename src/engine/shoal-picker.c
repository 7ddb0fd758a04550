/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state of every piece and block of one torrent. */

/*
 * A piece is had, active, wanted or skipped; only active ones have blocks. Two bit sets (had,
 * missing) are all that a torrent without peers keeps. What is called for every block (place,
 * received) takes constant time and no memory.
 *
 * Parts: shoal-picker-order.c (availability, which piece is next), shoal-picker-active.c (pieces
 * under way, memory), shoal-picker-pick.c (which blocks are asked of whom), shoal-picker-check.c
 * (what always holds). Engine thread only.
 */

#include "shoal-picker-private.h"

#include <string.h>

ShoalPicker *
shoal_picker_new (const ShoalLayout *layout,
                  ShoalArena        *arena,
                  ShoalRng          *rng)
{
  ShoalPicker *self = g_new0 (ShoalPicker, 1);

  self->layout = layout;
  self->arena = arena;
  self->rng = rng;
  self->had = shoal_bitfield_new (layout->n_pieces);
  self->missing = shoal_bitfield_new (layout->n_pieces);
  shoal_bitfield_set_all (self->missing);
  for (guint class = 0; class < PICKER_CLASSES; class++)
    shoal_node_init (&self->open[class]);
  shoal_node_init (&self->closed);
  shoal_node_init (&self->busy);

  return self;
}

void
shoal_picker_free (ShoalPicker *self)
{
  if (self == NULL)
    return;

  while (self->n_actives > 0)
    picker_end (self, self->actives[self->n_actives - 1]);
  self->n_peers = 0;
  picker_order_trim (self);
  g_assert (self->n_runs == 0);

  shoal_bitfield_free (self->had);
  shoal_bitfield_free (self->missing);
  g_free (self->priorities);
  g_free (self->counts);
  g_clear_pointer (&self->alone, g_array_unref);
  g_free (self);
}

/* --- Pieces --- */

const ShoalBitfield *
shoal_picker_had (const ShoalPicker *self)
{
  return self->had;
}

const ShoalBitfield *
shoal_picker_missing (const ShoalPicker *self)
{
  return self->missing;
}

/* Memory of a piece that is being hashed or written belongs to the disk meanwhile. */
static gboolean
is_with_the_disk (const PickerActive *active)
{
  return active->writing || picker_is_full (active);
}

static void
make_had (ShoalPicker *self,
          guint32      piece)
{
  shoal_bitfield_set (self->had, piece);
  if (self->ready != NULL)
    picker_order_remove (self, piece);
  shoal_bitfield_clear (self->missing, piece);
}

void
shoal_picker_set_had (ShoalPicker *self,
                      guint32      piece)
{
  PickerActive *active = picker_active (self, piece);

  g_assert (piece < self->layout->n_pieces);

  if (active != NULL && is_with_the_disk (active))
    return;
  make_had (self, piece);
  shoal_picker_set_alone (self, piece, FALSE);
  if (active != NULL)
    picker_end (self, active);
  picker_order_trim (self);
}

void
shoal_picker_set_all_had (ShoalPicker *self)
{
  for (guint32 i = shoal_bitfield_next_clear (self->had, 0); i != SHOAL_BITFIELD_NONE;
       i = shoal_bitfield_next_clear (self->had, i + 1))
    shoal_picker_set_had (self, i);
}

void
shoal_picker_set_lost (ShoalPicker *self,
                       guint32      piece)
{
  g_assert (piece < self->layout->n_pieces);

  if (!shoal_bitfield_clear (self->had, piece)
      || picker_priority (self, piece) == SHOAL_PRIORITY_SKIP)
    return;
  shoal_bitfield_set (self->missing, piece);
  if (self->ready != NULL)
    picker_order_add (self, piece);
}

void
shoal_picker_set_priority (ShoalPicker  *self,
                           guint32       piece,
                           ShoalPriority priority)
{
  PickerActive *active = picker_active (self, piece);

  g_assert (piece < self->layout->n_pieces && priority < SHOAL_N_PRIORITIES);

  if (picker_priority (self, piece) == priority)
    return;
  if (self->priorities == NULL)
    {
      self->priorities = g_malloc (self->layout->n_pieces);
      memset (self->priorities, SHOAL_PRIORITY_NORMAL, self->layout->n_pieces);
    }

  if (self->ready != NULL)
    picker_order_remove (self, piece);
  self->priorities[piece] = (guint8) priority;
  if (priority == SHOAL_PRIORITY_SKIP || shoal_bitfield_get (self->had, piece))
    shoal_bitfield_clear (self->missing, piece);
  else
    shoal_bitfield_set (self->missing, piece);

  if (active != NULL)
    {
      picker_relist (self, active);
      picker_end_if_idle (self, active);
    }
  else if (self->ready != NULL && shoal_bitfield_get (self->missing, piece))
    {
      picker_order_add (self, piece);
    }
  picker_order_trim (self);
}

void
shoal_picker_set_sequential (ShoalPicker *self,
                             gboolean     sequential)
{
  self->sequential = sequential;
}

void
shoal_picker_set_alone (ShoalPicker *self,
                        guint32      piece,
                        gboolean     alone)
{
  PickerActive *active = picker_active (self, piece);
  guint i;

  g_assert (piece < self->layout->n_pieces);

  if (self->alone == NULL && !alone)
    return;
  if (self->alone == NULL)
    self->alone = g_array_new (FALSE, FALSE, sizeof (guint32));
  for (i = 0; i < self->alone->len; i++)
    if (g_array_index (self->alone, guint32, i) == piece)
      break;

  if (alone && i == self->alone->len)
    g_array_append_val (self->alone, piece);
  else if (!alone && i < self->alone->len)
    g_array_remove_index_fast (self->alone, i);
  if (self->alone->len == 0)
    g_clear_pointer (&self->alone, g_array_unref);
  if (active != NULL)
    active->alone = alone;
}

/* --- Blocks --- */

static gint
find_owner (const PickerBlock *block,
            gconstpointer      owner)
{
  for (gint i = 0; i < block->n_owners; i++)
    if (block->owners[i] == owner)
      return i;

  return -1;
}

void
shoal_picker_release (ShoalPicker *self,
                      gpointer     owner,
                      ShoalBlock   at)
{
  PickerActive *active = picker_active (self, at.piece);
  PickerBlock *block;
  PickerRun *run;
  gint index;

  if (active == NULL)
    return;
  g_assert (at.block < active->n_blocks);
  block = &active->blocks[at.block];
  index = find_owner (block, owner);
  if (index < 0)
    return;

  if (index == 0)
    block->flags &= (guint8) ~BLOCK_PLACED;
  block->n_owners--;
  for (gint i = index; i < block->n_owners; i++)
    block->owners[i] = block->owners[i + 1];
  if (block->n_owners > 0)
    return;

  run = &active->runs[at.block / PICKER_RUN_BLOCKS];
  run->n_requested--;
  picker_trim_run (self, run);
  active->n_requested--;
  active->n_free++;
  active->free_hint = MIN (active->free_hint, at.block);
  if (active->n_free == 1)
    picker_relist (self, active);
  picker_end_if_idle (self, active);
}

guint8 *
shoal_picker_place (ShoalPicker *self,
                    gpointer     owner,
                    ShoalBlock   at)
{
  PickerActive *active = picker_active (self, at.piece);
  PickerBlock *block;

  if (active == NULL)
    return NULL;
  g_assert (at.block < active->n_blocks);
  block = &active->blocks[at.block];
  if (block->n_owners == 0 || block->owners[0] != owner)
    return NULL;
  if (block->n_owners > 1 && (block->flags & BLOCK_PLACED) == 0)
    return NULL;
  block->flags |= BLOCK_PLACED;

  return active->runs[at.block / PICKER_RUN_BLOCKS].data
         + at.block % PICKER_RUN_BLOCKS * SHOAL_BLOCK_SIZE;
}

ShoalArrival
shoal_picker_received (ShoalPicker        *self,
                       const ShoalPickWho *who,
                       ShoalBlock          at,
                       const guint8       *data,
                       gpointer           *others,
                       guint              *n_others)
{
  PickerActive *active = picker_active (self, at.piece);
  PickerBlock *block;
  PickerRun *run;
  gint64 late_us;

  *n_others = 0;
  if (active == NULL)
    return SHOAL_ARRIVAL_DUPLICATE;
  g_assert (at.block < active->n_blocks);
  block = &active->blocks[at.block];
  run = &active->runs[at.block / PICKER_RUN_BLOCKS];
  if ((block->flags & BLOCK_RECEIVED) != 0)
    return SHOAL_ARRIVAL_DUPLICATE;
  if (find_owner (block, who->owner) < 0
      && (data == NULL || run->data == NULL
          || (active->alone && active->bound != who->contributor)))
    return SHOAL_ARRIVAL_DUPLICATE;
  g_assert (data != NULL || (block->owners[0] == who->owner && (block->flags & BLOCK_PLACED) != 0));

  if (data != NULL)
    memcpy (run->data + at.block % PICKER_RUN_BLOCKS * SHOAL_BLOCK_SIZE, data,
            picker_block_size (active, at.block));
  for (guint i = 0; i < block->n_owners; i++)
    if (block->owners[i] != who->owner)
      others[(*n_others)++] = block->owners[i];

  if (block->n_owners > 0)
    {
      active->n_requested--;
      run->n_requested--;
    }
  else if (--active->n_free == 0)
    {
      picker_relist (self, active);
    }
  late_us = block->n_owners > 0 && block->owners[0] == who->owner ? who->now_us - block->due_us : 0;
  block->n_owners = 0;
  block->flags = BLOCK_RECEIVED;
  block->contributor = who->contributor;
  run->n_held++;
  active->n_received++;
  active->last_us = who->now_us;
  picker_put_off (self, who->owner, late_us);

  if (picker_is_full (active))
    {
      picker_relist (self, active);
      return SHOAL_ARRIVAL_PIECE_FULL;
    }
  picker_end_if_idle (self, active);

  return SHOAL_ARRIVAL_NEW;
}

guint
shoal_picker_contributors (const ShoalPicker *self,
                           guint32            piece,
                           guint             *numbers,
                           guint              max)
{
  const PickerActive *active = picker_active (self, piece);
  guint n = 0;

  for (guint32 i = 0; active != NULL && i < active->n_blocks && n < max; i++)
    {
      guint number = active->blocks[i].contributor;
      guint k = 0;

      if ((active->blocks[i].flags & BLOCK_RECEIVED) == 0 || number == PICKER_NOBODY)
        continue;
      while (k < n && numbers[k] != number)
        k++;
      if (k == n)
        numbers[n++] = number;
    }

  return n;
}

guint
shoal_picker_contributor (const ShoalPicker *self,
                          ShoalBlock         at)
{
  const PickerActive *active = picker_active (self, at.piece);

  if (active == NULL || at.block >= active->n_blocks)
    return PICKER_NOBODY;

  return active->blocks[at.block].contributor;
}

void
shoal_picker_judged (ShoalPicker *self,
                     guint32      piece,
                     gboolean     right)
{
  PickerActive *active = picker_active (self, piece);

  g_assert (piece < self->layout->n_pieces);
  g_assert (active == NULL || !active->writing);

  if (right)
    {
      make_had (self, piece);
      shoal_picker_set_alone (self, piece, FALSE);
    }
  if (active != NULL)
    picker_end (self, active);
  picker_order_trim (self);
}

/* --- Numbers --- */

guint
shoal_picker_n_active (const ShoalPicker *self)
{
  return self->n_actives;
}

guint
shoal_picker_requests_of (const ShoalPicker *self,
                          ShoalBlock         block)
{
  const PickerActive *active = picker_active (self, block.piece);

  return active != NULL && block.block < active->n_blocks ? active->blocks[block.block].n_owners
                                                          : 0;
}
