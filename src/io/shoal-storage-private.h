/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the storage share. */

#pragma once

#include <pthread.h>
#include "shoal-folder.h"
#include "shoal-storage.h"

G_BEGIN_DECLS

#define PART_SUFFIX ".part"   /* of a file that is not complete */
#define NEW_SUFFIX  ".new"    /* of one that is being made from the edges; a left-over is not looked
                               * at */

/* A byte for each file: where it is, and what is known of it. */
enum
{
  FILE_ABSENT    = 0,
  FILE_PART      = 1,         /* under its name with the suffix */
  FILE_FINAL     = 2,         /* under its own name */
  FILE_PLACE     = 3,         /* mask */
  FILE_DIRTY     = 1 << 2,    /* written to since the last sync */
  FILE_RESERVED  = 1 << 3,    /* room on the disk was asked for */
  FILE_FOREIGN   = 1 << 4,    /* was there before, and no piece of it is known to be right */
  FILE_TAKEN     = 1 << 5,    /* made as a copy of another torrent's file, and not checked yet */
};

struct _ShoalStorage
{
  gint            ref_count;
  ShoalFileCache *cache;
  ShoalMetainfo  *metainfo;
  ShoalLayout    *layout;         /* the metainfo's */
  char           *dir;
  char           *edges_path;     /* (nullable) */
  ShoalJournal   *journal;        /* (nullable) */
  gboolean        part_suffix;

  pthread_mutex_t lock;           /* of all that follows; held while a file is made, not while it is
                                   * read or written */
  guint8         *files;
  guint8         *priorities;     /* (nullable): all normal */
  ShoalFolder     folder;         /* open during a call only */
  gboolean        edges_made;     /* the file of the edges exists */
  gboolean        edges_dirty;
  gboolean        lost;           /* a sync failed: what was written may be gone */
  gboolean        zero_known;     /* hash of a whole piece of zeros, for holes */
  ShoalSha1       zero_sha1;
};

static inline guint32
storage_edges_index (const ShoalStorage *self)
{
  return self->layout->n_files;
}

/* (transfer full): relative path of a file as its state says; of an absent one: where it would be
 * made. */
char         *storage_path         (ShoalStorage *self, guint32 file);
/* Fills reason and detail from errno: "Cannot @verb “path”: why". Returns: FALSE, to be handed
 * on. */
gboolean      storage_fail         (ShoalStorage *self, ShoalDiskJob *job, const char *verb,
                                    const char *path);
/* The folder, opened if it was not; lock held. FALSE: errno. */
gboolean      storage_folder       (ShoalStorage *self);
/* Closes it again; lock held. Leaves errno. */
void          storage_rest         (ShoalStorage *self);
/* (transfer full) (nullable): a file for reading; NULL with errno, ENOENT if it is absent. */
ShoalOpenFile *storage_open_read   (ShoalStorage *self, guint32 file);
/* (transfer full) (nullable): a file for writing, made if it is absent. NULL: reason and detail are
 * set. */
ShoalOpenFile *storage_open_write  (ShoalStorage *self, guint32 file, ShoalDiskJob *job);
/* (transfer full) (nullable): the file of the edges. */
ShoalOpenFile *storage_open_edges  (ShoalStorage *self, gboolean make);
/* Reads part of the torrent's address space, padding as zeros. FALSE: errno; ENODATA: a file is
 * short or absent, @file is it. */
gboolean      storage_pread        (ShoalStorage *self, guint64 offset, guint32 size, guint8 *out,
                                    guint32 *file);
/* Whether the part of @file in @piece goes to the edges; lock held. */
gboolean      storage_is_edge      (ShoalStorage *self, guint32 file, guint32 piece);
/* Newest modification time of the files, nanoseconds. */
gint64        storage_stamp        (ShoalStorage *self);

G_END_DECLS
