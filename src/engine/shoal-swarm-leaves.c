/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hashes of single blocks (BEP 52): which blocks of a wrong piece are wrong, and the same for peers that ask. */

/*
 * A piece of version 2 that fails keeps its memory while a peer is asked for the hashes of its blocks. They prove
 * themselves: together they give the hash of the piece. Then only the wrong blocks are fetched again, and who sent them is
 * known. Where nobody answers in time the piece is judged whole, as one of version 1 is.
 *
 * Whoever asks us gets hashes of what is on the disk, read in parts of a request's size, one piece at a time for a peer.
 */

#include "shoal-link-private.h"

#include <string.h>

#include "shoal-hash-message.h"
#include "shoal-merkle.h"

#define FETCHES_MAX       8u                          /* pieces of a torrent that wait for hashes */
#define ANSWER_TIMEOUT_US (3 * G_USEC_PER_SEC)        /* of one peer */
#define FETCH_TIMEOUT_US  (8 * G_USEC_PER_SEC)        /* in all */
#define TRIES_MAX         8u                          /* peers that are asked */
#define GIVEN_RATE        (4 * 1024 * 1024)           /* bytes a second that one peer may have hashed */
#define GIVEN_BURST_US    (4 * G_USEC_PER_SEC)        /* and so much of it at once */

/* Where the blocks of a piece stand in the tree of its file. */
typedef struct
{
  ShoalHashRequest request;
  ShoalSha256      root;      /* of the piece */
  guint32          size;      /* bytes of the file in the piece */
  guint32          n;         /* blocks of it */
} LeafRange;

typedef struct
{
  guint32          piece;
  LeafRange        range;
  ShoalSha256     *own;       /* what came */
  ShoalLink       *link;      /* (nullable): who is asked; NULL: all who could be are asked for another piece */
  gint64           asked_us;
  gint64           begun_us;
  guint            n_tries;
} LeafFetch;

static void
fetch_free (gpointer data)
{
  LeafFetch *self = data;

  g_free (self->own);
  g_free (self);
}

void
shoal_swarm_leaves_clear (ShoalSwarm *self)
{
  g_clear_pointer (&self->leaves, g_ptr_array_unref);
}

/* FALSE: the piece has one block, or too many for one message, or its hash is not known. */
static gboolean
find_range (const ShoalMetainfo *metainfo,
            guint32              piece,
            LeafRange           *out)
{
  const ShoalLayout *layout = metainfo->layout;
  guint32 file = layout->piece_file[piece];
  const ShoalMetainfoFile *known = &metainfo->files[file];
  guint64 begin = shoal_layout_piece_offset (layout, piece) - layout->file_offset[file];
  guint32 per_piece = layout->piece_size / SHOAL_BLOCK_SIZE;

  if (!known->has_root || layout->file_offset[file] % layout->piece_size != 0 || begin >= known->size)
    return FALSE;
  out->size = (guint32) MIN (known->size - begin, layout->piece_size);
  out->n = (out->size - 1) / SHOAL_BLOCK_SIZE + 1;
  out->request = (ShoalHashRequest){ .root = known->root, .base = 0, .length = per_piece };
  if (known->size > layout->piece_size)
    {
      gsize index = begin / layout->piece_size;

      if (known->layer == NULL)
        return FALSE;
      out->request.index = (guint32) index * per_piece;
      memcpy (out->root.bytes, known->layer + index * SHOAL_SHA256_SIZE, SHOAL_SHA256_SIZE);
    }
  else
    {
      out->request.length = (guint32) shoal_merkle_round_up (out->n);
      out->root = known->root;
    }

  return out->n > 1 && shoal_hash_request_is_sane (&out->request);
}

/* Everything of the piece is in memory. */
static ShoalSha256 *
hash_blocks (const ShoalDiskJob *job,
             const LeafRange    *range)
{
  ShoalSha256 *leaves = g_new0 (ShoalSha256, range->n);
  guint32 n = 0;

  for (guint i = 0; i < job->n_runs; i++)
    for (guint32 at = 0; at < job->runs[i].size && job->runs[i].offset + at < range->size; at += SHOAL_BLOCK_SIZE)
      {
        guint32 offset = job->runs[i].offset + at;

        shoal_sha256 (job->runs[i].data + at, MIN (range->size - offset, SHOAL_BLOCK_SIZE), &leaves[offset / SHOAL_BLOCK_SIZE]);
        n++;
      }
  if (n < range->n)
    g_clear_pointer (&leaves, g_free);

  return leaves;
}

/* --- Asking --- */

static LeafFetch *
find_fetch (ShoalSwarm             *self,
            ShoalLink              *link,
            const ShoalHashRequest *request)
{
  for (guint i = 0; self->leaves != NULL && i < self->leaves->len; i++)
    {
      LeafFetch *fetch = g_ptr_array_index (self->leaves, i);

      if (fetch->link == link && (request == NULL || shoal_hash_request_equal (&fetch->range.request, request)))
        return fetch;
    }

  return NULL;
}

/* Who has the piece and speaks version 2; one that sent nothing of it rather than one that did. Each is asked for one piece at a time. */
static ShoalLink *
choose_link (ShoalSwarm *self,
             LeafFetch  *fetch,
             gboolean   *busy)
{
  ShoalLink *second = NULL;

  *busy = FALSE;

  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);
      gboolean sent = FALSE;

      if (!shoal_swarm_can_give_hashes (self, link) || !shoal_link_peer_has (link, fetch->piece))
        continue;
      if (find_fetch (self, link, NULL) != NULL)
        {
          *busy = TRUE;
          continue;
        }
      for (guint32 block = 0; block < fetch->range.n && !sent; block++)
        sent = shoal_picker_contributor (self->picker, (ShoalBlock){ fetch->piece, block }) == link->contributor;
      if (!sent)
        return link;
      if (second == NULL)
        second = link;
    }

  return second;
}

/* The next peer, or the end of it: FALSE: @fetch is gone. */
static gboolean
ask_next (ShoalSwarm *self,
          LeafFetch  *fetch)
{
  gint64 now_us = shoal_swarm_now (self);
  gboolean busy = FALSE;

  fetch->link = NULL;
  if (fetch->n_tries < TRIES_MAX && fetch->begun_us + FETCH_TIMEOUT_US > now_us)
    fetch->link = choose_link (self, fetch, &busy);
  if (fetch->link == NULL && busy)
    return TRUE;
  fetch->n_tries++;
  if (fetch->link == NULL)
    {
      guint32 piece = fetch->piece;

      g_ptr_array_remove_fast (self->leaves, fetch);
      shoal_swarm_judge_whole (self, piece, NULL);
      return FALSE;
    }
  fetch->asked_us = now_us;
  shoal_link_say_hashes (fetch->link, SHOAL_MESSAGE_HASH_REQUEST, &fetch->range.request);

  return TRUE;
}

/* Somebody may be free for the pieces that wait. */
static void
ask_waiting (ShoalSwarm *self)
{
  guint i = 0;

  while (self->leaves != NULL && i < self->leaves->len)
    {
      LeafFetch *fetch = g_ptr_array_index (self->leaves, i);

      i = fetch->link != NULL || ask_next (self, fetch) ? i + 1 : 0;
    }
}

gboolean
shoal_swarm_leaves_begin (ShoalSwarm   *self,
                          ShoalDiskJob *job)
{
  LeafFetch *fetch;
  LeafRange range;
  ShoalSha256 *own;
  gboolean busy;

  if (self->state != SHOAL_TORRENT_DOWNLOADING || !find_range (self->metainfo, job->piece, &range)
      || (self->leaves != NULL && self->leaves->len >= FETCHES_MAX))
    return FALSE;
  own = hash_blocks (job, &range);
  if (own == NULL)
    return FALSE;
  fetch = g_new0 (LeafFetch, 1);
  fetch->piece = job->piece;
  fetch->range = range;
  fetch->own = own;
  fetch->begun_us = shoal_swarm_now (self);
  fetch->link = choose_link (self, fetch, &busy);
  if (fetch->link == NULL && !busy)
    {
      fetch_free (fetch);
      return FALSE;
    }
  if (self->leaves == NULL)
    self->leaves = g_ptr_array_new_with_free_func (fetch_free);
  g_ptr_array_add (self->leaves, fetch);
  fetch->asked_us = fetch->begun_us;
  if (fetch->link != NULL)
    shoal_link_say_hashes (fetch->link, SHOAL_MESSAGE_HASH_REQUEST, &fetch->range.request);

  return TRUE;
}

/* --- Answers --- */

/* The hashes are right: every block that has another one came from a liar. */
static void
judge (ShoalSwarm   *self,
       LeafFetch    *fetch,
       const guint8 *hashes)
{
  g_autofree guint8 *wrong = g_malloc0 (fetch->range.n);
  g_autoptr(GArray) liars = g_array_new (FALSE, FALSE, sizeof (guint));
  guint32 piece = fetch->piece;
  guint32 n = fetch->range.n;
  guint n_wrong = 0;

  for (guint32 block = 0; block < n; block++)
    {
      guint number = shoal_picker_contributor (self->picker, (ShoalBlock){ piece, block });

      if (memcmp (hashes + (gsize) block * SHOAL_SHA256_SIZE, fetch->own[block].bytes, SHOAL_SHA256_SIZE) == 0)
        continue;
      wrong[block] = TRUE;
      n_wrong++;
      self->wasted += shoal_layout_block_size (self->metainfo->layout, piece, block);
      g_array_append_val (liars, number);
    }
  g_ptr_array_remove_fast (self->leaves, fetch);
  if (n_wrong == 0)
    {
      /* What is wrong lies behind the end of the file, where version 2 does not look. */
      shoal_swarm_judge_whole (self, piece, NULL);
      return;
    }
  shoal_picker_judged_blocks (self->picker, piece, wrong, n);
  for (guint i = 0; i < liars->len; i++)
    if (g_array_index (liars, guint, i) != G_MAXUINT)
      shoal_swarm_punish (self, g_array_index (liars, guint, i), "it sent wrong data");
  shoal_swarm_changed (self);
  shoal_swarm_feed_links (self);
}

void
shoal_swarm_leaves_came (ShoalSwarm             *self,
                         ShoalLink              *link,
                         const ShoalHashRequest *request,
                         const guint8           *hashes)
{
  LeafFetch *fetch = find_fetch (self, link, request);
  ShoalMerkle merkle;
  ShoalSha256 root;

  if (fetch == NULL)
    return;
  shoal_merkle_init (&merkle);
  for (guint32 i = 0; i < request->length; i++)
    {
      ShoalSha256 leaf;

      memcpy (leaf.bytes, hashes + (gsize) i * SHOAL_SHA256_SIZE, SHOAL_SHA256_SIZE);
      shoal_merkle_add (&merkle, &leaf);
    }
  shoal_merkle_root (&merkle, request->length, 0, &root);
  if (memcmp (&root, &fetch->range.root, sizeof root) == 0)
    {
      judge (self, fetch, hashes);
      ask_waiting (self);
      return;
    }
  /* The end of its link asks the next one. */
  shoal_swarm_punish (self, link->contributor, "it sent wrong hashes");
}

void
shoal_swarm_leaves_refused (ShoalSwarm             *self,
                            ShoalLink              *link,
                            const ShoalHashRequest *request)
{
  LeafFetch *fetch = find_fetch (self, link, request);

  if (fetch == NULL)
    return;
  link->hashes_after_us = shoal_swarm_now (self) + SHOAL_METADATA_REST_US;
  fetch->link = NULL;
  ask_waiting (self);
}

void
shoal_swarm_leaves_gone (ShoalSwarm *self,
                         ShoalLink  *link)
{
  LeafFetch *fetch;

  if (link->leaf_answer != NULL)
    {
      *link->leaf_answer = NULL;
      link->leaf_answer = NULL;
    }
  while ((fetch = find_fetch (self, link, NULL)) != NULL)
    fetch->link = NULL;
  ask_waiting (self);
}

void
shoal_swarm_leaves_tick (ShoalSwarm *self)
{
  for (guint i = self->leaves != NULL ? self->leaves->len : 0; i > 0; i--)
    {
      LeafFetch *fetch = i <= self->leaves->len ? g_ptr_array_index (self->leaves, i - 1) : NULL;

      if (fetch == NULL || fetch->link == NULL || fetch->asked_us + ANSWER_TIMEOUT_US > shoal_swarm_now (self))
        continue;
      fetch->link->hashes_after_us = shoal_swarm_now (self) + SHOAL_METADATA_REST_US;
      fetch->link = NULL;
    }
  ask_waiting (self);
}

/* --- Giving --- */

/* Reads a piece and hashes its blocks. */
typedef struct
{
  ShoalLink       *link;      /* (nullable): NULL: it went */
  ShoalHashRequest request;   /* as it was asked */
  guint32          piece;
  guint32          first;     /* block of the piece that the answer begins with */
  guint32          size;      /* bytes of the piece */
  guint32          at;        /* read so far */
  ShoalSha256      leaves[SHOAL_HASHES_LENGTH_MAX];   /* of the whole piece */
} LeafAnswer;

static void
end_answer (LeafAnswer *self,
            gboolean    good)
{
  ShoalLink *link = self->link;

  if (link != NULL)
    {
      gsize size = (gsize) self->request.length * SHOAL_SHA256_SIZE;

      link->leaf_answer = NULL;
      shoal_link_say_hashes (link, good ? SHOAL_MESSAGE_HASHES : SHOAL_MESSAGE_HASH_REJECT, &self->request);
      if (good)
        memcpy (shoal_outbox_append (link->outbox, size), &self->leaves[self->first], size);
    }
  g_free (self);
}

static void read_part (LeafAnswer *self, ShoalSwarm *swarm);

static void
on_part (ShoalDone *done,
         gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;
  LeafAnswer *self = done->owner;
  gboolean good = job->reason == SHOAL_REASON_NONE && job->bytes != NULL && self->link != NULL && shoal_link_is_live (self->link);

  shoal_engine_disk_done (job);
  for (guint32 at = 0; good && at < job->size; at += SHOAL_BLOCK_SIZE)
    shoal_sha256 (job->bytes + at, MIN (job->size - at, SHOAL_BLOCK_SIZE), &self->leaves[(job->offset + at) / SHOAL_BLOCK_SIZE]);
  shoal_disk_job_free (job);
  if (good && self->at < self->size && self->link->swarm->opened)
    read_part (self, self->link->swarm);
  else
    end_answer (self, good && self->at == self->size);
}

static void
read_part (LeafAnswer *self,
           ShoalSwarm *swarm)
{
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_READ, swarm->id);

  job->piece = self->piece;
  job->offset = self->at;
  job->size = MIN (self->size - self->at, SHOAL_REQUEST_SIZE_MAX);
  self->at += job->size;
  job->done.func = on_part;
  job->done.owner = self;
  shoal_engine_disk (swarm->engine, job);
}

/* The piece whose blocks are asked for, and where it lies in the tree; FALSE: there is none. */
static gboolean
find_asked (ShoalSwarm             *self,
            const ShoalHashRequest *request,
            guint32                *piece,
            LeafRange              *range)
{
  const ShoalLayout *layout = self->metainfo->layout;
  guint32 per_piece = layout->piece_size / SHOAL_BLOCK_SIZE;

  for (guint32 file = 0; file < layout->n_files; file++)
    {
      guint32 first, end;

      if (!self->metainfo->files[file].has_root || memcmp (&self->metainfo->files[file].root, &request->root, sizeof request->root) != 0)
        continue;
      shoal_layout_file_pieces (layout, file, &first, &end);
      if (request->index / per_piece >= end - first)
        return FALSE;
      *piece = first + request->index / per_piece;
      return find_range (self->metainfo, *piece, range) && request->index + request->length <= range->request.index + range->request.length;
    }

  return FALSE;
}

void
shoal_swarm_leaves_asked (ShoalSwarm             *self,
                          ShoalLink              *link,
                          const ShoalHashRequest *request)
{
  LeafAnswer *answer;
  LeafRange range;
  guint32 piece;

  if (link->leaf_answer != NULL || link->leaf_after_us > shoal_swarm_now (self) + GIVEN_BURST_US || !self->opened || !shoal_hash_request_is_sane (request) || shoal_hash_request_n_uncles (request) > 0
      || shoal_outbox_size (link->outbox) >= SHOAL_UPLOAD_AHEAD_MAX || !find_asked (self, request, &piece, &range)
      || !shoal_swarm_has_piece (self, piece))
    {
      shoal_link_say_hashes (link, SHOAL_MESSAGE_HASH_REJECT, request);
      return;
    }
  answer = g_new0 (LeafAnswer, 1);
  answer->link = link;
  answer->request = *request;
  answer->piece = piece;
  answer->first = request->index - range.request.index;
  answer->size = range.size;
  link->leaf_answer = &answer->link;
  link->leaf_after_us = MAX (link->leaf_after_us, shoal_swarm_now (self)) + (gint64) range.size * G_USEC_PER_SEC / GIVEN_RATE;
  read_part (answer, self);
}
