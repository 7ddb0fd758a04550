/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The preferences' window follows the preferences and writes them. */

#include "session-fixture.h"
#include "shoal-preferences-window.h"

static void
test_bound (void)
{
  g_autoptr(ShoalSession) session = session_fixture_new ();
  ShoalPreferences *preferences = shoal_session_get_preferences (session);
  ShoalPreferencesWindow *window;
  GtkSpinButton *spin;
  GtkSwitch *suffix;
  GtkWidget *folder;
  guint limit, port;
  gboolean on;

  g_object_set (preferences, "limit-down", 100u, "port", 5000u, "part-suffix", FALSE,
                "download-dir", "/srv/<a> & b", NULL);
  window = shoal_preferences_window_new (NULL, session);
  gtk_window_present (GTK_WINDOW (window));
  session_fixture_settle ();

  spin = session_fixture_find (window, GTK_TYPE_SPIN_BUTTON, "limit_down");
  g_assert_cmpint (gtk_spin_button_get_value_as_int (spin), ==, 100);
  gtk_spin_button_set_value (spin, 250);
  spin = session_fixture_find (window, GTK_TYPE_SPIN_BUTTON, "port");
  g_assert_cmpint (gtk_spin_button_get_value_as_int (spin), ==, 5000);
  gtk_spin_button_set_value (spin, 6000);
  suffix = session_fixture_find (window, GTK_TYPE_SWITCH, "part_suffix");
  g_assert_false (gtk_switch_get_active (suffix));
  gtk_switch_set_active (suffix, TRUE);

  g_object_get (preferences, "limit-down", &limit, "port", &port, "part-suffix", &on, NULL);
  g_assert_cmpuint (limit, ==, 250);
  g_assert_cmpuint (port, ==, 6000);
  g_assert_true (on);

  folder = session_fixture_find (window, ADW_TYPE_ACTION_ROW, "folder_row");
  g_assert_cmpstr (adw_action_row_get_subtitle (ADW_ACTION_ROW (folder)), ==, "/srv/<a> & b");
  g_object_set (preferences, "download-dir", "/srv/c", NULL);
  g_assert_cmpstr (adw_action_row_get_subtitle (ADW_ACTION_ROW (folder)), ==, "/srv/c");

  gtk_window_destroy (GTK_WINDOW (window));
}

static void
test_names (void)
{
  static const struct
  {
    const char *id;
    const char *name;
  } controls[] = {
    { "folder_button", "Choose Download Folder" },
    { "part_suffix", "Mark Incomplete Files" },
    { "add_paused", "Add Torrents Paused" },
    { "limit_down", "Download Limit" },
    { "limit_up", "Upload Limit" },
    { "port", "Port" },
  };
  g_autoptr(ShoalSession) session = session_fixture_new ();
  ShoalPreferencesWindow *window = shoal_preferences_window_new (NULL, session);

  for (guint i = 0; i < G_N_ELEMENTS (controls); i++)
    {
      GtkWidget *control = session_fixture_find (window, GTK_TYPE_WIDGET, controls[i].id);

      g_assert_nonnull (control);
      gtk_test_accessible_assert_property (control, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                           controls[i].name);
    }

  gtk_window_destroy (GTK_WINDOW (window));
}

int
main (int   argc,
      char *argv[])
{
  session_fixture_init_test (&argc, &argv);

  g_test_add_func ("/ui/preferences-window/bound", test_bound);
  g_test_add_func ("/ui/preferences-window/names", test_names);

  return g_test_run ();
}
