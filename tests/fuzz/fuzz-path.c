/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: lines as paths of one torrent; all that comes out is safe and unlike each other. */

#include "shoal-path.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_path (const char *path)
{
  g_auto (GStrv) components = g_strsplit (path, "/", -1);

  g_assert_true (g_utf8_validate (path, -1, NULL));
  g_assert_cmpuint (strlen (path), <=, SHOAL_PATH_BYTES_MAX);
  g_assert_cmpuint (g_strv_length (components), <=, SHOAL_PATH_DEPTH_MAX);
  for (char **component = components; *component != NULL; component++)
    {
      g_assert_true ((*component)[0] != '\0' && strcmp (*component, ".") != 0
                     && strcmp (*component, "..") != 0);
      g_assert_cmpuint (strlen (*component), <=, 250);
      for (const char *at = *component; *at != '\0'; at++)
        g_assert_false (g_ascii_iscntrl (*at));
    }
}

/* No file is another file's folder: every folder of every path is no file. */
static void
check_folders (GHashTable *files)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, files);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      g_autofree char *folder = g_strdup (key);
      char *slash;

      while ((slash = strrchr (folder, '/')) != NULL)
        {
          *slash = '\0';
          g_assert_false (g_hash_table_contains (files, folder));
        }
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  g_autoptr (ShoalPathSet) set = shoal_path_set_new ();
  g_autoptr (GHashTable) files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) components = g_ptr_array_new_with_free_func (g_free);
  gsize begin = 0;

  g_ptr_array_add (components, g_strdup ("t"));
  for (gsize i = 0; i <= size; i++)
    {
      char *component;

      if (i < size && data[i] != '/' && data[i] != '\n')
        continue;
      component = shoal_path_clean_component (data + begin, i - begin);
      if (component != NULL)
        g_ptr_array_add (components, component);
      begin = i + 1;
      if (i == size || data[i] == '\n')
        {
          char *path, *folded;

          g_ptr_array_add (components, NULL);
          path = shoal_path_set_add (set, (const char *const *) components->pdata, NULL);
          check_path (path);
          folded = g_utf8_casefold (path, -1);
          g_free (path);
          g_assert_true (g_hash_table_add (files, folded));
          g_ptr_array_set_size (components, 1);
        }
    }
  check_folders (files);

  return 0;
}
