/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs end in order, files come out right, and what goes wrong is said. */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "content.h"
#include "shoal-disk.h"
#include "shoal-test.h"

#define TORRENT 7u

typedef struct
{
  pthread_mutex_t   lock;
  pthread_cond_t    rung;
  gboolean          ringing;
  gint              stop_syncing;
  char             *dir;
  char             *data;
  ShoalResumeStore *store;
  ShoalDisk        *disk;
  Content          *content;
  ShoalBitfield    *had;
} Fixture;

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
  Fixture *self = data;

  pthread_mutex_lock (&self->lock);
  self->ringing = TRUE;
  pthread_cond_signal (&self->rung);
  pthread_mutex_unlock (&self->lock);
}

static void
set_up (Fixture      *self,
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
  self->content = content_new ("torrent", versions, 32768, plain_files, G_N_ELEMENTS (plain_files), 1);
  self->had = shoal_bitfield_new (self->content->metainfo->layout->n_pieces);
}

static void
tear_down (Fixture      *self,
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
static ShoalDone *
wait_done (Fixture *self)
{
  pthread_mutex_lock (&self->lock);
  while (!self->ringing)
    pthread_cond_wait (&self->rung, &self->lock);
  self->ringing = FALSE;
  pthread_mutex_unlock (&self->lock);

  return shoal_disk_collect (self->disk);
}

/* Does one job and nothing else. */
static void
run (Fixture      *self,
     ShoalDiskJob *job)
{
  ShoalDone *done;

  if (shoal_disk_submit (self->disk, job))
    return;
  done = wait_done (self);
  g_assert_true (done == &job->done);
  g_assert_null (done->next);
}

static void
expect_reason (ShoalDiskJob *job,
               ShoalReason   reason)
{
  if (job->reason != reason)
    g_test_message ("detail: %s", job->detail);
  g_assert_cmpint (job->reason, ==, reason);
  if (reason != SHOAL_REASON_NONE)
    g_assert_nonnull (job->detail);
}

static void
run_free (Fixture      *self,
          ShoalDiskJob *job,
          ShoalReason   reason)
{
  run (self, job);
  expect_reason (job, reason);
  shoal_disk_job_free (job);
}

static ShoalDiskJob *
open_job (Fixture      *self,
          gboolean      part,
          const guint8 *priorities)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_OPEN, TORRENT);

  job->metainfo = self->content->metainfo;
  job->dir = self->data;
  job->part_suffix = part;
  job->had = self->had;
  job->priorities = priorities != NULL ? g_memdup2 (priorities, self->content->metainfo->layout->n_files) : NULL;

  return job;
}

/* A piece in runs of @run_size. */
static ShoalDiskJob *
piece_job (Fixture    *self,
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
    job->runs[i] = (ShoalRun){ (guint8 *) content_piece (self->content, piece) + i * run_size, i * run_size,
                               MIN (run_size, size - i * run_size) };

  return job;
}

static void
write_pieces (Fixture *self,
              guint32  first,
              guint32  end)
{
  guint n = 0;

  for (guint32 i = first; i < end; i++)
    {
      g_assert_false (shoal_disk_submit (self->disk, piece_job (self, SHOAL_DISK_PIECE, i, 10000)));
      shoal_bitfield_set (self->had, i);
    }
  while (n < end - first)
    {
      for (ShoalDone *done = wait_done (self), *next; done != NULL; done = next)
        {
          ShoalDiskJob *job = (ShoalDiskJob *) done;

          next = done->next;
          expect_reason (job, SHOAL_REASON_NONE);
          g_assert_false (job->hash_wrong);
          shoal_disk_job_free (job);
          n++;
        }
    }
}

static void
finish (Fixture      *self,
        const guint8 *priorities,
        ShoalReason   reason)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_FINISH, TORRENT);

  job->had = self->had;
  job->priorities = priorities != NULL ? g_memdup2 (priorities, self->content->metainfo->layout->n_files) : NULL;
  run (self, job);
  expect_reason (job, reason);
  if (reason == SHOAL_REASON_NONE)
    g_assert_cmpint (job->stamp, !=, 0);
  shoal_disk_job_free (job);
}

static gboolean
exists (Fixture    *self,
        const char *path)
{
  g_autofree char *full = g_build_filename (self->data, path, NULL);

  return g_file_test (full, G_FILE_TEST_EXISTS) || g_file_test (full, G_FILE_TEST_IS_SYMLINK);
}

/* "RRMW…": verdicts of all pieces. */
static char *
check (Fixture *self)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_CHECK, TORRENT);
  GString *text = g_string_new (NULL);

  job->n_pieces = self->content->metainfo->layout->n_pieces;
  run (self, job);
  expect_reason (job, SHOAL_REASON_NONE);
  for (guint i = 0; i < job->n_pieces; i++)
    g_string_append_c (text, "MWR"[job->verdicts[i]]);
  shoal_disk_job_free (job);

  return g_string_free (text, FALSE);
}

static void
expect_check (Fixture    *self,
              const char *wanted)
{
  g_autofree char *verdicts = check (self);

  g_assert_cmpstr (verdicts, ==, wanted);
}

static void
expect_all_right (Fixture *self)
{
  g_autofree char *wanted = g_strnfill (self->content->metainfo->layout->n_pieces, 'R');

  expect_check (self, wanted);
}

static ShoalDiskJob *
read_job (guint32  piece,
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
static void
expect_reads (Fixture *self)
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
              ShoalDiskJob *job = read_job (piece, offset, shoal_layout_block_size (layout, piece, block), file);
              g_autofree guint8 *bytes = g_malloc (job->size);

              run (self, job);
              expect_reason (job, SHOAL_REASON_NONE);
              g_assert_true ((job->bytes != NULL) != (job->file != NULL));
              if (job->file != NULL)
                g_assert_cmpint (pread (job->file->fd, bytes, job->size, (off_t) job->file_offset), ==, job->size);
              else
                memcpy (bytes, job->bytes, job->size);
              n_files += job->file != NULL;
              g_assert_cmpmem (bytes, job->size, content_piece (self->content, piece) + offset, job->size);
              shoal_disk_job_free (job);
            }
        }
    }
  g_test_message ("%u reads were answered with a file", n_files);
}

static void
expect_whole (Fixture *self)
{
  const ShoalMetainfo *metainfo = self->content->metainfo;

  for (guint32 i = 0; i < metainfo->layout->n_files; i++)
    {
      if (metainfo->layout->file_pad[i] == 0)
        g_assert_true (content_is_in (self->content, self->data, i));
      else
        g_assert_false (exists (self, metainfo->files[i].path));
    }
}

static void
test_download (Fixture      *self,
               gconstpointer data)
{
  guint32 n = self->content->metainfo->layout->n_pieces;
  ShoalDiskJob *job = open_job (self, TRUE, NULL);
  struct stat info;
  g_autofree char *executable = g_build_filename (self->data, "torrent/a/two", NULL);

  run (self, job);
  expect_reason (job, SHOAL_REASON_NONE);
  g_assert_false (job->found);
  g_assert_false (job->stale);
  g_assert_cmpint (job->stamp, ==, 0);
  g_assert_cmpuint (job->free_space, >, 0);
  shoal_disk_job_free (job);
  g_assert_false (exists (self, "torrent"));

  write_pieces (self, 0, n - 1);
  g_assert_true (exists (self, "torrent/c.part"));
  g_assert_false (exists (self, "torrent/c"));
  finish (self, NULL, SHOAL_REASON_NONE);
  g_assert_true (exists (self, "torrent/c"));
  g_assert_true (exists (self, "torrent/b"));
  g_assert_true (exists (self, "torrent/d.part"));

  write_pieces (self, n - 1, n);
  finish (self, NULL, SHOAL_REASON_NONE);
  expect_whole (self);
  g_assert_false (exists (self, "torrent/d.part"));
  g_assert_cmpint (g_stat (executable, &info), ==, 0);
  g_assert_true ((info.st_mode & 0100) != 0);
  expect_all_right (self);
  expect_reads (self);
}

static void
test_without_suffix (Fixture      *self,
                     gconstpointer data)
{
  guint32 n = self->content->metainfo->layout->n_pieces;

  run_free (self, open_job (self, FALSE, NULL), SHOAL_REASON_NONE);
  write_pieces (self, 0, n);
  finish (self, NULL, SHOAL_REASON_NONE);
  expect_whole (self);
}

static void
test_wrong_hash (Fixture      *self,
                 gconstpointer data)
{
  ShoalDiskJob *job = piece_job (self, SHOAL_DISK_PIECE, 0, 32768);
  g_autofree guint8 *wrong = g_memdup2 (job->runs[0].data, 32768);

  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  wrong[77] ^= 4;
  job->runs[0].data = wrong;
  run (self, job);
  expect_reason (job, SHOAL_REASON_NONE);
  g_assert_true (job->hash_wrong);
  shoal_disk_job_free (job);
  g_assert_false (exists (self, "torrent"));
}

/* A piece whose runs were written early is hashed by reading it back, after them. */
static void
test_spill (Fixture      *self,
            gconstpointer data)
{
  ShoalDiskJob *spill = piece_job (self, SHOAL_DISK_SPILL, 3, 16384);
  ShoalDiskJob *verdict = shoal_disk_job_new (SHOAL_DISK_CHECK, TORRENT);
  ShoalDiskJob *job;
  guint n = 0;

  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  verdict->piece = 3;
  verdict->n_pieces = 1;
  g_assert_false (shoal_disk_submit (self->disk, spill));
  g_assert_false (shoal_disk_submit (self->disk, verdict));
  shoal_disk_drain (self->disk);
  for (ShoalDone *done = wait_done (self); done != NULL; done = done->next)
    n++;
  g_assert_cmpuint (n, ==, 2);
  expect_reason (spill, SHOAL_REASON_NONE);
  expect_reason (verdict, SHOAL_REASON_NONE);
  g_assert_cmpint (verdict->verdicts[0], ==, SHOAL_PIECE_RIGHT);
  shoal_disk_job_free (spill);
  shoal_disk_job_free (verdict);
  self->ringing = FALSE;

  /* The journal knows it now. */
  job = open_job (self, TRUE, NULL);
  run (self, job);
  g_assert_cmpuint (job->n_journal, ==, 1);
  g_assert_cmpuint (job->journal[0], ==, 3);
  shoal_disk_job_free (job);
}

/* Many jobs at once: those of one piece and of the torrent as a whole end in the order in which they came. */
static void
test_order (Fixture      *self,
            gconstpointer data)
{
  guint32 n = self->content->metainfo->layout->n_pieces;
  g_autoptr (GPtrArray) jobs = g_ptr_array_new ();
  g_autoptr (GHashTable) last = g_hash_table_new (NULL, NULL);
  g_autofree guint8 *is_done = NULL;
  guint n_done = 0, opened = 0, checked = 0, latest = 0;

  g_ptr_array_add (jobs, open_job (self, TRUE, NULL));
  for (guint round = 0; round < 20; round++)
    {
      ShoalDiskJob *job;

      for (guint32 i = 0; i < n; i++)
        {
          g_ptr_array_add (jobs, piece_job (self, SHOAL_DISK_SPILL, i, 16384));
          g_ptr_array_add (jobs, piece_job (self, SHOAL_DISK_PIECE, i, 16384));
          g_ptr_array_add (jobs, read_job (i, 0, 3, FALSE));
        }
      job = shoal_disk_job_new (SHOAL_DISK_CHECK, TORRENT);
      job->n_pieces = n;
      g_ptr_array_add (jobs, job);
      g_ptr_array_add (jobs, shoal_disk_job_new (SHOAL_DISK_CLOSE, TORRENT));
      g_ptr_array_add (jobs, open_job (self, TRUE, NULL));
    }
  is_done = g_malloc0 (jobs->len + 1);
  for (guint i = 0; i < jobs->len; i++)
    {
      ((ShoalDiskJob *) jobs->pdata[i])->context = GUINT_TO_POINTER (i + 1);
      if (shoal_disk_submit (self->disk, jobs->pdata[i]))
        {
          shoal_disk_job_free (jobs->pdata[i]);   /* a read of a piece that is there: nothing has to wait for it */
          is_done[i + 1] = TRUE;
          n_done++;
        }
    }

  while (n_done < jobs->len)
    {
      for (ShoalDone *done = wait_done (self), *next; done != NULL; done = next)
        {
          ShoalDiskJob *job = (ShoalDiskJob *) done;
          guint at = GPOINTER_TO_UINT (job->context);

          next = done->next;
          expect_reason (job, SHOAL_REASON_NONE);
          g_assert_false (job->hash_wrong);
          if (job->op == SHOAL_DISK_CHECK)
            {
              checked++;
              for (guint i = 0; i < n; i++)
                g_assert_cmpint (job->verdicts[i], ==, SHOAL_PIECE_RIGHT);
            }
          if (job->op == SHOAL_DISK_OPEN || job->op == SHOAL_DISK_CLOSE || job->op == SHOAL_DISK_CHECK)
            {
              for (guint i = 1; i < at; i++)
                g_assert_true (is_done[i]);
              g_assert_cmpuint (latest, <, at);
              opened += job->op == SHOAL_DISK_OPEN;
            }
          else
            {
              g_assert_cmpuint (GPOINTER_TO_UINT (g_hash_table_lookup (last, GUINT_TO_POINTER (job->piece))), <, at);
              g_hash_table_insert (last, GUINT_TO_POINTER (job->piece), GUINT_TO_POINTER (at));
            }
          n_done++;
          is_done[at] = TRUE;
          latest = MAX (latest, at);
          shoal_disk_job_free (job);
        }
    }
  g_assert_cmpuint (opened, ==, 21);
  g_assert_cmpuint (checked, ==, 20);
  g_assert_cmpuint (shoal_disk_pending (self->disk), ==, 0);
}

static void
test_journal (Fixture      *self,
              gconstpointer data)
{
  g_autoptr (ShoalBitfield) claimed = shoal_bitfield_new (self->had->n_bits);
  ShoalDiskJob *job;

  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  write_pieces (self, 2, 6);
  run_free (self, shoal_disk_job_new (SHOAL_DISK_CLOSE, TORRENT), SHOAL_REASON_NONE);

  shoal_bitfield_set (claimed, 3);
  job = open_job (self, TRUE, NULL);
  job->had = claimed;
  run (self, job);
  g_assert_true (job->found);
  g_assert_false (job->stale);
  g_assert_cmpuint (job->n_journal, ==, 3);
  shoal_disk_job_free (job);
}

/* What is in place is used once it was compared, and what is not the torrent's stays as it is. */
static void
test_data_in_place (Fixture      *self,
                    gconstpointer data)
{
  g_autofree char *foreign = g_build_filename (self->data, "torrent/c", NULL);
  g_autofree char *text = NULL;
  g_autofree char *verdicts = NULL;
  ShoalDiskJob *job;

  content_write (self->content, self->data);
  g_assert_true (g_file_set_contents (foreign, "my own words", -1, NULL));
  job = open_job (self, TRUE, NULL);
  run (self, job);
  g_assert_true (job->found);
  g_assert_false (job->stale);
  shoal_disk_job_free (job);
  verdicts = check (self);
  g_assert_cmpint (verdicts[0], ==, 'R');
  g_assert_nonnull (strchr (verdicts, 'M'));

  for (guint32 i = 0; verdicts[i] != '\0'; i++)
    {
      if (verdicts[i] == 'R')
        shoal_bitfield_set (self->had, i);
      else
        write_pieces (self, i, i + 1);
    }
  g_assert_true (exists (self, "torrent/c.part"));
  finish (self, NULL, SHOAL_REASON_IO);
  g_assert_true (g_file_get_contents (foreign, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "my own words");
  expect_all_right (self);

  /* Out of the way: it goes on. */
  g_assert_cmpint (g_unlink (foreign), ==, 0);
  finish (self, NULL, SHOAL_REASON_NONE);
  expect_whole (self);
}

static void
test_holes (Fixture      *self,
            gconstpointer data)
{
  static const ContentFile files[] = { { "x", 10 * 32768, 0, NULL, FALSE }, { "y", 4 * 32768, 0, NULL, TRUE } };
  g_autofree char *x = g_build_filename (self->data, "torrent/x", NULL);
  g_autofree char *y = g_build_filename (self->data, "torrent/y", NULL);
  int fd;

  content_free (self->content);
  self->content = content_new ("torrent", SHOAL_TORRENT_V1, 32768, files, 2, 9);
  shoal_bitfield_free (self->had);
  self->had = shoal_bitfield_new (14);
  content_write (self->content, self->data);
  for (guint i = 0; i < 2; i++)
    {
      fd = g_open (i == 0 ? x : y, O_RDWR | O_CLOEXEC, 0);
      g_assert_cmpint (ftruncate (fd, i == 0 ? 32768 * 3 : 0), ==, 0);
      g_assert_cmpint (ftruncate (fd, i == 0 ? 32768 * 8 : 32768 * 4), ==, 0);
      close (fd);
    }

  /* Zeros that were never written are right where the torrent has zeros, and missing elsewhere. */
  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  expect_check (self, "RRRMMMMMMMRRRR");
}

/* Room that was set aside reads as zeros, but says nothing; the blocks of one piece that was written do. */
static void
test_set_aside (Fixture      *self,
                gconstpointer data)
{
  g_autofree guint8 *zeros = g_malloc0 (200000);
  g_autofree char *c = g_build_filename (self->data, "torrent/c", NULL);
  ShoalDiskJob *job;
  int fd;

  content_write (self->content, self->data);
  fd = g_open (c, O_WRONLY | O_CLOEXEC, 0);
  g_assert_cmpint (pwrite (fd, zeros, 150000, 0), ==, 150000);
  close (fd);
  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  /* Pieces 3 and 7 are in c only in part. */
  expect_check (self, "RRRWMMMWRRRR");

  job = shoal_disk_job_new (SHOAL_DISK_CHECK, TORRENT);
  job->piece = 5;
  job->n_pieces = 1;
  run (self, job);
  expect_reason (job, SHOAL_REASON_NONE);
  g_assert_cmpint (job->verdicts[0], ==, SHOAL_PIECE_WRONG);
  shoal_disk_job_free (job);
}

/* What was handed out to be sent is cut off: the next to ask is told. */
static void
test_cut_off (Fixture      *self,
              gconstpointer data)
{
  guint32 n = self->content->metainfo->layout->n_pieces;
  g_autofree char *d = g_build_filename (self->data, "torrent/d", NULL);
  ShoalDiskJob *job;

  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  write_pieces (self, 0, n);
  finish (self, NULL, SHOAL_REASON_NONE);
  expect_reads (self);
  job = read_job (n - 1, 0, 8000, TRUE);
  run (self, job);
  expect_reason (job, SHOAL_REASON_NONE);
  g_assert_nonnull (job->file);
  g_assert_cmpint (truncate (d, 69999), ==, 0);
  for (gboolean file = FALSE; file <= TRUE; file++)
    run_free (self, read_job (n - 1, 0, shoal_layout_piece_size (self->content->metainfo->layout, n - 1), file), SHOAL_REASON_DATA_MISSING);
  shoal_disk_job_free (job);
}

/* Syncs the torrent again and again, as the store's thread does. */
static void *
sync_main (void *data)
{
  Fixture *self = data;

  while (!g_atomic_int_get (&self->stop_syncing))
    {
      g_assert_true (shoal_disk_sync (self->disk, TORRENT));
      sched_yield ();
    }

  return NULL;
}

static void
test_sync_beside (Fixture      *self,
                  gconstpointer data)
{
  guint32 n = self->content->metainfo->layout->n_pieces;
  pthread_t thread;

  g_assert_cmpint (pthread_create (&thread, NULL, sync_main, self), ==, 0);
  for (guint round = 0; round < 3; round++)
    {
      run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
      for (guint32 i = 0; i < n; i++)
        {
          write_pieces (self, i, i + 1);
          finish (self, NULL, SHOAL_REASON_NONE);
        }
      expect_whole (self);
      expect_all_right (self);
      run_free (self, shoal_disk_job_new (SHOAL_DISK_CLOSE, TORRENT), SHOAL_REASON_NONE);
    }
  g_atomic_int_set (&self->stop_syncing, TRUE);
  pthread_join (thread, NULL);
}

/* A file that is put there or taken away while the torrent is open. */
static void
test_check_again (Fixture      *self,
                  gconstpointer data)
{
  guint32 n = self->content->metainfo->layout->n_pieces;
  g_autofree char *none = g_strnfill (n, 'M');
  g_autofree char *c = g_build_filename (self->data, "torrent/c", NULL);

  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  expect_check (self, none);
  content_write (self->content, self->data);
  expect_all_right (self);
  g_assert_cmpint (g_unlink (c), ==, 0);
  for (guint32 i = 4; i < 9; i++)
    none[i] = 'M';
  for (guint32 i = 0; i < n; i++)
    none[i] = i < 3 || i > 9 ? 'R' : 'M';
  expect_check (self, none);
}

static void
test_stale (Fixture      *self,
            gconstpointer data)
{
  g_autofree char *c = g_build_filename (self->data, "torrent/c", NULL);
  ShoalDiskJob *job;
  struct stat info;
  gint64 newest = 0;

  content_write (self->content, self->data);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *path = g_build_filename (self->data, self->content->metainfo->files[i].path, NULL);

      g_assert_cmpint (g_stat (path, &info), ==, 0);
      newest = MAX (newest, info.st_mtim.tv_sec * G_GINT64_CONSTANT (1000000000) + info.st_mtim.tv_nsec);
    }
  job = open_job (self, TRUE, NULL);
  job->had = NULL;
  job->all_had = TRUE;
  run (self, job);
  g_assert_false (job->stale);
  g_assert_cmpint (job->stamp, ==, newest);
  shoal_disk_job_free (job);
  expect_reads (self);
  run_free (self, shoal_disk_job_new (SHOAL_DISK_CLOSE, TORRENT), SHOAL_REASON_NONE);

  g_assert_cmpint (truncate (c, 199999), ==, 0);
  job = open_job (self, TRUE, NULL);
  job->had = NULL;
  job->all_had = TRUE;
  run (self, job);
  g_assert_true (job->stale);
  shoal_disk_job_free (job);

  /* The end of c is short: its block cannot be read. */
  run_free (self, read_job (9, 0, 16384, TRUE), SHOAL_REASON_DATA_MISSING);

  g_assert_cmpint (g_unlink (c), ==, 0);
  job = open_job (self, TRUE, NULL);
  shoal_bitfield_set (self->had, 5);
  run (self, job);
  g_assert_true (job->stale);
  shoal_disk_job_free (job);
  run_free (self, read_job (5, 0, 16384, TRUE), SHOAL_REASON_DATA_MISSING);
}

static void
test_folder_gone (Fixture      *self,
                  gconstpointer data)
{
  ShoalDiskJob *job;

  g_assert_cmpint (g_rmdir (self->data), ==, 0);
  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_FOLDER_GONE);
  run_free (self, piece_job (self, SHOAL_DISK_PIECE, 0, 32768), SHOAL_REASON_FOLDER_GONE);
  g_assert_false (g_file_test (self->data, G_FILE_TEST_EXISTS));

  /* The cause is gone. */
  g_assert_cmpint (g_mkdir (self->data, 0755), ==, 0);
  job = open_job (self, TRUE, NULL);
  run (self, job);
  expect_reason (job, SHOAL_REASON_NONE);
  shoal_disk_job_free (job);
  run_free (self, piece_job (self, SHOAL_DISK_PIECE, 0, 32768), SHOAL_REASON_NONE);

  run_free (self, shoal_disk_job_new (SHOAL_DISK_FINISH, 99), SHOAL_REASON_IO);
}

static void
test_symlink_in_the_way (Fixture      *self,
                         gconstpointer data)
{
  g_autofree char *outside = g_build_filename (self->dir, "outside", NULL);
  g_autofree char *folder = g_build_filename (self->data, "torrent", NULL);

  g_assert_cmpint (g_mkdir (outside, 0755), ==, 0);
  g_assert_cmpint (symlink (outside, folder), ==, 0);
  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  run_free (self, piece_job (self, SHOAL_DISK_PIECE, 0, 32768), SHOAL_REASON_IO);
  g_assert_cmpint (g_rmdir (outside), ==, 0);   /* empty */
}

/* Parts of unwanted files are kept aside, and are there when they are wanted after all. */
static void
test_unwanted (Fixture      *self,
               gconstpointer data)
{
  const guint8 some[] = { 2, 0, 2, 0, 2 };
  const guint8 all[] = { 2, 2, 2, 2, 2 };
  g_autofree char *edges = g_build_filename (self->dir, "state", "7.edges", NULL);
  ShoalDiskJob *job;

  run_free (self, open_job (self, TRUE, some), SHOAL_REASON_NONE);
  write_pieces (self, 0, 4);      /* a/one, a/two, the beginning of c */
  write_pieces (self, 9, 12);     /* the end of c, d */
  finish (self, some, SHOAL_REASON_NONE);
  g_assert_true (content_is_in (self->content, self->data, 0));
  g_assert_true (content_is_in (self->content, self->data, 4));
  g_assert_false (exists (self, "torrent/a/two"));
  g_assert_false (exists (self, "torrent/a/two.part"));
  g_assert_false (exists (self, "torrent/c"));
  g_assert_false (exists (self, "torrent/c.part"));
  g_assert_true (g_file_test (edges, G_FILE_TEST_EXISTS));
  expect_check (self, "RRRRMMMMMRRR");
  run_free (self, shoal_disk_job_new (SHOAL_DISK_CLOSE, TORRENT), SHOAL_REASON_NONE);

  job = open_job (self, TRUE, all);
  run (self, job);
  expect_reason (job, SHOAL_REASON_NONE);
  g_assert_false (job->stale);
  shoal_disk_job_free (job);
  expect_check (self, "RRRRMMMMMRRR");
  write_pieces (self, 4, 9);
  expect_all_right (self);
  finish (self, all, SHOAL_REASON_NONE);
  expect_whole (self);
  expect_reads (self);
  g_assert_false (g_file_test (edges, G_FILE_TEST_EXISTS));
}

static void
test_attributes (Fixture      *self,
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
  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  write_pieces (self, 0, 1);
  finish (self, NULL, SHOAL_REASON_NONE);
  deep_target = g_file_read_link (deep, NULL);
  top_target = g_file_read_link (top, NULL);
  g_assert_cmpstr (deep_target, ==, "../file");
  g_assert_cmpstr (top_target, ==, "a/file");
  finish (self, NULL, SHOAL_REASON_NONE);
}

static void
test_remove (Fixture      *self,
             gconstpointer data)
{
  g_autofree char *mine = g_build_filename (self->data, "torrent/a/mine", NULL);
  ShoalDiskJob *job;

  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  write_pieces (self, 0, 5);
  finish (self, NULL, SHOAL_REASON_NONE);
  g_assert_true (g_file_set_contents (mine, "x", 1, NULL));

  job = shoal_disk_job_new (SHOAL_DISK_REMOVE, TORRENT);
  job->remove = SHOAL_REMOVE_DELETE_DATA;
  run_free (self, job, SHOAL_REASON_NONE);
  g_assert_true (exists (self, "torrent/a/mine"));
  g_assert_false (exists (self, "torrent/a/one"));
  g_assert_false (exists (self, "torrent/c.part"));

  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  g_assert_cmpint (g_unlink (mine), ==, 0);
  job = shoal_disk_job_new (SHOAL_DISK_REMOVE, TORRENT);
  job->remove = SHOAL_REMOVE_DELETE_DATA;
  run_free (self, job, SHOAL_REASON_NONE);
  g_assert_false (exists (self, "torrent"));
}

/* A torrent at rest is removed by what its record says. */
static void
test_remove_at_rest (Fixture      *self,
                     gconstpointer data)
{
  ShoalResume *record = shoal_resume_new (TORRENT);
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_LOAD, TORRENT);

  run_free (self, job, SHOAL_REASON_BAD_METADATA);
  content_write (self->content, self->data);
  record->metainfo = g_bytes_ref (self->content->torrent);
  record->has_metainfo = TRUE;
  record->complete = TRUE;
  record->dir = g_strdup (self->data);
  shoal_resume_store_save (self->store, record);

  job = shoal_disk_job_new (SHOAL_DISK_LOAD, TORRENT);
  run (self, job);
  expect_reason (job, SHOAL_REASON_NONE);
  g_assert_cmpuint (job->metainfo->layout->n_pieces, ==, self->content->metainfo->layout->n_pieces);
  shoal_disk_job_free (job);

  job = shoal_disk_job_new (SHOAL_DISK_REMOVE, TORRENT);
  job->remove = SHOAL_REMOVE_DELETE_DATA;
  run_free (self, job, SHOAL_REASON_NONE);
  g_assert_false (exists (self, "torrent"));
  g_assert_null (shoal_resume_store_record (self->store, TORRENT));
}

static void
test_remove_keep (Fixture      *self,
                  gconstpointer data)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_REMOVE, TORRENT);

  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  write_pieces (self, 0, self->content->metainfo->layout->n_pieces);
  finish (self, NULL, SHOAL_REASON_NONE);
  run_free (self, job, SHOAL_REASON_NONE);
  expect_whole (self);
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
test_descriptors (Fixture      *self,
                  gconstpointer data)
{
  guint before;

  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  write_pieces (self, 0, self->content->metainfo->layout->n_pieces);
  finish (self, NULL, SHOAL_REASON_NONE);
  run_free (self, shoal_disk_job_new (SHOAL_DISK_CLOSE, TORRENT), SHOAL_REASON_NONE);
  before = count_fds ();

  for (guint64 id = 100; id < 200; id++)
    {
      ShoalDiskJob *job = open_job (self, TRUE, NULL);

      job->torrent = id;
      run_free (self, job, SHOAL_REASON_NONE);
    }
  g_assert_cmpuint (count_fds (), <=, before);
  for (guint64 id = 100; id < 200; id++)
    {
      for (guint32 piece = 0; piece < 12; piece++)
        {
          ShoalDiskJob *job = read_job (piece, 0, 100, TRUE);

          job->torrent = id;
          run_free (self, job, SHOAL_REASON_NONE);
        }
    }
  g_assert_cmpuint (count_fds (), <=, before + 128);
  for (guint64 id = 100; id < 200; id++)
    run_free (self, shoal_disk_job_new (SHOAL_DISK_CLOSE, id), SHOAL_REASON_NONE);
  g_assert_cmpuint (count_fds (), ==, before);
}

/* Once it was read, it is answered at once; a reference outlives the torrent. */
static void
test_hot (Fixture      *self,
          gconstpointer data)
{
  ShoalDiskJob *job;
  guint8 byte;

  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  write_pieces (self, 0, self->content->metainfo->layout->n_pieces);
  job = read_job (0, 0, 16384, TRUE);
  g_assert_true (shoal_disk_submit (self->disk, job));
  g_assert_nonnull (job->file);
  g_assert_cmpuint (job->file_offset, ==, 0);
  run_free (self, shoal_disk_job_new (SHOAL_DISK_CLOSE, TORRENT), SHOAL_REASON_NONE);
  g_assert_cmpint (pread (job->file->fd, &byte, 1, 0), ==, 1);
  shoal_disk_job_free (job);

  /* Nothing is open now. */
  run_free (self, read_job (0, 0, 16384, TRUE), SHOAL_REASON_IO);
}

static void
test_bad_requests (Fixture      *self,
                   gconstpointer data)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_CHECK, TORRENT);

  run_free (self, open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  run_free (self, read_job (99, 0, 16384, TRUE), SHOAL_REASON_IO);
  run_free (self, read_job (0, 32768, 1, TRUE), SHOAL_REASON_IO);
  job->piece = 5;
  job->n_pieces = 99;
  run_free (self, job, SHOAL_REASON_IO);
}

/* A file system of @size bytes at @path; FALSE: only root may. */
static gboolean
mount_small (const char *path,
             const char *size)
{
  g_autofree char *options = g_strconcat ("size=", size, NULL);

  /* Of this process alone, so that nothing stays behind. */
  return unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
         mount ("tmpfs", path, "tmpfs", 0, options) == 0;
}

/* A full disk is said in words, others go on, and when there is room so does this one. */
static void
test_disk_full (void)
{
  g_autofree char *small = shoal_test_temp_dir ();
  g_autofree char *state = NULL;
  g_autofree char *ballast = NULL;
  g_autofree char *zeros = g_malloc0 (500000);
  Fixture self = { 0 };

  if (!mount_small (small, "600k"))
    {
      g_test_skip ("only root can mount a small disk");
      g_rmdir (small);
      return;
    }
  /* The threads that are made now see the mount. */
  set_up (&self, NULL);
  g_free (self.data);
  self.data = g_strdup (small);
  ballast = g_build_filename (small, "ballast", NULL);
  g_assert_true (g_file_set_contents (ballast, zeros, 450000, NULL));

  run_free (&self, open_job (&self, TRUE, NULL), SHOAL_REASON_NONE);
  run_free (&self, piece_job (&self, SHOAL_DISK_PIECE, 0, 32768), SHOAL_REASON_NONE);
  run_free (&self, piece_job (&self, SHOAL_DISK_PIECE, 6, 32768), SHOAL_REASON_DISK_FULL);
  g_assert_false (exists (&self, "torrent/c.part"));

  /* It fills while a file grows. */
  run_free (&self, piece_job (&self, SHOAL_DISK_PIECE, 11, 32768), SHOAL_REASON_NONE);
  g_assert_cmpint (g_unlink (ballast), ==, 0);
  run_free (&self, piece_job (&self, SHOAL_DISK_PIECE, 6, 32768), SHOAL_REASON_NONE);
  g_file_set_contents (ballast, zeros, 500000, NULL);
  for (guint32 i = 4; i < 9; i++)
    {
      ShoalDiskJob *job = piece_job (&self, SHOAL_DISK_PIECE, i, 32768);

      run (&self, job);
      g_assert_true (job->reason == SHOAL_REASON_NONE || job->reason == SHOAL_REASON_DISK_FULL);
      shoal_disk_job_free (job);
    }
  g_unlink (ballast);
  write_pieces (&self, 0, 12);
  finish (&self, NULL, SHOAL_REASON_NONE);
  expect_whole (&self);

  tear_down (&self, NULL);
  g_assert_cmpint (umount2 (small, MNT_DETACH), ==, 0);
  g_assert_cmpint (g_rmdir (small), ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/io/disk/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("download/v1", test_download);
  g_test_add ("/io/disk/download/v2", Fixture, GUINT_TO_POINTER (SHOAL_TORRENT_V2), set_up, test_download, tear_down);
  g_test_add ("/io/disk/download/hybrid", Fixture, GUINT_TO_POINTER (SHOAL_TORRENT_HYBRID), set_up, test_download, tear_down);
  ADD ("without-suffix", test_without_suffix);
  ADD ("wrong-hash", test_wrong_hash);
  ADD ("spill", test_spill);
  ADD ("order", test_order);
  ADD ("journal", test_journal);
  ADD ("data-in-place", test_data_in_place);
  ADD ("holes", test_holes);
  ADD ("set-aside", test_set_aside);
  ADD ("cut-off", test_cut_off);
  ADD ("sync-beside", test_sync_beside);
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
