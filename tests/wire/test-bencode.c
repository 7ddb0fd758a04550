/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the bencode reader and writer. */

#include "shoal-bencode.h"

#include <string.h>

#include "shoal-error.h"

static ShoalBencode *
parse (const char  *text,
       GError     **error)
{
  return shoal_bencode_parse ((const guint8 *) text, strlen (text), NULL, error);
}

static void
test_good (void)
{
  static const char *const texts[] = {
    "i0e", "i-7e", "i9223372036854775807e", "i-9223372036854775808e", "i007e", "0:", "4:spam", "le",
    "de",
    "li1e4:spamlei2ee", "d0:i1ee", "d1:ai1e1:bd1:cleee", "03:abc", "i-0e",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ShoalBencode) doc = parse (texts[i], &error);
      gsize size;

      g_assert_no_error (error);
      g_assert_nonnull (doc);
      g_assert_true (shoal_bencode_raw (shoal_bencode_root (doc), &size)
                     == (const guint8 *) texts[i]);
      g_assert_cmpuint (size, ==, strlen (texts[i]));
    }
}

static void
test_bad (void)
{
  static const struct { const char *text; int code; } cases[] = {
    { "", SHOAL_WIRE_ERROR_TRUNCATED },
    { "i1", SHOAL_WIRE_ERROR_MALFORMED },
    { "ie", SHOAL_WIRE_ERROR_MALFORMED },
    { "i-e", SHOAL_WIRE_ERROR_MALFORMED },
    { "i+1e", SHOAL_WIRE_ERROR_MALFORMED },
    { "i1 e", SHOAL_WIRE_ERROR_MALFORMED },
    { "i9223372036854775808e", SHOAL_WIRE_ERROR_MALFORMED },
    { "i99999999999999999999999999e", SHOAL_WIRE_ERROR_MALFORMED },
    { "5:spam", SHOAL_WIRE_ERROR_TRUNCATED },
    { "18446744073709551615:a", SHOAL_WIRE_ERROR_TRUNCATED },
    { "18446744073709551616:a", SHOAL_WIRE_ERROR_MALFORMED },
    { "-0:", SHOAL_WIRE_ERROR_MALFORMED },
    { "4x:spam", SHOAL_WIRE_ERROR_MALFORMED },
    { "4", SHOAL_WIRE_ERROR_MALFORMED },
    { "l", SHOAL_WIRE_ERROR_TRUNCATED },
    { "d1:a", SHOAL_WIRE_ERROR_TRUNCATED },
    { "d1:ae", SHOAL_WIRE_ERROR_MALFORMED },
    { "di1ei2ee", SHOAL_WIRE_ERROR_MALFORMED },
    { "dlei2ee", SHOAL_WIRE_ERROR_MALFORMED },
    { "e", SHOAL_WIRE_ERROR_MALFORMED },
    { "x", SHOAL_WIRE_ERROR_MALFORMED },
    { "lee", SHOAL_WIRE_ERROR_MALFORMED },
    { "i1e ", SHOAL_WIRE_ERROR_MALFORMED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ShoalBencode) doc = parse (cases[i].text, &error);

      g_assert_null (doc);
      g_assert_error (error, SHOAL_WIRE_ERROR, cases[i].code);
    }
}

static void
test_walk (void)
{
  const char *text = "d4:listl1:ai2eli3eee3:numi-5e4:spam4:eggs3:numi9e0:lee";
  g_autoptr (ShoalBencode) doc = parse (text, NULL);
  ShoalBencodeNode root = shoal_bencode_root (doc);
  ShoalBencodeNode list, item;
  gsize size;
  g_autofree char *eggs = NULL;

  g_assert_cmpint (shoal_bencode_type (root), ==, SHOAL_BENCODE_DICT);
  g_assert_cmpuint (shoal_bencode_count (root), ==, 5);
  g_assert_cmpint (shoal_bencode_int (shoal_bencode_get (root, "num"), 0), ==, -5);
  eggs = shoal_bencode_text (shoal_bencode_get (root, "spam"));
  g_assert_cmpstr (eggs, ==, "eggs");
  g_assert_cmpint (shoal_bencode_type (shoal_bencode_get (root, "")), ==, SHOAL_BENCODE_LIST);
  g_assert_cmpint (shoal_bencode_type (shoal_bencode_get (root, "spa")), ==, SHOAL_BENCODE_NONE);

  list = shoal_bencode_get (root, "list");
  g_assert_cmpuint (shoal_bencode_count (list), ==, 3);
  g_assert_cmpmem (shoal_bencode_raw (list, &size), 12, "l1:ai2eli3ee", 12);
  g_assert_cmpuint (size, ==, 13);
  g_assert_cmpmem (shoal_bencode_key (list, &size), 4, "list", 4);
  item = shoal_bencode_first (list);
  g_assert_cmpmem (shoal_bencode_bytes (item, &size), 1, "a", 1);
  g_assert_null (shoal_bencode_key (item, &size));
  item = shoal_bencode_next (item);
  g_assert_null (shoal_bencode_key (item, &size));
  g_assert_cmpint (shoal_bencode_int (item, 0), ==, 2);
  g_assert_null (shoal_bencode_bytes (item, &size));
  item = shoal_bencode_next (item);
  g_assert_cmpuint (shoal_bencode_count (item), ==, 1);
  item = shoal_bencode_next (item);
  g_assert_cmpint (shoal_bencode_type (item), ==, SHOAL_BENCODE_NONE);

  /* Look-ups chain through what is not there. */
  item = shoal_bencode_next (item);
  g_assert_cmpint (shoal_bencode_int (shoal_bencode_get (shoal_bencode_first (item), "x"), 77), ==,
                   77);
  g_assert_cmpuint (shoal_bencode_count (item), ==, 0);
  g_assert_null (shoal_bencode_text (item));
  g_assert_cmpint (shoal_bencode_type (shoal_bencode_next (root)), ==, SHOAL_BENCODE_NONE);
}

static void
test_text (void)
{
  g_autoptr (ShoalBencode) doc = shoal_bencode_parse ((const guint8 *) "4:a\0\xff"
                                                                       "b",
                                                      6, NULL, NULL);
  g_autofree char *text = shoal_bencode_text (shoal_bencode_root (doc));

  g_assert_cmpstr (text, ==, "a\357\277\275\357\277\275b");
}

static void
test_used (void)
{
  gsize used = 0;
  g_autoptr (ShoalBencode) doc = shoal_bencode_parse ((const guint8 *) "d1:ai1ee rest", 13, &used,
                                                      NULL);

  g_assert_nonnull (doc);
  g_assert_cmpuint (used, ==, 8);
}

static void
test_depth (void)
{
  for (guint depth = SHOAL_BENCODE_MAX_DEPTH; depth <= SHOAL_BENCODE_MAX_DEPTH + 1; depth++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (ShoalBencode) doc = NULL;

      for (guint i = 0; i < depth; i++)
        g_string_append_c (text, 'l');
      for (guint i = 0; i < depth; i++)
        g_string_append_c (text, 'e');
      doc = parse (text->str, &error);
      if (depth <= SHOAL_BENCODE_MAX_DEPTH)
        g_assert_no_error (error);
      else
        g_assert_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE);
    }
}

static void
test_many (void)
{
  gsize size = 40 * 1000 * 1000;
  g_autofree guint8 *data = g_malloc (size);
  g_autoptr (GError) error = NULL;
  g_autoptr (ShoalBencode) doc = NULL;

  data[0] = 'l';
  for (gsize i = 1; i + 1 < size; i += 2)
    memcpy (data + i, "0:", 2);
  data[size - 1] = 'e';
  doc = shoal_bencode_parse (data, size, NULL, &error);
  g_assert_null (doc);
  g_assert_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE);
}

static void
test_canonical (void)
{
  g_autoptr (ShoalBencode) doc = parse ("d1:bi007e2:aa03:xyz1:al-0:e0:de1:bi8ee", NULL);
  g_autoptr (ShoalBencode) good = parse ("d1:bi007e2:aa03:xyz1:ali-0e0:e0:de1:bi8ee", NULL);
  g_auto (ShoalWriter) out = { 0 };

  g_assert_null (doc);
  g_assert_nonnull (good);
  shoal_bencode_write_node (&out, shoal_bencode_root (good));
  g_assert_cmpmem (out.data, out.size, "d0:de1:ali0e0:e2:aa3:xyz1:bi7ee", 31);
}

static void
test_write (void)
{
  g_auto (ShoalWriter) out = { 0 };

  shoal_bencode_write_begin (&out, SHOAL_BENCODE_DICT);
  shoal_bencode_write_text (&out, "a");
  shoal_bencode_write_int (&out, G_MININT64);
  shoal_bencode_write_text (&out, "b");
  shoal_bencode_write_begin (&out, SHOAL_BENCODE_LIST);
  shoal_bencode_write_bytes (&out, "\0\1", 2);
  shoal_bencode_write_end (&out);
  shoal_bencode_write_end (&out);
  g_assert_cmpmem (out.data, out.size, "d1:ai-9223372036854775808e1:bl2:\0\1ee", 36);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/bencode/good", test_good);
  g_test_add_func ("/wire/bencode/bad", test_bad);
  g_test_add_func ("/wire/bencode/walk", test_walk);
  g_test_add_func ("/wire/bencode/text", test_text);
  g_test_add_func ("/wire/bencode/used", test_used);
  g_test_add_func ("/wire/bencode/depth", test_depth);
  g_test_add_func ("/wire/bencode/many", test_many);
  g_test_add_func ("/wire/bencode/canonical", test_canonical);
  g_test_add_func ("/wire/bencode/write", test_write);
  return g_test_run ();
}
