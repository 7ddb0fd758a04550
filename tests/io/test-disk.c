/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs end in order, and files come out right. */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk-fixture.h"

static void
test_download (DiskFixture  *self,
               gconstpointer data)
{
  guint32 n = self->content->metainfo->layout->n_pieces;
  ShoalDiskJob *job = disk_open_job (self, TRUE, NULL);
  struct stat info;
  g_autofree char *executable = g_build_filename (self->data, "torrent/a/two", NULL);

  disk_run (self, job);
  disk_expect_reason (job, SHOAL_REASON_NONE);
  g_assert_false (job->found);
  g_assert_false (job->stale);
  g_assert_cmpint (job->stamp, ==, 0);
  g_assert_cmpuint (job->free_space, >, 0);
  shoal_disk_job_free (job);
  g_assert_false (disk_exists (self, "torrent"));

  disk_write_pieces (self, 0, n - 1);
  g_assert_true (disk_exists (self, "torrent/c.part"));
  g_assert_false (disk_exists (self, "torrent/c"));
  disk_finish (self, NULL, SHOAL_REASON_NONE);
  g_assert_true (disk_exists (self, "torrent/c"));
  g_assert_true (disk_exists (self, "torrent/b"));
  g_assert_true (disk_exists (self, "torrent/d.part"));

  disk_write_pieces (self, n - 1, n);
  disk_finish (self, NULL, SHOAL_REASON_NONE);
  disk_expect_whole (self);
  g_assert_false (disk_exists (self, "torrent/d.part"));
  g_assert_cmpint (g_stat (executable, &info), ==, 0);
  g_assert_true ((info.st_mode & 0100) != 0);
  disk_expect_all_right (self);
  disk_expect_reads (self);
}

static void
test_without_suffix (DiskFixture  *self,
                     gconstpointer data)
{
  guint32 n = self->content->metainfo->layout->n_pieces;

  disk_run_free (self, disk_open_job (self, FALSE, NULL), SHOAL_REASON_NONE);
  disk_write_pieces (self, 0, n);
  disk_finish (self, NULL, SHOAL_REASON_NONE);
  disk_expect_whole (self);
}

static void
test_wrong_hash (DiskFixture  *self,
                 gconstpointer data)
{
  ShoalDiskJob *job = disk_piece_job (self, SHOAL_DISK_PIECE, 0, 32768);
  g_autofree guint8 *wrong = g_memdup2 (job->runs[0].data, 32768);

  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  wrong[77] ^= 4;
  job->runs[0].data = wrong;
  disk_run (self, job);
  disk_expect_reason (job, SHOAL_REASON_NONE);
  g_assert_true (job->hash_wrong);
  shoal_disk_job_free (job);
  g_assert_false (disk_exists (self, "torrent"));
}

/* A piece whose runs were written early is hashed by reading it back, after them. */
static void
test_spill (DiskFixture  *self,
            gconstpointer data)
{
  ShoalDiskJob *spill = disk_piece_job (self, SHOAL_DISK_SPILL, 3, 16384);
  ShoalDiskJob *verdict = shoal_disk_job_new (SHOAL_DISK_CHECK, TORRENT);
  ShoalDiskJob *job;
  guint n = 0;

  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  verdict->piece = 3;
  verdict->n_pieces = 1;
  g_assert_false (shoal_disk_submit (self->disk, spill));
  g_assert_false (shoal_disk_submit (self->disk, verdict));
  shoal_disk_drain (self->disk);
  for (ShoalDone *done = disk_wait_done (self); done != NULL; done = done->next)
    n++;
  g_assert_cmpuint (n, ==, 2);
  disk_expect_reason (spill, SHOAL_REASON_NONE);
  disk_expect_reason (verdict, SHOAL_REASON_NONE);
  g_assert_cmpint (verdict->verdicts[0], ==, SHOAL_PIECE_RIGHT);
  shoal_disk_job_free (spill);
  shoal_disk_job_free (verdict);
  self->ringing = FALSE;

  /* The journal knows it now. */
  job = disk_open_job (self, TRUE, NULL);
  disk_run (self, job);
  g_assert_cmpuint (job->n_journal, ==, 1);
  g_assert_cmpuint (job->journal[0], ==, 3);
  shoal_disk_job_free (job);
}

/* Many jobs at once: those of one piece and of the torrent as a whole end in the order in which
 * they came. */
static void
test_order (DiskFixture  *self,
            gconstpointer data)
{
  guint32 n = self->content->metainfo->layout->n_pieces;
  g_autoptr (GPtrArray) jobs = g_ptr_array_new ();
  g_autoptr (GHashTable) last = g_hash_table_new (NULL, NULL);
  g_autofree guint8 *is_done = NULL;
  guint n_done = 0, opened = 0, checked = 0, latest = 0;

  g_ptr_array_add (jobs, disk_open_job (self, TRUE, NULL));
  for (guint round = 0; round < 20; round++)
    {
      ShoalDiskJob *job;

      for (guint32 i = 0; i < n; i++)
        {
          g_ptr_array_add (jobs, disk_piece_job (self, SHOAL_DISK_SPILL, i, 16384));
          g_ptr_array_add (jobs, disk_piece_job (self, SHOAL_DISK_PIECE, i, 16384));
          g_ptr_array_add (jobs, disk_read_job (i, 0, 3, FALSE));
        }
      job = shoal_disk_job_new (SHOAL_DISK_CHECK, TORRENT);
      job->n_pieces = n;
      g_ptr_array_add (jobs, job);
      g_ptr_array_add (jobs, shoal_disk_job_new (SHOAL_DISK_CLOSE, TORRENT));
      g_ptr_array_add (jobs, disk_open_job (self, TRUE, NULL));
    }
  is_done = g_malloc0 (jobs->len + 1);
  for (guint i = 0; i < jobs->len; i++)
    {
      ((ShoalDiskJob *) jobs->pdata[i])->context = GUINT_TO_POINTER (i + 1);
      if (shoal_disk_submit (self->disk, jobs->pdata[i]))
        {
          shoal_disk_job_free (jobs->pdata[i]);   /* a read of a piece that is there: nothing has to
                                                   * wait for it */
          is_done[i + 1] = TRUE;
          n_done++;
        }
    }

  while (n_done < jobs->len)
    {
      for (ShoalDone *done = disk_wait_done (self), *next; done != NULL; done = next)
        {
          ShoalDiskJob *job = (ShoalDiskJob *) done;
          guint at = GPOINTER_TO_UINT (job->context);

          next = done->next;
          disk_expect_reason (job, SHOAL_REASON_NONE);
          g_assert_false (job->hash_wrong);
          if (job->op == SHOAL_DISK_CHECK)
            {
              checked++;
              for (guint i = 0; i < n; i++)
                g_assert_cmpint (job->verdicts[i], ==, SHOAL_PIECE_RIGHT);
            }
          if (job->op == SHOAL_DISK_OPEN || job->op == SHOAL_DISK_CLOSE
              || job->op == SHOAL_DISK_CHECK)
            {
              for (guint i = 1; i < at; i++)
                g_assert_true (is_done[i]);
              g_assert_cmpuint (latest, <, at);
              opened += job->op == SHOAL_DISK_OPEN;
            }
          else
            {
              gpointer piece = GUINT_TO_POINTER (job->piece);

              g_assert_cmpuint (GPOINTER_TO_UINT (g_hash_table_lookup (last, piece)), <, at);
              g_hash_table_insert (last, piece, GUINT_TO_POINTER (at));
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
test_journal (DiskFixture  *self,
              gconstpointer data)
{
  g_autoptr (ShoalBitfield) claimed = shoal_bitfield_new (self->had->n_bits);
  ShoalDiskJob *job;

  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  disk_write_pieces (self, 2, 6);
  disk_run_free (self, shoal_disk_job_new (SHOAL_DISK_CLOSE, TORRENT), SHOAL_REASON_NONE);

  shoal_bitfield_set (claimed, 3);
  job = disk_open_job (self, TRUE, NULL);
  job->had = claimed;
  disk_run (self, job);
  g_assert_true (job->found);
  g_assert_false (job->stale);
  g_assert_cmpuint (job->n_journal, ==, 3);
  shoal_disk_job_free (job);
}

/* What is in place is used once it was compared, and what is not the torrent's stays as it is. */
static void
test_data_in_place (DiskFixture  *self,
                    gconstpointer data)
{
  g_autofree char *foreign = g_build_filename (self->data, "torrent/c", NULL);
  g_autofree char *text = NULL;
  g_autofree char *verdicts = NULL;
  ShoalDiskJob *job;

  content_write (self->content, self->data);
  g_assert_true (g_file_set_contents (foreign, "my own words", -1, NULL));
  job = disk_open_job (self, TRUE, NULL);
  disk_run (self, job);
  g_assert_true (job->found);
  g_assert_false (job->stale);
  shoal_disk_job_free (job);
  verdicts = disk_check (self);
  g_assert_cmpint (verdicts[0], ==, 'R');
  g_assert_nonnull (strchr (verdicts, 'M'));

  for (guint32 i = 0; verdicts[i] != '\0'; i++)
    {
      if (verdicts[i] == 'R')
        shoal_bitfield_set (self->had, i);
      else
        disk_write_pieces (self, i, i + 1);
    }
  g_assert_true (disk_exists (self, "torrent/c.part"));
  disk_finish (self, NULL, SHOAL_REASON_IO);
  g_assert_true (g_file_get_contents (foreign, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "my own words");
  disk_expect_all_right (self);

  /* Out of the way: it goes on. */
  g_assert_cmpint (g_unlink (foreign), ==, 0);
  disk_finish (self, NULL, SHOAL_REASON_NONE);
  disk_expect_whole (self);
}

static void
test_holes (DiskFixture  *self,
            gconstpointer data)
{
  static const ContentFile files[] = { { "x", 10 * 32768, 0, NULL, FALSE },
                                       { "y", 4 * 32768, 0, NULL, TRUE } };
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
  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  disk_expect_check (self, "RRRMMMMMMMRRRR");
}

/* Room that was set aside reads as zeros, but says nothing; the blocks of one piece that was
 * written do. */
static void
test_set_aside (DiskFixture  *self,
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
  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  /* Pieces 3 and 7 are in c only in part. */
  disk_expect_check (self, "RRRWMMMWRRRR");

  job = shoal_disk_job_new (SHOAL_DISK_CHECK, TORRENT);
  job->piece = 5;
  job->n_pieces = 1;
  disk_run (self, job);
  disk_expect_reason (job, SHOAL_REASON_NONE);
  g_assert_cmpint (job->verdicts[0], ==, SHOAL_PIECE_WRONG);
  g_assert_null (job->digests);
  shoal_disk_job_free (job);
}

/* What the blocks of a wrong piece are. */
static void
test_digests (DiskFixture  *self,
              gconstpointer data)
{
  const ShoalLayout *layout = self->content->metainfo->layout;
  const guint32 piece = 5;
  const guint8 *truth = content_piece (self->content, piece);
  g_autofree char *c = g_build_filename (self->data, "torrent/c", NULL);
  ShoalSha1 right;
  ShoalDiskJob *job;
  int fd;

  content_write (self->content, self->data);
  fd = g_open (c, O_WRONLY | O_CLOEXEC, 0);
  g_assert_cmpint (pwrite (fd, "x", 1,
                           (off_t) (shoal_layout_piece_offset (layout, piece)
                                    - layout->file_offset[layout->piece_file[piece]])),
                   ==, 1);
  close (fd);
  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  job = shoal_disk_job_new (SHOAL_DISK_CHECK, TORRENT);
  job->piece = piece;
  job->n_pieces = 1;
  job->wants_digests = TRUE;
  disk_run (self, job);
  disk_expect_reason (job, SHOAL_REASON_NONE);
  g_assert_cmpint (job->verdicts[0], ==, SHOAL_PIECE_WRONG);
  g_assert_nonnull (job->digests);
  for (guint32 block = 0; block < shoal_layout_n_blocks (layout, piece); block++)
    {
      shoal_sha1 (truth + (gsize) block * SHOAL_BLOCK_SIZE,
                  shoal_layout_block_size (layout, piece, block), &right);
      g_assert_cmpint (shoal_sha1_equal (&job->digests[block], &right), ==, block > 0);
    }
  shoal_disk_job_free (job);
}

/* What the blocks of a wrong piece of version 2 are: from memory, and from the disk. */
static void
test_leaves (DiskFixture  *self,
             gconstpointer data)
{
  const ShoalLayout *layout = self->content->metainfo->layout;
  guint32 piece = 5;
  guint64 in_file = shoal_layout_piece_offset (layout, piece)
                    - layout->file_offset[layout->piece_file[piece]];
  guint32 n_blocks = (guint32) ((MIN (layout->file_size[layout->piece_file[piece]] - in_file,
                                      layout->piece_size) - 1)
                                / SHOAL_BLOCK_SIZE + 1);
  g_autofree guint8 *wrong = g_memdup2 (content_piece (self->content, piece), layout->piece_size);
  ShoalSha256 right;

  wrong[3] ^= 1;
  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  for (guint step = 0; step < 4; step++)
    {
      ShoalDiskJob *job;

      if (step == 2)
        {
          job = disk_piece_job (self, SHOAL_DISK_SPILL, piece, layout->piece_size);
          job->runs[0].data = wrong;
          disk_run_free (self, job, SHOAL_REASON_NONE);
        }
      job = disk_piece_job (self, step < 2 ? SHOAL_DISK_PIECE : SHOAL_DISK_CHECK, piece,
                            layout->piece_size);
      job->runs[0].data = wrong;
      job->n_pieces = 1;
      job->wants_leaves = step % 2 == 1;
      disk_run (self, job);
      disk_expect_reason (job, SHOAL_REASON_NONE);
      g_assert_true (step < 2 ? job->hash_wrong : job->verdicts[0] == SHOAL_PIECE_WRONG);
      g_assert_cmpint (job->leaves != NULL, ==, job->wants_leaves);
      for (guint32 block = 0; block < n_blocks && job->leaves != NULL; block++)
        {
          shoal_sha256 (content_piece (self->content, piece) + (gsize) block * SHOAL_BLOCK_SIZE,
                        shoal_layout_block_size (layout, piece, block), &right);
          g_assert_cmpint (memcmp (&job->leaves[block], &right, sizeof right) == 0, ==, block > 0);
        }
      shoal_disk_job_free (job);
    }
}

/* What was handed out to be sent is cut off: the next to ask is told. */
static void
test_cut_off (DiskFixture  *self,
              gconstpointer data)
{
  guint32 n = self->content->metainfo->layout->n_pieces;
  g_autofree char *d = g_build_filename (self->data, "torrent/d", NULL);
  ShoalDiskJob *job;

  disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
  disk_write_pieces (self, 0, n);
  disk_finish (self, NULL, SHOAL_REASON_NONE);
  disk_expect_reads (self);
  job = disk_read_job (n - 1, 0, 8000, TRUE);
  disk_run (self, job);
  disk_expect_reason (job, SHOAL_REASON_NONE);
  g_assert_nonnull (job->file);
  g_assert_cmpint (truncate (d, 69999), ==, 0);
  for (gboolean file = FALSE; file <= TRUE; file++)
    disk_run_free (self,
                   disk_read_job (n - 1, 0,
                                  shoal_layout_piece_size (self->content->metainfo->layout, n - 1),
                                  file),
                   SHOAL_REASON_DATA_MISSING);
  shoal_disk_job_free (job);
}

/* Syncs the torrent again and again, as the store's thread does. */
static void *
sync_main (void *data)
{
  DiskFixture *self = data;

  while (!g_atomic_int_get (&self->stop_syncing))
    {
      g_assert_true (shoal_disk_sync (self->disk, TORRENT));
      sched_yield ();
    }

  return NULL;
}

static void
test_sync_beside (DiskFixture  *self,
                  gconstpointer data)
{
  guint32 n = self->content->metainfo->layout->n_pieces;
  pthread_t thread;

  g_assert_cmpint (pthread_create (&thread, NULL, sync_main, self), ==, 0);
  for (guint round = 0; round < 3; round++)
    {
      disk_run_free (self, disk_open_job (self, TRUE, NULL), SHOAL_REASON_NONE);
      for (guint32 i = 0; i < n; i++)
        {
          disk_write_pieces (self, i, i + 1);
          disk_finish (self, NULL, SHOAL_REASON_NONE);
        }
      disk_expect_whole (self);
      disk_expect_all_right (self);
      disk_run_free (self, shoal_disk_job_new (SHOAL_DISK_CLOSE, TORRENT), SHOAL_REASON_NONE);
    }
  g_atomic_int_set (&self->stop_syncing, TRUE);
  pthread_join (thread, NULL);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/io/disk/" name, DiskFixture, NULL, disk_set_up, func, disk_tear_down)
  ADD ("download/v1", test_download);
  g_test_add ("/io/disk/download/v2", DiskFixture, GUINT_TO_POINTER (SHOAL_TORRENT_V2), disk_set_up,
              test_download, disk_tear_down);
  g_test_add ("/io/disk/download/hybrid", DiskFixture, GUINT_TO_POINTER (SHOAL_TORRENT_HYBRID),
              disk_set_up, test_download, disk_tear_down);
  ADD ("without-suffix", test_without_suffix);
  ADD ("wrong-hash", test_wrong_hash);
  ADD ("spill", test_spill);
  ADD ("order", test_order);
  ADD ("journal", test_journal);
  ADD ("data-in-place", test_data_in_place);
  ADD ("holes", test_holes);
  ADD ("set-aside", test_set_aside);
  ADD ("digests", test_digests);
  g_test_add ("/io/disk/leaves", DiskFixture, GUINT_TO_POINTER (SHOAL_TORRENT_V2), disk_set_up,
              test_leaves, disk_tear_down);
  ADD ("cut-off", test_cut_off);
  ADD ("sync-beside", test_sync_beside);

  return g_test_run ();
}
