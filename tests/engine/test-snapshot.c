/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots and infos live as long as somebody holds them. */

#include "shoal-snapshot.h"

static void
test_snapshot (void)
{
  ShoalSnapshot *snapshot = shoal_snapshot_new (3, 2, 1);
  ShoalSnapshot *other;

  g_assert_cmpuint (snapshot->view, ==, 3);
  g_assert_cmpuint (snapshot->n_torrents, ==, 2);
  g_assert_cmpuint (snapshot->n_removed, ==, 1);
  g_assert_cmpint (snapshot->torrents[1].eta_s, ==, SHOAL_ETA_UNKNOWN);

  snapshot->torrents[0].name = g_strdup ("a");
  snapshot->torrents[0].dir = g_strdup ("/tmp");
  snapshot->torrents[0].hash = g_strdup ("00");
  snapshot->torrents[1].detail = g_strdup ("file");
  snapshot->torrents[1].tracker_error = g_strdup ("refused");
  snapshot->removed[0] = 9;

  other = shoal_snapshot_ref (snapshot);
  shoal_snapshot_unref (snapshot);
  g_assert_cmpstr (other->torrents[0].name, ==, "a");
  g_assert_cmpuint (other->removed[0], ==, 9);
  shoal_snapshot_unref (other);
}

static void
test_empty (void)
{
  g_autoptr(ShoalSnapshot) snapshot = shoal_snapshot_new (0, 0, 0);

  g_assert_cmpuint (snapshot->n_torrents, ==, 0);
}

static void
test_info (void)
{
  ShoalTorrentInfo *info = shoal_torrent_info_new ();
  ShoalTorrentInfo *other;

  g_assert_cmpuint (info->n_files, ==, 0);
  info->name = g_strdup ("name");
  info->magnet = g_strdup ("magnet:?");
  info->n_files = 2;
  info->files = g_new0 (ShoalFileInfo, 2);
  info->files[0].path = g_strdup ("name/a");
  info->files[1].path = g_strdup ("name/b");

  other = shoal_torrent_info_ref (info);
  shoal_torrent_info_unref (info);
  g_assert_cmpstr (other->files[1].path, ==, "name/b");
  shoal_torrent_info_unref (other);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/snapshot/snapshot", test_snapshot);
  g_test_add_func ("/engine/snapshot/empty", test_empty);
  g_test_add_func ("/engine/snapshot/info", test_info);
  return g_test_run ();
}
