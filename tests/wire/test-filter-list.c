/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of lists of blocked addresses: every kind of line, what is no line, limits. */

#include "shoal-filter-list.h"

#include <string.h>

#include "shoal-error.h"

static ShoalFilterList *
parse (const char *text)
{
  gsize size = strlen (text);
  g_autofree char *copy = g_memdup2 (text, size);
  g_autoptr(GError) error = NULL;
  ShoalFilterList *list = shoal_filter_list_parse (copy, size, &error);

  g_assert_no_error (error);
  g_assert_nonnull (list);

  return list;
}

static void
test_four (void)
{
  static const struct { const char *line; guint32 first, last; } cases[] = {
    { "1.2.3.4", 0x01020304, 0x01020304 },
    { "  1.2.3.4 \t\r", 0x01020304, 0x01020304 },
    { "1.2.3.0/24", 0x01020300, 0x010203ff },
    { "1.2.3.77/24  # why", 0x01020300, 0x010203ff },
    { "0.0.0.0/0", 0, 0xffffffff },
    { "255.255.255.255/32", 0xffffffff, 0xffffffff },
    { "1.2.3.4-1.2.3.8", 0x01020304, 0x01020308 },
    { "1.2.3.4 - 1.2.3.8", 0x01020304, 0x01020308 },
    { "Some Company, Inc.:1.2.3.4-1.2.3.8", 0x01020304, 0x01020308 },
    { "a:b:c - d:1.2.3.4-1.2.3.8", 0x01020304, 0x01020308 },
    { ":1.2.3.4-1.2.3.8", 0x01020304, 0x01020308 },
    { "4chan:1.2.3.4-1.2.3.8", 0x01020304, 0x01020308 },
    { "1.2.3.4 as a name:5.0.0.0-5.0.0.1", 0x05000000, 0x05000001 },
    { "001.002.003.004 - 001.002.003.008 , 000 , Some Company", 0x01020304, 0x01020308 },
    { "010.000.000.000-010.255.255.255,127,x", 0x0a000000, 0x0affffff },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(ShoalFilterList) list = parse (cases[i].line);
      const ShoalRange4 *range;

      g_assert_cmpuint (list->four->len, ==, 1);
      g_assert_cmpuint (list->n_bad + list->six->len, ==, 0);
      range = &g_array_index (list->four, ShoalRange4, 0);
      g_assert_cmphex (range->first, ==, cases[i].first);
      g_assert_cmphex (range->last, ==, cases[i].last);
    }
}

static void
test_six (void)
{
  static const struct { const char *line; ShoalIp6 first, last; } cases[] = {
    { "2001:db8::1", { 0x20010db800000000, 1 }, { 0x20010db800000000, 1 } },
    { "2001:db8::/32", { 0x20010db800000000, 0 }, { 0x20010db8ffffffff, G_MAXUINT64 } },
    { "2001:db8::/96", { 0x20010db800000000, 0 }, { 0x20010db800000000, 0xffffffff } },
    { "::/0", { 0, 0 }, { G_MAXUINT64, G_MAXUINT64 } },
    { "2001:db8::1/128", { 0x20010db800000000, 1 }, { 0x20010db800000000, 1 } },
    { "2001:db8:: - 2001:db8::ff", { 0x20010db800000000, 0 }, { 0x20010db800000000, 0xff } },
    { "Some Company:2001:db8::-2001:db8::ff", { 0x20010db800000000, 0 },
      { 0x20010db800000000, 0xff } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(ShoalFilterList) list = parse (cases[i].line);
      const ShoalRange6 *range;

      g_assert_cmpuint (list->six->len, ==, 1);
      g_assert_cmpuint (list->n_bad + list->four->len, ==, 0);
      range = &g_array_index (list->six, ShoalRange6, 0);
      g_assert_cmpint (shoal_ip6_compare (&range->first, &cases[i].first), ==, 0);
      g_assert_cmpint (shoal_ip6_compare (&range->last, &cases[i].last), ==, 0);
    }
}

static void
test_passed_over (void)
{
  g_autoptr(ShoalFilterList) list = parse ("\xef\xbb\xbf# comment\r\n\r\n; another\n// and one\n   "
                                           "\n001.000.000.000 - 001.000.000.255 , 200 , "
                                           "allowed\n1.1.1.1\n");

  g_assert_cmpuint (list->four->len, ==, 1);
  g_assert_cmpuint (list->n_bad, ==, 0);
}

static void
test_bad_lines (void)
{
  static const char *const bad[] = {
    "x", "1.2.3", "1.2.3.256", "1.2.3.4.5", "1.2.3.4/33", "1.2.3.4/", "1.2.3.8-1.2.3.4", "1.2.3.4-",
    "1.2.3.4-x", "name:", "name:1.2.3.4-", "::/129",
    "::2-::1", "1.2.3.4 1.2.3.5", "gggg::1", ":::::::::", "1.2.3.4-1.2.3.5 x", "000001.2.3.4",
  };
  g_autoptr(GString) text = g_string_new ("9.9.9.9\n");
  g_autofree char *longest = g_strnfill (2 * SHOAL_FILTER_LINE_MAX, ':');
  g_autoptr(ShoalFilterList) list = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_string_append_printf (text, "%s\n", bad[i]);
  g_string_append (text, longest);
  list = parse (text->str);
  g_assert_cmpuint (list->four->len, ==, 1);
  g_assert_cmpuint (list->six->len, ==, 0);
  g_assert_cmpuint (list->n_bad, ==, G_N_ELEMENTS (bad) + 1);
}

static void
test_no_list (void)
{
  static const char page[] = "<!DOCTYPE html>\n<html>not found</html>\n";
  g_autoptr(GError) error = NULL;

  g_assert_null (shoal_filter_list_parse (page, strlen (page), &error));
  g_assert_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_MALFORMED);
  g_clear_error (&error);
  g_assert_null (shoal_filter_list_parse (page, SHOAL_FILTER_SIZE_MAX + 1, &error));
  g_assert_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE);
}

static void
test_empty (void)
{
  g_autoptr(ShoalFilterList) list = parse ("");

  g_assert_cmpuint (list->four->len + list->six->len, ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/filter-list/ipv4", test_four);
  g_test_add_func ("/wire/filter-list/ipv6", test_six);
  g_test_add_func ("/wire/filter-list/passed-over", test_passed_over);
  g_test_add_func ("/wire/filter-list/bad-lines", test_bad_lines);
  g_test_add_func ("/wire/filter-list/no-list", test_no_list);
  g_test_add_func ("/wire/filter-list/empty", test_empty);
  return g_test_run ();
}
