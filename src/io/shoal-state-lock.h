/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps a folder for one process. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ShoalStateLock ShoalStateLock;

/* @dir_fd: the folder, which @dir names in messages. NULL: %SHOAL_STORE_ERROR_IN_USE "in use by
 * process N", or a G_IO_ERROR. */
ShoalStateLock *shoal_state_lock_take (int dir_fd, const char *dir, GError **error);

/* The same without flock(), as on file systems that have none. */
ShoalStateLock *shoal_state_lock_take_plain (int dir_fd, const char *dir, GError **error);
void            shoal_state_lock_free (ShoalStateLock *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalStateLock, shoal_state_lock_free)

G_END_DECLS
