/* SPDX-License-Identifier: GPL-3.0-or-later */
/* KRPC: the examples of BEP 5, each field there and back, what is missing or broken, BEP 33 and
 * 44. */

#include "shoal-krpc.h"

#include <string.h>

#include "shoal-rng.h"
#include "shoal-signature.h"
#include "shoal-test.h"

#define ID_A "abcdefghij0123456789"
#define ID_B "mnopqrstuvwxyz123456"

static ShoalKrpcBytes
text (const char *string)
{
  return (ShoalKrpcBytes){ (const guint8 *) string, strlen (string) };
}

static void
assert_written (const ShoalKrpc *krpc,
                const char      *expected)
{
  g_auto (ShoalWriter) out = { 0 };

  shoal_krpc_write (krpc, &out);
  g_assert_cmpmem (out.data, out.size, expected, strlen (expected));
}

static gboolean
parse (ShoalKrpc  *krpc,
       const char *packet)
{
  return shoal_krpc_parse (krpc, (const guint8 *) packet, strlen (packet));
}

static void
test_queries (void)
{
  static const struct { ShoalKrpcMethod method; guint flags; const char *packet; } cases[] = {
    { SHOAL_KRPC_PING, SHOAL_KRPC_HAS_ID, "d1:ad2:id20:" ID_A "e1:q4:ping1:t2:aa1:y1:qe" },
    { SHOAL_KRPC_FIND_NODE, SHOAL_KRPC_HAS_ID | SHOAL_KRPC_HAS_TARGET,
      "d1:ad2:id20:" ID_A "6:target20:" ID_B "e1:q9:find_node1:t2:aa1:y1:qe" },
    { SHOAL_KRPC_FIND_NODE,
      SHOAL_KRPC_HAS_ID | SHOAL_KRPC_HAS_TARGET | SHOAL_KRPC_WANT4 | SHOAL_KRPC_WANT6
        | SHOAL_KRPC_READ_ONLY,
      "d1:ad2:id20:" ID_A "6:target20:" ID_B "4:wantl2:n42:n6ee1:q9:find_node2:roi1e1:t2:aa1:y1:qe" },
    { SHOAL_KRPC_GET_PEERS, SHOAL_KRPC_HAS_ID | SHOAL_KRPC_HAS_TARGET,
      "d1:ad2:id20:" ID_A "9:info_hash20:" ID_B "e1:q9:get_peers1:t2:aa1:y1:qe" },
    { SHOAL_KRPC_GET_PEERS,
      SHOAL_KRPC_HAS_ID | SHOAL_KRPC_HAS_TARGET | SHOAL_KRPC_NOSEED | SHOAL_KRPC_SCRAPE,
      "d1:ad2:id20:" ID_A "9:info_hash20:" ID_B "6:noseedi1e6:scrapei1ee1:q9:get_peers1:t2:aa1:y1:qe" },
    { SHOAL_KRPC_ANNOUNCE_PEER,
      SHOAL_KRPC_HAS_ID | SHOAL_KRPC_HAS_TARGET | SHOAL_KRPC_HAS_PORT | SHOAL_KRPC_IMPLIED_PORT
        | SHOAL_KRPC_SEED,
      "d1:ad2:id20:" ID_A "12:implied_porti1e9:info_hash20:" ID_B "4:porti6881e4:seedi1e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe" },
    { SHOAL_KRPC_SAMPLE_INFOHASHES, SHOAL_KRPC_HAS_ID | SHOAL_KRPC_HAS_TARGET,
      "d1:ad2:id20:" ID_A "6:target20:" ID_B "e1:q17:sample_infohashes1:t2:aa1:y1:qe" },
    { SHOAL_KRPC_GET, SHOAL_KRPC_HAS_ID | SHOAL_KRPC_HAS_TARGET | SHOAL_KRPC_HAS_SEQ,
      "d1:ad2:id20:" ID_A "3:seqi4e6:target20:" ID_B "e1:q3:get1:t2:aa1:y1:qe" },
    { SHOAL_KRPC_PUT, SHOAL_KRPC_HAS_ID | SHOAL_KRPC_HAS_CAS,
      "d1:ad3:casi3e2:id20:" ID_A "5:token1:x1:vl1:aee1:q3:put1:t2:aa1:y1:qe" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalKrpc krpc;

      g_test_message ("%s", cases[i].packet);
      g_assert_true (parse (&krpc, cases[i].packet));
      g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_QUERY);
      g_assert_cmpint (krpc.method, ==, cases[i].method);
      g_assert_cmphex (krpc.flags, ==, cases[i].flags);
      g_assert_cmpmem (krpc.transaction.data, krpc.transaction.size, "aa", 2);
      g_assert_cmpmem (krpc.id.bytes, 20, ID_A, 20);
      assert_written (&krpc, cases[i].packet);
    }
}

static void
test_answers (void)
{
  static const char *const cases[] = {
    "d1:rd2:id20:" ID_B "e1:t2:aa1:y1:re",
    "d1:rd2:id20:" ID_A "5:nodes26:" ID_B "\x01\x02\x03\x04\x05\x06"
    "e1:t2:aa1:y1:re",
    "d1:rd2:id20:" ID_A "5:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:v4:SH011:y1:re",
    "d2:ip6:\x01\x02\x03\x04\x1a\xe1"
    "1:rd2:id20:" ID_A "6:nodes638:" ID_B "0123456789abcdef\x11\x11"
    "e1:t2:aa1:y1:re",
    "d1:rd2:id20:" ID_A "8:intervali600e5:nodes0:3:numi2e7:samples40:" ID_A ID_B "e1:t2:aa1:y1:re",
    "d1:rd2:id20:" ID_A "1:k32:0123456789abcdef0123456789abcdef"
    "3:seqi-7e3:sig64:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef1:vd1:ai1eee1:t1:x1:y1:re",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalKrpc krpc;

      g_assert_true (parse (&krpc, cases[i]));
      g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_ANSWER);
      assert_written (&krpc, cases[i]);
    }
}

static void
test_values (void)
{
  ShoalKrpc krpc;
  g_auto (ShoalWriter) out = { 0 };
  g_autofree char *ip = NULL;

  g_assert_true (parse (&krpc,
                        "d2:ip6:\x05\x06\x07\x08\x1a\xe1"
                        "1:rd2:id20:" ID_A "6:valuesl6:axje.u3:bad6:idhtnmee1:t2:aa1:y1:re"));
  g_assert_cmpuint (krpc.n_values, ==, 2);
  g_assert_cmpuint (krpc.values[0].port, ==, '.' << 8 | 'u');
  ip = shoal_addr_to_text (&krpc.ip);
  g_assert_cmpstr (ip, ==, "5.6.7.8:6881");

  /* More than are read. */
  shoal_krpc_init (&krpc, SHOAL_KRPC_ANSWER, SHOAL_KRPC_UNKNOWN);
  krpc.transaction = text ("t");
  krpc.n_values = SHOAL_KRPC_VALUES_MAX;
  for (guint i = 0; i < krpc.n_values; i++)
    krpc.values[i] = shoal_addr_make (SHOAL_FAMILY_IPV4, (const guint8 *) "\1\2\3\4",
                                      (guint16) (i + 1));
  shoal_krpc_write (&krpc, &out);
  g_assert_true (shoal_krpc_parse (&krpc, out.data, out.size));
  g_assert_cmpuint (krpc.n_values, ==, SHOAL_KRPC_VALUES_MAX);
}

static void
test_errors (void)
{
  static const char packet[] = "d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee";
  ShoalKrpc krpc;

  g_assert_true (parse (&krpc, packet));
  g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_ERROR);
  g_assert_cmpint (krpc.error, ==, 201);
  g_assert_cmpuint (krpc.text.size, ==, 23);
  assert_written (&krpc, packet);

  g_assert_true (parse (&krpc, "d1:t2:aa1:y1:ee"));
  g_assert_cmpint (krpc.error, ==, SHOAL_KRPC_ERROR_GENERIC);
}

static void
test_defects (void)
{
  static const char *const defects[] = {
    "d1:ade1:q4:ping1:t2:aa1:y1:qe",
    "d1:q4:ping1:t2:aa1:y1:qe",
    "d1:ad2:id19:bcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe",
    "d1:ad2:id20:" ID_A "e1:q9:find_node1:t2:aa1:y1:qe",
    "d1:ad2:id20:" ID_A "9:info_hash3:abce1:q9:get_peers1:t2:aa1:y1:qe",
    "d1:ad2:id20:" ID_A "9:info_hash20:" ID_B
    "4:porti0e5:token1:xe1:q13:announce_peer1:t2:aa1:y1:qe",
    "d1:ad2:id20:" ID_A "9:info_hash20:" ID_B
    "4:porti65536e5:token1:xe1:q13:announce_peer1:t2:aa1:y1:qe",
    "d1:ad2:id20:" ID_A "9:info_hash20:" ID_B "4:porti1ee1:q13:announce_peer1:t2:aa1:y1:qe",
    "d1:ad2:id20:" ID_A
    "1:k32:0123456789abcdef0123456789abcdef5:token1:x1:v1:xe1:q3:put1:t2:aa1:y1:qe",
    "d1:q0:1:t0:1:y1:qe",
  };
  static const char *const nothing[] = {
    "",
    "x",
    "le",
    "d",
    "de",
    "d1:y1:qe",
    "d1:t2:aae",
    "d1:t2:aa1:y1:ze",
    "d1:t2:aa1:y1:re",
    "d1:rd2:id3:abce1:t2:aa1:y1:re",
    "d1:t33:0123456789abcdef0123456789abcdefx1:y1:ee",
    "d1:ti5e1:y1:qe",
  };
  ShoalKrpc krpc;

  for (guint i = 0; i < G_N_ELEMENTS (defects); i++)
    {
      g_test_message ("%s", defects[i]);
      g_assert_true (parse (&krpc, defects[i]));
      g_assert_cmphex (krpc.flags & SHOAL_KRPC_DEFECT, !=, 0);
    }
  for (guint i = 0; i < G_N_ELEMENTS (nothing); i++)
    {
      g_test_message ("%s", nothing[i]);
      g_assert_false (parse (&krpc, nothing[i]));
    }
}

static void
test_unknown (void)
{
  ShoalKrpc krpc;

  g_assert_true (parse (&krpc, "d1:ad2:id20:" ID_A "6:target20:" ID_B "e1:q4:vote1:t2:aa1:y1:qe"));
  g_assert_cmpint (krpc.method, ==, SHOAL_KRPC_UNKNOWN);
  g_assert_cmphex (krpc.flags, ==, SHOAL_KRPC_HAS_ID | SHOAL_KRPC_HAS_TARGET);
  /* Something behind the message does no harm. */
  g_assert_true (parse (&krpc, "d1:ad2:id20:" ID_A "e1:q4:ping1:t2:aa1:y1:qexyz"));
  g_assert_cmpint (krpc.method, ==, SHOAL_KRPC_PING);
}

static void
test_items (void)
{
  g_autoptr (GBytes) key = shoal_test_bytes ("77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548");
  g_autoptr (GBytes) signature = shoal_test_bytes ("6834284b6b24c3204eb2fea824d82f88883a3d95e8b4a21b8c0ded553d17d17d"
                                                   "df9a8a7104b1258f30bed3787e6cb896fca78c58f8e03b5f18f14951a87d9a08");
  g_auto (ShoalWriter) covered = { 0 };
  g_autofree char *hex = NULL;
  ShoalKrpc krpc;
  ShoalSha1 target;

  shoal_krpc_init (&krpc, SHOAL_KRPC_QUERY, SHOAL_KRPC_PUT);
  krpc.value = text ("12:Hello World!");
  shoal_krpc_item_target (&krpc, &target);
  hex = shoal_hex (target.bytes, sizeof target.bytes);
  g_assert_cmpstr (hex, ==, "e5f96f6f38320f0f33959cb4d3d656452117aadb");

  krpc.key.data = g_bytes_get_data (key, &krpc.key.size);
  krpc.seq = 1;
  shoal_krpc_item_target (&krpc, &target);
  g_free (hex);
  hex = shoal_hex (target.bytes, sizeof target.bytes);
  g_assert_cmpstr (hex, ==, "4a533d47ec9c7d95b1ad75f576cffc641853b750");

  krpc.salt = text ("foobar");
  shoal_krpc_item_target (&krpc, &target);
  g_free (hex);
  hex = shoal_hex (target.bytes, sizeof target.bytes);
  g_assert_cmpstr (hex, ==, "411eba73b6f087ca51a3795d9c8c938d365e32c1");
  shoal_krpc_write_signed (&covered, &krpc);
  g_assert_true (shoal_signature_is_good (krpc.key.data, g_bytes_get_data (signature, NULL),
                                          covered.data, covered.size));
}

static void
test_bloom (void)
{
  g_autoptr (GBytes) expected = shoal_test_bytes ("f6c3f5eaa07ffd91bde89f777f26fb2b");
  guint8 bloom[SHOAL_KRPC_BLOOM_SIZE] = { 0 };
  guint8 ip[16] = { 192, 0, 2 };
  ShoalAddr addr;

  for (guint i = 0; i < 256; i++)
    {
      ip[3] = (guint8) i;
      addr = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 1);
      shoal_krpc_bloom_add (bloom, &addr);
    }
  memcpy (ip, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0", 16);
  for (guint i = 0; i <= 0x3e7; i++)
    {
      ip[14] = (guint8) (i >> 8);
      ip[15] = (guint8) i;
      addr = shoal_addr_make (SHOAL_FAMILY_IPV6, ip, 1);
      shoal_krpc_bloom_add (bloom, &addr);
    }
  g_assert_cmpmem (bloom, 16, g_bytes_get_data (expected, NULL), 16);
}

/* A flag is set by any number but 0: some write more than 1. */
static void
test_flags (void)
{
  static const struct { const char *number; guint flags;
  } cases[] = {
    { "i0e", 0 },
    { "i1e", SHOAL_KRPC_IMPLIED_PORT },
    { "i2e", SHOAL_KRPC_IMPLIED_PORT },
    { "i-1e", SHOAL_KRPC_IMPLIED_PORT },
    { "1:1", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *packet =
        g_strdup_printf ("d1:ad2:id20:" ID_A "12:implied_port%s9:info_hash20:" ID_B
                         "5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe",
                         cases[i].number);
      ShoalKrpc krpc;

      g_assert_true (shoal_krpc_parse (&krpc, (const guint8 *) packet, strlen (packet)));
      g_assert_cmphex (krpc.flags & SHOAL_KRPC_IMPLIED_PORT, ==, cases[i].flags);
      /* Without it there is no port. */
      g_assert_cmpint ((krpc.flags & SHOAL_KRPC_DEFECT) != 0, ==, cases[i].flags == 0);
    }
}

/* Any cut and any changed byte of a packet is read without harm, and what is read can be
 * written. */
static void
test_broken (void)
{
  static const char packet[] =
    "d1:ad2:id20:" ID_A "12:implied_porti1e9:info_hash20:" ID_B
    "4:porti6881e5:token8:aoeusnth4:wantl2:n42:n6ee1:q13:announce_peer1:t2:aa1:y1:qe";
  ShoalKrpc krpc;
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (gsize size = 0; size < sizeof packet - 1; size++)
    {
      g_autofree guint8 *cut = g_memdup2 (packet, MAX (size, 1));

      g_assert_false (shoal_krpc_parse (&krpc, cut, size));
    }
  for (guint i = 0; i < 5000; i++)
    {
      g_autofree guint8 *changed = g_memdup2 (packet, sizeof packet - 1);
      g_auto (ShoalWriter) out = { 0 };

      for (guint n = shoal_rng_below (&rng, 3); n < 3; n++)
        changed[shoal_rng_below (&rng, sizeof packet - 1)] = (guint8) shoal_rng_next (&rng);
      if (shoal_krpc_parse (&krpc, changed, sizeof packet - 1)
          && (krpc.type != SHOAL_KRPC_QUERY || krpc.method != SHOAL_KRPC_UNKNOWN))
        shoal_krpc_write (&krpc, &out);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/krpc/queries", test_queries);
  g_test_add_func ("/krpc/answers", test_answers);
  g_test_add_func ("/krpc/flags", test_flags);
  g_test_add_func ("/krpc/values", test_values);
  g_test_add_func ("/krpc/errors", test_errors);
  g_test_add_func ("/krpc/defects", test_defects);
  g_test_add_func ("/krpc/unknown", test_unknown);
  g_test_add_func ("/krpc/items", test_items);
  g_test_add_func ("/krpc/bloom", test_bloom);
  g_test_add_func ("/krpc/broken", test_broken);

  return g_test_run ();
}
