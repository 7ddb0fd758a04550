/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole client as one object. */

#include "shoal-session-private.h"

#include <string.h>

#include "shoal-error.h"
#include "shoal-error-text.h"
#include "shoal-mapping-text.h"
#include "shoal-peer-private.h"
#include "shoal-torrent-list-private.h"
#include "shoal-tracker-private.h"

/* Everything here happens on the thread that made the session. Requests go down as commands; a
 * request that somebody waits for carries a serial, under which its GTask is kept until the answer
 * comes up. Snapshots come up to four times a second, and the next only after the last was
 * acknowledged, so a UI thread that is busy is never flooded. */

#define VIEW              0
#define LISTS_VIEW        1      /* peers and trackers of the torrent on show */
#define VIEW_INTERVAL_MS  250
#define LISTS_INTERVAL_MS 1000

struct _ShoalSession
{
  GObject parent_instance;

  ShoalRuntime     *runtime;           /* NULL after the end */
  ShoalPreferences *preferences;
  ShoalSessionConfig *config;
  ShoalTorrentList *torrents;
  GHashTable       *waiting;           /* serial (guint64) to GTask */
  GTask            *quitting;          /* nullable */
  guint64           last_serial;
  gboolean          quit_sent;
  gboolean          watched;
  gboolean          ready;
  guint64           rate_down;
  guint64           rate_up;
  guint             n_peers;
  guint             n_torrents;
  guint             port;
  char             *listening_error;   /* nullable */
  guint64           shown;             /* 0: none */
  ShoalPeerList    *peers;
  GListStore       *trackers;
  ShoalMapping      mapping;
  char             *mapping_text;      /* nullable */
};

typedef enum
{
  PROP_TORRENTS = 1,
  PROP_PREFERENCES,
  PROP_N_TORRENTS,
  PROP_READY,
  PROP_RATE_DOWN,
  PROP_RATE_UP,
  PROP_N_PEERS,
  PROP_PORT,
  PROP_LISTENING_ERROR,
  PROP_MAPPING_TEXT,
  PROP_PEERS,
  PROP_TRACKERS,
  N_PROPS,
} ShoalSessionProp;

static GParamSpec *properties[N_PROPS];

enum { TORRENT_ADDED, TORRENT_REMOVED, TORRENT_MERGED, TORRENT_METADATA, TORRENT_STATE,
       TORRENT_COMPLETE, LOADED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ShoalSession, shoal_session, G_TYPE_OBJECT)

/* --- Down --- */

void
shoal_session_send (ShoalSession *self,
                    ShoalCommand *command)
{
  if (self->runtime == NULL || self->quit_sent)
    shoal_command_free (command);
  else
    shoal_runtime_send (self->runtime, command);
}

void
shoal_session_wait (ShoalSession *self,
                    ShoalCommand *command,
                    GTask        *task)
{
  if (self->runtime == NULL || self->quit_sent)
    {
      shoal_command_free (command);
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CLOSED, "the session has ended");
      return;
    }

  command->serial = ++self->last_serial;
  g_hash_table_insert (self->waiting, g_memdup2 (&command->serial, sizeof command->serial),
                       g_object_ref (task));
  shoal_runtime_send (self->runtime, command);
}

static void
send_watched (ShoalSession *self)
{
  ShoalCommand *command = shoal_command_new (self->watched ? SHOAL_COMMAND_SUBSCRIBE
                                                           : SHOAL_COMMAND_UNSUBSCRIBE);

  command->view = VIEW;
  command->interval_ms = VIEW_INTERVAL_MS;
  shoal_session_send (self, command);
}

static void
send_shown (ShoalSession *self)
{
  gboolean looks = self->shown != 0 && self->watched;
  ShoalCommand *command = shoal_command_new (looks ? SHOAL_COMMAND_SUBSCRIBE
                                                   : SHOAL_COMMAND_UNSUBSCRIBE);

  command->view = LISTS_VIEW;
  command->interval_ms = LISTS_INTERVAL_MS;
  command->mask = SHOAL_VIEW_PEERS | SHOAL_VIEW_TRACKERS;
  command->id = self->shown;
  shoal_session_send (self, command);
}

static void
config_changed_cb (ShoalSession *self)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_CONFIG);
  ShoalConfig config;

  shoal_session_config_get (self->config, &config);
  command->config = g_memdup2 (&config, sizeof config);
  shoal_session_send (self, command);
}

/* --- Up --- */

static void
set_u64 (ShoalSession *self,
         guint64      *field,
         guint64       value,
         guint         prop)
{
  if (*field == value)
    return;

  *field = value;
  g_object_notify_by_pspec (G_OBJECT (self), properties[prop]);
}

static void
set_uint (ShoalSession *self,
          guint        *field,
          guint         value,
          guint         prop)
{
  if (*field == value)
    return;

  *field = value;
  g_object_notify_by_pspec (G_OBJECT (self), properties[prop]);
}

static void
take_mapping (ShoalSession       *self,
              const ShoalMapping *mapping)
{
  if (memcmp (&self->mapping, mapping, sizeof *mapping) == 0)
    return;

  self->mapping = *mapping;
  g_free (self->mapping_text);
  self->mapping_text = shoal_mapping_text (mapping);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MAPPING_TEXT]);
}

static void
take_lists (ShoalSession        *self,
            const ShoalSnapshot *snapshot)
{
  /* One of a torrent that was on show before may still be on its way. */
  if (snapshot->id != 0 && snapshot->id != self->shown)
    return;

  shoal_peer_list_apply (self->peers, snapshot->peers, snapshot->n_peers);
  shoal_tracker_apply_all (self->trackers, snapshot->trackers, snapshot->n_trackers);
}

static void
take_snapshot (ShoalSession        *self,
               const ShoalSnapshot *snapshot)
{
  ShoalCommand *command;

  if (snapshot->view == LISTS_VIEW)
    take_lists (self, snapshot);
  else
    shoal_torrent_list_apply (self->torrents, snapshot);
  set_u64 (self, &self->rate_down, snapshot->rate_down, PROP_RATE_DOWN);
  set_u64 (self, &self->rate_up, snapshot->rate_up, PROP_RATE_UP);
  set_uint (self, &self->n_peers, snapshot->n_links, PROP_N_PEERS);
  take_mapping (self, &snapshot->mapping);

  command = shoal_command_new (SHOAL_COMMAND_ACKNOWLEDGE);
  command->view = snapshot->view;
  shoal_session_send (self, command);
}

static void
take_listening (ShoalSession *self,
                ShoalEvent   *event)
{
  g_autofree char *text = NULL;

  if (event->count == 0 && event->error != NULL)
    text = shoal_error_text (event->error);

  set_uint (self, &self->port, event->count, PROP_PORT);
  if (g_strcmp0 (text, self->listening_error) != 0)
    {
      g_free (self->listening_error);
      self->listening_error = g_steal_pointer (&text);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LISTENING_ERROR]);
    }
}

static GTask *
take_waiting (ShoalSession *self,
              guint64       serial)
{
  GTask *task = NULL;

  if (serial == 0)
    return NULL;

  task = g_hash_table_lookup (self->waiting, &serial);
  if (task != NULL)
    {
      g_object_ref (task);
      g_hash_table_remove (self->waiting, &serial);
    }

  return task;
}

static void
take_reply (ShoalSession *self,
            ShoalEvent   *event)
{
  g_autoptr(GTask) task = take_waiting (self, event->serial);

  if (task == NULL)
    return;

  if (g_task_get_source_tag (task) == shoal_session_add_uri_async)
    shoal_session_add_answered (task, event->id);

  if (event->error != NULL)
    g_task_return_error (task, g_steal_pointer (&event->error));
  else if (g_task_get_source_tag (task) == shoal_session_get_magnet_async)
    g_task_return_new_error (task, SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_NO_TORRENT,
                             "no such torrent");
  else
    g_task_return_boolean (task, TRUE);
}

static void
take_info (ShoalSession *self,
           ShoalEvent   *event)
{
  g_autoptr(GTask) task = take_waiting (self, event->serial);

  if (task == NULL)
    return;

  if (event->error != NULL)
    g_task_return_error (task, g_steal_pointer (&event->error));
  else if (event->info == NULL || event->info->magnet == NULL)
    g_task_return_new_error (task, SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_NO_TORRENT,
                             "no such torrent");
  else
    g_task_return_pointer (task, g_strdup (event->info->magnet), g_free);
}

static void
drop_waiting (ShoalSession *self)
{
  g_autoptr(GHashTable) waiting = g_steal_pointer (&self->waiting);
  GHashTableIter iter;
  gpointer task;

  self->waiting = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  g_hash_table_iter_init (&iter, waiting);
  while (g_hash_table_iter_next (&iter, NULL, &task))
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CLOSED, "the session has ended");
}

/* From an idle source: the runtime cannot be freed while it calls us. */
static gboolean
ended_cb (gpointer user_data)
{
  ShoalSession *self = user_data;
  g_autoptr(GTask) task = g_steal_pointer (&self->quitting);

  g_clear_pointer (&self->runtime, shoal_runtime_free);
  drop_waiting (self);
  if (task != NULL)
    g_task_return_boolean (task, TRUE);

  return G_SOURCE_REMOVE;
}

static void
take_quit (ShoalSession *self)
{
  g_autoptr(GSource) source = g_idle_source_new ();

  self->quit_sent = TRUE;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, ended_cb, g_object_ref (self), g_object_unref);
  g_source_attach (source, g_main_context_get_thread_default ());
}

static void
event_cb (ShoalEvent *given,
          gpointer    user_data)
{
  g_autoptr(ShoalSession) self = g_object_ref (user_data);
  g_autoptr(ShoalEvent) event = given;

  switch (event->type)
    {
    case SHOAL_EVENT_REPLY:
      take_reply (self, event);
      break;
    case SHOAL_EVENT_ADDED:
      g_signal_emit (self, signals[TORRENT_ADDED], 0, event->id);
      break;
    case SHOAL_EVENT_REMOVED:
      shoal_torrent_list_remove (self->torrents, event->id);
      g_signal_emit (self, signals[TORRENT_REMOVED], 0, event->id);
      break;
    case SHOAL_EVENT_MERGED:
      shoal_torrent_list_remove (self->torrents, event->id);
      g_signal_emit (self, signals[TORRENT_MERGED], 0, event->id, event->other);
      break;
    case SHOAL_EVENT_METADATA:
      if (event->info != NULL)
        g_signal_emit (self, signals[TORRENT_METADATA], 0, event->id, event->info->name,
                       event->info->hash_v1 != NULL ? event->info->hash_v1 : event->info->hash_v2);
      break;
    case SHOAL_EVENT_INFO:
      take_info (self, event);
      break;
    case SHOAL_EVENT_STATE:
      shoal_torrent_list_apply_state (self->torrents, event->id, event->state, event->reason,
                                      event->text);
      g_signal_emit (self, signals[TORRENT_STATE], 0, event->id, event->state, event->reason,
                     event->text);
      break;
    case SHOAL_EVENT_COMPLETE:
      g_signal_emit (self, signals[TORRENT_COMPLETE], 0, event->id);
      break;
    case SHOAL_EVENT_READY:
      if (!self->ready)
        {
          self->ready = TRUE;
          g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_READY]);
          g_signal_emit (self, signals[LOADED], 0, event->count);
        }
      break;
    case SHOAL_EVENT_SNAPSHOT:
      if (event->snapshot != NULL)
        take_snapshot (self, event->snapshot);
      break;
    case SHOAL_EVENT_LISTENING:
      take_listening (self, event);
      break;
    case SHOAL_EVENT_FILTER:
      if (event->error != NULL)
        g_message ("The list of blocked addresses could not be loaded: %s", event->error->message);
      break;
    case SHOAL_EVENT_QUIT:
      take_quit (self);
      break;
    default:
      break;
    }
}

static void
items_changed_cb (ShoalSession *self)
{
  set_uint (self, &self->n_torrents, g_list_model_get_n_items (G_LIST_MODEL (self->torrents)),
            PROP_N_TORRENTS);
}

/* --- The object --- */

static void
shoal_session_get_property (GObject    *object,
                            guint       prop,
                            GValue     *value,
                            GParamSpec *pspec)
{
  ShoalSession *self = SHOAL_SESSION (object);

  switch ((ShoalSessionProp) prop)
    {
    case PROP_TORRENTS:
      g_value_set_object (value, self->torrents);
      break;
    case PROP_PREFERENCES:
      g_value_set_object (value, self->preferences);
      break;
    case PROP_N_TORRENTS:
      g_value_set_uint (value, self->n_torrents);
      break;
    case PROP_READY:
      g_value_set_boolean (value, self->ready);
      break;
    case PROP_RATE_DOWN:
      g_value_set_uint64 (value, self->rate_down);
      break;
    case PROP_RATE_UP:
      g_value_set_uint64 (value, self->rate_up);
      break;
    case PROP_N_PEERS:
      g_value_set_uint (value, self->n_peers);
      break;
    case PROP_PORT:
      g_value_set_uint (value, self->port);
      break;
    case PROP_PEERS:
      g_value_set_object (value, self->peers);
      break;
    case PROP_TRACKERS:
      g_value_set_object (value, self->trackers);
      break;
    case PROP_MAPPING_TEXT:
      g_value_set_string (value, self->mapping_text);
      break;
    case PROP_LISTENING_ERROR:
      g_value_set_string (value, self->listening_error);
      break;
    case N_PROPS:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop, pspec);
    }
}

static void
shoal_session_dispose (GObject *object)
{
  ShoalSession *self = SHOAL_SESSION (object);

  g_clear_pointer (&self->runtime, shoal_runtime_free);
  if (self->waiting != NULL)
    g_hash_table_remove_all (self->waiting);
  g_clear_pointer (&self->config, shoal_session_config_free);
  if (self->torrents != NULL)
    g_signal_handlers_disconnect_by_func (self->torrents, items_changed_cb, self);

  G_OBJECT_CLASS (shoal_session_parent_class)->dispose (object);
}

static void
shoal_session_finalize (GObject *object)
{
  ShoalSession *self = SHOAL_SESSION (object);

  g_clear_pointer (&self->waiting, g_hash_table_unref);
  g_clear_object (&self->preferences);
  g_clear_object (&self->torrents);
  g_free (self->listening_error);
  g_free (self->mapping_text);
  g_clear_object (&self->peers);
  g_clear_object (&self->trackers);
  G_OBJECT_CLASS (shoal_session_parent_class)->finalize (object);
}

static void
install_signals (GType type)
{
  signals[TORRENT_ADDED] = g_signal_new ("torrent-added", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                         NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);
  signals[TORRENT_REMOVED] = g_signal_new ("torrent-removed", type, G_SIGNAL_RUN_LAST, 0, NULL,
                                           NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);
  signals[TORRENT_MERGED] = g_signal_new ("torrent-merged", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                          NULL, G_TYPE_NONE, 2, G_TYPE_UINT64, G_TYPE_UINT64);
  signals[TORRENT_METADATA] = g_signal_new ("torrent-metadata", type, G_SIGNAL_RUN_LAST, 0, NULL,
                                            NULL, NULL, G_TYPE_NONE, 3, G_TYPE_UINT64,
                                            G_TYPE_STRING, G_TYPE_STRING);
  signals[TORRENT_STATE] = g_signal_new ("torrent-state", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                         NULL, G_TYPE_NONE, 4, G_TYPE_UINT64, G_TYPE_UINT,
                                         G_TYPE_UINT, G_TYPE_STRING);
  signals[TORRENT_COMPLETE] = g_signal_new ("torrent-complete", type, G_SIGNAL_RUN_LAST, 0, NULL,
                                            NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);
  signals[LOADED] = g_signal_new ("loaded", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 1, G_TYPE_UINT);
}

static void
shoal_session_class_init (ShoalSessionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = shoal_session_get_property;
  object_class->dispose = shoal_session_dispose;
  object_class->finalize = shoal_session_finalize;

  properties[PROP_TORRENTS] = g_param_spec_object ("torrents", NULL, NULL, SHOAL_TYPE_TORRENT_LIST,
                                                   flags);
  properties[PROP_PREFERENCES] = g_param_spec_object ("preferences", NULL, NULL,
                                                      SHOAL_TYPE_PREFERENCES, flags);
  properties[PROP_N_TORRENTS] = g_param_spec_uint ("n-torrents", NULL, NULL, 0, G_MAXUINT, 0,
                                                   flags);
  properties[PROP_READY] = g_param_spec_boolean ("ready", NULL, NULL, FALSE, flags);
  properties[PROP_RATE_DOWN] = g_param_spec_uint64 ("rate-down", NULL, NULL, 0, G_MAXUINT64, 0,
                                                    flags);
  properties[PROP_RATE_UP] = g_param_spec_uint64 ("rate-up", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  properties[PROP_N_PEERS] = g_param_spec_uint ("n-peers", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_PORT] = g_param_spec_uint ("port", NULL, NULL, 0, G_MAXUINT16, 0, flags);
  properties[PROP_PEERS] = g_param_spec_object ("peers", NULL, NULL, SHOAL_TYPE_PEER_LIST, flags);
  properties[PROP_TRACKERS] = g_param_spec_object ("trackers", NULL, NULL, G_TYPE_LIST_MODEL,
                                                   flags);
  properties[PROP_MAPPING_TEXT] = g_param_spec_string ("mapping-text", NULL, NULL, NULL, flags);
  properties[PROP_LISTENING_ERROR] = g_param_spec_string ("listening-error", NULL, NULL, NULL,
                                                          flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  install_signals (G_TYPE_FROM_CLASS (klass));
}

static void
shoal_session_init (ShoalSession *self)
{
  self->waiting = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  self->torrents = shoal_torrent_list_new ();
  self->peers = shoal_peer_list_new ();
  self->trackers = g_list_store_new (SHOAL_TYPE_TRACKER);
  self->watched = TRUE;
  g_signal_connect_swapped (self->torrents, "items-changed", G_CALLBACK (items_changed_cb), self);
}

static ShoalSession *
make_session (ShoalPreferences *preferences)
{
  ShoalSession *self = g_object_new (SHOAL_TYPE_SESSION, NULL);

  self->preferences = preferences != NULL ? g_object_ref (preferences)
                                          : shoal_preferences_new (NULL);
  self->config = shoal_session_config_new (self->preferences, config_changed_cb, self);
  return self;
}

ShoalSession *
shoal_session_new (const char       *state_dir,
                   ShoalPreferences *preferences,
                   GError          **error)
{
  g_autoptr(ShoalSession) self = make_session (preferences);
  ShoalConfig config;

  shoal_session_config_get (self->config, &config);
  self->runtime = shoal_runtime_new (state_dir, &config, event_cb, self, error);
  if (self->runtime == NULL)
    return NULL;

  send_watched (self);
  return g_steal_pointer (&self);
}

ShoalSession *
shoal_session_new_detached (ShoalPreferences *preferences)
{
  ShoalSession *self = make_session (preferences);

  self->runtime = shoal_runtime_new_detached (event_cb, self);
  send_watched (self);
  return self;
}

char *
shoal_session_default_state_dir (void)
{
  return g_build_filename (g_get_user_data_dir (), "shoal", NULL);
}

ShoalRuntime *
shoal_session_get_runtime (ShoalSession *self)
{
  return self->runtime;
}

#define GETTER(type, name, otherwise)                              \
  type                                                             \
  shoal_session_get_##name (ShoalSession *self)                    \
  {                                                                \
    g_return_val_if_fail (SHOAL_IS_SESSION (self), otherwise);     \
    return self->name;                                             \
  }

GETTER (ShoalTorrentList *, torrents, NULL)
GETTER (ShoalPreferences *, preferences, NULL)
GETTER (gboolean, ready, FALSE)
GETTER (guint64, rate_down, 0)
GETTER (guint64, rate_up, 0)
GETTER (guint, n_peers, 0)
GETTER (guint, port, 0)
GETTER (const char *, listening_error, NULL)
GETTER (const char *, mapping_text, NULL)
GETTER (ShoalPeerList *, peers, NULL)

GListModel *
shoal_session_get_trackers (ShoalSession *self)
{
  g_return_val_if_fail (SHOAL_IS_SESSION (self), NULL);

  return G_LIST_MODEL (self->trackers);
}

void
shoal_session_set_shown (ShoalSession *self,
                         guint64       id)
{
  g_return_if_fail (SHOAL_IS_SESSION (self));

  if (self->shown == id)
    return;

  self->shown = id;
  shoal_peer_list_apply (self->peers, NULL, 0);
  shoal_tracker_apply_all (self->trackers, NULL, 0);
  send_shown (self);
}

const ShoalMapping *
shoal_session_get_mapping (ShoalSession *self)
{
  g_return_val_if_fail (SHOAL_IS_SESSION (self), NULL);

  return &self->mapping;
}

void
shoal_session_set_watched (ShoalSession *self,
                           gboolean      watched)
{
  g_return_if_fail (SHOAL_IS_SESSION (self));

  if (self->watched == watched)
    return;

  self->watched = watched;
  send_watched (self);
  if (self->shown != 0)
    send_shown (self);
}

/* --- The end --- */

void
shoal_session_quit_async (ShoalSession        *self,
                          GAsyncReadyCallback  callback,
                          gpointer             user_data)
{
  g_autoptr(GTask) task = NULL;

  g_return_if_fail (SHOAL_IS_SESSION (self));
  g_return_if_fail (self->quitting == NULL);

  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, shoal_session_quit_async);
  if (self->runtime == NULL)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  self->quitting = g_steal_pointer (&task);
  shoal_session_send (self, shoal_command_new (SHOAL_COMMAND_QUIT));
  self->quit_sent = TRUE;
}

gboolean
shoal_session_quit_finish (ShoalSession *self,
                           GAsyncResult *result,
                           GError      **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
