/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Grows a buffer of big-endian numbers and bytes: the counterpart of ShoalReader. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ShoalWriter:
 * @data: (owned): what was written
 * @size: bytes written
 *
 * Starts as `{ 0 }`. Not limited: what is written comes from the client, never from the network.
 */
typedef struct
{
  guint8 *data;
  gsize   size;
  gsize   capacity;
} ShoalWriter;

void    shoal_writer_clear  (ShoalWriter *self);   /* frees; the writer may be used again */
void    shoal_writer_u8     (ShoalWriter *self, guint8 value);
void    shoal_writer_u16    (ShoalWriter *self, guint16 value);
void    shoal_writer_u32    (ShoalWriter *self, guint32 value);
void    shoal_writer_u64    (ShoalWriter *self, guint64 value);
void    shoal_writer_bytes  (ShoalWriter *self, gconstpointer data, gsize size);
void    shoal_writer_text   (ShoalWriter *self, const char *text);   /* without its NUL */
void    shoal_writer_format (ShoalWriter *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* @size uninitialised bytes, valid until the next call */
guint8 *shoal_writer_space  (ShoalWriter *self, gsize size);
/* (transfer full): leaves the writer empty */
GBytes *shoal_writer_steal  (ShoalWriter *self);

/* For packets whose places are fixed: puts the lowest @size bytes of @value, highest first; returns
 * where to go on. */
static inline guint8 *
shoal_put (guint8 *at,
           guint64 value,
           guint   size)
{
  for (guint i = size; i > 0; i--)
    *at++ = (guint8) (value >> (8 * (i - 1)));

  return at;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ShoalWriter, shoal_writer_clear)

G_END_DECLS
