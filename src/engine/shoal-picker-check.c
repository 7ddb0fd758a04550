/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What always holds in a picker; for tests and builds that check everything. */

#include "shoal-picker-private.h"

static void
check_blocks (const PickerActive *active,
              guint              *n_runs)
{
  guint32 n_free = 0, n_requested = 0, n_received = 0, n_spilled = 0;

  for (guint32 r = 0; r < active->n_runs; r++)
    {
      const PickerRun *run = &active->runs[r];
      guint n_held = 0, n_asked = 0;

      for (guint32 i = r * PICKER_RUN_BLOCKS;
           i < MIN (active->n_blocks, (r + 1) * PICKER_RUN_BLOCKS); i++)
        {
          const PickerBlock *block = &active->blocks[i];
          gboolean received = (block->flags & BLOCK_RECEIVED) != 0;
          gboolean spilled = (block->flags & BLOCK_SPILLED) != 0;

          g_assert (block->n_owners <= SHOAL_COPIES_MAX);
          g_assert (!received || block->n_owners == 0);
          g_assert (received || (block->flags & (BLOCK_SPILLED | BLOCK_WRITING)) == 0);
          g_assert (!(spilled && (block->flags & BLOCK_WRITING) != 0));
          g_assert (active->writing || (block->flags & BLOCK_WRITING) == 0);
          g_assert ((block->flags & BLOCK_PLACED) == 0 || block->n_owners > 0);
          for (guint a = 0; a < block->n_owners; a++)
            for (guint b = a + 1; b < block->n_owners; b++)
              g_assert (block->owners[a] != block->owners[b]);

          n_asked += block->n_owners > 0;
          n_held += received && !spilled;
          n_spilled += spilled;
          n_received += received;
          if (block->n_owners == 0 && !received)
            {
              n_free++;
              g_assert_cmpuint (i, >=, active->free_hint);
            }
          g_assert (received || i >= active->missing_hint);
        }
      n_requested += n_asked;
      g_assert_cmpuint (run->n_requested, ==, n_asked);
      g_assert_cmpuint (run->n_held, ==, n_held);
      g_assert ((run->data != NULL) == (n_asked + n_held > 0));
      *n_runs += run->data != NULL;
    }

  g_assert_cmpuint (active->n_free, ==, n_free);
  g_assert_cmpuint (active->n_requested, ==, n_requested);
  g_assert_cmpuint (active->n_received, ==, n_received);
  g_assert_cmpuint (active->n_spilled, ==, n_spilled);
  g_assert_cmpuint (n_free + n_requested + n_received, ==, active->n_blocks);
  g_assert (n_requested + n_received > 0);
}

static guint
check_ring (const ShoalPicker *self,
            const ShoalNode   *ring)
{
  guint n = 0;

  for (const ShoalNode *node = ring->next; node != ring; node = node->next)
    {
      const PickerActive *active = SHOAL_NODE_OWNER (node, PickerActive, node);
      ShoalPriority priority = picker_priority (self, active->piece);
      gboolean busy = active->writing || picker_is_full (active) || priority == SHOAL_PRIORITY_SKIP;

      g_assert ((ring == &self->busy) == busy);
      g_assert (busy || ring == (active->n_free > 0 ? &self->open[priority - 1] : &self->closed));
      g_assert (active->index < self->n_actives && self->actives[active->index] == active);
      g_assert (picker_active (self, active->piece) == active);
      n++;
    }

  return n;
}

static void
check_order (const ShoalPicker *self)
{
  guint32 n_ready = 0;

  for (guint class = 0; class < PICKER_CLASSES; class++)
    {
      guint n = 0;

      for (guint i = 0; i < self->n_buckets[class]; i++)
        {
          const PickerBucket *bucket = &self->buckets[class][i];

          for (guint k = 0; k < bucket->n; k++)
            {
              guint32 piece = bucket->pieces[k];

              g_assert (shoal_bitfield_get (self->ready, piece));
              g_assert_cmpuint (self->where[piece], ==, k);
              g_assert_cmpuint (picker_bucket_of (self, piece), ==, i);
              g_assert_cmpuint (picker_priority (self, piece), ==, class + 1);
            }
          n += bucket->n;
        }
      g_assert_cmpuint (self->n_ready[class], ==, n);
      n_ready += n;
    }
  g_assert_cmpuint (self->ready->n_set, ==, n_ready);
}

void
shoal_picker_check (const ShoalPicker *self)
{
  guint n_listed = 0, n_runs = 0;

  for (guint32 i = 0; i < self->layout->n_pieces; i++)
    {
      gboolean had = shoal_bitfield_get (self->had, i);
      gboolean active = picker_active (self, i) != NULL;
      gboolean wanted = !had && picker_priority (self, i) != SHOAL_PRIORITY_SKIP;

      g_assert (!(had && active));
      g_assert (shoal_bitfield_get (self->missing, i) == wanted);
      g_assert (self->ready == NULL || shoal_bitfield_get (self->ready, i) == (wanted && !active));
    }

  for (guint class = 0; class < PICKER_CLASSES; class++)
    n_listed += check_ring (self, &self->open[class]);
  n_listed += check_ring (self, &self->closed);
  n_listed += check_ring (self, &self->busy);
  g_assert_cmpuint (n_listed, ==, self->n_actives);
  for (guint i = 0; i < self->n_actives; i++)
    check_blocks (self->actives[i], &n_runs);
  g_assert_cmpuint (self->n_runs, ==, n_runs);
  g_assert ((self->where != NULL) == (self->ready != NULL));
  if (self->ready != NULL)
    check_order (self);
}
