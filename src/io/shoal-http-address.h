/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The address of a server whose name is asked of our own name servers. */

#pragma once

#include <gio/gio.h>
#include "shoal-dns-client.h"

G_BEGIN_DECLS

#define SHOAL_TYPE_HTTP_ADDRESS (shoal_http_address_get_type ())
G_DECLARE_FINAL_TYPE (ShoalHttpAddress, shoal_http_address, SHOAL, HTTP_ADDRESS, GNetworkAddress)

/* @family: NONE: of any that @binding (nullable) has. Both are borrowed and outlive every use of
 * it. A #GNetworkAddress, so that certificates are compared with its name. */
GSocketConnectable *shoal_http_address_new (ShoalDnsClient *dns, const ShoalBinding *binding,
                                            ShoalFamily family, const char *host, guint16 port);

G_END_DECLS
