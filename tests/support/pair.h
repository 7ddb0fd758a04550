/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two whole engines joined by a wire in memory: disks are buffers, time is a number. */

#pragma once

#include "fake-host.h"
#include "shoal-engine.h"

G_BEGIN_DECLS

/**
 * PairEnd:
 *
 * One engine, its host, and its data: `content` is what is on its disk.
 */
typedef struct
{
  FakeHost    *fake;
  ShoalEngine *engine;
  ShoalLink   *link;          /* (nullable): to the other end */
  guint8      *content;
  guint8      *written;       /* a byte for each piece: it is on this disk */
  guint64      id;
  gboolean     complete;      /* event COMPLETE came */
  gboolean     closed;        /* hung up */
  gboolean     deaf;          /* set by a test: what arrives stays on the wire */
  guint        n_reads;
  guint64      rate_down;     /* bytes a second: of all, as the newest snapshot told */
  guint64      torrent_rate;  /* bytes a second: of the torrent, as the newest snapshot with it
                               * told */
  GByteArray  *wire;          /* bytes on their way to this end */
} PairEnd;

typedef struct
{
  PairEnd        ends[2];
  gint64         now_us;
  ShoalRng       rng;
  ShoalMetainfo *metainfo;
  GBytes        *torrent;
  guint8        *truth;
  guint          max_read;    /* bytes a read takes at most; 0: whatever there is */
} Pair;

/* A torrent of one file of @size bytes; end 0 has all of it, end 1 none. @config: (nullable): NULL:
 * the defaults, without encryption. */
Pair *pair_new     (guint64 size, guint32 piece_size, guint64 seed, const ShoalConfig *config);
void  pair_free    (Pair *self);
/* Adds the torrent at @end, from its .torrent or by magnet link. */
void  pair_add     (Pair *self, guint end, gboolean magnet);
/* End 1 dials end 0. */
void  pair_connect (Pair *self);
/* A turn of both ends: requests are answered, bytes move. */
void  pair_step    (Pair *self, gint64 us);
/* Bytes that a test says to @end in the other's place. */
void  pair_inject  (Pair *self, guint end, gconstpointer bytes, gsize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pair, pair_free)

G_END_DECLS
