/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How HTTP goes out: over sockets that keep to the binding, with names of our own asking, or
 * through a proxy. */

#pragma once

#include <libsoup/soup.h>
#include "shoal-dns-client.h"
#include "shoal-host.h"

G_BEGIN_DECLS

/**
 * ShoalHttpWay:
 *
 * The sessions of libsoup, made when they are first needed. Lives on the thread-default context of
 * the thread that made it.
 */
typedef struct _ShoalHttpWay ShoalHttpWay;

/* @binding, @dns: (nullable): borrowed for good */
ShoalHttpWay *shoal_http_way_new     (const ShoalBinding *binding, ShoalDnsClient *dns);
void          shoal_http_way_free    (ShoalHttpWay *self);

/* Everything is another way from now on: connections are closed, requests under way fail. @proxy:
 * (nullable): URL with a numeric address. @refusal: (nullable): nothing goes out, and why */
void          shoal_http_way_replace (ShoalHttpWay *self, const char *proxy, const char *refusal);
/* (nullable): nothing goes out, and why */
const char   *shoal_http_way_refusal (const ShoalHttpWay *self);
/* TRUE: nobody has to look the names of links up before they are fetched. */
gboolean      shoal_http_way_knows_names (const ShoalHttpWay *self);
/* (transfer none): for a request of @use for @uri from an address of @family (NONE: any). */
SoupSession  *shoal_http_way_session (ShoalHttpWay *self, ShoalFetchUse use, ShoalFamily family,
                                      GUri *uri);
/* Every message has to be shown before it is sent. */
void          shoal_http_way_keep    (ShoalHttpWay *self, SoupMessage *message);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalHttpWay, shoal_http_way_free)

G_END_DECLS
