/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compares pieces with their hashes, many at once where the processor can. */

/*
 * Pieces are read side by side in chunks that stay in the processor's cache: a chunk of each, then
 * one step of the SHA-1 lanes over all of them. Where there are too few pieces of one size for
 * lanes to pay, or a size is no multiple of 64, each piece goes through a plain digest. Leaves of a
 * v2 tree are taken from the same chunks.
 */

#include "shoal-hasher.h"

#include <string.h>

#include "shoal-merkle.h"

#define CHUNK_SIZE  (64u * 1024)
#define LANES_PAY   6u             /* with fewer messages a plain digest is as fast */
#define LANE_UNIT   64u

typedef struct
{
  ShoalHashTask *task;
  gboolean       failed;
  gboolean       has_sha1;
  gboolean       has_root;
  guint32        root_size;     /* bytes of the piece that the v2 tree covers: padding is not in
                                 * it */
  ShoalSha1      want_sha1;
  ShoalSha1      sha1;
  ShoalSha256    want_root;
  ShoalMerkle    tree;
} Slot;

struct _ShoalHasher
{
  ShoalDigest   *sha1;
  ShoalDigest   *sha256;
  guint8        *chunks;        /* SHOAL_HASHER_PIECES_MAX of CHUNK_SIZE */
  Slot           slots[SHOAL_HASHER_PIECES_MAX];
};

ShoalHasher *
shoal_hasher_new (void)
{
  ShoalHasher *self = g_new0 (ShoalHasher, 1);

  self->sha1 = shoal_digest_new (SHOAL_DIGEST_SHA1);
  self->sha256 = shoal_digest_new (SHOAL_DIGEST_SHA256);
  self->chunks = g_malloc (SHOAL_HASHER_PIECES_MAX * CHUNK_SIZE);

  return self;
}

void
shoal_hasher_free (ShoalHasher *self)
{
  if (self == NULL)
    return;

  shoal_digest_free (self->sha1);
  shoal_digest_free (self->sha256);
  g_free (self->chunks);
  g_free (self);
}

guint
shoal_hasher_best (void)
{
  guint lanes = MIN (shoal_sha1_max_lanes (), SHOAL_HASHER_PIECES_MAX);

  return lanes >= LANES_PAY ? lanes : 1;
}

/* Bytes of the piece that a v2 tree covers. */
static guint32
tree_size (const ShoalMetainfo *metainfo,
           guint32              piece)
{
  const ShoalLayout *layout = metainfo->layout;
  guint64 begin = shoal_layout_piece_offset (layout, piece);
  guint32 file = layout->piece_file[piece];
  guint64 file_end = layout->file_offset[file] + layout->file_size[file];

  return (guint32) MIN (shoal_layout_piece_size (layout, piece), file_end - begin);
}

static void
slot_init (Slot          *slot,
           ShoalHashTask *task)
{
  slot->task = task;
  slot->failed = FALSE;
  slot->has_sha1 = shoal_metainfo_piece_sha1 (task->metainfo, task->piece, &slot->want_sha1);
  slot->has_root = shoal_metainfo_piece_root (task->metainfo, task->piece, &slot->want_root);
  slot->root_size = tree_size (task->metainfo, task->piece);
  shoal_merkle_init (&slot->tree);

  task->right = task->wrong = task->halves_differ = FALSE;
  task->unknown = !slot->has_sha1 && !slot->has_root;
}

static void
add_leaves (ShoalHasher  *self,
            Slot         *slot,
            const guint8 *data,
            guint32       offset,
            guint32       size)
{
  guint32 end = offset < slot->root_size ? MIN (size, slot->root_size - offset) : 0;

  for (guint32 at = 0; at < end; at += SHOAL_BLOCK_SIZE)
    {
      ShoalSha256 leaf;

      shoal_digest_update (self->sha256, data + at, MIN (end - at, SHOAL_BLOCK_SIZE));
      shoal_digest_finish (self->sha256, leaf.bytes);
      shoal_merkle_add (&slot->tree, &leaf);
    }
}

static void
judge (Slot *slot)
{
  ShoalHashTask *task = slot->task;
  gboolean sha1_right = FALSE;
  gboolean root_right = FALSE;

  if (slot->failed || task->unknown)
    return;

  if (slot->has_sha1)
    sha1_right = shoal_sha1_equal (&slot->sha1, &slot->want_sha1);
  if (slot->has_root)
    {
      ShoalSha256 root;

      shoal_merkle_root (&slot->tree, shoal_metainfo_piece_leaves (task->metainfo, task->piece), 0,
                         &root);
      root_right = memcmp (&root, &slot->want_root, sizeof root) == 0;
    }

  task->right = (sha1_right || !slot->has_sha1) && (root_right || !slot->has_root);
  task->wrong = !task->right;
  task->halves_differ = slot->has_sha1 && slot->has_root && sha1_right != root_right;
}

/* One piece with plain digests. */
static void
compare_alone (ShoalHasher     *self,
               Slot            *slot,
               guint32          size,
               ShoalHashSource  source)
{
  for (guint32 at = 0; at < size && !slot->failed; at += CHUNK_SIZE)
    {
      guint32 part = MIN (size - at, CHUNK_SIZE);
      const guint8 *data = source (slot->task->source, at, part, self->chunks);

      slot->failed = data == NULL;
      if (slot->failed)
        break;
      if (slot->has_sha1)
        shoal_digest_update (self->sha1, data, part);
      if (slot->has_root)
        add_leaves (self, slot, data, at, part);
    }
  /* Also after a failure: it makes the context new. */
  if (slot->has_sha1)
    shoal_digest_finish (self->sha1, slot->sha1.bytes);
}

/* Pieces of one size side by side. */
static void
compare_together (ShoalHasher     *self,
                  Slot           **slots,
                  guint            n_slots,
                  guint32          size,
                  ShoalHashSource  source)
{
  ShoalSha1Lanes lanes = { 0 };
  ShoalSha1 sums[SHOAL_HASHER_PIECES_MAX];
  const guint8 *data[SHOAL_HASHER_PIECES_MAX];

  for (guint32 at = 0; at < size; at += CHUNK_SIZE)
    {
      guint32 part = MIN (size - at, CHUNK_SIZE);

      for (guint i = 0; i < n_slots; i++)
        {
          guint8 *scratch = self->chunks + (gsize) i * CHUNK_SIZE;

          data[i] = slots[i]->failed ? scratch : source (slots[i]->task->source, at, part, scratch);
          if (data[i] == NULL)
            {
              /* The lane goes on with whatever lies there; nobody will look at the sum. */
              slots[i]->failed = TRUE;
              data[i] = scratch;
            }
          else if (slots[i]->has_root && !slots[i]->failed)
            {
              add_leaves (self, slots[i], data[i], at, part);
            }
        }
      shoal_sha1_lanes_update (&lanes, data, n_slots, part);
    }

  shoal_sha1_lanes_finish (&lanes, n_slots, sums);
  for (guint i = 0; i < n_slots; i++)
    slots[i]->sha1 = sums[i];
}

ShoalSha256 *
shoal_hasher_leaves (ShoalHasher         *self,
                     const ShoalMetainfo *metainfo,
                     guint32              piece,
                     gpointer             source_data,
                     ShoalHashSource      source)
{
  guint32 size = tree_size (metainfo, piece);
  g_autofree ShoalSha256 *leaves = g_new (ShoalSha256, (size - 1) / SHOAL_BLOCK_SIZE + 1);

  for (guint32 at = 0; at < size; at += SHOAL_BLOCK_SIZE)
    {
      guint32 part = MIN (size - at, SHOAL_BLOCK_SIZE);
      const guint8 *data = source (source_data, at, part, self->chunks);

      if (data == NULL)
        return NULL;
      shoal_digest_update (self->sha256, data, part);
      shoal_digest_finish (self->sha256, leaves[at / SHOAL_BLOCK_SIZE].bytes);
    }

  return g_steal_pointer (&leaves);
}

void
shoal_hasher_compare (ShoalHasher     *self,
                      ShoalHashTask   *tasks,
                      guint            n_tasks,
                      ShoalHashSource  source)
{
  Slot *together[SHOAL_HASHER_PIECES_MAX];
  guint n_together = 0;
  guint32 size = 0;

  g_return_if_fail (self != NULL);
  g_return_if_fail (n_tasks <= SHOAL_HASHER_PIECES_MAX);

  for (guint i = 0; i < n_tasks; i++)
    {
      Slot *slot = &self->slots[i];
      guint32 piece_size = shoal_layout_piece_size (tasks[i].metainfo->layout, tasks[i].piece);

      slot_init (slot, &tasks[i]);
      if (slot->task->unknown || !slot->has_sha1 || piece_size % LANE_UNIT != 0)
        continue;
      if (n_together == 0)
        size = piece_size;
      if (piece_size == size)
        together[n_together++] = slot;
    }
  if (n_together < LANES_PAY || n_together > shoal_sha1_max_lanes ())
    n_together = 0;
  if (n_together > 0)
    compare_together (self, together, n_together, size, source);

  for (guint i = 0, next = 0; i < n_tasks; i++)
    {
      Slot *slot = &self->slots[i];

      if (next < n_together && together[next] == slot)
        next++;
      else if (!slot->task->unknown)
        compare_alone (self, slot,
                       shoal_layout_piece_size (slot->task->metainfo->layout, slot->task->piece),
                       source);
      judge (slot);
    }
}
