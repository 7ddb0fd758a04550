/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Enums and plain values that a user can see; the only part of the lower layers that the window
 * knows. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ShoalTorrentState:
 * @SHOAL_TORRENT_PAUSED: stopped by the user; no traffic, no disk use
 * @SHOAL_TORRENT_QUEUED: waits for its turn
 * @SHOAL_TORRENT_METADATA: a magnet link whose info dictionary is being fetched
 * @SHOAL_TORRENT_CHECKING: data on disk is compared with the hashes
 * @SHOAL_TORRENT_DOWNLOADING: wanted pieces are missing
 * @SHOAL_TORRENT_SEEDING: every wanted piece is had
 * @SHOAL_TORRENT_FAILED: stopped by an error, see #ShoalReason
 */
typedef enum
{
  SHOAL_TORRENT_PAUSED,
  SHOAL_TORRENT_QUEUED,
  SHOAL_TORRENT_METADATA,
  SHOAL_TORRENT_CHECKING,
  SHOAL_TORRENT_DOWNLOADING,
  SHOAL_TORRENT_SEEDING,
  SHOAL_TORRENT_FAILED,
  SHOAL_N_TORRENT_STATES,
} ShoalTorrentState;

/**
 * ShoalReason:
 *
 * Why a torrent is in %SHOAL_TORRENT_FAILED; each is something that the user can act on.
 */
typedef enum
{
  SHOAL_REASON_NONE,
  SHOAL_REASON_DISK_FULL,
  SHOAL_REASON_NO_PERMISSION,
  SHOAL_REASON_FOLDER_GONE,
  SHOAL_REASON_DATA_MISSING,   /* files that were complete are gone or short */
  SHOAL_REASON_READ_ONLY,
  SHOAL_REASON_IO,             /* any other error of the disk */
  SHOAL_REASON_BAD_METADATA,   /* hybrid halves disagree, or the info dictionary is unusable */
  SHOAL_N_REASONS,
} ShoalReason;

/** ShoalPriority: how much a file is wanted. Stored in resume records: never renumber. */
typedef enum
{
  SHOAL_PRIORITY_SKIP,
  SHOAL_PRIORITY_LOW,
  SHOAL_PRIORITY_NORMAL,
  SHOAL_PRIORITY_HIGH,
  SHOAL_N_PRIORITIES,
} ShoalPriority;

/** ShoalRemoveMode: what becomes of the data of a torrent that is removed. */
typedef enum
{
  SHOAL_REMOVE_KEEP_DATA,
  SHOAL_REMOVE_TRASH_DATA,
  SHOAL_REMOVE_DELETE_DATA,
} ShoalRemoveMode;

/** ShoalTrackerState: what a tracker is doing. */
typedef enum
{
  SHOAL_TRACKER_IDLE,          /* not asked yet */
  SHOAL_TRACKER_ANNOUNCING,
  SHOAL_TRACKER_WORKING,       /* the last announce was answered */
  SHOAL_TRACKER_FAILING,       /* the last announce failed; it will be tried again */
} ShoalTrackerState;

/** ShoalEncryption: message stream encryption wanted by the user. */
typedef enum
{
  SHOAL_ENCRYPTION_OFF,
  SHOAL_ENCRYPTION_PREFER,
  SHOAL_ENCRYPTION_REQUIRE,
} ShoalEncryption;

/** ShoalPeerSource: where a peer's address came from (bits). */
typedef enum
{
  SHOAL_PEER_SOURCE_TRACKER  = 1 << 0,
  SHOAL_PEER_SOURCE_USER     = 1 << 1,
  SHOAL_PEER_SOURCE_INCOMING = 1 << 2,
  SHOAL_PEER_SOURCE_MAGNET   = 1 << 3,
  SHOAL_PEER_SOURCE_RESUME   = 1 << 4,
  SHOAL_PEER_SOURCE_PEX      = 1 << 5,
  SHOAL_PEER_SOURCE_LSD      = 1 << 6,
  SHOAL_PEER_SOURCE_DHT      = 1 << 7,
} ShoalPeerSource;

/** ShoalPeerFlag: what goes on between a peer and us (bits), in the order of the letters that
 * clients show: "DdUuOSIK?EeXHLP". */
typedef enum
{
  SHOAL_PEER_DOWNLOADING   = 1 << 0,    /* D: we want something of it, and may have it */
  SHOAL_PEER_WANTED        = 1 << 1,    /* d: we want something, it does not let us */
  SHOAL_PEER_UPLOADING     = 1 << 2,    /* U: it wants something, and may have it */
  SHOAL_PEER_WAITING       = 1 << 3,    /* u: it wants something, we do not let it */
  SHOAL_PEER_OPTIMISTIC    = 1 << 4,    /* O: it may, by chance */
  SHOAL_PEER_SNUBBED       = 1 << 5,    /* S: it promised much and sends nothing */
  SHOAL_PEER_INCOMING      = 1 << 6,    /* I: it came to us */
  SHOAL_PEER_UNUSED        = 1 << 7,    /* K: it lets us, we want nothing */
  SHOAL_PEER_UNUSED_BY_IT  = 1 << 8,    /* ?: we let it, it wants nothing */
  SHOAL_PEER_ENCRYPTED     = 1 << 9,    /* E: all that is said is enciphered */
  SHOAL_PEER_ENCRYPTED_HANDSHAKE = 1 << 10,   /* e: the handshake alone was */
  SHOAL_PEER_FROM_PEX      = 1 << 11,   /* X */
  SHOAL_PEER_FROM_DHT      = 1 << 12,   /* H */
  SHOAL_PEER_FROM_LSD      = 1 << 13,   /* L */
  SHOAL_PEER_UTP           = 1 << 14,   /* P */
  SHOAL_N_PEER_FLAGS       = 15,
} ShoalPeerFlag;

/** ShoalViewMask: what a view wants to see (bits); the lists are of one torrent. */
typedef enum
{
  SHOAL_VIEW_STATS    = 1 << 0,
  SHOAL_VIEW_PEERS    = 1 << 1,
  SHOAL_VIEW_TRACKERS = 1 << 2,
} ShoalViewMask;

/** ShoalMapState: what becomes of asking the gateway for a port. */
typedef enum
{
  SHOAL_MAP_OFF,               /* not wanted, or there is no port to be reached at */
  SHOAL_MAP_SEARCHING,
  SHOAL_MAP_DONE,
  SHOAL_MAP_FAILED,            /* it is tried again from time to time, and when the network
                                * changes */
} ShoalMapState;

/** ShoalMapMethod: how a gateway is asked. */
typedef enum
{
  SHOAL_MAP_METHOD_NONE,
  SHOAL_MAP_METHOD_PCP,
  SHOAL_MAP_METHOD_NAT_PMP,
  SHOAL_MAP_METHOD_UPNP,
} ShoalMapMethod;

/** ShoalMapReason: why there is no port. */
typedef enum
{
  SHOAL_MAP_REASON_NONE,
  SHOAL_MAP_REASON_NO_GATEWAY, /* no way to the world that has one */
  SHOAL_MAP_REASON_NO_ANSWER,  /* the gateway speaks none of the methods */
  SHOAL_MAP_REASON_REFUSED,
} ShoalMapReason;

#define SHOAL_MAPPING_ADDRESS_MAX 48   /* bytes, with NUL */

/**
 * ShoalMapping:
 * Without padding, so that two of them can be compared by memcmp().
 *
 * @tcp_port: at the gateway's outer side; 0: none
 * @udp_port: likewise
 * @address: outer address of the gateway as it tells; "": it does not
 * @nested: that address is private: another gateway is in between, so the port cannot be reached
 * from outside
 * @ipv6: of our ports at the gateway's firewall for IPv6, where nothing is translated
 */
typedef struct
{
  ShoalMapState  state;
  ShoalMapMethod method;
  ShoalMapReason reason;
  guint16        tcp_port;
  guint16        udp_port;
  gboolean       nested;
  ShoalMapState  ipv6;
  char           address[SHOAL_MAPPING_ADDRESS_MAX];
} ShoalMapping;

#define SHOAL_ETA_UNKNOWN (-1)   /* seconds left are not known */

G_END_DECLS
