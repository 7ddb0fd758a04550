/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing: byte order, growth, formatted text, stealing. */

#include "shoal-reader.h"
#include "shoal-rng.h"
#include "shoal-test.h"
#include "shoal-writer.h"

static void
test_numbers (void)
{
  g_auto(ShoalWriter) writer = { 0 };
  g_autoptr(GBytes) expected = shoal_test_bytes ("01 0203 04050607 08090a0b0c0d0e0f 616263 000000");

  shoal_writer_u8 (&writer, 0x01);
  shoal_writer_u16 (&writer, 0x0203);
  shoal_writer_u32 (&writer, 0x04050607);
  shoal_writer_u64 (&writer, G_GUINT64_CONSTANT (0x08090a0b0c0d0e0f));
  shoal_writer_text (&writer, "abc");
  shoal_writer_bytes (&writer, "\0\0\0", 3);
  shoal_writer_bytes (&writer, NULL, 0);

  g_assert_cmpmem (writer.data, writer.size,
                   g_bytes_get_data (expected, NULL), g_bytes_get_size (expected));
}

static void
test_put (void)
{
  static const guint8 expected[] = { 0xff, 0x01, 0x03, 0x04, 0x05, 0x06, 0x07, 0xff };
  guint8 bytes[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
  guint8 *at = shoal_put (bytes + 1, 0xaa01, 1);

  at = shoal_put (at, 0x0302, 0);
  at = shoal_put (at, 0x03, 1);
  at = shoal_put (at, 0x04050607, 4);
  g_assert_true (at == bytes + 7);
  g_assert_cmpmem (bytes, sizeof bytes, expected, sizeof expected);
}

static void
test_format (void)
{
  g_auto(ShoalWriter) writer = { 0 };
  g_autofree char *long_text = g_strnfill (1000, 'x');

  /* Around the size at which the text no longer fits in the writer's own buffer. */
  for (int size = 120; size < 136; size++)
    {
      shoal_writer_clear (&writer);
      shoal_writer_format (&writer, "%.*s", size, long_text);
      g_assert_cmpmem (writer.data, writer.size, long_text, size);
    }

  shoal_writer_clear (&writer);
  shoal_writer_format (&writer, "d%d:%se", 3, "abc");
  shoal_writer_format (&writer, "%s", "");
  g_assert_cmpmem (writer.data, writer.size, "d3:abce", 7);
}

static void
test_space (void)
{
  g_auto(ShoalWriter) writer = { 0 };
  guint8 *space;

  shoal_writer_u8 (&writer, 7);
  space = shoal_writer_space (&writer, 5000);
  memset (space, 9, 5000);
  shoal_writer_u8 (&writer, 8);

  g_assert_cmpuint (writer.size, ==, 5002);
  g_assert_cmpuint (writer.data[0], ==, 7);
  g_assert_cmpuint (writer.data[5000], ==, 9);
  g_assert_cmpuint (writer.data[5001], ==, 8);
}

static void
test_steal (void)
{
  g_auto(ShoalWriter) writer = { 0 };
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(GBytes) empty = NULL;

  shoal_writer_text (&writer, "spam");
  bytes = shoal_writer_steal (&writer);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "spam", 4);
  g_assert_cmpuint (writer.size, ==, 0);
  g_assert_null (writer.data);

  empty = shoal_writer_steal (&writer);
  g_assert_cmpuint (g_bytes_get_size (empty), ==, 0);
}

/* What a writer wrote, a reader reads. */
static void
test_round_trip (void)
{
  g_auto(ShoalWriter) writer = { 0 };
  ShoalRng rng;
  ShoalRng again;
  ShoalReader reader;

  shoal_rng_init (&rng, shoal_test_seed ());
  again = rng;

  for (guint i = 0; i < 2000; i++)
    {
      guint64 value = shoal_rng_next (&rng);

      switch (value % 4)
        {
        case 0: shoal_writer_u8 (&writer, (guint8) (value >> 8)); break;
        case 1: shoal_writer_u16 (&writer, (guint16) (value >> 8)); break;
        case 2: shoal_writer_u32 (&writer, (guint32) (value >> 8)); break;
        default: shoal_writer_u64 (&writer, value); break;
        }
    }

  reader = shoal_reader (writer.data, writer.size);
  for (guint i = 0; i < 2000; i++)
    {
      guint64 value = shoal_rng_next (&again);

      switch (value % 4)
        {
        case 0: g_assert_cmphex (shoal_reader_u8 (&reader), ==, (guint8) (value >> 8)); break;
        case 1: g_assert_cmphex (shoal_reader_u16 (&reader), ==, (guint16) (value >> 8)); break;
        case 2: g_assert_cmphex (shoal_reader_u32 (&reader), ==, (guint32) (value >> 8)); break;
        default: g_assert_cmphex (shoal_reader_u64 (&reader), ==, value); break;
        }
    }
  g_assert_true (shoal_reader_done (&reader));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/writer/numbers", test_numbers);
  g_test_add_func ("/writer/put", test_put);
  g_test_add_func ("/writer/format", test_format);
  g_test_add_func ("/writer/space", test_space);
  g_test_add_func ("/writer/steal", test_steal);
  g_test_add_func ("/writer/round-trip", test_round_trip);

  return g_test_run ();
}
