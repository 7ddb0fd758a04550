/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP trackers: announce and scrape URLs and their answers (BEP 3, 7, 23, 24, 31, 48). */

#pragma once

#include <glib.h>
#include "shoal-announce.h"

G_BEGIN_DECLS

#define SHOAL_HTTP_TRACKER_SCRAPE_MAX 32u   /* torrents in a URL: 2.3 KiB; servers take 4 to 8 */

/* (transfer full): the tracker's URL with the announce's parameters; what is in its query already
 * stays. */
char    *shoal_http_tracker_announce_url (const char *tracker, const ShoalAnnounce *announce);
/* (transfer full) (nullable): NULL where the tracker's URL has no scrape form (BEP 48). @n: at
 * least 1, at most SHOAL_HTTP_TRACKER_SCRAPE_MAX */
char    *shoal_http_tracker_scrape_url   (const char *tracker, const ShoalSha1 *info_hashes,
                                          guint n);

/* FALSE with a #ShoalWireError if the bytes are no answer. A failure reason is an answer. */
gboolean shoal_http_tracker_parse_announce (ShoalAnnounceAnswer *out, const guint8 *bytes,
                                            gsize size, GError **error);
/* A count for each of the @n torrents: of those that the tracker left out it does not say. */
gboolean shoal_http_tracker_parse_scrape   (ShoalAnnounceAnswer *out, const ShoalSha1 *info_hashes,
                                            guint n, const guint8 *bytes, gsize size,
                                            GError **error);

G_END_DECLS
