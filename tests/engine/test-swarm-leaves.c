/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A wrong piece of version 2: hashes of its blocks are asked for, and only what is wrong is fetched again (BEP 52). */

#include "swarm-rig.h"

#include <string.h>

#include "shoal-merkle.h"
#include "shoal-test.h"

#define KIB    1024u
#define PIECE  (128 * KIB)
#define BLOCKS 8u

static const ContentFile one_piece[] = { { .size = PIECE - 5 } };
static const ContentFile many_pieces[] = { { .size = 6 * PIECE + 3 * SHOAL_BLOCK_SIZE + 9 } };

/* A peer that is asked for hashes. */
typedef struct
{
  RigBot  *bot;
  gboolean silent;
  gboolean rejects;
  gboolean lies;
  guint    n_asked;
  guint    n_answers;
  guint    n_rejects;
  ShoalSha256 got[SHOAL_HASHES_LENGTH_MAX];
} Knower;

static void
leaves_of (Rig                    *rig,
           const ShoalHashRequest *request,
           ShoalSha256            *out)
{
  guint64 size = rig->content->metainfo->files[0].size;

  for (guint32 i = 0; i < request->length; i++)
    {
      guint64 offset = (guint64) (request->index + i) * SHOAL_BLOCK_SIZE;

      memset (&out[i], 0, sizeof *out);
      if (offset < size)
        shoal_sha256 (rig->content->truth + offset, MIN (size - offset, SHOAL_BLOCK_SIZE), &out[i]);
    }
}

static void
on_message (RigBot             *bot,
            const ShoalMessage *message)
{
  Knower *self = bot->data;
  ShoalHashRequest request;
  const guint8 *hashes;
  guint8 head[SHOAL_HASHES_HEADER_SIZE];
  ShoalSha256 leaves[SHOAL_HASHES_LENGTH_MAX];

  if (message->id != SHOAL_MESSAGE_HASH_REQUEST && message->id != SHOAL_MESSAGE_HASHES && message->id != SHOAL_MESSAGE_HASH_REJECT)
    return;
  g_assert_true (shoal_hash_message_parse (&request, message->id, message->payload, message->payload_size, &hashes));
  if (message->id == SHOAL_MESSAGE_HASHES)
    {
      self->n_answers++;
      memcpy (self->got, hashes, request.length * sizeof *self->got);
      return;
    }
  if (message->id == SHOAL_MESSAGE_HASH_REJECT)
    {
      self->n_rejects++;
      return;
    }
  g_assert_true (shoal_hash_request_is_sane (&request));
  g_assert_cmpuint (request.base, ==, 0);
  self->n_asked++;
  if (self->silent)
    return;
  shoal_hash_message_write (head, self->rejects ? SHOAL_MESSAGE_HASH_REJECT : SHOAL_MESSAGE_HASHES, &request);
  rig_bot_say (bot, head, sizeof head);
  if (self->rejects)
    return;
  leaves_of (bot->rig, &request, leaves);
  if (self->lies)
    leaves[0].bytes[3] ^= 1;
  rig_bot_say (bot, leaves, request.length * sizeof *leaves);
}

static Knower *
knower_new (Rig   *rig,
            guint8 number)
{
  Knower *self = g_new0 (Knower, 1);

  self->bot = rig_bot (rig, number);
  self->bot->has_all = TRUE;
  self->bot->hear = on_message;
  self->bot->data = self;
  g_test_queue_free (self);

  return self;
}

/* Two peers give a part of the piece each; one of them lies. */
static Rig *
new_rig (const ContentFile *files,
         Knower           **liar,
         Knower           **honest)
{
  Rig *rig = rig_new_of (SHOAL_TORRENT_V2, files, 1, PIECE, NULL);

  rig_add (rig, FALSE, FALSE);
  *liar = knower_new (rig, 1);
  (*liar)->bot->lies = TRUE;
  *honest = knower_new (rig, 2);

  return rig;
}

static void
test_one_piece (void)
{
  Knower *liar, *honest;
  g_autoptr(Rig) rig = new_rig (one_piece, &liar, &honest);
  guint n_lies;

  /* Both are asked before either answers. */
  liar->bot->silent = honest->bot->silent = TRUE;
  rig_run (rig, 12);
  n_lies = liar->bot->requests->len;
  g_assert_cmpuint (n_lies, >, 0);
  g_assert_cmpuint (honest->bot->requests->len, ==, BLOCKS - n_lies);
  liar->bot->silent = honest->bot->silent = FALSE;
  rig_bot_deliver (liar->bot, G_MAXUINT);
  rig_bot_deliver (honest->bot, G_MAXUINT);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 30);
  g_assert_true (rig_is_filled (rig));
  g_assert_cmpuint (honest->n_asked + liar->n_asked, ==, 1);
  g_assert_true (is_banned (liar->bot));
  g_assert_false (is_banned (honest->bot));
  /* And perhaps one that both were asked for at the end. */
  g_assert_cmpuint (rig_look (rig)->wasted, <=, (n_lies + 1) * SHOAL_BLOCK_SIZE);
  g_assert_cmpuint (rig_look (rig)->wasted, >, (n_lies - 1) * SHOAL_BLOCK_SIZE);
}

static void
test_many_pieces (void)
{
  Knower *liar, *honest;
  g_autoptr(Rig) rig = new_rig (many_pieces, &liar, &honest);

  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_true (rig_is_filled (rig));
  g_assert_true (is_banned (liar->bot));
  g_assert_false (is_banned (honest->bot));
  g_assert_cmpuint (rig_look (rig)->wasted, <=, liar->bot->n_requests * SHOAL_BLOCK_SIZE);
}

/* Nobody gives hashes: as with version 1. */
static void
test_nobody (void)
{
  for (guint silent = 0; silent < 2; silent++)
    {
      Knower *liar, *honest;
      g_autoptr(Rig) rig = new_rig (many_pieces, &liar, &honest);

      liar->rejects = honest->rejects = !silent;
      liar->silent = honest->silent = silent;
      rig_until (rig, SHOAL_TORRENT_SEEDING, 120);
      g_assert_true (rig_is_filled (rig));
      g_assert_cmpuint (honest->n_asked + liar->n_asked, >, 0);
      g_assert_false (is_banned (honest->bot));
      rig_run (rig, 5);
    }
}

/* Wrong hashes show themselves, and somebody else is asked. */
static void
test_wrong_hashes (void)
{
  Knower *liar, *honest, *twister;
  g_autoptr(Rig) rig = new_rig (one_piece, &liar, &honest);

  twister = knower_new (rig, 3);
  liar->bot->silent = honest->bot->silent = twister->bot->silent = TRUE;
  twister->lies = honest->lies = TRUE;
  rig_run (rig, 12);
  liar->bot->silent = honest->bot->silent = twister->bot->silent = FALSE;
  rig_bot_deliver (liar->bot, G_MAXUINT);
  rig_bot_deliver (honest->bot, G_MAXUINT);
  rig_bot_deliver (twister->bot, G_MAXUINT);
  rig_run (rig, 10);
  g_assert_cmpuint (twister->n_asked + honest->n_asked, >, 0);
  g_assert_true (is_banned (liar->bot));
  g_assert_true (is_banned (twister->bot) || is_banned (honest->bot));
  knower_new (rig, 4);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_true (rig_is_filled (rig));
}

/* Stopped, and gone, while hashes are being waited for. */
static void
test_stop (void)
{
  for (guint leaves = 0; leaves < 2; leaves++)
    {
      Knower *liar, *honest;
      g_autoptr(Rig) rig = new_rig (one_piece, &liar, &honest);

      liar->bot->silent = honest->bot->silent = TRUE;
      liar->silent = honest->silent = TRUE;
      rig_run (rig, 12);
      rig_bot_deliver (liar->bot, G_MAXUINT);
      rig_bot_deliver (honest->bot, G_MAXUINT);
      rig_run (rig, 2);
      g_assert_cmpuint (honest->n_asked + liar->n_asked, ==, 1);
      if (leaves)
        {
          rig_bot_leave (honest->bot);
          rig_bot_leave (liar->bot);
          rig_run (rig, 20);
        }
      rig_say (rig, SHOAL_COMMAND_PAUSE);
      rig_run (rig, 20);
      g_assert_cmpint (rig->state, ==, SHOAL_TORRENT_PAUSED);
      rig_say (rig, SHOAL_COMMAND_START);
      knower_new (rig, 5);
      rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
      g_assert_true (rig_is_filled (rig));
    }
}

/* --- Giving --- */

static void
request (Knower                 *self,
         const ShoalHashRequest *wanted)
{
  guint8 head[SHOAL_HASHES_HEADER_SIZE];

  shoal_hash_message_write (head, SHOAL_MESSAGE_HASH_REQUEST, wanted);
  rig_bot_say (self->bot, head, sizeof head);
}

static void
test_give (void)
{
  g_autoptr(Rig) rig = rig_new_of (SHOAL_TORRENT_V2, many_pieces, 1, PIECE, NULL);
  ShoalHashRequest wanted = { .base = 0, .index = 0, .length = BLOCKS };
  ShoalSha256 truth[SHOAL_HASHES_LENGTH_MAX];
  Knower *asker;

  rig_fill (rig);
  rig_add (rig, FALSE, FALSE);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
  asker = knower_new (rig, 1);
  asker->bot->has_all = FALSE;
  rig_run (rig, 2);
  wanted.root = rig->content->metainfo->files[0].root;
  /* Each piece, the last one with zeros behind the end of the file. */
  for (guint piece = 0; piece < 7; piece++)
    {
      wanted.index = piece * BLOCKS;
      request (asker, &wanted);
      rig_run (rig, 2);
      g_assert_cmpuint (asker->n_answers, ==, piece + 1);
      leaves_of (rig, &wanted, truth);
      g_assert_cmpmem (asker->got, BLOCKS * sizeof *truth, truth, BLOCKS * sizeof *truth);
    }
  /* A part of a piece is as good; nothing beyond the file, nor more than a piece. */
  wanted.index = 4;
  wanted.length = 2;
  request (asker, &wanted);
  rig_run (rig, 2);
  g_assert_cmpuint (asker->n_answers, ==, 8);
  leaves_of (rig, &wanted, truth);
  g_assert_cmpmem (asker->got, 2 * sizeof *truth, truth, 2 * sizeof *truth);
  wanted.index = 7 * BLOCKS;
  wanted.length = BLOCKS;
  request (asker, &wanted);
  wanted.index = 0;
  wanted.length = 2 * BLOCKS;
  request (asker, &wanted);
  rig_run (rig, 2);
  g_assert_cmpuint (asker->n_rejects, ==, 2);
  /* One after the other, and not faster than it is worth. */
  wanted.length = BLOCKS;
  for (guint i = 0; i < 5; i++)
    request (asker, &wanted);
  rig_run (rig, 2);
  g_assert_cmpuint (asker->n_answers, ==, 9);
  g_assert_cmpuint (asker->n_rejects, ==, 6);
  /* It goes while the disk reads for it. */
  rig->held = 1u << SHOAL_DISK_READ;
  request (asker, &wanted);
  rig_run (rig, 2);
  rig_bot_leave (asker->bot);
  rig_run (rig, 2);
  rig->held = 0;
  rig_run (rig, 5);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/swarm-leaves/one-piece", test_one_piece);
  g_test_add_func ("/swarm-leaves/many-pieces", test_many_pieces);
  g_test_add_func ("/swarm-leaves/nobody", test_nobody);
  g_test_add_func ("/swarm-leaves/wrong-hashes", test_wrong_hashes);
  g_test_add_func ("/swarm-leaves/stop", test_stop);
  g_test_add_func ("/swarm-leaves/give", test_give);

  return g_test_run ();
}
