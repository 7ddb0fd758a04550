/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A torrent notifies exactly what changed. */

#include "shoal-torrent-private.h"

static const ShoalTorrentStats first = {
  .id = 7, .name = "a name", .dir = "/data", .hash = "0123456789012345678901234567890123456789",
  .state = SHOAL_TORRENT_DOWNLOADING, .has_metadata = TRUE, .total_size = 1000, .wanted_size = 800,
  .wanted_had = 200,
  .downloaded = 100, .uploaded = 50, .n_links = 12, .n_sending = 4, .rate_down = 3200000,
  .eta_s = 125,
};

/* The names of what was notified, in order. */
static void
note_cb (GObject    *object,
         GParamSpec *spec,
         gpointer    user_data)
{
  GString *names = user_data;

  g_string_append_printf (names, "%s%s", names->len > 0 ? " " : "", spec->name);
}

static void
test_properties (void)
{
  g_autoptr(ShoalTorrent) torrent = shoal_torrent_new (&first);
  g_autofree char *name = NULL;
  g_autofree char *text = NULL;
  guint64 id = 0;
  guint64 size = 0;
  guint state = 99;
  guint peers = 0;
  double progress = 0.0;
  double ratio = 0.0;
  gint64 eta = 0;
  gboolean running = FALSE;

  g_object_get (torrent, "id", &id, "name", &name, "total-size", &size, "state", &state, "n-peers",
                &peers, "progress", &progress, "ratio", &ratio, "eta", &eta, "running", &running,
                "status-text", &text, NULL);
  g_assert_cmpuint (id, ==, 7);
  g_assert_cmpstr (name, ==, "a name");
  g_assert_cmpuint (size, ==, 1000);
  g_assert_cmpuint (state, ==, SHOAL_TORRENT_DOWNLOADING);
  g_assert_cmpuint (peers, ==, 12);
  g_assert_cmpfloat (progress, ==, 0.25);
  g_assert_cmpfloat (ratio, ==, 0.25);
  g_assert_cmpint (eta, ==, 125);
  g_assert_true (running);
  g_assert_cmpstr (text, ==, "Downloading from 4 of 12 peers, 3.2\302\240MB/s, 2 min left");
}

static void
test_notify_exactly (void)
{
  g_autoptr(ShoalTorrent) torrent = shoal_torrent_new (&first);
  g_autoptr(GString) names = g_string_new (NULL);
  ShoalTorrentStats stats = first;

  shoal_torrent_get_status_text (torrent);
  g_signal_connect (torrent, "notify", G_CALLBACK (note_cb), names);

  g_assert_cmpuint (shoal_torrent_apply (torrent, &stats), ==, SHOAL_TORRENT_CHANGE_NONE);
  g_assert_cmpstr (names->str, ==, "");

  /* Less than the text shows. */
  stats.rate_down += 1;
  stats.uploaded += 50;
  g_assert_cmpuint (shoal_torrent_apply (torrent, &stats), ==,
                    SHOAL_TORRENT_CHANGE_SIZES | SHOAL_TORRENT_CHANGE_RATES);
  g_assert_cmpstr (names->str, ==, "uploaded ratio rate-down");

  g_string_truncate (names, 0);
  stats.n_links = 13;
  g_assert_cmpuint (shoal_torrent_apply (torrent, &stats), ==, SHOAL_TORRENT_CHANGE_PEERS);
  g_assert_cmpstr (names->str, ==, "n-peers status-text");
  g_assert_cmpstr (shoal_torrent_get_status_text (torrent), ==,
                   "Downloading from 4 of 13 peers, 3.2\302\240MB/s, 2 min left");

  g_string_truncate (names, 0);
  stats.name = "another";
  stats.tracker_error = "refused";
  g_assert_cmpuint (shoal_torrent_apply (torrent, &stats), ==,
                    SHOAL_TORRENT_CHANGE_NAME | SHOAL_TORRENT_CHANGE_TRACKERS);
  g_assert_cmpstr (names->str, ==, "name tracker-error");

  g_string_truncate (names, 0);
  stats.tracker_seeds = 3;
  stats.tracker_leechers = 4;
  stats.tracker_completed = G_MAXINT64;
  g_assert_cmpuint (shoal_torrent_apply (torrent, &stats), ==, SHOAL_TORRENT_CHANGE_TRACKERS);
  g_assert_cmpstr (names->str, ==, "tracker-seeds tracker-leechers tracker-completed");
}

static void
test_unheard (void)
{
  g_autoptr(ShoalTorrent) torrent = shoal_torrent_new (&first);
  ShoalTorrentStats stats = first;

  shoal_torrent_get_status_text (torrent);
  stats.state = SHOAL_TORRENT_SEEDING;
  stats.complete = TRUE;
  stats.n_links = 0;
  g_assert_cmpuint (shoal_torrent_apply (torrent, &stats), ==,
                    SHOAL_TORRENT_CHANGE_STATE | SHOAL_TORRENT_CHANGE_SIZES
                      | SHOAL_TORRENT_CHANGE_PEERS);
  g_assert_cmpstr (shoal_torrent_get_status_text (torrent), ==, "Seeding, nobody is connected");
  g_assert_cmpfloat (shoal_torrent_get_progress (torrent), ==, 1.0);
}

static void
test_state (void)
{
  g_autoptr(ShoalTorrent) torrent = shoal_torrent_new (&first);
  g_autoptr(GString) names = g_string_new (NULL);

  shoal_torrent_get_status_text (torrent);
  g_signal_connect (torrent, "notify", G_CALLBACK (note_cb), names);
  g_assert_cmpuint (shoal_torrent_apply_state (torrent, SHOAL_TORRENT_FAILED,
                                               SHOAL_REASON_DISK_FULL, "a.bin"),
                    ==, SHOAL_TORRENT_CHANGE_STATE);
  g_assert_cmpstr (names->str, ==, "state reason detail running status-text");
  g_assert_false (shoal_torrent_get_running (torrent));
  g_assert_cmpstr (shoal_torrent_get_status_text (torrent), ==,
                   "The disk of “/data” is full. Make room, then start again.");

  g_string_truncate (names, 0);
  g_assert_cmpuint (shoal_torrent_apply_state (torrent, SHOAL_TORRENT_FAILED,
                                               SHOAL_REASON_DISK_FULL, "a.bin"),
                    ==, 0);
  g_assert_cmpstr (names->str, ==, "");
}

static void
test_progress (void)
{
  static const struct { ShoalTorrentStats stats; double progress; } table[] = {
    { { .state = SHOAL_TORRENT_METADATA, .metadata_progress = 0.5 }, 0.5 },
    { { .state = SHOAL_TORRENT_CHECKING, .has_metadata = TRUE, .check_progress = 0.75,
        .wanted_size = 10 }, 0.75 },
    { { .state = SHOAL_TORRENT_DOWNLOADING, .has_metadata = TRUE }, 0.0 },
    { { .state = SHOAL_TORRENT_DOWNLOADING, .has_metadata = TRUE, .wanted_size = 10,
        .wanted_had = 20 }, 1.0 },
    { { .state = SHOAL_TORRENT_SEEDING, .has_metadata = TRUE, .complete = TRUE }, 1.0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr(ShoalTorrent) torrent = shoal_torrent_new (&table[i].stats);

      g_assert_cmpfloat (shoal_torrent_get_progress (torrent), ==, table[i].progress);
    }
}

/* A handler may look at anything and drop the torrent. */
static void
drop_cb (ShoalTorrent  *torrent,
         GParamSpec    *spec,
         ShoalTorrent **held)
{
  g_assert_cmpuint (shoal_torrent_get_n_peers (torrent), ==, 1);
  g_assert_cmpuint (shoal_torrent_get_uploaded (torrent), ==, 999);
  g_clear_object (held);
}

static void
test_reentrant (void)
{
  ShoalTorrent *torrent = shoal_torrent_new (&first);
  ShoalTorrentStats stats = first;

  stats.uploaded = 999;
  stats.n_links = 1;
  g_signal_connect (torrent, "notify", G_CALLBACK (drop_cb), &torrent);
  shoal_torrent_apply (torrent, &stats);
  g_assert_null (torrent);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/torrent/properties", test_properties);
  g_test_add_func ("/model/torrent/notify-exactly", test_notify_exactly);
  g_test_add_func ("/model/torrent/unheard", test_unheard);
  g_test_add_func ("/model/torrent/state", test_state);
  g_test_add_func ("/model/torrent/progress", test_progress);
  g_test_add_func ("/model/torrent/reentrant", test_reentrant);
  return g_test_run ();
}
