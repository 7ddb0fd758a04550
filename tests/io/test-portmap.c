/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Port mapping against gateways that the test plays itself, on loopback. */

#include <gio/gio.h>
#include <libsoup/soup.h>
#include <string.h>
#include "shoal-igd.h"
#include "shoal-portmap.h"

#define STEP_MS   4
#define TCP_PORT  6881
#define UDP_PORT  6882
#define LONG_MS   10000   /* nothing takes so long */

/* What a gateway has for one port. */
typedef struct
{
  guint16 internal;
  guint16 external;
  guint   n_asked;
} Entry;

typedef struct
{
  GMainContext  *context;
  ShoalPortmap  *portmap;
  ShoalMapping   now;
  guint          n_changes;
  gboolean       late;

  /* the gateway's PCP and NAT-PMP */
  GSocket       *pcp_socket;
  GSource       *pcp_source;
  gboolean       pcp;            /* it knows PCP */
  gboolean       nat_pmp;
  guint          drops;          /* requests that get lost */
  guint          refuse_tcp;     /* result */
  guint          refuse_udp;
  guint32        lease_s;
  int            shift;          /* of the outer port */
  guint          n_requests;

  /* its UPnP */
  GSocket       *search_socket;
  GSource       *search_source;
  SoupServer    *server;
  guint16        http_port;
  const char    *location_host;  /* (nullable): of somebody else */
  const char    *outer_ip;
  guint          n_conflicts;    /* to be told */
  gboolean       permanent_only;
  gboolean       mute;           /* calls are never answered */
  GPtrArray     *mutes;
  guint          last_lease;

  Entry          entries[2];     /* TCP, UDP */
  guint          n_added[2];
  guint          n_removed[2];
} Fixture;

/* --- PCP and NAT-PMP --- */

static void
reply (Fixture        *self,
       GSocketAddress *to,
       const guint8   *bytes,
       gsize           size)
{
  g_assert_cmpint (g_socket_send_to (self->pcp_socket, to, (const char *) bytes, size, NULL, NULL), ==, (gssize) size);
}

static guint16
note (Fixture *self,
      guint    index,
      guint16  internal,
      guint16  external,
      guint32  lifetime_s)
{
  Entry *entry = &self->entries[index];

  if (lifetime_s == 0)
    {
      self->n_removed[index]++;
      *entry = (Entry){ 0 };
      return external;
    }
  self->n_added[index]++;
  entry->internal = internal;
  if (entry->external == 0)
    entry->external = (guint16) (external + self->shift);

  return entry->external;
}

static void
answer_pcp (Fixture        *self,
            GSocketAddress *to,
            guint8         *bytes,
            gsize           size)
{
  guint index = bytes[36] == 6 ? 0 : 1;
  guint result = index == 0 ? self->refuse_tcp : self->refuse_udp;
  guint32 lifetime_s = (guint32) bytes[4] << 24 | (guint32) bytes[5] << 16 | (guint32) bytes[6] << 8 | bytes[7];
  guint16 external = (guint16) (bytes[42] << 8 | bytes[43]);

  g_assert_cmpuint (size, ==, 60);
  g_assert_cmpmem (bytes + 20, 4, "\x7f\0\0\1", 4);
  if (result == 0)
    external = note (self, index, (guint16) (bytes[40] << 8 | bytes[41]), external, lifetime_s);
  bytes[1] |= 0x80;
  bytes[3] = (guint8) result;
  if (lifetime_s > 0)
    lifetime_s = self->lease_s;
  bytes[4] = bytes[5] = 0;
  bytes[6] = (guint8) (lifetime_s >> 8);
  bytes[7] = (guint8) lifetime_s;
  bytes[42] = (guint8) (external >> 8);
  bytes[43] = (guint8) external;
  memcpy (bytes + 56, "\xcb\0\x71\5", 4);
  reply (self, to, bytes, size);
}

static void
answer_nat_pmp (Fixture        *self,
                GSocketAddress *to,
                guint8         *bytes,
                gsize           size)
{
  guint8 out[16] = { 0, (guint8) (bytes[1] | 0x80), 0, 0, 0, 0, 0, 1 };
  guint index = bytes[1] == 2 ? 0 : 1;
  guint16 external;

  if (bytes[1] == 0)
    {
      memcpy (out + 8, "\xcb\0\x71\6", 4);
      reply (self, to, out, 12);
      return;
    }
  g_assert_cmpuint (size, ==, 12);
  external = note (self, index, (guint16) (bytes[4] << 8 | bytes[5]), (guint16) (bytes[6] << 8 | bytes[7]),
                   memcmp (bytes + 8, "\0\0\0\0", 4) != 0);
  memcpy (out + 8, bytes + 4, 2);
  out[10] = (guint8) (external >> 8);
  out[11] = (guint8) external;
  out[14] = (guint8) (self->lease_s >> 8);
  out[15] = (guint8) self->lease_s;
  reply (self, to, out, sizeof out);
}

static gboolean
pcp_heard (GSocket     *socket,
           GIOCondition condition,
           gpointer     user_data)
{
  Fixture *self = user_data;
  g_autoptr(GSocketAddress) from = NULL;
  guint8 bytes[200];
  gssize size = g_socket_receive_from (socket, &from, (char *) bytes, sizeof bytes, NULL, NULL);

  if (size < 2)
    return G_SOURCE_CONTINUE;
  self->n_requests++;
  if (self->drops > 0)
    self->drops--;
  else if (bytes[0] == 2 && self->pcp)
    answer_pcp (self, from, bytes, (gsize) size);
  else if (bytes[0] == 2 && self->nat_pmp)
    reply (self, from, (const guint8 *) "\0\x81\0\1\0\0\0\1", 8);
  else if (bytes[0] == 0 && self->nat_pmp)
    answer_nat_pmp (self, from, bytes, (gsize) size);

  return G_SOURCE_CONTINUE;
}

/* --- UPnP --- */

static gboolean
search_heard (GSocket     *socket,
              GIOCondition condition,
              gpointer     user_data)
{
  Fixture *self = user_data;
  g_autoptr(GSocketAddress) from = NULL;
  g_autofree char *text = NULL;
  char bytes[1000];
  gssize size = g_socket_receive_from (socket, &from, bytes, sizeof bytes, NULL, NULL);

  g_assert_cmpint (size, >, 0);
  g_assert_cmpint (strncmp (bytes, "M-SEARCH * ", 11), ==, 0);
  if (self->http_port == 0)
    return G_SOURCE_CONTINUE;
  text = g_strdup_printf ("HTTP/1.1 200 OK\r\nST: x\r\nLOCATION: http://%s:%u/root.xml\r\n\r\n",
                          self->location_host != NULL ? self->location_host : "127.0.0.1", self->http_port);
  g_socket_send_to (socket, from, text, strlen (text), NULL, NULL);

  return G_SOURCE_CONTINUE;
}

static guint
number_in (const char *text,
           const char *tag)
{
  g_autofree char *open = g_strdup_printf ("<%s>", tag);
  const char *at = strstr (text, open);

  g_assert_nonnull (at);

  return (guint) g_ascii_strtoull (at + strlen (open), NULL, 10);
}

static void
upnp_error (SoupServerMessage *message,
            guint              number)
{
  g_autofree char *text = g_strdup_printf ("<s:Fault><UPnPError><errorCode>%u</errorCode></UPnPError></s:Fault>", number);

  soup_server_message_set_status (message, 500, NULL);
  soup_server_message_set_response (message, "text/xml", SOUP_MEMORY_COPY, text, strlen (text));
}

static void
upnp_called (Fixture           *self,
             SoupServerMessage *message,
             const char        *action,
             const char        *text)
{
  g_autofree char *answer = g_strdup_printf ("<NewExternalIPAddress>%s</NewExternalIPAddress>", self->outer_ip);
  guint index = strstr (text, "<NewProtocol>TCP<") != NULL ? 0 : 1;

  soup_server_message_set_status (message, 200, NULL);
  if (strstr (action, "#AddPortMapping") != NULL)
    {
      self->last_lease = number_in (text, "NewLeaseDuration");
      if (self->n_conflicts > 0)
        {
          self->n_conflicts--;
          upnp_error (message, SHOAL_IGD_CONFLICT);
        }
      else if (self->permanent_only && self->last_lease != 0)
        upnp_error (message, SHOAL_IGD_PERMANENT_ONLY);
      else
        note (self, index, (guint16) number_in (text, "NewInternalPort"), (guint16) number_in (text, "NewExternalPort"), 1);
    }
  else if (strstr (action, "#DeletePortMapping") != NULL)
    note (self, index, 0, (guint16) number_in (text, "NewExternalPort"), 0);
  else
    soup_server_message_set_response (message, "text/xml", SOUP_MEMORY_COPY, answer, strlen (answer));
}

static void
http_asked (SoupServer        *server,
            SoupServerMessage *message,
            const char        *path,
            GHashTable        *query,
            gpointer           user_data)
{
  static const char description[] =
    "<root><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>/control</controlURL></service></root>";
  Fixture *self = user_data;
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  g_autoptr(GBytes) bytes = soup_message_body_flatten (body);
  g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));

  if (strcmp (path, "/root.xml") == 0)
    {
      soup_server_message_set_status (message, 200, NULL);
      soup_server_message_set_response (message, "text/xml", SOUP_MEMORY_STATIC, description, sizeof description - 1);
      return;
    }
  g_assert_cmpstr (path, ==, "/control");
  if (self->mute)
    {
      soup_server_message_pause (message);
      g_ptr_array_add (self->mutes, g_object_ref (message));
      return;
    }
  upnp_called (self, message, soup_message_headers_get_one (soup_server_message_get_request_headers (message), "SOAPAction"), text);
}

/* --- The gateway and us --- */

static GSocket *
open_socket (Fixture          *self,
             GSource         **source,
             guint16          *port,
             GSocketSourceFunc func)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GInetAddress) ip = g_inet_address_new_from_string ("127.0.0.1");
  g_autoptr(GSocketAddress) any = g_inet_socket_address_new (ip, 0);
  g_autoptr(GSocketAddress) local = NULL;
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, &error);

  g_assert_no_error (error);
  g_socket_bind (socket, any, FALSE, &error);
  g_assert_no_error (error);
  local = g_socket_get_local_address (socket, NULL);
  *port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (local));
  *source = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (*source, G_SOURCE_FUNC (func), self, NULL);
  g_source_attach (*source, self->context);

  return socket;
}

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
  ShoalPortmapWays ways = { .step_ms = STEP_MS };

  self->context = g_main_context_new ();
  g_main_context_push_thread_default (self->context);
  self->lease_s = 3600;
  self->outer_ip = "203.0.113.7";
  self->mutes = g_ptr_array_new_with_free_func (g_object_unref);
  self->pcp_socket = open_socket (self, &self->pcp_source, &ways.pcp_port, pcp_heard);
  self->search_socket = open_socket (self, &self->search_source, &ways.search_port, search_heard);
  self->portmap = shoal_portmap_new (&ways, changed, self);
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  g_clear_pointer (&self->portmap, shoal_portmap_free);
  g_source_destroy (self->pcp_source);
  g_source_unref (self->pcp_source);
  g_source_destroy (self->search_source);
  g_source_unref (self->search_source);
  g_object_unref (self->pcp_socket);
  g_object_unref (self->search_socket);
  g_ptr_array_unref (self->mutes);
  if (self->server != NULL)
    soup_server_disconnect (self->server);
  g_clear_object (&self->server);
  while (g_main_context_iteration (self->context, FALSE))
    continue;
  g_main_context_pop_thread_default (self->context);
  g_main_context_unref (self->context);
}

static void
serve_upnp (Fixture *self)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GSList) uris = NULL;

  self->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (self->server, NULL, http_asked, self, NULL);
  soup_server_listen_local (self->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (self->server);
  self->http_port = (guint16) g_uri_get_port (uris->data);
  g_slist_foreach (uris, (GFunc) (void (*) (void)) g_uri_unref, NULL);
}

static ShoalPortmapPlace
here (void)
{
  const guint8 ip[4] = { 127, 0, 0, 1 };

  return (ShoalPortmapPlace){
    .gateway = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 0),
    .own = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 0),
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
  g_source_attach (deadline, self->context);
  while (!condition (self))
    {
      g_assert_false (self->late);
      g_main_context_iteration (self->context, TRUE);
    }
  g_source_destroy (deadline);
  g_source_unref (deadline);
}

static gboolean is_done (Fixture *self) { return self->now.state == SHOAL_MAP_DONE; }
static gboolean has_failed (Fixture *self) { return self->now.state == SHOAL_MAP_FAILED; }
static gboolean is_off (Fixture *self) { return self->n_changes > 0 && self->now.state == SHOAL_MAP_OFF; }
static gboolean is_renewed (Fixture *self) { return self->n_added[0] >= 3 && self->n_added[1] >= 3; }
static gboolean is_muted (Fixture *self) { return self->mutes->len > 0; }

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
  self->pcp = TRUE;
  self->nat_pmp = TRUE;
  want (self, TCP_PORT, UDP_PORT);
  /* UDP is asked for where TCP is, and may be had there. */
  assert_mapped (self, SHOAL_MAP_METHOD_PCP, TCP_PORT, TCP_PORT, "203.0.113.5");
  g_assert_cmpuint (self->entries[1].internal, ==, UDP_PORT);
  g_assert_false (self->now.nested);

  /* The same wish is no news. */
  want (self, TCP_PORT, UDP_PORT);
  g_assert_cmpuint (self->n_removed[0], ==, 0);

  /* Another is: the old ones go first. */
  self->now.state = SHOAL_MAP_OFF;
  want (self, TCP_PORT + 1, TCP_PORT + 1);
  assert_mapped (self, SHOAL_MAP_METHOD_PCP, TCP_PORT + 1, TCP_PORT + 1, "203.0.113.5");
  g_assert_cmpuint (self->n_removed[0], ==, 1);
  g_assert_cmpuint (self->n_removed[1], ==, 1);

  want (self, 0, 0);
  until (self, is_off);
  g_assert_cmpuint (self->n_removed[0], ==, 2);
  g_assert_cmpuint (self->n_removed[1], ==, 2);
}

static void
test_other_port (Fixture       *self,
                 gconstpointer  data)
{
  self->pcp = TRUE;
  self->shift = 100;
  want (self, TCP_PORT, TCP_PORT);
  assert_mapped (self, SHOAL_MAP_METHOD_PCP, TCP_PORT + 100, TCP_PORT + 200, "203.0.113.5");
}

static void
test_nat_pmp (Fixture       *self,
              gconstpointer  data)
{
  self->nat_pmp = TRUE;
  want (self, TCP_PORT, TCP_PORT);
  assert_mapped (self, SHOAL_MAP_METHOD_NAT_PMP, TCP_PORT, TCP_PORT, "203.0.113.6");
  /* The end takes them back without being asked to. */
  g_clear_pointer (&self->portmap, shoal_portmap_free);
  g_assert_cmpuint (self->n_removed[0], ==, 1);
  g_assert_cmpuint (self->n_removed[1], ==, 1);
}

static void
test_lost (Fixture       *self,
           gconstpointer  data)
{
  self->pcp = TRUE;
  self->drops = 2;
  want (self, TCP_PORT, TCP_PORT);
  assert_mapped (self, SHOAL_MAP_METHOD_PCP, TCP_PORT, TCP_PORT, "203.0.113.5");
}

static void
test_renewal (Fixture       *self,
              gconstpointer  data)
{
  self->pcp = GPOINTER_TO_UINT (data) == SHOAL_MAP_METHOD_PCP;
  self->nat_pmp = !self->pcp;
  self->lease_s = 0;
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
  self->pcp = TRUE;
  self->lease_s = 0;
  want (self, TCP_PORT, TCP_PORT);
  until (self, is_done);
  self->pcp = FALSE;
  until (self, has_failed);
  g_assert_cmpint (self->now.reason, ==, SHOAL_MAP_REASON_NO_ANSWER);
  g_assert_cmpuint (self->now.tcp_port, ==, 0);
  self->pcp = TRUE;
  until (self, is_done);
}

static void
test_refused (Fixture       *self,
              gconstpointer  data)
{
  self->pcp = TRUE;
  self->refuse_udp = 9;
  want (self, TCP_PORT, TCP_PORT);
  assert_mapped (self, SHOAL_MAP_METHOD_PCP, TCP_PORT, 0, "203.0.113.5");

  self->refuse_tcp = 2;
  want (self, TCP_PORT + 1, 0);
  until (self, has_failed);
  g_assert_cmpint (self->now.reason, ==, SHOAL_MAP_REASON_REFUSED);
}

static void
test_udp_alone (Fixture       *self,
                gconstpointer  data)
{
  self->nat_pmp = TRUE;
  want (self, 0, UDP_PORT);
  assert_mapped (self, SHOAL_MAP_METHOD_NAT_PMP, 0, UDP_PORT, "203.0.113.6");
  g_assert_cmpuint (self->n_added[0], ==, 0);
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
  self->pcp = TRUE;
  want (self, TCP_PORT, TCP_PORT);
  until (self, is_done);
}

static void
test_upnp (Fixture       *self,
           gconstpointer  data)
{
  serve_upnp (self);
  want (self, TCP_PORT, UDP_PORT);
  assert_mapped (self, SHOAL_MAP_METHOD_UPNP, TCP_PORT, TCP_PORT, "203.0.113.7");
  g_assert_cmpuint (self->entries[1].internal, ==, UDP_PORT);
  g_assert_cmpuint (self->last_lease, ==, SHOAL_PORTMAP_LEASE_S);
  g_clear_pointer (&self->portmap, shoal_portmap_free);
  g_assert_cmpuint (self->n_removed[0], ==, 1);
  g_assert_cmpuint (self->n_removed[1], ==, 1);
}

static void
test_upnp_whims (Fixture       *self,
                 gconstpointer  data)
{
  serve_upnp (self);
  self->n_conflicts = 2;
  self->permanent_only = TRUE;
  self->outer_ip = "100.64.3.4";
  want (self, TCP_PORT, TCP_PORT);
  until (self, is_done);
  g_assert_cmpuint (self->last_lease, ==, 0);
  g_assert_cmpuint (self->now.tcp_port, !=, TCP_PORT);
  g_assert_cmpuint (self->now.tcp_port, ==, self->now.udp_port);
  g_assert_cmpuint (self->now.tcp_port, ==, self->entries[0].external);
  g_assert_true (self->now.nested);

  self->n_conflicts = 100;
  want (self, TCP_PORT + 1, 0);
  until (self, has_failed);
  g_assert_cmpint (self->now.reason, ==, SHOAL_MAP_REASON_REFUSED);
}

/* Whoever answers for the gateway, or sends us elsewhere, is not believed. */
static void
test_upnp_elsewhere (Fixture       *self,
                     gconstpointer  data)
{
  serve_upnp (self);
  self->location_host = "127.0.0.2";
  want (self, TCP_PORT, TCP_PORT);
  until (self, has_failed);
  g_assert_cmpint (self->now.reason, ==, SHOAL_MAP_REASON_NO_ANSWER);
}

static void
test_upnp_mute (Fixture       *self,
                gconstpointer  data)
{
  serve_upnp (self);
  self->mute = TRUE;
  want (self, TCP_PORT, TCP_PORT);
  until (self, has_failed);
  g_assert_cmpint (self->now.reason, ==, SHOAL_MAP_REASON_NO_ANSWER);

  /* The end does not wait for it. */
  g_ptr_array_set_size (self->mutes, 0);
  want (self, TCP_PORT + 1, TCP_PORT);
  until (self, is_muted);
  g_clear_pointer (&self->portmap, shoal_portmap_free);
}

#define CASE(name, func, data) g_test_add ("/io/portmap/" name, Fixture, GUINT_TO_POINTER (data), set_up, func, tear_down)

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

  return g_test_run ();
}
