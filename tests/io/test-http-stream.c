/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers read in parts, from servers that behave and servers that do not. */

#include <libsoup/soup.h>
#include <string.h>
#include "shoal-http.h"

#define FILE_SIZE 3000000u
#define KIB       1024u

typedef struct
{
  SoupServer     *server;
  GSocketService *raw;         /* sends what a server would not */
  char           *base;        /* "http://127.0.0.1:port" */
  char           *raw_base;
  ShoalHttp      *http;
  guint8         *file;
  ShoalFetch     *fetch;
  gboolean        answered;
  gboolean        refuses;     /* the head */
  gboolean        no_room;
  gsize           room_size;
  guint8         *got;
  gsize           n_got;
  gsize           cancel_at;   /* 0: never */
  guint           n_heads;
  guint           n_asked;     /* for room while there was none */
  char           *range;       /* as it was asked for last */
  char           *coding;
  guint           n_redirects; /* that were answered */
  gboolean        gone;        /* what "/there" has */
} Fixture;

/* --- Servers --- */

static const struct
{
  const char *path;
  guint       status;
  const char *to;
  const char *caching;
} redirects[] = {
  { "/moved", 302, "/file", NULL },
  { "/moved-for-good", 301, "/file", NULL },
  { "/moved-twice", 301, "/moved", NULL },
  { "/moved-for-once", 307, "/file", "private, no-cache" },
  { "/moved-there", 308, "/there", NULL },
  { "/circle", 302, "/circle", NULL },
};

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

  g_free (self->range);
  self->range = g_strdup (soup_message_headers_get_one (asked, "Range"));
  g_free (self->coding);
  self->coding = g_strdup (soup_message_headers_get_list (asked, "Accept-Encoding"));
  for (guint i = 0; i < G_N_ELEMENTS (redirects); i++)
    if (g_str_equal (path, redirects[i].path))
      {
        self->n_redirects++;
        if (redirects[i].caching != NULL)
          soup_message_headers_append (headers, "Cache-Control", redirects[i].caching);
        soup_server_message_set_redirect (message, redirects[i].status, redirects[i].to);
        return;
      }
  if (g_str_equal (path, "/busy"))
    {
      soup_message_headers_append (headers, "Retry-After", "120");
      soup_server_message_set_status (message, SOUP_STATUS_SERVICE_UNAVAILABLE, NULL);
      return;
    }
  if (g_str_equal (path, "/busy-until"))
    {
      g_autoptr(GDateTime) now = g_date_time_new_now_utc ();
      g_autoptr(GDateTime) then = g_date_time_add_seconds (now, 300);
      g_autofree char *text = soup_date_time_to_string (then, SOUP_DATE_HTTP);

      soup_message_headers_append (headers, "Retry-After", text);
      soup_server_message_set_status (message, SOUP_STATUS_SERVICE_UNAVAILABLE, NULL);
      return;
    }
  if (g_str_equal (path, "/packed"))
    soup_message_headers_append (headers, "Content-Encoding", "gzip");
  if (g_str_equal (path, "/whole"))
    soup_message_headers_remove (asked, "Range");
  if (g_str_equal (path, "/missing") || (g_str_equal (path, "/there") && self->gone))
    {
      soup_server_message_set_status (message, SOUP_STATUS_NOT_FOUND, NULL);
      return;
    }

  /* libsoup's server cuts ranges out by itself, and refuses those behind the end. */
  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response (message, "application/octet-stream", SOUP_MEMORY_STATIC,
                                    (const char *) self->file, FILE_SIZE);
}

/* Answers word for word, then closes; writing fails once the client had enough. */
static gboolean
serve_raw (GThreadedSocketService *service,
           GSocketConnection      *connection,
           GObject                *source,
           gpointer                user_data)
{
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  g_autoptr(GDataInputStream) lines = g_data_input_stream_new (in);
  g_autofree char *first = NULL;
  gboolean rest = TRUE;

  g_data_input_stream_set_newline_type (lines, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
  while (rest)
    {
      char *line = g_data_input_stream_read_line (lines, NULL, NULL, NULL);

      rest = line != NULL && *line != '\0';
      if (first == NULL)
        first = line;
      else
        g_free (line);
    }
  if (first == NULL)
    return TRUE;

  if (strstr (first, "/short") != NULL)
    {
      const char *text =
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 1000\r\nContent-Range: bytes "
        "0-999/3000\r\n\r\nonly so much";

      g_output_stream_write_all (out, text, strlen (text), NULL, NULL, NULL);
    }
  else if (strstr (first, "/heads") != NULL)
    {
      const char *text = "HTTP/1.1 206 Partial Content\r\n";
      g_autofree char *filler = g_strnfill (8000, 'h');
      g_autofree char *line = g_strdup_printf ("X-Filler: %s\r\n", filler);
      gboolean open = g_output_stream_write_all (out, text, strlen (text), NULL, NULL, NULL);

      for (guint i = 0; i < 100000 && open; i++)
        open = g_output_stream_write_all (out, line, strlen (line), NULL, NULL, NULL);
    }
  else if (strstr (first, "/odd-range") != NULL)
    {
      const char *text =
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\nContent-Range: bytes "
        "9-2/-7\r\n\r\nabcd";

      g_output_stream_write_all (out, text, strlen (text), NULL, NULL, NULL);
    }
  else if (strstr (first, "/nonsense") != NULL)
    {
      g_output_stream_write_all (out, "\0\1\2nonsense\r\n\r\n", 15, NULL, NULL, NULL);
    }
  else
    {
      /* Says nothing until the client goes. */
      char byte;

      g_input_stream_read (in, &byte, 1, NULL, NULL);
    }

  return TRUE;
}

/* --- The sink --- */

static gboolean
on_head (ShoalFetch *fetch,
         gint64      now_us)
{
  Fixture *self = fetch->done.owner;

  g_assert_cmpint (now_us, ==, 77);
  self->n_heads++;

  return !self->refuses;
}

static guint8 *
on_room (ShoalFetch *fetch,
         gsize      *size,
         gint64      now_us)
{
  Fixture *self = fetch->done.owner;

  if (self->no_room)
    {
      self->n_asked++;
      return NULL;
    }
  *size = MIN (self->room_size, FILE_SIZE + 1 - self->n_got);

  return self->got + self->n_got;
}

static void
on_came (ShoalFetch *fetch,
         gsize       size,
         gint64      now_us)
{
  Fixture *self = fetch->done.owner;

  g_assert_cmpuint (size, >, 0);
  self->n_got += size;
  if (self->cancel_at > 0 && self->n_got >= self->cancel_at)
    {
      fetch->cancelled = TRUE;
      shoal_http_attend (self->http, fetch);
    }
}

static const ShoalFetchSink sink = { on_head, on_room, on_came };

/* --- Fixture --- */

static void
answered (ShoalFetch *fetch,
          gpointer    user_data)
{
  Fixture *self = user_data;

  g_assert_true (fetch == self->fetch);
  g_assert_false (self->answered);
  g_assert_null (fetch->body);
  self->answered = TRUE;
}

static void
woken (gpointer user_data)
{
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  g_autoptr(GError) error = NULL;
  GSList *uris;
  guint16 port;

  self->file = g_malloc (FILE_SIZE);
  for (guint i = 0; i < FILE_SIZE; i++)
    self->file[i] = (guint8) (i * 31 + i / 251);
  self->got = g_malloc (FILE_SIZE + 1);
  self->room_size = 100 * KIB;

  self->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (self->server, NULL, serve, self, NULL);
  soup_server_listen_local (self->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (self->server);
  self->base = g_strdup_printf ("http://127.0.0.1:%d", g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);

  self->raw = g_threaded_socket_service_new (4);
  port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (self->raw), NULL, &error);
  g_assert_no_error (error);
  self->raw_base = g_strdup_printf ("http://127.0.0.1:%u", port);
  g_signal_connect (self->raw, "run", G_CALLBACK (serve_raw), self);

  self->http = shoal_http_new (answered, self);
  shoal_http_set_wake (self->http, woken);
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  g_clear_pointer (&self->http, shoal_http_free);
  shoal_fetch_free (self->fetch);
  soup_server_disconnect (self->server);
  g_object_unref (self->server);
  g_socket_service_stop (self->raw);
  g_socket_listener_close (G_SOCKET_LISTENER (self->raw));
  g_object_unref (self->raw);
  g_free (self->file);
  g_free (self->got);
  g_free (self->base);
  g_free (self->raw_base);
  g_free (self->range);
  g_free (self->coding);
}

static void
request (Fixture    *self,
         const char *base,
         const char *path,
         guint64     first,
         guint64     size)
{
  g_autofree char *url = g_strconcat (base, path, NULL);

  shoal_fetch_free (self->fetch);
  self->answered = FALSE;
  self->n_got = 0;
  self->n_heads = 0;
  self->fetch = shoal_fetch_new (SHOAL_FETCH_SEED, url);
  self->fetch->done.owner = self;
  self->fetch->sink = &sink;
  self->fetch->timeout_s = 20;
  self->fetch->range_first = first;
  self->fetch->range_size = size;
  shoal_http_fetch (self->http, self->fetch);
}

static void
turn (Fixture *self)
{
  g_main_context_iteration (NULL, TRUE);
  while (shoal_http_is_pending (self->http))
    shoal_http_pump (self->http, 77);
}

static void
run (Fixture    *self,
     const char *base,
     const char *path,
     guint64     first,
     guint64     size)
{
  request (self, base, path, first, size);
  while (!self->answered)
    turn (self);
}

/* --- Cases --- */

static void
test_range (Fixture       *self,
            gconstpointer  data)
{
  run (self, self->base, "/file", 1000001, 1500000);
  g_assert_cmpstr (self->fetch->error, ==, NULL);
  g_assert_cmpuint (self->fetch->status, ==, 206);
  g_assert_true (self->fetch->has_range);
  g_assert_cmpuint (self->fetch->got_first, ==, 1000001);
  g_assert_cmpuint (self->fetch->got_last, ==, 2500000);
  g_assert_cmpuint (self->fetch->got_total, ==, FILE_SIZE);
  g_assert_cmpuint (self->fetch->content_size, ==, 1500000);
  g_assert_false (self->fetch->encoded);
  g_assert_cmpmem (self->got, self->n_got, self->file + 1000001, 1500000);
  g_assert_cmpstr (self->range, ==, "bytes=1000001-2500000");
  g_assert_cmpstr (self->coding, ==, NULL);
  g_assert_cmpuint (shoal_http_moved (self->http), ==, 1500000);

  run (self, self->base, "/file", FILE_SIZE - 1, 1);
  g_assert_cmpmem (self->got, self->n_got, self->file + FILE_SIZE - 1, 1);
}

static void
test_whole (Fixture       *self,
            gconstpointer  data)
{
  run (self, self->base, "/whole", 100, 200);
  g_assert_cmpuint (self->fetch->status, ==, 200);
  g_assert_false (self->fetch->has_range);
  g_assert_cmpmem (self->got, self->n_got, self->file, FILE_SIZE);

  self->cancel_at = 300 * KIB;
  run (self, self->base, "/whole", 100, 200);
  g_assert_nonnull (self->fetch->error);
  g_assert_cmpuint (self->n_got, <, 300 * KIB + 100 * KIB);
}

static void
test_statuses (Fixture       *self,
               gconstpointer  data)
{
  self->refuses = TRUE;
  run (self, self->base, "/missing", 0, 10);
  g_assert_cmpuint (self->fetch->status, ==, 404);
  run (self, self->base, "/file", FILE_SIZE + 5, 10);
  g_assert_cmpuint (self->fetch->status, ==, 416);
  run (self, self->base, "/packed", 0, 10);
  g_assert_true (self->fetch->encoded);
  run (self, self->base, "/busy", 0, 10);
  g_assert_cmpuint (self->fetch->status, ==, 503);
  g_assert_cmpuint (self->fetch->retry_after_s, ==, 120);
  run (self, self->base, "/busy-until", 0, 10);
  g_assert_cmpuint (self->fetch->retry_after_s, >=, 270);
  g_assert_cmpuint (self->fetch->retry_after_s, <=, 300);
  g_assert_cmpuint (self->n_got, ==, 0);
  g_assert_cmpstr (self->fetch->error, ==, "The answer is of no use");
}

static void
test_redirects (Fixture       *self,
                gconstpointer  data)
{
  run (self, self->base, "/moved", 7, 70000);
  g_assert_cmpstr (self->fetch->error, ==, NULL);
  g_assert_cmpmem (self->got, self->n_got, self->file + 7, 70000);
  run (self, self->base, "/circle", 7, 70000);
  g_assert_cmpstr (self->fetch->error, ==, "Redirected too often");
  g_assert_cmpuint (self->n_heads, ==, 0);
}

/* The range after the first goes straight to where that one was sent. */
static void
test_remembered (Fixture       *self,
                 gconstpointer  data)
{
  static const struct { const char *path; guint first; guint second;
  } cases[] = {
    { "/moved", 1, 0 },          { "/moved-for-good", 1, 0 }, { "/moved-twice", 2, 0 },
    { "/moved-for-once", 1, 1 }, { "/moved-there", 1, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint round = 0; round < 2; round++)
      {
        self->n_redirects = 0;
        run (self, self->base, cases[i].path, 7, 70000);
        g_assert_cmpstr (self->fetch->error, ==, NULL);
        g_assert_cmpmem (self->got, self->n_got, self->file + 7, 70000);
        g_assert_cmpuint (self->n_redirects, ==, round == 0 ? cases[i].first : cases[i].second);
      }

  /* Another network may lead elsewhere. */
  shoal_http_cancel_all (self->http, "The network has changed");
  self->n_redirects = 0;
  run (self, self->base, "/moved-for-good", 7, 70000);
  g_assert_cmpuint (self->n_redirects, ==, 1);
}

/* What is not where it was is asked for at its link again, once. */
static void
test_moved_again (Fixture       *self,
                  gconstpointer  data)
{
  run (self, self->base, "/moved-there", 7, 70000);
  g_assert_cmpuint (self->n_redirects, ==, 1);
  self->gone = self->refuses = TRUE;
  for (guint i = 0; i < 2; i++)
    {
      run (self, self->base, "/moved-there", 7, 70000);
      g_assert_cmpuint (self->fetch->status, ==, 404);
      g_assert_cmpuint (self->n_heads, ==, 1);
      g_assert_cmpuint (self->n_redirects, ==, 2 + i);
    }
  self->gone = self->refuses = FALSE;
  run (self, self->base, "/moved-there", 7, 70000);
  g_assert_cmpmem (self->got, self->n_got, self->file + 7, 70000);
}

/* Nothing is read while there is no room, and everything comes afterwards. */
static void
test_room (Fixture       *self,
           gconstpointer  data)
{
  self->no_room = TRUE;
  request (self, self->base, "/file", 0, FILE_SIZE);
  while (self->n_asked == 0)
    turn (self);
  for (guint i = 0; i < 20; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_false (shoal_http_is_pending (self->http));
  g_assert_cmpuint (self->n_got, ==, 0);
  self->no_room = FALSE;
  shoal_http_attend (self->http, self->fetch);
  g_assert_true (shoal_http_is_pending (self->http));
  while (shoal_http_is_pending (self->http))
    shoal_http_pump (self->http, 77);
  while (!self->answered)
    turn (self);
  g_assert_cmpmem (self->got, self->n_got, self->file, FILE_SIZE);
}

static void
test_cancelled (Fixture       *self,
                gconstpointer  data)
{
  /* While bytes come, while there is no room, and before there is anything. */
  self->cancel_at = 500 * KIB;
  run (self, self->base, "/file", 0, FILE_SIZE);
  g_assert_cmpstr (self->fetch->error, ==, "Nobody wants it any more");
  g_assert_cmpuint (self->n_got, <, 700 * KIB);

  self->no_room = TRUE;
  self->n_asked = 0;
  request (self, self->base, "/file", 0, FILE_SIZE);
  while (self->n_asked == 0)
    turn (self);
  self->fetch->cancelled = TRUE;
  shoal_http_attend (self->http, self->fetch);
  shoal_http_pump (self->http, 77);
  g_assert_true (self->answered);

  request (self, self->raw_base, "/silence", 0, 10);
  self->fetch->cancelled = TRUE;
  shoal_http_attend (self->http, self->fetch);
  while (!self->answered)
    turn (self);
  g_assert_cmpuint (self->n_heads, ==, 0);
}

static void
test_short (Fixture       *self,
            gconstpointer  data)
{
  run (self, self->raw_base, "/short", 0, 1000);
  g_assert_cmpuint (self->fetch->content_size, ==, 1000);
  g_assert_cmpmem (self->got, self->n_got, "only so much", 12);
}

static void
test_broken_heads (Fixture       *self,
                   gconstpointer  data)
{
  run (self, self->raw_base, "/heads", 0, 1000);
  g_assert_nonnull (self->fetch->error);
  g_assert_cmpuint (self->n_heads, ==, 0);
  run (self, self->raw_base, "/nonsense", 0, 1000);
  g_assert_nonnull (self->fetch->error);
  run (self, self->raw_base, "/odd-range", 0, 4);
  g_assert_false (self->fetch->has_range);
}

static void
test_late (Fixture       *self,
           gconstpointer  data)
{
  request (self, self->raw_base, "/silence", 0, 10);
  self->fetch->timeout_s = 1;
  shoal_http_free (self->http);
  self->http = shoal_http_new (answered, self);
  shoal_http_set_wake (self->http, woken);
  g_assert_true (self->answered);

  shoal_fetch_free (g_steal_pointer (&self->fetch));
  self->answered = FALSE;
  self->fetch = shoal_fetch_new (SHOAL_FETCH_SEED, self->raw_base);
  self->fetch->done.owner = self;
  self->fetch->sink = &sink;
  self->fetch->timeout_s = 1;
  shoal_http_fetch (self->http, self->fetch);
  while (!self->answered)
    turn (self);
  g_assert_cmpstr (self->fetch->error, ==, "No answer within 1 seconds");
}

static void
test_end (Fixture       *self,
          gconstpointer  data)
{
  self->no_room = TRUE;
  request (self, self->base, "/file", 0, FILE_SIZE);
  while (self->n_asked == 0)
    turn (self);
  g_clear_pointer (&self->http, shoal_http_free);
  g_assert_true (self->answered);
  g_assert_nonnull (self->fetch->error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/io/http-stream/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("range", test_range);
  ADD ("whole", test_whole);
  ADD ("statuses", test_statuses);
  ADD ("redirects", test_redirects);
  ADD ("remembered", test_remembered);
  ADD ("moved-again", test_moved_again);
  ADD ("room", test_room);
  ADD ("cancelled", test_cancelled);
  ADD ("short", test_short);
  ADD ("broken-heads", test_broken_heads);
  ADD ("late", test_late);
  ADD ("end", test_end);

  return g_test_run ();
}
