/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TCP connections: bytes from sockets into the places of links, and from outboxes to sockets. */

/*
 * Sockets are made by GSocket and then used by their descriptor: readv() into the places where
 * the link expects its bytes, sendmsg() and sendfile() from its outbox. System calls are the
 * price of a byte here, so each is avoided when its outcome is known: no read after a short
 * one, no write while the buffer is full, no setsockopt() or epoll_ctl() that changes little.
 *
 * Parts: shoal-conn-write.c (what leaves, and how fast).
 *
 * A conn is DIALING, OPEN or CLOSING, and a member of rings:
 *   all       every conn
 *   flush     it has to be written, or its interest may have changed
 *   paced     as flush, once its time has come
 *   dialing   in the order of their deadlines
 *   sweep     it waits for more than one byte; least recently read first
 *   closing   it is gone; its link is told at the end of the turn
 */

#include "shoal-conn-private.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/uio.h>

#define DIAL_TIMEOUT     (15 * G_USEC_PER_SEC)
#define SWEEP_LATEST     250000          /* microseconds that a byte may wait below the low mark */
#define SWEEP_EARLIEST   100000          /* read within a sweep that comes for another */
#define READ_BUDGET      (1024 * 1024)   /* bytes of one link in one turn */
#define MAX_WINDOW       64              /* places of one readv() */
#define MAX_FROM_SITE    16              /* open connections that came from one site */

ShoalConnSet *
shoal_conn_set_new (ShoalReactor *reactor)
{
  ShoalConnSet *self = g_new0 (ShoalConnSet, 1);

  self->reactor = reactor;
  shoal_node_init (&self->all);
  shoal_node_init (&self->flush);
  shoal_node_init (&self->paced);
  shoal_node_init (&self->dialing);
  shoal_node_init (&self->sweep);
  shoal_node_init (&self->closing);
  self->n_from = g_hash_table_new_full (shoal_addr_hash, shoal_addr_equal, g_free, NULL);

  return self;
}

void
shoal_conn_set_bbr (ShoalConnSet *self,
                    gboolean      bbr)
{
  self->bbr = bbr;
}

void
shoal_conn_set_free (ShoalConnSet *self)
{
  if (self == NULL)
    return;

  g_assert (self->n_conns == 0);
  g_hash_table_unref (self->n_from);
  g_free (self);
}

/* --- Life --- */

static void
conn_free (ShoalConn *self)
{
  ShoalConnSet *set = self->set;

  shoal_reactor_forget (set->reactor, &self->watch);
  if (self->socket != NULL)
    {
      g_socket_close (self->socket, NULL);
      g_object_unref (self->socket);
    }
  if (self->from.family != SHOAL_FAMILY_NONE)
    {
      guint n = GPOINTER_TO_UINT (g_hash_table_lookup (set->n_from, &self->from));

      if (n <= 1)
        g_hash_table_remove (set->n_from, &self->from);
      else
        g_hash_table_insert (set->n_from, g_memdup2 (&self->from, sizeof self->from),
                             GUINT_TO_POINTER (n - 1));
    }
  shoal_node_unlink (&self->all_node);
  shoal_node_unlink (&self->flush_node);
  shoal_node_unlink (&self->state_node);
  shoal_node_unlink (&self->sweep_node);
  set->n_conns--;
  shoal_proxy_handshake_free (self->handshake);
  g_free (self->why);
  g_free (self);
}

/* Its link will be told at the end of the turn, this one or the next. */
void
conn_close (ShoalConn  *self,
            const char *why)
{
  if (self->state == CONN_CLOSING)
    return;

  self->state = CONN_CLOSING;
  self->why = g_strdup (why);
  shoal_reactor_forget (self->set->reactor, &self->watch);
  shoal_node_unlink (&self->flush_node);
  shoal_node_unlink (&self->sweep_node);
  shoal_node_append (&self->set->closing, &self->state_node);
}

static void
conn_later (ShoalConn *self)
{
  if (!shoal_node_is_linked (&self->flush_node))
    shoal_node_append (&self->set->flush, &self->flush_node);
}

/* --- Reading --- */

static void
conn_read (ShoalConn *self)
{
  struct iovec window[MAX_WINDOW];
  gsize budget = READ_BUDGET;

  self->since_us = self->set->now_us;
  if (shoal_node_is_linked (&self->sweep_node))
    shoal_node_append (&self->set->sweep, &self->sweep_node);
  conn_later (self);

  while (budget > 0)
    {
      guint n = shoal_link_window (self->link, window, MAX_WINDOW);
      gsize room = 0;
      gssize got;

      for (guint i = 0; i < n; i++)
        room += window[i].iov_len;
      if (room == 0)
        {
          self->no_window = TRUE;
          return;
        }

      got = readv (self->watch.fd, window, (int) n);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0 && errno == EAGAIN)
        return;
      if (got <= 0)
        {
          conn_close (self, got == 0 ? "Closed by the peer" : g_strerror (errno));
          return;
        }

      self->set->moved += (gsize) got;
      shoal_link_received (self->link, (gsize) got);
      if (self->state != CONN_OPEN || (gsize) got < room)
        return;
      budget -= MIN (budget, (gsize) got);
    }
}

/* --- Interest --- */

static void
conn_set_low_water (ShoalConn *self)
{
  int value = (int) self->mark;

  /* Lower at once, or its bytes would wait for the sweep; higher only when that saves something. */
  if (self->mark >= self->low_water && self->mark / 2 < self->low_water)
    return;

  if (setsockopt (self->watch.fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof value) < 0)
    g_debug ("No low mark: %s", g_strerror (errno));
  self->low_water = self->mark;
}

static void
conn_rearm (ShoalConn *self)
{
  guint32 events = self->blocked ? EPOLLOUT : 0;

  self->mark = self->no_window ? 0 : shoal_link_low_mark (self->link);
  if (self->mark > 0)
    conn_set_low_water (self);
  /* Interest in input is taken back when input comes that is not wanted: often it never does. */
  if (self->mark > 0 || (self->watch.events & EPOLLIN) != 0)
    events |= EPOLLIN;
  if (!shoal_reactor_watch (self->set->reactor, &self->watch, events))
    conn_close (self, g_strerror (errno));

  if (self->state == CONN_OPEN && self->mark > 0 && self->low_water > 1)
    {
      if (!shoal_node_is_linked (&self->sweep_node))
        {
          self->since_us = self->set->now_us;
          shoal_node_append (&self->set->sweep, &self->sweep_node);
        }
    }
  else
    shoal_node_unlink (&self->sweep_node);
}

static char *
pending_error (ShoalConn *self)
{
  int code = 0;
  socklen_t size = sizeof code;

  if (getsockopt (self->watch.fd, SOL_SOCKET, SO_ERROR, &code, &size) == 0 && code != 0)
    return g_strdup (g_strerror (code));

  return g_strdup ("Closed by the peer");
}

/* Talks to the proxy. TRUE: what comes now comes from the peer. */
static gboolean
conn_negotiate (ShoalConn *self)
{
  g_autofree char *error = NULL;
  guint32 events;

  switch (shoal_proxy_negotiate (self->handshake, self->watch.fd, &events, &error))
    {
    case SHOAL_PROXY_DONE:
      g_clear_pointer (&self->handshake, shoal_proxy_handshake_free);
      return TRUE;

    case SHOAL_PROXY_GOES_ON:
      if (!shoal_reactor_watch (self->set->reactor, &self->watch, events))
        conn_close (self, g_strerror (errno));
      return FALSE;

    case SHOAL_PROXY_FAILED:
    default:
      conn_close (self, error);
      return FALSE;
    }
}

static void
conn_connected (ShoalConn *self)
{
  gboolean proxied = self->handshake != NULL;
  g_autoptr(GError) error = NULL;
  struct sockaddr_storage name;
  socklen_t size = sizeof name;
  ShoalAddr local = { 0 };

  if (!g_socket_check_connect_result (self->socket, &error))
    {
      conn_close (self, error->message);
      return;
    }
  if (proxied && !conn_negotiate (self))
    return;

  /* Nobody sees the near end of a connection to a proxy. */
  if (!proxied && getsockname (self->watch.fd, (struct sockaddr *) &name, &size) == 0)
    shoal_addr_from_sockaddr (&local, (struct sockaddr *) &name, size);
  self->state = CONN_OPEN;
  shoal_node_unlink (&self->state_node);
  conn_later (self);
  shoal_link_opened (self->link, &local);
}

static void
conn_ready (ShoalWatch *watch,
            guint32     events)
{
  ShoalConn *self = (ShoalConn *) watch;

  if (self->state == CONN_DIALING)
    {
      conn_connected (self);
      return;
    }

  if ((events & EPOLLOUT) != 0)
    {
      self->blocked = FALSE;
      conn_later (self);
    }
  if (self->mark > 0 && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
    conn_read (self);
  else if ((events & (EPOLLERR | EPOLLHUP)) != 0)
    {
      g_autofree char *why = pending_error (self);

      conn_close (self, why);
    }
  else if ((events & EPOLLIN) != 0 &&
           !shoal_reactor_watch (self->set->reactor, &self->watch,
                                 watch->events & ~(guint32) EPOLLIN))
    conn_close (self, g_strerror (errno));
}

/* --- From outside --- */

static ShoalConn *
conn_new (ShoalConnSet *set,
          GSocket      *socket,
          ConnState     state)
{
  ShoalConn *self = g_new0 (ShoalConn, 1);

  self->set = set;
  self->socket = socket;
  self->state = state;
  self->low_water = 1;
  self->pace = SHOAL_CONN_PACE_MIN;
  self->since_us = set->now_us;
  shoal_node_init (&self->flush_node);
  shoal_node_init (&self->state_node);
  shoal_node_init (&self->sweep_node);
  shoal_node_init (&self->all_node);
  shoal_node_append (&set->all, &self->all_node);
  set->n_conns++;
  shoal_watch_init (&self->watch, socket != NULL ? g_socket_get_fd (socket) : -1, conn_ready);
  if (socket != NULL)
    {
      g_socket_set_blocking (socket, FALSE);
      /* Messages are gathered here already; the kernel must not wait for more. */
      g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);
      if (set->bbr && setsockopt (self->watch.fd, IPPROTO_TCP, TCP_CONGESTION, "bbr", 3) < 0)
        g_debug ("The system does not offer BBR: %s", g_strerror (errno));
    }

  return self;
}

void
shoal_conn_set_bind (ShoalConnSet       *self,
                     const ShoalBinding *binding,
                     ShoalProxy         *proxy)
{
  self->binding = binding;
  self->proxy = proxy;
}

void
shoal_conn_dial (ShoalConnSet    *self,
                 ShoalLink       *link,
                 const ShoalAddr *to,
                 gint64           now_us)
{
  gboolean proxied = self->proxy != NULL && shoal_proxy_is_on (self->proxy);
  const ShoalAddr *near = proxied ? shoal_proxy_addr (self->proxy) : to;
  g_autoptr(GSocketAddress) address = NULL;
  g_autoptr(GError) error = NULL;
  struct sockaddr_storage name;
  socklen_t size;
  GSocket *socket;
  ShoalConn *conn;

  if (near == NULL)
    {
      shoal_conn_refuse (self, link, "The proxy is not found");
      return;
    }

  socket = shoal_socket_new (self->binding, near->family, G_SOCKET_TYPE_STREAM, &error);
  conn = conn_new (self, socket, CONN_DIALING);
  conn->since_us = now_us;
  shoal_conn_set_link (conn, link);
  if (socket == NULL)
    {
      conn_close (conn, error->message);
      return;
    }

  if (proxied)
    conn->handshake = shoal_proxy_connect (self->proxy, to);
  size = shoal_addr_to_sockaddr (near, &name);
  address = g_socket_address_new_from_native (&name, size);
  shoal_node_append (&self->dialing, &conn->state_node);
  /* Also when it is connected at once: the socket is then ready at once, and the answer comes in
   * a turn. */
  if (!g_socket_connect (socket, address, NULL, &error) &&
      !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PENDING))
    conn_close (conn, error->message);
  else if (!shoal_reactor_watch (self->reactor, &conn->watch, EPOLLOUT))
    conn_close (conn, g_strerror (errno));
}

void
shoal_conn_refuse (ShoalConnSet *self,
                   ShoalLink    *link,
                   const char   *why)
{
  ShoalConn *conn = conn_new (self, NULL, CONN_DIALING);

  shoal_conn_set_link (conn, link);
  conn_close (conn, why);
}

static gboolean
is_counted (const ShoalAddr *from)
{
  return !shoal_addr_is_loopback (from);
}

gboolean
shoal_conn_set_admits (const ShoalConnSet *self,
                       const ShoalAddr    *from)
{
  ShoalAddr site = shoal_addr_site (from);

  return !is_counted (from) ||
         GPOINTER_TO_UINT (g_hash_table_lookup (self->n_from, &site)) < MAX_FROM_SITE;
}

ShoalConn *
shoal_conn_accept (ShoalConnSet    *self,
                   GSocket         *socket,
                   const ShoalAddr *from)
{
  ShoalConn *conn = conn_new (self, socket, CONN_OPEN);

  if (is_counted (from))
    {
      guint n;

      conn->from = shoal_addr_site (from);
      n = GPOINTER_TO_UINT (g_hash_table_lookup (self->n_from, &conn->from));
      g_hash_table_insert (self->n_from, g_memdup2 (&conn->from, sizeof conn->from),
                           GUINT_TO_POINTER (n + 1));
    }

  return conn;
}

void
shoal_conn_set_link (ShoalConn *self,
                     ShoalLink *link)
{
  self->link = link;
  shoal_link_set_host_data (link, self);
  if (self->state == CONN_OPEN)
    conn_later (self);
}

void
shoal_conn_discard (ShoalConn *self)
{
  g_assert (self->link == NULL);
  conn_free (self);
}

void
shoal_conn_attend (ShoalConn *self)
{
  self->no_window = FALSE;
  if (self->state == CONN_OPEN)
    conn_later (self);
}

void
shoal_conn_hang_up (ShoalConn *self)
{
  conn_close (self, NULL);
}

/* --- Phases of a turn --- */

void
shoal_conn_set_begin (ShoalConnSet *self,
                      gint64        now_us)
{
  self->now_us = now_us;

  SHOAL_NODE_FOREACH (node, &self->dialing)
    {
      ShoalConn *conn = SHOAL_NODE_OWNER (node, ShoalConn, state_node);

      if (conn->since_us + DIAL_TIMEOUT > now_us)
        break;
      conn_close (conn, "No answer in time");
    }

  SHOAL_NODE_FOREACH (node, &self->paced)
    {
      if (SHOAL_NODE_OWNER (node, ShoalConn, flush_node)->pace_us <= now_us)
        shoal_node_append (&self->flush, node);
    }

  if (shoal_node_is_linked (&self->sweep) &&
      SHOAL_NODE_OWNER (self->sweep.next, ShoalConn, sweep_node)->since_us + SWEEP_LATEST <= now_us)
    {
      for (;;)
        {
          ShoalConn *conn = SHOAL_NODE_OWNER (self->sweep.next, ShoalConn, sweep_node);

          if (!shoal_node_is_linked (&self->sweep) || conn->since_us + SWEEP_EARLIEST > now_us)
            break;
          conn_read (conn);
        }
    }
}

static void
tell_closed (ShoalConnSet *self)
{
  while (shoal_node_is_linked (&self->closing))
    {
      ShoalConn *conn = SHOAL_NODE_OWNER (self->closing.next, ShoalConn, state_node);
      g_autofree char *why = g_steal_pointer (&conn->why);
      ShoalLink *link = conn->link;

      conn_free (conn);
      shoal_link_set_host_data (link, NULL);
      shoal_link_closed (link, why);
    }
}

void
shoal_conn_set_flush (ShoalConnSet *self)
{
  ShoalNode batch;

  tell_closed (self);

  /* A link that asks again while it is written has to wait for the next time. */
  shoal_node_init (&batch);
  if (shoal_node_is_linked (&self->flush))
    {
      batch = self->flush;
      batch.next->prev = &batch;
      batch.prev->next = &batch;
      shoal_node_init (&self->flush);
    }

  while (shoal_node_is_linked (&batch))
    {
      ShoalConn *conn = SHOAL_NODE_OWNER (batch.next, ShoalConn, flush_node);

      shoal_node_unlink (&conn->flush_node);
      conn_write (conn);
      if (conn->state == CONN_OPEN)
        conn_rearm (conn);
    }
}

gboolean
shoal_conn_set_is_pending (const ShoalConnSet *self)
{
  return shoal_node_is_linked (&self->flush) || shoal_node_is_linked (&self->closing);
}

gint64
shoal_conn_set_deadline (const ShoalConnSet *self)
{
  gint64 deadline = G_MAXINT64;

  if (shoal_node_is_linked (&self->dialing))
    {
      const ShoalConn *first = SHOAL_NODE_OWNER (self->dialing.next, ShoalConn, state_node);

      deadline = first->since_us + DIAL_TIMEOUT;
    }
  SHOAL_NODE_FOREACH (node, &self->paced)
    deadline = MIN (deadline, SHOAL_NODE_OWNER (node, ShoalConn, flush_node)->pace_us);
  if (shoal_node_is_linked (&self->sweep))
    {
      const ShoalConn *first = SHOAL_NODE_OWNER (self->sweep.next, ShoalConn, sweep_node);

      deadline = MIN (deadline, first->since_us + SWEEP_LATEST);
    }

  return deadline;
}

void
shoal_conn_set_hang_up_all (ShoalConnSet *self,
                            const char   *why)
{
  SHOAL_NODE_FOREACH (node, &self->all)
    conn_close (SHOAL_NODE_OWNER (node, ShoalConn, all_node), why);
}

guint
shoal_conn_set_count (const ShoalConnSet *self)
{
  return self->n_conns;
}

guint64
shoal_conn_set_moved (const ShoalConnSet *self)
{
  return self->moved;
}
