/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk with latency, a size and faults, that remembers which blocks are right. */

#pragma once

#include "shoal-host.h"
#include "sim-torrent.h"

G_BEGIN_DECLS

/**
 * SimDisk:
 * @fault: what every write fails with; NONE: it works
 *
 * Outlives the engine that uses it, as a real one does.
 */
typedef struct
{
  SimWorld   *world;
  guint64     capacity;     /* bytes; 0: no limit */
  guint64     used;
  gint64      latency_us;
  guint64     rate;         /* bytes a second */
  gint64      busy_us;
  ShoalReason fault;
  GHashTable *stores;       /* torrent id to what it has (owned) */
  guint64     n_checked;    /* pieces compared */
  guint64     n_spilled;    /* jobs */
  guint64     n_wrong;      /* pieces that failed their hash */
} SimDisk;

void     sim_disk_init   (SimDisk *self, SimWorld *world);
void     sim_disk_clear  (SimDisk *self);
/* When the job will be done; jobs end in the order in which they came. */
gint64   sim_disk_due    (SimDisk *self, const ShoalDiskJob *job);
/* at once: what is borrowed for the call only */
void     sim_disk_accept (SimDisk *self, ShoalDiskJob *job);
void     sim_disk_run    (SimDisk *self, ShoalDiskJob *job);   /* fills in the results */
/* a record was written: the journal begins anew */
void     sim_disk_saved  (SimDisk *self, guint64 id);
/* everything is there and right */
void     sim_disk_fill   (SimDisk *self, guint64 id, SimTorrent *torrent);
gboolean sim_disk_has    (SimDisk *self, guint64 id, guint32 piece);

G_END_DECLS
