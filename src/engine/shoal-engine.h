/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine: everything that the world can say to it, in turns. */

#pragma once

#include "shoal-config.h"
#include "shoal-host.h"

G_BEGIN_DECLS

/**
 * ShoalEngine:
 *
 * A state machine without I/O, clock or chance of its own. One thread. A turn is
 * shoal_engine_begin(), any number of inputs, shoal_engine_end(); time stands still in between. Two
 * engines in one process share nothing.
 *
 * @wall_s of begin is the civil time (seconds since 1970), for what is shown and kept; @now_us is
 * monotonic.
 */
ShoalEngine *shoal_engine_new      (ShoalHost *host, const ShoalConfig *config);
/* after QUIT was told, or at any time in tests: no link may be open, no request under way */
void         shoal_engine_free     (ShoalEngine *self);

void         shoal_engine_begin    (ShoalEngine *self, gint64 now_us, gint64 wall_s);
/* (transfer full) */
void         shoal_engine_command  (ShoalEngine *self, ShoalCommand *command);
void         shoal_engine_network  (ShoalEngine *self, const ShoalNetworkState *now);
void         shoal_engine_mapped   (ShoalEngine *self, const ShoalMapping *now);
/* (nullable): NULL: not wanted, close it */
ShoalLink   *shoal_engine_accept   (ShoalEngine *self, const ShoalAddr *from, gpointer host_data);
/* @arrived_us: when the system had it, on the clock of shoal_engine_begin(); a little before the
 * turn */
void         shoal_engine_datagram (ShoalEngine *self, const ShoalAddr *from, const guint8 *data,
                                    gsize size, gint64 arrived_us);
/* datagrams can be sent again after SHOAL_SEND_FULL */
void         shoal_engine_writable (ShoalEngine *self);
/* from the group of local discovery */
void         shoal_engine_local    (ShoalEngine *self, const ShoalAddr *from, const guint8 *data,
                                    gsize size);
void         shoal_engine_done     (ShoalEngine *self, ShoalDone *done);
/* next deadline, microseconds; SHOAL_NEVER */
gint64       shoal_engine_end      (ShoalEngine *self);

/* Links as the host sees them; called only inside a turn. */
gpointer     shoal_link_host_data  (const ShoalLink *link);
void         shoal_link_set_host_data (ShoalLink *link, gpointer host_data);
/* the dial worked */
void         shoal_link_opened     (ShoalLink *link, const ShoalAddr *local);

/**
 * shoal_link_low_mark:
 *
 * Returns: bytes worth waking for (SO_RCVLOWAT); 0: do not read now (a limit, or too much is
 * unwritten):
 *   the engine calls attend when that changes
 */
guint        shoal_link_low_mark   (ShoalLink *link);
/* Where the next bytes belong: fills up to @max (at least 2) of @iov; valid until
 * shoal_link_received() or the end of the turn. 0: do not read. */
guint        shoal_link_window     (ShoalLink *link, struct iovec *iov, guint max);
/* bytes that readv() put into the window */
void         shoal_link_received   (ShoalLink *link, gsize size);
/* What is to be sent now, within the limits; 0: nothing. */
guint        shoal_link_output     (ShoalLink *link, ShoalSpan *spans, guint max);
void         shoal_link_sent       (ShoalLink *link, gsize size);
/* The connection is gone (also after hang_up); the engine frees the link. @why: (nullable): in
 * words */
void         shoal_link_closed     (ShoalLink *link, const char *why);

G_END_DECLS
