/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which block next, and where it goes: rarest first, strict priority, end game. */

#pragma once

#include "shoal-arena.h"
#include "shoal-bitfield.h"
#include "shoal-host.h"
#include "shoal-layout.h"
#include "shoal-rng.h"
#include "shoal-terms.h"

G_BEGIN_DECLS

#define SHOAL_RANDOM_FIRST_PIECES 4u   /* pieces fetched at random before the rarest come first */
#define SHOAL_COPIES_MAX          3u   /* requests for one block at a time in end game */

/**
 * ShoalPicker:
 *
 * Keeps the state of every piece and block of one torrent. A piece is exactly one of had, active
 * (blocks are requested, received or being hashed), wanted and skipped. A block of an active piece
 * is free, requested (by up to %SHOAL_COPIES_MAX owners), or received. Received blocks lie in runs
 * of the arena, or on disk when they were spilled. The rules:
 *
 * 1. Higher file priority first (high, normal, low): no lower piece while the peer has a
 *    requestable block of a higher one.
 * 2. Strict priority: pieces already active before new ones. But a peer that has everything rather
 *    begins a rarer one than that it goes on with a piece that others are sending.
 * 3. The first four pieces at random, then rarest first with chance among equals. Sequential: by
 *    index instead of 3.
 * 4. End game: once the torrent has no free block left that anybody could give, blocks are
 *    requested up to three times, each from a peer that is expected to send it in half the time:
 *    who was given nothing has to ask again, as blocks get overdue. A block held by an owner far
 *    slower than the asking one, in an otherwise finished piece, is shared the same way.
 * 5. A piece that failed its hash is fetched from one owner alone (`alone`), before any other new
 *    piece of its priority.
 * 6. A new piece is started only if its run fits the arena and a quarter of the arena stays free
 *    for pieces already started (a lone piece may always go on); only the oldest of those may use
 *    that quarter: an arena of 8 runs completes any torrent. Whoever was given nothing has to ask
 *    again once memory came back.
 *
 * An owner is a link; a contributor is the number of a known peer, which outlives the link.
 */
typedef struct _ShoalPicker ShoalPicker;

typedef struct
{
  guint32 piece;
  guint32 block;
} ShoalBlock;

/* Who asks for blocks. */
typedef struct
{
  gpointer             owner;
  guint                contributor;
  const ShoalBitfield *bits;            /* (nullable): pieces the peer has; NULL: all */
  const guint32       *only;            /* (nullable): restricted to these pieces (choked, BEP 6
                                         * allowed fast) */
  guint                n_only;
  guint64              rate;            /* bytes a second it sends */
  guint                n_queued;        /* blocks it was asked for and has not sent */
  gint64               now_us;
} ShoalPickWho;

/* borrowed, all three */
ShoalPicker         *shoal_picker_new            (const ShoalLayout *layout, ShoalArena *arena,
                                                  ShoalRng *rng);
void                 shoal_picker_free           (ShoalPicker *self);   /* gives its runs back */

/* What is had, wanted, and in what order. */
const ShoalBitfield *shoal_picker_had            (const ShoalPicker *self);
/* wanted and not had: what makes a peer interesting */
const ShoalBitfield *shoal_picker_missing        (const ShoalPicker *self);
void                 shoal_picker_set_had        (ShoalPicker *self, guint32 piece);
void                 shoal_picker_set_all_had    (ShoalPicker *self);
/* had no more */
void                 shoal_picker_set_lost       (ShoalPicker *self, guint32 piece);
void                 shoal_picker_set_priority   (ShoalPicker *self, guint32 piece,
                                                  ShoalPriority priority);
void                 shoal_picker_set_sequential (ShoalPicker *self, gboolean sequential);
/* from the resume record: on disk, not verified */
void                 shoal_picker_set_spilled    (ShoalPicker *self, guint32 piece, guint32 block);
void                 shoal_picker_set_alone      (ShoalPicker *self, guint32 piece, gboolean alone);

/* Availability: copies among connected peers. */
/* NULL: has all */
void                 shoal_picker_add_peer       (ShoalPicker *self, const ShoalBitfield *bits);
void                 shoal_picker_remove_peer    (ShoalPicker *self, const ShoalBitfield *bits);
void                 shoal_picker_add_copy       (ShoalPicker *self, guint32 piece);
void                 shoal_picker_remove_copy    (ShoalPicker *self, guint32 piece);
guint                shoal_picker_copies         (const ShoalPicker *self, guint32 piece);

/* Picks up to @max blocks, marks them requested by the owner. Returns how many. */
guint                shoal_picker_pick           (ShoalPicker *self, const ShoalPickWho *who,
                                                  ShoalBlock *out, guint max);

/**
 * shoal_picker_pick_run:
 * @cursor: (inout): a piece: where to look for new pieces first; moves behind what was picked
 *
 * The same for who fetches long ranges: blocks that follow each other without a gap, over the
 * border of pieces too. Within a class of priority: pieces that failed their hash, then pieces that
 * were begun and that nobody sends, then the first gap of new pieces that is long enough, or the
 * longest, then pieces that others send; copies in end game. A torrent that is fetched in order has
 * its first gap taken.
 */
guint                shoal_picker_pick_run       (ShoalPicker *self, const ShoalPickWho *who,
                                                  guint32 *cursor, ShoalBlock *out, guint max);
/* A request is off (choke, reject, timeout, cancel, close): the block is free again unless others
 * asked for it too. */
void                 shoal_picker_release        (ShoalPicker *self, gpointer owner,
                                                  ShoalBlock block);

/**
 * shoal_picker_place:
 *
 * Returns: (nullable): where the block's bytes belong in memory, if @owner is the only one that was
 *   asked for it, or the first and was shown the place while it was; %NULL: receive it elsewhere.
 *   Valid until anything else is called about this piece; bytes already there stay until the block
 *   is received or the request is off.
 */
guint8              *shoal_picker_place          (ShoalPicker *self, gpointer owner,
                                                  ShoalBlock block);

typedef enum
{
  SHOAL_ARRIVAL_NEW,          /* the block was missing */
  SHOAL_ARRIVAL_PIECE_FULL,   /* and it was the last of its piece */
  SHOAL_ARRIVAL_DUPLICATE,    /* it was had already, or nobody is asked for it and it has no place:
                               * waste */
} ShoalArrival;

/**
 * shoal_picker_received:
 * @data: (nullable): the block's bytes, copied; %NULL: they are in place (only if
 * shoal_picker_place() gives that still)
 * @others: (out): up to %SHOAL_COPIES_MAX owners who were asked too; their requests are off now and
 * want a Cancel
 */
ShoalArrival         shoal_picker_received       (ShoalPicker *self, const ShoalPickWho *who,
                                                  ShoalBlock block, const guint8 *data,
                                                  gpointer *others, guint *n_others);

/* A full piece: its runs in order for the PIECE job (returns how many; 0: blocks were spilled, it
 * must be hashed by reading back, after its remaining runs were spilled). */
guint                shoal_picker_n_runs         (const ShoalPicker *self, guint32 piece);
/* also partial pieces: only the parts that were received and not spilled */
guint                shoal_picker_runs           (ShoalPicker *self, guint32 piece, ShoalRun *runs,
                                                  guint max);
gboolean             shoal_picker_has_spilled    (const ShoalPicker *self, guint32 piece);
/* Whether every block was received and the verdict is not known yet. After
 * shoal_picker_set_spilled() too. */
gboolean             shoal_picker_is_full        (const ShoalPicker *self, guint32 piece);
gboolean             shoal_picker_is_spilling    (const ShoalPicker *self, guint32 piece);
/* Known peers that gave blocks of this piece. */
guint                shoal_picker_contributors   (const ShoalPicker *self, guint32 piece,
                                                  guint *numbers, guint max);
/* Who gave a received block of an active piece. */
guint                shoal_picker_contributor    (const ShoalPicker *self, ShoalBlock block);
/* The verdict about a full piece: had, or wanted again with every block free. Memory goes back to
 * the arena. */
void                 shoal_picker_judged         (ShoalPicker *self, guint32 piece, gboolean right);

/* Of the first @n blocks of a full piece those that are @wrong (a byte each) are free again. */
void                 shoal_picker_judged_blocks  (ShoalPicker *self, guint32 piece,
                                                  const guint8 *wrong, guint32 n);

/**
 * shoal_picker_coldest:
 * @older_us: only a piece to which nothing came since
 *
 * The piece whose memory should be written early: not being hashed, with received blocks in memory,
 * and nothing requested into it that is still coming if such a one exists. SHOAL_BITFIELD_NONE:
 * none.
 */
guint32              shoal_picker_coldest        (ShoalPicker *self, gint64 older_us);
/* shoal_picker_runs() of this piece are being written: they must not grow. No new block of it is
 * picked until shoal_picker_spilled(). */
void                 shoal_picker_spilling       (ShoalPicker *self, guint32 piece);
/* They are on disk: memory goes back, the blocks stay received. @ok FALSE: they stay in memory. */
void                 shoal_picker_spilled        (ShoalPicker *self, guint32 piece, gboolean ok);

/* For the resume record: blocks that are on disk, not verified. */
/* max 0: only counts */
guint                shoal_picker_spilled_blocks (const ShoalPicker *self, ShoalBlock *out,
                                                  guint max);

guint                shoal_picker_n_active       (const ShoalPicker *self);
gboolean             shoal_picker_in_end_game    (const ShoalPicker *self);
guint                shoal_picker_requests_of    (const ShoalPicker *self, ShoalBlock block);
/* Blocks that a slow peer should be asked for at a time, so that memory lasts for many: 4 while a
 * sixteenth of the arena is taken, 1 from an eighth on. */
guint                shoal_picker_fair_depth     (const ShoalPicker *self);
/* Whether a free or stealable block could be picked now by a peer that has everything. */
gboolean             shoal_picker_is_waiting     (const ShoalPicker *self);
/* Every invariant, by g_assert; slow. */
void                 shoal_picker_check          (const ShoalPicker *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalPicker, shoal_picker_free)

G_END_DECLS
