/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the blocks of a piece in the tree of its file, against trees that are built plainly. */

#include "shoal-leaves.h"

#include <string.h>

#include "content.h"
#include "knower.h"

#define KIB 1024u
#define MIB (1024u * KIB)

typedef struct
{
  guint64 size;       /* of the file */
  guint32 piece_size;
  guint32 n_pieces;
} Shape;

static const Shape shapes[] = {
  { 40 * MIB + 5, 16 * MIB, 3 },                /* the last piece has 513 blocks, in two ranges */
  { 32 * MIB + 3 * SHOAL_BLOCK_SIZE, 32 * MIB, 2 }, /* and here three */
  { 70 * MIB, 64 * MIB, 2 },
  { 9 * MIB, 16 * MIB, 1 },               /* smaller than a piece: 576 blocks, in a tree of 1024 */
  { 3 * SHOAL_BLOCK_SIZE, 16 * MIB, 1 },
  { 700 * KIB, 64 * KIB, 11 },
  { 20, 32 * KIB, 1 },                          /* one block alone */
  { 8 * MIB, 8 * MIB, 1 },
};

static Content *
make (const Shape *shape)
{
  const ContentFile file = { .size = shape->size };

  return content_new ("data", SHOAL_TORRENT_V2, shape->piece_size, &file, 1, 3);
}

/* The tree of a piece out of the whole one. */
static ShoalSha256 *
piece_tree (const ShoalLeafPlace *place,
            const ShoalSha256    *nodes,
            guint32               width)
{
  ShoalSha256 *own = g_new0 (ShoalSha256, 2 * (gsize) place->width);

  memcpy (&own[place->width], &nodes[width + place->index], place->width * sizeof *own);
  g_assert_true (shoal_leaves_grow (place, own));

  return own;
}

/* Every range of every piece: what we ask for is what we would give, and it proves itself. */
static void
test_ranges (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      g_autoptr(Content) content = make (&shapes[i]);
      guint32 width, n = 0;
      g_autofree ShoalSha256 *nodes = knower_tree (content, &width);

      g_assert_cmpuint (content->metainfo->layout->n_pieces, ==, shapes[i].n_pieces);
      for (guint32 piece = 0; piece < shapes[i].n_pieces; piece++)
        {
          ShoalLeafPlace place;
          g_autofree ShoalSha256 *own = NULL;

          g_assert_true (shoal_leaves_place (content->metainfo, piece, &place));
          n += place.n;
          own = piece_tree (&place, nodes, width);
          /* A block alone is the piece: nobody asks. */
          for (guint32 range = 0; place.n > 1 && range < shoal_leaves_n_ranges (&place); range++)
            {
              ShoalHashRequest request = shoal_leaves_request (&place, range);
              g_autoptr(GByteArray) truth = knower_truth (nodes, width, &request);
              g_autofree ShoalSha256 *given = g_malloc (truth->len);

              g_assert_true (shoal_hash_request_is_sane (&request));
              g_assert_cmpuint (request.length, <=, SHOAL_HASHES_ASK_MAX);
              g_assert_true (shoal_leaves_verify (&place, &request, truth->data));
              g_assert_true (shoal_leaves_answer (&place, own, NULL, &request, given));
              g_assert_cmpmem (given, truth->len, truth->data, truth->len);
              /* A bit anywhere, in a hash or in an uncle. */
              for (guint at = 0; at < truth->len; at += truth->len > 4096 ? 1111 : 31)
                {
                  truth->data[at] ^= 4;
                  g_assert_false (shoal_leaves_verify (&place, &request, truth->data));
                  truth->data[at] ^= 4;
                }
            }
        }
      g_assert_cmpuint (n, ==, (shapes[i].size - 1) / SHOAL_BLOCK_SIZE + 1);
    }
}

/* What was right for one range is wrong for another one. */
static void
test_swapped (void)
{
  g_autoptr(Content) content = make (&shapes[0]);
  guint32 width;
  g_autofree ShoalSha256 *nodes = knower_tree (content, &width);
  ShoalLeafPlace place;
  ShoalHashRequest first, second;
  g_autoptr(GByteArray) truth = NULL;

  g_assert_true (shoal_leaves_place (content->metainfo, 1, &place));
  first = shoal_leaves_request (&place, 0);
  second = shoal_leaves_request (&place, 1);
  truth = knower_truth (nodes, width, &first);
  g_assert_false (shoal_leaves_verify (&place, &second, truth->data));
  g_assert_true (shoal_leaves_place (content->metainfo, 0, &place));
  first = shoal_leaves_request (&place, 0);
  g_assert_false (shoal_leaves_verify (&place, &first, truth->data));
}

/* As other clients ask: all of a piece at once, with uncles above it. */
static void
test_uncles (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      g_autoptr(Content) content = make (&shapes[i]);
      g_autoptr(ShoalHashes) hashes = shoal_hashes_new (content->metainfo);
      guint32 width;
      g_autofree ShoalSha256 *nodes = knower_tree (content, &width);
      ShoalLeafPlace place;
      g_autofree ShoalSha256 *own = NULL;
      guint32 piece = shapes[i].n_pieces - 1;

      g_assert_true (shoal_leaves_place (content->metainfo, piece, &place));
      own = piece_tree (&place, nodes, width);
      for (guint32 length = 1; length <= place.width; length *= 2)
        for (guint layers = 0; layers < 40; layers++)
          {
            guint32 index = place.index + (place.width / length / 2) * length;
            ShoalHashRequest request = { place.file_root, 0, index, length, layers };
            g_autofree ShoalSha256 *given = g_new (ShoalSha256,
                                                   shoal_hash_request_n_hashes (&request));
            gboolean possible = shoal_hash_request_n_uncles (&request) == 0
                                || (guint64) width >> layers >= 2;

            g_assert_cmpint (shoal_leaves_answer (&place, own, hashes, &request, given), ==,
                             possible);
            if (possible)
              {
                g_autoptr(GByteArray) truth = knower_truth (nodes, width, &request);

                g_assert_cmpmem (given, truth->len, truth->data, truth->len);
              }
          }
    }
}

static void
test_rejects (void)
{
  g_autoptr(Content) content = make (&shapes[0]);
  guint32 width;
  g_autofree ShoalSha256 *nodes = knower_tree (content, &width);
  g_autofree ShoalSha256 *out = g_new (ShoalSha256, SHOAL_HASHES_MAX);
  ShoalLeafPlace place;
  g_autofree ShoalSha256 *own = NULL;
  ShoalHashRequest request;

  g_assert_true (shoal_leaves_place (content->metainfo, 1, &place));
  own = piece_tree (&place, nodes, width);
  request = (ShoalHashRequest){ .root = place.file_root, .index = 1024, .length = 1024 };
  g_assert_true (shoal_leaves_answer (&place, own, NULL, &request, out));
  request.index = 0;
  g_assert_false (shoal_leaves_answer (&place, own, NULL, &request, out));
  request.index = 2048;
  g_assert_false (shoal_leaves_answer (&place, own, NULL, &request, out));
  request.length = 2048;
  request.index = 0;
  g_assert_false (shoal_leaves_answer (&place, own, NULL, &request, out));
  /* Nobody who knows what is above. */
  request = (ShoalHashRequest){ .root = place.file_root, .index = 1024, .length = 2,
                                .proof_layers = 9 };
  g_assert_true (shoal_leaves_answer (&place, own, NULL, &request, out));
  request.proof_layers = 10;
  g_assert_false (shoal_leaves_answer (&place, own, NULL, &request, out));
  /* Data that was changed. */
  own[place.width + 3].bytes[0] ^= 1;
  g_assert_false (shoal_leaves_grow (&place, own));
}

/* No hash of the piece: version 1, or its layer did not come yet. */
static void
test_unknown (void)
{
  const ContentFile file = { .size = 5 * MIB };
  g_autoptr(Content) v1 = content_new ("data", SHOAL_TORRENT_V1, MIB, &file, 1, 3);
  g_autoptr(Content) v2 = content_new ("data", SHOAL_TORRENT_V2, MIB, &file, 1, 3);
  g_autoptr(GBytes) info = g_bytes_new (v2->metainfo->info, v2->metainfo->info_size);
  g_autoptr(ShoalMetainfo) bare = shoal_metainfo_from_info (info, NULL, NULL, NULL);
  ShoalLeafPlace place;

  g_assert_false (shoal_leaves_place (v1->metainfo, 0, &place));
  g_assert_nonnull (bare);
  g_assert_false (shoal_leaves_place (bare, 0, &place));
  g_assert_true (shoal_leaves_place (v2->metainfo, 4, &place));
}

/* The padding of a hybrid is in no tree. */
static void
test_hybrid (void)
{
  static const ContentFile files[] = { { .path = "a", .size = 100 * KIB },
                                       { .path = "b", .size = 300 * KIB } };
  g_autoptr(Content) content = content_new ("data", SHOAL_TORRENT_HYBRID, 256 * KIB, files,
                                            G_N_ELEMENTS (files), 3);
  ShoalLeafPlace place;

  g_assert_true (shoal_leaves_place (content->metainfo, 0, &place));
  g_assert_cmpuint (place.n, ==, 7);
  g_assert_cmpuint (place.width, ==, 8);
  g_assert_cmpuint (place.size, ==, 100 * KIB);
  g_assert_true (shoal_leaves_place (content->metainfo, 2, &place));
  g_assert_cmpuint (place.n, ==, 3);
  g_assert_cmpuint (place.width, ==, 16);
  g_assert_cmpuint (place.index, ==, 16);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/leaves/ranges", test_ranges);
  g_test_add_func ("/leaves/swapped", test_swapped);
  g_test_add_func ("/leaves/uncles", test_uncles);
  g_test_add_func ("/leaves/rejects", test_rejects);
  g_test_add_func ("/leaves/unknown", test_unknown);
  g_test_add_func ("/leaves/hybrid", test_hybrid);

  return g_test_run ();
}
