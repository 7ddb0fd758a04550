/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a folder in the order of a torrent. */

#pragma once

#include <glib.h>
#include "shoal-metainfo.h"

G_BEGIN_DECLS

/**
 * ShoalTreeFile:
 * @path: components below the root, %NULL-terminated; of a lone file empty
 * @target: (nullable): of a symbolic link: components below the root
 */
typedef struct
{
  char           *location;   /* where it is, to be opened */
  char          **path;
  char          **target;
  guint64         size;
  ShoalFileFlags  flags;
} ShoalTreeFile;

/**
 * shoal_tree_walk:
 * @root: absolute path of a file or folder
 * @single: (out): it is a file
 *
 * Depth first, each component compared by its bytes. Links are kept as links if they stay inside of
 * @root; one that leaves it is an error, and so is a name that is not UTF-8. What is neither file,
 * folder nor link is passed over.
 *
 * Returns: (transfer full) (nullable): of #ShoalTreeFile
 */
GPtrArray *shoal_tree_walk (const char *root, gboolean *single, GError **error);

G_END_DECLS
