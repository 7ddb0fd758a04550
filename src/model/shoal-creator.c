/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes a .torrent from a file or folder. */

#include "shoal-creator.h"

typedef struct
{
  ShoalProgress    progress;
  ShoalMakeOptions options;   /* strings owned */
  char            *output;
} Create;

static void
create_free (gpointer data)
{
  Create *self = data;

  g_free ((char *) self->options.path);
  g_free ((char *) self->options.comment);
  g_free ((char *) self->options.source);
  g_strfreev ((char **) self->options.trackers);
  g_strfreev ((char **) self->options.web_seeds);
  g_free (self->output);
  g_free (self);
}

/* What is wrong is about @output, not about what was read. (transfer full) */
static GError *
writing_error (const char   *output,
               const GError *error)
{
  g_autofree char *name = g_filename_display_name (output);
  int code = G_IO_ERROR_FAILED;

  if (error->domain == G_FILE_ERROR && error->code == G_FILE_ERROR_NOSPC)
    code = G_IO_ERROR_NO_SPACE;
  else if (error->domain == G_FILE_ERROR && error->code == G_FILE_ERROR_ACCES)
    code = G_IO_ERROR_PERMISSION_DENIED;

  return g_error_new (G_IO_ERROR, code, "%s could not be written: %s", name, error->message);
}

static void
create_thread (GTask        *task,
               gpointer      source_object,
               gpointer      task_data,
               GCancellable *cancellable)
{
  Create *self = task_data;
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(GError) writing = NULL;
  GError *error = NULL;

  g_assert (shoal_progress_handed_over (&self->progress));
  bytes = shoal_make_torrent (&self->options, &self->progress, &error);
  if (bytes != NULL &&
      !g_file_set_contents_full (self->output, g_bytes_get_data (bytes, NULL),
                                 (gssize) g_bytes_get_size (bytes),
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0666,
                                 &writing))
    error = writing_error (self->output, writing);

  /* After this, @self belongs to the other thread. */
  shoal_progress_end (&self->progress);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

void
shoal_create_torrent_async (const ShoalMakeOptions *options,
                            const char             *output,
                            GCancellable           *cancellable,
                            ShoalShareFunc          share,
                            gpointer                share_data,
                            GAsyncReadyCallback     callback,
                            gpointer                user_data)
{
  g_autoptr(GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Create *self = g_new0 (Create, 1);

  self->options = *options;
  self->options.path = g_strdup (options->path);
  self->options.comment = g_strdup (options->comment);
  self->options.source = g_strdup (options->source);
  self->options.trackers = (const char *const *) g_strdupv ((char **) options->trackers);
  self->options.web_seeds = (const char *const *) g_strdupv ((char **) options->web_seeds);
  self->output = g_strdup (output);
  g_task_set_source_tag (task, shoal_create_torrent_async);
  g_task_set_task_data (task, self, create_free);
  shoal_progress_task_run (task, &self->progress, create_thread, share, share_data);
}

gboolean
shoal_create_torrent_finish (GAsyncResult *result,
                             GError      **error)
{
  Create *self;

  g_return_val_if_fail (g_async_result_is_tagged (result, shoal_create_torrent_async), FALSE);

  self = g_task_get_task_data (G_TASK (result));
  g_assert (shoal_progress_ended (&self->progress));

  return g_task_propagate_boolean (G_TASK (result), error);
}
