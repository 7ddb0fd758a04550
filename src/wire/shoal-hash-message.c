/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hash request, hashes, hash reject: the three messages of BEP 52. */

/*
 * Of 2^k hashes of the base layer the k layers above are known. The first uncle is the sibling of
 * their common root, on layer k above the base; the last one stands on layer `proof_layers`.
 */

#include "shoal-hash-message.h"
#include "shoal-writer.h"

#define INDEX_MAX (1u << 31)

gboolean
shoal_hash_message_parse (ShoalHashRequest *out,
                          ShoalMessageId    id,
                          const guint8     *payload,
                          gsize             size,
                          const guint8    **hashes)
{
  ShoalReader reader = shoal_reader (payload, size);

  if (hashes != NULL)
    *hashes = NULL;
  shoal_reader_copy (&reader, out->root.bytes, sizeof out->root.bytes);
  out->base = shoal_reader_u32 (&reader);
  out->index = shoal_reader_u32 (&reader);
  out->length = shoal_reader_u32 (&reader);
  out->proof_layers = shoal_reader_u32 (&reader);
  if (id != SHOAL_MESSAGE_HASHES)
    return shoal_reader_done (&reader);

  if (reader.bad || !shoal_hash_request_is_sane (out)
      || shoal_reader_left (&reader)
           != (gsize) shoal_hash_request_n_hashes (out) * SHOAL_SHA256_SIZE)
    return FALSE;
  if (hashes != NULL)
    *hashes = reader.at;

  return TRUE;
}

guint
shoal_hash_message_write (guint8                 *out,
                          ShoalMessageId          id,
                          const ShoalHashRequest *request)
{
  guint n = id == SHOAL_MESSAGE_HASHES ? shoal_hash_request_n_hashes (request) : 0;

  shoal_put (out, SHOAL_HASHES_HEADER_SIZE - 4 + n * SHOAL_SHA256_SIZE, 4);
  out[4] = (guint8) id;
  memcpy (out + 5, request->root.bytes, SHOAL_SHA256_SIZE);
  shoal_put (out + 37, request->base, 4);
  shoal_put (out + 41, request->index, 4);
  shoal_put (out + 45, request->length, 4);
  shoal_put (out + 49, request->proof_layers, 4);

  return SHOAL_HASHES_HEADER_SIZE;
}

gboolean
shoal_hash_request_is_sane (const ShoalHashRequest *self)
{
  return self->length > 0 && self->length <= SHOAL_HASHES_LENGTH_MAX
         && (self->length & (self->length - 1)) == 0 && self->index < INDEX_MAX
         && self->index % self->length == 0 && self->base < SHOAL_HASHES_LAYERS_MAX
         && self->proof_layers < SHOAL_HASHES_LAYERS_MAX;
}

guint
shoal_hash_request_height (const ShoalHashRequest *self)
{
  guint height = 0;

  while (height < 31 && (1u << height) < self->length)
    height++;

  return height;
}

guint
shoal_hash_request_n_uncles (const ShoalHashRequest *self)
{
  guint height = shoal_hash_request_height (self);

  return self->proof_layers >= height ? self->proof_layers - height + 1 : 0;
}

guint
shoal_hash_request_n_hashes (const ShoalHashRequest *self)
{
  return self->length + shoal_hash_request_n_uncles (self);
}

gboolean
shoal_hash_request_equal (const ShoalHashRequest *a,
                          const ShoalHashRequest *b)
{
  return a->base == b->base && a->index == b->index && a->length == b->length
         && a->proof_layers == b->proof_layers && memcmp (&a->root, &b->root, sizeof a->root) == 0;
}
