/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every uTP connection of an engine: found by address and number, fed with datagrams, emptied into
 * them. */

#pragma once

#include "shoal-host.h"
#include "shoal-list.h"
#include "shoal-rng.h"
#include "shoal-timers.h"
#include "shoal-utp.h"

G_BEGIN_DECLS

#define SHOAL_UTP_SOCKETS_MAX        2000u   /* of all kinds */
#define SHOAL_UTP_FROM_SITE_MAX      16u     /* that came from one site; loopback is not limited */
#define SHOAL_UTP_HALF_OPEN_MAX      64u     /* that came and said nothing yet */
#define SHOAL_UTP_RESETS_PER_SECOND  16u     /* to those who talk of what is not there */

typedef struct _ShoalUtpHub    ShoalUtpHub;
typedef struct _ShoalUtpSocket ShoalUtpSocket;

/**
 * ShoalUtpHubOps:
 *
 * What owners of connections hear, in shoal_utp_hub_deliver() and shoal_utp_hub_flush() only.
 *
 * @accept: somebody connected; returns the owner, or %NULL if it is not wanted
 * @opened: the dial worked
 * @input: there are bytes; shoal_utp_socket_read()
 * @output: fills up to @room bytes and returns how many
 * @gone: it is over; the owner has to forget the socket
 */
typedef struct
{
  gpointer (*accept) (gpointer user_data, ShoalUtpSocket *socket, const ShoalAddr *from);
  void     (*opened) (gpointer owner);
  void     (*input)  (gpointer owner);
  gsize    (*output) (gpointer owner, guint8 *out, gsize room);
  void     (*gone)   (gpointer owner, const char *why);
} ShoalUtpHubOps;

ShoalUtpHub    *shoal_utp_hub_new      (ShoalHost *host, ShoalTimers *timers, ShoalRng *rng,
                                        const ShoalUtpHubOps *ops, gpointer user_data);
void            shoal_utp_hub_free     (ShoalUtpHub *self);   /* no socket has an owner any more */

/* Who connects is heard only if @accepts. */
void            shoal_utp_hub_accept   (ShoalUtpHub *self, gboolean accepts);
/* FALSE: it is no packet of uTP. */
gboolean        shoal_utp_hub_datagram (ShoalUtpHub *self, const ShoalAddr *from,
                                        const guint8 *data, gsize size, gint64 arrived_us,
                                        gint64 now_us);
void            shoal_utp_hub_writable (ShoalUtpHub *self);
/* owners hear what came */
void            shoal_utp_hub_deliver  (ShoalUtpHub *self, gint64 now_us);
/* and say what they have to */
void            shoal_utp_hub_flush    (ShoalUtpHub *self, gint64 now_us);
/* Nobody is told anything any more: at the end. */
void            shoal_utp_hub_drop_all (ShoalUtpHub *self, gint64 now_us);

/* (nullable): %NULL: there are too many */
ShoalUtpSocket *shoal_utp_socket_dial    (ShoalUtpHub *hub, const ShoalAddr *to, gpointer owner,
                                          gint64 now_us);
/* there may be output, or room for input */
void            shoal_utp_socket_attend  (ShoalUtpSocket *self);
gsize           shoal_utp_socket_unread  (const ShoalUtpSocket *self);
gsize           shoal_utp_socket_read    (ShoalUtpSocket *self, const struct iovec *iov, guint n);
/* The owner has enough of it: what was written still goes out. Nothing is heard of it any more. */
void            shoal_utp_socket_release (ShoalUtpSocket *self, gint64 now_us);

guint           shoal_utp_hub_count      (const ShoalUtpHub *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalUtpHub, shoal_utp_hub_free)

G_END_DECLS
