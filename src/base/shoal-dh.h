/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Diffie-Hellman over the 768 bit prime of message stream encryption. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SHOAL_DH_SIZE        96u   /* bytes of a public key and of what is shared */
#define SHOAL_DH_SECRET_SIZE 20u   /* random bytes of a secret key */

/* The public key that belongs to @secret, big endian. About 50 microseconds. */
void     shoal_dh_public (const guint8 secret[SHOAL_DH_SECRET_SIZE], guint8 out[SHOAL_DH_SIZE]);
/* What both ends know then. FALSE: @theirs is no key (0, 1, or not below the prime less one), so
 * that everybody could tell what is shared. */
gboolean shoal_dh_shared (const guint8 secret[SHOAL_DH_SECRET_SIZE],
                          const guint8 theirs[SHOAL_DH_SIZE], guint8 out[SHOAL_DH_SIZE]);

G_END_DECLS
