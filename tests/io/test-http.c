/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fetching from a server in the same process: answers, limits, redirects, families, the end. */

#include <libsoup/soup.h>
#include <string.h>
#include "shoal-http.h"

typedef struct
{
  SoupServer *server;
  char       *base;        /* "http://127.0.0.1:port" */
  ShoalHttp  *http;
  guint       n_answered;
  ShoalFetch *fetch;
  char       *query;       /* of the last request */
  char       *agent;
  guint       n_requests;
  SoupServerMessage *hanging;
} Fixture;

static void
answered (ShoalFetch *fetch,
          gpointer    user_data)
{
  Fixture *self = user_data;

  g_assert_true (fetch == self->fetch);
  self->n_answered++;
}

static GBytes *
gzip (const char *text)
{
  g_autoptr(GZlibCompressor) compressor = g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, 9);
  g_autoptr(GOutputStream) memory = g_memory_output_stream_new_resizable ();
  g_autoptr(GOutputStream) stream = g_converter_output_stream_new (memory,
                                                                   G_CONVERTER (compressor));

  g_assert_true (g_output_stream_write_all (stream, text, strlen (text), NULL, NULL, NULL));
  g_assert_true (g_output_stream_close (stream, NULL, NULL));

  return g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (memory));
}

static void
redirect (SoupServerMessage *message,
          const char        *to)
{
  soup_server_message_set_redirect (message, SOUP_STATUS_FOUND, to);
}

static void
serve (SoupServer        *server,
       SoupServerMessage *message,
       const char        *path,
       GHashTable        *query,
       gpointer           user_data)
{
  Fixture *self = user_data;
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  SoupMessageHeaders *asked = soup_server_message_get_request_headers (message);
  const char *agent = soup_message_headers_get_one (asked, "User-Agent");

  self->n_requests++;
  g_free (self->query);
  self->query = g_strdup (g_uri_get_query (soup_server_message_get_uri (message)));
  g_free (self->agent);
  self->agent = g_strdup (agent);

  if (g_str_equal (path, "/ok"))
    soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_STATIC, "hello", 5);
  else if (g_str_equal (path, "/gzip"))
    {
      g_autofree char *plain = g_strnfill (3000, 'z');
      g_autoptr(GBytes) bytes = gzip (plain);

      soup_message_headers_append (headers, "Content-Encoding", "gzip");
      soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_COPY,
                                        g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    }
  else if (g_str_equal (path, "/missing"))
    {
      soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_STATIC,
                                        "d14:failure reason4:gonee", 25);
      soup_server_message_set_status (message, SOUP_STATUS_NOT_FOUND, NULL);
      return;
    }
  else if (g_str_equal (path, "/large") || g_str_equal (path, "/chunked"))
    {
      g_autofree char *bytes = g_strnfill (200000, 'x');

      if (g_str_equal (path, "/chunked"))
        soup_message_headers_set_encoding (headers, SOUP_ENCODING_CHUNKED);
      soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_COPY, bytes, 200000);
      soup_message_body_complete (soup_server_message_get_response_body (message));
    }
  else if (g_str_equal (path, "/redirect"))
    {
      redirect (message, "ok?second");
      return;
    }
  else if (g_str_equal (path, "/circle"))
    {
      redirect (message, "/circle");
      return;
    }
  else if (g_str_equal (path, "/elsewhere"))
    {
      redirect (message, "file:///etc/hostname");
      return;
    }
  else if (g_str_equal (path, "/hang"))
    {
      self->hanging = g_object_ref (message);
      soup_server_message_pause (message);
      return;
    }
  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  g_autoptr(GError) error = NULL;
  GSList *uris;

  self->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (self->server, NULL, serve, self, NULL);
  soup_server_listen_local (self->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (self->server);
  self->base = g_strdup_printf ("http://127.0.0.1:%d", g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  self->http = shoal_http_new (answered, self);
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  g_clear_pointer (&self->http, shoal_http_free);
  shoal_fetch_free (self->fetch);
  g_clear_object (&self->hanging);
  soup_server_disconnect (self->server);
  g_object_unref (self->server);
  g_free (self->query);
  g_free (self->agent);
  g_free (self->base);
}

static void
request (Fixture    *self,
         const char *path)
{
  g_autofree char *url = *path == '/' ? g_strconcat (self->base, path, NULL) : g_strdup (path);

  shoal_fetch_free (self->fetch);
  self->n_answered = 0;
  self->n_requests = 0;
  self->fetch = shoal_fetch_new (SHOAL_FETCH_TRACKER, url);
  self->fetch->max_size = 100000;
  self->fetch->timeout_s = 20;
}

static void
run (Fixture *self)
{
  shoal_http_fetch (self->http, self->fetch);
  while (self->n_answered == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (self->n_answered, ==, 1);
  g_assert_true ((self->fetch->body == NULL) != (self->fetch->error == NULL));
}

static void
fetch (Fixture    *self,
       const char *path)
{
  request (self, path);
  run (self);
}

static void
assert_body (Fixture    *self,
             const char *text)
{
  g_assert_cmpstr (self->fetch->error, ==, NULL);
  g_assert_cmpmem (g_bytes_get_data (self->fetch->body, NULL),
                   g_bytes_get_size (self->fetch->body),
                   text, strlen (text));
}

static void
test_get (Fixture       *self,
          gconstpointer  data)
{
  fetch (self, "/ok?info_hash=%12%AB%20%2F%00%26~A&x=1");
  assert_body (self, "hello");
  g_assert_cmpuint (self->fetch->status, ==, 200);
  g_assert_cmpstr (self->query, ==, "info_hash=%12%AB%20%2F%00%26~A&x=1");
  g_assert_cmpstr (self->agent, ==, "Shoal/" SHOAL_VERSION);
}

static void
test_gzip (Fixture       *self,
           gconstpointer  data)
{
  g_autofree char *plain = g_strnfill (3000, 'z');

  fetch (self, "/gzip");
  assert_body (self, plain);

  /* What counts is what comes out. */
  request (self, "/gzip");
  self->fetch->max_size = 2999;
  run (self);
  g_assert_null (self->fetch->body);
}

static void
test_status (Fixture       *self,
             gconstpointer  data)
{
  fetch (self, "/missing");
  g_assert_cmpuint (self->fetch->status, ==, 404);
  assert_body (self, "d14:failure reason4:gonee");
}

static void
test_size (Fixture       *self,
           gconstpointer  data)
{
  static const char *paths[] = { "/large", "/chunked" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      fetch (self, paths[i]);
      g_assert_nonnull (strstr (self->fetch->error, "larger than"));

      request (self, paths[i]);
      self->fetch->max_size = 200000;
      run (self);
      g_assert_cmpstr (self->fetch->error, ==, NULL);
      g_assert_cmpuint (g_bytes_get_size (self->fetch->body), ==, 200000);
    }
}

static void
test_redirect (Fixture       *self,
               gconstpointer  data)
{
  fetch (self, "/redirect");
  assert_body (self, "hello");
  g_assert_cmpstr (self->query, ==, "second");

  fetch (self, "/circle");
  g_assert_cmpstr (self->fetch->error, ==, "Redirected too often");
  g_assert_cmpuint (self->n_requests, ==, 1 + SHOAL_HTTP_REDIRECTS);

  fetch (self, "/elsewhere");
  g_assert_cmpstr (self->fetch->error, ==, "Redirected to something that is not HTTP");
}

static void
test_no_link (Fixture       *self,
              gconstpointer  data)
{
  static const char *links[] = {
    "", "nonsense", "udp://tracker:80/announce", "file:///etc/hostname", "http://", "http:///x",
  };

  for (guint i = 0; i < G_N_ELEMENTS (links); i++)
    {
      fetch (self, links[i]);
      g_assert_cmpstr (self->fetch->error, ==, "Not an HTTP link");
    }
}

/* What a torrent names must not steer a device at home. */
static void
test_command (Fixture       *self,
              gconstpointer  data)
{
  request (self, "/ok?reboot=1");
  self->fetch->use = SHOAL_FETCH_SEED;
  run (self);
  g_assert_cmpstr (self->fetch->error, ==, "A web seed in the local network takes no parameters");
  g_assert_cmpuint (self->n_requests, ==, 0);
}

static void
test_nobody_there (Fixture       *self,
                   gconstpointer  data)
{
  soup_server_disconnect (self->server);
  fetch (self, "/ok");
  g_assert_cmpuint (self->fetch->status, ==, 0);
  g_assert_nonnull (self->fetch->error);
}

static void
test_late (Fixture       *self,
           gconstpointer  data)
{
  request (self, "/hang");
  self->fetch->timeout_s = 1;
  run (self);
  g_assert_cmpstr (self->fetch->error, ==, "No answer within 1 seconds");
}

static void
test_family (Fixture       *self,
             gconstpointer  data)
{
  request (self, "/ok");
  self->fetch->family = SHOAL_FAMILY_IPV4;
  run (self);
  assert_body (self, "hello");

  request (self, "/ok");
  self->fetch->family = SHOAL_FAMILY_IPV6;
  run (self);
  g_assert_cmpstr (self->fetch->error, ==, "127.0.0.1 has no IPv6 address");
}

static void
test_name (Fixture       *self,
           gconstpointer  data)
{
  g_autofree char *port = g_strdup (strrchr (self->base, ':'));
  g_autofree char *url = g_strdup_printf ("http://localhost%s/ok", port);

  request (self, url);
  self->fetch->family = SHOAL_FAMILY_IPV4;
  run (self);
  assert_body (self, "hello");
}

static void
test_end (Fixture       *self,
          gconstpointer  data)
{
  request (self, "/hang");
  shoal_http_fetch (self->http, self->fetch);
  while (self->hanging == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (self->n_answered, ==, 0);
  g_clear_pointer (&self->http, shoal_http_free);
  g_assert_cmpuint (self->n_answered, ==, 1);
  g_assert_nonnull (self->fetch->error);
}

/* Names that our own name servers know, or nobody; and no way at all. */
static void
test_way (Fixture       *self,
          gconstpointer  data)
{
  ShoalBinding loopback = { .wanted = "127.0.0.1", .up = TRUE, .by_address = TRUE };
  ShoalDnsClient *dns = shoal_dns_client_new (NULL);
  ShoalHttpWay *way = shoal_http_way_new (&loopback, dns);
  ShoalHttp *http = shoal_http_new (answered, self);
  g_autofree char *named = g_strdup_printf ("http://localhost%s/ok", strrchr (self->base, ':'));
  g_autofree char *numeric = g_strdup_printf ("%s/ok", self->base);
  const struct
  {
    const char *url;
    ShoalFamily family;
    const char *servers;
    const char *down;
    const char *error;
  } cases[] = {
    { named, SHOAL_FAMILY_NONE, "127.0.0.1:9", NULL, NULL },
    { named, SHOAL_FAMILY_IPV4, "127.0.0.1:9", NULL, NULL },
    { named, SHOAL_FAMILY_IPV6, "127.0.0.1:9", NULL, "no address of a kind" },
    { numeric, SHOAL_FAMILY_NONE, "", NULL, NULL },
    { "http://tracker.example/ok", SHOAL_FAMILY_NONE, "", NULL, "No name server for tun0" },
    { named, SHOAL_FAMILY_NONE, "127.0.0.1:9", "The network is down", "The network is down" },
  };

  loopback.locals[0] = shoal_addr_make (SHOAL_FAMILY_IPV4, (const guint8 *) "\x7f\x00\x00\x01", 0);
  shoal_http_set_way (http, way);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalFetch *fetch = shoal_fetch_new (SHOAL_FETCH_TRACKER, cases[i].url);

      g_test_message ("case %u", i);
      shoal_dns_client_configure (dns, cases[i].servers, "No name server for tun0");
      shoal_http_way_replace (way, NULL, cases[i].down);
      self->n_answered = 0;
      self->fetch = fetch;
      fetch->family = cases[i].family;
      fetch->max_size = 1000;
      shoal_http_fetch (http, fetch);
      while (self->n_answered == 0)
        g_main_context_iteration (NULL, TRUE);
      if (cases[i].error == NULL)
        g_assert_cmpstr (fetch->error, ==, NULL);
      else
        g_assert_nonnull (strstr (fetch->error, cases[i].error));
      g_assert_true ((fetch->body != NULL) == (cases[i].error == NULL));
      shoal_fetch_free (fetch);
    }
  self->fetch = NULL;
  shoal_http_free (http);
  shoal_http_way_free (way);
  shoal_dns_client_free (dns);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/io/http/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("get", test_get);
  ADD ("gzip", test_gzip);
  ADD ("status", test_status);
  ADD ("size", test_size);
  ADD ("redirect", test_redirect);
  ADD ("no-link", test_no_link);
  ADD ("command", test_command);
  ADD ("nobody-there", test_nobody_there);
  ADD ("late", test_late);
  ADD ("family", test_family);
  ADD ("name", test_name);
  ADD ("end", test_end);

  g_test_add ("/io/http/way", Fixture, NULL, set_up, test_way, tear_down);

  return g_test_run ();
}
