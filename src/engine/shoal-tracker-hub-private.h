/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the tracker hub: trackers, calls and their legs. */

#pragma once

#include "shoal-list.h"
#include "shoal-tracker-hub.h"

G_BEGIN_DECLS

enum { SHOAL_LEG_IPV4, SHOAL_LEG_IPV6, SHOAL_N_TRACKER_LEGS };
enum { SHOAL_QUEUE_URGENT, SHOAL_QUEUE_USUAL, SHOAL_N_QUEUES };

/* A tracker's host and port: where limits and names are remembered. */
typedef struct
{
  ShoalTrackerHub *hub;
  char            *name;                          /* host without brackets */
  guint16          port;
  guint            n_under_way;
  ShoalAddr        addrs[SHOAL_N_TRACKER_LEGS];   /* family NONE: there is none */
  gint64           known_until_us;
  gint64           avoid_until_us[SHOAL_N_TRACKER_LEGS];
  guint64          connections[SHOAL_N_TRACKER_LEGS];
  gint64           connected_until_us[SHOAL_N_TRACKER_LEGS];
  ShoalLookup     *lookup;                        /* (nullable): at the host */
  ShoalNode        looking;                       /* calls that wait for it */
} ShoalTrackerServer;

typedef enum
{
  SHOAL_LEG_NONE,        /* not begun */
  SHOAL_LEG_HTTP,
  SHOAL_LEG_CONNECT,
  SHOAL_LEG_ANNOUNCE,
  SHOAL_LEG_ENDED,
} ShoalTrackerLegState;

typedef struct
{
  ShoalTrackerCall    *call;
  guint                index;
  ShoalTrackerLegState state;
  ShoalFetch          *fetch;         /* SHOAL_LEG_HTTP: at the host */
  guint32              transaction;   /* SHOAL_LEG_CONNECT, SHOAL_LEG_ANNOUNCE */
  guint                tries;
  gboolean             fresh;         /* the connection id was made for this call */
  gboolean             told;          /* an announce has left */
  gboolean             worked;
  ShoalTimer           timer;
} ShoalTrackerLeg;

struct _ShoalTrackerCall
{
  ShoalNode            node;          /* in a queue, among the looking, or in the hub's begun */
  ShoalTrackerHub     *hub;
  ShoalTrackerServer  *server;        /* (nullable): NULL if the URL is none */
  char                *url;
  char                *path;          /* UDP: path and query */
  gboolean             is_udp;
  ShoalSha1           *hashes;        /* (nullable): a scrape for these (BEP 48); @announce is
                                       * empty */
  guint                n_hashes;
  ShoalAnnounce        announce;
  char                *tracker_id;
  ShoalTrackerCallFunc func;          /* NULL once it was called, or dropped */
  gpointer             owner;
  gboolean             holds_place;   /* counted in its host's n_under_way */
  ShoalTrackerLeg      legs[SHOAL_N_TRACKER_LEGS];
  gboolean             answered;
  ShoalAnnounceAnswer  answer;
  char                *error;
  ShoalTimer           timer;         /* to report later */
};

/* The scrapes of one tracker: those that come within a moment are sent together. */
typedef struct
{
  ShoalTrackerHub  *hub;
  char             *url;       /* of any of them */
  gboolean          is_udp;
  guint             most;      /* torrents that one request may ask for */
  ShoalNode         waiting;   /* of ShoalTrackerScrape */
  ShoalNode         asked;     /* with @call */
  ShoalTrackerCall *call;      /* (nullable): under way */
  guint             n_asked;   /* by it */
  guint             n_failed;  /* requests in a row */
  gint64            next_us;   /* no request before */
  ShoalTimer        timer;
} ShoalScrapeQueue;

struct _ShoalTrackerHub
{
  ShoalHost   *host;
  ShoalTimers *timers;
  ShoalRng    *rng;
  gint64       now_us;
  GHashTable  *servers;        /* "udp://host:port" to ShoalTrackerServer */
  GHashTable  *transactions;   /* number to ShoalTrackerLeg */
  GHashTable  *scrapes;        /* tracker to ShoalScrapeQueue */
  ShoalNode    queues[SHOAL_N_QUEUES];
  ShoalNode    begun;
  gint64       pace_us;        /* begin of the second that is counted */
  guint        n_paced;
  ShoalTimer   pace_timer;
  guint        n_pending;
};

/* shoal-tracker-hub-legs.c: one request of one family. Nothing ends inside of begin. */
void shoal_tracker_leg_begin (ShoalTrackerLeg *leg);
void shoal_tracker_leg_init  (ShoalTrackerLeg *leg, ShoalTrackerCall *call, guint index);
/* what is at the host comes back to nobody */
void shoal_tracker_leg_clear (ShoalTrackerLeg *leg);

/* shoal-tracker-hub.c: the leg's result is in the call, which this may free. */
void shoal_tracker_leg_ended (ShoalTrackerLeg *leg);
/* One request for several torrents. */
ShoalTrackerCall *shoal_tracker_call_scrape (ShoalTrackerHub *self, const char *url,
                                             const ShoalSha1 *hashes, guint n,
                                             ShoalTrackerCallFunc func, gpointer owner);

/* shoal-tracker-hub-scrape.c */
void shoal_scrape_queue_free (gpointer queue);

G_END_DECLS
