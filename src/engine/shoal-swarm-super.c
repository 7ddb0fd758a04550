/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Super-seeding (BEP 16): the only seed tells each peer of few pieces, so that everything goes out
 * once. */

/*
 * A peer is told that there is nothing, and then of two pieces at a time, the ones that the fewest
 * have. The next one follows when it has the piece and somebody else has it too, so that those who
 * share get more. It is over when there is another seed: then everybody is told the rest. Nothing
 * is asked of the picker, which a seed does not have. Engine thread.
 */

#include "shoal-link-private.h"

#define SPREAD_US (30 * (gint64) G_USEC_PER_SEC)    /* nobody else has it by then: the peer is
                                                     * alone, or does not share */
#define FETCH_US  (120 * (gint64) G_USEC_PER_SEC)   /* it was not fetched by then: the peer does not
                                                     * want it */

#define CANDIDATES_MAX 512u   /* pieces that are compared for one offer: each costs a look at every
                               * peer */

gboolean
shoal_swarm_is_super (const ShoalSwarm *self)
{
  return self->super_seeding && !self->super_over && self->state == SHOAL_TORRENT_SEEDING
         && self->all_had;
}

static gboolean
is_offered (const ShoalLink *link,
            guint32          piece)
{
  for (guint i = 0; i < SHOAL_SUPER_OFFERS; i++)
    if (link->offers[i].piece == piece)
      return TRUE;

  return FALSE;
}

/* How many have it or will have it soon, @except not counted. */
static guint
count_copies (ShoalSwarm      *self,
              const ShoalLink *except,
              guint32          piece,
              gboolean         soon)
{
  guint n = 0;

  SHOAL_NODE_FOREACH (node, &self->links)
    {
      const ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (link != except && shoal_link_is_live (link)
          && (shoal_link_peer_has (link, piece) || (soon && is_offered (link, piece))))
        n++;
    }

  return n;
}

/* G_MAXUINT32: it has everything, or was told of it. */
static guint32
choose (ShoalSwarm      *self,
        const ShoalLink *link)
{
  guint32 start = shoal_rng_below (&self->engine->rng, self->n_pieces);
  guint32 best = G_MAXUINT32;
  guint fewest = G_MAXUINT;
  guint n_candidates = 0;

  for (guint32 i = 0; i < self->n_pieces && fewest > 0 && n_candidates < CANDIDATES_MAX; i++)
    {
      guint32 piece = (start + i) % self->n_pieces;
      guint n;

      if (shoal_link_peer_has (link, piece) || is_offered (link, piece))
        continue;
      n_candidates++;
      n = count_copies (self, link, piece, TRUE);
      if (n < fewest)
        {
          fewest = n;
          best = piece;
        }
    }

  return best;
}

/* Whether the peer has done with the piece what it was told of it for. */
static gboolean
is_settled (ShoalSwarm       *self,
            const ShoalLink  *link,
            const ShoalOffer *offer)
{
  gint64 age_us = shoal_swarm_now (self) - offer->told_us;

  if (offer->piece == G_MAXUINT32)
    return TRUE;
  if (!shoal_link_peer_has (link, offer->piece))
    return age_us > FETCH_US;

  return self->n_links == 1 || age_us > SPREAD_US
         || count_copies (self, link, offer->piece, FALSE) > 0;
}

static void
offer_next (ShoalSwarm *self,
            ShoalLink  *link)
{
  for (guint i = 0; i < SHOAL_SUPER_OFFERS; i++)
    {
      ShoalOffer *offer = &link->offers[i];

      if (!is_settled (self, link, offer))
        continue;
      offer->piece = G_MAXUINT32;
      offer->piece = choose (self, link);
      offer->told_us = shoal_swarm_now (self);
      if (offer->piece != G_MAXUINT32)
        shoal_link_say_piece (link, SHOAL_MESSAGE_HAVE, offer->piece);
    }
}

void
shoal_swarm_super_begin (ShoalSwarm *self,
                         ShoalLink  *link)
{
  link->masked = TRUE;
  self->super_told = TRUE;
  for (guint i = 0; i < SHOAL_SUPER_OFFERS; i++)
    link->offers[i] = (ShoalOffer){ .piece = G_MAXUINT32 };
  if (shoal_link_is_fast (link))
    shoal_link_say (link, SHOAL_MESSAGE_HAVE_NONE);
}

static void
tell_all (ShoalSwarm *self)
{
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (!link->masked || !shoal_link_is_live (link))
        continue;
      link->masked = FALSE;
      for (guint32 piece = 0; piece < self->n_pieces; piece++)
        if (!is_offered (link, piece) && !shoal_link_peer_has (link, piece))
          shoal_link_say_piece (link, SHOAL_MESSAGE_HAVE, piece);
    }
}

void
shoal_swarm_super_tick (ShoalSwarm *self)
{
  if (!self->super_told)
    return;

  SHOAL_NODE_FOREACH (node, &self->links)
    if (SHOAL_NODE_OWNER (node, ShoalLink, swarm_node)->has_all)
      self->super_over = TRUE;
  if (!shoal_swarm_is_super (self))
    {
      self->super_told = FALSE;
      tell_all (self);
      return;
    }
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (link->masked && shoal_link_is_live (link))
        offer_next (self, link);
    }
}

void
shoal_swarm_super_heard (ShoalSwarm *self,
                         guint32     piece)
{
  if (!self->super_told || !shoal_swarm_is_super (self))
    return;

  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (link->masked && shoal_link_is_live (link) && is_offered (link, piece))
        offer_next (self, link);
    }
}
