/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A .torrent is fetched from a server of our own. */

#include "shoal-torrent-fetch.h"

#include <libsoup/soup.h>
#include "shoal-error.h"

static void
request_cb (SoupServer        *server,
            SoupServerMessage *message,
            const char        *path,
            GHashTable        *query,
            gpointer           user_data)
{
  if (g_strcmp0 (path, "/good") == 0)
    {
      soup_server_message_set_status (message, 200, NULL);
      soup_server_message_set_response (message, "application/x-bittorrent", SOUP_MEMORY_STATIC,
                                        "d4:infodee", 10);
    }
  else if (g_strcmp0 (path, "/moved") == 0)
    {
      soup_server_message_set_redirect (message, 302, "/good");
    }
  else
    {
      soup_server_message_set_status (message, 404, NULL);
    }
}

typedef struct
{
  char    *url;
  GBytes  *bytes;
  GError  *error;
  gboolean done;   /* atomic */
} Fetch;

static gpointer
fetch_thread (gpointer data)
{
  Fetch *self = data;

  self->bytes = shoal_torrent_fetch (self->url, &self->error);
  g_atomic_int_set (&self->done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

/* The call blocks, so it has a thread of its own while the server runs on this one. */
static void
fetch (Fetch      *self,
       const char *base,
       const char *path)
{
  GThread *thread;

  *self = (Fetch){ .url = g_strconcat (base, path, NULL) };
  thread = g_thread_new ("fetch", fetch_thread, self);
  while (!g_atomic_int_get (&self->done))
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (thread);
  g_free (self->url);
}

static void
test_fetch (void)
{
  g_autoptr(SoupServer) server = soup_server_new (NULL, NULL);
  g_autofree char *base = NULL;
  GSList *uris;
  Fetch result;

  soup_server_add_handler (server, NULL, request_cb, NULL, NULL);
  g_assert_true (soup_server_listen_local (server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, NULL));
  uris = soup_server_get_uris (server);
  base = g_strdup_printf ("http://127.0.0.1:%d", g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);

  fetch (&result, base, "/good");
  g_assert_no_error (result.error);
  g_assert_cmpuint (g_bytes_get_size (result.bytes), ==, 10);
  g_bytes_unref (result.bytes);

  fetch (&result, base, "/moved");
  g_assert_no_error (result.error);
  g_bytes_unref (result.bytes);

  fetch (&result, base, "/gone");
  g_assert_null (result.bytes);
  g_assert_error (result.error, SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_FETCH);
  g_assert_nonnull (strstr (result.error->message, "404"));
  g_clear_error (&result.error);

  soup_server_disconnect (server);
  fetch (&result, base, "/good");
  g_assert_error (result.error, SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_FETCH);
  g_clear_error (&result.error);

  fetch (&result, "", "http://");
  g_assert_error (result.error, SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_FETCH);
  g_clear_error (&result.error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/io/torrent-fetch/fetch", test_fetch);
  return g_test_run ();
}
