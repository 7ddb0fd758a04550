/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A cursor over bytes from the network. Running off the end is remembered, not reported. */

#pragma once

#include <glib.h>
#include <string.h>

G_BEGIN_DECLS

/**
 * ShoalReader:
 *
 * Reads big-endian numbers from borrowed bytes. Once a read runs past the end, @bad stays %TRUE
 * and every further read gives 0 or %NULL, so a parser is straight-line code that asks once.
 */
typedef struct
{
  const guint8 *at;
  const guint8 *end;
  gboolean      bad;
} ShoalReader;

static inline ShoalReader
shoal_reader (gconstpointer data,
              gsize         size)
{
  const guint8 *bytes = data;

  return (ShoalReader){ bytes, bytes + size, FALSE };
}

static inline gsize
shoal_reader_left (const ShoalReader *self)
{
  return (gsize) (self->end - self->at);
}

/* The next @size bytes, borrowed from the input; %NULL if there are not so many. */
static inline const guint8 *
shoal_reader_bytes (ShoalReader *self,
                    gsize        size)
{
  const guint8 *bytes = self->at;

  if (self->bad || shoal_reader_left (self) < size)
    {
      self->bad = TRUE;
      return NULL;
    }
  self->at += size;

  return bytes;
}

/* Copies @size bytes to @out, or zeroes it if there are not so many. */
static inline void
shoal_reader_copy (ShoalReader *self,
                   gpointer     out,
                   gsize        size)
{
  const guint8 *bytes = shoal_reader_bytes (self, size);

  if (bytes != NULL)
    memcpy (out, bytes, size);
  else
    memset (out, 0, size);
}

static inline guint64
shoal_reader_be (ShoalReader *self,
                 guint        size)
{
  const guint8 *bytes = shoal_reader_bytes (self, size);
  guint64 value = 0;

  for (guint i = 0; bytes != NULL && i < size; i++)
    value = value << 8 | bytes[i];

  return value;
}

static inline guint8
shoal_reader_u8 (ShoalReader *self)
{
  return (guint8) shoal_reader_be (self, 1);
}

static inline guint16
shoal_reader_u16 (ShoalReader *self)
{
  return (guint16) shoal_reader_be (self, 2);
}

static inline guint32
shoal_reader_u32 (ShoalReader *self)
{
  return (guint32) shoal_reader_be (self, 4);
}

static inline guint64 shoal_reader_u64 (ShoalReader *self) { return shoal_reader_be (self, 8); }

/* Nothing missing, nothing left over. */
static inline gboolean
shoal_reader_done (const ShoalReader *self)
{
  return !self->bad && self->at == self->end;
}

G_END_DECLS
