/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of a session share, and what tests of a detached one hold on to: its two
 * mailboxes. */

#pragma once

#include "shoal-runtime.h"
#include "shoal-session.h"

G_BEGIN_DECLS

/* (transfer none): shoal_runtime_next_command() and shoal_runtime_inject() work on that of a
 * detached session. */
ShoalRuntime *shoal_session_get_runtime (ShoalSession *self);

/* @command: (transfer full); nothing is sent after the end */
void          shoal_session_send         (ShoalSession *self, ShoalCommand *command);
/* Sends @command (transfer full) and keeps @task until the answer. */
void          shoal_session_wait         (ShoalSession *self, ShoalCommand *command, GTask *task);
/* The torrent that the answer to an add is about; before the task is ended. */
void          shoal_session_add_answered (GTask *task, guint64 id);

/**
 * ShoalSessionConfig:
 *
 * Preferences, whether the network is metered, and whether the machine saves power: then the DHT is
 * asked, and nobody there is answered.
 */
typedef struct _ShoalSessionConfig ShoalSessionConfig;
typedef void (*ShoalSessionConfigFunc) (ShoalSession *session);

/* @changed: it may be another one now; on the thread that made it */
ShoalSessionConfig *shoal_session_config_new  (ShoalPreferences *preferences,
                                               ShoalSessionConfigFunc changed,
                                               ShoalSession *session);
void                shoal_session_config_free (ShoalSessionConfig *self);
void                shoal_session_config_get  (const ShoalSessionConfig *self, ShoalConfig *out);

G_END_DECLS
