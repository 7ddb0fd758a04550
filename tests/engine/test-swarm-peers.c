/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who the other end is: ourselves, a stranger, or one that is connected already. */

#include "swarm-rig.h"

#include <string.h>

#include "shoal-test.h"

static void
test_own_id (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;

  rig_add (rig, FALSE, FALSE);
  bot = rig_bot (rig, 1);
  bot->id = rig->engine->peer_id;
  rig_run (rig, 3);
  g_assert_null (bot->link);
  g_assert_cmpuint (swarm_of (rig)->n_links, ==, 0);
}

static void
dial (Rig        *rig,
      const char *text)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD_PEER);

  command->id = rig->id;
  command->text = g_strdup (text);
  rig_send (rig, command);
  for (guint i = 0; i < 30 && rig->fake->dials->len == 0; i++)
    rig_run (rig, 1);
}

/* The end that was dialled sees it first; the address is not dialled again. */
static void
test_own_address (void)
{
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  ShoalAddr ours;
  RigBot *in;

  g_assert_true (shoal_addr_parse (&ours, "5.6.1.1:6881", 0));
  shoal_engine_begin (rig->engine, rig->now_us, RIG_WALL_S);
  shoal_engine_network (rig->engine, &(ShoalNetworkState){ .tcp_port = ours.port });
  shoal_engine_end (rig->engine);
  rig_add (rig, FALSE, FALSE);
  dial (rig, "5.6.1.1:6881");
  g_assert_cmpuint (rig->fake->dials->len, ==, 1);
  in = rig_bot (rig, 1);
  in->id = rig->engine->peer_id;
  rig_run (rig, 3);
  g_assert_null (in->link);
  g_assert_true (shoal_peerbook_is_banned (swarm_of (rig)->book, &ours));
}

/* Two connections with one peer: the same one of them stays at both ends. */
static void
test_twins (void)
{
  for (guint larger = 0; larger < 2; larger++)
    {
      g_autoptr(Rig) rig = rig_of_one_file (NULL);
      RigBot *in, *out;

      rig_add (rig, FALSE, FALSE);
      in = rig_bot (rig, 1);
      memset (in->id.bytes, larger ? 0xff : 0, sizeof in->id.bytes);
      rig_run (rig, 3);
      g_assert_nonnull (in->link);
      dial (rig, "5.6.1.1:6881");
      g_assert_cmpuint (rig->fake->dials->len, ==, 1);
      out = rig_bot (rig, 2);
      out->id = in->id;
      rig_bot_answer (out, 0);
      /* The other end may close one first, by a rule of its own. */
      rig_run (rig, 5);
      g_assert_true (in->link != NULL && out->link != NULL);
      rig_run (rig, 30);
      g_assert_cmpint (in->link != NULL, ==, larger);
      g_assert_cmpint (out->link != NULL, ==, !larger);
      /* It is known to be here: no further dials. */
      rig_run (rig, 900);
      if (larger)
        g_assert_cmpuint (rig->fake->dials->len, ==, 0);
    }
}

/* rtorrent parts once it has the metadata, and begins anew. */
static void
test_taught (void)
{
  ShoalMetadataMessage request = { .type = SHOAL_METADATA_REQUEST };
  g_autoptr(GBytes) payload = shoal_metadata_message_write (&request);
  g_autoptr(Rig) rig = rig_of_one_file (NULL);
  RigBot *bot;

  rig_add (rig, FALSE, FALSE);
  dial (rig, "5.6.1.1:6881");
  bot = rig_bot (rig, 1);
  bot->extended = TRUE;
  rig_bot_answer (bot, 0);
  rig_run (rig, 3);
  rig_bot_extended (bot, SHOAL_EXTENDED_METADATA, payload);
  rig_run (rig, 1);
  rig_bot_leave (bot);
  rig_run (rig, 20);
  g_assert_cmpuint (rig->fake->dials->len, ==, 1);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/swarm/own-id", test_own_id);
  g_test_add_func ("/swarm/own-address", test_own_address);
  g_test_add_func ("/swarm/twins", test_twins);
  g_test_add_func ("/swarm/taught", test_taught);

  return g_test_run ();
}
