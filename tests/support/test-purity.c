/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linked with whole layers and nothing but GLib and libcrypto: a forbidden call stops the link. */

#include <glib.h>

static void
test_links (void)
{
  g_assert_true (TRUE);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/purity/links", test_links);

  return g_test_run ();
}
