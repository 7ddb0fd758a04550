/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What crosses the threads: commands down to the engine, events up from it. Every one is a
 * value. */

#pragma once

#include <glib.h>
#include "shoal-resume.h"
#include "shoal-snapshot.h"
#include "shoal-terms.h"

G_BEGIN_DECLS

typedef enum
{
  SHOAL_COMMAND_ADD,          /* answered by REPLY with the torrent's id */
  SHOAL_COMMAND_LOADED,       /* every kept torrent was sent with ADD, @id is the highest ever used:
                               * answered by event READY */
  SHOAL_COMMAND_START,        /* of a failed or paused torrent too */
  SHOAL_COMMAND_PAUSE,
  SHOAL_COMMAND_REMOVE,       /* answered by REPLY once the data is gone */
  SHOAL_COMMAND_RECHECK,
  SHOAL_COMMAND_PRIORITIES,   /* of all files */
  SHOAL_COMMAND_OPTIONS,      /* sequential, first_last, super_seeding, limits */
  SHOAL_COMMAND_ADD_PEER,     /* @text "host:port" */
  SHOAL_COMMAND_ANNOUNCE,     /* ask the trackers again, as far as they allow */
  SHOAL_COMMAND_INFO,         /* answered by INFO */
  SHOAL_COMMAND_CONFIG,       /* replaces the session's configuration */
  SHOAL_COMMAND_SUBSCRIBE,    /* snapshots for @view every @interval_ms; 0: once. @mask: of what;
                               * lists are those of torrent @id */
  SHOAL_COMMAND_UNSUBSCRIBE,
  SHOAL_COMMAND_ACKNOWLEDGE,  /* @view has digested its snapshot: the next may come */
  SHOAL_COMMAND_QUIT,         /* ends with event QUIT */
} ShoalCommandType;

/**
 * ShoalAddOptions:
 *
 * @uri: (nullable): a magnet or http(s) link; or else
 * @metainfo: (nullable): bytes of a .torrent
 * @resume: (nullable): the record of a kept torrent; then only @metainfo (if the store has the
 * file) counts besides
 * @select: (nullable): "0,2,4-6": files to download; the others are skipped
 */
typedef struct
{
  char        *uri;
  GBytes      *metainfo;
  ShoalResume *resume;
  char        *dir;             /* absolute folder that will hold the torrent's file or folder */
  char        *select;
  char       **peers;           /* (nullable): "host:port" */
  gboolean     paused;
  gboolean     sequential;
  gboolean     super_seeding;
  gboolean     first_last;
  guint64      limit_down;
  guint64      limit_up;
} ShoalAddOptions;

/**
 * ShoalCommand:
 *
 * Made by shoal_command_new(), filled in, sent; the receiver frees it. @config is a copy of a
 * ShoalConfig, which only the layers that know it fill in.
 */
typedef struct _ShoalCommand ShoalCommand;
struct _ShoalCommand
{
  ShoalCommand    *next;        /* of the mailbox */
  ShoalCommandType type;
  guint64          serial;      /* comes back in REPLY and INFO; 0: no answer wanted */
  guint64          id;          /* of the torrent */
  guint            view;        /* 0 … 15 */
  guint            interval_ms;
  guint            mask;        /* ShoalViewMask; 0: the stats alone */
  ShoalRemoveMode  remove_mode;
  ShoalAddOptions *add;         /* (owned) (nullable) */
  char            *text;        /* (owned) (nullable) */
  GBytes          *priorities;  /* (owned) (nullable): one ShoalPriority a file */
  gboolean         sequential;
  gboolean         super_seeding;
  gboolean         first_last;
  guint64          limit_down;
  guint64          limit_up;
  GBytes          *kept;        /* (owned) (nullable): LOADED: DHT nodes of an earlier run */
  gpointer         config;      /* (owned) (nullable): g_memdup2() of a ShoalConfig */
};

typedef enum
{
  SHOAL_EVENT_REPLY,          /* @serial, @id, @error */
  SHOAL_EVENT_ADDED,          /* @id; its stats are in the next snapshot */
  SHOAL_EVENT_REMOVED,        /* @id */
  SHOAL_EVENT_MERGED,         /* @id is one torrent with @other, which is left; REMOVED follows */
  SHOAL_EVENT_METADATA,       /* @id, @info: name and files are known (also for a .torrent, right
                               * after ADDED) */
  SHOAL_EVENT_INFO,           /* @serial, @id, @info */
  SHOAL_EVENT_STATE,          /* @id, @state, @reason, @text */
  SHOAL_EVENT_COMPLETE,       /* @id: every wanted file is complete, synced and has its final
                               * name */
  SHOAL_EVENT_READY,          /* @count torrents were loaded */
  SHOAL_EVENT_SNAPSHOT,       /* @snapshot */
  SHOAL_EVENT_LISTENING,      /* @count: the port; 0: none could be had, @error says why */
  SHOAL_EVENT_FILTER,         /* @count ranges of addresses are blocked; @error: the list could not
                               * be loaded, the one before goes on */
  SHOAL_EVENT_QUIT,           /* the last one */
} ShoalEventType;

typedef struct _ShoalEvent ShoalEvent;
struct _ShoalEvent
{
  ShoalEvent       *next;
  ShoalEventType    type;
  guint64           serial;
  guint64           id;
  guint64           other;
  guint             count;
  ShoalTorrentState state;
  ShoalReason       reason;
  char             *text;       /* (owned) (nullable) */
  GError           *error;      /* (owned) (nullable) */
  ShoalTorrentInfo *info;       /* (owned) (nullable) */
  ShoalSnapshot    *snapshot;   /* (owned) (nullable) */
};

ShoalCommand    *shoal_command_new      (ShoalCommandType type);
void             shoal_command_free     (ShoalCommand *self);
ShoalAddOptions *shoal_add_options_new  (void);
void             shoal_add_options_free (ShoalAddOptions *self);
ShoalEvent      *shoal_event_new        (ShoalEventType type);
void             shoal_event_free       (ShoalEvent *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalCommand, shoal_command_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalAddOptions, shoal_add_options_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalEvent, shoal_event_free)

G_END_DECLS
