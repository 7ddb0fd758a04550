/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Resume records seen as GSettings. */

#pragma once

#include <gio/gio.h>

#define G_SETTINGS_ENABLE_BACKEND
#include <gio/gsettingsbackend.h>

G_BEGIN_DECLS

/**
 * ShoalResumeRead:
 *
 * Returns: (transfer full) (nullable): the a{sv} of a torrent
 */
typedef GVariant *(*ShoalResumeRead)  (guint64 id, gpointer user_data);
/* @dict: the whole a{sv} after a change; FALSE: it cannot be kept */
typedef gboolean  (*ShoalResumeWrite) (guint64 id, GVariant *dict, gpointer user_data);

#define SHOAL_TYPE_RESUME_BACKEND (shoal_resume_backend_get_type ())
G_DECLARE_FINAL_TYPE (ShoalResumeBackend, shoal_resume_backend, SHOAL, RESUME_BACKEND,
                      GSettingsBackend)

/* Paths are %SHOAL_RESUME_PATH, an id, "/" and a key; nothing else can be written. May be used from
 * any thread. */
GSettingsBackend *shoal_resume_backend_new (ShoalResumeRead read, ShoalResumeWrite write,
                                            gpointer user_data);
/* The record of a torrent was replaced: bound settings look again. */
void              shoal_resume_backend_changed (GSettingsBackend *backend, guint64 id);
/* No record can be reached any more; settings that still live have their defaults. */
void              shoal_resume_backend_detach  (GSettingsBackend *backend);

G_END_DECLS
