/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ready descriptors, deadlines, rests and forgotten watches. */

#include <sys/eventfd.h>
#include <unistd.h>
#include "shoal-reactor.h"

typedef struct _Fixture Fixture;

typedef struct
{
  ShoalWatch watch;
  Fixture   *fixture;
  guint      n_ready;
  gboolean   drains;   /* reads what it is told of */
  ShoalWatch *forgets;
} Bell;

struct _Fixture
{
  GMainContext *context;
  ShoalReactor *reactor;
  Bell          bells[3];
  guint         n_turns;
  gint64        deadline_us;
  gint64        rest_us;
};

static void
turn (gpointer user_data)
{
  Fixture *self = user_data;

  self->n_turns++;
  shoal_reactor_poll (self->reactor);
  shoal_reactor_set_deadline (self->reactor, self->deadline_us);
  shoal_reactor_rest (self->reactor, self->rest_us);
  self->deadline_us = G_MAXINT64;
  self->rest_us = 0;
}

static void
bell_ready (ShoalWatch *watch,
            guint32     events)
{
  Bell *self = (Bell *) watch;
  guint64 count;

  g_assert_cmpuint (events, ==, EPOLLIN);
  self->n_ready++;
  if (self->drains)
    g_assert_cmpint (read (watch->fd, &count, sizeof count), ==, sizeof count);
  if (self->forgets != NULL)
    shoal_reactor_forget (self->fixture->reactor, self->forgets);
}

static void
ring (Bell *bell)
{
  guint64 one = 1;

  g_assert_cmpint (write (bell->watch.fd, &one, sizeof one), ==, sizeof one);
}

static void
set_up (Fixture       *self,
        gconstpointer  data)
{
  self->context = g_main_context_new ();
  self->reactor = shoal_reactor_new (self->context, turn, self);
  self->deadline_us = G_MAXINT64;
  for (guint i = 0; i < G_N_ELEMENTS (self->bells); i++)
    {
      shoal_watch_init (&self->bells[i].watch, eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC), bell_ready);
      self->bells[i].fixture = self;
      self->bells[i].drains = TRUE;
      g_assert_true (shoal_reactor_watch (self->reactor, &self->bells[i].watch, EPOLLIN));
    }
}

static void
tear_down (Fixture       *self,
           gconstpointer  data)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->bells); i++)
    {
      shoal_reactor_forget (self->reactor, &self->bells[i].watch);
      close (self->bells[i].watch.fd);
    }
  shoal_reactor_free (self->reactor);
  g_main_context_unref (self->context);
}

static void
test_ready (Fixture       *self,
            gconstpointer  data)
{
  ring (&self->bells[0]);
  ring (&self->bells[2]);
  g_assert_true (g_main_context_iteration (self->context, TRUE));
  g_assert_cmpuint (self->bells[0].n_ready, ==, 1);
  g_assert_cmpuint (self->bells[1].n_ready, ==, 0);
  g_assert_cmpuint (self->bells[2].n_ready, ==, 1);
  g_assert_cmpuint (self->n_turns, ==, 1);
  g_assert_false (g_main_context_iteration (self->context, FALSE));
}

static void
test_level (Fixture       *self,
            gconstpointer  data)
{
  self->bells[0].drains = FALSE;
  ring (&self->bells[0]);
  for (guint i = 1; i <= 3; i++)
    {
      g_assert_true (g_main_context_iteration (self->context, TRUE));
      g_assert_cmpuint (self->bells[0].n_ready, ==, i);
    }

  g_assert_true (shoal_reactor_watch (self->reactor, &self->bells[0].watch, 0));
  g_assert_false (g_main_context_iteration (self->context, FALSE));
}

/* A bell that is never read rings once for each writing. */
static void
test_edge (Fixture       *self,
           gconstpointer  data)
{
  self->bells[0].drains = FALSE;
  g_assert_true (shoal_reactor_watch (self->reactor, &self->bells[0].watch, EPOLLIN | EPOLLET));
  for (guint i = 1; i <= 3; i++)
    {
      ring (&self->bells[0]);
      g_assert_true (g_main_context_iteration (self->context, TRUE));
      g_assert_cmpuint (self->bells[0].n_ready, ==, i);
      g_assert_false (g_main_context_iteration (self->context, FALSE));
    }
}

/* Whichever of two ready ones comes first forgets the other. */
static void
test_forget (Fixture       *self,
             gconstpointer  data)
{
  self->bells[0].forgets = &self->bells[1].watch;
  self->bells[1].forgets = &self->bells[0].watch;
  ring (&self->bells[0]);
  ring (&self->bells[1]);
  g_assert_true (g_main_context_iteration (self->context, TRUE));
  g_assert_cmpuint (self->bells[0].n_ready + self->bells[1].n_ready, ==, 1);
}

static void
test_deadline (Fixture       *self,
               gconstpointer  data)
{
  gint64 due = g_get_monotonic_time () + 20000;

  self->deadline_us = due;
  shoal_reactor_wake (self->reactor);
  g_assert_true (g_main_context_iteration (self->context, TRUE));
  g_assert_cmpuint (self->n_turns, ==, 1);
  while (self->n_turns < 2)
    g_main_context_iteration (self->context, TRUE);
  g_assert_cmpint (g_get_monotonic_time (), >=, due);
}

/* Nearer than what poll() counts in. */
static void
test_near_deadline (Fixture       *self,
                    gconstpointer  data)
{
  for (guint i = 0; i < 20; i++)
    {
      gint64 due = g_get_monotonic_time () + 300;

      self->n_turns = 0;
      self->deadline_us = due;
      shoal_reactor_wake (self->reactor);
      while (self->n_turns < 2)
        g_main_context_iteration (self->context, TRUE);
      g_assert_cmpint (g_get_monotonic_time (), >=, due);
    }
}

static void
test_rest (Fixture       *self,
           gconstpointer  data)
{
  gint64 until = g_get_monotonic_time () + 20000;

  self->rest_us = until;
  shoal_reactor_wake (self->reactor);
  g_assert_true (g_main_context_iteration (self->context, TRUE));
  ring (&self->bells[0]);
  while (self->bells[0].n_ready == 0)
    g_main_context_iteration (self->context, TRUE);
  g_assert_cmpint (g_get_monotonic_time (), >=, until);
  g_assert_cmpuint (self->n_turns, ==, 2);

  /* It was for once. */
  ring (&self->bells[0]);
  g_assert_true (g_main_context_iteration (self->context, FALSE));
  g_assert_cmpuint (self->bells[0].n_ready, ==, 2);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/io/reactor/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("ready", test_ready);
  ADD ("level", test_level);
  ADD ("edge", test_edge);
  ADD ("forget", test_forget);
  ADD ("deadline", test_deadline);
  ADD ("near-deadline", test_near_deadline);
  ADD ("rest", test_rest);

  return g_test_run ();
}
