/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A few DHT nodes on one fake wire, moved by hand: tests look at the first, the others help. */

#pragma once

#include "shoal-dht-private.h"

G_BEGIN_DECLS

#define SECOND_US      ((gint64) G_USEC_PER_SEC)
#define DHT_WIRE_NODES 4u
#define STRANGER       "20.1.2.3:999"   /* who is none of them */

typedef struct _DhtWire DhtWire;

typedef struct
{
  ShoalHost    host;      /* first */
  DhtWire     *wire;
  ShoalAddr    addr;
  ShoalDht    *dht;
  ShoalLookup *lookup;    /* a name that it wants to know */
  guint        n_ready;
} DhtWireNode;

typedef struct
{
  ShoalAddr from;
  ShoalAddr to;
  GBytes   *bytes;
} DhtWirePacket;

struct _DhtWire
{
  ShoalTimers *timers;
  ShoalRng     rng;
  gint64       now_us;
  DhtWireNode  nodes[DHT_WIRE_NODES];
  GQueue       packets;       /* of DhtWirePacket */
  GQueue       strangers;     /* of DhtWirePacket: to nobody here */
  guint        n_peers;
  guint        n_done;
  guint        n_told;
  ShoalAddr    peer;
  guint16      other_port;    /* of the last peer that came with it */
};

/* Adds a test that begins with nodes that know nobody; @address: (nullable): theirs, a text. */
void     dht_wire_add         (const char *path, const char *address,
                               void (*test) (DhtWire *wire, gconstpointer address));
/* In the middle of a test: all of it, at 127.0.0.1; or one node, that knows nobody. */
void     dht_wire_begin_anew  (DhtWire *wire);
void     dht_wire_renew       (DhtWire *wire, guint node);
/* Time goes by, and what was sent among them arrives. */
void     dht_wire_pass        (DhtWire *wire, gint64 us);
/* @packet, a text, arrives at the first node from @from. */
void     dht_wire_send        (DhtWire *wire, const char *packet, const char *from);
/* The oldest packet to somebody who is not here is taken out; @krpc is valid as long as @bytes.
 * FALSE: there is none. */
gboolean dht_wire_take        (DhtWire *wire, ShoalKrpc *krpc, GBytes **bytes);
void     dht_wire_packet_free (gpointer packet);
/* A node looks for @key, as shoal_dht_lookup(); what is found is counted. (nullable) */
ShoalDhtLookup *dht_wire_look (DhtWire *wire, guint node, const ShoalSha1 *key, guint16 port,
                               gboolean implied_port);

G_END_DECLS
