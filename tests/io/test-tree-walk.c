/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files come in the order of a torrent, and links never lead out of the folder. */

#include "shoal-tree-walk.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "shoal-test.h"

typedef struct
{
  char *dir;
  char *root;
} Fixture;

static void
make (Fixture    *fixture,
      const char *name,
      const char *content)
{
  g_autofree char *path = g_build_filename (fixture->root, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, content, -1, NULL));
}

static void
link_to (Fixture    *fixture,
         const char *target,
         const char *name)
{
  g_autofree char *path = g_build_filename (fixture->root, name, NULL);

  g_assert_cmpint (symlink (target, path), ==, 0);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  fixture->dir = shoal_test_temp_dir ();
  fixture->root = g_build_filename (fixture->dir, "root", NULL);
  g_assert_cmpint (g_mkdir (fixture->root, 0700), ==, 0);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  shoal_test_remove_temp_dir (fixture->dir);
  g_free (fixture->root);
  g_free (fixture->dir);
}

static char *
walk (Fixture *fixture)
{
  g_autoptr(GString) text = g_string_new (NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) files = NULL;
  gboolean single = TRUE;

  files = shoal_tree_walk (fixture->root, &single, &error);
  g_assert_no_error (error);
  g_assert_false (single);
  for (guint i = 0; i < files->len; i++)
    {
      ShoalTreeFile *file = g_ptr_array_index (files, i);
      g_autofree char *path = g_strjoinv ("/", file->path);

      g_string_append_printf (text, "%s%s", i > 0 ? " " : "", path);
      if (file->target != NULL)
        {
          g_autofree char *target = g_strjoinv ("/", file->target);

          g_assert_cmpuint (file->flags, ==, SHOAL_FILE_SYMLINK);
          g_assert_cmpuint (file->size, ==, 0);
          g_string_append_printf (text, ">%s", target);
        }
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_order (Fixture       *fixture,
            gconstpointer  data)
{
  static const char *const names[] = { "z", "a.b", "a/z", "a/y", "a-c/x", "B", "a/deep/f" };
  g_autofree char *text = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    make (fixture, names[i], "x");
  text = walk (fixture);
  g_assert_cmpstr (text, ==, "B a/deep/f a/y a/z a-c/x a.b z");
}

static void
test_links (Fixture       *fixture,
            gconstpointer  data)
{
  g_autofree char *text = NULL;

  make (fixture, "a/y", "x");
  link_to (fixture, "a/y", "one");
  link_to (fixture, "../one", "a/two");
  link_to (fixture, "a/./gone", "dangling");
  link_to (fixture, "a", "folder");
  text = walk (fixture);
  g_assert_cmpstr (text, ==, "a/two>one a/y dangling>a/gone folder>a one>a/y");
}

static void
test_links_out (Fixture       *fixture,
                gconstpointer  data)
{
  static const char *const targets[] = { "/etc/passwd", "..", "../..", "a/../../x", ".", "a/.." };

  make (fixture, "a/y", "x");
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++)
    {
      g_autoptr(GError) error = NULL;
      g_autofree char *path = g_build_filename (fixture->root, "bad", NULL);
      gboolean single;

      link_to (fixture, targets[i], "bad");
      g_assert_null (shoal_tree_walk (fixture->root, &single, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
      g_assert_cmpint (g_unlink (path), ==, 0);
    }
}

static void
test_odd (Fixture       *fixture,
          gconstpointer  data)
{
  g_autofree char *fifo = g_build_filename (fixture->root, "fifo", NULL);
  g_autofree char *bad = g_build_filename (fixture->root, "\xff", NULL);
  g_autoptr(GError) error = NULL;
  g_autofree char *text = NULL;
  gboolean single;

  g_assert_null (shoal_tree_walk (fixture->root, &single, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_clear_error (&error);

  make (fixture, "a", "x");
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  text = walk (fixture);
  g_assert_cmpstr (text, ==, "a");

  g_assert_true (g_file_set_contents (bad, "x", 1, NULL));
  g_assert_null (shoal_tree_walk (fixture->root, &single, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
}

static void
test_single (Fixture       *fixture,
             gconstpointer  data)
{
  g_autofree char *path = g_build_filename (fixture->root, "a", NULL);
  g_autoptr(GPtrArray) files = NULL;
  ShoalTreeFile *file;
  gboolean single = FALSE;

  make (fixture, "a", "abc");
  g_assert_cmpint (g_chmod (path, 0700), ==, 0);
  files = shoal_tree_walk (path, &single, NULL);
  g_assert_true (single);
  g_assert_cmpuint (files->len, ==, 1);
  file = g_ptr_array_index (files, 0);
  g_assert_cmpuint (file->size, ==, 3);
  g_assert_cmpuint (file->flags, ==, SHOAL_FILE_EXECUTABLE);
  g_assert_cmpstr (file->location, ==, path);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/io/tree-walk/order", Fixture, NULL, set_up, test_order, tear_down);
  g_test_add ("/io/tree-walk/links", Fixture, NULL, set_up, test_links, tear_down);
  g_test_add ("/io/tree-walk/links-out", Fixture, NULL, set_up, test_links_out, tear_down);
  g_test_add ("/io/tree-walk/odd", Fixture, NULL, set_up, test_odd, tear_down);
  g_test_add ("/io/tree-walk/single", Fixture, NULL, set_up, test_single, tear_down);
  return g_test_run ();
}
