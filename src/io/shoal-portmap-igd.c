/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UPnP: a search by datagrams, then a few calls over HTTP. */

/*
 * Only the gateway itself is believed: what answers the search must have its address, and so must
 * the hosts of both URLs. Else anybody in the network could send us to any server.
 *
 * search -> describe -> address -> add TCP -> add UDP, one call at a time. A renewal begins with
 * adding; the way out deletes both.
 *
 * Pinholes of the firewall for IPv6 are made likewise, without asking for an address. The gateway
 * is looked for over IPv4, where its address is known; but it opens holes only for who asks, so
 * calls go over IPv6.
 */

#include "shoal-portmap-private.h"

#include <netinet/in.h>
#include <string.h>

#define SEARCHES         3u      /* sent, of each kind */
#define SEARCH_STEPS     3u      /* between them; the answers may take a second */
#define CALL_STEPS       12u     /* 3 s for a call */
#define CONFLICTS_MAX    4u      /* other ports that are tried when one is taken */
#define PERMANENT_S      2400u   /* of a mapping without an end: it is looked after all the same */
#define PORT_LOWEST      16384u
#define HTTP_PORT        80u

enum { STEP_TCP = SHOAL_PORTMAP_TCP, STEP_UDP = SHOAL_PORTMAP_UDP, STEP_END, STEP_DESCRIBE,
       STEP_ADDRESS };

static const char multicast_host[] = "239.255.255.250";

static void ask_for_address (ShoalPortmap *self);
static void take_port       (ShoalPortmap *self, guint step);

static gboolean
is_pinhole (const ShoalPortmap *self)
{
  return self->active == &shoal_portmap_pinhole;
}

/* --- Calls --- */

/* One that was cancelled is waited for at the end, and by nobody else. */
typedef struct
{
  ShoalPortmap *portmap;
  GCancellable *cancellable;
  SoupMessage  *message;
  GInputStream *stream;        /* (nullable) */
  guint8       *body;
} Call;

static void
call_free (Call *call)
{
  call->portmap->igd.n_calls--;
  g_signal_handlers_disconnect_by_data (call->message, call);
  g_clear_object (&call->stream);
  g_object_unref (call->message);
  g_object_unref (call->cancellable);
  g_free (call->body);
  g_free (call);
}

static void
stop_call (ShoalPortmap *self)
{
  shoal_portmap_stop_source (&self->igd.late);
  if (self->igd.cancellable == NULL)
    return;

  g_cancellable_cancel (self->igd.cancellable);
  g_clear_object (&self->igd.cancellable);
}

static void
stop_search (ShoalPortmap *self)
{
  shoal_portmap_stop_source (&self->igd.again);
  shoal_portmap_stop_source (&self->igd.heard);
  g_clear_object (&self->igd.socket);
}

static void
halt (ShoalPortmap *self)
{
  stop_search (self);
  stop_call (self);
}

void
shoal_portmap_igd_forget (ShoalPortmap *self)
{
  halt (self);
  g_clear_object (&self->igd.session);
  g_clear_pointer (&self->igd.location, g_free);
  shoal_igd_service_clear (&self->igd.service);
  self->igd.permanent = FALSE;
}

static void
give_up (ShoalPortmap *self,
         gboolean      refused)
{
  halt (self);
  if (self->igd.dropping)
    shoal_portmap_dropped (self);
  else
    {
      /* The next round looks for it again. */
      shoal_portmap_igd_forget (self);
      shoal_portmap_fail (self, refused);
    }
}

static gboolean
is_of_gateway (const ShoalPortmap *self,
               const char         *url)
{
  g_autoptr(GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  ShoalAddr addr;

  return uri != NULL && g_uri_get_host (uri) != NULL &&
         shoal_addr_parse (&addr, g_uri_get_host (uri), 1) &&
         shoal_addr_same_ip (&addr, &self->place.upnp_gateway);
}

static guint16
another_port (void)
{
  return (guint16) g_random_int_range (PORT_LOWEST, G_MAXUINT16);
}

/* TRUE: the call is worth repeating, with something changed. */
static gboolean
try_otherwise (ShoalPortmap *self,
               guint         error)
{
  ShoalPortmapIgd *igd = &self->igd;

  if (error == SHOAL_IGD_PERMANENT_ONLY && !igd->permanent)
    {
      igd->permanent = TRUE;
      return TRUE;
    }
  if (error == SHOAL_IGD_CONFLICT && igd->n_conflicts < CONFLICTS_MAX)
    {
      igd->n_conflicts++;
      self->given[igd->step] = another_port ();
      return TRUE;
    }

  return FALSE;
}

static void
add_answered (ShoalPortmap         *self,
              const ShoalIgdAnswer *answer)
{
  ShoalPortmapIgd *igd = &self->igd;
  guint step = igd->step;

  if (answer->error == 0)
    {
      igd->pinholes[step] = answer->pinhole;
      take_port (self, step + 1);
      return;
    }
  if (!is_pinhole (self) && try_otherwise (self, answer->error))
    {
      take_port (self, step);
      return;
    }

  g_debug ("The gateway maps no %s: error %u of UPnP", step == STEP_TCP ? "TCP" : "UDP",
           answer->error);
  self->given[step] = 0;
  if (step == STEP_UDP && self->given[STEP_TCP] != 0)
    take_port (self, STEP_END);
  else
    give_up (self, answer->error != SHOAL_IGD_NO_ANSWER);
}

static gboolean
parse_description (ShoalPortmap *self,
                   const char   *text,
                   gsize         size)
{
  ShoalPortmapIgd *igd = &self->igd;

  return (is_pinhole (self)
            ? shoal_igd_parse_firewall
            : shoal_igd_parse_description) (&igd->service, igd->location, text, size);
}

static void
call_answered (ShoalPortmap *self,
               guint         status,
               const char   *text,
               gsize         size)
{
  ShoalPortmapIgd *igd = &self->igd;
  ShoalIgdAnswer answer;

  shoal_igd_parse_answer (&answer, status, text, size);
  if (igd->step == STEP_DESCRIBE)
    {
      if (status != 200 || !parse_description (self, text, size) ||
          !is_of_gateway (self, igd->service.control))
        give_up (self, FALSE);
      else if (is_pinhole (self))
        take_port (self, STEP_TCP);
      else
        ask_for_address (self);
    }
  else if (igd->step == STEP_ADDRESS)
    {
      /* Ports are of use without it. */
      self->external = answer.external;
      take_port (self, STEP_TCP);
    }
  else if (igd->dropping)
    take_port (self, igd->step + 1);
  else
    add_answered (self, &answer);
}

/* Every call ends here, once. */
static void
call_done (Call   *call,
           gsize   size,
           GError *error)
{
  ShoalPortmap *self = call->portmap;

  /* Whoever cancelled has gone on, or is gone. */
  if (!g_cancellable_is_cancelled (call->cancellable))
    {
      stop_call (self);
      if (error == NULL)
        call_answered (self, soup_message_get_status (call->message), (const char *) call->body,
                       size);
      else
        {
          g_debug ("The gateway does not answer: %s", error->message);
          call_answered (self, 0, "", 0);
        }
    }
  call_free (call);
}

static void
body_read (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  Call *call = user_data;
  g_autoptr(GError) error = NULL;
  gsize size = 0;

  g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &size, &error);
  call_done (call, size, error);
}

static void
head_came (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  Call *call = user_data;
  g_autoptr(GError) error = NULL;

  call->stream = soup_session_send_finish (SOUP_SESSION (source), result, &error);
  if (call->stream == NULL)
    {
      call_done (call, 0, error);
      return;
    }
  call->body = g_malloc (SHOAL_IGD_BODY_MAX);
  g_input_stream_read_all_async (call->stream, call->body, SHOAL_IGD_BODY_MAX, G_PRIORITY_DEFAULT,
                                 call->cancellable, body_read, call);
}

static gboolean
too_late (gpointer user_data)
{
  ShoalPortmap *self = user_data;

  g_clear_pointer (&self->igd.late, g_source_unref);
  stop_call (self);
  call_answered (self, 0, "", 0);

  return G_SOURCE_REMOVE;
}

static void
connecting (SoupMessage       *message,
            GSocketClientEvent event,
            GIOStream         *connection,
            gpointer           user_data)
{
  Call *call = user_data;

  if (event == G_SOCKET_CLIENT_CONNECTING)
    shoal_portmap_keep (call->portmap,
                        g_socket_connection_get_socket (G_SOCKET_CONNECTION (connection)));
}

/* (transfer full) (nullable): NULL: where the link says */
static GSocketAddress *
server_of (const ShoalPortmap *self)
{
  g_autoptr(GUri) uri = g_uri_parse (self->igd.location, SOUP_HTTP_URI_FLAGS, NULL);
  int port = g_uri_get_port (uri);

  return is_pinhole (self) ? shoal_portmap_address (self, &self->place.gateway,
                                                    port > 0 ? (guint16) port : HTTP_PORT)
                           : NULL;
}

static SoupSession *
session_of (ShoalPortmap *self)
{
  g_autoptr(GSocketAddress) own =
    shoal_portmap_address (self, is_pinhole (self) ? &self->place.own : &self->place.upnp_own, 0);
  g_autoptr(GSocketAddress) server = server_of (self);
  g_autoptr(GProxyResolver) no_proxy = g_simple_proxy_resolver_new ("direct://", NULL);

  if (self->igd.session == NULL)
    self->igd.session = g_object_new (SOUP_TYPE_SESSION,
                                      "local-address", own,
                                      "remote-connectable", server,
                                      "proxy-resolver", no_proxy,
                                      "idle-timeout", 1,
                                      "user-agent", "Shoal/" SHOAL_VERSION " UPnP/1.1",
                                      NULL);

  return self->igd.session;
}

/* @body: (nullable): NULL: a GET */
static void
start_call (ShoalPortmap *self,
            const char   *url,
            const char   *body,
            const char   *action)
{
  SoupMessage *message = soup_message_new (body != NULL ? "POST" : "GET", url);
  Call *call;

  if (message == NULL)
    {
      give_up (self, FALSE);
      return;
    }

  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_NEW_CONNECTION);
  if (body != NULL)
    {
      g_autoptr(GBytes) bytes = g_bytes_new (body, strlen (body));

      soup_message_set_request_body_from_bytes (message, "text/xml; charset=\"utf-8\"", bytes);
      soup_message_headers_append (soup_message_get_request_headers (message), "SOAPAction",
                                   action);
    }

  call = g_new0 (Call, 1);
  call->portmap = self;
  call->message = message;
  call->cancellable = g_cancellable_new ();
  g_signal_connect (message, "network-event", G_CALLBACK (connecting), call);
  self->igd.n_calls++;
  self->igd.cancellable = g_object_ref (call->cancellable);
  self->igd.late = self->igd.dropping ? shoal_portmap_after_ms (self, self->ways.leave_ms, too_late)
                                      : shoal_portmap_after (self, CALL_STEPS, too_late);
  soup_session_send_async (session_of (self), message, G_PRIORITY_DEFAULT, call->cancellable,
                           head_came, call);
}

/* --- Steps --- */

static void
call_for_port (ShoalPortmap *self,
               guint         step)
{
  ShoalPortmapIgd *igd = &self->igd;
  g_autofree char *action = NULL;
  g_autofree char *body = NULL;
  ShoalPcpMap map = {
    .client = self->place.own,
    .transport = step == STEP_TCP ? SHOAL_TRANSPORT_TCP : SHOAL_TRANSPORT_UDP,
    .internal = self->wanted[step],
    .lifetime_s = igd->permanent ? 0 : SHOAL_PORTMAP_LEASE_S,
  };

  if (self->given[step] == 0)
    self->given[step] = step == STEP_UDP && self->given[STEP_TCP] != 0 ? self->given[STEP_TCP]
                                                                       : self->wanted[step];
  map.external = self->given[step];
  if (is_pinhole (self))
    body = igd->dropping ? shoal_igd_write_close (&igd->service, igd->pinholes[step], &action)
                         : shoal_igd_write_open (&igd->service, &map, &action);
  else if (igd->dropping)
    body = shoal_igd_write_delete (&igd->service, &map, &action);
  else
    body = shoal_igd_write_add (&igd->service, &map, &action);
  start_call (self, igd->service.control, body, action);
}

/* The next port that there is a reason for. */
static void
take_port (ShoalPortmap *self,
           guint         step)
{
  ShoalPortmapIgd *igd = &self->igd;

  while (step < STEP_END && (self->wanted[step] == 0 || (igd->dropping && self->given[step] == 0)))
    step++;
  if (step != igd->step)
    igd->n_conflicts = 0;
  igd->step = step;
  if (step < STEP_END)
    call_for_port (self, step);
  else if (igd->dropping)
    shoal_portmap_dropped (self);
  else
    shoal_portmap_succeed (self, igd->permanent ? PERMANENT_S : SHOAL_PORTMAP_LEASE_S);
}

static void
ask_for_address (ShoalPortmap *self)
{
  g_autofree char *action = NULL;
  g_autofree char *body = shoal_igd_write_address (&self->igd.service, &action);

  self->igd.step = STEP_ADDRESS;
  start_call (self, self->igd.service.control, body, action);
}

/* --- Searching --- */

static void
describe (ShoalPortmap *self)
{
  self->igd.step = STEP_DESCRIBE;
  start_call (self, self->igd.location, NULL, NULL);
}

static gboolean
heard (GSocket     *socket,
       GIOCondition condition,
       gpointer     user_data)
{
  ShoalPortmap *self = user_data;
  guint8 bytes[SHOAL_IGD_SEARCH_MAX + 1];
  g_autoptr(GSocketAddress) from = NULL;
  gssize size = g_socket_receive_from (socket, &from, (char *) bytes, sizeof bytes, NULL, NULL);
  g_autofree char *url = NULL;
  GInetAddress *ip;

  if (size <= 0 || !G_IS_INET_SOCKET_ADDRESS (from))
    return G_SOURCE_CONTINUE;
  ip = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (from));
  if (g_inet_address_get_family (ip) != G_SOCKET_FAMILY_IPV4 ||
      memcmp (g_inet_address_to_bytes (ip), self->place.upnp_gateway.ip, 4) != 0)
    return G_SOURCE_CONTINUE;

  url = shoal_igd_parse_search_answer (bytes, (gsize) size);
  if (url != NULL && is_of_gateway (self, url))
    {
      stop_search (self);
      g_free (self->igd.location);
      self->igd.location = g_steal_pointer (&url);
      describe (self);
    }

  return G_SOURCE_CONTINUE;
}

static void
search_at (ShoalPortmap    *self,
           const ShoalAddr *addr,
           const char      *name)
{
  g_autoptr(GSocketAddress) to = shoal_portmap_address (self, addr, self->ways.search_port);

  for (guint version = 1; version <= 2; version++)
    {
      g_autofree char *text = shoal_igd_write_search (name, version);
      g_autoptr(GError) error = NULL;

      if (g_socket_send_to (self->igd.socket, to, text, strlen (text), NULL, &error) < 0)
        g_debug ("Nobody can be searched for: %s", error->message);
    }
}

static gboolean
search (gpointer user_data)
{
  ShoalPortmap *self = user_data;
  static const guint8 multicast_ip[4] = { 239, 255, 255, 250 };
  const ShoalAddr multicast = shoal_addr_make (SHOAL_FAMILY_IPV4, multicast_ip, 0);
  g_autofree char *gateway = shoal_addr_ip_to_text (&self->place.upnp_gateway);

  shoal_portmap_stop_source (&self->igd.again);
  if (self->igd.n_sent == SEARCHES)
    {
      give_up (self, FALSE);
      return G_SOURCE_REMOVE;
    }
  self->igd.n_sent++;
  search_at (self, &multicast, multicast_host);
  search_at (self, &self->place.upnp_gateway, gateway);
  self->igd.again =
    shoal_portmap_after (self, SEARCH_STEPS + (self->igd.n_sent == SEARCHES ? SEARCH_STEPS : 0),
                         search);

  return G_SOURCE_REMOVE;
}

static void
ask (ShoalPortmap *self)
{
  ShoalPortmapIgd *igd = &self->igd;
  struct in_addr own;

  igd->dropping = FALSE;
  igd->n_conflicts = 0;
  if (igd->service.type != NULL)
    {
      take_port (self, STEP_TCP);
      return;
    }

  if (self->place.upnp_gateway.family != SHOAL_FAMILY_NONE)
    igd->socket = shoal_portmap_socket (self, &self->place.upnp_own, 0, FALSE);
  if (igd->socket == NULL)
    {
      give_up (self, FALSE);
      return;
    }
  memcpy (&own, self->place.upnp_own.ip, sizeof own);
  if (setsockopt (g_socket_get_fd (igd->socket), IPPROTO_IP, IP_MULTICAST_IF, &own, sizeof own) < 0)
    g_debug ("No multicast on this interface");
  g_socket_set_multicast_ttl (igd->socket, 2);
  igd->heard = shoal_portmap_listen (self, igd->socket, heard);
  igd->n_sent = 0;
  search (self);
}

static void
drop (ShoalPortmap *self)
{
  self->igd.dropping = TRUE;
  take_port (self, STEP_TCP);
}

const ShoalPortmapMethod shoal_portmap_igd = {
  .method = SHOAL_MAP_METHOD_UPNP,
  .ask = ask,
  .drop = drop,
  .halt = halt,
};

const ShoalPortmapMethod shoal_portmap_pinhole = {
  .method = SHOAL_MAP_METHOD_UPNP,
  .ask = ask,
  .drop = drop,
  .halt = halt,
};
