/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one place where sockets to the world are made, and what keeps them to one interface or
 * address. */

/*
 * A socket is kept to its interface before anything else is done with it: while that is not
 * possible, there is no socket. The address comes second, where one was wanted.
 */

#include "shoal-socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 128

/* --- Bindings --- */

/* FALSE: the system does not let us. */
static gboolean
may_keep_to (const char *device)
{
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean may = fd < 0 ||
                 setsockopt (fd, SOL_SOCKET, SO_BINDTODEVICE, device,
                             (socklen_t) strlen (device) + 1) == 0 ||
                 errno != EPERM;

  if (fd >= 0)
    close (fd);

  return may;
}

void
shoal_binding_resolve (ShoalBinding            *self,
                       const char              *wanted,
                       const ShoalNetworkWatch *watch)
{
  const ShoalInterface *interface;
  ShoalAddr addr;

  *self = (ShoalBinding){ .up = TRUE };
  if (wanted == NULL || *wanted == '\0')
    return;

  self->up = FALSE;
  if (g_strlcpy (self->wanted, wanted, sizeof self->wanted) >= sizeof self->wanted)
    return;
  interface = shoal_network_watch_find (watch, wanted, &addr);
  if (interface == NULL || !interface->up)
    return;

  self->index = interface->index;
  self->by_address = addr.family != SHOAL_FAMILY_NONE;
  if (self->by_address)
    self->locals[SHOAL_FAMILY_INDEX (addr.family)] = addr;
  else
    {
      shoal_interface_addr (interface, SHOAL_FAMILY_IPV4, &self->locals[0]);
      shoal_interface_addr (interface, SHOAL_FAMILY_IPV6, &self->locals[1]);
    }
  if (!may_keep_to (interface->name))
    self->by_address = TRUE;
  else if (!interface->loopback || !self->by_address)
    g_strlcpy (self->device, interface->name, sizeof self->device);
  self->up = self->locals[0].family != SHOAL_FAMILY_NONE ||
             self->locals[1].family != SHOAL_FAMILY_NONE;
}

gboolean
shoal_binding_equal (const ShoalBinding *a,
                     const ShoalBinding *b)
{
  gboolean equal = strcmp (a->wanted, b->wanted) == 0 && a->up == b->up &&
                   a->by_address == b->by_address && a->index == b->index &&
                   strcmp (a->device, b->device) == 0;

  for (guint i = 0; equal && i < G_N_ELEMENTS (a->locals); i++)
    equal = a->by_address ? shoal_addr_equal (&a->locals[i], &b->locals[i])
                          : a->locals[i].family == b->locals[i].family;

  return equal;
}

gboolean
shoal_binding_check (const ShoalBinding *self,
                     ShoalFamily         family,
                     GError            **error)
{
  if (self == NULL || *self->wanted == '\0')
    return TRUE;

  if (!self->up)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE,
                   "The network is down: %s is not there", self->wanted);
      return FALSE;
    }
  if (family != SHOAL_FAMILY_NONE &&
      self->locals[SHOAL_FAMILY_INDEX (family)].family == SHOAL_FAMILY_NONE)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE, "%s has no IPv%d address",
                   self->wanted, (int) family);
      return FALSE;
    }

  return TRUE;
}

gboolean
shoal_binding_keep (const ShoalBinding *binding,
                    GSocket            *socket,
                    GError            **error)
{
  ShoalFamily family = g_socket_get_family (socket) == G_SOCKET_FAMILY_IPV6 ? SHOAL_FAMILY_IPV6
                                                                            : SHOAL_FAMILY_IPV4;

  if (binding == NULL || *binding->wanted == '\0')
    return TRUE;
  if (!shoal_binding_check (binding, family, error))
    return FALSE;
  if (*binding->device == '\0' ||
      setsockopt (g_socket_get_fd (socket), SOL_SOCKET, SO_BINDTODEVICE, binding->device,
                  (socklen_t) strlen (binding->device) + 1) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE, "The network is down: %s: %s",
               binding->device, g_strerror (errno));

  return FALSE;
}

/* --- Sockets --- */

/* @port -1: not bound to one. */
static gboolean
bind_to (const ShoalBinding *binding,
         GSocket            *socket,
         gint32              port,
         gboolean            reuse,
         GError            **error)
{
  GSocketFamily family = g_socket_get_family (socket);
  g_autoptr(GInetAddress) ip = NULL;
  g_autoptr(GSocketAddress) address = NULL;
  gboolean source = binding != NULL && binding->by_address;

  if (!shoal_binding_keep (binding, socket, error))
    return FALSE;
  if (port < 0 && !source)
    return TRUE;

  if (source)
    ip = g_inet_address_new_from_bytes (binding->locals[family == G_SOCKET_FAMILY_IPV6].ip, family);
  else
    ip = g_inet_address_new_any (family);
  address = g_inet_socket_address_new (ip, (guint16) MAX (port, 0));

  return g_socket_bind (socket, address, reuse, error);
}

static GSocket *
new_socket (ShoalFamily   family,
            GSocketType   type,
            GError      **error)
{
  GSocket *socket =
    g_socket_new (family == SHOAL_FAMILY_IPV6 ? G_SOCKET_FAMILY_IPV6 : G_SOCKET_FAMILY_IPV4, type,
                  type == G_SOCKET_TYPE_STREAM ? G_SOCKET_PROTOCOL_TCP : G_SOCKET_PROTOCOL_UDP,
                  error);

  if (socket != NULL)
    g_socket_set_blocking (socket, FALSE);

  return socket;
}

GSocket *
shoal_socket_new (const ShoalBinding *binding,
                  ShoalFamily         family,
                  GSocketType         type,
                  GError            **error)
{
  g_autoptr(GSocket) socket = new_socket (family, type, error);

  if (socket == NULL || !bind_to (binding, socket, -1, FALSE, error))
    return NULL;

  return g_steal_pointer (&socket);
}

GSocket *
shoal_socket_new_bound (const ShoalBinding *binding,
                        ShoalFamily         family,
                        GSocketType         type,
                        guint16             port,
                        GError            **error)
{
  g_autoptr(GSocket) socket = new_socket (family, type, error);

  if (socket == NULL)
    return NULL;
  if (family == SHOAL_FAMILY_IPV6 &&
      !g_socket_set_option (socket, IPPROTO_IPV6, IPV6_V6ONLY, TRUE, error))
    return NULL;
  /* Reuse lets a stream socket follow one that has just ended; for datagrams it would share the
   * port. */
  if (!bind_to (binding, socket, port, type == G_SOCKET_TYPE_STREAM, error))
    return NULL;

  return g_steal_pointer (&socket);
}

guint16
shoal_socket_port (GSocket *socket)
{
  g_autoptr(GSocketAddress) address = g_socket_get_local_address (socket, NULL);

  return address != NULL ? g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)) : 0;
}

GSocket *
shoal_socket_watch_new (const ShoalBinding *binding,
                        ShoalFamily         family,
                        GSocketType         type,
                        guint16             port,
                        ShoalReactor       *reactor,
                        ShoalWatch         *watch,
                        ShoalWatchFunc      ready,
                        GError            **error)
{
  g_autoptr(GSocket) socket = shoal_socket_new_bound (binding, family, type, port, error);

  if (socket == NULL)
    return NULL;
  if (type == G_SOCKET_TYPE_STREAM)
    {
      g_socket_set_listen_backlog (socket, BACKLOG);
      if (!g_socket_listen (socket, error))
        return NULL;
    }

  shoal_watch_init (watch, g_socket_get_fd (socket), ready);
  if (!shoal_reactor_watch (reactor, watch, EPOLLIN))
    {
      g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (errno), g_strerror (errno));
      return NULL;
    }

  return g_steal_pointer (&socket);
}

void
shoal_socket_watch_free (GSocket      *socket,
                         ShoalReactor *reactor,
                         ShoalWatch   *watch)
{
  shoal_reactor_forget (reactor, watch);
  g_socket_close (socket, NULL);
  g_object_unref (socket);
}
