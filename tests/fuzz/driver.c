/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs every file of the folders given through a fuzz target, as an ordinary test. */

#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
run_file (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *data = NULL;
  g_autofree guint8 *exact = NULL;
  gsize size;

  g_file_get_contents (path, &data, &size, &error);
  g_assert_no_error (error);

  /* Without the NUL that GLib puts behind it, so that reading past the end is seen. */
  exact = g_memdup2 (data, size);
  LLVMFuzzerTestOneInput (exact, size);
}

static void
test_folder (gconstpointer data)
{
  const char *folder = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  const char *name;
  guint n = 0;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
        continue;
      run_file (path);
      n++;
    }
  g_test_message ("%s: %u files", folder, n);
  g_assert_cmpuint (n, >, 0);
}

/* What no folder needs to hold: nothing at all, and every single byte. */
static void
test_tiny (void)
{
  LLVMFuzzerTestOneInput ((const guint8 *) "", 0);
  for (guint i = 0; i < 256; i++)
    {
      guint8 byte = (guint8) i;

      LLVMFuzzerTestOneInput (&byte, 1);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fuzz/tiny", test_tiny);
  for (int i = 1; i < argc; i++)
    {
      g_autofree char *name = g_strdup_printf ("/fuzz/folder-%d", i);

      if (g_file_test (argv[i], G_FILE_TEST_IS_DIR))
        g_test_add_data_func (name, argv[i], test_folder);
    }

  return g_test_run ();
}
