/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: any text as a magnet link; what is taken is written back the same. */

#include "shoal-magnet.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (ShoalMagnet) magnet = shoal_magnet_parse (text, &error);
  g_autoptr (ShoalMagnet) same = NULL;
  g_autoptr (GArray) ranges = shoal_ranges_parse (text, NULL);
  g_autofree char *uri = NULL;
  g_autofree char *again = NULL;

  g_assert_true (ranges == NULL || ranges->len > 0);
  g_assert_true ((magnet == NULL) == (error != NULL));
  if (magnet == NULL)
    return 0;
  g_assert_true (magnet->name == NULL || g_utf8_validate (magnet->name, -1, NULL));
  uri = shoal_magnet_to_uri (magnet);
  g_assert_true (g_str_is_ascii (uri));
  if (strlen (uri) > SHOAL_MAGNET_SIZE_MAX)
    return 0;
  same = shoal_magnet_parse (uri, NULL);
  g_assert_nonnull (same);
  again = shoal_magnet_to_uri (same);
  g_assert_cmpstr (uri, ==, again);

  return 0;
}
