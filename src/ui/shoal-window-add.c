/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window's ways to add torrents: files, links, the file chooser, the dialog for a link. */

/* What is added together is one batch: a toast tells of all that worked, and each error has its
 * own. The session reads the files; nothing here touches the disk. */

#include "shoal-window-private.h"

#include <glib/gi18n-lib.h>

#include "shoal-link-dialog.h"

typedef struct
{
  ShoalWindow *window;    /* (owned) */
  guint        n_open;    /* not answered yet; one more while the batch is filled */
  guint        n_added;
  guint64      last_id;
} ShoalAddBatch;

static ShoalAddBatch *
batch_new (ShoalWindow *window)
{
  ShoalAddBatch *batch = g_new0 (ShoalAddBatch, 1);

  batch->window = g_object_ref (window);
  batch->n_open = 1;

  return batch;
}

/* One is answered; after the last the batch is freed. */
static void
batch_close_one (ShoalAddBatch *batch)
{
  g_autofree char *text = NULL;

  if (--batch->n_open > 0)
    return;

  if (batch->n_added > 0)
    {
      text = g_strdup_printf (ngettext ("Torrent added", "%u torrents added", batch->n_added),
                              batch->n_added);
      shoal_window_toast (batch->window, text);
    }
  if (batch->last_id != 0 && batch->window->session != NULL)
    shoal_window_reveal (batch->window, batch->last_id);

  g_object_unref (batch->window);
  g_free (batch);
}

static void
added_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  ShoalAddBatch *batch = user_data;
  g_autoptr(GError) error = NULL;
  guint64 id = 0;

  if (shoal_session_add_finish (SHOAL_SESSION (source), result, &id, &error))
    batch->n_added++;
  else
    shoal_window_toast_error (batch->window, error);

  /* A duplicate tells the torrent that is there already. */
  if (id != 0)
    batch->last_id = id;

  batch_close_one (batch);
}

static void
batch_add_link (ShoalAddBatch *batch,
                const char    *link)
{
  batch->n_open++;
  shoal_session_add_uri_async (batch->window->session, link, NULL, NULL, added_cb, batch);
}

static void
batch_add_file (ShoalAddBatch *batch,
                GFile         *file)
{
  g_autofree char *uri = NULL;

  if (g_file_has_uri_scheme (file, "magnet") || g_file_has_uri_scheme (file, "http")
      || g_file_has_uri_scheme (file, "https"))
    {
      uri = g_file_get_uri (file);
      batch_add_link (batch, uri);
      return;
    }

  batch->n_open++;
  shoal_session_add_file_async (batch->window->session, file, NULL, NULL, added_cb, batch);
}

void
shoal_window_add_files (ShoalWindow *self,
                        GFile      **files,
                        guint        n_files)
{
  ShoalAddBatch *batch;

  g_return_if_fail (SHOAL_IS_WINDOW (self));

  if (self->session == NULL)
    return;

  batch = batch_new (self);
  for (guint i = 0; i < n_files; i++)
    batch_add_file (batch, files[i]);
  batch_close_one (batch);
}

void
shoal_window_add_file_list (ShoalWindow *self,
                            GSList      *files)
{
  g_autoptr(GPtrArray) array = g_ptr_array_new ();

  for (GSList *l = files; l != NULL; l = l->next)
    g_ptr_array_add (array, l->data);

  shoal_window_add_files (self, (GFile **) array->pdata, array->len);
}

void
shoal_window_add_links (ShoalWindow *self,
                        char       **links)
{
  ShoalAddBatch *batch;

  if (self->session == NULL)
    return;

  batch = batch_new (self);
  for (guint i = 0; links[i] != NULL; i++)
    batch_add_link (batch, links[i]);
  batch_close_one (batch);
}

static void
file_chosen_cb (ShoalWindow *self,
                int          response)
{
  g_autoptr(GListModel) model = NULL;
  g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func (g_object_unref);

  if (response == GTK_RESPONSE_ACCEPT)
    {
      model = gtk_file_chooser_get_files (GTK_FILE_CHOOSER (self->chooser));
      for (guint i = 0; i < g_list_model_get_n_items (model); i++)
        g_ptr_array_add (files, g_list_model_get_item (model, i));
      shoal_window_add_files (self, (GFile **) files->pdata, files->len);
    }

  gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
  g_clear_object (&self->chooser);
}

static void
add_file_action (GtkWidget  *widget,
                 const char *action_name,
                 GVariant   *parameter)
{
  ShoalWindow *self = SHOAL_WINDOW (widget);
  g_autoptr(GtkFileFilter) torrents = NULL;
  g_autoptr(GtkFileFilter) all = NULL;
  GtkFileChooser *chooser;

  if (self->chooser != NULL)
    return;

  self->chooser = gtk_file_chooser_native_new (_("Add Torrent Files"), GTK_WINDOW (self),
                                               GTK_FILE_CHOOSER_ACTION_OPEN, _("_Add"), NULL);
  chooser = GTK_FILE_CHOOSER (self->chooser);

  torrents = gtk_file_filter_new ();
  gtk_file_filter_set_name (torrents, _("Torrent Files"));
  gtk_file_filter_add_mime_type (torrents, "application/x-bittorrent");
  gtk_file_filter_add_suffix (torrents, "torrent");
  gtk_file_chooser_add_filter (chooser, torrents);

  all = gtk_file_filter_new ();
  gtk_file_filter_set_name (all, _("All Files"));
  gtk_file_filter_add_pattern (all, "*");
  gtk_file_chooser_add_filter (chooser, all);

  gtk_file_chooser_set_select_multiple (chooser, TRUE);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  g_signal_connect_object (self->chooser, "response", G_CALLBACK (file_chosen_cb), self,
                           G_CONNECT_SWAPPED);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

static void
link_response_cb (ShoalWindow     *self,
                  const char      *response,
                  ShoalLinkDialog *dialog)
{
  g_auto(GStrv) links = NULL;

  if (!g_str_equal (response, "add"))
    return;

  links = shoal_link_dialog_dup_links (dialog);
  shoal_window_add_links (self, links);
}

static void
add_link_action (GtkWidget  *widget,
                 const char *action_name,
                 GVariant   *parameter)
{
  ShoalLinkDialog *dialog = shoal_link_dialog_new (GTK_WINDOW (widget));

  g_signal_connect_object (dialog, "response", G_CALLBACK (link_response_cb), widget,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

void
shoal_window_install_add_actions (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "win.add-file", NULL, add_file_action);
  gtk_widget_class_install_action (widget_class, "win.add-link", NULL, add_link_action);
}
