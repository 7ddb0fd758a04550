/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Multicast between sockets of one machine, on made-up interfaces in a network of the test's
 * own. */

#include "shoal-lsd-socket.h"

#include <string.h>

#include "own-network.h"

typedef struct
{
  GMainContext *context;
  ShoalReactor *reactor;
  guint         n_heard;
  ShoalAddr     from;
} Fixture;

static void
on_turn (gpointer user_data)
{
  Fixture *self = user_data;

  shoal_reactor_poll (self->reactor);
}

static void
on_arrived (const ShoalAddr *from,
            const guint8    *data,
            gsize            size,
            gpointer         user_data)
{
  Fixture *self = user_data;

  g_assert_cmpmem (data, size, "hello", 5);
  self->n_heard++;
  self->from = *from;
}

static gboolean
on_late (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;

  return G_SOURCE_REMOVE;
}

/* Until so much was heard, or a while has passed. */
static void
wait_for (Fixture *self,
          guint    n)
{
  gboolean late = FALSE;
  GSource *timeout = g_timeout_source_new (2000);

  g_source_set_callback (timeout, on_late, &late, NULL);
  g_source_attach (timeout, self->context);
  while (self->n_heard < n && !late)
    g_main_context_iteration (self->context, TRUE);
  g_source_destroy (timeout);
  g_source_unref (timeout);
}

static void
set_up (Fixture      *self,
        gconstpointer data)
{
  self->context = g_main_context_new ();
  self->reactor = shoal_reactor_new (self->context, on_turn, self);
}

static void
tear_down (Fixture      *self,
           gconstpointer data)
{
  shoal_reactor_free (self->reactor);
  g_main_context_unref (self->context);
}

/* Both of one machine hear both, on the one interface. */
static void
check_family (Fixture    *self,
              ShoalFamily family,
              const char *expected)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(ShoalLsdSocket) first = shoal_lsd_socket_new (self->reactor, family, NULL, on_arrived,
                                                          self, &error);
  g_autoptr(ShoalLsdSocket) second = NULL;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  second = shoal_lsd_socket_new (self->reactor, family, NULL, on_arrived, self, &error);
  g_assert_no_error (error);
  self->n_heard = 0;
  g_assert_cmpuint (shoal_lsd_socket_send (first, (const guint8 *) "hello", 5,
                                           g_get_monotonic_time ()),
                    ==, 1);
  wait_for (self, 2);
  g_assert_cmpuint (self->n_heard, ==, 2);
  text = shoal_addr_ip_to_text (&self->from);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_both_families (Fixture      *self,
                    gconstpointer data)
{
  check_family (self, SHOAL_FAMILY_IPV4, "10.9.0.1");
  check_family (self, SHOAL_FAMILY_IPV6, "fd09::1");
}

/* Another interface comes up: it is used from the next time on; a choice of one device keeps to
 * it. */
static void
test_interfaces (Fixture      *self,
                 gconstpointer data)
{
  g_autoptr(ShoalLsdSocket) all = shoal_lsd_socket_new (self->reactor, SHOAL_FAMILY_IPV4, NULL,
                                                        on_arrived, self, NULL);
  g_autoptr(ShoalLsdSocket) one = NULL;
  gint64 now_us = g_get_monotonic_time ();

  shoal_test_ip ("link add lan2 type veth peer name far2");
  shoal_test_ip ("addr add 10.10.0.1/24 dev lan2");
  shoal_test_ip ("link set lan2 up multicast on");
  shoal_test_ip ("link set far2 addrgenmode none");
  shoal_test_ip ("link set far2 up");
  g_assert_cmpuint (shoal_lsd_socket_send (all, (const guint8 *) "hello", 5,
                                           now_us + 60 * G_USEC_PER_SEC),
                    ==, 2);
  wait_for (self, 2);
  g_assert_cmpuint (self->n_heard, ==, 2);
  one = shoal_lsd_socket_new (self->reactor, SHOAL_FAMILY_IPV4, "lan2", on_arrived, self, NULL);
  g_assert_cmpuint (shoal_lsd_socket_send (one, (const guint8 *) "hello", 5, now_us), ==, 1);
  shoal_test_ip ("link del lan2");
  g_assert_cmpuint (shoal_lsd_socket_send (all, (const guint8 *) "hello", 5,
                                           now_us + 120 * G_USEC_PER_SEC),
                    ==, 1);
}

int
main (int    argc,
      char **argv)
{
  gboolean own;

  g_test_init (&argc, &argv, NULL);
  own = shoal_test_own_network ();
  if (!own)
    {
      g_print ("1..0 # SKIP this machine allows no network namespace\n");
      return 0;
    }
  shoal_test_ip ("link set lo up");
  shoal_test_ip ("link add lan type veth peer name far");
  shoal_test_ip ("addr add 10.9.0.1/24 dev lan");
  shoal_test_ip ("addr add fd09::1/64 dev lan nodad");
  shoal_test_ip ("link set lan up multicast on");
  shoal_test_ip ("link set far addrgenmode none");   /* without an address it is not one of them */
  shoal_test_ip ("link set far up");
  g_test_add ("/io/lsd-socket/both-families", Fixture, NULL, set_up, test_both_families, tear_down);
  g_test_add ("/io/lsd-socket/interfaces", Fixture, NULL, set_up, test_interfaces, tear_down);
  return g_test_run ();
}
