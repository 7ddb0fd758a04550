/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of what peers are given of hash trees, against trees that are built plainly. */

#include "shoal-hashes.h"

#include <string.h>

#include "content.h"
#include "shoal-merkle.h"

#define KIB   1024u
#define PIECE (32 * KIB)
#define LEVEL 1u             /* of pieces of 32 KiB */

/* One, two, three, five pieces, two of one content, one in three chunks; and files without a
 * layer. */
static const ContentFile many_files[] = {
  { .path = "a", .size = PIECE },         { .path = "b", .size = PIECE + 1 },
          { .path = "c", .size = 3 * PIECE },
  { .path = "d", .size = 4 * PIECE + 9 }, { .path = "e", .size = 700, },
               { .path = "f", .size = 1025 * PIECE - 5 },
  { .path = "g", .size = 0 },             { .path = "h", .size = 6 * PIECE, .zeros = TRUE },
  { .path = "i", .size = 6 * PIECE, .zeros = TRUE },
};

static void
hash_pair (const ShoalSha256 *left,
           const ShoalSha256 *right,
           ShoalSha256       *out)
{
  ShoalSha256 pair[2] = { *left, *right };

  shoal_sha256 (pair, sizeof pair, out);
}

/* Every node of a tree over @n hashes: the root is 1, the children of k are 2k and 2k + 1. */
static ShoalSha256 *
plain_tree (const guint8 *layer,
            guint32       n)
{
  guint32 width = (guint32) shoal_merkle_round_up (n);
  ShoalSha256 *nodes = g_new (ShoalSha256, 2 * width);

  for (guint32 i = 0; i < width; i++)
    if (i < n)
      memcpy (&nodes[width + i], layer + (gsize) i * SHOAL_SHA256_SIZE, SHOAL_SHA256_SIZE);
    else
      shoal_merkle_zero (LEVEL, &nodes[width + i]);
  for (guint32 i = width - 1; i > 0; i--)
    hash_pair (&nodes[2 * i], &nodes[2 * i + 1], &nodes[i]);

  return nodes;
}

static void
check_answer (ShoalHashes            *hashes,
              const ShoalHashRequest *request,
              const ShoalSha256      *tree,
              guint32                 width)
{
  ShoalSha256 out[SHOAL_HASHES_MAX];
  guint n = shoal_hashes_answer (hashes, request, out);
  guint32 node = width + request->index;
  guint at = request->length;

  g_assert_cmpuint (n, ==, shoal_hash_request_n_hashes (request));
  g_assert_cmpmem (out, request->length * sizeof *out, &tree[node], request->length * sizeof *out);
  node >>= shoal_hash_request_height (request);
  for (; at < n; at++, node /= 2)
    g_assert_cmpmem (&out[at], sizeof *out, &tree[node ^ 1], sizeof *out);
  g_assert_cmpuint (node, >=, 1);
}

static void
test_answers (void)
{
  g_autoptr(Content) content = content_new ("data", SHOAL_TORRENT_V2, PIECE, many_files,
                                            G_N_ELEMENTS (many_files), 3);
  g_autoptr(ShoalHashes) hashes = shoal_hashes_new (content->metainfo);
  guint n_layers = 0;

  g_assert_true (shoal_hashes_are_of (hashes, content->metainfo));
  g_assert_cmpuint (shoal_hashes_piece_level (content->metainfo), ==, LEVEL);
  for (guint file = 0; file < G_N_ELEMENTS (many_files); file++)
    {
      const ShoalMetainfoFile *info = &content->metainfo->files[file];
      guint32 n = (guint32) ((info->size + PIECE - 1) / PIECE);
      guint32 width = (guint32) shoal_merkle_round_up (n);
      g_autofree ShoalSha256 *tree = NULL;

      if (info->layer == NULL)
        continue;
      n_layers++;
      tree = plain_tree (info->layer, n);
      g_assert_cmpmem (&tree[1], sizeof *tree, &info->root, sizeof info->root);
      for (guint32 length = 1; length <= MIN (width, SHOAL_HASHES_LENGTH_MAX); length *= 2)
        for (guint32 index = 0; index < width;
             index += length * (width > 64 ? 1 + width / 64 / length : 1))
          for (guint32 layers = 0; (width >> layers) > 1; layers++)
            {
              ShoalHashRequest request = { .root = info->root,
                                           .base = LEVEL,
                                           .index = index - index % length,
                                           .length = length,
                                           .proof_layers = layers };

              check_answer (hashes, &request, tree, width);
            }
    }
  g_assert_cmpuint (n_layers, ==, 6);
}

static void
test_rejects (void)
{
  g_autoptr(Content) content = content_new ("data", SHOAL_TORRENT_V2, PIECE, many_files,
                                            G_N_ELEMENTS (many_files), 3);
  g_autoptr(ShoalHashes) hashes = shoal_hashes_new (content->metainfo);
  /* Of a tree over eight hashes. */
  static const struct { guint32 base, index, length, layers;
  } cases[] = {
    { 0, 0, 2, 0 }, { 2, 0, 2, 0 }, { 1, 8, 2, 0 },        { 1, 0, 16, 0 },
    { 1, 0, 8, 3 }, { 1, 0, 2, 3 }, { 1, 0, 2, 39 },       { 1, 1, 2, 0 },
    { 1, 0, 3, 0 }, { 1, 0, 0, 0 }, { 1, 1u << 30, 2, 0 }, { 1, 0, 2, G_MAXUINT32 },
  };
  ShoalHashRequest request = { .root = content->metainfo->files[3].root,
                               .base = LEVEL,
                               .length = 2 };
  ShoalSha256 out[SHOAL_HASHES_MAX];

  g_assert_cmpuint (shoal_hashes_answer (hashes, &request, out), ==, 2);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalHashRequest wrong = { request.root, cases[i].base, cases[i].index, cases[i].length,
                                 cases[i].layers };

      g_assert_cmpuint (shoal_hashes_answer (hashes, &wrong, out), ==, 0);
    }
  /* A file of one piece has no layer, and another root is no file's. */
  request.root = content->metainfo->files[0].root;
  g_assert_cmpuint (shoal_hashes_answer (hashes, &request, out), ==, 0);
  request.root.bytes[0] ^= 1;
  g_assert_cmpuint (shoal_hashes_answer (hashes, &request, out), ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hashes/answers", test_answers);
  g_test_add_func ("/hashes/rejects", test_rejects);
  return g_test_run ();
}
