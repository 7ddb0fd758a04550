/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The question before a torrent is removed. */

#include "session-fixture.h"
#include "shoal-remove-dialog.h"

static ShoalRemoveDialog *
make (ShoalSession     *session,
      const char       *name,
      ShoalTorrentState state)
{
  session_fixture_show (session, 7, name, state);

  return shoal_remove_dialog_new (NULL,
                                  shoal_torrent_list_lookup (shoal_session_get_torrents (session),
                                                             7));
}

static void
test_with_files (void)
{
  g_autoptr(ShoalSession) session = session_fixture_new ();
  ShoalRemoveDialog *dialog = make (session, "<b>50%</b> & more", SHOAL_TORRENT_DOWNLOADING);
  AdwMessageDialog *message = ADW_MESSAGE_DIALOG (dialog);

  g_assert_cmpuint (shoal_remove_dialog_get_id (dialog), ==, 7);
  g_assert_cmpstr (adw_message_dialog_get_heading (message), ==, "Remove “<b>50%</b> & more”?");
  g_assert_nonnull (strstr (adw_message_dialog_get_body (message), "/data"));
  g_assert_true (adw_message_dialog_get_response_enabled (message, "trash"));
  g_assert_cmpstr (adw_message_dialog_get_close_response (message), ==, "cancel");

  gtk_window_destroy (GTK_WINDOW (dialog));
}

static void
test_without_files (void)
{
  g_autoptr(ShoalSession) session = session_fixture_new ();
  ShoalRemoveDialog *dialog = make (session, "a", SHOAL_TORRENT_METADATA);

  g_assert_false (adw_message_dialog_get_response_enabled (ADW_MESSAGE_DIALOG (dialog), "trash"));
  g_assert_true (adw_message_dialog_get_response_enabled (ADW_MESSAGE_DIALOG (dialog), "keep"));

  gtk_window_destroy (GTK_WINDOW (dialog));
}

int
main (int   argc,
      char *argv[])
{
  session_fixture_init_test (&argc, &argv);

  g_test_add_func ("/ui/remove-dialog/with-files", test_with_files);
  g_test_add_func ("/ui/remove-dialog/without-files", test_without_files);

  return g_test_run ();
}
