/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine does with the DHT: who is searched for and announced, and when. */

/*
 * A few torrents at a time: first those that have no metadata, then those that download and were
 * never looked for, then who waited longest past its time. Each of a torrent's keys is looked up
 * and announced, so a hybrid stands under both. Private torrents never come near it.
 *
 * A lookup belongs to a Search here, which knows its torrent by number: torrents may go while it
 * lasts.
 */

#include "shoal-engine-dht.h"

#include "shoal-announce.h"
#include "shoal-dht.h"
#include "shoal-swarm-private.h"

#define SECOND_US    ((gint64) G_USEC_PER_SEC)
#define SEARCHES_MAX 4u                    /* torrents looked up at once */
#define AGAIN_US     (15 * 60 * SECOND_US) /* announces are repeated */
#define SHORT_US     (5 * 60 * SECOND_US)  /* while few peers are known */
#define ALONE_US     (15 * SECOND_US)      /* while nobody at all is, or hardly a node was told;
                                            * doubled each time, up to the usual */
#define TOLD_LOW     4u                    /* nodes: the DHT was not found yet, fewer are not found
                                            * by others */
#define KEEP_US      (10 * 60 * SECOND_US) /* nodes are kept for the next start */
#define NAMES_MAX    8u                    /* nodes that a torrent names */

typedef struct
{
  ShoalNode       node;
  ShoalEngineDht *dht;
  guint64         id;         /* of the torrent */
  ShoalDhtLookup *lookup;
  gboolean        last;       /* of the torrent's keys */
} Search;

struct _ShoalEngineDht
{
  ShoalEngine *engine;
  ShoalDht    *dht;           /* (nullable): switched off */
  ShoalNode    searches;
  guint        n_searches;
  ShoalTimer   timer;
  ShoalTimer   keep_timer;
  char        *routers;       /* as they were told last */
};

static void on_timer (gpointer owner, gint64 now_us);
static void on_keep  (gpointer owner, gint64 now_us);

static void
search_free (Search *search)
{
  search->dht->n_searches--;
  shoal_node_unlink (&search->node);
  g_free (search);
}

/* --- What the DHT says --- */

static void
on_ready (gpointer owner)
{
  shoal_engine_dht_look (owner);
}

static void
on_external (gpointer         owner,
             const ShoalAddr *external)
{
  ShoalAddr all_of_them = { 0 };

  shoal_engine_vote_external (((ShoalEngineDht *) owner)->engine, SHOAL_EXTERNAL_DHT, &all_of_them,
                              external);
}

static gboolean
is_wanted (const ShoalSwarm *swarm)
{
  return shoal_swarm_is_live (swarm) && !swarm->is_private && !swarm->removed;
}

/* What we announced ourselves comes back, from a node that does not say how it sees us. */
static gboolean
is_ourselves (const ShoalEngine *engine,
              const ShoalAddr   *addr)
{
  const ShoalAddr *seen = shoal_external_get (&engine->votes, addr->family);

  if (addr->port != engine->port && addr->port != shoal_engine_public_port (engine))
    return FALSE;

  return shoal_addr_is_loopback (addr) || shoal_addr_same_ip (addr, &engine->external)
         || (seen != NULL && shoal_addr_same_ip (addr, seen));
}

static void
add_peers (ShoalSwarm      *swarm,
           const ShoalAddr *addrs,
           guint            n)
{
  if (!is_wanted (swarm))
    return;
  for (guint i = 0; i < n; i++)
    if (!is_ourselves (swarm->engine, &addrs[i]))
      shoal_swarm_add_peers (swarm, &addrs[i], 1, SHOAL_PEER_SOURCE_DHT);
}

static void
on_announced (gpointer         owner,
              const ShoalSha1 *key,
              const ShoalAddr *peer)
{
  ShoalEngine *engine = ((ShoalEngineDht *) owner)->engine;
  ShoalSwarm *swarm = shoal_engine_find_by_key (engine, key);

  if (swarm != NULL)
    add_peers (swarm, peer, 1);
}

static const ShoalDhtOps dht_ops = { .ready = on_ready,
                                     .announced = on_announced,
                                     .external = on_external };

static void
on_peers (gpointer         owner,
          const ShoalAddr *addrs,
          guint            n,
          guint            hops)
{
  Search *search = owner;
  ShoalSwarm *swarm = shoal_engine_find (search->dht->engine, search->id);

  if (swarm != NULL)
    add_peers (swarm, addrs, n);
}

/* When to look for a torrent again; @n_told: nodes that know of us now. */
static gint64
wait_for (ShoalSwarm *swarm,
          guint       n_told)
{
  gboolean wants = swarm->state != SHOAL_TORRENT_SEEDING;
  guint n_known = swarm->n_links + shoal_peerbook_candidates (swarm->book, FALSE);

  if ((wants && n_known == 0) || n_told < TOLD_LOW)
    return MIN (ALONE_US << MIN (swarm->dht_tries, 8u), AGAIN_US);
  swarm->dht_tries = 0;

  return wants && n_known < SHOAL_KNOWN_PEERS_LOW ? SHORT_US : AGAIN_US;
}

static void
on_done (gpointer owner,
         guint    n_asked,
         guint    n_answered,
         guint    n_told)
{
  Search *search = owner;
  ShoalEngineDht *self = search->dht;
  ShoalEngine *engine = self->engine;
  ShoalSwarm *swarm = shoal_engine_find (engine, search->id);

  g_debug ("torrent %" G_GUINT64_FORMAT ": %u of %u DHT nodes answered, %u were told", search->id,
           n_answered, n_asked, n_told);
  if (swarm != NULL && search->last)
    {
      gint64 wait_us = wait_for (swarm, n_told);

      swarm->dht_tries++;
      swarm->dht_us = engine->now_us + wait_us * 9 / 10
                      + shoal_rng_below (&engine->rng, (guint32) (wait_us / 5));
    }
  search_free (search);
  shoal_engine_dht_look (self);
}

static const ShoalDhtLookupOps lookup_ops = { .peers = on_peers, .done = on_done };

/* --- Torrents --- */

static guint
class_of (const ShoalSwarm *swarm)
{
  if (swarm->state == SHOAL_TORRENT_METADATA)
    return 0;
  if (swarm->dht_us == 0)
    return swarm->state == SHOAL_TORRENT_DOWNLOADING ? 1 : 2;

  return 3;
}

/* (nullable): whose turn it is; @next_us: when somebody's will be. */
static ShoalSwarm *
choose (ShoalEngineDht *self,
        gint64         *next_us)
{
  ShoalSwarm *best = NULL;
  GHashTableIter iter;
  gpointer value;

  *next_us = SHOAL_NEVER;
  g_hash_table_iter_init (&iter, self->engine->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ShoalSwarm *swarm = value;

      if (!is_wanted (swarm))
        continue;
      if (swarm->dht_us > self->engine->now_us)
        {
          *next_us = MIN (*next_us, swarm->dht_us);
          continue;
        }
      if (best == NULL || class_of (swarm) < class_of (best)
          || (class_of (swarm) == class_of (best) && swarm->dht_us < best->dht_us))
        best = swarm;
    }

  return best;
}

static void
on_node_name (ShoalDone *done,
              gint64     now_us)
{
  ShoalLookup *lookup = (ShoalLookup *) done;
  ShoalEngineDht *self = ((ShoalEngine *) done->owner)->dht;

  for (guint i = 0; i < lookup->n_addrs && self->dht != NULL; i++)
    shoal_dht_add_contact (self->dht, &lookup->addrs[i], now_us);
  shoal_lookup_free (lookup);
}

/* Nodes that the .torrent itself names, once. */
static void
take_named_nodes (ShoalEngineDht *self,
                  ShoalSwarm     *swarm)
{
  ShoalHost *host = self->engine->host;
  char **nodes = swarm->metainfo != NULL ? swarm->metainfo->nodes : NULL;

  if (swarm->dht_nodes_taken || nodes == NULL)
    return;
  swarm->dht_nodes_taken = TRUE;
  for (guint i = 0; nodes[i] != NULL && i < NAMES_MAX; i++)
    {
      const char *colon = strrchr (nodes[i], ':');
      g_autofree char *name = NULL;
      ShoalLookup *lookup;
      ShoalAddr addr;
      guint64 port;

      if (shoal_addr_parse (&addr, nodes[i], 0))
        {
          shoal_dht_add_contact (self->dht, &addr, self->engine->now_us);
          continue;
        }
      if (colon == NULL || colon == nodes[i]
          || !g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
        continue;
      name = g_strndup (nodes[i], (gsize) (colon - nodes[i]));
      lookup = shoal_lookup_new (name, (guint16) port);
      lookup->done.func = on_node_name;
      lookup->done.owner = self->engine;
      host->ops->lookup (host, lookup);
    }
}

/* FALSE: nobody can be asked. */
static gboolean
search_for (ShoalEngineDht *self,
            ShoalSwarm     *swarm)
{
  ShoalEngine *engine = self->engine;
  guint16 port = shoal_engine_public_port (engine);
  gboolean mapped = engine->mapping.state == SHOAL_MAP_DONE && !engine->mapping.nested;
  /* Without a mapping it is the port that the datagrams seem to come from that leads through a NAT
   * to us, by uTP; behind a proxy it is the only one. */
  gboolean hidden = shoal_engine_is_hidden (engine);
  gboolean implied_port = engine->config.use_utp && !mapped && engine->udp_port != 0
                          && (hidden || port == engine->udp_port);
  gboolean seed = swarm->state == SHOAL_TORRENT_SEEDING;

  if (implied_port && port == 0)
    port = SHOAL_ANNOUNCE_NO_PORT;
  for (guint i = 0; i < swarm->n_keys; i++)
    {
      Search *search = g_new0 (Search, 1);

      shoal_node_init (&search->node);
      search->dht = self;
      search->id = swarm->id;
      search->last = i + 1 == swarm->n_keys;
      search->lookup = shoal_dht_lookup (self->dht, &swarm->keys[i], port, implied_port, seed,
                                         &lookup_ops, search, engine->now_us);
      if (search->lookup == NULL)
        {
          g_free (search);
          return FALSE;
        }
      shoal_node_append (&self->searches, &search->node);
      self->n_searches++;
    }
  /* Not again before this one is over. */
  swarm->dht_us = engine->now_us + AGAIN_US;

  return TRUE;
}

static void
on_timer (gpointer owner,
          gint64   now_us)
{
  ShoalEngineDht *self = owner;
  ShoalEngine *engine = self->engine;
  gint64 next_us = SHOAL_NEVER;

  if (self->dht == NULL || engine->quitting)
    return;
  while (self->n_searches < SEARCHES_MAX)
    {
      ShoalSwarm *swarm = choose (self, &next_us);

      if (swarm == NULL)
        break;
      take_named_nodes (self, swarm);
      /* The DHT says when there is somebody. */
      if (!search_for (self, swarm))
        return;
    }
  if (self->n_searches < SEARCHES_MAX && next_us != SHOAL_NEVER)
    shoal_timers_arm (engine->timers, &self->timer, next_us);
}

void
shoal_engine_dht_look (ShoalEngineDht *self)
{
  if (self->dht != NULL && !self->engine->quitting)
    shoal_timers_arm (self->engine->timers, &self->timer, self->engine->now_us + SECOND_US / 100);
}

void
shoal_engine_dht_tick (ShoalEngineDht *self)
{
  if (self->n_searches < SEARCHES_MAX && self->dht != NULL && shoal_dht_n_nodes (self->dht) > 0)
    shoal_engine_dht_look (self);
}

/* --- Life --- */

static void
switch_off (ShoalEngineDht *self)
{
  ShoalTimers *timers = self->engine->timers;

  SHOAL_NODE_FOREACH (node, &self->searches)
    {
      Search *search = SHOAL_NODE_OWNER (node, Search, node);

      shoal_dht_lookup_drop (search->lookup);
      search_free (search);
    }
  shoal_timers_disarm (timers, &self->timer);
  shoal_timers_disarm (timers, &self->keep_timer);
  g_clear_pointer (&self->dht, shoal_dht_free);
  g_clear_pointer (&self->routers, g_free);
}

ShoalEngineDht *
shoal_engine_dht_new (ShoalEngine *engine)
{
  ShoalEngineDht *self = g_new0 (ShoalEngineDht, 1);

  self->engine = engine;
  shoal_node_init (&self->searches);
  shoal_timer_init (&self->timer, on_timer, self);
  shoal_timer_init (&self->keep_timer, on_keep, self);

  return self;
}

void
shoal_engine_dht_free (ShoalEngineDht *self)
{
  switch_off (self);
  g_free (self);
}

void
shoal_engine_dht_configure (ShoalEngineDht *self)
{
  ShoalEngine *engine = self->engine;
  const ShoalConfig *config = &engine->config;

  if (!config->use_dht)
    {
      switch_off (self);
      return;
    }
  if (self->dht == NULL)
    {
      self->dht = shoal_dht_new (engine->host, engine->timers, &engine->rng, &dht_ops, self,
                                 engine->now_us);
      shoal_timers_arm (engine->timers, &self->keep_timer, engine->now_us + KEEP_US);
    }
  shoal_dht_set_read_only (self->dht, config->dht_read_only);
  if (g_strcmp0 (self->routers, config->dht_routers) == 0)
    return;
  g_clear_pointer (&self->routers, g_free);
  self->routers = g_strdup (config->dht_routers);
  shoal_dht_set_routers (self->dht, self->routers, engine->now_us);
}

void
shoal_engine_dht_restore (ShoalEngineDht *self,
                          GBytes         *kept)
{
  gsize size;
  const guint8 *data;

  if (kept == NULL || self->dht == NULL)
    return;
  data = g_bytes_get_data (kept, &size);
  if (!shoal_dht_restore (self->dht, data, size, self->engine->now_us))
    g_debug ("The kept DHT nodes are not usable");
}

static void
keep (ShoalEngineDht *self)
{
  ShoalHost *host = self->engine->host;
  GBytes *kept = self->dht != NULL ? shoal_dht_keep (self->dht) : NULL;

  if (kept != NULL)
    host->ops->keep (host, kept);
}

static void
on_keep (gpointer owner,
         gint64   now_us)
{
  ShoalEngineDht *self = owner;

  keep (self);
  shoal_timers_arm (self->engine->timers, &self->keep_timer, now_us + KEEP_US);
}

void
shoal_engine_dht_network (ShoalEngineDht *self)
{
  if (self->dht != NULL)
    shoal_dht_wake (self->dht, self->engine->now_us);
}

void
shoal_engine_dht_quit (ShoalEngineDht *self)
{
  keep (self);
  switch_off (self);
}

/* --- Datagrams and peers --- */

gboolean
shoal_engine_dht_datagram (ShoalEngineDht  *self,
                           const ShoalAddr *from,
                           const guint8    *data,
                           gsize            size)
{
  return self->dht != NULL && size > 0 && data[0] == 'd'
         && shoal_dht_datagram (self->dht, from, data, size, self->engine->now_us);
}

void
shoal_engine_dht_told_port (ShoalEngineDht  *self,
                            const ShoalAddr *addr,
                            guint16          port)
{
  ShoalAddr node = *addr;

  node.port = port;
  if (self->dht != NULL && port != 0)
    shoal_dht_add_contact (self->dht, &node, self->engine->now_us);
}

gboolean
shoal_engine_dht_is_on (const ShoalEngineDht *self)
{
  return self->dht != NULL;
}

guint16
shoal_engine_dht_port (const ShoalEngineDht *self)
{
  return self->dht != NULL && !self->engine->config.dht_read_only ? self->engine->udp_port : 0;
}

guint
shoal_engine_dht_n_nodes (const ShoalEngineDht *self)
{
  return self->dht != NULL ? shoal_dht_n_nodes (self->dht) : 0;
}
