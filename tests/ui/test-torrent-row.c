/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row follows its torrent. */

#include "session-fixture.h"
#include "shoal-torrent-row.h"

typedef struct
{
  ShoalSession    *session;
  ShoalTorrent    *torrent;
  GtkWidget       *window;
  ShoalTorrentRow *row;
} Fixture;

static void
set_up (Fixture      *fixture,
        gconstpointer data)
{
  fixture->session = session_fixture_new ();
  session_fixture_show (fixture->session, 1, "Name", SHOAL_TORRENT_DOWNLOADING);
  fixture->torrent = shoal_torrent_list_lookup (shoal_session_get_torrents (fixture->session), 1);

  fixture->window = g_object_ref_sink (gtk_window_new ());
  fixture->row = SHOAL_TORRENT_ROW (shoal_torrent_row_new ());
  gtk_window_set_child (GTK_WINDOW (fixture->window), GTK_WIDGET (fixture->row));
  shoal_torrent_row_set_torrent (fixture->row, fixture->torrent);
  gtk_window_present (GTK_WINDOW (fixture->window));
  session_fixture_settle ();
}

static void
tear_down (Fixture      *fixture,
           gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  g_object_unref (fixture->window);
  g_object_unref (fixture->session);
}

static const char *
text_of (Fixture    *fixture,
         const char *id)
{
  return gtk_label_get_label (session_fixture_find (fixture->row, GTK_TYPE_LABEL, id));
}

static void
test_follows (Fixture      *fixture,
              gconstpointer data)
{
  GtkWidget *row = GTK_WIDGET (fixture->row);
  GtkProgressBar *progress = session_fixture_find (row, GTK_TYPE_PROGRESS_BAR, NULL);
  GtkWidget *toggle = session_fixture_find (row, GTK_TYPE_BUTTON, "toggle_button");

  g_assert_cmpstr (text_of (fixture, "name"), ==, "Name");
  /* The rate is not broken at its slash. */
  g_assert_true (g_str_has_suffix (shoal_torrent_get_status_text (fixture->torrent), "B/s"));
  g_assert_true (g_str_has_suffix (text_of (fixture, "status"), "B/\342\201\240s"));
  g_assert_cmpfloat (gtk_progress_bar_get_fraction (progress), ==, 0.25);
  g_assert_true (gtk_widget_has_css_class (row, "working"));
  g_assert_cmpstr (gtk_button_get_icon_name (GTK_BUTTON (toggle)), ==,
                   "media-playback-pause-symbolic");
  gtk_test_accessible_assert_property (toggle, GTK_ACCESSIBLE_PROPERTY_LABEL, "Pause");

  session_fixture_show (fixture->session, 1, "Other", SHOAL_TORRENT_PAUSED);
  g_assert_cmpstr (text_of (fixture, "name"), ==, "Other");
  g_assert_true (gtk_widget_has_css_class (row, "resting"));
  g_assert_false (gtk_widget_has_css_class (row, "working"));
  g_assert_cmpstr (gtk_button_get_icon_name (GTK_BUTTON (toggle)), ==,
                   "media-playback-start-symbolic");
  gtk_test_accessible_assert_property (toggle, GTK_ACCESSIBLE_PROPERTY_LABEL, "Resume");

  session_fixture_show (fixture->session, 1, "Other", SHOAL_TORRENT_SEEDING);
  g_assert_true (gtk_widget_has_css_class (row, "seeding"));
  g_assert_cmpfloat (gtk_progress_bar_get_fraction (progress), ==, 1.0);

  session_fixture_show (fixture->session, 1, "Other", SHOAL_TORRENT_FAILED);
  g_assert_true (gtk_widget_has_css_class (row, "failed"));
  g_assert_cmpstr (text_of (fixture, "status"), ==,
                   shoal_torrent_get_status_text (fixture->torrent));
}

/* How many take part, as a tracker counts them. */
static void
test_counts (Fixture      *fixture,
             gconstpointer data)
{
  GtkWidget *status = session_fixture_find (fixture->row, GTK_TYPE_LABEL, "status");
  g_autofree char *paused = NULL;

  g_assert_null (gtk_widget_get_tooltip_text (status));
  session_fixture_show_counted (fixture->session, 1, "Name", SHOAL_TORRENT_DOWNLOADING, 1, 120, 14);
  g_assert_true (g_str_has_suffix (text_of (fixture, "status"),
                                   "B/\342\201\240s · 1\302\240of\302\240120\302\240seeds, "
                                   "14\302\240downloading"));
  g_assert_cmpstr (gtk_widget_get_tooltip_text (status), ==,
                   "The tracker has counted 120 complete downloads");

  /* Nothing but the count is another. */
  session_fixture_show_counted (fixture->session, 1, "Name", SHOAL_TORRENT_PAUSED, 0, 120, 14);
  session_fixture_show_counted (fixture->session, 1, "Name", SHOAL_TORRENT_PAUSED, 0, 7, 1);
  g_assert_cmpstr (text_of (fixture, "status"), ==,
                   "Paused at 25% · 7\302\240seeds, 1\302\240downloading");
  paused = g_strdup_printf ("Name, %s", text_of (fixture, "status"));
  gtk_test_accessible_assert_property (fixture->row, GTK_ACCESSIBLE_PROPERTY_LABEL, paused);

  session_fixture_show_counted (fixture->session, 1, "Name", SHOAL_TORRENT_FAILED, 0, 7, 1);
  g_assert_cmpstr (text_of (fixture, "status"), ==,
                   shoal_torrent_get_status_text (fixture->torrent));
}

static void
test_names (Fixture      *fixture,
            gconstpointer data)
{
  g_autofree char *name = g_strdup_printf ("Name, %s",
                                           shoal_torrent_get_status_text (fixture->torrent));
  GtkWidget *menu = session_fixture_find (fixture->row, GTK_TYPE_BUTTON, "menu_button");

  gtk_test_accessible_assert_property (fixture->row, GTK_ACCESSIBLE_PROPERTY_LABEL, name);
  gtk_test_accessible_assert_property (menu, GTK_ACCESSIBLE_PROPERTY_LABEL, "More");
}

static void
test_recycled (Fixture      *fixture,
               gconstpointer data)
{
  shoal_torrent_row_set_torrent (fixture->row, NULL);
  g_assert_null (shoal_torrent_row_get_torrent (fixture->row));
  session_fixture_show (fixture->session, 1, "Other", SHOAL_TORRENT_PAUSED);
  g_assert_false (gtk_widget_has_css_class (GTK_WIDGET (fixture->row), "resting"));

  shoal_torrent_row_set_torrent (fixture->row, fixture->torrent);
  g_assert_cmpstr (text_of (fixture, "name"), ==, "Other");
}

static void
test_menu (Fixture      *fixture,
           gconstpointer data)
{
  GtkWidget *popover;

  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (fixture->row), "torrent.menu", NULL));
  session_fixture_settle ();
  popover = session_fixture_find (fixture->row, GTK_TYPE_POPOVER_MENU, NULL);
  g_assert_nonnull (popover);
  g_assert_true (gtk_widget_get_visible (popover));

  gtk_popover_popdown (GTK_POPOVER (popover));
  session_fixture_settle ();
}

int
main (int   argc,
      char *argv[])
{
  session_fixture_init_test (&argc, &argv);

  g_test_add ("/ui/torrent-row/follows", Fixture, NULL, set_up, test_follows, tear_down);
  g_test_add ("/ui/torrent-row/counts", Fixture, NULL, set_up, test_counts, tear_down);
  g_test_add ("/ui/torrent-row/names", Fixture, NULL, set_up, test_names, tear_down);
  g_test_add ("/ui/torrent-row/recycled", Fixture, NULL, set_up, test_recycled, tear_down);
  g_test_add ("/ui/torrent-row/menu", Fixture, NULL, set_up, test_menu, tear_down);

  return g_test_run ();
}
