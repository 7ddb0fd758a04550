/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The DHT: a node for IPv4 and one for IPv6, asked for peers and answering others. */

#pragma once

#include "shoal-host.h"
#include "shoal-krpc.h"
#include "shoal-rng.h"
#include "shoal-timers.h"

G_BEGIN_DECLS

#define SHOAL_DHT_ANSWERS_PER_IP  25u     /* a second, to one site (an IPv4 address, an IPv6 /64);
                                           * loopback is not limited */
#define SHOAL_DHT_ANSWERS         200u    /* a second in all, likewise */
#define SHOAL_DHT_ASKED_PER_S     100u    /* questions of ours, both families together */
#define SHOAL_DHT_BURST           50u     /* of those at once, after a rest */
/* an answer is not waited for before others are asked */
#define SHOAL_DHT_LATE_US         (1500 * (gint64) 1000)
#define SHOAL_DHT_TIMEOUT_US      (5 * (gint64) G_USEC_PER_SEC)        /* it counts as none */
/* looks after the table, a node at a time */
#define SHOAL_DHT_TICK_US         (10 * (gint64) G_USEC_PER_SEC)
#define SHOAL_DHT_STALE_S         300u    /* a node that was not heard of for so long is asked
                                           * again */
/* the neighbourhood is looked at */
#define SHOAL_DHT_REFRESH_US      (15 * 60 * (gint64) G_USEC_PER_SEC)
/* a token is good for once or twice that */
#define SHOAL_DHT_TOKEN_US        (5 * 60 * (gint64) G_USEC_PER_SEC)
#define SHOAL_DHT_CONTACTS_MAX    300u    /* addresses that wait to be tried */
#define SHOAL_DHT_VOTES           24u     /* who told us our address last */
#define SHOAL_DHT_VOTES_MIN       5u      /* of those, alike, before it is believed */
#define SHOAL_DHT_KEPT_MAX        200u    /* nodes of a family that are kept between runs */
#define SHOAL_DHT_KEPT_SIZE_MAX   16384u  /* bytes of what is kept */
#define SHOAL_DHT_ROUTERS_MAX     16u

typedef struct _ShoalDht       ShoalDht;
typedef struct _ShoalDhtLookup ShoalDhtLookup;

/**
 * ShoalDhtOps:
 * @ready: a node answered, after there was none: lookups make sense
 * @announced: (nullable): somebody announced itself here
 * @external: (nullable): others agree about how they see us; the port is not known and 0
 */
typedef struct
{
  void (*ready)    (gpointer owner);
  void (*announced) (gpointer owner, const ShoalSha1 *key, const ShoalAddr *peer);
  void (*external) (gpointer owner, const ShoalAddr *external);
} ShoalDhtOps;

/**
 * ShoalDhtLookupOps:
 * @peers: some were found; @hops: how many questions in a row led there; 0: they announced
 * themselves here. Must not drop the lookup.
 * @done: the last call. @n_told: nodes that were told of us
 */
typedef struct
{
  void (*peers) (gpointer owner, const ShoalAddr *addrs, guint n, guint hops);
  void (*done)  (gpointer owner, guint n_asked, guint n_answered, guint n_told);
} ShoalDhtLookupOps;

/* Random bytes for ids and tokens come from the host. */
ShoalDht *shoal_dht_new           (ShoalHost *host, ShoalTimers *timers, ShoalRng *rng,
                                   const ShoalDhtOps *ops, gpointer owner, gint64 now_us);
void      shoal_dht_free          (ShoalDht *self);              /* lookups end without a call */

/* Asks nobody until it has a contact. */
void      shoal_dht_add_contact   (ShoalDht *self, const ShoalAddr *addr, gint64 now_us);
/* Host and port of nodes that are asked when nobody else is known; separated by spaces or commas.
 * Replaces the last. */
void      shoal_dht_set_routers   (ShoalDht *self, const char *routers, gint64 now_us);
/* BEP 43: asks, and answers nobody. */
void      shoal_dht_set_read_only (ShoalDht *self, gboolean read_only);
/* There may be a network again: what was given up is tried at once. */
void      shoal_dht_wake          (ShoalDht *self, gint64 now_us);
/* FALSE: it is no message of the DHT. */
gboolean  shoal_dht_datagram      (ShoalDht *self, const ShoalAddr *from, const guint8 *data,
                                   gsize size, gint64 now_us);

/**
 * shoal_dht_lookup:
 * @port: ours, to be announced; 0: only search
 * @implied_port: the port that the datagrams come from is right, whatever @port says
 * @seed: told with the announce
 *
 * Returns: (nullable): %NULL if nobody is known to ask; frees itself after done
 */
ShoalDhtLookup *shoal_dht_lookup  (ShoalDht *self, const ShoalSha1 *key, guint16 port,
                                   gboolean implied_port, gboolean seed,
                                   const ShoalDhtLookupOps *ops, gpointer owner, gint64 now_us);
void      shoal_dht_lookup_drop   (ShoalDhtLookup *lookup);      /* without a call */

guint     shoal_dht_n_nodes       (const ShoalDht *self);        /* good ones, of both families */
gsize     shoal_dht_size          (const ShoalDht *self);        /* bytes of memory, about */
const ShoalSha1 *shoal_dht_id     (const ShoalDht *self, ShoalFamily family);

/* What is worth to be known at the next start: ids and good nodes. (transfer full) (nullable):
 * NULL: nothing */
GBytes   *shoal_dht_keep          (const ShoalDht *self);
/* FALSE: damaged or of another version; nothing was taken. */
gboolean  shoal_dht_restore       (ShoalDht *self, const guint8 *data, gsize size, gint64 now_us);

G_END_DECLS
