/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The trackers of one torrent: tiers, intervals, retries, and each event exactly once. */

#pragma once

#include "shoal-snapshot.h"
#include "shoal-tracker-hub.h"

G_BEGIN_DECLS

/**
 * ShoalAnnouncerOps:
 * @totals: fills in info_hash, peer_id, port, key, uploaded, downloaded, left, crypto at the moment
 * of the announce
 * @peers: addresses that a tracker gave for @key; borrowed
 * @changed: state or error changed
 * @external: (nullable): how a tracker sees the client (BEP 24); borrowed
 *
 * None is called from inside shoal_announcer_…() calls that it did not make necessary; none may
 * free the announcer.
 */
typedef struct
{
  void (*totals)  (gpointer owner, ShoalAnnounce *announce);
  void (*peers)   (gpointer owner, const ShoalSha1 *key, const ShoalAddr *addrs, guint n);
  void (*changed) (gpointer owner);
  void (*external) (gpointer owner, const ShoalAddr *external);
} ShoalAnnouncerOps;

typedef struct _ShoalAnnouncer ShoalAnnouncer;

/* @keys: info-hashes to announce (v1, truncated v2, or both: a hybrid announces both). @tiers is
 * copied and shuffled once inside each tier (BEP 12); NULL or empty: nothing is ever asked. */
ShoalAnnouncer   *shoal_announcer_new       (ShoalTrackerHub *hub, ShoalTimers *timers,
                                             ShoalRng *rng, const ShoalSha1 *keys, guint n_keys,
                                             char *const *const *tiers,
                                             const ShoalAnnouncerOps *ops, gpointer owner);
/* nothing is announced by this */
void              shoal_announcer_free      (ShoalAnnouncer *self);
/* those not known yet */
void              shoal_announcer_add_tiers (ShoalAnnouncer *self, char *const *const *tiers);

/* metadata told of the other hash: announced too from now on */
void              shoal_announcer_add_key   (ShoalAnnouncer *self, const ShoalSha1 *key,
                                             gint64 now_us);

/* `started` to the first tracker that answers */
void              shoal_announcer_start     (ShoalAnnouncer *self, gint64 now_us);
/* `completed` once, to every tracker that was told `started` */
void              shoal_announcer_completed (ShoalAnnouncer *self, gint64 now_us);
/* `stopped` to those that were told `started`, best effort */
void              shoal_announcer_stop      (ShoalAnnouncer *self, gint64 now_us);
/* `stopped` is still under way */
gboolean          shoal_announcer_stopping  (const ShoalAnnouncer *self);
/* few are known: ask again as soon as the min interval allows */
void              shoal_announcer_want_peers (ShoalAnnouncer *self, gboolean wanted, gint64 now_us);
/* the user asks: now, unless the min interval forbids */
void              shoal_announcer_now       (ShoalAnnouncer *self, gint64 now_us);
/* totals tell another port: trackers learn it within seconds, whatever their min interval is */
void              shoal_announcer_moved     (ShoalAnnouncer *self, gint64 now_us);
/* BEP 21: event=paused */
void              shoal_announcer_set_partial_seed (ShoalAnnouncer *self, gboolean partial);

ShoalTrackerState shoal_announcer_state     (const ShoalAnnouncer *self);
/* (nullable): of the last failure while none works */
const char       *shoal_announcer_error     (const ShoalAnnouncer *self);
gboolean          shoal_announcer_has_trackers (const ShoalAnnouncer *self);
/* Somebody looks at the torrent: asks how many seeds and leechers there are (BEP 48), at most every
 * half hour and only if no announce told it meanwhile. */
void              shoal_announcer_look      (ShoalAnnouncer *self, gint64 now_us);
/* calls that question off */
void              shoal_announcer_look_away (ShoalAnnouncer *self);
/* Told by the last answer that had them: seeds, leechers, and how often somebody completed; -1: not
 * known. */
gint64            shoal_announcer_seeds     (const ShoalAnnouncer *self);
gint64            shoal_announcer_leechers  (const ShoalAnnouncer *self);
gint64            shoal_announcer_downloads (const ShoalAnnouncer *self);
/* (transfer full) (array length=n): every tracker, as a snapshot takes it, in the order in which
 * they were given */
ShoalTrackerStats *shoal_announcer_stats    (const ShoalAnnouncer *self, gint64 now_us, guint *n);
/* (transfer full): tiers as they were given */
char           ***shoal_announcer_tiers     (const ShoalAnnouncer *self);

G_END_DECLS
