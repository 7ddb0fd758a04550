/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a list of half a million blocked ranges takes to load, and one address to be looked
 * up. */

#include "shoal-filter.h"

#include <stdio.h>
#include <string.h>

#define N_RANGES  500000u
#define N_LOOKUPS 5000000u

static guint32
next (guint64 *state)
{
  *state = *state * G_GUINT64_CONSTANT (6364136223846793005)
           + G_GUINT64_CONSTANT (1442695040888963407);

  return (guint32) (*state >> 32);
}

static void
append_ip (GString *text,
           guint32  ip)
{
  g_string_append_printf (text, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

static double
measure (gboolean sorted)
{
  g_autoptr(GString) text = g_string_new (NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(ShoalFilterList) list = NULL;
  g_autoptr(ShoalFilter) filter = NULL;
  guint64 state = 1;
  guint n_blocked = 0;
  gint64 begun_us;
  double load_s, look_s;

  for (guint32 i = 0; i < N_RANGES; i++)
    {
      guint32 first = sorted ? i * 8000u + next (&state) % 4000 : next (&state);

      g_string_append_printf (text, "Some organisation, department %u:", i);
      append_ip (text, first);
      g_string_append_c (text, '-');
      append_ip (text, first + MIN (next (&state) % 4000, G_MAXUINT32 - first));
      g_string_append_c (text, '\n');
    }
  begun_us = g_get_monotonic_time ();
  list = shoal_filter_list_parse (text->str, text->len, &error);
  filter = shoal_filter_new (list);
  load_s = (double) (g_get_monotonic_time () - begun_us) / G_USEC_PER_SEC;

  begun_us = g_get_monotonic_time ();
  for (guint i = 0; i < N_LOOKUPS; i++)
    {
      guint32 ip = next (&state);
      const guint8 bytes[4] = { (guint8) (ip >> 24), (guint8) (ip >> 16), (guint8) (ip >> 8),
                                (guint8) ip };
      ShoalAddr addr = shoal_addr_make (SHOAL_FAMILY_IPV4, bytes, 1);

      n_blocked += shoal_filter_blocks (filter, &addr);
    }
  look_s = (double) (g_get_monotonic_time () - begun_us) / G_USEC_PER_SEC;
  printf ("%s: %u lines, %.1f MB: %.3f s to load (%u ranges), %.0f ns for a look-up (%.0f %% "
          "blocked)\n",
          sorted ? "sorted" : "shuffled", N_RANGES, (double) text->len / 1e6, load_s,
          shoal_filter_size (filter), look_s / N_LOOKUPS * 1e9, 100.0 * n_blocked / N_LOOKUPS);

  return MAX (load_s / 0.3, look_s / N_LOOKUPS / 1e-6);
}

int
main (void)
{
  return measure (TRUE) < 1 && measure (FALSE) < 1 ? 0 : 1;
}
