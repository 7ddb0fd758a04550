/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two magnet links that turn out to be one hybrid torrent: the younger goes into the older. */

/*
 * A link names one hash of a hybrid, another link the other; nobody can tell until the metadata is
 * there. Then trackers, peers and wanted files of the younger are taken over by the older, and
 * views are told which one is left.
 */

#include "shoal-swarm-private.h"

#define PEERS_MAX 500u

static ShoalSwarm *
find_other (ShoalSwarm          *self,
            const ShoalMetainfo *metainfo)
{
  ShoalSha1 keys[2];
  guint n = shoal_info_hash_keys (&metainfo->hash, keys);

  for (guint i = 0; i < n; i++)
    {
      ShoalSwarm *other = shoal_engine_find_by_key (self->engine, &keys[i]);

      if (other != NULL && other != self)
        return other;
    }

  return NULL;
}

/* What either of them wants; none chosen is everything. */
static void
unite_selections (ShoalSwarm       *self,
                  const ShoalSwarm *goes)
{
  GArray *all;

  if (self->selection == NULL || self->selection->len == 0 || self->has_metadata)
    return;
  if (goes->selection == NULL || goes->selection->len == 0)
    {
      g_clear_pointer (&self->selection, g_array_unref);
      return;
    }
  all = g_array_copy (self->selection);
  g_array_append_vals (all, goes->selection->data, goes->selection->len);
  g_array_unref (self->selection);
  self->selection = all;
}

static void
take_over (ShoalSwarm *self,
           ShoalSwarm *goes)
{
  g_autofree ShoalAddr *peers = g_new (ShoalAddr, PEERS_MAX);
  guint n = shoal_peerbook_best (goes->book, peers, PEERS_MAX);

  unite_selections (self, goes);
  shoal_swarm_set_tiers (self, shoal_announcer_tiers (goes->announcer));
  for (guint i = 0; i < goes->user_peers->len; i++)
    g_ptr_array_add (self->user_peers, g_strdup (g_ptr_array_index (goes->user_peers, i)));
  /* The other one was looked for everywhere. */
  if (!self->is_private)
    shoal_swarm_add_peers (self, peers, n, SHOAL_PEER_SOURCE_RESUME);
}

gboolean
shoal_swarm_merge (ShoalSwarm    *self,
                   ShoalMetainfo *metainfo)
{
  ShoalSwarm *other = find_other (self, metainfo);
  ShoalSwarm *stays, *goes;
  ShoalEvent *event;

  if (other == NULL)
    return FALSE;
  if (other->removing)
    {
      shoal_engine_drop_keys (self->engine, other);
      return FALSE;
    }
  stays = other->has_metadata || other->id < self->id ? other : self;
  goes = stays == self ? other : self;
  take_over (stays, goes);
  event = shoal_event_new (SHOAL_EVENT_MERGED);
  event->id = goes->id;
  event->other = stays->id;
  shoal_engine_tell (self->engine, event);
  shoal_engine_drop_keys (self->engine, goes);
  shoal_engine_take_out (self->engine, goes, SHOAL_REMOVE_KEEP_DATA, 0);
  if (stays == self)
    return FALSE;
  shoal_swarm_metadata_clear (stays);
  if (stays->has_metadata)
    shoal_metainfo_unref (metainfo);
  else
    shoal_swarm_metadata_adopt (stays, metainfo);

  return TRUE;
}
