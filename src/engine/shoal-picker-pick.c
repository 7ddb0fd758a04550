/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which blocks a peer is asked for. */

/*
 * For each class of priority: free blocks of pieces already started, oldest piece first; then copies of blocks that a
 * far slower peer holds up in an otherwise finished piece; then a new piece. A peer that found nothing in a torrent
 * without any free block helps in end game: it is asked for copies of blocks that are overdue or with a slower
 * peer. Blocks just requested from an equal peer are left alone, as their copies would mostly be waste.
 */

#include "shoal-picker-private.h"

#define SLOW_FACTOR        4u                      /* a held-up block: its owner is that many times slower */
#define SLOW_AGE_US        (3 * G_USEC_PER_SEC)    /* and was asked so long ago */
#define SLOW_PIECES_MAX    16u                     /* pieces looked at, oldest first */
#define SLOW_BLOCKS_MAX    4u                      /* missing blocks of an "otherwise finished" small piece */
#define END_GAME_FACTOR    2u
#define END_GAME_AGE_US    (1 * G_USEC_PER_SEC)
#define END_GAME_LOOKS_MAX 1024u                   /* blocks looked at for one request of a peer */

static gboolean
is_owner (const PickerBlock *block,
          gconstpointer      owner)
{
  for (guint i = 0; i < block->n_owners; i++)
    if (block->owners[i] == owner)
      return TRUE;

  return FALSE;
}

static void
add_owner (PickerActive       *active,
           guint32             index,
           const ShoalPickWho *who)
{
  PickerBlock *block = &active->blocks[index];
  guint32 rate = (guint32) MIN (who->rate, G_MAXUINT32);

  if (block->n_owners == 0)
    {
      active->n_free--;
      active->n_requested++;
      active->runs[index / PICKER_RUN_BLOCKS].n_requested++;
      block->rate = rate;
    }
  block->rate = MAX (block->rate, rate);
  block->owners[block->n_owners++] = who->owner;
  block->asked_us = who->now_us;
}

/* Whether this peer may be asked for blocks of the piece at all. */
static gboolean
is_usable (const PickerActive *active,
           const ShoalPickWho *who)
{
  if (who->bits != NULL && !shoal_bitfield_get (who->bits, active->piece))
    return FALSE;

  return !active->alone || active->bound == who->contributor || active->n_requested == 0;
}

/* Requests free blocks of a piece. */
static guint
take_free (ShoalPicker        *self,
           PickerActive       *active,
           const ShoalPickWho *who,
           ShoalBlock         *out,
           guint               max)
{
  guint32 i;
  guint n = 0;

  if (!is_usable (active, who))
    return 0;
  if (active->alone && active->bound != who->contributor)
    {
      picker_forget_blocks (self, active);
      active->bound = who->contributor;
    }

  for (i = active->free_hint; i < active->n_blocks && active->n_free > 0 && n < max; i++)
    {
      PickerBlock *block = &active->blocks[i];

      if (block->n_owners > 0 || (block->flags & BLOCK_RECEIVED) != 0)
        continue;
      if (!picker_need_run (self, active, i))
        break;
      add_owner (active, i, who);
      out[n++] = (ShoalBlock) { .piece = active->piece, .block = i };
    }
  active->free_hint = active->n_free > 0 ? i : active->n_blocks;
  if (active->n_free == 0)
    picker_relist (self, active);

  return n;
}

/* Starts a piece and requests blocks of it. */
static guint
take_new (ShoalPicker        *self,
          guint32             piece,
          const ShoalPickWho *who,
          ShoalBlock         *out,
          guint               max)
{
  PickerActive *active = picker_start (self, piece, who->now_us);
  guint n = take_free (self, active, who, out, max);

  if (n == 0)
    picker_end_if_idle (self, active);

  return n;
}

/* --- Copies --- */

static void
skip_received (PickerActive *active)
{
  while (active->missing_hint < active->n_blocks
         && (active->blocks[active->missing_hint].flags & BLOCK_RECEIVED) != 0)
    active->missing_hint++;
}

static gboolean
is_late (const PickerBlock  *block,
         const ShoalPickWho *who,
         guint               factor,
         gint64              age_us)
{
  return who->now_us - block->asked_us >= age_us || who->rate > (guint64) block->rate * factor;
}

/* Requests copies of blocks that far slower peers hold up, before anything new is begun. */
static guint
take_slow (ShoalPicker        *self,
           guint               class,
           const ShoalPickWho *who,
           ShoalBlock         *out,
           guint               max)
{
  guint n_pieces = 0;
  guint n = 0;

  SHOAL_NODE_FOREACH (node, &self->closed)
    {
      PickerActive *active = SHOAL_NODE_OWNER (node, PickerActive, node);

      if (n == max || ++n_pieces > SLOW_PIECES_MAX)
        break;
      if ((guint) picker_priority (self, active->piece) - 1 != class || active->alone || !is_usable (active, who)
          || active->n_requested > MAX (SLOW_BLOCKS_MAX, active->n_blocks / 4))
        continue;

      skip_received (active);
      for (guint32 i = active->missing_hint; i < active->n_blocks && n < max; i++)
        {
          PickerBlock *block = &active->blocks[i];

          if (block->n_owners == 0 || block->n_owners == SHOAL_COPIES_MAX || is_owner (block, who->owner)
              || who->now_us - block->asked_us < SLOW_AGE_US || who->rate < (guint64) block->rate * SLOW_FACTOR
              || who->rate == 0)
            continue;
          add_owner (active, i, who);
          out[n++] = (ShoalBlock) { .piece = active->piece, .block = i };
        }
    }

  return n;
}

static guint
take_copies (ShoalPicker        *self,
             const ShoalPickWho *who,
             ShoalBlock         *out,
             guint               max)
{
  guint looks = 0;
  guint n = 0;

  for (guint copies = 1; copies < SHOAL_COPIES_MAX; copies++)
    SHOAL_NODE_FOREACH (node, &self->closed)
      {
        PickerActive *active = SHOAL_NODE_OWNER (node, PickerActive, node);

        if (active->alone || !is_usable (active, who))
          continue;
        skip_received (active);
        for (guint32 i = active->missing_hint; i < active->n_blocks; i++)
          {
            PickerBlock *block = &active->blocks[i];

            if (n == max || looks == END_GAME_LOOKS_MAX)
              return n;
            looks++;
            if (block->n_owners != copies || is_owner (block, who->owner)
                || !is_late (block, who, END_GAME_FACTOR, END_GAME_AGE_US))
              continue;
            add_owner (active, i, who);
            out[n++] = (ShoalBlock) { .piece = active->piece, .block = i };
          }
      }

  return n;
}

gboolean
shoal_picker_in_end_game (const ShoalPicker *self)
{
  if (self->n_actives == 0)
    return FALSE;

  for (guint class = 0; class < PICKER_CLASSES; class++)
    {
      guint n_rare = self->n_all == 0 && self->n_buckets[class] > 0 ? self->buckets[class][0].n : 0;

      if (self->n_ready[class] > n_rare)
        return FALSE;
      SHOAL_NODE_FOREACH (node, &self->open[class])
        if (picker_is_available (self, SHOAL_NODE_OWNER (node, PickerActive, node)->piece))
          return FALSE;
    }

  return shoal_node_is_linked (&self->closed);
}

/* --- Picking --- */

/* A choked peer lets us fetch only certain pieces. */
static guint
pick_only (ShoalPicker        *self,
           const ShoalPickWho *who,
           ShoalBlock         *out,
           guint               max)
{
  guint n = 0;

  for (guint i = 0; i < who->n_only && n < max; i++)
    {
      guint32 piece = who->only[i];
      PickerActive *active;

      if (piece >= self->layout->n_pieces || !shoal_bitfield_get (self->missing, piece)
          || (who->bits != NULL && !shoal_bitfield_get (who->bits, piece)))
        continue;
      active = picker_active (self, piece);
      if (active == NULL && picker_may_start (self))
        n += take_new (self, piece, who, out + n, max - n);
      else if (active != NULL && !active->writing)
        n += take_free (self, active, who, out + n, max - n);
    }

  return n;
}

guint
shoal_picker_pick (ShoalPicker        *self,
                   const ShoalPickWho *who,
                   ShoalBlock         *out,
                   guint               max)
{
  guint n = 0;

  if (max == 0 || shoal_bitfield_is_empty (self->missing))
    return 0;
  picker_order_ensure (self);
  if (who->only != NULL)
    return pick_only (self, who, out, max);

  for (guint class = PICKER_CLASSES; class-- > 0 && n < max;)
    {
      SHOAL_NODE_FOREACH (node, &self->open[class])
        {
          n += take_free (self, SHOAL_NODE_OWNER (node, PickerActive, node), who, out + n, max - n);
          if (n == max)
            return n;
        }
      n += take_slow (self, class, who, out + n, max - n);
      while (n < max && picker_may_start (self))
        {
          guint32 piece = picker_order_choose (self, who, class);
          guint taken = piece != SHOAL_BITFIELD_NONE ? take_new (self, piece, who, out + n, max - n) : 0;

          if (taken == 0)
            break;
          n += taken;
        }
    }

  if (n < max && shoal_picker_in_end_game (self))
    n += take_copies (self, who, out + n, max - n);

  return n;
}

gboolean
shoal_picker_is_waiting (const ShoalPicker *self)
{
  gboolean may_start = picker_may_start (self);

  for (guint class = 0; class < PICKER_CLASSES; class++)
    if (shoal_node_is_linked (&self->open[class]) || (self->n_ready[class] > 0 && may_start))
      return TRUE;
  if (self->where == NULL)
    return !shoal_bitfield_is_empty (self->missing);

  SHOAL_NODE_FOREACH (node, &self->closed)
    {
      const PickerActive *active = SHOAL_NODE_OWNER (node, PickerActive, node);

      for (guint32 i = active->missing_hint; i < active->n_blocks && !active->alone; i++)
        if (active->blocks[i].n_owners > 0 && active->blocks[i].n_owners < SHOAL_COPIES_MAX)
          return TRUE;
    }

  return FALSE;
}
