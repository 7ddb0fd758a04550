/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interfaces, addresses and gateways that come and go, in a network of the test's own. */

#include "own-network.h"
#include "shoal-network-watch.h"

typedef struct
{
  guint n_changes;
} Changes;

static void
changed (gpointer user_data)
{
  Changes *self = user_data;

  self->n_changes++;
}

static const ShoalInterface *
wait_for (ShoalNetworkWatch *watch,
          const char        *name_or_address,
          gboolean           there)
{
  const ShoalInterface *found;

  while (((found = shoal_network_watch_find (watch, name_or_address, NULL)) != NULL) != there)
    g_main_context_iteration (NULL, TRUE);

  return found;
}

static void
test_loopback (void)
{
  g_autoptr(ShoalNetworkWatch) watch = shoal_network_watch_new (NULL, NULL);
  const ShoalInterface *loopback = shoal_network_watch_find (watch, "lo", NULL);
  const ShoalInterface *interfaces;
  gboolean seen = FALSE;
  ShoalAddr addr;
  guint n;

  interfaces = shoal_network_watch_interfaces (watch, &n);
  for (guint i = 0; i < n; i++)
    seen |= &interfaces[i] == loopback;
  g_assert_true (seen);
  g_assert_true (loopback->loopback);
  g_assert_null (shoal_network_watch_find (watch, "nosuch0", &addr));
  g_assert_null (shoal_network_watch_find (watch, "", &addr));
  g_assert_null (shoal_network_watch_find (watch, "203.0.113.77", &addr));
  g_assert_cmpuint (addr.family, ==, SHOAL_FAMILY_NONE);
}

static void
test_addresses (void)
{
  Changes changes = { 0 };
  g_autoptr(ShoalNetworkWatch) watch = shoal_network_watch_new (changed, &changes);
  const ShoalInterface *one;
  ShoalAddr addr;
  g_autofree char *text = NULL;

  shoal_test_ip ("link add one type veth peer name two");
  one = wait_for (watch, "one", TRUE);
  g_assert_false (one->up);
  g_assert_cmpuint (one->n_addrs, ==, 0);
  g_assert_false (shoal_interface_addr (one, SHOAL_FAMILY_IPV4, &addr));
  g_assert_cmpuint (changes.n_changes, >, 0);

  shoal_test_ip ("addr add 10.7.0.1/24 dev one");
  shoal_test_ip ("link set one up");
  shoal_test_ip ("link set two up");
  one = wait_for (watch, "10.7.0.1", TRUE);
  while (!one->up || one->n_addrs < 2)
    {
      g_main_context_iteration (NULL, TRUE);
      one = shoal_network_watch_find (watch, "one", NULL);
    }
  g_assert_true (shoal_network_watch_find (watch, "[10.7.0.1]", &addr) == NULL);
  g_assert_true (shoal_network_watch_find (watch, "10.7.0.1", &addr) == one);
  text = shoal_addr_ip_to_text (&addr);
  g_assert_cmpstr (text, ==, "10.7.0.1");
  /* Link-local is better than nothing, and worse than anything else. */
  g_assert_true (shoal_interface_addr (one, SHOAL_FAMILY_IPV6, &addr));
  g_assert_cmphex (addr.ip[0], ==, 0xfe);
  shoal_test_ip ("addr add 2001:db8::1/64 dev one nodad");
  one = wait_for (watch, "2001:db8::1", TRUE);
  g_assert_true (shoal_interface_addr (one, SHOAL_FAMILY_IPV6, &addr));
  g_assert_cmphex (addr.ip[0], ==, 0x20);

  shoal_test_ip ("link del one");
  wait_for (watch, "one", FALSE);
  wait_for (watch, "10.7.0.1", FALSE);
}

static const ShoalInterface *
wait_for_default (ShoalNetworkWatch *watch,
                  ShoalFamily        family,
                  const char        *interface,
                  const char        *gateway)
{
  for (;;)
    {
      const ShoalInterface *found = shoal_network_watch_default (watch, family, interface);

      if (found != NULL)
        {
          const ShoalAddr *addr = &found->gateways[SHOAL_FAMILY_INDEX (family)];
          g_autofree char *text = shoal_addr_ip_to_text (addr);

          if (g_strcmp0 (text, gateway) == 0)
            return found;
        }
      g_main_context_iteration (NULL, TRUE);
    }
}

static void
test_gateways (void)
{
  g_autoptr(ShoalNetworkWatch) watch = shoal_network_watch_new (NULL, NULL);
  const ShoalInterface *found;

  g_assert_null (shoal_network_watch_default (watch, SHOAL_FAMILY_IPV4, NULL));
  shoal_test_ip ("link add one type veth peer name two");
  shoal_test_ip ("addr add 10.7.0.1/24 dev one");
  shoal_test_ip ("addr add 10.8.0.1/24 dev two");
  shoal_test_ip ("addr add 2001:db8::1/64 dev one nodad");
  shoal_test_ip ("link set one up");
  shoal_test_ip ("link set two up");
  shoal_test_ip ("route add default via 10.8.0.254 metric 200");
  found = wait_for_default (watch, SHOAL_FAMILY_IPV4, NULL, "10.8.0.254");
  g_assert_cmpstr (found->name, ==, "two");
  shoal_test_ip ("route add default via 10.7.0.254 metric 100");
  found = wait_for_default (watch, SHOAL_FAMILY_IPV4, NULL, "10.7.0.254");
  g_assert_cmpstr (found->name, ==, "one");
  wait_for_default (watch, SHOAL_FAMILY_IPV4, "two", "10.8.0.254");
  g_assert_null (shoal_network_watch_default (watch, SHOAL_FAMILY_IPV6, NULL));
  shoal_test_ip ("-6 route add default via 2001:db8::fe dev one");
  wait_for_default (watch, SHOAL_FAMILY_IPV6, NULL, "2001:db8::fe");
  shoal_test_ip ("link set one down");
  wait_for_default (watch, SHOAL_FAMILY_IPV4, NULL, "10.8.0.254");
  g_assert_null (shoal_network_watch_default (watch, SHOAL_FAMILY_IPV4, "one"));
  shoal_test_ip ("link del one");
}

int
main (int    argc,
      char **argv)
{
  gboolean own;

  g_test_init (&argc, &argv, NULL);
  own = shoal_test_own_network ();
  g_test_add_func ("/io/network-watch/loopback", test_loopback);
  if (own)
    {
      g_test_add_func ("/io/network-watch/addresses", test_addresses);
      g_test_add_func ("/io/network-watch/gateways", test_gateways);
    }
  else
    g_test_message ("No network of its own: only what is there is looked at");

  return g_test_run ();
}
