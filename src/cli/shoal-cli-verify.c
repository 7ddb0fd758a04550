/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shoal-cli verify: compares data on disk with a .torrent. */

#include "shoal-cli-commands.h"

#include <stdio.h>
#include "shoal-checker.h"
#include "shoal-cli-options.h"
#include "shoal-json.h"
#include "shoal-source.h"

typedef struct
{
  GMainLoop         *loop;
  ShoalVerifyReport *report;
  GError            *error;
} Verify;

static void
share_cb (double   share,
          gpointer user_data)
{
  shoal_cli_progress (share, "checking");
}

static void
checked_cb (GObject      *object,
            GAsyncResult *result,
            gpointer      user_data)
{
  Verify *self = user_data;

  self->report = shoal_check_data_finish (result, &self->error);
  g_main_loop_quit (self->loop);
}

/* Pieces with @verdict as "0-3,7"; NULL: none. (transfer full) */
static char *
list_pieces (const ShoalVerifyReport *report,
             ShoalVerdict             verdict)
{
  GString *text = g_string_new (NULL);

  for (guint32 first = 0; first < report->n_pieces; first++)
    {
      guint32 last = first;

      if (report->verdicts[first] != verdict)
        continue;
      while (last + 1 < report->n_pieces && report->verdicts[last + 1] == verdict)
        last++;
      g_string_append_printf (text, text->len > 0 ? ",%u" : "%u", first);
      if (last > first)
        g_string_append_printf (text, "-%u", last);
      first = last;
    }

  return g_string_free (text, text->len == 0);
}

static void
print_json (const ShoalVerifyReport *report)
{
  g_autofree char *wrong = list_pieces (report, SHOAL_VERDICT_WRONG);
  g_autofree char *missing = list_pieces (report, SHOAL_VERDICT_MISSING);
  ShoalJson json;

  shoal_json_init (&json, stdout);
  shoal_json_begin (&json, NULL, '{');
  shoal_json_string (&json, "name", report->name);
  shoal_json_u64 (&json, "piece_count", report->n_pieces);
  shoal_json_u64 (&json, "right", report->n[SHOAL_VERDICT_RIGHT]);
  shoal_json_u64 (&json, "wrong", report->n[SHOAL_VERDICT_WRONG]);
  shoal_json_u64 (&json, "missing", report->n[SHOAL_VERDICT_MISSING]);
  shoal_json_string (&json, "wrong_pieces", wrong != NULL ? wrong : "");
  shoal_json_string (&json, "missing_pieces", missing != NULL ? missing : "");
  shoal_json_u64 (&json, "missing_empty_files", report->n_absent);
  shoal_json_bool (&json, "complete", shoal_verify_report_complete (report));
  shoal_json_end (&json, '}');
  shoal_json_finish (&json);
}

static void
print_text (const ShoalVerifyReport *report)
{
  g_autofree char *wrong = list_pieces (report, SHOAL_VERDICT_WRONG);
  g_autofree char *missing = list_pieces (report, SHOAL_VERDICT_MISSING);

  printf ("%u pieces: %u right, %u wrong, %u missing\n", report->n_pieces,
          report->n[SHOAL_VERDICT_RIGHT], report->n[SHOAL_VERDICT_WRONG],
          report->n[SHOAL_VERDICT_MISSING]);
  if (wrong != NULL)
    printf ("wrong: %s\n", wrong);
  if (missing != NULL)
    printf ("missing: %s\n", missing);
  if (report->n_absent > 0)
    printf ("missing files without content: %u\n", report->n_absent);
}

ShoalExit
shoal_cli_verify (int    argc,
                  char **argv)
{
  gboolean json = FALSE;
  g_autofree char *dir = NULL;
  g_auto(GStrv) sources = NULL;
  const GOptionEntry entries[] = {
    { "dir", 0, 0, G_OPTION_ARG_FILENAME, &dir,
      "The folder that holds the torrent's file or folder", "DIR" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object on one line", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &sources, NULL, NULL },
    { NULL },
  };
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(ShoalVerifyReport) report = NULL;
  Verify self = { .loop = loop };

  if (!shoal_cli_parse (argc, argv, "TORRENT --dir DIR",
                        "Checks data on disk against the hashes of a .torrent.", entries, NULL))
    return SHOAL_EXIT_WRONG;
  if (sources == NULL || g_strv_length (sources) != 1 || dir == NULL)
    {
      shoal_cli_complain ("verify", "one TORRENT and --dir DIR are needed");
      return SHOAL_EXIT_WRONG;
    }

  bytes = shoal_source_load (sources[0], &error);
  if (bytes == NULL)
    return shoal_cli_fail_source (sources[0], error);

  shoal_check_data_async (bytes, dir, NULL, share_cb, NULL, checked_cb, &self);
  g_main_loop_run (loop);
  shoal_cli_progress_clear ();
  if (self.report == NULL)
    {
      error = self.error;
      return shoal_cli_fail (sources[0], error);
    }

  report = self.report;
  if (json)
    print_json (report);
  else
    print_text (report);

  return shoal_cli_flush (shoal_verify_report_complete (report) ? SHOAL_EXIT_DONE
                                                                : SHOAL_EXIT_FAILED);
}
