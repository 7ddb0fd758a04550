/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ways through NATs: what the third peer passes on and refuses, who asks for one, and what a relay
 * may not do. */

#include "rig.h"

#include "shoal-holepunch.h"
#include "shoal-link-private.h"

#define KIB    1024u
#define PUNCH  11u
#define PEX    9u

static const ContentFile one_file[] = { { .size = 300 * KIB } };

typedef struct
{
  RigBot         *bot;
  guint           n_messages;
  ShoalHolepunch  last;
} Puncher;

static void
on_message (RigBot             *bot,
            const ShoalMessage *message)
{
  Puncher *self = bot->data;

  if (message->id != SHOAL_MESSAGE_EXTENDED || message->extended != PUNCH)
    return;
  self->n_messages++;
  g_assert_true (shoal_holepunch_parse (&self->last, message->payload, message->payload_size));
}

static Puncher *
puncher_new (Rig    *rig,
             guint8  number,
             guint8  punch)
{
  Puncher *self = g_new0 (Puncher, 1);

  self->bot = rig_bot (rig, number);
  self->bot->extended = TRUE;
  self->bot->numbers[SHOAL_EXTENDED_HOLEPUNCH] = punch;
  self->bot->numbers[SHOAL_EXTENDED_PEX] = PEX;
  self->bot->port = 7000 + number;
  self->bot->hear = on_message;
  self->bot->data = self;
  g_test_queue_free (self);

  return self;
}

static Rig *
new_rig (void)
{
  Rig *rig = rig_new (one_file, G_N_ELEMENTS (one_file), 64 * KIB, NULL);

  rig->engine->config.use_utp = TRUE;
  rig_add (rig, FALSE, FALSE);

  return rig;
}

static void
say (Puncher           *self,
     ShoalHolepunchType type,
     const char        *addr)
{
  ShoalHolepunch message = { .type = type };
  g_autoptr(GBytes) payload = NULL;

  g_assert_true (shoal_addr_parse (&message.addr, addr, 0));
  payload = shoal_holepunch_write (&message);
  rig_bot_extended (self->bot, SHOAL_EXTENDED_HOLEPUNCH, payload);
}

static void
check (const Puncher      *self,
       ShoalHolepunchType  type,
       const char         *addr,
       guint32             error)
{
  g_autofree char *text = shoal_addr_to_text (&self->last.addr);

  g_assert_cmpint (self->last.type, ==, type);
  g_assert_cmpstr (text, ==, addr);
  g_assert_cmpuint (self->last.error, ==, error);
}

static void
test_relay (void)
{
  g_autoptr(Rig) rig = new_rig ();
  Puncher *first = puncher_new (rig, 1, PUNCH);
  Puncher *second = puncher_new (rig, 2, PUNCH);

  puncher_new (rig, 3, 0);
  rig_run (rig, 10);
  g_assert_cmpuint (first->bot->told_numbers[SHOAL_EXTENDED_HOLEPUNCH], ==,
                    SHOAL_EXTENDED_HOLEPUNCH);
  say (first, SHOAL_HOLEPUNCH_RENDEZVOUS, "5.6.2.1:7002");
  rig_run (rig, 3);
  check (first, SHOAL_HOLEPUNCH_CONNECT, "5.6.2.1:7002", 0);
  check (second, SHOAL_HOLEPUNCH_CONNECT, "5.6.1.1:7001", 0);

  say (first, SHOAL_HOLEPUNCH_RENDEZVOUS, "5.6.3.1:7003");
  rig_run (rig, 3);
  check (first, SHOAL_HOLEPUNCH_ERROR, "5.6.3.1:7003", SHOAL_HOLEPUNCH_NO_SUPPORT);
  say (first, SHOAL_HOLEPUNCH_RENDEZVOUS, "9.9.9.9:1");
  rig_run (rig, 3);
  check (first, SHOAL_HOLEPUNCH_ERROR, "9.9.9.9:1", SHOAL_HOLEPUNCH_NO_SUCH_PEER);
  say (first, SHOAL_HOLEPUNCH_RENDEZVOUS, "5.6.1.1:7001");
  rig_run (rig, 3);
  check (first, SHOAL_HOLEPUNCH_ERROR, "5.6.1.1:7001", SHOAL_HOLEPUNCH_NO_SELF);
  g_assert_cmpuint (second->n_messages, ==, 1);
}

static void
test_limits (void)
{
  g_autoptr(Rig) rig = new_rig ();
  Puncher *first = puncher_new (rig, 1, PUNCH);
  Puncher *second = puncher_new (rig, 2, PUNCH);

  rig_run (rig, 10);
  for (guint i = 0; i < 50; i++)
    say (first, SHOAL_HOLEPUNCH_RENDEZVOUS, "5.6.2.1:7002");
  rig_run (rig, 10);
  g_assert_cmpuint (second->n_messages, <, 10);

  /* A relay makes us dial, but not without end, and nobody who is here. */
  for (guint i = 1; i < 50; i++)
    {
      g_autofree char *text = g_strdup_printf ("9.9.%u.9:77", i);

      say (second, SHOAL_HOLEPUNCH_CONNECT, text);
    }
  say (second, SHOAL_HOLEPUNCH_CONNECT, "5.6.1.1:7001");
  rig_run (rig, 3);
  g_assert_cmpuint (rig->fake->dials->len, >, 0);
  g_assert_cmpuint (rig->fake->dials->len, <, 10);
}

static void
test_asked (void)
{
  g_autoptr(Rig) rig = new_rig ();
  Puncher *relay = puncher_new (rig, 1, PUNCH);
  ShoalPexMessage told = { .n_added = 1, .added[0].flags = SHOAL_PEX_HOLEPUNCH | SHOAL_PEX_UTP };
  g_autoptr(GBytes) payload = NULL;
  ShoalLink *link;

  rig_run (rig, 10);
  g_assert_true (shoal_addr_parse (&told.added[0].addr, "9.8.7.6:5000", 0));
  payload = shoal_pex_write (&told);
  rig_bot_extended (relay->bot, SHOAL_EXTENDED_PEX, payload);
  rig_run (rig, 20);
  g_assert_cmpuint (rig->fake->dials->len, ==, 1);
  g_assert_cmpuint (relay->n_messages, ==, 0);

  /* It cannot be reached: the one who told of it is asked, once. */
  for (guint i = 0; i < 300 && relay->n_messages == 0; i++)
    {
      if (rig->fake->dials->len > 0)
        {
          link = g_array_index (rig->fake->dials, FakeDial, 0).link;
          g_array_remove_index (rig->fake->dials, 0);
          shoal_engine_begin (rig->engine, rig->now_us, RIG_WALL_S);
          shoal_link_closed (link, "no answer");
          shoal_engine_end (rig->engine);
        }
      rig_run (rig, 1);
    }
  g_assert_cmpuint (relay->n_messages, ==, 1);
  check (relay, SHOAL_HOLEPUNCH_RENDEZVOUS, "9.8.7.6:5000", 0);
  say (relay, SHOAL_HOLEPUNCH_CONNECT, "9.8.7.6:5000");
  rig_run (rig, 3);
  g_assert_cmpuint (rig->fake->dials->len, ==, 1);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/swarm-punch/relay", test_relay);
  g_test_add_func ("/engine/swarm-punch/limits", test_limits);
  g_test_add_func ("/engine/swarm-punch/asked", test_asked);
  return g_test_run ();
}
