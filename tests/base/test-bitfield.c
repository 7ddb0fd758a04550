/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bitfields against a plain array of booleans, and the order of bits on the wire. */

#include "shoal-bitfield.h"
#include "shoal-rng.h"
#include "shoal-test.h"

static const guint32 sizes[] = { 0, 1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 1000 };

static void
test_wire (void)
{
  const guint8 bytes[] = { 0x80, 0x41, 0xc0 };
  g_autoptr(ShoalBitfield) bits = shoal_bitfield_from_wire (bytes, 3, 18);
  guint8 out[3];

  g_assert_nonnull (bits);
  g_assert_cmpuint (bits->n_set, ==, 5);
  g_assert_true (shoal_bitfield_get (bits, 0));
  g_assert_false (shoal_bitfield_get (bits, 1));
  g_assert_true (shoal_bitfield_get (bits, 9));
  g_assert_true (shoal_bitfield_get (bits, 15));
  g_assert_true (shoal_bitfield_get (bits, 16));
  g_assert_true (shoal_bitfield_get (bits, 17));
  g_assert_false (shoal_bitfield_get (bits, 18));
  g_assert_false (shoal_bitfield_get (bits, SHOAL_BITFIELD_NONE));

  shoal_bitfield_to_wire (bits, out);
  g_assert_cmpmem (out, 3, bytes, 3);
}

static void
test_wire_refused (void)
{
  const guint8 bytes[] = { 0xff, 0xff, 0xff };

  g_assert_null (shoal_bitfield_from_wire (bytes, 2, 17));
  g_assert_null (shoal_bitfield_from_wire (bytes, 3, 16));
  g_assert_null (shoal_bitfield_from_wire (bytes, 0, 1));
  g_assert_null (shoal_bitfield_from_wire (bytes, 1, 0));
  for (guint32 n = 17; n < 24; n++)
    g_assert_null (shoal_bitfield_from_wire (bytes, 3, n));
}

static void
test_wire_round_trip (void)
{
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr(ShoalBitfield) bits = shoal_bitfield_new (sizes[i]);
      g_autoptr(ShoalBitfield) back = NULL;
      gsize size = shoal_bitfield_wire_size (sizes[i]);
      g_autofree guint8 *wire = g_malloc (size + 1);

      for (guint32 bit = 0; bit < sizes[i]; bit++)
        {
          if (shoal_rng_below (&rng, 2) == 1)
            g_assert_true (shoal_bitfield_set (bits, bit));
        }
      shoal_bitfield_to_wire (bits, wire);
      back = shoal_bitfield_from_wire (wire, size, sizes[i]);

      g_assert_nonnull (back);
      g_assert_cmpuint (back->n_set, ==, bits->n_set);
      g_assert_false (shoal_bitfield_offers (back, bits));
      g_assert_false (shoal_bitfield_offers (bits, back));
    }
}

static void
test_all (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr(ShoalBitfield) bits = shoal_bitfield_new (sizes[i]);
      g_autoptr(ShoalBitfield) copy = NULL;

      g_assert_true (shoal_bitfield_is_empty (bits));
      shoal_bitfield_set_all (bits);
      g_assert_true (shoal_bitfield_is_full (bits));
      g_assert_cmpuint (shoal_bitfield_next_clear (bits, 0), ==, SHOAL_BITFIELD_NONE);

      copy = shoal_bitfield_copy (bits);
      g_assert_true (shoal_bitfield_is_full (copy));
      shoal_bitfield_clear_all (bits);
      g_assert_true (shoal_bitfield_is_empty (bits));
      g_assert_cmpuint (shoal_bitfield_next_set (bits, 0), ==, SHOAL_BITFIELD_NONE);

      shoal_bitfield_assign (copy, bits);
      g_assert_true (shoal_bitfield_is_empty (copy));
    }
}

/* Every function against the same done with an array. */
static void
test_model (void)
{
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint i = 1; i < G_N_ELEMENTS (sizes); i++)
    {
      guint32 n = sizes[i];
      g_autoptr(ShoalBitfield) bits = shoal_bitfield_new (n);
      g_autofree gboolean *model = g_new0 (gboolean, n);
      guint32 n_set = 0;

      for (guint step = 0; step < 500; step++)
        {
          guint32 bit = shoal_rng_below (&rng, n);
          gboolean on = shoal_rng_below (&rng, 2) == 1;
          gboolean changed = model[bit] != on;
          guint32 next_set = bit;
          guint32 next_clear = bit;

          if (on)
            g_assert_true (shoal_bitfield_set (bits, bit) == changed);
          else
            g_assert_true (shoal_bitfield_clear (bits, bit) == changed);
          n_set += (changed && on) ? 1 : 0;
          n_set -= (changed && !on) ? 1 : 0;
          model[bit] = on;
          g_assert_cmpuint (bits->n_set, ==, n_set);

          while (next_set < n && !model[next_set])
            next_set++;
          while (next_clear < n && model[next_clear])
            next_clear++;
          g_assert_cmpuint (shoal_bitfield_next_set (bits, bit), ==,
                            next_set < n ? next_set : SHOAL_BITFIELD_NONE);
          g_assert_cmpuint (shoal_bitfield_next_clear (bits, bit), ==,
                            next_clear < n ? next_clear : SHOAL_BITFIELD_NONE);
        }
      g_assert_cmpuint (shoal_bitfield_next_set (bits, n), ==, SHOAL_BITFIELD_NONE);
    }
}

static void
test_offers (void)
{
  g_autoptr(ShoalBitfield) ours = shoal_bitfield_new (200);
  g_autoptr(ShoalBitfield) theirs = shoal_bitfield_new (200);

  g_assert_false (shoal_bitfield_offers (theirs, ours));
  shoal_bitfield_set (theirs, 199);
  g_assert_true (shoal_bitfield_offers (theirs, ours));
  shoal_bitfield_set (ours, 3);
  shoal_bitfield_set (ours, 4);
  g_assert_true (shoal_bitfield_offers (theirs, ours));
  shoal_bitfield_set (ours, 199);
  g_assert_false (shoal_bitfield_offers (theirs, ours));
  g_assert_true (shoal_bitfield_offers (ours, theirs));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/bitfield/wire", test_wire);
  g_test_add_func ("/bitfield/wire-refused", test_wire_refused);
  g_test_add_func ("/bitfield/wire-round-trip", test_wire_round_trip);
  g_test_add_func ("/bitfield/all", test_all);
  g_test_add_func ("/bitfield/model", test_model);
  g_test_add_func ("/bitfield/offers", test_offers);

  return g_test_run ();
}
