/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user chose for the whole session, as properties. */

#include "shoal-preferences-private.h"

#include <errno.h>
#include <string.h>

/* The ranges stand in the param specs alone; they are lax, so a value outside is moved to the
 * nearest one inside, wherever it came from. Changes are told once from an idle source: a
 * preferences window, or a reset of all keys, then costs the engine one new configuration. */

#define PEERS_MIN 2
#define PEERS_MAX 10000
#define KIB_MAX   (G_MAXUINT32 / 2)
#define RATIO_MAX 1000.0

/* Those that others use too; the key of the schema has the same. */
#define SHOAL_DHT_ROUTERS "dht.libtorrent.org:25401 router.bittorrent.com:6881 " \
                          "dht.transmissionbt.com:6881 router.utorrent.com:6881"

struct _ShoalPreferences
{
  GObject parent_instance;

  GSettings *settings;   /* nullable */
  GSource   *changed;    /* nullable: the pending idle source */

  char      *download_dir;
  char      *bind;
  char      *dns;
  char      *proxy;
  gboolean   proxy_all;
  guint      port;
  guint      limit_down;
  guint      limit_up;
  guint      max_peers;
  guint      max_peers_torrent;
  gboolean   part_suffix;
  guint      max_active_downloads;
  double     seed_ratio;
  guint      seed_minutes;
  gboolean   add_paused;
  char      *filter_source;
  gboolean   use_filter;
  gboolean   use_lsd;
  gboolean   use_pex;
  gboolean   use_dht;
  char      *dht_routers;
  gboolean   port_mapping;
  gboolean   use_utp;
  gboolean   tcp_bbr;
  gboolean   use_tcp;
  gboolean   use_trackers;
  guint      encryption;
};

typedef enum
{
  PROP_DOWNLOAD_DIR = 1,
  PROP_BIND,
  PROP_DNS,
  PROP_PROXY,
  PROP_PROXY_ALL,
  PROP_PORT,
  PROP_LIMIT_DOWN,
  PROP_LIMIT_UP,
  PROP_MAX_PEERS,
  PROP_MAX_PEERS_TORRENT,
  PROP_PART_SUFFIX,
  PROP_MAX_ACTIVE_DOWNLOADS,
  PROP_SEED_RATIO,
  PROP_SEED_MINUTES,
  PROP_ADD_PAUSED,
  PROP_FILTER_SOURCE,
  PROP_USE_FILTER,
  PROP_USE_LSD,
  PROP_USE_PEX,
  PROP_USE_DHT,
  PROP_DHT_ROUTERS,
  PROP_USE_UTP,
  PROP_TCP_BBR,
  PROP_ENCRYPTION,
  PROP_PORT_MAPPING,
  PROP_USE_TCP,
  PROP_USE_TRACKERS,
  N_PROPS,
} ShoalPreferencesProp;

/* Those before it are keys of the schema. */
#define FIRST_UNSTORED PROP_USE_TCP

static GParamSpec *properties[N_PROPS];

enum { CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ShoalPreferences, shoal_preferences, G_TYPE_OBJECT)

static guint *
uint_field (ShoalPreferences *self,
            guint             prop)
{
  switch (prop)
    {
    case PROP_PORT:
      return &self->port;
    case PROP_LIMIT_DOWN:
      return &self->limit_down;
    case PROP_LIMIT_UP:
      return &self->limit_up;
    case PROP_MAX_PEERS:
      return &self->max_peers;
    case PROP_MAX_PEERS_TORRENT:
      return &self->max_peers_torrent;
    case PROP_MAX_ACTIVE_DOWNLOADS:
      return &self->max_active_downloads;
    case PROP_SEED_MINUTES:
      return &self->seed_minutes;
    case PROP_ENCRYPTION:
      return &self->encryption;
    default:
      return NULL;
    }
}

static char **
text_field (ShoalPreferences *self,
            guint             prop)
{
  switch (prop)
    {
    case PROP_DOWNLOAD_DIR:
      return &self->download_dir;
    case PROP_FILTER_SOURCE:
      return &self->filter_source;
    case PROP_DHT_ROUTERS:
      return &self->dht_routers;
    case PROP_BIND:
      return &self->bind;
    case PROP_DNS:
      return &self->dns;
    case PROP_PROXY:
      return &self->proxy;
    default:
      return NULL;
    }
}

static gboolean *
boolean_field (ShoalPreferences *self,
               guint             prop)
{
  switch (prop)
    {
    case PROP_PROXY_ALL:
      return &self->proxy_all;
    case PROP_PART_SUFFIX:
      return &self->part_suffix;
    case PROP_ADD_PAUSED:
      return &self->add_paused;
    case PROP_USE_FILTER:
      return &self->use_filter;
    case PROP_USE_LSD:
      return &self->use_lsd;
    case PROP_USE_PEX:
      return &self->use_pex;
    case PROP_USE_DHT:
      return &self->use_dht;
    case PROP_PORT_MAPPING:
      return &self->port_mapping;
    case PROP_USE_UTP:
      return &self->use_utp;
    case PROP_TCP_BBR:
      return &self->tcp_bbr;
    case PROP_USE_TCP:
      return &self->use_tcp;
    case PROP_USE_TRACKERS:
      return &self->use_trackers;
    default:
      return NULL;
    }
}

static gboolean
changed_cb (gpointer user_data)
{
  ShoalPreferences *self = user_data;

  g_clear_pointer (&self->changed, g_source_unref);
  g_signal_emit (self, signals[CHANGED], 0);
  return G_SOURCE_REMOVE;
}

static void
tell (ShoalPreferences *self,
      guint             prop)
{
  if (self->changed == NULL)
    {
      self->changed = g_idle_source_new ();
      g_source_set_callback (self->changed, changed_cb, self, NULL);
      g_source_attach (self->changed, g_main_context_get_thread_default ());
    }

  g_object_notify_by_pspec (G_OBJECT (self), properties[prop]);
}

static void
shoal_preferences_set_property (GObject      *object,
                                guint         prop,
                                const GValue *value,
                                GParamSpec   *pspec)
{
  ShoalPreferences *self = SHOAL_PREFERENCES (object);
  guint *number = uint_field (self, prop);
  gboolean *flag = boolean_field (self, prop);
  char **text = text_field (self, prop);

  g_assert (self != NULL);
  if (number != NULL)
    {
      if (*number == g_value_get_uint (value))
        return;
      *number = g_value_get_uint (value);
    }
  else if (flag != NULL)
    {
      if (*flag == g_value_get_boolean (value))
        return;
      *flag = g_value_get_boolean (value);
    }
  else if (prop == PROP_SEED_RATIO)
    {
      if (self->seed_ratio == g_value_get_double (value))
        return;
      self->seed_ratio = g_value_get_double (value);
    }
  else if (text != NULL)
    {
      const char *now = g_value_get_string (value);

      now = now != NULL ? now : "";
      if (g_strcmp0 (*text, now) == 0)
        return;
      g_free (*text);
      *text = g_strdup (now);
    }
  else
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop, pspec);
      return;
    }

  tell (self, prop);
}

static void
shoal_preferences_get_property (GObject    *object,
                                guint       prop,
                                GValue     *value,
                                GParamSpec *pspec)
{
  ShoalPreferences *self = SHOAL_PREFERENCES (object);
  guint *number = uint_field (self, prop);
  gboolean *flag = boolean_field (self, prop);
  char **text = text_field (self, prop);

  if (number != NULL)
    g_value_set_uint (value, *number);
  else if (flag != NULL)
    g_value_set_boolean (value, *flag);
  else if (prop == PROP_SEED_RATIO)
    g_value_set_double (value, self->seed_ratio);
  else if (text != NULL)
    g_value_set_string (value, *text);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop, pspec);
}

static void
shoal_preferences_finalize (GObject *object)
{
  ShoalPreferences *self = SHOAL_PREFERENCES (object);

  if (self->changed != NULL)
    g_source_destroy (self->changed);
  g_clear_pointer (&self->changed, g_source_unref);
  g_clear_object (&self->settings);
  for (guint prop = 1; prop < N_PROPS; prop++)
    {
      char **text = text_field (self, prop);

      if (text != NULL)
        g_free (*text);
    }
  G_OBJECT_CLASS (shoal_preferences_parent_class)->finalize (object);
}

static GParamSpec *
uint_spec (const char *name,
           guint       minimum,
           guint       maximum,
           guint       value)
{
  return g_param_spec_uint (name, NULL, NULL, minimum, maximum, value,
                            G_PARAM_READWRITE | G_PARAM_LAX_VALIDATION | G_PARAM_EXPLICIT_NOTIFY
                              | G_PARAM_STATIC_STRINGS);
}

static GParamSpec *
boolean_spec (const char *name,
              gboolean    value)
{
  return g_param_spec_boolean (name, NULL, NULL, value,
                               G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY
                                 | G_PARAM_STATIC_STRINGS);
}

static GParamSpec *
text_spec (const char *name)
{
  return g_param_spec_string (name, NULL, NULL, "",
                              G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
}

static void
shoal_preferences_class_init (ShoalPreferencesClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = shoal_preferences_set_property;
  object_class->get_property = shoal_preferences_get_property;
  object_class->finalize = shoal_preferences_finalize;

  properties[PROP_DOWNLOAD_DIR] = text_spec ("download-dir");
  properties[PROP_BIND] = text_spec ("bind");
  properties[PROP_DNS] = text_spec ("dns");
  properties[PROP_PROXY] = text_spec ("proxy");
  properties[PROP_PROXY_ALL] = boolean_spec ("proxy-all", FALSE);
  properties[PROP_PORT] = uint_spec ("port", 0, G_MAXUINT16, 26413);
  properties[PROP_LIMIT_DOWN] = uint_spec ("limit-down", 0, KIB_MAX, 0);
  properties[PROP_LIMIT_UP] = uint_spec ("limit-up", 0, KIB_MAX, 0);
  properties[PROP_MAX_PEERS] = uint_spec ("max-peers", PEERS_MIN, PEERS_MAX, 500);
  properties[PROP_MAX_PEERS_TORRENT] = uint_spec ("max-peers-torrent", PEERS_MIN, PEERS_MAX, 55);
  properties[PROP_PART_SUFFIX] = boolean_spec ("part-suffix", TRUE);
  properties[PROP_MAX_ACTIVE_DOWNLOADS] = uint_spec ("max-active-downloads", 0, G_MAXUINT, 0);
  properties[PROP_SEED_RATIO] = g_param_spec_double ("seed-ratio", NULL, NULL, 0.0, RATIO_MAX, 0.0,
                                                     G_PARAM_READWRITE | G_PARAM_LAX_VALIDATION
                                                       | G_PARAM_EXPLICIT_NOTIFY
                                                       | G_PARAM_STATIC_STRINGS);
  properties[PROP_SEED_MINUTES] = uint_spec ("seed-minutes", 0, G_MAXUINT, 0);
  properties[PROP_ADD_PAUSED] = boolean_spec ("add-paused", FALSE);
  properties[PROP_FILTER_SOURCE] = text_spec ("filter-source");
  properties[PROP_USE_FILTER] = boolean_spec ("use-filter", FALSE);
  properties[PROP_USE_LSD] = boolean_spec ("use-lsd", TRUE);
  properties[PROP_USE_PEX] = boolean_spec ("use-pex", TRUE);
  properties[PROP_USE_DHT] = boolean_spec ("use-dht", TRUE);
  properties[PROP_DHT_ROUTERS] = g_param_spec_string ("dht-routers", NULL, NULL, SHOAL_DHT_ROUTERS,
                                                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY
                                                        | G_PARAM_STATIC_STRINGS);
  properties[PROP_PORT_MAPPING] = boolean_spec ("port-mapping", TRUE);
  properties[PROP_USE_UTP] = boolean_spec ("use-utp", TRUE);
  properties[PROP_TCP_BBR] = boolean_spec ("tcp-bbr", FALSE);
  properties[PROP_USE_TCP] = boolean_spec ("use-tcp", TRUE);
  properties[PROP_USE_TRACKERS] = boolean_spec ("use-trackers", TRUE);
  properties[PROP_ENCRYPTION] = uint_spec ("encryption", SHOAL_ENCRYPTION_OFF,
                                           SHOAL_ENCRYPTION_REQUIRE, SHOAL_ENCRYPTION_PREFER);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
shoal_preferences_init (ShoalPreferences *self)
{
  for (guint prop = 1; prop < N_PROPS; prop++)
    {
      const GValue *value = g_param_spec_get_default_value (properties[prop]);
      guint *number = uint_field (self, prop);
      gboolean *flag = boolean_field (self, prop);
      char **text = text_field (self, prop);

      if (text != NULL)
        *text = g_strdup (g_value_get_string (value));
      if (number != NULL)
        *number = g_value_get_uint (value);
      else if (flag != NULL)
        *flag = g_value_get_boolean (value);
    }
}

ShoalPreferences *
shoal_preferences_new (GSettings *settings)
{
  ShoalPreferences *self = g_object_new (SHOAL_TYPE_PREFERENCES, NULL);

  g_return_val_if_fail (settings == NULL || G_IS_SETTINGS (settings), self);

  if (settings == NULL)
    return self;

  self->settings = g_object_ref (settings);
  for (guint prop = 1; prop < FIRST_UNSTORED; prop++)
    g_settings_bind (settings, properties[prop]->name, self, properties[prop]->name,
                     G_SETTINGS_BIND_DEFAULT);

  return self;
}

GSettings *
shoal_preferences_get_settings (ShoalPreferences *self)
{
  g_return_val_if_fail (SHOAL_IS_PREFERENCES (self), NULL);

  return self->settings;
}

char *
shoal_preferences_dup_download_dir (ShoalPreferences *self)
{
  const char *special;
  char *dir;

  g_return_val_if_fail (SHOAL_IS_PREFERENCES (self), NULL);

  if (g_path_is_absolute (self->download_dir))
    return g_strdup (self->download_dir);

  special = g_get_user_special_dir (G_USER_DIRECTORY_DOWNLOAD);
  dir = special != NULL ? g_strdup (special)
                        : g_build_filename (g_get_home_dir (), "Downloads", NULL);

  /* Nobody chose it, so it need not be there yet; a folder that the user chose may be on a drive
   * that is away. What goes wrong here is told by the torrents that are to go there. */
  if (g_mkdir_with_parents (dir, 0755) != 0)
    g_debug ("%s: %s", dir, g_strerror (errno));

  return dir;
}

void
shoal_preferences_get_config (ShoalPreferences *self,
                              ShoalConfig      *config)
{
  g_return_if_fail (SHOAL_IS_PREFERENCES (self));

  shoal_config_init (config);
  config->port = (guint16) self->port;
  config->use_tcp = self->use_tcp;
  config->use_utp = self->use_utp;
  config->tcp_bbr = self->tcp_bbr;
  config->use_trackers = self->use_trackers;
  if (self->use_filter && strlen (self->filter_source) < sizeof config->filter_source)
    g_strlcpy (config->filter_source, self->filter_source, sizeof config->filter_source);
  config->use_lsd = self->use_lsd;
  config->use_pex = self->use_pex;
  config->use_dht = self->use_dht;
  g_strlcpy (config->dht_routers, self->dht_routers, sizeof config->dht_routers);
  config->portmap = self->port_mapping;
  config->encryption = (ShoalEncryption) self->encryption;
  config->limit_down = (guint64) self->limit_down * 1024;
  config->limit_up = (guint64) self->limit_up * 1024;
  config->max_links = self->max_peers;
  config->max_links_torrent = MIN (self->max_peers_torrent, self->max_peers);
  /* A torrent that starves may have about half as many again: 80 for 55. */
  config->max_links_starved = MIN (config->max_links_torrent + config->max_links_torrent * 5 / 11,
                                   self->max_peers);
  config->max_dialled = MIN (config->max_dialled, config->max_links_torrent);
  config->dial_below = MIN (config->dial_below, config->max_links_torrent);
  config->part_suffix = self->part_suffix;
  config->max_active_downloads = self->max_active_downloads;
  config->seed_ratio = self->seed_ratio;
  config->seed_minutes = self->seed_minutes;
  /* What is too long names nothing that there is: it is cut, and nothing is reached. */
  g_strlcpy (config->bind, self->bind, sizeof config->bind);
  g_strlcpy (config->dns, self->dns, sizeof config->dns);
  g_strlcpy (config->proxy, self->proxy, sizeof config->proxy);
  config->proxy_all = self->proxy_all;
  shoal_config_clamp (config);
}
