/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that another torrent has: which are taken, what comes of it, and steps at bad moments. */

#include "swarm-rig.h"

#include <string.h>

#include "shoal-test.h"

#define PIECE_SIZE 65536u
#define ONE_SIZE   200000u
#define TWO_SIZE   100000u
#define STEP_SIZE  70000u    /* bytes of one TAKE here */
#define MANY       40u       /* torrents: more than are looked into */

static const ContentFile both_files[] = { { "a/one", ONE_SIZE }, { "b/two", TWO_SIZE } };
static const ContentFile renamed_files[] = { { "x", ONE_SIZE }, { "y", TWO_SIZE } };
static const ContentFile one_file[] = { { "one", ONE_SIZE } };
static const ContentFile two_of_one_size[] = { { "x", ONE_SIZE }, { "y", ONE_SIZE } };
static const ContentFile one_of_two_named[] = { { "k/one", ONE_SIZE }, { "y", ONE_SIZE } };

/* The torrents that are there already, by id: 1 is the first. */
typedef struct
{
  GPtrArray *contents;    /* of Content (owned) */
  guint      held_pieces; /* of each, from the first on, are right; the others are missing */
  gboolean   refuses;     /* nothing can be taken */
  gboolean   lies;        /* other bytes come */
  gboolean   load_fails;
  gboolean   one_step;    /* the jobs after the first TAKE hang */
  guint64    taken;       /* bytes */
  guint32    last_index;
  guint      n_drops;
  guint      n_dropped_had;
} Others;

static void
others_clear (Others *self)
{
  g_ptr_array_unref (self->contents);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Others, others_clear)

static void
free_content (gpointer content)
{
  content_free (content);
}

/* --- Their disk --- */

static void
answer_own (Others       *self,
            ShoalDiskJob *job)
{
  const Content *content = g_ptr_array_index (self->contents, job->torrent - 1);

  switch ((guint) job->op)
    {
    case SHOAL_DISK_OPEN:
      job->found = TRUE;
      job->stamp = 1;
      job->free_space = G_MAXINT64;
      break;

    case SHOAL_DISK_CHECK:
      job->verdicts = g_malloc0 (job->n_pieces);
      for (guint32 i = 0; i < job->n_pieces; i++)
        if (job->piece + i < self->held_pieces)
          job->verdicts[i] = SHOAL_PIECE_RIGHT;
      break;

    case SHOAL_DISK_FINISH:
      job->stamp = 1;
      break;

    case SHOAL_DISK_LOAD:
      if (self->load_fails)
        job->reason = SHOAL_REASON_BAD_METADATA;
      else
        job->metainfo = shoal_metainfo_ref (content->metainfo);
      break;

    default:
      break;
    }
}

static const Content *
find_source (Others     *self,
             const char *path,
             guint32    *file)
{
  for (guint i = 0; i < self->contents->len; i++)
    {
      const Content *content = g_ptr_array_index (self->contents, i);

      for (*file = 0; *file < content->metainfo->layout->n_files; (*file)++)
        if (g_str_equal (content->metainfo->files[*file].path, path))
          return content;
    }
  g_assert_not_reached ();
}

static void
answer_take (Others       *self,
             Rig          *rig,
             ShoalDiskJob *job)
{
  const ShoalLayout *layout = rig->content->metainfo->layout;
  guint8 *to = rig->data + layout->file_offset[job->index] + job->taken;
  guint64 size = MIN (layout->file_size[job->index] - job->taken, STEP_SIZE);
  const Content *source;
  guint32 file;

  g_assert_true (rig->open);
  g_assert_cmpstr (job->source_dir, ==, "/theirs");
  self->last_index = job->index;
  if (self->refuses)
    return;
  source = find_source (self, job->source_path, &file);
  g_assert_cmpuint (source->metainfo->layout->file_size[file], ==, layout->file_size[job->index]);
  memcpy (to, source->truth + source->metainfo->layout->file_offset[file] + job->taken, size);
  for (guint64 i = 0; self->lies && i < size; i += 1000)
    to[i] ^= 1;
  job->taken += size;
  self->taken += size;
  if (self->one_step)
    rig->held = 1u << SHOAL_DISK_TAKE;
}

static gboolean
answer (Rig          *rig,
        ShoalDiskJob *job,
        gpointer      data)
{
  Others *self = data;

  if (job->torrent <= self->contents->len)
    {
      answer_own (self, job);
      return TRUE;
    }
  if (job->op == SHOAL_DISK_DROP)
    {
      self->n_drops++;
      self->n_dropped_had = job->all_had ? G_MAXUINT : job->had->n_set;
      return TRUE;
    }
  if (job->op != SHOAL_DISK_TAKE || rig->failing[SHOAL_DISK_TAKE] != SHOAL_REASON_NONE)
    return FALSE;
  answer_take (self, rig, job);

  return TRUE;
}

/* --- Torrents --- */

/* Adds a key and its value, beside the info dictionary. */
static void
add_key (Content    *content,
         const char *key,
         gconstpointer value,
         gsize       size)
{
  GByteArray *bytes = g_byte_array_new ();
  g_autofree char *head = g_strdup_printf ("%" G_GSIZE_FORMAT ":%sl%" G_GSIZE_FORMAT ":",
                                           strlen (key), key, size);
  g_autoptr(GError) error = NULL;
  gsize old_size;
  const guint8 *old = g_bytes_get_data (content->torrent, &old_size);

  g_byte_array_append (bytes, old, (guint) old_size - 1);
  g_byte_array_append (bytes, (const guint8 *) head, (guint) strlen (head));
  g_byte_array_append (bytes, value, (guint) size);
  g_byte_array_append (bytes, (const guint8 *) "ee", 2);
  g_bytes_unref (content->torrent);
  shoal_metainfo_unref (content->metainfo);
  content->torrent = g_byte_array_free_to_bytes (bytes);
  content->metainfo = shoal_metainfo_parse (content->torrent, &error);
  g_assert_no_error (error);
}

static void
say_similar (Rig    *rig,
             Others *others)
{
  const Content *other = g_ptr_array_index (others->contents, 0);
  ShoalSha1 keys[2];

  shoal_info_hash_keys (&other->metainfo->hash, keys);
  add_key (rig->content, "similar", keys[0].bytes, sizeof keys[0]);
}

static Rig *
new_rig (Others              *others,
         ShoalTorrentVersions versions)
{
  Rig *rig = rig_new_of (versions, both_files, G_N_ELEMENTS (both_files), PIECE_SIZE, NULL);

  others->contents = g_ptr_array_new_with_free_func (free_content);
  others->held_pieces = G_MAXUINT;
  rig->answer = answer;
  rig->answer_data = others;

  return rig;
}

/* A torrent whose first bytes are those of the rig's, in smaller pieces. */
static Content *
new_other (Others              *others,
           ShoalTorrentVersions versions,
           const ContentFile   *files,
           guint32              n_files)
{
  g_autofree char *name = g_strdup_printf ("other-%u", others->contents->len);
  Content *content = content_new (name, versions, 16384, files, n_files, 7);

  g_ptr_array_add (others->contents, content);

  return content;
}

static void
add_others (Rig    *rig,
            Others *others)
{
  ShoalTorrentState state = others->held_pieces == G_MAXUINT ? SHOAL_TORRENT_SEEDING
                                                             : SHOAL_TORRENT_DOWNLOADING;

  for (guint i = 0; i < others->contents->len; i++)
    {
      const Content *content = g_ptr_array_index (others->contents, i);
      ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);

      command->add = shoal_add_options_new ();
      command->add->dir = g_strdup ("/theirs");
      command->add->metainfo = g_bytes_ref (content->torrent);
      rig_send (rig, command);
      g_assert_no_error (rig->reply);
      g_assert_cmpuint (rig->id, ==, i + 1);
      rig_until (rig, state, 10);
    }
  memset (rig->n_done, 0, sizeof rig->n_done);
  memset (rig->n_entered, 0, sizeof rig->n_entered);
  rig->n_completes = 0;
}

static void
begin (Rig    *rig,
       Others *others)
{
  add_others (rig, others);
  rig_add (rig, FALSE, FALSE);
  rig_run (rig, 3);
}

#define OTHER(others, versions, files) new_other (others, versions, files, G_N_ELEMENTS (files))

/* --- Which files --- */

/* A root is enough, whatever the name, the piece size and the version beside it are. */
static void
test_root (void)
{
  const ShoalTorrentVersions versions[] = { SHOAL_TORRENT_V2, SHOAL_TORRENT_HYBRID };

  for (guint i = 0; i < 4; i++)
    {
      g_auto(Others) others = { NULL };
      g_autoptr(Rig) rig = new_rig (&others, versions[i / 2]);

      OTHER (&others, versions[i % 2], renamed_files);
      begin (rig, &others);
      g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_SEEDING);
      g_assert_true (rig_is_filled (rig));
      g_assert_cmpuint (others.taken, ==, ONE_SIZE + TWO_SIZE);
      g_assert_cmpuint (rig->n_entered[SHOAL_TORRENT_DOWNLOADING], ==, 0);
      g_assert_cmpuint (rig->n_completes, ==, 1);
      g_assert_cmpuint (rig_look (rig)->downloaded, ==, 0);
      g_assert_cmpuint (others.n_drops, ==, 1);
    }
}

/* One file is there, the other one is fetched. */
static void
test_one_of_two (void)
{
  g_auto(Others) others = { NULL };
  g_autoptr(Rig) rig = new_rig (&others, SHOAL_TORRENT_V2);

  OTHER (&others, SHOAL_TORRENT_V2, one_file);
  begin (rig, &others);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_DOWNLOADING);
  g_assert_cmpuint (others.taken, ==, ONE_SIZE);
  g_assert_cmpuint (rig_look (rig)->wanted_had, ==, ONE_SIZE);
  new_seed (rig, 1);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 30);
  g_assert_true (rig_is_filled (rig));
  g_assert_cmpuint (rig_look (rig)->downloaded, ==, TWO_SIZE);
}

/* Two torrents have a file each. */
static void
test_two_sources (void)
{
  g_auto(Others) others = { NULL };
  g_autoptr(Rig) rig = new_rig (&others, SHOAL_TORRENT_V2);

  OTHER (&others, SHOAL_TORRENT_V2, one_file);
  OTHER (&others, SHOAL_TORRENT_V2, renamed_files);
  begin (rig, &others);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_SEEDING);
  g_assert_cmpuint (others.taken, ==, ONE_SIZE + TWO_SIZE);
}

/* Without roots, how many bytes are taken from @files. */
static guint64
taken_of_v1 (const ContentFile *files,
             guint32            n_files,
             gboolean           hint)
{
  g_auto(Others) others = { NULL };
  g_autoptr(Rig) rig = new_rig (&others, SHOAL_TORRENT_V1);

  new_other (&others, SHOAL_TORRENT_V1, files, n_files);
  if (hint)
    say_similar (rig, &others);
  begin (rig, &others);

  return others.taken;
}

static void
test_similar (void)
{
  g_assert_cmpuint (taken_of_v1 (both_files, 2, FALSE), ==, 0);
  g_assert_cmpuint (taken_of_v1 (both_files, 2, TRUE), ==, ONE_SIZE + TWO_SIZE);
  g_assert_cmpuint (taken_of_v1 (renamed_files, 2, TRUE), ==, ONE_SIZE + TWO_SIZE);
  g_assert_cmpuint (taken_of_v1 (two_of_one_size, 2, TRUE), ==, 0);
  g_assert_cmpuint (taken_of_v1 (one_of_two_named, 2, TRUE), ==, ONE_SIZE);
}

static void
test_collections (void)
{
  for (guint same = 0; same < 2; same++)
    {
      g_auto(Others) others = { NULL };
      g_autoptr(Rig) rig = new_rig (&others, SHOAL_TORRENT_V1);

      add_key (OTHER (&others, SHOAL_TORRENT_V1, both_files), "collections", "c1", 2);
      add_key (rig->content, "collections", same ? "c1" : "c2", 2);
      begin (rig, &others);
      g_assert_cmpuint (others.taken, ==, same ? ONE_SIZE + TWO_SIZE : 0);
      g_assert_cmpint (rig->state, ==, same ? SHOAL_TORRENT_SEEDING : SHOAL_TORRENT_DOWNLOADING);
    }
}

/* What is not complete there is of no use. */
static void
test_incomplete (void)
{
  g_auto(Others) others = { NULL };
  g_autoptr(Rig) rig = new_rig (&others, SHOAL_TORRENT_V2);

  OTHER (&others, SHOAL_TORRENT_V2, both_files);
  others.held_pieces = (ONE_SIZE + 16383) / 16384;
  begin (rig, &others);
  g_assert_cmpuint (others.taken, ==, ONE_SIZE);
  g_assert_cmpuint (others.last_index, ==, 0);
}

static void
test_skipped (void)
{
  g_auto(Others) others = { NULL };
  g_autoptr(Rig) rig = new_rig (&others, SHOAL_TORRENT_V2);
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);

  OTHER (&others, SHOAL_TORRENT_V2, both_files);
  add_others (rig, &others);
  command->add = shoal_add_options_new ();
  command->add->dir = g_strdup ("/");
  command->add->select = g_strdup ("1");
  command->add->metainfo = g_bytes_ref (rig->content->torrent);
  rig_send (rig, command);
  rig_run (rig, 3);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_SEEDING);
  g_assert_cmpuint (others.taken, ==, TWO_SIZE);
  g_assert_cmpuint (others.last_index, ==, 1);
}

/* Only so many torrents are looked into. */
static void
test_many (void)
{
  g_auto(Others) others = { NULL };
  g_autoptr(Rig) rig = new_rig (&others, SHOAL_TORRENT_V1);

  for (guint i = 0; i < MANY; i++)
    add_key (OTHER (&others, SHOAL_TORRENT_V1, one_file), "collections", "c1", 2);
  add_key (rig->content, "collections", "c1", 2);
  others.refuses = TRUE;
  begin (rig, &others);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_DOWNLOADING);
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_TAKE], ==, 32);
}

/* --- What comes of it --- */

/* An idle seed has forgotten its .torrent: it is read again. If that fails, the file is fetched. */
static void
test_unloaded (void)
{
  for (guint fails = 0; fails < 2; fails++)
    {
      g_auto(Others) others = { .load_fails = fails };
      g_autoptr(Rig) rig = new_rig (&others, SHOAL_TORRENT_V2);

      OTHER (&others, SHOAL_TORRENT_V2, both_files);
      add_others (rig, &others);
      rig_run (rig, 1300);
      g_assert_null (shoal_engine_find (rig->engine, 1)->metainfo);
      rig_add (rig, FALSE, FALSE);
      rig_run (rig, 3);
      g_assert_cmpuint (rig->n_done[SHOAL_DISK_LOAD], ==, 1);
      g_assert_cmpint (rig->state, ==, fails ? SHOAL_TORRENT_DOWNLOADING : SHOAL_TORRENT_SEEDING);
      g_assert_null (shoal_engine_find (rig->engine, 1)->metainfo);
    }
}

/* The disk finds nothing there that is like the file: no check, no trace. */
static void
test_refused (void)
{
  g_auto(Others) others = { .refuses = TRUE };
  g_autoptr(Rig) rig = new_rig (&others, SHOAL_TORRENT_V2);

  OTHER (&others, SHOAL_TORRENT_V2, both_files);
  begin (rig, &others);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_DOWNLOADING);
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_TAKE], ==, 2);
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_CHECK], ==, 0);
  g_assert_cmpuint (others.n_drops, ==, 0);
}

/* Copies that are wrong count for nothing. */
static void
test_wrong (void)
{
  g_auto(Others) others = { .lies = TRUE };
  g_autoptr(Rig) rig = new_rig (&others, SHOAL_TORRENT_V2);

  OTHER (&others, SHOAL_TORRENT_V2, both_files);
  begin (rig, &others);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_DOWNLOADING);
  g_assert_cmpuint (rig_look (rig)->wanted_had, ==, 0);
  g_assert_cmpuint (others.n_drops, ==, 1);
  g_assert_cmpuint (others.n_dropped_had, ==, 0);
  new_seed (rig, 1);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 30);
  g_assert_true (rig_is_filled (rig));
}

static void
test_disk_full (void)
{
  g_auto(Others) others = { NULL };
  g_autoptr(Rig) rig = new_rig (&others, SHOAL_TORRENT_V2);

  OTHER (&others, SHOAL_TORRENT_V2, both_files);
  rig->failing[SHOAL_DISK_TAKE] = SHOAL_REASON_DISK_FULL;
  begin (rig, &others);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_FAILED);
  g_assert_cmpint (rig->reason, ==, SHOAL_REASON_DISK_FULL);

  /* With room again everything goes on by itself. */
  rig->failing[SHOAL_DISK_TAKE] = SHOAL_REASON_NONE;
  rig_until (rig, SHOAL_TORRENT_SEEDING, 100);
  g_assert_true (rig_is_filled (rig));
}

/* --- At inconvenient moments --- */

/* Runs until the rig's own torrent is complete, with a peer to help. */
static void
end_well (Rig *rig)
{
  rig->held = 0;
  rig_run (rig, 3);
  new_seed (rig, 100);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_true (rig_is_filled (rig));
  g_assert_cmpuint (rig->n_misplaced, ==, 0);
}

static const guint held_bits[] = {
  1u << SHOAL_DISK_OPEN, 1u << SHOAL_DISK_LOAD, 1u << SHOAL_DISK_TAKE,
  1u << SHOAL_DISK_CHECK, 1u << SHOAL_DISK_DROP,
};

typedef void (*Meddle) (Rig *rig, Others *others);

/* Something happens while each of the jobs is under way, the other .torrent in memory or not. */
static void
meddle_anywhere (Meddle meddle)
{
  for (guint i = 0; i < 2 * G_N_ELEMENTS (held_bits); i++)
    {
      g_auto(Others) others = { NULL };
      g_autoptr(Rig) rig = new_rig (&others, SHOAL_TORRENT_V2);

      OTHER (&others, SHOAL_TORRENT_V2, both_files);
      add_others (rig, &others);
      if (i % 2 == 1)
        rig_run (rig, 1300);
      rig->held = held_bits[i / 2];
      rig_add (rig, FALSE, FALSE);
      rig_run (rig, 3);
      meddle (rig, &others);
    }
}

static void
pause_and_start (Rig    *rig,
                 Others *others)
{
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  rig_run (rig, 2);
  rig_say (rig, SHOAL_COMMAND_START);
  rig_run (rig, 2);
  end_well (rig);
}

static void
test_pause (void)
{
  meddle_anywhere (pause_and_start);
}

static void
remove_ours (Rig    *rig,
             Others *others)
{
  rig_say (rig, SHOAL_COMMAND_REMOVE);
  rig_run (rig, 5);
  rig->held = 0;
  rig_run (rig, 50);
  g_assert_cmpuint (rig->n_removed, ==, 1);
  g_assert_cmpuint (g_hash_table_size (rig->engine->swarms), ==, 1);
}

static void
test_remove (void)
{
  meddle_anywhere (remove_ours);
}

/* The source goes away meanwhile. */
static void
remove_theirs (Rig    *rig,
               Others *others)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_REMOVE);

  command->id = 1;
  rig_send (rig, command);
  rig_run (rig, 5);
  end_well (rig);
}

static void
test_remove_source (void)
{
  meddle_anywhere (remove_theirs);
}

static void
quit_now (Rig    *rig,
          Others *others)
{
  rig_say (rig, SHOAL_COMMAND_QUIT);
  rig_run (rig, 5);
  rig->held = 0;
  rig_run (rig, 50);
  g_assert_true (rig->quit);
}

static void
test_quit (void)
{
  meddle_anywhere (quit_now);
}

/* A kill in the middle of a copy: nothing of what is there counts before it was compared. */
static void
test_kill (void)
{
  g_auto(Others) others = { .one_step = TRUE };
  g_autoptr(Rig) rig = new_rig (&others, SHOAL_TORRENT_V2);

  OTHER (&others, SHOAL_TORRENT_V2, both_files);
  begin (rig, &others);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_CHECKING);
  g_assert_cmpuint (others.taken, ==, STEP_SIZE);
  rig->written[0] = 1;   /* the beginning of a file is on the disk */
  others.refuses = TRUE;
  rig_restart (rig, TRUE);
  rig_until (rig, SHOAL_TORRENT_DOWNLOADING, 10);
  g_assert_cmpuint (rig->n_done[SHOAL_DISK_CHECK], ==, 1);
  g_assert_cmpuint (rig_look (rig)->wanted_had, ==, PIECE_SIZE);
  end_well (rig);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/swarm-same/root", test_root);
  g_test_add_func ("/engine/swarm-same/one-of-two", test_one_of_two);
  g_test_add_func ("/engine/swarm-same/two-sources", test_two_sources);
  g_test_add_func ("/engine/swarm-same/similar", test_similar);
  g_test_add_func ("/engine/swarm-same/collections", test_collections);
  g_test_add_func ("/engine/swarm-same/incomplete", test_incomplete);
  g_test_add_func ("/engine/swarm-same/skipped", test_skipped);
  g_test_add_func ("/engine/swarm-same/many", test_many);
  g_test_add_func ("/engine/swarm-same/unloaded", test_unloaded);
  g_test_add_func ("/engine/swarm-same/refused", test_refused);
  g_test_add_func ("/engine/swarm-same/wrong", test_wrong);
  g_test_add_func ("/engine/swarm-same/disk-full", test_disk_full);
  g_test_add_func ("/engine/swarm-same/pause", test_pause);
  g_test_add_func ("/engine/swarm-same/remove", test_remove);
  g_test_add_func ("/engine/swarm-same/remove-source", test_remove_source);
  g_test_add_func ("/engine/swarm-same/quit", test_quit);
  g_test_add_func ("/engine/swarm-same/kill", test_kill);

  return g_test_run ();
}
