/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The session's side of announcing: who may ask now, UDP transactions, names. */

#pragma once

#include "shoal-announce.h"
#include "shoal-host.h"
#include "shoal-rng.h"
#include "shoal-timers.h"

G_BEGIN_DECLS

/**
 * ShoalTrackerHub:
 *
 * Carries announces to trackers for every torrent: at most 4 under way at one tracker host and 50
 * new ones a second (urgent ones, started and stopped, first). Keeps the connection ids of UDP
 * trackers (BEP 15: a minute) and asks each of a tracker's families, IPv4 and IPv6: names are
 * looked up first, for HTTP too. The answers of both become one, which does not wait long for the
 * slower; a family that failed where the other worked is left alone for a while.
 */
typedef struct _ShoalTrackerHub ShoalTrackerHub;
typedef struct _ShoalTrackerCall ShoalTrackerCall;

/* @answer is NULL where there was none; then @error says why. @error may also be set beside a
 * refusal in @answer->failure. */
typedef void (*ShoalTrackerCallFunc) (gpointer owner, const ShoalAnnounceAnswer *answer,
                                      const char *error, gint64 now_us);

/* @count is NULL where the tracker did not tell; then @error says why. */
typedef struct _ShoalTrackerScrape ShoalTrackerScrape;
typedef void (*ShoalTrackerScrapeFunc) (gpointer owner, const ShoalTrackerCount *count,
                                        const char *error, gint64 now_us);

ShoalTrackerHub *shoal_tracker_hub_new     (ShoalHost *host, ShoalTimers *timers, ShoalRng *rng);
/* every call was ended or dropped */
void             shoal_tracker_hub_free    (ShoalTrackerHub *self);
/* at the begin of a turn */
void             shoal_tracker_hub_set_now (ShoalTrackerHub *self, gint64 now_us);

/* Asks the tracker at @url (http, https, udp); @func is called once, never from inside this call.
 * @announce is copied. */
ShoalTrackerCall *shoal_tracker_hub_announce (ShoalTrackerHub *self, const char *url,
                                              const ShoalAnnounce *announce, gboolean urgent,
                                              ShoalTrackerCallFunc func, gpointer owner);
/* Asks how many seeds and leechers the tracker counts (BEP 48): within a second, with all others
 * that want to know it of that tracker by then, which is asked at most once a second. (nullable):
 * NULL: it cannot be asked that. @func is called once, never from inside this call. */
ShoalTrackerScrape *shoal_tracker_hub_scrape (ShoalTrackerHub *self, const char *url,
                                              const ShoalSha1 *info_hash,
                                              ShoalTrackerScrapeFunc func, gpointer owner);
/* @func will not be called */
void             shoal_tracker_scrape_drop (ShoalTrackerScrape *scrape);
/* @func will not be called. A `stopped` goes its way all the same, and so does what has left
 * already; anything else is called off. Returns: whether the tracker was or will be told */
gboolean         shoal_tracker_call_drop   (ShoalTrackerCall *call);
/* TRUE: it was a tracker's */
gboolean         shoal_tracker_hub_datagram (ShoalTrackerHub *self, const ShoalAddr *from,
                                             const guint8 *data, gsize size);
/* The network is another one: names are looked up again, and connection ids asked for. */
void             shoal_tracker_hub_forget_names (ShoalTrackerHub *self);
/* calls not ended, dropped ones included */
guint            shoal_tracker_hub_pending (const ShoalTrackerHub *self);

G_END_DECLS
