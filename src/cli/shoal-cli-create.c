/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shoal-cli create: makes a .torrent. */

#include "shoal-cli-commands.h"

#include <string.h>
#include "shoal-cli-options.h"
#include "shoal-creator.h"
#include "shoal-error.h"

typedef struct
{
  char    *output;
  char    *piece_size;
  char   **trackers;
  char   **web_seeds;
  char    *comment;
  char    *source;
  gboolean is_private;
  gboolean v1;
  gboolean v2;
  gboolean hybrid;
  char   **paths;
} Arguments;

typedef struct
{
  GMainLoop  *loop;
  const char *path;
  ShoalExit   exit;
} Create;

static void
arguments_clear (Arguments *self)
{
  g_free (self->output);
  g_free (self->piece_size);
  g_strfreev (self->trackers);
  g_strfreev (self->web_seeds);
  g_free (self->comment);
  g_free (self->source);
  g_strfreev (self->paths);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Arguments, arguments_clear)

static gboolean
check_texts (const char *option,
             char      **texts)
{
  for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
    {
      if (texts[i][0] == '\0' || !g_utf8_validate (texts[i], -1, NULL))
        {
          shoal_cli_complain (option, "it is empty or not UTF-8");
          return FALSE;
        }
    }

  return TRUE;
}

static gboolean
check_urls (const char        *option,
            char             **urls,
            const char *const *schemes)
{
  if (!check_texts (option, urls))
    return FALSE;

  for (guint i = 0; urls != NULL && urls[i] != NULL; i++)
    {
      g_autofree char *scheme = g_uri_parse_scheme (urls[i]);

      if (scheme == NULL || !g_strv_contains (schemes, scheme))
        {
          shoal_cli_complain (urls[i], "%s needs an address that begins with %s", option,
                              schemes[0]);
          return FALSE;
        }
    }

  return TRUE;
}

/* FALSE: something is wrong, and was told. */
static gboolean
make_options (const Arguments  *arguments,
              ShoalMakeOptions *options)
{
  static const char *const tracker_schemes[] = { "http", "https", "udp", "ws", "wss", NULL };
  static const char *const seed_schemes[] = { "http", "https", "ftp", NULL };
  char *texts[] = { arguments->comment, arguments->source, NULL };

  if (arguments->paths == NULL || g_strv_length (arguments->paths) != 1)
    {
      shoal_cli_complain ("create", "one PATH is needed");
      return FALSE;
    }
  if (arguments->output == NULL)
    {
      shoal_cli_complain ("create", "-o FILE is needed");
      return FALSE;
    }
  if (arguments->v1 + arguments->v2 + arguments->hybrid > 1)
    {
      shoal_cli_complain ("create", "--v1, --v2 and --hybrid exclude each other");
      return FALSE;
    }
  if (arguments->comment == NULL)
    texts[0] = arguments->source, texts[1] = NULL;
  if (!check_texts ("--comment or --source", texts)
      || !check_urls ("--tracker", arguments->trackers, tracker_schemes)
      || !check_urls ("--web-seed", arguments->web_seeds, seed_schemes))
    return FALSE;

  options->path = arguments->paths[0];
  options->kind = arguments->v1 ? SHOAL_MAKE_V1 : arguments->v2 ? SHOAL_MAKE_V2 : SHOAL_MAKE_HYBRID;
  options->trackers = (const char *const *) arguments->trackers;
  options->web_seeds = (const char *const *) arguments->web_seeds;
  options->comment = arguments->comment;
  options->source = arguments->source;
  options->is_private = arguments->is_private;
  options->creation_date = g_get_real_time () / G_USEC_PER_SEC;
  if (arguments->piece_size != NULL
      && (!shoal_cli_parse_size (arguments->piece_size, &options->piece_size)
          || options->piece_size == 0))
    {
      shoal_cli_complain ("--piece-size", "%s is no size: 16KiB, 1MiB or the like",
                          arguments->piece_size);
      return FALSE;
    }

  return TRUE;
}

static void
share_cb (double   share,
          gpointer user_data)
{
  shoal_cli_progress (share, "hashing");
}

static void
created_cb (GObject      *object,
            GAsyncResult *result,
            gpointer      user_data)
{
  Create *self = user_data;
  g_autoptr(GError) error = NULL;

  shoal_cli_progress_clear ();
  if (!shoal_create_torrent_finish (result, &error))
    {
      self->exit = shoal_cli_fail (self->path, error);
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        self->exit = SHOAL_EXIT_WRONG;
    }
  g_main_loop_quit (self->loop);
}

ShoalExit
shoal_cli_create (int    argc,
                  char **argv)
{
  g_auto(Arguments) arguments = { NULL };
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &arguments.output, "The .torrent to write", "FILE" },
    { "piece-size", 0, 0, G_OPTION_ARG_STRING, &arguments.piece_size,
      "A power of two, 16KiB or more", "SIZE" },
    { "tracker", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments.trackers,
      "Add a tracker, each in a tier of its own", "URL" },
    { "web-seed", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments.web_seeds, "Add a web seed",
      "URL" },
    { "comment", 0, 0, G_OPTION_ARG_FILENAME, &arguments.comment, "A comment", "TEXT" },
    { "source", 0, 0, G_OPTION_ARG_FILENAME, &arguments.source,
      "Where it comes from; changes the info-hash", "TEXT" },
    { "private", 0, 0, G_OPTION_ARG_NONE, &arguments.is_private,
      "Peers are found by its trackers only", NULL },
    { "v1", 0, 0, G_OPTION_ARG_NONE, &arguments.v1, "Version 1 only", NULL },
    { "v2", 0, 0, G_OPTION_ARG_NONE, &arguments.v2, "Version 2 only", NULL },
    { "hybrid", 0, 0, G_OPTION_ARG_NONE, &arguments.hybrid, "Both versions (default)", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments.paths, NULL, NULL },
    { NULL },
  };
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  ShoalMakeOptions options = { NULL };
  Create self = { .loop = loop, .exit = SHOAL_EXIT_DONE };

  if (!shoal_cli_parse (argc, argv, "PATH -o FILE", "Makes a .torrent from a file or folder.",
                        entries, NULL)
      || !make_options (&arguments, &options))
    return SHOAL_EXIT_WRONG;

  self.path = options.path;
  shoal_create_torrent_async (&options, arguments.output, NULL, share_cb, NULL, created_cb, &self);
  g_main_loop_run (loop);
  return self.exit;
}
