/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peer exchange with one peer (BEP 11): what it was told, what it told, and how much of that is
 * believed. */

#pragma once

#include "shoal-pex.h"
#include "shoal-rng.h"

G_BEGIN_DECLS

#define SHOAL_PEX_INTERVAL_US (60 * (gint64) G_USEC_PER_SEC)   /* between two messages of ours */
#define SHOAL_PEX_FIRST_US    (2 * (gint64) G_USEC_PER_SEC)    /* after the peer said that it takes
                                                                * them */
#define SHOAL_PEX_LOOK_US     (8 * (gint64) G_USEC_PER_SEC)    /* there was nothing to tell: look
                                                                * again */
#define SHOAL_PEX_JITTER_US   (5 * (gint64) G_USEC_PER_SEC)
#define SHOAL_PEX_TOLD_MAX    200u                             /* peers that one peer was told of
                                                                * and that are here still */
#define SHOAL_PEX_HEARD_MAX   100u                             /* peers behind a NAT, told by one
                                                                * peer, that are remembered */
#define SHOAL_PEX_BURST       5u                               /* messages at once; one more every
                                                                * half interval */
#define SHOAL_PEX_STRIKES     4u                               /* what is too much, so often:
                                                                * nothing more is heard */
#define SHOAL_PEX_PEERS_BURST 250u                             /* addresses taken at once; one
                                                                * interval gives
                                                                * SHOAL_PEX_SENT_MAX more */

typedef struct _ShoalPexLink ShoalPexLink;

/* @now_us: the peer said that it takes messages. */
ShoalPexLink *shoal_pex_link_new   (ShoalRng *rng, gint64 now_us);
void          shoal_pex_link_free  (ShoalPexLink *self);

/* Whether a message may be sent. */
gboolean      shoal_pex_link_is_due (const ShoalPexLink *self, gint64 now_us);

/**
 * shoal_pex_link_tell:
 * @peers: everybody who may be told of, sorted by shoal_addr_compare(), without twins and without
 * the peer itself
 * @out: (out): the difference to what was told before, at most SHOAL_PEX_SENT_MAX added and dropped
 *
 * Returns: %FALSE: there is nothing to tell, and no message is used up
 */
gboolean      shoal_pex_link_tell  (ShoalPexLink *self, const ShoalPexPeer *peers, guint n,
                                    ShoalPexMessage *out, gint64 now_us);

/**
 * shoal_pex_link_hear:
 *
 * A message came; what may be believed of it stays in it, the rest is taken out.
 *
 * Returns: %FALSE: it sends too much or too often and is not heard any more
 */
gboolean      shoal_pex_link_hear  (ShoalPexLink *self, ShoalPexMessage *message, gint64 now_us);
/* It was heard too much of: every message is dropped. */
gboolean      shoal_pex_link_is_deaf (const ShoalPexLink *self);
/* Whether it told of this peer as one that can be reached by punching a hole, and did not tell that
 * it left. */
gboolean      shoal_pex_link_knows (const ShoalPexLink *self, const ShoalAddr *addr);

G_END_DECLS
