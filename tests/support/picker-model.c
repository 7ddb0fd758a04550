/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A naive model of the picker that takes part in everything and compares. */

#include "picker-model.h"

#include <string.h>

#include "shoal-test.h"

static ShoalLayout *
new_layout (guint32 piece_size,
            guint64 total)
{
  g_autoptr(GError) error = NULL;
  ShoalLayout *layout = shoal_layout_new (piece_size, 1, &total, NULL, FALSE, &error);

  g_assert_no_error (error);

  return layout;
}

void
model_init (Model   *m,
            guint32  piece_size,
            guint64  total,
            gsize    arena)
{
  memset (m, 0, sizeof *m);
  m->layout = new_layout (piece_size, total);
  m->arena = shoal_arena_new (arena);
  shoal_rng_init (&m->rng, shoal_test_seed ());
  shoal_rng_init (&m->chance, shoal_test_seed () + 1);
  m->picker = shoal_picker_new (m->layout, m->arena, &m->rng);
  m->blocks = g_new0 (guint8 *, m->layout->n_pieces);
  for (guint32 i = 0; i < m->layout->n_pieces; i++)
    m->blocks[i] = g_new0 (guint8, shoal_layout_n_blocks (m->layout, i));
  m->disk = g_malloc0 (total);
  m->priorities = g_malloc (m->layout->n_pieces);
  memset (m->priorities, SHOAL_PRIORITY_NORMAL, m->layout->n_pieces);
  m->had = g_new0 (gboolean, m->layout->n_pieces);
  m->now_us = 1000 * G_USEC_PER_SEC;
}

void
model_clear (Model *m)
{
  for (guint32 i = 0; i < m->layout->n_pieces; i++)
    g_free (m->blocks[i]);
  g_free (m->blocks);
  for (guint i = 0; i < N_PEERS; i++)
    g_clear_pointer (&m->peers[i].bits, shoal_bitfield_free);
  g_free (m->disk);
  g_free (m->priorities);
  g_free (m->had);
  shoal_picker_free (m->picker);
  g_assert_cmpuint (shoal_arena_used (m->arena), ==, 0);
  shoal_arena_free (m->arena);
  shoal_layout_free (m->layout);
}

guint
model_chance (Model *m,
              guint  limit)
{
  return shoal_rng_below (&m->chance, limit);
}

/* The byte that a block is filled with. */
guint8
model_content (ShoalBlock at)
{
  return (guint8) (at.piece * 31 + at.block * 7 + 1);
}

ShoalPickWho
model_who_is (Model *m,
              guint  peer)
{
  return (ShoalPickWho) {
    .owner = &m->peers[peer],
    .contributor = peer,
    .bits = m->peers[peer].all ? NULL : m->peers[peer].bits,
    .rate = m->peers[peer].rate,
    .n_queued = m->peers[peer].n_queue,
    .now_us = m->now_us,
  };
}

/* --- Events --- */

void
model_connect_peer (Model *m,
                    guint  index,
                    guint  percent)
{
  ModelPeer *peer = &m->peers[index];

  peer->connected = TRUE;
  peer->bits = shoal_bitfield_new (m->layout->n_pieces);
  peer->rate = 1000 + model_chance (m, 200000);
  for (guint32 i = 0; i < m->layout->n_pieces; i++)
    if (model_chance (m, 100) < percent)
      shoal_bitfield_set (peer->bits, i);
  peer->all = percent == 100 && model_chance (m, 2) == 0;
  shoal_picker_add_peer (m->picker, peer->all ? NULL : peer->bits);
}

static guint
owners_of (Model      *m,
           ShoalBlock  at)
{
  guint n = 0;

  for (guint i = 0; i < N_PEERS; i++)
    for (guint k = 0; k < m->peers[i].n_queue; k++)
      n += m->peers[i].queue[k].piece == at.piece && m->peers[i].queue[k].block == at.block;

  return n;
}

static void
unqueue (ModelPeer *peer,
         guint      at)
{
  peer->n_queue--;
  memmove (peer->queue + at, peer->queue + at + 1, (peer->n_queue - at) * sizeof *peer->queue);
  memmove (peer->placed + at, peer->placed + at + 1, (peer->n_queue - at) * sizeof *peer->placed);
}

void
model_release_request (Model     *m,
                       ModelPeer *peer,
                       guint      at)
{
  ShoalBlock block = peer->queue[at];

  unqueue (peer, at);
  shoal_picker_release (m->picker, peer, block);
  if (m->blocks[block.piece][block.block] == MODEL_ASKED && owners_of (m, block) == 0)
    m->blocks[block.piece][block.block] = MODEL_FREE;
}

void
model_choke_peer (Model *m,
                  guint  index)
{
  while (m->peers[index].n_queue > 0)
    model_release_request (m, &m->peers[index], model_chance (m, m->peers[index].n_queue));
}

void
model_disconnect_peer (Model *m,
                       guint  index)
{
  ModelPeer *peer = &m->peers[index];

  model_choke_peer (m, index);
  shoal_picker_remove_peer (m->picker, peer->all ? NULL : peer->bits);
  g_clear_pointer (&peer->bits, shoal_bitfield_free);
  memset (peer, 0, sizeof *peer);
}

/* Whether the peer could be given a free block of a higher priority than @priority. */
static gboolean
has_better (Model     *m,
            ModelPeer *peer,
            guint      priority)
{
  for (guint32 p = 0; p < m->layout->n_pieces; p++)
    {
      if (m->had[p] || m->priorities[p] <= priority || !shoal_bitfield_get (peer->bits, p)
          || shoal_picker_is_full (m->picker, p) || shoal_picker_is_spilling (m->picker, p))
        continue;
      for (guint32 b = 0; b < shoal_layout_n_blocks (m->layout, p); b++)
        if (m->blocks[p][b] == MODEL_FREE)
          return TRUE;
    }

  return FALSE;
}

guint
model_pick_blocks (Model   *m,
                   guint    index,
                   guint    max,
                   gboolean ample)
{
  ModelPeer *peer = &m->peers[index];
  ShoalPickWho who = model_who_is (m, index);
  ShoalBlock out[QUEUE_MAX];
  guint n;

  max = MIN (max, QUEUE_MAX - peer->n_queue);
  n = shoal_picker_pick (m->picker, &who, out, max);
  g_assert_cmpuint (n, <=, max);
  for (guint i = 0; i < n; i++)
    {
      ShoalBlock at = out[i];

      g_assert_false (m->had[at.piece]);
      g_assert_cmpuint (m->priorities[at.piece], !=, SHOAL_PRIORITY_SKIP);
      g_assert_true (shoal_bitfield_get (peer->bits, at.piece));
      g_assert_cmpuint (m->blocks[at.piece][at.block], <=, MODEL_ASKED);
      for (guint k = 0; k < peer->n_queue; k++)
        g_assert_false (peer->queue[k].piece == at.piece && peer->queue[k].block == at.block);
      if (ample && m->blocks[at.piece][at.block] == MODEL_FREE)
        g_assert_false (has_better (m, peer, m->priorities[at.piece]));
      m->blocks[at.piece][at.block] = MODEL_ASKED;
      peer->placed[peer->n_queue] = FALSE;
      peer->queue[peer->n_queue++] = at;
      g_assert_cmpuint (owners_of (m, at), ==, shoal_picker_requests_of (m->picker, at));
      g_assert_cmpuint (owners_of (m, at), <=, SHOAL_COPIES_MAX);
    }

  return n;
}

/* The bytes of a full piece are the right ones, in memory and on the "disk". */
static void
verify_piece (Model   *m,
              guint32  piece)
{
  guint32 size = shoal_layout_piece_size (m->layout, piece);
  g_autofree guint8 *bytes = g_memdup2 (m->disk + shoal_layout_piece_offset (m->layout, piece),
                                        size);
  guint n = shoal_picker_n_runs (m->picker, piece);
  g_autofree ShoalRun *runs = g_new0 (ShoalRun, n + 1);
  guint32 held = 0;

  g_assert_cmpuint (shoal_picker_runs (m->picker, piece, runs, n), ==, n);
  for (guint i = 0; i < n; i++)
    {
      memcpy (bytes + runs[i].offset, runs[i].data, runs[i].size);
      held += runs[i].size;
    }
  if (!shoal_picker_has_spilled (m->picker, piece))
    {
      g_assert_cmpuint (held, ==, size);
      g_assert_cmpuint (n, ==, (size + SHOAL_RUN_SIZE - 1) / SHOAL_RUN_SIZE);
    }
  for (guint32 i = 0; i < size; i++)
    g_assert_cmpuint (bytes[i], ==, model_content ((ShoalBlock) { piece, i / SHOAL_BLOCK_SIZE }));
}

static void
judge (Model    *m,
       guint32   piece,
       gboolean  right)
{
  verify_piece (m, piece);
  shoal_picker_judged (m->picker, piece, right);
  m->had[piece] = right;
  for (guint32 b = 0; b < shoal_layout_n_blocks (m->layout, piece); b++)
    m->blocks[piece][b] = right ? MODEL_RECEIVED : MODEL_FREE;
}

void
model_arrive (Model   *m,
              guint    index,
              gboolean may_fail)
{
  ModelPeer *peer = &m->peers[index];
  guint at = model_chance (m, 4) == 0 ? model_chance (m, peer->n_queue) : 0;
  ShoalBlock block = peer->queue[at];
  guint32 size = shoal_layout_block_size (m->layout, block.piece, block.block);
  ShoalPickWho who = model_who_is (m, index);
  guint8 *place = shoal_picker_place (m->picker, peer, block);
  g_autofree guint8 *data = NULL;
  gpointer others[SHOAL_COPIES_MAX];
  guint n_others;
  guint n_before = owners_of (m, block);
  ShoalArrival arrival;

  if (place != NULL)
    {
      memset (place, model_content (block), size);
    }
  else
    {
      g_assert_cmpuint (n_before, >, 1);
      data = g_malloc (size);
      memset (data, model_content (block), size);
    }

  arrival = shoal_picker_received (m->picker, &who, block, data, others, &n_others);
  m->n_arrived++;
  g_assert_cmpint (arrival, !=, SHOAL_ARRIVAL_DUPLICATE);
  g_assert_cmpuint (n_others, ==, n_before - 1);
  unqueue (peer, at);
  for (guint i = 0; i < n_others; i++)
    {
      ModelPeer *other = others[i];
      guint k = 0;

      while (other->queue[k].piece != block.piece || other->queue[k].block != block.block)
        k++;
      unqueue (other, k);
    }
  g_assert_cmpuint (owners_of (m, block), ==, 0);
  g_assert_cmpuint (shoal_picker_requests_of (m->picker, block), ==, 0);
  m->blocks[block.piece][block.block] = MODEL_RECEIVED;

  if (arrival == SHOAL_ARRIVAL_PIECE_FULL && !shoal_picker_is_spilling (m->picker, block.piece))
    judge (m, block.piece, !may_fail || model_chance (m, 8) != 0);
}

void
model_spill (Model   *m,
             guint32  piece)
{
  guint n = shoal_picker_n_runs (m->picker, piece);
  g_autofree ShoalRun *runs = g_new0 (ShoalRun, n + 1);

  g_assert_cmpuint (n, >, 0);
  g_assert_cmpuint (shoal_picker_runs (m->picker, piece, runs, n), ==, n);
  shoal_picker_spilling (m->picker, piece);
  g_assert_cmpuint (shoal_picker_n_runs (m->picker, piece), ==, 0);
  for (guint i = 0; i < n; i++)
    memcpy (m->disk + shoal_layout_piece_offset (m->layout, piece) + runs[i].offset, runs[i].data,
            runs[i].size);
}

void
model_end_spill (Model   *m,
                 guint32  piece)
{
  shoal_picker_spilled (m->picker, piece, TRUE);
  if (shoal_picker_is_full (m->picker, piece))
    judge (m, piece, TRUE);
}

void
model_check_availability (Model *m)
{
  for (guint32 p = 0; p < m->layout->n_pieces; p++)
    {
      guint n = 0;

      for (guint i = 0; i < N_PEERS; i++)
        n += m->peers[i].connected && shoal_bitfield_get (m->peers[i].bits, p);
      g_assert_cmpuint (shoal_picker_copies (m->picker, p), ==, n);
    }
}

/* A Have or a DontHave. */
void
model_change_bit (Model *m,
                  guint  index)
{
  ModelPeer *peer = &m->peers[index];
  guint32 piece = model_chance (m, m->layout->n_pieces);

  peer->all = FALSE;
  if (shoal_bitfield_set (peer->bits, piece))
    {
      shoal_picker_add_copy (m->picker, piece);
    }
  else if (model_chance (m, 3) == 0)
    {
      for (guint k = peer->n_queue; k-- > 0;)
        if (peer->queue[k].piece == piece)
          model_release_request (m, peer, k);
      shoal_bitfield_clear (peer->bits, piece);
      shoal_picker_remove_copy (m->picker, piece);
    }
}

void
model_change_priority (Model *m)
{
  guint32 piece = model_chance (m, m->layout->n_pieces);
  guint priority = model_chance (m, SHOAL_N_PRIORITIES);
  gboolean was_active = shoal_picker_n_active (m->picker) > 0;

  m->priorities[piece] = (guint8) priority;
  shoal_picker_set_priority (m->picker, piece, priority);

  /* A skipped piece is forgotten once nothing is coming any more. */
  if (priority == SHOAL_PRIORITY_SKIP && was_active && !m->had[piece])
    {
      for (guint i = 0; i < N_PEERS; i++)
        for (guint k = m->peers[i].n_queue; k-- > 0;)
          if (m->peers[i].queue[k].piece == piece)
            model_release_request (m, &m->peers[i], k);
      if (!shoal_picker_is_spilling (m->picker, piece))
        memset (m->blocks[piece], MODEL_FREE, shoal_layout_n_blocks (m->layout, piece));
    }
}

gboolean
model_is_complete (const Model *m)
{
  return shoal_bitfield_is_empty (shoal_picker_missing (m->picker));
}
