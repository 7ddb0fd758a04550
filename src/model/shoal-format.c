/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes, rates, times and shares as translated text. */

#include "shoal-format.h"

#include <glib/gi18n-lib.h>

#define MINUTE 60
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define YEAR   (365 * DAY)

char *
shoal_format_size (guint64 bytes)
{
  return g_format_size (bytes);
}

char *
shoal_format_rate (guint64 bytes_per_second)
{
  g_autofree char *size = g_format_size (bytes_per_second);

  /* Translators: a rate; %s is a size such as "3.2 MB" */
  return g_strdup_printf (_("%s/s"), size);
}

/* Two units at most: what comes after them changes faster than anyone reads. */
char *
shoal_format_duration (gint64 seconds)
{
  seconds = MAX (seconds, 0);

  if (seconds >= YEAR)
    return g_strdup (_("more than a year"));

  if (seconds >= DAY)
    {
      guint days = (guint) (seconds / DAY);
      guint hours = (guint) (seconds % DAY / HOUR);

      if (hours == 0)
        return g_strdup_printf (ngettext ("%u d", "%u d", days), days);

      /* Translators: days and hours */
      return g_strdup_printf (ngettext ("%u d %u h", "%u d %u h", days), days, hours);
    }

  if (seconds >= HOUR)
    {
      guint hours = (guint) (seconds / HOUR);
      guint minutes = (guint) (seconds % HOUR / MINUTE);

      if (minutes == 0)
        return g_strdup_printf (ngettext ("%u h", "%u h", hours), hours);

      /* Translators: hours and minutes */
      return g_strdup_printf (ngettext ("%u h %u min", "%u h %u min", hours), hours, minutes);
    }

  if (seconds >= MINUTE)
    return g_strdup_printf (ngettext ("%u min", "%u min", (gulong) (seconds / MINUTE)),
                            (guint) (seconds / MINUTE));

  return g_strdup_printf (ngettext ("%u s", "%u s", (gulong) seconds), (guint) seconds);
}

char *
shoal_format_time_left (gint64 seconds)
{
  g_autofree char *duration = NULL;

  if (seconds < 0)
    return NULL;

  duration = shoal_format_duration (seconds);

  /* Translators: %s is a time such as "2 min" */
  return g_strdup_printf (_("%s left"), duration);
}

char *
shoal_format_percent (double share)
{
  /* What is off by less than a millionth of a percent was a whole number before it became a
   * fraction. */
  double percent = CLAMP (share, 0.0, 1.0) * 100.0 + 1e-8;

  return g_strdup_printf (_("%u%%"), share >= 1.0 ? 100u : MIN ((guint) percent, 99u));
}
