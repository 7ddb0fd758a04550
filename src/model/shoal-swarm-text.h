/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many take part in a torrent, in words. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (transfer full) (nullable): translated, how many take part as a tracker counts them: "3 of 120
 * seeds, 14 downloading". @n_seeds:
 * those that are connected; @seeds, @leechers: -1: not known. NULL: nobody told of seeds. */
char *shoal_swarm_text  (guint n_seeds, gint64 seeds, gint64 leechers);
/* (transfer full) (nullable): translated, how often a tracker counted a download that was
 * completed; NULL: it did not tell. */
char *shoal_completed_text (gint64 completed);

G_END_DECLS
