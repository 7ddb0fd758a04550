/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits and policy of a session as one plain struct. */

#pragma once

#include <glib.h>
#include "shoal-terms.h"

G_BEGIN_DECLS

#define SHOAL_BIND_MAX   64     /* bytes with the NUL: an interface or an address */
#define SHOAL_DNS_MAX    256    /* a few addresses */
#define SHOAL_PROXY_MAX  1024   /* a URL */
#define SHOAL_SOURCE_MAX 1024   /* a path or a link */
#define SHOAL_ROUTERS_MAX 512   /* hosts and ports */

/**
 * ShoalConfig:
 *
 * Sizes in bytes, rates in bytes a second (0: no limit). Passed by value; shoal_config_init() sets
 * the defaults of the comments, shoal_config_clamp() brings every field into its range.
 */
typedef struct
{
  guint16         port;                 /* 0: any free one */
  gboolean        use_tcp;              /* TRUE */
  gboolean        use_utp;              /* TRUE */
  gboolean        tcp_bbr;              /* FALSE: TCP is sent as the system does it */
  gboolean        use_trackers;         /* TRUE */
  char            filter_source[SHOAL_SOURCE_MAX];   /* list of blocked addresses: absolute path or
                                                      * http(s) link; "": none */
  gboolean        use_lsd;              /* TRUE: peers are looked for in the local network */
  gboolean        use_dht;              /* FALSE: torrents without a "private" flag are searched and
                                         * announced in the DHT */
  gboolean        dht_read_only;        /* FALSE: answer nobody there (BEP 43) */
  gboolean        use_pex;              /* TRUE: peers are told of peers, and asked */
  ShoalEncryption encryption;           /* PREFER */
  gboolean        portmap;              /* FALSE: ask the gateway for our ports */
  guint64         limit_down;           /* 0 */
  guint64         limit_up;             /* 0 */
  guint           max_links;            /* 500 in all */
  guint           max_links_torrent;    /* 55 */
  guint           max_links_starved;    /* 80, while a torrent downloads under half of what it
                                         * could */
  guint           max_dialled;          /* 40 self-initiated for each torrent */
  guint           dial_below;           /* 30: dial while fewer are connected */
  guint           max_half_open;        /* 60 in all */
  guint           dials_per_second;     /* 20 in all */
  guint           upload_slots;         /* 4 at least, for each torrent */
  gsize           arena_size;           /* 48 MiB */
  gboolean        part_suffix;          /* TRUE: ".part" on files while they are incomplete */
  guint           max_active_downloads; /* 0: no limit; the rest is QUEUED */
  double          seed_ratio;           /* 0: no limit */
  guint           seed_minutes;         /* 0: no limit */
  char            bind[SHOAL_BIND_MAX];     /* "": the interface or address that everything goes
                                             * through; "": any */
  char            dns[SHOAL_DNS_MAX];       /* "": name servers, numeric, between spaces; "": the
                                             * system's */
  char            proxy[SHOAL_PROXY_MAX];   /* "": socks5://user:password@host:port or http://…; "":
                                             * none */
  char            dht_routers[SHOAL_ROUTERS_MAX];   /* "": host:port between spaces: DHT nodes to
                                                     * begin with; "": none */
  gboolean        proxy_all;            /* FALSE: nothing at all goes past the proxy */
} ShoalConfig;

void     shoal_config_init  (ShoalConfig *self);
/* TRUE if something was out of its range. */
gboolean shoal_config_clamp (ShoalConfig *self);

G_END_DECLS
