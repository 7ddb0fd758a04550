/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reaches files below a folder without ever following a symbolic link out of it. */

#pragma once

#include <glib.h>
#include <sys/stat.h>

G_BEGIN_DECLS

/**
 * ShoalFolder:
 * @root: the folder itself, as the user named it; links on the way to it are followed
 *
 * Walks relative paths component by component. The parent that was reached last stays open, so
 * files of one folder cost one look-up each. One thread at a time. Functions that fail leave why in
 * errno.
 */
typedef struct
{
  int   root;
  int   parent_fd;
  char *parent;      /* (nullable): relative path of @parent_fd */
} ShoalFolder;

#define SHOAL_FOLDER_INIT { -1, -1, NULL }   /* not open */

gboolean shoal_folder_open  (ShoalFolder *self, const char *path);
void     shoal_folder_close (ShoalFolder *self);

/**
 * shoal_folder_parent:
 * @path: relative, "a/b/c"; "." and ".." in it are refused (EINVAL), a link on the way too (ELOOP,
 * ENOTDIR)
 * @make: make folders that are missing
 * @name: (out): the last component, inside @path
 *
 * Returns: the parent of @path, borrowed until the next call; -1: errno
 */
int      shoal_folder_parent (ShoalFolder *self, const char *path, gboolean make,
                              const char **name);

/* Opens a regular file, never a link or anything else (EINVAL). @flags as of open(); O_CREAT makes
 * folders on the way. */
int      shoal_folder_open_file (ShoalFolder *self, const char *path, int flags);
/* What is there, links not followed. */
gboolean shoal_folder_stat   (ShoalFolder *self, const char *path, struct stat *info);
gboolean shoal_folder_unlink (ShoalFolder *self, const char *path);
/* Renames, but never over something that is there (EEXIST), and syncs the folder. Both paths have
 * the same parent. */
gboolean shoal_folder_rename (ShoalFolder *self, const char *from, const char *to);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ShoalFolder, shoal_folder_close)

G_END_DECLS
