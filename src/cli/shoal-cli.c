/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shoal-cli: finds the command and runs it. */

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "shoal-cli-commands.h"

typedef struct
{
  const char *name;
  ShoalExit (*run) (int argc, char **argv);
  const char *usage;
} Command;

static const Command commands[] = {
  { "show", shoal_cli_show, "SOURCE [--json]" },
  { "create", shoal_cli_create,
    "PATH -o FILE [--piece-size SIZE] [--tracker URL]... [--web-seed URL]... [--comment TEXT]\n"
    "                     [--source TEXT] [--private] [--v1 | --v2 | --hybrid]" },
  { "magnet", shoal_cli_magnet, "TORRENT" },
  { "verify", shoal_cli_verify, "TORRENT --dir DIR [--json]" },
  { "download", shoal_cli_download,
    "SOURCE... --dir DIR [--state DIR] [--port N] [--bind NAME-OR-ADDRESS] [--peer HOST:PORT]...\n"
    "                     [--no-dht] [--dht-router HOST:PORT]... [--no-lsd] [--no-pex] [--no-utp] "
    "[--no-tcp]\n"
    "                     [--no-trackers] [--no-portmap]\n"
    "                     [--encryption=off|prefer|require] [--dns ADDRESS]... [--proxy URL] "
    "[--proxy-all] [--filter FILE-OR-URL]\n"
    "                     [--limit-down KIB] [--limit-up KIB] [--max-peers N] [--sequential] "
    "[--super-seeding] [--select LIST]\n"
    "                     [--seed] [--seed-ratio R]\n"
    "                     [--seed-time MINUTES] [--json] [--quiet]" },
  { "serve", shoal_cli_serve, "--state DIR [the options of download that concern the session]" },
};

static void
print_help (void)
{
  printf ("Usage:\n");
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    printf ("  shoal-cli %-8s %s\n", commands[i].name, commands[i].usage);
  printf ("\n"
          "SOURCE is a .torrent file, a magnet link, or an http link to a .torrent. SIZE takes the "
          "suffixes KiB and\n"
          "MiB. LIST is indices of files: 0,2,4-6. More about a command: shoal-cli COMMAND --help\n"
          "\n"
          "Exit status: 0 done; 1 it could not be done; 2 the input or the command line is wrong;\n"
          "130 and 143 on SIGINT and SIGTERM.\n");
}

/* For the commands that have nothing to put in order first; the others replace these. */
static void
exit_at_once (int number)
{
  _exit (number == SIGINT ? SHOAL_EXIT_INTERRUPT : SHOAL_EXIT_TERMINATE);
}

int
main (int    argc,
      char **argv)
{
  setlocale (LC_ALL, "");
  g_set_prgname ("shoal-cli");
  signal (SIGINT, exit_at_once);
  signal (SIGTERM, exit_at_once);

  if (argc < 2)
    {
      shoal_cli_complain (NULL,
                          "a command is needed: show, create, magnet, verify, download or serve");
      return SHOAL_EXIT_WRONG;
    }

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (argv[1], commands[i].name) == 0)
      return commands[i].run (argc - 1, argv + 1);

  if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0
      || strcmp (argv[1], "help") == 0)
    {
      print_help ();
      return shoal_cli_flush (SHOAL_EXIT_DONE);
    }
  if (strcmp (argv[1], "--version") == 0)
    {
      printf ("shoal-cli %s\n", SHOAL_VERSION);
      return shoal_cli_flush (SHOAL_EXIT_DONE);
    }

  shoal_cli_complain (argv[1], "there is no such command");
  return SHOAL_EXIT_WRONG;
}
