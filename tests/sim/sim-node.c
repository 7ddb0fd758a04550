/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A real engine on a simulated machine. */

/*
 * The second implementation of ShoalHost. Requests of the engine stand in `requests` until their
 * event comes; then they wait in `inputs` for the node's next turn. A turn is one turn of the
 * engine, or a few of them in the same moment while it makes output that follows from its own end.
 */

#include "sim-node-private.h"

#include "sim-net.h"

#include <string.h>

#define TURNS_MAX    8u
#define WINDOW_MAX   64u
#define VIEW_MS      1000u

SimNode *
sim_node_of_host (ShoalHost *host)
{
  return (SimNode *) (gpointer) ((char *) host - G_STRUCT_OFFSET (SimNode, host));
}

static void
input_free (gpointer data)
{
  SimInput *input = data;

  if (input->request != NULL)
    g_assert_null (input->request->done);
  g_free (input->request);
  g_clear_pointer (&input->command, shoal_command_free);
  g_clear_pointer (&input->bytes, g_bytes_unref);
  g_free (input);
}

void
sim_node_push (SimNode  *self,
               SimInput *input)
{
  if (self->peer.dead)
    {
      input_free (input);
      return;
    }
  g_ptr_array_add (self->inputs, input);
  sim_peer_wake (&self->peer);
}

/* --- Turns --- */

static void
take_inputs (SimNode *self)
{
  g_autoptr(GPtrArray) inputs = g_steal_pointer (&self->inputs);

  self->inputs = g_ptr_array_new_with_free_func (input_free);
  for (guint i = 0; i < inputs->len; i++)
    {
      SimInput *input = g_ptr_array_index (inputs, i);

      switch (input->kind)
        {
        case SIM_INPUT_COMMAND:
          shoal_engine_command (self->engine, g_steal_pointer (&input->command));
          break;
        case SIM_INPUT_DONE:
          if (input->request->done != NULL)
            sim_node_answer (self, input->request);
          break;
        case SIM_INPUT_DATAGRAM:
          {
            gsize size;
            const guint8 *data = g_bytes_get_data (input->bytes, &size);

            shoal_engine_datagram (self->engine, &input->from, data, size,
                                   self->peer.world->now_us);
          }
          break;
        case SIM_INPUT_LOCAL:
          {
            gsize size;
            const guint8 *data = g_bytes_get_data (input->bytes, &size);

            shoal_engine_local (self->engine, &input->from, data, size);
            break;
          }

        case SIM_INPUT_NETWORK:
          shoal_engine_network (self->engine,
                                &(ShoalNetworkState){ .tcp_port = input->tcp_port,
                                                      .udp_port = self->peer.addr.port });
          break;
        }
    }
}

/* FALSE: that was the end of it. */
static gboolean
read_end (SimEnd *end)
{
  ShoalLink *link = end->data;
  struct iovec window[WINDOW_MAX];

  while (sim_end_waiting (end) > 0 && end->open && shoal_link_low_mark (link) > 0)
    {
      guint n = shoal_link_window (link, window, WINDOW_MAX);
      gsize size = 0;

      if (n == 0)
        return TRUE;
      for (guint i = 0; i < n; i++)
        size += sim_end_take (end, window[i].iov_base, window[i].iov_len);
      shoal_link_received (link, size);
    }
  if (end->eof && end->open && sim_end_waiting (end) == 0)
    {
      shoal_link_closed (link, "the other end closed it");
      sim_end_gone (end);
      return FALSE;
    }

  return TRUE;
}

static void
handle_end (SimNode *self,
            SimEnd  *end,
            guint    ready)
{
  if ((ready & SIM_READY_CLOSED) != 0)
    {
      if (end->data != NULL)
        shoal_link_closed (end->data, end->refused ? "refused" : "closed");
      sim_end_gone (end);
      return;
    }
  if ((ready & SIM_READY_ACCEPT) != 0)
    {
      end->data = shoal_engine_accept (self->engine, &end->remote, end);
      if (end->data == NULL)
        {
          sim_end_close (end);
          return;
        }
    }
  if ((ready & SIM_READY_OPENED) != 0)
    shoal_link_opened (end->data, &self->peer.addr);
  /* Whether the link reads may have changed with anything else. */
  if (end->data != NULL && read_end (end))
    sim_end_flush (end);
}

static void
handle_ready (SimNode *self)
{
  SimEnd *end;
  guint ready;

  while ((end = sim_peer_next (&self->peer, &ready)) != NULL)
    handle_end (self, end, ready);
}

/* Ends the engine at once: whatever is under way comes back as failed, and nothing that it wishes
 * is heard. */
static void
stop_engine (SimNode *self)
{
  SimWorld *world = self->peer.world;

  self->stopping = TRUE;
  while (self->engine != NULL)
    {
      shoal_engine_begin (self->engine, world->now_us, world->wall_s);
      while (self->peer.ends->len > 0)
        {
          SimEnd *end = g_ptr_array_index (self->peer.ends, 0);

          if (end->data != NULL)
            shoal_link_closed (end->data, "the end");
          sim_end_gone (end);
        }
      while (self->requests->len > 0)
        sim_node_answer (self, g_ptr_array_index (self->requests, 0));
      shoal_engine_end (self->engine);
      if (self->peer.ends->len == 0 && self->requests->len == 0)
        g_clear_pointer (&self->engine, shoal_engine_free);
    }
  self->stopping = FALSE;
  g_ptr_array_set_size (self->inputs, 0);
}

static gint64
node_turn (SimPeer *peer)
{
  SimNode *self = (SimNode *) peer;
  SimWorld *world = peer->world;
  gint64 deadline = SHOAL_NEVER;

  if (self->engine == NULL)
    {
      SimEnd *end;
      guint ready;

      g_ptr_array_set_size (self->inputs, 0);
      while ((end = sim_peer_next (peer, &ready)) != NULL)
        sim_end_gone (end);
    }
  for (guint i = 0; i < TURNS_MAX && self->engine != NULL; i++)
    {
      gint64 wall_s = world->wall_s + world->now_us / SIM_SECOND;

      shoal_engine_begin (self->engine, world->now_us, wall_s);
      take_inputs (self);
      handle_ready (self);
      deadline = shoal_engine_end (self->engine);
      if (self->quit)
        stop_engine (self);
      else if (peer->ready->len == 0 && self->inputs->len == 0)
        break;
    }

  return self->engine != NULL ? deadline : SHOAL_NEVER;
}

static gsize
node_output (SimEnd *end,
             guint8 *out,
             gsize   max)
{
  ShoalSpan spans[16];
  guint n = shoal_link_output (end->data, spans, G_N_ELEMENTS (spans));
  gsize size = 0;

  for (guint i = 0; i < n && size < max; i++)
    {
      gsize part = MIN (spans[i].size, max - size);

      g_assert_null (spans[i].file);
      memcpy (out + size, spans[i].bytes, part);
      size += part;
    }
  if (size > 0)
    shoal_link_sent (end->data, size);

  return size;
}

static void
node_free (SimPeer *peer)
{
  SimNode *self = (SimNode *) peer;

  if (self->engine != NULL)
    stop_engine (self);
  peer->dead = TRUE;
  g_clear_pointer (&self->record, shoal_resume_unref);
  g_clear_pointer (&self->kept, g_bytes_unref);
  g_clear_pointer (&self->inputs, g_ptr_array_unref);
  g_clear_pointer (&self->requests, g_ptr_array_unref);
  sim_disk_clear (&self->disk);
}

static const SimPeerOps node_ops = { node_turn, node_output, node_free };

gboolean
sim_node_is_node (const SimPeer *peer)
{
  return peer->ops == &node_ops;
}

/* --- Life --- */

SimNode *
sim_node_new (SimWorld *world)
{
  SimNode *self = g_new0 (SimNode, 1);

  self->host.ops = &sim_node_host_ops;
  self->inputs = g_ptr_array_new_with_free_func (input_free);
  self->requests = g_ptr_array_new ();
  sim_world_add (world, &self->peer, &node_ops);
  sim_disk_init (&self->disk, world);
  shoal_config_init (&self->config);
  self->config.use_utp = FALSE;
  self->config.encryption = SHOAL_ENCRYPTION_OFF;   /* large numbers for each link: where it is not
                                                     * the point, time is saved */
  self->config.port = self->peer.addr.port;

  return self;
}

void
sim_node_push_command (SimNode      *self,
                       ShoalCommand *command)
{
  SimInput *input = g_new0 (SimInput, 1);

  input->kind = SIM_INPUT_COMMAND;
  input->command = command;
  sim_node_push (self, input);
}

void
sim_node_start (SimNode *self)
{
  ShoalCommand *command;

  g_assert_null (self->engine);

  self->quit = FALSE;
  self->complete = FALSE;
  self->peer.dead = FALSE;
  self->downloaded = 0;
  self->engine = shoal_engine_new (&self->host, &self->config);
  if (self->record != NULL)
    {
      command = shoal_command_new (SHOAL_COMMAND_ADD);
      command->add = shoal_add_options_new ();
      command->add->resume = shoal_resume_ref (self->record);
      command->add->metainfo = self->kept != NULL ? g_bytes_ref (self->kept) : NULL;
      sim_node_push_command (self, command);
    }
  sim_node_push_command (self, shoal_command_new (SHOAL_COMMAND_LOADED));
  command = shoal_command_new (SHOAL_COMMAND_SUBSCRIBE);
  command->interval_ms = VIEW_MS;
  sim_node_push_command (self, command);
  self->progress_us = self->peer.world->now_us;
}

static ShoalAddOptions *
new_options (void)
{
  ShoalAddOptions *options = shoal_add_options_new ();

  options->dir = g_strdup ("/sim");

  return options;
}

void
sim_node_add (SimNode    *self,
              SimTorrent *torrent,
              gboolean    seed)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);

  self->torrent = torrent;
  if (seed)
    sim_disk_fill (&self->disk, 1, torrent);
  command->add = new_options ();
  command->add->metainfo = g_bytes_ref (torrent->bytes);
  command->add->super_seeding = self->super_seeding;
  sim_node_push_command (self, command);
}

void
sim_node_add_uri (SimNode    *self,
                  SimTorrent *torrent,
                  const char *uri)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);

  self->torrent = torrent;
  command->add = new_options ();
  command->add->uri = g_strdup (uri);
  sim_node_push_command (self, command);
}

void
sim_node_add_peer (SimNode         *self,
                   const ShoalAddr *addr)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD_PEER);

  command->id = self->id != 0 ? self->id : 1;
  command->text = shoal_addr_to_text (addr);
  sim_node_push_command (self, command);
}

void
sim_node_command (SimNode          *self,
                  ShoalCommandType  type)
{
  ShoalCommand *command = shoal_command_new (type);

  command->id = self->id;
  sim_node_push_command (self, command);
}

void
sim_node_kill (SimNode *self)
{
  stop_engine (self);
  self->peer.alarm_us = SHOAL_NEVER;
}

guint32
sim_node_n_had (SimNode *self)
{
  guint32 n = 0;

  for (guint32 i = 0; i < self->torrent->n_pieces; i++)
    n += sim_disk_has (&self->disk, 1, i);

  return n;
}

gboolean
sim_node_is_right (SimNode *self)
{
  return sim_node_n_had (self) == self->torrent->n_pieces;
}
