/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The line of words under a torrent's name. */

#include "shoal-status-text.h"

static const struct
{
  ShoalTorrentStats stats;
  const char       *text;
} table[] = {
  { { .state = SHOAL_TORRENT_PAUSED, .eta_s = -1 }, "Paused" },
  { { .state = SHOAL_TORRENT_PAUSED, .has_metadata = TRUE, .wanted_size = 100, .wanted_had = 42 },
    "Paused at 42%" },
  { { .state = SHOAL_TORRENT_PAUSED, .has_metadata = TRUE, .complete = TRUE }, "Paused, complete" },
  { { .state = SHOAL_TORRENT_QUEUED }, "Waiting for its turn" },
  { { .state = SHOAL_TORRENT_METADATA }, "Fetching the list of files: looking for peers" },
  { { .state = SHOAL_TORRENT_METADATA, .n_known = 1 },
    "Fetching the list of files: trying to reach 1 peer" },
  { { .state = SHOAL_TORRENT_METADATA, .n_known = 3 },
    "Fetching the list of files: trying to reach 3 peers" },
  { { .state = SHOAL_TORRENT_METADATA, .tracker_error = "refused" },
    "Fetching the list of files: no peers, because the tracker failed: refused" },
  { { .state = SHOAL_TORRENT_METADATA, .tracker_state = SHOAL_TRACKER_ANNOUNCING },
    "Fetching the list of files: asking the tracker for peers" },
  { { .state = SHOAL_TORRENT_METADATA, .n_links = 2 },
    "Fetching the list of files: asking 2 peers" },
  { { .state = SHOAL_TORRENT_METADATA, .n_links = 2, .metadata_progress = 0.5 },
    "Fetching the list of files from 2 peers, 50%" },
  { { .state = SHOAL_TORRENT_CHECKING, .check_progress = 0.25 }, "Checking the data on disk, 25%" },
  { { .state = SHOAL_TORRENT_DOWNLOADING, .tracker_state = SHOAL_TRACKER_WORKING },
    "Downloading: the tracker knows no peers yet" },
  { { .state = SHOAL_TORRENT_DOWNLOADING, .n_known = 5, .tracker_error = "refused" },
    "Downloading: trying to reach 5 peers" },
  { { .state = SHOAL_TORRENT_DOWNLOADING, .n_links = 1 }, "Waiting for data from 1 peer" },
  { { .state = SHOAL_TORRENT_DOWNLOADING, .n_links = 12, .n_sending = 4, .rate_down = 3200000,
      .eta_s = 125 },
    "Downloading from 4 of 12 peers, 3.2\302\240MB/s, 2 min left" },
  { { .state = SHOAL_TORRENT_DOWNLOADING, .n_links = 1, .n_sending = 1, .rate_down = 3200000,
      .eta_s = SHOAL_ETA_UNKNOWN },
    "Downloading from 1 of 1 peer, 3.2\302\240MB/s" },
  { { .state = SHOAL_TORRENT_DOWNLOADING, .n_links = 2, .n_web_seeds = 1, .rate_down = 3200000,
      .eta_s = 125 },
    "Downloading from 1 web seed, 3.2\302\240MB/s, 2 min left" },
  { { .state = SHOAL_TORRENT_DOWNLOADING, .n_web_seeds = 3, .rate_down = 1000,
      .eta_s = SHOAL_ETA_UNKNOWN },
    "Downloading from 3 web seeds, 1.0\302\240kB/s" },
  { { .state = SHOAL_TORRENT_SEEDING }, "Seeding, nobody is connected" },
  { { .state = SHOAL_TORRENT_SEEDING, .tracker_error = "refused" },
    "Seeding: the tracker failed: refused" },
  { { .state = SHOAL_TORRENT_SEEDING, .n_links = 2 }, "Seeding, 2 peers are connected" },
  { { .state = SHOAL_TORRENT_SEEDING, .n_links = 2, .n_receiving = 1, .rate_up = 1000 },
    "Seeding to 1 of 2 peers, 1.0\302\240kB/s" },
  { { .state = SHOAL_TORRENT_FAILED, .reason = SHOAL_REASON_FOLDER_GONE, .dir = "/media/x" },
    "The folder “/media/x” is not there. Connect its drive, then start again." },
};

static void
test_table (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *text = shoal_status_text (&table[i].stats);

      g_assert_cmpstr (text, ==, table[i].text);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/status-text/table", test_table);
  return g_test_run ();
}
