/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk with a made-up torrent in a temporary folder, and what every test does with it. */

#pragma once

#include <pthread.h>

#include "content.h"
#include "shoal-disk.h"

G_BEGIN_DECLS

#define TORRENT 7u

typedef struct
{
  pthread_mutex_t   lock;
  pthread_cond_t    rung;
  gboolean          ringing;
  gint              stop_syncing;
  char             *dir;
  char             *data;
  ShoalResumeStore *store;
  ShoalDisk        *disk;
  Content          *content;
  ShoalBitfield    *had;
} DiskFixture;

void           disk_set_up           (DiskFixture *self, gconstpointer data);
void           disk_tear_down        (DiskFixture *self, gconstpointer data);
ShoalDone     *disk_wait_done        (DiskFixture *self);
void           disk_run              (DiskFixture *self, ShoalDiskJob *job);
void           disk_expect_reason    (ShoalDiskJob *job, ShoalReason reason);
void           disk_run_free         (DiskFixture *self, ShoalDiskJob *job, ShoalReason reason);
ShoalDiskJob  *disk_open_job         (DiskFixture *self, gboolean part, const guint8 *priorities);
ShoalDiskJob  *disk_piece_job        (DiskFixture *self, ShoalDiskOp op, guint32 piece,
                                      guint32 run_size);
void           disk_write_pieces     (DiskFixture *self, guint32 first, guint32 end);
void           disk_finish           (DiskFixture *self, const guint8 *priorities,
                                      ShoalReason reason);
gboolean       disk_exists           (DiskFixture *self, const char *path);
char          *disk_check            (DiskFixture *self);
void           disk_expect_check     (DiskFixture *self, const char *wanted);
void           disk_expect_all_right (DiskFixture *self);
ShoalDiskJob  *disk_read_job         (guint32 piece, guint32 offset, guint32 size,
                                      gboolean allow_file);
void           disk_expect_reads     (DiskFixture *self);
void           disk_expect_whole     (DiskFixture *self);

G_END_DECLS
