/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections with delay, rate and sudden death. */

#pragma once

#include "sim-world.h"

G_BEGIN_DECLS

typedef enum
{
  SIM_READY_OPENED   = 1 << 0,   /* the dial worked */
  SIM_READY_ACCEPT   = 1 << 1,   /* somebody dialled */
  SIM_READY_INPUT    = 1 << 2,   /* bytes are in the inbox, or the other end is gone */
  SIM_READY_OUTPUT   = 1 << 3,   /* the line is free again, or there is something new to send */
  SIM_READY_CLOSED   = 1 << 4,   /* it is over: the last one */
} SimReady;

/**
 * SimEnd:
 * @data: the peer's own
 * @inbox: bytes that arrived, from @inbox_at on
 *
 * One end of a connection. Whatever happens to it is noted in @ready and makes it stand in the
 * peer's `ready` list.
 */
struct _SimEnd
{
  SimPeer    *peer;
  SimEnd     *other;
  gpointer    data;
  ShoalAddr   remote;          /* as this end sees the other */
  guint       ready;           /* SimReady bits */
  gboolean    listed;
  gboolean    open;
  gboolean    over;            /* closed here: nothing more happens */
  gboolean    eof;             /* the other end closed */
  gboolean    refused;
  GByteArray *inbox;
  gsize       inbox_at;
  gsize       n_flight;        /* bytes sent from here that the other end did not take yet */
  gboolean    stuck;           /* too many of them */
  gint64      busy_us;         /* the last bytes leave then */
  gint64      arrives_us;      /* and are there then */
  gint64      wakes_us;        /* an event waits for the line */
  guint       refs;
};

/* ends in OPENED or CLOSED */
SimEnd *sim_net_dial     (SimPeer *from, const ShoalAddr *to, gpointer data);
/* the other end hears of it; this one gets CLOSED */
void    sim_end_close    (SimEnd *self);
/* there is output: flushed in the next sim_end_flush() of the turn */
void    sim_end_want     (SimEnd *self);
void    sim_end_flush    (SimEnd *self);            /* sends what the line takes */
gsize   sim_end_waiting  (const SimEnd *self);      /* bytes in the inbox */
gsize   sim_end_take     (SimEnd *self, guint8 *out, gsize max);
/* (nullable): takes the next ready end and what happened */
SimEnd *sim_peer_next    (SimPeer *self, guint *ready);
void    sim_end_gone     (SimEnd *self);            /* CLOSED was handled: the end is forgotten */

/* Every connection breaks; @silently: the others hear nothing. */
void    sim_net_cut      (SimPeer *peer, gboolean silently);
void    sim_net_drop_all (SimPeer *peer);           /* at the end of the world */

G_END_DECLS
