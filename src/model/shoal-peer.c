/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connected peer of the torrent on show. */

#include "shoal-peer-private.h"

#include <string.h>

static const char letters[SHOAL_N_PEER_FLAGS + 1] = "DdUuOSIK?EeXHLP";

struct _ShoalPeer
{
  GObject parent_instance;

  ShoalPeerStats stats;
  char           flags_text[SHOAL_N_PEER_FLAGS * 2];
};

typedef enum
{
  PROP_ADDRESS = 1,
  PROP_CLIENT,
  PROP_FLAGS,
  PROP_FLAGS_TEXT,
  PROP_SOURCES,
  PROP_PROGRESS,
  PROP_RATE_DOWN,
  PROP_RATE_UP,
  PROP_DOWNLOADED,
  PROP_UPLOADED,
  N_PROPS,
} ShoalPeerProp;

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (ShoalPeer, shoal_peer, G_TYPE_OBJECT)

/* "D E P": with spaces, as people know it. */
static void
write_flags (ShoalPeer *self)
{
  char *at = self->flags_text;

  for (guint i = 0; i < SHOAL_N_PEER_FLAGS; i++)
    if ((self->stats.flags & (1u << i)) != 0)
      {
        if (at != self->flags_text)
          *at++ = ' ';
        *at++ = letters[i];
      }
  *at = '\0';
}

static void
shoal_peer_get_property (GObject    *object,
                         guint       prop,
                         GValue     *value,
                         GParamSpec *pspec)
{
  ShoalPeer *self = SHOAL_PEER (object);

  switch ((ShoalPeerProp) prop)
    {
    case PROP_ADDRESS:
      g_value_set_string (value, self->stats.address);
      break;
    case PROP_CLIENT:
      g_value_set_string (value, self->stats.client);
      break;
    case PROP_FLAGS:
      g_value_set_uint (value, self->stats.flags);
      break;
    case PROP_FLAGS_TEXT:
      g_value_set_string (value, self->flags_text);
      break;
    case PROP_SOURCES:
      g_value_set_uint (value, self->stats.sources);
      break;
    case PROP_PROGRESS:
      g_value_set_double (value, self->stats.progress);
      break;
    case PROP_RATE_DOWN:
      g_value_set_uint64 (value, self->stats.rate_down);
      break;
    case PROP_RATE_UP:
      g_value_set_uint64 (value, self->stats.rate_up);
      break;
    case PROP_DOWNLOADED:
      g_value_set_uint64 (value, self->stats.downloaded);
      break;
    case PROP_UPLOADED:
      g_value_set_uint64 (value, self->stats.uploaded);
      break;
    case N_PROPS:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop, pspec);
    }
}

static void
shoal_peer_class_init (ShoalPeerClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  G_OBJECT_CLASS (klass)->get_property = shoal_peer_get_property;

  properties[PROP_ADDRESS] = g_param_spec_string ("address", NULL, NULL, "", flags);
  properties[PROP_CLIENT] = g_param_spec_string ("client", NULL, NULL, "", flags);
  properties[PROP_FLAGS] = g_param_spec_uint ("flags", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_FLAGS_TEXT] = g_param_spec_string ("flags-text", NULL, NULL, "", flags);
  properties[PROP_SOURCES] = g_param_spec_uint ("sources", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_PROGRESS] = g_param_spec_double ("progress", NULL, NULL, 0.0, 1.0, 0.0, flags);
  properties[PROP_RATE_DOWN] = g_param_spec_uint64 ("rate-down", NULL, NULL, 0, G_MAXUINT64, 0,
                                                    flags);
  properties[PROP_RATE_UP] = g_param_spec_uint64 ("rate-up", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  properties[PROP_DOWNLOADED] = g_param_spec_uint64 ("downloaded", NULL, NULL, 0, G_MAXUINT64, 0,
                                                     flags);
  properties[PROP_UPLOADED] = g_param_spec_uint64 ("uploaded", NULL, NULL, 0, G_MAXUINT64, 0,
                                                   flags);
  g_object_class_install_properties (G_OBJECT_CLASS (klass), N_PROPS, properties);
}

static void
shoal_peer_init (ShoalPeer *self)
{
}

ShoalPeer *
shoal_peer_new (const ShoalPeerStats *stats)
{
  ShoalPeer *self = g_object_new (SHOAL_TYPE_PEER, NULL);

  self->stats = *stats;
  write_flags (self);
  return self;
}

void
shoal_peer_apply (ShoalPeer            *self,
                  const ShoalPeerStats *stats)
{
  ShoalPeerStats before = self->stats;
  const gboolean changed[N_PROPS] = {
    [PROP_CLIENT] = strcmp (before.client, stats->client) != 0,
    [PROP_FLAGS] = before.flags != stats->flags,
    [PROP_FLAGS_TEXT] = before.flags != stats->flags,
    [PROP_SOURCES] = before.sources != stats->sources,
    [PROP_PROGRESS] = before.progress != stats->progress,
    [PROP_RATE_DOWN] = before.rate_down != stats->rate_down,
    [PROP_RATE_UP] = before.rate_up != stats->rate_up,
    [PROP_DOWNLOADED] = before.downloaded != stats->downloaded,
    [PROP_UPLOADED] = before.uploaded != stats->uploaded,
  };

  g_assert (strcmp (before.address, stats->address) == 0);
  self->stats = *stats;
  write_flags (self);
  for (guint prop = 1; prop < N_PROPS; prop++)
    if (changed[prop])
      g_object_notify_by_pspec (G_OBJECT (self), properties[prop]);
}

#define GETTER(type, name, value, otherwise)                       \
  type                                                             \
  shoal_peer_get_##name (ShoalPeer *self)                          \
  {                                                                \
    g_return_val_if_fail (SHOAL_IS_PEER (self), otherwise);        \
    return self->value;                                            \
  }

GETTER (const char *, address, stats.address, NULL)
GETTER (const char *, client, stats.client, NULL)
GETTER (guint, flags, stats.flags, 0)
GETTER (const char *, flags_text, flags_text, NULL)
GETTER (guint, sources, stats.sources, 0)
GETTER (double, progress, stats.progress, 0.0)
GETTER (guint64, rate_down, stats.rate_down, 0)
GETTER (guint64, rate_up, stats.rate_up, 0)
GETTER (guint64, downloaded, stats.downloaded, 0)
GETTER (guint64, uploaded, stats.uploaded, 0)
