/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of names made safe and unique. */

#include "shoal-path.h"

#include <string.h>

static void
test_component (void)
{
  static const struct { const char *from; const char *to; } cases[] = {
    { "plain.txt", "plain.txt" },
    { ".hidden", ".hidden" },
    { "...", "..." },
    { "a:b*c?\"<>|", "a:b*c?\"<>|" },
    { "", NULL },
    { ".", NULL },
    { "..", NULL },
    { "/etc", "_etc" },
    { "a/../b", "a_.._b" },
    { "a\\b", "a_b" },
    { "line\nfeed\x7f", "line_feed_" },
    { "right\xe2\x80\xaeleft", "right_left" },
    { "CON", "_CON" },
    { "aux.c", "_aux.c" },
    { "lpt1.txt", "_lpt1.txt" },
    { "com0", "com0" },
    { "console", "console" },
    { "caf\xe9.txt", "caf\xef\xbf\xbd.txt" },
    { "\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac" },
  };
  g_autofree char *nul = shoal_path_clean_component ((const guint8 *) "a\0b", 3);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = shoal_path_clean_component ((const guint8 *) cases[i].from,
                                                          strlen (cases[i].from));

      g_assert_cmpstr (name, ==, cases[i].to);
    }
  g_assert_cmpstr (nul, ==, "a\xef\xbf\xbd" "b");
}

static void
test_long (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *name = NULL;
  g_autofree char *huge = NULL;
  g_autofree char *odd = NULL;

  for (guint i = 0; i < 100; i++)
    g_string_append (text, "\xe6\x97\xa5");
  g_string_append (text, ".tar.gz");
  name = shoal_path_clean_component ((const guint8 *) text->str, text->len);
  g_assert_cmpuint (strlen (name), <=, 250);
  g_assert_cmpuint (strlen (name), >, 245);
  g_assert_true (g_utf8_validate (name, -1, NULL));
  g_assert_true (g_str_has_suffix (name, "\xa5.gz"));

  g_string_truncate (text, 0);
  for (guint i = 0; i < 100000; i++)
    g_string_append_c (text, 'a');
  odd = shoal_path_clean_component ((const guint8 *) text->str, text->len);
  g_assert_cmpuint (strlen (odd), ==, 250);
  g_string_append (text, ".mkv");
  huge = shoal_path_clean_component ((const guint8 *) text->str, text->len);
  g_assert_cmpuint (strlen (huge), ==, 250);
  g_assert_true (g_str_has_suffix (huge, "a.mkv"));
}

static void
expect_path (ShoalPathSet *set,
             const char   *from,
             const char   *to)
{
  g_auto (GStrv) components = g_strsplit (from, "/", -1);
  gboolean changed = 77;
  g_autofree char *path = shoal_path_set_add (set, (const char *const *) components, &changed);

  g_assert_cmpstr (path, ==, to);
  g_assert_cmpint (changed, ==, strcmp (from, to) != 0);
}

static void
test_unique (void)
{
  g_autoptr (ShoalPathSet) set = shoal_path_set_new ();

  expect_path (set, "t/a.txt", "t/a.txt");
  expect_path (set, "t/a.txt", "t/a (1).txt");
  expect_path (set, "t/A.TXT", "t/A (2).TXT");
  expect_path (set, "t/a (1).txt", "t/a (1) (1).txt");
  expect_path (set, "t/b.txt", "t/b.txt");
  expect_path (set, "t/\xc3\x84", "t/\xc3\x84");
  expect_path (set, "t/\xc3\xa4", "t/\xc3\xa4 (1)");
  expect_path (set, "t/a\xcc\x88", "t/a\xcc\x88 (2)");
  expect_path (set, "t/.x", "t/.x");
  expect_path (set, "t/.X", "t/.X (1)");
}

static void
test_folders (void)
{
  g_autoptr (ShoalPathSet) set = shoal_path_set_new ();

  expect_path (set, "t/d/x", "t/d/x");
  expect_path (set, "t/d", "t/d (1)");
  expect_path (set, "t/f", "t/f");
  expect_path (set, "t/f/x", "t/f (1)/x");
  expect_path (set, "t/f/y", "t/f (1)/y");
  expect_path (set, "t/f/x", "t/f (1)/x (1)");
  expect_path (set, "t/D/z", "t/D/z");
  expect_path (set, "t/D/X", "t/D/X (1)");
}

/* A thousand names for one place, also as folders, do not take a million tries. */
static void
test_many (void)
{
  static const char *const wanted[] = { "t", "same.bin", NULL };
  static const char *const inside[] = { "t", "same.bin", "x", NULL };
  g_autoptr (ShoalPathSet) set = shoal_path_set_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < 20000; i++)
    {
      g_assert_true (g_hash_table_add (seen, shoal_path_set_add (set, wanted, NULL)));
      g_assert_true (g_hash_table_add (seen, shoal_path_set_add (set, inside, NULL)));
    }
}

static void
test_deep (void)
{
  g_autoptr (ShoalPathSet) set = shoal_path_set_new ();
  g_autoptr (GPtrArray) components = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) parts = NULL;
  g_autofree char *path = NULL;
  g_autofree char *other = NULL;

  for (guint i = 0; i < 200; i++)
    g_ptr_array_add (components, g_strnfill (250, (char) ('a' + i % 26)));
  g_ptr_array_add (components, g_strdup ("file.txt"));
  g_ptr_array_add (components, NULL);
  path = shoal_path_set_add (set, (const char *const *) components->pdata, NULL);
  other = shoal_path_set_add (set, (const char *const *) components->pdata, NULL);
  parts = g_strsplit (path, "/", -1);
  g_assert_cmpuint (g_strv_length (parts), ==, SHOAL_PATH_DEPTH_MAX);
  g_assert_cmpuint (strlen (path), <=, SHOAL_PATH_BYTES_MAX);
  g_assert_true (g_str_has_suffix (path, "/file.txt"));
  g_assert_true (g_str_has_suffix (other, "/file (1).txt"));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/path/component", test_component);
  g_test_add_func ("/wire/path/long", test_long);
  g_test_add_func ("/wire/path/unique", test_unique);
  g_test_add_func ("/wire/path/folders", test_folders);
  g_test_add_func ("/wire/path/many", test_many);
  g_test_add_func ("/wire/path/deep", test_deep);
  return g_test_run ();
}
