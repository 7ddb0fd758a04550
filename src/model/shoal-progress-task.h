/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A task on a thread that tells how far it is. */

#pragma once

#include <gio/gio.h>
#include "shoal-progress.h"

G_BEGIN_DECLS

/* @share: 0 … 1 */
typedef void (*ShoalShareFunc) (double share, gpointer user_data);

/**
 * shoal_progress_task_run:
 * @progress: lives as long as @task
 * @share: (nullable): called a few times a second on the caller's context until @task has ended
 *
 * Runs @func as g_task_run_in_thread() does. Cancelling the task's cancellable cancels @progress.
 */
void shoal_progress_task_run (GTask *task, ShoalProgress *progress, GTaskThreadFunc func,
                              ShoalShareFunc share, gpointer share_data);

G_END_DECLS
