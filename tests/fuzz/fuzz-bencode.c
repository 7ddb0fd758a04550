/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: any bytes as bencode, walked whole and written again. */

#include "shoal-bencode.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static guint64
walk (ShoalBencodeNode node)
{
  g_autofree char *text = shoal_bencode_text (node);
  gsize raw_size, key_size;
  const guint8 *raw = shoal_bencode_raw (node, &raw_size);
  const guint8 *key = shoal_bencode_key (node, &key_size);
  guint64 sum = (guint64) shoal_bencode_int (node, 1) + (text != NULL ? strlen (text) : 0);
  guint count = 0;

  g_assert_true (raw != NULL && raw_size > 1);
  for (gsize i = 0; i < raw_size; i++)
    sum += raw[i];
  for (gsize i = 0; i < key_size; i++)
    sum += key[i];
  for (ShoalBencodeNode item = shoal_bencode_first (node);
       shoal_bencode_type (item) != SHOAL_BENCODE_NONE; item = shoal_bencode_next (item))
    {
      sum += walk (item);
      count++;
    }
  g_assert_cmpuint (count, ==, shoal_bencode_count (node));

  return sum;
}

/* What was written is canonical: reading and writing it again changes nothing. */
static void
check_writing (const ShoalBencode *doc)
{
  g_auto (ShoalWriter) once = { 0 };
  g_auto (ShoalWriter) twice = { 0 };
  g_autoptr (ShoalBencode) again = NULL;

  shoal_bencode_write_node (&once, shoal_bencode_root (doc));
  again = shoal_bencode_parse (once.data, once.size, NULL, NULL);
  g_assert_nonnull (again);
  shoal_bencode_write_node (&twice, shoal_bencode_root (again));
  g_assert_cmpmem (once.data, once.size, twice.data, twice.size);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  g_autoptr (GError) error = NULL;
  gsize used = 0;
  g_autoptr (ShoalBencode) doc = shoal_bencode_parse (data, size, &used, &error);
  ShoalBencodeNode root = shoal_bencode_root (doc);

  g_assert_true ((doc == NULL) == (error != NULL));
  if (doc == NULL)
    return 0;
  g_assert_cmpuint (used, <=, size);
  walk (root);
  shoal_bencode_get (shoal_bencode_get (root, "info"), "");
  check_writing (doc);

  return 0;
}
