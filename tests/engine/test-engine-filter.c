/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of blocked addresses at work: dialling, accepting, learning, open links, reloading. */

#include "rig.h"

#include <string.h>

#include "shoal-link-private.h"

#define KIB       1024u
#define SOURCE    "/lists/blocked"

static const ContentFile one_file[] = { { .size = 300 * KIB } };

static Rig *
new_rig (const char *source)
{
  ShoalConfig config;

  shoal_config_init (&config);
  g_strlcpy (config.filter_source, source, sizeof config.filter_source);

  return rig_new (one_file, G_N_ELEMENTS (one_file), 64 * KIB, &config);
}

static ShoalFilter *
filter_of (const char *text)
{
  g_autoptr(ShoalFilterList) list = shoal_filter_list_parse (text, strlen (text), NULL);

  return shoal_filter_new (list);
}

/* @text: (nullable): the list; NULL: it could not be had */
static void
answer (Rig        *rig,
        const char *text)
{
  ShoalFilterLoad *load;

  g_assert_cmpuint (rig->fake->filters->len, ==, 1);
  load = g_ptr_array_steal_index (rig->fake->filters, 0);
  if (text != NULL)
    load->filter = filter_of (text);
  else
    load->error = g_strdup ("it is not there");
  shoal_engine_begin (rig->engine, rig->now_us, RIG_WALL_S);
  shoal_engine_done (rig->engine, &load->done);
  shoal_engine_end (rig->engine);
}

static void
change (Rig        *rig,
        const char *source)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_CONFIG);
  ShoalConfig config;

  shoal_config_init (&config);
  g_strlcpy (config.filter_source, source, sizeof config.filter_source);
  command->config = g_memdup2 (&config, sizeof config);
  rig_send (rig, command);
}

static void
add_peer (Rig        *rig,
          const char *addr)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD_PEER);

  command->id = rig->id;
  command->text = g_strdup (addr);
  rig_send (rig, command);
}

static void
test_applied (void)
{
  g_autoptr(Rig) rig = new_rig (SOURCE);
  RigBot *early, *good, *bad;

  rig_add (rig, FALSE, FALSE);
  g_assert_cmpstr (((ShoalFilterLoad *) g_ptr_array_index (rig->fake->filters, 0))->source, ==,
                   SOURCE);

  /* Nobody comes or is dialled before the list is there. */
  add_peer (rig, "7.7.7.7:7000");
  add_peer (rig, "8.8.8.8:7000");
  early = rig_bot (rig, 9);
  rig_run (rig, 10);
  g_assert_null (early->link);
  g_assert_cmpuint (rig->fake->dials->len, ==, 0);
  answer (rig, "5.6.2.0/24\n7.7.0.0-7.7.255.255\n");
  rig_run (rig, 20);
  g_assert_cmpuint (rig->fake->dials->len, ==, 1);
  g_assert_cmpuint (g_array_index (rig->fake->dials, FakeDial, 0).to.ip[0], ==, 8);

  good = rig_bot (rig, 1);
  bad = rig_bot (rig, 2);
  rig_run (rig, 5);
  g_assert_nonnull (good->link);
  g_assert_null (bad->link);
  add_peer (rig, "7.7.9.9:7000");
  rig_run (rig, 30);
  g_assert_cmpuint (rig->fake->dials->len, ==, 1);

  /* Another list: the one that is here goes, the other may come. */
  change (rig, SOURCE "-2");
  answer (rig, "5.6.1.0/24\n");
  rig_run (rig, 10);
  g_assert_null (good->link);
  bad = rig_bot (rig, 2);
  rig_run (rig, 5);
  g_assert_nonnull (bad->link);
  /* The one that was held back is dialled now. */
  rig_run (rig, 300);
  g_assert_cmpuint (rig->fake->dials->len, ==, 2);

  /* None: everybody may. */
  change (rig, "");
  good = rig_bot (rig, 1);
  rig_run (rig, 5);
  g_assert_nonnull (good->link);
}

/* A list that does not come holds nobody for long, and is asked for again. */
static void
test_missing (void)
{
  g_autoptr(Rig) rig = new_rig (SOURCE);
  RigBot *bot;

  rig_add (rig, FALSE, FALSE);
  rig_run (rig, 110);
  bot = rig_bot (rig, 1);
  rig_run (rig, 5);
  g_assert_nonnull (bot->link);
  answer (rig, NULL);
  for (guint i = 0; i < 65; i++)
    rig_turn (rig, 60 * (gint64) G_USEC_PER_SEC);
  answer (rig, "5.6.1.0/24");
  bot = rig_bot (rig, 1);
  g_assert_null (bot->link);

  /* The next day the old one goes on although the new one cannot be had. */
  for (guint i = 0; i < 25; i++)
    rig_turn (rig, 3600 * (gint64) G_USEC_PER_SEC);
  answer (rig, NULL);
  bot = rig_bot (rig, 1);
  g_assert_null (bot->link);
}

/* Another source is wanted while the first is on its way. */
static void
test_superseded (void)
{
  g_autoptr(Rig) rig = new_rig (SOURCE);
  ShoalFilterLoad *old;
  RigBot *bot;

  rig_add (rig, FALSE, FALSE);
  old = g_ptr_array_steal_index (rig->fake->filters, 0);
  change (rig, SOURCE "-2");
  answer (rig, "5.6.2.0/24");
  old->filter = filter_of ("5.6.1.0/24");
  shoal_engine_begin (rig->engine, rig->now_us, RIG_WALL_S);
  shoal_engine_done (rig->engine, &old->done);
  shoal_engine_end (rig->engine);
  bot = rig_bot (rig, 1);
  g_assert_nonnull (bot->link);
  bot = rig_bot (rig, 2);
  g_assert_null (bot->link);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/engine-filter/applied", test_applied);
  g_test_add_func ("/engine/engine-filter/missing", test_missing);
  g_test_add_func ("/engine/engine-filter/superseded", test_superseded);
  return g_test_run ();
}
