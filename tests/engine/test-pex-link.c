/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of peer exchange with one peer: differences, pace, and what is too much. */

#include "shoal-pex-link.h"

#include "shoal-test.h"

#define SECOND_US ((gint64) G_USEC_PER_SEC)
#define MINUTE_US (60 * SECOND_US)

static ShoalPexPeer
peer (guint number,
      guint8 flags)
{
  guint8 ip[4] = { 9, (guint8) (number >> 16), (guint8) (number >> 8), (guint8) number };

  return (ShoalPexPeer){ shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 6881), flags };
}

static void
fill (ShoalPexPeer *peers,
      guint         from,
      guint         n)
{
  for (guint i = 0; i < n; i++)
    peers[i] = peer (from + i, 0);
}

typedef struct
{
  ShoalRng         rng;
  ShoalPexLink    *link;
  ShoalPexMessage  message;
  gint64           now_us;
} Fixture;

static void
set_up (Fixture      *self,
        gconstpointer data)
{
  shoal_rng_init (&self->rng, shoal_test_seed ());
  self->now_us = 1000 * SECOND_US;
  self->link = shoal_pex_link_new (&self->rng, self->now_us);
}

static void
tear_down (Fixture      *self,
           gconstpointer data)
{
  shoal_pex_link_free (self->link);
}

static void
test_differences (Fixture      *self,
                  gconstpointer data)
{
  ShoalPexPeer peers[3];

  g_assert_false (shoal_pex_link_is_due (self->link, self->now_us));
  self->now_us += 2 * SHOAL_PEX_FIRST_US;
  g_assert_true (shoal_pex_link_is_due (self->link, self->now_us));
  fill (peers, 1, 3);
  g_assert_true (shoal_pex_link_tell (self->link, peers, 2, &self->message, self->now_us));
  g_assert_cmpuint (self->message.n_added, ==, 2);
  g_assert_cmpuint (self->message.n_dropped, ==, 0);
  g_assert_false (shoal_pex_link_is_due (self->link, self->now_us + MINUTE_US - 1));
  self->now_us += MINUTE_US + SHOAL_PEX_JITTER_US;
  g_assert_true (shoal_pex_link_is_due (self->link, self->now_us));

  /* Nothing new: no message, and nobody looks again at once. */
  g_assert_false (shoal_pex_link_tell (self->link, peers, 2, &self->message, self->now_us));
  g_assert_false (shoal_pex_link_is_due (self->link, self->now_us));

  /* One left, one came. */
  g_assert_true (shoal_pex_link_tell (self->link, peers + 1, 2, &self->message, self->now_us));
  g_assert_cmpuint (self->message.n_added, ==, 1);
  g_assert_cmpuint (self->message.n_dropped, ==, 1);
  g_assert_true (shoal_addr_equal (&self->message.added[0].addr, &peers[2].addr));
  g_assert_true (shoal_addr_equal (&self->message.dropped[0].addr, &peers[0].addr));
  g_assert_true (shoal_pex_link_tell (self->link, NULL, 0, &self->message, self->now_us));
  g_assert_cmpuint (self->message.n_dropped, ==, 2);
  g_assert_false (shoal_pex_link_tell (self->link, NULL, 0, &self->message, self->now_us));
}

/* A large swarm: never more than fifty at once, everybody in the end, and not without limit. */
static void
test_many (Fixture      *self,
           gconstpointer data)
{
  ShoalPexPeer peers[1000];
  guint n_told = 0;

  fill (peers, 1, G_N_ELEMENTS (peers));
  while (shoal_pex_link_tell (self->link, peers, G_N_ELEMENTS (peers), &self->message,
                              self->now_us))
    {
      g_assert_cmpuint (self->message.n_added, <=, SHOAL_PEX_SENT_MAX);
      n_told += self->message.n_added;
      self->now_us += MINUTE_US;
    }
  g_assert_cmpuint (n_told, ==, SHOAL_PEX_TOLD_MAX);

  /* All of them leave. */
  while (shoal_pex_link_tell (self->link, NULL, 0, &self->message, self->now_us))
    {
      g_assert_cmpuint (self->message.n_dropped, <=, SHOAL_PEX_SENT_MAX);
      n_told -= self->message.n_dropped;
    }
  g_assert_cmpuint (n_told, ==, 0);
}

static gboolean
hear (Fixture *self,
      guint    from,
      guint    n)
{
  fill (self->message.added, from, n);
  self->message.n_added = n;
  self->message.n_dropped = 0;
  self->message.excess = FALSE;

  return shoal_pex_link_hear (self->link, &self->message, self->now_us);
}

static void
test_too_often (Fixture      *self,
                gconstpointer data)
{
  guint n = 0;

  while (hear (self, 1, 1))
    n++;
  g_assert_cmpuint (n, ==, SHOAL_PEX_BURST + SHOAL_PEX_STRIKES - 1);
  g_assert_true (shoal_pex_link_is_deaf (self->link));
  self->now_us += 1000 * MINUTE_US;
  g_assert_false (hear (self, 1, 1));
  g_assert_cmpuint (self->message.n_added, ==, 0);
}

static void
test_every_minute (Fixture      *self,
                   gconstpointer data)
{
  for (guint i = 0; i < 1000; i++)
    {
      g_assert_true (hear (self, i, SHOAL_PEX_SENT_MAX));
      g_assert_cmpuint (self->message.n_added, ==, SHOAL_PEX_SENT_MAX);
      self->now_us += MINUTE_US;
    }
}

static void
test_too_much (Fixture      *self,
               gconstpointer data)
{
  /* The first message may be long; not so every one. */
  g_assert_true (hear (self, 1, SHOAL_PEX_LIST_MAX));
  g_assert_cmpuint (self->message.n_added, ==, SHOAL_PEX_LIST_MAX);
  self->now_us += MINUTE_US;
  g_assert_true (hear (self, 1, SHOAL_PEX_LIST_MAX));
  g_assert_cmpuint (self->message.n_added, <=,
                    SHOAL_PEX_PEERS_BURST - SHOAL_PEX_LIST_MAX + SHOAL_PEX_SENT_MAX);

  for (guint i = 0; i < SHOAL_PEX_STRIKES; i++)
    {
      self->now_us += MINUTE_US;
      hear (self, 1, 1);
      self->message.excess = TRUE;
      shoal_pex_link_hear (self->link, &self->message, self->now_us);
    }
  g_assert_true (shoal_pex_link_is_deaf (self->link));
}

static void
test_holepunch (Fixture      *self,
                gconstpointer data)
{
  ShoalPexPeer here = peer (1, SHOAL_PEX_HOLEPUNCH | SHOAL_PEX_UTP);
  ShoalPexPeer open = peer (2, SHOAL_PEX_REACHABLE);

  self->message.added[0] = here;
  self->message.added[1] = open;
  self->message.n_added = 2;
  g_assert_true (shoal_pex_link_hear (self->link, &self->message, self->now_us));
  g_assert_true (shoal_pex_link_knows (self->link, &here.addr));
  g_assert_false (shoal_pex_link_knows (self->link, &open.addr));

  self->message.n_added = 0;
  self->message.dropped[0] = here;
  self->message.n_dropped = 1;
  g_assert_true (shoal_pex_link_hear (self->link, &self->message, self->now_us));
  g_assert_false (shoal_pex_link_knows (self->link, &here.addr));

  /* Not without limit. */
  for (guint i = 0; i < 10; i++)
    {
      self->now_us += 5 * MINUTE_US;
      self->message.n_dropped = 0;
      self->message.n_added = SHOAL_PEX_SENT_MAX;
      for (guint j = 0; j < SHOAL_PEX_SENT_MAX; j++)
        self->message.added[j] = peer (100 * i + j, SHOAL_PEX_HOLEPUNCH);
      g_assert_true (shoal_pex_link_hear (self->link, &self->message, self->now_us));
    }
  here = peer (0, 0);
  g_assert_true (shoal_pex_link_knows (self->link, &here.addr));
  here = peer (900, 0);
  g_assert_false (shoal_pex_link_knows (self->link, &here.addr));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/engine/pex-link/differences", Fixture, NULL, set_up, test_differences, tear_down);
  g_test_add ("/engine/pex-link/many", Fixture, NULL, set_up, test_many, tear_down);
  g_test_add ("/engine/pex-link/too-often", Fixture, NULL, set_up, test_too_often, tear_down);
  g_test_add ("/engine/pex-link/every-minute", Fixture, NULL, set_up, test_every_minute, tear_down);
  g_test_add ("/engine/pex-link/too-much", Fixture, NULL, set_up, test_too_much, tear_down);
  g_test_add ("/engine/pex-link/holepunch", Fixture, NULL, set_up, test_holepunch, tear_down);
  return g_test_run ();
}
