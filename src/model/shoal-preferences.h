/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user chose for the whole session, as properties; each is kept in its range. */

#pragma once

#include <gio/gio.h>
#include "shoal-terms.h"

G_BEGIN_DECLS

#define SHOAL_SCHEMA_ID "io.github.shoalbt.Shoal"

#define SHOAL_TYPE_PREFERENCES (shoal_preferences_get_type ())
G_DECLARE_FINAL_TYPE (ShoalPreferences, shoal_preferences, SHOAL, PREFERENCES, GObject)

/**
 * ShoalPreferences:
 *
 * UI thread. Properties, all readable and writable, in brackets the range and what a new object
 * has:
 *
 * - `download-dir` (string): folder for new torrents; "" or what is not an absolute path: the
 *   user's Downloads
 * - `bind` (string): the interface or address that everything goes through, and nothing past it;
 *   "": any ("")
 * - `dns` (string): numeric addresses of name servers, between spaces; "": the system's, or none
 *   while bound ("")
 * - `proxy` (string): "socks5://user:password@host:port" or "http://…"; "": none ("")
 * - `proxy-all` (boolean): nothing at all goes past the proxy (FALSE)
 * - `port` (uint): where peers reach us (0 … 65535; 26413); 0: any free port
 * - `limit-down`, `limit-up` (uint): KiB a second for the whole session; 0: no limit (0)
 * - `max-peers` (uint): connected peers in all (2 … 10000; 500)
 * - `max-peers-torrent` (uint): for each torrent (2 … 10000; 55)
 * - `part-suffix` (boolean): ".part" on files while they are incomplete (TRUE)
 * - `max-active-downloads` (uint): the others wait; 0: no limit (0)
 * - `seed-ratio` (double): stop seeding then; 0: no limit (0 … 1000; 0)
 * - `seed-minutes` (uint): likewise (0)
 * - `add-paused` (boolean): new torrents wait for the user (FALSE)
 * - `encryption` (uint, a #ShoalEncryption): of connections to peers (PREFER)
 * - `use-dht` (boolean): search and announce in the distributed hash table (TRUE)
 * - `dht-routers` (string): host:port between spaces: whom to ask while nobody else is known there
 * - `port-mapping` (boolean): ask the router for an open port (TRUE)
 * - `use-tcp`, `use-trackers` (boolean): never stored (TRUE)
 *
 * Except for the last two each is a key of %SHOAL_SCHEMA_ID of the same name.
 *
 * Signal `changed (ShoalPreferences *self)`: from an idle source, once however many properties
 * changed.
 */

/* @settings: (nullable): of %SHOAL_SCHEMA_ID; both are then bound to each other. %NULL: nothing is
 * stored. */
ShoalPreferences *shoal_preferences_new              (GSettings *settings);
/* (transfer none) (nullable): e.g. for keys of the window's own */
GSettings        *shoal_preferences_get_settings     (ShoalPreferences *self);
/* (transfer full): the folder in use, never empty: `download-dir`, or the user's Downloads */
/* the default one is made if it is missing */
char             *shoal_preferences_dup_download_dir (ShoalPreferences *self);

G_END_DECLS
