/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranges from the picker: one block behind the other, the right ones first. */

#include "shoal-picker.h"
#include "shoal-test.h"

#include <string.h>

#define PIECE  65536u
#define BLOCKS 4u      /* a piece */
#define N      32u     /* pieces */

typedef struct
{
  ShoalLayout *layout;
  ShoalArena  *arena;
  ShoalRng     rng;
  ShoalPicker *picker;
  guint32      cursor;
  ShoalBlock   out[N * BLOCKS];
} Fixture;

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  guint64 total = (guint64) PIECE * N - 1000;
  g_autoptr (GError) error = NULL;

  self->layout = shoal_layout_new (PIECE, 1, &total, NULL, FALSE, &error);
  g_assert_no_error (error);
  self->arena = shoal_arena_new (8u << 20);
  shoal_rng_init (&self->rng, shoal_test_seed ());
  self->picker = shoal_picker_new (self->layout, self->arena, &self->rng);
  shoal_picker_add_peer (self->picker, NULL);
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  shoal_picker_check (self->picker);
  shoal_picker_free (self->picker);
  shoal_arena_free (self->arena);
  shoal_layout_free (self->layout);
}

static guint
pick (Fixture             *self,
      gpointer             owner,
      const ShoalBitfield *bits,
      guint                max)
{
  ShoalPickWho who = {
    .owner = owner, .contributor = GPOINTER_TO_UINT (owner), .bits = bits, .now_us = 1
  };
  guint n = shoal_picker_pick_run (self->picker, &who, &self->cursor, self->out, max);

  shoal_picker_check (self->picker);
  for (guint i = 1; i < n; i++)
    g_assert_cmpuint (self->out[i].piece * BLOCKS + self->out[i].block, ==,
                      self->out[0].piece * BLOCKS + self->out[0].block + i);

  return n;
}

static void
release (Fixture *self,
         gpointer owner,
         guint    n)
{
  for (guint i = 0; i < n; i++)
    shoal_picker_release (self->picker, owner, self->out[i]);
}

static void
receive (Fixture *self,
         gpointer owner,
         guint    n)
{
  static const guint8 bytes[SHOAL_BLOCK_SIZE];
  ShoalPickWho who = { .owner = owner, .contributor = GPOINTER_TO_UINT (owner), .now_us = 2 };
  gpointer others[SHOAL_COPIES_MAX];
  guint n_others;

  for (guint i = 0; i < n; i++)
    g_assert_cmpint (shoal_picker_received (self->picker, &who, self->out[i], bytes, others,
                                            &n_others),
                     !=, SHOAL_ARRIVAL_DUPLICATE);
}

static gpointer const one = GUINT_TO_POINTER (1);
static gpointer const two = GUINT_TO_POINTER (2);

static void
test_rows (Fixture       *self,
           gconstpointer  data)
{
  self->cursor = 5;
  g_assert_cmpuint (pick (self, one, NULL, 3 * BLOCKS), ==, 3 * BLOCKS);
  g_assert_cmpuint (self->out[0].piece, ==, 5);
  g_assert_cmpuint (self->cursor, ==, 8);
  /* The next one goes on behind it; a part of a piece is left open. */
  g_assert_cmpuint (pick (self, two, NULL, 2 * BLOCKS + 1), ==, 2 * BLOCKS + 1);
  g_assert_cmpuint (self->out[0].piece, ==, 8);
  receive (self, two, 2 * BLOCKS + 1);
  /* What was begun and nobody sends comes first. */
  g_assert_cmpuint (pick (self, one, NULL, 100), ==, BLOCKS - 1);
  g_assert_cmpuint (self->out[0].piece, ==, 10);
  g_assert_cmpuint (self->out[0].block, ==, 1);
}

static void
test_gaps (Fixture       *self,
           gconstpointer  data)
{
  /* Gaps of 1, 2 and 8 pieces. */
  for (guint32 i = 0; i < N; i++)
    if (i != 3 && i != 10 && i != 11 && (i < 20 || i >= 28))
      shoal_picker_set_had (self->picker, i);
  self->cursor = 0;
  g_assert_cmpuint (pick (self, one, NULL, 2 * BLOCKS), ==, 2 * BLOCKS);
  g_assert_cmpuint (self->out[0].piece, ==, 10);
  release (self, one, 2 * BLOCKS);
  /* None is long enough: the longest. */
  self->cursor = 12;
  g_assert_cmpuint (pick (self, one, NULL, 10 * BLOCKS), ==, 8 * BLOCKS);
  g_assert_cmpuint (self->out[0].piece, ==, 20);
  /* Round the end. */
  g_assert_cmpuint (pick (self, two, NULL, BLOCKS), ==, BLOCKS);
  g_assert_cmpuint (self->out[0].piece, ==, 3);
}

static void
test_sequential (Fixture       *self,
                 gconstpointer  data)
{
  shoal_picker_set_sequential (self->picker, TRUE);
  shoal_picker_set_had (self->picker, 0);
  shoal_picker_set_had (self->picker, 2);
  self->cursor = 20;
  g_assert_cmpuint (pick (self, one, NULL, 10 * BLOCKS), ==, BLOCKS);
  g_assert_cmpuint (self->out[0].piece, ==, 1);
  g_assert_cmpuint (pick (self, one, NULL, 10 * BLOCKS), ==, 10 * BLOCKS);
  g_assert_cmpuint (self->out[0].piece, ==, 3);
}

static void
test_priorities (Fixture       *self,
                 gconstpointer  data)
{
  shoal_picker_set_priority (self->picker, 17, SHOAL_PRIORITY_HIGH);
  shoal_picker_set_priority (self->picker, 1, SHOAL_PRIORITY_SKIP);
  shoal_picker_set_priority (self->picker, 2, SHOAL_PRIORITY_LOW);
  self->cursor = 0;
  g_assert_cmpuint (pick (self, one, NULL, 10 * BLOCKS), ==, BLOCKS);
  g_assert_cmpuint (self->out[0].piece, ==, 17);
  for (guint n = pick (self, one, NULL, 100); n > 0 && self->out[0].piece != 2;
       n = pick (self, one, NULL, 100))
    {
      g_assert_cmpuint (self->out[0].piece, !=, 1);
      receive (self, one, n);
    }
  g_assert_cmpuint (self->out[0].piece, ==, 2);
}

static void
test_bits (Fixture       *self,
           gconstpointer  data)
{
  ShoalBitfield *bits = shoal_bitfield_new (N);

  shoal_bitfield_set (bits, 7);
  shoal_bitfield_set (bits, 8);
  self->cursor = 0;
  g_assert_cmpuint (pick (self, one, bits, 10 * BLOCKS), ==, 2 * BLOCKS);
  g_assert_cmpuint (self->out[0].piece, ==, 7);
  g_assert_cmpuint (pick (self, one, bits, 10 * BLOCKS), ==, 0);
  shoal_bitfield_free (bits);
}

/* A piece that failed goes to one alone, and to nobody else while that one has it. */
static void
test_failed (Fixture       *self,
             gconstpointer  data)
{
  shoal_picker_set_alone (self->picker, 30, TRUE);
  self->cursor = 0;
  g_assert_cmpuint (pick (self, one, NULL, 10 * BLOCKS), ==, BLOCKS);
  g_assert_cmpuint (self->out[0].piece, ==, 30);
  release (self, one, 1);
  g_assert_cmpuint (pick (self, two, NULL, 2), ==, 2);
  g_assert_cmpuint (self->out[0].piece, ==, 0);
  g_assert_cmpuint (pick (self, one, NULL, 10), ==, 1);
  g_assert_cmpuint (self->out[0].piece, ==, 30);
}

/* The arena is short: what there is of it is used, and the rest later. */
static void
test_memory (Fixture       *self,
             gconstpointer  data)
{
  guint8 *slabs[7];
  guint n;

  for (guint i = 0; i < G_N_ELEMENTS (slabs); i++)
    slabs[i] = shoal_arena_take (self->arena, SHOAL_RUN_SIZE);
  n = pick (self, one, NULL, N * BLOCKS);
  g_assert_cmpuint (n, >=, BLOCKS);
  g_assert_cmpuint (n, <, N * BLOCKS);
  g_assert_cmpuint (pick (self, two, NULL, N * BLOCKS), ==, 0);
  release (self, one, n);
  for (guint i = 0; i < G_N_ELEMENTS (slabs); i++)
    shoal_arena_give (self->arena, slabs[i], SHOAL_RUN_SIZE);
}

/* At the end a row of what another one takes too long for. */
static void
test_end_game (Fixture       *self,
               gconstpointer  data)
{
  ShoalPickWho slow = { .owner = one, .contributor = 1, .rate = 10, .now_us = 1 };
  ShoalPickWho fast = {
    .owner = two, .contributor = 2, .rate = 100000000, .now_us = 10 * G_USEC_PER_SEC
  };
  guint n;

  for (guint32 i = 2; i < N; i++)
    shoal_picker_set_had (self->picker, i);
  self->cursor = 0;
  g_assert_cmpuint (shoal_picker_pick_run (self->picker, &slow, &self->cursor, self->out, 100), ==,
                    2 * BLOCKS);
  g_assert_true (shoal_picker_in_end_game (self->picker));
  n = shoal_picker_pick_run (self->picker, &fast, &self->cursor, self->out, 3);
  g_assert_cmpuint (n, ==, 3);
  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpuint (self->out[i].piece, ==, 1);
      g_assert_cmpuint (self->out[i].block, ==, 1 + i);
      g_assert_cmpuint (shoal_picker_requests_of (self->picker, self->out[i]), ==, 2);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/engine/picker-run/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("rows", test_rows);
  ADD ("gaps", test_gaps);
  ADD ("sequential", test_sequential);
  ADD ("priorities", test_priorities);
  ADD ("bits", test_bits);
  ADD ("failed", test_failed);
  ADD ("memory", test_memory);
  ADD ("end-game", test_end_game);

  return g_test_run ();
}
