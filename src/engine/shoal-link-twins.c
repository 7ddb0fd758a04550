/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two links with one peer, because both ends dialled: one goes, and the peer is not dialled
 * again. */

#include "shoal-link-private.h"

#include <string.h>

/* Whether both links lead to one peer. Some (libtorrent) have another id on every connection: then
 * it is known by where it listens. */
static gboolean
are_twins (const ShoalLink *self,
           const ShoalLink *other)
{
  if (memcmp (&other->peer_id, &self->peer_id, sizeof self->peer_id) == 0)
    return TRUE;

  return self->outgoing != other->outgoing && shoal_addr_same_ip (&self->addr, &other->addr)
         && (self->outgoing ? other->told_port == self->addr.port
                            : self->told_port == other->addr.port);
}

/* The link that has the peer already, if any. */
static ShoalLink *
find_twin (ShoalLink *self)
{
  SHOAL_NODE_FOREACH (node, &self->swarm->links)
    {
      ShoalLink *other = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (other != self && other->peer_id_known && other->state == SHOAL_LINK_LIVE
          && are_twins (self, other))
        return other;
    }

  return NULL;
}

/* The link that goes tells the one that stays where the peer can be reached, so that it is not
 * dialled again. */
static void
hand_over (ShoalLink *goes,
           ShoalLink *stays)
{
  ShoalKnownPeer *known = goes->known;

  if (known == NULL || known->link != goes || stays->known != NULL)
    return;
  goes->known = NULL;
  stays->known = known;
  known->link = stays;
}

/*
 * Both ends may dial at once. The link made by the larger id stays, so that two of us close the
 * same one. Others go by rules of their own: they are given time to close one first, or each end
 * would close the other's and none were left.
 */
gboolean
shoal_link_may_be_second (ShoalLink *self)
{
  ShoalLink *twin = find_twin (self);

  if (twin == NULL)
    return TRUE;
  if (twin->outgoing == self->outgoing)
    {
      hand_over (self, twin);
      return FALSE;
    }
  self->twin_us = self->engine->now_us + SHOAL_TWIN_US;

  return TRUE;
}

void
shoal_link_settle_twins (ShoalLink *self)
{
  ShoalLink *twin = find_twin (self);
  gboolean ours_larger = memcmp (&self->engine->peer_id, &self->peer_id, sizeof self->peer_id) > 0;
  ShoalLink *goes = self;

  self->twin_us = 0;
  if (twin == NULL)
    return;
  /* With an id for every connection the other end cannot go by them: it has no rule, and the newer
   * link goes. */
  if (memcmp (&twin->peer_id, &self->peer_id, sizeof self->peer_id) == 0
      && self->outgoing == ours_larger)
    goes = twin;
  hand_over (goes, goes == self ? twin : self);
  shoal_link_hang_up (goes, "the peer is connected twice");
}

void
shoal_link_leave_to_twin (ShoalLink *self)
{
  ShoalLink *twin = self->peer_id_known ? find_twin (self) : NULL;

  if (twin != NULL)
    hand_over (self, twin);
}

void
shoal_link_reach (ShoalLink *self,
                  guint16    port)
{
  ShoalAddr reach = self->addr;
  ShoalKnownPeer *known;

  self->told_port = port;
  if (self->known != NULL)
    return;
  reach.port = port;
  known = shoal_peerbook_add (self->swarm->book, &reach, SHOAL_PEER_SOURCE_INCOMING,
                              self->engine->now_us);
  if (known == NULL)
    return;
  known->is_v2 = shoal_swarm_is_v2_key (self->swarm, &self->key);
  if (known->link == NULL)
    {
      known->link = self;
      self->known = known;
    }
  else if (self->twin_us == 0 && find_twin (self) != NULL)
    {
      self->twin_us = self->engine->now_us + SHOAL_TWIN_US;
    }
}
