/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialog that asks what becomes of the files of a torrent that is removed. */

#pragma once

#include <adwaita.h>

#include "shoal-torrent.h"

G_BEGIN_DECLS

#define SHOAL_TYPE_REMOVE_DIALOG (shoal_remove_dialog_get_type ())
G_DECLARE_FINAL_TYPE (ShoalRemoveDialog, shoal_remove_dialog, SHOAL, REMOVE_DIALOG,
                      AdwMessageDialog)

/* The response is "keep", "trash" or "cancel". */
ShoalRemoveDialog *shoal_remove_dialog_new    (GtkWindow *parent, ShoalTorrent *torrent);
guint64            shoal_remove_dialog_get_id (ShoalRemoveDialog *self);   /* of the torrent */

G_END_DECLS
