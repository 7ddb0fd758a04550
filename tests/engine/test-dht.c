/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The DHT by hand: how nodes find each other, whom they believe, and what is kept of them. */

#include "dht-wire.h"

#include <string.h>

#include "shoal-test.h"

static void
connect_all (DhtWire *wire)
{
  for (guint i = 1; i < DHT_WIRE_NODES; i++)
    shoal_dht_add_contact (wire->nodes[i].dht, &wire->nodes[0].addr, wire->now_us);
  dht_wire_pass (wire, 10 * SECOND_US);
}

static void
test_two (DhtWire      *wire,
          gconstpointer data)
{
  ShoalSha1 key = { { 1, 2, 3 } };

  g_assert_null (dht_wire_look (wire, 0, &key, 0, FALSE));
  /* Two are a network, and each knows the other. */
  shoal_dht_add_contact (wire->nodes[1].dht, &wire->nodes[0].addr, wire->now_us);
  dht_wire_pass (wire, 3 * SECOND_US);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[0].dht), ==, 1);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[1].dht), ==, 1);
  g_assert_cmpuint (wire->nodes[1].n_ready, ==, 1);

  g_assert_nonnull (dht_wire_look (wire, 0, &key, 4321, FALSE));
  dht_wire_pass (wire, 3 * SECOND_US);
  g_assert_cmpuint (wire->n_done, ==, 1);
  g_assert_cmpuint (wire->n_told, ==, 1);
  g_assert_cmpuint (wire->n_peers, ==, 0);
  /* What it announced itself is no news to it, whatever port that was. */
  g_assert_nonnull (dht_wire_look (wire, 0, &key, 4321, TRUE));
  dht_wire_pass (wire, 3 * SECOND_US);
  g_assert_nonnull (dht_wire_look (wire, 0, &key, 4321, TRUE));
  dht_wire_pass (wire, 3 * SECOND_US);
  g_assert_cmpuint (wire->n_done, ==, 3);
  g_assert_cmpuint (wire->n_peers, ==, 0);
  wire->n_done = 1;
  /* The one that was told knows it without asking: under the port that was said, and under the one
   * that was implied. */
  g_assert_nonnull (dht_wire_look (wire, 1, &key, 0, FALSE));
  dht_wire_pass (wire, 3 * SECOND_US);
  g_assert_cmpuint (wire->n_done, ==, 2);
  g_assert_cmpuint (wire->n_peers, ==, 2);
  wire->n_peers = 0;
  shoal_dht_add_contact (wire->nodes[2].dht, &wire->nodes[0].addr, wire->now_us);
  dht_wire_pass (wire, 5 * SECOND_US);
  g_assert_nonnull (dht_wire_look (wire, 2, &key, 0, FALSE));
  dht_wire_pass (wire, 3 * SECOND_US);
  g_assert_cmpuint (wire->n_done, ==, 3);
  g_assert_cmpuint (wire->n_peers, ==, 2);
  g_assert_cmpuint (wire->peer.port + wire->other_port, ==, 4321 + wire->nodes[0].addr.port);
}

static void
test_gone (DhtWire      *wire,
           gconstpointer data)
{
  ShoalSha1 key = { { 7 } };
  ShoalDhtLookup *lookup;

  connect_all (wire);
  g_clear_pointer (&wire->nodes[0].dht, shoal_dht_free);
  g_clear_pointer (&wire->nodes[1].dht, shoal_dht_free);
  lookup = dht_wire_look (wire, 2, &key, 1, TRUE);
  g_assert_nonnull (lookup);
  dht_wire_pass (wire, 8 * SECOND_US);
  g_assert_cmpuint (wire->n_done, ==, 1);
  g_assert_cmpuint (wire->n_told, ==, 1);
  /* One that is dropped is not heard of any more. */
  lookup = dht_wire_look (wire, 2, &key, 1, TRUE);
  shoal_dht_lookup_drop (lookup);
  dht_wire_pass (wire, 8 * SECOND_US);
  g_assert_cmpuint (wire->n_done, ==, 1);
}

/* Node @i of one site, or of a site of its own, is met; whoever is asked says that it sees us at
 * @seen. */
static void
meet (DhtWire         *wire,
      guint8           i,
      gboolean         own_site,
      const ShoalAddr *seen)
{
  guint8 ip[16] = { 0x20, 0x01, 0x0d, 0xb8, [7] = own_site ? i : 0, [15] = i };
  ShoalAddr addr = shoal_addr_make (SHOAL_FAMILY_IPV6, ip, 7);
  g_auto (ShoalWriter) out = { 0 };
  DhtWirePacket *packet;

  shoal_dht_add_contact (wire->nodes[0].dht, &addr, wire->now_us);
  dht_wire_pass (wire, 4 * SECOND_US);
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
      dht_wire_packet_free (packet);
    }
}

/* Our address is what enough sites agree upon; one that has a /64 is one. */
static void
test_votes (DhtWire      *wire,
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

/* Nobody far away can send us into our own network. */
static void
test_martians (DhtWire      *wire,
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
      dht_wire_begin_anew (wire);
      n_before = wire->n_peers;
      /* It becomes known by answering, then it answers a lookup. */
      shoal_dht_add_contact (wire->nodes[0].dht, &teller, wire->now_us);
      for (guint round = 0; round < 2; round++)
        {
          lookup = round == 1 ? dht_wire_look (wire, 0, &key, 0, FALSE) : NULL;
          g_assert_true (round == 0 || lookup != NULL);
          dht_wire_pass (wire, SECOND_US);
          while (dht_wire_take (wire, &krpc, &bytes))
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
test_ourselves (DhtWire      *wire,
                gconstpointer data)
{
  DhtWireNode *node = &wire->nodes[0];
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
        g_assert_nonnull (dht_wire_look (wire, (guint) (node - wire->nodes), &key, 4321, FALSE));
      for (end_us = wire->now_us + 8 * SECOND_US; wire->now_us < end_us;
           dht_wire_pass (wire, SECOND_US / 10))
        {
          g_autoptr (GBytes) bytes = NULL;
          g_auto (ShoalWriter) out = { 0 };
          ShoalKrpc answer;
          ShoalKrpc krpc;

          if (!dht_wire_take (wire, &krpc, &bytes))
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
test_kept (DhtWire      *wire,
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

  dht_wire_renew (wire, 1);
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
  dht_wire_pass (wire, 5 * SECOND_US);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[1].dht), >=, 2);
}

static void
test_routers (DhtWire      *wire,
              gconstpointer data)
{
  ShoalLookup *lookup;

  shoal_dht_set_routers (wire->nodes[3].dht, "router.example:1000, ,x,127.0.0.1:1002",
                         wire->now_us);
  dht_wire_pass (wire, 3 * SECOND_US);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[3].dht), ==, 1);
  shoal_dht_set_routers (wire->nodes[2].dht, "router.example:1000", wire->now_us);
  g_clear_pointer (&wire->nodes[3].dht, shoal_dht_free);
  dht_wire_pass (wire, 60 * SECOND_US);
  lookup = g_steal_pointer (&wire->nodes[2].lookup);
  g_assert_nonnull (lookup);
  g_assert_cmpstr (lookup->host, ==, "router.example");
  lookup->n_addrs = 1;
  lookup->addrs = g_memdup2 (&wire->nodes[0].addr, sizeof (ShoalAddr));
  lookup->done.func (&lookup->done, wire->now_us);
  dht_wire_pass (wire, 3 * SECOND_US);
  g_assert_cmpuint (shoal_dht_n_nodes (wire->nodes[2].dht), >=, 1);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  dht_wire_add ("/dht/two", NULL, test_two);
  dht_wire_add ("/dht/two-v6", "::1", test_two);
  dht_wire_add ("/dht/gone", NULL, test_gone);
  dht_wire_add ("/dht/votes", NULL, test_votes);
  dht_wire_add ("/dht/martians", NULL, test_martians);
  dht_wire_add ("/dht/ourselves", NULL, test_ourselves);
  dht_wire_add ("/dht/kept", NULL, test_kept);
  dht_wire_add ("/dht/kept-v6", "::1", test_kept);
  dht_wire_add ("/dht/routers", NULL, test_routers);

  return g_test_run ();
}
