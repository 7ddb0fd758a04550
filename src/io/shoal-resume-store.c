/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps what torrents need between runs: records, .torrents and journals, in a locked folder. */

/*
 * Records wait in a table, the newest of each torrent; the thread takes all of them together. Each
 * is written to a temporary file and synced before any is renamed: on a full disk or after a crash
 * the old ones are untouched. The record before is kept under a second name by a hard link, so that
 * at no moment there is none. What cannot be saved goes back to the table unless a newer one came,
 * and is tried again.
 *
 * Order for one torrent: its data is synced, then the record that claims it is written, then the
 * journal loses what the record claims. The .torrent comes before the record that says that it is
 * there; a .torrent without a record is a torrent whose record has been lost.
 *
 * One mutex guards the tables; files are touched without it, but for a torrent that is being
 * forgotten: that waits until the thread has nothing of it in hands.
 */

#include "shoal-resume-store-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shoal-error.h"
#include "shoal-resume-backend.h"
#include "shoal-resume-record.h"

#define RETRY_S          30u
#define SCHEMA_VARIABLE  "SHOAL_SCHEMA_DIR"
#ifndef SHOAL_SCHEMA_DIR
#define SHOAL_SCHEMA_DIR "/usr/share/shoal/schemas"
#endif

/* --- Saving, on the thread --- */

static gboolean
write_temporaries (ShoalResumeStore *self,
                   Save             *save)
{
  g_autofree char *record_name = store_file_name (save->id, ".resume.new");
  g_autofree char *torrent_name = store_file_name (save->id, ".torrent.new");
  g_autoptr (GVariant) dict = shoal_resume_to_dict (save->record, save->recheck);
  g_autoptr (GBytes) frame = shoal_resume_frame (dict);

  if (save->metainfo != NULL && !store_write_file (self, torrent_name, save->metainfo))
    return FALSE;

  return store_write_file (self, record_name, frame);
}

static gboolean
rename_temporaries (ShoalResumeStore *self,
                    Save             *save)
{
  g_autofree char *record_new = store_file_name (save->id, ".resume.new");
  g_autofree char *record_old = store_file_name (save->id, ".resume.old");
  g_autofree char *record = store_file_name (save->id, ".resume");
  g_autofree char *torrent_new = store_file_name (save->id, ".torrent.new");
  g_autofree char *torrent = store_file_name (save->id, ".torrent");

  if (save->metainfo != NULL && !store_rename_file (self, torrent_new, torrent))
    return FALSE;

  unlinkat (self->dir_fd, record_old, 0);
  /* Without hard links there is a moment with only the old name, which loading knows. */
  if (linkat (self->dir_fd, record, self->dir_fd, record_old, 0) != 0 && errno != ENOENT)
    store_rename_file (self, record, record_old);

  return store_rename_file (self, record_new, record);
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
  if (!store_write_file (self, LAST_ID_NAME ".new", bytes) ||
      !store_rename_file (self, LAST_ID_NAME ".new", LAST_ID_NAME))
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
    g_message ("%u resume records could not be saved in “%s”: %s", n_failed, self->dir,
               g_strerror (error));

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

/* What failed waits again, unless something newer does, which then has to bring the .torrent too;
 * lock held. */
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

/* DHT nodes that wait; lock held, and given up meanwhile. */
static void
save_nodes (ShoalResumeStore *self)
{
  g_autoptr (GBytes) nodes = g_steal_pointer (&self->nodes);

  pthread_mutex_unlock (&self->lock);
  if (!store_write_file (self, NODES_NAME ".new", nodes) ||
      !store_rename_file (self, NODES_NAME ".new", NODES_NAME))
    g_debug ("DHT nodes cannot be kept: %s", g_strerror (errno));
  pthread_mutex_lock (&self->lock);
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
      if (self->nodes != NULL)
        save_nodes (self);
      if (self->quit && self->nodes == NULL &&
          (g_hash_table_size (self->pending) == 0 || self->failing))
        break;
    }
  pthread_mutex_unlock (&self->lock);

  return NULL;
}

/* --- Opening and closing --- */

static guint64
highest_id (ShoalResumeStore *self)
{
  g_autoptr (GArray) ids = store_list_ids (self);

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
      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (failed),
                   "Cannot start a thread: %s", g_strerror (failed));
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
  g_clear_pointer (&self->nodes, g_bytes_unref);
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

      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved),
                   "Cannot open the folder “%s”: %s", dir, g_strerror (saved));
      return NULL;
    }

  self = g_new0 (ShoalResumeStore, 1);
  self->dir = g_strdup (dir);
  self->dir_fd = dir_fd;
  self->pending = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, save_free);
  self->forgotten = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->journals = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
                                          (GDestroyNotify) shoal_journal_unref);
  self->state_lock = shoal_state_lock_take (dir_fd, dir, error);
  if (self->state_lock != NULL)
    {
      self->kept_id = store_read_last_id (self);
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

void
shoal_resume_store_keep_nodes (ShoalResumeStore *self,
                               GBytes           *nodes)
{
  g_return_if_fail (self != NULL && nodes != NULL);

  pthread_mutex_lock (&self->lock);
  g_clear_pointer (&self->nodes, g_bytes_unref);
  self->nodes = nodes;
  self->try_now = TRUE;
  pthread_cond_signal (&self->work);
  pthread_mutex_unlock (&self->lock);
}

GBytes *
shoal_resume_store_nodes (ShoalResumeStore *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return store_read_file (self, NODES_NAME, NODES_SIZE_MAX);
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
      guint64 until = self->n_batches + (self->batch != NULL) +
                      (g_hash_table_size (self->pending) > 0);

      self->try_now = TRUE;
      pthread_cond_signal (&self->work);
      while (self->n_batches < until &&
             (self->batch != NULL || g_hash_table_size (self->pending) > 0))
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
    ".torrent",    ".resume.old",  ".resume",      ".resume.bad",
    ".resume.new", ".torrent.new", ".journal.new", ".edges",
  };
  g_autoptr (ShoalJournal) journal = NULL;
  gboolean ok = TRUE;

  g_return_val_if_fail (self != NULL, FALSE);

  journal = shoal_resume_store_journal (self, id);
  pthread_mutex_lock (&self->lock);
  g_hash_table_add (self->forgotten, store_id_key (id));
  g_hash_table_remove (self->pending, &id);
  g_hash_table_remove (self->journals, &id);
  while (is_in_hands (self, id))
    pthread_cond_wait (&self->progress, &self->lock);
  pthread_mutex_unlock (&self->lock);

  shoal_journal_remove (journal);
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *name = store_file_name (id, suffixes[i]);

      if (unlinkat (self->dir_fd, name, 0) != 0 && errno != ENOENT && ok)
        {
          int saved = errno;

          ok = FALSE;
          g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved),
                       "Cannot delete “%s/%s”: %s", self->dir, name, g_strerror (saved));
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

  return record != NULL ? record : store_load_record (self, id, FALSE);
}

GBytes *
shoal_resume_store_metainfo (ShoalResumeStore *self,
                             guint64           id,
                             GError          **error)
{
  g_autofree char *name = store_file_name (id, ".torrent");
  GBytes *bytes = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  look_in_memory (self, id, NULL, &bytes);
  if (bytes != NULL)
    return bytes;

  bytes = store_read_file (self, name, TORRENT_SIZE_MAX);
  if (bytes == NULL)
    {
      int saved = errno;

      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved),
                   "Cannot read “%s/%s”: %s", self->dir, name, g_strerror (saved));
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
      g_autofree char *name = store_file_name (id, ".journal");
      g_autofree char *path = g_build_filename (self->dir, name, NULL);

      journal = shoal_journal_new (path, id);
      g_hash_table_insert (self->journals, store_id_key (id), journal);
    }
  shoal_journal_ref (journal);
  pthread_mutex_unlock (&self->lock);

  return journal;
}

char *
shoal_resume_store_edges (ShoalResumeStore *self,
                          guint64           id)
{
  g_autofree char *name = store_file_name (id, ".edges");

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
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "The schema %s is not in “%s”%s%s",
                   SHOAL_RESUME_SCHEMA, dir, why != NULL ? ": " : "",
                   why != NULL ? why->message : "");
      return NULL;
    }

  if (self->backend == NULL)
    self->backend = shoal_resume_backend_new (read_for_settings, write_for_settings, self);
  path = g_strdup_printf (SHOAL_RESUME_PATH "%" G_GUINT64_FORMAT "/", id);

  return g_settings_new_full (schema, self->backend, path);
}
