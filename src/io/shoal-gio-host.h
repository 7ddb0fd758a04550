/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real world for an engine: sockets, HTTP, names, disk and store behind ShoalHostOps. */

#pragma once

#include <gio/gio.h>
#include "shoal-engine.h"
#include "shoal-mailbox.h"
#include "shoal-resume-store.h"

G_BEGIN_DECLS

/**
 * ShoalGioHost:
 *
 * Runs the turns of one engine on one context. Made, used and freed on the thread of the
 * context, while it is the thread's default.
 */
typedef struct _ShoalGioHost ShoalGioHost;

/* @event: (transfer full); on the host's thread, inside of a turn */
typedef void (*ShoalGioHostTell) (ShoalEvent *event, gpointer user_data);

/* @commands: of ShoalCommand, borrowed: what is posted there goes to the engine. @store:
 * (nullable): where records go; must outlive the host. @n_workers: of the disk; 0: by the
 * processors */
ShoalGioHost *shoal_gio_host_new     (GMainContext *context, ShoalMailbox *commands,
                                      ShoalResumeStore *store, guint n_workers,
                                      ShoalGioHostTell tell, gpointer user_data);
/* What shoal_engine_new() takes. */
ShoalHost    *shoal_gio_host_effects (ShoalGioHost *self);
/* The turns begin; the first hands over what is kept in the store, then LOADED, whose id is the
 * highest that was ever used. @engine is borrowed until shoal_gio_host_stop(). */
void          shoal_gio_host_start   (ShoalGioHost *self, ShoalEngine *engine);
/* Ends everything that is under way and gives it back to the engine: every link is closed,
 * every request done. No turn comes any more. Blocks as long as the disk needs. */
void          shoal_gio_host_stop    (ShoalGioHost *self);
/* After shoal_gio_host_stop() and, if there was one, shoal_engine_free(). */
void          shoal_gio_host_free    (ShoalGioHost *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalGioHost, shoal_gio_host_free)

G_END_DECLS
