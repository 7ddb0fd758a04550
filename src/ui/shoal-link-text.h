/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds links that can be added in text that the user pasted, dropped or typed. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * shoal_link_text_find:
 * @text: (nullable): anything
 *
 * Links stand between white space: magnet, http and https links, and bare info-hashes (40 hex or 32
 * base32 digits), which become magnet links. At most 100 are found.
 *
 * Returns: (transfer full): a %NULL-terminated array, empty if there is none
 */
char     **shoal_link_text_find       (const char *text);
/* Whether @link most likely leads to a torrent: a magnet, or an address that ends in ".torrent". */
gboolean   shoal_link_text_is_torrent (const char *link);

G_END_DECLS
