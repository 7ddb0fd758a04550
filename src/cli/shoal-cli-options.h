/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines, and the options that concern a whole session. */

#pragma once

#include <glib.h>
#include "shoal-preferences.h"

G_BEGIN_DECLS

/**
 * ShoalCliSession:
 *
 * What download and serve have in common, as given. Zeroed with shoal_cli_session_init().
 */
typedef struct
{
  char    *state;              /* nullable: as the rest */
  int      port;
  char    *bind;
  gboolean no_dht;
  char   **dht_routers;        /* nullable: instead of the usual ones */
  gboolean no_lsd;
  gboolean no_pex;
  char    *filter;
  gboolean no_utp;
  gboolean no_tcp;
  gboolean no_trackers;
  gboolean no_portmap;
  char    *encryption;
  char   **dns;
  char    *proxy;
  gboolean proxy_all;
  int      limit_down;         /* KiB a second; -1: not given */
  int      limit_up;
  int      max_peers;          /* -1: not given */
} ShoalCliSession;

void              shoal_cli_session_init        (ShoalCliSession *self);
void              shoal_cli_session_clear       (ShoalCliSession *self);
/* (transfer full): for g_free(); filled into @self by parsing */
GOptionEntry     *shoal_cli_session_entries     (ShoalCliSession *self);
/* (transfer full) (nullable): %NULL: something is wrong, and was told */
ShoalPreferences *shoal_cli_session_preferences (const ShoalCliSession *self);

/**
 * shoal_cli_parse:
 * @usage: behind the command's name, e.g. "SOURCE"
 * @summary: what the command does
 * @entries: (array zero-terminated=1)
 * @session: (nullable): entries of shoal_cli_session_entries()
 *
 * Prints the help and exits where it is asked for. FALSE: the command line is wrong, which was
 * told.
 */
gboolean          shoal_cli_parse               (int argc, char **argv, const char *usage,
                                                 const char *summary, const GOptionEntry *entries,
                                                 const GOptionEntry *session);

/* "host:port", "1.2.3.4:port" or "[v6]:port" */
gboolean          shoal_cli_is_peer             (const char *text);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ShoalCliSession, shoal_cli_session_clear)

G_END_DECLS
