/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic of pieces, blocks, bytes and files; indices are validated here once. */

/*
 * Offsets never decrease from file to file, so every look-up is a binary search, narrowed to the
 * files of one piece by `piece_file`. An empty file lies where the next byte would lie; of the
 * files that begin at one offset only the last can hold bytes.
 *
 * Sums are bounded when the layout is made (SHOAL_TOTAL_SIZE_MAX, SHOAL_PIECES_MAX), so nothing
 * overflows afterwards.
 */

#include "shoal-layout.h"

#include "shoal-error.h"

#define REQUEST_SIZE_MAX (128u * 1024)

static gboolean
fail (GError        **error,
      ShoalWireError  code,
      const char     *message)
{
  g_set_error_literal (error, SHOAL_WIRE_ERROR, code, message);
  return FALSE;
}

/* @offset up to the next begin of a piece. */
static guint64
align_up (guint64 offset,
          guint32 piece_size)
{
  guint64 rest = offset % piece_size;

  return rest == 0 ? offset : offset + (piece_size - rest);
}

static gboolean
place_files (ShoalLayout    *self,
             const guint64  *sizes,
             const guint8   *pads,
             GError        **error)
{
  guint64 at = 0;

  for (guint32 i = 0; i < self->n_files; i++)
    {
      if (self->aligned)
        at = align_up (at, self->piece_size);
      if (sizes[i] > SHOAL_TOTAL_SIZE_MAX || at > SHOAL_TOTAL_SIZE_MAX - sizes[i])
        return fail (error, SHOAL_WIRE_ERROR_TOO_LARGE, "The files are too large altogether");
      self->file_offset[i] = at;
      self->file_size[i] = sizes[i];
      self->file_pad[i] = pads != NULL && pads[i] != 0;
      at += sizes[i];
      if (sizes[i] > 0)
        self->total_size = at;
      if (!self->file_pad[i])
        self->payload_size += sizes[i];
    }

  return TRUE;
}

static void
index_pieces (ShoalLayout *self)
{
  guint32 file = 0;

  self->piece_file = g_new (guint32, self->n_pieces);
  for (guint32 piece = 0; piece < self->n_pieces; piece++)
    {
      guint64 offset = shoal_layout_piece_offset (self, piece);

      while (self->file_offset[file] + self->file_size[file] <= offset)
        {
          file++;
          g_assert (file < self->n_files);   /* the last piece ends where the last file does */
        }
      self->piece_file[piece] = file;
    }
}

ShoalLayout *
shoal_layout_new (guint32         piece_size,
                  guint32         n_files,
                  const guint64  *sizes,
                  const guint8   *pads,
                  gboolean        aligned,
                  GError        **error)
{
  g_autoptr (ShoalLayout) self = NULL;
  guint64 n_pieces;

  if (piece_size == 0 || piece_size > SHOAL_PIECE_SIZE_MAX)
    {
      fail (error, SHOAL_WIRE_ERROR_UNSUPPORTED, "The piece size is 0 or over 512 MiB");
      return NULL;
    }
  if (n_files == 0 || n_files > SHOAL_FILES_MAX)
    {
      fail (error, SHOAL_WIRE_ERROR_TOO_LARGE, "There are no files or too many");
      return NULL;
    }

  self = g_new0 (ShoalLayout, 1);
  self->piece_size = piece_size;
  self->n_files = n_files;
  self->aligned = aligned;
  self->file_offset = g_new (guint64, n_files);
  self->file_size = g_new (guint64, n_files);
  self->file_pad = g_new (guint8, n_files);
  if (!place_files (self, sizes, pads, error))
    return NULL;

  n_pieces = align_up (self->total_size, piece_size) / piece_size;
  if (n_pieces > SHOAL_PIECES_MAX)
    {
      fail (error, SHOAL_WIRE_ERROR_TOO_LARGE, "There are too many pieces");
      return NULL;
    }
  self->n_pieces = (guint32) n_pieces;
  index_pieces (self);

  return g_steal_pointer (&self);
}

void
shoal_layout_free (ShoalLayout *self)
{
  if (self == NULL)
    return;
  g_free (self->file_offset);
  g_free (self->file_size);
  g_free (self->file_pad);
  g_free (self->piece_file);
  g_free (self);
}

guint32
shoal_layout_piece_size (const ShoalLayout *self,
                         guint32            piece)
{
  guint64 offset = shoal_layout_piece_offset (self, piece);
  guint64 end = self->total_size;

  g_return_val_if_fail (piece < self->n_pieces, 0);

  if (self->aligned)
    end = self->file_offset[self->piece_file[piece]] + self->file_size[self->piece_file[piece]];

  return (guint32) MIN (end - offset, self->piece_size);
}

guint32
shoal_layout_n_blocks (const ShoalLayout *self,
                       guint32            piece)
{
  guint32 size = shoal_layout_piece_size (self, piece);

  return size / SHOAL_BLOCK_SIZE + (size % SHOAL_BLOCK_SIZE != 0);
}

guint32
shoal_layout_block_size (const ShoalLayout *self,
                         guint32            piece,
                         guint32            block)
{
  guint32 size = shoal_layout_piece_size (self, piece);

  g_return_val_if_fail (block < shoal_layout_n_blocks (self, piece), 0);

  return MIN (size - block * SHOAL_BLOCK_SIZE, SHOAL_BLOCK_SIZE);
}

gboolean
shoal_layout_is_request (const ShoalLayout *self,
                         guint32            piece,
                         guint32            offset,
                         guint32            size)
{
  guint32 piece_size;

  if (piece >= self->n_pieces || size == 0 || size > REQUEST_SIZE_MAX)
    return FALSE;
  piece_size = shoal_layout_piece_size (self, piece);

  return offset < piece_size && size <= piece_size - offset;
}

gboolean
shoal_layout_is_upload (const ShoalLayout *self,
                        guint32            piece,
                        guint32            offset,
                        guint32            size,
                        guint32           *real)
{
  guint32 end = self->piece_size;
  guint32 piece_size;

  if (piece >= self->n_pieces || size == 0 || size > REQUEST_SIZE_MAX)
    return FALSE;
  piece_size = shoal_layout_piece_size (self, piece);
  if (!self->aligned)
    end = piece_size;
  if (offset >= end || size > end - offset)
    return FALSE;
  *real = MIN (size, piece_size - MIN (offset, piece_size));

  return TRUE;
}

gboolean
shoal_layout_is_block (const ShoalLayout *self,
                       guint32            piece,
                       guint32            offset,
                       guint32            size,
                       guint32           *block)
{
  if (!shoal_layout_is_request (self, piece, offset, size) || offset % SHOAL_BLOCK_SIZE != 0)
    return FALSE;
  if (size != shoal_layout_block_size (self, piece, offset / SHOAL_BLOCK_SIZE))
    return FALSE;
  *block = offset / SHOAL_BLOCK_SIZE;

  return TRUE;
}

guint32
shoal_layout_file_at (const ShoalLayout *self,
                      guint64            offset)
{
  guint32 piece = (guint32) (offset / self->piece_size);
  guint32 low, high;

  g_return_val_if_fail (offset < self->total_size, 0);

  /* The last file that begins at or before @offset; in a gap that is the file before the gap. */
  low = self->piece_file[piece];
  high = piece + 1 < self->n_pieces ? self->piece_file[piece + 1] : self->n_files - 1;
  while (low < high)
    {
      guint32 middle = low + (high - low + 1) / 2;

      if (self->file_offset[middle] <= offset)
        low = middle;
      else
        high = middle - 1;
    }

  return low;
}

guint
shoal_layout_extents (const ShoalLayout *self,
                      guint64            offset,
                      guint64            size,
                      guint64           *from,
                      ShoalExtent       *extents,
                      guint              max)
{
  guint64 end, at;
  guint32 file;
  guint n = 0;

  g_return_val_if_fail (*from <= size, 0);
  g_return_val_if_fail (offset <= self->total_size || size == 0, 0);

  end = offset + MIN (size, self->total_size - MIN (offset, self->total_size));
  at = offset + *from;
  file = at < end ? shoal_layout_file_at (self, at) : self->n_files;
  while (file < self->n_files && at < end && n < max)
    {
      guint64 begin = self->file_offset[file];
      guint64 stop = MIN (begin + self->file_size[file], end);

      if (begin > at)
        at = MIN (begin, end);
      if (stop > at)
        {
          if (!self->file_pad[file])
            extents[n++] = (ShoalExtent){ file, at - begin, stop - at, at - offset };
          at = stop;
        }
      file++;
    }
  *from = at < end && file < self->n_files ? at - offset : size;

  return n;
}

void
shoal_layout_file_pieces (const ShoalLayout *self,
                          guint32            file,
                          guint32           *first,
                          guint32           *end)
{
  guint64 offset;

  g_return_if_fail (file < self->n_files);

  offset = self->file_offset[file];
  *first = (guint32) MIN (offset / self->piece_size, self->n_pieces);
  *end = *first;
  if (self->file_size[file] > 0)
    *end = (guint32) (align_up (offset + self->file_size[file], self->piece_size)
                      / self->piece_size);
}
