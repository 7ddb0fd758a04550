/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A world in one process: time, chance, an event heap, and the peers that live in it. */

/*
 * Nothing happens unless the heap says so. Events are ordered by (time, serial), so a seed tells
 * the whole run. A peer does not act in the moment in which something reaches it, but in its next
 * turn, a tick later at most: that is what a reactor does, and it makes a thousand peers cheap.
 */

#include "sim-world.h"

#include "sim-net.h"
#include "sim-torrent.h"
#include "sim-tracker.h"

#define WALL_START_S 1700000000

typedef struct
{
  gint64       at_us;
  guint64      serial;
  SimEventFunc func;
  gpointer     a;
  gpointer     b;
} SimEvent;

/* --- Heap --- */

static gboolean
is_before (const SimEvent *a,
           const SimEvent *b)
{
  return a->at_us < b->at_us || (a->at_us == b->at_us && a->serial < b->serial);
}

void
sim_world_at (SimWorld     *self,
              gint64        at_us,
              SimEventFunc  func,
              gpointer      a,
              gpointer      b)
{
  SimEvent event = { MAX (at_us, self->now_us), self->serial++, func, a, b };
  SimEvent *heap;
  guint at = self->heap->len;

  g_array_append_val (self->heap, event);
  heap = (SimEvent *) (gpointer) self->heap->data;
  while (at > 0 && is_before (&event, &heap[(at - 1) / 2]))
    {
      heap[at] = heap[(at - 1) / 2];
      at = (at - 1) / 2;
    }
  heap[at] = event;
}

static SimEvent
take_first (SimWorld *self)
{
  SimEvent *heap = (SimEvent *) (gpointer) self->heap->data;
  SimEvent first = heap[0];
  SimEvent last = heap[self->heap->len - 1];
  guint n = self->heap->len - 1;
  guint at = 0;

  g_array_set_size (self->heap, n);
  while (at * 2 + 1 < n)
    {
      guint child = at * 2 + 1;

      if (child + 1 < n && is_before (&heap[child + 1], &heap[child]))
        child++;
      if (!is_before (&heap[child], &last))
        break;
      heap[at] = heap[child];
      at = child;
    }
  if (n > 0)
    heap[at] = last;

  return first;
}

/* --- Life --- */

SimWorld *
sim_world_new (guint64 seed)
{
  SimWorld *self = g_new0 (SimWorld, 1);

  self->seed = seed;
  self->wall_s = WALL_START_S;
  self->now_us = 1000 * SIM_SECOND;
  shoal_rng_init (&self->rng, seed);
  self->peers = g_ptr_array_new ();
  self->by_addr = g_hash_table_new (shoal_addr_hash, shoal_addr_equal);
  self->torrents = g_ptr_array_new_with_free_func ((GDestroyNotify) sim_torrent_free);
  self->trackers = g_ptr_array_new_with_free_func ((GDestroyNotify) sim_tracker_free);
  self->heap = g_array_new (FALSE, FALSE, sizeof (SimEvent));

  return self;
}

void
sim_world_free (SimWorld *self)
{
  for (guint i = 0; i < self->peers->len; i++)
    {
      SimPeer *peer = g_ptr_array_index (self->peers, i);

      peer->ops->free (peer);
    }
  /* What is still under way holds memory: let it arrive nowhere. */
  while (self->heap->len > 0)
    {
      SimEvent event = take_first (self);

      self->now_us = event.at_us;
      event.func (self, event.a, event.b);
    }
  for (guint i = 0; i < self->peers->len; i++)
    {
      SimPeer *peer = g_ptr_array_index (self->peers, i);

      sim_net_drop_all (peer);
      g_ptr_array_unref (peer->ends);
      g_ptr_array_unref (peer->ready);
      g_free (peer);
    }
  g_ptr_array_unref (self->peers);
  g_hash_table_unref (self->by_addr);
  g_ptr_array_unref (self->torrents);
  g_ptr_array_unref (self->trackers);
  g_array_unref (self->heap);
  g_free (self);
}

void
sim_world_mix (SimWorld *self,
               guint64   value)
{
  guint64 x = (self->digest ^ value) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  self->digest = x ^ x >> 29;
}

/* --- Time --- */

static void
run_until (SimWorld *self,
           gint64    until_us)
{
  while (self->heap->len > 0 && ((SimEvent *) (gpointer) self->heap->data)->at_us <= until_us)
    {
      SimEvent event = take_first (self);

      g_assert_cmpint (event.at_us, >=, self->now_us);
      self->now_us = event.at_us;
      self->n_events++;
      event.func (self, event.a, event.b);
    }
  self->now_us = until_us;
}

gboolean
sim_world_run (SimWorld    *self,
               SimDoneFunc  done,
               gpointer     data,
               gint64       limit_us)
{
  gint64 end_us = self->now_us + limit_us;

  while (!done (self, data))
    {
      if (self->now_us >= end_us)
        return FALSE;
      run_until (self, MIN (end_us, self->now_us + SIM_SECOND));
    }

  return TRUE;
}

void
sim_world_pass (SimWorld *self,
                gint64    us)
{
  run_until (self, self->now_us + us);
}

/* --- Peers --- */

void
sim_world_add (SimWorld         *self,
               SimPeer          *peer,
               const SimPeerOps *ops)
{
  guint32 n = self->peers->len + 1;
  const guint8 ip[4] = { (guint8) (self->lan ? 10 : 11 + n % 100), (guint8) (n >> 16),
                         (guint8) (n >> 8), (guint8) n };

  peer->ops = ops;
  peer->world = self;
  peer->id = n;
  peer->addr = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 6881);
  peer->delay_us = 5000 + (gint64) shoal_rng_below (&self->rng, 30000);
  peer->alarm_us = SHOAL_NEVER;
  peer->ends = g_ptr_array_new ();
  peer->ready = g_ptr_array_new ();
  g_ptr_array_add (self->peers, peer);
  g_hash_table_insert (self->by_addr, &peer->addr, peer);
}

SimPeer *
sim_world_find (SimWorld        *self,
                const ShoalAddr *addr)
{
  return g_hash_table_lookup (self->by_addr, addr);
}

static void
on_turn (SimWorld *world,
         gpointer  a,
         gpointer  b)
{
  SimPeer *peer = a;

  if (!peer->dead)
    {
      gint64 deadline_us = peer->ops->turn (peer);

      sim_world_mix (world, (guint64) world->now_us << 20 | peer->id);
      sim_peer_alarm (peer, deadline_us);
    }
  /* What the peer did to itself during the turn was handled in it. */
  peer->queued = FALSE;
  if (peer->ready->len > 0)
    sim_peer_wake (peer);
}

void
sim_peer_wake (SimPeer *self)
{
  SimWorld *world = self->world;

  if (self->queued || self->dead)
    return;
  self->queued = TRUE;
  sim_world_at (world, (world->now_us / SIM_TICK_US + 1) * SIM_TICK_US, on_turn, self, NULL);
}

static void
on_alarm (SimWorld *world,
          gpointer  a,
          gpointer  b)
{
  SimPeer *peer = a;

  if (peer->alarm_us > world->now_us)
    return;
  peer->alarm_us = SHOAL_NEVER;
  sim_peer_wake (peer);
}

void
sim_peer_alarm (SimPeer *self,
                gint64   at_us)
{
  if (at_us >= self->alarm_us || at_us == SHOAL_NEVER)
    return;
  self->alarm_us = at_us;
  sim_world_at (self->world, at_us, on_alarm, self, NULL);
}
