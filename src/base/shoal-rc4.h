/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The RC4 stream cipher, which message stream encryption asks for and OpenSSL 3 no longer
 * offers. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ShoalRc4:
 *
 * One direction of a stream; a plain value, which may be copied. It hides what is said from those
 * who look for patterns on the way and protects nothing else.
 */
typedef struct
{
  guint8 state[256];
  guint8 i;
  guint8 j;
} ShoalRc4;

/* @key of 1 to 256 bytes. */
void shoal_rc4_init  (ShoalRc4 *self, const guint8 *key, gsize size);
/* Enciphers or deciphers the next @size bytes of the stream where they are. */
void shoal_rc4_apply (ShoalRc4 *self, guint8 *bytes, gsize size);
/* Leaves out @size bytes of the key stream. */
void shoal_rc4_skip  (ShoalRc4 *self, gsize size);

G_END_DECLS
