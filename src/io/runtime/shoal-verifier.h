/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compares a torrent's data on disk with its hashes, outside of any session. */

#pragma once

#include <glib.h>
#include "shoal-progress.h"

G_BEGIN_DECLS

#define SHOAL_VERIFIER_THREADS_MAX 8u

typedef enum
{
  SHOAL_VERDICT_MISSING,   /* a file is not there or too short, or nothing was written */
  SHOAL_VERDICT_WRONG,
  SHOAL_VERDICT_RIGHT,
  SHOAL_N_VERDICTS,
} ShoalVerdict;

/**
 * ShoalVerifyReport:
 * @verdicts: one #ShoalVerdict a piece
 * @n: how many pieces have each verdict
 * @n_absent: files without a byte that are not there
 */
typedef struct
{
  char    *name;
  guint32  n_pieces;
  guint8  *verdicts;
  guint32  n[SHOAL_N_VERDICTS];
  guint32  n_absent;
} ShoalVerifyReport;

/**
 * shoal_verify:
 * @torrent: bytes of a .torrent
 * @dir: folder that holds the torrent's file or folder; files that end in ".part" count where the
 * final ones are not there
 * @progress: what it shows and whether it is to stop
 *
 * Blocks; any thread. Nothing is written. Uses up to %SHOAL_VERIFIER_THREADS_MAX threads, one where
 * a disk turns.
 *
 * Returns: (transfer full) (nullable): %NULL with %SHOAL_WIRE_ERROR for a bad torrent, else
 * %G_IO_ERROR
 */
ShoalVerifyReport *shoal_verify             (GBytes *torrent, const char *dir,
                                             ShoalProgress *progress, GError **error);
void               shoal_verify_report_free (ShoalVerifyReport *self);
gboolean           shoal_verify_report_complete (const ShoalVerifyReport *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalVerifyReport, shoal_verify_report_free)

G_END_DECLS
