/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP for trackers and links to .torrent files, with limits of size, time and redirects. */

#pragma once

#include <gio/gio.h>
#include "shoal-host.h"

G_BEGIN_DECLS

#define SHOAL_HTTP_REDIRECTS 5   /* at most */

typedef struct _ShoalHttp ShoalHttp;

typedef void (*ShoalFetchFunc) (ShoalFetch *request, gpointer user_data);

/* Works on the thread-default context of the caller, which must be iterated. */
ShoalHttp *shoal_http_new   (ShoalFetchFunc answered, gpointer user_data);
/* What is not answered yet is answered with an error first; iterates the context. */
void       shoal_http_free  (ShoalHttp *self);
/* Comes back through @answered exactly once; from inside of this call if the link is of no use. */
void       shoal_http_fetch (ShoalHttp *self, ShoalFetch *request);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalHttp, shoal_http_free)

G_END_DECLS
