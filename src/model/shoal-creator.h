/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes a .torrent from a file or folder. */

#pragma once

#include <gio/gio.h>
#include "shoal-maker.h"
#include "shoal-progress-task.h"

G_BEGIN_DECLS

/**
 * shoal_create_torrent_async:
 * @options: copied
 * @output: where the .torrent goes; replaced whole or not at all
 * @share: (nullable)
 */
void     shoal_create_torrent_async  (const ShoalMakeOptions *options, const char *output,
                                      GCancellable *cancellable, ShoalShareFunc share,
                                      gpointer share_data, GAsyncReadyCallback callback,
                                      gpointer user_data);
gboolean shoal_create_torrent_finish (GAsyncResult *result, GError **error);

G_END_DECLS
