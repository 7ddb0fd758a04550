/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One torrent and everything that belongs to it: joins picker, choker, links, announcer and
 * storage. */

#pragma once

#include "shoal-announcer.h"
#include "shoal-choker.h"
#include "shoal-engine-private.h"
#include "shoal-hashes.h"
#include "shoal-magnet.h"
#include "shoal-peerbook.h"
#include "shoal-picker.h"
#include "shoal-suspects.h"

G_BEGIN_DECLS

#define SHOAL_CHECK_JOBS       4u                        /* checks of existing data under way at
                                                          * once */
#define SHOAL_CHECK_SIZE       (64u * 1024 * 1024)       /* bytes of one such check, at least 16
                                                          * pieces */
#define SHOAL_SPILL_AGE_US     (30 * G_USEC_PER_SEC)     /* a run that did not grow for so long is
                                                          * written early */
#define SHOAL_RETRY_US         (20 * G_USEC_PER_SEC)     /* a failed torrent looks whether the cause
                                                          * is gone */
#define SHOAL_FREE_SPACE_MIN   (64u * 1024 * 1024)       /* bytes free before a full disk counts as
                                                          * emptied */
#define SHOAL_KNOWN_PEERS_LOW  20u                       /* fewer candidates: ask the trackers
                                                          * again */
#define SHOAL_STALL_US            (60 * G_USEC_PER_SEC)     /* without a byte, and others may go on
                                                             * instead */
#define SHOAL_METADATA_LINKS   4u                        /* peers asked for metadata at once */
#define SHOAL_METADATA_TIMEOUT_US (8 * G_USEC_PER_SEC)
#define SHOAL_METADATA_REST_US (30 * G_USEC_PER_SEC)     /* a peer that refused or did not answer is
                                                          * not asked again */
#define SHOAL_RETRY_SHIFT_MAX  5u                        /* failing again and again doubles the
                                                          * wait, up to 32 times */

/* The info dictionary on its way. */
typedef struct
{
  guint32    size;              /* bytes; 0: nobody said */
  guint32    n_parts;
  guint32    n_had;
  guint8    *data;
  ShoalLink **asked;            /* who was asked for a part; NULL: nobody */
  gint64    *asked_us;
  guint8    *had;
  guint     *from;              /* number of the known peer that sent it */
  gboolean   alone;             /* after a failure: everything from one peer */
  ShoalLink *only;              /* that peer */
} ShoalMetadataFetch;

/* Somebody who may turn out to be a liar after it has left. */
typedef struct
{
  guint     contributor;
  ShoalAddr addr;
} ShoalLeaver;

/* Piece layers on their way, after the info dictionary of a torrent of version 2 only. */
typedef struct _ShoalLayersFetch ShoalLayersFetch;

/* Files of other torrents on their way to this one. */
typedef struct _ShoalSame ShoalSame;

/* The web seeds at work. */
typedef struct _ShoalWeb ShoalWeb;

struct _ShoalSwarm
{
  ShoalEngine       *engine;
  guint64            id;
  ShoalNode          active_node;
  ShoalLsdEntry      lsd;
  guint64            serial;

  ShoalInfoHash      hash;
  ShoalSha1          keys[2];
  ShoalSha1          req2[2];         /* names of @keys in encrypted handshakes */
  guint              n_keys;
  char              *name;
  char              *dir;
  char              *magnet;          /* (nullable): as it was added */
  ShoalMetainfo     *metainfo;        /* (nullable): not known yet, or unloaded */
  gboolean           has_metadata;
  gboolean           metainfo_kept;   /* the store has the .torrent */
  gboolean           loading;         /* the .torrent is being read again */
  gboolean           is_private;
  guint32            n_pieces;
  guint32            n_files;
  guint32            info_size;       /* bytes of the info dictionary */
  guint64            total_size;      /* without pad files */
  guint64            wanted_size;
  guint8            *priorities;      /* (nullable): one a file; NULL: all normal */
  GArray            *selection;       /* (nullable): of ShoalRange: files chosen before they are
                                       * known */

  ShoalTorrentState  state;
  ShoalReason        reason;
  char              *detail;
  gboolean           opened;          /* the host has its storage */
  gboolean           opening;
  gboolean           proving;         /* its files are looked at because it comes from an earlier
                                       * run */
  gboolean           restoring;       /* the record speaks for it: nothing new to save */
  ShoalNode          unproved_node;
  gboolean           fresh;           /* data on disk was not compared with anything yet: no record
                                       * speaks for it */
  gboolean           removing;        /* asked to go: its REMOVE job is under way */
  gboolean           removed;         /* gone for everybody: waits for links, jobs and `stopped` */
  guint64            remove_serial;
  GArray            *info_serials;    /* of guint64: INFO commands that wait for the .torrent */
  gint64             retry_us;        /* FAILED: when to look again */
  guint              n_fails;         /* in a row, without a piece that went well */
  gint64             lost_stamp;      /* FAILED because somebody changed the files: their stamp
                                       * then; 0: not so */

  /* What is had: the picker's bits while there is a picker, else @had; @all_had instead of
   * either. */
  gboolean           all_had;
  ShoalBitfield     *had;
  GArray            *spilled;         /* of ShoalBlock: kept while there is no picker */
  guint64            wanted_had;      /* bytes: kept while the .torrent is not there */
  ShoalPicker       *picker;
  guint              n_piece_jobs;    /* PIECE, SPILL and single CHECK jobs: they use the picker's
                                       * memory */
  gboolean           missing_changed;
  gboolean           finish_wanted;
  gboolean           finishing;
  gboolean           settling;        /* CHECKING is over but for the FINISH job */
  gboolean           downloading_since_start;   /* this run fetched something: `completed` is due */
  gboolean           completed_told;
  ShoalSuspects     *suspects;        /* (nullable): what is remembered of pieces that failed */

  GArray            *checks;          /* of ShoalRange: pieces to be compared */
  guint              n_checks;        /* under way */
  guint32            checking[SHOAL_CHECK_JOBS];   /* their first pieces; G_MAXUINT32: a free
                                                    * place */
  guint32            check_total;
  guint32            check_done;
  gboolean           full_check;
  guint32            checked_to;
  gint64             stamp;           /* of the files when they were finished, all of them; 0: they
                                       * were not */
  gboolean           verifying;       /* the full check is due to a changed stamp, nobody asked for
                                       * it */

  ShoalSame         *same;            /* (nullable): CHECKING has not begun: files are taken from
                                       * other torrents */
  guint              n_same_jobs;
  gboolean           same_taken;      /* some were, and were not checked yet */
  guint32           *root_marks;      /* (nullable): of v2: beginning of each file's root; 0: it has
                                       * none */
  char             **collections;     /* (nullable): BEP 38 */

  ShoalPeerbook     *book;
  ShoalAnnouncer    *announcer;
  gboolean           announced;       /* start was said and stop was not */
  gint64             dht_us;          /* looked up in the DHT not before; 0: it never was */
  guint              dht_tries;       /* in a row, without anybody known after it */
  gboolean           dht_nodes_taken; /* those that the .torrent names were tried */
  GPtrArray         *user_peers;      /* of "host:port": names to be looked up again */
  ShoalChoker        choker;
  gint64             choke_us;        /* next regular round */
  gboolean           choke_now;
  ShoalNode          links;
  guint              n_links;         /* live or greeting, dialled ones included */
  guint              n_dialled;
  guint              n_lookups;

  ShoalWeb          *web;             /* (nullable): there are none, or nothing was fetched yet */

  gint64             turnover_us;     /* when the worst link may give way next */
  guint64            best_rate_down;

  ShoalMetadataFetch fetch;
  ShoalLayersFetch  *layers;          /* (nullable): what is missing after the info dictionary */
  GArray            *leavers;         /* (nullable): of ShoalLeaver: gave blocks, told no port and
                                       * went, the oldest first */
  GPtrArray         *leaves;          /* (nullable): wrong pieces whose blocks are being judged */
  GPtrArray         *leaf_trees;      /* (nullable): pieces whose blocks peers ask about */
  ShoalMetainfo     *plain_metainfo;  /* (nullable): before its piece layers came; the picker's
                                       * layout is of it */
  ShoalHashes       *hashes;          /* (nullable): what peers are given of the hash trees */

  ShoalLimiter       limiter;
  ShoalRate          rate_down;
  ShoalRate          rate_up;
  guint64            downloaded;
  guint64            uploaded;
  guint64            wasted;
  gint64             added_s;
  gint64             completed_s;
  gboolean           waived;          /* started by the user past the limits for seeding, which were
                                       * these: */
  double             waived_ratio;
  guint              waived_minutes;
  gint64             moving_us;       /* when something came last */
  gboolean           stalled;         /* nothing has come for long: it holds no place in the
                                       * queue */
  gint64             seeding_s;
  gboolean           sequential;
  gboolean           super_seeding;   /* wanted */
  gboolean           super_told;      /* some links are masked */
  gboolean           super_over;      /* there is another seed */
  gboolean           first_last;
  gboolean           part_suffix;

  gboolean           dirty;           /* the record differs from what was saved */
  gint64             saved_us;
};

static inline gint64 shoal_swarm_now (const ShoalSwarm *self) { return self->engine->now_us; }
static inline gboolean
shoal_swarm_is_live (const ShoalSwarm *self)
{
  return self->state == SHOAL_TORRENT_METADATA || self->state == SHOAL_TORRENT_DOWNLOADING
         || self->state == SHOAL_TORRENT_SEEDING;
}

/* A hybrid has two names and so two swarms of peers; it is one torrent here. */
static inline gboolean
shoal_swarm_is_hybrid (const ShoalSwarm *self)
{
  return self->n_keys == 2;
}

static inline gboolean
shoal_swarm_is_v2_key (const ShoalSwarm *self,
                       const ShoalSha1  *key)
{
  return self->hash.has_v2 && shoal_sha1_equal (&self->keys[self->n_keys - 1], key);
}

/* shoal-swarm.c: life, peers, the tick */
ShoalSwarm *shoal_swarm_new          (ShoalEngine *engine, guint64 id);
void        shoal_swarm_free         (ShoalSwarm *self);
/* (transfer full) */
void        shoal_swarm_set_metainfo (ShoalSwarm *self, ShoalMetainfo *metainfo);
/* (transfer full) */
void        shoal_swarm_set_tiers    (ShoalSwarm *self, char ***tiers);
/* somebody may show it */
void        shoal_swarm_changed      (ShoalSwarm *self);
void        shoal_swarm_tick         (ShoalSwarm *self);
void        shoal_swarm_turn_end     (ShoalSwarm *self);
gboolean    shoal_swarm_needs_tick   (ShoalSwarm *self);
guint       shoal_swarm_link_cap     (ShoalSwarm *self);
void        shoal_swarm_drop_links   (ShoalSwarm *self, const char *why);
/* reads an unloaded .torrent again */
void        shoal_swarm_load         (ShoalSwarm *self);
/* its files were looked at, or nobody needs that any more */
void        shoal_swarm_proved       (ShoalSwarm *self);
void        shoal_swarm_unload       (ShoalSwarm *self);
/* removed, and nothing refers to it any more */
gboolean    shoal_swarm_is_buried    (const ShoalSwarm *self);

/* shoal-swarm-peers.c */
/* dials one; FALSE: nobody to dial now */
gboolean    shoal_swarm_dial         (ShoalSwarm *self);
void        shoal_swarm_add_peers    (ShoalSwarm *self, const ShoalAddr *addrs, guint n,
                                      ShoalPeerSource source);
/* found under @key */
void        shoal_swarm_add_peers_of (ShoalSwarm *self, const ShoalSha1 *key,
                                      const ShoalAddr *addrs, guint n, ShoalPeerSource source);
void        shoal_swarm_add_named    (ShoalSwarm *self, const char *host_and_port,
                                      ShoalPeerSource source);
/* peers that were found elsewhere than at its trackers are forgotten */
void        shoal_swarm_make_private (ShoalSwarm *self);

/* shoal-swarm-choke.c */
/* a round; @regular: every ten seconds */
void        shoal_swarm_choke        (ShoalSwarm *self, gboolean regular);
/* between the rounds: another slot as soon as the line has room */
void        shoal_swarm_look_at_slots (ShoalSwarm *self);

/* shoal-swarm-view.c */
void        shoal_swarm_fill_stats   (ShoalSwarm *self, ShoalTorrentStats *out);
ShoalTorrentInfo *shoal_swarm_info   (ShoalSwarm *self);
void        shoal_swarm_tell_info    (ShoalSwarm *self, guint64 serial);

/* shoal-swarm-pieces.c: what is had, blocks and their disk jobs */
gboolean    shoal_swarm_has_piece    (const ShoalSwarm *self, guint32 piece);
/* (nullable): NULL: all or nothing, see all_had */
const ShoalBitfield *shoal_swarm_had (const ShoalSwarm *self);
guint64     shoal_swarm_wanted_had   (ShoalSwarm *self);                            /* bytes */
/* bytes missing for the whole torrent, as trackers want it */
guint64     shoal_swarm_left         (ShoalSwarm *self);
void        shoal_swarm_make_picker  (ShoalSwarm *self);
/* keeps what it knows; waits for jobs */
void        shoal_swarm_drop_picker  (ShoalSwarm *self);
void        shoal_swarm_apply_priorities (ShoalSwarm *self);
void        shoal_swarm_block        (ShoalSwarm *self, ShoalLink *link, ShoalBlock block,
                                      guint32 size, const guint8 *data);
void        shoal_swarm_take_block   (ShoalSwarm *self, gpointer owner, guint contributor,
                                      ShoalBlock block, guint32 size, const guint8 *data);
/* there is memory, or there are blocks to ask for */
void        shoal_swarm_feed_links   (ShoalSwarm *self);
void        shoal_swarm_spill        (ShoalSwarm *self, gboolean need_room);
/* one that uses the picker: its end says */
ShoalDiskJob *shoal_swarm_piece_job  (ShoalSwarm *self, ShoalDiskOp op, guint32 piece,
                                      void (*func) (ShoalDone *, gint64));
/* this, last of all */
void        shoal_swarm_piece_job_over (ShoalSwarm *self);
/* every wanted piece is had */
gboolean    shoal_swarm_is_complete  (ShoalSwarm *self);
void        shoal_swarm_finish       (ShoalSwarm *self);                            /* FINISH job */

/* shoal-swarm-liars.c */
/* a full piece is wrong, and nobody knows where; @digests: (nullable): of its blocks */
void        shoal_swarm_judge_whole  (ShoalSwarm *self, guint32 piece, const ShoalSha1 *digests);
/* it failed before: they tell who lied */
gboolean    shoal_swarm_wants_digests (const ShoalSwarm *self, guint32 piece);
/* the piece of @job is right: whoever sent other bytes before lied */
void        shoal_swarm_find_liars   (ShoalSwarm *self, const ShoalDiskJob *job);
/* it left, and may be punished all the same */
void        shoal_swarm_remember     (ShoalSwarm *self, guint contributor, const ShoalAddr *addr);
/* bans a liar */
void        shoal_swarm_punish       (ShoalSwarm *self, guint contributor, const char *why);

/* shoal-swarm-state.c */
void        shoal_swarm_enter        (ShoalSwarm *self, ShoalTorrentState state);
/* from a resting state to whatever is next */
void        shoal_swarm_begin        (ShoalSwarm *self);
void        shoal_swarm_fail         (ShoalSwarm *self, ShoalReason reason, const char *detail);
/* CLOSE job, if the storage is open */
void        shoal_swarm_close        (ShoalSwarm *self);
/* storage known, nothing to check: download or seed */
void        shoal_swarm_settle       (ShoalSwarm *self);

/* shoal-swarm-check.c */
void        shoal_swarm_open         (ShoalSwarm *self);
void        shoal_swarm_check_all    (ShoalSwarm *self);
void        shoal_swarm_check_pump   (ShoalSwarm *self);
/* @found: there is data that no record speaks for */
void        shoal_swarm_check_fresh  (ShoalSwarm *self, gboolean found);

/* shoal-swarm-same.c */
/* what others look for in it; its metadata is known */
void        shoal_swarm_same_note    (ShoalSwarm *self);
void        shoal_swarm_same_clear   (ShoalSwarm *self);
/* TRUE: shoal_swarm_check_fresh() follows when all is taken */
gboolean    shoal_swarm_same_begin   (ShoalSwarm *self, gboolean found);
void        shoal_swarm_same_stop    (ShoalSwarm *self);
/* what was taken was checked */
void        shoal_swarm_same_judge   (ShoalSwarm *self);

/* shoal-swarm-metadata.c */
/* its handshake told a size */
void        shoal_swarm_metadata_offer  (ShoalSwarm *self, ShoalLink *link);
void        shoal_swarm_metadata_pump   (ShoalSwarm *self);
void        shoal_swarm_metadata_part   (ShoalSwarm *self, ShoalLink *link, guint32 part,
                                         guint32 total_size, const guint8 *data, gsize size);
void        shoal_swarm_metadata_refused (ShoalSwarm *self, ShoalLink *link, guint32 part);
void        shoal_swarm_metadata_gone   (ShoalSwarm *self, ShoalLink *link);
void        shoal_swarm_metadata_clear  (ShoalSwarm *self);
double      shoal_swarm_metadata_progress (const ShoalSwarm *self);
/* (transfer full): all of it is there and right */
void        shoal_swarm_metadata_adopt  (ShoalSwarm *self, ShoalMetainfo *metainfo);

/* shoal-swarm-limits.c */
/* the user starts it: limits that it is past do not stop it again until they change */
void        shoal_swarm_waive_limits (ShoalSwarm *self);
/* every second of a seed */
void        shoal_swarm_apply_limits (ShoalSwarm *self);
/* every second of a download */
void        shoal_swarm_notice_stall (ShoalSwarm *self);

/* shoal-swarm-merge.c */
/* TRUE: it went into another torrent, which has taken @metainfo */
gboolean    shoal_swarm_merge           (ShoalSwarm *self, ShoalMetainfo *metainfo);

/* shoal-swarm-hashes.c */
/* (transfer full): its piece layers are missing */
void        shoal_swarm_layers_begin    (ShoalSwarm *self, ShoalMetainfo *metainfo);
void        shoal_swarm_layers_pump     (ShoalSwarm *self);
void        shoal_swarm_layers_gone     (ShoalSwarm *self, ShoalLink *link);
void        shoal_swarm_layers_clear    (ShoalSwarm *self);
double      shoal_swarm_layers_progress (const ShoalSwarm *self);
void        shoal_swarm_hashes_came     (ShoalSwarm *self, ShoalLink *link,
                                         const ShoalHashRequest *request, const guint8 *hashes);
void        shoal_swarm_hashes_refused  (ShoalSwarm *self, ShoalLink *link,
                                         const ShoalHashRequest *request);
void        shoal_swarm_hashes_asked    (ShoalSwarm *self, ShoalLink *link,
                                         const ShoalHashRequest *request);
gboolean    shoal_swarm_can_give_hashes (ShoalSwarm *self, ShoalLink *link);
/* Of the files; it has metainfo. */
ShoalHashes *shoal_swarm_trees          (ShoalSwarm *self);
/* of a hybrid that is used already */
void        shoal_swarm_layers_tick     (ShoalSwarm *self);

/* shoal-swarm-pex.c */
gboolean    shoal_swarm_uses_pex     (const ShoalSwarm *self);
/* its handshake told what it takes */
void        shoal_swarm_pex_offer    (ShoalSwarm *self, ShoalLink *link);
void        shoal_swarm_pex_came     (ShoalSwarm *self, ShoalLink *link,
                                      const ShoalMessage *message);
void        shoal_swarm_pex_tick     (ShoalSwarm *self);
/* the torrent turned out to be private */
void        shoal_swarm_pex_end      (ShoalSwarm *self);

/* shoal-swarm-web.c */
/* gives web seeds that rest something to do */
void        shoal_swarm_web_pump     (ShoalSwarm *self);
void        shoal_swarm_web_stop     (ShoalSwarm *self);
void        shoal_swarm_web_tick     (ShoalSwarm *self);
void        shoal_swarm_web_free     (ShoalSwarm *self);
/* FALSE: @owner is a link */
gboolean    shoal_swarm_web_withdraw (ShoalSwarm *self, gpointer owner, ShoalBlock block);
/* FALSE: it is a peer */
gboolean    shoal_swarm_web_punish   (ShoalSwarm *self, guint contributor, const char *why);
/* seeds that are being asked */
guint       shoal_swarm_web_working  (const ShoalSwarm *self);

/* shoal-swarm-leaves.c */
/* of a wrong piece; takes its leaves; FALSE: judge it whole */
gboolean    shoal_swarm_leaves_begin    (ShoalSwarm *self, ShoalDiskJob *job);
void        shoal_swarm_leaves_came     (ShoalSwarm *self, ShoalLink *link,
                                         const ShoalHashRequest *request, const guint8 *hashes);
void        shoal_swarm_leaves_refused  (ShoalSwarm *self, ShoalLink *link,
                                         const ShoalHashRequest *request);
void        shoal_swarm_leaves_gone     (ShoalSwarm *self, ShoalLink *link);
void        shoal_swarm_leaves_tick     (ShoalSwarm *self);
void        shoal_swarm_leaves_clear    (ShoalSwarm *self);

/* shoal-swarm-leaves-give.c */
void        shoal_swarm_leaves_asked    (ShoalSwarm *self, ShoalLink *link,
                                         const ShoalHashRequest *request);
void        shoal_swarm_leaves_asker_gone (ShoalSwarm *self, ShoalLink *link);
/* Nobody is answered any more. */
void        shoal_swarm_leaf_trees_clear (ShoalSwarm *self);

/* shoal-swarm-punch.c */
gboolean    shoal_swarm_punches      (const ShoalSwarm *self);
/* it could not be dialled: others may know a way */
void        shoal_swarm_punch        (ShoalSwarm *self, ShoalKnownPeer *known);
void        shoal_swarm_punch_came   (ShoalSwarm *self, ShoalLink *link,
                                      const ShoalMessage *message);

/* shoal-swarm-super.c */
gboolean    shoal_swarm_is_super     (const ShoalSwarm *self);
/* instead of telling it of the pieces */
void        shoal_swarm_super_begin  (ShoalSwarm *self, ShoalLink *link);
/* a peer has it now */
void        shoal_swarm_super_heard  (ShoalSwarm *self, guint32 piece);
void        shoal_swarm_super_tick   (ShoalSwarm *self);

/* shoal-swarm-resume.c */
void        shoal_swarm_save         (ShoalSwarm *self);
gboolean    shoal_swarm_restore      (ShoalSwarm *self, ShoalResume *record, GBytes *metainfo,
                                      GError **error);

G_END_DECLS
