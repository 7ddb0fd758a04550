/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic of pieces, blocks, bytes and files; indices are validated here once. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SHOAL_BLOCK_SIZE     16384u
#define SHOAL_PIECE_SIZE_MAX (512u * 1024 * 1024)
#define SHOAL_PIECES_MAX     (8u * 1024 * 1024)
#define SHOAL_FILES_MAX      400000u
#define SHOAL_TOTAL_SIZE_MAX (G_GUINT64_CONSTANT (1) << 50)

/**
 * ShoalExtent:
 * @file: index of the file
 * @offset: first byte in that file
 * @size: bytes
 * @in_range: where the extent begins in the range that was asked for
 */
typedef struct
{
  guint32 file;
  guint64 offset;
  guint64 size;
  guint64 in_range;
} ShoalExtent;

/**
 * ShoalLayout:
 *
 * How a torrent's bytes lie in pieces and files; immutable. The offsets are of the torrent's
 * address space, pad files included: in v1 the concatenation of the files, in v2 every file begins
 * at a piece. A lone v2 torrent has no pad files, yet the space between files exists all the same
 * (a gap: bytes of no file, zero, neither stored nor sent); its pieces end with their file.
 */
typedef struct
{
  guint64  total_size;      /* of the address space, to the end of the last file */
  guint64  payload_size;    /* without pad files and gaps */
  guint32  piece_size;
  guint32  n_pieces;
  guint32  n_files;
  guint64 *file_offset;     /* n_files */
  guint64 *file_size;       /* n_files */
  guint8  *file_pad;        /* n_files; 1: a pad file, never stored */
  guint32 *piece_file;      /* n_pieces: index of the first file with a byte in the piece, so
                             * look-ups are short */
  gboolean aligned;         /* v2 only: a piece holds bytes of one file and ends with it */
} ShoalLayout;

ShoalLayout *shoal_layout_new  (guint32 piece_size, guint32 n_files, const guint64 *sizes,
                                const guint8 *pads, gboolean aligned, GError **error);
void         shoal_layout_free (ShoalLayout *self);

/* bytes of this piece: the last one (aligned: of each file) may be shorter */
guint32 shoal_layout_piece_size  (const ShoalLayout *self, guint32 piece);
guint32 shoal_layout_n_blocks    (const ShoalLayout *self, guint32 piece);
guint32 shoal_layout_block_size  (const ShoalLayout *self, guint32 piece, guint32 block);

static inline guint64
shoal_layout_piece_offset (const ShoalLayout *self, guint32 piece)
{
  return (guint64) piece * self->piece_size;
}

/* A request from the network: the piece exists, 0 < size <= 128 KiB, and the range lies in the
 * piece. */
gboolean shoal_layout_is_request (const ShoalLayout *self, guint32 piece, guint32 offset,
                                  guint32 size);
/* What a peer may ask for: the same, and where the layout is aligned up to the nominal size of
 * every piece: libtorrent does, and takes the rest for zeros. @real: bytes of the range that exist,
 * perhaps none. */
gboolean shoal_layout_is_upload  (const ShoalLayout *self, guint32 piece, guint32 offset,
                                  guint32 size, guint32 *real);
/* Whether it is exactly a block; its index to @block. */
gboolean shoal_layout_is_block   (const ShoalLayout *self, guint32 piece, guint32 offset,
                                  guint32 size, guint32 *block);

/**
 * shoal_layout_extents:
 * @extents: (out): filled in order, pad files left out
 * @max: room in @extents
 * @from: (inout): 0 at first; where to go on, or equal to @size at the end
 *
 * The parts of files that hold bytes [@from, @size) of the range beginning at @offset.
 * Returns: how many were filled
 */
guint shoal_layout_extents (const ShoalLayout *self, guint64 offset, guint64 size, guint64 *from,
                            ShoalExtent *extents, guint max);

/* Pieces that hold bytes of a file: [first, end); empty files give first == end. */
void  shoal_layout_file_pieces (const ShoalLayout *self, guint32 file, guint32 *first,
                                guint32 *end);
/* Index of the file holding the byte at @offset of the address space (never an empty file). */
guint32 shoal_layout_file_at (const ShoalLayout *self, guint64 offset);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalLayout, shoal_layout_free)

G_END_DECLS
