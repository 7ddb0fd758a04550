/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A torrent whose content is computed from (seed, offset), so that nothing is stored. */

#include "sim-torrent.h"

#include "shoal-bencode.h"
#include "shoal-merkle.h"
#include "shoal-message.h"
#include "shoal-torrent-writer.h"

#include <string.h>

static guint64
word_at (guint64 seed,
         guint64 index)
{
  guint64 x = (seed + index) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);

  return x ^ x >> 31;
}

void
sim_torrent_fill (const SimTorrent *self,
                  guint64           offset,
                  guint8           *out,
                  gsize             size)
{
  g_assert (offset % 8 == 0);

  for (gsize i = 0; i < size; i += 8)
    {
      guint64 word = word_at (self->seed, (offset + i) / 8);

      memcpy (out + i, &word, MIN (8, size - i));
    }
}

gboolean
sim_torrent_equals (const SimTorrent *self,
                    guint64           offset,
                    const guint8     *bytes,
                    gsize             size)
{
  g_assert (offset % 8 == 0);

  for (gsize i = 0; i < size; i += 8)
    {
      guint64 word = word_at (self->seed, (offset + i) / 8);

      if (memcmp (bytes + i, &word, MIN (8, size - i)) != 0)
        return FALSE;
    }

  return TRUE;
}

static GBytes *
write_torrent (SimTorrent        *self,
               const char *const *trackers,
               gboolean           is_private)
{
  g_auto(ShoalWriter) out = { 0 };
  g_autofree guint8 *hashes = g_malloc ((gsize) self->n_pieces * SHOAL_SHA1_SIZE);

  for (gsize i = 0; i < (gsize) self->n_pieces * SHOAL_SHA1_SIZE; i++)
    hashes[i] = (guint8) word_at (self->seed + 77, i);

  shoal_bencode_write_begin (&out, SHOAL_BENCODE_DICT);
  if (trackers != NULL)
    {
      shoal_bencode_write_text (&out, "announce-list");
      shoal_bencode_write_begin (&out, SHOAL_BENCODE_LIST);
      for (guint i = 0; trackers[i] != NULL; i++)
        {
          shoal_bencode_write_begin (&out, SHOAL_BENCODE_LIST);
          shoal_bencode_write_text (&out, trackers[i]);
          shoal_bencode_write_end (&out);
        }
      shoal_bencode_write_end (&out);
    }
  shoal_bencode_write_text (&out, "info");
  shoal_bencode_write_begin (&out, SHOAL_BENCODE_DICT);
  shoal_bencode_write_text (&out, "length");
  shoal_bencode_write_int (&out, (gint64) self->size);
  shoal_bencode_write_text (&out, "name");
  shoal_bencode_write_text (&out, "sample");
  shoal_bencode_write_text (&out, "piece length");
  shoal_bencode_write_int (&out, self->piece_size);
  shoal_bencode_write_text (&out, "pieces");
  shoal_bencode_write_bytes (&out, hashes, (gsize) self->n_pieces * SHOAL_SHA1_SIZE);
  if (is_private)
    {
      shoal_bencode_write_text (&out, "private");
      shoal_bencode_write_int (&out, 1);
    }
  shoal_bencode_write_end (&out);
  shoal_bencode_write_end (&out);

  return shoal_writer_steal (&out);
}

static SimTorrent *
begin (SimWorld *world,
       guint32   piece_size,
       guint64   size)
{
  SimTorrent *self = g_new0 (SimTorrent, 1);

  self->seed = shoal_rng_next (&world->rng);
  self->piece_size = piece_size;
  self->size = size;
  self->n_pieces = (guint32) ((size + piece_size - 1) / piece_size);

  return self;
}

static SimTorrent *
end (SimTorrent *self,
     SimWorld   *world)
{
  g_autoptr(GError) error = NULL;
  ShoalSha1 keys[2];

  self->metainfo = shoal_metainfo_parse (self->bytes, &error);
  g_assert_no_error (error);
  shoal_info_hash_keys (&self->metainfo->hash, keys);
  self->key = keys[0];
  g_ptr_array_add (world->torrents, self);

  return self;
}

SimTorrent *
sim_torrent_new (SimWorld          *world,
                 guint32            piece_size,
                 guint64            size,
                 const char *const *trackers)
{
  SimTorrent *self = begin (world, piece_size, size);

  self->bytes = write_torrent (self, trackers, FALSE);

  return end (self, world);
}

SimTorrent *
sim_torrent_new_private (SimWorld *world,
                         guint32   piece_size,
                         guint64   size)
{
  SimTorrent *self = begin (world, piece_size, size);

  self->bytes = write_torrent (self, NULL, TRUE);

  return end (self, world);
}

SimTorrent *
sim_torrent_new_v2 (SimWorld          *world,
                    guint32            piece_size,
                    guint64            size,
                    const char *const *trackers)
{
  SimTorrent *self = begin (world, piece_size, size);
  g_autofree ShoalSha256 *layer = g_new (ShoalSha256, self->n_pieces);
  g_autofree guint8 *bytes = g_malloc (piece_size);
  const char *const *tiers[] = { trackers, NULL };
  ShoalTorrentFile file = { .size = size, .layer = (const guint8 *) layer };
  ShoalTorrentSpec spec = {
    .versions = SHOAL_TORRENT_V2,
    .name = "sample",
    .single = TRUE,
    .files = &file,
    .n_files = 1,
    .piece_size = piece_size,
    .trackers = (char ***) tiers,
    .creation_date = -1,
  };
  ShoalMerkle merkle;
  guint level = 0;

  while (SHOAL_BLOCK_SIZE << level < piece_size)
    level++;
  shoal_merkle_init (&merkle);
  for (guint32 i = 0; i < self->n_pieces; i++)
    {
      guint64 offset = (guint64) i * piece_size;
      gsize n = MIN (size - offset, piece_size);

      sim_torrent_fill (self, offset, bytes, n);
      shoal_merkle_data_root (bytes, n, piece_size / SHOAL_BLOCK_SIZE, &layer[i]);
      shoal_merkle_add (&merkle, &layer[i]);
    }
  shoal_merkle_root (&merkle, shoal_merkle_round_up (self->n_pieces), level, &file.root);
  self->bytes = shoal_torrent_write (&spec, NULL);

  return end (self, world);
}

void
sim_torrent_free (SimTorrent *self)
{
  g_bytes_unref (self->bytes);
  shoal_metainfo_unref (self->metainfo);
  g_free (self);
}

SimTorrent *
sim_torrent_find (SimWorld            *world,
                  const ShoalInfoHash *hash)
{
  ShoalSha1 keys[2];

  shoal_info_hash_keys (hash, keys);

  return sim_torrent_by_key (world, &keys[0]);
}

SimTorrent *
sim_torrent_by_key (SimWorld        *world,
                    const ShoalSha1 *key)
{
  for (guint i = 0; i < world->torrents->len; i++)
    {
      SimTorrent *torrent = g_ptr_array_index (world->torrents, i);

      if (shoal_sha1_equal (&torrent->key, key))
        return torrent;
    }

  return NULL;
}
