/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A torrent whose content is computed from (seed, offset), so that nothing is stored. */

#pragma once

#include "shoal-metainfo.h"
#include "sim-world.h"

G_BEGIN_DECLS

struct _SimTorrent
{
  guint64        seed;
  GBytes        *bytes;       /* the .torrent */
  ShoalMetainfo *metainfo;
  ShoalSha1      key;         /* the name by which peers know it */
  guint32        n_pieces;
  guint32        piece_size;
  guint64        size;
};

/* One file; its hashes are made up, as the simulated disk compares bytes. @trackers: (nullable):
 * URLs, a tier each. Owned by the world. */
SimTorrent *sim_torrent_new    (SimWorld *world, guint32 piece_size, guint64 size,
                                const char *const *trackers);
/* Private, without a tracker. */
SimTorrent *sim_torrent_new_private (SimWorld *world, guint32 piece_size, guint64 size);
/* Of version 2, with hashes that are true. */
SimTorrent *sim_torrent_new_v2 (SimWorld *world, guint32 piece_size, guint64 size,
                                const char *const *trackers);
void        sim_torrent_free   (SimTorrent *self);
SimTorrent *sim_torrent_find   (SimWorld *world, const ShoalInfoHash *hash);
SimTorrent *sim_torrent_by_key (SimWorld *world, const ShoalSha1 *key);
/* @offset is a multiple of 8. */
void        sim_torrent_fill   (const SimTorrent *self, guint64 offset, guint8 *out, gsize size);
gboolean    sim_torrent_equals (const SimTorrent *self, guint64 offset, const guint8 *bytes,
                                gsize size);

G_END_DECLS
