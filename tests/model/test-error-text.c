/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every error and reason has a sentence. */

#include "shoal-error-text.h"

#include <gio/gio.h>
#include <string.h>
#include "shoal-error.h"

static void
check_sentence (const char *text)
{
  g_assert_nonnull (text);
  g_assert_true (g_utf8_validate (text, -1, NULL));
  g_assert_true (g_str_has_suffix (text, "."));
  g_assert_null (strchr (text, '\n'));
}

static void
check_error (GQuark domain,
             int    code)
{
  g_autoptr(GError) error = g_error_new_literal (domain, code, "why");
  g_autofree char *text = shoal_error_text (error);

  check_sentence (text);
}

static void
test_errors (void)
{
  for (int code = SHOAL_WIRE_ERROR_TRUNCATED; code <= SHOAL_WIRE_ERROR_UNSUPPORTED; code++)
    check_error (SHOAL_WIRE_ERROR, code);
  for (int code = SHOAL_ENGINE_ERROR_DUPLICATE; code <= SHOAL_ENGINE_ERROR_FETCH; code++)
    check_error (SHOAL_ENGINE_ERROR, code);
  for (int code = SHOAL_STORE_ERROR_CORRUPT; code <= SHOAL_STORE_ERROR_IN_USE; code++)
    check_error (SHOAL_STORE_ERROR, code);
  for (int code = G_IO_ERROR_FAILED; code <= G_IO_ERROR_MESSAGE_TOO_LARGE; code++)
    check_error (G_IO_ERROR, code);
  check_error (G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

static void
test_reasons (void)
{
  for (guint reason = 0; reason <= SHOAL_N_REASONS; reason++)
    {
      g_autofree char *text = shoal_reason_text (reason, "/data", "a.bin: detail");
      g_autofree char *bare = shoal_reason_text (reason, NULL, NULL);

      check_sentence (text);
      check_sentence (bare);
    }
}

static void
test_names_folder (void)
{
  g_autofree char *text = shoal_reason_text (SHOAL_REASON_DISK_FULL, "/data", NULL);

  g_assert_cmpstr (text, ==, "The disk of “/data” is full. Make room, then start again.");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/error-text/errors", test_errors);
  g_test_add_func ("/model/error-text/reasons", test_reasons);
  g_test_add_func ("/model/error-text/names-folder", test_names_folder);
  return g_test_run ();
}
