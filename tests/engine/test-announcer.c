/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The announcer: who is asked when, and what each tracker is told. */

#include "announcer-fixture.h"

#include <string.h>

/* started, regular, completed, stopped: each once and with the totals of its moment. */
static void
test_life (AnnouncerFixture *f,
           gconstpointer     data)
{
  announcer_make (f, A, 1);
  g_assert_true (shoal_announcer_has_trackers (f->announcer));
  g_assert_cmpint (shoal_announcer_state (f->announcer), ==, SHOAL_TRACKER_IDLE);
  g_assert_cmpint (shoal_announcer_seeds (f->announcer), ==, -1);
  shoal_announcer_start (f->announcer, f->now_us);
  shoal_announcer_start (f->announcer, f->now_us);
  g_assert_cmpint (shoal_announcer_state (f->announcer), ==, SHOAL_TRACKER_ANNOUNCING);
  announcer_expect (f, A, "started");
  g_assert_true (announcer_says (f, "info_hash=AAAAAAAAAAAAAAAAAAAA&peer_id=-SH0100-abcdefghijkl&port=6881&uploaded=0&downloaded=0&left=1000"));
  g_assert_true (announcer_says (f, "key=00001234"));
  g_assert_true (announcer_says (f, "numwant=200"));
  announcer_answer (f, GOOD);
  QUIET (f);
  g_assert_cmpint (shoal_announcer_state (f->announcer), ==, SHOAL_TRACKER_WORKING);
  g_assert_cmpint (shoal_announcer_seeds (f->announcer), ==, 3);
  g_assert_cmpint (shoal_announcer_leechers (f->announcer), ==, 4);
  g_assert_cmpuint (f->n_peers, ==, 1);
  g_assert_cmpuint (f->n_changed, >=, 2);

  f->downloaded = 600;
  f->left = 400;
  announcer_pass (f, 1800 * SECOND_US - 1);
  QUIET (f);
  announcer_pass (f, 62 * SECOND_US);
  announcer_expect (f, A, "");
  g_assert_true (announcer_says (f, "downloaded=600&left=400"));
  announcer_answer (f, GOOD);

  f->downloaded = 1000;
  f->left = 0;
  announcer_pass (f, SECOND_US);
  shoal_announcer_completed (f->announcer, f->now_us);
  announcer_expect (f, A, "completed");
  g_assert_true (announcer_says (f, "downloaded=1000&left=0"));
  announcer_answer (f, GOOD);
  QUIET (f);

  f->uploaded = 77;
  announcer_pass (f, SECOND_US);
  shoal_announcer_stop (f->announcer, f->now_us);
  shoal_announcer_stop (f->announcer, f->now_us);
  announcer_expect (f, A, "stopped");
  g_assert_true (announcer_says (f, "uploaded=77"));
  g_assert_true (announcer_says (f, "numwant=0"));
  g_assert_true (shoal_announcer_stopping (f->announcer));
  announcer_answer (f, GOOD);
  g_assert_false (shoal_announcer_stopping (f->announcer));
  announcer_pass (f, 100000 * SECOND_US);
  QUIET (f);
}

static void
test_none (AnnouncerFixture *f,
           gconstpointer     data)
{
  ShoalSha1 key = { { 0 } };

  f->announcer = shoal_announcer_new (f->hub, f->timers, &f->rng, &key, 1, NULL,
                                      &announcer_fixture_ops, f);
  g_assert_false (shoal_announcer_has_trackers (f->announcer));
  shoal_announcer_start (f->announcer, f->now_us);
  shoal_announcer_want_peers (f->announcer, TRUE, f->now_us);
  shoal_announcer_now (f->announcer, f->now_us);
  announcer_pass (f, 3600 * SECOND_US);
  shoal_announcer_stop (f->announcer, f->now_us);
  QUIET (f);
}

static void
test_unusable (AnnouncerFixture *f,
               gconstpointer     data)
{
  char ***tiers;
  g_autofree char *text = NULL;

  announcer_make (f, "wss://10.0.0.9/|" A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_expect (f, A, "started");
  tiers = shoal_announcer_tiers (f->announcer);
  text = announcer_join_tiers ((char *const *const *) tiers);
  g_assert_cmpstr (text, ==, "wss://10.0.0.9/|" A);
  shoal_tiers_free (tiers);
}

/* Already complete when a tracker first hears of us: it is not told `completed`. */
static void
test_completed_before (AnnouncerFixture *f,
                       gconstpointer     data)
{
  announcer_make (f, A "|" B, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_expect (f, A, "started");
  announcer_answer (f, NULL);
  announcer_expect (f, B, "started");
  shoal_announcer_completed (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  announcer_answer (f, GOOD);
  announcer_expect (f, B, "completed");   /* it was told `started` by a download */
  announcer_answer (f, GOOD);
  announcer_pass (f, 1900 * SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
  announcer_expect (f, B, "");
  announcer_answer (f, GOOD);
  announcer_expect (f, A, "started");
  announcer_answer (f, GOOD);
  QUIET (f);
}

static void
test_completed_retried (AnnouncerFixture *f,
                        gconstpointer     data)
{
  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, GOOD);
  shoal_announcer_completed (f->announcer, f->now_us);
  announcer_expect (f, A, "completed");
  announcer_answer (f, NULL);
  QUIET (f);
  announcer_pass (f, 17 * SECOND_US);
  announcer_expect (f, A, "completed");
  announcer_answer (f, GOOD);
  announcer_pass (f, 1900 * SECOND_US);
  announcer_expect (f, A, "");
}

/* BEP 12: the next one is asked when one fails, and who answers is first in its tier from then
 * on. */
static void
test_stats (AnnouncerFixture *f,
            gconstpointer     data)
{
  ShoalTrackerStats *stats;
  guint n;

  announcer_make (f, A "|" B, 1);
  stats = shoal_announcer_stats (f->announcer, f->now_us, &n);
  g_assert_cmpuint (n, ==, 2);
  g_assert_cmpint (stats[0].state, ==, SHOAL_TRACKER_IDLE);
  g_assert_cmpint (stats[0].next_s, ==, -1);
  for (guint i = 0; i < n; i++)
    g_free (stats[i].url);
  g_free (stats);

  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, NULL);
  announcer_answer (f, GOOD);
  stats = shoal_announcer_stats (f->announcer, f->now_us, &n);
  g_assert_cmpstr (stats[0].url, ==, A);
  g_assert_cmpint (stats[0].state, ==, SHOAL_TRACKER_FAILING);
  g_assert_cmpstr (stats[0].error, ==, "refused");
  g_assert_cmpint (stats[0].seeds, ==, -1);
  g_assert_cmpstr (stats[1].url, ==, B);
  g_assert_cmpuint (stats[1].tier, ==, 1);
  g_assert_cmpint (stats[1].state, ==, SHOAL_TRACKER_WORKING);
  g_assert_cmpint (stats[1].seeds, ==, 3);
  g_assert_cmpint (stats[1].leechers, ==, 4);
  g_assert_null (stats[1].error);
  g_assert_cmpint (stats[1].next_s, >=, 1800);
  for (guint i = 0; i < n; i++)
    {
      g_free (stats[i].url);
      g_free (stats[i].error);
    }
  g_free (stats);
}

static void
test_tiers (AnnouncerFixture *f,
            gconstpointer     data)
{
  g_autofree char *first = NULL;
  const char *other;

  announcer_make (f, A " " B "|" C, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  first = g_strdup (((ShoalFetch *) g_ptr_array_index (f->host->fetches, 0))->url);
  g_assert_false (g_str_has_prefix (first, C));
  announcer_answer (f, NULL);
  g_assert_false (announcer_says (f, C));
  other = g_str_has_prefix (first, A) ? B : A;
  g_assert_true (announcer_says (f, other));
  announcer_answer (f, NULL);
  announcer_expect (f, C, "started");
  announcer_answer (f, GOOD);
  QUIET (f);
  g_assert_cmpint (shoal_announcer_state (f->announcer), ==, SHOAL_TRACKER_WORKING);
  g_assert_null (shoal_announcer_error (f->announcer));
}

static void
test_promoted (AnnouncerFixture *f,
               gconstpointer     data)
{
  g_autofree char *second = NULL;

  announcer_make (f, A " " B, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, NULL);
  second = g_strndup (((ShoalFetch *) g_ptr_array_index (f->host->fetches, 0))->url, strlen (A));
  announcer_expect (f, second, "started");
  announcer_answer (f, GOOD);
  shoal_announcer_stop (f->announcer, f->now_us);
  announcer_expect (f, second, "stopped");
  announcer_answer (f, GOOD);
  announcer_pass (f, 3600 * SECOND_US);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_expect (f, second, "started");
}

/* Shuffled once: over many torrents each tracker of a tier comes first about as often. */
static void
test_shuffled (AnnouncerFixture *f,
               gconstpointer     data)
{
  guint n_first = 0;

  for (guint i = 0; i < 200; i++)
    {
      announcer_make (f, A " " B, 1);
      shoal_announcer_start (f->announcer, f->now_us);
      n_first += announcer_says (f, A) ? 1 : 0;
      fake_host_end_all (f->host, f->now_us);
      g_clear_pointer (&f->announcer, shoal_announcer_free);
      announcer_pass (f, SECOND_US);
    }
  g_assert_cmpuint (n_first, >, 70);
  g_assert_cmpuint (n_first, <, 130);
}

/* A tracker that says nothing does not hold up the search; both are told the rest. */
static void
test_silent (AnnouncerFixture *f,
             gconstpointer     data)
{
  announcer_make (f, A "|" B, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_pass (f, 9 * SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  announcer_pass (f, 2 * SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
  announcer_answer (f, GOOD);
  announcer_expect (f, B, "started");
  announcer_answer (f, GOOD);
  shoal_announcer_stop (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
  announcer_expect (f, A, "stopped");
  announcer_answer (f, GOOD);
  announcer_expect (f, B, "stopped");
  announcer_answer (f, NULL);
  g_assert_false (shoal_announcer_stopping (f->announcer));
}

static void
test_back_off (AnnouncerFixture *f,
               gconstpointer     data)
{
  gint64 wait_us = 15 * SECOND_US;

  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  for (guint i = 0; i < 12; i++)
    {
      announcer_expect (f, A, "started");
      announcer_answer (f, NULL);
      g_assert_cmpint (shoal_announcer_state (f->announcer), ==, SHOAL_TRACKER_FAILING);
      g_assert_cmpstr (shoal_announcer_error (f->announcer), ==, "refused");
      announcer_pass (f, wait_us - 1);
      QUIET (f);
      announcer_pass (f, MIN (wait_us / 10, 60 * SECOND_US) + 2);
      wait_us = MIN (wait_us * 2, 3600 * SECOND_US);
    }
}

static void
test_refused (AnnouncerFixture *f,
              gconstpointer     data)
{
  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, REFUSED);
  g_assert_cmpstr (shoal_announcer_error (f->announcer), ==, "banned");
  announcer_pass (f, 59 * SECOND_US);
  QUIET (f);
  announcer_pass (f, 8 * SECOND_US);
  announcer_expect (f, A, "started");
}

/* BEP 31: minutes, which the user cannot shorten, or never. */
static void
test_retry_in (AnnouncerFixture *f,
               gconstpointer     data)
{
  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, "d14:failure reason4:busy8:retry ini15ee");
  shoal_announcer_now (f->announcer, f->now_us);
  announcer_pass (f, 900 * SECOND_US - 1);
  QUIET (f);
  announcer_pass (f, 62 * SECOND_US);
  announcer_expect (f, A, "started");
  announcer_answer (f, "d14:failure reason4:gone8:retry in5:nevere");
  shoal_announcer_now (f->announcer, f->now_us);
  shoal_announcer_want_peers (f->announcer, TRUE, f->now_us);
  announcer_pass (f, G_GINT64_CONSTANT (1000000) * SECOND_US);
  QUIET (f);
}

static void
test_now (AnnouncerFixture *f,
          gconstpointer     data)
{
  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, GOOD);
  announcer_pass (f, 10 * SECOND_US);
  shoal_announcer_now (f->announcer, f->now_us);
  announcer_pass (f, 590 * SECOND_US - 1);
  QUIET (f);
  announcer_pass (f, 61 * SECOND_US);
  announcer_expect (f, A, "");
  announcer_answer (f, NULL);
  shoal_announcer_now (f->announcer, f->now_us);
  announcer_expect (f, A, "");
  announcer_answer (f, GOOD);
  announcer_pass (f, 1000 * SECOND_US);
  shoal_announcer_now (f->announcer, f->now_us);
  announcer_expect (f, A, "");
}

/* Few peers: as soon as the min interval allows, then less and less often. */
/* A new port does not wait for the min interval, but for the answer to what is under way. */
static void
test_moved (AnnouncerFixture *f,
            gconstpointer     data)
{
  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_expect (f, A, "started");
  f->port = 7000;
  shoal_announcer_moved (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  announcer_answer (f, GOOD);
  QUIET (f);
  announcer_pass (f, 5 * SECOND_US);
  announcer_expect (f, A, "");
  g_assert_true (announcer_says (f, "&port=7000"));
  announcer_answer (f, GOOD);

  f->port = 7001;
  shoal_announcer_moved (f->announcer, f->now_us);
  announcer_pass (f, 4 * SECOND_US);
  QUIET (f);
  announcer_pass (f, 1 * SECOND_US);
  g_assert_true (announcer_says (f, "&port=7001"));
  announcer_answer (f, GOOD);

  /* Nowhere to be reached: not worth an announce. */
  f->port = 0;
  shoal_announcer_moved (f->announcer, f->now_us);
  announcer_pass (f, 60 * SECOND_US);
  QUIET (f);

  /* But what there is to say in time is said, with a port that no tracker takes for a mistake. */
  announcer_pass (f, 2000 * SECOND_US);
  g_assert_true (announcer_says (f, "&port=1&"));
}

static void
test_want_peers (AnnouncerFixture *f,
                 gconstpointer     data)
{
  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, GOOD);
  shoal_announcer_want_peers (f->announcer, TRUE, f->now_us);
  announcer_pass (f, 600 * SECOND_US - 1);
  QUIET (f);
  announcer_pass (f, 61 * SECOND_US);
  announcer_expect (f, A, "");
  g_assert_true (announcer_says (f, "numwant=200"));
  announcer_answer (f, GOOD);
  announcer_pass (f, 1200 * SECOND_US - 1);
  QUIET (f);
  announcer_pass (f, 61 * SECOND_US);
  announcer_expect (f, A, "");
  announcer_answer (f, GOOD);
  shoal_announcer_want_peers (f->announcer, FALSE, f->now_us);
  announcer_pass (f, 1800 * SECOND_US - 1);
  QUIET (f);
  announcer_pass (f, 61 * SECOND_US);
  announcer_expect (f, A, "");
  g_assert_true (announcer_says (f, "numwant=50"));
}

static void
test_want_peers_no_min (AnnouncerFixture *f,
                        gconstpointer     data)
{
  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, NO_MIN);
  announcer_pass (f, 30 * SECOND_US);
  shoal_announcer_want_peers (f->announcer, TRUE, f->now_us);
  announcer_pass (f, 29 * SECOND_US);
  QUIET (f);
  announcer_pass (f, 8 * SECOND_US);
  announcer_expect (f, A, "");
}

/* More tiers are asked while peers are few, one after another. */
static void
test_widen (AnnouncerFixture *f,
            gconstpointer     data)
{
  announcer_make (f, A "|" B "|" C, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, GOOD);
  announcer_pass (f, 60 * SECOND_US);
  QUIET (f);
  shoal_announcer_want_peers (f->announcer, TRUE, f->now_us);
  announcer_expect (f, B, "started");
  announcer_answer (f, GOOD);
  QUIET (f);
  announcer_pass (f, 11 * SECOND_US);
  announcer_expect (f, C, "started");
  announcer_answer (f, GOOD);
  announcer_pass (f, 100 * SECOND_US);
  QUIET (f);
  shoal_announcer_completed (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 3);
  fake_host_end_all (f->host, f->now_us);
  shoal_announcer_stop (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 3);
}

/* Metadata tells of the other hash of a hybrid: a tracker that knows us hears of it at once. */
static void
test_another_key (AnnouncerFixture *f,
                  gconstpointer     data)
{
  ShoalSha1 key;

  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, GOOD);
  announcer_pass (f, 20 * SECOND_US);
  QUIET (f);
  memset (key.bytes, 'B', sizeof key.bytes);
  shoal_announcer_add_key (f->announcer, &key, f->now_us);
  shoal_announcer_add_key (f->announcer, &key, f->now_us);
  announcer_pass (f, SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  announcer_expect (f, A, "started");
  g_assert_true (announcer_says (f, "info_hash=BBBBBBBBBBBBBBBBBBBB"));
  announcer_answer (f, GOOD);
  announcer_pass (f, 100 * SECOND_US);
  QUIET (f);
  shoal_announcer_stop (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
  announcer_expect (f, A, "stopped");
}

/* A dead first tracker is tried anew when its substitute is due. */
static void
test_first_returns (AnnouncerFixture *f,
                    gconstpointer     data)
{
  announcer_make (f, A "|" B, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, NULL);
  announcer_answer (f, GOOD);
  announcer_pass (f, 1799 * SECOND_US);
  QUIET (f);
  announcer_pass (f, 61 * SECOND_US);
  announcer_expect (f, B, "");
  announcer_answer (f, GOOD);
  announcer_expect (f, A, "started");
  announcer_answer (f, GOOD);
}

static void
test_tracker_id (AnnouncerFixture *f,
                 gconstpointer     data)
{
  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  g_assert_false (announcer_says (f, "trackerid"));
  announcer_answer (f, "d8:intervali60e10:tracker id3:x y" "e");
  announcer_pass (f, 70 * SECOND_US);
  announcer_expect (f, A, "");
  g_assert_true (announcer_says (f, "trackerid=x%20y"));
  announcer_answer (f, GOOD);
  shoal_announcer_stop (f->announcer, f->now_us);
  g_assert_true (announcer_says (f, "trackerid=x%20y"));
}

static void
test_partial_seed (AnnouncerFixture *f,
                   gconstpointer     data)
{
  announcer_make (f, A, 1);
  shoal_announcer_set_partial_seed (f->announcer, TRUE);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_expect (f, A, "started");
  announcer_answer (f, GOOD);
  announcer_pass (f, 1900 * SECOND_US);
  announcer_expect (f, A, "paused");
  announcer_answer (f, GOOD);

  /* A tracker hears of a change as soon as it allows it: here after 600 s and their jitter. */
  shoal_announcer_set_partial_seed (f->announcer, FALSE);
  announcer_pass (f, 700 * SECOND_US);
  announcer_expect (f, A, "");
  announcer_answer (f, GOOD);
  shoal_announcer_set_partial_seed (f->announcer, TRUE);
  announcer_pass (f, 700 * SECOND_US);
  announcer_expect (f, A, "paused");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  announcer_add ("/engine/announcer/life", test_life);
  announcer_add ("/engine/announcer/none", test_none);
  announcer_add ("/engine/announcer/unusable", test_unusable);
  announcer_add ("/engine/announcer/completed-before", test_completed_before);
  announcer_add ("/engine/announcer/completed-retried", test_completed_retried);
  announcer_add ("/engine/announcer/tiers", test_tiers);
  announcer_add ("/engine/announcer/promoted", test_promoted);
  announcer_add ("/engine/announcer/shuffled", test_shuffled);
  announcer_add ("/engine/announcer/silent", test_silent);
  announcer_add ("/engine/announcer/back-off", test_back_off);
  announcer_add ("/engine/announcer/refused", test_refused);
  announcer_add ("/engine/announcer/retry-in", test_retry_in);
  announcer_add ("/engine/announcer/now", test_now);
  announcer_add ("/engine/announcer/moved", test_moved);
  announcer_add ("/engine/announcer/stats", test_stats);
  announcer_add ("/engine/announcer/want-peers", test_want_peers);
  announcer_add ("/engine/announcer/want-peers-no-min", test_want_peers_no_min);
  announcer_add ("/engine/announcer/widen", test_widen);
  announcer_add ("/engine/announcer/first-returns", test_first_returns);
  announcer_add ("/engine/announcer/tracker-id", test_tracker_id);
  announcer_add ("/engine/announcer/partial-seed", test_partial_seed);
  announcer_add ("/engine/announcer/another-key", test_another_key);

  return g_test_run ();
}
