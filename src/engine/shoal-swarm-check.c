/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Storage taken into use, and data on disk compared with its hashes. */

#include "shoal-link-private.h"

#include <string.h>

static void
add_range (ShoalSwarm *self,
           guint32     first,
           guint32     last)
{
  ShoalRange range = { first, last };

  g_array_append_val (self->checks, range);
  self->check_total += last - first + 1;
}

/* Everything is unknown again. */
void
shoal_swarm_check_all (ShoalSwarm *self)
{
  guint32 from = self->full_check && self->checked_to != G_MAXUINT32
                   ? MIN (self->checked_to, self->n_pieces)
                   : 0;

  shoal_swarm_make_picker (self);
  if (self->all_had)
    {
      self->all_had = FALSE;
      shoal_swarm_make_picker (self);
    }
  for (guint32 piece = from; piece < self->n_pieces; piece++)
    if (shoal_bitfield_get (shoal_picker_had (self->picker), piece))
      shoal_picker_set_lost (self->picker, piece);
  self->full_check = TRUE;
  self->stamp = 0;
  self->checked_to = from;
  self->check_total = from;
  self->check_done = from;
  g_array_set_size (self->checks, 0);
  if (from < self->n_pieces)
    add_range (self, from, self->n_pieces - 1);
  self->finish_wanted = TRUE;
  self->dirty = TRUE;
}

/*
 * The files of a complete torrent are not those that it left. They are compared as they are, and
 * the torrent stays complete meanwhile: what somebody changed is not fetched again and overwritten
 * unless the user says so.
 */
static void
verify_all (ShoalSwarm *self,
            gint64      stamp)
{
  self->verifying = TRUE;
  self->lost_stamp = stamp;
  add_range (self, 0, self->n_pieces - 1);
}

void
shoal_swarm_check_fresh (ShoalSwarm *self,
                         gboolean    found)
{
  if (found)
    shoal_swarm_check_all (self);
  else
    shoal_swarm_make_picker (self);
  shoal_swarm_check_pump (self);
}

static void
check_over (ShoalSwarm *self)
{
  if (self->verifying)
    {
      self->verifying = FALSE;
      self->stamp = self->lost_stamp;
      self->lost_stamp = 0;
    }
  if (self->fresh)
    {
      self->fresh = FALSE;
      self->finish_wanted = TRUE;
    }
  self->full_check = FALSE;
  self->checked_to = G_MAXUINT32;
  self->dirty = TRUE;
  shoal_swarm_same_judge (self);
  if (self->picker != NULL && self->n_pieces > 0
      && shoal_bitfield_is_full (shoal_picker_had (self->picker)))
    self->all_had = TRUE;
  if (self->n_pieces == 0)
    self->all_had = TRUE;
  if (self->state == SHOAL_TORRENT_CHECKING)
    {
      shoal_swarm_settle (self);
      shoal_swarm_save (self);
    }
}

static void
apply_verdicts (ShoalSwarm   *self,
                ShoalDiskJob *job)
{
  self->check_done += job->n_pieces;
  if (self->verifying)
    {
      for (guint32 i = 0; i < job->n_pieces; i++)
        if (job->verdicts[i] != SHOAL_PIECE_RIGHT)
          {
            shoal_swarm_fail (self, SHOAL_REASON_DATA_MISSING,
                              "files that were complete were changed");
            return;
          }
      return;
    }
  for (guint32 i = 0; i < job->n_pieces; i++)
    if (job->verdicts[i] == SHOAL_PIECE_RIGHT
        && !shoal_bitfield_get (shoal_picker_had (self->picker), job->piece + i))
      shoal_picker_set_had (self->picker, job->piece + i);
  self->dirty = TRUE;
}

/* Every piece before it was compared. */
static guint32
lowest_unchecked (ShoalSwarm *self)
{
  guint32 lowest = self->checks->len > 0 ? g_array_index (self->checks, ShoalRange, 0).first
                                         : self->n_pieces;

  for (guint i = 0; i < SHOAL_CHECK_JOBS; i++)
    lowest = MIN (lowest, self->checking[i]);

  return lowest;
}

static void
note_check (ShoalSwarm *self,
            guint32     before,
            guint32     after)
{
  for (guint i = 0; i < SHOAL_CHECK_JOBS; i++)
    if (self->checking[i] == before)
      {
        self->checking[i] = after;
        return;
      }
}

static void
on_check (ShoalDone *done,
          gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;
  ShoalSwarm *self = done->owner;
  gboolean current = self->state == SHOAL_TORRENT_CHECKING;

  shoal_engine_disk_done (job);
  self->n_checks--;
  self->n_piece_jobs--;
  note_check (self, job->piece, G_MAXUINT32);
  if (current && (self->picker != NULL || self->verifying))
    {
      if (job->reason != SHOAL_REASON_NONE)
        {
          shoal_swarm_fail (self, job->reason, job->detail);
        }
      else if (job->halves_differ)
        {
          shoal_swarm_fail (self, SHOAL_REASON_BAD_METADATA,
                            "the two halves of the hybrid torrent name different data");
        }
      else
        {
          apply_verdicts (self, job);
          if (self->full_check)
            self->checked_to = lowest_unchecked (self);
        }
    }
  shoal_disk_job_free (job);
  shoal_swarm_changed (self);
  if (self->state == SHOAL_TORRENT_CHECKING)
    shoal_swarm_check_pump (self);
  else if (self->n_piece_jobs == 0 && !shoal_swarm_is_live (self))
    shoal_swarm_drop_picker (self);
}

void
shoal_swarm_check_pump (ShoalSwarm *self)
{
  guint32 step;

  if (self->state != SHOAL_TORRENT_CHECKING || !self->opened || self->engine->quitting
      || self->same != NULL)
    return;
  step = MAX (SHOAL_CHECK_SIZE / MAX (self->metainfo->layout->piece_size, 1), 16);
  while (self->n_checks < SHOAL_CHECK_JOBS && self->checks->len > 0)
    {
      ShoalRange *range = &g_array_index (self->checks, ShoalRange, 0);
      ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_CHECK, self->id);

      job->piece = range->first;
      job->n_pieces = MIN (range->last - range->first + 1, step);
      job->done.func = on_check;
      job->done.owner = self;
      range->first += job->n_pieces;
      if (range->first > range->last)
        g_array_remove_index (self->checks, 0);
      note_check (self, G_MAXUINT32, job->piece);
      self->n_checks++;
      self->n_piece_jobs++;
      shoal_engine_disk (self->engine, job);
    }
  if (self->n_checks == 0 && !self->settling)
    check_over (self);
}

/* Pieces that were written after the record was saved are had once their hash says so. */
static void
check_journal (ShoalSwarm   *self,
               ShoalDiskJob *job)
{
  const ShoalBitfield *had = shoal_picker_had (self->picker);
  g_autoptr(ShoalBitfield) todo = shoal_bitfield_new (self->n_pieces);

  for (guint i = 0; i < job->n_journal; i++)
    if (job->journal[i] < self->n_pieces && !shoal_bitfield_get (had, job->journal[i]))
      shoal_bitfield_set (todo, job->journal[i]);
  for (guint32 first = shoal_bitfield_next_set (todo, 0); first != SHOAL_BITFIELD_NONE;)
    {
      guint32 end = shoal_bitfield_next_clear (todo, first);

      end = end == SHOAL_BITFIELD_NONE ? self->n_pieces : end;
      add_range (self, first, end - 1);
      first = shoal_bitfield_next_set (todo, end);
    }
}

static gboolean
claims_something (ShoalSwarm *self)
{
  const ShoalBitfield *had = shoal_swarm_had (self);

  return self->all_had || (had != NULL && !shoal_bitfield_is_empty (had));
}

/* The storage is known: what has to be compared with the hashes? */
static void
opened (ShoalSwarm   *self,
        ShoalDiskJob *job)
{
  self->check_total = self->check_done = 0;
  g_array_set_size (self->checks, 0);

  if (self->n_pieces == 0)
    {
      self->all_had = TRUE;
    }
  else if (self->full_check)
    {
      shoal_swarm_check_all (self);
    }
  else if (self->fresh)
    {
      if (!shoal_swarm_same_begin (self, job->found))
        shoal_swarm_check_fresh (self, job->found);
      return;
    }
  else if (self->all_had && self->stamp != 0 && job->stamp != self->stamp)
    {
      verify_all (self, job->stamp);
    }
  else if (!self->all_had)
    {
      shoal_swarm_make_picker (self);
      check_journal (self, job);
    }
  shoal_swarm_check_pump (self);
}

/* A seed whose storage was not in use: it goes on as it is, unless somebody changed its files. */
static void
seed_opened (ShoalSwarm   *self,
             ShoalDiskJob *job,
             ShoalReason   reason,
             const char   *detail)
{
  if (reason != SHOAL_REASON_NONE)
    {
      shoal_swarm_proved (self);
      shoal_swarm_fail (self, reason, detail);
      return;
    }
  if (self->all_had && self->stamp != 0 && job->stamp != self->stamp)
    {
      shoal_swarm_enter (self, SHOAL_TORRENT_CHECKING);
      shoal_swarm_proved (self);
      opened (self, job);
      return;
    }
  SHOAL_NODE_FOREACH (node, &self->links)
    shoal_link_pump (SHOAL_NODE_OWNER (node, ShoalLink, swarm_node));
  shoal_swarm_proved (self);
  shoal_engine_unload_later (self->engine);
}

static void
on_open (ShoalDone *done,
         gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;
  ShoalSwarm *self = done->owner;
  gboolean probing = self->state == SHOAL_TORRENT_FAILED;
  ShoalReason reason = job->reason;
  const char *detail = job->detail;

  shoal_engine_disk_done (job);
  self->opening = FALSE;
  g_clear_pointer (&job->had, shoal_bitfield_free);
  if (reason == SHOAL_REASON_NONE && job->stale && claims_something (self) && !self->full_check)
    {
      reason = SHOAL_REASON_DATA_MISSING;
      detail = job->detail != NULL ? job->detail : "files that were complete are gone or short";
    }
  if (reason == SHOAL_REASON_NONE && probing && self->reason == SHOAL_REASON_DISK_FULL
      && job->free_space < SHOAL_FREE_SPACE_MIN)
    {
      reason = self->reason;
      detail = self->detail;
    }

  /* The user changed nothing about the changed files since. */
  if (reason == SHOAL_REASON_NONE && probing && self->reason == SHOAL_REASON_DATA_MISSING
      && self->all_had && !self->full_check && self->lost_stamp != 0
      && job->stamp == self->lost_stamp)
    {
      reason = self->reason;
      detail = self->detail;
    }

  self->opened = job->reason == SHOAL_REASON_NONE;
  if (self->state == SHOAL_TORRENT_SEEDING && !self->removing)
    {
      seed_opened (self, job, reason, detail);
      shoal_disk_job_free (job);
      return;
    }
  if (self->removing || (self->state != SHOAL_TORRENT_CHECKING && !probing))
    {
      if (!self->removing)
        shoal_swarm_close (self);
      shoal_disk_job_free (job);
      return;
    }
  if (reason != SHOAL_REASON_NONE)
    {
      shoal_swarm_fail (self, reason, detail);
      shoal_swarm_close (self);
    }
  else
    {
      if (probing)
        shoal_swarm_enter (self, SHOAL_TORRENT_CHECKING);
      opened (self, job);
    }
  shoal_disk_job_free (job);
}

void
shoal_swarm_open (ShoalSwarm *self)
{
  const ShoalBitfield *had = shoal_swarm_had (self);
  ShoalDiskJob *job;

  if (self->opening || self->metainfo == NULL)
    return;
  self->opening = TRUE;
  job = shoal_disk_job_new (SHOAL_DISK_OPEN, self->id);
  job->metainfo = self->metainfo;
  job->dir = self->dir;
  job->part_suffix = self->part_suffix;
  job->all_had = self->all_had;
  job->had = had != NULL ? shoal_bitfield_copy (had) : NULL;
  if (self->priorities != NULL)
    job->priorities = g_memdup2 (self->priorities, self->n_files);
  job->done.func = on_open;
  job->done.owner = self;
  shoal_engine_disk (self->engine, job);
}
