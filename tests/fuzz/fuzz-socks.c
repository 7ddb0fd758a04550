/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: what proxies answer, in pieces of any size; datagrams of a relay; URLs. */

#include "shoal-socks.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_handshake (ShoalProxyHandshake *handshake,
                 const guint8        *data,
                 gsize                size,
                 gsize                step)
{
  ShoalProxyProgress progress = SHOAL_PROXY_GOES_ON;

  while (progress == SHOAL_PROXY_GOES_ON && size > 0)
    {
      gsize wanted = shoal_proxy_handshake_wanted (handshake);
      gsize now = MIN (MIN (wanted, size), step);
      gsize left;

      g_assert (wanted > 0);
      shoal_proxy_handshake_output (handshake, &left);
      shoal_proxy_handshake_sent (handshake, left);
      progress = shoal_proxy_handshake_received (handshake, data, now);
      data += now;
      size -= now;
    }
  g_assert ((progress == SHOAL_PROXY_FAILED) == (shoal_proxy_handshake_error (handshake) != NULL));
  g_assert (progress == SHOAL_PROXY_GOES_ON || shoal_proxy_handshake_wanted (handshake) == 0);
  shoal_proxy_handshake_free (handshake);
}

static void
check_url (const guint8 *data,
           gsize         size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  ShoalProxyServer server;
  ShoalProxyServer again;
  g_autofree char *url = NULL;

  if (!shoal_proxy_server_parse (&server, text, NULL))
    return;
  g_assert (server.port != 0 && *server.host != '\0');
  url = shoal_proxy_server_url (&server, "192.0.2.1");
  g_assert (shoal_proxy_server_parse (&again, url, NULL));
  g_assert (again.kind == server.kind && again.port == server.port
            && strcmp (again.host, "192.0.2.1") == 0);
  g_assert (strcmp (again.user, server.user) == 0 && strcmp (again.password, server.password) == 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  static const gsize steps[] = { 1, 3, G_MAXSIZE };
  ShoalProxyServer socks = {
    .kind = SHOAL_PROXY_SOCKS5, .port = 1, .host = "h", .user = "u", .password = "p"
  };
  ShoalProxyServer http = { .kind = SHOAL_PROXY_HTTP, .port = 1, .host = "h" };
  ShoalAddr to;
  ShoalAddr from;
  gsize payload = 0;

  shoal_addr_parse (&to, "192.0.2.1:6881", 0);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      check_handshake (shoal_proxy_handshake_connect (&socks, NULL, &to), data, size, steps[i]);
      check_handshake (shoal_proxy_handshake_associate (&socks), data, size, steps[i]);
      check_handshake (shoal_proxy_handshake_connect (&http, "peer.example", &to), data, size,
                       steps[i]);
    }
  if (shoal_socks_read_head (data, size, &from, &payload))
    g_assert (payload <= size);
  check_url (data, size);

  return 0;
}
