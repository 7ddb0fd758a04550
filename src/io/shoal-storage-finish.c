/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of one torrent: final names and attributes, and removal. */

#include "shoal-storage-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#define FOLDER_DEPTH_MAX 128u   /* of a walk: paths are bounded, what lies beside them may not be */
#define COMPARE_SIZE     (128u * 1024)

/* --- Final names --- */

static gboolean
is_complete (ShoalStorage *self,
             ShoalDiskJob *job,
             guint32       file)
{
  guint32 first, end;

  if (job->all_had)
    return TRUE;
  if (job->had == NULL)
    return self->layout->file_size[file] == 0;

  shoal_layout_file_pieces (self->layout, file, &first, &end);

  return first == end || shoal_bitfield_next_clear (job->had, first) >= end;
}

static gboolean
is_wanted (ShoalStorage *self,
           guint32       file)
{
  return self->priorities == NULL || self->priorities[file] != SHOAL_PRIORITY_SKIP;
}

/* @target as it is written in a link at @path: both begin in the torrent's folder. (transfer
 * full) */
static char *
relative_target (const char *path,
                 const char *target)
{
  GString *text = g_string_new (NULL);
  gsize common = 0;

  for (gsize i = 0; path[i] != '\0' && path[i] == target[i]; i++)
    {
      if (path[i] == '/')
        common = i + 1;
    }
  for (const char *at = path + common; *at != '\0'; at++)
    {
      if (*at == '/')
        g_string_append (text, "../");
    }
  g_string_append (text, target + common);

  return g_string_free (text, FALSE);
}

static gboolean
make_link (ShoalStorage *self,
           ShoalDiskJob *job,
           guint32       file)
{
  const ShoalMetainfoFile *info = &self->metainfo->files[file];
  g_autofree char *target = NULL;
  const char *name;
  int parent;

  if (info->symlink == NULL)
    return TRUE;

  target = relative_target (info->path, info->symlink);
  parent = shoal_folder_parent (&self->folder, info->path, TRUE, &name);
  if (parent < 0 || (symlinkat (target, parent, name) != 0 && errno != EEXIST))
    {
      /* Some file systems have no links; that is no reason to fail a download. */
      if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
        return storage_fail (self, job, "make", info->path);
    }

  return TRUE;
}

static gboolean
make_empty (ShoalStorage *self,
            ShoalDiskJob *job,
            guint32       file)
{
  const char *path = self->metainfo->files[file].path;
  struct stat info;
  int fd;

  if (!shoal_folder_stat (&self->folder, path, &info))
    {
      fd = shoal_folder_open_file (&self->folder, path, O_WRONLY | O_CREAT | O_EXCL);
      if (fd < 0)
        return storage_fail (self, job, "make", path);
      close (fd);
    }
  self->files[file] = (guint8) ((self->files[file] & ~FILE_PLACE) | FILE_FINAL);

  return TRUE;
}

static void
make_executable (int fd)
{
  struct stat info;

  /* Whoever may read it may run it; failing costs the user one click. */
  if (fstat (fd, &info) == 0 && fchmod (fd, info.st_mode | ((info.st_mode & 0444) >> 2)) != 0)
    g_debug ("cannot make a file executable: %s", g_strerror (errno));
}

/* Whether what is in the way of a complete file has the same bytes: a small file all of whose
 * pieces it shared with wrong ones; lock held. */
static gboolean
is_same (ShoalStorage *self,
         int           fd,
         const char   *path)
{
  int other = storage_folder (self) ? shoal_folder_open_file (&self->folder, path, O_RDONLY) : -1;
  g_autofree guint8 *one_bytes = g_malloc (COMPARE_SIZE);
  g_autofree guint8 *other_bytes = g_malloc (COMPARE_SIZE);
  struct stat one_info, other_info;
  gboolean same;
  off_t at = 0;

  if (other < 0)
    return FALSE;

  same = fstat (fd, &one_info) == 0 && fstat (other, &other_info) == 0 &&
         one_info.st_size == other_info.st_size;
  while (same && at < one_info.st_size)
    {
      gssize one_got = pread (fd, one_bytes, COMPARE_SIZE, at);
      gssize other_got = pread (other, other_bytes, COMPARE_SIZE, at);

      same = one_got > 0 && one_got == other_got &&
             memcmp (one_bytes, other_bytes, (gsize) one_got) == 0;
      at += MAX (one_got, 0);
    }
  close (other);

  return same;
}

/* Drops the suffix; lock held. A file in the way stays, unless it has the same bytes. */
static gboolean
give_name (ShoalStorage *self,
           ShoalDiskJob *job,
           guint32       file,
           int           fd)
{
  const char *name = self->metainfo->files[file].path;
  g_autofree char *path = storage_path (self, file);
  gboolean done = storage_folder (self) && shoal_folder_rename (&self->folder, path, name);
  gboolean in_the_way = !done && errno == EEXIST;

  if (in_the_way && is_same (self, fd, name))
    {
      in_the_way = FALSE;
      done = shoal_folder_unlink (&self->folder, name) &&
             shoal_folder_rename (&self->folder, path, name);
    }
  if (done)
    {
      self->files[file] = (guint8) ((self->files[file] & ~(FILE_PLACE | FILE_FOREIGN)) |
                                    FILE_FINAL);
      return TRUE;
    }
  if (!in_the_way)
    return storage_fail (self, job, "rename", path);

  job->reason = SHOAL_REASON_IO;
  g_free (job->detail);
  job->detail = g_strdup_printf ("“%s/%s” is complete, but another file has the name “%s”",
                                 self->dir, path, name);

  return FALSE;
}

static guint8
state_of (ShoalStorage *self,
          guint32       file)
{
  guint8 state;

  pthread_mutex_lock (&self->lock);
  state = self->files[file];
  pthread_mutex_unlock (&self->lock);

  return state;
}

/* A complete file: everything on disk, then its own name. */
static gboolean
finish_file (ShoalStorage *self,
             ShoalDiskJob *job,
             guint32       file)
{
  const ShoalMetainfoFile *info = &self->metainfo->files[file];
  g_autoptr (ShoalOpenFile) open_file = NULL;
  guint8 state = state_of (self, file);
  gboolean done;

  if ((state & FILE_PLACE) == FILE_FINAL && (state & FILE_DIRTY) == 0)
    return TRUE;
  if ((state & FILE_PLACE) == FILE_ABSENT && !is_wanted (self, file))
    return TRUE;

  /* An absent one that is wanted now is made of the edges. */
  open_file = storage_open_write (self, file, job);
  if (open_file == NULL)
    return FALSE;
  done = fdatasync (open_file->fd) == 0 || errno == EINVAL;
  if (done && (info->flags & SHOAL_FILE_EXECUTABLE) != 0)
    make_executable (open_file->fd);

  /* The store's thread may be syncing: it changes states and opens the folder too. */
  pthread_mutex_lock (&self->lock);
  if (!done)
    {
      self->lost = TRUE;
      storage_fail (self, job, "write all of", info->path);
    }
  else
    {
      self->files[file] &= (guint8) ~FILE_DIRTY;
      done = (self->files[file] & FILE_PLACE) != FILE_PART ||
             give_name (self, job, file, open_file->fd);
    }
  pthread_mutex_unlock (&self->lock);

  return done;
}

/* The edges are of no use once every file that has a part in them exists. */
static void
drop_edges (ShoalStorage *self)
{
  gboolean needed = FALSE;

  pthread_mutex_lock (&self->lock);
  for (guint32 i = 0; i < self->layout->n_files && !needed; i++)
    needed = self->layout->file_pad[i] == 0 && self->layout->file_size[i] > 0 &&
             (self->files[i] & FILE_PLACE) == FILE_ABSENT;
  if (!needed && self->edges_path != NULL && self->edges_made)
    unlink (self->edges_path);
  pthread_mutex_unlock (&self->lock);
}

void
shoal_storage_finish (ShoalStorage *self,
                      ShoalDiskJob *job)
{
  gboolean ok = TRUE;

  if (job->priorities != NULL)
    {
      pthread_mutex_lock (&self->lock);
      g_free (self->priorities);
      self->priorities = g_memdup2 (job->priorities, self->layout->n_files);
      pthread_mutex_unlock (&self->lock);
    }

  for (guint32 i = 0; i < self->layout->n_files && ok; i++)
    {
      gboolean link = (self->metainfo->files[i].flags & SHOAL_FILE_SYMLINK) != 0;

      if (self->layout->file_pad[i] != 0 || !is_complete (self, job, i))
        continue;
      if (link || self->layout->file_size[i] == 0)
        {
          if (!is_wanted (self, i))
            continue;
          pthread_mutex_lock (&self->lock);
          ok = storage_folder (self) || storage_fail (self, job, "open", NULL);
          ok = ok && (link ? make_link (self, job, i) : make_empty (self, job, i));
          pthread_mutex_unlock (&self->lock);
        }
      else
        {
          ok = finish_file (self, job, i);
        }
    }
  if (ok && !shoal_storage_sync (self))
    {
      errno = EIO;
      storage_fail (self, job, "write all of", self->metainfo->name);
    }
  else if (ok)
    {
      drop_edges (self);
    }
  job->stamp = storage_stamp (self);

  pthread_mutex_lock (&self->lock);
  storage_rest (self);
  pthread_mutex_unlock (&self->lock);
}

/* --- Removal --- */

/* The names on disk that are the torrent's: files in every state, and the folders above them; lock
 * held. */
static GHashTable *
own_paths (ShoalStorage *self,
           GHashTable   *folders)
{
  GHashTable *paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint32 i = 0; i < self->layout->n_files; i++)
    {
      const char *path = self->metainfo->files[i].path;
      gboolean foreign = (self->files[i] & FILE_FOREIGN) != 0;

      if (self->layout->file_pad[i] != 0)
        continue;
      /* Somebody's own file under the same name stays. */
      if (!foreign)
        g_hash_table_add (paths, g_strdup (path));
      g_hash_table_add (paths, g_strconcat (path, PART_SUFFIX, NULL));
      g_hash_table_add (paths, g_strconcat (path, NEW_SUFFIX, NULL));
      for (const char *slash = strchr (path, '/'); slash != NULL; slash = strchr (slash + 1, '/'))
        g_hash_table_add (folders, g_strndup (path, (gsize) (slash - path)));
    }

  return paths;
}

static gboolean
has_only_own (int         parent,
              const char *name,
              const char *path,
              GHashTable *paths,
              guint       depth)
{
  int fd = openat (parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *stream = fd >= 0 ? fdopendir (fd) : NULL;
  gboolean only = stream != NULL && depth < FOLDER_DEPTH_MAX;
  struct dirent *entry;

  while (only && (entry = readdir (stream)) != NULL)
    {
      g_autofree char *child = NULL;

      if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0)
        continue;
      child = g_strconcat (path, "/", entry->d_name, NULL);
      only = g_hash_table_contains (paths, child) ||
             has_only_own (fd, entry->d_name, child, paths, depth + 1);
    }
  if (stream != NULL)
    closedir (stream);
  else if (fd >= 0)
    close (fd);

  return only;
}

static gboolean
trash (ShoalStorage *self,
       ShoalDiskJob *job,
       const char   *path)
{
  g_autofree char *full = g_build_filename (self->dir, path, NULL);
  g_autoptr (GFile) file = g_file_new_for_path (full);
  g_autoptr (GError) error = NULL;

  if (g_file_trash (file, NULL, &error) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;

  job->reason = SHOAL_REASON_IO;
  job->detail = g_strdup_printf ("Cannot move “%s” to the trash: %s", full, error->message);

  return FALSE;
}

static gboolean
remove_file (ShoalStorage *self,
             ShoalDiskJob *job,
             const char   *path)
{
  struct stat info;

  if (!shoal_folder_stat (&self->folder, path, &info) || S_ISDIR (info.st_mode))
    return TRUE;
  if (job->remove == SHOAL_REMOVE_TRASH_DATA)
    return trash (self, job, path);

  return shoal_folder_unlink (&self->folder, path) || errno == ENOENT ||
         storage_fail (self, job, "delete", path);
}

static int
deepest_first (gconstpointer a,
               gconstpointer b)
{
  gsize one = strlen (*(const char *const *) a);
  gsize other = strlen (*(const char *const *) b);

  return one < other ? 1 : one > other ? -1 : 0;
}

static void
remove_folders (ShoalStorage *self,
                GHashTable   *folders)
{
  g_autofree gpointer *names = NULL;
  guint n;

  names = g_hash_table_get_keys_as_array (folders, &n);
  qsort (names, n, sizeof *names, deepest_first);
  for (guint i = 0; i < n; i++)
    {
      const char *name;
      int parent = shoal_folder_parent (&self->folder, names[i], FALSE, &name);

      if (parent >= 0)
        unlinkat (parent, name, AT_REMOVEDIR);   /* one that is not empty has something of the
                                                  * user's in it */
    }
}

void
shoal_storage_remove (ShoalStorage *self,
                      ShoalDiskJob *job)
{
  g_autoptr (GHashTable) folders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) paths = NULL;
  GHashTableIter iter;
  gpointer path;
  gboolean ok = TRUE;

  if (self->edges_path != NULL)
    unlink (self->edges_path);
  if (job->remove == SHOAL_REMOVE_KEEP_DATA)
    return;

  pthread_mutex_lock (&self->lock);
  paths = own_paths (self, folders);
  if (!storage_folder (self))
    {
      if (errno != ENOENT)   /* a folder that is gone has nothing to remove */
        storage_fail (self, job, "open", NULL);
    }
  else if (job->remove == SHOAL_REMOVE_TRASH_DATA && !self->metainfo->single &&
           has_only_own (self->folder.root, self->metainfo->name, self->metainfo->name, paths, 0))
    {
      /* In one piece, so that it can be brought back in one piece. */
      trash (self, job, self->metainfo->name);
    }
  else
    {
      g_hash_table_iter_init (&iter, paths);
      while (ok && g_hash_table_iter_next (&iter, &path, NULL))
        ok = remove_file (self, job, path);
      remove_folders (self, folders);
    }
  storage_rest (self);
  pthread_mutex_unlock (&self->lock);
}
