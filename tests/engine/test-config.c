/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Defaults of a configuration lie in their own ranges, and nothing leaves them. */

#include "shoal-config.h"

#include <math.h>

static void
test_defaults (void)
{
  ShoalConfig config;

  shoal_config_init (&config);
  g_assert_true (config.use_tcp);
  g_assert_true (config.use_trackers);
  g_assert_true (config.part_suffix);
  g_assert_cmpuint (config.max_links, ==, 500);
  g_assert_cmpuint (config.max_links_torrent, ==, 55);
  g_assert_cmpuint (config.max_links_starved, ==, 80);
  g_assert_cmpuint (config.max_dialled, ==, 40);
  g_assert_cmpuint (config.dial_below, ==, 30);
  g_assert_cmpuint (config.max_half_open, ==, 60);
  g_assert_cmpuint (config.dials_per_second, ==, 20);
  g_assert_cmpuint (config.upload_slots, ==, 4);
  g_assert_cmpuint (config.arena_size, ==, 48 << 20);
  g_assert_cmpuint (config.limit_down, ==, 0);
  g_assert_false (shoal_config_clamp (&config));
}

static void
test_low (void)
{
  ShoalConfig config = { .limit_down = 1, .seed_ratio = -1 };

  g_assert_true (shoal_config_clamp (&config));
  g_assert_cmpuint (config.max_links, ==, 2);
  g_assert_cmpuint (config.max_links_torrent, ==, 2);
  g_assert_cmpuint (config.max_dialled, ==, 1);
  g_assert_cmpuint (config.upload_slots, ==, 1);
  g_assert_cmpuint (config.arena_size, ==, 8 << 20);
  g_assert_cmpuint (config.limit_down, ==, 1024);
  g_assert_cmpuint (config.limit_up, ==, 0);
  g_assert_cmpfloat (config.seed_ratio, ==, 0);
  g_assert_false (shoal_config_clamp (&config));
}

static void
test_high (void)
{
  ShoalConfig config;

  shoal_config_init (&config);
  config.encryption = (ShoalEncryption) 17;
  config.use_tcp = 7;
  config.max_links = G_MAXUINT;
  config.max_links_torrent = G_MAXUINT;
  config.max_links_starved = 1;
  config.arena_size = G_MAXSIZE;
  config.limit_up = G_MAXUINT64;
  config.seed_minutes = G_MAXUINT;
  config.seed_ratio = INFINITY;

  g_assert_true (shoal_config_clamp (&config));
  g_assert_cmpint (config.encryption, ==, SHOAL_ENCRYPTION_PREFER);
  g_assert_cmpint (config.use_tcp, ==, TRUE);
  g_assert_cmpuint (config.max_links, ==, 10000);
  g_assert_cmpuint (config.max_links_torrent, ==, 10000);
  g_assert_cmpuint (config.max_links_starved, ==, 10000);
  g_assert_cmpuint (config.arena_size, ==, 1 << 30);
  g_assert_cmpfloat (config.seed_ratio, ==, 1000000);
  g_assert_false (shoal_config_clamp (&config));

  config.seed_ratio = NAN;
  g_assert_true (shoal_config_clamp (&config));
  g_assert_cmpfloat (config.seed_ratio, ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/config/defaults", test_defaults);
  g_test_add_func ("/engine/config/low", test_low);
  g_test_add_func ("/engine/config/high", test_high);
  return g_test_run ();
}
