/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The routing table of a DHT node: buckets of eight, each with a cache of replacements. */

#pragma once

#include "shoal-node-id.h"

G_BEGIN_DECLS

#define SHOAL_DHT_K          8u    /* nodes of a bucket, of an answer, of an announce */
#define SHOAL_DHT_FAILED_MAX 4u    /* questions in a row without an answer: forgotten even without a
                                    * replacement */
#define SHOAL_DHT_SAME_NET   2u    /* nodes of one network (IPv4 /24, IPv6 /56) in a bucket */

/* A node of the DHT as the table knows it. Seconds are those of the engine's clock. */
typedef struct
{
  ShoalSha1 id;
  ShoalAddr addr;
  guint32   seen_s;       /* its last answer; 0: it never answered */
  guint32   asked_s;      /* the last question to it; 0: none */
  guint8    failures;     /* questions in a row that were not answered */
  gboolean  secure : 1;   /* BEP 42 */
} ShoalDhtEntry;

/**
 * ShoalDhtTable:
 *
 * Bucket i holds nodes whose ids share i leading bits with ours; the last one all that share more.
 * Only the last one is split. One node for an address, local ones aside. A node that answers is
 * kept as long as it does; ids that do not belong to their address (BEP 42) give way to those that
 * do. Pointers to entries are valid until the next call that is not const.
 */
typedef struct _ShoalDhtTable ShoalDhtTable;

ShoalDhtTable *shoal_dht_table_new      (const ShoalSha1 *self_id);
void           shoal_dht_table_free     (ShoalDhtTable *self);
/* sorts everything anew */
void           shoal_dht_table_set_id   (ShoalDhtTable *self, const ShoalSha1 *self_id);

/* Whether it would be worth to ask a node that says it has this id: there is room, or it had
 * another one. */
gboolean       shoal_dht_table_wants    (const ShoalDhtTable *self, const ShoalSha1 *id,
                                         const ShoalAddr *addr);
void           shoal_dht_table_answered (ShoalDhtTable *self, const ShoalSha1 *id,
                                         const ShoalAddr *addr, guint32 now_s);
/* It asked us: a replacement at most, until it has answered. */
void           shoal_dht_table_heard    (ShoalDhtTable *self, const ShoalSha1 *id,
                                         const ShoalAddr *addr);
void           shoal_dht_table_asked    (ShoalDhtTable *self, const ShoalAddr *addr, guint32 now_s);
void           shoal_dht_table_failed   (ShoalDhtTable *self, const ShoalAddr *addr);

/* The nearest to @target, nearest first. @good_only: those that answered their last question.
 * Returns: how many */
guint          shoal_dht_table_closest  (const ShoalDhtTable *self, const ShoalSha1 *target,
                                         gboolean good_only, const ShoalDhtEntry **out, guint max);
/* (nullable): the one that was neither heard nor asked for the longest time. */
const ShoalDhtEntry *shoal_dht_table_stalest (const ShoalDhtTable *self);
guint          shoal_dht_table_n_good   (const ShoalDhtTable *self);
guint          shoal_dht_table_n_nodes  (const ShoalDhtTable *self);      /* without replacements */
guint          shoal_dht_table_n_buckets (const ShoalDhtTable *self);
gsize          shoal_dht_table_size     (const ShoalDhtTable *self);      /* bytes of memory */
/* Good nodes, at most @max, any order. */
guint          shoal_dht_table_list     (const ShoalDhtTable *self, const ShoalDhtEntry **out,
                                         guint max);
/* asserts what always holds */
void           shoal_dht_table_check    (const ShoalDhtTable *self);

G_END_DECLS
