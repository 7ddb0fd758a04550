/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A lookup in the DHT: whom to ask next, and when everybody near the target was asked. */

#pragma once

#include "shoal-dht-table.h"
#include "shoal-krpc.h"

G_BEGIN_DECLS

#define SHOAL_DHT_ALPHA          3u     /* questions of one lookup under way, those that are late
                                         * aside */
#define SHOAL_DHT_CANDIDATES_MAX 128u   /* of one lookup; the farthest give way */
#define SHOAL_DHT_ASKED_MAX      200u   /* questions of one lookup */
#define SHOAL_DHT_INSECURE_MAX   24u    /* of those, to nodes whose id does not belong to their
                                         * address */
#define SHOAL_DHT_INSECURE_K     4u     /* how many of those are announced to */
#define SHOAL_DHT_PER_IP         2u     /* candidates of one site, local ones aside */

typedef enum
{
  SHOAL_DHT_NEW,
  SHOAL_DHT_ASKED,
  SHOAL_DHT_LATE,       /* asked; no longer waited for before others are asked */
  SHOAL_DHT_ANSWERED,
  SHOAL_DHT_FAILED,
} ShoalDhtProgress;

typedef struct
{
  ShoalSha1        id;
  ShoalAddr        addr;
  ShoalDhtProgress progress;
  gboolean         has_id;       /* FALSE: a router, which is asked before all others */
  gboolean         secure;       /* BEP 42 */
  guint            hops;         /* questions that it took to learn of it */
  guint            number;       /* in the order of coming */
  guint            teller;       /* number of who told of it; 0: nobody */
  guint            n_told;       /* nodes in its answer */
  guint            n_right;      /* of those, they answered as who they were said to be */
  guint            n_wrong;      /* they did not */
  guint            token_size;
  guint8           token[SHOAL_KRPC_TOKEN_MAX];
} ShoalDhtCandidate;

/**
 * ShoalDhtSearch:
 *
 * No network and no time: told what happened, it says whom to ask. It is over when the eight
 * nearest nodes of those that did not fail have answered, and with them the eight nearest whose ids
 * are not bound to their addresses, which are asked beside the others and never instead of them:
 * who invents ids near the target hides nobody. Who leads nowhere, because the nodes it tells of do
 * not answer or are others than it said, does not count as one of the eight.
 */
typedef struct _ShoalDhtSearch ShoalDhtSearch;

ShoalDhtSearch *shoal_dht_search_new      (const ShoalSha1 *target);
void            shoal_dht_search_free     (ShoalDhtSearch *self);

/* @id: (nullable): not known. @teller: (nullable): who told of it, in an answer that was taken. */
void            shoal_dht_search_add      (ShoalDhtSearch *self, const ShoalSha1 *id,
                                           const ShoalAddr *addr, const ShoalAddr *teller);
/* (nullable): whom to ask now; NULL: nobody, or enough are asked already. It counts as asked. Valid
 * until the next call. */
const ShoalDhtCandidate *shoal_dht_search_next (ShoalDhtSearch *self);
/* FALSE: it was not asked. @token: of its answer, possibly none. @n_told: nodes in it. @hops:
 * (out): of the one that answered */
gboolean        shoal_dht_search_answered (ShoalDhtSearch *self, const ShoalAddr *addr,
                                           const ShoalSha1 *id, ShoalKrpcBytes token, guint n_told,
                                           guint *hops);
void            shoal_dht_search_late     (ShoalDhtSearch *self, const ShoalAddr *addr);
void            shoal_dht_search_failed   (ShoalDhtSearch *self, const ShoalAddr *addr);
gboolean        shoal_dht_search_is_done  (ShoalDhtSearch *self);

/* Those to announce to, nearest first: who answered with a token. Returns: how many */
guint           shoal_dht_search_closest  (ShoalDhtSearch *self, const ShoalDhtCandidate **out,
                                           guint max);
guint           shoal_dht_search_n_asked  (const ShoalDhtSearch *self);
guint           shoal_dht_search_n_answered (const ShoalDhtSearch *self);
const ShoalSha1 *shoal_dht_search_target  (const ShoalDhtSearch *self);

G_END_DECLS
