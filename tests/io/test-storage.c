/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a torrent by themselves: what is written is where it belongs, and who was there
 * first stays. */

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "content.h"
#include "own-network.h"
#include "shoal-storage.h"
#include "shoal-test.h"

#define PIECE_SIZE 16384u

typedef struct
{
  char           *dir;
  Content        *content;
  ShoalFileCache *cache;
  ShoalStorage   *storage;
} Fixture;

static const ContentFile files[] = {
  { "a", 5000, 0, NULL, FALSE },
  { "b", 7, 0, NULL, FALSE },
  { "c", 40000, 0, NULL, FALSE },
};

static void
set_up (Fixture      *self,
        gconstpointer data)
{
  self->dir = shoal_test_temp_dir ();
  self->content = content_new ("t", SHOAL_TORRENT_V1, PIECE_SIZE, files, G_N_ELEMENTS (files), 3);
  self->cache = shoal_file_cache_new (4);
  self->storage = shoal_storage_new (self->cache, self->content->metainfo, self->dir, TRUE, NULL,
                                     NULL);
}

static void
tear_down (Fixture      *self,
           gconstpointer data)
{
  shoal_storage_unref (self->storage);
  shoal_file_cache_free (self->cache);
  content_free (self->content);
  shoal_test_remove_temp_dir (self->dir);
  g_free (self->dir);
}

static ShoalReason
open_storage (Fixture *self,
              gboolean all_had)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_OPEN, 1);
  ShoalReason reason;

  job->all_had = all_had;
  shoal_storage_open (self->storage, job);
  reason = job->reason;
  shoal_disk_job_free (job);

  return reason;
}

/* Two runs in the wrong order, [@from, @to) of a piece. */
static ShoalReason
write_range (Fixture *self,
             guint32  piece,
             guint32  from,
             guint32  to)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_SPILL, 1);
  guint8 *data = (guint8 *) content_piece (self->content, piece);
  guint32 middle = from + (to - from) / 3;
  ShoalReason reason;

  job->piece = piece;
  job->n_runs = 2;
  job->runs = g_new0 (ShoalRun, 2);
  job->runs[0] = (ShoalRun){ data + middle, middle, to - middle };
  job->runs[1] = (ShoalRun){ data + from, from, middle - from };
  shoal_storage_write (self->storage, job);
  reason = job->reason;
  g_assert_cmpint (reason != SHOAL_REASON_NONE, ==, job->detail != NULL);
  shoal_disk_job_free (job);

  return reason;
}

static ShoalReason
read_range (Fixture *self,
            guint32  piece,
            guint32  offset,
            guint32  size)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_READ, 1);
  ShoalReason reason;

  job->piece = piece;
  job->offset = offset;
  job->size = size;
  shoal_storage_read (self->storage, job);
  reason = job->reason;
  if (reason == SHOAL_REASON_NONE)
    g_assert_cmpmem (job->bytes, size, content_piece (self->content, piece) + offset, size);
  shoal_disk_job_free (job);

  return reason;
}

static void
test_across_files (Fixture      *self,
                   gconstpointer data)
{
  struct stat info;
  g_autofree char *b = g_build_filename (self->dir, "t/b.part", NULL);
  g_autofree char *c = g_build_filename (self->dir, "t/c.part", NULL);

  g_assert_cmpint (open_storage (self, FALSE), ==, SHOAL_REASON_NONE);
  g_assert_cmpint (write_range (self, 0, 4990, 5010), ==, SHOAL_REASON_NONE);
  g_assert_cmpint (g_stat (b, &info), ==, 0);
  g_assert_cmpint (info.st_size, ==, 7);
  g_assert_cmpint (read_range (self, 0, 4990, 20), ==, SHOAL_REASON_NONE);
  g_assert_cmpint (read_range (self, 0, 4990, 21), ==, SHOAL_REASON_DATA_MISSING);
  g_assert_cmpint (write_range (self, 2, 0, 12239), ==, SHOAL_REASON_NONE);
  g_assert_cmpint (g_stat (c, &info), ==, 0);
  g_assert_cmpint (info.st_size, ==, 40000);
  g_assert_cmpint (read_range (self, 2, 1, 12238), ==, SHOAL_REASON_NONE);
  g_assert_true (shoal_storage_sync (self->storage));
}

/* A file that was there before and has no right piece is not written to. */
static void
test_foreign (Fixture      *self,
              gconstpointer data)
{
  g_autofree char *folder = g_build_filename (self->dir, "t", NULL);
  g_autofree char *a = g_build_filename (folder, "a", NULL);
  g_autofree char *text = NULL;

  g_assert_cmpint (g_mkdir (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (a, "mine", -1, NULL));
  g_assert_cmpint (open_storage (self, FALSE), ==, SHOAL_REASON_NONE);
  g_assert_cmpint (write_range (self, 0, 0, PIECE_SIZE), ==, SHOAL_REASON_NONE);
  g_assert_cmpint (read_range (self, 0, 0, PIECE_SIZE), ==, SHOAL_REASON_NONE);
  g_assert_true (g_file_get_contents (a, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "mine");
}

static void
test_vanished (Fixture      *self,
               gconstpointer data)
{
  g_autofree char *c = g_build_filename (self->dir, "t/c", NULL);

  content_write (self->content, self->dir);
  g_assert_cmpint (open_storage (self, TRUE), ==, SHOAL_REASON_NONE);
  g_assert_cmpint (g_unlink (c), ==, 0);
  g_assert_cmpint (write_range (self, 2, 0, 100), ==, SHOAL_REASON_DATA_MISSING);
  g_assert_false (g_file_test (c, G_FILE_TEST_EXISTS));
}

static void
test_read_only (void)
{
  Fixture self = { 0 };

  if (!shoal_test_may_mount ())
    return;
  set_up (&self, NULL);
  shoal_test_mount (self.dir, TRUE, NULL);
  g_assert_cmpint (open_storage (&self, FALSE), ==, SHOAL_REASON_NONE);
  g_assert_cmpint (write_range (&self, 0, 0, 100), ==, SHOAL_REASON_READ_ONLY);
  g_assert_cmpint (umount2 (self.dir, MNT_DETACH), ==, 0);
  tear_down (&self, NULL);
}

static void
test_no_permission (Fixture      *self,
                    gconstpointer data)
{
  g_autofree char *folder = g_build_filename (self->dir, "t", NULL);

  g_assert_cmpint (g_mkdir (folder, 0500), ==, 0);
  shoal_test_obey (TRUE);
  g_assert_cmpint (open_storage (self, FALSE), ==, SHOAL_REASON_NONE);
  g_assert_cmpint (write_range (self, 0, 0, 100), ==, SHOAL_REASON_NO_PERMISSION);
  shoal_test_obey (FALSE);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/io/storage/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("across-files", test_across_files);
  ADD ("foreign", test_foreign);
  ADD ("vanished", test_vanished);
  ADD ("no-permission", test_no_permission);
  g_test_add_func ("/io/storage/read-only", test_read_only);
  return g_test_run ();
}
