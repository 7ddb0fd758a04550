/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The error domains are three, and each has its name. */

#include "shoal-error.h"

static void
test_domains (void)
{
  g_assert_cmpstr (g_quark_to_string (SHOAL_WIRE_ERROR), ==, "shoal-wire-error-quark");
  g_assert_cmpstr (g_quark_to_string (SHOAL_ENGINE_ERROR), ==, "shoal-engine-error-quark");
  g_assert_cmpstr (g_quark_to_string (SHOAL_STORE_ERROR), ==, "shoal-store-error-quark");
}

static void
test_matches (void)
{
  g_autoptr(GError) error = g_error_new (SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE, "too large");

  g_assert_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE);
  g_assert_false (g_error_matches (error, SHOAL_STORE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/error/domains", test_domains);
  g_test_add_func ("/error/matches", test_matches);

  return g_test_run ();
}
