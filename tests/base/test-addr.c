/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses: text, compact forms, system structures, kinds, order and priority. */

#include "shoal-addr.h"
#include "shoal-rng.h"
#include "shoal-test.h"

#include <netinet/in.h>
#include <string.h>

static ShoalAddr
addr (const char *text)
{
  ShoalAddr self;

  g_assert_true (shoal_addr_parse (&self, text, 1));

  return self;
}

static void
test_parse (void)
{
  static const struct
  {
    const char *text;
    guint16     default_port;
    const char *expected;   /* NULL: refused */
  } cases[] = {
    { "1.2.3.4:80", 0, "1.2.3.4:80" },
    { "1.2.3.4:65535", 0, "1.2.3.4:65535" },
    { "1.2.3.4:0", 0, "1.2.3.4:0" },
    { "1.2.3.4", 6881, "1.2.3.4:6881" },
    { "1.2.3.4:80", 6881, "1.2.3.4:80" },
    { "[::1]:80", 0, "[::1]:80" },
    { "[2001:db8::5]", 6881, "[2001:db8::5]:6881" },
    { "2001:db8::5", 6881, "[2001:db8::5]:6881" },
    { "::", 6881, "[::]:6881" },
    { "[::ffff:1.2.3.4]:80", 0, "1.2.3.4:80" },
    { "[1111:2222:3333:4444:5555:6666:7777:8888]:65535", 0,
      "[1111:2222:3333:4444:5555:6666:7777:8888]:65535" },
    { "1.2.3.4", 0, NULL },
    { "[::1]", 0, NULL },
    { "::1", 0, NULL },
    { "1.2.3.4:", 1, NULL },
    { "1.2.3.4:65536", 0, NULL },
    { "1.2.3.4:000080", 0, NULL },
    { "1.2.3.4:-1", 0, NULL },
    { "1.2.3.4:+1", 0, NULL },
    { "1.2.3.4: 1", 0, NULL },
    { "1.2.3.4:1x", 0, NULL },
    { "1.2.3:80", 0, NULL },
    { "1.2.3.256:80", 0, NULL },
    { " 1.2.3.4:80", 0, NULL },
    { "[1.2.3.4]:80", 0, NULL },
    { "[::1:80", 0, NULL },
    { "[::1]80", 0, NULL },
    { "[]:80", 0, NULL },
    { "[fe80::1%eth0]:80", 0, NULL },
    { "localhost:80", 0, NULL },
    { "", 1, NULL },
    { ":80", 0, NULL },
    { "[1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444]:65535", 0, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalAddr self;
      gboolean parsed = shoal_addr_parse (&self, cases[i].text, cases[i].default_port);

      g_test_message ("%s", cases[i].text);
      g_assert_cmpint (parsed, ==, cases[i].expected != NULL);
      if (parsed)
        {
          g_autofree char *text = shoal_addr_to_text (&self);

          g_assert_cmpstr (text, ==, cases[i].expected);
        }
    }
}

static void
test_ip_text (void)
{
  ShoalAddr v4 = addr ("10.0.0.1:5");
  ShoalAddr v6 = addr ("[2001:DB8::1]:5");
  g_autofree char *text4 = shoal_addr_ip_to_text (&v4);
  g_autofree char *text6 = shoal_addr_ip_to_text (&v6);

  g_assert_cmpstr (text4, ==, "10.0.0.1");
  g_assert_cmpstr (text6, ==, "2001:db8::1");
}

static void
test_compact (void)
{
  g_autoptr(GBytes) bytes4 = shoal_test_bytes ("01020304 1ae1");
  g_autoptr(GBytes) bytes6 = shoal_test_bytes ("20010db8000000000000000000000001 1ae1");
  g_autoptr(GBytes) mapped = shoal_test_bytes ("00000000000000000000ffff01020304 1ae1");
  ShoalAddr self;
  ShoalAddr expected;
  guint8 out[18];

  shoal_addr_from_compact (&self, SHOAL_FAMILY_IPV4, g_bytes_get_data (bytes4, NULL));
  expected = addr ("1.2.3.4:6881");
  g_assert_true (shoal_addr_equal (&self, &expected));
  g_assert_cmpuint (shoal_addr_compact_size (&self), ==, 6);
  shoal_addr_to_compact (&self, out);
  g_assert_cmpmem (out, 6, g_bytes_get_data (bytes4, NULL), 6);

  shoal_addr_from_compact (&self, SHOAL_FAMILY_IPV6, g_bytes_get_data (mapped, NULL));
  g_assert_true (shoal_addr_equal (&self, &expected));

  shoal_addr_from_compact (&self, SHOAL_FAMILY_IPV6, g_bytes_get_data (bytes6, NULL));
  expected = addr ("[2001:db8::1]:6881");
  g_assert_true (shoal_addr_equal (&self, &expected));
  g_assert_cmpuint (shoal_addr_compact_size (&self), ==, 18);
  shoal_addr_to_compact (&self, out);
  g_assert_cmpmem (out, 18, g_bytes_get_data (bytes6, NULL), 18);
}

static void
test_sockaddr (void)
{
  static const char *const texts[] = { "1.2.3.4:80", "[2001:db8::9]:443", "[::1]:1" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      ShoalAddr self = addr (texts[i]);
      ShoalAddr back;
      struct sockaddr_storage storage;
      socklen_t size = shoal_addr_to_sockaddr (&self, &storage);

      g_assert_true (shoal_addr_from_sockaddr (&back, (struct sockaddr *) &storage, size));
      g_assert_true (shoal_addr_equal (&self, &back));
      g_assert_false (shoal_addr_from_sockaddr (&back, (struct sockaddr *) &storage, size - 1));
      g_assert_cmpuint (back.family, ==, SHOAL_FAMILY_NONE);
    }
}

static void
test_sockaddr_mapped (void)
{
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = g_htons (80) };
  struct sockaddr other = { .sa_family = AF_UNIX };
  ShoalAddr expected = addr ("9.8.7.6:80");
  ShoalAddr self;

  memcpy (in6.sin6_addr.s6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x09\x08\x07\x06", 16);
  g_assert_true (shoal_addr_from_sockaddr (&self, (struct sockaddr *) &in6, sizeof in6));
  g_assert_true (shoal_addr_equal (&self, &expected));

  g_assert_false (shoal_addr_from_sockaddr (&self, &other, sizeof other));
  g_assert_false (shoal_addr_from_sockaddr (&self, &other, 0));
}

static void
test_kinds (void)
{
  static const struct
  {
    const char *text;
    gboolean    usable;
    gboolean    local;
    gboolean    loopback;
  } cases[] = {
    { "8.8.8.8:80", TRUE, FALSE, FALSE },
    { "8.8.8.8:0", FALSE, FALSE, FALSE },
    { "0.0.0.0:80", FALSE, FALSE, FALSE },
    { "224.0.0.1:80", FALSE, FALSE, FALSE },
    { "239.255.255.255:80", FALSE, FALSE, FALSE },
    { "255.255.255.255:80", FALSE, FALSE, FALSE },
    { "127.0.0.1:80", TRUE, TRUE, TRUE },
    { "127.9.9.9:80", TRUE, TRUE, TRUE },
    { "10.1.1.1:80", TRUE, TRUE, FALSE },
    { "172.15.1.1:80", TRUE, FALSE, FALSE },
    { "172.16.1.1:80", TRUE, TRUE, FALSE },
    { "172.31.1.1:80", TRUE, TRUE, FALSE },
    { "172.32.1.1:80", TRUE, FALSE, FALSE },
    { "192.168.1.1:80", TRUE, TRUE, FALSE },
    { "192.169.1.1:80", TRUE, FALSE, FALSE },
    { "169.254.1.1:80", TRUE, TRUE, FALSE },
    { "[2001:db8::1]:80", TRUE, FALSE, FALSE },
    { "[2001:db8::1]:0", FALSE, FALSE, FALSE },
    { "[::]:80", FALSE, FALSE, FALSE },
    { "[::1]:80", TRUE, TRUE, TRUE },
    { "[::2]:80", TRUE, FALSE, FALSE },
    { "[ff02::1]:80", FALSE, FALSE, FALSE },
    { "[fe80::1]:80", TRUE, TRUE, FALSE },
    { "[febf::1]:80", TRUE, TRUE, FALSE },
    { "[fec0::1]:80", TRUE, FALSE, FALSE },
    { "[fc00::1]:80", TRUE, TRUE, FALSE },
    { "[fd12::1]:80", TRUE, TRUE, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalAddr self = addr (cases[i].text);

      g_test_message ("%s", cases[i].text);
      g_assert_cmpint (shoal_addr_is_usable (&self), ==, cases[i].usable);
      g_assert_cmpint (shoal_addr_is_local (&self), ==, cases[i].local);
      g_assert_cmpint (shoal_addr_is_loopback (&self), ==, cases[i].loopback);
    }
}

static void
test_order (void)
{
  static const char *const ordered[] = {
    "1.2.3.4:80", "1.2.3.4:81", "1.2.3.4:65535", "1.2.3.5:1", "200.0.0.0:1",
    "[::1]:80", "[::1]:81", "[2001::]:1",
  };
  g_autoptr(GHashTable) table = g_hash_table_new (shoal_addr_hash, shoal_addr_equal);
  ShoalAddr addrs[G_N_ELEMENTS (ordered)];

  for (guint i = 0; i < G_N_ELEMENTS (ordered); i++)
    {
      addrs[i] = addr (ordered[i]);
      g_hash_table_add (table, &addrs[i]);
    }
  g_assert_cmpuint (g_hash_table_size (table), ==, G_N_ELEMENTS (ordered));

  for (guint i = 0; i < G_N_ELEMENTS (ordered); i++)
    {
      for (guint j = 0; j < G_N_ELEMENTS (ordered); j++)
        {
          int order = shoal_addr_compare (&addrs[i], &addrs[j]);

          g_assert_cmpint ((order > 0) - (order < 0), ==, (i > j) - (i < j));
          g_assert_cmpint (shoal_addr_equal (&addrs[i], &addrs[j]), ==, i == j);
        }
    }
  g_assert_true (shoal_addr_same_ip (&addrs[0], &addrs[2]));
  g_assert_false (shoal_addr_same_ip (&addrs[2], &addrs[3]));
}

static void
test_site (void)
{
  static const struct { const char *a; const char *b; gboolean same; } cases[] = {
    { "1.2.3.4:1", "1.2.3.4:2", TRUE },
    { "1.2.3.4:1", "1.2.3.5:1", FALSE },
    { "[2001:db8::1]:1", "[2001:db8::ffff:1]:2", TRUE },
    { "[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", FALSE },
    { "[fe80::1]:1", "[fe80::2]:1", FALSE },
    { "[fd00::1]:1", "[fd00::1]:2", TRUE },
    { "[::1]:1", "[::1]:2", TRUE },
    { "0.0.0.0:1", "[::]:1", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalAddr a = addr (cases[i].a);
      ShoalAddr b = addr (cases[i].b);
      ShoalAddr sites[] = { shoal_addr_site (&a), shoal_addr_site (&b) };

      g_assert_cmpint (shoal_addr_same_site (&a, &b), ==, cases[i].same);
      g_assert_cmpint (shoal_addr_equal (&sites[0], &sites[1]), ==, cases[i].same);
      g_assert_cmpuint (sites[0].port, ==, 0);
    }
}

/* The first two are the examples of BEP 40; the others were computed apart from the code. */
static void
test_priority (void)
{
  static const struct
  {
    const char *a;
    const char *b;
    guint32     priority;
  } cases[] = {
    { "123.213.32.10:1", "98.76.54.32:2", 0xec2d7224 },
    { "123.213.32.10:1", "123.213.32.234:2", 0x99568189 },
    { "123.213.32.10:256", "123.213.32.10:2", 0x14aa81bd },   /* the ports */
    { "10.20.30.255:1", "10.20.40.255:2", 0xed90611f },   /* the same /16 */
    /* no /48 in common */
    { "[2001:db8:1:ffff:ffff:ffff:ffff:ffff]:1", "[2001:db8:2:ffff:ffff:ffff:ffff:ffff]:2",
      0x3cb7138f },
    /* the same /48 */
    { "[2001:db8:1:f1ff:ffff:ffff:ffff:ffff]:1", "[2001:db8:1:f2ff:ffff:ffff:ffff:ffff]:2",
      0x1bf12116 },
    /* the same /56 */
    { "[2001:db8:1:fff2:ffff:ffff:ffff:ffff]:1", "[2001:db8:1:fff1:ffff:ffff:ffff:ffff]:2",
      0x8a407778 },
    { "[2001:db8::ff]:1", "[2001:db8::1]:2", 0x17e93b89 },   /* the same /120 */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalAddr a = addr (cases[i].a);
      ShoalAddr b = addr (cases[i].b);

      g_assert_cmphex (shoal_addr_priority (&a, &b), ==, cases[i].priority);
      g_assert_cmphex (shoal_addr_priority (&b, &a), ==, cases[i].priority);
    }
}

static void
test_priority_symmetric (void)
{
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint i = 0; i < 2000; i++)
    {
      guint8 ip[2][16];
      ShoalAddr a;
      ShoalAddr b;

      /* Often alike in the first bytes. */
      shoal_rng_bytes (&rng, ip[0], sizeof ip);
      memcpy (ip[1], ip[0], shoal_rng_below (&rng, 17));
      a = shoal_addr_make (i % 3 == 0 ? SHOAL_FAMILY_IPV4 : SHOAL_FAMILY_IPV6, ip[0], (guint16) i);
      b = shoal_addr_make (i % 5 == 0 ? SHOAL_FAMILY_IPV4 : SHOAL_FAMILY_IPV6, ip[1],
                           (guint16) (i * 7));
      g_assert_cmphex (shoal_addr_priority (&a, &b), ==, shoal_addr_priority (&b, &a));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/addr/parse", test_parse);
  g_test_add_func ("/addr/ip-text", test_ip_text);
  g_test_add_func ("/addr/compact", test_compact);
  g_test_add_func ("/addr/sockaddr", test_sockaddr);
  g_test_add_func ("/addr/sockaddr-mapped", test_sockaddr_mapped);
  g_test_add_func ("/addr/kinds", test_kinds);
  g_test_add_func ("/addr/order", test_order);
  g_test_add_func ("/addr/site", test_site);
  g_test_add_func ("/addr/priority", test_priority);
  g_test_add_func ("/addr/priority-symmetric", test_priority_symmetric);

  return g_test_run ();
}
