/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session without an engine, whose two mailboxes the test holds. */

#pragma once

#include "shoal-session.h"
#include "shoal-mail.h"

G_BEGIN_DECLS

/* GTK for tests, libadwaita, and the resources of the window's library. */
void          session_fixture_init_test (int *argc, char ***argv);

/* (transfer full): ready, without torrents. */
ShoalSession *session_fixture_new       (void);
/* A torrent as the engine would tell of it: 1000 bytes in "/data", a quarter had; downloading at 1
 * kB/s. */
void          session_fixture_show      (ShoalSession *session, guint64 id, const char *name,
                                         ShoalTorrentState state);
/* The same, with @n_seeds connected, and @seeds (and as many downloads) and @leechers that a
 * tracker counts. */
void          session_fixture_show_counted (ShoalSession *session, guint64 id, const char *name,
                                            ShoalTorrentState state, guint n_seeds, gint64 seeds,
                                            gint64 leechers);
void          session_fixture_forget    (ShoalSession *session, guint64 id);
/* (transfer full) (nullable): the next command of @type; those before it are dropped. */
ShoalCommand *session_fixture_take      (ShoalSession *session, ShoalCommandType type);
/* @error: (transfer full) (nullable) */
void          session_fixture_reply     (ShoalSession *session, guint64 serial, guint64 id,
                                         GError *error);
void          session_fixture_info      (ShoalSession *session, guint64 serial, guint64 id,
                                         const char *magnet);

/* Runs what is pending. */
void          session_fixture_settle    (void);
/* (transfer none) (nullable): below @widget, the first with this type name, or the name of its
 * template. */
gpointer      session_fixture_find      (gpointer widget, GType type, const char *id);

G_END_DECLS
