/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine thread: starts it, carries commands down and events up, stops it in order. */

#pragma once

#include <gio/gio.h>
#include "shoal-config.h"
#include "shoal-mail.h"

G_BEGIN_DECLS

/**
 * ShoalRuntime:
 *
 * Owns the engine thread, its host, the disk workers and the store. Made, used and freed on one
 * thread, on whose thread-default context events arrive.
 */
typedef struct _ShoalRuntime ShoalRuntime;

/* @event: (transfer full) */
typedef void (*ShoalRuntimeFunc) (ShoalEvent *event, gpointer user_data);

/**
 * shoal_runtime_new:
 * @state_dir: (nullable): folder of resume data, made if missing, relative to the current one if it
 * is relative; %NULL: nothing is kept
 *
 * Takes the lock of @state_dir (in use: %SHOAL_STORE_ERROR_IN_USE, "in use by process N"). Starts
 * the thread; kept torrents are loaded there, then %SHOAL_EVENT_READY comes.
 */
ShoalRuntime *shoal_runtime_new          (const char *state_dir, const ShoalConfig *config,
                                          ShoalRuntimeFunc func, gpointer user_data,
                                          GError **error);

/**
 * shoal_runtime_new_detached:
 *
 * A runtime without a thread for tests: commands are kept for shoal_runtime_next_command(), events
 * are made with shoal_runtime_inject().
 */
ShoalRuntime *shoal_runtime_new_detached   (ShoalRuntimeFunc func, gpointer user_data);
/* (transfer full) (nullable) */
ShoalCommand *shoal_runtime_next_command   (ShoalRuntime *self);
/* (transfer full): @func is called at once */
void          shoal_runtime_inject         (ShoalRuntime *self, ShoalEvent *event);

/* (transfer full) */
void          shoal_runtime_send           (ShoalRuntime *self, ShoalCommand *command);
/* Blocks until the thread has ended: after %SHOAL_EVENT_QUIT at once, else it quits first (at most
 * 5 s). No event comes any more. */
void          shoal_runtime_free           (ShoalRuntime *self);

G_END_DECLS
