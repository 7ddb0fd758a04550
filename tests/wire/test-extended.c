/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extension messages: what is said, what is not, and what is nonsense. */

#include "shoal-extended.h"
#include <string.h>

static gboolean
parse (ShoalExtendedHandshake *out,
       const char             *text)
{
  /* A copy of its own size, so that a read behind its end is seen. */
  gsize size = strlen (text);
  g_autofree guint8 *copy = g_memdup2 (text, size);

  return shoal_extended_handshake_parse (out, copy, size);
}

static void
test_full (void)
{
  ShoalExtendedHandshake got;

  g_assert_true (parse (&got,
                        "d1:md11:lt_donthavei7e11:upload_onlyi4e11:ut_metadatai3e6:ut_pexi1ee13:metadata_sizei31235e"
                        "1:pi6881e4:reqqi500e11:upload_onlyi1e1:v18:Transmission "
                        "4.0.56:yourip4:\x7f\x01\x01\x01" "e"));
  g_assert_cmpuint (got.numbers[SHOAL_EXTENDED_METADATA], ==, 3);
  g_assert_cmpuint (got.numbers[SHOAL_EXTENDED_DONTHAVE], ==, 7);
  g_assert_cmpuint (got.numbers[SHOAL_EXTENDED_UPLOAD_ONLY], ==, 4);
  g_assert_true (got.has[SHOAL_EXTENDED_METADATA]);
  g_assert_cmpuint (got.metadata_size, ==, 31235);
  g_assert_cmpuint (got.port, ==, 6881);
  g_assert_cmpuint (got.reqq, ==, 500);
  g_assert_cmpint (got.upload_only, ==, 1);
  g_assert_cmpstr (got.client, ==, "Transmission 4.0.5");
  g_assert_cmpint (got.your_ip.family, ==, SHOAL_FAMILY_IPV4);
  g_assert_cmpuint (got.your_ip.ip[0], ==, 127);
  shoal_extended_handshake_clear (&got);
}

static void
test_empty (void)
{
  ShoalExtendedHandshake got;

  g_assert_true (parse (&got, "de"));
  for (guint i = 0; i < SHOAL_N_EXTENDED; i++)
    g_assert_false (got.has[i]);
  g_assert_cmpint (got.upload_only, ==, -1);
  g_assert_null (got.client);
  g_assert_cmpint (got.your_ip.family, ==, SHOAL_FAMILY_NONE);
}

/* A later handshake may switch an extension off. */
static void
test_switched_off (void)
{
  ShoalExtendedHandshake got;

  g_assert_true (parse (&got, "d1:md11:ut_metadatai0eee"));
  g_assert_true (got.has[SHOAL_EXTENDED_METADATA]);
  g_assert_false (got.has[SHOAL_EXTENDED_DONTHAVE]);
  g_assert_cmpuint (got.numbers[SHOAL_EXTENDED_METADATA], ==, 0);
}

static void
test_odd_values (void)
{
  ShoalExtendedHandshake got;

  g_assert_true (parse (&got,
                        "d1:md11:ut_metadatai300ee13:metadata_sizei-5e1:pi99999e4:reqqi-1e11:upload_only1:x"
                        "1:vi5e6:yourip3:abce"));
  g_assert_cmpuint (got.numbers[SHOAL_EXTENDED_METADATA], ==, 0);
  g_assert_cmpuint (got.metadata_size, ==, 0);
  g_assert_cmpuint (got.port, ==, 0);
  g_assert_cmpuint (got.reqq, ==, 0);
  g_assert_cmpint (got.upload_only, ==, -1);
  g_assert_null (got.client);
  g_assert_cmpint (got.your_ip.family, ==, SHOAL_FAMILY_NONE);

  g_assert_true (parse (&got, "d13:metadata_sizei67108864ee"));
  g_assert_cmpuint (got.metadata_size, ==, SHOAL_METADATA_SIZE_MAX);
  g_assert_true (parse (&got, "d13:metadata_sizei67108865ee"));
  g_assert_cmpuint (got.metadata_size, ==, 0);
  g_assert_true (parse (&got, "d1:m3:abce"));
  g_assert_true (parse (&got, "detrailing"));
}

static void
test_malformed (void)
{
  static const char *const bad[] = {
    "", "d", "le", "i5e", "4:spam", "d1:m", "d1:md11:ut_metadatai3ee", "<html>"
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      ShoalExtendedHandshake got;

      g_assert_false (parse (&got, bad[i]));
    }
}

static void
test_long_name (void)
{
  g_autoptr (GString) text = g_string_new ("d1:v300:");
  ShoalExtendedHandshake got;

  for (guint i = 0; i < 100; i++)
    g_string_append (text, "€");
  g_string_append_c (text, 'e');
  g_assert_true (parse (&got, text->str));
  g_assert_cmpuint (strlen (got.client), ==, 63);
  g_assert_true (g_utf8_validate (got.client, -1, NULL));
  shoal_extended_handshake_clear (&got);
}

static void
test_write (void)
{
  static const guint8 ip[] = { 10, 0, 0, 1 };
  ShoalExtendedHandshake said = {
    .numbers = { 0, 1, 2, 3 },
    .has = { FALSE, TRUE, TRUE, TRUE },
    .client = (char *) "Shoal 0.1.0",
    .port = 51413,
    .reqq = 512,
    .metadata_size = 1000,
    .upload_only = -1,
  };
  g_autoptr (GBytes) plain = shoal_extended_handshake_write (&said);
  g_autoptr (GBytes) full = NULL;
  const char *expected =
    "d1:md11:lt_donthavei2e11:upload_onlyi3e11:ut_metadatai1ee13:metadata_sizei1000e1:pi51413e"
    "4:reqqi512e1:v11:Shoal 0.1.0e";
  ShoalExtendedHandshake got;

  g_assert_cmpmem (g_bytes_get_data (plain, NULL), g_bytes_get_size (plain), expected,
                   strlen (expected));

  said.upload_only = 0;
  said.your_ip = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 0);
  full = shoal_extended_handshake_write (&said);
  g_assert_true (shoal_extended_handshake_parse (&got, g_bytes_get_data (full, NULL),
                                                 g_bytes_get_size (full)));
  g_assert_cmpint (got.upload_only, ==, 0);
  g_assert_true (shoal_addr_same_ip (&got.your_ip, &said.your_ip));
  shoal_extended_handshake_clear (&got);
}

static gboolean
parse_metadata (ShoalMetadataMessage *out,
                const char           *head,
                gsize                 n_data)
{
  static guint8 bytes[2 * SHOAL_METADATA_PART_SIZE];
  gsize size = strlen (head);

  memcpy (bytes, head, size);
  memset (bytes + size, 'x', n_data);

  return shoal_metadata_message_parse (out, bytes, size + n_data);
}

static void
test_metadata (void)
{
  ShoalMetadataMessage got;

  g_assert_true (parse_metadata (&got, "d8:msg_typei0e5:piecei3ee", 0));
  g_assert_cmpint (got.type, ==, SHOAL_METADATA_REQUEST);
  g_assert_cmpuint (got.part, ==, 3);
  g_assert_true (parse_metadata (&got, "d8:msg_typei2e5:piecei0ee", 0));
  g_assert_cmpint (got.type, ==, SHOAL_METADATA_REJECT);
  g_assert_true (parse_metadata (&got, "d8:msg_typei9ee", 0));
  g_assert_cmpint (got.type, ==, SHOAL_METADATA_OTHER);

  g_assert_true (parse_metadata (&got, "d8:msg_typei1e5:piecei0e10:total_sizei20000ee",
                                 SHOAL_METADATA_PART_SIZE));
  g_assert_cmpint (got.type, ==, SHOAL_METADATA_DATA);
  g_assert_cmpuint (got.data_size, ==, SHOAL_METADATA_PART_SIZE);
  g_assert_cmpuint (got.data[0], ==, 'x');
  g_assert_true (parse_metadata (&got, "d8:msg_typei1e5:piecei1e10:total_sizei20000ee",
                                 20000 - SHOAL_METADATA_PART_SIZE));
  g_assert_true (parse_metadata (&got, "d8:msg_typei1e5:piecei0ee", 100));
}

static void
test_metadata_malformed (void)
{
  ShoalMetadataMessage got;

  g_assert_false (parse_metadata (&got, "", 0));
  g_assert_false (parse_metadata (&got, "de", 0));
  g_assert_false (parse_metadata (&got, "d8:msg_typei-1e5:piecei0ee", 0));
  g_assert_false (parse_metadata (&got, "d8:msg_typei0ee", 0));
  g_assert_false (parse_metadata (&got, "d8:msg_typei0e5:piecei-1ee", 0));
  g_assert_false (parse_metadata (&got, "d8:msg_typei0e5:piecei4096ee", 0));
  g_assert_false (parse_metadata (&got, "d8:msg_typei1e5:piecei0ee", 0));
  g_assert_false (parse_metadata (&got, "d8:msg_typei1e5:piecei0ee", SHOAL_METADATA_PART_SIZE + 1));
  g_assert_false (parse_metadata (&got, "d8:msg_typei1e5:piecei1e10:total_sizei20000ee",
                                  SHOAL_METADATA_PART_SIZE));
  g_assert_false (parse_metadata (&got, "d8:msg_typei1e5:piecei2e10:total_sizei20000ee", 1));
}

static void
test_metadata_write (void)
{
  ShoalMetadataMessage said = { SHOAL_METADATA_DATA, 1, SHOAL_METADATA_PART_SIZE + 3,
                                (const guint8 *) "abc", 3 };
  g_autoptr (GBytes) bytes = shoal_metadata_message_write (&said);
  const char *expected = "d8:msg_typei1e5:piecei1e10:total_sizei16387eeabc";
  ShoalMetadataMessage got;

  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), expected,
                   strlen (expected));
  g_assert_true (shoal_metadata_message_parse (&got, g_bytes_get_data (bytes, NULL),
                                               g_bytes_get_size (bytes)));
  g_assert_cmpmem (got.data, got.data_size, "abc", 3);
}

static void
test_small (void)
{
  guint32 piece;
  gboolean upload_only;

  g_assert_true (shoal_donthave_parse (&piece, (const guint8 *) "\0\0\1\2", 4));
  g_assert_cmpuint (piece, ==, 258);
  g_assert_false (shoal_donthave_parse (&piece, (const guint8 *) "\0\0\1\2", 3));
  g_assert_false (shoal_donthave_parse (&piece, (const guint8 *) "\0\0\1\2\3", 5));
  g_assert_true (shoal_upload_only_parse (&upload_only, (const guint8 *) "\1", 1));
  g_assert_true (upload_only);
  g_assert_true (shoal_upload_only_parse (&upload_only, (const guint8 *) "\0", 1));
  g_assert_false (upload_only);
  g_assert_false (shoal_upload_only_parse (&upload_only, (const guint8 *) "", 0));
  g_assert_false (shoal_upload_only_parse (&upload_only, (const guint8 *) "\0\0", 2));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/extended/full", test_full);
  g_test_add_func ("/wire/extended/empty", test_empty);
  g_test_add_func ("/wire/extended/switched-off", test_switched_off);
  g_test_add_func ("/wire/extended/odd-values", test_odd_values);
  g_test_add_func ("/wire/extended/malformed", test_malformed);
  g_test_add_func ("/wire/extended/long-name", test_long_name);
  g_test_add_func ("/wire/extended/write", test_write);
  g_test_add_func ("/wire/extended/metadata", test_metadata);
  g_test_add_func ("/wire/extended/metadata-malformed", test_metadata_malformed);
  g_test_add_func ("/wire/extended/metadata-write", test_metadata_write);
  g_test_add_func ("/wire/extended/small", test_small);

  return g_test_run ();
}
