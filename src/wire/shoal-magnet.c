/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Magnet links: BEP 9, BEP 52 (btmh) and BEP 53 (so). */

/*
 * A link comes from anywhere: what is not understood is passed over, and a link is refused only
 * where no hash can be had from it. Percent-encoding is undone once, byte by byte; an escape that
 * is none stays as it stands. Writing gives one spelling, which parses to the same again.
 */

#include "shoal-magnet.h"

#include <stdlib.h>
#include <string.h>

#include "shoal-error.h"
#include "shoal-path.h"

#define PREFIX         "magnet:?"
#define URL_SIZE_MAX   8192u
#define PEER_SIZE_MAX  300u
#define RANGES_MAX     65536u
#define BASE32_SIZE    32u      /* characters of a SHA-1 */

static gboolean
fail (GError        **error,
      ShoalWireError  code,
      const char     *message)
{
  g_set_error_literal (error, SHOAL_WIRE_ERROR, code, message);
  return FALSE;
}

/* -- Ranges */

/* One decimal number below SHOAL_FILES_MAX; moves on behind it. */
static gboolean
read_index (const char **text,
            guint32     *value)
{
  const char *at = *text;
  guint64 number = 0;

  for (; g_ascii_isdigit (*at); at++)
    {
      number = number * 10 + (guint64) (*at - '0');
      if (number >= SHOAL_FILES_MAX)
        return FALSE;
    }
  if (at == *text)
    return FALSE;
  *text = at;
  *value = (guint32) number;

  return TRUE;
}

static gboolean
read_range (const char *text,
            ShoalRange *range)
{
  if (!read_index (&text, &range->first))
    return FALSE;
  range->last = range->first;
  if (*text == '-')
    {
      text++;
      if (!read_index (&text, &range->last))
        return FALSE;
    }

  return *text == '\0' && range->first <= range->last;
}

static int
compare_ranges (gconstpointer a,
                gconstpointer b)
{
  guint32 left = ((const ShoalRange *) a)->first;
  guint32 right = ((const ShoalRange *) b)->first;

  return (left > right) - (left < right);
}

/* Sorts, and joins what overlaps or touches. */
static void
merge_ranges (GArray *ranges)
{
  guint n = 0;

  g_array_sort (ranges, compare_ranges);
  for (guint i = 0; i < ranges->len; i++)
    {
      ShoalRange range = g_array_index (ranges, ShoalRange, i);
      ShoalRange *last = n > 0 ? &g_array_index (ranges, ShoalRange, n - 1) : NULL;

      if (last != NULL && range.first <= last->last + 1)
        last->last = MAX (last->last, range.last);
      else
        g_array_index (ranges, ShoalRange, n++) = range;
    }
  g_array_set_size (ranges, n);
}

/* Appends the good ranges of @text; FALSE if there was a bad one. */
static gboolean
add_ranges (GArray     *ranges,
            const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", RANGES_MAX);
  gboolean good = TRUE;

  for (char **part = parts; *part != NULL && ranges->len < RANGES_MAX; part++)
    {
      ShoalRange range;

      if (read_range (g_strstrip (*part), &range))
        g_array_append_val (ranges, range);
      else
        good = FALSE;
    }

  return good;
}

GArray *
shoal_ranges_parse (const char *text,
                    GError    **error)
{
  g_autoptr (GArray) ranges = g_array_new (FALSE, FALSE, sizeof (ShoalRange));

  g_return_val_if_fail (text != NULL, NULL);

  if (!add_ranges (ranges, text) || ranges->len == 0)
    {
      fail (error, SHOAL_WIRE_ERROR_MALFORMED, "Not a list of file numbers such as 0,2,4-6");
      return NULL;
    }
  merge_ranges (ranges);

  return g_steal_pointer (&ranges);
}

gboolean
shoal_ranges_contain (const GArray *ranges,
                      guint32       index)
{
  for (guint low = 0, high = ranges->len; low < high;)
    {
      guint middle = low + (high - low) / 2;
      const ShoalRange *range = &g_array_index (ranges, ShoalRange, middle);

      if (index < range->first)
        high = middle;
      else if (index > range->last)
        low = middle + 1;
      else
        return TRUE;
    }

  return FALSE;
}

/* -- Parsing */

/*
 * @trackers, @web_seeds, @peers: of text, each once
 */
typedef struct
{
  ShoalMagnet *magnet;
  GPtrArray   *trackers;
  GPtrArray   *web_seeds;
  GPtrArray   *peers;
  GHashTable  *seen;        /* texts in the lists, each behind a letter for its list; owns them */
} Parser;

gboolean
shoal_magnet_looks_like (const char *text)
{
  return text != NULL && g_ascii_strncasecmp (text, "magnet:", 7) == 0;
}

/* @value without percent-encoding, valid UTF-8; "+" is a space where @plus says so. */
static char *
decode (const char *value,
        gsize       size,
        gboolean    plus)
{
  g_autoptr (GString) text = g_string_sized_new (size + 1);

  for (gsize i = 0; i < size; i++)
    {
      char c = value[i];

      if (c == '%' && i + 2 < size
          && g_ascii_isxdigit (value[i + 1]) && g_ascii_isxdigit (value[i + 2]))
        {
          c = (char) (g_ascii_xdigit_value (value[i + 1]) * 16
                      + g_ascii_xdigit_value (value[i + 2]));
          i += 2;
        }
      else if (c == '+' && plus)
        {
          c = ' ';
        }
      g_string_append_c (text, c);
    }

  return g_utf8_make_valid (text->str, (gssize) text->len);
}

static gboolean
decode_base32 (const char *text,
               guint8     *out)
{
  guint64 bits = 0;
  guint n_bits = 0;

  for (guint i = 0; i < BASE32_SIZE; i++)
    {
      char c = g_ascii_tolower (text[i]);
      guint value;

      if (c >= 'a' && c <= 'z')
        value = (guint) (c - 'a');
      else if (c >= '2' && c <= '7')
        value = (guint) (c - '2') + 26;
      else
        return FALSE;
      bits = bits << 5 | value;
      n_bits += 5;
      if (n_bits >= 8)
        {
          n_bits -= 8;
          *out++ = (guint8) (bits >> n_bits);
        }
    }

  return TRUE;
}

/* xt: the first hash of each kind counts. */
static void
read_topic (ShoalInfoHash *hash,
            char          *topic)
{
  static const char btih[] = "urn:btih:";
  static const char btmh[] = "urn:btmh:1220";

  g_strstrip (topic);
  if (g_ascii_strncasecmp (topic, btih, strlen (btih)) == 0 && !hash->has_v1)
    {
      const char *text = topic + strlen (btih);

      if (strlen (text) == BASE32_SIZE)
        hash->has_v1 = decode_base32 (text, hash->v1.bytes);
      else
        hash->has_v1 = shoal_unhex (text, strlen (text), hash->v1.bytes, SHOAL_SHA1_SIZE);
    }
  else if (g_ascii_strncasecmp (topic, btmh, strlen (btmh)) == 0 && !hash->has_v2)
    {
      const char *text = topic + strlen (btmh);

      hash->has_v2 = shoal_unhex (text, strlen (text), hash->v2.bytes, SHOAL_SHA256_SIZE);
    }
}

/* "host:port" with a port and a host of visible ASCII. */
static gboolean
is_peer (const char *text)
{
  const char *colon = strrchr (text, ':');
  guint port = 0;

  if (colon == NULL || colon == text || colon[1] == '\0' || strlen (text) > PEER_SIZE_MAX)
    return FALSE;
  for (const char *at = colon + 1; *at != '\0'; at++)
    {
      if (!g_ascii_isdigit (*at))
        return FALSE;
      port = port * 10 + (guint) (*at - '0');
      if (port > 65535)
        return FALSE;
    }
  for (const char *at = text; at < colon; at++)
    if (!g_ascii_isgraph (*at))
      return FALSE;
  if (memchr (text, ':', (gsize) (colon - text)) != NULL && (text[0] != '[' || colon[-1] != ']'))
    return FALSE;

  return port != 0;
}

static gboolean
is_url (const char *text)
{
  if (strlen (text) > URL_SIZE_MAX || strstr (text, "://") == NULL)
    return FALSE;
  for (const char *at = text; *at != '\0'; at++)
    if (g_ascii_iscntrl (*at))
      return FALSE;

  return TRUE;
}

static void
add_once (Parser     *self,
          GPtrArray  *list,
          char        kind,
          const char *text,
          guint       max)
{
  g_autofree char *key = g_strdup_printf ("%c%s", kind, text);

  if (list->len >= max || !g_hash_table_add (self->seen, g_steal_pointer (&key)))
    return;
  g_ptr_array_add (list, g_strdup (text));
}

static void
read_parameter (Parser     *self,
                const char *key,
                char       *value)
{
  ShoalMagnet *magnet = self->magnet;

  if (strcmp (key, "xt") == 0)
    read_topic (&magnet->hash, value);
  else if (strcmp (key, "dn") == 0 && magnet->name == NULL)
    magnet->name = shoal_path_clean_component ((const guint8 *) value, strlen (value));
  else if (strcmp (key, "tr") == 0 && is_url (g_strstrip (value)))
    add_once (self, self->trackers, 't', value, SHOAL_TRACKERS_MAX);
  else if (strcmp (key, "ws") == 0 && is_url (g_strstrip (value)))
    add_once (self, self->web_seeds, 'w', value, SHOAL_WEB_SEEDS_MAX);
  else if (strcmp (key, "x.pe") == 0 && is_peer (g_strstrip (value)))
    add_once (self, self->peers, 'p', value, SHOAL_MAGNET_PEERS_MAX);
  else if (strcmp (key, "so") == 0)
    add_ranges (magnet->select_only, value);
  else if (strcmp (key, "xl") == 0)
    {
      guint64 size;

      if (g_ascii_string_to_unsigned (g_strstrip (value), 10, 0, SHOAL_TOTAL_SIZE_MAX, &size, NULL))
        magnet->size = size;
    }
}

/* "tr.1" is "tr"; "x.pe" is itself. */
static void
strip_number (char *key)
{
  char *dot = strrchr (key, '.');

  if (dot != NULL && dot[1] != '\0' && strspn (dot + 1, "0123456789") == strlen (dot + 1))
    *dot = '\0';
}

/* One "key=value" of the link, which ends at @size. */
static void
read_pair (Parser     *self,
           const char *pair,
           gsize       size)
{
  const char *equals = memchr (pair, '=', size);
  g_autofree char *key = NULL;
  g_autofree char *value = NULL;

  if (equals == NULL)
    return;

  /* Links are copied out of web pages with their "&amp;". */
  if ((gsize) (equals - pair) > 4 && g_ascii_strncasecmp (pair, "amp;", 4) == 0)
    {
      size -= 4;
      pair += 4;
    }
  if (equals - pair > 16)
    return;
  key = g_ascii_strdown (pair, equals - pair);
  strip_number (key);
  value = decode (equals + 1, size - (gsize) (equals + 1 - pair), strcmp (key, "dn") == 0);
  read_parameter (self, key, value);
}

static char **
take_list (GPtrArray *list)
{
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (list, FALSE);
}

static char ***
take_tiers (GPtrArray *urls)
{
  for (guint i = 0; i < urls->len; i++)
    {
      char **tier = g_new0 (char *, 2);

      tier[0] = urls->pdata[i];
      urls->pdata[i] = tier;
    }
  g_ptr_array_add (urls, NULL);

  return (char ***) g_ptr_array_free (urls, FALSE);
}

ShoalMagnet *
shoal_magnet_parse (const char *uri,
                    GError    **error)
{
  g_autoptr (ShoalMagnet) magnet = NULL;
  g_autoptr (GHashTable) seen = NULL;
  Parser self;
  gsize size;

  g_return_val_if_fail (uri != NULL, NULL);

  while (g_ascii_isspace (*uri))
    uri++;
  size = strlen (uri);
  while (size > 0 && g_ascii_isspace (uri[size - 1]))
    size--;
  if (size > SHOAL_MAGNET_SIZE_MAX + strlen (PREFIX) + 1024)
    {
      fail (error, SHOAL_WIRE_ERROR_TOO_LARGE, "The magnet link is over 1 MiB");
      return NULL;
    }
  if (size < strlen (PREFIX) || g_ascii_strncasecmp (uri, PREFIX, strlen (PREFIX)) != 0)
    {
      fail (error, SHOAL_WIRE_ERROR_MALFORMED, "This is not a magnet link");
      return NULL;
    }

  magnet = g_new0 (ShoalMagnet, 1);
  magnet->select_only = g_array_new (FALSE, FALSE, sizeof (ShoalRange));
  seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self = (Parser){ magnet, g_ptr_array_new (), g_ptr_array_new (), g_ptr_array_new (), seen };
  for (gsize at = strlen (PREFIX); at < size;)
    {
      const char *end = memchr (uri + at, '&', size - at);
      gsize pair_size = end != NULL ? (gsize) (end - (uri + at)) : size - at;

      read_pair (&self, uri + at, pair_size);
      at += pair_size + 1;
    }
  merge_ranges (magnet->select_only);
  magnet->trackers = take_tiers (self.trackers);
  magnet->web_seeds = take_list (self.web_seeds);
  magnet->peers = take_list (self.peers);
  if (!magnet->hash.has_v1 && !magnet->hash.has_v2)
    {
      fail (error, SHOAL_WIRE_ERROR_MALFORMED, "The magnet link has no usable info-hash");
      return NULL;
    }

  return g_steal_pointer (&magnet);
}

void
shoal_magnet_free (ShoalMagnet *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  shoal_tiers_free (self->trackers);
  g_strfreev (self->web_seeds);
  g_strfreev (self->peers);
  g_array_unref (self->select_only);
  g_free (self);
}

/* -- Writing */

static void
append_parameter (GString    *uri,
                  const char *key,
                  const char *value,
                  const char *allowed)
{
  if (uri->len > strlen (PREFIX))
    g_string_append_c (uri, '&');
  g_string_append_printf (uri, "%s=", key);
  g_string_append_uri_escaped (uri, value, allowed, FALSE);
}

static void
append_hash (GString      *uri,
             const char   *prefix,
             const guint8 *bytes,
             gsize         size)
{
  g_autofree char *hex = shoal_hex (bytes, size);
  g_autofree char *topic = g_strconcat (prefix, hex, NULL);

  append_parameter (uri, "xt", topic, ":");
}

static void
append_list (GString     *uri,
             const char  *key,
             char *const *list,
             const char  *allowed)
{
  for (; list != NULL && *list != NULL; list++)
    append_parameter (uri, key, *list, allowed);
}

static void
append_ranges (GString      *uri,
               const GArray *ranges)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < ranges->len; i++)
    {
      const ShoalRange *range = &g_array_index (ranges, ShoalRange, i);

      if (i > 0)
        g_string_append_c (text, ',');
      g_string_append_printf (text, "%u", range->first);
      if (range->last != range->first)
        g_string_append_printf (text, "-%u", range->last);
    }
  append_parameter (uri, "so", text->str, ",");
}

char *
shoal_magnet_to_uri (const ShoalMagnet *self)
{
  g_autoptr (GString) uri = g_string_new (PREFIX);

  if (self->hash.has_v1)
    append_hash (uri, "urn:btih:", self->hash.v1.bytes, SHOAL_SHA1_SIZE);
  if (self->hash.has_v2)
    append_hash (uri, "urn:btmh:1220", self->hash.v2.bytes, SHOAL_SHA256_SIZE);
  if (self->name != NULL)
    append_parameter (uri, "dn", self->name, NULL);
  if (self->size > 0)
    {
      g_autofree char *size = g_strdup_printf ("%" G_GUINT64_FORMAT, self->size);

      append_parameter (uri, "xl", size, NULL);
    }
  for (char ***tier = self->trackers; tier != NULL && *tier != NULL; tier++)
    append_list (uri, "tr", *tier, NULL);
  append_list (uri, "ws", self->web_seeds, NULL);
  append_list (uri, "x.pe", self->peers, ":[]");
  if (self->select_only != NULL && self->select_only->len > 0)
    append_ranges (uri, self->select_only);

  return g_string_free (g_steal_pointer (&uri), FALSE);
}
