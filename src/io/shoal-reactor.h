/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One GSource over one epoll set: every descriptor of the engine's thread, one wake-up for all. */

#pragma once

#include <glib.h>
#include <sys/epoll.h>

G_BEGIN_DECLS

#define SHOAL_REACTOR_BATCH 256   /* ready descriptors handled in one turn */

typedef struct _ShoalReactor ShoalReactor;
typedef struct _ShoalWatch   ShoalWatch;

/* @events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP. */
typedef void (*ShoalWatchFunc)   (ShoalWatch *watch, guint32 events);
/* A turn: something is ready, the deadline has come, or shoal_reactor_wake() was called. */
typedef void (*ShoalReactorFunc) (gpointer user_data);

/**
 * ShoalWatch:
 * @events: what is watched for now; 0: nothing but errors, if it is @added
 *
 * Lies inside its owner.
 */
struct _ShoalWatch
{
  int            fd;
  guint32        events;
  gboolean       added;
  ShoalWatchFunc ready;
};

/* Level triggered unless EPOLLET is asked for. Everything on the thread of @context. */
ShoalReactor *shoal_reactor_new  (GMainContext *context, ShoalReactorFunc turn, gpointer user_data);
void          shoal_reactor_free (ShoalReactor *self);

void          shoal_watch_init   (ShoalWatch *watch, int fd, ShoalWatchFunc ready);
/* Adds or changes; no system call if nothing changes. FALSE: the system has no room for another
 * (errno). */
gboolean      shoal_reactor_watch  (ShoalReactor *self, ShoalWatch *watch, guint32 events);
/* Its function is never called again, not even for what is ready already. Before the descriptor
 * is closed. */
void          shoal_reactor_forget (ShoalReactor *self, ShoalWatch *watch);

/* For the turn: calls the functions of at most %SHOAL_REACTOR_BATCH ready watches. Returns their
 * number. */
guint         shoal_reactor_poll (ShoalReactor *self);
/* For the turn: when the next one is due at the latest, monotonic microseconds; G_MAXINT64: only
 * when something happens. */
void          shoal_reactor_set_deadline (ShoalReactor *self, gint64 deadline_us);
/* For the turn: leave the descriptors alone until then, to find more of them ready at once. */
void          shoal_reactor_rest (ShoalReactor *self, gint64 until_us);
/* Asks for a turn as soon as possible; not inside of one, and on the thread that iterates the
 * context. */
void          shoal_reactor_wake (ShoalReactor *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalReactor, shoal_reactor_free)

G_END_DECLS
