/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a .torrent says: v1 (BEP 3), v2 and hybrid (BEP 52), with BEP 5, 12, 17, 19, 27, 38, 47. */

#pragma once

#include <glib.h>
#include "shoal-digest.h"
#include "shoal-layout.h"

G_BEGIN_DECLS

#define SHOAL_TORRENT_SIZE_MAX  (64u * 1024 * 1024)   /* bytes of a .torrent or info dictionary */
#define SHOAL_TRACKERS_MAX      1024u
#define SHOAL_WEB_SEEDS_MAX     1024u
#define SHOAL_NODES_MAX         256u
#define SHOAL_SIMILAR_MAX       256u                  /* torrents named as similar; the rest is
                                                       * passed over */
#define SHOAL_COLLECTIONS_MAX   64u
#define SHOAL_COLLECTION_SIZE_MAX 255u                /* bytes of the name of one */

typedef enum
{
  SHOAL_FILE_PAD        = 1 << 0,
  SHOAL_FILE_EXECUTABLE = 1 << 1,
  SHOAL_FILE_HIDDEN     = 1 << 2,
  SHOAL_FILE_SYMLINK    = 1 << 3,
} ShoalFileFlags;

/**
 * ShoalMetainfoFile:
 * @path: (owned): safe relative path as it is on disk, beginning with the torrent's name; UTF-8
 * @symlink: (owned) (nullable): safe target, a path like @path (of the torrent's root), when
 * SYMLINK
 * @size: bytes as declared; a symlink's do not exist and are 0 in the layout
 * @has_root: whether @root is set (v2, size > 0)
 * @root: the file's merkle root
 * @layer: (nullable): borrowed, the piece layer: one SHA-256 a piece, for files larger than a piece
 */
typedef struct
{
  char          *path;
  char          *symlink;
  guint64        size;
  ShoalFileFlags flags;
  gboolean       has_root;
  ShoalSha256    root;
  const guint8  *layer;
} ShoalMetainfoFile;

/**
 * ShoalInfoHash:
 *
 * The names of a torrent. On the wire the v2 hash is cut to 20 bytes.
 */
typedef struct
{
  gboolean    has_v1;
  gboolean    has_v2;
  ShoalSha1   v1;
  ShoalSha256 v2;
} ShoalInfoHash;

/**
 * ShoalMetainfo:
 *
 * Immutable after parsing, counted atomically: any thread may read it and hold it.
 * `trackers` is a list of tiers, each a list of URLs, as NULL-terminated arrays.
 * `pieces` is NULL in a v2-only torrent. `n_peer_addresses` etc. are not here: see ShoalMagnet.
 */
typedef struct
{
  gint                ref_count;
  GBytes             *bytes;            /* the whole file as read */
  const guint8       *info;             /* the raw info dictionary inside @bytes */
  gsize               info_size;
  ShoalInfoHash       hash;
  char               *name;             /* safe as a file name */
  gboolean            single;           /* one file at the top, no folder */
  gboolean            is_private;
  gboolean            layers_missing;   /* v2 piece layers are not all there (metadata from
                                         * peers) */
  ShoalLayout        *layout;
  ShoalMetainfoFile  *files;            /* layout->n_files */
  const guint8       *pieces;           /* 20 bytes a piece, inside @bytes; NULL: v2 only */
  char             ***trackers;         /* tiers */
  char              **web_seeds;        /* BEP 19 */
  char              **http_seeds;       /* BEP 17 */
  char              **nodes;            /* "host:port", IPv6 in brackets */
  ShoalSha1          *similar;          /* BEP 38: keys of torrents that have files of this one
                                         * too */
  guint               n_similar;
  char              **collections;      /* BEP 38: torrents that share one have files in common;
                                         * valid UTF-8 */
  char               *comment;          /* nullable, as the rest */
  char               *created_by;
  char               *source;
  gint64              creation_date;    /* seconds since 1970; -1: none */
  char              **warnings;         /* what was mended or passed over, in English */
} ShoalMetainfo;

/**
 * shoal_metainfo_parse:
 * @bytes: a whole .torrent
 *
 * Returns: (transfer full) (nullable): %NULL with a #ShoalWireError whose message says in words
 * what is wrong
 */
ShoalMetainfo *shoal_metainfo_parse      (GBytes *bytes, GError **error);

/**
 * shoal_metainfo_from_info:
 * @info: a raw info dictionary whose hash was checked (BEP 9)
 * @trackers: (nullable): tiers known from the magnet
 *
 * Wraps @info in a .torrent of its own, with @trackers and @web_seeds, and parses that. Piece
 * layers may be missing then: `layers_missing`.
 */
ShoalMetainfo *shoal_metainfo_from_info  (GBytes *info, char ***trackers, char **web_seeds,
                                          GError **error);
/* A piece layer as it is added to a torrent: @n hashes of 32 bytes, borrowed. */
typedef struct
{
  ShoalSha256   root;
  const guint8 *hashes;
  guint32       n;
} ShoalMetainfoLayer;

/**
 * shoal_metainfo_with_layers:
 * @self: from shoal_metainfo_from_info()
 * @layers: no root twice
 *
 * Writes @self anew with @layers as its "piece layers" and parses that, so they are checked against
 * their roots.
 */
ShoalMetainfo *shoal_metainfo_with_layers (const ShoalMetainfo *self,
                                           const ShoalMetainfoLayer *layers, guint32 n_layers,
                                           GError **error);
ShoalMetainfo *shoal_metainfo_ref        (ShoalMetainfo *self);
void           shoal_metainfo_unref      (ShoalMetainfo *self);

/* Hash of a piece. v1: @sha1 is filled. v2: the root of the piece's subtree; FALSE if there is none
 * (v1 only, or the layer is missing). The v2 root is over the bytes of the file alone: in a hybrid
 * without the zeros of the pad file behind it. */
gboolean       shoal_metainfo_piece_sha1 (const ShoalMetainfo *self, guint32 piece, ShoalSha1 *out);
gboolean       shoal_metainfo_piece_root (const ShoalMetainfo *self, guint32 piece,
                                          ShoalSha256 *out);
/* How many leaves (blocks, a power of two) the tree under that root has: the piece size, or for a
 * file of at most one piece its own tree. */
guint32        shoal_metainfo_piece_leaves (const ShoalMetainfo *self, guint32 piece);

/* The magnet link of a torrent, trackers and web seeds included. (transfer full) */
char          *shoal_metainfo_to_magnet  (const ShoalMetainfo *self);

/* Keys of a torrent on the wire: v1, truncated v2 or both. Returns how many were written (1 or
 * 2). */
guint          shoal_info_hash_keys      (const ShoalInfoHash *self, ShoalSha1 keys[2]);
/* Whether both name the same torrent, in v1 or in v2. */
gboolean       shoal_info_hash_matches   (const ShoalInfoHash *a, const ShoalInfoHash *b);

/* (transfer full): "one per tier" lists */
char        ***shoal_tiers_copy (char *const *const *tiers);
void           shoal_tiers_free (char ***tiers);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalMetainfo, shoal_metainfo_unref)

G_END_DECLS
