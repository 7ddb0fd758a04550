/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The info dictionary of a magnet link: asked of several peers, checked, made a torrent (BEP 9). */

/*
 * The first size that a peer tells is believed until the hash says otherwise. A dictionary that
 * fails its hash is thrown away; the next try takes every part from one peer, so the one that lies
 * is known and banned, and its size is forgotten with it.
 */

#include "shoal-link-private.h"

#include <string.h>

void
shoal_swarm_metadata_clear (ShoalSwarm *self)
{
  ShoalMetadataFetch *fetch = &self->fetch;
  gboolean alone = fetch->alone;

  shoal_swarm_layers_clear (self);
  g_free (fetch->data);
  g_free (fetch->asked);
  g_free (fetch->asked_us);
  g_free (fetch->had);
  g_free (fetch->from);
  memset (fetch, 0, sizeof *fetch);
  fetch->alone = alone;
}

double
shoal_swarm_metadata_progress (const ShoalSwarm *self)
{
  if (self->layers != NULL)
    return shoal_swarm_layers_progress (self);

  return self->fetch.n_parts > 0 ? (double) self->fetch.n_had / self->fetch.n_parts : 0;
}

static void
begin_fetch (ShoalSwarm *self,
             guint32     size)
{
  ShoalMetadataFetch *fetch = &self->fetch;

  shoal_swarm_metadata_clear (self);
  fetch->size = size;
  fetch->n_parts = (size + SHOAL_METADATA_PART_SIZE - 1) / SHOAL_METADATA_PART_SIZE;
  fetch->data = g_malloc (size);
  fetch->asked = g_new0 (ShoalLink *, fetch->n_parts);
  fetch->asked_us = g_new0 (gint64, fetch->n_parts);
  fetch->had = g_new0 (guint8, fetch->n_parts);
  fetch->from = g_new0 (guint, fetch->n_parts);
}

static gboolean
can_give (ShoalSwarm *self,
          ShoalLink  *link)
{
  return shoal_link_is_live (link) && link->metadata_after_us <= shoal_swarm_now (self)
         && link->numbers[SHOAL_EXTENDED_METADATA] != 0 && link->metadata_size == self->fetch.size
         && (self->fetch.only == NULL || self->fetch.only == link);
}

static guint
n_asked (ShoalSwarm *self,
         ShoalLink  *link)
{
  guint n = 0;

  for (guint32 part = 0; part < self->fetch.n_parts; part++)
    n += self->fetch.asked[part] == link && !self->fetch.had[part] ? 1 : 0;

  return n;
}

/* A part that nobody is asked for. */
static guint32
next_part (ShoalSwarm *self)
{
  ShoalMetadataFetch *fetch = &self->fetch;

  for (guint32 part = 0; part < fetch->n_parts; part++)
    if (!fetch->had[part] && fetch->asked[part] == NULL)
      return part;

  return G_MAXUINT32;
}

/* Who does not answer gives way: also to others who tell another size. */
static void
give_up_late (ShoalSwarm *self)
{
  ShoalMetadataFetch *fetch = &self->fetch;
  gint64 now_us = shoal_swarm_now (self);

  for (guint32 part = 0; part < fetch->n_parts; part++)
    if (!fetch->had[part] && fetch->asked[part] != NULL
        && fetch->asked_us[part] + SHOAL_METADATA_TIMEOUT_US < now_us)
      {
        fetch->asked[part]->metadata_after_us = now_us + SHOAL_METADATA_REST_US;
        fetch->asked[part] = NULL;
      }
}

static void
find_size (ShoalSwarm *self)
{
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (shoal_link_is_live (link) && link->metadata_size > 0
          && link->metadata_after_us <= shoal_swarm_now (self)
          && link->numbers[SHOAL_EXTENDED_METADATA] != 0)
        {
          begin_fetch (self, link->metadata_size);
          if (self->fetch.alone)
            self->fetch.only = link;
          return;
        }
    }
}

void
shoal_swarm_metadata_pump (ShoalSwarm *self)
{
  guint n_links = 0;

  if (self->state != SHOAL_TORRENT_METADATA || self->engine->quitting)
    return;
  if (self->layers != NULL)
    {
      shoal_swarm_layers_pump (self);
      return;
    }
  give_up_late (self);
  if (self->fetch.size == 0)
    find_size (self);
  if (self->fetch.size == 0)
    return;

  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (!can_give (self, link))
        continue;
      for (guint n = n_asked (self, link); n < 2; n++)
        {
          guint32 part = next_part (self);

          if (part == G_MAXUINT32)
            return;
          self->fetch.asked[part] = link;
          self->fetch.asked_us[part] = shoal_swarm_now (self);
          shoal_link_ask_metadata (link, part);
        }
      if (++n_links == SHOAL_METADATA_LINKS)
        return;
    }
  /* Nobody who is left goes with this size. */
  if (n_links == 0 && self->fetch.n_had < self->fetch.n_parts)
    shoal_swarm_metadata_clear (self);
}

void
shoal_swarm_metadata_offer (ShoalSwarm *self,
                            ShoalLink  *link)
{
  if (link->metadata_size > 0)
    shoal_swarm_metadata_pump (self);
}

static gboolean
matches (ShoalSwarm *self)
{
  gboolean right = TRUE;

  if (self->hash.has_v1)
    {
      ShoalSha1 sha1;

      shoal_sha1 (self->fetch.data, self->fetch.size, &sha1);
      right = memcmp (&sha1, &self->hash.v1, sizeof sha1) == 0;
    }
  if (right && self->hash.has_v2)
    {
      ShoalSha256 sha256;

      shoal_sha256 (self->fetch.data, self->fetch.size, &sha256);
      right = memcmp (&sha256, &self->hash.v2, sizeof sha256) == 0;
    }

  return right;
}

/* The dictionary is wrong: the only sender lied, or one of several did. */
static void
blame (ShoalSwarm *self)
{
  guint number = self->fetch.from[0];
  gboolean one = TRUE;

  for (guint32 part = 1; part < self->fetch.n_parts; part++)
    one = one && self->fetch.from[part] == number;
  self->fetch.alone = TRUE;
  shoal_swarm_metadata_clear (self);
  if (!one)
    return;

  shoal_swarm_punish (self, number, "it sent wrong metadata");
}

static void
take (ShoalSwarm *self)
{
  g_autoptr(GBytes) info = g_bytes_new (self->fetch.data, self->fetch.size);
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) web_seeds = NULL;
  g_autoptr(ShoalMagnet) magnet = self->magnet != NULL ? shoal_magnet_parse (self->magnet, NULL)
                                                       : NULL;
  char ***tiers = shoal_announcer_tiers (self->announcer);
  ShoalMetainfo *metainfo =
    shoal_metainfo_from_info (info, tiers, magnet != NULL ? magnet->web_seeds : NULL, &error);

  shoal_tiers_free (tiers);
  shoal_swarm_metadata_clear (self);
  if (metainfo == NULL)
    {
      shoal_swarm_fail (self, SHOAL_REASON_BAD_METADATA, error->message);
      return;
    }
  if (metainfo->is_private)
    shoal_swarm_make_private (self);
  if (metainfo->layers_missing && metainfo->pieces == NULL)
    shoal_swarm_layers_begin (self, metainfo);
  else
    shoal_swarm_metadata_adopt (self, metainfo);
}

void
shoal_swarm_metadata_adopt (ShoalSwarm    *self,
                            ShoalMetainfo *metainfo)
{
  ShoalEvent *event;

  if (shoal_swarm_merge (self, metainfo))
    return;
  shoal_swarm_set_metainfo (self, metainfo);
  SHOAL_NODE_FOREACH (node, &self->links)
    shoal_link_metadata_known (SHOAL_NODE_OWNER (node, ShoalLink, swarm_node));
  self->fresh = TRUE;
  self->metainfo_kept = FALSE;
  event = shoal_event_new (SHOAL_EVENT_METADATA);
  event->id = self->id;
  event->info = shoal_swarm_info (self);
  shoal_engine_tell (self->engine, event);
  shoal_swarm_save (self);
  shoal_swarm_begin (self);
}

void
shoal_swarm_metadata_part (ShoalSwarm   *self,
                           ShoalLink    *link,
                           guint32       part,
                           guint32       total_size,
                           const guint8 *data,
                           gsize         size)
{
  ShoalMetadataFetch *fetch = &self->fetch;
  gsize expected;

  if (self->state != SHOAL_TORRENT_METADATA || part >= fetch->n_parts || fetch->had[part]
      || fetch->asked[part] != link || total_size != fetch->size)
    return;
  expected = MIN (fetch->size - part * SHOAL_METADATA_PART_SIZE, SHOAL_METADATA_PART_SIZE);
  if (size != expected)
    {
      link->metadata_after_us = G_MAXINT64;
      shoal_swarm_metadata_gone (self, link);
      return;
    }

  memcpy (fetch->data + (gsize) part * SHOAL_METADATA_PART_SIZE, data, size);
  fetch->had[part] = TRUE;
  fetch->from[part] = link->contributor;
  fetch->n_had++;
  shoal_swarm_changed (self);
  if (fetch->n_had < fetch->n_parts)
    {
      shoal_swarm_metadata_pump (self);
      return;
    }
  if (matches (self))
    take (self);
  else
    blame (self);
}

void
shoal_swarm_metadata_refused (ShoalSwarm *self,
                              ShoalLink  *link,
                              guint32     part)
{
  if (self->state != SHOAL_TORRENT_METADATA)
    return;
  link->metadata_after_us = shoal_swarm_now (self) + SHOAL_METADATA_REST_US;
  shoal_swarm_metadata_gone (self, link);
}

void
shoal_swarm_metadata_gone (ShoalSwarm *self,
                           ShoalLink  *link)
{
  ShoalMetadataFetch *fetch = &self->fetch;
  gboolean open = FALSE;

  if (self->layers != NULL)
    {
      shoal_swarm_layers_gone (self, link);
      return;
    }
  for (guint32 part = 0; part < fetch->n_parts; part++)
    if (fetch->asked[part] == link && !fetch->had[part])
      {
        fetch->asked[part] = NULL;
        open = TRUE;
      }
  if (fetch->only == link && fetch->n_had < fetch->n_parts)
    shoal_swarm_metadata_clear (self);
  else if (open && self->state == SHOAL_TORRENT_METADATA)
    shoal_swarm_metadata_pump (self);
}
