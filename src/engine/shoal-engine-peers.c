/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lists of one torrent for a view that looks at it: peers and trackers. */

#include "shoal-link-private.h"
#include "shoal-client-name.h"
#include "shoal-mse.h"

static gboolean
wants_lists (const ShoalView *view)
{
  return (view->mask & (SHOAL_VIEW_PEERS | SHOAL_VIEW_TRACKERS)) != 0;
}

gboolean
shoal_engine_has_lists (ShoalEngine     *self,
                        const ShoalView *view)
{
  ShoalSwarm *swarm = wants_lists (view) ? shoal_engine_find (self, view->id) : NULL;

  return swarm != NULL && shoal_node_is_linked (&swarm->links);
}

static guint
transfer_flags (const ShoalLink *link)
{
  guint flags = 0;

  if (link->am_interested)
    flags |= link->peer_choking ? SHOAL_PEER_WANTED : SHOAL_PEER_DOWNLOADING;
  else if (!link->peer_choking)
    flags |= SHOAL_PEER_UNUSED;
  if (link->peer_interested)
    flags |= link->am_choking ? SHOAL_PEER_WAITING : SHOAL_PEER_UPLOADING;
  else if (!link->am_choking)
    flags |= SHOAL_PEER_UNUSED_BY_IT;
  if (link->swarm->choker.optimistic == link)
    flags |= SHOAL_PEER_OPTIMISTIC;
  if (link->snubbed)
    flags |= SHOAL_PEER_SNUBBED;

  return flags;
}

static guint
flags_of (const ShoalLink *link,
          guint            sources)
{
  guint flags = transfer_flags (link);

  if (!link->outgoing)
    flags |= SHOAL_PEER_INCOMING;
  if (link->method == SHOAL_MSE_RC4)
    flags |= SHOAL_PEER_ENCRYPTED;
  else if (link->method == SHOAL_MSE_PLAIN)
    flags |= SHOAL_PEER_ENCRYPTED_HANDSHAKE;
  if ((sources & SHOAL_PEER_SOURCE_PEX) != 0)
    flags |= SHOAL_PEER_FROM_PEX;
  if ((sources & SHOAL_PEER_SOURCE_DHT) != 0)
    flags |= SHOAL_PEER_FROM_DHT;
  if ((sources & SHOAL_PEER_SOURCE_LSD) != 0)
    flags |= SHOAL_PEER_FROM_LSD;
  if (link->over_utp)
    flags |= SHOAL_PEER_UTP;

  return flags;
}

/* A name may be of any size; it is cut where a character ends. */
static void
copy_text (char       *out,
           gsize       size,
           const char *text)
{
  const char *end;

  g_strlcpy (out, text, size);
  if (!g_utf8_validate (out, -1, &end))
    out[end - out] = '\0';
}

static void
fill_client (const ShoalLink *link,
             ShoalPeerStats  *out)
{
  g_autofree char *by_id = NULL;

  if (link->client != NULL && *link->client != '\0')
    {
      copy_text (out->client, sizeof out->client, link->client);
      return;
    }
  if (!link->peer_id_known)
    return;
  by_id = shoal_client_name (&link->peer_id);
  copy_text (out->client, sizeof out->client, by_id);
}

static void
fill_peer (ShoalLink      *link,
           ShoalPeerStats *out)
{
  gint64 now_us = link->engine->now_us;
  g_autofree char *address = shoal_addr_to_text (&link->addr);

  g_strlcpy (out->address, address, sizeof out->address);
  fill_client (link, out);
  out->sources = link->known != NULL ? link->known->sources : 0;
  if (!link->outgoing)
    out->sources |= SHOAL_PEER_SOURCE_INCOMING;
  out->flags = flags_of (link, out->sources);
  if (link->has_all)
    out->progress = 1.0;
  else if (link->bits != NULL && link->bits->n_bits > 0)
    out->progress = (double) link->bits->n_set / link->bits->n_bits;
  out->rate_down = shoal_rate_get (&link->rate_down, now_us);
  out->rate_up = shoal_rate_get (&link->rate_up, now_us);
  out->downloaded = link->received;
  out->uploaded = link->sent;
  out->connected_s = (now_us - link->opened_us) / G_USEC_PER_SEC;
}

static void
fill_peers (ShoalSwarm    *swarm,
            ShoalSnapshot *snapshot)
{
  guint n = 0;

  SHOAL_NODE_FOREACH (node, &swarm->links)
    n++;
  snapshot->peers = g_new0 (ShoalPeerStats, n);
  SHOAL_NODE_FOREACH (node, &swarm->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (shoal_link_is_live (link))
        fill_peer (link, &snapshot->peers[snapshot->n_peers++]);
    }
}

void
shoal_engine_fill_lists (ShoalEngine     *self,
                         ShoalSnapshot   *snapshot,
                         const ShoalView *view)
{
  ShoalSwarm *swarm = wants_lists (view) ? shoal_engine_find (self, view->id) : NULL;

  snapshot->mask = view->mask;
  if (swarm == NULL || swarm->removing)
    return;

  snapshot->id = view->id;
  if ((view->mask & SHOAL_VIEW_PEERS) != 0)
    fill_peers (swarm, snapshot);
  if ((view->mask & SHOAL_VIEW_TRACKERS) != 0)
    snapshot->trackers = shoal_announcer_stats (swarm->announcer, self->now_us,
                                                &snapshot->n_trackers);
}
