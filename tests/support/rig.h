/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One whole engine with a disk that fails on demand, and scripted peers. */

#pragma once

#include "content.h"
#include "fake-host.h"
#include "shoal-engine.h"
#include "shoal-extended.h"
#include "shoal-handshake.h"
#include "shoal-mail.h"
#include "shoal-message.h"

G_BEGIN_DECLS

#define RIG_OPS    (SHOAL_DISK_DROP + 1)
#define RIG_STATES SHOAL_N_TORRENT_STATES
#define RIG_WALL_S 1700000000

typedef struct _Rig    Rig;
typedef struct _RigBot RigBot;

/**
 * RigBot:
 *
 * A peer made of a few switches. It answers what it can within the turn in which it was asked.
 */
struct _RigBot
{
  Rig        *rig;
  ShoalLink  *link;          /* (nullable): NULL: not connected, or closed */
  ShoalAddr   addr;
  ShoalPeerId id;
  GByteArray *in;            /* from the engine, not parsed yet */
  GByteArray *out;           /* to the engine */
  gboolean    greeted;       /* the engine's handshake came */
  gboolean    shook;         /* its own went out */

  /* how it behaves */
  gboolean    fast;          /* BEP 6 */
  gboolean    extended;      /* BEP 10 */
  gboolean    offers_v2;     /* says that it knows the v2 hash of a hybrid too */
  gboolean    by_v2;         /* goes by that hash */
  gboolean    upload_only;   /* says that it wants nothing */
  gboolean    has_all;
  gboolean    mute_pieces;   /* says nothing of its pieces by itself */
  gboolean    chokes;        /* never lets the engine ask */
  gboolean    silent;        /* keeps requests instead of answering them */
  gboolean    rejects;       /* every request */
  gboolean    lies;          /* sends wrong bytes */
  gboolean    lies_once;     /* with @lies: in one block alone */
  gboolean    lies_in_padding;   /* there alone */
  guint32     metadata_size; /* told in the extension handshake; 0: none */
  gboolean    metadata_lies;
  gboolean    metadata_silent;
  guint8      numbers[SHOAL_N_EXTENDED];   /* of extensions that it takes beside that one; their
                                            * messages go to @hear */
  guint16     port;          /* told in the extension handshake; 0: none */

  /* (nullable): messages that it does not know itself */
  void      (*hear) (RigBot *self, const ShoalMessage *message);
  gpointer    data;          /* for @hear */

  /* what the engine said */
  ShoalHandshake heard;      /* once @greeted */
  GArray     *requests;      /* of ShoalMessage, kept while silent */
  guint       n_requests;
  guint       n_cancels;
  guint       n_haves;
  guint       n_rejects;
  guint       n_blocks;      /* right ones that came */
  guint       n_keep_alives;
  guint       n_metadata;    /* parts that came */
  guint       n_asked_metadata;
  guint32     told_metadata_size;
  int         told_upload_only;   /* -1: not */
  guint8      told_numbers[SHOAL_N_EXTENDED];
  gboolean    interested;
  gboolean    unchoked;      /* by the engine */
  gboolean    told_all;
};

/**
 * Rig:
 *
 * Time is a number; nothing happens outside of rig_turn() and the calls that make one.
 */
struct _Rig
{
  FakeHost    *fake;
  ShoalEngine *engine;
  gint64       now_us;
  Content     *content;
  GPtrArray   *bots;         /* of RigBot (owned) */
  void       (*serve) (Rig *self, gpointer data);   /* (nullable): called in each turn, before disk
                                                     * and peers */
  gpointer     serve_data;
  /* (nullable): TRUE: it has done the job */
  gboolean   (*answer) (Rig *self, ShoalDiskJob *job, gpointer data);
  gpointer     answer_data;

  /* the disk */
  guint8      *data;
  guint8      *written;      /* a byte for each piece */
  gboolean     open;
  guint        held;         /* bits of ShoalDiskOp: not answered yet */
  guint        held_at_start; /* the same, from the next restart on */
  gboolean     unreadable;   /* a CHECK gives no digests */
  gboolean     hands_out;    /* a READ gives a range of a file */
  ShoalFileRef file;         /* that file; its count is 1 while nobody has it */
  ShoalReason  failing[RIG_OPS];
  guint        n_done[RIG_OPS];
  gint64       stamp;
  gboolean     stale;
  guint64      free_space;
  guint        n_misplaced;  /* jobs while the storage was not open */

  /* what was told and saved */
  guint64      id;
  ShoalTorrentState state;
  ShoalReason  reason;
  guint        n_entered[RIG_STATES];
  guint        n_completes;
  guint        n_removed;
  guint64      merged;       /* the torrent that went into */
  guint64      merged_into;  /* this one */
  gboolean     quit;
  GError      *reply;        /* of the last command that wanted an answer */
  ShoalSnapshot *snapshot;   /* (nullable): what rig_look() shows */
  ShoalResume *record;       /* (nullable): the newest */
  GBytes      *kept;         /* (nullable): the .torrent as it was saved */
  gint64       next_us;      /* the engine's next deadline */
};

Rig          *rig_new_of    (ShoalTorrentVersions versions, const ContentFile *files,
                             guint32 n_files, guint32 piece_size, const ShoalConfig *config);
/* The same of version 1. */
Rig          *rig_new       (const ContentFile *files, guint32 n_files, guint32 piece_size,
                             const ShoalConfig *config);
void          rig_free      (Rig *self);
/* One turn, @us later. */
void          rig_turn      (Rig *self, gint64 us);
/* @n turns of a tenth of a second. */
void          rig_run       (Rig *self, guint n);
/* Turns of a tenth of a second until the torrent is in @state; fails after @seconds. */
void          rig_until     (Rig *self, ShoalTorrentState state, guint seconds);
/* Adds the torrent: by its file, or by magnet link. */
void          rig_add       (Rig *self, gboolean magnet, gboolean paused);
/* What is saved goes into a new engine, as after a restart; what is under way is lost. */
void          rig_restart   (Rig *self, gboolean kill);
/* A command about the torrent, in a turn of its own. */
void          rig_say       (Rig *self, ShoalCommandType type);
void          rig_send      (Rig *self, ShoalCommand *command);
void          rig_priorities (Rig *self, const guint8 *priorities, guint n);
/* Fresh numbers of the torrent; valid until the next look. (nullable) */
const ShoalTorrentStats *rig_look (Rig *self);
/* All of the content is on the disk. */
void          rig_fill      (Rig *self);
gboolean      rig_is_filled (const Rig *self);

/* A peer that comes from outside; @number makes address and id. Its switches may be set before the
 * next turn. */
RigBot       *rig_bot       (Rig *self, guint8 number);
/* The engine's own dial, number @index of those under way, reaches this peer. */
void          rig_bot_answer (RigBot *self, guint index);
void          rig_bot_say   (RigBot *self, gconstpointer bytes, gsize size);
/* an extension message, by the engine's number */
void          rig_bot_extended (RigBot *self, guint8 number, GBytes *payload);
void          rig_bot_simple (RigBot *self, ShoalMessageId id);
void          rig_bot_piece (RigBot *self, ShoalMessageId id, guint32 piece);
void          rig_bot_ask   (RigBot *self, guint32 piece, guint32 offset, guint32 size);
/* Answers what it kept while it was silent, the oldest first, at most @max of it. */
void          rig_bot_deliver (RigBot *self, guint max);
void          rig_bot_leave (RigBot *self);

/* For the rig: its part of a turn. */
void          rig_bot_begin (RigBot *self);     /* handshake and pieces */
/* what it has to say goes to the engine, as far as that reads */
void          rig_bot_speak (RigBot *self);
void          rig_bot_take  (RigBot *self);     /* what the engine has to say */
void          rig_bot_hear  (RigBot *self);     /* and the answer */
void          rig_bot_free  (gpointer self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

G_END_DECLS
