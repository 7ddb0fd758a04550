/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces that were written since the last record: eight bytes each, at the end of a file. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ShoalJournal:
 *
 * Counted atomically; every function may be called from any thread. Entries are an index and a CRC
 * of it and the torrent's id, big-endian; they are never synced: whoever reads them compares the
 * pieces with their hashes.
 */
typedef struct _ShoalJournal ShoalJournal;

ShoalJournal *shoal_journal_new    (const char *path, guint64 id);   /* opens nothing */
ShoalJournal *shoal_journal_ref    (ShoalJournal *self);
void          shoal_journal_unref  (ShoalJournal *self);

/* Appends a piece, making the file if it is not there; FALSE: errno says why. */
gboolean      shoal_journal_append (ShoalJournal *self, guint32 piece);
/* (transfer full): the pieces in the order of their writing, each once; below @n_pieces. A torn or
 * damaged entry is passed over. */
guint32      *shoal_journal_read   (ShoalJournal *self, guint32 n_pieces, guint *n);
/* Drops entries that a saved record claims: @had in BEP 3 order, or everything. FALSE: errno says
 * why, nothing was lost. */
gboolean      shoal_journal_prune  (ShoalJournal *self, const guint8 *had, gsize had_size,
                                    gboolean all);
/* Closes the file until it is needed again. */
void          shoal_journal_close  (ShoalJournal *self);
/* Closes and unlinks; later appends do nothing. */
void          shoal_journal_remove (ShoalJournal *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalJournal, shoal_journal_unref)

G_END_DECLS
