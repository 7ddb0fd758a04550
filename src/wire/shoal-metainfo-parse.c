/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads a .torrent: versions, hashes and everything beside the files. */

/*
 * What a torrent is made of (sizes, hashes, files) must be right or the whole is refused. What
 * stands beside it (trackers, seeds, comments) is passed over where it is wrong, with a warning.
 *
 * The info-hash is that of the bytes read, never of a copy that was written anew.
 */

#include <string.h>

#include "shoal-metainfo-private.h"
#include "shoal-path.h"

#define WARNINGS_MAX   32u
#define TEXT_SIZE_MAX  (64u * 1024)   /* of a comment and the like; the rest is cut off */
#define URL_SIZE_MAX   8192u
#define HOST_SIZE_MAX  255u
#define DATE_MAX       G_GINT64_CONSTANT (253402300799)   /* the end of the year 9999 */

void
shoal_metainfo_warn (ShoalMetainfoParser *self,
                     const char          *format,
                     ...)
{
  va_list args;

  if (self->warnings->len >= WARNINGS_MAX)
    return;
  va_start (args, format);
  g_ptr_array_add (self->warnings, g_strdup_vprintf (format, args));
  va_end (args);
}

gboolean
shoal_metainfo_fail (GError    **error,
                     const char *format,
                     ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_MALFORMED, message);

  return FALSE;
}

static gboolean
is_something (ShoalBencodeNode node)
{
  return shoal_bencode_type (node) != SHOAL_BENCODE_NONE;
}

/* (transfer full) (nullable): valid UTF-8, of at most TEXT_SIZE_MAX bytes; NULL if empty. */
static char *
read_text (ShoalBencodeNode node)
{
  gsize size;
  const guint8 *bytes = shoal_bencode_bytes (node, &size);

  if (size == 0)
    return NULL;
  if (size > TEXT_SIZE_MAX)
    for (size = TEXT_SIZE_MAX; size > 0 && (bytes[size] & 0xc0) == 0x80;)
      size--;

  return g_utf8_make_valid ((const char *) bytes, (gssize) size);
}

/* The text at @key, or where it is there and valid, at @key with ".utf-8" behind. */
static char *
read_text_at (ShoalBencodeNode dict,
              const char      *key)
{
  g_autofree char *utf8_key = g_strconcat (key, ".utf-8", NULL);
  ShoalBencodeNode node = shoal_bencode_get (dict, utf8_key);
  gsize size;
  const guint8 *bytes = shoal_bencode_bytes (node, &size);

  if (size > 0 && g_utf8_validate_len ((const char *) bytes, size, NULL))
    return read_text (node);

  return read_text (shoal_bencode_get (dict, key));
}

/* (transfer full) (nullable): a URL without space around it; NULL if it cannot be used. */
static char *
read_url (ShoalBencodeNode node,
          gboolean         need_scheme)
{
  gsize size;
  const guint8 *bytes = shoal_bencode_bytes (node, &size);
  g_autofree char *url = NULL;

  if (bytes == NULL || size > URL_SIZE_MAX
      || !g_utf8_validate_len ((const char *) bytes, size, NULL))
    return NULL;
  url = g_strstrip (g_strndup ((const char *) bytes, size));
  if (url[0] == '\0' || (need_scheme && strstr (url, "://") == NULL))
    return NULL;
  for (const char *at = url; *at != '\0'; at++)
    if (g_ascii_iscntrl (*at))
      return NULL;

  return g_steal_pointer (&url);
}

/* -- Trackers */

typedef struct
{
  ShoalMetainfoParser *parser;
  GPtrArray           *tiers;      /* of char ** */
  GHashTable          *seen;       /* URLs so far, borrowed from the tiers */
  guint                n_odd;
} Trackers;

static void
add_tracker (Trackers        *self,
             GPtrArray       *tier,
             ShoalBencodeNode node)
{
  g_autofree char *url = read_url (node, TRUE);
  gsize size;

  if (url == NULL)
    {
      shoal_bencode_bytes (node, &size);
      if (size > 0)
        self->n_odd += 1;
      return;
    }
  if (g_hash_table_contains (self->seen, url)
      || g_hash_table_size (self->seen) >= SHOAL_TRACKERS_MAX)
    return;
  g_hash_table_add (self->seen, url);
  g_ptr_array_add (tier, g_steal_pointer (&url));
}

/* @node is a list of URLs, or as some write it, a lone URL. */
static void
add_tier (Trackers        *self,
          ShoalBencodeNode node)
{
  g_autoptr (GPtrArray) tier = g_ptr_array_new ();

  if (shoal_bencode_type (node) == SHOAL_BENCODE_LIST)
    SHOAL_BENCODE_FOREACH (item, node)
      add_tracker (self, tier, item);
  else
    add_tracker (self, tier, node);
  if (tier->len == 0)
    return;
  g_ptr_array_add (tier, NULL);
  g_ptr_array_add (self->tiers, g_ptr_array_free (g_steal_pointer (&tier), FALSE));
}

/* BEP 12: "announce" counts only where "announce-list" gives nothing. */
static char ***
read_trackers (ShoalMetainfoParser *parser,
               ShoalBencodeNode     root)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  Trackers self = { parser, g_ptr_array_new (), seen, 0 };
  ShoalBencodeNode list = shoal_bencode_get (root, "announce-list");

  SHOAL_BENCODE_FOREACH (tier, list)
    add_tier (&self, tier);
  if (self.tiers->len == 0)
    add_tier (&self, shoal_bencode_get (root, "announce"));
  if (self.n_odd > 0)
    shoal_metainfo_warn (parser, "Unusable tracker addresses passed over: %u", self.n_odd);
  g_ptr_array_add (self.tiers, NULL);

  return (char ***) g_ptr_array_free (self.tiers, FALSE);
}

/* -- Web seeds and nodes */

static void
add_url (GPtrArray       *urls,
         GHashTable      *seen,
         ShoalBencodeNode node)
{
  g_autofree char *url = read_url (node, FALSE);

  if (url == NULL || g_hash_table_contains (seen, url) || urls->len >= SHOAL_WEB_SEEDS_MAX)
    return;
  g_hash_table_add (seen, url);
  g_ptr_array_add (urls, g_steal_pointer (&url));
}

/* A list of URLs, or one URL. */
static char **
read_urls (ShoalBencodeNode node)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *urls = g_ptr_array_new ();

  if (shoal_bencode_type (node) == SHOAL_BENCODE_LIST)
    SHOAL_BENCODE_FOREACH (item, node)
      add_url (urls, seen, item);
  else
    add_url (urls, seen, node);
  g_ptr_array_add (urls, NULL);

  return (char **) g_ptr_array_free (urls, FALSE);
}

/* (transfer full) (nullable): "host:port" of a pair [host, port]. */
static char *
read_node (ShoalBencodeNode pair)
{
  ShoalBencodeNode host_node = shoal_bencode_first (pair);
  gint64 port = shoal_bencode_int (shoal_bencode_next (host_node), 0);
  gsize size;
  const guint8 *bytes = shoal_bencode_bytes (host_node, &size);
  g_autofree char *host = NULL;

  if (shoal_bencode_type (pair) != SHOAL_BENCODE_LIST || size == 0 || size > HOST_SIZE_MAX
      || port < 1 || port > 65535)
    return NULL;
  for (gsize i = 0; i < size; i++)
    if (!g_ascii_isgraph (bytes[i]))
      return NULL;
  host = g_strndup ((const char *) bytes, size);

  if (strchr (host, ':') != NULL && host[0] != '[')
    return g_strdup_printf ("[%s]:%u", host, (guint) port);

  return g_strdup_printf ("%s:%u", host, (guint) port);
}

static char **
read_nodes (ShoalBencodeNode list)
{
  GPtrArray *nodes = g_ptr_array_new ();

  SHOAL_BENCODE_FOREACH (pair, list)
    {
      char *node = nodes->len < SHOAL_NODES_MAX ? read_node (pair) : NULL;

      if (node != NULL)
        g_ptr_array_add (nodes, node);
    }
  g_ptr_array_add (nodes, NULL);

  return (char **) g_ptr_array_free (nodes, FALSE);
}

/* -- Torrents with the same files (BEP 38) */

static void
add_similar (ShoalMetainfoParser *self,
             GArray              *keys,
             ShoalBencodeNode     list)
{
  guint n_odd = 0;

  SHOAL_BENCODE_FOREACH (item, list)
    {
      gsize size;
      const guint8 *bytes = shoal_bencode_bytes (item, &size);
      gboolean known = FALSE;

      if (size != SHOAL_SHA1_SIZE || keys->len >= SHOAL_SIMILAR_MAX)
        {
          n_odd++;
          continue;
        }
      for (guint i = 0; i < keys->len && !known; i++)
        known = memcmp (&g_array_index (keys, ShoalSha1, i), bytes, size) == 0;
      if (!known)
        g_array_append_vals (keys, bytes, 1);
    }
  if (n_odd > 0)
    shoal_metainfo_warn (self, "Similar torrents passed over: %u", n_odd);
}

static void
add_collections (ShoalMetainfoParser *self,
                 GPtrArray           *names,
                 ShoalBencodeNode     list)
{
  guint n_odd = 0;

  SHOAL_BENCODE_FOREACH (item, list)
    {
      gsize size;
      const guint8 *bytes = shoal_bencode_bytes (item, &size);
      g_autofree char *name = NULL;

      if (size == 0 || size > SHOAL_COLLECTION_SIZE_MAX || names->len >= SHOAL_COLLECTIONS_MAX
          || !g_utf8_validate_len ((const char *) bytes, size, NULL))
        {
          n_odd++;
          continue;
        }
      name = g_strndup ((const char *) bytes, size);
      if (!g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
        g_ptr_array_add (names, g_steal_pointer (&name));
    }
  if (n_odd > 0)
    shoal_metainfo_warn (self, "Collections passed over: %u", n_odd);
}

/* Both keys may be in the info dictionary, beside it, or in both places. */
static void
read_same_files (ShoalMetainfoParser *self,
                 ShoalBencodeNode     root)
{
  GArray *similar = g_array_new (FALSE, FALSE, sizeof (ShoalSha1));
  GPtrArray *collections = g_ptr_array_new ();

  add_similar (self, similar, shoal_bencode_get (self->info, "similar"));
  add_similar (self, similar, shoal_bencode_get (root, "similar"));
  add_collections (self, collections, shoal_bencode_get (self->info, "collections"));
  add_collections (self, collections, shoal_bencode_get (root, "collections"));
  g_ptr_array_add (collections, NULL);
  self->out->n_similar = similar->len;
  self->out->similar = (ShoalSha1 *) (gpointer) g_array_free (similar, FALSE);
  self->out->collections = (char **) g_ptr_array_free (collections, FALSE);
}

/* -- The info dictionary */

/* Which versions the torrent speaks, and its hashes. */
static gboolean
read_versions (ShoalMetainfoParser *self,
               GError             **error)
{
  ShoalMetainfo *out = self->out;
  gint64 version = shoal_bencode_int (shoal_bencode_get (self->info, "meta version"), 1);

  if (version != 1 && version != 2)
    {
      g_set_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_UNSUPPORTED,
                   "The torrent is of version %" G_GINT64_FORMAT ", which is unknown", version);
      return FALSE;
    }
  out->hash.has_v2 = version == 2;
  out->hash.has_v1 = is_something (shoal_bencode_get (self->info, "pieces"));
  if (!out->hash.has_v1 && !out->hash.has_v2)
    return shoal_metainfo_fail (error, "There are no piece hashes");
  if (out->hash.has_v1)
    shoal_sha1 (out->info, out->info_size, &out->hash.v1);
  if (out->hash.has_v2)
    shoal_sha256 (out->info, out->info_size, &out->hash.v2);

  return TRUE;
}

static gboolean
read_piece_size (ShoalMetainfoParser *self,
                 GError             **error)
{
  gint64 size = shoal_bencode_int (shoal_bencode_get (self->info, "piece length"), 0);

  if (size <= 0)
    return shoal_metainfo_fail (error, "The piece length is missing, zero or negative");
  if (size > SHOAL_PIECE_SIZE_MAX)
    {
      g_set_error_literal (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE,
                           "The piece length is over 512 MiB");
      return FALSE;
    }
  if (self->out->hash.has_v2 && (size < SHOAL_BLOCK_SIZE || (size & (size - 1)) != 0))
    return shoal_metainfo_fail (error, "The piece length is not a power of two of at least 16 KiB");
  self->piece_size = (guint32) size;

  return TRUE;
}

static void
read_name (ShoalMetainfoParser *self)
{
  ShoalMetainfo *out = self->out;
  ShoalBencodeNode utf8 = shoal_bencode_get (self->info, "name.utf-8");
  gsize size;
  const guint8 *bytes = shoal_bencode_bytes (utf8, &size);

  self->name = utf8;
  if (size == 0 || !g_utf8_validate_len ((const char *) bytes, size, NULL))
    self->name = shoal_bencode_get (self->info, "name");
  bytes = shoal_bencode_bytes (self->name, &size);
  out->name = shoal_path_clean_component (bytes, size);
  if (out->name != NULL)
    return;
  shoal_metainfo_warn (self, "The torrent has no usable name");
  out->name = out->hash.has_v1 ? shoal_hex (out->hash.v1.bytes, SHOAL_SHA1_SIZE)
                               : shoal_hex (out->hash.v2.bytes, SHOAL_SHA256_SIZE);
}

static gboolean
read_info (ShoalMetainfoParser *self,
           GError             **error)
{
  ShoalMetainfo *out = self->out;

  if (!read_versions (self, error) || !read_piece_size (self, error))
    return FALSE;
  read_name (self);
  out->is_private = shoal_bencode_int (shoal_bencode_get (self->info, "private"), 0) == 1;
  if (out->hash.has_v1)
    {
      if (!shoal_metainfo_read_v1 (self, error))
        return FALSE;
      if (out->hash.has_v2 && !shoal_metainfo_match_v2 (self, error))
        return FALSE;
    }
  else if (!shoal_metainfo_read_v2 (self, error))
    {
      return FALSE;
    }

  return !out->hash.has_v2 || shoal_metainfo_read_layers (self, error);
}

/* The info dictionary of @root; two of them would be two torrents in one. */
static gboolean
find_info (ShoalMetainfoParser *self,
           ShoalBencodeNode     root,
           GError             **error)
{
  guint n = 0;

  if (shoal_bencode_type (root) != SHOAL_BENCODE_DICT)
    return shoal_metainfo_fail (error, "This is not a torrent: it is no dictionary");
  SHOAL_BENCODE_FOREACH (value, root)
    {
      gsize size;
      const guint8 *key = shoal_bencode_key (value, &size);

      if (size == 4 && memcmp (key, "info", 4) == 0)
        n++;
    }
  self->info = shoal_bencode_get (root, "info");
  if (n > 1)
    return shoal_metainfo_fail (error, "There is more than one info dictionary");
  if (shoal_bencode_type (self->info) != SHOAL_BENCODE_DICT)
    return shoal_metainfo_fail (error, "This is not a torrent: there is no info dictionary");
  self->out->info = shoal_bencode_raw (self->info, &self->out->info_size);

  return TRUE;
}

static void
read_rest (ShoalMetainfoParser *self,
           ShoalBencodeNode     root)
{
  ShoalMetainfo *out = self->out;

  out->trackers = read_trackers (self, root);
  out->web_seeds = read_urls (shoal_bencode_get (root, "url-list"));
  out->http_seeds = read_urls (shoal_bencode_get (root, "httpseeds"));
  out->nodes = read_nodes (shoal_bencode_get (root, "nodes"));
  read_same_files (self, root);
  out->comment = read_text_at (root, "comment");
  out->created_by = read_text_at (root, "created by");
  out->source = read_text (shoal_bencode_get (self->info, "source"));
  out->creation_date = shoal_bencode_int (shoal_bencode_get (root, "creation date"), -1);
  if (out->creation_date < 0 || out->creation_date > DATE_MAX)
    out->creation_date = -1;
}

ShoalMetainfo *
shoal_metainfo_parse (GBytes  *bytes,
                      GError **error)
{
  g_autoptr (ShoalMetainfo) out = NULL;
  g_autoptr (ShoalBencode) doc = NULL;
  g_autoptr (GPtrArray) warnings = NULL;
  ShoalMetainfoParser self = { 0 };
  ShoalBencodeNode root;
  const guint8 *data;
  gsize size, used;

  g_return_val_if_fail (bytes != NULL, NULL);

  data = g_bytes_get_data (bytes, &size);
  if (size > SHOAL_TORRENT_SIZE_MAX)
    {
      g_set_error_literal (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE,
                           "The torrent is over 64 MiB");
      return NULL;
    }
  doc = shoal_bencode_parse (data, size, &used, error);
  if (doc == NULL)
    return NULL;

  out = g_new0 (ShoalMetainfo, 1);
  out->ref_count = 1;
  out->bytes = g_bytes_ref (bytes);
  warnings = g_ptr_array_new_with_free_func (g_free);
  root = shoal_bencode_root (doc);
  self.out = out;
  self.warnings = warnings;
  self.layers = shoal_bencode_get (root, "piece layers");
  if (used != size)
    shoal_metainfo_warn (&self, "Something follows the torrent and was passed over");
  if (!find_info (&self, root, error) || !read_info (&self, error))
    return NULL;
  read_rest (&self, root);
  g_ptr_array_add (warnings, NULL);
  out->warnings = (char **) g_ptr_array_free (g_steal_pointer (&warnings), FALSE);

  return g_steal_pointer (&out);
}
