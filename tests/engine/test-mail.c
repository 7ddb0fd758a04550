/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands and events own what is put into them. */

#include "shoal-mail.h"
#include "shoal-config.h"

static void
test_command (void)
{
  g_autoptr(ShoalCommand) command = shoal_command_new (SHOAL_COMMAND_ADD);
  g_autoptr(GBytes) bytes = g_bytes_new ("de", 2);
  ShoalConfig config = { .port = 1 };

  g_assert_cmpint (command->type, ==, SHOAL_COMMAND_ADD);
  g_assert_cmpuint (command->serial, ==, 0);
  g_assert_null (command->add);

  command->add = shoal_add_options_new ();
  command->add->uri = g_strdup ("magnet:?");
  command->add->metainfo = g_bytes_ref (bytes);
  command->add->resume = shoal_resume_new (7);
  command->add->dir = g_strdup ("/tmp");
  command->add->select = g_strdup ("0,2");
  command->add->peers = g_strsplit ("a:1 b:2", " ", -1);
  command->text = g_strdup ("a:1");
  command->priorities = g_bytes_ref (bytes);
  command->config = g_memdup2 (&config, sizeof config);
}

static void
test_event (void)
{
  g_autoptr(ShoalEvent) event = shoal_event_new (SHOAL_EVENT_REPLY);

  g_assert_cmpint (event->type, ==, SHOAL_EVENT_REPLY);
  g_assert_no_error (event->error);

  event->text = g_strdup ("detail");
  event->error = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_NOENT, "gone");
  event->info = shoal_torrent_info_new ();
  event->snapshot = shoal_snapshot_new (0, 1, 1);
}

static void
test_null (void)
{
  shoal_command_free (NULL);
  shoal_add_options_free (NULL);
  shoal_event_free (NULL);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/mail/command", test_command);
  g_test_add_func ("/engine/mail/event", test_event);
  g_test_add_func ("/engine/mail/null", test_null);
  return g_test_run ();
}
