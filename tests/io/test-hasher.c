/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces are judged alike alone and together, in every version of torrents. */

#include <string.h>

#include "content.h"
#include "shoal-hasher.h"
#include "shoal-test.h"

typedef struct
{
  guint8  *data;
  gboolean broken;
} Source;

static const guint8 *
from_memory (gpointer source,
             guint32  offset,
             guint32  size,
             guint8  *scratch)
{
  Source *self = source;

  if (self->broken)
    return NULL;
  if (offset % 3 == 0)
    return self->data + offset;
  memcpy (scratch, self->data + offset, size);

  return scratch;
}

static const ContentFile files[] = {
  { "a", 40000, 0, NULL, FALSE },
  { "b", 1, 0, NULL, FALSE },
  { "c", 900000, 0, NULL, FALSE },
  { "d", 16384, 0, NULL, FALSE },
};

static void
test_versions (gconstpointer data)
{
  g_autoptr (Content) content = content_new ("t", GPOINTER_TO_UINT (data), 32768, files,
                                             G_N_ELEMENTS (files), 5);
  g_autoptr (ShoalHasher) hasher = shoal_hasher_new ();
  const ShoalLayout *layout = content->metainfo->layout;
  ShoalHashTask tasks[SHOAL_HASHER_PIECES_MAX];
  Source sources[SHOAL_HASHER_PIECES_MAX];

  for (guint n = 1; n <= SHOAL_HASHER_PIECES_MAX; n++)
    {
      for (guint32 first = 0; first + n <= layout->n_pieces; first += n)
        {
          for (guint i = 0; i < n; i++)
            {
              sources[i] = (Source){ g_memdup2 (content_piece (content, first + i),
                                                shoal_layout_piece_size (layout, first + i)),
                                     i % 7 == 5 };
              if (i % 5 == 3)
                sources[i].data[0] ^= 1;
              tasks[i] = (ShoalHashTask){ .metainfo = content->metainfo,
                                          .piece = first + i,
                                          .source = &sources[i] };
            }
          shoal_hasher_compare (hasher, tasks, n, from_memory);
          for (guint i = 0; i < n; i++)
            {
              g_assert_cmpint (tasks[i].right, ==, i % 5 != 3 && i % 7 != 5);
              g_assert_cmpint (tasks[i].wrong, ==, i % 5 == 3 && i % 7 != 5);
              g_assert_false (tasks[i].unknown);
              g_assert_false (tasks[i].halves_differ);
              g_free (sources[i].data);
            }
        }
    }
}

/* A hybrid whose padding is not zeros: right by its roots, wrong by its v1 hash. */
static void
test_halves (void)
{
  g_autoptr (Content) content = content_new ("t", SHOAL_TORRENT_HYBRID, 32768, files,
                                             G_N_ELEMENTS (files), 5);
  g_autoptr (ShoalHasher) hasher = shoal_hasher_new ();
  g_autofree guint8 *piece = g_memdup2 (content_piece (content, 1), 32768);
  Source source = { piece, FALSE };
  ShoalHashTask task = { .metainfo = content->metainfo, .piece = 1, .source = &source };

  piece[32767] = 1;
  shoal_hasher_compare (hasher, &task, 1, from_memory);
  g_assert_true (task.wrong);
  g_assert_true (task.halves_differ);
}

/* Every block of the file, in pieces of every version that has them, and none of the padding. */
static void
test_leaves (void)
{
  g_autoptr (Content) content = content_new ("t", SHOAL_TORRENT_HYBRID, 32768, files,
                                             G_N_ELEMENTS (files), 5);
  g_autoptr (ShoalHasher) hasher = shoal_hasher_new ();
  Source source = { (guint8 *) content_piece (content, 1), FALSE };
  g_autofree ShoalSha256 *last = shoal_hasher_leaves (hasher, content->metainfo, 1, &source,
                                                      from_memory);
  g_autofree ShoalSha256 *whole = NULL;
  ShoalSha256 want;

  shoal_sha256 (content_piece (content, 1), 40000 - 32768, &want);
  g_assert_cmpmem (last, sizeof want, &want, sizeof want);
  source.data = (guint8 *) content_piece (content, 0);
  whole = shoal_hasher_leaves (hasher, content->metainfo, 0, &source, from_memory);
  for (guint i = 0; i < 2; i++)
    {
      shoal_sha256 (content_piece (content, 0) + i * SHOAL_BLOCK_SIZE, SHOAL_BLOCK_SIZE, &want);
      g_assert_cmpmem (&whole[i], sizeof want, &want, sizeof want);
    }
  source.broken = TRUE;
  g_assert_null (shoal_hasher_leaves (hasher, content->metainfo, 0, &source, from_memory));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/io/hasher/v1", GUINT_TO_POINTER (SHOAL_TORRENT_V1), test_versions);
  g_test_add_data_func ("/io/hasher/v2", GUINT_TO_POINTER (SHOAL_TORRENT_V2), test_versions);
  g_test_add_data_func ("/io/hasher/hybrid", GUINT_TO_POINTER (SHOAL_TORRENT_HYBRID),
                        test_versions);
  g_test_add_func ("/io/hasher/halves", test_halves);
  g_test_add_func ("/io/hasher/leaves", test_leaves);
  return g_test_run ();
}
