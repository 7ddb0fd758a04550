/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the .torrent parser share; only for shoal-metainfo*.c. */

#pragma once

#include "shoal-bencode.h"
#include "shoal-error.h"
#include "shoal-metainfo.h"

G_BEGIN_DECLS

#define SHOAL_METAINFO_PATHS_MAX (32u * 1024 * 1024)   /* bytes of all paths of a torrent together;
                                                        * others than ASCII count twice */

/**
 * ShoalMetainfoParser:
 * @out: what is being filled in; its hash, name and layout are there when they are needed
 * @layers: of "piece layers", where there is one
 * @warnings: (element-type utf8): grows into @out's
 *
 * On the stack of shoal_metainfo_parse().
 */
typedef struct
{
  ShoalMetainfo    *out;
  ShoalBencodeNode  info;
  ShoalBencodeNode  layers;
  ShoalBencodeNode  name;          /* the string used as name; NONE: the hash serves */
  guint32           piece_size;
  GPtrArray        *warnings;
} ShoalMetainfoParser;

/* In words, once for each kind of thing; what goes beyond a few dozen is dropped. */
void     shoal_metainfo_warn       (ShoalMetainfoParser *self, const char *format,
                                    ...) G_GNUC_PRINTF (2, 3);
/* MALFORMED; returns FALSE */
gboolean shoal_metainfo_fail       (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Files and layout of the v1 half, of a lone v2 torrent, and the v2 half against the v1 half that
 * is there. */
gboolean shoal_metainfo_read_v1    (ShoalMetainfoParser *self, GError **error);
gboolean shoal_metainfo_read_v2    (ShoalMetainfoParser *self, GError **error);
gboolean shoal_metainfo_match_v2   (ShoalMetainfoParser *self, GError **error);

/* Piece layers to the files that have roots, each checked. */
gboolean shoal_metainfo_read_layers (ShoalMetainfoParser *self, GError **error);

G_END_DECLS
