/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces under way: their blocks, their memory, and what is written early. */

/*
 * An active piece lies in exactly one ring: open (has free blocks), closed (has none), or busy
 * (full, being written, or skipped by the user meanwhile). Its runs are taken one by one when the
 * first block in them is requested, and go back when no block in them is requested or held. A piece
 * without any requested or received block is active no more.
 */

#include "shoal-picker-private.h"

#include <string.h>

/* --- Life of an active piece --- */

static gboolean
is_alone (const ShoalPicker *self,
          guint32            piece)
{
  for (guint i = 0; self->alone != NULL && i < self->alone->len; i++)
    if (g_array_index (self->alone, guint32, i) == piece)
      return TRUE;

  return FALSE;
}

PickerActive *
picker_start (ShoalPicker *self,
              guint32      piece,
              gint64       now_us)
{
  guint32 size = shoal_layout_piece_size (self->layout, piece);
  guint32 n_blocks = (size + SHOAL_BLOCK_SIZE - 1) / SHOAL_BLOCK_SIZE;
  PickerActive *active = NULL;

  picker_order_ensure (self);
  picker_order_remove (self, piece);

  if (self->n_cache > 0 && self->cache[self->n_cache - 1]->n_blocks == n_blocks)
    {
      PickerBlock *blocks;
      PickerRun *runs;

      active = self->cache[--self->n_cache];
      blocks = active->blocks;
      runs = active->runs;
      memset (active, 0, sizeof *active);
      memset (blocks, 0, n_blocks * sizeof *blocks);
      active->blocks = blocks;
      active->runs = runs;
    }
  else
    {
      active = g_new0 (PickerActive, 1);
      active->blocks = g_new0 (PickerBlock, n_blocks);
      active->runs = g_new (PickerRun, (n_blocks + PICKER_RUN_BLOCKS - 1) / PICKER_RUN_BLOCKS);
    }

  active->piece = piece;
  active->size = size;
  active->n_blocks = n_blocks;
  active->n_runs = (n_blocks + PICKER_RUN_BLOCKS - 1) / PICKER_RUN_BLOCKS;
  active->n_free = n_blocks;
  active->bound = PICKER_NOBODY;
  active->alone = is_alone (self, piece);
  active->last_us = now_us;
  active->serial = self->serial++;
  for (guint32 i = 0; i < active->n_runs; i++)
    active->runs[i] = (PickerRun) { .size = MIN (SHOAL_RUN_SIZE, size - i * SHOAL_RUN_SIZE) };

  if (self->n_actives == self->actives_size)
    {
      self->actives_size = MAX (16, self->actives_size * 2);
      self->actives = g_renew (PickerActive *, self->actives, self->actives_size);
    }
  active->index = self->n_actives;
  self->actives[self->n_actives++] = active;
  self->where[piece] = active->index;
  shoal_node_init (&active->node);
  picker_relist (self, active);

  return active;
}

void
picker_end (ShoalPicker  *self,
            PickerActive *active)
{
  PickerActive *last = self->actives[self->n_actives - 1];
  guint32 piece = active->piece;

  for (guint32 i = 0; i < active->n_runs; i++)
    {
      active->runs[i].n_requested = 0;
      active->runs[i].n_held = 0;
      picker_trim_run (self, &active->runs[i]);
    }

  self->actives[active->index] = last;
  self->where[last->piece] = last->index = active->index;
  self->n_actives--;
  self->where[piece] = G_MAXUINT32;
  shoal_node_unlink (&active->node);

  if (self->n_cache < PICKER_CACHE_MAX)
    {
      self->cache[self->n_cache++] = active;
    }
  else
    {
      g_free (active->blocks);
      g_free (active->runs);
      g_free (active);
    }

  if (shoal_bitfield_get (self->missing, piece))
    picker_order_add (self, piece);
}

/* Ends a piece into which nothing came or comes, or which nobody wants any more. */
void
picker_end_if_idle (ShoalPicker  *self,
                    PickerActive *active)
{
  if (active->n_requested > 0 || active->writing || picker_is_full (active))
    return;
  if (active->n_received == 0 || picker_priority (self, active->piece) == SHOAL_PRIORITY_SKIP)
    picker_end (self, active);
}

/* Puts the piece into the ring where it belongs. */
void
picker_relist (ShoalPicker  *self,
               PickerActive *active)
{
  ShoalPriority priority = picker_priority (self, active->piece);
  ShoalNode *ring;

  if (active->writing || picker_is_full (active) || priority == SHOAL_PRIORITY_SKIP)
    ring = &self->busy;
  else if (active->n_free > 0)
    ring = &self->open[priority - 1];
  else
    ring = &self->closed;

  /* One that comes back is older than those which are there. */
  if (shoal_node_is_linked (&active->node) && ring != &self->closed)
    {
      shoal_node_unlink (&active->node);
      shoal_node_append (ring->next, &active->node);
    }
  else
    {
      shoal_node_append (ring, &active->node);
    }
}

/* --- Memory --- */

/* Whether @size more bytes leave a quarter of the arena free. */
static gboolean
is_ample (const ShoalPicker *self,
          gsize              size)
{
  gsize capacity = shoal_arena_capacity (self->arena);

  return shoal_arena_used (self->arena) + size <= capacity - capacity / 4;
}

/* Whether no older piece makes progress. */
static gboolean
is_oldest (const ShoalPicker  *self,
           const PickerActive *active)
{
  for (guint i = 0; i < self->n_actives; i++)
    {
      const PickerActive *other = self->actives[i];

      if (other->serial < active->serial && other->n_requested > 0 && !picker_is_full (other))
        return FALSE;
    }

  return TRUE;
}

/* Whether a new piece leaves enough memory for those already started. */
gboolean
picker_may_start (const ShoalPicker *self)
{
  return self->n_runs == 0 || is_ample (self, MIN (SHOAL_RUN_SIZE, self->layout->piece_size));
}

guint
shoal_picker_fair_depth (const ShoalPicker *self)
{
  gsize used = shoal_arena_used (self->arena);

  return used > 0 ? (guint) MAX (shoal_arena_capacity (self->arena) / 4 / used, 1) : G_MAXUINT;
}

/* The last quarter of the arena is for the oldest piece, so that the started ones end one after the
 * other and need not be written early. */
gboolean
picker_need_run (ShoalPicker  *self,
                 PickerActive *active,
                 guint32       block)
{
  PickerRun *run = &active->runs[block / PICKER_RUN_BLOCKS];

  if (run->data != NULL)
    return TRUE;
  if (self->n_runs > 0 && !is_ample (self, run->size) && !is_oldest (self, active))
    return FALSE;
  run->data = shoal_arena_take (self->arena, run->size);
  if (run->data == NULL)
    return FALSE;
  self->n_runs++;

  return TRUE;
}

void
picker_trim_run (ShoalPicker *self,
                 PickerRun   *run)
{
  if (run->data == NULL || run->n_requested > 0 || run->n_held > 0)
    return;
  shoal_arena_give (self->arena, run->data, run->size);
  run->data = NULL;
  self->n_runs--;
}

void
picker_forget_blocks (ShoalPicker  *self,
                      PickerActive *active)
{
  g_assert (!active->writing);

  for (guint32 i = 0; i < active->n_blocks; i++)
    {
      PickerBlock *block = &active->blocks[i];

      if ((block->flags & BLOCK_RECEIVED) == 0)
        continue;
      if ((block->flags & BLOCK_SPILLED) == 0)
        active->runs[i / PICKER_RUN_BLOCKS].n_held--;
      block->flags = 0;
    }
  active->n_free += active->n_received;
  active->n_received = 0;
  active->n_spilled = 0;
  active->free_hint = 0;
  active->missing_hint = 0;
  for (guint32 i = 0; i < active->n_runs; i++)
    picker_trim_run (self, &active->runs[i]);
}

void
shoal_picker_judged_blocks (ShoalPicker  *self,
                            guint32       piece,
                            const guint8 *wrong,
                            guint32       n)
{
  PickerActive *active = picker_active (self, piece);

  g_assert (active != NULL && picker_is_full (active) && !active->writing && n <= active->n_blocks);

  for (guint32 i = n; i > 0; i--)
    {
      if (!wrong[i - 1])
        continue;
      if ((active->blocks[i - 1].flags & BLOCK_SPILLED) != 0)
        active->n_spilled--;
      else
        active->runs[(i - 1) / PICKER_RUN_BLOCKS].n_held--;
      active->blocks[i - 1].flags = 0;
      active->n_received--;
      active->n_free++;
      active->free_hint = active->missing_hint = i - 1;
    }
  for (guint32 i = 0; i < active->n_runs; i++)
    picker_trim_run (self, &active->runs[i]);
  picker_relist (self, active);
  picker_end_if_idle (self, active);
}

/* --- Runs that are hashed or written --- */

static gboolean
is_held (const PickerBlock *block)
{
  return (block->flags & (BLOCK_RECEIVED | BLOCK_WRITING | BLOCK_SPILLED)) == BLOCK_RECEIVED;
}

/* Fills in or (@runs NULL) counts the parts that are in memory and not being written. */
static guint
list_runs (const PickerActive *active,
           ShoalRun           *runs,
           guint               max)
{
  gboolean grows = FALSE;
  guint n = 0;

  for (guint32 i = 0; i < active->n_blocks; i++)
    {
      guint32 size = picker_block_size (active, i);

      if (!is_held (&active->blocks[i]))
        {
          grows = FALSE;
          continue;
        }
      if (i % PICKER_RUN_BLOCKS == 0)
        grows = FALSE;
      if (!grows)
        {
          if (runs != NULL && n == max)
            break;
          if (runs != NULL)
            runs[n] = (ShoalRun){
              .data = active->runs[i / PICKER_RUN_BLOCKS].data
                      + i % PICKER_RUN_BLOCKS * SHOAL_BLOCK_SIZE,
              .offset = i * SHOAL_BLOCK_SIZE,
            };
          n++;
          grows = TRUE;
        }
      if (runs != NULL)
        runs[n - 1].size += size;
    }

  return n;
}

guint
shoal_picker_n_runs (const ShoalPicker *self,
                     guint32            piece)
{
  const PickerActive *active = picker_active (self, piece);

  return active != NULL ? list_runs (active, NULL, 0) : 0;
}

guint
shoal_picker_runs (ShoalPicker *self,
                   guint32      piece,
                   ShoalRun    *runs,
                   guint        max)
{
  const PickerActive *active = picker_active (self, piece);

  return active != NULL ? list_runs (active, runs, max) : 0;
}

gboolean
shoal_picker_has_spilled (const ShoalPicker *self,
                          guint32            piece)
{
  const PickerActive *active = picker_active (self, piece);

  return active != NULL && active->n_spilled > 0;
}

gboolean
shoal_picker_is_full (const ShoalPicker *self,
                      guint32            piece)
{
  const PickerActive *active = picker_active (self, piece);

  return active != NULL && picker_is_full (active);
}

gboolean
shoal_picker_is_spilling (const ShoalPicker *self,
                          guint32            piece)
{
  const PickerActive *active = picker_active (self, piece);

  return active != NULL && active->writing;
}

/* --- Spilling --- */

/* Whether writing what is there would give a run back. */
static gboolean
is_worth_spilling (const PickerActive *active)
{
  for (guint32 i = 0; i < active->n_runs; i++)
    if (active->runs[i].n_held > 0 && active->runs[i].n_requested == 0)
      return TRUE;

  return FALSE;
}

guint32
shoal_picker_coldest (ShoalPicker *self,
                      gint64       older_us)
{
  const PickerActive *best = NULL;

  for (guint i = 0; i < self->n_actives; i++)
    {
      const PickerActive *active = self->actives[i];

      if (active->writing || picker_is_full (active) || active->last_us > older_us
          || active->n_received == active->n_spilled)
        continue;
      if (best != NULL
          && ((active->n_requested > 0) > (best->n_requested > 0)
              || ((active->n_requested > 0) == (best->n_requested > 0)
                  && active->last_us >= best->last_us)))
        continue;
      if (is_worth_spilling (active))
        best = active;
    }

  return best != NULL ? best->piece : SHOAL_BITFIELD_NONE;
}

void
shoal_picker_spilling (ShoalPicker *self,
                       guint32      piece)
{
  PickerActive *active = picker_active (self, piece);

  g_assert (active != NULL && !active->writing);

  for (guint32 i = 0; i < active->n_blocks; i++)
    if (is_held (&active->blocks[i]))
      active->blocks[i].flags |= BLOCK_WRITING;
  active->writing = TRUE;
  picker_relist (self, active);
}

void
shoal_picker_spilled (ShoalPicker *self,
                      guint32      piece,
                      gboolean     ok)
{
  PickerActive *active = picker_active (self, piece);

  g_assert (active != NULL && active->writing);

  for (guint32 i = 0; i < active->n_blocks; i++)
    {
      PickerBlock *block = &active->blocks[i];

      if ((block->flags & BLOCK_WRITING) == 0)
        continue;
      block->flags &= (guint8) ~BLOCK_WRITING;
      if (!ok)
        continue;
      block->flags |= BLOCK_SPILLED;
      active->n_spilled++;
      active->runs[i / PICKER_RUN_BLOCKS].n_held--;
    }
  for (guint32 i = 0; i < active->n_runs; i++)
    picker_trim_run (self, &active->runs[i]);
  active->writing = FALSE;
  picker_relist (self, active);
  picker_end_if_idle (self, active);
}

void
shoal_picker_set_spilled (ShoalPicker *self,
                          guint32      piece,
                          guint32      block)
{
  PickerActive *active = picker_active (self, piece);

  g_assert (piece < self->layout->n_pieces);

  if (!shoal_bitfield_get (self->missing, piece)
      || block >= shoal_layout_n_blocks (self->layout, piece))
    return;
  if (active == NULL)
    active = picker_start (self, piece, 0);
  if (active->writing || active->blocks[block].n_owners > 0
      || (active->blocks[block].flags & BLOCK_RECEIVED) != 0)
    return;

  active->blocks[block].flags = BLOCK_RECEIVED | BLOCK_SPILLED;
  active->blocks[block].contributor = PICKER_NOBODY;
  active->n_free--;
  active->n_received++;
  active->n_spilled++;
  if (active->n_free == 0)
    picker_relist (self, active);
}

guint
shoal_picker_spilled_blocks (const ShoalPicker *self,
                             ShoalBlock        *out,
                             guint              max)
{
  guint n = 0;

  for (guint i = 0; i < self->n_actives; i++)
    {
      const PickerActive *active = self->actives[i];

      if (max == 0)
        {
          n += active->n_spilled;
          continue;
        }
      for (guint32 b = 0; active->n_spilled > 0 && b < active->n_blocks && n < max; b++)
        if ((active->blocks[b].flags & BLOCK_SPILLED) != 0)
          out[n++] = (ShoalBlock) { .piece = active->piece, .block = b };
    }

  return n;
}
