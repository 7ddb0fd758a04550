/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timers: order, arming and disarming inside a call, a long random run against a sorted list. */

#include "shoal-rng.h"
#include "shoal-test.h"
#include "shoal-timers.h"

typedef struct
{
  ShoalTimers *timers;
  GString     *log;
  ShoalTimer   timer;
  char         name;
  gint64       rearm_us;     /* SHOAL_NEVER: not */
  ShoalTimer  *disarm;       /* (nullable) */
} Owner;

static void
fired (gpointer user_data,
       gint64   now_us)
{
  Owner *owner = user_data;

  g_assert_false (shoal_timer_is_armed (&owner->timer));
  g_string_append_c (owner->log, owner->name);
  if (owner->disarm != NULL)
    shoal_timers_disarm (owner->timers, owner->disarm);
  if (owner->rearm_us != SHOAL_NEVER)
    shoal_timers_arm (owner->timers, &owner->timer, owner->rearm_us);
}

static void
owner_init (Owner       *owner,
            ShoalTimers *timers,
            GString     *log,
            char         name)
{
  *owner = (Owner){ .timers = timers, .log = log, .name = name, .rearm_us = SHOAL_NEVER };
  shoal_timer_init (&owner->timer, fired, owner);
}

static void
test_order (void)
{
  g_autoptr(ShoalTimers) timers = shoal_timers_new ();
  g_autoptr(GString) log = g_string_new (NULL);
  static const gint64 at[] = { 50, 10, 30, 10, 20, 30, 40, 10 };
  Owner owners[G_N_ELEMENTS (at)];

  g_assert_cmpint (shoal_timers_next (timers), ==, SHOAL_NEVER);
  for (guint i = 0; i < G_N_ELEMENTS (at); i++)
    {
      owner_init (&owners[i], timers, log, (char) ('a' + i));
      shoal_timers_arm (timers, &owners[i].timer, at[i]);
    }
  g_assert_cmpint (shoal_timers_next (timers), ==, 10);

  shoal_timers_expire (timers, 9);
  g_assert_cmpstr (log->str, ==, "");
  shoal_timers_expire (timers, 30);
  g_assert_cmpstr (log->str, ==, "bdhecf");
  g_assert_cmpint (shoal_timers_next (timers), ==, 40);

  shoal_timers_disarm (timers, &owners[6].timer);
  shoal_timers_disarm (timers, &owners[6].timer);
  g_assert_cmpint (shoal_timers_next (timers), ==, 50);
  shoal_timers_arm (timers, &owners[0].timer, 25);
  g_assert_cmpint (shoal_timers_next (timers), ==, 25);
  shoal_timers_arm (timers, &owners[0].timer, 60);
  g_assert_cmpint (shoal_timers_next (timers), ==, 60);
  shoal_timers_arm (timers, &owners[0].timer, SHOAL_NEVER);
  g_assert_false (shoal_timer_is_armed (&owners[0].timer));
  g_assert_cmpint (shoal_timers_next (timers), ==, SHOAL_NEVER);
}

/* A timer that arms itself for a time already due waits for the next turn. */
static void
test_rearm (void)
{
  g_autoptr(ShoalTimers) timers = shoal_timers_new ();
  g_autoptr(GString) log = g_string_new (NULL);
  Owner a;
  Owner b;
  Owner c;

  owner_init (&a, timers, log, 'a');
  owner_init (&b, timers, log, 'b');
  owner_init (&c, timers, log, 'c');
  a.rearm_us = 5;
  b.rearm_us = 101;
  shoal_timers_arm (timers, &a.timer, 10);
  shoal_timers_arm (timers, &b.timer, 20);
  shoal_timers_arm (timers, &c.timer, 100);

  shoal_timers_expire (timers, 100);
  g_assert_cmpstr (log->str, ==, "abc");
  g_assert_cmpint (shoal_timers_next (timers), ==, 5);

  a.rearm_us = SHOAL_NEVER;
  shoal_timers_expire (timers, 100);
  g_assert_cmpstr (log->str, ==, "abca");
  shoal_timers_expire (timers, 101);
  g_assert_cmpstr (log->str, ==, "abcab");
  g_assert_cmpint (shoal_timers_next (timers), ==, 101);
}

/* A call takes away a timer that was due in the same turn, and one that waits for the next. */
static void
test_disarm_in_call (void)
{
  g_autoptr(ShoalTimers) timers = shoal_timers_new ();
  g_autoptr(GString) log = g_string_new (NULL);
  Owner a;
  Owner b;
  Owner c;
  Owner d;

  owner_init (&a, timers, log, 'a');
  owner_init (&b, timers, log, 'b');
  owner_init (&c, timers, log, 'c');
  owner_init (&d, timers, log, 'd');
  a.rearm_us = 1;
  b.rearm_us = 2;
  b.disarm = &c.timer;
  d.disarm = &a.timer;
  shoal_timers_arm (timers, &a.timer, 10);
  shoal_timers_arm (timers, &b.timer, 11);
  shoal_timers_arm (timers, &c.timer, 12);
  shoal_timers_arm (timers, &d.timer, 13);

  shoal_timers_expire (timers, 20);
  g_assert_cmpstr (log->str, ==, "abd");
  g_assert_false (shoal_timer_is_armed (&a.timer));
  g_assert_false (shoal_timer_is_armed (&c.timer));
  g_assert_cmpint (shoal_timers_next (timers), ==, 2);
  b.rearm_us = SHOAL_NEVER;
  shoal_timers_expire (timers, 20);
  g_assert_cmpstr (log->str, ==, "abdb");
}

static void
test_forgotten (void)
{
  ShoalTimers *timers = shoal_timers_new ();
  g_autoptr(GString) log = g_string_new (NULL);
  Owner a;

  owner_init (&a, timers, log, 'a');
  shoal_timers_arm (timers, &a.timer, 10);
  shoal_timers_free (timers);
  g_assert_false (shoal_timer_is_armed (&a.timer));
}

typedef struct
{
  ShoalTimer timer;
  gint64     due_us;      /* SHOAL_NEVER: not armed */
} Counted;

static void
counted (gpointer user_data,
         gint64   now_us)
{
  Counted *self = user_data;

  g_assert_cmpint (self->due_us, <=, now_us);
  self->due_us = SHOAL_NEVER;
}

static void
test_random (void)
{
  g_autoptr(ShoalTimers) timers = shoal_timers_new ();
  Counted owners[200];
  gint64 now_us = 0;
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint i = 0; i < G_N_ELEMENTS (owners); i++)
    {
      owners[i].due_us = SHOAL_NEVER;
      shoal_timer_init (&owners[i].timer, counted, &owners[i]);
    }

  for (guint step = 0; step < 20000; step++)
    {
      Counted *owner = &owners[shoal_rng_below (&rng, G_N_ELEMENTS (owners))];

      switch (shoal_rng_below (&rng, 4))
        {
        case 0:
          owner->due_us = SHOAL_NEVER;
          shoal_timers_disarm (timers, &owner->timer);
          break;

        case 1:
          now_us += shoal_rng_below (&rng, 20);
          shoal_timers_expire (timers, now_us);
          break;

        default:
          owner->due_us = now_us + shoal_rng_below (&rng, 1000);
          shoal_timers_arm (timers, &owner->timer, owner->due_us);
          break;
        }

      if (step % 16 == 0)
        {
          gint64 next_us = SHOAL_NEVER;

          for (guint i = 0; i < G_N_ELEMENTS (owners); i++)
            {
              g_assert_true (shoal_timer_is_armed (&owners[i].timer) ==
                             (owners[i].due_us != SHOAL_NEVER));
              next_us = MIN (next_us, owners[i].due_us);
            }
          g_assert_cmpint (shoal_timers_next (timers), ==, next_us);
        }
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/timers/order", test_order);
  g_test_add_func ("/timers/rearm", test_rearm);
  g_test_add_func ("/timers/disarm-in-call", test_disarm_in_call);
  g_test_add_func ("/timers/forgotten", test_forgotten);
  g_test_add_func ("/timers/random", test_random);

  return g_test_run ();
}
