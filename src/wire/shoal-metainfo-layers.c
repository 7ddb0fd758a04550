/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Piece layers of BEP 52, looked up by root and checked against it. */

/*
 * The layers are sorted once, so that many files do not make many walks. A layer is hashed once,
 * however many files share its root: else a small .torrent could ask for hours of hashing.
 */

#include <stdlib.h>
#include <string.h>

#include "shoal-bencode.h"
#include "shoal-merkle.h"
#include "shoal-metainfo-private.h"

typedef struct
{
  const guint8 *root;
  const guint8 *hashes;
  gsize         size;
  gboolean      good;      /* belongs to a file and hashes to its root */
} Layer;

static int
compare_layers (gconstpointer a,
                gconstpointer b)
{
  return memcmp (((const Layer *) a)->root, ((const Layer *) b)->root, SHOAL_SHA256_SIZE);
}

static GArray *
collect_layers (ShoalBencodeNode dict,
                GError         **error)
{
  g_autoptr (GArray) layers = g_array_new (FALSE, FALSE, sizeof (Layer));

  SHOAL_BENCODE_FOREACH (value, dict)
    {
      Layer layer = { 0 };
      gsize key_size;

      layer.root = shoal_bencode_key (value, &key_size);
      layer.hashes = shoal_bencode_bytes (value, &layer.size);
      if (layer.root == NULL || key_size != SHOAL_SHA256_SIZE || layer.hashes == NULL)
        {
          shoal_metainfo_fail (error, "“piece layers” holds something that is no layer");
          return NULL;
        }
      g_array_append_val (layers, layer);
    }
  g_array_sort (layers, compare_layers);

  return g_steal_pointer (&layers);
}

static Layer *
find_layer (const GArray      *layers,
            const ShoalSha256 *root)
{
  Layer key = { .root = root->bytes };

  if (layers->len == 0)
    return NULL;

  return bsearch (&key, layers->data, layers->len, sizeof (Layer), compare_layers);
}

/* A layer of no file beside a file without layer: one of the two roots is wrong. */
static gboolean
has_stray (const GArray *layers)
{
  for (guint i = 0; i < layers->len; i++)
    if (!g_array_index (layers, Layer, i).good)
      return TRUE;

  return FALSE;
}

static guint
piece_level (guint32 piece_size)
{
  guint level = 0;

  while (((guint64) SHOAL_BLOCK_SIZE << level) < piece_size)
    level++;

  return level;
}

gboolean
shoal_metainfo_read_layers (ShoalMetainfoParser *self,
                            GError             **error)
{
  ShoalMetainfo *out = self->out;
  g_autoptr (GArray) layers = collect_layers (self->layers, error);
  guint level = piece_level (self->piece_size);

  if (layers == NULL)
    return FALSE;

  for (guint32 i = 0; i < out->layout->n_files; i++)
    {
      ShoalMetainfoFile *file = &out->files[i];
      guint64 n_pieces = file->size / self->piece_size + (file->size % self->piece_size != 0);
      Layer *layer;

      if (!file->has_root || n_pieces <= 1)
        continue;
      layer = find_layer (layers, &file->root);
      if (layer == NULL)
        {
          out->layers_missing = TRUE;
          continue;
        }
      if (layer->size != n_pieces * SHOAL_SHA256_SIZE)
        return shoal_metainfo_fail (error, "The piece layer of “%s” does not fit its size",
                                    file->path);
      if (!layer->good && !shoal_merkle_check_layer (layer->hashes, n_pieces, level, &file->root))
        return shoal_metainfo_fail (error, "The piece layer of “%s” does not hash to its root",
                                    file->path);
      layer->good = TRUE;
      file->layer = layer->hashes;
    }
  if (out->layers_missing && has_stray (layers))
    return shoal_metainfo_fail (error, "A piece layer belongs to no file, and a file has none");
  if (out->layers_missing)
    shoal_metainfo_warn (self, "Some piece layers are missing");

  return TRUE;
}

static int
compare_roots (gconstpointer a,
               gconstpointer b)
{
  const ShoalMetainfoLayer *const *left = a;
  const ShoalMetainfoLayer *const *right = b;

  return memcmp (&(*left)->root, &(*right)->root, SHOAL_SHA256_SIZE);
}

static void
write_layers (ShoalWriter              *out,
              const ShoalMetainfoLayer *layers,
              guint32                   n_layers)
{
  g_autofree const ShoalMetainfoLayer **sorted = g_new (const ShoalMetainfoLayer *, n_layers + 1);

  for (guint32 i = 0; i < n_layers; i++)
    sorted[i] = &layers[i];
  qsort (sorted, n_layers, sizeof *sorted, compare_roots);
  shoal_bencode_write_text (out, "piece layers");
  shoal_bencode_write_begin (out, SHOAL_BENCODE_DICT);
  for (guint32 i = 0; i < n_layers; i++)
    {
      shoal_bencode_write_bytes (out, sorted[i]->root.bytes, SHOAL_SHA256_SIZE);
      shoal_bencode_write_bytes (out, sorted[i]->hashes, (gsize) sorted[i]->n * SHOAL_SHA256_SIZE);
    }
  shoal_bencode_write_end (out);
}

ShoalMetainfo *
shoal_metainfo_with_layers (const ShoalMetainfo      *self,
                            const ShoalMetainfoLayer *layers,
                            guint32                   n_layers,
                            GError                  **error)
{
  g_auto (ShoalWriter) out = { 0 };
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (ShoalBencode) doc = NULL;
  gboolean written = FALSE;
  const guint8 *data;
  gsize size;

  data = g_bytes_get_data (self->bytes, &size);
  doc = shoal_bencode_parse (data, size, NULL, error);
  if (doc == NULL)
    return NULL;
  shoal_bencode_write_begin (&out, SHOAL_BENCODE_DICT);
  SHOAL_BENCODE_FOREACH (value, shoal_bencode_root (doc))
    {
      gsize key_size, value_size;
      const guint8 *key = shoal_bencode_key (value, &key_size);
      const guint8 *raw = shoal_bencode_raw (value, &value_size);
      int order = key_size == 0
                    ? -1
                    : memcmp (key, "piece layers", MIN (key_size, strlen ("piece layers")));

      if (order == 0 && key_size == strlen ("piece layers"))
        continue;
      if ((order > 0 || (order == 0 && key_size > strlen ("piece layers"))) && !written)
        {
          write_layers (&out, layers, n_layers);
          written = TRUE;
        }
      shoal_bencode_write_bytes (&out, key, key_size);
      shoal_writer_bytes (&out, raw, value_size);
    }
  if (!written)
    write_layers (&out, layers, n_layers);
  shoal_bencode_write_end (&out);
  bytes = shoal_writer_steal (&out);

  return shoal_metainfo_parse (bytes, error);
}
