/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions and answers of name servers: what is asked, aliases, compression, and what is not
 * believed. */

#include "shoal-dns.h"
#include "shoal-test.h"

#include <string.h>

#define NAME "tracker.example.org"
/* Its question, from byte 12 on: "example" at 20, "org" at 28, the end at 32. */
#define QUESTION "07 747261636b6572 07 6578616d706c65 03 6f7267 00 "
#define TYPE_A   "0001 0001 "
#define POINTER  "c00c "

static ShoalDnsResult
parse (const char     *hex,
       ShoalDnsType    type,
       ShoalDnsAnswer *answer)
{
  g_autoptr(GBytes) bytes = shoal_test_bytes (hex);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_autofree guint8 *exact = g_memdup2 (data, size);

  return shoal_dns_parse_answer (answer, exact, size, 0x1234, NAME, type);
}

static void
assert_addr (const ShoalAddr *addr,
             const char      *text)
{
  g_autofree char *got = shoal_addr_ip_to_text (addr);

  g_assert_cmpstr (got, ==, text);
}

static void
test_names (void)
{
  static const struct { const char *host; const char *name; } cases[] = {
    { "Tracker.Example.ORG", "tracker.example.org" },
    { "tracker.example.org.", "tracker.example.org" },
    { "localhost", "localhost" },
    { "_x._udp.a-b.org", "_x._udp.a-b.org" },
    { "bücher.example", "xn--bcher-kva.example" },
    { "", NULL },
    { ".", NULL },
    { "a..b", NULL },
    { ".a", NULL },
    { "a b.org", NULL },
    { "a/b", NULL },
    { "\xff\xfe", NULL },
  };
  g_autofree char *label = g_strnfill (64, 'a');
  g_autofree char *fits = g_strnfill (63, 'a');
  g_autofree char *longest = g_strdup_printf ("%s.%s.%s.%.61s", fits, fits, fits, fits);
  g_autofree char *longer = g_strdup_printf ("%s.%s.%s.%.62s", fits, fits, fits, fits);
  guint8 query[SHOAL_DNS_QUERY_MAX];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = shoal_dns_name (cases[i].host);

      g_assert_cmpstr (name, ==, cases[i].name);
    }
  g_assert_null (shoal_dns_name (label));
  g_assert_null (shoal_dns_name (longer));
  g_assert_cmpuint (shoal_dns_write_query (query, 1, longest, SHOAL_DNS_A), ==, 12 + 255 + 4);
}

static void
test_query (void)
{
  g_autoptr(GBytes) expected = shoal_test_bytes ("1234 0100 0001 0000 0000 0000 " QUESTION
                                                 "001c 0001");
  guint8 query[SHOAL_DNS_QUERY_MAX];
  gsize size = shoal_dns_write_query (query, 0x1234, NAME, SHOAL_DNS_AAAA);
  g_autoptr(GBytes) got = g_bytes_new (query, size);

  g_assert_true (g_bytes_equal (got, expected));
}

static void
test_addresses (void)
{
  ShoalDnsAnswer answer;

  g_assert_cmpint (parse ("1234 8180 0001 0003 0000 0000 " QUESTION TYPE_A POINTER
                          "0001 0001 00000e10 0004 c0000201 " POINTER
                          "0001 0001 00000708 0004 c0000202 "
                          /* Another name's, of no interest. */
                          "c014 0001 0001 00000001 0004 c0000203",
                          SHOAL_DNS_A, &answer),
                   ==, SHOAL_DNS_ANSWER);
  g_assert_cmpuint (answer.n_addrs, ==, 2);
  assert_addr (&answer.addrs[0], "192.0.2.1");
  assert_addr (&answer.addrs[1], "192.0.2.2");
  g_assert_cmpuint (answer.ttl_s, ==, 1800);

  g_assert_cmpint (parse ("1234 8180 0001 0001 0000 0000 07 545261434b6572 07 6578616d706c65 03 "
                          "6f7267 00 001c 0001"
                          POINTER "001c 0001 0000003c 0010 20010db8000000000000000000000007",
                          SHOAL_DNS_AAAA, &answer), ==, SHOAL_DNS_ANSWER);
  g_assert_cmpuint (answer.n_addrs, ==, 1);
  assert_addr (&answer.addrs[0], "2001:db8::7");
}

static void
test_aliases (void)
{
  ShoalDnsAnswer answer;

  /* tracker -> a.example.org -> b.org, told in the wrong order. */
  g_assert_cmpint (parse ("1234 8180 0001 0003 0000 0000 " QUESTION TYPE_A
                          "01 62 c01c 0001 0001 00000e10 0004 c0000209 " POINTER
                          "0005 0001 00000708 0004 0161 c014 "
                          "01 61 c014 0005 0001 0000000a 0004 0162 c01c",
                          SHOAL_DNS_A, &answer),
                   ==, SHOAL_DNS_ANSWER);
  g_assert_cmpuint (answer.n_addrs, ==, 1);
  assert_addr (&answer.addrs[0], "192.0.2.9");
  g_assert_cmpuint (answer.ttl_s, ==, 10);

  /* An alias of itself ends, and has no address. */
  g_assert_cmpint (parse ("1234 8180 0001 0001 0000 0000 " QUESTION TYPE_A POINTER
                          "0005 0001 00000708 0002 c00c",
                          SHOAL_DNS_A, &answer),
                   ==, SHOAL_DNS_ANSWER);
  g_assert_cmpuint (answer.n_addrs, ==, 0);
}

static void
test_refusals (void)
{
  static const struct { const char *hex; ShoalDnsResult result; } cases[] = {
    { "1234 8183 0001 0000 0000 0000 " QUESTION TYPE_A, SHOAL_DNS_NO_NAME },
    { "1234 8182 0001 0000 0000 0000 " QUESTION TYPE_A, SHOAL_DNS_FAILED },
    { "1234 8185 0001 0000 0000 0000 " QUESTION TYPE_A, SHOAL_DNS_FAILED },
    { "1234 8181 0000 0000 0000 0000", SHOAL_DNS_FAILED },
    { "1234 8380 0001 0000 0000 0000 " QUESTION TYPE_A, SHOAL_DNS_TRUNCATED },
    { "1234 8180 0001 0000 0000 0000 " QUESTION TYPE_A, SHOAL_DNS_ANSWER },
    /* Not the answer to what was asked. */
    { "1235 8180 0001 0000 0000 0000 " QUESTION TYPE_A, SHOAL_DNS_NOT_OURS },
    { "1234 0180 0001 0000 0000 0000 " QUESTION TYPE_A, SHOAL_DNS_NOT_OURS },
    { "1234 8980 0001 0000 0000 0000 " QUESTION TYPE_A, SHOAL_DNS_NOT_OURS },
    { "1234 8180 0001 0000 0000 0000 " QUESTION "001c 0001", SHOAL_DNS_NOT_OURS },
    { "1234 8180 0001 0000 0000 0000 " QUESTION "0001 0003", SHOAL_DNS_NOT_OURS },
    { "1234 8180 0001 0000 0000 0000 05 7472616b65 07 6578616d706c65 03 6f7267 00 " TYPE_A,
      SHOAL_DNS_NOT_OURS },
    { "1234 8183 0000 0000 0000 0000", SHOAL_DNS_NOT_OURS },
    { "1234 8180 0001 0000 0000", SHOAL_DNS_NOT_OURS },
    { "", SHOAL_DNS_NOT_OURS },
    /* Malformed behind the question. */
    { "1234 8180 0001 0001 0000 0000 " QUESTION TYPE_A POINTER "0001 0001 00000708 0004 c00002",
      SHOAL_DNS_FAILED },
    { "1234 8180 0001 0001 0000 0000 " QUESTION TYPE_A "c025 0001 0001 00000708 0004 c0000201",
      SHOAL_DNS_FAILED },
    { "1234 8180 0001 0001 0000 0000 " QUESTION TYPE_A "ffff 0001 0001 00000708 0004 c0000201",
      SHOAL_DNS_FAILED },
    { "1234 8180 0001 0001 0000 0000 " QUESTION TYPE_A "80 0001 0001 00000708 0004 c0000201",
      SHOAL_DNS_FAILED },
    { "1234 8180 0001 0001 0000 0000 " QUESTION TYPE_A POINTER "0005 0001 00000708 0003 c00c 00",
      SHOAL_DNS_FAILED },
    { "1234 8180 0001 ffff 0000 0000 " QUESTION TYPE_A POINTER "0001 0001 00000708 0004 c0000201",
      SHOAL_DNS_FAILED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalDnsAnswer answer;

      g_test_message ("case %u", i);
      g_assert_cmpint (parse (cases[i].hex, SHOAL_DNS_A, &answer), ==, cases[i].result);
      g_assert_cmpuint (answer.n_addrs, ==, 0);
    }
}

static void
test_many (void)
{
  g_autoptr(GString) hex = g_string_new ("1234 8180 0001 0064 0000 0000 " QUESTION TYPE_A);
  ShoalDnsAnswer answer;

  for (guint i = 0; i < 100; i++)
    g_string_append_printf (hex, POINTER "0001 0001 ffffffff 0004 0a0000%02x ", i);
  g_assert_cmpint (parse (hex->str, SHOAL_DNS_A, &answer), ==, SHOAL_DNS_ANSWER);
  g_assert_cmpuint (answer.n_addrs, ==, SHOAL_DNS_ADDRS_MAX);
  g_assert_cmpuint (answer.ttl_s, ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/dns/names", test_names);
  g_test_add_func ("/wire/dns/query", test_query);
  g_test_add_func ("/wire/dns/addresses", test_addresses);
  g_test_add_func ("/wire/dns/aliases", test_aliases);
  g_test_add_func ("/wire/dns/refusals", test_refusals);
  g_test_add_func ("/wire/dns/many", test_many);

  return g_test_run ();
}
