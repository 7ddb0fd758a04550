/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which blocks a peer is asked for. */

/*
 * For each class of priority: free blocks of pieces already started, oldest piece first (a seed
 * leaves those that come from others for rarer ones); then copies of blocks that a
 * far slower peer holds up in an otherwise finished piece; then a new piece. A peer that found
 * nothing in a torrent without any free block helps in end game: it is asked for copies of blocks
 * that it should send in half the time that they will still take. When they come is known from the
 * rate and the queue of their owner, and from how late its last one was; one that is overdue is
 * taken to need as long again. Copies of other blocks would mostly be waste.
 */

#include "shoal-picker-private.h"

#define SLOW_FACTOR        4u                      /* a held-up block: the asking peer is that many
                                                    * times sooner */
#define SLOW_AGE_US        (3 * G_USEC_PER_SEC)    /* and the owner was asked so long ago */
#define SLOW_PIECES_MAX    16u                     /* pieces looked at, oldest first */
#define SLOW_BLOCKS_MAX    4u                      /* missing blocks of an "otherwise finished"
                                                    * small piece */
#define END_GAME_FACTOR    2u
#define END_GAME_GRACE_US  (G_USEC_PER_SEC / 4)    /* nothing to be won */
#define UNKNOWN_US         (2 * G_USEC_PER_SEC)    /* what a peer takes that has sent nothing
                                                    * lately */
#define DUE_MAX_US         (60 * G_USEC_PER_SEC)
#define END_GAME_LOOKS_MAX 4096u                   /* blocks looked at for one request of a peer */

static gboolean
is_owner (const PickerBlock *block,
          gconstpointer      owner)
{
  for (guint i = 0; i < block->n_owners; i++)
    if (block->owners[i] == owner)
      return TRUE;

  return FALSE;
}

/* When the peer should have sent its next block but @n_more. */
static gint64
expected_us (const ShoalPickWho *who,
             guint               n_more)
{
  guint64 size = (guint64) (who->n_queued + n_more + 1) * SHOAL_BLOCK_SIZE;

  if (who->rate == 0)
    return who->now_us + UNKNOWN_US;

  return who->now_us + (gint64) MIN (size * G_USEC_PER_SEC / who->rate, DUE_MAX_US);
}

void
picker_add_owner (PickerActive       *active,
                  guint32             index,
                  const ShoalPickWho *who,
                  guint               n_more)
{
  PickerBlock *block = &active->blocks[index];
  gint64 due_us = expected_us (who, n_more);

  if (block->n_owners == 0)
    {
      active->n_free--;
      active->n_requested++;
      active->runs[index / PICKER_RUN_BLOCKS].n_requested++;
      block->due_us = due_us;
    }
  block->due_us = MIN (block->due_us, due_us);
  block->owners[block->n_owners++] = who->owner;
  block->asked_us = who->now_us;
}

gboolean
picker_is_usable (const PickerActive *active,
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

  if (!picker_is_usable (active, who))
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
      picker_add_owner (active, i, who, n);
      out[n++] = (ShoalBlock) { .piece = active->piece, .block = i };
    }
  active->free_hint = active->n_free > 0 ? i : active->n_blocks;
  if (active->n_free == 0)
    picker_relist (self, active);
  else if (n == 0)
    picker_end_if_idle (self, active);   /* no memory for a piece without blocks */

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
  return take_free (self, picker_start (self, piece, who->now_us), who, out, max);
}

/*
 * Requests free blocks of pieces already started, oldest first. A peer that has everything is not
 * asked for a piece that comes from another while it can begin one that is rarer than that: the
 * line of a seed is not spent on what leechers can give each other. @rarest: copies of what would
 * be begun; %G_MAXUINT: nothing is left to others.
 */
static guint
take_open (ShoalPicker        *self,
           guint               class,
           guint               rarest,
           const ShoalPickWho *who,
           ShoalBlock         *out,
           guint               max)
{
  ShoalPickWho asker = *who;
  guint n = 0;

  SHOAL_NODE_FOREACH (node, &self->open[class])
    {
      PickerActive *active = SHOAL_NODE_OWNER (node, PickerActive, node);

      if (n == max)
        break;
      if (who->bits == NULL && active->n_requested > 0
          && picker_bucket_of (self, active->piece) > rarest)
        continue;
      asker.n_queued = who->n_queued + n;
      n += take_free (self, active, &asker, out + n, max - n);
    }

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

/* Whether the peer should send the block @factor times sooner than those who were asked. */
static gboolean
is_sooner (const PickerBlock  *block,
           const ShoalPickWho *who,
           guint               n_more,
           guint               factor)
{
  gint64 needs_us = expected_us (who, n_more) - who->now_us;
  gint64 left_us = ABS (block->due_us - who->now_us);

  return needs_us * factor + END_GAME_GRACE_US <= left_us;
}

void
picker_put_off (ShoalPicker  *self,
                gconstpointer owner,
                gint64        late_us)
{
  guint looks = 0;

  if (late_us <= END_GAME_GRACE_US)
    return;
  SHOAL_NODE_FOREACH (node, &self->closed)
    {
      PickerActive *active = SHOAL_NODE_OWNER (node, PickerActive, node);

      skip_received (active);
      for (guint32 i = active->missing_hint; i < active->n_blocks; i++)
        {
          PickerBlock *block = &active->blocks[i];

          if (++looks > END_GAME_LOOKS_MAX)
            return;
          if (block->n_owners > 0 && block->owners[0] == owner)
            block->due_us += late_us;
        }
    }
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
      if ((guint) picker_priority (self, active->piece) - 1 != class || active->alone
          || !picker_is_usable (active, who)
          || active->n_requested > MAX (SLOW_BLOCKS_MAX, active->n_blocks / 4))
        continue;

      skip_received (active);
      for (guint32 i = active->missing_hint; i < active->n_blocks && n < max; i++)
        {
          PickerBlock *block = &active->blocks[i];

          if (block->n_owners == 0 || block->n_owners == SHOAL_COPIES_MAX
              || is_owner (block, who->owner) || who->now_us - block->asked_us < SLOW_AGE_US
              || !is_sooner (block, who, n, SLOW_FACTOR))
            continue;
          picker_add_owner (active, i, who, n);
          out[n++] = (ShoalBlock) { .piece = active->piece, .block = i };
        }
    }

  return n;
}

/* From the end of what others were asked for, so that both do not send the same before a Cancel can
 * reach them. */
guint
picker_take_copies (ShoalPicker        *self,
                    const ShoalPickWho *who,
                    ShoalBlock         *out,
                    guint               max)
{
  guint looks = 0;
  guint n = 0;

  for (guint copies = 1; copies < SHOAL_COPIES_MAX; copies++)
    for (const ShoalNode *node = self->closed.prev; node != &self->closed; node = node->prev)
      {
        PickerActive *active = SHOAL_NODE_OWNER (node, PickerActive, node);

        if (active->alone || !picker_is_usable (active, who))
          continue;
        skip_received (active);
        for (guint32 i = active->n_blocks; i-- > active->missing_hint;)
          {
            PickerBlock *block = &active->blocks[i];

            if (n == max || looks == END_GAME_LOOKS_MAX)
              return n;
            looks++;
            if (block->n_owners != copies || is_owner (block, who->owner)
                || !is_sooner (block, who, n, END_GAME_FACTOR))
              continue;
            picker_add_owner (active, i, who, n);
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
  ShoalPickWho asker = *who;
  guint n = 0;

  for (guint i = 0; i < who->n_only && n < max; i++)
    {
      guint32 piece = who->only[i];
      PickerActive *active;

      if (piece >= self->layout->n_pieces || !shoal_bitfield_get (self->missing, piece)
          || (who->bits != NULL && !shoal_bitfield_get (who->bits, piece)))
        continue;
      active = picker_active (self, piece);
      asker.n_queued = who->n_queued + n;
      if (active == NULL && picker_may_start (self))
        n += take_new (self, piece, &asker, out + n, max - n);
      else if (active != NULL && active->n_free > 0 && !active->writing)
        n += take_free (self, active, &asker, out + n, max - n);
    }

  return n;
}

guint
shoal_picker_pick (ShoalPicker        *self,
                   const ShoalPickWho *who,
                   ShoalBlock         *out,
                   guint               max)
{
  ShoalPickWho asker = *who;
  guint n = 0;

  if (max == 0 || shoal_bitfield_is_empty (self->missing))
    return 0;
  picker_order_ensure (self);
  if (who->only != NULL)
    return pick_only (self, who, out, max);

  for (guint class = PICKER_CLASSES; class-- > 0 && n < max;)
    {
      guint rarest = picker_may_start (self) ? picker_order_rarest (self, class) : G_MAXUINT;

      asker.n_queued = who->n_queued + n;
      n += take_open (self, class, rarest, &asker, out + n, max - n);
      if (n == max)
        return n;
      asker.n_queued = who->n_queued + n;
      n += take_slow (self, class, &asker, out + n, max - n);
      while (n < max && picker_may_start (self))
        {
          guint32 piece = picker_order_choose (self, who, class);
          guint taken;

          asker.n_queued = who->n_queued + n;
          taken = piece != SHOAL_BITFIELD_NONE ? take_new (self, piece, &asker, out + n, max - n)
                                               : 0;
          if (taken == 0)
            break;
          n += taken;
        }
      if (n < max && rarest != G_MAXUINT && who->bits == NULL)
        {
          asker.n_queued = who->n_queued + n;
          n += take_open (self, class, G_MAXUINT, &asker, out + n, max - n);
        }
    }

  asker.n_queued = who->n_queued + n;
  if (n < max && shoal_picker_in_end_game (self))
    n += picker_take_copies (self, &asker, out + n, max - n);

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
