/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one place where sockets to the world are made, and what keeps them to one interface or
 * address. */

#pragma once

#include <gio/gio.h>
#include "shoal-network-watch.h"
#include "shoal-reactor.h"

G_BEGIN_DECLS

#define SHOAL_BINDING_NAME_MAX 64   /* bytes of what a user may bind to, with its NUL */

/**
 * ShoalBinding:
 * @wanted: as the user gave it: an interface's name or a numeric address; "": nothing is restricted
 * @up: the interface or the address is there now; TRUE if nothing is restricted
 * @by_address: sockets are bound to one of @locals. Else the system chooses among the addresses of
 * @device
 * @device: keeps every socket to this interface, by SO_BINDTODEVICE; "": the address alone does
 * @index: of the interface
 * @locals: IPv4 and IPv6, port 0; family NONE: there is none, and no socket of that family is made
 *
 * A plain value. Before Linux 5.7, and in some sandboxes, only root may bind to a device. Then
 * sockets are bound to an address of the interface, and nothing is left open when it goes; but
 * which way they take is for the routes of the system to say. An address of a loopback interface
 * says nothing about a way either, so it is bound alone.
 */
typedef struct
{
  char      wanted[SHOAL_BINDING_NAME_MAX];
  gboolean  up;
  gboolean  by_address;
  char      device[IF_NAMESIZE];
  guint32   index;
  ShoalAddr locals[2];
} ShoalBinding;

/* @wanted: (nullable): longer ones than %SHOAL_BINDING_NAME_MAX are an interface that is not
 * there */
void     shoal_binding_resolve   (ShoalBinding *self, const char *wanted,
                                  const ShoalNetworkWatch *watch);
/* Sockets made under one are as good under the other. */
gboolean shoal_binding_equal     (const ShoalBinding *a, const ShoalBinding *b);
/* FALSE with %G_IO_ERROR_NETWORK_UNREACHABLE: nothing of @family (NONE: of any) can be sent now. */
gboolean shoal_binding_check     (const ShoalBinding *self, ShoalFamily family, GError **error);

/* All that follows takes @binding as (nullable): nothing is restricted. */

/* Keeps @socket, which is not connected yet, to the interface. */
gboolean shoal_binding_keep      (const ShoalBinding *binding, GSocket *socket, GError **error);
/* To dial with: does not block. %NULL with @error */
GSocket *shoal_socket_new        (const ShoalBinding *binding, ShoalFamily family, GSocketType type,
                                  GError **error);
/* To be found at: bound to @port (0: any) of every address, or of the one of @binding; it does not
 * block. IPv6 ones never take IPv4. %NULL with @error */
GSocket *shoal_socket_new_bound  (const ShoalBinding *binding, ShoalFamily family, GSocketType type,
                                  guint16 port, GError **error);
guint16  shoal_socket_port       (GSocket *socket);
/* What listening and datagrams have in common: a bound socket in @reactor, for input. %NULL with
 * @error, and nothing is watched */
GSocket *shoal_socket_watch_new  (const ShoalBinding *binding, ShoalFamily family, GSocketType type,
                                  guint16 port, ShoalReactor *reactor, ShoalWatch *watch,
                                  ShoalWatchFunc ready, GError **error);
/* Undoes it. */
void     shoal_socket_watch_free (GSocket *socket, ShoalReactor *reactor, ShoalWatch *watch);

G_END_DECLS
