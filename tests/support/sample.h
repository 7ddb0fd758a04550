/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small folder whose torrents are known: what libtorrent makes of it is written down here. */

#pragma once

#include <glib.h>
#include <string.h>

G_BEGIN_DECLS

#define SAMPLE_PIECE_SIZE 16384

/* Info-hashes with pieces of 16 KiB. */
#define SAMPLE_HYBRID_V1     "b7e7ef1a3bf83d4689be6ee96e6f3c0523667736"
#define SAMPLE_HYBRID_V2     "bbe77d1fb63b0fc35ef1f65421d7268a83946fbf871429f9961db123e3b8b96f"
#define SAMPLE_V1            "a70b915e1c822ae274fc5a7f596cc7a94fd5a778"
#define SAMPLE_V2            "fb7f8f69f32d3623aa1d5ca2d9c04033ce5d30652d8c98c12817bd36498747a5"
#define SAMPLE_ONE_HYBRID_V1 "a40320362b8822b0e350a63a37f48b693b1315c7"
#define SAMPLE_ONE_HYBRID_V2 "05b87bb85a2263fae447dea576e079c9ec78c4456477d6d784d345b7bb001eda"
#define SAMPLE_ONE_V1        "4e855c47736fac2dcb38dab1d85a5e6f2e9edbfd"
#define SAMPLE_ONE_V2        "cb150e174a42701e4ebbb9fbb6cdebae59eeb0032167071fa3cf6b830cf4cbbb"

static const struct
{
  const char *path;
  gsize       size;
} sample_files[] = {
  { "d/a", 40000 }, { "d/b/c", 16384 }, { "d/e", 0 }, { "d/x", 100001 },
};

/* Makes the folder "d" in @dir. */
static inline void
sample_make (const char *dir)
{
  g_autofree char *deep = g_build_filename (dir, "d", "b", NULL);

  g_assert_cmpint (g_mkdir_with_parents (deep, 0700), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (sample_files); i++)
    {
      g_autofree char *path = g_build_filename (dir, sample_files[i].path, NULL);
      g_autofree guint8 *data = g_malloc (sample_files[i].size + 1);

      for (gsize at = 0; at < sample_files[i].size; at++)
        data[at] = (guint8) (at * 7 + at / 251);
      g_assert_true (g_file_set_contents (path, (const char *) data, (gssize) sample_files[i].size,
                                          NULL));
    }
}

/* Changes one byte. */
static inline void
sample_hurt (const char *dir,
             const char *file,
             gsize       at)
{
  g_autofree char *path = g_build_filename (dir, file, NULL);
  g_autofree char *data = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  g_assert_cmpuint (at, <, size);
  data[at] ^= 1;
  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
}

G_END_DECLS
