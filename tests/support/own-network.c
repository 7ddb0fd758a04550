/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network namespace for a test of its own: nothing in it reaches anything outside. */

#include "own-network.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

static gboolean
write_text (const char *path,
            const char *text)
{
  FILE *file = fopen (path, "w");
  gboolean written = file != NULL && fputs (text, file) >= 0;

  if (file != NULL)
    written = fclose (file) == 0 && written;

  return written;
}

gboolean
shoal_test_own_network (void)
{
  g_autofree char *ip = g_find_program_in_path ("ip");
  g_autofree char *uids = g_strdup_printf ("0 %u 1", (guint) getuid ());
  g_autofree char *gids = g_strdup_printf ("0 %u 1", (guint) getgid ());

  if (ip == NULL)
    return FALSE;
  if (getuid () == 0)
    return unshare (CLONE_NEWNET) == 0;

  return unshare (CLONE_NEWUSER | CLONE_NEWNET) == 0 && write_text ("/proc/self/setgroups", "deny") &&
         write_text ("/proc/self/uid_map", uids) && write_text ("/proc/self/gid_map", gids);
}

void
shoal_test_ip (const char *format,
               ...)
{
  g_autofree char *arguments = NULL;
  g_autofree char *line = NULL;
  g_autofree char *said = NULL;
  g_autoptr(GError) error = NULL;
  int status = 0;
  va_list args;

  va_start (args, format);
  arguments = g_strdup_vprintf (format, args);
  va_end (args);
  line = g_strdup_printf ("ip %s", arguments);
  g_spawn_command_line_sync (line, NULL, &said, &status, &error);
  g_assert_no_error (error);
  if (status != 0)
    g_error ("%s: %s", line, said);
}
