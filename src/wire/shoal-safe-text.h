/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text from the network made fit for eyes: valid, short, without control characters. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * shoal_safe_text:
 * @bytes: text of unknown encoding, most likely UTF-8
 * @max: most bytes of the answer
 *
 * Invalid bytes become U+FFFD; control, line and direction-changing characters become spaces,
 * spaces at both ends go, and what is longer than @max is cut between characters.
 *
 * Returns: (transfer full) (nullable): %NULL if nothing is left
 */
char *shoal_safe_text (const guint8 *bytes, gsize size, gsize max);

G_END_DECLS
