/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ids of DHT nodes: distance, and ids bound to an address (BEP 42). */

#pragma once

#include "shoal-addr.h"
#include "shoal-digest.h"

G_BEGIN_DECLS

#define SHOAL_NODE_ID_BITS (8u * SHOAL_SHA1_SIZE)

/* Which of @a and @b is nearer to @target: negative, 0, positive, as memcmp(). */
int      shoal_node_id_compare    (const ShoalSha1 *target, const ShoalSha1 *a, const ShoalSha1 *b);
/* Leading bits that both have in common; SHOAL_NODE_ID_BITS: they are equal. */
guint    shoal_node_id_shared     (const ShoalSha1 *a, const ShoalSha1 *b);
/* Makes @id, which the caller filled with random bytes, one that @addr may have. */
void     shoal_node_id_secure     (ShoalSha1 *id, const ShoalAddr *addr);
/* Whether @addr may have @id. Local addresses may have any. */
gboolean shoal_node_id_is_secure  (const ShoalSha1 *id, const ShoalAddr *addr);
/* Makes @id, filled with random bytes, one that shares exactly @bits leading bits with @near (all
 * of them with SHOAL_NODE_ID_BITS). */
void     shoal_node_id_beside     (ShoalSha1 *id, const ShoalSha1 *near, guint bits);

G_END_DECLS
