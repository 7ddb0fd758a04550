/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A task on a thread that tells how far it is. */

#include "shoal-progress-task.h"

#define INTERVAL_MS 100

typedef struct
{
  GTask          *task;
  ShoalProgress  *progress;
  ShoalShareFunc  share;
  gpointer        share_data;
} Watch;

static void
watch_free (gpointer data)
{
  Watch *self = data;

  g_object_unref (self->task);
  g_free (self);
}

static gboolean
watch_cb (gpointer user_data)
{
  Watch *self = user_data;
  GCancellable *cancellable = g_task_get_cancellable (self->task);

  if (g_task_get_completed (self->task))
    return G_SOURCE_REMOVE;

  if (cancellable != NULL && g_cancellable_is_cancelled (cancellable))
    shoal_progress_cancel (self->progress);
  if (self->share != NULL)
    self->share (shoal_progress_share (self->progress), self->share_data);

  return G_SOURCE_CONTINUE;
}

void
shoal_progress_task_run (GTask           *task,
                         ShoalProgress   *progress,
                         GTaskThreadFunc  func,
                         ShoalShareFunc   share,
                         gpointer         share_data)
{
  g_autoptr(GSource) source = g_timeout_source_new (INTERVAL_MS);
  Watch *watch = g_new0 (Watch, 1);

  watch->task = g_object_ref (task);
  watch->progress = progress;
  watch->share = share;
  watch->share_data = share_data;
  g_source_set_callback (source, watch_cb, watch, watch_free);
  g_source_attach (source, g_task_get_context (task));

  shoal_progress_hand_over (progress);
  g_task_run_in_thread (task, func);
}
