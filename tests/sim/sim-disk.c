/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk with latency, a size and faults, that remembers which blocks are right. */

#include "sim-disk.h"

#include <string.h>

#include "shoal-leaves.h"

#define LATENCY_US 4000
#define RATE       (200u * 1024 * 1024)
#define STAMP      G_GINT64_CONSTANT (1600000000000000000)

typedef enum { STORED_NOT, STORED_RIGHT, STORED_WRONG } Stored;

typedef struct
{
  SimTorrent *torrent;
  guint8     *blocks;       /* Stored; shoal_layout_n_blocks() of a full piece each */
  guint32     per_piece;
  GArray     *journal;      /* of guint32: pieces written since the last record */
} Store;

static void
store_free (gpointer data)
{
  Store *store = data;

  g_array_unref (store->journal);
  g_free (store->blocks);
  g_free (store);
}

void
sim_disk_init (SimDisk  *self,
               SimWorld *world)
{
  self->world = world;
  self->latency_us = LATENCY_US;
  self->rate = RATE;
  self->stores = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, store_free);
}

void
sim_disk_clear (SimDisk *self)
{
  g_clear_pointer (&self->stores, g_hash_table_unref);
}

static Store *
find_store (SimDisk *self,
            guint64  id)
{
  return g_hash_table_lookup (self->stores, &id);
}

static Store *
ensure_store (SimDisk    *self,
              guint64     id,
              SimTorrent *torrent)
{
  Store *store = find_store (self, id);

  if (store == NULL)
    {
      store = g_new0 (Store, 1);
      store->torrent = torrent;
      store->journal = g_array_new (FALSE, FALSE, sizeof (guint32));
      store->per_piece = shoal_layout_n_blocks (torrent->metainfo->layout, 0);
      store->blocks = g_malloc0 ((gsize) store->per_piece * torrent->n_pieces);
      g_hash_table_insert (self->stores, g_memdup2 (&id, sizeof id), store);
    }

  return store;
}

void
sim_disk_saved (SimDisk *self,
                guint64  id)
{
  Store *store = find_store (self, id);

  if (store != NULL)
    g_array_set_size (store->journal, 0);
}

void
sim_disk_fill (SimDisk    *self,
               guint64     id,
               SimTorrent *torrent)
{
  Store *store = ensure_store (self, id, torrent);

  memset (store->blocks, STORED_RIGHT, (gsize) store->per_piece * torrent->n_pieces);
  self->used += torrent->size;
}

static ShoalPieceVerdict
verdict (const Store *store,
         guint32      piece)
{
  ShoalPieceVerdict result = SHOAL_PIECE_RIGHT;

  for (guint32 b = 0; b < shoal_layout_n_blocks (store->torrent->metainfo->layout, piece); b++)
    {
      Stored stored = store->blocks[(gsize) piece * store->per_piece + b];

      if (stored == STORED_NOT)
        return SHOAL_PIECE_MISSING;
      if (stored == STORED_WRONG)
        result = SHOAL_PIECE_WRONG;
    }

  return result;
}

gboolean
sim_disk_has (SimDisk *self,
              guint64  id,
              guint32  piece)
{
  Store *store = find_store (self, id);

  return store != NULL && verdict (store, piece) == SHOAL_PIECE_RIGHT;
}

gint64
sim_disk_due (SimDisk            *self,
              const ShoalDiskJob *job)
{
  guint64 size = job->op == SHOAL_DISK_READ ? job->size : 0;
  gint64 now_us = self->world->now_us;

  for (guint i = 0; i < job->n_runs; i++)
    size += job->runs[i].size;
  self->busy_us = MAX (self->busy_us, now_us) + (gint64) (size * SIM_SECOND / self->rate);

  return self->busy_us + self->latency_us;
}

void
sim_disk_accept (SimDisk      *self,
                 ShoalDiskJob *job)
{
  if (job->op != SHOAL_DISK_OPEN)
    return;
  g_assert_nonnull (job->metainfo);
  ensure_store (self, job->torrent, sim_torrent_find (self->world, &job->metainfo->hash));
}

/* --- Jobs --- */

/* Writes the runs; whether they hold the right bytes is remembered for each block. */
static void
write_runs (SimDisk      *self,
            Store        *store,
            ShoalDiskJob *job)
{
  if (self->fault != SHOAL_REASON_NONE)
    {
      job->reason = self->fault;
      job->detail = g_strdup ("sample");
      return;
    }
  for (guint i = 0; i < job->n_runs; i++)
    for (guint32 at = 0; at < job->runs[i].size; at += SHOAL_BLOCK_SIZE)
      {
        const ShoalRun *run = &job->runs[i];
        guint32 size = MIN (SHOAL_BLOCK_SIZE, run->size - at);
        guint64 offset = (guint64) job->piece * store->torrent->piece_size + run->offset + at;
        guint8 *stored = &store->blocks[(gsize) job->piece * store->per_piece
                                        + (run->offset + at) / SHOAL_BLOCK_SIZE];

        g_assert_cmpuint (run->offset % SHOAL_BLOCK_SIZE, ==, 0);
        if (*stored == STORED_NOT)
          {
            if (self->capacity > 0 && self->used + size > self->capacity)
              {
                job->reason = SHOAL_REASON_DISK_FULL;
                job->detail = g_strdup ("sample");
                return;
              }
            self->used += size;
          }
        *stored = sim_torrent_equals (store->torrent, offset, run->data + at, size) ? STORED_RIGHT
                                                                                    : STORED_WRONG;
      }
}

/* All that counts is whether a block is right: one that is has its true hash. */
static ShoalSha256 *
hash_leaves (const Store  *store,
             ShoalDiskJob *job,
             guint32       piece)
{
  ShoalLeafPlace place;
  ShoalSha256 *leaves;

  if (!shoal_leaves_place (store->torrent->metainfo, piece, &place))
    return NULL;
  leaves = g_new0 (ShoalSha256, place.n);
  for (guint32 block = 0; block < place.n; block++)
    {
      guint64 offset = (guint64) piece * store->torrent->piece_size
                       + (guint64) block * SHOAL_BLOCK_SIZE;
      guint32 size = MIN (place.size - block * SHOAL_BLOCK_SIZE, SHOAL_BLOCK_SIZE);
      guint8 bytes[SHOAL_BLOCK_SIZE];

      if (job->n_runs == 0
          && store->blocks[(gsize) piece * store->per_piece + block] != STORED_RIGHT)
        continue;
      sim_torrent_fill (store->torrent, offset, bytes, size);
      shoal_sha256 (bytes, size, &leaves[block]);
    }
  for (guint i = 0; i < job->n_runs; i++)
    for (guint32 at = 0; at < job->runs[i].size; at += SHOAL_BLOCK_SIZE)
      {
        guint32 size = MIN (job->runs[i].size - at, SHOAL_BLOCK_SIZE);
        guint32 block = (job->runs[i].offset + at) / SHOAL_BLOCK_SIZE;

        if (block < place.n)
          shoal_sha256 (job->runs[i].data + at, size, &leaves[block]);
      }

  return leaves;
}

static void
run_piece (SimDisk      *self,
           Store        *store,
           ShoalDiskJob *job)
{
  guint64 offset = (guint64) job->piece * store->torrent->piece_size;
  guint32 size = 0;

  for (guint i = 0; i < job->n_runs; i++)
    {
      g_assert_cmpuint (job->runs[i].offset, ==, size);
      size += job->runs[i].size;
      if (!sim_torrent_equals (store->torrent, offset + job->runs[i].offset, job->runs[i].data,
                               job->runs[i].size))
        job->hash_wrong = TRUE;
    }
  g_assert_cmpuint (size, ==,
                    shoal_layout_piece_size (store->torrent->metainfo->layout, job->piece));
  self->n_wrong += job->hash_wrong;
  if (job->hash_wrong && job->wants_leaves)
    job->leaves = hash_leaves (store, job, job->piece);
  if (!job->hash_wrong)
    write_runs (self, store, job);
  if (!job->hash_wrong && job->reason == SHOAL_REASON_NONE)
    g_array_append_val (store->journal, job->piece);
}

static void
run_open (SimDisk      *self,
          Store        *store,
          ShoalDiskJob *job)
{
  for (gsize i = 0; i < (gsize) store->per_piece * store->torrent->n_pieces; i++)
    job->found |= store->blocks[i] != STORED_NOT;
  for (guint32 p = 0; p < store->torrent->n_pieces; p++)
    if ((job->all_had || (job->had != NULL && shoal_bitfield_get (job->had, p)))
        && verdict (store, p) == SHOAL_PIECE_MISSING)
      job->stale = TRUE;
  job->n_journal = store->journal->len;
  job->journal = g_memdup2 (store->journal->data, store->journal->len * sizeof (guint32));
  job->stamp = job->found ? STAMP : 0;
  job->free_space = self->capacity > 0 ? self->capacity - MIN (self->used, self->capacity)
                                       : G_MAXUINT64;
}

static void
run_check (SimDisk      *self,
           Store        *store,
           ShoalDiskJob *job)
{
  job->verdicts = g_malloc (job->n_pieces);
  for (guint32 i = 0; i < job->n_pieces; i++)
    job->verdicts[i] = (guint8) verdict (store, job->piece + i);
  if (job->wants_digests)
    {
      guint32 n = shoal_layout_n_blocks (store->torrent->metainfo->layout, job->piece);

      /* All that counts is whether a block is right. */
      job->digests = g_new0 (ShoalSha1, n);
      for (guint32 b = 0; b < n; b++)
        job->digests[b].bytes[0] = store->blocks[(gsize) job->piece * store->per_piece + b];
    }
  if (job->wants_leaves && job->verdicts[0] == SHOAL_PIECE_WRONG)
    job->leaves = hash_leaves (store, job, job->piece);
  self->n_checked += job->n_pieces;
}

static void
run_read (Store        *store,
          ShoalDiskJob *job)
{
  guint64 offset = (guint64) job->piece * store->torrent->piece_size + job->offset;

  /* What was not verified must never be read for anybody. */
  g_assert_cmpint (verdict (store, job->piece), ==, SHOAL_PIECE_RIGHT);
  job->bytes = g_malloc (job->size);
  sim_torrent_fill (store->torrent, offset, job->bytes, job->size);
}

void
sim_disk_run (SimDisk      *self,
              ShoalDiskJob *job)
{
  Store *store = find_store (self, job->torrent);

  switch (job->op)
    {
    case SHOAL_DISK_OPEN:
      run_open (self, store, job);
      break;
    case SHOAL_DISK_PIECE:
      run_piece (self, store, job);
      break;
    case SHOAL_DISK_SPILL:
      self->n_spilled++;
      write_runs (self, store, job);
      break;
    case SHOAL_DISK_CHECK:
      run_check (self, store, job);
      break;
    case SHOAL_DISK_READ:
      run_read (store, job);
      break;
    case SHOAL_DISK_FINISH:
      job->stamp = STAMP;
      break;
    case SHOAL_DISK_LOAD:
      job->metainfo = shoal_metainfo_ref (store->torrent->metainfo);
      break;
    case SHOAL_DISK_REMOVE:
      if (store != NULL && job->remove != SHOAL_REMOVE_KEEP_DATA)
        g_hash_table_remove (self->stores, &job->torrent);
      break;
    case SHOAL_DISK_CLOSE:
    case SHOAL_DISK_TAKE:
    case SHOAL_DISK_DROP:
      break;
    }
}
