/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program, with a real engine: it starts, says why it cannot, tries again, and ends. */

#include "shoal-application.h"

#include <glib/gstdio.h>
#include <stdlib.h>

#include "session-fixture.h"
#include "shoal-test.h"
#include "shoal-window.h"

#define DEADLINE_S 20

typedef struct
{
  ShoalApplication *application;
  char             *obstacle;    /* a file where the state folder belongs */
  guint             step;
  gboolean          late;
} Run;

static const char *
page (Run *run)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (run->application));

  if (!SHOAL_IS_WINDOW (window))
    return NULL;

  return gtk_stack_get_visible_child_name (session_fixture_find (window, GTK_TYPE_STACK, "pages"));
}

/* Looks what the window shows, and does what a user would do then. */
static gboolean
step_cb (gpointer user_data)
{
  Run *run = user_data;
  const char *now = page (run);

  if (run->step == 0 && g_strcmp0 (now, "failed") == 0)
    {
      g_assert_cmpint (g_remove (run->obstacle), ==, 0);
      g_action_group_activate_action (G_ACTION_GROUP (run->application), "retry", NULL);
      run->step = 1;
    }
  else if (run->step == 1 && g_strcmp0 (now, "empty") == 0)
    {
      g_action_group_activate_action (G_ACTION_GROUP (run->application), "quit", NULL);
      run->step = 2;
      return G_SOURCE_REMOVE;
    }

  return G_SOURCE_CONTINUE;
}

static gboolean
late_cb (gpointer user_data)
{
  Run *run = user_data;

  run->late = TRUE;
  g_application_quit (G_APPLICATION (run->application));

  return G_SOURCE_REMOVE;
}

static void
test_life (void)
{
  char *argv[] = { (char *) "shoal", NULL };
  Run run = { NULL };
  guint deadline;

  run.obstacle = g_build_filename (g_get_user_data_dir (), "shoal", NULL);
  g_assert_true (g_file_set_contents (run.obstacle, "", 0, NULL));

  run.application = shoal_application_new ();
  g_application_set_flags (G_APPLICATION (run.application),
                           G_APPLICATION_HANDLES_OPEN | G_APPLICATION_NON_UNIQUE);
  g_timeout_add (20, step_cb, &run);
  deadline = g_timeout_add_seconds (DEADLINE_S, late_cb, &run);

  g_assert_cmpint (g_application_run (G_APPLICATION (run.application), 1, argv), ==, 0);
  g_assert_false (run.late);
  g_assert_cmpuint (run.step, ==, 2);

  g_source_remove (deadline);
  g_object_unref (run.application);
  g_free (run.obstacle);
}

static void
test_version (void)
{
  if (g_test_subprocess ())
    {
      g_autoptr(ShoalApplication) application = shoal_application_new ();
      char *argv[] = { (char *) "shoal", (char *) "--version", NULL };

      exit (g_application_run (G_APPLICATION (application), 2, argv));
    }

  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*shoal " SHOAL_VERSION "\n*");
}

int
main (int   argc,
      char *argv[])
{
  g_autofree char *data = shoal_test_temp_dir ();
  int status;

  g_setenv ("XDG_DATA_HOME", data, TRUE);
  session_fixture_init_test (&argc, &argv);

  g_test_add_func ("/ui/application/version", test_version);
  g_test_add_func ("/ui/application/life", test_life);

  status = g_test_run ();
  shoal_test_remove_temp_dir (data);

  return status;
}
