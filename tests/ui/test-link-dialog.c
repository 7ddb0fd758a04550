/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialog for a link: what it finds in the clipboard, and when it can be answered. */

#include "session-fixture.h"
#include "shoal-link-dialog.h"

#define MAGNET "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567"

typedef struct
{
  GtkWidget       *parent;
  ShoalLinkDialog *dialog;
  GtkEditable     *entry;
} Fixture;

static void
set_up (Fixture      *fixture,
        gconstpointer data)
{
  fixture->parent = g_object_ref_sink (gtk_window_new ());
  gtk_window_present (GTK_WINDOW (fixture->parent));
  gdk_clipboard_set_text (gtk_widget_get_clipboard (fixture->parent), data);

  fixture->dialog = shoal_link_dialog_new (GTK_WINDOW (fixture->parent));
  gtk_window_present (GTK_WINDOW (fixture->dialog));
  session_fixture_settle ();
  fixture->entry = session_fixture_find (fixture->dialog, ADW_TYPE_ENTRY_ROW, NULL);
}

static void
tear_down (Fixture      *fixture,
           gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->dialog));
  gtk_window_destroy (GTK_WINDOW (fixture->parent));
  g_object_unref (fixture->parent);
}

static gboolean
can_add (Fixture *fixture)
{
  return adw_message_dialog_get_response_enabled (ADW_MESSAGE_DIALOG (fixture->dialog), "add");
}

static void
test_prefilled (Fixture      *fixture,
                gconstpointer data)
{
  g_auto(GStrv) links = shoal_link_dialog_dup_links (fixture->dialog);

  g_assert_cmpstr (gtk_editable_get_text (fixture->entry), ==, MAGNET);
  g_assert_cmpstrv (links, ((const char *[]) { MAGNET, NULL }));
  g_assert_true (can_add (fixture));
}

static void
test_other_clipboard (Fixture      *fixture,
                      gconstpointer data)
{
  g_assert_cmpstr (gtk_editable_get_text (fixture->entry), ==, "");
  g_assert_false (can_add (fixture));

  gtk_editable_set_text (fixture->entry, "https://example.org/x");
  g_assert_true (can_add (fixture));
  gtk_editable_set_text (fixture->entry, "nonsense");
  g_assert_false (can_add (fixture));
}

int
main (int   argc,
      char *argv[])
{
  session_fixture_init_test (&argc, &argv);

  g_test_add ("/ui/link-dialog/prefilled", Fixture, MAGNET, set_up, test_prefilled, tear_down);
  g_test_add ("/ui/link-dialog/other-clipboard", Fixture, "https://example.org/", set_up,
              test_other_clipboard, tear_down);

  return g_test_run ();
}
