/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The proxy that a user wants: connections through it, datagrams by its relay, names that it is to
 * look up. */

/*
 * The relay for datagrams lives as long as the connection over which it was asked for. When that
 * ends the relay is asked for again, after a while.
 *
 * Answers of a tracker come from its real address, while it was asked at the one that stands for
 * its name. What looks like a tracker's answer is therefore also handed over as coming from the
 * stand-ins that were asked on that port: transaction ids tell whose it is.
 */

#include "shoal-proxy.h"

#include <errno.h>
#include <string.h>
#include "shoal-list.h"

#define DIAL_TIMEOUT_S  15
#define ASK_AGAIN_S     10                      /* for the relay */
#define NAME_AGAIN_S    60                      /* the proxy's name is not known */
#define PACKET_MAX      65536                   /* bytes */
#define ASKED_MAX       64                      /* stand-ins that were asked last */
#define STAND_IN        0xf0u                   /* 240.0.0.0/8 */
#define STAND_INS       (1 << 24)

typedef enum { RELAY_NONE, RELAY_ASKING, RELAY_OPEN } RelayState;

struct _ShoalProxy
{
  ShoalReactor        *reactor;
  const ShoalBinding  *binding;
  ShoalDnsClient      *dns;
  ShoalProxyFuncs      funcs;
  gpointer             user_data;
  gboolean             on;
  gboolean             usable;       /* its URL is understood */
  ShoalProxyServer     server;
  ShoalAddr            addr;         /* family NONE: not known */
  ShoalDnsCall        *call;         /* (nullable): its name is being looked up */
  GCancellable        *lookup;       /* (nullable): by the system */
  GSource             *again;        /* (nullable): looks the name up again */

  gboolean             relay_wanted;
  RelayState           relay;
  ShoalWatch           watch;        /* of the connection that keeps the relay */
  GSocket             *socket;       /* (nullable) */
  ShoalProxyHandshake *handshake;    /* (nullable) */
  GSource             *relay_timer;  /* (nullable): it was asked for long ago, or may be again */
  ShoalAddr            relay_addr;
  ShoalUdpSocket      *udp;          /* (nullable) */

  guint                first;        /* stand-in, in the lower three bytes */
  GHashTable          *by_name;      /* name to number + 1 */
  GPtrArray           *names;        /* by number (owned) */
  ShoalAddr            asked[ASKED_MAX];
  guint                n_asked;      /* ever */
};

static void begin_relay (ShoalProxy *self);

/* --- Names that stand in --- */

gboolean
shoal_proxy_stand_in (ShoalProxy *self,
                      const char *host,
                      guint16     port,
                      ShoalAddr  *out)
{
  guint number = GPOINTER_TO_UINT (g_hash_table_lookup (self->by_name, host));
  guint8 ip[4];

  if (number == 0)
    {
      char *name;

      if (self->names->len >= SHOAL_PROXY_NAMES_MAX || *host == '\0' ||
          strlen (host) > SHOAL_PROXY_TEXT_MAX)
        return FALSE;
      name = g_strdup (host);
      g_ptr_array_add (self->names, name);
      number = self->names->len;
      g_hash_table_insert (self->by_name, name, GUINT_TO_POINTER (number));
    }
  number += self->first - 1;
  ip[0] = STAND_IN;
  ip[1] = (guint8) (number >> 16);
  ip[2] = (guint8) (number >> 8);
  ip[3] = (guint8) number;
  *out = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, port);

  return TRUE;
}

/* (nullable): an address is an address. */
static const char *
name_of (const ShoalProxy *self,
         const ShoalAddr  *addr)
{
  guint number = (guint) (addr->ip[1] << 16 | addr->ip[2] << 8 | addr->ip[3]) - self->first;

  if (addr->family != SHOAL_FAMILY_IPV4 || addr->ip[0] != STAND_IN || number >= self->names->len)
    return NULL;

  return g_ptr_array_index (self->names, number);
}

/* --- Handshakes --- */

ShoalProxyHandshake *
shoal_proxy_connect (const ShoalProxy *self,
                     const ShoalAddr  *to)
{
  return shoal_proxy_handshake_connect (&self->server, name_of (self, to), to);
}

/* FALSE: the connection is of no use. */
static gboolean
say (ShoalProxyHandshake *handshake,
     int                  fd)
{
  gsize size;
  const guint8 *bytes;

  while ((bytes = shoal_proxy_handshake_output (handshake, &size)) != NULL)
    {
      gssize sent = send (fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);

      if (sent < 0 && errno == EINTR)
        continue;
      if (sent < 0)
        return errno == EAGAIN;
      shoal_proxy_handshake_sent (handshake, (gsize) sent);
    }

  return TRUE;
}

ShoalProxyProgress
shoal_proxy_negotiate (ShoalProxyHandshake *handshake,
                       int                  fd,
                       guint32             *events,
                       char               **error)
{
  for (;;)
    {
      guint8 bytes[512];
      ShoalProxyProgress progress;
      gsize left;
      gssize got;

      if (!say (handshake, fd))
        {
          *error = g_strdup (g_strerror (errno));
          return SHOAL_PROXY_FAILED;
        }
      got = recv (fd, bytes, MIN (sizeof bytes, shoal_proxy_handshake_wanted (handshake)),
                  MSG_DONTWAIT);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0 && errno == EAGAIN)
        {
          *events = EPOLLIN |
                    (shoal_proxy_handshake_output (handshake, &left) != NULL ? EPOLLOUT : 0);
          return SHOAL_PROXY_GOES_ON;
        }
      if (got <= 0)
        {
          *error = g_strdup (got == 0 ? "The proxy has closed the connection" : g_strerror (errno));
          return SHOAL_PROXY_FAILED;
        }

      progress = shoal_proxy_handshake_received (handshake, bytes, (gsize) got);
      if (progress == SHOAL_PROXY_FAILED)
        *error = g_strdup (shoal_proxy_handshake_error (handshake));
      if (progress != SHOAL_PROXY_GOES_ON)
        return progress;
    }
}

/* --- The relay --- */

static void
stop_relay_timer (ShoalProxy *self)
{
  if (self->relay_timer != NULL)
    g_source_destroy (self->relay_timer);
  g_clear_pointer (&self->relay_timer, g_source_unref);
}

static void
start_relay_timer (ShoalProxy  *self,
                   guint        seconds,
                   GSourceFunc  func)
{
  stop_relay_timer (self);
  self->relay_timer = g_timeout_source_new_seconds (seconds);
  g_source_set_callback (self->relay_timer, func, self, NULL);
  g_source_attach (self->relay_timer, g_main_context_get_thread_default ());
}

static gboolean
ask_again (gpointer user_data)
{
  ShoalProxy *self = user_data;

  g_clear_pointer (&self->relay_timer, g_source_unref);
  begin_relay (self);

  return G_SOURCE_REMOVE;
}

static void
end_relay (ShoalProxy *self,
           const char *why)
{
  if (self->relay != RELAY_NONE)
    g_debug ("The proxy relays no datagrams: %s", why);
  if (self->socket != NULL)
    {
      shoal_reactor_forget (self->reactor, &self->watch);
      g_socket_close (self->socket, NULL);
    }
  g_clear_object (&self->socket);
  g_clear_pointer (&self->handshake, shoal_proxy_handshake_free);
  g_clear_pointer (&self->udp, shoal_udp_socket_free);
  stop_relay_timer (self);
  if (self->relay != RELAY_NONE && self->relay_wanted)
    start_relay_timer (self, ASK_AGAIN_S, ask_again);
  self->relay = RELAY_NONE;
}

static gboolean
asked_in_vain (gpointer user_data)
{
  ShoalProxy *self = user_data;

  end_relay (self, "The proxy does not answer in time");

  return G_SOURCE_REMOVE;
}

static gboolean
looks_like_tracker (const guint8 *data,
                    gsize         size)
{
  return size >= 8 && data[0] == 0 && data[1] == 0 && data[2] == 0 && data[3] <= 3;
}

static void
relayed (const ShoalAddr *from,
         const guint8    *data,
         gsize            size,
         gint64           arrived_us,
         gpointer         user_data)
{
  ShoalProxy *self = user_data;
  ShoalAddr real;
  gsize payload;

  /* Only the relay speaks here; others may try. */
  if (!shoal_addr_equal (from, &self->relay_addr) ||
      !shoal_socks_read_head (data, size, &real, &payload))
    return;

  data += payload;
  size -= payload;
  if (looks_like_tracker (data, size))
    {
      for (guint i = 0; i < MIN (self->n_asked, ASKED_MAX); i++)
        {
          if (real.family == SHOAL_FAMILY_NONE || self->asked[i].port == real.port)
            self->funcs.arrived (&self->asked[i], data, size, arrived_us, self->user_data);
        }
    }
  if (real.family != SHOAL_FAMILY_NONE)
    self->funcs.arrived (&real, data, size, arrived_us, self->user_data);
}

static void
relay_has_room (gpointer user_data)
{
  ShoalProxy *self = user_data;

  self->funcs.room (self->user_data);
}

static void
relay_opened (ShoalProxy *self)
{
  g_autoptr(GError) error = NULL;
  ShoalAddr any = { .family = SHOAL_FAMILY_IPV4 };

  self->relay_addr = *shoal_proxy_handshake_bound (self->handshake);
  any.port = self->relay_addr.port;
  /* "Where you found me", and names, which nobody uses for it. */
  if (self->relay_addr.family == SHOAL_FAMILY_NONE || shoal_addr_same_ip (&self->relay_addr, &any))
    {
      guint16 port = self->relay_addr.port;

      self->relay_addr = self->addr;
      self->relay_addr.port = port;
    }
  g_clear_pointer (&self->handshake, shoal_proxy_handshake_free);
  self->udp = shoal_udp_socket_new (self->reactor, self->binding, self->relay_addr.family, 0,
                                    relayed, self, &error);
  if (self->udp == NULL || self->relay_addr.port == 0)
    {
      end_relay (self, error != NULL ? error->message : "it is nowhere");
      return;
    }
  shoal_udp_socket_on_writable (self->udp, relay_has_room);
  self->relay = RELAY_OPEN;
  stop_relay_timer (self);
  if (!shoal_reactor_watch (self->reactor, &self->watch, EPOLLIN))
    end_relay (self, g_strerror (errno));
}

static void
relay_ready (ShoalWatch *watch,
             guint32     events)
{
  ShoalProxy *self = SHOAL_NODE_OWNER (watch, ShoalProxy, watch);
  g_autofree char *error = NULL;

  if (self->relay == RELAY_OPEN)
    {
      guint8 byte;
      gssize got = recv (watch->fd, &byte, 1, MSG_DONTWAIT);

      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        {
          end_relay (self, "The proxy has closed the connection");
          self->funcs.writable (self->user_data);
        }
      return;
    }

  if ((events & (EPOLLERR | EPOLLHUP)) != 0)
    {
      end_relay (self, "The proxy cannot be reached");
      self->funcs.writable (self->user_data);
      return;
    }
  switch (shoal_proxy_negotiate (self->handshake, watch->fd, &events, &error))
    {
    case SHOAL_PROXY_DONE:
      relay_opened (self);
      break;

    case SHOAL_PROXY_GOES_ON:
      if (shoal_reactor_watch (self->reactor, watch, events))
        break;
      error = g_strdup (g_strerror (errno));
      G_GNUC_FALLTHROUGH;

    case SHOAL_PROXY_FAILED:
    default:
      end_relay (self, error);
      break;
    }
  if (self->relay != RELAY_ASKING)
    self->funcs.writable (self->user_data);
}

static void
begin_relay (ShoalProxy *self)
{
  g_autoptr(GError) error = NULL;
  struct sockaddr_storage name;
  socklen_t size;
  int fd;

  if (!self->relay_wanted || self->relay != RELAY_NONE || self->addr.family == SHOAL_FAMILY_NONE ||
      self->server.kind != SHOAL_PROXY_SOCKS5)
    return;

  self->relay = RELAY_ASKING;
  self->socket = shoal_socket_new (self->binding, self->addr.family, G_SOCKET_TYPE_STREAM, &error);
  if (self->socket == NULL)
    {
      end_relay (self, error->message);
      return;
    }
  start_relay_timer (self, DIAL_TIMEOUT_S, asked_in_vain);
  self->handshake = shoal_proxy_handshake_associate (&self->server);
  fd = g_socket_get_fd (self->socket);
  shoal_watch_init (&self->watch, fd, relay_ready);
  size = shoal_addr_to_sockaddr (&self->addr, &name);
  if ((connect (fd, (struct sockaddr *) &name, size) < 0 && errno != EINPROGRESS) ||
      !shoal_reactor_watch (self->reactor, &self->watch, EPOLLOUT))
    end_relay (self, g_strerror (errno));
}

void
shoal_proxy_want_relay (ShoalProxy *self,
                        gboolean    wanted)
{
  self->relay_wanted = wanted;
  if (!wanted)
    {
      end_relay (self, "none is wanted");
      stop_relay_timer (self);
    }
  else
    begin_relay (self);
}

gboolean
shoal_proxy_relays (const ShoalProxy *self)
{
  return self->relay == RELAY_OPEN;
}

guint16
shoal_proxy_relay_port (const ShoalProxy *self)
{
  return shoal_proxy_relays (self) ? shoal_udp_socket_port (self->udp) : 0;
}

/* Who is asked by name is remembered, for the answer. */
static void
note_asked (ShoalProxy      *self,
            const ShoalAddr *to)
{
  for (guint i = 0; i < MIN (self->n_asked, ASKED_MAX); i++)
    {
      if (shoal_addr_equal (&self->asked[i], to))
        return;
    }
  self->asked[self->n_asked++ % ASKED_MAX] = *to;
}

ShoalSendResult
shoal_proxy_send (ShoalProxy      *self,
                  const ShoalAddr *to,
                  const guint8    *data,
                  gsize            size,
                  guint            segment,
                  ShoalSendFlags   flags)
{
  const char *name = name_of (self, to);
  guint8 packet[PACKET_MAX];
  ShoalSendResult result = SHOAL_SEND_SENT;
  gsize head;

  if (self->relay != RELAY_OPEN)
    return self->relay == RELAY_ASKING ? SHOAL_SEND_FULL : SHOAL_SEND_FAILED;

  if (name != NULL)
    note_asked (self, to);
  head = shoal_socks_write_head (packet, name, to);
  if (segment == 0)
    segment = (guint) size;
  for (gsize at = 0; at < size || size == 0; at += segment)
    {
      gsize part = MIN (segment, size - at);

      if (head + part > sizeof packet)
        return SHOAL_SEND_TOO_BIG;
      memcpy (packet + head, data + at, part);
      result = shoal_udp_socket_send (self->udp, &self->relay_addr, packet, head + part, 0, flags);
      /* What was a train goes one by one: the rest of it is lost like any other datagram. */
      if (result != SHOAL_SEND_SENT)
        return at == 0 ? result : SHOAL_SEND_SENT;
      if (size == 0)
        break;
    }

  return result;
}

/* --- Where it is --- */

static void
found (ShoalProxy      *self,
       const ShoalAddr *addr)
{
  self->addr = *addr;
  self->addr.port = self->server.port;
  self->funcs.changed (self->user_data);
}

static void find (ShoalProxy *self);

static gboolean
find_again (gpointer user_data)
{
  ShoalProxy *self = user_data;

  g_clear_pointer (&self->again, g_source_unref);
  find (self);

  return G_SOURCE_REMOVE;
}

static void
not_found (ShoalProxy *self,
           const char *why)
{
  g_debug ("The proxy is not found: %s", why);
  self->again = g_timeout_source_new_seconds (NAME_AGAIN_S);
  g_source_set_callback (self->again, find_again, self, NULL);
  g_source_attach (self->again, g_main_context_get_thread_default ());
}

static void
dns_answered (const ShoalAddr *addrs,
              guint            n_addrs,
              const char      *error,
              gpointer         user_data)
{
  ShoalProxy *self = user_data;

  self->call = NULL;
  for (guint i = 0; i < n_addrs; i++)
    {
      if (!shoal_binding_check (self->binding, addrs[i].family, NULL))
        continue;
      found (self, &addrs[i]);
      return;
    }
  not_found (self, error != NULL ? error : "It has no address of a kind that can be reached");
}

static void
system_answered (GObject      *source,
                 GAsyncResult *result,
                 gpointer      user_data)
{
  g_autoptr(GError) error = NULL;
  GList *list = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);
  ShoalProxy *self = user_data;
  GInetAddress *first = list != NULL ? list->data : NULL;
  ShoalAddr addr;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_clear_object (&self->lookup);
  if (first != NULL)
    {
      gboolean is_ipv6 = g_inet_address_get_family (first) == G_SOCKET_FAMILY_IPV6;

      addr = shoal_addr_make (is_ipv6 ? SHOAL_FAMILY_IPV6 : SHOAL_FAMILY_IPV4,
                              g_inet_address_to_bytes (first), 0);
      found (self, &addr);
    }
  else
    not_found (self, error != NULL ? error->message : "It has no address");
  g_resolver_free_addresses (list);
}

/* The proxy's own name is the only one that is ever looked up when everything goes through it. */
static void
find (ShoalProxy *self)
{
  g_autoptr(GResolver) resolver = NULL;

  if (shoal_addr_parse (&self->addr, self->server.host, self->server.port))
    {
      self->addr.port = self->server.port;
      return;
    }
  if (!shoal_dns_client_is_idle (self->dns))
    {
      self->call = shoal_dns_client_lookup (self->dns, self->server.host, dns_answered, self);
      return;
    }
  resolver = g_resolver_get_default ();
  self->lookup = g_cancellable_new ();
  g_resolver_lookup_by_name_async (resolver, self->server.host, self->lookup, system_answered,
                                   self);
}

/* --- Life --- */

static void
stop_finding (ShoalProxy *self)
{
  g_clear_pointer (&self->call, shoal_dns_call_drop);
  if (self->lookup != NULL)
    g_cancellable_cancel (self->lookup);
  g_clear_object (&self->lookup);
  if (self->again != NULL)
    g_source_destroy (self->again);
  g_clear_pointer (&self->again, g_source_unref);
}

gboolean
shoal_proxy_configure (ShoalProxy  *self,
                       const char  *url,
                       GError     **error)
{
  end_relay (self, "the proxy is another one");
  stop_relay_timer (self);
  stop_finding (self);
  self->addr = (ShoalAddr){ 0 };
  self->on = url != NULL && *url != '\0';
  self->usable = FALSE;
  if (!self->on)
    return TRUE;

  self->usable = shoal_proxy_server_parse (&self->server, url, error);
  if (!self->usable)
    {
      g_prefix_error (error, "The proxy cannot be used: ");
      return FALSE;
    }
  find (self);

  return TRUE;
}

gboolean
shoal_proxy_is_on (const ShoalProxy *self)
{
  return self->on;
}

const ShoalAddr *
shoal_proxy_addr (const ShoalProxy *self)
{
  return self->usable && self->addr.family != SHOAL_FAMILY_NONE ? &self->addr : NULL;
}

char *
shoal_proxy_url (const ShoalProxy *self)
{
  g_autofree char *ip = NULL;

  if (shoal_proxy_addr (self) == NULL)
    return NULL;
  ip = shoal_addr_ip_to_text (&self->addr);

  return shoal_proxy_server_url (&self->server, ip);
}

ShoalProxy *
shoal_proxy_new (ShoalReactor          *reactor,
                 const ShoalBinding    *binding,
                 ShoalDnsClient        *dns,
                 const ShoalProxyFuncs *funcs,
                 gpointer               user_data)
{
  ShoalProxy *self = g_new0 (ShoalProxy, 1);

  self->reactor = reactor;
  self->binding = binding;
  self->dns = dns;
  self->funcs = *funcs;
  self->user_data = user_data;
  self->first = (guint) g_random_int_range (0, STAND_INS - (gint32) SHOAL_PROXY_NAMES_MAX);
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->names = g_ptr_array_new_with_free_func (g_free);

  return self;
}

void
shoal_proxy_free (ShoalProxy *self)
{
  if (self == NULL)
    return;

  stop_finding (self);
  end_relay (self, "Shoal is being stopped");
  stop_relay_timer (self);
  g_hash_table_unref (self->by_name);
  g_ptr_array_unref (self->names);
  g_free (self);
}
