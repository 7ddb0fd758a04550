/* SPDX-License-Identifier: GPL-3.0-or-later */
/* URLs of proxies, handshakes word by word, datagrams of a relay. */

#include "shoal-error.h"
#include "shoal-socks.h"
#include "shoal-test.h"

#include <string.h>

static void
test_urls (void)
{
  static const struct
  {
    const char *url;
    ShoalProxyKind kind;
    const char *host;
    guint16 port;
    const char *user;
    const char *password;
    const char *again;
  } cases[] = {
    { "socks5://127.0.0.1:9050", SHOAL_PROXY_SOCKS5, "127.0.0.1", 9050, "", "",
      "socks5://192.0.2.9:9050" },
    { "socks5h://proxy.example", SHOAL_PROXY_SOCKS5, "proxy.example", 1080, "", "",
      "socks5://192.0.2.9:1080" },
    { "socks5://me:se%40cret%3A%2f@[2001:db8::1]:1", SHOAL_PROXY_SOCKS5, "2001:db8::1", 1, "me",
      "se@cret:/", "socks5://me:se%40cret%3A%2F@192.0.2.9:1" },
    { "http://proxy.example/", SHOAL_PROXY_HTTP, "proxy.example", 8080, "", "",
      "http://192.0.2.9:8080" },
  };
  static const char *const wrong[] = {
    "",
    "proxy.example:1080",
    "socks5://",
    "socks5://:1080",
    "socks4://proxy.example",
    "https://proxy.example",
    "socks5://h:99999",
    "socks5://:secret@h",
  };
  g_autofree char *user = g_strnfill (256, 'u');
  g_autofree char *longer = g_strdup_printf ("socks5://%s@host", user);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalProxyServer server;
      g_autoptr(GError) error = NULL;
      g_autofree char *again = NULL;

      g_assert_true (shoal_proxy_server_parse (&server, cases[i].url, &error));
      g_assert_no_error (error);
      g_assert_cmpint (server.kind, ==, cases[i].kind);
      g_assert_cmpstr (server.host, ==, cases[i].host);
      g_assert_cmpuint (server.port, ==, cases[i].port);
      g_assert_cmpstr (server.user, ==, cases[i].user);
      g_assert_cmpstr (server.password, ==, cases[i].password);
      again = shoal_proxy_server_url (&server, "192.0.2.9");
      g_assert_cmpstr (again, ==, cases[i].again);
    }
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      ShoalProxyServer server;
      g_autoptr(GError) error = NULL;

      g_assert_false (shoal_proxy_server_parse (&server, wrong[i], &error));
      g_assert_true (error->domain == SHOAL_WIRE_ERROR);
    }
  {
    ShoalProxyServer server;

    g_assert_false (shoal_proxy_server_parse (&server, longer, NULL));
  }
}

static void
assert_says (ShoalProxyHandshake *handshake,
             const char          *hex)
{
  g_autoptr(GBytes) expected = shoal_test_bytes (hex);
  gsize size;
  const guint8 *bytes = shoal_proxy_handshake_output (handshake, &size);
  g_autoptr(GBytes) got = g_bytes_new (bytes, size);

  g_assert_true (g_bytes_equal (expected, got));
  shoal_proxy_handshake_sent (handshake, size);
}

/* Hears @hex to its last byte, in steps. */
static ShoalProxyProgress
hear (ShoalProxyHandshake *handshake,
      const char          *hex,
      gsize                step)
{
  g_autoptr(GBytes) bytes = shoal_test_bytes (hex);
  gsize left;
  const guint8 *at = g_bytes_get_data (bytes, &left);
  ShoalProxyProgress progress = SHOAL_PROXY_GOES_ON;

  while (left > 0 && progress == SHOAL_PROXY_GOES_ON)
    {
      gsize now = MIN (MIN (step, left), shoal_proxy_handshake_wanted (handshake));

      progress = shoal_proxy_handshake_received (handshake, at, now);
      at += now;
      left -= now;
    }
  g_assert_cmpuint (left, ==, 0);

  return progress;
}

static ShoalAddr
addr (const char *text)
{
  ShoalAddr out;

  g_assert_true (shoal_addr_parse (&out, text, 0));

  return out;
}

static void
test_socks (void)
{
  ShoalProxyServer server = { .kind = SHOAL_PROXY_SOCKS5, .port = 1080, .host = "192.0.2.1" };
  ShoalAddr to = addr ("10.0.0.7:6881");
  ShoalAddr to6 = addr ("[2001:db8::7]:6881");

  for (gsize step = 1; step < 12; step += 5)
    {
      g_autoptr(ShoalProxyHandshake) handshake = shoal_proxy_handshake_connect (&server, NULL, &to);

      assert_says (handshake, "05 01 00");
      g_assert_cmpint (hear (handshake, "05 00", step), ==, SHOAL_PROXY_GOES_ON);
      assert_says (handshake, "05 01 00 01 0a000007 1ae1");
      g_assert_cmpint (hear (handshake, "05 00 00 01 0a000001 1234", step), ==, SHOAL_PROXY_DONE);
      g_assert_cmpuint (shoal_proxy_handshake_bound (handshake)->port, ==, 0x1234);
      g_assert_cmpuint (shoal_proxy_handshake_wanted (handshake), ==, 0);
    }
  {
    g_autoptr(ShoalProxyHandshake) handshake = shoal_proxy_handshake_connect (&server, NULL, &to6);

    hear (handshake, "05 00", 9);
    shoal_proxy_handshake_sent (handshake, 3);
    assert_says (handshake, "05 01 00 04 20010db8000000000000000000000007 1ae1");
    g_assert_cmpint (hear (handshake, "05 00 00 03 02 6162 1234", 9), ==, SHOAL_PROXY_DONE);
    g_assert_cmpuint (shoal_proxy_handshake_bound (handshake)->family, ==, SHOAL_FAMILY_NONE);
  }
  {
    g_autoptr(ShoalProxyHandshake) handshake = shoal_proxy_handshake_connect (&server,
                                                                              "peer.example", &to);

    hear (handshake, "05 00", 9);
    shoal_proxy_handshake_sent (handshake, 3);
    assert_says (handshake, "05 01 00 03 0c 706565722e6578616d706c65 1ae1");
  }
  {
    g_autoptr(ShoalProxyHandshake) handshake = shoal_proxy_handshake_associate (&server);

    hear (handshake, "05 00", 9);
    shoal_proxy_handshake_sent (handshake, 3);
    assert_says (handshake, "05 03 00 01 00000000 0000");
    g_assert_cmpint (hear (handshake, "05 00 00 04 20010db8000000000000000000000001 0400", 9), ==,
                     SHOAL_PROXY_DONE);
    g_assert_cmpuint (shoal_proxy_handshake_bound (handshake)->family, ==, SHOAL_FAMILY_IPV6);
  }
}

static void
test_password (void)
{
  ShoalProxyServer server = {
    .kind = SHOAL_PROXY_SOCKS5, .port = 1080, .user = "me", .password = "secret"
  };
  ShoalAddr to = addr ("10.0.0.7:6881");
  g_autoptr(ShoalProxyHandshake) handshake = shoal_proxy_handshake_connect (&server, NULL, &to);
  g_autoptr(ShoalProxyHandshake) refused = shoal_proxy_handshake_connect (&server, NULL, &to);
  g_autoptr(ShoalProxyHandshake) free_for_all = shoal_proxy_handshake_connect (&server, NULL, &to);

  assert_says (handshake, "05 02 00 02");
  hear (handshake, "05 02", 9);
  assert_says (handshake, "01 02 6d65 06 736563726574");
  hear (handshake, "01 00", 9);
  assert_says (handshake, "05 01 00 01 0a000007 1ae1");

  hear (refused, "05 02", 9);
  g_assert_cmpint (hear (refused, "01 01", 9), ==, SHOAL_PROXY_FAILED);
  g_assert_cmpstr (shoal_proxy_handshake_error (refused), ==, "The proxy refuses user or password");
  g_assert_cmpint (hear (free_for_all, "05 00", 9), ==, SHOAL_PROXY_GOES_ON);
}

static void
test_refusals (void)
{
  static const struct { const char *hex; const char *error; } cases[] = {
    { "04 00", "The proxy does not speak SOCKS5" },
    { "05 ff", "The proxy wants a user and a password" },
    { "05 02", "The proxy wants a user and a password" },
    { "05 00 05 05 00 01 00000000 0000", "The connection was refused, says the proxy" },
    { "05 00 05 07 00 01 00000000 0000", "The proxy does not know this command" },
    { "05 00 05 99 00 01 00000000 0000", "The proxy failed" },
    { "05 00 04 00 00 01 00000000 0000", "The proxy does not speak SOCKS5" },
    { "05 00 05 00 00 09 00", "The proxy answers nonsense" },
    { "05 00 05 01 00 00 00", "The proxy failed" },
  };
  ShoalProxyServer server = { .kind = SHOAL_PROXY_SOCKS5, .port = 1080 };
  ShoalAddr to = addr ("10.0.0.7:6881");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(ShoalProxyHandshake) handshake = shoal_proxy_handshake_connect (&server, NULL, &to);

      g_assert_cmpint (hear (handshake, cases[i].hex, 9), ==, SHOAL_PROXY_FAILED);
      g_assert_cmpstr (shoal_proxy_handshake_error (handshake), ==, cases[i].error);
    }
}

static ShoalProxyProgress
hear_text (ShoalProxyHandshake *handshake,
           const char          *text)
{
  ShoalProxyProgress progress = SHOAL_PROXY_GOES_ON;

  for (; *text != '\0' && progress == SHOAL_PROXY_GOES_ON; text++)
    {
      g_assert_cmpuint (shoal_proxy_handshake_wanted (handshake), ==, 1);
      progress = shoal_proxy_handshake_received (handshake, (const guint8 *) text, 1);
    }
  g_assert_cmpstr (text, ==, "");

  return progress;
}

static void
test_http (void)
{
  static const struct { const char *answer; ShoalProxyProgress progress; } cases[] = {
    { "HTTP/1.1 200 Connection established\r\n\r\n", SHOAL_PROXY_DONE },
    { "HTTP/1.0 200 OK\r\nServer: x\r\nVia: y\r\n\r\n", SHOAL_PROXY_DONE },
    { "HTTP/1.0 204\n\n", SHOAL_PROXY_DONE },
    { "HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\n", SHOAL_PROXY_FAILED },
    { "HTTP/1.1 407 Who?\r\n\r\n", SHOAL_PROXY_FAILED },
    { "HTTP/1.1\r\n\r\n", SHOAL_PROXY_FAILED },
    { "SSH-2", SHOAL_PROXY_FAILED },
  };
  ShoalProxyServer server = {
    .kind = SHOAL_PROXY_HTTP, .port = 8080, .user = "me", .password = "secret"
  };
  ShoalAddr to = addr ("[2001:db8::7]:6881");
  g_autofree char *endless = g_strnfill (SHOAL_HTTP_HEAD_MAX - 9, 'x');
  g_autofree char *answer = g_strconcat ("HTTP/1.1 ", endless, NULL);
  g_autoptr(ShoalProxyHandshake) handshake = shoal_proxy_handshake_connect (&server, NULL, &to);
  g_autoptr(ShoalProxyHandshake) talker = shoal_proxy_handshake_connect (&server, "peer.example",
                                                                         &to);
  gsize size;
  const guint8 *said = shoal_proxy_handshake_output (handshake, &size);
  g_autofree char *text = g_strndup ((const char *) said, size);

  g_assert_cmpstr (text, ==,
                   "CONNECT [2001:db8::7]:6881 HTTP/1.1\r\nHost: [2001:db8::7]:6881\r\n"
                   "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(ShoalProxyHandshake) one = shoal_proxy_handshake_connect (&server, NULL, &to);

      g_assert_cmpint (hear_text (one, cases[i].answer), ==, cases[i].progress);
    }
  g_assert_cmpint (hear_text (talker, answer), ==, SHOAL_PROXY_FAILED);
}

static void
test_datagrams (void)
{
  guint8 out[SHOAL_SOCKS_HEAD_MAX];
  g_autofree char *host = g_strnfill (255, 'h');
  ShoalAddr to = addr ("[2001:db8::7]:6881");
  ShoalAddr from;
  gsize payload;
  gsize size = shoal_socks_write_head (out, NULL, &to);

  g_assert_cmpuint (size, ==, 22);
  g_assert_true (shoal_socks_read_head (out, size, &from, &payload));
  g_assert_true (shoal_addr_equal (&from, &to));
  g_assert_cmpuint (payload, ==, 22);
  g_assert_false (shoal_socks_read_head (out, size - 1, &from, &payload));
  out[2] = 1;
  g_assert_false (shoal_socks_read_head (out, size, &from, &payload));

  g_assert_cmpuint (shoal_socks_write_head (out, host, &to), ==, SHOAL_SOCKS_HEAD_MAX);
  g_assert_true (shoal_socks_read_head (out, sizeof out, &from, &payload));
  g_assert_cmpuint (from.family, ==, SHOAL_FAMILY_NONE);
  g_assert_cmpuint (payload, ==, SHOAL_SOCKS_HEAD_MAX);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/socks/urls", test_urls);
  g_test_add_func ("/wire/socks/socks", test_socks);
  g_test_add_func ("/wire/socks/password", test_password);
  g_test_add_func ("/wire/socks/refusals", test_refusals);
  g_test_add_func ("/wire/socks/http", test_http);
  g_test_add_func ("/wire/socks/datagrams", test_datagrams);

  return g_test_run ();
}
