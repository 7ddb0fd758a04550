/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests of the engine on a simulated machine: disk, trackers, web servers, names. */

#include "sim-node-private.h"

#include "sim-tracker.h"
#include "sim-web.h"

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

static void add_request (SimNode *self, SimRequestKind kind, gpointer done, gint64 at_us);

/* The next bytes of a web server. FALSE: there is more to come. */
static gboolean
answer_web (SimNode    *self,
            ShoalFetch *fetch)
{
  gint64 next_us = self->stopping ? 0 : sim_web_step (self->peer.world, fetch, &self->web_received);

  if (next_us != 0)
    add_request (self, SIM_REQUEST_WEB, fetch, next_us);
  else
    g_clear_pointer (&fetch->host_data, g_free);

  return next_us == 0;
}

void
sim_node_answer (SimNode    *self,
                 SimRequest *request)
{
  ShoalDone *done = g_steal_pointer (&request->done);

  g_ptr_array_remove_fast (self->requests, request);
  if (request->kind == SIM_REQUEST_DISK)
    {
      ShoalDiskJob *job = (ShoalDiskJob *) done;

      if (!self->stopping)
        sim_disk_run (&self->disk, job);
      else
        job->reason = SHOAL_REASON_IO;
    }
  else if (request->kind == SIM_REQUEST_FETCH)
    {
      answer_fetch (self, (ShoalFetch *) done);
    }
  else if (request->kind == SIM_REQUEST_WEB)
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
  SimRequest *request = a;
  SimInput *input;

  if (request->done == NULL)
    {
      g_free (request);
      return;
    }
  input = g_new0 (SimInput, 1);
  input->kind = SIM_INPUT_DONE;
  input->request = request;
  sim_node_push (request->node, input);
}

static void
add_request (SimNode        *self,
             SimRequestKind  kind,
             gpointer        done,
             gint64          at_us)
{
  SimRequest *request = g_new0 (SimRequest, 1);

  request->node = self;
  request->kind = kind;
  request->done = done;
  g_ptr_array_add (self->requests, request);
  sim_world_at (self->peer.world, at_us, on_request_due, request, NULL);
}

void
sim_node_disk (ShoalHost    *host,
               ShoalDiskJob *job)
{
  SimNode *self = sim_node_of_host (host);

  sim_disk_accept (&self->disk, job);
  add_request (self, SIM_REQUEST_DISK, job, sim_disk_due (&self->disk, job));
}

void
sim_node_fetch (ShoalHost  *host,
                ShoalFetch *request)
{
  SimNode *self = sim_node_of_host (host);
  SimTracker *tracker = tracker_of_url (self, request->url);
  gboolean silent = tracker == NULL || tracker->mood == SIM_TRACKER_SILENT;

  if (request->use == SHOAL_FETCH_SEED)
    {
      add_request (self, SIM_REQUEST_WEB, request, self->peer.world->now_us + SIM_ANSWER_US);
      return;
    }
  add_request (self, SIM_REQUEST_FETCH, request,
               self->peer.world->now_us
                 + (silent ? (gint64) request->timeout_s * SIM_SECOND : SIM_ANSWER_US));
}

/* Servers look for room and for the end of interest by themselves. */
void
sim_node_attend_fetch (ShoalHost  *host,
                       ShoalFetch *request)
{
}

void
sim_node_lookup (ShoalHost   *host,
                 ShoalLookup *query)
{
  SimNode *self = sim_node_of_host (host);

  add_request (self, SIM_REQUEST_LOOKUP, query, self->peer.world->now_us + SIM_ANSWER_US / 4);
}
