/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A task on a thread tells how far it is and can be cancelled. */

#include "shoal-progress-task.h"

typedef struct
{
  ShoalProgress progress;
  double        share;
  guint         n_shares;
  gboolean      heard;      /* atomic: by the thread */
  gboolean      done;
} Fixture;

static void
until_heard_thread (GTask        *task,
                    gpointer      source_object,
                    gpointer      task_data,
                    GCancellable *cancellable)
{
  Fixture *fixture = task_data;

  g_assert_true (shoal_progress_handed_over (&fixture->progress));
  shoal_progress_begin (&fixture->progress, 200);
  shoal_progress_add (&fixture->progress, 50);
  while (!g_atomic_int_get (&fixture->heard))
    g_thread_yield ();
  shoal_progress_end (&fixture->progress);
  g_task_return_boolean (task, TRUE);
}

static void
until_cancelled_thread (GTask        *task,
                        gpointer      source_object,
                        gpointer      task_data,
                        GCancellable *cancellable)
{
  Fixture *fixture = task_data;

  g_assert_true (shoal_progress_handed_over (&fixture->progress));
  while (!shoal_progress_cancelled (&fixture->progress))
    g_thread_yield ();
  shoal_progress_end (&fixture->progress);
  g_task_return_boolean (task, TRUE);
}

static void
share_cb (double   share,
          gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->n_shares++;
  fixture->share = share;
  if (share > 0.0)
    g_atomic_int_set (&fixture->heard, TRUE);
}

static void
done_cb (GObject      *object,
         GAsyncResult *result,
         gpointer      user_data)
{
  ((Fixture *) user_data)->done = TRUE;
}

static void
test_share (void)
{
  Fixture fixture = { { 0 } };
  g_autoptr(GTask) task = g_task_new (NULL, NULL, done_cb, &fixture);

  g_task_set_task_data (task, &fixture, NULL);
  shoal_progress_task_run (task, &fixture.progress, until_heard_thread, share_cb, &fixture);
  while (!fixture.done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (shoal_progress_ended (&fixture.progress));
  g_assert_cmpfloat (fixture.share, ==, 0.25);
  g_assert_cmpuint (fixture.n_shares, >, 0);
}

static void
test_cancel (void)
{
  Fixture fixture = { { 0 } };
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GTask) task = g_task_new (NULL, cancellable, done_cb, &fixture);

  g_task_set_task_data (task, &fixture, NULL);
  shoal_progress_task_run (task, &fixture.progress, until_cancelled_thread, NULL, NULL);
  g_cancellable_cancel (cancellable);
  while (!fixture.done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (shoal_progress_ended (&fixture.progress));
  g_assert_false (g_task_propagate_boolean (task, NULL));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/progress-task/share", test_share);
  g_test_add_func ("/model/progress-task/cancel", test_cancel);
  return g_test_run ();
}
