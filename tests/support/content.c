/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A torrent of made-up files, with every byte known. */

#include "content.h"

#include <glib/gstdio.h>
#include <string.h>

#include "shoal-merkle.h"
#include "shoal-rng.h"

/* The address space that the metainfo will have: the layout is asked once the files are known. */
static ShoalLayout *
make_layout (const ShoalTorrentSpec *spec)
{
  g_autofree guint64 *sizes = g_new0 (guint64, 2 * spec->n_files);
  g_autofree guint8 *pads = g_new0 (guint8, 2 * spec->n_files);
  g_autoptr (GError) error = NULL;
  ShoalLayout *layout;
  guint32 n = 0;

  for (guint32 i = 0; i < spec->n_files; i++)
    {
      guint64 pad = spec->versions == SHOAL_TORRENT_HYBRID ? shoal_torrent_pad_size (spec, i) : 0;

      sizes[n++] = spec->files[i].size;
      if (pad > 0)
        {
          pads[n] = 1;
          sizes[n++] = pad;
        }
    }
  layout = shoal_layout_new (spec->piece_size, n, sizes, pads, spec->versions == SHOAL_TORRENT_V2,
                             &error);
  g_assert_no_error (error);

  return layout;
}

static void
fill (Content            *self,
      const ShoalLayout  *layout,
      const ContentFile  *files,
      guint64             seed)
{
  ShoalRng rng;
  guint32 real = 0;

  shoal_rng_init (&rng, seed);
  self->truth = g_malloc0 (layout->total_size + 1);
  for (guint32 i = 0; i < layout->n_files; i++)
    {
      if (layout->file_pad[i] != 0)
        continue;
      if (!files[real++].zeros)
        shoal_rng_bytes (&rng, self->truth + layout->file_offset[i], layout->file_size[i]);
    }
}

/* Roots and layers of v2. (transfer full): memory of the layers */
static GPtrArray *
add_trees (const Content     *self,
           const ShoalLayout *layout,
           ShoalTorrentFile  *files,
           guint32            piece_size)
{
  GPtrArray *layers = g_ptr_array_new_with_free_func (g_free);
  guint32 real = 0;

  for (guint32 i = 0; i < layout->n_files; i++)
    {
      const guint8 *data = self->truth + layout->file_offset[i];
      guint64 size = layout->file_size[i];
      ShoalTorrentFile *file;

      if (layout->file_pad[i] != 0)
        continue;
      file = &files[real++];
      if (size == 0)
        continue;
      shoal_merkle_data_root (data, size,
                              shoal_merkle_round_up ((size + SHOAL_BLOCK_SIZE - 1)
                                                     / SHOAL_BLOCK_SIZE),
                              &file->root);
      if (size > piece_size)
        {
          guint64 n = (size + piece_size - 1) / piece_size;
          ShoalSha256 *layer = g_new (ShoalSha256, n);

          for (guint64 p = 0; p < n; p++)
            shoal_merkle_data_root (data + p * piece_size, MIN (size - p * piece_size, piece_size),
                                    piece_size / SHOAL_BLOCK_SIZE, &layer[p]);
          file->layer = (const guint8 *) layer;
          g_ptr_array_add (layers, layer);
        }
    }

  return layers;
}

Content *
content_new (const char           *name,
             ShoalTorrentVersions  versions,
             guint32               piece_size,
             const ContentFile    *files,
             guint32               n_files,
             guint64               seed)
{
  Content *self = g_new0 (Content, 1);
  ShoalTorrentFile spec_files[CONTENT_FILES_MAX] = { 0 };
  char **paths[CONTENT_FILES_MAX] = { NULL };
  char **links[CONTENT_FILES_MAX] = { NULL };
  ShoalTorrentSpec spec = { .versions = versions,
                            .name = name,
                            .single = files[0].path == NULL,
                            .files = spec_files,
                            .n_files = n_files,
                            .piece_size = piece_size,
                            .creation_date = -1 };
  g_autoptr (ShoalLayout) layout = NULL;
  g_autoptr (GPtrArray) layers = NULL;
  g_autofree guint8 *pieces = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (n_files, <=, CONTENT_FILES_MAX);
  for (guint32 i = 0; i < n_files; i++)
    {
      if (files[i].path != NULL)
        paths[i] = g_strsplit (files[i].path, "/", -1);
      if (files[i].symlink != NULL)
        links[i] = g_strsplit (files[i].symlink, "/", -1);
      spec_files[i] = (ShoalTorrentFile){ .path = (const char *const *) paths[i],
                                          .size = files[i].size,
                                          .flags = files[i].flags,
                                          .symlink = (const char *const *) links[i] };
    }

  layout = make_layout (&spec);
  fill (self, layout, files, seed);
  if ((versions & SHOAL_TORRENT_V2) != 0)
    layers = add_trees (self, layout, spec_files, piece_size);
  if ((versions & SHOAL_TORRENT_V1) != 0)
    {
      spec.n_pieces = layout->n_pieces;
      pieces = g_malloc (layout->n_pieces * SHOAL_SHA1_SIZE + 1);
      for (guint32 i = 0; i < layout->n_pieces; i++)
        shoal_sha1 (self->truth + shoal_layout_piece_offset (layout, i),
                    shoal_layout_piece_size (layout, i),
                    (ShoalSha1 *) (pieces + i * SHOAL_SHA1_SIZE));
      spec.pieces = pieces;
    }

  self->torrent = shoal_torrent_write (&spec, &error);
  g_assert_no_error (error);
  self->metainfo = shoal_metainfo_parse (self->torrent, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (self->metainfo->layout->total_size, ==, layout->total_size);
  for (guint32 i = 0; i < n_files; i++)
    {
      g_strfreev (paths[i]);
      g_strfreev (links[i]);
    }

  return self;
}

void
content_free (Content *self)
{
  if (self == NULL)
    return;
  g_bytes_unref (self->torrent);
  shoal_metainfo_unref (self->metainfo);
  g_free (self->truth);
  g_free (self);
}

const guint8 *
content_piece (const Content *self,
               guint32        piece)
{
  return self->truth + shoal_layout_piece_offset (self->metainfo->layout, piece);
}

void
content_write (const Content *self,
               const char    *dir)
{
  const ShoalLayout *layout = self->metainfo->layout;

  for (guint32 i = 0; i < layout->n_files; i++)
    {
      g_autofree char *path = g_build_filename (dir, self->metainfo->files[i].path, NULL);
      g_autofree char *parent = g_path_get_dirname (path);
      g_autoptr (GError) error = NULL;

      if (layout->file_pad[i] != 0 || (self->metainfo->files[i].flags & SHOAL_FILE_SYMLINK) != 0)
        continue;
      g_assert_cmpint (g_mkdir_with_parents (parent, 0755), ==, 0);
      g_file_set_contents (path, (const char *) self->truth + layout->file_offset[i],
                           (gssize) layout->file_size[i], &error);
      g_assert_no_error (error);
    }
}

gboolean
content_is_in (const Content *self,
               const char    *dir,
               guint32        file)
{
  const ShoalLayout *layout = self->metainfo->layout;
  g_autofree char *path = g_build_filename (dir, self->metainfo->files[file].path, NULL);
  g_autofree char *data = NULL;
  gsize size;

  if (!g_file_get_contents (path, &data, &size, NULL))
    return FALSE;

  return size == layout->file_size[file]
         && memcmp (data, self->truth + layout->file_offset[file], size) == 0;
}
