/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Magnet links: BEP 9, BEP 52 (btmh) and BEP 53 (so). */

#pragma once

#include <glib.h>
#include "shoal-addr.h"
#include "shoal-metainfo.h"

G_BEGIN_DECLS

#define SHOAL_MAGNET_SIZE_MAX (1024u * 1024)   /* bytes of a link */
#define SHOAL_MAGNET_PEERS_MAX 256u

typedef struct { guint32 first, last; } ShoalRange;   /* both included */

/**
 * ShoalMagnet:
 *
 * @trackers has one URL a tier. @peers are "host:port" as given (x.pe); a host may be a name.
 */
typedef struct
{
  ShoalInfoHash hash;
  char         *name;          /* nullable: dn */
  char       ***trackers;      /* tr */
  char        **web_seeds;     /* ws */
  char        **peers;         /* x.pe */
  GArray       *select_only;   /* of ShoalRange, sorted and merged; empty: everything (so) */
  guint64       size;          /* xl; 0: unknown */
} ShoalMagnet;

/* Whether @text begins like a magnet link, in any case. */
gboolean     shoal_magnet_looks_like (const char *text);
ShoalMagnet *shoal_magnet_parse      (const char *uri, GError **error);
void         shoal_magnet_free       (ShoalMagnet *self);
/* (transfer full): parsing it gives the same again */
char        *shoal_magnet_to_uri     (const ShoalMagnet *self);

/* Parses "0,2,4-6" to sorted, merged ranges; NULL with an error. Also what --select takes. */
GArray      *shoal_ranges_parse      (const char *text, GError **error);
gboolean     shoal_ranges_contain    (const GArray *ranges, guint32 index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalMagnet, shoal_magnet_free)

G_END_DECLS
