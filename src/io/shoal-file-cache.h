/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bounded number of open files, the least recently used of which is closed first. */

#pragma once

#include <glib.h>
#include "shoal-list.h"
#include "shoal-outbox.h"

G_BEGIN_DECLS

typedef struct _ShoalFileCache ShoalFileCache;

/**
 * ShoalOpenFile:
 * @fd: open for reading, and if @writable for writing
 * @in_memory: of a file system without a disk: reading never waits
 *
 * Counted atomically; whoever holds one may use @fd although the cache has forgotten it.
 */
typedef struct
{
  ShoalFileRef  ref;         /* engine thread only: what was handed out to links; together they are
                              * one reference */
  gint          ref_count;
  int           fd;
  gboolean      writable;
  gboolean      in_memory;
  gconstpointer owner;       /* of the cache, as what follows */
  guint32       index;
  ShoalNode     node;
} ShoalOpenFile;

ShoalFileCache *shoal_file_cache_new    (guint max);
void            shoal_file_cache_free   (ShoalFileCache *self);

/* (transfer full) (nullable): file @index of @owner, if it is open. Any thread, as all that
 * follows. */
ShoalOpenFile  *shoal_file_cache_get    (ShoalFileCache *self, gconstpointer owner, guint32 index,
                                         gboolean writable);
/* (transfer full): @fd: (transfer full): replaces what was there. */
ShoalOpenFile  *shoal_file_cache_put    (ShoalFileCache *self, gconstpointer owner, guint32 index,
                                         int fd, gboolean writable);
/* all of its files */
void            shoal_file_cache_forget (ShoalFileCache *self, gconstpointer owner);
guint           shoal_file_cache_count  (ShoalFileCache *self);

void            shoal_open_file_unref    (ShoalOpenFile *self);
/* (transfer full): for a link; engine thread. */
ShoalFileRef   *shoal_open_file_hand_out (ShoalOpenFile *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalOpenFile, shoal_open_file_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalFileCache, shoal_file_cache_free)

G_END_DECLS
