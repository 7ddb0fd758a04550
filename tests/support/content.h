/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A torrent of made-up files, with every byte known. */

#pragma once

#include "shoal-metainfo.h"
#include "shoal-torrent-writer.h"

G_BEGIN_DECLS

#define CONTENT_FILES_MAX 64u

/**
 * Content:
 * @truth: the whole address space, pad files and gaps as zeros
 */
typedef struct
{
  GBytes        *torrent;
  ShoalMetainfo *metainfo;
  guint8        *truth;
} Content;

typedef struct
{
  const char    *path;       /* below the torrent's name, "a/b"; ignored for a single file */
  guint64        size;
  ShoalFileFlags flags;
  const char    *symlink;    /* (nullable) */
  gboolean       zeros;      /* made of nothing else */
} ContentFile;

/* @files in the order of their paths; one file without a path: a single-file torrent. */
Content    *content_new        (const char *name, ShoalTorrentVersions versions, guint32 piece_size,
                                const ContentFile *files, guint32 n_files, guint64 seed);
void        content_free       (Content *self);
const guint8 *content_piece    (const Content *self, guint32 piece);
/* Makes the files in @dir as they are when all is there. */
void        content_write      (const Content *self, const char *dir);
/* Whether the file is in @dir, whole and right. */
gboolean    content_is_in      (const Content *self, const char *dir, guint32 file);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Content, content_free)

G_END_DECLS
