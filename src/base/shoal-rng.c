/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A seeded random generator: xoshiro256**. */

/*
 * The same seed gives the same numbers on every machine, byte order included, so that a run of the
 * engine can be repeated from its seed.
 */

#include "shoal-rng.h"

#include <string.h>

#define SWAP_BYTES 64   /* moved at once when items change places */

static guint64
rotate (guint64 value,
        guint   by)
{
  return value << by | value >> (64 - by);
}

static guint64
splitmix64 (guint64 *state)
{
  guint64 z = (*state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15));

  z = (z ^ z >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);

  return z ^ z >> 31;
}

static void
swap_items (guint8 *a,
            guint8 *b,
            gsize   size)
{
  guint8 kept[SWAP_BYTES];

  while (size > 0)
    {
      gsize part = MIN (size, sizeof kept);

      memcpy (kept, a, part);
      memcpy (a, b, part);
      memcpy (b, kept, part);
      a += part;
      b += part;
      size -= part;
    }
}

void
shoal_rng_init (ShoalRng *self,
                guint64   seed)
{
  g_return_if_fail (self != NULL);

  for (guint i = 0; i < G_N_ELEMENTS (self->state); i++)
    self->state[i] = splitmix64 (&seed);
}

guint64
shoal_rng_next (ShoalRng *self)
{
  guint64 *s;
  guint64 result;
  guint64 shifted;

  g_return_val_if_fail (self != NULL, 0);

  s = self->state;
  result = rotate (s[1] * 5, 7) * 9;
  shifted = s[1] << 17;

  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = rotate (s[3], 45);

  return result;
}

guint32
shoal_rng_below (ShoalRng *self,
                 guint32   limit)
{
  guint64 product;

  g_return_val_if_fail (self != NULL, 0);
  g_return_val_if_fail (limit > 0, 0);

  /* The high half of a product is even over the range but for the first few low halves. */
  product = (shoal_rng_next (self) >> 32) * limit;
  if ((guint32) product < limit)
    {
      guint32 refused = (0u - limit) % limit;

      while ((guint32) product < refused)
        product = (shoal_rng_next (self) >> 32) * limit;
    }

  return (guint32) (product >> 32);
}

double
shoal_rng_unit (ShoalRng *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return (double) (shoal_rng_next (self) >> 11) * 0x1.0p-53;
}

void
shoal_rng_bytes (ShoalRng *self,
                 guint8   *out,
                 gsize     size)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (out != NULL || size == 0);

  while (size > 0)
    {
      guint64 value = GUINT64_TO_LE (shoal_rng_next (self));
      gsize part = MIN (size, sizeof value);

      memcpy (out, &value, part);
      out += part;
      size -= part;
    }
}

void
shoal_rng_shuffle (ShoalRng *self,
                   gpointer  items,
                   gsize     n,
                   gsize     item_size)
{
  guint8 *bytes = items;

  g_return_if_fail (self != NULL);
  g_return_if_fail (items != NULL || n == 0);
  g_return_if_fail (n <= G_MAXUINT32);

  for (gsize i = n; i > 1; i--)
    {
      gsize other = shoal_rng_below (self, (guint32) i);

      if (other != i - 1)
        swap_items (bytes + (i - 1) * item_size, bytes + other * item_size, item_size);
    }
}
