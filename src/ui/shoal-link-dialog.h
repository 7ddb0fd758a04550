/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialog that asks for a link to add. */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define SHOAL_TYPE_LINK_DIALOG (shoal_link_dialog_get_type ())
G_DECLARE_FINAL_TYPE (ShoalLinkDialog, shoal_link_dialog, SHOAL, LINK_DIALOG, AdwMessageDialog)

/**
 * ShoalLinkDialog:
 *
 * Starts with the link that the clipboard holds, if there is one. The response is "add" or
 * "cancel"; "add" is possible only while the text has a link.
 */

ShoalLinkDialog *shoal_link_dialog_new       (GtkWindow *parent);
/* (transfer full): what the text holds, see shoal_link_text_find() */
char           **shoal_link_dialog_dup_links (ShoalLinkDialog *self);

G_END_DECLS
