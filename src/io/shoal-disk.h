/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disk: queues of jobs, the workers that do them, and what is done. */

#pragma once

#include "shoal-host.h"
#include "shoal-resume-store.h"

G_BEGIN_DECLS

#define SHOAL_DISK_WORKERS_MAX 4u

/**
 * ShoalDisk:
 *
 * Does #ShoalDiskJob requests on 1 to 4 threads of its own. Jobs of one piece run in the order in
 * which they were submitted; OPEN, FINISH, TAKE, DROP, CLOSE and REMOVE run alone among the jobs of
 * their torrent. A CHECK of many pieces is shared out among the workers, and is fastest with at
 * least 16 pieces for each of them.
 *
 * All functions are of one thread (the engine's), but for shoal_disk_sync().
 */
typedef struct _ShoalDisk ShoalDisk;

/* Called from any thread, and not again before shoal_disk_collect(): something is done. */
typedef void (*ShoalDiskWakeFunc) (gpointer user_data);

/**
 * shoal_disk_new:
 * @store: (nullable): gets a sync before each record, and keeps journals, edges of unwanted files
 * and .torrents; it must live longer
 * @n_workers: 0: by the number of processors
 * @wake: told, from a worker, that shoal_disk_collect() has something
 */
ShoalDisk *shoal_disk_new     (ShoalResumeStore *store, guint n_workers, ShoalDiskWakeFunc wake,
                               gpointer user_data);

/* Waits for all jobs, syncs and closes every file, saves what the store still has to save. Jobs
 * must have been collected (shoal_disk_drain()). */
void       shoal_disk_free    (ShoalDisk *self);

/**
 * shoal_disk_submit:
 * @job: with its head in `job->done`; the disk has it until it is done
 *
 * Returns: %TRUE if it was done at once (a READ of data in memory): the caller hands it to
 *   shoal_engine_done() later in the same turn; %FALSE: it comes out of shoal_disk_collect()
 */
gboolean   shoal_disk_submit  (ShoalDisk *self, ShoalDiskJob *job);

/* (nullable): what is done, oldest first, linked by `next`: each entry is the head of a
 * ShoalDiskJob. */
ShoalDone *shoal_disk_collect (ShoalDisk *self);

/* Blocks until every job is done; they still have to be collected. */
void       shoal_disk_drain   (ShoalDisk *self);

/* Jobs that are not done yet. */
guint      shoal_disk_pending (ShoalDisk *self);

/* Any thread: makes durable what was written of a torrent; FALSE: something was lost, pieces may
 * not be claimed. */
gboolean   shoal_disk_sync    (ShoalDisk *self, guint64 torrent);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalDisk, shoal_disk_free)

G_END_DECLS
