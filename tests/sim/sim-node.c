/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A real engine on a simulated machine. */

/*
 * The second implementation of ShoalHost. Requests of the engine stand in `requests` until their event comes; then
 * they wait in `inputs` for the node's next turn. A turn is one turn of the engine, or a few of them in the same moment
 * while it makes output that follows from its own end.
 */

#include "sim-node.h"

#include "sim-net.h"
#include "sim-tracker.h"
#include "sim-web.h"

#include <string.h>

#define TURNS_MAX    8u
#define WINDOW_MAX   64u
#define ANSWER_US    80000     /* a tracker's or a name server's */
#define VIEW_MS      1000u

typedef enum { REQUEST_DISK, REQUEST_FETCH, REQUEST_LOOKUP, REQUEST_WEB } RequestKind;

/* Something that the engine asked for; @done is NULL once it was answered early. */
typedef struct
{
  SimNode    *node;
  RequestKind kind;
  ShoalDone  *done;
} Request;

typedef enum { INPUT_COMMAND, INPUT_DONE, INPUT_DATAGRAM, INPUT_LOCAL, INPUT_NETWORK } InputKind;

typedef struct
{
  InputKind     kind;
  SimNode      *node;
  ShoalCommand *command;
  Request      *request;
  ShoalAddr     from;
  GBytes       *bytes;
  guint16       tcp_port;
} Input;

static SimNode *
node_of (ShoalHost *host)
{
  return (SimNode *) (gpointer) ((char *) host - G_STRUCT_OFFSET (SimNode, host));
}

static void
input_free (gpointer data)
{
  Input *input = data;

  if (input->request != NULL)
    g_assert_null (input->request->done);
  g_free (input->request);
  g_clear_pointer (&input->command, shoal_command_free);
  g_clear_pointer (&input->bytes, g_bytes_unref);
  g_free (input);
}

static void
push_input (SimNode *self,
            Input   *input)
{
  if (self->peer.dead)
    {
      input_free (input);
      return;
    }
  g_ptr_array_add (self->inputs, input);
  sim_peer_wake (&self->peer);
}

/* --- Requests --- */

static void
answer_lookup (SimNode     *self,
               ShoalLookup *query)
{
  SimTracker *tracker = sim_tracker_find (self->peer.world, query->host);
  ShoalAddr addr;

  if (shoal_addr_parse (&addr, query->host, query->port))
    ;
  else if (tracker != NULL && tracker->mood != SIM_TRACKER_NO_NAME)
    addr = tracker->addr;
  else
    {
      query->error = g_strdup ("no such name");
      return;
    }
  addr.port = query->port;
  query->addrs = g_memdup2 (&addr, sizeof addr);
  query->n_addrs = 1;
}

static SimTracker *
tracker_of_url (SimNode    *self,
                const char *url)
{
  const char *begin = strstr (url, "://");
  g_autofree char *name = begin != NULL ? g_strndup (begin + 3, strcspn (begin + 3, ":/?")) : NULL;

  return name != NULL ? sim_tracker_find (self->peer.world, name) : NULL;
}

static void
answer_fetch (SimNode    *self,
              ShoalFetch *request)
{
  SimTracker *tracker = tracker_of_url (self, request->url);

  if (tracker != NULL && !self->stopping)
    request->body = sim_tracker_http (tracker, &self->peer.addr, request->url);
  if (request->body != NULL)
    request->status = 200;
  else
    request->error = g_strdup ("no answer");
}

static void add_request (SimNode *self, RequestKind kind, gpointer done, gint64 at_us);

/* The next bytes of a web server. FALSE: there is more to come. */
static gboolean
answer_web (SimNode    *self,
            ShoalFetch *fetch)
{
  gint64 next_us = self->stopping ? 0 : sim_web_step (self->peer.world, fetch, &self->web_received);

  if (next_us != 0)
    add_request (self, REQUEST_WEB, fetch, next_us);
  else
    g_clear_pointer (&fetch->host_data, g_free);

  return next_us == 0;
}

/* Fills in the results and hands the request back; in a turn. */
static void
answer (SimNode *self,
        Request *request)
{
  ShoalDone *done = g_steal_pointer (&request->done);

  g_ptr_array_remove_fast (self->requests, request);
  if (request->kind == REQUEST_DISK)
    {
      ShoalDiskJob *job = (ShoalDiskJob *) done;

      if (!self->stopping)
        sim_disk_run (&self->disk, job);
      else
        job->reason = SHOAL_REASON_IO;
    }
  else if (request->kind == REQUEST_FETCH)
    {
      answer_fetch (self, (ShoalFetch *) done);
    }
  else if (request->kind == REQUEST_WEB)
    {
      if (!answer_web (self, (ShoalFetch *) done))
        return;
    }
  else
    {
      answer_lookup (self, (ShoalLookup *) done);
    }
  shoal_engine_done (self->engine, done);
}

static void
on_request_due (SimWorld *world,
                gpointer  a,
                gpointer  b)
{
  Request *request = a;
  Input *input;

  if (request->done == NULL)
    {
      g_free (request);
      return;
    }
  input = g_new0 (Input, 1);
  input->kind = INPUT_DONE;
  input->request = request;
  push_input (request->node, input);
}

static void
add_request (SimNode     *self,
             RequestKind  kind,
             gpointer     done,
             gint64       at_us)
{
  Request *request = g_new0 (Request, 1);

  request->node = self;
  request->kind = kind;
  request->done = done;
  g_ptr_array_add (self->requests, request);
  sim_world_at (self->peer.world, at_us, on_request_due, request, NULL);
}

/* --- Effects --- */

static void
on_network (SimWorld *world,
            gpointer  a,
            gpointer  b)
{
  push_input (((Input *) a)->node, a);
}

static void
effect_network (ShoalHost          *host,
                const ShoalNetwork *wanted)
{
  SimNode *self = node_of (host);
  Input *input = g_new0 (Input, 1);

  input->kind = INPUT_NETWORK;
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
  SimNode *self = node_of (host);

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

typedef struct
{
  SimNode  *node;
  ShoalAddr addr;
  GBytes   *bytes;
} Datagram;

static void
on_answer (SimWorld *world,
           gpointer  a,
           gpointer  b)
{
  Datagram *datagram = a;
  Input *input = g_new0 (Input, 1);

  input->kind = INPUT_DATAGRAM;
  input->from = datagram->addr;
  input->bytes = datagram->bytes;
  push_input (datagram->node, input);
  g_free (datagram);
}

static gboolean is_node (SimPeer *peer);

/* From one engine to another: nobody answers at once. */
static void
deliver (Datagram *datagram,
         SimNode  *to)
{
  Input *input = g_new0 (Input, 1);

  input->kind = INPUT_DATAGRAM;
  input->from = datagram->node->peer.addr;
  input->bytes = g_steal_pointer (&datagram->bytes);
  push_input (to, input);
  g_free (datagram);
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
  GBytes *bytes = tracker != NULL ? sim_tracker_udp (tracker, &datagram->node->peer.addr, data, size) : NULL;

  if (peer != NULL && is_node (peer))
    {
      deliver (datagram, (SimNode *) peer);
      return;
    }
  g_bytes_unref (datagram->bytes);
  datagram->bytes = bytes;
  if (bytes != NULL && shoal_rng_below (&world->rng, 100) >= world->loss_percent)
    {
      sim_world_at (world, world->now_us + ANSWER_US / 2, on_answer, datagram, NULL);
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
  SimNode *self = node_of (host);
  SimWorld *world = self->peer.world;

  if (segment == 0)
    segment = (guint) size;
  for (gsize at = 0; at < size; at += segment)
    {
      gsize one = MIN (segment, size - at);
      Datagram *datagram;

      if (world->watch != NULL)
        world->watch (world->watch_data, data + at, one);
      if (shoal_rng_below (&world->rng, 100) < world->loss_percent)
        continue;
      datagram = g_new0 (Datagram, 1);
      datagram->node = self;
      datagram->addr = *to;
      datagram->bytes = g_bytes_new (data + at, one);
      sim_world_at (world, world->now_us + ANSWER_US / 2, on_datagram, datagram, NULL);
    }

  return SHOAL_SEND_SENT;
}

static void
effect_disk (ShoalHost    *host,
             ShoalDiskJob *job)
{
  SimNode *self = node_of (host);

  sim_disk_accept (&self->disk, job);
  add_request (self, REQUEST_DISK, job, sim_disk_due (&self->disk, job));
}

static void
effect_fetch (ShoalHost  *host,
              ShoalFetch *request)
{
  SimNode *self = node_of (host);
  SimTracker *tracker = tracker_of_url (self, request->url);
  gboolean silent = tracker == NULL || tracker->mood == SIM_TRACKER_SILENT;

  if (request->use == SHOAL_FETCH_SEED)
    {
      add_request (self, REQUEST_WEB, request, self->peer.world->now_us + ANSWER_US);
      return;
    }
  add_request (self, REQUEST_FETCH, request,
               self->peer.world->now_us + (silent ? (gint64) request->timeout_s * SIM_SECOND : ANSWER_US));
}

/* Servers look for room and for the end of interest by themselves. */
static void
effect_attend_fetch (ShoalHost  *host,
                     ShoalFetch *request)
{
}

static void
effect_lookup (ShoalHost   *host,
               ShoalLookup *query)
{
  SimNode *self = node_of (host);

  add_request (self, REQUEST_LOOKUP, query, self->peer.world->now_us + ANSWER_US / 4);
}

static void
effect_save (ShoalHost   *host,
             ShoalResume *record)
{
  SimNode *self = node_of (host);

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
  Input *input = g_new0 (Input, 1);

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
  input->kind = INPUT_COMMAND;
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
  SimNode *self = node_of (host);

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
  shoal_rng_bytes (&node_of (host)->peer.world->rng, out, size);
}

static void
on_multicast (SimWorld *world,
              gpointer  a,
              gpointer  b)
{
  Datagram *datagram = a;
  Input *input = g_new0 (Input, 1);

  input->kind = INPUT_LOCAL;
  input->from = datagram->addr;
  input->bytes = datagram->bytes;
  push_input (datagram->node, input);
  g_free (datagram);
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
  SimNode *self = node_of (host);
  SimWorld *world = self->peer.world;

  if (!world->lan || family != SHOAL_FAMILY_IPV4)
    return;
  for (guint i = 0; i < world->peers->len; i++)
    {
      SimPeer *peer = g_ptr_array_index (world->peers, i);
      Datagram *datagram;

      if (peer->ops != self->peer.ops)
        continue;
      datagram = g_new0 (Datagram, 1);
      datagram->node = (SimNode *) peer;
      datagram->addr = self->peer.addr;
      datagram->bytes = g_bytes_new (data, size);
      sim_world_at (world, world->now_us + ANSWER_US / 2, on_multicast, datagram, NULL);
    }
}

static const ShoalHostOps host_ops = {
  .network = effect_network,
  .map = effect_map,
  .dial = effect_dial,
  .attend = effect_attend,
  .hang_up = effect_hang_up,
  .send = effect_send,
  .disk = effect_disk,
  .fetch = effect_fetch,
  .attend_fetch = effect_attend_fetch,
  .lookup = effect_lookup,
  .save = effect_save,
  .keep = effect_keep,
  .tell = effect_tell,
  .random = effect_random,
  .filter = effect_filter,
  .multicast = effect_multicast,
};

/* --- Turns --- */

static void
take_inputs (SimNode *self)
{
  g_autoptr(GPtrArray) inputs = g_steal_pointer (&self->inputs);

  self->inputs = g_ptr_array_new_with_free_func (input_free);
  for (guint i = 0; i < inputs->len; i++)
    {
      Input *input = g_ptr_array_index (inputs, i);

      switch (input->kind)
        {
        case INPUT_COMMAND:
          shoal_engine_command (self->engine, g_steal_pointer (&input->command));
          break;
        case INPUT_DONE:
          if (input->request->done != NULL)
            answer (self, input->request);
          break;
        case INPUT_DATAGRAM:
          {
            gsize size;
            const guint8 *data = g_bytes_get_data (input->bytes, &size);

            shoal_engine_datagram (self->engine, &input->from, data, size, self->peer.world->now_us);
          }
          break;
        case INPUT_LOCAL:
          {
            gsize size;
            const guint8 *data = g_bytes_get_data (input->bytes, &size);

            shoal_engine_local (self->engine, &input->from, data, size);
            break;
          }

        case INPUT_NETWORK:
          shoal_engine_network (self->engine, &(ShoalNetworkState) { .tcp_port = input->tcp_port, .udp_port = self->peer.addr.port });
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

/* Ends the engine at once: whatever is under way comes back as failed, and nothing that it wishes is heard. */
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
        answer (self, g_ptr_array_index (self->requests, 0));
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

static gboolean
is_node (SimPeer *peer)
{
  return peer->ops == &node_ops;
}

/* --- Life --- */

SimNode *
sim_node_new (SimWorld *world)
{
  SimNode *self = g_new0 (SimNode, 1);

  self->host.ops = &host_ops;
  self->inputs = g_ptr_array_new_with_free_func (input_free);
  self->requests = g_ptr_array_new ();
  sim_world_add (world, &self->peer, &node_ops);
  sim_disk_init (&self->disk, world);
  shoal_config_init (&self->config);
  self->config.use_utp = FALSE;
  self->config.encryption = SHOAL_ENCRYPTION_OFF;   /* large numbers for each link: where it is not the point, time is saved */
  self->config.port = self->peer.addr.port;

  return self;
}

static void
send_command (SimNode      *self,
              ShoalCommand *command)
{
  Input *input = g_new0 (Input, 1);

  input->kind = INPUT_COMMAND;
  input->command = command;
  push_input (self, input);
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
      send_command (self, command);
    }
  send_command (self, shoal_command_new (SHOAL_COMMAND_LOADED));
  command = shoal_command_new (SHOAL_COMMAND_SUBSCRIBE);
  command->interval_ms = VIEW_MS;
  send_command (self, command);
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
  send_command (self, command);
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
  send_command (self, command);
}

void
sim_node_add_peer (SimNode         *self,
                   const ShoalAddr *addr)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD_PEER);

  command->id = self->id != 0 ? self->id : 1;
  command->text = shoal_addr_to_text (addr);
  send_command (self, command);
}

void
sim_node_command (SimNode          *self,
                  ShoalCommandType  type)
{
  ShoalCommand *command = shoal_command_new (type);

  command->id = self->id;
  send_command (self, command);
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
