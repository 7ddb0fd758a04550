/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The resume store: its files, and what is made of them at the start. */

/*
 * Whatever is in the folder, loading goes on: a record that cannot be used is set aside under
 * another name, and its torrent comes with what is left of it.
 */

#include "shoal-resume-store-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shoal-resume-record.h"

#define ID_DIGITS_MAX 20u

char *
store_file_name (guint64     id,
                 const char *suffix)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT "%s", id, suffix);
}

guint64 *
store_id_key (guint64 id)
{
  return g_memdup2 (&id, sizeof id);
}

gboolean
store_write_file (ShoalResumeStore *self,
                  const char       *name,
                  GBytes           *bytes)
{
  int fd = openat (self->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  gsize size, at = 0;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  gboolean ok = fd >= 0;
  int saved = errno;

  while (ok && at < size)
    {
      gssize put = write (fd, data + at, size - at);

      if (put < 0 && errno == EINTR)
        continue;
      saved = put == 0 ? ENOSPC : errno;
      ok = put > 0;
      at += ok ? (gsize) put : 0;
    }
  if (ok && fdatasync (fd) != 0)
    {
      saved = errno;
      ok = FALSE;
    }
  if (fd >= 0 && close (fd) != 0 && ok)
    {
      saved = errno;
      ok = FALSE;
    }
  if (!ok && fd >= 0)
    unlinkat (self->dir_fd, name, 0);
  errno = saved;

  return ok;
}

GBytes *
store_read_file (ShoalResumeStore *self,
                 const char       *name,
                 gsize             max)
{
  int fd = openat (self->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  g_autofree guint8 *data = NULL;
  struct stat info;
  gsize size, at = 0;

  if (fd < 0)
    return NULL;
  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode) || info.st_size < 0 ||
      (guint64) info.st_size > max)
    {
      close (fd);
      errno = EFBIG;
      return NULL;
    }

  size = (gsize) info.st_size;
  data = g_malloc (MAX (size, 1));
  while (at < size)
    {
      gssize got = pread (fd, data + at, size - at, (off_t) at);

      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        break;
      at += (gsize) got;
    }
  close (fd);
  if (at < size)
    {
      errno = EIO;
      return NULL;
    }

  return g_bytes_new_take (g_steal_pointer (&data), size);
}

gboolean
store_rename_file (ShoalResumeStore *self,
                   const char       *from,
                   const char       *to)
{
  return renameat (self->dir_fd, from, self->dir_fd, to) == 0;
}

guint64
store_read_last_id (ShoalResumeStore *self)
{
  g_autoptr (GBytes) bytes = store_read_file (self, LAST_ID_NAME, 64);
  g_autofree char *text = NULL;
  gsize size;

  if (bytes == NULL)
    return 0;
  text = g_strndup (g_bytes_get_data (bytes, &size), g_bytes_get_size (bytes));

  return g_ascii_strtoull (text, NULL, 10);
}

/* "12.resume": 12 and ".resume". */
static gboolean
split_name (const char  *name,
            guint64     *id,
            const char **suffix)
{
  gsize digits = strspn (name, "0123456789");
  char *end;

  if (digits == 0 || digits > ID_DIGITS_MAX || name[digits] != '.')
    return FALSE;
  *id = g_ascii_strtoull (name, &end, 10);
  *suffix = end;

  return *id > 0 && *id < G_MAXUINT64;
}

static int
compare_ids (gconstpointer a,
             gconstpointer b)
{
  guint64 one = *(const guint64 *) a;
  guint64 other = *(const guint64 *) b;

  return one < other ? -1 : one > other;
}

GArray *
store_list_ids (ShoalResumeStore *self)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  int fd = openat (self->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd >= 0 ? fdopendir (fd) : NULL;
  struct dirent *entry;

  if (stream == NULL && fd >= 0)
    close (fd);
  while (stream != NULL && (entry = readdir (stream)) != NULL)
    {
      const char *suffix;
      guint64 id;

      if (!split_name (entry->d_name, &id, &suffix))
        continue;
      if (strcmp (suffix, ".resume") != 0 && strcmp (suffix, ".resume.old") != 0 &&
          strcmp (suffix, ".resume.new") != 0 && strcmp (suffix, ".torrent") != 0)
        continue;
      if (g_hash_table_add (seen, store_id_key (id)))
        g_array_append_val (ids, id);
    }
  if (stream != NULL)
    closedir (stream);
  g_array_sort (ids, compare_ids);

  return ids;
}

/* --- Loading --- */

/* (transfer full) (nullable): the settings in a file. @corrupt: it is there, but wrong. */
static GVariant *
read_record (ShoalResumeStore *self,
             guint64           id,
             const char       *suffix,
             gboolean         *corrupt)
{
  g_autofree char *name = store_file_name (id, suffix);
  g_autoptr (GBytes) bytes = store_read_file (self, name, SHOAL_RESUME_SIZE_MAX);
  g_autoptr (GError) error = NULL;
  const guint8 *data;
  GVariant *dict;
  gsize size;

  if (bytes == NULL)
    {
      *corrupt = errno != ENOENT;
      return NULL;
    }
  data = g_bytes_get_data (bytes, &size);
  dict = shoal_resume_unframe (data, size, &error);
  *corrupt = dict == NULL;
  if (dict == NULL)
    g_message ("The resume record “%s” cannot be used: %s", name, error->message);

  return dict;
}

/* What is left when no record can be read: the torrent waits for the user to say where its data
 * is. */
static ShoalResume *
bare_record (guint64 id)
{
  const char *downloads = g_get_user_special_dir (G_USER_DIRECTORY_DOWNLOAD);
  ShoalResume *record = shoal_resume_new (id);

  record->dir = g_strdup (downloads != NULL ? downloads : g_get_home_dir ());
  record->paused = TRUE;
  record->part_suffix = TRUE;
  record->has_metainfo = TRUE;
  record->reason = SHOAL_REASON_FOLDER_GONE;
  record->checked_to = 0;

  return record;
}

ShoalResume *
store_load_record (ShoalResumeStore *self,
                   guint64           id,
                   gboolean          set_aside)
{
  g_autoptr (GVariant) dict = NULL;
  gboolean corrupt, older;
  ShoalResume *record;

  dict = read_record (self, id, ".resume", &corrupt);
  if (dict != NULL)
    return shoal_resume_from_dict (id, dict);

  if (corrupt && set_aside)
    {
      g_autofree char *name = store_file_name (id, ".resume");
      g_autofree char *aside = store_file_name (id, ".resume.bad");

      store_rename_file (self, name, aside);
    }
  /* No record at all: a crash between two renames. What had been written whole counts. */
  if (!corrupt && set_aside)
    dict = read_record (self, id, ".resume.new", &older);
  if (dict != NULL)
    {
      g_autofree char *fresh = store_file_name (id, ".resume.new");
      g_autofree char *name = store_file_name (id, ".resume");

      store_rename_file (self, fresh, name);
      return shoal_resume_from_dict (id, dict);
    }
  dict = read_record (self, id, ".resume.old", &older);
  if (dict == NULL)
    return NULL;
  record = shoal_resume_from_dict (id, dict);
  if (corrupt)
    record->checked_to = 0;

  return record;
}

static void
drop_temporaries (ShoalResumeStore *self,
                  guint64           id)
{
  static const char *const suffixes[] = { ".resume.new", ".torrent.new", ".journal.new" };

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *name = store_file_name (id, suffixes[i]);

      unlinkat (self->dir_fd, name, 0);
    }
}

static gboolean
load_one (ShoalResumeStore *self,
          guint64           id,
          ShoalResumeLoad   func,
          gpointer          user_data)
{
  g_autofree char *torrent_name = store_file_name (id, ".torrent");
  g_autoptr (GBytes) metainfo = store_read_file (self, torrent_name, TORRENT_SIZE_MAX);
  ShoalResume *record = store_load_record (self, id, TRUE);

  if (record == NULL && metainfo == NULL)
    {
      g_message ("Nothing of torrent %" G_GUINT64_FORMAT " can be read in “%s”", id, self->dir);
      return FALSE;
    }
  if (record == NULL)
    record = bare_record (id);
  if (metainfo == NULL && record->has_metainfo && record->magnet == NULL)
    {
      g_message ("The file “%s/%s” is gone: the torrent “%s” cannot be continued", self->dir,
                 torrent_name, record->name);
      shoal_resume_unref (record);
      return FALSE;
    }
  record->has_metainfo = metainfo != NULL;
  if (record->dir == NULL)
    {
      g_autoptr (ShoalResume) bare = bare_record (id);

      record->dir = g_steal_pointer (&bare->dir);
      record->paused = TRUE;
      record->reason = SHOAL_REASON_FOLDER_GONE;
    }
  func (record, g_steal_pointer (&metainfo), user_data);

  return TRUE;
}

guint
shoal_resume_store_load (ShoalResumeStore *self,
                         ShoalResumeLoad   func,
                         gpointer          user_data)
{
  g_autoptr (GArray) ids = NULL;
  guint n = 0;

  g_return_val_if_fail (self != NULL && func != NULL, 0);

  ids = store_list_ids (self);
  for (guint i = 0; i < ids->len; i++)
    {
      guint64 id = g_array_index (ids, guint64, i);

      n += load_one (self, id, func, user_data);
      drop_temporaries (self, id);
    }

  return n;
}

guint64
shoal_resume_store_last_id (ShoalResumeStore *self)
{
  guint64 id;

  g_return_val_if_fail (self != NULL, 0);

  pthread_mutex_lock (&self->lock);
  id = self->last_id;
  pthread_mutex_unlock (&self->lock);

  return id;
}
