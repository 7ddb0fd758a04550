/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a .torrent: v1 (BEP 3), v2 and hybrid (BEP 52), with BEP 12, 19, 27 and 47. */

#pragma once

#include <glib.h>
#include "shoal-digest.h"
#include "shoal-metainfo.h"

G_BEGIN_DECLS

typedef enum
{
  SHOAL_TORRENT_V1     = 1 << 0,
  SHOAL_TORRENT_V2     = 1 << 1,
  SHOAL_TORRENT_HYBRID = SHOAL_TORRENT_V1 | SHOAL_TORRENT_V2,
} ShoalTorrentVersions;

/**
 * ShoalTorrentFile:
 * @path: components below the torrent's name, %NULL-terminated; ignored for a single file
 * @size: bytes; 0 for a symlink
 * @flags: without PAD: the writer makes the pad files
 * @symlink: (nullable): components of the target below the torrent's name, when SYMLINK
 * @root: v2: merkle root, where @size is not 0
 * @layer: (nullable): v2: one hash for each piece, where @size is over the piece size
 *
 * Everything is borrowed.
 */
typedef struct
{
  const char *const *path;
  guint64            size;
  ShoalFileFlags     flags;
  const char *const *symlink;
  ShoalSha256        root;
  const guint8      *layer;
} ShoalTorrentFile;

/**
 * ShoalTorrentSpec:
 * @name: name of the torrent's folder or lone file
 * @files: sorted by shoal_torrent_compare_paths(), no two alike
 * @pieces: v1: @n_pieces hashes of 20 bytes, of the files with the zeros of
 * shoal_torrent_pad_size() behind each
 * @trackers: (nullable): tiers
 * @creation_date: seconds since 1970; -1: none
 *
 * What a .torrent is to say; everything is borrowed. Texts may be %NULL.
 */
typedef struct
{
  ShoalTorrentVersions    versions;
  const char             *name;
  gboolean                single;
  const ShoalTorrentFile *files;
  guint32                 n_files;
  guint32                 piece_size;
  const guint8           *pieces;
  guint32                 n_pieces;
  char                 ***trackers;
  char                  **web_seeds;
  const char             *comment;
  const char             *source;
  const char             *created_by;
  gint64                  creation_date;
  gboolean                is_private;
} ShoalTorrentSpec;

/* A power of two from 16 KiB to 32 MiB that gives about 1,500 pieces. */
guint32 shoal_torrent_choose_piece_size (guint64 total_size);

/* Depth-first, each component compared by bytes: the order of the v2 file tree. */
int     shoal_torrent_compare_paths (const char *const *a, const char *const *b);

/* Zeros that follow the file in the v1 pieces: a pad file after every file of a hybrid of several
 * files. */
guint64 shoal_torrent_pad_size (const ShoalTorrentSpec *self, guint32 file);

/* How many v1 pieces there must be. */
guint64 shoal_torrent_n_pieces (const ShoalTorrentSpec *self);

/**
 * shoal_torrent_write:
 *
 * Returns: (transfer full) (nullable): the canonical .torrent, or %NULL with a #ShoalWireError when
 *   it would break a limit of shoal_metainfo_parse() or a rule of its format
 */
GBytes *shoal_torrent_write (const ShoalTorrentSpec *self, GError **error);

G_END_DECLS
