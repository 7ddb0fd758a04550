/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sockets that the engine wants to be found at, and the way that everything takes into the world. */

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
  ShoalGioNetworkFuncs funcs;
  gpointer             user_data;
  ShoalNetwork         wanted;       /* its texts are owned */
  ShoalBinding         binding;
  gboolean             due;
  gboolean             replaced;     /* another way is wanted */
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
  self->replaced |= strcmp (copy.bind, self->wanted.bind) != 0 || strcmp (copy.dns, self->wanted.dns) != 0 ||
                    strcmp (copy.proxy, self->wanted.proxy) != 0 || copy.proxy_all != self->wanted.proxy_all;
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

void
shoal_gio_network_apply (ShoalGioNetwork   *self,
                         ShoalNetworkState *state)
{
  g_autoptr(GError) error = NULL;
  ShoalBinding before = self->binding;

  *state = (ShoalNetworkState){ 0 };
  self->due = FALSE;
  close_sockets (self);
  shoal_binding_resolve (&self->binding, self->wanted.bind, self->watch);
  state->moved = self->applied && (self->replaced || !shoal_binding_equal (&before, &self->binding));
  self->applied = TRUE;
  self->replaced = FALSE;

  if (shoal_binding_check (&self->binding, SHOAL_FAMILY_NONE, &error))
    state->tcp_port = open_sockets (self, &error);
  else
    state->down = TRUE;
  state->udp_port = udp_port (self);
  g_free (self->error);
  self->error = g_strdup (state->tcp_port == 0 && error != NULL ? error->message : NULL);
  state->error = self->error;
}

void
shoal_gio_network_close (ShoalGioNetwork *self)
{
  close_sockets (self);
  g_clear_pointer (&self->watch, shoal_network_watch_free);
}

/* --- The way out --- */

const ShoalBinding *
shoal_gio_network_binding (const ShoalGioNetwork *self)
{
  return &self->binding;
}

const char *
shoal_gio_network_refusal (const ShoalGioNetwork *self)
{
  if (!self->wanted.tcp)
    return "TCP is switched off";

  return self->binding.up ? NULL : "The network is down";
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

  return socket != NULL ? shoal_udp_socket_send (socket, to, data, size, segment, flags) : SHOAL_SEND_FAILED;
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

ShoalGioNetwork *
shoal_gio_network_new (ShoalReactor               *reactor,
                       const ShoalGioNetworkFuncs *funcs,
                       gpointer                    user_data)
{
  ShoalGioNetwork *self = g_new0 (ShoalGioNetwork, 1);

  self->reactor = reactor;
  self->funcs = *funcs;
  self->user_data = user_data;
  self->wanted = (ShoalNetwork){ .tcp = TRUE, .bind = copy_text (""), .dns = copy_text (""), .proxy = copy_text ("") };
  self->binding.up = TRUE;
  self->watch = shoal_network_watch_new (machine_changed, self);

  return self;
}

void
shoal_gio_network_free (ShoalGioNetwork *self)
{
  if (self == NULL)
    return;

  shoal_gio_network_close (self);
  clear_wanted (self);
  g_free (self->error);
  g_free (self);
}
