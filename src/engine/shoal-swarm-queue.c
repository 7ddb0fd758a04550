/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may download now: the rest waits as QUEUED. */

#include "shoal-swarm-queue.h"

/* A seed, or one that only has to be looked at before it is one. */
static gboolean
is_whole (const ShoalSwarm *swarm)
{
  return swarm->all_had && !swarm->full_check;
}

/* It holds a place while it fetches something; a seed never does. */
static gboolean
holds_place (const ShoalSwarm *swarm)
{
  if (is_whole (swarm) || swarm->stalled)
    return FALSE;

  return swarm->state == SHOAL_TORRENT_DOWNLOADING || swarm->state == SHOAL_TORRENT_METADATA
         || swarm->state == SHOAL_TORRENT_CHECKING;
}

static guint
count (ShoalEngine      *engine,
       const ShoalSwarm *besides)
{
  GHashTableIter iter;
  gpointer value;
  guint n = 0;

  g_hash_table_iter_init (&iter, engine->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    n += value != besides && holds_place (value) ? 1 : 0;

  return n;
}

gboolean
shoal_swarm_queue_has_room (ShoalEngine      *engine,
                      const ShoalSwarm *besides)
{
  guint limit = engine->config.max_active_downloads;

  return limit == 0 || (besides != NULL && is_whole (besides)) || count (engine, besides) < limit;
}

static ShoalSwarm *
oldest_queued (ShoalEngine *engine)
{
  GHashTableIter iter;
  gpointer value;
  ShoalSwarm *oldest = NULL;

  g_hash_table_iter_init (&iter, engine->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ShoalSwarm *swarm = value;

      if (swarm->state == SHOAL_TORRENT_QUEUED && (oldest == NULL || swarm->id < oldest->id))
        oldest = swarm;
    }

  return oldest;
}

static ShoalSwarm *
newest_working (ShoalEngine *engine)
{
  GHashTableIter iter;
  gpointer value;
  ShoalSwarm *newest = NULL;

  g_hash_table_iter_init (&iter, engine->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ShoalSwarm *swarm = value;

      if (holds_place (swarm) && (newest == NULL || swarm->id > newest->id))
        newest = swarm;
    }

  return newest;
}

void
shoal_swarm_queue_update (ShoalEngine *engine)
{
  guint limit = engine->config.max_active_downloads;
  ShoalSwarm *swarm;

  while (limit != 0 && count (engine, NULL) > limit && (swarm = newest_working (engine)) != NULL)
    shoal_swarm_enter (swarm, SHOAL_TORRENT_QUEUED);
  while (shoal_swarm_queue_has_room (engine, NULL) && (swarm = oldest_queued (engine)) != NULL)
    shoal_swarm_begin (swarm);
}
