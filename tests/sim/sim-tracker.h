/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trackers, HTTP and UDP, alive or not, that remember what they were told. */

#pragma once

#include "shoal-announce.h"
#include "sim-world.h"

G_BEGIN_DECLS

typedef enum
{
  SIM_TRACKER_ALIVE,
  SIM_TRACKER_SILENT,     /* never answers */
  SIM_TRACKER_NO_NAME,    /* its name is not known */
  SIM_TRACKER_BROKEN,     /* answers with nonsense */
  SIM_TRACKER_REFUSES,    /* answers with a failure */
} SimTrackerMood;

/* A peer as a tracker knows it. */
typedef struct
{
  ShoalAddr addr;
  ShoalSha1 key;
  gboolean  gone;
  guint64   left;
  guint64   downloaded;   /* as told last */
  guint64   uploaded;
  guint     n_started;
  guint     n_completed;
  guint     n_stopped;
  guint     n_announces;
  gint64    last_us;
  guint32   transaction;  /* of the last announce by UDP: the same again was sent because the answer
                           * got lost */
} SimTrackerPeer;

struct _SimTracker
{
  SimWorld      *world;
  char          *name;       /* "tracker1.test" */
  ShoalAddr      addr;
  SimTrackerMood mood;
  guint          interval_s;
  GArray        *peers;      /* of SimTrackerPeer */
  guint          n_early;    /* announces without an event before the interval was over */
  guint          scrape_max; /* torrents that it takes in one; 0: any number */
  guint          n_scrapes;
  guint          n_scraped;  /* torrents that it told of */
  gint64         scraped_us; /* the last time */
  gint64         apart_us;   /* the least time between two scrapes */
};

/* owned by the world */
SimTracker     *sim_tracker_new    (SimWorld *world, const char *name, SimTrackerMood mood);
void            sim_tracker_free   (SimTracker *self);
SimTracker     *sim_tracker_find   (SimWorld *world, const char *name);
SimTracker     *sim_tracker_at     (SimWorld *world, const ShoalAddr *addr);
/* made if not there */
SimTrackerPeer *sim_tracker_peer   (SimTracker *self, const ShoalAddr *addr, const ShoalSha1 *key);
/* Fills in up to @max others by chance. */
guint           sim_tracker_sample (SimTracker *self, const ShoalSha1 *key, const ShoalAddr *asker,
                                    ShoalAddr *out, guint max);
/* (transfer full) (nullable): the answer to a GET; NULL: none. */
GBytes         *sim_tracker_http   (SimTracker *self, const ShoalAddr *from, const char *url);
/* (transfer full) (nullable) */
GBytes         *sim_tracker_udp    (SimTracker *self, const ShoalAddr *from, const guint8 *data,
                                    gsize size);

G_END_DECLS
