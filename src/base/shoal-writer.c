/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A growing buffer of big-endian numbers and bytes. */

/*
 * Capacity doubles, so writing is linear in what is written. @data may be NULL while nothing was
 * written; every function here copes with that.
 */

#include "shoal-writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIRST_CAPACITY 64   /* bytes */

static guint8 *
writer_space (ShoalWriter *self,
              gsize        size)
{
  guint8 *space;

  if (size > self->capacity - self->size)
    {
      gsize capacity = MAX (self->capacity, FIRST_CAPACITY);

      if (size > G_MAXSSIZE - self->size)
        g_error ("A buffer cannot hold %" G_GSIZE_FORMAT " bytes more", size);

      while (capacity - self->size < size)
        capacity *= 2;

      self->data = g_realloc (self->data, capacity);
      self->capacity = capacity;
    }

  space = self->data + self->size;
  self->size += size;

  return space;
}

static void
writer_be (ShoalWriter *self,
           guint64      value,
           guint        size)
{
  guint8 *out = writer_space (self, size);

  for (guint i = size; i > 0; i--)
    {
      out[i - 1] = (guint8) value;
      value >>= 8;
    }
}

void
shoal_writer_clear (ShoalWriter *self)
{
  g_return_if_fail (self != NULL);

  g_clear_pointer (&self->data, g_free);
  self->size = 0;
  self->capacity = 0;
}

void
shoal_writer_u8 (ShoalWriter *self,
                 guint8       value)
{
  g_return_if_fail (self != NULL);

  writer_be (self, value, 1);
}

void
shoal_writer_u16 (ShoalWriter *self,
                  guint16      value)
{
  g_return_if_fail (self != NULL);

  writer_be (self, value, 2);
}

void
shoal_writer_u32 (ShoalWriter *self,
                  guint32      value)
{
  g_return_if_fail (self != NULL);

  writer_be (self, value, 4);
}

void
shoal_writer_u64 (ShoalWriter *self,
                  guint64      value)
{
  g_return_if_fail (self != NULL);

  writer_be (self, value, 8);
}

void
shoal_writer_bytes (ShoalWriter  *self,
                    gconstpointer data,
                    gsize         size)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (data != NULL || size == 0);

  if (size > 0)
    memcpy (writer_space (self, size), data, size);
}

void
shoal_writer_text (ShoalWriter *self,
                   const char  *text)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (text != NULL);

  shoal_writer_bytes (self, text, strlen (text));
}

void
shoal_writer_format (ShoalWriter *self,
                     const char  *format,
                     ...)
{
  char fixed[128];
  va_list args;
  int size;

  g_return_if_fail (self != NULL);
  g_return_if_fail (format != NULL);

  va_start (args, format);
  size = g_vsnprintf (fixed, sizeof fixed, format, args);
  va_end (args);

  g_return_if_fail (size >= 0);

  if ((gsize) size < sizeof fixed)
    {
      shoal_writer_bytes (self, fixed, (gsize) size);
      return;
    }

  /* One byte more for the NUL, which is then given back. */
  va_start (args, format);
  g_vsnprintf ((char *) writer_space (self, (gsize) size + 1), (gulong) size + 1, format, args);
  va_end (args);
  self->size--;
}

guint8 *
shoal_writer_space (ShoalWriter *self,
                    gsize        size)
{
  g_return_val_if_fail (self != NULL, NULL);

  return writer_space (self, size);
}

GBytes *
shoal_writer_steal (ShoalWriter *self)
{
  GBytes *bytes;

  g_return_val_if_fail (self != NULL, NULL);

  bytes = g_bytes_new_take (self->data, self->size);
  *self = (ShoalWriter){ 0 };

  return bytes;
}
