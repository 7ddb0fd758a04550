/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds links that can be added in text that the user pasted, dropped or typed. */

/* Only the beginning of a link is looked at: whether it is a good one is for the session to say,
 * whose error then names what is wrong. */

#include "shoal-link-text.h"

#include <string.h>

#define MAX_TEXT_SIZE (1024 * 1024)
#define MAX_LINKS     100
#define HEX_DIGITS    40
#define BASE32_DIGITS 32

static gboolean
has_prefix (const char *word,
            const char *prefix)
{
  gsize size = strlen (prefix);

  return g_ascii_strncasecmp (word, prefix, size) == 0 && word[size] != '\0';
}

static gboolean
is_info_hash (const char *word)
{
  gsize size = strlen (word);

  if (size == HEX_DIGITS)
    return strspn (word, "0123456789abcdefABCDEF") == size;
  if (size == BASE32_DIGITS)
    return strspn (word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == size;

  return FALSE;
}

char **
shoal_link_text_find (const char *text)
{
  g_autoptr(GStrvBuilder) links = g_strv_builder_new ();
  g_auto(GStrv) words = NULL;
  g_autofree char *start = NULL;
  guint n = 0;

  if (text == NULL)
    return g_strv_builder_end (links);

  start = g_strndup (text, MAX_TEXT_SIZE);
  words = g_strsplit_set (start, " \t\r\n", -1);

  for (guint i = 0; words[i] != NULL && n < MAX_LINKS; i++)
    {
      if (!g_utf8_validate (words[i], -1, NULL))
        continue;

      if (has_prefix (words[i], "magnet:?") || has_prefix (words[i], "http://")
          || has_prefix (words[i], "https://"))
        g_strv_builder_add (links, words[i]);
      else if (is_info_hash (words[i]))
        {
          g_autofree char *magnet = g_strconcat ("magnet:?xt=urn:btih:", words[i], NULL);

          g_strv_builder_add (links, magnet);
        }
      else
        continue;

      n++;
    }

  return g_strv_builder_end (links);
}

gboolean
shoal_link_text_is_torrent (const char *link)
{
  gsize path_size;

  g_return_val_if_fail (link != NULL, FALSE);

  if (has_prefix (link, "magnet:?"))
    return TRUE;
  if (!has_prefix (link, "http://") && !has_prefix (link, "https://"))
    return FALSE;

  path_size = strcspn (link, "?#");

  return path_size > strlen (".torrent")
         && g_ascii_strncasecmp (link + path_size - strlen (".torrent"), ".torrent",
                                 strlen (".torrent"))
              == 0;
}
