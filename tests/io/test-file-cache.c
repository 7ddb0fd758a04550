/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Open files are bounded, and stay open while somebody uses them. */

#include <fcntl.h>
#include <unistd.h>

#include "shoal-file-cache.h"

static const int owners[2];

static int
new_fd (void)
{
  int fd = open ("/dev/null", O_RDWR | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);

  return fd;
}

static gboolean
is_open (int fd)
{
  return fcntl (fd, F_GETFD) >= 0;
}

static void
put (ShoalFileCache *cache,
     guint32         index)
{
  shoal_open_file_unref (shoal_file_cache_put (cache, &owners[0], index, new_fd (), FALSE));
}

static gboolean
has (ShoalFileCache *cache,
     guint32         index)
{
  g_autoptr (ShoalOpenFile) file = shoal_file_cache_get (cache, &owners[0], index, FALSE);

  return file != NULL;
}

static void
test_bound (void)
{
  g_autoptr (ShoalFileCache) cache = shoal_file_cache_new (3);

  for (guint32 i = 0; i < 3; i++)
    put (cache, i);
  g_assert_true (has (cache, 0));
  put (cache, 3);
  g_assert_cmpuint (shoal_file_cache_count (cache), ==, 3);
  g_assert_true (has (cache, 0));    /* used last */
  g_assert_false (has (cache, 1));
  g_assert_true (has (cache, 2));
  g_assert_true (has (cache, 3));
}

static void
test_write (void)
{
  g_autoptr (ShoalFileCache) cache = shoal_file_cache_new (3);
  g_autoptr (ShoalOpenFile) reader = shoal_file_cache_put (cache, &owners[0], 1, new_fd (), FALSE);
  g_autoptr (ShoalOpenFile) writer = NULL;
  g_autoptr (ShoalOpenFile) again = NULL;

  g_assert_null (shoal_file_cache_get (cache, &owners[0], 1, TRUE));
  g_assert_null (shoal_file_cache_get (cache, &owners[1], 1, FALSE));
  writer = shoal_file_cache_put (cache, &owners[0], 1, new_fd (), TRUE);
  g_assert_cmpuint (shoal_file_cache_count (cache), ==, 1);
  again = shoal_file_cache_get (cache, &owners[0], 1, FALSE);
  g_assert_true (again == writer);
  g_assert_true (is_open (reader->fd));
}

static void
test_hand_out (void)
{
  ShoalFileCache *cache = shoal_file_cache_new (1);
  ShoalOpenFile *file = shoal_file_cache_put (cache, &owners[0], 1, new_fd (), FALSE);
  int fd = file->fd;
  ShoalFileRef *first = shoal_open_file_hand_out (file);
  ShoalFileRef *second = shoal_open_file_hand_out (file);

  g_assert_true (first == second);
  g_assert_cmpint (first->fd, ==, fd);
  shoal_open_file_unref (file);
  shoal_file_cache_free (cache);
  g_assert_true (is_open (fd));
  shoal_file_ref_unref (first);
  g_assert_true (is_open (fd));
  shoal_file_ref_unref (second);
  g_assert_false (is_open (fd));
}

static void
test_forget (void)
{
  g_autoptr (ShoalFileCache) cache = shoal_file_cache_new (8);

  put (cache, 1);
  put (cache, 2);
  shoal_open_file_unref (shoal_file_cache_put (cache, &owners[1], 1, new_fd (), FALSE));
  shoal_file_cache_forget (cache, &owners[0]);
  g_assert_cmpuint (shoal_file_cache_count (cache), ==, 1);
  g_assert_false (has (cache, 1));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/io/file-cache/bound", test_bound);
  g_test_add_func ("/io/file-cache/write", test_write);
  g_test_add_func ("/io/file-cache/hand-out", test_hand_out);
  g_test_add_func ("/io/file-cache/forget", test_forget);
  return g_test_run ();
}
