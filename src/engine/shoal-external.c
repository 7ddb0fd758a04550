/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our own address as others see it: everybody has one vote. */

#include "shoal-external.h"

#include <string.h>

static const guint weights[] = {
  [SHOAL_EXTERNAL_PEER] = 1,
  [SHOAL_EXTERNAL_DHT] = 1,
  [SHOAL_EXTERNAL_TRACKER] = 3,
  [SHOAL_EXTERNAL_GATEWAY] = 10,
};

static ShoalAddr
name_of (const ShoalAddr     *voter,
         ShoalExternalSource  source)
{
  return voter->family != SHOAL_FAMILY_NONE ? shoal_addr_site (voter)
                                            : (ShoalAddr){ .ip = { (guint8) source + 1 } };
}

static ShoalExternalVote *
place_of (ShoalExternal   *self,
          guint            f,
          const ShoalAddr *name)
{
  for (guint i = 0; i < self->n_votes[f]; i++)
    if (shoal_addr_equal (&self->votes[f][i].voter, name))
      return &self->votes[f][i];

  if (self->n_votes[f] < SHOAL_EXTERNAL_VOTERS)
    return &self->votes[f][self->n_votes[f]++];
  self->next[f] = (self->next[f] + 1) % SHOAL_EXTERNAL_VOTERS;

  return &self->votes[f][(self->next[f] + SHOAL_EXTERNAL_VOTERS - 1) % SHOAL_EXTERNAL_VOTERS];
}

static guint
count (const ShoalExternal *self,
       guint                f,
       const ShoalAddr     *seen)
{
  guint sum = 0;

  for (guint i = 0; i < self->n_votes[f]; i++)
    if (shoal_addr_equal (&self->votes[f][i].seen, seen))
      sum += self->votes[f][i].weight;

  return sum;
}

gboolean
shoal_external_vote (ShoalExternal       *self,
                     ShoalExternalSource  source,
                     const ShoalAddr     *voter,
                     const ShoalAddr     *seen)
{
  guint f = seen->family == SHOAL_FAMILY_IPV6;
  ShoalAddr name = name_of (voter, source);
  ShoalAddr address = *seen;
  ShoalExternalVote *vote;
  const ShoalAddr *best = &self->best[f];

  address.port = 1;
  if (!shoal_addr_is_usable (&address) || shoal_addr_is_local (&address))
    return FALSE;
  address.port = 0;
  vote = place_of (self, f, &name);
  *vote = (ShoalExternalVote){ name, address, weights[source] };

  for (guint i = 0; i < self->n_votes[f]; i++)
    if (count (self, f, &self->votes[f][i].seen) > count (self, f, best))
      best = &self->votes[f][i].seen;
  if (shoal_addr_equal (best, &self->best[f]))
    return FALSE;
  self->best[f] = *best;

  return TRUE;
}

const ShoalAddr *
shoal_external_get (const ShoalExternal *self,
                    ShoalFamily          family)
{
  const ShoalAddr *best = &self->best[family == SHOAL_FAMILY_IPV6];

  return best->family != SHOAL_FAMILY_NONE ? best : NULL;
}

void
shoal_external_clear (ShoalExternal *self)
{
  *self = (ShoalExternal){ 0 };
}
