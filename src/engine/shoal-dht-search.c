/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A lookup in the DHT: whom to ask next, and when everybody near the target was asked. */

/*
 * Candidates stand in one array, sorted: those without an id first, then by their distance to the
 * target. There are two classes, ids that belong to their address (BEP 42) and others. In each
 * class the first eight that did not fail and do not lead nowhere matter; a candidate is asked only
 * if it is one of them. So the end is a fact about the array, not a matter of how quick anybody
 * was.
 */

#include "shoal-dht-search.h"

#include <string.h>

#define INSECURE_SHARE (SHOAL_DHT_CANDIDATES_MAX / 4)
#define WRONG_MIN      3u    /* a node may be gone without anybody having lied */

struct _ShoalDhtSearch
{
  ShoalSha1          target;
  ShoalDhtCandidate *candidates;
  guint              n;
  guint              capacity;
  guint              n_asked;
  guint              n_insecure;     /* of those */
  guint              n_answered;
  guint              n_numbers;
};

ShoalDhtSearch *
shoal_dht_search_new (const ShoalSha1 *target)
{
  ShoalDhtSearch *self = g_new0 (ShoalDhtSearch, 1);

  self->target = *target;

  return self;
}

void
shoal_dht_search_free (ShoalDhtSearch *self)
{
  if (self == NULL)
    return;

  g_free (self->candidates);
  g_free (self);
}

static ShoalDhtCandidate *
find (ShoalDhtSearch  *self,
      const ShoalAddr *addr)
{
  for (guint i = 0; i < self->n; i++)
    if (shoal_addr_equal (&self->candidates[i].addr, addr))
      return &self->candidates[i];

  return NULL;
}

static int
compare (const ShoalDhtSearch    *self,
         const ShoalDhtCandidate *a,
         const ShoalDhtCandidate *b)
{
  if (a->has_id != b->has_id)
    return a->has_id ? 1 : -1;

  return a->has_id ? shoal_node_id_compare (&self->target, &a->id, &b->id) : 0;
}

/* Takes out the farthest that matters least, of those that stand for nothing yet. FALSE: @newcomer
 * is farther than all of them. */
static gboolean
drop_farthest (ShoalDhtSearch          *self,
               const ShoalDhtCandidate *newcomer,
               gboolean                 insecure_only)
{
  for (guint i = self->n; i > 0; i--)
    {
      ShoalDhtCandidate *candidate = &self->candidates[i - 1];

      if (candidate->progress != SHOAL_DHT_NEW && candidate->progress != SHOAL_DHT_FAILED)
        continue;
      if (insecure_only && candidate->secure)
        continue;
      if (compare (self, newcomer, candidate) >= 0)
        return FALSE;
      memmove (candidate, candidate + 1, (self->n - i) * sizeof *candidate);
      self->n--;
      return TRUE;
    }

  return FALSE;
}

/* Ids that belong to no address can be made up as near as one likes: they have a share of the
 * places and no more. */
static gboolean
make_room (ShoalDhtSearch          *self,
           const ShoalDhtCandidate *newcomer)
{
  guint n_insecure = 0;

  if (newcomer->has_id && !newcomer->secure)
    for (guint i = 0; i < self->n; i++)
      n_insecure += self->candidates[i].has_id && !self->candidates[i].secure ? 1 : 0;
  if (n_insecure >= INSECURE_SHARE)
    return drop_farthest (self, newcomer, TRUE);
  if (self->n < self->capacity)
    return TRUE;
  if (self->capacity < SHOAL_DHT_CANDIDATES_MAX)
    {
      self->capacity = CLAMP (self->capacity * 2, 16, SHOAL_DHT_CANDIDATES_MAX);
      self->candidates = g_renew (ShoalDhtCandidate, self->candidates, self->capacity);
      return TRUE;
    }

  return drop_farthest (self, newcomer, FALSE);
}

static void
insert (ShoalDhtSearch          *self,
        const ShoalDhtCandidate *candidate)
{
  guint place;

  if (!make_room (self, candidate))
    return;
  place = self->n++;
  while (place > 0 && compare (self, candidate, &self->candidates[place - 1]) < 0)
    {
      self->candidates[place] = self->candidates[place - 1];
      place--;
    }
  self->candidates[place] = *candidate;
}

void
shoal_dht_search_add (ShoalDhtSearch  *self,
                      const ShoalSha1 *id,
                      const ShoalAddr *addr,
                      const ShoalAddr *teller)
{
  const ShoalDhtCandidate *told_by = teller != NULL ? find (self, teller) : NULL;
  ShoalDhtCandidate fresh = { .addr = *addr, .hops = 1, .number = ++self->n_numbers };
  guint n_here = 0;

  if (told_by != NULL)
    {
      fresh.teller = told_by->number;
      fresh.hops = told_by->hops + 1;
    }

  if (id != NULL)
    {
      fresh.id = *id;
      fresh.has_id = TRUE;
      fresh.secure = shoal_node_id_is_secure (id, addr);
    }
  for (guint i = 0; i < self->n; i++)
    {
      const ShoalDhtCandidate *other = &self->candidates[i];

      if (shoal_addr_equal (&other->addr, addr)
          || (id != NULL && other->has_id && shoal_sha1_equal (&other->id, id)))
        return;
      n_here += shoal_addr_same_site (&other->addr, addr) ? 1 : 0;
    }
  if (n_here >= SHOAL_DHT_PER_IP && !shoal_addr_is_local (addr))
    return;
  insert (self, &fresh);
}

/* It answered, and there is nothing behind it. */
static gboolean
leads_nowhere (const ShoalDhtSearch    *self,
               const ShoalDhtCandidate *candidate)
{
  if (candidate->n_told == 0)
    return self->n > SHOAL_DHT_K;

  return candidate->n_wrong >= WRONG_MIN && candidate->n_wrong > 2 * candidate->n_right;
}

/* What became of a node speaks for or against who told of it. */
static void
judge_teller (ShoalDhtSearch *self,
              guint           teller,
              gboolean        right)
{
  for (guint i = 0; teller != 0 && i < self->n; i++)
    if (self->candidates[i].number == teller)
      {
        if (right)
          self->candidates[i].n_right++;
        else
          self->candidates[i].n_wrong++;
        return;
      }
}

/* Whether a candidate is one of those that matter; @ranks: how many of its class were before it. */
static gboolean
matters (const ShoalDhtSearch    *self,
         const ShoalDhtCandidate *candidate,
         guint                   *ranks)
{
  if (candidate->progress == SHOAL_DHT_FAILED
      || (candidate->progress == SHOAL_DHT_ANSWERED && leads_nowhere (self, candidate)))
    return FALSE;

  return !candidate->has_id || ranks[candidate->secure ? 1 : 0]++ < SHOAL_DHT_K;
}

static ShoalDhtCandidate *
choose (ShoalDhtSearch *self)
{
  guint ranks[2] = { 0 };

  if (self->n_asked >= SHOAL_DHT_ASKED_MAX)
    return NULL;
  for (guint i = 0; i < self->n; i++)
    {
      ShoalDhtCandidate *candidate = &self->candidates[i];

      if (!matters (self, candidate, ranks) || candidate->progress != SHOAL_DHT_NEW)
        continue;
      if (candidate->has_id && !candidate->secure && self->n_insecure >= SHOAL_DHT_INSECURE_MAX)
        continue;
      return candidate;
    }

  return NULL;
}

const ShoalDhtCandidate *
shoal_dht_search_next (ShoalDhtSearch *self)
{
  ShoalDhtCandidate *next;
  guint n_waiting = 0;

  for (guint i = 0; i < self->n; i++)
    n_waiting += self->candidates[i].progress == SHOAL_DHT_ASKED ? 1 : 0;
  if (n_waiting >= SHOAL_DHT_ALPHA)
    return NULL;
  next = choose (self);
  if (next == NULL)
    return NULL;
  next->progress = SHOAL_DHT_ASKED;
  self->n_asked++;
  self->n_insecure += next->has_id && !next->secure ? 1 : 0;

  return next;
}

gboolean
shoal_dht_search_answered (ShoalDhtSearch  *self,
                           const ShoalAddr *addr,
                           const ShoalSha1 *id,
                           ShoalKrpcBytes   token,
                           guint            n_told,
                           guint           *hops)
{
  ShoalDhtCandidate *known = find (self, addr);
  ShoalDhtCandidate answered;

  if (known == NULL || (known->progress != SHOAL_DHT_ASKED && known->progress != SHOAL_DHT_LATE))
    return FALSE;
  *hops = known->hops;
  self->n_answered++;
  known->progress = SHOAL_DHT_ANSWERED;
  known->n_told = n_told;
  known->token_size = token.data != NULL ? MIN (token.size, SHOAL_KRPC_TOKEN_MAX) : 0;
  if (known->token_size > 0)
    memcpy (known->token, token.data, known->token_size);
  if (known->has_id)
    judge_teller (self, known->teller, shoal_sha1_equal (&known->id, id));
  if (known->has_id && shoal_sha1_equal (&known->id, id))
    return TRUE;

  /* It has another id than was said: it stands where that belongs. */
  answered = *known;
  answered.id = *id;
  answered.has_id = TRUE;
  answered.secure = shoal_node_id_is_secure (id, addr);
  memmove (known, known + 1, (self->n - (guint) (known - self->candidates) - 1) * sizeof *known);
  self->n--;
  insert (self, &answered);

  return TRUE;
}

void
shoal_dht_search_late (ShoalDhtSearch  *self,
                       const ShoalAddr *addr)
{
  ShoalDhtCandidate *known = find (self, addr);

  if (known != NULL && known->progress == SHOAL_DHT_ASKED)
    known->progress = SHOAL_DHT_LATE;
}

void
shoal_dht_search_failed (ShoalDhtSearch  *self,
                         const ShoalAddr *addr)
{
  ShoalDhtCandidate *known = find (self, addr);

  if (known == NULL || known->progress == SHOAL_DHT_ANSWERED || known->progress == SHOAL_DHT_FAILED)
    return;
  known->progress = SHOAL_DHT_FAILED;
  judge_teller (self, known->teller, FALSE);
}

gboolean
shoal_dht_search_is_done (ShoalDhtSearch *self)
{
  guint ranks[2] = { 0 };

  if (choose (self) != NULL)
    return FALSE;
  for (guint i = 0; i < self->n; i++)
    {
      const ShoalDhtCandidate *candidate = &self->candidates[i];

      if (matters (self, candidate, ranks)
          && (candidate->progress == SHOAL_DHT_ASKED || candidate->progress == SHOAL_DHT_LATE))
        return FALSE;
    }

  return TRUE;
}

guint
shoal_dht_search_closest (ShoalDhtSearch           *self,
                          const ShoalDhtCandidate **out,
                          guint                     max)
{
  guint n_class[2] = { 0 };
  guint n = 0;

  for (guint i = 0; i < self->n && n < max; i++)
    {
      const ShoalDhtCandidate *candidate = &self->candidates[i];

      if (candidate->progress != SHOAL_DHT_ANSWERED || candidate->token_size == 0
          || leads_nowhere (self, candidate))
        continue;
      if (n_class[candidate->secure ? 1 : 0]++
          < (candidate->secure ? SHOAL_DHT_K : SHOAL_DHT_INSECURE_K))
        out[n++] = candidate;
    }

  return n;
}

guint
shoal_dht_search_n_asked (const ShoalDhtSearch *self)
{
  return self->n_asked;
}

guint
shoal_dht_search_n_answered (const ShoalDhtSearch *self)
{
  return self->n_answered;
}

const ShoalSha1 *
shoal_dht_search_target (const ShoalDhtSearch *self)
{
  return &self->target;
}
