/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a peer asks the client for: its queue, reads ahead, choking. */

/*
 * Answers leave in the order of the requests. A request is QUEUED, then being read
 * (at most SHOAL_UPLOAD_AHEAD bytes are read or stand in the outbox), then in the outbox. The jobs
 * of requests that were taken back are let run; their owner is gone then and they free themselves.
 */

#include "shoal-link-private.h"

#include <string.h>

static inline guint64
upload_tag (guint32 piece,
            guint32 offset)
{
  return ((guint64) piece << 32 | offset) + 1;
}

static void
reject (ShoalLink *self,
        guint32    piece,
        guint32    offset,
        guint32    size)
{
  if (shoal_link_is_fast (self))
    shoal_link_say_request (self, SHOAL_MESSAGE_REJECT, piece, offset, size);
}

static gboolean
is_allowed_fast (ShoalLink *self,
                 guint32    piece)
{
  for (guint i = 0; i < self->n_fast; i++)
    if (self->fast[i] == piece)
      return TRUE;

  return FALSE;
}

/* How much is read ahead: half a second's worth. */
static guint64
ahead_limit (ShoalLink *self)
{
  guint64 rate = shoal_rate_get (&self->rate_up, self->engine->now_us);

  return CLAMP (rate / 2, SHOAL_UPLOAD_AHEAD_MIN, SHOAL_UPLOAD_AHEAD_MAX);
}

static void
free_upload (ShoalLink   *self,
             ShoalUpload *upload)
{
  if (upload->job == NULL)
    return;
  if (upload->ready)
    {
      shoal_disk_job_free (upload->job);
    }
  else
    {
      upload->job->done.owner = NULL;
    }
  self->ahead -= MIN (self->ahead, upload->size);
  upload->job = NULL;
}

/* A block that reaches beyond the end of its file goes on with zeros. */
static guint8 *
padded_bytes (ShoalDiskJob *job,
              guint32       size)
{
  guint8 *bytes = g_steal_pointer (&job->bytes);

  if (job->size < size)
    {
      bytes = g_realloc (bytes, size);
      memset (bytes + job->size, 0, size - job->size);
    }

  return bytes;
}

static void
send_ready (ShoalLink *self)
{
  guint n = 0;

  while (n < self->uploads->len)
    {
      ShoalUpload *upload = &g_array_index (self->uploads, ShoalUpload, n);
      ShoalDiskJob *job = upload->job;
      guint8 head[SHOAL_PIECE_HEADER_SIZE];
      guint64 tag = upload_tag (upload->piece, upload->offset);
      guint head_size;

      if (!upload->ready)
        break;
      n++;
      head_size = shoal_message_write_piece_header (head, upload->piece, upload->offset,
                                                    upload->size);
      if (job->file != NULL)
        shoal_outbox_append_file (self->outbox, head, head_size, job->file, job->file_offset,
                                  upload->size, tag);
      else
        shoal_outbox_append_buffer (self->outbox, head, head_size, padded_bytes (job, upload->size),
                                    upload->size, g_free, tag);
      shoal_disk_job_free (job);
      self->sent += upload->size;
      self->ahead -= MIN (self->ahead, upload->size);
      self->swarm->uploaded += upload->size;
      shoal_rate_add (&self->rate_up, upload->size, self->engine->now_us);
      shoal_rate_add (&self->swarm->rate_up, upload->size, self->engine->now_us);
      shoal_rate_add (&self->engine->rate_up, upload->size, self->engine->now_us);
    }
  if (n == 0)
    return;
  g_array_remove_range (self->uploads, 0, n);
  self->next_reader -= MIN (self->next_reader, n);
  self->swarm->dirty = TRUE;
  shoal_link_attend (self);
}

static void
on_read (ShoalDone *done,
         gint64     now_us)
{
  ShoalDiskJob *job = (ShoalDiskJob *) done;
  ShoalLink *self = done->owner;

  shoal_engine_disk_done (job);
  if (self == NULL)
    {
      shoal_disk_job_free (job);
      return;
    }
  for (guint i = 0; i < self->uploads->len; i++)
    {
      ShoalUpload *upload = &g_array_index (self->uploads, ShoalUpload, i);

      if (upload->job != job)
        continue;
      if (job->reason != SHOAL_REASON_NONE)
        {
          ShoalSwarm *swarm = self->swarm;
          ShoalReason reason = job->reason;
          g_autofree char *detail = g_steal_pointer (&job->detail);

          upload->ready = TRUE;
          reject (self, upload->piece, upload->offset, upload->size);
          free_upload (self, upload);
          g_array_remove_index (self->uploads, i);
          self->next_reader -= self->next_reader > i ? 1 : 0;
          shoal_swarm_fail (swarm, reason, detail);
          return;
        }
      upload->ready = TRUE;
      break;
    }
  send_ready (self);
}

void
shoal_link_pump (ShoalLink *self)
{
  guint64 limit;

  if (self->next_reader >= self->uploads->len || shoal_timer_is_armed (&self->hold_timer)
      || !shoal_link_is_live (self) || self->swarm->metainfo == NULL || !self->swarm->opened)
    return;

  limit = ahead_limit (self);
  while (self->next_reader < self->uploads->len
         && self->ahead + shoal_outbox_size (self->outbox) < limit)
    {
      ShoalUpload *upload = &g_array_index (self->uploads, ShoalUpload, self->next_reader);
      ShoalDiskJob *job;
      guint32 real;

      if (!shoal_layout_is_upload (self->swarm->metainfo->layout, upload->piece, upload->offset,
                                   upload->size, &real))
        {
          shoal_link_hang_up (self, "a request outside of the torrent");
          return;
        }
      job = shoal_disk_job_new (SHOAL_DISK_READ, self->swarm->id);
      job->piece = upload->piece;
      job->offset = upload->offset;
      job->size = real;
      job->allow_file = real == upload->size && self->cipher == NULL && !self->over_utp;
      job->done.func = on_read;
      job->done.owner = self;
      upload->job = job;
      self->ahead += upload->size;
      self->next_reader++;
      if (real > 0)
        {
          shoal_engine_disk (self->engine, job);
          continue;
        }
      /* Behind the end of a file there is nothing to read. */
      upload->ready = TRUE;
      send_ready (self);
    }
}

/*
 * A peer that has the metadata of a hybrid from a magnet link fetches the v2 hashes and blocks at
 * once. libtorrent stops the torrent for good when hashes come while a piece of theirs is right by
 * its v1 hash but not on the disk yet. So nobody gets a first block before it has had the time to
 * ask for all hashes.
 */
void
shoal_link_hold_blocks (ShoalLink *self)
{
  gint64 now_us = self->engine->now_us;

  if (self->sent > 0 || !shoal_swarm_is_hybrid (self->swarm))
    return;
  if (self->held_us == 0)
    self->held_us = now_us;
  if (now_us - self->held_us < SHOAL_HASHES_FIRST_MAX_US)
    shoal_timers_arm (self->engine->timers, &self->hold_timer, now_us + SHOAL_HASHES_FIRST_US);
}

void
shoal_link_asked (ShoalLink *self,
                  guint32    piece,
                  guint32    offset,
                  guint32    size)
{
  ShoalSwarm *swarm = self->swarm;
  ShoalUpload upload = { piece, offset, size, NULL, FALSE };
  guint32 real;

  if (!swarm->has_metadata || piece >= swarm->n_pieces || size == 0 || size > SHOAL_REQUEST_SIZE_MAX
      || (swarm->metainfo != NULL
          && !shoal_layout_is_upload (swarm->metainfo->layout, piece, offset, size, &real)))
    {
      shoal_link_hang_up (self, "a request outside of the torrent");
      return;
    }
  if ((self->am_choking && !is_allowed_fast (self, piece)) || !shoal_swarm_has_piece (swarm, piece)
      || self->uploads->len >= SHOAL_REQQ)
    {
      reject (self, piece, offset, size);
      return;
    }

  g_array_append_val (self->uploads, upload);
  shoal_link_pump (self);
}

void
shoal_link_asked_not (ShoalLink *self,
                      guint32    piece,
                      guint32    offset,
                      guint32    size)
{
  for (guint i = 0; i < self->uploads->len; i++)
    {
      ShoalUpload *upload = &g_array_index (self->uploads, ShoalUpload, i);

      if (upload->piece != piece || upload->offset != offset || upload->size != size)
        continue;
      free_upload (self, upload);
      g_array_remove_index (self->uploads, i);
      self->next_reader -= self->next_reader > i ? 1 : 0;
      reject (self, piece, offset, size);
      shoal_link_pump (self);
      return;
    }

  if (shoal_outbox_drop (self->outbox, upload_tag (piece, offset)))
    {
      self->sent -= size;
      self->swarm->uploaded -= size;
      reject (self, piece, offset, size);
      shoal_link_pump (self);
    }
}

void
shoal_link_drop_uploads (ShoalLink *self,
                         gboolean   say_reject,
                         gboolean   keep_fast)
{
  guint kept = 0;

  self->next_reader = 0;
  for (guint i = 0; i < self->uploads->len; i++)
    {
      ShoalUpload *upload = &g_array_index (self->uploads, ShoalUpload, i);

      if (keep_fast && is_allowed_fast (self, upload->piece))
        {
          if (upload->job != NULL)
            self->next_reader = kept + 1;
          g_array_index (self->uploads, ShoalUpload, kept++) = *upload;
          continue;
        }
      if (say_reject)
        reject (self, upload->piece, upload->offset, upload->size);
      free_upload (self, upload);
    }
  g_array_set_size (self->uploads, kept);
}

void
shoal_link_set_choking (ShoalLink *self,
                        gboolean   choking)
{
  if (self->am_choking == choking || !shoal_link_is_live (self))
    return;
  self->am_choking = choking;
  shoal_link_say (self, choking ? SHOAL_MESSAGE_CHOKE : SHOAL_MESSAGE_UNCHOKE);
  if (choking)
    shoal_link_drop_uploads (self, TRUE, TRUE);
  else
    self->unchoked_us = self->engine->now_us;
}
