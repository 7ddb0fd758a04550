/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CRC-32C (Castagnoli): what BEP 40 and BEP 42 reckon with. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Goes on from @crc; 0 begins. */
guint32 shoal_crc32c (guint32 crc, gconstpointer data, gsize size);

G_END_DECLS
