/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The quarks of the error domains. */

#include "shoal-error.h"

G_DEFINE_QUARK (shoal-wire-error-quark, shoal_wire_error)
G_DEFINE_QUARK (shoal-engine-error-quark, shoal_engine_error)
G_DEFINE_QUARK (shoal-store-error-quark, shoal_store_error)
