/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a test has for itself alone: a network from which nothing reaches anything outside, mounts,
 * and fewer rights than root. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Call it before any thread is made. FALSE: this machine does not allow it, or has no ip(8); the
 * test is to be skipped. */
gboolean shoal_test_own_network (void);
/* ip(8) with these arguments; fails the test if ip does. */
void     shoal_test_ip          (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* Whether a case goes on and may mount. Without being root it is run once more, in a process of its
 * own, and is over here; where that is not allowed either it is skipped, saying so. */
gboolean shoal_test_may_mount   (void);
/* A file system in memory at @path, which only this process sees. @options: as mount(8) has them,
 * "ro" aside. */
void     shoal_test_mount       (const char *path, gboolean read_only, const char *options);
/* Lets permissions of files count for this thread even if it is root's, or no longer. */
void     shoal_test_obey        (gboolean obey);

G_END_DECLS
