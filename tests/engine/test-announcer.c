/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The announcer: who is asked when, what each tracker is told, and that it is told once. */

#include "fake-host.h"
#include "shoal-announcer.h"
#include <string.h>

#define SECOND_US ((gint64) G_USEC_PER_SEC)
#define BEGIN_US  (1000 * SECOND_US)

typedef struct
{
  FakeHost        *host;
  ShoalTimers     *timers;
  ShoalRng         rng;
  ShoalTrackerHub *hub;
  ShoalAnnouncer  *announcer;
  gint64           now_us;
  guint16          port;
  guint64          uploaded;
  guint64          downloaded;
  guint64          left;
  guint            n_peers;
  guint            n_changed;
} Fixture;

static void
totals (gpointer       owner,
        ShoalAnnounce *announce)
{
  Fixture *f = owner;

  memcpy (announce->peer_id.bytes, "-SH0100-abcdefghijkl", SHOAL_PEER_ID_SIZE);
  announce->port = f->port;
  announce->key = 0x1234;
  announce->uploaded = f->uploaded;
  announce->downloaded = f->downloaded;
  announce->left = f->left;
}

static void
peers (gpointer         owner,
       const ShoalSha1 *key,
       const ShoalAddr *addrs,
       guint            n)
{
  Fixture *f = owner;

  f->n_peers += n;
}

static void
changed (gpointer owner)
{
  Fixture *f = owner;

  f->n_changed++;
}

static const ShoalAnnouncerOps ops = { totals, peers, changed };

static void
set_up (Fixture       *f,
        gconstpointer  data)
{
  f->now_us = BEGIN_US;
  f->left = 1000;
  f->port = 6881;
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
  shoal_announcer_free (f->announcer);
  shoal_tracker_hub_free (f->hub);
  fake_host_end_all (f->host, f->now_us);
  fake_host_free (f->host);
  g_assert_cmpint (shoal_timers_next (f->timers), ==, SHOAL_NEVER);
  shoal_timers_free (f->timers);
}

/* @text: tiers separated by "|", trackers by spaces. */
static char ***
make_tiers (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "|", -1);
  char ***tiers = g_new0 (char **, g_strv_length (parts) + 1);

  for (guint i = 0; parts[i] != NULL; i++)
    tiers[i] = g_strsplit (parts[i], " ", -1);

  return tiers;
}

static char *
join_tiers (char *const *const *tiers)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; tiers[i] != NULL; i++)
    {
      g_autofree char *tier = g_strjoinv (" ", (char **) tiers[i]);

      g_string_append_printf (text, "%s%s", i > 0 ? "|" : "", tier);
    }

  return g_string_free (text, FALSE);
}

static void
make (Fixture    *f,
      const char *text,
      guint       n_keys)
{
  ShoalSha1 keys[2];
  char ***tiers = make_tiers (text);

  memset (keys[0].bytes, 'A', sizeof keys[0].bytes);
  memset (keys[1].bytes, 'B', sizeof keys[1].bytes);
  f->announcer = shoal_announcer_new (f->hub, f->timers, &f->rng, keys, n_keys, (char *const *const *) tiers, &ops, f);
  shoal_tiers_free (tiers);
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

/* The oldest request: asserts that it goes to @url and has @event ("" for none). */
static void
expect (Fixture    *f,
        const char *url,
        const char *event)
{
  const ShoalFetch *fetch;
  g_autofree char *prefix = g_strconcat (url, "?info_hash=", NULL);
  g_autofree char *text = g_strconcat ("&event=", event, NULL);

  g_assert_cmpuint (f->host->fetches->len, >, 0);
  fetch = g_ptr_array_index (f->host->fetches, 0);
  g_test_message ("%s", fetch->url);
  g_assert_true (g_str_has_prefix (fetch->url, prefix));
  if (event[0] == '\0')
    g_assert_null (strstr (fetch->url, "event="));
  else
    g_assert_nonnull (strstr (fetch->url, text));
}

static gboolean
says (Fixture    *f,
      const char *text)
{
  const ShoalFetch *fetch = g_ptr_array_index (f->host->fetches, 0);

  return strstr (fetch->url, text) != NULL;
}

static void
answer (Fixture    *f,
        const char *body)
{
  if (body != NULL)
    fake_host_answer_fetch (f->host, 0, 200, body, strlen (body), NULL, f->now_us);
  else
    fake_host_answer_fetch (f->host, 0, 0, NULL, 0, "refused", f->now_us);
}

#define GOOD      "d8:completei3e10:incompletei4e8:intervali1800e12:min intervali600e5:peers6:\x0a\x01\x01\x01\x1a\xe1" "e"
#define NO_MIN    "d8:intervali1800e5:peers0:e"
#define REFUSED   "d14:failure reason6:bannede"
#define QUIET(f)  g_assert_cmpuint ((f)->host->fetches->len, ==, 0)
#define A         "http://10.0.0.1/announce"
#define B         "http://10.0.0.2/announce"
#define C         "http://10.0.0.3/announce"

/* started, regular, completed, stopped: each once and with the totals of its moment. */
static void
test_life (Fixture       *f,
           gconstpointer  data)
{
  make (f, A, 1);
  g_assert_true (shoal_announcer_has_trackers (f->announcer));
  g_assert_cmpint (shoal_announcer_state (f->announcer), ==, SHOAL_TRACKER_IDLE);
  g_assert_cmpint (shoal_announcer_seeds (f->announcer), ==, -1);
  shoal_announcer_start (f->announcer, f->now_us);
  shoal_announcer_start (f->announcer, f->now_us);
  g_assert_cmpint (shoal_announcer_state (f->announcer), ==, SHOAL_TRACKER_ANNOUNCING);
  expect (f, A, "started");
  g_assert_true (says (f, "info_hash=AAAAAAAAAAAAAAAAAAAA&peer_id=-SH0100-abcdefghijkl&port=6881&uploaded=0&downloaded=0&left=1000"));
  g_assert_true (says (f, "key=00001234"));
  g_assert_true (says (f, "numwant=200"));
  answer (f, GOOD);
  QUIET (f);
  g_assert_cmpint (shoal_announcer_state (f->announcer), ==, SHOAL_TRACKER_WORKING);
  g_assert_cmpint (shoal_announcer_seeds (f->announcer), ==, 3);
  g_assert_cmpint (shoal_announcer_leechers (f->announcer), ==, 4);
  g_assert_cmpuint (f->n_peers, ==, 1);
  g_assert_cmpuint (f->n_changed, >=, 2);

  f->downloaded = 600;
  f->left = 400;
  pass (f, 1800 * SECOND_US - 1);
  QUIET (f);
  pass (f, 62 * SECOND_US);
  expect (f, A, "");
  g_assert_true (says (f, "downloaded=600&left=400"));
  answer (f, GOOD);

  f->downloaded = 1000;
  f->left = 0;
  pass (f, SECOND_US);
  shoal_announcer_completed (f->announcer, f->now_us);
  expect (f, A, "completed");
  g_assert_true (says (f, "downloaded=1000&left=0"));
  answer (f, GOOD);
  QUIET (f);

  f->uploaded = 77;
  pass (f, SECOND_US);
  shoal_announcer_stop (f->announcer, f->now_us);
  shoal_announcer_stop (f->announcer, f->now_us);
  expect (f, A, "stopped");
  g_assert_true (says (f, "uploaded=77"));
  g_assert_true (says (f, "numwant=0"));
  g_assert_true (shoal_announcer_stopping (f->announcer));
  answer (f, GOOD);
  g_assert_false (shoal_announcer_stopping (f->announcer));
  pass (f, 100000 * SECOND_US);
  QUIET (f);
}

static void
test_none (Fixture       *f,
           gconstpointer  data)
{
  ShoalSha1 key = { { 0 } };

  f->announcer = shoal_announcer_new (f->hub, f->timers, &f->rng, &key, 1, NULL, &ops, f);
  g_assert_false (shoal_announcer_has_trackers (f->announcer));
  shoal_announcer_start (f->announcer, f->now_us);
  shoal_announcer_want_peers (f->announcer, TRUE, f->now_us);
  shoal_announcer_now (f->announcer, f->now_us);
  pass (f, 3600 * SECOND_US);
  shoal_announcer_stop (f->announcer, f->now_us);
  QUIET (f);
}

static void
test_unusable (Fixture       *f,
               gconstpointer  data)
{
  char ***tiers;
  g_autofree char *text = NULL;

  make (f, "wss://10.0.0.9/|" A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  expect (f, A, "started");
  tiers = shoal_announcer_tiers (f->announcer);
  text = join_tiers ((char *const *const *) tiers);
  g_assert_cmpstr (text, ==, "wss://10.0.0.9/|" A);
  shoal_tiers_free (tiers);
}

/* Already complete when a tracker first hears of us: it is not told `completed`. */
static void
test_completed_before (Fixture       *f,
                       gconstpointer  data)
{
  make (f, A "|" B, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  expect (f, A, "started");
  answer (f, NULL);
  expect (f, B, "started");
  shoal_announcer_completed (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  answer (f, GOOD);
  expect (f, B, "completed");   /* it was told `started` by a download */
  answer (f, GOOD);
  pass (f, 1900 * SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
  expect (f, B, "");
  answer (f, GOOD);
  expect (f, A, "started");
  answer (f, GOOD);
  QUIET (f);
}

static void
test_completed_retried (Fixture       *f,
                        gconstpointer  data)
{
  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, GOOD);
  shoal_announcer_completed (f->announcer, f->now_us);
  expect (f, A, "completed");
  answer (f, NULL);
  QUIET (f);
  pass (f, 17 * SECOND_US);
  expect (f, A, "completed");
  answer (f, GOOD);
  pass (f, 1900 * SECOND_US);
  expect (f, A, "");
}

/* BEP 12: the next one is asked when one fails, and who answers is first in its tier from then on. */
static void
test_stats (Fixture       *f,
            gconstpointer  data)
{
  ShoalTrackerStats *stats;
  guint n;

  make (f, A "|" B, 1);
  stats = shoal_announcer_stats (f->announcer, f->now_us, &n);
  g_assert_cmpuint (n, ==, 2);
  g_assert_cmpint (stats[0].state, ==, SHOAL_TRACKER_IDLE);
  g_assert_cmpint (stats[0].next_s, ==, -1);
  for (guint i = 0; i < n; i++)
    g_free (stats[i].url);
  g_free (stats);

  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, NULL);
  answer (f, GOOD);
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
test_tiers (Fixture       *f,
            gconstpointer  data)
{
  g_autofree char *first = NULL;

  make (f, A " " B "|" C, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  first = g_strdup (((ShoalFetch *) g_ptr_array_index (f->host->fetches, 0))->url);
  g_assert_false (g_str_has_prefix (first, C));
  answer (f, NULL);
  g_assert_false (says (f, C));
  g_assert_false (g_str_has_prefix (((ShoalFetch *) g_ptr_array_index (f->host->fetches, 0))->url, g_str_has_prefix (first, A) ? A : B));
  answer (f, NULL);
  expect (f, C, "started");
  answer (f, GOOD);
  QUIET (f);
  g_assert_cmpint (shoal_announcer_state (f->announcer), ==, SHOAL_TRACKER_WORKING);
  g_assert_null (shoal_announcer_error (f->announcer));
}

static void
test_promoted (Fixture       *f,
               gconstpointer  data)
{
  g_autofree char *second = NULL;

  make (f, A " " B, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, NULL);
  second = g_strndup (((ShoalFetch *) g_ptr_array_index (f->host->fetches, 0))->url, strlen (A));
  expect (f, second, "started");
  answer (f, GOOD);
  shoal_announcer_stop (f->announcer, f->now_us);
  expect (f, second, "stopped");
  answer (f, GOOD);
  pass (f, 3600 * SECOND_US);
  shoal_announcer_start (f->announcer, f->now_us);
  expect (f, second, "started");
}

/* Shuffled once: over many torrents each tracker of a tier comes first about as often. */
static void
test_shuffled (Fixture       *f,
               gconstpointer  data)
{
  guint n_first = 0;

  for (guint i = 0; i < 200; i++)
    {
      make (f, A " " B, 1);
      shoal_announcer_start (f->announcer, f->now_us);
      n_first += says (f, A) ? 1 : 0;
      fake_host_end_all (f->host, f->now_us);
      g_clear_pointer (&f->announcer, shoal_announcer_free);
      pass (f, SECOND_US);
    }
  g_assert_cmpuint (n_first, >, 70);
  g_assert_cmpuint (n_first, <, 130);
}

/* A tracker that says nothing does not hold up the search; both are told the rest. */
static void
test_silent (Fixture       *f,
             gconstpointer  data)
{
  make (f, A "|" B, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  pass (f, 9 * SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  pass (f, 2 * SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
  answer (f, GOOD);
  expect (f, B, "started");
  answer (f, GOOD);
  shoal_announcer_stop (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
  expect (f, A, "stopped");
  answer (f, GOOD);
  expect (f, B, "stopped");
  answer (f, NULL);
  g_assert_false (shoal_announcer_stopping (f->announcer));
}

static void
test_back_off (Fixture       *f,
               gconstpointer  data)
{
  gint64 wait_us = 15 * SECOND_US;

  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  for (guint i = 0; i < 12; i++)
    {
      expect (f, A, "started");
      answer (f, NULL);
      g_assert_cmpint (shoal_announcer_state (f->announcer), ==, SHOAL_TRACKER_FAILING);
      g_assert_cmpstr (shoal_announcer_error (f->announcer), ==, "refused");
      pass (f, wait_us - 1);
      QUIET (f);
      pass (f, MIN (wait_us / 10, 60 * SECOND_US) + 2);
      wait_us = MIN (wait_us * 2, 3600 * SECOND_US);
    }
}

static void
test_refused (Fixture       *f,
              gconstpointer  data)
{
  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, REFUSED);
  g_assert_cmpstr (shoal_announcer_error (f->announcer), ==, "banned");
  pass (f, 59 * SECOND_US);
  QUIET (f);
  pass (f, 8 * SECOND_US);
  expect (f, A, "started");
}

/* BEP 31: minutes, which the user cannot shorten, or never. */
static void
test_retry_in (Fixture       *f,
               gconstpointer  data)
{
  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, "d14:failure reason4:busy8:retry ini15ee");
  shoal_announcer_now (f->announcer, f->now_us);
  pass (f, 900 * SECOND_US - 1);
  QUIET (f);
  pass (f, 62 * SECOND_US);
  expect (f, A, "started");
  answer (f, "d14:failure reason4:gone8:retry in5:nevere");
  shoal_announcer_now (f->announcer, f->now_us);
  shoal_announcer_want_peers (f->announcer, TRUE, f->now_us);
  pass (f, G_GINT64_CONSTANT (1000000) * SECOND_US);
  QUIET (f);
}

static void
test_now (Fixture       *f,
          gconstpointer  data)
{
  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, GOOD);
  pass (f, 10 * SECOND_US);
  shoal_announcer_now (f->announcer, f->now_us);
  pass (f, 590 * SECOND_US - 1);
  QUIET (f);
  pass (f, 61 * SECOND_US);
  expect (f, A, "");
  answer (f, NULL);
  shoal_announcer_now (f->announcer, f->now_us);
  expect (f, A, "");
  answer (f, GOOD);
  pass (f, 1000 * SECOND_US);
  shoal_announcer_now (f->announcer, f->now_us);
  expect (f, A, "");
}

/* Few peers: as soon as the min interval allows, then less and less often. */
/* A new port does not wait for the min interval, but for the answer to what is under way. */
static void
test_moved (Fixture       *f,
            gconstpointer  data)
{
  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  expect (f, A, "started");
  f->port = 7000;
  shoal_announcer_moved (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  answer (f, GOOD);
  QUIET (f);
  pass (f, 5 * SECOND_US);
  expect (f, A, "");
  g_assert_true (says (f, "&port=7000"));
  answer (f, GOOD);

  f->port = 7001;
  shoal_announcer_moved (f->announcer, f->now_us);
  pass (f, 4 * SECOND_US);
  QUIET (f);
  pass (f, 1 * SECOND_US);
  g_assert_true (says (f, "&port=7001"));
  answer (f, GOOD);

  /* Nowhere to be reached: not worth an announce. */
  f->port = 0;
  shoal_announcer_moved (f->announcer, f->now_us);
  pass (f, 60 * SECOND_US);
  QUIET (f);
}

static void
test_want_peers (Fixture       *f,
                 gconstpointer  data)
{
  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, GOOD);
  shoal_announcer_want_peers (f->announcer, TRUE, f->now_us);
  pass (f, 600 * SECOND_US - 1);
  QUIET (f);
  pass (f, 61 * SECOND_US);
  expect (f, A, "");
  g_assert_true (says (f, "numwant=200"));
  answer (f, GOOD);
  pass (f, 1200 * SECOND_US - 1);
  QUIET (f);
  pass (f, 61 * SECOND_US);
  expect (f, A, "");
  answer (f, GOOD);
  shoal_announcer_want_peers (f->announcer, FALSE, f->now_us);
  pass (f, 1800 * SECOND_US - 1);
  QUIET (f);
  pass (f, 61 * SECOND_US);
  expect (f, A, "");
  g_assert_true (says (f, "numwant=50"));
}

static void
test_want_peers_no_min (Fixture       *f,
                        gconstpointer  data)
{
  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, NO_MIN);
  pass (f, 30 * SECOND_US);
  shoal_announcer_want_peers (f->announcer, TRUE, f->now_us);
  pass (f, 29 * SECOND_US);
  QUIET (f);
  pass (f, 8 * SECOND_US);
  expect (f, A, "");
}

/* More tiers are asked while peers are few, one after another. */
static void
test_widen (Fixture       *f,
            gconstpointer  data)
{
  make (f, A "|" B "|" C, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, GOOD);
  pass (f, 60 * SECOND_US);
  QUIET (f);
  shoal_announcer_want_peers (f->announcer, TRUE, f->now_us);
  expect (f, B, "started");
  answer (f, GOOD);
  QUIET (f);
  pass (f, 11 * SECOND_US);
  expect (f, C, "started");
  answer (f, GOOD);
  pass (f, 100 * SECOND_US);
  QUIET (f);
  shoal_announcer_completed (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 3);
  fake_host_end_all (f->host, f->now_us);
  shoal_announcer_stop (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 3);
}

/* Metadata tells of the other hash of a hybrid: a tracker that knows us hears of it at once. */
static void
test_another_key (Fixture       *f,
                  gconstpointer  data)
{
  ShoalSha1 key;

  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, GOOD);
  pass (f, 20 * SECOND_US);
  QUIET (f);
  memset (key.bytes, 'B', sizeof key.bytes);
  shoal_announcer_add_key (f->announcer, &key, f->now_us);
  shoal_announcer_add_key (f->announcer, &key, f->now_us);
  pass (f, SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  expect (f, A, "started");
  g_assert_true (says (f, "info_hash=BBBBBBBBBBBBBBBBBBBB"));
  answer (f, GOOD);
  pass (f, 100 * SECOND_US);
  QUIET (f);
  shoal_announcer_stop (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
  expect (f, A, "stopped");
}

/* A dead first tracker is tried anew when its substitute is due. */
static void
test_first_returns (Fixture       *f,
                    gconstpointer  data)
{
  make (f, A "|" B, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, NULL);
  answer (f, GOOD);
  pass (f, 1799 * SECOND_US);
  QUIET (f);
  pass (f, 61 * SECOND_US);
  expect (f, B, "");
  answer (f, GOOD);
  expect (f, A, "started");
  answer (f, GOOD);
}

static void
test_tracker_id (Fixture       *f,
                 gconstpointer  data)
{
  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  g_assert_false (says (f, "trackerid"));
  answer (f, "d8:intervali60e10:tracker id3:x y" "e");
  pass (f, 70 * SECOND_US);
  expect (f, A, "");
  g_assert_true (says (f, "trackerid=x%20y"));
  answer (f, GOOD);
  shoal_announcer_stop (f->announcer, f->now_us);
  g_assert_true (says (f, "trackerid=x%20y"));
}

static void
test_partial_seed (Fixture       *f,
                   gconstpointer  data)
{
  make (f, A, 1);
  shoal_announcer_set_partial_seed (f->announcer, TRUE);
  shoal_announcer_start (f->announcer, f->now_us);
  expect (f, A, "started");
  answer (f, GOOD);
  pass (f, 1900 * SECOND_US);
  expect (f, A, "paused");
  answer (f, GOOD);

  /* A tracker hears of a change as soon as it allows it: here after 600 s and their jitter. */
  shoal_announcer_set_partial_seed (f->announcer, FALSE);
  pass (f, 700 * SECOND_US);
  expect (f, A, "");
  answer (f, GOOD);
  shoal_announcer_set_partial_seed (f->announcer, TRUE);
  pass (f, 700 * SECOND_US);
  expect (f, A, "paused");
}

/* A hybrid is announced under both of its names. */
static void
test_hybrid (Fixture       *f,
             gconstpointer  data)
{
  make (f, A, 2);
  shoal_announcer_start (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
  expect (f, A, "started");
  g_assert_true (says (f, "info_hash=AAAAAAAAAAAAAAAAAAAA"));
  answer (f, GOOD);
  expect (f, A, "started");
  g_assert_true (says (f, "info_hash=BBBBBBBBBBBBBBBBBBBB"));
  answer (f, NULL);
  g_assert_cmpint (shoal_announcer_state (f->announcer), ==, SHOAL_TRACKER_WORKING);
  pass (f, 17 * SECOND_US);
  expect (f, A, "started");
  g_assert_true (says (f, "info_hash=BBBBBBBBBBBBBBBBBBBB"));
  answer (f, GOOD);
  shoal_announcer_stop (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
}

/* Stopped while `started` is under way: told afterwards, in order, and only if it is there to be told. */
static void
test_stop_early (Fixture       *f,
                 gconstpointer  data)
{
  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  shoal_announcer_stop (f->announcer, f->now_us);
  g_assert_true (shoal_announcer_stopping (f->announcer));
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  answer (f, GOOD);
  g_assert_cmpuint (f->n_peers, ==, 0);
  expect (f, A, "stopped");
  answer (f, GOOD);
  g_assert_false (shoal_announcer_stopping (f->announcer));

  shoal_announcer_start (f->announcer, f->now_us);
  shoal_announcer_stop (f->announcer, f->now_us);
  answer (f, NULL);
  QUIET (f);
  g_assert_false (shoal_announcer_stopping (f->announcer));
}

static void
test_stop_silent (Fixture       *f,
                  gconstpointer  data)
{
  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  shoal_announcer_stop (f->announcer, f->now_us);
  pass (f, SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
  answer (f, NULL);
  expect (f, A, "stopped");
  answer (f, NULL);
  g_assert_false (shoal_announcer_stopping (f->announcer));
}

static void
test_restart (Fixture       *f,
              gconstpointer  data)
{
  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, GOOD);
  shoal_announcer_stop (f->announcer, f->now_us);
  expect (f, A, "stopped");
  shoal_announcer_start (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  answer (f, GOOD);
  expect (f, A, "started");
  answer (f, GOOD);
  QUIET (f);

  /* Back before the tracker was told: nothing has changed for it. */
  pass (f, 1900 * SECOND_US);
  expect (f, A, "");
  shoal_announcer_stop (f->announcer, f->now_us);
  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, GOOD);
  pass (f, 100 * SECOND_US);
  QUIET (f);
}

/* Freed while stopping: `stopped` goes out all the same. */
static void
test_free_stopping (Fixture       *f,
                    gconstpointer  data)
{
  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, GOOD);
  shoal_announcer_stop (f->announcer, f->now_us);
  g_clear_pointer (&f->announcer, shoal_announcer_free);
  expect (f, A, "stopped");
  g_assert_cmpuint (shoal_tracker_hub_pending (f->hub), ==, 1);
  answer (f, GOOD);
  g_assert_cmpuint (shoal_tracker_hub_pending (f->hub), ==, 0);
}

static void
test_add_tiers (Fixture       *f,
                gconstpointer  data)
{
  char ***tiers = make_tiers (A "|" B " " A "|" C);
  g_autofree char *text = NULL;

  make (f, A, 1);
  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, NULL);
  QUIET (f);
  shoal_announcer_add_tiers (f->announcer, (char *const *const *) tiers);
  shoal_tiers_free (tiers);
  pass (f, 0);
  expect (f, B, "started");

  tiers = shoal_announcer_tiers (f->announcer);
  text = join_tiers ((char *const *const *) tiers);
  g_assert_cmpstr (text, ==, A "|" B "|" C);
  shoal_tiers_free (tiers);
}

/* Whatever happens: nothing regular before its time, and events in order and once (seeded chance). */
static void
test_property (Fixture       *f,
               gconstpointer  data)
{
  gboolean started = FALSE;
  gboolean running = FALSE;
  gboolean failed = FALSE;
  gint64 not_before_us = 0;
  guint n_answers = 0;

  make (f, A, 1);
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
          if (shoal_rng_below (&f->rng, 10) == 0 && !shoal_announcer_stopping (f->announcer) && f->host->fetches->len == 0)
            {
              running = !running;
              if (running)
                shoal_announcer_start (f->announcer, f->now_us);
              else
                shoal_announcer_stop (f->announcer, f->now_us);
            }
          break;
        default:
          pass (f, (gint64) shoal_rng_below (&f->rng, 100) * SECOND_US);
          break;
        }

      g_assert_cmpuint (f->host->fetches->len, <=, 1);
      if (f->host->fetches->len == 0)
        continue;
      if (says (f, "event=started"))
        {
          g_assert_false (started);
        }
      else if (says (f, "event=stopped"))
        {
          g_assert_true (started);
          started = FALSE;
          not_before_us = 0;
          failed = FALSE;
          answer (f, GOOD);
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
          answer (f, NULL);
          continue;
        }
      started = TRUE;
      not_before_us = f->now_us + 600 * SECOND_US;
      n_answers++;
      answer (f, GOOD);
    }
  g_assert_cmpuint (n_answers, >, 200);
}

/* Somebody looks: the tracker is asked for numbers, rarely, and not when an announce told them. */
static void
test_look (Fixture       *f,
           gconstpointer  data)
{
  static const char numbers[] = "d5:filesd20:AAAAAAAAAAAAAAAAAAAAd8:completei7e10:downloadedi9e10:incompletei8eeee";

  make (f, A, 1);
  for (guint i = 0; i < 5; i++)
    shoal_announcer_look (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  g_assert_true (says (f, "/scrape?info_hash="));
  answer (f, numbers);
  g_assert_cmpint (shoal_announcer_seeds (f->announcer), ==, 7);
  g_assert_cmpint (shoal_announcer_leechers (f->announcer), ==, 8);
  g_assert_cmpuint (f->n_changed, ==, 1);
  pass (f, 1799 * SECOND_US);
  shoal_announcer_look (f->announcer, f->now_us);
  QUIET (f);

  shoal_announcer_start (f->announcer, f->now_us);
  answer (f, GOOD);
  g_assert_cmpint (shoal_announcer_seeds (f->announcer), ==, 3);
  pass (f, 60 * SECOND_US);
  shoal_announcer_look (f->announcer, f->now_us);
  QUIET (f);
  shoal_announcer_stop (f->announcer, f->now_us);
  answer (f, NO_MIN);

  pass (f, 1800 * SECOND_US);
  shoal_announcer_look (f->announcer, f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  answer (f, NULL);
  g_assert_cmpint (shoal_announcer_seeds (f->announcer), ==, 3);

  /* Called off. */
  pass (f, 1801 * SECOND_US);
  shoal_announcer_look (f->announcer, f->now_us);
  shoal_announcer_look_away (f->announcer);
  answer (f, numbers);
  g_assert_cmpint (shoal_announcer_seeds (f->announcer), ==, 3);
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
    { "/engine/announcer/life", test_life },
    { "/engine/announcer/look", test_look },
    { "/engine/announcer/none", test_none },
    { "/engine/announcer/unusable", test_unusable },
    { "/engine/announcer/completed-before", test_completed_before },
    { "/engine/announcer/completed-retried", test_completed_retried },
    { "/engine/announcer/tiers", test_tiers },
    { "/engine/announcer/promoted", test_promoted },
    { "/engine/announcer/shuffled", test_shuffled },
    { "/engine/announcer/silent", test_silent },
    { "/engine/announcer/back-off", test_back_off },
    { "/engine/announcer/refused", test_refused },
    { "/engine/announcer/retry-in", test_retry_in },
    { "/engine/announcer/now", test_now },
    { "/engine/announcer/moved", test_moved },
    { "/engine/announcer/stats", test_stats },
    { "/engine/announcer/want-peers", test_want_peers },
    { "/engine/announcer/want-peers-no-min", test_want_peers_no_min },
    { "/engine/announcer/widen", test_widen },
    { "/engine/announcer/first-returns", test_first_returns },
    { "/engine/announcer/tracker-id", test_tracker_id },
    { "/engine/announcer/partial-seed", test_partial_seed },
    { "/engine/announcer/hybrid", test_hybrid },
    { "/engine/announcer/stop-early", test_stop_early },
    { "/engine/announcer/stop-silent", test_stop_silent },
    { "/engine/announcer/restart", test_restart },
    { "/engine/announcer/free-stopping", test_free_stopping },
    { "/engine/announcer/add-tiers", test_add_tiers },
    { "/engine/announcer/another-key", test_another_key },
    { "/engine/announcer/property", test_property },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].func, tear_down);

  return g_test_run ();
}
