/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A way between two machines in virtual time: rate, delay, queue and loss; uTP connections and TCP
 * streams on it. */

#pragma once

#include "shoal-rng.h"
#include "shoal-timers.h"
#include "shoal-utp.h"

G_BEGIN_DECLS

/**
 * UtpWayConfig:
 * @delay_us: each way
 * @queue: packets of 1500 bytes that wait for the line at most
 * @mtu: bytes of a packet with its IPv4 and UDP headers; larger ones are lost
 * @sack: bytes in which the receiver says what came early; 0: as many as ours
 * @window: bytes that it takes; 0: as many as ours
 */
typedef struct
{
  double  mbit;
  gint64  delay_us;
  guint   queue;
  double  loss;
  gint64  jitter_us;   /* packets overtake each other */
  guint   mtu;
  double  drift;       /* of the receiver's clock, as a share */
  guint64 seed;
  guint   sack;
  guint32 window;
} UtpWayConfig;

typedef struct _UtpWay  UtpWay;
typedef struct _UtpFlow UtpFlow;

UtpWay  *utp_way_new      (const UtpWayConfig *config);
void     utp_way_free     (UtpWay *self);
/* A connection that sends without end, from the near to the far side. */
UtpFlow *utp_way_add_utp  (UtpWay *self);
/* A TCP stream with cubic that does the same. */
UtpFlow *utp_way_add_tcp  (UtpWay *self);
void     utp_way_run      (UtpWay *self, gint64 for_us);
void     utp_flow_limit   (UtpFlow *self, guint64 size);      /* then it closes */
void     utp_flow_pause   (UtpFlow *self, gboolean paused);   /* nobody reads at the far side */

gint64   utp_way_now      (const UtpWay *self);
double   utp_flow_mbit    (UtpFlow *self);      /* that arrived since the last time it was asked */
/* mean time in the queue since then, milliseconds */
double   utp_flow_queue   (UtpFlow *self);
guint64  utp_flow_arrived (UtpFlow *self);      /* bytes, all of them the right ones */
gboolean utp_flow_is_over (UtpFlow *self);      /* both ends */
void     utp_flow_info    (UtpFlow *self, ShoalUtpInfo *out);   /* of the near end */
guint32  utp_flow_told    (UtpFlow *self);      /* bytes that the far end allows */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (UtpWay, utp_way_free)

G_END_DECLS
