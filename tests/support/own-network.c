/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a test has for itself alone: a network from which nothing reaches anything outside, mounts,
 * and fewer rights than root. */

#include "own-network.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

/* Root needs no more; anybody else becomes the root of a world of his own, while he has no
 * thread. */
static gboolean
unshare_as_root (int flags)
{
  g_autofree char *uids = g_strdup_printf ("0 %u 1", (guint) getuid ());
  g_autofree char *gids = g_strdup_printf ("0 %u 1", (guint) getgid ());

  if (getuid () == 0)
    return unshare (flags) == 0;

  return unshare (CLONE_NEWUSER | flags) == 0 && write_text ("/proc/self/setgroups", "deny") &&
         write_text ("/proc/self/uid_map", uids) && write_text ("/proc/self/gid_map", gids);
}

gboolean
shoal_test_own_network (void)
{
  g_autofree char *ip = g_find_program_in_path ("ip");

  return ip != NULL && unshare_as_root (CLONE_NEWNET);
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

gboolean
shoal_test_may_mount (void)
{
  int status = 0;
  pid_t probe;

  if (g_test_subprocess ())
    return TRUE;

  probe = fork ();
  if (probe == 0)
    _exit (unshare_as_root (CLONE_NEWNS) ? 0 : 1);
  g_assert_cmpint (waitpid (probe, &status, 0), ==, probe);
  if (status != 0)
    g_test_skip ("a disk of our own takes root, or user namespaces, which this system does not "
                 "allow");
  else if (getuid () == 0)
    return TRUE;
  else
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
    }

  return FALSE;
}

void
shoal_test_mount (const char *path,
                  gboolean    read_only,
                  const char *options)
{
  if (!unshare_as_root (CLONE_NEWNS) || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount ("tmpfs", path, "tmpfs", read_only ? MS_RDONLY : 0, options) != 0)
    g_error ("%s: %s", path, g_strerror (errno));
}

void
shoal_test_obey (gboolean obey)
{
  const guint32 overriding = 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH;
  struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct rights[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

  g_assert_cmpint (syscall (SYS_capget, &head, rights), ==, 0);
  rights[0].effective = obey ? rights[0].effective & ~overriding
                             : rights[0].effective | (rights[0].permitted & overriding);
  g_assert_cmpint (syscall (SYS_capset, &head, rights), ==, 0);
}
