/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which gateway is asked as networks come and go, in a network of the test's own. */

#include "own-network.h"
#include "shoal-gio-mapping.h"

static void
due (gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
expect (ShoalGioMapping *mapping,
        ShoalMapState    state,
        ShoalMapReason   reason)
{
  ShoalMapping now;

  do
    {
      while (!shoal_gio_mapping_take (mapping, &now))
        g_main_context_iteration (NULL, TRUE);
    }
  while (now.state != state);
  g_assert_cmpint (now.reason, ==, reason);
  g_assert_false (shoal_gio_mapping_take (mapping, &now));
}

static void
test_gateways (void)
{
  guint n_due = 0;
  g_autoptr(ShoalGioMapping) mapping = shoal_gio_mapping_new (due, &n_due);

  shoal_test_ip ("link add one type veth peer name two");
  shoal_test_ip ("addr add 10.7.0.1/24 dev one");
  shoal_test_ip ("addr add 10.8.0.1/24 dev two");
  shoal_test_ip ("link set one up");
  shoal_test_ip ("link set two up");

  shoal_gio_mapping_ports (mapping, NULL, 6881, 6881);
  shoal_gio_mapping_want (mapping, TRUE);
  g_assert_cmpuint (n_due, ==, 0);
  expect (mapping, SHOAL_MAP_FAILED, SHOAL_MAP_REASON_NO_GATEWAY);
  g_assert_cmpuint (n_due, ==, 1);

  /* A way to the world, nobody at its other end. */
  shoal_test_ip ("route add default via 10.7.0.254");
  expect (mapping, SHOAL_MAP_SEARCHING, SHOAL_MAP_REASON_NONE);
  shoal_test_ip ("route del default");
  expect (mapping, SHOAL_MAP_FAILED, SHOAL_MAP_REASON_NO_GATEWAY);

  /* Kept to an interface: only its gateway counts. */
  shoal_test_ip ("route add default via 10.7.0.254");
  expect (mapping, SHOAL_MAP_SEARCHING, SHOAL_MAP_REASON_NONE);
  shoal_gio_mapping_ports (mapping, "two", 6881, 6881);
  expect (mapping, SHOAL_MAP_FAILED, SHOAL_MAP_REASON_NO_GATEWAY);
  shoal_gio_mapping_ports (mapping, "10.7.0.1", 6881, 6881);
  expect (mapping, SHOAL_MAP_SEARCHING, SHOAL_MAP_REASON_NONE);
  shoal_gio_mapping_ports (mapping, "nosuch0", 6881, 6881);
  expect (mapping, SHOAL_MAP_FAILED, SHOAL_MAP_REASON_NO_GATEWAY);

  shoal_gio_mapping_want (mapping, FALSE);
  expect (mapping, SHOAL_MAP_OFF, SHOAL_MAP_REASON_NONE);
  shoal_test_ip ("link del one");
}

static void
test_nothing_wanted (void)
{
  guint n_due = 0;
  g_autoptr(ShoalGioMapping) mapping = shoal_gio_mapping_new (due, &n_due);
  ShoalMapping now;

  shoal_gio_mapping_ports (mapping, NULL, 6881, 6881);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_false (shoal_gio_mapping_take (mapping, &now));
  g_assert_cmpint (now.state, ==, SHOAL_MAP_OFF);
  g_assert_cmpuint (n_due, ==, 0);
}

int
main (int    argc,
      char **argv)
{
  gboolean own;

  g_test_init (&argc, &argv, NULL);
  own = shoal_test_own_network ();
  g_test_add_func ("/io/gio-mapping/nothing-wanted", test_nothing_wanted);
  if (own)
    g_test_add_func ("/io/gio-mapping/gateways", test_gateways);
  else
    g_test_message ("No network of its own: gateways are not tried");

  return g_test_run ();
}
