/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our own address as others see it: everybody has one vote. */

#pragma once

#include "shoal-addr.h"

G_BEGIN_DECLS

#define SHOAL_EXTERNAL_VOTERS 32u   /* of each family that are counted; the oldest gives way */

typedef enum
{
  SHOAL_EXTERNAL_PEER,      /* "yourip" of an extension handshake */
  SHOAL_EXTERNAL_DHT,       /* "ip" of an answer (BEP 42) */
  SHOAL_EXTERNAL_TRACKER,   /* BEP 24 */
  SHOAL_EXTERNAL_GATEWAY,   /* it made the mapping: it knows */
} ShoalExternalSource;

typedef struct
{
  ShoalAddr voter;          /* a site */
  ShoalAddr seen;           /* port 0 */
  guint     weight;
} ShoalExternalVote;

/**
 * ShoalExternal:
 *
 * A plain value, all zeros at first. For each family the address with the most votes is ours; one
 * that has as many as the one before does not take its place.
 */
typedef struct
{
  ShoalExternalVote votes[2][SHOAL_EXTERNAL_VOTERS];
  guint             n_votes[2];
  guint             next[2];     /* the oldest, once all places are taken */
  ShoalAddr         best[2];     /* IPv4, IPv6; family NONE: not known */
} ShoalExternal;

/**
 * shoal_external_vote:
 * @voter: whose vote it is; family NONE: all of its kind have one together
 * @seen: our address as the voter sees it; one that is no public address does not count
 *
 * Returns: %TRUE: our address of that family is another one now
 */
gboolean         shoal_external_vote (ShoalExternal *self, ShoalExternalSource source,
                                      const ShoalAddr *voter, const ShoalAddr *seen);
/* (nullable): port 0; NULL: not known */
const ShoalAddr *shoal_external_get  (const ShoalExternal *self, ShoalFamily family);
/* Everything is forgotten: the network is another one. */
void             shoal_external_clear (ShoalExternal *self);

G_END_DECLS
