/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that others touch, unusual wishes, and what goes wrong: all of it is said. */

#include <glib/gstdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk-fixture.h"
#include "own-network.h"
#include "shoal-test.h"

/* A file that is put there or taken away while the torrent is open. */
static void
test_check_again (DiskFixture  *self,
                  gconstpointer data)
{
  guint32 n = self->content->metainfo->layout->n_pieces;
  g_autofree char *none = g_strnfill (n, 'M');
  g_autofree char *c = g_build_filename (self->data, "torrent/c", NULL);

  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  disk_expect_check (self, none);
  content_write (self->content, self->data);
  disk_expect_all_right (self);
  g_assert_cmpint (g_unlink (c), ==, 0);
  for (guint32 i = 4; i < 9; i++)
    none[i] = 'M';
  for (guint32 i = 0; i < n; i++)
    none[i] = i < 3 || i > 9 ? 'R' : 'M';
  disk_expect_check (self, none);
}

static void
test_stale (DiskFixture  *self,
            gconstpointer data)
{
  g_autofree char *c = g_build_filename (self->data, "torrent/c", NULL);
  ShoalDiskJob *job;
  struct stat info;
  gint64 newest = 0;

  content_write (self->content, self->data);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *path = g_build_filename (self->data, self->content->metainfo->files[i].path,
                                                NULL);

      g_assert_cmpint (g_stat (path, &info), ==, 0);
      newest = MAX (newest,
                    info.st_mtim.tv_sec * G_GINT64_CONSTANT (1000000000) + info.st_mtim.tv_nsec);
    }
  job = disk_open_job (self, TRUE, NULL);
  job->had = NULL;
  job->all_had = TRUE;
  disk_run (self, job);
  g_assert_false (job->stale);
  g_assert_cmpint (job->stamp, ==, newest);
  shoal_disk_job_free (job);
  disk_expect_reads (self);
  disk_run_free (self, shoal_disk_job_new (SHOAL_DISK_CLOSE, TORRENT), SHOAL_REASON_NONE);

  g_assert_cmpint (truncate (c, 199999), ==, 0);
  job = disk_open_job (self, TRUE, NULL);
  job->had = NULL;
  job->all_had = TRUE;
  disk_run (self, job);
  g_assert_true (job->stale);
  shoal_disk_job_free (job);

  /* The end of c is short: its block cannot be read. */
  disk_run_free (self, disk_read_job (9, 0, 16384, TRUE), SHOAL_REASON_DATA_MISSING);

  g_assert_cmpint (g_unlink (c), ==, 0);
  job = disk_open_job (self, TRUE, NULL);
  shoal_bitfield_set (self->had, 5);
  disk_run (self, job);
  g_assert_true (job->stale);
  shoal_disk_job_free (job);
  disk_run_free (self, disk_read_job (5, 0, 16384, TRUE), SHOAL_REASON_DATA_MISSING);
}

static void
test_folder_gone (DiskFixture  *self,
                  gconstpointer data)
{
  ShoalDiskJob *job;

  g_assert_cmpint (g_rmdir (self->data), ==, 0);
  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_FOLDER_GONE);
  disk_run_free (self, disk_piece_job (self, SHOAL_DISK_PIECE, 0, 32768), SHOAL_REASON_FOLDER_GONE);
  g_assert_false (g_file_test (self->data, G_FILE_TEST_EXISTS));

  /* The cause is gone. */
  g_assert_cmpint (g_mkdir (self->data, 0755), ==, 0);
  job = disk_open_job (self, TRUE, NULL);
  disk_run (self, job);
  disk_expect_reason (job, SHOAL_REASON_NONE);
  shoal_disk_job_free (job);
  disk_run_free (self, disk_piece_job (self, SHOAL_DISK_PIECE, 0, 32768), SHOAL_REASON_NONE);

  disk_run_free (self, shoal_disk_job_new (SHOAL_DISK_FINISH, 99), SHOAL_REASON_IO);
}

static void
test_symlink_in_the_way (DiskFixture  *self,
                         gconstpointer data)
{
  g_autofree char *outside = g_build_filename (self->dir, "outside", NULL);
  g_autofree char *folder = g_build_filename (self->data, "torrent", NULL);

  g_assert_cmpint (g_mkdir (outside, 0755), ==, 0);
  g_assert_cmpint (symlink (outside, folder), ==, 0);
  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  disk_run_free (self, disk_piece_job (self, SHOAL_DISK_PIECE, 0, 32768), SHOAL_REASON_IO);
  g_assert_cmpint (g_rmdir (outside), ==, 0);   /* empty */
}

/* Parts of unwanted files are kept aside, and are there when they are wanted after all. */
static void
test_unwanted (DiskFixture  *self,
               gconstpointer data)
{
  const guint8 some[] = { 2, 0, 2, 0, 2 };
  const guint8 all[] = { 2, 2, 2, 2, 2 };
  g_autofree char *edges = g_build_filename (self->dir, "state", "7.edges", NULL);
  ShoalDiskJob *job;

  disk_run_free (self, disk_open_job (self, TRUE, some), SHOAL_REASON_NONE);
  disk_write_pieces (self, 0, 4);      /* a/one, a/two, the beginning of c */
  disk_write_pieces (self, 9, 12);     /* the end of c, d */
  disk_finish (self, some, SHOAL_REASON_NONE);
  g_assert_true (content_is_in (self->content, self->data, 0));
  g_assert_true (content_is_in (self->content, self->data, 4));
  g_assert_false (disk_exists (self, "torrent/a/two"));
  g_assert_false (disk_exists (self, "torrent/a/two.part"));
  g_assert_false (disk_exists (self, "torrent/c"));
  g_assert_false (disk_exists (self, "torrent/c.part"));
  g_assert_true (g_file_test (edges, G_FILE_TEST_EXISTS));
  disk_expect_check (self, "RRRRMMMMMRRR");
  disk_run_free (self, shoal_disk_job_new (SHOAL_DISK_CLOSE, TORRENT), SHOAL_REASON_NONE);

  job = disk_open_job (self, TRUE, all);
  disk_run (self, job);
  disk_expect_reason (job, SHOAL_REASON_NONE);
  g_assert_false (job->stale);
  shoal_disk_job_free (job);
  disk_expect_check (self, "RRRRMMMMMRRR");
  disk_write_pieces (self, 4, 9);
  disk_expect_all_right (self);
  disk_finish (self, all, SHOAL_REASON_NONE);
  disk_expect_whole (self);
  disk_expect_reads (self);
  g_assert_false (g_file_test (edges, G_FILE_TEST_EXISTS));
}

static void
test_attributes (DiskFixture  *self,
                 gconstpointer data)
{
  static const ContentFile files[] = {
    { "a/deep/link", 0, SHOAL_FILE_SYMLINK, "a/file", FALSE },
    { "a/file", 10, 0, NULL, FALSE },
    { "link", 0, SHOAL_FILE_SYMLINK, "a/file", FALSE },
  };
  g_autofree char *deep = g_build_filename (self->data, "torrent/a/deep/link", NULL);
  g_autofree char *top = g_build_filename (self->data, "torrent/link", NULL);
  g_autofree char *deep_target = NULL;
  g_autofree char *top_target = NULL;

  content_free (self->content);
  self->content = content_new ("torrent", SHOAL_TORRENT_V1, 32768, files, 3, 9);
  shoal_bitfield_free (self->had);
  self->had = shoal_bitfield_new (1);
  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  disk_write_pieces (self, 0, 1);
  disk_finish (self, NULL, SHOAL_REASON_NONE);
  deep_target = g_file_read_link (deep, NULL);
  top_target = g_file_read_link (top, NULL);
  g_assert_cmpstr (deep_target, ==, "../file");
  g_assert_cmpstr (top_target, ==, "a/file");
  disk_finish (self, NULL, SHOAL_REASON_NONE);
}

static void
test_remove (DiskFixture  *self,
             gconstpointer data)
{
  g_autofree char *mine = g_build_filename (self->data, "torrent/a/mine", NULL);
  ShoalDiskJob *job;

  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  disk_write_pieces (self, 0, 5);
  disk_finish (self, NULL, SHOAL_REASON_NONE);
  g_assert_true (g_file_set_contents (mine, "x", 1, NULL));

  job = shoal_disk_job_new (SHOAL_DISK_REMOVE, TORRENT);
  job->remove = SHOAL_REMOVE_DELETE_DATA;
  disk_run_free (self, job, SHOAL_REASON_NONE);
  g_assert_true (disk_exists (self, "torrent/a/mine"));
  g_assert_false (disk_exists (self, "torrent/a/one"));
  g_assert_false (disk_exists (self, "torrent/c.part"));

  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  g_assert_cmpint (g_unlink (mine), ==, 0);
  job = shoal_disk_job_new (SHOAL_DISK_REMOVE, TORRENT);
  job->remove = SHOAL_REMOVE_DELETE_DATA;
  disk_run_free (self, job, SHOAL_REASON_NONE);
  g_assert_false (disk_exists (self, "torrent"));
}

/* A torrent at rest is removed by what its record says. */
static void
test_remove_at_rest (DiskFixture  *self,
                     gconstpointer data)
{
  ShoalResume *record = shoal_resume_new (TORRENT);
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_LOAD, TORRENT);

  disk_run_free (self, job, SHOAL_REASON_BAD_METADATA);
  content_write (self->content, self->data);
  record->metainfo = g_bytes_ref (self->content->torrent);
  record->has_metainfo = TRUE;
  record->complete = TRUE;
  record->dir = g_strdup (self->data);
  shoal_resume_store_save (self->store, record);

  job = shoal_disk_job_new (SHOAL_DISK_LOAD, TORRENT);
  disk_run (self, job);
  disk_expect_reason (job, SHOAL_REASON_NONE);
  g_assert_cmpuint (job->metainfo->layout->n_pieces, ==, self->content->metainfo->layout->n_pieces);
  shoal_disk_job_free (job);

  job = shoal_disk_job_new (SHOAL_DISK_REMOVE, TORRENT);
  job->remove = SHOAL_REMOVE_DELETE_DATA;
  disk_run_free (self, job, SHOAL_REASON_NONE);
  g_assert_false (disk_exists (self, "torrent"));
  g_assert_null (shoal_resume_store_record (self->store, TORRENT));
}

static void
test_remove_keep (DiskFixture  *self,
                  gconstpointer data)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_REMOVE, TORRENT);

  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  disk_write_pieces (self, 0, self->content->metainfo->layout->n_pieces);
  disk_finish (self, NULL, SHOAL_REASON_NONE);
  disk_run_free (self, job, SHOAL_REASON_NONE);
  disk_expect_whole (self);
}

static guint
count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;

  return n;
}

/* However many torrents are in use, descriptors are bounded; at rest they cost none. */
static void
test_descriptors (DiskFixture  *self,
                  gconstpointer data)
{
  guint before;

  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  disk_write_pieces (self, 0, self->content->metainfo->layout->n_pieces);
  disk_finish (self, NULL, SHOAL_REASON_NONE);
  disk_run_free (self, shoal_disk_job_new (SHOAL_DISK_CLOSE, TORRENT), SHOAL_REASON_NONE);
  before = count_fds ();

  for (guint64 id = 100; id < 200; id++)
    {
      ShoalDiskJob *job = disk_open_job (self, TRUE, NULL);

      job->torrent = id;
      disk_run_free (self, job, SHOAL_REASON_NONE);
    }
  g_assert_cmpuint (count_fds (), <=, before);
  for (guint64 id = 100; id < 200; id++)
    {
      for (guint32 piece = 0; piece < 12; piece++)
        {
          ShoalDiskJob *job = disk_read_job (piece, 0, 100, TRUE);

          job->torrent = id;
          disk_run_free (self, job, SHOAL_REASON_NONE);
        }
    }
  g_assert_cmpuint (count_fds (), <=, before + 128);
  for (guint64 id = 100; id < 200; id++)
    disk_run_free (self, shoal_disk_job_new (SHOAL_DISK_CLOSE, id), SHOAL_REASON_NONE);
  g_assert_cmpuint (count_fds (), ==, before);
}

/* Once it was read, it is answered at once; a reference outlives the torrent. */
static void
test_hot (DiskFixture  *self,
          gconstpointer data)
{
  ShoalDiskJob *job;
  guint8 byte;

  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  disk_write_pieces (self, 0, self->content->metainfo->layout->n_pieces);
  job = disk_read_job (0, 0, 16384, TRUE);
  g_assert_true (shoal_disk_submit (self->disk, job));
  g_assert_nonnull (job->file);
  g_assert_cmpuint (job->file_offset, ==, 0);
  disk_run_free (self, shoal_disk_job_new (SHOAL_DISK_CLOSE, TORRENT), SHOAL_REASON_NONE);
  g_assert_cmpint (pread (job->file->fd, &byte, 1, 0), ==, 1);
  shoal_disk_job_free (job);

  /* Nothing is open now. */
  disk_run_free (self, disk_read_job (0, 0, 16384, TRUE), SHOAL_REASON_IO);
}

static void
test_bad_requests (DiskFixture  *self,
                   gconstpointer data)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_CHECK, TORRENT);

  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  disk_run_free (self, disk_read_job (99, 0, 16384, TRUE), SHOAL_REASON_IO);
  disk_run_free (self, disk_read_job (0, 32768, 1, TRUE), SHOAL_REASON_IO);
  job->piece = 5;
  job->n_pieces = 99;
  disk_run_free (self, job, SHOAL_REASON_IO);
}

/* A full disk is said in words, others go on, and when there is room so does this one. */
static void
test_disk_full (void)
{
  g_autofree char *small = NULL;
  g_autofree char *ballast = NULL;
  g_autofree char *zeros = g_malloc0 (500000);
  DiskFixture self = { 0 };

  if (!shoal_test_may_mount ())
    return;
  small = shoal_test_temp_dir ();
  shoal_test_mount (small, FALSE, "size=600k");
  /* The threads that are made now see the mount. */
  disk_set_up (&self, NULL);
  g_free (self.data);
  self.data = g_strdup (small);
  ballast = g_build_filename (small, "ballast", NULL);
  g_assert_true (g_file_set_contents (ballast, zeros, 450000, NULL));

  disk_run_free (&self, disk_open_job (&self, TRUE, NULL), SHOAL_REASON_NONE);
  disk_run_free (&self, disk_piece_job (&self, SHOAL_DISK_PIECE, 0, 32768), SHOAL_REASON_NONE);
  disk_run_free (&self, disk_piece_job (&self, SHOAL_DISK_PIECE, 6, 32768), SHOAL_REASON_DISK_FULL);
  g_assert_false (disk_exists (&self, "torrent/c.part"));

  /* It fills while a file grows. */
  disk_run_free (&self, disk_piece_job (&self, SHOAL_DISK_PIECE, 11, 32768), SHOAL_REASON_NONE);
  g_assert_cmpint (g_unlink (ballast), ==, 0);
  disk_run_free (&self, disk_piece_job (&self, SHOAL_DISK_PIECE, 6, 32768), SHOAL_REASON_NONE);
  g_file_set_contents (ballast, zeros, 500000, NULL);
  for (guint32 i = 4; i < 9; i++)
    {
      ShoalDiskJob *job = disk_piece_job (&self, SHOAL_DISK_PIECE, i, 32768);

      disk_run (&self, job);
      g_assert_true (job->reason == SHOAL_REASON_NONE || job->reason == SHOAL_REASON_DISK_FULL);
      shoal_disk_job_free (job);
    }
  g_unlink (ballast);
  disk_write_pieces (&self, 0, 12);
  disk_finish (&self, NULL, SHOAL_REASON_NONE);
  disk_expect_whole (&self);

  disk_tear_down (&self, NULL);
  g_assert_cmpint (umount2 (small, MNT_DETACH), ==, 0);
  g_assert_cmpint (g_rmdir (small), ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/io/disk/" name, DiskFixture, NULL, disk_set_up, func, disk_tear_down)
  ADD ("check-again", test_check_again);
  ADD ("stale", test_stale);
  ADD ("folder-gone", test_folder_gone);
  ADD ("symlink-in-the-way", test_symlink_in_the_way);
  ADD ("unwanted", test_unwanted);
  ADD ("attributes", test_attributes);
  ADD ("remove", test_remove);
  ADD ("remove-at-rest", test_remove_at_rest);
  ADD ("remove-keep", test_remove_keep);
  ADD ("descriptors", test_descriptors);
  ADD ("hot", test_hot);
  ADD ("bad-requests", test_bad_requests);
  g_test_add_func ("/io/disk/full", test_disk_full);

  return g_test_run ();
}
