/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the messages about hashes: there and back, limits, how many hashes an answer has. */

#include "shoal-hash-message.h"

static const ShoalHashRequest sample = { .root = { { 1, 2, 3 } },
                                         .base = 2,
                                         .index = 1024,
                                         .length = 512,
                                         .proof_layers = 10 };

static void
test_there_and_back (void)
{
  static const ShoalMessageId ids[] = { SHOAL_MESSAGE_HASH_REQUEST, SHOAL_MESSAGE_HASHES,
                                        SHOAL_MESSAGE_HASH_REJECT };

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      guint n = ids[i] == SHOAL_MESSAGE_HASHES ? shoal_hash_request_n_hashes (&sample) : 0;
      gsize size = SHOAL_HASHES_HEADER_SIZE + n * SHOAL_SHA256_SIZE;
      g_autofree guint8 *bytes = g_malloc0 (size);
      ShoalHashRequest request;
      ShoalMessage message;
      const guint8 *hashes;

      g_assert_cmpuint (shoal_hash_message_write (bytes, ids[i], &sample), ==,
                        SHOAL_HASHES_HEADER_SIZE);
      g_assert_true (shoal_message_parse (&message, bytes, size));
      g_assert_cmpint (message.id, ==, ids[i]);
      g_assert_true (shoal_hash_message_parse (&request, message.id, message.payload,
                                               message.payload_size, &hashes));
      g_assert_true (shoal_hash_request_equal (&request, &sample));
      g_assert_true (hashes == (n > 0 ? bytes + SHOAL_HASHES_HEADER_SIZE : NULL));
    }
}

/* Layers that follow from the base hashes are left out. */
static void
test_counts (void)
{
  static const struct { guint32 length, proof_layers; guint n_uncles;
  } cases[] = {
    { 512, 0, 0 }, { 512, 8, 0 }, { 512, 9, 1 }, { 512, 10, 2 }, { 2, 0, 0 }, { 2, 1, 1 },
    { 2, 5, 5 },   { 4, 1, 0 },   { 4, 2, 1 },   { 1, 0, 1 },    { 1, 3, 4 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalHashRequest request = { .length = cases[i].length,
                                   .proof_layers = cases[i].proof_layers };

      g_assert_cmpuint (shoal_hash_request_n_uncles (&request), ==, cases[i].n_uncles);
      g_assert_cmpuint (shoal_hash_request_n_hashes (&request), ==,
                        cases[i].length + cases[i].n_uncles);
      g_assert_cmpuint (1u << shoal_hash_request_height (&request), ==, cases[i].length);
    }
}

static void
test_limits (void)
{
  static const struct { guint32 base, index, length, proof_layers; gboolean sane; } cases[] = {
    { 0, 0, 1, 0, TRUE }, { 0, 0, 512, 39, TRUE }, { 39, 512, 512, 0, TRUE }, { 0, 6, 2, 0, TRUE },
    { 0, 0, 8192, 39, TRUE }, { 0, 0, 16384, 0, FALSE },
    { 0, 0, 0, 0, FALSE }, { 0, 0, 3, 0, FALSE }, { 0, 0, G_MAXUINT32, 0, FALSE },
    { 0, 256, 512, 0, FALSE },
    { 0, 1, 2, 0, FALSE }, { 40, 0, 2, 0, FALSE }, { G_MAXUINT32, 0, 2, 0, FALSE },
    { 0, 0, 2, 40, FALSE }, { 0, 0, 2, G_MAXUINT32, FALSE },
    { 0, 1u << 31, 2, 0, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalHashRequest request = { .base = cases[i].base,
                                   .index = cases[i].index,
                                   .length = cases[i].length,
                                   .proof_layers = cases[i].proof_layers };

      g_assert_cmpint (shoal_hash_request_is_sane (&request), ==, cases[i].sane);
    }
}

static void
test_malformed (void)
{
  guint8 bytes[SHOAL_HASHES_HEADER_SIZE + 4 * SHOAL_SHA256_SIZE] = { 0 };
  const guint8 *payload = bytes + 5;
  gsize head = SHOAL_HASHES_HEADER_SIZE - 5;
  ShoalHashRequest request = { .length = 2, .proof_layers = 1 };

  shoal_hash_message_write (bytes, SHOAL_MESSAGE_HASHES, &request);
  for (gsize size = 0; size <= sizeof bytes - 5; size++)
    {
      const guint8 *hashes;

      g_assert_cmpint (shoal_hash_message_parse (&request, SHOAL_MESSAGE_HASHES, payload, size,
                                                 &hashes),
                       ==, size == head + 3 * SHOAL_SHA256_SIZE);
      g_assert_cmpint (shoal_hash_message_parse (&request, SHOAL_MESSAGE_HASH_REQUEST, payload,
                                                 size, NULL),
                       ==, size == head);
      g_assert_cmpint (shoal_hash_message_parse (&request, SHOAL_MESSAGE_HASH_REJECT, payload, size,
                                                 NULL),
                       ==, size == head);
    }

  /* A length that no answer has. */
  request.length = 3;
  request.proof_layers = 0;
  shoal_hash_message_write (bytes, SHOAL_MESSAGE_HASHES, &request);
  g_assert_false (shoal_hash_message_parse (&request, SHOAL_MESSAGE_HASHES, payload,
                                            head + 3 * SHOAL_SHA256_SIZE, NULL));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/hash-message/there-and-back", test_there_and_back);
  g_test_add_func ("/wire/hash-message/counts", test_counts);
  g_test_add_func ("/wire/hash-message/limits", test_limits);
  g_test_add_func ("/wire/hash-message/malformed", test_malformed);
  return g_test_run ();
}
