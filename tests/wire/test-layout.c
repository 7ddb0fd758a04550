/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the arithmetic of pieces, blocks and files. */

#include "shoal-layout.h"

#include <string.h>

#include "shoal-error.h"
#include "shoal-test.h"

static ShoalLayout *
make (guint32        piece_size,
      const guint64 *sizes,
      const guint8  *pads,
      guint          n,
      gboolean       aligned)
{
  g_autoptr (GError) error = NULL;
  ShoalLayout *layout = shoal_layout_new (piece_size, n, sizes, pads, aligned, &error);

  g_assert_no_error (error);
  return layout;
}

static void
test_plain (void)
{
  static const guint64 sizes[] = { 0, 10, 0, 40000, 0 };
  g_autoptr (ShoalLayout) layout = make (32768, sizes, NULL, 5, FALSE);
  guint32 first, end, block;

  g_assert_cmpuint (layout->total_size, ==, 40010);
  g_assert_cmpuint (layout->payload_size, ==, 40010);
  g_assert_cmpuint (layout->n_pieces, ==, 2);
  g_assert_cmpuint (shoal_layout_piece_size (layout, 0), ==, 32768);
  g_assert_cmpuint (shoal_layout_piece_size (layout, 1), ==, 7242);
  g_assert_cmpuint (shoal_layout_n_blocks (layout, 0), ==, 2);
  g_assert_cmpuint (shoal_layout_n_blocks (layout, 1), ==, 1);
  g_assert_cmpuint (shoal_layout_block_size (layout, 1, 0), ==, 7242);
  g_assert_cmpuint (layout->piece_file[0], ==, 1);
  g_assert_cmpuint (layout->piece_file[1], ==, 3);
  g_assert_cmpuint (shoal_layout_file_at (layout, 0), ==, 1);
  g_assert_cmpuint (shoal_layout_file_at (layout, 9), ==, 1);
  g_assert_cmpuint (shoal_layout_file_at (layout, 10), ==, 3);
  g_assert_cmpuint (shoal_layout_file_at (layout, 40009), ==, 3);

  shoal_layout_file_pieces (layout, 3, &first, &end);
  g_assert_cmpuint (first, ==, 0);
  g_assert_cmpuint (end, ==, 2);
  shoal_layout_file_pieces (layout, 4, &first, &end);
  g_assert_cmpuint (first, ==, end);

  g_assert_true (shoal_layout_is_request (layout, 1, 7241, 1));
  g_assert_false (shoal_layout_is_request (layout, 1, 7241, 2));
  g_assert_false (shoal_layout_is_request (layout, 1, 7242, 1));
  g_assert_false (shoal_layout_is_request (layout, 1, 0, 0));
  g_assert_false (shoal_layout_is_request (layout, 2, 0, 1));
  g_assert_false (shoal_layout_is_request (layout, 0, G_MAXUINT32, G_MAXUINT32));
  g_assert_true (shoal_layout_is_block (layout, 0, 16384, 16384, &block));
  g_assert_cmpuint (block, ==, 1);
  g_assert_true (shoal_layout_is_block (layout, 1, 0, 7242, &block));
  g_assert_false (shoal_layout_is_block (layout, 1, 0, 7241, &block));
  g_assert_false (shoal_layout_is_block (layout, 0, 1, 16384, &block));
}

static void
test_aligned (void)
{
  static const guint64 sizes[] = { 20000, 0, 16384, 1 };
  g_autoptr (ShoalLayout) layout = make (16384, sizes, NULL, 4, TRUE);
  guint32 first, end;

  g_assert_cmpuint (layout->n_pieces, ==, 4);
  g_assert_cmpuint (layout->payload_size, ==, 36385);
  g_assert_cmpuint (layout->total_size, ==, 3 * 16384 + 1);
  g_assert_cmpuint (layout->file_offset[2], ==, 2 * 16384);
  g_assert_cmpuint (shoal_layout_piece_size (layout, 0), ==, 16384);
  g_assert_cmpuint (shoal_layout_piece_size (layout, 1), ==, 20000 - 16384);
  g_assert_cmpuint (shoal_layout_piece_size (layout, 2), ==, 16384);
  g_assert_cmpuint (shoal_layout_piece_size (layout, 3), ==, 1);
  g_assert_cmpuint (shoal_layout_file_at (layout, 20001), ==, 0);
  shoal_layout_file_pieces (layout, 0, &first, &end);
  g_assert_cmpuint (first, ==, 0);
  g_assert_cmpuint (end, ==, 2);
  shoal_layout_file_pieces (layout, 3, &first, &end);
  g_assert_cmpuint (first, ==, 3);
  g_assert_cmpuint (end, ==, 4);
}

/* Up to the nominal size of a piece, but only where files begin at pieces. */
static void
test_uploads (void)
{
  static const guint64 sizes[] = { 70000, 1 };
  static const struct { guint32 piece, offset, size; gboolean ok; guint32 real; } cases[] = {
    { 0, 0, 16384, TRUE, 16384 }, { 0, 65535, 1, TRUE, 1 }, { 0, 65536, 1, FALSE, 0 },
    { 1, 0, 4464, TRUE, 4464 }, { 1, 0, 16384, TRUE, 4464 }, { 1, 4463, 2, TRUE, 1 },
    { 1, 4464, 16384, TRUE, 0 },
    { 1, 49152, 16384, TRUE, 0 }, { 1, 49152, 16385, FALSE, 0 }, { 1, 65536, 1, FALSE, 0 },
    { 1, G_MAXUINT32, 1, FALSE, 0 },
    { 2, 0, 16384, TRUE, 1 }, { 3, 0, 1, FALSE, 0 }, { 2, 0, 0, FALSE, 0 },
    { 2, 0, 128 * 1024 + 1, FALSE, 0 },
  };
  g_autoptr (ShoalLayout) aligned = make (65536, sizes, NULL, 2, TRUE);
  g_autoptr (ShoalLayout) plain = make (65536, sizes, NULL, 2, FALSE);
  guint32 real = 0;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_cmpint (shoal_layout_is_upload (aligned, cases[i].piece, cases[i].offset,
                                               cases[i].size, &real),
                       ==, cases[i].ok);
      if (cases[i].ok)
        g_assert_cmpuint (real, ==, cases[i].real);
    }
  g_assert_true (shoal_layout_is_upload (plain, 1, 0, 4465, &real));
  g_assert_cmpuint (real, ==, 4465);
  g_assert_false (shoal_layout_is_upload (plain, 1, 0, 4466, &real));
}

static void
test_empty (void)
{
  static const guint64 sizes[] = { 0, 0 };
  g_autoptr (ShoalLayout) layout = make (16384, sizes, NULL, 2, FALSE);
  guint64 from = 0;
  ShoalExtent extent;

  g_assert_cmpuint (layout->n_pieces, ==, 0);
  g_assert_cmpuint (shoal_layout_extents (layout, 0, 0, &from, &extent, 1), ==, 0);
}

static void
test_limits (void)
{
  static const guint64 small[] = { 1 };
  static const guint64 huge[] = { G_MAXUINT64, G_MAXUINT64 };
  static const guint64 large[] = { SHOAL_TOTAL_SIZE_MAX };
  g_autofree guint64 *many = g_new0 (guint64, SHOAL_FILES_MAX + 1);
  static const struct { guint32 piece_size, n; const guint64 *sizes; int code; } cases[] = {
    { 0, 1, small, SHOAL_WIRE_ERROR_UNSUPPORTED },
    { SHOAL_PIECE_SIZE_MAX + 1, 1, small, SHOAL_WIRE_ERROR_UNSUPPORTED },
    { 16384, 0, small, SHOAL_WIRE_ERROR_TOO_LARGE },
    { 16384, 2, huge, SHOAL_WIRE_ERROR_TOO_LARGE },
    { 16384, 1, large, SHOAL_WIRE_ERROR_TOO_LARGE },
    { 16384, SHOAL_FILES_MAX + 1, NULL, SHOAL_WIRE_ERROR_TOO_LARGE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ShoalLayout) layout =
        shoal_layout_new (cases[i].piece_size, cases[i].n,
                          cases[i].sizes != NULL ? cases[i].sizes : many, NULL, FALSE, &error);

      g_assert_null (layout);
      g_assert_error (error, SHOAL_WIRE_ERROR, cases[i].code);
    }
}

/* Every byte of random layouts is in exactly the file that a plain walk finds, whatever the room
 * for extents. */
static void
test_extents (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) shoal_test_seed ());

  for (guint round = 0; round < 300; round++)
    {
      guint64 sizes[12];
      guint8 pads[12];
      guint n = (guint) g_rand_int_range (random, 1, 12);
      guint32 piece_size = (guint32) g_rand_int_range (random, 1, 60);
      gboolean aligned = g_rand_boolean (random);
      g_autoptr (ShoalLayout) layout = NULL;
      guint64 offset, size, from = 0, at = 0;

      for (guint i = 0; i < n; i++)
        {
          sizes[i] = (guint64) g_rand_int_range (random, 0, 3)
                     * (guint64) g_rand_int_range (random, 0, 50);
          pads[i] = !aligned && g_rand_int_range (random, 0, 4) == 0;
        }
      layout = make (piece_size, sizes, pads, n, aligned);
      if (layout->total_size == 0)
        continue;
      offset = (guint64) g_rand_int_range (random, 0, (gint32) layout->total_size);
      size = (guint64) g_rand_int_range (random, 0, (gint32) (layout->total_size - offset) + 1);
      while (from < size)
        {
          ShoalExtent extents[3];
          guint count = shoal_layout_extents (layout, offset, size, &from, extents,
                                              (guint) g_rand_int_range (random, 1, 4));

          for (guint i = 0; i < count; i++)
            {
              const ShoalExtent *extent = &extents[i];

              g_assert_cmpuint (extent->size, >, 0);
              g_assert_cmpuint (pads[extent->file], ==, 0);
              g_assert_cmpuint (extent->in_range, >=, at);
              g_assert_cmpuint (extent->offset + extent->size, <=, sizes[extent->file]);
              g_assert_cmpuint (layout->file_offset[extent->file] + extent->offset, ==,
                                offset + extent->in_range);
              g_assert_cmpuint (shoal_layout_file_at (layout, offset + extent->in_range), ==,
                                extent->file);
              for (; at < extent->in_range; at++)
                for (guint f = 0; f < n; f++)
                  g_assert_true (pads[f] || offset + at < layout->file_offset[f]
                                 || offset + at >= layout->file_offset[f] + sizes[f]);
              at += extent->size;
            }
        }
      g_assert_cmpuint (from, ==, size);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/layout/plain", test_plain);
  g_test_add_func ("/wire/layout/aligned", test_aligned);
  g_test_add_func ("/wire/layout/uploads", test_uploads);
  g_test_add_func ("/wire/layout/empty", test_empty);
  g_test_add_func ("/wire/layout/limits", test_limits);
  g_test_add_func ("/wire/layout/extents", test_extents);
  return g_test_run ();
}
