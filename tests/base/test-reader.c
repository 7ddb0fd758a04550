/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading: byte order, and a failure that stays. */

#include "shoal-reader.h"
#include "shoal-test.h"

static void
test_numbers (void)
{
  g_autoptr(GBytes) bytes = shoal_test_bytes ("01 0203 04050607 08090a0b0c0d0e0f");
  ShoalReader reader = shoal_reader (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));

  g_assert_cmphex (shoal_reader_u8 (&reader), ==, 0x01);
  g_assert_cmphex (shoal_reader_u16 (&reader), ==, 0x0203);
  g_assert_cmphex (shoal_reader_u32 (&reader), ==, 0x04050607);
  g_assert_false (shoal_reader_done (&reader));
  g_assert_cmpuint (shoal_reader_left (&reader), ==, 8);
  g_assert_cmphex (shoal_reader_u64 (&reader), ==, G_GUINT64_CONSTANT (0x08090a0b0c0d0e0f));
  g_assert_true (shoal_reader_done (&reader));
}

static void
test_too_short (void)
{
  const guint8 bytes[3] = { 1, 2, 3 };
  ShoalReader reader = shoal_reader (bytes, sizeof bytes);

  g_assert_cmphex (shoal_reader_u32 (&reader), ==, 0);
  g_assert_true (reader.bad);

  /* There are three bytes, but after a failure none is given out. */
  g_assert_cmphex (shoal_reader_u8 (&reader), ==, 0);
  g_assert_null (shoal_reader_bytes (&reader, 0));
  g_assert_false (shoal_reader_done (&reader));
}

static void
test_bytes (void)
{
  const guint8 bytes[4] = { 1, 2, 3, 4 };
  ShoalReader reader = shoal_reader (bytes, sizeof bytes);
  guint8 out[3] = { 9, 9, 9 };

  g_assert_true (shoal_reader_bytes (&reader, 2) == bytes);
  shoal_reader_copy (&reader, out, 2);
  g_assert_cmpmem (out, 3, "\x03\x04\x09", 3);

  shoal_reader_copy (&reader, out, 3);
  g_assert_cmpmem (out, 3, "\0\0\0", 3);
  g_assert_true (reader.bad);
}

static void
test_huge_size (void)
{
  const guint8 bytes[4] = { 1, 2, 3, 4 };
  ShoalReader reader = shoal_reader (bytes, sizeof bytes);

  shoal_reader_u8 (&reader);
  g_assert_null (shoal_reader_bytes (&reader, G_MAXSIZE));
  g_assert_true (reader.bad);
}

static void
test_empty (void)
{
  ShoalReader reader = shoal_reader ("", 0);

  g_assert_true (shoal_reader_done (&reader));
  g_assert_nonnull (shoal_reader_bytes (&reader, 0));
  g_assert_cmphex (shoal_reader_u8 (&reader), ==, 0);
  g_assert_false (shoal_reader_done (&reader));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/reader/numbers", test_numbers);
  g_test_add_func ("/reader/too-short", test_too_short);
  g_test_add_func ("/reader/bytes", test_bytes);
  g_test_add_func ("/reader/huge-size", test_huge_size);
  g_test_add_func ("/reader/empty", test_empty);

  return g_test_run ();
}
