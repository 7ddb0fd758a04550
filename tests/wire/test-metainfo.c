/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the .torrent parser on small torrents made by hand. */

#include "shoal-metainfo.h"

#include <string.h>

#include "shoal-error.h"

#define HASH  "aaaaaaaaaaaaaaaaaaaa"
#define ROOT  "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"
#define PIECE "12:piece lengthi16384e"

static ShoalMetainfo *
parse (const char  *text,
       GError     **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return shoal_metainfo_parse (bytes, error);
}

static ShoalMetainfo *
parse_good (const char *text)
{
  g_autoptr (GError) error = NULL;
  ShoalMetainfo *metainfo = parse (text, &error);

  g_assert_no_error (error);
  g_assert_nonnull (metainfo);

  return metainfo;
}

static void
test_single (void)
{
  g_autoptr (ShoalMetainfo) metainfo =
    parse_good ("d8:announce9:http://a/7:comment2:hi13:creation datei5e"
                "4:infod6:lengthi20000e4:name5:a.bin" PIECE "6:pieces40:" HASH HASH "7:privatei1e6:source1:Xee");
  g_autofree char *hex = shoal_hex (metainfo->hash.v1.bytes, SHOAL_SHA1_SIZE);
  g_autofree char *magnet = shoal_metainfo_to_magnet (metainfo);
  ShoalSha1 sha1;
  ShoalSha256 root;

  g_assert_true (metainfo->single);
  g_assert_true (metainfo->is_private);
  g_assert_cmpstr (metainfo->name, ==, "a.bin");
  g_assert_cmpstr (metainfo->files[0].path, ==, "a.bin");
  g_assert_cmpuint (metainfo->files[0].size, ==, 20000);
  g_assert_cmpuint (metainfo->layout->n_pieces, ==, 2);
  g_assert_cmpstr (metainfo->comment, ==, "hi");
  g_assert_cmpstr (metainfo->source, ==, "X");
  g_assert_null (metainfo->created_by);
  g_assert_cmpint (metainfo->creation_date, ==, 5);
  g_assert_cmpstr (metainfo->trackers[0][0], ==, "http://a/");
  g_assert_null (metainfo->trackers[1]);
  g_assert_cmpuint (metainfo->info_size, ==, 126);
  g_assert_true (shoal_metainfo_piece_sha1 (metainfo, 1, &sha1));
  g_assert_cmpmem (sha1.bytes, 20, HASH, 20);
  g_assert_false (shoal_metainfo_piece_root (metainfo, 0, &root));
  g_assert_true (g_str_has_prefix (magnet, "magnet:?xt=urn:btih:"));
  g_assert_nonnull (strstr (magnet, hex));
  g_assert_nonnull (strstr (magnet, "&dn=a.bin&tr=http%3A%2F%2Fa%2F"));
}

/* The hash is that of the bytes, also where a canonical writer would write others. */
static void
test_raw_info (void)
{
  const char *info = "d4:name1:a6:pieces20:" HASH "12:piece lengthi016384e6:lengthi7ee";
  g_autofree char *text = g_strdup_printf ("d4:info%se", info);
  g_autoptr (ShoalMetainfo) metainfo = parse_good (text);
  ShoalSha1 want;

  shoal_sha1 (info, strlen (info), &want);
  g_assert_cmpmem (&metainfo->hash.v1, sizeof want, &want, sizeof want);
}

static void
test_files (void)
{
  g_autoptr (ShoalMetainfo) metainfo =
    parse_good ("d4:infod5:filesl"
                "d4:attr2:xh6:lengthi5e4:pathl3:dir1:aee"
                "d4:attr1:p6:lengthi16379e4:pathl4:.pad5:16379ee"
                "d6:lengthi0e4:pathl2:..3:dir1:Aee"
                "d6:lengthi3e4:pathl41:_____padding_file_0_if you see this file_ee"
                "d6:lengthi9e4:pathl1:\xff" "e10:path.utf-8l2:\xc3\xa4" "ee"
                "d6:lengthi1e4:pathl1:\xff" "e10:path.utf-8l1:\xff" "ee"
                "d4:attr1:l6:lengthi12e4:pathl4:linke12:symlink pathl2:..3:dir1:aee"
                "d4:attr1:l6:lengthi0e4:pathl5:link2e12:symlink pathl2:..ee"
                "e4:name4:/etc10:name.utf-83:top" PIECE "6:pieces40:" HASH HASH "ee");
  static const char *const paths[] = {
    "top/dir/a", "top/.pad/16379", "top/dir/A (1)", "top/_____padding_file_0_if you see this file_",
    "top/\xc3\xa4", "top/\xef\xbf\xbd", "top/link", "top/link2",
  };

  g_assert_false (metainfo->single);
  g_assert_cmpuint (metainfo->layout->n_files, ==, G_N_ELEMENTS (paths));
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    g_assert_cmpstr (metainfo->files[i].path, ==, paths[i]);
  g_assert_cmpint (metainfo->files[0].flags, ==, SHOAL_FILE_EXECUTABLE | SHOAL_FILE_HIDDEN);
  g_assert_cmpint (metainfo->files[1].flags, ==, SHOAL_FILE_PAD);
  g_assert_cmpint (metainfo->files[3].flags, ==, SHOAL_FILE_PAD);
  g_assert_cmpint (metainfo->files[6].flags, ==, SHOAL_FILE_SYMLINK);
  g_assert_cmpstr (metainfo->files[6].symlink, ==, "top/dir/a");
  g_assert_cmpuint (metainfo->layout->file_size[6], ==, 0);
  g_assert_cmpint (metainfo->files[7].flags, ==, 0);
  g_assert_null (metainfo->files[7].symlink);
  g_assert_cmpuint (metainfo->layout->payload_size, ==, 15);
  g_assert_cmpuint (metainfo->layout->total_size, ==, 16384 + 3 + 10);
  g_assert_cmpuint (g_strv_length (metainfo->warnings), ==, 2);
}

static void
test_names (void)
{
  g_autoptr (ShoalMetainfo) none = parse_good ("d4:infod6:lengthi7e" PIECE "6:pieces20:" HASH "ee");
  g_autoptr (ShoalMetainfo) up = parse_good ("d4:infod6:lengthi7e4:name2:.." PIECE
                                             "6:pieces20:" HASH "ee");
  g_autoptr (ShoalMetainfo) broken = parse_good ("d4:infod6:lengthi7e4:name2:a\xff" PIECE
                                                 "6:pieces20:" HASH "ee");

  g_assert_cmpuint (strlen (none->name), ==, 40);
  g_assert_cmpstr (none->files[0].path, ==, none->name);
  g_assert_cmpuint (strlen (up->name), ==, 40);
  g_assert_cmpstr (broken->name, ==, "a\xef\xbf\xbd");
}

static void
test_trackers (void)
{
  g_autoptr (ShoalMetainfo) metainfo =
    parse_good ("d8:announce8:http://x13:announce-list"
                "ll9: http://a8:http://b8:http://aeleli7e9:udp://c:1el8:http://b4:nonee9:wss://d:2e"
                "9:httpseedsl8:http://h0:e"
                "4:infod6:lengthi7e4:name1:n" PIECE "6:pieces20:" HASH "e"
                "5:nodesll9:127.0.0.1i80eel2:::i6881eel4:hosti0eel4:hosti65536eel0:i1eel1:a1:beli1ei2eel9:dht.x.orgi1eee"
                "8:url-list10:http://w/ze");

  g_assert_cmpstr (metainfo->trackers[0][0], ==, "http://a");
  g_assert_cmpstr (metainfo->trackers[0][1], ==, "http://b");
  g_assert_null (metainfo->trackers[0][2]);
  g_assert_cmpstr (metainfo->trackers[1][0], ==, "udp://c:1");
  g_assert_cmpstr (metainfo->trackers[2][0], ==, "wss://d:2");
  g_assert_null (metainfo->trackers[3]);
  g_assert_cmpuint (g_strv_length (metainfo->nodes), ==, 3);
  g_assert_cmpstr (metainfo->nodes[0], ==, "127.0.0.1:80");
  g_assert_cmpstr (metainfo->nodes[1], ==, "[::]:6881");
  g_assert_cmpstr (metainfo->nodes[2], ==, "dht.x.org:1");
  g_assert_cmpuint (g_strv_length (metainfo->web_seeds), ==, 1);
  g_assert_cmpstr (metainfo->web_seeds[0], ==, "http://w/z");
  g_assert_cmpuint (g_strv_length (metainfo->http_seeds), ==, 1);
}

#define V2(tree) "d4:infod9:file tree" tree "12:meta versioni2e4:name1:t" PIECE "ee"
#define LEAF(size) "d0:d6:lengthi" size "e11:pieces root32:" ROOT "ee"
#define HYBRID(tree, files) "d4:infod9:file tree" tree "5:files" files "12:meta versioni2e4:name1:t" PIECE \
                            "6:pieces20:" HASH "ee"

static void
test_v2 (void)
{
  g_autoptr (ShoalMetainfo) lone = parse_good (V2 ("d1:t" LEAF ("5") "e"));
  g_autoptr (ShoalMetainfo) folder = parse_good (V2 ("d1:ad1:b" LEAF ("5") "e1:cd0:d6:lengthi0eee1:d" LEAF ("16384") "e"));
  g_autoptr (ShoalMetainfo) large = parse_good (V2 ("d1:t" LEAF ("16385") "e"));
  ShoalSha256 root;
  ShoalSha1 keys[2];

  g_assert_true (lone->single);
  g_assert_cmpstr (lone->files[0].path, ==, "t");
  g_assert_false (lone->hash.has_v1);
  g_assert_true (lone->layout->aligned);
  g_assert_null (lone->pieces);
  g_assert_true (shoal_metainfo_piece_root (lone, 0, &root));
  g_assert_cmpmem (root.bytes, 32, ROOT, 32);
  g_assert_cmpuint (shoal_metainfo_piece_leaves (lone, 0), ==, 1);
  g_assert_cmpuint (shoal_info_hash_keys (&lone->hash, keys), ==, 1);
  g_assert_cmpmem (keys[0].bytes, 20, lone->hash.v2.bytes, 20);

  g_assert_false (folder->single);
  g_assert_cmpuint (folder->layout->n_files, ==, 3);
  g_assert_cmpstr (folder->files[0].path, ==, "t/a/b");
  g_assert_cmpstr (folder->files[1].path, ==, "t/c");
  g_assert_cmpuint (folder->layout->n_pieces, ==, 2);
  g_assert_cmpuint (folder->layout->file_offset[2], ==, 16384);

  g_assert_true (large->layers_missing);
  g_assert_false (shoal_metainfo_piece_root (large, 1, &root));
}

static void
test_hybrid (void)
{
  g_autoptr (ShoalMetainfo) good = parse_good (HYBRID ("d1:ad0:d6:lengthi0eee1:b" LEAF ("5") "e",
                                                       "ld6:lengthi0e4:pathl1:aeed6:lengthi5e4:pathl1:bee"
                                                       "d4:attr1:p6:lengthi9e4:pathl4:.pad1:9eee"));
  ShoalSha256 root;
  ShoalSha1 keys[2];

  g_assert_true (good->hash.has_v1 && good->hash.has_v2);
  g_assert_true (shoal_metainfo_piece_root (good, 0, &root));
  g_assert_cmpuint (shoal_info_hash_keys (&good->hash, keys), ==, 2);
  g_assert_cmpuint (good->layout->total_size, ==, 14);
}

static void
test_refused (void)
{
  static const char *const cases[] = {
    "", "de", "le", "d4:infoi1ee", "d4:infodee",
    "d4:infod6:lengthi7e" PIECE "6:pieces19:aaaaaaaaaaaaaaaaaaaee",
    "d4:infod6:lengthi7e" PIECE "6:pieces40:" HASH HASH "ee",
    "d4:infod6:lengthi-7e" PIECE "6:pieces20:" HASH "ee",
    "d4:infod6:lengthi7e12:piece lengthi0e6:pieces20:" HASH "ee",
    "d4:infod6:lengthi7e12:piece lengthi-1e6:pieces20:" HASH "ee",
    "d4:infod6:lengthi7e12:piece lengthi1099511627776e6:pieces20:" HASH "ee",
    "d4:infod5:filesle" PIECE "6:pieces0:ee",
    "d4:infod5:filesli7ee" PIECE "6:pieces20:" HASH "ee",
    "d4:infod5:filesld6:lengthi7eee" PIECE "6:pieces20:" HASH "ee",
    "d4:infod5:filesld6:lengthi7e4:pathli1eeee" PIECE "6:pieces20:" HASH "ee",
    "d4:infod6:lengthi7e12:meta versioni3e" PIECE "6:pieces20:" HASH "ee",
    V2 ("de"), V2 ("le"), V2 ("d0:d6:lengthi1eee"), V2 ("d1:ai1ee"), V2 ("d1:ad0:i1eee"),
    V2 ("d1:ad0:d6:lengthi5eeee"),
    V2 ("d1:ad0:d6:lengthi0ee1:b" LEAF ("5") "ee"),
    V2 ("d1:b" LEAF ("5") "1:a" LEAF ("5") "e"),
    V2 ("d1:a" LEAF ("5") "1:a" LEAF ("5") "e"),
    V2 ("d1:ad0:d4:attr1:p6:lengthi0eeee"),
    "d4:infod9:file treed1:a" LEAF ("5") "e12:meta versioni2e12:piece lengthi16383eee",
    "d4:infod9:file treed1:a" LEAF ("5") "e12:meta versioni2e12:piece lengthi8192eee",
    HYBRID ("d1:a" LEAF ("5") "e", "ld6:lengthi6e4:pathl1:aeee"),
    HYBRID ("d1:a" LEAF ("5") "e", "ld6:lengthi5e4:pathl1:beee"),
    HYBRID ("d1:a" LEAF ("5") "e", "ld6:lengthi5e4:pathl1:aeed6:lengthi0e4:pathl1:beee"),
    HYBRID ("d1:a" LEAF ("5") "1:bd0:d6:lengthi0eeee", "ld6:lengthi5e4:pathl1:aeee"),
    HYBRID ("d1:a" LEAF ("5") "1:b" LEAF ("5") "e",
            "ld6:lengthi5e4:pathl1:aeed6:lengthi5e4:pathl1:beee"),
    HYBRID ("i1e", "ld6:lengthi5e4:pathl1:aeee"),
    "d4:infod9:file treed1:t" LEAF ("16385") "e12:meta versioni2e4:name1:t" PIECE "e12:piece layersd32:" ROOT "64:" ROOT ROOT "ee",
    "d4:infod9:file treed1:t" LEAF ("16385") "e12:meta versioni2e4:name1:t" PIECE "e12:piece layersd32:" ROOT "32:" ROOT "ee",
    "d4:infod9:file treed1:t" LEAF ("16385") "e12:meta versioni2e4:name1:t" PIECE "e12:piece layersd3:abc32:" ROOT "ee",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ShoalMetainfo) metainfo = parse (cases[i], &error);

      g_test_message ("%u: %s", i, error != NULL ? error->message : "read");
      g_assert_null (metainfo);
      g_assert_true (error != NULL && error->domain == SHOAL_WIRE_ERROR);
    }
}

static void
test_from_info (void)
{
  const char *tier[] = { "http://a/", NULL };
  char **tiers[] = { (char **) tier, NULL };
  const char *seeds[] = { "http://s/", NULL };
  const char *text = "d6:lengthi7e4:name1:n" PIECE "6:pieces20:" HASH "e";
  g_autoptr (GBytes) info = g_bytes_new (text, strlen (text));
  g_autoptr (GBytes) bad = g_bytes_new ("d1:a", 4);
  g_autoptr (GError) error = NULL;
  g_autoptr (ShoalMetainfo) metainfo = shoal_metainfo_from_info (info, tiers, (char **) seeds,
                                                                 &error);
  g_autoptr (ShoalMetainfo) bare = shoal_metainfo_from_info (info, NULL, NULL, NULL);
  g_autoptr (ShoalMetainfo) none = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (metainfo->trackers[0][0], ==, "http://a/");
  g_assert_cmpstr (metainfo->web_seeds[0], ==, "http://s/");
  g_assert_cmpmem (metainfo->info, metainfo->info_size, text, strlen (text));
  g_assert_true (shoal_info_hash_matches (&metainfo->hash, &bare->hash));
  none = shoal_metainfo_from_info (bad, NULL, NULL, &error);
  g_assert_null (none);
  g_assert_nonnull (error);
}

/* A folder that is named once and filled with files must not make paths of gigabytes. */
static void
test_deep_tree (void)
{
  g_autoptr (GString) text = g_string_new ("d4:infod9:file tree");
  g_autofree char *folder = g_strnfill (250, 'f');
  g_autoptr (GError) error = NULL;
  g_autoptr (ShoalMetainfo) metainfo = NULL;

  for (guint i = 0; i < 15; i++)
    g_string_append_printf (text, "d250:%s", folder);
  g_string_append_c (text, 'd');
  for (guint i = 0; i < 100000; i++)
    g_string_append_printf (text, "6:%06ud0:d6:lengthi0eee", i);
  for (guint i = 0; i < 16; i++)
    g_string_append_c (text, 'e');
  g_string_append (text, "12:meta versioni2e4:name1:t" PIECE "ee");
  metainfo = parse (text->str, &error);
  g_assert_null (metainfo);
  g_assert_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE);
}

/* Many files of one root have one layer, which is hashed once. */
static void
test_shared_layer (void)
{
  g_autoptr (GString) text = g_string_new ("d4:infod9:file treed");
  g_autofree char *layer = g_strnfill (32 * 60000, 'x');
  g_autoptr (GError) error = NULL;
  g_autoptr (ShoalMetainfo) metainfo = NULL;

  for (guint i = 0; i < 2000; i++)
    g_string_append_printf (text, "4:%04ud0:d6:lengthi%ue11:pieces root32:" ROOT "ee", i,
                            60000 * 16384);
  g_string_append (text, "e12:meta versioni2e4:name1:t" PIECE "e12:piece layersd32:" ROOT);
  g_string_append_printf (text, "%u:%see", 32 * 60000, layer);
  metainfo = parse (text->str, &error);
  g_assert_null (metainfo);
  g_assert_nonnull (error);
}

/* BEP 38: in both places, each once; what is wrong is passed over. */
static void
test_same_files (void)
{
  const char *info = "d11:collectionsl2:c10:i5e2:c1e6:lengthi7e4:name1:a6:pieces20:" HASH PIECE
                     "7:similarl20:bbbbbbbbbbbbbbbbbbbb19:bbbbbbbbbbbbbbbbbbb20:" HASH "ee";
  g_autofree char *text = g_strdup_printf ("d11:collectionsl2:c22:c11:\xff" "e4:info%s"
                                           "7:similarl20:dddddddddddddddddddd20:" HASH "ee", info);
  g_autoptr (ShoalMetainfo) metainfo = parse_good (text);
  g_autoptr (ShoalMetainfo) none = parse_good ("d4:infod6:lengthi7e4:name1:a" PIECE
                                               "6:pieces20:" HASH "e7:similar20:" HASH "e");

  g_assert_cmpuint (metainfo->n_similar, ==, 3);
  g_assert_cmpmem (metainfo->similar[0].bytes, 20, "bbbbbbbbbbbbbbbbbbbb", 20);
  g_assert_cmpmem (metainfo->similar[1].bytes, 20, HASH, 20);
  g_assert_cmpmem (metainfo->similar[2].bytes, 20, "dddddddddddddddddddd", 20);
  g_assert_cmpuint (g_strv_length (metainfo->collections), ==, 2);
  g_assert_cmpstr (metainfo->collections[0], ==, "c1");
  g_assert_cmpstr (metainfo->collections[1], ==, "c2");
  g_assert_cmpstr (metainfo->warnings[0], ==, "Similar torrents passed over: 1");
  g_assert_cmpuint (none->n_similar, ==, 0);
  g_assert_null (none->collections[0]);
}

static void
test_too_many_same_files (void)
{
  g_autoptr (GString) text = g_string_new ("d11:collectionsl");
  g_autoptr (ShoalMetainfo) metainfo = NULL;
  char large[SHOAL_COLLECTION_SIZE_MAX + 2];

  memset (large, 'x', sizeof large);
  g_string_append_printf (text, "%u:%.*s", SHOAL_COLLECTION_SIZE_MAX + 1,
                          (int) SHOAL_COLLECTION_SIZE_MAX + 1, large);
  g_string_append_printf (text, "%u:%.*s", SHOAL_COLLECTION_SIZE_MAX,
                          (int) SHOAL_COLLECTION_SIZE_MAX, large);
  for (guint i = 0; i < SHOAL_COLLECTIONS_MAX; i++)
    g_string_append_printf (text, "3:%03u", i);
  g_string_append (text, "e4:infod6:lengthi7e4:name1:a" PIECE "6:pieces20:" HASH "e7:similarl");
  for (guint i = 0; i <= SHOAL_SIMILAR_MAX; i++)
    g_string_append_printf (text, "20:%020u", i);
  g_string_append (text, "ee");
  metainfo = parse_good (text->str);
  g_assert_cmpuint (metainfo->n_similar, ==, SHOAL_SIMILAR_MAX);
  g_assert_cmpuint (g_strv_length (metainfo->collections), ==, SHOAL_COLLECTIONS_MAX);
  g_assert_cmpuint (strlen (metainfo->collections[0]), ==, SHOAL_COLLECTION_SIZE_MAX);
  g_assert_cmpstr (metainfo->collections[SHOAL_COLLECTIONS_MAX - 1], ==, "062");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/metainfo/single", test_single);
  g_test_add_func ("/wire/metainfo/raw-info", test_raw_info);
  g_test_add_func ("/wire/metainfo/files", test_files);
  g_test_add_func ("/wire/metainfo/names", test_names);
  g_test_add_func ("/wire/metainfo/trackers", test_trackers);
  g_test_add_func ("/wire/metainfo/v2", test_v2);
  g_test_add_func ("/wire/metainfo/hybrid", test_hybrid);
  g_test_add_func ("/wire/metainfo/refused", test_refused);
  g_test_add_func ("/wire/metainfo/from-info", test_from_info);
  g_test_add_func ("/wire/metainfo/deep-tree", test_deep_tree);
  g_test_add_func ("/wire/metainfo/shared-layer", test_shared_layer);
  g_test_add_func ("/wire/metainfo/same-files", test_same_files);
  g_test_add_func ("/wire/metainfo/too-many-same-files", test_too_many_same_files);
  return g_test_run ();
}
