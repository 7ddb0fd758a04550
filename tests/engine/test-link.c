/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole torrents over one link: reads split anywhere, hostile bytes, limits. */

#include "pair.h"

#include <string.h>
#include "shoal-message.h"
#include "shoal-test.h"

#define MAX_STEPS 200000u

static void
run_until_complete (Pair  *pair,
                    gint64 step_us)
{
  for (guint i = 0; i < MAX_STEPS && !pair->ends[1].complete; i++)
    pair_step (pair, step_us);
  g_assert_true (pair->ends[1].complete);
  g_assert_cmpmem (pair->ends[1].content, pair->metainfo->layout->total_size, pair->truth,
                   pair->metainfo->layout->total_size);
}

static void
test_whole_reads (void)
{
  g_autoptr(Pair) pair = pair_new (3 * 1024 * 1024 + 12345, 256 * 1024, shoal_test_seed (), NULL);

  pair_add (pair, 0, FALSE);
  g_assert_true (pair->ends[0].complete);
  pair_add (pair, 1, FALSE);
  pair_connect (pair);
  run_until_complete (pair, 5000);
}

static void
test_split_reads (void)
{
  static const guint sizes[] = { 1, 3, 14, 100, 16384, 16400, 70000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr(Pair) pair = pair_new (300 * 1024 + 77, 64 * 1024, shoal_test_seed () + i, NULL);

      pair->max_read = sizes[i];
      pair_add (pair, 0, FALSE);
      pair_add (pair, 1, FALSE);
      pair_connect (pair);
      run_until_complete (pair, 5000);
    }
}

static void
test_magnet (void)
{
  g_autoptr(Pair) pair = pair_new (900 * 1024 * 8, 16 * 1024, shoal_test_seed (), NULL);

  pair->max_read = 5000;
  pair_add (pair, 0, FALSE);
  pair_add (pair, 1, TRUE);
  pair_connect (pair);
  run_until_complete (pair, 5000);
}

static void
test_small_arena (void)
{
  ShoalConfig config;
  g_autoptr(Pair) pair = NULL;

  shoal_config_init (&config);
  config.arena_size = 8 * 1024 * 1024;
  pair = pair_new (24 * 1024 * 1024, 16 * 1024 * 1024, shoal_test_seed (), &config);
  pair_add (pair, 0, FALSE);
  pair_add (pair, 1, FALSE);
  pair_connect (pair);
  run_until_complete (pair, 100 * G_TIME_SPAN_MILLISECOND);
}

static void
test_limit (void)
{
  ShoalConfig config;
  g_autoptr(Pair) pair = NULL;
  gint64 began_us;

  shoal_config_init (&config);
  config.limit_down = 100 * 1024;
  pair = pair_new (1024 * 1024, 64 * 1024, shoal_test_seed (), &config);
  pair_add (pair, 0, FALSE);
  pair_add (pair, 1, FALSE);
  pair_connect (pair);
  began_us = pair->now_us;
  run_until_complete (pair, 20 * G_TIME_SPAN_MILLISECOND);
  g_assert_cmpint (pair->now_us - began_us, >, 9 * G_USEC_PER_SEC);
  g_assert_cmpint (pair->now_us - began_us, <, 13 * G_USEC_PER_SEC);
}

/* The connection of a hostile peer ends; nothing else happens. */
static void
expect_closed (const guint8 *bytes,
               gsize         size)
{
  g_autoptr(Pair) pair = pair_new (300 * 1024, 64 * 1024, shoal_test_seed (), NULL);

  pair_add (pair, 0, FALSE);
  pair_add (pair, 1, FALSE);
  pair_connect (pair);
  for (guint i = 0; i < 4; i++)
    pair_step (pair, 1000);
  g_assert_false (pair->ends[1].complete);
  pair_inject (pair, 0, bytes, size);
  for (guint i = 0; i < 400 && !pair->ends[0].closed; i++)
    pair_step (pair, 1000);
  g_assert_true (pair->ends[0].closed);
}

static void
test_hostile (void)
{
  guint8 bytes[64];
  guint size;

  size = shoal_message_write_piece_index (bytes, SHOAL_MESSAGE_HAVE, 5000);
  expect_closed (bytes, size);
  size = shoal_message_write_request (bytes, SHOAL_MESSAGE_REQUEST, 0, 0, 1024 * 1024);
  expect_closed (bytes, size);
  size = shoal_message_write_request (bytes, SHOAL_MESSAGE_REQUEST, 4, 65536, 16384);
  expect_closed (bytes, size);
  size = shoal_message_write_piece_header (bytes, 0, 0, 16384);
  expect_closed (bytes, size);
  memset (bytes, 0xff, sizeof bytes);
  expect_closed (bytes, sizeof bytes);
  size = shoal_message_write_bitfield_header (bytes, 3);
  memset (bytes + size, 0, 3);
  expect_closed (bytes, size + 3);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/link/whole-reads", test_whole_reads);
  g_test_add_func ("/link/split-reads", test_split_reads);
  g_test_add_func ("/link/magnet", test_magnet);
  g_test_add_func ("/link/small-arena", test_small_arena);
  g_test_add_func ("/link/limit", test_limit);
  g_test_add_func ("/link/hostile", test_hostile);

  return g_test_run ();
}
