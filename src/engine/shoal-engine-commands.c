/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user wants: one function for each command. */

#include "shoal-link-private.h"
#include "shoal-error.h"
#include "shoal-swarm-queue.h"

#include <string.h>

#define LINK_TIMEOUT_S 60u

typedef void (*CommandFunc) (ShoalEngine *self, ShoalCommand *command);

static void
reply (ShoalEngine *self,
       guint64      serial,
       guint64      id,
       GError      *error)
{
  ShoalEvent *event;

  if (serial == 0)
    {
      g_clear_error (&error);
      return;
    }
  event = shoal_event_new (SHOAL_EVENT_REPLY);
  event->serial = serial;
  event->id = id;
  event->error = error;
  shoal_engine_tell (self, event);
}

/* (nullable): the torrent that a command is about; without it the sender is told so. */
static ShoalSwarm *
find (ShoalEngine  *self,
      ShoalCommand *command)
{
  ShoalSwarm *swarm = shoal_engine_find (self, command->id);

  if (swarm == NULL || swarm->removing)
    {
      reply (self, command->serial, command->id,
             g_error_new_literal (SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_NO_TORRENT,
                                  "no such torrent"));
      return NULL;
    }

  return swarm;
}

/* --- Add --- */

static gboolean
is_known (ShoalEngine         *self,
          const ShoalInfoHash *hash,
          guint64             *id)
{
  ShoalSha1 keys[2];
  guint n = shoal_info_hash_keys (hash, keys);

  for (guint i = 0; i < n; i++)
    {
      ShoalSwarm *swarm = shoal_engine_find_by_key (self, &keys[i]);

      if (swarm != NULL)
        {
          *id = swarm->id;
          return TRUE;
        }
    }

  return FALSE;
}

static void
tell_added (ShoalSwarm *swarm,
            guint64     serial)
{
  ShoalEngine *self = swarm->engine;
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_ADDED);

  event->id = swarm->id;
  shoal_engine_tell (self, event);
  reply (self, serial, swarm->id, NULL);
  if (swarm->has_metadata)
    {
      event = shoal_event_new (SHOAL_EVENT_METADATA);
      event->id = swarm->id;
      event->info = shoal_swarm_info (swarm);
      shoal_engine_tell (self, event);
    }
}

static void
apply_options (ShoalSwarm            *swarm,
               const ShoalAddOptions *options)
{
  gint64 now_us = shoal_swarm_now (swarm);

  g_free (swarm->dir);
  swarm->dir = g_strdup (options->dir);
  if (options->select != NULL)
    {
      g_clear_pointer (&swarm->selection, g_array_unref);
      swarm->selection = shoal_ranges_parse (options->select, NULL);
    }
  swarm->sequential = options->sequential;
  swarm->super_seeding = options->super_seeding;
  swarm->first_last = options->first_last;
  swarm->fresh = TRUE;
  shoal_limiter_set (&swarm->limiter, SHOAL_DOWN, options->limit_down, now_us);
  shoal_limiter_set (&swarm->limiter, SHOAL_UP, options->limit_up, now_us);
  for (guint i = 0; options->peers != NULL && options->peers[i] != NULL; i++)
    g_ptr_array_add (swarm->user_peers, g_strdup (options->peers[i]));
}

static void
begin_added (ShoalSwarm *swarm,
             gboolean    paused,
             guint64     serial)
{
  tell_added (swarm, serial);
  if (!paused)
    shoal_swarm_begin (swarm);
  shoal_swarm_save (swarm);   /* as it is now: a crash in the next moment does not leave it
                               * paused */
}

static void
add_metainfo (ShoalEngine           *self,
              guint64                serial,
              const ShoalAddOptions *options,
              GBytes                *bytes)
{
  GError *error = NULL;
  ShoalMetainfo *metainfo = shoal_metainfo_parse (bytes, &error);
  ShoalSwarm *swarm;
  guint64 id;

  if (metainfo == NULL)
    {
      reply (self, serial, 0, error);
      return;
    }
  if (is_known (self, &metainfo->hash, &id))
    {
      shoal_metainfo_unref (metainfo);
      reply (self, serial, id,
             g_error_new_literal (SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_DUPLICATE,
                                  "the torrent is there already"));
      return;
    }
  swarm = shoal_swarm_new (self, shoal_engine_id (self));
  apply_options (swarm, options);
  shoal_swarm_set_metainfo (swarm, metainfo);
  shoal_engine_insert (self, swarm);
  begin_added (swarm, options->paused, serial);
}

static void
add_magnet (ShoalEngine           *self,
            guint64                serial,
            const ShoalAddOptions *options)
{
  GError *error = NULL;
  g_autoptr(ShoalMagnet) magnet = shoal_magnet_parse (options->uri, &error);
  ShoalSwarm *swarm;
  guint64 id;

  if (magnet == NULL)
    {
      reply (self, serial, 0, error);
      return;
    }
  if (is_known (self, &magnet->hash, &id))
    {
      reply (self, serial, id,
             g_error_new_literal (SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_DUPLICATE,
                                  "the torrent is there already"));
      return;
    }

  swarm = shoal_swarm_new (self, shoal_engine_id (self));
  swarm->hash = magnet->hash;
  swarm->n_keys = shoal_info_hash_keys (&swarm->hash, swarm->keys);
  swarm->magnet = g_strdup (options->uri);
  swarm->name = magnet->name != NULL ? g_strdup (magnet->name)
                                     : shoal_hex (swarm->keys[0].bytes, SHOAL_SHA1_SIZE);
  shoal_swarm_set_tiers (swarm, shoal_tiers_copy ((char *const *const *) magnet->trackers));
  apply_options (swarm, options);
  if (swarm->selection == NULL)
    swarm->selection = g_array_ref (magnet->select_only);
  shoal_engine_insert (self, swarm);
  begin_added (swarm, options->paused, serial);
}

typedef struct
{
  ShoalEngine     *engine;
  guint64          serial;
  ShoalAddOptions *options;
} LinkToTorrent;

static void
on_link_fetched (ShoalDone *done,
                 gint64     now_us)
{
  ShoalFetch *fetch = (ShoalFetch *) done;
  LinkToTorrent *link = done->owner;
  ShoalEngine *self = link->engine;

  self->n_adding--;
  if (fetch->body == NULL || fetch->status != 200)
    reply (self, link->serial, 0,
           fetch->error != NULL || fetch->status == 0
             ? g_error_new (SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_FETCH, "%s",
                            fetch->error != NULL ? fetch->error : "no answer")
             : g_error_new (SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_FETCH,
                            "the server answered with status %u", fetch->status));
  else
    add_metainfo (self, link->serial, link->options, fetch->body);
  shoal_add_options_free (link->options);
  g_free (link);
  shoal_fetch_free (fetch);
}

static void
add_link (ShoalEngine  *self,
          ShoalCommand *command)
{
  ShoalFetch *fetch = shoal_fetch_new (SHOAL_FETCH_LINK, command->add->uri);
  LinkToTorrent *link = g_new (LinkToTorrent, 1);

  *link = (LinkToTorrent){ self, command->serial, g_steal_pointer (&command->add) };
  fetch->max_size = SHOAL_TORRENT_SIZE_MAX;
  fetch->timeout_s = LINK_TIMEOUT_S;
  fetch->done.func = on_link_fetched;
  fetch->done.owner = link;
  self->n_adding++;
  self->host->ops->fetch (self->host, fetch);
}

static void
add_kept (ShoalEngine  *self,
          ShoalCommand *command)
{
  ShoalResume *record = command->add->resume;
  ShoalSwarm *swarm = shoal_swarm_new (self, record->id);
  GError *error = NULL;
  guint64 id;

  if (shoal_engine_find (self, record->id) != NULL
      || !shoal_swarm_restore (swarm, record, command->add->metainfo, &error)
      || is_known (self, &swarm->hash, &id))
    {
      shoal_swarm_free (swarm);
      if (error == NULL)
        error = g_error_new_literal (SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_DUPLICATE,
                                     "the torrent is there already");
      g_message ("a kept torrent could not be loaded: %s", error->message);
      reply (self, command->serial, record->id, error);
      return;
    }
  shoal_engine_insert (self, swarm);
  swarm->saved_us = self->now_us;
  swarm->restoring = TRUE;
  tell_added (swarm, command->serial);
  if (!record->paused)
    shoal_swarm_begin (swarm);
  swarm->dirty = FALSE;
}

static gboolean
is_web_link (const char *uri)
{
  return g_ascii_strncasecmp (uri, "http://", 7) == 0
         || g_ascii_strncasecmp (uri, "https://", 8) == 0;
}

static void
on_add (ShoalEngine  *self,
        ShoalCommand *command)
{
  ShoalAddOptions *options = command->add;

  g_return_if_fail (options != NULL);

  if (options->resume != NULL)
    add_kept (self, command);
  else if (options->metainfo != NULL)
    add_metainfo (self, command->serial, options, options->metainfo);
  else if (options->uri != NULL && is_web_link (options->uri))
    add_link (self, command);
  else if (options->uri != NULL)
    add_magnet (self, command->serial, options);
}

static void
on_loaded (ShoalEngine  *self,
           ShoalCommand *command)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_READY);
  GHashTableIter iter;
  gpointer swarm;

  /* Whoever is started from now on is looked at first. */
  g_hash_table_iter_init (&iter, self->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &swarm))
    ((ShoalSwarm *) swarm)->restoring = FALSE;
  self->next_id = MAX (self->next_id, command->id + 1);
  shoal_engine_dht_restore (self->dht, command->kept);
  event->count = g_hash_table_size (self->swarms);
  shoal_engine_tell (self, event);
  shoal_engine_prove_next (self);
  shoal_engine_unload_later (self);
}

/* --- One torrent --- */

static void
on_start (ShoalEngine  *self,
          ShoalCommand *command)
{
  ShoalSwarm *swarm = find (self, command);

  if (swarm == NULL)
    return;
  swarm->n_fails = 0;
  shoal_swarm_waive_limits (swarm);
  if (swarm->state == SHOAL_TORRENT_FAILED && swarm->reason == SHOAL_REASON_DATA_MISSING)
    {
      /* The user asks: what is there is compared, the rest is fetched again. */
      swarm->full_check = TRUE;
      swarm->checked_to = 0;
      swarm->lost_stamp = 0;
    }
  if (swarm->state == SHOAL_TORRENT_PAUSED || swarm->state == SHOAL_TORRENT_FAILED
      || swarm->state == SHOAL_TORRENT_QUEUED)
    shoal_swarm_begin (swarm);
  reply (self, command->serial, swarm->id, NULL);
}

static void
on_pause (ShoalEngine  *self,
          ShoalCommand *command)
{
  ShoalSwarm *swarm = find (self, command);

  if (swarm == NULL)
    return;
  shoal_swarm_enter (swarm, SHOAL_TORRENT_PAUSED);
  reply (self, command->serial, swarm->id, NULL);
}

static void
on_removed (ShoalDone *done,
            gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;
  ShoalSwarm *swarm = done->owner;
  ShoalEngine *self = swarm->engine;
  ShoalEvent *event;
  GError *error = NULL;

  shoal_engine_disk_done (job);
  swarm->opened = FALSE;
  if (job->reason != SHOAL_REASON_NONE)
    {
      /* With data left that should have gone, the torrent is not forgotten: it may be tried
       * again. */
      error = g_error_new (SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_STATE, "%s",
                           job->detail != NULL ? job->detail : "the data could not be removed");
      swarm->removing = FALSE;
      swarm->dirty = TRUE;
      shoal_engine_activate (self, swarm);
      shoal_swarm_changed (swarm);
      reply (self, swarm->remove_serial, swarm->id, error);
      shoal_disk_job_free (job);
      return;
    }
  event = shoal_event_new (SHOAL_EVENT_REMOVED);
  event->id = swarm->id;
  shoal_engine_tell (self, event);
  reply (self, swarm->remove_serial, swarm->id, NULL);
  swarm->removed = TRUE;
  shoal_engine_forget (self, swarm);
  shoal_engine_activate (self, swarm);
  shoal_disk_job_free (job);
}

static void
on_remove (ShoalEngine  *self,
           ShoalCommand *command)
{
  ShoalSwarm *swarm = find (self, command);

  if (swarm != NULL)
    shoal_engine_take_out (self, swarm, command->remove_mode, command->serial);
}

void
shoal_engine_take_out (ShoalEngine    *self,
                       ShoalSwarm     *swarm,
                       ShoalRemoveMode mode,
                       guint64         serial)
{
  ShoalDiskJob *job;

  swarm->removing = TRUE;
  swarm->remove_serial = serial;
  if (swarm->state != SHOAL_TORRENT_PAUSED)
    shoal_swarm_enter (swarm, SHOAL_TORRENT_PAUSED);
  job = shoal_disk_job_new (SHOAL_DISK_REMOVE, swarm->id);
  job->remove = mode;
  job->metainfo = swarm->metainfo;
  job->dir = swarm->dir;
  job->part_suffix = swarm->part_suffix;
  job->done.func = on_removed;
  job->done.owner = swarm;
  shoal_engine_disk (self, job);
}

static void
on_recheck (ShoalEngine  *self,
            ShoalCommand *command)
{
  ShoalSwarm *swarm = find (self, command);

  if (swarm == NULL)
    return;
  if (!swarm->has_metadata || swarm->state == SHOAL_TORRENT_CHECKING)
    {
      reply (self, command->serial, swarm->id,
             g_error_new_literal (SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_STATE,
                                  "there is nothing to check now"));
      return;
    }
  if (swarm->state != SHOAL_TORRENT_PAUSED)
    shoal_swarm_enter (swarm, SHOAL_TORRENT_PAUSED);
  swarm->full_check = TRUE;
  swarm->checked_to = 0;
  shoal_swarm_begin (swarm);
  reply (self, command->serial, swarm->id, NULL);
}

static void
on_priorities (ShoalEngine  *self,
               ShoalCommand *command)
{
  ShoalSwarm *swarm = find (self, command);
  gsize size;
  const guint8 *bytes;

  if (swarm == NULL)
    return;
  bytes = g_bytes_get_data (command->priorities, &size);
  if (!swarm->has_metadata || size != swarm->n_files)
    {
      reply (self, command->serial, swarm->id,
             g_error_new_literal (SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_STATE,
                                  "the files are not known, or are others"));
      return;
    }
  g_free (swarm->priorities);
  swarm->priorities = g_memdup2 (bytes, MAX (size, 1));
  shoal_swarm_apply_priorities (swarm);
  swarm->dirty = TRUE;
  swarm->finish_wanted = TRUE;   /* a file may be wanted now whose pieces are all had, or that has
                                  * none */
  if (swarm->state == SHOAL_TORRENT_SEEDING && !shoal_swarm_is_complete (swarm))
    {
      swarm->downloading_since_start = TRUE;
      shoal_swarm_enter (swarm, SHOAL_TORRENT_DOWNLOADING);
    }
  shoal_engine_activate (self, swarm);
  shoal_swarm_changed (swarm);
  reply (self, command->serial, swarm->id, NULL);
}

static void
on_options (ShoalEngine  *self,
            ShoalCommand *command)
{
  ShoalSwarm *swarm = find (self, command);

  if (swarm == NULL)
    return;
  swarm->sequential = command->sequential;
  swarm->super_seeding = command->super_seeding;
  swarm->first_last = command->first_last;
  shoal_limiter_set (&swarm->limiter, SHOAL_DOWN, command->limit_down, self->now_us);
  shoal_limiter_set (&swarm->limiter, SHOAL_UP, command->limit_up, self->now_us);
  shoal_swarm_apply_priorities (swarm);
  swarm->dirty = TRUE;
  shoal_engine_activate (self, swarm);
  shoal_swarm_changed (swarm);
  reply (self, command->serial, swarm->id, NULL);
}

static void
on_add_peer (ShoalEngine  *self,
             ShoalCommand *command)
{
  ShoalSwarm *swarm = find (self, command);

  if (swarm == NULL || command->text == NULL)
    return;
  shoal_swarm_add_named (swarm, command->text, SHOAL_PEER_SOURCE_USER);
  reply (self, command->serial, swarm->id, NULL);
}

static void
on_announce (ShoalEngine  *self,
             ShoalCommand *command)
{
  ShoalSwarm *swarm = find (self, command);

  if (swarm == NULL)
    return;
  if (shoal_swarm_is_live (swarm))
    shoal_announcer_now (swarm->announcer, self->now_us);
  reply (self, command->serial, swarm->id, NULL);
}

static void
on_info (ShoalEngine  *self,
         ShoalCommand *command)
{
  ShoalSwarm *swarm = find (self, command);

  if (swarm == NULL)
    return;
  if (swarm->has_metadata && swarm->metainfo == NULL)
    {
      /* It is read again first; the answer comes with it. */
      guint64 serial = command->serial;

      if (swarm->info_serials == NULL)
        swarm->info_serials = g_array_new (FALSE, FALSE, sizeof (guint64));
      g_array_append_val (swarm->info_serials, serial);
      shoal_swarm_load (swarm);
      return;
    }
  shoal_swarm_tell_info (swarm, command->serial);
}

/* --- The session --- */

/* From now on only what is encrypted is spoken. */
static void
hang_up_plain (ShoalEngine *self)
{
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, engine_node);

      if (link->peer_id_known && link->method != SHOAL_MSE_RC4)
        shoal_link_hang_up (link, "it is not encrypted");
    }
}

/* Seeds that nobody talks to have no tick: other limits for them would go unnoticed. */
static void
look_at_seeds (ShoalEngine *self)
{
  GHashTableIter iter;
  gpointer swarm;

  g_hash_table_iter_init (&iter, self->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &swarm))
    if (((ShoalSwarm *) swarm)->state == SHOAL_TORRENT_SEEDING)
      shoal_engine_activate (self, swarm);
}

static void
on_config (ShoalEngine  *self,
           ShoalCommand *command)
{
  ShoalConfig before = self->config;

  if (command->config == NULL)
    return;
  self->config = *(ShoalConfig *) command->config;
  shoal_config_clamp (&self->config);
  self->config.arena_size = before.arena_size;
  shoal_limiter_set (&self->limiter, SHOAL_DOWN, self->config.limit_down, self->now_us);
  shoal_limiter_set (&self->limiter, SHOAL_UP, self->config.limit_up, self->now_us);
  if (self->config.encryption == SHOAL_ENCRYPTION_REQUIRE
      && before.encryption != SHOAL_ENCRYPTION_REQUIRE)
    hang_up_plain (self);
  if (self->config.seed_ratio != before.seed_ratio
      || self->config.seed_minutes != before.seed_minutes)
    look_at_seeds (self);
  shoal_swarm_queue_update (self);
  if (strcmp (self->config.filter_source, before.filter_source) != 0)
    shoal_engine_filter_update (self);
  shoal_engine_discover_all (self);
  if (shoal_engine_network_differs (&self->config, &before))
    shoal_engine_want_network (self);
  shoal_engine_want_mapping (self);
  shoal_engine_dht_configure (self->dht);
  shoal_engine_dht_look (self->dht);
  shoal_engine_want_dials (self);
}

static void
on_subscribe (ShoalEngine  *self,
              ShoalCommand *command)
{
  shoal_engine_subscribe (self, command->view, command->interval_ms, command->mask, command->id);
}

static void
on_unsubscribe (ShoalEngine  *self,
                ShoalCommand *command)
{
  if (command->view < SHOAL_VIEWS)
    self->views[command->view].used = FALSE;
}

static void
on_acknowledge (ShoalEngine  *self,
                ShoalCommand *command)
{
  shoal_engine_acknowledge (self, command->view);
}

/* Everything stops as if it were paused, but is kept as it was. */
static void
on_quit (ShoalEngine  *self,
         ShoalCommand *command)
{
  GHashTableIter iter;
  gpointer value;

  if (self->quitting)
    return;
  self->quitting = TRUE;
  shoal_engine_want_mapping (self);
  shoal_engine_discover_all (self);
  g_hash_table_iter_init (&iter, self->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ShoalSwarm *swarm = value;

      shoal_swarm_drop_links (swarm, "the client ends");
      shoal_announcer_look_away (swarm->announcer);
      if (swarm->announced)
        {
          swarm->announced = FALSE;
          shoal_announcer_stop (swarm->announcer, self->now_us);
        }
      if (swarm->dirty)
        shoal_swarm_save (swarm);
    }
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, engine_node);

      if (link->swarm == NULL)
        shoal_link_hang_up (link, "the client ends");
    }
  shoal_engine_dht_quit (self->dht);
  shoal_timers_arm (self->timers, &self->quit_timer, self->now_us + SHOAL_QUIT_US);
}

static const CommandFunc functions[] = {
  [SHOAL_COMMAND_ADD] = on_add,
  [SHOAL_COMMAND_LOADED] = on_loaded,
  [SHOAL_COMMAND_START] = on_start,
  [SHOAL_COMMAND_PAUSE] = on_pause,
  [SHOAL_COMMAND_REMOVE] = on_remove,
  [SHOAL_COMMAND_RECHECK] = on_recheck,
  [SHOAL_COMMAND_PRIORITIES] = on_priorities,
  [SHOAL_COMMAND_OPTIONS] = on_options,
  [SHOAL_COMMAND_ADD_PEER] = on_add_peer,
  [SHOAL_COMMAND_ANNOUNCE] = on_announce,
  [SHOAL_COMMAND_INFO] = on_info,
  [SHOAL_COMMAND_CONFIG] = on_config,
  [SHOAL_COMMAND_SUBSCRIBE] = on_subscribe,
  [SHOAL_COMMAND_UNSUBSCRIBE] = on_unsubscribe,
  [SHOAL_COMMAND_ACKNOWLEDGE] = on_acknowledge,
  [SHOAL_COMMAND_QUIT] = on_quit,
};

void
shoal_engine_handle (ShoalEngine  *self,
                     ShoalCommand *command)
{
  g_return_if_fail ((guint) command->type < G_N_ELEMENTS (functions));

  if (!self->quitting)
    functions[command->type] (self, command);
}
