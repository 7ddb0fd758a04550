/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A torrent whose magnet link needs piece layers of peers, and that gives them to others (BEP
 * 52). */

#include "swarm-rig.h"

#include <string.h>

#include "shoal-test.h"

#define KIB   1024u
#define PIECE (32 * KIB)
#define LEVEL 1u             /* of pieces of 32 KiB */

/* One, two, three, five pieces, two of one content, one in three chunks; and files without a
 * layer. */
static const ContentFile many_files[] = {
  { .path = "a", .size = PIECE },         { .path = "b", .size = PIECE + 1 },
          { .path = "c", .size = 3 * PIECE },
  { .path = "d", .size = 4 * PIECE + 9 }, { .path = "e", .size = 700, },
               { .path = "f", .size = 1025 * PIECE - 5 },
  { .path = "g", .size = 0 },             { .path = "h", .size = 6 * PIECE, .zeros = TRUE },
  { .path = "i", .size = 6 * PIECE, .zeros = TRUE },
};

/* A peer that knows about hashes. */
typedef struct
{
  RigBot      *bot;
  ShoalHashes *hashes;
  gboolean     silent;
  gboolean     rejects;
  gboolean     lies;
  guint        leaves_after;    /* so many answers; 0: it stays */
  guint        n_asked;
  guint        n_answers;       /* that it got */
  guint        n_rejects;       /* that it got */
  ShoalHashRequest got;
  ShoalSha256  first;           /* hash of that */
} Teacher;

static void
say (Teacher                *self,
     ShoalMessageId          id,
     const ShoalHashRequest *request,
     const ShoalSha256      *hashes,
     guint                   n)
{
  guint8 head[SHOAL_HASHES_HEADER_SIZE];

  shoal_hash_message_write (head, id, request);
  rig_bot_say (self->bot, head, sizeof head);
  if (n > 0)
    rig_bot_say (self->bot, hashes, n * sizeof *hashes);
}

static void
on_request (Teacher                *self,
            const ShoalHashRequest *request)
{
  ShoalSha256 hashes[SHOAL_HASHES_MAX];
  guint n = shoal_hashes_answer (self->hashes, request, hashes);

  self->n_asked++;
  if (self->leaves_after > 0 && self->n_asked > self->leaves_after)
    return;
  if (self->silent)
    return;
  if (self->rejects)
    n = 0;
  if (self->lies)
    hashes[0].bytes[7] ^= 1;
  say (self, n > 0 ? SHOAL_MESSAGE_HASHES : SHOAL_MESSAGE_HASH_REJECT, request, hashes, n);
}

static void
on_message (RigBot             *bot,
            const ShoalMessage *message)
{
  Teacher *self = bot->data;
  ShoalHashRequest request;
  const guint8 *hashes;

  if (message->id != SHOAL_MESSAGE_HASH_REQUEST && message->id != SHOAL_MESSAGE_HASHES
      && message->id != SHOAL_MESSAGE_HASH_REJECT)
    return;
  g_assert_true (shoal_hash_message_parse (&request, message->id, message->payload,
                                           message->payload_size, &hashes));
  if (message->id == SHOAL_MESSAGE_HASH_REQUEST)
    {
      g_assert_true (shoal_hash_request_is_sane (&request) && request.length >= 2);
      on_request (self, &request);
      return;
    }
  self->got = request;
  if (message->id == SHOAL_MESSAGE_HASH_REJECT)
    {
      self->n_rejects++;
      return;
    }
  self->n_answers++;
  memcpy (&self->first, hashes, sizeof self->first);
}

static Teacher *
teacher_new (Rig   *rig,
             guint8 number)
{
  Teacher *self = g_new0 (Teacher, 1);

  self->bot = rig_bot (rig, number);
  self->bot->has_all = TRUE;
  self->bot->extended = TRUE;
  self->bot->metadata_size = (guint32) rig->content->metainfo->info_size;
  self->bot->hear = on_message;
  self->bot->data = self;
  self->hashes = shoal_hashes_new (rig->content->metainfo);
  g_test_queue_free (self);
  g_test_queue_destroy ((GDestroyNotify) shoal_hashes_free, self->hashes);

  return self;
}

static Rig *
new_rig (void)
{
  return rig_new_of (SHOAL_TORRENT_V2, many_files, G_N_ELEMENTS (many_files), PIECE, NULL);
}

static void
check_whole (Rig *rig)
{
  g_autoptr(ShoalMetainfo) kept = NULL;

  rig_until (rig, SHOAL_TORRENT_SEEDING, 120);
  g_assert_true (rig_is_filled (rig));
  g_assert_nonnull (rig->kept);
  kept = shoal_metainfo_parse (rig->kept, NULL);
  g_assert_nonnull (kept);
  g_assert_false (kept->layers_missing);
  g_assert_cmpmem (&kept->hash, sizeof kept->hash, &rig->content->metainfo->hash,
                   sizeof kept->hash);
}

static void
test_magnet (void)
{
  g_autoptr(Rig) rig = new_rig ();
  Teacher *teacher;

  rig_add (rig, TRUE, FALSE);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_METADATA);
  teacher = teacher_new (rig, 1);
  check_whole (rig);
  /* One for each layer, three for the long one, and the two that are alike once. */
  g_assert_cmpuint (teacher->n_asked, ==, 7);
}

/* All files fit into a piece: there is nothing to ask for. */
static void
test_no_layers (void)
{
  g_autoptr(Rig) rig = rig_new_of (SHOAL_TORRENT_V2, many_files, 1, PIECE, NULL);
  Teacher *teacher;

  rig_add (rig, TRUE, FALSE);
  teacher = teacher_new (rig, 1);
  check_whole (rig);
  g_assert_cmpuint (teacher->n_asked, ==, 0);
}

/* A hybrid is fetched by its v1 hashes; its layers come meanwhile, from those who know of them. */
static void
test_hybrid (void)
{
  for (guint by_v2 = 0; by_v2 < 2; by_v2++)
    {
      g_autoptr(Rig) rig = rig_new_of (SHOAL_TORRENT_HYBRID, many_files, G_N_ELEMENTS (many_files),
                                       PIECE, NULL);
      Teacher *teacher;

      rig_add (rig, TRUE, FALSE);
      teacher = teacher_new (rig, 1);
      teacher->bot->by_v2 = by_v2;
      if (by_v2)
        {
          check_whole (rig);
          g_assert_cmpuint (teacher->n_asked, ==, 7);
          continue;
        }
      rig_until (rig, SHOAL_TORRENT_SEEDING, 120);
      g_assert_cmpuint (teacher->n_asked, ==, 0);
      g_assert_true (swarm_of (rig)->metainfo->layers_missing);
    }
}

static void
test_liar (void)
{
  g_autoptr(Rig) rig = new_rig ();
  Teacher *liar, *honest;

  rig_add (rig, TRUE, FALSE);
  liar = teacher_new (rig, 1);
  liar->lies = TRUE;
  rig_run (rig, 15);
  g_assert_null (liar->bot->link);
  g_assert_true (is_banned (liar->bot));
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_METADATA);
  honest = teacher_new (rig, 2);
  check_whole (rig);
  g_assert_false (is_banned (honest->bot));
}

/* Both are asked at once; what the one refuses the other gives. */
static void
test_refused (void)
{
  g_autoptr(Rig) rig = new_rig ();
  Teacher *refuser, *honest;

  rig_add (rig, TRUE, FALSE);
  refuser = teacher_new (rig, 1);
  refuser->rejects = TRUE;
  rig_run (rig, 15);
  g_assert_cmpuint (refuser->n_asked, >, 0);
  g_assert_cmpuint (refuser->n_asked, <, 20);
  honest = teacher_new (rig, 2);
  check_whole (rig);
  g_assert_cmpuint (honest->n_asked, ==, 7);
  g_assert_false (is_banned (refuser->bot));
}

static void
test_silent (void)
{
  g_autoptr(Rig) rig = new_rig ();
  Teacher *sleeper, *honest;

  rig_add (rig, TRUE, FALSE);
  sleeper = teacher_new (rig, 1);
  sleeper->silent = TRUE;
  rig_run (rig, 15);
  g_assert_cmpuint (sleeper->n_asked, >, 0);
  honest = teacher_new (rig, 2);
  honest->bot->metadata_size = 0;
  rig_run (rig, 60);
  g_assert_cmpuint (honest->n_asked, ==, 0);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_METADATA);
  g_assert_cmpfloat (rig_look (rig)->metadata_progress, <, 1);
  check_whole (rig);
  g_assert_cmpuint (honest->n_asked, ==, 7);
}

/* It goes in the middle of a layer; another one begins with it. */
static void
test_left (void)
{
  g_autoptr(Rig) rig = new_rig ();
  Teacher *first, *second;

  rig_add (rig, TRUE, FALSE);
  first = teacher_new (rig, 1);
  first->leaves_after = 5;
  rig_run (rig, 15);
  g_assert_cmpuint (first->n_asked, >, 5);
  g_assert_cmpfloat (rig_look (rig)->metadata_progress, >, 0);
  rig_bot_leave (first->bot);
  rig_run (rig, 5);
  second = teacher_new (rig, 2);
  check_whole (rig);
  g_assert_cmpuint (second->n_asked, <, 7);
}

static void
test_pause (void)
{
  g_autoptr(Rig) rig = new_rig ();
  Teacher *teacher;

  rig_add (rig, TRUE, FALSE);
  teacher = teacher_new (rig, 1);
  teacher->leaves_after = 3;
  rig_run (rig, 15);
  g_assert_cmpuint (teacher->n_asked, >, 3);
  rig_say (rig, SHOAL_COMMAND_PAUSE);
  rig_run (rig, 20);
  g_assert_null (teacher->bot->link);
  rig_say (rig, SHOAL_COMMAND_START);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_METADATA);
  teacher_new (rig, 2);
  check_whole (rig);
}

/* What nobody asked for, and answers that do not fit, change nothing. */
static void
test_unasked (void)
{
  g_autoptr(Rig) rig = new_rig ();
  ShoalSha256 hashes[SHOAL_HASHES_MAX] = { 0 };
  ShoalHashRequest request = { .base = LEVEL, .length = 2 };
  Teacher *teacher;

  rig_add (rig, TRUE, FALSE);
  teacher = teacher_new (rig, 1);
  teacher->silent = TRUE;
  rig_run (rig, 15);
  g_assert_cmpuint (teacher->n_asked, >, 0);
  say (teacher, SHOAL_MESSAGE_HASHES, &request, hashes, 2);
  say (teacher, SHOAL_MESSAGE_HASH_REJECT, &request, NULL, 0);
  request.root = rig->content->metainfo->files[1].root;
  request.index = 1u << 20;
  say (teacher, SHOAL_MESSAGE_HASHES, &request, hashes, 2);
  request.index = 0;
  request.base = 0;
  say (teacher, SHOAL_MESSAGE_HASHES, &request, hashes, 2);
  request.base = LEVEL;
  request.proof_layers = 3;
  say (teacher, SHOAL_MESSAGE_HASHES, &request, hashes, 5);
  rig_run (rig, 5);
  g_assert_nonnull (teacher->bot->link);
  g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_METADATA);
  teacher->silent = FALSE;
  /* Asked as long as nothing is known, it has nothing to give itself. */
  request.proof_layers = 0;
  say (teacher, SHOAL_MESSAGE_HASH_REQUEST, &request, NULL, 0);
  rig_run (rig, 2);
  g_assert_cmpuint (teacher->n_rejects, ==, 1);
  check_whole (rig);
}

static void
test_malformed (void)
{
  g_autoptr(Rig) rig = new_rig ();
  ShoalHashRequest request = { .base = LEVEL, .length = 4 };
  guint8 bytes[SHOAL_HASHES_HEADER_SIZE];
  Teacher *teacher;

  rig_add (rig, FALSE, FALSE);
  teacher = teacher_new (rig, 1);
  rig_run (rig, 5);
  shoal_hash_message_write (bytes, SHOAL_MESSAGE_HASH_REQUEST, &request);
  bytes[4] = SHOAL_MESSAGE_HASHES;
  rig_bot_say (teacher->bot, bytes, sizeof bytes);
  rig_run (rig, 2);
  g_assert_null (teacher->bot->link);
}

/* An idle seed reads its .torrent again first. */
static void
test_given (void)
{
  g_autoptr(Rig) rig = new_rig ();
  const ShoalMetainfoFile *file = &rig->content->metainfo->files[5];
  ShoalHashRequest request = {
    .root = file->root, .base = LEVEL, .index = 512, .length = 512, .proof_layers = 10
  };
  Teacher *teacher;

  rig_fill (rig);
  rig_add (rig, FALSE, FALSE);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  rig_run (rig, 700);
  g_assert_null (swarm_of (rig)->metainfo);
  rig->held = 1u << SHOAL_DISK_LOAD;
  teacher = teacher_new (rig, 1);
  teacher->bot->has_all = FALSE;
  rig_run (rig, 2);
  say (teacher, SHOAL_MESSAGE_HASH_REQUEST, &request, NULL, 0);
  rig_run (rig, 2);
  g_assert_cmpuint (teacher->n_answers + teacher->n_rejects, ==, 0);
  rig->held = 0;
  rig_run (rig, 2);
  g_assert_cmpuint (teacher->n_answers, ==, 1);
  g_assert_true (shoal_hash_request_equal (&teacher->got, &request));
  g_assert_cmpmem (&teacher->first, sizeof teacher->first, file->layer + 512 * SHOAL_SHA256_SIZE,
                   SHOAL_SHA256_SIZE);

  request.base = 0;
  say (teacher, SHOAL_MESSAGE_HASH_REQUEST, &request, NULL, 0);
  rig_run (rig, 2);
  g_assert_cmpuint (teacher->n_rejects, ==, 1);
  g_assert_true (shoal_hash_request_equal (&teacher->got, &request));
}

/* Blocks that reach beyond the end of a file. */
static void
test_padded_blocks (void)
{
  g_autoptr(Rig) rig = new_rig ();
  Teacher *teacher;

  rig_fill (rig);
  rig_add (rig, FALSE, FALSE);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  teacher = teacher_new (rig, 1);
  teacher->bot->has_all = FALSE;
  rig_run (rig, 2);
  rig_bot_simple (teacher->bot, SHOAL_MESSAGE_INTERESTED);
  rig_run (rig, 20);
  g_assert_true (teacher->bot->unchoked);
  /* Piece 2 is the last of “b”, of one byte. */
  rig_bot_ask (teacher->bot, 2, 0, 16 * KIB);
  rig_bot_ask (teacher->bot, 2, 16 * KIB, 16 * KIB);
  rig_bot_ask (teacher->bot, 2, 0, 1);
  rig_bot_ask (teacher->bot, 1, 0, 16 * KIB);
  rig_run (rig, 5);
  g_assert_cmpuint (teacher->bot->n_blocks, ==, 4);
  g_assert_nonnull (teacher->bot->link);
  rig_bot_ask (teacher->bot, 2, 16 * KIB, 16 * KIB + 1);
  rig_run (rig, 2);
  g_assert_null (teacher->bot->link);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/swarm-hashes/magnet", test_magnet);
  g_test_add_func ("/swarm-hashes/no-layers", test_no_layers);
  g_test_add_func ("/swarm-hashes/hybrid", test_hybrid);
  g_test_add_func ("/swarm-hashes/liar", test_liar);
  g_test_add_func ("/swarm-hashes/refused", test_refused);
  g_test_add_func ("/swarm-hashes/silent", test_silent);
  g_test_add_func ("/swarm-hashes/left", test_left);
  g_test_add_func ("/swarm-hashes/pause", test_pause);
  g_test_add_func ("/swarm-hashes/unasked", test_unasked);
  g_test_add_func ("/swarm-hashes/malformed", test_malformed);
  g_test_add_func ("/swarm-hashes/given", test_given);
  g_test_add_func ("/swarm-hashes/padded-blocks", test_padded_blocks);
  return g_test_run ();
}
