/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hashes of single blocks (BEP 52): which blocks of a wrong piece are wrong. */

/*
 * A piece of version 2 that fails keeps its blocks, in memory or on the disk, while a peer is
 * asked for their hashes. They prove themselves: a range of them, with the uncles up to the piece,
 * gives the hash of the piece. What one peer refuses, another is asked for; ranges that were right
 * are kept. Then only the wrong blocks are fetched again, and who sent them is known. Where nobody
 * answers in time and nothing wrong was found, the piece is judged whole, as one of version 1 is.
 */

#include "shoal-link-private.h"

#include <string.h>

#include "shoal-leaves.h"

#define FETCHES_MAX       32u                         /* pieces of a torrent that wait for hashes */
#define LEAVES_MAX        (64u * 1024)                /* blocks of them all: 2 MiB of hashes */
#define ASKED_MAX         8u                          /* ranges that a peer is asked for at once */
#define TRIES_MAX         8u                          /* peers that are asked */
#define ANSWER_TIMEOUT_US (3 * G_USEC_PER_SEC)        /* of one peer, without an answer, and */
#define FETCH_TIMEOUT_US  (8 * G_USEC_PER_SEC)        /* in all; and the time to read the piece */
#define READING_RATE      (32 * 1024 * 1024)          /* bytes a second, at the slowest */
#define CONTRIBUTORS_MAX  64u                         /* who sent a piece: as far as one looks */

typedef enum
{
  RANGE_WANTED,
  RANGE_ASKED,
  RANGE_HAD,
} RangeState;

typedef struct
{
  guint32        piece;
  ShoalLeafPlace place;
  ShoalSha256   *own;         /* what came */
  guint8        *wrong;       /* a byte for each block */
  guint8        *ranges;      /* of RangeState */
  guint32        n_ranges;
  guint32        n_had;
  guint32        n_asked;
  guint32        n_wrong;
  ShoalLink     *link;        /* (nullable): who is asked; NULL: all are asked for other pieces */
  gint64         heard_us;    /* it was asked, or last answered */
  gint64         begun_us;
  guint          n_tries;
} LeafFetch;

static void
fetch_free (gpointer data)
{
  LeafFetch *self = data;

  g_free (self->own);
  g_free (self->wrong);
  g_free (self->ranges);
  g_free (self);
}

void
shoal_swarm_leaves_clear (ShoalSwarm *self)
{
  g_clear_pointer (&self->leaves, g_ptr_array_unref);
}

/* What a peer needs to read the piece. */
static gint64
reading_us (const LeafFetch *fetch)
{
  return (gint64) fetch->place.size * G_USEC_PER_SEC / READING_RATE;
}

/* --- Asking --- */

static LeafFetch *
find_fetch (ShoalSwarm *self,
            ShoalLink  *link)
{
  for (guint i = 0; self->leaves != NULL && i < self->leaves->len; i++)
    {
      LeafFetch *fetch = g_ptr_array_index (self->leaves, i);

      if (fetch->link == link)
        return fetch;
    }

  return NULL;
}

/*
 * Who has the piece and speaks version 2; one that sent nothing of it rather than one that did.
 * Each is asked for one piece at a time.
 */
static ShoalLink *
choose_link (ShoalSwarm *self,
             guint32     piece,
             gboolean   *busy)
{
  guint numbers[CONTRIBUTORS_MAX];
  guint n = shoal_picker_contributors (self->picker, piece, numbers, CONTRIBUTORS_MAX);
  ShoalLink *second = NULL;

  *busy = FALSE;
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);
      gboolean sent = FALSE;

      if (!shoal_swarm_can_give_hashes (self, link) || !shoal_link_peer_has (link, piece))
        continue;
      if (find_fetch (self, link) != NULL)
        {
          *busy = TRUE;
          continue;
        }
      for (guint i = 0; i < MIN (n, CONTRIBUTORS_MAX) && !sent; i++)
        sent = numbers[i] == link->contributor;
      if (!sent)
        return link;
      if (second == NULL)
        second = link;
    }

  return second;
}

static void
ask_ranges (LeafFetch *fetch)
{
  for (guint32 i = 0; i < fetch->n_ranges && fetch->n_asked < ASKED_MAX; i++)
    {
      ShoalHashRequest request;

      if (fetch->ranges[i] != RANGE_WANTED)
        continue;
      request = shoal_leaves_request (&fetch->place, i);
      fetch->ranges[i] = RANGE_ASKED;
      fetch->n_asked++;
      shoal_link_say_hashes (fetch->link, SHOAL_MESSAGE_HASH_REQUEST, &request);
    }
}

/* Its peer is asked no more; another one may be. */
static void
release (LeafFetch *fetch)
{
  for (guint32 i = 0; i < fetch->n_ranges; i++)
    if (fetch->ranges[i] == RANGE_ASKED)
      fetch->ranges[i] = RANGE_WANTED;
  fetch->n_asked = 0;
  fetch->link = NULL;
}

/* What is known by now has to do; @fetch is gone. */
static void
finish (ShoalSwarm *self,
        LeafFetch  *fetch)
{
  guint32 piece = fetch->piece;
  guint index;

  if (g_ptr_array_find (self->leaves, fetch, &index))
    g_ptr_array_steal_index_fast (self->leaves, index);
  if (fetch->n_wrong == 0)
    {
      /* Nobody said what is wrong; or it lies behind the file, where version 2 does not look. */
      shoal_swarm_judge_whole (self, piece, NULL);
    }
  else
    {
      /* The blocks that stay are right: nobody needs to send the piece alone. */
      shoal_picker_set_alone (self->picker, piece, FALSE);
      shoal_picker_judged_blocks (self->picker, piece, fetch->wrong, fetch->place.n);
      self->dirty = TRUE;
    }
  fetch_free (fetch);
  shoal_swarm_changed (self);
  shoal_swarm_feed_links (self);
}

/* The next peer, or the end of it: FALSE: @fetch is gone. */
static gboolean
ask_next (ShoalSwarm *self,
          LeafFetch  *fetch)
{
  gint64 now_us = shoal_swarm_now (self);
  gboolean busy = FALSE;

  if (fetch->n_tries < TRIES_MAX
      && fetch->begun_us + FETCH_TIMEOUT_US + reading_us (fetch) > now_us)
    fetch->link = choose_link (self, fetch->piece, &busy);
  if (fetch->link == NULL && busy)
    return TRUE;
  if (fetch->link == NULL)
    {
      finish (self, fetch);
      return FALSE;
    }
  fetch->n_tries++;
  fetch->heard_us = now_us;
  ask_ranges (fetch);

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

static guint32
n_leaves (const ShoalSwarm *self)
{
  guint32 n = 0;

  for (guint i = 0; i < self->leaves->len; i++)
    n += ((const LeafFetch *) g_ptr_array_index (self->leaves, i))->place.n;

  return n;
}

gboolean
shoal_swarm_leaves_begin (ShoalSwarm   *self,
                          ShoalDiskJob *job)
{
  LeafFetch *fetch;
  ShoalLeafPlace place;
  gboolean busy;

  if (self->state != SHOAL_TORRENT_DOWNLOADING || job->leaves == NULL
      || !shoal_leaves_place (self->metainfo, job->piece, &place) || place.n == 1
      || (choose_link (self, job->piece, &busy) == NULL && !busy))
    return FALSE;
  if (self->leaves == NULL)
    self->leaves = g_ptr_array_new_with_free_func (fetch_free);
  if (self->leaves->len >= FETCHES_MAX || n_leaves (self) + place.n > LEAVES_MAX)
    return FALSE;
  fetch = g_new0 (LeafFetch, 1);
  fetch->piece = job->piece;
  fetch->place = place;
  fetch->own = g_steal_pointer (&job->leaves);
  fetch->wrong = g_malloc0 (place.n);
  fetch->n_ranges = shoal_leaves_n_ranges (&place);
  fetch->ranges = g_malloc0 (fetch->n_ranges);
  fetch->begun_us = shoal_swarm_now (self);
  g_ptr_array_add (self->leaves, fetch);
  ask_next (self, fetch);

  return TRUE;
}

/* --- Answers --- */

/* The piece about which @link was asked with @request; NULL: none, or not any more. */
static LeafFetch *
find_asked (ShoalSwarm             *self,
            ShoalLink              *link,
            const ShoalHashRequest *request,
            guint32                *range)
{
  LeafFetch *fetch = find_fetch (self, link);
  ShoalHashRequest own;

  if (fetch == NULL || request->index < fetch->place.index)
    return NULL;
  *range = (request->index - fetch->place.index) / SHOAL_HASHES_ASK_MAX;
  if (*range >= fetch->n_ranges || fetch->ranges[*range] != RANGE_ASKED)
    return NULL;
  own = shoal_leaves_request (&fetch->place, *range);

  return shoal_hash_request_equal (&own, request) ? fetch : NULL;
}

/* The hashes of a range are right: every block that has another one came from a liar. */
static void
judge_range (ShoalSwarm   *self,
             LeafFetch    *fetch,
             guint32       range,
             const guint8 *hashes,
             GArray       *liars)
{
  guint32 first = range * SHOAL_HASHES_ASK_MAX;
  guint32 end = MIN (fetch->place.n, first + SHOAL_HASHES_ASK_MAX);

  for (guint32 block = first; block < end; block++, hashes += SHOAL_SHA256_SIZE)
    {
      guint number;

      if (memcmp (hashes, fetch->own[block].bytes, SHOAL_SHA256_SIZE) == 0)
        continue;
      number = shoal_picker_contributor (self->picker, (ShoalBlock){ fetch->piece, block });
      fetch->wrong[block] = TRUE;
      fetch->n_wrong++;
      self->wasted += shoal_layout_block_size (self->metainfo->layout, fetch->piece, block);
      if (number != G_MAXUINT)
        g_array_append_val (liars, number);
    }
}

void
shoal_swarm_leaves_came (ShoalSwarm             *self,
                         ShoalLink              *link,
                         const ShoalHashRequest *request,
                         const guint8           *hashes)
{
  g_autoptr(GArray) liars = NULL;
  guint32 range;
  LeafFetch *fetch = find_asked (self, link, request, &range);

  if (fetch == NULL)
    return;
  if (!shoal_leaves_verify (&fetch->place, request, hashes))
    {
      /* The end of its link asks the next one. */
      shoal_swarm_punish (self, link->contributor, "it sent wrong hashes");
      return;
    }
  fetch->ranges[range] = RANGE_HAD;
  fetch->n_had++;
  fetch->n_asked--;
  fetch->heard_us = shoal_swarm_now (self);
  liars = g_array_new (FALSE, FALSE, sizeof (guint));
  judge_range (self, fetch, range, hashes, liars);
  if (fetch->n_had < fetch->n_ranges)
    {
      ask_ranges (fetch);
    }
  else
    {
      finish (self, fetch);
      ask_waiting (self);
    }
  for (guint i = 0; i < liars->len; i++)
    shoal_swarm_punish (self, g_array_index (liars, guint, i), "it sent wrong data");
}

/* The peer is asked about nothing for a while. */
static void
rest_link (ShoalSwarm *self,
           LeafFetch  *fetch)
{
  fetch->link->hashes_after_us = shoal_swarm_now (self) + SHOAL_METADATA_REST_US;
  release (fetch);
}

void
shoal_swarm_leaves_refused (ShoalSwarm             *self,
                            ShoalLink              *link,
                            const ShoalHashRequest *request)
{
  guint32 range;
  LeafFetch *fetch = find_asked (self, link, request, &range);

  if (fetch == NULL)
    return;
  rest_link (self, fetch);
  ask_waiting (self);
}

void
shoal_swarm_leaves_gone (ShoalSwarm *self,
                         ShoalLink  *link)
{
  LeafFetch *fetch = find_fetch (self, link);

  if (fetch == NULL)
    return;
  release (fetch);
  ask_waiting (self);
}

void
shoal_swarm_leaves_tick (ShoalSwarm *self)
{
  for (guint i = 0; self->leaves != NULL && i < self->leaves->len; i++)
    {
      LeafFetch *fetch = g_ptr_array_index (self->leaves, i);

      if (fetch->link != NULL
          && fetch->heard_us + ANSWER_TIMEOUT_US + reading_us (fetch) <= shoal_swarm_now (self))
        rest_link (self, fetch);
    }
  ask_waiting (self);
}
