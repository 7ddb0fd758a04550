/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a DHT node says to those who ask it: answers, tokens, items, limits, and nothing at all. */

#include "dht-wire.h"

#include <string.h>

#include "shoal-test.h"

static void
test_answers (DhtWire      *wire,
              gconstpointer data)
{
  g_autoptr (GBytes) bytes = NULL;
  ShoalKrpc krpc;

  dht_wire_send (wire, "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (dht_wire_take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_ANSWER);
  g_assert_cmpuint (krpc.ip.port, ==, 999);
  /* Who asks is asked back before it gets a place. */
  g_assert_true (dht_wire_take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.method, ==, SHOAL_KRPC_PING);
  g_assert_false (dht_wire_take (wire, &krpc, &bytes));

  dht_wire_send (wire, "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234564:porti1e5:token8:01234567e1:q13:announce_peer1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (dht_wire_take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.error, ==, SHOAL_KRPC_ERROR_PROTOCOL);
  dht_wire_send (wire, "d1:ad2:id20:abcdefghij0123456789e1:q4:vote1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (dht_wire_take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.error, ==, SHOAL_KRPC_ERROR_METHOD);
  dht_wire_send (wire, "d1:ad2:id20:abcdefghij0123456789e1:q9:find_node1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (dht_wire_take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.error, ==, SHOAL_KRPC_ERROR_PROTOCOL);
  dht_wire_send (wire, "d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q4:vote1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (dht_wire_take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_ANSWER);
  dht_wire_send (wire, "d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q17:sample_infohashes1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (dht_wire_take (wire, &krpc, &bytes));
  g_assert_cmphex (krpc.flags & SHOAL_KRPC_HAS_SAMPLES, !=, 0);
}

static void
add_neighbours (ShoalDht *dht)
{
  for (guint i = 0; i < SHOAL_DHT_K; i++)
    {
      guint8 four[4] = { 20, (guint8) i, 0, 1 };
      guint8 six[16] = { 0x20, 0x01, (guint8) i };
      ShoalAddr addrs[2] = { shoal_addr_make (SHOAL_FAMILY_IPV4, four, 1),
                             shoal_addr_make (SHOAL_FAMILY_IPV6, six, 1) };
      ShoalSha1 id = { { (guint8) (i << 5) } };

      for (guint family = 0; family < G_N_ELEMENTS (addrs); family++)
        shoal_dht_table_answered (dht->nodes[family]->table, &id, &addrs[family], 1);
    }
}

/* Nodes of both families beside an item that nearly fills the packet, and beside filters:
 * effect_send() looks at the size. */
static void
test_fitting (DhtWire      *wire,
              gconstpointer data)
{
  ShoalDht *dht = wire->nodes[0].dht;
  g_autofree char *value = g_strdup_printf ("996:%0996d", 0);
  g_autoptr (GBytes) bytes = NULL;
  ShoalSha1 target;
  ShoalAddr stranger;
  ShoalKrpc krpc;

  add_neighbours (dht);
  g_assert_true (shoal_addr_parse (&stranger, STRANGER, 0));
  shoal_krpc_init (&krpc, SHOAL_KRPC_QUERY, SHOAL_KRPC_PUT);
  krpc.value = (ShoalKrpcBytes){ (const guint8 *) value, strlen (value) };
  g_assert_cmpuint (shoal_dht_store_put (dht->store, &krpc, &stranger, wire->now_us), ==, 0);
  shoal_krpc_item_target (&krpc, &target);

  shoal_krpc_init (&krpc, SHOAL_KRPC_QUERY, SHOAL_KRPC_GET);
  krpc.flags = SHOAL_KRPC_HAS_ID | SHOAL_KRPC_HAS_TARGET | SHOAL_KRPC_WANT4 | SHOAL_KRPC_WANT6;
  krpc.target = target;
  krpc.transaction = (ShoalKrpcBytes){ target.bytes, 2 };
  for (guint i = 0; i < 2; i++)
    {
      g_auto (ShoalWriter) out = { 0 };
      ShoalKrpc answer;

      shoal_krpc_write (&krpc, &out);
      g_assert_true (shoal_dht_datagram (dht, &stranger, out.data, out.size, wire->now_us));
      g_assert_true (dht_wire_take (wire, &answer, &bytes));
      g_assert_cmpuint (answer.value.size, ==, i == 0 ? strlen (value) : 0);
      /* The asker's own family is whole. */
      g_assert_cmpuint ((i == 0 ? answer.nodes4 : answer.nodes6).size, ==,
                        SHOAL_DHT_K * (i == 0 ? SHOAL_KRPC_NODE4_SIZE : SHOAL_KRPC_NODE6_SIZE));
      g_assert_cmpuint ((i == 0 ? answer.nodes6 : answer.nodes4).size, <,
                        SHOAL_DHT_K * (i == 0 ? SHOAL_KRPC_NODE6_SIZE : SHOAL_KRPC_NODE4_SIZE));
      g_clear_pointer (&bytes, g_bytes_unref);

      /* Then a torrent with so many peers that the filters and the most addresses are told. */
      for (guint8 peer = 0; peer < 50; peer++)
        {
          ShoalAddr addr = shoal_addr_make (SHOAL_FAMILY_IPV6, (guint8[16]){ 0x20, 0x01, peer }, 1);

          shoal_dht_store_announce (dht->store, &target, &addr, FALSE, wire->now_us);
        }
      krpc.method = SHOAL_KRPC_GET_PEERS;
      krpc.flags |= SHOAL_KRPC_SCRAPE;
      g_assert_true (shoal_addr_parse (&stranger, "[2001:abcd::1]:999", 0));
      krpc.transaction = (ShoalKrpcBytes){ (const guint8 *) value, SHOAL_KRPC_TRANSACTION_MAX };
    }
}

static void
test_announce (DhtWire      *wire,
               gconstpointer data)
{
  g_autoptr (GBytes) bytes = NULL;
  g_auto (ShoalWriter) out = { 0 };
  ShoalKrpc krpc;
  ShoalKrpc announce;
  ShoalAddr stranger;
  ShoalAddr other;
  guint8 token[8];

  g_assert_true (shoal_addr_parse (&stranger, STRANGER, 0));
  g_assert_true (shoal_addr_parse (&other, "30.1.2.3:999", 0));
  dht_wire_send (wire, "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234566:scrapei1ee1:q9:get_peers1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (dht_wire_take (wire, &krpc, &bytes));
  g_assert_cmpuint (krpc.token.size, ==, sizeof token);
  memcpy (token, krpc.token.data, sizeof token);
  g_assert_true (dht_wire_take (wire, &krpc, &bytes));

  shoal_krpc_init (&announce, SHOAL_KRPC_QUERY, SHOAL_KRPC_ANNOUNCE_PEER);
  announce.flags = SHOAL_KRPC_HAS_ID | SHOAL_KRPC_HAS_TARGET | SHOAL_KRPC_HAS_PORT;
  announce.transaction = (ShoalKrpcBytes){ token, 2 };
  announce.token = (ShoalKrpcBytes){ token, sizeof token };
  announce.port = 77;
  memcpy (announce.target.bytes, "mnopqrstuvwxyz123456", 20);
  shoal_krpc_write (&announce, &out);
  /* A token is good for one address only. */
  shoal_dht_datagram (wire->nodes[0].dht, &other, out.data, out.size, wire->now_us);
  g_assert_true (dht_wire_take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_ERROR);
  shoal_dht_datagram (wire->nodes[0].dht, &stranger, out.data, out.size,
                      wire->now_us + SHOAL_DHT_TOKEN_US);
  g_assert_true (dht_wire_take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_ANSWER);
  while (dht_wire_take (wire, &krpc, &bytes))
    ;

  dht_wire_send (wire, "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234566:scrapei1ee1:q9:get_peers1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (dht_wire_take (wire, &krpc, &bytes));
  g_assert_cmpuint (krpc.n_values, ==, 1);
  g_assert_cmpuint (krpc.values[0].port, ==, 77);
  g_assert_nonnull (krpc.bloom_peers.data);

  /* After two changes of the secret it is not good any more. */
  shoal_dht_datagram (wire->nodes[0].dht, &stranger, out.data, out.size,
                      wire->now_us + 4 * SHOAL_DHT_TOKEN_US);
  while (dht_wire_take (wire, &krpc, &bytes))
    if (krpc.type != SHOAL_KRPC_QUERY)
      break;
  g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_ERROR);
}

/* Asks as a stranger, with a token if there is one. The answer to that is put into @krpc, questions
 * back are passed over. */
static void
ask (DhtWire   *wire,
     ShoalKrpc *query,
     GBytes    *token,
     ShoalKrpc *krpc,
     GBytes   **bytes)
{
  g_auto (ShoalWriter) out = { 0 };
  ShoalAddr stranger;

  g_assert_true (shoal_addr_parse (&stranger, STRANGER, 0));
  query->flags |= SHOAL_KRPC_HAS_ID;
  query->transaction = (ShoalKrpcBytes){ (const guint8 *) "aa", 2 };
  if (token != NULL)
    query->token.data = g_bytes_get_data (token, &query->token.size);
  shoal_krpc_write (query, &out);
  g_assert_true (shoal_dht_datagram (wire->nodes[0].dht, &stranger, out.data, out.size,
                                     wire->now_us));
  do
    g_assert_true (dht_wire_take (wire, krpc, bytes));
  while (krpc->type == SHOAL_KRPC_QUERY);
}

static GBytes *
get_token (DhtWire *wire)
{
  g_autoptr (GBytes) bytes = NULL;
  ShoalKrpc query;
  ShoalKrpc krpc;

  shoal_krpc_init (&query, SHOAL_KRPC_QUERY, SHOAL_KRPC_GET_PEERS);
  query.flags = SHOAL_KRPC_HAS_TARGET;
  ask (wire, &query, NULL, &krpc, &bytes);

  return g_bytes_new (krpc.token.data, krpc.token.size);
}

/* BEP 44, with the keys and signature that it gives. */
static void
test_items (DhtWire      *wire,
            gconstpointer data)
{
  g_autoptr (GBytes) key = shoal_test_bytes ("77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548");
  g_autoptr (GBytes) signature = shoal_test_bytes ("305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff"
                                                   "1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01");
  g_autoptr (GBytes) token = get_token (wire);
  g_autoptr (GBytes) bytes = NULL;
  static const char value[] = "12:Hello World!";
  ShoalKrpc put;
  ShoalKrpc get;
  ShoalKrpc krpc;

  for (guint round = 0; round < 2; round++)
    {
      shoal_krpc_init (&put, SHOAL_KRPC_QUERY, SHOAL_KRPC_PUT);
      put.value = (ShoalKrpcBytes){ (const guint8 *) value, strlen (value) };
      if (round == 1)
        {
          put.flags = SHOAL_KRPC_HAS_SEQ;
          put.seq = 1;
          put.key.data = g_bytes_get_data (key, &put.key.size);
          put.signature.data = g_bytes_get_data (signature, &put.signature.size);
        }
      shoal_krpc_init (&get, SHOAL_KRPC_QUERY, SHOAL_KRPC_GET);
      get.flags = SHOAL_KRPC_HAS_TARGET;
      shoal_krpc_item_target (&put, &get.target);

      ask (wire, &get, NULL, &krpc, &bytes);
      g_assert_null (krpc.value.data);
      ask (wire, &put, NULL, &krpc, &bytes);
      g_assert_cmpint (krpc.error, ==, SHOAL_KRPC_ERROR_PROTOCOL);
      ask (wire, &put, token, &krpc, &bytes);
      g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_ANSWER);
      ask (wire, &get, NULL, &krpc, &bytes);
      g_assert_cmpmem (krpc.value.data, krpc.value.size, value, strlen (value));
      g_assert_cmpuint (krpc.token.size, >, 0);
      g_assert_cmpint ((krpc.flags & SHOAL_KRPC_HAS_SEQ) != 0, ==, round == 1);
    }
  g_assert_cmpint (krpc.seq, ==, 1);
  g_assert_cmpmem (krpc.key.data, krpc.key.size, put.key.data, put.key.size);
  g_assert_cmpmem (krpc.signature.data, krpc.signature.size, put.signature.data,
                   put.signature.size);
  /* Who has it already gets the number alone. */
  get.flags |= SHOAL_KRPC_HAS_SEQ;
  get.seq = 1;
  ask (wire, &get, NULL, &krpc, &bytes);
  g_assert_null (krpc.value.data);
  g_assert_cmpint (krpc.seq, ==, 1);
  put.seq = 2;
  ask (wire, &put, token, &krpc, &bytes);
  g_assert_cmpint (krpc.error, ==, SHOAL_KRPC_ERROR_SIGNATURE);
}

/* BEP 51 and BEP 33: what is known of, and by how many. */
static void
test_samples (DhtWire      *wire,
              gconstpointer data)
{
  g_autoptr (GBytes) token = get_token (wire);
  g_autoptr (GBytes) bytes = NULL;
  guint8 bloom[SHOAL_KRPC_BLOOM_SIZE] = { 0 };
  guint8 nothing[SHOAL_KRPC_BLOOM_SIZE] = { 0 };
  ShoalAddr stranger;
  ShoalKrpc query;
  ShoalKrpc krpc;

  g_assert_true (shoal_addr_parse (&stranger, STRANGER, 0));
  for (guint8 i = 0; i < 3; i++)
    {
      shoal_krpc_init (&query, SHOAL_KRPC_QUERY, SHOAL_KRPC_ANNOUNCE_PEER);
      query.flags = SHOAL_KRPC_HAS_TARGET | SHOAL_KRPC_HAS_PORT | SHOAL_KRPC_SEED;
      query.target.bytes[0] = i;
      query.port = 77;
      ask (wire, &query, token, &krpc, &bytes);
      g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_ANSWER);
    }
  shoal_krpc_init (&query, SHOAL_KRPC_QUERY, SHOAL_KRPC_SAMPLE_INFOHASHES);
  query.flags = SHOAL_KRPC_HAS_TARGET;
  ask (wire, &query, NULL, &krpc, &bytes);
  g_assert_cmpuint (krpc.samples.size, ==, 3 * SHOAL_SHA1_SIZE);
  g_assert_cmpint (krpc.n_stored, ==, 3);
  g_assert_cmpint (krpc.interval_s, >, 0);

  shoal_krpc_init (&query, SHOAL_KRPC_QUERY, SHOAL_KRPC_GET_PEERS);
  query.flags = SHOAL_KRPC_HAS_TARGET | SHOAL_KRPC_SCRAPE;
  ask (wire, &query, NULL, &krpc, &bytes);
  shoal_krpc_bloom_add (bloom, &stranger);
  g_assert_cmpmem (krpc.bloom_seeds.data, krpc.bloom_seeds.size, bloom, sizeof bloom);
  g_assert_cmpmem (krpc.bloom_peers.data, krpc.bloom_peers.size, nothing, sizeof nothing);
  query.target.bytes[0] = 9;
  ask (wire, &query, NULL, &krpc, &bytes);
  g_assert_null (krpc.bloom_seeds.data);
}

static void
test_limits (DhtWire      *wire,
             gconstpointer data)
{
  static const char ping[] = "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe";
  g_autoptr (GBytes) bytes = NULL;
  ShoalKrpc krpc;
  guint n = 0;

  for (guint i = 0; i < 200; i++)
    dht_wire_send (wire, ping, STRANGER);
  while (dht_wire_take (wire, &krpc, &bytes))
    n += krpc.type == SHOAL_KRPC_ANSWER ? 1 : 0;
  g_assert_cmpuint (n, ==, SHOAL_DHT_ANSWERS_PER_IP);

  /* Who has a /64 has as many addresses as it likes. */
  wire->now_us += 2 * SECOND_US;
  n = 0;
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *from = g_strdup_printf ("[2001:db8::%x]:5", i + 1);

      dht_wire_send (wire, ping, from);
    }
  while (dht_wire_take (wire, &krpc, &bytes))
    n += krpc.type == SHOAL_KRPC_ANSWER ? 1 : 0;
  g_assert_cmpuint (n, ==, SHOAL_DHT_ANSWERS_PER_IP);

  wire->now_us += 2 * SECOND_US;
  n = 0;
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *from = g_strdup_printf ("30.%u.%u.1:5", i / 200, i % 200);

      dht_wire_send (wire, ping, from);
    }
  while (dht_wire_take (wire, &krpc, &bytes))
    n += krpc.type == SHOAL_KRPC_ANSWER ? 1 : 0;
  g_assert_cmpuint (n, ==, SHOAL_DHT_ANSWERS);
}

/* BEP 43: answers nobody, asks nobody for asking, and says so in its own questions; nobody takes it
 * for a node. */
static void
test_read_only (DhtWire      *wire,
                gconstpointer data)
{
  ShoalSha1 key = { { 1 } };
  g_autoptr (GBytes) bytes = NULL;
  ShoalAddr stranger;
  ShoalKrpc krpc;

  shoal_dht_set_read_only (wire->nodes[0].dht, TRUE);
  dht_wire_send (wire, "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe", STRANGER);
  g_assert_false (dht_wire_take (wire, &krpc, &bytes));

  g_assert_true (shoal_addr_parse (&stranger, STRANGER, 0));
  shoal_dht_add_contact (wire->nodes[0].dht, &stranger, wire->now_us);
  dht_wire_pass (wire, SECOND_US);
  g_assert_true (dht_wire_take (wire, &krpc, &bytes));
  g_assert_cmphex (krpc.flags & SHOAL_KRPC_READ_ONLY, !=, 0);

  shoal_dht_add_contact (wire->nodes[0].dht, &wire->nodes[1].addr, wire->now_us);
  dht_wire_pass (wire, 20 * SECOND_US);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[0].dht), ==, 1);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[1].dht), ==, 0);
  /* It still searches and announces. */
  g_assert_nonnull (dht_wire_look (wire, 0, &key, 4321, FALSE));
  dht_wire_pass (wire, 8 * SECOND_US);
  g_assert_cmpuint (wire->n_told, ==, 1);

  shoal_dht_set_read_only (wire->nodes[0].dht, FALSE);
  dht_wire_pass (wire, 400 * SECOND_US);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[1].dht), ==, 1);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  dht_wire_add ("/dht-answer/answers", NULL, test_answers);
  dht_wire_add ("/dht-answer/fitting", NULL, test_fitting);
  dht_wire_add ("/dht-answer/announce", NULL, test_announce);
  dht_wire_add ("/dht-answer/items", NULL, test_items);
  dht_wire_add ("/dht-answer/samples", NULL, test_samples);
  dht_wire_add ("/dht-answer/read-only", NULL, test_read_only);
  dht_wire_add ("/dht-answer/limits", NULL, test_limits);

  return g_test_run ();
}
