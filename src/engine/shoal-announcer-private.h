/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of an announcer: trackers in their order, and the schedule of each. */

#pragma once

#include "shoal-announcer.h"

G_BEGIN_DECLS

#define SHOAL_ANNOUNCER_KEYS 2u

typedef struct _ShoalTrackerRow ShoalTrackerRow;

/* One tracker and one of the torrent's keys. */
typedef struct
{
  ShoalTrackerRow    *row;
  guint               key;
  ShoalTrackerCall   *call;             /* (nullable): under way */
  ShoalAnnounceEvent  event;            /* of it, or of the last */
  gint64              begun_us;         /* of the last call */
  guint16             port;             /* told with it */
  gboolean            started;          /* the tracker knows of us */
  gboolean            owes_completed;
  guint               failures;         /* in a row */
  guint               hungry;           /* announces for want of peers in a row */
  gint64              next_us;          /* regular announce or retry; SHOAL_NEVER: the tracker wants
                                         * none */
  gint64              min_us;           /* nothing but events before */
  gint64              hungry_us;        /* nothing for want of peers before */
  char               *tracker_id;
} ShoalTrackerSlot;

struct _ShoalTrackerRow
{
  ShoalAnnouncer   *owner;
  char             *url;       /* interned, counted */
  guint             tier;
  guint             place;     /* among all as they were given */
  gboolean          usable;    /* of a kind that can be asked */
  char             *error;     /* (nullable): of the last announce, if it failed */
  gint64            seeds;     /* as it said last; -1: not known */
  gint64            leechers;
  ShoalTrackerSlot  slots[SHOAL_ANNOUNCER_KEYS];
};

struct _ShoalAnnouncer
{
  ShoalTrackerHub         *hub;
  ShoalTimers             *timers;
  ShoalRng                *rng;
  const ShoalAnnouncerOps *ops;
  gpointer                 owner;
  ShoalSha1                keys[SHOAL_ANNOUNCER_KEYS];
  guint                    n_keys;
  GPtrArray               *rows;        /* of ShoalTrackerRow (owned), in the order in which they
                                         * are tried */
  guint                    n_tiers;
  gboolean                 running;
  gboolean                 wants_peers;
  gboolean                 is_partial;
  gint64                   widen_us;    /* no new tier before */
  char                    *error;
  gint64                   seeds;
  gint64                   leechers;
  gint64                   downloads;     /* completed, ever */
  gint64                   counted_us;  /* when they were told */
  ShoalTrackerScrape      *scrape;      /* (nullable): under way */
  gint64                   scraped_us;  /* when it was asked; 0: never */
  ShoalTrackerState        state;       /* as last told */
  ShoalTimer               timer;
};

static inline ShoalTrackerRow *
shoal_announcer_row (const ShoalAnnouncer *self,
                     guint                 index)
{
  return g_ptr_array_index (self->rows, index);
}

/* shoal-announcer-plan.c */
void     shoal_announcer_timer_cb   (gpointer owner, gint64 now_us);
/* an announce to it is under way */
gboolean shoal_tracker_row_is_asked (const ShoalTrackerRow *row);
/* it knows of us, and the last answer was good */
gboolean shoal_tracker_row_works    (const ShoalTrackerRow *row);

G_END_DECLS
