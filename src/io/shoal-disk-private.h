/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the disk share. */

#pragma once

#include <pthread.h>
#include "shoal-disk.h"
#include "shoal-storage.h"

G_BEGIN_DECLS

typedef struct _Torrent Torrent;
typedef struct _Work    Work;

typedef enum { MODE_PIECES, MODE_CHECKS, MODE_ALONE } Mode;

struct _Work
{
  Work          *next;         /* in a queue */
  Work          *chain;        /* the next job of the same piece */
  Work          *chain_end;    /* of the first of a chain */
  ShoalDiskJob  *job;
  Torrent       *torrent;
  Mode           mode;
  ShoalMetainfo *metainfo;     /* OPEN: (owned) */
  char          *dir;          /* OPEN: (owned) */
  gboolean       begun;        /* CHECK: ready for its parts to be taken */
  guint          next_piece;   /* CHECK: not handed out yet */
  guint          n_parts;      /* CHECK: with workers */
};

typedef struct
{
  Work *first;
  Work *last;
  guint n;
} Queue;

struct _Torrent
{
  guint64       id;
  ShoalStorage *storage;       /* (nullable) (owned) */
  GHashTable   *pieces;        /* piece to the first of its chain */
  Queue         held;
  Mode          mode;          /* of what is active */
  guint         n_active;
  guint         n_alone;       /* jobs of that mode, held or active */
};

struct _ShoalDisk
{
  ShoalResumeStore *store;     /* (nullable) */
  ShoalFileCache   *cache;
  ShoalDiskWakeFunc wake;
  gpointer          user_data;
  pthread_t         workers[SHOAL_DISK_WORKERS_MAX];
  guint             n_workers;

  pthread_mutex_t   lock;      /* of all that follows */
  pthread_cond_t    work;
  pthread_cond_t    idle;
  GHashTable       *torrents;  /* id to Torrent */
  GHashTable       *lost;      /* ids of closed torrents whose data did not all reach the disk */
  Queue             reads;
  Queue             writes;
  Queue             checks;
  guint             picks;
  guint             n_hashing; /* workers with pieces to hash and write */
  gint64            piece_us;  /* when the last piece was given to the workers */
  gint64            gap_us;    /* between two pieces, on average */
  gint64            gather_us; /* pieces wait for company until then; 0: they do not */
  ShoalDone        *done_first;
  ShoalDone        *done_last;
  gboolean          woken;
  gboolean          quit;
  guint             n_pending;
};

/* What a worker does with jobs that may start; without the lock, but for disk_is_possible(). */

/* Whether the job can be done at all: the torrent is open and has such a piece; if not, reason and
 * detail say so. */
gboolean disk_is_possible (Work *work);
gboolean disk_fits_layout (const ShoalDiskJob *job, const ShoalLayout *layout);
/* PIECE jobs of pieces of one size: hashed together, written one by one. */
void     disk_do_pieces   (ShoalHasher *hasher, Work **batch, guint n);
/* Any other job, but for a CHECK of many pieces. */
void     disk_do_one      (ShoalDisk *self, ShoalHasher *hasher, Work *work);

G_END_DECLS
