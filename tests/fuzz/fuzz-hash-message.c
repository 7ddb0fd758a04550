/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: messages about hashes. The first byte says which of the three. What parses is
 * written back the same, answered out of the tree of a piece, and compared with it. */

#include "shoal-leaves.h"

#define WIDTH 2048u   /* blocks of the piece: 32 MiB */

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* The second piece of a file. */
static void
look_up (const ShoalHashRequest *request,
         const guint8           *hashes)
{
  static const ShoalSha256 nodes[2 * WIDTH];
  ShoalLeafPlace place = { .file_root = request->root, .index = WIDTH, .n = WIDTH - 3,
                           .width = WIDTH };
  g_autofree ShoalSha256 *out = g_new (ShoalSha256, shoal_hash_request_n_hashes (request));
  gboolean inside = request->index >= WIDTH && request->index + request->length <= 2 * WIDTH;

  g_assert (!shoal_leaves_answer (&place, nodes, NULL, request, out) || inside);
  if (hashes != NULL && inside)
    shoal_leaves_verify (&place, request, hashes);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  ShoalMessageId id = SHOAL_MESSAGE_HASH_REQUEST + (size > 0 ? data[0] % 3 : 0);
  guint8 out[SHOAL_HASHES_HEADER_SIZE];
  ShoalHashRequest request;
  const guint8 *hashes;

  if (size == 0 || !shoal_hash_message_parse (&request, id, data + 1, size - 1, &hashes))
    return 0;
  g_assert ((hashes != NULL) == (id == SHOAL_MESSAGE_HASHES));
  if (shoal_hash_request_is_sane (&request))
    {
      g_assert (shoal_hash_request_n_hashes (&request) <= SHOAL_HASHES_MAX);
      g_assert (hashes == NULL
                || hashes + (gsize) shoal_hash_request_n_hashes (&request) * SHOAL_SHA256_SIZE
                     == data + size);
      look_up (&request, hashes);
    }
  else
    {
      g_assert (hashes == NULL);
    }
  shoal_hash_message_write (out, id, &request);
  g_assert (memcmp (out + 5, data + 1, sizeof out - 5) == 0);

  return 0;
}
