/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP for trackers, links to .torrent files and web seeds, with limits of size, time and
 * redirects. */

#pragma once

#include "shoal-http-way.h"

G_BEGIN_DECLS

#define SHOAL_HTTP_REDIRECTS 5   /* at most */

typedef struct _ShoalHttp ShoalHttp;

typedef void (*ShoalFetchFunc) (ShoalFetch *request, gpointer user_data);

/* Some stream wants shoal_http_pump(). */
typedef void (*ShoalHttpWake) (gpointer user_data);

/* Works on the thread-default context of the caller, which must be iterated. */
ShoalHttp *shoal_http_new   (ShoalFetchFunc answered, gpointer user_data);
/* What is not answered yet is answered with an error first; iterates the context. */
void       shoal_http_free  (ShoalHttp *self);
/* @way: borrowed for good; before the first request. Without it requests go out in any way that the
 * system has. */
void       shoal_http_set_way (ShoalHttp *self, ShoalHttpWay *way);
/* Whatever is under way is answered with an error, soon. */
void       shoal_http_cancel_all (ShoalHttp *self, const char *why);
/* Comes back through @answered exactly once; from inside of this call if the link is of no use. */
void       shoal_http_fetch (ShoalHttp *self, ShoalFetch *request);

/* Without it requests with a sink are never answered. */
void       shoal_http_set_wake (ShoalHttp *self, ShoalHttpWake wake);
/* In a turn: what came for the sinks goes there, as much as is there and has room, within
 * limits. */
void       shoal_http_pump   (ShoalHttp *self, gint64 now_us);
/* Whether there is more to pump at once. */
gboolean   shoal_http_is_pending (const ShoalHttp *self);
/* The sink has room again, or the request is cancelled. Only between shoal_http_fetch() and the
 * answer. */
void       shoal_http_attend (ShoalHttp *self, ShoalFetch *request);
/* Bytes that sinks got, ever. */
guint64    shoal_http_moved  (const ShoalHttp *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalHttp, shoal_http_free)

G_END_DECLS
