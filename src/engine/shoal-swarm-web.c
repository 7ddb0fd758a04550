/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which web seeds of a torrent are asked, and what they do to the rest of it. */

/*
 * The list is made when the torrent first downloads and lives as long as it does, so that who lied
 * stays out. Of those that may be asked the first few are used; they count as peers that have
 * everything, but have no link. Lanes are made when they are first needed. Whenever memory comes
 * back, a range ends or a second is over, those that rest are given something to do.
 */

#include "shoal-swarm-web.h"

/* --- The list --- */

static void
add_seeds (ShoalSwarm      *self,
           ShoalWebseedKind kind,
           char           **urls)
{
  for (guint i = 0; urls != NULL && urls[i] != NULL; i++)
    {
      ShoalWebseed *seed = shoal_webseed_new (kind, urls[i],
                                              1u << 31 | ++self->engine->link_serial);

      if (seed != NULL)
        g_ptr_array_add (self->web->seeds, seed);
    }
}

/* Everybody has the same list: not all shall begin with the same seed. */
static void
shuffle (ShoalSwarm *self)
{
  GPtrArray *seeds = self->web->seeds;

  for (guint i = seeds->len; i > 1; i--)
    {
      guint other = (guint) shoal_rng_below (&self->engine->rng, i);
      gpointer seed = seeds->pdata[i - 1];

      seeds->pdata[i - 1] = seeds->pdata[other];
      seeds->pdata[other] = seed;
    }
}

static void
make (ShoalSwarm *self)
{
  ShoalMetainfo *metainfo = self->metainfo;
  gboolean pieces = metainfo->http_seeds != NULL && metainfo->http_seeds[0] != NULL
                    && metainfo->hash.has_v1;

  if ((metainfo->web_seeds == NULL || metainfo->web_seeds[0] == NULL) && !pieces)
    return;
  self->web = g_new0 (ShoalWeb, 1);
  self->web->seeds = g_ptr_array_new_with_free_func ((GDestroyNotify) shoal_webseed_free);
  self->web->lanes = g_ptr_array_new_with_free_func ((GDestroyNotify) shoal_web_lane_free);
  add_seeds (self, SHOAL_WEBSEED_FILES, metainfo->web_seeds);
  if (pieces)
    add_seeds (self, SHOAL_WEBSEED_PIECES, metainfo->http_seeds);
  shuffle (self);
}

void
shoal_swarm_web_free (ShoalSwarm *self)
{
  if (self->web == NULL)
    return;

  shoal_swarm_web_stop (self);
  g_ptr_array_unref (self->web->lanes);
  g_ptr_array_unref (self->web->seeds);
  g_clear_pointer (&self->web, g_free);
}

/* --- Availability --- */

void
shoal_web_uncount (ShoalSwarm   *self,
                   ShoalWebseed *seed)
{
  if (!seed->counted)
    return;
  seed->counted = FALSE;
  if (self->picker != NULL)
    shoal_picker_remove_peer (self->picker, seed->bits);
}

static void
count (ShoalSwarm   *self,
       ShoalWebseed *seed)
{
  if (seed->counted)
    return;
  seed->counted = TRUE;
  shoal_picker_add_peer (self->picker, seed->bits);
}

/* --- Work --- */

void
shoal_web_fill (ShoalSwarm   *self,
                ShoalWebseed *seed)
{
  ShoalEngine *engine = self->engine;
  GPtrArray *lanes = self->web->lanes;

  if (!seed->counted || !shoal_webseed_is_ready (seed, engine->now_us)
      || self->state != SHOAL_TORRENT_DOWNLOADING || engine->quitting)
    return;
  for (guint i = 0; seed->n_lanes < seed->max_lanes && engine->n_web_lanes < SHOAL_WEB_LANES_ALL;
       i++)
    {
      ShoalWebLane *lane;

      if (i == lanes->len)
        g_ptr_array_add (lanes, shoal_web_lane_new (self, seed));
      lane = g_ptr_array_index (lanes, i);
      if (lane->seed == seed && lane->n_blocks == 0 && !shoal_web_lane_begin (lane))
        return;
    }
}

void
shoal_swarm_web_pump (ShoalSwarm *self)
{
  guint n_used = 0;

  if (self->state != SHOAL_TORRENT_DOWNLOADING || self->picker == NULL || self->metainfo == NULL
      || self->engine->quitting)
    return;
  if (self->web == NULL)
    make (self);
  for (guint i = 0; self->web != NULL && i < self->web->seeds->len; i++)
    {
      ShoalWebseed *seed = g_ptr_array_index (self->web->seeds, i);

      if (n_used == SHOAL_WEB_SEEDS_USED || !shoal_webseed_is_ready (seed, shoal_swarm_now (self)))
        {
          shoal_web_uncount (self, seed);
          continue;
        }
      n_used++;
      count (self, seed);
      shoal_web_fill (self, seed);
    }
}

void
shoal_swarm_web_stop (ShoalSwarm *self)
{
  if (self->web == NULL)
    return;
  for (guint i = 0; i < self->web->lanes->len; i++)
    shoal_web_lane_drop (g_ptr_array_index (self->web->lanes, i));
  for (guint i = 0; i < self->web->seeds->len; i++)
    shoal_web_uncount (self, g_ptr_array_index (self->web->seeds, i));
}

void
shoal_swarm_web_tick (ShoalSwarm *self)
{
  for (guint i = 0; self->web != NULL && i < self->web->lanes->len; i++)
    shoal_web_lane_tick (g_ptr_array_index (self->web->lanes, i));
  shoal_swarm_web_pump (self);
}

/* --- What others do --- */

gboolean
shoal_swarm_web_withdraw (ShoalSwarm *self,
                          gpointer    owner,
                          ShoalBlock  block)
{
  for (guint i = 0; self->web != NULL && i < self->web->lanes->len; i++)
    if (g_ptr_array_index (self->web->lanes, i) == owner)
      {
        shoal_web_lane_withdraw (owner, block);
        return TRUE;
      }

  return FALSE;
}

gboolean
shoal_swarm_web_punish (ShoalSwarm *self,
                        guint       contributor,
                        const char *why)
{
  for (guint i = 0; self->web != NULL && i < self->web->seeds->len; i++)
    {
      ShoalWebseed *seed = g_ptr_array_index (self->web->seeds, i);

      if (seed->contributor != contributor)
        continue;
      shoal_webseed_give_up (seed, why);
      for (guint k = 0; k < self->web->lanes->len; k++)
        {
          ShoalWebLane *lane = g_ptr_array_index (self->web->lanes, k);

          if (lane->seed == seed)
            shoal_web_lane_drop (lane);
        }
      shoal_web_uncount (self, seed);
      return TRUE;
    }

  return FALSE;
}

guint
shoal_swarm_web_working (const ShoalSwarm *self)
{
  guint n = 0;

  for (guint i = 0; self->web != NULL && i < self->web->seeds->len; i++)
    n += ((const ShoalWebseed *) g_ptr_array_index (self->web->seeds, i))->n_lanes > 0 ? 1 : 0;

  return n;
}
