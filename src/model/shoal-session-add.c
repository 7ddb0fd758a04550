/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adding torrents to a session: links as they are, files read first. */

#include "shoal-session-private.h"

#include "shoal-source.h"

/* Task data of an add. The id is kept also with an error, since a duplicate has one. */
typedef struct
{
  ShoalAddOptions *options;   /* until it is sent */
  guint64          id;
} AddTask;

static void
add_task_free (AddTask *self)
{
  shoal_add_options_free (self->options);
  g_free (self);
}

void
shoal_session_add_answered (GTask   *task,
                            guint64  id)
{
  ((AddTask *) g_task_get_task_data (task))->id = id;
}

static GTask *
add_task_new (ShoalSession         *self,
              const ShoalAddParams *params,
              GCancellable         *cancellable,
              GAsyncReadyCallback   callback,
              gpointer              user_data)
{
  static const ShoalAddParams defaults = { NULL };
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  AddTask *data = g_new0 (AddTask, 1);

  params = params != NULL ? params : &defaults;
  data->options = shoal_add_options_new ();
  if (params->dir != NULL)
    data->options->dir = g_strdup (params->dir);
  else
    data->options->dir = shoal_preferences_dup_download_dir (shoal_session_get_preferences (self));
  data->options->select = g_strdup (params->select);
  data->options->peers = g_strdupv ((char **) params->peers);
  data->options->paused = params->paused;
  data->options->sequential = params->sequential;
  data->options->super_seeding = params->super_seeding;
  g_task_set_source_tag (task, shoal_session_add_uri_async);
  g_task_set_task_data (task, data, (GDestroyNotify) add_task_free);
  return task;
}

static void
send_add (GTask  *task,
          char   *uri,
          GBytes *bytes)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);
  AddTask *data = g_task_get_task_data (task);

  command->add = g_steal_pointer (&data->options);
  command->add->uri = uri;
  command->add->metainfo = bytes;
  shoal_session_wait (g_task_get_source_object (task), command, task);
}

/* On a thread of GIO's: a .torrent may lie on a slow or dead file system. */
static void
read_file_thread (GTask        *task,
                  gpointer      source_object,
                  gpointer      task_data,
                  GCancellable *cancellable)
{
  const char *path = g_file_peek_path (G_FILE (task_data));
  GError *error = NULL;
  GBytes *bytes;

  if (path == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                               "the file is not on this computer");
      return;
    }

  bytes = shoal_source_load (path, &error);
  if (bytes == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, bytes, (GDestroyNotify) g_bytes_unref);
}

static void
file_read_cb (GObject      *object,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  GError *error = NULL;
  GBytes *bytes = g_task_propagate_pointer (G_TASK (result), &error);

  if (bytes == NULL)
    g_task_return_error (task, error);
  else
    send_add (task, NULL, bytes);
}

static void
add_file (GTask *task,
          GFile *file)
{
  g_autoptr(GTask) reading = g_task_new (g_task_get_source_object (task),
                                         g_task_get_cancellable (task), file_read_cb,
                                         g_object_ref (task));

  g_task_set_task_data (reading, g_object_ref (file), g_object_unref);
  g_task_run_in_thread (reading, read_file_thread);
}

void
shoal_session_add_uri_async (ShoalSession         *self,
                             const char           *uri,
                             const ShoalAddParams *params,
                             GCancellable         *cancellable,
                             GAsyncReadyCallback   callback,
                             gpointer              user_data)
{
  g_autoptr(GTask) task = NULL;
  g_autoptr(GFile) file = NULL;

  g_return_if_fail (SHOAL_IS_SESSION (self));
  g_return_if_fail (uri != NULL);

  task = add_task_new (self, params, cancellable, callback, user_data);
  if (g_path_is_absolute (uri))
    file = g_file_new_for_path (uri);
  else if (g_ascii_strncasecmp (uri, "file:", 5) == 0)
    file = g_file_new_for_uri (uri);

  if (file != NULL)
    add_file (task, file);
  else
    send_add (task, g_strdup (uri), NULL);
}

void
shoal_session_add_bytes_async (ShoalSession         *self,
                               GBytes               *bytes,
                               const ShoalAddParams *params,
                               GCancellable         *cancellable,
                               GAsyncReadyCallback   callback,
                               gpointer              user_data)
{
  g_autoptr(GTask) task = NULL;

  g_return_if_fail (SHOAL_IS_SESSION (self));
  g_return_if_fail (bytes != NULL);

  task = add_task_new (self, params, cancellable, callback, user_data);
  send_add (task, NULL, g_bytes_ref (bytes));
}

void
shoal_session_add_file_async (ShoalSession         *self,
                              GFile                *file,
                              const ShoalAddParams *params,
                              GCancellable         *cancellable,
                              GAsyncReadyCallback   callback,
                              gpointer              user_data)
{
  g_autoptr(GTask) task = NULL;

  g_return_if_fail (SHOAL_IS_SESSION (self));
  g_return_if_fail (G_IS_FILE (file));

  task = add_task_new (self, params, cancellable, callback, user_data);
  add_file (task, file);
}

gboolean
shoal_session_add_finish (ShoalSession *self,
                          GAsyncResult *result,
                          guint64      *id,
                          GError      **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  if (id != NULL)
    *id = ((AddTask *) g_task_get_task_data (G_TASK (result)))->id;

  return g_task_propagate_boolean (G_TASK (result), error);
}
