/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk with a made-up torrent in a temporary folder, and what every test does with it. */

#include "disk-fixture.h"

#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "shoal-test.h"

static const ContentFile plain_files[] = {
  { "a/one", 100000, 0, NULL, FALSE },
  { "a/two", 3, SHOAL_FILE_EXECUTABLE, NULL, FALSE },
  { "b", 0, 0, NULL, FALSE },
  { "c", 200000, 0, NULL, FALSE },
  { "d", 70000, 0, NULL, FALSE },
};

static void
ring (gpointer data)
{
  DiskFixture *self = data;

  pthread_mutex_lock (&self->lock);
  self->ringing = TRUE;
  pthread_cond_signal (&self->rung);
  pthread_mutex_unlock (&self->lock);
}

void
disk_set_up (DiskFixture  *self,
             gconstpointer data)
{
  ShoalTorrentVersions versions = data != NULL ? GPOINTER_TO_UINT (data) : SHOAL_TORRENT_V1;
  g_autofree char *state = NULL;
  g_autoptr (GError) error = NULL;

  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->rung, NULL);
  self->dir = shoal_test_temp_dir ();
  self->data = g_build_filename (self->dir, "data", NULL);
  state = g_build_filename (self->dir, "state", NULL);
  g_assert_cmpint (g_mkdir (self->data, 0755), ==, 0);
  self->store = shoal_resume_store_open (state, &error);
  g_assert_no_error (error);
  self->disk = shoal_disk_new (self->store, 3, ring, self);
  self->content = content_new ("torrent", versions, 32768, plain_files, G_N_ELEMENTS (plain_files),
                               1);
  self->had = shoal_bitfield_new (self->content->metainfo->layout->n_pieces);
}

void
disk_tear_down (DiskFixture  *self,
                gconstpointer data)
{
  shoal_disk_free (self->disk);
  shoal_resume_store_close (self->store);
  content_free (self->content);
  shoal_bitfield_free (self->had);
  shoal_test_remove_temp_dir (self->dir);
  pthread_mutex_destroy (&self->lock);
  pthread_cond_destroy (&self->rung);
  g_free (self->dir);
  g_free (self->data);
}

/* Waits until the disk says that something is done. */
ShoalDone *
disk_wait_done (DiskFixture *self)
{
  pthread_mutex_lock (&self->lock);
  while (!self->ringing)
    pthread_cond_wait (&self->rung, &self->lock);
  self->ringing = FALSE;
  pthread_mutex_unlock (&self->lock);

  return shoal_disk_collect (self->disk);
}

/* Does one job and nothing else. */
void
disk_run (DiskFixture  *self,
          ShoalDiskJob *job)
{
  ShoalDone *done;

  if (shoal_disk_submit (self->disk, job))
    return;
  done = disk_wait_done (self);
  g_assert_true (done == &job->done);
  g_assert_null (done->next);
}

void
disk_expect_reason (ShoalDiskJob *job,
                    ShoalReason   reason)
{
  if (job->reason != reason)
    g_test_message ("detail: %s", job->detail);
  g_assert_cmpint (job->reason, ==, reason);
  if (reason != SHOAL_REASON_NONE)
    g_assert_nonnull (job->detail);
}

void
disk_run_free (DiskFixture  *self,
               ShoalDiskJob *job,
               ShoalReason   reason)
{
  disk_run (self, job);
  disk_expect_reason (job, reason);
  shoal_disk_job_free (job);
}

ShoalDiskJob *
disk_open_job (DiskFixture  *self,
               gboolean      part,
               const guint8 *priorities)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_OPEN, TORRENT);

  job->metainfo = self->content->metainfo;
  job->dir = self->data;
  job->part_suffix = part;
  job->had = self->had;
  job->priorities = priorities != NULL
                      ? g_memdup2 (priorities, self->content->metainfo->layout->n_files)
                      : NULL;

  return job;
}

/* A piece in runs of @run_size. */
ShoalDiskJob *
disk_piece_job (DiskFixture    *self,
                ShoalDiskOp op,
                guint32     piece,
                guint32     run_size)
{
  ShoalDiskJob *job = shoal_disk_job_new (op, TORRENT);
  guint32 size = shoal_layout_piece_size (self->content->metainfo->layout, piece);

  job->piece = piece;
  job->n_runs = (size + run_size - 1) / run_size;
  job->runs = g_new0 (ShoalRun, job->n_runs);
  for (guint i = 0; i < job->n_runs; i++)
    job->runs[i] = (ShoalRun){ (guint8 *) content_piece (self->content, piece) + i * run_size,
                               i * run_size, MIN (run_size, size - i * run_size) };

  return job;
}

void
disk_write_pieces (DiskFixture *self,
                   guint32  first,
                   guint32  end)
{
  guint n = 0;

  for (guint32 i = first; i < end; i++)
    {
      g_assert_false (shoal_disk_submit (self->disk, disk_piece_job (self, SHOAL_DISK_PIECE, i,
                                                                     10000)));
      shoal_bitfield_set (self->had, i);
    }
  while (n < end - first)
    {
      for (ShoalDone *done = disk_wait_done (self), *next; done != NULL; done = next)
        {
          ShoalDiskJob *job = (ShoalDiskJob *) done;

          next = done->next;
          disk_expect_reason (job, SHOAL_REASON_NONE);
          g_assert_false (job->hash_wrong);
          shoal_disk_job_free (job);
          n++;
        }
    }
}

void
disk_finish (DiskFixture  *self,
             const guint8 *priorities,
             ShoalReason   reason)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_FINISH, TORRENT);

  job->had = self->had;
  job->priorities = priorities != NULL
                      ? g_memdup2 (priorities, self->content->metainfo->layout->n_files)
                      : NULL;
  disk_run (self, job);
  disk_expect_reason (job, reason);
  if (reason == SHOAL_REASON_NONE)
    g_assert_cmpint (job->stamp, !=, 0);
  shoal_disk_job_free (job);
}

gboolean
disk_exists (DiskFixture    *self,
             const char *path)
{
  g_autofree char *full = g_build_filename (self->data, path, NULL);

  return g_file_test (full, G_FILE_TEST_EXISTS) || g_file_test (full, G_FILE_TEST_IS_SYMLINK);
}

/* "RRMW…": verdicts of all pieces. */
char *
disk_check (DiskFixture *self)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_CHECK, TORRENT);
  GString *text = g_string_new (NULL);

  job->n_pieces = self->content->metainfo->layout->n_pieces;
  disk_run (self, job);
  disk_expect_reason (job, SHOAL_REASON_NONE);
  for (guint i = 0; i < job->n_pieces; i++)
    g_string_append_c (text, "MWR"[job->verdicts[i]]);
  shoal_disk_job_free (job);

  return g_string_free (text, FALSE);
}

void
disk_expect_check (DiskFixture    *self,
                   const char *wanted)
{
  g_autofree char *verdicts = disk_check (self);

  g_assert_cmpstr (verdicts, ==, wanted);
}

void
disk_expect_all_right (DiskFixture *self)
{
  g_autofree char *wanted = g_strnfill (self->content->metainfo->layout->n_pieces, 'R');

  disk_expect_check (self, wanted);
}

ShoalDiskJob *
disk_read_job (guint32  piece,
               guint32  offset,
               guint32  size,
               gboolean allow_file)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_READ, TORRENT);

  job->piece = piece;
  job->offset = offset;
  job->size = size;
  job->allow_file = allow_file;

  return job;
}

/* Every block, as file and as bytes. */
void
disk_expect_reads (DiskFixture *self)
{
  const ShoalLayout *layout = self->content->metainfo->layout;
  guint n_files = 0;

  for (guint32 piece = 0; piece < layout->n_pieces; piece++)
    {
      for (guint32 block = 0; block < shoal_layout_n_blocks (layout, piece); block++)
        {
          for (gboolean file = FALSE; file <= TRUE; file++)
            {
              guint32 offset = block * SHOAL_BLOCK_SIZE;
              ShoalDiskJob *job =
                disk_read_job (piece, offset, shoal_layout_block_size (layout, piece, block), file);
              g_autofree guint8 *bytes = g_malloc (job->size);

              disk_run (self, job);
              disk_expect_reason (job, SHOAL_REASON_NONE);
              g_assert_true ((job->bytes != NULL) != (job->file != NULL));
              if (job->file != NULL)
                g_assert_cmpint (pread (job->file->fd, bytes, job->size, (off_t) job->file_offset),
                                 ==, job->size);
              else
                memcpy (bytes, job->bytes, job->size);
              n_files += job->file != NULL;
              g_assert_cmpmem (bytes, job->size, content_piece (self->content, piece) + offset,
                               job->size);
              shoal_disk_job_free (job);
            }
        }
    }
  g_test_message ("%u reads were answered with a file", n_files);
}

void
disk_expect_whole (DiskFixture *self)
{
  const ShoalMetainfo *metainfo = self->content->metainfo;

  for (guint32 i = 0; i < metainfo->layout->n_files; i++)
    {
      if (metainfo->layout->file_pad[i] == 0)
        g_assert_true (content_is_in (self->content, self->data, i));
      else
        g_assert_false (disk_exists (self, metainfo->files[i].path));
    }
}
