/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peers ask for the hashes of blocks (BEP 52): pieces of every size, and what that may cost. */

#include "knower.h"
#include "shoal-test.h"
#include "swarm-rig.h"

#define KIB    1024u
#define MIB    (1024u * KIB)
#define PIECE  (128 * KIB)
#define BLOCKS 8u

static const ContentFile small_pieces[] = { { .size = 6 * PIECE + 3 * SHOAL_BLOCK_SIZE + 9 } };
static const ContentFile large_pieces[] = { { .size = 32 * MIB + 3 * SHOAL_BLOCK_SIZE } };
static const ContentFile less_than_a_piece[] = { { .size = 9 * MIB } };

typedef struct
{
  Rig         *rig;
  Knower      *asker;
  ShoalSha256 *nodes;
  guint32      width;
} Seed;

static void
seed_init (Seed              *self,
           const ContentFile *files,
           guint32            piece_size)
{
  self->rig = rig_new_of (SHOAL_TORRENT_V2, files, 1, piece_size, NULL);
  rig_fill (self->rig);
  rig_add (self->rig, FALSE, FALSE);
  rig_until (self->rig, SHOAL_TORRENT_SEEDING, 10);
  self->asker = knower_new (self->rig, 1);
  self->asker->bot->has_all = FALSE;
  rig_run (self->rig, 2);
  self->nodes = knower_tree (self->rig->content, &self->width);
}

static void
seed_clear (Seed *self)
{
  rig_free (self->rig);
  g_free (self->nodes);
}

static ShoalHashRequest
wanted (const Seed *self,
        guint32     index,
        guint32     length,
        guint32     layers)
{
  return (ShoalHashRequest){ self->rig->content->metainfo->files[0].root, 0, index, length,
                             layers };
}

/* Asks, and is given what is true. */
static void
check_given (Seed   *self,
             guint32 index,
             guint32 length,
             guint32 layers)
{
  ShoalHashRequest request = wanted (self, index, length, layers);
  g_autoptr(GByteArray) truth = knower_truth (self->nodes, self->width, &request);
  guint n = self->asker->n_answers;

  knower_ask (self->asker, &request);
  rig_run (self->rig, 3);
  g_assert_cmpuint (self->asker->n_answers, ==, n + 1);
  g_assert_true (shoal_hash_request_equal (&self->asker->request, &request));
  g_assert_cmpmem (self->asker->got->data, self->asker->got->len, truth->data, truth->len);
}

static void
check_refused (Seed   *self,
               guint32 index,
               guint32 length,
               guint32 layers)
{
  ShoalHashRequest request = wanted (self, index, length, layers);
  guint n = self->asker->n_rejects;

  knower_ask (self->asker, &request);
  rig_run (self->rig, 3);
  g_assert_cmpuint (self->asker->n_rejects, ==, n + 1);
}

static void
test_small (void)
{
  Seed seed;

  seed_init (&seed, small_pieces, PIECE);
  /* Each piece, the last one with zeros behind the end of the file. */
  for (guint piece = 0; piece < 7; piece++)
    check_given (&seed, piece * BLOCKS, BLOCKS, 0);
  /* A part of a piece is as good, and so are uncles up to the root; but no more than a piece. */
  check_given (&seed, 4, 2, 0);
  check_given (&seed, 4, 2, 5);
  check_given (&seed, 0, BLOCKS, 5);
  check_refused (&seed, 7 * BLOCKS, BLOCKS, 0);
  check_refused (&seed, 0, 2 * BLOCKS, 0);
  check_refused (&seed, 0, BLOCKS, 6);
  check_refused (&seed, 1u << 30, BLOCKS, 0);
  seed_clear (&seed);
}

/* All of a large piece at once, as libtorrent asks, or in ranges: it is read once. */
static void
test_large (void)
{
  Seed seed;
  guint n_reads;

  seed_init (&seed, large_pieces, 16 * MIB);
  n_reads = seed.rig->n_done[SHOAL_DISK_READ];
  check_given (&seed, 1024, 1024, 11);
  check_given (&seed, 1024, 512, 9);
  check_given (&seed, 1536, 512, 9);
  check_given (&seed, 1024, 2, 1);
  check_given (&seed, 1022 + 1024, 2, 11);
  g_assert_cmpuint (seed.rig->n_done[SHOAL_DISK_READ] - n_reads, ==,
                    16 * MIB / SHOAL_REQUEST_SIZE_MAX);
  /* The last piece of three blocks; the third and fourth of four hashes are padding. */
  check_given (&seed, 2048, 1024, 11);
  check_given (&seed, 2048, 4, 9);
  check_given (&seed, 2048 + 512, 512, 9);
  check_refused (&seed, 3072, 1024, 11);
  check_refused (&seed, 2048, 1024, 12);
  seed_clear (&seed);

  /* The tree of a file that is smaller than a piece ends with its own blocks. */
  seed_init (&seed, less_than_a_piece, 64 * MIB);
  check_given (&seed, 0, 1024, 0);
  check_given (&seed, 512, 512, 9);
  check_refused (&seed, 0, 4096, 0);
  check_refused (&seed, 0, 512, 10);
  seed_clear (&seed);
}

/* What one peer may have read and hashed in a time is bounded; what is known already is given. */
static void
test_rate (void)
{
  Seed seed;
  ShoalHashRequest request;

  seed_init (&seed, large_pieces, 16 * MIB);
  check_given (&seed, 0, 512, 0);
  check_given (&seed, 1024, 512, 0);
  check_refused (&seed, 2048, 512, 0);
  check_given (&seed, 512, 512, 0);
  rig_run (seed.rig, 50);
  check_given (&seed, 2048, 512, 0);
  seed_clear (&seed);

  /* Many at once wait for one reading, up to a limit. */
  seed_init (&seed, large_pieces, 16 * MIB);
  seed.rig->held = 1u << SHOAL_DISK_READ;
  request = wanted (&seed, 0, 2, 0);
  for (guint i = 0; i < 70; i++)
    knower_ask (seed.asker, &request);
  rig_run (seed.rig, 2);
  g_assert_cmpuint (seed.asker->n_rejects, ==, 6);
  g_assert_cmpuint (seed.asker->n_answers, ==, 0);
  seed.rig->held = 0;
  rig_run (seed.rig, 3);
  g_assert_cmpuint (seed.asker->n_answers, ==, 64);
  seed_clear (&seed);
}

/* A peer goes while the disk reads for it, or behind its answer; and the disk fails. */
static void
test_trouble (void)
{
  ShoalHashRequest request;
  Seed seed;
  guint n;

  seed_init (&seed, large_pieces, 16 * MIB);
  seed.rig->failing[SHOAL_DISK_READ] = SHOAL_REASON_IO;
  check_refused (&seed, 0, 512, 0);
  seed.rig->failing[SHOAL_DISK_READ] = SHOAL_REASON_NONE;
  g_assert_cmpuint (swarm_of (seed.rig)->leaf_trees->len, ==, 0);
  check_given (&seed, 0, 512, 0);
  g_assert_cmpuint (swarm_of (seed.rig)->leaf_trees->len, ==, 1);
  rig_bot_leave (seed.asker->bot);
  rig_run (seed.rig, 2);
  g_assert_cmpuint (swarm_of (seed.rig)->leaf_trees->len, ==, 0);

  seed.asker = knower_new (seed.rig, 2);
  rig_run (seed.rig, 2);
  seed.rig->held = 1u << SHOAL_DISK_READ;
  request = wanted (&seed, 0, 512, 0);
  knower_ask (seed.asker, &request);
  rig_run (seed.rig, 2);
  rig_bot_leave (seed.asker->bot);
  rig_run (seed.rig, 2);
  n = seed.rig->n_done[SHOAL_DISK_READ];
  seed.rig->held = 0;
  rig_run (seed.rig, 5);
  g_assert_cmpuint (seed.rig->n_done[SHOAL_DISK_READ], ==, n + 1);
  seed_clear (&seed);
}

/* What was changed on the disk is given to nobody: it would be a lie. */
static void
test_changed (void)
{
  Seed seed;

  seed_init (&seed, large_pieces, 16 * MIB);
  seed.rig->data[5 * MIB] ^= 1;
  check_refused (&seed, 0, 512, 9);
  check_given (&seed, 1024, 512, 9);
  seed_clear (&seed);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/swarm-leaves-give/small", test_small);
  g_test_add_func ("/swarm-leaves-give/large", test_large);
  g_test_add_func ("/swarm-leaves-give/rate", test_rate);
  g_test_add_func ("/swarm-leaves-give/trouble", test_trouble);
  g_test_add_func ("/swarm-leaves-give/changed", test_changed);

  return g_test_run ();
}
