/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: any bytes as a .torrent; what is taken must be whole, safe and consistent. */

#include "shoal-metainfo.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_path (const char *path)
{
  g_auto (GStrv) components = g_strsplit (path, "/", -1);

  g_assert_true (g_utf8_validate (path, -1, NULL));
  g_assert_cmpuint (strlen (path), <=, 4000);
  for (char **component = components; *component != NULL; component++)
    {
      g_assert_true ((*component)[0] != '\0' && strcmp (*component, ".") != 0
                     && strcmp (*component, "..") != 0);
      g_assert_cmpuint (strlen (*component), <=, 250);
    }
}

static void
check_files (const ShoalMetainfo *metainfo)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  check_path (metainfo->name);
  for (guint32 i = 0; i < metainfo->layout->n_files; i++)
    {
      const ShoalMetainfoFile *file = &metainfo->files[i];

      check_path (file->path);
      g_assert_true (g_str_has_prefix (file->path, metainfo->name));
      g_assert_true (g_hash_table_add (seen, g_utf8_casefold (file->path, -1)));
      if (file->symlink != NULL)
        check_path (file->symlink);
    }
}

static guint64
touch_pieces (const ShoalMetainfo *metainfo)
{
  guint64 sum = 0;

  for (guint32 piece = 0; piece < MIN (metainfo->layout->n_pieces, 1000); piece++)
    {
      ShoalSha1 sha1;
      ShoalSha256 root;
      ShoalExtent extents[4];
      guint64 from = 0;
      guint32 size = shoal_layout_piece_size (metainfo->layout, piece);

      g_assert_cmpuint (size, >, 0);
      if (shoal_metainfo_piece_sha1 (metainfo, piece, &sha1))
        sum += sha1.bytes[0];
      if (shoal_metainfo_piece_root (metainfo, piece, &root))
        sum += root.bytes[31];
      g_assert_cmpuint (shoal_metainfo_piece_leaves (metainfo, piece), >, 0);
      shoal_layout_extents (metainfo->layout, shoal_layout_piece_offset (metainfo->layout, piece),
                            size, &from, extents, 4);
    }

  return sum;
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (ShoalMetainfo) metainfo = shoal_metainfo_parse (bytes, &error);
  g_autoptr (ShoalMetainfo) again = NULL;
  g_autoptr (GBytes) info = NULL;
  g_autofree char *magnet = NULL;

  g_assert_true ((metainfo == NULL) == (error != NULL));
  if (metainfo == NULL)
    return 0;
  check_files (metainfo);
  touch_pieces (metainfo);
  magnet = shoal_metainfo_to_magnet (metainfo);
  g_assert_nonnull (magnet);
  info = g_bytes_new (metainfo->info, metainfo->info_size);
  again = shoal_metainfo_from_info (info, metainfo->trackers, metainfo->web_seeds, NULL);
  g_assert_nonnull (again);
  g_assert_true (shoal_info_hash_matches (&metainfo->hash, &again->hash));

  return 0;
}
