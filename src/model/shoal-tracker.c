/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One tracker of the torrent on show. */

#include "shoal-tracker-private.h"

#include <string.h>

struct _ShoalTracker
{
  GObject parent_instance;

  char             *url;
  guint             tier;
  ShoalTrackerState state;
  char             *error;     /* nullable */
  gint64            next;
  gint64            seeds;
  gint64            leechers;
};

typedef enum
{
  PROP_URL = 1,
  PROP_TIER,
  PROP_STATE,
  PROP_ERROR,
  PROP_NEXT,
  PROP_SEEDS,
  PROP_LEECHERS,
  N_PROPS,
} ShoalTrackerProp;

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (ShoalTracker, shoal_tracker, G_TYPE_OBJECT)

static void
shoal_tracker_get_property (GObject    *object,
                            guint       prop,
                            GValue     *value,
                            GParamSpec *pspec)
{
  ShoalTracker *self = SHOAL_TRACKER (object);

  switch ((ShoalTrackerProp) prop)
    {
    case PROP_URL:
      g_value_set_string (value, self->url);
      break;
    case PROP_TIER:
      g_value_set_uint (value, self->tier);
      break;
    case PROP_STATE:
      g_value_set_uint (value, self->state);
      break;
    case PROP_ERROR:
      g_value_set_string (value, self->error);
      break;
    case PROP_NEXT:
      g_value_set_int64 (value, self->next);
      break;
    case PROP_SEEDS:
      g_value_set_int64 (value, self->seeds);
      break;
    case PROP_LEECHERS:
      g_value_set_int64 (value, self->leechers);
      break;
    case N_PROPS:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop, pspec);
    }
}

static void
shoal_tracker_finalize (GObject *object)
{
  ShoalTracker *self = SHOAL_TRACKER (object);

  g_free (self->url);
  g_free (self->error);
  G_OBJECT_CLASS (shoal_tracker_parent_class)->finalize (object);
}

static void
shoal_tracker_class_init (ShoalTrackerClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = shoal_tracker_get_property;
  object_class->finalize = shoal_tracker_finalize;

  properties[PROP_URL] = g_param_spec_string ("url", NULL, NULL, NULL, flags);
  properties[PROP_TIER] = g_param_spec_uint ("tier", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_STATE] = g_param_spec_uint ("state", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_ERROR] = g_param_spec_string ("error", NULL, NULL, NULL, flags);
  properties[PROP_NEXT] = g_param_spec_int64 ("next", NULL, NULL, -1, G_MAXINT64, -1, flags);
  properties[PROP_SEEDS] = g_param_spec_int64 ("seeds", NULL, NULL, -1, G_MAXINT64, -1, flags);
  properties[PROP_LEECHERS] = g_param_spec_int64 ("leechers", NULL, NULL, -1, G_MAXINT64, -1,
                                                  flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
shoal_tracker_init (ShoalTracker *self)
{
}

static void
apply_number (ShoalTracker *self,
              gint64       *field,
              gint64        value,
              guint         prop)
{
  if (*field == value)
    return;

  *field = value;
  g_object_notify_by_pspec (G_OBJECT (self), properties[prop]);
}

static void
apply (ShoalTracker            *self,
       const ShoalTrackerStats *stats)
{
  if (self->tier != stats->tier)
    {
      self->tier = stats->tier;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TIER]);
    }
  if (self->state != stats->state)
    {
      self->state = stats->state;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
    }
  if (g_strcmp0 (self->error, stats->error) != 0)
    {
      g_free (self->error);
      self->error = g_strdup (stats->error);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
    }
  apply_number (self, &self->next, stats->next_s, PROP_NEXT);
  apply_number (self, &self->seeds, stats->seeds, PROP_SEEDS);
  apply_number (self, &self->leechers, stats->leechers, PROP_LEECHERS);
}

static gboolean
is_same_list (GListModel              *list,
              const ShoalTrackerStats *trackers,
              guint                    n)
{
  if (g_list_model_get_n_items (list) != n)
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      g_autoptr(ShoalTracker) tracker = g_list_model_get_item (list, i);

      if (strcmp (tracker->url, trackers[i].url) != 0)
        return FALSE;
    }

  return TRUE;
}

void
shoal_tracker_apply_all (GListStore              *list,
                         const ShoalTrackerStats *trackers,
                         guint                    n)
{
  g_autoptr(GPtrArray) added = g_ptr_array_new_with_free_func (g_object_unref);

  if (is_same_list (G_LIST_MODEL (list), trackers, n))
    {
      for (guint i = 0; i < n; i++)
        {
          g_autoptr(ShoalTracker) tracker = g_list_model_get_item (G_LIST_MODEL (list), i);

          apply (tracker, &trackers[i]);
        }
      return;
    }

  for (guint i = 0; i < n; i++)
    {
      ShoalTracker *tracker = g_object_new (SHOAL_TYPE_TRACKER, NULL);

      tracker->url = g_strdup (trackers[i].url);
      apply (tracker, &trackers[i]);
      g_ptr_array_add (added, tracker);
    }
  g_list_store_splice (list, 0, g_list_model_get_n_items (G_LIST_MODEL (list)), added->pdata, n);
}

#define GETTER(type, name, otherwise)                              \
  type                                                             \
  shoal_tracker_get_##name (ShoalTracker *self)                    \
  {                                                                \
    g_return_val_if_fail (SHOAL_IS_TRACKER (self), otherwise);     \
    return self->name;                                             \
  }

GETTER (const char *, url, NULL)
GETTER (guint, tier, 0)
GETTER (ShoalTrackerState, state, SHOAL_TRACKER_IDLE)
GETTER (const char *, error, NULL)
GETTER (gint64, next, -1)
GETTER (gint64, seeds, -1)
GETTER (gint64, leechers, -1)
