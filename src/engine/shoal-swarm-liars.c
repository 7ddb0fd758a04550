/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a failed hash tells about those who sent the piece, and what becomes of liars. */

/*
 * A piece from one peer alone convicts it. Of one from several the blocks are remembered by their
 * digests until the piece is right: whoever sent another block then, lied. Of a piece that was
 * spilled the disk gives the digests while it reads it back.
 */

#include "shoal-link-private.h"

#define LEAVERS_MAX 256u   /* peers that went and are remembered, of one torrent */

/* The blocks of a run, which begins at a block. */
static void
digest_run (const ShoalRun *run,
            ShoalSha1      *digests)
{
  for (guint32 at = 0; at < run->size; at += SHOAL_BLOCK_SIZE)
    shoal_sha1 (run->data + at, MIN (run->size - at, SHOAL_BLOCK_SIZE),
                &digests[(run->offset + at) / SHOAL_BLOCK_SIZE]);
}

/* Of a whole piece in memory. */
static ShoalSha1 *
digest_piece (ShoalSwarm *self,
              guint32     piece)
{
  guint n_runs = shoal_picker_n_runs (self->picker, piece);
  g_autofree ShoalRun *runs = g_new (ShoalRun, MAX (n_runs, 1));
  ShoalSha1 *digests = g_new0 (ShoalSha1, shoal_layout_n_blocks (self->metainfo->layout, piece));

  n_runs = shoal_picker_runs (self->picker, piece, runs, n_runs);
  for (guint i = 0; i < n_runs; i++)
    digest_run (&runs[i], digests);

  return digests;
}

/* Several sent a part of a piece that is wrong: what they sent is kept until it is right. */
static void
suspect (ShoalSwarm      *self,
         guint32          piece,
         const ShoalSha1 *digests)
{
  guint32 n_blocks = shoal_layout_n_blocks (self->metainfo->layout, piece);
  g_autofree guint *contributors = g_new0 (guint, n_blocks);

  for (guint32 block = 0; block < n_blocks; block++)
    contributors[block] = shoal_picker_contributor (self->picker, (ShoalBlock){ piece, block });
  if (self->suspects == NULL)
    self->suspects = shoal_suspects_new ();
  shoal_suspects_failed (self->suspects, piece, contributors, digests, n_blocks);
}

void
shoal_swarm_remember (ShoalSwarm      *self,
                      guint            contributor,
                      const ShoalAddr *addr)
{
  ShoalLeaver leaver = { contributor, *addr };

  if (self->leavers == NULL)
    self->leavers = g_array_new (FALSE, FALSE, sizeof (ShoalLeaver));
  if (self->leavers->len >= LEAVERS_MAX)
    g_array_remove_index (self->leavers, 0);
  g_array_append_val (self->leavers, leaver);
}

void
shoal_swarm_punish (ShoalSwarm *self,
                    guint       contributor,
                    const char *why)
{
  ShoalKnownPeer *known = shoal_peerbook_by_number (self->book, contributor);

  if ((known != NULL && known->banned) || shoal_swarm_web_punish (self, contributor, why))
    return;
  g_info ("a peer is banned: %s", why);
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (link->contributor != contributor)
        continue;
      if (known == NULL)
        known = link->known != NULL
                  ? link->known
                  : shoal_peerbook_add (self->book, &link->addr, SHOAL_PEER_SOURCE_INCOMING,
                                        shoal_swarm_now (self));
      shoal_link_hang_up (link, why);
      break;
    }
  if (known != NULL)
    shoal_peerbook_ban (self->book, known);
  for (guint i = 0; self->leavers != NULL && i < self->leavers->len; i++)
    if (g_array_index (self->leavers, ShoalLeaver, i).contributor == contributor)
      shoal_peerbook_ban_ip (self->book, &g_array_index (self->leavers, ShoalLeaver, i).addr);
}

gboolean
shoal_swarm_wants_digests (const ShoalSwarm *self,
                           guint32           piece)
{
  return self->suspects != NULL && shoal_suspects_has (self->suspects, piece);
}

void
shoal_swarm_find_liars (ShoalSwarm         *self,
                        const ShoalDiskJob *job)
{
  g_autoptr(GArray) liars = NULL;
  g_autofree ShoalSha1 *digests = NULL;

  if (!shoal_swarm_wants_digests (self, job->piece))
    return;
  if (job->op == SHOAL_DISK_CHECK && job->digests == NULL)
    {
      shoal_suspects_forget (self->suspects, job->piece);
      return;
    }
  liars = g_array_new (FALSE, FALSE, sizeof (guint));
  if (job->op != SHOAL_DISK_CHECK)
    digests = digest_piece (self, job->piece);
  shoal_suspects_right (self->suspects, job->piece, digests != NULL ? digests : job->digests,
                        shoal_layout_n_blocks (self->metainfo->layout, job->piece), liars);
  for (guint i = 0; i < liars->len; i++)
    if (g_array_index (liars, guint, i) != G_MAXUINT)
      shoal_swarm_punish (self, g_array_index (liars, guint, i), "it sent wrong data");
}

/* Whether a part of the piece came in an earlier run: nobody knows from whom. */
static gboolean
has_unknown_part (ShoalSwarm *self,
                  guint32     piece)
{
  for (guint32 block = 0; block < shoal_layout_n_blocks (self->metainfo->layout, piece); block++)
    if (shoal_picker_contributor (self->picker, (ShoalBlock){ piece, block }) == G_MAXUINT)
      return TRUE;

  return FALSE;
}

static void
end_piece (ShoalSwarm *self,
           guint32     piece)
{
  self->wasted += shoal_layout_piece_size (self->metainfo->layout, piece);
  shoal_picker_judged (self->picker, piece, FALSE);
  shoal_picker_set_alone (self->picker, piece, TRUE);
}

/* What a wrong piece was made of could be read again, or not: it is fetched anew. */
static void
on_digested (ShoalDone *done,
             gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;
  ShoalSwarm *self = done->owner;

  shoal_engine_disk_done (job);
  if (job->digests != NULL)
    suspect (self, job->piece, job->digests);
  end_piece (self, job->piece);
  shoal_swarm_piece_job_over (self);
  shoal_disk_job_free (job);
}

void
shoal_swarm_judge_whole (ShoalSwarm      *self,
                         guint32          piece,
                         const ShoalSha1 *digests)
{
  gboolean spilled = shoal_picker_has_spilled (self->picker, piece);
  guint numbers[2];
  guint n = shoal_picker_contributors (self->picker, piece, numbers, G_N_ELEMENTS (numbers));

  if (n == 1 && !has_unknown_part (self, piece))
    {
      shoal_swarm_punish (self, numbers[0], "it sent wrong data");
    }
  else if (digests != NULL)
    {
      suspect (self, piece, digests);
    }
  else if (!spilled)
    {
      g_autofree ShoalSha1 *own = digest_piece (self, piece);

      suspect (self, piece, own);
    }
  else if (self->opened)
    {
      /* The blocks are on the disk: their digests first. */
      ShoalDiskJob *job = shoal_swarm_piece_job (self, SHOAL_DISK_CHECK, piece, on_digested);

      job->n_pieces = 1;
      job->wants_digests = TRUE;
      shoal_engine_disk (self->engine, job);
      return;
    }
  end_piece (self, piece);
}
