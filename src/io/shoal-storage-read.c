/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of one torrent: what is there, reading, comparing with the hashes. */

#include "shoal-storage-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXTENTS_MAX     32u
#define READ_AHEAD_SIZE (512 * 1024)

/* --- What is there --- */

static gint64
stamp_of (const struct stat *info)
{
  return (gint64) info->st_mtim.tv_sec * G_GINT64_CONSTANT (1000000000) + info->st_mtim.tv_nsec;
}

/* Looks where a file is; lock held. */
static gboolean
look_at (ShoalStorage *self,
         guint32       file,
         gboolean      final_first,
         struct stat  *info)
{
  const char *path = self->metainfo->files[file].path;
  g_autofree char *part = g_strconcat (path, PART_SUFFIX, NULL);
  guint8 place = FILE_ABSENT;

  if (final_first && shoal_folder_stat (&self->folder, path, info))
    place = FILE_FINAL;
  else if (shoal_folder_stat (&self->folder, part, info))
    place = FILE_PART;
  else if (!final_first && shoal_folder_stat (&self->folder, path, info))
    place = FILE_FINAL;
  self->files[file] = place;

  return place != FILE_ABSENT;
}

/* One past the last claimed byte of a file; 0: no piece of it is claimed. */
static guint64
claimed_end (ShoalStorage *self,
             ShoalDiskJob *job,
             guint32       file)
{
  guint32 first, end;

  if (job->all_had)
    return self->layout->file_size[file];
  if (job->had == NULL || shoal_bitfield_is_empty (job->had))
    return 0;

  shoal_layout_file_pieces (self->layout, file, &first, &end);
  while (end > first && !shoal_bitfield_get (job->had, end - 1))
    end--;
  if (end == first)
    return 0;

  return MIN (shoal_layout_piece_offset (self->layout, end - 1) + self->layout->piece_size -
              self->layout->file_offset[file],
              self->layout->file_size[file]);
}

static void
take_priorities (ShoalStorage *self,
                 ShoalDiskJob *job)
{
  if (job->priorities == NULL)
    return;
  g_free (self->priorities);
  self->priorities = g_memdup2 (job->priorities, self->layout->n_files);
}

static guint64
edges_size (ShoalStorage *self)
{
  g_autoptr (ShoalOpenFile) edges = storage_open_edges (self, FALSE);
  struct stat info;

  return edges != NULL && fstat (edges->fd, &info) == 0 ? (guint64) info.st_size : 0;
}

static void
open_file_states (ShoalStorage *self,
                  ShoalDiskJob *job,
                  guint64       in_edges)
{
  for (guint32 i = 0; i < self->layout->n_files; i++)
    {
      guint64 claimed;
      struct stat info;

      if (self->layout->file_pad[i] != 0 ||
          (self->metainfo->files[i].flags & SHOAL_FILE_SYMLINK) != 0)
        continue;

      claimed = claimed_end (self, job, i);
      if (!look_at (self, i, job->all_had, &info))
        {
          /* A part of an unwanted file is in the edges. */
          if (claimed > 0 && in_edges < self->layout->file_offset[i] + 1)
            job->stale = TRUE;
          continue;
        }

      job->stamp = MAX (job->stamp, stamp_of (&info));
      if (self->layout->file_size[i] == 0)
        continue;
      job->found = TRUE;
      if ((guint64) info.st_size < claimed || !S_ISREG (info.st_mode))
        job->stale = TRUE;
      if (claimed == 0 && info.st_size > 0 && (self->files[i] & FILE_PLACE) == FILE_FINAL)
        self->files[i] |= FILE_FOREIGN;
    }
}

static void
open_journal (ShoalStorage *self,
              ShoalDiskJob *job)
{
  guint n = 0, kept = 0;

  if (self->journal == NULL || job->all_had)
    return;

  job->journal = shoal_journal_read (self->journal, self->layout->n_pieces, &n);
  for (guint i = 0; i < n; i++)
    {
      if (job->had == NULL || !shoal_bitfield_get (job->had, job->journal[i]))
        job->journal[kept++] = job->journal[i];
    }
  job->n_journal = kept;
  if (kept == 0)
    g_clear_pointer (&job->journal, g_free);
}

void
shoal_storage_open (ShoalStorage *self,
                    ShoalDiskJob *job)
{
  guint64 in_edges = edges_size (self);
  struct statvfs info;

  pthread_mutex_lock (&self->lock);
  take_priorities (self, job);
  if (!storage_folder (self))
    {
      storage_fail (self, job, "open", NULL);
      job->stale = job->all_had || (job->had != NULL && !shoal_bitfield_is_empty (job->had));
    }
  else
    {
      open_file_states (self, job, in_edges);
      job->found |= in_edges > 0;
    }
  storage_rest (self);
  pthread_mutex_unlock (&self->lock);

  open_journal (self, job);
  if (statvfs (self->dir, &info) == 0)
    job->free_space = (guint64) info.f_bavail * info.f_frsize;
}

gint64
storage_stamp (ShoalStorage *self)
{
  gint64 stamp = 0;

  pthread_mutex_lock (&self->lock);
  for (guint32 i = 0; i < self->layout->n_files && storage_folder (self); i++)
    {
      g_autofree char *path = NULL;
      struct stat info;

      if ((self->files[i] & FILE_PLACE) == FILE_ABSENT)
        continue;
      path = storage_path (self, i);
      if (shoal_folder_stat (&self->folder, path, &info))
        stamp = MAX (stamp, stamp_of (&info));
    }
  storage_rest (self);
  pthread_mutex_unlock (&self->lock);

  return stamp;
}

/* --- Reading --- */

static gboolean
pread_all (int      fd,
           guint8  *out,
           gsize    size,
           guint64  offset)
{
  while (size > 0)
    {
      gssize got = pread (fd, out, size, (off_t) offset);

      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        {
          errno = got == 0 ? ENODATA : errno;
          return FALSE;
        }
      out += got;
      offset += (guint64) got;
      size -= (gsize) got;
    }

  return TRUE;
}

/* The file that holds a part of @extent's file, and where the extent begins in it. (transfer full)
 * (nullable): errno */
static ShoalOpenFile *
open_source (ShoalStorage      *self,
             const ShoalExtent *extent,
             guint64           *base)
{
  ShoalOpenFile *file = storage_open_read (self, extent->file);

  *base = extent->offset;
  if (file == NULL && errno == ENOENT)
    {
      file = storage_open_edges (self, FALSE);
      *base = self->layout->file_offset[extent->file] + extent->offset;
      if (file == NULL)
        errno = ENOENT;
    }

  return file;
}

gboolean
storage_pread (ShoalStorage *self,
               guint64       offset,
               guint32       size,
               guint8       *out,
               guint32      *failed)
{
  guint64 from = 0;
  guint64 filled = 0;

  while (from < size)
    {
      ShoalExtent extents[EXTENTS_MAX];
      guint n = shoal_layout_extents (self->layout, offset, size, &from, extents, EXTENTS_MAX);

      for (guint i = 0; i < n; i++)
        {
          g_autoptr (ShoalOpenFile) file = NULL;
          guint64 base;

          if (extents[i].in_range > filled)
            memset (out + filled, 0, extents[i].in_range - filled);
          *failed = extents[i].file;
          file = open_source (self, &extents[i], &base);
          if (file == NULL ||
              !pread_all (file->fd, out + extents[i].in_range, extents[i].size, base))
            return FALSE;
          filled = extents[i].in_range + extents[i].size;
        }
    }
  if (filled < size)
    memset (out + filled, 0, size - filled);

  return TRUE;
}

/* Whoever asked for this block asks for the next ones soon. */
static void
read_ahead (ShoalStorage *self,
            guint64       offset)
{
  g_autoptr (ShoalOpenFile) file = NULL;
  guint64 from = 0, base;
  ShoalExtent extent;

  if (offset < self->layout->total_size &&
      shoal_layout_extents (self->layout, offset,
                            MIN (self->layout->total_size - offset, READ_AHEAD_SIZE), &from,
                            &extent, 1) == 1)
    file = open_source (self, &extent, &base);
  if (file != NULL && !file->in_memory)
    posix_fadvise (file->fd, (off_t) base, (off_t) extent.size, POSIX_FADV_WILLNEED);
}

void
shoal_storage_read (ShoalStorage *self,
                    ShoalDiskJob *job)
{
  guint64 offset = shoal_layout_piece_offset (self->layout, job->piece) + job->offset;
  g_autofree guint8 *bytes = g_malloc (job->size);
  guint32 file = 0;

  if (!storage_pread (self, offset, job->size, bytes, &file))
    {
      storage_fail (self, job, "read", self->metainfo->files[file].path);
      return;
    }
  job->bytes = g_steal_pointer (&bytes);
  read_ahead (self, offset + job->size);
}

ShoalSha1 *
shoal_storage_digest_blocks (ShoalStorage *self,
                             guint32       piece)
{
  guint64 offset = shoal_layout_piece_offset (self->layout, piece);
  guint32 n = shoal_layout_n_blocks (self->layout, piece);
  g_autofree ShoalSha1 *digests = g_new (ShoalSha1, n);
  g_autofree guint8 *bytes = g_malloc (SHOAL_BLOCK_SIZE);
  guint32 file;

  for (guint32 block = 0; block < n; block++)
    {
      guint32 size = shoal_layout_block_size (self->layout, piece, block);

      if (!storage_pread (self, offset + (guint64) block * SHOAL_BLOCK_SIZE, size, bytes, &file))
        return NULL;
      shoal_sha1 (bytes, size, &digests[block]);
    }

  return g_steal_pointer (&digests);
}

/* Whether the bytes up to @end can be had without waiting: the last one stands for all. */
static gboolean
is_hot (ShoalOpenFile *file,
        guint64        end)
{
  guint8 byte;
  struct iovec iov = { &byte, 1 };
  struct stat info;

  if (file->in_memory)
    return fstat (file->fd, &info) == 0 && (guint64) info.st_size >= end;

  return preadv2 (file->fd, &iov, 1, (off_t) (end - 1), RWF_NOWAIT) == 1;
}

gboolean
shoal_storage_read_hot (ShoalStorage *self,
                        ShoalDiskJob *job)
{
  guint64 offset = shoal_layout_piece_offset (self->layout, job->piece) + job->offset;
  g_autoptr (ShoalOpenFile) file = NULL;
  ShoalExtent extent;
  guint64 from = 0;

  /* Opening may wait: only files that are open already count. */
  if (shoal_layout_extents (self->layout, offset, job->size, &from, &extent, 1) != 1 ||
      extent.size != job->size)
    return FALSE;
  file = shoal_file_cache_get (self->cache, self, extent.file, FALSE);
  if (file == NULL)
    return FALSE;

  if (job->allow_file)
    {
      if (!is_hot (file, extent.offset + extent.size))
        return FALSE;
      job->file = shoal_open_file_hand_out (file);
      job->file_offset = extent.offset;
    }
  else
    {
      g_autofree guint8 *bytes = g_malloc (job->size);
      struct iovec iov = { bytes, job->size };

      if (preadv2 (file->fd, &iov, 1, (off_t) extent.offset, file->in_memory ? 0 : RWF_NOWAIT) !=
          (gssize) job->size)
        return FALSE;
      job->bytes = g_steal_pointer (&bytes);
    }

  return TRUE;
}

/* --- Comparing with the hashes --- */

typedef struct
{
  ShoalStorage *storage;
  guint64       offset;    /* of the piece */
  gboolean      has_data;  /* something else than zeros was read */
  guint32       file;      /* that failed */
  int           error;     /* 0: none */
} CheckSource;

typedef enum { PRESENT, HOLE, GONE, BROKEN } Presence;

static const guint8 *
read_chunk (gpointer source,
            guint32  offset,
            guint32  size,
            guint8  *scratch)
{
  CheckSource *self = source;

  if (!storage_pread (self->storage, self->offset + offset, size, scratch, &self->file))
    {
      self->error = errno;
      return NULL;
    }
  if (!self->has_data)
    self->has_data = scratch[0] != 0 || memcmp (scratch, scratch + 1, size - 1) != 0;

  return scratch;
}

ShoalSha256 *
shoal_storage_leaves (ShoalStorage *self,
                      ShoalHasher  *hasher,
                      guint32       piece)
{
  CheckSource source = { .storage = self,
                         .offset = shoal_layout_piece_offset (self->layout, piece) };

  return shoal_hasher_leaves (hasher, self->metainfo, piece, &source, read_chunk);
}

/* A file that was not there may have been put there, or taken away, by the user. */
static gboolean
look_again (ShoalStorage *self,
            guint32       file)
{
  struct stat info;
  gboolean there;

  pthread_mutex_lock (&self->lock);
  there = storage_folder (self) && look_at (self, file, FALSE, &info);
  if (there && (self->files[file] & FILE_PLACE) == FILE_FINAL && info.st_size > 0)
    self->files[file] |= FILE_FOREIGN;
  storage_rest (self);
  pthread_mutex_unlock (&self->lock);

  return there;
}

/* What a part of a file looks like without reading it. */
static Presence
extent_presence (ShoalStorage      *self,
                 const ShoalExtent *extent,
                 gboolean          *cold)
{
  g_autoptr (ShoalOpenFile) file = NULL;
  struct stat info;
  guint64 base;
  off_t data;

  file = open_source (self, extent, &base);
  if (file == NULL && errno == ENOENT && look_again (self, extent->file))
    file = open_source (self, extent, &base);
  if (file == NULL)
    return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EINVAL ? GONE : BROKEN;
  if (fstat (file->fd, &info) != 0)
    return BROKEN;
  if ((guint64) info.st_size < base + extent->size)
    return GONE;

  /* Without blocks there are only holes; with as many as bytes there are none. */
  if (info.st_blocks * 512 < info.st_size || info.st_blocks == 0)
    {
      data = lseek (file->fd, (off_t) base, SEEK_DATA);
      if ((data < 0 && errno == ENXIO) || (data >= 0 && (guint64) data >= base + extent->size))
        return HOLE;
    }
  *cold |= !is_hot (file, base + extent->size);

  return PRESENT;
}

static Presence
piece_presence (ShoalStorage *self,
                CheckSource  *source,
                guint32       size,
                gboolean     *cold)
{
  gboolean data = FALSE, hole = FALSE;
  guint64 from = 0;

  while (from < size)
    {
      ShoalExtent extents[EXTENTS_MAX];
      guint n = shoal_layout_extents (self->layout, source->offset, size, &from, extents,
                                      EXTENTS_MAX);

      for (guint i = 0; i < n; i++)
        {
          Presence presence = extent_presence (self, &extents[i], cold);

          if (presence == GONE)
            return GONE;
          if (presence == BROKEN)
            {
              source->file = extents[i].file;
              source->error = errno;
              return BROKEN;
            }
          data |= presence == PRESENT;
          hole |= presence == HOLE;
        }
    }

  return hole && !data ? HOLE : PRESENT;
}

/* Nothing was ever written there, unless the piece is all zeros. */
static gboolean
is_zero_piece (ShoalStorage *self,
               guint32       piece,
               guint32       size)
{
  gboolean known;
  ShoalSha1 want, zero;

  if (!shoal_metainfo_piece_sha1 (self->metainfo, piece, &want) || size != self->layout->piece_size)
    return TRUE;

  pthread_mutex_lock (&self->lock);
  known = self->zero_known;
  zero = self->zero_sha1;
  pthread_mutex_unlock (&self->lock);
  if (!known)
    {
      g_autofree guint8 *zeros = g_malloc0 (size);

      shoal_sha1 (zeros, size, &zero);
      pthread_mutex_lock (&self->lock);
      self->zero_known = TRUE;
      self->zero_sha1 = zero;
      pthread_mutex_unlock (&self->lock);
    }

  return shoal_sha1_equal (&want, &zero);
}

/* A file in which a piece is right is the torrent's own. */
static void
adopt_files (ShoalStorage *self,
             guint32       piece)
{
  guint64 offset = shoal_layout_piece_offset (self->layout, piece);
  guint32 size = shoal_layout_piece_size (self->layout, piece);
  guint64 from = 0;

  pthread_mutex_lock (&self->lock);
  while (from < size)
    {
      ShoalExtent extents[EXTENTS_MAX];
      guint n = shoal_layout_extents (self->layout, offset, size, &from, extents, EXTENTS_MAX);

      for (guint i = 0; i < n; i++)
        {
          if ((self->files[extents[i].file] & FILE_PLACE) == FILE_FINAL)
            self->files[extents[i].file] &= (guint8) ~FILE_FOREIGN;
        }
    }
  pthread_mutex_unlock (&self->lock);
}

/* Pieces lie one after another: one large request keeps a turning disk from seeking between
 * them. */
static void
ask_for (ShoalStorage *self,
         guint32       first,
         guint         n)
{
  guint64 offset = shoal_layout_piece_offset (self->layout, first);
  guint64 size = MIN ((guint64) n * self->layout->piece_size, self->layout->total_size - offset);
  guint64 from = 0;

  while (from < size)
    {
      ShoalExtent extents[EXTENTS_MAX];
      guint n_extents = shoal_layout_extents (self->layout, offset, size, &from, extents,
                                              EXTENTS_MAX);

      for (guint i = 0; i < n_extents; i++)
        {
          g_autoptr (ShoalOpenFile) file = NULL;
          guint64 base;

          file = open_source (self, &extents[i], &base);
          if (file != NULL)
            posix_fadvise (file->fd, (off_t) base, (off_t) extents[i].size, POSIX_FADV_WILLNEED);
        }
    }
}

static gboolean
check_failed (ShoalStorage *self,
              CheckSource  *source,
              ShoalReason  *reason,
              char        **detail)
{
  ShoalDiskJob words = { .detail = NULL };

  errno = source->error;
  storage_fail (self, &words, "read", self->metainfo->files[source->file].path);
  *reason = words.reason;
  *detail = words.detail;

  return FALSE;
}

void
shoal_storage_check_begin (ShoalStorage *self)
{
  shoal_file_cache_forget (self->cache, self);
}

gboolean
shoal_storage_check (ShoalStorage *self,
                     ShoalHasher  *hasher,
                     guint32       first,
                     guint         n,
                     gboolean      written,
                     guint8       *verdicts,
                     gboolean     *halves_differ,
                     ShoalReason  *reason,
                     char        **detail)
{
  CheckSource sources[SHOAL_HASHER_PIECES_MAX];
  ShoalHashTask tasks[SHOAL_HASHER_PIECES_MAX];
  gboolean cold = FALSE;
  guint n_tasks = 0;

  g_return_val_if_fail (n <= SHOAL_HASHER_PIECES_MAX, FALSE);

  for (guint i = 0; i < n; i++)
    {
      CheckSource *source = &sources[n_tasks];
      guint32 size = shoal_layout_piece_size (self->layout, first + i);
      Presence presence;

      *source = (CheckSource){ .storage = self,
                               .offset = shoal_layout_piece_offset (self->layout, first + i) };
      presence = piece_presence (self, source, size, &cold);
      verdicts[i] = SHOAL_PIECE_MISSING;
      if (presence == BROKEN)
        return check_failed (self, source, reason, detail);
      if (presence == PRESENT || (presence == HOLE && is_zero_piece (self, first + i, size)))
        tasks[n_tasks++] =
          (ShoalHashTask){ .metainfo = self->metainfo, .piece = first + i, .source = source };
    }
  if (cold && n_tasks > 0)
    ask_for (self, first, n);
  shoal_hasher_compare (hasher, tasks, n_tasks, read_chunk);

  for (guint i = 0; i < n_tasks; i++)
    {
      CheckSource *source = tasks[i].source;

      if (source->error != 0 && source->error != ENODATA && source->error != ENOENT)
        return check_failed (self, source, reason, detail);
      if (tasks[i].right)
        adopt_files (self, tasks[i].piece);
      *halves_differ |= tasks[i].halves_differ;
      if (tasks[i].right)
        verdicts[tasks[i].piece - first] = SHOAL_PIECE_RIGHT;
      /* The file system cannot be asked where room was only set aside: what was read once counts as
       * data to it. */
      else if (tasks[i].wrong && (source->has_data || tasks[i].halves_differ || written))
        verdicts[tasks[i].piece - first] = SHOAL_PIECE_WRONG;
      if (tasks[i].right && written && self->journal != NULL)
        shoal_journal_append (self->journal, tasks[i].piece);
    }

  return TRUE;
}
