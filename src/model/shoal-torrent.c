/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One torrent, as the user sees it. */

#include "shoal-torrent-private.h"

#include <string.h>
#include "shoal-status-text.h"

/* A torrent keeps the last stats it was given. A table says which property stands for which field;
 * applying new stats is one pass over it, then the properties that differ are notified, all new
 * values being in place already.
 *
 * With thousands of torrents of which a few rows are on show, most have nobody listening: then
 * nothing is notified, and the line of text is not even made. It is kept only from the time
 * somebody asks until something in it changes. */

struct _ShoalTorrent
{
  GObject parent_instance;

  ShoalTorrentStats stats;         /* strings owned */
  double            progress;
  double            ratio;
  gboolean          running;
  char             *status_text;   /* nullable: not asked for */
};

typedef enum
{
  PROP_ID = 1,
  PROP_HASH,
  PROP_NAME,
  PROP_DIR,
  PROP_STATE,
  PROP_REASON,
  PROP_DETAIL,
  PROP_RUNNING,
  PROP_HAS_METADATA,
  PROP_COMPLETE,
  PROP_SEQUENTIAL,
  PROP_PROGRESS,
  PROP_TOTAL_SIZE,
  PROP_WANTED_SIZE,
  PROP_DONE_SIZE,
  PROP_DOWNLOADED,
  PROP_UPLOADED,
  PROP_RATIO,
  PROP_RATE_DOWN,
  PROP_RATE_UP,
  PROP_N_PEERS,
  PROP_N_SENDING,
  PROP_N_RECEIVING,
  PROP_N_SEEDS,
  PROP_N_KNOWN,
  PROP_ETA,
  PROP_TRACKER_STATE,
  PROP_TRACKER_ERROR,
  PROP_TRACKER_SEEDS,
  PROP_TRACKER_LEECHERS,
  PROP_TRACKER_COMPLETED,
  PROP_ADDED,
  PROP_COMPLETED,
  PROP_STATUS_TEXT,
  N_PROPS,
} ShoalTorrentProp;

typedef enum { FIELD_UINT, FIELD_BOOLEAN, FIELD_UINT64, FIELD_INT64, FIELD_DOUBLE, FIELD_STRING,
               FIELD_ID, FIELD_TEXT } FieldType;

typedef struct
{
  const char        *name;
  gsize              offset;   /* in ShoalTorrent */
  FieldType          type;
  ShoalTorrentChange change;
} Field;

#define STATS(field) G_STRUCT_OFFSET (ShoalTorrent, stats.field)
#define OWN(field)   G_STRUCT_OFFSET (ShoalTorrent, field)

static const Field fields[N_PROPS] = {
  [PROP_ID]            = { "id", STATS (id), FIELD_ID, SHOAL_TORRENT_CHANGE_NONE },
  [PROP_HASH]          = { "hash", STATS (hash), FIELD_STRING, SHOAL_TORRENT_CHANGE_NAME },
  [PROP_NAME]          = { "name", STATS (name), FIELD_STRING, SHOAL_TORRENT_CHANGE_NAME },
  [PROP_DIR]           = { "dir", STATS (dir), FIELD_STRING, SHOAL_TORRENT_CHANGE_NAME },
  [PROP_STATE]         = { "state", STATS (state), FIELD_UINT, SHOAL_TORRENT_CHANGE_STATE },
  [PROP_REASON]        = { "reason", STATS (reason), FIELD_UINT, SHOAL_TORRENT_CHANGE_STATE },
  [PROP_DETAIL]        = { "detail", STATS (detail), FIELD_STRING, SHOAL_TORRENT_CHANGE_STATE },
  [PROP_RUNNING]       = { "running", OWN (running), FIELD_BOOLEAN, SHOAL_TORRENT_CHANGE_STATE },
  [PROP_HAS_METADATA]  = { "has-metadata", STATS (has_metadata), FIELD_BOOLEAN,
                           SHOAL_TORRENT_CHANGE_STATE },
  [PROP_COMPLETE]      = { "complete", STATS (complete), FIELD_BOOLEAN,
                           SHOAL_TORRENT_CHANGE_STATE },
  [PROP_SEQUENTIAL]    = { "sequential", STATS (sequential), FIELD_BOOLEAN,
                           SHOAL_TORRENT_CHANGE_STATE },
  [PROP_PROGRESS]      = { "progress", OWN (progress), FIELD_DOUBLE, SHOAL_TORRENT_CHANGE_SIZES },
  [PROP_TOTAL_SIZE]    = { "total-size", STATS (total_size), FIELD_UINT64,
                           SHOAL_TORRENT_CHANGE_SIZES },
  [PROP_WANTED_SIZE]   = { "wanted-size", STATS (wanted_size), FIELD_UINT64,
                           SHOAL_TORRENT_CHANGE_SIZES },
  [PROP_DONE_SIZE]     = { "done-size", STATS (wanted_had), FIELD_UINT64,
                           SHOAL_TORRENT_CHANGE_SIZES },
  [PROP_DOWNLOADED]    = { "downloaded", STATS (downloaded), FIELD_UINT64,
                           SHOAL_TORRENT_CHANGE_SIZES },
  [PROP_UPLOADED]      = { "uploaded", STATS (uploaded), FIELD_UINT64, SHOAL_TORRENT_CHANGE_SIZES },
  [PROP_RATIO]         = { "ratio", OWN (ratio), FIELD_DOUBLE, SHOAL_TORRENT_CHANGE_SIZES },
  [PROP_RATE_DOWN]     = { "rate-down", STATS (rate_down), FIELD_UINT64,
                           SHOAL_TORRENT_CHANGE_RATES },
  [PROP_RATE_UP]       = { "rate-up", STATS (rate_up), FIELD_UINT64, SHOAL_TORRENT_CHANGE_RATES },
  [PROP_N_PEERS]       = { "n-peers", STATS (n_links), FIELD_UINT, SHOAL_TORRENT_CHANGE_PEERS },
  [PROP_N_SENDING]     = { "n-sending", STATS (n_sending), FIELD_UINT, SHOAL_TORRENT_CHANGE_PEERS },
  [PROP_N_RECEIVING]   = { "n-receiving", STATS (n_receiving), FIELD_UINT,
                           SHOAL_TORRENT_CHANGE_PEERS },
  [PROP_N_SEEDS]       = { "n-seeds", STATS (n_seeds), FIELD_UINT, SHOAL_TORRENT_CHANGE_PEERS },
  [PROP_N_KNOWN]       = { "n-known", STATS (n_known), FIELD_UINT, SHOAL_TORRENT_CHANGE_PEERS },
  [PROP_ETA]           = { "eta", STATS (eta_s), FIELD_INT64, SHOAL_TORRENT_CHANGE_RATES },
  [PROP_TRACKER_STATE] = { "tracker-state", STATS (tracker_state), FIELD_UINT,
                           SHOAL_TORRENT_CHANGE_TRACKERS },
  [PROP_TRACKER_ERROR] = { "tracker-error", STATS (tracker_error), FIELD_STRING,
                           SHOAL_TORRENT_CHANGE_TRACKERS },
  [PROP_TRACKER_SEEDS] = { "tracker-seeds", STATS (tracker_seeds), FIELD_INT64,
                           SHOAL_TORRENT_CHANGE_TRACKERS },
  [PROP_TRACKER_LEECHERS] = { "tracker-leechers", STATS (tracker_leechers), FIELD_INT64,
                              SHOAL_TORRENT_CHANGE_TRACKERS },
  [PROP_TRACKER_COMPLETED] = { "tracker-completed", STATS (tracker_completed), FIELD_INT64,
                               SHOAL_TORRENT_CHANGE_TRACKERS },
  [PROP_ADDED]         = { "added", STATS (added_s), FIELD_INT64, SHOAL_TORRENT_CHANGE_STATE },
  [PROP_COMPLETED]     = { "completed", STATS (completed_s), FIELD_INT64,
                           SHOAL_TORRENT_CHANGE_STATE },
  [PROP_STATUS_TEXT]   = { "status-text", OWN (status_text), FIELD_TEXT,
                           SHOAL_TORRENT_CHANGE_NONE },
};

/* A set of properties. */
#define BIT(prop) (G_GUINT64_CONSTANT (1) << (prop))

G_STATIC_ASSERT (N_PROPS <= 64);
G_STATIC_ASSERT (sizeof (ShoalTorrentState) == sizeof (guint));
G_STATIC_ASSERT (sizeof (ShoalReason) == sizeof (guint));
G_STATIC_ASSERT (sizeof (ShoalTrackerState) == sizeof (guint));

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (ShoalTorrent, shoal_torrent, G_TYPE_OBJECT)

static double
progress_of (const ShoalTorrentStats *stats)
{
  if (stats->state == SHOAL_TORRENT_CHECKING)
    return CLAMP (stats->check_progress, 0.0, 1.0);
  if (!stats->has_metadata)
    return CLAMP (stats->metadata_progress, 0.0, 1.0);
  if (stats->complete)
    return 1.0;
  if (stats->wanted_size == 0)
    return 0.0;

  return MIN ((double) stats->wanted_had / (double) stats->wanted_size, 1.0);
}

static double
ratio_of (const ShoalTorrentStats *stats)
{
  guint64 had = MAX (stats->wanted_had, stats->downloaded);

  return had == 0 ? 0.0 : (double) stats->uploaded / (double) had;
}

static gboolean
is_running (ShoalTorrentState state)
{
  return state != SHOAL_TORRENT_PAUSED && state != SHOAL_TORRENT_FAILED;
}

/* Brings one property to the value of @from; TRUE if it was another. */
static gboolean
take_field (ShoalTorrent *self,
            const Field  *field,
            gconstpointer from)
{
  gpointer at = G_STRUCT_MEMBER_P (self, field->offset);

  switch (field->type)
    {
    case FIELD_UINT:
    case FIELD_BOOLEAN:
      if (*(guint *) at == *(const guint *) from)
        return FALSE;
      *(guint *) at = *(const guint *) from;
      return TRUE;
    case FIELD_UINT64:
    case FIELD_INT64:
    case FIELD_DOUBLE:
      /* Doubles too: what differs in its bits is worth telling. */
      if (memcmp (at, from, 8) == 0)
        return FALSE;
      memcpy (at, from, 8);
      return TRUE;
    case FIELD_STRING:
      if (g_strcmp0 (*(char **) at, *(char *const *) from) == 0)
        return FALSE;
      g_free (*(char **) at);
      *(char **) at = g_strdup (*(char *const *) from);
      return TRUE;
    case FIELD_ID:
    case FIELD_TEXT:
    default:
      return FALSE;
    }
}

static guint64
take_own (ShoalTorrent *self)
{
  double progress = progress_of (&self->stats);
  double ratio = ratio_of (&self->stats);
  gboolean running = is_running (self->stats.state);
  guint64 changed = 0;

  if (take_field (self, &fields[PROP_PROGRESS], &progress))
    changed |= BIT (PROP_PROGRESS);
  if (take_field (self, &fields[PROP_RATIO], &ratio))
    changed |= BIT (PROP_RATIO);
  if (take_field (self, &fields[PROP_RUNNING], &running))
    changed |= BIT (PROP_RUNNING);

  return changed;
}

/* Forgets the line of text, or makes it anew if somebody listens. */
static guint64
renew_text (ShoalTorrent *self,
            guint         notify_id)
{
  g_autofree char *old = g_steal_pointer (&self->status_text);

  /* A handler of every property is found under no detail. */
  if (!g_signal_has_handler_pending (self, notify_id, g_quark_from_static_string ("status-text"),
                                     TRUE)
      && !g_signal_has_handler_pending (self, notify_id, 0, TRUE))
    return 0;

  self->status_text = shoal_status_text (&self->stats);
  return g_strcmp0 (old, self->status_text) != 0 ? BIT (PROP_STATUS_TEXT) : 0;
}

static ShoalTorrentChange
tell (ShoalTorrent *self,
      guint64       changed)
{
  guint notify_id = g_signal_lookup ("notify", G_TYPE_OBJECT);
  ShoalTorrentChange change = SHOAL_TORRENT_CHANGE_NONE;

  if (changed == 0)
    return SHOAL_TORRENT_CHANGE_NONE;

  for (guint prop = 1; prop < N_PROPS; prop++)
    if (changed & BIT (prop))
      change |= fields[prop].change;

  if (g_signal_handler_find (self, G_SIGNAL_MATCH_ID, notify_id, 0, NULL, NULL, NULL) == 0)
    {
      g_clear_pointer (&self->status_text, g_free);
      return change;
    }

  changed |= renew_text (self, notify_id);
  g_object_ref (self);
  for (guint prop = 1; prop < N_PROPS; prop++)
    if (changed & BIT (prop))
      g_object_notify_by_pspec (G_OBJECT (self), properties[prop]);
  g_object_unref (self);

  return change;
}

static void
shoal_torrent_get_property (GObject    *object,
                            guint       prop,
                            GValue     *value,
                            GParamSpec *pspec)
{
  ShoalTorrent *self = SHOAL_TORRENT (object);
  gconstpointer at;

  if (prop == 0 || prop >= N_PROPS)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop, pspec);
      return;
    }

  at = G_STRUCT_MEMBER_P (self, fields[prop].offset);
  switch (fields[prop].type)
    {
    case FIELD_UINT:
      g_value_set_uint (value, *(const guint *) at);
      break;
    case FIELD_BOOLEAN:
      g_value_set_boolean (value, *(const gboolean *) at);
      break;
    case FIELD_ID:
    case FIELD_UINT64:
      g_value_set_uint64 (value, *(const guint64 *) at);
      break;
    case FIELD_INT64:
      g_value_set_int64 (value, *(const gint64 *) at);
      break;
    case FIELD_DOUBLE:
      g_value_set_double (value, *(const double *) at);
      break;
    case FIELD_STRING:
      g_value_set_string (value, *(char *const *) at);
      break;
    case FIELD_TEXT:
    default:
      g_value_set_string (value, shoal_torrent_get_status_text (self));
      break;
    }
}

static void
shoal_torrent_finalize (GObject *object)
{
  ShoalTorrent *self = SHOAL_TORRENT (object);

  for (guint prop = 1; prop < N_PROPS; prop++)
    if (fields[prop].type == FIELD_STRING || fields[prop].type == FIELD_TEXT)
      g_free (*(char **) G_STRUCT_MEMBER_P (self, fields[prop].offset));

  G_OBJECT_CLASS (shoal_torrent_parent_class)->finalize (object);
}

static GParamSpec *
make_spec (const Field *field)
{
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  switch (field->type)
    {
    case FIELD_UINT:
      return g_param_spec_uint (field->name, NULL, NULL, 0, G_MAXUINT, 0, flags);
    case FIELD_BOOLEAN:
      return g_param_spec_boolean (field->name, NULL, NULL, FALSE, flags);
    case FIELD_ID:
    case FIELD_UINT64:
      return g_param_spec_uint64 (field->name, NULL, NULL, 0, G_MAXUINT64, 0, flags);
    case FIELD_INT64:
      return g_param_spec_int64 (field->name, NULL, NULL, G_MININT64, G_MAXINT64, 0, flags);
    case FIELD_DOUBLE:
      return g_param_spec_double (field->name, NULL, NULL, 0.0, G_MAXDOUBLE, 0.0, flags);
    case FIELD_STRING:
    case FIELD_TEXT:
    default:
      return g_param_spec_string (field->name, NULL, NULL, NULL, flags);
    }
}

static void
shoal_torrent_class_init (ShoalTorrentClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = shoal_torrent_get_property;
  object_class->finalize = shoal_torrent_finalize;

  for (guint prop = 1; prop < N_PROPS; prop++)
    properties[prop] = make_spec (&fields[prop]);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
shoal_torrent_init (ShoalTorrent *self)
{
}

/* The same for the first stats, which nobody can listen to yet. */
static guint64
take_stats (ShoalTorrent            *self,
            const ShoalTorrentStats *stats)
{
  guint64 changed = 0;

  /* No properties: `progress` is made from them. */
  self->stats.metadata_progress = stats->metadata_progress;
  self->stats.check_progress = stats->check_progress;

  for (guint prop = 1; prop < N_PROPS; prop++)
    if (fields[prop].offset >= G_STRUCT_OFFSET (ShoalTorrent, stats)
        && fields[prop].offset < G_STRUCT_OFFSET (ShoalTorrent, stats) + sizeof (ShoalTorrentStats)
        && take_field (self, &fields[prop],
                       G_STRUCT_MEMBER_P (stats, fields[prop].offset
                                                   - G_STRUCT_OFFSET (ShoalTorrent, stats))))
      changed |= BIT (prop);

  return changed | take_own (self);
}

ShoalTorrent *
shoal_torrent_new (const ShoalTorrentStats *stats)
{
  ShoalTorrent *self = g_object_new (SHOAL_TYPE_TORRENT, NULL);

  self->stats.id = stats->id;
  take_stats (self, stats);
  return self;
}

ShoalTorrentChange
shoal_torrent_apply (ShoalTorrent            *self,
                     const ShoalTorrentStats *stats)
{
  g_return_val_if_fail (SHOAL_IS_TORRENT (self) && stats->id == self->stats.id,
                        SHOAL_TORRENT_CHANGE_NONE);

  return tell (self, take_stats (self, stats));
}

ShoalTorrentChange
shoal_torrent_apply_state (ShoalTorrent      *self,
                           ShoalTorrentState  state,
                           ShoalReason        reason,
                           const char        *detail)
{
  guint64 changed = 0;

  g_return_val_if_fail (SHOAL_IS_TORRENT (self), SHOAL_TORRENT_CHANGE_NONE);

  if (take_field (self, &fields[PROP_STATE], &state))
    changed |= BIT (PROP_STATE);
  if (take_field (self, &fields[PROP_REASON], &reason))
    changed |= BIT (PROP_REASON);
  if (take_field (self, &fields[PROP_DETAIL], &detail))
    changed |= BIT (PROP_DETAIL);

  return tell (self, changed | take_own (self));
}

#define GETTER(type, name, expression, otherwise)                         \
  type                                                                    \
  shoal_torrent_get_##name (ShoalTorrent *self)                           \
  {                                                                       \
    g_return_val_if_fail (SHOAL_IS_TORRENT (self), otherwise);            \
    return self->expression;                                              \
  }

GETTER (guint64, id, stats.id, 0)
GETTER (const char *, name, stats.name, NULL)
GETTER (const char *, dir, stats.dir, NULL)
GETTER (const char *, hash, stats.hash, NULL)
GETTER (ShoalTorrentState, state, stats.state, SHOAL_TORRENT_PAUSED)
GETTER (ShoalReason, reason, stats.reason, SHOAL_REASON_NONE)
GETTER (const char *, detail, stats.detail, NULL)
GETTER (gboolean, running, running, FALSE)
GETTER (gboolean, complete, stats.complete, FALSE)
GETTER (gboolean, has_metadata, stats.has_metadata, FALSE)
GETTER (double, progress, progress, 0.0)
GETTER (guint64, wanted_size, stats.wanted_size, 0)
GETTER (guint64, done_size, stats.wanted_had, 0)
GETTER (guint64, downloaded, stats.downloaded, 0)
GETTER (guint64, uploaded, stats.uploaded, 0)
GETTER (double, ratio, ratio, 0.0)
GETTER (guint64, rate_down, stats.rate_down, 0)
GETTER (guint64, rate_up, stats.rate_up, 0)
GETTER (guint, n_peers, stats.n_links, 0)
GETTER (guint, n_sending, stats.n_sending, 0)
GETTER (guint, n_receiving, stats.n_receiving, 0)
GETTER (guint, n_seeds, stats.n_seeds, 0)
GETTER (gint64, tracker_seeds, stats.tracker_seeds, -1)
GETTER (gint64, tracker_leechers, stats.tracker_leechers, -1)
GETTER (gint64, tracker_completed, stats.tracker_completed, -1)
GETTER (gint64, eta, stats.eta_s, SHOAL_ETA_UNKNOWN)
GETTER (gint64, added, stats.added_s, 0)

const char *
shoal_torrent_get_status_text (ShoalTorrent *self)
{
  g_return_val_if_fail (SHOAL_IS_TORRENT (self), NULL);

  if (self->status_text == NULL)
    self->status_text = shoal_status_text (&self->stats);

  return self->status_text;
}
