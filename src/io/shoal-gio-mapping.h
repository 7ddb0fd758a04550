/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Port mapping as the host of an engine runs it: which gateway is asked, for which ports, and what
 * is news. */

#pragma once

#include "shoal-network-watch.h"
#include "shoal-terms.h"

G_BEGIN_DECLS

/**
 * ShoalGioMapping:
 *
 * Lives on the thread-default context of the thread that made it, which must be iterated.
 */
typedef struct _ShoalGioMapping ShoalGioMapping;

/* There is something to be taken; told once, until it is. Never inside of the functions below. */
typedef void (*ShoalGioMappingFunc) (gpointer user_data);

ShoalGioMapping *shoal_gio_mapping_new   (ShoalGioMappingFunc due, gpointer user_data);
/* Takes back what is mapped; iterates the context for up to twice %SHOAL_PORTMAP_LEAVE_MS. */
void             shoal_gio_mapping_free  (ShoalGioMapping *self);

/* Whether ports are wanted at all; at first not. */
void             shoal_gio_mapping_want  (ShoalGioMapping *self, gboolean wanted);
/* @bind: (nullable): the interface or address that all traffic is kept to: only its gateway is
 * asked. @tcp_port, @udp_port:
 * where we listen; 0: not */
void             shoal_gio_mapping_ports (ShoalGioMapping *self, const char *bind, guint16 tcp_port,
                                          guint16 udp_port);
/* FALSE: nothing has changed since the last time. */
gboolean         shoal_gio_mapping_take  (ShoalGioMapping *self, ShoalMapping *now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalGioMapping, shoal_gio_mapping_free)

G_END_DECLS
