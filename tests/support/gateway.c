/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A gateway that a test plays itself, on loopback: PCP, NAT-PMP and UPnP. */

#include "gateway.h"

#include <string.h>
#include "shoal-igd.h"

/* --- PCP and NAT-PMP --- */

void
gateway_put (guint8  *at,
       guint32  value)
{
  for (guint i = 0; i < 4; i++)
    at[i] = (guint8) (value >> (24 - 8 * i));
}

static void
reply (Gateway        *self,
       GSocketAddress *to,
       const guint8   *bytes,
       gsize           size)
{
  g_assert_cmpint (g_socket_send_to (self->asked, to, (const char *) bytes, size, NULL, NULL), ==,
                   (gssize) size);
}

static guint16
note (Gateway *self,
      guint    index,
      guint16  internal,
      guint16  external,
      guint32  lifetime_s)
{
  GatewayEntry *entry = &self->entries[index];

  if (lifetime_s == 0)
    {
      self->n_removed[index]++;
      *entry = (GatewayEntry){ 0 };
      return external;
    }
  self->n_added[index]++;
  entry->internal = internal;
  if (entry->external == 0)
    entry->external = (guint16) (external + self->shift);

  return entry->external;
}

static void
answer_pcp (Gateway        *self,
            GSocketAddress *to,
            guint8         *bytes,
            gsize           size)
{
  guint index = bytes[36] == 6 ? 0 : 1;
  guint result = index == 0 ? self->refuse_tcp : self->refuse_udp;
  guint32 lifetime_s = (guint32) bytes[4] << 24 | (guint32) bytes[5] << 16 | (guint32) bytes[6] << 8
                       | bytes[7];
  guint16 external = (guint16) (bytes[42] << 8 | bytes[43]);

  g_assert_cmpuint (size, ==, 60);
  g_assert_cmpmem (bytes + 20, 4, self->asked == self->pcp_socket ? "\x7f\0\0\1" : "\0\0\0\1", 4);
  if (result == 0)
    external = note (self, index, (guint16) (bytes[40] << 8 | bytes[41]), external, lifetime_s);
  bytes[1] |= 0x80;
  bytes[3] = (guint8) result;
  if (lifetime_s > 0)
    lifetime_s = self->lease_s;
  bytes[4] = bytes[5] = 0;
  bytes[6] = (guint8) (lifetime_s >> 8);
  bytes[7] = (guint8) lifetime_s;
  gateway_put (bytes + 8, self->epoch_s);
  bytes[42] = (guint8) (external >> 8);
  bytes[43] = (guint8) external;
  memcpy (bytes + 56, "\xcb\0\x71\5", 4);
  reply (self, to, bytes, size);
}

static void
answer_nat_pmp (Gateway        *self,
                GSocketAddress *to,
                guint8         *bytes,
                gsize           size)
{
  guint8 out[16] = { 0, (guint8) (bytes[1] | 0x80) };
  guint index = bytes[1] == 2 ? 0 : 1;
  guint16 external;

  gateway_put (out + 4, self->epoch_s);
  if (bytes[1] == 0)
    {
      memcpy (out + 8, self->outer, 4);
      reply (self, to, out, 12);
      return;
    }
  g_assert_cmpuint (size, ==, 12);
  external = note (self, index, (guint16) (bytes[4] << 8 | bytes[5]),
                   (guint16) (bytes[6] << 8 | bytes[7]), memcmp (bytes + 8, "\0\0\0\0", 4) != 0);
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
  Gateway *self = user_data;
  g_autoptr(GSocketAddress) from = NULL;
  guint8 bytes[200];
  gssize size = g_socket_receive_from (socket, &from, (char *) bytes, sizeof bytes, NULL, NULL);

  if (size < 2)
    return G_SOURCE_CONTINUE;
  self->asked = socket;
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
  Gateway *self = user_data;
  g_autoptr(GSocketAddress) from = NULL;
  g_autofree char *text = NULL;
  char bytes[1000];
  gssize size = g_socket_receive_from (socket, &from, bytes, sizeof bytes, NULL, NULL);

  g_assert_cmpint (size, >, 0);
  g_assert_cmpint (strncmp (bytes, "M-SEARCH * ", 11), ==, 0);
  if (self->http_port == 0)
    return G_SOURCE_CONTINUE;
  text = g_strdup_printf ("HTTP/1.1 200 OK\r\nST: x\r\nLOCATION: http://%s:%u/root.xml\r\n\r\n",
                          self->location_host != NULL ? self->location_host : "127.0.0.1",
                          self->http_port);
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
  g_autofree char *text =
    g_strdup_printf ("<s:Fault><UPnPError><errorCode>%u</errorCode></UPnPError></s:Fault>", number);

  soup_server_message_set_status (message, 500, NULL);
  soup_server_message_set_response (message, "text/xml", SOUP_MEMORY_COPY, text, strlen (text));
}

static void
upnp_called (Gateway           *self,
             SoupServerMessage *message,
             const char        *action,
             const char        *text)
{
  g_autofree char *answer = g_strdup_printf ("<NewExternalIPAddress>%s</NewExternalIPAddress>",
                                             self->outer_ip);
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
        note (self, index, (guint16) number_in (text, "NewInternalPort"),
              (guint16) number_in (text, "NewExternalPort"), 1);
    }
  else if (strstr (action, "#AddPinhole") != NULL)
    {
      g_free (answer);
      answer = g_strdup_printf ("<UniqueID>%u</UniqueID>", 70 + self->n_pinholes++);
      g_assert_nonnull (strstr (text, "<InternalClient>::1<"));
      g_assert_cmpuint (number_in (text, "LeaseTime"), ==, SHOAL_PORTMAP_LEASE_S);
      note (self, number_in (text, "Protocol") == 6 ? 0 : 1,
            (guint16) number_in (text, "InternalPort"), 0, 1);
      soup_server_message_set_response (message, "text/xml", SOUP_MEMORY_COPY, answer,
                                        strlen (answer));
    }
  else if (strstr (action, "#DeletePinhole") != NULL)
    note (self, number_in (text, "UniqueID") - 70, 0, 0, 0);
  else if (strstr (action, "#DeletePortMapping") != NULL)
    note (self, index, 0, (guint16) number_in (text, "NewExternalPort"), 0);
  else
    soup_server_message_set_response (message, "text/xml", SOUP_MEMORY_COPY, answer,
                                      strlen (answer));
}

static void
http_asked (SoupServer        *server,
            SoupServerMessage *message,
            const char        *path,
            GHashTable        *query,
            gpointer           user_data)
{
  static const char description[] =
    "<root><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>/control</controlURL></service>"
    "<service><serviceType>urn:schemas-upnp-org:service:WANIPv6FirewallControl:1</serviceType><controlURL>/control</controlURL></service></root>";
  Gateway *self = user_data;
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  g_autoptr(GBytes) bytes = soup_message_body_flatten (body);
  g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));

  if (strcmp (path, "/root.xml") == 0)
    {
      soup_server_message_set_status (message, 200, NULL);
      soup_server_message_set_response (message, "text/xml", SOUP_MEMORY_STATIC, description,
                                        sizeof description - 1);
      return;
    }
  g_assert_cmpstr (path, ==, "/control");
  if (self->mute)
    {
      soup_server_message_pause (message);
      g_ptr_array_add (self->mutes, g_object_ref (message));
      return;
    }
  upnp_called (self, message,
               soup_message_headers_get_one (soup_server_message_get_request_headers (message),
                                             "SOAPAction"),
               text);
}

/* --- Life --- */

static GSocket *
open_socket (Gateway          *self,
             const char       *host,
             GSource         **source,
             guint16          *port,
             GSocketSourceFunc func)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GInetAddress) ip = g_inet_address_new_from_string (host);
  g_autoptr(GSocketAddress) any = g_inet_socket_address_new (ip, *port);
  g_autoptr(GSocketAddress) local = NULL;
  GSocket *socket = g_socket_new (g_inet_address_get_family (ip), G_SOCKET_TYPE_DATAGRAM,
                                  G_SOCKET_PROTOCOL_UDP, &error);

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

void
gateway_close_socket (GSocket *socket,
              GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
  g_object_unref (socket);
}

GSocket *
gateway_socket (Gateway    *self,
                const char *host,
                GSource   **source,
                guint16    *port)
{
  return open_socket (self, host, source, port, pcp_heard);
}

void
gateway_open (Gateway *self)
{
  GSocket *taken;
  GSource *source;

  self->context = g_main_context_new ();
  g_main_context_push_thread_default (self->context);
  self->lease_s = 3600;
  self->outer_ip = "203.0.113.7";
  memcpy (self->outer, "\xcb\0\x71\6", sizeof self->outer);
  self->mutes = g_ptr_array_new_with_free_func (g_object_unref);
  self->ways.step_ms = GATEWAY_STEP_MS;
  self->ways.leave_ms = GATEWAY_LEAVE_MS;
  self->pcp_socket = gateway_socket (self, "127.0.0.1", &self->pcp_source, &self->ways.pcp_port);
  self->search_socket = open_socket (self, "127.0.0.1", &self->search_source,
                                     &self->ways.search_port, search_heard);
  taken = gateway_socket (self, "127.0.0.1", &source, &self->ways.announce_port);
  gateway_close_socket (taken, source);
}

void
gateway_close (Gateway *self)
{
  gateway_close_socket (self->pcp_socket, self->pcp_source);
  gateway_close_socket (self->search_socket, self->search_source);
  g_ptr_array_unref (self->mutes);
  if (self->server != NULL)
    soup_server_disconnect (self->server);
  g_clear_object (&self->server);
  while (g_main_context_iteration (self->context, FALSE))
    continue;
  g_main_context_pop_thread_default (self->context);
  g_main_context_unref (self->context);
}

void
gateway_serve_upnp (Gateway *self)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GSList) uris = NULL;

  self->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (self->server, NULL, http_asked, self, NULL);
  soup_server_listen_local (self->server, 0, 0, &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (self->server);
  self->http_port = (guint16) g_uri_get_port (uris->data);
  g_slist_foreach (uris, (GFunc) (void (*) (void)) g_uri_unref, NULL);
}
