/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes a .torrent from a file or folder. */

#pragma once

#include <glib.h>
#include "shoal-progress.h"

G_BEGIN_DECLS

#define SHOAL_MAKER_THREADS_MAX 8u

typedef enum { SHOAL_MAKE_HYBRID, SHOAL_MAKE_V1, SHOAL_MAKE_V2 } ShoalMakeKind;

/**
 * ShoalMakeOptions:
 * @path: the file or folder
 * @piece_size: a power of two, 16 KiB or more; 0: chosen by size
 * @trackers: (nullable): one tier each
 * @creation_date: seconds since 1970; -1: not told
 *
 * Borrowed; texts may be %NULL.
 */
typedef struct
{
  const char        *path;
  ShoalMakeKind      kind;
  guint64            piece_size;
  const char *const *trackers;
  const char *const *web_seeds;
  const char        *comment;
  const char        *source;
  gboolean           is_private;
  gint64             creation_date;
} ShoalMakeOptions;

/**
 * shoal_make_torrent:
 *
 * Blocks; any thread. Links that stay inside of the folder are kept as links; one that leaves it is
 * an error. What is neither file, folder nor link is passed over.
 *
 * Returns: (transfer full) (nullable): %NULL with %SHOAL_WIRE_ERROR where @options ask for
 * something that cannot be, else %G_IO_ERROR
 */
GBytes *shoal_make_torrent (const ShoalMakeOptions *options, ShoalProgress *progress,
                            GError **error);

G_END_DECLS
