/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every test needs: a seed, a folder to write in, bytes from hexadecimal text, the corpus. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* From SHOAL_SEED, or always the same; printed, so that a failed run can be repeated. */
guint64  shoal_test_seed            (void);

/* (transfer full): the path of a new, empty folder. */
char    *shoal_test_temp_dir        (void);
/* Removes @path and all that is in it; symbolic links are not followed. */
void     shoal_test_remove_temp_dir (const char *path);

/* (transfer full): spaces in @hex are skipped; anything else that is no digit fails the test. */
GBytes  *shoal_test_bytes           (const char *hex);

/* (nullable): the folder of the corpus, from SHOAL_CORPUS; without one its cases are not added. */
const char *shoal_test_corpus       (void);

/* A child of @dir is read whole; fails the test if it cannot be. (transfer full) */
GBytes  *shoal_test_read            (const char *dir, const char *name);

G_END_DECLS
