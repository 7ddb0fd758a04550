/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine thread: starts it, carries commands down and events up, stops it in order. */

/*
 * Two mailboxes are all that both threads touch. The thread is born with everything that lives on
 * it and buries it again. The order of stopping:
 *
 *   QUIT goes down; the engine says goodbye to trackers, saves, and tells QUIT;
 *   the loop ends; links are closed, requests are given back, the disk works off its jobs;
 *   engine and host are freed; the store saves what is left and gives up its lock;
 *   only now the event QUIT goes up: who sees it may end the process.
 */

#include "shoal-runtime.h"

#include "shoal-engine.h"
#include "shoal-gio-host.h"
#include "shoal-mailbox.h"
#include "shoal-resume-store.h"

#define QUIT_SECONDS 5   /* that shoal_runtime_free() leaves the engine for its goodbyes */

struct _ShoalRuntime
{
  ShoalRuntimeFunc  func;
  gpointer          user_data;
  ShoalMailbox     *commands;
  ShoalMailbox     *events;
  GSource          *events_source;   /* (nullable) */
  ShoalEvent       *arrived;         /* taken from the mailbox, not told yet */
  gboolean         *freed;           /* (nullable): of the dispatch that is under way */
  gboolean          quit_sent;
  GThread          *thread;          /* (nullable): NULL: detached */
  GMainContext     *context;
  GMainLoop        *loop;

  /* of the thread, once it runs */
  ShoalConfig       config;
  ShoalResumeStore *store;           /* (nullable) */
  ShoalEvent       *quit;            /* (nullable): kept back until everything is saved */

  ShoalCommand     *next_command;    /* of a detached one */
};

/* --- The engine's thread --- */

static void
tell (ShoalEvent *event,
      gpointer    user_data)
{
  ShoalRuntime *self = user_data;

  if (event->type != SHOAL_EVENT_QUIT)
    {
      shoal_mailbox_post (self->events, event);
      return;
    }
  g_clear_pointer (&self->quit, shoal_event_free);
  self->quit = event;
  g_main_loop_quit (self->loop);
}

static gpointer
engine_thread (gpointer user_data)
{
  ShoalRuntime *self = user_data;
  ShoalGioHost *host;
  ShoalEngine *engine;

  g_main_context_push_thread_default (self->context);
  host = shoal_gio_host_new (self->context, self->commands, self->store, 0, tell, self);
  engine = shoal_engine_new (shoal_gio_host_effects (host), &self->config);
  shoal_gio_host_start (host, engine);

  g_main_loop_run (self->loop);

  shoal_gio_host_stop (host);
  shoal_engine_free (engine);
  shoal_gio_host_free (host);
  g_clear_pointer (&self->store, shoal_resume_store_close);
  g_main_context_pop_thread_default (self->context);
  if (self->quit != NULL)
    shoal_mailbox_post (self->events, g_steal_pointer (&self->quit));

  return NULL;
}

/* --- The owner's thread --- */

static void
events_came (gpointer user_data)
{
  ShoalRuntime *self = user_data;
  gboolean freed = FALSE;

  self->freed = &freed;
  self->arrived = shoal_mailbox_take (self->events);
  while (self->arrived != NULL)
    {
      ShoalEvent *event = self->arrived;

      self->arrived = event->next;
      event->next = NULL;
      self->func (event, self->user_data);
      if (freed)
        return;
    }
  self->freed = NULL;
}

static ShoalRuntime *
runtime_new (ShoalRuntimeFunc func,
             gpointer         user_data)
{
  ShoalRuntime *self = g_new0 (ShoalRuntime, 1);

  self->func = func;
  self->user_data = user_data;
  self->commands = shoal_mailbox_new (G_STRUCT_OFFSET (ShoalCommand, next));
  self->events = shoal_mailbox_new (G_STRUCT_OFFSET (ShoalEvent, next));

  return self;
}

ShoalRuntime *
shoal_runtime_new (const char         *state_dir,
                   const ShoalConfig  *config,
                   ShoalRuntimeFunc    func,
                   gpointer            user_data,
                   GError            **error)
{
  g_autoptr(GMainContext) own_context = NULL;
  ShoalResumeStore *store = NULL;
  ShoalRuntime *self;

  g_return_val_if_fail (config != NULL && func != NULL, NULL);

  if (state_dir != NULL)
    {
      g_autofree char *dir = g_canonicalize_filename (state_dir, NULL);

      store = shoal_resume_store_open (dir, error);
      if (store == NULL)
        return NULL;
    }

  self = runtime_new (func, user_data);
  self->store = store;
  self->config = *config;
  shoal_config_clamp (&self->config);
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);

  own_context = g_main_context_ref_thread_default ();
  self->events_source = shoal_mailbox_source (self->events, events_came, self);
  g_source_attach (self->events_source, own_context);
  self->thread = g_thread_new ("shoal-engine", engine_thread, self);

  return self;
}

ShoalRuntime *
shoal_runtime_new_detached (ShoalRuntimeFunc func,
                            gpointer         user_data)
{
  g_return_val_if_fail (func != NULL, NULL);

  return runtime_new (func, user_data);
}

ShoalCommand *
shoal_runtime_next_command (ShoalRuntime *self)
{
  ShoalCommand *command;

  g_return_val_if_fail (self != NULL && self->thread == NULL, NULL);

  if (self->next_command == NULL)
    self->next_command = shoal_mailbox_take (self->commands);
  command = self->next_command;
  if (command != NULL)
    {
      self->next_command = command->next;
      command->next = NULL;
    }

  return command;
}

void
shoal_runtime_inject (ShoalRuntime *self,
                      ShoalEvent   *event)
{
  g_return_if_fail (self != NULL && self->thread == NULL && event != NULL);

  self->func (event, self->user_data);
}

void
shoal_runtime_send (ShoalRuntime *self,
                    ShoalCommand *command)
{
  g_return_if_fail (self != NULL && command != NULL);

  if (command->type == SHOAL_COMMAND_QUIT)
    self->quit_sent = TRUE;
  shoal_mailbox_post (self->commands, command);
}

static gboolean
out_of_time (gpointer user_data)
{
  g_main_loop_quit (user_data);

  return G_SOURCE_REMOVE;
}

static void
join (ShoalRuntime *self)
{
  g_autoptr(GSource) timeout = g_timeout_source_new_seconds (QUIT_SECONDS);

  if (!self->quit_sent)
    shoal_runtime_send (self, shoal_command_new (SHOAL_COMMAND_QUIT));
  g_source_set_callback (timeout, out_of_time, self->loop, NULL);
  g_source_attach (timeout, self->context);
  g_thread_join (g_steal_pointer (&self->thread));
  g_source_destroy (timeout);
}

static void
free_events (ShoalEvent *chain)
{
  while (chain != NULL)
    {
      ShoalEvent *next = chain->next;

      shoal_event_free (chain);
      chain = next;
    }
}

static void
free_commands (ShoalCommand *chain)
{
  while (chain != NULL)
    {
      ShoalCommand *next = chain->next;

      shoal_command_free (chain);
      chain = next;
    }
}

void
shoal_runtime_free (ShoalRuntime *self)
{
  if (self == NULL)
    return;

  if (self->thread != NULL)
    join (self);
  if (self->freed != NULL)
    *self->freed = TRUE;
  if (self->events_source != NULL)
    {
      g_source_destroy (self->events_source);
      g_source_unref (self->events_source);
    }

  free_events (self->arrived);
  free_events (shoal_mailbox_take (self->events));
  free_commands (self->next_command);
  free_commands (shoal_mailbox_take (self->commands));
  shoal_mailbox_free (self->commands);
  shoal_mailbox_free (self->events);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_free (self);
}
