/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets that are opened and closed with the network that is wanted; its interface comes and
 * goes. */

#include "own-network.h"
#include "shoal-gio-network.h"

typedef struct
{
  ShoalReactor    *reactor;
  ShoalGioNetwork *network;
  guint            n_due;
  ShoalNetworkState state;
} Fixture;

static void
turn (gpointer user_data)
{
  Fixture *self = user_data;

  shoal_reactor_poll (self->reactor);
}

static void
peer_came (GSocket         *socket,
           const ShoalAddr *from,
           gpointer         user_data)
{
  g_object_unref (socket);
}

static void
datagram_came (const ShoalAddr *from,
               const guint8    *data,
               gsize            size,
               gint64           arrived_us,
               gpointer         user_data)
{
}

static void
writable (gpointer user_data)
{
}

static void
due (gpointer user_data)
{
  Fixture *self = user_data;

  self->n_due++;
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  static const ShoalGioNetworkFuncs funcs = { peer_came, datagram_came, writable, due };

  self->reactor = shoal_reactor_new (NULL, turn, self);
  self->network = shoal_gio_network_new (self->reactor, &funcs, self);
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  shoal_gio_network_free (self->network);
  shoal_reactor_free (self->reactor);
}

static void
apply (Fixture    *self,
       const char *bind)
{
  shoal_gio_network_want (self->network, &(ShoalNetwork){ .tcp = TRUE, .bind = bind });
  g_assert_true (shoal_gio_network_is_due (self->network));
  shoal_gio_network_apply (self->network, &self->state);
  g_assert_false (shoal_gio_network_is_due (self->network));
}

static ShoalSendResult
send_one (Fixture *self)
{
  ShoalAddr to;

  g_assert_true (shoal_addr_parse (&to, "127.0.0.1:9", 0));

  return shoal_gio_network_send (self->network, &to, (const guint8 *) "x", 1, 0, SHOAL_SEND_PLAIN);
}

static void
test_free (Fixture       *self,
           gconstpointer  data)
{
  apply (self, NULL);
  g_assert_cmpuint (self->state.tcp_port, !=, 0);
  g_assert_cmpuint (self->state.udp_port, ==, self->state.tcp_port);
  g_assert_null (self->state.error);
  g_assert_false (self->state.down || self->state.moved);
  g_assert_null (shoal_gio_network_refusal (self->network));

  shoal_gio_network_want (self->network, &(ShoalNetwork){ .tcp = FALSE });
  shoal_gio_network_apply (self->network, &self->state);
  g_assert_cmpuint (self->state.tcp_port, ==, 0);
  g_assert_cmpuint (self->state.udp_port, !=, 0);
  g_assert_false (self->state.moved);
  g_assert_nonnull (shoal_gio_network_refusal (self->network));
}

static void
test_absent (Fixture       *self,
             gconstpointer  data)
{
  apply (self, "nosuch0");
  g_assert_cmpuint (self->state.tcp_port, ==, 0);
  g_assert_cmpuint (self->state.udp_port, ==, 0);
  g_assert_cmpstr (self->state.error, ==, "The network is down: nosuch0 is not there");
  g_assert_true (self->state.down);
  g_assert_nonnull (shoal_gio_network_refusal (self->network));
  g_assert_cmpint (send_one (self), ==, SHOAL_SEND_FAILED);

  apply (self, "");
  g_assert_true (self->state.moved);
  g_assert_false (self->state.down);
}

static void
wait_due (Fixture *self)
{
  guint before = self->n_due;

  while (self->n_due == before)
    g_main_context_iteration (NULL, TRUE);
  shoal_gio_network_apply (self->network, &self->state);
}

static void
test_comes_and_goes (Fixture       *self,
                     gconstpointer  data)
{
  apply (self, "tun9");
  g_assert_true (self->state.down);

  shoal_test_ip ("link add tun9 type veth peer name far9");
  shoal_test_ip ("addr add 10.9.0.1/24 dev tun9");
  shoal_test_ip ("link set tun9 up");
  wait_due (self);
  g_assert_false (self->state.down);
  g_assert_true (self->state.moved);
  g_assert_cmpuint (self->state.tcp_port, !=, 0);
  g_assert_cmpstr (shoal_gio_network_binding (self->network)->device, ==, "tun9");

  shoal_test_ip ("link set tun9 down");
  wait_due (self);
  g_assert_true (self->state.down && self->state.moved);
  g_assert_cmpuint (self->state.udp_port, ==, 0);

  shoal_test_ip ("link set tun9 up");
  wait_due (self);
  g_assert_false (self->state.down);

  /* Another interface is of no interest. */
  self->n_due = 0;
  shoal_test_ip ("link add other9 type veth peer name far8");
  shoal_test_ip ("link del tun9");
  wait_due (self);
  g_assert_cmpuint (self->n_due, ==, 1);
  g_assert_true (self->state.down);
}

/* Behind a proxy for everything nothing listens, and names stand for themselves. */
static void
test_hidden (Fixture       *self,
             gconstpointer  data)
{
  ShoalLookup *query = shoal_lookup_new ("tracker.example", 80);
  ShoalLookup *same = shoal_lookup_new ("tracker.example", 81);
  ShoalLookup *numeric = shoal_lookup_new ("192.0.2.1", 80);

  apply (self, NULL);
  g_assert_cmpint (send_one (self), ==, SHOAL_SEND_SENT);
  shoal_gio_network_want (self->network, &(ShoalNetwork){ .tcp = TRUE,
                                                          .proxy = "http://127.0.0.1:9",
                                                          .proxy_all = TRUE });
  /* From now on, not only once the sockets are gone. */
  g_assert_cmpint (send_one (self), ==, SHOAL_SEND_FAILED);
  shoal_gio_network_apply (self->network, &self->state);
  g_assert_false (self->state.down);
  g_assert_cmpuint (self->state.tcp_port, ==, 0);
  g_assert_cmpuint (self->state.udp_port, ==, 0);
  g_assert_cmpint (send_one (self), ==, SHOAL_SEND_FAILED);
  g_assert_true (shoal_gio_network_stand_in (self->network, query));
  g_assert_true (shoal_gio_network_stand_in (self->network, same));
  g_assert_false (shoal_gio_network_stand_in (self->network, numeric));
  g_assert_cmpuint (query->n_addrs, ==, 1);
  g_assert_cmpuint (query->addrs[0].ip[0], ==, 240);
  g_assert_true (shoal_addr_same_ip (&query->addrs[0], &same->addrs[0]));
  shoal_lookup_free (query);
  shoal_lookup_free (same);
  shoal_lookup_free (numeric);

  /* One that nobody understands closes everything. */
  shoal_gio_network_want (self->network,
                          &(ShoalNetwork){ .tcp = TRUE, .proxy = "ftp://127.0.0.1:9" });
  shoal_gio_network_apply (self->network, &self->state);
  g_assert_true (self->state.down);
  g_assert_cmpstr (self->state.error, ==,
                   "The proxy cannot be used: a proxy is socks5:// or http://, nothing else");
  g_assert_nonnull (shoal_gio_network_refusal (self->network));
}

int
main (int    argc,
      char **argv)
{
  gboolean own;

  g_test_init (&argc, &argv, NULL);
  own = shoal_test_own_network ();
  if (own)
    shoal_test_ip ("link set lo up");
  g_test_add ("/io/gio-network/free", Fixture, NULL, set_up, test_free, tear_down);
  g_test_add ("/io/gio-network/absent", Fixture, NULL, set_up, test_absent, tear_down);
  g_test_add ("/io/gio-network/hidden", Fixture, NULL, set_up, test_hidden, tear_down);
  if (own)
    g_test_add ("/io/gio-network/comes-and-goes", Fixture, NULL, set_up, test_comes_and_goes,
                tear_down);
  else
    g_test_message ("No network of its own: no interface comes or goes");

  return g_test_run ();
}
