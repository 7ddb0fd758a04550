/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every uTP connection of an engine: found by address and number, fed with datagrams, emptied into
 * them. */

/*
 * A socket stands in `due` when something happened to it, or may be said on it; a turn works these
 * off twice: first the owners hear what came, then what they have to say goes out, with one
 * acknowledgement for all of the turn.
 *
 * A SYN costs its sender as much as us: a socket without an owner, which goes after some seconds,
 * and of which there are few. Only the packet that follows, to the number that we gave, makes a
 * link of it.
 *
 * When the system takes no more, the train that it refused is kept and goes first.
 */

#include "shoal-utp-hub.h"

#include <string.h>

struct _ShoalUtpSocket
{
  ShoalUtpHub *hub;
  ShoalAddr    addr;       /* with @id the key */
  guint16      id;
  ShoalUtp    *utp;
  gpointer     owner;      /* (nullable): nobody yet, or not any more */
  gboolean     incoming;
  gboolean     told;       /* the owner knows that it is open */
  gboolean     released;
  ShoalNode    node;       /* in all */
  ShoalNode    half_node;  /* in half_open: it came, and said nothing yet */
  ShoalNode    due_node;
  ShoalTimer   timer;
};

struct _ShoalUtpHub
{
  ShoalHost            *host;
  ShoalTimers          *timers;
  ShoalRng             *rng;
  const ShoalUtpHubOps *ops;
  gpointer              user_data;
  GHashTable           *sockets;     /* of ShoalUtpSocket to itself */
  GHashTable           *sites;       /* ShoalAddr (owned) to how many connections came from there */
  ShoalNode             all;
  ShoalNode             half_open;   /* the oldest first */
  guint                 n_half_open;
  ShoalNode             due;
  ShoalTimer            timer;       /* @due is worked off in the next turn */
  ShoalUtpBuffers       buffers;
  gboolean              accepts;
  guint                 resets;      /* sent in the second that runs */
  gint64                resets_us;
  gboolean              blocked;
  ShoalAddr             held_to;
  gsize                 held_size;   /* of the train that the system did not take; 0: there is
                                      * none */
  guint                 held_segment;
  ShoalSendFlags        held_flags;
  guint8               *train;         /* (nullable): SHOAL_UTP_TRAIN_MAX bytes, while there are
                                        * sockets */
};

/* --- The table --- */

static guint
socket_hash (gconstpointer key)
{
  const ShoalUtpSocket *self = key;

  return shoal_addr_hash (&self->addr) ^ self->id * 2654435761u;
}

static gboolean
socket_equal (gconstpointer a,
              gconstpointer b)
{
  const ShoalUtpSocket *x = a, *y = b;

  return x->id == y->id && shoal_addr_equal (&x->addr, &y->addr);
}

static ShoalUtpSocket *
find (ShoalUtpHub     *self,
      const ShoalAddr *addr,
      guint16          id)
{
  ShoalUtpSocket key = { .addr = *addr, .id = id };

  return g_hash_table_lookup (self->sockets, &key);
}

static void
socket_due (ShoalUtpSocket *self)
{
  if (!shoal_node_is_linked (&self->due_node))
    shoal_node_append (&self->hub->due, &self->due_node);
}

static guint
n_from_site (const ShoalUtpHub *self,
             const ShoalAddr   *from)
{
  ShoalAddr site = shoal_addr_site (from);

  return GPOINTER_TO_UINT (g_hash_table_lookup (self->sites, &site));
}

static void
set_n_from_site (ShoalUtpHub     *self,
                 const ShoalAddr *from,
                 guint            n)
{
  ShoalAddr site = shoal_addr_site (from);

  if (n == 0)
    g_hash_table_remove (self->sites, &site);
  else
    g_hash_table_replace (self->sites, g_memdup2 (&site, sizeof site), GUINT_TO_POINTER (n));
}

static void
leave_half_open (ShoalUtpSocket *self)
{
  if (!shoal_node_is_linked (&self->half_node))
    return;
  shoal_node_unlink (&self->half_node);
  self->hub->n_half_open--;
}

static void
on_deadline (gpointer owner,
             gint64   now_us)
{
  ShoalUtpSocket *self = owner;

  shoal_utp_tick (self->utp, now_us);
  socket_due (self);
}

/* Only so that there is a turn. */
static void
on_due (gpointer owner,
        gint64   now_us)
{
}

static ShoalUtpSocket *
socket_new (ShoalUtpHub     *hub,
            const ShoalAddr *addr,
            guint16          id,
            ShoalUtp        *utp)
{
  ShoalUtpSocket *self = g_new0 (ShoalUtpSocket, 1);

  if (hub->train == NULL)
    hub->train = g_malloc (SHOAL_UTP_TRAIN_MAX);
  self->hub = hub;
  self->addr = *addr;
  self->id = id;
  self->utp = utp;
  shoal_node_init (&self->node);
  shoal_node_init (&self->half_node);
  shoal_node_init (&self->due_node);
  shoal_node_append (&hub->all, &self->node);
  shoal_timer_init (&self->timer, on_deadline, self);
  g_hash_table_add (hub->sockets, self);
  socket_due (self);

  return self;
}

static void
socket_free (ShoalUtpSocket *self)
{
  ShoalUtpHub *hub = self->hub;

  g_hash_table_remove (hub->sockets, self);
  leave_half_open (self);
  if (self->incoming)
    set_n_from_site (hub, &self->addr, n_from_site (hub, &self->addr) - 1);
  if (g_hash_table_size (hub->sockets) == 0 && hub->held_size == 0)
    g_clear_pointer (&hub->train, g_free);
  shoal_timers_disarm (hub->timers, &self->timer);
  shoal_node_unlink (&self->node);
  shoal_node_unlink (&self->due_node);
  shoal_utp_free (self->utp);
  g_free (self);
}

ShoalUtpHub *
shoal_utp_hub_new (ShoalHost            *host,
                   ShoalTimers          *timers,
                   ShoalRng             *rng,
                   const ShoalUtpHubOps *ops,
                   gpointer              user_data)
{
  ShoalUtpHub *self = g_new0 (ShoalUtpHub, 1);

  self->host = host;
  self->timers = timers;
  self->rng = rng;
  self->ops = ops;
  self->user_data = user_data;
  self->sockets = g_hash_table_new (socket_hash, socket_equal);
  self->sites = g_hash_table_new_full (shoal_addr_hash, shoal_addr_equal, g_free, NULL);
  shoal_node_init (&self->all);
  shoal_node_init (&self->half_open);
  shoal_node_init (&self->due);
  shoal_timer_init (&self->timer, on_due, self);

  return self;
}

void
shoal_utp_hub_free (ShoalUtpHub *self)
{
  if (self == NULL)
    return;

  SHOAL_NODE_FOREACH (node, &self->all)
    socket_free (SHOAL_NODE_OWNER (node, ShoalUtpSocket, node));
  shoal_timers_disarm (self->timers, &self->timer);
  g_hash_table_unref (self->sockets);
  g_hash_table_unref (self->sites);
  g_free (self->train);
  g_free (self);
}

guint
shoal_utp_hub_count (const ShoalUtpHub *self)
{
  return g_hash_table_size (self->sockets);
}

void
shoal_utp_hub_accept (ShoalUtpHub *self,
                      gboolean     accepts)
{
  self->accepts = accepts;
}

/* --- Sockets --- */

ShoalUtpSocket *
shoal_utp_socket_dial (ShoalUtpHub     *hub,
                       const ShoalAddr *to,
                       gpointer         owner,
                       gint64           now_us)
{
  ShoalUtpSocket *self;
  guint16 id;

  if (shoal_utp_hub_count (hub) >= SHOAL_UTP_SOCKETS_MAX)
    return NULL;
  do
    id = (guint16) shoal_rng_below (hub->rng, 65535);
  while (find (hub, to, id) != NULL || find (hub, to, (guint16) (id + 1)) != NULL);

  self = socket_new (hub, to, id,
                     shoal_utp_new_dial (id, (guint16) shoal_rng_below (hub->rng, 65536),
                                         to->family, &hub->buffers, now_us));
  self->owner = owner;

  return self;
}

void
shoal_utp_socket_attend (ShoalUtpSocket *self)
{
  socket_due (self);
}

gsize
shoal_utp_socket_unread (const ShoalUtpSocket *self)
{
  return shoal_utp_unread (self->utp);
}

gsize
shoal_utp_socket_read (ShoalUtpSocket     *self,
                       const struct iovec *iov,
                       guint               n)
{
  return shoal_utp_read (self->utp, iov, n);
}

void
shoal_utp_socket_release (ShoalUtpSocket *self,
                          gint64          now_us)
{
  self->owner = NULL;
  self->released = TRUE;
  shoal_utp_close (self->utp, now_us);
  socket_due (self);
}

/* --- Input --- */

/* To somebody who talks of a connection that is not there; not to everybody, and never in answer to
 * a reset. */
static void
send_reset (ShoalUtpHub          *self,
            const ShoalAddr      *to,
            const ShoalUtpPacket *about,
            gint64                now_us)
{
  ShoalUtpPacket reset = {
    .type = SHOAL_UTP_RESET,
    .id = about->id,
    .sent_us = (guint32) now_us,
    .seq = (guint16) shoal_rng_below (self->rng, 65536),
    .ack = about->seq,
  };
  guint8 bytes[SHOAL_UTP_HEADER_SIZE];

  if (now_us - self->resets_us >= G_USEC_PER_SEC)
    {
      self->resets = 0;
      self->resets_us = now_us;
    }
  if (self->blocked || self->resets >= SHOAL_UTP_RESETS_PER_SECOND)
    return;
  self->resets++;
  self->host->ops->send (self->host, to, bytes, shoal_utp_packet_write_head (&reset, 0, bytes), 0,
                         SHOAL_SEND_PLAIN);
}

/* Whether one more may come from @from. One that says nothing gives way to others. */
static gboolean
has_room (ShoalUtpHub     *self,
          const ShoalAddr *from)
{
  if (n_from_site (self, from) >= SHOAL_UTP_FROM_SITE_MAX && !shoal_addr_is_loopback (from))
    return FALSE;
  if (self->n_half_open >= SHOAL_UTP_HALF_OPEN_MAX)
    socket_free (SHOAL_NODE_OWNER (self->half_open.next, ShoalUtpSocket, half_node));

  return shoal_utp_hub_count (self) < SHOAL_UTP_SOCKETS_MAX;
}

static void
somebody_dials (ShoalUtpHub          *self,
                const ShoalAddr      *from,
                const ShoalUtpPacket *syn,
                gint64                arrived_us,
                gint64                now_us)
{
  ShoalUtpSocket *socket;

  if (!self->accepts || !has_room (self, from))
    {
      send_reset (self, from, syn, now_us);
      return;
    }
  socket = socket_new (self, from, (guint16) (syn->id + 1),
                       shoal_utp_new_accept (syn, (guint16) shoal_rng_below (self->rng, 65536),
                                             from->family, &self->buffers, arrived_us, now_us));
  socket->incoming = TRUE;
  set_n_from_site (self, from, n_from_site (self, from) + 1);
  shoal_node_append (&self->half_open, &socket->half_node);
  self->n_half_open++;
}

gboolean
shoal_utp_hub_datagram (ShoalUtpHub     *self,
                        const ShoalAddr *from,
                        const guint8    *data,
                        gsize            size,
                        gint64           arrived_us,
                        gint64           now_us)
{
  ShoalUtpPacket packet;
  ShoalUtpSocket *socket;

  if (!shoal_utp_packet_looks (data, size))
    return FALSE;
  if (!shoal_utp_packet_parse (&packet, data, size))
    return TRUE;

  socket = find (self, from, packet.type == SHOAL_UTP_SYN ? (guint16) (packet.id + 1) : packet.id);
  /* Who has nothing left of a connection resets it with the number that we gave, or with the one
   * that it got. */
  if (socket == NULL && packet.type == SHOAL_UTP_RESET)
    {
      socket = find (self, from, (guint16) (packet.id - 1));
      if (socket == NULL || shoal_utp_peer_id (socket->utp) != packet.id)
        socket = find (self, from, (guint16) (packet.id + 1));
      if (socket != NULL && shoal_utp_peer_id (socket->utp) != packet.id)
        socket = NULL;
    }
  if (socket != NULL)
    {
      shoal_utp_packet (socket->utp, &packet, MIN (arrived_us, now_us), now_us);
      if (shoal_utp_state (socket->utp) != SHOAL_UTP_ANSWERED)
        leave_half_open (socket);
      socket_due (socket);
    }
  else if (packet.type == SHOAL_UTP_SYN)
    {
      somebody_dials (self, from, &packet, MIN (arrived_us, now_us), now_us);
    }
  else if (packet.type != SHOAL_UTP_RESET)
    {
      send_reset (self, from, &packet, now_us);
    }

  return TRUE;
}

/* FALSE: the socket is no more. */
static gboolean
deliver_one (ShoalUtpSocket *self,
             gint64          now_us)
{
  const ShoalUtpHubOps *ops = self->hub->ops;
  ShoalUtpState state = shoal_utp_state (self->utp);
  gpointer owner;

  if (state == SHOAL_UTP_OPEN && !self->told && !self->released)
    {
      self->told = TRUE;
      if (self->incoming)
        self->owner = ops->accept (self->hub->user_data, self, &self->addr);
      else if (self->owner != NULL)
        ops->opened (self->owner);
      if (self->owner == NULL && !self->released)
        shoal_utp_socket_release (self, now_us);
    }
  if (self->owner != NULL && shoal_utp_unread (self->utp) > 0)
    ops->input (self->owner);
  if (self->owner != NULL && (state == SHOAL_UTP_OVER || shoal_utp_at_end (self->utp)))
    {
      const char *why = shoal_utp_why (self->utp);

      owner = self->owner;
      shoal_utp_socket_release (self, now_us);
      ops->gone (owner, why != NULL ? why : "closed by the peer");
    }
  if (shoal_utp_state (self->utp) == SHOAL_UTP_OVER && self->owner == NULL)
    {
      socket_free (self);
      return FALSE;
    }

  return TRUE;
}

/* --- Output --- */

/* Whatever went neither out nor is held is as if it were lost on the way. */
static ShoalSendResult
send_train (ShoalUtpHub     *self,
            const ShoalAddr *to,
            gsize            size,
            guint            segment,
            ShoalSendFlags   flags)
{
  ShoalSendResult result;

  result = self->host->ops->send (self->host, to, self->train, size, segment, flags);
  if (result == SHOAL_SEND_FULL)
    {
      self->blocked = TRUE;
      self->held_to = *to;
      self->held_size = size;
      self->held_segment = segment;
      self->held_flags = flags;
    }

  return result;
}

static void
take_output (ShoalUtpSocket *self,
             gint64          now_us)
{
  guint8 *bytes = self->hub->train;
  gsize room, n;

  if (self->owner == NULL || shoal_utp_state (self->utp) != SHOAL_UTP_OPEN)
    return;
  room = shoal_utp_room (self->utp, now_us);
  if (room == 0)
    return;
  n = self->hub->ops->output (self->owner, bytes, MIN (room, SHOAL_UTP_TRAIN_MAX));
  /* Saying the last of it may have ended the owner's interest. */
  if (n > 0 && shoal_utp_state (self->utp) == SHOAL_UTP_OPEN)
    shoal_utp_write (self->utp, bytes, n);
}

/* FALSE: the system takes no more. */
static gboolean
flush_one (ShoalUtpSocket *self,
           gint64          now_us)
{
  ShoalUtpHub *hub = self->hub;
  gint64 deadline_us;

  for (;;)
    {
      guint segment, probe;
      gsize size;

      take_output (self, now_us);
      size = shoal_utp_output (self->utp, hub->train, &segment, &probe, now_us);
      if (size == 0)
        break;
      switch (send_train (hub, &self->addr, size, segment,
                          probe != 0 ? SHOAL_SEND_WHOLE : SHOAL_SEND_PLAIN))
        {
        case SHOAL_SEND_FULL:
          return FALSE;

        case SHOAL_SEND_TOO_BIG:
          if (probe != 0)
            shoal_utp_too_big (self->utp, probe, now_us);
          break;

        case SHOAL_SEND_SENT:
        case SHOAL_SEND_FAILED:
        default:
          break;
        }
    }

  deadline_us = shoal_utp_deadline (self->utp);
  if (shoal_utp_state (self->utp) == SHOAL_UTP_OVER)
    deadline_us = now_us + 1;
  if (deadline_us == SHOAL_NEVER)
    shoal_timers_disarm (hub->timers, &self->timer);
  else
    shoal_timers_arm (hub->timers, &self->timer, MAX (deadline_us, now_us + 1));

  return TRUE;
}

void
shoal_utp_hub_writable (ShoalUtpHub *self)
{
  self->blocked = FALSE;
}

static void
move_due (ShoalUtpHub *self,
          ShoalNode   *batch)
{
  shoal_node_init (batch);
  while (shoal_node_is_linked (&self->due))
    shoal_node_append (batch, self->due.next);
}

void
shoal_utp_hub_deliver (ShoalUtpHub *self,
                       gint64       now_us)
{
  ShoalNode batch;

  move_due (self, &batch);
  while (shoal_node_is_linked (&batch))
    {
      ShoalUtpSocket *socket = SHOAL_NODE_OWNER (batch.next, ShoalUtpSocket, due_node);

      shoal_node_append (&self->due, &socket->due_node);
      deliver_one (socket, now_us);
    }
}

void
shoal_utp_hub_flush (ShoalUtpHub *self,
                     gint64       now_us)
{
  ShoalNode batch;

  if (self->held_size > 0 && !self->blocked)
    {
      gsize size = self->held_size;
      ShoalAddr to = self->held_to;

      self->held_size = 0;
      send_train (self, &to, size, self->held_segment, self->held_flags);
    }
  if (self->blocked)
    return;

  move_due (self, &batch);
  while (shoal_node_is_linked (&batch))
    {
      ShoalUtpSocket *socket = SHOAL_NODE_OWNER (batch.next, ShoalUtpSocket, due_node);

      shoal_node_unlink (&socket->due_node);
      if (!self->blocked && flush_one (socket, now_us))
        continue;
      socket_due (socket);
    }
  /* What asked for more while others were served has its turn at once. */
  if (!self->blocked && shoal_node_is_linked (&self->due))
    shoal_timers_arm (self->timers, &self->timer, now_us + 1);
}

void
shoal_utp_hub_drop_all (ShoalUtpHub *self,
                        gint64       now_us)
{
  SHOAL_NODE_FOREACH (node, &self->all)
    {
      ShoalUtpSocket *socket = SHOAL_NODE_OWNER (node, ShoalUtpSocket, node);
      gpointer owner = socket->owner;

      shoal_utp_socket_release (socket, now_us);
      if (owner != NULL)
        self->ops->gone (owner, "stopped");
    }
  shoal_utp_hub_flush (self, now_us);
}
