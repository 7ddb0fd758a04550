/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UDP trackers: packets of BEP 15, with the URL data of BEP 41 and scrapes of BEP 48. */

#pragma once

#include <glib.h>
#include "shoal-announce.h"

G_BEGIN_DECLS

#define SHOAL_UDP_TRACKER_PACKET_MAX 2048u   /* bytes of a request */
/* Torrents in a scrape. BEP 15 has room for about 74; so many are never cut in two, whatever the
 * way (1,280 bytes of IPv6). */
#define SHOAL_UDP_TRACKER_SCRAPE_MAX 60u

typedef enum
{
  SHOAL_UDP_TRACKER_CONNECT  = 0,
  SHOAL_UDP_TRACKER_ANNOUNCE = 1,
  SHOAL_UDP_TRACKER_SCRAPE   = 2,
  SHOAL_UDP_TRACKER_ERROR    = 3,
} ShoalUdpTrackerAction;

/* Writers return the packet's size in bytes; @out has SHOAL_UDP_TRACKER_PACKET_MAX bytes. */
gsize    shoal_udp_tracker_write_connect  (guint8 *out, guint32 transaction);
/* @path_and_query: (nullable): "/announce?x=y" of the tracker's URL, sent as BEP 41 options unless
 * it is "" or "/". */
gsize    shoal_udp_tracker_write_announce (guint8 *out, guint64 connection, guint32 transaction,
                                           const ShoalAnnounce *announce,
                                           const char *path_and_query);
gsize    shoal_udp_tracker_write_scrape   (guint8 *out, guint64 connection, guint32 transaction,
                                           const ShoalSha1 *info_hashes, guint n);

/* The head of an answer: FALSE if it is too short or of an unknown action. */
gboolean shoal_udp_tracker_peek           (const guint8 *bytes, gsize size,
                                           ShoalUdpTrackerAction *action, guint32 *transaction);
gboolean shoal_udp_tracker_parse_connect  (const guint8 *bytes, gsize size, guint64 *connection);
/* @family: of the tracker's address: peers in the answer are of the same. */
gboolean shoal_udp_tracker_parse_announce (ShoalAnnounceAnswer *out, ShoalFamily family,
                                           const guint8 *bytes, gsize size);
/* The first counts of @n; FALSE if there is none. */
gboolean shoal_udp_tracker_parse_scrape   (ShoalAnnounceAnswer *out, guint n, const guint8 *bytes,
                                           gsize size);
/* sets failure */
gboolean shoal_udp_tracker_parse_error    (ShoalAnnounceAnswer *out, const guint8 *bytes,
                                           gsize size);

G_END_DECLS
