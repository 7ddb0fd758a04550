/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One whole engine with a disk that fails on demand, and scripted peers. */

#include "rig.h"

#include <string.h>

#include "shoal-leaves.h"

#define TENTH_US (100 * G_TIME_SPAN_MILLISECOND)

/* --- The disk --- */

static gboolean
piece_is_right (Rig    *self,
                guint32 piece)
{
  const ShoalLayout *layout = self->content->metainfo->layout;

  return memcmp (self->data + shoal_layout_piece_offset (layout, piece),
                 content_piece (self->content, piece), shoal_layout_piece_size (layout, piece))
         == 0;
}

static void
write_runs (Rig          *self,
            ShoalDiskJob *job)
{
  guint64 offset = shoal_layout_piece_offset (self->content->metainfo->layout, job->piece);

  for (guint i = 0; i < job->n_runs; i++)
    memcpy (self->data + offset + job->runs[i].offset, job->runs[i].data, job->runs[i].size);
}

/* As the hashes of a tree: of the file's blocks alone, from @data of the piece. */
static ShoalSha256 *
hash_leaves (Rig          *self,
             guint32       piece,
             const guint8 *data)
{
  ShoalLeafPlace place;
  ShoalSha256 *leaves;

  if (!shoal_leaves_place (self->content->metainfo, piece, &place))
    return NULL;
  leaves = g_new (ShoalSha256, place.n);
  for (guint32 block = 0; block < place.n; block++)
    shoal_sha256 (data + (gsize) block * SHOAL_BLOCK_SIZE,
                  MIN (place.size - block * SHOAL_BLOCK_SIZE, SHOAL_BLOCK_SIZE), &leaves[block]);

  return leaves;
}

static ShoalSha256 *
hash_runs (Rig                *self,
           const ShoalDiskJob *job)
{
  g_autofree guint8 *bytes = g_malloc0 (self->content->metainfo->layout->piece_size);

  for (guint i = 0; i < job->n_runs; i++)
    memcpy (bytes + job->runs[i].offset, job->runs[i].data, job->runs[i].size);

  return hash_leaves (self, job->piece, bytes);
}

static void
do_piece (Rig          *self,
          ShoalDiskJob *job)
{
  guint32 size = 0;

  for (guint i = 0; i < job->n_runs; i++)
    {
      g_assert_cmpuint (job->runs[i].offset, ==, size);
      size += job->runs[i].size;
      if (memcmp (job->runs[i].data,
                  content_piece (self->content, job->piece) + job->runs[i].offset,
                  job->runs[i].size)
          != 0)
        job->hash_wrong = TRUE;
    }
  g_assert_cmpuint (size, ==,
                    shoal_layout_piece_size (self->content->metainfo->layout, job->piece));
  if (job->hash_wrong)
    {
      job->leaves = job->wants_leaves ? hash_runs (self, job) : NULL;
      return;
    }
  write_runs (self, job);
  self->written[job->piece] = 1;
}

static ShoalSha1 *
digest_blocks (Rig    *self,
               guint32 piece)
{
  const ShoalLayout *layout = self->content->metainfo->layout;
  guint32 n = shoal_layout_n_blocks (layout, piece);
  ShoalSha1 *digests = g_new (ShoalSha1, n);

  for (guint32 block = 0; block < n; block++)
    shoal_sha1 (self->data + shoal_layout_piece_offset (layout, piece)
                  + (gsize) block * SHOAL_BLOCK_SIZE,
                shoal_layout_block_size (layout, piece, block), &digests[block]);

  return digests;
}

static void
do_check (Rig          *self,
          ShoalDiskJob *job)
{
  job->verdicts = g_malloc0 (job->n_pieces);
  for (guint32 i = 0; i < job->n_pieces; i++)
    {
      gboolean right = piece_is_right (self, job->piece + i);

      job->verdicts[i] = right ? SHOAL_PIECE_RIGHT : SHOAL_PIECE_WRONG;
      self->written[job->piece + i] = right;
    }
  if (job->wants_digests && !self->unreadable)
    job->digests = digest_blocks (self, job->piece);
  if (job->wants_leaves && job->verdicts[0] == SHOAL_PIECE_WRONG)
    {
      const ShoalLayout *layout = self->content->metainfo->layout;

      job->leaves = hash_leaves (self, job->piece,
                                 self->data + shoal_layout_piece_offset (layout, job->piece));
    }
}

static void
do_open (Rig          *self,
         ShoalDiskJob *job)
{
  self->open = TRUE;
  for (guint32 i = 0; i < self->content->metainfo->layout->n_pieces; i++)
    job->found = job->found || self->written[i];
  job->stale = self->stale;
  job->stamp = self->stamp;
  job->free_space = self->free_space;
}

static void
do_read (Rig          *self,
         ShoalDiskJob *job)
{
  guint64 offset = shoal_layout_piece_offset (self->content->metainfo->layout, job->piece)
                   + job->offset;

  g_assert_true (self->written[job->piece]);
  if (self->hands_out)
    {
      job->file = shoal_file_ref_ref (&self->file);
      job->file_offset = offset;
    }
  else
    {
      job->bytes = g_memdup2 (self->data + offset, job->size);
    }
}

static void
do_job (Rig          *self,
        ShoalDiskJob *job)
{
  gboolean alone = job->op == SHOAL_DISK_OPEN || job->op == SHOAL_DISK_LOAD
                   || job->op == SHOAL_DISK_CLOSE || job->op == SHOAL_DISK_REMOVE;

  self->n_done[job->op]++;
  if (self->answer != NULL && self->answer (self, job, self->answer_data))
    {
      shoal_engine_done (self->engine, &job->done);
      return;
    }
  job->reason = self->failing[job->op];
  if (job->reason == SHOAL_REASON_NONE && !alone && !self->open)
    {
      self->n_misplaced++;
      job->reason = SHOAL_REASON_IO;
    }
  if (job->op == SHOAL_DISK_CLOSE || job->op == SHOAL_DISK_REMOVE)
    self->open = FALSE;
  if (job->reason == SHOAL_REASON_NONE)
    switch (job->op)
      {
      case SHOAL_DISK_OPEN:
        do_open (self, job);
        break;

      case SHOAL_DISK_PIECE:
        do_piece (self, job);
        break;

      case SHOAL_DISK_SPILL:
        write_runs (self, job);
        break;

      case SHOAL_DISK_CHECK:
        do_check (self, job);
        break;

      case SHOAL_DISK_READ:
        do_read (self, job);
        break;

      case SHOAL_DISK_FINISH:
        job->stamp = ++self->stamp;
        break;

      case SHOAL_DISK_LOAD:
        job->metainfo = shoal_metainfo_ref (self->content->metainfo);
        break;

      case SHOAL_DISK_CLOSE:
      case SHOAL_DISK_REMOVE:
      case SHOAL_DISK_TAKE:
      case SHOAL_DISK_DROP:
      default:
        break;
      }
  shoal_engine_done (self->engine, &job->done);
}

/* Jobs that are not held, in an order that the contract allows. */
static void
do_jobs (Rig *self)
{
  gboolean again = TRUE;

  while (again)
    {
      gboolean blocked = FALSE;

      again = FALSE;
      for (guint i = 0; i < self->fake->jobs->len; i++)
        {
          ShoalDiskJob *job = g_ptr_array_index (self->fake->jobs, i);
          gboolean alone = job->op == SHOAL_DISK_OPEN || job->op == SHOAL_DISK_FINISH
                           || job->op == SHOAL_DISK_CLOSE || job->op == SHOAL_DISK_REMOVE
                           || job->op == SHOAL_DISK_TAKE || job->op == SHOAL_DISK_DROP;

          if (job->op != SHOAL_DISK_LOAD && alone && i > 0)
            blocked = TRUE;
          if ((self->held & (1u << job->op)) != 0 || blocked)
            {
              blocked = blocked || alone;
              continue;
            }
          g_ptr_array_remove_index (self->fake->jobs, i);
          do_job (self, job);
          again = TRUE;
          break;
        }
    }
}

/* --- Turns --- */

static void
read_event (Rig        *self,
            ShoalEvent *event)
{
  switch ((guint) event->type)
    {
    case SHOAL_EVENT_ADDED:
      self->id = event->id;
      break;

    case SHOAL_EVENT_STATE:
      if (event->id != self->id)
        break;
      self->state = event->state;
      self->reason = event->reason;
      self->n_entered[event->state]++;
      break;

    case SHOAL_EVENT_COMPLETE:
      self->n_completes++;
      break;

    case SHOAL_EVENT_REMOVED:
      self->n_removed++;
      break;

    case SHOAL_EVENT_MERGED:
      self->merged = event->id;
      self->merged_into = event->other;
      break;

    case SHOAL_EVENT_REPLY:
      g_clear_error (&self->reply);
      self->reply = g_steal_pointer (&event->error);
      break;

    case SHOAL_EVENT_QUIT:
      self->quit = TRUE;
      break;

    case SHOAL_EVENT_SNAPSHOT:
      g_clear_pointer (&self->snapshot, shoal_snapshot_unref);
      self->snapshot = shoal_snapshot_ref (event->snapshot);
      break;

    default:
      break;
    }
}

static void
read_news (Rig *self)
{
  for (guint i = 0; i < self->fake->events->len; i++)
    read_event (self, g_ptr_array_index (self->fake->events, i));
  for (guint i = 0; i < self->fake->records->len; i++)
    {
      ShoalResume *record = g_ptr_array_index (self->fake->records, i);

      if (record->id != self->id)
        continue;
      g_clear_pointer (&self->record, shoal_resume_unref);
      self->record = shoal_resume_ref (record);
      if (record->metainfo != NULL)
        {
          g_clear_pointer (&self->kept, g_bytes_unref);
          self->kept = g_bytes_ref (record->metainfo);
        }
    }
  g_ptr_array_set_size (self->fake->events, 0);
  g_ptr_array_set_size (self->fake->records, 0);
  g_ptr_array_set_size (self->fake->attended, 0);
}

/* Exactly one end for each link that was hung up; dials that nobody answers are among them. */
static void
close_hung_up (Rig *self)
{
  for (guint i = 0; i < self->fake->hung_up->len; i++)
    {
      ShoalLink *link = g_ptr_array_index (self->fake->hung_up, i);

      for (guint k = 0; k < self->bots->len; k++)
        {
          RigBot *bot = g_ptr_array_index (self->bots, k);

          if (bot->link == link)
            bot->link = NULL;
        }
      for (guint k = 0; k < self->fake->dials->len; k++)
        if (g_array_index (self->fake->dials, FakeDial, k).link == link)
          g_array_remove_index (self->fake->dials, k--);
      shoal_link_closed (link, NULL);
    }
  g_ptr_array_set_size (self->fake->hung_up, 0);
}

static void
finish_turn (Rig *self)
{
  if (self->serve != NULL)
    self->serve (self, self->serve_data);
  do_jobs (self);
  fake_host_end_all (self->fake, self->now_us);
  for (guint i = 0; i < self->bots->len; i++)
    {
      RigBot *bot = g_ptr_array_index (self->bots, i);

      rig_bot_take (bot);
      rig_bot_hear (bot);
    }
  close_hung_up (self);
  do_jobs (self);
  self->next_us = shoal_engine_end (self->engine);
  read_news (self);
}

void
rig_turn (Rig   *self,
          gint64 us)
{
  self->now_us += us;
  shoal_engine_begin (self->engine, self->now_us, RIG_WALL_S + self->now_us / G_USEC_PER_SEC);
  for (guint i = 0; i < self->bots->len; i++)
    {
      RigBot *bot = g_ptr_array_index (self->bots, i);

      if (bot->link != NULL && !bot->shook && shoal_link_low_mark (bot->link) > 0)
        rig_bot_begin (bot);
      rig_bot_speak (bot);
    }
  finish_turn (self);
}

void
rig_run (Rig  *self,
         guint n)
{
  for (guint i = 0; i < n; i++)
    rig_turn (self, TENTH_US);
}

void
rig_until (Rig              *self,
           ShoalTorrentState state,
           guint             seconds)
{
  for (guint i = 0; i < 10 * seconds && self->state != state; i++)
    rig_turn (self, TENTH_US);
  g_assert_cmpint (self->state, ==, state);
}

/* --- Commands --- */

void
rig_send (Rig          *self,
          ShoalCommand *command)
{
  if (command->serial == 0)
    command->serial = 1;
  g_clear_error (&self->reply);
  shoal_engine_begin (self->engine, self->now_us, RIG_WALL_S + self->now_us / G_USEC_PER_SEC);
  shoal_engine_command (self->engine, command);
  finish_turn (self);
}

void
rig_say (Rig             *self,
         ShoalCommandType type)
{
  ShoalCommand *command = shoal_command_new (type);

  command->id = self->id;
  rig_send (self, command);
}

void
rig_priorities (Rig          *self,
                const guint8 *priorities,
                guint         n)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_PRIORITIES);

  command->id = self->id;
  command->priorities = g_bytes_new (priorities, n);
  rig_send (self, command);
}

void
rig_add (Rig     *self,
         gboolean magnet,
         gboolean paused)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);

  command->add = shoal_add_options_new ();
  command->add->dir = g_strdup ("/");
  command->add->paused = paused;
  if (magnet)
    command->add->uri = shoal_metainfo_to_magnet (self->content->metainfo);
  else
    command->add->metainfo = g_bytes_ref (self->content->torrent);
  rig_send (self, command);
  g_assert_no_error (self->reply);
}

const ShoalTorrentStats *
rig_look (Rig *self)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_SUBSCRIBE);

  command->view = 15;
  rig_send (self, command);
  for (guint i = 0; i < self->snapshot->n_torrents; i++)
    if (self->snapshot->torrents[i].id == self->id)
      return &self->snapshot->torrents[i];

  return NULL;
}

void
rig_fill (Rig *self)
{
  const ShoalLayout *layout = self->content->metainfo->layout;

  memcpy (self->data, self->content->truth, layout->total_size);
  memset (self->written, 1, layout->n_pieces);
}

gboolean
rig_is_filled (const Rig *self)
{
  return memcmp (self->data, self->content->truth, self->content->metainfo->layout->total_size)
         == 0;
}

/* --- Life --- */

static void
make_engine (Rig               *self,
             const ShoalConfig *config)
{
  ShoalConfig plain;

  shoal_config_init (&plain);
  if (config != NULL)
    plain = *config;
  plain.encryption = SHOAL_ENCRYPTION_OFF;   /* the scripted peers know nothing of it */
  plain.use_utp = FALSE;
  self->fake = fake_host_new ((guint64) self->now_us);
  self->engine = shoal_engine_new (&self->fake->host, &plain);
}

Rig *
rig_new (const ContentFile *files,
         guint32            n_files,
         guint32            piece_size,
         const ShoalConfig *config)
{
  return rig_new_of (SHOAL_TORRENT_V1, files, n_files, piece_size, config);
}

Rig *
rig_new_of (ShoalTorrentVersions versions,
            const ContentFile   *files,
            guint32              n_files,
            guint32              piece_size,
            const ShoalConfig   *config)
{
  Rig *self = g_new0 (Rig, 1);
  const ShoalLayout *layout;

  self->now_us = G_USEC_PER_SEC;
  self->content = content_new ("data", versions, piece_size, files, n_files, 7);
  layout = self->content->metainfo->layout;
  self->data = g_malloc0 (layout->total_size + 1);
  self->written = g_malloc0 (layout->n_pieces + 1);
  self->free_space = G_MAXINT64;
  self->file.ref_count = 1;
  self->bots = g_ptr_array_new_with_free_func (rig_bot_free);
  make_engine (self, config);

  return self;
}

static void
drop_engine (Rig     *self,
             gboolean kill)
{
  self->held = 0;
  if (!kill)
    {
      rig_say (self, SHOAL_COMMAND_QUIT);
      for (guint i = 0; i < 40 && !self->quit; i++)
        rig_run (self, 1);
      g_assert_true (self->quit);
    }
  shoal_engine_begin (self->engine, self->now_us, RIG_WALL_S);
  if (kill)
    {
      ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_QUIT);

      /* What a dying engine has to say is not heard. */
      read_news (self);
      shoal_engine_command (self->engine, command);
    }
  close_hung_up (self);
  for (guint i = 0; i < self->bots->len; i++)
    {
      RigBot *bot = g_ptr_array_index (self->bots, i);

      if (bot->link != NULL)
        shoal_link_closed (g_steal_pointer (&bot->link), NULL);
    }
  for (guint i = 0; i < self->fake->dials->len; i++)
    shoal_link_closed (g_array_index (self->fake->dials, FakeDial, i).link, NULL);
  do_jobs (self);
  self->fake->keeps_seeds = FALSE;
  fake_host_end_all (self->fake, self->now_us);
  shoal_engine_end (self->engine);
  shoal_engine_free (self->engine);
  fake_host_free (self->fake);
  self->open = FALSE;
}

void
rig_restart (Rig     *self,
             gboolean kill)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);

  drop_engine (self, kill);
  g_ptr_array_set_size (self->bots, 0);
  self->quit = FALSE;
  self->held = self->held_at_start;
  self->now_us += G_USEC_PER_SEC;
  make_engine (self, NULL);
  command->add = shoal_add_options_new ();
  command->add->resume = shoal_resume_ref (self->record);
  command->add->metainfo = self->kept != NULL ? g_bytes_ref (self->kept) : NULL;
  rig_send (self, command);
  g_assert_no_error (self->reply);
  rig_send (self, shoal_command_new (SHOAL_COMMAND_LOADED));
}

void
rig_free (Rig *self)
{
  drop_engine (self, FALSE);
  g_assert_cmpuint (self->file.ref_count, ==, 1);
  g_ptr_array_unref (self->bots);
  content_free (self->content);
  g_clear_pointer (&self->snapshot, shoal_snapshot_unref);
  g_clear_error (&self->reply);
  g_clear_pointer (&self->record, shoal_resume_unref);
  g_clear_pointer (&self->kept, g_bytes_unref);
  g_free (self->data);
  g_free (self->written);
  g_free (self);
}
