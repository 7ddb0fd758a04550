/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Byte budgets: rates are kept, links take turns, one torrent's limit does not stop another. */

#include "shoal-limiter.h"
#include "shoal-timers.h"

#define SECOND_US ((gint64) G_USEC_PER_SEC)
#define MS_US     ((gint64) 1000)
#define N_LINKS   5

typedef struct
{
  ShoalLimiterWait wait;
  ShoalLimiter    *session;
  ShoalLimiter    *torrent;
  guint64          passed;
  guint            calls;
  gint64          *now_us;
  ShoalLimiterWait *ends;   /* (nullable): whom the call ends */
} FakeLink;

static void
move (FakeLink *link,
      guint64   want)
{
  guint64 bytes = shoal_limiter_ask (link->session, link->torrent, SHOAL_DOWN, want, &link->wait,
                                     *link->now_us);

  g_assert_cmpuint (bytes, <=, want);
  shoal_limiter_spend (link->session, link->torrent, SHOAL_DOWN, bytes, &link->wait);
  link->passed += bytes;
}

static void
called (gpointer       owner,
        ShoalDirection direction)
{
  FakeLink *link = owner;

  g_assert_cmpint (direction, ==, SHOAL_DOWN);
  link->calls++;
  if (link->ends != NULL)
    shoal_limiter_wait_end (link->ends);
  move (link, 64 * 1024);
}

static void
looks (gpointer       owner,
       ShoalDirection direction)
{
  FakeLink *link = owner;

  link->calls++;
}

static void
link_init (FakeLink     *link,
           ShoalLimiter *session,
           ShoalLimiter *torrent,
           gint64       *now_us)
{
  *link = (FakeLink){ .session = session, .torrent = torrent, .now_us = now_us };
  shoal_limiter_wait_init (&link->wait, link);
}

static void
test_unlimited (void)
{
  ShoalLimiter session;
  ShoalLimiterWait wait;

  shoal_limiter_init (&session);
  shoal_limiter_wait_init (&wait, NULL);
  g_assert_cmpuint (shoal_limiter_ask (&session, NULL, SHOAL_UP, 1 << 30, &wait, SECOND_US), ==,
                    1 << 30);
  g_assert_false (shoal_node_is_linked (&wait.node));
  g_assert_cmpint (shoal_limiter_turn (&session, called, SECOND_US), ==, SHOAL_NEVER);
}

/* As links do it: one question tells whether to wait for bytes, a later one how many may be
 * read. */
static void
test_ask_twice (void)
{
  ShoalLimiter session;
  FakeLink links[20];
  gint64 now_us = SECOND_US;
  guint64 total = 0;

  shoal_limiter_init (&session);
  shoal_limiter_set (&session, SHOAL_DOWN, 1024 * 1024, now_us);
  for (guint i = 0; i < G_N_ELEMENTS (links); i++)
    link_init (&links[i], &session, NULL, &now_us);
  for (; now_us < 11 * SECOND_US; now_us += 5 * MS_US)
    {
      gboolean reads[G_N_ELEMENTS (links)];

      shoal_limiter_turn (&session, looks, now_us);
      for (guint i = 0; i < G_N_ELEMENTS (links); i++)
        reads[i] =
          shoal_limiter_ask (&session, NULL, SHOAL_DOWN, 300 * 1024, &links[i].wait, now_us) > 0;
      now_us += MS_US;
      for (guint i = 0; i < G_N_ELEMENTS (links); i++)
        if (reads[i])
          move (&links[i], 300 * 1024);
    }
  for (guint i = 0; i < G_N_ELEMENTS (links); i++)
    {
      total += links[i].passed;
      g_assert_cmpuint (links[i].passed, >, 10 * 1024 * 1024 / G_N_ELEMENTS (links) * 6 / 10);
    }
  g_assert_cmpuint (total, >=, 10 * 1024 * 1024 * 95ull / 100);
  g_assert_cmpuint (total, <=, 10 * 1024 * 1024 * 106ull / 100);
}

/* Greedy links share a limit evenly, and together they keep it. */
static void
test_share (void)
{
  ShoalLimiter session;
  FakeLink links[N_LINKS];
  gint64 now_us = SECOND_US;
  guint64 total = 0;

  shoal_limiter_init (&session);
  shoal_limiter_set (&session, SHOAL_DOWN, 1024 * 1024, now_us);
  for (guint i = 0; i < N_LINKS; i++)
    link_init (&links[i], &session, NULL, &now_us);
  for (; now_us < 11 * SECOND_US; now_us += 10 * MS_US)
    {
      shoal_limiter_turn (&session, called, now_us);
      for (guint i = 0; i < N_LINKS; i++)
        move (&links[i], 64 * 1024);
    }
  for (guint i = 0; i < N_LINKS; i++)
    {
      total += links[i].passed;
      g_assert_cmpuint (links[i].passed, >, 10 * 1024 * 1024 / N_LINKS * 8 / 10);
    }
  g_assert_cmpuint (total, >=, 10 * 1024 * 1024 * 95ull / 100);
  g_assert_cmpuint (total, <=, 10 * 1024 * 1024 * 105ull / 100);
}

/* The returned time is when somebody can go on. */
static void
test_when (void)
{
  ShoalLimiter session;
  FakeLink link;
  gint64 now_us = SECOND_US;
  guint turns = 0;

  shoal_limiter_init (&session);
  shoal_limiter_set (&session, SHOAL_DOWN, 100 * 1024, now_us);
  link_init (&link, &session, NULL, &now_us);
  while (now_us < 11 * SECOND_US)
    {
      gint64 at_us;

      shoal_limiter_turn (&session, called, now_us);
      while (!shoal_node_is_linked (&link.wait.node))
        move (&link, 1 << 20);
      at_us = shoal_limiter_turn (&session, called, now_us);
      g_assert_cmpint (at_us, >, now_us);
      g_assert_cmpint (at_us, !=, SHOAL_NEVER);
      now_us = at_us;
      turns++;
    }
  g_assert_cmpuint (link.passed, >=, 10 * 100 * 1024 * 95 / 100);
  g_assert_cmpuint (link.passed, <=, 10 * 100 * 1024 * 110 / 100);
  g_assert_cmpuint (turns, <, 2000);
}

static void
test_torrent_limit (void)
{
  ShoalLimiter session;
  ShoalLimiter torrent;
  FakeLink slow;
  FakeLink fast;
  gint64 now_us = SECOND_US;

  shoal_limiter_init (&session);
  shoal_limiter_init (&torrent);
  shoal_limiter_set (&session, SHOAL_DOWN, 1024 * 1024, now_us);
  shoal_limiter_set (&torrent, SHOAL_DOWN, 32 * 1024, now_us);
  link_init (&slow, &session, &torrent, &now_us);
  link_init (&fast, &session, NULL, &now_us);
  for (; now_us < 11 * SECOND_US; now_us += 10 * MS_US)
    {
      shoal_limiter_turn (&session, called, now_us);
      move (&slow, 64 * 1024);
      move (&fast, 64 * 1024);
    }
  g_assert_cmpuint (slow.passed, >=, 10 * 32 * 1024 * 9 / 10);
  g_assert_cmpuint (slow.passed, <=, 10 * 32 * 1024 * 12 / 10);
  g_assert_cmpuint (fast.passed + slow.passed, >=, 10 * 1024 * 1024 * 9ull / 10);
}

/* Only the torrent is limited: the session's queue must not be looked at without end. */
static void
test_torrent_only (void)
{
  ShoalLimiter session;
  ShoalLimiter torrent;
  FakeLink link;
  gint64 now_us = SECOND_US;

  shoal_limiter_init (&session);
  shoal_limiter_init (&torrent);
  shoal_limiter_set (&torrent, SHOAL_DOWN, 16 * 1024, now_us);
  link_init (&link, &session, &torrent, &now_us);
  move (&link, 1 << 20);
  move (&link, 1 << 20);
  g_assert_true (shoal_node_is_linked (&link.wait.node));
  g_assert_cmpint (shoal_limiter_turn (&session, called, now_us), >, now_us + 50 * MS_US);
  g_assert_cmpuint (link.calls, ==, 0);
}

static void
test_limit_lifted (void)
{
  ShoalLimiter session;
  FakeLink link;
  gint64 now_us = SECOND_US;

  shoal_limiter_init (&session);
  shoal_limiter_set (&session, SHOAL_DOWN, 1024, now_us);
  link_init (&link, &session, NULL, &now_us);
  move (&link, 1 << 20);
  move (&link, 1 << 20);
  g_assert_true (shoal_node_is_linked (&link.wait.node));
  shoal_limiter_set (&session, SHOAL_DOWN, 0, now_us);
  g_assert_cmpint (shoal_limiter_turn (&session, called, now_us), ==, SHOAL_NEVER);
  g_assert_cmpuint (link.calls, ==, 1);
  g_assert_false (shoal_node_is_linked (&link.wait.node));
}

/* One link's call may be the end of another that is about to be called. */
static void
test_end_while_called (void)
{
  ShoalLimiter session;
  FakeLink links[2];
  gint64 now_us = SECOND_US;

  shoal_limiter_init (&session);
  shoal_limiter_set (&session, SHOAL_DOWN, 1024, now_us);
  for (guint i = 0; i < 2; i++)
    {
      link_init (&links[i], &session, NULL, &now_us);
      move (&links[i], 1 << 20);
      move (&links[i], 1 << 20);
    }
  links[0].ends = &links[1].wait;
  shoal_limiter_set (&session, SHOAL_DOWN, 0, now_us);
  shoal_limiter_turn (&session, called, now_us);
  g_assert_cmpuint (links[0].calls, ==, 1);
  g_assert_cmpuint (links[1].calls, ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/limiter/unlimited", test_unlimited);
  g_test_add_func ("/engine/limiter/share", test_share);
  g_test_add_func ("/engine/limiter/ask-twice", test_ask_twice);
  g_test_add_func ("/engine/limiter/when", test_when);
  g_test_add_func ("/engine/limiter/torrent-limit", test_torrent_limit);
  g_test_add_func ("/engine/limiter/torrent-only", test_torrent_only);
  g_test_add_func ("/engine/limiter/limit-lifted", test_limit_lifted);
  g_test_add_func ("/engine/limiter/end-while-called", test_end_while_called);

  return g_test_run ();
}
