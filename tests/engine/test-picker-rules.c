/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules of the picker, one by one. */

#include "picker-model.h"
#include "shoal-test.h"

#include <string.h>

/* --- Rules --- */

static void
set_had_many (Model *m,
              guint32 from,
              guint32 to)
{
  for (guint32 i = from; i < to; i++)
    {
      shoal_picker_set_had (m->picker, i);
      m->had[i] = TRUE;
    }
}

static void
test_rarest_first (void)
{
  Model m;
  guint n_first[4] = { 0, };

  for (guint round = 0; round < 400; round++)
    {
      model_init (&m, 16384, 16384 * 40, 8 * MIB);
      shoal_rng_init (&m.rng, round);
      set_had_many (&m, 0, 4);
      model_connect_peer (&m, 0, 100);
      for (guint32 p = 4; p < 40; p++)
        if (p % 9 != 0)   /* 9, 18, 27, 36 are rare */
          shoal_picker_add_copy (m.picker, p);
      for (guint k = 0; k < 4; k++)
        {
          g_assert_cmpuint (model_pick_blocks (&m, 0, 1, TRUE), ==, 1);
          g_assert_cmpuint (m.peers[0].queue[k].piece % 9, ==, 0);
        }
      n_first[m.peers[0].queue[0].piece / 9 - 1]++;
      model_pick_blocks (&m, 0, 1, TRUE);
      g_assert_cmpuint (m.peers[0].queue[4].piece % 9, !=, 0);
      for (guint32 p = 4; p < 40; p++)
        if (p % 9 != 0)
          shoal_picker_remove_copy (m.picker, p);
      model_disconnect_peer (&m, 0);
      model_clear (&m);
    }
  for (guint i = 0; i < 4; i++)
    g_assert_cmpuint (n_first[i], >, 60);
}

/* What another is sending is left to it while a seed has rarer pieces to begin. */
static void
test_left_to_others (void)
{
  Model m;

  model_init (&m, 32768, 32768 * 10, 8 * MIB);
  set_had_many (&m, 0, 4);
  do   /* until it comes as one that is told as having everything */
    {
      if (m.peers[0].connected)
        model_disconnect_peer (&m, 0);
      model_connect_peer (&m, 0, 100);
    }
  while (!m.peers[0].all);
  model_connect_peer (&m, 1, 0);
  shoal_bitfield_set (m.peers[1].bits, 7);
  shoal_picker_add_copy (m.picker, 7);
  g_assert_cmpuint (model_pick_blocks (&m, 1, 1, TRUE), ==, 1);
  g_assert_cmpuint (m.peers[1].queue[0].piece, ==, 7);
  g_assert_cmpuint (model_pick_blocks (&m, 0, 4, TRUE), ==, 4);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpuint (m.peers[0].queue[i].piece, !=, 7);

  /* Once there is nothing rarer, it helps. */
  g_assert_cmpuint (model_pick_blocks (&m, 0, 7, TRUE), ==, 7);
  g_assert_cmpuint (m.peers[0].queue[10].piece, ==, 7);
  model_disconnect_peer (&m, 0);
  model_disconnect_peer (&m, 1);
  model_clear (&m);
}

static void
test_random_first (void)
{
  Model m;
  guint n_rare = 0;

  for (guint round = 0; round < 200; round++)
    {
      model_init (&m, 16384, 16384 * 40, 8 * MIB);
      shoal_rng_init (&m.rng, round);
      model_connect_peer (&m, 0, 100);
      model_connect_peer (&m, 1, 0);
      shoal_bitfield_set (m.peers[1].bits, 7);
      shoal_picker_add_copy (m.picker, 7);
      model_pick_blocks (&m, 0, 1, TRUE);
      n_rare += m.peers[0].queue[0].piece != 7;
      model_disconnect_peer (&m, 0);
      model_disconnect_peer (&m, 1);
      model_clear (&m);
    }
  g_assert_cmpuint (n_rare, >, 180);
  g_assert_cmpuint (n_rare, <, 200);
}

static void
test_order (void)
{
  Model m;

  model_init (&m, 32768, 32768 * 10, 8 * MIB);
  model_connect_peer (&m, 0, 100);
  model_connect_peer (&m, 1, 100);
  shoal_picker_set_sequential (m.picker, TRUE);
  shoal_picker_set_priority (m.picker, 8, SHOAL_PRIORITY_HIGH);
  shoal_picker_set_priority (m.picker, 0, SHOAL_PRIORITY_LOW);
  shoal_picker_set_priority (m.picker, 1, SHOAL_PRIORITY_SKIP);
  m.priorities[8] = SHOAL_PRIORITY_HIGH;
  m.priorities[0] = SHOAL_PRIORITY_LOW;
  m.priorities[1] = SHOAL_PRIORITY_SKIP;

  /* Several peers share a piece: the second goes on where the first ended. */
  model_pick_blocks (&m, 0, 1, TRUE);
  model_pick_blocks (&m, 1, 2, TRUE);
  g_assert_cmpuint (m.peers[0].queue[0].piece, ==, 8);
  g_assert_cmpuint (m.peers[1].queue[0].piece, ==, 8);
  g_assert_cmpuint (m.peers[1].queue[1].piece, ==, 2);
  model_pick_blocks (&m, 0, 15, TRUE);
  g_assert_cmpuint (m.peers[0].queue[1].piece, ==, 2);
  g_assert_cmpuint (m.peers[0].queue[2].piece, ==, 3);
  g_assert_cmpuint (m.peers[0].queue[m.peers[0].n_queue - 1].piece, ==, 0);
  model_disconnect_peer (&m, 0);
  model_disconnect_peer (&m, 1);
  model_clear (&m);
}

static void
test_end_game (void)
{
  Model m;
  guint n;

  model_init (&m, 65536, 65536 * 2, 8 * MIB);
  for (guint i = 0; i < 5; i++)
    {
      model_connect_peer (&m, i, 100);
      m.peers[i].rate = 10000;
    }
  n = model_pick_blocks (&m, 0, 20, FALSE);
  g_assert_cmpuint (n, ==, 8);
  g_assert_true (shoal_picker_in_end_game (m.picker));
  g_assert_true (shoal_picker_is_waiting (m.picker));

  /* Not at once from an equal peer that would not be sooner; but once they are overdue; three
   * copies at most. */
  model_pick_blocks (&m, 1, 2, FALSE);
  g_assert_cmpuint (m.peers[1].n_queue, ==, 2);
  g_assert_cmpuint (shoal_picker_requests_of (m.picker, m.peers[0].queue[0]), ==, 1);
  model_choke_peer (&m, 1);
  m.now_us += 60 * G_USEC_PER_SEC;
  n = model_pick_blocks (&m, 1, 20, FALSE);
  g_assert_cmpuint (n, ==, 8);
  m.peers[2].rate = 30000;
  m.now_us += 60 * G_USEC_PER_SEC;
  n = model_pick_blocks (&m, 2, 20, FALSE);
  g_assert_cmpuint (n, ==, 8);
  m.now_us += 10 * G_USEC_PER_SEC;
  n = model_pick_blocks (&m, 3, 20, FALSE);
  g_assert_cmpuint (n, ==, 0);
  g_assert_false (shoal_picker_is_waiting (m.picker));
  shoal_picker_check (m.picker);

  /* arrive() checks the list of those who want a Cancel. */
  while (m.peers[2].n_queue > 0)
    model_arrive (&m, 2, FALSE);
  g_assert_true (model_is_complete (&m));
  g_assert_cmpuint (m.n_arrived, ==, 8);
  for (guint i = 0; i < 5; i++)
    model_disconnect_peer (&m, i);
  model_clear (&m);
}

/* A peer that is late and sends all the same is late with the rest too: that is no reason to ask
 * others. */
static void
test_late_owner (void)
{
  Model m;

  model_init (&m, 65536, 65536 * 2, 8 * MIB);
  for (guint i = 0; i < 2; i++)
    {
      model_connect_peer (&m, i, 100);
      m.peers[i].rate = 100 * SHOAL_BLOCK_SIZE;
    }
  g_assert_cmpuint (model_pick_blocks (&m, 0, 20, FALSE), ==, 8);
  m.now_us += 600000;
  model_arrive (&m, 0, FALSE);
  g_assert_cmpuint (model_pick_blocks (&m, 1, 20, FALSE), ==, 0);
  /* It stopped. */
  m.now_us += 600000;
  g_assert_cmpuint (model_pick_blocks (&m, 1, 20, FALSE), ==, 7);
  for (guint i = 0; i < 2; i++)
    model_disconnect_peer (&m, i);
  model_clear (&m);
}

/* A block in a finished piece is asked of a fast peer when its owner is slow, though there is other
 * work. */
static void
test_slow_owner (void)
{
  Model m;
  guint32 piece;

  model_init (&m, 65536, 65536 * 20, 8 * MIB);
  set_had_many (&m, 16, 20);
  model_connect_peer (&m, 0, 100);
  model_connect_peer (&m, 1, 100);
  m.peers[0].rate = 1600;
  m.peers[1].rate = 100000;
  model_pick_blocks (&m, 0, 1, FALSE);
  piece = m.peers[0].queue[0].piece;
  model_pick_blocks (&m, 1, 3, FALSE);
  while (m.peers[1].n_queue > 0)
    model_arrive (&m, 1, FALSE);
  model_pick_blocks (&m, 1, 1, FALSE);
  g_assert_cmpuint (m.peers[1].queue[0].piece, !=, piece);
  m.now_us += 4 * G_USEC_PER_SEC;
  model_pick_blocks (&m, 1, 4, FALSE);
  g_assert_cmpuint (shoal_picker_requests_of (m.picker, m.peers[0].queue[0]), ==, 2);
  model_disconnect_peer (&m, 0);
  g_assert_cmpuint (m.peers[1].n_queue, ==, 5);
  model_disconnect_peer (&m, 1);
  model_clear (&m);
}

static void
test_alone (void)
{
  Model m;
  guint numbers[4];

  model_init (&m, 65536, 65536, 8 * MIB);
  model_connect_peer (&m, 0, 100);
  model_connect_peer (&m, 1, 100);
  model_pick_blocks (&m, 0, 2, FALSE);
  model_pick_blocks (&m, 1, 2, FALSE);
  g_assert_cmpuint (m.peers[1].n_queue, ==, 2);
  while (m.peers[0].n_queue > 0)
    model_arrive (&m, 0, FALSE);
  model_arrive (&m, 1, FALSE);
  g_assert_cmpuint (shoal_picker_contributors (m.picker, 0, numbers, 4), ==, 2);
  g_assert_cmpuint (shoal_picker_contributors (m.picker, 0, numbers, 1), ==, 1);
  model_choke_peer (&m, 1);

  /* The blocks of others go, then only one peer is asked, also in end game. */
  shoal_picker_set_alone (m.picker, 0, TRUE);
  memset (m.blocks[0], MODEL_FREE, 4);
  g_assert_cmpuint (model_pick_blocks (&m, 0, 3, FALSE), ==, 3);
  m.now_us += 60 * G_USEC_PER_SEC;
  g_assert_cmpuint (model_pick_blocks (&m, 1, 3, FALSE), ==, 0);
  model_arrive (&m, 0, FALSE);
  shoal_picker_check (m.picker);

  /* It leaves: another begins anew. */
  model_disconnect_peer (&m, 0);
  memset (m.blocks[0], MODEL_FREE, 4);
  g_assert_cmpuint (model_pick_blocks (&m, 1, 8, FALSE), ==, 4);
  shoal_picker_check (m.picker);
  while (m.peers[1].n_queue > 1)
    model_arrive (&m, 1, FALSE);
  g_assert_cmpuint (shoal_picker_contributors (m.picker, 0, numbers, 4), ==, 1);
  g_assert_cmpuint (numbers[0], ==, 1);
  model_arrive (&m, 1, FALSE);
  g_assert_true (m.had[0]);
  model_disconnect_peer (&m, 1);
  model_clear (&m);
}

/* What failed is fetched again before anything new. */
static void
test_alone_first (void)
{
  Model m;

  for (guint round = 0; round < 20; round++)
    {
      model_init (&m, 32768, 32768 * 50, 8 * MIB);
      shoal_rng_init (&m.rng, round);
      model_connect_peer (&m, 0, 100);
      shoal_picker_set_alone (m.picker, 33, TRUE);
      model_pick_blocks (&m, 0, 1, TRUE);
      g_assert_cmpuint (m.peers[0].queue[0].piece, ==, 33);
      model_disconnect_peer (&m, 0);
      model_clear (&m);
    }
}

/* A piece that changes hands begins anew, which may find the arena full. */
static void
test_alone_without_memory (void)
{
  Model m;
  guint8 *taken[8];

  model_init (&m, 2 * MIB, 4 * MIB, 8 * MIB);
  model_connect_peer (&m, 0, 100);
  model_connect_peer (&m, 1, 100);
  model_pick_blocks (&m, 0, 1, FALSE);
  shoal_picker_set_alone (m.picker, m.peers[0].queue[0].piece, TRUE);
  model_arrive (&m, 0, FALSE);
  for (guint32 p = 0; p < 2; p++)
    if (shoal_picker_n_runs (m.picker, p) > 0)
      {
        model_spill (&m, p);
        model_end_spill (&m, p);
        memset (m.blocks[p], MODEL_FREE, 128);
      }
  for (guint i = 0; i < 8; i++)
    taken[i] = shoal_arena_take (m.arena, SHOAL_RUN_SIZE);
  g_assert_cmpuint (model_pick_blocks (&m, 1, 4, FALSE), ==, 0);
  shoal_picker_check (m.picker);
  g_assert_cmpuint (shoal_picker_n_active (m.picker), ==, 0);
  for (guint i = 0; i < 8; i++)
    shoal_arena_give (m.arena, taken[i], SHOAL_RUN_SIZE);
  g_assert_cmpuint (model_pick_blocks (&m, 1, 4, FALSE), ==, 4);
  model_disconnect_peer (&m, 0);
  model_disconnect_peer (&m, 1);
  model_clear (&m);
}

static void
test_allowed_fast (void)
{
  Model m;
  ShoalPickWho who;
  ShoalBlock out[8];
  const guint32 only[] = { 99, 3, 5 };

  model_init (&m, 32768, 32768 * 8, 8 * MIB);
  model_connect_peer (&m, 0, 100);
  who = model_who_is (&m, 0);
  who.only = only;
  who.n_only = G_N_ELEMENTS (only);
  g_assert_cmpuint (shoal_picker_pick (m.picker, &who, out, 8), ==, 4);
  g_assert_cmpuint (out[0].piece, ==, 3);
  g_assert_cmpuint (out[3].piece, ==, 5);
  for (guint i = 0; i < 4; i++)
    shoal_picker_release (m.picker, who.owner, out[i]);
  g_assert_cmpuint (shoal_picker_n_active (m.picker), ==, 0);

  /* A lone piece that is being hashed is left alone. */
  shoal_picker_set_alone (m.picker, 3, TRUE);
  who.n_only = 2;
  g_assert_cmpuint (shoal_picker_pick (m.picker, &who, out, 8), ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      gpointer others[SHOAL_COPIES_MAX];
      guint n_others;
      g_autofree guint8 *data = g_malloc0 (SHOAL_BLOCK_SIZE);

      shoal_picker_received (m.picker, &who, out[i], data, others, &n_others);
    }
  g_assert_true (shoal_picker_is_full (m.picker, 3));
  who.contributor = 7;
  g_assert_cmpuint (shoal_picker_pick (m.picker, &who, out, 8), ==, 0);
  shoal_picker_check (m.picker);
  g_assert_true (shoal_picker_is_full (m.picker, 3));
  model_disconnect_peer (&m, 0);
  model_clear (&m);
}

/* A place that was shown stays with its owner when the block is shared, until it arrives. */
static void
test_place (void)
{
  Model m;
  ShoalBlock at;
  ShoalPickWho who;
  gpointer others[SHOAL_COPIES_MAX];
  guint n_others;
  guint8 data[1000];

  model_init (&m, 16384, 1000, 8 * MIB);
  model_connect_peer (&m, 0, 100);
  model_connect_peer (&m, 1, 100);
  model_pick_blocks (&m, 0, 1, FALSE);
  at = m.peers[0].queue[0];
  g_assert_nonnull (shoal_picker_place (m.picker, &m.peers[0], at));
  m.now_us += 200 * G_USEC_PER_SEC;
  model_pick_blocks (&m, 1, 1, FALSE);
  g_assert_nonnull (shoal_picker_place (m.picker, &m.peers[0], at));
  g_assert_null (shoal_picker_place (m.picker, &m.peers[1], at));

  memset (data, model_content (at), sizeof data);
  who = model_who_is (&m, 1);
  g_assert_cmpint (shoal_picker_received (m.picker, &who, at, data, others, &n_others), ==,
                   SHOAL_ARRIVAL_PIECE_FULL);
  g_assert_cmpuint (n_others, ==, 1);
  g_assert_true (others[0] == &m.peers[0]);
  g_assert_null (shoal_picker_place (m.picker, &m.peers[0], at));
  who = model_who_is (&m, 0);
  g_assert_cmpint (shoal_picker_received (m.picker, &who, at, data, others, &n_others), ==,
                   SHOAL_ARRIVAL_DUPLICATE);
  shoal_picker_judged (m.picker, 0, TRUE);
  g_assert_cmpint (shoal_picker_received (m.picker, &who, at, data, others, &n_others), ==,
                   SHOAL_ARRIVAL_DUPLICATE);
  m.peers[0].n_queue = m.peers[1].n_queue = 0;
  model_disconnect_peer (&m, 0);
  model_disconnect_peer (&m, 1);
  model_clear (&m);
}

static void
test_had_and_lost (void)
{
  Model m;

  model_init (&m, 16384, 16384 * 100, 8 * MIB);
  shoal_picker_set_all_had (m.picker);
  g_assert_true (shoal_bitfield_is_full (shoal_picker_had (m.picker)));
  g_assert_true (model_is_complete (&m));
  shoal_picker_set_lost (m.picker, 5);
  g_assert_cmpuint (shoal_picker_missing (m.picker)->n_set, ==, 1);
  model_connect_peer (&m, 0, 100);
  g_assert_cmpuint (model_pick_blocks (&m, 0, 5, FALSE), ==, 1);
  model_arrive (&m, 0, FALSE);
  g_assert_true (model_is_complete (&m));
  shoal_picker_check (m.picker);
  model_disconnect_peer (&m, 0);
  model_clear (&m);
}

/* A thousand peers: Haves and disconnects leave the right sums. */
static void
test_many_peers (void)
{
  Model m;
  const guint n_peers = 1000;
  const guint32 n_pieces = 500;
  g_autofree guint *sums = g_new0 (guint, n_pieces);
  ShoalBitfield *bits[1000];

  model_init (&m, 16384, 16384ull * n_pieces, 8 * MIB);
  for (guint i = 0; i < n_peers; i++)
    {
      bits[i] = shoal_bitfield_new (n_pieces);
      shoal_picker_add_peer (m.picker, bits[i]);
    }
  model_connect_peer (&m, 0, 100);
  model_pick_blocks (&m, 0, 4, FALSE);
  for (guint i = 0; i < 200000; i++)
    {
      guint k = model_chance (&m, n_peers);
      guint32 piece = model_chance (&m, n_pieces);

      if (shoal_bitfield_set (bits[k], piece))
        {
          shoal_picker_add_copy (m.picker, piece);
          sums[piece]++;
        }
    }
  shoal_picker_check (m.picker);
  for (guint32 p = 0; p < n_pieces; p++)
    g_assert_cmpuint (shoal_picker_copies (m.picker, p), ==, sums[p] + 1);
  for (guint i = 0; i < n_peers; i++)
    {
      shoal_picker_remove_peer (m.picker, bits[i]);
      shoal_bitfield_free (bits[i]);
    }
  for (guint32 p = 0; p < n_pieces; p++)
    g_assert_cmpuint (shoal_picker_copies (m.picker, p), ==, 1);
  shoal_picker_check (m.picker);
  model_disconnect_peer (&m, 0);
  model_clear (&m);
}

/* Only the wrong blocks of a full piece are free again, in memory or on the disk. */
static void
test_judged_blocks (void)
{
  const guint8 wrong[6] = { 0, 1, 0, 0, 1, 0 };
  ShoalPickWho who = { .owner = &who, .contributor = 3, .rate = 100, .now_us = 1 };
  ShoalBlock blocks[8];
  gpointer others[SHOAL_COPIES_MAX];
  guint8 data[16384] = { 0 };
  guint n_others;
  Model m;

  model_init (&m, 6 * 16384, 2 * 6 * 16384, 8 * MIB);
  /* The first four blocks were written in an earlier run. */
  for (guint32 block = 0; block < 4; block++)
    shoal_picker_set_spilled (m.picker, 0, block);
  shoal_picker_add_peer (m.picker, NULL);
  g_assert_cmpuint (shoal_picker_pick (m.picker, &who, blocks, 2), ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpuint (blocks[i].piece, ==, 0);
      shoal_picker_received (m.picker, &who, blocks[i], data, others, &n_others);
    }
  g_assert_true (shoal_picker_is_full (m.picker, 0));
  shoal_picker_check (m.picker);

  shoal_picker_judged_blocks (m.picker, 0, wrong, G_N_ELEMENTS (wrong));
  shoal_picker_check (m.picker);
  g_assert_false (shoal_picker_is_full (m.picker, 0));
  g_assert_cmpuint (shoal_picker_spilled_blocks (m.picker, NULL, 0), ==, 3);
  g_assert_cmpuint (shoal_picker_pick (m.picker, &who, blocks, 2), ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpuint (blocks[i].piece, ==, 0);
      g_assert_true (wrong[blocks[i].block]);
      shoal_picker_received (m.picker, &who, blocks[i], data, others, &n_others);
    }
  g_assert_true (shoal_picker_is_full (m.picker, 0));
  shoal_picker_check (m.picker);
  shoal_picker_remove_peer (m.picker, NULL);
  model_clear (&m);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/picker/rarest-first", test_rarest_first);
  g_test_add_func ("/picker/left-to-others", test_left_to_others);
  g_test_add_func ("/picker/random-first", test_random_first);
  g_test_add_func ("/picker/order", test_order);
  g_test_add_func ("/picker/end-game", test_end_game);
  g_test_add_func ("/picker/late-owner", test_late_owner);
  g_test_add_func ("/picker/slow-owner", test_slow_owner);
  g_test_add_func ("/picker/alone", test_alone);
  g_test_add_func ("/picker/alone-first", test_alone_first);
  g_test_add_func ("/picker/alone-without-memory", test_alone_without_memory);
  g_test_add_func ("/picker/allowed-fast", test_allowed_fast);
  g_test_add_func ("/picker/place", test_place);
  g_test_add_func ("/picker/had-and-lost", test_had_and_lost);
  g_test_add_func ("/picker/many-peers", test_many_peers);
  g_test_add_func ("/picker/judged-blocks", test_judged_blocks);

  return g_test_run ();
}
