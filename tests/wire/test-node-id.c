/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ids of DHT nodes: the vectors of BEP 42, distances, ids beside others. */

#include "shoal-node-id.h"

#include <string.h>
#include "shoal-rng.h"
#include "shoal-test.h"

static ShoalSha1
make_id (const char *hex)
{
  g_autoptr (GBytes) bytes = shoal_test_bytes (hex);
  ShoalSha1 id = { { 0 } };

  memcpy (id.bytes, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));

  return id;
}

static void
test_secure (void)
{
  static const struct { const char *addr; const char *id; } cases[] = {
    { "124.31.75.21:1", "5fbfbff10c5d6a4ec8a88e4c6ab4c28b95eee401" },
    { "21.75.31.124:1", "5a3ce9c14e7a08645677bbd1cfe7d8f956d53256" },
    { "65.23.51.170:1", "a5d43220bc8f112a3d426c84764f8c2a1150e616" },
    { "84.124.73.14:1", "1b0321dd1bb1fe518101ceef99462b947a01ff41" },
    { "43.213.53.83:1", "e56f6cbf5b7c4be0237986d5243b87aa6d51305a" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalSha1 id = make_id (cases[i].id);
      ShoalSha1 other = id;
      ShoalAddr addr;
      ShoalAddr stranger;

      g_assert_true (shoal_addr_parse (&addr, cases[i].addr, 0));
      g_assert_true (shoal_addr_parse (&stranger, "8.8.8.8:1", 0));
      g_assert_true (shoal_node_id_is_secure (&id, &addr));
      g_assert_false (shoal_node_id_is_secure (&id, &stranger));

      memset (other.bytes, 0xa5, 3);
      g_assert_false (shoal_node_id_is_secure (&other, &addr));
      shoal_node_id_secure (&other, &addr);
      g_assert_true (shoal_node_id_is_secure (&other, &addr));
      g_assert_cmpmem (other.bytes, 2, id.bytes, 2);
    }
}

static void
test_secure_others (void)
{
  ShoalSha1 id = make_id ("0102030405060708090a0b0c0d0e0f1011121314");
  ShoalAddr addr;

  g_assert_true (shoal_addr_parse (&addr, "10.1.2.3:1", 0));
  g_assert_true (shoal_node_id_is_secure (&id, &addr));
  g_assert_true (shoal_addr_parse (&addr, "[::1]:1", 0));
  g_assert_true (shoal_node_id_is_secure (&id, &addr));
  g_assert_true (shoal_addr_parse (&addr, "[2001:db8:1:2::3]:1", 0));
  g_assert_false (shoal_node_id_is_secure (&id, &addr));
  shoal_node_id_secure (&id, &addr);
  g_assert_true (shoal_node_id_is_secure (&id, &addr));
  /* Only the network counts. */
  g_assert_true (shoal_addr_parse (&addr, "[2001:db8:1:2::4]:1", 0));
  g_assert_true (shoal_node_id_is_secure (&id, &addr));
}

static void
test_distance (void)
{
  ShoalSha1 target = make_id ("80");
  ShoalSha1 near = make_id ("c0");
  ShoalSha1 far = make_id ("00");

  g_assert_cmpint (shoal_node_id_compare (&target, &near, &far), <, 0);
  g_assert_cmpint (shoal_node_id_compare (&target, &far, &near), >, 0);
  g_assert_cmpint (shoal_node_id_compare (&target, &near, &near), ==, 0);
  g_assert_cmpuint (shoal_node_id_shared (&target, &near), ==, 1);
  g_assert_cmpuint (shoal_node_id_shared (&target, &far), ==, 0);
  g_assert_cmpuint (shoal_node_id_shared (&target, &target), ==, SHOAL_NODE_ID_BITS);
}

static void
test_beside (void)
{
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint bits = 0; bits <= SHOAL_NODE_ID_BITS; bits++)
    {
      ShoalSha1 near;
      ShoalSha1 id;

      shoal_rng_bytes (&rng, near.bytes, sizeof near.bytes);
      shoal_rng_bytes (&rng, id.bytes, sizeof id.bytes);
      shoal_node_id_beside (&id, &near, bits);
      g_assert_cmpuint (shoal_node_id_shared (&id, &near), ==, bits);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/node-id/secure", test_secure);
  g_test_add_func ("/node-id/secure-others", test_secure_others);
  g_test_add_func ("/node-id/distance", test_distance);
  g_test_add_func ("/node-id/beside", test_beside);

  return g_test_run ();
}
