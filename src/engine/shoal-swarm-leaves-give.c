/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hashes of single blocks (BEP 52) for peers that ask about a piece that came wrong. */

/*
 * They are of what is on the disk: the piece is read in parts of a request's size, and its whole
 * tree is kept for the next requests, as a large piece takes several, and until who asked last is
 * gone. A tree that does not give the hash of the piece is given to nobody: the data was changed,
 * and we would be the liar.
 */

#include "shoal-link-private.h"

#include <string.h>

#include "shoal-leaves.h"

#define TREES_MAX      4u                     /* of a torrent; a piece of 512 MiB has 2 MiB */
#define WAITING_MAX    64u                    /* requests of a peer: 512 MiB in ranges of 512 */
#define GIVEN_RATE     (4 * 1024 * 1024)      /* bytes a second that a peer may have hashed */
#define GIVEN_BURST_US (4 * G_USEC_PER_SEC)   /* and so much of it at once */

typedef struct
{
  ShoalLink       *link;
  ShoalHashRequest request;
} Asked;

typedef struct
{
  ShoalSwarm    *swarm;     /* (nullable): NULL: nobody wants it, but the disk reads for it */
  ShoalLink     *asker;     /* the last one; never followed */
  ShoalLeafPlace place;
  guint32        piece;
  guint32        at;        /* bytes whose reading was asked for */
  gboolean       grown;
  GArray        *waiting;   /* of Asked */
  ShoalSha256   *nodes;     /* see shoal_leaves_grow() */
} LeafTree;

static void
tree_free (LeafTree *self)
{
  g_array_unref (self->waiting);
  g_free (self->nodes);
  g_free (self);
}

/* What the disk reads for comes back yet. */
static void
tree_drop (gpointer data)
{
  LeafTree *self = data;

  self->swarm = NULL;
  if (self->grown)
    tree_free (self);
}

void
shoal_swarm_leaf_trees_clear (ShoalSwarm *self)
{
  g_clear_pointer (&self->leaf_trees, g_ptr_array_unref);
}

static void
answer (LeafTree               *self,
        ShoalLink              *link,
        const ShoalHashRequest *request)
{
  gsize size = shoal_hash_request_n_hashes (request) * sizeof (ShoalSha256);
  g_autofree ShoalSha256 *hashes = g_malloc (size);

  if (!self->grown || shoal_outbox_size (link->outbox) >= SHOAL_HASHES_AHEAD_MAX
      || !shoal_leaves_answer (&self->place, self->nodes, shoal_swarm_trees (self->swarm),
                               request, hashes))
    {
      shoal_link_say_hashes (link, SHOAL_MESSAGE_HASH_REJECT, request);
      return;
    }
  shoal_link_say_hashes (link, SHOAL_MESSAGE_HASHES, request);
  memcpy (shoal_outbox_append (link->outbox, size), hashes, size);
}

/* Everything was read, or could not be. */
static void
end_reading (LeafTree *self)
{
  ShoalSwarm *swarm = self->swarm;
  gboolean grown = self->grown;

  for (guint i = 0; i < self->waiting->len; i++)
    {
      const Asked *asked = &g_array_index (self->waiting, Asked, i);

      answer (self, asked->link, &asked->request);
    }
  g_array_set_size (self->waiting, 0);
  if (grown)
    return;
  g_ptr_array_remove_fast (swarm->leaf_trees, self);
  tree_free (self);
}

static void read_part (LeafTree *self);

static void
on_part (ShoalDone *done,
         gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;
  LeafTree *self = done->owner;
  gboolean good = job->reason == SHOAL_REASON_NONE && job->bytes != NULL && self->swarm != NULL
                  && self->waiting->len > 0;
  ShoalSha256 *leaves = self->nodes + self->place.width;

  shoal_engine_disk_done (job);
  for (guint32 at = 0; good && at < job->size; at += SHOAL_BLOCK_SIZE)
    shoal_sha256 (job->bytes + at, MIN (job->size - at, SHOAL_BLOCK_SIZE),
                  &leaves[(job->offset + at) / SHOAL_BLOCK_SIZE]);
  shoal_disk_job_free (job);
  if (self->swarm == NULL)
    {
      tree_free (self);
      return;
    }
  if (good && self->at < self->place.size && self->swarm->opened)
    {
      read_part (self);
      return;
    }
  self->grown = good && self->at == self->place.size
                && shoal_leaves_grow (&self->place, self->nodes);
  end_reading (self);
}

static void
read_part (LeafTree *self)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_READ, self->swarm->id);

  job->piece = self->piece;
  job->offset = self->at;
  job->size = MIN (self->place.size - self->at, SHOAL_REQUEST_SIZE_MAX);
  self->at += job->size;
  job->done.func = on_part;
  job->done.owner = self;
  shoal_engine_disk (self->swarm->engine, job);
}

/* The piece that has the blocks which are asked for; FALSE: there is none. */
static gboolean
find_asked (ShoalSwarm             *self,
            const ShoalHashRequest *request,
            guint32                *piece)
{
  const ShoalLayout *layout = self->metainfo->layout;
  guint32 file = shoal_hashes_find (shoal_swarm_trees (self), &request->root);
  guint32 offset = request->index / (layout->piece_size / SHOAL_BLOCK_SIZE);
  guint32 first, end;

  if (file == G_MAXUINT32)
    return FALSE;
  shoal_layout_file_pieces (layout, file, &first, &end);
  *piece = first + MIN (offset, end - first);

  return offset < end - first;
}

static LeafTree *
find_tree (ShoalSwarm *self,
           guint32     piece)
{
  for (guint i = 0; self->leaf_trees != NULL && i < self->leaf_trees->len; i++)
    {
      LeafTree *tree = g_ptr_array_index (self->leaf_trees, i);

      if (tree->piece == piece)
        return tree;
    }

  return NULL;
}

/* There is room for one more, perhaps in place of the oldest that is complete. */
static gboolean
make_room (ShoalSwarm *self)
{
  if (self->leaf_trees == NULL)
    self->leaf_trees = g_ptr_array_new_with_free_func (tree_drop);
  for (guint i = 0; self->leaf_trees->len >= TREES_MAX && i < self->leaf_trees->len; i++)
    if (((LeafTree *) g_ptr_array_index (self->leaf_trees, i))->grown)
      g_ptr_array_remove_index (self->leaf_trees, i);

  return self->leaf_trees->len < TREES_MAX;
}

/* NULL: not now, or not at all. */
static LeafTree *
begin_tree (ShoalSwarm *self,
            ShoalLink  *link,
            guint32     piece)
{
  gint64 now_us = shoal_swarm_now (self);
  ShoalLeafPlace place;
  LeafTree *tree;

  if (link->leaf_after_us > now_us + GIVEN_BURST_US || !self->opened
      || !shoal_swarm_has_piece (self, piece)
      || !shoal_leaves_place (self->metainfo, piece, &place) || !make_room (self))
    return NULL;
  link->leaf_after_us = MAX (link->leaf_after_us, now_us)
                        + (gint64) place.size * G_USEC_PER_SEC / GIVEN_RATE;
  tree = g_new0 (LeafTree, 1);
  tree->swarm = self;
  tree->place = place;
  tree->piece = piece;
  tree->waiting = g_array_new (FALSE, FALSE, sizeof (Asked));
  tree->nodes = g_new0 (ShoalSha256, 2 * (gsize) place.width);
  g_ptr_array_add (self->leaf_trees, tree);

  return tree;
}

static guint
n_waiting_of (ShoalSwarm *self,
              ShoalLink  *link)
{
  guint n = 0;

  for (guint i = 0; self->leaf_trees != NULL && i < self->leaf_trees->len; i++)
    {
      const LeafTree *tree = g_ptr_array_index (self->leaf_trees, i);

      for (guint k = 0; k < tree->waiting->len; k++)
        n += g_array_index (tree->waiting, Asked, k).link == link;
    }

  return n;
}

void
shoal_swarm_leaves_asked (ShoalSwarm             *self,
                          ShoalLink              *link,
                          const ShoalHashRequest *request)
{
  Asked asked = { link, *request };
  LeafTree *tree = NULL;
  guint32 piece;

  if (find_asked (self, request, &piece) && n_waiting_of (self, link) < WAITING_MAX)
    {
      tree = find_tree (self, piece);
      if (tree == NULL)
        tree = begin_tree (self, link, piece);
    }
  if (tree == NULL)
    {
      shoal_link_say_hashes (link, SHOAL_MESSAGE_HASH_REJECT, request);
      return;
    }
  tree->asker = link;
  if (tree->grown)
    {
      answer (tree, link, request);
      return;
    }
  g_array_append_val (tree->waiting, asked);
  if (tree->at == 0)
    read_part (tree);
}

void
shoal_swarm_leaves_asker_gone (ShoalSwarm *self,
                               ShoalLink  *link)
{
  for (guint i = self->leaf_trees != NULL ? self->leaf_trees->len : 0; i > 0; i--)
    {
      LeafTree *tree = g_ptr_array_index (self->leaf_trees, i - 1);

      for (guint k = tree->waiting->len; k > 0; k--)
        if (g_array_index (tree->waiting, Asked, k - 1).link == link)
          g_array_remove_index (tree->waiting, k - 1);
      if (tree->asker == link && tree->waiting->len == 0)
        g_ptr_array_remove_index (self->leaf_trees, i - 1);
    }
}
