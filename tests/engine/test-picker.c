/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The picker against a naive model, under random events, and its rules one by one. */

#include "shoal-picker.h"
#include "shoal-test.h"

#include <string.h>

#define N_PEERS    12u
#define QUEUE_MAX  64u
#define MIB        (1024u * 1024u)

typedef enum { MODEL_FREE, MODEL_ASKED, MODEL_RECEIVED, MODEL_DISK } ModelBlock;

typedef struct
{
  gboolean       connected;
  ShoalBitfield *bits;
  gboolean       all;             /* told as NULL */
  guint64        rate;
  ShoalBlock     queue[QUEUE_MAX];
  gboolean       placed[QUEUE_MAX];
  guint          n_queue;
} ModelPeer;

typedef struct
{
  ShoalLayout *layout;
  ShoalArena  *arena;
  ShoalRng     rng;
  ShoalRng     chance;            /* the test's own */
  ShoalPicker *picker;
  ModelPeer    peers[N_PEERS];
  guint8     **blocks;            /* a ModelBlock each */
  guint8      *disk;              /* what was spilled */
  guint8      *priorities;
  gboolean    *had;
  gint64       now_us;
  guint64      n_arrived;
} Model;

static ShoalLayout *
new_layout (guint32 piece_size,
            guint64 total)
{
  g_autoptr(GError) error = NULL;
  ShoalLayout *layout = shoal_layout_new (piece_size, 1, &total, NULL, FALSE, &error);

  g_assert_no_error (error);

  return layout;
}

static void
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

static void
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

static guint
chance (Model *m,
        guint  limit)
{
  return shoal_rng_below (&m->chance, limit);
}

/* The byte that a block is filled with. */
static guint8
content (ShoalBlock at)
{
  return (guint8) (at.piece * 31 + at.block * 7 + 1);
}

static ShoalPickWho
who_is (Model *m,
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

static void
connect_peer (Model *m,
              guint  index,
              guint  percent)
{
  ModelPeer *peer = &m->peers[index];

  peer->connected = TRUE;
  peer->bits = shoal_bitfield_new (m->layout->n_pieces);
  peer->rate = 1000 + chance (m, 200000);
  for (guint32 i = 0; i < m->layout->n_pieces; i++)
    if (chance (m, 100) < percent)
      shoal_bitfield_set (peer->bits, i);
  peer->all = percent == 100 && chance (m, 2) == 0;
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

static void
release_request (Model     *m,
                 ModelPeer *peer,
                 guint      at)
{
  ShoalBlock block = peer->queue[at];

  unqueue (peer, at);
  shoal_picker_release (m->picker, peer, block);
  if (m->blocks[block.piece][block.block] == MODEL_ASKED && owners_of (m, block) == 0)
    m->blocks[block.piece][block.block] = MODEL_FREE;
}

static void
choke_peer (Model *m,
            guint  index)
{
  while (m->peers[index].n_queue > 0)
    release_request (m, &m->peers[index], chance (m, m->peers[index].n_queue));
}

static void
disconnect_peer (Model *m,
                 guint  index)
{
  ModelPeer *peer = &m->peers[index];

  choke_peer (m, index);
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

static guint
pick_blocks (Model   *m,
             guint    index,
             guint    max,
             gboolean ample)
{
  ModelPeer *peer = &m->peers[index];
  ShoalPickWho who = who_is (m, index);
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
  g_autofree guint8 *bytes = g_memdup2 (m->disk + shoal_layout_piece_offset (m->layout, piece), size);
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
    g_assert_cmpuint (bytes[i], ==, content ((ShoalBlock) { piece, i / SHOAL_BLOCK_SIZE }));
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

static void
arrive (Model   *m,
        guint    index,
        gboolean may_fail)
{
  ModelPeer *peer = &m->peers[index];
  guint at = chance (m, 4) == 0 ? chance (m, peer->n_queue) : 0;
  ShoalBlock block = peer->queue[at];
  guint32 size = shoal_layout_block_size (m->layout, block.piece, block.block);
  ShoalPickWho who = who_is (m, index);
  guint8 *place = shoal_picker_place (m->picker, peer, block);
  g_autofree guint8 *data = NULL;
  gpointer others[SHOAL_COPIES_MAX];
  guint n_others;
  guint n_before = owners_of (m, block);
  ShoalArrival arrival;

  if (place != NULL)
    {
      memset (place, content (block), size);
    }
  else
    {
      g_assert_cmpuint (n_before, >, 1);
      data = g_malloc (size);
      memset (data, content (block), size);
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
    judge (m, block.piece, !may_fail || chance (m, 8) != 0);
}

static void
spill (Model   *m,
       guint32  piece)
{
  guint n = shoal_picker_n_runs (m->picker, piece);
  g_autofree ShoalRun *runs = g_new0 (ShoalRun, n + 1);

  g_assert_cmpuint (n, >, 0);
  g_assert_cmpuint (shoal_picker_runs (m->picker, piece, runs, n), ==, n);
  shoal_picker_spilling (m->picker, piece);
  g_assert_cmpuint (shoal_picker_n_runs (m->picker, piece), ==, 0);
  for (guint i = 0; i < n; i++)
    memcpy (m->disk + shoal_layout_piece_offset (m->layout, piece) + runs[i].offset, runs[i].data, runs[i].size);
}

static void
end_spill (Model   *m,
           guint32  piece)
{
  shoal_picker_spilled (m->picker, piece, TRUE);
  if (shoal_picker_is_full (m->picker, piece))
    judge (m, piece, TRUE);
}

static void
check_availability (Model *m)
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
static void
change_bit (Model *m,
            guint  index)
{
  ModelPeer *peer = &m->peers[index];
  guint32 piece = chance (m, m->layout->n_pieces);

  peer->all = FALSE;
  if (shoal_bitfield_set (peer->bits, piece))
    {
      shoal_picker_add_copy (m->picker, piece);
    }
  else if (chance (m, 3) == 0)
    {
      for (guint k = peer->n_queue; k-- > 0;)
        if (peer->queue[k].piece == piece)
          release_request (m, peer, k);
      shoal_bitfield_clear (peer->bits, piece);
      shoal_picker_remove_copy (m->picker, piece);
    }
}

static void
change_priority (Model *m)
{
  guint32 piece = chance (m, m->layout->n_pieces);
  guint priority = chance (m, SHOAL_N_PRIORITIES);
  gboolean was_active = shoal_picker_n_active (m->picker) > 0;

  m->priorities[piece] = (guint8) priority;
  shoal_picker_set_priority (m->picker, piece, priority);

  /* A skipped piece is forgotten once nothing is coming any more. */
  if (priority == SHOAL_PRIORITY_SKIP && was_active && !m->had[piece])
    {
      for (guint i = 0; i < N_PEERS; i++)
        for (guint k = m->peers[i].n_queue; k-- > 0;)
          if (m->peers[i].queue[k].piece == piece)
            release_request (m, &m->peers[i], k);
      if (!shoal_picker_is_spilling (m->picker, piece))
        memset (m->blocks[piece], MODEL_FREE, shoal_layout_n_blocks (m->layout, piece));
    }
}

static gboolean
is_complete (const Model *m)
{
  return shoal_bitfield_is_empty (shoal_picker_missing (m->picker));
}

/* --- Random events --- */

static void
random_event (Model   *m,
              guint32 *spilling,
              gboolean ample)
{
  guint index = chance (m, N_PEERS);
  ModelPeer *peer = &m->peers[index];

  m->now_us += chance (m, 200000);
  switch (chance (m, 16))
    {
    case 0:
      if (peer->connected && chance (m, 4) == 0)
        disconnect_peer (m, index);
      else if (!peer->connected)
        connect_peer (m, index, chance (m, 3) == 0 ? 100 : chance (m, 100));
      break;
    case 1:
      if (peer->connected)
        change_bit (m, index);
      break;
    case 2:
      if (chance (m, 4) == 0)
        choke_peer (m, index);
      break;
    case 3:
      if (peer->n_queue > 0)
        release_request (m, peer, chance (m, peer->n_queue));
      break;
    case 4:
      if (chance (m, 8) == 0 && *spilling == SHOAL_BITFIELD_NONE)
        change_priority (m);
      break;
    case 5:
      if (*spilling != SHOAL_BITFIELD_NONE)
        {
          end_spill (m, *spilling);
          *spilling = SHOAL_BITFIELD_NONE;
        }
      else if (chance (m, 4) == 0)
        {
          *spilling = shoal_picker_coldest (m->picker, G_MAXINT64);
          if (*spilling != SHOAL_BITFIELD_NONE)
            spill (m, *spilling);
        }
      break;
    case 6: case 7: case 8: case 9:
      if (peer->connected)
        pick_blocks (m, index, 1 + chance (m, 8), ample);
      break;
    default:
      if (peer->n_queue > 0)
        arrive (m, index, TRUE);
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
        check_availability (&m);
    }

  if (spilling != SHOAL_BITFIELD_NONE)
    end_spill (&m, spilling);
  for (guint i = 0; i < N_PEERS; i++)
    if (m.peers[i].connected)
      disconnect_peer (&m, i);
  check_availability (&m);
  shoal_picker_check (m.picker);

  /* Whatever happened, a seed completes it. */
  connect_peer (&m, 0, 100);
  connect_peer (&m, 1, 100);
  for (guint i = 0; i < 100000 && !is_complete (&m); i++)
    {
      m.now_us += G_USEC_PER_SEC / 4;
      for (guint k = 0; k < 2; k++)
        {
          pick_blocks (&m, k, 4, FALSE);
          if (m.peers[k].n_queue > 0)
            arrive (&m, k, TRUE);
        }
    }
  g_assert_true (is_complete (&m));
  choke_peer (&m, 0);
  choke_peer (&m, 1);
  disconnect_peer (&m, 0);
  disconnect_peer (&m, 1);
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

/* An arena of 8 runs completes any torrent: whenever less than a quarter is free, the coldest piece is written. */
static void
complete_in_8_runs (guint32 piece_size,
                    guint64 total)
{
  Model m;
  guint n_spills = 0;

  model_init (&m, piece_size, total, 8 * MIB);
  for (guint i = 0; i < 6; i++)
    connect_peer (&m, i, i < 2 ? 100 : 60);
  for (guint turn = 0; turn < 200000 && !is_complete (&m); turn++)
    {
      guint index = chance (&m, 6);

      m.now_us += 10000;
      pick_blocks (&m, index, 16, FALSE);
      for (guint k = 0; k < 8 && m.peers[index].n_queue > 0; k++)
        arrive (&m, index, TRUE);
      if (chance (&m, 50) == 0)
        choke_peer (&m, chance (&m, 6));
      if (shoal_arena_used (m.arena) > 6 * MIB)
        {
          guint32 piece = shoal_picker_coldest (m.picker, G_MAXINT64);

          if (piece != SHOAL_BITFIELD_NONE)
            {
              spill (&m, piece);
              end_spill (&m, piece);
              n_spills++;
            }
        }
      if (turn % 16 == 0)
        shoal_picker_check (m.picker);
    }
  g_assert_true (is_complete (&m));
  if (piece_size > 8 * MIB)
    g_assert_cmpuint (n_spills, >, 0);
  for (guint i = 0; i < 6; i++)
    disconnect_peer (&m, i);
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
  connect_peer (&m, 0, 100);
  while (pick_blocks (&m, 0, 1, FALSE) > 0)
    {
      /* Blocks of one piece stay, so that the next pick has to go on. */
      while (m.peers[0].n_queue > 0)
        arrive (&m, 0, FALSE);
      n++;
      if (n > 40 * 64)
        break;
    }
  g_assert_true (is_complete (&m));
  disconnect_peer (&m, 0);
  model_clear (&m);

  model_init (&m, MIB, 32 * MIB, 8 * MIB);
  for (guint i = 0; i < N_PEERS; i++)
    {
      connect_peer (&m, i, 0);
      shoal_bitfield_set (m.peers[i].bits, i);
      shoal_picker_add_copy (m.picker, i);
      n = pick_blocks (&m, i, 4, FALSE);
      g_assert_cmpuint (n, ==, i < 6 ? 4 : 0);
    }
  g_assert_cmpuint (shoal_arena_used (m.arena), ==, 6 * MIB);
  for (guint i = 0; i < N_PEERS; i++)
    disconnect_peer (&m, i);
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
  connect_peer (&m, 0, 100);
  pick_blocks (&m, 0, 3, FALSE);
  arrive (&m, 0, FALSE);
  arrive (&m, 0, FALSE);
  arrive (&m, 0, FALSE);
  g_assert_cmpuint (shoal_picker_coldest (m.picker, m.now_us - 1), ==, SHOAL_BITFIELD_NONE);
  g_assert_cmpuint (shoal_picker_coldest (m.picker, m.now_us), !=, SHOAL_BITFIELD_NONE);
  spill (&m, shoal_picker_coldest (m.picker, m.now_us));
  n = pick_blocks (&m, 0, 1, FALSE);   /* not into the piece that is being written */
  g_assert_cmpuint (n, ==, 1);
  g_assert_false (shoal_picker_is_spilling (m.picker, m.peers[0].queue[0].piece));
  choke_peer (&m, 0);
  for (guint32 p = 0; p < 4; p++)
    if (shoal_picker_is_spilling (m.picker, p))
      end_spill (&m, p);
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

  g_assert_cmpuint (pick_blocks (&m, 0, 1, FALSE), ==, 1);
  g_assert_cmpuint (m.peers[0].queue[0].piece, ==, blocks[0].piece);
  arrive (&m, 0, FALSE);
  g_assert_true (m.had[blocks[0].piece]);
  disconnect_peer (&m, 0);
  model_clear (&m);
}

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
      connect_peer (&m, 0, 100);
      for (guint32 p = 4; p < 40; p++)
        if (p % 9 != 0)   /* 9, 18, 27, 36 are rare */
          shoal_picker_add_copy (m.picker, p);
      for (guint k = 0; k < 4; k++)
        {
          g_assert_cmpuint (pick_blocks (&m, 0, 1, TRUE), ==, 1);
          g_assert_cmpuint (m.peers[0].queue[k].piece % 9, ==, 0);
        }
      n_first[m.peers[0].queue[0].piece / 9 - 1]++;
      pick_blocks (&m, 0, 1, TRUE);
      g_assert_cmpuint (m.peers[0].queue[4].piece % 9, !=, 0);
      for (guint32 p = 4; p < 40; p++)
        if (p % 9 != 0)
          shoal_picker_remove_copy (m.picker, p);
      disconnect_peer (&m, 0);
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
        disconnect_peer (&m, 0);
      connect_peer (&m, 0, 100);
    }
  while (!m.peers[0].all);
  connect_peer (&m, 1, 0);
  shoal_bitfield_set (m.peers[1].bits, 7);
  shoal_picker_add_copy (m.picker, 7);
  g_assert_cmpuint (pick_blocks (&m, 1, 1, TRUE), ==, 1);
  g_assert_cmpuint (m.peers[1].queue[0].piece, ==, 7);
  g_assert_cmpuint (pick_blocks (&m, 0, 4, TRUE), ==, 4);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpuint (m.peers[0].queue[i].piece, !=, 7);

  /* Once there is nothing rarer, it helps. */
  g_assert_cmpuint (pick_blocks (&m, 0, 7, TRUE), ==, 7);
  g_assert_cmpuint (m.peers[0].queue[10].piece, ==, 7);
  disconnect_peer (&m, 0);
  disconnect_peer (&m, 1);
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
      connect_peer (&m, 0, 100);
      connect_peer (&m, 1, 0);
      shoal_bitfield_set (m.peers[1].bits, 7);
      shoal_picker_add_copy (m.picker, 7);
      pick_blocks (&m, 0, 1, TRUE);
      n_rare += m.peers[0].queue[0].piece != 7;
      disconnect_peer (&m, 0);
      disconnect_peer (&m, 1);
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
  connect_peer (&m, 0, 100);
  connect_peer (&m, 1, 100);
  shoal_picker_set_sequential (m.picker, TRUE);
  shoal_picker_set_priority (m.picker, 8, SHOAL_PRIORITY_HIGH);
  shoal_picker_set_priority (m.picker, 0, SHOAL_PRIORITY_LOW);
  shoal_picker_set_priority (m.picker, 1, SHOAL_PRIORITY_SKIP);
  m.priorities[8] = SHOAL_PRIORITY_HIGH;
  m.priorities[0] = SHOAL_PRIORITY_LOW;
  m.priorities[1] = SHOAL_PRIORITY_SKIP;

  /* Several peers share a piece: the second goes on where the first ended. */
  pick_blocks (&m, 0, 1, TRUE);
  pick_blocks (&m, 1, 2, TRUE);
  g_assert_cmpuint (m.peers[0].queue[0].piece, ==, 8);
  g_assert_cmpuint (m.peers[1].queue[0].piece, ==, 8);
  g_assert_cmpuint (m.peers[1].queue[1].piece, ==, 2);
  pick_blocks (&m, 0, 15, TRUE);
  g_assert_cmpuint (m.peers[0].queue[1].piece, ==, 2);
  g_assert_cmpuint (m.peers[0].queue[2].piece, ==, 3);
  g_assert_cmpuint (m.peers[0].queue[m.peers[0].n_queue - 1].piece, ==, 0);
  disconnect_peer (&m, 0);
  disconnect_peer (&m, 1);
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
      connect_peer (&m, i, 100);
      m.peers[i].rate = 10000;
    }
  n = pick_blocks (&m, 0, 20, FALSE);
  g_assert_cmpuint (n, ==, 8);
  g_assert_true (shoal_picker_in_end_game (m.picker));
  g_assert_true (shoal_picker_is_waiting (m.picker));

  /* Not at once from an equal peer that would not be sooner; but once they are overdue; three copies at most. */
  pick_blocks (&m, 1, 2, FALSE);
  g_assert_cmpuint (m.peers[1].n_queue, ==, 2);
  g_assert_cmpuint (shoal_picker_requests_of (m.picker, m.peers[0].queue[0]), ==, 1);
  choke_peer (&m, 1);
  m.now_us += 60 * G_USEC_PER_SEC;
  n = pick_blocks (&m, 1, 20, FALSE);
  g_assert_cmpuint (n, ==, 8);
  m.peers[2].rate = 30000;
  m.now_us += 60 * G_USEC_PER_SEC;
  n = pick_blocks (&m, 2, 20, FALSE);
  g_assert_cmpuint (n, ==, 8);
  m.now_us += 10 * G_USEC_PER_SEC;
  n = pick_blocks (&m, 3, 20, FALSE);
  g_assert_cmpuint (n, ==, 0);
  g_assert_false (shoal_picker_is_waiting (m.picker));
  shoal_picker_check (m.picker);

  /* arrive() checks the list of those who want a Cancel. */
  while (m.peers[2].n_queue > 0)
    arrive (&m, 2, FALSE);
  g_assert_true (is_complete (&m));
  g_assert_cmpuint (m.n_arrived, ==, 8);
  for (guint i = 0; i < 5; i++)
    disconnect_peer (&m, i);
  model_clear (&m);
}

/* A block in a finished piece is asked of a fast peer when its owner is slow, though there is other work. */
static void
test_slow_owner (void)
{
  Model m;
  guint32 piece;

  model_init (&m, 65536, 65536 * 20, 8 * MIB);
  set_had_many (&m, 16, 20);
  connect_peer (&m, 0, 100);
  connect_peer (&m, 1, 100);
  m.peers[0].rate = 1600;
  m.peers[1].rate = 100000;
  pick_blocks (&m, 0, 1, FALSE);
  piece = m.peers[0].queue[0].piece;
  pick_blocks (&m, 1, 3, FALSE);
  while (m.peers[1].n_queue > 0)
    arrive (&m, 1, FALSE);
  pick_blocks (&m, 1, 1, FALSE);
  g_assert_cmpuint (m.peers[1].queue[0].piece, !=, piece);
  m.now_us += 4 * G_USEC_PER_SEC;
  pick_blocks (&m, 1, 4, FALSE);
  g_assert_cmpuint (shoal_picker_requests_of (m.picker, m.peers[0].queue[0]), ==, 2);
  disconnect_peer (&m, 0);
  g_assert_cmpuint (m.peers[1].n_queue, ==, 5);
  disconnect_peer (&m, 1);
  model_clear (&m);
}

static void
test_alone (void)
{
  Model m;
  guint numbers[4];

  model_init (&m, 65536, 65536, 8 * MIB);
  connect_peer (&m, 0, 100);
  connect_peer (&m, 1, 100);
  pick_blocks (&m, 0, 2, FALSE);
  pick_blocks (&m, 1, 2, FALSE);
  g_assert_cmpuint (m.peers[1].n_queue, ==, 2);
  while (m.peers[0].n_queue > 0)
    arrive (&m, 0, FALSE);
  arrive (&m, 1, FALSE);
  g_assert_cmpuint (shoal_picker_contributors (m.picker, 0, numbers, 4), ==, 2);
  g_assert_cmpuint (shoal_picker_contributors (m.picker, 0, numbers, 1), ==, 1);
  choke_peer (&m, 1);

  /* The blocks of others go, then only one peer is asked, also in end game. */
  shoal_picker_set_alone (m.picker, 0, TRUE);
  memset (m.blocks[0], MODEL_FREE, 4);
  g_assert_cmpuint (pick_blocks (&m, 0, 3, FALSE), ==, 3);
  m.now_us += 60 * G_USEC_PER_SEC;
  g_assert_cmpuint (pick_blocks (&m, 1, 3, FALSE), ==, 0);
  arrive (&m, 0, FALSE);
  shoal_picker_check (m.picker);

  /* It leaves: another begins anew. */
  disconnect_peer (&m, 0);
  memset (m.blocks[0], MODEL_FREE, 4);
  g_assert_cmpuint (pick_blocks (&m, 1, 8, FALSE), ==, 4);
  shoal_picker_check (m.picker);
  while (m.peers[1].n_queue > 1)
    arrive (&m, 1, FALSE);
  g_assert_cmpuint (shoal_picker_contributors (m.picker, 0, numbers, 4), ==, 1);
  g_assert_cmpuint (numbers[0], ==, 1);
  arrive (&m, 1, FALSE);
  g_assert_true (m.had[0]);
  disconnect_peer (&m, 1);
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
      connect_peer (&m, 0, 100);
      shoal_picker_set_alone (m.picker, 33, TRUE);
      pick_blocks (&m, 0, 1, TRUE);
      g_assert_cmpuint (m.peers[0].queue[0].piece, ==, 33);
      disconnect_peer (&m, 0);
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
  connect_peer (&m, 0, 100);
  connect_peer (&m, 1, 100);
  pick_blocks (&m, 0, 1, FALSE);
  shoal_picker_set_alone (m.picker, m.peers[0].queue[0].piece, TRUE);
  arrive (&m, 0, FALSE);
  for (guint32 p = 0; p < 2; p++)
    if (shoal_picker_n_runs (m.picker, p) > 0)
      {
        spill (&m, p);
        end_spill (&m, p);
        memset (m.blocks[p], MODEL_FREE, 128);
      }
  for (guint i = 0; i < 8; i++)
    taken[i] = shoal_arena_take (m.arena, SHOAL_RUN_SIZE);
  g_assert_cmpuint (pick_blocks (&m, 1, 4, FALSE), ==, 0);
  shoal_picker_check (m.picker);
  g_assert_cmpuint (shoal_picker_n_active (m.picker), ==, 0);
  for (guint i = 0; i < 8; i++)
    shoal_arena_give (m.arena, taken[i], SHOAL_RUN_SIZE);
  g_assert_cmpuint (pick_blocks (&m, 1, 4, FALSE), ==, 4);
  disconnect_peer (&m, 0);
  disconnect_peer (&m, 1);
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
  connect_peer (&m, 0, 100);
  who = who_is (&m, 0);
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
  disconnect_peer (&m, 0);
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
  connect_peer (&m, 0, 100);
  connect_peer (&m, 1, 100);
  pick_blocks (&m, 0, 1, FALSE);
  at = m.peers[0].queue[0];
  g_assert_nonnull (shoal_picker_place (m.picker, &m.peers[0], at));
  m.now_us += 200 * G_USEC_PER_SEC;
  pick_blocks (&m, 1, 1, FALSE);
  g_assert_nonnull (shoal_picker_place (m.picker, &m.peers[0], at));
  g_assert_null (shoal_picker_place (m.picker, &m.peers[1], at));

  memset (data, content (at), sizeof data);
  who = who_is (&m, 1);
  g_assert_cmpint (shoal_picker_received (m.picker, &who, at, data, others, &n_others), ==, SHOAL_ARRIVAL_PIECE_FULL);
  g_assert_cmpuint (n_others, ==, 1);
  g_assert_true (others[0] == &m.peers[0]);
  g_assert_null (shoal_picker_place (m.picker, &m.peers[0], at));
  who = who_is (&m, 0);
  g_assert_cmpint (shoal_picker_received (m.picker, &who, at, data, others, &n_others), ==, SHOAL_ARRIVAL_DUPLICATE);
  shoal_picker_judged (m.picker, 0, TRUE);
  g_assert_cmpint (shoal_picker_received (m.picker, &who, at, data, others, &n_others), ==, SHOAL_ARRIVAL_DUPLICATE);
  m.peers[0].n_queue = m.peers[1].n_queue = 0;
  disconnect_peer (&m, 0);
  disconnect_peer (&m, 1);
  model_clear (&m);
}

static void
test_had_and_lost (void)
{
  Model m;

  model_init (&m, 16384, 16384 * 100, 8 * MIB);
  shoal_picker_set_all_had (m.picker);
  g_assert_true (shoal_bitfield_is_full (shoal_picker_had (m.picker)));
  g_assert_true (is_complete (&m));
  shoal_picker_set_lost (m.picker, 5);
  g_assert_cmpuint (shoal_picker_missing (m.picker)->n_set, ==, 1);
  connect_peer (&m, 0, 100);
  g_assert_cmpuint (pick_blocks (&m, 0, 5, FALSE), ==, 1);
  arrive (&m, 0, FALSE);
  g_assert_true (is_complete (&m));
  shoal_picker_check (m.picker);
  disconnect_peer (&m, 0);
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
  connect_peer (&m, 0, 100);
  pick_blocks (&m, 0, 4, FALSE);
  for (guint i = 0; i < 200000; i++)
    {
      guint k = chance (&m, n_peers);
      guint32 piece = chance (&m, n_pieces);

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
  disconnect_peer (&m, 0);
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
  g_test_add_func ("/picker/spill-restore", test_spill_restore);
  g_test_add_func ("/picker/rarest-first", test_rarest_first);
  g_test_add_func ("/picker/left-to-others", test_left_to_others);
  g_test_add_func ("/picker/random-first", test_random_first);
  g_test_add_func ("/picker/order", test_order);
  g_test_add_func ("/picker/end-game", test_end_game);
  g_test_add_func ("/picker/slow-owner", test_slow_owner);
  g_test_add_func ("/picker/alone", test_alone);
  g_test_add_func ("/picker/alone-first", test_alone_first);
  g_test_add_func ("/picker/alone-without-memory", test_alone_without_memory);
  g_test_add_func ("/picker/allowed-fast", test_allowed_fast);
  g_test_add_func ("/picker/place", test_place);
  g_test_add_func ("/picker/had-and-lost", test_had_and_lost);
  g_test_add_func ("/picker/many-peers", test_many_peers);

  return g_test_run ();
}
