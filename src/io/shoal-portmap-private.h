/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the methods of port mapping have in common. */

#pragma once

#include <gio/gio.h>
#include <libsoup/soup.h>
#include "shoal-igd.h"
#include "shoal-portmap.h"

G_BEGIN_DECLS

/* What is mapped, in the order of asking. */
typedef enum { SHOAL_PORTMAP_TCP, SHOAL_PORTMAP_UDP, SHOAL_PORTMAP_N } ShoalPortmapIndex;

/**
 * ShoalPortmapMethod:
 * @ask: for the ports of `wanted`, or to keep what is in `given`; ends in shoal_portmap_succeed()
 * or _fail(), later or at once
 * @drop: tells the gateway that nothing of `given` is needed; ends in shoal_portmap_dropped(),
 * later or at once
 * @halt: nothing is sent any more and nothing comes; may be called at any time
 */
typedef struct
{
  ShoalMapMethod method;
  void         (*ask)  (ShoalPortmap *self);
  void         (*drop) (ShoalPortmap *self);
  void         (*halt) (ShoalPortmap *self);
} ShoalPortmapMethod;

/* Of PCP and NAT-PMP: one request after the other. */
typedef struct
{
  GSocket *socket;                     /* (nullable) */
  GSource *heard;                      /* (nullable) */
  GSource *again;                      /* (nullable): the request is repeated */
  guint    n_sent;
  guint    step;                       /* which of the method's requests */
  guint32  lifetime_s;                 /* the shortest that was given */
  gboolean dropping;
  guint8   nonces[SHOAL_PORTMAP_N][SHOAL_PCP_NONCE_SIZE];
  gboolean has_nonces;
} ShoalPortmapPcp;

/* What gateways announce. */
typedef struct
{
  GSocket *sockets[2];                 /* (nullable): IPv4 and IPv6 */
  GSource *heard[2];                   /* (nullable) */
  GSource *again;                      /* (nullable): the gateway is asked again soon */
  guint32  epoch_s;                    /* as the gateway said last */
  gint64   epoch_us;                   /* when that was; 0: never */
} ShoalPortmapAnnounced;

/* Of UPnP. */
typedef struct
{
  GSocket        *socket;              /* (nullable): searches */
  GSource        *heard;               /* (nullable) */
  GSource        *again;               /* (nullable) */
  guint           n_sent;
  SoupSession    *session;             /* (nullable) */
  GCancellable   *cancellable;         /* (nullable): of the call that is under way */
  guint           n_calls;             /* those that were cancelled among them */
  GSource        *late;                /* (nullable): that call has taken too long */
  char           *location;            /* (nullable): of the description */
  ShoalIgdService service;             /* known once its type is not NULL */
  guint           step;
  gboolean        dropping;
  gboolean        permanent;           /* the gateway knows no leases that end */
  guint16         pinholes[SHOAL_PORTMAP_N];   /* numbers of those that were made */
  guint           n_conflicts;
} ShoalPortmapIgd;

struct _ShoalPortmap
{
  ShoalPortmapWays  ways;
  ShoalPortmapFunc  changed;           /* (nullable): NULL: it is being freed */
  gpointer          user_data;
  GMainContext     *context;
  GSource          *timer;             /* (nullable): to renew, or to try again */
  GSource          *telling;           /* (nullable): @now will be told */

  ShoalPortmapPlace place;
  guint16           wanted[SHOAL_PORTMAP_N];
  ShoalPortmapPlace next_place;        /* in force once what is mapped was taken back */
  guint16           next_wanted[SHOAL_PORTMAP_N];

  guint             index;             /* of the method that is asked */
  const ShoalPortmapMethod *active;    /* (nullable): asks, drops or keeps */
  gboolean          refused;           /* in this round */
  gboolean          dropping;
  gboolean          has;               /* @given counts */
  guint16           given[SHOAL_PORTMAP_N];   /* outer ports */
  ShoalAddr         external;
  guint             retry_steps;
  ShoalMapping      now;

  ShoalPortmapAnnounced announced;
  ShoalPortmapPcp   pcp;
  ShoalPortmapIgd   igd;
};

/* shoal-portmap.c */
/* `given` and `external` are filled in */
void     shoal_portmap_succeed (ShoalPortmap *self, guint32 lifetime_s);
void     shoal_portmap_fail    (ShoalPortmap *self, gboolean refused);
void     shoal_portmap_dropped (ShoalPortmap *self);
/* (transfer full): @func in so many steps, once or again and again as it returns */
GSource *shoal_portmap_after   (ShoalPortmap *self, guint steps, GSourceFunc func);
GSource *shoal_portmap_after_ms (ShoalPortmap *self, guint ms, GSourceFunc func);
/* The gateway has forgotten what it gave, or is another: if it is not being asked already, it is
 * now. */
void     shoal_portmap_hurry   (ShoalPortmap *self);
/* (transfer full): in the scope of the interface, if it has one */
GSocketAddress *shoal_portmap_address (const ShoalPortmap *self, const ShoalAddr *addr,
                                       guint16 port);
/* (transfer full) (nullable): a UDP socket with our end there. @shared: others may use the port as
 * well */
GSocket *shoal_portmap_socket  (ShoalPortmap *self, const ShoalAddr *own, guint16 port,
                                gboolean shared);
/* Keeps it to the interface. */
void     shoal_portmap_keep    (ShoalPortmap *self, GSocket *socket);
GSource *shoal_portmap_listen  (ShoalPortmap *self, GSocket *socket, GSocketSourceFunc func);
void     shoal_portmap_stop_source (GSource **source);

/* shoal-portmap-pcp.c */
extern const ShoalPortmapMethod shoal_portmap_pcp;
extern const ShoalPortmapMethod shoal_portmap_nat_pmp;

/* shoal-portmap-announced.c */
void     shoal_portmap_announced_begin (ShoalPortmap *self);   /* of the gateways of `place` */
void     shoal_portmap_announced_end   (ShoalPortmap *self);
/* it said in an answer */
void     shoal_portmap_announced_note  (ShoalPortmap *self, guint32 epoch_s);

/* shoal-portmap-igd.c */
extern const ShoalPortmapMethod shoal_portmap_igd;
extern const ShoalPortmapMethod shoal_portmap_pinhole;     /* of IPv6 */
void     shoal_portmap_igd_forget (ShoalPortmap *self);   /* another gateway */

G_END_DECLS
