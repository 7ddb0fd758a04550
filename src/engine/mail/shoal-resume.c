/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is kept of a torrent between runs, as a value. */

#include "shoal-resume.h"

ShoalResume *
shoal_resume_new (guint64 id)
{
  ShoalResume *self = g_new0 (ShoalResume, 1);

  self->ref_count = 1;
  self->id = id;
  self->checked_to = G_MAXUINT32;

  return self;
}

ShoalResume *
shoal_resume_ref (ShoalResume *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_int_inc (&self->ref_count);

  return self;
}

void
shoal_resume_unref (ShoalResume *self)
{
  if (self == NULL || !g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_clear_pointer (&self->metainfo, g_bytes_unref);
  g_clear_pointer (&self->had, g_bytes_unref);
  g_clear_pointer (&self->spilled, g_bytes_unref);
  g_clear_pointer (&self->priorities, g_bytes_unref);
  g_clear_pointer (&self->peers, g_bytes_unref);
  g_free (self->magnet);
  g_free (self->name);
  g_free (self->dir);
  g_free (self);
}
