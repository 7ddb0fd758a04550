/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Port mapping against a gateway that the test plays itself, on loopback. */

#include <string.h>
#include "gateway.h"
#include "shoal-igd.h"
#include "shoal-portmap.h"

#define TCP_PORT  6881
#define UDP_PORT  6882
#define LONG_MS   10000   /* nothing takes so long */

typedef struct
{
  Gateway        gateway;
  ShoalPortmap  *portmap;
  ShoalMapping   now;
  guint          n_changes;
  gboolean       late;
} Fixture;

static void
changed (const ShoalMapping *now,
         gpointer            user_data)
{
  Fixture *self = user_data;

  self->now = *now;
  self->n_changes++;
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  gateway_open (&self->gateway);
  self->portmap = shoal_portmap_new (&self->gateway.ways, changed, self);
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  g_clear_pointer (&self->portmap, shoal_portmap_free);
  gateway_close (&self->gateway);
}

static ShoalPortmapPlace
here (void)
{
  const guint8 ip[4] = { 127, 0, 0, 1 };

  return (ShoalPortmapPlace){
    .gateway = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 0),
    .own = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 0),
    .upnp_gateway = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 0),
    .upnp_own = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 0),
  };
}

static void
want (Fixture *self,
      guint16  tcp_port,
      guint16  udp_port)
{
  ShoalPortmapPlace place = here ();

  shoal_portmap_set (self->portmap, &place, tcp_port, udp_port);
}

static gboolean
too_long (gpointer user_data)
{
  ((Fixture *) user_data)->late = TRUE;

  return G_SOURCE_REMOVE;
}

typedef gboolean (*Condition) (Fixture *self);

static void
until (Fixture  *self,
       Condition condition)
{
  GSource *deadline = g_timeout_source_new (LONG_MS);

  self->late = FALSE;
  g_source_set_callback (deadline, too_long, self, NULL);
  g_source_attach (deadline, self->gateway.context);
  while (!condition (self))
    {
      g_assert_false (self->late);
      g_main_context_iteration (self->gateway.context, TRUE);
    }
  g_source_destroy (deadline);
  g_source_unref (deadline);
}

static gboolean is_done (Fixture *self) { return self->now.state == SHOAL_MAP_DONE; }
static gboolean has_failed (Fixture *self) { return self->now.state == SHOAL_MAP_FAILED; }

static gboolean
is_off (Fixture *self)
{
  return self->n_changes > 0 && self->now.state == SHOAL_MAP_OFF;
}

static gboolean
is_renewed (Fixture *self)
{
  return self->gateway.n_added[0] >= 3 && self->gateway.n_added[1] >= 3;
}

static gboolean is_muted (Fixture *self) { return self->gateway.mutes->len > 0; }

static void
assert_mapped (Fixture       *self,
               ShoalMapMethod method,
               guint16        tcp_port,
               guint16        udp_port,
               const char    *address)
{
  until (self, is_done);
  g_assert_cmpint (self->now.method, ==, method);
  g_assert_cmpint (self->now.reason, ==, SHOAL_MAP_REASON_NONE);
  g_assert_cmpuint (self->now.tcp_port, ==, tcp_port);
  g_assert_cmpuint (self->now.udp_port, ==, udp_port);
  g_assert_cmpstr (self->now.address, ==, address);
}

/* --- Cases --- */

static void
test_pcp (Fixture       *self,
          gconstpointer  data)
{
  self->gateway.pcp = TRUE;
  self->gateway.nat_pmp = TRUE;
  want (self, TCP_PORT, UDP_PORT);
  /* UDP is asked for where TCP is, and may be had there. */
  assert_mapped (self, SHOAL_MAP_METHOD_PCP, TCP_PORT, TCP_PORT, "203.0.113.5");
  g_assert_cmpuint (self->gateway.entries[1].internal, ==, UDP_PORT);
  g_assert_false (self->now.nested);

  /* The same wish is no news. */
  want (self, TCP_PORT, UDP_PORT);
  g_assert_cmpuint (self->gateway.n_removed[0], ==, 0);

  /* Another is: the old ones go first. */
  self->now.state = SHOAL_MAP_OFF;
  want (self, TCP_PORT + 1, TCP_PORT + 1);
  assert_mapped (self, SHOAL_MAP_METHOD_PCP, TCP_PORT + 1, TCP_PORT + 1, "203.0.113.5");
  g_assert_cmpuint (self->gateway.n_removed[0], ==, 1);
  g_assert_cmpuint (self->gateway.n_removed[1], ==, 1);

  want (self, 0, 0);
  until (self, is_off);
  g_assert_cmpuint (self->gateway.n_removed[0], ==, 2);
  g_assert_cmpuint (self->gateway.n_removed[1], ==, 2);
}

static void
test_other_port (Fixture       *self,
                 gconstpointer  data)
{
  self->gateway.pcp = TRUE;
  self->gateway.shift = 100;
  want (self, TCP_PORT, TCP_PORT);
  assert_mapped (self, SHOAL_MAP_METHOD_PCP, TCP_PORT + 100, TCP_PORT + 200, "203.0.113.5");
}

static void
test_nat_pmp (Fixture       *self,
              gconstpointer  data)
{
  self->gateway.nat_pmp = TRUE;
  want (self, TCP_PORT, TCP_PORT);
  assert_mapped (self, SHOAL_MAP_METHOD_NAT_PMP, TCP_PORT, TCP_PORT, "203.0.113.6");
  /* The end takes them back without being asked to. */
  g_clear_pointer (&self->portmap, shoal_portmap_free);
  g_assert_cmpuint (self->gateway.n_removed[0], ==, 1);
  g_assert_cmpuint (self->gateway.n_removed[1], ==, 1);
}

static void
test_lost (Fixture       *self,
           gconstpointer  data)
{
  self->gateway.pcp = TRUE;
  self->gateway.drops = 2;
  want (self, TCP_PORT, TCP_PORT);
  assert_mapped (self, SHOAL_MAP_METHOD_PCP, TCP_PORT, TCP_PORT, "203.0.113.5");
}

static void
test_renewal (Fixture       *self,
              gconstpointer  data)
{
  self->gateway.pcp = GPOINTER_TO_UINT (data) == SHOAL_MAP_METHOD_PCP;
  self->gateway.nat_pmp = !self->gateway.pcp;
  self->gateway.lease_s = 0;
  want (self, TCP_PORT, TCP_PORT);
  until (self, is_done);
  self->n_changes = 0;
  until (self, is_renewed);
  g_assert_cmpuint (self->n_changes, ==, 0);
}

static void
test_gateway_goes (Fixture       *self,
                   gconstpointer  data)
{
  self->gateway.pcp = TRUE;
  self->gateway.lease_s = 0;
  want (self, TCP_PORT, TCP_PORT);
  until (self, is_done);
  self->gateway.pcp = FALSE;
  until (self, has_failed);
  g_assert_cmpint (self->now.reason, ==, SHOAL_MAP_REASON_NO_ANSWER);
  g_assert_cmpuint (self->now.tcp_port, ==, 0);
  self->gateway.pcp = TRUE;
  until (self, is_done);
}

static void
test_refused (Fixture       *self,
              gconstpointer  data)
{
  self->gateway.pcp = TRUE;
  self->gateway.refuse_udp = 9;
  want (self, TCP_PORT, TCP_PORT);
  assert_mapped (self, SHOAL_MAP_METHOD_PCP, TCP_PORT, 0, "203.0.113.5");

  self->gateway.refuse_tcp = 2;
  want (self, TCP_PORT + 1, 0);
  until (self, has_failed);
  g_assert_cmpint (self->now.reason, ==, SHOAL_MAP_REASON_REFUSED);
}

static void
test_udp_alone (Fixture       *self,
                gconstpointer  data)
{
  self->gateway.nat_pmp = TRUE;
  want (self, 0, UDP_PORT);
  assert_mapped (self, SHOAL_MAP_METHOD_NAT_PMP, 0, UDP_PORT, "203.0.113.6");
  g_assert_cmpuint (self->gateway.n_added[0], ==, 0);
}

static void
test_nobody (Fixture       *self,
             gconstpointer  data)
{
  ShoalPortmapPlace nowhere = { 0 };

  want (self, TCP_PORT, TCP_PORT);
  until (self, has_failed);
  g_assert_cmpint (self->now.reason, ==, SHOAL_MAP_REASON_NO_ANSWER);

  shoal_portmap_set (self->portmap, &nowhere, TCP_PORT, TCP_PORT);
  self->now.state = SHOAL_MAP_OFF;
  until (self, has_failed);
  g_assert_cmpint (self->now.reason, ==, SHOAL_MAP_REASON_NO_GATEWAY);

  /* Another network, with a gateway. */
  self->gateway.pcp = TRUE;
  want (self, TCP_PORT, TCP_PORT);
  until (self, is_done);
}

static void
test_upnp (Fixture       *self,
           gconstpointer  data)
{
  gateway_serve_upnp (&self->gateway);
  want (self, TCP_PORT, UDP_PORT);
  assert_mapped (self, SHOAL_MAP_METHOD_UPNP, TCP_PORT, TCP_PORT, "203.0.113.7");
  g_assert_cmpuint (self->gateway.entries[1].internal, ==, UDP_PORT);
  g_assert_cmpuint (self->gateway.last_lease, ==, SHOAL_PORTMAP_LEASE_S);
  g_clear_pointer (&self->portmap, shoal_portmap_free);
  g_assert_cmpuint (self->gateway.n_removed[0], ==, 1);
  g_assert_cmpuint (self->gateway.n_removed[1], ==, 1);
}

static void
test_upnp_whims (Fixture       *self,
                 gconstpointer  data)
{
  gateway_serve_upnp (&self->gateway);
  self->gateway.n_conflicts = 2;
  self->gateway.permanent_only = TRUE;
  self->gateway.outer_ip = "100.64.3.4";
  want (self, TCP_PORT, TCP_PORT);
  until (self, is_done);
  g_assert_cmpuint (self->gateway.last_lease, ==, 0);
  g_assert_cmpuint (self->now.tcp_port, !=, TCP_PORT);
  g_assert_cmpuint (self->now.tcp_port, ==, self->now.udp_port);
  g_assert_cmpuint (self->now.tcp_port, ==, self->gateway.entries[0].external);
  g_assert_true (self->now.nested);

  self->gateway.n_conflicts = 100;
  want (self, TCP_PORT + 1, 0);
  until (self, has_failed);
  g_assert_cmpint (self->now.reason, ==, SHOAL_MAP_REASON_REFUSED);
}

/* Whoever answers for the gateway, or sends us elsewhere, is not believed. */
static void
test_upnp_elsewhere (Fixture       *self,
                     gconstpointer  data)
{
  gateway_serve_upnp (&self->gateway);
  self->gateway.location_host = "127.0.0.2";
  want (self, TCP_PORT, TCP_PORT);
  until (self, has_failed);
  g_assert_cmpint (self->now.reason, ==, SHOAL_MAP_REASON_NO_ANSWER);
}

static void
test_upnp_mute (Fixture       *self,
                gconstpointer  data)
{
  gateway_serve_upnp (&self->gateway);
  self->gateway.mute = TRUE;
  want (self, TCP_PORT, TCP_PORT);
  until (self, has_failed);
  g_assert_cmpint (self->now.reason, ==, SHOAL_MAP_REASON_NO_ANSWER);

  /* The end does not wait for it. */
  g_ptr_array_set_size (self->gateway.mutes, 0);
  want (self, TCP_PORT + 1, TCP_PORT);
  until (self, is_muted);
  g_clear_pointer (&self->portmap, shoal_portmap_free);
}

/* --- Announcements --- */

static gboolean
is_told_again (Fixture *self)
{
  return self->gateway.entries[0].internal == TCP_PORT
         && self->gateway.entries[1].internal == UDP_PORT;
}

static gboolean
is_elsewhere (Fixture *self)
{
  return strcmp (self->now.address, "203.0.113.9") == 0;
}

static void
announce (Fixture      *self,
          GSocket      *socket,
          const guint8 *bytes,
          gsize         size)
{
  g_autoptr(GInetAddress) ip = g_inet_address_new_from_string ("127.0.0.1");
  g_autoptr(GSocketAddress) to = g_inet_socket_address_new (ip, self->gateway.ways.announce_port);

  g_assert_cmpint (g_socket_send_to (socket, to, (const char *) bytes, size, NULL, NULL), ==,
                   (gssize) size);
}

static void
announce_epoch (Fixture *self,
                GSocket *socket,
                guint32  epoch_s)
{
  guint8 bytes[24] = { 2, 0x80 };

  gateway_put (bytes + 8, epoch_s);
  announce (self, socket, bytes, sizeof bytes);
}

/* Long enough for whatever an announcement brings about. */
static void
pass_time (Fixture *self)
{
  gint64 until_us = g_get_monotonic_time () + 60 * GATEWAY_STEP_MS * 1000;
  GSource *wake = g_timeout_source_new (GATEWAY_STEP_MS);

  g_source_set_callback (wake, G_SOURCE_FUNC (g_get_monotonic_time), NULL, NULL);
  g_source_attach (wake, self->gateway.context);
  while (g_get_monotonic_time () < until_us)
    g_main_context_iteration (self->gateway.context, TRUE);
  g_source_destroy (wake);
  g_source_unref (wake);
}

static void
test_forgotten (Fixture       *self,
                gconstpointer  data)
{
  guint n_asked;

  self->gateway.pcp = TRUE;
  self->gateway.epoch_s = 5000;
  want (self, TCP_PORT, UDP_PORT);
  until (self, is_done);
  pass_time (self);
  n_asked = self->gateway.n_added[0];     /* on a slow machine more than once, as answers come
                                           * late */

  /* What is no news, and what is not from the gateway. */
  announce_epoch (self, self->gateway.pcp_socket, 5000);
  announce_epoch (self, self->gateway.search_socket, 1);
  announce (self, self->gateway.pcp_socket, (const guint8 *) "\2\x80", 2);
  pass_time (self);
  g_assert_cmpuint (self->gateway.n_added[0], ==, n_asked);

  self->gateway.epoch_s = 3;
  self->gateway.entries[0] = self->gateway.entries[1] = (GatewayEntry){ 0 };
  announce_epoch (self, self->gateway.pcp_socket, 3);
  announce_epoch (self, self->gateway.pcp_socket, 3);
  until (self, is_told_again);
}

static void
test_other_address (Fixture       *self,
                    gconstpointer  data)
{
  guint8 bytes[12] = { 0, 0x80, 0, 0, 0, 0, 0, 1, 203, 0, 113, 9 };

  self->gateway.nat_pmp = TRUE;
  self->gateway.epoch_s = 1;
  want (self, TCP_PORT, TCP_PORT);
  assert_mapped (self, SHOAL_MAP_METHOD_NAT_PMP, TCP_PORT, TCP_PORT, "203.0.113.6");
  memcpy (self->gateway.outer, bytes + 8, sizeof self->gateway.outer);
  announce (self, self->gateway.pcp_socket, bytes, sizeof bytes);
  until (self, is_elsewhere);
}

/* It was silent, and says that it is there. */
static void
test_awake (Fixture       *self,
            gconstpointer  data)
{
  want (self, TCP_PORT, TCP_PORT);
  until (self, has_failed);
  self->gateway.pcp = TRUE;
  announce_epoch (self, self->gateway.pcp_socket, 1);
  assert_mapped (self, SHOAL_MAP_METHOD_PCP, TCP_PORT, TCP_PORT, "203.0.113.5");
}

/* --- IPv6 --- */

static gboolean
has_ipv6 (void)
{
  g_autoptr(GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV6, G_SOCKET_TYPE_DATAGRAM,
                                            G_SOCKET_PROTOCOL_UDP, NULL);
  g_autoptr(GInetAddress) ip = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV6);
  g_autoptr(GSocketAddress) any = g_inet_socket_address_new (ip, 0);

  if (socket != NULL && g_socket_bind (socket, any, FALSE, NULL))
    return TRUE;
  g_test_skip ("this system has no IPv6 on its loopback interface");

  return FALSE;
}

static void
want_six (Fixture *self,
          guint16  tcp_port,
          guint16  udp_port)
{
  ShoalPortmapPlace place = here ();
  const guint8 ip[16] = { [15] = 1 };

  place.gateway = place.own = shoal_addr_make (SHOAL_FAMILY_IPV6, ip, 0);
  shoal_portmap_set (self->portmap, &place, tcp_port, udp_port);
}

static void
test_firewall_pcp (Fixture       *self,
                   gconstpointer  data)
{
  GSocket *socket;
  GSource *source;

  if (!has_ipv6 ())
    return;
  socket = gateway_socket (&self->gateway, "::1", &source, &self->gateway.ways.pcp_port);
  self->gateway.pcp = TRUE;
  want_six (self, TCP_PORT, UDP_PORT);
  until (self, is_done);
  g_assert_cmpint (self->now.method, ==, SHOAL_MAP_METHOD_PCP);
  g_assert_cmpuint (self->gateway.entries[0].internal, ==, TCP_PORT);
  g_assert_cmpuint (self->gateway.entries[1].internal, ==, UDP_PORT);
  g_clear_pointer (&self->portmap, shoal_portmap_free);
  g_assert_cmpuint (self->gateway.n_removed[0], ==, 1);
  g_assert_cmpuint (self->gateway.n_removed[1], ==, 1);
  gateway_close_socket (socket, source);
}

/* That IPv4 goes is nothing to what was had over IPv6. */
static void
test_firewall_stays (Fixture       *self,
                     gconstpointer  data)
{
  ShoalPortmapPlace place = here ();
  const guint8 ip[16] = { [15] = 1 };
  GSocket *socket;
  GSource *source;
  guint n_asked;

  if (!has_ipv6 ())
    return;
  socket = gateway_socket (&self->gateway, "::1", &source, &self->gateway.ways.pcp_port);
  self->gateway.pcp = TRUE;
  want_six (self, TCP_PORT, UDP_PORT);
  until (self, is_done);
  pass_time (self);
  n_asked = self->gateway.n_added[0];
  self->n_changes = 0;
  place.gateway = place.own = shoal_addr_make (SHOAL_FAMILY_IPV6, ip, 0);
  place.upnp_gateway = place.upnp_own = (ShoalAddr){ 0 };
  shoal_portmap_set (self->portmap, &place, TCP_PORT, UDP_PORT);
  pass_time (self);
  g_assert_cmpuint (self->n_changes, ==, 0);
  g_assert_cmpuint (self->gateway.n_added[0], ==, n_asked);
  g_clear_pointer (&self->portmap, shoal_portmap_free);
  g_assert_cmpuint (self->gateway.entries[0].internal, ==, 0);
  gateway_close_socket (socket, source);
}

static void
test_firewall_upnp (Fixture       *self,
                    gconstpointer  data)
{
  if (!has_ipv6 ())
    return;
  gateway_serve_upnp (&self->gateway);
  want_six (self, TCP_PORT, UDP_PORT);
  until (self, is_done);
  g_assert_cmpint (self->now.method, ==, SHOAL_MAP_METHOD_UPNP);
  g_assert_cmpuint (self->gateway.entries[0].internal, ==, TCP_PORT);
  g_assert_cmpuint (self->gateway.entries[1].internal, ==, UDP_PORT);
  g_assert_cmpuint (self->gateway.n_pinholes, ==, 2);
  g_clear_pointer (&self->portmap, shoal_portmap_free);
  g_assert_cmpuint (self->gateway.n_removed[0], ==, 1);
  g_assert_cmpuint (self->gateway.n_removed[1], ==, 1);
}

#define CASE(name, func, data) \
  g_test_add ("/io/portmap/" name, Fixture, GUINT_TO_POINTER (data), set_up, func, tear_down)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  CASE ("pcp", test_pcp, 0);
  CASE ("other-port", test_other_port, 0);
  CASE ("nat-pmp", test_nat_pmp, 0);
  CASE ("lost", test_lost, 0);
  CASE ("renewal-pcp", test_renewal, SHOAL_MAP_METHOD_PCP);
  CASE ("renewal-nat-pmp", test_renewal, SHOAL_MAP_METHOD_NAT_PMP);
  CASE ("gateway-goes", test_gateway_goes, 0);
  CASE ("refused", test_refused, 0);
  CASE ("udp-alone", test_udp_alone, 0);
  CASE ("nobody", test_nobody, 0);
  CASE ("upnp", test_upnp, 0);
  CASE ("upnp-whims", test_upnp_whims, 0);
  CASE ("upnp-elsewhere", test_upnp_elsewhere, 0);
  CASE ("upnp-mute", test_upnp_mute, 0);
  CASE ("forgotten", test_forgotten, 0);
  CASE ("other-address", test_other_address, 0);
  CASE ("awake", test_awake, 0);
  CASE ("firewall-pcp", test_firewall_pcp, 0);
  CASE ("firewall-upnp", test_firewall_upnp, 0);
  CASE ("firewall-stays", test_firewall_stays, 0);

  return g_test_run ();
}
