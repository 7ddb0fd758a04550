/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names from the network to safe, unique, relative file paths. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SHOAL_NAME_BYTES_MAX 255u    /* of a path component on disk; room for ".part" is kept: 250
                                      * are used */
#define SHOAL_PATH_DEPTH_MAX 64u
#define SHOAL_PATH_BYTES_MAX 4000u   /* of a whole relative path */

/* (transfer full) (nullable): one component made safe, cut at a UTF-8 boundary keeping the
 * extension; NULL if nothing is left (empty, "." or ".."). */
char *shoal_path_clean_component (const guint8 *bytes, gsize size);

/**
 * ShoalPathSet:
 *
 * Gives out paths that are unlike each other also where case does not count, and never uses a
 * file as a folder: `name.ext` becomes `name (1).ext`.
 */
typedef struct _ShoalPathSet ShoalPathSet;

ShoalPathSet *shoal_path_set_new  (void);
void          shoal_path_set_free (ShoalPathSet *self);
/* (transfer full): @components joined by "/" and made unique. */
char         *shoal_path_set_add  (ShoalPathSet *self, const char *const *components,
                                   gboolean *changed);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalPathSet, shoal_path_set_free)

G_END_DECLS
