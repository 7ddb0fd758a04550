/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The effects: everything that the engine can do to the world, and how the world answers. */

#pragma once

#include <sys/uio.h>
#include "shoal-addr.h"
#include "shoal-bitfield.h"
#include "shoal-filter.h"
#include "shoal-mail.h"
#include "shoal-metainfo.h"
#include "shoal-outbox.h"

G_BEGIN_DECLS

typedef struct _ShoalHost   ShoalHost;
typedef struct _ShoalLink   ShoalLink;
typedef struct _ShoalEngine ShoalEngine;
typedef struct _ShoalDone   ShoalDone;

/**
 * ShoalDone:
 * @func: called by shoal_engine_done(), in a turn, once; takes the request back and frees it
 * @owner: the requester's own; NULL once nobody waits any more
 * @next: free for the host while it has the request
 *
 * Head of every request that is answered later. The host has the request from the call of the
 * effect until it hands it to shoal_engine_done(), which it must do exactly once, also at the end.
 */
struct _ShoalDone
{
  void     (*func) (ShoalDone *done, gint64 now_us);
  gpointer   owner;
  ShoalDone *next;
};

/* --- Disk --- */

typedef enum
{
  SHOAL_DISK_OPEN,     /* take notice of a torrent's storage; creates nothing on disk */
  SHOAL_DISK_PIECE,    /* hash a whole piece from memory; if it is right, write it */
  SHOAL_DISK_SPILL,    /* write unverified runs of a piece to their place */
  SHOAL_DISK_CHECK,    /* compare pieces on disk with their hashes */
  SHOAL_DISK_READ,     /* a block to upload */
  SHOAL_DISK_FINISH,   /* make files with only had pieces final: sync, drop ".part", attributes;
                        * creates zero-size files and symlinks */
  SHOAL_DISK_CLOSE,    /* close every file; the storage is forgotten */
  SHOAL_DISK_REMOVE,   /* as CLOSE, and the data goes as @remove says, record, journal and kept
                        * .torrent too */
  SHOAL_DISK_LOAD,     /* read the kept .torrent of an idle torrent again: @metainfo */
  SHOAL_DISK_TAKE,     /* a step of copying a file that another torrent has: @taken; the source is
                        * only read */
  SHOAL_DISK_DROP,     /* delete files that TAKE made and no piece of which is had */
} ShoalDiskOp;

/* How a piece compares with its hash. */
typedef enum
{
  SHOAL_PIECE_MISSING,   /* a file is not there or too short, or nothing was written there */
  SHOAL_PIECE_WRONG,
  SHOAL_PIECE_RIGHT,
} ShoalPieceVerdict;

/* A part of a piece in memory. */
typedef struct
{
  guint8 *data;
  guint32 offset;   /* in the piece */
  guint32 size;
} ShoalRun;

/**
 * ShoalDiskJob:
 *
 * A request to the disk. The engine fills in what its @op takes; the host fills in the results
 * before it is done. Jobs of one piece run in the order in which they were asked for; CLOSE and
 * REMOVE after all others of the torrent.
 *
 * TAKE makes a file, or goes on behind what an incomplete one has, never over something that is
 * there; nothing of it counts as had. It begins only if a piece that lies in the file as a whole,
 * where there is one, is right in the source. Memory of @runs stays the engine's and must not
 * change until the job is done.
 */
typedef struct
{
  ShoalDone         done;
  ShoalDiskOp       op;
  guint64           torrent;       /* id */
  guint32           piece;         /* PIECE, SPILL, READ; CHECK: the first */
  guint32           n_pieces;      /* CHECK */
  guint32           offset;        /* READ: in the piece */
  guint32           size;          /* READ: bytes */
  gboolean          allow_file;    /* READ: the link takes file ranges */
  ShoalRun         *runs;          /* PIECE, SPILL */
  guint             n_runs;
  ShoalMetainfo    *metainfo;      /* OPEN: borrowed for the call, the storage takes a reference;
                                    * LOAD: (transfer full) result */
  const char       *dir;           /* OPEN: absolute; copied */
  gboolean          part_suffix;   /* OPEN */
  ShoalBitfield    *had;           /* OPEN: (nullable) borrowed until done: pieces a resume record
                                    * claims. FINISH, DROP: pieces that are had */
  gboolean          all_had;       /* OPEN, FINISH: instead of @had */
  guint8           *priorities;    /* OPEN, FINISH: (owned) (nullable): one ShoalPriority a file;
                                    * SKIP: not wanted */
  ShoalRemoveMode   remove;        /* REMOVE */
  gboolean          wants_digests; /* CHECK of one piece: @digests too */
  gboolean          wants_leaves;  /* PIECE, CHECK of one piece: @leaves too */
  guint32           index;         /* TAKE: of the file that is made */
  char             *source_dir;    /* TAKE: (owned): absolute folder of the other torrent, */
  char             *source_path;   /* TAKE: (owned): and its file there */
  guint64           taken;         /* TAKE: bytes of the file after the steps before; 0: the first.
                                    * As result: with this one; not more: it cannot be had from
                                    * there */
  gpointer          context;       /* the requester's own */

  /* results */
  ShoalReason       reason;        /* NONE: it worked */
  char             *detail;        /* (owned) (nullable): which file, and the system's words */
  gboolean          hash_wrong;    /* PIECE: not written */
  gboolean          halves_differ; /* PIECE, CHECK: a hybrid whose v1 and v2 hashes do not agree
                                    * about the data */
  guint8           *verdicts;      /* CHECK: (owned): n_pieces of ShoalPieceVerdict */
  ShoalSha1        *digests;       /* CHECK: (owned) (nullable): of each block, padding as zeros;
                                    * NULL: not wanted, or not readable */
  ShoalSha256      *leaves;        /* PIECE, CHECK: (owned) (nullable): of each block of the file,
                                    * of a wrong piece of version 2 */
  gboolean          found;         /* OPEN: some data is there */
  gboolean          stale;         /* OPEN: a file with claimed pieces is gone or too short */
  gint64            stamp;         /* OPEN, FINISH: newest modification time of the files,
                                    * nanoseconds; 0: none is there */
  guint32          *journal;       /* OPEN: (owned): pieces that were written after the record was
                                    * saved */
  guint             n_journal;
  guint64           free_space;    /* OPEN: bytes */
  guint8           *bytes;         /* READ: (owned, g_free): the block; or */
  ShoalFileRef     *file;          /* READ: (owned): an open file, and */
  guint64           file_offset;   /* READ: where the block is in it */
} ShoalDiskJob;

ShoalDiskJob *shoal_disk_job_new  (ShoalDiskOp op, guint64 torrent);
/* with its results; runs' memory is not touched, the array is */
void          shoal_disk_job_free (ShoalDiskJob *self);

/* --- HTTP and names --- */

typedef enum { SHOAL_FETCH_TRACKER, SHOAL_FETCH_LINK, SHOAL_FETCH_SEED } ShoalFetchUse;

#define SHOAL_SIZE_UNKNOWN G_MAXUINT64

typedef struct _ShoalFetch ShoalFetch;

/**
 * ShoalFetchSink:
 * @head: the head of the answer is there, its results are set; FALSE: the body is of no use
 * @room: where the next bytes belong, and how many; NULL: none may come now, the engine calls
 * attend_fetch when that changes
 * @came: so many bytes were put into that room; @size is not 0
 *
 * Takes a body in parts, so that it needs no memory of its own. The host calls it in turns, between
 * the effect and shoal_engine_done(); `room` and `came` only after `head`. What was given by `room`
 * is valid until `came` or the next turn.
 */
typedef struct
{
  gboolean (*head) (ShoalFetch *fetch, gint64 now_us);
  guint8  *(*room) (ShoalFetch *fetch, gsize *size, gint64 now_us);
  void     (*came) (ShoalFetch *fetch, gsize size, gint64 now_us);
} ShoalFetchSink;

struct _ShoalFetch
{
  ShoalDone     done;
  ShoalFetchUse use;
  char         *url;           /* (owned) */
  ShoalFamily   family;        /* NONE: either */
  gsize         max_size;      /* bytes of the answer; without a @sink */
  guint         timeout_s;     /* for the whole; with a @sink: for its head */
  guint64       range_first;   /* with @range_size: the first byte that is wanted */
  guint64       range_size;    /* bytes; 0: everything */
  const ShoalFetchSink *sink;  /* (nullable): NULL: @body is the result */
  gboolean      cancelled;     /* set by the engine, which calls attend_fetch then: to be ended
                                * soon */
  gpointer      host_data;     /* free for the host */

  /* results; those of the head are set before the sink's head() */
  GBytes       *body;          /* (nullable) */
  guint         status;        /* HTTP status; 0: no answer */
  char         *error;         /* (nullable): why there is no body, or not all of it, in words */
  gboolean      encoded;       /* the body is compressed: no bytes of the file */
  guint64       content_size;  /* Content-Length or SHOAL_SIZE_UNKNOWN */
  gboolean      has_range;     /* Content-Range: */
  guint64       got_first;     /* first byte, */
  guint64       got_last;      /* last byte, */
  guint64       got_total;     /* size of the file or SHOAL_SIZE_UNKNOWN */
  guint         retry_after_s; /* Retry-After; 0: none */
};

ShoalFetch *shoal_fetch_new  (ShoalFetchUse use, const char *url);
void        shoal_fetch_free (ShoalFetch *self);

typedef struct
{
  ShoalDone  done;
  char      *host;             /* (owned): a name or a numeric address */
  guint16    port;             /* put into the results */
  ShoalAddr *addrs;            /* result: (owned) */
  guint      n_addrs;
  char      *error;            /* result: (nullable) */
} ShoalLookup;

ShoalLookup *shoal_lookup_new  (const char *host, guint16 port);
void         shoal_lookup_free (ShoalLookup *self);

/* A list of blocked addresses. */
typedef struct
{
  ShoalDone    done;
  char        *source;         /* (owned): absolute path, or http(s) link */
  ShoalFilter *filter;         /* result: (owned) (nullable) */
  char        *error;          /* result: (nullable): why there is none */
} ShoalFilterLoad;

ShoalFilterLoad *shoal_filter_load_new  (const char *source);
void             shoal_filter_load_free (ShoalFilterLoad *self);

/* --- Network --- */

typedef struct
{
  gboolean    tcp;             /* listen and dial */
  gboolean    bbr;             /* TCP asks the system for BBR, where it has that */
  guint16     port;            /* wanted; 0: any */
  const char *bind;            /* (nullable): the interface or address that everything goes through;
                                * NULL or "": any */
  const char
    *dns; /* (nullable): numeric addresses of name servers, between spaces; else the system's are
                                * asked, but for a network that is bound or hidden behind a proxy:
                                * then names fail */
  const char *proxy;           /* (nullable): URL of a proxy; NULL or "": none */
  gboolean    proxy_all;       /* what the proxy cannot do is not done at all: nothing goes past
                                * it */
} ShoalNetwork;                /* texts are borrowed for the call */

typedef struct
{
  guint16 tcp_port;            /* listening; 0: not */
  guint16 udp_port;            /* of the datagram sockets, the same as @tcp_port wherever that can
                                * be had; 0: there is none */
  char   *error;               /* (nullable): borrowed: why not */
  gboolean down;               /* nothing can be sent: what is wanted is not there; all that was
                                * open is closed */
  gboolean moved;              /* what was open before was closed, or could not be */
} ShoalNetworkState;

typedef enum
{
  SHOAL_SEND_SENT,
  SHOAL_SEND_FULL,      /* nothing went; shoal_engine_writable() follows once there is room */
  SHOAL_SEND_TOO_BIG,   /* nothing went: %SHOAL_SEND_WHOLE, and the first link of the way takes
                         * less */
  SHOAL_SEND_FAILED,
} ShoalSendResult;

typedef enum
{
  SHOAL_SEND_PLAIN = 0,
  SHOAL_SEND_WHOLE = 1 << 0,   /* nobody on the way may cut it into fragments */
} ShoalSendFlags;

/**
 * ShoalHostOps:
 *
 * Calls never re-enter the engine. `random` and `send` answer at once; every other result comes
 * back through shoal_engine_done(), shoal_engine_network() or the shoal_link_…() calls, outside of
 * the effect's call. A READ that needs no waiting may be done later in the same turn.
 */
typedef struct
{
  void            (*network) (ShoalHost *host, const ShoalNetwork *wanted);
  /* ask the gateway for our ports, or take them back; answered by shoal_engine_mapped(), also when
   * it changes; wanted twice is once */
  void            (*map)     (ShoalHost *host, gboolean wanted);
  /* ends in shoal_link_opened() or shoal_link_closed() */
  void            (*dial)    (ShoalHost *host, ShoalLink *link, const ShoalAddr *to);
  /* output, low mark or read interest changed: look again at the turn's end */
  void            (*attend)  (ShoalHost *host, ShoalLink *link);
  /* followed by exactly one shoal_link_closed(); what is in the outbox is lost */
  void            (*hang_up) (ShoalHost *host, ShoalLink *link);
  /* A datagram (@segment 0), or a train of them that are @segment bytes each, the last one what is
   * left. */
  ShoalSendResult (*send) (ShoalHost *host, const ShoalAddr *to, const guint8 *data, gsize size,
                           guint segment, ShoalSendFlags flags);
  void            (*disk)    (ShoalHost *host, ShoalDiskJob *job);
  void            (*fetch)   (ShoalHost *host, ShoalFetch *request);
  /* there is room again, or it is cancelled */
  void            (*attend_fetch) (ShoalHost *host, ShoalFetch *request);
  void            (*lookup)  (ShoalHost *host, ShoalLookup *query);
  /* (transfer full); data it claims is synced before it is written */
  void            (*save)    (ShoalHost *host, ShoalResume *record);
  /* (transfer full): DHT nodes, for the next start; comes back with the command LOADED */
  void            (*keep)    (ShoalHost *host, GBytes *nodes);
  void            (*tell)    (ShoalHost *host, ShoalEvent *event);     /* (transfer full) */
  void            (*random)  (ShoalHost *host, guint8 *out, gsize size);   /* unpredictable bytes */
  /* fetched or read, parsed on another thread */
  void            (*filter)  (ShoalHost *host, ShoalFilterLoad *load);
  /* to the group of local discovery; from the first one on it is heard */
  void (*multicast) (ShoalHost *host, ShoalFamily family, const guint8 *data, gsize size);
} ShoalHostOps;

struct _ShoalHost
{
  const ShoalHostOps *ops;
  gboolean            forgets;   /* what is saved is gone: nothing of it can be loaded again */
};

G_END_DECLS
