/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection of uTP (BEP 29): asked and answers; neither sockets nor clock. */

#pragma once

#include <sys/uio.h>
#include "shoal-addr.h"
#include "shoal-utp-packet.h"

G_BEGIN_DECLS

#define SHOAL_UTP_DATAGRAM_MAX   1536u                    /* bytes of any packet that is written */
#define SHOAL_UTP_TRAIN_MAX      (44u * 1472)             /* bytes of packets written at once */
#define SHOAL_UTP_FLIGHT_MAX     16384u                   /* packets under way: a quarter of the
                                                           * numbers */
#define SHOAL_UTP_WINDOW_MAX     (16u << 20)              /* bytes that one connection takes out of
                                                           * order */
#define SHOAL_UTP_WINDOW_LEAST   (1u << 20)               /* bytes that may be under way to us
                                                           * before it is known what arrives */
#define SHOAL_UTP_UNREAD_MAX     (512u * 1024)            /* bytes that nobody reads, before the
                                                           * other end is told to wait */
#define SHOAL_UTP_BUFFERS_MAX    ((gsize) 64 << 20)       /* bytes of all connections, in each
                                                           * direction */
/* After 1, 2 and 4 s: BEP 29 and RFC 6298 begin with one, libutp and libtorrent with 3 s. Most
 * addresses of a swarm are dead, so a dial that ends after 7 s instead of 21 s comes sooner to
 * those that are not; on a way of more than a second it costs one packet of 48 bytes too many. */
#define SHOAL_UTP_SYN_TRIES      3u
#define SHOAL_UTP_TIMEOUTS_MAX   6u                       /* in a row: the other end is gone */
#define SHOAL_UTP_LINGER_US      (10 * G_USEC_PER_SEC)    /* for what was written before the end */
#define SHOAL_UTP_HALF_OPEN_US   (10 * G_USEC_PER_SEC)    /* until an accepted connection says
                                                           * something */
#define SHOAL_UTP_KEEP_ALIVE_US  (25 * G_USEC_PER_SEC)    /* NATs forget after 30 s */

typedef enum
{
  SHOAL_UTP_DIALING,
  SHOAL_UTP_ANSWERED,   /* a SYN came and was answered; whether its sender is real is not known
                         * yet */
  SHOAL_UTP_OPEN,
  SHOAL_UTP_ENDING,     /* closed here: what was written goes out, then FIN */
  SHOAL_UTP_OVER,       /* to be freed */
} ShoalUtpState;

/* Bytes that all connections together keep. */
typedef struct
{
  gsize sent;       /* written and not acknowledged */
  gsize received;   /* arrived and not read */
} ShoalUtpBuffers;

typedef struct _ShoalUtp ShoalUtp;

/* @id: that the other end puts into its packets; ours get @id + 1. @buffers: borrowed. */
ShoalUtp     *shoal_utp_new_dial   (guint16 id, guint16 seq, ShoalFamily family,
                                    ShoalUtpBuffers *buffers, gint64 now_us);
ShoalUtp     *shoal_utp_new_accept (const ShoalUtpPacket *syn, guint16 seq, ShoalFamily family,
                                    ShoalUtpBuffers *buffers, gint64 arrived_us, gint64 now_us);
void          shoal_utp_free       (ShoalUtp *self);

/* A packet that came for it; @id was looked at already. */
void          shoal_utp_packet     (ShoalUtp *self, const ShoalUtpPacket *packet, gint64 arrived_us,
                                    gint64 now_us);
/* at shoal_utp_deadline() or later */
void          shoal_utp_tick       (ShoalUtp *self, gint64 now_us);
gint64        shoal_utp_deadline   (const ShoalUtp *self);            /* SHOAL_NEVER: none */

ShoalUtpState shoal_utp_state      (const ShoalUtp *self);
/* (nullable): of OVER, and of an end that came from there */
const char   *shoal_utp_why        (const ShoalUtp *self);
/* the other end has said everything, and all of it was read */
gboolean      shoal_utp_at_end     (const ShoalUtp *self);
guint16       shoal_utp_id         (const ShoalUtp *self);   /* in packets that come */
guint16       shoal_utp_peer_id    (const ShoalUtp *self);   /* in packets that go */

gsize         shoal_utp_unread     (const ShoalUtp *self);
/* copies out; returns how much */
gsize         shoal_utp_read       (ShoalUtp *self, const struct iovec *iov, guint n);
/* Bytes that may be written now: whole packets, as the congestion of the way and the other end
 * allow. */
gsize         shoal_utp_room       (ShoalUtp *self, gint64 now_us);
/* at most shoal_utp_room() */
void          shoal_utp_write      (ShoalUtp *self, const guint8 *bytes, gsize size);
void          shoal_utp_close      (ShoalUtp *self, gint64 now_us);
/* at once, without a word */
void          shoal_utp_abort      (ShoalUtp *self, const char *why);

/**
 * shoal_utp_output:
 * @out: %SHOAL_UTP_TRAIN_MAX bytes
 * @segment: (out): bytes of each packet but the last; 0: there is one
 * @probe: (out): not 0: it is one packet of this size, which may not be cut into fragments; when
 *   the system refuses it, shoal_utp_too_big() follows
 *
 * Returns: bytes of packets that have to be sent now; 0: none
 */
gsize         shoal_utp_output     (ShoalUtp *self, guint8 *out, guint *segment, guint *probe,
                                    gint64 now_us);
void          shoal_utp_too_big    (ShoalUtp *self, guint probe, gint64 now_us);

/* What a test or a view wants to know. */
typedef struct
{
  guint64 window;          /* bytes */
  gint64  queue_us;
  gint64  rtt_us;
  guint64 n_sent;          /* packets with data */
  guint64 n_again;         /* of these, sent once more */
  guint   packet;          /* bytes of the largest datagram */
  guint32 told;            /* bytes that the other end may send */
  gboolean steady;
} ShoalUtpInfo;

void          shoal_utp_info       (const ShoalUtp *self, ShoalUtpInfo *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalUtp, shoal_utp_free)

G_END_DECLS
