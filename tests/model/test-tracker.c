/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trackers of a torrent: what notifies, and when the objects are others. */

#include "shoal-tracker-private.h"

static void
note_cb (GObject    *object,
         GParamSpec *spec,
         GString    *log)
{
  g_string_append_printf (log, "%s ", spec->name);
}

static void
test_apply (void)
{
  g_autoptr(GListStore) list = g_list_store_new (SHOAL_TYPE_TRACKER);
  g_autoptr(GString) log = g_string_new (NULL);
  g_autoptr(ShoalTracker) first = NULL;
  g_autoptr(ShoalTracker) again = NULL;
  ShoalTrackerStats stats[2] = {
    { .url = (char *) "http://a", .state = SHOAL_TRACKER_IDLE, .next_s = -1, .seeds = -1,
      .leechers = -1 },
    { .url = (char *) "udp://b", .tier = 1, .state = SHOAL_TRACKER_FAILING,
      .error = (char *) "refused", .next_s = 30, .seeds = -1, .leechers = -1 },
  };

  shoal_tracker_apply_all (list, stats, 2);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (list)), ==, 2);
  first = g_list_model_get_item (G_LIST_MODEL (list), 0);
  g_assert_cmpstr (shoal_tracker_get_url (first), ==, "http://a");
  g_signal_connect (first, "notify", G_CALLBACK (note_cb), log);

  shoal_tracker_apply_all (list, stats, 2);
  g_assert_cmpstr (log->str, ==, "");
  stats[0].state = SHOAL_TRACKER_WORKING;
  stats[0].seeds = 3;
  stats[0].next_s = 1800;
  stats[0].error = (char *) "odd";
  shoal_tracker_apply_all (list, stats, 2);
  g_assert_cmpstr (log->str, ==, "state error next seeds ");
  g_assert_cmpint (shoal_tracker_get_state (first), ==, SHOAL_TRACKER_WORKING);
  g_assert_cmpint (shoal_tracker_get_seeds (first), ==, 3);
  g_assert_cmpint (shoal_tracker_get_leechers (first), ==, -1);
  g_assert_cmpint (shoal_tracker_get_next (first), ==, 1800);
  g_assert_cmpstr (shoal_tracker_get_error (first), ==, "odd");
  g_assert_cmpuint (shoal_tracker_get_tier (first), ==, 0);

  shoal_tracker_apply_all (list, stats + 1, 1);
  again = g_list_model_get_item (G_LIST_MODEL (list), 0);
  g_assert_cmpstr (shoal_tracker_get_url (again), ==, "udp://b");
  shoal_tracker_apply_all (list, NULL, 0);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (list)), ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/tracker/apply", test_apply);
  return g_test_run ();
}
