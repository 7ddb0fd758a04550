/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disk: what a worker does with a job. */

/*
 * A worker has the job to itself, and, if it is one that runs alone, the whole torrent: the pointer
 * to the storage changes only there. The store's thread may take a reference to a storage at any
 * time, so changing it needs the lock.
 */

#include "shoal-disk-private.h"

#include <string.h>

static void
fail_job (ShoalDiskJob *job,
          ShoalReason   reason,
          const char   *detail)
{
  job->reason = reason;
  g_free (job->detail);
  job->detail = g_strdup (detail);
}

/* (transfer full) */
static ShoalStorage *
make_storage (ShoalDisk     *self,
              guint64        id,
              ShoalMetainfo *metainfo,
              const char    *dir,
              gboolean       part_suffix)
{
  ShoalJournal *journal = self->store != NULL ? shoal_resume_store_journal (self->store, id) : NULL;
  g_autofree char *edges = self->store != NULL ? shoal_resume_store_edges (self->store, id) : NULL;

  return shoal_storage_new (self->cache, metainfo, dir, part_suffix, journal, edges);
}

/* Puts a storage in the place of the one before. */
static void
set_storage (ShoalDisk    *self,
             Torrent      *torrent,
             ShoalStorage *storage)
{
  ShoalStorage *before;

  pthread_mutex_lock (&self->lock);
  before = torrent->storage;
  torrent->storage = storage;
  pthread_mutex_unlock (&self->lock);
  shoal_storage_unref (before);
}

static void
do_close (ShoalDisk *self,
          Work      *work)
{
  Torrent *torrent = work->torrent;

  if (torrent->storage == NULL)
    return;

  shoal_storage_close (torrent->storage, work->job);
  if (work->job->reason != SHOAL_REASON_NONE)
    {
      pthread_mutex_lock (&self->lock);
      g_hash_table_add (self->lost, g_memdup2 (&torrent->id, sizeof torrent->id));
      pthread_mutex_unlock (&self->lock);
    }
  set_storage (self, torrent, NULL);
}

static void
do_open (ShoalDisk *self,
         Work      *work)
{
  ShoalDiskJob closing = { .op = SHOAL_DISK_CLOSE };
  ShoalStorage *storage;

  if (work->torrent->storage != NULL)
    shoal_storage_close (work->torrent->storage, &closing);
  g_free (closing.detail);

  storage = make_storage (self, work->job->torrent, work->metainfo, work->dir,
                          work->job->part_suffix);
  shoal_storage_open (storage, work->job);
  pthread_mutex_lock (&self->lock);
  g_hash_table_remove (self->lost, &work->torrent->id);
  pthread_mutex_unlock (&self->lock);
  set_storage (self, work->torrent, storage);
}

/* The storage of a torrent at rest, from what the store has of it. (transfer full) (nullable) */
static ShoalStorage *
storage_at_rest (ShoalDisk *self,
                 guint64    id)
{
  g_autoptr (ShoalResume) record = self->store != NULL ? shoal_resume_store_record (self->store, id)
                                                       : NULL;
  g_autoptr (GBytes) bytes = record != NULL ? shoal_resume_store_metainfo (self->store, id, NULL)
                                            : NULL;
  g_autoptr (ShoalMetainfo) metainfo = bytes != NULL ? shoal_metainfo_parse (bytes, NULL) : NULL;
  g_autoptr (ShoalBitfield) had = NULL;
  ShoalDiskJob opening = { .op = SHOAL_DISK_OPEN };
  ShoalStorage *storage;

  if (metainfo == NULL || record->dir == NULL)
    return NULL;

  if (record->had != NULL)
    {
      gsize size;
      const guint8 *bits = g_bytes_get_data (record->had, &size);

      had = shoal_bitfield_from_wire (bits, size, metainfo->layout->n_pieces);
    }
  opening.all_had = record->complete && record->had == NULL;
  opening.had = had;
  storage = make_storage (self, id, metainfo, record->dir, record->part_suffix);
  shoal_storage_open (storage, &opening);
  g_free (opening.detail);
  g_free (opening.journal);

  return storage;
}

static void
do_remove (ShoalDisk *self,
           Work      *work)
{
  g_autoptr (ShoalStorage) storage = NULL;
  g_autoptr (GError) error = NULL;
  ShoalDiskJob *job = work->job;

  if (work->torrent->storage != NULL)
    storage = shoal_storage_ref (work->torrent->storage);
  else
    storage = storage_at_rest (self, job->torrent);
  do_close (self, work);
  /* What did not reach the disk is of no interest any more. */
  fail_job (job, SHOAL_REASON_NONE, NULL);

  if (storage != NULL)
    shoal_storage_remove (storage, job);
  /* With data left that should have gone, the torrent must not be forgotten. */
  if (job->reason == SHOAL_REASON_NONE && self->store != NULL &&
      !shoal_resume_store_forget (self->store, job->torrent, &error))
    fail_job (job, SHOAL_REASON_IO, error->message);
}

static void
do_load (ShoalDisk    *self,
         ShoalDiskJob *job)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (self->store == NULL)
    {
      fail_job (job, SHOAL_REASON_BAD_METADATA, "no state is kept");
      return;
    }

  bytes = shoal_resume_store_metainfo (self->store, job->torrent, &error);
  if (bytes != NULL)
    job->metainfo = shoal_metainfo_parse (bytes, &error);
  if (job->metainfo == NULL)
    fail_job (job, SHOAL_REASON_BAD_METADATA, error->message);
}

static void
do_alone (ShoalDisk   *self,
          ShoalHasher *hasher,
          Work        *work)
{
  switch (work->job->op)
    {
    case SHOAL_DISK_OPEN:
      do_open (self, work);
      break;

    case SHOAL_DISK_CLOSE:
      do_close (self, work);
      break;

    case SHOAL_DISK_REMOVE:
      do_remove (self, work);
      break;

    case SHOAL_DISK_TAKE:
      shoal_storage_take (work->torrent->storage, hasher, work->job);
      break;

    case SHOAL_DISK_DROP:
      shoal_storage_drop (work->torrent->storage, work->job);
      break;

    default:
      shoal_storage_finish (work->torrent->storage, work->job);
      break;
    }
}

gboolean
disk_fits_layout (const ShoalDiskJob *job,
                  const ShoalLayout  *layout)
{
  switch (job->op)
    {
    case SHOAL_DISK_READ:
      return shoal_layout_is_request (layout, job->piece, job->offset, job->size);

    case SHOAL_DISK_CHECK:
      return job->n_pieces > 0 && job->piece < layout->n_pieces &&
             job->n_pieces <= layout->n_pieces - job->piece;

    case SHOAL_DISK_PIECE:
    case SHOAL_DISK_SPILL:
      return job->piece < layout->n_pieces;

    case SHOAL_DISK_TAKE:
      return job->index < layout->n_files && layout->file_pad[job->index] == 0
             && job->taken < layout->file_size[job->index];

    default:
      return TRUE;
    }
}

gboolean
disk_is_possible (Work *work)
{
  ShoalDiskJob *job = work->job;

  if (job->op == SHOAL_DISK_OPEN || job->op == SHOAL_DISK_CLOSE || job->op == SHOAL_DISK_REMOVE ||
      job->op == SHOAL_DISK_LOAD)
    return TRUE;
  if (work->torrent->storage != NULL &&
      disk_fits_layout (job, shoal_storage_metainfo (work->torrent->storage)->layout))
    return TRUE;

  fail_job (job, SHOAL_REASON_IO,
            work->torrent->storage == NULL ? "the torrent's files are not open"
                                           : "there is no such piece");

  return FALSE;
}

/* Bytes of a piece in memory; what no run has is zeros, as padding is. */
static const guint8 *
run_bytes (gpointer source,
           guint32  offset,
           guint32  size,
           guint8  *scratch)
{
  const ShoalDiskJob *job = source;

  for (guint i = 0; i < job->n_runs; i++)
    {
      const ShoalRun *run = &job->runs[i];

      if (run->offset <= offset && (guint64) run->offset + run->size >= (guint64) offset + size)
        return run->data + (offset - run->offset);
    }

  memset (scratch, 0, size);
  for (guint i = 0; i < job->n_runs; i++)
    {
      const ShoalRun *run = &job->runs[i];
      guint64 from = MAX (run->offset, offset);
      guint64 to = MIN ((guint64) run->offset + run->size, (guint64) offset + size);

      if (from < to)
        memcpy (scratch + (from - offset), run->data + (from - run->offset), (gsize) (to - from));
    }

  return scratch;
}

static gboolean
has_tree (const Work *work)
{
  ShoalSha256 root;

  return shoal_metainfo_piece_root (shoal_storage_metainfo (work->torrent->storage),
                                    work->job->piece, &root);
}

void
disk_do_pieces (ShoalHasher *hasher,
                Work       **batch,
                guint        n)
{
  ShoalHashTask tasks[SHOAL_HASHER_PIECES_MAX];

  for (guint i = 0; i < n; i++)
    tasks[i] = (ShoalHashTask){ .metainfo = shoal_storage_metainfo (batch[i]->torrent->storage),
                                .piece = batch[i]->job->piece, .source = batch[i]->job };
  shoal_hasher_compare (hasher, tasks, n, run_bytes);

  for (guint i = 0; i < n; i++)
    {
      ShoalDiskJob *job = batch[i]->job;

      job->halves_differ = tasks[i].halves_differ;
      job->hash_wrong = tasks[i].wrong;
      if (tasks[i].unknown)
        fail_job (job, SHOAL_REASON_BAD_METADATA, "the hash of a piece is not known");
      else if (tasks[i].right)
        shoal_storage_write (batch[i]->torrent->storage, job);
      else if (tasks[i].wrong && job->wants_leaves && has_tree (batch[i]))
        job->leaves = shoal_hasher_leaves (hasher, tasks[i].metainfo, job->piece, job, run_bytes);
    }
}

void
disk_do_one (ShoalDisk   *self,
             ShoalHasher *hasher,
             Work        *work)
{
  ShoalDiskJob *job = work->job;

  if (work->mode == MODE_ALONE)
    {
      do_alone (self, hasher, work);
      return;
    }

  switch (job->op)
    {
    case SHOAL_DISK_SPILL:
      shoal_storage_write (work->torrent->storage, job);
      break;

    case SHOAL_DISK_READ:
      shoal_storage_read (work->torrent->storage, job);
      break;

    case SHOAL_DISK_LOAD:
      do_load (self, job);
      break;

    default:
      job->verdicts = g_malloc0 (1);
      /* One piece by itself had its blocks written before they could be compared. */
      shoal_storage_check (work->torrent->storage, hasher, job->piece, 1, TRUE, job->verdicts,
                           &job->halves_differ, &job->reason, &job->detail);
      if (job->wants_digests && job->verdicts[0] != SHOAL_PIECE_MISSING)
        job->digests = shoal_storage_digest_blocks (work->torrent->storage, job->piece);
      if (job->wants_leaves && job->verdicts[0] == SHOAL_PIECE_WRONG && has_tree (work))
        job->leaves = shoal_storage_leaves (work->torrent->storage, hasher, job->piece);
      break;
    }
}
