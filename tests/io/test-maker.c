/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Torrents that are made have the info-hashes that libtorrent gives them. */

#include "shoal-maker.h"

#include <gio/gio.h>
#include "sample.h"
#include "shoal-error.h"
#include "shoal-metainfo.h"
#include "shoal-test.h"

typedef struct
{
  const char   *path;
  ShoalMakeKind kind;
  const char   *v1;
  const char   *v2;
} Case;

static const Case cases[] = {
  { "d", SHOAL_MAKE_HYBRID, SAMPLE_HYBRID_V1, SAMPLE_HYBRID_V2 },
  { "d", SHOAL_MAKE_V1, SAMPLE_V1, NULL },
  { "d", SHOAL_MAKE_V2, NULL, SAMPLE_V2 },
  { "d/x", SHOAL_MAKE_HYBRID, SAMPLE_ONE_HYBRID_V1, SAMPLE_ONE_HYBRID_V2 },
  { "d/x", SHOAL_MAKE_V1, SAMPLE_ONE_V1, NULL },
  { "d/x", SHOAL_MAKE_V2, NULL, SAMPLE_ONE_V2 },
};

static void
test_hashes (gconstpointer data)
{
  const Case *test = data;
  g_autofree char *dir = shoal_test_temp_dir ();
  g_autofree char *path = g_build_filename (dir, test->path, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(ShoalMetainfo) metainfo = NULL;
  g_autofree char *v1 = NULL;
  g_autofree char *v2 = NULL;
  ShoalMakeOptions options = {
    .path = path, .kind = test->kind, .piece_size = SAMPLE_PIECE_SIZE, .creation_date = -1
  };
  ShoalProgress progress = { 0 };

  sample_make (dir);
  bytes = shoal_make_torrent (&options, &progress, &error);
  g_assert_no_error (error);
  metainfo = shoal_metainfo_parse (bytes, &error);
  g_assert_no_error (error);

  v1 = metainfo->hash.has_v1 ? shoal_hex (metainfo->hash.v1.bytes, sizeof metainfo->hash.v1) : NULL;
  v2 = metainfo->hash.has_v2 ? shoal_hex (metainfo->hash.v2.bytes, sizeof metainfo->hash.v2) : NULL;
  g_assert_cmpstr (v1, ==, test->v1);
  g_assert_cmpstr (v2, ==, test->v2);
  g_assert_cmpfloat (shoal_progress_share (&progress), ==, 1.0);
  g_assert_cmpint (metainfo->creation_date, ==, -1);
  shoal_test_remove_temp_dir (dir);
}

static void
test_options (void)
{
  g_autofree char *dir = shoal_test_temp_dir ();
  g_autofree char *path = g_build_filename (dir, "d", NULL);
  const char *trackers[] = { "http://a/announce", "udp://b:1", NULL };
  const char *seeds[] = { "http://w/", NULL };
  ShoalMakeOptions options = {
    .path = path,
    .trackers = trackers,
    .web_seeds = seeds,
    .comment = "a comment",
    .source = "from",
    .is_private = TRUE,
    .creation_date = 1234,
  };
  ShoalProgress progress = { 0 };
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(ShoalMetainfo) metainfo = NULL;

  sample_make (dir);
  bytes = shoal_make_torrent (&options, &progress, &error);
  g_assert_no_error (error);
  metainfo = shoal_metainfo_parse (bytes, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (metainfo->trackers[0][0], ==, "http://a/announce");
  g_assert_cmpstr (metainfo->trackers[1][0], ==, "udp://b:1");
  g_assert_cmpstr (metainfo->web_seeds[0], ==, "http://w/");
  g_assert_cmpstr (metainfo->comment, ==, "a comment");
  g_assert_cmpstr (metainfo->source, ==, "from");
  g_assert_true (metainfo->is_private);
  g_assert_cmpint (metainfo->creation_date, ==, 1234);
  g_assert_cmpuint (metainfo->layout->piece_size, ==, 16384);
  shoal_test_remove_temp_dir (dir);
}

static void
test_refused (void)
{
  g_autofree char *dir = shoal_test_temp_dir ();
  g_autofree char *path = g_build_filename (dir, "d", NULL);
  ShoalMakeOptions options = { .path = path, .creation_date = -1 };
  ShoalProgress progress = { 0 };
  static const guint64 sizes[] = { 1, 8192, 20000, G_GUINT64_CONSTANT (1) << 40 };
  g_autoptr(GError) error = NULL;

  g_assert_null (shoal_make_torrent (&options, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);

  sample_make (dir);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_clear_error (&error);
      options.piece_size = sizes[i];
      g_assert_null (shoal_make_torrent (&options, &progress, &error));
      g_assert_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_UNSUPPORTED);
    }

  g_clear_error (&error);
  options.piece_size = 0;
  shoal_progress_cancel (&progress);
  g_assert_null (shoal_make_torrent (&options, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  shoal_test_remove_temp_dir (dir);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strdup_printf ("/io/maker/hashes/%u", i);

      g_test_add_data_func (name, &cases[i], test_hashes);
    }
  g_test_add_func ("/io/maker/options", test_options);
  g_test_add_func ("/io/maker/refused", test_refused);
  return g_test_run ();
}
