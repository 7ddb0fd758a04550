/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of one torrent. */

#pragma once

#include "shoal-file-cache.h"
#include "shoal-hasher.h"
#include "shoal-host.h"
#include "shoal-journal.h"

G_BEGIN_DECLS

/**
 * ShoalStorage:
 *
 * Where the bytes of a torrent are on disk. Counted atomically. Functions that take a #ShoalDiskJob
 * do what its op says and fill in its results; those marked "alone" need that no other job of the
 * torrent runs, the others may run side by side for different pieces. Nothing is created before it
 * is written, no symbolic link is followed below the torrent's folder, and a file that was there
 * before is written to only if a piece in it was found right.
 */
typedef struct _ShoalStorage ShoalStorage;

/**
 * shoal_storage_new:
 * @metainfo: a reference is taken
 * @dir: absolute
 * @journal: (transfer full) (nullable)
 * @edges: (nullable): file for parts of unwanted files; %NULL: a nameless one in @dir
 */
ShoalStorage *shoal_storage_new    (ShoalFileCache *cache, ShoalMetainfo *metainfo, const char *dir,
                                    gboolean part_suffix, ShoalJournal *journal, const char *edges);
ShoalStorage *shoal_storage_ref    (ShoalStorage *self);
void          shoal_storage_unref  (ShoalStorage *self);

const ShoalMetainfo *shoal_storage_metainfo (ShoalStorage *self);

void     shoal_storage_open        (ShoalStorage *self, ShoalDiskJob *job);   /* alone */
/* PIECE: the caller compared the runs with the hash already. SPILL: not. */
void     shoal_storage_write       (ShoalStorage *self, ShoalDiskJob *job);
void     shoal_storage_read        (ShoalStorage *self, ShoalDiskJob *job);
/* Engine thread. FALSE: it would have to wait, or something is wrong; nothing was changed in
 * @job. */
gboolean shoal_storage_read_hot    (ShoalStorage *self, ShoalDiskJob *job);
/* Before a check of many pieces: what the user deleted must not be read from files that are still
 * open. */
void     shoal_storage_check_begin (ShoalStorage *self);
/*
 * Verdicts on pieces [@first, @first + @n), at most %SHOAL_HASHER_PIECES_MAX of them; FALSE:
 * @reason and @detail.
 * @written: every block of them was written, so zeros are wrong; else they are room that was only
 * set aside: missing.
 */
gboolean shoal_storage_check       (ShoalStorage *self, ShoalHasher *hasher, guint32 first, guint n,
                                    gboolean written, guint8 *verdicts, gboolean *halves_differ,
                                    ShoalReason *reason, char **detail);
/* SHA-1 of each block of a piece; NULL: it could not be read. */
ShoalSha1 *shoal_storage_digest_blocks (ShoalStorage *self, guint32 piece);
/* The same for version 2, see shoal_hasher_leaves(). */
ShoalSha256 *shoal_storage_leaves (ShoalStorage *self, ShoalHasher *hasher, guint32 piece);
void     shoal_storage_finish      (ShoalStorage *self, ShoalDiskJob *job);   /* alone */
/* A step of copying another torrent's file; alone. */
void     shoal_storage_take        (ShoalStorage *self, ShoalHasher *hasher, ShoalDiskJob *job);
/* Copies with no right piece go away again; alone. */
void     shoal_storage_drop        (ShoalStorage *self, ShoalDiskJob *job);
/* Closes and forgets all files, synced; alone. */
void     shoal_storage_close       (ShoalStorage *self, ShoalDiskJob *job);
/* The data only; the storage was closed. Alone. */
void     shoal_storage_remove      (ShoalStorage *self, ShoalDiskJob *job);
/* Any thread: FALSE: something that was written is lost. */
gboolean shoal_storage_sync        (ShoalStorage *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalStorage, shoal_storage_unref)

G_END_DECLS
