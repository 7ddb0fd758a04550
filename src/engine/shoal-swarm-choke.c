/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The choker of a torrent, asked about its links. */

#include "shoal-link-private.h"

static guint
list_peers (ShoalSwarm     *self,
            ShoalChokePeer *peers)
{
  gint64 now_us = shoal_swarm_now (self);
  guint n = 0;

  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (!shoal_link_is_live (link))
        continue;
      peers[n++] = (ShoalChokePeer){
        .link = link,
        .interested = link->peer_interested,
        .unchoked = !link->am_choking,
        .snubbed = link->snubbed,
        .rate_down = shoal_rate_get (&link->rate_down, now_us),
        .rate_up = shoal_rate_get (&link->rate_up, now_us),
        .unchoked_us = link->unchoked_us,
        .connected_us = link->opened_us,
      };
    }

  return n;
}

static guint64
limit_up (const ShoalSwarm *self)
{
  guint64 limit = self->limiter.buckets[SHOAL_UP].rate;

  return limit != 0 ? limit : self->engine->config.limit_up;
}

void
shoal_swarm_choke (ShoalSwarm *self,
                   gboolean    regular)
{
  gint64 now_us = shoal_swarm_now (self);
  g_autofree ShoalChokePeer *peers = g_new0 (ShoalChokePeer, MAX (self->n_links, 1));
  guint n = list_peers (self, peers);

  shoal_choker_round (&self->choker, peers, n, self->state == SHOAL_TORRENT_SEEDING, regular,
                      self->engine->config.upload_slots, shoal_rate_get (&self->rate_up, now_us),
                      limit_up (self), &self->engine->rng, now_us);
  for (guint i = 0; i < n; i++)
    shoal_link_set_choking (peers[i].link, !peers[i].unchoke);
}

void
shoal_swarm_look_at_slots (ShoalSwarm *self)
{
  guint64 rate = shoal_rate_get (&self->rate_up, shoal_swarm_now (self));
  g_autofree ShoalChokePeer *peers = NULL;
  guint n;

  if (rate == 0 || self->n_links <= self->choker.slots)
    return;
  peers = g_new0 (ShoalChokePeer, self->n_links);
  n = list_peers (self, peers);
  if (shoal_choker_grow (&self->choker, peers, n, rate, limit_up (self)))
    shoal_swarm_choke (self, FALSE);
}
