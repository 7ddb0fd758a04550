/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps what torrents need between runs: records, .torrents and journals, in a locked folder. */

/*
 * Records wait in a table, the newest of each torrent; the thread takes all of them together. Each is written to a
 * temporary file and synced before any is renamed: on a full disk or after a crash the old ones are untouched. The
 * record before is kept under a second name by a hard link, so that at no moment there is none. What cannot be
 * saved goes back to the table unless a newer one came, and is tried again.
 *
 * Order for one torrent: its data is synced, then the record that claims it is written, then the journal loses what
 * the record claims. The .torrent comes before the record that says that it is there; a .torrent without a record
 * is a torrent whose record has been lost.
 *
 * One mutex guards the tables; files are touched without it, but for a torrent that is being forgotten: that waits
 * until the thread has nothing of it in hands.
 */

#include "shoal-resume-store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shoal-error.h"
#include "shoal-resume-backend.h"
#include "shoal-resume-record.h"
#include "shoal-state-lock.h"

#define RETRY_S          30u
#define TORRENT_SIZE_MAX (64u * 1024 * 1024)   /* bytes */
#define LAST_ID_NAME     "last-id"
#define ID_DIGITS_MAX    20u
#define SCHEMA_VARIABLE  "SHOAL_SCHEMA_DIR"
#ifndef SHOAL_SCHEMA_DIR
#define SHOAL_SCHEMA_DIR "/usr/share/shoal/schemas"
#endif

/* A record that waits or is being saved. */
typedef struct
{
  guint64      id;
  ShoalResume *record;     /* (owned) */
  GBytes      *metainfo;   /* (owned) (nullable): still to be written; may have come with an earlier record */
  gboolean     recheck;    /* its data could not be synced */
  gboolean     failed;
} Save;

struct _ShoalResumeStore
{
  char             *dir;
  int               dir_fd;
  ShoalStateLock   *state_lock;
  pthread_t         thread;
  GSettingsBackend *backend;     /* (nullable): made when it is asked for */

  pthread_mutex_t   lock;        /* of all that follows */
  pthread_cond_t    work;
  pthread_cond_t    progress;    /* a batch is over */
  GHashTable       *pending;     /* id to Save */
  GHashTable       *forgotten;   /* ids */
  GHashTable       *journals;    /* id to ShoalJournal */
  GPtrArray        *batch;       /* (nullable): of Save: in the thread's hands */
  ShoalResumeSync   sync;
  gpointer          sync_data;
  guint64           last_id;     /* saved or loaded */
  guint64           kept_id;     /* in the file; of the thread alone */
  guint64           n_batches;   /* that are over */
  gboolean          failing;     /* the last batch left something over */
  gboolean          try_now;
  gboolean          quit;
};

/* --- Small files --- */

static char *
file_name (guint64     id,
           const char *suffix)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT "%s", id, suffix);
}

static guint64 *
id_key (guint64 id)
{
  return g_memdup2 (&id, sizeof id);
}

/* Writes and syncs @name from the beginning. FALSE: errno; nothing is left. */
static gboolean
write_file (ShoalResumeStore *self,
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

/* (transfer full) (nullable): a whole file; NULL: errno */
static GBytes *
read_file (ShoalResumeStore *self,
           const char       *name,
           gsize             max)
{
  int fd = openat (self->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  g_autofree guint8 *data = NULL;
  struct stat info;
  gsize size, at = 0;

  if (fd < 0)
    return NULL;
  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode) || info.st_size < 0 || (guint64) info.st_size > max)
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

static gboolean
rename_file (ShoalResumeStore *self,
             const char       *from,
             const char       *to)
{
  return renameat (self->dir_fd, from, self->dir_fd, to) == 0;
}

/* --- Saving, on the thread --- */

static gboolean
write_temporaries (ShoalResumeStore *self,
                   Save             *save)
{
  g_autofree char *record_name = file_name (save->id, ".resume.new");
  g_autofree char *torrent_name = file_name (save->id, ".torrent.new");
  g_autoptr (GVariant) dict = shoal_resume_to_dict (save->record, save->recheck);
  g_autoptr (GBytes) frame = shoal_resume_frame (dict);

  if (save->metainfo != NULL && !write_file (self, torrent_name, save->metainfo))
    return FALSE;

  return write_file (self, record_name, frame);
}

static gboolean
rename_temporaries (ShoalResumeStore *self,
                    Save             *save)
{
  g_autofree char *record_new = file_name (save->id, ".resume.new");
  g_autofree char *record_old = file_name (save->id, ".resume.old");
  g_autofree char *record = file_name (save->id, ".resume");
  g_autofree char *torrent_new = file_name (save->id, ".torrent.new");
  g_autofree char *torrent = file_name (save->id, ".torrent");

  if (save->metainfo != NULL && !rename_file (self, torrent_new, torrent))
    return FALSE;

  unlinkat (self->dir_fd, record_old, 0);
  /* Without hard links there is a moment with only the old name, which loading knows. */
  if (linkat (self->dir_fd, record, self->dir_fd, record_old, 0) != 0 && errno != ENOENT)
    rename_file (self, record, record_old);

  return rename_file (self, record_new, record);
}

/* Before a record of a new id: ids of torrents that are gone are not given out again. */
static gboolean
keep_last_id (ShoalResumeStore *self,
              guint64           id)
{
  g_autofree char *text = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (id <= self->kept_id)
    return TRUE;
  text = g_strdup_printf ("%" G_GUINT64_FORMAT "\n", id);
  bytes = g_bytes_new (text, strlen (text));
  if (!write_file (self, LAST_ID_NAME ".new", bytes) || !rename_file (self, LAST_ID_NAME ".new", LAST_ID_NAME))
    return FALSE;
  self->kept_id = id;

  return TRUE;
}

static void
prune (ShoalResumeStore *self,
       const Save       *save)
{
  g_autoptr (ShoalJournal) journal = shoal_resume_store_journal (self, save->id);
  const ShoalResume *record = save->record;
  const guint8 *had = NULL;
  gsize size = 0;

  if (record->had != NULL)
    had = g_bytes_get_data (record->had, &size);
  if (!shoal_journal_prune (journal, had, size, record->complete && record->had == NULL))
    g_debug ("cannot shorten a journal: %s", g_strerror (errno));
}

/* Returns: how many could not be saved */
static guint
save_batch (ShoalResumeStore *self,
            GPtrArray        *batch)
{
  guint64 highest = 0;
  guint n_failed = 0;
  int error = 0;

  for (guint i = 0; i < batch->len; i++)
    highest = MAX (highest, ((Save *) batch->pdata[i])->id);

  for (guint i = 0; i < batch->len; i++)
    {
      Save *save = batch->pdata[i];

      save->failed = !keep_last_id (self, highest) || !write_temporaries (self, save);
      error = save->failed ? errno : error;
    }
  for (guint i = 0; i < batch->len; i++)
    {
      Save *save = batch->pdata[i];

      if (!save->failed && !rename_temporaries (self, save))
        {
          error = errno;
          save->failed = TRUE;
        }
      n_failed += save->failed;
    }
  if (n_failed < batch->len)
    fsync (self->dir_fd);
  if (n_failed > 0)
    g_message ("%u resume records could not be saved in “%s”: %s", n_failed, self->dir, g_strerror (error));

  for (guint i = 0; i < batch->len; i++)
    {
      Save *save = batch->pdata[i];

      if (!save->failed && !save->recheck)
        prune (self, save);
    }

  return n_failed;
}

static void
save_free (gpointer data)
{
  Save *self = data;

  if (self == NULL)
    return;
  shoal_resume_unref (self->record);
  g_clear_pointer (&self->metainfo, g_bytes_unref);
  g_free (self);
}

/* Takes everything that waits; lock held. (transfer full) */
static GPtrArray *
take_pending (ShoalResumeStore *self)
{
  GPtrArray *batch = g_ptr_array_new_with_free_func (save_free);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->pending);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      g_hash_table_iter_steal (&iter);
      g_ptr_array_add (batch, value);
    }

  return batch;
}

/* What failed waits again, unless something newer does, which then has to bring the .torrent too; lock held. */
static void
put_back (ShoalResumeStore *self,
          GPtrArray        *batch)
{
  for (guint i = 0; i < batch->len; i++)
    {
      Save *save = batch->pdata[i];
      Save *newer = g_hash_table_lookup (self->pending, &save->id);

      if (!save->failed || g_hash_table_contains (self->forgotten, &save->id))
        continue;
      if (newer == NULL)
        {
          newer = g_new0 (Save, 1);
          newer->id = save->id;
          newer->record = shoal_resume_ref (save->record);
          g_hash_table_insert (self->pending, &newer->id, newer);
        }
      if (newer->metainfo == NULL)
        newer->metainfo = g_steal_pointer (&save->metainfo);
    }
}

/* One batch; lock held, and given up meanwhile. */
static void
do_batch (ShoalResumeStore *self)
{
  ShoalResumeSync sync = self->sync;
  gpointer sync_data = self->sync_data;
  GPtrArray *batch = take_pending (self);
  guint n_failed;

  self->batch = batch;
  pthread_mutex_unlock (&self->lock);

  for (guint i = 0; i < batch->len && sync != NULL; i++)
    {
      Save *save = batch->pdata[i];

      save->recheck = !sync (save->id, sync_data);
    }
  n_failed = save_batch (self, batch);

  pthread_mutex_lock (&self->lock);
  put_back (self, batch);
  self->failing = n_failed > 0;
  self->batch = NULL;
  self->n_batches++;
  pthread_cond_broadcast (&self->progress);
  g_ptr_array_unref (batch);
}

/* Waits for work, or for the time of another try; lock held. */
static void
wait_for_work (ShoalResumeStore *self)
{
  struct timespec until;

  if (g_hash_table_size (self->pending) == 0)
    {
      pthread_cond_wait (&self->work, &self->lock);
      return;
    }
  clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_sec += RETRY_S;
  if (pthread_cond_timedwait (&self->work, &self->lock, &until) == ETIMEDOUT)
    self->try_now = TRUE;
}

static void *
store_main (void *data)
{
  ShoalResumeStore *self = data;

  pthread_mutex_lock (&self->lock);
  while (TRUE)
    {
      while (!self->quit && !self->try_now)
        wait_for_work (self);
      self->try_now = FALSE;
      if (g_hash_table_size (self->pending) > 0)
        do_batch (self);
      if (self->quit && (g_hash_table_size (self->pending) == 0 || self->failing))
        break;
    }
  pthread_mutex_unlock (&self->lock);

  return NULL;
}

/* --- Opening and closing --- */

static guint64
read_last_id (ShoalResumeStore *self)
{
  g_autoptr (GBytes) bytes = read_file (self, LAST_ID_NAME, 64);
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

/* (transfer full): ids of all that is kept, in order, each once. */
static GArray *
list_ids (ShoalResumeStore *self)
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
      if (strcmp (suffix, ".resume") != 0 && strcmp (suffix, ".resume.old") != 0 && strcmp (suffix, ".resume.new") != 0 &&
          strcmp (suffix, ".torrent") != 0)
        continue;
      if (g_hash_table_add (seen, id_key (id)))
        g_array_append_val (ids, id);
    }
  if (stream != NULL)
    closedir (stream);
  g_array_sort (ids, compare_ids);

  return ids;
}

static guint64
highest_id (ShoalResumeStore *self)
{
  g_autoptr (GArray) ids = list_ids (self);

  return ids->len > 0 ? g_array_index (ids, guint64, ids->len - 1) : 0;
}

static gboolean
start_thread (ShoalResumeStore *self,
              GError          **error)
{
  pthread_condattr_t monotonic;
  int failed;

  pthread_mutex_init (&self->lock, NULL);
  pthread_condattr_init (&monotonic);
  pthread_condattr_setclock (&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init (&self->work, &monotonic);
  pthread_cond_init (&self->progress, NULL);
  pthread_condattr_destroy (&monotonic);

  failed = pthread_create (&self->thread, NULL, store_main, self);
  if (failed != 0)
    {
      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (failed), "Cannot start a thread: %s", g_strerror (failed));
      return FALSE;
    }
  pthread_setname_np (self->thread, "shoal-store");

  return TRUE;
}

static void
store_free (ShoalResumeStore *self)
{
  if (self->backend != NULL)
    shoal_resume_backend_detach (self->backend);
  g_clear_object (&self->backend);
  g_hash_table_unref (self->pending);
  g_hash_table_unref (self->forgotten);
  g_hash_table_unref (self->journals);
  g_clear_pointer (&self->state_lock, shoal_state_lock_free);
  if (self->dir_fd >= 0)
    close (self->dir_fd);
  pthread_cond_destroy (&self->work);
  pthread_cond_destroy (&self->progress);
  pthread_mutex_destroy (&self->lock);
  g_free (self->dir);
  g_free (self);
}

ShoalResumeStore *
shoal_resume_store_open (const char *dir,
                         GError    **error)
{
  ShoalResumeStore *self;
  int dir_fd = -1;

  g_return_val_if_fail (dir != NULL && g_path_is_absolute (dir), NULL);

  if (g_mkdir_with_parents (dir, 0700) == 0)
    dir_fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir_fd < 0)
    {
      int saved = errno;

      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved), "Cannot open the folder “%s”: %s", dir, g_strerror (saved));
      return NULL;
    }

  self = g_new0 (ShoalResumeStore, 1);
  self->dir = g_strdup (dir);
  self->dir_fd = dir_fd;
  self->pending = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, save_free);
  self->forgotten = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->journals = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) shoal_journal_unref);
  self->state_lock = shoal_state_lock_take (dir_fd, dir, error);
  if (self->state_lock != NULL)
    {
      self->kept_id = read_last_id (self);
      self->last_id = MAX (self->kept_id, highest_id (self));
    }
  if (self->state_lock == NULL || !start_thread (self, error))
    {
      store_free (self);
      return NULL;
    }

  return self;
}

void
shoal_resume_store_close (ShoalResumeStore *self)
{
  if (self == NULL)
    return;

  pthread_mutex_lock (&self->lock);
  self->quit = TRUE;
  pthread_cond_signal (&self->work);
  pthread_mutex_unlock (&self->lock);
  pthread_join (self->thread, NULL);

  store_free (self);
}

/* --- Loading --- */

/* (transfer full) (nullable): the settings in a file. @corrupt: it is there, but wrong. */
static GVariant *
read_record (ShoalResumeStore *self,
             guint64           id,
             const char       *suffix,
             gboolean         *corrupt)
{
  g_autofree char *name = file_name (id, suffix);
  g_autoptr (GBytes) bytes = read_file (self, name, SHOAL_RESUME_SIZE_MAX);
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

/* What is left when no record can be read: the torrent waits for the user to say where its data is. */
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

/* (transfer full) (nullable): the best record of a torrent. @set_aside: whether a wrong one may be renamed. */
static ShoalResume *
load_record (ShoalResumeStore *self,
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
      g_autofree char *name = file_name (id, ".resume");
      g_autofree char *aside = file_name (id, ".resume.bad");

      rename_file (self, name, aside);
    }
  /* No record at all: a crash between two renames. What had been written whole counts. */
  if (!corrupt && set_aside)
    dict = read_record (self, id, ".resume.new", &older);
  if (dict != NULL)
    {
      g_autofree char *fresh = file_name (id, ".resume.new");
      g_autofree char *name = file_name (id, ".resume");

      rename_file (self, fresh, name);
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
      g_autofree char *name = file_name (id, suffixes[i]);

      unlinkat (self->dir_fd, name, 0);
    }
}

static gboolean
load_one (ShoalResumeStore *self,
          guint64           id,
          ShoalResumeLoad   func,
          gpointer          user_data)
{
  g_autofree char *torrent_name = file_name (id, ".torrent");
  g_autoptr (GBytes) metainfo = read_file (self, torrent_name, TORRENT_SIZE_MAX);
  ShoalResume *record = load_record (self, id, TRUE);

  if (record == NULL && metainfo == NULL)
    {
      g_message ("Nothing of torrent %" G_GUINT64_FORMAT " can be read in “%s”", id, self->dir);
      return FALSE;
    }
  if (record == NULL)
    record = bare_record (id);
  if (metainfo == NULL && record->has_metainfo && record->magnet == NULL)
    {
      g_message ("The file “%s/%s” is gone: the torrent “%s” cannot be continued", self->dir, torrent_name, record->name);
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

  ids = list_ids (self);
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

/* --- One torrent --- */

void
shoal_resume_store_save (ShoalResumeStore *self,
                         ShoalResume      *record)
{
  Save *save;

  g_return_if_fail (self != NULL && record != NULL);
  g_return_if_fail (record->id > 0 && record->id < G_MAXUINT64);

  save = g_new0 (Save, 1);
  save->id = record->id;
  save->record = record;
  save->metainfo = record->metainfo != NULL ? g_bytes_ref (record->metainfo) : NULL;

  pthread_mutex_lock (&self->lock);
  if (g_hash_table_contains (self->forgotten, &save->id))
    {
      save_free (save);
    }
  else
    {
      Save *before = g_hash_table_lookup (self->pending, &save->id);

      if (before != NULL && save->metainfo == NULL)
        save->metainfo = g_steal_pointer (&before->metainfo);
      self->last_id = MAX (self->last_id, save->id);
      g_hash_table_replace (self->pending, &save->id, save);
      self->try_now = TRUE;
      pthread_cond_signal (&self->work);
    }
  pthread_mutex_unlock (&self->lock);
}

gboolean
shoal_resume_store_flush (ShoalResumeStore *self)
{
  gboolean ok;

  g_return_val_if_fail (self != NULL, FALSE);

  pthread_mutex_lock (&self->lock);
  if (self->batch != NULL || g_hash_table_size (self->pending) > 0)
    {
      /* A batch that is under way may have been taken before the last record came. */
      guint64 until = self->n_batches + (self->batch != NULL) + (g_hash_table_size (self->pending) > 0);

      self->try_now = TRUE;
      pthread_cond_signal (&self->work);
      while (self->n_batches < until && (self->batch != NULL || g_hash_table_size (self->pending) > 0))
        pthread_cond_wait (&self->progress, &self->lock);
    }
  ok = !self->failing || (self->batch == NULL && g_hash_table_size (self->pending) == 0);
  pthread_mutex_unlock (&self->lock);

  return ok;
}

static gboolean
is_in_hands (ShoalResumeStore *self,
             guint64           id)
{
  for (guint i = 0; self->batch != NULL && i < self->batch->len; i++)
    {
      if (((Save *) self->batch->pdata[i])->id == id)
        return TRUE;
    }

  return FALSE;
}

gboolean
shoal_resume_store_forget (ShoalResumeStore *self,
                           guint64           id,
                           GError          **error)
{
  /* The .torrent first: a record without one is no torrent, but a .torrent without a record is. */
  static const char *const suffixes[] = {
    ".torrent", ".resume.old", ".resume", ".resume.bad", ".resume.new", ".torrent.new", ".journal.new", ".edges",
  };
  g_autoptr (ShoalJournal) journal = NULL;
  gboolean ok = TRUE;

  g_return_val_if_fail (self != NULL, FALSE);

  journal = shoal_resume_store_journal (self, id);
  pthread_mutex_lock (&self->lock);
  g_hash_table_add (self->forgotten, id_key (id));
  g_hash_table_remove (self->pending, &id);
  g_hash_table_remove (self->journals, &id);
  while (is_in_hands (self, id))
    pthread_cond_wait (&self->progress, &self->lock);
  pthread_mutex_unlock (&self->lock);

  shoal_journal_remove (journal);
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *name = file_name (id, suffixes[i]);

      if (unlinkat (self->dir_fd, name, 0) != 0 && errno != ENOENT && ok)
        {
          int saved = errno;

          ok = FALSE;
          g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved), "Cannot delete “%s/%s”: %s",
                       self->dir, name, g_strerror (saved));
        }
    }
  fsync (self->dir_fd);

  return ok;
}

/* The record and .torrent that are not in files yet. */
static void
look_in_memory (ShoalResumeStore *self,
                guint64           id,
                ShoalResume     **record,
                GBytes          **metainfo)
{
  Save *save;

  pthread_mutex_lock (&self->lock);
  save = g_hash_table_lookup (self->pending, &id);
  for (guint i = 0; save == NULL && self->batch != NULL && i < self->batch->len; i++)
    {
      if (((Save *) self->batch->pdata[i])->id == id)
        save = self->batch->pdata[i];
    }
  if (save != NULL && record != NULL)
    *record = shoal_resume_ref (save->record);
  if (save != NULL && metainfo != NULL && save->metainfo != NULL)
    *metainfo = g_bytes_ref (save->metainfo);
  pthread_mutex_unlock (&self->lock);
}

ShoalResume *
shoal_resume_store_record (ShoalResumeStore *self,
                           guint64           id)
{
  ShoalResume *record = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  look_in_memory (self, id, &record, NULL);

  return record != NULL ? record : load_record (self, id, FALSE);
}

GBytes *
shoal_resume_store_metainfo (ShoalResumeStore *self,
                             guint64           id,
                             GError          **error)
{
  g_autofree char *name = file_name (id, ".torrent");
  GBytes *bytes = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  look_in_memory (self, id, NULL, &bytes);
  if (bytes != NULL)
    return bytes;

  bytes = read_file (self, name, TORRENT_SIZE_MAX);
  if (bytes == NULL)
    {
      int saved = errno;

      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved), "Cannot read “%s/%s”: %s",
                   self->dir, name, g_strerror (saved));
    }

  return bytes;
}

ShoalJournal *
shoal_resume_store_journal (ShoalResumeStore *self,
                            guint64           id)
{
  ShoalJournal *journal;

  g_return_val_if_fail (self != NULL, NULL);

  pthread_mutex_lock (&self->lock);
  journal = g_hash_table_lookup (self->journals, &id);
  if (journal == NULL)
    {
      g_autofree char *name = file_name (id, ".journal");
      g_autofree char *path = g_build_filename (self->dir, name, NULL);

      journal = shoal_journal_new (path, id);
      g_hash_table_insert (self->journals, id_key (id), journal);
    }
  shoal_journal_ref (journal);
  pthread_mutex_unlock (&self->lock);

  return journal;
}

char *
shoal_resume_store_edges (ShoalResumeStore *self,
                          guint64           id)
{
  g_autofree char *name = file_name (id, ".edges");

  return g_build_filename (self->dir, name, NULL);
}

void
shoal_resume_store_set_sync (ShoalResumeStore *self,
                             ShoalResumeSync   func,
                             gpointer          user_data)
{
  g_return_if_fail (self != NULL);

  pthread_mutex_lock (&self->lock);
  self->sync = func;
  self->sync_data = user_data;
  while (self->batch != NULL)
    pthread_cond_wait (&self->progress, &self->lock);
  pthread_mutex_unlock (&self->lock);
}

/* --- Settings --- */

static GVariant *
read_for_settings (guint64  id,
                   gpointer user_data)
{
  g_autoptr (ShoalResume) record = shoal_resume_store_record (user_data, id);

  return record != NULL ? shoal_resume_to_dict (record, FALSE) : NULL;
}

static gboolean
write_for_settings (guint64   id,
                    GVariant *dict,
                    gpointer  user_data)
{
  shoal_resume_store_save (user_data, shoal_resume_from_dict (id, dict));

  return TRUE;
}

GSettings *
shoal_resume_store_settings (ShoalResumeStore *self,
                             guint64           id,
                             GError          **error)
{
  const char *dir = g_getenv (SCHEMA_VARIABLE);
  g_autoptr (GSettingsSchemaSource) source = NULL;
  g_autoptr (GSettingsSchema) schema = NULL;
  g_autoptr (GError) why = NULL;
  g_autofree char *path = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  dir = dir != NULL && *dir != '\0' ? dir : SHOAL_SCHEMA_DIR;
  source = g_settings_schema_source_new_from_directory (dir, NULL, FALSE, &why);
  if (source != NULL)
    schema = g_settings_schema_source_lookup (source, SHOAL_RESUME_SCHEMA, FALSE);
  if (schema == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "The schema %s is not in “%s”%s%s", SHOAL_RESUME_SCHEMA, dir,
                   why != NULL ? ": " : "", why != NULL ? why->message : "");
      return NULL;
    }

  if (self->backend == NULL)
    self->backend = shoal_resume_backend_new (read_for_settings, write_for_settings, self);
  path = g_strdup_printf (SHOAL_RESUME_PATH "%" G_GUINT64_FORMAT "/", id);

  return g_settings_new_full (schema, self->backend, path);
}
