/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a user asks of the torrents that a session has. */

#include "shoal-session-private.h"

static void
send_simple (ShoalSession    *self,
             ShoalCommandType type,
             guint64          id)
{
  ShoalCommand *command = shoal_command_new (type);

  command->id = id;
  shoal_session_send (self, command);
}

/* --- With an answer --- */

void
shoal_session_remove_async (ShoalSession        *self,
                            guint64              id,
                            ShoalRemoveMode      mode,
                            GCancellable        *cancellable,
                            GAsyncReadyCallback  callback,
                            gpointer             user_data)
{
  g_autoptr(GTask) task = NULL;
  ShoalCommand *command;

  g_return_if_fail (SHOAL_IS_SESSION (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, shoal_session_remove_async);
  command = shoal_command_new (SHOAL_COMMAND_REMOVE);
  command->id = id;
  command->remove_mode = mode;
  shoal_session_wait (self, command, task);
}

gboolean
shoal_session_remove_finish (ShoalSession *self,
                             GAsyncResult *result,
                             GError      **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
shoal_session_get_magnet_async (ShoalSession        *self,
                                guint64              id,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  g_autoptr(GTask) task = NULL;
  ShoalCommand *command;

  g_return_if_fail (SHOAL_IS_SESSION (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, shoal_session_get_magnet_async);
  command = shoal_command_new (SHOAL_COMMAND_INFO);
  command->id = id;
  shoal_session_wait (self, command, task);
}

char *
shoal_session_get_magnet_finish (ShoalSession *self,
                                 GAsyncResult *result,
                                 GError      **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- Without --- */

#define REQUEST(name, TYPE) \
  void \
  shoal_session_##name (ShoalSession *self, \
                        guint64       id) \
  { \
    g_return_if_fail (SHOAL_IS_SESSION (self)); \
    send_simple (self, SHOAL_COMMAND_##TYPE, id); \
  }

REQUEST (start, START)
REQUEST (pause, PAUSE)
REQUEST (recheck, RECHECK)
REQUEST (announce, ANNOUNCE)

void
shoal_session_add_peer (ShoalSession *self,
                        guint64       id,
                        const char   *peer)
{
  ShoalCommand *command;

  g_return_if_fail (SHOAL_IS_SESSION (self));
  g_return_if_fail (peer != NULL);

  command = shoal_command_new (SHOAL_COMMAND_ADD_PEER);
  command->id = id;
  command->text = g_strdup (peer);
  shoal_session_send (self, command);
}
