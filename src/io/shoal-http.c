/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP for trackers, links to .torrent files and web seeds, with limits of size, time and
 * redirects. */

/*
 * A family is forced by binding the near end to it (shoal-http-way.c); whether the name has such an
 * address is asked before, because the error of a failed bind tells nobody anything.
 *
 * Parts: shoal-http-stream.c (bodies that go to a sink).
 *
 * A call goes: [lookup] -> send -> (redirect -> lookup or send)* -> read to the end. Every step is
 * asynchronous with the call's own cancellable; the timer and the end of everything cancel it, and
 * http_call_finish() is reached on every way out, once.
 *
 * Where the link of a web seed led is remembered (shoal-http-moves.c) and asked at once the next
 * time; when that fails the link itself is asked, once.
 */

#include "shoal-http-private.h"

#define DEFAULT_TIMEOUT_S   30
#define READ_SIZE           (64 * 1024)   /* bytes */

static void call_begin (HttpCall *call);

ShoalHttp *
shoal_http_new (ShoalFetchFunc answered,
                gpointer       user_data)
{
  ShoalHttp *self = g_new0 (ShoalHttp, 1);

  self->context = g_main_context_ref_thread_default ();
  self->way = self->own_way = shoal_http_way_new (NULL, NULL);
  self->moves = shoal_http_moves_new ();
  shoal_node_init (&self->calls);
  shoal_node_init (&self->ready);
  self->answered = answered;
  self->user_data = user_data;

  return self;
}

void
shoal_http_cancel_all (ShoalHttp  *self,
                       const char *why)
{
  shoal_http_moves_clear (self->moves);
  SHOAL_NODE_FOREACH (node, &self->calls)
    {
      HttpCall *call = SHOAL_NODE_OWNER (node, HttpCall, node);

      if (call->streaming)
        http_call_finish (call, why);
      else
        g_cancellable_cancel (call->cancellable);
    }
}

void
shoal_http_free (ShoalHttp *self)
{
  if (self == NULL)
    return;

  shoal_http_cancel_all (self, "Shoal is being stopped");
  while (shoal_node_is_linked (&self->calls))
    g_main_context_iteration (self->context, TRUE);

  g_clear_pointer (&self->own_way, shoal_http_way_free);
  shoal_http_moves_free (self->moves);
  g_main_context_unref (self->context);
  g_free (self);
}

void
shoal_http_set_way (ShoalHttp    *self,
                    ShoalHttpWay *way)
{
  g_assert (!shoal_node_is_linked (&self->calls));

  g_clear_pointer (&self->own_way, shoal_http_way_free);
  self->way = way;
}

/* --- The end of a call --- */

static guint
timeout_of (const ShoalFetch *fetch)
{
  return fetch->timeout_s > 0 ? fetch->timeout_s : DEFAULT_TIMEOUT_S;
}

/* Closing tells libsoup that nobody will read on: the connection is not of use any more, unless
 * all was read. */
static void
call_drop_answer (HttpCall *call)
{
  if (call->stream != NULL)
    g_input_stream_close_async (call->stream, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  g_clear_object (&call->stream);
  g_clear_object (&call->message);
}

void
http_call_stop_timer (HttpCall *call)
{
  if (call->timer != NULL)
    g_source_destroy (call->timer);
  g_clear_pointer (&call->timer, g_source_unref);
}

void
http_call_finish (HttpCall   *call,
                  const char *why)
{
  ShoalHttp *http = call->http;
  ShoalFetch *fetch = call->fetch;

  if (why == NULL && fetch->sink == NULL)
    fetch->body = g_byte_array_free_to_bytes (g_steal_pointer (&call->body));
  else if (why != NULL && call->late)
    fetch->error = g_strdup_printf ("No answer within %u seconds", timeout_of (fetch));
  else
    fetch->error = g_strdup (why);

  fetch->host_data = NULL;
  shoal_node_unlink (&call->node);
  http_call_stop_timer (call);
  http_stream_clear (call);
  call_drop_answer (call);
  g_clear_pointer (&call->body, g_byte_array_unref);
  g_clear_pointer (&call->uri, g_uri_unref);
  g_object_unref (call->cancellable);
  g_free (call);

  http->answered (fetch, http->user_data);
}

static gboolean
call_timed_out (gpointer user_data)
{
  HttpCall *call = user_data;

  call->late = TRUE;
  g_cancellable_cancel (call->cancellable);

  return G_SOURCE_REMOVE;
}

/* --- Reading --- */

static void
read_done (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  HttpCall *call = user_data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = NULL;
  gsize size;
  const guint8 *data;

  bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);
  if (bytes == NULL)
    {
      http_call_finish (call, error->message);
      return;
    }

  data = g_bytes_get_data (bytes, &size);
  if (size == 0)
    {
      http_call_finish (call, NULL);
      return;
    }
  if (size > call->fetch->max_size - call->body->len)
    {
      g_autofree char *limit = g_format_size_full (call->fetch->max_size, G_FORMAT_SIZE_IEC_UNITS);
      g_autofree char *why = g_strdup_printf ("The answer is larger than %s", limit);

      http_call_finish (call, why);
      return;
    }

  g_byte_array_append (call->body, data, (guint) size);
  g_input_stream_read_bytes_async (call->stream, READ_SIZE, G_PRIORITY_DEFAULT, call->cancellable,
                                   read_done, call);
}

/* --- Sending --- */

/* @relative: (nullable). Returns: (nullable): %NULL: not a link that can be fetched */
static GUri *
parse_link (GUri       *base,
            const char *relative)
{
  GUri *uri = NULL;
  const char *scheme;

  if (relative == NULL)
    return NULL;

  uri = base != NULL ? g_uri_parse_relative (base, relative, SOUP_HTTP_URI_FLAGS, NULL)
                     : g_uri_parse (relative, SOUP_HTTP_URI_FLAGS, NULL);
  if (uri == NULL)
    return NULL;

  scheme = g_uri_get_scheme (uri);
  if ((g_str_equal (scheme, "http") || g_str_equal (scheme, "https")) &&
      g_uri_get_host (uri) != NULL && *g_uri_get_host (uri) != '\0')
    return uri;
  g_uri_unref (uri);

  return NULL;
}

/* Whether the link itself says that it leads to this machine or its network; a name may still do
 * so. */
static gboolean
is_local (GUri *uri)
{
  const char *host = g_uri_get_host (uri);
  ShoalAddr addr;

  if (g_ascii_strcasecmp (host, "localhost") == 0)
    return TRUE;

  return shoal_addr_parse (&addr, host, 80) && shoal_addr_is_local (&addr);
}

/* Whoever wrote a torrent could else have a device in the user's home do things by a link. */
static gboolean
is_command (const HttpCall *call)
{
  return call->fetch->use == SHOAL_FETCH_SEED && g_uri_get_query (call->uri) != NULL &&
         is_local (call->uri);
}

static gboolean
leads_inside (GUri *from,
              GUri *to)
{
  return is_local (to) && !is_local (from);
}

/* A link of BEP 17 differs for every piece: there is nothing to be gained. */
static gboolean
may_remember (const ShoalFetch *fetch)
{
  return fetch->use == SHOAL_FETCH_SEED && fetch->range_size > 0;
}

/* Where an earlier request for the same link ended. */
static void
call_remember (HttpCall *call)
{
  GUri *to = may_remember (call->fetch)
               ? shoal_http_moves_find (call->http->moves, call->fetch->url,
                                        g_get_monotonic_time ())
               : NULL;

  if (to == NULL)
    return;
  if (leads_inside (call->uri, to))
    {
      g_uri_unref (to);
      return;
    }
  g_uri_unref (call->uri);
  call->uri = to;
  call->remembered = call->fleeting = TRUE;
}

static void
call_keep (HttpCall *call)
{
  if (call->n_redirects > 0 && !call->unkept && may_remember (call->fetch))
    shoal_http_moves_keep (call->http->moves, call->fetch->url, call->uri, !call->fleeting,
                           g_get_monotonic_time ());
}

/* After a failure. TRUE: it was because of what was remembered, and the link itself is asked
 * now. */
static gboolean
call_ask_anew (HttpCall *call)
{
  gboolean cancelled = g_cancellable_is_cancelled (call->cancellable);

  if (!call->remembered || (cancelled && !call->late))
    return FALSE;
  shoal_http_moves_forget (call->http->moves, call->fetch->url);
  if (cancelled)
    return FALSE;

  call->remembered = call->fleeting = FALSE;
  g_uri_unref (call->uri);
  call->uri = parse_link (NULL, call->fetch->url);
  call_drop_answer (call);
  call_begin (call);

  return TRUE;
}

static void
call_redirect (HttpCall *call)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (call->message);
  const char *caching = soup_message_headers_get_list (headers, "Cache-Control");
  guint status = call->fetch->status;
  GUri *next = parse_link (call->uri, soup_message_headers_get_one (headers, "Location"));

  if (next == NULL)
    {
      http_call_finish (call, "Redirected to something that is not HTTP");
      return;
    }
  if (leads_inside (call->uri, next))
    {
      g_uri_unref (next);
      http_call_finish (call, "Redirected from outside into the local network");
      return;
    }
  g_uri_unref (call->uri);
  call->uri = next;
  call->fleeting |= status != SOUP_STATUS_MOVED_PERMANENTLY &&
                    status != SOUP_STATUS_PERMANENT_REDIRECT;
  call->unkept |= caching != NULL && (soup_header_contains (caching, "no-store") ||
                                      soup_header_contains (caching, "no-cache"));

  if (++call->n_redirects > SHOAL_HTTP_REDIRECTS)
    {
      http_call_finish (call, "Redirected too often");
      return;
    }

  call_drop_answer (call);
  call_begin (call);
}

static void
send_done (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  HttpCall *call = user_data;
  g_autoptr(GError) error = NULL;
  SoupMessageHeaders *headers;
  goffset announced;

  call->stream = soup_session_send_finish (SOUP_SESSION (source), result, &error);
  if (call->stream == NULL)
    {
      if (!call_ask_anew (call))
        http_call_finish (call, error->message);
      return;
    }

  call->fetch->status = soup_message_get_status (call->message);
  switch (call->fetch->status)
    {
    case SOUP_STATUS_MOVED_PERMANENTLY:
    case SOUP_STATUS_FOUND:
    case SOUP_STATUS_SEE_OTHER:
    case SOUP_STATUS_TEMPORARY_REDIRECT:
    case SOUP_STATUS_PERMANENT_REDIRECT:
      call_redirect (call);
      return;

    default:
      break;
    }
  if (call->fetch->status >= SOUP_STATUS_BAD_REQUEST && call_ask_anew (call))
    return;
  if (call->fetch->status < SOUP_STATUS_MULTIPLE_CHOICES)
    call_keep (call);

  if (call->fetch->sink != NULL)
    {
      http_stream_begin (call);
      return;
    }

  headers = soup_message_get_response_headers (call->message);
  announced = soup_message_headers_get_content_length (headers);
  if (announced > 0 && (guint64) announced > call->fetch->max_size)
    {
      http_call_finish (call, "The answer is larger than allowed");
      return;
    }

  call->body = g_byte_array_new ();
  g_input_stream_read_bytes_async (call->stream, READ_SIZE, G_PRIORITY_DEFAULT, call->cancellable,
                                   read_done, call);
}

static void
call_send (HttpCall *call)
{
  ShoalHttpWay *way = call->http->way;

  call->message = soup_message_new_from_uri (SOUP_METHOD_GET, call->uri);
  soup_message_add_flags (call->message, SOUP_MESSAGE_NO_REDIRECT);
  if (call->fetch->range_size > 0)
    soup_message_headers_set_range (soup_message_get_request_headers (call->message),
                                    (goffset) call->fetch->range_first,
                                    (goffset) (call->fetch->range_first + call->fetch->range_size -
                                               1));
  shoal_http_way_keep (way, call->message);
  soup_session_send_async (shoal_http_way_session (way, call->fetch->use, call->fetch->family,
                                                   call->uri),
                           call->message, G_PRIORITY_DEFAULT, call->cancellable, send_done, call);
}

/* --- The wanted family --- */

static void
call_lacks_family (HttpCall *call)
{
  g_autofree char *why = g_strdup_printf ("%s has no IPv%d address", g_uri_get_host (call->uri),
                                          (int) call->fetch->family);

  http_call_finish (call, why);
}

static void
lookup_done (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  HttpCall *call = user_data;
  g_autoptr(GError) error = NULL;
  GList *list = g_resolver_lookup_by_name_with_flags_finish (G_RESOLVER (source), result, &error);

  if (list != NULL)
    {
      g_resolver_free_addresses (list);
      call_send (call);
    }
  else if (g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND))
    call_lacks_family (call);
  else
    http_call_finish (call, error->message);
}

static void
call_begin (HttpCall *call)
{
  const char *host = g_uri_get_host (call->uri);
  gboolean is_ipv4 = call->fetch->family == SHOAL_FAMILY_IPV4;
  g_autoptr(GResolver) resolver = NULL;
  g_autoptr(GInetAddress) numeric = NULL;

  if (shoal_http_way_refusal (call->http->way) != NULL)
    {
      http_call_finish (call, shoal_http_way_refusal (call->http->way));
      return;
    }
  if (is_command (call))
    {
      http_call_finish (call, "A web seed in the local network takes no parameters");
      return;
    }
  if (call->fetch->family == SHOAL_FAMILY_NONE || shoal_http_way_knows_names (call->http->way))
    {
      call_send (call);
      return;
    }

  numeric = g_inet_address_new_from_string (host);
  if (numeric != NULL)
    {
      if ((g_inet_address_get_family (numeric) == G_SOCKET_FAMILY_IPV4) == is_ipv4)
        call_send (call);
      else
        call_lacks_family (call);
      return;
    }

  resolver = g_resolver_get_default ();
  g_resolver_lookup_by_name_with_flags_async (resolver, host,
                                              is_ipv4 ? G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY
                                                      : G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY,
                                              call->cancellable, lookup_done, call);
}

void
shoal_http_fetch (ShoalHttp  *self,
                  ShoalFetch *request)
{
  HttpCall *call = g_new0 (HttpCall, 1);

  call->http = self;
  call->fetch = request;
  call->cancellable = g_cancellable_new ();
  request->host_data = call;
  shoal_node_init (&call->ready_node);
  shoal_node_init (&call->node);
  shoal_node_append (&self->calls, &call->node);

  call->uri = parse_link (NULL, request->url);
  if (call->uri == NULL)
    {
      http_call_finish (call, "Not an HTTP link");
      return;
    }
  call_remember (call);

  call->timer = g_timeout_source_new_seconds (timeout_of (request));
  g_source_set_callback (call->timer, call_timed_out, call, NULL);
  g_source_attach (call->timer, self->context);
  call_begin (call);
}
