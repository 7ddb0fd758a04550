/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real world for an engine: sockets, HTTP, names, disk and store behind ShoalHostOps. */

/*
 * A turn takes what the world has to say (ready sockets, finished jobs, commands, answers), then
 * lets the engine's wishes follow each other until there are none: a block that was read at once
 * goes out in the turn that asked for it. What is left after that many steps waits for a turn that
 * comes at once, after other sources of the context.
 *
 * Answers of libsoup, the resolver and refused requests stand in a queue of their own, because no
 * effect may call back into the engine.
 *
 * While much is moved, the reactor rests between turns as long as some hundred KiB take to
 * arrive, so that one wake-up finds more of them. It is never longer than a few milliseconds,
 * and there is none when little is moved: then every byte is handled as it comes.
 */

#include "shoal-gio-host-private.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STEPS_A_TURN      8             /* rounds of answers and writing before time goes on */
#define TURNS_AT_ONCE     4             /* before other sources of the context have their say */
#define REST_LONGEST      5000          /* microseconds */
#define REST_SHORTEST     1000          /* microseconds: what poll() can wait */
#define REST_BYTES        (128 * 1024)  /* that arrive in one rest; more lets a fast sender run into
                                         * full buffers */
#define REST_FROM_RATE    (8 * 1024 * 1024)   /* bytes a second; below it there is no rest */
#define RATE_WINDOW       20000         /* microseconds */

void
gio_host_finish (ShoalGioHost *self,
                 ShoalDone    *done)
{
  done->next = NULL;
  *self->finished_end = done;
  self->finished_end = &done->next;
  if (!self->in_turn && self->engine != NULL)
    shoal_reactor_wake (self->reactor);
}

static void
filter_loaded (ShoalFilterLoad *load,
               gpointer         user_data)
{
  gio_host_finish (user_data, &load->done);
}

static void
list_wanted (ShoalFetch *request,
             gpointer    user_data)
{
  gio_host_ops.fetch (user_data, request);
}

/* --- What the world says --- */

static void
fetch_answered (ShoalFetch *request,
                gpointer    user_data)
{
  gio_host_finish (user_data, &request->done);
}

static void
fetch_streams (gpointer user_data)
{
  ShoalGioHost *self = user_data;

  if (!self->in_turn && self->engine != NULL)
    shoal_reactor_wake (self->reactor);
}

static void
lookup_answered (ShoalLookup *query,
                 gpointer     user_data)
{
  gio_host_finish (user_data, &query->done);
}

static void
peer_came (GSocket         *socket,
           const ShoalAddr *from,
           gpointer         user_data)
{
  ShoalGioHost *self = user_data;
  ShoalConn *conn;
  ShoalLink *link;

  if (!shoal_conn_set_admits (self->conns, from))
    {
      g_object_unref (socket);
      return;
    }

  conn = shoal_conn_accept (self->conns, socket, from);
  link = shoal_engine_accept (self->engine, from, conn);
  if (link != NULL)
    shoal_conn_set_link (conn, link);
  else
    shoal_conn_discard (conn);
}

static void
datagram_came (const ShoalAddr *from,
               const guint8    *data,
               gsize            size,
               gint64           arrived_us,
               gpointer         user_data)
{
  ShoalGioHost *self = user_data;

  shoal_engine_datagram (self->engine, from, data, size, arrived_us);
}

/* The bells only end the sleep: a turn looks into the mailbox and at the disk in any case. */
static void
bell_rang (ShoalWatch *watch,
           guint32     events)
{
}

static void
disk_rings (gpointer user_data)
{
  const guint64 one = 1;

  if (write (GPOINTER_TO_INT (user_data), &one, sizeof one) < 0)
    g_debug ("The engine is awake already");
}

/* --- The network --- */

static void
network_due (gpointer user_data)
{
  ShoalGioHost *self = user_data;

  if (self->engine != NULL)
    shoal_reactor_wake (self->reactor);
}

static void
close_lsd (ShoalGioHost *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->lsd); i++)
    g_clear_pointer (&self->lsd[i], shoal_lsd_socket_free);
}

static void
apply_network (ShoalGioHost *self)
{
  ShoalNetworkState state;
  gboolean hidden;

  close_lsd (self);
  if (self->untold)
    state = self->first;
  else
    shoal_gio_network_apply (self->network, &state);
  self->untold = FALSE;
  if (state.moved)
    {
      shoal_conn_set_hang_up_all (self->conns, "The network has changed");
      shoal_http_cancel_all (self->http, "The network has changed");
    }
  hidden = shoal_gio_network_is_hidden (self->network);
  shoal_engine_network (self->engine, &state);
  /* The gateway is not asked for ports when nothing may go past a proxy. */
  shoal_gio_mapping_ports (self->mapping, shoal_gio_network_binding (self->network)->wanted,
                           hidden ? 0 : state.tcp_port, hidden ? 0 : state.udp_port);
}

static void
mapping_due (gpointer user_data)
{
  ShoalGioHost *self = user_data;

  if (self->engine != NULL)
    shoal_reactor_wake (self->reactor);
}

static void
apply_mapping (ShoalGioHost *self)
{
  ShoalMapping now;

  if (shoal_gio_mapping_take (self->mapping, &now))
    shoal_engine_mapped (self->engine, &now);
}

static void
network_writable (gpointer user_data)
{
  ShoalGioHost *self = user_data;

  shoal_engine_writable (self->engine);
}

static const ShoalGioNetworkFuncs network_funcs = { peer_came, datagram_came, network_writable,
                                                    network_due };

/* --- Turns --- */

static void
hand_over (ShoalGioHost *self,
           ShoalDone    *done)
{
  while (done != NULL)
    {
      ShoalDone *next = done->next;

      shoal_engine_done (self->engine, done);
      done = next;
    }
}

static void
hand_over_finished (ShoalGioHost *self)
{
  ShoalDone *done = self->finished;

  self->finished = NULL;
  self->finished_end = &self->finished;
  hand_over (self, done);
}

static gboolean
is_pending (const ShoalGioHost *self)
{
  return self->finished != NULL || shoal_gio_network_is_due (self->network) ||
         shoal_conn_set_is_pending (self->conns) ||
         (self->http != NULL && shoal_http_is_pending (self->http));
}

static void
kept (ShoalResume *record,
      GBytes      *metainfo,
      gpointer     user_data)
{
  ShoalGioHost *self = user_data;
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);

  command->add = shoal_add_options_new ();
  command->add->resume = record;
  command->add->metainfo = metainfo;
  shoal_engine_command (self->engine, command);
}

/* What was kept comes before anything that the user wants, who may add the same again. */
static void
load (ShoalGioHost *self)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_LOADED);

  self->loaded = TRUE;
  if (self->store != NULL)
    {
      shoal_resume_store_load (self->store, kept, self);
      command->id = shoal_resume_store_last_id (self->store);
      command->kept = shoal_resume_store_nodes (self->store);
    }
  shoal_engine_command (self->engine, command);
}

static void
take_inputs (ShoalGioHost *self,
             gint64        now_us)
{
  ShoalCommand *command;

  if (!self->loaded)
    load (self);
  shoal_conn_set_begin (self->conns, now_us);
  shoal_reactor_poll (self->reactor);

  hand_over (self, shoal_disk_collect (self->disk));

  command = shoal_mailbox_take (self->commands);
  while (command != NULL)
    {
      ShoalCommand *next = command->next;

      shoal_engine_command (self->engine, command);
      command = next;
    }
}

/* Lets wishes and answers follow each other; time stands still. */
static void
settle (ShoalGioHost *self,
        gint64        now_us)
{
  for (guint i = 0; i < STEPS_A_TURN; i++)
    {
      if (self->http != NULL)
        shoal_http_pump (self->http, now_us);
      hand_over_finished (self);
      if (self->untold || shoal_gio_network_is_due (self->network))
        apply_network (self);
      apply_mapping (self);
      shoal_conn_set_flush (self->conns);
      if (!is_pending (self))
        return;
    }
}

static gint64
run_turn (ShoalGioHost *self,
          gboolean      inputs)
{
  gint64 now_us = g_get_monotonic_time ();
  gint64 deadline;

  self->in_turn = TRUE;
  /* The engine's very first wish, a name perhaps, goes the way that is wanted, not past it. */
  if (!self->begun && shoal_gio_network_is_due (self->network))
    {
      shoal_gio_network_apply (self->network, &self->first);
      self->begun = self->untold = TRUE;
    }
  shoal_engine_begin (self->engine, now_us, g_get_real_time () / G_USEC_PER_SEC);
  if (inputs)
    take_inputs (self, now_us);
  settle (self, now_us);
  deadline = shoal_engine_end (self->engine);
  self->in_turn = FALSE;

  return deadline;
}

static gint64
rest_until (ShoalGioHost *self,
            gint64        now_us)
{
  guint64 moved = shoal_conn_set_moved (self->conns);
  gint64 rest;

  if (now_us - self->moved_us >= RATE_WINDOW)
    {
      self->rate = (moved - self->moved) * G_USEC_PER_SEC / (guint64) (now_us - self->moved_us);
      self->moved = moved;
      self->moved_us = now_us;
    }
  if (self->rate < REST_FROM_RATE)
    return 0;

  rest = MIN (REST_LONGEST, (gint64) (REST_BYTES * (guint64) G_USEC_PER_SEC / self->rate));

  return rest >= REST_SHORTEST ? now_us + rest : 0;
}

static void
host_turn (gpointer user_data)
{
  ShoalGioHost *self = user_data;
  gint64 deadline;
  gint64 now_us;

  if (self->engine == NULL)
    return;

  deadline = run_turn (self, TRUE);
  for (guint i = 1; i < TURNS_AT_ONCE && is_pending (self); i++)
    deadline = run_turn (self, FALSE);

  now_us = g_get_monotonic_time ();
  if (is_pending (self))
    deadline = now_us;
  else
    shoal_reactor_rest (self->reactor, rest_until (self, now_us));

  deadline = MIN (deadline, shoal_conn_set_deadline (self->conns));
  deadline = MIN (deadline, shoal_gio_network_resume (self->network, now_us));
  shoal_reactor_set_deadline (self->reactor, deadline);
}

/* --- Life --- */

ShoalGioHost *
shoal_gio_host_new (GMainContext     *context,
                    ShoalMailbox     *commands,
                    ShoalResumeStore *store,
                    guint             n_workers,
                    ShoalGioHostTell  tell,
                    gpointer          user_data)
{
  ShoalGioHost *self = g_new0 (ShoalGioHost, 1);
  int bell = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);

  if (bell < 0)
    g_error ("No eventfd: %s", g_strerror (errno));

  self->base.ops = &gio_host_ops;
  self->base.forgets = store == NULL;
  self->context = g_main_context_ref (context);
  self->store = store;
  self->tell = tell;
  self->user_data = user_data;
  self->finished_end = &self->finished;
  self->moved_us = g_get_monotonic_time ();
  self->reactor = shoal_reactor_new (context, host_turn, self);
  self->conns = shoal_conn_set_new (self->reactor);
  self->network = shoal_gio_network_new (self->reactor, &network_funcs, self);
  shoal_conn_set_bind (self->conns, shoal_gio_network_binding (self->network),
                       shoal_gio_network_proxy (self->network));
  self->http = shoal_http_new (fetch_answered, self);
  shoal_http_set_wake (self->http, fetch_streams);
  shoal_http_set_way (self->http, shoal_gio_network_http (self->network));
  self->resolver = shoal_resolver_new (shoal_gio_network_dns (self->network), lookup_answered,
                                       self);
  self->mapping = shoal_gio_mapping_new (mapping_due, self);
  self->filters = shoal_filter_loader_new (list_wanted, filter_loaded, self);
  self->commands = commands;
  self->disk = shoal_disk_new (store, n_workers, disk_rings, GINT_TO_POINTER (bell));

  /* Edge triggered: the bells are never read, and ring once for each time that they are written. */
  shoal_watch_init (&self->commands_bell, shoal_mailbox_fd (self->commands), bell_rang);
  shoal_watch_init (&self->disk_bell, bell, bell_rang);
  if (!shoal_reactor_watch (self->reactor, &self->commands_bell, EPOLLIN | EPOLLET) ||
      !shoal_reactor_watch (self->reactor, &self->disk_bell, EPOLLIN | EPOLLET))
    g_error ("Nothing can be watched: %s", g_strerror (errno));

  return self;
}

ShoalHost *
shoal_gio_host_effects (ShoalGioHost *self)
{
  return &self->base;
}

void
shoal_gio_host_start (ShoalGioHost *self,
                      ShoalEngine  *engine)
{
  self->engine = engine;
  shoal_reactor_wake (self->reactor);
}

/* One turn of the end: nothing new comes from outside. TRUE: something may have followed from
 * it. */
static gboolean
stop_turn (ShoalGioHost *self)
{
  self->in_turn = TRUE;
  shoal_engine_begin (self->engine, g_get_monotonic_time (), g_get_real_time () / G_USEC_PER_SEC);
  shoal_conn_set_hang_up_all (self->conns, NULL);
  shoal_disk_drain (self->disk);
  hand_over (self, shoal_disk_collect (self->disk));
  hand_over_finished (self);
  shoal_conn_set_flush (self->conns);
  shoal_engine_end (self->engine);
  self->in_turn = FALSE;

  return self->finished != NULL || shoal_conn_set_count (self->conns) > 0 ||
         shoal_disk_pending (self->disk) > 0;
}

void
shoal_gio_host_stop (ShoalGioHost *self)
{
  ShoalEngine *engine = self->engine;
  ShoalHttp *http = g_steal_pointer (&self->http);
  ShoalResolver *resolver = g_steal_pointer (&self->resolver);
  ShoalGioMapping *mapping = g_steal_pointer (&self->mapping);

  self->stopping = TRUE;
  /* These three iterate the context: no turn may come out of it. */
  self->engine = NULL;
  shoal_http_free (http);
  shoal_resolver_free (resolver);
  shoal_gio_mapping_free (mapping);
  shoal_filter_loader_stop (self->filters);
  self->engine = engine;
  shoal_gio_network_close (self->network);
  close_lsd (self);

  while (engine != NULL && stop_turn (self))
    continue;
  self->engine = NULL;
}

void
shoal_gio_host_free (ShoalGioHost *self)
{
  if (self == NULL)
    return;

  if (!self->stopping)
    shoal_gio_host_stop (self);
  shoal_filter_loader_free (self->filters);
  shoal_disk_free (self->disk);
  shoal_conn_set_free (self->conns);
  shoal_gio_network_free (self->network);
  shoal_reactor_forget (self->reactor, &self->commands_bell);
  shoal_reactor_forget (self->reactor, &self->disk_bell);
  close (self->disk_bell.fd);
  shoal_reactor_free (self->reactor);
  g_main_context_unref (self->context);
  g_free (self);
}
