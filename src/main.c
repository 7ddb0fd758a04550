/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window's program: sets the language and runs the application. */

#include <glib/gi18n.h>
#include <locale.h>

#include "shoal-application.h"

int
main (int   argc,
      char *argv[])
{
  g_autoptr(ShoalApplication) app = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, SHOAL_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  app = shoal_application_new ();

  return g_application_run (G_APPLICATION (app), argc, argv);
}
