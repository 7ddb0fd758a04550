/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the engine, shared by swarms and links: tables, time, budgets. */

#pragma once

#include "shoal-arena.h"
#include "shoal-engine.h"
#include "shoal-external.h"
#include "shoal-engine-dht.h"
#include "shoal-handshake.h"
#include "shoal-limiter.h"
#include "shoal-list.h"
#include "shoal-lsd.h"
#include "shoal-message.h"
#include "shoal-rate.h"
#include "shoal-rng.h"
#include "shoal-timers.h"
#include "shoal-tracker-hub.h"
#include "shoal-utp-hub.h"

G_BEGIN_DECLS

#define SHOAL_VIEWS             16u
#define SHOAL_TICK_US           G_USEC_PER_SEC
#define SHOAL_SAVE_INTERVAL_US  (60 * G_USEC_PER_SEC)
#define SHOAL_QUIT_US           (2500 * G_TIME_SPAN_MILLISECOND)   /* for `stopped` and Cancel on
                                                                    * the way out */
#define SHOAL_PROVING_MAX       4u                                 /* kept seeds whose files are
                                                                    * looked at, at once */
#define SHOAL_UNLOAD_US         (60 * G_USEC_PER_SEC)              /* an idle seed forgets its
                                                                    * .torrent */
#define SHOAL_FILTER_DAILY_US   (24 * 3600 * (gint64) G_USEC_PER_SEC)
#define SHOAL_FILTER_RETRY_US   (3600 * (gint64) G_USEC_PER_SEC)   /* after a failure */
#define SHOAL_FILTER_HOLD_US    (10 * (gint64) G_USEC_PER_SEC)     /* nobody is connected to
                                                                    * meanwhile, at the start */
#define SHOAL_SCRATCH_SIZE      (64u * 1024)
#define SHOAL_WINDOW_BLOCKS     16u                                /* blocks foreseen in one read */
#define SHOAL_WINDOW_SIZE \
  (SHOAL_WINDOW_BLOCKS * (SHOAL_BLOCK_SIZE + SHOAL_PIECE_HEADER_SIZE) \
   + SHOAL_BLOCK_SIZE + SHOAL_SCRATCH_SIZE)

typedef struct _ShoalSwarm ShoalSwarm;

/* A subscription to snapshots. */
typedef struct
{
  gboolean used;
  gboolean acknowledged;
  guint    mask;            /* ShoalViewMask */
  guint64  id;              /* of the torrent whose lists are wanted */
  guint64  serial;          /* changes up to it were sent */
  gboolean moving;          /* what was sent last told of a rate: it is not to stay there when
                             * nothing else changes */
  gint64   interval_us;     /* 0: once */
  gint64   sent_us;
} ShoalView;

typedef struct
{
  guint64 id;
  guint64 serial;
} ShoalTombstone;

/* What the bytes of one read are expected to be; made by shoal_link_window(), used up by
 * shoal_link_received(). */
typedef struct
{
  guint8 *data;
  guint32 size;
} ShoalWindowPart;

typedef struct
{
  ShoalLink      *link;
  guint           n_parts;
  guint           n_blocks;
  /* part 0 is the rest of a block that has begun */
  gboolean        rest;
  ShoalWindowPart parts[2 * SHOAL_WINDOW_BLOCKS + 2];
  guint8          heads[SHOAL_WINDOW_BLOCKS][SHOAL_PIECE_HEADER_SIZE];
} ShoalWindow;

struct _ShoalEngine
{
  ShoalHost       *host;
  ShoalConfig      config;
  gint64           now_us;
  gint64           wall_s;
  gboolean         in_turn;
  ShoalRng         rng;
  ShoalTimers     *timers;
  ShoalArena      *arena;
  ShoalTrackerHub *hub;
  ShoalLsd        *lsd;
  ShoalFilter     *filter;         /* (nullable): who is not wanted */
  ShoalFilterLoad *filter_load;    /* (nullable): the next one is on its way */
  ShoalTimer       filter_timer;
  gint64           filter_hold_us; /* nobody is connected to before: the first one is on its way */
  ShoalEngineDht  *dht;
  ShoalUtpHub     *utp;
  ShoalLimiter     limiter;
  ShoalPeerId      peer_id;
  guint32          announce_key;
  guint16          port;           /* listening; 0: not */
  guint16          udp_port;       /* of datagrams; 0: none */
  gboolean         network_down;   /* nothing can be sent: nobody is dialled */
  ShoalMapping     mapping;        /* at the gateway */
  ShoalExternal    votes;          /* about how others see us */
  ShoalAddr        external;       /* as others see us; family NONE: not known */

  GHashTable      *swarms;         /* guint64 id to ShoalSwarm (owned) */
  GHashTable      *by_key;         /* ShoalSha1 inside a swarm to that swarm */
  GHashTable      *by_req2;        /* the same of the names of these in encrypted handshakes */
  ShoalNode        active;         /* swarms that need the tick */
  ShoalNode        unproved;       /* kept seeds whose files nobody looked at yet */
  guint            n_proving;
  gboolean         queue_changed;  /* a place to download may be free, or one too many taken */
  guint64          next_id;
  guint            n_adding;       /* links to .torrent files being fetched */

  ShoalNode        links;          /* every link */
  ShoalNode        ended;          /* links that are closed at the end of the turn */
  guint            n_links;
  guint            link_serial;    /* numbers links whose address says nothing */
  guint            n_half_open;
  guint            n_web_lanes;    /* requests to web seeds */
  guint            dial_tokens;
  gint64           dial_filled_us;

  guint64          serial;         /* of the newest change */
  GArray          *tombstones;     /* of ShoalTombstone */
  ShoalView        views[SHOAL_VIEWS];
  ShoalRate        rate_down;
  ShoalRate        rate_up;

  ShoalTimer       tick_timer;
  ShoalTimer       dial_timer;
  ShoalTimer       limiter_timer;
  ShoalTimer       view_timer;
  ShoalTimer       unload_timer;
  ShoalTimer       quit_timer;

  gboolean         quitting;
  gboolean         quit_told;
  guint            n_jobs;         /* disk jobs under way */

  ShoalWindow      window;
  guint8          *scratch;        /* (nullable): SHOAL_SCRATCH_SIZE: where unforeseen bytes arrive;
                                    * while somebody is connected */
  guint8          *gathered;       /* (nullable): SHOAL_WINDOW_SIZE: bytes that came where others
                                    * were expected; likewise */
};

/* shoal-engine.c */
ShoalSwarm *shoal_engine_find         (ShoalEngine *self, guint64 id);
ShoalSwarm *shoal_engine_find_by_key  (ShoalEngine *self, const ShoalSha1 *key);
ShoalSwarm *shoal_engine_find_by_req2 (ShoalEngine *self, const ShoalSha1 *req2, ShoalSha1 *key);
void        shoal_engine_insert       (ShoalEngine *self, ShoalSwarm *swarm);      /* takes it */
/* its keys are free again; views are told that it is gone */
void        shoal_engine_forget       (ShoalEngine *self, ShoalSwarm *swarm);
void        shoal_engine_remove       (ShoalEngine *self, ShoalSwarm *swarm);      /* frees it */
void        shoal_engine_add_keys     (ShoalEngine *self, ShoalSwarm *swarm);
/* before they change */
void        shoal_engine_drop_keys    (ShoalEngine *self, ShoalSwarm *swarm);
/* looks at the files of the next kept seed */
void        shoal_engine_prove_next   (ShoalEngine *self);
/* it wants the tick */
void        shoal_engine_activate     (ShoalEngine *self, ShoalSwarm *swarm);
/* somebody has peers to dial */
void        shoal_engine_want_dials   (ShoalEngine *self);
void        shoal_engine_vote_external (ShoalEngine *self, ShoalExternalSource source,
                                        const ShoalAddr *voter, const ShoalAddr *seen);
/* how others see us: BEP 40 goes by it */
void        shoal_engine_set_external (ShoalEngine *self, const ShoalAddr *external);
/* sets its context */
void        shoal_engine_disk         (ShoalEngine *self, ShoalDiskJob *job);
/* first thing that a job's function calls */
void        shoal_engine_disk_done    (ShoalDiskJob *job);
void        shoal_engine_tell         (ShoalEngine *self, ShoalEvent *event);
/* a new torrent's id */
guint64     shoal_engine_id           (ShoalEngine *self);
void        shoal_engine_unload_later (ShoalEngine *self);

/* shoal-engine-network.c */
/* tells the host what the config says */
void        shoal_engine_want_network    (ShoalEngine *self);
gboolean    shoal_engine_network_differs (const ShoalConfig *a, const ShoalConfig *b);
/* all goes through a proxy */
gboolean    shoal_engine_is_hidden       (const ShoalEngine *self);

/* shoal-link-utp.c */
void        shoal_engine_end_links    (ShoalEngine *self);

/* shoal-engine-commands.c */
void        shoal_engine_handle       (ShoalEngine *self, ShoalCommand *command);
/* stops it and forgets it; REMOVED follows */
void        shoal_engine_take_out     (ShoalEngine *self, ShoalSwarm *swarm, ShoalRemoveMode mode,
                                       guint64 serial);

/* shoal-engine-mapping.c */
/* as the configuration says; never while quitting */
void        shoal_engine_want_mapping (ShoalEngine *self);
/* where others reach us: what is announced; 0: nowhere */
guint16     shoal_engine_public_port  (const ShoalEngine *self);

/* shoal-engine-peers.c */
/* its lists change all the time */
gboolean    shoal_engine_has_lists    (ShoalEngine *self, const ShoalView *view);
void        shoal_engine_fill_lists   (ShoalEngine *self, ShoalSnapshot *snapshot,
                                       const ShoalView *view);

/* shoal-engine-filter.c */
/* another source is wanted */
void        shoal_engine_filter_update (ShoalEngine *self);
void        shoal_engine_filter_due   (gpointer engine, gint64 now_us);
gboolean    shoal_engine_may_connect  (ShoalEngine *self, const ShoalAddr *addr);

/* shoal-engine-local.c */
ShoalLsd   *shoal_engine_new_lsd      (ShoalEngine *self);
/* its state, its keys or what is known of it changed */
void        shoal_engine_discover     (ShoalEngine *self, ShoalSwarm *swarm);
void        shoal_engine_discover_all (ShoalEngine *self);

/* shoal-engine-views.c */
void        shoal_engine_subscribe    (ShoalEngine *self, guint view, guint interval_ms, guint mask,
                                       guint64 id);
void        shoal_engine_acknowledge  (ShoalEngine *self, guint view);
/* at the end of a turn */
void        shoal_engine_arm_views    (ShoalEngine *self);
void        shoal_engine_views_due    (gpointer engine, gint64 now_us);

G_END_DECLS
