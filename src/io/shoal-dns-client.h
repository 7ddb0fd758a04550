/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asks name servers of the user's choice, over sockets that keep to the binding; the system's
 * resolver never hears of it. */

#pragma once

#include "shoal-socket.h"

G_BEGIN_DECLS

#define SHOAL_DNS_SERVERS_MAX  4
#define SHOAL_DNS_CACHE_MAX    1024   /* names */

/**
 * ShoalDnsClient:
 *
 * Lives on the thread-default context of the thread that made it, which must be iterated. A new one
 * leaves names to the system.
 */
typedef struct _ShoalDnsClient ShoalDnsClient;
typedef struct _ShoalDnsCall   ShoalDnsCall;

/* @addrs: IPv6 first, port 0, borrowed. @error: (nullable): why there are none */
typedef void (*ShoalDnsFunc) (const ShoalAddr *addrs, guint n_addrs, const char *error,
                              gpointer user_data);

/* @binding: (nullable): borrowed for good */
ShoalDnsClient *shoal_dns_client_new       (const ShoalBinding *binding);
/* Calls that are not answered yet never will be. */
void            shoal_dns_client_free      (ShoalDnsClient *self);

/**
 * shoal_dns_client_configure:
 * @servers: numeric addresses, with a port if it is not 53, between spaces; what is none is left
 * out
 * @refusal: (nullable): what names fail with where there is no server; %NULL: then they are left to
 * the system
 *
 * Replaces what was configured, forgets every answer and ends what is under way with an error.
 */
void            shoal_dns_client_configure (ShoalDnsClient *self, const char *servers,
                                            const char *refusal);
/* Nobody has to ask here: the system's resolver may be used. */
gboolean        shoal_dns_client_is_idle   (const ShoalDnsClient *self);

/* @func is called once, never from inside of this call, unless the call is dropped before. */
ShoalDnsCall   *shoal_dns_client_lookup    (ShoalDnsClient *self, const char *host,
                                            ShoalDnsFunc func, gpointer user_data);
void            shoal_dns_call_drop        (ShoalDnsCall *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalDnsClient, shoal_dns_client_free)

G_END_DECLS
