/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A hybrid torrent: two hashes, two swarms of peers, one torrent (BEP 52). */

#include "swarm-rig.h"

#include <string.h>

#include "shoal-test.h"

#define KIB   1024u
#define PIECE (64 * KIB)

static const ContentFile files[] = { { .path = "a", .size = 5 * PIECE + 99 },
                                     { .path = "b", .size = 3 * PIECE } };

static Rig *
new_rig (ShoalTorrentVersions versions)
{
  return rig_new_of (versions, files, G_N_ELEMENTS (files), PIECE, NULL);
}

static void
assert_key (const ShoalSha1 *key,
            Rig             *rig,
            gboolean         v2)
{
  ShoalSha1 keys[2];

  g_assert_cmpuint (shoal_info_hash_keys (&rig->content->metainfo->hash, keys), ==, 2);
  g_assert_true (shoal_sha1_equal (key, &keys[v2 ? 1 : 0]));
}

/* --- Who goes by which hash --- */

static void
test_answers (void)
{
  static const struct { gboolean by_v2, offers, answer_v2; } cases[] = {
    { FALSE, FALSE, FALSE },   /* a client of version 1 */
    { FALSE, TRUE, TRUE },     /* one that knows both: libtorrent refuses the v1 hash once a tracker
                                * named us for the other */
    { TRUE, FALSE, TRUE },
    { TRUE, TRUE, TRUE },
  };
  g_autoptr(Rig) rig = new_rig (SHOAL_TORRENT_HYBRID);

  rig_add (rig, FALSE, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      RigBot *bot = rig_bot (rig, (guint8) (i + 1));

      bot->by_v2 = cases[i].by_v2;
      bot->offers_v2 = cases[i].offers;
      rig_run (rig, 2);
      g_assert_nonnull (bot->link);
      g_assert_true (bot->greeted);
      assert_key (&bot->heard.info_hash, rig, cases[i].answer_v2);
      assert_key (&bot->link->key, rig, cases[i].answer_v2);
      /* Who goes by the v2 hash has nothing more to offer. */
      g_assert_cmpint ((bot->heard.reserved & SHOAL_RESERVED_V2) != 0, ==, !cases[i].answer_v2);
    }
}

/* The same offer means nothing where there is one hash. */
static void
test_plain (void)
{
  g_autoptr(Rig) rig = new_rig (SHOAL_TORRENT_V1);
  RigBot *bot;

  rig_add (rig, FALSE, FALSE);
  bot = rig_bot (rig, 1);
  bot->offers_v2 = TRUE;
  rig_run (rig, 2);
  g_assert_nonnull (bot->link);
  g_assert_true (shoal_sha1_equal (&bot->heard.info_hash, &rig->content->metainfo->hash.v1));
  g_assert_cmpuint (bot->heard.reserved & SHOAL_RESERVED_V2, ==, 0);
}

static RigBot *
dialled (Rig             *rig,
         guint8           number,
         const ShoalSha1 *found_under)
{
  RigBot *bot = rig_bot (rig, number);
  ShoalAddr addr = bot->addr;

  rig_bot_leave (bot);
  shoal_engine_begin (rig->engine, rig->now_us, RIG_WALL_S);
  shoal_swarm_add_peers_of (swarm_of (rig), found_under, &addr, 1, SHOAL_PEER_SOURCE_TRACKER);
  shoal_engine_end (rig->engine);
  for (guint i = 0; i < 50 && rig->fake->dials->len == 0; i++)
    rig_run (rig, 1);
  g_assert_cmpuint (rig->fake->dials->len, ==, 1);
  rig_bot_answer (bot, 0);

  return bot;
}

/* We dial by the hash that the peer was found under, and take the better one for an answer. */
static void
test_dials (void)
{
  g_autoptr(Rig) rig = new_rig (SHOAL_TORRENT_HYBRID);
  ShoalSha1 keys[2];
  RigBot *upgraded, *plain, *v2, *wrong;

  shoal_info_hash_keys (&rig->content->metainfo->hash, keys);
  rig_add (rig, FALSE, FALSE);
  upgraded = dialled (rig, 1, &keys[0]);
  upgraded->by_v2 = TRUE;
  rig_run (rig, 2);
  assert_key (&upgraded->heard.info_hash, rig, FALSE);
  g_assert_true (upgraded->heard.reserved & SHOAL_RESERVED_V2);
  g_assert_nonnull (upgraded->link);
  assert_key (&upgraded->link->key, rig, TRUE);
  g_assert_true (upgraded->link->known->is_v2);

  plain = dialled (rig, 2, &keys[0]);
  rig_run (rig, 2);
  g_assert_nonnull (plain->link);
  assert_key (&plain->link->key, rig, FALSE);

  v2 = dialled (rig, 3, &keys[1]);
  v2->by_v2 = TRUE;
  rig_run (rig, 2);
  g_assert_nonnull (v2->link);
  assert_key (&v2->heard.info_hash, rig, TRUE);
  g_assert_cmpuint (v2->heard.reserved & SHOAL_RESERVED_V2, ==, 0);

  /* Nobody goes back. */
  wrong = dialled (rig, 4, &keys[1]);
  rig_run (rig, 2);
  g_assert_null (wrong->link);
}

/* One that hangs up on one hash may know the torrent by the other. */
static void
test_other_hash (void)
{
  g_autoptr(Rig) rig = new_rig (SHOAL_TORRENT_HYBRID);
  ShoalSha1 keys[2];
  gboolean heard[2] = { FALSE, FALSE };

  shoal_info_hash_keys (&rig->content->metainfo->hash, keys);
  rig_add (rig, FALSE, FALSE);
  for (guint i = 0; i < 3; i++)
    {
      RigBot *bot;

      if (i == 0)
        {
          bot = dialled (rig, 1, &keys[0]);
        }
      else
        {
          for (guint k = 0; k < 5000 && rig->fake->dials->len == 0; k++)
            rig_run (rig, 1);
          bot = rig_bot (rig, 2);
          rig_bot_leave (bot);
          rig_bot_answer (bot, 0);
        }
      rig_bot_take (bot);
      g_assert_cmpuint (bot->in->len, ==, SHOAL_HANDSHAKE_SIZE);
      g_assert_true (shoal_handshake_parse (&bot->heard, bot->in->data));
      heard[shoal_sha1_equal (&bot->heard.info_hash, &keys[1])] = TRUE;
      rig_bot_leave (bot);
    }
  g_assert_true (heard[0] && heard[1]);
}

/* --- One peer, two links --- */

/* Another id on every connection, as libtorrent has: it is told by where it listens. */
static void
test_twins_without_id (void)
{
  for (guint closes = 0; closes < 3; closes++)
    {
      g_autoptr(Rig) rig = new_rig (SHOAL_TORRENT_HYBRID);
      ShoalSha1 keys[2];
      RigBot *in, *out;

      shoal_info_hash_keys (&rig->content->metainfo->hash, keys);
      rig_add (rig, FALSE, FALSE);
      out = dialled (rig, 1, &keys[0]);
      rig_run (rig, 2);
      in = rig_bot (rig, 1);
      in->id.bytes[19] ^= 1;
      in->by_v2 = TRUE;
      in->extended = TRUE;
      in->port = 6881;
      rig_run (rig, 5);
      g_assert_true (in->link != NULL && out->link != NULL);
      if (closes == 1)
        rig_bot_leave (in);
      if (closes == 2)
        rig_bot_leave (out);
      rig_run (rig, 900);
      /* One stays, whoever closes the other, and nobody dials again. */
      g_assert_cmpuint (swarm_of (rig)->n_links, ==, 1);
      g_assert_cmpint (out->link != NULL, ==, closes != 2);
      g_assert_cmpuint (rig->fake->dials->len, ==, 0);
    }
}

/* --- Hashes go first --- */

static void
ask_hashes (RigBot *bot,
            Rig    *rig)
{
  ShoalHashRequest request = {
    .root = rig->content->metainfo->files[0].root, .base = 2, .index = 0, .length = 8
  };
  guint8 head[SHOAL_HASHES_HEADER_SIZE];

  shoal_hash_message_write (head, SHOAL_MESSAGE_HASH_REQUEST, &request);
  rig_bot_say (bot, head, sizeof head);
}

/* The torrent is seeded to a peer of version 2. */
static RigBot *
unchoked_peer (Rig *rig)
{
  RigBot *bot;

  rig_fill (rig);
  rig_add (rig, FALSE, FALSE);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);
  bot = rig_bot (rig, 1);
  bot->by_v2 = TRUE;
  rig_run (rig, 2);
  rig_bot_simple (bot, SHOAL_MESSAGE_INTERESTED);
  rig_run (rig, 20);
  g_assert_true (bot->unchoked);

  return bot;
}

static void
test_hashes_first (void)
{
  for (guint hybrid = 0; hybrid < 2; hybrid++)
    {
      g_autoptr(Rig) rig = new_rig (hybrid ? SHOAL_TORRENT_HYBRID : SHOAL_TORRENT_V2);
      RigBot *bot;

      bot = unchoked_peer (rig);
      ask_hashes (bot, rig);
      rig_bot_ask (bot, 0, 0, SHOAL_BLOCK_SIZE);
      rig_turn (rig, 100 * G_TIME_SPAN_MILLISECOND);
      rig_turn (rig, G_TIME_SPAN_MILLISECOND);
      g_assert_cmpuint (bot->n_blocks, ==, hybrid ? 0 : 1);
      ask_hashes (bot, rig);
      rig_turn (rig, 200 * G_TIME_SPAN_MILLISECOND);
      rig_turn (rig, G_TIME_SPAN_MILLISECOND);
      g_assert_cmpuint (bot->n_blocks, ==, hybrid ? 0 : 1);
      rig_run (rig, 5);
      g_assert_cmpuint (bot->n_blocks, ==, 1);
      /* Not later, whatever it asks for. */
      ask_hashes (bot, rig);
      rig_bot_ask (bot, 0, SHOAL_BLOCK_SIZE, SHOAL_BLOCK_SIZE);
      rig_turn (rig, G_TIME_SPAN_MILLISECOND);
      rig_turn (rig, G_TIME_SPAN_MILLISECOND);
      g_assert_cmpuint (bot->n_blocks, ==, 2);
    }
}

/* Who asks for hashes for ever gets blocks all the same. */
static void
test_hashes_not_for_ever (void)
{
  g_autoptr(Rig) rig = new_rig (SHOAL_TORRENT_HYBRID);
  RigBot *bot;

  bot = unchoked_peer (rig);
  ask_hashes (bot, rig);
  rig_bot_ask (bot, 0, 0, SHOAL_BLOCK_SIZE);
  for (guint i = 0; i < 40; i++)
    {
      ask_hashes (bot, rig);
      rig_run (rig, 1);
      g_assert_cmpuint (bot->n_blocks, ==, i < 28 ? 0 : bot->n_blocks);
    }
  g_assert_cmpuint (bot->n_blocks, ==, 1);
}

/* --- Padding --- */

/* What a peer says that padding is does not matter: nobody can make the halves of a torrent
 * differ. */
static void
test_padding (void)
{
  g_autoptr(Rig) rig = new_rig (SHOAL_TORRENT_HYBRID);
  RigBot *bot;

  rig_add (rig, FALSE, FALSE);
  bot = rig_bot (rig, 1);
  bot->has_all = TRUE;
  bot->lies_in_padding = TRUE;
  rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
  g_assert_true (rig_is_filled (rig));
  g_assert_cmpuint (rig_look (rig)->wasted, ==, 0);
  g_assert_false (is_banned (bot));
}

/* --- Two links, one torrent --- */

static void
add_link (Rig        *rig,
          gboolean    v2,
          const char *more)
{
  const ShoalInfoHash *hash = &rig->content->metainfo->hash;
  g_autofree char *hex = v2 ? shoal_hex (hash->v2.bytes, SHOAL_SHA256_SIZE)
                            : shoal_hex (hash->v1.bytes, SHOAL_SHA1_SIZE);
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);

  command->add = shoal_add_options_new ();
  command->add->dir = g_strdup ("/");
  command->add->uri = g_strdup_printf ("magnet:?xt=urn:%s%s%s", v2 ? "btmh:1220" : "btih:", hex,
                                       more);
  rig_send (rig, command);
  g_assert_no_error (rig->reply);
}

static void
test_merge (void)
{
  for (guint by_v2 = 0; by_v2 < 2; by_v2++)
    {
      g_autoptr(Rig) rig = new_rig (SHOAL_TORRENT_HYBRID);
      RigBot *teacher, *seed;
      ShoalSwarm *left;
      char ***tiers;
      guint n_tiers = 0;

      add_link (rig, FALSE, "&tr=http://one.test/a&so=0");
      add_link (rig, TRUE, "&tr=http://two.test/a&x.pe=9.8.7.6:5");
      rig->id = 1;
      g_assert_nonnull (shoal_engine_find (rig->engine, 2));
      teacher = rig_bot (rig, 1);
      teacher->by_v2 = by_v2;
      teacher->extended = TRUE;
      teacher->has_all = TRUE;
      teacher->metadata_size = (guint32) rig->content->metainfo->info_size;
      rig_run (rig, 5);

      /* The younger goes, whichever of them learned of it. */
      g_assert_cmpuint (rig->merged, ==, 2);
      g_assert_cmpuint (rig->merged_into, ==, 1);
      g_assert_cmpuint (rig->n_removed, ==, 1);
      left = shoal_engine_find (rig->engine, 1);
      g_assert_nonnull (left);
      for (guint i = 0; i < 2; i++)
        g_assert_true (shoal_engine_find_by_key (rig->engine, &left->keys[i]) == left);
      tiers = shoal_announcer_tiers (left->announcer);
      while (tiers[n_tiers] != NULL)
        n_tiers++;
      shoal_tiers_free (tiers);
      g_assert_cmpuint (n_tiers, ==, 2);
      g_assert_cmpuint (left->book != NULL ? shoal_peerbook_size (left->book) : 0, >=, 1);

      seed = rig_bot (rig, 2);
      seed->has_all = TRUE;
      rig_until (rig, SHOAL_TORRENT_SEEDING, 60);
      g_assert_true (rig_is_filled (rig));
      rig_run (rig, 50);
      g_assert_null (shoal_engine_find (rig->engine, 2));
    }
}

/* Where the other half was found is no place for a private torrent. */
static void
test_merge_private (void)
{
  g_autoptr(Rig) rig = new_rig (SHOAL_TORRENT_HYBRID);
  ShoalSwarm *stays;
  RigBot *teacher;
  ShoalAddr stranger;

  add_link (rig, FALSE, "");
  add_link (rig, TRUE, "");
  rig->id = 1;
  stays = swarm_of (rig);
  g_assert_true (shoal_addr_parse (&stranger, "9.8.7.6:5", 0));
  shoal_swarm_add_peers (shoal_engine_find (rig->engine, 2), &stranger, 1, SHOAL_PEER_SOURCE_DHT);
  stays->is_private = TRUE;
  teacher = rig_bot (rig, 1);
  teacher->extended = TRUE;
  teacher->metadata_size = (guint32) rig->content->metainfo->info_size;
  rig_run (rig, 5);
  g_assert_cmpuint (rig->merged_into, ==, 1);
  g_assert_null (shoal_peerbook_find (stays->book, &stranger));
}

/* The second hash is announced as soon as it is known. */
static void
test_second_hash (void)
{
  g_autoptr(Rig) rig = new_rig (SHOAL_TORRENT_HYBRID);
  RigBot *teacher;
  ShoalSwarm *swarm;

  add_link (rig, TRUE, "");
  swarm = swarm_of (rig);
  g_assert_cmpuint (swarm->n_keys, ==, 1);
  teacher = rig_bot (rig, 1);
  teacher->by_v2 = TRUE;
  teacher->extended = TRUE;
  teacher->metadata_size = (guint32) rig->content->metainfo->info_size;
  rig_run (rig, 5);
  g_assert_cmpuint (swarm->n_keys, ==, 2);
  assert_key (&swarm->keys[0], rig, FALSE);
  assert_key (&swarm->keys[1], rig, TRUE);
  g_assert_true (shoal_engine_find_by_key (rig->engine, &swarm->keys[0]) == swarm);
  g_assert_nonnull (teacher->link);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/swarm-hybrid/answers", test_answers);
  g_test_add_func ("/swarm-hybrid/plain", test_plain);
  g_test_add_func ("/swarm-hybrid/dials", test_dials);
  g_test_add_func ("/swarm-hybrid/other-hash", test_other_hash);
  g_test_add_func ("/swarm-hybrid/twins-without-id", test_twins_without_id);
  g_test_add_func ("/swarm-hybrid/padding", test_padding);
  g_test_add_func ("/swarm-hybrid/merge", test_merge);
  g_test_add_func ("/swarm-hybrid/merge-private", test_merge_private);
  g_test_add_func ("/swarm-hybrid/second-hash", test_second_hash);
  g_test_add_func ("/swarm-hybrid/hashes-first", test_hashes_first);
  g_test_add_func ("/swarm-hybrid/hashes-not-for-ever", test_hashes_not_for_ever);

  return g_test_run ();
}
