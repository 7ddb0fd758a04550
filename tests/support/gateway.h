/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A gateway that a test plays itself, on loopback: PCP, NAT-PMP and UPnP. */

#pragma once

#include <gio/gio.h>
#include <libsoup/soup.h>
#include "shoal-portmap.h"

G_BEGIN_DECLS

#define GATEWAY_STEP_MS 4
#define GATEWAY_LEAVE_MS 20000   /* no test waits for its end */

/* What it has for one port. */
typedef struct
{
  guint16 internal;
  guint16 external;
} GatewayEntry;

/* Zeroed, it is one that says nothing. */
typedef struct
{
  GMainContext    *context;      /* the thread's default while it is open */
  ShoalPortmapWays ways;         /* to it */

  GSocket         *pcp_socket;
  GSocket         *asked;        /* (borrowed): where the last request came */
  GSource         *pcp_source;
  gboolean         pcp;          /* it knows PCP */
  gboolean         nat_pmp;
  guint            drops;        /* requests that get lost */
  guint            refuse_tcp;   /* result */
  guint            refuse_udp;
  guint32          lease_s;
  int              shift;        /* of the outer port */
  guint            n_requests;
  guint32          epoch_s;      /* since it began */
  guint8           outer[4];     /* its address, to NAT-PMP */

  GSocket         *search_socket;
  GSource         *search_source;
  SoupServer      *server;
  guint16          http_port;
  const char      *location_host;   /* (nullable): of somebody else */
  const char      *outer_ip;
  guint            n_conflicts;     /* to be told */
  gboolean         permanent_only;
  gboolean         mute;            /* calls are never answered */
  GPtrArray       *mutes;
  guint            last_lease;
  guint            n_pinholes;      /* ever opened */

  GatewayEntry     entries[2];      /* TCP, UDP */
  guint            n_added[2];
  guint            n_removed[2];
} Gateway;

void     gateway_open         (Gateway *self);
void     gateway_close        (Gateway *self);
void     gateway_serve_upnp   (Gateway *self);

/* Another socket that answers PCP. @port: (inout): 0: any */
GSocket *gateway_socket       (Gateway *self, const char *host, GSource **source, guint16 *port);
void     gateway_close_socket (GSocket *socket, GSource *source);
void     gateway_put          (guint8 *at, guint32 value);   /* four bytes, the highest first */

G_END_DECLS
