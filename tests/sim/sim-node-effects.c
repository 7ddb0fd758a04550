/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a simulated machine does to the world for its engine. */

#include "sim-node-private.h"

#include "sim-net.h"
#include "sim-tracker.h"

static void
on_network (SimWorld *world,
            gpointer  a,
            gpointer  b)
{
  sim_node_push (((SimInput *) a)->node, a);
}

static void
effect_network (ShoalHost          *host,
                const ShoalNetwork *wanted)
{
  SimNode *self = sim_node_of_host (host);
  SimInput *input = g_new0 (SimInput, 1);

  input->kind = SIM_INPUT_NETWORK;
  input->node = self;
  input->tcp_port = wanted->tcp ? self->peer.addr.port : 0;
  sim_world_at (self->peer.world, self->peer.world->now_us, on_network, input, NULL);
}

/* There are no gateways here. */
static void
effect_map (ShoalHost *host,
            gboolean   wanted)
{
}

static void
effect_dial (ShoalHost       *host,
             ShoalLink       *link,
             const ShoalAddr *to)
{
  SimNode *self = sim_node_of_host (host);

  shoal_link_set_host_data (link, sim_net_dial (&self->peer, to, link));
}

static void
effect_attend (ShoalHost *host,
               ShoalLink *link)
{
  SimEnd *end = shoal_link_host_data (link);

  sim_end_want (end);
}

static void
effect_hang_up (ShoalHost *host,
                ShoalLink *link)
{
  sim_end_close (shoal_link_host_data (link));
}

/* A packet under way: from @node to @addr, and the other way round for what comes back. */
typedef struct
{
  SimNode  *node;
  ShoalAddr addr;
  GBytes   *bytes;
} Datagram;

static Datagram *
datagram_new (SimNode         *node,
              const ShoalAddr *addr,
              const guint8    *data,
              gsize            size)
{
  Datagram *self = g_new0 (Datagram, 1);

  self->node = node;
  self->addr = *addr;
  self->bytes = g_bytes_new (data, size);

  return self;
}

/* Takes @datagram. */
static void
hand_over (Datagram        *datagram,
           SimInputKind     kind,
           SimNode         *to,
           const ShoalAddr *from)
{
  SimInput *input = g_new0 (SimInput, 1);

  input->kind = kind;
  input->from = *from;
  input->bytes = g_steal_pointer (&datagram->bytes);
  sim_node_push (to, input);
  g_free (datagram);
}

static void
on_answer (SimWorld *world,
           gpointer  a,
           gpointer  b)
{
  Datagram *datagram = a;

  hand_over (datagram, SIM_INPUT_DATAGRAM, datagram->node, &datagram->addr);
}

static void
on_datagram (SimWorld *world,
             gpointer  a,
             gpointer  b)
{
  Datagram *datagram = a;
  SimTracker *tracker = sim_tracker_at (world, &datagram->addr);
  SimPeer *peer = tracker == NULL ? sim_world_find (world, &datagram->addr) : NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (datagram->bytes, &size);
  GBytes *bytes = tracker != NULL
                    ? sim_tracker_udp (tracker, &datagram->node->peer.addr, data, size)
                    : NULL;

  if (peer != NULL && sim_node_is_node (peer))
    {
      hand_over (datagram, SIM_INPUT_DATAGRAM, (SimNode *) peer, &datagram->node->peer.addr);
      return;
    }
  g_bytes_unref (datagram->bytes);
  datagram->bytes = bytes;
  if (bytes != NULL && shoal_rng_below (&world->rng, 100) >= world->loss_percent)
    {
      sim_world_at (world, world->now_us + SIM_ANSWER_US / 2, on_answer, datagram, NULL);
      return;
    }
  g_clear_pointer (&datagram->bytes, g_bytes_unref);
  g_free (datagram);
}

static ShoalSendResult
effect_send (ShoalHost       *host,
             const ShoalAddr *to,
             const guint8    *data,
             gsize            size,
             guint            segment,
             ShoalSendFlags   flags)
{
  SimNode *self = sim_node_of_host (host);
  SimWorld *world = self->peer.world;

  if (segment == 0)
    segment = (guint) size;
  for (gsize at = 0; at < size; at += segment)
    {
      gsize one = MIN (segment, size - at);

      if (world->watch != NULL)
        world->watch (world->watch_data, data + at, one);
      if (shoal_rng_below (&world->rng, 100) >= world->loss_percent)
        sim_world_at (world, world->now_us + SIM_ANSWER_US / 2, on_datagram,
                      datagram_new (self, to, data + at, one), NULL);
    }

  return SHOAL_SEND_SENT;
}

static void
effect_save (ShoalHost   *host,
             ShoalResume *record)
{
  SimNode *self = sim_node_of_host (host);

  if (self->stopping)
    {
      shoal_resume_unref (record);
      return;
    }
  if (record->metainfo != NULL)
    {
      g_clear_pointer (&self->kept, g_bytes_unref);
      self->kept = g_bytes_ref (record->metainfo);
    }
  g_clear_pointer (&self->record, shoal_resume_unref);
  self->record = record;
  sim_disk_saved (&self->disk, record->id);
}

static void
apply_snapshot (SimNode             *self,
                const ShoalSnapshot *snapshot)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ACKNOWLEDGE);
  SimInput *input = g_new0 (SimInput, 1);

  for (guint i = 0; i < snapshot->n_torrents; i++)
    {
      const ShoalTorrentStats *stats = &snapshot->torrents[i];

      if (stats->id != self->id)
        continue;
      if (stats->downloaded > self->downloaded || stats->state != self->state)
        self->progress_us = self->peer.world->now_us;
      self->downloaded = stats->downloaded;
      self->uploaded = stats->uploaded;
      self->wasted = stats->wasted;
      self->had = stats->wanted_had;
      self->n_links = stats->n_links;
      self->state = stats->state;
    }
  input->kind = SIM_INPUT_COMMAND;
  input->command = command;
  g_ptr_array_add (self->inputs, input);
}

static void
effect_keep (ShoalHost *host,
             GBytes    *nodes)
{
  g_bytes_unref (nodes);
}

static void
effect_tell (ShoalHost  *host,
             ShoalEvent *event)
{
  SimNode *self = sim_node_of_host (host);

  if (!self->stopping)
    switch (event->type)
      {
      case SHOAL_EVENT_REPLY:
        g_assert_no_error (event->error);
        break;
      case SHOAL_EVENT_ADDED:
        self->id = event->id;
        break;
      case SHOAL_EVENT_METADATA:
        self->has_metadata = TRUE;
        break;
      case SHOAL_EVENT_STATE:
        self->state = event->state;
        self->reason = event->reason;
        self->progress_us = self->peer.world->now_us;
        break;
      case SHOAL_EVENT_COMPLETE:
        self->complete = TRUE;
        if (self->complete_us == 0)
          self->complete_us = self->peer.world->now_us;
        break;
      case SHOAL_EVENT_SNAPSHOT:
        apply_snapshot (self, event->snapshot);
        break;
      case SHOAL_EVENT_QUIT:
        self->quit = TRUE;
        break;
      case SHOAL_EVENT_REMOVED:
      case SHOAL_EVENT_MERGED:
      case SHOAL_EVENT_INFO:
      case SHOAL_EVENT_READY:
      case SHOAL_EVENT_LISTENING:
      case SHOAL_EVENT_FILTER:
        break;
      }
  shoal_event_free (event);
}

static void
effect_random (ShoalHost *host,
               guint8    *out,
               gsize      size)
{
  shoal_rng_bytes (&sim_node_of_host (host)->peer.world->rng, out, size);
}

static void
on_multicast (SimWorld *world,
              gpointer  a,
              gpointer  b)
{
  Datagram *datagram = a;

  hand_over (datagram, SIM_INPUT_LOCAL, datagram->node, &datagram->addr);
}

/* No scenario has a list. */
static void
effect_filter (ShoalHost       *host,
               ShoalFilterLoad *load)
{
  g_assert_not_reached ();
}

/* Every node of the local network hears it, the sender too. */
static void
effect_multicast (ShoalHost    *host,
                  ShoalFamily   family,
                  const guint8 *data,
                  gsize         size)
{
  SimNode *self = sim_node_of_host (host);
  SimWorld *world = self->peer.world;

  if (!world->lan || family != SHOAL_FAMILY_IPV4)
    return;
  for (guint i = 0; i < world->peers->len; i++)
    {
      SimPeer *peer = g_ptr_array_index (world->peers, i);

      if (sim_node_is_node (peer))
        sim_world_at (world, world->now_us + SIM_ANSWER_US / 2, on_multicast,
                      datagram_new ((SimNode *) peer, &self->peer.addr, data, size), NULL);
    }
}

const ShoalHostOps sim_node_host_ops = {
  .network = effect_network,
  .map = effect_map,
  .dial = effect_dial,
  .attend = effect_attend,
  .hang_up = effect_hang_up,
  .send = effect_send,
  .disk = sim_node_disk,
  .fetch = sim_node_fetch,
  .attend_fetch = sim_node_attend_fetch,
  .lookup = sim_node_lookup,
  .save = effect_save,
  .keep = effect_keep,
  .tell = effect_tell,
  .random = effect_random,
  .filter = effect_filter,
  .multicast = effect_multicast,
};
