/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What shoal-cli says: errors, sizes, and a progress line on a terminal. */

#include "shoal-cli-text.h"

#include <gio/gio.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "shoal-error.h"

#define INPUT_SHOWN_MAX 120   /* characters */
#define BAR_WIDTH       24
#define COLUMNS_MIN     20
#define COLUMNS_USUAL   80

char *
shoal_cli_input_name (const char *input)
{
  g_autofree char *valid = g_utf8_make_valid (input, -1);
  g_autofree char *start = NULL;

  if (g_utf8_strlen (valid, -1) <= INPUT_SHOWN_MAX)
    return g_steal_pointer (&valid);

  start = g_utf8_substring (valid, 0, INPUT_SHOWN_MAX);
  return g_strconcat (start, "…", NULL);
}

void
shoal_cli_complain (const char *input,
                    const char *format,
                    ...)
{
  g_autofree char *name = input != NULL ? shoal_cli_input_name (input) : NULL;
  g_autofree char *message = NULL;
  g_autofree char *line = NULL;
  g_autofree char *valid = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);

  line = name != NULL ? g_strdup_printf ("shoal-cli: %s: %s", name, message)
                      : g_strdup_printf ("shoal-cli: %s", message);
  valid = g_utf8_make_valid (line, -1);
  for (char *at = valid; *at != '\0'; at++)
    if ((guchar) *at < 0x20 || *at == 0x7f)
      *at = ' ';

  shoal_cli_progress_clear ();
  fprintf (stderr, "%s\n", valid);
}

ShoalExit
shoal_cli_fail (const char   *input,
                const GError *error)
{
  gboolean named = input != NULL && g_str_has_prefix (error->message, input);

  shoal_cli_complain (named ? NULL : input, "%s", error->message);
  return error->domain == SHOAL_WIRE_ERROR ? SHOAL_EXIT_WRONG : SHOAL_EXIT_FAILED;
}

ShoalExit
shoal_cli_fail_source (const char   *source,
                       const GError *error)
{
  shoal_cli_complain (source, "%s", error->message);
  return error->domain == SHOAL_ENGINE_ERROR ? SHOAL_EXIT_FAILED : SHOAL_EXIT_WRONG;
}

ShoalExit
shoal_cli_flush (ShoalExit exit)
{
  if (fflush (stdout) == 0 && !ferror (stdout))
    return exit;

  shoal_cli_complain (NULL, "standard output could not be written");
  return exit == SHOAL_EXIT_DONE ? SHOAL_EXIT_FAILED : exit;
}

gboolean
shoal_cli_parse_size (const char *text,
                      guint64    *bytes)
{
  static const struct { const char *suffix; guint shift;
  } units[] = {
    { "", 0 },   { "B", 0 },    { "K", 10 }, { "KiB", 10 },
    { "M", 20 }, { "MiB", 20 }, { "G", 30 }, { "GiB", 30 },
  };
  gsize digits = strspn (text, "0123456789");
  g_autofree char *number = g_strndup (text, digits);
  const char *suffix = text + digits;
  guint64 value;

  if (!g_ascii_string_to_unsigned (number, 10, 0, G_MAXUINT64 >> 30, &value, NULL))
    return FALSE;

  while (*suffix == ' ')
    suffix++;
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    {
      if (g_ascii_strcasecmp (suffix, units[i].suffix) == 0)
        {
          *bytes = value << units[i].shift;
          return TRUE;
        }
    }

  return FALSE;
}

gboolean
shoal_cli_has_terminal (void)
{
  return isatty (STDOUT_FILENO);
}

static guint
columns (void)
{
  struct winsize size;

  if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= COLUMNS_MIN)
    return size.ws_col;

  return COLUMNS_USUAL;
}

void
shoal_cli_progress (double      share,
                    const char *text)
{
  guint filled = (guint) (CLAMP (share, 0.0, 1.0) * BAR_WIDTH);
  g_autoptr(GString) line = NULL;
  g_autofree char *cut = NULL;

  if (!shoal_cli_has_terminal ())
    return;

  line = g_string_new ("[");
  for (guint i = 0; i < BAR_WIDTH; i++)
    g_string_append_c (line, i < filled ? '#' : ' ');
  g_string_append_printf (line, "] %3u%% %s", (guint) (CLAMP (share, 0.0, 1.0) * 100.0), text);

  cut = g_utf8_substring (line->str, 0,
                          MIN (g_utf8_strlen (line->str, -1), (glong) columns () - 1));
  printf ("\r\033[K%s", cut);
  fflush (stdout);
}

void
shoal_cli_progress_clear (void)
{
  if (!shoal_cli_has_terminal ())
    return;

  fputs ("\r\033[K", stdout);
  fflush (stdout);
}
