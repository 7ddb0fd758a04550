/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of one torrent: copies of files that another torrent has. */

/*
 * A copy is made in steps, so that whoever waits for the torrent or for a worker waits for one
 * step. Before the first one a piece that lies in the file as a whole is compared: a wrong guess
 * then costs reading that piece. A file that is too small to hold a whole piece is smaller than
 * two, so copying it for nothing costs little more.
 *
 * The source is opened anew for each step and only for reading. Bytes are only ever put behind
 * the end of what is there: a copy that was broken off by a pause or a crash goes on so. What is
 * made here has no standing: the pieces are compared afterwards, as if the user had put the file
 * there.
 */

#include "shoal-storage-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define STEP_SIZE (16u * 1024 * 1024)   /* bytes copied by one job */
#define COPY_SIZE (256u * 1024)         /* by one call, where the kernel cannot copy by itself */

typedef struct
{
  int     fd;
  guint64 offset;   /* of the piece, in the file */
} Source;

/* -1: there is no such file, or it has another size. */
static int
open_source (const ShoalDiskJob *job,
             guint64             size)
{
  g_auto (ShoalFolder) folder = SHOAL_FOLDER_INIT;
  struct stat info;
  int fd;

  if (!shoal_folder_open (&folder, job->source_dir))
    return -1;
  fd = shoal_folder_open_file (&folder, job->source_path, O_RDONLY);
  if (fd >= 0 && (fstat (fd, &info) != 0 || (guint64) info.st_size != size))
    {
      close (fd);
      return -1;
    }

  return fd;
}

static gssize
read_at (int     fd,
         guint8 *out,
         gsize   size,
         guint64 offset)
{
  gssize got;

  do
    got = pread (fd, out, size, (off_t) offset);
  while (got < 0 && errno == EINTR);

  return got;
}

static const guint8 *
read_chunk (gpointer source,
            guint32  offset,
            guint32  size,
            guint8  *scratch)
{
  Source *self = source;

  for (guint32 at = 0; at < size;)
    {
      gssize got = read_at (self->fd, scratch + at, size - at, self->offset + offset + at);

      if (got <= 0)
        return NULL;
      at += (guint32) got;
    }

  return scratch;
}

/* Whether the first piece that lies wholly in the file is right in the source; TRUE without one. */
static gboolean
may_be_same (ShoalStorage *self,
             ShoalHasher  *hasher,
             guint32       file,
             int           fd)
{
  const ShoalLayout *layout = self->layout;
  guint64 begin = layout->file_offset[file];
  guint64 stop = begin + layout->file_size[file];
  guint32 first, end;

  shoal_layout_file_pieces (layout, file, &first, &end);
  for (guint32 piece = first; piece < end; piece++)
    {
      guint64 offset = shoal_layout_piece_offset (layout, piece);
      Source source = { fd, offset - begin };
      ShoalHashTask task = { .metainfo = self->metainfo, .piece = piece, .source = &source };

      if (offset < begin || offset + shoal_layout_piece_size (layout, piece) > stop)
        continue;
      shoal_hasher_compare (hasher, &task, 1, read_chunk);
      return task.right;
    }

  return TRUE;
}

/* How far [@at, @end) was copied by reading and writing; G_MAXUINT64: writing failed, errno. */
static guint64
copy_plainly (int     from,
              int     to,
              guint64 at,
              guint64 end)
{
  g_autofree guint8 *buffer = g_malloc (COPY_SIZE);

  while (at < end)
    {
      gssize got = read_at (from, buffer, MIN (end - at, COPY_SIZE), at);

      if (got <= 0)
        return at;
      for (gssize put = 0; put < got;)
        {
          gssize n = pwrite (to, buffer + put, (gsize) (got - put), (off_t) at + put);

          if (n < 0 && errno == EINTR)
            continue;
          if (n <= 0)
            {
              errno = n == 0 ? ENOSPC : errno;
              return G_MAXUINT64;
            }
          put += n;
        }
      at += (guint64) got;
    }

  return at;
}

/* The same with as little work as may be: blocks shared, or a copy in the kernel. */
static guint64
copy_step (int     from,
           int     to,
           guint64 at,
           guint64 size)
{
  guint64 end = at + MIN (size - at, STEP_SIZE);

  if (at == 0 && ioctl (to, FICLONE, from) == 0)
    return size;
  while (at < end)
    {
      off_t in = (off_t) at;
      off_t out = (off_t) at;
      gssize n = copy_file_range (from, &in, to, &out, (gsize) (end - at), 0);

      if (n == 0)
        return at;
      /* Whether it cannot, or reading or writing failed: that tells, and says which. */
      if (n < 0)
        return copy_plainly (from, to, at, end);
      at += (guint64) n;
    }

  return at;
}

/* Where the copy goes on: behind what is there. FALSE: it is complete, or somebody's other file. */
static gboolean
find_end (ShoalStorage *self,
          guint32       file,
          guint64      *end)
{
  g_autofree char *path = NULL;
  struct stat info = { 0 };
  gboolean may;
  guint8 state;

  pthread_mutex_lock (&self->lock);
  state = self->files[file];
  may = (state & FILE_PLACE) == FILE_ABSENT;
  if ((state & FILE_PLACE) == FILE_PART || (state & FILE_TAKEN) != 0)
    {
      path = storage_path (self, file);
      may = storage_folder (self) && shoal_folder_stat (&self->folder, path, &info);
    }
  storage_rest (self);
  pthread_mutex_unlock (&self->lock);
  *end = (guint64) info.st_size;

  return may && *end < self->layout->file_size[file];
}

void
shoal_storage_take (ShoalStorage *self,
                    ShoalHasher  *hasher,
                    ShoalDiskJob *job)
{
  g_autoptr (ShoalOpenFile) target = NULL;
  guint64 size = self->layout->file_size[job->index];
  guint64 at, to;
  int fd = find_end (self, job->index, &at) ? open_source (job, size) : -1;

  if (fd < 0)
    return;
  if (job->taken > 0 || may_be_same (self, hasher, job->index, fd))
    target = storage_open_write (self, job->index, job);
  if (target != NULL)
    {
      to = copy_step (fd, target->fd, at, size);
      if (to == G_MAXUINT64)
        storage_fail (self, job, "write", self->metainfo->files[job->index].path);
      else if (to > at)
        job->taken = to;
      /* One that was there in part is not for DROP. */
      pthread_mutex_lock (&self->lock);
      self->files[job->index] |= at == 0 ? FILE_TAKEN | FILE_DIRTY : FILE_DIRTY;
      pthread_mutex_unlock (&self->lock);
    }
  close (fd);
}

static gboolean
has_right_piece (ShoalStorage       *self,
                 const ShoalDiskJob *job,
                 guint32             file)
{
  guint32 first, end;

  shoal_layout_file_pieces (self->layout, file, &first, &end);

  return job->all_had || (job->had != NULL && shoal_bitfield_next_set (job->had, first) < end);
}

void
shoal_storage_drop (ShoalStorage *self,
                    ShoalDiskJob *job)
{
  shoal_file_cache_forget (self->cache, self);
  pthread_mutex_lock (&self->lock);
  for (guint32 file = 0; file < self->layout->n_files; file++)
    {
      g_autofree char *path = NULL;

      if ((self->files[file] & FILE_TAKEN) == 0)
        continue;
      self->files[file] &= (guint8) ~FILE_TAKEN;
      if (has_right_piece (self, job, file))
        continue;
      path = storage_path (self, file);
      if (storage_folder (self) && shoal_folder_unlink (&self->folder, path))
        self->files[file] = FILE_ABSENT;
      else
        storage_fail (self, job, "delete", path);
    }
  storage_rest (self);
  pthread_mutex_unlock (&self->lock);
}
