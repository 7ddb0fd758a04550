/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the router does for us, in words. */

#pragma once

#include "shoal-terms.h"

G_BEGIN_DECLS

/* (transfer full) (nullable): a translated sentence; %NULL: nothing is asked of it */
char       *shoal_mapping_text        (const ShoalMapping *mapping);
/* The method's proper name, not translated: "PCP"; "" if there is none. */
const char *shoal_mapping_method_name (ShoalMapMethod method);

G_END_DECLS
