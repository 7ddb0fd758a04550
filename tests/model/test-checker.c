/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data is checked off the main thread. */

#include "shoal-checker.h"

#include "sample.h"
#include "shoal-error.h"
#include "shoal-maker.h"
#include "shoal-test.h"

typedef struct
{
  gboolean           done;
  ShoalVerifyReport *report;
  GError            *error;
} Result;

static void
done_cb (GObject      *object,
         GAsyncResult *async_result,
         gpointer      user_data)
{
  Result *result = user_data;

  result->report = shoal_check_data_finish (async_result, &result->error);
  result->done = TRUE;
}

static void
check (GBytes     *torrent,
       const char *dir,
       Result     *result)
{
  *result = (Result){ FALSE };
  shoal_check_data_async (torrent, dir, NULL, NULL, NULL, done_cb, result);
  while (!result->done)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_check (void)
{
  g_autofree char *dir = shoal_test_temp_dir ();
  g_autofree char *path = g_build_filename (dir, "d", NULL);
  ShoalMakeOptions options = { .path = path, .creation_date = -1 };
  ShoalProgress progress = { 0 };
  g_autoptr(GBytes) torrent = NULL;
  g_autoptr(GBytes) bad = g_bytes_new_static ("x", 1);
  Result result;

  sample_make (dir);
  torrent = shoal_make_torrent (&options, &progress, NULL);
  check (torrent, dir, &result);
  g_assert_no_error (result.error);
  g_assert_true (shoal_verify_report_complete (result.report));
  shoal_verify_report_free (result.report);

  sample_hurt (dir, "d/a", 3);
  check (torrent, dir, &result);
  g_assert_cmpuint (result.report->n[SHOAL_VERDICT_WRONG], ==, 1);
  shoal_verify_report_free (result.report);

  check (bad, dir, &result);
  g_assert_null (result.report);
  g_assert_true (result.error->domain == SHOAL_WIRE_ERROR);
  g_clear_error (&result.error);
  shoal_test_remove_temp_dir (dir);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/checker/check", test_check);
  return g_test_run ();
}
