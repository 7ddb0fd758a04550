/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The DHT: a node for IPv4 and one for IPv6, asked for peers and answering others. */

/*
 * Two nodes share one store, one pace and one pair of secrets. Everything happens inside of a call
 * from the engine or of a timer, at one moment in time; datagrams go out through the host.
 *
 * Whom to believe: an address of the own machine or network is taken only from somebody there, so
 * that nobody far away can have us send anything into the house.
 */

#include "shoal-dht-private.h"

#include <string.h>

#define SECOND_US        ((gint64) G_USEC_PER_SEC)
#define ROUTER_US        (300 * SECOND_US)    /* names of routers are looked up so often at most */
#define ROUTER_ADDRS_MAX 64u

static const ShoalFamily families[SHOAL_N_DHT_NODES] = { SHOAL_FAMILY_IPV4, SHOAL_FAMILY_IPV6 };

static void
router_free (gpointer data)
{
  ShoalDhtRouter *router = data;

  if (router->lookup != NULL)
    g_clear_pointer (&router->lookup->done.owner, g_free);
  g_clear_pointer (&router->host, g_free);
  g_free (router);
}

ShoalDht *
shoal_dht_new (ShoalHost         *host,
               ShoalTimers       *timers,
               ShoalRng          *rng,
               const ShoalDhtOps *ops,
               gpointer           owner,
               gint64             now_us)
{
  ShoalDht *self;

  g_return_val_if_fail (host != NULL && timers != NULL && rng != NULL && ops != NULL, NULL);

  self = g_new0 (ShoalDht, 1);
  self->host = host;
  self->timers = timers;
  self->rng = rng;
  self->ops = ops;
  self->owner = owner;
  self->now_us = now_us;
  self->pace_us = now_us;
  self->secret_us = now_us;
  self->second_us = now_us;
  self->expire_us = now_us;
  host->ops->random (host, (guint8 *) self->secrets, sizeof self->secrets);
  host->ops->random (host, (guint8 *) &self->ip_salt, sizeof self->ip_salt);
  shoal_node_init (&self->lookups);
  self->store = shoal_dht_store_new (rng);
  self->routers = g_ptr_array_new_with_free_func (router_free);
  self->router_addrs = g_array_new (FALSE, FALSE, sizeof (ShoalAddr));
  for (guint i = 0; i < SHOAL_N_DHT_NODES; i++)
    self->nodes[i] = shoal_dht_node_new (self, families[i]);

  return self;
}

void
shoal_dht_free (ShoalDht *self)
{
  if (self == NULL)
    return;

  while (shoal_node_is_linked (&self->lookups))
    shoal_dht_lookup_free (SHOAL_NODE_OWNER (self->lookups.next, ShoalDhtLookup, node));
  for (guint i = 0; i < SHOAL_N_DHT_NODES; i++)
    shoal_dht_node_free (self->nodes[i]);
  g_ptr_array_unref (self->routers);
  g_array_unref (self->router_addrs);
  shoal_dht_store_free (self->store);
  shoal_writer_clear (&self->packet);
  g_free (self);
}

/* --- What its parts share --- */

void
shoal_dht_set_now (ShoalDht *self,
                   gint64    now_us)
{
  self->now_us = MAX (self->now_us, now_us);
}

gboolean
shoal_dht_may_ask (const ShoalDht *self)
{
  return self->pace_us - self->now_us < SHOAL_DHT_BURST * SECOND_US / SHOAL_DHT_ASKED_PER_S;
}

gboolean
shoal_dht_fits (const ShoalAddr *addr,
                const ShoalAddr *teller)
{
  if (!shoal_addr_is_usable (addr))
    return FALSE;
  if (shoal_addr_is_loopback (addr))
    return shoal_addr_is_loopback (teller);

  return !shoal_addr_is_local (addr) || shoal_addr_is_local (teller);
}

static ShoalDhtNode *
node_for (ShoalDht        *self,
          const ShoalAddr *addr)
{
  return self->nodes[addr->family == SHOAL_FAMILY_IPV6];
}

/* --- Contacts and routers --- */

void
shoal_dht_add_contact (ShoalDht        *self,
                       const ShoalAddr *addr,
                       gint64           now_us)
{
  g_return_if_fail (self != NULL && addr != NULL);

  shoal_dht_set_now (self, now_us);
  if (shoal_addr_is_usable (addr))
    shoal_dht_node_contact (node_for (self, addr), addr);
}

gboolean
shoal_dht_is_router (const ShoalDht  *self,
                     const ShoalAddr *addr)
{
  for (guint i = 0; i < self->router_addrs->len; i++)
    if (shoal_addr_equal (&g_array_index (self->router_addrs, ShoalAddr, i), addr))
      return TRUE;

  return FALSE;
}

static void
add_router_addr (ShoalDht        *self,
                 const ShoalAddr *addr)
{
  if (!shoal_addr_is_usable (addr) || shoal_dht_is_router (self, addr)
      || self->router_addrs->len >= ROUTER_ADDRS_MAX)
    return;
  g_array_append_val (self->router_addrs, *addr);
  shoal_dht_node_wake (node_for (self, addr));
}

typedef struct
{
  ShoalDht       *dht;
  ShoalDhtRouter *router;
} Asked;

static void
on_looked_up (ShoalDone *done,
              gint64     now_us)
{
  ShoalLookup *lookup = (ShoalLookup *) done;
  Asked *asked = done->owner;

  /* The owner is gone if routers were replaced meanwhile. */
  if (asked != NULL)
    {
      asked->router->lookup = NULL;
      shoal_dht_set_now (asked->dht, now_us);
      for (guint i = 0; i < lookup->n_addrs; i++)
        add_router_addr (asked->dht, &lookup->addrs[i]);
      g_free (asked);
    }
  shoal_lookup_free (lookup);
}

gboolean
shoal_dht_look_up_routers (ShoalDht *self)
{
  gboolean waiting = FALSE;

  for (guint i = 0; i < self->routers->len; i++)
    {
      ShoalDhtRouter *router = g_ptr_array_index (self->routers, i);
      Asked *asked;

      if (router->lookup == NULL
          && (router->looked_us == 0 || self->now_us - router->looked_us >= ROUTER_US))
        {
          asked = g_new (Asked, 1);
          *asked = (Asked){ self, router };
          router->looked_us = MAX (self->now_us, 1);
          router->lookup = shoal_lookup_new (router->host, router->port);
          router->lookup->done.func = on_looked_up;
          router->lookup->done.owner = asked;
          self->host->ops->lookup (self->host, router->lookup);
        }
      waiting = waiting || router->lookup != NULL;
    }

  return waiting;
}

void
shoal_dht_set_routers (ShoalDht   *self,
                       const char *routers,
                       gint64      now_us)
{
  g_auto (GStrv) words = NULL;

  g_return_if_fail (self != NULL);

  shoal_dht_set_now (self, now_us);
  g_ptr_array_set_size (self->routers, 0);
  g_array_set_size (self->router_addrs, 0);
  words = g_strsplit_set (routers != NULL ? routers : "", " ,\t\n", -1);
  for (guint i = 0; words[i] != NULL; i++)
    {
      const char *colon = strrchr (words[i], ':');
      ShoalDhtRouter *router;
      ShoalAddr addr;
      guint64 port;

      if (shoal_addr_parse (&addr, words[i], 0))
        {
          add_router_addr (self, &addr);
          continue;
        }
      if (colon == NULL || colon == words[i]
          || !g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &port, NULL)
          || self->routers->len >= SHOAL_DHT_ROUTERS_MAX)
        continue;
      router = g_new0 (ShoalDhtRouter, 1);
      router->host = g_strndup (words[i], (gsize) (colon - words[i]));
      router->port = (guint16) port;
      g_ptr_array_add (self->routers, router);
    }
  if (self->routers->len > 0)
    shoal_dht_wake (self, now_us);
}

void
shoal_dht_set_read_only (ShoalDht *self,
                         gboolean  read_only)
{
  g_return_if_fail (self != NULL);

  self->read_only = read_only;
}

void
shoal_dht_wake (ShoalDht *self,
                gint64    now_us)
{
  g_return_if_fail (self != NULL);

  shoal_dht_set_now (self, now_us);
  for (guint i = 0; i < SHOAL_N_DHT_NODES; i++)
    shoal_dht_node_wake (self->nodes[i]);
}

/* --- Datagrams --- */

gboolean
shoal_dht_datagram (ShoalDht        *self,
                    const ShoalAddr *from,
                    const guint8    *data,
                    gsize            size,
                    gint64           now_us)
{
  ShoalKrpc krpc;

  g_return_val_if_fail (self != NULL && from != NULL, FALSE);

  if (!shoal_krpc_parse (&krpc, data, size))
    return FALSE;
  shoal_dht_set_now (self, now_us);
  if (krpc.type == SHOAL_KRPC_QUERY)
    shoal_dht_answer (node_for (self, from), &krpc, from);
  else
    shoal_dht_node_told (node_for (self, from), &krpc, from);

  return TRUE;
}

/* --- What it looks like --- */

guint
shoal_dht_n_nodes (const ShoalDht *self)
{
  guint n = 0;

  for (guint i = 0; i < SHOAL_N_DHT_NODES; i++)
    n += shoal_dht_table_n_good (self->nodes[i]->table);

  return n;
}

gsize
shoal_dht_size (const ShoalDht *self)
{
  gsize size = sizeof *self;

  for (guint i = 0; i < SHOAL_N_DHT_NODES; i++)
    size += sizeof (ShoalDhtNode) + shoal_dht_table_size (self->nodes[i]->table)
            + g_hash_table_size (self->nodes[i]->calls) * (sizeof (ShoalDhtCall) + 16)
            + self->nodes[i]->contacts->len * sizeof (ShoalAddr);
  size += shoal_dht_store_n_keys (self->store) * 128 + shoal_dht_store_n_peers (self->store) * 72;

  return size;
}

const ShoalSha1 *
shoal_dht_id (const ShoalDht *self,
              ShoalFamily     family)
{
  return &self->nodes[family == SHOAL_FAMILY_IPV6]->id;
}
