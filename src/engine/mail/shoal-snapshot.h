/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine looks like at one moment, as values that any thread may hold. */

#pragma once

#include <glib.h>
#include "shoal-terms.h"

G_BEGIN_DECLS

typedef enum
{
  SHOAL_FILE_INFO_PAD        = 1 << 0,
  SHOAL_FILE_INFO_EXECUTABLE = 1 << 1,
  SHOAL_FILE_INFO_HIDDEN     = 1 << 2,
  SHOAL_FILE_INFO_SYMLINK    = 1 << 3,
} ShoalFileInfoFlags;

typedef struct
{
  char              *path;      /* relative to the folder of the torrent, beginning with its name */
  guint64            size;
  ShoalFileInfoFlags flags;
} ShoalFileInfo;

/**
 * ShoalTorrentInfo:
 *
 * What does not change once the metadata is known. Immutable, counted atomically. Before the
 * metadata @n_files is 0. Made when somebody asks (command INFO), not kept for every torrent.
 */
typedef struct
{
  gint           ref_count;
  char          *name;
  char          *hash_v1;        /* (nullable): 40 hex */
  char          *hash_v2;        /* (nullable): 64 hex */
  guint64        total_size;     /* without pad files */
  guint32        piece_size;
  guint32        n_pieces;
  gboolean       is_private;
  char          *comment;        /* (nullable) */
  char          *magnet;
  guint32        n_files;
  ShoalFileInfo *files;
} ShoalTorrentInfo;

ShoalTorrentInfo *shoal_torrent_info_new   (void);
ShoalTorrentInfo *shoal_torrent_info_ref   (ShoalTorrentInfo *self);
void              shoal_torrent_info_unref (ShoalTorrentInfo *self);

/**
 * ShoalTorrentStats:
 *
 * Sizes in bytes, rates in bytes a second.
 */
typedef struct
{
  guint64           id;
  guint64           serial;         /* of its last change */
  char             *name;           /* owned by the snapshot */
  char             *dir;
  char             *hash;           /* 40 hex: v1, or the v2 hash cut short */
  ShoalTorrentState state;
  ShoalReason       reason;         /* of FAILED */
  char             *detail;         /* (nullable): what exactly, e.g. the file; technical English */
  gboolean          has_metadata;
  gboolean          complete;       /* every wanted piece is had */
  guint64           total_size;     /* without pad files; 0 before the metadata */
  guint64           wanted_size;    /* of the files that are not skipped */
  guint64           wanted_had;     /* of those, bytes in verified pieces */
  double            check_progress; /* 0 … 1 while CHECKING */
  double            metadata_progress;
  guint64           downloaded;     /* payload, this torrent, all runs */
  guint64           uploaded;
  guint64           wasted;         /* payload that was had already or failed its hash */
  guint64           rate_down;
  guint64           rate_up;
  guint             n_links;        /* connected peers */
  guint             n_sending;      /* of those, peers that send to us */
  guint             n_receiving;    /* peers that we send to */
  guint             n_seeds;        /* connected peers that have everything */
  guint             n_web_seeds;    /* web seeds that are being asked */
  guint             n_known;        /* addresses in the book */
  gint64            eta_s;          /* seconds left or SHOAL_ETA_UNKNOWN */
  ShoalTrackerState tracker_state;
  gint64            tracker_seeds;  /* that a tracker counts; -1: not known */
  gint64            tracker_leechers;
  gint64            tracker_completed;   /* times, ever */
  char             *tracker_error;  /* (nullable): of the last announce that failed, while none
                                     * works */
  gint64            added_s;
  gint64            completed_s;
  gboolean          sequential;
  gboolean          super_seeding;
} ShoalTorrentStats;

#define SHOAL_PEER_ADDRESS_MAX 64   /* bytes, with NUL */
#define SHOAL_PEER_CLIENT_MAX  64

/**
 * ShoalPeerStats:
 *
 * One connected peer. A plain value.
 */
typedef struct
{
  char    address[SHOAL_PEER_ADDRESS_MAX];   /* with port; unique in a list */
  char    client[SHOAL_PEER_CLIENT_MAX];     /* UTF-8, as it says or as its id tells; "": not
                                              * known */
  guint   sources;                           /* bits of ShoalPeerSource */
  guint   flags;                             /* bits of ShoalPeerFlag */
  double  progress;                          /* 0 … 1 */
  guint64 rate_down;                         /* bytes a second */
  guint64 rate_up;
  guint64 downloaded;                        /* payload over this connection */
  guint64 uploaded;
  gint64  connected_s;                       /* for so long */
} ShoalPeerStats;

/** ShoalTrackerStats: one tracker of a torrent. */
typedef struct
{
  char             *url;        /* owned by the snapshot */
  guint             tier;
  ShoalTrackerState state;
  char             *error;      /* (nullable): of the last announce, if it failed */
  gint64            next_s;     /* seconds until the next announce; -1: none is planned */
  gint64            seeds;      /* as it said last; -1: not known */
  gint64            leechers;
} ShoalTrackerStats;

/**
 * ShoalSnapshot:
 *
 * Immutable, counted atomically. Holds the torrents that changed since the last snapshot of the
 * same view.
 */
typedef struct
{
  gint               ref_count;
  guint              view;
  guint64            serial;
  guint              n_torrents;
  ShoalTorrentStats *torrents;
  guint              mask;          /* ShoalViewMask: what was asked for */
  guint64            id;            /* of the torrent whose lists these are; 0: none, or it is
                                     * gone */
  guint              n_peers;
  ShoalPeerStats    *peers;         /* (nullable): all that are connected */
  guint              n_trackers;
  ShoalTrackerStats *trackers;      /* (nullable): all, in the order of the tiers */
  guint              n_removed;
  guint64           *removed;       /* ids */
  guint64            rate_down;     /* of the session */
  guint64            rate_up;
  guint              n_links;
  guint              n_dht_nodes;    /* that answer; 0 also while the DHT is off */
  guint16            port;          /* listening; 0: not */
  ShoalMapping       mapping;       /* at the gateway */
} ShoalSnapshot;

ShoalSnapshot *shoal_snapshot_new   (guint view, guint n_torrents, guint n_removed);
ShoalSnapshot *shoal_snapshot_ref   (ShoalSnapshot *self);
void           shoal_snapshot_unref (ShoalSnapshot *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalTorrentInfo, shoal_torrent_info_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalSnapshot, shoal_snapshot_unref)

G_END_DECLS
