/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What most scenarios begin with: a torrent, a tracker, and who takes part. */

#include "sim-swarm.h"

#define STALL_US (600 * SIM_SECOND)

static SimSwarm *
swarm_new (guint64  seed,
           guint32  piece_size,
           guint32  n_pieces,
           gboolean v2)
{
  const char *const trackers[] = { "http://tracker.test/announce", NULL };
  SimSwarm *self = g_new0 (SimSwarm, 1);

  self->world = sim_world_new (seed);
  self->tracker = sim_tracker_new (self->world, "tracker.test", SIM_TRACKER_ALIVE);
  self->torrent = (v2 ? sim_torrent_new_v2
                      : sim_torrent_new) (self->world, piece_size,
                                          (guint64) piece_size * n_pieces - piece_size / 3,
                                          trackers);
  self->nodes = g_ptr_array_new ();
  self->bots = g_ptr_array_new ();

  return self;
}

SimSwarm *
sim_swarm_new (guint64 seed,
               guint32 piece_size,
               guint32 n_pieces)
{
  return swarm_new (seed, piece_size, n_pieces, FALSE);
}

SimSwarm *
sim_swarm_new_v2 (guint64 seed,
                  guint32 piece_size,
                  guint32 n_pieces)
{
  return swarm_new (seed, piece_size, n_pieces, TRUE);
}

void
sim_swarm_free (SimSwarm *self)
{
  g_ptr_array_unref (self->nodes);
  g_ptr_array_unref (self->bots);
  sim_world_free (self->world);
  g_free (self);
}

SimNode *
sim_swarm_new_node (SimSwarm *self,
                    guint64   rate_up,
                    guint64   rate_down)
{
  SimNode *node = sim_node_new (self->world);

  node->peer.rate_up = rate_up;
  node->peer.rate_down = rate_down;
  g_ptr_array_add (self->nodes, node);

  return node;
}

SimNode *
sim_swarm_add_node (SimSwarm *self,
                    gboolean  seed,
                    guint64   rate_up,
                    guint64   rate_down)
{
  SimNode *node = sim_swarm_new_node (self, rate_up, rate_down);

  sim_node_start (node);
  sim_node_add (node, self->torrent, seed);

  return node;
}

SimBot *
sim_swarm_add_bot (SimSwarm *self,
                   guint     traits,
                   guint64   rate_up,
                   guint64   rate_down)
{
  SimBot *bot = sim_bot_new (self->world, self->torrent, self->tracker, traits);

  bot->peer.rate_up = rate_up;
  bot->peer.rate_down = rate_down;
  g_ptr_array_add (self->bots, bot);

  return bot;
}

SimNode *
sim_swarm_node (SimSwarm *self,
                guint     index)
{
  return g_ptr_array_index (self->nodes, index);
}

SimBot *
sim_swarm_bot (SimSwarm *self,
               guint     index)
{
  return g_ptr_array_index (self->bots, index);
}

gboolean
sim_swarm_is_done (SimWorld *world,
                   gpointer  swarm)
{
  SimSwarm *self = swarm;
  gboolean done = TRUE;

  for (guint i = 0; i < self->nodes->len; i++)
    {
      const SimNode *node = sim_swarm_node (self, i);

      if (node->state == SHOAL_TORRENT_SEEDING || node->torrent == NULL)
        continue;
      done = FALSE;
      if (node->state == SHOAL_TORRENT_DOWNLOADING && node->n_links > 0 && node->engine != NULL
          && world->now_us - node->progress_us > STALL_US)
        g_error ("Node %u with %u links and %" G_GUINT64_FORMAT " bytes got nothing for %d minutes",
                 node->peer.id, node->n_links, node->had, (int) (STALL_US / SIM_SECOND / 60));
    }
  for (guint i = 0; i < self->bots->len && done; i++)
    {
      const SimBot *bot = sim_swarm_bot (self, i);

      done = (bot->traits & (SIM_BOT_SEED | SIM_BOT_INSATIABLE)) != 0 || bot->done_us != 0
             || bot->peer.dead;
    }

  return done;
}

void
sim_swarm_run (SimSwarm *self,
               gint64    limit_us)
{
  guint n_bots = 0;

  if (sim_world_run (self->world, sim_swarm_is_done, self, limit_us))
    return;

  for (guint i = 0; i < self->nodes->len; i++)
    {
      SimNode *node = sim_swarm_node (self, i);

      if (node->state != SHOAL_TORRENT_SEEDING)
        g_test_message ("node %u: state %d, reason %d, %u links, %" G_GUINT64_FORMAT
                        " of %" G_GUINT64_FORMAT " bytes",
                        node->peer.id, node->state, node->reason, node->n_links, node->had,
                        self->torrent->size);
    }
  for (guint i = 0; i < self->bots->len; i++)
    n_bots += sim_swarm_bot (self, i)->done_us == 0;
  g_test_message ("%u bots not done; seed %" G_GUINT64_FORMAT, n_bots, self->world->seed);
  g_test_fail ();
  g_assert_not_reached ();
}

static gboolean
somebody_has (SimSwarm *self,
              guint32   piece)
{
  for (guint i = 1; i < self->nodes->len; i++)
    if (sim_disk_has (&sim_swarm_node (self, i)->disk, 1, piece))
      return TRUE;
  for (guint i = 0; i < self->bots->len; i++)
    if (shoal_bitfield_get (sim_swarm_bot (self, i)->had, piece))
      return TRUE;

  return FALSE;
}

gboolean
sim_swarm_is_out (SimSwarm *self)
{
  for (guint32 piece = 0; piece < self->torrent->n_pieces; piece++)
    if (!somebody_has (self, piece))
      return FALSE;

  return TRUE;
}

void
sim_swarm_check_data (SimSwarm *self)
{
  for (guint i = 0; i < self->nodes->len; i++)
    if (sim_swarm_node (self, i)->state == SHOAL_TORRENT_SEEDING)
      g_assert_true (sim_node_is_right (sim_swarm_node (self, i)));
}
