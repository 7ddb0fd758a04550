/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preferences keep their ranges, tell changes once, and give the engine what it takes. */

#include <string.h>
#include "shoal-preferences-private.h"

static void
count_cb (guint *count)
{
  (*count)++;
}

static void
test_defaults (void)
{
  g_autoptr(ShoalPreferences) preferences = shoal_preferences_new (NULL);
  g_autofree char *dir = shoal_preferences_dup_download_dir (preferences);
  ShoalConfig defaults;
  ShoalConfig config;

  shoal_config_init (&defaults);
  shoal_preferences_get_config (preferences, &config);

  g_assert_cmpuint (config.port, ==, 26413);
  g_assert_cmpuint (config.max_links, ==, defaults.max_links);
  g_assert_cmpuint (config.max_links_torrent, ==, defaults.max_links_torrent);
  g_assert_cmpuint (config.max_links_starved, ==, defaults.max_links_starved);
  g_assert_cmpuint (config.max_dialled, ==, defaults.max_dialled);
  g_assert_cmpuint (config.dial_below, ==, defaults.dial_below);
  g_assert_cmpint (config.encryption, ==, SHOAL_ENCRYPTION_PREFER);
  g_assert_true (config.use_tcp);
  g_assert_true (config.use_trackers);
  g_assert_true (config.use_pex);
  g_assert_true (config.use_dht);
  g_assert_nonnull (strstr (config.dht_routers, ":6881"));
  g_assert_true (config.use_utp);
  g_assert_false (config.tcp_bbr);
  g_assert_true (config.part_suffix);
  g_assert_cmpuint (config.limit_down, ==, 0);
  g_assert_true (g_path_is_absolute (dir));
  g_assert_null (shoal_preferences_get_settings (preferences));
}

static void
test_clamped (void)
{
  g_autoptr(ShoalPreferences) preferences = shoal_preferences_new (NULL);
  ShoalConfig config;
  guint port = 0;
  guint peers = 0;
  double ratio = 0.0;

  g_object_set (preferences, "port", 70000u, "max-peers", 0u, "seed-ratio", -3.0, "limit-down",
                G_MAXUINT, "encryption", 9u, NULL);
  g_object_get (preferences, "port", &port, "max-peers", &peers, "seed-ratio", &ratio, NULL);
  g_assert_cmpuint (port, ==, 65535);
  g_assert_cmpuint (peers, ==, 2);
  g_assert_cmpfloat (ratio, ==, 0.0);

  shoal_preferences_get_config (preferences, &config);
  g_assert_false (shoal_config_clamp (&config));
  g_assert_cmpuint (config.max_links_torrent, <=, config.max_links);
}

static void
test_config (void)
{
  g_autoptr(ShoalPreferences) preferences = shoal_preferences_new (NULL);
  ShoalConfig config;

  g_object_set (preferences, "port", 7000u, "limit-down", 100u, "limit-up", 50u,
                "max-peers-torrent", 10u, "part-suffix", FALSE, "max-active-downloads", 3u,
                "seed-ratio", 1.5, "seed-minutes", 9u, "use-tcp", FALSE, "use-trackers", FALSE,
                "use-pex", FALSE, "use-lsd", FALSE, "use-dht", FALSE, "dht-routers", "a:1 b:2",
                "use-utp", FALSE, "tcp-bbr", TRUE, "port-mapping", FALSE, "encryption",
                SHOAL_ENCRYPTION_REQUIRE, "bind", "tun0", "dns", "192.0.2.53", "proxy",
                "socks5://192.0.2.1", "proxy-all", TRUE, NULL);
  shoal_preferences_get_config (preferences, &config);
  g_assert_cmpint (config.encryption, ==, SHOAL_ENCRYPTION_REQUIRE);

  g_assert_cmpstr (config.bind, ==, "tun0");
  g_assert_cmpstr (config.dns, ==, "192.0.2.53");
  g_assert_cmpstr (config.proxy, ==, "socks5://192.0.2.1");
  g_assert_true (config.proxy_all);
  g_assert_cmpuint (config.port, ==, 7000);
  g_assert_cmpuint (config.limit_down, ==, 102400);
  g_assert_cmpuint (config.limit_up, ==, 51200);
  g_assert_cmpuint (config.max_links_torrent, ==, 10);
  g_assert_cmpuint (config.max_links_starved, <, 20);
  g_assert_cmpuint (config.max_active_downloads, ==, 3);
  g_assert_cmpfloat (config.seed_ratio, ==, 1.5);
  g_assert_cmpuint (config.seed_minutes, ==, 9);
  g_assert_false (config.part_suffix);
  g_assert_false (config.use_tcp);
  g_assert_false (config.use_trackers);
  g_assert_false (config.use_pex);
  g_assert_false (config.use_dht);
  g_assert_cmpstr (config.dht_routers, ==, "a:1 b:2");
  g_assert_false (config.use_utp);
  g_assert_true (config.tcp_bbr);
  g_assert_false (config.portmap);
  g_assert_false (config.use_lsd);
}

static void
test_changed_once (void)
{
  g_autoptr(ShoalPreferences) preferences = shoal_preferences_new (NULL);
  guint changed = 0;
  guint notified = 0;

  g_signal_connect_swapped (preferences, "changed", G_CALLBACK (count_cb), &changed);
  g_signal_connect_swapped (preferences, "notify", G_CALLBACK (count_cb), &notified);

  g_object_set (preferences, "port", 26413u, "part-suffix", TRUE, "download-dir", "", NULL);
  g_assert_cmpuint (notified, ==, 0);
  g_assert_false (g_main_context_iteration (NULL, FALSE));

  g_object_set (preferences, "port", 1u, "limit-up", 2u, "download-dir", "/tmp", NULL);
  g_assert_cmpuint (notified, ==, 3);
  g_assert_cmpuint (changed, ==, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (changed, ==, 1);

  /* One that goes away with a change to tell. */
  g_object_set (preferences, "port", 2u, NULL);
}

static void
test_download_dir (void)
{
  g_autoptr(ShoalPreferences) preferences = shoal_preferences_new (NULL);
  g_autofree char *absolute = NULL;
  g_autofree char *other = NULL;

  g_object_set (preferences, "download-dir", "/data/torrents", NULL);
  absolute = shoal_preferences_dup_download_dir (preferences);
  g_assert_cmpstr (absolute, ==, "/data/torrents");

  g_object_set (preferences, "download-dir", "not/absolute", NULL);
  other = shoal_preferences_dup_download_dir (preferences);
  g_assert_true (g_path_is_absolute (other));
}

/* The schema is there when the tests run from the build folder. */
static void
test_settings (void)
{
  g_autofree char *folder = g_build_filename (g_test_get_dir (G_TEST_BUILT), "..", "data", NULL);
  g_autoptr(GSettingsSchemaSource) source =
    g_settings_schema_source_new_from_directory (folder, NULL, FALSE, NULL);
  g_autoptr(GSettingsSchema) schema = NULL;
  g_autoptr(GSettings) settings = NULL;
  g_autoptr(ShoalPreferences) preferences = NULL;
  g_auto(GStrv) keys = NULL;
  guint port = 0;

  if (source == NULL)
    {
      g_test_skip ("the schema is not compiled");
      return;
    }

  schema = g_settings_schema_source_lookup (source, SHOAL_SCHEMA_ID, FALSE);
  g_assert_nonnull (schema);
  settings = g_settings_new_full (schema, NULL, NULL);
  preferences = shoal_preferences_new (settings);
  g_assert_true (shoal_preferences_get_settings (preferences) == settings);

  g_settings_set_uint (settings, "port", 1234);
  g_object_get (preferences, "port", &port, NULL);
  g_assert_cmpuint (port, ==, 1234);

  g_object_set (preferences, "part-suffix", FALSE, NULL);
  g_assert_false (g_settings_get_boolean (settings, "part-suffix"));

  /* Both sides start from the same. */
  keys = g_settings_schema_list_keys (schema);
  for (guint i = 0; keys[i] != NULL; i++)
    {
      GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (preferences), keys[i]);
      g_autoptr(GVariant) value = g_settings_get_default_value (settings, keys[i]);

      if (g_str_has_prefix (keys[i], "window-"))
        continue;
      g_assert_nonnull (spec);
      if (G_IS_PARAM_SPEC_UINT (spec))
        g_assert_cmpuint (G_PARAM_SPEC_UINT (spec)->default_value, ==,
                          g_variant_get_uint32 (value));
      else if (G_IS_PARAM_SPEC_BOOLEAN (spec))
        g_assert_true (G_PARAM_SPEC_BOOLEAN (spec)->default_value == g_variant_get_boolean (value));
    }
}

int
main (int    argc,
      char **argv)
{
  g_setenv ("GSETTINGS_BACKEND", "memory", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/preferences/defaults", test_defaults);
  g_test_add_func ("/model/preferences/clamped", test_clamped);
  g_test_add_func ("/model/preferences/config", test_config);
  g_test_add_func ("/model/preferences/changed-once", test_changed_once);
  g_test_add_func ("/model/preferences/download-dir", test_download_dir);
  g_test_add_func ("/model/preferences/settings", test_settings);
  return g_test_run ();
}
