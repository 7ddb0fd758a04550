/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A .torrent is written whole or not at all. */

#include "shoal-creator.h"

#include "sample.h"
#include "shoal-test.h"

typedef struct
{
  gboolean done;
  gboolean ok;
  GError  *error;
} Result;

static void
done_cb (GObject      *object,
         GAsyncResult *async_result,
         gpointer      user_data)
{
  Result *result = user_data;

  result->ok = shoal_create_torrent_finish (async_result, &result->error);
  result->done = TRUE;
}

static void
create (const char   *path,
        const char   *output,
        GCancellable *cancellable,
        Result       *result)
{
  ShoalMakeOptions options = { .path = path, .creation_date = -1 };

  *result = (Result){ FALSE };
  shoal_create_torrent_async (&options, output, cancellable, NULL, NULL, done_cb, result);
  while (!result->done)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_create (void)
{
  g_autofree char *dir = shoal_test_temp_dir ();
  g_autofree char *path = g_build_filename (dir, "d", NULL);
  g_autofree char *output = g_build_filename (dir, "d.torrent", NULL);
  g_autofree char *nowhere = g_build_filename (dir, "none", "d.torrent", NULL);
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *content = NULL;
  Result result;

  create (path, output, NULL, &result);
  g_assert_error (result.error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&result.error);
  g_assert_false (g_file_test (output, G_FILE_TEST_EXISTS));

  sample_make (dir);
  create (path, nowhere, NULL, &result);
  g_assert_error (result.error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_clear_error (&result.error);

  g_cancellable_cancel (cancellable);
  create (path, output, cancellable, &result);
  g_assert_error (result.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&result.error);

  create (path, output, NULL, &result);
  g_assert_no_error (result.error);
  g_assert_true (result.ok);
  g_assert_true (g_file_get_contents (output, &content, NULL, NULL));
  g_assert_cmpint (content[0], ==, 'd');
  shoal_test_remove_temp_dir (dir);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/creator/create", test_create);
  return g_test_run ();
}
