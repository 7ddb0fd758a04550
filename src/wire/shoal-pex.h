/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peer exchange (ut_pex, BEP 11): who joined and who left, with flags. */

#pragma once

#include <glib.h>
#include "shoal-addr.h"

G_BEGIN_DECLS

#define SHOAL_PEX_SENT_MAX 50u    /* peers added in one message of ours, and as many dropped, both
                                   * families together */
#define SHOAL_PEX_READ_MAX 100u   /* of each list of one family that is read; the rest is passed
                                   * over */
#define SHOAL_PEX_LIST_MAX (2 * SHOAL_PEX_READ_MAX)

/** ShoalPexFlags: what is known of a peer, a bit each. */
typedef enum
{
  SHOAL_PEX_ENCRYPTION = 0x01,   /* prefers it */
  SHOAL_PEX_SEED       = 0x02,   /* wants nothing */
  SHOAL_PEX_UTP        = 0x04,
  SHOAL_PEX_HOLEPUNCH  = 0x08,
  SHOAL_PEX_REACHABLE  = 0x10,   /* it was dialled with success */
} ShoalPexFlags;

typedef struct
{
  ShoalAddr addr;
  guint8    flags;   /* ShoalPexFlags; of a dropped peer 0 */
} ShoalPexPeer;

/**
 * ShoalPexMessage:
 * @excess: more peers than are read were told
 *
 * Addresses are as they were told: not checked for being usable.
 */
typedef struct
{
  ShoalPexPeer added[SHOAL_PEX_LIST_MAX];
  guint        n_added;
  ShoalPexPeer dropped[SHOAL_PEX_LIST_MAX];
  guint        n_dropped;
  gboolean     excess;
} ShoalPexMessage;

/* FALSE: malformed. A list that is missing or of another type is empty, flags that are missing are
 * 0. */
gboolean shoal_pex_parse (ShoalPexMessage *out, const guint8 *payload, gsize size);
GBytes  *shoal_pex_write (const ShoalPexMessage *self);   /* (transfer full): payload, canonical */

G_END_DECLS
