/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of magnet links and of lists of ranges. */

#include "shoal-magnet.h"

#include <string.h>

#include "shoal-error.h"

#define V1 "xt=urn:btih:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
#define V2 "xt=urn:btmh:1220abababababababababababababababababababababababababababababababab"

static void
test_everything (void)
{
  const char *uri =
    "magnet:?" V1 "&" V2 "&dn=a%20b&xl=77&tr=http%3A%2F%2Fa%2F%3Fk%3D1&tr=udp%3A%2F%2Fb%3A1"
    "&ws=http%3A%2F%2Fw%2F&x.pe=1.2.3.4:5&x.pe=[::1]:80&x.pe=host.example:9&so=0,2-4";
  g_autoptr (GError) error = NULL;
  g_autoptr (ShoalMagnet) magnet = shoal_magnet_parse (uri, &error);
  g_autofree char *again = NULL;

  g_assert_no_error (error);
  g_assert_true (magnet->hash.has_v1 && magnet->hash.has_v2);
  g_assert_cmpstr (magnet->name, ==, "a b");
  g_assert_cmpuint (magnet->size, ==, 77);
  g_assert_cmpstr (magnet->trackers[0][0], ==, "http://a/?k=1");
  g_assert_cmpstr (magnet->trackers[1][0], ==, "udp://b:1");
  g_assert_null (magnet->trackers[2]);
  g_assert_cmpstr (magnet->web_seeds[0], ==, "http://w/");
  g_assert_cmpuint (g_strv_length (magnet->peers), ==, 3);
  g_assert_true (shoal_ranges_contain (magnet->select_only, 3));
  g_assert_false (shoal_ranges_contain (magnet->select_only, 1));
  again = shoal_magnet_to_uri (magnet);
  g_assert_cmpstr (again, ==, uri);
}

static void
test_forgiving (void)
{
  g_autoptr (ShoalMagnet) magnet =
    shoal_magnet_parse ("  MAGNET:?amp;&=&xt=urn:sha1:ABC&" V1 "&amp;tr.1=http://a/&tr.2=http://b/%zz%4&dn=%41%00%2e"
                        "&x.pe=nohost&x.pe=:1&x.pe=a:0&x.pe=a:70000&x.pe=::1:80&tr=none&xl=many&so=9-1,x,,5\n", NULL);

  g_assert_nonnull (magnet);
  g_assert_true (magnet->hash.has_v1);
  g_assert_cmpstr (magnet->trackers[0][0], ==, "http://a/");
  g_assert_cmpstr (magnet->trackers[1][0], ==, "http://b/%zz%4");
  g_assert_null (magnet->trackers[2]);
  g_assert_cmpstr (magnet->name, ==, "A\xef\xbf\xbd.");
  g_assert_cmpuint (g_strv_length (magnet->peers), ==, 0);
  g_assert_cmpuint (magnet->size, ==, 0);
  g_assert_cmpuint (magnet->select_only->len, ==, 1);
}

static void
test_refused (void)
{
  static const char *const cases[] = {
    "", "magnet:", "magnet:?", "http://a/", "magnet:?dn=x", "magnet:?xt=urn:btih:",
    "magnet:?xt=urn:btih:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcg",
    "magnet:?xt=urn:btmh:1114cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
  };
  g_autofree char *filler = g_strnfill (SHOAL_MAGNET_SIZE_MAX + 2000, 'a');
  g_autofree char *huge = g_strconcat ("magnet:?" V1 "&dn=", filler, NULL);
  g_autoptr (GError) large = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (shoal_magnet_parse (cases[i], &error));
      g_assert_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_MALFORMED);
    }
  g_assert_null (shoal_magnet_parse (huge, &large));
  g_assert_error (large, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE);
  g_assert_true (shoal_magnet_looks_like ("Magnet:?x"));
  g_assert_false (shoal_magnet_looks_like ("http:"));
}

static void
test_ranges (void)
{
  static const char *const bad[] = { "",    ",",     "1,",         "a",   "-1", "1-",
                                     "3-1", "1-2-3", "4294967296", "1 2", "0x1" };
  g_autoptr (GArray) ranges = shoal_ranges_parse ("7, 0-2,3,9-12,10-11", NULL);

  g_assert_cmpuint (ranges->len, ==, 3);
  for (guint i = 0; i < 15; i++)
    g_assert_cmpint (shoal_ranges_contain (ranges, i), ==, i <= 3 || i == 7 || (i >= 9 && i <= 12));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (shoal_ranges_parse (bad[i], &error));
      g_assert_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_MALFORMED);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/magnet/everything", test_everything);
  g_test_add_func ("/wire/magnet/forgiving", test_forgiving);
  g_test_add_func ("/wire/magnet/refused", test_refused);
  g_test_add_func ("/wire/magnet/ranges", test_ranges);
  return g_test_run ();
}
