/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compares a torrent's data on disk with its hashes, outside of any session. */

/*
 * Threads take batches of neighbouring pieces from one counter and check them as the disk workers
 * do. A batch is what one step of the hasher takes; where there are few pieces it is smaller, so
 * that every thread has its share.
 */

#include "shoal-verifier.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <pthread.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>
#include "shoal-error.h"
#include "shoal-folder.h"
#include "shoal-storage.h"

#define FILES_OPEN_MAX 128u

G_STATIC_ASSERT ((int) SHOAL_VERDICT_MISSING == (int) SHOAL_PIECE_MISSING);
G_STATIC_ASSERT ((int) SHOAL_VERDICT_WRONG == (int) SHOAL_PIECE_WRONG);
G_STATIC_ASSERT ((int) SHOAL_VERDICT_RIGHT == (int) SHOAL_PIECE_RIGHT);

typedef struct
{
  ShoalMetainfo     *metainfo;
  ShoalStorage      *storage;
  ShoalVerifyReport *report;
  ShoalProgress     *progress;
  guint              batch;       /* pieces */
  guint32            next;        /* atomic: index of the next batch */
  pthread_mutex_t    lock;
  ShoalReason        reason;      /* under @lock: of the first failure */
  char              *detail;
} Verify;

static guint64
range_size (const ShoalLayout *layout,
            guint32            first,
            guint              n)
{
  guint64 size = 0;

  for (guint i = 0; i < n; i++)
    size += shoal_layout_piece_size (layout, first + i);

  return size;
}

static void
fail (Verify      *self,
      ShoalReason  reason,
      char        *detail)
{
  pthread_mutex_lock (&self->lock);
  if (self->reason == SHOAL_REASON_NONE)
    {
      self->reason = reason;
      self->detail = g_steal_pointer (&detail);
    }
  pthread_mutex_unlock (&self->lock);
  g_free (detail);
}

static void *
verify_thread (void *data)
{
  Verify *self = data;
  const ShoalLayout *layout = self->metainfo->layout;
  g_autoptr(ShoalHasher) hasher = shoal_hasher_new ();

  while (!shoal_progress_cancelled (self->progress))
    {
      guint64 first = (guint64) __atomic_fetch_add (&self->next, 1, __ATOMIC_RELAXED) * self->batch;
      gboolean halves_differ = FALSE;
      ShoalReason reason = SHOAL_REASON_IO;
      char *detail = NULL;
      guint n;

      if (first >= layout->n_pieces)
        break;
      n = (guint) MIN (self->batch, layout->n_pieces - first);

      /* Of a hybrid whose halves differ the piece is told as wrong. */
      if (!shoal_storage_check (self->storage, hasher, (guint32) first, n, FALSE,
                                self->report->verdicts + first, &halves_differ, &reason, &detail))
        {
          fail (self, reason, detail);
          break;
        }
      shoal_progress_add (self->progress, range_size (layout, (guint32) first, n));
    }

  return NULL;
}

/* Whether @path lies on a disk that turns; several readers would only make it seek. */
static gboolean
is_rotating (const char *path)
{
  struct stat info;

  if (stat (path, &info) != 0)
    return FALSE;

  /* A partition's queue is its disk's, one folder up. */
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *text = NULL;
      g_autofree char *file = g_strdup_printf ("/sys/dev/block/%u:%u/%squeue/rotational",
                                               major (info.st_dev), minor (info.st_dev),
                                               i == 0 ? "" : "../");

      if (g_file_get_contents (file, &text, NULL, NULL))
        return text[0] == '1';
    }

  return FALSE;
}

/* Whether a few places all over the files are in memory: then the disk does not matter. */
static gboolean
is_cached (const ShoalMetainfo *metainfo,
           const char          *dir)
{
  guint n_hot = 0;
  guint n_cold = 0;

  for (guint i = 0; i < 32; i++)
    {
      guint64 offset = metainfo->layout->total_size / 32 * i;
      guint32 file = shoal_layout_file_at (metainfo->layout, offset);
      g_autofree char *path = g_build_filename (dir, metainfo->files[file].path, NULL);
      int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
      guint8 byte;
      struct iovec iov = { &byte, 1 };

      if (fd < 0)
        continue;
      if (preadv2 (fd, &iov, 1,
                   (off_t) (offset - MIN (offset, metainfo->layout->file_offset[file])),
                   RWF_NOWAIT) == 1 ||
          errno == EOPNOTSUPP)
        n_hot++;
      else
        n_cold++;
      close (fd);
    }

  return n_hot >= n_cold;
}

static guint
choose_threads (const ShoalMetainfo *metainfo,
                const char          *dir)
{
  if (metainfo->layout->n_pieces < 2 || (is_rotating (dir) && !is_cached (metainfo, dir)))
    return 1;

  return MIN (MIN (g_get_num_processors (), SHOAL_VERIFIER_THREADS_MAX),
              metainfo->layout->n_pieces);
}

static void
run (Verify *self,
     guint   n_threads)
{
  pthread_t threads[SHOAL_VERIFIER_THREADS_MAX];
  guint n = 0;

  while (n + 1 < n_threads && pthread_create (&threads[n], NULL, verify_thread, self) == 0)
    n++;
  verify_thread (self);
  for (guint i = 0; i < n; i++)
    pthread_join (threads[i], NULL);
}

static void
open_storage (ShoalStorage *storage)
{
  ShoalDiskJob job = { .op = SHOAL_DISK_OPEN, .part_suffix = TRUE };

  /* What is not there shows in the verdicts. */
  shoal_storage_open (storage, &job);
  g_free (job.detail);
}

static guint32
count_absent (const ShoalMetainfo *metainfo,
              const char          *dir)
{
  g_auto(ShoalFolder) folder = SHOAL_FOLDER_INIT;
  gboolean open = shoal_folder_open (&folder, dir);
  guint32 n = 0;

  for (guint32 i = 0; i < metainfo->layout->n_files; i++)
    {
      struct stat info;

      if (metainfo->files[i].size > 0 ||
          (metainfo->files[i].flags & (SHOAL_FILE_PAD | SHOAL_FILE_SYMLINK)) != 0)
        continue;
      if (!open || !shoal_folder_stat (&folder, metainfo->files[i].path, &info))
        n++;
    }

  return n;
}

static gboolean
check_usable (const ShoalMetainfo *metainfo,
              GError             **error)
{
  if (metainfo->pieces != NULL || !metainfo->layers_missing)
    return TRUE;

  g_set_error_literal (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_UNSUPPORTED,
                       "the piece layers are missing, so there is nothing to compare with");
  return FALSE;
}

ShoalVerifyReport *
shoal_verify (GBytes        *torrent,
              const char    *dir,
              ShoalProgress *progress,
              GError       **error)
{
  g_autoptr(ShoalMetainfo) metainfo = shoal_metainfo_parse (torrent, error);
  g_autoptr(ShoalVerifyReport) report = NULL;
  g_autoptr(ShoalFileCache) cache = NULL;
  g_autofree char *absolute = g_canonicalize_filename (dir, NULL);
  Verify self = { .metainfo = metainfo, .progress = progress };
  guint n_threads;

  if (metainfo == NULL || !check_usable (metainfo, error))
    return NULL;

  report = g_new0 (ShoalVerifyReport, 1);
  report->name = g_strdup (metainfo->name);
  report->n_pieces = metainfo->layout->n_pieces;
  report->verdicts = g_malloc0 (report->n_pieces);
  shoal_progress_begin (progress, range_size (metainfo->layout, 0, report->n_pieces));

  n_threads = choose_threads (metainfo, absolute);
  cache = shoal_file_cache_new (FILES_OPEN_MAX);
  self.storage = shoal_storage_new (cache, metainfo, absolute, TRUE, NULL, NULL);
  self.report = report;
  self.batch = CLAMP ((report->n_pieces + n_threads - 1) / n_threads, 1, shoal_hasher_best ());
  pthread_mutex_init (&self.lock, NULL);
  open_storage (self.storage);
  run (&self, n_threads);
  pthread_mutex_destroy (&self.lock);
  g_clear_pointer (&self.storage, shoal_storage_unref);

  for (guint32 i = 0; i < report->n_pieces; i++)
    report->n[report->verdicts[i]]++;
  report->n_absent = count_absent (metainfo, absolute);

  if (shoal_progress_cancelled (progress))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
  else if (self.reason != SHOAL_REASON_NONE)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                         self.detail != NULL ? self.detail : "the data could not be read");
  else
    return g_steal_pointer (&report);

  g_free (self.detail);
  return NULL;
}

void
shoal_verify_report_free (ShoalVerifyReport *self)
{
  if (self == NULL)
    return;

  g_free (self->name);
  g_free (self->verdicts);
  g_free (self);
}

gboolean
shoal_verify_report_complete (const ShoalVerifyReport *self)
{
  return self->n[SHOAL_VERDICT_RIGHT] == self->n_pieces && self->n_absent == 0;
}
