/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may download from us: the choking of Legout et al. (IMC 2006), as leecher and as seed. */

/*
 * As leecher the n - 1 interested peers that send us most keep a slot, and one slot (the optimistic
 * one) goes to a peer drawn at random, anew every third round. As seed those unchoked last stay, so
 * that everybody gets a turn whatever it takes: a peer that downloads fast has no advantage. The
 * engine owns the peers; this only sorts and marks them.
 */

#include "shoal-choker.h"

#define RATE_FULL_PERCENT 90u    /* of the limit or the best rate: the line is busy, another slot
                                  * would not help */
#define RISE_PART         8u     /* a rate that is higher by so much is a rise */
#define BEST_DECAY_SHIFT  6u     /* the best rate loses 1/64 a round: a line that got slower is
                                  * believed in minutes */

void
shoal_choker_init (ShoalChoker *self)
{
  *self = (ShoalChoker) { .slots = SHOAL_CHOKE_SLOTS_MIN };
}

void
shoal_choker_forget (ShoalChoker *self,
                     gpointer     link)
{
  if (self->optimistic == link)
    self->optimistic = NULL;
}

/* --- How many slots --- */

/*
 * Whether every slot is taken and moves, and somebody waits while the line has room. Without a
 * limit the best rate seen stands for what the line can do; while the rate still rises above that,
 * it has not shown its end.
 */
static gboolean
has_room (ShoalChoker          *self,
          const ShoalChokePeer *peers,
          guint                 n,
          guint64               rate_up,
          guint64               limit_up,
          gboolean             *all_move)
{
  guint n_unchoked = 0, n_interested = 0;
  gboolean rises = limit_up == 0 && rate_up > self->best_rate_up + self->best_rate_up / RISE_PART;
  guint64 full;

  self->best_rate_up = MAX (self->best_rate_up, rate_up);
  full = limit_up > 0 ? limit_up : self->best_rate_up;

  *all_move = TRUE;
  for (guint i = 0; i < n; i++)
    {
      if (!peers[i].interested)
        continue;
      n_interested++;
      n_unchoked += peers[i].unchoked;
      if (peers[i].unchoked && peers[i].rate_up < SHOAL_CHOKE_SLOT_RATE)
        *all_move = FALSE;
    }

  return *all_move && n_unchoked >= self->slots && n_interested > self->slots
         && (rises || rate_up < full / 100 * RATE_FULL_PERCENT);
}

static void
adjust_slots (ShoalChoker          *self,
              const ShoalChokePeer *peers,
              guint                 n,
              guint                 slots_min,
              guint64               rate_up,
              guint64               limit_up)
{
  gboolean all_move;

  self->best_rate_up -= self->best_rate_up >> BEST_DECAY_SHIFT;
  if (has_room (self, peers, n, rate_up, limit_up, &all_move))
    self->slots++;
  else if (!all_move)
    self->slots -= self->slots > slots_min;
}

gboolean
shoal_choker_grow (ShoalChoker          *self,
                   const ShoalChokePeer *peers,
                   guint                 n,
                   guint64               rate_up,
                   guint64               limit_up)
{
  gboolean all_move;

  if (!has_room (self, peers, n, rate_up, limit_up, &all_move))
    return FALSE;
  self->slots++;

  return TRUE;
}

/* --- Order of the peers --- */

typedef struct
{
  ShoalChokePeer *peer;
  guint64         chance;   /* decides among equals */
} Candidate;

static int
compare_rate_down (gconstpointer a,
                   gconstpointer b)
{
  const Candidate *x = a, *y = b;

  if (x->peer->rate_down != y->peer->rate_down)
    return x->peer->rate_down > y->peer->rate_down ? -1 : 1;
  if (x->peer->unchoked != y->peer->unchoked)
    return x->peer->unchoked ? -1 : 1;

  return x->chance < y->chance ? -1 : x->chance > y->chance;
}

static int
compare_unchoked_last (gconstpointer a,
                       gconstpointer b)
{
  const Candidate *x = a, *y = b;

  if (x->peer->unchoked_us != y->peer->unchoked_us)
    return x->peer->unchoked_us > y->peer->unchoked_us ? -1 : 1;
  if (x->peer->rate_up != y->peer->rate_up)
    return x->peer->rate_up > y->peer->rate_up ? -1 : 1;

  return x->chance < y->chance ? -1 : x->chance > y->chance;
}

/* A peer drawn at random among the interested ones that have no slot in the new order and (if
 * @choked) none now. */
static ShoalChokePeer *
draw (ShoalChokePeer *peers,
      guint           n,
      gboolean        choked,
      ShoalRng       *rng)
{
  ShoalChokePeer *drawn = NULL;
  guint n_equal = 0;

  for (guint i = 0; i < n; i++)
    if (peers[i].interested && !peers[i].unchoke && !(choked && peers[i].unchoked)
        && shoal_rng_below (rng, ++n_equal) == 0)
      drawn = &peers[i];

  return drawn;
}

/* --- As leecher --- */

static guint
keep_best_senders (ShoalChokePeer *peers,
                   guint           n,
                   guint           max,
                   ShoalRng       *rng)
{
  g_autofree Candidate *candidates = g_new (Candidate, n + 1);
  guint n_candidates = 0;

  for (guint i = 0; i < n; i++)
    if (peers[i].interested && !peers[i].snubbed)
      candidates[n_candidates++] = (Candidate) { &peers[i], shoal_rng_next (rng) };
  qsort (candidates, n_candidates, sizeof *candidates, compare_rate_down);
  n_candidates = MIN (n_candidates, max);
  for (guint i = 0; i < n_candidates; i++)
    candidates[i].peer->unchoke = TRUE;

  return n_candidates;
}

static ShoalChokePeer *
find_optimistic (const ShoalChoker *self,
                 ShoalChokePeer    *peers,
                 guint              n)
{
  for (guint i = 0; i < n; i++)
    if (peers[i].link == self->optimistic)
      return &peers[i];

  return NULL;
}

static void
leech (ShoalChoker    *self,
       ShoalChokePeer *peers,
       guint           n,
       gboolean        regular,
       ShoalRng       *rng)
{
  ShoalChokePeer *optimistic = find_optimistic (self, peers, n);
  ShoalChokePeer *drawn;

  keep_best_senders (peers, n, self->slots - 1, rng);

  /* Drawn anew when its time is over, when it went, and when it got a slot by what it sends. */
  if (optimistic == NULL || !optimistic->interested || optimistic->unchoke
      || (regular && self->round % SHOAL_CHOKE_OPTIMISTIC_ROUNDS == 0))
    {
      drawn = draw (peers, n, TRUE, rng);
      if (drawn == NULL && optimistic != NULL && optimistic->interested && !optimistic->unchoke)
        drawn = optimistic;
      if (drawn == NULL)
        drawn = draw (peers, n, FALSE, rng);
      optimistic = drawn;
    }
  self->optimistic = optimistic != NULL ? optimistic->link : NULL;
  if (optimistic != NULL)
    optimistic->unchoke = TRUE;
}

/* --- As seed --- */

static void
seed (ShoalChoker    *self,
      ShoalChokePeer *peers,
      guint           n,
      gboolean        regular,
      ShoalRng       *rng)
{
  g_autofree Candidate *candidates = g_new (Candidate, n + 1);
  guint n_unchoked = 0, n_kept;
  gboolean draws = regular
                   && self->round % SHOAL_CHOKE_OPTIMISTIC_ROUNDS
                        != SHOAL_CHOKE_OPTIMISTIC_ROUNDS - 1;

  self->optimistic = NULL;
  for (guint i = 0; i < n; i++)
    if (peers[i].interested && peers[i].unchoked)
      candidates[n_unchoked++] = (Candidate) { &peers[i], shoal_rng_next (rng) };
  qsort (candidates, n_unchoked, sizeof *candidates, compare_unchoked_last);

  n_kept = MIN (n_unchoked, draws ? self->slots - 1 : self->slots);
  for (guint i = 0; i < n_kept; i++)
    candidates[i].peer->unchoke = TRUE;

  /* The slot that is drawn, and all that are free; who lost its slot gets it back only if nobody
   * else wants it. */
  for (guint i = n_kept; i < self->slots; i++)
    {
      ShoalChokePeer *drawn = draw (peers, n, TRUE, rng);

      if (drawn == NULL && n_kept < n_unchoked)
        drawn = candidates[n_kept++].peer;
      if (drawn == NULL)
        break;
      drawn->unchoke = TRUE;
    }
}

void
shoal_choker_round (ShoalChoker    *self,
                    ShoalChokePeer *peers,
                    guint           n,
                    gboolean        seeding,
                    gboolean        regular,
                    guint           slots_min,
                    guint64         rate_up,
                    guint64         limit_up,
                    ShoalRng       *rng,
                    gint64          now_us)
{
  slots_min = MAX (slots_min, SHOAL_CHOKE_SLOTS_MIN);
  self->slots = MAX (self->slots, slots_min);
  if (regular)
    adjust_slots (self, peers, n, slots_min, rate_up, limit_up);

  for (guint i = 0; i < n; i++)
    peers[i].unchoke = FALSE;
  if (seeding)
    seed (self, peers, n, regular, rng);
  else
    leech (self, peers, n, regular, rng);
  if (regular)
    self->round++;
}
