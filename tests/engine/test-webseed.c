/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links of web seeds, what their answers are worth, and when they are asked again. */

#include "content.h"
#include "shoal-webseed.h"

#define NOW (100 * G_USEC_PER_SEC)

static const ContentFile files[] = {
  { .path = "a b/100% & #1?.bin", .size = 40000 },
  { .path = "empty", .size = 0 },
  { .path = "ü.txt", .size = 30000 },
};

static void
test_links (void)
{
  static const ContentFile lone = { .path = NULL, .size = 70000 };
  g_autoptr (Content) many = content_new ("my torrent", SHOAL_TORRENT_V1, 16384, files,
                                          G_N_ELEMENTS (files), 1);
  g_autoptr (Content) one = content_new ("one file+.bin", SHOAL_TORRENT_V1, 16384, &lone, 1, 1);
  struct { const Content *content; const char *base; guint32 file; const char *link; } cases[] = {
    { many, "http://h/", 0, "http://h/my%20torrent/a%20b/100%25%20%26%20%231%3F.bin" },
    { many, "http://h/dir", 2, "http://h/dir/my%20torrent/%C3%BC.txt" },
    { many, "https://h:81/x%20y/", 1, "https://h:81/x%20y/my%20torrent/empty" },
    { one, "http://h/there.bin", 0, "http://h/there.bin" },
    { one, "HTTP://h/dir/", 0, "HTTP://h/dir/one%20file%2B.bin" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ShoalWebseed) seed = shoal_webseed_new (SHOAL_WEBSEED_FILES, cases[i].base, 1);
      g_autofree char *link = shoal_webseed_file_url (seed, cases[i].content->metainfo,
                                                      cases[i].file);

      g_assert_cmpstr (link, ==, cases[i].link);
    }
  g_assert_null (shoal_webseed_new (SHOAL_WEBSEED_FILES, "ftp://h/x", 1));
  g_assert_null (shoal_webseed_new (SHOAL_WEBSEED_FILES, "", 1));
}

static void
test_piece_links (void)
{
  g_autoptr (Content) content = content_new ("t", SHOAL_TORRENT_V1, 32768, files,
                                             G_N_ELEMENTS (files), 1);
  g_autoptr (ShoalWebseed) plain = shoal_webseed_new (SHOAL_WEBSEED_PIECES, "http://h/seed", 1);
  g_autoptr (ShoalWebseed) query = shoal_webseed_new (SHOAL_WEBSEED_PIECES, "http://h/seed?x=1", 1);
  g_autoptr (GString) hash = g_string_new (NULL);
  g_autofree char *whole = shoal_webseed_piece_url (plain, content->metainfo, 1, 0, 32768);
  g_autofree char *part = shoal_webseed_piece_url (query, content->metainfo, 2, 0, 100);
  g_autofree char *want_whole = NULL;
  g_autofree char *want_part = NULL;

  for (guint i = 0; i < SHOAL_SHA1_SIZE; i++)
    g_string_append_printf (hash, "%%%02X", content->metainfo->hash.v1.bytes[i]);
  want_whole = g_strdup_printf ("http://h/seed?info_hash=%s&piece=1", hash->str);
  want_part = g_strdup_printf ("http://h/seed?x=1&info_hash=%s&piece=2&ranges=0-99", hash->str);
  g_assert_cmpstr (whole, ==, want_whole);
  g_assert_cmpstr (part, ==, want_part);
}

typedef struct
{
  const char         *name;
  ShoalWebseedKind    kind;
  guint               status;
  guint64             first;        /* asked for */
  gint64              got_first;    /* -1: no Content-Range */
  guint64             got_total;    /* 0: not known */
  gint64              content_size; /* -1: not known */
  gboolean            encoded;
  guint               retry_after_s;
  ShoalWebseedVerdict verdict;
} AnswerCase;

/* Asked for 500 bytes of a file of 1000, or for a piece of 1000. */
static const AnswerCase answers[] = {
  { "part", SHOAL_WEBSEED_FILES, 206, 500, 500, 1000, 500, FALSE, 0, SHOAL_WEBSEED_TAKE },
  { "part-of-unknown", SHOAL_WEBSEED_FILES, 206, 500, 500, 0, 500, FALSE, 0, SHOAL_WEBSEED_TAKE },
  { "other-part", SHOAL_WEBSEED_FILES, 206, 500, 0, 1000, 500, FALSE, 0, SHOAL_WEBSEED_USELESS },
  { "part-unsaid", SHOAL_WEBSEED_FILES, 206, 500, -1, 0, 500, FALSE, 0, SHOAL_WEBSEED_USELESS },
  { "other-file", SHOAL_WEBSEED_FILES, 206, 500, 500, 999, 499, FALSE, 0, SHOAL_WEBSEED_GONE },
  { "whole-from-begin", SHOAL_WEBSEED_FILES, 200, 0, -1, 0, 1000, FALSE, 0, SHOAL_WEBSEED_TAKE },
  { "whole-unsaid", SHOAL_WEBSEED_FILES, 200, 0, -1, 0, -1, FALSE, 0, SHOAL_WEBSEED_TAKE },
  { "whole-for-part", SHOAL_WEBSEED_FILES, 200, 500, -1, 0, 1000, FALSE, 0, SHOAL_WEBSEED_USELESS },
  { "whole-other", SHOAL_WEBSEED_FILES, 200, 0, -1, 0, 17, FALSE, 0, SHOAL_WEBSEED_GONE },
  { "packed", SHOAL_WEBSEED_FILES, 206, 500, 500, 1000, 500, TRUE, 0, SHOAL_WEBSEED_USELESS },
  { "not-satisfied", SHOAL_WEBSEED_FILES, 416, 500, -1, 0, 0, FALSE, 0, SHOAL_WEBSEED_GONE },
  { "not-found", SHOAL_WEBSEED_FILES, 404, 0, -1, 0, 50, FALSE, 0, SHOAL_WEBSEED_GONE },
  { "forbidden", SHOAL_WEBSEED_FILES, 403, 0, -1, 0, 50, FALSE, 0, SHOAL_WEBSEED_GONE },
  { "busy", SHOAL_WEBSEED_FILES, 503, 0, -1, 0, 50, FALSE, 0, SHOAL_WEBSEED_LATER },
  { "busy-until", SHOAL_WEBSEED_FILES, 503, 0, -1, 0, 50, FALSE, 77, SHOAL_WEBSEED_LATER },
  { "too-many", SHOAL_WEBSEED_FILES, 429, 0, -1, 0, 50, FALSE, 77, SHOAL_WEBSEED_LATER },
  { "error", SHOAL_WEBSEED_FILES, 500, 0, -1, 0, 50, FALSE, 0, SHOAL_WEBSEED_LATER },
  { "teapot", SHOAL_WEBSEED_FILES, 418, 0, -1, 0, 50, FALSE, 0, SHOAL_WEBSEED_LATER },
  { "no-content", SHOAL_WEBSEED_FILES, 204, 0, -1, 0, 0, FALSE, 0, SHOAL_WEBSEED_LATER },
  { "piece", SHOAL_WEBSEED_PIECES, 200, 0, -1, 0, 1000, FALSE, 0, SHOAL_WEBSEED_TAKE },
  { "piece-other-size", SHOAL_WEBSEED_PIECES, 200, 0, -1, 0, 999, FALSE, 0, SHOAL_WEBSEED_GONE },
  { "piece-busy", SHOAL_WEBSEED_PIECES, 503, 0, -1, 0, 2, FALSE, 0, SHOAL_WEBSEED_HINT },
  { "piece-busy-until", SHOAL_WEBSEED_PIECES, 503, 0, -1, 0, 2, FALSE, 9, SHOAL_WEBSEED_LATER },
};

static void
test_answer (gconstpointer data)
{
  const AnswerCase *answer = data;
  g_autoptr (ShoalWebseed) seed = shoal_webseed_new (answer->kind, "http://h/", 1);
  ShoalFetch *fetch = shoal_fetch_new (SHOAL_FETCH_SEED, "http://h/");

  fetch->range_first = answer->first;
  fetch->range_size = 500;
  fetch->status = answer->status;
  fetch->has_range = answer->got_first >= 0;
  fetch->got_first = (guint64) MAX (answer->got_first, 0);
  fetch->got_last = fetch->got_first + 499;
  fetch->got_total = answer->got_total > 0 ? answer->got_total : SHOAL_SIZE_UNKNOWN;
  fetch->content_size = answer->content_size >= 0 ? (guint64) answer->content_size
                                                  : SHOAL_SIZE_UNKNOWN;
  fetch->encoded = answer->encoded;
  fetch->retry_after_s = answer->retry_after_s;

  g_assert_cmpint (shoal_webseed_judge (seed, fetch, 1000, NOW), ==, answer->verdict);
  g_assert_cmpint (seed->useless, ==, answer->verdict == SHOAL_WEBSEED_USELESS);
  g_assert_cmpint (seed->why != NULL, ==,
                   answer->verdict == SHOAL_WEBSEED_USELESS
                     || answer->verdict == SHOAL_WEBSEED_LATER);
  if (answer->verdict == SHOAL_WEBSEED_LATER)
    g_assert_cmpint (seed->until_us - NOW, ==,
                     answer->retry_after_s > 0 ? answer->retry_after_s * G_USEC_PER_SEC
                                               : SHOAL_WEBSEED_RETRY_US);
  shoal_fetch_free (fetch);
}

static void
test_patience (void)
{
  g_autoptr (ShoalWebseed) seed = shoal_webseed_new (SHOAL_WEBSEED_FILES, "http://h/", 1);
  gint64 wait_us = 0;

  g_assert_true (shoal_webseed_is_ready (seed, NOW));
  for (guint i = 0; i < 3; i++)
    shoal_webseed_worked (seed);
  g_assert_cmpuint (seed->max_lanes, ==, SHOAL_WEBSEED_LANES);
  for (guint i = 0; i < 30; i++)
    {
      shoal_webseed_failed (seed, "it broke", NOW);
      g_assert_false (shoal_webseed_is_ready (seed, NOW));
      g_assert_true (shoal_webseed_is_ready (seed, seed->until_us));
      g_assert_cmpint (seed->until_us - NOW, >=, wait_us);
      g_assert_cmpint (seed->until_us - NOW, <=, SHOAL_WEBSEED_RETRY_MAX_US);
      wait_us = seed->until_us - NOW;
    }
  g_assert_cmpint (wait_us, ==, SHOAL_WEBSEED_RETRY_MAX_US);
  g_assert_cmpuint (seed->max_lanes, ==, 1);
  shoal_webseed_later (seed, 1000000, NOW);
  g_assert_cmpint (seed->until_us - NOW, ==, SHOAL_WEBSEED_AFTER_MAX_S * G_USEC_PER_SEC);
  shoal_webseed_worked (seed);
  shoal_webseed_failed (seed, "it broke", NOW);
  g_assert_cmpint (seed->until_us - NOW, ==, SHOAL_WEBSEED_RETRY_US);

  shoal_webseed_give_up (seed, "it lied");
  g_assert_cmpstr (seed->why, ==, "it lied");
  g_assert_false (shoal_webseed_is_ready (seed, G_MAXINT64));
}

static void
test_lacks (void)
{
  g_autoptr (Content) content = content_new ("t", SHOAL_TORRENT_V1, 16384, files,
                                             G_N_ELEMENTS (files), 1);
  g_autoptr (ShoalWebseed) seed = shoal_webseed_new (SHOAL_WEBSEED_FILES, "http://h/", 1);

  /* 40,000 bytes: pieces 0 to 2; then 30,000: pieces 2 to 4. */
  shoal_webseed_lacks (seed, content->metainfo->layout, 0, NOW);
  g_assert_false (shoal_webseed_has_piece (seed, 0));
  g_assert_false (shoal_webseed_has_piece (seed, 2));
  g_assert_true (shoal_webseed_has_piece (seed, 3));
  g_assert_true (shoal_webseed_is_ready (seed, NOW));
  shoal_webseed_lacks (seed, content->metainfo->layout, 2, NOW);
  g_assert_false (shoal_webseed_is_ready (seed, NOW));
  g_assert_true (shoal_webseed_is_ready (seed, NOW + SHOAL_WEBSEED_EMPTY_US));
  g_assert_true (shoal_webseed_has_piece (seed, 0));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/webseed/links", test_links);
  g_test_add_func ("/engine/webseed/piece-links", test_piece_links);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autofree char *path = g_strconcat ("/engine/webseed/answer/", answers[i].name, NULL);

      g_test_add_data_func (path, &answers[i], test_answer);
    }
  g_test_add_func ("/engine/webseed/patience", test_patience);
  g_test_add_func ("/engine/webseed/lacks", test_lacks);

  return g_test_run ();
}
