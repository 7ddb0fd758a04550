/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The addresses known of one torrent: sources, back-off, bans, whom to dial next. */

#pragma once

#include "shoal-addr.h"
#include "shoal-filter.h"
#include "shoal-rng.h"
#include "shoal-terms.h"

G_BEGIN_DECLS

#define SHOAL_PEERBOOK_MAX 2000u   /* addresses kept; the least promising give way */

/**
 * ShoalKnownPeer:
 *
 * One address; belongs to the book. Pointers stay valid while @link is set or @pinned is not 0,
 * otherwise until the next add.
 */
typedef struct
{
  ShoalAddr addr;
  guint8    sources;        /* bits of ShoalPeerSource */
  guint8    failures;       /* dials in a row that failed */
  guint8    hash_failures;  /* pieces it sent a part of that failed */
  gboolean  connectable;    /* a dial worked, or it told its port */
  gboolean  banned;
  gboolean  blocked;        /* by the filter: not dialled while it is */
  gboolean  is_seed;        /* had everything when last seen */
  gboolean  punched;        /* a way through its NAT was tried */
  guint8    pex_flags;      /* ShoalPexFlags, as the first peer said that told of it */
  gboolean  plain;          /* broke off an encrypted handshake: to be dialled without */
  gboolean  encrypts;       /* went through with one */
  gboolean  excused;        /* its last encrypted handshake failed by chance, as
                             * shoal_mse_is_short() says */
  gboolean  is_v2;          /* of a hybrid: it is in the swarm of the v2 hash */
  guint     pinned;         /* somebody remembers it (blame for a piece) */
  gint64    retry_us;       /* not to be dialled before */
  guint32   priority;       /* BEP 40 against our address; 0: not known */
  gpointer  link;           /* (nullable): connected or dialling */
  guint     number;         /* small, unique in the book, never reused */
} ShoalKnownPeer;

typedef struct _ShoalPeerbook ShoalPeerbook;

ShoalPeerbook  *shoal_peerbook_new        (ShoalRng *rng);
void            shoal_peerbook_free       (ShoalPeerbook *self);
/* Our own address as others see it, for BEP 40; family NONE: not known. */
void            shoal_peerbook_set_self   (ShoalPeerbook *self, const ShoalAddr *external);
/* Addresses that are not wanted from now on; borrowed. @filter: (nullable) */
void            shoal_peerbook_set_filter (ShoalPeerbook *self, const ShoalFilter *filter);
/* (nullable): NULL if the address is unusable, blocked or banned, or the book is full of better
 * ones. An address known already gains the source. */
ShoalKnownPeer *shoal_peerbook_add        (ShoalPeerbook *self, const ShoalAddr *addr,
                                           ShoalPeerSource source, gint64 now_us);
ShoalKnownPeer *shoal_peerbook_find       (ShoalPeerbook *self, const ShoalAddr *addr);
ShoalKnownPeer *shoal_peerbook_by_number  (ShoalPeerbook *self, guint number);

/**
 * shoal_peerbook_next:
 * @skip_seeds: we are a seed: seeds are of no use
 *
 * Whom to dial: not linked, not banned, not backing off; user's and never-failed ones first, then
 * by BEP 40 priority (higher first), chance among equals. Removed from the candidates by setting
 * @link.
 */
ShoalKnownPeer *shoal_peerbook_next       (ShoalPeerbook *self, gboolean skip_seeds, gint64 now_us);
/* When the next back-off ends, G_MAXINT64: nobody is waiting. */
gint64          shoal_peerbook_when       (ShoalPeerbook *self, gboolean skip_seeds, gint64 now_us);
/* Addresses that may be dialled now or later (neither linked, banned nor given up). */
guint           shoal_peerbook_candidates (ShoalPeerbook *self, gboolean skip_seeds);
guint           shoal_peerbook_size       (const ShoalPeerbook *self);

/* It broke off an encrypted handshake: it is dialled without at once, unless it took one before. */
void            shoal_peerbook_refused_cipher (ShoalPeerbook *self, ShoalKnownPeer *peer,
                                               gint64 now_us);
/* It broke one off that was bound to fail with some: it is dialled at once as before. Not twice in
 * a row, see @excused. */
void            shoal_peerbook_excuse     (ShoalPeerbook *self, ShoalKnownPeer *peer,
                                           gint64 now_us);
/*
 * A dial failed: back-off from 5 s, four times as long after each further failure, with jitter
 * (loopback: from 1 s, doubling); given up after 6, which is half an hour, until a tracker names it
 * again: then it is dialled once. The user's own peers: from 1 s to 15 s, never given up.
 */
void            shoal_peerbook_failed     (ShoalPeerbook *self, ShoalKnownPeer *peer,
                                           gint64 now_us);
/* A connection ended: the link is taken off; @useful: something was exchanged: short back-off (10
 * s, loopback and user's 1 s), else 60 s. */
void            shoal_peerbook_closed     (ShoalPeerbook *self, ShoalKnownPeer *peer,
                                           gboolean useful, gint64 now_us);
/* The network was away, or is another one: whatever failed may be tried again at once. Bans
 * stay. */
void            shoal_peerbook_forgive    (ShoalPeerbook *self, gint64 now_us);
/* A liar: its whole IP, also for others in the book, unless it is loopback. */
void            shoal_peerbook_ban        (ShoalPeerbook *self, ShoalKnownPeer *peer);
/* The same for somebody who is not in the book. */
void            shoal_peerbook_ban_ip     (ShoalPeerbook *self, const ShoalAddr *addr);
/* Only this address and port: it is we ourselves, our own id came back. */
void            shoal_peerbook_ban_address (ShoalPeerbook *self, ShoalKnownPeer *peer);
/* Peers that none of @sources (ShoalPeerSource) told of are forgotten; those with a link are never
 * dialled again. */
void            shoal_peerbook_keep_sources (ShoalPeerbook *self, guint sources);
gboolean        shoal_peerbook_is_banned  (ShoalPeerbook *self, const ShoalAddr *addr);
/* Good addresses for the resume record, at most @max. */
guint           shoal_peerbook_best       (ShoalPeerbook *self, ShoalAddr *out, guint max);

G_END_DECLS
