/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections that are accepted, of both families. */

#include "shoal-listener.h"

typedef struct
{
  GMainContext *context;
  ShoalReactor *reactor;
  GPtrArray    *accepted;   /* of GSocket */
  ShoalAddr     from;
} Fixture;

static void
turn (gpointer user_data)
{
  Fixture *self = user_data;

  shoal_reactor_poll (self->reactor);
}

static void
accepted (GSocket         *socket,
          const ShoalAddr *from,
          gpointer         user_data)
{
  Fixture *self = user_data;

  self->from = *from;
  g_ptr_array_add (self->accepted, socket);
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  self->context = g_main_context_new ();
  self->reactor = shoal_reactor_new (self->context, turn, self);
  self->accepted = g_ptr_array_new_with_free_func (g_object_unref);
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  g_ptr_array_unref (self->accepted);
  shoal_reactor_free (self->reactor);
  g_main_context_unref (self->context);
}

static GSocket *
connect_to (ShoalFamily family,
            guint16     port)
{
  GSocketFamily socket_family = family == SHOAL_FAMILY_IPV6 ? G_SOCKET_FAMILY_IPV6
                                                            : G_SOCKET_FAMILY_IPV4;
  g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback (socket_family);
  g_autoptr(GSocketAddress) address = g_inet_socket_address_new (loopback, port);
  g_autoptr(GError) error = NULL;
  GSocket *socket = g_socket_new (socket_family, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                                  &error);

  g_assert_no_error (error);
  g_socket_connect (socket, address, NULL, &error);
  g_assert_no_error (error);

  return socket;
}

static void
test_accept (Fixture       *self,
             gconstpointer  data)
{
  ShoalFamily family = GPOINTER_TO_UINT (data);
  g_autoptr(GError) error = NULL;
  g_autoptr(ShoalListener) listener = shoal_listener_new (self->reactor, NULL, family, 0,
                                                          accepted, self, &error);
  GSocket *peers[3];

  if (listener == NULL && family == SHOAL_FAMILY_IPV6)
    {
      g_test_skip_printf ("this system has no IPv6: %s", error->message);
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpuint (shoal_listener_port (listener), !=, 0);

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    peers[i] = connect_to (family, shoal_listener_port (listener));
  while (self->accepted->len < G_N_ELEMENTS (peers))
    g_main_context_iteration (self->context, TRUE);

  g_assert_cmpuint (self->from.family, ==, family);
  g_assert_true (shoal_addr_is_loopback (&self->from));
  g_assert_cmpuint (self->from.port, ==, shoal_socket_port (peers[G_N_ELEMENTS (peers) - 1]));
  g_assert_cmpint (shoal_listener_resume (listener, 0), ==, G_MAXINT64);
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    g_object_unref (peers[i]);
}

static void
test_taken (Fixture       *self,
            gconstpointer  data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(ShoalListener) first = shoal_listener_new (self->reactor, NULL, SHOAL_FAMILY_IPV4, 0,
                                                       accepted, self, NULL);
  g_autoptr(ShoalListener) second = NULL;

  g_assert_nonnull (first);
  second = shoal_listener_new (self->reactor, NULL, SHOAL_FAMILY_IPV4, shoal_listener_port (first),
                               accepted, self, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_assert_null (second);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/io/listener/accept-ipv4", Fixture, GUINT_TO_POINTER (SHOAL_FAMILY_IPV4),
              set_up, test_accept, tear_down);
  g_test_add ("/io/listener/accept-ipv6", Fixture, GUINT_TO_POINTER (SHOAL_FAMILY_IPV6),
              set_up, test_accept, tear_down);
  g_test_add ("/io/listener/taken", Fixture, NULL, set_up, test_taken, tear_down);

  return g_test_run ();
}
