/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scrapes: many torrents in one request, trackers that do not take that, and how rarely each is
 * asked. */

#include "fake-host.h"
#include "shoal-http-tracker.h"
#include "shoal-tracker-hub.h"
#include "shoal-udp-tracker.h"
#include <string.h>

#define SECOND_US ((gint64) G_USEC_PER_SEC)
#define BEGIN_US  (1000 * SECOND_US)
#define ASKS_MAX  2000u
#define HTTP      "http://10.0.0.1:8000/announce"
#define UDP       "udp://10.0.0.1:80/announce"

typedef struct
{
  ShoalTrackerScrape *scrape;
  gboolean            ended;
  gint64              seeds;   /* -1: not told */
  char               *error;
} Ask;

typedef struct
{
  FakeHost        *host;
  ShoalTimers     *timers;
  ShoalRng         rng;
  ShoalTrackerHub *hub;
  gint64           now_us;
  Ask              asks[ASKS_MAX];
  guint            n_asks;
} Fixture;

static void
set_up (Fixture       *f,
        gconstpointer  data)
{
  f->now_us = BEGIN_US;
  f->host = fake_host_new (3);
  f->timers = shoal_timers_new ();
  shoal_rng_init (&f->rng, 4);
  f->hub = shoal_tracker_hub_new (&f->host->host, f->timers, &f->rng);
  shoal_tracker_hub_set_now (f->hub, f->now_us);
}

static void
tear_down (Fixture       *f,
           gconstpointer  data)
{
  shoal_tracker_hub_free (f->hub);
  fake_host_end_all (f->host, f->now_us);
  fake_host_free (f->host);
  g_assert_cmpint (shoal_timers_next (f->timers), ==, SHOAL_NEVER);
  shoal_timers_free (f->timers);
  for (guint i = 0; i < f->n_asks; i++)
    g_free (f->asks[i].error);
}

static void
pass (Fixture *f,
      gint64   us)
{
  gint64 end_us = f->now_us + us;

  while (shoal_timers_next (f->timers) <= end_us)
    {
      f->now_us = MAX (f->now_us, shoal_timers_next (f->timers));
      shoal_tracker_hub_set_now (f->hub, f->now_us);
      shoal_timers_expire (f->timers, f->now_us);
    }
  f->now_us = end_us;
  shoal_tracker_hub_set_now (f->hub, f->now_us);
}

static void
scraped_cb (gpointer                 owner,
            const ShoalTrackerCount *count,
            const char              *error,
            gint64                   now_us)
{
  Ask *ask = owner;

  g_assert_false (ask->ended);
  g_assert_true ((count == NULL) == (error != NULL));
  ask->ended = TRUE;
  ask->scrape = NULL;
  ask->seeds = count != NULL ? count->seeds : -1;
  ask->error = g_strdup (error);
}

/* Torrents are numbered from the one asked for first. */
static void
torrent_hash (ShoalSha1 *out,
              guint      torrent)
{
  memset (out, 'a', sizeof *out);
  out->bytes[18] = (guint8) ('A' + torrent / 26);
  out->bytes[19] = (guint8) ('A' + torrent % 26);
}

static void
ask (Fixture    *f,
     const char *url,
     guint       n)
{
  for (guint i = 0; i < n; i++)
    {
      Ask *next = &f->asks[f->n_asks];
      ShoalSha1 hash;

      torrent_hash (&hash, f->n_asks++);
      next->scrape = shoal_tracker_hub_scrape (f->hub, url, &hash, scraped_cb, next);
      g_assert_nonnull (next->scrape);
      g_assert_false (next->ended);
    }
}

/* Asserts what was heard of the @n torrents from @first on; @seeds of the first, one more of each
 * further; -1: nothing. */
static void
assert_told (Fixture *f,
             guint    first,
             guint    n,
             gint64   seeds)
{
  for (guint i = 0; i < n; i++)
    {
      g_assert_true (f->asks[first + i].ended);
      g_assert_cmpint (f->asks[first + i].seeds, ==, seeds < 0 ? -1 : seeds + i);
    }
}

static void
assert_waits (Fixture *f,
              guint    first,
              guint    n)
{
  for (guint i = 0; i < n; i++)
    g_assert_false (f->asks[first + i].ended);
}

/* --- HTTP --- */

/* The one request there is; asserts for how many torrents it asks and which is the first. */
static ShoalFetch *
request (Fixture *f,
         guint    n,
         guint    first)
{
  g_autofree char *begin = NULL;
  ShoalFetch *fetch;
  ShoalSha1 hash;
  guint found = 0;

  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  fetch = g_ptr_array_index (f->host->fetches, 0);
  torrent_hash (&hash, first);
  begin = g_strdup_printf ("http://10.0.0.1:8000/scrape?info_hash=%.20s",
                           (const char *) hash.bytes);
  g_assert_true (g_str_has_prefix (fetch->url, begin));
  for (const char *at = fetch->url; (at = strstr (at, "info_hash=")) != NULL; at++)
    found++;
  g_assert_cmpuint (found, ==, n);

  return fetch;
}

/* Tells of the @n torrents from @first on: as many seeds as its number says. */
static void
tell_http (Fixture    *f,
           guint       first,
           guint       n,
           const char *more)
{
  g_autoptr (GString) body = g_string_new ("d5:filesd");

  for (guint i = first; i < first + n; i++)
    {
      ShoalSha1 hash;

      torrent_hash (&hash, i);
      g_string_append_printf (body, "20:%.20sd8:completei%ue10:incompletei4ee",
                              (const char *) hash.bytes, i);
    }
  g_string_append_printf (body, "e%se", more);
  fake_host_answer_fetch (f->host, 0, 200, body->str, body->len, NULL, f->now_us);
}

static void
fail_http (Fixture    *f,
           guint       status,
           const char *body)
{
  fake_host_answer_fetch (f->host, 0, status, body, strlen (body), NULL, f->now_us);
}

static void
test_http (Fixture       *f,
           gconstpointer  data)
{
  ask (f, HTTP, 3);
  g_assert_cmpuint (f->host->fetches->len, ==, 0);
  pass (f, SECOND_US);
  request (f, 3, 0);
  assert_waits (f, 0, 3);
  tell_http (f, 0, 2, "");
  assert_told (f, 0, 2, 0);
  assert_told (f, 2, 1, -1);
  g_assert_cmpstr (f->asks[2].error, ==, "The tracker does not know the torrent");

  /* One torrent is one as ever. */
  pass (f, 60 * SECOND_US);
  ask (f, HTTP, 1);
  pass (f, SECOND_US);
  request (f, 1, 3);
  tell_http (f, 3, 1, "");
  assert_told (f, 3, 1, 3);
}

/* A tracker that knows none of many, or tells of one and all there is, is believed. */
static void
test_http_unknown (Fixture       *f,
                   gconstpointer  data)
{
  ask (f, HTTP, SHOAL_HTTP_TRACKER_SCRAPE_MAX + 2);
  pass (f, SECOND_US);
  request (f, SHOAL_HTTP_TRACKER_SCRAPE_MAX, 0);
  tell_http (f, 0, 0, "");
  assert_told (f, 0, SHOAL_HTTP_TRACKER_SCRAPE_MAX, -1);
  pass (f, SECOND_US);
  request (f, 2, SHOAL_HTTP_TRACKER_SCRAPE_MAX);
  tell_http (f, 0, 100, "");
  assert_told (f, SHOAL_HTTP_TRACKER_SCRAPE_MAX, 2, SHOAL_HTTP_TRACKER_SCRAPE_MAX);
}

/* The last parameter alone counts for many a script. */
static void
test_http_one_only (Fixture       *f,
                    gconstpointer  data)
{
  ask (f, HTTP, 4);
  pass (f, SECOND_US);
  request (f, 4, 0);
  tell_http (f, 3, 1, "");
  assert_told (f, 3, 1, 3);
  assert_waits (f, 0, 3);
  for (guint i = 0; i < 2; i++)
    {
      pass (f, SECOND_US);
      request (f, 1, i);
      tell_http (f, i, 1, "");
      assert_told (f, i, 1, i);
    }

  /* One that is not known: maybe it was not that. */
  ask (f, HTTP, 3);
  pass (f, SECOND_US);
  request (f, 1, 2);
  tell_http (f, 0, 0, "");
  assert_told (f, 2, 1, -1);
  pass (f, SECOND_US);
  request (f, 3, 4);
  tell_http (f, 4, 3, "");
  assert_told (f, 4, 3, 4);
}

/* An error for many, no error for one. */
static void
test_http_refuses_many (Fixture       *f,
                        gconstpointer  data)
{
  ask (f, HTTP, 3);
  pass (f, SECOND_US);
  fail_http (f, 414, "<html>");
  assert_waits (f, 0, 3);
  for (guint i = 0; i < 3; i++)
    {
      pass (f, SECOND_US);
      request (f, 1, i);
      tell_http (f, i, 1, "");
    }
  assert_told (f, 0, 3, 0);
}

/* A tracker that does not scrape at all is not asked for each of a thousand torrents. */
static void
test_http_fails (Fixture       *f,
                 gconstpointer  data)
{
  ask (f, HTTP, 1000);
  pass (f, SECOND_US);
  fail_http (f, 404, "");
  pass (f, SECOND_US);
  request (f, 1, 0);
  fail_http (f, 200, "d14:failure reason2:noe");
  assert_told (f, 0, 1, -1);
  g_assert_cmpstr (f->asks[0].error, ==, "no");
  assert_waits (f, 1, 999);
  pass (f, SECOND_US);
  fail_http (f, 404, "");
  assert_told (f, 0, 1000, -1);
  g_assert_cmpstr (f->asks[999].error, ==, "HTTP error 404");
  pass (f, 3600 * SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 0);

  /* It may have come back. */
  ask (f, HTTP, 2);
  pass (f, SECOND_US);
  request (f, 2, 1000);
}

/* BEP 48: the tracker says how often it may be asked, within reason. */
static void
test_http_interval (Fixture       *f,
                    gconstpointer  data)
{
  ask (f, HTTP, 1);
  pass (f, SECOND_US);
  tell_http (f, 0, 1, "5:flagsd20:min_request_intervali600ee");
  ask (f, HTTP, 1);
  pass (f, 599 * SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 0);
  pass (f, SECOND_US);
  tell_http (f, 1, 1, "5:flagsd20:min_request_intervali999999999ee");
  ask (f, HTTP, 1);
  pass (f, 1799 * SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 0);
  pass (f, SECOND_US);
  request (f, 1, 2);
}

/* --- UDP --- */

static guint32
be32 (GBytes *packet,
      gsize   at)
{
  const guint8 *bytes = g_bytes_get_data (packet, NULL);

  g_assert_cmpuint (at + 4, <=, g_bytes_get_size (packet));

  return (guint32) bytes[at] << 24 | (guint32) bytes[at + 1] << 16 | (guint32) bytes[at + 2] << 8
         | bytes[at + 3];
}

static void
send_words (Fixture       *f,
            const guint32 *words,
            guint          n)
{
  g_autofree guint32 *copy = g_new (guint32, n);
  ShoalAddr from;

  g_assert_true (shoal_addr_parse (&from, "10.0.0.1:80", 0));
  for (guint i = 0; i < n; i++)
    copy[i] = GUINT32_TO_BE (words[i]);
  g_assert_true (shoal_tracker_hub_datagram (f->hub, &from, (const guint8 *) copy,
                                             n * sizeof *copy));
}

/* The scrape that was sent; @connects: the tracker is asked for a connection id first. */
static GBytes *
take_scrape (Fixture  *f,
             gboolean  connects)
{
  g_autoptr (GBytes) first = fake_host_take_datagram (f->host, NULL);

  g_assert_nonnull (first);
  if (!connects)
    return g_steal_pointer (&first);
  g_assert_cmpuint (be32 (first, 8), ==, SHOAL_UDP_TRACKER_CONNECT);
  send_words (f, (guint32[]){ SHOAL_UDP_TRACKER_CONNECT, be32 (first, 12), 7, 7 }, 4);

  return fake_host_take_datagram (f->host, NULL);
}

/* Tells of the first @n: as many seeds as it is the how many-th, from @seeds on. */
static void
tell_udp (Fixture *f,
          GBytes  *scrape,
          guint    n,
          guint    seeds)
{
  g_autofree guint32 *words = g_new0 (guint32, 2 + 3 * n);

  words[0] = SHOAL_UDP_TRACKER_SCRAPE;
  words[1] = be32 (scrape, 12);
  for (guint i = 0; i < n; i++)
    words[2 + 3 * i] = seeds + i;
  send_words (f, words, 2 + 3 * n);
}

static void
assert_silent (Fixture *f)
{
  g_assert_cmpuint (f->host->datagrams->len, ==, 0);
}

static guint
n_hashes (GBytes *scrape)
{
  g_assert_cmpuint (be32 (scrape, 8), ==, SHOAL_UDP_TRACKER_SCRAPE);
  g_assert_cmpuint ((g_bytes_get_size (scrape) - 16) % SHOAL_SHA1_SIZE, ==, 0);

  return (guint) (g_bytes_get_size (scrape) - 16) / SHOAL_SHA1_SIZE;
}

/* One host and port is one tracker, whatever the paths are. */
static void
test_udp (Fixture       *f,
          gconstpointer  data)
{
  g_autoptr (GBytes) first = NULL;
  g_autoptr (GBytes) second = NULL;

  ask (f, UDP, SHOAL_UDP_TRACKER_SCRAPE_MAX - 1);
  ask (f, "udp://10.0.0.1:80", 1);
  ask (f, "udp://10.0.0.1:80?x=/", 1);
  pass (f, SECOND_US);
  first = take_scrape (f, TRUE);
  g_assert_cmpuint (n_hashes (first), ==, SHOAL_UDP_TRACKER_SCRAPE_MAX);
  assert_silent (f);
  /* An announce is no answer to that. */
  send_words (f, (guint32[]){ SHOAL_UDP_TRACKER_ANNOUNCE, be32 (first, 12), 1, 2, 3, 4 }, 6);
  assert_waits (f, 0, SHOAL_UDP_TRACKER_SCRAPE_MAX);
  tell_udp (f, first, SHOAL_UDP_TRACKER_SCRAPE_MAX + 1, 100);
  assert_told (f, 0, SHOAL_UDP_TRACKER_SCRAPE_MAX, 100);
  assert_waits (f, SHOAL_UDP_TRACKER_SCRAPE_MAX, 1);

  pass (f, SECOND_US - 1);
  assert_silent (f);
  pass (f, 1);
  second = take_scrape (f, FALSE);
  g_assert_cmpuint (n_hashes (second), ==, 1);
  tell_udp (f, second, 1, 3);
  assert_told (f, SHOAL_UDP_TRACKER_SCRAPE_MAX, 1, 3);
}

/* A tracker takes as many as it tells of. */
static void
test_udp_short (Fixture       *f,
                gconstpointer  data)
{
  static const guint wanted[] = { 7, 3, 1 };
  guint at = 0;

  ask (f, UDP, 7);
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      g_autoptr (GBytes) scrape = NULL;
      ShoalSha1 hash;

      pass (f, SECOND_US);
      scrape = take_scrape (f, i == 0);
      g_assert_cmpuint (n_hashes (scrape), ==, wanted[i]);
      torrent_hash (&hash, at);
      g_assert_cmpmem ((const guint8 *) g_bytes_get_data (scrape, NULL) + 16, SHOAL_SHA1_SIZE,
                       &hash, SHOAL_SHA1_SIZE);
      assert_waits (f, at, 7 - at);
      tell_udp (f, scrape, MIN (wanted[i], 3), at);
      at += MIN (wanted[i], 3);
    }
  assert_told (f, 0, 7, 0);
}

/* --- Both --- */

/* Two thousand torrents of one tracker: a request a second. */
static void
test_many (Fixture       *f,
           gconstpointer  data)
{
  guint n = 0;

  ask (f, UDP, ASKS_MAX);
  for (guint told = 0; told < ASKS_MAX; n++)
    {
      g_autoptr (GBytes) scrape = NULL;

      pass (f, SECOND_US - 1);
      assert_silent (f);
      pass (f, 1);
      scrape = take_scrape (f, n % 60 == 0);
      assert_silent (f);
      tell_udp (f, scrape, n_hashes (scrape), told);
      told += n_hashes (scrape);
    }
  assert_told (f, 0, ASKS_MAX, 0);
  g_assert_cmpuint (n, ==,
                    (ASKS_MAX + SHOAL_UDP_TRACKER_SCRAPE_MAX - 1) / SHOAL_UDP_TRACKER_SCRAPE_MAX);
}

static void
test_drop (Fixture       *f,
           gconstpointer  data)
{
  ask (f, HTTP, 4);
  shoal_tracker_scrape_drop (f->asks[0].scrape);
  pass (f, SECOND_US);
  request (f, 3, 1);
  shoal_tracker_scrape_drop (f->asks[2].scrape);
  tell_http (f, 1, 3, "");
  assert_told (f, 1, 1, 1);
  assert_told (f, 3, 1, 3);
  g_assert_false (f->asks[0].ended || f->asks[2].ended);

  /* Nobody wants to know any more what is under way. */
  ask (f, HTTP, 1);
  pass (f, SECOND_US);
  request (f, 1, 4);
  ask (f, HTTP, 1);
  shoal_tracker_scrape_drop (f->asks[4].scrape);
  g_assert_cmpuint (shoal_tracker_hub_pending (f->hub), ==, 0);
  fail_http (f, 404, "");
  pass (f, SECOND_US);
  request (f, 1, 5);
  tell_http (f, 5, 1, "");
  assert_told (f, 5, 1, 5);

  /* Nor what waits. */
  ask (f, HTTP, 1);
  shoal_tracker_scrape_drop (f->asks[6].scrape);
  pass (f, 10 * SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 0);
}

/* Trackers of other kinds are not asked. */
static void
test_none (Fixture       *f,
           gconstpointer  data)
{
  static const char *const none[] = { "http://10.0.0.1/tracker.php", "udp:", "wss://10.0.0.1/x",
                                      "" };
  ShoalSha1 hash = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (none); i++)
    g_assert_null (shoal_tracker_hub_scrape (f->hub, none[i], &hash, scraped_cb, f));

  /* This one is asked in vain. */
  ask (f, "udp://:80", 2);
  pass (f, 10 * SECOND_US);
  assert_told (f, 0, 2, -1);
}

int
main (int    argc,
      char **argv)
{
  static const struct
  {
    const char *path;
    void      (*func) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "/engine/tracker-hub-scrape/http", test_http },
    { "/engine/tracker-hub-scrape/http-unknown", test_http_unknown },
    { "/engine/tracker-hub-scrape/http-one-only", test_http_one_only },
    { "/engine/tracker-hub-scrape/http-refuses-many", test_http_refuses_many },
    { "/engine/tracker-hub-scrape/http-fails", test_http_fails },
    { "/engine/tracker-hub-scrape/http-interval", test_http_interval },
    { "/engine/tracker-hub-scrape/udp", test_udp },
    { "/engine/tracker-hub-scrape/udp-short", test_udp_short },
    { "/engine/tracker-hub-scrape/many", test_many },
    { "/engine/tracker-hub-scrape/drop", test_drop },
    { "/engine/tracker-hub-scrape/none", test_none },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].func, tear_down);

  return g_test_run ();
}
