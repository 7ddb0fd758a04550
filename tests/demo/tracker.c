/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small HTTP tracker on loopback, for the demonstration and for tests. */

/* It keeps what was announced in memory and answers /announce (BEP 3, 7, 23) and /scrape (BEP 48).
 * Nothing expires: a swarm of a test is over before that matters. The announce URL is the first
 * line on standard output; with --log one line per announce follows. It ends on SIGTERM or SIGINT.
 */

#include <glib-unix.h>
#include <libsoup/soup.h>
#include <stdio.h>
#include <string.h>

#define INFO_HASH_SIZE  20
#define MAX_PEERS       200
#define COMPACT_V4_SIZE 6
#define COMPACT_V6_SIZE 18

typedef struct
{
  guint8   address[16];   /* as it goes on the wire: 4 or 16 bytes */
  guint    address_size;
  guint16  port;
  gboolean seeding;
} Peer;

typedef struct
{
  GHashTable *peers;      /* peer id in hex (owned) → Peer (owned) */
  guint       completed;  /* how often "completed" was announced */
} Swarm;

typedef struct
{
  GHashTable *swarms;     /* info-hash in hex (owned) → Swarm (owned) */
  int         interval;   /* seconds that peers are told to wait */
  gboolean    log;
} Tracker;

static void
swarm_free (gpointer data)
{
  Swarm *self = data;

  g_hash_table_unref (self->peers);
  g_free (self);
}

/* The raw bytes of one parameter of a query: form decoding would stop at a NUL and insist on UTF-8.
 * Returns: (transfer full) (nullable): the bytes, or %NULL if it is absent or ill-formed */
static GByteArray *
query_bytes (const char *query,
             const char *name)
{
  g_auto(GStrv) pairs = g_strsplit (query != NULL ? query : "", "&", 0);
  gsize name_size = strlen (name);

  for (guint i = 0; pairs[i] != NULL; i++)
    {
      g_autoptr(GByteArray) bytes = NULL;

      if (strncmp (pairs[i], name, name_size) != 0 || pairs[i][name_size] != '=')
        continue;

      bytes = g_byte_array_new ();
      for (const char *at = pairs[i] + name_size + 1; *at != '\0'; at++)
        {
          guint8 byte = (guint8) *at;

          if (*at == '%')
            {
              if (!g_ascii_isxdigit (at[1]) || !g_ascii_isxdigit (at[2]))
                return NULL;
              byte = (guint8) (g_ascii_xdigit_value (at[1]) * 16 + g_ascii_xdigit_value (at[2]));
              at += 2;
            }
          g_byte_array_append (bytes, &byte, 1);
        }
      return g_steal_pointer (&bytes);
    }

  return NULL;
}

static guint64
query_number (const char *query,
              const char *name,
              guint64     fallback)
{
  g_autoptr(GByteArray) bytes = query_bytes (query, name);
  g_autofree char *text = bytes != NULL ? g_strndup ((const char *) bytes->data, bytes->len) : NULL;
  guint64 number;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &number, NULL))
    return fallback;

  return number;
}

static char *
hex (const GByteArray *bytes)
{
  GString *text = g_string_sized_new (bytes->len * 2);

  for (guint i = 0; i < bytes->len; i++)
    g_string_append_printf (text, "%02x", bytes->data[i]);

  return g_string_free (text, FALSE);
}

static void
respond (SoupServerMessage *message,
         GString           *body)
{
  gsize size = body->len;

  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response (message,
                                    "text/plain",
                                    SOUP_MEMORY_TAKE,
                                    g_string_free (body, FALSE),
                                    size);
}

static void
fail (SoupServerMessage *message,
      const char        *reason)
{
  GString *body = g_string_new (NULL);

  g_string_append_printf (body, "d14:failure reason%zu:%se", strlen (reason), reason);
  respond (message, body);
}

static Swarm *
tracker_swarm (Tracker    *self,
               const char *key)
{
  Swarm *swarm = g_hash_table_lookup (self->swarms, key);

  if (swarm == NULL)
    {
      swarm = g_new0 (Swarm, 1);
      swarm->peers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      g_hash_table_insert (self->swarms, g_strdup (key), swarm);
    }

  return swarm;
}

static void
append_string (GString       *body,
               const char    *key,
               const GString *value)
{
  g_string_append_printf (body, "%zu:%s%zu:", strlen (key), key, value->len);
  g_string_append_len (body, value->str, (gssize) value->len);
}

static void
answer_announce (Tracker           *self,
                 SoupServerMessage *message,
                 Swarm             *swarm,
                 const char        *own_key,
                 guint64            wanted)
{
  g_autoptr(GString) v4 = g_string_new (NULL);
  g_autoptr(GString) v6 = g_string_new (NULL);
  GString *body = g_string_new ("d");
  GHashTableIter iter;
  gpointer key, value;
  guint complete = 0, incomplete = 0, given = 0;

  g_hash_table_iter_init (&iter, swarm->peers);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      const Peer *peer = value;
      GString *list = peer->address_size == 4 ? v4 : v6;

      if (peer->seeding)
        complete++;
      else
        incomplete++;
      if (g_str_equal (key, own_key) || given >= MIN (wanted, MAX_PEERS))
        continue;
      given++;
      g_string_append_len (list, (const char *) peer->address, peer->address_size);
      g_string_append_c (list, (char) (peer->port >> 8));
      g_string_append_c (list, (char) (peer->port & 0xff));
    }

  g_string_append_printf (body,
                          "8:completei%ue10:incompletei%ue8:intervali%de12:min intervali1e",
                          complete,
                          incomplete,
                          self->interval);
  append_string (body, "peers", v4);
  if (v6->len > 0)
    append_string (body, "peers6", v6);
  g_string_append_c (body, 'e');
  respond (message, body);
}

static Peer *
peer_new (SoupServerMessage *message,
          guint16            port,
          gboolean           seeding)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (message);
  GInetAddress *address;
  Peer *peer;

  if (!G_IS_INET_SOCKET_ADDRESS (remote))
    return NULL;

  peer = g_new0 (Peer, 1);
  address = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote));
  peer->address_size = (guint) g_inet_address_get_native_size (address);
  memcpy (peer->address, g_inet_address_to_bytes (address), peer->address_size);
  peer->port = port;
  peer->seeding = seeding;

  return peer;
}

static void
announce_cb (SoupServer        *server,
             SoupServerMessage *message,
             const char        *path,
             GHashTable        *form,
             gpointer           user_data)
{
  Tracker *self = user_data;
  const char *query = g_uri_get_query (soup_server_message_get_uri (message));
  g_autoptr(GByteArray) info_hash = query_bytes (query, "info_hash");
  g_autoptr(GByteArray) peer_id = query_bytes (query, "peer_id");
  g_autoptr(GByteArray) event = query_bytes (query, "event");
  g_autofree char *event_text = NULL, *swarm_key = NULL, *peer_key = NULL;
  guint64 port = query_number (query, "port", 0);
  guint64 left = query_number (query, "left", 1);
  guint64 wanted = query_number (query, "numwant", 50);
  Swarm *swarm;
  Peer *peer;

  if (info_hash == NULL || info_hash->len != INFO_HASH_SIZE || peer_id == NULL ||
      peer_id->len != 20)
    {
      fail (message, "info_hash and peer_id have 20 bytes each");
      return;
    }
  if (port == 0 || port > G_MAXUINT16)
    {
      fail (message, "no port was given");
      return;
    }

  event_text = event != NULL ? g_strndup ((const char *) event->data, event->len) : g_strdup ("");
  swarm_key = hex (info_hash);
  peer_key = hex (peer_id);
  swarm = tracker_swarm (self, swarm_key);
  if (self->log)
    g_print ("%s port %" G_GUINT64_FORMAT " left %" G_GUINT64_FORMAT " event %s\n", swarm_key, port,
             left, event_text);

  if (g_str_equal (event_text, "completed"))
    swarm->completed++;
  peer = g_str_equal (event_text, "stopped") ? NULL : peer_new (message, (guint16) port, left == 0);
  if (peer != NULL)
    g_hash_table_replace (swarm->peers, g_strdup (peer_key), peer);
  else
    g_hash_table_remove (swarm->peers, peer_key);

  answer_announce (self, message, swarm, peer_key, wanted);
}

static void
scrape_cb (SoupServer        *server,
           SoupServerMessage *message,
           const char        *path,
           GHashTable        *form,
           gpointer           user_data)
{
  Tracker *self = user_data;
  g_autoptr(GByteArray) info_hash =
    query_bytes (g_uri_get_query (soup_server_message_get_uri (message)), "info_hash");
  GString *body = g_string_new ("d5:filesd");

  if (info_hash != NULL && info_hash->len == INFO_HASH_SIZE)
    {
      g_autofree char *key = hex (info_hash);
      Swarm *swarm = g_hash_table_lookup (self->swarms, key);
      guint complete = 0, incomplete = 0;
      GHashTableIter iter;
      gpointer value;

      if (swarm != NULL)
        {
          g_hash_table_iter_init (&iter, swarm->peers);
          while (g_hash_table_iter_next (&iter, NULL, &value))
            {
              if (((Peer *) value)->seeding)
                complete++;
              else
                incomplete++;
            }
        }
      g_string_append (body, "20:");
      g_string_append_len (body, (const char *) info_hash->data, INFO_HASH_SIZE);
      g_string_append_printf (body,
                              "d8:completei%ue10:downloadedi%ue10:incompletei%uee",
                              complete,
                              swarm != NULL ? swarm->completed : 0,
                              incomplete);
    }
  g_string_append (body, "ee");
  respond (message, body);
}

static gboolean
quit_cb (gpointer user_data)
{
  g_main_loop_quit (user_data);

  return G_SOURCE_CONTINUE;
}

int
main (int    argc,
      char **argv)
{
  Tracker tracker = { .interval = 2 };
  int port = 0;
  GOptionEntry options[] = {
    { "port", 'p', 0, G_OPTION_ARG_INT, &port, "Port on loopback; 0 takes any", "N" },
    { "interval", 'i', 0, G_OPTION_ARG_INT, &tracker.interval, "Seconds between announces",
      "SECONDS" },
    { "log", 'l', 0, G_OPTION_ARG_NONE, &tracker.log, "Print every announce", NULL },
    { 0 },
  };
  g_autoptr(GOptionContext) context = g_option_context_new ("- a small tracker");
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(SoupServer) server = soup_server_new ("server-header", "tracker ", NULL);
  g_autoptr(GError) error = NULL;
  GSList *uris;

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) ||
      !soup_server_listen_local (server, (guint) CLAMP (port, 0, G_MAXUINT16),
                                 SOUP_SERVER_LISTEN_IPV4_ONLY, &error))
    {
      g_printerr ("tracker: %s\n", error->message);
      return 1;
    }

  tracker.swarms = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, swarm_free);
  soup_server_add_handler (server, "/announce", announce_cb, &tracker, NULL);
  soup_server_add_handler (server, "/scrape", scrape_cb, &tracker, NULL);

  setvbuf (stdout, NULL, _IOLBF, 0);
  uris = soup_server_get_uris (server);
  g_print ("http://127.0.0.1:%d/announce\n", g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);

  g_unix_signal_add (SIGINT, quit_cb, loop);
  g_unix_signal_add (SIGTERM, quit_cb, loop);
  g_main_loop_run (loop);

  soup_server_disconnect (server);
  g_hash_table_unref (tracker.swarms);

  return 0;
}
