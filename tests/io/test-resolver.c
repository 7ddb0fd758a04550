/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numeric addresses, a name of this machine, names that are none, and the end. */

#include "shoal-resolver.h"

typedef struct
{
  guint        n;
  ShoalLookup *last;
} Answers;

static void
answered (ShoalLookup *query,
          gpointer     user_data)
{
  Answers *self = user_data;

  self->n++;
  self->last = query;
}

static void
test_numeric (void)
{
  static const struct { const char *host; const char *text; } cases[] = {
    { "192.0.2.7", "192.0.2.7:6969" },
    { "2001:db8::1", "[2001:db8::1]:6969" },
    { "[2001:db8::1]", "[2001:db8::1]:6969" },
    { "::ffff:192.0.2.7", "192.0.2.7:6969" },
  };
  Answers answers = { 0 };
  g_autoptr(ShoalResolver) resolver = shoal_resolver_new (NULL, answered, &answers);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalLookup *query = shoal_lookup_new (cases[i].host, 6969);
      g_autofree char *text = NULL;

      shoal_resolver_lookup (resolver, query);
      g_assert_cmpuint (answers.n, ==, i + 1);
      g_assert_null (query->error);
      g_assert_cmpuint (query->n_addrs, ==, 1);
      text = shoal_addr_to_text (&query->addrs[0]);
      g_assert_cmpstr (text, ==, cases[i].text);
      shoal_lookup_free (query);
    }
}

static void
test_name (void)
{
  Answers answers = { 0 };
  g_autoptr(ShoalResolver) resolver = shoal_resolver_new (NULL, answered, &answers);
  ShoalLookup *query = shoal_lookup_new ("localhost", 80);

  shoal_resolver_lookup (resolver, query);
  while (answers.n == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (query->error);
  g_assert_cmpuint (query->n_addrs, >, 0);
  g_assert_true (shoal_addr_is_loopback (&query->addrs[0]));
  g_assert_cmpuint (query->addrs[0].port, ==, 80);
  shoal_lookup_free (query);
}

static void
test_nonsense (void)
{
  static const char *hosts[] = { "", "\xff\xfe" };
  Answers answers = { 0 };
  g_autoptr(ShoalResolver) resolver = shoal_resolver_new (NULL, answered, &answers);

  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      ShoalLookup *query = shoal_lookup_new (hosts[i], 80);

      shoal_resolver_lookup (resolver, query);
      while (answers.n < i + 1)
        g_main_context_iteration (NULL, TRUE);
      g_assert_nonnull (query->error);
      g_assert_cmpuint (query->n_addrs, ==, 0);
      shoal_lookup_free (query);
    }
}

static void
test_end (void)
{
  Answers answers = { 0 };
  ShoalResolver *resolver = shoal_resolver_new (NULL, answered, &answers);

  shoal_resolver_lookup (resolver, shoal_lookup_new ("localhost", 80));
  g_assert_cmpuint (answers.n, ==, 0);
  shoal_resolver_free (resolver);
  g_assert_cmpuint (answers.n, ==, 1);
  shoal_lookup_free (answers.last);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/io/resolver/numeric", test_numeric);
  g_test_add_func ("/io/resolver/name", test_name);
  g_test_add_func ("/io/resolver/nonsense", test_nonsense);
  g_test_add_func ("/io/resolver/end", test_end);

  return g_test_run ();
}
