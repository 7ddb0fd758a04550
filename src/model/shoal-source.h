/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the .torrent that a path or link names. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SHOAL_SOURCE_SIZE_MAX (64u * 1024 * 1024)

/* Whether @source is a link that has to be fetched. */
gboolean shoal_source_is_link (const char *source);

/**
 * shoal_source_load:
 * @source: a path, or a file, http or https link
 *
 * Blocks: not for the UI thread. Only regular files are read.
 *
 * Returns: (transfer full) (nullable): %NULL with %SHOAL_ENGINE_ERROR_FETCH for a link,
 * %SHOAL_WIRE_ERROR_TOO_LARGE, or %G_IO_ERROR
 */
GBytes  *shoal_source_load    (const char *source, GError **error);

G_END_DECLS
