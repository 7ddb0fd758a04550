/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Datagrams there and back on loopback. */

#include <string.h>
#include "shoal-udp-socket.h"

typedef struct
{
  GMainContext   *context;
  ShoalReactor   *reactor;
  ShoalUdpSocket *a;
  ShoalUdpSocket *b;
  ShoalAddr       a_from;
  GByteArray     *at_a;
  guint           n_at_a;
} Fixture;

static void
turn (gpointer user_data)
{
  Fixture *self = user_data;

  shoal_reactor_poll (self->reactor);
}

static void
arrived_at_a (const ShoalAddr *from,
              const guint8    *data,
              gsize            size,
              gint64           arrived_us,
              gpointer         user_data)
{
  Fixture *self = user_data;

  self->a_from = *from;
  self->n_at_a++;
  g_byte_array_set_size (self->at_a, 0);
  g_byte_array_append (self->at_a, data, (guint) size);
}

/* Sends everything back. */
static void
arrived_at_b (const ShoalAddr *from,
              const guint8    *data,
              gsize            size,
              gint64           arrived_us,
              gpointer         user_data)
{
  Fixture *self = user_data;

  g_assert_cmpint (shoal_udp_socket_send (self->b, from, data, size, 0, SHOAL_SEND_PLAIN), ==,
                   SHOAL_SEND_SENT);
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  self->context = g_main_context_new ();
  self->reactor = shoal_reactor_new (self->context, turn, self);
  self->at_a = g_byte_array_new ();
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  g_clear_pointer (&self->a, shoal_udp_socket_free);
  g_clear_pointer (&self->b, shoal_udp_socket_free);
  g_byte_array_unref (self->at_a);
  shoal_reactor_free (self->reactor);
  g_main_context_unref (self->context);
}

static ShoalAddr
loopback (ShoalFamily family,
          guint16     port)
{
  const guint8 ipv4[4] = { 127, 0, 0, 1 };
  const guint8 ipv6[16] = { [15] = 1 };

  return shoal_addr_make (family, family == SHOAL_FAMILY_IPV6 ? ipv6 : ipv4, port);
}

static void
test_echo (Fixture       *self,
           gconstpointer  data)
{
  ShoalFamily family = GPOINTER_TO_UINT (data);
  g_autoptr(GError) error = NULL;
  guint8 bytes[SHOAL_DATAGRAM_MAX + 1];
  ShoalAddr to;

  self->a = shoal_udp_socket_new (self->reactor, NULL, family, 0, arrived_at_a, self, &error);
  if (self->a == NULL && family == SHOAL_FAMILY_IPV6)
    {
      g_test_skip_printf ("this system has no IPv6: %s", error->message);
      return;
    }
  g_assert_no_error (error);
  self->b = shoal_udp_socket_new (self->reactor, NULL, family, 0, arrived_at_b, self, &error);
  g_assert_no_error (error);
  to = loopback (family, shoal_udp_socket_port (self->b));

  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (i * 7);
  /* One that is too large is dropped at the other end, and does no harm. */
  g_assert_cmpint (shoal_udp_socket_send (self->a, &to, bytes, sizeof bytes, 0, SHOAL_SEND_PLAIN),
                   ==, SHOAL_SEND_SENT);
  g_assert_cmpint (shoal_udp_socket_send (self->a, &to, bytes, 98, 0, SHOAL_SEND_PLAIN), ==,
                   SHOAL_SEND_SENT);
  while (self->n_at_a < 1)
    g_main_context_iteration (self->context, TRUE);
  g_assert_cmpmem (self->at_a->data, self->at_a->len, bytes, 98);
  g_assert_true (shoal_addr_equal (&self->a_from, &to));

  g_assert_cmpint (shoal_udp_socket_send (self->a, &to, bytes, SHOAL_DATAGRAM_MAX, 0,
                                          SHOAL_SEND_PLAIN),
                   ==, SHOAL_SEND_SENT);
  while (self->n_at_a < 2)
    g_main_context_iteration (self->context, TRUE);
  g_assert_cmpmem (self->at_a->data, self->at_a->len, bytes, SHOAL_DATAGRAM_MAX);
}

/* Answers come from the address that was asked, each time. */
static void
test_several_addresses (Fixture       *self,
                        gconstpointer  data)
{
  static const guint8 lasts[] = { 2, 1, 3, 2 };
  g_autoptr(GError) error = NULL;

  self->a = shoal_udp_socket_new (self->reactor, NULL, SHOAL_FAMILY_IPV4, 0, arrived_at_a, self,
                                  &error);
  g_assert_no_error (error);
  self->b = shoal_udp_socket_new (self->reactor, NULL, SHOAL_FAMILY_IPV4, 0, arrived_at_b, self,
                                  &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (lasts); i++)
    {
      const guint8 ip[4] = { 127, 0, 0, lasts[i] };
      ShoalAddr to = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, shoal_udp_socket_port (self->b));

      g_assert_cmpint (shoal_udp_socket_send (self->a, &to, (const guint8 *) "?", 1, 0,
                                              SHOAL_SEND_PLAIN),
                       ==, SHOAL_SEND_SENT);
      while (self->n_at_a <= i)
        g_main_context_iteration (self->context, TRUE);
      g_assert_true (shoal_addr_equal (&self->a_from, &to));
    }
}

static void
arrived_segment (const ShoalAddr *from,
                 const guint8    *data,
                 gsize            size,
                 gint64           arrived_us,
                 gpointer         user_data)
{
  Fixture *self = user_data;

  self->n_at_a++;
  g_byte_array_append (self->at_a, data, (guint) size);
  g_assert_cmpuint (size, ==, self->n_at_a == 21 ? 100 : 500);
  g_assert_cmpint (arrived_us, <=, g_get_monotonic_time ());
}

/* A train arrives as the datagrams that it was made of. */
static void
test_train (Fixture       *self,
            gconstpointer  data)
{
  g_autoptr(GError) error = NULL;
  guint8 bytes[20 * 500 + 100];
  ShoalSendResult result;
  ShoalAddr to;

  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (i * 7 + i / 256);
  self->a = shoal_udp_socket_new (self->reactor, NULL, SHOAL_FAMILY_IPV4, 0, arrived_segment, self,
                                  &error);
  g_assert_no_error (error);
  self->b = shoal_udp_socket_new (self->reactor, NULL, SHOAL_FAMILY_IPV4, 0, arrived_at_b, self,
                                  &error);
  g_assert_no_error (error);
  to = loopback (SHOAL_FAMILY_IPV4, shoal_udp_socket_port (self->a));
  result = shoal_udp_socket_send (self->b, &to, bytes, sizeof bytes, 500, SHOAL_SEND_PLAIN);
  g_assert_cmpint (result, ==, SHOAL_SEND_SENT);
  while (self->n_at_a < 21)
    g_main_context_iteration (self->context, TRUE);
  g_assert_cmpmem (self->at_a->data, self->at_a->len, bytes, sizeof bytes);
}

static void
test_taken (Fixture       *self,
            gconstpointer  data)
{
  g_autoptr(GError) error = NULL;

  self->a = shoal_udp_socket_new (self->reactor, NULL, SHOAL_FAMILY_IPV4, 0, arrived_at_a, self,
                                  &error);
  g_assert_no_error (error);
  self->b = shoal_udp_socket_new (self->reactor, NULL, SHOAL_FAMILY_IPV4,
                                  shoal_udp_socket_port (self->a), arrived_at_b, self, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/io/udp-socket/echo-ipv4", Fixture, GUINT_TO_POINTER (SHOAL_FAMILY_IPV4),
              set_up, test_echo, tear_down);
  g_test_add ("/io/udp-socket/echo-ipv6", Fixture, GUINT_TO_POINTER (SHOAL_FAMILY_IPV6),
              set_up, test_echo, tear_down);
  g_test_add ("/io/udp-socket/several-addresses", Fixture, NULL, set_up, test_several_addresses,
              tear_down);
  g_test_add ("/io/udp-socket/train", Fixture, NULL, set_up, test_train, tear_down);
  g_test_add ("/io/udp-socket/taken", Fixture, NULL, set_up, test_taken, tear_down);

  return g_test_run ();
}
