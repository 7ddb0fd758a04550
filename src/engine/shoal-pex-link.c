/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peer exchange with one peer (BEP 11): what it was told, what it told, and how much of that is
 * believed. */

/* Both tables are sorted arrays with a limit, so that one peer costs a few KiB whatever it does. A
 * message that comes too early, or with more peers than anybody needs, is a strike; after some of
 * them nothing is heard any more, but the link stays: the peer may still be good for pieces. Engine
 * thread. */

#include "shoal-pex-link.h"

struct _ShoalPexLink
{
  ShoalRng *rng;
  gint64    due_us;
  GArray   *told;         /* of ShoalAddr, sorted */
  GArray   *heard;        /* (nullable): of ShoalAddr, sorted: those that take part in punching
                           * holes */
  guint     n_messages;   /* that may come now */
  gint64    message_us;   /* when the last of them was added */
  guint     n_peers;      /* that are taken now */
  gint64    peers_us;
  guint     n_strikes;
};

ShoalPexLink *
shoal_pex_link_new (ShoalRng *rng,
                    gint64    now_us)
{
  ShoalPexLink *self = g_new0 (ShoalPexLink, 1);

  self->rng = rng;
  self->due_us = now_us + SHOAL_PEX_FIRST_US + (gint64) (SHOAL_PEX_FIRST_US * shoal_rng_unit (rng));
  self->told = g_array_new (FALSE, FALSE, sizeof (ShoalAddr));
  self->n_messages = SHOAL_PEX_BURST;
  self->n_peers = SHOAL_PEX_PEERS_BURST;
  self->message_us = self->peers_us = now_us;

  return self;
}

void
shoal_pex_link_free (ShoalPexLink *self)
{
  if (self == NULL)
    return;

  g_array_unref (self->told);
  g_clear_pointer (&self->heard, g_array_unref);
  g_free (self);
}

gboolean
shoal_pex_link_is_due (const ShoalPexLink *self,
                       gint64              now_us)
{
  return self->due_us <= now_us;
}

/* Where @addr stands in @sorted, or should stand. */
static gboolean
find (const GArray    *sorted,
      const ShoalAddr *addr,
      guint           *place)
{
  guint low = 0, high = sorted->len;

  while (low < high)
    {
      guint middle = (low + high) / 2;
      int order = shoal_addr_compare (addr, &g_array_index (sorted, ShoalAddr, middle));

      if (order == 0)
        {
          *place = middle;
          return TRUE;
        }
      if (order < 0)
        high = middle;
      else
        low = middle + 1;
    }
  *place = low;

  return FALSE;
}

/* Those that were told and are not there any more. */
static void
tell_dropped (ShoalPexLink       *self,
              const ShoalPexPeer *peers,
              guint               n,
              ShoalPexMessage    *out)
{
  guint at = 0, kept = 0;

  for (guint i = 0; i < self->told->len; i++)
    {
      const ShoalAddr *addr = &g_array_index (self->told, ShoalAddr, i);

      while (at < n && shoal_addr_compare (&peers[at].addr, addr) < 0)
        at++;
      if ((at < n && shoal_addr_equal (&peers[at].addr, addr))
          || out->n_dropped >= SHOAL_PEX_SENT_MAX)
        g_array_index (self->told, ShoalAddr, kept++) = *addr;
      else
        out->dropped[out->n_dropped++] = (ShoalPexPeer){ *addr, 0 };
    }
  g_array_set_size (self->told, kept);
}

/* Of those that are new a choice by chance, so that not everybody is told of the same. */
static void
tell_added (ShoalPexLink       *self,
            const ShoalPexPeer *peers,
            guint               n,
            ShoalPexMessage    *out)
{
  guint room = MIN (SHOAL_PEX_SENT_MAX,
                    SHOAL_PEX_TOLD_MAX - MIN (self->told->len, SHOAL_PEX_TOLD_MAX));
  guint start = n > 0 ? shoal_rng_below (self->rng, n) : 0;

  for (guint i = 0; i < n && out->n_added < room; i++)
    {
      const ShoalPexPeer *peer = &peers[(start + i) % n];
      guint place;

      if (find (self->told, &peer->addr, &place))
        continue;
      g_array_insert_val (self->told, place, peer->addr);
      out->added[out->n_added++] = *peer;
    }
}

gboolean
shoal_pex_link_tell (ShoalPexLink       *self,
                     const ShoalPexPeer *peers,
                     guint               n,
                     ShoalPexMessage    *out,
                     gint64              now_us)
{
  out->n_added = out->n_dropped = 0;
  out->excess = FALSE;
  tell_dropped (self, peers, n, out);
  tell_added (self, peers, n, out);
  if (out->n_added + out->n_dropped == 0)
    {
      self->due_us = now_us + SHOAL_PEX_LOOK_US;
      return FALSE;
    }
  self->due_us = now_us + SHOAL_PEX_INTERVAL_US
                 + (gint64) (SHOAL_PEX_JITTER_US * shoal_rng_unit (self->rng));

  return TRUE;
}

static void
refill (guint  *tokens,
        gint64 *filled_us,
        guint   max,
        gint64  token_us,
        gint64  now_us)
{
  gint64 n = (now_us - *filled_us) / token_us;

  if (n <= 0)
    return;
  *tokens = (guint) MIN ((gint64) *tokens + n, (gint64) max);
  *filled_us += n * token_us;
}

/* Who can be reached with the help of this peer alone is remembered together with it. */
static void
remember (ShoalPexLink          *self,
          const ShoalPexMessage *message)
{
  guint place;

  for (guint i = 0; self->heard != NULL && i < message->n_dropped; i++)
    if (find (self->heard, &message->dropped[i].addr, &place))
      g_array_remove_index (self->heard, place);
  for (guint i = 0; i < message->n_added; i++)
    {
      if ((message->added[i].flags & SHOAL_PEX_HOLEPUNCH) == 0)
        continue;
      if (self->heard == NULL)
        self->heard = g_array_new (FALSE, FALSE, sizeof (ShoalAddr));
      if (self->heard->len >= SHOAL_PEX_HEARD_MAX)
        return;
      if (!find (self->heard, &message->added[i].addr, &place))
        g_array_insert_val (self->heard, place, message->added[i].addr);
    }
}

gboolean
shoal_pex_link_hear (ShoalPexLink    *self,
                     ShoalPexMessage *message,
                     gint64           now_us)
{
  if (shoal_pex_link_is_deaf (self))
    {
      message->n_added = message->n_dropped = 0;
      return FALSE;
    }

  refill (&self->n_messages, &self->message_us, SHOAL_PEX_BURST, SHOAL_PEX_INTERVAL_US / 2, now_us);
  refill (&self->n_peers, &self->peers_us, SHOAL_PEX_PEERS_BURST,
          SHOAL_PEX_INTERVAL_US / SHOAL_PEX_SENT_MAX, now_us);
  if (self->n_messages == 0 || message->excess)
    {
      self->n_strikes++;
      message->n_added = message->n_dropped = 0;
      if (shoal_pex_link_is_deaf (self))
        g_clear_pointer (&self->heard, g_array_unref);
      return !shoal_pex_link_is_deaf (self);
    }

  self->n_messages--;
  message->n_added = MIN (message->n_added, self->n_peers);
  self->n_peers -= message->n_added;
  remember (self, message);

  return TRUE;
}

gboolean
shoal_pex_link_is_deaf (const ShoalPexLink *self)
{
  return self->n_strikes >= SHOAL_PEX_STRIKES;
}

gboolean
shoal_pex_link_knows (const ShoalPexLink *self,
                      const ShoalAddr    *addr)
{
  guint place;

  return self->heard != NULL && find (self->heard, addr, &place);
}
