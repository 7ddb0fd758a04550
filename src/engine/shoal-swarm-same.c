/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that another torrent has already: taken from there instead of being fetched (BEP 38). */

/*
 * Looked for once, when a torrent is new and its storage has been opened. A file of version 2 is
 * known by its root, in whatever torrent it is. Without roots a torrent has to say where to look,
 * by `similar` or by `collections`; the file there has the same size, and the same name or no
 * other of that size beside it.
 *
 * Candidates are torrents one after the other: the .torrent of each is read again if it was
 * unloaded, its complete files are matched with what is wanted here, and the disk copies them,
 * step by step. It refuses to write over anything, and to copy what does not begin like the file.
 * What was copied is compared with the hashes like data that was found.
 */

#include "shoal-swarm-private.h"

#include <string.h>

#define TORRENTS_MAX 32u           /* looked into for one torrent */
#define SEVERAL      G_MAXUINT32   /* files of one size: the size alone does not tell */

typedef struct
{
  guint32 ours;
  guint32 theirs;
} FilePair;

struct _ShoalSame
{
  GArray        *ids;       /* of guint64: torrents still to be looked into */
  guint8        *placed;    /* a byte a file: copying it has begun */
  gboolean       found;     /* data was there before, or was copied */
  ShoalDiskJob  *job;       /* (nullable): under way; an older one is of no interest any more */
  ShoalMetainfo *other;     /* (nullable): of the torrent that is looked into, */
  char          *dir;       /* and its folder */
  GArray        *pairs;     /* of FilePair: to be copied from it, the last one first */
  guint64        taken;     /* bytes of the file that is being copied */
  guint64        size;      /* bytes copied in all */
};

/* --- What others look for --- */

static guint32
root_mark (const ShoalSha256 *root)
{
  guint32 mark;

  memcpy (&mark, root->bytes, sizeof mark);

  return mark != 0 ? mark : 1;
}

void
shoal_swarm_same_note (ShoalSwarm *self)
{
  const ShoalMetainfo *metainfo = self->metainfo;

  shoal_swarm_same_clear (self);
  if (metainfo->collections[0] != NULL)
    self->collections = g_strdupv (metainfo->collections);
  if (!metainfo->hash.has_v2)
    return;
  self->root_marks = g_new0 (guint32, MAX (self->n_files, 1));
  for (guint32 file = 0; file < self->n_files; file++)
    if (metainfo->files[file].has_root)
      self->root_marks[file] = root_mark (&metainfo->files[file].root);
}

void
shoal_swarm_same_clear (ShoalSwarm *self)
{
  shoal_swarm_same_stop (self);
  g_clear_pointer (&self->root_marks, g_free);
  g_clear_pointer (&self->collections, g_strfreev);
}

/* --- Where to look --- */

static gboolean
is_data (const ShoalMetainfo *metainfo,
         guint32              file)
{
  return metainfo->layout->file_size[file] > 0 && metainfo->layout->file_pad[file] == 0
         && (metainfo->files[file].flags & SHOAL_FILE_SYMLINK) == 0;
}

static gboolean
is_wanted (const ShoalSwarm *self,
           guint32           file)
{
  return is_data (self->metainfo, file) && !self->same->placed[file]
         && (self->priorities == NULL || self->priorities[file] != SHOAL_PRIORITY_SKIP);
}

static gboolean
is_hinted (const ShoalSwarm *self,
           const ShoalSwarm *other)
{
  for (guint i = 0; i < self->metainfo->n_similar; i++)
    for (guint k = 0; k < other->n_keys; k++)
      if (shoal_sha1_equal (&self->metainfo->similar[i], &other->keys[k]))
        return TRUE;
  for (char **name = self->collections; name != NULL && *name != NULL; name++)
    if (other->collections != NULL
        && g_strv_contains ((const char *const *) other->collections, *name))
      return TRUE;

  return FALSE;
}

static gboolean
shares_root (const ShoalSwarm *other,
             GHashTable       *marks)
{
  for (guint32 file = 0; other->root_marks != NULL && file < other->n_files; file++)
    if (g_hash_table_contains (marks, GUINT_TO_POINTER (other->root_marks[file])))
      return TRUE;

  return FALSE;
}

static gboolean
has_something (const ShoalSwarm *self)
{
  const ShoalBitfield *had = shoal_swarm_had (self);

  return self->has_metadata && !self->removing
         && (self->all_had || (had != NULL && !shoal_bitfield_is_empty (had)));
}

static int
newest_first (gconstpointer a,
              gconstpointer b)
{
  guint64 one = *(const guint64 *) a;
  guint64 other = *(const guint64 *) b;

  return one < other ? 1 : one > other ? -1 : 0;
}

/* The torrents that may have a wanted file. */
static void
find_torrents (ShoalSwarm *self)
{
  g_autoptr(GHashTable) marks = g_hash_table_new (NULL, NULL);
  GHashTableIter iter;
  gpointer value;

  for (guint32 file = 0; self->root_marks != NULL && file < self->n_files; file++)
    if (self->root_marks[file] != 0 && is_wanted (self, file))
      g_hash_table_add (marks, GUINT_TO_POINTER (self->root_marks[file]));
  if (g_hash_table_size (marks) == 0 && self->metainfo->n_similar == 0 && self->collections == NULL)
    return;

  g_hash_table_iter_init (&iter, self->engine->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ShoalSwarm *other = value;

      if (other != self && has_something (other)
          && (is_hinted (self, other) || shares_root (other, marks)))
        g_array_append_val (self->same->ids, other->id);
    }
  g_array_sort (self->same->ids, newest_first);
  g_array_set_size (self->same->ids, MIN (self->same->ids->len, TORRENTS_MAX));
}

/* --- Which files are the same --- */

/* By size alone, with an empty name, or by size and name. */
typedef struct
{
  guint64     size;
  const char *name;
} FileKey;

static guint
file_key_hash (gconstpointer key)
{
  const FileKey *self = key;

  return g_int64_hash (&self->size) * 31 + g_str_hash (self->name);
}

static gboolean
file_key_equal (gconstpointer a,
                gconstpointer b)
{
  const FileKey *one = a;
  const FileKey *other = b;

  return one->size == other->size && strcmp (one->name, other->name) == 0;
}

static guint
root_hash (gconstpointer root)
{
  return root_mark (root);
}

static gboolean
root_equal (gconstpointer a,
            gconstpointer b)
{
  return memcmp (a, b, sizeof (ShoalSha256)) == 0;
}

static const char *
base_name (const ShoalMetainfoFile *file)
{
  const char *slash = strrchr (file->path, '/');

  return slash != NULL ? slash + 1 : file->path;
}

/* The complete files of the other torrent. */
typedef struct
{
  GHashTable *by_root;   /* ShoalSha256 to index + 1 */
  GHashTable *by_key;    /* FileKey to index + 1, or SEVERAL */
  FileKey    *keys;      /* two a file */
} Shelf;

static gboolean
is_file_had (const ShoalSwarm  *self,
             const ShoalLayout *layout,
             guint32            file)
{
  const ShoalBitfield *had = shoal_swarm_had (self);
  guint32 first, end;

  if (self->all_had)
    return TRUE;
  shoal_layout_file_pieces (layout, file, &first, &end);

  return had != NULL && shoal_bitfield_next_clear (had, first) >= end;
}

static void
shelf_fill (Shelf               *self,
            const ShoalSwarm    *other,
            const ShoalMetainfo *metainfo)
{
  guint32 n = metainfo->layout->n_files;

  self->by_root = g_hash_table_new (root_hash, root_equal);
  self->by_key = g_hash_table_new (file_key_hash, file_key_equal);
  self->keys = g_new (FileKey, 2 * (gsize) MAX (n, 1));
  for (guint32 file = 0; file < n; file++)
    {
      const ShoalMetainfoFile *info = &metainfo->files[file];
      FileKey *by_size = &self->keys[2 * (gsize) file];
      FileKey *by_name = by_size + 1;
      gboolean several;

      if (!is_data (metainfo, file))
        continue;
      *by_size = (FileKey){ info->size, "" };
      *by_name = (FileKey){ info->size, base_name (info) };
      /* Files that are not complete count too where the question is whether there is only one. */
      several = g_hash_table_contains (self->by_key, by_size);
      g_hash_table_insert (self->by_key, by_size, GUINT_TO_POINTER (several ? SEVERAL : file + 1));
      if (!is_file_had (other, metainfo->layout, file))
        continue;
      if (!g_hash_table_contains (self->by_key, by_name))
        g_hash_table_insert (self->by_key, by_name, GUINT_TO_POINTER (file + 1));
      if (info->has_root)
        g_hash_table_insert (self->by_root, (gpointer) &info->root, GUINT_TO_POINTER (file + 1));
    }
}

static void
shelf_clear (Shelf *self)
{
  g_hash_table_unref (self->by_root);
  g_hash_table_unref (self->by_key);
  g_free (self->keys);
}

/* Index + 1; 0: none. */
static guint32
shelf_find (const Shelf             *self,
            const ShoalMetainfoFile *file,
            gboolean                 hinted)
{
  FileKey key = { file->size, base_name (file) };
  guint32 found = 0;

  if (file->has_root)
    found = GPOINTER_TO_UINT (g_hash_table_lookup (self->by_root, &file->root));
  if (found != 0 || !hinted)
    return found;
  found = GPOINTER_TO_UINT (g_hash_table_lookup (self->by_key, &key));
  if (found != 0)
    return found;
  key.name = "";
  found = GPOINTER_TO_UINT (g_hash_table_lookup (self->by_key, &key));

  return found != SEVERAL ? found : 0;
}

static void
match_files (ShoalSwarm *self,
             ShoalSwarm *other)
{
  const ShoalMetainfo *theirs = self->same->other;
  gboolean hinted = is_hinted (self, other);
  Shelf shelf;

  shelf_fill (&shelf, other, theirs);
  for (guint32 file = self->n_files; file-- > 0;)
    {
      const ShoalMetainfoFile *info = &self->metainfo->files[file];
      guint32 found = is_wanted (self, file) ? shelf_find (&shelf, info, hinted) : 0;
      FilePair pair = { file, found - 1 };
      const ShoalMetainfoFile *twin;

      if (found == 0)
        continue;
      twin = &theirs->files[pair.theirs];
      if (twin->size != info->size || !is_file_had (other, theirs->layout, pair.theirs))
        continue;
      /* Two roots that differ are two files. */
      if (info->has_root && twin->has_root && !root_equal (&info->root, &twin->root))
        continue;
      g_array_append_val (self->same->pairs, pair);
    }
  shelf_clear (&shelf);
}

/* --- Taking them --- */

static void step (ShoalSwarm *self);

void
shoal_swarm_same_stop (ShoalSwarm *self)
{
  ShoalSame *same = g_steal_pointer (&self->same);

  if (same == NULL)
    return;
  g_array_unref (same->ids);
  g_array_unref (same->pairs);
  g_clear_pointer (&same->other, shoal_metainfo_unref);
  g_free (same->dir);
  g_free (same->placed);
  g_free (same);
}

/* Whether somebody still waits for the job. */
static gboolean
job_over (ShoalSwarm   *self,
          ShoalDiskJob *job)
{
  shoal_engine_disk_done (job);
  self->n_same_jobs--;
  if (self->same == NULL || self->same->job != job)
    return FALSE;
  self->same->job = NULL;

  return TRUE;
}

static void
send_job (ShoalSwarm   *self,
          ShoalDiskJob *job,
          void        (*func) (ShoalDone *, gint64))
{
  job->done.func = func;
  job->done.owner = self;
  self->same->job = job;
  self->n_same_jobs++;
  shoal_engine_disk (self->engine, job);
}

static void
on_taken (ShoalDone *done,
          gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;
  ShoalSwarm *self = done->owner;
  ShoalSame *same = self->same;

  if (job_over (self, job))
    {
      if (job->taken > same->taken)
        {
          same->placed[job->index] = 1;
          same->found = TRUE;
          same->size += job->taken - same->taken;
          self->same_taken = TRUE;
        }
      /* A source that has nothing more to give was changed. */
      if (job->taken == same->taken || job->taken == self->metainfo->layout->file_size[job->index])
        {
          g_array_set_size (same->pairs, same->pairs->len - 1);
          same->taken = 0;
        }
      else
        {
          same->taken = job->taken;
        }
      if (job->reason != SHOAL_REASON_NONE)
        shoal_swarm_fail (self, job->reason, job->detail);
      else
        step (self);
    }
  shoal_disk_job_free (job);
}

static void
take (ShoalSwarm *self)
{
  const ShoalSame *same = self->same;
  const FilePair *pair = &g_array_index (same->pairs, FilePair, same->pairs->len - 1);
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_TAKE, self->id);

  g_assert (same->other != NULL);

  job->index = pair->ours;
  job->taken = same->taken;
  job->source_dir = g_strdup (same->dir);
  job->source_path = g_strdup (same->other->files[pair->theirs].path);
  send_job (self, job, on_taken);
}

static void
look_into (ShoalSwarm    *self,
           ShoalSwarm    *other,
           ShoalMetainfo *metainfo)
{
  ShoalSame *same = self->same;

  g_clear_pointer (&same->other, shoal_metainfo_unref);
  g_free (same->dir);
  same->other = shoal_metainfo_ref (metainfo);
  same->dir = g_strdup (other->dir);
  match_files (self, other);
}

static void
on_loaded (ShoalDone *done,
           gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;
  ShoalSwarm *self = done->owner;
  ShoalSwarm *other;

  if (job_over (self, job))
    {
      other = shoal_engine_find (self->engine, job->torrent);
      if (job->metainfo != NULL && other != NULL && has_something (other)
          && job->metainfo->layout->n_pieces == other->n_pieces)
        look_into (self, other, job->metainfo);
      step (self);
    }
  shoal_disk_job_free (job);
}

/* The next thing to do; with nothing left the check begins. */
static void
step (ShoalSwarm *self)
{
  ShoalSame *same = self->same;
  gboolean found;

  while (same->pairs->len == 0 && same->ids->len > 0)
    {
      guint64 id = g_array_index (same->ids, guint64, 0);
      ShoalSwarm *other = shoal_engine_find (self->engine, id);

      g_array_remove_index (same->ids, 0);
      if (other == NULL || !has_something (other))
        continue;
      if (other->metainfo == NULL)
        {
          send_job (self, shoal_disk_job_new (SHOAL_DISK_LOAD, id), on_loaded);
          return;
        }
      look_into (self, other, other->metainfo);
    }
  if (self->engine->quitting)
    {
      shoal_swarm_same_stop (self);
      return;
    }
  if (same->pairs->len > 0)
    {
      take (self);
      return;
    }
  if (same->size > 0)
    g_info ("torrent %" G_GUINT64_FORMAT ": %" G_GUINT64_FORMAT " bytes come from other torrents",
            self->id, same->size);
  found = same->found;
  shoal_swarm_same_stop (self);
  shoal_swarm_check_fresh (self, found);
}

gboolean
shoal_swarm_same_begin (ShoalSwarm *self,
                        gboolean    found)
{
  ShoalSame *same = g_new0 (ShoalSame, 1);

  g_assert (self->same == NULL && self->metainfo != NULL);

  self->same = same;
  same->ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  same->pairs = g_array_new (FALSE, FALSE, sizeof (FilePair));
  same->placed = g_malloc0 (MAX (self->n_files, 1));
  same->found = found;
  find_torrents (self);
  if (same->ids->len == 0)
    {
      shoal_swarm_same_stop (self);
      return FALSE;
    }
  step (self);

  return TRUE;
}

/* --- Afterwards --- */

static void
on_dropped (ShoalDone *done,
            gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;

  shoal_engine_disk_done (job);
  if (job->reason != SHOAL_REASON_NONE)
    g_debug ("a copy that was of no use stays: %s", job->detail);
  g_clear_pointer (&job->had, shoal_bitfield_free);
  shoal_disk_job_free (job);
}

void
shoal_swarm_same_judge (ShoalSwarm *self)
{
  const ShoalBitfield *had = shoal_swarm_had (self);
  ShoalDiskJob *job;

  if (!self->same_taken)
    return;
  self->same_taken = FALSE;
  job = shoal_disk_job_new (SHOAL_DISK_DROP, self->id);
  job->all_had = self->all_had;
  job->had = had != NULL ? shoal_bitfield_copy (had) : NULL;
  job->done.func = on_dropped;
  shoal_engine_disk (self->engine, job);
}
