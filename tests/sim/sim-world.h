/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A world in one process: time, chance, an event heap, and the peers that live in it. */

#pragma once

#include "shoal-addr.h"
#include "shoal-rng.h"
#include "shoal-timers.h"

G_BEGIN_DECLS

#define SIM_SECOND     ((gint64) G_USEC_PER_SEC)
#define SIM_TICK_US    5000          /* a peer's turns are at least so far apart */
#define SIM_CHUNK_SIZE 16384u        /* bytes sent at once on one connection */

typedef struct _SimWorld   SimWorld;
typedef struct _SimPeer    SimPeer;
typedef struct _SimEnd     SimEnd;
typedef struct _SimTracker SimTracker;
typedef struct _SimTorrent SimTorrent;

typedef void     (*SimEventFunc) (SimWorld *world, gpointer a, gpointer b);
/* Sees every datagram that a node sends, lost or not. */
typedef void     (*SimWatchFunc) (gpointer data, const guint8 *bytes, gsize size);
typedef gboolean (*SimDoneFunc)  (SimWorld *world, gpointer data);

/* What differs between a real engine and a scripted bot; all are called in the peer's own turn,
 * except free. */
typedef struct
{
  /* handles what is ready; next deadline */
  gint64   (*turn)   (SimPeer *peer);
  /* the next bytes to be sent */
  gsize    (*output) (SimEnd *end, guint8 *out, gsize max);
  void     (*free)   (SimPeer *peer);
} SimPeerOps;

/**
 * SimPeer:
 *
 * One machine on the network: an address, a line, and connections. Head of SimNode and SimBot.
 */
struct _SimPeer
{
  const SimPeerOps *ops;
  SimWorld         *world;
  guint             id;
  ShoalAddr         addr;
  gint64            delay_us;      /* from here to the middle of the network */
  guint64           rate_up;       /* bytes a second; 0: no limit */
  guint64           rate_down;
  gint64            up_busy_us;
  gint64            down_busy_us;
  gboolean          dead;          /* nobody answers here */
  gboolean          queued;        /* a turn is due */
  gint64            alarm_us;
  GPtrArray        *ends;          /* of SimEnd: open connections */
  GPtrArray        *ready;         /* of SimEnd: something happened to them */
  guint64           sent;          /* bytes, everything counted */
  guint64           received;
  guint             n_dialled;
};

struct _SimWorld
{
  gint64      now_us;
  gint64      wall_s;
  guint64     seed;
  ShoalRng    rng;
  guint64     digest;              /* of everything that happened */
  guint64     n_events;
  GPtrArray  *peers;               /* (owned) */
  GHashTable *by_addr;             /* ShoalAddr in the peer to SimPeer */
  GPtrArray  *torrents;            /* (owned) */
  GPtrArray  *trackers;            /* (owned) */
  GArray     *heap;
  guint64     serial;
  gboolean    lan;                 /* set before the peers are made: all of them share one local
                                    * network */
  guint       loss_percent;        /* of datagrams */
  SimWatchFunc watch;              /* (nullable) */
  gpointer    watch_data;
};

SimWorld *sim_world_new     (guint64 seed);
void      sim_world_free    (SimWorld *self);

/* @at_us may be now; events of one moment happen in the order in which they were added. */
void      sim_world_at      (SimWorld *self, gint64 at_us, SimEventFunc func, gpointer a,
                             gpointer b);
void      sim_world_mix     (SimWorld *self, guint64 value);           /* into the digest */

/* Lets time pass until @done says so (asked every simulated second) or @limit_us have passed.
 * FALSE: the limit came first. */
gboolean  sim_world_run     (SimWorld *self, SimDoneFunc done, gpointer data, gint64 limit_us);
void      sim_world_pass    (SimWorld *self, gint64 us);

/* Gives the peer an address and makes it known. Takes it. */
void      sim_world_add     (SimWorld *self, SimPeer *peer, const SimPeerOps *ops);
SimPeer  *sim_world_find    (SimWorld *self, const ShoalAddr *addr);
/* a turn as soon as may be */
void      sim_peer_wake     (SimPeer *self);
/* a turn then, at the latest */
void      sim_peer_alarm    (SimPeer *self, gint64 at_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SimWorld, sim_world_free)

G_END_DECLS
