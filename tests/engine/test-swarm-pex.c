/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peer exchange of a torrent: who is told of whom, what is learnt, and when nothing is said at
 * all. */

#include "swarm-rig.h"

#include <string.h>

#define KIB        1024u
#define PEX_NUMBER 9u

static const ContentFile one_file[] = { { .size = 300 * KIB } };

/* What one bot was told. */
typedef struct
{
  RigBot          *bot;
  guint            n_messages;
  ShoalPexMessage  last;
} Listener;

static void
on_message (RigBot             *bot,
            const ShoalMessage *message)
{
  Listener *self = bot->data;

  if (message->id != SHOAL_MESSAGE_EXTENDED || message->extended != PEX_NUMBER)
    return;
  self->n_messages++;
  g_assert_true (shoal_pex_parse (&self->last, message->payload, message->payload_size));
}

static Listener *
listener_new (Rig    *rig,
              guint8  number,
              guint16 port)
{
  Listener *self = g_new0 (Listener, 1);

  self->bot = rig_bot (rig, number);
  self->bot->extended = TRUE;
  self->bot->numbers[SHOAL_EXTENDED_PEX] = PEX_NUMBER;
  self->bot->port = port;
  self->bot->hear = on_message;
  self->bot->data = self;
  g_test_queue_free (self);

  return self;
}

static Rig *
new_rig (const ShoalConfig *config)
{
  Rig *rig = rig_new (one_file, G_N_ELEMENTS (one_file), 64 * KIB, config);

  rig_add (rig, FALSE, FALSE);

  return rig;
}

static void
say (Listener    *self,
     const char  *addr,
     guint8       flags)
{
  ShoalPexMessage message = { .n_added = 1, .added[0].flags = flags };
  g_autoptr(GBytes) payload = NULL;

  g_assert_true (shoal_addr_parse (&message.added[0].addr, addr, 0));
  payload = shoal_pex_write (&message);
  rig_bot_extended (self->bot, SHOAL_EXTENDED_PEX, payload);
}

static ShoalKnownPeer *
find (Rig        *rig,
      const char *text)
{
  ShoalAddr addr;

  g_assert_true (shoal_addr_parse (&addr, text, 0));

  return shoal_peerbook_find (swarm_of (rig)->book, &addr);
}

static void
test_told (void)
{
  g_autoptr(Rig) rig = new_rig (NULL);
  Listener *first = listener_new (rig, 1, 7001);
  Listener *second, *hidden;
  g_autofree char *text = NULL;
  g_autofree char *gone = NULL;

  rig_run (rig, 100);
  g_assert_cmpuint (first->bot->told_numbers[SHOAL_EXTENDED_PEX], ==, SHOAL_EXTENDED_PEX);
  g_assert_cmpuint (first->n_messages, ==, 0);

  /* One whose port is known, and one that nobody could dial. */
  second = listener_new (rig, 2, 7002);
  hidden = listener_new (rig, 3, 0);
  rig_run (rig, 150);
  g_assert_cmpuint (first->n_messages, ==, 1);
  g_assert_cmpuint (first->last.n_added, ==, 1);
  text = shoal_addr_to_text (&first->last.added[0].addr);
  g_assert_cmpstr (text, ==, "5.6.2.1:7002");
  g_assert_cmpuint (second->n_messages, ==, 1);
  g_assert_cmpuint (hidden->n_messages, ==, 1);
  g_assert_cmpuint (hidden->last.n_added, ==, 2);

  /* Nothing new: nothing is said, for minutes. */
  rig_run (rig, 900);
  g_assert_cmpuint (first->n_messages, ==, 1);
  rig_bot_simple (first->bot, SHOAL_MESSAGE_KEEP_ALIVE);

  rig_bot_leave (second->bot);
  rig_run (rig, 700);
  g_assert_cmpuint (first->n_messages, ==, 2);
  g_assert_cmpuint (first->last.n_added, ==, 0);
  g_assert_cmpuint (first->last.n_dropped, ==, 1);
  gone = shoal_addr_to_text (&first->last.dropped[0].addr);
  g_assert_cmpstr (gone, ==, "5.6.2.1:7002");
}

static void
test_learnt (void)
{
  g_autoptr(Rig) rig = new_rig (NULL);
  Listener *bot = listener_new (rig, 1, 7001);
  ShoalKnownPeer *known;

  rig_run (rig, 5);
  say (bot, "9.8.7.6:5000", SHOAL_PEX_SEED | SHOAL_PEX_UTP);
  say (bot, "192.168.1.7:5000", 0);
  say (bot, "127.0.0.1:5000", 0);
  say (bot, "224.0.0.1:5000", 0);
  rig_run (rig, 20);
  known = find (rig, "9.8.7.6:5000");
  g_assert_nonnull (known);
  g_assert_cmpuint (known->sources, ==, SHOAL_PEER_SOURCE_PEX);
  g_assert_true (known->is_seed);
  g_assert_cmpuint (known->pex_flags, ==, SHOAL_PEX_SEED | SHOAL_PEX_UTP);
  g_assert_cmpuint (rig->fake->dials->len, ==, 1);
  /* Somebody out there has no say about this network. */
  g_assert_null (find (rig, "192.168.1.7:5000"));
  g_assert_null (find (rig, "127.0.0.1:5000"));
  g_assert_null (find (rig, "224.0.0.1:5000"));
}

static void
test_flood (void)
{
  g_autoptr(Rig) rig = new_rig (NULL);
  Listener *bot = listener_new (rig, 1, 7001);

  rig_run (rig, 5);
  for (guint i = 1; i < 200; i++)
    {
      g_autofree char *text = g_strdup_printf ("9.9.%u.1:5000", i);

      say (bot, text, 0);
      rig_turn (rig, G_USEC_PER_SEC);
    }
  g_assert_cmpuint (shoal_peerbook_size (swarm_of (rig)->book), <=, SHOAL_PEX_BURST + 4 + 1);
  g_assert_nonnull (bot->bot->link);
}

static void
test_malformed (void)
{
  g_autoptr(Rig) rig = new_rig (NULL);
  Listener *bot = listener_new (rig, 1, 7001);

  rig_run (rig, 5);
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr(GBytes) payload = g_bytes_new_static ("d5:added3:abce", 14);

      rig_bot_extended (bot->bot, SHOAL_EXTENDED_PEX, payload);
    }
  rig_run (rig, 20);
  g_assert_nonnull (bot->bot->link);
  say (bot, "9.8.7.6:5000", 0);
  rig_run (rig, 20);
  g_assert_null (find (rig, "9.8.7.6:5000"));
}

/* Neither said nor heard: by choice, or because the torrent is private. */
static void
test_off (gconstpointer data)
{
  gboolean is_private = GPOINTER_TO_INT (data);
  g_autoptr(Rig) rig = NULL;
  ShoalConfig config;
  Listener *first, *second;

  shoal_config_init (&config);
  config.use_pex = is_private;
  rig = new_rig (&config);
  swarm_of (rig)->is_private = is_private;
  first = listener_new (rig, 1, 7001);
  second = listener_new (rig, 2, 7002);
  rig_run (rig, 20);
  say (first, "9.8.7.6:5000", 0);
  rig_run (rig, 700);
  g_assert_cmpuint (first->bot->told_numbers[SHOAL_EXTENDED_METADATA], !=, 0);
  g_assert_cmpuint (first->bot->told_numbers[SHOAL_EXTENDED_PEX], ==, 0);
  g_assert_cmpuint (first->n_messages + second->n_messages, ==, 0);
  g_assert_null (find (rig, "9.8.7.6:5000"));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/swarm-pex/told", test_told);
  g_test_add_func ("/engine/swarm-pex/learnt", test_learnt);
  g_test_add_func ("/engine/swarm-pex/flood", test_flood);
  g_test_add_func ("/engine/swarm-pex/malformed", test_malformed);
  g_test_add_data_func ("/engine/swarm-pex/switched-off", GINT_TO_POINTER (FALSE), test_off);
  g_test_add_data_func ("/engine/swarm-pex/private", GINT_TO_POINTER (TRUE), test_off);
  return g_test_run ();
}
