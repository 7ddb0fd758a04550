/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What peers may ask of the hash trees of a torrent's files (BEP 52). */

/*
 * A node that is low in the tree is hashed from the piece layer each time: that is 511 pairs at
 * most, no more than what the answer itself costs. Nodes over 512 hashes or more are kept, so that
 * nobody can make us hash a large file again and again. Positions beyond the layer's end stand for
 * subtrees of zeros.
 */

#include "shoal-hashes.h"

#include <string.h>

#include "shoal-merkle.h"

#define GROUP_HEIGHT 9u                    /* of the lowest layer that is kept */
#define GROUP_SIZE   (1u << GROUP_HEIGHT)

struct _ShoalHashes
{
  ShoalMetainfo *metainfo;
  guint32       *files;        /* those with a root, sorted by it */
  guint32        n_files;
  guint          level;        /* of the piece layer */
  GHashTable    *crowns;       /* file + 1 to an array of ShoalSha256, see get_crown() */
};

typedef struct
{
  const guint8 *layer;
  guint32       n;             /* hashes in it */
  guint         level;
} Layer;

static int
compare_files (gconstpointer a,
               gconstpointer b,
               gpointer      data)
{
  const ShoalMetainfo *metainfo = data;

  return memcmp (&metainfo->files[*(const guint32 *) a].root,
                 &metainfo->files[*(const guint32 *) b].root, SHOAL_SHA256_SIZE);
}

guint
shoal_hashes_piece_level (const ShoalMetainfo *metainfo)
{
  guint level = 0;

  while (((guint64) SHOAL_BLOCK_SIZE << level) < metainfo->layout->piece_size)
    level++;

  return level;
}

ShoalHashes *
shoal_hashes_new (ShoalMetainfo *metainfo)
{
  ShoalHashes *self = g_new0 (ShoalHashes, 1);

  self->metainfo = shoal_metainfo_ref (metainfo);
  self->level = shoal_hashes_piece_level (metainfo);
  self->files = g_new (guint32, metainfo->layout->n_files);
  for (guint32 i = 0; i < metainfo->layout->n_files; i++)
    if (metainfo->files[i].has_root)
      self->files[self->n_files++] = i;
  if (self->n_files > 0)
    g_qsort_with_data (self->files, (gint) self->n_files, sizeof *self->files, compare_files,
                       metainfo);
  self->crowns = g_hash_table_new_full (NULL, NULL, NULL, g_free);

  return self;
}

void
shoal_hashes_free (ShoalHashes *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->crowns);
  g_free (self->files);
  shoal_metainfo_unref (self->metainfo);
  g_free (self);
}

gboolean
shoal_hashes_are_of (const ShoalHashes   *self,
                     const ShoalMetainfo *metainfo)
{
  return self->metainfo == metainfo;
}

/* Of files with one root any will do: their trees are the same. */
guint32
shoal_hashes_find (const ShoalHashes *self,
                   const ShoalSha256 *root)
{
  guint32 low = 0;
  guint32 high = self->n_files;

  while (low < high)
    {
      guint32 middle = low + (high - low) / 2;
      int order = memcmp (&self->metainfo->files[self->files[middle]].root, root, sizeof *root);

      if (order == 0)
        return self->files[middle];
      if (order < 0)
        low = middle + 1;
      else
        high = middle;
    }

  return G_MAXUINT32;
}

/* The root over 2^height hashes of the layer from @from on. */
static void
subtree_root (const Layer *layer,
              guint64      from,
              guint        height,
              ShoalSha256 *out)
{
  g_autofree ShoalSha256 *nodes = NULL;
  g_autoptr (ShoalDigest) digest = NULL;
  ShoalSha256 zero;
  gsize n;

  shoal_merkle_zero (layer->level, &zero);
  if (from >= layer->n)
    {
      shoal_merkle_zero (layer->level + height, out);
      return;
    }
  n = MIN (G_GUINT64_CONSTANT (1) << height, layer->n - from);
  nodes = g_new (ShoalSha256, n + 1);
  memcpy (nodes, layer->layer + from * SHOAL_SHA256_SIZE, n * SHOAL_SHA256_SIZE);
  digest = shoal_digest_new (SHOAL_DIGEST_SHA256);
  for (guint i = 0; i < height; i++)
    {
      if (n % 2 != 0)
        nodes[n++] = zero;
      for (gsize k = 0; k < n / 2; k++)
        {
          shoal_digest_update (digest, nodes[2 * k].bytes, 2 * SHOAL_SHA256_SIZE);
          shoal_digest_finish (digest, nodes[k].bytes);
        }
      n /= 2;
      shoal_digest_update (digest, zero.bytes, SHOAL_SHA256_SIZE);
      shoal_digest_update (digest, zero.bytes, SHOAL_SHA256_SIZE);
      shoal_digest_finish (digest, zero.bytes);
    }
  *out = nodes[0];
}

/*
 * Every layer of the file's tree from GROUP_HEIGHT above the pieces up to the root, one after the
 * other, the lowest first; padded to a power of two.
 */
static const ShoalSha256 *
get_crown (ShoalHashes *self,
           guint32      file,
           const Layer *layer,
           gsize        n_groups)
{
  ShoalSha256 *crown = g_hash_table_lookup (self->crowns, GSIZE_TO_POINTER ((gsize) file + 1));
  ShoalSha256 *below;

  if (crown != NULL)
    return crown;
  crown = below = g_new (ShoalSha256, 2 * n_groups);
  for (gsize i = 0; i < n_groups; i++)
    subtree_root (layer, (guint64) i * GROUP_SIZE, GROUP_HEIGHT, &crown[i]);
  for (; n_groups > 1; n_groups /= 2)
    {
      ShoalSha256 *above = below + n_groups;

      for (gsize i = 0; i < n_groups / 2; i++)
        shoal_sha256 (below[2 * i].bytes, 2 * SHOAL_SHA256_SIZE, &above[i]);
      below = above;
    }
  g_hash_table_insert (self->crowns, GSIZE_TO_POINTER ((gsize) file + 1), crown);

  return crown;
}

/* The node number @index of the layer @height above the pieces. */
static void
get_node (ShoalHashes *self,
          guint32      file,
          const Layer *layer,
          guint        height,
          guint64      index,
          ShoalSha256 *out)
{
  gsize n_groups = shoal_merkle_round_up (layer->n) / GROUP_SIZE;
  const ShoalSha256 *crown;

  if (height < GROUP_HEIGHT)
    {
      subtree_root (layer, index << height, height, out);
      return;
    }
  crown = get_crown (self, file, layer, n_groups);
  for (guint i = GROUP_HEIGHT; i < height; i++, n_groups /= 2)
    crown += n_groups;
  *out = crown[index];
}

/* FALSE: the file has no layer. */
static gboolean
get_layer (const ShoalHashes *self,
           guint32            file,
           Layer             *out)
{
  const ShoalMetainfo *metainfo = self->metainfo;

  if (file == G_MAXUINT32 || metainfo->files[file].layer == NULL)
    return FALSE;
  out->layer = metainfo->files[file].layer;
  out->n = (guint32) ((metainfo->files[file].size - 1) / metainfo->layout->piece_size + 1);
  out->level = self->level;

  return TRUE;
}

gboolean
shoal_hashes_node (ShoalHashes       *self,
                   const ShoalSha256 *root,
                   guint              height,
                   guint64            index,
                   ShoalSha256       *out)
{
  guint32 file = shoal_hashes_find (self, root);
  guint64 width;
  Layer layer;

  if (!get_layer (self, file, &layer))
    return FALSE;
  width = shoal_merkle_round_up (layer.n);
  if (height >= SHOAL_HASHES_LAYERS_MAX || width >> height < 2 || index >= width >> height)
    return FALSE;
  get_node (self, file, &layer, height, index, out);

  return TRUE;
}

guint
shoal_hashes_answer (ShoalHashes            *self,
                     const ShoalHashRequest *request,
                     ShoalSha256            *out)
{
  guint32 file = shoal_hashes_find (self, &request->root);
  guint32 n_known;
  guint height;
  Layer layer;
  guint64 width;
  guint n;

  if (!get_layer (self, file, &layer) || request->base != self->level
      || !shoal_hash_request_is_sane (request))
    return 0;
  width = shoal_merkle_round_up (layer.n);
  height = shoal_hash_request_height (request);
  /* The last uncle stands below the root; where all hashes are asked for at once there is none. */
  if ((guint64) request->index + request->length > width
      || (shoal_hash_request_n_uncles (request) > 0 && width >> request->proof_layers < 2))
    return 0;

  n_known = request->index < layer.n ? MIN (request->length, layer.n - request->index) : 0;
  memcpy (out, layer.layer + (gsize) MIN (request->index, layer.n) * SHOAL_SHA256_SIZE,
          (gsize) n_known * SHOAL_SHA256_SIZE);
  if (n_known < request->length)
    shoal_merkle_zero (layer.level, &out[n_known]);
  for (n = n_known + 1; n < request->length; n++)
    out[n] = out[n_known];
  n = request->length;
  for (guint above = height; above <= request->proof_layers; above++)
    get_node (self, file, &layer, above, (request->index >> above) ^ 1, &out[n++]);

  return n;
}
