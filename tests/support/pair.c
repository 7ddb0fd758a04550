/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two whole engines joined by a wire in memory: disks are buffers, time is a number. */

#include "pair.h"

#include <string.h>
#include "shoal-torrent-writer.h"

static GBytes *
make_torrent (Pair       *self,
              guint64     size,
              guint32     piece_size)
{
  guint32 n = (guint32) ((size + piece_size - 1) / piece_size);
  g_autofree guint8 *pieces = g_malloc (n * SHOAL_SHA1_SIZE + 1);
  const char *path[] = { "data", NULL };
  ShoalTorrentFile file = { .path = path, .size = size };
  ShoalTorrentSpec spec = {
    .versions = SHOAL_TORRENT_V1, .name = "data", .single = TRUE, .files = &file, .n_files = 1,
    .piece_size = piece_size, .pieces = pieces, .n_pieces = n, .creation_date = -1,
  };
  g_autoptr(GError) error = NULL;
  GBytes *bytes;

  for (guint32 i = 0; i < n; i++)
    shoal_sha1 (self->truth + (gsize) i * piece_size,
                MIN (size - (guint64) i * piece_size, piece_size),
                (ShoalSha1 *) (gpointer) (pieces + i * SHOAL_SHA1_SIZE));
  bytes = shoal_torrent_write (&spec, &error);
  g_assert_no_error (error);

  return bytes;
}

Pair *
pair_new (guint64            size,
          guint32            piece_size,
          guint64            seed,
          const ShoalConfig *config)
{
  Pair *self = g_new0 (Pair, 1);
  g_autoptr(GError) error = NULL;

  shoal_rng_init (&self->rng, seed);
  self->now_us = G_USEC_PER_SEC;
  self->truth = g_malloc (size);
  shoal_rng_bytes (&self->rng, self->truth, size);
  self->torrent = make_torrent (self, size, piece_size);
  self->metainfo = shoal_metainfo_parse (self->torrent, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++)
    {
      PairEnd *end = &self->ends[i];
      ShoalConfig defaults;

      shoal_config_init (&defaults);
      defaults.encryption = SHOAL_ENCRYPTION_OFF;
      end->fake = fake_host_new (seed + i);
      end->engine = shoal_engine_new (&end->fake->host, config != NULL ? config : &defaults);
      end->content = i == 0 ? g_memdup2 (self->truth, size) : g_malloc0 (size);
      end->written = g_malloc0 (self->metainfo->layout->n_pieces);
      memset (end->written, i == 0, self->metainfo->layout->n_pieces);
      end->wire = g_byte_array_new ();
    }

  return self;
}

static void
close_link (PairEnd *end)
{
  ShoalLink *link = g_steal_pointer (&end->link);

  if (link != NULL)
    shoal_link_closed (link, "the wire was cut");
}

static void
check_job (Pair         *self,
           PairEnd      *end,
           ShoalDiskJob *job)
{
  const ShoalLayout *layout = self->metainfo->layout;

  job->verdicts = g_malloc0 (job->n_pieces);
  for (guint32 i = 0; i < job->n_pieces; i++)
    {
      guint64 offset = shoal_layout_piece_offset (layout, job->piece + i);
      gsize size = shoal_layout_piece_size (layout, job->piece + i);

      job->verdicts[i] = memcmp (end->content + offset, self->truth + offset, size) == 0
                           ? SHOAL_PIECE_RIGHT
                           : SHOAL_PIECE_WRONG;
    }
}

static void
write_runs (Pair         *self,
            PairEnd      *end,
            ShoalDiskJob *job)
{
  guint64 offset = shoal_layout_piece_offset (self->metainfo->layout, job->piece);

  for (guint i = 0; i < job->n_runs; i++)
    memcpy (end->content + offset + job->runs[i].offset, job->runs[i].data, job->runs[i].size);
}

static void
piece_job (Pair         *self,
           PairEnd      *end,
           ShoalDiskJob *job)
{
  guint64 offset = shoal_layout_piece_offset (self->metainfo->layout, job->piece);
  gsize size = 0;

  for (guint i = 0; i < job->n_runs; i++)
    {
      g_assert_cmpuint (job->runs[i].offset, ==, size);
      size += job->runs[i].size;
      job->hash_wrong = job->hash_wrong
                        || memcmp (job->runs[i].data, self->truth + offset + job->runs[i].offset,
                                   job->runs[i].size)
                             != 0;
    }
  g_assert_cmpuint (size, ==, shoal_layout_piece_size (self->metainfo->layout, job->piece));
  if (!job->hash_wrong)
    {
      write_runs (self, end, job);
      end->written[job->piece] = 1;
    }
}

static void
answer_job (Pair         *self,
            PairEnd      *end,
            ShoalDiskJob *job)
{
  switch (job->op)
    {
    case SHOAL_DISK_OPEN:
      job->found = end->written[0] != 0;
      job->free_space = G_MAXUINT32;
      break;

    case SHOAL_DISK_PIECE:
      piece_job (self, end, job);
      break;

    case SHOAL_DISK_SPILL:
      write_runs (self, end, job);
      break;

    case SHOAL_DISK_CHECK:
      check_job (self, end, job);
      break;

    case SHOAL_DISK_READ:
      end->n_reads++;
      g_assert_true (end->written[job->piece]);
      job->bytes = g_memdup2 (end->content
                                + shoal_layout_piece_offset (self->metainfo->layout, job->piece)
                                + job->offset,
                              job->size);
      break;

    case SHOAL_DISK_LOAD:
      job->metainfo = shoal_metainfo_ref (self->metainfo);
      break;

    case SHOAL_DISK_FINISH:
    case SHOAL_DISK_CLOSE:
    case SHOAL_DISK_REMOVE:
    default:
      break;
    }
  shoal_engine_done (end->engine, &job->done);
}

static void
answer_jobs (Pair    *self,
             PairEnd *end)
{
  g_autoptr(GPtrArray) jobs = g_ptr_array_ref (end->fake->jobs);

  while (end->fake->jobs->len > 0)
    answer_job (self, end, g_ptr_array_steal_index (end->fake->jobs, 0));
}

/* As much of what @end has to say as goes out, on its way to the other end. */
static void
send_all (Pair    *self,
      PairEnd *end,
      PairEnd *other)
{
  ShoalSpan spans[8];
  guint n;

  while (end->link != NULL && !end->closed
         && (n = shoal_link_output (end->link, spans, G_N_ELEMENTS (spans))) > 0)
    {
      gsize size = 0;

      for (guint i = 0; i < n; i++)
        {
          g_byte_array_append (other->wire, spans[i].bytes, spans[i].size);
          size += spans[i].size;
        }
      shoal_link_sent (end->link, size);
    }
}

static void
receive_all (Pair    *self,
         PairEnd *end)
{
  while (end->link != NULL && !end->closed && !end->deaf && end->wire->len > 0)
    {
      struct iovec iov[34];
      guint n = shoal_link_low_mark (end->link) > 0
                  ? shoal_link_window (end->link, iov, G_N_ELEMENTS (iov))
                  : 0;
      gsize limit = self->max_read > 0 ? 1 + shoal_rng_below (&self->rng, self->max_read)
                                       : G_MAXSIZE;
      gsize done = 0;

      if (n == 0)
        return;
      for (guint i = 0; i < n && done < limit && done < end->wire->len; i++)
        {
          gsize size = MIN (MIN (iov[i].iov_len, limit - done), end->wire->len - done);

          memcpy (iov[i].iov_base, end->wire->data + done, size);
          done += size;
        }
      g_byte_array_remove_range (end->wire, 0, done);
      shoal_link_received (end->link, done);
      end->closed = end->fake->hung_up->len > 0;
    }
}

static void
read_events (PairEnd *end)
{
  for (guint i = 0; i < end->fake->events->len; i++)
    {
      ShoalEvent *event = g_ptr_array_index (end->fake->events, i);

      if (event->type == SHOAL_EVENT_COMPLETE)
        end->complete = TRUE;
      if (event->type == SHOAL_EVENT_ADDED)
        end->id = event->id;
      if (event->type == SHOAL_EVENT_SNAPSHOT)
        end->rate_down = event->snapshot->rate_down;
      if (event->type == SHOAL_EVENT_SNAPSHOT && event->snapshot->n_torrents > 0)
        end->torrent_rate = event->snapshot->torrents[0].rate_down;
    }
  g_ptr_array_set_size (end->fake->events, 0);
  g_ptr_array_set_size (end->fake->records, 0);
  g_ptr_array_set_size (end->fake->attended, 0);
}

void
pair_step (Pair  *self,
           gint64 us)
{
  gboolean cut = FALSE;

  self->now_us += us;
  for (guint i = 0; i < 2; i++)
    shoal_engine_begin (self->ends[i].engine, self->now_us,
                        1700000000 + self->now_us / G_USEC_PER_SEC);
  for (guint i = 0; i < 2; i++)
    {
      receive_all (self, &self->ends[i]);
      answer_jobs (self, &self->ends[i]);
      fake_host_end_all (self->ends[i].fake, self->now_us);
    }
  for (guint i = 0; i < 2; i++)
    {
      send_all (self, &self->ends[i], &self->ends[1 - i]);
      cut = cut || self->ends[i].fake->hung_up->len > 0;
    }
  for (guint i = 0; i < 2 && cut; i++)
    {
      close_link (&self->ends[i]);
      self->ends[i].closed = TRUE;
      g_ptr_array_set_size (self->ends[i].fake->hung_up, 0);
      g_byte_array_set_size (self->ends[i].wire, 0);
    }
  for (guint i = 0; i < 2; i++)
    {
      answer_jobs (self, &self->ends[i]);
      shoal_engine_end (self->ends[i].engine);
      read_events (&self->ends[i]);
    }
}

void
pair_add (Pair    *self,
          guint    end,
          gboolean magnet)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);

  command->add = shoal_add_options_new ();
  command->add->dir = g_strdup ("/");
  if (magnet)
    command->add->uri = shoal_metainfo_to_magnet (self->metainfo);
  else
    command->add->metainfo = g_bytes_ref (self->torrent);
  shoal_engine_begin (self->ends[end].engine, self->now_us, 1700000000);
  shoal_engine_command (self->ends[end].engine, command);
  shoal_engine_end (self->ends[end].engine);
  read_events (&self->ends[end]);
  for (guint i = 0; i < 8; i++)
    pair_step (self, 1000);
}

void
pair_connect (Pair *self)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD_PEER);
  PairEnd *from = &self->ends[1];
  ShoalAddr addr;

  command->id = from->id;
  command->text = g_strdup ("127.0.0.1:6881");
  shoal_engine_begin (from->engine, self->now_us, 1700000000);
  shoal_engine_command (from->engine, command);
  shoal_engine_end (from->engine);
  for (guint i = 0; i < 40 && from->fake->dials->len == 0; i++)
    pair_step (self, 100 * G_TIME_SPAN_MILLISECOND);
  g_assert_cmpuint (from->fake->dials->len, ==, 1);

  from->link = g_array_index (from->fake->dials, FakeDial, 0).link;
  g_array_set_size (from->fake->dials, 0);
  self->ends[0].closed = self->ends[1].closed = FALSE;
  shoal_engine_begin (self->ends[0].engine, self->now_us, 1700000000);
  shoal_engine_begin (from->engine, self->now_us, 1700000000);
  g_assert_true (shoal_addr_parse (&addr, "127.0.0.1:50000", 0));
  self->ends[0].link = shoal_engine_accept (self->ends[0].engine, &addr, NULL);
  g_assert_nonnull (self->ends[0].link);
  shoal_link_opened (from->link, &addr);
  shoal_engine_end (from->engine);
  shoal_engine_end (self->ends[0].engine);
}

void
pair_inject (Pair         *self,
             guint         end,
             gconstpointer bytes,
             gsize         size)
{
  g_byte_array_append (self->ends[end].wire, bytes, size);
}

void
pair_free (Pair *self)
{
  for (guint i = 0; i < 2; i++)
    {
      PairEnd *end = &self->ends[i];

      shoal_engine_begin (end->engine, self->now_us, 1700000000);
      close_link (end);
      for (guint k = 0; k < end->fake->dials->len; k++)
        shoal_link_closed (g_array_index (end->fake->dials, FakeDial, k).link, "the end");
      shoal_engine_command (end->engine, shoal_command_new (SHOAL_COMMAND_QUIT));
      answer_jobs (self, end);
      fake_host_end_all (end->fake, self->now_us);
      shoal_engine_end (end->engine);
      shoal_engine_free (end->engine);
      fake_host_free (end->fake);
      g_byte_array_unref (end->wire);
      g_free (end->content);
      g_free (end->written);
    }
  shoal_metainfo_unref (self->metainfo);
  g_bytes_unref (self->torrent);
  g_free (self->truth);
  g_free (self);
}
