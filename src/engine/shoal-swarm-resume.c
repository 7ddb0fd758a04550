/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A torrent to and from its resume record. */

#include "shoal-link-private.h"
#include "shoal-error.h"
#include "shoal-writer.h"

#include <string.h>

#define PEERS_KEPT 50u

static GBytes *
had_bytes (ShoalSwarm *self)
{
  const ShoalBitfield *had = shoal_swarm_had (self);
  gsize size;
  guint8 *bytes;

  if (had == NULL)
    return NULL;
  size = shoal_bitfield_wire_size (had->n_bits);
  bytes = g_malloc (MAX (size, 1));
  shoal_bitfield_to_wire (had, bytes);

  return g_bytes_new_take (bytes, size);
}

static GBytes *
spilled_bytes (ShoalSwarm *self)
{
  g_autofree ShoalBlock *blocks = NULL;
  guint n;

  if (self->picker == NULL)
    return self->spilled != NULL && self->spilled->len > 0
             ? g_bytes_new (self->spilled->data, self->spilled->len * sizeof (ShoalBlock))
             : NULL;
  n = shoal_picker_spilled_blocks (self->picker, NULL, 0);
  if (n == 0)
    return NULL;
  blocks = g_new (ShoalBlock, n);
  n = shoal_picker_spilled_blocks (self->picker, blocks, n);

  return g_bytes_new_take (g_steal_pointer (&blocks), n * sizeof (ShoalBlock));
}

static GBytes *
peer_bytes (ShoalSwarm *self)
{
  ShoalAddr addrs[PEERS_KEPT];
  guint n = shoal_peerbook_best (self->book, addrs, PEERS_KEPT);
  g_auto(ShoalWriter) out = { 0 };

  for (guint i = 0; i < n; i++)
    {
      shoal_writer_u8 (&out, addrs[i].family);
      shoal_addr_to_compact (&addrs[i],
                             shoal_writer_space (&out, shoal_addr_compact_size (&addrs[i])));
    }

  return n > 0 ? shoal_writer_steal (&out) : NULL;
}

/* A choice of files that waits for the metadata is kept in the link (BEP 53). */
static char *
magnet_with_selection (ShoalSwarm *self)
{
  g_autoptr(ShoalMagnet) magnet = self->magnet != NULL ? shoal_magnet_parse (self->magnet, NULL)
                                                       : NULL;

  if (magnet == NULL || self->selection == NULL)
    return g_strdup (self->magnet);
  g_array_unref (magnet->select_only);
  magnet->select_only = g_array_ref (self->selection);

  return shoal_magnet_to_uri (magnet);
}

void
shoal_swarm_save (ShoalSwarm *self)
{
  ShoalResume *record;

  if (self->removing)
    return;
  record = shoal_resume_new (self->id);
  if (self->metainfo != NULL && !self->metainfo_kept)
    {
      record->metainfo = g_bytes_ref (self->metainfo->bytes);
      self->metainfo_kept = !self->engine->host->forgets;
    }
  record->has_metainfo = self->has_metadata;
  record->magnet = self->has_metadata ? g_strdup (self->magnet) : magnet_with_selection (self);
  record->name = g_strdup (self->name);
  record->dir = g_strdup (self->dir);
  record->paused = self->state == SHOAL_TORRENT_PAUSED;
  record->sequential = self->sequential;
  record->first_last = self->first_last;
  record->super_seeding = self->super_seeding;
  record->complete = self->all_had;
  record->had = had_bytes (self);
  record->spilled = spilled_bytes (self);
  if (self->priorities != NULL)
    record->priorities = g_bytes_new (self->priorities, self->n_files);
  record->stamp = self->stamp;
  record->checked_to = self->full_check ? self->checked_to : G_MAXUINT32;
  record->downloaded = self->downloaded;
  record->uploaded = self->uploaded;
  record->added_s = self->added_s;
  record->completed_s = self->completed_s;
  record->seeding_s = self->seeding_s;
  record->limit_down = self->limiter.buckets[SHOAL_DOWN].rate;
  record->limit_up = self->limiter.buckets[SHOAL_UP].rate;
  record->reason = self->state == SHOAL_TORRENT_FAILED ? self->reason : SHOAL_REASON_NONE;
  record->completed_told = self->completed_told;
  record->part_suffix = self->part_suffix;
  record->peers = peer_bytes (self);

  self->dirty = FALSE;
  self->saved_us = shoal_swarm_now (self);
  self->engine->host->ops->save (self->engine->host, record);
}

static void
restore_peers (ShoalSwarm *self,
               GBytes     *peers)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (peers, &size);
  ShoalReader in = shoal_reader (bytes, size);

  while (shoal_reader_left (&in) > 0)
    {
      ShoalFamily family = shoal_reader_u8 (&in);
      const guint8 *compact;
      ShoalAddr addr;

      if (family != SHOAL_FAMILY_IPV4 && family != SHOAL_FAMILY_IPV6)
        return;
      compact = shoal_reader_bytes (&in, family == SHOAL_FAMILY_IPV4 ? 6 : 18);
      if (compact == NULL)
        return;
      shoal_addr_from_compact (&addr, family, compact);
      shoal_peerbook_add (self->book, &addr, SHOAL_PEER_SOURCE_RESUME, shoal_swarm_now (self));
    }
}

static void
restore_pieces (ShoalSwarm  *self,
                ShoalResume *record)
{
  self->all_had = record->complete;
  self->fresh = !record->complete && record->had == NULL;
  if (record->had != NULL && !record->complete)
    {
      gsize size;
      const guint8 *bytes = g_bytes_get_data (record->had, &size);

      self->had = shoal_bitfield_from_wire (bytes, size, self->n_pieces);
      self->fresh = self->had == NULL;
    }
  if (record->spilled != NULL && self->had != NULL)
    {
      gsize size;
      const guint8 *bytes = g_bytes_get_data (record->spilled, &size);

      self->spilled = g_array_new (FALSE, FALSE, sizeof (ShoalBlock));
      g_array_append_vals (self->spilled, bytes, size / sizeof (ShoalBlock));
    }
  /* a doubt: it is not believed unseen */
  self->reason = record->paused ? SHOAL_REASON_NONE : record->reason;
  self->full_check = record->checked_to != G_MAXUINT32;
  self->checked_to = record->checked_to;
  self->stamp = record->stamp;
}

gboolean
shoal_swarm_restore (ShoalSwarm  *self,
                     ShoalResume *record,
                     GBytes      *metainfo_bytes,
                     GError     **error)
{
  gint64 now_us = shoal_swarm_now (self);
  ShoalMetainfo *metainfo = NULL;

  self->magnet = g_strdup (record->magnet);
  self->dir = g_strdup (record->dir);
  self->sequential = record->sequential;
  self->first_last = record->first_last;
  self->super_seeding = record->super_seeding;
  self->part_suffix = record->part_suffix;
  self->downloaded = record->downloaded;
  self->uploaded = record->uploaded;
  self->added_s = record->added_s;
  self->completed_s = record->completed_s;
  self->seeding_s = record->seeding_s;
  self->completed_told = record->completed_told;
  shoal_limiter_set (&self->limiter, SHOAL_DOWN, record->limit_down, now_us);
  shoal_limiter_set (&self->limiter, SHOAL_UP, record->limit_up, now_us);

  if (metainfo_bytes != NULL)
    {
      metainfo = shoal_metainfo_parse (metainfo_bytes, error);
      if (metainfo == NULL)
        return FALSE;
      self->metainfo_kept = TRUE;
      if (record->priorities != NULL
          && g_bytes_get_size (record->priorities) == metainfo->layout->n_files)
        self->priorities = g_memdup2 (g_bytes_get_data (record->priorities, NULL),
                                      metainfo->layout->n_files);
      shoal_swarm_set_metainfo (self, metainfo);
      restore_pieces (self, record);
    }
  else if (record->magnet != NULL)
    {
      g_autoptr(ShoalMagnet) magnet = shoal_magnet_parse (record->magnet, error);

      if (magnet == NULL)
        return FALSE;
      self->hash = magnet->hash;
      self->n_keys = shoal_info_hash_keys (&self->hash, self->keys);
      self->name = g_strdup (record->name != NULL ? record->name : magnet->name);
      shoal_swarm_set_tiers (self, shoal_tiers_copy ((char *const *const *) magnet->trackers));
      self->selection = g_array_ref (magnet->select_only);
    }
  else
    {
      g_set_error_literal (error, SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_DATA_MISSING,
                           "the kept .torrent is gone");
      return FALSE;
    }
  if (record->peers != NULL)
    restore_peers (self, record->peers);

  return TRUE;
}
