/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections with delay, rate and sudden death. */

/*
 * A connection sends one chunk at a time, so that connections share the line of their peer in
 * turns. A chunk leaves when the line is free, arrives after the delay of both ends and when the
 * line of the receiver has room, and counts as in flight until the receiver has read it: like a
 * socket, a connection whose bytes nobody reads takes no more.
 */

#include "sim-net.h"

#include <string.h>

#define FLIGHT_MAX (256u * 1024)   /* bytes under way or unread on one connection */

typedef struct
{
  guint32 size;
  guint8  bytes[];
} SimChunk;

static SimEnd *
end_ref (SimEnd *self)
{
  self->refs++;

  return self;
}

static void
end_unref (SimEnd *self)
{
  if (--self->refs > 0)
    return;
  if (self->other != NULL)
    self->other->other = NULL;
  g_byte_array_unref (self->inbox);
  g_free (self);
}

static void
make_ready (SimEnd   *self,
            SimReady  what)
{
  if (self->over || self->peer->dead)
    return;
  self->ready |= what;
  if (!self->listed)
    {
      self->listed = TRUE;
      g_ptr_array_add (self->peer->ready, end_ref (self));
    }
  sim_peer_wake (self->peer);
}

SimEnd *
sim_peer_next (SimPeer *self,
               guint   *ready)
{
  while (self->ready->len > 0)
    {
      SimEnd *end = g_ptr_array_remove_index (self->ready, 0);
      gboolean over = end->over;

      end->listed = FALSE;
      *ready = end->ready;
      end->ready = 0;
      end_unref (end);
      if (!over)
        return end;
    }

  return NULL;
}

static SimEnd *
new_end (SimPeer         *peer,
         const ShoalAddr *remote,
         gpointer         data)
{
  SimEnd *self = g_new0 (SimEnd, 1);

  self->peer = peer;
  self->remote = *remote;
  self->data = data;
  self->inbox = g_byte_array_new ();
  self->refs = 1;
  self->wakes_us = -1;
  g_ptr_array_add (peer->ends, self);

  return self;
}

static gint64
delay_between (const SimEnd *self)
{
  return self->peer->delay_us + self->other->peer->delay_us;
}

/* --- Opening --- */

static void
on_dialled (SimWorld *world,
            gpointer  a,
            gpointer  b)
{
  SimEnd *self = a;

  if (self->other == NULL || self->other->over)
    {
      self->refused = TRUE;
      make_ready (self, SIM_READY_CLOSED);
    }
  else
    {
      self->open = TRUE;
      make_ready (self, SIM_READY_OPENED);
    }
  end_unref (self);
}

static void
on_knock (SimWorld *world,
          gpointer  a,
          gpointer  b)
{
  SimEnd *self = a;
  SimPeer *peer = b;

  if (!self->over && !peer->dead)
    {
      ShoalAddr from = self->peer->addr;
      SimEnd *other;

      from.port = (guint16) (20000 + ++self->peer->n_dialled % 40000);
      other = new_end (peer, &from, NULL);
      other->other = self;
      self->other = other;
      other->open = TRUE;
      make_ready (other, SIM_READY_ACCEPT);
    }
  end_unref (self);
}

SimEnd *
sim_net_dial (SimPeer         *from,
              const ShoalAddr *to,
              gpointer         data)
{
  SimWorld *world = from->world;
  SimEnd *self = new_end (from, to, data);
  SimPeer *peer = sim_world_find (world, to);
  gint64 delay_us = from->delay_us + (peer != NULL ? peer->delay_us : 20000);

  if (peer != NULL)
    sim_world_at (world, world->now_us + delay_us, on_knock, end_ref (self), peer);
  sim_world_at (world, world->now_us + 2 * delay_us + SIM_TICK_US, on_dialled, end_ref (self),
                NULL);

  return self;
}

/* --- Sending --- */

static void
on_arrival (SimWorld *world,
            gpointer  a,
            gpointer  b)
{
  SimEnd *self = a;
  SimChunk *chunk = b;

  if (!self->over && self->open)
    {
      guint64 word = 0;

      memcpy (&word, chunk->bytes, MIN (chunk->size, sizeof word));
      sim_world_mix (world, word ^ (guint64) self->peer->id << 32 ^ chunk->size);
      memcpy (&word, chunk->bytes + chunk->size - MIN (chunk->size, sizeof word),
              MIN (chunk->size, sizeof word));
      sim_world_mix (world, word);
      g_byte_array_append (self->inbox, chunk->bytes, chunk->size);
      self->peer->received += chunk->size;
      make_ready (self, SIM_READY_INPUT);
    }
  g_free (chunk);
  end_unref (self);
}

static void
on_line_free (SimWorld *world,
              gpointer  a,
              gpointer  b)
{
  SimEnd *self = a;

  self->wakes_us = -1;
  make_ready (self, SIM_READY_OUTPUT);
  end_unref (self);
}

static void
transmit (SimEnd   *self,
          SimChunk *chunk)
{
  SimPeer *from = self->peer, *to = self->other->peer;
  SimWorld *world = from->world;
  gint64 leaves_us = MAX (world->now_us, from->up_busy_us);
  gint64 arrives_us;

  if (from->rate_up > 0)
    leaves_us += (gint64) ((guint64) chunk->size * SIM_SECOND / from->rate_up);
  from->up_busy_us = leaves_us;
  arrives_us = leaves_us + delay_between (self);
  if (to->rate_down > 0)
    {
      arrives_us = MAX (arrives_us,
                        to->down_busy_us
                          + (gint64) ((guint64) chunk->size * SIM_SECOND / to->rate_down));
      to->down_busy_us = arrives_us;
    }
  self->busy_us = leaves_us;
  self->arrives_us = MAX (arrives_us, self->arrives_us);
  self->n_flight += chunk->size;
  from->sent += chunk->size;
  sim_world_at (world, self->arrives_us, on_arrival, end_ref (self->other), chunk);
}

void
sim_end_want (SimEnd *self)
{
  make_ready (self, SIM_READY_OUTPUT);
}

void
sim_end_flush (SimEnd *self)
{
  SimWorld *world = self->peer->world;

  while (self->open && !self->over)
    {
      SimChunk *chunk;
      gsize n;

      if (self->busy_us > world->now_us)
        {
          if (self->wakes_us < 0)
            {
              self->wakes_us = self->busy_us;
              sim_world_at (world, self->busy_us, on_line_free, end_ref (self), NULL);
            }
          return;
        }
      self->stuck = self->n_flight >= FLIGHT_MAX;
      if (self->stuck)
        return;

      chunk = g_malloc (sizeof *chunk + SIM_CHUNK_SIZE);
      n = self->peer->ops->output (self, chunk->bytes, SIM_CHUNK_SIZE);
      if (n == 0)
        {
          g_free (chunk);
          return;
        }
      chunk = g_realloc (chunk, sizeof *chunk + n);
      chunk->size = (guint32) n;
      if (self->other == NULL || self->other->over || self->other->peer->dead)
        {
          self->peer->sent += n;   /* into the void: nobody tells */
          self->n_flight += n;
          g_free (chunk);
          continue;
        }
      transmit (self, chunk);
    }
}

/* --- Receiving --- */

gsize
sim_end_waiting (const SimEnd *self)
{
  return self->inbox->len - self->inbox_at;
}

gsize
sim_end_take (SimEnd *self,
              guint8 *out,
              gsize   max)
{
  gsize n = MIN (max, sim_end_waiting (self));

  memcpy (out, self->inbox->data + self->inbox_at, n);
  self->inbox_at += n;
  if (self->inbox_at == self->inbox->len)
    {
      g_byte_array_set_size (self->inbox, 0);
      self->inbox_at = 0;
    }
  if (self->other != NULL)
    {
      self->other->n_flight -= n;
      if (self->other->stuck)
        make_ready (self->other, SIM_READY_OUTPUT);
    }

  return n;
}

/* --- Closing --- */

static void
on_eof (SimWorld *world,
        gpointer  a,
        gpointer  b)
{
  SimEnd *self = a;

  self->eof = TRUE;
  make_ready (self, SIM_READY_INPUT);
  end_unref (self);
}

static void
tell_other (SimEnd *self)
{
  SimWorld *world = self->peer->world;

  if (self->other != NULL && !self->other->over)
    sim_world_at (world, MAX (self->arrives_us, world->now_us + delay_between (self)), on_eof,
                  end_ref (self->other), NULL);
}

void
sim_end_close (SimEnd *self)
{
  if (self->over || (self->ready & SIM_READY_CLOSED) != 0)
    return;
  tell_other (self);
  self->open = FALSE;
  make_ready (self, SIM_READY_CLOSED);
}

void
sim_end_gone (SimEnd *self)
{
  if (self->over)
    return;
  if (self->open)
    tell_other (self);
  self->over = TRUE;
  self->open = FALSE;
  self->data = NULL;
  g_byte_array_set_size (self->inbox, 0);
  self->inbox_at = 0;
  g_ptr_array_remove_fast (self->peer->ends, self);
  end_unref (self);
}

void
sim_net_cut (SimPeer  *peer,
             gboolean  silently)
{
  while (peer->ends->len > 0)
    {
      SimEnd *end = g_ptr_array_index (peer->ends, peer->ends->len - 1);

      if (silently)
        end->open = FALSE;
      sim_end_gone (end);
    }
}

void
sim_net_drop_all (SimPeer *peer)
{
  sim_net_cut (peer, TRUE);
  for (guint i = 0; i < peer->ready->len; i++)
    end_unref (g_ptr_array_index (peer->ready, i));
  g_ptr_array_set_size (peer->ready, 0);
}
