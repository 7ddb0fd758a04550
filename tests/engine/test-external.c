/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the votes about our own address: majority, one vote each, what does not count. */

#include "shoal-external.h"

static gboolean
vote (ShoalExternal       *self,
      ShoalExternalSource  source,
      const char          *voter,
      const char          *seen)
{
  ShoalAddr voter_addr = { 0 };
  ShoalAddr seen_addr;

  if (voter != NULL)
    g_assert_true (shoal_addr_parse (&voter_addr, voter, 1));
  g_assert_true (shoal_addr_parse (&seen_addr, seen, 1));

  return shoal_external_vote (self, source, &voter_addr, &seen_addr);
}

static void
check (const ShoalExternal *self,
       ShoalFamily          family,
       const char          *expected)
{
  const ShoalAddr *addr = shoal_external_get (self, family);
  g_autofree char *text = addr != NULL ? shoal_addr_ip_to_text (addr) : NULL;

  g_assert_cmpstr (text, ==, expected);
}

static void
test_majority (void)
{
  ShoalExternal self = { 0 };

  check (&self, SHOAL_FAMILY_IPV4, NULL);
  g_assert_true (vote (&self, SHOAL_EXTERNAL_PEER, "5.5.5.1", "9.9.9.9"));
  check (&self, SHOAL_FAMILY_IPV4, "9.9.9.9");
  check (&self, SHOAL_FAMILY_IPV6, NULL);
  g_assert_false (vote (&self, SHOAL_EXTERNAL_PEER, "5.5.5.2", "8.8.8.8"));
  g_assert_true (vote (&self, SHOAL_EXTERNAL_DHT, "5.5.5.3", "8.8.8.8"));
  check (&self, SHOAL_FAMILY_IPV4, "8.8.8.8");
  /* A tracker is worth some peers, the gateway many. */
  g_assert_true (vote (&self, SHOAL_EXTERNAL_TRACKER, NULL, "7.7.7.7"));
  g_assert_true (vote (&self, SHOAL_EXTERNAL_GATEWAY, "10.0.0.1", "6.6.6.6"));
  check (&self, SHOAL_FAMILY_IPV4, "6.6.6.6");
  g_assert_true (vote (&self, SHOAL_EXTERNAL_PEER, "[2001:db8::1]:1", "[2001:db8:1::1]:1"));
  check (&self, SHOAL_FAMILY_IPV6, "2001:db8:1::1");
  shoal_external_clear (&self);
  check (&self, SHOAL_FAMILY_IPV4, NULL);
}

/* Whoever votes again changes its mind; more addresses of one network are one voter. */
static void
test_one_vote (void)
{
  ShoalExternal self = { 0 };

  vote (&self, SHOAL_EXTERNAL_PEER, "5.5.5.1", "9.9.9.9");
  vote (&self, SHOAL_EXTERNAL_PEER, "5.5.5.2", "9.9.9.9");
  for (guint i = 0; i < 10; i++)
    g_assert_false (vote (&self, SHOAL_EXTERNAL_PEER, "6.6.6.6:7", "8.8.8.8"));
  for (guint i = 1; i < 10; i++)
    {
      g_autofree char *text = g_strdup_printf ("[2001:db8::%u]:1", i);

      g_assert_false (vote (&self, SHOAL_EXTERNAL_PEER, text, "8.8.8.8"));
    }
  check (&self, SHOAL_FAMILY_IPV4, "9.9.9.9");
  g_assert_true (vote (&self, SHOAL_EXTERNAL_PEER, "5.5.5.2", "8.8.8.8"));
  check (&self, SHOAL_FAMILY_IPV4, "8.8.8.8");
}

static void
test_many (void)
{
  ShoalExternal self = { 0 };

  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *text = g_strdup_printf ("5.5.%u.1", i);

      vote (&self, SHOAL_EXTERNAL_PEER, text, "9.9.9.9");
    }
  g_assert_cmpuint (self.n_votes[0], ==, SHOAL_EXTERNAL_VOTERS);
  /* Those of long ago do not count for ever. */
  for (guint i = 0; i < SHOAL_EXTERNAL_VOTERS; i++)
    {
      g_autofree char *text = g_strdup_printf ("5.6.%u.1", i);

      vote (&self, SHOAL_EXTERNAL_PEER, text, "8.8.8.8");
    }
  check (&self, SHOAL_FAMILY_IPV4, "8.8.8.8");
}

static void
test_does_not_count (void)
{
  static const char *const seen[] = { "10.1.2.3",  "192.168.1.1", "127.0.0.1",   "0.0.0.0",
                                      "224.0.0.1", "[::1]:1",     "[fe80::1]:1", "[fd00::1]:1" };
  ShoalExternal self = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (seen); i++)
    g_assert_false (vote (&self, SHOAL_EXTERNAL_TRACKER, "5.5.5.5", seen[i]));
  check (&self, SHOAL_FAMILY_IPV4, NULL);
  check (&self, SHOAL_FAMILY_IPV6, NULL);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/external/majority", test_majority);
  g_test_add_func ("/engine/external/one-vote", test_one_vote);
  g_test_add_func ("/engine/external/many", test_many);
  g_test_add_func ("/engine/external/does-not-count", test_does_not_count);
  return g_test_run ();
}
