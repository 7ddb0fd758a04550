/* SPDX-License-Identifier: GPL-3.0-or-later */
/* No path leads out of a folder. */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "shoal-folder.h"
#include "shoal-test.h"

typedef struct
{
  char       *dir;
  char       *root;      /* a folder in it */
  ShoalFolder folder;
} Fixture;

static void
set_up (Fixture      *self,
        gconstpointer data)
{
  self->dir = shoal_test_temp_dir ();
  self->root = g_build_filename (self->dir, "root", NULL);
  g_assert_cmpint (g_mkdir (self->root, 0755), ==, 0);
  g_assert_true (shoal_folder_open (&self->folder, self->root));
}

static void
tear_down (Fixture      *self,
           gconstpointer data)
{
  shoal_folder_close (&self->folder);
  shoal_test_remove_temp_dir (self->dir);
  g_free (self->dir);
  g_free (self->root);
}

static void
make (Fixture    *self,
      const char *path)
{
  int fd = shoal_folder_open_file (&self->folder, path, O_RDWR | O_CREAT | O_EXCL);

  g_assert_cmpint (fd, >=, 0);
  close (fd);
}

static void
expect_failure (Fixture    *self,
                const char *path,
                int         error)
{
  errno = 0;
  g_assert_cmpint (shoal_folder_open_file (&self->folder, path, O_RDWR | O_CREAT), ==, -1);
  g_assert_cmpint (errno, ==, error);
}

static void
test_make (Fixture      *self,
           gconstpointer data)
{
  struct stat info;

  make (self, "a/b/c");
  make (self, "a/b/d");
  make (self, "e");
  g_assert_true (shoal_folder_stat (&self->folder, "a/b/c", &info));
  g_assert_true (S_ISREG (info.st_mode));
  g_assert_false (shoal_folder_stat (&self->folder, "a/x/c", &info));
  g_assert_cmpint (errno, ==, ENOENT);
  g_assert_cmpint (shoal_folder_open_file (&self->folder, "a/b/c", O_RDWR | O_CREAT | O_EXCL), ==,
                   -1);
  g_assert_cmpint (errno, ==, EEXIST);
  g_assert_true (shoal_folder_unlink (&self->folder, "a/b/c"));
  g_assert_false (shoal_folder_stat (&self->folder, "a/b/c", &info));
}

static void
test_dots (Fixture      *self,
           gconstpointer data)
{
  expect_failure (self, "..", EINVAL);
  expect_failure (self, ".", EINVAL);
  expect_failure (self, "", EINVAL);
  expect_failure (self, "../x", EINVAL);
  expect_failure (self, "a/../../x", EINVAL);
  expect_failure (self, "a//x", EINVAL);
  expect_failure (self, "/x", EINVAL);
}

static void
test_links (Fixture      *self,
            gconstpointer data)
{
  g_autofree char *outside = g_build_filename (self->dir, "outside", NULL);
  g_autofree char *folder_link = g_build_filename (self->root, "link", NULL);
  g_autofree char *file_link = g_build_filename (self->root, "file", NULL);
  g_autofree char *target = g_build_filename (outside, "x", NULL);

  g_assert_cmpint (g_mkdir (outside, 0755), ==, 0);
  g_assert_cmpint (symlink (outside, folder_link), ==, 0);
  g_assert_cmpint (symlink (target, file_link), ==, 0);
  expect_failure (self, "link/x", ENOTDIR);
  expect_failure (self, "link", ELOOP);
  expect_failure (self, "file", ELOOP);
  g_assert_false (g_file_test (target, G_FILE_TEST_EXISTS));
}

static void
test_not_a_file (Fixture      *self,
                 gconstpointer data)
{
  g_autofree char *pipe = g_build_filename (self->root, "pipe", NULL);

  make (self, "a/b");
  g_assert_cmpint (shoal_folder_open_file (&self->folder, "a", O_RDONLY), ==, -1);
  g_assert_cmpint (errno, ==, EINVAL);
  expect_failure (self, "a/b/c", ENOTDIR);
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  g_assert_cmpint (shoal_folder_open_file (&self->folder, "pipe", O_RDONLY), ==, -1);
  g_assert_cmpint (errno, ==, EINVAL);
}

static void
test_rename (Fixture      *self,
             gconstpointer data)
{
  struct stat info;

  make (self, "a/b.part");
  make (self, "a/c");
  g_assert_false (shoal_folder_rename (&self->folder, "a/b.part", "a/c"));
  g_assert_cmpint (errno, ==, EEXIST);
  g_assert_true (shoal_folder_rename (&self->folder, "a/b.part", "a/b"));
  g_assert_true (shoal_folder_stat (&self->folder, "a/b", &info));
  g_assert_false (shoal_folder_stat (&self->folder, "a/b.part", &info));
}

static void
test_gone (void)
{
  ShoalFolder folder;

  g_assert_false (shoal_folder_open (&folder, "/nonexistent/folder"));
  g_assert_cmpint (errno, ==, ENOENT);
  shoal_folder_close (&folder);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/io/folder/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("make", test_make);
  ADD ("dots", test_dots);
  ADD ("links", test_links);
  ADD ("not-a-file", test_not_a_file);
  ADD ("rename", test_rename);
  g_test_add_func ("/io/folder/gone", test_gone);
  return g_test_run ();
}
