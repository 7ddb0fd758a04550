/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of peer exchange: vectors, there and back, limits, nonsense. */

#include "shoal-pex.h"

#include <string.h>

static gboolean
parse (ShoalPexMessage *out,
       const char      *bytes,
       gsize            size)
{
  g_autofree guint8 *copy = g_memdup2 (bytes, size);

  return shoal_pex_parse (out, copy, size);
}

#define PARSE(out, text) parse (out, text, sizeof text - 1)

static void
test_vector (void)
{
  static const char text[] = "d5:added12:\1\2\3\4\x1a\xe1\5\6\7\x8\0\x50"
                             "7:added.f2:\x02\x1c"
                             "6:added618:\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x1a\xe2"
                             "8:added6.f1:\x04"
                             "7:dropped6:\x9\x9\x9\x9\0\1"
                             "8:dropped60:e";
  g_autofree ShoalPexMessage *got = g_new (ShoalPexMessage, 1);
  g_autofree char *first = NULL;
  g_autofree char *third = NULL;
  g_autofree char *gone = NULL;

  g_assert_true (PARSE (got, text));
  g_assert_cmpuint (got->n_added, ==, 3);
  g_assert_cmpuint (got->n_dropped, ==, 1);
  g_assert_false (got->excess);
  first = shoal_addr_to_text (&got->added[0].addr);
  third = shoal_addr_to_text (&got->added[2].addr);
  gone = shoal_addr_to_text (&got->dropped[0].addr);
  g_assert_cmpstr (first, ==, "1.2.3.4:6881");
  g_assert_cmpstr (third, ==, "[2001:db8::1]:6882");
  g_assert_cmpstr (gone, ==, "9.9.9.9:1");
  g_assert_cmpuint (got->added[0].flags, ==, SHOAL_PEX_SEED);
  g_assert_cmpuint (got->added[1].flags, ==,
                    SHOAL_PEX_UTP | SHOAL_PEX_HOLEPUNCH | SHOAL_PEX_REACHABLE);
  g_assert_cmpuint (got->added[2].flags, ==, SHOAL_PEX_UTP);
}

static void
test_odd (void)
{
  g_autofree ShoalPexMessage *got = g_new (ShoalPexMessage, 1);

  g_assert_true (PARSE (got, "de"));
  g_assert_cmpuint (got->n_added + got->n_dropped, ==, 0);
  g_assert_true (PARSE (got, "d5:addedi5e7:droppedlee"));
  g_assert_cmpuint (got->n_added + got->n_dropped, ==, 0);
  /* Fewer flags than peers, more flags than peers, bytes behind the end. */
  g_assert_true (PARSE (got, "d5:added12:abcdefghijkl7:added.f1:\2e"));
  g_assert_cmpuint (got->n_added, ==, 2);
  g_assert_cmpuint (got->added[0].flags, ==, 2);
  g_assert_cmpuint (got->added[1].flags, ==, 0);
  g_assert_true (PARSE (got, "d5:added6:abcdef7:added.f3:\1\2\3ex"));
  g_assert_cmpuint (got->n_added, ==, 1);
}

static void
test_malformed (void)
{
  static const char *const bad[] = { "", "d", "le", "i5e", "d5:added5:abcdee", "d6:added66:abcdefe",
                                     "d7:dropped1:xe", "d8:dropped617:01234567890123456e" };
  g_autofree ShoalPexMessage *got = g_new (ShoalPexMessage, 1);

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (parse (got, bad[i], strlen (bad[i])));
}

static void
test_there_and_back (void)
{
  g_autofree ShoalPexMessage *sent = g_new0 (ShoalPexMessage, 1);
  g_autofree ShoalPexMessage *got = g_new (ShoalPexMessage, 1);
  g_autoptr(GBytes) bytes = NULL;

  for (guint i = 0; i < SHOAL_PEX_LIST_MAX; i++)
    {
      guint8 ip[16] = { (guint8) i, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
      ShoalFamily family = i < SHOAL_PEX_READ_MAX ? SHOAL_FAMILY_IPV4 : SHOAL_FAMILY_IPV6;

      sent->added[sent->n_added++] =
        (ShoalPexPeer){ shoal_addr_make (family, ip, (guint16) (i + 1)), (guint8) i };
      sent->dropped[sent->n_dropped++] =
        (ShoalPexPeer){ shoal_addr_make (family, ip, (guint16) (i + 9)), 0 };
    }
  bytes = shoal_pex_write (sent);
  g_assert_true (shoal_pex_parse (got, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes)));
  g_assert_false (got->excess);
  g_assert_cmpuint (got->n_added, ==, sent->n_added);
  g_assert_cmpuint (got->n_dropped, ==, sent->n_dropped);
  for (guint i = 0; i < got->n_added; i++)
    {
      g_assert_true (shoal_addr_equal (&got->added[i].addr, &sent->added[i].addr));
      g_assert_cmpuint (got->added[i].flags, ==, sent->added[i].flags);
      g_assert_true (shoal_addr_equal (&got->dropped[i].addr, &sent->dropped[i].addr));
    }
}

/* What is too long is read up to the limit, and that is told. */
static void
test_excess (void)
{
  g_autoptr(GString) text = g_string_new (NULL);
  g_autofree ShoalPexMessage *got = g_new (ShoalPexMessage, 1);
  const guint n = SHOAL_PEX_READ_MAX + 1;

  g_string_append_printf (text, "d5:added%u:", n * 6);
  for (guint i = 0; i < n; i++)
    g_string_append (text, "abcdef");
  g_string_append_c (text, 'e');
  g_assert_true (shoal_pex_parse (got, (const guint8 *) text->str, text->len));
  g_assert_true (got->excess);
  g_assert_cmpuint (got->n_added, ==, SHOAL_PEX_READ_MAX);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/pex/vector", test_vector);
  g_test_add_func ("/wire/pex/odd", test_odd);
  g_test_add_func ("/wire/pex/malformed", test_malformed);
  g_test_add_func ("/wire/pex/there-and-back", test_there_and_back);
  g_test_add_func ("/wire/pex/excess", test_excess);
  return g_test_run ();
}
