/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CRC-32C: the check value of the polynomial, whole and in parts. */

#include "shoal-crc32c.h"

static void
test_check_value (void)
{
  g_assert_cmphex (shoal_crc32c (0, "123456789", 9), ==, 0xe3069283);
  g_assert_cmphex (shoal_crc32c (shoal_crc32c (0, "1234", 4), "56789", 5), ==, 0xe3069283);
  g_assert_cmphex (shoal_crc32c (0, "", 0), ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/crc32c/check-value", test_check_value);

  return g_test_run ();
}
