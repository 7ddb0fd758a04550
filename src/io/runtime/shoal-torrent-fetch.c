/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fetches a .torrent from an http or https link, outside of any session. */

/* The session's own HTTP code on a context of this call's, so limits, redirects and the name we
 * give are the same. */

#include "shoal-torrent-fetch.h"

#include "shoal-error.h"
#include "shoal-http.h"

#define TIMEOUT_S 30

static void
answered_cb (ShoalFetch *request,
             gpointer    user_data)
{
  gboolean *answered = user_data;

  *answered = TRUE;
}

GBytes *
shoal_torrent_fetch (const char *url,
                     GError    **error)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  ShoalFetch *request = shoal_fetch_new (SHOAL_FETCH_LINK, url);
  gboolean answered = FALSE;
  GBytes *body = NULL;
  ShoalHttp *http;

  request->max_size = SHOAL_TORRENT_SIZE_MAX;
  request->timeout_s = TIMEOUT_S;

  g_main_context_push_thread_default (context);
  http = shoal_http_new (answered_cb, &answered);
  shoal_http_fetch (http, request);
  while (!answered)
    g_main_context_iteration (context, TRUE);
  shoal_http_free (http);
  g_main_context_pop_thread_default (context);

  if (request->body != NULL && (request->status == 0 || request->status / 100 == 2))
    body = g_bytes_ref (request->body);
  else if (request->error != NULL)
    g_set_error_literal (error, SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_FETCH, request->error);
  else
    g_set_error (error, SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_FETCH,
                 "the server answered with status %u", request->status);

  shoal_fetch_free (request);
  return body;
}
