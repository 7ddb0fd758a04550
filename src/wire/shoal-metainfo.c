/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A parsed .torrent as an immutable value: its pieces, its keys, its magnet link. */

/*
 * Hashes are not copied: pieces and layers point into the bytes that were read, which the value
 * keeps. Nothing here changes after shoal_metainfo_parse() (see shoal-metainfo-parse.c), so any
 * thread may read it.
 */

#include "shoal-metainfo.h"

#include <string.h>

#include "shoal-bencode.h"
#include "shoal-magnet.h"
#include "shoal-merkle.h"

ShoalMetainfo *
shoal_metainfo_ref (ShoalMetainfo *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_int_inc (&self->ref_count);

  return self;
}

void
shoal_metainfo_unref (ShoalMetainfo *self)
{
  if (self == NULL || !g_atomic_int_dec_and_test (&self->ref_count))
    return;

  for (guint32 i = 0; self->files != NULL && i < self->layout->n_files; i++)
    {
      g_free (self->files[i].path);
      g_free (self->files[i].symlink);
    }
  g_free (self->files);
  shoal_layout_free (self->layout);
  g_free (self->name);
  shoal_tiers_free (self->trackers);
  g_strfreev (self->web_seeds);
  g_strfreev (self->http_seeds);
  g_strfreev (self->nodes);
  g_free (self->similar);
  g_strfreev (self->collections);
  g_free (self->comment);
  g_free (self->created_by);
  g_free (self->source);
  g_strfreev (self->warnings);
  g_bytes_unref (self->bytes);
  g_free (self);
}

static void
write_tiers (ShoalWriter        *out,
             char *const *const *tiers)
{
  shoal_bencode_write_text (out, "announce-list");
  shoal_bencode_write_begin (out, SHOAL_BENCODE_LIST);
  for (; *tiers != NULL; tiers++)
    {
      shoal_bencode_write_begin (out, SHOAL_BENCODE_LIST);
      for (char *const *url = *tiers; *url != NULL; url++)
        shoal_bencode_write_text (out, *url);
      shoal_bencode_write_end (out);
    }
  shoal_bencode_write_end (out);
}

ShoalMetainfo *
shoal_metainfo_from_info (GBytes  *info,
                          char  ***trackers,
                          char   **web_seeds,
                          GError **error)
{
  g_auto (ShoalWriter) out = { 0 };
  g_autoptr (GBytes) bytes = NULL;
  gconstpointer data;
  gsize size;

  g_return_val_if_fail (info != NULL, NULL);

  data = g_bytes_get_data (info, &size);
  shoal_bencode_write_begin (&out, SHOAL_BENCODE_DICT);
  if (trackers != NULL && trackers[0] != NULL)
    write_tiers (&out, (char *const *const *) trackers);
  shoal_bencode_write_text (&out, "info");
  shoal_writer_bytes (&out, data, size);
  if (web_seeds != NULL && web_seeds[0] != NULL)
    {
      shoal_bencode_write_text (&out, "url-list");
      shoal_bencode_write_begin (&out, SHOAL_BENCODE_LIST);
      for (char **url = web_seeds; *url != NULL; url++)
        shoal_bencode_write_text (&out, *url);
      shoal_bencode_write_end (&out);
    }
  shoal_bencode_write_end (&out);
  bytes = shoal_writer_steal (&out);

  return shoal_metainfo_parse (bytes, error);
}

gboolean
shoal_metainfo_piece_sha1 (const ShoalMetainfo *self,
                           guint32              piece,
                           ShoalSha1           *out)
{
  g_return_val_if_fail (piece < self->layout->n_pieces, FALSE);

  if (self->pieces == NULL)
    return FALSE;
  memcpy (out->bytes, self->pieces + (gsize) piece * SHOAL_SHA1_SIZE, SHOAL_SHA1_SIZE);

  return TRUE;
}

gboolean
shoal_metainfo_piece_root (const ShoalMetainfo *self,
                           guint32              piece,
                           ShoalSha256         *out)
{
  const ShoalMetainfoFile *file;
  guint32 index;
  guint64 in_file;

  g_return_val_if_fail (piece < self->layout->n_pieces, FALSE);

  index = self->layout->piece_file[piece];
  file = &self->files[index];
  if (!file->has_root)
    return FALSE;
  if (file->size <= self->layout->piece_size)
    {
      *out = file->root;
      return TRUE;
    }
  if (file->layer == NULL)
    return FALSE;
  in_file = piece - self->layout->file_offset[index] / self->layout->piece_size;
  memcpy (out->bytes, file->layer + in_file * SHOAL_SHA256_SIZE, SHOAL_SHA256_SIZE);

  return TRUE;
}

guint32
shoal_metainfo_piece_leaves (const ShoalMetainfo *self,
                             guint32              piece)
{
  guint64 size;

  g_return_val_if_fail (piece < self->layout->n_pieces, 1);

  size = MIN (self->layout->file_size[self->layout->piece_file[piece]], self->layout->piece_size);

  return (guint32) shoal_merkle_round_up ((size + SHOAL_BLOCK_SIZE - 1) / SHOAL_BLOCK_SIZE);
}

char *
shoal_metainfo_to_magnet (const ShoalMetainfo *self)
{
  ShoalMagnet magnet = {
    .hash = self->hash,
    .name = self->name,
    .trackers = self->trackers,
    .web_seeds = self->web_seeds,
  };

  return shoal_magnet_to_uri (&magnet);
}

guint
shoal_info_hash_keys (const ShoalInfoHash *self,
                      ShoalSha1            keys[2])
{
  guint n = 0;

  if (self->has_v1)
    keys[n++] = self->v1;
  if (self->has_v2)
    memcpy (keys[n++].bytes, self->v2.bytes, SHOAL_SHA1_SIZE);

  return n;
}

gboolean
shoal_info_hash_matches (const ShoalInfoHash *a,
                         const ShoalInfoHash *b)
{
  if (a->has_v1 && b->has_v1 && memcmp (a->v1.bytes, b->v1.bytes, SHOAL_SHA1_SIZE) == 0)
    return TRUE;

  return a->has_v2 && b->has_v2 && memcmp (a->v2.bytes, b->v2.bytes, SHOAL_SHA256_SIZE) == 0;
}

char ***
shoal_tiers_copy (char *const *const *tiers)
{
  GPtrArray *copy = g_ptr_array_new ();

  for (; tiers != NULL && *tiers != NULL; tiers++)
    g_ptr_array_add (copy, g_strdupv ((char **) *tiers));
  g_ptr_array_add (copy, NULL);

  return (char ***) g_ptr_array_free (copy, FALSE);
}

void
shoal_tiers_free (char ***tiers)
{
  for (char ***tier = tiers; tier != NULL && *tier != NULL; tier++)
    g_strfreev (*tier);
  g_free (tiers);
}
