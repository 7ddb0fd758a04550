/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-1 and SHA-256 on prefetched OpenSSL digests, and the hash values themselves. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SHOAL_SHA1_SIZE   20
#define SHOAL_SHA256_SIZE 32

typedef struct { guint8 bytes[SHOAL_SHA1_SIZE]; }   ShoalSha1;
typedef struct { guint8 bytes[SHOAL_SHA256_SIZE]; } ShoalSha256;

typedef enum { SHOAL_DIGEST_SHA1, SHOAL_DIGEST_SHA256 } ShoalDigestType;

/**
 * ShoalDigest:
 *
 * A digest context that is used again and again: one per thread and type.
 */
typedef struct _ShoalDigest ShoalDigest;

ShoalDigest *shoal_digest_new    (ShoalDigestType type);
void         shoal_digest_free   (ShoalDigest *self);
void         shoal_digest_update (ShoalDigest *self, gconstpointer data, gsize size);
/* 20 or 32 bytes; starts anew */
void         shoal_digest_finish (ShoalDigest *self, guint8 *out);

void         shoal_sha1          (gconstpointer data, gsize size, ShoalSha1 *out);
void         shoal_sha256        (gconstpointer data, gsize size, ShoalSha256 *out);

/**
 * shoal_sha1_lanes:
 * @count: how many messages, at most shoal_sha1_max_lanes()
 *
 * SHA-1 of @count messages of one @size at once, in the lanes of a wide vector unit. The state goes
 * on from call to call: zero-initialised @lanes begin; @size must be a multiple of 64.
 * shoal_sha1_max_lanes() is 1 where lanes would not pay on this processor, else 16. Idle lanes cost
 * as much as busy ones: with fewer than half of them in use a #ShoalDigest may be faster.
 */
typedef struct { guint32 state[5][16]; guint64 size; } ShoalSha1Lanes;

guint        shoal_sha1_max_lanes     (void);
void         shoal_sha1_lanes_update  (ShoalSha1Lanes *lanes, const guint8 *const *data,
                                       guint count, gsize size);
void         shoal_sha1_lanes_finish  (ShoalSha1Lanes *lanes, guint count, ShoalSha1 *out);

/* (transfer full): lower case */
char        *shoal_hex           (const guint8 *bytes, gsize size);
/* exactly @size bytes, either case */
gboolean     shoal_unhex         (const char *text, gsize text_size, guint8 *out, gsize size);

/* For GHashTable, keys being ShoalSha1. */
guint        shoal_sha1_hash     (gconstpointer key);
gboolean     shoal_sha1_equal    (gconstpointer a, gconstpointer b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalDigest, shoal_digest_free)

G_END_DECLS
