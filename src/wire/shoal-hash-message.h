/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hash request, hashes, hash reject: the three messages of BEP 52. */

#pragma once

#include <glib.h>
#include "shoal-digest.h"
#include "shoal-message.h"

G_BEGIN_DECLS

#define SHOAL_HASHES_LENGTH_MAX  8192u   /* of the base layer in a message: of a whole piece */
#define SHOAL_HASHES_ASK_MAX     512u    /* as many we ask for */
#define SHOAL_HASHES_LAYERS_MAX  40u     /* of the tree of a file of SHOAL_TOTAL_SIZE_MAX */
#define SHOAL_HASHES_MAX         (SHOAL_HASHES_LENGTH_MAX + SHOAL_HASHES_LAYERS_MAX)
#define SHOAL_HASHES_HEADER_SIZE 53u     /* size, id and the fields of the request */

/**
 * ShoalHashRequest:
 * @root: of the file's tree
 * @base: the layer: 0 are the hashes of blocks
 * @index: of the first hash in that layer
 * @length: how many of them
 * @proof_layers: layers above the base layer whose uncle hashes are wanted too
 *
 * What all three messages begin with.
 */
typedef struct
{
  ShoalSha256 root;
  guint32     base;
  guint32     index;
  guint32     length;
  guint32     proof_layers;
} ShoalHashRequest;

/* @payload: of any of the three. @hashes: (out) (nullable) (optional): borrowed, the
 * shoal_hash_request_n_hashes() of HASHES; %NULL of the others. FALSE: malformed, or of HASHES: not
 * sane, or not as many as there must be. A request that is not sane is no error of the format: it
 * is answered with a reject. */
gboolean shoal_hash_message_parse (ShoalHashRequest *out, ShoalMessageId id, const guint8 *payload,
                                   gsize size, const guint8 **hashes);

/* Writes SHOAL_HASHES_HEADER_SIZE bytes; of hashes, shoal_hash_request_n_hashes() of 32 bytes must
 * follow. */
guint    shoal_hash_message_write (guint8 *out, ShoalMessageId id, const ShoalHashRequest *request);

/* Within the limits above: the length a power of two, the index a multiple of it. */
gboolean shoal_hash_request_is_sane (const ShoalHashRequest *self);
/* Uncle hashes that the answer has: those that cannot be worked out from the base hashes. */
guint    shoal_hash_request_n_uncles (const ShoalHashRequest *self);
/* Base and uncle hashes of the answer, at most SHOAL_HASHES_MAX. The request must be sane. */
guint    shoal_hash_request_n_hashes (const ShoalHashRequest *self);
gboolean shoal_hash_request_equal    (const ShoalHashRequest *a, const ShoalHashRequest *b);
/* log2 of the length. */
guint    shoal_hash_request_height   (const ShoalHashRequest *self);

G_END_DECLS
