/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the filter: borders of ranges, joining, and the same answers as a plain walk. */

#include "shoal-filter.h"

#include <string.h>

#include "shoal-rng.h"
#include "shoal-test.h"

static ShoalFilter *
filter_of (const char *text)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(ShoalFilterList) list = shoal_filter_list_parse (text, strlen (text), &error);

  g_assert_no_error (error);

  return shoal_filter_new (list);
}

static gboolean
blocks (const ShoalFilter *filter,
        const char        *text)
{
  ShoalAddr addr;

  g_assert_true (shoal_addr_parse (&addr, text, 1));

  return shoal_filter_blocks (filter, &addr);
}

static void
test_borders (void)
{
  g_autoptr(ShoalFilter) filter = filter_of ("9.0.0.0-9.255.255.255\n1.2.3.4\n0.0.0.0\n255.255.255.0/24\n1.255.255.255-2.0.0.1\n2001:db8::/32\nfd00::1\n");

  g_assert_cmpuint (shoal_filter_size (filter), ==, 7);
  g_assert_true (blocks (filter, "0.0.0.0"));
  g_assert_false (blocks (filter, "0.0.0.1"));
  g_assert_false (blocks (filter, "1.2.3.3"));
  g_assert_true (blocks (filter, "1.2.3.4"));
  g_assert_false (blocks (filter, "1.2.3.5"));
  g_assert_false (blocks (filter, "1.255.255.254"));
  g_assert_true (blocks (filter, "1.255.255.255"));
  g_assert_true (blocks (filter, "2.0.0.0"));
  g_assert_true (blocks (filter, "2.0.0.1"));
  g_assert_false (blocks (filter, "2.0.0.2"));
  g_assert_false (blocks (filter, "8.255.255.255"));
  g_assert_true (blocks (filter, "9.77.1.1"));
  g_assert_false (blocks (filter, "10.0.0.0"));
  g_assert_true (blocks (filter, "255.255.255.255"));
  g_assert_false (blocks (filter, "[2001:db7:ffff:ffff:ffff:ffff:ffff:ffff]:1"));
  g_assert_true (blocks (filter, "[2001:db8::]:1"));
  g_assert_true (blocks (filter, "[2001:db8:ffff::1]:1"));
  g_assert_false (blocks (filter, "[2001:db9::]:1"));
  g_assert_true (blocks (filter, "[fd00::1]:1"));
  g_assert_false (blocks (filter, "[fd00::2]:1"));
}

static void
test_joined (void)
{
  g_autoptr(ShoalFilter) filter = filter_of ("1.0.0.5-1.0.0.9\n1.0.0.0-1.0.0.4\n1.0.0.2-1.0.0.3\n0.0.0.0/0\n255.255.255.255\n::1\n::/16\n");

  g_assert_cmpuint (shoal_filter_size (filter), ==, 2);
  g_assert_true (blocks (filter, "200.1.1.1"));
}

static void
test_nobody (void)
{
  g_autoptr(ShoalFilter) filter = filter_of ("");

  g_assert_false (blocks (filter, "1.2.3.4"));
  g_assert_false (blocks (filter, "[::1]:1"));
  g_assert_false (blocks (NULL, "1.2.3.4"));
  g_assert_cmpuint (shoal_filter_size (NULL), ==, 0);
}

static void
test_walk (void)
{
  g_autoptr(ShoalFilterList) list = shoal_filter_list_parse ("", 0, NULL);
  g_autofree ShoalRange4 *ranges = g_new (ShoalRange4, 500);
  g_autoptr(ShoalFilter) filter = NULL;
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint i = 0; i < 500; i++)
    {
      ranges[i].first = shoal_rng_below (&rng, 1u << 22);
      ranges[i].last = ranges[i].first + shoal_rng_below (&rng, 1u << shoal_rng_below (&rng, 14));
      g_array_append_val (list->four, ranges[i]);
    }
  filter = shoal_filter_new (list);
  for (guint i = 0; i < 20000; i++)
    {
      guint32 ip = shoal_rng_below (&rng, 1u << 22);
      guint8 bytes[4] = { (guint8) (ip >> 24), (guint8) (ip >> 16), (guint8) (ip >> 8),
                          (guint8) ip };
      ShoalAddr addr = shoal_addr_make (SHOAL_FAMILY_IPV4, bytes, 1);
      gboolean expected = FALSE;

      for (guint j = 0; j < 500; j++)
        expected = expected || (ranges[j].first <= ip && ip <= ranges[j].last);
      g_assert_cmpint (shoal_filter_blocks (filter, &addr), ==, expected);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/filter/borders", test_borders);
  g_test_add_func ("/engine/filter/joined", test_joined);
  g_test_add_func ("/engine/filter/nobody", test_nobody);
  g_test_add_func ("/engine/filter/walk", test_walk);
  return g_test_run ();
}
