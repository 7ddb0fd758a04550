/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The picker against a naive model, under random events and with little memory. */

#include "picker-model.h"
#include "shoal-test.h"

#include <string.h>

/* --- Random events --- */

static void
random_event (Model   *m,
              guint32 *spilling,
              gboolean ample)
{
  guint index = model_chance (m, N_PEERS);
  ModelPeer *peer = &m->peers[index];

  m->now_us += model_chance (m, 200000);
  switch (model_chance (m, 16))
    {
    case 0:
      if (peer->connected && model_chance (m, 4) == 0)
        model_disconnect_peer (m, index);
      else if (!peer->connected)
        model_connect_peer (m, index, model_chance (m, 3) == 0 ? 100 : model_chance (m, 100));
      break;
    case 1:
      if (peer->connected)
        model_change_bit (m, index);
      break;
    case 2:
      if (model_chance (m, 4) == 0)
        model_choke_peer (m, index);
      break;
    case 3:
      if (peer->n_queue > 0)
        model_release_request (m, peer, model_chance (m, peer->n_queue));
      break;
    case 4:
      if (model_chance (m, 8) == 0 && *spilling == SHOAL_BITFIELD_NONE)
        model_change_priority (m);
      break;
    case 5:
      if (*spilling != SHOAL_BITFIELD_NONE)
        {
          model_end_spill (m, *spilling);
          *spilling = SHOAL_BITFIELD_NONE;
        }
      else if (model_chance (m, 4) == 0)
        {
          *spilling = shoal_picker_coldest (m->picker, G_MAXINT64);
          if (*spilling != SHOAL_BITFIELD_NONE)
            model_spill (m, *spilling);
        }
      break;
    case 6: case 7: case 8: case 9:
      if (peer->connected)
        model_pick_blocks (m, index, 1 + model_chance (m, 8), ample);
      break;
    default:
      if (peer->n_queue > 0)
        model_arrive (m, index, TRUE);
      break;
    }
  shoal_picker_check (m->picker);
}

static void
random_run (guint32  piece_size,
            guint64  total,
            gsize    arena,
            guint    n_events,
            gboolean ample)
{
  Model m;
  guint32 spilling = SHOAL_BITFIELD_NONE;

  model_init (&m, piece_size, total, arena);
  for (guint i = 0; i < n_events; i++)
    {
      random_event (&m, &spilling, ample);
      if (i % 64 == 0)
        model_check_availability (&m);
    }

  if (spilling != SHOAL_BITFIELD_NONE)
    model_end_spill (&m, spilling);
  for (guint i = 0; i < N_PEERS; i++)
    if (m.peers[i].connected)
      model_disconnect_peer (&m, i);
  model_check_availability (&m);
  shoal_picker_check (m.picker);

  /* Whatever happened, a seed completes it. */
  model_connect_peer (&m, 0, 100);
  model_connect_peer (&m, 1, 100);
  for (guint i = 0; i < 100000 && !model_is_complete (&m); i++)
    {
      m.now_us += G_USEC_PER_SEC / 4;
      for (guint k = 0; k < 2; k++)
        {
          model_pick_blocks (&m, k, 4, FALSE);
          if (m.peers[k].n_queue > 0)
            model_arrive (&m, k, TRUE);
        }
    }
  g_assert_true (model_is_complete (&m));
  model_choke_peer (&m, 0);
  model_choke_peer (&m, 1);
  model_disconnect_peer (&m, 0);
  model_disconnect_peer (&m, 1);
  model_clear (&m);
}

static void
test_random_small_pieces (void)
{
  random_run (16384, 16384 * 150 - 100, 16 * MIB, 20000, TRUE);
}

static void
test_random_pieces (void)
{
  random_run (65536, 65536 * 60 - 20000, 16 * MIB, 20000, TRUE);
}

static void
test_random_large_pieces (void)
{
  random_run (2 * MIB, 9 * MIB + 5, 8 * MIB, 12000, FALSE);
}

/* --- Memory --- */

/* An arena of 8 runs completes any torrent: whenever less than a quarter is free, the coldest piece
 * is written. */
static void
complete_in_8_runs (guint32 piece_size,
                    guint64 total)
{
  Model m;
  guint n_spills = 0;

  model_init (&m, piece_size, total, 8 * MIB);
  for (guint i = 0; i < 6; i++)
    model_connect_peer (&m, i, i < 2 ? 100 : 60);
  for (guint turn = 0; turn < 200000 && !model_is_complete (&m); turn++)
    {
      guint index = model_chance (&m, 6);

      m.now_us += 10000;
      model_pick_blocks (&m, index, 16, FALSE);
      for (guint k = 0; k < 8 && m.peers[index].n_queue > 0; k++)
        model_arrive (&m, index, TRUE);
      if (model_chance (&m, 50) == 0)
        model_choke_peer (&m, model_chance (&m, 6));
      if (shoal_arena_used (m.arena) > 6 * MIB)
        {
          guint32 piece = shoal_picker_coldest (m.picker, G_MAXINT64);

          if (piece != SHOAL_BITFIELD_NONE)
            {
              model_spill (&m, piece);
              model_end_spill (&m, piece);
              n_spills++;
            }
        }
      if (turn % 16 == 0)
        shoal_picker_check (m.picker);
    }
  g_assert_true (model_is_complete (&m));
  if (piece_size > 8 * MIB)
    g_assert_cmpuint (n_spills, >, 0);
  for (guint i = 0; i < 6; i++)
    model_disconnect_peer (&m, i);
  model_clear (&m);
}

static void
test_eight_runs (void)
{
  complete_in_8_runs (MIB, 24 * MIB + 77);
  complete_in_8_runs (4 * MIB, 25 * MIB);
  complete_in_8_runs (16 * MIB, 35 * MIB + 1);
  complete_in_8_runs (16384, 3 * MIB);
}

/* A new piece leaves a quarter of the arena to those which were started. */
static void
test_reserve (void)
{
  Model m;
  guint n = 0;

  model_init (&m, MIB, 32 * MIB, 8 * MIB);
  model_connect_peer (&m, 0, 100);
  while (model_pick_blocks (&m, 0, 1, FALSE) > 0)
    {
      /* Blocks of one piece stay, so that the next pick has to go on. */
      while (m.peers[0].n_queue > 0)
        model_arrive (&m, 0, FALSE);
      n++;
      if (n > 40 * 64)
        break;
    }
  g_assert_true (model_is_complete (&m));
  model_disconnect_peer (&m, 0);
  model_clear (&m);

  model_init (&m, MIB, 32 * MIB, 8 * MIB);
  for (guint i = 0; i < N_PEERS; i++)
    {
      model_connect_peer (&m, i, 0);
      shoal_bitfield_set (m.peers[i].bits, i);
      shoal_picker_add_copy (m.picker, i);
      n = model_pick_blocks (&m, i, 4, FALSE);
      g_assert_cmpuint (n, ==, i < 6 ? 4 : 0);
    }
  g_assert_cmpuint (shoal_arena_used (m.arena), ==, 6 * MIB);
  for (guint i = 0; i < N_PEERS; i++)
    model_disconnect_peer (&m, i);
  model_clear (&m);
}

/* The fuller memory is, the less a slow peer is asked for at a time; whoever else uses it counts as
 * well. */
static void
test_fair_depth (void)
{
  static const guint depths[32] = { 8, 4, 2, 2 };
  guint8 *runs[32];
  Model m;

  model_init (&m, MIB, 32 * MIB, 32 * MIB);
  g_assert_cmpuint (shoal_picker_fair_depth (m.picker), ==, G_MAXUINT);
  for (guint i = 0; i < 32; i++)
    {
      runs[i] = shoal_arena_take (m.arena, SHOAL_RUN_SIZE);
      g_assert_cmpuint (shoal_picker_fair_depth (m.picker), ==, MAX (depths[i], 1));
    }
  for (guint i = 0; i < 32; i++)
    shoal_arena_give (m.arena, runs[i], SHOAL_RUN_SIZE);
  g_assert_cmpuint (shoal_picker_fair_depth (m.picker), ==, G_MAXUINT);
  model_clear (&m);
}

static void
test_spill_restore (void)
{
  Model m;
  ShoalBlock blocks[64];
  ShoalPicker *second;
  guint n;

  model_init (&m, 65536, 65536 * 4, 8 * MIB);
  model_connect_peer (&m, 0, 100);
  model_pick_blocks (&m, 0, 3, FALSE);
  model_arrive (&m, 0, FALSE);
  model_arrive (&m, 0, FALSE);
  model_arrive (&m, 0, FALSE);
  g_assert_cmpuint (shoal_picker_coldest (m.picker, m.now_us - 1), ==, SHOAL_BITFIELD_NONE);
  g_assert_cmpuint (shoal_picker_coldest (m.picker, m.now_us), !=, SHOAL_BITFIELD_NONE);
  model_spill (&m, shoal_picker_coldest (m.picker, m.now_us));
  n = model_pick_blocks (&m, 0, 1, FALSE);   /* not into the piece that is being written */
  g_assert_cmpuint (n, ==, 1);
  g_assert_false (shoal_picker_is_spilling (m.picker, m.peers[0].queue[0].piece));
  model_choke_peer (&m, 0);
  for (guint32 p = 0; p < 4; p++)
    if (shoal_picker_is_spilling (m.picker, p))
      model_end_spill (&m, p);
  g_assert_cmpuint (shoal_arena_used (m.arena), ==, 0);

  g_assert_cmpuint (shoal_picker_spilled_blocks (m.picker, NULL, 0), ==, 3);
  n = shoal_picker_spilled_blocks (m.picker, blocks, G_N_ELEMENTS (blocks));
  g_assert_cmpuint (n, ==, 3);

  second = shoal_picker_new (m.layout, m.arena, &m.rng);
  for (guint i = 0; i < n; i++)
    shoal_picker_set_spilled (second, blocks[i].piece, blocks[i].block);
  shoal_picker_set_spilled (second, blocks[0].piece, blocks[0].block);
  shoal_picker_set_spilled (second, 0, 99);
  shoal_picker_check (second);
  shoal_picker_free (m.picker);
  m.picker = second;
  m.peers[0].n_queue = 0;
  shoal_picker_add_peer (second, m.peers[0].all ? NULL : m.peers[0].bits);

  g_assert_cmpuint (model_pick_blocks (&m, 0, 1, FALSE), ==, 1);
  g_assert_cmpuint (m.peers[0].queue[0].piece, ==, blocks[0].piece);
  model_arrive (&m, 0, FALSE);
  g_assert_true (m.had[blocks[0].piece]);
  model_disconnect_peer (&m, 0);
  model_clear (&m);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/picker/random/small-pieces", test_random_small_pieces);
  g_test_add_func ("/picker/random/pieces", test_random_pieces);
  g_test_add_func ("/picker/random/large-pieces", test_random_large_pieces);
  g_test_add_func ("/picker/eight-runs", test_eight_runs);
  g_test_add_func ("/picker/reserve", test_reserve);
  g_test_add_func ("/picker/fair-depth", test_fair_depth);
  g_test_add_func ("/picker/spill-restore", test_spill_restore);

  return g_test_run ();
}
