/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network namespace for a test of its own: nothing in it reaches anything outside. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Call it before any thread is made. FALSE: this machine does not allow it, or has no ip(8); the test is to be skipped. */
gboolean shoal_test_own_network (void);
/* ip(8) with these arguments; fails the test if ip does. */
void     shoal_test_ip          (const char *format, ...) G_GNUC_PRINTF (1, 2);

G_END_DECLS
