/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CRC-32C, bit by bit: the inputs are addresses, a table would not pay. */

#include "shoal-crc32c.h"

#define POLYNOMIAL 0x82f63b78u   /* reversed */

guint32
shoal_crc32c (guint32       crc,
              gconstpointer data,
              gsize         size)
{
  const guint8 *bytes = data;

  crc = ~crc;
  for (gsize i = 0; i < size; i++)
    {
      crc ^= bytes[i];
      for (guint bit = 0; bit < 8; bit++)
        crc = crc >> 1 ^ (POLYNOMIAL & (0u - (crc & 1)));
    }

  return ~crc;
}
