/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window: its pages, its actions, and every way to add a torrent. */

#include "session-fixture.h"
#include "shoal-remove-dialog.h"
#include "shoal-torrent-row.h"
#include "shoal-window.h"

#define MAGNET "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567"

typedef struct
{
  ShoalSession *session;
  ShoalWindow  *window;
} Fixture;

static void
set_up (Fixture      *fixture,
        gconstpointer data)
{
  fixture->session = session_fixture_new ();
  fixture->window = g_object_ref_sink (shoal_window_new (NULL));
  shoal_window_set_session (fixture->window, fixture->session);
  gtk_window_present (GTK_WINDOW (fixture->window));
  session_fixture_settle ();
}

static void
tear_down (Fixture      *fixture,
           gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  session_fixture_settle ();
  g_assert_finalize_object (fixture->window);
  g_object_unref (fixture->session);
}

static const char *
page (Fixture *fixture)
{
  return gtk_stack_get_visible_child_name (session_fixture_find (fixture->window, GTK_TYPE_STACK,
                                                                 "pages"));
}

/* The text of the toast on show. */
static const char *
toast (Fixture *fixture)
{
  GtkWidget *overlay = session_fixture_find (fixture->window, ADW_TYPE_TOAST_OVERLAY, NULL);
  GtkWidget *label;

  session_fixture_settle ();
  label = session_fixture_find (gtk_widget_get_last_child (overlay), GTK_TYPE_LABEL, NULL);

  return label != NULL ? gtk_label_get_label (GTK_LABEL (label)) : NULL;
}

static gboolean
activate (Fixture    *fixture,
          const char *action,
          guint64     id)
{
  return gtk_widget_activate_action (GTK_WIDGET (fixture->window), action, "t", id);
}

static void
test_pages (Fixture      *fixture,
            gconstpointer data)
{
  guint n_windows;

  g_assert_cmpstr (page (fixture), ==, "empty");

  session_fixture_show (fixture->session, 1, "a", SHOAL_TORRENT_DOWNLOADING);
  g_assert_cmpstr (page (fixture), ==, "torrents");
  session_fixture_forget (fixture->session, 1);
  g_assert_cmpstr (page (fixture), ==, "empty");

  shoal_window_set_session (fixture->window, NULL);
  g_assert_cmpstr (page (fixture), ==, "starting");
  n_windows = g_list_model_get_n_items (gtk_window_get_toplevels ());
  gtk_widget_activate_action (GTK_WIDGET (fixture->window), "win.preferences", NULL);
  gtk_widget_activate_action (GTK_WIDGET (fixture->window), "win.add-link", NULL);
  g_assert_cmpuint (g_list_model_get_n_items (gtk_window_get_toplevels ()), ==, n_windows);

  shoal_window_show_failure (fixture->window, "Because <of> & this");
  g_assert_cmpstr (page (fixture), ==, "failed");
}

static void
test_names (Fixture      *fixture,
            gconstpointer data)
{
  static const struct
  {
    const char *id;
    const char *name;
  } buttons[] = {
    { "add_button", "Add Torrent" },
    { "menu_button", "Main Menu" },
    { "list", "Torrents" },
  };

  session_fixture_show (fixture->session, 1, "a", SHOAL_TORRENT_DOWNLOADING);
  for (guint i = 0; i < G_N_ELEMENTS (buttons); i++)
    {
      GtkWidget *widget = session_fixture_find (fixture->window, GTK_TYPE_WIDGET, buttons[i].id);

      g_assert_nonnull (widget);
      gtk_test_accessible_assert_property (widget, GTK_ACCESSIBLE_PROPERTY_LABEL, buttons[i].name);
    }
}

static void
test_row_in_list (Fixture      *fixture,
                  gconstpointer data)
{
  ShoalTorrentRow *row;
  g_autoptr(ShoalCommand) command = NULL;

  session_fixture_show (fixture->session, 1, "a", SHOAL_TORRENT_DOWNLOADING);
  session_fixture_settle ();
  row = session_fixture_find (fixture->window, SHOAL_TYPE_TORRENT_ROW, NULL);
  g_assert_nonnull (row);
  g_assert_cmpuint (shoal_torrent_get_id (shoal_torrent_row_get_torrent (row)), ==, 1);

  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (row), "torrent.toggle", NULL));
  command = session_fixture_take (fixture->session, SHOAL_COMMAND_PAUSE);
  g_assert_nonnull (command);
  g_assert_cmpuint (command->id, ==, 1);
}

static void
test_actions (Fixture      *fixture,
              gconstpointer data)
{
  static const struct
  {
    const char      *action;
    ShoalCommandType type;
  } actions[] = {
    { "win.start", SHOAL_COMMAND_START },
    { "win.pause", SHOAL_COMMAND_PAUSE },
    { "win.toggle", SHOAL_COMMAND_START },
    { "win.verify", SHOAL_COMMAND_RECHECK },
    { "win.copy-magnet", SHOAL_COMMAND_INFO },
  };

  session_fixture_show (fixture->session, 3, "a", SHOAL_TORRENT_PAUSED);
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    {
      g_autoptr(ShoalCommand) command = NULL;

      g_assert_true (activate (fixture, actions[i].action, 3));
      command = session_fixture_take (fixture->session, actions[i].type);
      g_assert_nonnull (command);
      g_assert_cmpuint (command->id, ==, 3);

      if (actions[i].type == SHOAL_COMMAND_INFO)
        session_fixture_info (fixture->session, command->serial, 3, MAGNET);
    }

  g_assert_cmpstr (toast (fixture), ==, "Magnet link copied");
  /* One that is gone. */
  g_assert_true (activate (fixture, "win.toggle", 99));
  g_assert_true (activate (fixture, "win.remove", 99));
  g_assert_true (activate (fixture, "win.open-folder", 99));
}

static void
test_remove (Fixture      *fixture,
             gconstpointer data)
{
  g_autoptr(GListModel) windows = g_object_ref (gtk_window_get_toplevels ());
  g_autoptr(ShoalCommand) command = NULL;
  AdwMessageDialog *dialog = NULL;

  session_fixture_show (fixture->session, 3, "a", SHOAL_TORRENT_SEEDING);
  g_assert_true (activate (fixture, "win.remove", 3));
  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr(GtkWindow) window = g_list_model_get_item (windows, i);

      if (SHOAL_IS_REMOVE_DIALOG (window))
        dialog = ADW_MESSAGE_DIALOG (window);
    }
  g_assert_nonnull (dialog);
  g_assert_null (session_fixture_take (fixture->session, SHOAL_COMMAND_REMOVE));

  adw_message_dialog_response (dialog, "trash");
  gtk_window_destroy (GTK_WINDOW (dialog));
  command = session_fixture_take (fixture->session, SHOAL_COMMAND_REMOVE);
  g_assert_nonnull (command);
  g_assert_cmpuint (command->id, ==, 3);
  g_assert_cmpint (command->remove_mode, ==, SHOAL_REMOVE_TRASH_DATA);

  session_fixture_reply (fixture->session, command->serial, 3, NULL);
  g_assert_cmpstr (toast (fixture), ==, "Torrent removed");
}

static gboolean
press (Fixture *fixture,
       guint    keyval)
{
  g_autoptr(GListModel) controllers = gtk_widget_observe_controllers (GTK_WIDGET (fixture->window));
  gboolean handled = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr(GtkEventController) controller = g_list_model_get_item (controllers, i);

      if (g_strcmp0 (gtk_event_controller_get_name (controller), "torrent-keys") == 0)
        g_signal_emit_by_name (controller, "key-pressed", keyval, 0u, 0, &handled);
    }

  return handled;
}

/* Of the selected torrent, wherever the focus is; but the space bar is that of a button which has
 * the focus. */
static void
test_keys (Fixture      *fixture,
           gconstpointer data)
{
  g_autoptr(GListModel) windows = g_object_ref (gtk_window_get_toplevels ());
  guint n_windows = g_list_model_get_n_items (windows);
  g_autoptr(ShoalCommand) command = NULL;
  GtkWidget *list;

  session_fixture_show (fixture->session, 3, "a", SHOAL_TORRENT_DOWNLOADING);
  session_fixture_settle ();
  g_assert_false (press (fixture, GDK_KEY_Delete));
  list = session_fixture_find (fixture->window, GTK_TYPE_LIST_VIEW, NULL);
  gtk_selection_model_select_item (gtk_list_view_get_model (GTK_LIST_VIEW (list)), 0, TRUE);
  g_assert_nonnull (gtk_window_get_focus (GTK_WINDOW (fixture->window)));
  g_assert_false (press (fixture, GDK_KEY_space));
  g_assert_false (press (fixture, GDK_KEY_a));
  g_assert_true (press (fixture, GDK_KEY_Delete));
  g_assert_cmpuint (g_list_model_get_n_items (windows), ==, n_windows + 1);
  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr(GtkWindow) window = g_list_model_get_item (windows, i);

      if (SHOAL_IS_REMOVE_DIALOG (window))
        gtk_window_destroy (window);
    }

  g_assert_true (gtk_widget_grab_focus (list));
  g_assert_true (press (fixture, GDK_KEY_space));
  command = session_fixture_take (fixture->session, SHOAL_COMMAND_PAUSE);
  g_assert_nonnull (command);
  g_assert_cmpuint (command->id, ==, 3);
}

static void
test_open_links (Fixture      *fixture,
                 gconstpointer data)
{
  g_autoptr(GFile) magnet = g_file_new_for_uri (MAGNET "&dn=a%20b");
  g_autoptr(GFile) http = g_file_new_for_uri ("https://example.org/a.torrent");
  g_autoptr(ShoalCommand) first = NULL;
  g_autoptr(ShoalCommand) second = NULL;
  GtkListView *list;
  GtkSingleSelection *selection;
  ShoalTorrent *selected;

  shoal_window_add_files (fixture->window, (GFile *[]) { magnet, http }, 2);
  first = session_fixture_take (fixture->session, SHOAL_COMMAND_ADD);
  second = session_fixture_take (fixture->session, SHOAL_COMMAND_ADD);
  g_assert_cmpstr (first->add->uri, ==, MAGNET "&dn=a%20b");
  g_assert_cmpstr (second->add->uri, ==, "https://example.org/a.torrent");

  session_fixture_reply (fixture->session, first->serial, 1, NULL);
  session_fixture_reply (fixture->session, second->serial, 2, NULL);
  g_assert_cmpstr (toast (fixture), ==, "2 torrents added");

  /* The snapshot comes later; the one that was added last is then selected. */
  session_fixture_show (fixture->session, 1, "a", SHOAL_TORRENT_METADATA);
  session_fixture_show (fixture->session, 2, "b", SHOAL_TORRENT_METADATA);
  session_fixture_settle ();
  list = session_fixture_find (fixture->window, GTK_TYPE_LIST_VIEW, NULL);
  selection = GTK_SINGLE_SELECTION (gtk_list_view_get_model (list));
  selected = gtk_single_selection_get_selected_item (selection);
  g_assert_nonnull (selected);
  g_assert_cmpuint (shoal_torrent_get_id (selected), ==, 2);
}

static void
test_open_fails (Fixture      *fixture,
                 gconstpointer data)
{
  g_autoptr(GFile) magnet = g_file_new_for_uri (MAGNET);
  g_autoptr(ShoalCommand) command = NULL;

  shoal_window_add_files (fixture->window, &magnet, 1);
  command = session_fixture_take (fixture->session, SHOAL_COMMAND_ADD);
  session_fixture_reply (fixture->session, command->serial, 0,
                         g_error_new (G_IO_ERROR, G_IO_ERROR_NO_SPACE, "full"));
  g_assert_cmpstr (toast (fixture), ==, "The disk is full. Make room and try again.");
}

static void
test_paste (Fixture      *fixture,
            gconstpointer data)
{
  GdkClipboard *clipboard = gtk_widget_get_clipboard (GTK_WIDGET (fixture->window));
  g_autoptr(ShoalCommand) command = NULL;

  gdk_clipboard_set_text (clipboard, " " MAGNET "\n");
  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (fixture->window), "win.paste", NULL));
  session_fixture_settle ();
  command = session_fixture_take (fixture->session, SHOAL_COMMAND_ADD);
  g_assert_nonnull (command);
  g_assert_cmpstr (command->add->uri, ==, MAGNET);
  session_fixture_reply (fixture->session, command->serial, 1, NULL);

  gdk_clipboard_set_text (clipboard, "no link");
  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (fixture->window), "win.paste", NULL));
  session_fixture_settle ();
  g_assert_null (session_fixture_take (fixture->session, SHOAL_COMMAND_ADD));
}

int
main (int   argc,
      char *argv[])
{
  session_fixture_init_test (&argc, &argv);

#define ADD(name, func) g_test_add ("/ui/window/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("pages", test_pages);
  ADD ("names", test_names);
  ADD ("row-in-list", test_row_in_list);
  ADD ("actions", test_actions);
  ADD ("keys", test_keys);
  ADD ("remove", test_remove);
  ADD ("open-links", test_open_links);
  ADD ("open-fails", test_open_fails);
  ADD ("paste", test_paste);
#undef ADD

  return g_test_run ();
}
