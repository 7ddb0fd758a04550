/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of one torrent: opening, writing, syncing. */

/*
 * A file is absent, has the suffix ".part", or has its final name; the byte of its state says
 * which, so paths are made when they are needed and a storage at rest is small. States change under
 * the lock, and only one worker makes a file; reading and writing themselves go without it.
 *
 * Parts of unwanted files that lie in wanted pieces go to one sparse file in the state folder, at
 * the offset that they have in the torrent. Once a file exists all of its data is in it; until then
 * it is looked for in the edges. What a piece in the edges held is copied when the file is made,
 * before the file gets a name that counts.
 *
 * What is on disk already when a torrent is added is never written to unless a piece of it was
 * found right: it may be somebody's other file. The download then grows beside it, with the suffix.
 */

#include "shoal-storage-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/falloc.h>
#include <linux/magic.h>

#define ZFS_MAGIC      0x2fc12fc1
#define BCACHEFS_MAGIC 0xca451a4e
#define EXTENTS_MAX    32u            /* looked up at a time */
#define IOV_BATCH      256u
#define COPY_SIZE      (256u * 1024)

/* --- Making and freeing --- */

ShoalStorage *
shoal_storage_new (ShoalFileCache *cache,
                   ShoalMetainfo  *metainfo,
                   const char     *dir,
                   gboolean        part_suffix,
                   ShoalJournal   *journal,
                   const char     *edges)
{
  ShoalStorage *self;

  g_return_val_if_fail (cache != NULL && metainfo != NULL && dir != NULL, NULL);

  self = g_new0 (ShoalStorage, 1);
  self->ref_count = 1;
  self->cache = cache;
  self->metainfo = shoal_metainfo_ref (metainfo);
  self->layout = metainfo->layout;
  self->dir = g_strdup (dir);
  self->edges_path = g_strdup (edges);
  self->journal = journal;
  self->part_suffix = part_suffix;
  self->files = g_malloc0 (self->layout->n_files);
  self->folder = (ShoalFolder) SHOAL_FOLDER_INIT;
  pthread_mutex_init (&self->lock, NULL);

  return self;
}

ShoalStorage *
shoal_storage_ref (ShoalStorage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_int_inc (&self->ref_count);

  return self;
}

void
shoal_storage_unref (ShoalStorage *self)
{
  if (self == NULL || !g_atomic_int_dec_and_test (&self->ref_count))
    return;

  shoal_file_cache_forget (self->cache, self);
  shoal_folder_close (&self->folder);
  g_clear_pointer (&self->journal, shoal_journal_unref);
  shoal_metainfo_unref (self->metainfo);
  pthread_mutex_destroy (&self->lock);
  g_free (self->dir);
  g_free (self->edges_path);
  g_free (self->files);
  g_free (self->priorities);
  g_free (self);
}

const ShoalMetainfo *
shoal_storage_metainfo (ShoalStorage *self)
{
  return self->metainfo;
}

/* --- Names and errors --- */

char *
storage_path (ShoalStorage *self,
              guint32       file)
{
  const char *path = self->metainfo->files[file].path;
  guint8 state = self->files[file];
  gboolean part = (state & FILE_PLACE) == FILE_PART;

  if ((state & FILE_PLACE) == FILE_ABSENT)
    part = self->part_suffix || (state & FILE_FOREIGN) != 0;

  return part ? g_strconcat (path, PART_SUFFIX, NULL) : g_strdup (path);
}

static ShoalReason
reason_of (ShoalStorage *self,
           int           error)
{
  switch (error)
    {
    case ENOSPC:
    case EDQUOT:
      return SHOAL_REASON_DISK_FULL;

    case EACCES:
    case EPERM:
      return SHOAL_REASON_NO_PERMISSION;

    case EROFS:
      return SHOAL_REASON_READ_ONLY;

    case ENODATA:
      return SHOAL_REASON_DATA_MISSING;

    case ENOENT:
    case ENOTDIR:
    case ESTALE:
    case ENODEV:
      if (!g_file_test (self->dir, G_FILE_TEST_IS_DIR))
        return SHOAL_REASON_FOLDER_GONE;
      return error == ENOENT ? SHOAL_REASON_DATA_MISSING : SHOAL_REASON_IO;

    default:
      return SHOAL_REASON_IO;
    }
}

gboolean
storage_fail (ShoalStorage *self,
              ShoalDiskJob *job,
              const char   *verb,
              const char   *path)
{
  int error = errno;
  g_autofree char *full = NULL;
  const char *why = g_strerror (error);

  job->reason = reason_of (self, error);
  if (job->reason == SHOAL_REASON_FOLDER_GONE)
    full = g_strdup (self->dir);
  else
    full = path != NULL ? g_build_filename (self->dir, path, NULL) : g_strdup (self->dir);

  if (error == ENODATA || (error == ENOENT && job->reason == SHOAL_REASON_DATA_MISSING))
    why = "it is gone or shorter than it was";
  else if (error == ELOOP)
    why = "it is a symbolic link";
  else if (error == ENOTDIR && job->reason == SHOAL_REASON_IO)
    why = "on the way to it is something that is no folder";
  else if (error == EINVAL)
    why = "it is not a file";

  g_free (job->detail);
  job->detail = g_strdup_printf ("Cannot %s “%s”: %s", verb, full, why);

  return FALSE;
}

gboolean
storage_folder (ShoalStorage *self)
{
  return self->folder.root >= 0 || shoal_folder_open (&self->folder, self->dir);
}

/* Torrents are many, descriptors are not: lock held. Leaves errno. */
void
storage_rest (ShoalStorage *self)
{
  int saved = errno;

  shoal_folder_close (&self->folder);
  errno = saved;
}

/* --- Opening files --- */

ShoalOpenFile *
storage_open_read (ShoalStorage *self,
                   guint32       file)
{
  ShoalOpenFile *open_file = shoal_file_cache_get (self->cache, self, file, FALSE);
  g_autofree char *path = NULL;
  int fd = -1;

  if (open_file != NULL)
    return open_file;

  pthread_mutex_lock (&self->lock);
  errno = ENOENT;
  if ((self->files[file] & FILE_PLACE) != FILE_ABSENT && storage_folder (self))
    {
      path = storage_path (self, file);
      fd = shoal_folder_open_file (&self->folder, path, O_RDONLY);
    }
  storage_rest (self);
  if (fd >= 0)
    open_file = shoal_file_cache_put (self->cache, self, file, fd, FALSE);
  pthread_mutex_unlock (&self->lock);

  return open_file;
}

ShoalOpenFile *
storage_open_edges (ShoalStorage *self,
                    gboolean      make)
{
  guint32 index = storage_edges_index (self);
  ShoalOpenFile *open_file;
  int fd = -1;

  pthread_mutex_lock (&self->lock);
  open_file = shoal_file_cache_get (self->cache, self, index, TRUE);
  if (open_file == NULL && self->edges_path != NULL)
    {
      fd = open (self->edges_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (make ? O_CREAT : 0), 0600);
    }
  else if (open_file == NULL && make && storage_folder (self))
    {
      /* Without a state folder nothing outlives the process, and neither does this. */
      g_autofree char *name = g_strdup_printf ("%s/.shoal-XXXXXX", self->dir);

      fd = g_mkstemp_full (name, O_RDWR | O_CLOEXEC, 0600);
      if (fd >= 0)
        unlink (name);
    }
  if (fd >= 0)
    {
      open_file = shoal_file_cache_put (self->cache, self, index, fd, TRUE);
      self->edges_made = TRUE;
    }
  pthread_mutex_unlock (&self->lock);

  return open_file;
}

gboolean
storage_is_edge (ShoalStorage *self,
                 guint32       file,
                 guint32       piece)
{
  guint64 offset = shoal_layout_piece_offset (self->layout, piece);
  guint32 size = shoal_layout_piece_size (self->layout, piece);
  guint64 from = 0;

  if (self->priorities == NULL || self->priorities[file] != SHOAL_PRIORITY_SKIP ||
      (self->files[file] & FILE_PLACE) != FILE_ABSENT)
    return FALSE;

  /* Unwanted only if the piece was downloaded for another file's sake. */
  while (from < size)
    {
      ShoalExtent extents[EXTENTS_MAX];
      guint n = shoal_layout_extents (self->layout, offset, size, &from, extents, EXTENTS_MAX);

      for (guint i = 0; i < n; i++)
        {
          if (self->priorities[extents[i].file] != SHOAL_PRIORITY_SKIP)
            return TRUE;
        }
    }

  return FALSE;
}

/* Blocks that are copied when a file changes pay for reservation with fragments. */
static gboolean
can_reserve (int fd)
{
  struct statfs info;

  if (fstatfs (fd, &info) != 0)
    return FALSE;

  return info.f_type != BTRFS_SUPER_MAGIC && info.f_type != ZFS_MAGIC &&
         info.f_type != BCACHEFS_MAGIC && info.f_type != TMPFS_MAGIC;
}

/* Whether the disk has room for what the file still lacks; lock held. */
static gboolean
has_room (ShoalStorage *self,
          ShoalDiskJob *job,
          guint32       file,
          guint64       stored)
{
  struct statvfs info;
  guint64 needed = self->layout->file_size[file] - MIN (stored, self->layout->file_size[file]);
  guint64 available;

  if (statvfs (self->dir, &info) != 0)
    return TRUE;
  available = (guint64) info.f_bavail * info.f_frsize;
  if (available >= needed)
    return TRUE;

  job->reason = SHOAL_REASON_DISK_FULL;
  g_free (job->detail);
  job->detail = g_strdup_printf ("“%s” needs %" G_GUINT64_FORMAT
                                 " bytes, but only %" G_GUINT64_FORMAT " are free in “%s”",
                                 self->metainfo->files[file].path, needed, available, self->dir);

  return FALSE;
}

/* Asks for the room of the whole file, once; lock held. */
static gboolean
reserve (ShoalStorage *self,
         ShoalDiskJob *job,
         guint32       file,
         int           fd)
{
  struct stat info;

  if ((self->files[file] & FILE_RESERVED) != 0)
    return TRUE;
  if (self->priorities != NULL && self->priorities[file] == SHOAL_PRIORITY_SKIP)
    return TRUE;

  if (fstat (fd, &info) == 0 && !has_room (self, job, file, (guint64) info.st_blocks * 512))
    return FALSE;
  if (can_reserve (fd) &&
      fallocate (fd, FALLOC_FL_KEEP_SIZE, 0, (off_t) self->layout->file_size[file]) != 0 &&
      (errno == ENOSPC || errno == EDQUOT))
    return storage_fail (self, job, "reserve room for", self->metainfo->files[file].path);
  self->files[file] |= FILE_RESERVED;

  return TRUE;
}

/* Copies what the edges hold of @file to @to. */
static gboolean
copy_from_edges (ShoalStorage *self,
                 int           edges,
                 guint32       file,
                 int           to)
{
  guint64 begin = self->layout->file_offset[file];
  guint64 end = begin + self->layout->file_size[file];
  g_autofree guint8 *buffer = g_malloc (COPY_SIZE);
  guint64 at = begin;

  while (at < end)
    {
      off_t data = lseek (edges, (off_t) at, SEEK_DATA);
      gssize got;

      if (data < 0 && errno == ENXIO)
        break;
      if (data >= 0)
        at = MAX (at, (guint64) data);
      if (at >= end)
        break;
      got = pread (edges, buffer, MIN (end - at, COPY_SIZE), (off_t) at);
      if (got < 0)
        return FALSE;
      if (got == 0)
        break;
      if (pwrite (to, buffer, (gsize) got, (off_t) (at - begin)) != got)
        {
          errno = errno != 0 ? errno : ENOSPC;
          return FALSE;
        }
      at += (guint64) got;
    }

  return TRUE;
}

/* Makes a file that was absent, with what the edges have of it; lock held. -1: reason and detail
 * are set. */
static int
make_file (ShoalStorage  *self,
           ShoalDiskJob  *job,
           guint32        file,
           ShoalOpenFile *edges)
{
  g_autofree char *path = storage_path (self, file);
  g_autofree char *new_path = NULL;
  gboolean part = g_str_has_suffix (path, PART_SUFFIX) &&
                  strcmp (path, self->metainfo->files[file].path) != 0;
  int fd;

  if ((self->priorities == NULL || self->priorities[file] != SHOAL_PRIORITY_SKIP) &&
      !has_room (self, job, file, 0))
    return -1;

  if (edges != NULL)
    new_path = g_strconcat (self->metainfo->files[file].path, NEW_SUFFIX, NULL);
  fd = shoal_folder_open_file (&self->folder, edges != NULL ? new_path : path,
                               O_RDWR | O_CREAT | (edges != NULL ? O_TRUNC : O_EXCL));
  if (fd < 0)
    {
      storage_fail (self, job, "make", path);
      return -1;
    }
  if (edges != NULL &&
      (!copy_from_edges (self, edges->fd, file, fd) || fdatasync (fd) != 0 ||
       !shoal_folder_rename (&self->folder, new_path, path)))
    {
      storage_fail (self, job, "make", path);
      shoal_folder_unlink (&self->folder, new_path);
      close (fd);
      return -1;
    }
  self->files[file] = (guint8) ((self->files[file] & ~FILE_PLACE) |
                                (part ? FILE_PART : FILE_FINAL));

  return fd;
}

/* A file that was there before and is not known to be ours keeps its name and its bytes; lock
 * held. */
static void
step_aside (ShoalStorage *self,
            guint32       file)
{
  if ((self->files[file] & FILE_FOREIGN) != 0 && (self->files[file] & FILE_PLACE) == FILE_FINAL)
    /* absent: made with the suffix */
    self->files[file] = (guint8) (self->files[file] & ~FILE_PLACE);
}

ShoalOpenFile *
storage_open_write (ShoalStorage *self,
                    guint32       file,
                    ShoalDiskJob *job)
{
  ShoalOpenFile *open_file = shoal_file_cache_get (self->cache, self, file, TRUE);
  g_autoptr (ShoalOpenFile) edges = NULL;
  g_autofree char *path = NULL;
  int fd = -1;

  if (open_file != NULL)
    return open_file;
  edges = storage_open_edges (self, FALSE);

  pthread_mutex_lock (&self->lock);
  step_aside (self, file);
  if (!storage_folder (self))
    {
      storage_fail (self, job, "open", NULL);
    }
  else if ((self->files[file] & FILE_PLACE) == FILE_ABSENT)
    {
      fd = make_file (self, job, file, edges);
    }
  else
    {
      path = storage_path (self, file);
      fd = shoal_folder_open_file (&self->folder, path, O_RDWR);
      if (fd < 0)
        storage_fail (self, job, "open", path);
    }
  if (fd >= 0 && !reserve (self, job, file, fd))
    {
      close (fd);
      fd = -1;
    }
  storage_rest (self);
  if (fd >= 0)
    open_file = shoal_file_cache_put (self->cache, self, file, fd, TRUE);
  pthread_mutex_unlock (&self->lock);

  return open_file;
}

/* --- Writing --- */

/* Writes all of @iov. FALSE: errno. */
static gboolean
write_all (int           fd,
           struct iovec *iov,
           guint         n,
           guint64       offset)
{
  while (n > 0)
    {
      gssize put = pwritev (fd, iov, (int) MIN (n, IOV_MAX), (off_t) offset);

      if (put < 0 && errno == EINTR)
        continue;
      if (put <= 0)
        {
          errno = put == 0 ? ENOSPC : errno;
          return FALSE;
        }
      offset += (guint64) put;
      while (n > 0 && (gsize) put >= iov->iov_len)
        {
          put -= (gssize) iov->iov_len;
          iov++;
          n--;
        }
      if (n > 0)
        {
          iov->iov_base = (guint8 *) iov->iov_base + put;
          iov->iov_len -= (gsize) put;
        }
    }

  return TRUE;
}

static int
compare_runs (gconstpointer a,
              gconstpointer b)
{
  const ShoalRun *one = a;
  const ShoalRun *other = b;

  return one->offset < other->offset ? -1 : one->offset > other->offset;
}

/* The parts of the runs in an extent, range by range: each contiguous range is one write. */
static gboolean
write_extent (ShoalDiskJob      *job,
              const ShoalExtent *extent,
              int                fd,
              guint64            base)
{
  struct iovec iov[IOV_BATCH];
  guint64 stop = extent->in_range + extent->size;
  guint64 start = 0, next = 0;
  guint n = 0;

  for (guint i = 0; i < job->n_runs; i++)
    {
      const ShoalRun *run = &job->runs[i];
      guint64 from = MAX (run->offset, extent->in_range);
      guint64 to = MIN ((guint64) run->offset + run->size, stop);

      if (from >= to)
        continue;
      if (n > 0 && (from != next || n == IOV_BATCH))
        {
          if (!write_all (fd, iov, n, base + start - extent->in_range))
            return FALSE;
          n = 0;
        }
      if (n == 0)
        start = from;
      iov[n++] = (struct iovec){ run->data + (from - run->offset), (gsize) (to - from) };
      next = to;
    }

  return n == 0 || write_all (fd, iov, n, base + start - extent->in_range);
}

static gboolean
has_bytes (const ShoalDiskJob *job,
           const ShoalExtent  *extent)
{
  for (guint i = 0; i < job->n_runs; i++)
    {
      if (job->runs[i].offset < extent->in_range + extent->size &&
          (guint64) job->runs[i].offset + job->runs[i].size > extent->in_range)
        return TRUE;
    }

  return FALSE;
}

/* Which file has the bytes now, and where in it they begin. NULL: reason and detail are set. */
static ShoalOpenFile *
open_target (ShoalStorage      *self,
             ShoalDiskJob      *job,
             const ShoalExtent *extent,
             guint64           *base,
             gboolean          *edge)
{
  ShoalOpenFile *file;

  pthread_mutex_lock (&self->lock);
  *edge = storage_is_edge (self, extent->file, job->piece);
  pthread_mutex_unlock (&self->lock);

  *base = *edge ? self->layout->file_offset[extent->file] + extent->offset : extent->offset;
  if (!*edge)
    return storage_open_write (self, extent->file, job);

  file = storage_open_edges (self, TRUE);
  if (file == NULL)
    storage_fail (self, job, "keep a part of", self->metainfo->files[extent->file].path);

  return file;
}

static gboolean
write_to_file (ShoalStorage      *self,
               ShoalDiskJob      *job,
               const ShoalExtent *extent)
{
  gboolean again = TRUE;

  while (again)
    {
      g_autoptr (ShoalOpenFile) file = NULL;
      gboolean edge;
      guint64 base;

      file = open_target (self, job, extent, &base, &edge);
      if (file == NULL)
        return FALSE;
      if (!write_extent (job, extent, file->fd, base))
        return storage_fail (self, job, "write", self->metainfo->files[extent->file].path);

      /* Marked after writing: a sync in between has not seen the data. */
      pthread_mutex_lock (&self->lock);
      if (edge)
        self->edges_dirty = TRUE;
      else
        self->files[extent->file] |= FILE_DIRTY;
      /* A file that was made meanwhile has copied what the edges had then. */
      again = edge && (self->files[extent->file] & FILE_PLACE) != FILE_ABSENT;
      pthread_mutex_unlock (&self->lock);
    }

  return TRUE;
}

void
shoal_storage_write (ShoalStorage *self,
                     ShoalDiskJob *job)
{
  guint64 offset = shoal_layout_piece_offset (self->layout, job->piece);
  guint32 size = shoal_layout_piece_size (self->layout, job->piece);
  guint64 from = 0;

  if (job->n_runs > 1)
    qsort (job->runs, job->n_runs, sizeof *job->runs, compare_runs);
  while (from < size)
    {
      ShoalExtent extents[EXTENTS_MAX];
      guint n = shoal_layout_extents (self->layout, offset, size, &from, extents, EXTENTS_MAX);

      for (guint i = 0; i < n; i++)
        {
          if (has_bytes (job, &extents[i]) && !write_to_file (self, job, &extents[i]))
            return;
        }
    }

  /* A journal that cannot be written costs a piece after a crash, not the download now. */
  if (job->op == SHOAL_DISK_PIECE && self->journal != NULL &&
      !shoal_journal_append (self->journal, job->piece))
    g_debug ("cannot append to a journal: %s", g_strerror (errno));
}

/* --- Syncing and closing --- */

/* One file whose mark was taken away already. */
static gboolean
sync_file (ShoalStorage *self,
           guint32       file)
{
  g_autoptr (ShoalOpenFile) open_file = NULL;

  if (file == storage_edges_index (self))
    open_file = storage_open_edges (self, FALSE);
  else
    open_file = storage_open_read (self, file);
  /* A file that was made and is gone again claims nothing. */
  if (open_file == NULL)
    return errno == ENOENT;

  return fdatasync (open_file->fd) == 0 || errno == EINVAL || errno == EROFS;
}

gboolean
shoal_storage_sync (ShoalStorage *self)
{
  gboolean ok = TRUE;
  gboolean edges;

  for (guint32 i = 0; i < self->layout->n_files; i++)
    {
      gboolean dirty;

      pthread_mutex_lock (&self->lock);
      dirty = (self->files[i] & FILE_DIRTY) != 0;
      self->files[i] &= (guint8) ~FILE_DIRTY;
      pthread_mutex_unlock (&self->lock);
      if (dirty)
        ok &= sync_file (self, i);
    }

  pthread_mutex_lock (&self->lock);
  edges = self->edges_dirty;
  self->edges_dirty = FALSE;
  pthread_mutex_unlock (&self->lock);
  if (edges)
    ok &= sync_file (self, storage_edges_index (self));

  /* The kernel reports a lost page once: remember it. */
  pthread_mutex_lock (&self->lock);
  self->lost |= !ok;
  ok = !self->lost;
  pthread_mutex_unlock (&self->lock);

  return ok;
}

void
shoal_storage_close (ShoalStorage *self,
                     ShoalDiskJob *job)
{
  if (!shoal_storage_sync (self))
    {
      errno = EIO;
      storage_fail (self, job, "write all of", self->metainfo->name);
    }
  shoal_file_cache_forget (self->cache, self);
  if (self->journal != NULL)
    shoal_journal_close (self->journal);
}
