/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks data on disk against a .torrent, without a session. */

#pragma once

#include <gio/gio.h>
#include "shoal-progress-task.h"
#include "shoal-verifier.h"

G_BEGIN_DECLS

/* @torrent: bytes of a .torrent; @share: (nullable) */
void               shoal_check_data_async  (GBytes *torrent, const char *dir,
                                            GCancellable *cancellable, ShoalShareFunc share,
                                            gpointer share_data, GAsyncReadyCallback callback,
                                            gpointer user_data);
/* (transfer full): shoal_verify_report_free() */
ShoalVerifyReport *shoal_check_data_finish (GAsyncResult *result, GError **error);

G_END_DECLS
