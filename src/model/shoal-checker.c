/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks data on disk against a .torrent, without a session. */

#include "shoal-checker.h"

typedef struct
{
  ShoalProgress  progress;
  GBytes        *torrent;
  char          *dir;
} Check;

static void
check_free (gpointer data)
{
  Check *self = data;

  g_bytes_unref (self->torrent);
  g_free (self->dir);
  g_free (self);
}

static void
check_thread (GTask        *task,
              gpointer      source_object,
              gpointer      task_data,
              GCancellable *cancellable)
{
  Check *self = task_data;
  ShoalVerifyReport *report;
  GError *error = NULL;

  g_assert (shoal_progress_handed_over (&self->progress));
  report = shoal_verify (self->torrent, self->dir, &self->progress, &error);
  shoal_progress_end (&self->progress);
  if (report == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, report, (GDestroyNotify) shoal_verify_report_free);
}

void
shoal_check_data_async (GBytes              *torrent,
                        const char          *dir,
                        GCancellable        *cancellable,
                        ShoalShareFunc       share,
                        gpointer             share_data,
                        GAsyncReadyCallback  callback,
                        gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Check *self = g_new0 (Check, 1);

  self->torrent = g_bytes_ref (torrent);
  self->dir = g_strdup (dir);
  g_task_set_source_tag (task, shoal_check_data_async);
  g_task_set_task_data (task, self, check_free);
  shoal_progress_task_run (task, &self->progress, check_thread, share, share_data);
}

ShoalVerifyReport *
shoal_check_data_finish (GAsyncResult *result,
                         GError      **error)
{
  Check *self;

  g_return_val_if_fail (g_async_result_is_tagged (result, shoal_check_data_async), NULL);

  self = g_task_get_task_data (G_TASK (result));
  g_assert (shoal_progress_ended (&self->progress));

  return g_task_propagate_pointer (G_TASK (result), error);
}
