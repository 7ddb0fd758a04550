/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names to addresses, by the system's resolver or by name servers of the user's choice. */

#pragma once

#include "shoal-dns-client.h"
#include "shoal-host.h"

G_BEGIN_DECLS

#define SHOAL_LOOKUP_MAX 64   /* addresses of one name; more are left out */

typedef struct _ShoalResolver ShoalResolver;

typedef void (*ShoalLookupFunc) (ShoalLookup *query, gpointer user_data);

/* Works on the thread-default context of the caller, which must be iterated. @dns: (nullable):
 * borrowed: asked unless it is idle. */
ShoalResolver *shoal_resolver_new    (ShoalDnsClient *dns, ShoalLookupFunc answered,
                                      gpointer user_data);
/* What is not answered yet is answered with an error first; iterates the context. */
void           shoal_resolver_free   (ShoalResolver *self);
/* Comes back through @answered exactly once; from inside of this call for a numeric address. */
void           shoal_resolver_lookup (ShoalResolver *self, ShoalLookup *query);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalResolver, shoal_resolver_free)

G_END_DECLS
