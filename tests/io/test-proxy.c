/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A SOCKS5 proxy of the test's own in a thread: connections, the relay for datagrams, names that
 * stand in. */

#include <gio/gio.h>
#include <string.h>
#include "shoal-proxy.h"

typedef struct
{
  GSocket   *listener;
  guint16    port;
  GThread   *thread;
  GSocket   *relay;          /* (nullable): of the last association */
  gboolean   closes;         /* the association at once */
} Server;

typedef struct
{
  Server          server;
  ShoalReactor   *reactor;
  ShoalDnsClient *dns;
  ShoalProxy     *proxy;
  guint           n_arrived;
  ShoalAddr       from[8];
  guint           n_writable;
  guint8          data[64];
  gsize           size;
} Fixture;

static gboolean
read_exactly (GSocket *socket,
              guint8  *out,
              gsize    size)
{
  while (size > 0)
    {
      gssize got = g_socket_receive (socket, (char *) out, size, NULL, NULL);

      if (got <= 0)
        return FALSE;
      out += got;
      size -= (gsize) got;
    }

  return TRUE;
}

/* One connection: no password, a relay or a refusal; ends with it. */
static gpointer
serve (gpointer user_data)
{
  Server *self = user_data;
  g_autoptr(GSocket) socket = g_socket_accept (self->listener, NULL, NULL);
  guint8 bytes[300];
  guint16 port;

  g_assert_nonnull (socket);
  g_assert_true (read_exactly (socket, bytes, 3));
  g_socket_send (socket, "\x05\x00", 2, NULL, NULL);
  g_assert_true (read_exactly (socket, bytes, 10));
  if (bytes[1] != 3)
    {
      g_socket_send (socket, "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", 10, NULL, NULL);
      g_socket_close (socket, NULL);
      return NULL;
    }
  port = shoal_socket_port (self->relay);
  memcpy (bytes, "\x05\x00\x00\x01\x00\x00\x00\x00", 8);
  bytes[8] = (guint8) (port >> 8);
  bytes[9] = (guint8) port;
  g_socket_send (socket, (const char *) bytes, 10, NULL, NULL);
  if (!self->closes)
    g_assert_false (read_exactly (socket, bytes, 1));
  g_socket_close (socket, NULL);

  return NULL;
}

static void
turn (gpointer user_data)
{
  Fixture *self = user_data;

  shoal_reactor_poll (self->reactor);
}

static void
arrived (const ShoalAddr *from,
         const guint8    *data,
         gsize            size,
         gint64           arrived_us,
         gpointer         user_data)
{
  Fixture *self = user_data;

  g_assert_cmpuint (size, <=, sizeof self->data);
  memcpy (self->data, data, size);
  self->size = size;
  self->from[self->n_arrived++ % G_N_ELEMENTS (self->from)] = *from;
}

static void
writable (gpointer user_data)
{
  Fixture *self = user_data;

  self->n_writable++;
}

static void
changed (gpointer user_data)
{
}

static GSocket *
bound_socket (GSocketType type)
{
  g_autoptr(GError) error = NULL;
  ShoalBinding loopback = { .wanted = "127.0.0.1", .up = TRUE, .by_address = TRUE };
  GSocket *socket;

  loopback.locals[0] = shoal_addr_make (SHOAL_FAMILY_IPV4, (const guint8 *) "\x7f\x00\x00\x01", 0);
  socket = shoal_socket_new_bound (&loopback, SHOAL_FAMILY_IPV4, type, 0, &error);
  g_assert_no_error (error);
  g_socket_set_blocking (socket, TRUE);

  return socket;
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  static const ShoalProxyFuncs funcs = { arrived, writable, writable, changed };

  self->server.listener = bound_socket (G_SOCKET_TYPE_STREAM);
  self->server.port = shoal_socket_port (self->server.listener);
  g_assert_true (g_socket_listen (self->server.listener, NULL));
  self->server.relay = bound_socket (G_SOCKET_TYPE_DATAGRAM);
  self->reactor = shoal_reactor_new (NULL, turn, self);
  self->dns = shoal_dns_client_new (NULL);
  self->proxy = shoal_proxy_new (self->reactor, NULL, self->dns, &funcs, self);
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  shoal_proxy_free (self->proxy);
  if (self->server.thread != NULL)
    g_thread_join (self->server.thread);
  shoal_dns_client_free (self->dns);
  shoal_reactor_free (self->reactor);
  g_object_unref (self->server.listener);
  g_object_unref (self->server.relay);
}

static void
configure (Fixture *self)
{
  g_autofree char *url = g_strdup_printf ("socks5://127.0.0.1:%u", self->server.port);
  g_autoptr(GError) error = NULL;

  self->server.thread = g_thread_new ("proxy", serve, &self->server);
  g_assert_true (shoal_proxy_configure (self->proxy, url, &error));
  g_assert_no_error (error);
  g_assert_true (shoal_proxy_is_on (self->proxy));
  g_assert_nonnull (shoal_proxy_addr (self->proxy));
}

static ShoalAddr
addr (const char *text)
{
  ShoalAddr out;

  g_assert_true (shoal_addr_parse (&out, text, 0));

  return out;
}

static void
test_off (Fixture       *self,
          gconstpointer  data)
{
  ShoalAddr to = addr ("192.0.2.1:1");
  g_autoptr(GError) error = NULL;

  g_assert_false (shoal_proxy_is_on (self->proxy));
  g_assert_null (shoal_proxy_addr (self->proxy));
  g_assert_null (shoal_proxy_url (self->proxy));
  g_assert_cmpint (shoal_proxy_send (self->proxy, &to, self->data, 1, 0, SHOAL_SEND_PLAIN), ==,
                   SHOAL_SEND_FAILED);
  g_assert_false (shoal_proxy_configure (self->proxy, "gopher://h", &error));
  g_assert_nonnull (error);
  g_assert_true (shoal_proxy_is_on (self->proxy));
  g_assert_null (shoal_proxy_addr (self->proxy));
  g_assert_true (shoal_proxy_configure (self->proxy, "", NULL));
  g_assert_false (shoal_proxy_is_on (self->proxy));
}

static void
test_connect (Fixture       *self,
              gconstpointer  data)
{
  ShoalAddr to = addr ("192.0.2.1:6881");
  g_autoptr(ShoalProxyHandshake) handshake = NULL;
  g_autoptr(GSocket) socket = NULL;
  g_autoptr(GSocketAddress) address = NULL;
  g_autofree char *error = NULL;
  ShoalProxyProgress progress;
  guint32 events;

  configure (self);
  handshake = shoal_proxy_connect (self->proxy, &to);
  socket = shoal_socket_new (NULL, SHOAL_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, NULL);
  g_socket_set_blocking (socket, TRUE);
  address = g_inet_socket_address_new_from_string ("127.0.0.1", self->server.port);
  g_assert_true (g_socket_connect (socket, address, NULL, NULL));
  while ((progress = shoal_proxy_negotiate (handshake, g_socket_get_fd (socket), &events, &error))
         == SHOAL_PROXY_GOES_ON)
    g_socket_condition_wait (socket, (GIOCondition) events, NULL, NULL);
  g_assert_cmpint (progress, ==, SHOAL_PROXY_FAILED);
  g_assert_cmpstr (error, ==, "The connection was refused, says the proxy");
}

/* Sends until it went, and hands what the relay got. */
static gsize
send_by_relay (Fixture         *self,
               const ShoalAddr *to,
               const char      *text,
               guint8          *got,
               gsize            room,
               GSocketAddress **from)
{
  while (shoal_proxy_send (self->proxy, to, (const guint8 *) text, strlen (text), 0,
                           SHOAL_SEND_PLAIN) != SHOAL_SEND_SENT)
    g_main_context_iteration (NULL, TRUE);

  return (gsize) g_socket_receive_from (self->server.relay, from, (char *) got, room, NULL, NULL);
}

static void
test_relay (Fixture       *self,
            gconstpointer  data)
{
  ShoalAddr to = addr ("192.0.2.1:6881");
  ShoalAddr named;
  ShoalAddr other;
  g_autoptr(GSocketAddress) us = NULL;
  g_autoptr(GSocketAddress) again = NULL;
  guint8 packet[400];
  gsize size;

  configure (self);
  shoal_proxy_want_relay (self->proxy, TRUE);
  g_assert_cmpint (shoal_proxy_send (self->proxy, &to, (const guint8 *) "x", 1, 0,
                                     SHOAL_SEND_PLAIN),
                   ==, SHOAL_SEND_FULL);
  size = send_by_relay (self, &to, "hello", packet, sizeof packet, &us);
  g_assert_cmpuint (self->n_writable, ==, 1);
  g_assert_true (shoal_proxy_relays (self->proxy));
  g_assert_cmpuint (size, ==, 15);
  g_assert_cmpmem (packet, 10, "\0\0\0\x01\xc0\x00\x02\x01\x1a\xe1", 10);
  g_assert_cmpmem (packet + 10, 5, "hello", 5);

  /* An answer comes from where the relay says that it does. */
  memcpy (packet + 10, "d1:", 3);
  g_socket_send_to (self->server.relay, us, (const char *) packet, 13, NULL, NULL);
  while (self->n_arrived == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (shoal_addr_equal (&self->from[0], &to));
  g_assert_cmpmem (self->data, self->size, "d1:", 3);

  /* A name goes as a name, and what looks like a tracker's answer may be its. */
  g_assert_true (shoal_proxy_stand_in (self->proxy, "tracker.example", 6881, &named));
  size = send_by_relay (self, &named, "hello", packet, sizeof packet, &again);
  g_assert_cmpuint (size, ==, 4 + 1 + 15 + 2 + 5);
  g_assert_cmpmem (packet, 5, "\0\0\0\x03\x0f", 5);
  g_assert_cmpmem (packet + 5, 15, "tracker.example", 15);
  memcpy (packet, "\0\0\0\x01\xc0\x00\x02\x01\x1a\xe1" "\0\0\0\x01tran", 18);
  g_socket_send_to (self->server.relay, us, (const char *) packet, 18, NULL, NULL);
  while (self->n_arrived < 3)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (shoal_addr_equal (&self->from[1], &named));
  g_assert_true (shoal_addr_equal (&self->from[2], &to));

  /* An address beside it that stands for nothing is an address. */
  shoal_proxy_stand_in (self->proxy, "tracker.example", 6881, &other);
  g_assert_true (shoal_addr_equal (&other, &named));
  other.ip[3]++;
  send_by_relay (self, &other, "hello", packet, sizeof packet, &again);
  g_assert_cmpmem (packet, 5, "\0\0\0\x01\xf0", 5);

  shoal_proxy_want_relay (self->proxy, FALSE);
  g_assert_false (shoal_proxy_relays (self->proxy));
}

static void
test_names (Fixture       *self,
            gconstpointer  data)
{
  g_autofree char *large = g_strnfill (256, 'x');
  ShoalAddr addr;

  g_assert_false (shoal_proxy_stand_in (self->proxy, "", 1, &addr));
  g_assert_false (shoal_proxy_stand_in (self->proxy, large, 1, &addr));
  for (guint i = 0; i < SHOAL_PROXY_NAMES_MAX; i++)
    {
      g_autofree char *name = g_strdup_printf ("host-%u", i);

      g_assert_true (shoal_proxy_stand_in (self->proxy, name, 1, &addr));
      g_assert_cmpuint (addr.ip[0], ==, 240);
      g_assert_true (shoal_addr_is_usable (&addr));
    }
  g_assert_false (shoal_proxy_stand_in (self->proxy, "one-too-many", 1, &addr));
  g_assert_true (shoal_proxy_stand_in (self->proxy, "host-7", 1, &addr));
}

static void
test_relay_ends (Fixture       *self,
                 gconstpointer  data)
{
  ShoalAddr to = addr ("192.0.2.1:6881");

  self->server.closes = TRUE;
  configure (self);
  shoal_proxy_want_relay (self->proxy, TRUE);
  while (self->n_writable == 0 || shoal_proxy_relays (self->proxy))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (shoal_proxy_send (self->proxy, &to, (const guint8 *) "x", 1, 0,
                                     SHOAL_SEND_PLAIN),
                   ==, SHOAL_SEND_FAILED);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/io/proxy/off", Fixture, NULL, set_up, test_off, tear_down);
  g_test_add ("/io/proxy/connect", Fixture, NULL, set_up, test_connect, tear_down);
  g_test_add ("/io/proxy/names", Fixture, NULL, set_up, test_names, tear_down);
  g_test_add ("/io/proxy/relay", Fixture, NULL, set_up, test_relay, tear_down);
  g_test_add ("/io/proxy/relay-ends", Fixture, NULL, set_up, test_relay_ends, tear_down);

  return g_test_run ();
}
