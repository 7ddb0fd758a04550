/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disk: queues of jobs, the workers that do them, and what is done. */

/*
 * One mutex guards everything here; it is held for a few list operations at a time, never while a
 * file is touched.
 *
 * Each torrent is in one of three modes while jobs of it are under way: piece jobs side by side,
 * checks of many pieces side by side, or one job alone (open, finish, close, remove). A job whose
 * mode is not the current one waits in the torrent's own queue, and so does every later one, so
 * nothing overtakes. Jobs of one piece hang behind each other in a chain; the first of a chain is
 * with the workers.
 *
 * Ready jobs stand in three queues: reads (a peer waits), writes, checks. Reads go first, but every
 * fourth time a check does, so that nothing starves. A worker that takes a piece to hash takes as
 * many others of the same size as the processor hashes at once. A check stays in its queue until
 * its last part was taken; any worker takes parts.
 *
 * The table of torrents and the answers to hot reads belong to the engine's thread. A storage may
 * outlive its torrent's entry: the store's thread holds a reference while it syncs.
 */

#include "shoal-disk-private.h"

#include <unistd.h>

#define FILES_MAX        128u              /* open at once, of all torrents */
#define CHECK_PART_MIN   (4u * 1024 * 1024)   /* bytes of a part of a check: less is not worth a
                                               * hand-over */
#define CHECK_TURN       4u                /* every so many picks a check goes first */
#define PIECES_CROWD     24u               /* waiting pieces that make a second worker join in */
#define GATHER_US        (25 * G_TIME_SPAN_MILLISECOND)   /* longest wait of a piece for company */
#define GATHER_PIECES    8u                /* pieces that must be expected in that time: fewer gain
                                            * nothing */
#define GATHER_SIZE      (8u * 1024 * 1024)   /* bytes that wait at most: their memory is missed
                                               * elsewhere */

/* --- Queues --- */

static void
queue_push (Queue *self,
            Work  *work)
{
  work->next = NULL;
  if (self->last != NULL)
    self->last->next = work;
  else
    self->first = work;
  self->last = work;
  self->n++;
}

static Work *
queue_pop (Queue *self)
{
  Work *work = self->first;

  if (work == NULL)
    return NULL;
  self->first = work->next;
  if (self->first == NULL)
    self->last = NULL;
  self->n--;

  return work;
}

static Mode
mode_of (const ShoalDiskJob *job)
{
  switch (job->op)
    {
    case SHOAL_DISK_PIECE:
    case SHOAL_DISK_SPILL:
    case SHOAL_DISK_READ:
    case SHOAL_DISK_LOAD:
      return MODE_PIECES;

    case SHOAL_DISK_CHECK:
      return job->n_pieces == 1 ? MODE_PIECES : MODE_CHECKS;

    case SHOAL_DISK_OPEN:
    case SHOAL_DISK_FINISH:
    case SHOAL_DISK_CLOSE:
    case SHOAL_DISK_REMOVE:
    case SHOAL_DISK_TAKE:
    case SHOAL_DISK_DROP:
    default:
      return MODE_ALONE;
    }
}

static gboolean
has_chain (const Work *work)
{
  return work->mode == MODE_PIECES && work->job->op != SHOAL_DISK_LOAD;
}

/*
 * Whether a worker should take from the writes; lock held. Pieces are left to the worker that has
 * some already until they crowd: together they are hashed in half the time, and two workers in one
 * file only wait for each other.
 */
static gboolean
writes_ready (const ShoalDisk *self)
{
  if (self->writes.first == NULL)
    return FALSE;
  if (self->writes.first->job->op != SHOAL_DISK_PIECE || self->writes.n >= PIECES_CROWD)
    return TRUE;

  return self->n_hashing == 0 &&
         (self->gather_us == 0 || g_get_monotonic_time () >= self->gather_us);
}

static guint64
piece_size_of (const Work *work)
{
  return work->torrent->storage != NULL
           ? shoal_storage_metainfo (work->torrent->storage)->layout->piece_size
           : 0;
}

/* A piece came to the writes: while they come fast, the first waits for others to be hashed with
 * it; lock held. */
static void
notice_piece (ShoalDisk  *self,
              const Work *work)
{
  gint64 now_us = g_get_monotonic_time ();
  guint best = shoal_hasher_best ();
  gint64 gap_us = MIN (now_us - self->piece_us, GATHER_US);

  self->gap_us = self->piece_us == 0 ? GATHER_US : (7 * self->gap_us + gap_us) / 8;
  self->piece_us = now_us;
  if (self->writes.n >= best || self->writes.n * piece_size_of (work) >= GATHER_SIZE)
    self->gather_us = 0;
  else if (self->writes.n == 1)
    self->gather_us = best > 1 && self->gap_us * GATHER_PIECES <= GATHER_US ? now_us + GATHER_US
                                                                            : 0;
}

/* Gives a job to the workers; lock held. */
static void
make_ready (ShoalDisk *self,
            Work      *work)
{
  if (work->job->op == SHOAL_DISK_READ)
    queue_push (&self->reads, work);
  else if (work->mode == MODE_CHECKS)
    queue_push (&self->checks, work);
  else
    queue_push (&self->writes, work);
  if (work->job->op == SHOAL_DISK_PIECE)
    notice_piece (self, work);

  /* Every worker can do parts of a check. */
  if (work->mode == MODE_CHECKS)
    pthread_cond_broadcast (&self->work);
  else if (work->job->op == SHOAL_DISK_READ || writes_ready (self) || self->writes.n == 1)
    pthread_cond_signal (&self->work);   /* also for the first piece that waits: somebody has to
                                          * watch the time */
}

/* Starts a job whose turn in the torrent it is; lock held. */
static void
activate (ShoalDisk *self,
          Work      *work)
{
  Torrent *torrent = work->torrent;
  Work *first;

  torrent->mode = work->mode;
  torrent->n_active++;
  if (!has_chain (work))
    {
      make_ready (self, work);
      return;
    }

  first = g_hash_table_lookup (torrent->pieces, GUINT_TO_POINTER (work->job->piece));
  work->chain = NULL;
  work->chain_end = work;
  if (first == NULL)
    {
      g_hash_table_insert (torrent->pieces, GUINT_TO_POINTER (work->job->piece), work);
      make_ready (self, work);
    }
  else
    {
      first->chain_end->chain = work;
      first->chain_end = work;
    }
}

static gboolean
may_start (const Torrent *torrent,
           Mode           mode)
{
  return torrent->n_active == 0 || (torrent->mode == mode && mode != MODE_ALONE);
}

static void
torrent_free (gpointer data)
{
  Torrent *self = data;

  g_clear_pointer (&self->storage, shoal_storage_unref);
  g_hash_table_unref (self->pieces);
  g_free (self);
}

static void
work_free (Work *work)
{
  g_clear_pointer (&work->metainfo, shoal_metainfo_unref);
  g_free (work->dir);
  g_free (work);
}

/* A job is over: what waited for it may start; lock held. Returns: whether somebody has to be
 * woken */
static gboolean
complete (ShoalDisk *self,
          Work      *work)
{
  Torrent *torrent = work->torrent;
  ShoalDone *done = &work->job->done;
  gboolean wake;

  if (has_chain (work))
    {
      Work *next = work->chain;

      g_hash_table_remove (torrent->pieces, GUINT_TO_POINTER (work->job->piece));
      if (next != NULL)
        {
          next->chain_end = work->chain_end;
          g_hash_table_insert (torrent->pieces, GUINT_TO_POINTER (work->job->piece), next);
          make_ready (self, next);
        }
    }
  torrent->n_active--;
  torrent->n_alone -= work->mode == MODE_ALONE;
  work_free (work);
  while (torrent->held.first != NULL && may_start (torrent, torrent->held.first->mode))
    activate (self, queue_pop (&torrent->held));
  if (torrent->n_active == 0 && torrent->held.first == NULL && torrent->storage == NULL)
    g_hash_table_remove (self->torrents, &torrent->id);

  done->next = NULL;
  if (self->done_last != NULL)
    self->done_last->next = done;
  else
    self->done_first = done;
  self->done_last = done;
  self->n_pending--;
  if (self->n_pending == 0)
    pthread_cond_broadcast (&self->idle);

  wake = !self->woken;
  self->woken = TRUE;

  return wake;
}

/* --- Checks of many pieces --- */

/* How many pieces a worker takes at once. */
static guint
part_size (const Work *work)
{
  guint32 piece_size = shoal_storage_metainfo (work->torrent->storage)->layout->piece_size;
  guint best = shoal_hasher_best ();
  guint n = MAX (CHECK_PART_MIN / piece_size, 1);

  return (n + best - 1) / best * best;
}

/* The first look at a check; lock held, and given up meanwhile. Returns: whether somebody has to be
 * woken */
static gboolean
begin_check (ShoalDisk *self)
{
  Work *work = queue_pop (&self->checks);

  if (!disk_is_possible (work))
    return complete (self, work);

  work->begun = TRUE;
  work->job->verdicts = g_malloc0 (work->job->n_pieces);
  pthread_mutex_unlock (&self->lock);
  shoal_storage_check_begin (work->torrent->storage);
  pthread_mutex_lock (&self->lock);
  make_ready (self, work);

  return FALSE;
}

/* A part of the check that is first in its queue; lock held, and given up meanwhile. Returns: as
 * above */
static gboolean
check_part (ShoalDisk   *self,
            ShoalHasher *hasher)
{
  Work *work = self->checks.first;
  ShoalDiskJob *job = work->job;
  ShoalReason reason = SHOAL_REASON_NONE;
  g_autofree char *detail = NULL;
  gboolean differ = FALSE;
  guint at = work->next_piece;
  guint end = at + MIN (part_size (work), job->n_pieces - at);

  work->next_piece = end;
  work->n_parts++;
  if (end == job->n_pieces)
    queue_pop (&self->checks);
  pthread_mutex_unlock (&self->lock);

  while (at < end && reason == SHOAL_REASON_NONE)
    {
      guint n = MIN (end - at, SHOAL_HASHER_PIECES_MAX);

      shoal_storage_check (work->torrent->storage, hasher, job->piece + at, n, FALSE,
                           job->verdicts + at, &differ, &reason, &detail);
      at += n;
    }

  pthread_mutex_lock (&self->lock);
  job->halves_differ |= differ;
  if (reason != SHOAL_REASON_NONE && job->reason == SHOAL_REASON_NONE)
    {
      job->reason = reason;
      job->detail = g_steal_pointer (&detail);
    }
  work->n_parts--;
  /* The last part that ends, ends the job; one that is in the queue has parts to come. */
  if (work->n_parts > 0 || work->next_piece < job->n_pieces)
    return FALSE;

  return complete (self, work);
}

/* --- Workers --- */

/* Other pieces of the same size that are ready, to be hashed in the same breath; lock held. */
static guint
gather (ShoalDisk *self,
        Work     **batch,
        guint      max)
{
  const ShoalLayout *layout = shoal_storage_metainfo (batch[0]->torrent->storage)->layout;
  guint32 size = shoal_layout_piece_size (layout, batch[0]->job->piece);
  guint n = 1;

  while (n < max && self->writes.first != NULL)
    {
      Work *next = self->writes.first;

      if (next->job->op != SHOAL_DISK_PIECE || !disk_is_possible (next))
        break;
      layout = shoal_storage_metainfo (next->torrent->storage)->layout;
      if (shoal_layout_piece_size (layout, next->job->piece) != size)
        break;
      batch[n++] = queue_pop (&self->writes);
    }

  return n;
}

/* Does what is most urgent; lock held, and given up meanwhile. Returns: whether somebody has to be
 * woken */
static gboolean
do_next (ShoalDisk   *self,
         ShoalHasher *hasher)
{
  Work *batch[SHOAL_HASHER_PIECES_MAX];
  gboolean wake = FALSE;
  gboolean possible;
  gboolean pieces;
  guint n = 1;

  self->picks++;
  if (self->checks.first != NULL &&
      (self->picks % CHECK_TURN == 0 || (self->reads.first == NULL && !writes_ready (self))))
    return self->checks.first->begun ? check_part (self, hasher) : begin_check (self);

  batch[0] = queue_pop (self->reads.first != NULL ? &self->reads : &self->writes);
  possible = disk_is_possible (batch[0]);
  pieces = possible && batch[0]->job->op == SHOAL_DISK_PIECE;
  if (pieces)
    {
      n = gather (self, batch, shoal_hasher_best ());
      self->n_hashing++;
    }
  pthread_mutex_unlock (&self->lock);

  if (pieces)
    disk_do_pieces (hasher, batch, n);
  else if (possible)
    disk_do_one (self, hasher, batch[0]);

  pthread_mutex_lock (&self->lock);
  self->n_hashing -= pieces ? 1 : 0;
  for (guint i = 0; i < n; i++)
    wake |= complete (self, batch[i]);

  return wake;
}

/* Until there is something to do, or the pieces that wait for company have waited long enough; lock
 * held. */
static void
wait_for_work (ShoalDisk *self)
{
  struct timespec until;

  if (self->writes.first == NULL || self->gather_us == 0 || self->n_hashing > 0)
    {
      pthread_cond_wait (&self->work, &self->lock);
      return;
    }
  until.tv_sec = self->gather_us / G_USEC_PER_SEC;
  until.tv_nsec = self->gather_us % G_USEC_PER_SEC * 1000;
  pthread_cond_timedwait (&self->work, &self->lock, &until);
}

static void *
worker_main (void *data)
{
  ShoalDisk *self = data;
  g_autoptr (ShoalHasher) hasher = shoal_hasher_new ();

  pthread_mutex_lock (&self->lock);
  while (TRUE)
    {
      while (!self->quit && self->reads.first == NULL && !writes_ready (self) &&
             self->checks.first == NULL)
        wait_for_work (self);
      if (self->quit)
        break;
      if (do_next (self, hasher))
        {
          pthread_mutex_unlock (&self->lock);
          self->wake (self->user_data);
          pthread_mutex_lock (&self->lock);
        }
    }
  pthread_mutex_unlock (&self->lock);

  return NULL;
}

static gboolean
sync_for_store (guint64  id,
                gpointer user_data)
{
  return shoal_disk_sync (user_data, id);
}

static guint
count_workers (void)
{
  long processors = sysconf (_SC_NPROCESSORS_ONLN);

  return (guint) CLAMP (processors, 1, (long) SHOAL_DISK_WORKERS_MAX);
}

/* --- From outside --- */

ShoalDisk *
shoal_disk_new (ShoalResumeStore *store,
                guint             n_workers,
                ShoalDiskWakeFunc wake,
                gpointer          user_data)
{
  pthread_condattr_t monotonic;
  ShoalDisk *self;

  g_return_val_if_fail (wake != NULL, NULL);

  self = g_new0 (ShoalDisk, 1);
  self->store = store;
  self->wake = wake;
  self->user_data = user_data;
  self->cache = shoal_file_cache_new (FILES_MAX);
  self->torrents = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, torrent_free);
  self->lost = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  pthread_mutex_init (&self->lock, NULL);
  pthread_condattr_init (&monotonic);
  pthread_condattr_setclock (&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init (&self->work, &monotonic);
  pthread_condattr_destroy (&monotonic);
  pthread_cond_init (&self->idle, NULL);

  n_workers = n_workers != 0 ? MIN (n_workers, SHOAL_DISK_WORKERS_MAX) : count_workers ();
  for (guint i = 0; i < n_workers; i++)
    {
      if (pthread_create (&self->workers[i], NULL, worker_main, self) != 0)
        break;
      pthread_setname_np (self->workers[i], "shoal-disk");
      self->n_workers++;
    }
  if (self->n_workers == 0)
    g_error ("cannot start a thread for the disk");
  if (store != NULL)
    shoal_resume_store_set_sync (store, sync_for_store, self);

  return self;
}

void
shoal_disk_free (ShoalDisk *self)
{
  GHashTableIter iter;
  gpointer value;

  if (self == NULL)
    return;

  shoal_disk_drain (self);
  g_warn_if_fail (self->done_first == NULL);
  if (self->store != NULL)
    {
      shoal_resume_store_flush (self->store);
      shoal_resume_store_set_sync (self->store, NULL, NULL);
    }

  pthread_mutex_lock (&self->lock);
  self->quit = TRUE;
  pthread_cond_broadcast (&self->work);
  pthread_mutex_unlock (&self->lock);
  for (guint i = 0; i < self->n_workers; i++)
    pthread_join (self->workers[i], NULL);

  g_hash_table_iter_init (&iter, self->torrents);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    shoal_storage_sync (((Torrent *) value)->storage);
  g_hash_table_unref (self->torrents);
  g_hash_table_unref (self->lost);
  shoal_file_cache_free (self->cache);
  pthread_cond_destroy (&self->work);
  pthread_cond_destroy (&self->idle);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

/* Whether a read may be answered before everything else; lock held. */
static gboolean
may_jump (const Torrent      *torrent,
          const ShoalDiskJob *job)
{
  return torrent != NULL && torrent->storage != NULL && torrent->n_alone == 0 &&
         g_hash_table_lookup (torrent->pieces, GUINT_TO_POINTER (job->piece)) == NULL &&
         disk_fits_layout (job, shoal_storage_metainfo (torrent->storage)->layout);
}

gboolean
shoal_disk_submit (ShoalDisk    *self,
                   ShoalDiskJob *job)
{
  Torrent *torrent;
  gboolean jump;
  Work *work;

  g_return_val_if_fail (self != NULL && job != NULL, FALSE);
  g_return_val_if_fail (job->op != SHOAL_DISK_OPEN || (job->metainfo != NULL && job->dir != NULL),
                        FALSE);

  pthread_mutex_lock (&self->lock);
  torrent = g_hash_table_lookup (self->torrents, &job->torrent);
  jump = job->op == SHOAL_DISK_READ && may_jump (torrent, job);
  pthread_mutex_unlock (&self->lock);
  /* Only this thread could start what makes the storage go. */
  if (jump && shoal_storage_read_hot (torrent->storage, job))
    return TRUE;

  work = g_new0 (Work, 1);
  work->job = job;
  work->mode = mode_of (job);
  if (job->op == SHOAL_DISK_OPEN)
    {
      work->metainfo = shoal_metainfo_ref (job->metainfo);
      work->dir = g_strdup (job->dir);
    }

  pthread_mutex_lock (&self->lock);
  torrent = g_hash_table_lookup (self->torrents, &job->torrent);
  if (torrent == NULL)
    {
      torrent = g_new0 (Torrent, 1);
      torrent->id = job->torrent;
      torrent->pieces = g_hash_table_new (NULL, NULL);
      g_hash_table_insert (self->torrents, &torrent->id, torrent);
    }
  work->torrent = torrent;
  torrent->n_alone += work->mode == MODE_ALONE;
  self->n_pending++;
  if (torrent->held.first == NULL && may_start (torrent, work->mode))
    activate (self, work);
  else
    queue_push (&torrent->held, work);
  pthread_mutex_unlock (&self->lock);

  return FALSE;
}

ShoalDone *
shoal_disk_collect (ShoalDisk *self)
{
  ShoalDone *done;

  g_return_val_if_fail (self != NULL, NULL);

  pthread_mutex_lock (&self->lock);
  done = self->done_first;
  self->done_first = NULL;
  self->done_last = NULL;
  self->woken = FALSE;
  pthread_mutex_unlock (&self->lock);

  return done;
}

void
shoal_disk_drain (ShoalDisk *self)
{
  g_return_if_fail (self != NULL);

  pthread_mutex_lock (&self->lock);
  while (self->n_pending > 0)
    pthread_cond_wait (&self->idle, &self->lock);
  pthread_mutex_unlock (&self->lock);
}

guint
shoal_disk_pending (ShoalDisk *self)
{
  guint pending;

  g_return_val_if_fail (self != NULL, 0);

  pthread_mutex_lock (&self->lock);
  pending = self->n_pending;
  pthread_mutex_unlock (&self->lock);

  return pending;
}

gboolean
shoal_disk_sync (ShoalDisk *self,
                 guint64    id)
{
  g_autoptr (ShoalStorage) storage = NULL;
  Torrent *torrent;
  gboolean lost;

  g_return_val_if_fail (self != NULL, FALSE);

  pthread_mutex_lock (&self->lock);
  torrent = g_hash_table_lookup (self->torrents, &id);
  if (torrent != NULL && torrent->storage != NULL)
    storage = shoal_storage_ref (torrent->storage);
  lost = g_hash_table_contains (self->lost, &id);
  pthread_mutex_unlock (&self->lock);

  return storage != NULL ? shoal_storage_sync (storage) : !lost;
}
