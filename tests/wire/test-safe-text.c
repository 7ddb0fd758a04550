/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text from the network made fit for eyes. */

#include "shoal-safe-text.h"
#include <string.h>

static const struct
{
  const char *name;
  const char *in;
  gsize       max;
  const char *out;
} cases[] = {
  { "plain", "Tracker is down", 64, "Tracker is down" },
  { "accents", "übergröße", 64, "übergröße" },
  { "invalid", "a\xff" "b", 64, "a\xef\xbf\xbd" "b" },
  { "control", "a\nb\tc\x1b[2Jd", 64, "a b c [2Jd" },
  { "right-to-left", "a\xe2\x80\xae" "b", 64, "a b" },
  { "trimmed", "  a  ", 64, "a" },
  { "cut", "abcdef", 4, "abcd" },
  { "cut-at-character", "aüü", 4, "aü" },
  { "only-space", " \n ", 64, NULL },
  { "nothing", "", 64, NULL },
};

static void
test_case (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autofree char *out = shoal_safe_text ((const guint8 *) cases[i].in, strlen (cases[i].in),
                                          cases[i].max);

  g_assert_cmpstr (out, ==, cases[i].out);
}

static void
test_nul (void)
{
  g_autofree char *out = shoal_safe_text ((const guint8 *) "a\0b", 3, 64);

  g_assert_true (g_utf8_validate (out, -1, NULL));
  g_assert_cmpuint (out[0], ==, 'a');
}

static void
test_random (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);

  for (guint i = 0; i < 5000; i++)
    {
      guint8 bytes[64];
      gsize size = (gsize) g_rand_int_range (rand, 0, sizeof bytes);
      gsize max = (gsize) g_rand_int_range (rand, 1, 40);
      g_autofree char *out = NULL;

      for (gsize j = 0; j < size; j++)
        bytes[j] = (guint8) g_rand_int_range (rand, 0, 256);
      out = shoal_safe_text (bytes, size, max);
      if (out == NULL)
        continue;
      g_assert_true (g_utf8_validate (out, -1, NULL));
      g_assert_cmpuint (strlen (out), <=, max);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/wire/safe-text/%s", cases[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_case);
    }
  g_test_add_func ("/wire/safe-text/nul", test_nul);
  g_test_add_func ("/wire/safe-text/random", test_random);

  return g_test_run ();
}
