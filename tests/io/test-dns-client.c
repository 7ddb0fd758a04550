/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names asked of a name server of the test's own: answers, aliases, silence, another server, TCP,
 * what is remembered. */

#include <gio/gio.h>
#include <string.h>
#include "shoal-dns.h"
#include "shoal-dns-client.h"
#include "shoal-resolver.h"

/* What the server does with a name. */
typedef enum { SILENT, ANSWERS, REFUSES, NO_NAME, LARGE, GUESSED } Manner;

typedef struct
{
  GSocket  *datagrams;
  GSocket  *listener;
  GSource  *sources[2];
  guint16   port;
  Manner    manner;
  guint     n_asked;      /* by datagram */
  guint     n_streams;
} Server;

typedef struct
{
  Server          servers[2];
  char           *text;        /* of both */
  ShoalDnsClient *client;
  guint           n_answers;
  guint           n_addrs;
  ShoalAddr       addrs[8];
  char           *error;
} Fixture;

static GByteArray *
answer_to (const Server *self,
           const guint8 *query,
           gsize         size,
           gboolean      stream)
{
  static const guint8 address4[] = { 0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1 };
  static const guint8 address6[] = { 0xc0, 0x0c, 0,  28,   0, 1,   0,    0,       0,
                                     60,   0,    16, 0x20, 1, 0xd, 0xb8, [27] = 7 };
  GByteArray *answer = g_byte_array_new ();
  gboolean is_ipv6 = query[size - 3] == SHOAL_DNS_AAAA;

  g_byte_array_append (answer, query, (guint) size);
  answer->data[2] = 0x81;
  answer->data[3] = 0x80;
  if (self->manner == REFUSES)
    answer->data[3] = 0x85;
  else if (self->manner == NO_NAME)
    answer->data[3] = 0x83;
  else if (self->manner == LARGE && !stream)
    answer->data[2] |= 0x02;
  else
    {
      answer->data[7] = 1;
      g_byte_array_append (answer, is_ipv6 ? address6 : address4,
                           is_ipv6 ? sizeof address6 : sizeof address4);
    }
  if (self->manner == GUESSED)
    answer->data[0] ^= 0x55;

  return answer;
}

static gboolean
asked (GSocket      *socket,
       GIOCondition  condition,
       gpointer      user_data)
{
  Server *self = user_data;
  g_autoptr(GSocketAddress) from = NULL;
  g_autoptr(GByteArray) answer = NULL;
  guint8 query[512];
  gssize size = g_socket_receive_from (socket, &from, (char *) query, sizeof query, NULL, NULL);

  g_assert_cmpint (size, >, 12);
  self->n_asked++;
  if (self->manner == SILENT)
    return G_SOURCE_CONTINUE;
  answer = answer_to (self, query, (gsize) size, FALSE);
  g_socket_send_to (socket, from, (const char *) answer->data, answer->len, NULL, NULL);

  return G_SOURCE_CONTINUE;
}

static gboolean
asked_by_stream (GSocket      *stream,
                 GIOCondition  condition,
                 gpointer      user_data)
{
  Server *self = user_data;
  g_autoptr(GByteArray) answer = NULL;
  guint8 query[514];
  guint8 head[2];
  gssize size;

  self->n_streams++;
  size = g_socket_receive (stream, (char *) query, sizeof query, NULL, NULL);
  g_assert_cmpint (size, >, 14);
  g_assert_cmpint (query[0] << 8 | query[1], ==, size - 2);
  answer = answer_to (self, query + 2, (gsize) size - 2, TRUE);
  head[0] = (guint8) (answer->len >> 8);
  head[1] = (guint8) answer->len;
  /* In pieces, as it may come. */
  g_socket_send (stream, (const char *) head, 1, NULL, NULL);
  g_byte_array_prepend (answer, head + 1, 1);
  g_socket_send (stream, (const char *) answer->data, answer->len, NULL, NULL);

  return G_SOURCE_REMOVE;
}

static gboolean
dialled (GSocket      *socket,
         GIOCondition  condition,
         gpointer      user_data)
{
  g_autoptr(GSocket) stream = g_socket_accept (socket, NULL, NULL);
  g_autoptr(GSource) source = g_socket_create_source (stream, G_IO_IN, NULL);

  g_source_set_callback (source, G_SOURCE_FUNC (asked_by_stream), user_data, NULL);
  g_source_attach (source, NULL);

  return G_SOURCE_CONTINUE;
}

static void
server_start (Server *self)
{
  g_autoptr(GError) error = NULL;
  ShoalBinding loopback = { .wanted = "127.0.0.1", .up = TRUE, .by_address = TRUE };

  loopback.locals[0] = shoal_addr_make (SHOAL_FAMILY_IPV4, (const guint8 *) "\x7f\x00\x00\x01", 0);
  do
    {
      g_clear_object (&self->datagrams);
      self->datagrams = shoal_socket_new_bound (&loopback, SHOAL_FAMILY_IPV4,
                                                G_SOCKET_TYPE_DATAGRAM, 0, &error);
      g_assert_no_error (error);
      self->port = shoal_socket_port (self->datagrams);
      self->listener = shoal_socket_new_bound (&loopback, SHOAL_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                                               self->port, NULL);
    }
  while (self->listener == NULL);
  g_socket_listen (self->listener, NULL);
  g_socket_set_blocking (self->listener, TRUE);
  self->sources[0] = g_socket_create_source (self->datagrams, G_IO_IN, NULL);
  g_source_set_callback (self->sources[0], G_SOURCE_FUNC (asked), self, NULL);
  self->sources[1] = g_socket_create_source (self->listener, G_IO_IN, NULL);
  g_source_set_callback (self->sources[1], G_SOURCE_FUNC (dialled), self, NULL);
  for (guint i = 0; i < 2; i++)
    g_source_attach (self->sources[i], NULL);
  self->manner = ANSWERS;
}

static void
server_stop (Server *self)
{
  for (guint i = 0; i < 2; i++)
    {
      g_source_destroy (self->sources[i]);
      g_source_unref (self->sources[i]);
    }
  g_object_unref (self->datagrams);
  g_object_unref (self->listener);
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->servers); i++)
    server_start (&self->servers[i]);
  self->text = g_strdup_printf ("127.0.0.1:%u 127.0.0.1:%u", self->servers[0].port,
                                self->servers[1].port);
  self->client = shoal_dns_client_new (NULL);
  g_assert_true (shoal_dns_client_is_idle (self->client));
  shoal_dns_client_configure (self->client, self->text, NULL);
  g_assert_false (shoal_dns_client_is_idle (self->client));
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  shoal_dns_client_free (self->client);
  for (guint i = 0; i < G_N_ELEMENTS (self->servers); i++)
    server_stop (&self->servers[i]);
  g_free (self->text);
  g_free (self->error);
}

static void
answered (const ShoalAddr *addrs,
          guint            n_addrs,
          const char      *error,
          gpointer         user_data)
{
  Fixture *self = user_data;

  self->n_answers++;
  self->n_addrs = n_addrs;
  g_assert_cmpuint (n_addrs, <=, G_N_ELEMENTS (self->addrs));
  if (n_addrs > 0)
    memcpy (self->addrs, addrs, n_addrs * sizeof *addrs);
  g_free (self->error);
  self->error = g_strdup (error);
}

static void
look_up (Fixture    *self,
         const char *name)
{
  guint before = self->n_answers;

  shoal_dns_client_lookup (self->client, name, answered, self);
  g_assert_cmpuint (self->n_answers, ==, before);
  while (self->n_answers == before)
    g_main_context_iteration (NULL, TRUE);
}

static void
assert_both (Fixture *self)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  g_assert_cmpstr (self->error, ==, NULL);
  g_assert_cmpuint (self->n_addrs, ==, 2);
  first = shoal_addr_ip_to_text (&self->addrs[0]);
  second = shoal_addr_ip_to_text (&self->addrs[1]);
  g_assert_cmpstr (first, ==, "2001:db8::7");
  g_assert_cmpstr (second, ==, "192.0.2.1");
}

static void
test_answers (Fixture       *self,
              gconstpointer  data)
{
  look_up (self, "Tracker.example.");
  assert_both (self);
  g_assert_cmpuint (self->servers[0].n_asked, ==, 2);

  /* Remembered, in whatever letters. */
  look_up (self, "tracker.EXAMPLE");
  assert_both (self);
  g_assert_cmpuint (self->servers[0].n_asked, ==, 2);

  /* But not beyond a change of servers. */
  shoal_dns_client_configure (self->client, self->text, NULL);
  look_up (self, "tracker.example");
  g_assert_cmpuint (self->servers[0].n_asked, ==, 4);

  look_up (self, "localhost");
  g_assert_cmpuint (self->n_addrs, ==, 2);
  g_assert_true (shoal_addr_is_loopback (&self->addrs[0])
                 && shoal_addr_is_loopback (&self->addrs[1]));
  look_up (self, "not a name");
  g_assert_cmpstr (self->error, ==, "Not a name");
  g_assert_cmpuint (self->servers[0].n_asked, ==, 4);
}

static void
test_together (Fixture       *self,
               gconstpointer  data)
{
  ShoalDnsCall *dropped;

  for (guint i = 0; i < 3; i++)
    shoal_dns_client_lookup (self->client, "tracker.example", answered, self);
  dropped = shoal_dns_client_lookup (self->client, "tracker.example", answered, self);
  shoal_dns_call_drop (dropped);
  while (self->n_answers < 3)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (self->servers[0].n_asked, ==, 2);

  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *name = g_strdup_printf ("t%u.example", i);

      shoal_dns_client_lookup (self->client, name, answered, self);
    }
  while (self->n_answers < 103)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (self->servers[0].n_asked, ==, 202);
}

static void
test_another_server (Fixture       *self,
                     gconstpointer  data)
{
  self->servers[0].manner = REFUSES;
  look_up (self, "one.example");
  assert_both (self);
  g_assert_cmpuint (self->servers[1].n_asked, >, 0);

  /* The one that answered is asked first from then on. */
  self->servers[0].n_asked = self->servers[1].n_asked = 0;
  look_up (self, "two.example");
  assert_both (self);
  g_assert_cmpuint (self->servers[0].n_asked, ==, 0);

  /* Silence costs a while. */
  self->servers[1].manner = SILENT;
  self->servers[0].manner = ANSWERS;
  look_up (self, "three.example");
  assert_both (self);
}

static void
test_no_name (Fixture       *self,
              gconstpointer  data)
{
  self->servers[0].manner = NO_NAME;
  look_up (self, "nobody.example");
  g_assert_cmpstr (self->error, ==, "The name is not known");
  g_assert_cmpuint (self->servers[1].n_asked, ==, 0);
  self->servers[0].n_asked = 0;
  look_up (self, "nobody.example");
  g_assert_cmpstr (self->error, ==, "The name is not known");
  g_assert_cmpuint (self->servers[0].n_asked, ==, 0);

  self->servers[0].manner = self->servers[1].manner = REFUSES;
  look_up (self, "somebody.example");
  g_assert_cmpstr (self->error, ==, "No name server answers");
}

static void
test_large (Fixture       *self,
            gconstpointer  data)
{
  self->servers[0].manner = LARGE;
  look_up (self, "large.example");
  assert_both (self);
  g_assert_cmpuint (self->servers[0].n_streams, ==, 2);
}

/* An answer with another id is none, and the right one is still waited for. */
static void
test_guessed (Fixture       *self,
              gconstpointer  data)
{
  self->servers[0].manner = GUESSED;
  look_up (self, "guessed.example");
  assert_both (self);
  g_assert_cmpuint (self->servers[1].n_asked, ==, 2);
}

static void
test_refusal (Fixture       *self,
              gconstpointer  data)
{
  shoal_dns_client_configure (self->client, "", "No name server for tun0");
  g_assert_false (shoal_dns_client_is_idle (self->client));
  look_up (self, "tracker.example");
  g_assert_cmpstr (self->error, ==, "No name server for tun0");

  /* What is under way when everything changes is answered. */
  shoal_dns_client_configure (self->client, self->text, NULL);
  self->servers[0].manner = SILENT;
  shoal_dns_client_lookup (self->client, "tracker.example", answered, self);
  shoal_dns_client_configure (self->client, self->text, NULL);
  while (self->n_answers < 2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (self->error, ==, "No name server answers");
}

static void
lookup_answered (ShoalLookup *query,
                 gpointer     user_data)
{
  guint *n = user_data;

  (*n)++;
}

static void
test_resolver (Fixture       *self,
               gconstpointer  data)
{
  guint n = 0;
  ShoalResolver *resolver = shoal_resolver_new (self->client, lookup_answered, &n);
  ShoalLookup *query = shoal_lookup_new ("tracker.example", 80);
  ShoalLookup *unanswered = shoal_lookup_new ("later.example", 80);

  shoal_resolver_lookup (resolver, query);
  while (n == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (query->error);
  g_assert_cmpuint (query->n_addrs, ==, 2);
  g_assert_cmpuint (query->addrs[1].port, ==, 80);
  shoal_lookup_free (query);

  shoal_resolver_lookup (resolver, unanswered);
  shoal_resolver_free (resolver);
  g_assert_cmpuint (n, ==, 2);
  g_assert_nonnull (unanswered->error);
  shoal_lookup_free (unanswered);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/io/dns-client/answers", Fixture, NULL, set_up, test_answers, tear_down);
  g_test_add ("/io/dns-client/together", Fixture, NULL, set_up, test_together, tear_down);
  g_test_add ("/io/dns-client/another-server", Fixture, NULL, set_up, test_another_server,
              tear_down);
  g_test_add ("/io/dns-client/no-name", Fixture, NULL, set_up, test_no_name, tear_down);
  g_test_add ("/io/dns-client/large", Fixture, NULL, set_up, test_large, tear_down);
  g_test_add ("/io/dns-client/guessed", Fixture, NULL, set_up, test_guessed, tear_down);
  g_test_add ("/io/dns-client/refusal", Fixture, NULL, set_up, test_refusal, tear_down);
  g_test_add ("/io/dns-client/resolver", Fixture, NULL, set_up, test_resolver, tear_down);

  return g_test_run ();
}
