/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces that were written since the last record: eight bytes each, at the end of a file. */

/*
 * Workers append, the store's thread prunes, a worker reads: one mutex keeps them apart. Pruning
 * writes what is left into a new file and renames it, so that a crash leaves one or the other.
 * Nothing is synced: an entry says that a piece is worth hashing, and one that got lost costs only
 * that.
 */

#include "shoal-journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shoal-reader.h"
#include "shoal-writer.h"

#define ENTRY_SIZE   8u
#define JOURNAL_MAX  ((gsize) 64 << 20)   /* bytes that are read */
#define CRC_POLY     0x82f63b78u          /* CRC-32C, reflected */

struct _ShoalJournal
{
  gint            ref_count;
  guint64         id;
  char           *path;
  pthread_mutex_t lock;
  int             fd;        /* -1: not open */
  gboolean        removed;
};

static guint32
entry_crc (guint64 id,
           guint32 piece)
{
  guint32 crc = G_MAXUINT32;

  for (guint i = 0; i < 12; i++)
    {
      crc ^= i < 8 ? (guint8) (id >> (56 - 8 * i)) : (guint8) (piece >> (24 - 8 * (i - 8)));
      for (guint bit = 0; bit < 8; bit++)
        crc = (crc & 1) != 0 ? crc >> 1 ^ CRC_POLY : crc >> 1;
    }

  return ~crc;
}

static void
close_file (ShoalJournal *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

/* An entry that was torn by a full disk would shift all that follow. */
static gboolean
open_file (ShoalJournal *self)
{
  struct stat info;

  if (self->fd >= 0)
    return TRUE;

  self->fd = open (self->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (self->fd < 0)
    return FALSE;
  if (fstat (self->fd, &info) == 0 && info.st_size % ENTRY_SIZE != 0 &&
      ftruncate (self->fd, info.st_size - info.st_size % ENTRY_SIZE) != 0)
    {
      int saved = errno;

      close_file (self);
      errno = saved;
      return FALSE;
    }

  return TRUE;
}

/* (transfer full): the whole file, empty if there is none. */
static guint8 *
read_file (ShoalJournal *self,
           gsize        *size)
{
  int fd = open (self->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat info;
  guint8 *data;
  gsize at = 0;

  *size = 0;
  if (fd < 0)
    return NULL;
  if (fstat (fd, &info) != 0 || info.st_size <= 0)
    {
      close (fd);
      return NULL;
    }

  data = g_malloc (MIN ((gsize) info.st_size, JOURNAL_MAX));
  while (at < MIN ((gsize) info.st_size, JOURNAL_MAX))
    {
      gssize got = pread (fd, data + at, MIN ((gsize) info.st_size, JOURNAL_MAX) - at, (off_t) at);

      if (got <= 0)
        break;
      at += (gsize) got;
    }
  close (fd);
  *size = at - at % ENTRY_SIZE;

  return data;
}

/* Makes @data the whole content. */
static gboolean
replace_file (ShoalJournal  *self,
              const guint8  *data,
              gsize          size)
{
  g_autofree char *temporary = g_strconcat (self->path, ".new", NULL);
  int fd = open (temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  gboolean ok;
  int saved;

  if (fd < 0)
    return FALSE;

  errno = ENOSPC;
  ok = write (fd, data, size) == (gssize) size && rename (temporary, self->path) == 0;
  saved = errno;
  close (fd);
  if (ok)
    close_file (self);   /* of the file that was replaced */
  else
    unlink (temporary);
  errno = saved;

  return ok;
}

ShoalJournal *
shoal_journal_new (const char *path,
                   guint64     id)
{
  ShoalJournal *self;

  g_return_val_if_fail (path != NULL, NULL);

  self = g_new0 (ShoalJournal, 1);
  self->ref_count = 1;
  self->id = id;
  self->path = g_strdup (path);
  self->fd = -1;
  pthread_mutex_init (&self->lock, NULL);

  return self;
}

ShoalJournal *
shoal_journal_ref (ShoalJournal *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_int_inc (&self->ref_count);

  return self;
}

void
shoal_journal_unref (ShoalJournal *self)
{
  if (self == NULL || !g_atomic_int_dec_and_test (&self->ref_count))
    return;

  close_file (self);
  pthread_mutex_destroy (&self->lock);
  g_free (self->path);
  g_free (self);
}

gboolean
shoal_journal_append (ShoalJournal *self,
                      guint32       piece)
{
  guint8 entry[ENTRY_SIZE];
  gboolean ok = TRUE;
  int saved = 0;

  g_return_val_if_fail (self != NULL, FALSE);

  shoal_put (entry, piece, 4);
  shoal_put (entry + 4, entry_crc (self->id, piece), 4);

  pthread_mutex_lock (&self->lock);
  if (!self->removed)
    {
      ok = open_file (self);
      if (ok)
        {
          gssize put = write (self->fd, entry, sizeof entry);

          if (put != sizeof entry)
            {
              saved = put < 0 ? errno : ENOSPC;
              ok = FALSE;
              close_file (self);   /* opening it again cuts what was torn */
            }
        }
      else
        {
          saved = errno;
        }
    }
  pthread_mutex_unlock (&self->lock);
  errno = saved;

  return ok;
}

guint32 *
shoal_journal_read (ShoalJournal *self,
                    guint32       n_pieces,
                    guint        *n)
{
  g_autofree guint8 *data = NULL;
  g_autofree guint8 *seen = NULL;
  guint32 *pieces;
  ShoalReader reader;
  gsize size;

  g_return_val_if_fail (self != NULL && n != NULL, NULL);

  *n = 0;
  pthread_mutex_lock (&self->lock);
  data = self->removed ? NULL : read_file (self, &size);
  pthread_mutex_unlock (&self->lock);
  if (data == NULL || size == 0)
    return NULL;

  pieces = g_new (guint32, MIN (size / ENTRY_SIZE, n_pieces));
  seen = g_malloc0 (n_pieces / 8 + 1);
  reader = shoal_reader (data, size);
  while (shoal_reader_left (&reader) >= ENTRY_SIZE)
    {
      guint32 piece = shoal_reader_u32 (&reader);
      guint32 crc = shoal_reader_u32 (&reader);

      if (piece >= n_pieces || crc != entry_crc (self->id, piece) ||
          (seen[piece / 8] >> piece % 8 & 1) != 0)
        continue;
      seen[piece / 8] |= (guint8) (1 << piece % 8);
      pieces[(*n)++] = piece;
    }
  if (*n == 0)
    g_clear_pointer (&pieces, g_free);

  return pieces;
}

gboolean
shoal_journal_prune (ShoalJournal *self,
                     const guint8 *had,
                     gsize         had_size,
                     gboolean      all)
{
  g_auto (ShoalWriter) left = { 0 };
  g_autofree guint8 *data = NULL;
  ShoalReader reader;
  gboolean ok = TRUE;
  gsize size = 0;
  int saved = 0;

  g_return_val_if_fail (self != NULL, FALSE);

  pthread_mutex_lock (&self->lock);
  data = self->removed ? NULL : read_file (self, &size);
  reader = shoal_reader (data, data != NULL ? size : 0);
  while (!all && shoal_reader_left (&reader) >= ENTRY_SIZE)
    {
      const guint8 *entry = reader.at;
      guint32 piece = shoal_reader_u32 (&reader);

      if (shoal_reader_u32 (&reader) == entry_crc (self->id, piece) &&
          (piece / 8 >= had_size || (had[piece / 8] >> (7 - piece % 8) & 1) == 0))
        shoal_writer_bytes (&left, entry, ENTRY_SIZE);
    }
  if (left.size != size && left.size == 0)
    ok = truncate (self->path, 0) == 0;
  else if (left.size != size)
    ok = replace_file (self, left.data, left.size);
  saved = errno;
  pthread_mutex_unlock (&self->lock);
  errno = ok ? 0 : saved;

  return ok;
}

void
shoal_journal_close (ShoalJournal *self)
{
  g_return_if_fail (self != NULL);

  pthread_mutex_lock (&self->lock);
  close_file (self);
  pthread_mutex_unlock (&self->lock);
}

void
shoal_journal_remove (ShoalJournal *self)
{
  g_return_if_fail (self != NULL);

  pthread_mutex_lock (&self->lock);
  self->removed = TRUE;
  close_file (self);
  unlink (self->path);
  pthread_mutex_unlock (&self->lock);
}
