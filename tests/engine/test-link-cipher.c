/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encrypted links: every pair of policies, reads split anywhere, what an onlooker sees,
 * strangers. */

#include "pair.h"

#include <string.h>
#include "shoal-dh.h"
#include "shoal-mse.h"
#include "shoal-test.h"

#define MAX_STEPS 100000u
#define OFF       SHOAL_ENCRYPTION_OFF
#define PREFER    SHOAL_ENCRYPTION_PREFER
#define REQUIRE   SHOAL_ENCRYPTION_REQUIRE

static const char protocol[] = "\023BitTorrent protocol";

/* What somebody between the ends could see: the number of plain handshakes. */
typedef struct
{
  guint n_greetings;
  guint n_blocks;      /* that stand on the wire as they are on the disk */
  gsize first_sizes[2];
} Onlooker;

static Pair *
new_pair (guint64         size,
          guint64         seed,
          ShoalEncryption policy0,
          ShoalEncryption policy1)
{
  ShoalEncryption policies[2] = { policy0, policy1 };
  Pair *pair = pair_new (size, 64 * 1024, seed, NULL);

  for (guint i = 0; i < 2; i++)
    {
      ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_CONFIG);
      ShoalConfig config;

      shoal_config_init (&config);
      config.encryption = policies[i];
      command->config = g_memdup2 (&config, sizeof config);
      shoal_engine_begin (pair->ends[i].engine, pair->now_us, 1700000000);
      shoal_engine_command (pair->ends[i].engine, command);
      shoal_engine_end (pair->ends[i].engine);
    }
  for (guint i = 0; i < 2; i++)
    pair_add (pair, i, FALSE);

  return pair;
}

static void
look (Pair     *pair,
      Onlooker *onlooker)
{
  for (guint i = 0; i < 2; i++)
    {
      GByteArray *wire = pair->ends[i].wire;

      if (onlooker->first_sizes[i] == 0)
        onlooker->first_sizes[i] = wire->len;
      if (wire->len == 0)
        continue;
      if (memmem (wire->data, wire->len, protocol, sizeof protocol - 1) != NULL)
        onlooker->n_greetings++;
      if (memmem (wire->data, wire->len, pair->truth + pair->metainfo->layout->total_size / 2, 64)
          != NULL)
        onlooker->n_blocks++;
    }
}

/* Until everything is there or the link is gone. */
static void
run (Pair     *pair,
     Onlooker *onlooker)
{
  for (guint i = 0; i < MAX_STEPS && !pair->ends[1].complete && !pair->ends[1].closed; i++)
    {
      pair_step (pair, 5000);
      look (pair, onlooker);
    }
}

static void
assert_complete (Pair *pair)
{
  g_assert_true (pair->ends[1].complete);
  g_assert_cmpmem (pair->ends[1].content, pair->metainfo->layout->total_size, pair->truth,
                   pair->metainfo->layout->total_size);
}

/* End 0 is dialled by end 1. */
static const struct
{
  ShoalEncryption policies[2];
  gboolean        meets;
  guint           n_greetings;   /* in plain */
  gboolean        plain;         /* the payload */
} cases[] = {
  { { OFF, OFF }, TRUE, 2, TRUE },
  { { PREFER, OFF }, TRUE, 2, TRUE },
  { { PREFER, PREFER }, TRUE, 1, TRUE },      /* the first of them is said within the encrypted
                                               * handshake */
  { { REQUIRE, PREFER }, TRUE, 0, FALSE },
  { { PREFER, REQUIRE }, TRUE, 0, FALSE },
  { { REQUIRE, REQUIRE }, TRUE, 0, FALSE },
  { { REQUIRE, OFF }, FALSE, 1, FALSE },
  { { OFF, REQUIRE }, FALSE, 0, FALSE },
};

static void
test_policies (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(Pair) pair = new_pair (300 * 1024 + 77, shoal_test_seed () + i,
                                       cases[i].policies[0], cases[i].policies[1]);
      Onlooker onlooker = { 0 };

      pair_connect (pair);
      run (pair, &onlooker);
      if (cases[i].meets)
        assert_complete (pair);
      else
        g_assert_true (pair->ends[1].closed);
      g_assert_cmpuint (onlooker.n_greetings, ==, cases[i].n_greetings);
      g_assert_true ((onlooker.n_blocks > 0) == cases[i].plain);
    }
}

/* A peer that takes no encryption is dialled again without; the next time at once so. */
static void
test_fallback (void)
{
  g_autoptr(Pair) pair = new_pair (300 * 1024, shoal_test_seed (), OFF, PREFER);
  Onlooker onlooker = { 0 };
  gint64 closed_us;

  pair_connect (pair);
  run (pair, &onlooker);
  g_assert_true (pair->ends[1].closed);
  g_assert_cmpuint (onlooker.n_greetings, ==, 0);
  closed_us = pair->now_us;
  pair_connect (pair);
  g_assert_cmpint (pair->now_us, <, closed_us + G_USEC_PER_SEC);
  run (pair, &onlooker);
  assert_complete (pair);
  g_assert_cmpuint (onlooker.n_greetings, ==, 2);
}

/* Where nothing may be plain there is nothing to fall back to. */
static void
test_no_fallback (void)
{
  g_autoptr(Pair) pair = new_pair (300 * 1024, shoal_test_seed (), OFF, REQUIRE);
  Onlooker onlooker = { 0 };

  for (guint i = 0; i < 3; i++)
    {
      pair_connect (pair);
      run (pair, &onlooker);
      g_assert_true (pair->ends[1].closed);
    }
  g_assert_cmpuint (onlooker.n_greetings, ==, 0);
}

/* End 0 answers with a key that makes what is shared short, and hangs up; @onlooker sees what end 1
 * says to it. */
static void
break_off_short (Pair     *pair,
                 Onlooker *onlooker)
{
  guint8 secret[SHOAL_DH_SECRET_SIZE] = { 0 }, theirs[SHOAL_DH_SIZE], ours[SHOAL_DH_SIZE],
         shared[SHOAL_DH_SIZE];
  GByteArray *wire = pair->ends[0].wire;

  pair_connect (pair);
  pair->ends[0].deaf = TRUE;
  pair_step (pair, 1000);
  look (pair, onlooker);
  g_assert_cmpuint (wire->len, >=, sizeof ours);
  memcpy (ours, wire->data, sizeof ours);
  for (guint i = 0; i == 0 || shared[0] != 0; i++)
    {
      memcpy (secret, &i, sizeof i);
      g_assert_true (shoal_dh_shared (secret, ours, shared));
    }
  shoal_dh_public (secret, theirs);
  pair_inject (pair, 1, theirs, sizeof theirs);
  pair_step (pair, 1000);
  look (pair, onlooker);
  g_byte_array_set_size (wire, 0);
  pair->ends[0].deaf = FALSE;
  pair_inject (pair, 0, "no protocol that anybody knows", 30);
  for (guint i = 0; i < 10 && !pair->ends[1].closed; i++)
    pair_step (pair, 1000);
  g_assert_true (pair->ends[1].closed);
}

/* A handshake that broke off where it may have been bound to is tried again at once; a second one
 * is not excused. */
static void
test_short (void)
{
  ShoalEncryption policies[] = { PREFER, REQUIRE };

  for (guint i = 0; i < G_N_ELEMENTS (policies); i++)
    {
      g_autoptr(Pair) pair = new_pair (300 * 1024, shoal_test_seed () + i, OFF, policies[i]);
      Onlooker onlooker = { 0 };
      gint64 closed_us;

      break_off_short (pair, &onlooker);
      closed_us = pair->now_us;
      break_off_short (pair, &onlooker);
      g_assert_cmpint (pair->now_us, <, closed_us + 500 * G_TIME_SPAN_MILLISECOND);
      g_assert_cmpuint (onlooker.n_greetings, ==, 0);
      closed_us = pair->now_us;
      pair_connect (pair);
      run (pair, &onlooker);
      if (policies[i] == PREFER)
        assert_complete (pair);
      else
        g_assert_cmpint (pair->now_us, >=, closed_us + G_USEC_PER_SEC);
    }
}

static void
test_split_reads (void)
{
  static const guint sizes[] = { 1, 3, 14, 100, 16384, 16400, 70000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes) * G_N_ELEMENTS (cases); i++)
    {
      guint which = i % G_N_ELEMENTS (cases);
      g_autoptr(Pair) pair = NULL;
      Onlooker onlooker = { 0 };

      if (!cases[which].meets)
        continue;
      pair = new_pair (i < 3 * G_N_ELEMENTS (cases) ? 40077 : 300 * 1024 + 77,
                       shoal_test_seed () + i, cases[which].policies[0], cases[which].policies[1]);
      pair->max_read = sizes[i / G_N_ELEMENTS (cases)];
      pair_connect (pair);
      run (pair, &onlooker);
      assert_complete (pair);
    }
}

static void
test_magnet (void)
{
  ShoalConfig config;
  g_autoptr(Pair) pair = NULL;
  Onlooker onlooker = { 0 };

  shoal_config_init (&config);
  config.encryption = REQUIRE;
  pair = pair_new (900 * 1024 * 8, 16 * 1024, shoal_test_seed (), &config);
  pair->max_read = 5000;
  pair_add (pair, 0, FALSE);
  pair_add (pair, 1, TRUE);
  pair_connect (pair);
  run (pair, &onlooker);
  assert_complete (pair);
}

/* The paddings differ, and so does where the first of them is cut. */
static void
test_sizes (void)
{
  g_autoptr(GHashTable) seen = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < 30; i++)
    {
      g_autoptr(Pair) pair = new_pair (1024, shoal_test_seed () + i, REQUIRE, REQUIRE);
      Onlooker onlooker = { 0 };

      pair_connect (pair);
      run (pair, &onlooker);
      assert_complete (pair);
      for (guint k = 0; k < 2; k++)
        {
          g_assert_cmpuint (onlooker.first_sizes[k], >=, SHOAL_DH_SIZE);
          g_assert_cmpuint (onlooker.first_sizes[k], <=, SHOAL_DH_SIZE + SHOAL_MSE_PAD_MAX);
          g_hash_table_add (seen, GSIZE_TO_POINTER (onlooker.first_sizes[k]));
        }
    }
  g_assert_cmpuint (g_hash_table_size (seen), >, 30);
}

/* A stranger who says anything is hung up on, at once or when its time is up, and not dialled
 * back. */
static void
test_strangers (void)
{
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint i = 0; i < 12; i++)
    {
      g_autoptr(Pair) pair = new_pair (1024, shoal_test_seed () + i, PREFER, PREFER);
      guint8 bytes[2000];
      guint size = i % 3 == 0 ? 10 : i % 3 == 1 ? 300 : sizeof bytes;

      pair->max_read = i % 2 == 0 ? 7 : 0;
      pair_connect (pair);
      g_byte_array_set_size (pair->ends[0].wire, 0);
      shoal_rng_bytes (&rng, bytes, size);
      if (i % 4 == 1)
        memcpy (bytes, "GET / HTTP/1.1\r\n", 16);
      else if (i % 4 == 2)
        memcpy (bytes, protocol, 12);
      pair_inject (pair, 0, bytes, size);
      for (guint step = 0; step < 300 && !pair->ends[0].closed; step++)
        pair_step (pair, 100 * G_TIME_SPAN_MILLISECOND);
      g_assert_true (pair->ends[0].closed);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/link-cipher/policies", test_policies);
  g_test_add_func ("/link-cipher/fallback", test_fallback);
  g_test_add_func ("/link-cipher/no-fallback", test_no_fallback);
  g_test_add_func ("/link-cipher/short", test_short);
  g_test_add_func ("/link-cipher/split-reads", test_split_reads);
  g_test_add_func ("/link-cipher/magnet", test_magnet);
  g_test_add_func ("/link-cipher/sizes", test_sizes);
  g_test_add_func ("/link-cipher/strangers", test_strangers);

  return g_test_run ();
}
