/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peer exchange of a torrent (BEP 11): who is told of whom, and what becomes of what peers tell. */

/*
 * Told are peers that are connected and whose listening address is known, and never those that were
 * only heard of. Nobody is told of the other's network: private addresses stay in the local network
 * and loopback on the machine, in both directions. Private torrents say and hear nothing. Engine
 * thread.
 */

#include "shoal-link-private.h"

gboolean
shoal_swarm_uses_pex (const ShoalSwarm *self)
{
  return self->engine->config.use_pex && !self->is_private;
}

/* Whether @addr means the same to who is at @other. */
static gboolean
is_of_use (const ShoalAddr *addr,
           const ShoalAddr *other)
{
  if (shoal_addr_is_loopback (addr))
    return shoal_addr_is_loopback (other);
  if (shoal_addr_is_local (addr))
    return shoal_addr_is_local (other);

  return shoal_addr_is_usable (addr);
}

static const ShoalAddr *
reach_of (const ShoalLink *link)
{
  if (!shoal_link_is_live (link))
    return NULL;
  if (link->outgoing)
    return &link->addr;

  return link->known != NULL ? &link->known->addr : NULL;
}

static guint8
flags_of (const ShoalLink *link)
{
  guint8 flags = 0;

  if (link->has_all || link->upload_only)
    flags |= SHOAL_PEX_SEED;
  if (link->method != 0)
    flags |= SHOAL_PEX_ENCRYPTION;
  if (link->outgoing || (link->known != NULL && link->known->connectable))
    flags |= SHOAL_PEX_REACHABLE;
  if (link->over_utp)
    flags |= SHOAL_PEX_UTP;
  if (link->numbers[SHOAL_EXTENDED_HOLEPUNCH] != 0)
    flags |= SHOAL_PEX_HOLEPUNCH;

  return flags;
}

static int
compare_peers (gconstpointer a,
               gconstpointer b)
{
  return shoal_addr_compare (&((const ShoalPexPeer *) a)->addr, &((const ShoalPexPeer *) b)->addr);
}

/* Everybody who is here and can be reached, sorted. */
static guint
list_peers (ShoalSwarm   *self,
            ShoalPexPeer *peers)
{
  guint n = 0, kept = 0;

  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);
      const ShoalAddr *reach = reach_of (link);

      if (reach != NULL && shoal_addr_is_usable (reach))
        peers[n++] = (ShoalPexPeer){ *reach, flags_of (link) };
    }
  qsort (peers, n, sizeof *peers, compare_peers);
  for (guint i = 0; i < n; i++)
    if (kept == 0 || !shoal_addr_equal (&peers[kept - 1].addr, &peers[i].addr))
      peers[kept++] = peers[i];

  return kept;
}

static gboolean
is_due (ShoalSwarm *self,
        ShoalLink  *link)
{
  return shoal_link_is_live (link) && link->pex != NULL && link->numbers[SHOAL_EXTENDED_PEX] != 0
         && shoal_pex_link_is_due (link->pex, shoal_swarm_now (self))
         && shoal_outbox_size (link->outbox) < SHOAL_UPLOAD_AHEAD_MAX;
}

static void
tell (ShoalSwarm         *self,
      ShoalLink          *link,
      const ShoalPexPeer *peers,
      guint               n)
{
  g_autofree ShoalPexPeer *fit = g_new (ShoalPexPeer, MAX (n, 1));
  g_autofree ShoalPexMessage *message = g_new (ShoalPexMessage, 1);
  const ShoalAddr *own = reach_of (link);
  guint n_fit = 0;

  for (guint i = 0; i < n; i++)
    if (is_of_use (&peers[i].addr, &link->addr)
        && !(own != NULL && shoal_addr_equal (own, &peers[i].addr)))
      fit[n_fit++] = peers[i];
  if (shoal_pex_link_tell (link->pex, fit, n_fit, message, shoal_swarm_now (self)))
    {
      g_autoptr(GBytes) payload = shoal_pex_write (message);

      shoal_link_say_extension (link, SHOAL_EXTENDED_PEX, payload);
    }
}

void
shoal_swarm_pex_tick (ShoalSwarm *self)
{
  g_autofree ShoalPexPeer *peers = NULL;
  guint n = 0;

  if (!shoal_swarm_uses_pex (self))
    return;

  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (!is_due (self, link))
        continue;
      if (peers == NULL)
        {
          peers = g_new (ShoalPexPeer, self->n_links);
          n = list_peers (self, peers);
        }
      tell (self, link, peers, n);
    }
}

void
shoal_swarm_pex_offer (ShoalSwarm *self,
                       ShoalLink  *link)
{
  if (link->pex == NULL && link->numbers[SHOAL_EXTENDED_PEX] != 0 && shoal_swarm_uses_pex (self))
    link->pex = shoal_pex_link_new (&self->engine->rng, shoal_swarm_now (self));
}

/* What a peer says of a peer that nobody knew yet is believed until that one speaks for itself. */
static void
learn (ShoalSwarm         *self,
       ShoalLink          *from,
       const ShoalPexPeer *peer)
{
  ShoalKnownPeer *known = shoal_peerbook_find (self->book, &peer->addr);
  gboolean fresh = known == NULL;

  known = shoal_peerbook_add (self->book, &peer->addr, SHOAL_PEER_SOURCE_PEX,
                              shoal_swarm_now (self));
  if (known == NULL || !fresh)
    return;
  known->is_seed = (peer->flags & SHOAL_PEX_SEED) != 0;
  known->pex_flags = peer->flags;
  known->is_v2 = shoal_swarm_is_v2_key (self, &from->key);   /* they met in that swarm */
}

void
shoal_swarm_pex_came (ShoalSwarm         *self,
                      ShoalLink          *link,
                      const ShoalMessage *message)
{
  g_autofree ShoalPexMessage *told = NULL;

  if (!shoal_swarm_uses_pex (self))
    return;
  if (link->pex == NULL)
    link->pex = shoal_pex_link_new (&self->engine->rng, shoal_swarm_now (self));
  if (shoal_pex_link_is_deaf (link->pex))
    return;

  told = g_new (ShoalPexMessage, 1);
  /* What is malformed counts as too much: there is nothing in it that could be used. */
  if (!shoal_pex_parse (told, message->payload, message->payload_size))
    {
      told->n_added = told->n_dropped = 0;
      told->excess = TRUE;
    }
  if (!shoal_pex_link_hear (link->pex, told, shoal_swarm_now (self)))
    {
      g_debug ("a peer tells too much of others: it is not heard any more");
      return;
    }
  for (guint i = 0; i < told->n_added; i++)
    if (is_of_use (&told->added[i].addr, &link->addr))
      learn (self, link, &told->added[i]);
  if (told->n_added == 0)
    return;
  shoal_engine_activate (self->engine, self);
  shoal_engine_want_dials (self->engine);
  shoal_swarm_changed (self);
}

void
shoal_swarm_pex_end (ShoalSwarm *self)
{
  SHOAL_NODE_FOREACH (node, &self->links)
    g_clear_pointer (&SHOAL_NODE_OWNER (node, ShoalLink, swarm_node)->pex, shoal_pex_link_free);
}
