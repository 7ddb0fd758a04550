/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sources are read as far as they are files, and nothing waits for ever. */

#include "shoal-source.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "shoal-error.h"
#include "shoal-test.h"

static void
test_is_link (void)
{
  g_assert_true (shoal_source_is_link ("http://x/"));
  g_assert_true (shoal_source_is_link ("HTTPS://x/"));
  g_assert_false (shoal_source_is_link ("httpd.torrent"));
  g_assert_false (shoal_source_is_link ("/tmp/x"));
  g_assert_false (shoal_source_is_link (""));
}

static void
test_load (void)
{
  g_autofree char *dir = shoal_test_temp_dir ();
  g_autofree char *path = g_build_filename (dir, "a b.torrent", NULL);
  g_autofree char *uri = g_filename_to_uri (path, NULL, NULL);
  g_autofree char *fifo = g_build_filename (dir, "fifo", NULL);
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(GBytes) same = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_true (g_file_set_contents (path, "d4:infodee", -1, NULL));
  bytes = shoal_source_load (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 10);
  same = shoal_source_load (uri, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (bytes, same));

  g_assert_null (shoal_source_load (dir, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE);
  g_clear_error (&error);

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_null (shoal_source_load (fifo, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE);
  g_clear_error (&error);

  g_assert_cmpint (truncate (path, SHOAL_SOURCE_SIZE_MAX + 1), ==, 0);
  g_assert_null (shoal_source_load (path, &error));
  g_assert_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE);
  g_clear_error (&error);

  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_null (shoal_source_load (path, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  shoal_test_remove_temp_dir (dir);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/source/is-link", test_is_link);
  g_test_add_func ("/model/source/load", test_load);
  return g_test_run ();
}
