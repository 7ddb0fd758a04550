/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The peer book: whom to dial, when again, who never. */

#include "shoal-peerbook.h"
#include "shoal-timers.h"
#include <string.h>

#define SECOND_US ((gint64) G_USEC_PER_SEC)
#define NOW_US    (1000 * SECOND_US)

typedef struct
{
  ShoalRng       rng;
  ShoalPeerbook *book;
} Fixture;

static void
set_up (Fixture       *f,
        gconstpointer  data)
{
  shoal_rng_init (&f->rng, 7);
  f->book = shoal_peerbook_new (&f->rng);
}

static void
tear_down (Fixture       *f,
           gconstpointer  data)
{
  shoal_peerbook_free (f->book);
}

static ShoalAddr
addr (const char *text)
{
  ShoalAddr out;

  g_assert_true (shoal_addr_parse (&out, text, 0));

  return out;
}

static ShoalKnownPeer *
add (Fixture         *f,
     const char      *text,
     ShoalPeerSource  source)
{
  ShoalAddr a = addr (text);

  return shoal_peerbook_add (f->book, &a, source, NOW_US);
}

static void
test_add (Fixture       *f,
          gconstpointer  data)
{
  ShoalAddr a = addr ("1.2.3.4:80");
  ShoalKnownPeer *peer = add (f, "1.2.3.4:80", SHOAL_PEER_SOURCE_TRACKER);

  g_assert_nonnull (peer);
  g_assert_true (add (f, "1.2.3.4:80", SHOAL_PEER_SOURCE_USER) == peer);
  g_assert_cmpuint (peer->sources, ==, SHOAL_PEER_SOURCE_TRACKER | SHOAL_PEER_SOURCE_USER);
  g_assert_true (shoal_peerbook_find (f->book, &a) == peer);
  g_assert_true (shoal_peerbook_by_number (f->book, peer->number) == peer);
  g_assert_null (shoal_peerbook_by_number (f->book, peer->number + 1));
  g_assert_cmpuint (shoal_peerbook_size (f->book), ==, 1);
  g_assert_null (add (f, "0.0.0.0:80", SHOAL_PEER_SOURCE_TRACKER));
  g_assert_null (add (f, "224.0.0.1:80", SHOAL_PEER_SOURCE_TRACKER));
}

static void
test_empty (Fixture       *f,
            gconstpointer  data)
{
  ShoalAddr a = addr ("1.2.3.4:80");

  g_assert_null (shoal_peerbook_next (f->book, FALSE, NOW_US));
  g_assert_cmpint (shoal_peerbook_when (f->book, FALSE, NOW_US), ==, SHOAL_NEVER);
  g_assert_cmpuint (shoal_peerbook_candidates (f->book, FALSE), ==, 0);
  g_assert_null (shoal_peerbook_find (f->book, &a));
  g_assert_null (shoal_peerbook_by_number (f->book, 1));
  g_assert_false (shoal_peerbook_is_banned (f->book, &a));
  g_assert_cmpuint (shoal_peerbook_best (f->book, &a, 1), ==, 0);
}

static void
test_order (Fixture       *f,
            gconstpointer  data)
{
  ShoalKnownPeer *failed = add (f, "1.0.0.1:1", SHOAL_PEER_SOURCE_TRACKER);
  ShoalKnownPeer *fresh = add (f, "1.0.0.2:1", SHOAL_PEER_SOURCE_TRACKER);
  ShoalKnownPeer *user = add (f, "1.0.0.3:1", SHOAL_PEER_SOURCE_USER);

  shoal_peerbook_failed (f->book, failed, NOW_US - 3600 * SECOND_US);
  g_assert_true (shoal_peerbook_next (f->book, FALSE, NOW_US) == user);
  user->link = f;
  g_assert_true (shoal_peerbook_next (f->book, FALSE, NOW_US) == fresh);
  fresh->link = f;
  g_assert_true (shoal_peerbook_next (f->book, FALSE, NOW_US) == failed);
  failed->link = f;
  g_assert_null (shoal_peerbook_next (f->book, FALSE, NOW_US));
  g_assert_cmpuint (shoal_peerbook_candidates (f->book, FALSE), ==, 0);
}

static void
test_priority (Fixture       *f,
               gconstpointer  data)
{
  ShoalAddr self = addr ("123.213.32.10:6881");
  guint32 last = G_MAXUINT32;

  for (guint i = 1; i < 100; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u.7.%u.9:%u", i, i, 1000 + i);

      add (f, text, SHOAL_PEER_SOURCE_TRACKER);
    }
  shoal_peerbook_set_self (f->book, &self);
  add (f, "200.1.1.1:5", SHOAL_PEER_SOURCE_TRACKER);
  for (guint i = 0; i < 100; i++)
    {
      ShoalKnownPeer *peer = shoal_peerbook_next (f->book, FALSE, NOW_US);

      g_assert_nonnull (peer);
      g_assert_cmpuint (peer->priority, ==, shoal_addr_priority (&self, &peer->addr));
      g_assert_cmpuint (peer->priority, <=, last);
      last = peer->priority;
      peer->link = f;
    }
  g_assert_null (shoal_peerbook_next (f->book, FALSE, NOW_US));
}

/* Among equals every one has the same chance. */
static void
test_chance (Fixture       *f,
             gconstpointer  data)
{
  guint counts[5] = { 0 };

  for (guint i = 1; i <= 4; i++)
    {
      g_autofree char *text = g_strdup_printf ("1.0.0.%u:1", i);

      add (f, text, SHOAL_PEER_SOURCE_TRACKER);
    }
  for (guint i = 0; i < 4000; i++)
    counts[shoal_peerbook_next (f->book, FALSE, NOW_US)->number]++;
  for (guint i = 1; i <= 4; i++)
    {
      g_assert_cmpuint (counts[i], >, 850);
      g_assert_cmpuint (counts[i], <, 1150);
    }
}

static void
test_seeds (Fixture       *f,
            gconstpointer  data)
{
  add (f, "1.0.0.1:1", SHOAL_PEER_SOURCE_TRACKER)->is_seed = TRUE;
  g_assert_nonnull (shoal_peerbook_next (f->book, FALSE, NOW_US));
  g_assert_null (shoal_peerbook_next (f->book, TRUE, NOW_US));
  g_assert_cmpuint (shoal_peerbook_candidates (f->book, FALSE), ==, 1);
  g_assert_cmpuint (shoal_peerbook_candidates (f->book, TRUE), ==, 0);
  g_assert_cmpint (shoal_peerbook_when (f->book, TRUE, NOW_US), ==, SHOAL_NEVER);
}

/* The port that somebody came from is not dialled until it has told its own. */
static void
test_incoming (Fixture       *f,
               gconstpointer  data)
{
  ShoalKnownPeer *peer = add (f, "1.0.0.1:54321", SHOAL_PEER_SOURCE_INCOMING);

  g_assert_nonnull (peer);
  g_assert_null (shoal_peerbook_next (f->book, FALSE, NOW_US));
  peer->connectable = TRUE;
  g_assert_true (shoal_peerbook_next (f->book, FALSE, NOW_US) == peer);
}

static void
check_failures (Fixture    *f,
                const char *text,
                guint       source,
                gint64      first_us,
                guint       factor,
                gint64      most_us,
                gboolean    gives_up)
{
  ShoalKnownPeer *peer = add (f, text, (ShoalPeerSource) source);
  gint64 now_us = NOW_US;
  gint64 wait_us = first_us;

  for (guint i = 1; i <= 12; i++)
    {
      gint64 at_us;

      peer->link = f;
      shoal_peerbook_failed (f->book, peer, now_us);
      g_assert_null (peer->link);
      at_us = shoal_peerbook_when (f->book, FALSE, now_us);
      if (gives_up && i >= 6)
        {
          g_assert_cmpint (at_us, ==, SHOAL_NEVER);
          g_assert_null (shoal_peerbook_next (f->book, FALSE, SHOAL_NEVER - 1));
          return;
        }
      g_assert_cmpint (at_us, >=, now_us + wait_us);
      g_assert_cmpint (at_us, <=, now_us + wait_us + wait_us / 4);
      g_assert_null (shoal_peerbook_next (f->book, FALSE, at_us - 1));
      g_assert_true (shoal_peerbook_next (f->book, FALSE, at_us) == peer);
      now_us = at_us;
      wait_us = MIN (wait_us * factor, most_us);
    }
  g_assert_false (gives_up);
}

static void
test_failures (Fixture       *f,
               gconstpointer  data)
{
  check_failures (f, "1.0.0.1:1", SHOAL_PEER_SOURCE_TRACKER, 5 * SECOND_US, 4, 3600 * SECOND_US,
                  TRUE);
}

static void
test_failures_user (Fixture       *f,
                    gconstpointer  data)
{
  check_failures (f, "1.0.0.1:1", SHOAL_PEER_SOURCE_USER, SECOND_US, 2, 15 * SECOND_US, FALSE);
}

static void
test_failures_loopback (Fixture       *f,
                        gconstpointer  data)
{
  check_failures (f, "127.0.0.1:1", SHOAL_PEER_SOURCE_TRACKER, SECOND_US, 2, 3600 * SECOND_US,
                  TRUE);
}

/* How often somebody who is not there is dialled. @named_us: time between two answers of a tracker
 * that names it; 0: no more. */
static guint
count_dials (Fixture    *f,
             const char *text,
             gint64      named_us,
             guint       hours)
{
  ShoalKnownPeer *peer = add (f, text, SHOAL_PEER_SOURCE_TRACKER);
  guint n = 0;

  for (gint64 now_us = NOW_US; now_us < NOW_US + hours * 3600 * SECOND_US; now_us += SECOND_US)
    {
      if (named_us != 0 && (now_us - NOW_US) % named_us == 0)
        add (f, text, SHOAL_PEER_SOURCE_TRACKER);
      if (shoal_peerbook_next (f->book, FALSE, now_us) != peer)
        continue;
      n++;
      shoal_peerbook_failed (f->book, peer, now_us);
    }

  return n;
}

static void
test_dead (Fixture       *f,
           gconstpointer  data)
{
  guint n;

  g_assert_cmpuint (count_dials (f, "1.0.0.1:1", 0, 1), ==, 6);
  g_assert_cmpuint (count_dials (f, "1.0.0.2:1", 0, 24), ==, 6);
  g_assert_cmpuint (count_dials (f, "1.0.0.3:1", 600 * SECOND_US, 1), ==, 6);
  /* Then about once an hour, for as long as it is named. */
  n = count_dials (f, "1.0.0.4:1", 600 * SECOND_US, 24);
  g_assert_cmpuint (n, >, 6 + 12);
  g_assert_cmpuint (n, <, 6 + 24);
}

/* Of a torrent that turns out to be private. */
static void
test_keep_sources (Fixture       *f,
                   gconstpointer  data)
{
  ShoalKnownPeer *both = add (f, "1.0.0.1:1", SHOAL_PEER_SOURCE_TRACKER);
  ShoalKnownPeer *linked = add (f, "1.0.0.2:1", SHOAL_PEER_SOURCE_DHT);
  ShoalAddr gone = addr ("1.0.0.3:1");

  add (f, "1.0.0.1:1", SHOAL_PEER_SOURCE_PEX);
  add (f, "1.0.0.3:1", SHOAL_PEER_SOURCE_LSD);
  linked->link = f;
  linked->connectable = TRUE;
  shoal_peerbook_keep_sources (f->book, SHOAL_PEER_SOURCE_TRACKER | SHOAL_PEER_SOURCE_USER);
  g_assert_null (shoal_peerbook_find (f->book, &gone));
  g_assert_cmpuint (shoal_peerbook_size (f->book), ==, 2);
  g_assert_cmpuint (both->sources, ==, SHOAL_PEER_SOURCE_TRACKER);
  g_assert_true (shoal_peerbook_next (f->book, FALSE, NOW_US) == both);
  /* Its link ends: it is not dialled, unless a tracker names it. */
  both->link = f;
  shoal_peerbook_closed (f->book, linked, TRUE, NOW_US);
  g_assert_null (shoal_peerbook_next (f->book, FALSE, NOW_US + 3600 * SECOND_US));
  add (f, "1.0.0.2:1", SHOAL_PEER_SOURCE_TRACKER);
  g_assert_true (shoal_peerbook_next (f->book, FALSE, NOW_US + 3600 * SECOND_US) == linked);
}

static void
test_closed (Fixture       *f,
             gconstpointer  data)
{
  static const struct
  {
    const char *text;
    gboolean    useful;
    gint64      wait_us;
  } cases[] = {
    { "1.0.0.1:1", TRUE, 10 * SECOND_US },
    { "1.0.0.2:1", FALSE, 60 * SECOND_US },
    { "127.0.0.1:1", TRUE, SECOND_US },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalKnownPeer *peer = add (f, cases[i].text, SHOAL_PEER_SOURCE_TRACKER);

      shoal_peerbook_failed (f->book, peer, NOW_US);
      peer->link = f;
      shoal_peerbook_closed (f->book, peer, cases[i].useful, NOW_US);
      g_assert_null (peer->link);
      g_assert_cmpuint (peer->failures, ==, cases[i].useful ? 0 : 1);
      g_assert_cmpint (peer->retry_us, >=, NOW_US + cases[i].wait_us);
      g_assert_cmpint (peer->retry_us, <=, NOW_US + cases[i].wait_us * 5 / 4);
    }
}

static void
test_ban (Fixture       *f,
          gconstpointer  data)
{
  ShoalKnownPeer *liar = add (f, "1.0.0.1:1", SHOAL_PEER_SOURCE_TRACKER);
  ShoalKnownPeer *same = add (f, "1.0.0.1:2", SHOAL_PEER_SOURCE_TRACKER);
  ShoalAddr other = addr ("1.0.0.1:3");
  ShoalAddr innocent = addr ("1.0.0.2:1");

  shoal_peerbook_ban (f->book, liar);
  g_assert_true (liar->banned);
  g_assert_true (same->banned);
  g_assert_true (shoal_peerbook_is_banned (f->book, &other));
  g_assert_false (shoal_peerbook_is_banned (f->book, &innocent));
  g_assert_null (add (f, "1.0.0.1:9", SHOAL_PEER_SOURCE_USER));
  g_assert_null (shoal_peerbook_next (f->book, FALSE, NOW_US));
  g_assert_cmpuint (shoal_peerbook_candidates (f->book, FALSE), ==, 0);
}

static void
test_ban_address (Fixture       *f,
                  gconstpointer  data)
{
  ShoalKnownPeer *self = add (f, "1.0.0.1:1", SHOAL_PEER_SOURCE_TRACKER);
  ShoalKnownPeer *near = add (f, "127.0.0.1:1", SHOAL_PEER_SOURCE_TRACKER);

  shoal_peerbook_ban_address (f->book, self);
  g_assert_true (self->banned);
  g_assert_nonnull (add (f, "1.0.0.1:2", SHOAL_PEER_SOURCE_TRACKER));
  g_assert_null (add (f, "1.0.0.1:1", SHOAL_PEER_SOURCE_TRACKER));

  shoal_peerbook_ban (f->book, near);
  g_assert_true (near->banned);
  g_assert_nonnull (add (f, "127.0.0.1:2", SHOAL_PEER_SOURCE_TRACKER));
}

/* More bans than are kept: the oldest goes. */
static void
test_many_bans (Fixture       *f,
                gconstpointer  data)
{
  ShoalAddr first = addr ("1.0.0.0:1");
  ShoalAddr last = addr ("1.0.11.255:1");

  for (guint i = 0; i < 3072; i++)
    {
      g_autofree char *text = g_strdup_printf ("1.0.%u.%u:1", i / 256, i % 256);
      ShoalKnownPeer *peer = add (f, text, SHOAL_PEER_SOURCE_TRACKER);

      g_assert_nonnull (peer);
      shoal_peerbook_ban (f->book, peer);
    }
  g_assert_false (shoal_peerbook_is_banned (f->book, &first));
  g_assert_true (shoal_peerbook_is_banned (f->book, &last));
}

static void
test_full (Fixture       *f,
           gconstpointer  data)
{
  ShoalKnownPeer *held[3];
  guint number;

  for (guint i = 0; i < SHOAL_PEERBOOK_MAX; i++)
    {
      g_autofree char *text = g_strdup_printf ("1.%u.%u.1:1", i / 256, i % 256);

      g_assert_nonnull (add (f, text, SHOAL_PEER_SOURCE_TRACKER));
    }
  g_assert_null (add (f, "2.0.0.1:1", SHOAL_PEER_SOURCE_TRACKER));

  /* One that has failed gives way, unless it is held. */
  for (guint i = 0; i < 3; i++)
    {
      held[i] = shoal_peerbook_by_number (f->book, 100 + i);
      shoal_peerbook_failed (f->book, held[i], NOW_US);
    }
  held[0]->link = f;
  held[1]->pinned = 1;
  number = held[2]->number;
  g_assert_nonnull (add (f, "2.0.0.1:1", SHOAL_PEER_SOURCE_TRACKER));
  g_assert_null (shoal_peerbook_by_number (f->book, number));
  g_assert_true (shoal_peerbook_by_number (f->book, held[0]->number) == held[0]);
  g_assert_true (shoal_peerbook_by_number (f->book, held[1]->number) == held[1]);
  g_assert_null (add (f, "2.0.0.2:1", SHOAL_PEER_SOURCE_TRACKER));

  /* Who is here, and whom the user wants, finds a place. */
  g_assert_nonnull (add (f, "2.0.0.3:1", SHOAL_PEER_SOURCE_INCOMING));
  g_assert_nonnull (add (f, "2.0.0.4:1", SHOAL_PEER_SOURCE_USER));
  g_assert_cmpuint (shoal_peerbook_size (f->book), ==, SHOAL_PEERBOOK_MAX);
}

static void
test_best (Fixture       *f,
           gconstpointer  data)
{
  ShoalAddr out[8];
  ShoalAddr good = addr ("1.0.0.3:1");

  shoal_peerbook_failed (f->book, add (f, "1.0.0.1:1", SHOAL_PEER_SOURCE_TRACKER), NOW_US);
  add (f, "1.0.0.2:1", SHOAL_PEER_SOURCE_TRACKER);
  add (f, "1.0.0.3:1", SHOAL_PEER_SOURCE_TRACKER)->connectable = TRUE;
  add (f, "1.0.0.4:1", SHOAL_PEER_SOURCE_INCOMING);
  shoal_peerbook_ban (f->book, add (f, "1.0.0.5:1", SHOAL_PEER_SOURCE_TRACKER));
  g_assert_cmpuint (shoal_peerbook_best (f->book, out, 8), ==, 2);
  g_assert_true (shoal_addr_equal (&out[0], &good));
  g_assert_cmpuint (shoal_peerbook_best (f->book, out, 1), ==, 1);
}

static void
test_forgive (Fixture       *f,
              gconstpointer  data)
{
  ShoalKnownPeer *failed = add (f, "1.0.0.1:1", SHOAL_PEER_SOURCE_TRACKER);

  for (guint i = 0; i < 10; i++)
    shoal_peerbook_failed (f->book, failed, NOW_US);
  shoal_peerbook_ban (f->book, add (f, "1.0.0.5:1", SHOAL_PEER_SOURCE_TRACKER));
  g_assert_null (shoal_peerbook_next (f->book, FALSE, NOW_US));
  shoal_peerbook_forgive (f->book, NOW_US);
  g_assert_true (shoal_peerbook_next (f->book, FALSE, NOW_US) == failed);
  g_assert_cmpuint (shoal_peerbook_candidates (f->book, FALSE), ==, 1);
}

/* Without encryption at once; with it again once that fails as well; one that took it before is
 * only late. */
static void
test_refused_cipher (Fixture       *f,
                     gconstpointer  data)
{
  ShoalKnownPeer *peer = add (f, "1.0.0.1:1", SHOAL_PEER_SOURCE_TRACKER);

  shoal_peerbook_refused_cipher (f->book, peer, NOW_US);
  g_assert_true (peer->plain);
  g_assert_cmpuint (peer->failures, ==, 0);
  g_assert_true (shoal_peerbook_next (f->book, FALSE, NOW_US) == peer);
  shoal_peerbook_failed (f->book, peer, NOW_US);
  g_assert_false (peer->plain);
  g_assert_null (shoal_peerbook_next (f->book, FALSE, NOW_US));

  peer->encrypts = TRUE;
  peer->retry_us = NOW_US;
  shoal_peerbook_refused_cipher (f->book, peer, NOW_US);
  g_assert_false (peer->plain);
  g_assert_null (shoal_peerbook_next (f->book, FALSE, NOW_US));
  shoal_peerbook_refused_cipher (f->book, peer, NOW_US);
  g_assert_true (peer->plain);
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
    { "/engine/peerbook/add", test_add },
    { "/engine/peerbook/empty", test_empty },
    { "/engine/peerbook/forgive", test_forgive },
    { "/engine/peerbook/order", test_order },
    { "/engine/peerbook/priority", test_priority },
    { "/engine/peerbook/chance", test_chance },
    { "/engine/peerbook/seeds", test_seeds },
    { "/engine/peerbook/incoming", test_incoming },
    { "/engine/peerbook/failures", test_failures },
    { "/engine/peerbook/failures-user", test_failures_user },
    { "/engine/peerbook/failures-loopback", test_failures_loopback },
    { "/engine/peerbook/dead", test_dead },
    { "/engine/peerbook/keep-sources", test_keep_sources },
    { "/engine/peerbook/closed", test_closed },
    { "/engine/peerbook/refused-cipher", test_refused_cipher },
    { "/engine/peerbook/ban", test_ban },
    { "/engine/peerbook/ban-address", test_ban_address },
    { "/engine/peerbook/many-bans", test_many_bans },
    { "/engine/peerbook/full", test_full },
    { "/engine/peerbook/best", test_best },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].func, tear_down);

  return g_test_run ();
}
