/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scripted peer that is asked for the hashes of blocks, and asks for them. */

#include "knower.h"

#include <string.h>

#include "shoal-merkle.h"

ShoalSha256 *
knower_tree (const Content *content,
             guint32       *width)
{
  guint64 size = content->metainfo->files[0].size;
  guint32 n = (guint32) ((size - 1) / SHOAL_BLOCK_SIZE + 1);
  guint64 whole = shoal_merkle_round_up (n);
  ShoalSha256 *nodes;

  if (size > content->metainfo->layout->piece_size)
    whole = shoal_merkle_round_up (content->metainfo->layout->n_pieces)
            * (content->metainfo->layout->piece_size / SHOAL_BLOCK_SIZE);
  nodes = g_new0 (ShoalSha256, 2 * whole);
  for (guint32 i = 0; i < n; i++)
    shoal_sha256 (content->truth + (gsize) i * SHOAL_BLOCK_SIZE,
                  MIN (size - (guint64) i * SHOAL_BLOCK_SIZE, SHOAL_BLOCK_SIZE), &nodes[whole + i]);
  for (guint64 i = whole - 1; i > 0; i--)
    shoal_sha256 (nodes[2 * i].bytes, 2 * SHOAL_SHA256_SIZE, &nodes[i]);
  g_assert_cmpmem (&nodes[1], sizeof *nodes, &content->metainfo->files[0].root, sizeof *nodes);
  *width = (guint32) whole;

  return nodes;
}

GByteArray *
knower_truth (const ShoalSha256      *nodes,
              guint32                 width,
              const ShoalHashRequest *request)
{
  GByteArray *out = g_byte_array_new ();
  guint32 node = (width + request->index) >> shoal_hash_request_height (request);

  g_byte_array_append (out, nodes[width + request->index].bytes,
                       request->length * SHOAL_SHA256_SIZE);
  for (guint i = shoal_hash_request_n_uncles (request); i > 0; i--, node /= 2)
    g_byte_array_append (out, nodes[node ^ 1].bytes, SHOAL_SHA256_SIZE);

  return out;
}

static void
answer (Knower                 *self,
        const ShoalHashRequest *request)
{
  guint8 head[SHOAL_HASHES_HEADER_SIZE];
  g_autoptr(GByteArray) truth = NULL;
  gboolean good = self->n_asked++ < self->good_for;

  g_assert_true (shoal_hash_request_is_sane (request));
  g_assert_cmpuint (request->base, ==, 0);
  g_assert_cmpuint (request->length, >=, 2);
  g_assert_cmpuint (request->length, <=, SHOAL_HASHES_ASK_MAX);
  if (self->silent && !good)
    return;
  shoal_hash_message_write (head, self->rejects
                            && !good ? SHOAL_MESSAGE_HASH_REJECT : SHOAL_MESSAGE_HASHES, request);
  rig_bot_say (self->bot, head, sizeof head);
  if (self->rejects && !good)
    return;
  if (self->nodes == NULL)
    {
      self->nodes = knower_tree (self->bot->rig->content, &self->width);
      g_test_queue_free (self->nodes);
    }
  truth = knower_truth (self->nodes, self->width, request);
  if (self->lies && !good)
    truth->data[3] ^= 1;
  rig_bot_say (self->bot, truth->data, truth->len);
}

static void
on_message (RigBot             *bot,
            const ShoalMessage *message)
{
  Knower *self = bot->data;
  ShoalHashRequest request;
  const guint8 *hashes;

  if (message->id != SHOAL_MESSAGE_HASH_REQUEST && message->id != SHOAL_MESSAGE_HASHES
      && message->id != SHOAL_MESSAGE_HASH_REJECT)
    return;
  g_assert_true (shoal_hash_message_parse (&request, message->id, message->payload,
                                           message->payload_size, &hashes));
  if (message->id == SHOAL_MESSAGE_HASH_REQUEST)
    {
      answer (self, &request);
    }
  else if (message->id == SHOAL_MESSAGE_HASH_REJECT)
    {
      self->n_rejects++;
    }
  else
    {
      self->n_answers++;
      self->request = request;
      g_byte_array_set_size (self->got, 0);
      g_byte_array_append (self->got, hashes,
                           shoal_hash_request_n_hashes (&request) * SHOAL_SHA256_SIZE);
    }
}

Knower *
knower_new (Rig   *rig,
            guint8 number)
{
  Knower *self = g_new0 (Knower, 1);

  self->bot = rig_bot (rig, number);
  self->bot->has_all = TRUE;
  self->bot->hear = on_message;
  self->bot->data = self;
  self->got = g_byte_array_new ();
  g_test_queue_free (self);
  g_test_queue_destroy ((GDestroyNotify) g_byte_array_unref, self->got);

  return self;
}

void
knower_ask (Knower                 *self,
            const ShoalHashRequest *request)
{
  guint8 head[SHOAL_HASHES_HEADER_SIZE];

  shoal_hash_message_write (head, SHOAL_MESSAGE_HASH_REQUEST, request);
  rig_bot_say (self->bot, head, sizeof head);
}
