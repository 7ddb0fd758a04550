/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is kept of a torrent between runs, as a value. */

#pragma once

#include <glib.h>
#include "shoal-terms.h"

G_BEGIN_DECLS

/**
 * ShoalResume:
 *
 * Immutable once it was handed over; counted atomically. The .torrent itself is kept in a file of
 * its own and travels as @metainfo. Everything has a meaning when it is missing: a lost record
 * costs a recheck.
 *
 * @id: local number, never reused
 * @metainfo: (nullable): bytes of the .torrent; NULL: a magnet without metadata. Only set when it
 * has to be written: a store keeps the file it has when it is NULL and @has_metainfo.
 * @magnet: (nullable): the link the torrent was added with
 * @had: (nullable): pieces that are on disk and right, BEP 3 order; NULL with @complete: all
 * @spilled: (nullable): pairs (piece, block) of guint32: blocks on disk, not verified
 * @stamp: newest modification time of the files when the record was made, nanoseconds; 0: not known
 * @checked_to: pieces below it were compared by a full check that is under way; G_MAXUINT32: no
 * check is due
 * @priorities: (nullable): one ShoalPriority a file; NULL: all normal
 */
typedef struct
{
  gint     ref_count;
  guint64  id;
  GBytes  *metainfo;
  gboolean has_metainfo;
  char    *magnet;
  char    *name;
  char    *dir;               /* absolute */
  gboolean paused;
  gboolean sequential;
  gboolean first_last;
  gboolean super_seeding;
  gboolean complete;
  GBytes  *had;
  GBytes  *spilled;
  GBytes  *priorities;
  gint64   stamp;
  guint32  checked_to;
  guint64  downloaded;        /* bytes, as told to trackers */
  guint64  uploaded;
  gint64   added_s;           /* seconds since 1970 */
  gint64   completed_s;       /* 0: not yet */
  gint64   seeding_s;         /* seconds spent seeding */
  guint64  limit_down;        /* bytes a second */
  guint64  limit_up;
  ShoalReason reason;         /* of FAILED */
  gboolean completed_told;    /* trackers were told `completed` */
  gboolean part_suffix;
  GBytes  *peers;             /* (nullable): compact: family byte, then 6 or 18 bytes, each */
} ShoalResume;

ShoalResume *shoal_resume_new   (guint64 id);
ShoalResume *shoal_resume_ref   (ShoalResume *self);
void         shoal_resume_unref (ShoalResume *self);   /* any thread */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalResume, shoal_resume_unref)

G_END_DECLS
