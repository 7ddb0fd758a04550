/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers that are read in parts, straight to where the engine wants them. */

/*
 * libsoup says outside of any turn that a head is there or that bytes can be read. The call then
 * stands in the ring of those that are ready, and the host is woken. In its turn shoal_http_pump()
 * asks the sink for room and reads without waiting into that, until there is nothing to be read
 * or no room. Nothing is read while there is no room: the other end has to wait.
 */

#include "shoal-http-private.h"

#define PUMP_MAX      (1024 * 1024)   /* bytes of one call a round */
#define RETRY_AFTER_MAX_S (30u * 24 * 3600)

/* --- The head --- */

/* Seconds or a date. */
static guint
read_retry_after (const char *text)
{
  guint64 seconds;
  g_autoptr(GDateTime) then = NULL;
  g_autoptr(GDateTime) now = NULL;

  if (text == NULL)
    return 0;
  if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &seconds, NULL))
    return (guint) MIN (seconds, RETRY_AFTER_MAX_S);

  then = soup_date_time_new_from_http_string (text);
  if (then == NULL)
    return 0;
  now = g_date_time_new_now_utc ();

  return (guint) CLAMP (g_date_time_difference (then, now) / G_USEC_PER_SEC, 0, RETRY_AFTER_MAX_S);
}

static void
read_head (HttpCall *call)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (call->message);
  ShoalFetch *fetch = call->fetch;
  const char *coding = soup_message_headers_get_list (headers, "Content-Encoding");
  goffset first = 0;
  goffset last = 0;
  goffset total = -1;

  fetch->encoded = coding != NULL && *coding != '\0'
                   && g_ascii_strcasecmp (coding, "identity") != 0;
  if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CONTENT_LENGTH)
    fetch->content_size = (guint64) soup_message_headers_get_content_length (headers);
  fetch->retry_after_s = read_retry_after (soup_message_headers_get_one (headers, "Retry-After"));
  if (soup_message_headers_get_content_range (headers, &first, &last, &total) && first >= 0
      && last >= first)
    {
      fetch->has_range = TRUE;
      fetch->got_first = (guint64) first;
      fetch->got_last = (guint64) last;
      fetch->got_total = total >= 0 ? (guint64) total : SHOAL_SIZE_UNKNOWN;
    }
}

/* --- Readiness --- */

static void
make_ready (HttpCall *call)
{
  if (!shoal_node_is_linked (&call->ready_node))
    shoal_node_append (&call->http->ready, &call->ready_node);
}

static gboolean
became_readable (GObject  *stream,
                 gpointer  user_data)
{
  HttpCall *call = user_data;

  g_clear_pointer (&call->readable, g_source_unref);
  make_ready (call);
  if (call->http->wake != NULL)
    call->http->wake (call->http->user_data);

  return G_SOURCE_REMOVE;
}

static void
wait_for_bytes (HttpCall *call)
{
  if (call->readable != NULL)
    return;
  call->readable = g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (call->stream),
                                                          NULL);
  g_source_set_callback (call->readable, G_SOURCE_FUNC (became_readable), call, NULL);
  g_source_attach (call->readable, call->http->context);
}

void
http_stream_begin (HttpCall *call)
{
  if (!G_IS_POLLABLE_INPUT_STREAM (call->stream)
      || !g_pollable_input_stream_can_poll (G_POLLABLE_INPUT_STREAM (call->stream)))
    {
      http_call_finish (call, "The answer cannot be read in parts");
      return;
    }

  http_call_stop_timer (call);
  read_head (call);
  call->streaming = TRUE;
  make_ready (call);
  if (call->http->wake != NULL)
    call->http->wake (call->http->user_data);
}

void
http_stream_clear (HttpCall *call)
{
  shoal_node_unlink (&call->ready_node);
  if (call->readable != NULL)
    g_source_destroy (call->readable);
  g_clear_pointer (&call->readable, g_source_unref);
}

/* --- In the turn --- */

/* FALSE: the call is over. */
static gboolean
pump_once (HttpCall *call,
           gint64    now_us,
           gsize    *left)
{
  ShoalFetch *fetch = call->fetch;
  g_autoptr(GError) error = NULL;
  gsize size = 0;
  guint8 *room = fetch->cancelled ? NULL : fetch->sink->room (fetch, &size, now_us);
  gssize n;

  if (fetch->cancelled)
    {
      http_call_finish (call, "Nobody wants it any more");
      return FALSE;
    }
  if (room == NULL)
    {
      *left = 0;
      return TRUE;
    }

  n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (call->stream), room, size,
                                                NULL, &error);
  if (n > 0)
    {
      call->http->moved += (guint64) n;
      *left -= MIN (*left, (gsize) n);
      if (*left == 0)
        make_ready (call);
      fetch->sink->came (fetch, (gsize) n, now_us);
      return TRUE;
    }
  if (n < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    {
      wait_for_bytes (call);
      *left = 0;
      return TRUE;
    }
  http_call_finish (call, n < 0 ? error->message : NULL);

  return FALSE;
}

static void
pump (HttpCall *call,
      gint64    now_us)
{
  gsize left = PUMP_MAX;

  if (!call->streaming)
    return;
  if (!call->head_told && !call->fetch->cancelled)
    {
      call->head_told = TRUE;
      if (!call->fetch->sink->head (call->fetch, now_us))
        {
          http_call_finish (call, "The answer is of no use");
          return;
        }
    }
  while (left > 0 && pump_once (call, now_us, &left))
    continue;
}

void
shoal_http_pump (ShoalHttp *self,
                 gint64     now_us)
{
  ShoalNode now;

  if (!shoal_node_is_linked (&self->ready))
    return;

  /* Those that are ready again meanwhile wait for the next round. */
  shoal_node_init (&now);
  SHOAL_NODE_FOREACH (node, &self->ready)
    shoal_node_append (&now, node);
  while (shoal_node_is_linked (&now))
    {
      HttpCall *call = SHOAL_NODE_OWNER (now.next, HttpCall, ready_node);

      shoal_node_unlink (&call->ready_node);
      pump (call, now_us);
    }
}

gboolean
shoal_http_is_pending (const ShoalHttp *self)
{
  return shoal_node_is_linked (&self->ready);
}

void
shoal_http_attend (ShoalHttp  *self,
                   ShoalFetch *request)
{
  HttpCall *call = request->host_data;

  if (call == NULL)
    return;
  if (call->streaming)
    make_ready (call);
  else if (request->cancelled)
    g_cancellable_cancel (call->cancellable);
}

void
shoal_http_set_wake (ShoalHttp     *self,
                     ShoalHttpWake  wake)
{
  self->wake = wake;
}

guint64
shoal_http_moved (const ShoalHttp *self)
{
  return self->moved;
}
