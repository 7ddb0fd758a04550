/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A DHT node of one address family: questions under way, its table, its neighbourhood. */

/*
 * Every question stands in one of two rings, each in the order of sending: fresh, and late once its
 * answer is not waited for any more before others are asked. So one timer is enough for all of
 * them, for the pace and for the tick.
 *
 * The table lives by answers alone: who only asks us, or is only told of, has to answer a question
 * first. Each tick asks the node that was not heard of for the longest time, for nodes of its own
 * bucket: that keeps both up to date.
 */

#include "shoal-dht-private.h"

#include <string.h>

#define SECOND_US        ((gint64) G_USEC_PER_SEC)
#define BOOT_FIRST_US    (3 * SECOND_US)     /* between attempts to find anybody; doubled up to */
#define BOOT_LAST_US     (300 * SECOND_US)
#define BOOT_CONTACTS    16u                 /* tried in one attempt */
#define PROOF_US         (SECOND_US / 4)     /* strangers that ask us are asked back so often */
#define FILL_US          SECOND_US           /* between questions that fill buckets */
#define LEARNED_MAX      8u                  /* nodes of one answer that are tried for the table */

static const guint8 our_version[] = { 'S', 'H', 0, 1 };

static void on_timer (gpointer owner, gint64 now_us);

ShoalDhtNode *
shoal_dht_node_new (ShoalDht   *dht,
                    ShoalFamily family)
{
  ShoalDhtNode *self = g_new0 (ShoalDhtNode, 1);

  self->dht = dht;
  self->family = family;
  dht->host->ops->random (dht->host, self->id.bytes, sizeof self->id.bytes);
  self->table = shoal_dht_table_new (&self->id);
  self->calls = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, g_free);
  shoal_node_init (&self->fresh);
  shoal_node_init (&self->late);
  shoal_node_init (&self->legs);
  self->contacts = g_array_new (FALSE, FALSE, sizeof (ShoalAddr));
  self->boot_wait_us = BOOT_FIRST_US;
  self->tick_us = SHOAL_NEVER;
  shoal_timer_init (&self->timer, on_timer, self);

  return self;
}

void
shoal_dht_node_free (ShoalDhtNode *self)
{
  while (shoal_node_is_linked (&self->legs))
    shoal_dht_leg_free (SHOAL_NODE_OWNER (self->legs.next, ShoalDhtLeg, node));
  shoal_timers_disarm (self->dht->timers, &self->timer);
  g_hash_table_unref (self->calls);
  shoal_dht_table_free (self->table);
  g_array_unref (self->contacts);
  g_free (self);
}

void
shoal_dht_node_set_id (ShoalDhtNode    *self,
                       const ShoalSha1 *id)
{
  self->id = *id;
  shoal_dht_table_set_id (self->table, id);
  /* Its neighbours are others now. */
  g_clear_pointer (&self->own, shoal_dht_leg_free);
  self->refresh_us = self->dht->now_us;
}

/* --- Asking --- */

gboolean
shoal_dht_node_ask (ShoalDhtNode    *self,
                    ShoalKrpc       *query,
                    const ShoalAddr *to,
                    ShoalDhtPurpose  purpose,
                    ShoalDhtLeg     *leg)
{
  ShoalDht *dht = self->dht;
  ShoalDhtCall *call;
  guint32 transaction;

  do
    transaction = (guint32) shoal_rng_next (dht->rng);
  while (g_hash_table_contains (self->calls, GUINT_TO_POINTER (transaction)));
  query->flags |= SHOAL_KRPC_HAS_ID | (dht->read_only ? SHOAL_KRPC_READ_ONLY : 0);
  query->id = self->id;
  query->transaction = (ShoalKrpcBytes){ (const guint8 *) &transaction, sizeof transaction };
  query->version = (ShoalKrpcBytes){ our_version, sizeof our_version };
  dht->packet.size = 0;
  shoal_krpc_write (query, &dht->packet);
  query->transaction = (ShoalKrpcBytes){ NULL, 0 };   /* it borrowed from this call */
  dht->pace_us = MAX (dht->pace_us, dht->now_us) + SECOND_US / SHOAL_DHT_ASKED_PER_S;
  if (dht->host->ops->send (dht->host, to, dht->packet.data, dht->packet.size, 0, 0)
      != SHOAL_SEND_SENT)
    return FALSE;

  call = g_new0 (ShoalDhtCall, 1);
  shoal_node_init (&call->node);
  call->transaction = transaction;
  call->to = *to;
  call->sent_us = dht->now_us;
  call->purpose = purpose;
  call->leg = leg;
  g_hash_table_insert (self->calls, GUINT_TO_POINTER (transaction), call);
  shoal_node_append (&self->fresh, &call->node);
  shoal_dht_table_asked (self->table, to, shoal_dht_seconds (dht));

  return TRUE;
}

static void
end_call (ShoalDhtNode *self,
          ShoalDhtCall *call)
{
  shoal_node_unlink (&call->node);
  g_hash_table_remove (self->calls, GUINT_TO_POINTER (call->transaction));
}

static void
ask_for_proof (ShoalDhtNode    *self,
               const ShoalAddr *addr)
{
  ShoalKrpc query;

  shoal_krpc_init (&query, SHOAL_KRPC_QUERY, SHOAL_KRPC_PING);
  shoal_dht_node_ask (self, &query, addr, SHOAL_DHT_FOR_PROOF, NULL);
}

/* Asks a node for others of a bucket. */
static void
refresh (ShoalDhtNode    *self,
         const ShoalAddr *addr,
         guint            bucket,
         const ShoalSha1 *random)
{
  ShoalAddr to = *addr;
  ShoalKrpc query;

  shoal_krpc_init (&query, SHOAL_KRPC_QUERY, SHOAL_KRPC_FIND_NODE);
  query.target = *random;
  shoal_node_id_beside (&query.target, &self->id, bucket);
  query.flags = SHOAL_KRPC_HAS_TARGET;
  if (!shoal_dht_node_ask (self, &query, &to, SHOAL_DHT_FOR_TABLE, NULL))
    shoal_dht_table_failed (self->table, &to);
}

/* The neighbours are known; one bucket after the other is filled by asking somebody who is in it,
 * or near it. */
static void
fill (ShoalDhtNode *self)
{
  const ShoalDhtEntry *near;
  ShoalSha1 target;

  self->n_fill--;
  shoal_rng_bytes (self->dht->rng, target.bytes, sizeof target.bytes);
  shoal_node_id_beside (&target, &self->id, self->n_fill);
  if (shoal_dht_table_closest (self->table, &target, TRUE, &near, 1) > 0)
    refresh (self, &near->addr, self->n_fill, &target);
}

static void
keep_fresh (ShoalDhtNode        *self,
            const ShoalDhtEntry *stalest)
{
  ShoalSha1 target;

  shoal_rng_bytes (self->dht->rng, target.bytes, sizeof target.bytes);
  refresh (self, &stalest->addr, shoal_node_id_shared (&self->id, &stalest->id), &target);
}

/* --- Its place --- */

void
shoal_dht_node_contact (ShoalDhtNode    *self,
                        const ShoalAddr *addr)
{
  if (shoal_dht_table_n_good (self->table) >= SHOAL_DHT_K)
    {
      if (self->dht->now_us < self->proof_us || !shoal_dht_may_ask (self->dht))
        return;
      self->proof_us = self->dht->now_us + PROOF_US;
      ask_for_proof (self, addr);
      shoal_dht_node_arm (self);
      return;
    }
  if (self->contacts->len >= SHOAL_DHT_CONTACTS_MAX)
    return;
  for (guint i = 0; i < self->contacts->len; i++)
    if (shoal_addr_equal (&g_array_index (self->contacts, ShoalAddr, i), addr))
      return;
  g_array_append_val (self->contacts, *addr);
  self->boot_wait_us = BOOT_FIRST_US;
  self->boot_us = MIN (self->boot_us, self->dht->now_us + SECOND_US / 10);
  self->tick_us = MIN (self->tick_us, self->boot_us);
  shoal_dht_node_arm (self);
}

void
shoal_dht_node_wake (ShoalDhtNode *self)
{
  self->boot_us = self->dht->now_us;
  self->boot_wait_us = BOOT_FIRST_US;
  self->tick_us = self->dht->now_us;
  shoal_dht_node_arm (self);
}

/* Looks for its own id, beginning with whom it knows. */
static void
look_around (ShoalDhtNode *self)
{
  const ShoalDhtEntry *near[SHOAL_DHT_K];
  guint n = shoal_dht_table_closest (self->table, &self->id, FALSE, near, SHOAL_DHT_K);
  guint n_contacts = MIN (self->contacts->len, BOOT_CONTACTS);

  self->own = shoal_dht_leg_new (self, &self->id, NULL);
  self->refresh_us = self->dht->now_us + SHOAL_DHT_REFRESH_US * 3 / 4
                     + shoal_rng_below (self->dht->rng, SHOAL_DHT_REFRESH_US / 2);
  for (guint i = 0; i < n; i++)
    shoal_dht_search_add (self->own->search, &near[i]->id, &near[i]->addr, NULL);
  for (guint i = 0; i < n_contacts; i++)
    shoal_dht_search_add (self->own->search, NULL, &g_array_index (self->contacts, ShoalAddr, i),
                          NULL);
  if (n_contacts > 0)
    g_array_remove_range (self->contacts, 0, n_contacts);
  else if (n < SHOAL_DHT_K)
    for (guint i = 0; i < self->dht->router_addrs->len; i++)
      {
        const ShoalAddr *router = &g_array_index (self->dht->router_addrs, ShoalAddr, i);

        if (router->family == self->family)
          shoal_dht_search_add (self->own->search, NULL, router, NULL);
      }
}

static void
tick (ShoalDhtNode *self)
{
  ShoalDht *dht = self->dht;
  guint n_good = shoal_dht_table_n_good (self->table);
  const ShoalDhtEntry *stalest = shoal_dht_table_stalest (self->table);
  guint32 now_s = shoal_dht_seconds (dht);

  self->ready = n_good > 0;
  self->tick_us = dht->now_us + SHOAL_DHT_TICK_US * 3 / 4
                  + shoal_rng_below (dht->rng, SHOAL_DHT_TICK_US / 2);
  if (self->own == NULL && n_good < SHOAL_DHT_K && dht->now_us >= self->boot_us)
    {
      if (self->contacts->len == 0 && dht->router_addrs->len == 0
          && shoal_dht_look_up_routers (dht))
        return;
      self->boot_us = dht->now_us + self->boot_wait_us;
      self->boot_wait_us = MIN (self->boot_wait_us * 2, BOOT_LAST_US);
      look_around (self);
    }
  else if (self->own == NULL && n_good >= SHOAL_DHT_K && dht->now_us >= self->refresh_us)
    {
      look_around (self);
    }
  if (self->n_fill > 0 && self->own == NULL && shoal_dht_may_ask (dht))
    fill (self);
  else if (stalest != NULL && MAX (stalest->seen_s, stalest->asked_s) + SHOAL_DHT_STALE_S <= now_s
           && shoal_dht_may_ask (dht))
    keep_fresh (self, stalest);
  if (self->n_fill > 0)
    self->tick_us = MIN (self->tick_us, dht->now_us + FILL_US);
  /* Nobody at all is known and nobody can be asked: nothing to do until there is a contact. */
  if (n_good < SHOAL_DHT_K)
    self->tick_us = MIN (self->tick_us, MAX (self->boot_us, dht->now_us + SECOND_US));
  if (n_good == 0 && stalest == NULL && self->contacts->len == 0 && dht->routers->len == 0
      && dht->router_addrs->len == 0)
    self->tick_us = SHOAL_NEVER;
  if (dht->now_us >= dht->expire_us)
    {
      dht->expire_us = dht->now_us + 60 * SECOND_US;
      shoal_dht_store_expire (dht->store, dht->now_us);
    }
}

/* --- The timer --- */

void
shoal_dht_node_arm (ShoalDhtNode *self)
{
  gint64 next_us = self->tick_us;

  if (shoal_node_is_linked (&self->fresh))
    next_us = MIN (next_us, SHOAL_NODE_OWNER (self->fresh.next, ShoalDhtCall, node)->sent_us
                              + SHOAL_DHT_LATE_US);
  if (shoal_node_is_linked (&self->late))
    next_us = MIN (next_us, SHOAL_NODE_OWNER (self->late.next, ShoalDhtCall, node)->sent_us
                              + SHOAL_DHT_TIMEOUT_US);
  if (self->starved)
    next_us = MIN (next_us,
                   MAX (self->dht->pace_us - SHOAL_DHT_BURST * SECOND_US / SHOAL_DHT_ASKED_PER_S,
                        self->dht->now_us + 1));
  if (next_us == SHOAL_NEVER)
    shoal_timers_disarm (self->dht->timers, &self->timer);
  else
    shoal_timers_arm (self->dht->timers, &self->timer, next_us);
}

static void
expire_calls (ShoalDhtNode *self)
{
  gint64 now_us = self->dht->now_us;

  while (shoal_node_is_linked (&self->fresh))
    {
      ShoalDhtCall *call = SHOAL_NODE_OWNER (self->fresh.next, ShoalDhtCall, node);

      if (call->sent_us + SHOAL_DHT_LATE_US > now_us)
        break;
      shoal_node_append (&self->late, &call->node);
      if (call->leg != NULL)
        shoal_dht_search_late (call->leg->search, &call->to);
    }
  while (shoal_node_is_linked (&self->late))
    {
      ShoalDhtCall *call = SHOAL_NODE_OWNER (self->late.next, ShoalDhtCall, node);

      if (call->sent_us + SHOAL_DHT_TIMEOUT_US > now_us)
        break;
      shoal_dht_table_failed (self->table, &call->to);
      if (call->leg != NULL)
        shoal_dht_search_failed (call->leg->search, &call->to);
      end_call (self, call);
    }
}

static void
on_timer (gpointer owner,
          gint64   now_us)
{
  ShoalDhtNode *self = owner;
  ShoalNode legs;

  shoal_dht_set_now (self->dht, now_us);
  expire_calls (self);
  if (now_us >= self->tick_us)
    tick (self);
  self->starved = FALSE;
  /* Each in turn gives its place to the next, so that none waits for the pace for ever; one may
   * end, and begin others. */
  shoal_node_init (&legs);
  while (shoal_node_is_linked (&self->legs))
    shoal_node_append (&legs, self->legs.next);
  while (shoal_node_is_linked (&legs))
    {
      ShoalDhtLeg *leg = SHOAL_NODE_OWNER (legs.next, ShoalDhtLeg, node);

      shoal_node_append (&self->legs, &leg->node);
      shoal_dht_leg_pump (leg);
    }
  shoal_dht_node_arm (self);
}

/* --- What others say --- */

/* How others see us: once enough of them agree, the id is one that belongs to the address. */
static void
vote (ShoalDhtNode    *self,
      const ShoalAddr *voter,
      const ShoalAddr *seen)
{
  ShoalDht *dht = self->dht;
  ShoalAddr external = *seen;
  guint n = 0;

  external.port = 0;
  if (seen->family != self->family || shoal_addr_is_local (seen) || shoal_addr_is_local (voter))
    return;
  for (guint i = 0; i < MIN (self->n_votes, SHOAL_DHT_VOTES); i++)
    if (shoal_addr_same_site (&self->voters[i], voter))
      return;
  self->votes[self->n_votes % SHOAL_DHT_VOTES] = external;
  self->voters[self->n_votes % SHOAL_DHT_VOTES] = *voter;
  self->n_votes++;
  for (guint i = 0; i < MIN (self->n_votes, SHOAL_DHT_VOTES); i++)
    n += shoal_addr_same_ip (&self->votes[i], &external) ? 1 : 0;
  if (n < SHOAL_DHT_VOTES_MIN || 2 * n <= MIN (self->n_votes, SHOAL_DHT_VOTES)
      || shoal_addr_same_ip (&self->external, &external))
    return;

  self->external = external;
  if (!shoal_node_id_is_secure (&self->id, &external))
    {
      ShoalSha1 id;

      dht->host->ops->random (dht->host, id.bytes, sizeof id.bytes);
      shoal_node_id_secure (&id, &external);
      shoal_dht_node_set_id (self, &id);
      self->tick_us = dht->now_us;
    }
  if (dht->ops->external != NULL)
    dht->ops->external (dht->owner, &external);
}

/* Nodes of an answer that nobody searched for: those that the table has room for are tried. */
static void
learn (ShoalDhtNode    *self,
       const ShoalKrpc *krpc,
       const ShoalAddr *from)
{
  gboolean is_ipv4 = self->family == SHOAL_FAMILY_IPV4;
  ShoalKrpcBytes nodes = is_ipv4 ? krpc->nodes4 : krpc->nodes6;
  gsize unit = is_ipv4 ? SHOAL_KRPC_NODE4_SIZE : SHOAL_KRPC_NODE6_SIZE;
  guint n_tried = 0;

  for (gsize at = 0; at < nodes.size && n_tried < LEARNED_MAX && shoal_dht_may_ask (self->dht);
       at += unit)
    {
      ShoalSha1 id;
      ShoalAddr addr;

      memcpy (id.bytes, nodes.data + at, SHOAL_SHA1_SIZE);
      shoal_addr_from_compact (&addr, self->family, nodes.data + at + SHOAL_SHA1_SIZE);
      if (addr.family != self->family || !shoal_dht_fits (&addr, from)
          || !shoal_dht_table_wants (self->table, &id, &addr))
        continue;
      ask_for_proof (self, &addr);
      n_tried++;
    }
}

void
shoal_dht_node_told (ShoalDhtNode    *self,
                     const ShoalKrpc *krpc,
                     const ShoalAddr *from)
{
  ShoalDht *dht = self->dht;
  ShoalDhtCall *call = NULL;
  ShoalDhtPurpose purpose;
  ShoalDhtLeg *leg;
  guint32 transaction;

  if (krpc->transaction.size == sizeof transaction)
    {
      memcpy (&transaction, krpc->transaction.data, sizeof transaction);
      call = g_hash_table_lookup (self->calls, GUINT_TO_POINTER (transaction));
    }
  if (call == NULL || !shoal_addr_equal (&call->to, from))
    return;
  purpose = call->purpose;
  leg = call->leg;
  end_call (self, call);

  /* With our own id it is we ourselves, told of by one that we had before: what we announce is of
   * no use here. */
  if (krpc->type == SHOAL_KRPC_ERROR || shoal_sha1_equal (&krpc->id, &self->id))
    {
      if (leg != NULL)
        shoal_dht_search_failed (leg->search, from);
    }
  else
    {
      if (shoal_addr_is_local (from) || !shoal_dht_is_router (dht, from))
        shoal_dht_table_answered (self->table, &krpc->id, from, shoal_dht_seconds (dht));
      if (purpose == SHOAL_DHT_FOR_TABLE)
        learn (self, krpc, from);
      if (leg != NULL)
        shoal_dht_leg_answered (leg, krpc, from);
    }
  if (leg != NULL)
    shoal_dht_leg_pump (leg);
  /* May end the lookup of the old id: the leg is not touched any more. */
  if (krpc->type == SHOAL_KRPC_ANSWER)
    vote (self, from, &krpc->ip);
  if (!self->ready && shoal_dht_table_n_good (self->table) > 0)
    {
      self->ready = TRUE;
      self->tick_us = MIN (self->tick_us, dht->now_us + SHOAL_DHT_TICK_US);
      if (dht->ops->ready != NULL)
        dht->ops->ready (dht->owner);
    }
  shoal_dht_node_arm (self);
}

void
shoal_dht_node_heard (ShoalDhtNode    *self,
                      const ShoalKrpc *query,
                      const ShoalAddr *from)
{
  ShoalDht *dht = self->dht;

  if ((query->flags & (SHOAL_KRPC_HAS_ID | SHOAL_KRPC_READ_ONLY)) != SHOAL_KRPC_HAS_ID
      || !shoal_addr_is_usable (from))
    return;
  if (dht->now_us >= self->proof_us && shoal_dht_may_ask (dht)
      && shoal_dht_table_wants (self->table, &query->id, from))
    {
      self->proof_us = dht->now_us + PROOF_US;
      ask_for_proof (self, from);
      shoal_dht_node_arm (self);
    }
  else
    {
      shoal_dht_table_heard (self->table, &query->id, from);
    }
}
