/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request after the other to a web seed: ranges of blocks, file by file, straight into the
 * memory of their pieces. */

/*
 * A lane has a range of blocks of the picker and walks through it: `at` is the next byte of the
 * torrent, `index` its block. What lies in one file up to the last block that is still wanted is
 * one request; zeros of pad files and the space between files of version 2 are passed over here.
 * When the range is through, the next is chosen at once.
 *
 * The host asks for room: the place of the block and of those behind it, as far as they lie in a
 * row. A block that has no place (somebody else fills it) or that nobody wants any more (somebody
 * else was sooner) goes to a buffer of the lane's own.
 *
 * A request that is given up loses its owner and is cancelled; the host gives it back later. Engine
 * thread only.
 */

#include "shoal-link-private.h"
#include "shoal-swarm-web.h"

#include <string.h>

#define SKIP_US    (G_USEC_PER_SEC / 4)   /* blocks that nobody wants any more are not waited for
                                           * longer than a new request takes */
#define LIMITED_US (5 * G_USEC_PER_SEC)   /* kept waiting by us so lately, it is not the server that
                                           * is late */

static void next_part (ShoalWebLane *self);
static void go_on     (gpointer owner);

static const ShoalFetchSink sink;

/* --- Life --- */

ShoalWebLane *
shoal_web_lane_new (ShoalSwarm   *swarm,
                    ShoalWebseed *seed)
{
  ShoalWebLane *self = g_new0 (ShoalWebLane, 1);
  guint most = SHOAL_WEB_RANGE_MAX / SHOAL_BLOCK_SIZE;

  self->swarm = swarm;
  self->seed = seed;
  self->blocks = g_new (ShoalBlock, most);
  self->live = g_new (guint8, most);
  shoal_rate_init (&self->rate, 5);
  shoal_limiter_wait_init (&self->wait, self);
  self->wait.go_on = go_on;

  return self;
}

void
shoal_web_lane_free (ShoalWebLane *self)
{
  g_assert (self->fetch == NULL && self->n_blocks == 0);

  g_free (self->blocks);
  g_free (self->live);
  g_free (self->own);
  g_free (self);
}

/* --- Blocks and bytes --- */

static guint64
block_begin (const ShoalWebLane *self,
             guint               index)
{
  const ShoalBlock *block = &self->blocks[index];

  return shoal_layout_piece_offset (self->swarm->metainfo->layout, block->piece)
         + (guint64) block->block * SHOAL_BLOCK_SIZE;
}

static guint32
block_size (const ShoalWebLane *self,
            guint               index)
{
  return shoal_layout_block_size (self->swarm->metainfo->layout, self->blocks[index].piece,
                                  self->blocks[index].block);
}

static guint64
block_end (const ShoalWebLane *self,
           guint               index)
{
  return block_begin (self, index) + block_size (self, index);
}

/* Where the bytes from `at` on belong, and how many of them, up to @end. */
static guint8 *
place (ShoalWebLane *self,
       guint64       end,
       gsize        *size)
{
  guint32 done = (guint32) (self->at - block_begin (self, self->index));
  guint8 *first = NULL;

  if (done == 0)
    self->in_own = FALSE;
  if (!self->in_own && self->live[self->index])
    first = shoal_picker_place (self->swarm->picker, self, self->blocks[self->index]);

  *size = (gsize) (MIN (end, block_end (self, self->index)) - self->at);
  if (first == NULL)
    {
      if (self->own == NULL)
        self->own = g_malloc (SHOAL_BLOCK_SIZE);
      self->in_own = TRUE;
      return self->own + done;
    }

  for (guint i = self->index + 1; i < self->n_blocks && self->live[i] && self->at + *size < end;
       i++)
    {
      if (block_begin (self, i) != self->at + *size
          || shoal_picker_place (self->swarm->picker, self, self->blocks[i])
               != first + done + *size)
        break;
      *size += (gsize) (MIN (end, block_end (self, i)) - block_begin (self, i));
    }

  return first + done;
}

/* The block under way is over: the next that is wanted, or the end of the range. */
static void
next_block (ShoalWebLane *self)
{
  self->index++;
  self->in_own = FALSE;
  if (self->index < self->n_blocks)
    self->at = block_begin (self, self->index);
}

/* @size bytes lie where place() wanted them. */
static void
advance (ShoalWebLane *self,
         guint64       size)
{
  while (size > 0)
    {
      guint index = self->index;
      guint64 n = MIN (size, block_end (self, index) - self->at);

      size -= n;
      self->at += n;
      if (self->at < block_end (self, index))
        return;
      if (self->live[index])
        {
          self->live[index] = FALSE;
          self->n_live--;
          shoal_swarm_take_block (self->swarm, self, self->seed->contributor, self->blocks[index],
                                  block_size (self, index), self->in_own ? self->own : NULL);
        }
      else
        {
          self->swarm->wasted += block_size (self, index);
        }
      next_block (self);
    }
}

static void
fill_zeros (ShoalWebLane *self,
            guint64       end)
{
  while (self->index < self->n_blocks && self->at < end)
    {
      gsize size;
      guint8 *data = place (self, end, &size);

      memset (data, 0, size);
      advance (self, size);
    }
}

/* The block under way is not waited for any more: what came of it came for nothing. */
static void
waste_part (ShoalWebLane *self)
{
  if (self->index < self->n_blocks)
    self->swarm->wasted += self->at - block_begin (self, self->index);
}

/* --- Giving up --- */

/* The host keeps the request until it has ended it. */
static void
let_go (ShoalWebLane *self)
{
  ShoalFetch *fetch = g_steal_pointer (&self->fetch);

  if (fetch == NULL)
    return;
  fetch->done.owner = NULL;
  fetch->cancelled = TRUE;
  shoal_limiter_wait_end (&self->wait);
  self->swarm->engine->host->ops->attend_fetch (self->swarm->engine->host, fetch);
}

static void
rest (ShoalWebLane *self)
{
  if (self->n_blocks == 0)
    return;
  self->n_blocks = self->n_live = self->index = 0;
  self->seed->n_lanes--;
  self->swarm->engine->n_web_lanes--;
}

void
shoal_web_lane_drop (ShoalWebLane *self)
{
  let_go (self);
  waste_part (self);
  for (guint i = self->index; i < self->n_blocks; i++)
    if (self->live[i] && self->swarm->picker != NULL)
      shoal_picker_release (self->swarm->picker, self, self->blocks[i]);
  rest (self);
}

void
shoal_web_lane_withdraw (ShoalWebLane *self,
                         ShoalBlock    block)
{
  for (guint i = self->index; i < self->n_blocks; i++)
    if (self->live[i] && self->blocks[i].piece == block.piece
        && self->blocks[i].block == block.block)
      {
        self->live[i] = FALSE;
        self->n_live--;
      }
  /* Nothing is left of the range: whatever is chosen next is chosen in the tick, not in the midst
   * of somebody's block. */
  if (self->n_live == 0)
    shoal_web_lane_drop (self);
}

static void
fail (ShoalWebLane *self,
      const char   *why)
{
  ShoalSwarm *swarm = self->swarm;
  ShoalWebseed *seed = self->seed;

  shoal_web_lane_drop (self);
  shoal_webseed_failed (seed, why, shoal_swarm_now (swarm));
  shoal_swarm_web_pump (swarm);
}

/* --- Requests --- */

static void
on_fetch (ShoalDone *done,
          gint64     now_us)
{
  ShoalFetch *fetch = (ShoalFetch *) done;
  ShoalWebLane *self = done->owner;

  if (self != NULL)
    {
      self->fetch = NULL;
      shoal_limiter_wait_end (&self->wait);
      if (self->hinting)
        {
          shoal_web_lane_drop (self);
          shoal_webseed_later (self->seed,
                               (guint) MIN (g_ascii_strtoull (self->hint, NULL, 10),
                                            SHOAL_WEBSEED_AFTER_MAX_S),
                               now_us);
          shoal_swarm_web_pump (self->swarm);
        }
      else if (self->taking && self->at >= self->part_end)
        {
          next_part (self);
        }
      else if (self->taking && self->at - self->part_begin >= SHOAL_BLOCK_SIZE)
        {
          /* It ended early, but brought something: it is asked for the rest. */
          next_part (self);
        }
      else
        {
          fail (self, fetch->error != NULL ? fetch->error : "it ends its answers early");
        }
    }
  shoal_fetch_free (fetch);
}

static void
ask (ShoalWebLane *self)
{
  ShoalEngine *engine = self->swarm->engine;
  const ShoalMetainfo *metainfo = self->swarm->metainfo;
  guint64 size = self->part_end - self->at;
  g_autofree char *url = NULL;

  if (self->seed->kind == SHOAL_WEBSEED_PIECES)
    url = shoal_webseed_piece_url (self->seed, metainfo, self->blocks[self->index].piece,
                                   (guint32) (self->at
                                              - shoal_layout_piece_offset (metainfo->layout,
                                                                           self->blocks[self->index]
                                                                             .piece)),
                                   (guint32) size);
  else
    url = shoal_webseed_file_url (self->seed, metainfo, self->file);

  self->fetch = shoal_fetch_new (SHOAL_FETCH_SEED, url);
  self->fetch->done.func = on_fetch;
  self->fetch->done.owner = self;
  self->fetch->sink = &sink;
  self->fetch->timeout_s = SHOAL_WEB_HEAD_S;
  if (self->seed->kind == SHOAL_WEBSEED_FILES)
    {
      self->fetch->range_first = self->at - metainfo->layout->file_offset[self->file];
      self->fetch->range_size = size;
    }
  self->part_begin = self->at;
  self->taking = self->hinting = FALSE;
  self->hint_size = 0;
  self->asked_us = self->heard_us = engine->now_us;
  engine->host->ops->fetch (engine->host, self->fetch);
}

/* The end of the last block that is wanted and follows the one under way without a gap. */
static guint64
wanted_end (const ShoalWebLane *self)
{
  guint last = self->n_blocks - 1;
  guint i = self->index;

  while (last > self->index && !self->live[last])
    last--;
  while (i < last && block_begin (self, i + 1) == block_end (self, i)
         && (self->seed->kind == SHOAL_WEBSEED_FILES
             || self->blocks[i + 1].piece == self->blocks[i].piece))
    i++;

  return block_end (self, i);
}

/* The next request of the range, or the next range. */
static void
next_part (ShoalWebLane *self)
{
  const ShoalLayout *layout = self->swarm->metainfo->layout;

  for (;;)
    {
      guint64 file_end;

      while (self->index < self->n_blocks && !self->live[self->index])
        next_block (self);
      if (self->index >= self->n_blocks || self->n_live == 0)
        {
          ShoalSwarm *swarm = self->swarm;
          ShoalWebseed *seed = self->seed;

          shoal_web_lane_drop (self);
          shoal_webseed_worked (seed);
          shoal_web_fill (swarm, seed);
          return;
        }
      self->part_end = wanted_end (self);
      if (self->seed->kind == SHOAL_WEBSEED_PIECES)
        break;

      self->file = shoal_layout_file_at (layout, self->at);
      file_end = layout->file_offset[self->file] + layout->file_size[self->file];
      self->part_end = MIN (self->part_end, file_end);
      if (!layout->file_pad[self->file])
        break;
      fill_zeros (self, self->part_end);
    }
  ask (self);
}

/* How many blocks the lane takes on at once. */
static guint
range_blocks (ShoalWebLane *self)
{
  guint64 rate = shoal_rate_get (&self->rate, shoal_swarm_now (self->swarm));
  guint64 size = rate > 0 ? rate * SHOAL_WEB_RANGE_US / G_USEC_PER_SEC : SHOAL_WEB_RANGE_FIRST;
  guint64 most = MIN (SHOAL_WEB_RANGE_MAX,
                      shoal_arena_capacity (self->swarm->engine->arena) / SHOAL_WEB_ARENA_SHARE);

  return (guint) (MAX (MIN (MAX (size, SHOAL_WEB_RANGE_MIN), most), SHOAL_BLOCK_SIZE)
                  / SHOAL_BLOCK_SIZE);
}

gboolean
shoal_web_lane_begin (ShoalWebLane *self)
{
  ShoalSwarm *swarm = self->swarm;
  ShoalPickWho who = {
    .owner = self,
    .contributor = self->seed->contributor,
    .bits = self->seed->bits,
    .rate = shoal_rate_get (&self->rate, shoal_swarm_now (swarm)),
    .now_us = shoal_swarm_now (swarm),
  };

  g_assert (self->n_blocks == 0);

  if (!self->seed->started)
    {
      self->seed->started = TRUE;
      self->seed->cursor = swarm->sequential
                             ? 0
                             : (guint32) shoal_rng_below (&swarm->engine->rng, swarm->n_pieces);
    }
  self->n_blocks = shoal_picker_pick_run (swarm->picker, &who, &self->seed->cursor, self->blocks,
                                          range_blocks (self));
  if (self->n_blocks == 0)
    return FALSE;
  self->n_live = self->n_blocks;
  memset (self->live, TRUE, self->n_blocks);
  self->index = 0;
  self->in_own = FALSE;
  self->at = block_begin (self, 0);
  self->seed->n_lanes++;
  swarm->engine->n_web_lanes++;
  next_part (self);

  return TRUE;
}

/* --- The body --- */

static void
refused (ShoalWebLane       *self,
         ShoalWebseedVerdict verdict,
         gint64              now_us)
{
  ShoalSwarm *swarm = self->swarm;
  ShoalWebseed *seed = self->seed;
  guint32 file = self->file;

  shoal_web_lane_drop (self);
  if (verdict == SHOAL_WEBSEED_GONE && seed->kind == SHOAL_WEBSEED_FILES)
    {
      shoal_web_uncount (swarm, seed);
      shoal_webseed_lacks (seed, swarm->metainfo->layout, file, now_us);
    }
  else if (verdict == SHOAL_WEBSEED_GONE)
    {
      shoal_webseed_failed (seed, "the pieces are not there", now_us);
    }
  shoal_swarm_web_pump (swarm);
}

static gboolean
on_head (ShoalFetch *fetch,
         gint64      now_us)
{
  ShoalWebLane *self = fetch->done.owner;
  const ShoalLayout *layout;
  ShoalWebseedVerdict verdict;
  guint64 expected;

  if (self == NULL)
    return FALSE;
  layout = self->swarm->metainfo->layout;
  expected = self->seed->kind == SHOAL_WEBSEED_FILES ? layout->file_size[self->file]
                                                     : self->part_end - self->part_begin;
  verdict = shoal_webseed_judge (self->seed, fetch, expected, now_us);
  self->heard_us = now_us;
  self->taking = verdict == SHOAL_WEBSEED_TAKE;
  self->hinting = verdict == SHOAL_WEBSEED_HINT;
  if (self->taking || self->hinting)
    return TRUE;
  refused (self, verdict, now_us);

  return FALSE;
}

static guint8 *
on_room (ShoalFetch *fetch,
         gsize      *size,
         gint64      now_us)
{
  ShoalWebLane *self = fetch->done.owner;
  ShoalSwarm *swarm;
  guint64 allowed;
  guint8 *data;

  if (self == NULL)
    return NULL;
  swarm = self->swarm;
  if (self->hinting)
    {
      *size = SHOAL_WEB_HINT_SIZE - self->hint_size;
      return (guint8 *) self->hint + self->hint_size;
    }
  if (self->at >= self->part_end)
    {
      /* Only the end may come now. */
      if (self->own == NULL)
        self->own = g_malloc (SHOAL_BLOCK_SIZE);
      *size = SHOAL_BLOCK_SIZE;
      return self->own;
    }

  allowed = shoal_limiter_ask (&swarm->engine->limiter, &swarm->limiter, SHOAL_DOWN,
                               self->part_end - self->at, &self->wait, now_us);
  if (allowed == 0)
    {
      self->limited_us = now_us;
      return NULL;
    }
  data = place (self, self->part_end, size);
  *size = (gsize) MIN (*size, allowed);

  return data;
}

static void
count (ShoalWebLane *self,
       guint64       size,
       gint64        now_us)
{
  ShoalSwarm *swarm = self->swarm;

  shoal_limiter_spend (&swarm->engine->limiter, &swarm->limiter, SHOAL_DOWN, size, &self->wait);
  shoal_rate_add (&self->rate, size, now_us);
  shoal_rate_add (&swarm->rate_down, size, now_us);
  shoal_rate_add (&swarm->engine->rate_down, size, now_us);
  swarm->downloaded += size;
  self->heard_us = now_us;
}

/* Whether the answer goes on behind the part: a whole file where a part of it was wanted. */
static gboolean
is_longer (const ShoalWebLane *self)
{
  guint64 size = self->part_end - self->part_begin;

  if (self->fetch->content_size != SHOAL_SIZE_UNKNOWN)
    return self->fetch->content_size > size;

  return self->seed->kind == SHOAL_WEBSEED_FILES && !self->fetch->has_range
         && self->swarm->metainfo->layout->file_size[self->file] > size;
}

/* Whether others have sent so much of what comes next that it is sooner asked for from behind
 * it. */
static gboolean
is_worth_skipping (ShoalWebLane *self,
                   gint64        now_us)
{
  guint64 rate = shoal_rate_get (&self->rate, now_us);
  guint64 size = 0;

  for (guint i = self->index;
       i < self->n_blocks && !self->live[i] && block_begin (self, i) < self->part_end; i++)
    size += block_size (self, i);

  return size > 0 && size * G_USEC_PER_SEC > rate * SKIP_US;
}

static void
on_came (ShoalFetch *fetch,
         gsize       size,
         gint64      now_us)
{
  ShoalWebLane *self = fetch->done.owner;

  if (self == NULL)
    return;
  if (self->hinting)
    {
      self->hint_size += (guint) size;
      self->hint[self->hint_size] = '\0';
      if (self->hint_size == SHOAL_WEB_HINT_SIZE)
        fail (self, "it is busy");
      return;
    }

  count (self, size, now_us);
  if (self->at >= self->part_end)
    {
      /* More than was asked for: the connection is not worth what is still to come. */
      self->swarm->wasted += size;
      let_go (self);
      next_part (self);
      return;
    }
  advance (self, size);
  if (self->at < self->part_end && self->n_live > 0 && !is_worth_skipping (self, now_us))
    return;
  if (self->at < self->part_end || is_longer (self))
    {
      let_go (self);
      if (self->at < self->part_end)
        waste_part (self);
      next_part (self);
    }
}

static const ShoalFetchSink sink = {
  .head = on_head,
  .room = on_room,
  .came = on_came,
};

/* A limit lets bytes pass again. */
static void
go_on (gpointer owner)
{
  ShoalWebLane *self = owner;

  if (self->fetch != NULL)
    self->swarm->engine->host->ops->attend_fetch (self->swarm->engine->host, self->fetch);
}

/* --- The tick --- */

void
shoal_web_lane_tick (ShoalWebLane *self)
{
  gint64 now_us = shoal_swarm_now (self->swarm);

  if (self->fetch == NULL || (!self->taking && !self->hinting))
    return;
  if (self->limited_us != 0 && self->limited_us + LIMITED_US > now_us)
    {
      self->heard_us = self->asked_us = now_us;
      return;
    }
  if (now_us - self->heard_us > SHOAL_WEB_SILENCE_US)
    fail (self, "it stopped sending");
  else if (now_us - self->asked_us > SHOAL_WEB_SLOW_US
           && self->at - self->part_begin < SHOAL_WEB_SLOW_SIZE)
    fail (self, "it is too slow");
}
