/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies of files that another torrent has: in steps, never over something, gone again if wrong. */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "content.h"
#include "own-network.h"
#include "shoal-storage.h"
#include "shoal-test.h"

#define MIB        (1024u * 1024)
#define LARGE_SIZE (17 * MIB + 5)   /* bytes: more than a step */

/* The same bytes under other names, in pieces of another size. */
static const ContentFile our_files[] = { { "large", LARGE_SIZE }, { "small", 70000 } };
static const ContentFile their_files[] = { { "one", LARGE_SIZE }, { "two", 70000 } };

typedef struct
{
  char           *source_dir;
  char           *dir;
  Content        *ours;
  Content        *theirs;
  ShoalFileCache *cache;
  ShoalStorage   *storage;
  ShoalHasher    *hasher;
} Fixture;

static void
set_up (Fixture      *self,
        gconstpointer versions)
{
  guint wanted = versions != NULL ? GPOINTER_TO_UINT (versions) : SHOAL_TORRENT_V1;

  self->source_dir = shoal_test_temp_dir ();
  self->dir = shoal_test_temp_dir ();
  self->ours = content_new ("ours", wanted, 65536, our_files, G_N_ELEMENTS (our_files), 3);
  self->theirs = content_new ("theirs", SHOAL_TORRENT_V1, 16384, their_files,
                              G_N_ELEMENTS (their_files), 3);
  content_write (self->theirs, self->source_dir);
  self->cache = shoal_file_cache_new (4);
  self->storage = shoal_storage_new (self->cache, self->ours->metainfo, self->dir, TRUE, NULL,
                                     NULL);
  self->hasher = shoal_hasher_new ();
}

static void
tear_down (Fixture      *self,
           gconstpointer versions)
{
  shoal_storage_unref (self->storage);
  shoal_file_cache_free (self->cache);
  shoal_hasher_free (self->hasher);
  content_free (self->ours);
  content_free (self->theirs);
  shoal_test_remove_temp_dir (self->source_dir);
  shoal_test_remove_temp_dir (self->dir);
  g_free (self->source_dir);
  g_free (self->dir);
}

static void
open_storage (Fixture *self)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_OPEN, 1);

  shoal_storage_open (self->storage, job);
  g_assert_cmpint (job->reason, ==, SHOAL_REASON_NONE);
  shoal_disk_job_free (job);
}

/* One step; how far it came. @reason: what it fails with */
static guint64
take (Fixture    *self,
      guint32     file,
      guint64     taken,
      const char *path,
      ShoalReason reason)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_TAKE, 1);

  job->index = file;
  job->taken = taken;
  job->source_dir = g_strdup (self->source_dir);
  job->source_path = g_strdup (path);
  shoal_storage_take (self->storage, self->hasher, job);
  g_assert_cmpint (job->reason, ==, reason);
  g_assert_cmpint (reason != SHOAL_REASON_NONE, ==, job->detail != NULL);
  if (reason == SHOAL_REASON_DISK_FULL)
    g_test_message ("%s", job->detail);
  taken = job->taken;
  shoal_disk_job_free (job);

  return taken;
}

static void
take_all (Fixture    *self,
          guint32     file,
          const char *path)
{
  guint64 size = our_files[file].size;
  guint64 taken = take (self, file, 0, path, SHOAL_REASON_NONE);

  while (taken < size)
    {
      guint64 before = taken;

      taken = take (self, file, taken, path, SHOAL_REASON_NONE);
      g_assert_cmpuint (taken, >, before);
    }
  g_assert_cmpuint (taken, ==, size);
}

static guint
count_right (Fixture       *self,
             ShoalBitfield *had)
{
  guint n = 0;

  for (guint32 piece = 0; piece < self->ours->metainfo->layout->n_pieces; piece++)
    {
      g_autofree char *detail = NULL;
      gboolean differ = FALSE;
      ShoalReason reason;
      guint8 verdict;

      g_assert_true (shoal_storage_check (self->storage, self->hasher, piece, 1, FALSE, &verdict,
                                          &differ, &reason, &detail));
      if (verdict == SHOAL_PIECE_RIGHT)
        {
          shoal_bitfield_set (had, piece);
          n++;
        }
    }

  return n;
}

static void
drop (Fixture       *self,
      ShoalBitfield *had)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_DROP, 1);

  job->had = had;
  shoal_storage_drop (self->storage, job);
  g_assert_cmpint (job->reason, ==, SHOAL_REASON_NONE);
  shoal_disk_job_free (job);
}

static gboolean
is_there (Fixture    *self,
          const char *path)
{
  g_autofree char *full = g_build_filename (self->dir, path, NULL);

  return g_file_test (full, G_FILE_TEST_EXISTS);
}

static char *
source_path (Fixture    *self,
             const char *path)
{
  return g_build_filename (self->source_dir, path, NULL);
}

static void
test_whole (Fixture      *self,
            gconstpointer versions)
{
  guint32 n = self->ours->metainfo->layout->n_pieces;
  g_autoptr(ShoalBitfield) had = shoal_bitfield_new (n);
  g_autofree char *one = source_path (self, "theirs/one");
  guint32 small = self->ours->metainfo->layout->n_files - 1;
  struct stat before, after;

  while (self->ours->metainfo->layout->file_pad[small] != 0)
    small--;
  g_assert_cmpint (g_stat (one, &before), ==, 0);
  open_storage (self);
  take_all (self, 0, "theirs/one");
  g_assert_true (is_there (self, "ours/large.part"));
  g_assert_false (is_there (self, "ours/large"));
  g_assert_cmpuint (take (self, small, 0, "theirs/two", SHOAL_REASON_NONE), ==, 70000);
  g_assert_cmpuint (count_right (self, had), ==, n);
  drop (self, had);
  g_assert_true (is_there (self, "ours/large.part"));
  g_assert_true (is_there (self, "ours/small.part"));

  /* Once judged, a copy is the torrent's own. */
  shoal_bitfield_clear_all (had);
  drop (self, had);
  g_assert_true (is_there (self, "ours/large.part"));
  g_assert_cmpint (g_stat (one, &after), ==, 0);
  g_assert_cmpint (before.st_mtim.tv_nsec, ==, after.st_mtim.tv_nsec);
  g_assert_true (content_is_in (self->theirs, self->source_dir, 0));
}

static void
test_refused (Fixture      *self,
              gconstpointer versions)
{
  g_autofree char *one = source_path (self, "theirs/one");
  g_autofree char *two = source_path (self, "theirs/two");
  g_autofree char *link = source_path (self, "theirs/link");
  g_autofree char *pipe = source_path (self, "theirs/pipe");
  int fd;

  open_storage (self);
  g_assert_cmpuint (take (self, 0, 0, "theirs/none", SHOAL_REASON_NONE), ==, 0);
  g_assert_cmpuint (take (self, 0, 0, "none/one", SHOAL_REASON_NONE), ==, 0);
  g_assert_cmpuint (take (self, 0, 0, "theirs/two", SHOAL_REASON_NONE), ==, 0);
  g_assert_cmpuint (take (self, 0, 0, "theirs", SHOAL_REASON_NONE), ==, 0);
  g_assert_cmpuint (take (self, 0, 0, "../one", SHOAL_REASON_NONE), ==, 0);
  g_assert_cmpint (symlink (one, link), ==, 0);
  g_assert_cmpuint (take (self, 0, 0, "theirs/link", SHOAL_REASON_NONE), ==, 0);
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  g_assert_cmpuint (take (self, 0, 0, "theirs/pipe", SHOAL_REASON_NONE), ==, 0);

  /* It begins with something else: one piece was read, nothing was made. */
  fd = g_open (one, O_WRONLY, 0);
  g_assert_cmpint (pwrite (fd, "other", 5, 60000), ==, 5);
  close (fd);
  g_assert_cmpuint (take (self, 0, 0, "theirs/one", SHOAL_REASON_NONE), ==, 0);
  g_assert_false (is_there (self, "ours"));
}

/* What is there under the name stays as it is; a part of it too, and the copy goes on behind it. */
static void
test_in_the_way (Fixture      *self,
                 gconstpointer versions)
{
  g_autofree char *folder = g_build_filename (self->dir, "ours", NULL);
  g_autofree char *large = g_build_filename (folder, "large", NULL);
  g_autofree char *small = g_build_filename (folder, "small.part", NULL);
  g_autofree char *text = NULL;
  gsize size;
  g_autoptr(ShoalBitfield) none = shoal_bitfield_new (self->ours->metainfo->layout->n_pieces);

  g_assert_cmpint (g_mkdir (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (large, "mine", -1, NULL));
  g_assert_true (g_file_set_contents (small, "begun", -1, NULL));
  open_storage (self);
  g_assert_cmpuint (take (self, 0, 0, "theirs/one", SHOAL_REASON_NONE), ==, 0);
  g_assert_cmpuint (take (self, 1, 0, "theirs/two", SHOAL_REASON_NONE), ==, 70000);
  g_assert_cmpuint (take (self, 1, 0, "theirs/two", SHOAL_REASON_NONE), ==, 0);
  drop (self, none);
  g_assert_true (g_file_get_contents (large, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "mine");
  g_clear_pointer (&text, g_free);
  g_assert_true (g_file_get_contents (small, &text, &size, NULL));
  g_assert_cmpuint (size, ==, 70000);
  g_assert_cmpmem (text, 5, "begun", 5);
  g_assert_cmpmem (text + 5, size - 5, self->theirs->truth + LARGE_SIZE + 5, size - 5);
  g_assert_false (is_there (self, "ours/large.part"));
}

/* Cut off, then gone, between two steps: what came is kept, if it is right. */
static void
test_source_vanishes (Fixture      *self,
                      gconstpointer versions)
{
  g_autoptr(ShoalBitfield) had = shoal_bitfield_new (self->ours->metainfo->layout->n_pieces);
  g_autofree char *one = source_path (self, "theirs/one");
  guint64 taken;

  open_storage (self);
  taken = take (self, 0, 0, "theirs/one", SHOAL_REASON_NONE);
  g_assert_cmpuint (taken, >, 0);
  g_assert_cmpint (truncate (one, (off_t) LARGE_SIZE - 1), ==, 0);
  if (taken < LARGE_SIZE)
    g_assert_cmpuint (take (self, 0, taken, "theirs/one", SHOAL_REASON_NONE), ==, taken);
  g_assert_cmpint (g_unlink (one), ==, 0);
  if (taken < LARGE_SIZE)
    g_assert_cmpuint (take (self, 0, taken, "theirs/one", SHOAL_REASON_NONE), ==, taken);
  g_assert_cmpuint (count_right (self, had), ==, taken / 65536);
  drop (self, had);
  g_assert_true (is_there (self, "ours/large.part"));
}

/* A copy that was broken off is like any download: nothing of it is believed. It goes on there. */
static void
test_interrupted (Fixture      *self,
                  gconstpointer versions)
{
  guint32 n = self->ours->metainfo->layout->n_pieces;
  g_autoptr(ShoalBitfield) had = shoal_bitfield_new (n);
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_OPEN, 1);
  guint64 taken;

  open_storage (self);
  taken = take (self, 0, 0, "theirs/one", SHOAL_REASON_NONE);
  shoal_storage_unref (self->storage);
  self->storage = shoal_storage_new (self->cache, self->ours->metainfo, self->dir, TRUE, NULL,
                                     NULL);
  shoal_storage_open (self->storage, job);
  g_assert_true (job->found);
  g_assert_cmpuint (job->n_journal, ==, 0);
  shoal_disk_job_free (job);
  g_assert_cmpuint (count_right (self, had), ==, taken / 65536);
  if (taken < LARGE_SIZE)
    take_all (self, 0, "theirs/one");
  take_all (self, 1, "theirs/two");
  g_assert_cmpuint (count_right (self, had), ==, n);

  /* It was there before: nothing deletes it. */
  shoal_bitfield_clear_all (had);
  drop (self, had);
  g_assert_true (is_there (self, "ours/large.part"));
  g_assert_false (is_there (self, "ours/small.part"));
}

/* A copy with no right piece goes, and the file can be made anew. */
static void
test_dropped (Fixture      *self,
              gconstpointer versions)
{
  g_autoptr(ShoalBitfield) none = shoal_bitfield_new (self->ours->metainfo->layout->n_pieces);

  open_storage (self);
  take_all (self, 0, "theirs/one");
  drop (self, none);
  g_assert_false (is_there (self, "ours/large.part"));
  take_all (self, 0, "theirs/one");
  g_assert_true (is_there (self, "ours/large.part"));
}

/* Room there was at first is gone at the second step. */
static void
test_disk_full (void)
{
  g_autofree guint8 *filler = g_malloc0 (8 * MIB);
  g_autofree char *path = NULL;
  Fixture self = { 0 };
  int fd;

  if (!shoal_test_may_mount ())
    return;
  set_up (&self, NULL);
  shoal_test_mount (self.dir, FALSE, "size=2m");
  open_storage (&self);
  g_assert_cmpuint (take (&self, 0, 0, "theirs/one", SHOAL_REASON_DISK_FULL), ==, 0);
  g_assert_false (is_there (&self, "ours/large.part"));
  g_assert_cmpint (umount2 (self.dir, MNT_DETACH), ==, 0);

  shoal_test_mount (self.dir, FALSE, "size=18m");
  open_storage (&self);
  g_assert_cmpuint (take (&self, 0, 0, "theirs/one", SHOAL_REASON_NONE), ==, 16 * MIB);
  path = g_build_filename (self.dir, "filler", NULL);
  fd = g_open (path, O_WRONLY | O_CREAT, 0600);
  g_assert_cmpint (write (fd, filler, 8 * MIB), <, (gssize) (8 * MIB));
  close (fd);
  g_assert_cmpuint (take (&self, 0, 16 * MIB, "theirs/one", SHOAL_REASON_DISK_FULL), ==, 16 * MIB);
  shoal_storage_check_begin (self.storage);
  g_assert_cmpint (umount2 (self.dir, MNT_DETACH), ==, 0);
  tear_down (&self, NULL);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/io/storage-take/" name, Fixture, NULL, set_up, func, tear_down)
#define ADD_OF(name, versions) \
  g_test_add ("/io/storage-take/whole/" name, Fixture, GUINT_TO_POINTER (versions), set_up, \
              test_whole, tear_down)
  ADD_OF ("v1", SHOAL_TORRENT_V1);
  ADD_OF ("v2", SHOAL_TORRENT_V2);
  ADD_OF ("hybrid", SHOAL_TORRENT_HYBRID);
  ADD ("refused", test_refused);
  ADD ("in-the-way", test_in_the_way);
  ADD ("source-vanishes", test_source_vanishes);
  ADD ("dropped", test_dropped);
  ADD ("interrupted", test_interrupted);
  g_test_add_func ("/io/storage-take/disk-full", test_disk_full);

  return g_test_run ();
}
