/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a DHT node keeps for others: announced peers and small items, within limits. */

/*
 * Keys stand in a ring, the one that was announced longest ago first, and so do items. Whoever
 * stores counts against the number that its site may store, so that one machine cannot fill the
 * store, and a full store forgets what is oldest. Tables are made when the first thing is stored:
 * most nodes of a test never store any.
 */

#include "shoal-dht-store.h"

#include <string.h>

#include "shoal-list.h"
#include "shoal-signature.h"

typedef struct
{
  ShoalAddr addr;
  gint64    seen_us;
  gboolean  seed;
} Peer;

typedef struct
{
  ShoalSha1 key;
  ShoalNode node;
  GArray   *peers;      /* of Peer */
} Key;

typedef struct
{
  ShoalDhtItem item;
  ShoalNode    node;
} Slot;

struct _ShoalDhtStore
{
  ShoalRng   *rng;
  GHashTable *keys;            /* ShoalSha1 in the Key to Key (owned) */
  GHashTable *items;           /* ShoalSha1 in the Slot to Slot (owned) */
  GHashTable *counts;          /* site (ShoalAddr, owned) to how many peers it announced */
  ShoalNode   key_ring;
  ShoalNode   item_ring;
  guint       n_peers;
  ShoalSha1   samples[SHOAL_DHT_SAMPLES];
  guint       n_samples;
  gint64      sampled_us;
  gint64      second_us;       /* signatures are counted from then on */
  guint       n_signatures;
};

static void
key_free (gpointer data)
{
  Key *key = data;

  shoal_node_unlink (&key->node);
  g_array_unref (key->peers);
  g_free (key);
}

static void
slot_free (gpointer data)
{
  Slot *slot = data;

  shoal_node_unlink (&slot->node);
  g_bytes_unref (slot->item.value);
  g_free (slot);
}

ShoalDhtStore *
shoal_dht_store_new (ShoalRng *rng)
{
  ShoalDhtStore *self = g_new0 (ShoalDhtStore, 1);

  self->rng = rng;
  shoal_node_init (&self->key_ring);
  shoal_node_init (&self->item_ring);
  self->sampled_us = G_MININT64 / 2;
  self->second_us = G_MININT64 / 2;

  return self;
}

void
shoal_dht_store_free (ShoalDhtStore *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->keys, g_hash_table_unref);
  g_clear_pointer (&self->items, g_hash_table_unref);
  g_clear_pointer (&self->counts, g_hash_table_unref);
  g_free (self);
}

/* --- Peers --- */

static guint
count_of (ShoalDhtStore   *self,
          const ShoalAddr *addr)
{
  ShoalAddr site = shoal_addr_site (addr);

  return GPOINTER_TO_UINT (g_hash_table_lookup (self->counts, &site));
}

static void
count (ShoalDhtStore   *self,
       const ShoalAddr *addr,
       gboolean         more)
{
  ShoalAddr site = shoal_addr_site (addr);
  guint n = count_of (self, addr);

  n = more ? n + 1 : n - 1;
  self->n_peers = more ? self->n_peers + 1 : self->n_peers - 1;
  if (n == 0)
    g_hash_table_remove (self->counts, &site);
  else
    g_hash_table_replace (self->counts, g_memdup2 (&site, sizeof site), GUINT_TO_POINTER (n));
}

static void
remove_peer (ShoalDhtStore *self,
             Key           *key,
             guint          index)
{
  count (self, &g_array_index (key->peers, Peer, index).addr, FALSE);
  g_array_remove_index (key->peers, index);
}

static void
remove_key (ShoalDhtStore *self,
            Key           *key)
{
  while (key->peers->len > 0)
    remove_peer (self, key, key->peers->len - 1);
  g_hash_table_remove (self->keys, &key->key);
}

static void
remove_oldest_key (ShoalDhtStore *self)
{
  remove_key (self, SHOAL_NODE_OWNER (self->key_ring.next, Key, node));
}

static Key *
find_key (ShoalDhtStore   *self,
          const ShoalSha1 *key)
{
  return self->keys != NULL ? g_hash_table_lookup (self->keys, key) : NULL;
}

static Key *
add_key (ShoalDhtStore   *self,
         const ShoalSha1 *name)
{
  Key *key;

  if (self->keys == NULL)
    {
      self->keys = g_hash_table_new_full (shoal_sha1_hash, shoal_sha1_equal, NULL, key_free);
      self->counts = g_hash_table_new_full (shoal_addr_hash, shoal_addr_equal, g_free, NULL);
    }
  if (g_hash_table_size (self->keys) >= SHOAL_DHT_KEYS_MAX)
    remove_oldest_key (self);
  key = g_new0 (Key, 1);
  key->key = *name;
  key->peers = g_array_new (FALSE, FALSE, sizeof (Peer));
  shoal_node_init (&key->node);
  g_hash_table_insert (self->keys, &key->key, key);

  return key;
}

void
shoal_dht_store_announce (ShoalDhtStore   *self,
                          const ShoalSha1 *name,
                          const ShoalAddr *addr,
                          gboolean         seed,
                          gint64           now_us)
{
  Key *key = find_key (self, name);
  Peer peer = { *addr, now_us, seed };

  /* One that is known moves to the end: the oldest stay in front. */
  for (guint i = 0; key != NULL && i < key->peers->len; i++)
    if (shoal_addr_equal (&g_array_index (key->peers, Peer, i).addr, addr))
      {
        g_array_remove_index (key->peers, i);
        g_array_append_val (key->peers, peer);
        shoal_node_append (&self->key_ring, &key->node);
        return;
      }
  if (self->counts != NULL && count_of (self, addr) >= SHOAL_DHT_IP_PEERS_MAX
      && !shoal_addr_is_loopback (addr))
    return;
  if (self->n_peers >= SHOAL_DHT_ALL_PEERS_MAX)
    {
      remove_oldest_key (self);
      key = find_key (self, name);
    }
  if (key == NULL)
    key = add_key (self, name);
  if (key->peers->len >= SHOAL_DHT_PEERS_MAX)
    remove_peer (self, key, 0);
  count (self, addr, TRUE);
  g_array_append_val (key->peers, peer);
  shoal_node_append (&self->key_ring, &key->node);
}

guint
shoal_dht_store_peers (ShoalDhtStore   *self,
                       const ShoalSha1 *name,
                       const ShoalAddr *asker,
                       gboolean         no_seeds,
                       ShoalAddr       *out,
                       guint            max)
{
  Key *key = find_key (self, name);
  guint n = 0;
  guint n_fit = 0;

  for (guint i = 0; key != NULL && i < key->peers->len; i++)
    {
      const Peer *peer = &g_array_index (key->peers, Peer, i);
      guint place;

      if (peer->addr.family != asker->family || (no_seeds && peer->seed))
        continue;
      if (shoal_addr_is_local (&peer->addr) && !shoal_addr_is_local (asker))
        continue;
      if (shoal_addr_is_loopback (&peer->addr) && !shoal_addr_is_loopback (asker))
        continue;
      /* Each that fits ends up among those given with the same chance. */
      place = n_fit++ < max ? n++ : shoal_rng_below (self->rng, n_fit);
      if (place < max)
        out[place] = peer->addr;
    }

  return n;
}

gboolean
shoal_dht_store_scrape (ShoalDhtStore   *self,
                        const ShoalSha1 *name,
                        guint8          *seeds,
                        guint8          *peers)
{
  Key *key = find_key (self, name);

  memset (seeds, 0, SHOAL_KRPC_BLOOM_SIZE);
  memset (peers, 0, SHOAL_KRPC_BLOOM_SIZE);
  if (key == NULL)
    return FALSE;
  for (guint i = 0; i < key->peers->len; i++)
    {
      const Peer *peer = &g_array_index (key->peers, Peer, i);

      shoal_krpc_bloom_add (peer->seed ? seeds : peers, &peer->addr);
    }

  return TRUE;
}

guint
shoal_dht_store_sample (ShoalDhtStore *self,
                        ShoalSha1     *out,
                        gint64         now_us)
{
  GHashTableIter iter;
  gpointer name;
  guint n_seen = 0;

  if (self->keys == NULL)
    return 0;
  if (self->n_samples == 0
      || now_us - self->sampled_us >= SHOAL_DHT_SAMPLE_S * (gint64) G_USEC_PER_SEC)
    {
      self->sampled_us = now_us;
      self->n_samples = 0;
      g_hash_table_iter_init (&iter, self->keys);
      while (g_hash_table_iter_next (&iter, &name, NULL))
        {
          guint place = n_seen++ < SHOAL_DHT_SAMPLES ? self->n_samples++
                                                     : shoal_rng_below (self->rng, n_seen);

          if (place < SHOAL_DHT_SAMPLES)
            self->samples[place] = *(ShoalSha1 *) name;
        }
    }
  memcpy (out, self->samples, self->n_samples * sizeof *out);

  return self->n_samples;
}

/* --- Items --- */

static void
remove_item (ShoalDhtStore *self,
             Slot          *slot)
{
  g_hash_table_remove (self->items, &slot->item.target);
}

/* Room for an item of @from: if it has its share already, its own oldest goes. */
static void
make_item_room (ShoalDhtStore   *self,
                const ShoalAddr *from)
{
  ShoalAddr site = shoal_addr_site (from);
  Slot *oldest = NULL;
  guint n = 0;

  SHOAL_NODE_FOREACH (node, &self->item_ring)
    {
      Slot *slot = SHOAL_NODE_OWNER (node, Slot, node);

      if (!shoal_addr_equal (&slot->item.from, &site))
        continue;
      oldest = oldest != NULL ? oldest : slot;
      n++;
    }
  if (n >= SHOAL_DHT_IP_ITEMS_MAX && !shoal_addr_is_loopback (from))
    remove_item (self, oldest);
  else if (g_hash_table_size (self->items) >= SHOAL_DHT_ITEMS_MAX)
    remove_item (self, SHOAL_NODE_OWNER (self->item_ring.next, Slot, node));
}

static gboolean
is_signed (const ShoalKrpc *put)
{
  g_auto (ShoalWriter) covered = { 0 };

  shoal_krpc_write_signed (&covered, put);

  return shoal_signature_is_good (put->key.data, put->signature.data, covered.data, covered.size);
}

/* Whether a mutable item may be put, in the place of @known or as a new one. */
static guint
judge (ShoalDhtStore   *self,
       const ShoalKrpc *put,
       const Slot      *known,
       gint64           now_us)
{
  if (known != NULL && (put->flags & SHOAL_KRPC_HAS_CAS) != 0 && put->cas != known->item.seq)
    return SHOAL_KRPC_ERROR_CAS;
  if (known != NULL && put->seq < known->item.seq)
    return SHOAL_KRPC_ERROR_SEQ;
  if (known != NULL && put->seq == known->item.seq
      && (g_bytes_get_size (known->item.value) != put->value.size
          || memcmp (g_bytes_get_data (known->item.value, NULL), put->value.data, put->value.size)
               != 0))
    return SHOAL_KRPC_ERROR_SEQ;
  if (now_us - self->second_us >= (gint64) G_USEC_PER_SEC)
    {
      self->second_us = now_us;
      self->n_signatures = 0;
    }
  if (self->n_signatures >= SHOAL_DHT_SIGNATURES_MAX)
    return SHOAL_KRPC_ERROR_SERVER;
  self->n_signatures++;

  return is_signed (put) ? 0 : SHOAL_KRPC_ERROR_SIGNATURE;
}

guint
shoal_dht_store_put (ShoalDhtStore   *self,
                     const ShoalKrpc *put,
                     const ShoalAddr *from,
                     gint64           now_us)
{
  gboolean is_mutable = put->key.data != NULL;
  ShoalSha1 target;
  Slot *slot;
  guint error;

  if (put->value.size > SHOAL_KRPC_ITEM_MAX)
    return SHOAL_KRPC_ERROR_TOO_BIG;
  if (put->salt.size > SHOAL_KRPC_SALT_MAX)
    return SHOAL_KRPC_ERROR_SALT;
  if (self->items == NULL)
    self->items = g_hash_table_new_full (shoal_sha1_hash, shoal_sha1_equal, NULL, slot_free);
  shoal_krpc_item_target (put, &target);
  slot = g_hash_table_lookup (self->items, &target);
  error = is_mutable ? judge (self, put, slot, now_us) : 0;
  if (error != 0)
    return error;

  if (slot == NULL)
    {
      make_item_room (self, from);
      slot = g_new0 (Slot, 1);
      slot->item.target = target;
      slot->item.is_mutable = is_mutable;
      slot->item.from = shoal_addr_site (from);
      shoal_node_init (&slot->node);
      g_hash_table_insert (self->items, &slot->item.target, slot);
    }
  g_clear_pointer (&slot->item.value, g_bytes_unref);
  slot->item.value = g_bytes_new (put->value.data, put->value.size);
  slot->item.touched_us = now_us;
  if (is_mutable)
    {
      memcpy (slot->item.key, put->key.data, sizeof slot->item.key);
      memcpy (slot->item.signature, put->signature.data, sizeof slot->item.signature);
      slot->item.seq = put->seq;
    }
  shoal_node_append (&self->item_ring, &slot->node);

  return 0;
}

const ShoalDhtItem *
shoal_dht_store_get (ShoalDhtStore   *self,
                     const ShoalSha1 *target)
{
  Slot *slot = self->items != NULL ? g_hash_table_lookup (self->items, target) : NULL;

  return slot != NULL ? &slot->item : NULL;
}

/* --- Age --- */

void
shoal_dht_store_expire (ShoalDhtStore *self,
                        gint64         now_us)
{
  SHOAL_NODE_FOREACH (node, &self->key_ring)
    {
      Key *key = SHOAL_NODE_OWNER (node, Key, node);

      while (key->peers->len > 0
             && g_array_index (key->peers, Peer, 0).seen_us + SHOAL_DHT_PEER_US <= now_us)
        remove_peer (self, key, 0);
      if (key->peers->len == 0)
        remove_key (self, key);
    }
  SHOAL_NODE_FOREACH (node, &self->item_ring)
    {
      Slot *slot = SHOAL_NODE_OWNER (node, Slot, node);

      if (slot->item.touched_us + SHOAL_DHT_ITEM_US > now_us)
        break;
      remove_item (self, slot);
    }
}

guint
shoal_dht_store_n_keys (const ShoalDhtStore *self)
{
  return self->keys != NULL ? g_hash_table_size (self->keys) : 0;
}

guint
shoal_dht_store_n_peers (const ShoalDhtStore *self)
{
  return self->n_peers;
}

guint
shoal_dht_store_n_items (const ShoalDhtStore *self)
{
  return self->items != NULL ? g_hash_table_size (self->items) : 0;
}
