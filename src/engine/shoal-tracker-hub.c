/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The session's side of announcing: who may ask now, UDP transactions, names. */

/* A call waits in one of two queues until its tracker and the pace allow it, then its tracker's
 * name is looked up, then a leg goes out for each family of address:
 *
 *   HTTP   one request
 *   UDP    connect (unless a connection id is still good), then announce, each repeated once
 *
 * Answers of the legs are merged. A call reports once: when every leg has ended, or soon after the
 * first answer. It is freed when nothing in the world points at it any more: a leg that is at the
 * host keeps it. Reports are made from timers and from answers, never from inside the call that
 * asked. Engine thread only. */

#include "shoal-tracker-hub-private.h"
#include <string.h>

#define SECOND_US     ((gint64) G_USEC_PER_SEC)
#define UNDER_WAY_MAX 4u                 /* calls at one tracker host */
#define PACE_MAX      50u                /* new calls a second */
#define GRACE_US      (2 * SECOND_US)    /* what an answer waits for that of the other family */
#define NAME_US       (1800 * SECOND_US) /* a looked up name is believed */
#define AVOID_US      (1800 * SECOND_US) /* a family that fails is left alone */

static void pump (ShoalTrackerHub *self);

static void
server_free (gpointer data)
{
  ShoalTrackerServer *self = data;

  g_clear_pointer (&self->name, g_free);
  g_free (self);
}

static void
call_free (ShoalTrackerCall *self)
{
  shoal_node_unlink (&self->node);
  shoal_timers_disarm (self->hub->timers, &self->timer);
  for (guint i = 0; i < SHOAL_N_TRACKER_LEGS; i++)
    shoal_tracker_leg_clear (&self->legs[i]);
  if (self->holds_place)
    self->server->n_under_way--;
  self->hub->n_pending--;
  if (self->answered)
    shoal_announce_answer_clear (&self->answer);
  g_clear_pointer (&self->url, g_free);
  g_clear_pointer (&self->path, g_free);
  g_clear_pointer (&self->hashes, g_free);
  g_clear_pointer (&self->tracker_id, g_free);
  g_clear_pointer (&self->error, g_free);
  g_free (self);
}

/* Whether a leg has still something to do or to hear. */
static gboolean
is_open (const ShoalTrackerCall *self)
{
  for (guint i = 0; i < SHOAL_N_TRACKER_LEGS; i++)
    if (self->legs[i].state != SHOAL_LEG_NONE && self->legs[i].state != SHOAL_LEG_ENDED)
      return TRUE;

  return FALSE;
}

/* Tells the owner, once; the place at the tracker is given to the next. */
static void
report (ShoalTrackerCall *self)
{
  ShoalTrackerCallFunc func = self->func;

  self->func = NULL;
  shoal_timers_disarm (self->hub->timers, &self->timer);
  if (self->holds_place)
    {
      self->holds_place = FALSE;
      self->server->n_under_way--;
    }
  if (func != NULL)
    func (self->owner,
          self->answered ? &self->answer : NULL,
          self->answered ? self->answer.failure : self->error,
          self->hub->now_us);
}

/* A family that failed where the other one worked is not asked again for a while. */
static void
judge_families (ShoalTrackerCall *self)
{
  gboolean worked = self->legs[SHOAL_LEG_IPV4].worked || self->legs[SHOAL_LEG_IPV6].worked;

  for (guint i = 0; worked && i < SHOAL_N_TRACKER_LEGS; i++)
    if (self->legs[i].state == SHOAL_LEG_ENDED && !self->legs[i].worked)
      self->server->avoid_until_us[i] = self->hub->now_us + AVOID_US;
}

static void
call_ended (ShoalTrackerCall *self)
{
  ShoalTrackerHub *hub = self->hub;

  if (self->server != NULL)
    judge_families (self);
  report (self);
  call_free (self);
  pump (hub);
}

static void
call_timer_cb (gpointer owner,
               gint64   now_us)
{
  ShoalTrackerCall *self = owner;
  ShoalTrackerHub *hub = self->hub;

  shoal_tracker_hub_set_now (hub, now_us);
  if (!is_open (self))
    {
      call_ended (self);
      return;
    }
  report (self);
  pump (hub);
}

/* The call cannot go on; its owner hears of it in a later turn. */
static void
fail_later (ShoalTrackerCall *self,
            const char       *error)
{
  g_clear_pointer (&self->error, g_free);
  self->error = g_strdup (error);
  shoal_node_append (&self->hub->begun, &self->node);
  shoal_timers_arm (self->hub->timers, &self->timer, self->hub->now_us);
}

void
shoal_tracker_leg_ended (ShoalTrackerLeg *leg)
{
  ShoalTrackerCall *call = leg->call;

  if (!is_open (call))
    call_ended (call);
  else if (call->answered && call->func != NULL && !shoal_timer_is_armed (&call->timer))
    shoal_timers_arm (call->hub->timers, &call->timer, call->hub->now_us + GRACE_US);
}

/* --- Names --- */

/* A leg for each address of the tracker. */
static void
begin_legs (ShoalTrackerCall *self)
{
  ShoalTrackerServer *server = self->server;
  guint n = 0;
  gboolean use[SHOAL_N_TRACKER_LEGS];

  shoal_node_append (&self->hub->begun, &self->node);
  for (guint i = 0; i < SHOAL_N_TRACKER_LEGS; i++)
    {
      use[i] = server->addrs[i].family != SHOAL_FAMILY_NONE
               && server->avoid_until_us[i] <= self->hub->now_us;
      n += use[i] ? 1 : 0;
    }
  for (guint i = 0; i < SHOAL_N_TRACKER_LEGS; i++)
    {
      /* Rather one that failed before than none. */
      if (!use[i] && !(n == 0 && server->addrs[i].family != SHOAL_FAMILY_NONE))
        continue;
      shoal_tracker_leg_begin (&self->legs[i]);
    }
  if (!is_open (self))
    fail_later (self, "The tracker's name has no address");
}

static void
keep_addr (ShoalTrackerServer *server,
           const ShoalAddr    *addr)
{
  guint index = addr->family == SHOAL_FAMILY_IPV6 ? SHOAL_LEG_IPV6 : SHOAL_LEG_IPV4;

  if (!shoal_addr_is_usable (addr) || server->addrs[index].family != SHOAL_FAMILY_NONE)
    return;
  server->addrs[index] = *addr;
}

static void
lookup_done_cb (ShoalDone *done,
                gint64     now_us)
{
  ShoalLookup *lookup = (ShoalLookup *) done;
  ShoalTrackerServer *server = done->owner;
  ShoalAddr old[SHOAL_N_TRACKER_LEGS];

  if (server == NULL)
    {
      shoal_lookup_free (lookup);
      return;
    }

  shoal_tracker_hub_set_now (server->hub, now_us);
  server->lookup = NULL;
  if (lookup->n_addrs > 0)
    {
      memcpy (old, server->addrs, sizeof old);
      memset (server->addrs, 0, sizeof server->addrs);
      for (guint i = 0; i < lookup->n_addrs; i++)
        keep_addr (server, &lookup->addrs[i]);
      for (guint i = 0; i < SHOAL_N_TRACKER_LEGS; i++)
        if (!shoal_addr_equal (&old[i], &server->addrs[i]))
          server->connected_until_us[i] = 0;
      server->known_until_us = now_us + NAME_US;
    }

  while (shoal_node_is_linked (&server->looking))
    {
      ShoalTrackerCall *call = SHOAL_NODE_OWNER (server->looking.next, ShoalTrackerCall, node);

      if (lookup->n_addrs > 0)
        begin_legs (call);
      else
        fail_later (call,
                    lookup->error != NULL ? lookup->error : "The tracker's name is not known");
    }
  shoal_lookup_free (lookup);
}

static void
begin_call (ShoalTrackerCall *self)
{
  ShoalTrackerHub *hub = self->hub;
  ShoalTrackerServer *server = self->server;

  self->holds_place = TRUE;
  server->n_under_way++;
  if (server->known_until_us > hub->now_us)
    {
      begin_legs (self);
      return;
    }

  shoal_node_append (&server->looking, &self->node);
  if (server->lookup != NULL)
    return;
  server->lookup = shoal_lookup_new (server->name, server->port);
  server->lookup->done.func = lookup_done_cb;
  server->lookup->done.owner = server;
  hub->host->ops->lookup (hub->host, server->lookup);
}

/* --- Queue --- */

static gboolean
pace_allows (ShoalTrackerHub *self)
{
  if (self->now_us - self->pace_us >= SECOND_US)
    {
      self->pace_us = self->now_us;
      self->n_paced = 0;
    }
  if (self->n_paced < PACE_MAX)
    return TRUE;

  shoal_timers_arm (self->timers, &self->pace_timer, self->pace_us + SECOND_US);

  return FALSE;
}

/* Begins what may begin: the urgent first, and never too many at one tracker. */
static void
pump (ShoalTrackerHub *self)
{
  for (guint i = 0; i < SHOAL_N_QUEUES; i++)
    SHOAL_NODE_FOREACH (node, &self->queues[i])
      {
        ShoalTrackerCall *call = SHOAL_NODE_OWNER (node, ShoalTrackerCall, node);

        if (call->server->n_under_way >= UNDER_WAY_MAX)
          continue;
        if (!pace_allows (self))
          return;
        self->n_paced++;
        begin_call (call);
      }
}

static void
pace_timer_cb (gpointer owner,
               gint64   now_us)
{
  ShoalTrackerHub *self = owner;

  shoal_tracker_hub_set_now (self, now_us);
  pump (self);
}

static ShoalTrackerServer *
find_server (ShoalTrackerHub *self,
           const char      *scheme,
           const char      *name,
           guint16          port)
{
  g_autofree char *key = g_strdup_printf ("%s://%s:%u", scheme, name, port);
  ShoalTrackerServer *server = g_hash_table_lookup (self->servers, key);
  g_autofree char *numeric = NULL;
  ShoalAddr addr;

  if (server != NULL)
    return server;

  server = g_new0 (ShoalTrackerServer, 1);
  server->hub = self;
  server->name = g_strdup (name);
  server->port = port;
  shoal_node_init (&server->looking);
  numeric = strchr (name, ':') != NULL ? g_strdup_printf ("[%s]:%u", name, port)
                                       : g_strdup_printf ("%s:%u", name, port);
  if (shoal_addr_parse (&addr, numeric, 0))
    {
      keep_addr (server, &addr);
      server->known_until_us = SHOAL_NEVER;
    }
  g_hash_table_insert (self->servers, g_steal_pointer (&key), server);

  return server;
}

/* Fills in what the call has from its URL. */
static gboolean
read_url (ShoalTrackerCall *self)
{
  g_autofree char *scheme = NULL;
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  g_autofree char *query = NULL;
  int port = -1;

  if (!g_uri_split (self->url, G_URI_FLAGS_PARSE_RELAXED | G_URI_FLAGS_ENCODED, &scheme, NULL,
                    &name, &port, &path, &query, NULL, NULL)
      || scheme == NULL || name == NULL || name[0] == '\0')
    return FALSE;

  self->is_udp = g_ascii_strcasecmp (scheme, "udp") == 0;
  if (!self->is_udp && g_ascii_strcasecmp (scheme, "http") != 0
      && g_ascii_strcasecmp (scheme, "https") != 0)
    return FALSE;
  if (port <= 0)
    port = g_ascii_strcasecmp (scheme, "https") == 0 ? 443 : 80;
  self->path = query != NULL ? g_strconcat (path, "?", query, NULL) : g_steal_pointer (&path);
  self->server = find_server (self->hub, scheme, name, (guint16) port);

  return TRUE;
}

/* --- Public --- */

ShoalTrackerHub *
shoal_tracker_hub_new (ShoalHost   *host,
                       ShoalTimers *timers,
                       ShoalRng    *rng)
{
  ShoalTrackerHub *self;

  g_return_val_if_fail (host != NULL && timers != NULL && rng != NULL, NULL);

  self = g_new0 (ShoalTrackerHub, 1);
  self->host = host;
  self->timers = timers;
  self->rng = rng;
  self->pace_us = -SECOND_US;
  self->servers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, server_free);
  self->transactions = g_hash_table_new (NULL, NULL);
  self->scrapes = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, shoal_scrape_queue_free);
  for (guint i = 0; i < SHOAL_N_QUEUES; i++)
    shoal_node_init (&self->queues[i]);
  shoal_node_init (&self->begun);
  shoal_timer_init (&self->pace_timer, pace_timer_cb, self);

  return self;
}

static void
free_calls (ShoalNode *head)
{
  while (shoal_node_is_linked (head))
    call_free (SHOAL_NODE_OWNER (head->next, ShoalTrackerCall, node));
}

void
shoal_tracker_hub_free (ShoalTrackerHub *self)
{
  GHashTableIter iter;
  gpointer value;

  if (self == NULL)
    return;

  for (guint i = 0; i < SHOAL_N_QUEUES; i++)
    free_calls (&self->queues[i]);
  free_calls (&self->begun);
  g_hash_table_iter_init (&iter, self->servers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ShoalTrackerServer *server = value;

      free_calls (&server->looking);
      if (server->lookup != NULL)
        server->lookup->done.owner = NULL;
    }
  shoal_timers_disarm (self->timers, &self->pace_timer);
  g_clear_pointer (&self->scrapes, g_hash_table_unref);
  g_clear_pointer (&self->transactions, g_hash_table_unref);
  g_clear_pointer (&self->servers, g_hash_table_unref);
  g_free (self);
}

void
shoal_tracker_hub_set_now (ShoalTrackerHub *self,
                           gint64           now_us)
{
  g_return_if_fail (self != NULL);

  self->now_us = MAX (self->now_us, now_us);
}

static ShoalTrackerCall *
call_new (ShoalTrackerHub      *self,
          const char           *url,
          const ShoalAnnounce  *announce,
          const ShoalSha1      *hashes,
          guint                 n_hashes,
          gboolean              urgent,
          ShoalTrackerCallFunc  func,
          gpointer              owner)
{
  ShoalTrackerCall *call;

  call = g_new0 (ShoalTrackerCall, 1);
  call->hub = self;
  call->url = g_strdup (url);
  call->hashes = g_memdup2 (hashes, n_hashes * sizeof *hashes);
  call->n_hashes = n_hashes;
  call->announce = *announce;
  call->tracker_id = g_strdup (announce->tracker_id);
  call->announce.tracker_id = call->tracker_id;
  call->func = func;
  call->owner = owner;
  shoal_node_init (&call->node);
  shoal_timer_init (&call->timer, call_timer_cb, call);
  for (guint i = 0; i < SHOAL_N_TRACKER_LEGS; i++)
    shoal_tracker_leg_init (&call->legs[i], call, i);
  self->n_pending++;

  if (read_url (call))
    {
      shoal_node_append (&self->queues[urgent ? SHOAL_QUEUE_URGENT : SHOAL_QUEUE_USUAL],
                         &call->node);
      pump (self);
    }
  else
    fail_later (call, "The tracker's address is not understood");

  return call;
}

ShoalTrackerCall *
shoal_tracker_hub_announce (ShoalTrackerHub      *self,
                            const char           *url,
                            const ShoalAnnounce  *announce,
                            gboolean              urgent,
                            ShoalTrackerCallFunc  func,
                            gpointer              owner)
{
  g_return_val_if_fail (self != NULL && url != NULL && announce != NULL && func != NULL, NULL);

  return call_new (self, url, announce, NULL, 0, urgent, func, owner);
}

ShoalTrackerCall *
shoal_tracker_call_scrape (ShoalTrackerHub      *self,
                           const char           *url,
                           const ShoalSha1      *hashes,
                           guint                 n,
                           ShoalTrackerCallFunc  func,
                           gpointer              owner)
{
  ShoalAnnounce announce = { 0 };

  return call_new (self, url, &announce, hashes, n, FALSE, func, owner);
}

gboolean
shoal_tracker_call_drop (ShoalTrackerCall *call)
{
  ShoalTrackerHub *hub;
  gboolean told = FALSE;

  g_return_val_if_fail (call != NULL, FALSE);

  hub = call->hub;
  for (guint i = 0; i < SHOAL_N_TRACKER_LEGS; i++)
    told |= call->legs[i].told;
  call->func = NULL;
  if (call->announce.event == SHOAL_ANNOUNCE_STOPPED && call->server != NULL)
    return TRUE;

  /* What is in the hands of the host comes back to nobody. */
  call_free (call);
  pump (hub);

  return told;
}

void
shoal_tracker_hub_forget_names (ShoalTrackerHub *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->servers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ShoalTrackerServer *server = value;

      if (server->known_until_us != SHOAL_NEVER)
        server->known_until_us = 0;
      for (guint i = 0; i < SHOAL_N_TRACKER_LEGS; i++)
        server->connected_until_us[i] = server->avoid_until_us[i] = 0;
    }
}

guint
shoal_tracker_hub_pending (const ShoalTrackerHub *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->n_pending;
}
