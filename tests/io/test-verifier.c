/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verifying finds what is right, wrong and missing. */

#include "shoal-verifier.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <unistd.h>
#include "sample.h"
#include "shoal-error.h"
#include "shoal-maker.h"
#include "shoal-test.h"

typedef struct
{
  char   *dir;
  GBytes *torrent;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autofree char *path = NULL;
  ShoalMakeOptions options = { .kind = GPOINTER_TO_UINT (data),
                               .piece_size = SAMPLE_PIECE_SIZE,
                               .creation_date = -1 };
  ShoalProgress progress = { 0 };

  fixture->dir = shoal_test_temp_dir ();
  path = g_build_filename (fixture->dir, "d", NULL);
  options.path = path;
  sample_make (fixture->dir);
  fixture->torrent = shoal_make_torrent (&options, &progress, NULL);
  g_assert_nonnull (fixture->torrent);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  shoal_test_remove_temp_dir (fixture->dir);
  g_bytes_unref (fixture->torrent);
  g_free (fixture->dir);
}

static void
expect (Fixture *fixture,
        guint    wrong,
        guint    missing,
        guint    absent)
{
  g_autoptr(GError) error = NULL;
  ShoalProgress progress = { 0 };
  g_autoptr(ShoalVerifyReport) report = shoal_verify (fixture->torrent, fixture->dir, &progress,
                                                      &error);

  g_assert_no_error (error);
  g_assert_cmpstr (report->name, ==, "d");
  g_assert_cmpuint (report->n[SHOAL_VERDICT_WRONG], ==, wrong);
  g_assert_cmpuint (report->n[SHOAL_VERDICT_MISSING], ==, missing);
  g_assert_cmpuint (report->n[SHOAL_VERDICT_RIGHT], ==, report->n_pieces - wrong - missing);
  g_assert_cmpuint (report->n_absent, ==, absent);
  g_assert_true (shoal_verify_report_complete (report) == (wrong + missing + absent == 0));
  g_assert_cmpfloat (shoal_progress_share (&progress), ==, 1.0);
}

static void
test_right_and_wrong (Fixture       *fixture,
                      gconstpointer  data)
{
  expect (fixture, 0, 0, 0);
  sample_hurt (fixture->dir, "d/x", 100000);
  expect (fixture, 1, 0, 0);
  sample_hurt (fixture->dir, "d/b/c", 0);
  expect (fixture, 2, 0, 0);
}

static void
test_missing (Fixture       *fixture,
              gconstpointer  data)
{
  g_autofree char *empty = g_build_filename (fixture->dir, "d", "e", NULL);
  g_autofree char *x = g_build_filename (fixture->dir, "d", "x", NULL);
  g_autofree char *part = g_build_filename (fixture->dir, "d", "x.part", NULL);

  g_assert_cmpint (g_unlink (empty), ==, 0);
  expect (fixture, 0, 0, 1);
  g_assert_cmpint (g_rename (x, part), ==, 0);
  expect (fixture, 0, 0, 1);

  g_assert_cmpint (truncate (part, 90000), ==, 0);
  expect (fixture, 0, 2, 1);
  /* What follows is a hole: half a piece is wrong, a whole one is not there. */
  g_assert_cmpint (truncate (part, 100001), ==, 0);
  expect (fixture, 1, 1, 1);
  g_assert_cmpint (g_unlink (part), ==, 0);
  expect (fixture, 0, 7, 1);
}

static void
test_nothing_there (Fixture       *fixture,
                    gconstpointer  data)
{
  g_autofree char *other = g_build_filename (fixture->dir, "nowhere", NULL);
  ShoalProgress progress = { 0 };
  g_autoptr(ShoalVerifyReport) report = shoal_verify (fixture->torrent, other, &progress, NULL);

  g_assert_cmpuint (report->n[SHOAL_VERDICT_MISSING], ==, report->n_pieces);
  g_assert_cmpuint (report->n_absent, ==, 1);
}

static void
test_bad_torrent (void)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static ("d4:infodee", 10);
  g_autoptr(GError) error = NULL;
  ShoalProgress progress = { 0 };

  g_assert_null (shoal_verify (bytes, "/tmp", &progress, &error));
  g_assert_true (error->domain == SHOAL_WIRE_ERROR);
}

static void
test_cancelled (Fixture       *fixture,
                gconstpointer  data)
{
  g_autoptr(GError) error = NULL;
  ShoalProgress progress = { 0 };

  shoal_progress_cancel (&progress);
  g_assert_null (shoal_verify (fixture->torrent, fixture->dir, &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int    argc,
      char **argv)
{
  static const char *const kinds[] = { "hybrid", "v1", "v2" };

  g_test_init (&argc, &argv, NULL);
  for (guint kind = 0; kind < G_N_ELEMENTS (kinds); kind++)
    {
      g_autofree char *right = g_strconcat ("/io/verifier/right-and-wrong/", kinds[kind], NULL);
      g_autofree char *missing = g_strconcat ("/io/verifier/missing/", kinds[kind], NULL);
      g_autofree char *nothing = g_strconcat ("/io/verifier/nothing-there/", kinds[kind], NULL);

      g_test_add (right, Fixture, GUINT_TO_POINTER (kind), set_up, test_right_and_wrong, tear_down);
      g_test_add (missing, Fixture, GUINT_TO_POINTER (kind), set_up, test_missing, tear_down);
      g_test_add (nothing, Fixture, GUINT_TO_POINTER (kind), set_up, test_nothing_there, tear_down);
    }
  g_test_add ("/io/verifier/cancelled", Fixture, NULL, set_up, test_cancelled, tear_down);
  g_test_add_func ("/io/verifier/bad-torrent", test_bad_torrent);
  return g_test_run ();
}
