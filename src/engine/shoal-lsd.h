/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Local service discovery (BEP 14): who in the local network has the same torrents. */

#pragma once

#include "shoal-list.h"
#include "shoal-lsd-message.h"
#include "shoal-rng.h"
#include "shoal-timers.h"

G_BEGIN_DECLS

#define SHOAL_LSD_INTERVAL_US (300 * (gint64) G_USEC_PER_SEC)   /* between two announces of one
                                                                 * torrent */
#define SHOAL_LSD_GAP_US      (2 * (gint64) G_USEC_PER_SEC)     /* between two messages of ours */
#define SHOAL_LSD_FIRST_US    ((gint64) G_USEC_PER_SEC)         /* a torrent that begins waits for
                                                                 * others to share its message */
#define SHOAL_LSD_HEARD_BURST 100u                              /* announces of others that are
                                                                 * looked at, at once */
#define SHOAL_LSD_HEARD_US    (100 * (gint64) G_TIME_SPAN_MILLISECOND)   /* one more each */

/**
 * ShoalLsdEntry:
 *
 * A torrent that is announced; part of it. @keys and @n_keys are its own and may change between
 * messages.
 */
typedef struct
{
  ShoalNode        node;
  const ShoalSha1 *keys;
  guint            n_keys;       /* 1 or 2 */
  gint64           due_us;
} ShoalLsdEntry;

/**
 * ShoalLsdOps:
 * @send: a message for every local network; borrowed
 * @found: a local peer says that it has the torrent of that info-hash
 */
typedef struct
{
  void (*send)  (gpointer owner, ShoalFamily family, const guint8 *data, gsize size);
  void (*found) (gpointer owner, const ShoalSha1 *key, const ShoalAddr *peer);
} ShoalLsdOps;

typedef struct _ShoalLsd ShoalLsd;

ShoalLsd *shoal_lsd_new      (ShoalTimers *timers, ShoalRng *rng, const ShoalLsdOps *ops,
                              gpointer owner);
void      shoal_lsd_free     (ShoalLsd *self);
/* Where we listen; 0: nobody can come, so nothing is announced. */
void      shoal_lsd_set_port (ShoalLsd *self, guint16 port, gint64 now_us);

void      shoal_lsd_add      (ShoalLsd *self, ShoalLsdEntry *entry, const ShoalSha1 *keys,
                              guint n_keys, gint64 now_us);
/* also one that was never added, if its node was initialised */
void      shoal_lsd_remove   (ShoalLsd *self, ShoalLsdEntry *entry);

/* A message of the group came. What is not from the local network, or our own, is passed over. */
void      shoal_lsd_heard    (ShoalLsd *self, const ShoalAddr *from, const guint8 *data, gsize size,
                              gint64 now_us);

G_END_DECLS
