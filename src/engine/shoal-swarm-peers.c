/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whom a torrent knows and dials. */

#include "shoal-link-private.h"

/*
 * The rest come from places where a private torrent is not looked for. Who came by himself may have
 * found us in any of them.
 */
#define PRIVATE_SOURCES \
  (SHOAL_PEER_SOURCE_TRACKER | SHOAL_PEER_SOURCE_USER | SHOAL_PEER_SOURCE_MAGNET)

void
shoal_swarm_add_peers (ShoalSwarm      *self,
                       const ShoalAddr *addrs,
                       guint            n,
                       ShoalPeerSource  source)
{
  shoal_swarm_add_peers_of (self, &self->keys[0], addrs, n, source);
}

void
shoal_swarm_add_peers_of (ShoalSwarm      *self,
                          const ShoalSha1 *key,
                          const ShoalAddr *addrs,
                          guint            n,
                          ShoalPeerSource  source)
{
  gboolean v2 = shoal_swarm_is_v2_key (self, key);

  for (guint i = 0; i < n; i++)
    {
      ShoalKnownPeer *known = shoal_peerbook_add (self->book, &addrs[i], source,
                                                  shoal_swarm_now (self));

      if (known != NULL && v2)
        known->is_v2 = TRUE;
    }
  shoal_engine_activate (self->engine, self);
  shoal_engine_want_dials (self->engine);
  shoal_swarm_changed (self);
}

typedef struct
{
  ShoalEngine    *engine;
  guint64         id;
  ShoalPeerSource source;
} NamedPeer;

static void
on_lookup (ShoalDone *done,
           gint64     now_us)
{
  ShoalLookup *lookup = (ShoalLookup *) done;
  NamedPeer *named = done->owner;
  ShoalSwarm *self = shoal_engine_find (named->engine, named->id);

  if (self != NULL)
    {
      self->n_lookups--;
      shoal_swarm_add_peers (self, lookup->addrs, lookup->n_addrs, named->source);
    }
  g_free (named);
  shoal_lookup_free (lookup);
}

void
shoal_swarm_add_named (ShoalSwarm     *self,
                       const char     *host_and_port,
                       ShoalPeerSource source)
{
  const char *colon = strrchr (host_and_port, ':');
  ShoalAddr addr;
  guint64 port;

  if (shoal_addr_parse (&addr, host_and_port, 0))
    {
      shoal_swarm_add_peers (self, &addr, 1, source);
      return;
    }
  if (colon != NULL && colon > host_and_port
      && g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &port, NULL)
      && self->n_lookups < 64)
    {
      g_autofree char *host = g_strndup (host_and_port, colon - host_and_port);
      ShoalLookup *lookup = shoal_lookup_new (host, (guint16) port);
      NamedPeer *named = g_new (NamedPeer, 1);

      *named = (NamedPeer){ self->engine, self->id, source };
      self->n_lookups++;
      lookup->done.func = on_lookup;
      lookup->done.owner = named;
      self->engine->host->ops->lookup (self->engine->host, lookup);
    }
}

gboolean
shoal_swarm_dial (ShoalSwarm *self)
{
  const ShoalConfig *config = &self->engine->config;
  ShoalKnownPeer *known;

  if (!shoal_swarm_is_live (self) || !(config->use_tcp || config->use_utp)
      || self->n_links >= MAX (config->dial_below, 1) || self->n_dialled >= config->max_dialled
      || self->n_links >= shoal_swarm_link_cap (self))
    return FALSE;
  known = shoal_peerbook_next (self->book, self->state == SHOAL_TORRENT_SEEDING,
                               shoal_swarm_now (self));
  if (known == NULL)
    return FALSE;
  shoal_link_dial (self, known);

  return TRUE;
}

/* Before the metadata said so it was looked for everywhere, and found. */
void
shoal_swarm_make_private (ShoalSwarm *self)
{
  self->is_private = TRUE;
  shoal_swarm_pex_end (self);
  shoal_engine_discover (self->engine, self);
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (link->known == NULL || (link->known->sources & PRIVATE_SOURCES) == 0)
        shoal_link_end (link, "the torrent is private, and no tracker told of the peer");
    }
  shoal_peerbook_keep_sources (self->book, PRIVATE_SOURCES);
}
