/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of blocked addresses: when it is loaded, and to whom it applies. */

/* One request at a time. While the first list of a run is on its way nobody is dialled or let in,
 * for a few seconds at most; later the old list serves until the new one is there. Engine
 * thread. */

#include "shoal-link-private.h"
#include "shoal-error.h"

#include <string.h>

/* The old value is let go when nobody points at it any more. */
static void
apply (ShoalEngine *self,
       ShoalFilter *filter)
{
  ShoalFilter *before = self->filter;
  GHashTableIter iter;
  gpointer swarm;

  self->filter = filter;
  g_hash_table_iter_init (&iter, self->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &swarm))
    shoal_peerbook_set_filter (((ShoalSwarm *) swarm)->book, filter);
  shoal_filter_unref (before);
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, engine_node);

      if (shoal_filter_blocks (filter, &link->addr))
        shoal_link_hang_up (link, "its address is blocked");
    }
}

static void
let_go_on (ShoalEngine *self)
{
  self->filter_hold_us = 0;
  shoal_timers_disarm (self->timers, &self->dial_timer);
  shoal_engine_want_dials (self);
}

static void
tell (ShoalEngine *self,
      const char  *error)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_FILTER);

  event->count = shoal_filter_size (self->filter);
  if (error != NULL)
    event->error = g_error_new_literal (SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_FETCH, error);
  shoal_engine_tell (self, event);
}

static void
on_loaded (ShoalDone *done,
           gint64     now_us)
{
  ShoalFilterLoad *load = (ShoalFilterLoad *) done;
  ShoalEngine *self = done->owner;

  /* Another one is wanted meanwhile. */
  if (self == NULL)
    {
      shoal_filter_load_free (load);
      return;
    }

  self->filter_load = NULL;
  if (load->filter != NULL)
    apply (self, g_steal_pointer (&load->filter));
  shoal_timers_arm (self->timers, &self->filter_timer,
                    now_us + (load->error == NULL ? SHOAL_FILTER_DAILY_US : SHOAL_FILTER_RETRY_US));
  let_go_on (self);
  tell (self, load->error);
  shoal_filter_load_free (load);
}

static void
begin (ShoalEngine *self)
{
  ShoalFilterLoad *load = shoal_filter_load_new (self->config.filter_source);

  load->done.func = on_loaded;
  load->done.owner = self;
  self->filter_load = load;
  self->host->ops->filter (self->host, load);
}

void
shoal_engine_filter_due (gpointer engine,
                         gint64   now_us)
{
  ShoalEngine *self = engine;

  if (self->filter_load == NULL && self->config.filter_source[0] != '\0' && !self->quitting)
    begin (self);
}

void
shoal_engine_filter_update (ShoalEngine *self)
{
  if (self->filter_load != NULL)
    {
      self->filter_load->done.owner = NULL;
      self->filter_load = NULL;
    }
  shoal_timers_disarm (self->timers, &self->filter_timer);
  if (self->config.filter_source[0] == '\0')
    {
      if (self->filter != NULL)
        {
          apply (self, NULL);
          tell (self, NULL);
        }
      let_go_on (self);
      return;
    }
  if (self->filter == NULL)
    self->filter_hold_us = self->now_us + SHOAL_FILTER_HOLD_US;
  begin (self);
}

gboolean
shoal_engine_may_connect (ShoalEngine     *self,
                          const ShoalAddr *addr)
{
  return self->now_us >= self->filter_hold_us && !shoal_filter_blocks (self->filter, addr);
}
