/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peer messages: every id, every size, split reads, and BEP 6's allowed-fast set. */

#include "shoal-message.h"
#include <string.h>

#define HEADERS_MAX 32

/* Ids with the only size (bytes after the size) that each may have. */
static const struct
{
  ShoalMessageId id;
  guint32        size;
} fixed[] = {
  { SHOAL_MESSAGE_CHOKE, 1 },        { SHOAL_MESSAGE_UNCHOKE, 1 },
  { SHOAL_MESSAGE_INTERESTED, 1 },   { SHOAL_MESSAGE_NOT_INTERESTED, 1 },
  { SHOAL_MESSAGE_HAVE, 5 },         { SHOAL_MESSAGE_REQUEST, 13 },
  { SHOAL_MESSAGE_CANCEL, 13 },      { SHOAL_MESSAGE_PORT, 3 },
  { SHOAL_MESSAGE_SUGGEST, 5 },      { SHOAL_MESSAGE_HAVE_ALL, 1 },
  { SHOAL_MESSAGE_HAVE_NONE, 1 },    { SHOAL_MESSAGE_REJECT, 13 },
  { SHOAL_MESSAGE_ALLOWED_FAST, 5 }, { SHOAL_MESSAGE_HASH_REQUEST, 49 },
  { SHOAL_MESSAGE_HASH_REJECT, 49 },
};

static void
head (guint8  *out,
      guint32  size,
      guint8   id)
{
  out[0] = (guint8) (size >> 24);
  out[1] = (guint8) (size >> 16);
  out[2] = (guint8) (size >> 8);
  out[3] = (guint8) size;
  out[4] = id;
}

static ShoalFrame
peek (guint32  size,
      guint8   id)
{
  guint8 bytes[5];
  guint32 whole;
  ShoalMessageId found;

  head (bytes, size, id);

  return shoal_message_peek (bytes, sizeof bytes, &whole, &found);
}

static void
test_sizes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fixed); i++)
    for (guint32 size = 1; size < 80; size++)
      g_assert_cmpint (peek (size, (guint8) fixed[i].id), ==,
                       size == fixed[i].size ? SHOAL_FRAME_OK : SHOAL_FRAME_BAD);
}

static void
test_limits (void)
{
  g_assert_cmpint (peek (SHOAL_MESSAGE_SIZE_MAX, SHOAL_MESSAGE_BITFIELD), ==, SHOAL_FRAME_OK);
  g_assert_cmpint (peek (SHOAL_MESSAGE_SIZE_MAX + 1, SHOAL_MESSAGE_BITFIELD), ==, SHOAL_FRAME_BAD);
  g_assert_cmpint (peek (9, SHOAL_MESSAGE_PIECE), ==, SHOAL_FRAME_BAD);
  g_assert_cmpint (peek (10, SHOAL_MESSAGE_PIECE), ==, SHOAL_FRAME_OK);
  g_assert_cmpint (peek (9 + SHOAL_REQUEST_SIZE_MAX, SHOAL_MESSAGE_PIECE), ==, SHOAL_FRAME_OK);
  g_assert_cmpint (peek (10 + SHOAL_REQUEST_SIZE_MAX, SHOAL_MESSAGE_PIECE), ==, SHOAL_FRAME_BAD);
  g_assert_cmpint (peek (1, SHOAL_MESSAGE_EXTENDED), ==, SHOAL_FRAME_BAD);
  g_assert_cmpint (peek (SHOAL_EXTENDED_SIZE_MAX, SHOAL_MESSAGE_EXTENDED), ==, SHOAL_FRAME_OK);
  g_assert_cmpint (peek (SHOAL_EXTENDED_SIZE_MAX + 1, SHOAL_MESSAGE_EXTENDED), ==, SHOAL_FRAME_BAD);
  g_assert_cmpint (peek (48, SHOAL_MESSAGE_HASHES), ==, SHOAL_FRAME_BAD);
  g_assert_cmpint (peek (49 + 64, SHOAL_MESSAGE_HASHES), ==, SHOAL_FRAME_OK);
  g_assert_cmpint (peek (SHOAL_EXTENDED_SIZE_MAX, 200), ==, SHOAL_FRAME_OK);
  g_assert_cmpint (peek (SHOAL_EXTENDED_SIZE_MAX + 1, 200), ==, SHOAL_FRAME_BAD);
}

static void
test_peek_split (void)
{
  guint8 bytes[5];
  guint32 size;
  ShoalMessageId id;

  head (bytes, 13, SHOAL_MESSAGE_REQUEST);
  for (gsize n = 0; n < 5; n++)
    {
      g_autofree guint8 *copy = g_memdup2 (bytes, n);

      g_assert_cmpint (shoal_message_peek (copy, n, &size, &id), ==, SHOAL_FRAME_MORE);
      g_assert_cmpuint (size, ==, n < 4 ? 0 : 17);
    }
  g_assert_cmpint (shoal_message_peek (bytes, 5, &size, &id), ==, SHOAL_FRAME_OK);
  g_assert_cmpuint (size, ==, 17);
  g_assert_cmpint (id, ==, SHOAL_MESSAGE_REQUEST);

  /* Too large is seen before the id is there. */
  head (bytes, SHOAL_MESSAGE_SIZE_MAX + 1, 0);
  g_assert_cmpint (shoal_message_peek (bytes, 4, &size, &id), ==, SHOAL_FRAME_BAD);
  head (bytes, 0, 0);
  g_assert_cmpint (shoal_message_peek (bytes, 4, &size, &id), ==, SHOAL_FRAME_OK);
  g_assert_cmpuint (size, ==, 4);
  g_assert_cmpint (id, ==, SHOAL_MESSAGE_KEEP_ALIVE);
}

static void
test_unknown (void)
{
  static const guint8 unused[] = { 10, 11, 12, 18, 19, 24, 100, 255 };

  for (guint i = 0; i < G_N_ELEMENTS (unused); i++)
    {
      guint8 bytes[] = { 0, 0, 0, 3, unused[i], 1, 2 };
      ShoalMessage message;

      g_assert_true (shoal_message_parse (&message, bytes, sizeof bytes));
      g_assert_cmpint (message.id, ==, SHOAL_MESSAGE_UNKNOWN);
    }
}

static void
test_simple (void)
{
  static const ShoalMessageId ids[] = {
    SHOAL_MESSAGE_CHOKE,          SHOAL_MESSAGE_UNCHOKE,  SHOAL_MESSAGE_INTERESTED,
    SHOAL_MESSAGE_NOT_INTERESTED, SHOAL_MESSAGE_HAVE_ALL, SHOAL_MESSAGE_HAVE_NONE,
    SHOAL_MESSAGE_KEEP_ALIVE,
  };

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      guint8 bytes[HEADERS_MAX];
      guint size = shoal_message_write_simple (bytes, ids[i]);
      ShoalMessage message;

      g_assert_cmpuint (size, ==, ids[i] == SHOAL_MESSAGE_KEEP_ALIVE ? 4 : 5);
      g_assert_true (shoal_message_parse (&message, bytes, size));
      g_assert_cmpint (message.id, ==, ids[i]);
      g_assert_cmpuint (message.payload_size, ==, 0);
    }
}

static void
test_fields (void)
{
  guint8 bytes[HEADERS_MAX];
  ShoalMessage message;
  guint size;

  size = shoal_message_write_piece_index (bytes, SHOAL_MESSAGE_HAVE, 0x01020304);
  g_assert_cmpmem (bytes, size, "\0\0\0\5\4\1\2\3\4", 9);
  g_assert_true (shoal_message_parse (&message, bytes, size));
  g_assert_cmpuint (message.piece, ==, 0x01020304);

  size = shoal_message_write_request (bytes, SHOAL_MESSAGE_REJECT, 1, 2, 3);
  g_assert_cmpmem (bytes, size, "\0\0\0\15\20\0\0\0\1\0\0\0\2\0\0\0\3", 17);
  g_assert_true (shoal_message_parse (&message, bytes, size));
  g_assert_cmpint (message.id, ==, SHOAL_MESSAGE_REJECT);
  g_assert_cmpuint (message.piece, ==, 1);
  g_assert_cmpuint (message.offset, ==, 2);
  g_assert_cmpuint (message.size, ==, 3);

  size = shoal_message_write_port (bytes, 0x1ae1);
  g_assert_cmpmem (bytes, size, "\0\0\0\3\11\x1a\xe1", 7);
  g_assert_true (shoal_message_parse (&message, bytes, size));
  g_assert_cmpuint (message.port, ==, 6881);
}

static void
test_payloads (void)
{
  guint8 bytes[HEADERS_MAX] = { 0 };
  ShoalMessage message;
  guint size;

  size = shoal_message_write_piece_header (bytes, 7, 16384, 5);
  g_assert_cmpuint (size, ==, SHOAL_PIECE_HEADER_SIZE);
  memcpy (bytes + size, "hello", 5);
  g_assert_true (shoal_message_parse (&message, bytes, size + 5));
  g_assert_cmpuint (message.piece, ==, 7);
  g_assert_cmpuint (message.offset, ==, 16384);
  g_assert_cmpuint (message.size, ==, 5);
  g_assert_cmpmem (message.payload, message.payload_size, "hello", 5);
  g_assert_false (shoal_message_parse (&message, bytes, size + 4));
  g_assert_false (shoal_message_parse (&message, bytes, size + 6));

  size = shoal_message_write_bitfield_header (bytes, 2);
  bytes[size] = 0xf0;
  g_assert_true (shoal_message_parse (&message, bytes, size + 2));
  g_assert_cmpint (message.id, ==, SHOAL_MESSAGE_BITFIELD);
  g_assert_cmpuint (message.payload_size, ==, 2);
  g_assert_cmpuint (message.payload[0], ==, 0xf0);

  size = shoal_message_write_extended_header (bytes, 3, 2);
  memcpy (bytes + size, "de", 2);
  g_assert_true (shoal_message_parse (&message, bytes, size + 2));
  g_assert_cmpuint (message.extended, ==, 3);
  g_assert_cmpmem (message.payload, message.payload_size, "de", 2);

  memset (bytes, 0, sizeof bytes);
  g_assert_false (shoal_message_parse (&message, bytes, 5));   /* more than a keep-alive */
  g_assert_false (shoal_message_parse (&message, bytes, 3));
  g_assert_false (shoal_message_parse (&message, bytes, 0));
}

/* A stream cut into reads of n bytes gives the same messages for every n. */
static void
test_stream_split (void)
{
  g_autoptr (GByteArray) stream = g_byte_array_new ();
  guint8 bytes[HEADERS_MAX];

  g_byte_array_append (stream, bytes, shoal_message_write_simple (bytes, SHOAL_MESSAGE_HAVE_ALL));
  g_byte_array_append (stream, bytes, shoal_message_write_simple (bytes, SHOAL_MESSAGE_KEEP_ALIVE));
  g_byte_array_append (stream, bytes,
                       shoal_message_write_request (bytes, SHOAL_MESSAGE_REQUEST, 1, 2, 3));
  g_byte_array_append (stream, bytes, shoal_message_write_piece_header (bytes, 7, 0, 3));
  g_byte_array_append (stream, (const guint8 *) "abc", 3);
  g_byte_array_append (stream, bytes, shoal_message_write_port (bytes, 1));

  for (gsize step = 1; step <= stream->len; step++)
    {
      static const ShoalMessageId expected[] = {
        SHOAL_MESSAGE_HAVE_ALL, SHOAL_MESSAGE_KEEP_ALIVE, SHOAL_MESSAGE_REQUEST,
        SHOAL_MESSAGE_PIECE,    SHOAL_MESSAGE_PORT,
      };
      gsize at = 0;
      guint n = 0;

      for (gsize end = 0; end < stream->len;)
        {
          end = MIN (end + step, stream->len);
          while (TRUE)
            {
              guint32 size;
              ShoalMessageId id;
              ShoalMessage message;
              ShoalFrame frame = shoal_message_peek (stream->data + at, end - at, &size, &id);

              g_assert_cmpint (frame, !=, SHOAL_FRAME_BAD);
              if (frame == SHOAL_FRAME_MORE || size > end - at)
                break;
              g_assert_true (shoal_message_parse (&message, stream->data + at, size));
              g_assert_cmpint (message.id, ==, expected[n++]);
              at += size;
            }
        }
      g_assert_cmpuint (n, ==, G_N_ELEMENTS (expected));
    }
}

static void
test_allowed_fast (void)
{
  static const guint32 expected[] = { 1059, 431, 808, 1217, 287, 376, 1188, 353, 508 };
  static const guint8 ip[] = { 80, 4, 4, 200 };
  static const guint8 neighbour[] = { 80, 4, 4, 1 };
  ShoalAddr peer = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 6881);
  ShoalSha1 hash;
  guint32 pieces[16];

  memset (hash.bytes, 0xaa, sizeof hash.bytes);
  g_assert_cmpuint (shoal_allowed_fast_set (&peer, &hash, 1313, 7, pieces), ==, 7);
  g_assert_cmpmem (pieces, 7 * sizeof (guint32), expected, 7 * sizeof (guint32));
  g_assert_cmpuint (shoal_allowed_fast_set (&peer, &hash, 1313, 9, pieces), ==, 9);
  g_assert_cmpmem (pieces, 9 * sizeof (guint32), expected, sizeof expected);

  peer = shoal_addr_make (SHOAL_FAMILY_IPV4, neighbour, 1);
  g_assert_cmpuint (shoal_allowed_fast_set (&peer, &hash, 1313, 9, pieces), ==, 9);
  g_assert_cmpmem (pieces, 9 * sizeof (guint32), expected, sizeof expected);
}

static void
test_allowed_fast_edges (void)
{
  static const guint8 ip[16] = { 0x20, 0x01, 0x0d, 0xb8 };
  ShoalAddr peer = shoal_addr_make (SHOAL_FAMILY_IPV6, ip, 6881);
  ShoalSha1 hash = { { 0 } };
  guint32 pieces[16] = { 0 };
  guint seen = 0;

  g_assert_cmpuint (shoal_allowed_fast_set (&peer, &hash, 1313, 7, pieces), ==, 0);
  peer = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 6881);
  g_assert_cmpuint (shoal_allowed_fast_set (&peer, &hash, 0, 7, pieces), ==, 0);
  g_assert_cmpuint (shoal_allowed_fast_set (&peer, &hash, 5, 10, pieces), ==, 5);
  for (guint i = 0; i < 5; i++)
    seen |= 1u << pieces[i];
  g_assert_cmpuint (seen, ==, 31);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/message/sizes", test_sizes);
  g_test_add_func ("/wire/message/limits", test_limits);
  g_test_add_func ("/wire/message/peek-split", test_peek_split);
  g_test_add_func ("/wire/message/unknown", test_unknown);
  g_test_add_func ("/wire/message/simple", test_simple);
  g_test_add_func ("/wire/message/fields", test_fields);
  g_test_add_func ("/wire/message/payloads", test_payloads);
  g_test_add_func ("/wire/message/stream-split", test_stream_split);
  g_test_add_func ("/wire/message/allowed-fast", test_allowed_fast);
  g_test_add_func ("/wire/message/allowed-fast-edges", test_allowed_fast_edges);

  return g_test_run ();
}
