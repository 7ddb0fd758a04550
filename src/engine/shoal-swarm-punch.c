/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ways through two NATs with the help of a third peer (BEP 55): asking for one, and helping
 * others. */

/*
 * Whoever was told of by a peer that is connected to both, and could not be dialled, is dialled
 * once more at the same moment as it dials us. As the third one we pass on two addresses and keep
 * nothing. What a peer may ask for is limited, and so is how often one may make us dial, or a relay
 * could point many clients at one address. Engine thread.
 */

#include "shoal-link-private.h"
#include "shoal-holepunch.h"

#define PUNCHES_MAX   8u                                   /* asked for by, or coming from, one peer
                                                            * at once */
#define PUNCH_US      (10 * (gint64) G_USEC_PER_SEC)       /* one more each */

gboolean
shoal_swarm_punches (const ShoalSwarm *self)
{
  return self->engine->config.use_utp && !self->is_private;
}

static gboolean
may_punch (ShoalLink *link)
{
  gint64 now_us = link->engine->now_us;
  gint64 n = (now_us - link->punched_us) / PUNCH_US;

  if (n > 0)
    {
      link->n_punches -= (guint) MIN (n, (gint64) link->n_punches);
      link->punched_us += n * PUNCH_US;
    }
  if (link->n_punches >= PUNCHES_MAX)
    return FALSE;
  link->n_punches++;

  return TRUE;
}

static void
say (ShoalLink           *link,
     ShoalHolepunchType   type,
     const ShoalAddr     *addr,
     ShoalHolepunchError  error)
{
  const ShoalHolepunch message = { .type = type, .addr = *addr, .error = error };
  g_autoptr(GBytes) payload = shoal_holepunch_write (&message);

  shoal_link_say_extension (link, SHOAL_EXTENDED_HOLEPUNCH, payload);
}

/* The link to the peer that others know by this address. */
static ShoalLink *
find_link (ShoalSwarm      *self,
           const ShoalAddr *addr)
{
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (shoal_link_is_live (link)
          && (shoal_addr_equal (&link->addr, addr)
              || (link->known != NULL && shoal_addr_equal (&link->known->addr, addr))))
        return link;
    }

  return NULL;
}

/* Where its NAT lets packets through: over uTP the address that it comes from, else the one that it
 * is known by. */
static const ShoalAddr *
way_to (const ShoalLink *link)
{
  if (link->over_utp || link->outgoing || link->known == NULL)
    return &link->addr;

  return &link->known->addr;
}

static void
on_rendezvous (ShoalSwarm      *self,
               ShoalLink       *link,
               const ShoalAddr *addr)
{
  ShoalLink *target = shoal_addr_is_usable (addr) ? find_link (self, addr) : NULL;
  ShoalHolepunchError error = SHOAL_HOLEPUNCH_NO_ERROR;

  if (!shoal_addr_is_usable (addr))
    error = SHOAL_HOLEPUNCH_NO_SUCH_PEER;
  else if (target == link)
    error = SHOAL_HOLEPUNCH_NO_SELF;
  else if (target == NULL)
    error = shoal_peerbook_find (self->book, addr) != NULL ? SHOAL_HOLEPUNCH_NOT_CONNECTED
                                                           : SHOAL_HOLEPUNCH_NO_SUCH_PEER;
  else if (target->numbers[SHOAL_EXTENDED_HOLEPUNCH] == 0)
    error = SHOAL_HOLEPUNCH_NO_SUPPORT;

  if (error != SHOAL_HOLEPUNCH_NO_ERROR)
    {
      say (link, SHOAL_HOLEPUNCH_ERROR, addr, error);
      return;
    }
  say (target, SHOAL_HOLEPUNCH_CONNECT, way_to (link), SHOAL_HOLEPUNCH_NO_ERROR);
  say (link, SHOAL_HOLEPUNCH_CONNECT, way_to (target), SHOAL_HOLEPUNCH_NO_ERROR);
}

static void
on_connect (ShoalSwarm      *self,
            ShoalLink       *link,
            const ShoalAddr *addr)
{
  ShoalKnownPeer *known;

  if (shoal_addr_is_loopback (addr) != shoal_addr_is_loopback (&link->addr)
      || find_link (self, addr) != NULL || !shoal_engine_may_connect (self->engine, addr)
      || self->engine->n_half_open >= self->engine->config.max_half_open
      || self->n_links >= shoal_swarm_link_cap (self))
    return;
  known = shoal_peerbook_add (self->book, addr, SHOAL_PEER_SOURCE_PEX, shoal_swarm_now (self));
  if (known == NULL || known->link != NULL || known->banned)
    return;
  g_debug ("a way through NATs is tried");
  known->punched = TRUE;
  shoal_link_dial (self, known);
}

void
shoal_swarm_punch_came (ShoalSwarm         *self,
                        ShoalLink          *link,
                        const ShoalMessage *message)
{
  ShoalHolepunch punch;

  if (!shoal_swarm_punches (self) || link->numbers[SHOAL_EXTENDED_HOLEPUNCH] == 0
      || !shoal_holepunch_parse (&punch, message->payload, message->payload_size))
    return;
  if (punch.type != SHOAL_HOLEPUNCH_ERROR && !may_punch (link))
    {
      g_debug ("a peer wants too many ways through NATs");
      return;
    }

  switch (punch.type)
    {
    case SHOAL_HOLEPUNCH_RENDEZVOUS:
      on_rendezvous (self, link, &punch.addr);
      break;

    case SHOAL_HOLEPUNCH_CONNECT:
      on_connect (self, link, &punch.addr);
      break;

    case SHOAL_HOLEPUNCH_ERROR:
      g_debug ("no way through the NATs: error %u", punch.error);
      break;

    default:
      break;
    }
}

/* A peer could not be dialled: somebody who told of it may know a way. */
void
shoal_swarm_punch (ShoalSwarm     *self,
                   ShoalKnownPeer *known)
{
  if (!shoal_swarm_punches (self) || !shoal_swarm_is_live (self) || known->punched
      || (known->pex_flags & SHOAL_PEX_HOLEPUNCH) == 0)
    return;

  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (!shoal_link_is_live (link) || link->numbers[SHOAL_EXTENDED_HOLEPUNCH] == 0
          || link->pex == NULL || !shoal_pex_link_knows (link->pex, &known->addr))
        continue;
      known->punched = TRUE;
      say (link, SHOAL_HOLEPUNCH_RENDEZVOUS, &known->addr, SHOAL_HOLEPUNCH_NO_ERROR);
      return;
    }
}
