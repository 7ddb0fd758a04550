/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Message stream encryption: the handshake of both ends as a machine that is given bytes and gives
 * bytes. */

#pragma once

#include <glib.h>
#include "shoal-dh.h"
#include "shoal-digest.h"
#include "shoal-rc4.h"

G_BEGIN_DECLS

#define SHOAL_MSE_PAD_MAX     512u   /* bytes of padding, four times in a handshake */
#define SHOAL_MSE_SECRETS_MAX 3u     /* secrets that the end that answers tries, until what is
                                      * shared is not short */
#define SHOAL_MSE_INITIAL_MAX 256u   /* bytes that may be said with the handshake of ours; the other
                                      * end may say any number */
#define SHOAL_MSE_FOREVER     G_MAXUINT64

/* What is said after the handshake; several where something is offered. */
typedef enum
{
  SHOAL_MSE_PLAIN = 1 << 0,
  SHOAL_MSE_RC4   = 1 << 1,
} ShoalMseMethod;

typedef enum
{
  SHOAL_MSE_MORE,   /* all bytes were used, more are needed */
  SHOAL_MSE_DONE,   /* bytes that were not used belong to the stream */
  SHOAL_MSE_BAD,    /* it is no such handshake, or not one for us: nothing can be said any more */
} ShoalMseStatus;

/* What is left to chance in one handshake: the caller fills all of it with unpredictable bytes. */
typedef struct
{
  guint8  secret[SHOAL_DH_SECRET_SIZE];
  guint16 pad_sizes[2];                   /* any numbers: they are brought into the range */
  guint8  pad[SHOAL_MSE_PAD_MAX];
} ShoalMseChance;

/* The two directions as they go on after the handshake. */
typedef struct
{
  ShoalMseMethod method;
  ShoalSha1      key;           /* info-hash that the ends met by */
  ShoalRc4       in;
  ShoalRc4       out;
  guint64        n_enciphered;  /* of the next bytes in: all (FOREVER), or what the other end said
                                 * at once; then plain */
} ShoalMseStream;

/* Finds the info-hash with shoal_mse_req2() of @req2. FALSE: none is served. */
typedef gboolean (*ShoalMseFind) (gpointer owner, const ShoalSha1 *req2, ShoalSha1 *key);

typedef struct _ShoalMse ShoalMse;

/**
 * shoal_mse_new_dialled:
 * @methods: offered: one or both
 * @initial: up to SHOAL_MSE_INITIAL_MAX bytes that are said at once
 *
 * The end that begins: there is output at once.
 */
ShoalMse      *shoal_mse_new_dialled  (ShoalMseMethod methods, const ShoalSha1 *key,
                                       const ShoalMseChance *chance, const guint8 *initial,
                                       gsize initial_size);

/**
 * shoal_mse_new_accepted:
 * @methods: that may be chosen; plain is preferred where both ends allow it
 *
 * The end that answers. @find is called at most once, from shoal_mse_feed().
 */
ShoalMse      *shoal_mse_new_accepted (ShoalMseMethod methods, ShoalMseFind find, gpointer owner,
                                       const ShoalMseChance *chance);
void           shoal_mse_free         (ShoalMse *self);

/* The next bytes from the other end, cut in any way; @used: how many of them belong to the
 * handshake. Not to be called after DONE or BAD. */
ShoalMseStatus shoal_mse_feed         (ShoalMse *self, const guint8 *bytes, gsize size,
                                       gsize *used);
/* (transfer none) (nullable): what is to be sent and was not asked for before; valid until the next
 * call. */
const guint8  *shoal_mse_output       (ShoalMse *self, gsize *size);
/*
 * Whether the key of the other end came and what both share begins with a zero, as one of 256 does.
 * libtorrent before 2.0.13 (2026) leaves that zero out of hash (req3, S), so it finds no torrent
 * and breaks off. The end that answers avoids it, by another secret.
 */
gboolean       shoal_mse_is_short     (const ShoalMse *self);
/* After DONE. */
void           shoal_mse_stream       (const ShoalMse *self, ShoalMseStream *out);

/* What names an info-hash in the handshake. */
void           shoal_mse_req2         (const ShoalSha1 *key, ShoalSha1 *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalMse, shoal_mse_free)

G_END_DECLS
