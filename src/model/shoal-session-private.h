/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of a session share, and what tests of a detached one hold on to: its two mailboxes. */

#pragma once

#include "shoal-runtime.h"
#include "shoal-session.h"

G_BEGIN_DECLS

/* (transfer none): shoal_runtime_next_command() and shoal_runtime_inject() work on that of a detached session. */
ShoalRuntime *shoal_session_get_runtime (ShoalSession *self);

/* @command: (transfer full); nothing is sent after the end */
void          shoal_session_send         (ShoalSession *self, ShoalCommand *command);
/* Sends @command (transfer full) and keeps @task until the answer. */
void          shoal_session_wait         (ShoalSession *self, ShoalCommand *command, GTask *task);
/* The torrent that the answer to an add is about; before the task is ended. */
void          shoal_session_add_answered (GTask *task, guint64 id);

G_END_DECLS
