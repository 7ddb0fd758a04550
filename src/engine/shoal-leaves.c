/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The blocks of one piece in the hash tree of its file: what to ask for, what is right (BEP 52). */

#include "shoal-leaves.h"

#include <string.h>

#include "shoal-merkle.h"

#define INDEX_END (G_GUINT64_CONSTANT (1) << 31)   /* of the leaves that a request can name */

static void
hash_pair (const ShoalSha256 *left,
           const ShoalSha256 *right,
           ShoalSha256       *out)
{
  ShoalSha256 pair[2] = { *left, *right };

  shoal_sha256 (pair, sizeof pair, out);
}

gboolean
shoal_leaves_place (const ShoalMetainfo *metainfo,
                    guint32              piece,
                    ShoalLeafPlace      *out)
{
  const ShoalLayout *layout = metainfo->layout;
  guint32 file = layout->piece_file[piece];
  guint64 begin = shoal_layout_piece_offset (layout, piece) - layout->file_offset[file];
  guint64 index = begin / SHOAL_BLOCK_SIZE;

  if (!shoal_metainfo_piece_root (metainfo, piece, &out->root)
      || layout->file_offset[file] % layout->piece_size != 0
      || begin >= layout->file_size[file])
    return FALSE;
  out->file_root = metainfo->files[file].root;
  out->size = (guint32) MIN (layout->file_size[file] - begin, layout->piece_size);
  out->n = (out->size - 1) / SHOAL_BLOCK_SIZE + 1;
  out->width = shoal_metainfo_piece_leaves (metainfo, piece);
  out->index = (guint32) index;

  return index + out->width <= INDEX_END;
}

/* --- Asking --- */

guint32
shoal_leaves_n_ranges (const ShoalLeafPlace *place)
{
  return (place->n - 1) / SHOAL_HASHES_ASK_MAX + 1;
}

ShoalHashRequest
shoal_leaves_request (const ShoalLeafPlace *place,
                      guint32               range)
{
  ShoalHashRequest request = {
    .root = place->file_root,
    .index = place->index + range * SHOAL_HASHES_ASK_MAX,
    .length = MIN (place->width, SHOAL_HASHES_ASK_MAX),
  };

  /* The last uncle stands below the root of the piece. */
  while (place->width > SHOAL_HASHES_ASK_MAX && place->width >> (request.proof_layers + 1) >= 2)
    request.proof_layers++;

  return request;
}

gboolean
shoal_leaves_verify (const ShoalLeafPlace   *place,
                     const ShoalHashRequest *request,
                     const guint8           *hashes)
{
  guint32 node = (request->index - place->index) / request->length;
  ShoalMerkle merkle;
  ShoalSha256 root;

  shoal_merkle_init (&merkle);
  for (guint32 i = 0; i < request->length; i++, hashes += SHOAL_SHA256_SIZE)
    {
      ShoalSha256 leaf;

      memcpy (leaf.bytes, hashes, SHOAL_SHA256_SIZE);
      shoal_merkle_add (&merkle, &leaf);
    }
  shoal_merkle_root (&merkle, request->length, 0, &root);
  for (guint i = shoal_hash_request_n_uncles (request); i > 0; i--, node /= 2)
    {
      ShoalSha256 uncle;

      memcpy (uncle.bytes, hashes, SHOAL_SHA256_SIZE);
      hashes += SHOAL_SHA256_SIZE;
      hash_pair (node % 2 == 0 ? &root : &uncle, node % 2 == 0 ? &uncle : &root, &root);
    }

  return memcmp (&root, &place->root, sizeof root) == 0;
}

/* --- Giving --- */

gboolean
shoal_leaves_grow (const ShoalLeafPlace *place,
                   ShoalSha256          *nodes)
{
  g_autoptr (ShoalDigest) digest = shoal_digest_new (SHOAL_DIGEST_SHA256);

  for (guint32 i = place->width - 1; i > 0; i--)
    {
      shoal_digest_update (digest, nodes[2 * i].bytes, 2 * SHOAL_SHA256_SIZE);
      shoal_digest_finish (digest, nodes[i].bytes);
    }

  return memcmp (&nodes[1], &place->root, sizeof place->root) == 0;
}

gboolean
shoal_leaves_answer (const ShoalLeafPlace   *place,
                     const ShoalSha256      *nodes,
                     ShoalHashes            *hashes,
                     const ShoalHashRequest *request,
                     ShoalSha256            *out)
{
  guint level = 0;

  if (request->index < place->index || request->index - place->index >= place->width
      || request->length > place->width - (request->index - place->index))
    return FALSE;
  while (place->width >> level > 1)
    level++;

  memcpy (out, &nodes[place->width + (request->index - place->index)],
          request->length * sizeof *out);
  out += request->length;
  for (guint above = shoal_hash_request_height (request); above <= request->proof_layers;
       above++, out++)
    {
      guint64 uncle = ((guint64) request->index >> above) ^ 1;

      if (above < level)
        *out = nodes[(place->width + (request->index - place->index)) >> above ^ 1];
      else if (hashes == NULL
               || !shoal_hashes_node (hashes, &place->file_root, above - level, uncle, out))
        return FALSE;
    }

  return TRUE;
}
