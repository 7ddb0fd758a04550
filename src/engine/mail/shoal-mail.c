/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making and freeing what crosses the threads. */

#include "shoal-mail.h"

/* Commands and events are moved across: whoever has one owns it whole, so nothing here needs a
 * lock. What they share with others (resume records, infos, snapshots, bytes) is counted
 * atomically. */

ShoalCommand *
shoal_command_new (ShoalCommandType type)
{
  ShoalCommand *self = g_new0 (ShoalCommand, 1);

  self->type = type;
  return self;
}

void
shoal_command_free (ShoalCommand *self)
{
  if (self == NULL)
    return;

  shoal_add_options_free (self->add);
  g_clear_pointer (&self->priorities, g_bytes_unref);
  g_clear_pointer (&self->kept, g_bytes_unref);
  g_free (self->text);
  g_free (self->config);
  g_free (self);
}

ShoalAddOptions *
shoal_add_options_new (void)
{
  return g_new0 (ShoalAddOptions, 1);
}

void
shoal_add_options_free (ShoalAddOptions *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->metainfo, g_bytes_unref);
  g_clear_pointer (&self->resume, shoal_resume_unref);
  g_strfreev (self->peers);
  g_free (self->uri);
  g_free (self->dir);
  g_free (self->select);
  g_free (self);
}

ShoalEvent *
shoal_event_new (ShoalEventType type)
{
  ShoalEvent *self = g_new0 (ShoalEvent, 1);

  self->type = type;
  return self;
}

void
shoal_event_free (ShoalEvent *self)
{
  if (self == NULL)
    return;

  g_clear_error (&self->error);
  g_clear_pointer (&self->info, shoal_torrent_info_unref);
  g_clear_pointer (&self->snapshot, shoal_snapshot_unref);
  g_free (self->text);
  g_free (self);
}
