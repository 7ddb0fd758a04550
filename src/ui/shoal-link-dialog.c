/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialog that asks for a link to add. */

/* It does not know what makes a link good: the session judges it when it is added, and the window
 * tells. */

#include "shoal-link-dialog.h"

#include "shoal-link-text.h"

struct _ShoalLinkDialog
{
  AdwMessageDialog parent_instance;

  GtkEditable     *entry;
  GCancellable    *cancellable;   /* of reading the clipboard */
};

G_DEFINE_FINAL_TYPE (ShoalLinkDialog, shoal_link_dialog, ADW_TYPE_MESSAGE_DIALOG)

static void
clipboard_text_cb (GObject      *source,
                   GAsyncResult *result,
                   gpointer      user_data)
{
  g_autofree char *text = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (source), result, NULL);
  g_auto(GStrv) links = shoal_link_text_find (text);
  ShoalLinkDialog *self;

  /* When cancelled the dialog is gone; a found link means that it is not. */
  if (links[0] == NULL || !shoal_link_text_is_torrent (links[0]))
    return;

  self = SHOAL_LINK_DIALOG (user_data);
  if (self->entry != NULL && *gtk_editable_get_text (self->entry) == '\0')
    {
      gtk_editable_set_text (self->entry, links[0]);
      gtk_editable_select_region (self->entry, 0, -1);
    }
}

static void
entry_changed_cb (ShoalLinkDialog *self)
{
  g_auto(GStrv) links = shoal_link_dialog_dup_links (self);

  adw_message_dialog_set_response_enabled (ADW_MESSAGE_DIALOG (self), "add", links[0] != NULL);
}

static void
shoal_link_dialog_map (GtkWidget *widget)
{
  ShoalLinkDialog *self = SHOAL_LINK_DIALOG (widget);

  GTK_WIDGET_CLASS (shoal_link_dialog_parent_class)->map (widget);

  gtk_widget_grab_focus (GTK_WIDGET (self->entry));
  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (widget), self->cancellable,
                                 clipboard_text_cb, self);
}

static void
shoal_link_dialog_dispose (GObject *object)
{
  ShoalLinkDialog *self = SHOAL_LINK_DIALOG (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  gtk_widget_dispose_template (GTK_WIDGET (self), SHOAL_TYPE_LINK_DIALOG);

  G_OBJECT_CLASS (shoal_link_dialog_parent_class)->dispose (object);
}

static void
shoal_link_dialog_class_init (ShoalLinkDialogClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = shoal_link_dialog_dispose;
  widget_class->map = shoal_link_dialog_map;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/shoalbt/Shoal/ui/shoal-link-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, ShoalLinkDialog, entry);
  gtk_widget_class_bind_template_callback (widget_class, entry_changed_cb);
}

static void
shoal_link_dialog_init (ShoalLinkDialog *self)
{
  self->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}

ShoalLinkDialog *
shoal_link_dialog_new (GtkWindow *parent)
{
  return g_object_new (SHOAL_TYPE_LINK_DIALOG, "transient-for", parent, NULL);
}

char **
shoal_link_dialog_dup_links (ShoalLinkDialog *self)
{
  g_return_val_if_fail (SHOAL_IS_LINK_DIALOG (self), NULL);

  return shoal_link_text_find (gtk_editable_get_text (self->entry));
}
