/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A journal gives back what was appended, whatever happens to its file. */

#include <glib/gstdio.h>
#include <unistd.h>

#include "shoal-journal.h"
#include "shoal-test.h"

#define N_PIECES 1000u

typedef struct
{
  char         *dir;
  char         *path;
  ShoalJournal *journal;
} Fixture;

static void
set_up (Fixture      *self,
        gconstpointer data)
{
  self->dir = shoal_test_temp_dir ();
  self->path = g_build_filename (self->dir, "7.journal", NULL);
  self->journal = shoal_journal_new (self->path, 7);
}

static void
tear_down (Fixture      *self,
           gconstpointer data)
{
  shoal_journal_unref (self->journal);
  shoal_test_remove_temp_dir (self->dir);
  g_free (self->dir);
  g_free (self->path);
}

static void
expect (ShoalJournal *journal,
        const char   *wanted)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree guint32 *pieces = NULL;
  guint n;

  pieces = shoal_journal_read (journal, N_PIECES, &n);
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, i > 0 ? " %u" : "%u", pieces[i]);
  g_assert_cmpstr (text->str, ==, wanted);
}

static void
append (ShoalJournal *journal,
        guint32       piece)
{
  g_assert_true (shoal_journal_append (journal, piece));
}

static void
test_append (Fixture      *self,
             gconstpointer data)
{
  g_autoptr (ShoalJournal) again = NULL;

  expect (self->journal, "");
  g_assert_false (g_file_test (self->path, G_FILE_TEST_EXISTS));
  append (self->journal, 5);
  append (self->journal, 999);
  append (self->journal, 5);
  append (self->journal, 1000);
  append (self->journal, 0);
  expect (self->journal, "5 999 0");

  shoal_journal_close (self->journal);
  append (self->journal, 1);
  again = shoal_journal_new (self->path, 7);
  expect (again, "5 999 0 1");
}

static void
test_other_torrent (Fixture      *self,
                    gconstpointer data)
{
  g_autoptr (ShoalJournal) other = shoal_journal_new (self->path, 8);

  append (self->journal, 5);
  expect (other, "");
}

/* An entry that was torn, and every byte flipped. */
static void
test_damage (Fixture      *self,
             gconstpointer data)
{
  g_autofree char *bytes = NULL;
  gsize size;

  append (self->journal, 1);
  append (self->journal, 2);
  append (self->journal, 3);
  shoal_journal_close (self->journal);
  g_assert_true (g_file_get_contents (self->path, &bytes, &size, NULL));
  g_assert_cmpuint (size, ==, 24);

  for (gsize i = 8; i < 16; i++)
    {
      bytes[i] ^= 0x10;
      g_assert_true (g_file_set_contents (self->path, bytes, (gssize) size, NULL));
      expect (self->journal, "1 3");
      bytes[i] ^= 0x10;
    }
  for (gsize cut = 17; cut < 24; cut++)
    {
      g_assert_true (g_file_set_contents (self->path, bytes, (gssize) cut, NULL));
      expect (self->journal, "1 2");
      append (self->journal, 9);
      expect (self->journal, "1 2 9");
      shoal_journal_close (self->journal);
    }
}

static void
test_prune (Fixture      *self,
            gconstpointer data)
{
  const guint8 had[] = { 0x40, 0x80 };   /* pieces 1 and 8 */

  for (guint32 i = 0; i < 10; i++)
    append (self->journal, i);
  g_assert_true (shoal_journal_prune (self->journal, had, sizeof had, FALSE));
  expect (self->journal, "0 2 3 4 5 6 7 9");
  append (self->journal, 20);
  expect (self->journal, "0 2 3 4 5 6 7 9 20");
  g_assert_true (shoal_journal_prune (self->journal, NULL, 0, FALSE));
  expect (self->journal, "0 2 3 4 5 6 7 9 20");
  g_assert_true (shoal_journal_prune (self->journal, NULL, 0, TRUE));
  expect (self->journal, "");
  append (self->journal, 4);
  expect (self->journal, "4");
}

static gpointer
append_many (gpointer data)
{
  for (guint32 i = 0; i < N_PIECES; i++)
    append (data, i);

  return NULL;
}

/* Nothing that is appended while the journal is shortened gets lost. */
static void
test_threads (Fixture      *self,
              gconstpointer data)
{
  GThread *thread = g_thread_new ("append", append_many, self->journal);
  const guint8 had[] = { 0xff };   /* the first eight */
  g_autofree guint32 *pieces = NULL;
  guint n;

  for (guint i = 0; i < 200; i++)
    g_assert_true (shoal_journal_prune (self->journal, had, sizeof had, FALSE));
  g_thread_join (thread);
  g_assert_true (shoal_journal_prune (self->journal, had, sizeof had, FALSE));
  pieces = shoal_journal_read (self->journal, N_PIECES, &n);
  g_assert_cmpuint (n, ==, N_PIECES - 8);
}

static void
test_remove (Fixture      *self,
             gconstpointer data)
{
  append (self->journal, 1);
  shoal_journal_remove (self->journal);
  g_assert_false (g_file_test (self->path, G_FILE_TEST_EXISTS));
  append (self->journal, 2);
  g_assert_false (g_file_test (self->path, G_FILE_TEST_EXISTS));
  expect (self->journal, "");
}

static void
test_no_folder (void)
{
  g_autoptr (ShoalJournal) journal = shoal_journal_new ("/nonexistent/folder/1.journal", 1);

  g_assert_false (shoal_journal_append (journal, 1));
  expect (journal, "");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/io/journal/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("append", test_append);
  ADD ("other-torrent", test_other_torrent);
  ADD ("damage", test_damage);
  ADD ("prune", test_prune);
  ADD ("threads", test_threads);
  ADD ("remove", test_remove);
  g_test_add_func ("/io/journal/no-folder", test_no_folder);
  return g_test_run ();
}
