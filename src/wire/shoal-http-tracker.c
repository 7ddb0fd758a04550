/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP trackers: announce and scrape URLs and their answers (BEP 3, 7, 23, 24, 31, 48). */

/* Answers are read generously: what is missing or of another type counts as not said, bytes behind
 * the dictionary are passed over (some trackers end with a line break). What is no dictionary, such
 * as the web page of a captive portal, is an error. Pure functions, any thread. */

#include "shoal-http-tracker.h"
#include "shoal-bencode.h"
#include "shoal-error.h"
#include "shoal-safe-text.h"

#define MINUTE_S     60
#define IP_TEXT_MAX  45u   /* bytes of a numeric address: the longest form of IPv6 */

static const char *const event_names[] = {
  [SHOAL_ANNOUNCE_NONE]      = NULL,
  [SHOAL_ANNOUNCE_COMPLETED] = "completed",
  [SHOAL_ANNOUNCE_STARTED]   = "started",
  [SHOAL_ANNOUNCE_STOPPED]   = "stopped",
  [SHOAL_ANNOUNCE_PAUSED]    = "paused",
};

static void
append_escaped (GString      *url,
                const guint8 *bytes,
                gsize         size)
{
  for (gsize i = 0; i < size; i++)
    {
      guint8 c = bytes[i];

      if (g_ascii_isalnum (c) || c == '-' || c == '_' || c == '.' || c == '~')
        g_string_append_c (url, (char) c);
      else
        g_string_append_printf (url, "%%%02X", c);
    }
}

/* The URL without its fragment, ready for another "key=value". */
static GString *
begin_query (const char *tracker)
{
  GString *url = g_string_new_len (tracker, (gssize) strcspn (tracker, "#"));

  if (strchr (url->str, '?') == NULL)
    g_string_append_c (url, '?');
  else if (url->str[url->len - 1] != '?' && url->str[url->len - 1] != '&')
    g_string_append_c (url, '&');

  return url;
}

char *
shoal_http_tracker_announce_url (const char          *tracker,
                                 const ShoalAnnounce *announce)
{
  GString *url;

  g_return_val_if_fail (tracker != NULL && announce != NULL, NULL);
  g_return_val_if_fail (announce->event < G_N_ELEMENTS (event_names), NULL);

  url = begin_query (tracker);
  g_string_append (url, "info_hash=");
  append_escaped (url, announce->info_hash.bytes, SHOAL_SHA1_SIZE);
  g_string_append (url, "&peer_id=");
  append_escaped (url, announce->peer_id.bytes, SHOAL_PEER_ID_SIZE);
  g_string_append_printf (url,
                          "&port=%u&uploaded=%" G_GUINT64_FORMAT "&downloaded=%" G_GUINT64_FORMAT
                          "&left=%" G_GUINT64_FORMAT "&key=%08X&compact=1&no_peer_id=1",
                          announce->port, announce->uploaded, announce->downloaded, announce->left,
                          announce->key);
  if (announce->numwant >= 0)
    g_string_append_printf (url, "&numwant=%d", announce->numwant);
  if (announce->crypto)
    g_string_append (url, "&supportcrypto=1");
  if (event_names[announce->event] != NULL)
    g_string_append_printf (url, "&event=%s", event_names[announce->event]);
  if (announce->tracker_id != NULL)
    {
      g_string_append (url, "&trackerid=");
      append_escaped (url, (const guint8 *) announce->tracker_id, strlen (announce->tracker_id));
    }

  return g_string_free (url, FALSE);
}

char *
shoal_http_tracker_scrape_url (const char      *tracker,
                               const ShoalSha1 *info_hashes,
                               guint            n)
{
  g_autoptr (GString) scrape = NULL;
  const char *path;
  const char *last;
  GString *url;

  g_return_val_if_fail (tracker != NULL && info_hashes != NULL, NULL);
  g_return_val_if_fail (n >= 1 && n <= SHOAL_HTTP_TRACKER_SCRAPE_MAX, NULL);

  path = strstr (tracker, "://");
  if (path == NULL)
    return NULL;
  path += strlen ("://");
  last = g_strrstr_len (path, (gssize) strcspn (path, "?#"), "/");
  if (last == NULL || !g_str_has_prefix (last, "/announce"))
    return NULL;

  scrape = g_string_new_len (tracker, last - tracker);
  g_string_append (scrape, "/scrape");
  g_string_append (scrape, last + strlen ("/announce"));
  url = begin_query (scrape->str);
  for (guint i = 0; i < n; i++)
    {
      g_string_append (url, i == 0 ? "info_hash=" : "&info_hash=");
      append_escaped (url, info_hashes[i].bytes, SHOAL_SHA1_SIZE);
    }

  return g_string_free (url, FALSE);
}

static char *
get_text (ShoalBencodeNode  dict,
          const char       *key)
{
  gsize size = 0;
  const guint8 *bytes = shoal_bencode_bytes (shoal_bencode_get (dict, key), &size);

  return shoal_safe_text (bytes, size, SHOAL_TRACKER_TEXT_MAX);
}

/* Seconds, 0 where they are not said. */
static gint64
get_wait (ShoalBencodeNode  dict,
          const char       *key)
{
  return CLAMP (shoal_bencode_int (shoal_bencode_get (dict, key), 0), 0, SHOAL_TRACKER_WAIT_MAX);
}

/* A number of peers, -1 where it is not said. */
static gint64
get_count (ShoalBencodeNode  dict,
           const char       *key)
{
  return MAX (shoal_bencode_int (shoal_bencode_get (dict, key), -1), -1);
}

/* BEP 31: minutes or "never"; minutes as a string are seen, too. */
static gint64
get_retry (ShoalBencodeNode dict)
{
  ShoalBencodeNode node = shoal_bencode_get (dict, "retry in");
  g_autofree char *text = shoal_bencode_text (node);
  gint64 minutes = shoal_bencode_int (node, -1);
  guint64 number;

  if (text != NULL && g_ascii_strcasecmp (text, "never") == 0)
    return G_MAXINT64;
  if (text != NULL && g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, &number, NULL))
    minutes = (gint64) number;
  if (minutes < 0)
    return -1;

  return MIN (minutes, SHOAL_TRACKER_WAIT_MAX / MINUTE_S) * MINUTE_S;
}

/* The form of BEP 3: a list of dictionaries. Addresses that are names are passed over. */
static void
add_listed_peers (ShoalAnnounceAnswer *out,
                  ShoalBencodeNode     list)
{
  for (ShoalBencodeNode item = shoal_bencode_first (list);
       shoal_bencode_type (item) != SHOAL_BENCODE_NONE && out->peers->len < SHOAL_TRACKER_PEERS_MAX;
       item = shoal_bencode_next (item))
    {
      gint64 port = shoal_bencode_int (shoal_bencode_get (item, "port"), 0);
      gsize size = 0;
      const guint8 *ip = shoal_bencode_bytes (shoal_bencode_get (item, "ip"), &size);
      g_autofree char *text = NULL;
      ShoalAddr peer;

      if (ip == NULL || size > IP_TEXT_MAX || memchr (ip, '\0', size) != NULL || port <= 0
          || port > G_MAXUINT16)
        continue;
      text = g_strndup ((const char *) ip, size);
      if (!shoal_addr_parse (&peer, text, (guint16) port))
        continue;
      peer.port = (guint16) port;
      shoal_announce_answer_add_peer (out, &peer);
    }
}

static void
read_peers (ShoalAnnounceAnswer *out,
            ShoalBencodeNode     dict)
{
  static const char *const keys[] = { "peers", "peers6" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      ShoalBencodeNode node = shoal_bencode_get (dict, keys[i]);
      gsize size = 0;
      const guint8 *bytes = shoal_bencode_bytes (node, &size);

      if (bytes != NULL)
        shoal_announce_answer_add_compact (out, i == 0 ? SHOAL_FAMILY_IPV4 : SHOAL_FAMILY_IPV6,
                                           bytes, size);
      else
        add_listed_peers (out, node);
    }
}

static ShoalBencode *
parse_dict (const guint8  *bytes,
            gsize          size,
            GError       **error)
{
  g_autoptr (ShoalBencode) doc = NULL;
  gsize used;

  if (size > SHOAL_TRACKER_ANSWER_MAX)
    {
      g_set_error (error,
                   SHOAL_WIRE_ERROR,
                   SHOAL_WIRE_ERROR_TOO_LARGE,
                   "The tracker's answer is larger than %u bytes",
                   SHOAL_TRACKER_ANSWER_MAX);
      return NULL;
    }

  doc = shoal_bencode_parse (bytes, size, &used, error);
  if (doc == NULL)
    {
      g_prefix_error (error, "The tracker's answer is not bencoded: ");
      return NULL;
    }
  if (shoal_bencode_type (shoal_bencode_root (doc)) != SHOAL_BENCODE_DICT)
    {
      g_set_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_MALFORMED,
                   "The tracker's answer is not a dictionary");
      return NULL;
    }

  return g_steal_pointer (&doc);
}

/* What announces and scrapes share. */
static void
read_failure (ShoalAnnounceAnswer *out,
              ShoalBencodeNode     root)
{
  ShoalBencodeNode failure = shoal_bencode_get (root, "failure reason");

  if (shoal_bencode_type (failure) != SHOAL_BENCODE_STRING)
    return;

  out->failure = get_text (root, "failure reason");
  if (out->failure == NULL)
    out->failure = g_strdup ("no reason given");
  out->retry_s = get_retry (root);
}

static void
read_tracker_id (ShoalAnnounceAnswer *out,
                 ShoalBencodeNode     root)
{
  gsize size = 0;
  const guint8 *bytes = shoal_bencode_bytes (shoal_bencode_get (root, "tracker id"), &size);

  if (bytes != NULL && size > 0 && size <= SHOAL_TRACKER_ID_MAX
      && memchr (bytes, '\0', size) == NULL)
    out->tracker_id = g_strndup ((const char *) bytes, size);
}

gboolean
shoal_http_tracker_parse_announce (ShoalAnnounceAnswer  *out,
                                   const guint8         *bytes,
                                   gsize                 size,
                                   GError              **error)
{
  g_autoptr (ShoalBencode) doc = NULL;
  ShoalBencodeNode root;
  const guint8 *external;
  gsize external_size = 0;

  g_return_val_if_fail (out != NULL, FALSE);

  *out = (ShoalAnnounceAnswer){ 0 };
  doc = parse_dict (bytes, size, error);
  if (doc == NULL)
    return FALSE;

  shoal_announce_answer_init (out);
  root = shoal_bencode_root (doc);
  read_failure (out, root);
  read_tracker_id (out, root);
  out->warning = get_text (root, "warning message");
  out->interval_s = get_wait (root, "interval");
  out->min_interval_s = get_wait (root, "min interval");
  out->seeds = get_count (root, "complete");
  out->leechers = get_count (root, "incomplete");
  out->downloaded = get_count (root, "downloaded");

  external = shoal_bencode_bytes (shoal_bencode_get (root, "external ip"), &external_size);
  if (external != NULL && external_size == 4)
    out->external = shoal_addr_make (SHOAL_FAMILY_IPV4, external, 0);
  else if (external != NULL && external_size == 16)
    out->external = shoal_addr_make (SHOAL_FAMILY_IPV6, external, 0);

  if (out->failure == NULL)
    read_peers (out, root);

  return TRUE;
}

/* Keys are 20 bytes that may hold NUL, so that shoal_bencode_get() does not find them. */
static ShoalBencodeNode
find_torrent (ShoalBencodeNode  files,
              const ShoalSha1  *info_hash)
{
  ShoalBencodeNode item = shoal_bencode_first (files);

  while (shoal_bencode_type (item) != SHOAL_BENCODE_NONE)
    {
      gsize size = 0;
      const guint8 *key = shoal_bencode_key (item, &size);

      if (key != NULL && size == SHOAL_SHA1_SIZE && memcmp (key, info_hash->bytes, size) == 0)
        break;
      item = shoal_bencode_next (item);
    }

  return item;
}

gboolean
shoal_http_tracker_parse_scrape (ShoalAnnounceAnswer  *out,
                                 const ShoalSha1      *info_hashes,
                                 guint                 n,
                                 const guint8         *bytes,
                                 gsize                 size,
                                 GError              **error)
{
  g_autoptr (ShoalBencode) doc = NULL;
  ShoalBencodeNode root;
  ShoalBencodeNode files;

  g_return_val_if_fail (out != NULL && info_hashes != NULL, FALSE);

  *out = (ShoalAnnounceAnswer){ 0 };
  doc = parse_dict (bytes, size, error);
  if (doc == NULL)
    return FALSE;

  root = shoal_bencode_root (doc);
  files = shoal_bencode_get (root, "files");
  if (shoal_bencode_type (files) != SHOAL_BENCODE_DICT
      && shoal_bencode_type (shoal_bencode_get (root, "failure reason")) != SHOAL_BENCODE_STRING)
    {
      g_set_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_MALFORMED,
                   "The tracker's answer lacks the torrents");
      return FALSE;
    }

  shoal_announce_answer_init (out);
  read_failure (out, root);
  out->min_interval_s = get_wait (shoal_bencode_get (root, "flags"), "min_request_interval");
  for (guint i = 0; i < n; i++)
    {
      ShoalBencodeNode torrent = find_torrent (files, &info_hashes[i]);
      ShoalTrackerCount count = {
        .seeds = get_count (torrent, "complete"),
        .leechers = get_count (torrent, "incomplete"),
        .downloaded = get_count (torrent, "downloaded"),
      };

      g_array_append_val (out->counts, count);
    }

  return TRUE;
}
