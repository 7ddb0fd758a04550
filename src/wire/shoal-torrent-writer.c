/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a .torrent: v1, v2 and hybrid. */

/*
 * Keys are written in their order, so the code follows the alphabet, not the meaning. The tree of
 * v2 is written in one pass over the sorted files: a folder is closed where the next path leaves
 * it. What was written is parsed before it is given out, so a .torrent that Shoal makes is one
 * that Shoal takes.
 */

#include "shoal-torrent-writer.h"

#include <stdlib.h>
#include <string.h>

#include "shoal-bencode.h"
#include "shoal-error.h"

#define PIECE_SIZE_SMALLEST 16384u
#define PIECE_SIZE_LARGEST  (32u * 1024 * 1024)
#define PIECES_WISHED       1500u
#define PAD_FOLDER          ".pad"

static gboolean
is_hybrid (const ShoalTorrentSpec *self)
{
  return self->versions == SHOAL_TORRENT_HYBRID;
}

static gboolean
fail (GError    **error,
      const char *message)
{
  g_set_error_literal (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_MALFORMED, message);
  return FALSE;
}

guint32
shoal_torrent_choose_piece_size (guint64 total_size)
{
  guint32 size = PIECE_SIZE_SMALLEST;

  /* Up to the power of two whose number of pieces is nearest, as a ratio, to what is wished. */
  while (size < PIECE_SIZE_LARGEST && (double) total_size / size > PIECES_WISHED * G_SQRT2)
    size *= 2;

  return size;
}

int
shoal_torrent_compare_paths (const char *const *a,
                             const char *const *b)
{
  for (; *a != NULL && *b != NULL; a++, b++)
    {
      int order = strcmp (*a, *b);

      if (order != 0)
        return order;
    }

  return (*a != NULL) - (*b != NULL);
}

guint64
shoal_torrent_pad_size (const ShoalTorrentSpec *self,
                        guint32                 file)
{
  guint64 rest;

  g_return_val_if_fail (file < self->n_files, 0);

  if (!is_hybrid (self) || self->n_files < 2 || self->single)
    return 0;
  rest = self->files[file].size % self->piece_size;

  return rest == 0 ? 0 : self->piece_size - rest;
}

guint64
shoal_torrent_n_pieces (const ShoalTorrentSpec *self)
{
  guint64 total = 0;

  for (guint32 i = 0; i < self->n_files; i++)
    total += self->files[i].size + shoal_torrent_pad_size (self, i);

  return total / self->piece_size + (total % self->piece_size != 0);
}

static void
write_components (ShoalWriter       *out,
                  const char *const *components)
{
  shoal_bencode_write_begin (out, SHOAL_BENCODE_LIST);
  for (; *components != NULL; components++)
    shoal_bencode_write_text (out, *components);
  shoal_bencode_write_end (out);
}

static void
write_attributes (ShoalWriter    *out,
                  ShoalFileFlags  flags)
{
  char attr[8];
  guint n = 0;

  if ((flags & SHOAL_FILE_HIDDEN) != 0)
    attr[n++] = 'h';
  if ((flags & SHOAL_FILE_EXECUTABLE) != 0)
    attr[n++] = 'x';
  if ((flags & SHOAL_FILE_SYMLINK) != 0)
    attr[n++] = 'l';
  if (n == 0)
    return;
  shoal_bencode_write_text (out, "attr");
  shoal_bencode_write_bytes (out, attr, n);
}

static void
write_size (ShoalWriter *out,
            guint64      size)
{
  shoal_bencode_write_text (out, "length");
  shoal_bencode_write_int (out, (gint64) size);
}

static void
write_symlink (ShoalWriter            *out,
               const ShoalTorrentFile *file)
{
  if ((file->flags & SHOAL_FILE_SYMLINK) == 0)
    return;
  shoal_bencode_write_text (out, "symlink path");
  write_components (out, file->symlink);
}

/* -- v2 */

static void
write_tree_file (ShoalWriter            *out,
                 const ShoalTorrentFile *file)
{
  shoal_bencode_write_begin (out, SHOAL_BENCODE_DICT);
  shoal_bencode_write_text (out, "");
  shoal_bencode_write_begin (out, SHOAL_BENCODE_DICT);
  write_attributes (out, file->flags);
  if ((file->flags & SHOAL_FILE_SYMLINK) == 0)
    write_size (out, file->size);
  if (file->size > 0)
    {
      shoal_bencode_write_text (out, "pieces root");
      shoal_bencode_write_bytes (out, file->root.bytes, SHOAL_SHA256_SIZE);
    }
  write_symlink (out, file);
  shoal_bencode_write_end (out);
  shoal_bencode_write_end (out);
}

/* How many folders two paths share from the top. */
static guint
shared_folders (const char *const *a,
                const char *const *b)
{
  guint n = 0;

  while (a[n] != NULL && b[n] != NULL && a[n + 1] != NULL && b[n + 1] != NULL
         && strcmp (a[n], b[n]) == 0)
    n++;

  return n;
}

static guint
n_folders (const char *const *path)
{
  return g_strv_length ((char **) path) - 1;
}

static void
write_tree (ShoalWriter            *out,
            const ShoalTorrentSpec *self)
{
  const char *const *last = NULL;

  shoal_bencode_write_text (out, "file tree");
  shoal_bencode_write_begin (out, SHOAL_BENCODE_DICT);
  if (self->single)
    {
      shoal_bencode_write_text (out, self->name);
      write_tree_file (out, &self->files[0]);
    }
  for (guint32 i = 0; !self->single && i < self->n_files; i++)
    {
      const char *const *path = self->files[i].path;
      guint shared = last != NULL ? shared_folders (last, path) : 0;

      for (guint n = last != NULL ? n_folders (last) : 0; n > shared; n--)
        shoal_bencode_write_end (out);
      for (guint n = shared; n < n_folders (path); n++)
        {
          shoal_bencode_write_text (out, path[n]);
          shoal_bencode_write_begin (out, SHOAL_BENCODE_DICT);
        }
      shoal_bencode_write_text (out, path[n_folders (path)]);
      write_tree_file (out, &self->files[i]);
      last = path;
    }
  for (guint n = last != NULL ? n_folders (last) : 0; n > 0; n--)
    shoal_bencode_write_end (out);
  shoal_bencode_write_end (out);
}

static int
compare_roots (gconstpointer a,
               gconstpointer b)
{
  const ShoalTorrentFile *left = *(const ShoalTorrentFile *const *) a;
  const ShoalTorrentFile *right = *(const ShoalTorrentFile *const *) b;

  return memcmp (left->root.bytes, right->root.bytes, SHOAL_SHA256_SIZE);
}

/* Sorted by root; files of one content have one layer. */
static void
write_layers (ShoalWriter            *out,
              const ShoalTorrentSpec *self)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new ();

  for (guint32 i = 0; i < self->n_files; i++)
    if (self->files[i].size > self->piece_size)
      g_ptr_array_add (files, (gpointer) &self->files[i]);
  g_ptr_array_sort (files, compare_roots);

  shoal_bencode_write_text (out, "piece layers");
  shoal_bencode_write_begin (out, SHOAL_BENCODE_DICT);
  for (guint i = 0; i < files->len; i++)
    {
      const ShoalTorrentFile *file = files->pdata[i];
      guint64 n = file->size / self->piece_size + (file->size % self->piece_size != 0);

      if (i > 0 && compare_roots (&files->pdata[i - 1], &files->pdata[i]) == 0)
        continue;
      shoal_bencode_write_bytes (out, file->root.bytes, SHOAL_SHA256_SIZE);
      shoal_bencode_write_bytes (out, file->layer, n * SHOAL_SHA256_SIZE);
    }
  shoal_bencode_write_end (out);
}

/* -- v1 */

static void
write_pad (ShoalWriter *out,
           guint64      size)
{
  g_autofree char *name = g_strdup_printf ("%" G_GUINT64_FORMAT, size);
  const char *const path[] = { PAD_FOLDER, name, NULL };

  shoal_bencode_write_begin (out, SHOAL_BENCODE_DICT);
  shoal_bencode_write_text (out, "attr");
  shoal_bencode_write_text (out, "p");
  write_size (out, size);
  shoal_bencode_write_text (out, "path");
  write_components (out, path);
  shoal_bencode_write_end (out);
}

static void
write_list (ShoalWriter            *out,
            const ShoalTorrentSpec *self)
{
  shoal_bencode_write_text (out, "files");
  shoal_bencode_write_begin (out, SHOAL_BENCODE_LIST);
  for (guint32 i = 0; i < self->n_files; i++)
    {
      const ShoalTorrentFile *file = &self->files[i];
      guint64 pad = shoal_torrent_pad_size (self, i);

      shoal_bencode_write_begin (out, SHOAL_BENCODE_DICT);
      write_attributes (out, file->flags);
      write_size (out, file->size);
      shoal_bencode_write_text (out, "path");
      write_components (out, file->path);
      write_symlink (out, file);
      shoal_bencode_write_end (out);
      if (pad > 0)
        write_pad (out, pad);
    }
  shoal_bencode_write_end (out);
}

/* -- The whole */

static void
write_info (ShoalWriter            *out,
            const ShoalTorrentSpec *self)
{
  gboolean v1 = (self->versions & SHOAL_TORRENT_V1) != 0;
  gboolean v2 = (self->versions & SHOAL_TORRENT_V2) != 0;

  shoal_bencode_write_text (out, "info");
  shoal_bencode_write_begin (out, SHOAL_BENCODE_DICT);
  if (v1 && self->single)
    write_attributes (out, self->files[0].flags);
  if (v2)
    write_tree (out, self);
  if (v1 && self->single)
    write_size (out, self->files[0].size);
  else if (v1)
    write_list (out, self);
  if (v2)
    {
      shoal_bencode_write_text (out, "meta version");
      shoal_bencode_write_int (out, 2);
    }
  shoal_bencode_write_text (out, "name");
  shoal_bencode_write_text (out, self->name);
  shoal_bencode_write_text (out, "piece length");
  shoal_bencode_write_int (out, self->piece_size);
  if (v1)
    {
      shoal_bencode_write_text (out, "pieces");
      shoal_bencode_write_bytes (out, self->pieces, (gsize) self->n_pieces * SHOAL_SHA1_SIZE);
    }
  if (self->is_private)
    {
      shoal_bencode_write_text (out, "private");
      shoal_bencode_write_int (out, 1);
    }
  if (self->source != NULL)
    {
      shoal_bencode_write_text (out, "source");
      shoal_bencode_write_text (out, self->source);
    }
  shoal_bencode_write_end (out);
}

/* "announce" for those that know no tiers, the tiers where there is more than one tracker. */
static void
write_trackers (ShoalWriter *out,
                char      ***tiers)
{
  if (tiers == NULL || tiers[0] == NULL || tiers[0][0] == NULL)
    return;
  shoal_bencode_write_text (out, "announce");
  shoal_bencode_write_text (out, tiers[0][0]);
  if (tiers[1] == NULL && tiers[0][1] == NULL)
    return;
  shoal_bencode_write_text (out, "announce-list");
  shoal_bencode_write_begin (out, SHOAL_BENCODE_LIST);
  for (; *tiers != NULL; tiers++)
    write_components (out, (const char *const *) *tiers);
  shoal_bencode_write_end (out);
}

static void
write_text (ShoalWriter *out,
            const char  *key,
            const char  *text)
{
  if (text == NULL || text[0] == '\0')
    return;
  shoal_bencode_write_text (out, key);
  shoal_bencode_write_text (out, text);
}

/* What the parser would not notice, or only after the damage. */
static gboolean
check (const ShoalTorrentSpec *self,
       GError                **error)
{
  gboolean v2 = (self->versions & SHOAL_TORRENT_V2) != 0;

  if (self->n_files == 0 || (self->single && self->n_files != 1))
    return fail (error, "There are no files");
  if (self->piece_size < PIECE_SIZE_SMALLEST || (self->piece_size & (self->piece_size - 1)) != 0)
    return fail (error, "The piece size is not a power of two of at least 16 KiB");
  for (guint32 i = 0; i < self->n_files; i++)
    {
      const ShoalTorrentFile *file = &self->files[i];

      if (file->size > SHOAL_TOTAL_SIZE_MAX)
        return fail (error, "A file is too large");
      if (!self->single && (file->path == NULL || file->path[0] == NULL))
        return fail (error, "A file has no path");
      if (!self->single && i > 0
          && shoal_torrent_compare_paths (self->files[i - 1].path, file->path) >= 0)
        return fail (error, "The files are not sorted");
      if ((file->flags & SHOAL_FILE_SYMLINK) != 0 && (file->symlink == NULL || file->size != 0))
        return fail (error, "A symbolic link has no target");
      if (v2 && file->size > self->piece_size && file->layer == NULL)
        return fail (error, "A file has no piece layer");
    }
  if ((self->versions & SHOAL_TORRENT_V1) != 0 && shoal_torrent_n_pieces (self) != self->n_pieces)
    return fail (error, "There are too many or too few piece hashes");

  return TRUE;
}

GBytes *
shoal_torrent_write (const ShoalTorrentSpec *self,
                     GError                **error)
{
  g_auto (ShoalWriter) out = { 0 };
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (ShoalMetainfo) proof = NULL;

  g_return_val_if_fail (self != NULL && self->name != NULL, NULL);
  g_return_val_if_fail ((self->versions & SHOAL_TORRENT_HYBRID) != 0, NULL);

  if (!check (self, error))
    return NULL;
  shoal_bencode_write_begin (&out, SHOAL_BENCODE_DICT);
  write_trackers (&out, self->trackers);
  write_text (&out, "comment", self->comment);
  write_text (&out, "created by", self->created_by);
  if (self->creation_date >= 0)
    {
      shoal_bencode_write_text (&out, "creation date");
      shoal_bencode_write_int (&out, self->creation_date);
    }
  write_info (&out, self);
  if ((self->versions & SHOAL_TORRENT_V2) != 0)
    write_layers (&out, self);
  if (self->web_seeds != NULL && self->web_seeds[0] != NULL)
    {
      shoal_bencode_write_text (&out, "url-list");
      write_components (&out, (const char *const *) self->web_seeds);
    }
  shoal_bencode_write_end (&out);

  bytes = shoal_writer_steal (&out);
  proof = shoal_metainfo_parse (bytes, error);

  return proof != NULL ? g_steal_pointer (&bytes) : NULL;
}
