/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP trackers: exact URLs, and answers of every shape that is seen. */

#include "shoal-http-tracker.h"
#include "shoal-error.h"
#include <string.h>

static ShoalAnnounce
make_announce (void)
{
  ShoalAnnounce announce = {
    .uploaded = 1,
    .downloaded = 2,
    .left = G_GUINT64_CONSTANT (18446744073709551615),
    .event = SHOAL_ANNOUNCE_STARTED,
    .key = 0xbeef,
    .numwant = 50,
    .port = 6881,
  };

  for (guint i = 0; i < SHOAL_SHA1_SIZE; i++)
    announce.info_hash.bytes[i] = (guint8) (i * 13);
  memcpy (announce.peer_id.bytes, "-SH0100-abcdefghijk~", SHOAL_PEER_ID_SIZE);

  return announce;
}

#define HASH_TEXT "%00%0D%1A%274AN%5Bhu%82%8F%9C%A9%B6%C3%D0%DD%EA%F7"
#define REST_TEXT "info_hash=" HASH_TEXT "&peer_id=-SH0100-abcdefghijk~&port=6881&uploaded=1&downloaded=2" \
                  "&left=18446744073709551615&key=0000BEEF&compact=1&no_peer_id=1&numwant=50"

static void
test_announce_url (void)
{
  static const struct
  {
    const char *tracker;
    const char *begin;
  } cases[] = {
    { "http://t.example/announce", "http://t.example/announce?" },
    { "http://t.example/announce?passkey=a%20b", "http://t.example/announce?passkey=a%20b&" },
    { "http://t.example/announce?", "http://t.example/announce?" },
    { "http://t.example/announce?a=1&", "http://t.example/announce?a=1&" },
    { "https://[::1]:99/x/announce.php#part", "https://[::1]:99/x/announce.php?" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalAnnounce announce = make_announce ();
      g_autofree char *url = shoal_http_tracker_announce_url (cases[i].tracker, &announce);
      g_autofree char *expected = g_strconcat (cases[i].begin, REST_TEXT, "&event=started", NULL);

      g_assert_cmpstr (url, ==, expected);
    }
}

static void
test_announce_url_options (void)
{
  static const char *const events[] = { NULL, "completed", "started", "stopped", "paused" };

  for (guint i = 0; i < G_N_ELEMENTS (events); i++)
    {
      ShoalAnnounce announce = make_announce ();
      g_autofree char *url = NULL;
      g_autofree char *text = g_strconcat ("&event=", events[i], NULL);

      announce.event = (ShoalAnnounceEvent) i;
      announce.crypto = TRUE;
      announce.tracker_id = "a b&c";
      announce.numwant = -1;
      url = shoal_http_tracker_announce_url ("http://t/a", &announce);
      g_assert_nonnull (strstr (url, "&supportcrypto=1"));
      g_assert_nonnull (strstr (url, "&trackerid=a%20b%26c"));
      g_assert_null (strstr (url, "numwant"));
      if (events[i] != NULL)
        g_assert_nonnull (strstr (url, text));
      else
        g_assert_null (strstr (url, "event"));
    }
}

static void
test_scrape_url (void)
{
  static const struct
  {
    const char *tracker;
    const char *scrape;
  } cases[] = {
    { "http://t.example/announce", "http://t.example/scrape?info_hash=" HASH_TEXT },
    { "http://t.example/x/announce", "http://t.example/x/scrape?info_hash=" HASH_TEXT },
    { "http://t.example/announce.php", "http://t.example/scrape.php?info_hash=" HASH_TEXT },
    { "http://t.example/announce?x=2/4", "http://t.example/scrape?x=2/4&info_hash=" HASH_TEXT },
    { "http://t.example/announce%064announce",
      "http://t.example/scrape%064announce?info_hash=" HASH_TEXT },
    { "http://t.example/a", NULL },
    { "http://t.example/announce/key", NULL },
    { "http://t.example/?x=/announce", NULL },
    { "http://announce", NULL },
    { "announce", NULL },
  };
  ShoalAnnounce announce = make_announce ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *url = shoal_http_tracker_scrape_url (cases[i].tracker, &announce.info_hash,
                                                            1);

      g_assert_cmpstr (url, ==, cases[i].scrape);
    }
}

/* As many as are asked for at most: the URL fits into what servers take. */
static void
test_scrape_url_of_many (void)
{
  ShoalSha1 hashes[SHOAL_HTTP_TRACKER_SCRAPE_MAX];
  g_autofree char *two = NULL;
  g_autofree char *most = NULL;

  memset (hashes, 0xff, sizeof hashes);
  memset (&hashes[0], 'a', sizeof hashes[0]);
  memset (&hashes[1], 'b', sizeof hashes[1]);
  two = shoal_http_tracker_scrape_url ("http://t.example/announce?x=1", hashes, 2);
  g_assert_cmpstr (two, ==, "http://t.example/scrape?x=1&info_hash=aaaaaaaaaaaaaaaaaaaa"
                            "&info_hash=bbbbbbbbbbbbbbbbbbbb");
  most = shoal_http_tracker_scrape_url ("http://t.example/announce", hashes, G_N_ELEMENTS (hashes));
  g_assert_cmpuint (strlen (most), <, 4096 - 1024);
}

static gboolean
parse_bytes (ShoalAnnounceAnswer *out,
             const char          *bytes,
             gsize                size)
{
  g_autofree guint8 *copy = g_memdup2 (bytes, size);

  return shoal_http_tracker_parse_announce (out, copy, size, NULL);
}

#define PARSE(out, text) parse_bytes (out, text, sizeof (text) - 1)

static void
assert_peer (const ShoalAnnounceAnswer *answer,
             guint                      index,
             const char                *expected)
{
  g_autofree char *text = NULL;

  g_assert_cmpuint (index, <, answer->peers->len);
  text = shoal_addr_to_text (&g_array_index (answer->peers, ShoalAddr, index));
  g_assert_cmpstr (text, ==, expected);
}

static void
test_compact (void)
{
  ShoalAnnounceAnswer answer;

  g_assert_true (PARSE (&answer,
                        "d8:completei5e10:downloadedi9e10:incompletei7e8:intervali1800e12:min "
                        "intervali900e"
                        "5:peers12:\x0a\x00\x00\x01\x1a\xe1\x0a\x00\x00\x02\x1a\xe2"
                        "6:peers618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1"
                        "10:tracker id3:abc15:warning message4:slowe"));
  g_assert_null (answer.failure);
  g_assert_cmpstr (answer.warning, ==, "slow");
  g_assert_cmpstr (answer.tracker_id, ==, "abc");
  g_assert_cmpint (answer.interval_s, ==, 1800);
  g_assert_cmpint (answer.min_interval_s, ==, 900);
  g_assert_cmpint (answer.seeds, ==, 5);
  g_assert_cmpint (answer.leechers, ==, 7);
  g_assert_cmpint (answer.downloaded, ==, 9);
  g_assert_cmpuint (answer.peers->len, ==, 3);
  assert_peer (&answer, 0, "10.0.0.1:6881");
  assert_peer (&answer, 1, "10.0.0.2:6882");
  assert_peer (&answer, 2, "[2001:db8::1]:6881");
  shoal_announce_answer_clear (&answer);
}

static void
test_listed (void)
{
  ShoalAnnounceAnswer answer;

  g_assert_true (PARSE (&answer,
                        "d8:intervali60e5:peersl"
                        "d2:ip8:10.0.0.17:peer id20:-SH0100-abcdefghijkl4:porti6881ee"
                        "d2:ip11:2001:db8::14:porti6882ee"
                        "d2:ip12:peer.example4:porti6883ee"
                        "d2:ip8:10.0.0.24:porti0ee"
                        "d2:ip8:10.0.0.34:porti70000ee"
                        "d2:ip8:10.0.0.4e"
                        "d4:porti1ee"
                        "i5e"
                        "d2:ip13:10.0.0.5:99994:porti6884ee"
                        "ee"));
  g_assert_cmpuint (answer.peers->len, ==, 3);
  assert_peer (&answer, 0, "10.0.0.1:6881");
  assert_peer (&answer, 1, "[2001:db8::1]:6882");
  assert_peer (&answer, 2, "10.0.0.5:6884");
  shoal_announce_answer_clear (&answer);
}

static void
test_external_ip (void)
{
  ShoalAnnounceAnswer answer;

  g_assert_true (PARSE (&answer, "d11:external ip4:\x01\x02\x03\x04" "e"));
  g_assert_cmpint (answer.external.family, ==, SHOAL_FAMILY_IPV4);
  g_assert_cmpuint (answer.external.ip[3], ==, 4);
  shoal_announce_answer_clear (&answer);
  g_assert_true (PARSE (&answer, "d11:external ip16:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
                                 "e"));
  g_assert_cmpint (answer.external.family, ==, SHOAL_FAMILY_IPV6);
  shoal_announce_answer_clear (&answer);
  g_assert_true (PARSE (&answer, "d11:external ip5:abcdee"));
  g_assert_cmpint (answer.external.family, ==, SHOAL_FAMILY_NONE);
  shoal_announce_answer_clear (&answer);
}

static void
test_failure (void)
{
  static const struct
  {
    const char *text;
    gint64      retry_s;
  } cases[] = {
    { "d14:failure reason4:nopee", -1 },
    { "d14:failure reason4:nope8:retry in5:nevere", G_MAXINT64 },
    { "d14:failure reason4:nope8:retry ini15ee", 900 },
    { "d14:failure reason4:nope8:retry in2:15e", 900 },
    { "d14:failure reason4:nope8:retry ini0ee", 0 },
    { "d14:failure reason4:nope8:retry ini-1ee", -1 },
    { "d14:failure reason4:nope8:retry in4:soone", -1 },
    { "d14:failure reason4:nope8:retry ini9223372036854775807ee", SHOAL_TRACKER_WAIT_MAX },
    { "d14:failure reason4:nope5:peers6:\x0a\x01\x01\x01\x1a\xe1" "e", -1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalAnnounceAnswer answer;

      g_assert_true (parse_bytes (&answer, cases[i].text, strlen (cases[i].text)));
      g_assert_cmpstr (answer.failure, ==, "nope");
      g_assert_cmpint (answer.retry_s, ==, cases[i].retry_s);
      g_assert_cmpuint (answer.peers->len, ==, 0);
      shoal_announce_answer_clear (&answer);
    }
}

static void
test_odd_values (void)
{
  ShoalAnnounceAnswer answer;

  g_assert_true (PARSE (&answer, "d8:completei-7e8:intervali-5e12:min "
                                 "interval3:abc5:peers7:1234567e"));
  g_assert_cmpint (answer.interval_s, ==, 0);
  g_assert_cmpint (answer.min_interval_s, ==, 0);
  g_assert_cmpint (answer.seeds, ==, -1);
  g_assert_cmpuint (answer.peers->len, ==, 1);
  shoal_announce_answer_clear (&answer);

  g_assert_true (PARSE (&answer, "d8:intervali9223372036854775807ee\r\n"));
  g_assert_cmpint (answer.interval_s, ==, SHOAL_TRACKER_WAIT_MAX);
  shoal_announce_answer_clear (&answer);

  g_assert_true (PARSE (&answer, "d14:failure reason0:10:tracker id3:a\0be"));
  g_assert_cmpstr (answer.failure, ==, "no reason given");
  g_assert_null (answer.tracker_id);
  shoal_announce_answer_clear (&answer);

  g_assert_true (PARSE (&answer, "de"));
  shoal_announce_answer_clear (&answer);
}

static void
test_malformed (void)
{
  static const char *const bad[] = {
    "", "le", "<html>sign in</html>", "d8:interval", "i5e", "d5:peers9999:abce"
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      ShoalAnnounceAnswer answer;

      g_assert_false (shoal_http_tracker_parse_announce (&answer, (const guint8 *) bad[i],
                                                         strlen (bad[i]), &error));
      g_assert_nonnull (error);
      g_assert_true (error->domain == SHOAL_WIRE_ERROR);
    }
}

static void
test_limits (void)
{
  g_autoptr (GError) error = NULL;
  gsize size = SHOAL_TRACKER_ANSWER_MAX + 1;
  g_autofree guint8 *bytes = g_malloc0 (size);
  g_autoptr (GString) text = g_string_new ("d5:peers60000:");
  ShoalAnnounceAnswer answer;

  g_assert_false (shoal_http_tracker_parse_announce (&answer, bytes, size, &error));
  g_assert_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE);

  for (guint i = 0; i < 10000; i++)
    g_string_append_len (text, "\x0a\x01\x01\x01\x1a\xe1", 6);
  g_string_append_c (text, 'e');
  g_assert_true (parse_bytes (&answer, text->str, text->len));
  g_assert_cmpuint (answer.peers->len, ==, SHOAL_TRACKER_PEERS_MAX);
  shoal_announce_answer_clear (&answer);
}

static void
test_long_failure (void)
{
  g_autoptr (GString) text = g_string_new ("d14:failure reason1000:");
  ShoalAnnounceAnswer answer;

  for (guint i = 0; i < 1000; i++)
    g_string_append_c (text, i == 1 ? '\n' : 'a');
  g_string_append_c (text, 'e');
  g_assert_true (parse_bytes (&answer, text->str, text->len));
  g_assert_cmpuint (strlen (answer.failure), ==, SHOAL_TRACKER_TEXT_MAX);
  g_assert_cmpint (answer.failure[1], ==, ' ');
  shoal_announce_answer_clear (&answer);
}

static void
assert_count (const ShoalAnnounceAnswer *answer,
              guint                      index,
              gint64                     seeds,
              gint64                     leechers,
              gint64                     downloaded)
{
  const ShoalTrackerCount *count = &g_array_index (answer->counts, ShoalTrackerCount, index);

  g_assert_cmpint (count->seeds, ==, seeds);
  g_assert_cmpint (count->leechers, ==, leechers);
  g_assert_cmpint (count->downloaded, ==, downloaded);
}

static void
test_scrape (void)
{
  static const char other[] =
    "d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei1e10:downloadedi2e10:incompletei3eeee";
  static const char ours[] =
    "d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei1ee20:\0aaaaaaaaaaaaaaaaaaad8:completei4e"
    "10:downloadedi5e10:incompletei6eee5:flagsd20:min_request_intervali600eee";
  static const char failed[] = "d14:failure reason2:noe";
  g_autoptr (GError) error = NULL;
  ShoalAnnounceAnswer answer;
  ShoalSha1 hashes[3];

  memset (hashes, 'a', sizeof hashes);
  hashes[0].bytes[0] = 0;
  hashes[1].bytes[0] = 'x';
  g_assert_true (shoal_http_tracker_parse_scrape (&answer, hashes, 3, (const guint8 *) ours,
                                                  sizeof ours - 1, NULL));
  g_assert_cmpuint (answer.counts->len, ==, 3);
  assert_count (&answer, 0, 4, 6, 5);
  assert_count (&answer, 1, -1, -1, -1);
  assert_count (&answer, 2, 1, -1, -1);
  g_assert_cmpint (answer.min_interval_s, ==, 600);
  shoal_announce_answer_clear (&answer);

  g_assert_true (shoal_http_tracker_parse_scrape (&answer, hashes, 1, (const guint8 *) other,
                                                  sizeof other - 1, NULL));
  assert_count (&answer, 0, -1, -1, -1);
  shoal_announce_answer_clear (&answer);

  g_assert_false (shoal_http_tracker_parse_scrape (&answer, hashes, 1,
                                                   (const guint8 *) "d5:filesi3ee", 12, &error));
  g_assert_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_MALFORMED);

  g_assert_true (shoal_http_tracker_parse_scrape (&answer, hashes, 3, (const guint8 *) failed,
                                                  sizeof failed - 1, NULL));
  g_assert_cmpstr (answer.failure, ==, "no");
  shoal_announce_answer_clear (&answer);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/http-tracker/announce-url", test_announce_url);
  g_test_add_func ("/wire/http-tracker/announce-url-options", test_announce_url_options);
  g_test_add_func ("/wire/http-tracker/scrape-url", test_scrape_url);
  g_test_add_func ("/wire/http-tracker/scrape-url-of-many", test_scrape_url_of_many);
  g_test_add_func ("/wire/http-tracker/compact", test_compact);
  g_test_add_func ("/wire/http-tracker/listed", test_listed);
  g_test_add_func ("/wire/http-tracker/external-ip", test_external_ip);
  g_test_add_func ("/wire/http-tracker/failure", test_failure);
  g_test_add_func ("/wire/http-tracker/odd-values", test_odd_values);
  g_test_add_func ("/wire/http-tracker/malformed", test_malformed);
  g_test_add_func ("/wire/http-tracker/limits", test_limits);
  g_test_add_func ("/wire/http-tracker/long-failure", test_long_failure);
  g_test_add_func ("/wire/http-tracker/scrape", test_scrape);

  return g_test_run ();
}
