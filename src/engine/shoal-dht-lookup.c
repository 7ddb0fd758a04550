/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lookups: a search in each family that has nodes, and the announce at its end. */

#include "shoal-dht-private.h"

#include <string.h>

/* --- Legs --- */

ShoalDhtLeg *
shoal_dht_leg_new (ShoalDhtNode    *at,
                   const ShoalSha1 *target,
                   ShoalDhtLookup  *lookup)
{
  ShoalDhtLeg *self = g_new0 (ShoalDhtLeg, 1);

  self->at = at;
  self->lookup = lookup;
  self->search = shoal_dht_search_new (target);
  shoal_node_init (&self->node);
  shoal_node_append (&at->legs, &self->node);

  return self;
}

static void
forget_calls (ShoalNode   *ring,
              ShoalDhtLeg *leg)
{
  SHOAL_NODE_FOREACH (node, ring)
    {
      ShoalDhtCall *call = SHOAL_NODE_OWNER (node, ShoalDhtCall, node);

      if (call->leg == leg)
        call->leg = NULL;
    }
}

void
shoal_dht_leg_free (ShoalDhtLeg *self)
{
  forget_calls (&self->at->fresh, self);
  forget_calls (&self->at->late, self);
  if (self->at->own == self)
    self->at->own = NULL;
  for (guint i = 0; self->lookup != NULL && i < SHOAL_N_DHT_NODES; i++)
    if (self->lookup->legs[i] == self)
      self->lookup->legs[i] = NULL;
  shoal_node_unlink (&self->node);
  shoal_dht_search_free (self->search);
  g_free (self);
}

static void
announce (ShoalDhtLeg *self)
{
  ShoalDhtLookup *lookup = self->lookup;
  const ShoalDhtCandidate *closest[SHOAL_DHT_K + SHOAL_DHT_INSECURE_K];
  guint n = shoal_dht_search_closest (self->search, closest, G_N_ELEMENTS (closest));

  for (guint i = 0; i < n; i++)
    {
      ShoalKrpc query;

      shoal_krpc_init (&query, SHOAL_KRPC_QUERY, SHOAL_KRPC_ANNOUNCE_PEER);
      query.flags = SHOAL_KRPC_HAS_TARGET | SHOAL_KRPC_HAS_PORT
                    | (lookup->implied_port ? SHOAL_KRPC_IMPLIED_PORT : 0)
                    | (lookup->seed ? SHOAL_KRPC_SEED : 0);
      query.target = lookup->key;
      query.port = lookup->port;
      query.token = (ShoalKrpcBytes){ closest[i]->token, closest[i]->token_size };
      if (shoal_dht_node_ask (self->at, &query, &closest[i]->addr, SHOAL_DHT_FOR_PROOF, NULL))
        lookup->n_told++;
    }
}

static void
leg_done (ShoalDhtLeg *self)
{
  ShoalDhtLookup *lookup = self->lookup;

  if (lookup == NULL)
    {
      self->at->n_fill = shoal_dht_table_n_buckets (self->at->table);
      self->at->tick_us = MIN (self->at->tick_us, self->at->dht->now_us + (gint64) G_USEC_PER_SEC);
      shoal_dht_leg_free (self);
      return;
    }
  if (lookup->port != 0 || lookup->implied_port)
    announce (self);
  lookup->n_asked += shoal_dht_search_n_asked (self->search);
  lookup->n_answered += shoal_dht_search_n_answered (self->search);
  shoal_dht_leg_free (self);
  for (guint i = 0; i < SHOAL_N_DHT_NODES; i++)
    if (lookup->legs[i] != NULL)
      return;
  lookup->ops->done (lookup->owner, lookup->n_asked, lookup->n_answered, lookup->n_told);
  shoal_dht_lookup_free (lookup);
}

/* Whoever announced itself to us is asked for nowhere else in a network of two. */
static void
look_at_home (ShoalDhtLookup *lookup)
{
  static const guint8 ips[SHOAL_N_DHT_NODES][16] = { { 127, 0, 0, 1 }, { [15] = 1 } };
  static const ShoalFamily families[SHOAL_N_DHT_NODES] = { SHOAL_FAMILY_IPV4, SHOAL_FAMILY_IPV6 };

  lookup->at_home = TRUE;
  for (guint i = 0; i < SHOAL_N_DHT_NODES; i++)
    {
      ShoalAddr peers[SHOAL_KRPC_VALUES_MAX];
      ShoalAddr asker = shoal_addr_make (families[i], ips[i], 1);
      guint n = shoal_dht_store_peers (lookup->dht->store, &lookup->key, &asker, lookup->seed,
                                       peers, G_N_ELEMENTS (peers));

      if (n > 0)
        lookup->ops->peers (lookup->owner, peers, n, 0);
    }
}

void
shoal_dht_leg_pump (ShoalDhtLeg *self)
{
  ShoalDhtNode *at = self->at;
  const ShoalDhtCandidate *next;

  if (self->lookup != NULL && !self->lookup->at_home)
    look_at_home (self->lookup);

  while (shoal_dht_may_ask (at->dht))
    {
      ShoalKrpc query;
      ShoalAddr to;

      next = shoal_dht_search_next (self->search);
      if (next == NULL)
        break;
      to = next->addr;
      shoal_krpc_init (&query, SHOAL_KRPC_QUERY,
                       self->lookup != NULL ? SHOAL_KRPC_GET_PEERS : SHOAL_KRPC_FIND_NODE);
      query.flags = SHOAL_KRPC_HAS_TARGET
                    | (self->lookup == NULL ? SHOAL_KRPC_WANT4 | SHOAL_KRPC_WANT6 : 0)
                    | (self->lookup != NULL && self->lookup->seed ? SHOAL_KRPC_NOSEED : 0);
      query.target = *shoal_dht_search_target (self->search);
      if (!shoal_dht_node_ask (at, &query, &to, SHOAL_DHT_FOR_LEG, self))
        {
          shoal_dht_search_failed (self->search, &to);
          shoal_dht_table_failed (at->table, &to);
        }
    }
  if (shoal_dht_search_is_done (self->search))
    leg_done (self);
  else if (!shoal_dht_may_ask (at->dht))
    at->starved = TRUE;
}

/* Nodes of one family that an answer tells of. */
static void
take_nodes (ShoalDhtLeg     *self,
            ShoalFamily      family,
            ShoalKrpcBytes   nodes,
            const ShoalAddr *from)
{
  gsize unit = family == SHOAL_FAMILY_IPV4 ? SHOAL_KRPC_NODE4_SIZE : SHOAL_KRPC_NODE6_SIZE;
  ShoalDhtNode *other = self->at->dht->nodes[family == SHOAL_FAMILY_IPV6];
  gsize size = MIN (nodes.size, 2 * SHOAL_DHT_K * unit);

  for (gsize at = 0; at < size; at += unit)
    {
      ShoalSha1 id;
      ShoalAddr addr;

      memcpy (id.bytes, nodes.data + at, SHOAL_SHA1_SIZE);
      shoal_addr_from_compact (&addr, family, nodes.data + at + SHOAL_SHA1_SIZE);
      /* An IPv4 address in the guise of an IPv6 one. */
      if (addr.family != family)
        continue;
      if (family == self->at->family)
        {
          if (shoal_dht_fits (&addr, from) && !shoal_sha1_equal (&id, &self->at->id)
              && !shoal_addr_same_ip (&addr, &self->at->external))
            shoal_dht_search_add (self->search, &id, &addr, from);
        }
      else if (shoal_addr_is_usable (&addr) && !shoal_addr_is_local (&addr)
               && shoal_dht_table_n_nodes (other->table) < SHOAL_DHT_K)
        {
          shoal_dht_node_contact (other, &addr);
        }
    }
}

/* What we announced comes back. Everybody stores the address that he sees us at, and says in the
 * same answer which one that is. */
static gboolean
is_ourselves (const ShoalDhtLookup *lookup,
              const ShoalKrpc      *krpc,
              const ShoalAddr      *peer)
{
  return shoal_addr_same_ip (peer, &krpc->ip)
         && (peer->port == lookup->port || (lookup->implied_port && peer->port == krpc->ip.port));
}

void
shoal_dht_leg_answered (ShoalDhtLeg     *self,
                        const ShoalKrpc *krpc,
                        const ShoalAddr *from)
{
  ShoalAddr peers[SHOAL_KRPC_VALUES_MAX];
  guint n_peers = 0;
  guint n_told = (guint) (from->family == SHOAL_FAMILY_IPV4
                            ? krpc->nodes4.size / SHOAL_KRPC_NODE4_SIZE
                            : krpc->nodes6.size / SHOAL_KRPC_NODE6_SIZE);
  guint hops;

  if (!shoal_dht_search_answered (self->search, from, &krpc->id, krpc->token, n_told, &hops))
    return;
  take_nodes (self, SHOAL_FAMILY_IPV4, krpc->nodes4, from);
  take_nodes (self, SHOAL_FAMILY_IPV6, krpc->nodes6, from);
  if (self->lookup == NULL)
    return;

  for (guint i = 0; i < krpc->n_values; i++)
    if (shoal_dht_fits (&krpc->values[i], from)
        && !is_ourselves (self->lookup, krpc, &krpc->values[i]))
      peers[n_peers++] = krpc->values[i];
  if (n_peers > 0)
    self->lookup->ops->peers (self->lookup->owner, peers, n_peers, hops);
}

/* --- Lookups --- */

ShoalDhtLookup *
shoal_dht_lookup (ShoalDht                *dht,
                  const ShoalSha1         *key,
                  guint16                  port,
                  gboolean                 implied_port,
                  gboolean                 seed,
                  const ShoalDhtLookupOps *ops,
                  gpointer                 owner,
                  gint64                   now_us)
{
  ShoalDhtLookup *self = NULL;

  g_return_val_if_fail (dht != NULL && key != NULL && ops != NULL, NULL);

  shoal_dht_set_now (dht, now_us);
  for (guint i = 0; i < SHOAL_N_DHT_NODES; i++)
    {
      ShoalDhtNode *at = dht->nodes[i];
      const ShoalDhtEntry *near[2 * SHOAL_DHT_K];
      guint n = shoal_dht_table_closest (at->table, key, FALSE, near, G_N_ELEMENTS (near));

      if (n == 0)
        continue;
      if (self == NULL)
        {
          self = g_new0 (ShoalDhtLookup, 1);
          self->dht = dht;
          self->key = *key;
          self->port = port;
          self->implied_port = implied_port;
          self->seed = seed;
          self->ops = ops;
          self->owner = owner;
          shoal_node_init (&self->node);
          shoal_node_append (&dht->lookups, &self->node);
        }
      self->legs[i] = shoal_dht_leg_new (at, key, self);
      for (guint j = 0; j < n; j++)
        shoal_dht_search_add (self->legs[i]->search, &near[j]->id, &near[j]->addr, NULL);
      /* The timer begins it: nothing ends inside of this call. */
      at->starved = TRUE;
      shoal_dht_node_arm (at);
    }

  return self;
}

void
shoal_dht_lookup_free (ShoalDhtLookup *self)
{
  for (guint i = 0; i < SHOAL_N_DHT_NODES; i++)
    if (self->legs[i] != NULL)
      shoal_dht_leg_free (self->legs[i]);
  shoal_node_unlink (&self->node);
  g_free (self);
}

void
shoal_dht_lookup_drop (ShoalDhtLookup *self)
{
  g_return_if_fail (self != NULL);

  shoal_dht_lookup_free (self);
}
