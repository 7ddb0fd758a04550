/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks of pieces that failed their hash, kept until the piece is right: tells who lied. */

/*
 * A piece may fail more than once before it is right, each time with parts of other peers, so each
 * failure is a round of its own. Only the piece as it should be tells which of the blocks were
 * wrong: nobody is blamed for having sent a good block of a bad piece.
 */

#include "shoal-suspects.h"

#include <string.h>

typedef struct
{
  guint32    n_blocks;
  guint     *contributors;
  ShoalSha1 *digests;
} Round;

struct _ShoalSuspects
{
  GHashTable *pieces;   /* piece to a GPtrArray of Round, oldest first */
};

static void
round_free (gpointer data)
{
  Round *round = data;

  g_free (round->contributors);
  g_free (round->digests);
  g_free (round);
}

ShoalSuspects *
shoal_suspects_new (void)
{
  ShoalSuspects *self = g_new0 (ShoalSuspects, 1);

  self->pieces = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);

  return self;
}

void
shoal_suspects_free (ShoalSuspects *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->pieces);
  g_free (self);
}

void
shoal_suspects_failed (ShoalSuspects   *self,
                       guint32          piece,
                       const guint     *contributors,
                       const ShoalSha1 *digests,
                       guint32          n_blocks)
{
  GPtrArray *rounds = g_hash_table_lookup (self->pieces, GUINT_TO_POINTER (piece));
  Round *round;

  if (rounds == NULL)
    {
      if (g_hash_table_size (self->pieces) >= SHOAL_SUSPECTS_PIECES)
        return;
      rounds = g_ptr_array_new_with_free_func (round_free);
      g_hash_table_insert (self->pieces, GUINT_TO_POINTER (piece), rounds);
    }
  if (rounds->len >= SHOAL_SUSPECTS_ROUNDS)
    g_ptr_array_remove_index (rounds, 0);

  round = g_new (Round, 1);
  round->n_blocks = n_blocks;
  round->contributors = g_memdup2 (contributors, n_blocks * sizeof *contributors);
  round->digests = g_memdup2 (digests, n_blocks * sizeof *digests);
  g_ptr_array_add (rounds, round);
}

static void
add_once (GArray *numbers,
          guint   number)
{
  for (guint i = 0; i < numbers->len; i++)
    if (g_array_index (numbers, guint, i) == number)
      return;
  g_array_append_val (numbers, number);
}

void
shoal_suspects_right (ShoalSuspects   *self,
                      guint32          piece,
                      const ShoalSha1 *digests,
                      guint32          n_blocks,
                      GArray          *liars)
{
  GPtrArray *rounds = g_hash_table_lookup (self->pieces, GUINT_TO_POINTER (piece));

  for (guint i = 0; rounds != NULL && i < rounds->len; i++)
    {
      const Round *round = g_ptr_array_index (rounds, i);

      for (guint32 block = 0; block < MIN (n_blocks, round->n_blocks); block++)
        if (memcmp (&digests[block], &round->digests[block], sizeof *digests) != 0)
          add_once (liars, round->contributors[block]);
    }
  g_hash_table_remove (self->pieces, GUINT_TO_POINTER (piece));
}

void
shoal_suspects_forget (ShoalSuspects *self,
                       guint32        piece)
{
  g_hash_table_remove (self->pieces, GUINT_TO_POINTER (piece));
}

gboolean
shoal_suspects_has (const ShoalSuspects *self,
                    guint32              piece)
{
  return g_hash_table_contains (self->pieces, GUINT_TO_POINTER (piece));
}
