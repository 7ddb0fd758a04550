/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sockets that the engine wants to be found at, and the way that everything takes into the
 * world. */

/*
 * What is wanted is kept as it was said; what it means now (the binding) is found out anew whenever
 * the machine's network changes. If it means the same, nothing happens. Else everything is closed
 * first and then opened again, if there is anything to open it on: there is no moment in which a
 * socket of the old way stands beside one of the new.
 */

#include "shoal-gio-network.h"

#include <string.h>

#define BIND_TRIES  32   /* ports of the system's choice */
#define N_FAMILIES  2

static const ShoalFamily families[N_FAMILIES] = { SHOAL_FAMILY_IPV4, SHOAL_FAMILY_IPV6 };

struct _ShoalGioNetwork
{
  ShoalReactor        *reactor;
  ShoalNetworkWatch   *watch;
  ShoalDnsClient      *dns;
  ShoalHttpWay        *http;
  ShoalProxy          *proxy;
  ShoalGioNetworkFuncs funcs;
  gpointer             user_data;
  ShoalNetwork         wanted;       /* its texts are owned */
  ShoalBinding         binding;
  gboolean             due;
  gboolean             down;         /* as the engine was told */
  gboolean             replaced;     /* another way is wanted */
  gboolean             proxy_found;  /* and that is all */
  gboolean             applied;      /* once at least */
  ShoalListener       *listeners[N_FAMILIES];
  ShoalUdpSocket      *udp[N_FAMILIES];
  char                *error;        /* (nullable): why there are no listeners, or all is down */
};

/* --- Changes --- */

static void
machine_changed (gpointer user_data)
{
  ShoalGioNetwork *self = user_data;
  ShoalBinding now;

  if (self->due || !self->applied)
    return;
  shoal_binding_resolve (&now, self->wanted.bind, self->watch);
  if (shoal_binding_equal (&now, &self->binding))
    return;
  self->due = TRUE;
  self->funcs.due (self->user_data);
}

/* What goes by the proxy's address has to begin anew. */
static void
proxy_changed (gpointer user_data)
{
  ShoalGioNetwork *self = user_data;

  self->replaced = self->due = self->proxy_found = TRUE;
  self->funcs.due (self->user_data);
}

static char *
copy_text (const char *text)
{
  return g_strdup (text != NULL ? text : "");
}

static void
clear_wanted (ShoalGioNetwork *self)
{
  g_free ((char *) self->wanted.bind);
  g_free ((char *) self->wanted.dns);
  g_free ((char *) self->wanted.proxy);
}

void
shoal_gio_network_want (ShoalGioNetwork    *self,
                        const ShoalNetwork *wanted)
{
  ShoalNetwork copy = *wanted;

  copy.bind = copy_text (wanted->bind);
  copy.dns = copy_text (wanted->dns);
  copy.proxy = copy_text (wanted->proxy);
  self->replaced |= strcmp (copy.bind, self->wanted.bind) != 0 ||
                    strcmp (copy.dns, self->wanted.dns) != 0 ||
                    strcmp (copy.proxy, self->wanted.proxy) != 0 ||
                    copy.proxy_all != self->wanted.proxy_all;
  clear_wanted (self);
  self->wanted = copy;
  self->due = TRUE;
}

gboolean
shoal_gio_network_is_due (const ShoalGioNetwork *self)
{
  return self->due;
}

/* --- Listening --- */

static void
close_sockets (ShoalGioNetwork *self)
{
  for (guint i = 0; i < N_FAMILIES; i++)
    {
      g_clear_pointer (&self->listeners[i], shoal_listener_free);
      g_clear_pointer (&self->udp[i], shoal_udp_socket_free);
    }
}

/* A family that the system does not have is passed over. */
static gboolean
is_about_the_port (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
}

/* The listeners of both families on one port. FALSE: it is taken for one of them, or there is
 * none at all. */
static gboolean
listen_on (ShoalGioNetwork  *self,
           guint16          *port,
           GError          **error)
{
  g_autoptr(GError) first = NULL;

  for (guint i = 0; i < N_FAMILIES; i++)
    {
      g_autoptr(GError) local = NULL;

      self->listeners[i] = shoal_listener_new (self->reactor, &self->binding, families[i], *port,
                                               self->funcs.peer_came, self->user_data, &local);
      if (self->listeners[i] != NULL)
        *port = shoal_listener_port (self->listeners[i]);
      else if (is_about_the_port (local))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      else if (first == NULL)
        first = g_steal_pointer (&local);
    }

  if (self->listeners[0] == NULL && self->listeners[1] == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&first));
      return FALSE;
    }

  return TRUE;
}

/* FALSE: the port is taken for one of them. */
static gboolean
bind_udp (ShoalGioNetwork *self,
          guint16          port)
{
  for (guint i = 0; i < N_FAMILIES; i++)
    {
      g_autoptr(GError) error = NULL;

      self->udp[i] = shoal_udp_socket_new (self->reactor, &self->binding, families[i], port,
                                           self->funcs.datagram_came, self->user_data, &error);
      if (self->udp[i] != NULL)
        shoal_udp_socket_on_writable (self->udp[i], self->funcs.writable);
      if (self->udp[i] == NULL && is_about_the_port (error))
        {
          for (guint j = 0; j < i; j++)
            g_clear_pointer (&self->udp[j], shoal_udp_socket_free);
          return FALSE;
        }
    }

  return TRUE;
}

static guint16
udp_port (const ShoalGioNetwork *self)
{
  if (shoal_gio_network_is_hidden (self))
    return shoal_proxy_relay_port (self->proxy);

  for (guint i = 0; i < N_FAMILIES; i++)
    {
      if (self->udp[i] != NULL)
        return shoal_udp_socket_port (self->udp[i]);
    }

  return 0;
}

/* Returns: the port of the listeners; 0: there are none */
static guint16
open_sockets (ShoalGioNetwork  *self,
              GError          **error)
{
  guint16 port = 0;
  gboolean listens = FALSE;

  for (guint i = 0; self->wanted.tcp && !listens && i < BIND_TRIES; i++)
    {
      port = self->wanted.port;
      g_clear_error (error);
      listens = listen_on (self, &port, error);
      if (listens && !bind_udp (self, port) && self->wanted.port == 0)
        listens = FALSE;
      if (listens)
        break;

      close_sockets (self);
      /* A port of the system's choice that somebody has in the other family or for datagrams:
       * once more. */
      if (self->wanted.port != 0 || (*error != NULL && !is_about_the_port (*error)))
        break;
    }

  /* Without TCP peers still look for the wanted port; trackers are asked from wherever there is
   * room. */
  if (self->udp[0] == NULL && self->udp[1] == NULL && !bind_udp (self, self->wanted.port))
    bind_udp (self, 0);

  return listens ? port : 0;
}

/* The way of names, HTTP and whatever a proxy carries; they close what they have. @down:
 * (nullable): why nothing goes out. FALSE with @error: nothing goes out because of the proxy. */
static gboolean
replace_ways (ShoalGioNetwork *self,
              const char      *down,
              GError         **error)
{
  g_autofree char *refusal = NULL;
  g_autofree char *url = NULL;
  gboolean usable = TRUE;

  if (down != NULL)
    refusal = g_strdup (down);
  else if (*self->wanted.bind != '\0')
    refusal = g_strdup_printf ("No name server for %s", self->wanted.bind);
  shoal_dns_client_configure (self->dns, down == NULL ? self->wanted.dns : "", refusal);
  if (!self->proxy_found || down != NULL)
    usable = shoal_proxy_configure (self->proxy, down == NULL ? self->wanted.proxy : "", error);
  self->proxy_found = FALSE;
  url = shoal_proxy_url (self->proxy);
  if (down == NULL && shoal_proxy_is_on (self->proxy) && url == NULL)
    down = "The proxy is not found";
  shoal_http_way_replace (self->http, url, down);
  shoal_proxy_want_relay (self->proxy, shoal_proxy_is_on (self->proxy));

  return usable;
}

void
shoal_gio_network_apply (ShoalGioNetwork   *self,
                         ShoalNetworkState *state)
{
  g_autoptr(GError) error = NULL;
  ShoalBinding before = self->binding;
  gboolean first = !self->applied;
  gboolean usable;

  *state = (ShoalNetworkState){ 0 };
  self->due = FALSE;
  close_sockets (self);
  shoal_binding_resolve (&self->binding, self->wanted.bind, self->watch);
  state->moved = self->applied &&
                 (self->replaced || !shoal_binding_equal (&before, &self->binding));
  self->applied = TRUE;
  self->replaced = FALSE;

  usable = shoal_binding_check (&self->binding, SHOAL_FAMILY_NONE, &error);
  if (first || state->moved)
    usable = replace_ways (self, usable ? NULL : error->message, usable ? &error : NULL) && usable;
  /* Behind a proxy nobody finds us, and datagrams have the relay's socket. */
  if (usable && !shoal_gio_network_is_hidden (self))
    state->tcp_port = open_sockets (self, &error);
  state->down = !usable;
  self->down = state->down;
  state->udp_port = udp_port (self);
  g_free (self->error);
  self->error = g_strdup (state->tcp_port == 0 && error != NULL ? error->message : NULL);
  state->error = self->error;
}

void
shoal_gio_network_close (ShoalGioNetwork *self)
{
  close_sockets (self);
  shoal_proxy_want_relay (self->proxy, FALSE);
  g_clear_pointer (&self->watch, shoal_network_watch_free);
}

/* --- The way out --- */

gboolean
shoal_gio_network_is_hidden (const ShoalGioNetwork *self)
{
  return self->wanted.proxy_all && *self->wanted.proxy != '\0';
}

const ShoalBinding *
shoal_gio_network_binding (const ShoalGioNetwork *self)
{
  return &self->binding;
}

ShoalDnsClient *
shoal_gio_network_dns (ShoalGioNetwork *self)
{
  return self->dns;
}

ShoalHttpWay *
shoal_gio_network_http (ShoalGioNetwork *self)
{
  return self->http;
}

ShoalProxy *
shoal_gio_network_proxy (ShoalGioNetwork *self)
{
  return self->proxy;
}

gboolean
shoal_gio_network_stand_in (ShoalGioNetwork *self,
                            ShoalLookup     *query)
{
  ShoalAddr addr;

  if (!shoal_gio_network_is_hidden (self) || shoal_addr_parse (&addr, query->host, 1))
    return FALSE;

  if (shoal_proxy_stand_in (self->proxy, query->host, query->port, &addr))
    {
      query->addrs = g_memdup2 (&addr, sizeof addr);
      query->n_addrs = 1;
    }
  else
    query->error = g_strdup ("Too many names");

  return TRUE;
}

const char *
shoal_gio_network_refusal (const ShoalGioNetwork *self)
{
  if (!self->wanted.tcp)
    return "TCP is switched off";

  return self->down ? "The network is down" : NULL;
}

ShoalSendResult
shoal_gio_network_send (ShoalGioNetwork *self,
                        const ShoalAddr *to,
                        const guint8    *data,
                        gsize            size,
                        guint            segment,
                        ShoalSendFlags   flags)
{
  ShoalUdpSocket *socket = self->udp[SHOAL_FAMILY_INDEX (to->family)];

  /* Another way is wanted already: the old one carries nothing any more. */
  if (self->replaced)
    return SHOAL_SEND_FAILED;
  /* Without a relay datagrams go past the proxy, unless nothing may. */
  if (shoal_proxy_is_on (self->proxy) &&
      (shoal_gio_network_is_hidden (self) || shoal_proxy_relays (self->proxy)))
    return shoal_proxy_send (self->proxy, to, data, size, segment, flags);

  return socket != NULL ? shoal_udp_socket_send (socket, to, data, size, segment, flags)
                        : SHOAL_SEND_FAILED;
}

gint64
shoal_gio_network_resume (ShoalGioNetwork *self,
                          gint64           now_us)
{
  gint64 deadline = G_MAXINT64;

  for (guint i = 0; i < N_FAMILIES; i++)
    {
      if (self->listeners[i] != NULL)
        deadline = MIN (deadline, shoal_listener_resume (self->listeners[i], now_us));
    }

  return deadline;
}

/* --- Life --- */

static void
relayed (const ShoalAddr *from,
         const guint8    *data,
         gsize            size,
         gint64           arrived_us,
         gpointer         user_data)
{
  ShoalGioNetwork *self = user_data;

  self->funcs.datagram_came (from, data, size, arrived_us, self->user_data);
}

static void
relay_writable (gpointer user_data)
{
  ShoalGioNetwork *self = user_data;

  /* Behind a proxy there are datagrams only while it relays them: the engine has to know. */
  if (shoal_gio_network_is_hidden (self))
    self->due = TRUE;
  self->funcs.writable (self->user_data);
}

static void
relay_has_room (gpointer user_data)
{
  ShoalGioNetwork *self = user_data;

  self->funcs.writable (self->user_data);
}

static const ShoalProxyFuncs proxy_funcs = {
  relayed, relay_writable, relay_has_room, proxy_changed,
};

ShoalGioNetwork *
shoal_gio_network_new (ShoalReactor               *reactor,
                       const ShoalGioNetworkFuncs *funcs,
                       gpointer                    user_data)
{
  ShoalGioNetwork *self = g_new0 (ShoalGioNetwork, 1);

  self->reactor = reactor;
  self->funcs = *funcs;
  self->user_data = user_data;
  self->wanted = (ShoalNetwork){
    .tcp = TRUE, .bind = copy_text (""), .dns = copy_text (""), .proxy = copy_text ("")
  };
  self->binding.up = TRUE;
  self->watch = shoal_network_watch_new (machine_changed, self);
  self->dns = shoal_dns_client_new (&self->binding);
  self->http = shoal_http_way_new (&self->binding, self->dns);
  self->proxy = shoal_proxy_new (reactor, &self->binding, self->dns, &proxy_funcs, self);

  return self;
}

void
shoal_gio_network_free (ShoalGioNetwork *self)
{
  if (self == NULL)
    return;

  shoal_gio_network_close (self);
  shoal_proxy_free (self->proxy);
  shoal_http_way_free (self->http);
  shoal_dns_client_free (self->dns);
  clear_wanted (self);
  g_free (self->error);
  g_free (self);
}
