/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole client as one object: add, start, pause and remove torrents, and see them in a list. */

#pragma once

#include <gio/gio.h>
#include "shoal-peer-list.h"
#include "shoal-preferences.h"
#include "shoal-terms.h"
#include "shoal-torrent-list.h"

G_BEGIN_DECLS

#define SHOAL_TYPE_SESSION (shoal_session_get_type ())
G_DECLARE_FINAL_TYPE (ShoalSession, shoal_session, SHOAL, SESSION, GObject)

/**
 * ShoalSession:
 *
 * Owns the engine thread. Made and used on one thread, the UI's, on whose thread-default context
 * everything arrives. No call blocks, disposal before shoal_session_quit_async() has finished aside
 * (at most 5 s).
 *
 * Properties, read-only: `torrents` (#ShoalTorrentList), `preferences` (#ShoalPreferences),
 * `n-torrents` (uint), `ready` (boolean: the kept torrents are loaded), `rate-down`, `rate-up`
 * (uint64: bytes a second), `n-peers` (uint), `port` (uint: where peers reach us; 0: nowhere),
 * `listening-error` (string, nullable: a translated sentence), `peers` (#ShoalPeerList), `trackers`
 * (#GListModel of #ShoalTracker): of the torrent on show, `mapping-text` (string, nullable: what
 * the router does for us, a translated sentence; NULL: nothing is asked of it).
 *
 * Signals, each with the id of the torrent (uint64) where it has one; a torrent may not be in the
 * list yet or any more:
 * - `torrent-added (id)`, `torrent-removed (id)`, `torrent-merged (id, id of what is left)`
 * - `torrent-metadata (id, name, hash)`: name and files are known; hash: 40 or 64 hex
 * - `torrent-state (id, state, reason, detail)`: uint, uint, nullable string: entered a state; the
 *   list knows already
 * - `torrent-complete (id)`: every wanted file is complete, synced and has its final name
 * - `loaded (n)`: uint: `ready` has become TRUE with so many kept torrents
 */

/**
 * ShoalAddParams:
 *
 * How to add a torrent; zeroes are the defaults. Copied.
 *
 * @dir: (nullable): absolute folder that will hold the torrent's file or folder; %NULL: the
 * preferences' one
 * @select: (nullable): "0,2,4-6": files to download; the others are skipped
 * @peers: (nullable): "host:port"
 */
typedef struct
{
  const char        *dir;
  const char        *select;
  const char *const *peers;
  gboolean           paused;
  gboolean           sequential;
  gboolean           super_seeding;   /* as the only seed tell each peer of few pieces (BEP 16) */
} ShoalAddParams;

/**
 * shoal_session_new:
 * @state_dir: (nullable): where torrents are kept between runs, made if missing; %NULL: nothing is
 * kept
 * @preferences: (nullable): %NULL: the defaults
 *
 * Returns: (transfer full) (nullable): %NULL with an error, e.g. that another process uses
 * @state_dir
 */
ShoalSession     *shoal_session_new              (const char *state_dir,
                                                  ShoalPreferences *preferences, GError **error);
/* Without an engine, for tests: see shoal-session-private.h. */
ShoalSession     *shoal_session_new_detached     (ShoalPreferences *preferences);
/* The folder in which the window keeps torrents: $XDG_DATA_HOME/shoal. (transfer full) */
char             *shoal_session_default_state_dir (void);

ShoalTorrentList *shoal_session_get_torrents     (ShoalSession *self);   /* (transfer none) */
ShoalPreferences *shoal_session_get_preferences  (ShoalSession *self);   /* (transfer none) */
gboolean          shoal_session_get_ready        (ShoalSession *self);
guint64           shoal_session_get_rate_down    (ShoalSession *self);
guint64           shoal_session_get_rate_up      (ShoalSession *self);
guint             shoal_session_get_n_peers      (ShoalSession *self);
guint             shoal_session_get_port         (ShoalSession *self);
const char       *shoal_session_get_listening_error (ShoalSession *self);   /* (nullable) */

/* The torrent whose `peers` and `trackers` are filled and kept up to date; 0: none, and both are
 * empty. */
void              shoal_session_set_shown        (ShoalSession *self, guint64 id);
ShoalPeerList    *shoal_session_get_peers        (ShoalSession *self);   /* (transfer none) */
/* (transfer none): of #ShoalTracker */
GListModel       *shoal_session_get_trackers     (ShoalSession *self);

/* (transfer none): as of the last snapshot; changes with `mapping-text` */
const ShoalMapping *shoal_session_get_mapping    (ShoalSession *self);
const char       *shoal_session_get_mapping_text (ShoalSession *self);   /* (nullable) */

/* Whether somebody looks at the torrents (at first yes): without, no snapshot is made, and events
 * alone arrive. */
void              shoal_session_set_watched      (ShoalSession *self, gboolean watched);

/**
 * shoal_session_add_uri_async:
 * @uri: a magnet, http or https link; file links and absolute paths are read like
 * shoal_session_add_file_async()
 * @params: (nullable)
 *
 * Ends once the torrent is in the engine. Errors: %SHOAL_WIRE_ERROR, %SHOAL_ENGINE_ERROR
 * (duplicate: shoal_session_add_finish() then tells the id of the one that is there), %G_IO_ERROR.
 * shoal_error_text() has words for them. Cancelling does not take back what the engine has got.
 */
void              shoal_session_add_uri_async    (ShoalSession *self, const char *uri,
                                                  const ShoalAddParams *params,
                                                  GCancellable *cancellable,
                                                  GAsyncReadyCallback callback, gpointer user_data);
/* @bytes: a whole .torrent */
void              shoal_session_add_bytes_async  (ShoalSession *self, GBytes *bytes,
                                                  const ShoalAddParams *params,
                                                  GCancellable *cancellable,
                                                  GAsyncReadyCallback callback, gpointer user_data);
/* @file: a .torrent, of at most 64 MiB */
void              shoal_session_add_file_async   (ShoalSession *self, GFile *file,
                                                  const ShoalAddParams *params,
                                                  GCancellable *cancellable,
                                                  GAsyncReadyCallback callback, gpointer user_data);
/* Of the three. @id: (out) (optional): of the torrent; 0 if there is none */
gboolean          shoal_session_add_finish       (ShoalSession *self, GAsyncResult *result,
                                                  guint64 *id, GError **error);

/* Ends once the data is where @mode says. */
void              shoal_session_remove_async     (ShoalSession *self, guint64 id,
                                                  ShoalRemoveMode mode, GCancellable *cancellable,
                                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean          shoal_session_remove_finish    (ShoalSession *self, GAsyncResult *result,
                                                  GError **error);

/* The magnet link of a torrent, its trackers included. */
void              shoal_session_get_magnet_async  (ShoalSession *self, guint64 id,
                                                   GCancellable *cancellable,
                                                   GAsyncReadyCallback callback,
                                                   gpointer user_data);
/* (transfer full) */
char             *shoal_session_get_magnet_finish (ShoalSession *self, GAsyncResult *result,
                                                   GError **error);

/* of a failed one too */
void              shoal_session_start            (ShoalSession *self, guint64 id);
void              shoal_session_pause            (ShoalSession *self, guint64 id);
void              shoal_session_recheck          (ShoalSession *self, guint64 id);
/* ask the trackers again, as far as they allow */
void              shoal_session_announce         (ShoalSession *self, guint64 id);
/* "host:port" */
void              shoal_session_add_peer         (ShoalSession *self, guint64 id, const char *peer);

/* Tells trackers and peers, saves, and ends the engine (about 3 s at most). Only the last reference
 * may be dropped afterwards. */
void              shoal_session_quit_async       (ShoalSession *self, GAsyncReadyCallback callback,
                                                  gpointer user_data);
gboolean          shoal_session_quit_finish      (ShoalSession *self, GAsyncResult *result,
                                                  GError **error);

G_END_DECLS
