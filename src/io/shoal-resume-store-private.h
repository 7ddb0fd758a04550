/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the resume store share. */

#pragma once

#include <pthread.h>
#include "shoal-resume-store.h"
#include "shoal-state-lock.h"

G_BEGIN_DECLS

#define TORRENT_SIZE_MAX (64u * 1024 * 1024)   /* bytes */
#define LAST_ID_NAME     "last-id"
#define NODES_NAME       "dht-nodes"
#define NODES_SIZE_MAX   65536u                   /* bytes */

/* A record that waits or is being saved. */
typedef struct
{
  guint64      id;
  ShoalResume *record;     /* (owned) */
  GBytes      *metainfo;   /* (owned) (nullable): still to be written; may have come with an earlier
                            * record */
  gboolean     recheck;    /* its data could not be synced */
  gboolean     failed;
} Save;

struct _ShoalResumeStore
{
  char             *dir;
  int               dir_fd;
  ShoalStateLock   *state_lock;
  pthread_t         thread;
  GSettingsBackend *backend;     /* (nullable): made when it is asked for */

  pthread_mutex_t   lock;        /* of all that follows */
  pthread_cond_t    work;
  pthread_cond_t    progress;    /* a batch is over */
  GHashTable       *pending;     /* id to Save */
  GHashTable       *forgotten;   /* ids */
  GHashTable       *journals;    /* id to ShoalJournal */
  GPtrArray        *batch;       /* (nullable): of Save: in the thread's hands */
  ShoalResumeSync   sync;
  gpointer          sync_data;
  guint64           last_id;     /* saved or loaded */
  guint64           kept_id;     /* in the file; of the thread alone */
  guint64           n_batches;   /* that are over */
  gboolean          failing;     /* the last batch left something over */
  gboolean          try_now;
  gboolean          quit;
  GBytes           *nodes;       /* (owned) (nullable): DHT nodes to be saved */
};

/* --- Files of the folder: names are relative to it --- */

/* (transfer full): "12.resume" for 12 and ".resume" */
char        *store_file_name    (guint64 id, const char *suffix);
/* (transfer full): a key for tables */
guint64     *store_id_key       (guint64 id);
/* Writes and syncs @name from the beginning. FALSE: errno; nothing is left. */
gboolean     store_write_file   (ShoalResumeStore *self, const char *name, GBytes *bytes);
/* (transfer full) (nullable): a whole file of at most @max bytes; NULL: errno */
GBytes      *store_read_file    (ShoalResumeStore *self, const char *name, gsize max);
gboolean     store_rename_file  (ShoalResumeStore *self, const char *from, const char *to);
/* (transfer full): ids of all that is kept, in order, each once: guint64. */
GArray      *store_list_ids     (ShoalResumeStore *self);
/* The highest id that was ever kept; 0: none. */
guint64      store_read_last_id (ShoalResumeStore *self);

/* --- Records in files --- */

/* (transfer full) (nullable): the best record of a torrent. @set_aside: whether a wrong one may be
 * renamed. */
ShoalResume *store_load_record  (ShoalResumeStore *self, guint64 id, gboolean set_aside);

G_END_DECLS
