/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bounded number of open files, the least recently used of which is closed first. */

/*
 * The cache holds one reference to each file it knows; a file that was put out stays open as long
 * as somebody uses it. A link's references are counted in the embedded ShoalFileRef, which is the
 * engine thread's alone and stands for one reference of the atomic count: handing a block out costs
 * no allocation.
 */

#include "shoal-file-cache.h"

#include <pthread.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>

struct _ShoalFileCache
{
  pthread_mutex_t lock;
  GHashTable     *files;   /* set of ShoalOpenFile by owner and index */
  ShoalNode       order;   /* least recently used first */
  guint           max;
};

static guint
file_hash (gconstpointer key)
{
  const ShoalOpenFile *file = key;

  return g_direct_hash (file->owner) ^ file->index * 2654435761u;
}

static gboolean
file_equal (gconstpointer a,
            gconstpointer b)
{
  const ShoalOpenFile *one = a;
  const ShoalOpenFile *other = b;

  return one->owner == other->owner && one->index == other->index;
}

/* Takes a file out of the cache. (transfer full) */
static ShoalOpenFile *
take_out (ShoalFileCache *self,
          ShoalOpenFile  *file)
{
  g_hash_table_remove (self->files, file);
  shoal_node_unlink (&file->node);

  return file;
}

ShoalFileCache *
shoal_file_cache_new (guint max)
{
  ShoalFileCache *self;

  g_return_val_if_fail (max > 0, NULL);

  self = g_new0 (ShoalFileCache, 1);
  pthread_mutex_init (&self->lock, NULL);
  self->files = g_hash_table_new (file_hash, file_equal);
  shoal_node_init (&self->order);
  self->max = max;

  return self;
}

void
shoal_file_cache_free (ShoalFileCache *self)
{
  if (self == NULL)
    return;

  SHOAL_NODE_FOREACH (node, &self->order)
    shoal_open_file_unref (take_out (self, SHOAL_NODE_OWNER (node, ShoalOpenFile, node)));
  g_hash_table_unref (self->files);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

ShoalOpenFile *
shoal_file_cache_get (ShoalFileCache *self,
                      gconstpointer   owner,
                      guint32         index,
                      gboolean        writable)
{
  ShoalOpenFile key = { .owner = owner, .index = index };
  ShoalOpenFile *file;

  pthread_mutex_lock (&self->lock);
  file = g_hash_table_lookup (self->files, &key);
  if (file != NULL && writable && !file->writable)
    file = NULL;
  if (file != NULL)
    {
      g_atomic_int_inc (&file->ref_count);
      shoal_node_append (&self->order, &file->node);
    }
  pthread_mutex_unlock (&self->lock);

  return file;
}

static gboolean
is_in_memory (int fd)
{
  struct statfs info;

  return fstatfs (fd, &info) == 0 && (info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC ||
                                      info.f_type == HUGETLBFS_MAGIC);
}

ShoalOpenFile *
shoal_file_cache_put (ShoalFileCache *self,
                      gconstpointer   owner,
                      guint32         index,
                      int             fd,
                      gboolean        writable)
{
  ShoalOpenFile *file = g_new0 (ShoalOpenFile, 1);
  ShoalOpenFile *replaced, *oldest = NULL;

  file->ref.fd = fd;
  file->ref_count = 2;
  file->fd = fd;
  file->writable = writable;
  file->in_memory = is_in_memory (fd);
  file->owner = owner;
  file->index = index;
  shoal_node_init (&file->node);

  pthread_mutex_lock (&self->lock);
  replaced = g_hash_table_lookup (self->files, file);
  if (replaced != NULL)
    take_out (self, replaced);
  else if (g_hash_table_size (self->files) >= self->max)
    oldest = take_out (self, SHOAL_NODE_OWNER (self->order.next, ShoalOpenFile, node));
  g_hash_table_add (self->files, file);
  shoal_node_append (&self->order, &file->node);
  pthread_mutex_unlock (&self->lock);

  /* Closing can take long on a network drive: not under the lock. */
  shoal_open_file_unref (replaced);
  shoal_open_file_unref (oldest);

  return file;
}

void
shoal_file_cache_forget (ShoalFileCache *self,
                         gconstpointer   owner)
{
  ShoalNode gone;

  shoal_node_init (&gone);
  pthread_mutex_lock (&self->lock);
  SHOAL_NODE_FOREACH (node, &self->order)
    {
      ShoalOpenFile *file = SHOAL_NODE_OWNER (node, ShoalOpenFile, node);

      if (file->owner != owner)
        continue;
      take_out (self, file);
      shoal_node_append (&gone, &file->node);
    }
  pthread_mutex_unlock (&self->lock);

  SHOAL_NODE_FOREACH (node, &gone)
    {
      shoal_node_unlink (node);
      shoal_open_file_unref (SHOAL_NODE_OWNER (node, ShoalOpenFile, node));
    }
}

guint
shoal_file_cache_count (ShoalFileCache *self)
{
  guint count;

  pthread_mutex_lock (&self->lock);
  count = g_hash_table_size (self->files);
  pthread_mutex_unlock (&self->lock);

  return count;
}

void
shoal_open_file_unref (ShoalOpenFile *self)
{
  if (self == NULL || !g_atomic_int_dec_and_test (&self->ref_count))
    return;

  close (self->fd);
  g_free (self);
}

static void
taken_back (ShoalFileRef *ref)
{
  shoal_open_file_unref ((ShoalOpenFile *) ref);
}

ShoalFileRef *
shoal_open_file_hand_out (ShoalOpenFile *self)
{
  if (self->ref.ref_count > 0)
    return shoal_file_ref_ref (&self->ref);

  g_atomic_int_inc (&self->ref_count);
  self->ref.ref_count = 1;
  self->ref.release = taken_back;

  return &self->ref;
}
