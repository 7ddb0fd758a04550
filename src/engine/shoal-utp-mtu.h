/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The search for the largest datagram that the way takes. */

#pragma once

#include "shoal-addr.h"

G_BEGIN_DECLS

#define SHOAL_UTP_MTU_LEAST    548u    /* bytes of a datagram: 576 on IPv4 */
#define SHOAL_UTP_MTU_BASE     1232u   /* 1280 on IPv6: nearly every way takes it */
#define SHOAL_UTP_MTU_MOST     1472u   /* 1500 on IPv4 */
#define SHOAL_UTP_MTU_STEP     12u     /* what is not worth another probe:
                                        * SHOAL_UTP_PADDING_LEAST */
#define SHOAL_UTP_MTU_TRIES    2u      /* a probe may be lost like any other packet */
#define SHOAL_UTP_MTU_AGAIN_US (10 * 60 * G_USEC_PER_SEC)

/**
 * ShoalUtpMtu:
 * @size: bytes of a datagram that are known to arrive
 * @most: more do not
 * @probe: under way; 0: none is
 */
typedef struct
{
  guint  size;
  guint  most;
  guint  probe;
  guint  n_lost;
  guint  limit;
  gint64 again_us;
} ShoalUtpMtu;

void  shoal_utp_mtu_init    (ShoalUtpMtu *self, ShoalFamily family);
/* The size to try now; 0: nothing is to be tried. shoal_utp_mtu_sent() follows if it is. */
guint shoal_utp_mtu_wanted  (ShoalUtpMtu *self, gint64 now_us);
void  shoal_utp_mtu_sent    (ShoalUtpMtu *self, guint probe);
void  shoal_utp_mtu_arrived (ShoalUtpMtu *self, guint probe, gint64 now_us);
void  shoal_utp_mtu_lost    (ShoalUtpMtu *self, guint probe, gint64 now_us);
/* the system says so */
void  shoal_utp_mtu_too_big (ShoalUtpMtu *self, guint probe, gint64 now_us);
/* Nothing gets through: back to what any way takes. */
void  shoal_utp_mtu_stuck   (ShoalUtpMtu *self);

G_END_DECLS
