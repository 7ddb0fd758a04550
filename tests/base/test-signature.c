/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ed25519: the vectors of BEP 44, and what is not signed so. */

#include "shoal-signature.h"

#include <string.h>
#include "shoal-test.h"

#define KEY "77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548"

static void
test_good (void)
{
  static const struct { const char *text; const char *signature; } cases[] = {
    { "3:seqi1e1:v12:Hello World!",
      "305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff"
      "1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01" },
    { "4:salt6:foobar3:seqi1e1:v12:Hello World!",
      "6834284b6b24c3204eb2fea824d82f88883a3d95e8b4a21b8c0ded553d17d17d"
      "df9a8a7104b1258f30bed3787e6cb896fca78c58f8e03b5f18f14951a87d9a08" },
  };
  g_autoptr (GBytes) key = shoal_test_bytes (KEY);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GBytes) signature = shoal_test_bytes (cases[i].signature);
      g_autofree guint8 *broken = g_memdup2 (g_bytes_get_data (signature, NULL),
                                             SHOAL_SIGNATURE_SIZE);
      const guint8 *public_key = g_bytes_get_data (key, NULL);
      gsize size = strlen (cases[i].text);

      g_assert_true (shoal_signature_is_good (public_key, g_bytes_get_data (signature, NULL),
                                              cases[i].text, size));
      g_assert_false (shoal_signature_is_good (public_key, g_bytes_get_data (signature, NULL),
                                               cases[i].text, size - 1));
      broken[0] ^= 1;
      g_assert_false (shoal_signature_is_good (public_key, broken, cases[i].text, size));
    }
}

static void
test_no_key (void)
{
  guint8 zeros[SHOAL_SIGNATURE_SIZE] = { 0 };
  guint8 ones[SHOAL_SIGNATURE_SIZE];

  memset (ones, 0xff, sizeof ones);
  g_assert_false (shoal_signature_is_good (ones, ones, "x", 1));
  g_assert_false (shoal_signature_is_good (ones, zeros, NULL, 0));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signature/good", test_good);
  g_test_add_func ("/signature/no-key", test_no_key);

  return g_test_run ();
}
