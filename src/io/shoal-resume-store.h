/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps what torrents need between runs: records, .torrents and journals, in a locked folder. */

#pragma once

#include <gio/gio.h>
#include "shoal-journal.h"
#include "shoal-resume.h"

G_BEGIN_DECLS

/**
 * ShoalResumeStore:
 *
 * One folder with, for each torrent, `<id>.resume` (the record; the generation before is
 * `<id>.resume.old`), `<id>.torrent`, `<id>.journal` and `<id>.edges`. Writing is done by a thread
 * of its own, several records together, in a way that leaves either the old or the new one after a
 * crash. Functions may be called from any thread unless they say otherwise.
 */
typedef struct _ShoalResumeStore ShoalResumeStore;

/**
 * ShoalResumeSync:
 *
 * Makes the torrent's data durable, on the store's thread, before a record that claims it is
 * written. Returns: %FALSE if data was lost: the record is then saved as one that needs a full
 * check
 */
typedef gboolean (*ShoalResumeSync) (guint64 id, gpointer user_data);

/* @metainfo: (transfer full) (nullable): bytes of the kept .torrent. @record: (transfer full) */
typedef void     (*ShoalResumeLoad) (ShoalResume *record, GBytes *metainfo, gpointer user_data);

/**
 * shoal_resume_store_open:
 * @dir: absolute; made if it is missing, with its parents, for the user alone
 *
 * Takes the lock of the folder and starts the thread.
 * Returns: (nullable): %NULL with %SHOAL_STORE_ERROR_IN_USE ("in use by process N") or a G_IO_ERROR
 */
ShoalResumeStore *shoal_resume_store_open     (const char *dir, GError **error);

/* Saves what is pending, ends the thread, gives up the lock. */
void              shoal_resume_store_close    (ShoalResumeStore *self);

/**
 * shoal_resume_store_load:
 *
 * Calls @func for every kept torrent, in the order of the ids. A corrupt record is set aside; its
 * torrent comes with what its older generation or its .torrent still tell, and has a full check due
 * (@checked_to 0). Returns: how many torrents were kept
 */
guint             shoal_resume_store_load     (ShoalResumeStore *self, ShoalResumeLoad func,
                                               gpointer user_data);

/* The highest id that was ever saved here, also by torrents that are gone: new ids must be above
 * it. */
guint64           shoal_resume_store_last_id  (ShoalResumeStore *self);

/* @record: (transfer full): saved soon, instead of an older one of the same id that still waits.
 * Ignored after shoal_resume_store_forget(). */
void              shoal_resume_store_save     (ShoalResumeStore *self, ShoalResume *record);

/* @nodes: (transfer full): saved soon, in place of what was kept before; flush does not wait for
 * it. A failure is only a slower start. */
void              shoal_resume_store_keep_nodes (ShoalResumeStore *self, GBytes *nodes);
/* (transfer full) (nullable): what was kept last, as it was given */
GBytes           *shoal_resume_store_nodes    (ShoalResumeStore *self);

/* Blocks until all that was handed over before is saved or has failed; FALSE: something still could
 * not be saved (it is tried again later). */
gboolean          shoal_resume_store_flush    (ShoalResumeStore *self);

/* Removes everything that is kept of a torrent; blocks. */
gboolean          shoal_resume_store_forget   (ShoalResumeStore *self, guint64 id, GError **error);

/* (transfer full) (nullable): the kept record of a torrent, or one that still waits to be saved. */
ShoalResume      *shoal_resume_store_record   (ShoalResumeStore *self, guint64 id);

/* (transfer full) (nullable): the kept .torrent. */
GBytes           *shoal_resume_store_metainfo (ShoalResumeStore *self, guint64 id, GError **error);

/* (transfer full): the journal of a torrent: one object for all who ask. */
ShoalJournal     *shoal_resume_store_journal  (ShoalResumeStore *self, guint64 id);

/* (transfer full): where parts of unwanted files are kept that lie in wanted pieces. */
char             *shoal_resume_store_edges    (ShoalResumeStore *self, guint64 id);

/* NULL: nothing to sync any more. Waits for a sync that is under way. */
void              shoal_resume_store_set_sync (ShoalResumeStore *self, ShoalResumeSync func,
                                               gpointer user_data);

/**
 * shoal_resume_store_settings:
 *
 * The record of a torrent as GSettings of the schema io.github.shoalbt.Shoal.Torrent, which is
 * looked up in the folder of SHOAL_SCHEMA_DIR, else where it was installed. What is changed here is
 * saved like a record. Returns: (transfer full) (nullable): %NULL with an error that names the
 * folder, if the schema is not there
 */
GSettings        *shoal_resume_store_settings (ShoalResumeStore *self, guint64 id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalResumeStore, shoal_resume_store_close)

G_END_DECLS
