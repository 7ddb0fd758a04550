/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PCP and NAT-PMP: exact packets, answers of every size, refusals. */

#include "shoal-pcp.h"
#include <string.h>

static ShoalPcpMap
make_map (void)
{
  const guint8 ip[4] = { 192, 168, 1, 7 };
  ShoalPcpMap map = {
    .client = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 0),
    .transport = SHOAL_TRANSPORT_UDP,
    .internal = 6881,
    .external = 6882,
    .lifetime_s = 3600,
  };

  memcpy (map.nonce, "abcdefghijkl", SHOAL_PCP_NONCE_SIZE);

  return map;
}

static void
test_pcp_request (void)
{
  static const guint8 wanted[] = {
    2, 1, 0, 0, 0, 0, 0x0e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 1, 7,
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 17, 0, 0, 0, 0x1a, 0xe1, 0x1a, 0xe2,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0,
  };
  guint8 out[SHOAL_PCP_MAP_SIZE];
  ShoalPcpMap map = make_map ();

  g_assert_cmpmem (out, shoal_pcp_write_map (out, &map), wanted, sizeof wanted);

  /* IPv6 addresses stand as they are. */
  g_assert_true (shoal_addr_parse (&map.client, "2001:db8::7", 1));
  shoal_pcp_write_map (out, &map);
  g_assert_cmpmem (out + 8, 16, map.client.ip, 16);
  g_assert_cmpmem (out + 44, 16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

static void
test_nat_pmp_request (void)
{
  guint8 out[SHOAL_NAT_PMP_SIZE_MAX];
  ShoalPcpMap map = make_map ();

  g_assert_cmpmem (out, shoal_nat_pmp_write_address (out), "\0\0", 2);
  g_assert_cmpmem (out, shoal_nat_pmp_write_map (out, &map), "\0\1\0\0\x1a\xe1\x1a\xe2\0\0\x0e\x10",
                   12);
  map.transport = SHOAL_TRANSPORT_TCP;
  map.lifetime_s = 0;
  g_assert_cmpmem (out, shoal_nat_pmp_write_map (out, &map), "\0\2\0\0\x1a\xe1\0\0\0\0\0\0", 12);
}

static void
test_pcp_answer (void)
{
  guint8 bytes[64] = { 2,    0x81, 0,           0,    0,          0,        0,           120,
                       0,    0,    1,           0,    [24] = 'n', [36] = 6, [40] = 0x1a, 0xe1,
                       0x1a, 0xe2, [54] = 0xff, 0xff, 203,        0,        113,         5 };
  ShoalPcpAnswer got;
  g_autofree char *text = NULL;

  for (gsize size = 0; size < 60; size++)
    g_assert_false (shoal_pcp_parse_answer (&got, bytes, size));
  g_assert_true (shoal_pcp_parse_answer (&got, bytes, 60));
  g_assert_cmpint (got.kind, ==, SHOAL_PCP_ANSWER_MAP);
  g_assert_cmpuint (got.result, ==, 0);
  g_assert_cmpuint (got.lifetime_s, ==, 120);
  g_assert_cmpuint (got.epoch_s, ==, 256);
  g_assert_cmpuint (got.nonce[0], ==, 'n');
  g_assert_cmpint (got.transport, ==, SHOAL_TRANSPORT_TCP);
  g_assert_cmpuint (got.internal, ==, 6881);
  text = shoal_addr_to_text (&got.external);
  g_assert_cmpstr (text, ==, "203.0.113.5:6882");
  /* Options follow and are passed over. */
  g_assert_true (shoal_pcp_parse_answer (&got, bytes, 64));

  bytes[36] = 1;
  g_assert_false (shoal_pcp_parse_answer (&got, bytes, 60));
  bytes[36] = 17;
  bytes[1] = 0x01;
  g_assert_false (shoal_pcp_parse_answer (&got, bytes, 60));
}

static void
test_pcp_refusal (void)
{
  guint8 bytes[24] = { 2, 0x81, 0, 2, 0, 0, 0, 30 };
  ShoalPcpAnswer got;

  g_assert_true (shoal_pcp_parse_answer (&got, bytes, sizeof bytes));
  g_assert_cmpint (got.kind, ==, SHOAL_PCP_ANSWER_OTHER);
  g_assert_cmpuint (got.result, ==, 2);
  g_assert_cmpuint (got.lifetime_s, ==, 30);
  g_assert_nonnull (strstr (shoal_pcp_result_text (&got), "allow"));
  bytes[3] = 200;
  g_assert_true (shoal_pcp_parse_answer (&got, bytes, sizeof bytes));
  g_assert_nonnull (shoal_pcp_result_text (&got));

  /* An announcement of the gateway, and a version to come. */
  bytes[1] = 0x80;
  bytes[3] = 0;
  g_assert_true (shoal_pcp_parse_answer (&got, bytes, sizeof bytes));
  g_assert_cmpint (got.kind, ==, SHOAL_PCP_ANSWER_OTHER);
  bytes[0] = 3;
  g_assert_true (shoal_pcp_parse_answer (&got, bytes, sizeof bytes));
  g_assert_cmpuint (got.result, ==, SHOAL_PCP_UNSUPPORTED_VERSION);
  g_assert_false (shoal_pcp_parse_answer (&got, bytes, 23));
}

static void
test_nat_pmp_answer (void)
{
  static const guint8 address[] = { 0, 128, 0, 0, 0, 0, 0, 9, 203, 0, 113, 5 };
  static const guint8 mapping[] = { 0, 130, 0, 0, 0, 0, 0, 9, 0x1a, 0xe1, 0x1a, 0xe3, 0, 0, 0, 60 };
  static const guint8 refusal[] = { 0, 129, 0, 3, 0, 0, 0, 9 };
  static const guint8 older[] = { 0, 0x81, 0, 1, 0, 0, 0, 9 };   /* to a request of PCP */
  ShoalPcpAnswer got;
  g_autofree char *text = NULL;

  g_assert_true (shoal_pcp_parse_answer (&got, address, sizeof address));
  g_assert_cmpint (got.kind, ==, SHOAL_NAT_PMP_ANSWER_ADDRESS);
  text = shoal_addr_ip_to_text (&got.external);
  g_assert_cmpstr (text, ==, "203.0.113.5");
  for (gsize size = 0; size < sizeof address; size++)
    g_assert_false (shoal_pcp_parse_answer (&got, address, size));

  g_assert_true (shoal_pcp_parse_answer (&got, mapping, sizeof mapping));
  g_assert_cmpint (got.kind, ==, SHOAL_NAT_PMP_ANSWER_MAP);
  g_assert_cmpint (got.transport, ==, SHOAL_TRANSPORT_TCP);
  g_assert_cmpuint (got.internal, ==, 6881);
  g_assert_cmpuint (got.external.port, ==, 6883);
  g_assert_cmpuint (got.lifetime_s, ==, 60);
  for (gsize size = 0; size < sizeof mapping; size++)
    g_assert_false (shoal_pcp_parse_answer (&got, mapping, size));

  g_assert_true (shoal_pcp_parse_answer (&got, refusal, sizeof refusal));
  g_assert_cmpint (got.kind, ==, SHOAL_NAT_PMP_ANSWER_OTHER);
  g_assert_nonnull (strstr (shoal_pcp_result_text (&got), "network"));
  g_assert_true (shoal_pcp_parse_answer (&got, older, sizeof older));
  g_assert_cmpint (got.kind, ==, SHOAL_NAT_PMP_ANSWER_OTHER);
  g_assert_cmpuint (got.result, ==, SHOAL_PCP_UNSUPPORTED_VERSION);
}

static void
test_too_long (void)
{
  guint8 bytes[SHOAL_PCP_PACKET_MAX + 1] = { 2, 0x80 };
  ShoalPcpAnswer got;

  g_assert_true (shoal_pcp_parse_answer (&got, bytes, sizeof bytes - 1));
  g_assert_false (shoal_pcp_parse_answer (&got, bytes, sizeof bytes));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/pcp/request", test_pcp_request);
  g_test_add_func ("/wire/pcp/nat-pmp-request", test_nat_pmp_request);
  g_test_add_func ("/wire/pcp/answer", test_pcp_answer);
  g_test_add_func ("/wire/pcp/refusal", test_pcp_refusal);
  g_test_add_func ("/wire/pcp/nat-pmp-answer", test_nat_pmp_answer);
  g_test_add_func ("/wire/pcp/too-long", test_too_long);

  return g_test_run ();
}
