/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Web servers that have the torrent's file; how good one is stands in its link. */

#pragma once

#include "shoal-host.h"
#include "sim-torrent.h"

G_BEGIN_DECLS

/**
 * sim_web_add_seeds:
 * @urls: of links such as "http://web.test/f?rate=100000&lies=1"
 *
 * Makes them the torrent's web seeds. What a link may say: `rate` bytes a second of each answer;
 * `lies` (every so many chunks is wrong), `fails` (percent of requests that are answered with 503),
 * `breaks` (percent of chunks after which the connection is lost), `stalls` (percent of answers
 * that stop coming).
 */
void   sim_web_add_seeds (SimTorrent *torrent, const char *const *urls);

/* The next step of an answer, in the engine's turn: gives the sink what the time allows. Returns
 * when to call again; 0: it is over. */
gint64 sim_web_step      (SimWorld *world, ShoalFetch *fetch, guint64 *received);

G_END_DECLS
