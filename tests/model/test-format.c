/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes, rates, times and shares in words. */

#include "shoal-format.h"
#include "shoal-terms.h"

static void
test_size (void)
{
  g_autofree char *size = shoal_format_size (3200000);
  g_autofree char *rate = shoal_format_rate (3200000);

  g_assert_cmpstr (size, ==, "3.2\302\240MB");
  g_assert_cmpstr (rate, ==, "3.2\302\240MB/s");
}

static void
test_duration (void)
{
  static const struct { gint64 seconds; const char *text; } table[] = {
    { -5, "0 s" }, { 0, "0 s" }, { 1, "1 s" }, { 59, "59 s" }, { 60, "1 min" }, { 119, "1 min" },
    { 3599, "59 min" },
    { 3600, "1 h" }, { 4800, "1 h 20 min" }, { 86399, "23 h 59 min" }, { 86400, "1 d" },
    { 3 * 86400 + 4 * 3600 + 59, "3 d 4 h" },
    { 364 * 86400, "364 d" }, { 365 * 86400, "more than a year" },
    { G_MAXINT64, "more than a year" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *text = shoal_format_duration (table[i].seconds);

      g_assert_cmpstr (text, ==, table[i].text);
    }
}

static void
test_time_left (void)
{
  g_autofree char *some = shoal_format_time_left (125);
  g_autofree char *unknown = shoal_format_time_left (SHOAL_ETA_UNKNOWN);

  g_assert_cmpstr (some, ==, "2 min left");
  g_assert_null (unknown);
}

static void
test_percent (void)
{
  static const struct { double share; const char *text;
  } table[] = {
    { -1.0, "0%" },      { 0.0, "0%" },          { 0.29, "29%" }, { 0.42, "42%" }, { 0.57, "57%" },
    { 0.999999, "99%" }, { 1.0 - 1e-12, "99%" }, { 1.0, "100%" }, { 2.0, "100%" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *text = shoal_format_percent (table[i].share);

      g_assert_cmpstr (text, ==, table[i].text);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/format/size", test_size);
  g_test_add_func ("/model/format/duration", test_duration);
  g_test_add_func ("/model/format/time-left", test_time_left);
  g_test_add_func ("/model/format/percent", test_percent);
  return g_test_run ();
}
