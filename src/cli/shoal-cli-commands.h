/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of shoal-cli. Each takes its own arguments, the command's name first, and answers
 * what to exit with. */

#pragma once

#include "shoal-cli-text.h"

G_BEGIN_DECLS

ShoalExit shoal_cli_show     (int argc, char **argv);
ShoalExit shoal_cli_magnet   (int argc, char **argv);
ShoalExit shoal_cli_create   (int argc, char **argv);
ShoalExit shoal_cli_verify   (int argc, char **argv);
ShoalExit shoal_cli_download (int argc, char **argv);
ShoalExit shoal_cli_serve    (int argc, char **argv);

G_END_DECLS
