/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors and reasons as translated sentences that say what the user can do. */

#pragma once

#include <glib.h>
#include "shoal-terms.h"

G_BEGIN_DECLS

/* (transfer full): a sentence for @error, with a full stop. */
char *shoal_error_text  (const GError *error);
/* (transfer full): why a torrent stopped. @dir: its folder; @detail: (nullable): the lower layer's
 * technical words. */
char *shoal_reason_text (ShoalReason reason, const char *dir, const char *detail);

G_END_DECLS
