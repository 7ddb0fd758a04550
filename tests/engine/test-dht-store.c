/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a node keeps for others: peers, filters, samples, items, and every limit. */

#include "shoal-dht-store.h"

#include <string.h>

#include "shoal-test.h"

#define HOUR_US (3600 * (gint64) G_USEC_PER_SEC)

typedef struct
{
  ShoalRng       rng;
  ShoalDhtStore *store;
} Fixture;

static void
set_up (Fixture      *fixture,
        gconstpointer data)
{
  shoal_rng_init (&fixture->rng, shoal_test_seed ());
  fixture->store = shoal_dht_store_new (&fixture->rng);
}

static void
tear_down (Fixture      *fixture,
           gconstpointer data)
{
  shoal_dht_store_free (fixture->store);
}

static ShoalAddr
address (const char *text)
{
  ShoalAddr addr;

  g_assert_true (shoal_addr_parse (&addr, text, 0));

  return addr;
}

static ShoalAddr
numbered (guint n)
{
  guint8 ip[4] = { 20, (guint8) (n >> 16), (guint8) (n >> 8), (guint8) n };

  return shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 6881);
}

static ShoalSha1
make_key (guint n)
{
  ShoalSha1 key = { { 0 } };

  memcpy (key.bytes, &n, sizeof n);

  return key;
}

static void
test_peers (Fixture      *fixture,
            gconstpointer data)
{
  ShoalSha1 key = make_key (1);
  ShoalAddr asker = address ("9.9.9.9:9");
  ShoalAddr asker6 = address ("[2001:db8::9]:9");
  ShoalAddr neighbour = address ("10.0.0.9:9");
  ShoalAddr four = address ("1.2.3.4:5");
  ShoalAddr six = address ("[2001:db8::1]:5");
  ShoalAddr inside = address ("10.0.0.1:5");
  ShoalAddr out[300];

  g_assert_cmpuint (shoal_dht_store_peers (fixture->store, &key, &asker, FALSE, out, 10), ==, 0);
  shoal_dht_store_announce (fixture->store, &key, &four, TRUE, 0);
  shoal_dht_store_announce (fixture->store, &key, &four, TRUE, 1);
  shoal_dht_store_announce (fixture->store, &key, &six, FALSE, 2);
  shoal_dht_store_announce (fixture->store, &key, &inside, FALSE, 3);
  g_assert_cmpuint (shoal_dht_store_n_peers (fixture->store), ==, 3);
  g_assert_cmpuint (shoal_dht_store_peers (fixture->store, &key, &asker, FALSE, out, 10), ==, 1);
  g_assert_true (shoal_addr_equal (&out[0], &four));
  g_assert_cmpuint (shoal_dht_store_peers (fixture->store, &key, &asker, TRUE, out, 10), ==, 0);
  g_assert_cmpuint (shoal_dht_store_peers (fixture->store, &key, &asker6, FALSE, out, 10), ==, 1);
  g_assert_cmpuint (shoal_dht_store_peers (fixture->store, &key, &neighbour, FALSE, out, 10), ==,
                    2);

  for (guint i = 0; i < 2 * SHOAL_DHT_PEERS_MAX; i++)
    {
      ShoalAddr addr = numbered (i);

      shoal_dht_store_announce (fixture->store, &key, &addr, FALSE, 4);
    }
  g_assert_cmpuint (shoal_dht_store_n_peers (fixture->store), ==, SHOAL_DHT_PEERS_MAX);
  g_assert_cmpuint (shoal_dht_store_peers (fixture->store, &key, &asker, FALSE, out, 50), ==, 50);

  shoal_dht_store_expire (fixture->store, HOUR_US);
  g_assert_cmpuint (shoal_dht_store_n_keys (fixture->store), ==, 0);
  g_assert_cmpuint (shoal_dht_store_n_peers (fixture->store), ==, 0);
}

static void
test_limits (Fixture      *fixture,
             gconstpointer data)
{
  ShoalAddr one = address ("1.2.3.4:5");
  ShoalAddr home = address ("127.0.0.1:5");

  for (guint i = 0; i < 2 * SHOAL_DHT_IP_PEERS_MAX; i++)
    {
      ShoalSha1 key = make_key (i);

      shoal_dht_store_announce (fixture->store, &key, &one, FALSE, i);
    }
  g_assert_cmpuint (shoal_dht_store_n_peers (fixture->store), ==, SHOAL_DHT_IP_PEERS_MAX);
  for (guint i = 0; i < 2 * SHOAL_DHT_IP_PEERS_MAX; i++)
    {
      g_autofree char *text = g_strdup_printf ("[2001:db8::%x]:5", i + 1);
      ShoalSha1 key = make_key (i);
      ShoalAddr neighbour = address (text);

      shoal_dht_store_announce (fixture->store, &key, &neighbour, FALSE, i);
    }
  g_assert_cmpuint (shoal_dht_store_n_peers (fixture->store), ==, 2 * SHOAL_DHT_IP_PEERS_MAX);
  for (guint i = 0; i < 2 * SHOAL_DHT_KEYS_MAX; i++)
    {
      ShoalSha1 key = make_key (10000 + i);

      shoal_dht_store_announce (fixture->store, &key, &home, FALSE, i);
    }
  g_assert_cmpuint (shoal_dht_store_n_keys (fixture->store), ==, SHOAL_DHT_KEYS_MAX);
  for (guint i = 0; i < SHOAL_DHT_ALL_PEERS_MAX + 1000; i++)
    {
      ShoalSha1 key = make_key (100000 + i / 100);
      ShoalAddr addr = numbered (i);

      shoal_dht_store_announce (fixture->store, &key, &addr, FALSE, i);
    }
  g_assert_cmpuint (shoal_dht_store_n_peers (fixture->store), <=, SHOAL_DHT_ALL_PEERS_MAX);
}

static void
test_scrape (Fixture      *fixture,
             gconstpointer data)
{
  ShoalSha1 key = make_key (1);
  ShoalAddr peer = address ("1.2.3.4:5");
  guint8 seeds[SHOAL_KRPC_BLOOM_SIZE];
  guint8 peers[SHOAL_KRPC_BLOOM_SIZE];
  guint8 expected[SHOAL_KRPC_BLOOM_SIZE] = { 0 };
  guint8 nothing[SHOAL_KRPC_BLOOM_SIZE] = { 0 };

  g_assert_false (shoal_dht_store_scrape (fixture->store, &key, seeds, peers));
  shoal_dht_store_announce (fixture->store, &key, &peer, TRUE, 0);
  g_assert_true (shoal_dht_store_scrape (fixture->store, &key, seeds, peers));
  shoal_krpc_bloom_add (expected, &peer);
  g_assert_cmpmem (seeds, sizeof seeds, expected, sizeof expected);
  g_assert_cmpmem (peers, sizeof peers, nothing, sizeof nothing);
}

static void
test_sample (Fixture      *fixture,
             gconstpointer data)
{
  ShoalSha1 first[SHOAL_DHT_SAMPLES];
  ShoalSha1 again[SHOAL_DHT_SAMPLES];

  g_assert_cmpuint (shoal_dht_store_sample (fixture->store, first, 0), ==, 0);
  for (guint i = 0; i < 100; i++)
    {
      ShoalSha1 key = make_key (i);
      ShoalAddr addr = numbered (i);

      shoal_dht_store_announce (fixture->store, &key, &addr, FALSE, 0);
    }
  g_assert_cmpuint (shoal_dht_store_sample (fixture->store, first, 0), ==, SHOAL_DHT_SAMPLES);
  g_assert_cmpuint (shoal_dht_store_sample (fixture->store, again, HOUR_US / 10), ==,
                    SHOAL_DHT_SAMPLES);
  g_assert_cmpmem (first, sizeof first, again, sizeof again);
  g_assert_cmpuint (shoal_dht_store_sample (fixture->store, again, HOUR_US), ==, SHOAL_DHT_SAMPLES);
  g_assert_cmpint (memcmp (first, again, sizeof first), !=, 0);
}

static void
test_items (Fixture      *fixture,
            gconstpointer data)
{
  g_autoptr (GBytes) key = shoal_test_bytes ("77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548");
  g_autoptr (GBytes) signature = shoal_test_bytes ("305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff"
                                                   "1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01");
  static const guint8 big[SHOAL_KRPC_ITEM_MAX + 1] = { 0 };
  ShoalAddr from = address ("1.2.3.4:5");
  const ShoalDhtItem *item;
  ShoalKrpc put;
  ShoalSha1 target;

  shoal_krpc_init (&put, SHOAL_KRPC_QUERY, SHOAL_KRPC_PUT);
  put.value = (ShoalKrpcBytes){ big, sizeof big };
  g_assert_cmpuint (shoal_dht_store_put (fixture->store, &put, &from, 0), ==,
                    SHOAL_KRPC_ERROR_TOO_BIG);
  put.value = (ShoalKrpcBytes){ (const guint8 *) "12:Hello World!", 15 };
  g_assert_cmpuint (shoal_dht_store_put (fixture->store, &put, &from, 0), ==, 0);
  shoal_krpc_item_target (&put, &target);
  item = shoal_dht_store_get (fixture->store, &target);
  g_assert_nonnull (item);
  g_assert_false (item->is_mutable);

  put.key.data = g_bytes_get_data (key, &put.key.size);
  put.signature.data = g_bytes_get_data (signature, &put.signature.size);
  put.seq = 1;
  g_assert_cmpuint (shoal_dht_store_put (fixture->store, &put, &from, 0), ==, 0);
  shoal_krpc_item_target (&put, &target);
  item = shoal_dht_store_get (fixture->store, &target);
  g_assert_true (item->is_mutable);
  g_assert_cmpint (item->seq, ==, 1);

  put.seq = 2;
  g_assert_cmpuint (shoal_dht_store_put (fixture->store, &put, &from, 0), ==,
                    SHOAL_KRPC_ERROR_SIGNATURE);
  put.seq = 0;
  g_assert_cmpuint (shoal_dht_store_put (fixture->store, &put, &from, 0), ==, SHOAL_KRPC_ERROR_SEQ);
  put.seq = 3;
  put.flags = SHOAL_KRPC_HAS_CAS;
  put.cas = 2;
  g_assert_cmpuint (shoal_dht_store_put (fixture->store, &put, &from, 0), ==, SHOAL_KRPC_ERROR_CAS);
  put.flags = 0;
  put.salt = (ShoalKrpcBytes){ big, SHOAL_KRPC_SALT_MAX + 1 };
  g_assert_cmpuint (shoal_dht_store_put (fixture->store, &put, &from, 0), ==,
                    SHOAL_KRPC_ERROR_SALT);
  put.salt = (ShoalKrpcBytes){ NULL, 0 };
  for (guint i = 0; i < 2 * SHOAL_DHT_SIGNATURES_MAX; i++)
    {
      put.seq = 10 + i;
      shoal_dht_store_put (fixture->store, &put, &from, 10);
    }
  g_assert_cmpuint (shoal_dht_store_put (fixture->store, &put, &from, 11), ==,
                    SHOAL_KRPC_ERROR_SERVER);

  shoal_dht_store_expire (fixture->store, 3 * HOUR_US);
  g_assert_cmpuint (shoal_dht_store_n_items (fixture->store), ==, 0);
}

static void
test_item_limits (Fixture      *fixture,
                  gconstpointer data)
{
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *text = g_strdup_printf ("i%ue", i);
      ShoalAddr one = address ("1.2.3.4:5");
      ShoalAddr many = numbered (i);
      ShoalKrpc put;

      shoal_krpc_init (&put, SHOAL_KRPC_QUERY, SHOAL_KRPC_PUT);
      put.value = (ShoalKrpcBytes){ (const guint8 *) text, strlen (text) };
      g_assert_cmpuint (shoal_dht_store_put (fixture->store, &put, i < 500 ? &one : &many, i), ==,
                        0);
      if (i == 499)
        g_assert_cmpuint (shoal_dht_store_n_items (fixture->store), ==, SHOAL_DHT_IP_ITEMS_MAX);
    }
  g_assert_cmpuint (shoal_dht_store_n_items (fixture->store), ==, SHOAL_DHT_ITEMS_MAX);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/dht-store/peers", Fixture, NULL, set_up, test_peers, tear_down);
  g_test_add ("/dht-store/limits", Fixture, NULL, set_up, test_limits, tear_down);
  g_test_add ("/dht-store/scrape", Fixture, NULL, set_up, test_scrape, tear_down);
  g_test_add ("/dht-store/sample", Fixture, NULL, set_up, test_sample, tear_down);
  g_test_add ("/dht-store/items", Fixture, NULL, set_up, test_items, tear_down);
  g_test_add ("/dht-store/item-limits", Fixture, NULL, set_up, test_item_limits, tear_down);

  return g_test_run ();
}
