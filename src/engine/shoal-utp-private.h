/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of a uTP connection, shared by its two directions. */

#pragma once

#include "shoal-list.h"
#include "shoal-timers.h"
#include "shoal-utp.h"
#include "shoal-utp-ledbat.h"
#include "shoal-utp-mtu.h"

G_BEGIN_DECLS

#define SHOAL_UTP_CHUNK (64u * 1024)   /* bytes that are read arrive in pieces of this size */

typedef enum
{
  SHOAL_UTP_FRESH,     /* not sent yet */
  SHOAL_UTP_FLIGHT,
  SHOAL_UTP_UNSAID,    /* not under way any more, but whether it arrived is not said yet */
  SHOAL_UTP_LOST,      /* to be sent again */
  SHOAL_UTP_N_PLACES,
} ShoalUtpPlace;

/* A packet with a number of its own that was made and is not acknowledged. */
typedef struct
{
  ShoalNode    node;       /* in the list of its place */
  gint64       sent_us;
  guint64      serial;     /* of its last sending; 0: it was not sent */
  guint16      seq;
  guint16      size;       /* of the payload */
  guint16      probe;      /* size of the datagram, if it is one */
  guint8       type;
  guint8       place;      /* #ShoalUtpPlace */
  gboolean     again;      /* sent more than once */
  guint8       bytes[];
} ShoalUtpOut;

/* One that came before its turn. */
typedef struct
{
  guint16 size;
  guint8  type;
  guint8  bytes[];
} ShoalUtpEarly;

/* Bytes in order. */
typedef struct
{
  ShoalNode node;
  guint     begin;
  guint     end;
  guint8    bytes[SHOAL_UTP_CHUNK];
} ShoalUtpChunk;

/* Pointers by number modulo a power of two. */
typedef struct
{
  gpointer *items;
  guint     capacity;
} ShoalUtpRing;

struct _ShoalUtp
{
  ShoalUtpState    state;
  const char      *why;          /* static text */
  guint16          id;
  guint16          peer_id;
  ShoalUtpBuffers *buffers;
  ShoalUtpLedbat   ledbat;
  ShoalUtpMtu      mtu;

  /* out */
  ShoalUtpRing     out;
  guint16          out_first;    /* the oldest that is not acknowledged */
  guint16          out_next;
  ShoalNode        places[SHOAL_UTP_N_PLACES];   /* FLIGHT and UNSAID in the order of sending */
  gsize            sizes[SHOAL_UTP_N_PLACES];    /* bytes */
  guint64          serial;       /* of the next sending */
  guint64          acked_serial; /* the newest that arrived */
  guint16          acked_last;   /* the highest number that arrived */
  guint            reorder;      /* packets that may overtake one before it counts as lost */
  guint            n_same;       /* acknowledgements that said nothing new */
  gboolean         peer_sacks;   /* the other end says which packets came early */
  guint32          peer_window;
  gboolean         fin_made;
  double           pace_budget;  /* bytes */
  gint64           paced_us;
  gint64           pace_due_us;  /* something waits for the budget; 0: nothing does */
  gint64           stuck_us;     /* the other end takes nothing: it is asked then; 0: it does */
  gint64           data_us;      /* the last packet with a number */
  gint64           said_us;      /* the last packet of any kind */
  gint64           heard_us;     /* the last one that came and was believed */
  gint64           timeout_us;   /* 0: not armed */
  gint64           probe_us;     /* the oldest is sent once more before the timeout; 0: not armed */
  guint            n_timeouts;   /* in a row */
  gint64           since_us;     /* of the state */
  guint64          n_sent;
  guint64          n_again;

  /* in */
  ShoalUtpRing     in;           /* of ShoalUtpEarly */
  guint16          in_next;      /* the number that is expected */
  guint            n_early;
  gsize            early_size;
  guint16          early_last;   /* highest number in @in */
  ShoalNode        chunks;
  gsize            unread;
  gboolean         at_end;       /* FIN came in order */
  guint32          reply_us;     /* how long their last packet took */
  gboolean         ack_now;
  guint            n_unacked;
  gint64           ack_us;       /* the latest that one may be answered; 0: nothing to answer */
  guint32          told_window;
  gsize            wide;         /* bytes that may be under way to us */
  gsize            arrived;      /* of the round that runs */
  gint64           round_us;     /* its begin; 0: none runs */
};

/* shoal-utp.c */
void         shoal_utp_over         (ShoalUtp *self, const char *why);
gpointer     shoal_utp_ring_get     (const ShoalUtpRing *self, guint16 seq);
void         shoal_utp_ring_set     (ShoalUtpRing *self, guint16 seq, gpointer item);
/* room for @n numbers from @first on */
void         shoal_utp_ring_reserve (ShoalUtpRing *self, guint16 first, guint n);

/* shoal-utp-receive.c */
void         shoal_utp_take         (ShoalUtp *self, const ShoalUtpPacket *packet,
                                     gint64 arrived_us, gint64 now_us);
guint32      shoal_utp_window       (const ShoalUtp *self);
guint        shoal_utp_sack         (const ShoalUtp *self, guint8 *out);   /* returns its size */
void         shoal_utp_drop_input   (ShoalUtp *self);

/* shoal-utp-send.c */
ShoalUtpOut *shoal_utp_make         (ShoalUtp *self, ShoalUtpType type, const guint8 *bytes,
                                     gsize size);
/* the first number that was not sent yet */
guint16      shoal_utp_unsent       (const ShoalUtp *self);
void         shoal_utp_acked        (ShoalUtp *self, const ShoalUtpPacket *packet, gint64 now_us);
void         shoal_utp_timed_out    (ShoalUtp *self, gint64 now_us);
void         shoal_utp_drop_output  (ShoalUtp *self);

G_END_DECLS
