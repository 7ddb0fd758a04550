/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every test needs: a seed, a folder to write in, bytes from hexadecimal text, the corpus. */

#include "shoal-test.h"

#include <glib/gstdio.h>
#include <string.h>

#define DEFAULT_SEED G_GUINT64_CONSTANT (20090117)

guint64
shoal_test_seed (void)
{
  const char *text = g_getenv ("SHOAL_SEED");
  guint64 seed = DEFAULT_SEED;

  if (text != NULL && !g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &seed, NULL))
    g_error ("SHOAL_SEED is not a number: %s", text);
  g_test_message ("SHOAL_SEED=%" G_GUINT64_FORMAT, seed);

  return seed;
}

char *
shoal_test_temp_dir (void)
{
  g_autoptr(GError) error = NULL;
  char *path = g_dir_make_tmp ("shoal-test-XXXXXX", &error);

  g_assert_no_error (error);

  return path;
}

static void
remove_tree (const char *path)
{
  g_autoptr(GDir) dir = NULL;
  const char *name;

  /* A test may have taken the right to write away. */
  (void) g_chmod (path, 0700);
  dir = g_dir_open (path, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_tree (child);
      else
        g_assert_cmpint (g_unlink (child), ==, 0);
    }

  g_assert_cmpint (g_rmdir (path), ==, 0);
}

void
shoal_test_remove_temp_dir (const char *path)
{
  /* Only what shoal_test_temp_dir() made. */
  g_assert_true (g_str_has_prefix (path, g_get_tmp_dir ()));
  g_assert_nonnull (strstr (path, "shoal-test-"));

  remove_tree (path);
}

GBytes *
shoal_test_bytes (const char *hex)
{
  g_autoptr(GByteArray) bytes = g_byte_array_new ();
  int high = -1;

  for (const char *at = hex; *at != '\0'; at++)
    {
      int digit = g_ascii_xdigit_value (*at);

      if (*at == ' ')
        continue;
      g_assert_cmpint (digit, >=, 0);
      if (high < 0)
        {
          high = digit;
        }
      else
        {
          guint8 byte = (guint8) (high << 4 | digit);

          g_byte_array_append (bytes, &byte, 1);
          high = -1;
        }
    }
  g_assert_cmpint (high, ==, -1);

  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

const char *
shoal_test_corpus (void)
{
  const char *path = g_getenv ("SHOAL_CORPUS");

  return path != NULL && g_file_test (path, G_FILE_TEST_IS_DIR) ? path : NULL;
}

GBytes *
shoal_test_read (const char *dir,
                 const char *name)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  g_autoptr(GError) error = NULL;
  char *data = NULL;
  gsize size = 0;

  g_file_get_contents (path, &data, &size, &error);
  g_assert_no_error (error);

  return g_bytes_new_take (data, size);
}
