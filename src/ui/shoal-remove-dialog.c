/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialog that asks what becomes of the files of a torrent that is removed. */

/* It remembers the torrent by id alone: the torrent may go away while the question stands. */

#include "shoal-remove-dialog.h"

#include <glib/gi18n-lib.h>

struct _ShoalRemoveDialog
{
  AdwMessageDialog parent_instance;

  guint64          id;
};

G_DEFINE_FINAL_TYPE (ShoalRemoveDialog, shoal_remove_dialog, ADW_TYPE_MESSAGE_DIALOG)

static void
shoal_remove_dialog_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), SHOAL_TYPE_REMOVE_DIALOG);

  G_OBJECT_CLASS (shoal_remove_dialog_parent_class)->dispose (object);
}

static void
shoal_remove_dialog_class_init (ShoalRemoveDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = shoal_remove_dialog_dispose;

  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/shoalbt/Shoal/ui/"
                                                             "shoal-remove-dialog.ui");
}

static void
shoal_remove_dialog_init (ShoalRemoveDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

ShoalRemoveDialog *
shoal_remove_dialog_new (GtkWindow    *parent,
                         ShoalTorrent *torrent)
{
  ShoalRemoveDialog *self = g_object_new (SHOAL_TYPE_REMOVE_DIALOG, "transient-for", parent, NULL);
  AdwMessageDialog *dialog = ADW_MESSAGE_DIALOG (self);

  self->id = shoal_torrent_get_id (torrent);
  /* Translators: %s is the name of a torrent */
  adw_message_dialog_format_heading (dialog, _("Remove “%s”?"), shoal_torrent_get_name (torrent));

  if (shoal_torrent_get_has_metadata (torrent))
    {
      /* Translators: %s is a folder */
      adw_message_dialog_format_body (dialog,
                                      _("Its files can stay in “%s” or be moved to the trash."),
                                      shoal_torrent_get_dir (torrent));
    }
  else
    {
      adw_message_dialog_set_body (dialog, _("It has no files yet."));
      adw_message_dialog_set_response_enabled (dialog, "trash", FALSE);
      adw_message_dialog_set_response_label (dialog, "keep", _("_Remove"));
    }

  return self;
}

guint64
shoal_remove_dialog_get_id (ShoalRemoveDialog *self)
{
  g_return_val_if_fail (SHOAL_IS_REMOVE_DIALOG (self), 0);

  return self->id;
}
