/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a DHT node keeps for others: announced peers and small items, within limits. */

#pragma once

#include "shoal-krpc.h"
#include "shoal-rng.h"

G_BEGIN_DECLS

#define SHOAL_DHT_KEYS_MAX       2000u    /* torrents with announced peers; the one longest silent
                                           * gives way */
#define SHOAL_DHT_PEERS_MAX      200u     /* of one torrent; the oldest gives way */
#define SHOAL_DHT_ALL_PEERS_MAX  16384u   /* in all */
#define SHOAL_DHT_IP_PEERS_MAX   128u     /* announced from one site, loopback aside */
#define SHOAL_DHT_ITEMS_MAX      256u     /* BEP 44; the one longest untouched gives way */
#define SHOAL_DHT_IP_ITEMS_MAX   16u      /* put from one site, loopback aside */
#define SHOAL_DHT_SIGNATURES_MAX 20u      /* checked in a second */
/* a peer that does not announce again is forgotten */
#define SHOAL_DHT_PEER_US        (45 * 60 * (gint64) G_USEC_PER_SEC)
#define SHOAL_DHT_ITEM_US        (2 * 3600 * (gint64) G_USEC_PER_SEC)
#define SHOAL_DHT_SAMPLES        20u      /* keys of a sample (BEP 51) */
#define SHOAL_DHT_SAMPLE_S       600      /* seconds until the sample is another one */

typedef struct _ShoalDhtStore ShoalDhtStore;

/* A stored item; mutable if @key is there. */
typedef struct
{
  ShoalSha1 target;
  gboolean  is_mutable;
  guint8    key[32];
  guint8    signature[64];
  gint64    seq;
  GBytes   *value;           /* bencode */
  ShoalAddr from;            /* who put it: a site */
  gint64    touched_us;
} ShoalDhtItem;

ShoalDhtStore *shoal_dht_store_new      (ShoalRng *rng);
void           shoal_dht_store_free     (ShoalDhtStore *self);

/* @addr: the peer. Nothing happens if a limit forbids it. */
void           shoal_dht_store_announce (ShoalDhtStore *self, const ShoalSha1 *key,
                                         const ShoalAddr *addr, gboolean seed, gint64 now_us);
/* Up to @max peers of @key, chosen by chance; @asker: of its family, and none that it could not
 * reach. Returns: how many */
guint          shoal_dht_store_peers    (ShoalDhtStore *self, const ShoalSha1 *key,
                                         const ShoalAddr *asker, gboolean no_seeds, ShoalAddr *out,
                                         guint max);
/* BEP 33: FALSE if there are no peers. The filters have SHOAL_KRPC_BLOOM_SIZE bytes and are set
 * anew. */
gboolean       shoal_dht_store_scrape   (ShoalDhtStore *self, const ShoalSha1 *key, guint8 *seeds,
                                         guint8 *peers);
/* BEP 51: the same keys for SHOAL_DHT_SAMPLE_S; @out: SHOAL_DHT_SAMPLES of them. Returns: how
 * many */
guint          shoal_dht_store_sample   (ShoalDhtStore *self, ShoalSha1 *out, gint64 now_us);

/* BEP 44. Returns: 0 or a ShoalKrpcErrorCode */
guint          shoal_dht_store_put      (ShoalDhtStore *self, const ShoalKrpc *put,
                                         const ShoalAddr *from, gint64 now_us);
/* (nullable) */
const ShoalDhtItem *shoal_dht_store_get (ShoalDhtStore *self, const ShoalSha1 *target);

void           shoal_dht_store_expire   (ShoalDhtStore *self, gint64 now_us);
guint          shoal_dht_store_n_keys   (const ShoalDhtStore *self);
guint          shoal_dht_store_n_peers  (const ShoalDhtStore *self);
guint          shoal_dht_store_n_items  (const ShoalDhtStore *self);

G_END_DECLS
