/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps a folder for one process. */

/*
 * flock() on a file in the folder, which ends with the process whatever happens to it; the file
 * tells who has it. Folders behind the document portal have no flock(): there the file itself is
 * the lock, made with O_EXCL, and the process that it names is asked for. A process is told from a
 * later one of the same number by its start time.
 */

#include "shoal-state-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "shoal-error.h"

#define LOCK_NAME  "lock"
#define PLAIN_NAME "lock.pid"
#define TRIES      3u

struct _ShoalStateLock
{
  int         fd;
  int         dir_fd;
  gboolean    plain;    /* the file goes with the lock */
};

/* When a process began, in ticks since the system did; 0: there is none. */
static guint64
start_time (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%ld/stat", (long) pid);
  g_autofree char *text = NULL;
  g_auto (GStrv) fields = NULL;
  const char *rest;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  /* The name in brackets may hold anything; after it comes field 3, and 22 is the time. */
  rest = strrchr (text, ')');
  if (rest == NULL)
    return 0;
  fields = g_strsplit (rest + 1, " ", 24);

  return g_strv_length (fields) > 20 ? g_ascii_strtoull (fields[20], NULL, 10) : 0;
}

static void
write_owner (int fd)
{
  g_autofree char *text = g_strdup_printf ("%ld %" G_GUINT64_FORMAT "\n", (long) getpid (),
                                           start_time (getpid ()));

  if (ftruncate (fd, 0) != 0 || pwrite (fd, text, strlen (text), 0) < 0)
    g_debug ("cannot write the owner of a lock: %s", g_strerror (errno));
}

/* 0: not known. */
static pid_t
read_owner (int      fd,
            guint64 *started)
{
  char text[64] = { 0 };
  char *end = NULL;
  guint64 pid;

  *started = 0;
  if (pread (fd, text, sizeof text - 1, 0) <= 0)
    return 0;
  pid = g_ascii_strtoull (text, &end, 10);
  if (end != NULL && *end == ' ')
    *started = g_ascii_strtoull (end, NULL, 10);

  return pid > 0 && pid <= G_MAXINT ? (pid_t) pid : 0;
}

static ShoalStateLock *
in_use (int         fd,
        const char *dir,
        GError    **error)
{
  guint64 started;
  pid_t owner = read_owner (fd, &started);

  if (owner > 0)
    g_set_error (error, SHOAL_STORE_ERROR, SHOAL_STORE_ERROR_IN_USE,
                 "“%s” is in use by process %ld", dir, (long) owner);
  else
    g_set_error (error, SHOAL_STORE_ERROR, SHOAL_STORE_ERROR_IN_USE,
                 "“%s” is in use by another process", dir);
  close (fd);

  return NULL;
}

static ShoalStateLock *
failed (const char *dir,
        GError    **error)
{
  int saved = errno;

  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved), "Cannot lock “%s”: %s", dir,
               g_strerror (saved));

  return NULL;
}

static ShoalStateLock *
taken (int      fd,
       int      dir_fd,
       gboolean plain)
{
  ShoalStateLock *self = g_new0 (ShoalStateLock, 1);

  write_owner (fd);
  self->fd = fd;
  self->dir_fd = dir_fd;
  self->plain = plain;

  return self;
}

/* A process that does not exist, or another one that got its number. */
static gboolean
is_dead (pid_t   owner,
         guint64 started)
{
  guint64 now;

  if (owner <= 0)
    return FALSE;
  if (kill (owner, 0) != 0 && errno == ESRCH)
    return TRUE;
  now = start_time (owner);

  return started != 0 && now != 0 && now != started;
}

ShoalStateLock *
shoal_state_lock_take_plain (int         dir_fd,
                             const char *dir,
                             GError    **error)
{
  for (guint i = 0; i < TRIES; i++)
    {
      int fd = openat (dir_fd, PLAIN_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                       0600);
      guint64 started;
      pid_t owner;

      if (fd >= 0)
        return taken (fd, dir_fd, TRUE);
      if (errno != EEXIST)
        return failed (dir, error);
      fd = openat (dir_fd, PLAIN_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
      if (fd < 0)
        continue;
      owner = read_owner (fd, &started);
      if (!is_dead (owner, started))
        return in_use (fd, dir, error);
      close (fd);
      unlinkat (dir_fd, PLAIN_NAME, 0);
    }
  errno = EBUSY;

  return failed (dir, error);
}

ShoalStateLock *
shoal_state_lock_take (int         dir_fd,
                       const char *dir,
                       GError    **error)
{
  int fd = openat (dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0)
    return failed (dir, error);
  if (flock (fd, LOCK_EX | LOCK_NB) == 0)
    return taken (fd, dir_fd, FALSE);
  if (errno == EWOULDBLOCK)
    return in_use (fd, dir, error);
  if (errno == ENOSYS || errno == EOPNOTSUPP || errno == ENOLCK || errno == EINVAL)
    {
      close (fd);
      return shoal_state_lock_take_plain (dir_fd, dir, error);
    }
  close (fd);

  return failed (dir, error);
}

void
shoal_state_lock_free (ShoalStateLock *self)
{
  if (self == NULL)
    return;

  if (self->plain)
    unlinkat (self->dir_fd, PLAIN_NAME, 0);
  else if (ftruncate (self->fd, 0) != 0)
    g_debug ("cannot clear the owner of a lock: %s", g_strerror (errno));
  close (self->fd);
  g_free (self);
}
