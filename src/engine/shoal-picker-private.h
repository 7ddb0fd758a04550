/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of the picker, shared by its parts only. */

#pragma once

#include "shoal-list.h"
#include "shoal-picker.h"

G_BEGIN_DECLS

#define PICKER_CLASSES    3u             /* low, normal, high: a priority less one */
#define PICKER_RUN_BLOCKS (SHOAL_RUN_SIZE / SHOAL_BLOCK_SIZE)
#define PICKER_CACHE_MAX  8u             /* structs of ended pieces that are kept for the next
                                          * ones */
#define PICKER_NOBODY     G_MAXUINT      /* contributor that is not known */

typedef enum
{
  BLOCK_RECEIVED = 1 << 0,
  BLOCK_WRITING  = 1 << 1,   /* received, part of the spill that is under way */
  BLOCK_SPILLED  = 1 << 2,   /* received, on disk, not in memory */
  BLOCK_PLACED   = 1 << 3,   /* the first owner was shown the block's place and may have filled a
                              * part of it */
} PickerBlockFlags;

/* A block is free (no owner, not received), requested (owners) or received. */
typedef struct
{
  gpointer owners[SHOAL_COPIES_MAX];
  gint64   asked_us;      /* last request */
  gint64   due_us;        /* when the first of its owners should have sent it */
  guint    contributor;   /* of a received block */
  guint8   n_owners;
  guint8   flags;
} PickerBlock;

typedef struct
{
  guint8 *data;           /* (nullable): from the arena */
  guint32 size;
  guint16 n_requested;    /* blocks */
  guint16 n_held;         /* blocks received and not spilled */
} PickerRun;

typedef struct
{
  ShoalNode    node;          /* in one of the picker's rings */
  guint32      piece;
  guint        index;         /* in the picker's array */
  guint32      size;          /* bytes */
  guint32      n_blocks;
  guint32      n_runs;
  guint32      n_free;
  guint32      n_requested;   /* blocks */
  guint32      n_received;
  guint32      n_spilled;
  guint32      free_hint;     /* no free block before it */
  guint32      missing_hint;  /* no block before it that is not received */
  gboolean     writing;       /* a spill is under way */
  gboolean     alone;
  guint        bound;         /* of a piece fetched alone: the contributor that may */
  guint64      serial;        /* pieces started later have a higher one */
  gint64       last_us;       /* start or last arrival */
  PickerBlock *blocks;
  PickerRun   *runs;
} PickerActive;

/* Pieces of one class with equally many copies, in no order. */
typedef struct
{
  guint32 *pieces;
  guint    n;
  guint    size;
} PickerBucket;

struct _ShoalPicker
{
  const ShoalLayout *layout;
  ShoalArena        *arena;
  ShoalRng          *rng;
  ShoalBitfield     *had;
  ShoalBitfield     *missing;       /* wanted and not had, active ones too */
  guint8            *priorities;    /* (nullable): a ShoalPriority each; NULL: all normal */
  gboolean           sequential;
  GArray            *alone;         /* (nullable): guint32 pieces */

  /* Availability: counts[piece] + n_all. */
  guint              n_peers;
  guint              n_all;
  guint16           *counts;        /* (nullable): while a peer with a part is connected */

  /* Order of the pieces that may be started; only while it is needed. */
  guint32           *where;         /* (nullable): place in its bucket, or index of an active
                                     * piece */
  ShoalBitfield     *ready;         /* (nullable): wanted, not had, not active: those in the
                                     * buckets */
  PickerBucket      *buckets[PICKER_CLASSES];
  guint              n_buckets[PICKER_CLASSES];
  guint              n_ready[PICKER_CLASSES];

  /* Pieces under way. */
  PickerActive     **actives;
  guint              n_actives;
  guint              actives_size;
  ShoalNode          open[PICKER_CLASSES];   /* with free blocks, oldest first */
  ShoalNode          closed;                 /* every block is requested or received, oldest
                                              * first */
  ShoalNode          busy;                   /* being hashed or spilled, or skipped meanwhile */
  guint64            serial;
  guint              n_runs;                 /* runs that were taken from the arena */
  PickerActive      *cache[PICKER_CACHE_MAX];
  guint              n_cache;
};

static inline ShoalPriority
picker_priority (const ShoalPicker *self,
                 guint32            piece)
{
  return self->priorities != NULL ? (ShoalPriority) self->priorities[piece] : SHOAL_PRIORITY_NORMAL;
}

static inline PickerActive *
picker_active (const ShoalPicker *self,
               guint32            piece)
{
  guint index;

  if (self->where == NULL)
    return NULL;
  index = self->where[piece];

  return index < self->n_actives && self->actives[index]->piece == piece ? self->actives[index]
                                                                         : NULL;
}

static inline gboolean
picker_is_full (const PickerActive *active)
{
  return active->n_received == active->n_blocks;
}

static inline guint32
picker_block_size (const PickerActive *active,
                   guint32             block)
{
  return MIN (SHOAL_BLOCK_SIZE, active->size - block * SHOAL_BLOCK_SIZE);
}

/* Whether a connected peer has the piece. */
static inline gboolean
picker_is_available (const ShoalPicker *self,
                     guint32            piece)
{
  return self->n_all > 0 || (self->counts != NULL && self->counts[piece] > 0);
}

/* shoal-picker-order.c */
void     picker_order_ensure  (ShoalPicker *self);
void     picker_order_trim    (ShoalPicker *self);   /* frees it if nobody needs it */
void     picker_order_add     (ShoalPicker *self, guint32 piece);
void     picker_order_remove  (ShoalPicker *self, guint32 piece);
guint32  picker_order_choose  (ShoalPicker *self, const ShoalPickWho *who, guint class);
/* bucket of what would be begun next; G_MAXUINT: chance or order decide */
guint    picker_order_rarest  (const ShoalPicker *self, guint class);
guint    picker_bucket_of     (const ShoalPicker *self, guint32 piece);

/* shoal-picker-active.c */
PickerActive *picker_start        (ShoalPicker *self, guint32 piece, gint64 now_us);
/* memory goes back; wanted pieces are ready again */
void          picker_end          (ShoalPicker *self, PickerActive *active);
void          picker_end_if_idle  (ShoalPicker *self, PickerActive *active);
void          picker_relist       (ShoalPicker *self, PickerActive *active);
/* FALSE: the arena is full */
gboolean      picker_need_run     (ShoalPicker *self, PickerActive *active, guint32 block);
void          picker_trim_run     (ShoalPicker *self, PickerRun *run);
/* received blocks are free again */
void          picker_forget_blocks (ShoalPicker *self, PickerActive *active);
gboolean      picker_may_start    (const ShoalPicker *self);

/* shoal-picker-pick.c */
/* @n_more: picked before it */
void          picker_add_owner    (PickerActive *active, guint32 index, const ShoalPickWho *who,
                                   guint n_more);
/* whether it may be asked for blocks of the piece at all */
gboolean      picker_is_usable    (const PickerActive *active, const ShoalPickWho *who);
/* what it was asked for comes so much later too, as its last block did */
void          picker_put_off      (ShoalPicker *self, gconstpointer owner, gint64 late_us);
guint         picker_take_copies  (ShoalPicker *self, const ShoalPickWho *who, ShoalBlock *out,
                                   guint max);

G_END_DECLS
