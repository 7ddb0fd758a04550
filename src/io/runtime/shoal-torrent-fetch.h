/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fetches a .torrent from an http or https link, outside of any session. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Blocks (30 s at most without an answer); any thread. (transfer full) (nullable): %NULL with
 * %SHOAL_ENGINE_ERROR_FETCH. At most 64 MiB. */
GBytes *shoal_torrent_fetch (const char *url, GError **error);

G_END_DECLS
