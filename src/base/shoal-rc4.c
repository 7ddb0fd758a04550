/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The RC4 stream cipher, which message stream encryption asks for and OpenSSL 3 no longer
 * offers. */

/* Each step needs the one before, so the processor is kept busy by taking eight at a time and
 * touching the text once for all of them. */

#include "shoal-rc4.h"

#include <string.h>

#define WORD 8u   /* bytes taken at a time */

void
shoal_rc4_init (ShoalRc4     *self,
                const guint8 *key,
                gsize         size)
{
  guint8 j = 0;

  g_return_if_fail (self != NULL && key != NULL);
  g_return_if_fail (size > 0 && size <= sizeof self->state);

  for (guint i = 0; i < sizeof self->state; i++)
    self->state[i] = (guint8) i;
  for (guint i = 0; i < sizeof self->state; i++)
    {
      guint8 swapped = self->state[i];

      j = (guint8) (j + swapped + key[i % size]);
      self->state[i] = self->state[j];
      self->state[j] = swapped;
    }
  self->i = self->j = 0;
}

static inline guint8
step (guint8 *state,
      guint8 *i,
      guint8 *j)
{
  guint8 a, b;

  *i = (guint8) (*i + 1);
  a = state[*i];
  *j = (guint8) (*j + a);
  b = state[*j];
  state[*i] = b;
  state[*j] = a;

  return state[(guint8) (a + b)];
}

void
shoal_rc4_apply (ShoalRc4 *self,
                 guint8   *bytes,
                 gsize     size)
{
  guint8 i = self->i;
  guint8 j = self->j;

  for (; size >= WORD; size -= WORD, bytes += WORD)
    {
      guint64 keys = 0;
      guint64 text;

#pragma GCC unroll 8
      for (guint n = 0; n < WORD; n++)
        keys |= (guint64) step (self->state, &i, &j) << (8 * n);
      memcpy (&text, bytes, sizeof text);
      text ^= GUINT64_FROM_LE (keys);
      memcpy (bytes, &text, sizeof text);
    }
  while (size-- > 0)
    *bytes++ ^= step (self->state, &i, &j);

  self->i = i;
  self->j = j;
}

void
shoal_rc4_skip (ShoalRc4 *self,
                gsize     size)
{
  while (size-- > 0)
    step (self->state, &self->i, &self->j);
}
