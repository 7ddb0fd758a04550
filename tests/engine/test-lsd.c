/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of local discovery: what is announced and how often, who is found, and what is not
 * believed. */

#include "shoal-lsd.h"

#include <string.h>

#include "shoal-test.h"

#define SECOND_US ((gint64) G_USEC_PER_SEC)
#define MANY      100u

typedef struct
{
  ShoalTimers    *timers;
  ShoalRng        rng;
  ShoalLsd       *lsd;
  gint64          now_us;
  ShoalLsdEntry   entries[MANY];
  ShoalSha1       keys[MANY][2];
  guint           n_sent[2];       /* by family */
  guint           announces[MANY];
  gint64          last_us[MANY];
  GBytes         *message;         /* (nullable): the last of IPv4 */
  gint64          sent_us;
  guint           n_found;
  ShoalSha1       found;
  ShoalAddr       peer;
} Fixture;

static void
on_send (gpointer      owner,
         ShoalFamily   family,
         const guint8 *data,
         gsize         size)
{
  Fixture *self = owner;
  ShoalLsdMessage message;

  self->n_sent[family == SHOAL_FAMILY_IPV6]++;
  if (family == SHOAL_FAMILY_IPV6)
    return;
  g_assert_true (shoal_lsd_message_parse (&message, data, size));
  g_assert_cmpuint (message.port, ==, 6881);
  g_assert_cmpint (self->now_us - self->sent_us, >=, SHOAL_LSD_GAP_US);
  self->sent_us = self->now_us;
  for (guint i = 0; i < message.n_hashes; i++)
    {
      guint number = message.hashes[i].bytes[0];

      if (message.hashes[i].bytes[1] == 2)
        continue;
      if (self->announces[number]++ > 0)
        g_assert_cmpint (self->now_us - self->last_us[number], >=, SHOAL_LSD_INTERVAL_US);
      self->last_us[number] = self->now_us;
    }
  g_clear_pointer (&self->message, g_bytes_unref);
  self->message = g_bytes_new (data, size);
}

static void
on_found (gpointer         owner,
          const ShoalSha1 *key,
          const ShoalAddr *peer)
{
  Fixture *self = owner;

  self->n_found++;
  self->found = *key;
  self->peer = *peer;
}

static const ShoalLsdOps ops = { .send = on_send, .found = on_found };

static void
set_up (Fixture      *self,
        gconstpointer data)
{
  shoal_rng_init (&self->rng, shoal_test_seed ());
  self->timers = shoal_timers_new ();
  self->now_us = 1000 * SECOND_US;
  self->lsd = shoal_lsd_new (self->timers, &self->rng, &ops, self);
  for (guint i = 0; i < MANY; i++)
    {
      shoal_node_init (&self->entries[i].node);
      memset (self->keys[i], (int) i, sizeof self->keys[i]);
      self->keys[i][0].bytes[1] = 1;
      self->keys[i][1].bytes[1] = 2;
    }
}

static void
tear_down (Fixture      *self,
           gconstpointer data)
{
  for (guint i = 0; i < MANY; i++)
    shoal_lsd_remove (self->lsd, &self->entries[i]);
  shoal_lsd_free (self->lsd);
  shoal_timers_free (self->timers);
  g_clear_pointer (&self->message, g_bytes_unref);
}

static void
pass (Fixture *self,
      gint64   seconds)
{
  for (gint64 end_us = self->now_us + seconds * SECOND_US; self->now_us < end_us;
       self->now_us += SECOND_US / 4)
    shoal_timers_expire (self->timers, self->now_us);
}

static void
test_pace (Fixture      *self,
           gconstpointer data)
{
  shoal_lsd_add (self->lsd, &self->entries[0], self->keys[0], 1, self->now_us);
  pass (self, 10);
  g_assert_cmpuint (self->n_sent[0], ==, 0);      /* nobody could come */
  shoal_lsd_set_port (self->lsd, 6881, self->now_us);
  pass (self, 1);
  g_assert_cmpuint (self->n_sent[0], ==, 1);
  g_assert_cmpuint (self->n_sent[1], ==, 1);

  /* Paused and started again does not make it more often. */
  for (guint i = 0; i < 10; i++)
    {
      shoal_lsd_remove (self->lsd, &self->entries[0]);
      pass (self, 1);
      shoal_lsd_add (self->lsd, &self->entries[0], self->keys[0], 1, self->now_us);
      pass (self, 1);
    }
  g_assert_cmpuint (self->announces[0], ==, 1);
  pass (self, 3000);
  g_assert_cmpuint (self->announces[0], >=, 10);
  g_assert_cmpuint (self->announces[0], <=, 11);
}

static void
test_many (Fixture      *self,
           gconstpointer data)
{
  shoal_lsd_set_port (self->lsd, 6881, self->now_us);
  for (guint i = 0; i < MANY; i++)
    shoal_lsd_add (self->lsd, &self->entries[i], self->keys[i], i % 3 == 0 ? 2 : 1, self->now_us);
  pass (self, 60);
  for (guint i = 0; i < MANY; i++)
    g_assert_cmpuint (self->announces[i], ==, 1);
  g_assert_cmpuint (self->n_sent[0], <=, 2 * MANY / SHOAL_LSD_HASHES_MAX);
  pass (self, 1200);
  for (guint i = 0; i < MANY; i++)
    g_assert_cmpuint (self->announces[i], >=, 4);
}

static void
hear (Fixture    *self,
      const char *from,
      GBytes     *bytes)
{
  ShoalAddr addr;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_assert_true (shoal_addr_parse (&addr, from, 0));
  shoal_lsd_heard (self->lsd, &addr, data, size, self->now_us);
}

static void
test_found (Fixture      *self,
            gconstpointer data)
{
  ShoalLsdMessage message = { .port = 7777, .n_hashes = 2, .cookie = "other" };
  g_autoptr(GBytes) bytes = NULL;
  g_autofree char *text = NULL;

  message.hashes[0] = self->keys[1][0];
  message.hashes[1] = self->keys[2][0];
  bytes = shoal_lsd_message_write (&message, SHOAL_FAMILY_IPV4);
  hear (self, "192.168.3.4:6771", bytes);
  g_assert_cmpuint (self->n_found, ==, 2);
  g_assert_cmpmem (&self->found, sizeof self->found, &self->keys[2][0], sizeof self->found);
  text = shoal_addr_to_text (&self->peer);
  g_assert_cmpstr (text, ==, "192.168.3.4:7777");
  hear (self, "[fd00::1]:6771", bytes);
  g_assert_cmpuint (self->n_found, ==, 4);

  /* Not from here. */
  hear (self, "8.8.8.8:6771", bytes);
  hear (self, "[2001:db8::1]:6771", bytes);
  g_assert_cmpuint (self->n_found, ==, 4);

  /* Our own. */
  shoal_lsd_set_port (self->lsd, 6881, self->now_us);
  shoal_lsd_add (self->lsd, &self->entries[0], self->keys[0], 1, self->now_us);
  pass (self, 2);
  g_assert_nonnull (self->message);
  hear (self, "192.168.3.9:6771", self->message);
  g_assert_cmpuint (self->n_found, ==, 4);
}

static void
test_flood (Fixture      *self,
            gconstpointer data)
{
  ShoalLsdMessage message = { .port = 7777, .n_hashes = 1 };
  g_autoptr(GBytes) bytes = shoal_lsd_message_write (&message, SHOAL_FAMILY_IPV4);

  for (guint i = 0; i < 10 * SHOAL_LSD_HEARD_BURST; i++)
    hear (self, "192.168.3.4:6771", bytes);
  g_assert_cmpuint (self->n_found, ==, SHOAL_LSD_HEARD_BURST);
  self->now_us += SECOND_US;
  for (guint i = 0; i < 10 * SHOAL_LSD_HEARD_BURST; i++)
    hear (self, "192.168.3.4:6771", bytes);
  g_assert_cmpuint (self->n_found, ==,
                    SHOAL_LSD_HEARD_BURST + (guint) (SECOND_US / SHOAL_LSD_HEARD_US));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/engine/lsd/pace", Fixture, NULL, set_up, test_pace, tear_down);
  g_test_add ("/engine/lsd/many", Fixture, NULL, set_up, test_many, tear_down);
  g_test_add ("/engine/lsd/found", Fixture, NULL, set_up, test_found, tear_down);
  g_test_add ("/engine/lsd/flood", Fixture, NULL, set_up, test_flood, tear_down);
  return g_test_run ();
}
