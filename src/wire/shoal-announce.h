/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said to a tracker and what it answers, whichever way it is asked. */

#pragma once

#include <glib.h>
#include "shoal-addr.h"
#include "shoal-digest.h"
#include "shoal-handshake.h"

G_BEGIN_DECLS

#define SHOAL_TRACKER_ANSWER_MAX (1024u * 1024)   /* bytes of an HTTP answer */
#define SHOAL_TRACKER_PEERS_MAX  2000u            /* peers taken from one answer */
#define SHOAL_TRACKER_TEXT_MAX   256u             /* bytes kept of a failure or warning */
#define SHOAL_TRACKER_ID_MAX     512u             /* bytes of a tracker id; a longer one is not
                                                   * kept */
#define SHOAL_ANNOUNCE_NO_PORT   1u               /* nobody can come to us: many trackers take 0 for
                                                   * a mistake */
#define SHOAL_TRACKER_WAIT_MAX   (30 * 24 * 3600) /* seconds: the longest interval or retry that is
                                                   * believed */

typedef enum
{
  SHOAL_ANNOUNCE_NONE,
  SHOAL_ANNOUNCE_COMPLETED,
  SHOAL_ANNOUNCE_STARTED,
  SHOAL_ANNOUNCE_STOPPED,
  SHOAL_ANNOUNCE_PAUSED,      /* BEP 21: a partial seed; UDP says NONE */
} ShoalAnnounceEvent;

typedef struct
{
  ShoalSha1          info_hash;
  ShoalPeerId        peer_id;
  guint64            uploaded;      /* bytes */
  guint64            downloaded;
  guint64            left;
  ShoalAnnounceEvent event;
  guint32            key;
  gint32             numwant;       /* -1: the tracker's default */
  guint16            port;
  const char        *tracker_id;    /* (nullable) */
  gboolean           crypto;        /* supportcrypto=1 */
} ShoalAnnounce;

/* What a tracker counts of one torrent; -1: it does not say. */
typedef struct
{
  gint64 seeds;
  gint64 leechers;
  gint64 downloaded;   /* times completed */
} ShoalTrackerCount;

/**
 * ShoalAnnounceAnswer:
 *
 * Initialised by what parses it (nothing is to be cleared when that says %FALSE), cleared with
 * shoal_announce_answer_clear(). Text is safe UTF-8; the tracker id is kept as it came.
 */
typedef struct
{
  char      *failure;         /* (nullable): the tracker refused */
  gint64     retry_s;         /* BEP 31: seconds to wait after a failure; -1 not said; G_MAXINT64
                               * never */
  char      *warning;         /* (nullable) */
  char      *tracker_id;      /* (nullable) */
  gint64     interval_s;      /* 0: not said */
  gint64     min_interval_s;  /* 0: not said */
  gint64     seeds;           /* complete; -1: not said */
  gint64     leechers;        /* incomplete */
  gint64     downloaded;      /* times completed */
  ShoalAddr  external;        /* BEP 24; family NONE: not said */
  GArray    *peers;           /* of ShoalAddr, usable ones only, at most SHOAL_TRACKER_PEERS_MAX */
  GArray    *counts;          /* of ShoalTrackerCount: a scrape's, in the order of the question */
} ShoalAnnounceAnswer;

void shoal_announce_answer_init  (ShoalAnnounceAnswer *self);
void shoal_announce_answer_clear (ShoalAnnounceAnswer *self);

/* For the parsers: takes a peer if it is usable and there is room; compact ones as in BEP 23 and
 * BEP 7, bytes left over are passed over. */
void shoal_announce_answer_add_peer    (ShoalAnnounceAnswer *self, const ShoalAddr *peer);
void shoal_announce_answer_add_compact (ShoalAnnounceAnswer *self, ShoalFamily family,
                                        const guint8 *bytes, gsize size);

G_END_DECLS
