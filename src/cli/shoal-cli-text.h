/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What shoal-cli says: errors, sizes, and a progress line on a terminal. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  SHOAL_EXIT_DONE      = 0,
  SHOAL_EXIT_FAILED    = 1,     /* disk, network, data missing */
  SHOAL_EXIT_WRONG     = 2,     /* the input or the command line */
  SHOAL_EXIT_INTERRUPT = 130,
  SHOAL_EXIT_TERMINATE = 143,
} ShoalExit;

/* One line on standard error: "shoal-cli: @input: message". Control characters become spaces.
 * @input: (nullable) */
void      shoal_cli_complain       (const char *input, const char *format, ...) G_GNUC_PRINTF (2,
                                    3);
/* As that, for an error; the answer is what to exit with. */
ShoalExit shoal_cli_fail           (const char *input, const GError *error);
/* What an error of reading @source means. */
ShoalExit shoal_cli_fail_source    (const char *source, const GError *error);
/* What an input is called in messages: long links are cut. (transfer full) */
char     *shoal_cli_input_name     (const char *input);
/* Whether all that was printed has arrived; else the exit is FAILED. */
ShoalExit shoal_cli_flush          (ShoalExit exit);

/* "123", "16KiB", "2 MiB", "1GiB"; FALSE if it is something else. */
gboolean  shoal_cli_parse_size     (const char *text, guint64 *bytes);

/* A line that is written over itself, if standard output is a terminal; else nothing happens. */
void      shoal_cli_progress       (double share, const char *text);
void      shoal_cli_progress_clear (void);
gboolean  shoal_cli_has_terminal   (void);

G_END_DECLS
