/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many take part in a torrent, in words. */

#include "shoal-swarm-text.h"

#include <glib/gi18n-lib.h>

#define COUNT_MAX 9999999   /* what a tracker counts is not believed, nor shown, beyond */

/* A number stays with what it counts. Takes over @text. */
static char *
in_one_line (char *text)
{
  g_autoptr (GString) joined = g_string_new (text);

  g_free (text);
  g_string_replace (joined, " ", "\302\240", 0);

  return g_string_free (g_steal_pointer (&joined), FALSE);
}

char *
shoal_swarm_text (guint  n_seeds,
                  gint64 seeds,
                  gint64 leechers)
{
  guint n = (guint) CLAMP (seeds, 0, COUNT_MAX);
  g_autofree char *giving = NULL;
  g_autofree char *taking = NULL;

  if (seeds < 0)
    return NULL;

  /* The tracker may have counted long ago, or not all. */
  if (n_seeds > 0 && n_seeds <= n)
    giving = g_strdup_printf (ngettext ("%u of %u seed", "%u of %u seeds", n), n_seeds, n);
  else
    giving = g_strdup_printf (ngettext ("%u seed", "%u seeds", n), n);
  giving = in_one_line (giving);
  if (leechers < 0)
    return g_steal_pointer (&giving);

  n = (guint) MIN (leechers, COUNT_MAX);
  taking = in_one_line (g_strdup_printf (ngettext ("%u downloading", "%u downloading", n), n));

  /* Translators: how many seeds a tracker counts, and how many that are downloading: "3 of 120
   * seeds, 14 downloading" */
  return g_strdup_printf (C_("swarm", "%s, %s"), giving, taking);
}

char *
shoal_completed_text (gint64 completed)
{
  guint n = (guint) CLAMP (completed, 0, COUNT_MAX);

  if (completed < 0)
    return NULL;

  return g_strdup_printf (ngettext ("The tracker has counted %u complete download",
                                    "The tracker has counted %u complete downloads",
                                    n),
                          n);
}
