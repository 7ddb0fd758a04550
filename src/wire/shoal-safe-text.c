/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text from the network made fit for eyes: valid, short, without control characters. */

#include "shoal-safe-text.h"

/* A peer must not be able to make a line in a list read backwards or break in two. */
static gboolean
is_unsafe (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return TRUE;
    default:
      return FALSE;
    }
}

char *
shoal_safe_text (const guint8 *bytes,
                 gsize         size,
                 gsize         max)
{
  g_autofree char *valid = NULL;
  g_autoptr (GString) text = NULL;

  if (bytes == NULL || size == 0)
    return NULL;

  /* A character has at most 4 bytes, and one that is not valid becomes 3: no need to look
   * further. */
  valid = g_utf8_make_valid ((const char *) bytes, (gssize) MIN (size, max * 4));
  text = g_string_new (NULL);
  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);

      if (is_unsafe (c))
        c = ' ';
      if (text->len + (gsize) g_unichar_to_utf8 (c, NULL) > max)
        break;
      g_string_append_unichar (text, c);
    }
  g_strstrip (text->str);

  return text->str[0] != '\0' ? g_strdup (text->str) : NULL;
}
