/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lookups: how many are asked at once, when it is over, and what lies do to it. */

#include "shoal-dht-search.h"

#include "shoal-test.h"

static const ShoalKrpcBytes token = { (const guint8 *) "tokn", 4 };

static ShoalSha1
make_id (guint n)
{
  ShoalSha1 id = { { 0 } };

  id.bytes[18] = (guint8) (n >> 8);
  id.bytes[19] = (guint8) n;

  return id;
}

static ShoalAddr
local (guint n)
{
  guint8 ip[4] = { 10, 0, (guint8) (n >> 8), (guint8) n };

  return shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 6881);
}

static void
add (ShoalDhtSearch *search,
     guint           n,
     guint           teller)
{
  ShoalSha1 id = make_id (n);
  ShoalAddr addr = local (n);
  ShoalAddr told_by = local (teller);

  shoal_dht_search_add (search, &id, &addr, teller != 0 ? &told_by : NULL);
}

static gboolean
answer (ShoalDhtSearch *search,
        guint           n,
        guint           n_told,
        guint          *hops)
{
  ShoalSha1 id = make_id (n);
  ShoalAddr addr = local (n);

  return shoal_dht_search_answered (search, &addr, &id, token, n_told, hops);
}

static guint
next (ShoalDhtSearch *search)
{
  const ShoalDhtCandidate *candidate = shoal_dht_search_next (search);

  return candidate != NULL ? (guint) (candidate->addr.ip[2] << 8 | candidate->addr.ip[3]) : 0;
}

static void
test_alpha (void)
{
  ShoalSha1 target = make_id (0);
  ShoalDhtSearch *search = shoal_dht_search_new (&target);
  ShoalAddr addr = local (1);
  guint hops;

  g_assert_true (shoal_dht_search_is_done (search));
  for (guint i = 20; i > 0; i--)
    add (search, i, 0);
  g_assert_cmpuint (next (search), ==, 1);
  g_assert_cmpuint (next (search), ==, 2);
  g_assert_cmpuint (next (search), ==, 3);
  g_assert_cmpuint (next (search), ==, 0);
  /* A late one makes room for another, and may still answer. */
  shoal_dht_search_late (search, &addr);
  g_assert_cmpuint (next (search), ==, 4);
  g_assert_true (answer (search, 1, 8, &hops));
  g_assert_cmpuint (hops, ==, 1);
  g_assert_false (answer (search, 1, 8, &hops));
  g_assert_false (answer (search, 9, 8, &hops));
  g_assert_false (shoal_dht_search_is_done (search));
  shoal_dht_search_free (search);
}

static void
test_end (void)
{
  ShoalSha1 target = make_id (0);
  ShoalDhtSearch *search = shoal_dht_search_new (&target);
  const ShoalDhtCandidate *closest[12];
  ShoalAddr addr = local (3);
  guint hops;
  guint n;

  for (guint i = 1; i <= 20; i++)
    add (search, i, 0);
  /* The third never answers: the ninth is asked instead, and nobody farther away. */
  while (!shoal_dht_search_is_done (search))
    {
      n = next (search);
      g_assert_cmpuint (n, <=, 9);
      if (n == 3)
        shoal_dht_search_failed (search, &addr);
      else if (n != 0)
        g_assert_true (answer (search, n, 8, &hops));
    }
  g_assert_cmpuint (shoal_dht_search_n_asked (search), ==, 9);
  g_assert_cmpuint (shoal_dht_search_n_answered (search), ==, 8);
  g_assert_cmpuint (shoal_dht_search_closest (search, closest, 12), ==, 8);
  g_assert_cmpuint (closest[7]->addr.ip[3], ==, 9);
  shoal_dht_search_free (search);
}

static void
test_router (void)
{
  ShoalSha1 target = make_id (0);
  ShoalDhtSearch *search = shoal_dht_search_new (&target);
  ShoalAddr addr = local (50);
  guint hops;

  add (search, 1, 0);
  shoal_dht_search_add (search, NULL, &addr, NULL);
  g_assert_cmpuint (next (search), ==, 50);
  g_assert_true (answer (search, 50, 1, &hops));
  add (search, 7, 50);
  g_assert_cmpuint (next (search), ==, 1);
  g_assert_cmpuint (next (search), ==, 7);
  g_assert_true (answer (search, 7, 1, &hops));
  g_assert_cmpuint (hops, ==, 2);
  shoal_dht_search_free (search);
}

/* Ids near the target that belong to no address, and nodes behind which nothing is, hide nobody. */
static void
test_lies (void)
{
  ShoalSha1 target = make_id (0);
  ShoalDhtSearch *search = shoal_dht_search_new (&target);
  gboolean asked[21] = { FALSE };
  guint n_fakes = 0;
  guint hops;

  for (guint i = 11; i <= 20; i++)
    add (search, i, 0);
  for (guint i = 0; i < 500; i++)
    {
      guint8 ip[4] = { 20, (guint8) (i >> 8), (guint8) i, 1 };
      ShoalAddr addr = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 6881);
      ShoalSha1 id = make_id (0);

      id.bytes[10] = (guint8) (i >> 8);
      id.bytes[11] = (guint8) i;
      shoal_dht_search_add (search, &id, &addr, NULL);
    }
  while (!shoal_dht_search_is_done (search))
    {
      const ShoalDhtCandidate *candidate = shoal_dht_search_next (search);
      ShoalAddr addr = candidate->addr;

      if (addr.ip[0] == 20)
        {
          n_fakes++;
          shoal_dht_search_failed (search, &addr);
          continue;
        }
      asked[addr.ip[3]] = TRUE;
      /* The nearer five tell of nobody. */
      g_assert_true (answer (search, addr.ip[3], addr.ip[3] <= 15 ? 0 : 8, &hops));
    }
  g_assert_cmpuint (n_fakes, ==, SHOAL_DHT_INSECURE_MAX);
  for (guint i = 11; i <= 20; i++)
    g_assert_true (asked[i]);
  shoal_dht_search_free (search);
}

static void
test_false_ids (void)
{
  ShoalSha1 target = make_id (0);
  ShoalDhtSearch *search = shoal_dht_search_new (&target);
  const ShoalDhtCandidate *closest[12];
  guint hops;
  guint n;

  add (search, 5, 0);
  for (guint i = 100; i < 110; i++)
    add (search, i, 0);
  g_assert_cmpuint (next (search), ==, 5);
  g_assert_true (answer (search, 5, 8, &hops));
  /* Who tells of four that are not who they were said to be is not counted any more. */
  for (guint i = 1; i <= 4; i++)
    add (search, i, 5);
  while ((n = next (search)) != 0)
    {
      ShoalSha1 id = make_id (n <= 4 ? 0x4000 + n : n);
      ShoalAddr addr = local (n);

      g_assert_true (shoal_dht_search_answered (search, &addr, &id, token, 8, &hops));
    }
  g_assert_true (shoal_dht_search_is_done (search));
  g_assert_cmpuint (shoal_dht_search_closest (search, closest, 12), ==, 8);
  g_assert_cmpuint (closest[0]->addr.ip[3], ==, 100);
  shoal_dht_search_free (search);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dht-search/alpha", test_alpha);
  g_test_add_func ("/dht-search/end", test_end);
  g_test_add_func ("/dht-search/router", test_router);
  g_test_add_func ("/dht-search/lies", test_lies);
  g_test_add_func ("/dht-search/false-ids", test_false_ids);

  return g_test_run ();
}
