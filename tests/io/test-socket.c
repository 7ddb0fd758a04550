/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a binding means, and that sockets keep to it, in a network of the test's own with two
 * interfaces. */

#include <string.h>
#include "own-network.h"
#include "shoal-socket.h"

static ShoalBinding
resolve (const char *wanted)
{
  g_autoptr(ShoalNetworkWatch) watch = shoal_network_watch_new (NULL, NULL);
  ShoalBinding binding;

  shoal_binding_resolve (&binding, wanted, watch);

  return binding;
}

static void
test_unbound (void)
{
  ShoalBinding binding = resolve ("");
  g_autoptr(GError) error = NULL;
  g_autoptr(GSocket) dials = NULL;
  g_autoptr(GSocket) listens = NULL;

  g_assert_true (binding.up);
  g_assert_true (shoal_binding_check (NULL, SHOAL_FAMILY_IPV6, &error));
  g_assert_true (shoal_binding_check (&binding, SHOAL_FAMILY_IPV6, &error));
  dials = shoal_socket_new (NULL, SHOAL_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (shoal_socket_port (dials), ==, 0);
  listens = shoal_socket_new_bound (&binding, SHOAL_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (shoal_socket_port (listens), !=, 0);
}

static void
test_absent (void)
{
  static const char *const absent[] = {
    "nosuch0",
    "203.0.113.9",
    "2001:db8::9",
    "a name that is far longer than any interface or address of this world can be",
  };

  for (guint i = 0; i < G_N_ELEMENTS (absent); i++)
    {
      ShoalBinding binding = resolve (absent[i]);
      g_autoptr(GError) error = NULL;

      g_assert_false (binding.up);
      g_assert_null (shoal_socket_new (&binding, SHOAL_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE);
      g_clear_error (&error);
      g_assert_null (shoal_socket_new_bound (&binding, SHOAL_FAMILY_IPV6, G_SOCKET_TYPE_DATAGRAM, 0,
                                             &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE);
    }
}

static void
test_same (void)
{
  ShoalBinding device = { .wanted = "tun0", .up = TRUE, .device = "tun0", .index = 7 };
  ShoalBinding other = device;
  ShoalBinding by_address;

  device.locals[0] = shoal_addr_make (SHOAL_FAMILY_IPV4, (const guint8 *) "\x0a\x00\x00\x01", 0);
  other.locals[0] = shoal_addr_make (SHOAL_FAMILY_IPV4, (const guint8 *) "\x0a\x00\x00\x02", 0);
  /* Another address of the interface is no reason to begin anew, ... */
  g_assert_true (shoal_binding_equal (&device, &other));
  /* ... but none of a family is, and another interface of the same name. */
  other.locals[0] = (ShoalAddr){ 0 };
  g_assert_false (shoal_binding_equal (&device, &other));
  other = device;
  other.index = 8;
  g_assert_false (shoal_binding_equal (&device, &other));
  by_address = other = device;
  by_address.by_address = other.by_address = TRUE;
  g_assert_true (shoal_binding_equal (&by_address, &other));
  other.locals[0].ip[3] = 9;
  g_assert_false (shoal_binding_equal (&by_address, &other));
}

static char *
device_of (GSocket *socket)
{
  char name[IF_NAMESIZE] = "";
  socklen_t size = sizeof name;

  g_assert_cmpint (getsockopt (g_socket_get_fd (socket), SOL_SOCKET, SO_BINDTODEVICE, name, &size),
                   ==, 0);

  return g_strndup (name, size);
}

static void
test_device (void)
{
  ShoalBinding binding;
  g_autoptr(GError) error = NULL;
  g_autoptr(GSocket) socket = NULL;
  g_autofree char *device = NULL;

  binding = resolve ("one");
  g_assert_true (binding.up);
  g_assert_cmpstr (binding.device, ==, "one");
  g_assert_cmpuint (binding.locals[0].family, ==, SHOAL_FAMILY_IPV4);
  socket = shoal_socket_new (&binding, SHOAL_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, &error);
  g_assert_no_error (error);
  device = device_of (socket);
  g_assert_cmpstr (device, ==, "one");

  shoal_test_ip ("link set one down");
  binding = resolve ("one");
  g_assert_false (binding.up);
  shoal_test_ip ("link set one up");

  /* Without any address of a family there are no sockets of it. */
  shoal_test_ip ("-6 addr flush dev one");
  binding = resolve ("one");
  g_assert_true (binding.up);
  g_assert_null (shoal_socket_new (&binding, SHOAL_FAMILY_IPV6, G_SOCKET_TYPE_STREAM, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE);
  g_assert_cmpstr (error->message, ==, "one has no IPv6 address");
}

static void
test_address (void)
{
  ShoalBinding binding = resolve ("10.8.0.1");
  g_autoptr(GError) error = NULL;
  g_autoptr(GSocket) socket = NULL;
  g_autoptr(GSocketAddress) local = NULL;
  g_autofree char *device = NULL;
  GInetAddress *ip;
  g_autofree char *text = NULL;

  g_assert_true (binding.up && binding.by_address);
  socket = shoal_socket_new_bound (&binding, SHOAL_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, 0, &error);
  g_assert_no_error (error);
  device = device_of (socket);
  g_assert_cmpstr (device, ==, "two");
  local = g_socket_get_local_address (socket, NULL);
  ip = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (local));
  text = g_inet_address_to_string (ip);
  g_assert_cmpstr (text, ==, "10.8.0.1");
  g_assert_null (shoal_socket_new (&binding, SHOAL_FAMILY_IPV6, G_SOCKET_TYPE_STREAM, NULL));

  binding = resolve ("127.0.0.1");
  g_assert_true (binding.up && binding.by_address);
  g_assert_cmpstr (binding.device, ==, "");
}

int
main (int    argc,
      char **argv)
{
  gboolean own;

  g_test_init (&argc, &argv, NULL);
  own = shoal_test_own_network ();
  g_test_add_func ("/io/socket/unbound", test_unbound);
  g_test_add_func ("/io/socket/absent", test_absent);
  g_test_add_func ("/io/socket/same", test_same);
  if (own)
    {
      shoal_test_ip ("link set lo up");
      shoal_test_ip ("link add one type veth peer name two");
      shoal_test_ip ("addr add 10.7.0.1/24 dev one");
      shoal_test_ip ("addr add 10.8.0.1/24 dev two");
      shoal_test_ip ("link set one up");
      shoal_test_ip ("link set two up");
      g_test_add_func ("/io/socket/device", test_device);
      g_test_add_func ("/io/socket/address", test_address);
    }
  else
    g_test_message ("No network of its own: only what needs none is tried");

  return g_test_run ();
}
