/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TCP connections: bytes from sockets into the places of links, and from outboxes to sockets. */

#pragma once

#include "shoal-engine.h"
#include "shoal-proxy.h"
#include "shoal-socket.h"

G_BEGIN_DECLS

/**
 * ShoalConnSet:
 *
 * Every connection of one engine. A conn is the host data of its link and lives until
 * shoal_link_closed() was called for it, which happens in shoal_conn_set_flush() only. Engine
 * thread.
 */
typedef struct _ShoalConnSet ShoalConnSet;
typedef struct _ShoalConn    ShoalConn;

ShoalConnSet *shoal_conn_set_new  (ShoalReactor *reactor);
/* From now on sockets ask for BBR, where the system has it. */
void          shoal_conn_set_bbr  (ShoalConnSet *self, gboolean bbr);
void          shoal_conn_set_free (ShoalConnSet *self);   /* every conn is closed */

/* Borrowed for good: what is dialled from then on is kept to @binding, and goes through @proxy
 * (nullable) while that is on. */
void          shoal_conn_set_bind (ShoalConnSet *self, const ShoalBinding *binding,
                                   ShoalProxy *proxy);

/* Becomes @link's host data. Whatever goes wrong is told by shoal_link_closed(), later. */
void          shoal_conn_dial     (ShoalConnSet *self, ShoalLink *link, const ShoalAddr *to,
                                   gint64 now_us);
/* As shoal_conn_dial(), for a link that may not dial: it is closed with @why. */
void          shoal_conn_refuse   (ShoalConnSet *self, ShoalLink *link, const char *why);
/* FALSE: too many connections that came from the site of @from are open. Loopback is not
 * counted. */
gboolean      shoal_conn_set_admits (const ShoalConnSet *self, const ShoalAddr *from);
/* Takes @socket (transfer full). Either shoal_conn_set_link() or shoal_conn_discard() follows at
 * once. */
ShoalConn    *shoal_conn_accept   (ShoalConnSet *self, GSocket *socket, const ShoalAddr *from);
void          shoal_conn_set_link (ShoalConn *self, ShoalLink *link);
void          shoal_conn_discard  (ShoalConn *self);

void          shoal_conn_attend   (ShoalConn *self);
void          shoal_conn_hang_up  (ShoalConn *self);

/* Inside a turn, first: dials that took too long; reads sockets that have been below their low
 * mark for long. */
void          shoal_conn_set_begin (ShoalConnSet *self, gint64 now_us);
/* Inside a turn, after its inputs: shoal_link_closed() for all that are gone; then writes where
 * something is to be said, and sets what to wake for. */
void          shoal_conn_set_flush (ShoalConnSet *self);
/* Something asked for attention since, or is gone: shoal_conn_set_flush() has work. */
gboolean      shoal_conn_set_is_pending (const ShoalConnSet *self);
/* When shoal_conn_set_begin() has something to do; G_MAXINT64: not by itself. */
gint64        shoal_conn_set_deadline (const ShoalConnSet *self);
/* @why: (nullable) */
void          shoal_conn_set_hang_up_all (ShoalConnSet *self, const char *why);

guint         shoal_conn_set_count (const ShoalConnSet *self);
guint64       shoal_conn_set_moved (const ShoalConnSet *self);   /* bytes read and written, ever */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalConnSet, shoal_conn_set_free)

G_END_DECLS
