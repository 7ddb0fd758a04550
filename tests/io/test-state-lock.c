/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder belongs to one process, and is free once that is gone. */

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shoal-error.h"
#include "shoal-state-lock.h"
#include "shoal-test.h"

typedef ShoalStateLock *(*Take) (int dir_fd, const char *dir, GError **error);

typedef struct
{
  Take  take;
  char *dir;
  int   dir_fd;
} Fixture;

static const Take takes[] = { shoal_state_lock_take, shoal_state_lock_take_plain };

static void
set_up (Fixture      *self,
        gconstpointer data)
{
  self->take = takes[GPOINTER_TO_UINT (data)];
  self->dir = shoal_test_temp_dir ();
  self->dir_fd = open (self->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
tear_down (Fixture      *self,
           gconstpointer data)
{
  close (self->dir_fd);
  shoal_test_remove_temp_dir (self->dir);
  g_free (self->dir);
}

static void
expect_in_use (Fixture *self,
               pid_t    owner)
{
  g_autofree char *words = g_strdup_printf ("in use by process %ld", (long) owner);
  g_autoptr (GError) error = NULL;

  g_assert_null (self->take (self->dir_fd, self->dir, &error));
  g_assert_error (error, SHOAL_STORE_ERROR, SHOAL_STORE_ERROR_IN_USE);
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_same_process (Fixture      *self,
                   gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  ShoalStateLock *lock = self->take (self->dir_fd, self->dir, &error);

  g_assert_no_error (error);
  expect_in_use (self, getpid ());
  shoal_state_lock_free (lock);
  lock = self->take (self->dir_fd, self->dir, &error);
  g_assert_no_error (error);
  shoal_state_lock_free (lock);
}

/* The other process is killed, so it cannot clean up. */
static void
test_other_process (Fixture      *self,
                    gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  ShoalStateLock *lock;
  int pipes[2];
  char byte;
  pid_t child;

  g_assert_cmpint (pipe (pipes), ==, 0);
  child = fork ();
  if (child == 0)
    {
      int dir_fd = open (self->dir, O_RDONLY | O_DIRECTORY);
      gboolean taken = self->take (dir_fd, self->dir, NULL) != NULL;

      if (write (pipes[1], taken ? "y" : "n", 1) == 1)
        pause ();
      _exit (1);
    }
  g_assert_cmpint (read (pipes[0], &byte, 1), ==, 1);
  g_assert_cmpint (byte, ==, 'y');
  expect_in_use (self, child);
  g_assert_cmpint (kill (child, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);

  lock = self->take (self->dir_fd, self->dir, &error);
  g_assert_no_error (error);
  shoal_state_lock_free (lock);
  close (pipes[0]);
  close (pipes[1]);
}

/* Another process got the number of the one that died. */
static void
test_number_used_again (void)
{
  Fixture self;
  g_autofree char *path = NULL;
  g_autofree char *text = g_strdup_printf ("%ld 1\n", (long) getppid ());
  ShoalStateLock *lock;

  set_up (&self, GUINT_TO_POINTER (1));
  path = g_build_filename (self.dir, "lock.pid", NULL);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  lock = shoal_state_lock_take_plain (self.dir_fd, self.dir, NULL);
  g_assert_nonnull (lock);
  shoal_state_lock_free (lock);
  tear_down (&self, NULL);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (takes); i++)
    {
      g_autofree char *same = g_strdup_printf ("/io/state-lock/same-process/%u", i);
      g_autofree char *other = g_strdup_printf ("/io/state-lock/other-process/%u", i);

      g_test_add (same, Fixture, GUINT_TO_POINTER (i), set_up, test_same_process, tear_down);
      g_test_add (other, Fixture, GUINT_TO_POINTER (i), set_up, test_other_process, tear_down);
    }
  g_test_add_func ("/io/state-lock/number-used-again", test_number_used_again);
  return g_test_run ();
}
