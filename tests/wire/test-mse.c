/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two ends of an encrypted handshake that talk to each other, cut in every way; and strangers. */

#include "shoal-mse.h"
#include "shoal-rng.h"
#include "shoal-test.h"

#include <string.h>

static const ShoalSha1 our_key = { "one info-hash of all" };
static const ShoalSha1 other_key = { "another of the hashe" };
static const char greeting[] = "what is said at once";

typedef struct
{
  ShoalMse      *mse;
  ShoalMseStatus status;
  GByteArray    *out;      /* sent and not taken yet */
} End;

static void
fill_chance (ShoalMseChance *chance,
             ShoalRng       *rng,
             guint           pad)
{
  shoal_rng_bytes (rng, (guint8 *) chance, sizeof *chance);
  chance->pad_sizes[0] = chance->pad_sizes[1] = (guint16) pad;
}

static gboolean
find_key (gpointer         owner,
          const ShoalSha1 *req2,
          ShoalSha1       *key)
{
  const ShoalSha1 *served = owner;
  ShoalSha1 wanted;

  shoal_mse_req2 (served, &wanted);
  *key = *served;

  return memcmp (&wanted, req2, sizeof wanted) == 0;
}

static void
collect (End *end)
{
  gsize size;
  const guint8 *bytes = shoal_mse_output (end->mse, &size);

  g_assert_true ((bytes == NULL) == (size == 0));
  if (size > 0)
    g_byte_array_append (end->out, bytes, (guint) size);
  g_assert_null (shoal_mse_output (end->mse, &size));
}

/* Gives @to up to @most of what @from said; FALSE: there was nothing to do. */
static gboolean
pass (End  *from,
      End  *to,
      guint most)
{
  gsize size = MIN (from->out->len, most);
  gsize used;

  if (size == 0 || to->status != SHOAL_MSE_MORE)
    return FALSE;
  to->status = shoal_mse_feed (to->mse, from->out->data, size, &used);
  g_assert_cmpuint (used, <=, size);
  if (to->status == SHOAL_MSE_MORE)
    g_assert_cmpuint (used, ==, size);
  if (used > 0)
    g_byte_array_remove_range (from->out, 0, (guint) used);
  collect (to);

  return TRUE;
}

static void
talk (End      *a,
      End      *b,
      ShoalRng *rng,
      guint     most)
{
  gboolean moved = TRUE;

  collect (a);
  collect (b);
  while (moved)
    {
      moved = pass (a, b, 1 + shoal_rng_below (rng, most));
      moved |= pass (b, a, 1 + shoal_rng_below (rng, most));
    }
}

static void
begin (End           *a,
       End           *b,
       ShoalMseMethod offered,
       ShoalMseMethod allowed,
       gconstpointer  served,
       ShoalRng      *rng,
       guint          pad)
{
  ShoalMseChance chance;

  fill_chance (&chance, rng, pad);
  *a = (End){ shoal_mse_new_dialled (offered, &our_key, &chance, (const guint8 *) greeting,
                                     sizeof greeting),
              SHOAL_MSE_MORE, g_byte_array_new () };
  fill_chance (&chance, rng, pad);
  *b = (End){ shoal_mse_new_accepted (allowed, find_key, (gpointer) served, &chance),
              SHOAL_MSE_MORE, g_byte_array_new () };
}

static void
end_free (End *end)
{
  shoal_mse_free (end->mse);
  g_byte_array_unref (end->out);
}

/* Both ends go on with the same two streams, and what was said at once is read. */
static void
assert_met (End           *a,
            End           *b,
            ShoalMseMethod method)
{
  ShoalMseStream at_a, at_b;
  guint8 bytes[40];

  g_assert_cmpint (a->status, ==, SHOAL_MSE_DONE);
  g_assert_cmpint (b->status, ==, SHOAL_MSE_DONE);
  shoal_mse_stream (a->mse, &at_a);
  shoal_mse_stream (b->mse, &at_b);
  g_assert_cmpint (at_a.method, ==, method);
  g_assert_cmpint (at_b.method, ==, method);
  g_assert_cmpmem (&at_b.key, sizeof at_b.key, &our_key, sizeof our_key);
  g_assert_cmpuint (at_a.n_enciphered, ==, method == SHOAL_MSE_RC4 ? SHOAL_MSE_FOREVER : 0);
  g_assert_cmpuint (at_b.n_enciphered, ==,
                    method == SHOAL_MSE_RC4 ? SHOAL_MSE_FOREVER : sizeof greeting);

  g_assert_cmpuint (a->out->len, ==, sizeof greeting);
  shoal_rc4_apply (&at_b.in, a->out->data, a->out->len);
  g_assert_cmpmem (a->out->data, a->out->len, greeting, sizeof greeting);

  memset (bytes, 'x', sizeof bytes);
  shoal_rc4_apply (&at_a.out, bytes, sizeof bytes);
  shoal_rc4_apply (&at_b.in, bytes, sizeof bytes);
  shoal_rc4_apply (&at_b.out, bytes, sizeof bytes);
  shoal_rc4_apply (&at_a.in, bytes, sizeof bytes);
  for (guint i = 0; i < sizeof bytes; i++)
    g_assert_cmpuint (bytes[i], ==, 'x');
}

static void
test_methods (void)
{
  static const struct
  {
    guint offered;
    guint allowed;
    guint method;   /* 0: they do not meet */
  } cases[] = {
    { SHOAL_MSE_PLAIN | SHOAL_MSE_RC4, SHOAL_MSE_PLAIN | SHOAL_MSE_RC4, SHOAL_MSE_PLAIN },
    { SHOAL_MSE_PLAIN | SHOAL_MSE_RC4, SHOAL_MSE_RC4, SHOAL_MSE_RC4 },
    { SHOAL_MSE_RC4, SHOAL_MSE_PLAIN | SHOAL_MSE_RC4, SHOAL_MSE_RC4 },
    { SHOAL_MSE_PLAIN, SHOAL_MSE_PLAIN | SHOAL_MSE_RC4, SHOAL_MSE_PLAIN },
    { SHOAL_MSE_RC4, SHOAL_MSE_RC4, SHOAL_MSE_RC4 },
    { SHOAL_MSE_PLAIN, SHOAL_MSE_RC4, 0 },
    { SHOAL_MSE_RC4, SHOAL_MSE_PLAIN, 0 },
  };
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      End a, b;

      begin (&a, &b, cases[i].offered, cases[i].allowed, &our_key, &rng, 100);
      talk (&a, &b, &rng, 1000);
      if (cases[i].method != 0)
        assert_met (&a, &b, cases[i].method);
      else
        g_assert_cmpint (b.status, ==, SHOAL_MSE_BAD);
      end_free (&a);
      end_free (&b);
    }
}

/* Every size of padding, cut into any parts. */
static void
test_paddings (void)
{
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint pad = 0; pad <= SHOAL_MSE_PAD_MAX; pad += pad < 20 || pad > 500 ? 1 : 7)
    {
      ShoalMseMethod allowed = pad % 2 == 0 ? SHOAL_MSE_RC4 : SHOAL_MSE_PLAIN;
      End a, b;

      begin (&a, &b, SHOAL_MSE_PLAIN | SHOAL_MSE_RC4, allowed, &our_key, &rng, pad);
      talk (&a, &b, &rng, pad % 3 == 0 ? 1 : pad % 3 == 1 ? 30 : 2000);
      assert_met (&a, &b, allowed);
      end_free (&a);
      end_free (&b);
    }
}

static void
test_other_torrent (void)
{
  ShoalRng rng;
  End a, b;

  shoal_rng_init (&rng, shoal_test_seed ());
  begin (&a, &b, SHOAL_MSE_RC4, SHOAL_MSE_RC4, &other_key, &rng, 10);
  talk (&a, &b, &rng, 1000);
  g_assert_cmpint (a.status, ==, SHOAL_MSE_MORE);
  g_assert_cmpint (b.status, ==, SHOAL_MSE_BAD);
  end_free (&a);
  end_free (&b);
}

/* The marker must come within the largest padding. */
static void
test_no_marker (void)
{
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint dialled = 0; dialled < 2; dialled++)
    {
      guint8 bytes[SHOAL_DH_SIZE + SHOAL_MSE_PAD_MAX + 100];
      gsize wanted = SHOAL_DH_SIZE + SHOAL_MSE_PAD_MAX + (dialled ? 8 : SHOAL_SHA1_SIZE);
      gsize used;
      End a, b;

      shoal_rng_bytes (&rng, bytes, sizeof bytes);
      begin (&a, &b, SHOAL_MSE_RC4, SHOAL_MSE_RC4, &our_key, &rng, 10);
      g_assert_cmpint (shoal_mse_feed (dialled ? a.mse : b.mse, bytes, sizeof bytes, &used), ==,
                       SHOAL_MSE_BAD);
      g_assert_cmpuint (used, <=, wanted);
      end_free (&a);
      end_free (&b);

      begin (&a, &b, SHOAL_MSE_RC4, SHOAL_MSE_RC4, &our_key, &rng, 10);
      g_assert_cmpint (shoal_mse_feed (dialled ? a.mse : b.mse, bytes, wanted - 1, &used), ==,
                       SHOAL_MSE_MORE);
      end_free (&a);
      end_free (&b);
    }
}

static void
test_no_key (void)
{
  static const guint8 zeros[SHOAL_DH_SIZE] = { 0 };
  ShoalRng rng;
  gsize used;
  End a, b;

  shoal_rng_init (&rng, shoal_test_seed ());
  begin (&a, &b, SHOAL_MSE_RC4, SHOAL_MSE_RC4, &our_key, &rng, 0);
  g_assert_cmpint (shoal_mse_feed (a.mse, zeros, sizeof zeros, &used), ==, SHOAL_MSE_BAD);
  g_assert_cmpint (shoal_mse_feed (b.mse, zeros, sizeof zeros, &used), ==, SHOAL_MSE_BAD);
  end_free (&a);
  end_free (&b);
}

/*
 * What is shared begins with a zero once in 256 times: who dialled can tell, who answers takes
 * another secret then. A machine that answers is led there by a dialled one with a secret that
 * makes it short with the first secret of the other.
 */
static void
test_short (void)
{
  ShoalMseChance chances[2];
  guint8 theirs[SHOAL_DH_SIZE], shared[SHOAL_DH_SIZE];
  gsize size, used;
  ShoalRng rng;
  End a, b;

  shoal_rng_init (&rng, shoal_test_seed ());
  fill_chance (&chances[1], &rng, 0);
  shoal_dh_public (chances[1].secret, theirs);
  do
    {
      fill_chance (&chances[0], &rng, 0);
      g_assert_true (shoal_dh_shared (chances[0].secret, theirs, shared));
    }
  while (shared[0] != 0);

  a = (End){ shoal_mse_new_dialled (SHOAL_MSE_RC4, &our_key, &chances[0], NULL, 0), SHOAL_MSE_MORE,
             g_byte_array_new () };
  b = (End){ shoal_mse_new_accepted (SHOAL_MSE_RC4, find_key, (gpointer) &our_key, &chances[1]),
             SHOAL_MSE_MORE, g_byte_array_new () };
  g_assert_false (shoal_mse_is_short (a.mse));
  g_assert_false (shoal_mse_is_short (b.mse));
  talk (&a, &b, &rng, 1000);
  g_assert_cmpint (a.status, ==, SHOAL_MSE_DONE);
  g_assert_cmpint (b.status, ==, SHOAL_MSE_DONE);
  g_assert_false (shoal_mse_is_short (a.mse));
  g_assert_false (shoal_mse_is_short (b.mse));
  end_free (&a);
  end_free (&b);

  a = (End){ shoal_mse_new_dialled (SHOAL_MSE_RC4, &our_key, &chances[0], NULL, 0), SHOAL_MSE_MORE,
             g_byte_array_new () };
  shoal_mse_output (a.mse, &size);
  g_assert_cmpint (shoal_mse_feed (a.mse, theirs, sizeof theirs, &used), ==, SHOAL_MSE_MORE);
  g_assert_true (shoal_mse_is_short (a.mse));
  end_free (&a);
}

/* One byte changed on the way: it is padding, or the ends do not meet, or they part later; nothing
 * worse. */
static void
test_changed (void)
{
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint i = 0; i < 150; i++)
    {
      End a, b;
      guint at;

      begin (&a, &b, SHOAL_MSE_PLAIN | SHOAL_MSE_RC4, SHOAL_MSE_PLAIN | SHOAL_MSE_RC4, &our_key,
             &rng, 20);
      collect (&a);
      if (i % 2 == 0)
        {
          at = shoal_rng_below (&rng, a.out->len);
          a.out->data[at] ^= 1 << (i % 8);
          talk (&a, &b, &rng, 500);
        }
      else
        {
          while (pass (&a, &b, 1000))
            ;
          at = shoal_rng_below (&rng, b.out->len);
          b.out->data[at] ^= 1 << (i % 8);
          while (pass (&b, &a, 1000))
            ;
          at = shoal_rng_below (&rng, MAX (a.out->len, 1));
          if (at < a.out->len)
            a.out->data[at] ^= 1 << (i % 8);
          talk (&a, &b, &rng, 500);
        }
      end_free (&a);
      end_free (&b);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/mse/methods", test_methods);
  g_test_add_func ("/mse/paddings", test_paddings);
  g_test_add_func ("/mse/other-torrent", test_other_torrent);
  g_test_add_func ("/mse/no-marker", test_no_marker);
  g_test_add_func ("/mse/no-key", test_no_key);
  g_test_add_func ("/mse/short", test_short);
  g_test_add_func ("/mse/changed", test_changed);

  return g_test_run ();
}
