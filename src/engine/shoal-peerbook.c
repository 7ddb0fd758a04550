/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The addresses known of one torrent: sources, back-off, bans, whom to dial next. */

/* A book holds at most SHOAL_PEERBOOK_MAX peers in an array, which is short enough to be walked for
 * every question; tables find an address and a number. Peers are single allocations, so that a link
 * may point at its own. Order in the array depends only on what was added and removed, never on the
 * place of something in memory. Bans are kept apart from peers: they outlive them. Engine
 * thread. */

#include "shoal-peerbook.h"
#include "shoal-timers.h"

#define BANS_MAX          2048u                          /* the oldest is forgotten first */
#define GIVE_UP_FAILURES  6u
#define SECOND_US         ((gint64) G_USEC_PER_SEC)
#define FAILED_WAIT_US    (5 * SECOND_US)
#define FAILED_FACTOR     4                              /* each further failure: soon for what
                                                          * passes, seldom for who is gone */
#define FAILED_MAX_US     (3600 * SECOND_US)
#define NEAR_WAIT_US      (1 * SECOND_US)                /* loopback, and what the user has asked
                                                          * for */
#define NEAR_FACTOR       2
#define USER_MAX_US       (15 * SECOND_US)
#define USEFUL_WAIT_US    (10 * SECOND_US)
#define USELESS_WAIT_US   (60 * SECOND_US)
#define JITTER            0.25                           /* of a wait, on top of it */

struct _ShoalPeerbook
{
  ShoalRng   *rng;
  ShoalAddr   self;
  const ShoalFilter *filter;   /* (nullable): borrowed */
  GPtrArray  *peers;       /* of ShoalKnownPeer (owned) */
  GHashTable *by_addr;     /* ShoalAddr inside a peer to that peer */
  GHashTable *by_number;
  GHashTable *bans;        /* of ShoalAddr (owned); port 0: the whole IP */
  GQueue      ban_order;   /* the same, oldest first */
  guint       last_number;
};

ShoalPeerbook *
shoal_peerbook_new (ShoalRng *rng)
{
  ShoalPeerbook *self;

  g_return_val_if_fail (rng != NULL, NULL);

  self = g_new0 (ShoalPeerbook, 1);
  self->rng = rng;

  return self;
}

void
shoal_peerbook_free (ShoalPeerbook *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->by_addr, g_hash_table_unref);
  g_clear_pointer (&self->by_number, g_hash_table_unref);
  g_clear_pointer (&self->peers, g_ptr_array_unref);
  g_clear_pointer (&self->bans, g_hash_table_unref);
  g_queue_clear (&self->ban_order);
  g_free (self);
}

/* Most torrents of a long list know nobody: the tables come with the first peer. */
static void
make_tables (ShoalPeerbook *self)
{
  if (self->peers != NULL)
    return;

  self->peers = g_ptr_array_new_with_free_func (g_free);
  self->by_addr = g_hash_table_new (shoal_addr_hash, shoal_addr_equal);
  self->by_number = g_hash_table_new (NULL, NULL);
}

static guint
n_peers (const ShoalPeerbook *self)
{
  return self->peers != NULL ? self->peers->len : 0;
}

static ShoalKnownPeer *
nth (const ShoalPeerbook *self,
     guint                index)
{
  return g_ptr_array_index (self->peers, index);
}

static guint32
priority_of (const ShoalPeerbook *self,
             const ShoalAddr     *addr)
{
  if (self->self.family != addr->family)
    return 0;

  return shoal_addr_priority (&self->self, addr);
}

void
shoal_peerbook_set_self (ShoalPeerbook   *self,
                         const ShoalAddr *external)
{
  g_return_if_fail (self != NULL && external != NULL);

  if (shoal_addr_equal (&self->self, external))
    return;

  self->self = *external;
  for (guint i = 0; i < n_peers (self); i++)
    nth (self, i)->priority = priority_of (self, &nth (self, i)->addr);
}

void
shoal_peerbook_set_filter (ShoalPeerbook     *self,
                           const ShoalFilter *filter)
{
  g_return_if_fail (self != NULL);

  self->filter = filter;
  for (guint i = 0; i < n_peers (self); i++)
    nth (self, i)->blocked = shoal_filter_blocks (filter, &nth (self, i)->addr);
}

static gboolean
is_users (const ShoalKnownPeer *peer)
{
  return (peer->sources & SHOAL_PEER_SOURCE_USER) != 0;
}

/* A port that somebody came from is not one where it listens. */
static gboolean
is_dialable (const ShoalKnownPeer *peer)
{
  return peer->connectable || (peer->sources & ~SHOAL_PEER_SOURCE_INCOMING) != 0;
}

static gboolean
is_candidate (const ShoalKnownPeer *peer,
              gboolean              skip_seeds)
{
  return peer->link == NULL && !peer->banned && !peer->blocked && is_dialable (peer)
         && !(skip_seeds && peer->is_seed)
         && (peer->failures < GIVE_UP_FAILURES || is_users (peer));
}

/* How much a peer is worth its place when the book is full. */
static int
promise_of (const ShoalKnownPeer *peer)
{
  if (is_users (peer))
    return 100;
  if (peer->banned)
    return -100;
  if (!is_dialable (peer))
    return -50;

  return (peer->connectable ? 10 : 0) - 5 * (int) peer->failures;
}

static void
remove_at (ShoalPeerbook *self,
           guint          index)
{
  ShoalKnownPeer *peer = nth (self, index);

  g_hash_table_remove (self->by_addr, &peer->addr);
  g_hash_table_remove (self->by_number, GUINT_TO_POINTER (peer->number));
  g_ptr_array_remove_index_fast (self->peers, index);
}

/* Makes room for a peer that promises @promise, at the cost of one that promises less. */
static gboolean
make_room (ShoalPeerbook *self,
           int            promise)
{
  guint worst = G_MAXUINT;

  if (n_peers (self) < SHOAL_PEERBOOK_MAX)
    return TRUE;

  for (guint i = 0; i < n_peers (self); i++)
    {
      const ShoalKnownPeer *peer = nth (self, i);

      if (peer->link == NULL && peer->pinned == 0 && promise_of (peer) < promise)
        {
          promise = promise_of (peer);
          worst = i;
        }
    }
  if (worst == G_MAXUINT)
    return FALSE;
  remove_at (self, worst);

  return TRUE;
}

ShoalKnownPeer *
shoal_peerbook_add (ShoalPeerbook   *self,
                    const ShoalAddr *addr,
                    ShoalPeerSource  source,
                    gint64           now_us)
{
  ShoalKnownPeer *peer;
  int promise = 0;

  g_return_val_if_fail (self != NULL && addr != NULL, NULL);

  if (!shoal_addr_is_usable (addr) || shoal_filter_blocks (self->filter, addr)
      || shoal_peerbook_is_banned (self, addr))
    return NULL;

  peer = shoal_peerbook_find (self, addr);
  if (peer != NULL)
    {
      /* Given up, but a tracker says that it is there: it is dialled once more. */
      if (source == SHOAL_PEER_SOURCE_TRACKER && peer->failures == GIVE_UP_FAILURES)
        peer->failures--;
      peer->sources |= (guint8) source;
      return peer;
    }

  /* One that is here already is worth more than one that is only told of. */
  if (source & SHOAL_PEER_SOURCE_INCOMING)
    promise = 50;
  if (source & SHOAL_PEER_SOURCE_USER)
    promise = 100;
  if (!make_room (self, promise))
    return NULL;

  make_tables (self);
  peer = g_new0 (ShoalKnownPeer, 1);
  peer->addr = *addr;
  peer->sources = (guint8) source;
  peer->number = ++self->last_number;
  peer->priority = priority_of (self, addr);
  peer->retry_us = now_us;
  g_ptr_array_add (self->peers, peer);
  g_hash_table_insert (self->by_addr, &peer->addr, peer);
  g_hash_table_insert (self->by_number, GUINT_TO_POINTER (peer->number), peer);

  return peer;
}

ShoalKnownPeer *
shoal_peerbook_find (ShoalPeerbook   *self,
                     const ShoalAddr *addr)
{
  g_return_val_if_fail (self != NULL && addr != NULL, NULL);

  return self->by_addr != NULL ? g_hash_table_lookup (self->by_addr, addr) : NULL;
}

ShoalKnownPeer *
shoal_peerbook_by_number (ShoalPeerbook *self,
                          guint          number)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->by_number != NULL ? g_hash_table_lookup (self->by_number, GUINT_TO_POINTER (number))
                                 : NULL;
}

/* The user's, then those that never failed, then by BEP 40: > 0 if @a goes before @b. */
static int
compare_turn (const ShoalKnownPeer *a,
              const ShoalKnownPeer *b)
{
  if (is_users (a) != is_users (b))
    return is_users (a) ? 1 : -1;
  if ((a->failures == 0) != (b->failures == 0))
    return a->failures == 0 ? 1 : -1;
  if (a->priority != b->priority)
    return a->priority > b->priority ? 1 : -1;

  return 0;
}

ShoalKnownPeer *
shoal_peerbook_next (ShoalPeerbook *self,
                     gboolean       skip_seeds,
                     gint64         now_us)
{
  ShoalKnownPeer *best = NULL;
  guint32 n_equal = 0;

  g_return_val_if_fail (self != NULL, NULL);

  for (guint i = 0; i < n_peers (self); i++)
    {
      ShoalKnownPeer *peer = nth (self, i);
      int order;

      if (!is_candidate (peer, skip_seeds) || peer->retry_us > now_us)
        continue;
      order = best != NULL ? compare_turn (peer, best) : 1;
      if (order > 0)
        n_equal = 0;
      if (order < 0 || shoal_rng_below (self->rng, ++n_equal) != 0)
        continue;
      best = peer;
    }

  return best;
}

gint64
shoal_peerbook_when (ShoalPeerbook *self,
                     gboolean       skip_seeds,
                     gint64         now_us)
{
  gint64 at_us = SHOAL_NEVER;

  g_return_val_if_fail (self != NULL, SHOAL_NEVER);

  for (guint i = 0; i < n_peers (self); i++)
    if (is_candidate (nth (self, i), skip_seeds))
      at_us = MIN (at_us, MAX (nth (self, i)->retry_us, now_us));

  return at_us;
}

guint
shoal_peerbook_candidates (ShoalPeerbook *self,
                           gboolean       skip_seeds)
{
  guint n = 0;

  g_return_val_if_fail (self != NULL, 0);

  for (guint i = 0; i < n_peers (self); i++)
    n += is_candidate (nth (self, i), skip_seeds) ? 1 : 0;

  return n;
}

guint
shoal_peerbook_size (const ShoalPeerbook *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return n_peers (self);
}

static gint64
with_jitter (ShoalPeerbook *self,
             gint64         wait_us)
{
  return wait_us + (gint64) ((double) wait_us * JITTER * shoal_rng_unit (self->rng));
}

void
shoal_peerbook_failed (ShoalPeerbook  *self,
                       ShoalKnownPeer *peer,
                       gint64          now_us)
{
  gboolean near = is_users (peer) || shoal_addr_is_loopback (&peer->addr);
  gint64 most_us = is_users (peer) ? USER_MAX_US : FAILED_MAX_US;
  gint64 wait_us = near ? NEAR_WAIT_US : FAILED_WAIT_US;

  g_return_if_fail (self != NULL && peer != NULL);

  for (guint i = 0; i < peer->failures && wait_us < most_us; i++)
    wait_us *= near ? NEAR_FACTOR : FAILED_FACTOR;
  if (peer->failures < GIVE_UP_FAILURES)
    peer->failures++;
  peer->plain = FALSE;   /* the other way is tried again next time */
  peer->excused = FALSE;
  peer->link = NULL;
  peer->retry_us = now_us + with_jitter (self, MIN (wait_us, most_us));
}

void
shoal_peerbook_forgive (ShoalPeerbook *self,
                        gint64         now_us)
{
  g_return_if_fail (self != NULL);

  for (guint i = 0; i < n_peers (self); i++)
    {
      ShoalKnownPeer *peer = nth (self, i);

      peer->failures = 0;
      peer->retry_us = MIN (peer->retry_us, now_us);
    }
}

void
shoal_peerbook_refused_cipher (ShoalPeerbook  *self,
                               ShoalKnownPeer *peer,
                               gint64          now_us)
{
  g_return_if_fail (self != NULL && peer != NULL);

  peer->excused = FALSE;
  if (peer->encrypts)
    {
      peer->encrypts = FALSE;
      shoal_peerbook_failed (self, peer, now_us);
      return;
    }
  peer->plain = TRUE;
  peer->link = NULL;
  peer->retry_us = now_us;
}

void
shoal_peerbook_excuse (ShoalPeerbook  *self,
                       ShoalKnownPeer *peer,
                       gint64          now_us)
{
  g_return_if_fail (self != NULL && peer != NULL);

  peer->excused = TRUE;
  peer->link = NULL;
  peer->retry_us = now_us;
}

void
shoal_peerbook_closed (ShoalPeerbook  *self,
                       ShoalKnownPeer *peer,
                       gboolean        useful,
                       gint64          now_us)
{
  gint64 wait_us = USELESS_WAIT_US;

  g_return_if_fail (self != NULL && peer != NULL);

  if (useful)
    {
      wait_us = is_users (peer) || shoal_addr_is_loopback (&peer->addr) ? NEAR_WAIT_US
                                                                        : USEFUL_WAIT_US;
      peer->failures = 0;
    }
  peer->link = NULL;
  peer->retry_us = now_us + with_jitter (self, wait_us);
}

static void
add_ban (ShoalPeerbook *self,
         ShoalAddr      addr)
{
  ShoalAddr *ban;

  if (self->bans == NULL)
    self->bans = g_hash_table_new_full (shoal_addr_hash, shoal_addr_equal, g_free, NULL);
  if (g_hash_table_contains (self->bans, &addr))
    return;

  if (g_hash_table_size (self->bans) >= BANS_MAX)
    g_hash_table_remove (self->bans, g_queue_pop_head (&self->ban_order));
  ban = g_memdup2 (&addr, sizeof addr);
  g_hash_table_add (self->bans, ban);
  g_queue_push_tail (&self->ban_order, ban);
}

void
shoal_peerbook_ban_ip (ShoalPeerbook   *self,
                       const ShoalAddr *addr)
{
  ShoalAddr whole;

  g_return_if_fail (self != NULL && addr != NULL);

  if (shoal_addr_is_loopback (addr))
    return;
  whole = *addr;
  whole.port = 0;
  add_ban (self, whole);
  for (guint i = 0; i < n_peers (self); i++)
    if (shoal_addr_same_ip (&nth (self, i)->addr, &whole))
      nth (self, i)->banned = TRUE;
}

void
shoal_peerbook_ban (ShoalPeerbook  *self,
                    ShoalKnownPeer *peer)
{
  g_return_if_fail (self != NULL && peer != NULL);

  if (shoal_addr_is_loopback (&peer->addr))
    shoal_peerbook_ban_address (self, peer);
  else
    shoal_peerbook_ban_ip (self, &peer->addr);
}

void
shoal_peerbook_ban_address (ShoalPeerbook  *self,
                            ShoalKnownPeer *peer)
{
  g_return_if_fail (self != NULL && peer != NULL);

  add_ban (self, peer->addr);
  peer->banned = TRUE;
}

void
shoal_peerbook_keep_sources (ShoalPeerbook *self,
                             guint          sources)
{
  g_return_if_fail (self != NULL);

  for (guint i = n_peers (self); i > 0; i--)
    {
      ShoalKnownPeer *peer = nth (self, i - 1);

      if ((peer->sources & sources) != 0)
        {
          peer->sources &= (guint8) sources;
          continue;
        }
      peer->sources = 0;
      peer->connectable = FALSE;
      if (peer->link == NULL && peer->pinned == 0)
        remove_at (self, i - 1);
    }
}

gboolean
shoal_peerbook_is_banned (ShoalPeerbook   *self,
                          const ShoalAddr *addr)
{
  ShoalAddr whole;

  g_return_val_if_fail (self != NULL && addr != NULL, FALSE);

  if (self->bans == NULL)
    return FALSE;
  whole = *addr;
  whole.port = 0;

  return g_hash_table_contains (self->bans, addr) || g_hash_table_contains (self->bans, &whole);
}

guint
shoal_peerbook_best (ShoalPeerbook *self,
                     ShoalAddr     *out,
                     guint          max)
{
  guint n = 0;

  g_return_val_if_fail (self != NULL && (out != NULL || max == 0), 0);

  /* Those that a connection was made to, then those that may be as good. */
  for (guint pass = 0; pass < 2; pass++)
    for (guint i = 0; i < n_peers (self) && n < max; i++)
      {
        const ShoalKnownPeer *peer = nth (self, i);

        if (!peer->banned && peer->failures == 0 && is_dialable (peer)
            && peer->connectable == (pass == 0))
          out[n++] = peer->addr;
      }

  return n;
}
