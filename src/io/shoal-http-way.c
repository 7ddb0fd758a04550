/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How HTTP goes out: over sockets that keep to the binding, with names of our own asking, or
 * through a proxy. */

/*
 * libsoup makes its own sockets. It says so before it connects them ("network-event"), which is
 * where they are kept to the device; a socket that cannot be kept is closed on the spot. It also
 * looks names up on its own, unless a session is given the one address that it connects to: so
 * where names are not for the system, there is a session for each server, and a session knows its
 * server's name only as something that is asked of our own name servers.
 *
 * A proxy gets the names of servers and looks them up itself.
 *
 * Without any of this there is a session for each address family and use: a session cannot choose
 * the family of a single request. A family is forced by binding the near end to it.
 */

#include "shoal-http-way.h"

#include "shoal-http-address.h"

#define MAX_CONNS           256
#define MAX_CONNS_PER_HOST  4
#define IO_TIMEOUT_S        30
#define IDLE_TIMEOUT_S      10
#define SESSIONS_MAX        64   /* the one used longest ago is given up for another */

struct _ShoalHttpWay
{
  const ShoalBinding *binding;    /* (nullable) */
  ShoalDnsClient     *dns;        /* (nullable) */
  GProxyResolver     *proxy;
  gboolean            proxied;
  char               *refusal;    /* (nullable) */
  GHashTable         *sessions;   /* name to Session (owned) */
  guint64             serial;     /* of uses */
};

typedef struct
{
  SoupSession *soup;
  guint64      used;
} Session;

static void
session_free (gpointer data)
{
  Session *self = data;

  g_object_unref (self->soup);
  g_free (self);
}

static gboolean
asks_itself (const ShoalHttpWay *self)
{
  return !self->proxied && self->dns != NULL && !shoal_dns_client_is_idle (self->dns);
}

gboolean
shoal_http_way_knows_names (const ShoalHttpWay *self)
{
  return self->proxied || asks_itself (self);
}

const char *
shoal_http_way_refusal (const ShoalHttpWay *self)
{
  return self->refusal;
}

/* --- Sessions --- */

static guint16
port_of (GUri *uri)
{
  int port = g_uri_get_port (uri);

  if (port > 0)
    return (guint16) port;

  return g_str_equal (g_uri_get_scheme (uri), "https") ? 443 : 80;
}

static GSocketAddress *
near_end (const ShoalHttpWay *self,
          ShoalFamily         family)
{
  const ShoalBinding *binding = self->binding;
  g_autoptr(GInetAddress) ip = NULL;

  if (binding != NULL && binding->by_address)
    {
      const ShoalAddr *local = &binding->locals[SHOAL_FAMILY_INDEX (family)];

      if (family == SHOAL_FAMILY_NONE && local->family == SHOAL_FAMILY_NONE)
        local = &binding->locals[1];
      if (local->family == SHOAL_FAMILY_NONE)
        return NULL;
      ip = g_inet_address_new_from_bytes (local->ip, local->family == SHOAL_FAMILY_IPV6
                                                       ? G_SOCKET_FAMILY_IPV6
                                                       : G_SOCKET_FAMILY_IPV4);
    }
  else if (family != SHOAL_FAMILY_NONE && !self->proxied)
    ip = g_inet_address_new_any (family == SHOAL_FAMILY_IPV6 ? G_SOCKET_FAMILY_IPV6
                                                             : G_SOCKET_FAMILY_IPV4);

  return ip != NULL ? g_inet_socket_address_new (ip, 0) : NULL;
}

static void
make_room (ShoalHttpWay *self)
{
  GHashTableIter iter;
  gpointer key;
  gpointer value;
  gpointer oldest = NULL;
  guint64 used = G_MAXUINT64;

  if (g_hash_table_size (self->sessions) < SESSIONS_MAX)
    return;
  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      if (((Session *) value)->used >= used)
        continue;
      used = ((Session *) value)->used;
      oldest = key;
    }
  g_hash_table_remove (self->sessions, oldest);
}

static SoupSession *
make_session (ShoalHttpWay  *self,
              ShoalFetchUse  use,
              ShoalFamily    family,
              GUri          *uri)
{
  g_autoptr(GSocketAddress) local = near_end (self, family);
  g_autoptr(GSocketConnectable) server = NULL;
  SoupSession *session;

  if (asks_itself (self))
    server = shoal_http_address_new (self->dns, self->binding, family, g_uri_get_host (uri),
                                     port_of (uri));

  session = g_object_new (SOUP_TYPE_SESSION,
                          "local-address", local,
                          "remote-connectable", server,
                          "max-conns", MAX_CONNS,
                          "max-conns-per-host", MAX_CONNS_PER_HOST,
                          "timeout", IO_TIMEOUT_S,
                          "idle-timeout", IDLE_TIMEOUT_S,
                          "proxy-resolver", self->proxy,
                          "user-agent", "Shoal/" SHOAL_VERSION,
                          NULL);
  /* Ranges are of the file as it is: nothing else is asked for, and nothing is unpacked. */
  if (use == SHOAL_FETCH_SEED)
    soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_DECODER);

  return session;
}

SoupSession *
shoal_http_way_session (ShoalHttpWay  *self,
                        ShoalFetchUse  use,
                        ShoalFamily    family,
                        GUri          *uri)
{
  g_autofree char *name = NULL;
  Session *session;

  if (asks_itself (self))
    name = g_strdup_printf ("%d %d %s %u %s", (int) use, (int) family, g_uri_get_scheme (uri),
                            port_of (uri), g_uri_get_host (uri));
  else
    name = g_strdup_printf ("%d %d", (int) use, (int) family);
  session = g_hash_table_lookup (self->sessions, name);
  if (session == NULL)
    {
      make_room (self);
      session = g_new0 (Session, 1);
      session->soup = make_session (self, use, family, uri);
      g_hash_table_insert (self->sessions, g_steal_pointer (&name), session);
    }
  session->used = ++self->serial;

  return session->soup;
}

/* --- Sockets --- */

static void
network_event (SoupMessage        *message,
               GSocketClientEvent  event,
               GIOStream          *connection,
               gpointer            user_data)
{
  const ShoalBinding *binding = user_data;
  g_autoptr(GError) error = NULL;
  GSocket *socket;

  if (event != G_SOCKET_CLIENT_CONNECTING || !G_IS_SOCKET_CONNECTION (connection))
    return;

  socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (connection));
  if (shoal_binding_keep (binding, socket, &error))
    return;
  g_debug ("A connection is not made: %s", error->message);
  g_socket_close (socket, NULL);
}

void
shoal_http_way_keep (ShoalHttpWay *self,
                     SoupMessage  *message)
{
  if (self->binding != NULL)
    g_signal_connect (message, "network-event", G_CALLBACK (network_event),
                      (gpointer) self->binding);
}

/* --- Life --- */

static void
abort_sessions (ShoalHttpWay *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    soup_session_abort (((Session *) value)->soup);
  g_hash_table_remove_all (self->sessions);
}

void
shoal_http_way_replace (ShoalHttpWay *self,
                        const char   *proxy,
                        const char   *refusal)
{
  abort_sessions (self);
  g_clear_object (&self->proxy);
  self->proxied = proxy != NULL;
  /* Never the desktop's. */
  self->proxy = g_simple_proxy_resolver_new (proxy != NULL ? proxy : "direct://", NULL);
  g_free (self->refusal);
  self->refusal = g_strdup (refusal);
}

ShoalHttpWay *
shoal_http_way_new (const ShoalBinding *binding,
                    ShoalDnsClient     *dns)
{
  ShoalHttpWay *self = g_new0 (ShoalHttpWay, 1);

  self->binding = binding;
  self->dns = dns;
  self->sessions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, session_free);
  shoal_http_way_replace (self, NULL, NULL);

  return self;
}

void
shoal_http_way_free (ShoalHttpWay *self)
{
  if (self == NULL)
    return;

  abort_sessions (self);
  g_hash_table_unref (self->sessions);
  g_object_unref (self->proxy);
  g_free (self->refusal);
  g_free (self);
}
