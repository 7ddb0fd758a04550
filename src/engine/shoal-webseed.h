/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A web server that has a torrent's files (BEP 19) or hands out its pieces (BEP 17): links,
 * answers, patience. */

#pragma once

#include "shoal-host.h"
#include "shoal-metainfo.h"
#include "shoal-rate.h"

G_BEGIN_DECLS

#define SHOAL_WEBSEED_LANES       4u                        /* requests to one seed at once, at
                                                             * most */
#define SHOAL_WEBSEED_RETRY_US    (5 * G_USEC_PER_SEC)      /* after a failure; doubles with each in
                                                             * a row */
#define SHOAL_WEBSEED_RETRY_MAX_US (600 * G_USEC_PER_SEC)
#define SHOAL_WEBSEED_AFTER_MAX_S 3600u                     /* a server that says "later" is
                                                             * believed so far */
#define SHOAL_WEBSEED_EMPTY_US    (1800 * G_USEC_PER_SEC)   /* nothing of the torrent is there:
                                                             * asked again so much later */

typedef enum
{
  SHOAL_WEBSEED_FILES,    /* BEP 19: ranges of files */
  SHOAL_WEBSEED_PIECES,   /* BEP 17: ranges of pieces, by query */
} ShoalWebseedKind;

typedef enum
{
  SHOAL_WEBSEED_TAKE,     /* the body is what was asked for */
  SHOAL_WEBSEED_HINT,     /* BEP 17: busy; the body says for how many seconds */
  SHOAL_WEBSEED_LATER,    /* it is not to be asked for a while */
  SHOAL_WEBSEED_GONE,     /* this file is not there, or is another one */
  SHOAL_WEBSEED_USELESS,  /* it is not to be asked again */
} ShoalWebseedVerdict;

/**
 * ShoalWebseed:
 *
 * What is known of one link. Whose blocks it sends is told by @contributor, a number that no known
 * peer has.
 */
typedef struct
{
  ShoalWebseedKind kind;
  char            *url;
  guint            contributor;
  ShoalBitfield   *bits;          /* (nullable): pieces that it has; NULL: all */
  gboolean         counted;       /* they are in the picker's availability */
  gboolean         useless;       /* for good: it lied, or does not speak as it should */
  gboolean         started;       /* @cursor was set */
  char            *why;           /* (nullable): why it is not asked now, in words */
  gint64           until_us;      /* not asked before */
  guint            n_fails;       /* in a row */
  guint            n_lanes;       /* requests under way */
  guint            max_lanes;     /* 1 at first, one more with every answer */
  guint32          cursor;        /* for shoal_picker_pick_run() */
} ShoalWebseed;

/* (nullable): NULL: not an HTTP link */
ShoalWebseed       *shoal_webseed_new       (ShoalWebseedKind kind, const char *url,
                                             guint contributor);
void                shoal_webseed_free      (ShoalWebseed *self);
gboolean            shoal_webseed_is_ready  (const ShoalWebseed *self, gint64 now_us);
gboolean            shoal_webseed_has_piece (const ShoalWebseed *self, guint32 piece);

/* The link to a file of the torrent, every part of its path encoded. */
char               *shoal_webseed_file_url  (const ShoalWebseed *self,
                                             const ShoalMetainfo *metainfo, guint32 file);
/* The link to [@first, @first + @size) of a piece; a torrent of version 1. */
char               *shoal_webseed_piece_url (const ShoalWebseed *self,
                                             const ShoalMetainfo *metainfo, guint32 piece,
                                             guint32 first, guint32 size);

/* What the head of an answer is worth; for LATER and USELESS @self knows it. @file_size: of the
 * file or, of pieces, of the range. */
ShoalWebseedVerdict shoal_webseed_judge     (ShoalWebseed *self, const ShoalFetch *fetch,
                                             guint64 file_size, gint64 now_us);
/* a range came whole */
void                shoal_webseed_worked    (ShoalWebseed *self);
void                shoal_webseed_failed    (ShoalWebseed *self, const char *why, gint64 now_us);
/* 0: by its failures */
void                shoal_webseed_later     (ShoalWebseed *self, guint after_s, gint64 now_us);
void                shoal_webseed_give_up   (ShoalWebseed *self, const char *why);
/* The file is not there. After the last one it rests, and is believed to have everything again. */
void                shoal_webseed_lacks     (ShoalWebseed *self, const ShoalLayout *layout,
                                             guint32 file, gint64 now_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalWebseed, shoal_webseed_free)

G_END_DECLS
