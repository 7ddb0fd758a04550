/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes a .torrent from a file or folder. */

/*
 * The layout that the torrent will have, pad files included, is made first; then threads take runs
 * of pieces from one counter and hash them as they will lie in it: SHA-1 over the whole piece with
 * its padding, in the lanes of the vector unit where there are any, and SHA-256 over the blocks of
 * the file in it. Of v2 a piece gives one hash of its file's layer, or, where the file is no larger
 * than a piece, the root itself.
 */

#include "shoal-maker.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "shoal-error.h"
#include "shoal-merkle.h"
#include "shoal-torrent-writer.h"
#include "shoal-tree-walk.h"

#define CHUNK_SIZE     (64u * 1024)
#define LANES          16u
#define LANES_PAY      6u    /* with fewer messages a plain digest is as fast */
#define EXTENTS_MAX    16u
#define PIECE_SIZE_MIN SHOAL_BLOCK_SIZE

typedef struct
{
  GPtrArray            *tree;         /* of ShoalTreeFile */
  ShoalTorrentVersions  versions;
  guint32               piece_size;
  ShoalLayout          *layout;
  guint32              *tree_file;    /* of each file of @layout: index in @tree */
  ShoalSha1            *sha1s;        /* nullable: one a piece */
  ShoalSha256          *nodes;        /* nullable: one a piece */
  ShoalProgress        *progress;
  guint                 batch;        /* pieces */
  guint32               next;         /* atomic */
  pthread_mutex_t       lock;
  GError               *error;        /* under @lock: the first */
} Make;

/* One thread's. */
typedef struct
{
  Make        *make;
  ShoalDigest *sha1;
  ShoalDigest *sha256;
  guint8      *chunks;     /* LANES of CHUNK_SIZE */
  int          fd;         /* of the file read last */
  guint32      fd_file;    /* in the layout */
} Reader;

static void
fail (Make   *self,
      GError *error)
{
  pthread_mutex_lock (&self->lock);
  if (self->error == NULL)
    self->error = g_steal_pointer (&error);
  pthread_mutex_unlock (&self->lock);
  g_clear_error (&error);
  shoal_progress_cancel (self->progress);
}

/* Of the part that lies in one file; FALSE: told by fail(). */
static gboolean
read_extent (Reader            *self,
             const ShoalExtent *extent,
             guint8            *out)
{
  const ShoalTreeFile *file = g_ptr_array_index (self->make->tree,
                                                 self->make->tree_file[extent->file]);
  guint64 done = 0;

  if (self->fd < 0 || self->fd_file != extent->file)
    {
      if (self->fd >= 0)
        close (self->fd);
      self->fd = open (file->location, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
      self->fd_file = extent->file;
      if (self->fd < 0)
        {
          fail (self->make, g_error_new (G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s",
                                         file->location, g_strerror (errno)));
          return FALSE;
        }
      posix_fadvise (self->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    }

  while (done < extent->size)
    {
      ssize_t n = pread (self->fd, out + done, extent->size - done,
                         (off_t) (extent->offset + done));

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          fail (self->make,
                n < 0 ? g_error_new (G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s",
                                     file->location, g_strerror (errno))
                      : g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED,
                                     "%s: it became shorter while it was read", file->location));
          return FALSE;
        }
      done += (guint64) n;
    }

  return TRUE;
}

/* Bytes of the address space; what no file holds is zero. */
static gboolean
read_range (Reader  *self,
            guint64  offset,
            guint32  size,
            guint8  *out)
{
  guint64 from = 0;
  guint64 filled = 0;

  while (from < size)
    {
      ShoalExtent extents[EXTENTS_MAX];
      guint n = shoal_layout_extents (self->make->layout, offset, size, &from, extents,
                                      EXTENTS_MAX);

      for (guint i = 0; i < n; i++)
        {
          memset (out + filled, 0, extents[i].in_range - filled);
          if (!read_extent (self, &extents[i], out + extents[i].in_range))
            return FALSE;
          filled = extents[i].in_range + extents[i].size;
        }
    }

  memset (out + filled, 0, size - filled);
  return TRUE;
}

/* Bytes of the piece that belong to its file, and how many leaves its tree has. */
static guint32
file_part (const ShoalLayout *layout,
           guint32            piece,
           guint64           *n_leaves)
{
  guint64 begin = shoal_layout_piece_offset (layout, piece);
  guint32 file = layout->piece_file[piece];
  guint64 file_end = layout->file_offset[file] + layout->file_size[file];
  guint64 n_blocks = (layout->file_size[file] + SHOAL_BLOCK_SIZE - 1) / SHOAL_BLOCK_SIZE;

  *n_leaves = layout->file_size[file] <= layout->piece_size ? shoal_merkle_round_up (n_blocks)
                                                            : layout->piece_size / SHOAL_BLOCK_SIZE;
  return (guint32) MIN (layout->piece_size, file_end - begin);
}

static void
add_leaves (Reader       *self,
            ShoalMerkle  *tree,
            const guint8 *data,
            guint32       size)
{
  for (guint32 at = 0; at < size; at += SHOAL_BLOCK_SIZE)
    {
      ShoalSha256 leaf;

      shoal_digest_update (self->sha256, data + at, MIN (size - at, SHOAL_BLOCK_SIZE));
      shoal_digest_finish (self->sha256, leaf.bytes);
      shoal_merkle_add (tree, &leaf);
    }
}

/* Pieces [@first, @first + @n) of @size bytes each, side by side. */
static gboolean
hash_pieces (Reader  *self,
             guint32  first,
             guint    n,
             guint32  size)
{
  Make *make = self->make;
  ShoalSha1Lanes lanes = { 0 };
  ShoalMerkle trees[LANES];
  guint32 parts[LANES];
  guint64 n_leaves[LANES];
  const guint8 *data[LANES];

  for (guint i = 0; i < n; i++)
    {
      shoal_merkle_init (&trees[i]);
      parts[i] = make->nodes != NULL ? file_part (make->layout, first + i, &n_leaves[i]) : 0;
    }

  for (guint32 at = 0; at < size; at += CHUNK_SIZE)
    {
      guint32 chunk = MIN (size - at, CHUNK_SIZE);

      for (guint i = 0; i < n; i++)
        {
          guint8 *out = self->chunks + (gsize) i * CHUNK_SIZE;

          if (!read_range (self, shoal_layout_piece_offset (make->layout, first + i) + at, chunk,
                           out))
            return FALSE;
          if (at < parts[i])
            add_leaves (self, &trees[i], out, MIN (chunk, parts[i] - at));
          data[i] = out;
        }
      if (make->sha1s != NULL && n > 1)
        shoal_sha1_lanes_update (&lanes, data, n, chunk);
      else if (make->sha1s != NULL)
        shoal_digest_update (self->sha1, data[0], chunk);
      shoal_progress_add (make->progress, (guint64) chunk * n);
    }

  if (make->sha1s != NULL && n > 1)
    shoal_sha1_lanes_finish (&lanes, n, make->sha1s + first);
  else if (make->sha1s != NULL)
    shoal_digest_finish (self->sha1, make->sha1s[first].bytes);
  for (guint i = 0; i < n && make->nodes != NULL; i++)
    shoal_merkle_root (&trees[i], n_leaves[i], 0, &make->nodes[first + i]);

  return TRUE;
}

static void *
make_thread (void *data)
{
  Make *make = data;
  guint32 n_pieces = make->layout->n_pieces;
  Reader self = { .make = make, .fd = -1 };
  gboolean ok = TRUE;

  self.sha1 = shoal_digest_new (SHOAL_DIGEST_SHA1);
  self.sha256 = shoal_digest_new (SHOAL_DIGEST_SHA256);
  self.chunks = g_malloc (LANES * CHUNK_SIZE);

  while (ok)
    {
      guint64 at = (guint64) __atomic_fetch_add (&make->next, 1, __ATOMIC_RELAXED) * make->batch;
      guint64 end = MIN (at + make->batch, n_pieces);

      if (at >= n_pieces)
        break;
      /* Only pieces of one size go side by side: the last ones of files may be shorter. */
      while (ok && at < end)
        {
          guint32 size = shoal_layout_piece_size (make->layout, (guint32) at);
          guint n = 1;

          while (at + n < end && make->sha1s != NULL &&
                 shoal_layout_piece_size (make->layout, (guint32) (at + n)) == size)
            n++;
          if (n < LANES_PAY || size % 64 != 0)
            n = 1;
          ok = !shoal_progress_cancelled (make->progress) &&
               hash_pieces (&self, (guint32) at, n, size);
          at += n;
        }
    }

  if (self.fd >= 0)
    close (self.fd);
  g_free (self.chunks);
  shoal_digest_free (self.sha256);
  shoal_digest_free (self.sha1);
  return NULL;
}

static void
run (Make *self)
{
  pthread_t threads[SHOAL_MAKER_THREADS_MAX];
  guint32 n_pieces = self->layout->n_pieces;
  guint n_threads = MIN (MIN (g_get_num_processors (), SHOAL_MAKER_THREADS_MAX), MAX (n_pieces, 1));
  guint lanes = shoal_sha1_max_lanes () >= LANES_PAY ? LANES : 1;
  guint n = 0;

  self->batch = CLAMP ((n_pieces + n_threads - 1) / n_threads, 1, lanes);
  pthread_mutex_init (&self->lock, NULL);
  while (n + 1 < n_threads && pthread_create (&threads[n], NULL, make_thread, self) == 0)
    n++;
  make_thread (self);
  for (guint i = 0; i < n; i++)
    pthread_join (threads[i], NULL);
  pthread_mutex_destroy (&self->lock);
}

/* The address space that the torrent will have; @spec tells where pad files come. */
static gboolean
make_layout (Make                   *self,
             const ShoalTorrentSpec *spec,
             GError                **error)
{
  g_autofree guint64 *sizes = g_new0 (guint64, 2 * (gsize) spec->n_files);
  g_autofree guint8 *pads = g_new0 (guint8, 2 * (gsize) spec->n_files);
  guint32 n = 0;

  self->tree_file = g_new0 (guint32, 2 * (gsize) spec->n_files);
  for (guint32 i = 0; i < spec->n_files; i++)
    {
      guint64 pad = shoal_torrent_pad_size (spec, i);

      self->tree_file[n] = i;
      sizes[n++] = spec->files[i].size;
      if (pad > 0)
        {
          pads[n] = 1;
          sizes[n++] = pad;
        }
    }

  self->layout = shoal_layout_new (spec->piece_size, n, sizes, pads,
                                   self->versions == SHOAL_TORRENT_V2, error);
  return self->layout != NULL;
}

/* Roots and layers out of the hashes of the pieces. */
static void
fill_roots (Make             *self,
            ShoalTorrentFile *files)
{
  guint level = g_bit_storage (self->piece_size / SHOAL_BLOCK_SIZE) - 1;

  for (guint32 i = 0; i < self->layout->n_files; i++)
    {
      ShoalTorrentFile *file = &files[self->tree_file[i]];
      guint32 first;
      guint32 end;

      if (self->layout->file_pad[i] || self->layout->file_size[i] == 0)
        continue;
      shoal_layout_file_pieces (self->layout, i, &first, &end);
      if (file->size <= self->piece_size)
        {
          file->root = self->nodes[first];
        }
      else
        {
          ShoalMerkle tree;

          shoal_merkle_init (&tree);
          for (guint32 piece = first; piece < end; piece++)
            shoal_merkle_add (&tree, &self->nodes[piece]);
          shoal_merkle_root (&tree, shoal_merkle_round_up (end - first), level, &file->root);
          file->layer = self->nodes[first].bytes;
        }
    }
}

static gboolean
choose_piece_size (Make    *self,
                   guint64  wanted,
                   GError **error)
{
  guint64 total = 0;

  if (wanted != 0 &&
      (wanted < PIECE_SIZE_MIN || wanted > SHOAL_PIECE_SIZE_MAX || (wanted & (wanted - 1)) != 0))
    {
      g_set_error_literal (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_UNSUPPORTED,
                           "the piece size has to be a power of two between 16 KiB and 512 MiB");
      return FALSE;
    }

  for (guint i = 0; i < self->tree->len; i++)
    total += ((const ShoalTreeFile *) g_ptr_array_index (self->tree, i))->size;
  self->piece_size = wanted != 0 ? (guint32) wanted : shoal_torrent_choose_piece_size (total);
  return TRUE;
}

static char ***
make_tiers (const char *const *trackers)
{
  guint n = trackers != NULL ? g_strv_length ((char **) trackers) : 0;
  char ***tiers = g_new0 (char **, n + 1);

  for (guint i = 0; i < n; i++)
    {
      tiers[i] = g_new0 (char *, 2);
      tiers[i][0] = g_strdup (trackers[i]);
    }

  return tiers;
}

/* Without the space between the files of v2. */
static guint64
total_size (const ShoalLayout *layout)
{
  guint64 size = 0;

  for (guint32 piece = 0; piece < layout->n_pieces; piece++)
    size += shoal_layout_piece_size (layout, piece);

  return size;
}

static GBytes *
hash_and_write (Make             *self,
                ShoalTorrentSpec *spec,
                ShoalTorrentFile *files,
                GError          **error)
{
  if (!make_layout (self, spec, error))
    return NULL;

  if (self->versions & SHOAL_TORRENT_V1)
    self->sha1s = g_new0 (ShoalSha1, self->layout->n_pieces);
  if (self->versions & SHOAL_TORRENT_V2)
    self->nodes = g_new0 (ShoalSha256, self->layout->n_pieces);
  shoal_progress_begin (self->progress, total_size (self->layout));
  run (self);

  if (self->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&self->error));
      return NULL;
    }
  if (shoal_progress_cancelled (self->progress))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
      return NULL;
    }

  if (self->nodes != NULL)
    fill_roots (self, files);
  if (self->sha1s != NULL)
    {
      spec->pieces = self->sha1s[0].bytes;
      spec->n_pieces = self->layout->n_pieces;
    }

  return shoal_torrent_write (spec, error);
}

GBytes *
shoal_make_torrent (const ShoalMakeOptions *options,
                    ShoalProgress          *progress,
                    GError                **error)
{
  static const ShoalTorrentVersions versions[] = { SHOAL_TORRENT_HYBRID, SHOAL_TORRENT_V1,
                                                   SHOAL_TORRENT_V2 };
  g_autofree char *root = g_canonicalize_filename (options->path, NULL);
  g_autofree char *name = g_path_get_basename (root);
  g_autofree ShoalTorrentFile *files = NULL;
  Make self = { .versions = versions[options->kind], .progress = progress };
  ShoalTorrentSpec spec = { 0 };
  GBytes *bytes = NULL;

  if (!g_utf8_validate (name, -1, NULL))
    {
      g_autofree char *shown = g_filename_display_name (root);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                   "%s: the name is not UTF-8, so it cannot be in a torrent", shown);
      return NULL;
    }

  self.tree = shoal_tree_walk (root, &spec.single, error);
  if (self.tree != NULL && choose_piece_size (&self, options->piece_size, error))
    {
      files = g_new0 (ShoalTorrentFile, self.tree->len);
      for (guint i = 0; i < self.tree->len; i++)
        {
          const ShoalTreeFile *file = g_ptr_array_index (self.tree, i);

          files[i].path = (const char *const *) file->path;
          files[i].symlink = (const char *const *) file->target;
          files[i].size = file->size;
          files[i].flags = file->flags;
        }
      spec.versions = self.versions;
      spec.name = name;
      spec.files = files;
      spec.n_files = self.tree->len;
      spec.piece_size = self.piece_size;
      spec.trackers = make_tiers (options->trackers);
      spec.web_seeds = (char **) options->web_seeds;
      spec.comment = options->comment;
      spec.source = options->source;
      spec.created_by = "Shoal/" SHOAL_VERSION;
      spec.creation_date = options->creation_date;
      spec.is_private = options->is_private;
      bytes = hash_and_write (&self, &spec, files, error);
    }

  shoal_tiers_free (spec.trackers);
  g_clear_pointer (&self.tree, g_ptr_array_unref);
  g_clear_pointer (&self.layout, shoal_layout_free);
  g_free (self.tree_file);
  g_free (self.sha1s);
  g_free (self.nodes);
  return bytes;
}
