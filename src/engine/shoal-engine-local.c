/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peers in the local network: which torrents are announced there, and who is found. */

#include "shoal-swarm-private.h"

static void
on_send (gpointer      owner,
         ShoalFamily   family,
         const guint8 *data,
         gsize         size)
{
  ShoalEngine *self = owner;

  self->host->ops->multicast (self->host, family, data, size);
}

static void
on_found (gpointer         owner,
          const ShoalSha1 *key,
          const ShoalAddr *peer)
{
  ShoalEngine *self = owner;
  ShoalSwarm *swarm = shoal_engine_find_by_key (self, key);
  ShoalKnownPeer *known;

  if (swarm == NULL || !shoal_swarm_is_live (swarm) || swarm->is_private)
    return;
  known = shoal_peerbook_find (swarm->book, peer);
  if (known == NULL || (known->sources & SHOAL_PEER_SOURCE_LSD) == 0)
    shoal_swarm_add_peers (swarm, peer, 1, SHOAL_PEER_SOURCE_LSD);
}

static const ShoalLsdOps lsd_ops = {
  .send = on_send,
  .found = on_found,
};

ShoalLsd *
shoal_engine_new_lsd (ShoalEngine *self)
{
  return shoal_lsd_new (self->timers, &self->rng, &lsd_ops, self);
}

void
shoal_engine_discover (ShoalEngine *self,
                       ShoalSwarm  *swarm)
{
  /* What a proxy is to hide is not told to the neighbours. */
  gboolean hidden = shoal_engine_is_hidden (self);

  if (self->config.use_lsd && !hidden && !self->quitting && shoal_swarm_is_live (swarm)
      && !swarm->is_private && !swarm->removing)
    shoal_lsd_add (self->lsd, &swarm->lsd, swarm->keys, swarm->n_keys, self->now_us);
  else
    shoal_lsd_remove (self->lsd, &swarm->lsd);
}

void
shoal_engine_discover_all (ShoalEngine *self)
{
  GHashTableIter iter;
  gpointer swarm;

  g_hash_table_iter_init (&iter, self->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &swarm))
    shoal_engine_discover (self, swarm);
}

void
shoal_engine_local (ShoalEngine     *self,
                    const ShoalAddr *from,
                    const guint8    *data,
                    gsize            size)
{
  g_return_if_fail (self->in_turn);

  if (self->config.use_lsd && !self->quitting)
    shoal_lsd_heard (self->lsd, from, data, size, self->now_us);
}
