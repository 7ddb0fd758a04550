/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of TCP connections: shared by their parts only. */

#pragma once

#include "shoal-conn.h"
#include "shoal-list.h"

G_BEGIN_DECLS

#define SHOAL_CONN_PACE_MIN  (256u * 1024 * 1024)   /* bytes a second; nothing is held below it */

typedef enum
{
  CONN_DIALING,
  CONN_OPEN,
  CONN_CLOSING,
} ConnState;

struct _ShoalConn
{
  ShoalWatch    watch;
  ShoalConnSet *set;
  ShoalLink    *link;
  GSocket      *socket;      /* (nullable): none could be made */
  ShoalProxyHandshake *handshake;   /* (nullable): DIALING: through a proxy */
  char         *why;         /* (nullable) of CLOSING */
  ShoalNode     all_node;
  ShoalNode     flush_node;  /* in flush or paced */
  ShoalNode     state_node;  /* in dialing or closing */
  ShoalNode     sweep_node;
  guint64       pace;        /* bytes a second that may leave */
  gint64        pace_us;     /* when more may leave */
  gint64        taken_us;    /* begin of the window in which */
  guint64       taken;       /* so many bytes left */
  gint64        since_us;    /* DIALING: since when; OPEN: the last read */
  ShoalAddr     from;        /* the site it came from; family NONE: dialled, or not counted */
  ConnState     state;
  guint         mark;        /* what the link waits for; 0: it must not be read */
  guint         low_water;   /* what the socket was told */
  gboolean      blocked;     /* the socket takes no more */
  gboolean      no_window;   /* the link had no place for bytes; until it asks for attention */
};

struct _ShoalConnSet
{
  ShoalReactor *reactor;
  const ShoalBinding *binding;   /* (nullable) */
  ShoalProxy   *proxy;           /* (nullable) */
  ShoalNode     all;
  ShoalNode     flush;
  ShoalNode     paced;
  ShoalNode     dialing;
  ShoalNode     sweep;
  ShoalNode     closing;
  guint         n_conns;
  gboolean      bbr;
  GHashTable   *n_from;      /* site to how many */
  gint64        now_us;
  guint64       moved;
};

/* shoal-conn.c: its link will be told at the end of the turn, this one or the next */
void conn_close (ShoalConn *self, const char *why);

/* shoal-conn-write.c: as much as the link has and the socket takes; the rest waits in `paced`, or
 * for the socket */
void conn_write (ShoalConn *self);

G_END_DECLS
