/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The routing table: who comes in, who stays, who gives way. */

#include "shoal-dht-table.h"

#include <string.h>

#include "shoal-rng.h"
#include "shoal-test.h"

static ShoalSha1
make_id (guint8 first,
         guint8 last)
{
  ShoalSha1 id = { { 0 } };

  id.bytes[0] = first;
  id.bytes[19] = last;

  return id;
}

/* Local addresses: any id belongs to them. */
static ShoalAddr
local (guint n)
{
  guint8 ip[4] = { 10, 0, (guint8) (n >> 8), (guint8) n };

  return shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 6881);
}

static void
test_order (void)
{
  ShoalSha1 self_id = make_id (0, 0);
  ShoalDhtTable *table = shoal_dht_table_new (&self_id);
  const ShoalDhtEntry *out[4];
  ShoalSha1 target = make_id (0x83, 0);

  for (guint i = 0; i < 8; i++)
    {
      ShoalSha1 id = make_id ((guint8) (0x80 + i), 0);
      ShoalAddr addr = local (i);

      shoal_dht_table_answered (table, &id, &addr, 10);
    }
  g_assert_cmpuint (shoal_dht_table_n_good (table), ==, 8);
  g_assert_cmpuint (shoal_dht_table_closest (table, &target, TRUE, out, 4), ==, 4);
  g_assert_cmphex (out[0]->id.bytes[0], ==, 0x83);
  g_assert_cmphex (out[1]->id.bytes[0], ==, 0x82);
  g_assert_cmphex (out[2]->id.bytes[0], ==, 0x81);
  shoal_dht_table_check (table);
  shoal_dht_table_free (table);
}

static void
test_full (void)
{
  ShoalSha1 self_id = make_id (0, 0);
  ShoalDhtTable *table = shoal_dht_table_new (&self_id);
  ShoalSha1 newcomer = make_id (0xf0, 1);
  ShoalAddr addr;

  for (guint i = 0; i < 8; i++)
    {
      ShoalSha1 id = make_id ((guint8) (0x80 + i), 0);

      addr = local (i);
      shoal_dht_table_answered (table, &id, &addr, 10 + i);
    }
  /* A ninth is a replacement; after somebody failed twice it takes the place. */
  addr = local (100);
  shoal_dht_table_answered (table, &newcomer, &addr, 20);
  g_assert_cmpuint (shoal_dht_table_n_nodes (table), ==, 8);
  addr = local (3);
  shoal_dht_table_failed (table, &addr);
  g_assert_cmpuint (shoal_dht_table_n_good (table), ==, 7);
  shoal_dht_table_failed (table, &addr);
  g_assert_cmpuint (shoal_dht_table_n_good (table), ==, 8);
  g_assert_cmpuint (shoal_dht_table_stalest (table)->addr.ip[3], ==, 0);
  shoal_dht_table_check (table);
  shoal_dht_table_free (table);
}

static void
test_identity (void)
{
  ShoalSha1 self_id = make_id (0, 0);
  ShoalSha1 one = make_id (0x80, 1);
  ShoalSha1 two = make_id (0x80, 2);
  ShoalDhtTable *table = shoal_dht_table_new (&self_id);
  ShoalAddr addr = local (1);
  ShoalAddr thief = local (2);
  const ShoalDhtEntry *out[2];

  shoal_dht_table_answered (table, &self_id, &addr, 10);
  g_assert_cmpuint (shoal_dht_table_n_nodes (table), ==, 0);
  g_assert_true (shoal_dht_table_wants (table, &one, &addr));
  shoal_dht_table_answered (table, &one, &addr, 10);
  g_assert_false (shoal_dht_table_wants (table, &one, &addr));
  /* Nobody else gets the id of one that answers. */
  shoal_dht_table_answered (table, &one, &thief, 11);
  g_assert_cmpuint (shoal_dht_table_n_nodes (table), ==, 1);
  /* A node may change its id. */
  g_assert_true (shoal_dht_table_wants (table, &two, &addr));
  shoal_dht_table_answered (table, &two, &addr, 12);
  g_assert_cmpuint (shoal_dht_table_list (table, out, 2), ==, 1);
  g_assert_cmpuint (out[0]->id.bytes[19], ==, 2);
  /* Without an answer four times it is forgotten. */
  for (guint i = 0; i < SHOAL_DHT_FAILED_MAX; i++)
    shoal_dht_table_failed (table, &addr);
  g_assert_cmpuint (shoal_dht_table_n_nodes (table), ==, 0);
  shoal_dht_table_free (table);
}

static void
test_networks (void)
{
  ShoalSha1 self_id = make_id (0, 0);
  ShoalDhtTable *table = shoal_dht_table_new (&self_id);

  for (guint i = 0; i < 5; i++)
    {
      guint8 ip[4] = { 8, 8, 8, (guint8) (i + 1) };
      ShoalAddr addr = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 6881);
      ShoalSha1 id = make_id ((guint8) (0x80 + i), 0);

      shoal_dht_table_answered (table, &id, &addr, 10);
    }
  g_assert_cmpuint (shoal_dht_table_n_nodes (table), ==, SHOAL_DHT_SAME_NET);
  shoal_dht_table_free (table);
}

/* Nobody gets a whole bucket by asking from all addresses of his network and waiting for those who
 * go. */
static void
test_waiting_networks (void)
{
  ShoalSha1 self_id = make_id (0, 0);
  ShoalDhtTable *table = shoal_dht_table_new (&self_id);
  const ShoalDhtEntry *out[2 * SHOAL_DHT_K];
  guint n_same = 0;

  for (guint i = 0; i < 2 * SHOAL_DHT_K; i++)
    {
      guint8 ip[4] = { 20, (guint8) i, 1, 1 };
      ShoalAddr addr = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 6881);
      ShoalSha1 id = make_id ((guint8) ((i % 2 == 0 ? 0x80 : 0x40) + i), 0);

      shoal_dht_table_answered (table, &id, &addr, 10);
    }
  for (guint i = 0; i < SHOAL_DHT_K; i++)
    {
      guint8 ip[4] = { 8, 8, 8, (guint8) (i + 1) };
      ShoalAddr addr = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 6881);
      ShoalSha1 id = make_id ((guint8) (0xc0 + i), 0);

      shoal_dht_table_heard (table, &id, &addr);
    }
  for (guint i = 0; i < 2 * SHOAL_DHT_K; i += 2)
    {
      guint8 ip[4] = { 20, (guint8) i, 1, 1 };
      ShoalAddr addr = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 6881);

      for (guint j = 0; j < SHOAL_DHT_FAILED_MAX; j++)
        shoal_dht_table_failed (table, &addr);
    }
  for (guint i = shoal_dht_table_closest (table, &self_id, FALSE, out, G_N_ELEMENTS (out)); i > 0;
       i--)
    n_same += out[i - 1]->addr.ip[0] == 8 ? 1 : 0;
  g_assert_cmpuint (n_same, ==, SHOAL_DHT_SAME_NET);
  shoal_dht_table_check (table);
  shoal_dht_table_free (table);
}

static void
test_secure (void)
{
  ShoalSha1 self_id = make_id (0, 0);
  ShoalDhtTable *table = shoal_dht_table_new (&self_id);
  ShoalAddr addr;
  guint n_secure = 0;
  const ShoalDhtEntry *out[64];
  guint n;

  /* Eight whose ids belong to nothing give way to those whose ids do. */
  for (guint i = 0; i < 64; i++)
    {
      guint8 ip[4] = { 20, (guint8) i, 1, 1 };
      ShoalSha1 id = make_id ((guint8) (0x80 | i), (guint8) i);

      addr = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 6881);
      if (i >= 8)
        shoal_node_id_secure (&id, &addr);
      shoal_dht_table_answered (table, &id, &addr, 10);
    }
  n = shoal_dht_table_list (table, out, G_N_ELEMENTS (out));
  for (guint i = 0; i < n; i++)
    n_secure += out[i]->secure ? 1 : 0;
  g_assert_cmpuint (n_secure, ==, n);
  shoal_dht_table_check (table);
  shoal_dht_table_free (table);
}

/* Anything at all happens, and what always holds does; another id of ours loses nobody who has a
 * place. */
static void
test_random (void)
{
  ShoalRng rng;
  ShoalSha1 self_id;
  ShoalDhtTable *table;

  shoal_rng_init (&rng, shoal_test_seed ());
  shoal_rng_bytes (&rng, self_id.bytes, sizeof self_id.bytes);
  table = shoal_dht_table_new (&self_id);
  for (guint i = 0; i < 20000; i++)
    {
      ShoalAddr addr = local (shoal_rng_below (&rng, 600));
      ShoalSha1 id;

      shoal_rng_bytes (&rng, id.bytes, sizeof id.bytes);
      shoal_node_id_beside (&id, &self_id, shoal_rng_below (&rng, 12));
      switch (shoal_rng_below (&rng, 5))
        {
        case 0:
          shoal_dht_table_failed (table, &addr);
          break;
        case 1:
          shoal_dht_table_heard (table, &id, &addr);
          break;
        case 2:
          shoal_dht_table_asked (table, &addr, i);
          break;
        default:
          shoal_dht_table_answered (table, &id, &addr, i);
        }
      if (i % 500 == 0)
        {
          shoal_rng_bytes (&rng, self_id.bytes, sizeof self_id.bytes);
          shoal_dht_table_set_id (table, &self_id);
        }
      if (i % 50 == 0)
        shoal_dht_table_check (table);
    }
  g_assert_cmpuint (shoal_dht_table_n_nodes (table), >, 20);
  shoal_dht_table_free (table);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dht-table/order", test_order);
  g_test_add_func ("/dht-table/full", test_full);
  g_test_add_func ("/dht-table/identity", test_identity);
  g_test_add_func ("/dht-table/networks", test_networks);
  g_test_add_func ("/dht-table/waiting-networks", test_waiting_networks);
  g_test_add_func ("/dht-table/secure", test_secure);
  g_test_add_func ("/dht-table/random", test_random);

  return g_test_run ();
}
