/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whatever happens to the folder or the process, a torrent that was kept comes back. */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "own-network.h"
#include "shoal-error.h"
#include "shoal-resume-store.h"
#include "shoal-test.h"

typedef struct
{
  char             *dir;
  ShoalResumeStore *store;
  GPtrArray        *records;     /* of the last load */
  GPtrArray        *metainfos;
} Fixture;

static void
open_store (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  self->store = shoal_resume_store_open (self->dir, &error);
  g_assert_no_error (error);
}

static void
free_bytes (gpointer bytes)
{
  if (bytes != NULL)
    g_bytes_unref (bytes);
}

static void
set_up (Fixture      *self,
        gconstpointer data)
{
  self->dir = shoal_test_temp_dir ();
  self->records = g_ptr_array_new_with_free_func ((GDestroyNotify) shoal_resume_unref);
  self->metainfos = g_ptr_array_new_with_free_func (free_bytes);
  open_store (self);
}

static void
tear_down (Fixture      *self,
           gconstpointer data)
{
  g_clear_pointer (&self->store, shoal_resume_store_close);
  shoal_test_remove_temp_dir (self->dir);
  g_ptr_array_unref (self->records);
  g_ptr_array_unref (self->metainfos);
  g_free (self->dir);
}

static void
loaded (ShoalResume *record,
        GBytes      *metainfo,
        gpointer     data)
{
  Fixture *self = data;

  g_ptr_array_add (self->records, record);
  g_ptr_array_add (self->metainfos, metainfo);
}

/* Closes, opens and loads. */
static void
restart (Fixture *self,
         guint    n)
{
  g_clear_pointer (&self->store, shoal_resume_store_close);
  g_ptr_array_set_size (self->records, 0);
  g_ptr_array_set_size (self->metainfos, 0);
  open_store (self);
  g_assert_cmpuint (shoal_resume_store_load (self->store, loaded, self), ==, n);
  g_assert_cmpuint (self->records->len, ==, n);
}

static ShoalResume *
record_at (Fixture *self,
           guint    i)
{
  return self->records->pdata[i];
}

static ShoalResume *
new_record (guint64     id,
            const char *name,
            const char *metainfo)
{
  ShoalResume *record = shoal_resume_new (id);

  record->name = g_strdup (name);
  record->dir = g_strdup ("/data");
  record->magnet = g_strdup (metainfo == NULL ? "magnet:?" : NULL);
  record->has_metainfo = metainfo != NULL;
  if (metainfo != NULL && *metainfo != '\0')
    record->metainfo = g_bytes_new (metainfo, strlen (metainfo));

  return record;
}

static char *
path_of (Fixture    *self,
         const char *name)
{
  return g_build_filename (self->dir, name, NULL);
}

static gboolean
exists (Fixture    *self,
        const char *name)
{
  g_autofree char *path = path_of (self, name);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
test_keep (Fixture      *self,
           gconstpointer data)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (ShoalResume) one = NULL;

  shoal_resume_store_save (self->store, new_record (10, "ten", NULL));
  shoal_resume_store_save (self->store, new_record (9, "nine", "torrent nine"));
  shoal_resume_store_save (self->store, new_record (9, "nine again", ""));
  one = shoal_resume_store_record (self->store, 9);
  g_assert_cmpstr (one->name, ==, "nine again");
  bytes = shoal_resume_store_metainfo (self->store, 9, NULL);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "torrent nine", 12);

  restart (self, 2);
  g_assert_cmpuint (record_at (self, 0)->id, ==, 9);
  g_assert_cmpstr (record_at (self, 0)->name, ==, "nine again");
  g_assert_cmpstr (record_at (self, 0)->dir, ==, "/data");
  g_assert_true (record_at (self, 0)->has_metainfo);
  g_assert_cmpuint (g_bytes_get_size (self->metainfos->pdata[0]), ==, 12);
  g_assert_cmpstr (record_at (self, 1)->magnet, ==, "magnet:?");
  g_assert_null (self->metainfos->pdata[1]);
  g_assert_cmpuint (record_at (self, 1)->checked_to, ==, G_MAXUINT32);
  g_assert_cmpuint (shoal_resume_store_last_id (self->store), ==, 10);
  g_assert_null (shoal_resume_store_record (self->store, 11));
  g_assert_null (shoal_resume_store_metainfo (self->store, 10, NULL));
}

static void
check_nodes (Fixture    *self,
             const char *expected)
{
  g_autoptr (GBytes) nodes = shoal_resume_store_nodes (self->store);

  if (expected == NULL)
    {
      g_assert_null (nodes);
      return;
    }
  g_assert_nonnull (nodes);
  g_assert_cmpmem (g_bytes_get_data (nodes, NULL), g_bytes_get_size (nodes), expected,
                   strlen (expected));
}

/* Nodes of the DHT: the last ones that were given, beside whatever torrents there are. */
static void
test_nodes (Fixture      *self,
            gconstpointer data)
{
  g_autofree char *path = NULL;

  check_nodes (self, NULL);
  shoal_resume_store_keep_nodes (self->store, g_bytes_new ("first", 5));
  shoal_resume_store_keep_nodes (self->store, g_bytes_new ("second", 6));
  restart (self, 0);
  check_nodes (self, "second");
  shoal_resume_store_save (self->store, new_record (4, "four", "4"));
  shoal_resume_store_keep_nodes (self->store, g_bytes_new ("third", 5));
  restart (self, 1);
  check_nodes (self, "third");

  /* Nothing there is taken for a torrent, and without it nothing else is missing. */
  path = path_of (self, "dht-nodes");
  g_assert_cmpint (g_unlink (path), ==, 0);
  restart (self, 1);
  check_nodes (self, NULL);
}

static void
test_forget (Fixture      *self,
             gconstpointer data)
{
  g_autoptr (ShoalJournal) journal = shoal_resume_store_journal (self->store, 3);
  g_autoptr (GError) error = NULL;

  shoal_resume_store_save (self->store, new_record (2, "two", "2"));
  shoal_resume_store_save (self->store, new_record (3, "three", "3"));
  g_assert_true (shoal_resume_store_flush (self->store));
  shoal_resume_store_save (self->store, new_record (3, "three", ""));
  shoal_journal_append (journal, 1);
  g_assert_true (shoal_resume_store_forget (self->store, 3, &error));
  g_assert_no_error (error);
  shoal_resume_store_save (self->store, new_record (3, "late", ""));
  shoal_journal_append (journal, 1);
  g_assert_true (shoal_resume_store_flush (self->store));
  g_assert_false (exists (self, "3.resume"));
  g_assert_false (exists (self, "3.resume.old"));
  g_assert_false (exists (self, "3.torrent"));
  g_assert_false (exists (self, "3.journal"));

  restart (self, 1);
  g_assert_cmpuint (shoal_resume_store_last_id (self->store), ==, 3);   /* never given out again */
}

/* Every byte of a record flipped, every end cut off: the older generation, and a full check. */
static void
test_damage (Fixture      *self,
             gconstpointer data)
{
  g_autofree char *path = path_of (self, "5.resume");
  g_autofree char *bytes = NULL;
  gsize size;

  shoal_resume_store_save (self->store, new_record (5, "old", "five"));
  g_assert_true (shoal_resume_store_flush (self->store));
  shoal_resume_store_save (self->store, new_record (5, "new", ""));
  g_assert_true (shoal_resume_store_flush (self->store));
  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));

  for (gsize i = 0; i < 2 * size; i++)
    {
      gsize length = i < size ? size : i - size;

      if (i < size)
        bytes[i] ^= 0x40;
      g_assert_true (g_file_set_contents (path, bytes, (gssize) length, NULL));
      g_ptr_array_set_size (self->records, 0);
      g_ptr_array_set_size (self->metainfos, 0);
      g_assert_cmpuint (shoal_resume_store_load (self->store, loaded, self), ==, 1);
      g_assert_cmpstr (record_at (self, 0)->name, ==, "old");
      g_assert_cmpuint (record_at (self, 0)->checked_to, ==, 0);
      g_assert_cmpuint (g_bytes_get_size (self->metainfos->pdata[0]), ==, 4);
      g_assert_true (exists (self, "5.resume.bad"));
      g_assert_false (exists (self, "5.resume"));
      if (i < size)
        bytes[i] ^= 0x40;
    }
}

/* Only the .torrent is left. */
static void
test_lost (Fixture      *self,
           gconstpointer data)
{
  g_autofree char *record = path_of (self, "5.resume");
  g_autofree char *torrent = path_of (self, "6.torrent");

  shoal_resume_store_save (self->store, new_record (5, "five", "five"));
  shoal_resume_store_save (self->store, new_record (6, "six", "six"));
  g_assert_true (shoal_resume_store_flush (self->store));
  g_assert_cmpint (truncate (record, 20), ==, 0);
  g_assert_cmpint (g_unlink (torrent), ==, 0);

  restart (self, 1);
  g_assert_cmpuint (record_at (self, 0)->id, ==, 5);
  g_assert_cmpuint (record_at (self, 0)->checked_to, ==, 0);
  g_assert_true (record_at (self, 0)->paused);
  g_assert_true (record_at (self, 0)->has_metainfo);
  g_assert_true (g_path_is_absolute (record_at (self, 0)->dir));
  g_assert_cmpuint (g_bytes_get_size (self->metainfos->pdata[0]), ==, 4);
}

/* Names that a crash between two steps leaves. */
static void
test_between (Fixture      *self,
              gconstpointer data)
{
  g_autofree char *record = path_of (self, "5.resume");
  g_autofree char *fresh = path_of (self, "5.resume.new");
  g_autofree char *old = path_of (self, "5.resume.old");

  shoal_resume_store_save (self->store, new_record (5, "five", "five"));
  g_assert_true (shoal_resume_store_flush (self->store));
  g_clear_pointer (&self->store, shoal_resume_store_close);

  g_assert_cmpint (g_rename (record, old), ==, 0);
  restart (self, 1);
  g_assert_cmpstr (record_at (self, 0)->name, ==, "five");
  g_assert_cmpuint (record_at (self, 0)->checked_to, ==, G_MAXUINT32);

  g_assert_cmpint (g_rename (old, fresh), ==, 0);
  restart (self, 1);
  g_assert_cmpstr (record_at (self, 0)->name, ==, "five");
  g_assert_true (exists (self, "5.resume"));
  g_assert_false (exists (self, "5.resume.new"));

  /* One that was not written whole. */
  g_assert_true (g_file_set_contents (fresh, "Shoal", -1, NULL));
  restart (self, 1);
  g_assert_cmpuint (record_at (self, 0)->checked_to, ==, G_MAXUINT32);
  g_assert_false (exists (self, "5.resume.new"));
}

static void
test_journal (Fixture      *self,
              gconstpointer data)
{
  g_autoptr (ShoalJournal) journal = shoal_resume_store_journal (self->store, 4);
  g_autoptr (ShoalJournal) same = shoal_resume_store_journal (self->store, 4);
  ShoalResume *record = new_record (4, "four", "4");
  g_autofree guint32 *pieces = NULL;
  const guint8 had = 0x60;   /* 1 and 2 */
  guint n;

  g_assert_true (journal == same);
  for (guint32 i = 0; i < 4; i++)
    shoal_journal_append (journal, i);
  record->had = g_bytes_new (&had, 1);
  shoal_resume_store_save (self->store, record);
  g_assert_true (shoal_resume_store_flush (self->store));
  pieces = shoal_journal_read (journal, 10, &n);
  g_assert_cmpuint (n, ==, 2);
  g_assert_cmpuint (pieces[0], ==, 0);
  g_assert_cmpuint (pieces[1], ==, 3);

  record = new_record (4, "four", "");
  record->complete = TRUE;
  shoal_resume_store_save (self->store, record);
  g_assert_true (shoal_resume_store_flush (self->store));
  g_assert_null (shoal_journal_read (journal, 10, &n));
}

typedef struct
{
  gint     n;
  gboolean ok;
} Sync;

static gboolean
count_sync (guint64  id,
            gpointer data)
{
  Sync *sync = data;

  g_atomic_int_inc (&sync->n);

  return sync->ok;
}

/* Data comes before the record that claims it, and a record never claims what was lost. */
static void
test_sync (Fixture      *self,
           gconstpointer data)
{
  g_autoptr (ShoalJournal) journal = shoal_resume_store_journal (self->store, 4);
  g_autofree guint32 *pieces = NULL;
  Sync sync = { 0, TRUE };
  guint n;

  shoal_journal_append (journal, 0);
  shoal_resume_store_set_sync (self->store, count_sync, &sync);
  shoal_resume_store_save (self->store, new_record (4, "four", "4"));
  g_assert_true (shoal_resume_store_flush (self->store));
  g_assert_cmpint (g_atomic_int_get (&sync.n), ==, 1);
  sync.ok = FALSE;
  shoal_resume_store_save (self->store, new_record (4, "four", ""));
  g_assert_true (shoal_resume_store_flush (self->store));
  shoal_resume_store_set_sync (self->store, NULL, NULL);
  pieces = shoal_journal_read (journal, 10, &n);
  g_assert_cmpuint (n, ==, 1);
  restart (self, 1);
  g_assert_cmpuint (record_at (self, 0)->checked_to, ==, 0);
}

/* A process that is killed while it saves: every record is an old or a new one. */
static void
test_kill (Fixture      *self,
           gconstpointer data)
{
  for (guint round = 0; round < 5; round++)
    {
      pid_t child;
      int pipes[2];
      char byte;

      g_clear_pointer (&self->store, shoal_resume_store_close);
      g_assert_cmpint (pipe (pipes), ==, 0);
      child = fork ();
      if (child == 0)
        {
          ShoalResumeStore *store = shoal_resume_store_open (self->dir, NULL);

          for (guint i = 0;; i++)
            {
              for (guint64 id = 1; id <= 5; id++)
                shoal_resume_store_save (store, new_record (id, "name", i == 0 ? "torrent" : ""));
              shoal_resume_store_flush (store);
              if (i == round * 7 + 1 && write (pipes[1], "x", 1) != 1)
                _exit (1);
            }
        }
      g_assert_cmpint (read (pipes[0], &byte, 1), ==, 1);
      g_assert_cmpint (kill (child, SIGKILL), ==, 0);
      g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
      close (pipes[0]);
      close (pipes[1]);
      restart (self, 5);
      for (guint i = 0; i < 5; i++)
        {
          g_assert_cmpstr (record_at (self, i)->name, ==, "name");
          g_assert_cmpuint (record_at (self, i)->checked_to, ==, G_MAXUINT32);
          g_assert_nonnull (self->metainfos->pdata[i]);
        }
    }
}

static void
test_in_use (Fixture      *self,
             gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *words = g_strdup_printf ("in use by process %ld", (long) getpid ());

  g_assert_null (shoal_resume_store_open (self->dir, &error));
  g_assert_error (error, SHOAL_STORE_ERROR, SHOAL_STORE_ERROR_IN_USE);
  g_assert_nonnull (strstr (error->message, words));
  restart (self, 0);
}

/* A full disk: the old records are as they were, and the new ones are saved once there is room. */
static void
test_full (void)
{
  Fixture self = { 0 };
  g_autofree char *dir = NULL;
  g_autofree char *ballast = NULL;
  g_autofree char *zeros = g_malloc0 (300000);
  g_autofree char *big = g_strnfill (60000, 'x');

  if (!shoal_test_may_mount ())
    return;
  dir = shoal_test_temp_dir ();
  shoal_test_mount (dir, FALSE, "size=200k");
  self.dir = g_strdup (dir);
  self.records = g_ptr_array_new_with_free_func ((GDestroyNotify) shoal_resume_unref);
  self.metainfos = g_ptr_array_new_with_free_func (free_bytes);
  open_store (&self);
  ballast = path_of (&self, "ballast");
  shoal_resume_store_save (self.store, new_record (1, "old", "torrent"));
  g_assert_true (shoal_resume_store_flush (self.store));

  g_file_set_contents (ballast, zeros, 300000, NULL);
  for (gssize i = 200000; i > 0 && !g_file_set_contents (ballast, zeros, i, NULL); i -= 4096)
    ;
  g_test_expect_message ("shoal-io", G_LOG_LEVEL_MESSAGE, "*could not be saved*");
  shoal_resume_store_save (self.store, new_record (1, big, ""));
  g_assert_false (shoal_resume_store_flush (self.store));
  g_test_assert_expected_messages ();
  g_ptr_array_set_size (self.records, 0);
  g_assert_cmpuint (shoal_resume_store_load (self.store, loaded, &self), ==, 1);
  g_assert_cmpstr (record_at (&self, 0)->name, ==, "old");
  g_assert_cmpuint (record_at (&self, 0)->checked_to, ==, G_MAXUINT32);

  g_assert_cmpint (g_unlink (ballast), ==, 0);
  g_assert_true (shoal_resume_store_flush (self.store));
  restart (&self, 1);
  g_assert_cmpstr (record_at (&self, 0)->name, ==, big);

  shoal_resume_store_close (self.store);
  g_assert_cmpint (umount2 (dir, MNT_DETACH), ==, 0);
  g_assert_cmpint (g_rmdir (dir), ==, 0);
  g_ptr_array_unref (self.records);
  g_ptr_array_unref (self.metainfos);
  g_free (self.dir);
}

/* Thousands of torrents are there at once. */
static void
test_many (Fixture      *self,
           gconstpointer data)
{
  const guint n = g_test_perf () ? 2000 : 100;
  g_autofree char *torrent = g_strnfill (26000, 'd');
  gint64 before;

  for (guint i = 1; i <= n; i++)
    {
      ShoalResume *record = new_record (i, "a name of ordinary length", torrent);

      record->had = g_bytes_new (torrent, 190);
      shoal_resume_store_save (self->store, record);
    }
  g_assert_true (shoal_resume_store_flush (self->store));
  before = g_get_monotonic_time ();
  restart (self, n);
  g_test_message ("%u torrents in %.3f s", n,
                  (double) (g_get_monotonic_time () - before) / G_USEC_PER_SEC);
}

static void
test_no_folder (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (shoal_resume_store_open ("/proc/nothing/here", &error));
  g_assert_nonnull (error);
  g_assert_true (error->domain == G_IO_ERROR);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/io/resume-store/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("keep", test_keep);
  ADD ("nodes", test_nodes);
  ADD ("forget", test_forget);
  ADD ("damage", test_damage);
  ADD ("lost", test_lost);
  ADD ("between", test_between);
  ADD ("journal", test_journal);
  ADD ("sync", test_sync);
  ADD ("kill", test_kill);
  ADD ("in-use", test_in_use);
  ADD ("many", test_many);
  g_test_add_func ("/io/resume-store/full", test_full);
  g_test_add_func ("/io/resume-store/no-folder", test_no_folder);
  return g_test_run ();
}
