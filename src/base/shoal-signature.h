/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ed25519 signatures: only their verification. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SHOAL_SIGNATURE_SIZE     64u
#define SHOAL_SIGNATURE_KEY_SIZE 32u

/* Whether @signature (64 bytes) of @data was made by the owner of the public @key (32 bytes). Takes
 * about 0.1 ms. */
gboolean shoal_signature_is_good (const guint8 *key, const guint8 *signature, gconstpointer data,
                                  gsize size);

G_END_DECLS
