/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The announcer: both hashes, the end, beginning again, and what always holds. */

#include "announcer-fixture.h"

/* A hybrid is announced under both of its names. */
static void
test_hybrid (AnnouncerFixture *f,
             gconstpointer     data)
{
  announcer_make (f, A, 2);
  shoal_announcer_start (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
  announcer_expect (f, A, "started");
  g_assert_true (announcer_says (f, "info_hash=AAAAAAAAAAAAAAAAAAAA"));
  announcer_answer (f, GOOD);
  announcer_expect (f, A, "started");
  g_assert_true (announcer_says (f, "info_hash=BBBBBBBBBBBBBBBBBBBB"));
  announcer_answer (f, NULL);
  g_assert_cmpint (shoal_announcer_state (f->announcer), ==, SHOAL_TRACKER_WORKING);
  announcer_pass (f, 17 * SECOND_US);
  announcer_expect (f, A, "started");
  g_assert_true (announcer_says (f, "info_hash=BBBBBBBBBBBBBBBBBBBB"));
  announcer_answer (f, GOOD);
  shoal_announcer_stop (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
}

/* Stopped while `started` is under way: told afterwards, in order, and only if it is there to be
 * told. */
static void
test_stop_early (AnnouncerFixture *f,
                 gconstpointer     data)
{
  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  shoal_announcer_stop (f->announcer, f->now_us);
  g_assert_true (shoal_announcer_stopping (f->announcer));
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  announcer_answer (f, GOOD);
  g_assert_cmpuint (f->n_peers, ==, 0);
  announcer_expect (f, A, "stopped");
  announcer_answer (f, GOOD);
  g_assert_false (shoal_announcer_stopping (f->announcer));

  shoal_announcer_start (f->announcer, f->now_us);
  shoal_announcer_stop (f->announcer, f->now_us);
  announcer_answer (f, NULL);
  QUIET (f);
  g_assert_false (shoal_announcer_stopping (f->announcer));
}

static void
test_stop_silent (AnnouncerFixture *f,
                  gconstpointer     data)
{
  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  shoal_announcer_stop (f->announcer, f->now_us);
  announcer_pass (f, SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
  announcer_answer (f, NULL);
  announcer_expect (f, A, "stopped");
  announcer_answer (f, NULL);
  g_assert_false (shoal_announcer_stopping (f->announcer));
}

static void
test_restart (AnnouncerFixture *f,
              gconstpointer     data)
{
  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, GOOD);
  shoal_announcer_stop (f->announcer, f->now_us);
  announcer_expect (f, A, "stopped");
  shoal_announcer_start (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  announcer_answer (f, GOOD);
  announcer_expect (f, A, "started");
  announcer_answer (f, GOOD);
  QUIET (f);

  /* Back before the tracker was told: nothing has changed for it. */
  announcer_pass (f, 1900 * SECOND_US);
  announcer_expect (f, A, "");
  shoal_announcer_stop (f->announcer, f->now_us);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, GOOD);
  announcer_pass (f, 100 * SECOND_US);
  QUIET (f);
}

/* Freed while stopping: `stopped` goes out all the same. */
static void
test_free_stopping (AnnouncerFixture *f,
                    gconstpointer     data)
{
  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, GOOD);
  shoal_announcer_stop (f->announcer, f->now_us);
  g_clear_pointer (&f->announcer, shoal_announcer_free);
  announcer_expect (f, A, "stopped");
  g_assert_cmpuint (shoal_tracker_hub_pending (f->hub), ==, 1);
  announcer_answer (f, GOOD);
  g_assert_cmpuint (shoal_tracker_hub_pending (f->hub), ==, 0);
}

static void
test_add_tiers (AnnouncerFixture *f,
                gconstpointer     data)
{
  char ***tiers = announcer_make_tiers (A "|" B " " A "|" C);
  g_autofree char *text = NULL;

  announcer_make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, NULL);
  QUIET (f);
  shoal_announcer_add_tiers (f->announcer, (char *const *const *) tiers);
  shoal_tiers_free (tiers);
  announcer_pass (f, 0);
  announcer_expect (f, B, "started");

  tiers = shoal_announcer_tiers (f->announcer);
  text = announcer_join_tiers ((char *const *const *) tiers);
  g_assert_cmpstr (text, ==, A "|" B "|" C);
  shoal_tiers_free (tiers);
}

/* Whatever happens: nothing regular before its time, and events in order and once (seeded
 * chance). */
static void
test_property (AnnouncerFixture *f,
               gconstpointer     data)
{
  gboolean started = FALSE;
  gboolean running = FALSE;
  gboolean failed = FALSE;
  gint64 not_before_us = 0;
  guint n_answers = 0;

  announcer_make (f, A, 1);
  for (guint step = 0; step < 20000; step++)
    {
      switch (shoal_rng_below (&f->rng, 12))
        {
        case 0:
          shoal_announcer_want_peers (f->announcer, shoal_rng_below (&f->rng, 2) != 0, f->now_us);
          break;
        case 1:
          shoal_announcer_now (f->announcer, f->now_us);
          break;
        case 2:
          if (shoal_rng_below (&f->rng, 10) == 0 && !shoal_announcer_stopping (f->announcer)
              && f->host->fetches->len == 0)
            {
              running = !running;
              if (running)
                shoal_announcer_start (f->announcer, f->now_us);
              else
                shoal_announcer_stop (f->announcer, f->now_us);
            }
          break;
        default:
          announcer_pass (f, (gint64) shoal_rng_below (&f->rng, 100) * SECOND_US);
          break;
        }

      g_assert_cmpuint (f->host->fetches->len, <=, 1);
      if (f->host->fetches->len == 0)
        continue;
      if (announcer_says (f, "event=started"))
        {
          g_assert_false (started);
        }
      else if (announcer_says (f, "event=stopped"))
        {
          g_assert_true (started);
          started = FALSE;
          not_before_us = 0;
          failed = FALSE;
          announcer_answer (f, GOOD);
          continue;
        }
      else
        {
          g_assert_true (started);
          if (!failed)
            g_assert_cmpint (f->now_us, >=, not_before_us);
        }

      failed = shoal_rng_below (&f->rng, 5) == 0;
      if (failed)
        {
          announcer_answer (f, NULL);
          continue;
        }
      started = TRUE;
      not_before_us = f->now_us + 600 * SECOND_US;
      n_answers++;
      announcer_answer (f, GOOD);
    }
  g_assert_cmpuint (n_answers, >, 200);
}

/* Somebody looks: the tracker is asked for numbers, rarely, and not when an announce told them. */
static void
test_look (AnnouncerFixture *f,
           gconstpointer     data)
{
  static const char numbers[] =
    "d5:filesd20:AAAAAAAAAAAAAAAAAAAAd8:completei7e10:downloadedi9e10:incompletei8eeee";

  announcer_make (f, A, 1);
  for (guint i = 0; i < 5; i++)
    shoal_announcer_look (f->announcer, f->now_us);
  announcer_pass (f, SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  g_assert_true (announcer_says (f, "/scrape?info_hash="));
  announcer_answer (f, numbers);
  g_assert_cmpint (shoal_announcer_seeds (f->announcer), ==, 7);
  g_assert_cmpint (shoal_announcer_leechers (f->announcer), ==, 8);
  g_assert_cmpint (shoal_announcer_downloads (f->announcer), ==, 9);
  g_assert_cmpuint (f->n_changed, ==, 1);
  announcer_pass (f, 1799 * SECOND_US);
  shoal_announcer_look (f->announcer, f->now_us);
  announcer_pass (f, SECOND_US);
  QUIET (f);

  shoal_announcer_start (f->announcer, f->now_us);
  announcer_answer (f, GOOD);
  g_assert_cmpint (shoal_announcer_seeds (f->announcer), ==, 3);
  announcer_pass (f, 60 * SECOND_US);
  shoal_announcer_look (f->announcer, f->now_us);
  announcer_pass (f, SECOND_US);
  QUIET (f);
  shoal_announcer_stop (f->announcer, f->now_us);
  announcer_answer (f, NO_MIN);

  announcer_pass (f, 2100 * SECOND_US);
  shoal_announcer_look (f->announcer, f->now_us);
  announcer_pass (f, SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  announcer_answer (f, NULL);
  g_assert_cmpint (shoal_announcer_seeds (f->announcer), ==, 3);

  /* Called off. */
  announcer_pass (f, 2100 * SECOND_US);
  shoal_announcer_look (f->announcer, f->now_us);
  announcer_pass (f, SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  shoal_announcer_look_away (f->announcer);
  announcer_answer (f, numbers);
  g_assert_cmpint (shoal_announcer_seeds (f->announcer), ==, 3);
}

/* Torrents that were told of within five minutes are due again together. */
static void
test_look_together (AnnouncerFixture *f,
                    gconstpointer     data)
{
  ShoalAnnouncer *other;
  ShoalSha1 key;
  char ***tiers = announcer_make_tiers (A);

  memset (&key, 'B', sizeof key);
  other = shoal_announcer_new (f->hub,
                               f->timers,
                               &f->rng,
                               &key,
                               1,
                               (char *const *const *) tiers,
                               &announcer_fixture_ops,
                               f);
  announcer_make (f, A, 1);
  announcer_pass (f, 1500 * SECOND_US - f->now_us % (300 * SECOND_US));
  shoal_announcer_look (f->announcer, f->now_us);
  announcer_pass (f, SECOND_US);
  announcer_answer (f, "d5:filesdee");
  announcer_pass (f, 290 * SECOND_US);
  shoal_announcer_look (other, f->now_us);
  announcer_pass (f, SECOND_US);
  announcer_answer (f, "d5:filesdee");

  for (gint64 at_us = f->now_us; f->host->fetches->len == 0; announcer_pass (f, SECOND_US / 2))
    {
      g_assert_cmpint (f->now_us - at_us, <, 2100 * SECOND_US);
      shoal_announcer_look (f->announcer, f->now_us);
      shoal_announcer_look (other, f->now_us);
    }
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  g_assert_true (announcer_says (f, "/scrape?info_hash=AAAAAAAAAAAAAAAAAAAA"
                                    "&info_hash=BBBBBBBBBBBBBBBBBBBB"));
  shoal_announcer_free (other);
  shoal_tiers_free (tiers);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  announcer_add ("/engine/announcer/look", test_look);
  announcer_add ("/engine/announcer/look-together", test_look_together);
  announcer_add ("/engine/announcer/hybrid", test_hybrid);
  announcer_add ("/engine/announcer/stop-early", test_stop_early);
  announcer_add ("/engine/announcer/stop-silent", test_stop_silent);
  announcer_add ("/engine/announcer/restart", test_restart);
  announcer_add ("/engine/announcer/free-stopping", test_free_stopping);
  announcer_add ("/engine/announcer/add-tiers", test_add_tiers);
  announcer_add ("/engine/announcer/property", test_property);

  return g_test_run ();
}
