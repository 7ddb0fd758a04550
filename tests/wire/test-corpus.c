/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every file and link of the corpus comes out as its expectations say. */

#include <json-glib/json-glib.h>
#include <string.h>

#include "shoal-error.h"
#include "shoal-magnet.h"
#include "shoal-metainfo.h"

static JsonNode *
load_json (const char *folder,
           const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;

  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);

  return json_parser_steal_root (parser);
}

static GBytes *
load_bytes (const char *folder,
            const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;
  char *data;
  gsize size;

  g_file_get_contents (path, &data, &size, &error);
  g_assert_no_error (error);

  return g_bytes_new_take (data, size);
}

static void
check_verdict (const char *accept,
               gboolean    accepted,
               GError     *error,
               const char *name)
{
  if (accepted)
    g_assert_null (error);
  else
    g_assert_true (error != NULL && error->domain == SHOAL_WIRE_ERROR && error->message[0] != '\0');
  if (strcmp (accept, "yes") == 0 && !accepted)
    {
      g_test_message ("%s has to be read: %s", name, error->message);
      g_test_fail ();
    }
  if (strcmp (accept, "no") == 0 && accepted)
    {
      g_test_message ("%s has to be refused", name);
      g_test_fail ();
    }
}

static gboolean
is_component_good (const char *component)
{
  if (component[0] == '\0' || strlen (component) > 255 || strcmp (component, ".") == 0
      || strcmp (component, "..") == 0)
    return FALSE;
  for (const char *at = component; *at != '\0'; at = g_utf8_next_char (at))
    if (g_unichar_iscntrl (g_utf8_get_char (at)))
      return FALSE;

  return TRUE;
}

static void
check_path (const char *path)
{
  g_auto (GStrv) components = g_strsplit (path, "/", -1);

  g_assert_true (g_utf8_validate (path, -1, NULL));
  g_assert_cmpuint (strlen (path), <=, 4096);
  for (char **component = components; *component != NULL; component++)
    g_assert_true (is_component_good (*component));
}

static void
check_paths (const ShoalMetainfo *metainfo)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree char *prefix = g_strconcat (metainfo->name, "/", NULL);

  for (guint32 i = 0; i < metainfo->layout->n_files; i++)
    {
      const ShoalMetainfoFile *file = &metainfo->files[i];

      check_path (file->path);
      g_assert_true (g_hash_table_add (seen, file->path));
      if (metainfo->single)
        g_assert_cmpstr (file->path, ==, metainfo->name);
      else
        g_assert_true (g_str_has_prefix (file->path, prefix));
      g_assert_true ((file->symlink != NULL) == ((file->flags & SHOAL_FILE_SYMLINK) != 0));
      if (file->symlink != NULL)
        {
          check_path (file->symlink);
          g_assert_true (g_str_has_prefix (file->symlink, prefix));
        }
    }
}

static gboolean
has_string (JsonArray  *array,
            const char *text)
{
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (g_strcmp0 (json_array_get_string_element (array, i), text) == 0)
      return TRUE;

  return FALSE;
}

static void
check_hash (JsonObject   *expect,
            const char   *member,
            gboolean      has,
            const guint8 *bytes,
            gsize         size)
{
  const char *want = json_object_get_null_member (expect, member)
                       ? NULL
                       : json_object_get_string_member (expect, member);
  g_autofree char *hex = has ? shoal_hex (bytes, size) : NULL;

  g_assert_cmpstr (hex, ==, want);
}

static void
check_text (JsonObject *expect,
            const char *member,
            const char *text)
{
  /* Null: not there, or nothing was noted of it. */
  if (!json_object_get_null_member (expect, member))
    g_assert_cmpstr (text, ==, json_object_get_string_member (expect, member));
}

static void
check_files (JsonObject          *expect,
             const ShoalMetainfo *metainfo)
{
  JsonArray *files = json_object_get_array_member (expect, "files");
  gboolean clean = json_object_get_boolean_member (expect, "clean");
  gsize skip = metainfo->single ? 0 : strlen (metainfo->name) + 1;
  guint n = 0;

  for (guint32 i = 0; i < metainfo->layout->n_files; i++)
    {
      const ShoalMetainfoFile *file = &metainfo->files[i];
      JsonArray *want;

      if ((file->flags & SHOAL_FILE_PAD) != 0)
        continue;
      g_assert_cmpuint (n, <, json_array_get_length (files));
      want = json_array_get_array_element (files, n++);
      if (clean)
        g_assert_true (has_string (json_array_get_array_element (want, 0), file->path + skip));
      g_assert_cmpuint (file->size, ==, json_array_get_int_element (want, 1));
      g_assert_true (((file->flags & SHOAL_FILE_SYMLINK) != 0)
                     == json_array_get_boolean_element (want, 2));
    }
  if (n != json_array_get_length (files))
    {
      g_test_message ("%s: %u files", metainfo->name, n);
      g_test_fail ();
    }
}

static void
check_trackers (JsonObject          *expect,
                const ShoalMetainfo *metainfo)
{
  JsonArray *need = json_object_get_array_member (expect, "trackers_need");
  JsonArray *all = json_object_get_array_member (expect, "trackers_all");
  guint n_needed = 0;

  for (char ***tier = metainfo->trackers; *tier != NULL; tier++)
    for (char **url = *tier; *url != NULL; url++)
      {
        g_assert_true (has_string (all, *url));
        n_needed += has_string (need, *url);
      }
  g_assert_cmpuint (n_needed, ==, json_array_get_length (need));
}

static void
check_strings (JsonArray *want,
               char     **have)
{
  g_assert_cmpuint (g_strv_length (have), ==, json_array_get_length (want));
  for (guint i = 0; i < json_array_get_length (want); i++)
    g_assert_true (g_strv_contains ((const char *const *) have,
                                    json_array_get_string_element (want, i)));
}

static void
check_nodes (JsonArray *want,
             char     **have)
{
  g_assert_cmpuint (g_strv_length (have), ==, json_array_get_length (want));
  for (guint i = 0; i < json_array_get_length (want); i++)
    {
      JsonArray *pair = json_array_get_array_element (want, i);
      g_autofree char *node = g_strdup_printf ("%s:%u",
                                               json_array_get_string_element (pair, 0),
                                               (guint) json_array_get_int_element (pair, 1));

      g_assert_true (g_strv_contains ((const char *const *) have, node));
    }
}

static void
check_total (JsonArray          *want,
             const ShoalLayout  *layout)
{
  for (guint i = 0; i < json_array_get_length (want); i++)
    if ((guint64) json_array_get_int_element (want, i) == layout->payload_size)
      return;
  g_assert_not_reached ();
}

/* A magnet link made from a torrent names the same torrent, trackers and web seeds. */
static void
check_magnet_of (const ShoalMetainfo *metainfo)
{
  g_autofree char *uri = shoal_metainfo_to_magnet (metainfo);
  g_autoptr (GError) error = NULL;
  g_autoptr (ShoalMagnet) magnet = shoal_magnet_parse (uri, &error);
  g_autofree char *again = NULL;
  guint n = 0;

  g_assert_no_error (error);
  g_assert_cmpmem (&magnet->hash, sizeof magnet->hash, &metainfo->hash, sizeof metainfo->hash);
  g_assert_cmpstr (magnet->name, ==, metainfo->name);
  for (char ***tier = metainfo->trackers; *tier != NULL; tier++)
    for (char **url = *tier; *url != NULL; url++)
      g_assert_cmpstr (magnet->trackers[n++][0], ==, *url);
  g_assert_null (magnet->trackers[n]);
  again = shoal_magnet_to_uri (magnet);
  if (g_strv_equal ((const char *const *) magnet->web_seeds,
                    (const char *const *) metainfo->web_seeds))
    g_assert_cmpstr (again, ==, uri);
}

/* The info dictionary alone, as peers send it, is the same torrent. */
static void
check_info_of (const ShoalMetainfo *metainfo)
{
  g_autoptr (GBytes) info = g_bytes_new_static (metainfo->info, metainfo->info_size);
  g_autoptr (GError) error = NULL;
  g_autoptr (ShoalMetainfo) other = shoal_metainfo_from_info (info, metainfo->trackers,
                                                              metainfo->web_seeds, &error);

  g_assert_no_error (error);
  g_assert_true (shoal_info_hash_matches (&other->hash, &metainfo->hash));
  g_assert_cmpuint (other->layout->n_pieces, ==, metainfo->layout->n_pieces);
}

static void
check_torrent (JsonObject          *expect,
               const ShoalMetainfo *metainfo)
{
  check_hash (expect, "v1", metainfo->hash.has_v1, metainfo->hash.v1.bytes, SHOAL_SHA1_SIZE);
  check_hash (expect, "v2", metainfo->hash.has_v2, metainfo->hash.v2.bytes, SHOAL_SHA256_SIZE);
  g_assert_cmpuint (metainfo->layout->n_pieces, ==,
                    json_object_get_int_member (expect, "piece_count"));
  g_assert_cmpuint (metainfo->layout->piece_size, ==,
                    json_object_get_int_member (expect, "piece_length"));
  g_assert_cmpint (metainfo->is_private, ==, json_object_get_boolean_member (expect, "private"));
  g_assert_cmpint (metainfo->single, ==, json_object_get_boolean_member (expect, "single"));
  g_assert_cmpuint (metainfo->layout->payload_size, ==,
                    json_object_get_int_member (expect, "sizes_without_pads"));
  if (!json_object_get_null_member (expect, "names"))
    g_assert_true (has_string (json_object_get_array_member (expect, "names"), metainfo->name));
  check_total (json_object_get_array_member (expect, "total_sizes"), metainfo->layout);
  check_files (expect, metainfo);
  check_trackers (expect, metainfo);
  check_strings (json_object_get_array_member (expect, "web_seeds"), metainfo->web_seeds);
  check_strings (json_object_get_array_member (expect, "http_seeds"), metainfo->http_seeds);
  if (!json_object_get_null_member (expect, "nodes"))
    check_nodes (json_object_get_array_member (expect, "nodes"), metainfo->nodes);
  check_text (expect, "comment", metainfo->comment);
  check_text (expect, "created_by", metainfo->created_by);
  check_text (expect, "source", metainfo->source);
  if (json_object_get_null_member (expect, "creation_date"))
    g_assert_cmpint (metainfo->creation_date, ==, -1);
  else
    g_assert_cmpint (metainfo->creation_date, ==,
                     json_object_get_int_member (expect, "creation_date"));
}

static void
check_file (const char *folder,
            JsonObject *entry)
{
  const char *name = json_object_get_string_member (entry, "file");
  g_autoptr (GBytes) bytes = load_bytes (folder, name);
  g_autoptr (GError) error = NULL;
  g_autoptr (ShoalMetainfo) metainfo = shoal_metainfo_parse (bytes, &error);

  g_test_message ("%s: %s", name, metainfo != NULL ? "read" : error->message);
  check_verdict (json_object_get_string_member (entry, "accept"), metainfo != NULL, error, name);
  if (metainfo == NULL)
    return;
  for (char **warning = metainfo->warnings; *warning != NULL; warning++)
    g_test_message ("  %s", *warning);
  check_paths (metainfo);
  check_magnet_of (metainfo);
  check_info_of (metainfo);
  if (json_object_has_member (entry, "expect") && !json_object_get_null_member (entry, "expect"))
    check_torrent (json_object_get_object_member (entry, "expect"), metainfo);
}

static void
test_files (gconstpointer data)
{
  const char *folder = data;
  g_autoptr (JsonNode) root = load_json (folder, "expectations.json");
  JsonArray *entries = json_node_get_array (root);

  g_assert_cmpuint (json_array_get_length (entries), >, 0);
  for (guint i = 0; i < json_array_get_length (entries); i++)
    check_file (folder, json_array_get_object_element (entries, i));
}

static void
check_list_member (JsonObject *want,
                   const char *member,
                   char      **have)
{
  JsonArray *array;

  if (!json_object_has_member (want, member))
    return;
  array = json_object_get_array_member (want, member);
  g_assert_cmpuint (g_strv_length (have), ==, json_array_get_length (array));
  for (guint i = 0; i < json_array_get_length (array); i++)
    g_assert_cmpstr (have[i], ==, json_array_get_string_element (array, i));
}

static void
check_selection (JsonArray    *want,
                 const GArray *ranges)
{
  guint n = 0;

  for (guint i = 0; i < ranges->len; i++)
    {
      ShoalRange range = g_array_index (ranges, ShoalRange, i);

      for (guint32 index = range.first; index <= range.last; index++)
        {
          g_assert_cmpuint (n, <, json_array_get_length (want));
          g_assert_cmpuint (json_array_get_int_element (want, n++), ==, index);
        }
    }
  g_assert_cmpuint (n, ==, json_array_get_length (want));
}

static void
check_link (JsonObject  *want,
            ShoalMagnet *magnet)
{
  g_autoptr (GPtrArray) trackers = g_ptr_array_new ();
  g_autofree char *uri = shoal_magnet_to_uri (magnet);
  g_autoptr (ShoalMagnet) same = shoal_magnet_parse (uri, NULL);
  g_autofree char *again = NULL;

  if (json_object_has_member (want, "v1"))
    check_hash (want, "v1", magnet->hash.has_v1, magnet->hash.v1.bytes, SHOAL_SHA1_SIZE);
  if (json_object_has_member (want, "v2"))
    check_hash (want, "v2", magnet->hash.has_v2, magnet->hash.v2.bytes, SHOAL_SHA256_SIZE);
  if (json_object_has_member (want, "name"))
    g_assert_cmpstr (magnet->name, ==, json_object_get_string_member (want, "name"));
  for (char ***tier = magnet->trackers; *tier != NULL; tier++)
    g_ptr_array_add (trackers, (*tier)[0]);
  if (json_object_has_member (want, "tracker_count"))
    g_assert_cmpuint (trackers->len, ==, json_object_get_int_member (want, "tracker_count"));
  g_ptr_array_add (trackers, NULL);
  check_list_member (want, "trackers", (char **) trackers->pdata);
  check_list_member (want, "web_seeds", magnet->web_seeds);
  check_list_member (want, "peers", magnet->peers);
  if (json_object_has_member (want, "select_only"))
    check_selection (json_object_get_array_member (want, "select_only"), magnet->select_only);

  g_assert_nonnull (same);
  again = shoal_magnet_to_uri (same);
  g_assert_cmpstr (again, ==, uri);
}

static void
test_magnets (gconstpointer data)
{
  g_autoptr (JsonNode) root = load_json (data, "magnets.json");
  JsonArray *entries = json_node_get_array (root);

  g_assert_cmpuint (json_array_get_length (entries), >, 0);
  for (guint i = 0; i < json_array_get_length (entries); i++)
    {
      JsonObject *entry = json_array_get_object_element (entries, i);
      const char *name = json_object_get_string_member (entry, "name");
      g_autoptr (GError) error = NULL;
      g_autoptr (ShoalMagnet) magnet =
        shoal_magnet_parse (json_object_get_string_member (entry, "link"), &error);

      g_test_message ("%s: %s", name, magnet != NULL ? "read" : error->message);
      check_verdict (json_object_get_string_member (entry, "accept"), magnet != NULL, error, name);
      if (magnet != NULL)
        check_link (json_object_get_object_member (entry, "want"), magnet);
    }
}

int
main (int    argc,
      char **argv)
{
  const char *corpus = g_getenv ("SHOAL_CORPUS");
  g_autofree char *torrents = NULL;
  g_autofree char *bencode = NULL;

  g_test_init (&argc, &argv, NULL);
  if (corpus != NULL && g_file_test (corpus, G_FILE_TEST_IS_DIR))
    {
      torrents = g_build_filename (corpus, "torrents", NULL);
      bencode = g_build_filename (corpus, "bencode", NULL);
      g_test_add_data_func ("/wire/corpus/torrents", torrents, test_files);
      g_test_add_data_func ("/wire/corpus/bencode", bencode, test_files);
      g_test_add_data_func ("/wire/corpus/magnets", corpus, test_magnets);
    }

  return g_test_run ();
}
