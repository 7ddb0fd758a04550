/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes, rates, times and shares as translated text. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* All (transfer full). */
char *shoal_format_size      (guint64 bytes);             /* "3.2 MB" */
char *shoal_format_rate      (guint64 bytes_per_second);  /* "3.2 MB/s" */
/* "45 s", "2 min", "1 h 20 min", "3 d 4 h"; over a year: "more than a year" */
char *shoal_format_duration  (gint64 seconds);
/* "2 min left"; SHOAL_ETA_UNKNOWN: %NULL */
char *shoal_format_time_left (gint64 seconds);
/* "42%"; rounded down: 100% is really all */
char *shoal_format_percent   (double share);

G_END_DECLS
