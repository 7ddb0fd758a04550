/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The web seeds of a torrent at work: lanes that carry ranges of blocks. */

#pragma once

#include "shoal-swarm-private.h"
#include "shoal-webseed.h"

G_BEGIN_DECLS

#define SHOAL_WEB_SEEDS_USED    8u                       /* asked at once, of one torrent */
#define SHOAL_WEB_LANES_ALL     64u                      /* requests under way, of all torrents */
#define SHOAL_WEB_RANGE_US      (4 * G_USEC_PER_SEC)     /* a range is what a lane carries in so
                                                          * long, */
#define SHOAL_WEB_RANGE_MIN     (256u * 1024)            /* at least, */
#define SHOAL_WEB_RANGE_MAX     (8u * 1024 * 1024)       /* and at most; also a share of the
                                                          * arena */
#define SHOAL_WEB_RANGE_FIRST   (1024u * 1024)           /* of a seed whose rate is not known */
#define SHOAL_WEB_ARENA_SHARE   8u                       /* one lane has at most this part of it */
#define SHOAL_WEB_HEAD_S        30u                      /* for the head of an answer */
#define SHOAL_WEB_SILENCE_US    (20 * G_USEC_PER_SEC)    /* no byte for so long: the request is
                                                          * given up */
#define SHOAL_WEB_SLOW_US       (60 * G_USEC_PER_SEC)    /* a request that brought less than */
#define SHOAL_WEB_SLOW_SIZE     (64u * 1024)             /* this after such a time is given up,
                                                          * too */
#define SHOAL_WEB_HINT_SIZE     16u                      /* of the number of seconds that a busy
                                                          * server may send */

/**
 * ShoalWebLane:
 *
 * One request after the other to one seed. Owner of its blocks in the picker. A range of blocks is
 * fetched part by part: a part is what lies in one file (or piece, for BEP 17); zeros of pad files
 * are made here.
 */
typedef struct
{
  ShoalSwarm      *swarm;
  ShoalWebseed    *seed;
  ShoalBlock      *blocks;       /* room for a range of %SHOAL_WEB_RANGE_MAX */
  guint8          *live;         /* for each: still ours to deliver */
  guint            n_blocks;     /* 0: it rests */
  guint            n_live;       /* of those from @index on */
  guint            index;        /* the block under way */
  guint64          at;           /* where in the torrent the next byte goes */
  guint64          part_begin;
  guint64          part_end;
  guint32          file;         /* of the part */
  ShoalFetch      *fetch;        /* (nullable) */
  gboolean         taking;       /* its head was as it should be */
  gboolean         hinting;      /* its body is a number of seconds */
  char             hint[SHOAL_WEB_HINT_SIZE + 1];
  guint            hint_size;
  guint8          *own;          /* (owned) (nullable): SHOAL_BLOCK_SIZE: for what has no place or
                                  * is not wanted any more */
  gboolean         in_own;       /* the block under way lies there */
  ShoalRate        rate;
  gint64           asked_us;
  gint64           heard_us;
  gint64           limited_us;   /* a limit of ours last kept its bytes waiting */
  ShoalLimiterWait wait;
} ShoalWebLane;

struct _ShoalWeb
{
  GPtrArray *seeds;              /* of ShoalWebseed (owned) */
  GPtrArray *lanes;              /* of ShoalWebLane (owned) */
};

/* shoal-swarm-web-lane.c */
ShoalWebLane *shoal_web_lane_new      (ShoalSwarm *swarm, ShoalWebseed *seed);
void          shoal_web_lane_free     (ShoalWebLane *self);
/* FALSE: there is nothing to fetch now */
gboolean      shoal_web_lane_begin    (ShoalWebLane *self);
/* what it has not delivered goes to others */
void          shoal_web_lane_drop     (ShoalWebLane *self);
/* another delivered it */
void          shoal_web_lane_withdraw (ShoalWebLane *self, ShoalBlock block);
void          shoal_web_lane_tick     (ShoalWebLane *self);

/* shoal-swarm-web.c, for the lanes */
/* starts lanes of the seed, as many as it may have */
void          shoal_web_fill          (ShoalSwarm *self, ShoalWebseed *seed);
/* out of the picker's availability: before its bits change */
void          shoal_web_uncount       (ShoalSwarm *self, ShoalWebseed *seed);

G_END_DECLS
