/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a torrent has: blocks that arrive, pieces that are judged, files that become whole. */

/*
 * While there is a picker it knows what is had; without one (paused, seeding everything) `had` or
 * `all_had` does. The picker's memory is used by disk jobs, so it stays until the last of them is
 * done.
 */

#include "shoal-link-private.h"

#include <string.h>

const ShoalBitfield *
shoal_swarm_had (const ShoalSwarm *self)
{
  if (self->all_had)
    return NULL;

  return self->picker != NULL ? shoal_picker_had (self->picker) : self->had;
}

gboolean
shoal_swarm_has_piece (const ShoalSwarm *self,
                       guint32           piece)
{
  const ShoalBitfield *had = shoal_swarm_had (self);

  return self->all_had ? piece < self->n_pieces : had != NULL && shoal_bitfield_get (had, piece);
}

static gboolean
is_skipped (const ShoalSwarm *self,
            guint32           file)
{
  return self->priorities != NULL && self->priorities[file] == SHOAL_PRIORITY_SKIP;
}

guint64
shoal_swarm_left (ShoalSwarm *self)
{
  const ShoalBitfield *had = shoal_swarm_had (self);
  guint64 left = 0;

  if (self->all_had)
    return 0;
  if (!self->has_metadata)
    return SHOAL_BLOCK_SIZE;   /* not known, but not nothing: trackers take 0 for a seed */
  if (self->metainfo == NULL || had == NULL)
    return self->total_size;
  for (guint32 piece = shoal_bitfield_next_clear (had, 0); piece != SHOAL_BITFIELD_NONE;
       piece = shoal_bitfield_next_clear (had, piece + 1))
    left += shoal_layout_piece_size (self->metainfo->layout, piece);

  return left;
}

guint64
shoal_swarm_wanted_had (ShoalSwarm *self)
{
  const ShoalBitfield *had = shoal_swarm_had (self);
  ShoalLayout *layout;
  guint64 sum = 0;

  if (self->all_had)
    return self->wanted_size;
  if (had == NULL || shoal_bitfield_is_empty (had))
    return 0;
  if (self->metainfo == NULL)
    return self->wanted_had;

  layout = self->metainfo->layout;
  for (guint32 file = 0; file < layout->n_files; file++)
    {
      guint64 begin = layout->file_offset[file];
      guint64 end = begin + layout->file_size[file];
      guint32 first, last;

      if (layout->file_pad[file] || is_skipped (self, file))
        continue;
      shoal_layout_file_pieces (layout, file, &first, &last);
      for (guint32 piece = shoal_bitfield_next_set (had, first); piece < last;
           piece = shoal_bitfield_next_set (had, piece + 1))
        {
          guint64 from = shoal_layout_piece_offset (layout, piece);
          guint64 to = from + shoal_layout_piece_size (layout, piece);

          sum += MIN (to, end) - MAX (from, begin);
        }
    }

  return sum;
}

gboolean
shoal_swarm_is_complete (ShoalSwarm *self)
{
  if (self->all_had)
    return TRUE;
  if (!self->has_metadata)
    return FALSE;
  shoal_swarm_make_picker (self);

  return shoal_bitfield_is_empty (shoal_picker_missing (self->picker));
}

/* A piece is as wanted as the most wanted file in it. */
void
shoal_swarm_apply_priorities (ShoalSwarm *self)
{
  ShoalLayout *layout;
  g_autofree guint8 *pieces = NULL;

  if (self->metainfo == NULL)
    return;
  layout = self->metainfo->layout;
  self->wanted_size = 0;
  pieces = g_malloc0 (MAX (self->n_pieces, 1));
  for (guint32 file = 0; file < layout->n_files; file++)
    {
      ShoalPriority priority = self->priorities != NULL ? self->priorities[file]
                                                        : SHOAL_PRIORITY_NORMAL;
      guint32 first, end;

      if (layout->file_pad[file])
        continue;
      if (priority != SHOAL_PRIORITY_SKIP)
        self->wanted_size += layout->file_size[file];
      shoal_layout_file_pieces (layout, file, &first, &end);
      for (guint32 piece = first; piece < end; piece++)
        pieces[piece] = MAX (pieces[piece], priority);
      if (self->first_last && priority != SHOAL_PRIORITY_SKIP && first < end)
        pieces[first] = pieces[end - 1] = SHOAL_PRIORITY_HIGH;
    }
  if (self->picker == NULL)
    return;
  for (guint32 piece = 0; piece < self->n_pieces; piece++)
    shoal_picker_set_priority (self->picker, piece, pieces[piece]);
  shoal_picker_set_sequential (self->picker, self->sequential);
  self->missing_changed = TRUE;
}

void
shoal_swarm_make_picker (ShoalSwarm *self)
{
  if (self->picker != NULL || self->all_had || self->metainfo == NULL)
    return;

  self->picker = shoal_picker_new (self->metainfo->layout, self->engine->arena, &self->engine->rng);
  if (self->had != NULL)
    for (guint32 piece = shoal_bitfield_next_set (self->had, 0); piece != SHOAL_BITFIELD_NONE;
         piece = shoal_bitfield_next_set (self->had, piece + 1))
      shoal_picker_set_had (self->picker, piece);
  g_clear_pointer (&self->had, shoal_bitfield_free);
  shoal_swarm_apply_priorities (self);
  for (guint i = 0; self->spilled != NULL && i < self->spilled->len; i++)
    {
      ShoalBlock block = g_array_index (self->spilled, ShoalBlock, i);

      if (block.piece < self->n_pieces
          && block.block < shoal_layout_n_blocks (self->metainfo->layout, block.piece)
          && !shoal_bitfield_get (shoal_picker_had (self->picker), block.piece))
        shoal_picker_set_spilled (self->picker, block.piece, block.block);
      /* No block would ever come that makes it be judged. */
      if (block.piece < self->n_pieces && shoal_picker_is_full (self->picker, block.piece))
        shoal_picker_judged (self->picker, block.piece, FALSE);
    }
  g_clear_pointer (&self->spilled, g_array_unref);
  SHOAL_NODE_FOREACH (node, &self->links)
    shoal_link_count (SHOAL_NODE_OWNER (node, ShoalLink, swarm_node));
}

static GArray *
spilled_blocks (ShoalPicker *picker)
{
  guint n = shoal_picker_spilled_blocks (picker, NULL, 0);
  GArray *blocks;

  if (n == 0)
    return NULL;
  blocks = g_array_sized_new (FALSE, FALSE, sizeof (ShoalBlock), n);
  g_array_set_size (blocks, n);
  shoal_picker_spilled_blocks (picker, (ShoalBlock *) (gpointer) blocks->data, n);

  return blocks;
}

void
shoal_swarm_drop_picker (ShoalSwarm *self)
{
  if (self->picker == NULL || self->n_piece_jobs > 0)
    return;

  shoal_swarm_web_stop (self);
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      shoal_link_give_back (link, TRUE);
      shoal_link_uncount (link);
    }
  g_clear_pointer (&self->had, shoal_bitfield_free);
  g_clear_pointer (&self->spilled, g_array_unref);
  if (!self->all_had)
    {
      self->had = shoal_bitfield_copy (shoal_picker_had (self->picker));
      self->spilled = spilled_blocks (self->picker);
    }
  shoal_swarm_leaves_clear (self);
  g_clear_pointer (&self->picker, shoal_picker_free);
  g_clear_pointer (&self->plain_metainfo, shoal_metainfo_unref);
  g_clear_pointer (&self->suspects, shoal_suspects_free);
}

/* --- Pieces --- */

/* A file whose last piece came gets its final name soon. */
static void
notice_files (ShoalSwarm *self,
              guint32     piece)
{
  ShoalLayout *layout = self->metainfo->layout;
  const ShoalBitfield *had = shoal_picker_had (self->picker);
  guint64 end = shoal_layout_piece_offset (layout, piece) + shoal_layout_piece_size (layout, piece);

  for (guint32 file = layout->piece_file[piece];
       file < layout->n_files && layout->file_offset[file] < end; file++)
    {
      guint32 first, last;

      shoal_layout_file_pieces (layout, file, &first, &last);
      if (shoal_bitfield_next_clear (had, first) >= last)
        self->finish_wanted = TRUE;
    }
}

static void
piece_right (ShoalSwarm *self,
             guint32     piece)
{
  const ShoalBitfield *had;

  shoal_picker_judged (self->picker, piece, TRUE);
  had = shoal_picker_had (self->picker);
  self->n_fails = 0;
  self->dirty = TRUE;
  self->missing_changed = TRUE;
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (shoal_link_is_live (link) && link->we_told && !link->has_all)
        shoal_link_say_piece (link, SHOAL_MESSAGE_HAVE, piece);
    }
  notice_files (self, piece);
  if (shoal_bitfield_is_full (had))
    self->all_had = TRUE;
  if (self->state == SHOAL_TORRENT_DOWNLOADING
      && shoal_bitfield_is_empty (shoal_picker_missing (self->picker)))
    {
      self->choke_now = TRUE;
      shoal_swarm_finish (self);
    }
}

/* Memory is free again: links that ran short of requests because there was none go on at once. */
void
shoal_swarm_feed_links (ShoalSwarm *self)
{
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (link->requests.n_live < link->depth / 2)
        shoal_link_request_more (link);
    }
  shoal_swarm_web_pump (self);
}

void
shoal_swarm_piece_job_over (ShoalSwarm *self)
{
  if (self->state == SHOAL_TORRENT_DOWNLOADING)
    shoal_swarm_feed_links (self);
  self->n_piece_jobs--;
  if (self->n_piece_jobs > 0)
    return;
  if (!shoal_swarm_is_live (self) && self->state != SHOAL_TORRENT_CHECKING)
    {
      shoal_swarm_drop_picker (self);
      if (self->state == SHOAL_TORRENT_PAUSED || self->state == SHOAL_TORRENT_FAILED
          || self->state == SHOAL_TORRENT_QUEUED)
        shoal_swarm_save (self);
    }
  else if (self->state == SHOAL_TORRENT_SEEDING && self->all_had)
    {
      shoal_swarm_drop_picker (self);
    }
}

/* The piece cannot be judged: the torrent stops. */
static void
fail_piece (ShoalSwarm   *self,
            ShoalDiskJob *job,
            ShoalReason   reason,
            const char   *detail)
{
  shoal_picker_judged (self->picker, job->piece, FALSE);
  shoal_swarm_fail (self, reason, detail);
}

/* A piece was hashed from memory, or one that was spilled was read back. */
static void
on_hashed (ShoalDone *done,
           gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;
  ShoalSwarm *self = done->owner;
  gboolean read_back = job->op == SHOAL_DISK_CHECK;
  gboolean gone = read_back && (job->verdicts == NULL || job->verdicts[0] == SHOAL_PIECE_MISSING);
  gboolean wrong = read_back ? !gone && job->verdicts[0] != SHOAL_PIECE_RIGHT : job->hash_wrong;

  shoal_engine_disk_done (job);
  if (job->reason != SHOAL_REASON_NONE)
    {
      fail_piece (self, job, job->reason, job->detail);
    }
  else if (job->halves_differ)
    {
      fail_piece (self, job, SHOAL_REASON_BAD_METADATA,
                  "the two halves of the hybrid torrent name different data");
    }
  else if (gone)
    {
      /* It was written and is gone: that is nobody's lie. */
      fail_piece (self, job, SHOAL_REASON_DATA_MISSING, "a file that was being written is gone");
    }
  else if (!wrong)
    {
      shoal_swarm_find_liars (self, job);
      piece_right (self, job->piece);
    }
  else if (!shoal_swarm_leaves_begin (self, job))
    {
      shoal_swarm_judge_whole (self, job->piece, job->digests);
    }
  shoal_swarm_changed (self);
  shoal_swarm_piece_job_over (self);
  shoal_disk_job_free (job);
}

ShoalDiskJob *
shoal_swarm_piece_job (ShoalSwarm *self,
                       ShoalDiskOp op,
                       guint32     piece,
                       void      (*func) (ShoalDone *, gint64))
{
  ShoalDiskJob *job = shoal_disk_job_new (op, self->id);

  job->piece = piece;
  job->done.func = func;
  job->done.owner = self;
  self->n_piece_jobs++;

  return job;
}

/*
 * Padding is zeros, whatever a peer sent for it. Version 2 does not look at it and version 1 does:
 * with other bytes the halves of a hybrid would seem to differ, and anybody could make the torrent
 * fail.
 */
static void
clear_padding (const ShoalLayout  *layout,
               const ShoalDiskJob *job)
{
  guint64 begin = shoal_layout_piece_offset (layout, job->piece);
  guint64 end = begin + shoal_layout_piece_size (layout, job->piece);

  for (guint32 file = layout->piece_file[job->piece];
       file < layout->n_files && layout->file_offset[file] < end; file++)
    {
      guint64 from = MAX (layout->file_offset[file], begin) - begin;
      guint64 to = MIN (layout->file_offset[file] + layout->file_size[file], end) - begin;

      for (guint i = 0; layout->file_pad[file] && i < job->n_runs; i++)
        {
          const ShoalRun *run = &job->runs[i];
          guint64 first = MAX (from, run->offset);
          guint64 last = MIN (to, (guint64) run->offset + run->size);

          if (first < last)
            memset (run->data + (first - run->offset), 0, (gsize) (last - first));
        }
    }
}

static void
add_runs (ShoalSwarm   *self,
          ShoalDiskJob *job)
{
  job->n_runs = shoal_picker_n_runs (self->picker, job->piece);
  job->runs = g_new (ShoalRun, MAX (job->n_runs, 1));
  job->n_runs = shoal_picker_runs (self->picker, job->piece, job->runs, job->n_runs);
  clear_padding (self->metainfo->layout, job);
}

static void
check_spilled_piece (ShoalSwarm *self,
                     guint32     piece)
{
  ShoalDiskJob *job = shoal_swarm_piece_job (self, SHOAL_DISK_CHECK, piece, on_hashed);

  job->n_pieces = 1;
  job->wants_digests = shoal_swarm_wants_digests (self, piece);
  job->wants_leaves = self->metainfo->hash.has_v2;
  shoal_engine_disk (self->engine, job);
}

static void
on_last_spill (ShoalDone *done,
               gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;
  ShoalSwarm *self = done->owner;

  shoal_engine_disk_done (job);
  if (job->reason != SHOAL_REASON_NONE)
    {
      shoal_picker_judged (self->picker, job->piece, FALSE);
      shoal_swarm_fail (self, job->reason, job->detail);
    }
  else if (!self->opened)
    {
      /* The torrent was stopped meanwhile: nothing can be read back. */
      shoal_picker_judged (self->picker, job->piece, FALSE);
    }
  else
    {
      check_spilled_piece (self, job->piece);
    }
  shoal_swarm_piece_job_over (self);
  shoal_disk_job_free (job);
}

/* Every block of the piece is there. */
static void
piece_full (ShoalSwarm *self,
            guint32     piece)
{
  ShoalDiskJob *job;

  /* Its last block came while others of it were being written: on_spill() goes on. */
  if (shoal_picker_is_spilling (self->picker, piece))
    return;
  if (shoal_picker_has_spilled (self->picker, piece))
    {
      job = shoal_swarm_piece_job (self, SHOAL_DISK_SPILL, piece, on_last_spill);
      add_runs (self, job);
      shoal_engine_disk (self->engine, job);
      return;
    }
  job = shoal_swarm_piece_job (self, SHOAL_DISK_PIECE, piece, on_hashed);
  job->wants_leaves = self->metainfo->hash.has_v2;
  add_runs (self, job);
  shoal_engine_disk (self->engine, job);
}

void
shoal_swarm_take_block (ShoalSwarm   *self,
                        gpointer      owner,
                        guint         contributor,
                        ShoalBlock    block,
                        guint32       size,
                        const guint8 *data)
{
  ShoalPickWho who = { .owner = owner,
                       .contributor = contributor,
                       .now_us = shoal_swarm_now (self) };
  gpointer others[SHOAL_COPIES_MAX];
  guint n_others = 0;
  ShoalArrival arrival = shoal_picker_received (self->picker, &who, block, data, others, &n_others);

  for (guint i = 0; i < n_others; i++)
    if (!shoal_swarm_web_withdraw (self, others[i], block))
      shoal_link_withdraw (others[i], block);
  self->dirty = TRUE;
  if (arrival == SHOAL_ARRIVAL_DUPLICATE)
    self->wasted += size;
  else if (arrival == SHOAL_ARRIVAL_PIECE_FULL)
    piece_full (self, block.piece);
}

void
shoal_swarm_block (ShoalSwarm   *self,
                   ShoalLink    *link,
                   ShoalBlock    block,
                   guint32       size,
                   const guint8 *data)
{
  shoal_swarm_take_block (self, link, link->contributor, block, size, data);
}

/* --- Spilling --- */

static void
on_spill (ShoalDone *done,
          gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;
  ShoalSwarm *self = done->owner;

  shoal_engine_disk_done (job);
  shoal_picker_spilled (self->picker, job->piece, job->reason == SHOAL_REASON_NONE);
  if (job->reason != SHOAL_REASON_NONE)
    shoal_swarm_fail (self, job->reason, job->detail);
  if (shoal_picker_is_full (self->picker, job->piece))
    {
      if (self->opened)
        piece_full (self, job->piece);
      else
        shoal_picker_judged (self->picker, job->piece, FALSE);
    }
  shoal_swarm_piece_job_over (self);
  shoal_disk_job_free (job);
}

void
shoal_swarm_spill (ShoalSwarm *self,
                   gboolean    need_room)
{
  gint64 older_us = need_room ? G_MAXINT64 : shoal_swarm_now (self) - SHOAL_SPILL_AGE_US;
  ShoalDiskJob *job;
  guint32 piece;

  if (self->picker == NULL || self->state != SHOAL_TORRENT_DOWNLOADING)
    return;
  piece = shoal_picker_coldest (self->picker, older_us);
  if (piece == SHOAL_BITFIELD_NONE)
    return;

  /* A block on its way into the memory that is about to go needs another place. */
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (link->in_block && link->block.piece == piece)
        shoal_link_block_private (link);
    }
  job = shoal_swarm_piece_job (self, SHOAL_DISK_SPILL, piece, on_spill);
  add_runs (self, job);
  shoal_picker_spilling (self->picker, piece);
  shoal_engine_disk (self->engine, job);
}

/* --- Files --- */

static void
on_finish (ShoalDone *done,
           gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;
  ShoalSwarm *self = done->owner;

  shoal_engine_disk_done (job);
  self->finishing = FALSE;
  g_clear_pointer (&job->had, shoal_bitfield_free);
  if (job->reason != SHOAL_REASON_NONE)
    {
      self->finish_wanted = TRUE;
      shoal_swarm_fail (self, job->reason, job->detail);
      shoal_disk_job_free (job);
      return;
    }

  /* The files as they are now are what the record speaks of, also if the torrent was stopped
   * meanwhile. */
  if (job->all_had && self->all_had)
    {
      self->stamp = job->stamp;
      self->dirty = TRUE;
    }
  if (self->state == SHOAL_TORRENT_DOWNLOADING
      || (self->state == SHOAL_TORRENT_CHECKING && self->settling))
    {
      if (self->finish_wanted)
        shoal_swarm_finish (self);
      else if (shoal_swarm_is_complete (self))
        shoal_swarm_enter (self, SHOAL_TORRENT_SEEDING);
      else if (self->state == SHOAL_TORRENT_CHECKING)
        shoal_swarm_settle (self);
    }
  if (self->dirty && !shoal_swarm_is_live (self) && self->state != SHOAL_TORRENT_CHECKING)
    shoal_swarm_save (self);
  shoal_disk_job_free (job);
}

void
shoal_swarm_finish (ShoalSwarm *self)
{
  ShoalDiskJob *job;
  const ShoalBitfield *had = shoal_swarm_had (self);

  self->finish_wanted = TRUE;
  if (self->finishing || !self->opened)
    return;
  self->finish_wanted = FALSE;
  self->finishing = TRUE;
  job = shoal_disk_job_new (SHOAL_DISK_FINISH, self->id);
  job->all_had = self->all_had;
  job->had = had != NULL ? shoal_bitfield_copy (had) : NULL;
  if (self->priorities != NULL)
    job->priorities = g_memdup2 (self->priorities, self->n_files);
  job->done.func = on_finish;
  job->done.owner = self;
  shoal_engine_disk (self->engine, job);
}
