/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The DHT by hand: a few nodes on one fake wire, questions, tokens, limits, read-only, what is
 * kept. */

#include "shoal-dht-private.h"

#include <string.h>

#include "shoal-test.h"

#define SECOND_US ((gint64) G_USEC_PER_SEC)
#define N_NODES   4u
#define STRANGER  "20.1.2.3:999"

typedef struct _Wire Wire;

typedef struct
{
  ShoalHost    host;      /* first */
  Wire        *wire;
  ShoalAddr    addr;
  ShoalDht    *dht;
  ShoalLookup *lookup;    /* a name that it wants to know */
  guint        n_ready;
} Node;

typedef struct
{
  ShoalAddr from;
  ShoalAddr to;
  GBytes   *bytes;
} Packet;

struct _Wire
{
  ShoalTimers *timers;
  ShoalRng     rng;
  gint64       now_us;
  Node         nodes[N_NODES];
  GQueue       packets;       /* of Packet */
  GQueue       strangers;     /* of Packet: to nobody here */
  guint        n_peers;
  guint        n_done;
  guint        n_told;
  ShoalAddr    peer;
  guint16      other_port;    /* of the last peer that came with it */
};

static void
packet_free (gpointer data)
{
  Packet *packet = data;

  g_bytes_unref (packet->bytes);
  g_free (packet);
}

static Node *
find (Wire            *wire,
      const ShoalAddr *addr)
{
  for (guint i = 0; i < N_NODES; i++)
    if (shoal_addr_equal (&wire->nodes[i].addr, addr))
      return &wire->nodes[i];

  return NULL;
}

static ShoalSendResult
effect_send (ShoalHost       *host,
             const ShoalAddr *to,
             const guint8    *data,
             gsize            size,
             guint            segment,
             ShoalSendFlags   flags)
{
  Node *node = (Node *) host;
  Packet *packet = g_new0 (Packet, 1);

  g_assert_cmpuint (size, <=, SHOAL_KRPC_SIZE_MAX);
  *packet = (Packet){ node->addr, *to, g_bytes_new (data, size) };
  g_queue_push_tail (find (node->wire, to) != NULL ? &node->wire->packets : &node->wire->strangers,
                     packet);

  return SHOAL_SEND_SENT;
}

static void
effect_random (ShoalHost *host,
               guint8    *out,
               gsize      size)
{
  shoal_rng_bytes (&((Node *) host)->wire->rng, out, size);
}

static void
effect_lookup (ShoalHost   *host,
               ShoalLookup *lookup)
{
  Node *node = (Node *) host;

  g_assert_null (node->lookup);
  node->lookup = lookup;
}

static const ShoalHostOps host_ops = { .send = effect_send,
                                       .random = effect_random,
                                       .lookup = effect_lookup };

static void
on_ready (gpointer owner)
{
  ((Node *) owner)->n_ready++;
}

static const ShoalDhtOps dht_ops = { .ready = on_ready };

static void
pass (Wire   *wire,
      gint64  us)
{
  gint64 until_us = wire->now_us + us;

  while (wire->now_us < until_us)
    {
      Packet *packet;

      while ((packet = g_queue_pop_head (&wire->packets)) != NULL)
        {
          Node *node = find (wire, &packet->to);
          gsize size;
          const guint8 *data = g_bytes_get_data (packet->bytes, &size);

          if (node->dht != NULL)
            g_assert_true (shoal_dht_datagram (node->dht, &packet->from, data, size, wire->now_us));
          packet_free (packet);
        }
      wire->now_us += SECOND_US / 20;
      shoal_timers_expire (wire->timers, wire->now_us);
    }
}

static void
set_up (Wire         *wire,
        gconstpointer data)
{
  memset (wire, 0, sizeof *wire);
  shoal_rng_init (&wire->rng, shoal_test_seed ());
  wire->timers = shoal_timers_new ();
  wire->now_us = 1000 * SECOND_US;
  for (guint i = 0; i < N_NODES; i++)
    {
      Node *node = &wire->nodes[i];

      node->host.ops = &host_ops;
      node->wire = wire;
      g_assert_true (shoal_addr_parse (&node->addr, data != NULL ? data : "127.0.0.1",
                                       (guint16) (1000 + i)));
      node->dht = shoal_dht_new (&node->host, wire->timers, &wire->rng, &dht_ops, node,
                                 wire->now_us);
    }
}

static void
tear_down (Wire         *wire,
           gconstpointer data)
{
  for (guint i = 0; i < N_NODES; i++)
    {
      shoal_dht_free (wire->nodes[i].dht);
      if (wire->nodes[i].lookup != NULL)
        wire->nodes[i].lookup->done.func (&wire->nodes[i].lookup->done, wire->now_us);
    }
  g_queue_clear_full (&wire->packets, packet_free);
  g_queue_clear_full (&wire->strangers, packet_free);
  shoal_timers_free (wire->timers);
}

static void
on_peers (gpointer         owner,
          const ShoalAddr *addrs,
          guint            n,
          guint            hops)
{
  Wire *wire = owner;

  wire->n_peers += n;
  wire->peer = addrs[0];
  wire->other_port = addrs[n - 1].port;
}

static void
on_done (gpointer owner,
         guint    n_asked,
         guint    n_answered,
         guint    n_told)
{
  Wire *wire = owner;

  wire->n_done++;
  wire->n_told += n_told;
}

static const ShoalDhtLookupOps lookup_ops = { .peers = on_peers, .done = on_done };

static void
connect_all (Wire *wire)
{
  for (guint i = 1; i < N_NODES; i++)
    shoal_dht_add_contact (wire->nodes[i].dht, &wire->nodes[0].addr, wire->now_us);
  pass (wire, 10 * SECOND_US);
}

static void
test_two (Wire         *wire,
          gconstpointer data)
{
  ShoalSha1 key = { { 1, 2, 3 } };

  g_assert_null (shoal_dht_lookup (wire->nodes[0].dht, &key, 0, FALSE, FALSE, &lookup_ops, wire,
                                   wire->now_us));
  /* Two are a network, and each knows the other. */
  shoal_dht_add_contact (wire->nodes[1].dht, &wire->nodes[0].addr, wire->now_us);
  pass (wire, 3 * SECOND_US);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[0].dht), ==, 1);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[1].dht), ==, 1);
  g_assert_cmpuint (wire->nodes[1].n_ready, ==, 1);

  g_assert_nonnull (shoal_dht_lookup (wire->nodes[0].dht, &key, 4321, FALSE, FALSE, &lookup_ops,
                                      wire, wire->now_us));
  pass (wire, 3 * SECOND_US);
  g_assert_cmpuint (wire->n_done, ==, 1);
  g_assert_cmpuint (wire->n_told, ==, 1);
  g_assert_cmpuint (wire->n_peers, ==, 0);
  /* What it announced itself is no news to it, whatever port that was. */
  g_assert_nonnull (shoal_dht_lookup (wire->nodes[0].dht, &key, 4321, TRUE, FALSE, &lookup_ops,
                                      wire, wire->now_us));
  pass (wire, 3 * SECOND_US);
  g_assert_nonnull (shoal_dht_lookup (wire->nodes[0].dht, &key, 4321, TRUE, FALSE, &lookup_ops,
                                      wire, wire->now_us));
  pass (wire, 3 * SECOND_US);
  g_assert_cmpuint (wire->n_done, ==, 3);
  g_assert_cmpuint (wire->n_peers, ==, 0);
  wire->n_done = 1;
  /* The one that was told knows it without asking: under the port that was said, and under the one
   * that was implied. */
  g_assert_nonnull (shoal_dht_lookup (wire->nodes[1].dht, &key, 0, FALSE, FALSE, &lookup_ops, wire,
                                      wire->now_us));
  pass (wire, 3 * SECOND_US);
  g_assert_cmpuint (wire->n_done, ==, 2);
  g_assert_cmpuint (wire->n_peers, ==, 2);
  wire->n_peers = 0;
  shoal_dht_add_contact (wire->nodes[2].dht, &wire->nodes[0].addr, wire->now_us);
  pass (wire, 5 * SECOND_US);
  g_assert_nonnull (shoal_dht_lookup (wire->nodes[2].dht, &key, 0, FALSE, FALSE, &lookup_ops, wire,
                                      wire->now_us));
  pass (wire, 3 * SECOND_US);
  g_assert_cmpuint (wire->n_done, ==, 3);
  g_assert_cmpuint (wire->n_peers, ==, 2);
  g_assert_cmpuint (wire->peer.port + wire->other_port, ==, 4321 + wire->nodes[0].addr.port);
}

static void
test_gone (Wire         *wire,
           gconstpointer data)
{
  ShoalSha1 key = { { 7 } };
  ShoalDhtLookup *lookup;

  connect_all (wire);
  g_clear_pointer (&wire->nodes[0].dht, shoal_dht_free);
  g_clear_pointer (&wire->nodes[1].dht, shoal_dht_free);
  lookup = shoal_dht_lookup (wire->nodes[2].dht, &key, 1, TRUE, FALSE, &lookup_ops, wire,
                             wire->now_us);
  g_assert_nonnull (lookup);
  pass (wire, 8 * SECOND_US);
  g_assert_cmpuint (wire->n_done, ==, 1);
  g_assert_cmpuint (wire->n_told, ==, 1);
  /* One that is dropped is not heard of any more. */
  lookup = shoal_dht_lookup (wire->nodes[2].dht, &key, 1, TRUE, FALSE, &lookup_ops, wire,
                             wire->now_us);
  shoal_dht_lookup_drop (lookup);
  pass (wire, 8 * SECOND_US);
  g_assert_cmpuint (wire->n_done, ==, 1);
}

static void
send_raw (Wire       *wire,
          const char *packet,
          const char *from)
{
  ShoalAddr addr;

  g_assert_true (shoal_addr_parse (&addr, from, 0));
  g_assert_true (shoal_dht_datagram (wire->nodes[0].dht, &addr, (const guint8 *) packet,
                                     strlen (packet), wire->now_us));
}

/* What the last packet to a stranger said; they are taken out. */
static gboolean
take (Wire      *wire,
      ShoalKrpc *krpc,
      GBytes   **bytes)
{
  Packet *packet = g_queue_pop_head (&wire->strangers);
  const guint8 *data;
  gsize size;

  if (packet == NULL)
    return FALSE;
  g_clear_pointer (bytes, g_bytes_unref);
  *bytes = g_bytes_ref (packet->bytes);
  data = g_bytes_get_data (*bytes, &size);
  g_assert_true (shoal_krpc_parse (krpc, data, size));
  packet_free (packet);

  return TRUE;
}

static void
test_answers (Wire         *wire,
              gconstpointer data)
{
  g_autoptr (GBytes) bytes = NULL;
  ShoalKrpc krpc;

  send_raw (wire, "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_ANSWER);
  g_assert_cmpuint (krpc.ip.port, ==, 999);
  /* Who asks is asked back before it gets a place. */
  g_assert_true (take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.method, ==, SHOAL_KRPC_PING);
  g_assert_false (take (wire, &krpc, &bytes));

  send_raw (wire, "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234564:porti1e5:token8:01234567e1:q13:announce_peer1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.error, ==, SHOAL_KRPC_ERROR_PROTOCOL);
  send_raw (wire, "d1:ad2:id20:abcdefghij0123456789e1:q4:vote1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.error, ==, SHOAL_KRPC_ERROR_METHOD);
  send_raw (wire, "d1:ad2:id20:abcdefghij0123456789e1:q9:find_node1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.error, ==, SHOAL_KRPC_ERROR_PROTOCOL);
  send_raw (wire, "d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q4:vote1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_ANSWER);
  send_raw (wire, "d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q17:sample_infohashes1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (take (wire, &krpc, &bytes));
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
test_fitting (Wire         *wire,
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
      g_assert_true (take (wire, &answer, &bytes));
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
test_announce (Wire         *wire,
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
  send_raw (wire, "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234566:scrapei1ee1:q9:get_peers1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (take (wire, &krpc, &bytes));
  g_assert_cmpuint (krpc.token.size, ==, sizeof token);
  memcpy (token, krpc.token.data, sizeof token);
  g_assert_true (take (wire, &krpc, &bytes));

  shoal_krpc_init (&announce, SHOAL_KRPC_QUERY, SHOAL_KRPC_ANNOUNCE_PEER);
  announce.flags = SHOAL_KRPC_HAS_ID | SHOAL_KRPC_HAS_TARGET | SHOAL_KRPC_HAS_PORT;
  announce.transaction = (ShoalKrpcBytes){ token, 2 };
  announce.token = (ShoalKrpcBytes){ token, sizeof token };
  announce.port = 77;
  memcpy (announce.target.bytes, "mnopqrstuvwxyz123456", 20);
  shoal_krpc_write (&announce, &out);
  /* A token is good for one address only. */
  shoal_dht_datagram (wire->nodes[0].dht, &other, out.data, out.size, wire->now_us);
  g_assert_true (take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_ERROR);
  shoal_dht_datagram (wire->nodes[0].dht, &stranger, out.data, out.size,
                      wire->now_us + SHOAL_DHT_TOKEN_US);
  g_assert_true (take (wire, &krpc, &bytes));
  g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_ANSWER);
  while (take (wire, &krpc, &bytes))
    ;

  send_raw (wire, "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234566:scrapei1ee1:q9:get_peers1:t2:aa1:y1:qe", STRANGER);
  g_assert_true (take (wire, &krpc, &bytes));
  g_assert_cmpuint (krpc.n_values, ==, 1);
  g_assert_cmpuint (krpc.values[0].port, ==, 77);
  g_assert_nonnull (krpc.bloom_peers.data);

  /* After two changes of the secret it is not good any more. */
  shoal_dht_datagram (wire->nodes[0].dht, &stranger, out.data, out.size,
                      wire->now_us + 4 * SHOAL_DHT_TOKEN_US);
  while (take (wire, &krpc, &bytes))
    if (krpc.type != SHOAL_KRPC_QUERY)
      break;
  g_assert_cmpint (krpc.type, ==, SHOAL_KRPC_ERROR);
}

/* Asks as a stranger, with a token if there is one. The answer to that is put into @krpc, questions
 * back are passed over. */
static void
ask (Wire      *wire,
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
    g_assert_true (take (wire, krpc, bytes));
  while (krpc->type == SHOAL_KRPC_QUERY);
}

static GBytes *
get_token (Wire *wire)
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
test_items (Wire         *wire,
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
test_samples (Wire         *wire,
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
test_limits (Wire         *wire,
             gconstpointer data)
{
  static const char ping[] = "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe";
  g_autoptr (GBytes) bytes = NULL;
  ShoalKrpc krpc;
  guint n = 0;

  for (guint i = 0; i < 200; i++)
    send_raw (wire, ping, STRANGER);
  while (take (wire, &krpc, &bytes))
    n += krpc.type == SHOAL_KRPC_ANSWER ? 1 : 0;
  g_assert_cmpuint (n, ==, SHOAL_DHT_ANSWERS_PER_IP);

  /* Who has a /64 has as many addresses as it likes. */
  wire->now_us += 2 * SECOND_US;
  n = 0;
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *from = g_strdup_printf ("[2001:db8::%x]:5", i + 1);

      send_raw (wire, ping, from);
    }
  while (take (wire, &krpc, &bytes))
    n += krpc.type == SHOAL_KRPC_ANSWER ? 1 : 0;
  g_assert_cmpuint (n, ==, SHOAL_DHT_ANSWERS_PER_IP);

  wire->now_us += 2 * SECOND_US;
  n = 0;
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *from = g_strdup_printf ("30.%u.%u.1:5", i / 200, i % 200);

      send_raw (wire, ping, from);
    }
  while (take (wire, &krpc, &bytes))
    n += krpc.type == SHOAL_KRPC_ANSWER ? 1 : 0;
  g_assert_cmpuint (n, ==, SHOAL_DHT_ANSWERS);
}

/* Node @i of one site, or of a site of its own, is met; whoever is asked says that it sees us at
 * @seen. */
static void
meet (Wire            *wire,
      guint8           i,
      gboolean         own_site,
      const ShoalAddr *seen)
{
  guint8 ip[16] = { 0x20, 0x01, 0x0d, 0xb8, [7] = own_site ? i : 0, [15] = i };
  ShoalAddr addr = shoal_addr_make (SHOAL_FAMILY_IPV6, ip, 7);
  g_auto (ShoalWriter) out = { 0 };
  Packet *packet;

  shoal_dht_add_contact (wire->nodes[0].dht, &addr, wire->now_us);
  pass (wire, 4 * SECOND_US);
  while ((packet = g_queue_pop_head (&wire->strangers)) != NULL)
    {
      gsize size;
      const guint8 *data = g_bytes_get_data (packet->bytes, &size);
      ShoalKrpc query;
      ShoalKrpc answer;

      g_assert_true (shoal_krpc_parse (&query, data, size));
      shoal_krpc_init (&answer, SHOAL_KRPC_ANSWER, query.method);
      answer.flags = SHOAL_KRPC_HAS_ID;
      memcpy (answer.id.bytes, packet->to.ip, sizeof packet->to.ip);
      answer.transaction = query.transaction;
      answer.ip = *seen;
      out.size = 0;
      shoal_krpc_write (&answer, &out);
      shoal_dht_datagram (wire->nodes[0].dht, &packet->to, out.data, out.size, wire->now_us);
      packet_free (packet);
    }
}

/* Our address is what enough sites agree upon; one that has a /64 is one. */
static void
test_votes (Wire         *wire,
            gconstpointer data)
{
  ShoalAddr seen;

  g_assert_true (shoal_addr_parse (&seen, "[2a00::1]:5", 0));
  for (guint8 i = 1; i <= 2 * SHOAL_DHT_VOTES_MIN; i++)
    meet (wire, i, FALSE, &seen);
  g_assert_cmpint (wire->nodes[0].dht->nodes[1]->external.family, ==, SHOAL_FAMILY_NONE);
  for (guint8 i = 1; i <= SHOAL_DHT_VOTES_MIN; i++)
    meet (wire, i, TRUE, &seen);
  g_assert_true (shoal_addr_same_ip (&wire->nodes[0].dht->nodes[1]->external, &seen));
  g_assert_true (shoal_node_id_is_secure (shoal_dht_id (wire->nodes[0].dht, SHOAL_FAMILY_IPV6),
                                          &seen));
}

/* BEP 43: answers nobody, asks nobody for asking, and says so in its own questions; nobody takes it
 * for a node. */
static void
test_read_only (Wire         *wire,
                gconstpointer data)
{
  ShoalSha1 key = { { 1 } };
  g_autoptr (GBytes) bytes = NULL;
  ShoalAddr stranger;
  ShoalKrpc krpc;

  shoal_dht_set_read_only (wire->nodes[0].dht, TRUE);
  send_raw (wire, "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe", STRANGER);
  g_assert_false (take (wire, &krpc, &bytes));

  g_assert_true (shoal_addr_parse (&stranger, STRANGER, 0));
  shoal_dht_add_contact (wire->nodes[0].dht, &stranger, wire->now_us);
  pass (wire, SECOND_US);
  g_assert_true (take (wire, &krpc, &bytes));
  g_assert_cmphex (krpc.flags & SHOAL_KRPC_READ_ONLY, !=, 0);

  shoal_dht_add_contact (wire->nodes[0].dht, &wire->nodes[1].addr, wire->now_us);
  pass (wire, 20 * SECOND_US);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[0].dht), ==, 1);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[1].dht), ==, 0);
  /* It still searches and announces. */
  g_assert_nonnull (shoal_dht_lookup (wire->nodes[0].dht, &key, 4321, FALSE, FALSE, &lookup_ops,
                                      wire, wire->now_us));
  pass (wire, 8 * SECOND_US);
  g_assert_cmpuint (wire->n_told, ==, 1);

  shoal_dht_set_read_only (wire->nodes[0].dht, FALSE);
  pass (wire, 400 * SECOND_US);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[1].dht), ==, 1);
}

/* Nobody far away can send us into our own network. */
static void
test_martians (Wire         *wire,
               gconstpointer data)
{
  static const struct { const char *addr; const char *teller; gboolean fits; } cases[] = {
    { "8.8.8.8:1", "9.9.9.9:1", TRUE },
    { "127.0.0.1:1", "9.9.9.9:1", FALSE },
    { "10.0.0.1:1", "9.9.9.9:1", FALSE },
    { "10.0.0.1:1", "192.168.1.1:1", TRUE },
    { "127.0.0.1:1", "192.168.1.1:1", FALSE },
    { "127.0.0.1:1", "127.0.0.1:2", TRUE },
    { "224.0.0.1:1", "127.0.0.1:2", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GBytes) bytes = NULL;
      g_auto (ShoalWriter) out = { 0 };
      ShoalSha1 key = { { (guint8) i } };
      ShoalDhtLookup *lookup;
      ShoalAddr addr;
      ShoalAddr teller;
      ShoalKrpc krpc;
      ShoalKrpc answer;
      guint n_before = wire->n_peers;

      g_assert_true (shoal_addr_parse (&addr, cases[i].addr, 0));
      g_assert_true (shoal_addr_parse (&teller, cases[i].teller, 0));
      tear_down (wire, NULL);
      set_up (wire, NULL);
      n_before = wire->n_peers;
      /* It becomes known by answering, then it answers a lookup. */
      shoal_dht_add_contact (wire->nodes[0].dht, &teller, wire->now_us);
      for (guint round = 0; round < 2; round++)
        {
          lookup = round == 1 ? shoal_dht_lookup (wire->nodes[0].dht, &key, 0, FALSE, FALSE,
                                                  &lookup_ops, wire, wire->now_us)
                              : NULL;
          g_assert_true (round == 0 || lookup != NULL);
          pass (wire, SECOND_US);
          while (take (wire, &krpc, &bytes))
            {
              shoal_krpc_init (&answer, SHOAL_KRPC_ANSWER, SHOAL_KRPC_PING);
              answer.transaction = krpc.transaction;
              memset (answer.id.bytes, 0x77, sizeof answer.id.bytes);
              answer.n_values = 1;
              answer.values[0] = addr;
              out.size = 0;
              shoal_krpc_write (&answer, &out);
              shoal_dht_datagram (wire->nodes[0].dht, &teller, out.data, out.size, wire->now_us);
            }
        }
      g_assert_cmpuint (wire->n_peers - n_before, ==, cases[i].fits ? 1 : 0);
    }
}

/* Others still tell of us by an id that we had. We are not one of those who keep what we
 * announce. */
static void
test_ourselves (Wire         *wire,
                gconstpointer data)
{
  Node *node = &wire->nodes[0];
  ShoalSha1 key = { { 7 } };
  guint8 told[SHOAL_KRPC_NODE4_SIZE];
  ShoalAddr teller;
  gint64 end_us;

  g_assert_true (shoal_addr_parse (&teller, "127.0.0.1:999", 0));
  memset (told, 0x07, SHOAL_SHA1_SIZE);
  shoal_addr_to_compact (&node->addr, told + SHOAL_SHA1_SIZE);
  shoal_dht_add_contact (node->dht, &teller, wire->now_us);
  for (guint round = 0; round < 2; round++)
    {
      if (round == 1)
        g_assert_nonnull (shoal_dht_lookup (node->dht, &key, 4321, FALSE, FALSE, &lookup_ops, wire,
                                            wire->now_us));
      for (end_us = wire->now_us + 8 * SECOND_US; wire->now_us < end_us;
           pass (wire, SECOND_US / 10))
        {
          g_autoptr (GBytes) bytes = NULL;
          g_auto (ShoalWriter) out = { 0 };
          ShoalKrpc answer;
          ShoalKrpc krpc;

          if (!take (wire, &krpc, &bytes))
            continue;
          shoal_krpc_init (&answer, SHOAL_KRPC_ANSWER, SHOAL_KRPC_PING);
          answer.transaction = krpc.transaction;
          answer.token = (ShoalKrpcBytes){ (const guint8 *) "token", 5 };
          answer.nodes4 = (ShoalKrpcBytes){ told, sizeof told };
          memset (answer.id.bytes, 0x77, sizeof answer.id.bytes);
          shoal_krpc_write (&answer, &out);
          shoal_dht_datagram (node->dht, &teller, out.data, out.size, wire->now_us);
        }
    }
  g_assert_cmpuint (wire->n_done, ==, 1);
  g_assert_cmpuint (wire->n_told, ==, 1);
  g_assert_cmpuint (shoal_dht_store_n_peers (node->dht->store), ==, 0);
}

static void
test_kept (Wire         *wire,
           gconstpointer data)
{
  g_autoptr (GBytes) kept = NULL;
  g_autofree guint8 *broken = NULL;
  const guint8 *bytes;
  ShoalSha1 id;
  gsize size;

  g_assert_null (shoal_dht_keep (wire->nodes[1].dht));
  connect_all (wire);
  kept = shoal_dht_keep (wire->nodes[1].dht);
  g_assert_nonnull (kept);
  bytes = g_bytes_get_data (kept, &size);
  id = *shoal_dht_id (wire->nodes[1].dht, wire->nodes[1].addr.family);

  shoal_dht_free (wire->nodes[1].dht);
  wire->nodes[1].dht = shoal_dht_new (&wire->nodes[1].host, wire->timers, &wire->rng, &dht_ops,
                                      &wire->nodes[1], wire->now_us);
  broken = g_memdup2 (bytes, size);
  for (gsize i = 0; i < size; i++)
    {
      broken[i] ^= 0x10;
      g_assert_false (shoal_dht_restore (wire->nodes[1].dht, broken, size, wire->now_us));
      broken[i] ^= 0x10;
      g_assert_false (shoal_dht_restore (wire->nodes[1].dht, broken, i, wire->now_us));
    }
  g_assert_true (shoal_dht_restore (wire->nodes[1].dht, bytes, size, wire->now_us));
  g_assert_cmpmem (shoal_dht_id (wire->nodes[1].dht, wire->nodes[1].addr.family), 20, &id, 20);
  pass (wire, 5 * SECOND_US);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[1].dht), >=, 2);
}

static void
test_routers (Wire         *wire,
              gconstpointer data)
{
  ShoalLookup *lookup;

  shoal_dht_set_routers (wire->nodes[3].dht, "router.example:1000, ,x,127.0.0.1:1002",
                         wire->now_us);
  pass (wire, 3 * SECOND_US);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[3].dht), ==, 1);
  shoal_dht_set_routers (wire->nodes[2].dht, "router.example:1000", wire->now_us);
  g_clear_pointer (&wire->nodes[3].dht, shoal_dht_free);
  pass (wire, 60 * SECOND_US);
  lookup = g_steal_pointer (&wire->nodes[2].lookup);
  g_assert_nonnull (lookup);
  g_assert_cmpstr (lookup->host, ==, "router.example");
  lookup->n_addrs = 1;
  lookup->addrs = g_memdup2 (&wire->nodes[0].addr, sizeof (ShoalAddr));
  lookup->done.func (&lookup->done, wire->now_us);
  pass (wire, 3 * SECOND_US);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[2].dht), >=, 1);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/dht/two", Wire, NULL, set_up, test_two, tear_down);
  g_test_add ("/dht/two-v6", Wire, "::1", set_up, test_two, tear_down);
  g_test_add ("/dht/gone", Wire, NULL, set_up, test_gone, tear_down);
  g_test_add ("/dht/answers", Wire, NULL, set_up, test_answers, tear_down);
  g_test_add ("/dht/fitting", Wire, NULL, set_up, test_fitting, tear_down);
  g_test_add ("/dht/announce", Wire, NULL, set_up, test_announce, tear_down);
  g_test_add ("/dht/items", Wire, NULL, set_up, test_items, tear_down);
  g_test_add ("/dht/samples", Wire, NULL, set_up, test_samples, tear_down);
  g_test_add ("/dht/votes", Wire, NULL, set_up, test_votes, tear_down);
  g_test_add ("/dht/read-only", Wire, NULL, set_up, test_read_only, tear_down);
  g_test_add ("/dht/limits", Wire, NULL, set_up, test_limits, tear_down);
  g_test_add ("/dht/martians", Wire, NULL, set_up, test_martians, tear_down);
  g_test_add ("/dht/ourselves", Wire, NULL, set_up, test_ourselves, tear_down);
  g_test_add ("/dht/kept", Wire, NULL, set_up, test_kept, tear_down);
  g_test_add ("/dht/kept-v6", Wire, "::1", set_up, test_kept, tear_down);
  g_test_add ("/dht/routers", Wire, NULL, set_up, test_routers, tear_down);

  return g_test_run ();
}
